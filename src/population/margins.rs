//! Tables from their margins, by iterative proportional fitting.

use thiserror::Error;

/// A margin of a table: totals over all other axes, the last axis running fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Margin {
    /// The axes that are kept, each once.
    pub axes: Vec<usize>,
    /// One total for each combination of their levels, not negative.
    pub totals: Vec<f64>,
}

/// Why margins give no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoTable {
    /// A margin names axes that are not there or has another number of totals.
    #[error("a margin does not have the shape of the table")]
    Shape,
    /// A total is negative or not a number.
    #[error("a margin has a total that is no count")]
    Total,
    /// The margins add up to different numbers of people.
    #[error("the margins add up to different numbers of people")]
    Sums,
    /// More cells than are kept.
    #[error("the table has more than {MOST_CELLS} cells; leave out columns or merge levels")]
    TooLarge,
    /// The margins contradict each other, or zeros of the start stand in their way.
    #[error("no table has these margins")]
    Unreached,
}

/// Most cells of a table.
pub const MOST_CELLS: usize = 1 << 22;
/// What is spent on a table of margins.
const EFFORT: Effort = Effort { rounds: 1_000, within: 1e-10, settle: 0.0 };

/// How long a table is fitted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Rounds at most.
    pub(super) rounds: usize,
    /// How near each total has to be reached, relative to the whole.
    pub(super) within: f64,
    /// How near each total has to be reached, in people, after the last round; 0 where nothing less than the above will do.
    pub(super) settle: f64,
}

/// The table with the given margins that is nearest to `start` in information (all ones: independence given the margins);
/// rows of the last axis run fastest. A cell that starts at zero stays zero.
///
/// O(cells x margins) a round. Reference: Deming and Stephan, Annals of Mathematical Statistics 11 (1940) 427-444; Bishop,
/// Fienberg and Holland, Discrete multivariate analysis (1975), section 3.5.
///
/// # Errors
/// [`NoTable`].
///
/// ```
/// use privet::population::{Margin, table_of_margins};
/// // Sex by age: without more than the margins they are independent.
/// let sex = Margin { axes: vec![0], totals: vec![30.0, 70.0] };
/// let age = Margin { axes: vec![1], totals: vec![50.0, 50.0] };
/// assert_eq!(table_of_margins(&[2, 2], &[sex, age], None)?, [15.0, 15.0, 35.0, 35.0]);
/// # Ok::<(), privet::population::NoTable>(())
/// ```
pub fn table_of_margins(levels: &[usize], margins: &[Margin], start: Option<&[f64]>) -> Result<Vec<f64>, NoTable> {
    Ok(table_within(levels, margins, start, EFFORT)?.0)
}

/// [`table_of_margins`] with as much effort as said, and the rounds that it took; all of them where it settles
/// for less.
pub(super) fn table_within(
    levels: &[usize],
    margins: &[Margin],
    start: Option<&[f64]>,
    effort: Effort,
) -> Result<(Vec<f64>, usize), NoTable> {
    let cells = levels.iter().try_fold(1_usize, |all, &levels| all.checked_mul(levels)).unwrap_or(usize::MAX);
    if cells > MOST_CELLS {
        return Err(NoTable::TooLarge);
    }
    let whole = checked(levels, margins)?;
    let mut table = match start {
        Some(start) if start.len() == cells => start.to_vec(),
        Some(_) => return Err(NoTable::Shape),
        None => vec![1.0; cells],
    };
    let places: Vec<Vec<u32>> = margins.iter().map(|margin| places(levels, &margin.axes)).collect();
    let mut worst = 0.0_f64;
    for round in 1..=effort.rounds {
        worst = 0.0;
        for (margin, places) in margins.iter().zip(&places) {
            let sums = sums(&table, places, margin.totals.len());
            let off = sums.iter().zip(&margin.totals).map(|(sum, total)| (sum - total).abs());
            worst = off.fold(worst, f64::max);
            for (cell, &place) in table.iter_mut().zip(places) {
                let sum = sums[place as usize];
                *cell *= if sum > 0.0 { margin.totals[place as usize] / sum } else { 0.0 };
            }
        }
        if worst <= effort.within * whole {
            return Ok((table, round));
        }
    }
    if worst <= effort.settle { Ok((table, effort.rounds)) } else { Err(NoTable::Unreached) }
}

/// The number of people that all margins add up to.
fn checked(levels: &[usize], margins: &[Margin]) -> Result<f64, NoTable> {
    let mut whole: Option<f64> = None;
    for Margin { axes, totals } in margins {
        let twice = axes.iter().enumerate().any(|(at, axis)| axes[..at].contains(axis));
        if twice || axes.iter().any(|&axis| axis >= levels.len()) {
            return Err(NoTable::Shape);
        }
        if axes.iter().map(|&axis| levels[axis]).product::<usize>() != totals.len() {
            return Err(NoTable::Shape);
        }
        if totals.iter().any(|total| !total.is_finite() || *total < 0.0) {
            return Err(NoTable::Total);
        }
        let sum: f64 = totals.iter().sum();
        if whole.is_some_and(|whole| (whole - sum).abs() > 1e-6 * whole.max(sum)) {
            return Err(NoTable::Sums);
        }
        whole = whole.or(Some(sum));
    }
    whole.ok_or(NoTable::Shape)
}

/// For every cell its place in a margin.
fn places(levels: &[usize], axes: &[usize]) -> Vec<u32> {
    let cells: usize = levels.iter().product();
    let strides: Vec<usize> = (0..levels.len()).map(|axis| levels[axis + 1..].iter().product()).collect();
    let place = |cell: usize| {
        axes.iter().fold(0, |place, &axis| place * levels[axis] + cell / strides[axis] % levels[axis]) as u32
    };
    (0..cells).map(place).collect()
}

fn sums(table: &[f64], places: &[u32], length: usize) -> Vec<f64> {
    let mut sums = vec![0.0; length];
    table.iter().zip(places).for_each(|(cell, &place)| sums[place as usize] += cell);
    sums
}

/// The margin of a table over some axes.
pub(super) fn margin_of(levels: &[usize], table: &[f64], axes: &[usize]) -> Margin {
    let length = axes.iter().map(|&axis| levels[axis]).product();
    Margin { axes: axes.to_vec(), totals: sums(table, &places(levels, axes), length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ZIP3 by age by sex from three two-way margins: the table has them, and no three-way interaction (all odds ratios of
    /// one sex equal those of the other).
    #[test]
    fn two_way_margins_are_met_without_a_third_interaction() {
        let levels = [2, 2, 2];
        let truth = [40.0, 10.0, 25.0, 60.0, 5.0, 30.0, 45.0, 20.0];
        let margins = [[0, 1], [0, 2], [1, 2]].map(|axes| margin_of(&levels, &truth, &axes));
        let found = table_of_margins(&levels, &margins, None).unwrap();
        for margin in &margins {
            let again = margin_of(&levels, &found, &margin.axes);
            assert!(again.totals.iter().zip(&margin.totals).all(|(a, b)| (a - b).abs() < 1e-6));
        }
        let odds = |sex: usize| found[sex] * found[6 + sex] / (found[2 + sex] * found[4 + sex]);
        assert!((odds(0) / odds(1) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_no_table_has_is_refused() {
        let margin = |axes: &[usize], totals: &[f64]| Margin { axes: axes.to_vec(), totals: totals.to_vec() };
        let of = |margins: &[Margin]| table_of_margins(&[2, 2], margins, None);
        assert_eq!(of(&[margin(&[0], &[1.0, 2.0]), margin(&[1], &[2.0, 2.0])]), Err(NoTable::Sums));
        assert_eq!(of(&[margin(&[2], &[1.0, 2.0])]), Err(NoTable::Shape));
        assert_eq!(of(&[margin(&[0], &[1.0])]), Err(NoTable::Shape));
        assert_eq!(of(&[margin(&[0], &[1.0, -2.0])]), Err(NoTable::Total));
        assert_eq!(of(&[]), Err(NoTable::Shape));
        assert_eq!(table_of_margins(&[3000, 3000], &[], None), Err(NoTable::TooLarge));
        let diagonal = [1.0, 0.0, 0.0, 1.0];
        let margins = [margin(&[0], &[1.0, 3.0]), margin(&[1], &[3.0, 1.0])];
        assert_eq!(table_of_margins(&[2, 2], &margins, Some(&diagonal)), Err(NoTable::Unreached));
    }
}
