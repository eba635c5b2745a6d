//! What the target columns say, in the model's terms.

/// What the target columns say, in the model's terms.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    /// Class codes in the order of the model's scores.
    Classes(Vec<u32>),
    /// Numbers.
    Values(Vec<f64>),
    /// Whether each of several labels holds, row-major, `rows * labels` values.
    Flags {
        /// Number of labels.
        labels: usize,
        /// The labels.
        values: Vec<bool>,
    },
    /// How long each record was followed.
    Survival {
        /// Times.
        times: Vec<f64>,
        /// Whether the event ended it.
        events: Vec<bool>,
        /// The hazard up to each time, where a risk score was given one.
        hazards: Option<Vec<Hazard>>,
    },
}

/// What a risk score means at the time of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Hazard {
    /// ln of the cumulative hazard of a score of zero.
    pub ln_baseline: f64,
    /// What a unit of the score adds to it.
    pub slope: f64,
}

impl Hazard {
    /// ln of the number of events that is expected of a record with this score.
    pub fn ln_expected(self, risk: f64) -> f64 {
        self.ln_baseline + self.slope * risk
    }
}

impl Truth {
    /// Number of records.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Values(values) => values.len(),
            Self::Flags { labels, values } => values.len() / labels,
            Self::Survival { times, .. } => times.len(),
        }
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The truth about some records, in the order given.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        fn of<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|&row| values[row]).collect()
        }
        match self {
            Self::Classes(classes) => Self::Classes(of(classes, rows)),
            Self::Values(values) => Self::Values(of(values, rows)),
            Self::Flags { labels, values } => {
                let row = |&row: &usize| values[row * labels..(row + 1) * labels].iter().copied();
                Self::Flags { labels: *labels, values: rows.iter().flat_map(row).collect() }
            }
            Self::Survival { times, events, hazards } => Self::Survival {
                times: of(times, rows),
                events: of(events, rows),
                hazards: hazards.as_ref().map(|values| of(values, rows)),
            },
        }
    }

    /// The truth about two sets of records, one after the other; nothing where they are of different kinds.
    pub fn joined(&self, after: &Self) -> Option<Self> {
        Some(match (self, after) {
            (Self::Classes(a), Self::Classes(b)) => Self::Classes([&a[..], &b[..]].concat()),
            (Self::Values(a), Self::Values(b)) => Self::Values([&a[..], &b[..]].concat()),
            (Self::Flags { labels, values: a }, Self::Flags { labels: same, values: b }) if labels == same => {
                Self::Flags { labels: *labels, values: [&a[..], &b[..]].concat() }
            }
            (Self::Survival { times, events, .. }, Self::Survival { times: more, events: more_events, .. }) => {
                Self::Survival {
                    times: [&times[..], &more[..]].concat(),
                    events: [&events[..], &more_events[..]].concat(),
                    hazards: None,
                }
            }
            _ => return None,
        })
    }
}
