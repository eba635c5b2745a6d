//! Roles of columns that contradict each other: a plan that has them would measure something else than it says.

use std::collections::BTreeSet;

use super::settings::Settings;
use crate::data::{Role, Schema};

/// Roles that no column has together: who a person is, what a model predicts and who was trained on are three things, and what is
/// predicted is not left out.
const APART: [(Role, Role); 11] = [
    (Role::Patient, Role::Target),
    (Role::Patient, Role::Split),
    (Role::Patient, Role::QuasiIdentifier),
    (Role::Patient, Role::Sensitive),
    (Role::Target, Role::Identifier),
    (Role::Target, Role::Split),
    (Role::Target, Role::LeftOut),
    (Role::Target, Role::Weight),
    (Role::Split, Role::QuasiIdentifier),
    (Role::Split, Role::Sensitive),
    (Role::Split, Role::Weight),
];

/// Where the plan gives a role: recorded scores have a table of their own.
fn setting(role: Role, scores: bool) -> &'static str {
    match role {
        Role::Patient if scores => "scores.patient",
        Role::Target if scores => "scores.label",
        Role::Split if scores => "scores.member",
        Role::Identifier => "columns.identifiers",
        Role::Patient => "data.patient",
        // Sets of columns under `[threats]` count as these.
        Role::QuasiIdentifier => "columns.quasi_identifiers",
        Role::Sensitive => "columns.sensitive",
        Role::Target => "data.target",
        Role::Split => "data.split",
        Role::Weight | Role::Household => "threats",
        Role::Score => "scores",
        Role::LeftOut => "columns.leave_out",
    }
}

/// Complains about every column whose roles exclude each other, and about lists that name a column twice.
pub(super) fn check(s: &mut Settings, schema: &Schema) {
    let scores = s.table("scores").is_some();
    for (path, names) in [
        ("columns.identifiers", &schema.identifiers),
        ("columns.sensitive", &schema.sensitive),
        ("columns.leave_out", &schema.leave_out),
    ] {
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
            s.complain(path, format!("`{path}` names `{twice}` twice"), "name every column once");
        }
    }
    let one = [schema.patient.as_deref(), schema.split.as_deref()];
    let outcome = schema.target.as_ref().map(|target| target.columns()).unwrap_or_default();
    let columns: BTreeSet<&str> = one.into_iter().flatten().chain(outcome).collect();
    for column in columns {
        let roles = schema.roles(column);
        for (a, b) in APART.into_iter().filter(|(a, b)| roles.contains(a) && roles.contains(b)) {
            let (first, second) = (setting(a, scores), setting(b, scores));
            s.complain(
                second,
                format!("the column `{column}` is the {a} (`{first}`) and the {b} (`{second}`)"),
                "give each a column of its own, or drop one of the two settings",
            );
        }
    }
}
