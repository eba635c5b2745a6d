//! From replies to guesses: the attacks that ask the model about every candidate.
//!
//! Each gives every candidate a score; one decision turns scores into a guess, breaks ties by how frequent a value is, and
//! counts them. Scores depend on the person alone, never on who else is attacked, except where an attack learns from all of
//! them by design.

use super::cells::Guesses;
use super::domain::Domain;
use super::imputer::MOST_BOOSTED;
use super::replies::{Replies, Reply};
use crate::learn::boosted::Boosted;
use crate::learn::forest::Forest;
use crate::learn::{Encoded, Learner};
use crate::seed::Seed;
use crate::stats::interval::wilson_of_units;
use crate::stats::{Estimate, Level};

/// Fewest people of case 1 that the label-only attack learns from.
const FEWEST_TAUGHT: usize = 20;

/// What scores mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Logarithms of posterior probabilities up to a constant.
    Posterior,
    /// Only which is largest counts.
    Order,
}

/// Which of the candidates reproduce the outcome (Mehnaz et al.).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// A single one.
    One,
    /// Several.
    Several,
    /// None.
    None,
}

/// What an attack makes of every candidate of every person.
pub(super) struct Scored {
    /// Name for tables.
    pub(super) name: &'static str,
    pub(super) meaning: Meaning,
    /// A score per candidate, those of a person together.
    pub(super) of: Vec<f64>,
    /// How sure it is of each person, where that is not read off the scores.
    pub(super) confidence: Option<Vec<f64>>,
}

/// What the attacker knows besides the people.
pub(super) struct Knowledge {
    /// ln share of each candidate.
    pub(super) prior: Vec<f64>,
    /// ln P(true class | predicted class), `[predicted][true]`; empty for models of numbers.
    pub(super) confusion: Vec<Vec<f64>>,
    /// Root mean square of the loss in training.
    pub(super) loss: f64,
}

/// The confidence-based attack (CSMIA): among candidates that reproduce the outcome the one with most confidence; where
/// none does, the one with least confidence in a wrong outcome.
pub(super) const CSMIA: &str = "confidence in three cases (CSMIA)";
/// The attack that only sees classes (LOMIA).
pub(super) const LOMIA: &str = "predicted class alone (LOMIA)";

/// The case of each person.
pub(super) fn cases(replies: &Replies) -> Vec<Case> {
    let case = |replies: &[Reply]| match replies.iter().filter(|reply| reply.reproduces).count() {
        0 => Case::None,
        1 => Case::One,
        _ => Case::Several,
    };
    replies.people().map(case).collect()
}

fn csmia(replies: &Replies) -> Scored {
    let (mut of, mut confidence) = (Vec::with_capacity(replies.of.len()), Vec::new());
    for (replies, case) in replies.people().zip(cases(replies)) {
        let score = |reply: &Reply| match (case, reply.reproduces) {
            (Case::None, _) => -reply.sure,
            (_, true) => reply.fit,
            (_, false) => f64::NEG_INFINITY,
        };
        let scores: Vec<f64> = replies.iter().map(score).collect();
        let (first, second) = two_largest(&scores);
        // Case 1 before case 2 before case 3; within them by what singles the guess out.
        confidence.push(match case {
            Case::One => 2.0 + first.exp(),
            Case::Several => 1.0 + 0.999 * (first.exp() - second.exp()),
            Case::None => 0.999 * ((-second).exp() - (-first).exp()).clamp(0.0, 1.0),
        });
        of.extend(scores);
    }
    Scored { name: CSMIA, meaning: Meaning::Order, of, confidence: Some(confidence) }
}

fn two_largest(scores: &[f64]) -> (f64, f64) {
    scores.iter().fold((f64::NEG_INFINITY, f64::NEG_INFINITY), |(first, second), &score| {
        if score > first { (score, first) } else { (first, second.max(score)) }
    })
}

fn graded(name: &'static str, replies: &Replies, score: impl Fn(usize, usize, &Reply) -> f64) -> Scored {
    let of_person = |(person, replies): (usize, &[Reply])| {
        replies.iter().enumerate().map(|(v, reply)| score(person, v, reply)).collect::<Vec<f64>>()
    };
    let of = replies.people().enumerate().flat_map(of_person).collect();
    Scored { name, meaning: Meaning::Posterior, of, confidence: None }
}

/// Attacks on people by what the model says about every candidate. `posterior` is what the adversary without the model
/// thinks of every candidate.
pub(super) fn all(replies: &Replies, knowledge: &Knowledge, posterior: &[f64]) -> Vec<Scored> {
    let prior = |v: usize| knowledge.prior[v];
    let mut all = vec![
        csmia(replies),
        graded("prior times confidence (Bayes)", replies, |_, v, reply| prior(v) + reply.fit),
        imputed(replies, posterior),
        // The Gaussian of the loss with the spread it has in training.
        graded("loss as in training (Yeom)", replies, |_, v, reply| {
            prior(v) - 0.5 * (reply.fit / knowledge.loss).powi(2)
        }),
    ];
    if !knowledge.confusion.is_empty() {
        all.push(graded("maximum a posteriori (Fredrikson)", replies, |person, v, reply| {
            let of_predicted = knowledge.confusion.get(reply.class as usize);
            let outcome = replies.outcomes.get(person).map_or(0, |&outcome| outcome as usize);
            prior(v) + of_predicted.and_then(|row| row.get(outcome)).copied().unwrap_or(f64::NEG_INFINITY)
        }));
    }
    all
}

/// The number that fits the known outcome best.
pub(super) const BEST_FIT: &str = "best fitting number, refined";

/// How well every candidate fits the known outcome, nothing else.
pub(super) fn best_fit(replies: &Replies) -> Scored {
    Scored { meaning: Meaning::Order, ..graded(BEST_FIT, replies, |_, _, reply| reply.fit) }
}

/// The imputer's posterior times the model's confidence.
pub(super) fn imputed(replies: &Replies, posterior: &[f64]) -> Scored {
    let candidates = replies.candidates;
    graded("imputation times confidence", replies, |person, v, reply| {
        posterior[person * candidates + v].max(1e-300).ln() + reply.fit
    })
}

/// The label-only attack: people with a single matching candidate teach a model of the known columns, which is then asked
/// about everybody. Nothing where too few people teach, or all the same value.
pub(super) fn lomia(replies: &Replies, data: &Encoded, rows: &[usize], seed: Seed) -> Option<Scored> {
    let mut labels = vec![0_u32; data.rows()];
    let mut taught = Vec::new();
    for ((replies, case), &row) in replies.people().zip(cases(replies)).zip(rows) {
        if case == Case::One {
            labels[row] = replies.iter().position(|reply| reply.reproduces).unwrap_or(0) as u32;
            taught.push(row);
        }
    }
    let differ = taught.iter().any(|&row| labels[row] != labels[taught[0]]);
    if taught.len() < FEWEST_TAUGHT || !differ {
        return None;
    }
    let boosted = Boosted { rounds: 25, rate: 0.2, ..Boosted::default() };
    let forest = Forest { trees: 50, least_leaf: 3 };
    let learner: &dyn Learner = if replies.candidates <= MOST_BOOSTED { &boosted } else { &forest };
    let learned = learner.fit(data, &taught, &labels, replies.candidates, seed).probabilities(data, rows);
    let of = learned.into_iter().map(|share| share.max(1e-300).ln()).collect();
    Some(Scored { name: LOMIA, meaning: Meaning::Posterior, of, confidence: None })
}

/// Guesses with what is known about their ties.
pub(super) struct Decided {
    pub(super) guesses: Guesses,
    /// Share of people with several equally good candidates.
    pub(super) tied: f64,
    /// Share of right guesses to be expected if ties were broken by lot.
    pub(super) by_lot: Estimate,
}

/// Turns scores into guesses about the people in `rows` (of members and non-members in one count). Ties go to the more
/// frequent value.
pub(super) fn decide(scored: &Scored, domain: &Domain, prior: &[f64], rows: &[usize]) -> Decided {
    let mut guesses = Guesses::default();
    let (mut tied, mut by_lot) = (0_usize, Vec::with_capacity(rows.len()));
    for (person, (scores, &row)) in scored.of.chunks_exact(domain.len().max(1)).zip(rows).enumerate() {
        let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let best: Vec<usize> = (0..scores.len()).filter(|&v| scores[v] == top).collect();
        tied += usize::from(best.len() > 1);
        let confidence = match (&scored.confidence, scored.meaning) {
            (Some(confidence), _) => confidence[person],
            (None, Meaning::Posterior) => 1.0 / scores.iter().map(|score| (score - top).exp()).sum::<f64>(),
            (None, Meaning::Order) => 0.0,
        };
        guesses.confidence.push(if confidence.is_nan() { 0.0 } else { confidence });
        match domain {
            Domain::Values { truth, .. } => {
                let first = best.first().copied().unwrap_or(0);
                let guess = best.iter().fold(first, |a, &b| if prior[b] > prior[a] { b } else { a });
                let truth = truth[row].map(|code| code as usize);
                by_lot.push(truth.filter(|truth| best.contains(truth)).map_or(0.0, |_| 1.0 / best.len() as f64));
                guesses.right.push(truth == Some(guess));
                guesses.values.push(guess as u32);
            }
            Domain::Points { truth, points, tolerance, intervals, .. } => {
                // Points at quantiles stand for equally many people, those of stretches for as many as lie there.
                let mass = |v: usize| if intervals.is_some() { prior[v].exp() } else { 1.0 };
                let best = |v: usize| if scores[v] == top { mass(v) } else { 0.0 };
                let weights: Vec<f64> = match scored.meaning {
                    Meaning::Posterior => scores.iter().map(|score| (score - top).exp()).collect(),
                    Meaning::Order => (0..scores.len()).map(best).collect(),
                };
                let guess = points[likeliest(points, &weights, *tolerance)];
                let right = (guess - truth[row]).abs() <= *tolerance;
                by_lot.push(f64::from(u8::from(right)));
                guesses.right.push(right);
            }
        }
    }
    let by_lot = wilson_of_units(&by_lot, domain.len(), Level::P95);
    Decided { guesses, tied: tied as f64 / rows.len().max(1) as f64, by_lot }
}

/// The point with most weight within the tolerance around it; the middle one of several. O(points) with a sliding window.
fn likeliest(points: &[f64], weights: &[f64], tolerance: f64) -> usize {
    let (mut from, mut to, mut inside) = (0, 0, 0.0);
    let mut sums = Vec::with_capacity(points.len());
    for &centre in points {
        while to < points.len() && points[to] <= centre + tolerance {
            inside += weights[to];
            to += 1;
        }
        while points[from] < centre - tolerance {
            inside -= weights[from];
            from += 1;
        }
        sums.push(inside);
    }
    let top = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let best: Vec<usize> = (0..sums.len()).filter(|&at| sums[at] >= top * (1.0 - 1e-9)).collect();
    best.get(best.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reply(reproduces: bool, p: f64) -> Reply {
        let (fit, sure) = if reproduces { (p.ln(), p.ln()) } else { ((1.0 - p).ln(), p.ln()) };
        Reply { reproduces, fit, sure, class: u32::from(reproduces) }
    }

    fn replies(people: &[[Reply; 2]]) -> Replies {
        Replies { candidates: 2, of: people.concat(), outcomes: vec![1; people.len()] }
    }

    fn values(truth: &[u32]) -> Domain {
        Domain::Values { truth: truth.iter().map(|&code| Some(code)).collect(), exemplars: vec![0, 1] }
    }

    /// The three cases with the answers of Mehnaz et al., algorithm 1, worked out by hand; and a tie.
    #[test]
    fn csmia_in_its_three_cases() {
        let asked = replies(&[
            [reply(false, 0.9), reply(true, 0.6)],  // case 1: the match
            [reply(true, 0.7), reply(true, 0.8)],   // case 2: the surer match
            [reply(false, 0.6), reply(false, 0.9)], // case 3: the less sure mistake
            [reply(true, 0.7), reply(true, 0.7)],   // tied
        ]);
        assert_eq!(cases(&asked), [Case::One, Case::Several, Case::None, Case::Several]);
        let decided = decide(&csmia(&asked), &values(&[1, 1, 0, 1]), &[0.7_f64.ln(), 0.3_f64.ln()], &[0, 1, 2, 3]);
        assert_eq!(decided.guesses.values, [1, 1, 0, 0], "the tie goes to the more frequent value");
        assert_eq!((decided.tied, decided.by_lot.value), (0.25, 3.5 / 4.0));
        let sure = &decided.guesses.confidence;
        assert!(sure[0] > sure[1] && sure[1] > sure[2] && sure[1] > sure[3], "{sure:?}");
    }

    #[test]
    fn an_attribute_the_model_does_not_use_is_silent_and_tied() {
        let asked = replies(&[[reply(true, 0.7), reply(true, 0.7)], [reply(false, 0.6), reply(false, 0.6)]]);
        assert_eq!(asked.silent(), 2);
        let decided = decide(&csmia(&asked), &values(&[0, 1]), &[0.6_f64.ln(), 0.4_f64.ln()], &[0, 1]);
        assert_eq!((decided.tied, decided.by_lot.value), (1.0, 0.5));
    }

    /// Negative numbers within a tolerance: a rule that takes shares of the value never finds one right.
    #[test]
    fn negative_numbers_are_right_within_the_tolerance() {
        let domain = |tolerance: f64| Domain::Points {
            truth: vec![-2.0, -2.0],
            points: vec![-3.0, -2.1, -1.0],
            tolerance,
            spread: 1.0,
            whole: false,
            intervals: None,
        };
        let scored = |of: Vec<f64>| Scored { name: "", meaning: Meaning::Order, of, confidence: None };
        let of = vec![0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
        assert_eq!(decide(&scored(of.clone()), &domain(0.2), &[], &[0, 1]).guesses.right, [true, false]);
        assert!(decide(&scored(of), &domain(1.0), &[], &[0, 1]).guesses.right[1]);
    }

    #[test]
    fn a_plateau_is_guessed_in_its_middle() {
        let points: Vec<f64> = (0..10).map(f64::from).collect();
        let mut weights = vec![0.0; 10];
        weights[3..8].fill(1.0);
        assert_eq!(likeliest(&points, &weights, 1.0), 5, "4, 5 and 6 have three each");
        assert_eq!(likeliest(&points, &weights, 0.1), 5);
    }

    proptest! {
        /// Who else is attacked changes nobody's guess: permuted and split lists give the same.
        #[test]
        fn a_guess_depends_on_the_person_alone(people in prop::collection::vec((0.0_f64..1.0, 0.0_f64..1.0, any::<bool>(), any::<bool>(), 0_u32..2), 2..30), cut in 1_usize..29) {
            let make = |rows: &[(f64, f64, bool, bool, u32)]| replies(&rows.iter().map(|r| [reply(r.2, r.0), reply(r.3, r.1)]).collect::<Vec<_>>());
            let truth: Vec<u32> = people.iter().map(|person| person.4).collect();
            let domain = values(&truth);
            let prior = [0.6_f64.ln(), 0.4_f64.ln()];
            let knowledge = || Knowledge { prior: prior.to_vec(), confusion: vec![vec![-0.1, -2.0], vec![-2.0, -0.1]], loss: 0.3 };
            let guesses = |rows: &[usize]| {
                let chosen: Vec<_> = rows.iter().map(|&row| people[row]).collect();
                let posterior = vec![0.5; 2 * rows.len()];
                all(&make(&chosen), &knowledge(), &posterior).iter().map(|scored| decide(scored, &domain, &prior, rows).guesses).collect::<Vec<_>>()
            };
            let rows: Vec<usize> = (0..people.len()).collect();
            let cut = cut.min(people.len() - 1);
            let whole = guesses(&rows);
            let (first, second) = (guesses(&rows[..cut]), guesses(&rows[cut..]));
            let turned: Vec<usize> = rows[cut..].iter().chain(&rows[..cut]).copied().collect();
            for (at, whole) in whole.iter().enumerate() {
                prop_assert_eq!(&whole.right, &[&first[at].right[..], &second[at].right[..]].concat());
                prop_assert_eq!(&whole.take(&turned), &guesses(&turned)[at]);
            }
        }
    }
}
