//! Finding rows of an array among the rows of records.
//!
//! Exact bits first, by hash; then within a tolerance, over a sorted random projection, because training often computes in
//! more digits than the runtime. Rows are found in full (every number) or in part (four numbers in five).

use std::collections::HashMap;

/// Allowed difference, as a share of the larger of the value and the spread of its column.
pub(super) const TOLERANCE: f64 = 1e-5;
/// The share of a row's numbers that may differ in a match in part.
const MAY_DIFFER: f64 = 0.2;
/// Most rows that are compared in full with one stored row.
const MOST_CANDIDATES: usize = 4096;
/// Likewise for each block of columns of a match in part.
const MOST_IN_BLOCK: usize = 32;
/// Widest rows that are looked for in part.
const WIDEST_IN_PART: usize = 256;

/// How far a stored number may be from a record's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slack {
    /// As a share.
    pub(super) share: f64,
    /// As a number: half a step of a quantised array.
    pub(super) absolute: f64,
}

/// The distinct rows of all records, ready to be searched.
pub(super) struct Index<'i> {
    width: usize,
    values: &'i [f32],
    /// For each distinct row, the records that have it.
    records: Vec<Vec<u32>>,
    by_hash: HashMap<u64, Vec<u32>>,
    scale: Vec<f64>,
    whole: Sorted,
    blocks: Vec<Sorted>,
}

/// Distinct rows in the order of a projection of some of their columns.
struct Sorted {
    /// Column and weight.
    columns: Vec<(usize, f64)>,
    order: Vec<(f64, u32)>,
}

/// Zero without a sign, one kind of *not a number*.
fn normal(value: f32) -> u32 {
    if value.is_nan() {
        f32::NAN.to_bits()
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}

fn hashed(row: impl Iterator<Item = f32>) -> u64 {
    row.fold(0x9e37_79b9_7f4a_7c15, |hash, value| mixed(hash ^ u64::from(normal(value))))
}

/// A bijection that spreads bits (`SplitMix64`).
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A fixed weight of a column, from 0.5 to 1.5, of either sign.
fn weight(column: usize) -> f64 {
    let bits = mixed(column as u64 + 1);
    let size = 0.5 + (bits >> 11) as f64 / (1_u64 << 53) as f64;
    if bits & 1 == 0 { size } else { -size }
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

impl<'i> Index<'i> {
    /// Indexes rows of `width` numbers. O(cells + rows log rows).
    pub(super) fn new(width: usize, values: &'i [f32]) -> Self {
        let mut index = Self {
            width,
            values,
            records: Vec::new(),
            by_hash: HashMap::new(),
            scale: spreads(width, values),
            whole: Sorted { columns: Vec::new(), order: Vec::new() },
            blocks: Vec::new(),
        };
        for record in 0..values.len() / width {
            index.insert(record);
        }
        index.whole = index.sorted((0..width).collect());
        let blocks = ((width as f64 * MAY_DIFFER) as usize) + 1;
        if blocks > 1 && width <= WIDEST_IN_PART {
            // With fewer differing columns than blocks, one block has none of them.
            let block = |at: usize| index.sorted((at..width).step_by(blocks).collect());
            index.blocks = (0..blocks).map(block).collect();
        }
        index
    }

    fn insert(&mut self, record: usize) {
        let row = &self.values[record * self.width..(record + 1) * self.width];
        let slot = self.by_hash.entry(hashed(row.iter().copied())).or_default();
        let same = |id: &&u32| {
            let first = self.records[**id as usize][0] as usize;
            let other = &self.values[first * self.width..(first + 1) * self.width];
            row.iter().zip(other).all(|(a, b)| normal(*a) == normal(*b))
        };
        if let Some(&id) = slot.iter().find(same) {
            self.records[id as usize].push(record as u32);
        } else {
            slot.push(self.records.len() as u32);
            self.records.push(vec![record as u32]);
        }
    }

    fn sorted(&self, columns: Vec<usize>) -> Sorted {
        let columns = columns.into_iter().map(|column| (column, weight(column) / self.scale[column])).collect();
        let mut sorted = Sorted { columns, order: Vec::with_capacity(self.records.len()) };
        for id in 0..self.records.len() {
            let row = self.row(id as u32);
            let at = sorted.columns.iter().map(|&(column, weight)| weight * finite(f64::from(row[column]))).sum();
            sorted.order.push((at, id as u32));
        }
        sorted.order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        sorted
    }

    fn row(&self, id: u32) -> &[f32] {
        let record = self.records[id as usize][0] as usize;
        &self.values[record * self.width..(record + 1) * self.width]
    }

    /// Distinct rows that only one of the sets has: of the first `members` records, and of the others.
    pub(super) fn sides(&self, members: usize) -> (usize, usize) {
        let inside = |records: &[u32]| records.iter().filter(|record| (**record as usize) < members).count();
        let first = self.records.iter().filter(|records| inside(records) == records.len()).count();
        (first, self.records.iter().filter(|records| inside(records) == 0).count())
    }

    /// The records that have a row, for a distinct row that was found.
    pub(super) fn records(&self, id: u32) -> &[u32] {
        &self.records[id as usize]
    }

    fn reach(&self, column: usize, value: f64, slack: Slack) -> f64 {
        (slack.share * finite(value).abs().max(self.scale[column])).max(slack.absolute)
    }

    fn close(&self, column: usize, stored: f64, record: f32, slack: Slack) -> bool {
        let record = f64::from(record);
        stored == record
            || stored.is_nan() && record.is_nan()
            || (stored - record).abs() <= self.reach(column, record, slack)
    }

    /// Distinct rows that equal a stored one in every number.
    pub(super) fn full(&self, stored: &[f64], slack: Slack) -> Vec<u32> {
        let hash = hashed(stored.iter().map(|&value| value as f32));
        let exact = |id: &&u32| {
            let row = self.row(**id);
            stored.iter().zip(row).all(|(a, b)| normal(*a as f32) == normal(*b))
        };
        let found: Vec<u32> = self.by_hash.get(&hash).into_iter().flatten().filter(exact).copied().collect();
        if !found.is_empty() {
            return found;
        }
        let within = |id: &u32| {
            let row = self.row(*id);
            stored.iter().zip(row).enumerate().all(|(column, (a, b))| self.close(column, *a, *b, slack))
        };
        self.candidates(&self.whole, stored, slack).take(MOST_CANDIDATES).filter(within).collect()
    }

    /// Distinct rows that equal a stored one in four of five numbers, and are found within the bound on comparisons.
    pub(super) fn in_part(&self, stored: &[f64], slack: Slack) -> Vec<u32> {
        let most = (self.width as f64 * MAY_DIFFER) as usize;
        let alike = |id: &u32| {
            let pairs = stored.iter().zip(self.row(*id)).enumerate();
            let differing = pairs.filter(|(column, (a, b))| !self.close(*column, **a, **b, slack));
            differing.take(most + 1).count() <= most
        };
        let of_block = |block| self.candidates(block, stored, slack).take(MOST_IN_BLOCK).filter(alike);
        let mut found: Vec<u32> = self.blocks.iter().flat_map(of_block).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Distinct rows whose projection is near that of a stored one.
    fn candidates(&self, sorted: &Sorted, stored: &[f64], slack: Slack) -> impl Iterator<Item = u32> {
        let (mut at, mut reach) = (0.0, 0.0);
        for &(column, weight) in &sorted.columns {
            let value = finite(stored[column]);
            at += weight * value;
            // A record's own value may be larger than the stored one by the tolerance.
            reach +=
                weight.abs() * (self.reach(column, value, slack) * (1.0 + 2.0 * slack.share) + 1e-12 * value.abs());
        }
        let start = sorted.order.partition_point(|(place, _)| *place < at - reach);
        sorted.order[start..].iter().take_while(move |(place, _)| *place <= at + reach).map(|(_, id)| *id)
    }

    /// How surprising it would be to meet this row by chance, in bits: what its values say that are neither -1, 0 nor 1,
    /// each counted once, as the share of records that have them. Stops at `enough`.
    pub(super) fn bits(&self, id: u32, slack: Slack, enough: f64) -> f64 {
        let row = self.row(id);
        let mut seen: Vec<u32> = Vec::new();
        let mut bits = 0.0;
        for (column, &value) in row.iter().enumerate() {
            let telling = value.is_finite() && value.abs() != 1.0 && value != 0.0;
            if !telling || seen.contains(&value.to_bits()) {
                continue;
            }
            seen.push(value.to_bits());
            let of_column = self.values.iter().skip(column).step_by(self.width);
            let same = of_column.filter(|other| self.close(column, f64::from(value), **other, slack)).count();
            bits += ((self.values.len() / self.width) as f64 / same.max(1) as f64).log2();
            if bits >= enough || seen.len() > WIDEST_IN_PART {
                break;
            }
        }
        bits
    }
}

/// The standard deviation of every column, or its size where all values are equal.
fn spreads(width: usize, values: &[f32]) -> Vec<f64> {
    let (mut sum, mut squares, mut count) = (vec![0.0; width], vec![0.0; width], vec![0.0; width]);
    let first: Vec<f64> = values[..width].iter().map(|&value| finite(f64::from(value))).collect();
    for row in values.chunks_exact(width) {
        for (column, &value) in row.iter().enumerate() {
            let value = f64::from(value);
            if value.is_finite() {
                let centred = value - first[column];
                sum[column] += centred;
                squares[column] += centred * centred;
                count[column] += 1.0;
            }
        }
    }
    let spread = |column: usize| {
        let n: f64 = f64::max(count[column], 1.0);
        let mean = sum[column] / n;
        let deviation = (squares[column] / n - mean * mean).max(0.0).sqrt();
        match (deviation, first[column].abs()) {
            (deviation, size) if deviation > 1e-12 * size.max(f64::MIN_POSITIVE) => deviation,
            (_, size) if size > 0.0 => size,
            _ => 1.0,
        }
    };
    (0..width).map(spread).collect()
}

/// How the numbers of an array may be read as rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A row after the other; leading dimensions folded.
    Rows,
    /// A column after the other.
    Columns,
}

/// Row `at` of an array read in a layout.
pub(super) fn row(values: &[f64], layout: Layout, width: usize, at: usize, into: &mut Vec<f64>) {
    into.clear();
    match layout {
        Layout::Rows => into.extend_from_slice(&values[at * width..(at + 1) * width]),
        Layout::Columns => into.extend(values.iter().skip(at).step_by(values.len() / width)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLACK: Slack = Slack { share: TOLERANCE, absolute: 0.0 };

    #[test]
    fn bits_then_tolerance_and_all_copies() {
        let values = [1.0, -0.0, 3.5, f32::NAN, 1.0, 0.0, 2.0, 7.0];
        let index = Index::new(2, &values);
        let found = |row: &[f64]| -> Vec<u32> {
            index.full(row, SLACK).into_iter().flat_map(|id| index.records(id).to_vec()).collect()
        };
        assert_eq!(found(&[1.0, 0.0]), [0, 2], "zero has no sign, and both copies count");
        assert_eq!(found(&[3.5, f64::NAN]), [1], "a missing number equals a missing number");
        assert_eq!(found(&[2.000_005, 7.000_01]), [3], "within the tolerance");
        assert!(found(&[2.1, 7.0]).is_empty());
    }

    #[test]
    fn a_row_with_one_number_in_five_changed_is_found_in_part() {
        let values: Vec<f32> = (0..500).map(|at| mixed(at) as f32 / 1e18).collect();
        let index = Index::new(10, &values);
        for changed in 0..10 {
            let mut stored: Vec<f64> = values[70..80].iter().map(|&value| f64::from(value)).collect();
            stored[changed] += 1.0;
            stored[(changed + 5) % 10] -= 2.0;
            assert!(index.full(&stored, SLACK).is_empty());
            assert_eq!(index.in_part(&stored, SLACK), [7]);
            stored[(changed + 2) % 10] += 3.0;
            assert!(index.in_part(&stored, SLACK).is_empty(), "three of ten are too many");
        }
    }

    #[test]
    fn both_layouts_are_read() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut read = Vec::new();
        row(&values, Layout::Rows, 3, 1, &mut read);
        assert_eq!(read, [4.0, 5.0, 6.0]);
        row(&values, Layout::Columns, 3, 1, &mut read);
        assert_eq!(read, [2.0, 4.0, 6.0]);
    }

    /// Of eight rows, one has 2.5 in a column where nobody else has it: three bits. Zeros and ones say nothing.
    #[test]
    fn bits_count_what_is_rare() {
        let mut values = vec![0.0; 16];
        values[0] = 2.5;
        values[1] = 1.0;
        let index = Index::new(2, &values);
        assert_eq!(index.bits(0, SLACK, 100.0), 3.0);
        assert_eq!(index.bits(1, SLACK, 100.0), 0.0);
    }
}
