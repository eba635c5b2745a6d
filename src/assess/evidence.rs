//! What is known about single records, as a file that only its owner can read. Written on request; no report has room for it.
//!
//! Refuses to hold a cell, a row number or an identifier: a record goes by a pseudonym that only the holder of the key can
//! tie to a row of the input file, `HMAC-SHA-256(key, "<SHA-256 of the file>:<number of the record in it, from 1>")`, of
//! which the first 32 hexadecimal digits are written. Lines are sorted by pseudonym, so their order tells nothing either.

use std::fmt::Write;

use rand::Rng;

use super::AssessError;
use super::assessment::{Assessment, EvidenceNote, InputFile};
use crate::check::RecordRisk;
use crate::data::Split;
use crate::digest::{Digest, hex};
use crate::seed::Seed;

/// Hexadecimal digits of a pseudonym: 128 bits.
const DIGITS: usize = 32;
/// Fewest bytes of a key.
const FEWEST_BYTES: usize = 32;
/// The columns of the file.
const COLUMNS: &str = "record,patient,member,attack,score,p_value,posterior,exposed";
/// What the report says the file holds.
const HOLDS: &str = "a keyed pseudonym of each record and of its patient, whether it is a member, the attack chosen on the \
                     other half of the patients, its score in robust standard deviations, the conformal p-value, the \
                     posterior learned out of fold, and whether the record can be named; no cell, row number or identifier";
/// What a reader of the file must know.
const READING: &str = "Who ranks high depends on the draw of the attack (see the stability in the report): name nobody from a \
                       single run.";

/// The secret that ties pseudonyms to rows. It is never printed.
pub struct Key(Vec<u8>);

impl Key {
    /// A new one, from the operating system.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn fresh() -> Result<Self, AssessError> {
        let seed = Seed::fresh().map_err(|words| AssessError::Mismatch {
            what: format!("the operating system gives no random bytes: {words}"),
            help: "give a key of your own with --record-key".to_owned(),
        })?;
        let mut bytes = vec![0_u8; FEWEST_BYTES];
        seed.derive("key of pseudonyms").stream().fill_bytes(&mut bytes);
        Ok(Self(bytes))
    }

    /// A key as a file holds it: hexadecimal digits, at least 64.
    ///
    /// # Errors
    /// When it is shorter, or not hexadecimal.
    pub fn parse(text: &str) -> Result<Self, AssessError> {
        let digits: Option<Vec<u8>> =
            text.trim().chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect();
        let bytes = digits.filter(|digits| digits.len().is_multiple_of(2) && digits.len() >= 2 * FEWEST_BYTES);
        let bytes = bytes.map(|digits| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect());
        bytes.map(Self).ok_or_else(|| AssessError::Mismatch {
            what: "the file of `--record-key` is no key: 64 or more hexadecimal digits are expected".to_owned(),
            help: "make one with `openssl rand -hex 32`, or leave --record-key out and a key is made".to_owned(),
        })
    }

    /// The key as a file holds it.
    pub fn text(&self) -> String {
        hex(&self.0) + "\n"
    }
}

/// What is known about the records of a run, with what ties them to rows of files.
pub struct Records {
    risks: Vec<RecordRisk>,
    /// File and number of every record of the pool.
    places: Vec<(Digest, usize)>,
    /// The first record of the patient of every record, where patients are declared.
    patients: Option<Vec<usize>>,
    members: usize,
}

impl Records {
    /// The records of a split; nothing where no attack said anything about them.
    pub(super) fn of(risks: Vec<RecordRisk>, split: Option<&Split>, inputs: &[InputFile]) -> Option<Self> {
        let split = split.filter(|_| !risks.is_empty())?;
        let file = |roles: [&str; 3]| {
            let found = roles.iter().find_map(|role| inputs.iter().find(|input| input.role == *role));
            found.map(|input| input.sha256.clone())
        };
        let (first, second) = (file(["members", "records", "scores"])?, file(["non-members", "records", "scores"])?);
        let numbered = |digest: &Digest, rows: &[usize]| -> Vec<(Digest, usize)> {
            rows.iter().map(|row| (digest.clone(), row + 1)).collect()
        };
        let places = [numbered(&first, &split.file_rows.0), numbered(&second, &split.file_rows.1)].concat();
        let groups = split.members.groups.as_ref().zip(split.nonmembers.groups.as_ref());
        let patients = groups.map(|(a, b)| {
            let groups = [&a[..], &b[..]].concat();
            let mut first = vec![usize::MAX; groups.iter().max().map_or(0, |&group| group as usize + 1)];
            groups.iter().enumerate().rev().for_each(|(row, &group)| first[group as usize] = row);
            groups.iter().map(|&group| first[group as usize]).collect()
        });
        Some(Self { risks, places, patients, members: split.members.len() })
    }

    /// The file: CSV with a header, sorted by pseudonym.
    pub fn csv(&self, key: &Key) -> String {
        let pseudonym = |purpose: &str, row: usize| {
            let (file, number) = &self.places[row];
            let mut digits = Digest::keyed(&key.0, format!("{purpose}{file}:{number}").as_bytes()).to_string();
            digits.truncate(DIGITS);
            digits
        };
        let line = |risk: &RecordRisk| {
            let patient =
                self.patients.as_ref().map(|first| pseudonym("patient:", first[risk.row])).unwrap_or_default();
            let exposed = risk.exposed.map_or("", |exposed| if exposed { "yes" } else { "no" });
            format!(
                "{},{patient},{},\"{}\",{:.4},{:.6},{:.4},{exposed}",
                pseudonym("", risk.row),
                u8::from(risk.row < self.members),
                risk.attack.replace('"', "\"\""),
                risk.score,
                risk.p_value,
                risk.posterior,
            )
        };
        let mut lines: Vec<String> = self.risks.iter().map(line).collect();
        lines.sort_unstable();
        let mut text = format!("{COLUMNS}\n");
        lines.iter().for_each(|line| {
            let _ = writeln!(text, "{line}");
        });
        text
    }
}

impl Assessment {
    /// The assessment with a note that a file about its records was written: in the envelope, since a new key gives other
    /// bytes.
    #[must_use]
    pub fn with_evidence(mut self, file: String, csv: &str) -> Self {
        self.envelope.record_evidence = Some(EvidenceNote {
            file,
            sha256: Digest::of_bytes(csv.as_bytes()),
            holds: HOLDS.to_owned(),
            reading: READING.to_owned(),
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Records {
        let risk = |row: usize| RecordRisk {
            row,
            attack: "an \"attack\", one".to_owned(),
            score: row as f64 - 1.5,
            p_value: 0.25,
            posterior: 0.75,
            exposed: [Some(true), Some(false), None, None][row],
        };
        let (a, b) = (Digest::of_bytes(b"a"), Digest::of_bytes(b"b"));
        Records {
            risks: (0..4).map(risk).collect(),
            places: vec![(a.clone(), 1), (a, 2), (b.clone(), 1), (b, 2)],
            patients: Some(vec![0, 0, 2, 3]),
            members: 2,
        }
    }

    /// A pseudonym is what anybody computes who has key and file: `hmac.new(bytes(32), b"<digest>:1", "sha256")` of Python's
    /// standard library.
    #[test]
    fn pseudonyms_can_be_computed_without_privet() {
        let text = records().csv(&Key(vec![0; 32]));
        let expected = "d638a35d9c0b5eb8ae1a3d4e3bc77697";
        assert!(
            text.lines().any(|line| line.starts_with(expected) && line.contains(",1,\"an \"\"attack\"\", one\",-1.5")),
            "{text}"
        );
    }

    #[test]
    fn another_key_gives_other_pseudonyms_and_order_tells_nothing() {
        let keys = [Key(vec![1; 32]), Key(vec![2; 32])];
        let [first, second] = [0, 1].map(|at| records().csv(&keys[at]));
        let columns = |text: &str, at: usize| -> Vec<String> {
            text.lines().skip(1).map(|line| line.split(',').nth(at).unwrap_or_default().to_owned()).collect()
        };
        let (a, b) = (columns(&first, 0), columns(&second, 0));
        assert!(a.is_sorted() && b.is_sorted() && a.iter().all(|name| !b.contains(name) && name.len() == DIGITS));
        let mut patients = columns(&first, 1);
        patients.sort();
        patients.dedup();
        assert_eq!(patients.len(), 3, "two records belong to one patient");
        assert!(patients.iter().all(|name| !a.contains(name)), "a patient is not named like a record");
    }

    #[test]
    fn keys_are_long_hexadecimal_numbers() {
        let key = Key::fresh().map(|key| key.text()).unwrap_or_default();
        assert_eq!(Key::parse(&key).map(|key| key.text()).unwrap_or_default(), key);
        for wrong in ["", "abc", &"0".repeat(62), &"0".repeat(65), &"g".repeat(64)] {
            assert!(Key::parse(wrong).is_err(), "{wrong}");
        }
    }
}
