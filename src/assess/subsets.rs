//! Which records each reference model is trained on, and the key under which it is kept.

use rand::Rng;
use rand::seq::SliceRandom;
use serde::Serialize;

use super::AssessError;
use crate::data::Split;
use crate::digest::Digest;
use crate::seed::Seed;

/// The records of one reference model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset {
    /// Number of the reference, from 1.
    pub index: usize,
    /// The seed for the training program, from 0 to 2^31 - 1: what every language takes.
    pub seed: u32,
    /// Which members are in it.
    pub members: Vec<bool>,
    /// Which non-members are in it.
    pub nonmembers: Vec<bool>,
}

impl Subset {
    /// Half of the patients of both sets together, at random, and of these no more than together have as many records as
    /// the model under test was trained on. A patient is in it with all records or with none.
    ///
    /// # Errors
    /// When there are so few patients that nothing is drawn.
    pub(super) fn draw(split: &Split, root: Seed, index: usize) -> Result<Self, AssessError> {
        let seed = root.derive("reference subsets").derive(&index.to_string());
        let (n, m) = (split.members.len(), split.nonmembers.len());
        let groups: Vec<usize> = match (&split.members.groups, &split.nonmembers.groups) {
            (Some(a), Some(b)) => a.iter().chain(b).map(|&code| code as usize).collect(),
            _ => (0..n + m).collect(),
        };
        let mut records = vec![0_usize; groups.iter().max().map_or(0, |most| most + 1)];
        groups.iter().for_each(|&group| records[group] += 1);
        let mut patients: Vec<usize> = (0..records.len()).filter(|&group| records[group] > 0).collect();
        patients.shuffle(&mut seed.stream());
        let mut chosen = vec![false; records.len()];
        let mut total = 0;
        for &patient in &patients[..patients.len() / 2] {
            if total + records[patient] <= n {
                chosen[patient] = true;
                total += records[patient];
            }
        }
        if total == 0 {
            return Err(AssessError::Mismatch {
                what: "half of the patients have no record to train a reference model on".to_owned(),
                help: "give hundreds of records of many patients, or drop `[reference]`".to_owned(),
            });
        }
        let mask: Vec<bool> = groups.iter().map(|&group| chosen[group]).collect();
        Ok(Self {
            index,
            seed: seed.derive("training seed").stream().next_u32() >> 1,
            members: mask[..n].to_vec(),
            nonmembers: mask[n..].to_vec(),
        })
    }

    /// Number of records.
    pub fn records(&self) -> usize {
        self.members.iter().chain(&self.nonmembers).filter(|&&chosen| chosen).count()
    }

    /// A digest of the mask as a text of ones and zeros: members, then non-members.
    pub(super) fn mask_digest(&self) -> Digest {
        let text: String =
            self.members.iter().chain(&self.nonmembers).map(|&one| if one { '1' } else { '0' }).collect();
        Digest::of_bytes(text.as_bytes())
    }

    /// The rows of the files, one number per line: members, a dash, non-members.
    fn rows(&self, split: &Split) -> Digest {
        let of = |mask: &[bool], rows: &[usize]| -> String {
            let rows = mask.iter().zip(rows).filter(|(chosen, _)| **chosen).map(|(_, row)| row.to_string());
            rows.collect::<Vec<_>>().join("\n")
        };
        let (members, nonmembers) = (of(&self.members, &split.file_rows.0), of(&self.nonmembers, &split.file_rows.1));
        Digest::of_bytes(format!("{members}\n-\n{nonmembers}").as_bytes())
    }
}

/// What a model depends on, and nothing else: not the plan's name, the limits, the number of references or the folder.
#[derive(Serialize)]
pub(super) struct Recipe<'a> {
    pub(super) version: u32,
    pub(super) command: &'a [String],
    pub(super) data: &'a [Digest],
    pub(super) inputs: &'a [(String, Digest)],
    pub(super) names_index: bool,
}

impl Recipe<'_> {
    /// The key of the model of one subset.
    pub(super) fn key(&self, subset: &Subset, split: &Split) -> Digest {
        let index = self.names_index.then_some(subset.index);
        let text = serde_json::to_string(&(self, subset.seed, index, subset.rows(split)));
        Digest::of_bytes(text.expect("texts and numbers are JSON").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Cells, Column, Schema, Table};

    /// `n` members and `m` non-members, two records a patient; the last member shares a patient with the first non-member.
    fn split(n: i64, m: i64) -> Split {
        let patients = |range: std::ops::Range<i64>| range.map(|row| Some((row + 1) / 2)).collect();
        of_patients(patients(0..n), patients(n..n + m))
    }

    fn of_patients(members: Vec<Option<i64>>, nonmembers: Vec<Option<i64>>) -> Split {
        let table = |cells| Table::new(vec![Column { name: "p".to_owned(), cells: Cells::Integer(cells) }]);
        let schema = Schema { patient: Some("p".to_owned()), ..Schema::default() };
        Split::of_tables(table(members), table(nonmembers), schema, Vec::new()).unwrap()
    }

    #[test]
    fn patients_stay_together_and_the_size_is_the_targets() {
        let split = split(200, 400);
        for index in 1..20 {
            let subset = Subset::draw(&split, Seed::root(1), index).unwrap();
            let mask = [&subset.members[..], &subset.nonmembers[..]].concat();
            assert!(
                (1..599).step_by(2).all(|row| mask[row] == mask[row + 1]),
                "records 1-2, 3-4, ... are one patient's"
            );
            assert!((199..=200).contains(&subset.records()), "{}", subset.records());
        }
    }

    #[test]
    fn half_of_the_pool_where_that_is_less_than_the_targets() {
        let records = Subset::draw(&split(400, 200), Seed::root(1), 1).unwrap().records();
        // 301 patients, of whom two have one record: 150 of them have 298 to 300 records.
        assert!((298..=300).contains(&records), "{records}");
    }

    #[test]
    fn each_index_and_each_seed_has_a_subset_of_its_own() {
        let split = split(100, 100);
        let draw = |seed: u64, index: usize| Subset::draw(&split, Seed::root(seed), index).unwrap();
        assert_eq!(draw(1, 1), draw(1, 1));
        assert_ne!(draw(1, 1).members, draw(1, 2).members);
        assert_ne!(draw(1, 1).members, draw(2, 1).members);
        assert!(draw(1, 1).seed < 1 << 31 && draw(1, 1).seed != draw(1, 2).seed);
    }

    #[test]
    fn a_record_is_in_about_half_of_the_subsets() {
        let split = split(300, 300);
        let times = |row: usize| {
            let of = |index| Subset::draw(&split, Seed::root(3), index).unwrap().members[row];
            (1..=64).filter(|&index| of(index)).count()
        };
        // 64 draws of about one half: 32 with a standard deviation of 4.
        assert!((0..20).all(|row| (16..=48).contains(&times(row))));
    }

    #[test]
    fn the_key_follows_what_a_model_depends_on() {
        let split = split(100, 100);
        let subset = Subset::draw(&split, Seed::root(1), 1).unwrap();
        let key = |command: &str, names_index: bool, subset: &Subset| {
            let command = [command.to_owned()];
            Recipe { version: 1, command: &command, data: &[], inputs: &[], names_index }.key(subset, &split)
        };
        let renamed = Subset { index: 2, ..subset.clone() };
        assert_eq!(key("a", false, &subset), key("a", false, &renamed), "the number alone is no difference");
        assert_ne!(key("a", true, &subset), key("a", true, &renamed), "unless the command is told");
        assert_ne!(key("a", false, &subset), key("b", false, &subset));
        assert_ne!(key("a", false, &subset), key("a", false, &Subset { seed: 7, ..subset.clone() }));
    }

    #[test]
    fn too_few_patients() {
        assert!(Subset::draw(&of_patients(vec![Some(1)], vec![Some(1)]), Seed::root(1), 1).is_err());
    }
}
