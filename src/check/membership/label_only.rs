//! # What it measures
//! How well an attacker who sees only the predicted class tells whether a record was in the training data: models hold on
//! to the class of a record they were trained on when a little noise is added to it, and waver on others.
//!
//! # Who could do this
//! Anybody who can query the model many times, has a person's full record and knows the person's outcome. No confidences
//! are needed, so that hiding them is no protection.
//!
//! # How
//! Every record is copied with noise: cells of columns with two values flip with a small probability, numbers get normal
//! noise in proportion to the spread of their column (whole numbers are rounded and stay within the observed range), texts
//! are drawn anew from their column in 5 % of the copies, and what is missing stays missing; tensors get normal noise. The
//! score is the share of copies whose predicted class is right, and 0 when the record itself is answered wrong. Where the
//! model states confidences, a second attack counts the copies that raise the loss: a record that was trained on sits in
//! a dip of the loss. Both compete for the strongest attack. The interval of the area is DeLong's on the logit scale
//! (Obuchowski's for several records a patient).
//!
//! # Reading the number
//! The area under the curve, where 0.5 is chance, is to be compared with the gap attack beside it, which needs one query:
//! it takes a record for a member when the answer is right. What the noise adds to it is what classes give away beyond the
//! difference in accuracy.
//!
//! # When it misleads
//! Too low: noise of another size may tell more (settings `flip` and `noise`), and attacks that search for the decision
//! boundary ask 100 times as often. Too high: when members and non-members differ for other reasons (see
//! `dataset/split-integrity`), any score separates them.
//!
//! # Cost
//! `queries` copies of every record. The setting `most_rows` bounds them: where the file has more than that many records a
//! side, fewer copies of each are made, down to 20; where that is still too much, a random sample of `most_rows` records a
//! side is attacked and the attack does not compete for the strongest.
//!
//! # References
//! Choquette-Choo et al., ICML 2021; Li and Zhang, CCS 2021; Jayaraman et al., PETS 2021 (Merlin); Yeom et al., CSF 2018.

use serde::{Deserialize, Deserializer};

use super::interview::{Effort, Interview, Versions, pooled, repeated, truth};
use super::neighbours::{Neighbours, Noise, RESAMPLE};
use super::pool::{FEWEST, Part, Pool, Signals, area_severity, blank, competing, percent};
use super::signal::Signal;
use crate::check::settings::{between, within};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{Baseline, Count, Evidence, Family, Finding, Table, Unit, grouped};
use crate::model::Predictions;
use crate::stats::Level;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/label-only",
    title: "Attacks on the predicted class alone",
    family: Family::Membership,
    measures: &[AUC],
    source: include_str!("label_only.rs"),
};

const AUC: &str = "membership/label-only-auc";
/// Fewest copies of a record; below that a sample of the records is attacked instead.
const FEWEST_COPIES: usize = 20;
/// Smallest relative change of a loss that is more than another order of additions in another batch.
const CHANGE: f64 = 1e-6;
const NAMES: [&str; 2] = ["class kept under noise (label only)", "loss raised by noise (Merlin)"];

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelOnly {
    /// Noisy copies of each record.
    #[serde(deserialize_with = "within::<1, 1_000_000, _>")]
    queries: usize,
    /// Records a side that may have that many copies; their product bounds the questions.
    #[serde(deserialize_with = "within::<1, 1_000_000, _>")]
    most_rows: usize,
    /// Probability that a cell of a column with two values flips, from 0 to 0.5.
    #[serde(deserialize_with = "probability")]
    flip: f64,
    /// Standard deviation of the noise in standard deviations of the column, from 0 to 10.
    #[serde(deserialize_with = "scale")]
    noise: f64,
}

fn probability<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    between(deserializer, 0.0, 0.5)
}

fn scale<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    between(deserializer, 0.0, 10.0)
}

impl Default for LabelOnly {
    fn default() -> Self {
        Self { queries: 100, most_rows: 2000, flip: 0.03, noise: 0.1 }
    }
}

impl Check for LabelOnly {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Queries, Need::Data, Need::Target, Need::Classification]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(pool), Some(signals)) = (Pool::of(subject), Signals::of(subject)) else {
            return Ok(Output::default());
        };
        let seed = subject.seed.derive(META.id);
        let features = pooled(subject).ok_or_else(no_noise)?;
        let noise = Noise { flip: self.flip, scale: self.noise };
        let neighbours = Neighbours::of(&features, noise, seed.derive("noise")).ok_or_else(no_noise)?;
        let versions = Versions { wanted: self.queries, fewest: FEWEST_COPIES };
        let effort = Effort::within(&pool, self.most_rows, versions, seed.derive("sample"));
        let Some(shares) = shares(subject, &pool, &signals, &neighbours, &effort, watch)? else {
            return Ok(Output::default());
        };
        let mut scores = vec![effort.spread(&pool, shares.iter().map(|share| share.kept))];
        if signals.get(Signal::LogConfidence).is_some() {
            scores.push(effort.spread(&pool, shares.iter().map(|share| share.raised)));
        }
        let finding = self.finding(&pool, &signals, &effort, &scores);
        if !effort.whole {
            return Ok(vec![finding].into());
        }
        let scores = NAMES.into_iter().zip(scores).map(|(name, scores)| competing(META.id, name, scores));
        Ok(Output { findings: vec![finding], scores: scores.collect(), ..Output::default() })
    }
}

fn no_noise() -> CheckError {
    CheckError::NotApplicable {
        reason: "the records are texts without columns, to which no noise can be added".to_owned(),
        remedy: "give the records as a table or as tensors of numbers".to_owned(),
    }
}

/// What the model does with the copies of a record.
struct Shares {
    /// Share of copies with the right class; zero when the record itself is answered wrong.
    kept: f64,
    /// Share of copies with a higher loss than the record.
    raised: f64,
}

/// Asks about the copies of every attacked record.
fn shares(
    subject: &Subject<'_>,
    pool: &Pool,
    signals: &Signals,
    neighbours: &Neighbours<'_>,
    effort: &Effort,
    watch: &dyn Watch,
) -> Result<Option<Vec<Shares>>, CheckError> {
    let Some(model) = subject.model else { return Ok(None) };
    let (Some(truth), Some(correct)) = (truth(model, pool), signals.get(Signal::Correctness)) else { return Ok(None) };
    let confidence = signals.get(Signal::LogConfidence);
    let copies = effort.versions;
    let read = |rows: &[usize], answers: &Predictions| {
        let truth = repeated(&truth, rows, copies);
        let right = Signal::Correctness.scores(answers, &truth);
        let noisy = confidence.map(|_| Signal::LogConfidence.scores(answers, &truth));
        let of_row = |(position, &row): (usize, &usize)| {
            let own = position * copies..(position + 1) * copies;
            let kept = if correct[row] > 0.5 { mean(&right[own.clone()]) } else { 0.0 };
            let raised = match (confidence, &noisy) {
                (Some(clean), Some(noisy)) => share_below(&noisy[own], clean[row]),
                _ => 0.0,
            };
            Shares { kept, raised }
        };
        rows.iter().enumerate().map(of_row).collect()
    };
    let mut interview = Interview::new(model, META.id, watch, effort.rows.len() * copies);
    interview.ask(effort, |rows| neighbours.of_rows(rows, copies), read).map(Some)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The share of values below a clean one by more than rounding.
fn share_below(values: &[f64], clean: f64) -> f64 {
    let bound = clean - CHANGE * (1.0 + clean.abs());
    values.iter().filter(|&&value| value < bound).count() as f64 / values.len() as f64
}

impl LabelOnly {
    fn finding(&self, pool: &Pool, signals: &Signals, effort: &Effort, scores: &[Vec<f64>]) -> Finding {
        let part = effort.part(pool);
        let gap = signals.get(Signal::Correctness).map(|correct| pool.area(correct, &part, Level::P95));
        let mut finding = blank(META.id, AUC, Unit::Area, 0.5);
        let Some(kept) = scores.first().filter(|_| !part.members.is_empty() && !part.nonmembers.is_empty()) else {
            return finding;
        };
        let estimate = pool.area(kept, &part, Level::P95);
        if estimate.n < FEWEST {
            finding.standing = pool.too_few((part.members.len(), part.nonmembers.len()), 0.01, 1);
        }
        finding.sentence = format!(
            "With the predicted class alone, an attacker adds noise to a record and counts how often the class stays right. Given \
             a record from the training data and one that was not, this picks the right one {} of the time; looking at one answer \
             each is right {} of the time, guessing 50 %.",
            Unit::Share.show(estimate.value),
            gap.map_or_else(|| "50 %".to_owned(), |gap| Unit::Share.show(gap.value))
        );
        finding.baseline = gap.map(|estimate| Baseline {
            name: "gap attack: a record is a member when the answer is right, without noise".to_owned(),
            estimate,
        });
        finding.severity = area_severity(&estimate);
        finding.evidence.push(table(pool, signals, scores, &part));
        if !effort.whole {
            finding.limits.push(format!(
                "A random sample was attacked, {} members and {} non-members, one record of each patient. The attack does not \
                 compete for the strongest, which needs a score for every record: raise `most_rows` for that.",
                Count::of(part.members.len()),
                Count::of(part.nonmembers.len())
            ));
        }
        finding.settings = self.settings(effort);
        finding.estimate = Some(estimate);
        finding
    }

    fn settings(&self, effort: &Effort) -> Vec<(String, String)> {
        let setting = |name: &str, value: String| (name.to_owned(), value);
        vec![
            setting("noisy copies of each record", effort.versions.to_string()),
            setting("queries", grouped((effort.versions * effort.rows.len()) as u64)),
            setting("two values flip with probability", percent(self.flip)),
            setting("noise on numbers, in standard deviations", self.noise.to_string()),
            setting("texts drawn anew with probability", percent(RESAMPLE)),
        ]
    }
}

/// The attacks with the gap attack on the same records.
fn table(pool: &Pool, signals: &Signals, scores: &[Vec<f64>], part: &Part) -> Evidence {
    let gap = signals.get(Signal::Correctness).map(|correct| ("answer right (gap attack)", correct));
    let attacks = gap.into_iter().chain(NAMES.into_iter().zip(scores.iter().map(Vec::as_slice)));
    let row = |(name, scores): (&str, &[f64])| {
        let area = pool.area(scores, part, Level::P95);
        vec![name.to_owned(), Unit::Area.show(area.value), Unit::Area.show_interval(&area)]
    };
    Evidence::Table(Table {
        caption: "What noise adds to a single answer, on the same records".to_owned(),
        columns: ["attack", "area", "95 % interval"].map(str::to_owned).to_vec(),
        rows: attacks.map(row).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::remembering;
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for LabelOnly {
        const MEASURE: &'static str = AUC;

        fn null(seed: u64) -> (Case, f64) {
            (remembering(60, 0, seed), 0.5)
        }

        fn leaky() -> Case {
            remembering(100, 100, 1)
        }

        /// The model holds on to the class of 40 of 100 members whatever the noise: these come first. The class of all
        /// others is a coin for every copy, so that nobody else keeps it in all of 100. 0.4 + 0.6 / 2 = 0.7.
        fn graded(seed: u64) -> (Case, f64) {
            (remembering(100, 40, seed), 0.7)
        }
    }
    #[test]
    fn a_bounded_attack_speaks_of_a_sample_and_does_not_compete() {
        let check = LabelOnly { queries: 30, most_rows: 20, ..LabelOnly::default() };
        let output = remembering(100, 100, 2).output(&check, 2);
        assert!(output.scores.is_empty(), "there is no score for the records that were not attacked");
        let estimate = output.findings[0].estimate.unwrap();
        assert_eq!(estimate.n, 20);
        assert!(
            output.findings[0].limits[0].contains("20 members and 20 non-members"),
            "{:?}",
            output.findings[0].limits
        );
        let queries = output.findings[0].settings.iter().find(|(name, _)| name == "queries").unwrap();
        assert_eq!(queries.1, "1,200");
    }

    #[test]
    fn noise_adds_to_the_gap_attack() {
        let finding = remembering(100, 100, 3).run(&LabelOnly::default(), 3).remove(0);
        let (noise, gap) = (finding.estimate.unwrap(), finding.baseline.unwrap().estimate);
        // All members are answered right and half of the others: 0.75 by one answer, all of it by a hundred.
        assert!((gap.value - 0.75).abs() < 0.1 && noise.value > 0.99, "{gap:?} {noise:?}");
    }

    #[test]
    fn rounding_raises_no_loss() {
        // Of ln p = -1 the values below by more than 2e-6: the second and the fourth.
        assert_eq!(share_below(&[-1.0 - 1e-6, -1.1, -0.5, -2.0], -1.0), 0.5);
    }
}
