//! What is said about inverted records: likeness to people, and never the records.

use rayon::prelude::*;

use super::inverting::judgement::{ClassCells, Judged, Likenesses, Observed, judge};
use super::inverting::{MOST_PEOPLE, Point, Side, Target, Tried, Workshop};
use super::verdict::Verdict;
use crate::check::disclosure::counted;
use crate::check::records::side_by_side;
use crate::data::Split;
use crate::finding::{Count, Evidence, Finding, SMALLEST_SHOWN, Severity, Standing, Table, Unit, grouped, share_of};
use crate::learn::Learner;
use crate::learn::logistic::Logistic;
use crate::seed::Seed;
use crate::stats::Level;
use crate::stats::interval::wilson;

/// Id of the check that these are findings of.
pub(super) const ID: &str = "inversion/reconstruction";
/// How much nearer to members than the class mean.
pub(super) const EXCESS: &str = "inversion/reconstruction-excess";
/// How much of that is owed to membership.
pub(super) const GAP: &str = "inversion/reconstruction-member-gap";
/// Small classes that can be told from what was made.
pub(super) const SMALL: &str = "inversion/reconstruction-small-classes";
/// Severity of a likeness that is owed to membership, by its lower bound.
const SCALE: [f64; 4] = [0.0, 0.01, 0.03, 0.10];
/// Severity of telling small classes beyond chance, by the lower bound.
const SMALL_SCALE: [f64; 4] = [0.0, 0.10, 0.30, 0.70];
/// People of each class among whom a small class is told.
const SHOWN_EACH: usize = 10;

/// What a run was allowed and did.
pub(super) struct Scope {
    /// Classes that have people on all sides.
    pub(super) classes: usize,
    pub(super) allowed: usize,
    pub(super) planned: usize,
    pub(super) asked: usize,
    pub(super) observed: Observed,
    /// Classes of 1 to 10 members, and the people in them.
    pub(super) small: (usize, usize),
    pub(super) seed: Seed,
}

/// One attack over the classes in which it found something.
struct Line<'t> {
    /// Places in the list of targets, and what was found there.
    found: Vec<(usize, &'t Tried, &'t Point)>,
    cells: Vec<ClassCells>,
}

/// The people of every class, as points.
struct Crowds {
    members: Vec<Vec<Point>>,
    others: Vec<Vec<Point>>,
    means: Vec<Point>,
}

impl Crowds {
    fn of(workshop: &Workshop<'_>, list: &[Target]) -> Self {
        let canvas = &workshop.canvas;
        Self {
            members: list.par_iter().map(|target| canvas.people(Side::Members, &target.members)).collect(),
            others: list.par_iter().map(|target| canvas.people(Side::Others, &target.others)).collect(),
            means: list.par_iter().map(|target| canvas.mean(&canvas.people(Side::Others, &target.known))).collect(),
        }
    }

    /// The cells of one class.
    fn cells(&self, workshop: &Workshop<'_>, class: usize, point: &Point) -> ClassCells {
        let to = |point: &Point, people: &[Point]| -> Vec<f64> {
            people.iter().map(|person| workshop.canvas.likeness(point, person)).collect()
        };
        let side =
            |people: &[Point]| Likenesses { attack: to(point, people), baseline: to(&self.means[class], people) };
        ClassCells { members: side(&self.members[class]), others: side(&self.others[class]) }
    }
}

/// The findings of a run.
pub(super) fn findings(
    workshop: &Workshop<'_>,
    split: &Split,
    list: &[Target],
    tried: &[Vec<Tried>],
    scope: &Scope,
) -> Vec<Finding> {
    let crowds = Crowds::of(workshop, list);
    let lines: Vec<Line<'_>> = (0..workshop.attacks.len()).map(|at| line(at, tried)).collect();
    // Attacks are compared on the same classes: one that found nothing somewhere has the class mean there.
    let lines: Vec<Line<'_>> = lines
        .into_iter()
        .filter(|line| !line.found.is_empty())
        .map(|line| Line { cells: cells(workshop, &crowds, &line, list.len()), ..line })
        .collect();
    if lines.is_empty() {
        return vec![nothing_found(scope)];
    }
    let judged = judge(&lines.iter().map(|line| line.cells.clone()).collect::<Vec<_>>(), scope.observed);
    let speaks = (0..judged.len()).rev().max_by(|&a, &b| {
        let weight = |j: &Judged| (j.verdict, j.owed(), j.gap.value);
        weight(&judged[a]).partial_cmp(&weight(&judged[b])).unwrap_or(std::cmp::Ordering::Equal)
    });
    let speaks = speaks.unwrap_or(0);
    let seen = recognised(workshop, split, list, &lines, &crowds, scope.seed);
    let settings = settings(scope, list.len());
    let mut first = excess(&judged[speaks], &lines[speaks], settings.clone());
    first.evidence.push(table(workshop, &lines, &judged, seen.as_deref(), list.len()));
    first.limits.extend(limits(workshop, list, scope));
    let second = gap(&judged[speaks], settings.clone());
    let mut all = vec![first, second];
    all.extend(small_classes(workshop, list, &lines, &crowds, settings));
    all
}

fn line(at: usize, tried: &[Vec<Tried>]) -> Line<'_> {
    let found = tried.iter().enumerate().filter_map(|(class, tried)| {
        let one = tried.get(at)?;
        Some((class, one, &one.found.as_ref()?.point))
    });
    Line { found: found.collect(), cells: Vec::new() }
}

fn cells(workshop: &Workshop<'_>, crowds: &Crowds, line: &Line<'_>, classes: usize) -> Vec<ClassCells> {
    let point = |class: usize| {
        line.found.iter().find(|(at, ..)| *at == class).map_or(&crowds.means[class], |(_, _, point)| *point)
    };
    (0..classes).into_par_iter().map(|class| crowds.cells(workshop, class, point(class))).collect()
}

/// How many records an independent model, learned from the attacker's records, puts into the class that was wanted: by the class
/// means first, then by attack. Nothing where numbers are predicted or a single class is known.
fn recognised(
    workshop: &Workshop<'_>,
    split: &Split,
    list: &[Target],
    lines: &[Line<'_>],
    crowds: &Crowds,
    seed: Seed,
) -> Option<Vec<(usize, usize)>> {
    let classes = workshop.model.target.facts().classes.len();
    if classes < 2 || list.len() < 2 {
        return None;
    }
    let known: Vec<usize> = list.iter().flat_map(|target| target.known.iter().copied()).collect();
    let mut labels: Vec<u32> = list.iter().flat_map(|target| vec![target.code; target.known.len()]).collect();
    let means = crowds.means.iter().map(|mean| workshop.canvas.settled(mean.clone()));
    let mut points: Vec<Point> = means.collect();
    let mut wanted: Vec<u32> = list.iter().map(|target| target.code).collect();
    let mut ends = vec![points.len()];
    for line in lines {
        for (class, _, point) in &line.found {
            points.push((*point).clone());
            wanted.push(list[*class].code);
        }
        ends.push(points.len());
    }
    labels.extend(&wanted);
    let rows = known.len() + points.len();
    let (first, second) = (split.nonmembers.take(&known).features, workshop.canvas.features(&points));
    let data = side_by_side(split, &first, &second, rows);
    let train: Vec<usize> = (0..known.len()).collect();
    let learner = Logistic { steps: 100, tolerance: 0.1, ..Logistic::default() };
    let asked: Vec<usize> = (known.len()..rows).collect();
    let found = learner.fit(&data, &train, &labels, classes, seed.derive("evaluator")).probabilities(&data, &asked);
    let right: Vec<bool> =
        found.chunks(classes).zip(&wanted).map(|(p, wanted)| crate::model::largest(p) == *wanted).collect();
    let mut from = 0;
    let counted = ends.into_iter().map(|end| {
        let hits = right[from..end].iter().filter(|right| **right).count();
        let of = end - from;
        from = end;
        (hits, of)
    });
    Some(counted.collect())
}

fn settings(scope: &Scope, attacked: usize) -> Vec<(String, String)> {
    let setting = |name: &str, value: String| (name.to_owned(), value);
    let observed = if scope.observed == Observed::Classes { "classes" } else { "people within classes" };
    vec![
        setting("classes attacked", attacked.to_string()),
        setting("observations", observed.to_owned()),
        setting("queries allowed", grouped(scope.allowed as u64)),
        setting("queries planned, at most", grouped(scope.planned as u64)),
        setting("queries sent", grouped(scope.asked as u64)),
    ]
}

fn like(value: f64) -> String {
    Unit::Likeness.show(value)
}

fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Individual => {
            "The model shows what its own members look like, beyond what people of their class look like."
        }
        Verdict::Distribution => {
            "It beats the class mean, and is no nearer to members than to others as far as this shows: a prototype, no evidence \
             about a person."
        }
        Verdict::Latent => {
            "It leans towards members, but the class mean of others is as near to them: the model knows its members, and this \
             attacker gains nothing by it."
        }
        Verdict::None => "The class mean of others is as near, and members are no nearer: no evidence about a person.",
    }
}

fn excess(judged: &Judged, line: &Line<'_>, settings: Vec<(String, String)>) -> Finding {
    let mut finding = counted(ID, EXCESS, Unit::Likeness, judged.excess);
    let [members, others, by_mean, _] = judged.cells;
    finding.sentence = format!(
        "A record made by {} resembles the nearest members of its class by {} and hold-out people by {} (1 is the same record, 0 a \
         stranger); the mean of other records of the class resembles the members by {}. {} ({})",
        made(line),
        like(members),
        like(others),
        like(by_mean),
        meaning(judged.verdict),
        judged.verdict.name()
    );
    finding.settings = settings;
    finding
}

fn made(line: &Line<'_>) -> String {
    line.found.first().map_or_else(String::new, |(_, tried, _)| tried.made())
}

fn gap(judged: &Judged, settings: Vec<(String, String)>) -> Finding {
    let mut finding = counted(ID, GAP, Unit::Likeness, judged.gap);
    finding.sentence = format!(
        "What the model adds to the likeness to members is {} more than what it adds to that to others: {}.",
        like(judged.gap.value),
        judged.verdict.name()
    );
    finding.severity = match judged.verdict {
        Verdict::Individual => Severity::on_scale(judged.owed(), SCALE),
        Verdict::Latent => Severity::Low,
        Verdict::Distribution | Verdict::None => Severity::VeryLow,
    };
    finding.limits.push(format!(
        "Without regard to the class mean, it is {} nearer to members than to others.",
        Unit::Likeness.show_estimate(&judged.advantage)
    ));
    finding.settings = settings;
    finding
}

fn table(
    workshop: &Workshop<'_>,
    lines: &[Line<'_>],
    judged: &[Judged],
    seen: Option<&[(usize, usize)]>,
    classes: usize,
) -> Evidence {
    let share = |at: usize| {
        let found = seen.and_then(|seen| seen.get(at)).filter(|(_, of)| *of > 0);
        found.map_or_else(|| "-".to_owned(), |(hits, of)| Unit::Share.show(*hits as f64 / *of as f64))
    };
    let mean = |values: &mut dyn Iterator<Item = f64>| {
        let (sum, n) =
            values.filter(|value| value.is_finite()).fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        if n > 0.0 { Unit::Share.show(sum / n) } else { "-".to_owned() }
    };
    let of_line = |(at, (line, judged)): (usize, (&Line<'_>, &Judged))| {
        vec![
            made(line),
            format!("{} of {classes}", line.found.len()),
            grouped(line.found.iter().map(|(_, tried, _)| tried.asked as u64).sum()),
            mean(&mut line.found.iter().map(|(_, tried, _)| tried.surely)),
            share(at + 1),
            like(judged.cells[0]),
            like(judged.cells[1]),
            mean(&mut line.found.iter().map(|(_, _, point)| workshop.canvas.saturation(point))),
            judged.verdict.name().to_owned(),
        ]
    };
    let mut rows: Vec<Vec<String>> = lines.iter().zip(judged).enumerate().map(of_line).collect();
    let nothing = || "-".to_owned();
    if let Some(first) = judged.first() {
        let name = "mean of the attacker's records, no model".to_owned();
        let (members, others) = (like(first.cells[2]), like(first.cells[3]));
        rows.push(vec![name, nothing(), "0".to_owned(), nothing(), share(0), members, others, nothing(), nothing()]);
    }
    let columns = [
        "made",
        "classes",
        "queries",
        "how sure the model is",
        "recognised by an independent model",
        "likeness to members",
        "likeness to others",
        "numbers at the edge",
        "verdict",
    ];
    Evidence::Table(Table {
        caption: "Inverted records by attack".to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows,
    })
}

fn limits(workshop: &Workshop<'_>, list: &[Target], scope: &Scope) -> Vec<String> {
    let mut limits = vec![format!(
        "Up to {MOST_PEOPLE} people of each side of a class were compared; the attacker had {} records.",
        Count::of(list.iter().map(|target| target.known.len()).sum())
    )];
    limits.extend(of_small(scope.small));
    if list.len() < scope.classes {
        limits.push(format!(
            "{} of {} classes were left out: too few people in them, or too few queries.",
            scope.classes - list.len(),
            scope.classes
        ));
    }
    if let Some(reason) = &workshop.refused {
        limits.push(format!("Slopes were not taken from the file: {reason}."));
    }
    limits
}

/// What a reader should know of classes that are so small that their prototype is about persons.
fn of_small((classes, people): (usize, usize)) -> Option<String> {
    let count = Count::of(people);
    (classes > 0).then(|| {
        format!(
            "{classes} of the classes have fewer than {SMALLEST_SHOWN} members ({count} people in all): for them a prototype is \
             about persons, whether it could be measured or not."
        )
    })
}

/// The small classes that can be told: what was made is nearer to their members, in the mean, than to those of any other class.
fn small_classes(
    workshop: &Workshop<'_>,
    list: &[Target],
    lines: &[Line<'_>],
    crowds: &Crowds,
    settings: Vec<(String, String)>,
) -> Option<Finding> {
    let small: Vec<usize> = (0..list.len()).filter(|&class| list[class].people < SMALLEST_SHOWN).collect();
    if small.is_empty() || list.len() < 2 {
        return None;
    }
    let mean = |point: &Point, class: usize| {
        let people = &crowds.members[class][..crowds.members[class].len().min(SHOWN_EACH)];
        people.iter().map(|person| workshop.canvas.likeness(point, person)).sum::<f64>() / people.len() as f64
    };
    let told = |line: &Line<'_>| {
        let hit = |&&class: &&usize| {
            let found = line.found.iter().find(|(at, ..)| *at == class);
            found.is_some_and(|(_, _, point)| {
                let own = mean(point, class);
                (0..list.len()).all(|other| other == class || mean(point, other) < own)
            })
        };
        small.par_iter().filter(|class| hit(class)).count()
    };
    let hits: Vec<usize> = lines.iter().map(told).collect();
    let best = (0..lines.len()).rev().max_by_key(|&at| hits[at])?;
    let estimate = wilson(hits[best], small.len(), Level::joint_95(lines.len()));
    let chance = 1.0 / list.len() as f64;
    let mut finding = counted(ID, SMALL, Unit::Share, estimate);
    finding.null_value = Some(chance);
    finding.severity = Severity::on_scale(estimate.low - chance, SMALL_SCALE);
    finding.sentence = format!(
        "Of the classes with fewer than {SMALLEST_SHOWN} members, {} can be told from a record made by {}: in so small a class a \
         prototype is about persons.",
        Unit::Share.show(estimate.value),
        made(&lines[best])
    );
    finding.limits.push(
        "Whoever knows other records or pictures of the same people needs no model for this; it is a disclosure where the class \
         itself tells who they are, or what they have."
            .to_owned(),
    );
    finding.settings = settings;
    Some(finding)
}

fn nothing_found(scope: &Scope) -> Finding {
    let mut finding = too_few(scope.small);
    "No attack made a record that the model is surer about than about the mean record."
        .clone_into(&mut finding.sentence);
    finding.standing = Standing::Insufficient {
        reason: "the answers do not move with the inputs as far as the queries allowed reach.".to_owned(),
        needed: "More queries may find a slope: `[checks.\"inversion/reconstruction\"] queries`.".to_owned(),
    };
    finding.settings = settings(scope, 0);
    finding
}

/// The finding where no class has enough people.
pub(super) fn too_few(small: (usize, usize)) -> Finding {
    let mut finding = counted(ID, GAP, Unit::Likeness, share_of(0, 1));
    finding.estimate = None;
    finding.null_value = None;
    "Too few people in every class to hold inverted records against.".clone_into(&mut finding.sentence);
    finding.standing = Standing::Insufficient {
        reason: "no class has enough members and hold-out people.".to_owned(),
        needed: "Sixty hold-out people in each class, or eleven classes with two each, would do.".to_owned(),
    };
    finding.limits.extend(of_small(small));
    finding
}
