//! Permutation test of many statistics at once (max-T): which of many scores separate positives from negatives, with
//! one error rate for all of them.
//!
//! Permuting the labels keeps the correlation between the scores, which a Bonferroni correction gives away. Refuses
//! scores that were themselves fitted to the labels of these rows: nothing here can know, callers must.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::rank::midranks;
use super::roc::{Statistic, allowed};
use super::uniform::shuffle;
use crate::seed::{Seed, Stream};

/// The labels that are permuted and what must stay together.
#[derive(Debug, Clone, Copy)]
pub struct Design<'a> {
    /// For every row whether it is a positive.
    pub positive: &'a [bool],
    /// For every row its cluster. A cluster wholly on one side keeps its labels together and is exchanged with other
    /// such clusters; the rows of a cluster on both sides are exchanged within it.
    pub clusters: Option<&'a [u32]>,
    /// For every row its stratum: labels are exchanged within strata only (a cluster belongs to that of its first row).
    pub strata: Option<&'a [u32]>,
}

/// Everything that is tested: each score in each group by each statistic.
#[derive(Debug, Clone, Copy)]
pub struct Family<'a> {
    /// Scores of all rows, larger for positives.
    pub scores: &'a [&'a [f64]],
    /// Rows of each group; the list of all rows is one.
    pub groups: &'a [&'a [u32]],
    /// What is computed in each group.
    pub statistics: &'a [Statistic],
}

/// One member of the family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// Which score.
    pub score: usize,
    /// Which group.
    pub group: usize,
    /// Which statistic.
    pub statistic: Statistic,
    /// Its value with the true labels.
    pub observed: f64,
    /// That value in standard deviations above its mean over the permutations.
    pub standardised: f64,
    /// Permutation p-value of this statistic alone, one-sided.
    pub p: f64,
    /// The same, corrected for the whole family (step-down).
    pub adjusted: f64,
}

/// What [`max_t`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct MaxT {
    /// Every member in the order group, score, statistic.
    pub tested: Vec<Tested>,
    /// P-value of the largest standardised statistic: that there is nothing at all.
    pub family: f64,
    /// Number of permutations; no p-value is below 1/(this + 1).
    pub permutations: usize,
}

/// Westfall and Young's step-down max-T test.
///
/// Every statistic is standardised by its mean and standard deviation over the permutations and the true labelling
/// together, which treats all labellings alike and so keeps the test exact. With B permutations, raw
/// `p = (1 + #{t_b >= t}) / (B + 1)`; adjusted p-values compare the statistics, largest first, with the maxima of those
/// not yet passed, and never fall. Under exchangeable labels the chance of any adjusted `p <= a` is at most `a`. A
/// statistic of a group without a positive or without a negative is 1/2 (area) or 0 (rate); one that never varies has
/// p = 1. The numbers are the same on any number of threads. O(B N S) for N rows in all groups and S scores, memory
/// O(B) for each member.
///
/// References: Westfall and Young, Resampling-based multiple testing (1993), algorithm 4.1; Phipson and Smyth (2010)
/// for the 1 + of the p-value.
///
/// # Panics
/// When lists differ in length or the family is empty.
pub fn max_t(design: &Design<'_>, family: &Family<'_>, permutations: usize, seed: Seed) -> MaxT {
    let exchange = Exchange::of(design);
    let groups: Vec<Group> = family.groups.iter().map(|rows| Group::of(rows, family.scores, &exchange)).collect();
    let all = |labels: &[u8]| -> Vec<f64> {
        groups.iter().flat_map(|group| group.statistics(labels, family.statistics)).collect()
    };
    let observed = all(&exchange.labels);
    assert!(!observed.is_empty(), "the family has a member");
    let draw =
        |permutation: usize| all(&exchange.permuted(&mut seed.derive(&format!("permutation {permutation}")).stream()));
    let mut table: Vec<Vec<f64>> = (0..permutations).into_par_iter().map(draw).collect();
    table.push(observed.clone()); // the last row is the truth
    standardise(&mut table);
    let truth = table.pop().expect("the truth was put there");
    let raw = raw_p_values(&truth, &table);
    let adjusted = step_down(&truth, &table);
    let members = members(family);
    let tested = members.enumerate().map(|(at, (score, group, statistic))| Tested {
        score,
        group,
        statistic,
        observed: observed[at],
        standardised: truth[at],
        p: raw[at],
        adjusted: adjusted[at],
    });
    MaxT { tested: tested.collect(), family: adjusted.iter().copied().fold(1.0, f64::min), permutations }
}

/// The members in the order in which [`Group::statistics`] computes them.
fn members<'a>(family: &Family<'a>) -> impl Iterator<Item = (usize, usize, Statistic)> + use<'a> {
    let (scores, statistics) = (family.scores.len(), family.statistics);
    (0..family.groups.len()).flat_map(move |group| {
        (0..scores).flat_map(move |score| statistics.iter().map(move |&statistic| (score, group, statistic)))
    })
}

/// Which labels may change places: the units of one block, contiguous.
struct Exchange {
    unit_of_row: Vec<u32>,
    block_ends: Vec<usize>,
    labels: Vec<u8>,
}

impl Exchange {
    fn of(design: &Design<'_>) -> Self {
        let rows = design.positive.len();
        assert!(
            [design.clusters, design.strata].iter().flatten().all(|codes| codes.len() == rows),
            "codes of all rows"
        );
        let stratum = |row: usize| design.strata.map_or(0, |strata| strata[row]);
        // Units are keyed by block, then by cluster or row: a block is a stratum or the inside of a mixed cluster.
        let mut rows_of_unit: BTreeMap<(Option<u32>, u32, u32), Vec<usize>> = BTreeMap::new();
        match design.clusters {
            None => (0..rows).for_each(|row| {
                rows_of_unit.insert((None, stratum(row), row as u32), vec![row]);
            }),
            Some(clusters) => {
                let mut rows_of_cluster: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
                clusters.iter().enumerate().for_each(|(row, &c)| rows_of_cluster.entry(c).or_default().push(row));
                for (cluster, members) in rows_of_cluster {
                    let positives = members.iter().filter(|&&row| design.positive[row]).count();
                    if positives == 0 || positives == members.len() {
                        rows_of_unit.insert((None, stratum(members[0]), cluster), members);
                    } else {
                        members.iter().for_each(|&row| {
                            rows_of_unit.insert((Some(cluster), stratum(row), row as u32), vec![row]);
                        });
                    }
                }
            }
        }
        Self::from_units(&rows_of_unit, design.positive)
    }

    fn from_units(rows_of_unit: &BTreeMap<(Option<u32>, u32, u32), Vec<usize>>, positive: &[bool]) -> Self {
        let mut exchange = Self { unit_of_row: vec![0; positive.len()], block_ends: Vec::new(), labels: Vec::new() };
        let mut block = None;
        for (unit, ((cluster, stratum, _), members)) in rows_of_unit.iter().enumerate() {
            if block.is_some_and(|before| before != (cluster, stratum)) {
                exchange.block_ends.push(unit);
            }
            block = Some((cluster, stratum));
            members.iter().for_each(|&row| exchange.unit_of_row[row] = unit as u32);
            exchange.labels.push(u8::from(positive[members[0]]));
        }
        exchange.block_ends.push(exchange.labels.len());
        exchange
    }

    fn permuted(&self, stream: &mut Stream) -> Vec<u8> {
        let mut labels = self.labels.clone();
        let mut start = 0;
        for &end in &self.block_ends {
            shuffle(&mut labels[start..end], stream);
            start = end;
        }
        labels
    }
}

/// The rows of a group with every score sorted once.
struct Group {
    units: Vec<u32>,
    scores: Vec<Sorted>,
}

/// One score of a group.
struct Sorted {
    /// Twice the ascending mid-rank of every row: whole numbers, so that equal areas are equal to the last bit.
    doubled_ranks: Vec<u32>,
    /// Rows in descending order.
    order: Vec<u32>,
    /// Where each block of ties ends in that order.
    block_ends: Vec<u32>,
}

impl Group {
    fn of(rows: &[u32], scores: &[&[f64]], exchange: &Exchange) -> Self {
        let units = rows.iter().map(|&row| exchange.unit_of_row[row as usize]).collect();
        let sorted = |scores: &&[f64]| {
            assert_eq!(scores.len(), exchange.unit_of_row.len(), "every row has a score");
            Sorted::of(&rows.iter().map(|&row| scores[row as usize]).collect::<Vec<_>>())
        };
        Self { units, scores: scores.iter().map(sorted).collect() }
    }

    fn statistics(&self, labels: &[u8], statistics: &[Statistic]) -> Vec<f64> {
        let labels: Vec<u8> = self.units.iter().map(|&unit| labels[unit as usize]).collect();
        let n: usize = labels.iter().map(|&label| usize::from(label)).sum();
        let m = labels.len() - n;
        let one = |sorted: &Sorted, statistic: &Statistic| match *statistic {
            Statistic::Auc if n == 0 || m == 0 => 0.5,
            Statistic::TprAtFpr(_) if n == 0 || m == 0 => 0.0,
            Statistic::Auc => sorted.auc(&labels, n, m),
            Statistic::TprAtFpr(fpr) => sorted.hits(&labels, allowed(fpr, m)) as f64 / n as f64,
        };
        self.scores
            .iter()
            .flat_map(|sorted| statistics.iter().map(move |s| one(sorted, s)).collect::<Vec<_>>())
            .collect()
    }
}

impl Sorted {
    fn of(scores: &[f64]) -> Self {
        let mut order: Vec<u32> = (0..scores.len() as u32).collect();
        order.sort_unstable_by(|&i, &j| scores[j as usize].total_cmp(&scores[i as usize]).then(i.cmp(&j)));
        let ends = (1..=order.len())
            .filter(|&end| end == order.len() || scores[order[end] as usize] != scores[order[end - 1] as usize]);
        let block_ends = ends.map(|end| end as u32).collect();
        let doubled_ranks = midranks(scores).iter().map(|rank| (2.0 * rank) as u32).collect();
        Self { doubled_ranks, order, block_ends }
    }

    /// Mann-Whitney from the rank sum: `(sum of ranks - n (n + 1) / 2) / (n m)`.
    fn auc(&self, labels: &[u8], n: usize, m: usize) -> f64 {
        let products = self.doubled_ranks.iter().zip(labels).map(|(&rank, &label)| u64::from(rank) * u64::from(label));
        (products.sum::<u64>() as f64 - (n * (n + 1)) as f64) / (2 * n * m) as f64
    }

    /// Positives in the leading blocks of ties that together hold at most `allowed` negatives.
    fn hits(&self, labels: &[u8], allowed: usize) -> usize {
        let (mut start, mut hits, mut alarms) = (0, 0, 0);
        for &end in &self.block_ends {
            let block = &self.order[start..end as usize];
            let positives: usize = block.iter().map(|&row| usize::from(labels[row as usize])).sum();
            alarms += block.len() - positives;
            if alarms > allowed {
                break;
            }
            hits += positives;
            start = end as usize;
        }
        hits
    }
}

/// Subtracts the mean of every column and divides by its standard deviation; a column without variation becomes 0.
fn standardise(table: &mut [Vec<f64>]) {
    let rows = table.len() as f64;
    for column in 0..table[0].len() {
        let mean = table.iter().map(|row| row[column]).sum::<f64>() / rows;
        let spread = (table.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / rows).sqrt();
        let scaled = |value: f64| if spread > 1e-12 { (value - mean) / spread } else { 0.0 };
        table.iter_mut().for_each(|row| row[column] = scaled(row[column]));
    }
}

fn raw_p_values(truth: &[f64], table: &[Vec<f64>]) -> Vec<f64> {
    let total = (table.len() + 1) as f64;
    let beaten = |(column, &t): (usize, &f64)| table.iter().filter(|row| row[column] >= t).count();
    truth.iter().enumerate().map(|at| (1 + beaten(at)) as f64 / total).collect()
}

fn step_down(truth: &[f64], table: &[Vec<f64>]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..truth.len()).collect();
    order.sort_by(|&i, &j| truth[j].total_cmp(&truth[i]));
    let mut beaten = vec![0_usize; truth.len()];
    for row in table {
        let mut largest = f64::NEG_INFINITY;
        for &column in order.iter().rev() {
            largest = largest.max(row[column]);
            beaten[column] += usize::from(largest >= truth[column]);
        }
    }
    let mut adjusted = vec![1.0; truth.len()];
    let mut worst = 0.0_f64;
    for &column in &order {
        worst = worst.max((1 + beaten[column]) as f64 / (table.len() + 1) as f64);
        adjusted[column] = worst;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Level;
    use crate::stats::roc::{Roc, auc};
    use crate::stats::specimen::{bell, group_effects};
    use proptest::prelude::*;

    /// Share of runs with a family p-value of at most 5 %: ten scores that share half of their noise, `rows` in each of
    /// `groups` clusters, half of them positive.
    fn false_alarms(groups: usize, rows: usize, told: bool, runs: usize) -> f64 {
        let mut stream = Seed::root(9).derive("max-T under the null").stream();
        let positive: Vec<bool> = (0..groups * rows).map(|row| row / rows < groups / 2).collect();
        let everyone: Vec<u32> = (0..positive.len() as u32).collect();
        let mut alarms = 0;
        for run in 0..runs {
            let (common, clusters) = group_effects(groups, rows, 0.8, &mut stream);
            let scores: Vec<Vec<f64>> =
                (0..10).map(|_| common.iter().map(|c| c + bell(&mut stream)).collect()).collect();
            let scores: Vec<&[f64]> = scores.iter().map(Vec::as_slice).collect();
            let design = Design { positive: &positive, clusters: told.then_some(&clusters), strata: None };
            let family = Family {
                scores: &scores,
                groups: &[&everyone],
                statistics: &[Statistic::Auc, Statistic::TprAtFpr(0.1)],
            };
            alarms += usize::from(max_t(&design, &family, 199, Seed::root(run as u64)).family <= 0.05);
        }
        alarms as f64 / runs as f64
    }

    #[test]
    fn ten_useless_scores_alarm_in_five_percent() {
        let share = false_alarms(100, 1, false, 1_000);
        assert!((0.035..=0.065).contains(&share), "{share}");
    }

    #[test]
    fn clusters_keep_the_error_that_rows_would_break() {
        let (told, untold) = (false_alarms(40, 4, true, 300), false_alarms(40, 4, false, 300));
        assert!((0.015..=0.09).contains(&told) && untold > 0.12, "{told} {untold}");
    }

    #[test]
    fn a_real_signal_is_found_and_the_others_are_not() {
        let mut stream = Seed::root(3).derive("signal").stream();
        let positive: Vec<bool> = (0..200).map(|row| row < 100).collect();
        let useless: Vec<f64> = (0..200).map(|_| bell(&mut stream)).collect();
        let useful: Vec<f64> = (0..200).map(|row| bell(&mut stream) + f64::from(u8::from(row < 100))).collect();
        let everyone: Vec<u32> = (0..200).collect();
        let design = Design { positive: &positive, clusters: None, strata: None };
        let family = Family { scores: &[&useless, &useful], groups: &[&everyone], statistics: &[Statistic::Auc] };
        let run = || max_t(&design, &family, 999, Seed::root(1));
        let found = run();
        assert_eq!((found.tested[1].adjusted, found.family), (0.001, 0.001));
        assert!(found.tested[0].adjusted > 0.05);
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
        assert_eq!(one_thread.install(run), found);
    }

    /// Three positives above three negatives: of 20 labellings only the true one has the area 1, so p is near 1/20.
    #[test]
    fn p_value_of_a_small_design_is_the_exact_one() {
        let positive = [true, true, true, false, false, false];
        let design = Design { positive: &positive, clusters: None, strata: None };
        let family = Family {
            scores: &[&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0]],
            groups: &[&[0, 1, 2, 3, 4, 5]],
            statistics: &[Statistic::Auc],
        };
        let found = max_t(&design, &family, 20_000, Seed::root(2));
        assert!((found.family - 0.05).abs() < 0.006, "{}", found.family);
        // In strata of a positive and a negative each there are 8 labellings.
        let pairs = Design { strata: Some(&[0, 1, 2, 0, 1, 2]), ..design };
        assert!((max_t(&pairs, &family, 20_000, Seed::root(2)).family - 0.125).abs() < 0.009);
        // Three clusters of two rows, one of them on both sides: a swap within it, and two clusters that change places.
        let clustered = Design { clusters: Some(&[0, 0, 1, 1, 2, 2]), ..design };
        assert!((max_t(&clustered, &family, 20_000, Seed::root(2)).family - 0.25).abs() < 0.012);
    }

    proptest! {
        #[test]
        fn statistics_are_those_of_the_curve_in_any_order_of_rows(rows in prop::collection::vec((-5_i32..5, any::<bool>()), 2..60), fpr in 0.0_f64..1.0) {
            let positive: Vec<bool> = rows.iter().map(|row| row.1).collect();
            prop_assume!(positive.iter().any(|p| *p) && positive.iter().any(|p| !*p));
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
            let side = |wanted: bool| scores.iter().zip(&positive).filter(|x| *x.1 == wanted).map(|x| *x.0).collect::<Vec<_>>();
            let design = Design { positive: &positive, clusters: None, strata: None };
            let forwards: Vec<u32> = (0..rows.len() as u32).collect();
            let backwards: Vec<u32> = forwards.iter().rev().copied().collect();
            let family = Family { scores: &[&scores], groups: &[&forwards, &backwards], statistics: &[Statistic::Auc, Statistic::TprAtFpr(fpr)] };
            let found = max_t(&design, &family, 19, Seed::root(4)).tested;
            prop_assert!((found[0].observed - auc(&side(true), &side(false), None, Level::P95).value).abs() < 1e-12);
            prop_assert_eq!(found[1].observed, Roc::new(&side(true), &side(false)).tpr_at_fpr(fpr));
            prop_assert_eq!((found[0].observed, found[0].p), (found[2].observed, found[2].p));
            prop_assert!(found.iter().all(|t| t.p <= t.adjusted));
        }
    }
}
