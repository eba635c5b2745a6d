//! Asking the model about many versions of many records: which, how many, and a bounded number at a time.

use super::pool::{Part, Pool};
use super::survival::with_baseline;
use crate::check::records::stacked;
use crate::check::{Audited, CheckError, Subject, Truth};
use crate::data::Features;
use crate::data::encode::tensors;
use crate::model::Predictions;
use crate::seed::Seed;
use crate::watch::{Event, Unwatched, Watch};

/// Versions of records that are in memory at once, at least one record's.
const AT_ONCE: usize = 1 << 15;

/// How often an attack would like to ask about a record, and how often at least.
#[derive(Debug, Clone, Copy)]
pub(super) struct Versions {
    pub(super) wanted: usize,
    pub(super) fewest: usize,
}

/// The records that are attacked and how many versions of each the model is asked about.
pub(super) struct Effort {
    /// Rows of the pool in ascending order.
    pub(super) rows: Vec<usize>,
    /// Versions of each.
    pub(super) versions: usize,
    /// Whether these are all records.
    pub(super) whole: bool,
}

impl Effort {
    /// All records if the versions that `most_rows` records a side would cost suffice for at least the fewest of each;
    /// otherwise a random sample of that size, one record of each patient.
    pub(super) fn within(pool: &Pool, most_rows: usize, versions: Versions, seed: Seed) -> Self {
        let affordable = most_rows.saturating_mul(2).saturating_mul(versions.wanted) / pool.rows().max(1);
        if affordable >= versions.fewest.min(versions.wanted) {
            return Self { rows: (0..pool.rows()).collect(), versions: affordable.min(versions.wanted), whole: true };
        }
        let units = pool.thin(&pool.whole(), seed.derive("one record a patient"));
        let drawn = |mut rows: Vec<usize>, name: &str| {
            rand::seq::SliceRandom::shuffle(&mut rows[..], &mut seed.derive(name).stream());
            rows.truncate(most_rows);
            rows.sort_unstable();
            rows
        };
        let rows = [drawn(units.members, "members"), drawn(units.nonmembers, "nonmembers")].concat();
        Self { rows, versions: versions.wanted, whole: false }
    }

    /// The records by side.
    pub(super) fn part(&self, pool: &Pool) -> Part {
        let (members, nonmembers) = self.rows.iter().partition(|&&row| pool.is_member(row));
        Part { members, nonmembers }
    }

    /// Values of the attacked records as one per row of the pool; the others have zero.
    pub(super) fn spread(&self, pool: &Pool, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut of_record = vec![0.0; pool.rows()];
        self.rows.iter().zip(values).for_each(|(&row, value)| of_record[row] = value);
        of_record
    }
}

/// What the model takes of every record, in the order of the pool; nothing where the two sets cannot be put together.
pub(super) fn pooled(subject: &Subject<'_>) -> Option<Features> {
    let (model, split) = (subject.model?, subject.split?);
    match (&split.members.features, &split.nonmembers.features) {
        (Features::Table(_), Features::Table(_)) => {
            let feeds = |name: &str| model.slots.iter().any(|slot| slot.columns.iter().any(|column| column == name));
            Some(Features::Table(stacked(split, feeds)?))
        }
        (Features::Tensor(members), Features::Tensor(nonmembers)) => {
            let mut both = members.clone();
            both.extend(nonmembers.clone());
            Some(Features::Tensor(both))
        }
        _ => None,
    }
}

/// Questions to the model, with the progress of them all.
pub(super) struct Interview<'a> {
    model: &'a Audited,
    step: &'static str,
    watch: &'a dyn Watch,
    done: u64,
    total: u64,
}

impl<'a> Interview<'a> {
    /// Questions of a check: `total` in all.
    pub(super) fn new(model: &'a Audited, step: &'static str, watch: &'a dyn Watch, total: usize) -> Self {
        Self { model, step, watch, done: 0, total: total as u64 }
    }

    /// Asks about the versions of every record that `make` gives (those of one record together) and has the answers about
    /// some records at a time turned into one value for each.
    pub(super) fn ask<T>(
        &mut self,
        effort: &Effort,
        make: impl Fn(&[usize]) -> Features,
        read: impl Fn(&[usize], &Predictions) -> Vec<T>,
    ) -> Result<Vec<T>, CheckError> {
        let mut values = Vec::with_capacity(effort.rows.len());
        for rows in effort.rows.chunks((AT_ONCE / effort.versions.max(1)).max(1)) {
            let inputs = tensors(&make(rows), &self.model.slots)?;
            let answers = self.model.target.query(&inputs, self.step, &Unwatched)?;
            values.extend(read(rows, &answers));
            self.done += answers.rows() as u64;
            self.watch.on(&Event::Progress { step: self.step, done: self.done, total: self.total });
        }
        Ok(values)
    }
}

/// The truth about every record of the pool.
pub(super) fn truth(model: &Audited, pool: &Pool) -> Option<Truth> {
    let (members, nonmembers) = (model.members.as_ref()?, model.nonmembers.as_ref()?);
    let predictions = Predictions::concat(vec![members.predictions.clone(), nonmembers.predictions.clone()])?;
    Some(with_baseline(pool, &predictions, members.truth.joined(&nonmembers.truth)?))
}

/// The truth about some rows, as often as each has versions.
pub(super) fn repeated(truth: &Truth, rows: &[usize], versions: usize) -> Truth {
    let each: Vec<usize> = rows.iter().flat_map(|&row| std::iter::repeat_n(row, versions)).collect();
    truth.take(&each)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::case;

    fn effort(records: usize, most_rows: usize) -> Effort {
        let case = case(records, 0.0, 1);
        let subject = Subject {
            split: Some(&case.split),
            model: None,
            file: None,
            references: &[],
            shadow: None,
            scores: &[],
            seed: Seed::root(1),
        };
        let pool = Pool::of(&subject).unwrap();
        Effort::within(&pool, most_rows, Versions { wanted: 100, fewest: 20 }, Seed::root(1))
    }

    /// 20 records a side at 100 versions are 4,000 questions: 100 of each of 40 records, 40 of 100, 20 of 200.
    #[test]
    fn versions_are_given_up_before_records() {
        for (records, versions) in [(10, 100), (20, 100), (50, 40), (100, 20)] {
            let effort = effort(records, 20);
            assert_eq!((effort.rows.len(), effort.versions, effort.whole), (2 * records, versions, true));
        }
        let sample = effort(101, 20);
        assert_eq!((sample.rows.len(), sample.versions, sample.whole), (40, 100, false));
        assert_eq!(sample.rows.iter().filter(|&&row| row < 101).count(), 20, "as many of either side");
    }
}
