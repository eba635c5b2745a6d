//! The only shape in which a measured number travels.

use serde::{Deserialize, Serialize};

/// Two-sided confidence level, strictly between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Level(f64);

impl Level {
    /// 95 %, the level of every interval unless a correction for multiplicity asks for more.
    pub const P95: Self = Self(0.95);

    /// The level that keeps a family of `tests` intervals at a joint 95 % (Bonferroni).
    ///
    /// ```
    /// use privet::stats::Level;
    /// assert!((Level::joint_95(5).value() - 0.99).abs() < 1e-12);
    /// ```
    pub fn joint_95(tests: usize) -> Self {
        Self::P95.shared(tests)
    }

    /// A level strictly between 0 and 1.
    ///
    /// ```
    /// use privet::stats::Level;
    /// assert_eq!(Level::new(0.9).map(Level::value), Some(0.9));
    /// assert_eq!(Level::new(1.0), None);
    /// ```
    pub fn new(value: f64) -> Option<Self> {
        (value > 0.0 && value < 1.0).then_some(Self(value))
    }

    /// The level of each of `tests` intervals that keeps all of them together at this level (Bonferroni).
    ///
    /// ```
    /// use privet::stats::Level;
    /// assert!((Level::P95.shared(2).value() - 0.975).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn shared(self, tests: usize) -> Self {
        Self(1.0 - self.alpha() / tests.max(1) as f64)
    }

    /// The level as a share, for example 0.95.
    pub fn value(self) -> f64 {
        self.0
    }

    /// Probability left outside on both sides together.
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }
}

/// How value and interval were obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Counted on the whole file: no sampling error, `low == high == value`.
    Exact,
    /// A share of 1 to 10 people, shown as the range that any such count would give.
    SuppressedCount,
    /// Counted in part, because the search was cut: the upper end counts everything that could be found.
    CutSearch,
    /// Clopper-Pearson interval of a proportion.
    ClopperPearson,
    /// Bounds of a population's unique people that hold whatever the population looks like: Clopper-Pearson above, uniques
    /// less what pairs explain below.
    AnyPopulation,
    /// Wilson score interval of a proportion.
    Wilson,
    /// `DeLong` variance, interval on the logit scale.
    DelongLogit,
    /// `DeLong` variance of clustered records (Obuchowski 1997), interval on the logit scale.
    ClusteredDelongLogit,
    /// Mean of areas within strata, `DeLong` variances, interval on the logit scale.
    StratifiedDelong,
    /// One-sided exact bound where the estimate sits on the edge of its range.
    EdgeBound,
    /// Order-statistic bound on the threshold, Clopper-Pearson on the rate: distribution-free.
    DistributionFree,
    /// Newcombe's hybrid score interval of a difference of independent proportions.
    Newcombe,
    /// Newcombe's hybrid score interval of a difference of paired proportions.
    NewcombePaired,
    /// Difference of two independent estimates from their own intervals.
    DifferenceOfIntervals,
    /// Delta method on the intervals of the two estimates that it is made of.
    DeltaOfIntervals,
    /// Median over random halves of bounds at half the error: the attack chosen on one half, measured on the other.
    MedianOfSplits,
    /// A p-value by permutation; no sampling error but that of the permutations.
    Permutation,
    /// A lower bound; the upper end is the largest value that as many observations could prove.
    LowerBound,
    /// `DeLong` variance of the difference of two areas on the same rows.
    PairedDelong,
    /// The same for clustered records (Obuchowski 1997).
    ClusteredPairedDelong,
    /// Stratified bootstrap, quantiles of the replicates.
    BootstrapPercentile,
    /// Stratified bootstrap, bias-corrected and accelerated (Efron 1987).
    BootstrapBca,
    /// Student's t interval of a mean.
    StudentT,
    /// Jackknife variance over people, normal interval.
    Jackknife,
    /// Samples drawn from a fitted model and fitted again, normal interval on a scale that keeps shares within 0 and 1, with
    /// the mean error taken off.
    ParametricBootstrap,
    /// The law that a model of the population gives to the number, its middle and its tails: no doubt of the model itself.
    ModelLaw,
    /// Delta method on the logit scale, counts taken as Poisson.
    DeltaLogit,
    /// A monotone function of other estimates, taken at the worst ends of their intervals.
    WorstEnds,
}

impl Method {
    /// Words for a reader.
    pub fn words(self) -> &'static str {
        match self {
            Self::Exact => "counted, no sampling error",
            Self::SuppressedCount => "1 to 10 people, count withheld",
            Self::CutSearch => "counted as far as the search went; the upper end is all that could be found",
            Self::ClopperPearson => "Clopper-Pearson",
            Self::AnyPopulation => "bounds that hold whatever the population looks like, no model",
            Self::Wilson => "Wilson score",
            Self::DelongLogit => "DeLong, logit scale",
            Self::ClusteredDelongLogit => "DeLong for several records a patient (Obuchowski), logit scale",
            Self::StratifiedDelong => {
                "weighted mean of areas within strata (van Elteren), DeLong variances, logit scale"
            }
            Self::EdgeBound => "exact one-sided bound",
            Self::DistributionFree => {
                "distribution-free bounds, the level holds for each side (order statistic and Clopper-Pearson)"
            }
            Self::Newcombe => "Newcombe, independent proportions",
            Self::NewcombePaired => "Newcombe, paired proportions",
            Self::Permutation => "permutation test, corrected for everything tested (Westfall and Young)",
            Self::LowerBound => {
                "lower bound: median over 25 random halves, chosen on one half and bounded at 97.5 % on the other; the upper end \
                 is what as many records could prove at most"
            }
            Self::MedianOfSplits => {
                "median over 25 random halves, chosen on one half and bounded at 97.5 % on the other (Meinshausen, Meier and \
                 Buehlmann 2009)"
            }
            Self::DifferenceOfIntervals => "difference of two intervals (Zou and Donner)",
            Self::DeltaOfIntervals => "delta method on two intervals",
            Self::PairedDelong => "DeLong, difference on the same records",
            Self::ClusteredPairedDelong => "DeLong, difference on the same clustered records (Obuchowski)",
            Self::BootstrapPercentile => "stratified bootstrap, percentile interval",
            Self::BootstrapBca => "stratified bootstrap, bias-corrected and accelerated",
            Self::StudentT => "Student's t over classes",
            Self::Jackknife => "jackknife over people (Efron and Stein), normal interval",
            Self::ParametricBootstrap => "parametric bootstrap from the fitted model",
            Self::ModelLaw => "the law that the model of the population gives; no doubt of the model itself",
            Self::DeltaLogit => "delta method, logit scale",
            Self::WorstEnds => "worst ends of the intervals it is made of",
        }
    }
}

/// A measured number with its interval, the level of that interval, the number of observations and the method.
///
/// The unit and range are those of the measure that the estimate belongs to. `low <= value <= high` holds up to
/// rounding except where a bound is deliberately one-sided on a discrete statistic (see [`crate::stats::roc`]).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Point estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Confidence level of the interval.
    pub level: Level,
    /// Number of independent units it rests on (records, or patients where records are grouped).
    pub n: usize,
    /// How it was obtained.
    pub method: Method,
}

impl Estimate {
    /// A number counted on a whole file.
    pub fn exact(value: f64, n: usize) -> Self {
        Self { value, low: value, high: value, level: Level::P95, n, method: Method::Exact }
    }

    /// Whether `value` lies inside the interval.
    pub fn covers(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}
