//! # What it measures
//! How many people an auditor recognises who holds only the model file, the members and the non-members: the model's
//! confidence about a record is compared with what models that never saw this record would say about it. Reported as the
//! area under the ROC curve (0.5 is chance); its rates stand in the table of all attacks and compete for the strongest.
//!
//! # Who could do this
//! An auditor, or an insider with data like the training data. It needs no access to how the model was trained and no
//! model of the same kind.
//!
//! # How
//! privet trains surrogates itself: eight times it draws a random half of all patients, blind to membership, trains a
//! model of the outcome on it and asks it about the other half. Mean and spread of these out-of-fold answers say how hard
//! a record is for a model that has not seen it. On the non-members of one half of the patients a ridge regression learns
//! what the model under test says about records of given difficulty and class; the attack's score on the other half is
//! what the model says beyond that. Two surrogates run: logistic regression, and one of the kind that the file's operators
//! show (trees for trees, a network for a network). Labels that do not exclude each other get a surrogate each; numbers and
//! times to an event get a forest, for times of the martingale residual of a model that knows nothing. The same surrogates
//! serve as control: what they alone can tell about membership is no leak of the model. The first and the second half of
//! the surrogates, taken as two attacks, show how far the ranking of people depends on the draw.
//!
//! # Reading the number
//! Far above the threshold attack at low false-positive rates, because records are no longer compared with easier ones.
//! R2 says how much of the model's confidence the surrogates explain; below 0.1 they are of little use. Where the two halves
//! of the surrogates agree little on the top 5 % of members, the area stands and a list of names does not.
//!
//! # When it misleads
//! Too low: with surrogates that are much worse than the model, or few records. It uses known members to fit, so it is a
//! lower bound on what leaks and not what an outsider reaches. Too high: as any attack, when members and non-members
//! differ without the model; the control shows that.
//!
//! # Cost
//! Sixteen trainings on half of the records; no further query to the model.
//!
//! # References
//! Watson et al., ICLR 2022 (difficulty calibration); Ye et al., CCS 2022 (Attack-R); Bertran et al., NeurIPS 2023
//! (attacks without reference models); the out-of-fold, cross-fitted form is privet's own.

use rayon::prelude::*;
use serde::Deserialize;

use super::pool::{Pool, Signals, blank, competing};
use super::stability;
pub use super::surrogates::Surrogate;
use super::surrogates::{Task, confidence_of};
use crate::check::records::encoded_features;
use crate::check::settings::within;
use crate::check::{AttackScores, Check, CheckError, CheckMeta, Entry, Need, Output, Subject};
use crate::finding::{Evidence, Family, Finding, Severity, Standing, Table, Unit};
use crate::learn::Encoded;
use crate::learn::ridge::Ridge;
use crate::model::ModelFamily;
use crate::stats::paired::auc_difference;
use crate::stats::{Estimate, Level};
use crate::watch::{Event, Watch};

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/surrogate-calibrated",
    title: "Surrogate-calibrated attack",
    family: Family::Membership,
    measures: &[AUC, CONTROL],
    source: include_str!("surrogate_calibrated.rs"),
};

const AUC: &str = "membership/surrogate-calibrated-auc";
/// What models that never saw the records can tell about membership.
pub const CONTROL: &str = "membership/control-auc";
/// How far the control's interval may lie over 0.5 before the comparison is void.
const TOLERANCE: f64 = 0.02;
/// Fewest surrogates whose two halves are compared: with one each, half of the records would be known to none.
const FEWEST_FOR_DRAWS: usize = 4;
/// Penalty of the ridge regression.
const STRENGTH: f64 = 1.0;

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SurrogateCalibrated {
    /// Random halves to train on, from 2 to 64.
    #[serde(deserialize_with = "within::<2, 64, _>")]
    halves: usize,
    /// Kinds of surrogates; nothing for the choice by the model's operators.
    surrogates: Option<Vec<Surrogate>>,
}

impl Default for SurrogateCalibrated {
    fn default() -> Self {
        Self { halves: 8, surrogates: None }
    }
}

/// What models that did not see a record say about it.
struct Difficulty {
    mean: Vec<f64>,
    spread: Vec<f64>,
}

/// The records that a surrogate did not see, and what it says about them.
type Answered = (Vec<usize>, Vec<f64>);

/// One kind of surrogate, measured.
struct Measured {
    surrogate: Surrogate,
    residual: AttackScores,
    difference: AttackScores,
    difficulty: Difficulty,
    explained: f64,
}

impl Check for SurrogateCalibrated {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Data, Need::Target]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(pool), Some(signals), Some(split)) = (Pool::of(subject), Signals::of(subject), subject.split) else {
            return Ok(Output::default());
        };
        let data = encoded_features(split);
        if data.width() == 0 {
            return Err(CheckError::NotApplicable {
                reason: "the records have no columns from which a surrogate could learn".to_owned(),
                remedy: "add the columns that the model takes".to_owned(),
            });
        }
        let family = subject.model.map_or(ModelFamily::Unknown, |model| model.family);
        let Some(task) = Task::of(subject) else { return Ok(Output::default()) };
        let kinds = self.surrogates.clone().unwrap_or_else(|| task.surrogates(family));
        let mut measured = Vec::new();
        for (done, &kind) in kinds.iter().enumerate() {
            measured.push(self.measure(kind, &pool, &signals, &data, &task));
            watch.on(&Event::Progress { step: META.id, done: done as u64 + 1, total: kinds.len() as u64 });
        }
        let Some(best) = measured.iter().max_by(|a, b| a.explained.total_cmp(&b.explained)) else {
            return Ok(Output::default());
        };
        let chosen = if self.surrogates.is_some() {
            "chosen in the plan".to_owned()
        } else if task.of_numbers() {
            "forests, which predict numbers".to_owned()
        } else {
            format!("chosen by the operators of the file, which show {}", family.words())
        };
        let mut finding = pool.area_finding(
            &best.residual,
            AUC,
            "An auditor compares the model's confidence with that of surrogates that never saw the record.",
        );
        finding.settings.push(("surrogates".to_owned(), chosen));
        finding.settings.push(("random halves".to_owned(), self.halves.to_string()));
        finding.evidence.push(table(&pool, &measured));
        if best.explained < 0.1 {
            finding.limits.push(format!(
                "The surrogates explain only {:.2} of the variance of the model's confidence: they are of little use here.",
                best.explained.max(0.0)
            ));
        }
        let residuals: Vec<&AttackScores> = std::iter::once(best)
            .chain(measured.iter().filter(|m| m.surrogate != best.surrogate))
            .map(|m| &m.residual)
            .collect();
        stability::tell(&mut finding, &pool, &residuals, "two halves of the surrogates");
        let control = control(&pool, &signals, best);
        let scores = measured.into_iter().flat_map(|m| [m.residual, m.difference]).collect();
        Ok(Output { findings: vec![finding, control], scores, ..Output::default() })
    }
}

impl SurrogateCalibrated {
    fn measure(&self, kind: Surrogate, pool: &Pool, signals: &Signals, data: &Encoded, task: &Task) -> Measured {
        let answers = self.answers(kind, pool, data, task);
        let difficulty = Difficulty::of(&answers, pool.rows());
        let confidence = signals.confidence();
        let (residual, explained) = residual(pool, signals, confidence, &difficulty);
        let difference: Vec<f64> = confidence.iter().zip(&difficulty.mean).map(|(own, mean)| own - mean).collect();
        let draws = (self.halves >= FEWEST_FOR_DRAWS).then(|| {
            let (first, second) = answers.split_at(self.halves / 2);
            [first, second].map(|draw| self::residual(pool, signals, confidence, &Difficulty::of(draw, pool.rows())).0)
        });
        let name = |form: &str| format!("{form}, {} surrogates", kind.words());
        Measured {
            surrogate: kind,
            residual: AttackScores { draws, ..competing(META.id, name("surrogate-calibrated residual"), residual) },
            difference: AttackScores {
                entry: Entry::ForReading,
                ..competing(META.id, name("plain difference"), difference)
            },
            difficulty,
            explained,
        }
    }

    /// Trains on random halves and keeps what each surrogate says about the other half.
    fn answers(&self, kind: Surrogate, pool: &Pool, data: &Encoded, task: &Task) -> Vec<Answered> {
        let seed = pool.seed().derive(META.id).derive(kind.words());
        let one = |index: usize| {
            let seed = seed.derive(&index.to_string());
            let half = pool.halves(seed.derive("half"));
            let (training, rows): (Vec<usize>, Vec<usize>) = (0..pool.rows()).partition(|&row| half[row] == 0);
            let scores = confidence_of(kind, data, task, &training, &rows, seed.derive("surrogate"));
            (rows, scores)
        };
        (0..self.halves).into_par_iter().map(one).collect()
    }
}

impl Difficulty {
    /// What some surrogates say about `rows` records.
    fn of(answers: &[Answered], rows: usize) -> Self {
        // Sums in the order of the surrogates, so that nothing depends on which finishes first.
        let mut sums = vec![(0.0, 0.0, 0.0); rows];
        for (row, score) in answers.iter().flat_map(|(rows, scores)| rows.iter().zip(scores)) {
            sums[*row].0 += 1.0;
            sums[*row].1 += score;
            sums[*row].2 += score * score;
        }
        let known: Vec<&(f64, f64, f64)> = sums.iter().filter(|sum| sum.0 > 0.0).collect();
        let average =
            |of: fn(&(f64, f64, f64)) -> f64| known.iter().map(|sum| of(sum)).sum::<f64>() / known.len().max(1) as f64;
        let mean = |sum: &(f64, f64, f64)| sum.1 / sum.0;
        let spread = |sum: &(f64, f64, f64)| (sum.2 / sum.0 - (sum.1 / sum.0).powi(2)).max(0.0).sqrt();
        // A record that every surrogate happened to see takes the average.
        let (any_mean, any_spread) = (average(mean), average(spread));
        Self {
            mean: sums.iter().map(|sum| if sum.0 > 0.0 { mean(sum) } else { any_mean }).collect(),
            spread: sums.iter().map(|sum| if sum.0 > 0.0 { spread(sum) } else { any_spread }).collect(),
        }
    }
}

/// What the model says beyond what is expected of records of this difficulty and class, learned on the non-members of the
/// other half; and the share of the variance that the expectation explains there.
fn residual(pool: &Pool, signals: &Signals, confidence: &[f64], difficulty: &Difficulty) -> (Vec<f64>, f64) {
    let width = 3 + signals.levels;
    let features = |rows: &[usize]| -> Vec<f64> {
        let mut values = Vec::with_capacity(rows.len() * width);
        for &row in rows {
            let (mean, spread) = (difficulty.mean[row], difficulty.spread[row]);
            values.extend([mean, mean * mean, spread]);
            values.extend((0..signals.levels).map(|level| f64::from(u8::from(signals.classes[row] as usize == level))));
        }
        values
    };
    let scores = pool.cross_fit(|training, rows| {
        let known: Vec<usize> = training.iter().copied().filter(|&row| !pool.is_member(row)).collect();
        let targets: Vec<f64> = known.iter().map(|&row| confidence[row]).collect();
        let model = Ridge::fit(&features(&known), width, &targets, STRENGTH);
        features(rows).chunks(width).zip(rows).map(|(row, &at)| confidence[at] - model.predict(row)).collect()
    });
    let nonmembers = pool.members..pool.rows();
    let level = confidence[nonmembers.clone()].iter().sum::<f64>() / nonmembers.len().max(1) as f64;
    let left: f64 = nonmembers.clone().map(|row| scores[row].powi(2)).sum();
    let total: f64 = nonmembers.map(|row| (confidence[row] - level).powi(2)).sum();
    (scores, if total > 0.0 { 1.0 - left / total } else { 0.0 })
}

fn table(pool: &Pool, measured: &[Measured]) -> Evidence {
    let area = |scores: &[f64]| Unit::Area.show_estimate(&pool.area(scores, &pool.whole(), Level::P95));
    let row = |m: &Measured| {
        vec![
            m.surrogate.words().to_owned(),
            format!("{:.2}", m.explained),
            area(&m.residual.of_record),
            area(&m.difference.of_record),
            area(&m.difficulty.mean),
        ]
    };
    Evidence::Table(Table {
        caption: "Surrogates, with 95 % intervals; R2 is the share of the model's confidence on non-members that they explain"
            .to_owned(),
        columns: ["surrogate", "R2", "area, residual", "area, plain difference", "area, surrogate alone (control)"]
            .map(str::to_owned)
            .to_vec(),
        rows: measured.iter().map(row).collect(),
    })
}

/// The surrogates' own answers as an attack: they never saw the records they are asked about.
fn control(pool: &Pool, signals: &Signals, best: &Measured) -> Finding {
    let whole = pool.whole();
    let estimate = pool.area(&best.difficulty.mean, &whole, Level::P95);
    let own = pool.scored(signals.main());
    let other = pool.scored(&best.difficulty.mean);
    let (of_members, of_nonmembers) = pool.groups.split_at(pool.members);
    let clusters = pool.grouped.then_some((of_members, of_nonmembers));
    let difference = auc_difference(own, other, clusters, Level::P95);
    let mut finding = blank(META.id, CONTROL, Unit::Area, 0.5);
    finding.sentence = format!(
        "Models that never saw the records tell members from others with an area of {}; the model under test differs by {} \
         (95 % interval {} to {}).",
        Unit::Area.show(estimate.value),
        signed(difference.value),
        signed(difference.low),
        signed(difference.high)
    );
    if estimate.low > 0.5 + TOLERANCE {
        finding.severity = Severity::High;
        finding.standing = Standing::Invalid { reason: void(&estimate) };
    }
    finding.estimate = Some(estimate);
    finding.settings = vec![("control".to_owned(), format!("{} on random halves", best.surrogate.words()))];
    finding
}

fn void(estimate: &Estimate) -> String {
    format!(
        "models that never saw the records tell members from non-members (area {}, interval {}): the two sets differ by \
         themselves, and any attack would seem to succeed. Draw the non-members at random from the same source and time as \
         the members.",
        Unit::Area.show(estimate.value),
        Unit::Area.show_interval(estimate)
    )
}

/// A difference of areas with its sign.
fn signed(value: f64) -> String {
    format!("{value:+.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::learnable;
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for SurrogateCalibrated {
        const MEASURE: &'static str = AUC;

        fn null(seed: u64) -> (Case, f64) {
            (learnable(250, 0.0, seed), 0.5)
        }

        fn leaky() -> Case {
            learnable(600, 4.0, 1)
        }

        /// Surrogates learn how hard records are; what is left is a shift of one: Phi(1 / sqrt 2).
        fn graded(seed: u64) -> (Case, f64) {
            (learnable(500, 1.0, seed), 0.760_249_938_906_524)
        }
    }
}
