//! # What it measures
//! How well an attacker recognises members when knowing only some columns of a person's record: the declared
//! quasi-identifiers, one after the other, and the outcome. The finding is the area under the ROC curve (0.5 is chance) with
//! all quasi-identifiers known and nothing else.
//!
//! # Who could do this
//! Somebody who knows of a person what a neighbour or an employer knows, and the outcome, has records of other people to
//! fill in the rest, and can query the model.
//!
//! # How
//! The unknown columns of a record are filled in several times, each time from one non-member of another patient drawn at
//! random, whatever the known columns say. The model is asked about every completion, and the mean of the scaled logits
//! (minus the absolute error for numbers), without the tenth at either end, is the score. Columns become known in the order
//! of the plan; of several named sets of quasi-identifiers the first counts. The same people fill in at every step. The
//! interval is DeLong's on the logit scale (Obuchowski's for several records a patient). The scores are for reading: they
//! do not compete for the strongest attack, which may use the full record.
//!
//! # Reading the number
//! The attacks on full records assume an attacker who has everything. The table and the chart say what is left of them
//! when less is known. An area near 0.5 here and a high one for all columns says: the model betrays those whose records are
//! known already, and not those of whom little is known.
//!
//! # When it misleads
//! Too low: completions that fit the known columns (imputation) may do better, as may a larger number of them. Too high:
//! when members and non-members differ for other reasons (see `dataset/split-integrity`), any score separates them.
//!
//! # Cost
//! Records x `completions` x quasi-identifiers queries. The setting `most_rows` bounds them: where the file has more than
//! that many records a side, fewer completions of each are made, down to 5; where that is still too much, a random sample
//! of `most_rows` records a side is attacked.
//!
//! # References
//! Tao and Shokri, Range membership inference attacks, arXiv 2408.05131; Yeom et al., CSF 2018; DeLong et al., Biometrics
//! 1988; Obuchowski, Biometrics 1997.

use serde::Deserialize;

use super::interview::{Effort, Interview, Versions, pooled, repeated, truth};
use super::neighbours::{below, stream};
use super::pool::{FEWEST, Part, Pool, Signals, area_severity, blank, percent};
use super::signal::Signal;
use crate::check::settings::within;
use crate::check::{AttackScores, Audited, Check, CheckError, CheckMeta, Entry, Need, Output, Subject};
use crate::data::{Column, Features, Table as Cells};
use crate::finding::{Bar, Count, Evidence, Family, Finding, Table, Unit, grouped};
use crate::model::Predictions;
use crate::seed::Seed;
use crate::stats::roc::{Estimability, Roc};
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/partial-record",
    title: "Attacks by somebody who knows a part of the record",
    family: Family::Membership,
    measures: &[AUC],
    source: include_str!("partial_record.rs"),
};

const AUC: &str = "membership/partial-record-auc";
/// Fewest completions of a record; below that a sample of the records is attacked instead.
const FEWEST_COMPLETIONS: usize = 5;
/// Completions left out at either end of the mean: one in so many.
const TRIM: usize = 10;
/// The false-positive rate of the table.
const FPR: f64 = 0.01;
const NAME: &str = "quasi-identifiers and outcome known, the rest filled in";

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartialRecord {
    /// Ways of filling in the unknown columns of a record.
    #[serde(deserialize_with = "within::<1, 1_000_000, _>")]
    completions: usize,
    /// Records a side that may have that many completions at each step; their product bounds the questions.
    #[serde(deserialize_with = "within::<1, 1_000_000, _>")]
    most_rows: usize,
}

impl Default for PartialRecord {
    fn default() -> Self {
        Self { completions: 10, most_rows: 5000 }
    }
}

impl Check for PartialRecord {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Queries, Need::Data, Need::Table, Need::Target, Need::QuasiIdentifiers]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(pool), Some(signals), Some(model)) = (Pool::of(subject), Signals::of(subject), subject.model) else {
            return Ok(Output::default());
        };
        let declared = subject.split.and_then(|split| split.schema.quasi_identifiers.first());
        let (Some(threat), Some(Features::Table(table))) = (declared, pooled(subject)) else {
            return Ok(Output::default());
        };
        let known = &threat.columns;
        let seed = subject.seed.derive(META.id);
        let versions = Versions { wanted: self.completions, fewest: FEWEST_COMPLETIONS };
        let effort = Effort::within(&pool, self.most_rows, versions, seed.derive("sample"));
        let scene =
            Scene { model, pool: &pool, table: &table, effort: &effort, seed: seed.derive("people who fill in") };
        let scores = scene.scores(known, watch)?;
        let steps = steps(&scene, known, &scores, signals.main());
        let mut finding = finding(&scene, known, &steps);
        finding.scope.clone_from(&threat.name);
        let of_all = scores.into_iter().last().filter(|_| effort.whole);
        let scores = of_all.map(|of_record| AttackScores {
            check: META.id,
            name: NAME.to_owned(),
            of_record,
            entry: Entry::ForReading,
            draws: None,
        });
        Ok(Output { findings: vec![finding], scores: scores.into_iter().collect(), ..Output::default() })
    }
}

/// What the attack works with.
struct Scene<'a> {
    model: &'a Audited,
    pool: &'a Pool,
    /// What the model takes of every record.
    table: &'a Cells,
    effort: &'a Effort,
    seed: Seed,
}

impl Scene<'_> {
    /// The score of every record with the first, the first two, ... of the columns known.
    fn scores(&self, known: &[String], watch: &dyn Watch) -> Result<Vec<Vec<f64>>, CheckError> {
        let Some(truth) = truth(self.model, self.pool) else { return Ok(Vec::new()) };
        let completions = self.effort.versions;
        let read = |rows: &[usize], answers: &Predictions| {
            let signal = Signal::main(answers).scores(answers, &repeated(&truth, rows, completions));
            signal.chunks(completions).map(trimmed_mean).collect::<Vec<f64>>()
        };
        let questions = self.effort.rows.len() * completions * known.len();
        let mut interview = Interview::new(self.model, META.id, watch, questions);
        let mut of_steps = Vec::with_capacity(known.len());
        for step in 1..=known.len() {
            let values = interview.ask(self.effort, |rows| self.completed(rows, &known[..step]), read)?;
            of_steps.push(self.effort.spread(self.pool, values.into_iter()));
        }
        Ok(of_steps)
    }

    /// The completions of some records: what is known is their own, all else is taken from one other person each time.
    fn completed(&self, rows: &[usize], known: &[String]) -> Features {
        let own: Vec<usize> = rows.iter().flat_map(|&row| std::iter::repeat_n(row, self.effort.versions)).collect();
        let others: Vec<usize> = rows.iter().flat_map(|&row| self.others(row)).collect();
        let fill = |column: &Column| {
            let from = if known.contains(&column.name) { &own } else { &others };
            Column { name: column.name.clone(), cells: column.cells.take(from) }
        };
        Features::Table(Cells::new(self.table.columns().iter().map(fill).collect()))
    }

    /// The non-members who fill in a record, whatever is known of it. None of the same patient, unless there is hardly
    /// anybody else.
    fn others(&self, row: usize) -> Vec<usize> {
        let (pool, mut stream) = (self.pool, stream(self.seed, row));
        let mut draw = || pool.members + below(pool.rows() - pool.members, &mut stream);
        let mut other = || {
            let first = draw();
            let further = std::iter::repeat_with(&mut draw).take(20);
            let mut drawn = std::iter::once(first).chain(further);
            drawn.find(|&other| pool.groups[other] != pool.groups[row]).unwrap_or(first)
        };
        (0..self.effort.versions).map(|_| other()).collect()
    }
}

/// The mean without the smallest and the largest tenth (rounded down).
fn trimmed_mean(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let cut = sorted.len() / TRIM;
    let kept = &sorted[cut..sorted.len() - cut];
    kept.iter().sum::<f64>() / kept.len() as f64
}

/// What an attacker achieves with a number of columns known.
struct Step {
    name: String,
    area: Estimate,
    rate: String,
}

/// The steps: one column more known each time, and at last all of them.
fn steps(scene: &Scene<'_>, known: &[String], scores: &[Vec<f64>], full: &[f64]) -> Vec<Step> {
    let part = scene.effort.part(scene.pool);
    if part.members.is_empty() || part.nonmembers.is_empty() {
        return Vec::new();
    }
    let units = scene.pool.thin(&part, scene.pool.seed().derive("one record a patient"));
    let names = known.iter().enumerate().map(|(index, column)| match index {
        0 => format!("1 column: {column}"),
        _ => format!("{} columns: also {column}", index + 1),
    });
    let all = std::iter::once(("the full record".to_owned(), full));
    names
        .zip(scores.iter().map(Vec::as_slice))
        .chain(all)
        .map(|(name, scores)| Step {
            name,
            area: scene.pool.area(scores, &part, Level::P95),
            rate: rate(scores, &units),
        })
        .collect()
}

/// The true-positive rate of the table on independent units.
fn rate(scores: &[f64], units: &Part) -> String {
    let of = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|&row| scores[row]).collect() };
    let roc = Roc::new(&of(&units.members), &of(&units.nonmembers));
    match roc.estimability(FPR) {
        Estimability::None => "not estimable".to_owned(),
        _ => Unit::Share.show(roc.tpr_at_fpr(FPR)),
    }
}

fn finding(scene: &Scene<'_>, known: &[String], steps: &[Step]) -> Finding {
    let mut finding = blank(META.id, AUC, Unit::Area, 0.5);
    // The last step is the full record, the one before it all quasi-identifiers.
    let [.., quasi, full] = steps else { return finding };
    let part = scene.effort.part(scene.pool);
    if quasi.area.n < FEWEST {
        finding.standing = scene.pool.too_few((part.members.len(), part.nonmembers.len()), FPR, 1);
    }
    finding.sentence = format!(
        "An attacker who knows {} and the outcome of a person, and nothing else, fills in the rest from other people's records. \
         Given somebody from the training data and somebody who was not, this picks the right one {} of the time; with the full \
         record {}, by guessing 50 %.",
        known.join(", "),
        Unit::Share.show(quasi.area.value),
        Unit::Share.show(full.area.value)
    );
    finding.severity = area_severity(&quasi.area);
    finding.evidence = vec![chart(quasi, steps), table(steps)];
    finding.limits = limits(scene, known, &part);
    finding.settings = settings(scene.effort, known);
    finding.estimate = Some(quasi.area);
    finding
}

fn limits(scene: &Scene<'_>, known: &[String], part: &Part) -> Vec<String> {
    let mut limits = vec![
        "The unknown columns are filled in whatever the known ones say: completions that fit them may recognise more people."
            .to_owned(),
    ];
    let idle: Vec<&str> = known.iter().map(String::as_str).filter(|name| scene.table.column(name).is_none()).collect();
    if !idle.is_empty() {
        limits.push(format!("No input of the model, so that knowing it changes nothing here: {}.", idle.join(", ")));
    }
    if !scene.effort.whole {
        limits.push(format!(
            "A random sample was attacked, {} members and {} non-members, one record of each patient: raise `most_rows` for more.",
            Count::of(part.members.len()),
            Count::of(part.nonmembers.len())
        ));
    }
    limits
}

fn settings(effort: &Effort, known: &[String]) -> Vec<(String, String)> {
    let queries = effort.versions * effort.rows.len() * known.len();
    vec![
        ("known columns, in this order".to_owned(), known.join(", ")),
        ("completions of each record".to_owned(), effort.versions.to_string()),
        ("queries".to_owned(), grouped(queries as u64)),
    ]
}

fn chart(quasi: &Step, steps: &[Step]) -> Evidence {
    let title = if quasi.area.low > 0.5 {
        "Quasi-identifiers and the outcome tell members from others"
    } else {
        "Quasi-identifiers and the outcome do not tell members from others, as far as these records can tell"
    };
    Evidence::Bars {
        title: title.to_owned(),
        axis: "area under the curve by what is known of a person; 0.5 is chance".to_owned(),
        bars: steps.iter().map(|step| Bar { label: step.name.clone(), value: step.area.value }).collect(),
    }
}

fn table(steps: &[Step]) -> Evidence {
    let row = |step: &Step| {
        let area = &step.area;
        vec![step.name.clone(), Unit::Area.show(area.value), Unit::Area.show_interval(area), step.rate.clone()]
    };
    let rate = format!("TPR at {}", percent(FPR));
    Evidence::Table(Table {
        caption: "What an attacker achieves by what is known of a person besides the outcome".to_owned(),
        columns: ["known", "area", "95 % interval", &rate].map(str::to_owned).to_vec(),
        rows: steps.iter().map(row).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::remembering;
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for PartialRecord {
        const MEASURE: &'static str = AUC;

        fn null(seed: u64) -> (Case, f64) {
            (remembering(60, 0, seed), 0.5)
        }

        fn leaky() -> Case {
            remembering(100, 100, 1)
        }

        /// The number is known, the measurement filled in. The model is sure of 40 of 100 members, which puts them first;
        /// of all others it says what it would say of the person who filled in: 0.4 + 0.6 / 2 = 0.7.
        fn graded(seed: u64) -> (Case, f64) {
            (remembering(100, 40, seed), 0.7)
        }
    }

    #[test]
    fn the_less_is_known_the_less_is_recognised() {
        let finding = remembering(100, 100, 4).run(&PartialRecord::default(), 4).remove(0);
        let Evidence::Bars { bars, .. } = &finding.evidence[0] else { panic!("a chart") };
        let areas: Vec<f64> = bars.iter().map(|bar| bar.value).collect();
        // One digit of five known, the others those of a non-member: the model knows nobody of that number.
        assert!((areas[0] - 0.5).abs() < 0.12, "{areas:?}");
        assert_eq!((areas.len(), areas[4], areas[5]), (6, 1.0, 1.0), "five digits and the full record: {areas:?}");
    }

    #[test]
    fn what_is_known_is_the_persons_own_and_nobody_fills_in_their_own_record() {
        let case = remembering(20, 0, 5);
        let subject = Subject {
            split: Some(&case.split),
            model: case.model.as_ref(),
            file: None,
            references: &[],
            shadow: None,
            scores: &[],
            seed: Seed::root(5),
        };
        let (pool, Some(Features::Table(table))) = (Pool::of(&subject).unwrap(), pooled(&subject)) else {
            panic!("a table")
        };
        let effort = Effort { rows: (0..40).collect(), versions: 50, whole: true };
        let model = case.model.as_ref().unwrap();
        let scene = Scene { model, pool: &pool, table: &table, effort: &effort, seed: subject.seed };
        assert!((0..40).all(|row| scene.others(row).iter().all(|&other| other >= 20 && other != row)));
        let Features::Table(completed) = scene.completed(&[33], &["digit 0".to_owned()]) else { panic!("a table") };
        let own = table.column("digit 0").unwrap().cells.text(33);
        assert!((0..50).all(|row| completed.column("digit 0").unwrap().cells.text(row) == own));
        let z = table.column("z").unwrap().cells.text(33);
        assert!((0..50).all(|row| completed.column("z").unwrap().cells.text(row) != z));
    }

    #[test]
    fn a_tenth_is_left_out_at_either_end() {
        // 1 and 100 are left out of ten: the mean of 2 to 9 is 5.5. Nothing is left out of five.
        assert_eq!(trimmed_mean(&[9.0, 100.0, 2.0, 3.0, 8.0, 4.0, 5.0, 6.0, 1.0, 7.0]), 5.5);
        assert_eq!(trimmed_mean(&[1.0, 2.0, 3.0, 4.0, 100.0]), 22.0);
    }
}
