//! The strongest of several attacks, chosen without paying for the choice.
//!
//! The patients are cut into two halves; the best attack is chosen on the first and measured on the second. One cut
//! depends on luck, so it is done 25 times, and the median of the bounds, each at half the error, is reported: a valid
//! bound whatever the dependence between the cuts (Meinshausen, Meier and Buehlmann, JASA 104 (2009)).

use rayon::prelude::*;

use super::aggregate;
use super::pool::{FEWEST, Part, Pool};
use crate::check::{AttackScores, Entry};
use crate::seed::Seed;
use crate::stats::ranked::{Ranked, Side};
use crate::stats::roc::{Estimability, Roc, allowed, estimability};
use crate::stats::{Estimate, Level, Method};

/// Cuts into halves.
const SPLITS: usize = 25;

/// What makes an attack strong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Aim {
    /// The area under the curve.
    Area,
    /// The true-positive rate at a false-positive rate.
    RateAt(f64),
}

/// The competing attacks with everything that all choices share.
pub(super) struct Selection<'a> {
    pool: &'a Pool,
    attacks: Vec<&'a AttackScores>,
    ranked: Vec<Ranked>,
    cuts: Vec<Cut>,
}

/// One cut of the patients.
struct Cut {
    /// The rows on which attacks are compared, one record a patient.
    choosing: Part,
    /// One record a patient of the rows on which attacks are compared, which is what rates count.
    choosing_one_each: Vec<Side>,
    /// The area of every attack on the rows on which attacks are compared; of attacks on whole patients over patients.
    areas: Vec<f64>,
    /// The rows that report.
    reporting: Part,
    /// Of these, one record a patient.
    reporting_one_each: Part,
}

/// The strongest attack and what it achieves.
pub(super) struct Strongest<'a> {
    /// Nothing where too few records are left for reporting.
    pub(super) estimate: Option<Estimate>,
    /// The attacks with the number of cuts in which each was chosen, most often first.
    pub(super) picks: Vec<(&'a AttackScores, usize)>,
    /// Members and non-members (independent units) that report.
    pub(super) reporting: (usize, usize),
}

impl Cut {
    fn of(pool: &Pool, attacks: &[&AttackScores], ranked: &[Ranked], seed: Seed) -> Self {
        let half = pool.halves(seed);
        let one_each = seed.derive("one record a patient");
        let (first, reporting) = (pool.part(|row| half[row] == 0), pool.part(|row| half[row] == 1));
        let choosing = first.sides(pool.rows());
        let thinned = pool.thin(&first, one_each);
        let choosing_one_each = thinned.sides(pool.rows());
        let area = |(attack, ranked): (&&AttackScores, &Ranked)| {
            let sides = if of_patients(attack) { &choosing_one_each } else { &choosing };
            ranked.area(|row| sides[row])
        };
        let areas = attacks.iter().zip(ranked).map(area).collect();
        let reporting_one_each = pool.thin(&reporting, one_each);
        Self { choosing: thinned, choosing_one_each, areas, reporting, reporting_one_each }
    }

    /// The rows that report: for rates, and for attacks on whole patients, one record a patient.
    fn reporting(&self, aim: Aim, attack: &AttackScores) -> &Part {
        if aim == Aim::Area && !of_patients(attack) { &self.reporting } else { &self.reporting_one_each }
    }
}

/// Whether an attack says one thing about a patient: then many records must not count more than few.
pub(super) fn of_patients(attack: &AttackScores) -> bool {
    attack.check == aggregate::ID
}

impl<'a> Selection<'a> {
    /// Ranks the attacks that compete.
    pub(super) fn of(pool: &'a Pool, scores: &'a [AttackScores]) -> Self {
        let attacks: Vec<&AttackScores> = scores.iter().filter(|attack| attack.entry == Entry::Competes).collect();
        let ranked: Vec<Ranked> = attacks.par_iter().map(|attack| Ranked::new(&attack.of_record)).collect();
        let cut = |index: usize| {
            let seed = pool.seed().derive("choose or report").derive(&index.to_string());
            Cut::of(pool, &attacks, &ranked, seed)
        };
        let cuts = (0..SPLITS).into_par_iter().map(cut).collect();
        Self { pool, attacks, ranked, cuts }
    }

    /// The attacks that compete.
    pub(super) fn attacks(&self) -> &[&'a AttackScores] {
        &self.attacks
    }

    /// Number of cuts into halves.
    pub(super) fn cuts(&self) -> usize {
        self.cuts.len()
    }

    /// The halves of a cut, one record a patient: to choose on, and to report on.
    pub(super) fn halves(&self, cut: usize) -> (&Part, &Part) {
        (&self.cuts[cut].choosing, &self.cuts[cut].reporting_one_each)
    }

    /// The strongest attack on some rows, the first of equals; the area breaks ties between rates.
    pub(super) fn best_on(&self, part: &Part, aim: Aim) -> Option<&'a AttackScores> {
        let sides = part.sides(self.pool.rows());
        let areas: Vec<f64> = self.ranked.iter().map(|ranked| ranked.area(|row| sides[row])).collect();
        self.attacks.get(self.best(&sides, &areas, aim)).copied()
    }

    /// The strongest attack by an aim. A single attack needs no choice and is measured on all records.
    pub(super) fn strongest(&self, aim: Aim) -> Strongest<'a> {
        if let [only] = self.attacks[..] {
            let part = self.everybody(aim, only);
            return Strongest {
                estimate: self.measure(only, aim, &part, Level::P95),
                picks: vec![(only, SPLITS)],
                reporting: (part.members.len(), part.nonmembers.len()),
            };
        }
        let results: Vec<(usize, Option<Estimate>)> = self.cuts.par_iter().map(|cut| self.one(cut, aim)).collect();
        let mut picked = vec![0_usize; self.attacks.len()];
        results.iter().for_each(|(best, _)| picked[*best] += 1);
        let mut picks: Vec<(&AttackScores, usize)> = self.attacks.iter().copied().zip(picked).collect();
        picks.retain(|(_, count)| *count > 0);
        picks.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let reporting = self.cuts.first().zip(picks.first()).map_or((0, 0), |(cut, (attack, _))| {
            let part = cut.reporting(aim, attack);
            (part.members.len(), part.nonmembers.len())
        });
        let estimates: Option<Vec<Estimate>> = results.into_iter().map(|(_, estimate)| estimate).collect();
        Strongest { estimate: estimates.and_then(|estimates| median(&estimates)), picks, reporting }
    }

    /// All rows that count for an attack: for rates, and for attacks on whole patients, one record a patient.
    pub(super) fn everybody(&self, aim: Aim, attack: &AttackScores) -> Part {
        let whole = self.pool.whole();
        if aim == Aim::Area && !of_patients(attack) {
            return whole;
        }
        self.pool.thin(&whole, self.pool.seed().derive("one record a patient"))
    }

    fn one(&self, cut: &Cut, aim: Aim) -> (usize, Option<Estimate>) {
        let best = self.best(&cut.choosing_one_each, &cut.areas, aim);
        let attack = self.attacks[best];
        (best, self.measure(attack, aim, cut.reporting(aim, attack), Level::joint_95(2)))
    }

    /// The best attack on some rows, the first of equals; the area breaks ties between rates.
    fn best(&self, sides: &[Side], areas: &[f64], aim: Aim) -> usize {
        let count = |wanted: Side| sides.iter().filter(|&&side| side == wanted).count();
        let (members, nonmembers) = (count(Side::Positive), count(Side::Negative));
        let mut best = (0, (f64::NEG_INFINITY, f64::NEG_INFINITY));
        for (index, (ranked, &area)) in self.ranked.iter().zip(areas).enumerate() {
            let value = match aim {
                Aim::Area => (area, 0.0),
                Aim::RateAt(fpr) => {
                    let allowed = allowed(fpr, nonmembers);
                    (ranked.tpr_with_false_positives(allowed, members, |row| sides[row]), area)
                }
            };
            if value > best.1 {
                best = (index, value);
            }
        }
        best.0
    }

    /// What the attacks chosen on everybody achieve in a group; nothing where fewer than `fewest` of it report.
    pub(super) fn within(&self, group: Option<&[u32]>, aim: Aim, level: Level, fewest: usize) -> Option<Estimate> {
        let inside = group.map(|rows| {
            let mut inside = vec![false; self.pool.rows()];
            rows.iter().for_each(|&row| inside[row as usize] = true);
            inside
        });
        let one = |cut: &Cut| {
            let kept = |rows: &[usize]| -> Vec<usize> {
                rows.iter().copied().filter(|&row| inside.as_ref().is_none_or(|inside| inside[row])).collect()
            };
            let attack = self.attacks[self.best(&cut.choosing_one_each, &cut.areas, aim)];
            let all = cut.reporting(aim, attack);
            let part = Part { members: kept(&all.members), nonmembers: kept(&all.nonmembers) };
            if part.members.len().min(part.nonmembers.len()) < fewest {
                return None;
            }
            self.measure(attack, aim, &part, level.shared(2))
        };
        let estimates: Option<Vec<Estimate>> = self.cuts.par_iter().map(one).collect();
        median(&estimates?).map(|estimate| Estimate { level, ..estimate })
    }

    /// What an attack achieves on some rows; nothing where they are too few.
    fn measure(&self, attack: &AttackScores, aim: Aim, part: &Part, level: Level) -> Option<Estimate> {
        if part.members.is_empty() || part.nonmembers.is_empty() {
            return None;
        }
        match aim {
            Aim::Area => Some(self.pool.area(&attack.of_record, part, level)),
            Aim::RateAt(fpr) => {
                let enough =
                    part.members.len() >= FEWEST && estimability(part.nonmembers.len(), fpr) != Estimability::None;
                enough.then(|| curve(attack, part).tpr_at_fpr_bounds(fpr, level))
            }
        }
    }
}

/// The curve of an attack on some rows.
pub(super) fn curve(attack: &AttackScores, part: &Part) -> Roc {
    let of = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|&row| attack.of_record[row]).collect() };
    Roc::new(&of(&part.members), &of(&part.nonmembers))
}

/// The medians of values and bounds.
fn median(estimates: &[Estimate]) -> Option<Estimate> {
    let middle = |of: fn(&Estimate) -> f64| {
        let mut values: Vec<f64> = estimates.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let n = estimates.iter().map(|estimate| estimate.n).min()?;
    Some(Estimate {
        value: middle(|e| e.value),
        low: middle(|e| e.low),
        high: middle(|e| e.high),
        level: Level::P95,
        n,
        method: Method::MedianOfSplits,
    })
}
