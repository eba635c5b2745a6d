//! Bootstrap intervals of numbers read off the curve, for rows or for clusters of rows.
//!
//! Scores are sorted once; a replicate only draws how often each unit counts and walks along the sorted scores. Refuses
//! nothing, but at small false-positive rates the distribution-free bounds of [`super::roc`] are the ones to judge by:
//! a bootstrap knows no score beyond those it saw.

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use super::interval::normal_quantile;
use super::rank::quantile;
use super::roc::{Statistic, allowed};
use super::units::Units;
use super::{Estimate, Level, Method};
use crate::seed::Seed;

/// How the interval is read from the replicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Their quantiles at alpha/2 and 1 - alpha/2.
    Percentile,
    /// Bias-corrected and accelerated quantiles.
    Bca,
}

/// How the rows are resampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    /// Number of replicates.
    pub replicates: usize,
    /// How the interval is read from them.
    pub interval: Interval,
    /// Level of every interval.
    pub level: Level,
    /// Source of the draws.
    pub seed: Seed,
}

impl Resampling {
    /// 2,000 replicates, percentile intervals at 95 %.
    pub fn new(seed: Seed) -> Self {
        Self { replicates: 2_000, interval: Interval::Percentile, level: Level::P95, seed }
    }
}

/// Parts into which a stratum is cut at most to find the acceleration by leaving one part out.
const JACKKNIFE_PARTS: usize = 50;

/// Statistics of the curve with stratified bootstrap intervals, all from the same replicates.
///
/// Positives and negatives are drawn from separately, as often as there are; with `clusters` (the group of every
/// positive and of every negative) whole clusters are drawn, those on both sides as a stratum of their own. `BCa`
/// corrects the quantiles by the share of replicates below the estimate (ties count half) and by the skewness of the
/// influence of the units (jackknife within strata, over at most 50 parts of each). `n` is the smaller number of units
/// on a side. The same on any number of threads. O(B N) after sorting.
///
/// Degenerate case: when no replicate differs from the estimate, the ends are drawn in by the exact one-sided bound
/// `(alpha/2)^(1/n)` ([`Method::EdgeBound`]), since a score that never erred may still err.
///
/// References: Efron, JASA 82 (1987) 171-185; Davison and Hinkley, Bootstrap methods (1997), sections 3.8 and 5.3.
///
/// ```
/// use privet::seed::Seed;
/// use privet::stats::{bootstrap::{Resampling, bootstrap}, roc::Statistic};
/// let found = bootstrap(&[3.0, 5.0, 6.0], &[1.0, 2.0, 4.0], None, &[Statistic::Auc], &Resampling::new(Seed::root(1)));
/// assert!((found[0].value - 8.0 / 9.0).abs() < 1e-12 && found[0].low < 0.8 && found[0].high == 1.0);
/// ```
///
/// # Panics
/// When a side is empty or there is no replicate.
pub fn bootstrap(
    positives: &[f64],
    negatives: &[f64],
    clusters: Option<(&[u32], &[u32])>,
    statistics: &[Statistic],
    resampling: &Resampling,
) -> Vec<Estimate> {
    assert!(!positives.is_empty() && !negatives.is_empty(), "both sides have scores");
    assert!(resampling.replicates > 0, "there is a replicate");
    let units = Units::of(positives.len(), negatives.len(), clusters);
    let pooled = Pooled::of(positives, negatives, &units);
    let observed = pooled.statistics(&vec![1; units.len], statistics);
    let replicate = |number: usize| {
        let weights = units.draw(&mut resampling.seed.derive(&format!("replicate {number}")).stream());
        pooled.statistics(&weights, statistics)
    };
    let replicates: Vec<Vec<f64>> = (0..resampling.replicates).into_par_iter().map(replicate).collect();
    let acceleration = match resampling.interval {
        Interval::Percentile => vec![0.0; statistics.len()],
        Interval::Bca => accelerations(&pooled, &units, statistics),
    };
    let n = units.smaller_side();
    let one = |at: usize| {
        let mut sorted: Vec<f64> = replicates.iter().map(|replicate| replicate[at]).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        interval(observed[at], &sorted, acceleration[at], n, resampling)
    };
    (0..statistics.len()).map(one).collect()
}

/// The interval of one statistic from its sorted replicates.
fn interval(value: f64, sorted: &[f64], acceleration: f64, n: usize, resampling: &Resampling) -> Estimate {
    let level = resampling.level;
    let tail = level.alpha() / 2.0;
    if sorted.iter().all(|&replicate| replicate == value) {
        let reach = tail.powf(1.0 / n as f64);
        let (low, high) = (value * reach, 1.0 - (1.0 - value) * reach);
        return Estimate { value, low, high, level, n, method: Method::EdgeBound };
    }
    let (low, high, method) = match resampling.interval {
        Interval::Percentile => (tail, 1.0 - tail, Method::BootstrapPercentile),
        Interval::Bca => {
            let corrected = |p: f64| corrected(p, bias(value, sorted), acceleration);
            (corrected(tail), corrected(1.0 - tail), Method::BootstrapBca)
        }
    };
    Estimate { value, low: quantile(sorted, low), high: quantile(sorted, high), level, n, method }
}

/// The normal quantile of the share of replicates below the estimate, ties counting half.
fn bias(value: f64, sorted: &[f64]) -> f64 {
    let below = sorted.partition_point(|&replicate| replicate < value);
    let up_to = sorted.partition_point(|&replicate| replicate <= value);
    let (half, all) = (0.5 / sorted.len() as f64, sorted.len() as f64);
    normal_quantile(((below + up_to) as f64 / (2.0 * all)).clamp(half, 1.0 - half))
}

/// Efron's corrected probability `Phi(z0 + (z0 + z) / (1 - a (z0 + z)))`.
fn corrected(p: f64, bias: f64, acceleration: f64) -> f64 {
    let shifted = bias + normal_quantile(p);
    Normal::standard().cdf(bias + shifted / (1.0 - acceleration * shifted))
}

/// The skewness of the influence of the units on each statistic, over 6.
fn accelerations(pooled: &Pooled, units: &Units, statistics: &[Statistic]) -> Vec<f64> {
    let mut moments = vec![(0.0_f64, 0.0_f64); statistics.len()];
    for stratum in &units.strata {
        let parts = stratum.len().min(JACKKNIFE_PARTS);
        let without = |part: usize| {
            let mut weights = vec![1; units.len];
            stratum.iter().skip(part).step_by(parts).for_each(|&unit| weights[unit as usize] = 0);
            pooled.statistics(&weights, statistics)
        };
        if parts < 2 {
            continue; // a stratum of one unit cannot be left out
        }
        let left_out: Vec<Vec<f64>> = (0..parts).into_par_iter().map(without).collect();
        for (at, (squares, cubes)) in moments.iter_mut().enumerate() {
            let mean = left_out.iter().map(|values| values[at]).sum::<f64>() / parts as f64;
            for values in &left_out {
                let influence = (parts - 1) as f64 / parts as f64 * (mean - values[at]);
                *squares += influence.powi(2);
                *cubes += influence.powi(3);
            }
        }
    }
    let ratio = |&(squares, cubes): &(f64, f64)| if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 };
    moments.iter().map(ratio).collect()
}

/// All scores in descending order, ready to be counted with weights.
struct Pooled {
    rows: Vec<Row>,
    /// Where each block of ties ends.
    block_ends: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Row {
    unit: u32,
    positive: bool,
}

impl Pooled {
    fn of(positives: &[f64], negatives: &[f64], units: &Units) -> Self {
        let side = |scores: &[f64], of: &[u32], positive: bool| -> Vec<(f64, Row)> {
            scores.iter().zip(of).map(|(&score, &unit)| (score, Row { unit, positive })).collect()
        };
        let mut scored = side(positives, &units.of_positives, true);
        scored.extend(side(negatives, &units.of_negatives, false));
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let ends = (1..=scored.len()).filter(|&end| end == scored.len() || scored[end].0 != scored[end - 1].0);
        let block_ends = ends.map(|end| end as u32).collect();
        Self { rows: scored.into_iter().map(|(_, row)| row).collect(), block_ends }
    }

    /// The statistics when every unit counts as often as its weight says.
    fn statistics(&self, weights: &[u32], statistics: &[Statistic]) -> Vec<f64> {
        let cuts = self.cuts(weights);
        let &(n, m) = cuts.last().expect("there is a score");
        if n == 0 || m == 0 {
            return statistics.iter().map(|s| if *s == Statistic::Auc { 0.5 } else { 0.0 }).collect();
        }
        let one = |statistic: &Statistic| match *statistic {
            Statistic::Auc => {
                // Negatives of a block lie below all positives before it and level with those in it.
                let steps = std::iter::once(&(0, 0)).chain(&cuts).zip(&cuts);
                let doubled: u64 = steps.map(|(before, after)| (after.1 - before.1) * (before.0 + after.0)).sum();
                doubled as f64 / (2 * n * m) as f64
            }
            Statistic::TprAtFpr(fpr) => {
                let allowed = allowed(fpr, m as usize) as u64;
                match cuts.partition_point(|cut| cut.1 <= allowed) {
                    0 => 0.0,
                    blocks => cuts[blocks - 1].0 as f64 / n as f64,
                }
            }
        };
        statistics.iter().map(one).collect()
    }

    /// Weighted positives and negatives up to the end of every block.
    fn cuts(&self, weights: &[u32]) -> Vec<(u64, u64)> {
        let (mut start, mut hits, mut alarms) = (0, 0, 0);
        let block = |&end: &u32| {
            for row in &self.rows[start..end as usize] {
                let weight = u64::from(weights[row.unit as usize]);
                if row.positive {
                    hits += weight;
                } else {
                    alarms += weight;
                }
            }
            start = end as usize;
            (hits, alarms)
        };
        self.block_ends.iter().map(block).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::roc::{Roc, auc};
    use crate::stats::specimen::group_effects;
    use proptest::prelude::*;

    const AUC: [Statistic; 1] = [Statistic::Auc];

    /// `scipy.stats._resampling._bca_interval` of SciPy 1.17.1 on the same scores and replicates, 5 % a side.
    #[test]
    fn corrected_quantiles_equal_scipy() {
        let (p, q) = ([3.0, 5.0, 6.0, 4.0, 7.0, 2.5], [1.0, 2.0, 4.0, 3.5, 0.0]);
        let units = Units::of(p.len(), q.len(), None);
        let pooled = Pooled::of(&p, &q, &units);
        let acceleration = accelerations(&pooled, &units, &AUC)[0];
        assert!((acceleration + 0.026_521_688_121_872_975).abs() < 1e-12, "{acceleration}");
        let value = pooled.statistics(&vec![1; units.len], &AUC)[0];
        let bias = bias(value, &[0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.0]);
        assert!((corrected(0.05, bias, acceleration) - 0.042_726_921_210_660_25).abs() < 1e-9);
        assert!((corrected(0.95, bias, acceleration) - 0.942_498_330_764_313_3).abs() < 1e-9);
    }

    #[test]
    fn a_perfect_score_keeps_a_bound() {
        for statistic in [Statistic::Auc, Statistic::TprAtFpr(0.1)] {
            let found = bootstrap(&[2.0; 30], &[1.0; 40], None, &[statistic], &Resampling::new(Seed::root(1)))[0];
            assert_eq!((found.value, found.high, found.method), (1.0, 1.0, Method::EdgeBound));
            assert!((found.low - 0.025_f64.powf(1.0 / 30.0)).abs() < 1e-12);
        }
    }

    /// A cluster with a row on either side moves both together, which leaves less to chance in their comparison.
    #[test]
    fn clusters_on_both_sides_are_drawn_as_one() {
        let mut stream = Seed::root(2).derive("both sides").stream();
        let (rows, _) = group_effects(60, 2, 0.9, &mut stream);
        let p: Vec<f64> = rows.iter().step_by(2).map(|x| x + 0.5).collect();
        let q: Vec<f64> = rows.iter().skip(1).step_by(2).copied().collect();
        let clusters: Vec<u32> = (0..60).collect();
        let width = |clusters| {
            let found = bootstrap(&p, &q, clusters, &AUC, &Resampling::new(Seed::root(1)))[0];
            found.high - found.low
        };
        let (together, apart) = (width(Some((&clusters, &clusters))), width(None));
        let exact = auc(&p, &q, Some((&clusters, &clusters)), Level::P95);
        assert!(together < 0.6 * apart, "{together} {apart}");
        assert!((together / (exact.high - exact.low) - 1.0).abs() < 0.15, "{together} {exact:?}");
    }

    #[test]
    fn threads_change_nothing() {
        let (p, q) = ([0.3, 0.9, 0.4, 0.8, 0.5], [0.1, 0.35, 0.2, 0.6]);
        let statistics = [Statistic::Auc, Statistic::TprAtFpr(0.25)];
        let run = || bootstrap(&p, &q, None, &statistics, &Resampling::new(Seed::root(1)));
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
        assert_eq!(one_thread.install(run), run());
    }

    proptest! {
        #[test]
        fn weights_are_repeated_rows(p in prop::collection::vec((-5_i32..5, 0_u32..4), 1..30), q in prop::collection::vec((-5_i32..5, 0_u32..4), 1..30), fpr in 0.0_f64..1.0) {
            let scores = |rows: &[(i32, u32)]| rows.iter().map(|row| f64::from(row.0)).collect::<Vec<_>>();
            let repeated = |rows: &[(i32, u32)]| rows.iter().flat_map(|row| vec![f64::from(row.0); row.1 as usize]).collect::<Vec<_>>();
            let (rp, rq) = (repeated(&p), repeated(&q));
            prop_assume!(!rp.is_empty() && !rq.is_empty());
            let units = Units::of(p.len(), q.len(), None);
            let weights: Vec<u32> = p.iter().chain(&q).map(|row| row.1).collect();
            let found = Pooled::of(&scores(&p), &scores(&q), &units).statistics(&weights, &[Statistic::Auc, Statistic::TprAtFpr(fpr)]);
            prop_assert!((found[0] - auc(&rp, &rq, None, Level::P95).value).abs() < 1e-12);
            prop_assert_eq!(found[1], Roc::new(&rp, &rq).tpr_at_fpr(fpr));
        }
    }
}
