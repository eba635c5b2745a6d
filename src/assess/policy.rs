//! Policies: which measure may be how large, and why.
//!
//! A profile is a data file (`src/assess/profiles/*.toml`); a plan may override single limits.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What the gate does with an undetermined verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undetermined {
    /// Exit code 3: somebody has to decide.
    Fail,
    /// Exit code 0, the verdict still says undetermined.
    Warn,
}

/// One limit of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// The measure it applies to.
    pub measure: String,
    /// The largest (or, where lower is worse, the smallest) acceptable value.
    pub limit: f64,
    /// Why this value.
    pub reason: String,
    /// Whether the limit counts only where the data can support the measure.
    pub only_where_measured: bool,
    /// Whether the plan set it.
    pub from_plan: bool,
}

/// A policy in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Name of the profile.
    pub profile: String,
    /// What an undetermined verdict does.
    pub undetermined: Undetermined,
    /// Limits in the order of their measures.
    pub limits: Vec<Limit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    limits: BTreeMap<String, ProfileLimit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ProfileLimit {
    limit: f64,
    reason: String,
    #[serde(default)]
    only_where_measured: bool,
}

/// Names of the profiles that come with privet.
pub const PROFILES: [&str; 2] = ["hipaa", "cms"];

impl Policy {
    /// A profile by name, or nothing if there is none of that name.
    ///
    /// # Panics
    /// Never: the files are part of the program and tested.
    pub fn profile(name: &str) -> Option<Self> {
        const HIPAA: &str = include_str!("profiles/hipaa.toml");
        let files: &[&str] = match name {
            "hipaa" => &[HIPAA],
            "cms" => &[HIPAA, include_str!("profiles/cms.toml")],
            _ => return None,
        };
        let read = |text: &&str| toml::from_str::<ProfileFile>(text).expect("profiles are checked by a test").limits;
        let limits: BTreeMap<String, ProfileLimit> = files.iter().flat_map(read).collect();
        let limits = limits
            .into_iter()
            .map(|(measure, limit)| Limit {
                measure,
                limit: limit.limit,
                reason: limit.reason,
                only_where_measured: limit.only_where_measured,
                from_plan: false,
            })
            .collect();
        Some(Self { profile: name.to_owned(), undetermined: Undetermined::Fail, limits })
    }

    /// Sets a limit from a plan.
    pub fn set(&mut self, measure: &str, limit: f64) {
        let new = Limit {
            measure: measure.to_owned(),
            limit,
            reason: "set in the plan".to_owned(),
            only_where_measured: false,
            from_plan: true,
        };
        match self.limits.iter_mut().find(|l| l.measure == measure) {
            Some(old) => *old = new,
            None => self.limits.push(new),
        }
        self.limits.sort_by(|a, b| a.measure.cmp(&b.measure));
    }

    /// Drops the limits of a measure family that an assessment does not cover.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.limits.retain(|limit| keep(&limit.measure));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cms_holds_all_limits_of_hipaa_and_more() {
        let (hipaa, cms) = (Policy::profile("hipaa").unwrap(), Policy::profile("cms").unwrap());
        assert!(hipaa.limits.iter().all(|limit| cms.limits.contains(limit)));
        assert!(cms.limits.len() > hipaa.limits.len());
        assert!(cms.limits.is_sorted_by(|a, b| a.measure < b.measure));
    }

    #[test]
    fn every_profile_parses_and_gives_reasons() {
        for name in PROFILES {
            let policy = Policy::profile(name).expect("listed profiles exist");
            assert!(!policy.limits.is_empty());
            assert!(policy.limits.iter().all(|limit| limit.reason.len() > 20), "each limit says why");
        }
    }
}
