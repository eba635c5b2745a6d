//! What four cells say: a disclosure about individuals, about everybody, a latent one, or none.
//!
//! Declared slices of the people are judged besides everybody, all of them together with Holm's correction, because an
//! average can hide the third of the people whose value is certain. Refuses to judge a slice of fewer than 11 people.

use super::cells::Cells;
use crate::finding::SMALLEST_SHOWN;
use crate::stats::multiple::holm;
use crate::stats::{Estimate, Level, Method};

/// Error probability of a family of verdicts: half of 5 % for everybody, half for the parts.
const ALPHA: f64 = 0.025;

/// What is shown, from nothing to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Guessing without the model does as well.
    None,
    /// The attack does better on members than on others, and no better than guessing without the model.
    Latent,
    /// The model adds to what can be guessed, for members no more than for others.
    Distribution,
    /// The model adds to what can be guessed about members, and more than about others.
    Individual,
}

impl Verdict {
    /// What two answers say together.
    pub(super) fn of(model_adds: bool, members_differ: bool) -> Self {
        match (model_adds, members_differ) {
            (true, true) => Self::Individual,
            (true, false) => Self::Distribution,
            (false, true) => Self::Latent,
            (false, false) => Self::None,
        }
    }

    /// A heading.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Individual => "individual disclosure",
            Self::Distribution => "distribution disclosure",
            Self::Latent => "latent signal",
            Self::None => "no leak by the model shown",
        }
    }

    /// What it means, for a privacy officer.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Individual => "Being in the training data made these people's value guessable.",
            Self::Distribution => {
                "The model adds to what can be guessed, of members no more than of others as far as this shows: it passes on what \
                 holds for everybody."
            }
            Self::Latent => {
                "The model knows its members better than others, but somebody who guesses from the other columns does as \
                 well without it."
            }
            Self::None => "Guessing from the other columns, without the model, does as well.",
        }
    }
}

/// Some of the people, named before anybody looked at who was guessed right.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    /// Who they are.
    pub(super) name: String,
    /// Their cells.
    pub(super) cells: Cells,
    /// The share of all members reported on that they make.
    pub(super) share: f64,
}

impl Slice {
    /// The slice of some members and others of `everybody`; nothing where either is a small cell.
    pub(super) fn of(name: String, everybody: &Cells, members: &[usize], others: &[usize]) -> Option<Self> {
        let enough = members.len() >= SMALLEST_SHOWN && others.len() >= SMALLEST_SHOWN;
        let share = members.len() as f64 / everybody.members.people().max(1) as f64;
        enough.then(|| Self { name, cells: everybody.take(members, others), share })
    }
}

/// A slice with its verdict.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) slice: Slice,
    /// What the model adds on members. All intervals hold together.
    pub(super) excess: Estimate,
    /// How much better the attack does on members than on others.
    pub(super) advantage: Estimate,
    /// What the model adds on members beyond what it adds on others.
    pub(super) gap: Estimate,
    pub(super) verdict: Verdict,
}

impl Judged {
    /// The share of all members whose value is guessed right because they were in the training data: the smallest of the
    /// three differences, weighed by the part that the slice makes of everybody.
    pub(super) fn individual(&self) -> Estimate {
        let all = [self.excess, self.advantage, self.gap];
        let least = |end: fn(&Estimate) -> f64| all.iter().map(end).fold(f64::INFINITY, f64::min) * self.slice.share;
        // What Holm's procedure rejects lies over zero, and the bound says no less (Strassburger and Bretz 2008).
        let floor = if self.verdict == Verdict::Individual { 0.0 } else { f64::NEG_INFINITY };
        Estimate {
            value: least(|e| e.value),
            low: least(|e| e.low).max(floor),
            high: least(|e| e.high),
            method: Method::WorstEnds,
            n: self.slice.cells.members.people().min(self.slice.cells.others.people()),
            ..self.excess
        }
    }
}

/// Judges slices together: Holm's correction over both questions of all of them, at half the error, because everybody is one
/// family and the parts of the people are another. The intervals of both families hold together with 95 %.
pub(super) fn judge(slices: Vec<Slice>) -> Vec<Judged> {
    let level = Level::joint_95(4 * slices.len());
    let p: Vec<f64> = slices.iter().flat_map(|slice| [slice.cells.p_excess(), slice.cells.p_member()]).collect();
    let adjusted = holm(&p);
    let judged = slices.into_iter().zip(adjusted.chunks_exact(2)).map(|(slice, p)| Judged {
        excess: slice.cells.excess(level),
        advantage: slice.cells.advantage(level),
        gap: slice.cells.gap(level),
        verdict: Verdict::of(p[0] < ALPHA, p[1] < ALPHA),
        slice,
    });
    judged.collect()
}

/// The slice that speaks for all: the worst verdict, and of those the one with most people shown to be exposed.
pub(super) fn worst(judged: &[Judged]) -> Option<&Judged> {
    judged.iter().reduce(|a, b| {
        let weight = |j: &Judged| (j.verdict, j.individual().low);
        if weight(b) > weight(a) { b } else { a }
    })
}

#[cfg(test)]
mod tests {
    use super::super::cells::tests::cells;
    use super::*;

    fn everybody(n: usize, hits: [usize; 4]) -> Slice {
        Slice { name: "everybody".to_owned(), cells: cells(n, hits), share: 1.0 }
    }

    #[test]
    fn each_of_the_four_verdicts() {
        let verdict = |hits| judge(vec![everybody(1000, hits)])[0].verdict;
        assert_eq!(verdict([950, 800, 530, 800]), Verdict::Individual);
        assert_eq!(verdict([900, 800, 900, 800]), Verdict::Distribution);
        assert_eq!(verdict([700, 800, 500, 800]), Verdict::Latent);
        assert_eq!(verdict([700, 750, 710, 750]), Verdict::None);
        assert_eq!(verdict([530, 800, 950, 800]), Verdict::None, "members and others exchanged");
    }

    #[test]
    fn members_who_are_easier_for_everybody_are_no_disclosure() {
        // The attack does better on members, and so does guessing without the model: the sets differ.
        assert_eq!(judge(vec![everybody(1000, [900, 800, 700, 600])])[0].verdict, Verdict::Distribution);
    }

    #[test]
    fn the_worst_slice_speaks_and_many_slices_cost() {
        let third = Slice { name: "case 1".to_owned(), share: 0.3, ..everybody(300, [299, 240, 160, 240]) };
        let judged = judge(vec![everybody(1000, [670, 800, 500, 800]), third]);
        let worst = worst(&judged).unwrap();
        assert_eq!((worst.slice.name.as_str(), worst.verdict), ("case 1", Verdict::Individual));
        // 0.3 times the smallest of 59/300, 139/300 and 139/300.
        assert!((worst.individual().value - 0.3 * 59.0 / 300.0).abs() < 1e-12);
        // 56 % of members against 50 % of others (p = 0.007) shows an advantage by itself and none among thirty.
        let weak = [560, 530, 500, 500];
        assert_eq!(judge(vec![everybody(1000, weak)])[0].verdict, Verdict::Individual);
        let among = judge((0..30).map(|_| everybody(1000, weak)).collect());
        assert_eq!(among[0].verdict, Verdict::Distribution);
    }

    #[test]
    fn small_cells_are_no_slice() {
        let all = cells(100, [50, 50, 50, 50]);
        let rows: Vec<usize> = (0..10).collect();
        assert!(Slice::of("ten".to_owned(), &all, &rows, &(0..50).collect::<Vec<usize>>()).is_none());
    }
}
