//! The words of the field, each explained once. Layer row 6. Refuses to promise: a term is explained, not praised.

/// A term, its anchor on the page and its meaning.
pub(super) struct Term {
    /// Anchor.
    pub(super) id: &'static str,
    /// The term.
    pub(super) name: &'static str,
    /// What it means.
    pub(super) meaning: &'static str,
}

/// The glossary in alphabetical order.
pub(super) const TERMS: [Term; 26] = [
    term(
        "attribute-inference",
        "Attribute inference",
        "Guessing a hidden value of a person's record, such as a diagnosis, from the model's answers and the rest of the record.",
    ),
    term(
        "auc",
        "AUC",
        "Area under the ROC curve: how often an attack scores a random member above a random non-member. 0.5 is chance, 1 is always. It is an average and can hide a few exposed people.",
    ),
    term(
        "baseline",
        "Baseline",
        "The best that can be done without the model. What an attack achieves beyond it is the leak.",
    ),
    term(
        "class",
        "Equivalence class",
        "All people with the same combination of quasi-identifiers. A person hides among the others of the class.",
    ),
    term(
        "distribution-disclosure",
        "Distribution disclosure",
        "The model passes on what holds for everybody, such as how often two diagnoses come together: people it never saw are guessed as well as members. A question of policy, not a breach of a record.",
    ),
    term(
        "exchangeable",
        "Exchangeable",
        "Members and non-members differ by chance only. Otherwise an attack may see that difference instead of the training.",
    ),
    term(
        "fpr",
        "False-positive rate (FPR)",
        "Of 100 people who were not in the training data, how many the attack wrongly names as members.",
    ),
    term(
        "individual-disclosure",
        "Individual disclosure",
        "Being in the training data made a person's value guessable: the model helps more with members than with people it never saw, and more than a guess from the other columns.",
    ),
    term(
        "interval",
        "Interval",
        "The range of values that agree with the data. A 95 % interval misses the true value in at most about 1 of 20 such measurements. It covers chance, not a wrong assumption.",
    ),
    term(
        "journalist",
        "Journalist risk",
        "The chance that an attacker names a person rightly without knowing that the person is in the file, by comparing it with a register of the population.",
    ),
    term(
        "k-anonymity",
        "k-anonymity",
        "k is the size of the smallest equivalence class. With k = 1 somebody stands alone.",
    ),
    term(
        "limit",
        "Limit",
        "The value that the policy accepts at most (for k: at least). The interval is compared with it, never the number alone.",
    ),
    term(
        "marketer",
        "Marketer risk",
        "The share of all people that an attacker who links the whole file would name rightly on average.",
    ),
    term("member", "Member", "A person, or a record, that was in the training data. Everybody else is a non-member."),
    term(
        "membership-inference",
        "Membership inference",
        "Telling from the model's answers whether a person was in the training data. Where the data are about patients of one condition, this alone tells the condition.",
    ),
    term(
        "model-inversion",
        "Model inversion",
        "Working back from a model's answers to its training data: single values, typical records or images.",
    ),
    term(
        "no-leak",
        "No-leak (null) value",
        "What the measurement would give for a model, or a file, that gives nothing away.",
    ),
    term("points", "Points", "Percentage points, a difference of two percentages: from 17 % to 21 % are 4 points."),
    term(
        "power",
        "Power",
        "What a measurement of this size could have found. Few records leave wide intervals, and a wide interval shows neither a leak nor its absence.",
    ),
    term(
        "prosecutor",
        "Prosecutor risk",
        "The chance that an attacker who knows that a person is in the file picks the right record: 1 divided by the size of the person's class.",
    ),
    term(
        "quasi-identifier",
        "Quasi-identifier",
        "A column that others may know about a person and that helps to single the person out together with further ones: age, sex, race, postcode.",
    ),
    term(
        "roc",
        "ROC curve",
        "The true-positive rate at every false-positive rate. Its left end matters most: there the attacker is rarely wrong.",
    ),
    term(
        "stored-record",
        "Stored record",
        "A training record that stands in the model file itself. Some learners keep records to compare new ones with; whoever has the file has the records.",
    ),
    term(
        "tpr",
        "True-positive rate (TPR)",
        "Of 100 people who were in the training data, how many the attack names rightly.",
    ),
    term(
        "undetermined",
        "Undetermined",
        "The data cannot show that the limit is kept, and cannot show that it is exceeded. It is not a pass.",
    ),
    term(
        "unique",
        "Uniqueness",
        "The share of people who are the only one with their combination of quasi-identifiers.",
    ),
];

const fn term(id: &'static str, name: &'static str, meaning: &'static str) -> Term {
    Term { id, name, meaning }
}
