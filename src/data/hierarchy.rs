//! Hierarchies of values: what a value is a kind of, from the value itself up to "anything".

use std::collections::BTreeMap;
use std::path::Path;

use super::{DataError, csv};

/// A tree of values, all of the same height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// For each value the names of what it belongs to, from the narrowest to the widest.
    above: BTreeMap<String, Vec<String>>,
    height: usize,
}

impl Hierarchy {
    /// Reads a table without header, one line a value: the value, what it is a kind of, what that is a kind of, and so on up
    /// to one name for all (the form of ARX).
    ///
    /// # Errors
    /// When the file cannot be read or is no tree. Messages name lines, never values.
    pub fn load(path: &Path, separator: Option<u8>) -> Result<Self, DataError> {
        let unfit = |what: String| DataError::Shape {
            what: format!("the hierarchy `{}` {what}", path.display()),
            help:
                "write one line per value: the value, its group, the group's group, ... and one name for all at the end"
                    .to_owned(),
        };
        let mut above: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut parents: BTreeMap<(usize, String), String> = BTreeMap::new();
        let mut height = None;
        for (line, mut names) in (1..).zip(csv::lines(path, separator)?) {
            let levels = *height.get_or_insert(names.len() - 1);
            if names.len() - 1 != levels || levels == 0 {
                return Err(unfit(format!(
                    "has another number of levels in line {line} than two or more as in the first"
                )));
            }
            for (level, pair) in names.windows(2).enumerate() {
                let parent = parents.entry((level, pair[0].clone())).or_insert_with(|| pair[1].clone());
                if *parent != pair[1] {
                    return Err(unfit(format!(
                        "is no tree: line {line} puts a name below another one than a line before"
                    )));
                }
            }
            let value = names.remove(0);
            if above.insert(value, names).is_some() {
                return Err(unfit(format!("gives the value of line {line} twice")));
            }
        }
        let height = height.ok_or_else(|| unfit("is empty".to_owned()))?;
        let mut roots: Vec<&String> = above.values().filter_map(|names| names.last()).collect();
        roots.sort();
        roots.dedup();
        if roots.len() > 1 {
            return Err(unfit("has several names at the top".to_owned()));
        }
        Ok(Self { above, height })
    }

    /// Number of steps from a value to the top, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// What a value belongs to, from the narrowest to the widest; nothing where it is not in the hierarchy.
    pub fn above(&self, value: &str) -> Option<&[String]> {
        self.above.get(value).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Hierarchy, DataError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h.csv");
        std::fs::write(&path, text).unwrap();
        Hierarchy::load(&path, None)
    }

    #[test]
    fn trees_are_read_and_others_refused() {
        let tree = load("flu;infection;any\ncold;infection;any\nbroken leg;injury;any\n").unwrap();
        assert_eq!((tree.height(), tree.above("cold").map(|names| names[0].as_str())), (2, Some("infection")));
        for (text, words) in [
            ("", "is empty"),
            ("a;x;any\nb;any\n", "line 2"),
            ("a;x;any\nb;x;all\n", "no tree"),
            ("a;x;any\na;x;any\n", "twice"),
            ("a;x\nb;y\n", "several names"),
            ("a\nb\n", "line 1"),
        ] {
            let error = load(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
