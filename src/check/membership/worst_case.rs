//! # What it measures
//! How many people an auditor recognises who trains a classifier on known members and known non-members to tell them apart
//! by everything the model says about a record. Reported as the area under the ROC curve; its rates stand in the table of
//! all attacks.
//!
//! # Who could do this
//! An auditor who knows who is a member. It is an upper envelope of what attacks on the answers alone can do, not an
//! outsider's attack.
//!
//! # How
//! What the classifier sees of a record: its three largest probabilities, the model's confidence about the truth, entropy
//! and modified entropy, whether the answer is right, where the confidence stands within its class, and how far it lies
//! over what surrogates say (where `membership/surrogate-calibrated` ran). Logistic regression and boosted trees compete
//! inside one half of the patients; the better one, trained on all of that half, scores the other half. Scores of the two
//! halves are put on one scale by their ranks. The same classifier trained on either part of that half alone shows how far
//! the ranking of people depends on whom it learned from.
//!
//! # Reading the number
//! Compare it with the threshold attack: what is beyond it lies in combinations of signals.
//!
//! # When it misleads
//! Too low: with few records a learned attack is worse than a threshold; both run and the better is chosen on other
//! patients. It is never tuned on the records that it is reported on.
//!
//! # Cost
//! Eight small fits; no query to the model.
//!
//! # References
//! Shokri et al., S&P 2017; Salem et al., NDSS 2019; Preen et al. 2023 (worst-case attack of SACRO-ML).

use serde::Deserialize;

use super::pool::{Pool, Signals, competing};
use super::signal::two_classes;
use super::stability;
use crate::check::{AttackScores, Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::Family;
use crate::learn::boosted::Boosted;
use crate::learn::logistic::Logistic;
use crate::learn::{Encoded, Learner, ScoreModel, folds};
use crate::model::{Predictions, largest, log_probability};
use crate::seed::Seed;
use crate::stats::rank::midranks;
use crate::stats::{Level, roc};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/worst-case",
    title: "Learned attack on the model's answers",
    family: Family::Membership,
    measures: &[AUC],
    source: include_str!("worst_case.rs"),
};

const AUC: &str = "membership/worst-case-auc";
/// Largest probabilities that the classifier sees.
const TOP: usize = 3;

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorstCase {}

impl Check for WorstCase {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Data, Need::Target]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(pool), Some(signals)) = (Pool::of(subject), Signals::of(subject)) else {
            return Ok(Output::default());
        };
        let data = features(subject, &pool, &signals);
        let labels: Vec<u32> = (0..pool.rows()).map(|row| u32::from(pool.is_member(row))).collect();
        let seed = pool.seed().derive(META.id);
        let learned = pool.cross_fit(|training, rows| {
            let better = Better::of(&pool, &data, &labels, training, seed);
            let fit = |rows: &[usize]| better.learner.fit(&data, rows, &labels, 2, seed);
            let (second, whole) = rayon::join(|| fit(&better.second), || fit(training));
            let shares = |model: &dyn ScoreModel| shares_below(model, &data, rows);
            let draws = shares(better.first.as_ref()).into_iter().zip(shares(second.as_ref()));
            let said = shares(whole.as_ref()).into_iter().zip(draws);
            said.map(|(score, draws)| (score, draws, better.name)).collect()
        });
        let scores = learned.iter().map(|(score, ..)| *score).collect();
        let (first, second) = learned.iter().map(|(_, draws, _)| *draws).unzip();
        let mut chosen: Vec<&str> = learned.iter().map(|(.., name)| *name).collect();
        let attack =
            AttackScores { draws: Some([first, second]), ..competing(META.id, "learned from all signals", scores) };
        let mut finding = pool.area_finding(
            &attack,
            AUC,
            "An auditor trains a classifier to tell members from others by all that the model says.",
        );
        chosen.sort_unstable();
        chosen.dedup();
        finding.settings.push(("classifier, chosen within the other half".to_owned(), chosen.join(", ")));
        stability::tell(&mut finding, &pool, &[&attack], "two halves of the records it learns from");
        Ok(Output { findings: vec![finding], scores: vec![attack], ..Output::default() })
    }
}

/// The share of the rows that a classifier finds less like members: models of different halves are not on one scale, ranks
/// within a half are.
fn shares_below(model: &dyn ScoreModel, data: &Encoded, rows: &[usize]) -> Vec<f64> {
    let p = model.probabilities(data, rows);
    let raw: Vec<f64> = p.chunks(2).map(|pair| pair[1]).collect();
    midranks(&raw).into_iter().map(|rank| (rank - 0.5) / rows.len() as f64).collect()
}

/// What the classifier sees. Nothing here depends on membership.
fn features(subject: &Subject<'_>, pool: &Pool, signals: &Signals) -> Encoded {
    let mut data = Encoded::new(pool.rows());
    signals.all.iter().for_each(|(_, values)| data.push_numbers(values));
    data.push_numbers(signals.confidence());
    if signals.levels > 1 {
        data.push_numbers(&within_class(signals));
    }
    for column in answers(subject) {
        data.push_numbers(&column);
    }
    // The plain difference to surrogates is blind to membership; their residual is fitted to non-members, and is not used.
    let blind = subject.scores.iter().filter(|attack| attack.name.starts_with("plain difference"));
    blind.for_each(|attack| data.push_numbers(&attack.of_record));
    data
}

/// The rank of the confidence within its class, from 0 to 1.
fn within_class(signals: &Signals) -> Vec<f64> {
    let mut ranks = vec![0.0; signals.classes.len()];
    for class in 0..signals.levels {
        let rows: Vec<usize> = (0..ranks.len()).filter(|&row| signals.classes[row] as usize == class).collect();
        let values: Vec<f64> = rows.iter().map(|&row| signals.confidence()[row]).collect();
        for (row, rank) in rows.iter().zip(midranks(&values)) {
            ranks[*row] = (rank - 0.5) / rows.len() as f64;
        }
    }
    ranks
}

/// The largest log-probabilities, those of the labels it is least sure of, or the predicted number.
fn answers(subject: &Subject<'_>) -> Vec<Vec<f64>> {
    let sides = subject.model.and_then(|model| model.members.as_ref().zip(model.nonmembers.as_ref()));
    let Some((members, nonmembers)) = sides else { return Vec::new() };
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for predictions in [&members.predictions, &nonmembers.predictions] {
        let rows: Vec<Vec<f64>> = match predictions {
            Predictions::Scores { scale, classes, values, .. } => {
                let top = |row: &[f64]| {
                    let mut logs: Vec<f64> = (0..*classes).map(|class| log_probability(*scale, row, class)).collect();
                    logs.sort_by(|a, b| b.total_cmp(a));
                    logs.truncate(TOP);
                    logs
                };
                values.chunks(*classes).map(top).collect()
            }
            Predictions::Flags { scale, labels, values } => {
                let least = |row: &[f64]| {
                    let sure = |&score: &f64| {
                        let pair = two_classes(*scale, score);
                        log_probability(*scale, &pair, largest(&pair) as usize)
                    };
                    let mut logs: Vec<f64> = row.iter().map(sure).collect();
                    logs.sort_by(f64::total_cmp);
                    logs.truncate(TOP);
                    logs
                };
                values.chunks(*labels).map(least).collect()
            }
            Predictions::Values(values) | Predictions::Risks(values) => {
                values.iter().map(|&value| vec![value]).collect()
            }
            Predictions::Labels(_) | Predictions::Curves { .. } => Vec::new(),
        };
        columns.resize(rows.first().map_or(columns.len(), Vec::len), Vec::new());
        for row in rows {
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
    }
    columns
}

/// The kind of classifier that, trained on one half of the training rows, does better on the other.
struct Better {
    name: &'static str,
    learner: Box<dyn Learner>,
    /// Trained on the first half.
    first: Box<dyn ScoreModel>,
    /// The second half.
    second: Vec<usize>,
}

impl Better {
    fn of(pool: &Pool, data: &Encoded, labels: &[u32], training: &[usize], seed: Seed) -> Self {
        let groups: Vec<u32> = training.iter().map(|&row| pool.groups[row]).collect();
        let strata: Vec<u32> = training.iter().map(|&row| labels[row]).collect();
        let half = folds::assign(&groups, &strata, 2, seed.derive("inner halves"));
        let pick = |wanted: usize| -> Vec<usize> {
            training.iter().zip(&half).filter(|(_, h)| **h == wanted).map(|(&row, _)| row).collect()
        };
        let (train, test) = (pick(0), pick(1));
        let area = |model: &dyn ScoreModel| -> f64 {
            let p = model.probabilities(data, &test);
            let side = |wanted: u32| -> Vec<f64> {
                test.iter().enumerate().filter(|(_, row)| labels[**row] == wanted).map(|(i, _)| p[2 * i + 1]).collect()
            };
            let (members, others) = (side(1), side(0));
            let any = !members.is_empty() && !others.is_empty();
            if any { roc::auc(&members, &others, None, Level::P95).value } else { 0.5 }
        };
        let (logistic, trees) = (Logistic::default(), Boosted::default());
        let fitted = |learner: &dyn Learner| {
            let model = learner.fit(data, &train, labels, 2, seed);
            (area(model.as_ref()), model)
        };
        let ((logistic_area, of_logistic), (trees_area, of_trees)) =
            rayon::join(|| fitted(&logistic), || fitted(&trees));
        if trees_area > logistic_area {
            Self { name: "boosted trees", learner: Box::new(trees), first: of_trees, second: test }
        } else {
            Self { name: "logistic regression", learner: Box::new(logistic), first: of_logistic, second: test }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::case;
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for WorstCase {
        const MEASURE: &'static str = AUC;

        fn null(seed: u64) -> (Case, f64) {
            (case(300, 0.0, seed), 0.5)
        }

        fn leaky() -> Case {
            case(800, 4.0, 1)
        }

        /// A shift of one standard deviation has an area of Phi(1 / sqrt 2) = 0.760249938906524; no attack can do better,
        /// a learned one nearly as well.
        fn graded(seed: u64) -> (Case, f64) {
            (case(1000, 1.0, seed), 0.760_249_938_906_524)
        }
    }
}
