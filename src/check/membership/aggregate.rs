//! What an attack says about a patient, from what it says about each of the patient's records.
//!
//! Blind to membership throughout: a patient's records are taken together whichever set they are in, and scores are put on
//! one scale by the median and the quartiles of all records of a half. So the aggregated scores depend on labels no more
//! than the scores they are made of, and permutation tests and held-out choices stay as valid as they were.

use super::pool::Pool;
use crate::check::AttackScores;
use crate::stats::rank::quantile;

/// Id of the check whose scores are of whole patients.
pub(super) const ID: &str = "membership/whole-patient";
/// Distance of the quartiles of a normal distribution, in standard deviations.
const QUARTILES: f64 = 1.348_979_500_392_163_6;

/// How the scores of a patient's records become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Their mean: what records share counts once.
    Mean,
    /// Their sum: the log-likelihood ratio of records that are independent evidence.
    Sum,
    /// The largest: one remembered record is enough.
    Largest,
    /// ln of the sum of their exponentials: between sum and largest.
    LogSumExp,
}

/// Every form.
pub(super) const FORMS: [Form; 4] = [Form::Mean, Form::Sum, Form::Largest, Form::LogSumExp];

impl Form {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::Largest => "largest",
            Self::LogSumExp => "log-sum-exp",
        }
    }

    /// One score of several.
    fn of(self, scores: &[f64]) -> f64 {
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        match self {
            Self::Mean => scores.iter().sum::<f64>() / scores.len().max(1) as f64,
            Self::Sum => scores.iter().sum(),
            Self::Largest => largest,
            Self::LogSumExp => largest + scores.iter().map(|score| (score - largest).exp()).sum::<f64>().ln(),
        }
    }
}

/// The rows of every patient.
pub(super) struct Patients(Vec<Vec<usize>>);

impl Patients {
    pub(super) fn of(pool: &Pool) -> Self {
        let patients = pool.groups.iter().max().map_or(0, |&group| group as usize + 1);
        let mut rows = vec![Vec::new(); patients];
        pool.groups.iter().enumerate().for_each(|(row, &group)| rows[group as usize].push(row));
        rows.retain(|rows| !rows.is_empty());
        Self(rows)
    }

    /// Whether any patient has several records.
    pub(super) fn several(&self) -> bool {
        self.0.iter().any(|rows| rows.len() > 1)
    }

    /// How many records the patient of each row has.
    pub(super) fn records(&self, pool: &Pool) -> Vec<f64> {
        self.spread(pool, |rows| rows.len() as f64)
    }

    /// An attack on patients: every record has the score of its patient.
    pub(super) fn aggregate(&self, pool: &Pool, attack: &AttackScores, form: Form) -> AttackScores {
        let of = |scores: &[f64]| {
            let scores = standardised(pool, scores);
            self.spread(pool, |rows| form.of(&rows.iter().map(|&row| scores[row]).collect::<Vec<f64>>()))
        };
        AttackScores {
            check: ID,
            name: format!("{}; {} over a patient's records", attack.name, form.words()),
            of_record: of(&attack.of_record),
            entry: attack.entry,
            draws: attack.draws.as_ref().map(|[first, second]| [of(first), of(second)]),
        }
    }

    fn spread(&self, pool: &Pool, of: impl Fn(&[usize]) -> f64) -> Vec<f64> {
        let mut values = vec![0.0; pool.rows()];
        for rows in &self.0 {
            let value = of(rows);
            rows.iter().for_each(|&row| values[row] = value);
        }
        values
    }
}

/// Scores with a median of 0 and a standard deviation of about 1 in each half, learned from the half alone.
pub(super) fn standardised(pool: &Pool, scores: &[f64]) -> Vec<f64> {
    let mut values = vec![0.0; scores.len()];
    for half in 0..2 {
        let rows: Vec<usize> = (0..scores.len()).filter(|&row| pool.half[row] == half).collect();
        if rows.is_empty() {
            continue;
        }
        let mut sorted: Vec<f64> = rows.iter().map(|&row| scores[row]).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let middle = quantile(&sorted, 0.5);
        let quartiles = (quantile(&sorted, 0.75) - quantile(&sorted, 0.25)) / QUARTILES;
        let deviation = || {
            let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
            (sorted.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / sorted.len() as f64).sqrt()
        };
        let scale = [quartiles, deviation()].into_iter().find(|&scale| scale > 0.0).unwrap_or(1.0);
        rows.iter().for_each(|&row| values[row] = (scores[row] - middle) / scale);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::pool::competing;
    use crate::check::membership::specimen::patients;
    use crate::check::specimen::normal;
    use crate::seed::Seed;
    use proptest::prelude::*;

    #[test]
    fn forms_are_what_they_say() {
        let scores = [1.0, 3.0, -1.0];
        let found: Vec<f64> = FORMS.iter().map(|form| form.of(&scores)).collect();
        assert_eq!(found[..3], [1.0, 3.0, 3.0]);
        assert!((found[3] - (1_f64.exp() + 3_f64.exp() + (-1_f64).exp()).ln()).abs() < 1e-12);
        assert_eq!(Form::LogSumExp.of(&[800.0, 800.0]), 800.0 + 2_f64.ln(), "large scores do not overflow");
    }

    /// Labels are nowhere in it: who is called a member changes no score.
    #[test]
    fn membership_changes_nothing() {
        let case = patients(60, 3, 0.5, 4);
        let mut pool = Pool::of(&case.subject(4)).unwrap();
        let attack = competing("x", "x", normal(pool.rows(), 0.0, Seed::root(1)));
        let scores = |pool: &Pool| FORMS.map(|form| Patients::of(pool).aggregate(pool, &attack, form).of_record);
        let before = scores(&pool);
        pool.members = 7;
        assert_eq!(scores(&pool), before);
    }

    proptest! {
        /// The order of a patient's records does not matter, and all of them have one score.
        #[test]
        fn records_of_a_patient_are_a_set(scores in prop::collection::vec(-5.0_f64..5.0, 12), turn in 0_usize..3) {
            let case = patients(2, 3, 0.0, 1);
            let pool = Pool::of(&case.subject(1)).unwrap();
            let turned: Vec<f64> =
                (0..12).map(|row| scores[row / 3 * 3 + (row % 3 + turn) % 3]).collect();
            for form in FORMS {
                let of = |scores: &[f64]| Patients::of(&pool).aggregate(&pool, &competing("x", "x", scores.to_vec()), form).of_record;
                let (a, b) = (of(&scores), of(&turned));
                prop_assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9));
                prop_assert!(a.chunks(3).all(|patient| patient.iter().all(|&score| score == patient[0])));
            }
        }
    }
}
