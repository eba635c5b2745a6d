//! What a difference between two versions gives away, and when it counts.

use super::means::Columns;
use crate::check::disclosure::images::Image;

/// How near a cell that follows from weights has to be, in standard deviations.
const NEAR_SPREAD: f64 = 0.25;
/// The chance that is taken for none.
const CHANCE: f64 = 1e-3;
/// Fewest values of a column in which distances mean something, and fewest such columns.
const FEWEST_VALUES: usize = 11;
const FEWEST_COLUMNS: usize = 4;
/// The share of cells from which a sum of records is recognised.
const RECOGNISED: f64 = 0.5;
/// How far a record may be from the mean, in standard deviations.
pub(super) const PLAUSIBLE: f64 = 6.0;

/// What became of the records by which two versions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// They are members now.
    Added,
    /// They no longer are.
    TakenOut,
}

impl Change {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::TakenOut => "taken out",
        }
    }
}

/// Where a difference stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A mean over all members.
    Mean,
    /// A mean over the members of a class.
    ClassMean,
    /// The weights of a linear map.
    Weights,
}

impl Source {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Mean => "mean of all members",
            Self::ClassMean => "mean of the members of a class",
            Self::Weights => "weights of a linear map",
        }
    }

    /// How near cells are, in words.
    pub(super) fn nearness(self) -> &'static str {
        if self == Self::Weights { "to a quarter of a standard deviation" } else { "to 1 %" }
    }
}

/// What one difference gives away.
pub(super) struct Tale {
    pub(super) source: Source,
    pub(super) change: Change,
    pub(super) columns: usize,
    /// How many records were added or taken out, by the best agreement.
    pub(super) records: usize,
    /// Share of cells that agree with records where they belong, and with those where they do not.
    pub(super) found: f64,
    pub(super) control: f64,
    /// Whether the sum, taken as that of fewer than 11 people, lies where records lie.
    pub(super) plausible: bool,
    /// How often chance would bring a record as near, where that is what counts.
    pub(super) chance: Option<f64>,
}

impl Tale {
    /// Whether records were recovered, and not something that any record would agree with.
    pub(super) fn counts(&self) -> bool {
        match self.chance {
            Some(chance) => chance <= CHANCE,
            None => self.found >= RECOGNISED && self.control <= 0.5 * self.found,
        }
    }
}

/// Whether the record that follows from linear maps is near a member's, or near that of a hold-out record.
pub(super) fn of_weights(image: &Image<'_>, members: usize, record: &[f64]) -> Vec<Tale> {
    let count = image.values.len() / image.width;
    let columns = Columns::of(image, &(0..count).collect::<Vec<usize>>());
    let many_valued = |&&column: &&usize| {
        let mut values: Vec<u32> = (0..count).map(|at| image.values[at * image.width + column].to_bits()).collect();
        values.sort_unstable();
        values.dedup();
        values.len() >= FEWEST_VALUES
    };
    let telling: Vec<usize> = columns.telling.iter().filter(many_valued).copied().collect();
    if telling.len() < FEWEST_COLUMNS || members == 0 || members == count {
        return Vec::new();
    }
    let apart = |at: usize, column: usize| {
        (record[column] - f64::from(image.values[at * image.width + column])).abs() / columns.spread[column]
    };
    let nearest = |rows: std::ops::Range<usize>| {
        let distance = |at: usize| telling.iter().map(|&column| apart(at, column).powi(2)).sum::<f64>();
        let (size, first) = (rows.len() as f64, rows.start);
        let (near, at) = rows
            .map(|at| (distance(at).sqrt(), at))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((f64::INFINITY, first));
        (near, at, size)
    };
    let share = |at: usize| {
        let near = telling.iter().filter(|&&column| apart(at, column) <= NEAR_SPREAD).count();
        near as f64 / telling.len() as f64
    };
    let (inside, outside) = (nearest(0..members), nearest(members..count));
    let plausible = telling
        .iter()
        .all(|&column| (record[column] - columns.mean[column]).abs() <= PLAUSIBLE * columns.spread[column]);
    let tale = |change: Change, found: (f64, usize, f64), control: (f64, usize, f64)| Tale {
        source: Source::Weights,
        change,
        columns: telling.len(),
        records: 1,
        found: share(found.1),
        control: share(control.1),
        plausible,
        // One of the other side is expected within the distance of its nearest: so many of this side within this distance.
        chance: Some(if control.0 > 0.0 {
            (found.2 / control.2 * (found.0 / control.0).powi(telling.len() as i32)).min(1.0)
        } else {
            1.0
        }),
    };
    vec![tale(Change::Added, inside, outside), tale(Change::TakenOut, outside, inside)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::normal;
    use crate::seed::Seed;

    /// Three times as many members as others: the record of the last one is found, that of nobody is not.
    #[test]
    fn all_records_of_sets_of_different_size_are_looked_at() {
        const WIDTH: usize = 8;
        let (members, others) = (600, 200);
        let values: Vec<f32> =
            normal((members + others) * WIDTH, 0.0, Seed::root(3)).into_iter().map(|value| value as f32).collect();
        let image = Image { what: String::new(), tensor: None, width: WIDTH, values: values.clone() };
        let row = |at: usize| values[at * WIDTH..][..WIDTH].iter().map(|&v| f64::from(v) + 0.01).collect::<Vec<f64>>();
        let counts = |record: &[f64]| of_weights(&image, members, record).iter().map(Tale::counts).collect::<Vec<_>>();
        assert_eq!(counts(&row(members - 1)), [true, false]);
        assert_eq!(counts(&row(members + others - 1)), [false, true]);
        let told = (0..20).filter(|&seed| counts(&normal(WIDTH, 0.0, Seed::root(seed + 50))).contains(&true)).count();
        assert_eq!(told, 0, "strangers are near nobody");
    }
}
