//! Patterns of agreement: what a pair of records looks like once it is compared.

/// Patterns and the number of pairs that show each. A pattern holds one level per comparison, 0 where a side is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns {
    levels: Vec<u8>,
    /// The patterns one after the other, in ascending order.
    flat: Vec<u8>,
    counts: Vec<u64>,
}

impl Patterns {
    /// Patterns with their counts; equal ones are merged. `levels` holds the number of levels of each comparison.
    ///
    /// # Panics
    /// When a pattern has another length or a level that its comparison does not have.
    pub fn of(levels: Vec<u8>, mut counted: Vec<(Vec<u8>, u64)>) -> Self {
        counted.sort_unstable();
        let mut merged: Vec<(Vec<u8>, u64)> = Vec::with_capacity(counted.len());
        for (pattern, count) in counted {
            match merged.last_mut() {
                Some((last, total)) if *last == pattern => *total += count,
                _ => merged.push((pattern, count)),
            }
        }
        Self::unmerged(levels, merged)
    }

    pub(super) fn unmerged(levels: Vec<u8>, counted: Vec<(Vec<u8>, u64)>) -> Self {
        let known = |pattern: &Vec<u8>| {
            pattern.len() == levels.len() && pattern.iter().zip(&levels).all(|(level, most)| level <= most)
        };
        assert!(counted.iter().all(|(pattern, _)| known(pattern)), "a pattern has a level of each comparison");
        let counts = counted.iter().map(|(_, count)| *count).collect();
        Self { levels, flat: counted.into_iter().flat_map(|(pattern, _)| pattern).collect(), counts }
    }

    /// Number of levels of each comparison.
    pub fn levels(&self) -> &[u8] {
        &self.levels
    }

    /// Number of pairs.
    pub fn pairs(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Each pattern with its count, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.flat.chunks(self.levels.len().max(1)).zip(self.counts.iter().copied())
    }

    /// The same pairs with some comparisons read as missing: what a comparison cannot tell inside a block on its own column.
    #[must_use]
    pub fn without(&self, left_out: &[usize]) -> Self {
        let blanked = self.iter().map(|(pattern, count)| {
            let mut pattern = pattern.to_vec();
            left_out.iter().for_each(|&comparison| pattern[comparison] = 0);
            (pattern, count)
        });
        Self::of(self.levels.clone(), blanked.collect())
    }
}
