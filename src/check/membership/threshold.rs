//! # What it measures
//! How well an attacker who sees the model's answer about a record can tell whether that record was in the training
//! data, by comparing one number with a threshold. Reported as the area under the ROC curve (0.5 is chance) and as the
//! true-positive rate at false-positive rates of 10 %, 1 % and 0.1 %: the share of members recognised while wrongly
//! accusing at most that share of others.
//!
//! # Who could do this
//! Anybody who can query the model with a person's full record and knows the person's outcome; entropy needs no outcome.
//! The attacker needs some records of either kind to set a threshold.
//!
//! # How
//! Five signals (loss, scaled logit, entropy, modified entropy, correctness; absolute error for regression), each with one
//! threshold for all and with one per class (class ranks learned among non-members; classes with fewer than 20 fall back
//! to all). The patients are cut into two halves: the best attack is chosen on the first and reported on the second, so
//! that choosing costs nothing. Where patients have several records, rates count one random record of each. The interval
//! of the area is DeLong's on the logit scale (Obuchowski's for several records a patient); rates at a false-positive
//! rate have a distribution-free interval: an order-statistic bound on the threshold joined with Clopper-Pearson.
//!
//! # Reading the number
//! The rate at 1 % against its chance value of 1 % says how many people are exposed; the area hides them in an average.
//! A false-positive rate f needs f x m >= 1 non-members for a number and 368 of them for a lower bound at 1 %.
//!
//! # When it misleads
//! Too low: attacks with reference models recognise more people at low false-positive rates; a pass means these attacks,
//! this power, this split. Too high: when members and non-members differ for other reasons (see
//! `dataset/split-integrity`), any score separates them.
//!
//! # Cost
//! One query per record, then sorting.
//!
//! # References
//! Yeom et al., CSF 2018; Salem et al., NDSS 2019; Song and Mittal, USENIX Security 2021; Carlini et al., S&P 2022;
//! DeLong et al., Biometrics 1988; Obuchowski, Biometrics 1997.

use rayon::prelude::*;
use serde::Deserialize;

use super::signal::Signal;
use crate::check::{Answers, Audited, Check, CheckError, CheckMeta, Need, Subject, Truth};
use crate::finding::{
    Count, Curve, CurvePoint, Evidence, Family, Finding, Histogram, SMALLEST_SHOWN, Series, Severity, Standing, Table,
    Unit, Worse,
};
use crate::learn::folds;
use crate::seed::Seed;
use crate::stats::rank::quantile;
use crate::stats::roc::{Estimability, Roc, auc, estimability, negatives_needed, negatives_to_clear};
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/threshold",
    title: "Threshold attacks on the model's answers",
    family: Family::Membership,
    measures: &["membership/auc", RATES[0].1, RATES[1].1, RATES[2].1],
    source: include_str!("threshold.rs"),
};

/// The false-positive rates at which rates are reported, with the severity scale of the proven (lower) rate.
const RATES: [(f64, &str, [f64; 4]); 3] = [
    (0.1, "membership/tpr-at-fpr-0.1", [0.15, 0.25, 0.4, 0.6]),
    (0.01, "membership/tpr-at-fpr-0.01", [0.02, 0.05, 0.1, 0.3]),
    (0.001, "membership/tpr-at-fpr-0.001", [0.002, 0.01, 0.05, 0.2]),
];
/// Severity scale of the area: the limits of the likelihood table (very low to high).
const AREA_SCALE: [f64; 4] = [0.55, 0.60, 0.65, 0.75];
/// Fewest patients (or records) on either side for an interval that holds its level.
const FEWEST: usize = 10;
/// Fewest non-members of a class for ranks of its own.
const FEWEST_OF_CLASS: usize = 20;

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {}

/// A signal with one threshold for all, or ranked within classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Attack {
    signal: usize,
    per_class: bool,
}

/// The signals of one set of records.
struct Side {
    /// One list per signal.
    signals: Vec<Vec<f64>>,
    /// Class per record; one class for regression.
    classes: Vec<u32>,
    /// Patient per record.
    groups: Vec<u32>,
}

/// The rows of both sides that a step may use.
#[derive(Clone)]
struct Part {
    members: Vec<usize>,
    nonmembers: Vec<usize>,
}

/// Everything the check works on.
struct Audit {
    signals: &'static [Signal],
    members: Side,
    nonmembers: Side,
    grouped: bool,
}

impl Check for Threshold {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Data, Need::Target]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Vec<Finding>, CheckError> {
        let (Some(model), Some(split)) = (subject.model, subject.split) else { return Ok(Vec::new()) };
        let Some(audit) = Audit::of(model, split.members.groups.as_deref(), split.nonmembers.groups.as_deref()) else {
            return Ok(Vec::new());
        };
        let seed = subject.seed.derive(META.id);
        let whole = audit.whole();
        let (choosing, reporting) = audit.halves(&whole, seed.derive("choose or report"));
        let (calibrating, comparing) = audit.halves(&choosing, seed.derive("calibrate or compare"));
        let chooser = Chooser::of(&audit, &calibrating, &audit.thin(&comparing, seed));
        let mut findings = vec![area_finding(&audit, &chooser, &choosing, &reporting)];
        let independent = audit.thin(&reporting, seed.derive("one record a patient"));
        for rate in RATES {
            findings.push(rate_finding(&audit, &chooser, rate, &choosing, &independent));
        }
        findings[0].evidence.push(audit.table(&whole));
        Ok(findings)
    }
}

impl Audit {
    fn of(model: &Audited, in_groups: Option<&[u32]>, out_groups: Option<&[u32]>) -> Option<Self> {
        let (members, nonmembers) = (model.members.as_ref()?, model.nonmembers.as_ref()?);
        let signals = Signal::of(members);
        let n = members.predictions.rows() as u32;
        let m = nonmembers.predictions.rows() as u32;
        let own = |groups: Option<&[u32]>, start: u32, count: u32| match groups {
            Some(groups) => groups.to_vec(),
            None => (start..start + count).collect(),
        };
        let grouped = in_groups.is_some() && out_groups.is_some();
        let (in_groups, out_groups) = if grouped { (in_groups, out_groups) } else { (None, None) };
        let members = Side::of(members, signals, own(in_groups, 0, n));
        let nonmembers = Side::of(nonmembers, signals, own(out_groups, n, m));
        Some(Self { signals, members, nonmembers, grouped })
    }

    fn whole(&self) -> Part {
        Part {
            members: (0..self.members.classes.len()).collect(),
            nonmembers: (0..self.nonmembers.classes.len()).collect(),
        }
    }

    /// Two halves with no patient in both, members and non-members spread evenly.
    fn halves(&self, part: &Part, seed: Seed) -> (Part, Part) {
        let of_members = part.members.iter().map(|&row| self.members.groups[row]);
        let groups: Vec<u32> =
            of_members.chain(part.nonmembers.iter().map(|&row| self.nonmembers.groups[row])).collect();
        let strata: Vec<u32> = (0..groups.len()).map(|i| u32::from(i >= part.members.len())).collect();
        let half_of = folds::assign(&groups, &strata, 2, seed);
        let pick = |rows: &[usize], offset: usize, half: usize| -> Vec<usize> {
            rows.iter().enumerate().filter(|(i, _)| half_of[offset + i] == half).map(|(_, &row)| row).collect()
        };
        let half = |half: usize| Part {
            members: pick(&part.members, 0, half),
            nonmembers: pick(&part.nonmembers, part.members.len(), half),
        };
        (half(0), half(1))
    }

    /// One random record per patient on either side: independent units.
    fn thin(&self, part: &Part, seed: Seed) -> Part {
        if !self.grouped {
            return part.clone();
        }
        let thin = |side: &Side, rows: &[usize], name: &str| -> Vec<usize> {
            let groups: Vec<u32> = rows.iter().map(|&row| side.groups[row]).collect();
            folds::representatives(&groups, seed.derive(name)).into_iter().map(|i| rows[i]).collect()
        };
        Part {
            members: thin(&self.members, &part.members, "members"),
            nonmembers: thin(&self.nonmembers, &part.nonmembers, "nonmembers"),
        }
    }

    fn attacks(&self) -> Vec<Attack> {
        let several = self.members.classes.iter().chain(&self.nonmembers.classes).any(|&class| class != 0);
        let forms: &[bool] = if several { &[false, true] } else { &[false] };
        let signals = 0..self.signals.len();
        signals.flat_map(|signal| forms.iter().map(move |&per_class| Attack { signal, per_class })).collect()
    }

    /// The scores of an attack on a part, calibrated on another.
    fn scores(&self, attack: Attack, calibrating: &Part, part: &Part) -> (Vec<f64>, Vec<f64>) {
        let ranks = attack.per_class.then(|| ClassRanks::of(&self.nonmembers, attack.signal, &calibrating.nonmembers));
        let score = |side: &Side, row: usize| {
            let raw = side.signals[attack.signal][row];
            ranks.as_ref().map_or(raw, |ranks| ranks.rank(side.classes[row], raw))
        };
        (
            part.members.iter().map(|&row| score(&self.members, row)).collect(),
            part.nonmembers.iter().map(|&row| score(&self.nonmembers, row)).collect(),
        )
    }

    fn area(&self, scores: &(Vec<f64>, Vec<f64>), part: &Part) -> Estimate {
        let codes = |side: &Side, rows: &[usize]| -> Vec<u32> { rows.iter().map(|&row| side.groups[row]).collect() };
        if !self.grouped {
            return auc(&scores.0, &scores.1, None, Level::P95);
        }
        let (of_members, of_nonmembers) =
            (codes(&self.members, &part.members), codes(&self.nonmembers, &part.nonmembers));
        auc(&scores.0, &scores.1, Some((&of_members, &of_nonmembers)), Level::P95)
    }

    fn name(&self, attack: Attack) -> String {
        let form = if attack.per_class { "one threshold per class" } else { "one threshold" };
        format!("{}, {form}", self.signals[attack.signal].name())
    }

    fn unit(&self) -> &'static str {
        if self.grouped { "patients" } else { "records" }
    }

    /// Every attack on all records, for reading and not for judging.
    fn table(&self, whole: &Part) -> Evidence {
        let row = |attack: Attack| {
            let scores = self.scores(attack, whole, whole);
            let area = self.area(&scores, whole);
            let roc = Roc::new(&scores.0, &scores.1);
            let rate = |fpr: f64| match roc.estimability(fpr) {
                Estimability::None => "not estimable".to_owned(),
                _ => Unit::Share.show(roc.tpr_at_fpr(fpr)),
            };
            let mut cells = vec![self.name(attack), Unit::Area.show(area.value), Unit::Area.show_interval(&area)];
            cells.extend(RATES.map(|(fpr, _, _)| rate(fpr)));
            cells.push(Unit::Share.show(roc.advantage()));
            cells
        };
        let columns =
            ["attack", "area", "95 % interval", "TPR at 10 %", "TPR at 1 %", "TPR at 0.1 %", "largest TPR - FPR"];
        Evidence::Table(Table {
            caption: "Every attack on all records; not corrected for looking at several, so for reading only"
                .to_owned(),
            columns: columns.map(str::to_owned).to_vec(),
            rows: self.attacks().into_par_iter().map(row).collect(),
        })
    }
}

impl Side {
    fn of(answers: &Answers, signals: &[Signal], groups: Vec<u32>) -> Self {
        let classes = match &answers.truth {
            Truth::Classes(classes) => classes.clone(),
            Truth::Values(values) => vec![0; values.len()],
        };
        Self { signals: signals.iter().map(|signal| signal.scores(answers)).collect(), classes, groups }
    }
}

/// Chooses attacks on one half of the patients.
struct Chooser {
    /// Every attack with its curve and area on the records of that half.
    compared: Vec<(Attack, Roc, f64)>,
}

impl Chooser {
    fn of(audit: &Audit, calibrating: &Part, comparing: &Part) -> Self {
        let compare = |attack: Attack| {
            let (members, nonmembers) = audit.scores(attack, calibrating, comparing);
            if members.is_empty() || nonmembers.is_empty() {
                return None;
            }
            Some((attack, Roc::new(&members, &nonmembers), auc(&members, &nonmembers, None, Level::P95).value))
        };
        Self { compared: audit.attacks().into_par_iter().filter_map(compare).collect() }
    }

    /// The attack with the largest value of a statistic, the first of equals; area breaks ties.
    fn best(&self, statistic: impl Fn(&Roc) -> f64) -> Attack {
        let mut best = (Attack { signal: 0, per_class: false }, (f64::NEG_INFINITY, f64::NEG_INFINITY));
        for (attack, roc, area) in &self.compared {
            let value = (statistic(roc), *area);
            if value > best.1 {
                best = (*attack, value);
            }
        }
        best.0
    }
}

/// Where a signal stands among the non-members of its class: 0 to 1 between the smallest and the largest, beyond them in
/// proportion to the distance, so that the tails keep their order.
struct ClassRanks {
    of_class: Vec<Vec<f64>>,
    pooled: Vec<f64>,
}

impl ClassRanks {
    fn of(side: &Side, signal: usize, rows: &[usize]) -> Self {
        let classes = side.classes.iter().max().map_or(1, |&class| class as usize + 1);
        let mut of_class = vec![Vec::new(); classes];
        let mut pooled = Vec::with_capacity(rows.len());
        for &row in rows {
            let value = side.signals[signal][row];
            of_class[side.classes[row] as usize].push(value);
            pooled.push(value);
        }
        of_class.iter_mut().for_each(|values| values.sort_by(f64::total_cmp));
        pooled.sort_by(f64::total_cmp);
        Self { of_class, pooled }
    }

    fn rank(&self, class: u32, value: f64) -> f64 {
        let own = self.of_class.get(class as usize).filter(|values| values.len() >= FEWEST_OF_CLASS);
        let sorted = own.unwrap_or(&self.pooled);
        let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else { return value };
        let scale = (high - low).max(1e-12);
        if value > high {
            return 1.0 + (value - high) / scale;
        }
        if value < low {
            return (value - low) / scale;
        }
        let (below, up_to) = (sorted.partition_point(|&v| v < value), sorted.partition_point(|&v| v <= value));
        (below + up_to) as f64 / (2 * sorted.len()) as f64
    }
}

fn area_finding(audit: &Audit, chooser: &Chooser, calibrating: &Part, reporting: &Part) -> Finding {
    let attack = chooser.best(|_| 0.0);
    let scores = audit.scores(attack, calibrating, reporting);
    let mut finding = blank(audit, attack, "membership/auc", Unit::Area, 0.5);
    if scores.0.is_empty() || scores.1.is_empty() {
        finding.standing = too_few(audit, reporting, 0.01);
        return finding;
    }
    let estimate = audit.area(&scores, reporting);
    if estimate.n < FEWEST {
        finding.standing = too_few(audit, reporting, 0.01);
    }
    let leaks = estimate.low > 0.5;
    finding.sentence = format!(
        "Given one record from the training data and one that was not, the attacker picks the right one {} of the time; \
         guessing is right 50 % of the time.",
        Unit::Share.show(estimate.value)
    );
    finding.severity = if leaks { Severity::on_scale(estimate.low, AREA_SCALE) } else { Severity::VeryLow };
    finding.estimate = Some(estimate);
    finding.evidence.push(distributions(audit, attack, &scores, estimate));
    finding
}

fn rate_finding(
    audit: &Audit,
    chooser: &Chooser,
    (fpr, measure, scale): (f64, &str, [f64; 4]),
    calibrating: &Part,
    independent: &Part,
) -> Finding {
    let attack = chooser.best(|roc| roc.tpr_at_fpr(fpr));
    let mut finding = blank(audit, attack, measure, Unit::Share, fpr);
    let m = independent.nonmembers.len();
    let strength = estimability(m, fpr);
    if strength == Estimability::None || independent.members.len() < FEWEST {
        finding.standing = too_few(audit, independent, fpr);
        finding.sentence = format!("The false-positive rate of {} cannot be reached with these records.", percent(fpr));
        return finding;
    }
    let scores = audit.scores(attack, calibrating, independent);
    let roc = Roc::new(&scores.0, &scores.1);
    let estimate = roc.tpr_at_fpr_bounds(fpr, Level::P95);
    finding.sentence = format!(
        "An attacker with this model can tell who was in the training data for {} of {} while being wrong about {} of others; \
         without a leak it would be {}.",
        Unit::Share.show(estimate.value),
        audit.unit(),
        percent(fpr),
        percent(fpr)
    );
    finding.severity = Severity::on_scale(estimate.low, scale);
    if strength == Estimability::Weak {
        finding.limits.push(format!(
            "Only {:.1} false positives are expected among {m} {} at this rate: the value is coarse.",
            fpr * m as f64,
            audit.unit()
        ));
    }
    if (fpr - 0.01).abs() < 1e-12 {
        finding.evidence.push(curve(&roc, &estimate, fpr));
    }
    finding.estimate = Some(estimate);
    finding
}

/// A finding with everything that does not depend on the number.
fn blank(audit: &Audit, attack: Attack, measure: &str, unit: Unit, null_value: f64) -> Finding {
    let mut limits = vec![
        "A lower bound on what leaks: attacks with reference models or surrogates recognise more people at low \
         false-positive rates."
            .to_owned(),
    ];
    if audit.grouped {
        limits.push(
            "Rates count one random record per patient; the area counts all records and allows for patients."
                .to_owned(),
        );
    }
    Finding {
        check: META.id.to_owned(),
        measure: measure.to_owned(),
        scope: String::new(),
        sentence: "Nothing could be measured.".to_owned(),
        estimate: None,
        unit,
        worse: Worse::Higher,
        null_value: Some(null_value),
        baseline: None,
        severity: Severity::VeryLow,
        standing: Standing::Sound,
        evidence: Vec::new(),
        limits,
        settings: vec![("attack, chosen on the other half of the patients".to_owned(), audit.name(attack))],
    }
}

fn too_few(audit: &Audit, part: &Part, fpr: f64) -> Standing {
    let (n, m) = (Count::of(part.members.len()), Count::of(part.nonmembers.len()));
    // Half of them choose the attack.
    let (bound, clear) = (2 * negatives_needed(fpr, Level::P95), 2 * negatives_to_clear(fpr, 3.0 * fpr, Level::P95));
    let unit = audit.unit();
    Standing::Insufficient {
        reason: format!(
            "{n} member and {m} non-member {unit} left for reporting cannot show a false-positive rate of {}.",
            percent(fpr)
        ),
        needed: format!(
            "At least {bound} non-member {unit} and as many members would give a bound; about {clear} would let a model that \
             leaks nothing show less than three times chance."
        ),
    }
}

/// A false-positive rate in per cent without trailing zeros.
fn percent(fpr: f64) -> String {
    format!("{} %", (fpr * 1e6).round() / 1e4)
}

/// The ROC on a fixed grid, from the smallest rate that the non-members can prove.
fn curve(roc: &Roc, estimate: &Estimate, fpr: f64) -> Evidence {
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

/// Mirrored histograms of the chosen signal on 24 bins between round edges.
fn distributions(audit: &Audit, attack: Attack, scores: &(Vec<f64>, Vec<f64>), area: Estimate) -> Evidence {
    let mut pooled: Vec<f64> = scores.0.iter().chain(&scores.1).copied().collect();
    pooled.sort_by(f64::total_cmp);
    let (low, high) = (quantile(&pooled, 0.02), quantile(&pooled, 0.98));
    let step = round_step((high - low) / 24.0);
    let start = (low / step).floor() * step;
    let bins = (((high - start) / step).ceil() as usize).clamp(1, 48);
    let edges: Vec<f64> = (0..=bins).map(|i| start + step * i as f64).collect();
    let title =
        if area.low > 0.5 { "Members score higher than non-members" } else { "Members and non-members score alike" };
    let series = [("members", &scores.0), ("non-members", &scores.1)];
    Evidence::Distributions(Histogram {
        title: title.to_owned(),
        axis: format!("{} score, larger is more like a member", audit.signals[attack.signal].name()),
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
    use crate::check::specimen::{Case, Specimen, integers, normal, numbers, uniform};
    use crate::data::{Schema, Table};
    use crate::model::{Predictions, Scale};

    /// A two-class model whose scaled logit of the true class is normal around `mean`.
    fn answers(count: usize, mean: f64, seed: Seed) -> Answers {
        let classes = uniform(count, 2, seed.derive("classes"));
        let signal = normal(count, mean, seed.derive("signal"));
        let row = |(&class, signal): (&u32, &f64)| [0.0, if class == 1 { *signal } else { -*signal }];
        let values = classes.iter().zip(&signal).flat_map(row).collect();
        Answers {
            predictions: Predictions::Scores { scale: Scale::Logit, classes: 2, values, labels: None },
            truth: Truth::Classes(classes),
        }
    }

    fn case(count: usize, mean: f64, seed: u64) -> Case {
        let seed = Seed::root(seed).derive("threshold specimen");
        let table = || Table::new(vec![numbers("x", vec![0.0; count])]);
        let (members, nonmembers) =
            (answers(count, mean, seed.derive("members")), answers(count, 0.0, seed.derive("nonmembers")));
        Case::tables(table(), table(), Schema::default())
            .with_model(Vec::new(), members, nonmembers, |_| Predictions::Labels(Vec::new()))
    }

    impl Specimen for Threshold {
        const MEASURE: &'static str = "membership/auc";

        fn null(seed: u64) -> (Case, f64) {
            (case(300, 0.0, seed), 0.5)
        }

        fn leaky() -> Case {
            case(800, 4.0, 1)
        }

        /// A shift of one standard deviation has an area of Phi(1 / sqrt 2) = 0.760249938906524.
        fn graded(seed: u64) -> (Case, f64) {
            (case(800, 1.0, seed), 0.760_249_938_906_524)
        }
    }

    fn estimate(findings: &[Finding], measure: &str) -> Estimate {
        let finding = findings.iter().find(|finding| finding.measure == measure).unwrap();
        finding.estimate.unwrap()
    }

    /// Issue: over 500 null runs the area's interval covers 0.5 in 93 to 97 %, and the bound of the rate wrongly exceeds
    /// its chance value in at most 5 %.
    #[test]
    fn coverage_over_500_null_runs() {
        let (mut covered, mut wrong, mut wrong_gate) = (0, 0, 0);
        for seed in 1000..1500 {
            let findings = case(1000, 0.0, seed).run(&Threshold {}, seed);
            covered += usize::from(estimate(&findings, "membership/auc").covers(0.5));
            let rate = estimate(&findings, "membership/tpr-at-fpr-0.01");
            wrong += usize::from(rate.low > 0.01);
            wrong_gate += usize::from(rate.low > 0.03);
        }
        assert!((465..=485).contains(&covered), "area covered in {covered} of 500");
        assert!(wrong <= 25, "lower bound over chance in {wrong} of 500");
        assert_eq!(wrong_gate, 0, "the default limit is three times chance");
    }

    /// Three records a patient that say nearly the same: an interval that took them for independent would cover far less.
    #[test]
    fn coverage_with_several_records_a_patient() {
        let patients = |side: u32| (0..600).map(|row| side * 200 + row / 3).collect::<Vec<u32>>();
        let signal = |seed: Seed| -> Answers {
            let (shared, own) = (normal(200, 0.0, seed.derive("patients")), normal(600, 0.0, seed.derive("records")));
            let scores: Vec<f64> = (0..600).map(|row| shared[row / 3] + 0.3 * own[row]).collect();
            Answers {
                predictions: Predictions::Scores {
                    scale: Scale::Logit,
                    classes: 2,
                    values: scores.iter().flat_map(|score| [0.0, *score]).collect(),
                    labels: None,
                },
                truth: Truth::Classes(vec![1; 600]),
            }
        };
        let covers = |seed: u64| {
            let root = Seed::root(seed).derive("clustered specimen");
            let table = |side: u32| Table::new(vec![integers("p", &patients(side))]);
            let schema = Schema { patient: Some("p".to_owned()), ..Schema::default() };
            let case = Case::tables(table(0), table(1), schema).with_model(
                Vec::new(),
                signal(root.derive("members")),
                signal(root.derive("nonmembers")),
                |_| Predictions::Labels(Vec::new()),
            );
            let estimate = estimate(&case.run(&Threshold {}, seed), "membership/auc");
            assert_eq!(estimate.n, 100, "half of 200 patients on either side report");
            estimate.covers(0.5)
        };
        let covered = (0..2000).filter(|&seed| covers(seed)).count();
        assert!((1860..=1940).contains(&covered), "{covered} of 2000");
    }

    /// The bounds of the rate cover its true value where there is a leak: the true rate at 1 % of a shift of 2 is
    /// Phi(2 - 2.3263) = 0.3720.
    #[test]
    fn the_bounds_cover_the_true_rate() {
        let covers = |seed: u64| {
            let findings = case(1000, 2.0, seed).run(&Threshold {}, seed);
            estimate(&findings, "membership/tpr-at-fpr-0.01").covers(0.3720)
        };
        let covered = (0..200).filter(|&seed| covers(seed)).count();
        assert!(covered >= 190, "{covered} of 200");
    }

    #[test]
    fn too_few_records_say_how_many_would_do() {
        let findings = case(60, 1.0, 5).run(&Threshold {}, 5);
        let finding = findings.iter().find(|finding| finding.measure == "membership/tpr-at-fpr-0.01").unwrap();
        let Standing::Insufficient { needed, .. } = &finding.standing else { panic!("60 records are too few") };
        assert!(needed.contains("At least 736 "), "{needed}"); // 2 x 368
        assert!(finding.estimate.is_none());
    }

    #[test]
    fn no_bin_tells_of_fewer_than_eleven() {
        let values: Vec<f64> = (0..100).map(|i| if i < 92 { 0.5 } else { 9.5 }).collect();
        let counts: Vec<usize> = shares(&values, 0.0, 1.0, 10).iter().map(|s| (s * 100.0).round() as usize).collect();
        assert_eq!(counts, [100, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn class_ranks_keep_the_order_of_the_tails() {
        let side = Side { signals: vec![vec![1.0, 2.0, 3.0]], classes: vec![0; 3], groups: vec![0, 1, 2] };
        let ranks = ClassRanks::of(&side, 0, &[0, 1, 2]);
        let placed: Vec<f64> = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0].iter().map(|&value| ranks.rank(0, value)).collect();
        assert!(placed.windows(2).all(|pair| pair[0] < pair[1]), "{placed:?}");
    }
}
