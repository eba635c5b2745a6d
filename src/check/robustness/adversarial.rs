//! # What it measures
//! How small a change of a record's numbers makes the model change its answer, when the change is chosen on purpose: the
//! share of records whose answer changes although no number moves by more than `budget` measurement errors, and the median of
//! the smallest change.
//!
//! # Who could do this
//! Anybody who enters or forwards the numbers and can try the model beforehand: a patient, a clerk, a device, a partner. A
//! matter of integrity and safety, not of disclosure. That members lie further from the border is of use to whoever tests for
//! membership.
//!
//! # How
//! Only columns of numbers are changed, within the plan's table `[robustness]`: bounds (without, those seen among
//! non-members), steps (whole numbers stay whole), groups of columns of which one is 1, columns that nobody can change, columns
//! that only grow or shrink, relations between columns. A change counts as its largest part, each number in units of its
//! measurement error. Of a single tree that is fed by the model's inputs, with no groups or relations, the smallest change is
//! found exactly, leaf by leaf. Otherwise, where the model gives scores, the search tries every column at quantiles of the
//! non-members and at the budget, goes on from the best with up to `columns` columns, moves all columns together against the
//! score, and walks back towards the record. Where the model names classes only, or `search` asks for it, `HopSkipJump` walks
//! along the border by answers alone, with at most `decisions` questions a record. Of several trees that are fed by the
//! model's inputs and explain its answers, the file shows all thresholds: columns are moved from cell to cell in the order that
//! lowers the score of the record's answer most, within a distance that shrinks as long as the answer changes, at no question
//! but the last (not where `search` is `decisions`). The smallest change counts.
//!
//! # Reading the number
//! The flip rate of people who are not in the training data, next to the rate for one random change of the same size: what
//! the choice of the change adds. Robust accuracy and the recall of each class stand beside it. The distance of members
//! to the border against that of others is an attack on membership (area under the curve, 0.5 is chance): a record that is
//! answered wrong has the distance 0.
//!
//! # When it misleads
//! Too low: unless the change is exact, another search may find a smaller one, and texts are not changed. Too high: where no
//! bounds, relations or measurement errors are declared, changes that no patient can have count too. A model that always gives
//! one answer cannot be changed.
//!
//! # Cost
//! Up to `queries` questions (40,000 by default): as many records as that buys are attacked, one of each patient. A record costs
//! columns changed in turn x columns x (quantiles + 2) + 30 at most, or `decisions`; a tree costs one per leaf and record,
//! threshold moves one a record.
//!
//! # References
//! Chen, Jordan and Wainwright, IEEE S&P 2020 (`HopSkipJump`); Kantchelian, Tygar and Joseph, ICML 2016 (trees); Zhang et al., NeurIPS 2020 (moves in ensembles); Simonetto et
//! al., IJCAI 2022 and NeurIPS 2024 (constraints, `TabularBench`); Choquette-Choo et al., ICML 2021 (distance to the border).

use rand::Rng;
use serde::Deserialize;

use super::boxes::Boxes;
use super::forest::Forest;
use super::hop_skip_jump;
use super::rules::Rules;
use super::scene::{Asking, Point, Sample, Scene};
use super::search::{self, Effort, Found};
use super::table::{assumptions, looked_at, recall, share};
use super::{FEWEST, blank, refuse_too_few};
use crate::check::settings::within;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{Baseline, Evidence, Family, Finding, Severity, Table, Unit, grouped};
use crate::seed::Seed;
use crate::stats::interval::wilson;
use crate::stats::rank::quantile;
use crate::stats::{Estimate, Level, roc};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "robustness/adversarial",
    title: "Answers under changes made on purpose",
    family: Family::Robustness,
    measures: &[FLIPS, DISTANCE],
    source: include_str!("adversarial.rs"),
};

const FLIPS: &str = "robustness/adversarial-flip-rate";
pub(super) const DISTANCE: &str = "robustness/boundary-distance-auc";
/// Severity of the proven flip rate.
const SCALE: [f64; 4] = [0.05, 0.10, 0.25, 0.50];
/// Severity of the proven excess of the area over chance.
const AREAS: [f64; 4] = [0.02, 0.05, 0.10, 0.20];
/// Changes for which the share of records is shown, in measurement errors.
const STEPS: [f64; 5] = [1.0, 2.0, 3.0, 5.0, 10.0];
/// Fewest questions that a walk along the border is worth.
const FEWEST_DECISIONS: usize = 300;

/// Which search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// By scores where there are any, otherwise by decisions; exactly for a single tree.
    Auto,
    /// By decisions alone.
    Decisions,
    /// Both; the smaller change counts.
    Both,
}

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adversarial {
    /// Most questions to the model, 2,000 or more; at least 20 records of each side are searched, which may cost more.
    #[serde(deserialize_with = "within::<2_000, 1_000_000_000, _>")]
    queries: usize,
    /// Most questions about one record where only answers are seen; never more than 2,500.
    decisions: usize,
    /// How far a number may move, in measurement errors.
    budget: f64,
    /// Most columns that are changed one after another.
    columns: usize,
    /// Values of each column that are tried, from 1 to 1,000.
    #[serde(deserialize_with = "within::<1, 1_000, _>")]
    quantiles: usize,
    /// Which search.
    search: Search,
    /// The table `[robustness]` of the plan.
    rules: Rules,
}

impl Default for Adversarial {
    fn default() -> Self {
        Self {
            queries: 40_000,
            decisions: 2500,
            budget: 3.0,
            columns: 2,
            quantiles: 6,
            search: Search::Auto,
            rules: Rules::default(),
        }
    }
}

/// What a line of the table says about the records of a side and the changes found for them.
type Line<'l> = dyn Fn(&[usize], &[Option<Found>]) -> String + 'l;

/// How the changes were found.
struct Hunt {
    found: Vec<Option<Found>>,
    exact: bool,
    how: String,
}

impl Check for Adversarial {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Queries, Need::Table, Need::Target, Need::Classification]
    }

    fn fits(&self, subject: &Subject<'_>) -> Result<(), CheckError> {
        Scene::of(subject, &self.rules, self.quantiles).map(|_| ())
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        if !(self.budget.is_finite() && self.budget > 0.0) {
            return Err(refused("`budget` is not above 0", "set it to a number of measurement errors, for example 3"));
        }
        let Some(scene) = Scene::of(subject, &self.rules, self.quantiles)? else { return Ok(Output::default()) };
        if !scene.space.axes.iter().any(|axis| axis.free) {
            return Err(refused(
                "the model takes no number that may be changed",
                "nothing is missing: texts, and columns that the plan fixes, are left as they are",
            ));
        }
        let seed = subject.seed.derive(META.id);
        let boxes = if self.search == Search::Auto { Boxes::of(subject, &scene) } else { None };
        let effort = Effort { near: self.budget, columns: self.columns };
        let forest =
            if self.search == Search::Decisions || boxes.is_some() { None } else { Forest::of(subject, &scene) };
        let cost = self.cost(&scene, effort, boxes.is_some());
        let sample = scene.sample((self.queries / cost / 2).max(FEWEST), seed.derive("sample"));
        let rows = sample.rows();
        let asking = Asking::new(&scene, META.id, watch, rows.len() * cost);
        let hunt = match boxes {
            Some(boxes) => {
                let how = "exact, leaf by leaf of the tree".to_owned();
                boxes.search(&scene, &asking, &rows)?.map(|found| Hunt { found, exact: true, how })
            }
            None => None,
        };
        let (sample, hunt) = match hunt {
            Some(hunt) => (sample, hunt),
            None => self.hunt(&scene, &asking, sample, effort, (forest.as_ref(), seed))?,
        };
        let random = self.random(&scene, &asking, &sample, seed)?;
        Ok(self.findings(&scene, &asking, &sample, &hunt, random).into())
    }
}

fn refused(reason: &str, remedy: &str) -> CheckError {
    CheckError::NotApplicable { reason: reason.to_owned(), remedy: remedy.to_owned() }
}

impl Adversarial {
    fn by_decisions(&self, scene: &Scene<'_>) -> bool {
        self.search != Search::Auto || !scene.scores()
    }

    /// Questions about one record where only answers are seen: fewer where the whole allowance would not buy enough
    /// records.
    fn decisions(&self) -> usize {
        let affordable = self.queries / (4 * FEWEST);
        self.decisions.min(2500).min(affordable.max(FEWEST_DECISIONS))
    }

    fn cost(&self, scene: &Scene<'_>, effort: Effort, boxes: bool) -> usize {
        let by_scores = effort.cost(scene, self.quantiles);
        match (boxes, self.by_decisions(scene), self.search) {
            // Two a record, and as many as there are leaves.
            (true, _, _) => 4,
            (false, true, Search::Decisions) => self.decisions(),
            (false, true, _) => by_scores + self.decisions(),
            (false, false, _) => by_scores,
        }
    }

    /// Searches as far as the questions go; a sample that a tree would have allowed is cut down.
    fn hunt(
        &self,
        scene: &Scene<'_>,
        asking: &Asking<'_>,
        mut sample: Sample,
        effort: Effort,
        (forest, seed): (Option<&Forest<'_>>, Seed),
    ) -> Result<(Sample, Hunt), CheckError> {
        let most = (self.queries / self.cost(scene, effort, false) / 2).max(FEWEST);
        sample.members.truncate(most);
        sample.nonmembers.truncate(most);
        let rows = sample.rows();
        let scores = self.search != Search::Decisions;
        let mut found = vec![None; rows.len()];
        if scores {
            found = search::search(scene, asking, &rows, effort, effort.cost(scene, self.quantiles))?;
        }
        let decisions = self.by_decisions(scene);
        if decisions {
            let walked = hop_skip_jump::search(scene, asking, &rows, self.decisions(), seed.derive("walk"))?;
            found = found.into_iter().zip(walked).map(|(first, second)| nearer(first, second)).collect();
        }
        if let Some(forest) = forest {
            let moved = forest.search(scene, asking, &rows)?;
            found = found.into_iter().zip(moved).map(|(first, second)| nearer(first, second)).collect();
        }
        let how = match (scores && scene.scores(), decisions) {
            (true, true) => "by scores and by HopSkipJump",
            (true, false) => "by scores",
            _ => "by answers alone (HopSkipJump)",
        };
        let moves = if forest.is_some() { " and by threshold moves of the trees" } else { "" };
        let how = format!("{how}{moves}: an upper bound of the smallest change");
        Ok((sample, Hunt { found, exact: false, how }))
    }

    /// Which answers change under one random change of the size of the budget.
    fn random(
        &self,
        scene: &Scene<'_>,
        asking: &Asking<'_>,
        sample: &Sample,
        seed: Seed,
    ) -> Result<Estimate, CheckError> {
        let points: Vec<Point> = sample
            .nonmembers
            .iter()
            .map(|&row| {
                let mut stream = seed.derive("random").derive(&row.to_string()).stream();
                let own = &scene.values[row];
                let mut moved = |(axis, own): (&super::space::Axis, &f64)| {
                    let sign = if stream.next_u32() & 1 == 0 { 1.0 } else { -1.0 };
                    // Towards the record, lest a step beyond the budget is taken.
                    let far = if axis.step > 0.0 {
                        (self.budget * axis.error / axis.step).floor() * axis.step
                    } else {
                        self.budget * axis.error
                    };
                    own + sign * far
                };
                let wanted: Vec<f64> = scene.space.axes.iter().zip(own).map(&mut moved).collect();
                Point { row, values: scene.space.project(own, &wanted).unwrap_or_else(|| own.clone()) }
            })
            .collect();
        let replies = if points.is_empty() { Vec::new() } else { asking.ask(&points)? };
        let flips = points.iter().zip(&replies).filter(|(point, reply)| asking.flipped(point, reply)).count();
        Ok(wilson(flips, points.len(), Level::P95))
    }

    fn findings(
        &self,
        scene: &Scene<'_>,
        asking: &Asking<'_>,
        sample: &Sample,
        hunt: &Hunt,
        random: Estimate,
    ) -> Vec<Finding> {
        let sides = hunt.found.split_at(sample.members.len());
        let within = |side: &[Option<Found>], most: f64| {
            side.iter().flatten().filter(|found| found.change <= most * (1.0 + 1e-9)).count()
        };
        let flips = wilson(within(sides.1, self.budget), sides.1.len(), Level::P95);
        let mut finding = blank(META.id, FLIPS, Unit::Share, 0.0);
        finding.sentence = format!(
            "For {} of people outside the training data, changes of at most {} measurement errors chosen on purpose give another \
             answer; one random change of that size does for {}. {}",
            Unit::Share.show(flips.value),
            self.budget,
            Unit::Share.show(random.value),
            median_sentence(sides.1)
        );
        finding.baseline = Some(Baseline {
            name: "one random change of the same size, on the same records".to_owned(),
            estimate: random,
        });
        finding.severity = Severity::on_scale(flips.low, SCALE);
        let kept: Vec<f64> = sample
            .nonmembers
            .iter()
            .zip(sides.1)
            .map(|(&row, found)| {
                let changed = found.as_ref().is_some_and(|found| found.change <= self.budget * (1.0 + 1e-9));
                f64::from(u8::from(!changed && scene.answered[row] == scene.truth[row]))
            })
            .collect();
        finding.evidence = vec![
            self.table(scene, sample, sides),
            recall(scene, &sample.nonmembers, &kept, 1, &format!("within {} errors", self.budget)),
        ];
        finding.limits = assumptions(&scene.space, self.rules.default_error, sample);
        if !hunt.exact {
            finding.limits.push(
                "The search gives an upper bound of the smallest change: the flip rate is a lower bound.".to_owned(),
            );
        }
        finding.settings = self.settings(asking, sample, hunt);
        let area = boundary_area(scene, sample, sides);
        let mut distance = distance_finding(&finding, area);
        refuse_too_few(&mut finding, usize::MAX, sides.1.len());
        refuse_too_few(&mut distance, sides.0.len(), sides.1.len());
        finding.estimate = Some(flips);
        vec![finding, distance]
    }

    fn settings(&self, asking: &Asking<'_>, sample: &Sample, hunt: &Hunt) -> Vec<(String, String)> {
        let [members, nonmembers] = looked_at(sample);
        vec![
            ("search".to_owned(), hunt.how.clone()),
            members,
            nonmembers,
            ("budget, in measurement errors".to_owned(), self.budget.to_string()),
            ("queries allowed".to_owned(), grouped(self.queries as u64)),
            ("queries".to_owned(), grouped(asking.asked())),
        ]
    }

    fn table(&self, scene: &Scene<'_>, sample: &Sample, sides: (&[Option<Found>], &[Option<Found>])) -> Evidence {
        let both =
            |name: String, of: &Line<'_>| vec![name, of(&sample.members, sides.0), of(&sample.nonmembers, sides.1)];
        let within = |most: f64| {
            move |_: &[usize], side: &[Option<Found>]| {
                let hits = side.iter().flatten().filter(|found| found.change <= most * (1.0 + 1e-9)).count();
                share(hits, side.len())
            }
        };
        let right = |row: usize| scene.answered[row] == scene.truth[row];
        let mut rows = vec![
            both("accuracy as recorded".to_owned(), &|rows, _| {
                Unit::Share.show_estimate(&wilson(
                    rows.iter().filter(|row| right(**row)).count(),
                    rows.len(),
                    Level::P95,
                ))
            }),
            both(format!("robust accuracy, {} errors", self.budget), &|rows, side| {
                let held = |(row, found): &(&usize, &Option<Found>)| {
                    right(**row) && found.as_ref().is_none_or(|found| found.change > self.budget * (1.0 + 1e-9))
                };
                let kept = rows.iter().zip(side).filter(held).count();
                Unit::Share.show_estimate(&wilson(kept, rows.len(), Level::P95))
            }),
        ];
        rows.extend(STEPS.map(|most| both(format!("answer changed within {most} errors"), &within(most))));
        rows.push(both("answer changed at any distance".to_owned(), &within(f64::MAX)));
        rows.push(both("median smallest change, in errors".to_owned(), &|_, side| {
            median(side).map_or_else(|| "more than half never change".to_owned(), |median| format!("{median:.1}"))
        }));
        rows.push(both("median number of columns changed".to_owned(), &|_, side| {
            let mut touched: Vec<f64> = side.iter().flatten().map(|found| found.touched as f64).collect();
            touched.sort_by(f64::total_cmp);
            if touched.len() < FEWEST { "too few".to_owned() } else { format!("{:.0}", quantile(&touched, 0.5)) }
        }));
        Evidence::Table(Table {
            caption: "Smallest changes that were found, in units of measurement error".to_owned(),
            columns: ["", "members", "non-members"].map(str::to_owned).to_vec(),
            rows,
        })
    }
}

fn distance_finding(main: &Finding, area: Option<(Estimate, Estimate)>) -> Finding {
    let mut distance = blank(META.id, DISTANCE, Unit::Area, 0.5);
    distance.settings.clone_from(&main.settings);
    distance.limits.clone_from(&main.limits);
    let Some((area, gap)) = area else {
        "No record could be looked at.".clone_into(&mut distance.sentence);
        return distance;
    };
    distance.sentence = format!(
        "Given a member and somebody else, the one further from the border is the member {} of the time; looking at one answer \
         each is right {} of the time.{}",
        Unit::Share.show(area.value),
        Unit::Share.show(gap.value),
        if area.low > 0.5 { " The distance to the border gives membership away." } else { "" }
    );
    distance.severity = Severity::on_scale(area.low - 0.5, AREAS);
    distance.baseline = Some(Baseline {
        name: "gap attack: a record is a member when the answer is right, on the same records".to_owned(),
        estimate: gap,
    });
    distance.estimate = Some(area);
    distance
}

/// The area of the distance to the border and of the right answers, members against others; records without a change
/// are furthest.
fn boundary_area(
    scene: &Scene<'_>,
    sample: &Sample,
    sides: (&[Option<Found>], &[Option<Found>]),
) -> Option<(Estimate, Estimate)> {
    if sides.0.is_empty() || sides.1.is_empty() {
        return None;
    }
    let right = |row: usize| scene.answered[row] == scene.truth[row];
    let distances = |rows: &[usize], side: &[Option<Found>]| -> Vec<f64> {
        let of = |(&row, found): (&usize, &Option<Found>)| match found {
            _ if !right(row) => 0.0,
            Some(found) => found.change,
            None => f64::MAX,
        };
        rows.iter().zip(side).map(of).collect()
    };
    let answers = |rows: &[usize]| rows.iter().map(|&row| f64::from(u8::from(right(row)))).collect::<Vec<f64>>();
    let area = |a: &[f64], b: &[f64]| roc::auc(a, b, None, Level::P95);
    Some((
        area(&distances(&sample.members, sides.0), &distances(&sample.nonmembers, sides.1)),
        area(&answers(&sample.members), &answers(&sample.nonmembers)),
    ))
}

fn nearer(first: Option<Found>, second: Option<Found>) -> Option<Found> {
    match (first, second) {
        (Some(first), Some(second)) => Some(if second.change < first.change { second } else { first }),
        (first, second) => first.or(second),
    }
}

/// The median of the smallest changes, where at least half of the records have one and there are enough of them. Rounded
/// where it is shown, so that no record's own distance is.
fn median(side: &[Option<Found>]) -> Option<f64> {
    let mut changes: Vec<f64> =
        side.iter().map(|found| found.as_ref().map_or(f64::INFINITY, |found| found.change)).collect();
    changes.sort_by(f64::total_cmp);
    let middle = changes.get(changes.len() / 2).copied()?;
    (changes.len() >= FEWEST && middle.is_finite()).then_some(middle)
}

fn median_sentence(side: &[Option<Found>]) -> String {
    median(side).map_or_else(
        || "For half of them or more no change was found at any distance.".to_owned(),
        |median| format!("The median smallest change is {median:.1} measurement errors."),
    )
}

#[cfg(test)]
mod tests {
    use super::super::specimen::{always, coin, linear};
    use super::*;
    use crate::check::specimen::{Case, Specimen};
    use crate::stats::interval::normal_cdf;
    use crate::watch::Unwatched;

    impl Specimen for Adversarial {
        const MEASURE: &'static str = FLIPS;

        fn null(seed: u64) -> (Case, f64) {
            (always(40, seed), 0.0)
        }

        fn leaky() -> Case {
            coin(60, 1)
        }

        /// The sign of a sum of two columns of N(0, 1): each moves by 3 errors of 0.05, together by 0.3 standard deviations of
        /// one, so records with a sum within 0.3 of zero flip; the sum has the standard deviation sqrt 2.
        fn graded(seed: u64) -> (Case, f64) {
            (linear(&[1.0, 1.0], 300, seed), 2.0 * normal_cdf(0.3 / 2_f64.sqrt()) - 1.0)
        }
    }

    const WEIGHTS: [f64; 3] = [3.0, -1.0, 0.5];

    /// The changes found for a linear model, with the closed form `|margin| / sum |w e|` beside each.
    fn against_the_closed_form(check: &Adversarial) -> Vec<(f64, f64)> {
        let case = linear(&WEIGHTS, 60, 11);
        let subject = case.subject(1);
        let rules = "measurement_error = { x0 = 0.2, x1 = 0.4, x2 = 0.1 }\n\
                     bounds = { x0 = [-9, 9], x1 = [-9, 9], x2 = [-9, 9] }";
        let rules = Rules::of(&rules.parse().unwrap()).unwrap();
        let scene = Scene::of(&subject, &rules, check.quantiles).unwrap().unwrap();
        let asking = Asking::new(&scene, "test", &Unwatched, 0);
        let rows: Vec<usize> = (0..40).collect();
        let found = if check.search == Search::Decisions {
            hop_skip_jump::search(&scene, &asking, &rows, 2500, Seed::root(5)).unwrap()
        } else {
            let effort = Effort { near: 3.0, columns: 2 };
            search::search(&scene, &asking, &rows, effort, effort.cost(&scene, check.quantiles)).unwrap()
        };
        let steps: f64 = WEIGHTS.iter().zip([0.2, 0.4, 0.1]).map(|(w, e)| (w * e).abs()).sum();
        let pair = |(&row, found): (&usize, Option<Found>)| {
            let margin: f64 = WEIGHTS.iter().zip(&scene.values[row]).map(|(w, x)| w * x).sum();
            (found.expect("a linear model has two answers").change, margin.abs() / steps)
        };
        rows.iter().zip(found).map(pair).collect()
    }

    #[test]
    fn the_smallest_change_of_a_linear_model_is_its_closed_form() {
        for (found, expected) in against_the_closed_form(&Adversarial::default()) {
            assert!(found >= expected * (1.0 - 1e-9), "nothing is nearer than the border: {found} {expected}");
            assert!(found <= expected * 1.005 + 1e-3, "{found} {expected}");
        }
    }

    #[test]
    fn answers_alone_lead_near_the_closed_form() {
        let check = Adversarial { search: Search::Decisions, ..Adversarial::default() };
        let mut ratios: Vec<f64> =
            against_the_closed_form(&check).into_iter().map(|(found, expected)| found / expected).collect();
        ratios.sort_by(f64::total_cmp);
        assert!(ratios[0] >= 1.0 - 1e-9 && ratios[20] < 1.02 && ratios[39] < 1.2, "{ratios:?}");
    }

    #[test]
    fn nothing_is_found_where_nothing_may_move_far_enough() {
        let case = linear(&[1.0, 1.0], 400, 3);
        let narrow =
            Rules::of(&"bounds = { x0 = [-9, 9] }\nmutable = [\"x0\"]\ndirection = { x0 = \"up\" }".parse().unwrap());
        let check = Adversarial { rules: narrow.unwrap(), ..Adversarial::default() };
        let finding = case.run(&check, 1).remove(0);
        let wide = case.run(&Adversarial::default(), 1).remove(0);
        let rate = |finding: &Finding| finding.estimate.unwrap().value;
        // Half of the people would have to go down, and one column is moved instead of two.
        assert!(rate(&finding) < 0.6 * rate(&wide) && rate(&finding) > 0.0, "{} {}", rate(&finding), rate(&wide));
        let fixed = Rules::of(&"mutable = []".parse().unwrap()).unwrap();
        let refused = case.refused(&Adversarial { rules: fixed, ..Adversarial::default() }, 1);
        assert!(refused.to_string().contains("no number that may be changed"));
    }

    #[test]
    fn the_questions_stay_within_the_allowance() {
        let case = linear(&[1.0, 1.0], 300, 4);
        for search in [Search::Auto, Search::Decisions, Search::Both] {
            let check = Adversarial { search, queries: 30_000, ..Adversarial::default() };
            let finding = case.run(&check, 1).remove(0);
            let asked = finding.settings.iter().find(|(name, _)| name == "queries").unwrap().1.replace(',', "");
            assert!(asked.parse::<usize>().unwrap() <= 30_600, "{search:?}: {asked}");
        }
    }
}
