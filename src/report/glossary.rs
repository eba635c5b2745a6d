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
pub(super) const TERMS: [Term; 34] = [
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
        "epsilon",
        "Epsilon",
        "The strength of the promise of differential privacy: with epsilon, nobody's presence in the training data changes the odds of anything that is published by a factor of more than e to the epsilon. An attack shows a lower bound of it.",
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
        "jaccard",
        "Jaccard index",
        "How far two lists name the same people: those who are in both, over those who are in either. 1 is the same list.",
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
        "l-diversity",
        "l-diversity",
        "A group of people who look alike is l-diverse when its members have at least l different sensitive values; with l = 1 whoever is in the group has that value.",
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
    term(
        "mcc",
        "MCC",
        "Matthews' correlation of guesses with the truth: 0 is guessing, 1 is always right. Unlike the share of right guesses it is not raised by always naming the most frequent value.",
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
        "severity",
        "Severity",
        "How much a number weighs before the policy is asked, from very low to very high: attacks by the proven part, which is the end of the interval that is nearer to no leak; counts of the data by the count, and where a search was cut by its worst end.",
    ),
    term(
        "stored-record",
        "Stored record",
        "A training record that stands in the model file itself. Some learners keep records to compare new ones with; whoever has the file has the records.",
    ),
    term(
        "surrogate",
        "Surrogate",
        "A model that is trained without the record in question to tell how hard that record is; what is left of the target's confidence beyond it speaks for membership.",
    ),
    term(
        "t-closeness",
        "t-closeness",
        "How far the sensitive values of a group are from those of everybody, from 0 to 1. A group that is far off tells something about its people.",
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
        "unicity",
        "Unicity",
        "The share of people who are singled out by a few random points of their history, such as three codes with their dates.",
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
