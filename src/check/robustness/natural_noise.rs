//! # What it measures
//! How often the model changes its answer when a record is measured once more: every measured column gets the random error
//! that its measurement has anyway. Beside it the accuracy and the recall of each class, before and after.
//!
//! # Who could do this
//! Nobody needs to: chance does it at every measurement. It is a matter of integrity and safety, not of disclosure, and it
//! is what changes on purpose (`robustness/adversarial`) have to be compared with.
//!
//! # How
//! One record of each patient is copied with normal errors, independent between columns. Their standard deviation is what
//! the plan declares (`[robustness] measurement_error`), otherwise 5 % of the column's standard deviation among non-members
//! (`default_error`). Whole numbers move by whole steps, so that small counts mostly stay; declared bounds and relations are
//! kept: a column that an equation gives follows, and an error that breaks another relation is drawn again. Texts, true and
//! false, and groups of columns of which one is 1 stay, and so do columns that nobody may change unless an error is declared
//! for them. Each copy is answered and compared with the model's own answer about the record. The interval is Wilson's with
//! the effective number of trials, for several copies of one record are not several records.
//!
//! # Reading the number
//! The flip rate is the chance that a second measurement of a person who is not in the training data gets another answer. The
//! gap says how much steadier answers about members are: a model that holds on to the records it was trained on more than to
//! others gives membership away.
//!
//! # When it misleads
//! Too low: errors that are larger than declared, that go together, or that are made in texts. Too high: an assumed error
//! that is larger than the real one. A model that always gives one answer never flips; look at the recall.
//!
//! # Cost
//! `copies` questions for each of `records` members and as many non-members: 20,000 by default.
//!
//! # References
//! Hendrycks and Dietterich, ICLR 2019 (benchmarking robustness to common corruptions); Korn and Graubard, Survey Methodology
//! 1998; Franco et al., Journal of Survey Statistics and Methodology 2019.

use rand::Rng;
use serde::Deserialize;

use super::rules::Rules;
use super::scene::{Asking, Point, Sample, Scene};
use super::table::{assumptions, looked_at, recall};
use super::{blank, refuse_too_few};
use crate::check::settings::within;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{Evidence, Family, Finding, Severity, Table, Unit};
use crate::seed::{Seed, Stream};
use crate::stats::interval::{difference, normal_quantile, wilson_of_units};
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "robustness/natural-noise",
    title: "Answers under errors of measurement",
    family: Family::Robustness,
    measures: &[FLIPS, GAP],
    source: include_str!("natural_noise.rs"),
};

const FLIPS: &str = "robustness/noise-flip-rate";
pub(super) const GAP: &str = "robustness/noise-member-gap";
/// Severity of the proven flip rate.
const SCALE: [f64; 4] = [0.01, 0.05, 0.10, 0.20];
/// How often an error that breaks a relation is drawn again before the record stays as it is.
const DRAWS: usize = 20;

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NaturalNoise {
    /// Most records of each side.
    #[serde(deserialize_with = "within::<1, 1_000_000, _>")]
    records: usize,
    /// Copies of each record.
    #[serde(deserialize_with = "within::<1, 10_000, _>")]
    copies: usize,
    /// The table `[robustness]` of the plan.
    rules: Rules,
}

impl Default for NaturalNoise {
    fn default() -> Self {
        Self { records: 500, copies: 20, rules: Rules::default() }
    }
}

impl Check for NaturalNoise {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Queries, Need::Table, Need::Target, Need::Classification]
    }

    fn fits(&self, subject: &Subject<'_>) -> Result<(), CheckError> {
        Scene::of(subject, &self.rules, 0).map(|_| ())
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(scene) = Scene::of(subject, &self.rules, 0)? else { return Ok(Output::default()) };
        if !scene.space.axes.iter().any(|axis| axis.noisy) {
            return Err(CheckError::NotApplicable {
                reason: "the model takes no column of measured numbers".to_owned(),
                remedy: "nothing is missing: texts, and true and false, have no error of measurement".to_owned(),
            });
        }
        let seed = subject.seed.derive(META.id);
        let sample = scene.sample(self.records, seed.derive("sample"));
        let rows = sample.rows();
        let copies = self.copies;
        let asking = Asking::new(&scene, META.id, watch, rows.len() * copies);
        let mut shares = Vec::with_capacity(rows.len());
        // A bounded number of copies at a time.
        for part in rows.chunks((1 << 15) / copies.min(1 << 15)) {
            let points: Vec<Point> = part.iter().flat_map(|&row| copies_of(&scene, row, copies, seed)).collect();
            let replies = asking.ask(&points)?;
            let shares_of = |(points, replies): (&[Point], &[_])| Shares::of(&scene, &asking, points, replies);
            shares.extend(points.chunks(copies).zip(replies.chunks(copies)).map(shares_of));
        }
        Ok(self.findings(&scene, &sample, &shares).into())
    }
}

/// What became of the copies of a record.
struct Shares {
    /// Share with another answer.
    flipped: f64,
    /// Share with the right answer.
    right: f64,
}

impl Shares {
    fn of(scene: &Scene<'_>, asking: &Asking<'_>, points: &[Point], replies: &[super::scene::Reply]) -> Self {
        let share = |hit: &dyn Fn(&Point, &super::scene::Reply) -> bool| {
            let hits = points.iter().zip(replies).filter(|(point, reply)| hit(point, reply)).count();
            hits as f64 / points.len().max(1) as f64
        };
        Self {
            flipped: share(&|point, reply| asking.flipped(point, reply)),
            right: share(&|point, reply| reply.class == scene.truth[point.row]),
        }
    }
}

/// A standard normal number.
fn normal(stream: &mut Stream) -> f64 {
    normal_quantile((f64::from(stream.next_u32()) + 0.5) / (f64::from(u32::MAX) + 1.0))
}

/// A record measured again, so many times.
fn copies_of(scene: &Scene<'_>, row: usize, copies: usize, seed: Seed) -> Vec<Point> {
    let own = &scene.values[row];
    let mut stream = seed.derive("noise").derive(&row.to_string()).stream();
    let copy = |_| {
        let mut draws = (0..DRAWS).filter_map(|_| scene.space.measured_again(own, || normal(&mut stream)));
        Point { row, values: draws.next().unwrap_or_else(|| own.clone()) }
    };
    (0..copies).map(copy).collect()
}

impl NaturalNoise {
    fn findings(&self, scene: &Scene<'_>, sample: &Sample, shares: &[Shares]) -> Vec<Finding> {
        let (members, nonmembers) = shares.split_at(sample.members.len());
        let rate = |side: &[Shares], of: fn(&Shares) -> f64| {
            wilson_of_units(&side.iter().map(of).collect::<Vec<f64>>(), self.copies, Level::P95)
        };
        let flips = [rate(members, |share| share.flipped), rate(nonmembers, |share| share.flipped)];
        let right = [rate(members, |share| share.right), rate(nonmembers, |share| share.right)];
        let before = [&sample.members, &sample.nonmembers].map(|rows| {
            let hits: Vec<f64> =
                rows.iter().map(|&row| f64::from(u8::from(scene.answered[row] == scene.truth[row]))).collect();
            wilson_of_units(&hits, 1, Level::P95)
        });
        let mut finding = blank(META.id, FLIPS, Unit::Share, 0.0);
        finding.sentence = format!(
            "Measured once more, {} of people outside the training data get another answer; the model is right about {} of them \
             as recorded and about {} under errors of measurement.",
            Unit::Share.show(flips[1].value),
            Unit::Share.show(before[1].value),
            Unit::Share.show(right[1].value)
        );
        finding.severity = Severity::on_scale(flips[1].low, SCALE);
        let after: Vec<f64> = nonmembers.iter().map(|share| share.right).collect();
        finding.evidence = vec![
            table(&[("accuracy as recorded", before), ("accuracy under noise", right), ("answer flips", flips)]),
            recall(scene, &sample.nonmembers, &after, self.copies, "under noise"),
        ];
        finding.limits = assumptions(&scene.space, self.rules.default_error, sample);
        finding.settings = looked_at(sample).to_vec();
        finding.settings.push(("copies of each record".to_owned(), self.copies.to_string()));
        finding.settings.push(("columns with errors".to_owned(), noisy(scene).to_string()));
        let mut gap = blank(META.id, GAP, Unit::ShareDifference, 0.0);
        let steadier = difference(&flips[1], &flips[0]);
        gap.sentence = format!(
            "Answers about members flip less often than those about others, by {}.{}",
            Unit::ShareDifference.show(steadier.value),
            if steadier.low > 0.0 {
                " The model holds on to what it was trained on: a sign of membership."
            } else {
                ""
            }
        );
        gap.severity = Severity::on_scale(steadier.low, SCALE);
        gap.settings.clone_from(&finding.settings);
        gap.limits.clone_from(&finding.limits);
        refuse_too_few(&mut finding, usize::MAX, nonmembers.len());
        refuse_too_few(&mut gap, members.len(), nonmembers.len());
        finding.estimate = Some(flips[1]);
        gap.estimate = Some(steadier);
        vec![finding, gap]
    }
}

fn noisy(scene: &Scene<'_>) -> usize {
    scene.space.axes.iter().filter(|axis| axis.noisy).count()
}

fn table(lines: &[(&str, [Estimate; 2])]) -> Evidence {
    let line = |(name, sides): &(&str, [Estimate; 2])| {
        let of = |estimate: &Estimate| Unit::Share.show_estimate(estimate);
        vec![(*name).to_owned(), of(&sides[0]), of(&sides[1])]
    };
    Evidence::Table(Table {
        caption: "Before and under errors of measurement, with 95 % intervals".to_owned(),
        columns: ["", "members", "non-members"].map(str::to_owned).to_vec(),
        rows: lines.iter().map(line).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::specimen::{always, coin, linear};
    use super::*;
    use crate::check::specimen::{Case, Specimen};
    use crate::stats::interval::normal_cdf;

    impl Specimen for NaturalNoise {
        const MEASURE: &'static str = FLIPS;

        fn null(seed: u64) -> (Case, f64) {
            (always(40, seed), 0.0)
        }

        fn leaky() -> Case {
            coin(60, 1)
        }

        /// Two columns of N(0, 1), the sign of their sum; 5 % noise on each. The angle between the sum with and without noise
        /// has the tangent 0.05, and the signs differ in its share of the half circle.
        fn graded(seed: u64) -> (Case, f64) {
            (linear(&[1.0, 1.0], 800, seed), 0.05_f64.atan() / std::f64::consts::PI)
        }
    }

    /// Of a linear model the chance to flip is `Phi(-|margin| / sqrt(sum (w e)^2))`, record by record.
    #[test]
    fn a_linear_model_flips_as_often_as_the_formula_says() {
        let weights = [3.0, -1.0, 0.5];
        let errors = [0.2, 0.4, 0.0];
        let case = linear(&weights, 400, 5);
        let rules =
            Rules::of(&"measurement_error = { x0 = 0.2, x1 = 0.4 }\nimmutable = [\"x2\"]".parse().unwrap()).unwrap();
        let check = NaturalNoise { records: 400, copies: 100, rules };
        let found = case.run(&check, 1)[0].estimate.unwrap();
        let table = case.split.nonmembers.table().unwrap();
        let columns: Vec<Vec<f64>> = table.columns()[..3].iter().map(|c| c.cells.numbers().unwrap()).collect();
        let scale = weights.iter().zip(errors).map(|(w, e)| (w * e).powi(2)).sum::<f64>().sqrt();
        let margin = |row: usize| -> f64 { weights.iter().zip(&columns).map(|(w, column)| w * column[row]).sum() };
        let expected = (0..400).map(|row| normal_cdf(-margin(row).abs() / scale)).sum::<f64>() / 400.0;
        // 40,000 copies: a standard error below 0.0016 for these shares.
        assert!((found.value - expected).abs() < 0.005, "{} {expected}", found.value);
    }

    #[test]
    fn noise_keeps_relations() {
        let check = NaturalNoise::default();
        let rules =
            Rules::of(&"measurement_error = { x0 = 5.0, x1 = 5.0 }\nrelations = [\"x0 <= x1\"]".parse().unwrap());
        let check = NaturalNoise { rules: rules.unwrap(), ..check };
        let case = linear(&[1.0, 1.0], 60, 3);
        let finding = case.run(&check, 3).remove(0);
        assert!(finding.limits.iter().any(|limit| limit.contains("break the declared")), "{:?}", finding.limits);
        assert!(finding.settings[0].1.parse::<usize>().unwrap() < 60, "records that break the relation are left out");
    }
}
