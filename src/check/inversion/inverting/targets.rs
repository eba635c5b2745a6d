//! What is to be inverted, and the people it is held against: by class, or by fifths of a number.

use rand::seq::SliceRandom;

use super::asking::Goal;
use crate::check::records::patients;
use crate::check::{Audited, Truth};
use crate::data::Split;
use crate::finding::SMALLEST_SHOWN;
use crate::learn::folds;
use crate::seed::Seed;
use crate::stats::rank::quantile;

/// Groups of a number.
const FIFTHS: usize = 5;
/// Most people of a side of a class.
pub(in crate::check::inversion) const MOST_PEOPLE: usize = 300;
/// Most records that the attacker learns from, over all classes; at least twenty of each.
const MOST_KNOWN: usize = 1_000;

/// One class with its people.
pub(in crate::check::inversion) struct Target {
    pub(in crate::check::inversion) goal: Goal,
    /// The code of the class.
    pub(in crate::check::inversion) code: u32,
    /// Rows of members, one of each patient, in random order.
    pub(in crate::check::inversion) members: Vec<usize>,
    /// Rows of non-members that the attacker does not have, likewise.
    pub(in crate::check::inversion) others: Vec<usize>,
    /// Rows of non-members that the attacker has.
    pub(in crate::check::inversion) known: Vec<usize>,
    /// How many patients of the class are members.
    pub(in crate::check::inversion) people: usize,
}

/// All classes that can be attacked, and those of so few members that each speaks of persons.
pub(in crate::check::inversion) struct Targets {
    pub(in crate::check::inversion) list: Vec<Target>,
    /// How many classes have 1 to 10 members, and how many people these are, whether they can be attacked or not.
    pub(in crate::check::inversion) small: (usize, usize),
}

/// The class of every record.
struct Classes {
    members: Vec<u32>,
    others: Vec<u32>,
    /// What the model should say about each.
    goals: Vec<Goal>,
}

/// Every class that has a member, another hold-out person and a record of the attacker; nothing where outcomes are neither classes
/// nor numbers.
pub(in crate::check::inversion) fn targets(model: &Audited, split: &Split, seed: Seed) -> Option<Targets> {
    let truths = (&model.members.as_ref()?.truth, &model.nonmembers.as_ref()?.truth);
    let (in_patients, out_patients) = patients(split);
    let strata = match truths.1 {
        Truth::Classes(classes) => classes.clone(),
        _ => vec![0; out_patients.len()],
    };
    let half = folds::assign(&out_patients, &strata, 2, seed.derive("halves"));
    let known: Vec<usize> = (0..half.len()).filter(|&row| half[row] == 0).collect();
    let classes = match truths {
        (Truth::Classes(members), Truth::Classes(others)) => {
            let count = model.target.facts().classes.len();
            let goals = (0..count).map(Goal::Class).collect();
            Classes { members: members.clone(), others: others.clone(), goals }
        }
        (Truth::Values(members), Truth::Values(others)) => fifths(members, others, &known)?,
        _ => return None,
    };
    let one_each = |groups: &[u32], rows: Vec<usize>, name: &str| -> Vec<usize> {
        let of_rows: Vec<u32> = rows.iter().map(|&row| groups[row]).collect();
        let chosen = folds::representatives(&of_rows, seed.derive(name));
        let mut chosen: Vec<usize> = chosen.into_iter().map(|at| rows[at]).collect();
        chosen.shuffle(&mut seed.derive(name).derive("order").stream());
        chosen
    };
    let members = one_each(&in_patients, (0..in_patients.len()).collect(), "members");
    let others = one_each(&out_patients, (0..half.len()).filter(|&row| half[row] == 1).collect(), "others");
    let mut shuffled = known;
    shuffled.shuffle(&mut seed.derive("known").stream());
    let most_known = (MOST_KNOWN / classes.goals.len().max(1)).max(20);
    let target = |(code, &goal): (usize, &Goal)| {
        let of = |rows: &[usize], codes: &[u32]| -> Vec<usize> {
            rows.iter().copied().filter(|&row| codes[row] as usize == code).collect()
        };
        let mut target = Target {
            goal,
            code: code as u32,
            members: of(&members, &classes.members),
            others: of(&others, &classes.others),
            known: of(&shuffled, &classes.others),
            people: 0,
        };
        target.people = target.members.len();
        target.members.truncate(MOST_PEOPLE);
        target.others.truncate(MOST_PEOPLE);
        target.known.truncate(most_known);
        target
    };
    let whole = |target: &Target| ![&target.members, &target.others, &target.known].iter().any(|rows| rows.is_empty());
    let all: Vec<Target> = classes.goals.iter().enumerate().map(target).collect();
    let few = || all.iter().filter(|target| (1..SMALLEST_SHOWN).contains(&target.people));
    let small = (few().count(), few().map(|target| target.people).sum());
    Some(Targets { list: all.into_iter().filter(whole).collect(), small })
}

/// Fifths of a number, cut at the quantiles of the attacker's records; the middle of each is what is wanted.
fn fifths(members: &[f64], others: &[f64], known: &[usize]) -> Option<Classes> {
    let mut sorted: Vec<f64> = known.iter().map(|&row| others[row]).filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / n;
    let spread = (sorted.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    if spread.is_nan() || spread <= 0.0 {
        return None;
    }
    let mut cuts: Vec<f64> = (1..FIFTHS).map(|at| quantile(&sorted, at as f64 / FIFTHS as f64)).collect();
    cuts.dedup();
    let code = |value: &f64| cuts.partition_point(|cut| cut < value) as u32;
    let goal = |group: usize| {
        let of_group: Vec<f64> = sorted.iter().copied().filter(|value| code(value) as usize == group).collect();
        Goal::Value(if of_group.is_empty() { mean } else { quantile(&of_group, 0.5) }, spread)
    };
    Some(Classes {
        members: members.iter().map(code).collect(),
        others: others.iter().map(code).collect(),
        goals: (0..=cuts.len()).map(goal).collect(),
    })
}
