//! The histogram of class sizes: all that the population models look at.

/// How many classes of each size a sample has: records that share every column under study form a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    counts: Vec<(usize, usize)>,
    records: usize,
    classes: usize,
}

impl Sizes {
    /// From pairs of a class size and the number of such classes, in any order; sizes and counts of zero are nothing.
    ///
    /// ```
    /// use privet::population::Sizes;
    /// let sizes = Sizes::new(&[(3, 1), (1, 4), (2, 2)]);
    /// assert_eq!((sizes.records(), sizes.classes(), sizes.of(1)), (11, 7, 4));
    /// ```
    pub fn new(pairs: &[(usize, usize)]) -> Self {
        let mut counts: Vec<(usize, usize)> = Vec::with_capacity(pairs.len());
        let mut sorted: Vec<(usize, usize)> = pairs.iter().copied().filter(|pair| pair.0 > 0 && pair.1 > 0).collect();
        sorted.sort_unstable();
        for (size, count) in sorted {
            match counts.last_mut() {
                Some(last) if last.0 == size => last.1 += count,
                _ => counts.push((size, count)),
            }
        }
        let records = counts.iter().map(|(size, count)| size * count).sum();
        let classes = counts.iter().map(|pair| pair.1).sum();
        Self { counts, records, classes }
    }

    /// From the size of every class, in any order.
    pub fn of_classes(sizes: impl IntoIterator<Item = usize>) -> Self {
        let mut sorted: Vec<usize> = sizes.into_iter().collect();
        sorted.sort_unstable();
        let pairs: Vec<(usize, usize)> = sorted.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect();
        Self::new(&pairs)
    }

    /// Number of records, n.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Number of classes, C.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of classes of a size, `c_i`.
    pub fn of(&self, size: usize) -> usize {
        self.counts.binary_search_by_key(&size, |pair| pair.0).map_or(0, |at| self.counts[at].1)
    }

    /// Share of records that are alone in their class; 0 without records.
    pub fn uniqueness(&self) -> f64 {
        self.of(1) as f64 / self.records.max(1) as f64
    }

    /// Pairs of a size and the number of classes of that size, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.counts.iter().copied()
    }
}

/// ARX's adult data, 30,162 rows and nine columns, whose exact answers ARX's tests print.
#[cfg(test)]
pub(super) fn adult() -> Sizes {
    Sizes::new(&[
        (1, 15512),
        (2, 2098),
        (3, 754),
        (4, 375),
        (5, 189),
        (6, 155),
        (7, 97),
        (8, 73),
        (9, 39),
        (10, 37),
        (11, 29),
        (12, 18),
        (13, 23),
        (14, 14),
        (15, 15),
        (16, 9),
        (17, 11),
        (18, 10),
        (19, 10),
        (20, 5),
        (21, 3),
        (22, 4),
        (23, 3),
        (24, 2),
        (25, 1),
        (26, 3),
        (27, 5),
        (29, 1),
        (30, 2),
        (32, 1),
        (34, 1),
        (35, 1),
        (36, 1),
        (45, 1),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The counts that ARX's `TestRiskMetrics` asserts on these data.
    #[test]
    fn adult_of_arx() {
        let sizes = adult();
        assert_eq!((sizes.records(), sizes.classes()), (30_162, 19_502));
        assert!((sizes.classes() as f64 / sizes.records() as f64 - 0.646_575_160_798_355_5).abs() < 1e-15);
        assert!((sizes.uniqueness() - 0.514_289_503_348_584_4).abs() < 1e-15);
        let below =
            |most: usize| -> usize { sizes.iter().filter(|pair| pair.0 < most).map(|pair| pair.0 * pair.1).sum() };
        assert_eq!([5, 11, 12, 20].map(below), [23_470, 27_329, 27_648, 29_285]);
    }

    #[test]
    fn classes_are_counted_by_size() {
        assert_eq!(Sizes::of_classes([2, 1, 1, 2, 5]), Sizes::new(&[(5, 1), (1, 2), (2, 2), (0, 3), (4, 0)]));
        assert_eq!(Sizes::of_classes([]).uniqueness(), 0.0);
    }
}
