//! # What it measures
//! What the strongest membership attack still achieves where the two sets are alike: on members and non-members who
//! resemble each other without the model, and within strata of people who resemble each other.
//!
//! # Who could do this
//! An auditor. It is the remedy for a split that is not sound: it does not show what an attacker reaches, it shows what of
//! the attack's success the model is to blame for.
//!
//! # How
//! Runs where the blind classifier (see `dataset/split-integrity`) tells members from non-members. Every member, in random
//! order, is matched with the nearest non-member by the classifier's out-of-fold log-odds, within the same fold, at most 0.2
//! standard deviations away, without replacement, one record a patient. On the pairs the strongest attack is chosen and
//! measured as in `membership/strongest`, the two of a pair staying together; and a new blind classifier is trained on the
//! pairs, which must find nothing any more. The strata are five of equal size by the blind score, and more (up to a hundred)
//! until the blind score itself says nothing within them; areas within strata are averaged with van Elteren's weights, and
//! the interval holds for all attacks at once. Both numbers are void unless the new classifier's interval reaches 0.5, the second also where the blind score's own
//! interval within the strata lies over 0.52.
//!
//! # Reading the number
//! An area near 0.5 on matched records says that what the attack saw was the difference between the sets; one that stays
//! well over 0.5 says that the model leaks about those who could be matched. A pass needs a sound split all the same: limits on
//! `membership/tpr-at-fpr-*` stay undetermined.
//!
//! # When it misleads
//! It speaks for those who could be matched and is silent about members unlike any non-member. It removes only differences that
//! columns show: a difference that no column shows (another hospital, another year) stays and looks like a leak. Matching
//! balances the pairs by design, which draws the new classifier's area under 0.5; it may miss a small rest of the shift. An
//! attack whose score varies with the columns of the shift looks weaker than it would on people drawn alike.
//!
//! # Cost
//! Ten fits of boosted trees; no query to the model.
//!
//! # References
//! Rosenbaum and Rubin, Biometrika 70 (1983) and The American Statistician 39 (1985); Austin, Pharmaceutical Statistics 10
//! (2011), for the caliper; van Elteren (1960); Das, Zhang, Tramer (2024).

use rayon::prelude::*;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::pairing::{Placed, pair};
use super::pool::{Part, Pool, area_severity, blank, percent};
use super::selection::{Aim, Selection};
use crate::check::blind::{self, Blind, FOLDS, Tolerance};
use crate::check::{AttackScores, Check, CheckError, CheckMeta, Entry, Need, Output, Subject};
use crate::data::Split;
use crate::finding::{Baseline, Count, Evidence, Family, Finding, Standing, Table, Unit, part_of, partition};
use crate::learn::Encoded;
use crate::seed::Seed;
use crate::stats::stratified::{Stratum, auc as stratified_auc};
use crate::stats::{Estimate, Level, roc};
use crate::watch::{Event, Watch};

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/matched",
    title: "Strongest attack on people who are alike",
    family: Family::Membership,
    measures: &[MATCHED, WITHIN],
    source: include_str!("matched.rs"),
};

/// The area on matched records.
pub const MATCHED: &str = "membership/matched-auc";
/// The area within strata.
pub const WITHIN: &str = "membership/within-stratum-auc";

/// Fewest pairs for a statement.
const FEWEST_PAIRS: usize = 50;
/// Numbers of strata to try, until the blind score has no say within them; the first are shown one by one.
const STRATA: [usize; 5] = [5, 10, 20, 50, 100];
/// Fewest records of either side of a stratum whose area is shown.
const FEWEST_IN_STRATUM: usize = 10;
/// The false-positive rate of the table.
const RATE: f64 = 0.01;

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Matched {
    /// How far apart a pair may be, in standard deviations of the blind log-odds, over 0 to 1.
    #[serde(deserialize_with = "caliper")]
    caliper: f64,
}

fn caliper<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if value > 0.0 && value <= 1.0 { Ok(value) } else { Err(D::Error::custom("must be over 0 and at most 1")) }
}

impl Default for Matched {
    fn default() -> Self {
        Self { caliper: 0.2 }
    }
}

/// The split as the blind classifier sees it, with one record a patient of those who stand on one side.
struct Seen<'a> {
    pool: Pool,
    data: Encoded,
    labels: Vec<u32>,
    blind: Blind,
    area: Estimate,
    units: Part,
    attacks: Vec<&'a AttackScores>,
}

/// Matched records: the first of a pair is a member.
struct Pairs {
    rows: Vec<(usize, usize)>,
    /// What a new blind classifier makes of them.
    blind: Estimate,
}

impl Check for Matched {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Scores]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(split), Some(pool)) = (subject.split, Pool::of(subject)) else { return Ok(Output::default()) };
        let progress = |done: usize| {
            watch.on(&Event::Progress { step: META.id, done: done as u64, total: 2 * FOLDS as u64 });
        };
        let seen = Seen::of(split, pool, subject, &progress);
        if seen.attacks.is_empty() {
            return Ok(Output::default());
        }
        if seen.area.low <= 0.5 {
            return Err(CheckError::NotApplicable {
                reason: format!(
                    "members and non-members are not told apart without the model (area {}, interval {}): there is no difference \
                     to match away, and `membership/auc` is the number to read",
                    Unit::Area.show(seen.area.value),
                    Unit::Area.show_interval(&seen.area)
                ),
                remedy: String::new(),
            });
        }
        let seed = subject.seed.derive(META.id);
        let rows = self.pairs(&seen, seed.derive("order"));
        let matched = self.matched(&seen, rows, seed, &progress);
        let within = within(&seen, &matched.standing);
        Ok([matched, within].into_iter().collect())
    }
}

impl<'a> Seen<'a> {
    fn of(split: &Split, pool: Pool, subject: &Subject<'a>, progress: &dyn Fn(usize)) -> Self {
        let data = blind::encoded(split);
        let blind = Blind::of_split(&data, split, blind::seed(subject), progress);
        let area = blind.area(split);
        let attacks = subject.scores.iter().filter(|attack| attack.entry == Entry::Competes).collect();
        let mut both = vec![false; pool.groups.iter().max().map_or(0, |&group| group as usize + 1)];
        pool.groups[..pool.members].iter().for_each(|&group| both[group as usize] = true);
        let alone = pool.part(|row| pool.is_member(row) || !both[pool.groups[row] as usize]);
        let units = pool.thin(&alone, pool.seed().derive("one record a patient"));
        Self { pool, data, labels: blind::labels(split), blind, area, units, attacks }
    }

    fn placed(&self, rows: &[usize]) -> Vec<Placed> {
        rows.iter().map(|&row| Placed { row, block: self.blind.fold[row], at: self.blind.logit[row] }).collect()
    }
}

impl Matched {
    fn pairs(&self, seen: &Seen<'_>, seed: Seed) -> Vec<(usize, usize)> {
        let (members, nonmembers) = (seen.placed(&seen.units.members), seen.placed(&seen.units.nonmembers));
        let all = || members.iter().chain(&nonmembers).map(|placed| placed.at);
        let count = all().count().max(1) as f64;
        let mean = all().sum::<f64>() / count;
        let deviation = (all().map(|at| (at - mean).powi(2)).sum::<f64>() / count).sqrt();
        pair(&members, &nonmembers, self.caliper * deviation, seed)
    }

    fn matched(&self, seen: &Seen<'_>, rows: Vec<(usize, usize)>, seed: Seed, progress: &dyn Fn(usize)) -> Finding {
        let mut finding = blank(META.id, MATCHED, Unit::Area, 0.5);
        let (count, unit) = (rows.len(), seen.pool.unit());
        let of_members = part_of(count, seen.units.members.len());
        let how = format!("nearest neighbour by blind log-odds, caliper {} sd", self.caliper);
        finding.settings = vec![("matching".to_owned(), how)];
        finding.limits.push(format!(
            "Speaks for those who could be matched, {of_members} member {unit}; differences that no column shows remain."
        ));
        if count < FEWEST_PAIRS {
            finding.sentence = format!(
                "{of_members} member {unit} resemble a non-member: the sets hardly overlap and cannot be compared."
            );
            finding.standing = Standing::Insufficient {
                reason: format!(
                    "{of_members} member {unit} have a non-member like them, and fewer than {FEWEST_PAIRS} pairs show nothing."
                ),
                needed: "Non-members from the same source and time as the members would.".to_owned(),
            };
            return finding;
        }
        let pairs = Pairs::of(seen, rows, seed.derive("after matching"), progress);
        pairs.fill(&mut finding, seen);
        finding
    }
}

impl Pairs {
    fn of(seen: &Seen<'_>, rows: Vec<(usize, usize)>, seed: Seed, progress: &dyn Fn(usize)) -> Self {
        let all: Vec<usize> = rows.iter().map(|pair| pair.0).chain(rows.iter().map(|pair| pair.1)).collect();
        let count = rows.len();
        let codes: Vec<u32> = (0..count as u32).collect();
        // The two of a pair share a fold: one in the training part would teach the opposite of the other.
        let groups = [codes.as_slice(), codes.as_slice()].concat();
        let fitted = Blind::fit(&seen.data, &all, &groups, &seen.labels, seed, &|done| progress(FOLDS + done));
        let (members, nonmembers) = fitted.rank.split_at(count);
        let blind = roc::auc(members, nonmembers, Some((&codes, &codes)), Level::P95);
        Self { rows, blind }
    }

    /// What the strongest attack achieves on the self.
    fn fill(&self, finding: &mut Finding, seen: &Seen<'_>) {
        let pool = seen.pool.of_pairs(self.rows.len());
        let scores: Vec<AttackScores> = seen.attacks.iter().map(|attack| self.scores(attack)).collect();
        let selection = Selection::of(&pool, &scores);
        let (chosen, rate) = (selection.strongest(Aim::Area), selection.strongest(Aim::RateAt(RATE)));
        let Some(area) = chosen.estimate else { return };
        finding.sentence = format!(
            "Among {} pairs of a member and a non-member who resemble each other without the model, the strongest attack picks \
             the member {} of the time; guessing is right 50 % of the time.",
            Count::of(self.rows.len()),
            Unit::Share.show(area.value)
        );
        finding.severity = area_severity(&area);
        finding.estimate = Some(area);
        finding.baseline = Some(Baseline {
            name: "new classifier that never saw the model, on the matched records".to_owned(),
            estimate: self.blind,
        });
        if self.blind.low > 0.5 {
            finding.standing = Standing::Invalid {
                reason: format!(
                    "matching did not make the sets alike: a classifier that never saw the model still separates them with an \
                     area of {} (interval {}). Draw the non-members from the same source and time as the members.",
                    Unit::Area.show(self.blind.value),
                    Unit::Area.show_interval(&self.blind)
                ),
            };
        }
        let names: Vec<&str> = chosen.picks.iter().map(|(attack, _)| attack.name.as_str()).collect();
        finding.settings.push(("attack, chosen on the other half of the pairs".to_owned(), names.join("; ")));
        if let Some((attack, _)) = chosen.picks.first()
            && let Some(attack) = seen.attacks.iter().find(|candidate| candidate.name == attack.name)
        {
            finding.evidence.push(table(seen, attack, &area, rate.estimate.as_ref(), self));
        }
    }

    /// The scores of an attack on the pairs: members first.
    fn scores(&self, attack: &AttackScores) -> AttackScores {
        let members = self.rows.iter().map(|pair| attack.of_record[pair.0]);
        let nonmembers = self.rows.iter().map(|pair| attack.of_record[pair.1]);
        AttackScores {
            check: attack.check,
            name: attack.name.clone(),
            of_record: members.chain(nonmembers).collect(),
            entry: attack.entry,
            draws: None,
        }
    }
}

impl Seen<'_> {
    /// Scores by stratum of the blind rank.
    fn strata(&self, scores: &[f64], count: usize) -> Vec<Stratum> {
        let mut strata = vec![Stratum::default(); count];
        let of = |row: usize| ((self.blind.rank[row] * count as f64) as usize).min(count - 1);
        self.units.members.iter().for_each(|&row| strata[of(row)].positives.push(scores[row]));
        self.units.nonmembers.iter().for_each(|&row| strata[of(row)].negatives.push(scores[row]));
        strata
    }
}

/// The area within strata of the blind score. It rests on the same classifier as the pairs, and falls with them.
fn within(seen: &Seen<'_>, matched: &Standing) -> Finding {
    let mut finding = blank(META.id, WITHIN, Unit::Area, 0.5);
    let control = |count: usize| Some((count, stratified_auc(&seen.strata(&seen.blind.rank, count), Level::P95)?));
    let tried: Vec<(usize, Estimate)> = STRATA.into_iter().filter_map(control).collect();
    let fitting = tried.iter().find(|(_, area)| area.low <= 0.5).or(tried.last()).copied();
    let level = Level::joint_95(seen.attacks.len());
    let (count, blind) = fitting.map_or((STRATA[0], None), |(count, blind)| (count, Some(blind)));
    let areas: Vec<Option<Estimate>> =
        seen.attacks.par_iter().map(|attack| stratified_auc(&seen.strata(&attack.of_record, count), level)).collect();
    let areas = seen.attacks.iter().zip(areas).filter_map(|(attack, area)| area.map(|area| (*attack, area)));
    let best = areas.reduce(|a, b| if b.1.value > a.1.value { b } else { a });
    let (Some((attack, area)), Some(blind)) = (best, blind) else {
        finding.standing = seen.pool.too_few((seen.units.members.len(), seen.units.nonmembers.len()), RATE, 1);
        "No stratum holds both members and non-members.".clone_into(&mut finding.sentence);
        return finding;
    };
    finding.sentence = format!(
        "Within {count} strata of people who resemble each other without the model, the strongest attack picks the member {} of \
         the time; guessing is right 50 % of the time.",
        Unit::Share.show(area.value)
    );
    finding.severity = area_severity(&area);
    finding.estimate = Some(area);
    finding.baseline =
        Some(Baseline { name: "classifier that never saw the model, within the strata".to_owned(), estimate: blind });
    finding.standing = matched.clone();
    if Tolerance::default().apart(&blind) && finding.standing == Standing::Sound {
        finding.standing = Standing::Invalid {
            reason: format!(
                "even within {count} strata the sets differ without the model (area {}, interval {}): read the matched area.",
                Unit::Area.show(blind.value),
                Unit::Area.show_interval(&blind)
            ),
        };
    }
    finding.limits.push(
        "Speaks for strata that hold both; those of members alone, or of others alone, weigh nothing.".to_owned(),
    );
    finding.limits.push("The interval holds for all attacks at once; the largest is shown.".to_owned());
    finding.settings = vec![("attack".to_owned(), attack.name.clone()), ("strata".to_owned(), count.to_string())];
    finding.evidence.push(strata_table(seen, attack, STRATA[0]));
    finding
}

/// Before and after matching.
fn table(seen: &Seen<'_>, attack: &AttackScores, area: &Estimate, rate: Option<&Estimate>, pairs: &Pairs) -> Evidence {
    let before = seen.pool.area(&attack.of_record, &seen.pool.whole(), Level::P95);
    let row = |name: &str, sides: (usize, usize), area: &Estimate, rate: String, blind: &Estimate| {
        vec![
            name.to_owned(),
            Count::of(sides.0).to_string(),
            Count::of(sides.1).to_string(),
            Unit::Area.show_estimate(area),
            rate,
            Unit::Area.show_estimate(blind),
        ]
    };
    let whole = seen.pool.whole();
    let matched = pairs.rows.len();
    let rate = rate.map_or_else(|| "not estimable".to_owned(), |rate| Unit::Share.show_estimate(rate));
    let rows = vec![
        row(
            "all, not comparable",
            (whole.members.len(), whole.nonmembers.len()),
            &before,
            "void".to_owned(),
            &seen.area,
        ),
        row("matched", (matched, matched), area, rate, &pairs.blind),
    ];
    let at = format!("TPR at {}", percent(RATE));
    let columns = ["records", "members", "non-members", "area of the attack", at.as_str(), "area without the model"];
    Evidence::Table(Table {
        caption: format!("Before and after matching, with 95 % intervals; all records with the attack {}", attack.name),
        columns: columns.map(str::to_owned).to_vec(),
        rows,
    })
}

fn strata_table(seen: &Seen<'_>, attack: &AttackScores, count: usize) -> Evidence {
    let (own, blind) = (seen.strata(&attack.of_record, count), seen.strata(&seen.blind.rank, count));
    let sizes = |of: fn(&Stratum) -> usize| partition(&own.iter().map(of).collect::<Vec<_>>());
    let (members, nonmembers) = (sizes(|s| s.positives.len()), sizes(|s| s.negatives.len()));
    let area = |stratum: &Stratum| {
        if stratum.positives.len().min(stratum.negatives.len()) < FEWEST_IN_STRATUM {
            return "too few".to_owned();
        }
        Unit::Area.show_estimate(&roc::auc(&stratum.positives, &stratum.negatives, None, Level::P95))
    };
    let row = |at: usize| {
        vec![
            (at + 1).to_string(),
            members[at].to_string(),
            nonmembers[at].to_string(),
            area(&own[at]),
            area(&blind[at]),
        ]
    };
    let columns = ["stratum", "members", "non-members", "area of the attack", "area without the model"];
    Evidence::Table(Table {
        caption: "Strata of equal size by the blind score, the least member-like first, with 95 % intervals; only what goes beyond \
                  the area without the model is the model's"
            .to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows: (0..count).map(row).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::{attacked, shifted, strongest};
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for Matched {
        const MEASURE: &'static str = MATCHED;

        /// The model saw neither set; members are younger, and it is surer of the young.
        fn null(seed: u64) -> (Case, f64) {
            (attacked(shifted(700, -1.0, 0.0, seed), seed), 0.5)
        }

        fn leaky() -> Case {
            attacked(shifted(700, -1.0, 4.0, 1), 1)
        }

        /// Beyond what age says, members are shifted by one standard deviation: Phi(1 / sqrt 2) on the residual. The
        /// attack sees age too, which adds noise of its own: Phi(1 / (sqrt 2 sqrt(1 + s^2))) with s^2 the variance of
        /// age's part among matched people.
        fn graded(seed: u64) -> (Case, f64) {
            (attacked(shifted(700, -1.0, 1.0, seed), seed), 0.74)
        }
    }

    fn of<'f>(findings: &'f [Finding], measure: &str) -> &'f Finding {
        findings.iter().find(|finding| finding.measure == measure).unwrap()
    }

    /// The model saw neither set: what the attacks see is the age.
    #[test]
    fn a_shift_without_a_leak_is_chance_after_matching() {
        let case = attacked(shifted(1500, -1.0, 0.0, 5), 5);
        let findings = case.run(&Matched::default(), 5);
        assert!(strongest(&case, 5).low > 0.55, "the trap is one");
        for measure in [MATCHED, WITHIN] {
            let finding = of(&findings, measure);
            assert_eq!(finding.standing, Standing::Sound, "{measure}");
            assert!(finding.estimate.unwrap().covers(0.5), "{measure}: {:?}", finding.estimate);
        }
        let Evidence::Table(table) = &of(&findings, MATCHED).evidence[0] else { panic!("a table") };
        assert_eq!(table.rows.len(), 2);
    }

    #[test]
    fn a_leak_under_a_shift_stays() {
        let findings = attacked(shifted(1500, -1.0, 1.5, 6), 6).run(&Matched::default(), 6);
        for measure in [MATCHED, WITHIN] {
            let finding = of(&findings, measure);
            assert_eq!(finding.standing, Standing::Sound, "{measure}");
            assert!(finding.estimate.unwrap().low > 0.7, "{measure}: {:?}", finding.estimate);
        }
    }

    #[test]
    fn sets_that_hardly_overlap_cannot_be_matched() {
        let findings = attacked(shifted(300, -12.0, 0.0, 7), 7).run(&Matched::default(), 7);
        for measure in [MATCHED, WITHIN] {
            assert!(matches!(of(&findings, measure).standing, Standing::Insufficient { .. }), "{measure}");
        }
        assert!(of(&findings, MATCHED).estimate.is_none());
    }

    #[test]
    fn a_sound_split_needs_no_remedy() {
        let case = attacked(shifted(400, 0.0, 1.0, 8), 8);
        assert!(matches!(case.refused(&Matched::default(), 8), CheckError::NotApplicable { .. }));
    }
}
