//! Whether numbers lie within an interval around their masked values.

/// Columns of numbers of an original file and of a masked one, and how far the masked numbers spread.
///
/// A number is inside where it differs from the masked one by at most `k` times the standard deviation (n - 1) of its masked
/// column. A cell that is missing on either side, and a column with fewer than two masked numbers, is not compared.
///
/// Reference: Mateo-Sanz, Sebe and Domingo-Ferrer, Outlier protection in continuous microdata masking, Privacy in Statistical
/// Databases, LNCS 3050 (2004) 201-215; Templ, Statistical Disclosure Control for Microdata, Springer 2017.
///
/// ```
/// use privet::linkage::Intervals;
/// // The masked numbers spread by 10: 0.5 on either side for k = 0.05.
/// let one = Intervals::of(vec![(vec![0.4, 10.0, 21.0], vec![0.0, 10.0, 20.0])]);
/// let all: Vec<bool> = (0..3).map(|row| one.inside(row, row, 0.05).all()).collect();
/// assert_eq!(all, [true, true, false]);
/// ```
#[derive(Debug, Clone)]
pub struct Intervals {
    columns: Vec<Column>,
}

#[derive(Debug, Clone)]
struct Column {
    original: Vec<f64>,
    masked: Vec<f64>,
    spread: f64,
}

/// How many columns of a record were compared, and how many of them lie inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside {
    inside: usize,
    compared: usize,
}

impl Inside {
    /// Whether all columns lie inside, and there is one.
    pub fn all(self) -> bool {
        self.inside > 0 && self.inside == self.compared
    }

    /// Whether at most one column lies outside, and one inside.
    pub fn all_but_one(self) -> bool {
        self.inside > 0 && self.inside + 1 >= self.compared
    }
}

impl Intervals {
    /// Columns of original and of masked numbers; those that are not finite are missing. O(cells).
    pub fn of(columns: Vec<(Vec<f64>, Vec<f64>)>) -> Self {
        let column = |(original, masked): (Vec<f64>, Vec<f64>)| {
            let spread = spread(&masked)?;
            Some(Column { original, masked, spread })
        };
        Self { columns: columns.into_iter().filter_map(column).collect() }
    }

    /// Columns that can be compared.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Compares an original record with a masked one. O(columns).
    ///
    /// # Panics
    /// When there is no such record.
    pub fn inside(&self, original: usize, masked: usize, k: f64) -> Inside {
        let mut found = Inside { inside: 0, compared: 0 };
        for column in &self.columns {
            let (number, around) = (column.original[original], column.masked[masked]);
            if number.is_finite() && around.is_finite() {
                let half = k * column.spread;
                found.compared += 1;
                found.inside += usize::from(around - half <= number && number <= around + half);
            }
        }
        found
    }
}

/// The standard deviation of the numbers that are there; nothing for fewer than two.
fn spread(numbers: &[f64]) -> Option<f64> {
    let there = || numbers.iter().filter(|number| number.is_finite());
    let n = there().count();
    let mean = there().map(|number| number / n as f64).sum::<f64>();
    let squares: f64 = there().map(|number| (number - mean).powi(2)).sum();
    (n > 1).then(|| (squares / (n - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(intervals: &Intervals, rows: usize, k: f64) -> (usize, usize) {
        let found = || (0..rows).map(|row| intervals.inside(row, row, k));
        (found().filter(|inside| inside.all()).count(), found().filter(|inside| inside.all_but_one()).count())
    }

    /// The masked columns spread by sqrt(250) = 15.8 and by sqrt(2000) = 44.7, so k = 0.05 allows 0.79 and 2.24, and k = 0.01
    /// allows 0.16 and 0.45.
    #[test]
    fn a_table_by_hand() {
        let first = (vec![0.7, 10.0, 21.0, 30.0, 40.0], vec![0.0, 10.0, 20.0, 30.0, 40.0]);
        let second = (vec![2.0, -2.0, 3.0, 0.0, 90.0], vec![0.0, 0.0, 0.0, 0.0, 100.0]);
        let found = Intervals::of(vec![first, second]);
        assert_eq!(counts(&found, 5, 0.05), (3, 4));
        assert_eq!(counts(&found, 5, 0.01), (1, 3));
    }

    #[test]
    fn what_is_missing_is_not_compared() {
        let nan = f64::NAN;
        let found = Intervals::of(vec![
            (vec![1.0, 9.0, nan, nan], vec![1.0, 2.0, 3.0, nan]),
            (vec![5.0, 5.0, 5.0, nan], vec![5.0, nan, f64::INFINITY, 6.0]),
            (vec![1.0, 2.0, 3.0, 4.0], vec![7.0, nan, nan, nan]),
        ]);
        assert_eq!(found.columns(), 2, "one masked number has no spread");
        // Both inside; the only one that is left outside; nothing left; nothing left.
        assert_eq!(counts(&found, 4, 0.05), (1, 1));
        assert_eq!(counts(&Intervals::of(Vec::new()), 4, 0.05), (0, 0));
    }

    /// A masked column that is constant: who has the constant is inside. Numbers at the end of what a double holds do no harm.
    #[test]
    fn edges_have_width() {
        assert_eq!(counts(&Intervals::of(vec![(vec![4.0, 5.0], vec![4.0, 4.0])]), 2, 0.05), (1, 1));
        let huge = vec![1.7e308, -1.7e308, 0.0];
        assert_eq!(counts(&Intervals::of(vec![(huge.clone(), huge)]), 3, 0.01), (3, 3));
    }

    proptest! {
        /// What is not masked is inside, wider intervals hold no fewer, and one column has no second one to spare.
        #[test]
        fn laws_of_intervals(rows in prop::collection::vec((-50_i8..50, -50_i8..50, -50_i8..50, -50_i8..50), 2..40)) {
            let column = |cell: fn(&(i8, i8, i8, i8)) -> i8| rows.iter().map(|row| f64::from(cell(row))).collect::<Vec<_>>();
            let n = rows.len();
            let (a, b) = ((column(|r| r.0), column(|r| r.1)), (column(|r| r.2), column(|r| r.3)));
            let same = Intervals::of(vec![(a.0.clone(), a.0.clone()), (b.0.clone(), b.0.clone())]);
            prop_assert_eq!(counts(&same, n, 0.01), (n, n));
            let one = counts(&Intervals::of(vec![a.clone()]), n, 0.05);
            prop_assert_eq!(one.0, one.1);
            let both = Intervals::of(vec![a, b]);
            let (narrow, wide) = (counts(&both, n, 0.2), counts(&both, n, 0.6));
            prop_assert!(narrow.0 <= wide.0 && narrow.1 <= wide.1 && narrow.0 <= narrow.1);
        }
    }
}
