//! Values that are known to identify, looked up in texts.

use std::collections::BTreeSet;

/// Fewest letters and digits of a value that is worth recognising.
const SHORTEST: usize = 5;
/// Most words of a value: a name in full.
const MOST_WORDS: usize = 5;

/// Known values, compared without case and punctuation. Refuses to be printed.
#[derive(Clone, Default)]
pub struct Dictionary {
    values: BTreeSet<String>,
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dictionary({} values)", self.values.len())
    }
}

fn normal(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

impl Dictionary {
    /// Remembers values of five letters or digits and more.
    pub fn of<'t>(values: impl IntoIterator<Item = &'t str>) -> Self {
        let long = |words: &Vec<String>| {
            words.len() <= MOST_WORDS && words.iter().map(|word| word.chars().count()).sum::<usize>() >= SHORTEST
        };
        let values = values.into_iter().map(normal).filter(long).map(|words| words.join(" "));
        Self { values: values.collect() }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The known values that stand in a text as whole words. O(words log values).
    ///
    /// ```
    /// use privet::detect::Dictionary;
    /// let known = Dictionary::of(["Doe, Jane", "MR-004711"]);
    /// assert_eq!(known.found_in("x DOE jane y").count(), 1);
    /// assert_eq!(known.found_in("mr_004711").count(), 1);
    /// assert_eq!(known.found_in("mr 0047112").count(), 0);
    /// ```
    pub fn found_in<'d>(&'d self, text: &str) -> impl Iterator<Item = &'d str> {
        let words = normal(text);
        let mut found = BTreeSet::new();
        for start in 0..words.len() {
            for end in start + 1..=words.len().min(start + MOST_WORDS) {
                if let Some(value) = self.values.get(&words[start..end].join(" ")) {
                    found.insert(value.as_str());
                }
            }
        }
        found.into_iter()
    }
}
