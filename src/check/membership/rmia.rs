//! # What it measures
//! How many people an attacker recognises who has one or a few reference models and compares how much likelier the model
//! makes this record with how much likelier it makes records that it certainly was not trained on. Reported as the area
//! under the ROC curve; its rates stand in the table of all attacks.
//!
//! # Who could do this
//! Somebody with data of the same kind who can train one model; and anybody with a reference model.
//!
//! # How
//! The ratio of a record is the probability that the model gives its true class over what the references give on average:
//! over those not trained on it, drawn towards one (offline, a = 0.3), or over those trained and not trained on it in equal
//! parts (online). The score is the share of population records with a smaller ratio; the population are the non-members.
//! Ties are broken by the ratio itself. Ratios are sorted once, so the cost is O((n + z) log z). With one to three
//! references this is the attack to look at; with more, `membership/likelihood-ratio` is, which then competes too. With two
//! references or more their two halves, taken as two attacks, show how far the ranking of people depends on the draw.
//!
//! # Reading the number
//! The strongest known attack with one to three references.
//!
//! # When it misleads
//! Too low: when the model's probabilities are all 1 the ratio says little. Too high: when masks are wrong.
//!
//! # Cost
//! One query per record and reference.
//!
//! # References
//! Zarifzadeh et al., ICML 2024 (RMIA); Lassila et al. 2025 (BASE, the same ranking without a population).

use serde::{Deserialize, Deserializer};

use super::moments::{ReferenceTable, Seen, log_probabilities};
use super::pool::{Pool, competing};
use super::stability;
use crate::check::settings::between;
use crate::check::{AttackScores, Check, CheckError, CheckMeta, Entry, Need, Output, Subject};
use crate::finding::Family;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/rmia",
    title: "Relative attack with few reference models (RMIA)",
    family: Family::Membership,
    measures: &[AUC],
    source: include_str!("rmia.rs"),
};

const AUC: &str = "membership/rmia-auc";
/// Most references with which it is the attack to look at.
const MOST: usize = 3;
/// Least average probability.
const LEAST: f64 = 1e-12;

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rmia {
    /// How far the references that were not trained on a record stand for all, from 0 to 1.
    #[serde(deserialize_with = "share")]
    a: f64,
    /// How much larger a ratio must be to count as larger, from 1 to 10.
    #[serde(deserialize_with = "factor")]
    gamma: f64,
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    between(deserializer, 0.0, 1.0)
}

fn factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    between(deserializer, 1.0, 10.0)
}

impl Default for Rmia {
    fn default() -> Self {
        Self { a: 0.3, gamma: 1.0 }
    }
}

impl Check for Rmia {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Data, Need::Target, Need::Classification, Need::References]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(pool), Some(own)) = (Pool::of(subject), own(subject)) else { return Ok(Output::default()) };
        let Some(table) = ReferenceTable::probabilities(subject).filter(|_| !own.is_empty()) else {
            return Err(CheckError::NotApplicable {
                reason: "the model gives no probabilities".to_owned(),
                remedy: "use a model that scores its classes".to_owned(),
            });
        };
        let draw = |half: &ReferenceTable| self.recommended(&pool, &own, half).of_record;
        let draws = || table.halves(1).map(|[a, b]| rayon::join(|| draw(&a), || draw(&b)).into());
        let (mut forms, draws) = rayon::join(|| self.forms(&pool, &own, &table), draws);
        forms[0].draws = draws;
        forms[0].entry = Entry::Competes;
        let mut finding = pool.area_finding(
            &forms[0],
            AUC,
            "An attacker with reference models compares how much likelier the model makes this record than others.",
        );
        finding.settings.push(("reference models".to_owned(), table.references().to_string()));
        finding.settings.push(("gamma".to_owned(), self.gamma.to_string()));
        let budget = if table.references() <= MOST {
            "one to three references: the strongest attack for so few"
        } else {
            "four or more references: membership/likelihood-ratio is usually stronger"
        };
        finding.settings.push(("budget".to_owned(), budget.to_owned()));
        stability::tell(&mut finding, &pool, &[&forms[0]], "two halves of the references");
        Ok(Output { findings: vec![finding], scores: forms, ..Output::default() })
    }
}

/// ln of the probability that the model gives the true class.
fn own(subject: &Subject<'_>) -> Option<Vec<f64>> {
    let model = subject.model?;
    let (members, nonmembers) = (model.members.as_ref()?, model.nonmembers.as_ref()?);
    let mut own = log_probabilities(&members.predictions, &members.truth);
    own.extend(log_probabilities(&nonmembers.predictions, &nonmembers.truth));
    Some(own)
}

impl Rmia {
    /// Every form, the recommended one first.
    fn forms(&self, pool: &Pool, own: &[f64], table: &ReferenceTable) -> Vec<AttackScores> {
        let recommended = || self.recommended(pool, own, table);
        let offline = || table.online().then(|| self.offline(pool, own, table));
        let (recommended, offline) = rayon::join(recommended, offline);
        std::iter::once(recommended).chain(offline).collect()
    }

    /// Online where references were trained on the records, offline otherwise.
    fn recommended(&self, pool: &Pool, own: &[f64], table: &ReferenceTable) -> AttackScores {
        if !table.online() {
            return self.offline(pool, own, table);
        }
        let (inside, out) = (table.means(pool, Seen::In), table.means(pool, Seen::Out));
        let average: Vec<f64> = inside.iter().zip(&out).map(|(a, b)| f64::midpoint(*a, *b)).collect();
        self.form(pool, own, &average, "online")
    }

    fn offline(&self, pool: &Pool, own: &[f64], table: &ReferenceTable) -> AttackScores {
        let out = table.means(pool, Seen::Out);
        let average: Vec<f64> = out.iter().map(|p| 0.5 * ((1.0 + self.a) * p + 1.0 - self.a)).collect();
        self.form(pool, own, &average, &format!("offline, a = {}", self.a))
    }

    fn form(&self, pool: &Pool, own: &[f64], average: &[f64], name: &str) -> AttackScores {
        let ratios: Vec<f64> = own.iter().zip(average).map(|(own, p)| own - p.max(LEAST).ln()).collect();
        let attack = competing(META.id, format!("RMIA, {name}"), self.shares(&ratios, &ratios[pool.members..]));
        AttackScores { entry: Entry::ForReading, ..attack }
    }

    /// The share of the population whose ratio is smaller by the factor gamma. O((n + z) log z).
    fn shares(&self, ratios: &[f64], population: &[f64]) -> Vec<f64> {
        let mut sorted = population.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let share = |ratio: f64| {
            let smaller = sorted.partition_point(|z| *z < ratio - self.gamma.ln());
            // The ratio itself breaks ties: it never outweighs one record of the population.
            smaller as f64 / sorted.len().max(1) as f64 + ratio * 1e-9
        };
        ratios.iter().map(|&ratio| share(ratio)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::referenced;
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for Rmia {
        const MEASURE: &'static str = AUC;

        fn null(seed: u64) -> (Case, f64) {
            (referenced(300, 0.0, 1.0, 3, seed), 0.5)
        }

        fn leaky() -> Case {
            referenced(600, 5.0, 0.5, 3, 1)
        }

        /// Records that are equally hard: the ranking is that of the confidence, Phi(1 / sqrt 2).
        fn graded(seed: u64) -> (Case, f64) {
            (referenced(600, 1.0, 0.0, 40, seed), 0.760_249_938_906_524)
        }
    }
}
