//! How large a group of the sample must be to be evidence of a large group in the population (estimated k-map).

/// Distribution function of the Poisson law with mean `mean` at j = 0, 1, 2, ...
fn poisson(mean: f64) -> impl Iterator<Item = f64> {
    let (mut term, mut sum, mut j) = ((-mean).exp(), 0.0, 0.0);
    std::iter::from_fn(move || {
        sum += term;
        j += 1.0;
        term *= mean / j;
        Some(sum)
    })
}

/// The least j at which the distribution function reaches `level`; the mean when the terms vanish before.
fn reaching(mean: f64, level: f64) -> usize {
    let far = (mean + 20.0 * mean.sqrt() + 50.0) as usize;
    poisson(mean).take(far).position(|sum| sum >= level).unwrap_or(far)
}

/// The least sample group that rejects, at the level `alpha`, that fewer than `k` people of the population share its key:
/// of at most k - 1 people each is in the sample with probability `fraction`, so the group is Poisson with mean at most
/// (k - 1) fraction, and j + 1 rejects when P(group > j) <= alpha. The exact test of that law, at least 1
/// and at most k, since k records are k people.
///
/// ```
/// use privet::population::{arx_group_with_evidence, group_with_evidence};
/// // P(more than 3) = 0.0190 at mean 1: four records are enough; ARX asks for five.
/// assert_eq!((group_with_evidence(11, 0.1, 0.05), arx_group_with_evidence(11, 0.1, 0.05)), (4, 5));
/// assert_eq!(group_with_evidence(1, 0.1, 0.05), 1);
/// ```
pub fn group_with_evidence(k: usize, fraction: f64, alpha: f64) -> usize {
    let mean = k.saturating_sub(1) as f64 * fraction;
    if mean <= 0.0 { 1 } else { (reaching(mean, 1.0 - alpha) + 1).min(k) }
}

/// The same as ARX computes it: with mean k fraction and one more, which asks for one or two records more than the exact test.
pub fn arx_group_with_evidence(k: usize, fraction: f64, alpha: f64) -> usize {
    (reaching(k as f64 * fraction, 1.0 - alpha) + 2).min(k)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ARX's loop, with the probability of a wrong decision that belongs to it.
    #[test]
    fn arx_sizes() {
        for (k, fraction, alpha, size, wrong) in
            [(11, 0.1, 0.05, 5, 0.0257), (20, 0.1, 0.05, 7, 0.0166), (1000, 30_162.0 / 317_238_626.0, 0.01, 3, 0.0042)]
        {
            assert_eq!(arx_group_with_evidence(k, fraction, alpha), size);
            let sum = poisson(k as f64 * fraction).nth(size - 2).unwrap();
            assert!((1.0 - sum - wrong).abs() < 6e-5, "{k}: {}", 1.0 - sum);
        }
    }

    #[test]
    fn the_exact_test_keeps_its_level_and_asks_for_no_more() {
        for k in 1..60 {
            for fraction in [1e-4, 0.03, 0.2, 0.7] {
                let size = group_with_evidence(k, fraction, 0.05);
                let mean = (k - 1) as f64 * fraction;
                let error = |size: usize| 1.0 - if size == 0 { 0.0 } else { poisson(mean).nth(size - 1).unwrap() };
                assert!(size == k || error(size) <= 0.05 + 1e-12);
                assert!(size == 1 || error(size - 1) > 0.05);
                assert!(size <= arx_group_with_evidence(k, fraction, 0.05));
            }
        }
    }
}
