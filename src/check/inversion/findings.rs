//! What is said about one sensitive attribute: sentences, the chart of four cells, and tables.

use super::cells::{Cells, Guesses, Top};
use super::study::{FEWEST, Measured, Refusal};
use super::verdict::{Judged, Verdict, worst};
use crate::finding::{
    Baseline, CellPair, Count, Evidence, Finding, Severity, Standing, Table, Unit, Worse, grouped, part_of, share_of,
};
use crate::stats::interval::wilson;
use crate::stats::{Estimate, Level};

/// Id of the check that these are findings of.
pub(super) const ID: &str = "inversion/attribute-inference";
/// What the model adds on members.
pub(super) const EXCESS: &str = "inversion/attribute-inference-excess";
/// How much more that is than on others.
pub(super) const GAP: &str = "inversion/attribute-inference-member-gap";
/// The share of members exposed because they are members.
pub(super) const INDIVIDUAL: &str = "inversion/attribute-inference-individual";
/// Severity scale of a proven difference: the limits of the likelihood table (very low to high).
const SCALE: [f64; 4] = [0.01, 0.05, 0.10, 0.25];
/// A precision from which a guess is as good as knowing.
const CERTAIN: f64 = 0.9;
/// How many of the surest guesses are looked at.
const TOPS: [usize; 2] = [50, 100];
/// Shares of everybody that the right ones among the surest make up.
const RECALLS: [f64; 2] = [0.01, 0.05];

fn share(estimate: &Estimate) -> String {
    Unit::Share.show(estimate.value)
}

fn points(estimate: &Estimate) -> String {
    Unit::ShareDifference.show_estimate(estimate)
}

/// The findings about one attribute. `everybody` is judged with all other attributes, `slices` with all other slices.
pub(super) fn findings(found: &Measured, everybody: &Judged, slices: &[Judged], allowed: usize) -> Vec<Finding> {
    let mut judged = vec![everybody.clone()];
    judged.extend(slices.iter().cloned());
    let Some(speaks) = worst(&judged) else { return Vec::new() };
    let settings = settings(found, allowed);
    let mut first = excess(found, everybody, speaks, settings.clone());
    first.evidence.push(attacks(found));
    first.evidence.push(imputers(found));
    first.evidence.push(surest(&found.everybody));
    first.evidence.push(who(&judged));
    if !found.sweep.is_empty() {
        first.evidence.push(sweep(found));
    }
    vec![first, gap(found, everybody, settings.clone()), individual(found, &judged, speaks, settings)]
}

fn settings(found: &Measured, allowed: usize) -> Vec<(String, String)> {
    let setting = |name: &str, value: String| (name.to_owned(), value);
    let mut settings = vec![
        setting("attack, chosen on other members", found.chosen.to_owned()),
        setting("attacks tried", found.seen.join("; ")),
        setting("imputer", found.imputer.to_owned()),
        setting("candidate values", found.candidates.to_string()),
        setting("members whose value is a candidate", part_of(found.known.0, found.known.1)),
        setting("members reported on", Count::of(found.everybody.members.people()).to_string()),
        setting("non-members reported on", Count::of(found.everybody.others.people()).to_string()),
        setting("queries allowed", grouped(allowed as u64)),
        setting("queries planned and sent", grouped(found.questions as u64)),
    ];
    if !found.left_out.is_empty() {
        settings.push(setting("attacks left out, too costly here", found.left_out.join("; ")));
    }
    if let Some(search) = &found.search {
        settings.push(setting("numbers tried", search.clone()));
    }
    if let Some(tolerance) = &found.tolerance {
        settings.push(setting("a guess is right within", tolerance.clone()));
    }
    settings
}

fn excess(found: &Measured, everybody: &Judged, speaks: &Judged, settings: Vec<(String, String)>) -> Finding {
    let name = &found.attribute.name;
    let cells = &found.everybody;
    let rate = |guesses: &Guesses| guesses.rate(everybody.excess.level);
    let mut finding = blank(name, EXCESS, settings);
    let silent = if found.is_input && found.silent >= 1.0 {
        " The model's answers do not depend on it at all: there is no signal."
    } else {
        ""
    };
    finding.sentence = format!(
        "With the model, an attacker guesses `{name}` right for {} of the members attacked; without it for {}. {}{silent}",
        share(&rate(&cells.members.attack)),
        share(&rate(&cells.members.baseline)),
        if speaks.slice.name == everybody.slice.name { meaning(everybody) } else { elsewhere(everybody, speaks) }
    );
    finding.baseline = Some(Baseline {
        name: "imputation without the model, on the same members".to_owned(),
        estimate: rate(&cells.members.baseline),
    });
    finding.severity = Severity::on_scale(everybody.excess.low, SCALE);
    let level = everybody.excess.level;
    let mut pairs = vec![pair("members", cells, true, level), pair("non-members", cells, false, level)];
    if speaks.verdict > everybody.verdict {
        let (part, level) = (&speaks.slice, speaks.excess.level);
        pairs.push(pair(&format!("members: {}", part.name), &part.cells, true, level));
        pairs.push(pair(&format!("non-members: {}", part.name), &part.cells, false, level));
    }
    finding.evidence = vec![Evidence::FourCells { title: title(name, speaks.verdict), pairs }];
    finding
        .limits
        .push(format!("On non-members the model adds {}.", points(&cells.others.excess(everybody.excess.level))));
    finding
        .limits
        .push(format!("Without the outcome, imputation is right for {} of these members.", share(&found.unaware)));
    if found.sampled {
        finding.limits.push(
            "A random sample of people is attacked, because the queries allowed do not reach for all; the intervals allow for it."
                .to_owned(),
        );
    }
    if !found.is_input {
        finding.limits.push(format!(
            "`{name}` is no input of the model: the attacker is given what the model says about the person as they are."
        ));
    }
    if let Some(plateau) = found.plateau {
        finding.limits.push(format!(
            "The values that fit the outcome best hold the true one for {} of members and {} of non-members; they span {:.2} \
             and {:.2} interquartile ranges in the median. They hold it and are no wider than a right guess may be off for {} and \
             {}.",
            share(&plateau.holds.0),
            share(&plateau.holds.1),
            plateau.width.0,
            plateau.width.1,
            share(&plateau.pinned.0),
            share(&plateau.pinned.1)
        ));
    }
    finding.estimate = Some(everybody.excess);
    finding
}

fn pair(name: &str, cells: &Cells, members: bool, level: Level) -> CellPair {
    let side = if members { &cells.members } else { &cells.others };
    CellPair { name: name.to_owned(), attack: side.attack.rate(level), baseline: side.baseline.rate(level) }
}

fn meaning(judged: &Judged) -> String {
    format!("{} ({}).", judged.verdict.meaning().trim_end_matches('.'), judged.verdict.name())
}

/// The worst part of the people, where it says more than the average.
fn elsewhere(everybody: &Judged, speaks: &Judged) -> String {
    if speaks.verdict <= everybody.verdict {
        return meaning(everybody);
    }
    let cells = &speaks.slice.cells;
    format!(
        "On average: {}. But of {} members ({}) it is right for {}, imputation for {}, and of such people it never saw for {}. {}",
        everybody.verdict.name(),
        Count::of(cells.members.people()),
        speaks.slice.name,
        share(&cells.members.attack.rate(Level::P95)),
        share(&cells.members.baseline.rate(Level::P95)),
        share(&cells.others.attack.rate(Level::P95)),
        meaning(speaks)
    )
}

fn title(name: &str, verdict: Verdict) -> String {
    match verdict {
        Verdict::Individual => format!("Being in the training data made `{name}` guessable"),
        Verdict::Distribution => format!("The model helps to guess `{name}`, of members no more than of others"),
        Verdict::Latent => format!("The model knows `{name}` of its members better, but guessing does as well"),
        Verdict::None => format!("The model does not help to guess `{name}` beyond imputation"),
    }
}

fn gap(found: &Measured, everybody: &Judged, settings: Vec<(String, String)>) -> Finding {
    let mut finding = blank(&found.attribute.name, GAP, settings);
    finding.sentence = format!(
        "The model adds {} more right guesses of `{}` on members than on people it never saw; the attack itself is right {} more \
         often on members.",
        Unit::ShareDifference.show(everybody.gap.value),
        found.attribute.name,
        points(&everybody.advantage)
    );
    finding.severity = Severity::on_scale(everybody.gap.low, SCALE);
    finding.estimate = Some(everybody.gap);
    finding
}

fn individual(found: &Measured, judged: &[Judged], speaks: &Judged, settings: Vec<(String, String)>) -> Finding {
    let mut finding = blank(&found.attribute.name, INDIVIDUAL, settings);
    let name = &found.attribute.name;
    let own = speaks.individual();
    let high = judged.iter().map(|judged| judged.individual().high).fold(own.high, f64::max);
    // Nobody whose value is no candidate was attacked.
    let attacked = found.known.0 as f64 / found.known.1.max(1) as f64;
    let estimate = Estimate { value: attacked * own.value, low: attacked * own.low, high: attacked * high, ..own };
    let cells = &speaks.slice.cells;
    let precise = cells.members.attack.rate(speaks.excess.level).low;
    let people = (estimate.low * found.known.1 as f64).floor() as usize;
    finding.sentence = match speaks.verdict {
        Verdict::Individual if people > 0 => format!(
            "Being in the training data made `{name}` guessable for at least {} of all members, {} people: {}.",
            Unit::Share.show(estimate.low),
            Count::of(people),
            speaks.slice.name
        ),
        Verdict::Individual => format!(
            "Being in the training data made `{name}` guessable for some members ({}); how many, {} of all members by the \
             numbers, is not bounded from below.",
            speaks.slice.name,
            Unit::Share.show(estimate.value)
        ),
        other => format!(
            "No group of people is shown whose `{name}` is guessable because they were in the training data; at most {} of all \
             members could be. {}",
            Unit::Share.show(estimate.high.clamp(0.0, 1.0)),
            other.meaning()
        ),
    };
    finding.severity = match speaks.verdict {
        Verdict::Individual if precise >= CERTAIN => Severity::on_scale(estimate.low, SCALE).max(Severity::High),
        Verdict::Individual => Severity::on_scale(estimate.low, SCALE).max(Severity::Low),
        _ => Severity::VeryLow,
    };
    finding.settings.push(("verdict".to_owned(), speaks.verdict.name().to_owned()));
    finding.settings.push(("people looked at together".to_owned(), judged.len().to_string()));
    finding.limits.push(
        "Counts a person where the model adds to imputation, does better than on people it never saw, and adds more than it does \
         for them: the smallest of the three differences, weighed by the part of the people it was found for."
            .to_owned(),
    );
    finding.estimate = Some(estimate);
    finding
}

fn table(caption: &str, columns: &[&str], rows: Vec<Vec<String>>) -> Evidence {
    let columns = columns.iter().map(|&name| name.to_owned()).collect();
    Evidence::Table(Table { caption: caption.to_owned(), columns, rows })
}

fn attacks(found: &Measured) -> Evidence {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
    let mut rows: Vec<Vec<String>> = found
        .attacks
        .iter()
        .map(|attack| {
            vec![
                attack.name.to_owned(),
                Unit::Share.show_estimate(&attack.members),
                Unit::Share.show_estimate(&attack.others),
                number(attack.matthews.map(|m| m.0)),
                number(attack.matthews.map(|m| m.1)),
                Unit::Share.show(attack.tied),
                Unit::Share.show_estimate(&attack.by_lot.0),
                Unit::Share.show_estimate(&attack.by_lot.1),
            ]
        })
        .collect();
    let (members, others, matthews) = &found.imputed;
    rows.push(vec![
        format!("without the model: {}", found.imputer),
        Unit::Share.show_estimate(members),
        Unit::Share.show_estimate(others),
        number(matthews.map(|m| m.0)),
        number(matthews.map(|m| m.1)),
        String::new(),
        String::new(),
        String::new(),
    ]);
    table(
        "Every attack, on all people attacked, with 95 % intervals",
        &[
            "attack",
            "members",
            "non-members",
            "MCC members",
            "MCC non-members",
            "tied",
            "members, ties by lot",
            "non-members, ties by lot",
        ],
        rows,
    )
}

/// The adversaries without the model that competed to be the baseline.
fn imputers(found: &Measured) -> Evidence {
    let rows = found.trials.iter().map(|trial| {
        let rate = wilson(trial.right.0, trial.right.1, Level::P95);
        vec![
            trial.guesser.to_owned(),
            Unit::Share.show_estimate(&rate),
            trial.matthews.map_or_else(String::new, |value| format!("{value:.3}")),
        ]
    });
    table(
        "Adversaries without the model, by cross-validation on auxiliary records: the one that is right most often is the baseline",
        &["adversary", "right", "MCC"],
        rows.collect(),
    )
}

/// Precision among the guesses an adversary is surest of.
fn surest(cells: &Cells) -> Evidence {
    let precision = |top: Option<Top>| {
        top.map_or_else(
            || vec!["never reached".to_owned(), String::new()],
            |top| {
                let told = share_of(top.right, top.people);
                if told.low < told.high {
                    return vec![Unit::Share.show_interval(&told), "withheld".to_owned()];
                }
                let precision = top.precision(Level::P95);
                vec![share(&precision), Unit::Share.show(precision.low)]
            },
        )
    };
    let sides = [&cells.members.attack, &cells.members.baseline, &cells.others.attack];
    let row = |name: String, top: &dyn Fn(&Guesses) -> Option<Top>| {
        let mut row = vec![name];
        sides.iter().for_each(|guesses| row.extend(precision(top(guesses))));
        row
    };
    let mut rows = Vec::new();
    for count in TOPS.into_iter().filter(|&count| count >= FEWEST && count <= cells.members.people()) {
        rows.push(row(format!("{count} surest"), &|guesses| Some(guesses.top(count))));
    }
    for recall in RECALLS {
        let name = format!("right for {} of people", Unit::Share.show(recall));
        rows.push(row(name, &|guesses| guesses.top_at_recall(recall)));
    }
    table(
        "How often the surest guesses are right, whole blocks of ties, with exact lower bounds at 97.5 %; where 1 to 10 guesses are right or wrong, \
         the range that any such count gives",
        &[
            "guesses",
            "attack, members",
            "at least",
            "imputation, members",
            "at least",
            "attack, non-members",
            "at least",
        ],
        rows,
    )
}

/// What the attack gains of what is left to gain, with its interval.
fn left_to_gain(judged: &Judged) -> String {
    judged
        .slice
        .cells
        .residual(judged.excess.level)
        .map_or_else(|| "nothing was left".to_owned(), |gained| Unit::Share.show_estimate(&gained))
}

/// Everybody and the slices with their verdicts.
fn who(judged: &[Judged]) -> Evidence {
    let row = |judged: &Judged| {
        let cells = &judged.slice.cells;
        let sides = [&cells.members.attack, &cells.members.baseline, &cells.others.attack, &cells.others.baseline];
        // A share of few people says how many they are, and so does a difference of such shares.
        let told = sides.map(|guesses| share_of(guesses.hits(), guesses.right.len()));
        let few = told.iter().any(|told| told.low < told.high);
        let rate = |at: usize| {
            if told[at].low < told[at].high {
                Unit::Share.show_interval(&told[at])
            } else {
                share(&sides[at].rate(Level::P95))
            }
        };
        let or_withheld = |text: String| if few { "withheld".to_owned() } else { text };
        vec![
            judged.slice.name.clone(),
            Count::of(cells.members.people()).to_string(),
            rate(0),
            rate(1),
            rate(2),
            rate(3),
            or_withheld(left_to_gain(judged)),
            or_withheld(points(&judged.excess)),
            or_withheld(points(&judged.gap)),
            judged.verdict.name().to_owned(),
        ]
    };
    table(
        "Who is exposed: verdicts corrected for everything looked at (Holm), intervals that hold together",
        &[
            "who",
            "members",
            "attack",
            "imputation",
            "attack, non-members",
            "imputation, non-members",
            "of what was left to gain (residual risk)",
            "model adds",
            "more than for non-members",
            "verdict",
        ],
        judged.iter().map(row).collect(),
    )
}

fn sweep(found: &Measured) -> Evidence {
    let rows = found.sweep.iter().map(|known| {
        vec![
            grouped(known.records as u64),
            Unit::Share.show_estimate(&known.members.0),
            Unit::Share.show_estimate(&known.members.1),
            points(&known.excess),
            points(&known.outside),
        ]
    });
    table(
        "An attacker who learned from fewer records (imputation times confidence)",
        &["records", "with the model", "without it", "model adds, members", "model adds, non-members"],
        rows.collect(),
    )
}

fn blank(scope: &str, measure: &str, settings: Vec<(String, String)>) -> Finding {
    Finding {
        check: ID.to_owned(),
        measure: measure.to_owned(),
        scope: scope.to_owned(),
        sentence: String::new(),
        estimate: None,
        unit: Unit::ShareDifference,
        worse: Worse::Higher,
        null_value: Some(0.0),
        baseline: None,
        severity: Severity::VeryLow,
        standing: Standing::Sound,
        evidence: Vec::new(),
        limits: vec![
            "Only records whose value is known and one of the candidates are attacked; rarer values are not judged."
                .to_owned(),
            "One record per patient is attacked.".to_owned(),
        ],
        settings,
    }
}

/// What is said of an attribute that could not be attacked.
pub(super) fn refused(name: &str, refusal: Refusal) -> Finding {
    let mut finding = blank(name, EXCESS, Vec::new());
    let (sentence, reason, needed) = match refusal {
        Refusal::OneValue => (
            format!("`{name}` has a single value among the records an attacker could learn from."),
            format!("`{name}` has fewer than two candidate values."),
            "More non-member records, or another sensitive column.",
        ),
        Refusal::TooFew => (
            format!("Too few records have a known value of `{name}` that could be attacked."),
            format!("too few records have a known value of `{name}` among the candidates."),
            "Hundreds of members and non-members with a known value would do.",
        ),
    };
    finding.sentence = sentence;
    finding.standing = Standing::Insufficient { reason, needed: needed.to_owned() };
    finding
}
