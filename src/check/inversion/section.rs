//! Golden-section search for the number that fits best, between the points of a grid.
//!
//! Reference: Kiefer, Proceedings of the AMS 4 (1953) 502-506.

use super::replies::Reply;

/// Steps of a golden-section search; each shrinks the stretch to 0.618 of itself, all of them to a fiftieth.
pub(super) const STEPS: usize = 8;
/// Questions of a golden-section search.
pub(super) const REFINING: usize = STEPS + 2;
/// The golden section.
const SECTION: f64 = 0.618_033_988_749_894_8;

/// A golden-section search for one person's best fitting number.
pub(super) struct Search {
    ends: (f64, f64),
    /// The two points inside with their fits.
    pub(super) inner: ((f64, f64), (f64, f64)),
    /// The best point before the search; nothing where several are as good.
    start: Option<(f64, f64)>,
    /// Whether the lower of the two is the new one.
    lower: bool,
}

impl Search {
    /// Starts between the neighbours of the best point.
    pub(super) fn around(points: &[f64], replies: &[Reply]) -> Self {
        let top = replies.iter().map(|reply| reply.fit).fold(f64::NEG_INFINITY, f64::max);
        let best: Vec<usize> = (0..replies.len()).filter(|&at| replies[at].fit == top).collect();
        let at = best.first().copied().unwrap_or(0);
        let (a, b) = (points[at.saturating_sub(1)], points[(at + 1).min(points.len() - 1)]);
        let inner = (b - SECTION * (b - a), a + SECTION * (b - a));
        Self {
            ends: (a, b),
            inner: ((inner.0, f64::NEG_INFINITY), (inner.1, f64::NEG_INFINITY)),
            start: (best.len() == 1).then_some((points[at], top)),
            lower: false,
        }
    }

    /// Drops the worse end and says which point to ask about.
    pub(super) fn narrow(&mut self) -> f64 {
        let (lower, upper) = self.inner;
        self.lower = lower.1 >= upper.1;
        if self.lower {
            self.ends.1 = upper.0;
            self.inner = ((self.ends.1 - SECTION * (self.ends.1 - self.ends.0), f64::NEG_INFINITY), lower);
            self.inner.0.0
        } else {
            self.ends.0 = lower.0;
            self.inner = (upper, (self.ends.0 + SECTION * (self.ends.1 - self.ends.0), f64::NEG_INFINITY));
            self.inner.1.0
        }
    }

    /// Takes the answer to the last question.
    pub(super) fn learn(&mut self, fit: f64) {
        if self.lower {
            self.inner.0.1 = fit;
        } else {
            self.inner.1.1 = fit;
        }
    }

    /// The best value seen.
    pub(super) fn best(&self) -> Option<f64> {
        let start = self.start?;
        let better = |a: (f64, f64), b: (f64, f64)| if b.1 > a.1 { b } else { a };
        Some(better(better(start, self.inner.0), self.inner.1).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The search finds the top of a parabola between grid points, to a fiftieth of the stretch, and leaves a plateau alone.
    #[test]
    fn golden_section_finds_the_top() {
        let points = [-3.0, -2.0, -1.0, 0.0];
        let fit = |value: f64| -(value + 1.7_f64).powi(2);
        let reply = |fit: f64| Reply { reproduces: true, fit, sure: 0.0, class: 0 };
        let replies: Vec<Reply> = points.iter().map(|&point| reply(fit(point))).collect();
        let mut search = Search::around(&points, &replies);
        search.inner.0.1 = fit(search.inner.0.0);
        search.inner.1.1 = fit(search.inner.1.0);
        for _ in 0..STEPS {
            let asked = search.narrow();
            search.learn(fit(asked));
        }
        assert!((search.best().unwrap() + 1.7).abs() < 0.04, "{:?}", search.best());
        assert_eq!(Search::around(&points, &[reply(0.0); 4]).best(), None);
    }
}
