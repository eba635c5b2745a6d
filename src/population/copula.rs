//! A Gaussian copula over categories: how likely one record's key is in the population.
//!
//! Written from the paper. Margins map each category to its own share (ordering margins by frequency and records by level,
//! as an implementation in circulation does, gives another category's probability); correlations are polychoric, by
//! deterministic rectangle probabilities; the probability of a key is an integral by a fixed lattice.

use crate::stats::interval::{normal_cdf, normal_quantile};

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

/// Nodes and weights of the Gauss-Legendre rule with ten points on (-1, 1), the positive half.
const GAUSS: [(f64, f64); 5] = [
    (0.148_874_338_981_631_22, 0.295_524_224_714_752_87),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_35),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];
/// Stretches on which the rule is used.
const STRETCHES: usize = 6;
/// The largest correlation that is told from 1.
const TIGHTEST: f64 = 0.99;
/// Levels to which a column is merged before correlations are fitted.
const MERGED: usize = 12;
/// Points of the lattice.
const POINTS: usize = 4_096;

/// P(X <= h, Y <= k) of two standard normal variables with a correlation of at most 0.99 in size:
/// Phi(h) Phi(k) + 1/(2 pi) integral from 0 to asin(rho) of exp(-(h^2 + k^2 - 2 h k sin t) / (2 cos^2 t)) dt.
///
/// Reference: Drezner and Wesolowsky, Journal of Statistical Computation and Simulation 35 (1990); Genz, Statistics and
/// Computing 14 (2004) 251-260.
pub fn bivariate_normal(h: f64, k: f64, correlation: f64) -> f64 {
    let product = normal_cdf(h) * normal_cdf(k);
    if h.is_infinite() || k.is_infinite() {
        return product;
    }
    let end = correlation.clamp(-TIGHTEST, TIGHTEST).asin();
    let half = end / (2.0 * STRETCHES as f64);
    let density = |angle: f64| {
        let (sin, cos) = angle.sin_cos();
        ((2.0 * h * k * sin - h * h - k * k) / (2.0 * cos * cos)).exp()
    };
    let stretch = |at: usize| {
        let middle = half * (2 * at + 1) as f64;
        GAUSS
            .iter()
            .map(|(node, weight)| weight * (density(middle - half * node) + density(middle + half * node)))
            .sum::<f64>()
    };
    product + half * (0..STRETCHES).map(stretch).sum::<f64>() / std::f64::consts::TAU
}

/// The margin of a column: shares of its levels in order, as bounds on the normal scale.
#[derive(Debug, Clone, PartialEq)]
struct Margin {
    /// One more than levels, from minus to plus infinity.
    bounds: Vec<f64>,
}

impl Margin {
    fn of(counts: &[f64]) -> Self {
        let whole: f64 = counts.iter().sum();
        let mut sum = 0.0;
        let inner = counts[..counts.len() - 1].iter().map(|count| {
            sum += count;
            normal_quantile((sum / whole).clamp(0.0, 1.0))
        });
        let bounds = std::iter::once(f64::NEG_INFINITY).chain(inner).chain([f64::INFINITY]).collect();
        Self { bounds }
    }
}

/// A fitted copula.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianCopula {
    margins: Vec<Margin>,
    /// Rows of the lower Cholesky factor of the correlations.
    factor: Vec<Vec<f64>>,
    correlations: Vec<Vec<f64>>,
}

impl GaussianCopula {
    /// Fits margins and polychoric correlations. A column has one code per row, below its number of levels, in an order that
    /// means something (numbers by size) or is kept once chosen; nothing where a cell is missing. Correlations that do not
    /// fit together are shrunk until they do. O(m^2 (n + 12^2 x 40)).
    ///
    /// Reference: Olsson, Psychometrika 44 (1979) 443-460.
    ///
    /// # Panics
    /// When columns differ in length or have no level.
    pub fn fit(columns: &[(&[Option<u32>], usize)]) -> Self {
        let counts = |codes: &[Option<u32>], levels: usize| {
            let mut counts = vec![0.0; levels];
            codes.iter().flatten().for_each(|&code| counts[code as usize] += 1.0);
            counts
        };
        let margins = columns.iter().map(|(codes, levels)| Margin::of(&counts(codes, *levels))).collect();
        let merged: Vec<(Vec<Option<u32>>, usize)> =
            columns.iter().map(|(codes, levels)| merge(codes, &counts(codes, *levels))).collect();
        let m = columns.len();
        let mut correlations: Vec<Vec<f64>> =
            (0..m).map(|i| (0..m).map(|j| f64::from(u8::from(i == j))).collect()).collect();
        for i in 0..m {
            for j in 0..i {
                let rho = polychoric(&merged[i], &merged[j]);
                correlations[i][j] = rho;
                correlations[j][i] = rho;
            }
        }
        loop {
            if let Some(factor) = cholesky(&correlations) {
                return Self { margins, factor, correlations };
            }
            for (i, row) in correlations.iter_mut().enumerate() {
                row.iter_mut().enumerate().filter(|(j, _)| *j != i).for_each(|(_, rho)| *rho *= 0.98);
            }
        }
    }

    /// The correlation of two columns.
    pub fn correlation(&self, i: usize, j: usize) -> f64 {
        self.correlations[i][j]
    }

    /// Probability of a key; a missing cell stands for any value. By separation of variables on a Richtmyer lattice of 4,096
    /// points with the baker's transformation: the same every time, exact where columns are independent.
    ///
    /// Reference: Genz and Bretz, Computation of multivariate normal and t probabilities (2009), section 4.2.
    pub fn share(&self, key: &[Option<u32>]) -> f64 {
        let bounds: Vec<(f64, f64)> = self
            .margins
            .iter()
            .zip(key)
            .map(|(margin, code)| match code {
                Some(code) => (margin.bounds[*code as usize], margin.bounds[*code as usize + 1]),
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
                let w = (2.0 * (at as f64 * steps[i]).fract() - 1.0).abs();
                drawn[i] = normal_quantile((d + w * (e - d)).clamp(1e-16, 1.0 - 1e-16));
            }
            product
        };
        (1..=POINTS).map(&mut point).sum::<f64>() / POINTS as f64
    }
}

/// Merges neighbouring levels into a few of about equally many rows.
fn merge(codes: &[Option<u32>], counts: &[f64]) -> (Vec<Option<u32>>, usize) {
    let whole: f64 = counts.iter().sum::<f64>().max(1.0);
    let mut sum = 0.0;
    let mut of_level: Vec<u32> = counts
        .iter()
        .map(|count| {
            let middle = sum + count / 2.0;
            sum += count;
            if counts.len() <= MERGED { middle as u32 } else { (middle / whole * MERGED as f64) as u32 }
        })
        .collect();
    if counts.len() <= MERGED {
        of_level = (0..counts.len() as u32).collect();
    }
    let mut used = of_level.clone();
    used.dedup();
    let dense = |level: u32| used.partition_point(|other| *other < level) as u32;
    (codes.iter().map(|code| code.map(|code| dense(of_level[code as usize]))).collect(), used.len())
}

/// The correlation under which the counts of two columns are likeliest, between -0.99 and 0.99.
fn polychoric(a: &(Vec<Option<u32>>, usize), b: &(Vec<Option<u32>>, usize)) -> f64 {
    assert_eq!(a.0.len(), b.0.len(), "columns are equally long");
    let mut counts = vec![vec![0.0; b.1]; a.1];
    a.0.iter().zip(&b.0).for_each(|pair| {
        if let (Some(x), Some(y)) = pair {
            counts[*x as usize][*y as usize] += 1.0;
        }
    });
    if a.1 < 2 || b.1 < 2 {
        return 0.0;
    }
    let rows: Vec<f64> = counts.iter().map(|row| row.iter().sum()).collect();
    let columns: Vec<f64> = (0..b.1).map(|j| counts.iter().map(|row| row[j]).sum()).collect();
    let (h, k) = (Margin::of(&rows).bounds, Margin::of(&columns).bounds);
    let loss = |rho: f64| {
        let corner: Vec<Vec<f64>> =
            h.iter().map(|&h| k.iter().map(|&k| bivariate_normal(h, k, rho)).collect()).collect();
        let mut sum = 0.0;
        for (i, row) in counts.iter().enumerate() {
            for (j, count) in row.iter().enumerate().filter(|(_, count)| **count > 0.0) {
                let share = corner[i + 1][j + 1] - corner[i][j + 1] - corner[i + 1][j] + corner[i][j];
                sum -= count * share.max(1e-12).ln();
            }
        }
        sum
    };
    least(loss)
}

/// Where a function of a correlation is least, by golden sections.
fn least(function: impl Fn(f64) -> f64) -> f64 {
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (-TIGHTEST, TIGHTEST);
    let (mut a, mut b) = (high - golden * (high - low), low + golden * (high - low));
    let (mut at_a, mut at_b) = (function(a), function(b));
    for _ in 0..36 {
        if at_a < at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - golden * (high - low);
            at_a = function(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + golden * (high - low);
            at_b = function(b);
        }
    }
    0.5 * (low + high)
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
    use super::*;

    fn close(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() <= within, "{found} is not {expected}");
    }

    /// Orthants have closed forms; the others are SciPy's `multivariate_normal.cdf`.
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
        let margins = vec![Margin::of(&[1.0, 1.0]); 3];
        let copula = GaussianCopula { margins, factor, correlations };
        let angles = 0.5_f64.asin() + (-0.2_f64).asin() + 0.3_f64.asin();
        close(copula.share(&[Some(0); 3]), 0.125 + angles / (4.0 * std::f64::consts::PI), 2e-4);
        close(copula.share(&[Some(0), None, Some(1)]), 0.25 - (-0.2_f64).asin() / std::f64::consts::TAU, 2e-4);
        close(copula.share(&[None; 3]), 1.0, 1e-12);
    }

    /// Every category keeps its own share; independent columns multiply.
    #[test]
    fn independent_columns_multiply() {
        let a: Vec<Option<u32>> = (0..600).map(|row| Some(row % 3 / 2)).collect();
        let b: Vec<Option<u32>> = (0..600).map(|row| Some(row / 3 % 4)).collect();
        let copula = GaussianCopula::fit(&[(&a, 2), (&b, 4)]);
        close(copula.correlation(0, 1), 0.0, 1e-6);
        close(copula.share(&[Some(1), Some(2)]), 1.0 / 12.0, 1e-6);
        close(copula.share(&[Some(0), None]), 2.0 / 3.0, 1e-9);
    }

    /// Counts in the proportions of a correlation, also a negative one, give it back; the keys' shares are those counts.
    #[test]
    fn correlations_are_found_again() {
        for rho in [-0.7, 0.2, 0.85] {
            let cuts = [f64::NEG_INFINITY, -0.8, 0.1, 0.9, f64::INFINITY];
            let (mut a, mut b) = (Vec::new(), Vec::new());
            let share = |i: usize, j: usize| {
                let at = |h: usize, k: usize| bivariate_normal(cuts[h], cuts[k], rho);
                at(i + 1, j + 1) - at(i, j + 1) - at(i + 1, j) + at(i, j)
            };
            for (i, j) in (0..16).map(|cell| (cell / 4, cell % 4)) {
                let count = (share(i, j) * 40_000.0).round() as usize;
                a.extend(std::iter::repeat_n(Some(i as u32), count));
                b.extend(std::iter::repeat_n(Some(j as u32), count));
            }
            let copula = GaussianCopula::fit(&[(&a, 4), (&b, 4)]);
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
