//! The threat models of a plan: `[columns] quasi_identifiers` in its short forms, and a table `[threats.NAME]` for what else
//! is known about an attacker.

use std::path::Path;

use super::settings::{Settings, text_list};
use crate::data::{Auxiliary, PEOPLE, Population, ThreatModel};

/// The table of a plan.
pub(super) const TABLE: &str = "threats";
const KEYS: [&str; 11] = [
    "columns",
    "recipient",
    "attacker",
    "population",
    "fraction",
    "attempt",
    "weights",
    "households",
    "auxiliary",
    "match",
    "truth",
];
const ATTACKERS: [&str; 3] = ["prosecutor", "journalist", "marketer"];
const MOST_QUASI_IDENTIFIERS: usize = 64;

/// Every set of quasi-identifiers. A set named in `[columns.quasi_identifiers]` may be described under `[threats]`; a set
/// may stand under `[threats]` alone, with its `columns`.
pub(super) fn threats(s: &mut Settings, folder: &Path) -> Vec<ThreatModel> {
    let mut threats = quasi_identifiers(s);
    for name in s.keys(TABLE) {
        let path = format!("{TABLE}.{name}");
        if s.table(&path).is_none() {
            s.complain(
                &path,
                format!("`{path}` must be a table with a name without dots"),
                "write `[threats.neighbour]` on a line of its own and the settings of the threat below",
            );
            continue;
        }
        s.only(&path, &KEYS);
        let listed = threats.iter().position(|threat| threat.name == name);
        let columns = columns(s, &path, listed.is_some());
        let at = listed.unwrap_or_else(|| {
            threats.push(ThreatModel::of(&name, &columns));
            threats.len() - 1
        });
        let columns = threats[at].columns.clone();
        let auxiliary = auxiliary(s, folder, &path, &columns);
        if s.table(&format!("{path}.population")).is_some() && columns.iter().any(|column| column == PEOPLE) {
            s.complain(
                &format!("{path}.population"),
                format!("the quasi-identifier `{PEOPLE}` of `{path}` is what margins call the count of people"),
                "rename the column of the data",
            );
        }
        let threat = ThreatModel { columns, auxiliary, ..described(s, folder, &path, &name) };
        threats[at] = threat;
    }
    threats
}

/// A plain list is one unnamed set; a table holds named sets.
fn quasi_identifiers(s: &mut Settings) -> Vec<ThreatModel> {
    let sets =
        s.take("columns", "quasi_identifiers", "a list of columns, or a table of named lists", |value| match value {
            toml::Value::Table(sets) => {
                sets.iter().map(|(name, list)| Some(ThreatModel::of(name, &text_list(list)?))).collect()
            }
            list => Some(vec![ThreatModel::of("", &text_list(list)?)]),
        });
    let sets: Vec<ThreatModel> = sets.unwrap_or_default();
    for set in &sets {
        bounded(s, "columns.quasi_identifiers", &set.columns);
    }
    sets
}

/// The columns of a threat that is listed nowhere else.
fn columns(s: &mut Settings, path: &str, listed: bool) -> Vec<String> {
    let key = format!("{path}.columns");
    match (s.has(path, "columns"), listed) {
        (true, true) => {
            s.complain(
                &key,
                format!("the columns of `{path}` are given twice"),
                "list them here or under `[columns.quasi_identifiers]`",
            );
            Vec::new()
        }
        (false, true) => Vec::new(),
        (false, false) => {
            s.complain(&key, format!("`[{path}]` has no `columns`"), "list the columns that the attacker knows");
            Vec::new()
        }
        (true, false) => {
            let Some(columns) = s.texts(path, "columns") else { return Vec::new() };
            bounded(s, &key, &columns);
            columns
        }
    }
}

fn bounded(s: &mut Settings, path: &str, columns: &[String]) {
    if columns.is_empty() || columns.len() > MOST_QUASI_IDENTIFIERS {
        s.complain(
            path,
            format!("a set of quasi-identifiers has {} columns", columns.len()),
            format!("list from 1 to {MOST_QUASI_IDENTIFIERS} columns"),
        );
    }
    if let Some(twice) = columns.iter().enumerate().find(|(at, name)| columns[..*at].contains(name)) {
        s.complain(
            path,
            format!("a set of quasi-identifiers names the column `{}` twice", twice.1),
            "name every column once",
        );
    }
}

/// What a table says besides the columns.
fn described(s: &mut Settings, folder: &Path, path: &str, name: &str) -> ThreatModel {
    let attempt = s.number(path, "attempt").unwrap_or(1.0);
    if !(attempt > 0.0 && attempt <= 1.0) {
        s.complain(
            &format!("{path}.attempt"),
            format!("`{path}.attempt` must be above 0 and at most 1"),
            "write 0.05 where one in twenty recipients would try; 1 where an attack is certain",
        );
    }
    let population = population(s, folder, path);
    let attacker = s.word(path, "attacker", &ATTACKERS).unwrap_or_default();
    ThreatModel {
        recipient: s.text(path, "recipient"),
        attacker,
        population,
        attempt,
        weights: s.text(path, "weights"),
        households: s.text(path, "households"),
        ..ThreatModel::of::<&str>(name, &[])
    }
}

/// The file of an attacker, what the columns are called in it, and the columns that tell who is who.
fn auxiliary(s: &mut Settings, folder: &Path, path: &str, columns: &[String]) -> Option<Auxiliary> {
    let at = format!("{path}.match");
    let names = |value: &toml::Value| -> Option<Vec<(String, String)>> {
        value.as_table()?.iter().map(|(ours, theirs)| Some((ours.clone(), theirs.as_str()?.to_owned()))).collect()
    };
    let wanted = "a table of columns: { column_of_the_data = \"column of the file\" }";
    let matched = s.take(path, "match", wanted, names).unwrap_or_default();
    let truth = s.take(path, "truth", wanted, names).unwrap_or_default();
    if !s.has(path, "auxiliary") {
        for key in ["match", "truth"].into_iter().filter(|key| s.has(path, key)).collect::<Vec<_>>() {
            let what = format!("`{path}.{key}` says something of a file that is not there");
            s.complain(&format!("{path}.{key}"), what, format!("name the attacker's file: `{path}.auxiliary`"));
        }
        return None;
    }
    if let Some((stranger, _)) = matched.iter().find(|(ours, _)| !columns.contains(ours)) {
        let what = format!("`{at}` names `{stranger}`, which is none of the threat's columns");
        s.complain(&at, what, "list the columns of the threat whose name is another one in the file");
    }
    let alike =
        matched.iter().enumerate().find(|(at, (_, theirs))| matched[..*at].iter().any(|(_, other)| other == theirs));
    if let Some((_, (_, twice))) = alike {
        s.complain(&at, format!("`{at}` names `{twice}` twice"), "give each column of the data a column of its own");
    }
    let told = truth.iter().any(|(ours, _)| columns.contains(ours));
    if truth.len() > 1 || told {
        s.complain(
            &format!("{path}.truth"),
            format!("`{path}.truth` must be one column that is not linked by"),
            "name the column that identifies people in both files: { patient = \"id\" }",
        );
    }
    let file = s.existing(folder, path, "auxiliary")?;
    let named =
        |column: &String| matched.iter().find(|(ours, _)| ours == column).map_or(column, |(_, theirs)| theirs).clone();
    Some(Auxiliary { file, columns: columns.iter().map(named).collect(), truth: truth.into_iter().next() })
}

/// A size, a share, a register or margins; never two of them.
fn population(s: &mut Settings, folder: &Path, path: &str) -> Option<Population> {
    let (at, fraction_at) = (format!("{path}.population"), format!("{path}.fraction"));
    let fraction = s.number(path, "fraction");
    let Some(value) = s.value(path, "population").cloned() else {
        let fraction = fraction?;
        if !(fraction > 0.0 && fraction <= 1.0) {
            let help = "write 0.1 where one in ten people of the population is in the data";
            s.complain(&fraction_at, format!("`{fraction_at}` must be above 0 and at most 1"), help);
        }
        return Some(Population::Fraction(fraction));
    };
    if fraction.is_some() {
        s.complain(
            &fraction_at,
            format!("`{at}` and `{fraction_at}` exclude each other"),
            "give the size or the register of the population, or the share of it that is in the data",
        );
    }
    match value {
        toml::Value::Integer(size) if size >= 1 => Some(Population::Size(size.cast_unsigned())),
        toml::Value::String(_) => s.existing(folder, path, "population").map(Population::Register),
        toml::Value::Table(_) => {
            s.only(&at, &["margins"]);
            if !s.has(&at, "margins") {
                let help =
                    "write `population = { margins = \"census.csv\" }`: counts of people over some of the columns";
                s.complain(&at, format!("`{at}` names no file of margins"), help);
            }
            s.existing(folder, &at, "margins").map(Population::Margins)
        }
        _ => {
            let what = format!("`{at}` must be a number of people from 1, the path of a table, or margins");
            let help =
                "write 317238626, \"register.parquet\" for a table of the population, or { margins = \"census.csv\" }";
            s.complain(&at, what, help);
            None
        }
    }
}
