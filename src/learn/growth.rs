//! How one tree of a forest grows: depth first, on bins, with as few passes over the cases as possible.
//!
//! Classes and numbers share the code: a cut that lowers the Gini impurity of class shares lowers the variance of class
//! indicators, so both look for the largest sum of squared sums over weights.

use rand::Rng;

use super::Encoded;
use crate::seed::Stream;

/// The column of a leaf.
const LEAF: u32 = u32::MAX;
/// Bins of a column.
const BINS: usize = 256;

/// A record to learn from: it adds `weight * value` to one of the outputs.
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) row: u32,
    pub(super) output: u32,
    pub(super) weight: f64,
    pub(super) value: f64,
}

/// A grown tree.
pub(super) struct Tree {
    nodes: Vec<Node>,
    leaves: Vec<f32>,
    outputs: usize,
}

/// Rows whose bin lies from `low` to `high` go to node `next`, others to the one after. Leaves have their place in `next`.
struct Node {
    column: u32,
    next: u32,
    low: u8,
    high: u8,
}

/// A way to part the cases of a node.
#[derive(Clone, Copy)]
struct Cut {
    score: f64,
    column: usize,
    low: u8,
    high: u8,
}

impl Tree {
    /// The means of the leaf that a row falls in, one per output.
    pub(super) fn leaf(&self, data: &Encoded, row: usize) -> &[f32] {
        let mut node = &self.nodes[0];
        while node.column != LEAF {
            let bin = data.bins(node.column as usize)[row];
            let inside = node.low <= bin && bin <= node.high;
            node = &self.nodes[node.next as usize + usize::from(!inside)];
        }
        let from = node.next as usize * self.outputs;
        &self.leaves[from..from + self.outputs]
    }
}

/// Sums over the cases of a node by bin of a column.
struct Tally {
    sums: Vec<f64>,
    weights: [f64; BINS],
    /// The bins that occur, a bit each: most nodes are small and touch few.
    touched: [u64; BINS / 64],
}

/// A tree that grows.
pub(super) struct Growth<'a> {
    data: &'a Encoded,
    outputs: usize,
    least_leaf: f64,
    tried: usize,
    stream: Stream,
    /// All columns; every node draws from the front.
    columns: Vec<usize>,
    tally: Tally,
    tree: Tree,
}

impl<'a> Growth<'a> {
    /// Prepares a tree with `outputs` numbers in a leaf; `tried` columns compete for every cut.
    pub(super) fn new(data: &'a Encoded, outputs: usize, least_leaf: usize, tried: usize, stream: Stream) -> Self {
        let tally = Tally { sums: vec![0.0; BINS * outputs], weights: [0.0; BINS], touched: [0; BINS / 64] };
        let tree = Tree { nodes: Vec::new(), leaves: Vec::new(), outputs };
        let columns = (0..data.width()).collect();
        Self { data, outputs, least_leaf: least_leaf as f64, tried, stream, columns, tally, tree }
    }

    /// Grows on the given cases.
    pub(super) fn tree(mut self, mut cases: Vec<Case>) -> Tree {
        self.tree.nodes.push(Node::leaf(0));
        let mut open = vec![(0, 0, cases.len())];
        while let Some((at, from, to)) = open.pop() {
            let cases = &mut cases[from..to];
            let Some(cut) = self.best_cut(cases) else {
                self.close(at, cases);
                continue;
            };
            let bins = self.data.bins(cut.column);
            let inside = part(cases, |case| (cut.low..=cut.high).contains(&bins[case.row as usize]));
            let next = self.tree.nodes.len();
            self.tree.nodes[at] = Node { column: cut.column as u32, next: next as u32, low: cut.low, high: cut.high };
            self.tree.nodes.extend([Node::leaf(0), Node::leaf(0)]);
            open.extend([(next + 1, from + inside, to), (next, from, from + inside)]);
        }
        self.tree
    }

    /// Makes a node a leaf.
    fn close(&mut self, at: usize, cases: &[Case]) {
        let weight: f64 = cases.iter().map(|case| case.weight).sum();
        let totals = self.totals(cases);
        self.tree.nodes[at] = Node::leaf((self.tree.leaves.len() / self.outputs) as u32);
        self.tree.leaves.extend(totals.iter().map(|total| (total / weight) as f32));
    }

    fn totals(&self, cases: &[Case]) -> Vec<f64> {
        let mut totals = vec![0.0; self.outputs];
        cases.iter().for_each(|case| totals[case.output as usize] += case.weight * case.value);
        totals
    }

    /// The best cut over some columns drawn at random, more of them while none has a cut. Nothing where the cases are
    /// alike or too few.
    fn best_cut(&mut self, cases: &[Case]) -> Option<Cut> {
        let weight: f64 = cases.iter().map(|case| case.weight).sum();
        let first = cases.first()?;
        let alike = |case: &Case| case.output == first.output && case.value == first.value;
        if weight < 2.0 * self.least_leaf || cases.iter().all(alike) {
            return None;
        }
        let totals = self.totals(cases);
        let mut best = None;
        let mut varying = 0;
        for at in 0..self.columns.len() {
            if varying >= self.tried && best.is_some() {
                break;
            }
            let drawn = at + below(&mut self.stream, self.columns.len() - at);
            self.columns.swap(at, drawn);
            let column = self.columns[at];
            self.tally.count(self.data.bins(column), cases, self.outputs);
            if self.tally.varies() {
                varying += 1;
                if self.data.is_text(column) {
                    self.cut_text(column, &totals, weight, &mut best);
                } else {
                    self.cut_numbers(column, &totals, weight, &mut best);
                }
            }
            self.tally.clear(self.outputs);
        }
        best
    }

    /// Cuts between neighbouring bins.
    fn cut_numbers(&self, column: usize, totals: &[f64], weight: f64, best: &mut Option<Cut>) {
        let mut left = vec![0.0; self.outputs];
        let mut left_weight = 0.0;
        let mut before: Option<u8> = None;
        for bin in self.tally.bins() {
            if let Some(before) = before {
                // Halfway, so that bins that only other rows have go to the nearer side.
                let high = u8::midpoint(before, bin);
                self.offer(Cut { score: 0.0, column, low: 0, high }, (&left, left_weight), (totals, weight), best);
            }
            left.iter_mut().zip(self.tally.sums(bin, self.outputs)).for_each(|(left, sum)| *left += sum);
            left_weight += self.tally.weights[usize::from(bin)];
            before = Some(bin);
        }
    }

    /// Cuts of one bin from all others.
    fn cut_text(&self, column: usize, totals: &[f64], weight: f64, best: &mut Option<Cut>) {
        for bin in self.tally.bins() {
            let one = (self.tally.sums(bin, self.outputs), self.tally.weights[usize::from(bin)]);
            self.offer(Cut { score: 0.0, column, low: bin, high: bin }, one, (totals, weight), best);
        }
    }

    /// Takes a cut if it leaves enough on both sides and is better than the best so far.
    fn offer(
        &self,
        cut: Cut,
        (part, part_weight): (&[f64], f64),
        (all, weight): (&[f64], f64),
        best: &mut Option<Cut>,
    ) {
        let rest_weight = weight - part_weight;
        if part_weight < self.least_leaf || rest_weight < self.least_leaf {
            return;
        }
        let (mut inside, mut outside) = (0.0, 0.0);
        for (sum, total) in part.iter().zip(all) {
            inside += sum * sum;
            outside += (total - sum) * (total - sum);
        }
        let score = inside / part_weight + outside / rest_weight;
        if best.is_none_or(|best| score > best.score) {
            *best = Some(Cut { score, ..cut });
        }
    }
}

impl Node {
    fn leaf(place: u32) -> Self {
        Self { column: LEAF, next: place, low: 0, high: 0 }
    }
}

impl Tally {
    fn count(&mut self, bins: &[u8], cases: &[Case], outputs: usize) {
        for case in cases {
            let bin = usize::from(bins[case.row as usize]);
            self.sums[bin * outputs + case.output as usize] += case.weight * case.value;
            self.weights[bin] += case.weight;
            self.touched[bin / 64] |= 1 << (bin % 64);
        }
    }

    fn varies(&self) -> bool {
        self.touched.iter().map(|word| word.count_ones()).sum::<u32>() > 1
    }

    /// The bins that occur, in ascending order.
    fn bins(&self) -> impl Iterator<Item = u8> + use<> {
        let mut words = self.touched;
        std::iter::from_fn(move || {
            let at = words.iter().position(|&word| word != 0)?;
            let bit = words[at].trailing_zeros();
            words[at] &= words[at] - 1;
            Some((at as u32 * 64 + bit) as u8)
        })
    }

    fn sums(&self, bin: u8, outputs: usize) -> &[f64] {
        &self.sums[usize::from(bin) * outputs..(usize::from(bin) + 1) * outputs]
    }

    fn clear(&mut self, outputs: usize) {
        for bin in self.bins() {
            self.sums[usize::from(bin) * outputs..(usize::from(bin) + 1) * outputs].fill(0.0);
            self.weights[usize::from(bin)] = 0.0;
        }
        self.touched = [0; BINS / 64];
    }
}

/// Moves the cases for which `inside` holds to the front and returns how many they are.
fn part(cases: &mut [Case], inside: impl Fn(&Case) -> bool) -> usize {
    let mut front = 0;
    for at in 0..cases.len() {
        if inside(&cases[at]) {
            cases.swap(front, at);
            front += 1;
        }
    }
    front
}

/// A whole number below `bound`, which is below 2^32 by far, so that the bias of scaling does not matter.
pub(super) fn below(stream: &mut Stream, bound: usize) -> usize {
    ((u64::from(stream.next_u32()) * bound as u64) >> 32) as usize
}
