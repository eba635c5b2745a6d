//! How well a survival model's answer fits what happened.
//!
//! A risk score says who fails first, not when: times come from Breslow's baseline hazard, and the unit of the score from
//! Cox's model of the score alone (an over-fitted score is far too sure of itself on others; taken as a log hazard it would
//! hide what it remembers of members). Both are estimated on the non-members of the other half of the patients, so that no residual depends on what its own half says about membership.

use super::pool::Pool;
use crate::check::{Hazard, Truth};
use crate::model::Predictions;

/// How far ln of an expected number of events is followed: a score that is no log hazard must not overflow.
const FARTHEST: f64 = 50.0;
/// The floor of a probability taken off a curve. Curves are 32-bit numbers near one: below this their differences are noise.
const CURVE_FLOOR: f64 = 1e-6;
/// Least spread of risk scores: equal scores must not divide by zero.
const LEAST_SPREAD: f64 = 1e-12;
/// Slopes of a standardised score that count. A score that says nothing about others may still remember members: their
/// residuals keep a little of it.
const LEAST_SLOPE: f64 = 0.1;
const MOST_SLOPE: f64 = 10.0;
/// Most steps of Newton's method.
const STEPS: usize = 50;
/// Most people that a record is compared with.
const COMPARED: usize = 2000;

/// Breslow's baseline: the cumulative hazard of a record whose risk score is zero.
pub struct Baseline {
    /// Times with events, ascending.
    times: Vec<f64>,
    /// ln of the cumulative hazard up to and with each.
    ln_hazard: Vec<f64>,
}

impl Baseline {
    /// Estimates it: the sum over event times of the number of events over the sum of `exp(risk)` of all at risk.
    /// O(n log n). Ties are Breslow's.
    ///
    /// ```
    /// use privet::check::membership::survival::Baseline;
    /// // Three at risk at time 1, one at time 2: 1/3, then 1/3 + 1/1.
    /// let baseline = Baseline::fit(&[1.0, 1.5, 2.0], &[true, false, true], &[0.0; 3]);
    /// assert!((baseline.ln_at(1.9).exp() - 1.0 / 3.0).abs() < 1e-12);
    /// assert!((baseline.ln_at(2.0).exp() - 4.0 / 3.0).abs() < 1e-12);
    /// assert_eq!(baseline.ln_at(0.5), f64::NEG_INFINITY);
    /// ```
    pub fn fit(times: &[f64], events: &[bool], risks: &[f64]) -> Self {
        let top = risks.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by(|&a, &b| times[b].total_cmp(&times[a]));
        let (mut at_risk, mut steps) = (0.0, Vec::new());
        for tied in order.chunk_by(|&a, &b| times[a] == times[b]) {
            at_risk += tied.iter().map(|&row| (risks[row] - top).exp()).sum::<f64>();
            let failed = tied.iter().filter(|&&row| events[row]).count();
            if failed > 0 {
                steps.push((times[tied[0]], failed as f64 / f64::max(at_risk, f64::MIN_POSITIVE)));
            }
        }
        steps.reverse();
        let mut sum = 0.0;
        let cumulative = steps.iter().map(|(_, step)| {
            sum += step;
            f64::ln(sum) - top
        });
        Self { ln_hazard: cumulative.collect(), times: steps.iter().map(|(time, _)| *time).collect() }
    }

    /// ln of the cumulative hazard at a time.
    pub fn ln_at(&self, time: f64) -> f64 {
        match self.times.partition_point(|&known| known <= time) {
            0 => f64::NEG_INFINITY,
            after => self.ln_hazard[after - 1],
        }
    }
}

/// Martingale residual: events minus the number expected.
///
/// ```
/// use privet::check::membership::survival::martingale;
/// assert_eq!(martingale(true, 0.0), 0.0);
/// assert_eq!(martingale(false, 0.0), -1.0);
/// ```
pub fn martingale(event: bool, ln_expected: f64) -> f64 {
    f64::from(u8::from(event)) - ln_expected.clamp(-FARTHEST, FARTHEST).exp()
}

/// Deviance residual: the martingale residual, made symmetric; 0 where exactly as many events happened as expected.
///
/// ```
/// use privet::check::membership::survival::deviance;
/// assert_eq!(deviance(true, 0.0), 0.0);
/// assert!((deviance(false, 0.0) + 2.0_f64.sqrt()).abs() < 1e-12);
/// ```
pub fn deviance(event: bool, ln_expected: f64) -> f64 {
    let ln_expected = ln_expected.clamp(-FARTHEST, FARTHEST);
    let expected = ln_expected.exp();
    let half = if event { expected - 1.0 - ln_expected } else { expected };
    martingale(event, ln_expected).signum() * (2.0 * half.max(0.0)).sqrt()
}

/// ln of what a survival curve says about what happened: the density at the time of an event, else the probability of
/// none up to that time. `curve` holds the probabilities at `times`; before the first of them it starts at 1 and time 0.
///
/// ```
/// use privet::check::membership::survival::log_likelihood;
/// let (times, curve) = ([1.0, 3.0], [0.8, 0.4]);
/// // From 0.8 to 0.4 in two units: a density of 0.2; half way S = 0.6.
/// assert!((log_likelihood(&times, &curve, 2.0, true) - 0.2_f64.ln()).abs() < 1e-12);
/// assert!((log_likelihood(&times, &curve, 2.0, false) - 0.6_f64.ln()).abs() < 1e-12);
/// // Nobody knows what comes after the grid: S at its end.
/// assert!((log_likelihood(&times, &curve, 9.0, true) - 0.4_f64.ln()).abs() < 1e-12);
/// ```
pub fn log_likelihood(times: &[f64], curve: &[f64], time: f64, event: bool) -> f64 {
    let (Some(&first), Some(&last)) = (times.first(), curve.last()) else { return 0.0 };
    // A grid that starts at zero has its first interval after it.
    let start = usize::from(first <= 0.0);
    let after = times.partition_point(|&known| known < time).max(start);
    if after >= times.len() {
        return last.max(CURVE_FLOOR).ln();
    }
    let (from, before) = if after == 0 { (0.0, 1.0) } else { (times[after - 1], curve[after - 1]) };
    let (width, lost) = (times[after] - from, before - curve[after]);
    if event {
        return (lost.max(CURVE_FLOOR) / width).ln();
    }
    (before - lost * (time - from) / width).max(CURVE_FLOOR).ln()
}

/// What a risk score says of times. Nobody states the unit of a score, and one that was fitted too closely is too sure of
/// itself: its slope is estimated along with the baseline.
pub struct RiskModel {
    centre: f64,
    slope: f64,
    baseline: Baseline,
}

impl RiskModel {
    /// Cox's model of the score alone on some rows, with Breslow's baseline. O(n log n).
    pub fn fit(rows: &[usize], risks: &[f64], times: &[f64], events: &[bool]) -> Self {
        let of = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
        let (risks, times) = (of(risks), of(times));
        let events: Vec<bool> = rows.iter().map(|&row| events[row]).collect();
        let n = risks.len().max(1) as f64;
        let centre = risks.iter().sum::<f64>() / n;
        let deviation = (risks.iter().map(|risk| (risk - centre).powi(2)).sum::<f64>() / n).sqrt().max(LEAST_SPREAD);
        let standard: Vec<f64> = risks.iter().map(|risk| (risk - centre) / deviation).collect();
        let slope = cox_slope(&times, &events, &standard).clamp(LEAST_SLOPE, MOST_SLOPE);
        let scaled: Vec<f64> = standard.iter().map(|risk| slope * risk).collect();
        Self { centre, slope: slope / deviation, baseline: Baseline::fit(&times, &events, &scaled) }
    }

    /// The hazard up to a time.
    pub fn hazard_at(&self, time: f64) -> Hazard {
        Hazard { ln_baseline: self.baseline.ln_at(time) - self.slope * self.centre, slope: self.slope }
    }
}

/// The coefficient of Cox's model with one covariate: the largest partial likelihood, ties as Breslow treats them. Newton's
/// method on a concave function; O(n) a step after sorting.
pub fn cox_slope(times: &[f64], events: &[bool], risks: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by(|&a, &b| times[b].total_cmp(&times[a]));
    let mut slope = 0.0_f64;
    for _ in 0..STEPS {
        let (mut gradient, mut curvature) = (0.0, 0.0);
        let mut sums = [0.0_f64; 3];
        for tied in order.chunk_by(|&a, &b| times[a] == times[b]) {
            for &row in tied {
                let weight = (slope * risks[row]).exp();
                sums = [sums[0] + weight, sums[1] + weight * risks[row], sums[2] + weight * risks[row].powi(2)];
            }
            let (mean, square) = (sums[1] / sums[0], sums[2] / sums[0]);
            for _ in tied.iter().filter(|&&row| events[row]) {
                curvature += square - mean * mean;
            }
            gradient += tied.iter().filter(|&&row| events[row]).map(|&row| risks[row] - mean).sum::<f64>();
        }
        if curvature <= 0.0 {
            break;
        }
        let step = (gradient / curvature).clamp(-1.0, 1.0);
        slope = (slope + step).clamp(-MOST_SLOPE, MOST_SLOPE);
        if step.abs() < 1e-12 {
            break;
        }
    }
    slope
}

/// The truth about the pool, for risk scores with the hazard that turns them into expected numbers of events: each record's
/// from the non-members of the other half.
pub(super) fn with_baseline(pool: &Pool, predictions: &Predictions, truth: Truth) -> Truth {
    let (Predictions::Risks(risks), Truth::Survival { times, events, .. }) = (predictions, &truth) else {
        return truth;
    };
    let hazards = pool.cross_fit(|training, rows| {
        let known: Vec<usize> = training.iter().copied().filter(|&row| !pool.is_member(row)).collect();
        let model = RiskModel::fit(&known, risks, times, events);
        rows.iter().map(|&row| model.hazard_at(times[row])).collect()
    });
    Truth::Survival { times: times.clone(), events: events.clone(), hazards: Some(hazards) }
}

/// Deviance residuals of risk scores.
pub(super) fn deviances(risks: &[f64], events: &[bool], hazards: &[Hazard]) -> Vec<f64> {
    let rows = risks.iter().zip(events).zip(hazards);
    rows.map(|((&risk, &event), hazard)| deviance(event, hazard.ln_expected(risk))).collect()
}

/// The share of pairs with non-members of the other half that a risk score puts in the order of their events, less the
/// share of those that it puts the other way round; 0 without any pair. It needs no unit. O(rows x `COMPARED`).
pub(super) fn concordances(pool: &Pool, risks: &[f64], times: &[f64], events: &[bool]) -> Vec<f64> {
    pool.cross_fit(|training, rows| {
        let known: Vec<usize> = training.iter().copied().filter(|&row| !pool.is_member(row)).collect();
        let compared: Vec<usize> = known.iter().copied().step_by(known.len().div_ceil(COMPARED).max(1)).collect();
        let order = |row: usize, other: usize| {
            let earlier = events[row] && times[row] < times[other];
            let later = events[other] && times[other] < times[row];
            let gap = risks[row] - risks[other];
            let sign = if gap == 0.0 { 0.0 } else { gap.signum() };
            (earlier || later).then_some(if earlier { sign } else { -sign })
        };
        let of_row = |&row: &usize| {
            let (sum, pairs) = compared
                .iter()
                .filter_map(|&other| order(row, other))
                .fold((0.0, 0_u32), |(sum, pairs), sign| (sum + sign, pairs + 1));
            sum / f64::from(pairs.max(1))
        };
        rows.iter().map(of_row).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answers;
    use crate::check::membership::specimen::{attacked, threshold_area};
    use crate::check::specimen::{Case, normal, numbers, uniform};
    use crate::data::{Schema, Table};
    use crate::seed::Seed;

    /// Exponential times whose log hazard is the first number, followed up to time 1, and a score of that and noise. Members'
    /// scores know the time itself where `remembers` is not zero.
    fn side(count: usize, remembers: f64, seed: Seed) -> Answers {
        let (hazard, noise) = (normal(count, 0.0, seed.derive("hazard")), normal(count, 0.0, seed.derive("noise")));
        let chance = uniform(count, 1_000_000, seed.derive("time"));
        let time = |(hazard, &u): (&f64, &u32)| -((f64::from(u) + 0.5) / 1e6).ln() / hazard.exp();
        let times: Vec<f64> = hazard.iter().zip(&chance).map(time).collect();
        let risk = |((hazard, noise), time): ((&f64, &f64), &f64)| hazard + 2.0 * noise - remembers * time.ln();
        let risks = hazard.iter().zip(&noise).zip(&times).map(risk).collect();
        let events = times.iter().map(|&time| time < 1.0).collect();
        let times = times.into_iter().map(|time| time.min(1.0)).collect();
        Answers { predictions: Predictions::Risks(risks), truth: Truth::Survival { times, events, hazards: None } }
    }

    fn case(count: usize, remembers: f64, seed: u64) -> Case {
        let seed = Seed::root(seed).derive("survival specimen");
        let table = || Table::new(vec![numbers("x", vec![0.0; count])]);
        let (members, others) = (side(count, remembers, seed.derive("in")), side(count, 0.0, seed.derive("out")));
        Case::tables(table(), table(), Schema::default())
            .with_model(Vec::new(), members, others, |_| Predictions::Risks(Vec::new()))
    }

    /// Nothing leaks: 95 % intervals miss 0.5 in at most 10 of 60 cases but once in 2,000 (binomial with 5 %), for each of
    /// the three signals alike.
    #[test]
    fn residuals_do_not_accuse_a_score_that_remembers_nobody() {
        let missed = (0..60).filter(|&seed| !threshold_area(&case(150, 0.0, seed), seed).covers(0.5));
        assert!(missed.count() <= 10);
        let mut means = [0.0; 3];
        for seed in 0..60 {
            let scores = attacked(case(150, 0.0, seed), seed).scores;
            let plain = scores.iter().filter(|attack| attack.name.ends_with("one threshold"));
            for (mean, attack) in means.iter_mut().zip(plain) {
                let (members, others) = attack.of_record.split_at(150);
                *mean += crate::stats::roc::auc(members, others, None, crate::stats::Level::P95).value / 60.0;
            }
        }
        // One area has a standard error of 0.033, their mean of 0.0043.
        assert!(means.iter().all(|mean| (mean - 0.5).abs() < 0.015), "{means:?}");
    }

    #[test]
    fn what_a_score_remembers_is_found() {
        let area = threshold_area(&case(400, 2.0, 1), 1);
        assert!(area.low > 0.55, "{area:?}");
    }

    /// Days or years, log hazards or points from 0 to 100: the residuals are the same.
    #[test]
    fn a_score_has_no_unit() {
        let Answers { predictions: Predictions::Risks(risks), truth: Truth::Survival { times, events, .. } } =
            side(100, 0.0, Seed::root(3))
        else {
            panic!("risks and times")
        };
        let points: Vec<f64> = risks.iter().map(|risk| 40.0 + 12.0 * risk).collect();
        let rows: Vec<usize> = (0..100).collect();
        let (one, other) =
            (RiskModel::fit(&rows, &risks, &times, &events), RiskModel::fit(&rows, &points, &times, &events));
        for row in rows {
            let expected = one.hazard_at(times[row]).ln_expected(risks[row]);
            let same = other.hazard_at(times[row]).ln_expected(points[row]);
            assert!(expected == same || (expected - same).abs() < 1e-9, "{expected} {same}");
        }
    }

    /// Six patients by hand: at risk 6, 5, 3 and 1 with a score of zero, events at times 1, 2 (two tied) and 5.
    #[test]
    fn six_patients() {
        let times = [1.0, 2.0, 2.0, 3.0, 4.0, 5.0];
        let events = [true, true, true, false, false, true];
        let baseline = Baseline::fit(&times, &events, &[0.0; 6]);
        let steps = [
            (1.0, 1.0 / 6.0),
            (2.0, 1.0 / 6.0 + 2.0 / 5.0),
            (4.5, 1.0 / 6.0 + 2.0 / 5.0),
            (5.0, 1.0 / 6.0 + 7.0 / 5.0),
        ];
        for (time, cumulative) in steps {
            assert!((baseline.ln_at(time).exp() - cumulative).abs() < 1e-12, "{time}");
        }
        // sqrt(2 (1/6 - 1 - ln 1/6)), and minus sqrt(2 x 17/30) for who was censored at time 3.
        assert!((deviance(true, baseline.ln_at(1.0)) - 1.384_504_342).abs() < 1e-8);
        assert!((deviance(false, baseline.ln_at(3.0)) + 1.064_581_295).abs() < 1e-8);
    }
}
