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
    codes: Vec<u32>,
}

/// In place of a count: rows alone with their code have no place among the groups.
const ALONE: u32 = u32::MAX;

impl Splitter {
    /// Splits every group by the codes of a column. `alone` sees the rows that nobody in their group shares the code with;
    /// `judge` sees every larger part (rows in the order of the group) and says whether it is kept in `into`.
    pub(super) fn split(
        &mut self,
        from: &Partition,
        codes: &[u32],
        into: &mut Partition,
        mut alone: impl FnMut(u32),
        mut judge: impl FnMut(&[u32]) -> bool,
    ) {
        into.clear();
        for group in from.groups() {
            if let &[a, b] = group {
                if codes[a as usize] == codes[b as usize] {
                    if judge(group) {
                        into.rows.extend_from_slice(group);
                        into.ends.push(into.rows.len() as u32);
                    }
                } else {
                    alone(a);
                    alone(b);
                }
            } else {
                self.by_counting(group, codes, into, &mut alone, &mut judge);
            }
        }
    }

    fn by_counting(
        &mut self,
        group: &[u32],
        codes: &[u32],
        into: &mut Partition,
        alone: &mut impl FnMut(u32),
        judge: &mut impl FnMut(&[u32]) -> bool,
    ) {
        self.touched.clear();
        self.codes.clear();
        self.codes.extend(group.iter().map(|&row| codes[row as usize]));
        for &code in &self.codes {
            if code as usize >= self.counts.len() {
                self.counts.resize(code as usize + 1, 0);
            }
            let count = &mut self.counts[code as usize];
            if *count == 0 {
                self.touched.push(code);
            }
            *count += 1;
        }
        // Counts become places of the first row of each code; afterwards of the last.
        let mut place = into.rows.len() as u32;
        for &code in &self.touched {
            let count = &mut self.counts[code as usize];
            let next = if *count == 1 { ALONE } else { place };
            if *count > 1 {
                place += *count;
            }
            *count = next;
        }
        let mut start = into.rows.len();
        into.rows.resize(place as usize, 0);
        for (&row, &code) in group.iter().zip(&self.codes) {
            let at = &mut self.counts[code as usize];
            if *at == ALONE {
                alone(row);
            } else {
                into.rows[*at as usize] = row;
                *at += 1;
            }
        }
        // What is not kept is closed up.
        let mut kept = start;
        for &code in &self.touched {
            let end = std::mem::take(&mut self.counts[code as usize]);
            if end == ALONE {
                continue;
            }
            let part = start..end as usize;
            start = part.end;
            if judge(&into.rows[part.clone()]) {
                let len = part.len();
                if part.start > kept {
                    into.rows.copy_within(part, kept);
                }
                kept += len;
                into.ends.push(kept as u32);
            }
        }
        into.rows.truncate(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_any_size_are_split() {
        let codes: Vec<u32> = (0..100_u32).map(|row| row * 7 % 5).collect();
        let parts = |sizes: &[u32]| {
            let mut ends = sizes.to_vec();
            (1..ends.len()).for_each(|i| ends[i] += ends[i - 1]);
            let from = Partition { rows: (0..100).collect(), ends };
            let (mut into, mut seen, mut alone) = (Partition::default(), Vec::new(), Vec::new());
            Splitter::default().split(
                &from,
                &codes,
                &mut into,
                |row| alone.push(row),
                |part| {
                    seen.extend_from_slice(part);
                    part.len() > 3
                },
            );
            seen.extend(alone);
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
