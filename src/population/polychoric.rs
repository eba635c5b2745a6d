//! The correlation of two columns of levels in order, as if each were a normal variable that was cut into stretches.

use crate::equivalence::Column;
use crate::stats::interval::{normal_cdf, normal_quantile};

/// Nodes and weights of the Gauss-Legendre rule with ten points on (-1, 1), the positive half.
const GAUSS: [(f64, f64); 5] = [
    (0.148_874_338_981_631_22, 0.295_524_224_714_752_87),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_35),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];
/// The longest stretch of angles on which the rule is used.
const STRETCH: f64 = 0.25;
/// The largest correlation that is told from 1.
const TIGHTEST: f64 = 0.99;
/// Levels to which a column is merged before correlations are fitted.
const MERGED: usize = 12;
/// Steps of the search at most, and the step at which it ends.
const STEPS: (usize, f64) = (60, 1e-9);

/// The integral over angles from 0 to asin(rho) that two correlated normal variables share.
struct Arc {
    /// Sine of an angle, half the inverse of its squared cosine, and the weight of the node.
    nodes: Vec<[f64; 3]>,
    correlation: f64,
}

impl Arc {
    fn to(correlation: f64) -> Self {
        let correlation = correlation.clamp(-TIGHTEST, TIGHTEST);
        let end = correlation.asin();
        let stretches = (end.abs() / STRETCH).ceil().max(1.0);
        let half = end / (2.0 * stretches);
        let mut nodes = Vec::new();
        for stretch in 0..stretches as usize {
            let middle = half * (2 * stretch + 1) as f64;
            for (node, weight) in GAUSS {
                for angle in [middle - half * node, middle + half * node] {
                    let (sin, cos) = angle.sin_cos();
                    nodes.push([sin, 0.5 / (cos * cos), half * weight / std::f64::consts::TAU]);
                }
            }
        }
        Self { nodes, correlation }
    }

    /// P(X <= h, Y <= k) - P(X <= h) P(Y <= k).
    fn excess(&self, h: f64, k: f64) -> f64 {
        if h.is_infinite() || k.is_infinite() {
            return 0.0;
        }
        let (squares, product) = (h * h + k * k, 2.0 * h * k);
        self.nodes.iter().map(|[sin, inverse, weight]| weight * ((product * sin - squares) * inverse).exp()).sum()
    }

    /// The joint density, which is also the slope of the probability in the correlation (Plackett 1954).
    fn density(&self, h: f64, k: f64) -> f64 {
        if h.is_infinite() || k.is_infinite() {
            return 0.0;
        }
        let rest = 1.0 - self.correlation * self.correlation;
        let exponent = (2.0 * self.correlation * h * k - h * h - k * k) / (2.0 * rest);
        exponent.exp() / (std::f64::consts::TAU * rest.sqrt())
    }
}

/// P(X <= h, Y <= k) of two standard normal variables with a correlation of at most 0.99 in size:
/// Phi(h) Phi(k) + 1/(2 pi) integral from 0 to asin(rho) of exp(-(h^2 + k^2 - 2 h k sin t) / (2 cos^2 t)) dt.
///
/// Reference: Drezner and Wesolowsky, Journal of Statistical Computation and Simulation 35 (1990); Genz, Statistics and
/// Computing 14 (2004) 251-260.
pub fn bivariate_normal(h: f64, k: f64, correlation: f64) -> f64 {
    normal_cdf(h) * normal_cdf(k) + Arc::to(correlation).excess(h, k)
}

/// The levels of a column as stretches of a standard normal variable: their ends, one more than levels, from minus to plus
/// infinity. A level without records is a stretch without length.
pub(super) fn stretches(counts: &[f64]) -> Vec<f64> {
    let whole: f64 = counts.iter().sum();
    let mut sum = 0.0;
    let inner = counts[..counts.len() - 1].iter().map(|count| {
        sum += count;
        normal_quantile(if whole > 0.0 { (sum / whole).clamp(0.0, 1.0) } else { 0.5 })
    });
    std::iter::once(f64::NEG_INFINITY).chain(inner).chain([f64::INFINITY]).collect()
}

/// Records by level; a missing value belongs to none.
pub(super) fn counts(column: &Column) -> Vec<f64> {
    let mut counts = vec![0.0; column.levels() as usize];
    (0..column.len()).filter(|&row| !column.is_missing(row)).for_each(|row| counts[column.code(row) as usize] += 1.0);
    counts
}

/// A column with few levels: neighbours are merged until each has about equally many records.
pub(super) struct Merged {
    codes: Vec<Option<u8>>,
    levels: usize,
}

impl Merged {
    pub(super) fn of(column: &Column) -> Self {
        let counts = counts(column);
        let used = counts.iter().filter(|count| **count > 0.0).count();
        let whole: f64 = counts.iter().sum::<f64>().max(1.0);
        let (mut sum, mut rank) = (0.0, 0);
        let mut place = |count: &f64| {
            let middle = sum + count / 2.0;
            sum += count;
            rank += usize::from(*count > 0.0);
            if used <= MERGED { rank.max(1) - 1 } else { ((middle / whole * MERGED as f64) as usize).min(MERGED - 1) }
        };
        let places: Vec<usize> = counts.iter().map(&mut place).collect();
        let mut taken = places.clone();
        taken.dedup();
        let dense: Vec<u8> = places.iter().map(|place| taken.partition_point(|other| other < place) as u8).collect();
        let code = |row: usize| (!column.is_missing(row)).then(|| dense[column.code(row) as usize]);
        Self { codes: (0..column.len()).map(code).collect(), levels: taken.len() }
    }

    /// The correlation under which the counts of two columns are likeliest ([`Table::correlation`]); records that lack one of
    /// them do not count.
    ///
    /// # Panics
    /// When the columns differ in length.
    pub(super) fn polychoric(&self, other: &Self) -> f64 {
        assert_eq!(self.codes.len(), other.codes.len(), "columns are equally long");
        let mut table = vec![vec![0.0; other.levels]; self.levels];
        self.codes.iter().zip(&other.codes).for_each(|pair| {
            if let (Some(a), Some(b)) = pair {
                table[usize::from(*a)][usize::from(*b)] += 1.0;
            }
        });
        Table::of(table).correlation()
    }
}

/// Counts of two columns, with the ends of their levels and the distribution function there.
struct Table {
    counts: Vec<Vec<f64>>,
    ends: [Vec<f64>; 2],
    below: [Vec<f64>; 2],
}

impl Table {
    fn of(counts: Vec<Vec<f64>>) -> Self {
        let rows: Vec<f64> = counts.iter().map(|row| row.iter().sum()).collect();
        let columns: Vec<f64> = (0..counts[0].len()).map(|j| counts.iter().map(|row| row[j]).sum()).collect();
        let ends = [stretches(&rows), stretches(&columns)];
        let below = ends.each_ref().map(|ends| ends.iter().map(|&end| normal_cdf(end)).collect());
        Self { counts, ends, below }
    }

    /// The correlation under which the counts are likeliest, between -0.99 and 0.99, by Fisher's scoring held between bounds. 0
    /// where no record is counted or all have one level of a column: any correlation is as likely, which says nothing against
    /// independence.
    ///
    /// Reference: Olsson, Psychometrika 44 (1979) 443-460.
    fn correlation(&self) -> f64 {
        let (mut low, mut high, mut at) = (-TIGHTEST, TIGHTEST, 0.0);
        for _ in 0..STEPS.0 {
            let (score, information) = self.score(at);
            if information <= 0.0 {
                return at;
            }
            if score > 0.0 {
                low = at;
            } else {
                high = at;
            }
            let step = at + score / information;
            let next = if low < step && step < high { step } else { 0.5 * (low + high) };
            if (next - at).abs() < STEPS.1 {
                return next;
            }
            at = next;
        }
        at
    }

    /// Slope of the log-likelihood in the correlation, and the information about it.
    fn score(&self, correlation: f64) -> (f64, f64) {
        let arc = Arc::to(correlation);
        let corner = |i: usize| -> Vec<[f64; 2]> {
            let h = self.ends[0][i];
            let of = |(&k, below): (&f64, &f64)| [self.below[0][i] * below + arc.excess(h, k), arc.density(h, k)];
            self.ends[1].iter().zip(&self.below[1]).map(of).collect()
        };
        let whole: f64 = self.counts.iter().flatten().sum();
        let (mut score, mut information, mut before) = (0.0, 0.0, corner(0));
        for (i, row) in self.counts.iter().enumerate() {
            let after = corner(i + 1);
            for (j, count) in row.iter().enumerate() {
                let cell = |at: usize| after[j + 1][at] - after[j][at] - before[j + 1][at] + before[j][at];
                let (share, slope) = (cell(0).max(1e-12), cell(1));
                score += count * slope / share;
                information += whole * slope * slope / share;
            }
            before = after;
        }
        (score, information)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As of sex and weeks of pregnancy, or of two columns that nobody has both of.
    #[test]
    fn one_level_says_nothing_about_correlation() {
        let wide = [30.0, 40.0, 30.0].to_vec();
        let tall =
            |at: usize| wide.iter().map(|&count| if at == 0 { vec![count, 0.0] } else { vec![0.0, count] }).collect();
        let tables = [
            vec![vec![0.0; 3], wide.clone()],
            vec![wide.clone(), vec![0.0; 3]],
            tall(0),
            tall(1),
            vec![vec![0.0; 3]; 2],
            vec![vec![9.0]],
        ];
        for table in tables {
            assert_eq!(Table::of(table.clone()).correlation(), 0.0, "{table:?}");
        }
        let column = |codes: &[u32]| Merged::of(&Column::new(codes.iter().copied(), 4, Some(3)));
        // Whoever has the second has one level of the first.
        let (sex, weeks) = (column(&[0, 0, 0, 0, 1, 1, 1, 1]), column(&[3, 3, 3, 3, 0, 1, 2, 1]));
        assert_eq!([sex.polychoric(&weeks), weeks.polychoric(&sex)], [0.0; 2]);
        assert_eq!(column(&[0, 1, 2, 3, 3, 3]).polychoric(&column(&[3, 3, 3, 0, 1, 2])), 0.0);
        // Two levels of each are enough.
        assert!(Table::of(vec![vec![30.0, 10.0], vec![10.0, 30.0]]).correlation() > 0.5);
    }
}
