//! Members and non-members as one pool of records: what every attack of the family works on.

use super::signal::{Signal, scaled_logit, two_classes};
use super::survival::{concordances, with_baseline};
use crate::check::groups::Sides;
use crate::check::{AttackScores, Entry, Subject, Truth};
use crate::finding::{Count, Evidence, Finding, Severity, Standing, Unit, Worse};
use crate::learn::folds;
use crate::model::{Predictions, Scale};
use crate::seed::Seed;
use crate::stats::paired::Scored;
use crate::stats::ranked::Side;
use crate::stats::roc::{auc, negatives_needed, negatives_to_clear};
use crate::stats::{Estimate, Level};

/// Fewest patients (or records) on either side for an interval that holds its level.
pub(super) const FEWEST: usize = 10;
/// How far from 0 and 1 probabilities are kept where differences of their logits count.
const EDGE: f64 = 1e-6;
/// How far a deviance residual counts where differences of residuals do: a score that is no log hazard has no bounds.
pub(super) const MOST_DEVIANCE: f64 = 10.0;
/// Severity scale of an area: the limits of the likelihood table (very low to high).
pub(super) const AREA_SCALE: [f64; 4] = [0.55, 0.60, 0.65, 0.75];

/// The pool: rows `0..members` are members, the rest non-members, in file order.
pub(super) struct Pool {
    /// Number of members.
    pub(super) members: usize,
    /// Patient per row, in codes shared by both sides; every row its own where no patient is declared.
    pub(super) groups: Vec<u32>,
    /// Whether patients are declared.
    pub(super) grouped: bool,
    /// The half of each row, no patient in both. What is learned on one half is applied to the other; all attacks share
    /// the halves, so that within a half no score depends on that half's labels.
    pub(super) half: Vec<usize>,
    seed: Seed,
    unit: &'static str,
}

/// Some rows of either side.
#[derive(Clone)]
pub(super) struct Part {
    /// Member rows.
    pub(super) members: Vec<usize>,
    /// Non-member rows.
    pub(super) nonmembers: Vec<usize>,
}

/// What the model answered, as signals over the pool.
pub(super) struct Signals {
    /// Every signal that the answers allow, with its value per row.
    pub(super) all: Vec<(Signal, Vec<f64>)>,
    /// Class per row; with and without the event for survival; one class for anything else.
    pub(super) classes: Vec<u32>,
    /// Number of classes.
    pub(super) levels: usize,
    main: Signal,
    confidence: Vec<f64>,
}

impl Pool {
    /// The pool of a subject; nothing without data.
    pub(super) fn of(subject: &Subject<'_>) -> Option<Self> {
        let split = subject.split?;
        let (members, nonmembers) = (split.members.len(), split.nonmembers.len());
        let declared = split.members.groups.as_ref().zip(split.nonmembers.groups.as_ref());
        let grouped = declared.is_some();
        let groups =
            declared.map_or_else(|| (0..(members + nonmembers) as u32).collect(), |(a, b)| [&a[..], &b[..]].concat());
        // Not derived from a check's id: the halves are the same for all attacks.
        let seed = subject.seed.derive("membership");
        let unit = if grouped { "patients" } else { "records" };
        let mut pool = Self { members, groups, grouped, half: Vec::new(), seed, unit };
        pool.half = pool.halves(seed.derive("learn on one half, attack the other"));
        Some(pool)
    }

    /// A pool of pairs of a member and a non-member of this one. The two of a pair stay together as a patient does.
    pub(super) fn of_pairs(&self, pairs: usize) -> Self {
        let groups: Vec<u32> = (0..pairs as u32).chain(0..pairs as u32).collect();
        let seed = self.seed.derive("matched pairs");
        let mut pool = Self { members: pairs, groups, grouped: true, half: Vec::new(), seed, unit: self.unit };
        pool.half = pool.halves(seed.derive("learn on one half, attack the other"));
        pool
    }

    /// A pool of one record of each patient on either side, with the rows of this pool that it took.
    pub(super) fn of_patients(&self) -> (Self, Vec<usize>) {
        let seed = self.seed.derive("one record a patient");
        let part = self.thin(&self.whole(), seed);
        let rows = [&part.members[..], &part.nonmembers[..]].concat();
        let groups: Vec<u32> = rows.iter().map(|&row| self.groups[row]).collect();
        let half = rows.iter().map(|&row| self.half[row]).collect();
        (Self { members: part.members.len(), groups, grouped: self.grouped, half, seed, unit: self.unit }, rows)
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.groups.len()
    }

    /// Whose rows they are.
    pub(super) fn sides(&self) -> Sides<'_> {
        Sides { members: self.members, patients: &self.groups }
    }

    /// Whether a row is a member.
    pub(super) fn is_member(&self, row: usize) -> bool {
        row < self.members
    }

    /// The seed that all attacks of the family share.
    pub(super) fn seed(&self) -> Seed {
        self.seed
    }

    /// All rows.
    pub(super) fn whole(&self) -> Part {
        Part { members: (0..self.members).collect(), nonmembers: (self.members..self.rows()).collect() }
    }

    /// A half for every row: no patient in both, members and non-members spread evenly.
    pub(super) fn halves(&self, seed: Seed) -> Vec<usize> {
        let strata: Vec<u32> = (0..self.rows()).map(|row| u32::from(!self.is_member(row))).collect();
        folds::assign(&self.groups, &strata, 2, seed)
    }

    /// The rows for which `wanted` holds.
    pub(super) fn part(&self, wanted: impl Fn(usize) -> bool) -> Part {
        Part {
            members: (0..self.members).filter(|&row| wanted(row)).collect(),
            nonmembers: (self.members..self.rows()).filter(|&row| wanted(row)).collect(),
        }
    }

    /// One random record per patient on either side: independent units.
    pub(super) fn thin(&self, part: &Part, seed: Seed) -> Part {
        if !self.grouped {
            return part.clone();
        }
        let thin = |rows: &[usize], name: &str| -> Vec<usize> {
            let groups: Vec<u32> = rows.iter().map(|&row| self.groups[row]).collect();
            folds::representatives(&groups, seed.derive(name)).into_iter().map(|i| rows[i]).collect()
        };
        Part { members: thin(&part.members, "members"), nonmembers: thin(&part.nonmembers, "nonmembers") }
    }

    /// What is said of every row, learned on the other half, both halves side by side: `learn(training rows, rows)` says
    /// one thing of each of `rows`.
    pub(super) fn cross_fit<T: Clone + Default + Send>(
        &self,
        learn: impl Fn(&[usize], &[usize]) -> Vec<T> + Sync,
    ) -> Vec<T> {
        let of_half = |half| {
            let (rows, training): (Vec<usize>, Vec<usize>) = (0..self.rows()).partition(|&row| self.half[row] == half);
            let said = if rows.is_empty() { Vec::new() } else { learn(&training, &rows) };
            (rows, said)
        };
        let (first, second) = rayon::join(|| of_half(0), || of_half(1));
        let mut all = vec![T::default(); self.rows()];
        for (rows, said) in [first, second] {
            rows.into_iter().zip(said).for_each(|(row, value)| all[row] = value);
        }
        all
    }

    /// The area under the curve of scores on some rows, with an interval that allows for patients.
    pub(super) fn area(&self, scores: &[f64], part: &Part, level: Level) -> Estimate {
        let of = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|&row| scores[row]).collect() };
        let codes = |rows: &[usize]| -> Vec<u32> { rows.iter().map(|&row| self.groups[row]).collect() };
        let (members, nonmembers) = (of(&part.members), of(&part.nonmembers));
        let clusters = self.grouped.then(|| (codes(&part.members), codes(&part.nonmembers)));
        auc(&members, &nonmembers, clusters.as_ref().map(|(a, b)| (&a[..], &b[..])), level)
    }

    /// The scores of members and of non-members.
    pub(super) fn scored<'s>(&self, scores: &'s [f64]) -> Scored<'s> {
        let (positives, negatives) = scores.split_at(self.members);
        Scored { positives, negatives }
    }

    /// What a row counts.
    pub(super) fn unit(&self) -> &'static str {
        self.unit
    }

    /// Why rates at a false-positive rate cannot be shown with the given units of each side, of which `share` report.
    pub(super) fn too_few(&self, (members, nonmembers): (usize, usize), fpr: f64, share: usize) -> Standing {
        let (n, m) = (Count::of(members), Count::of(nonmembers));
        // Where several attacks compete, each split is judged at half the error.
        let level = Level::joint_95(share);
        let (bound, clear) = (share * negatives_needed(fpr, level), share * negatives_to_clear(fpr, 3.0 * fpr, level));
        let unit = self.unit();
        Standing::Insufficient {
            reason: format!(
                "{n} member and {m} non-member {unit} left for reporting cannot show a false-positive rate of {}.",
                percent(fpr)
            ),
            needed: format!(
                "At least {bound} non-member {unit} and as many members would give a bound; about {clear} would let a model \
                 that leaks nothing show less than three times chance."
            ),
        }
    }

    /// The area of one attack on all records, as a finding of its own check.
    pub(super) fn area_finding(&self, attack: &AttackScores, measure: &str, sentence: &str) -> Finding {
        let whole = self.whole();
        let estimate = self.area(&attack.of_record, &whole, Level::P95);
        let mut finding = blank(attack.check, measure, Unit::Area, 0.5);
        if estimate.n < FEWEST {
            finding.standing = self.too_few((whole.members.len(), whole.nonmembers.len()), 0.01, 1);
        }
        finding.sentence = format!(
            "{sentence} Given a record from the training data and one that was not, it picks the right one {} of the time; \
             guessing is right 50 % of the time.",
            Unit::Share.show(estimate.value)
        );
        finding.severity = area_severity(&estimate);
        finding.estimate = Some(estimate);
        finding.settings = vec![("attack".to_owned(), attack.name.clone())];
        finding
    }
}

impl Part {
    /// What each of `rows` rows is.
    pub(super) fn sides(&self, rows: usize) -> Vec<Side> {
        let mut sides = vec![Side::Out; rows];
        self.members.iter().for_each(|&row| sides[row] = Side::Positive);
        self.nonmembers.iter().for_each(|&row| sides[row] = Side::Negative);
        sides
    }
}

impl Signals {
    /// The signals of a subject's answers; nothing where the model was not asked.
    pub(super) fn of(subject: &Subject<'_>) -> Option<Self> {
        let (predictions, truth) = answers(subject)?;
        let classes: Vec<u32> = match &truth {
            Truth::Classes(classes) => classes.clone(),
            // A residual of somebody with the event is not on the scale of one without.
            Truth::Survival { events, .. } => events.iter().map(|&event| u32::from(event)).collect(),
            Truth::Values(_) | Truth::Flags { .. } => vec![0; truth.len()],
        };
        let levels = classes.iter().max().map_or(1, |&class| class as usize + 1);
        let value = |&signal: &Signal| (signal, signal.scores(&predictions, &truth));
        let mut all: Vec<(Signal, Vec<f64>)> = Signal::of(&predictions).iter().map(value).collect();
        if let (Predictions::Risks(risks), Truth::Survival { times, events, .. }) = (&predictions, &truth) {
            all.push((Signal::Concordance, concordances(&Pool::of(subject)?, risks, times, events)));
        }
        Some(Self {
            all,
            classes,
            levels,
            main: Signal::main(&predictions),
            confidence: confidence(&predictions, &truth),
        })
    }

    /// The values of a signal, if the answers allow it.
    pub(super) fn get(&self, wanted: Signal) -> Option<&[f64]> {
        self.all.iter().find(|(signal, _)| *signal == wanted).map(|(_, values)| values.as_slice())
    }

    /// The name of the main signal.
    pub(super) fn main_name(&self) -> &'static str {
        self.main.name()
    }

    /// The main signal: what a threshold attack looks at.
    pub(super) fn main(&self) -> &[f64] {
        self.get(self.main).unwrap_or(&[])
    }

    /// The signal that attacks with a second opinion (references, surrogates, quantiles) start from.
    pub(super) fn confidence(&self) -> &[f64] {
        &self.confidence
    }
}

/// What the model says about the whole pool, and the truth.
pub(super) fn answers(subject: &Subject<'_>) -> Option<(Predictions, Truth)> {
    let model = subject.model?;
    let (members, nonmembers) = (model.members.as_ref()?, model.nonmembers.as_ref()?);
    let truth = members.truth.joined(&nonmembers.truth)?;
    whole(subject, &members.predictions, &nonmembers.predictions, truth)
}

/// Answers about members and non-members as answers about the pool, with the truth about the pool.
pub(super) fn whole(
    subject: &Subject<'_>,
    of_members: &Predictions,
    of_nonmembers: &Predictions,
    truth: Truth,
) -> Option<(Predictions, Truth)> {
    let predictions = Predictions::concat(vec![of_members.clone(), of_nonmembers.clone()])?;
    if !matches!(predictions, Predictions::Risks(_)) {
        return Some((predictions, truth));
    }
    let truth = with_baseline(&Pool::of(subject)?, &predictions, truth);
    Some((predictions, truth))
}

/// The main signal of answers. A logit of probabilities is kept a millionth from the edge: how sure a model that says 1
/// really is cannot be known, and neither means nor regressions must be ruled by such records.
pub(super) fn confidence(predictions: &Predictions, truth: &Truth) -> Vec<f64> {
    let scores = Signal::main(predictions).scores(predictions, truth);
    let within = |scores: Vec<f64>, most: f64| scores.into_iter().map(|score| score.clamp(-most, most)).collect();
    match predictions {
        Predictions::Scores { scale: Scale::Probability, .. }
        | Predictions::Flags { scale: Scale::Probability, .. } => within(scores, ((1.0 - EDGE) / EDGE).ln()),
        Predictions::Risks(_) => within(scores, MOST_DEVIANCE),
        _ => scores,
    }
}

/// The scaled logit of every label, each kept from the edge like that of a class.
pub(super) fn confidence_of_labels(predictions: &Predictions, truth: &Truth) -> Vec<Vec<f64>> {
    let (Predictions::Flags { scale, labels, values }, Truth::Flags { values: truth, .. }) = (predictions, truth)
    else {
        return Vec::new();
    };
    let most = if *scale == Scale::Probability { ((1.0 - EDGE) / EDGE).ln() } else { f64::INFINITY };
    let one = |(&score, &holds): (&f64, &bool)| {
        scaled_logit(*scale, &two_classes(*scale, score), usize::from(holds)).clamp(-most, most)
    };
    let of_label = |label: usize| -> Vec<f64> {
        values.iter().skip(label).step_by(*labels).zip(truth.iter().skip(label).step_by(*labels)).map(one).collect()
    };
    (0..*labels).map(of_label).collect()
}

/// Scores that compete for the strongest attack.
pub(super) fn competing(check: &'static str, name: impl Into<String>, of_record: Vec<f64>) -> AttackScores {
    AttackScores { check, name: name.into(), of_record, entry: Entry::Competes, draws: None }
}

/// Severity of an area: very low unless its whole interval lies over chance.
pub(super) fn area_severity(estimate: &Estimate) -> Severity {
    if estimate.low > 0.5 { Severity::on_scale(estimate.low, AREA_SCALE) } else { Severity::VeryLow }
}

/// A false-positive rate in per cent without trailing zeros.
pub(super) fn percent(fpr: f64) -> String {
    format!("{} %", (fpr * 1e6).round() / 1e4)
}

/// A finding with everything that does not depend on the number.
pub(super) fn blank(check: &str, measure: &str, unit: Unit, null_value: f64) -> Finding {
    Finding {
        check: check.to_owned(),
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
        evidence: Vec::<Evidence>::new(),
        limits: Vec::new(),
        settings: Vec::new(),
    }
}
