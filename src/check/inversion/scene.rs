//! Who is attacked, who the attacker learns from, and what it knows of them.

use rand::seq::SliceRandom;

use super::domain::{Attribute, Domain};
use super::imputer::shares;
use super::rules::Knowledge;
use crate::check::disclosure::grove::Grove;
use crate::check::records::patients;
use crate::check::{Answers, Audited, ModelFile, Subject, Truth};
use crate::data::{Split, Table};
use crate::learn::{Encoded, folds};
use crate::model::{Predictions, Scale, log_probability};
use crate::seed::Seed;

/// The material of a run.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) model: &'a Audited,
    pub(super) split: &'a Split,
    pub(super) members: &'a Table,
    pub(super) others: &'a Table,
    /// What the model says about members and about others as they are.
    pub(super) answers: (&'a Answers, &'a Answers),
    /// The model's file, for attacks that look inside.
    pub(super) file: Option<&'a ModelFile>,
    /// Its trees, where they can be fed.
    pub(super) grove: Option<&'a Grove<'a>>,
}

/// Rows of the two tables by what happens to them.
pub(super) struct Parts {
    /// Members that are attacked, in random order.
    pub(super) members: Vec<usize>,
    /// Non-members that are attacked, in random order.
    pub(super) others: Vec<usize>,
    /// Non-members that the attacker learns from.
    pub(super) auxiliary: Vec<usize>,
}

/// What an adversary is given about a person besides the sensitive attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// The other columns.
    Columns,
    /// Those and the outcome.
    Outcome,
    /// Those and what the model says about the record as it is.
    Answers,
}

impl<'a> Scene<'a> {
    /// The material, where there is all of it.
    pub(super) fn of(subject: &Subject<'a>) -> Option<Self> {
        let (model, split) = (subject.model?, subject.split?);
        let (members, others) = (split.members.table()?, split.nonmembers.table()?);
        let answers = (model.members.as_ref()?, model.nonmembers.as_ref()?);
        Some(Self { model, split, members, others, answers, file: subject.file, grove: None })
    }

    /// Whether a column feeds the model.
    pub(super) fn is_input(&self, name: &str) -> bool {
        self.model.slots.iter().any(|slot| slot.columns.iter().any(|column| column == name))
    }

    /// The columns that feed the model: the only ones that questions are made of.
    pub(super) fn inputs(&self, table: &Table) -> Table {
        let fed = table.columns().iter().filter(|column| self.is_input(&column.name));
        Table::new(fed.cloned().collect())
    }

    /// The patient of every row, members first.
    pub(super) fn patients(&self) -> Vec<u32> {
        let (first, second) = patients(self.split);
        [first, second].concat()
    }

    /// Parts by patient, one record of each patient among the attacked.
    pub(super) fn parts(&self, seed: Seed) -> Parts {
        let (in_groups, out_groups) = patients(self.split);
        let half_of = folds::assign(&out_groups, &vec![0; out_groups.len()], 2, seed.derive("auxiliary"));
        let (auxiliary, rest): (Vec<usize>, Vec<usize>) = (0..out_groups.len()).partition(|&row| half_of[row] == 0);
        let shuffled = |rows: Vec<usize>, groups: &[u32], name: &str| {
            let of_rows: Vec<u32> = rows.iter().map(|&row| groups[row]).collect();
            let mut chosen: Vec<usize> =
                folds::representatives(&of_rows, seed.derive(name)).into_iter().map(|i| rows[i]).collect();
            chosen.shuffle(&mut seed.derive(name).derive("order").stream());
            chosen
        };
        Parts {
            members: shuffled((0..in_groups.len()).collect(), &in_groups, "members"),
            others: shuffled(rest, &out_groups, "nonmembers"),
            auxiliary,
        }
    }

    /// What an adversary knows of members and then of non-members.
    pub(super) fn encoded(&self, attribute: &Attribute, unknown: &[String], given: Given) -> Encoded {
        let mut data = Encoded::new(self.members.rows() + self.others.rows());
        for column in self.members.columns() {
            let hidden = attribute.columns.contains(&column.name) || unknown.contains(&column.name);
            if hidden || !self.split.schema.is_feature(&column.name) {
                continue;
            }
            if let Some(other) = self.others.column(&column.name) {
                data.push(&[&column.cells, &other.cells]);
            }
        }
        if given != Given::Columns
            && let (Some(a), Some(b)) = (&self.split.members.target, &self.split.nonmembers.target)
        {
            a.columns().iter().zip(b.columns()).for_each(|(a, b)| data.push(&[a, b]));
        }
        if given == Given::Answers {
            let (first, second) = (numbers(self.answers.0), numbers(self.answers.1));
            first.iter().zip(&second).for_each(|(a, b)| data.push_numbers(&[&a[..], &b[..]].concat()));
        }
        data
    }

    /// What the attacker knows of candidates and of the model's errors. `auxiliary` are rows of the non-members.
    pub(super) fn knowledge(&self, domain: &Domain, auxiliary: &[usize]) -> Knowledge {
        let offset = self.members.rows();
        let known: Vec<usize> =
            auxiliary.iter().map(|row| offset + row).filter(|&row| domain.is_attackable(row)).collect();
        let prior = shares(&known, &domain.labels(), domain.len()).into_iter().map(f64::ln).collect();
        let classes = self.model.target.facts().classes.len();
        let mut counts = vec![vec![1.0_f64; classes]; classes];
        if let Truth::Classes(truth) = &self.answers.1.truth {
            for &row in auxiliary {
                let predicted = self.answers.1.predictions.class(row) as usize;
                if let Some(count) = counts.get_mut(predicted).and_then(|of| of.get_mut(truth[row] as usize)) {
                    *count += 1.0;
                }
            }
        }
        let log_shares = |row: Vec<f64>| {
            let total: f64 = row.iter().sum();
            row.into_iter().map(|count| (count / total).ln()).collect()
        };
        Knowledge { prior, confusion: counts.into_iter().map(log_shares).collect(), loss: self.training_loss() }
    }

    /// Root mean square of the loss on members, as its owner would publish it; for numbers one, since errors are counted in
    /// their own scale.
    fn training_loss(&self) -> f64 {
        let Truth::Classes(truth) = &self.answers.0.truth else { return 1.0 };
        let loss = |(row, &class): (usize, &u32)| {
            super::replies::log_confidence(&self.answers.0.predictions, row, class as usize).max(-20.0).powi(2)
        };
        let squares: f64 = truth.iter().enumerate().map(loss).sum();
        (squares / truth.len().max(1) as f64).sqrt().max(0.01)
    }

    /// How far off the model's numbers usually are: the median absolute error on the records the attacker learns from, over
    /// 0.6745 so that it is the standard deviation of normal errors.
    pub(super) fn residual_scale(&self, auxiliary: &[usize]) -> f64 {
        let (Truth::Values(truth), Predictions::Values(found)) = (&self.answers.1.truth, &self.answers.1.predictions)
        else {
            return 1.0;
        };
        let mut errors: Vec<f64> = auxiliary.iter().map(|&row| (truth[row] - found[row]).abs()).collect();
        errors.sort_by(f64::total_cmp);
        let median = errors.get(errors.len() / 2).copied().unwrap_or(0.0);
        if median > 0.0 { median / 0.6745 } else { 1.0 }
    }
}

/// Answers as columns of numbers: ln of the probability of every class, or the number and its error.
fn numbers(answers: &Answers) -> Vec<Vec<f64>> {
    match (&answers.predictions, &answers.truth) {
        (Predictions::Scores { scale, classes, values, .. }, _) => (0..*classes)
            .map(|class| values.chunks_exact(*classes).map(|row| bounded(*scale, row, class)).collect())
            .collect(),
        (Predictions::Labels(labels), _) => vec![labels.iter().map(|&label| f64::from(label)).collect()],
        (Predictions::Values(values), Truth::Values(truth)) => {
            vec![values.clone(), values.iter().zip(truth).map(|(value, truth)| truth - value).collect()]
        }
        _ => Vec::new(),
    }
}

fn bounded(scale: Scale, row: &[f64], class: usize) -> f64 {
    log_probability(scale, row, class).max(-20.0)
}
