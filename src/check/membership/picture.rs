//! Charts of scores on fixed grids, in which no bin tells of fewer than eleven people.

use super::pool::Pool;
use crate::check::AttackScores;
use crate::finding::{Curve, CurvePoint, Evidence, Histogram, SMALLEST_SHOWN, Series};
use crate::stats::rank::quantile;
use crate::stats::roc::Roc;
use crate::stats::{Estimate, Level};

/// The ROC on a fixed grid, from the smallest rate that the non-members can prove.
pub(super) fn roc(roc: &Roc, estimate: &Estimate, fpr: f64) -> Evidence {
    let m = roc.negatives() as f64;
    let smallest = (1.0 - (Level::P95.alpha() / 2.0).powf(1.0 / m)).max(1.0 / m);
    let grid: Vec<f64> = [
        0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8,
        0.9,
    ]
    .into_iter()
    .filter(|&f| f > smallest)
    .collect();
    let point = |f: f64| {
        let bounds = roc.tpr_at_fpr_bounds(f, Level::P95);
        CurvePoint { fpr: f, tpr: bounds.value, low: bounds.low, high: bounds.high }
    };
    let title = if estimate.low > fpr {
        "Members are recognised more often than chance allows"
    } else {
        "Members are not recognised more often than chance, as far as these records can tell"
    };
    Evidence::Roc(Curve { title: title.to_owned(), points: grid.into_iter().map(point).collect(), limit: None })
}

/// Mirrored histograms of an attack's scores on 24 bins between round edges.
pub(super) fn distributions(pool: &Pool, attack: &AttackScores, area: Estimate) -> Evidence {
    let mut pooled = attack.of_record.clone();
    pooled.sort_by(f64::total_cmp);
    let (low, high) = (quantile(&pooled, 0.02), quantile(&pooled, 0.98));
    let step = round_step((high - low) / 24.0);
    let start = (low / step).floor() * step;
    let bins = (((high - start) / step).ceil() as usize).clamp(1, 48);
    let edges: Vec<f64> = (0..=bins).map(|i| start + step * i as f64).collect();
    let title =
        if area.low > 0.5 { "Members score higher than non-members" } else { "Members and non-members score alike" };
    let (members, nonmembers) = attack.of_record.split_at(pool.members);
    let series = [("members", members), ("non-members", nonmembers)];
    Evidence::Distributions(Histogram {
        title: title.to_owned(),
        axis: format!("{}: score, larger is more like a member", attack.name),
        series: series
            .map(|(name, values)| Series { name: name.to_owned(), shares: shares(values, start, step, bins) })
            .to_vec(),
        edges,
    })
}

/// 1, 2 or 5 times a power of ten, at least the width given.
fn round_step(width: f64) -> f64 {
    let width = width.max(1e-9);
    let power = 10_f64.powf(width.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|&step| step >= width).unwrap_or(width)
}

/// Shares per bin, ends included; a bin of 1 to 10 records is emptied into the next one.
fn shares(values: &[f64], start: f64, step: f64, bins: usize) -> Vec<f64> {
    let mut counts = vec![0_usize; bins];
    for value in values {
        let bin = ((value - start) / step).floor().clamp(0.0, (bins - 1) as f64) as usize;
        counts[bin] += 1;
    }
    // A small bin goes into the next one; what is left at the end goes back into the last bin that holds anybody.
    let mut carried = 0;
    for count in &mut counts {
        carried += *count;
        *count = if carried >= SMALLEST_SHOWN { std::mem::take(&mut carried) } else { 0 };
    }
    if let Some(last) = counts.iter_mut().rev().find(|count| **count > 0) {
        *last += carried;
    }
    counts.into_iter().map(|count| count as f64 / values.len() as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bin_tells_of_fewer_than_eleven() {
        let values: Vec<f64> = (0..100).map(|i| if i < 92 { 0.5 } else { 9.5 }).collect();
        let counts: Vec<usize> = shares(&values, 0.0, 1.0, 10).iter().map(|s| (s * 100.0).round() as usize).collect();
        assert_eq!(counts, [100, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
