//! `privet power`.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::Context;

use super::args;
use super::assess::with_help;
use super::{Exit, show};
use crate::assess::plan::Plan;
use crate::assess::policy::{PROFILES, Policy};
use crate::assess::power::{self, Attacks, Counted, LimitPower, Power, Reach, Side, Study};
use crate::finding::grouped;

/// What stands where nothing can be said.
const NOTHING: &str = "too few";

pub(super) fn run(arguments: &args::Power) -> anyhow::Result<Exit> {
    let (study, policy) = match &arguments.plan {
        Some(file) => {
            let plan = Plan::load(file).map_err(|error| with_help(error.into()))?;
            (power::count(&plan, arguments.icc).map_err(with_help)?, power::policy(&plan))
        }
        None => (numbers(arguments), Policy::profile(PROFILES[0]).context("the default profile comes with privet")?),
    };
    let power = power::of(&study, &policy);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&power).context("writing JSON")?)?;
    } else {
        write!(out, "{}", text(&power))?;
    }
    Ok(Exit::Pass)
}

fn numbers(arguments: &args::Power) -> Study {
    let side = |records: Option<u32>| {
        let records = records.map_or(0, |records| records as usize);
        match arguments.records_per_patient {
            Some(each) => Side::even(records, each, arguments.icc),
            None => Side::independent(records),
        }
    };
    Study {
        source: "the numbers given".to_owned(),
        members: side(arguments.members),
        nonmembers: side(arguments.nonmembers),
        icc: arguments.records_per_patient.map(|_| arguments.icc),
        attacks: Attacks::Several,
    }
}

fn text(power: &Power) -> String {
    let mut text = String::new();
    let count = |side: &Counted| match side.patients {
        Some(patients) => format!("{} records of {patients} patients", side.records),
        None => format!("{} records", side.records),
    };
    let _ = writeln!(text, "{}: what membership tests can show", power.source);
    let _ = writeln!(text, "  members {}; non-members {}", count(&power.members), count(&power.nonmembers));
    if let Some(icc) = power.icc {
        let _ = writeln!(
            text,
            "  rates count one record of each patient; areas assume a correlation of {icc} within a patient"
        );
    }
    if power.one_attack.is_some() {
        let _ = writeln!(text, "\n{}\n", reaches(power));
    }
    if let Some(best) = power.best_of_ten_useless {
        let _ = writeln!(
            text,
            "The best of {} useless attacks reaches an area of {best:.3} in 5 of 100 runs: less than that, picked among \
             several on the same records, is no leak.",
            power::USELESS
        );
    }
    let _ = writeln!(text, "\n{}\n", limits(power));
    for limit in power.limits.iter().filter(|limit| limit.chance_without_leak.is_none()) {
        let _ = writeln!(text, "- `{}`: {}", limit.measure, limit.sentence);
    }
    for advice in &power.advice {
        let _ = writeln!(text, "- {advice}");
    }
    text
}

fn reaches(power: &Power) -> comfy_table::Table {
    let mut table = show::table(&["", "one attack, fixed beforehand", "the strongest of several, reported on halves"]);
    let both = [power.one_attack, power.strongest];
    let mut row = |name: &str, cell: &dyn Fn(&Reach) -> String| {
        let [one, several] = both.map(|reach| reach.map_or(NOTHING.to_owned(), |reach| cell(&reach)));
        table.add_row([name.to_owned(), one, several]);
    };
    let unit = power.unit;
    row(&format!("member and non-member {unit} that report"), &|reach| {
        format!("{} and {}", grouped(reach.members as u64), grouped(reach.nonmembers as u64))
    });
    row("level of each bound", &|reach| format!("{:.1} %", 100.0 * reach.level.value()));
    row("standard error of the area of a useless attack", &|reach| format!("{:.4}", reach.null_standard_error));
    row("area detected with 80 % power (one-sided, 5 %)", &|reach| format!("{:.3}", reach.detectable_area));
    row("smallest false-positive rate with five false positives", &|reach| percent(reach.five_false_positives));
    row("smallest false-positive rate with any bound", &|reach| percent(reach.any_bound));
    row("largest epsilon that can be proven", &|reach| format!("{:.2}", reach.largest_epsilon));
    table
}

fn limits(power: &Power) -> comfy_table::Table {
    let header = [
        "measure",
        "limit",
        "can fail",
        "can pass",
        "without a leak",
        &format!("{} a side to prove a leak", power.unit),
        &format!("{} a side to pass without one", power.unit),
    ];
    let mut table = show::table(&header);
    for limit in &power.limits {
        table.add_row(limit_row(limit));
    }
    if let Some(column) = table.column_mut(0) {
        column.set_constraint(comfy_table::ColumnConstraint::ContentWidth);
    }
    table
}

fn limit_row(limit: &LimitPower) -> [String; 7] {
    let needed = |number: Option<usize>| number.map_or(String::new(), |number| grouped(number as u64));
    [
        limit.measure.clone(),
        limit.limit.to_string(),
        limit.can_fail.word().to_owned(),
        limit.can_pass.word().to_owned(),
        limit.chance_without_leak.map_or(String::new(), |chance| format!("passes {:.0} of 100 runs", 100.0 * chance)),
        needed(limit.needed_to_fail),
        needed(limit.needed_to_pass),
    ]
}

/// A rate with three digits.
fn percent(rate: f64) -> String {
    let percent = 100.0 * rate;
    let digits = (2.0 - percent.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{percent:.digits$} %")
}
