//! How far two draws of the same attack agree on who is at risk.
//!
//! What an attack says about a record depends on which surrogates or references the attacker happened to train, or on
//! which records it learned from. Two attacks that learned from disjoint halves of these are asked about the same members:
//! where they rank them differently, a list of names from a single run is a list of chance.

use super::pool::Pool;
use crate::check::AttackScores;
use crate::finding::{Evidence, Finding, SMALLEST_SHOWN, Table};
use crate::stats::rank::{spearman, top_share_jaccard};

/// Share of the members that counts as most at risk.
const TOP: f64 = 0.05;
/// Agreement on the top below which nobody should be named from a single run.
const FIRM: f64 = 0.5;

/// How two draws of an attack agree about the members.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stability {
    /// Spearman's correlation of their rankings; nothing where a draw gives all members one score.
    pub(super) correlation: Option<f64>,
    /// Jaccard index of their top 5 %; nothing where that would be fewer than eleven members, or is blurred by ties.
    pub(super) top: Option<f64>,
}

impl Stability {
    /// The agreement of an attack's draws; nothing where it has none.
    pub(super) fn of(pool: &Pool, attack: &AttackScores) -> Option<Self> {
        let [first, second] = attack.draws.as_ref()?;
        let (first, second) = (first.get(..pool.members)?, second.get(..pool.members)?);
        let enough = (TOP * pool.members as f64).ceil() as usize >= SMALLEST_SHOWN;
        let top = enough.then(|| top_share_jaccard(first, second, TOP)).flatten();
        Some(Self { correlation: spearman(first, second), top })
    }

    /// What follows for whoever wants to name people.
    pub(super) fn words(&self) -> String {
        let correlation = shown(self.correlation);
        match self.top {
            Some(top) if top < FIRM => format!(
                "Which people are at risk depends on the draw: two draws agree on {top:.2} of the 5 % of members who score \
                 highest (Jaccard index; chance gives 0.03; rank correlation {correlation}). Name nobody from a single run."
            ),
            Some(top) => format!(
                "Two draws agree on {top:.2} of the 5 % of members who score highest (Jaccard index; chance gives 0.03; rank \
                 correlation {correlation})."
            ),
            None => format!(
                "Two draws agree in their ranking of members to {correlation} (rank correlation); for their top 5 % there are \
                 too few members or too many equal scores, so name nobody from this run."
            ),
        }
    }
}

/// Adds to a finding how far the draws of its attacks agree, and what that means for the first of them.
pub(super) fn tell(finding: &mut Finding, pool: &Pool, attacks: &[&AttackScores], draws: &str) {
    let known: Vec<(&AttackScores, Stability)> =
        attacks.iter().filter_map(|attack| Some((*attack, Stability::of(pool, attack)?))).collect();
    let Some((_, first)) = known.first() else { return };
    finding.limits.push(first.words());
    let row = |(attack, stability): &(&AttackScores, Stability)| {
        vec![attack.name.clone(), shown(stability.correlation), shown(stability.top)]
    };
    finding.evidence.push(Evidence::Table(Table {
        caption: format!(
            "Stability: how far two draws of the attack ({draws}) agree about the members; each has half of what the attack \
             itself has, which is somewhat more stable"
        ),
        columns: ["attack", "rank correlation (Spearman)", "agreement on the top 5 % (Jaccard; chance 0.03)"]
            .map(str::to_owned)
            .to_vec(),
        rows: known.iter().map(row).collect(),
    }));
}

fn shown(value: Option<f64>) -> String {
    value.map_or("not computed".to_owned(), |value| format!("{value:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::pool::{blank, competing};
    use crate::check::membership::specimen::case;
    use crate::check::specimen::{Case, normal};
    use crate::finding::Unit;
    use crate::seed::Seed;

    fn pool(case: &Case) -> Pool {
        Pool::of(&case.subject(1)).unwrap()
    }

    fn drawn(count: usize, shared: f64) -> (Pool, AttackScores) {
        let case = case(count, 0.0, 1);
        let pool = pool(&case);
        let seed = Seed::root(5);
        let (common, a, b) = (
            normal(2 * count, 0.0, seed.derive("common")),
            normal(2 * count, 0.0, seed.derive("a")),
            normal(2 * count, 0.0, seed.derive("b")),
        );
        let with = |own: &[f64]| -> Vec<f64> {
            common.iter().zip(own).map(|(c, o)| shared.sqrt() * c + (1.0 - shared).sqrt() * o).collect()
        };
        let attack = AttackScores { draws: Some([with(&a), with(&b)]), ..competing("x", "x", common.clone()) };
        (pool, attack)
    }

    /// Two normal scores with correlation 0.8: Spearman is (6 / pi) asin(0.4) = 0.7859. Of their top 5 % the share in both
    /// is P(X > t, Y > t) = 0.02476 (bivariate normal, SciPy), so the Jaccard index is 0.02476 / (0.1 - 0.02476) = 0.3290.
    #[test]
    fn draws_of_known_correlation_agree_as_far_as_they_should() {
        let (pool, attack) = drawn(20_000, 0.8);
        let found = Stability::of(&pool, &attack).unwrap();
        assert!((found.correlation.unwrap() - 0.7859).abs() < 0.01, "{found:?}");
        assert!((found.top.unwrap() - 0.3290).abs() < 0.03, "{found:?}");
        assert!(found.words().contains("Name nobody from a single run"));
    }

    /// Non-members are no part of it, and the order of the rows is none.
    #[test]
    fn only_members_count_in_any_order() {
        let (pool, attack) = drawn(400, 0.6);
        let found = Stability::of(&pool, &attack).unwrap();
        let turned = |values: &[f64]| -> Vec<f64> {
            let (members, others) = values.split_at(400);
            members.iter().rev().copied().chain(others.iter().map(|value| value * 100.0)).collect()
        };
        let [a, b] = attack.draws.as_ref().unwrap();
        let other = AttackScores { draws: Some([turned(a), turned(b)]), ..attack.clone() };
        let other = Stability::of(&pool, &other).unwrap();
        assert!((found.correlation.unwrap() - other.correlation.unwrap()).abs() < 1e-12);
        assert_eq!(found.top, other.top);
    }

    #[test]
    fn a_top_of_fewer_than_eleven_or_of_ties_is_not_told() {
        let (pool, attack) = drawn(200, 0.9);
        let found = Stability::of(&pool, &attack).unwrap();
        assert!(found.correlation.is_some() && found.top.is_none(), "5 % of 200 are ten people");
        let flat = AttackScores { draws: Some([vec![1.0; 2000], vec![1.0; 2000]]), ..attack };
        let pool = Pool::of(&case(1000, 0.0, 1).subject(1)).unwrap();
        assert_eq!(Stability::of(&pool, &flat), Some(Stability { correlation: None, top: None }));
        let mut finding = blank("x", "x", Unit::Area, 0.5);
        tell(&mut finding, &pool, &[&flat], "halves");
        assert!(finding.limits[0].contains("not computed"), "{:?}", finding.limits);
        tell(&mut finding, &pool, &[&competing("x", "x", Vec::new())], "halves");
        assert_eq!((finding.limits.len(), finding.evidence.len()), (1, 1), "without draws there is nothing to tell");
    }
}
