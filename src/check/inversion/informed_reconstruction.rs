//! # What it measures
//! The share of members whose record can be computed from the model file by somebody who knows the records of all others, and
//! whom no other person's record gives away just as well.
//!
//! # Who could do this
//! An informed adversary: a partner of a study who contributed all records but one, or a hospital in a consortium of two. For an
//! outsider the number says nothing, and it is never mixed with what outsiders can do.
//!
//! # How
//! Two closed forms, each tried with every member in turn as the unknown one. A linear or logistic model with an L2 penalty and a
//! free intercept is at its optimum where the residuals sum to zero and the residuals times the records sum to minus the penalty
//! times the weights; that leaves the last record as the only unknown. The penalty is looked for on a grid (1, 2, 5 times powers
//! of ten, as a sum or a mean over records, and the one of least squares) by how well the equations hold over all members: the
//! stationarity residual, which is the error of the average member in standard deviations. And a mean of columns that the file
//! stores, of all members (the offset of a scaler) or of a class (naive Bayes), times their number, minus the others. Records
//! are taken as they enter the linear map or the mean, after whatever the model does before.
//!
//! # Reading the number
//! A record counts as recovered when nine in ten of its columns that vary are within 0.05 standard deviations. The baseline is
//! the nearest record of another person in the place of the unknown one. Only members that the baseline misses are a leak and
//! counted, one record a person. The severity is
//! moderate at most: it is a worst case over what an adversary knows, as differential privacy is. Means that the file states to
//! seven digits give nearly every record away; that is a fact about sums.
//!
//! # When it misleads
//! Too low: an optimiser that stopped early, another penalty or weights of records break the equations; where the average member
//! would be off by more than a standard deviation the check says *not computed*. Members whose outcome the model predicts well
//! have small residuals and large errors. Too high: the penalty is taken as known; it usually is a default.
//!
//! # Cost
//! No query. One pass of all records through the part of the model before the linear map, then in proportion to records times columns;
//! up to `sample` members are compared with all others.
//!
//! # References
//! Balle, Cherubin and Hayes, "Reconstructing training data with informed adversaries", IEEE S&P 2022.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::Deserialize;

use super::means::{Columns, groups, may_hold_means, rows_of, vectors};
use super::optimum::{MOST_COLUMNS, NEAR, NO_OPTIMUM, Optimum, alike};
use crate::check::disclosure::counted;
use crate::check::disclosure::images::{Image, Images};
use crate::check::records::patients;
use crate::check::settings::within;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject, Truth};
use crate::finding::{Baseline, Evidence, Family, Finding, Severity, Standing, Table, Unit, part_of, share_of};
use crate::learn::folds;
use crate::model::contents::{Lineage, StoredArray};
use crate::stats::interval::wilson;
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "inversion/informed-reconstruction",
    title: "The last unknown record",
    family: Family::Inversion,
    measures: &[RECOVERED],
    source: include_str!("informed_reconstruction.rs"),
};

const RECOVERED: &str = "inversion/informed-reconstruction";
/// Operators that hold weights.
const PRODUCTS: [&str; 4] = ["LinearClassifier", "LinearRegressor", "Gemm", "MatMul"];

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InformedReconstruction {
    /// Most members that are looked at.
    #[serde(deserialize_with = "within::<11, 1_000_000, _>")]
    sample: usize,
}

impl Default for InformedReconstruction {
    fn default() -> Self {
        Self { sample: 2_000 }
    }
}

/// One way from the file to the last record, with what it recovers.
struct Route {
    what: String,
    residual: f64,
    /// The penalty, where one was looked for.
    strength: Option<f64>,
    /// Members that it speaks of, and whether their records are recovered.
    recovered: Vec<(usize, bool)>,
    image: usize,
}

impl Route {
    fn found(&self) -> usize {
        self.recovered.iter().filter(|(_, found)| *found).count()
    }
}

impl Check for InformedReconstruction {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::File, Need::Data]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(split), Some(file)) = (subject.split, subject.file) else { return Ok(Output::default()) };
        let linear = file.contents.linear();
        let weighs = |array: &StoredArray<'_>| {
            linear.is_some() && array.place.operator().is_some_and(|operator| PRODUCTS.contains(&operator))
        };
        let arrays: Vec<StoredArray<'_>> =
            file.contents.arrays().into_iter().filter(|array| may_hold_means(array) || weighs(array)).collect();
        if arrays.is_empty() {
            return Err(no_closed_form());
        }
        let lineage = Lineage::of(&file.contents);
        let images = Images::of(subject, split, file, &lineage, &arrays)?;
        let truth = subject.model.and_then(|model| model.members.as_ref()).map(|answers| &answers.truth);
        let mut routes = of_means(&images, &vectors(&file.contents), truth);
        let mut refused = None;
        if let (Some(linear), Some(truth)) = (&linear, truth) {
            let fits = images.list.iter().enumerate();
            let fits = fits.filter_map(|(at, image)| Some((at, Optimum::of(image, images.members, linear, truth)?)));
            if let Some((at, optimum)) = fits.min_by(|a, b| a.1.residual.total_cmp(&b.1.residual)) {
                if optimum.residual <= NO_OPTIMUM {
                    routes.push(of_optimum(at, images.members, &optimum));
                } else {
                    refused = Some(optimum.residual);
                }
            }
        }
        let best = routes.iter().enumerate().max_by_key(|(at, route)| (route.found(), std::cmp::Reverse(*at)));
        let Some((_, best)) = best else {
            return Ok(vec![refused.map(not_computed).ok_or_else(no_closed_form)?].into());
        };
        let people = &patients(split).0[..images.members];
        let leak = self.leak(&images.list[best.image], people, best, subject);
        Ok(vec![self.finding(&routes, best, refused, &leak)].into())
    }
}

fn no_closed_form() -> CheckError {
    CheckError::NotApplicable {
        reason: "the file holds neither a single linear map with known outcomes nor means of the members' columns"
            .to_owned(),
        remedy: "nothing: other models have no closed form".to_owned(),
    }
}

/// Stored means times their number minus all others.
fn of_means(images: &Images<'_>, arrays: &[(Vec<usize>, Vec<f64>)], truth: Option<&Truth>) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    let groups = groups(images.members, truth);
    for (at, image) in images.list.iter().enumerate() {
        let columns: Vec<Columns> = groups.iter().map(|rows| Columns::of(image, rows)).collect();
        let overall = Columns::of(image, &(0..images.members).collect::<Vec<usize>>());
        let mut of_classes: Vec<(usize, bool)> = Vec::new();
        let mut worst = 0.0_f64;
        for (_, values) in arrays {
            for vector in rows_of(values, image.width) {
                let Some(group) = columns.iter().position(|columns| columns.is_mean(vector)) else { continue };
                let (n, own) = (groups[group].len() as f64, &columns[group]);
                // n m - sum of the others = x_t + n (m - mean): the same error for every member of the group.
                let error = |&column: &usize| n * (vector[column] - own.mean[column]).abs() / overall.spread[column];
                let mut errors: Vec<f64> = own.telling.iter().map(error).collect();
                let near = errors.iter().filter(|error| **error <= NEAR).count() as f64;
                let found = near >= MOST_COLUMNS * errors.len() as f64 - 1e-9;
                errors.sort_by(f64::total_cmp);
                let residual = errors.get(errors.len() / 2).copied().unwrap_or(0.0);
                if group == 0 {
                    let recovered = groups[0].iter().map(|&member| (member, found)).collect();
                    let what = "the mean of all members".to_owned();
                    routes.push(Route { what, residual, strength: None, recovered, image: at });
                } else {
                    worst = worst.max(residual);
                    of_classes.extend(groups[group].iter().map(|&member| (member, found)));
                }
            }
        }
        of_classes.sort_unstable();
        // The best of several statements about a member.
        of_classes.reverse();
        of_classes.dedup_by_key(|(member, _)| *member);
        if !of_classes.is_empty() {
            let what = "means of classes".to_owned();
            routes.push(Route { what, residual: worst, strength: None, recovered: of_classes, image: at });
        }
    }
    routes
}

fn of_optimum(image: usize, members: usize, optimum: &Optimum<'_>) -> Route {
    let found = |member: usize| (member, optimum.recovers(member));
    Route {
        what: format!("the optimum of a {}", optimum.link.words()),
        residual: optimum.residual,
        strength: Some(optimum.strength),
        recovered: (0..members).into_par_iter().map(found).collect(),
        image,
    }
}

/// One record of each person looked at.
struct Leak {
    /// People whose record another person's stands for.
    twins: usize,
    /// People whose record is recovered and for which no other person's stands.
    alone: usize,
    people: usize,
    /// Whether everybody was looked at.
    all: bool,
}

impl Leak {
    fn share(&self) -> Estimate {
        let counted = share_of(self.alone, self.people);
        if self.all {
            return counted;
        }
        // 1 to 10 people are shown as the range that any such count would give.
        let of = |share: f64| wilson((share * self.people as f64).round() as usize, self.people, Level::P95);
        Estimate { value: counted.value, low: of(counted.low).low, high: of(counted.high).high, ..of(counted.value) }
    }
}

impl InformedReconstruction {
    fn leak(&self, image: &Image<'_>, people: &[u32], best: &Route, subject: &Subject<'_>) -> Leak {
        let columns = Columns::of(image, &(0..people.len()).collect::<Vec<usize>>());
        let mut asked = folds::representatives(people, subject.seed.derive(META.id));
        let all = asked.len() <= self.sample;
        rand::seq::SliceRandom::shuffle(&mut asked[..], &mut subject.seed.derive(META.id).derive("order").stream());
        asked.truncate(self.sample);
        let recovered: BTreeSet<usize> =
            best.recovered.iter().filter(|(_, found)| *found).map(|(member, _)| *member).collect();
        let has_twin = |member: usize| {
            let of = |row: usize| move |column: usize| f64::from(image.values[row * image.width + column]);
            (0..people.len()).any(|other| people[other] != people[member] && alike(of(member), of(other), &columns))
        };
        let twins: Vec<bool> = asked.par_iter().map(|&member| has_twin(member)).collect();
        let alone = asked.iter().zip(&twins).filter(|(member, twin)| recovered.contains(member) && !**twin).count();
        Leak { twins: twins.iter().filter(|twin| **twin).count(), alone, people: asked.len(), all }
    }

    fn finding(&self, routes: &[Route], best: &Route, refused: Option<f64>, leak: &Leak) -> Finding {
        let estimate = leak.share();
        let mut finding = counted(META.id, RECOVERED, Unit::Share, estimate);
        finding.sentence = format!(
            "Somebody who knows all other records and has the file can compute the record of {} people looked at, one at a time, \
             from {}, where no other person's record would have told the same.",
            part_of(leak.alone, leak.people),
            best.what
        );
        // A worst case over what an adversary knows: never more than moderate.
        finding.severity = Severity::on_scale(estimate.low, [0.01, 0.10, f64::INFINITY, f64::INFINITY]);
        let twins = share_of(leak.twins, leak.people);
        let name = "people for whom another person's record stands, not counted".to_owned();
        finding.baseline = Some(Baseline { name, estimate: twins });
        finding.evidence.push(table(routes));
        finding.settings = vec![("people looked at, at most".to_owned(), self.sample.to_string())];
        if let Some(residual) = refused {
            finding.limits.push(format!(
                "The linear map is not at an optimum that the check knows (stationarity residual {}): it was left out.",
                short(residual)
            ));
        }
        finding.limits.push(
            "This is the risk from somebody who knows everybody else, a partner of the study and not an outsider."
                .to_owned(),
        );
        finding
    }
}

/// A number to three digits.
fn short(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e4).contains(&value.abs()) { format!("{value:.2e}") } else { format!("{value:.3}") }
}

fn table(routes: &[Route]) -> Evidence {
    let line = |route: &Route| {
        vec![
            route.what.clone(),
            route.strength.map_or_else(|| "none".to_owned(), short),
            short(route.residual),
            part_of(route.found(), route.recovered.len()),
        ]
    };
    Evidence::Table(Table {
        caption: "Ways from the file to the last record".to_owned(),
        columns: ["from", "penalty", "stationarity residual, standard deviations", "members recovered"]
            .map(str::to_owned)
            .to_vec(),
        rows: routes.iter().map(line).collect(),
    })
}

fn not_computed(residual: f64) -> Finding {
    let mut finding = counted(META.id, RECOVERED, Unit::Share, share_of(0, 1));
    finding.estimate = None;
    "The last unknown record was not computed.".clone_into(&mut finding.sentence);
    finding.standing = Standing::Insufficient {
        reason: format!(
            "not computed: the linear map of the file is not at an optimum that the check knows (stationarity residual {} standard \
             deviations).",
            short(residual)
        ),
        needed: "The optimum of squared or logistic losses with an L2 penalty and a free intercept, over exactly these members; \
                 another loss, penalty or weighting, or an optimiser that stopped early, has no closed form here."
            .to_owned(),
    };
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answers;
    use crate::check::specimen::{Case, Specimen, normal, numbers};
    use crate::data::{Schema, Table as Records};
    use crate::learn::ridge::Ridge;
    use crate::model::contents::specimen::{Attribute, Draft};
    use crate::model::{Predictions, Scale};
    use crate::seed::Seed;

    const COLUMNS: usize = 6;
    const RECORDS: usize = 200;

    fn columns(seed: u64) -> Vec<Vec<f64>> {
        let column = |at: usize| normal(RECORDS, 3.0, Seed::root(seed).derive(&at.to_string()));
        (0..COLUMNS).map(|at| column(at).into_iter().map(|value| f64::from(value as f32)).collect()).collect()
    }

    fn table(columns: &[Vec<f64>]) -> Records {
        Records::new(columns.iter().enumerate().map(|(at, c)| numbers(&format!("c{at}"), c.clone())).collect())
    }

    fn case(members: &[Vec<f64>], others: &[Vec<f64>], truth: Truth, file: Draft) -> Case {
        let n = truth.len();
        let answers = |truth: Truth| Answers {
            predictions: Predictions::Scores {
                scale: Scale::Probability,
                classes: 2,
                values: [0.4, 0.6].repeat(n),
                labels: None,
            },
            truth,
        };
        let case = Case::tables(table(members), table(others), Schema::default());
        let (a, b) = (answers(truth.clone()), answers(truth));
        let predictions = a.predictions.clone();
        case.with_model(Vec::new(), a, b, move |_| predictions.clone()).with_file(file.contents())
    }

    /// Means of two classes of a hundred; those of a class from `exact` on are wrong in the second digit.
    fn class_means(exact: u32, seed: u64) -> Case {
        let (members, others) = (columns(seed), columns(seed + 1000));
        let classes: Vec<u32> = (0..RECORDS).map(|at| u32::from(at >= RECORDS / 2)).collect();
        let mean = |class: u32, column: &Vec<f64>| {
            let of_class = column.iter().zip(&classes).filter(|(_, c)| **c == class).map(|(value, _)| value);
            (of_class.sum::<f64>() / 100.0 + if class < exact { 0.0 } else { 0.01 }) as f32
        };
        let theta = (0..2).flat_map(|class| members.iter().map(move |column| mean(class, column)));
        let file = Draft::default().constant("theta", &[1, 2, COLUMNS], theta.collect()).node(
            "",
            "Sub",
            &["x", "theta"],
            Vec::new(),
        );
        case(&members, &others, Truth::Classes(classes.clone()), file)
    }

    impl Specimen for InformedReconstruction {
        const MEASURE: &'static str = RECOVERED;
        const WORST: Severity = Severity::Moderate;

        fn null(seed: u64) -> (Case, f64) {
            (class_means(0, seed), 0.0)
        }

        fn leaky() -> Case {
            class_means(2, 1)
        }

        /// The means of one of two classes are exact.
        fn graded(seed: u64) -> (Case, f64) {
            (class_means(1, seed), 0.5)
        }
    }

    /// A ridge model of these records and its file.
    fn ridge(members: &[Vec<f64>], targets: &[f64], strength: f64) -> Draft {
        let rows: Vec<f64> = (0..targets.len()).flat_map(|row| members.iter().map(move |column| column[row])).collect();
        let model = Ridge::fit(&rows, COLUMNS, targets, strength);
        let intercept = model.predict(&[0.0; COLUMNS]);
        let weight = |at: usize| {
            let mut unit = [0.0; COLUMNS];
            unit[at] = 1.0;
            (model.predict(&unit) - intercept) as f32
        };
        Draft::default().node(
            "ai.onnx.ml",
            "LinearRegressor",
            &["x"],
            vec![
                ("coefficients", Attribute::Floats((0..COLUMNS).map(weight).collect())),
                ("intercepts", Attribute::Floats(vec![intercept as f32])),
            ],
        )
    }

    fn outcomes(members: &[Vec<f64>], seed: u64) -> Vec<f64> {
        let noise = normal(RECORDS, 0.0, Seed::root(seed).derive("noise"));
        (0..RECORDS).map(|row| members[0][row] - 2.0 * members[3][row] + noise[row]).collect()
    }

    #[test]
    fn every_record_follows_from_a_ridge_model_and_its_penalty_is_found() {
        let (members, others) = (columns(1), columns(2));
        let targets = outcomes(&members, 3);
        for strength in [0.5, 10.0, 7.3] {
            let case = case(&members, &others, Truth::Values(targets.clone()), ridge(&members, &targets, strength));
            let finding = case.run(&InformedReconstruction::default(), 1).remove(0);
            let found = finding.estimate.unwrap().value;
            assert!(found > 0.97, "{found} with {strength}: {:?}", finding.evidence);
            assert_eq!(finding.severity, Severity::Moderate);
            let Evidence::Table(table) = &finding.evidence[0] else { panic!("a table of routes") };
            let penalty: f64 = table.rows[0][1].parse().unwrap();
            assert!((penalty / strength - 1.0).abs() < 0.01, "{penalty} is not {strength}");
        }
    }

    #[test]
    fn what_is_no_optimum_is_not_computed() {
        let (members, others) = (columns(1), columns(2));
        let truth = outcomes(&members, 3);
        // Fitted to others: nothing holds for the members.
        let file = ridge(&others, &outcomes(&others, 4), 1.0);
        let finding =
            case(&members, &others, Truth::Values(truth), file).run(&InformedReconstruction::default(), 1).remove(0);
        assert_eq!(finding.estimate, None);
        let Standing::Insufficient { reason, .. } = finding.standing else { panic!("not computed") };
        assert!(reason.contains("not computed") && reason.contains("stationarity residual"), "{reason}");
    }

    #[test]
    fn nothing_to_solve_is_no_finding() {
        let (members, others) = (columns(1), columns(2));
        let file = Draft::default().constant("w", &[2, 3], vec![0.5; 6]).node("", "Mul", &["x", "w"], Vec::new());
        let case = case(&members, &others, Truth::Values(vec![0.0; RECORDS]), file);
        let refused = case.refused(&InformedReconstruction::default(), 1).to_string();
        assert!(refused.contains("neither"), "{refused}");
    }
}
