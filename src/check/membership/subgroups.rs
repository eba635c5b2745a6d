//! # What it measures
//! Whether some people are more exposed than others: how well the strongest attack does within each outcome and within each
//! group by sex, age, race or any other column. The finding is the most exposed group.
//!
//! # Who could do this
//! Whoever could run the strongest attack; its card says who.
//!
//! # How
//! In each group the members are told from the non-members of the same group, so that a threshold means the same error for
//! everybody. The attack is chosen on one half of all patients and measured on the other half of the group, 25 times, as
//! for the strongest attack. Intervals are simultaneous: all of them hold together with 95 %. Groups with fewer than eleven
//! patients on either side are left out.
//!
//! # Reading the number
//! An area of 0.5 is chance. A group whose interval lies over that of everybody is more exposed than the average says.
//!
//! # When it misleads
//! Small groups have wide intervals: not seen is not the same as not there. Groups overlap.
//!
//! # Cost
//! Sorting.
//!
//! # References
//! Knolle et al., Nature 2026 (disparate risk in medical models); Meinshausen et al., JASA 2009.

use serde::Deserialize;

use super::pool::{FEWEST, Pool, area_severity, blank};
use super::selection::{Aim, Selection};
use crate::check::groups::{Group, Values, groups};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{Evidence, Family, Table, Unit};
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/subgroups",
    title: "Exposure by group",
    family: Family::Membership,
    measures: &[AUC],
    source: include_str!("subgroups.rs"),
};

const AUC: &str = "membership/subgroup-auc";
/// Fewest units of either side of a group that report.
const FEWEST_OF_GROUP: usize = FEWEST;

/// The check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Subgroups {
    /// Columns whose groups are looked at; the quasi-identifiers where none are named.
    columns: Option<Vec<String>>,
    /// Values that may be named, by column; others are numbered by their frequency.
    values: Values,
}

impl Check for Subgroups {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Scores]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(pool) = Pool::of(subject) else { return Ok(Output::default()) };
        let all = groups(subject, pool.sides(), self.columns.as_deref(), &self.values)?;
        if all.is_empty() {
            return Err(CheckError::NotApplicable {
                reason: "there are no two groups of at least eleven patients on either side".to_owned(),
                remedy: "name columns under `[checks.\"membership/subgroups\"] columns`".to_owned(),
            });
        }
        let selection = Selection::of(&pool, subject.scores);
        if selection.attacks().is_empty() {
            return Ok(Output::default());
        }
        let level = Level::joint_95(all.len());
        let measured: Vec<(&Group, Option<Estimate>, Option<Estimate>)> = all
            .iter()
            .map(|group| {
                let area = selection.within(Some(&group.rows), Aim::Area, level, FEWEST_OF_GROUP);
                (group, area, selection.within(Some(&group.rows), Aim::RateAt(0.1), level, FEWEST_OF_GROUP))
            })
            .collect();
        let everybody = selection.within(None, Aim::Area, Level::P95, FEWEST_OF_GROUP);
        let mut finding = blank(META.id, AUC, Unit::Area, 0.5);
        let worst = measured.iter().filter_map(|(group, area, _)| Some((*group, (*area)?)));
        match worst.max_by(|a, b| a.1.low.total_cmp(&b.1.low)) {
            Some((group, estimate)) => {
                finding.scope.clone_from(&group.name);
                finding.sentence = format!(
                    "The group in which members are surest to be recognised is {}: the attacker picks the right one of two {} of \
                     the time{}.",
                    group.name,
                    Unit::Share.show(estimate.value),
                    compared(&estimate, everybody.as_ref())
                );
                finding.severity = area_severity(&estimate);
                finding.estimate = Some(estimate);
            }
            None => finding.standing = pool.too_few((0, 0), 0.1, 2),
        }
        finding.settings = vec![("groups".to_owned(), all.len().to_string())];
        finding.limits.push("Small groups have wide intervals: not seen is not the same as not there.".to_owned());
        finding.evidence.push(table(&measured, everybody.as_ref()));
        Ok(vec![finding].into())
    }
}

fn compared(group: &Estimate, everybody: Option<&Estimate>) -> String {
    match everybody {
        Some(all) if group.low > all.high => {
            format!(", which is more than for everybody ({})", Unit::Share.show(all.value))
        }
        Some(all) => format!(", against {} for everybody", Unit::Share.show(all.value)),
        None => String::new(),
    }
}

fn table(measured: &[(&Group, Option<Estimate>, Option<Estimate>)], everybody: Option<&Estimate>) -> Evidence {
    let show = |unit: Unit, estimate: Option<&Estimate>| {
        estimate.map_or_else(
            || vec!["too few".to_owned(), String::new()],
            |estimate| vec![unit.show(estimate.value), unit.show_interval(estimate)],
        )
    };
    let row = |name: &str, area: Option<&Estimate>, rate: Option<&Estimate>| {
        [vec![name.to_owned()], show(Unit::Area, area), show(Unit::Share, rate)].concat()
    };
    let mut rows = vec![row("everybody", everybody, None)];
    rows[0].truncate(3);
    rows[0].extend([String::new(), String::new()]);
    rows.extend(measured.iter().map(|(group, area, rate)| row(&group.name, area.as_ref(), rate.as_ref())));
    Evidence::Table(Table {
        caption: "The strongest attack within groups; the intervals of the groups hold together with 95 %".to_owned(),
        columns: ["group", "area", "interval", "TPR at 10 %", "interval"].map(str::to_owned).to_vec(),
        rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::{attacked, case};
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for Subgroups {
        const MEASURE: &'static str = AUC;

        fn null(seed: u64) -> (Case, f64) {
            (attacked(case(300, 0.0, seed), seed), 0.5)
        }

        fn leaky() -> Case {
            attacked(case(800, 4.0, 1), 1)
        }

        /// Both outcomes leak alike: Phi(1 / sqrt 2) = 0.760249938906524.
        fn graded(seed: u64) -> (Case, f64) {
            (attacked(case(800, 1.0, seed), seed), 0.760_249_938_906_524)
        }
    }
}
