//! A Gaussian copula over categories: how likely one record's key is in the population.
//!
//! Written from the paper. Margins map each category to its own share (ordering margins by frequency and records by level,
//! as an implementation in circulation does, gives another category's probability); correlations are polychoric, by
//! deterministic rectangle probabilities; the probability of a key is an integral by a fixed lattice.
//!
//! A note, which claims nothing: the authors of the paper filed a patent application on estimating uniqueness with copulas
//! (WO2020254829A1); the application in Great Britain (GB2584910A) is listed as withdrawn. Whoever builds a product on this
//! module may want advice on it.

use super::polychoric::{Merged, counts, stretches};
use crate::equivalence::Column;
use crate::seed::Stream;
use crate::stats::interval::{normal_cdf, normal_quantile};
use crate::stats::uniform::unit;

/// Probability that nobody else of a population of `people` has the key of a record, which each has with probability `share`:
/// (1 - p)^(N - 1).
///
/// Reference: Rocher, Hendrickx and de Montjoye, Nature Communications 10:3069 (2019).
///
/// ```
/// use privet::population::uniqueness_of_key;
/// assert_eq!([1.0, 2.0].map(|people| uniqueness_of_key(1.0, people)), [1.0, 0.0]);
/// assert!((uniqueness_of_key(5.13e-4, 1e3) - 0.599).abs() < 5e-4);
/// ```
pub fn uniqueness_of_key(share: f64, people: f64) -> f64 {
    if people <= 1.0 { 1.0 } else { ((people - 1.0) * (-share).ln_1p()).exp() }
}

/// Probability that a match on the key is right: (1 - (1 - p)^N) / (N p), the mean of 1 over the number of people with it.
///
/// ```
/// use privet::population::correctness_of_key;
/// assert_eq!([1.0, 2.0, 4.0].map(|people| correctness_of_key(1.0, people)), [1.0, 0.5, 0.25]);
/// ```
pub fn correctness_of_key(share: f64, people: f64) -> f64 {
    if share <= 0.0 { 1.0 } else { -(people * (-share).ln_1p()).exp_m1() / (people * share) }
}

/// Points of the lattice.
const POINTS: usize = 4_096;

/// A fitted copula.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianCopula {
    /// For every column the ends of its levels on the normal scale, one more than levels.
    margins: Vec<Vec<f64>>,
    /// Rows of the lower Cholesky factor of the correlations.
    factor: Vec<Vec<f64>>,
    correlations: Vec<Vec<f64>>,
    shrunk: f64,
}

impl GaussianCopula {
    /// Fits margins and polychoric correlations. The codes of a column stand in an order that means something (numbers by
    /// size) or is kept once chosen ([`levels_in_order`](super::levels_in_order)); a missing value has no place in it and
    /// counts for no margin. Correlations that do not fit together are shrunk until they do. O(m^2 (n + 12^2 x 200)).
    ///
    /// # Panics
    /// When columns differ in length.
    pub fn fit(columns: &[Column]) -> Self {
        let margins = columns.iter().map(|column| stretches(&counts(column))).collect();
        let merged: Vec<Merged> = columns.iter().map(Merged::of).collect();
        let m = columns.len();
        let mut correlations: Vec<Vec<f64>> =
            (0..m).map(|i| (0..m).map(|j| f64::from(u8::from(i == j))).collect()).collect();
        for i in 0..m {
            for j in 0..i {
                let rho = merged[i].polychoric(&merged[j]);
                correlations[i][j] = rho;
                correlations[j][i] = rho;
            }
        }
        let mut shrunk = 1.0;
        loop {
            if let Some(factor) = cholesky(&correlations) {
                return Self { margins, factor, correlations, shrunk };
            }
            shrunk *= 0.98;
            for (i, row) in correlations.iter_mut().enumerate() {
                row.iter_mut().enumerate().filter(|(j, _)| *j != i).for_each(|(_, rho)| *rho *= 0.98);
            }
        }
    }

    /// The correlation of two columns.
    pub fn correlation(&self, i: usize, j: usize) -> f64 {
        self.correlations[i][j]
    }

    /// The factor by which correlations were shrunk because they did not fit together, 0 to 1; 1 where they did.
    pub fn shrunk(&self) -> f64 {
        self.shrunk
    }

    /// Probability of a key; a missing cell stands for any value. By separation of variables on a Richtmyer lattice of 4,096
    /// points with the baker's transformation: the same every time, exact where columns are independent.
    ///
    /// Reference: Genz and Bretz, Computation of multivariate normal and t probabilities (2009), section 4.2.
    pub fn share(&self, key: &[Option<u32>]) -> f64 {
        self.share_by(key, POINTS)
    }

    /// [`GaussianCopula::share`] by fewer points.
    pub(super) fn share_by(&self, key: &[Option<u32>], points: usize) -> f64 {
        let bounds: Vec<(f64, f64)> = self
            .margins
            .iter()
            .zip(key)
            .map(|(ends, code)| match code {
                Some(code) => (ends[*code as usize], ends[*code as usize + 1]),
                None => (f64::NEG_INFINITY, f64::INFINITY),
            })
            .collect();
        let steps: Vec<f64> = primes(bounds.len()).map(|prime| f64::from(prime).sqrt().fract()).collect();
        let mut drawn = vec![0.0; bounds.len()];
        let mut point = |at: usize| {
            let mut product = 1.0;
            for (i, (low, high)) in bounds.iter().enumerate() {
                let row = &self.factor[i];
                let shift: f64 = row[..i].iter().zip(&drawn).map(|(l, y)| l * y).sum();
                let (d, e) = (normal_cdf((low - shift) / row[i]), normal_cdf((high - shift) / row[i]));
                product *= e - d;
                if product <= 0.0 {
                    return 0.0;
                }
                if i + 1 < bounds.len() {
                    let w = (2.0 * (at as f64 * steps[i]).fract() - 1.0).abs();
                    drawn[i] = normal_quantile((d + w * (e - d)).clamp(1e-16, 1.0 - 1e-16));
                }
            }
            product
        };
        (1..=points).map(&mut point).sum::<f64>() / points as f64
    }

    /// Draws the key of a person, one code per column.
    pub(super) fn draw(&self, stream: &mut Stream) -> Vec<u32> {
        let m = self.margins.len();
        let mut normal = Vec::with_capacity(m + 1);
        while normal.len() < m {
            // Box and Muller's pair.
            let [a, b] = [unit(stream), unit(stream)];
            let radius = (-2.0 * (1.0 - a).ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * b).sin_cos();
            normal.extend([radius * cos, radius * sin]);
        }
        let code = |(row, ends): (&Vec<f64>, &Vec<f64>)| {
            let x: f64 = row.iter().zip(&normal).map(|(l, y)| l * y).sum();
            (ends[1..ends.len() - 1].partition_point(|end| *end < x)) as u32
        };
        self.factor.iter().zip(&self.margins).map(code).collect()
    }
}

/// The lower factor of a positive definite matrix.
fn cholesky(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let m = matrix.len();
    let mut factor = vec![vec![0.0; m]; m];
    for i in 0..m {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
            let rest = matrix[i][j] - dot;
            if i == j {
                if rest < 1e-6 {
                    return None;
                }
                factor[i][i] = rest.sqrt();
            } else {
                factor[i][j] = rest / factor[j][j];
            }
        }
    }
    Some(factor)
}

/// The first prime numbers.
fn primes(count: usize) -> impl Iterator<Item = u32> {
    (2_u32..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0)).take(count)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::population::bivariate_normal;
    use crate::seed::Seed;

    fn close(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() <= within, "{found} is not {expected}");
    }

    /// Orthants have closed forms.
    #[test]
    fn rectangles_of_two() {
        for rho in [-0.95_f64, -0.4, 0.0, 0.3, 0.8, 0.97] {
            close(bivariate_normal(0.0, 0.0, rho), 0.25 + rho.asin() / std::f64::consts::TAU, 1e-9);
            close(bivariate_normal(f64::INFINITY, 0.7, rho), normal_cdf(0.7), 1e-15);
            // P(X <= h, Y <= k; rho) + P(X <= h, Y <= -k; -rho) = P(X <= h).
            let both = bivariate_normal(0.4, 1.1, rho) + bivariate_normal(0.4, -1.1, -rho);
            close(both, normal_cdf(0.4), 1e-9);
        }
    }

    /// 1/8 + (asin a + asin b + asin c) / (4 pi).
    #[test]
    fn orthants_of_three() {
        let correlations = vec![vec![1.0, 0.5, -0.2], vec![0.5, 1.0, 0.3], vec![-0.2, 0.3, 1.0]];
        let factor = cholesky(&correlations).unwrap();
        let margins = vec![stretches(&[1.0, 1.0]); 3];
        let copula = GaussianCopula { margins, factor, correlations, shrunk: 1.0 };
        let angles = 0.5_f64.asin() + (-0.2_f64).asin() + 0.3_f64.asin();
        close(copula.share(&[Some(0); 3]), 0.125 + angles / (4.0 * std::f64::consts::PI), 2e-4);
        close(copula.share(&[Some(0), None, Some(1)]), 0.25 - (-0.2_f64).asin() / std::f64::consts::TAU, 2e-4);
        close(copula.share(&[None; 3]), 1.0, 1e-12);
    }

    #[derive(Deserialize)]
    struct Golden {
        tables: Vec<Pair>,
        correlations: Vec<Vec<f64>>,
        margins: Vec<Vec<f64>>,
        keys: Vec<(Vec<Option<u32>>, f64)>,
    }

    #[derive(Deserialize)]
    struct Pair {
        counts: Vec<Vec<u32>>,
        correlation: f64,
    }

    /// `tests/golden/copula.json`, made by the script beside it.
    #[test]
    fn correlations_and_keys_equal_scipy() {
        let golden: Golden =
            serde_json::from_str(&std::fs::read_to_string("tests/golden/copula.json").unwrap()).unwrap();
        for Pair { counts, correlation } in golden.tables {
            let columns = counts[0].len() as u32;
            let cells: Vec<u32> =
                (0..).zip(counts.concat()).flat_map(|(at, n)| std::iter::repeat_n(at, n as usize)).collect();
            let a = Column::new(cells.iter().map(|cell| cell / columns), counts.len() as u32, None);
            let b = Column::new(cells.iter().map(|cell| cell % columns), columns, None);
            close(GaussianCopula::fit(&[a, b]).correlation(0, 1), correlation, 1e-5);
        }
        let correlations = golden.correlations;
        let factor = cholesky(&correlations).unwrap();
        let margins = golden.margins.iter().map(|counts| stretches(counts)).collect();
        let copula = GaussianCopula { margins, factor, correlations, shrunk: 1.0 };
        for (key, share) in golden.keys {
            // One in a hundred by the points of the lattice; a key of one in a million, against the correlations, would take more.
            let rare = share < 1e-6;
            close(copula.share(&key), share, if rare { 0.15 } else { 0.01 } * share);
        }
        // Keys of a sample are scored by 64 points, which is too few for a rare one or one with an open column; what is asked is the
        // mean over keys that are drawn, a third of them with a cell missing.
        let mut stream = Seed::root(1).stream();
        let keys: Vec<Vec<Option<u32>>> = (0..900)
            .map(|at| {
                copula
                    .draw(&mut stream)
                    .into_iter()
                    .enumerate()
                    .map(|(j, code)| (at % 9 != j).then_some(code))
                    .collect()
            })
            .collect();
        assert!(keys.iter().any(|key| key.contains(&None)) && keys.iter().any(|key| !key.contains(&None)));
        for people in [100.0, 10_000.0, 1e6] {
            let mean = |points| {
                let unique = |key: &Vec<Option<u32>>| uniqueness_of_key(copula.share_by(key, points), people);
                keys.iter().map(unique).sum::<f64>() / keys.len() as f64
            };
            close(mean(64), mean(4_096), 2e-3);
        }
    }

    /// Every category keeps its own share, whatever its frequency; independent columns multiply. `CorrectMatch` sorts its
    /// margins by frequency and codes records by level: the rare first level of the first column would get the share of the
    /// common one.
    #[test]
    fn independent_columns_multiply() {
        let a = Column::new((0..600).map(|row| u32::from(row % 3 > 0)), 2, None);
        let b = Column::new((0..600).map(|row| row / 3 % 4), 4, None);
        let copula = GaussianCopula::fit(&[a, b]);
        close(copula.correlation(0, 1), 0.0, 1e-6);
        close(copula.share(&[Some(0), Some(2)]), 1.0 / 12.0, 1e-6);
        close(copula.share(&[Some(1), Some(2)]), 1.0 / 6.0, 1e-6);
        close(copula.share(&[Some(0), None]), 1.0 / 3.0, 1e-9);
        // What is drawn has those shares too.
        let mut stream = Seed::root(1).stream();
        let rare = (0..30_000).filter(|_| copula.draw(&mut stream) == [0, 2]).count();
        close(rare as f64 / 30_000.0, 1.0 / 12.0, 4.0 * (1.0 / 12.0 / 30_000.0_f64).sqrt());
    }

    /// Counts in the proportions of a correlation, also a negative one, give it back; the keys' shares are those counts.
    #[test]
    fn correlations_are_found_again() {
        for rho in [-0.97, -0.7, 0.2, 0.85] {
            let cuts = [f64::NEG_INFINITY, -0.8, 0.1, 0.9, f64::INFINITY];
            let (mut a, mut b) = (Vec::new(), Vec::new());
            let share = |i: usize, j: usize| {
                let at = |h: usize, k: usize| bivariate_normal(cuts[h], cuts[k], rho);
                at(i + 1, j + 1) - at(i, j + 1) - at(i + 1, j) + at(i, j)
            };
            for (i, j) in (0..16).map(|cell| (cell / 4, cell % 4)) {
                let count = (share(i, j) * 40_000.0).round() as usize;
                a.extend(std::iter::repeat_n(i as u32, count));
                b.extend(std::iter::repeat_n(j as u32, count));
            }
            let copula = GaussianCopula::fit(&[Column::new(a, 4, None), Column::new(b, 4, None)]);
            close(copula.correlation(0, 1), rho, 2e-3);
            close(copula.share(&[Some(1), Some(2)]), share(1, 2), 1e-3);
        }
    }

    /// Age, education and occupation of the adult data for one record: the right margins give 5.13e-4, the mismatched ones of
    /// the reference demonstration 4.25e-5.
    #[test]
    fn uniqueness_and_correctness() {
        for (share, expected) in [(5.13e-4, [0.599, 0.006, 0.0]), (4.25e-5, [0.958, 0.654, 0.014])] {
            for (people, expected) in [1e3, 1e4, 1e5].into_iter().zip(expected) {
                close(uniqueness_of_key(share, people), expected, 6e-4);
            }
        }
        assert_eq!([1.0, 2.0, 3.0].map(|people| correctness_of_key(1.0, people)), [1.0, 0.5, 1.0 / 3.0]);
        close(correctness_of_key(1e-9, 1e6), 1.0, 1e-3);
        // CorrectMatch's unit cases: a key that everybody has, and rows (1 0)(1 0)(0 1) and three alike counted.
        assert_eq!([1.0, 2.0].map(|people| uniqueness_of_key(1.0, people)), [1.0, 0.0]);
        let counted = |sizes: &[u32]| {
            let sizes = crate::equivalence::Histogram::of_sizes(sizes.iter().copied());
            (sizes.of_size(1) as f64 / sizes.records() as f64, sizes.distinction())
        };
        assert_eq!((counted(&[2, 1]), counted(&[3])), ((1.0 / 3.0, 2.0 / 3.0), (0.0, 1.0 / 3.0)));
    }
}
