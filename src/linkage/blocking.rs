//! Blocking: which pairs are worth comparing.

use std::collections::HashMap;

use super::field::{Field, MISSING};

/// The pairs to compare: all of them, or those that agree in every field of at least one key.
#[derive(Debug, Clone)]
pub struct Blocking {
    left: usize,
    right: usize,
    keys: Vec<Key>,
}

/// The records of both files by what they hold in some fields.
#[derive(Debug, Clone)]
struct Key {
    /// The fields.
    fields: Vec<usize>,
    /// Block of each left record; [`MISSING`] where it has none.
    block_of_left: Vec<u32>,
    /// Right records by block.
    rights: Vec<u32>,
    /// Where each block starts in `rights`; one more than blocks.
    starts: Vec<u32>,
}

impl Blocking {
    /// Every pair of a left and a right record.
    pub fn all(left: usize, right: usize) -> Self {
        Self { left, right, keys: Vec::new() }
    }

    /// The union of the blocks of some keys, each a list of fields. A record that misses a value of a key is in none of its
    /// blocks. O(records x fields).
    ///
    /// # Panics
    /// When a key names no field, or one that is not there.
    pub fn on(fields: &[Field], keys: &[Vec<usize>]) -> Self {
        let (left, right) = fields.first().map_or((0, 0), |field| (field.left.len(), field.right.len()));
        Self { left, right, keys: keys.iter().map(|key| Key::of(fields, key, right)).collect() }
    }

    /// The pairs that will be compared at most: exact without a key or with one, with several those in more than one block
    /// count more than once.
    pub fn bound(&self) -> u64 {
        if self.keys.is_empty() {
            return self.left as u64 * self.right as u64;
        }
        self.keys.iter().map(Key::pairs).sum()
    }

    /// The fields of each key; empty where all pairs are compared.
    pub fn keys(&self) -> Vec<&[usize]> {
        self.keys.iter().map(|key| key.fields.as_slice()).collect()
    }

    /// Number of left records.
    pub fn lefts(&self) -> usize {
        self.left
    }

    /// Number of right records.
    pub fn rights(&self) -> usize {
        self.right
    }

    /// The right records to compare with a left one, ascending, each once.
    pub fn candidates(&self, left: usize) -> Vec<u32> {
        if self.keys.is_empty() {
            return (0..self.right as u32).collect();
        }
        let mut found: Vec<u32> = self.keys.iter().flat_map(|key| key.candidates(left).iter().copied()).collect();
        if self.keys.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
        found
    }

    /// The pairs of one key alone.
    pub(super) fn only(&self, key: usize) -> Self {
        Self { left: self.left, right: self.right, keys: vec![self.keys[key].clone()] }
    }
}

impl Key {
    fn of(fields: &[Field], key: &[usize], right: usize) -> Self {
        assert!(!key.is_empty(), "a key has a field");
        let values = |side: &dyn Fn(&Field) -> u32| -> Option<Vec<u32>> {
            key.iter().map(|&field| Some(side(&fields[field])).filter(|&code| code != MISSING)).collect()
        };
        let mut blocks: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut block_of = |values: Option<Vec<u32>>| match values {
            None => MISSING,
            Some(values) => {
                let next = blocks.len() as u32;
                *blocks.entry(values).or_insert(next)
            }
        };
        let of_right: Vec<u32> = (0..right).map(|row| block_of(values(&|field| field.right[row]))).collect();
        let left = fields[key[0]].left.len();
        let block_of_left = (0..left).map(|row| block_of(values(&|field| field.left[row]))).collect();
        let mut starts = vec![0_u32; blocks.len() + 1];
        of_right.iter().filter(|&&block| block != MISSING).for_each(|&block| starts[block as usize + 1] += 1);
        for block in 0..blocks.len() {
            starts[block + 1] += starts[block];
        }
        let mut next = starts.clone();
        let mut rights = vec![0; starts[blocks.len()] as usize];
        for (row, &block) in of_right.iter().enumerate().filter(|(_, block)| **block != MISSING) {
            rights[next[block as usize] as usize] = row as u32;
            next[block as usize] += 1;
        }
        Self { fields: key.to_vec(), block_of_left, rights, starts }
    }

    fn candidates(&self, left: usize) -> &[u32] {
        match self.block_of_left[left] {
            MISSING => &[],
            block => &self.rights[self.starts[block as usize] as usize..self.starts[block as usize + 1] as usize],
        }
    }

    fn pairs(&self) -> u64 {
        (0..self.block_of_left.len()).map(|left| self.candidates(left).len() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::Domain;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_are_the_pairs_that_agree(
            lefts in prop::collection::vec((0_u32..4, 0_u32..3), 0..12),
            rights in prop::collection::vec((0_u32..4, 0_u32..3), 0..12),
        ) {
            // The largest code stands for a missing value.
            let code = |value: u32, missing: u32| if value == missing { MISSING } else { value };
            let first = Field {
                left: lefts.iter().map(|row| code(row.0, 3)).collect(),
                right: rights.iter().map(|row| code(row.0, 3)).collect(),
                domain: Domain::Exact(3),
            };
            let second = Field {
                left: lefts.iter().map(|row| code(row.1, 2)).collect(),
                right: rights.iter().map(|row| code(row.1, 2)).collect(),
                domain: Domain::Exact(2),
            };
            let fields = [first, second];
            let agree = |at: usize, l: usize, r: usize| {
                fields[at].left[l] != MISSING && fields[at].left[l] == fields[at].right[r]
            };
            for keys in [vec![vec![0]], vec![vec![0, 1]], vec![vec![0], vec![1]]] {
                let blocking = Blocking::on(&fields, &keys);
                let mut pairs = 0;
                for l in 0..lefts.len() {
                    let expected: Vec<u32> = (0..rights.len())
                        .filter(|&r| keys.iter().any(|key| key.iter().all(|&at| agree(at, l, r))))
                        .map(|r| r as u32)
                        .collect();
                    pairs += expected.len() as u64;
                    prop_assert_eq!(blocking.candidates(l), expected);
                }
                let bound = blocking.bound();
                let right = if keys.len() == 1 { bound == pairs } else { bound >= pairs };
                prop_assert!(right, "{} for {}", bound, pairs);
            }
            prop_assert_eq!(Blocking::all(lefts.len(), rights.len()).bound(), (lefts.len() * rights.len()) as u64);
        }
    }
}
