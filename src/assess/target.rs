//! What `[data] target` may say, and whether it fits `[model] task`.

use super::AssessError;
use super::settings::{Settings, text_list};
use crate::check::Truth;
use crate::data::{Cells, Outcome, Target};
use crate::model::Task;

const FORMS: &str = "a column, a list of label columns, or { time = \"...\", event = \"...\" }";

/// Reads `[data] target`.
pub(super) fn target(s: &mut Settings) -> Option<Outcome> {
    let target = s.take("data", "target", FORMS, outcome)?;
    if let Outcome::Labels(names) = &target {
        if names.len() < 2 {
            s.complain(
                "data.target",
                format!("`data.target` is a list of {} columns", names.len()),
                "list the columns of two labels or more; a single column is written without brackets",
            );
        }
        if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            s.complain("data.target", format!("`data.target` lists `{}` twice", twice.1), "list every label once");
        }
    }
    Some(target)
}

fn outcome(value: &toml::Value) -> Option<Outcome> {
    let Some(table) = value.as_table() else {
        return value.as_str().map(Outcome::from).or_else(|| text_list(value).map(Outcome::Labels));
    };
    let text = |key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    (table.len() == 2).then_some(Outcome::Survival { time: text("time")?, event: text("event")? })
}

/// `[model] times`: ascending numbers from zero on.
pub(super) fn times(s: &mut Settings) -> Option<Vec<f64>> {
    let wanted = "a list of at least two times, ascending, none below zero";
    s.take("model", "times", wanted, |value| {
        let number = |item: &toml::Value| item.as_float().or_else(|| item.as_integer().map(|whole| whole as f64));
        let times: Vec<f64> = value.as_array()?.iter().map(number).collect::<Option<_>>()?;
        let ascending = times.windows(2).all(|pair| pair[0] < pair[1]);
        (times.len() > 1 && times[0] >= 0.0 && ascending && times.iter().all(|time| time.is_finite())).then_some(times)
    })
}

/// Complains where the task of the model and the form of the target contradict each other.
pub(super) fn fit(s: &mut Settings, task: Option<Task>, target: Option<&Outcome>) {
    let wanted = target.and_then(task_of);
    let (what, help) = match (task, target, wanted) {
        (Some(Task::MultiLabel), Some(Outcome::One(_)), _) => (
            "`model.task` is \"multi-label\" and `data.target` names one column",
            "list the columns of all labels: target = [\"a\", \"b\"]",
        ),
        (Some(Task::MultiLabel), None, _) => (
            "`model.task` is \"multi-label\" and `data.target` is not set",
            "list the columns of all labels: target = [\"a\", \"b\"]",
        ),
        (Some(Task::Survival), target, None) if target.is_none_or(|t| matches!(t, Outcome::One(_))) => (
            "`model.task` is \"survival\" and `data.target` names no time and event",
            "write target = { time = \"days\", event = \"died\" }",
        ),
        (Some(task), Some(_), Some(wanted)) if task != wanted => (
            match wanted {
                Task::MultiLabel => "`data.target` lists labels and `model.task` is another than \"multi-label\"",
                _ => "`data.target` names time and event and `model.task` is another than \"survival\"",
            },
            "make the two agree; without `task` the form of the target says what the model predicts",
        ),
        _ => return,
    };
    s.complain("data.target", what, help);
}

/// The task that the form of a target speaks of; a single column may be of two.
pub(super) fn task_of(target: &Outcome) -> Option<Task> {
    match target {
        Outcome::One(_) => None,
        Outcome::Labels(_) => Some(Task::MultiLabel),
        Outcome::Survival { .. } => Some(Task::Survival),
    }
}

fn mismatch(what: String, help: &str) -> AssessError {
    AssessError::Mismatch { what, help: help.to_owned() }
}

/// A column of ones and zeros.
fn flags(cells: &Cells, name: &str, set: &str) -> Result<Vec<bool>, AssessError> {
    let flag = |row: usize| match cells.text(row).as_deref() {
        Some("1" | "true" | "True" | "TRUE") => Some(true),
        Some("0" | "false" | "False" | "FALSE") => Some(false),
        _ => None,
    };
    (0..cells.len())
        .map(|row| {
            flag(row).ok_or_else(|| {
                mismatch(
                    format!(
                        "the column `{name}` of `[data] target` holds something else than 1 and 0 in {set} record {}",
                        row + 1
                    ),
                    "write 1 where the label holds or the event happened and 0 where not, or name another column",
                )
            })
        })
        .collect()
}

/// The labels of every record.
pub(super) fn labels(target: &Target, names: &[String], set: &str) -> Result<Truth, AssessError> {
    let columns = target.columns().iter().zip(names).map(|(cells, name)| flags(cells, name, set));
    let columns: Vec<Vec<bool>> = columns.collect::<Result<_, _>>()?;
    let rows = columns.first().map_or(0, Vec::len);
    let values = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    Ok(Truth::Flags { labels: columns.len(), values })
}

/// How long every record was followed, and whether the event ended that.
pub(super) fn survival(target: &Target, time: &str, event: &str, set: &str) -> Result<Truth, AssessError> {
    let [times, events] = target.columns() else {
        return Err(mismatch("the target has no column of times and one of events".to_owned(), "set `[data] target`"));
    };
    let events = flags(events, event, set)?;
    let numbers = times.numbers().filter(|_| times.kind() != crate::data::Kind::Bool).ok_or_else(|| {
        mismatch(
            format!("the column `{time}` of `[data] target` holds {}, and times are numbers", times.kind()),
            "give times as numbers, in days or years and not as dates",
        )
    })?;
    if let Some(row) = numbers.iter().position(|time| !time.is_finite() || *time < 0.0) {
        return Err(mismatch(
            format!(
                "the column `{time}` of `[data] target` holds a time below zero, or none, in {set} record {}",
                row + 1
            ),
            "count times from the start of follow-up, and leave records without one out of both sets",
        ));
    }
    Ok(Truth::Survival { times: numbers, events, hazards: None })
}
