//! Stripped partitions: groups of rows that agree on some columns, without those that nobody shares.

/// Groups of rows, one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Partition {
    rows: Vec<u32>,
    /// Where each group ends.
    ends: Vec<u32>,
}

impl Partition {
    /// One group.
    pub(super) fn whole(rows: u32) -> Self {
        Self { rows: (0..rows).collect(), ends: if rows == 0 { Vec::new() } else { vec![rows] } }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The groups.
    pub(super) fn groups(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.rows[start as usize..end as usize])
    }

    /// One group of these rows.
    pub(super) fn of(rows: &[u32]) -> Self {
        Self { rows: rows.to_vec(), ends: vec![rows.len() as u32] }
    }

    /// All rows in groups.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.ends.clear();
    }
}

/// Room for splitting groups; as many counts as a column has codes.
#[derive(Debug, Clone, Default)]
pub(super) struct Splitter {
    counts: Vec<u32>,
    touched: Vec<u32>,
    pairs: Vec<(u32, u32)>,
    ordered: Vec<u32>,
}

/// Groups of up to this many rows are sorted, larger ones counted.
const SORTED: usize = 24;

impl Splitter {
    /// Splits every group by the codes of a column. `judge` sees each part (rows in the order of the group) and says whether it
    /// is kept in `into`.
    pub(super) fn split(
        &mut self,
        from: &Partition,
        codes: &[u32],
        into: &mut Partition,
        mut judge: impl FnMut(&[u32]) -> bool,
    ) {
        into.clear();
        let mut start = 0;
        let mut keep = |part: &[u32]| {
            if judge(part) {
                into.rows.extend_from_slice(part);
                into.ends.push(into.rows.len() as u32);
            }
        };
        for &end in &from.ends {
            let group = &from.rows[start..end as usize];
            start = end as usize;
            if group.len() <= SORTED {
                self.by_sorting(group, codes, &mut keep);
            } else {
                self.by_counting(group, codes, &mut keep);
            }
        }
    }

    fn by_sorting(&mut self, group: &[u32], codes: &[u32], keep: &mut impl FnMut(&[u32])) {
        self.pairs.clear();
        self.pairs.extend(group.iter().map(|&row| (codes[row as usize], row)));
        self.pairs.sort_by_key(|pair| pair.0);
        self.ordered.clear();
        self.ordered.extend(self.pairs.iter().map(|pair| pair.1));
        let mut start = 0;
        for same in self.pairs.chunk_by(|a, b| a.0 == b.0) {
            keep(&self.ordered[start..start + same.len()]);
            start += same.len();
        }
    }

    fn by_counting(&mut self, group: &[u32], codes: &[u32], keep: &mut impl FnMut(&[u32])) {
        self.touched.clear();
        for &row in group {
            let code = codes[row as usize] as usize;
            if code >= self.counts.len() {
                self.counts.resize(code + 1, 0);
            }
            if self.counts[code] == 0 {
                self.touched.push(code as u32);
            }
            self.counts[code] += 1;
        }
        // Counts become places of the first row of each code; afterwards of the last.
        let mut place = 0;
        for &code in &self.touched {
            let count = self.counts[code as usize];
            self.counts[code as usize] = place;
            place += count;
        }
        self.ordered.clear();
        self.ordered.resize(group.len(), 0);
        for &row in group {
            let at = &mut self.counts[codes[row as usize] as usize];
            self.ordered[*at as usize] = row;
            *at += 1;
        }
        let mut start = 0;
        for &code in &self.touched {
            let end = self.counts[code as usize] as usize;
            keep(&self.ordered[start..end]);
            start = end;
            self.counts[code as usize] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_splitting_agree() {
        let codes: Vec<u32> = (0..100_u32).map(|row| row * 7 % 5).collect();
        let parts = |sizes: &[u32]| {
            let mut ends = sizes.to_vec();
            (1..ends.len()).for_each(|i| ends[i] += ends[i - 1]);
            let from = Partition { rows: (0..100).collect(), ends };
            let (mut into, mut seen) = (Partition::default(), Vec::new());
            Splitter::default().split(&from, &codes, &mut into, |part| {
                seen.extend_from_slice(part);
                part.len() > 3
            });
            assert_eq!(into.rows().len(), into.ends.last().map_or(0, |end| *end as usize));
            seen.sort_unstable();
            assert_eq!(seen, (0..100).collect::<Vec<u32>>());
            let mut starts = vec![0];
            starts.extend(&into.ends);
            let mut groups: Vec<Vec<u32>> =
                starts.windows(2).map(|w| into.rows[w[0] as usize..w[1] as usize].to_vec()).collect();
            groups.sort();
            groups
        };
        let large = parts(&[100]);
        assert_eq!(large.len(), 5);
        assert!(large.iter().all(|group| group.len() == 20 && group.is_sorted()));
        assert_eq!(parts(&[20, 20, 20, 20, 20]).len(), 25);
        assert!(parts(&[2; 50]).is_empty());
    }
}
