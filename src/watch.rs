//! Progress as data: the runner emits events, only the command line draws them.
//!
//! Layer row 0. An event carries names and counts, never a value of the data.

/// Something that happened during a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A step (loading, a check, writing) began.
    Started {
        /// The step's name: a check id or a phase of the run.
        step: &'a str,
    },
    /// A step knows how far it is.
    Progress {
        /// The step's name.
        step: &'a str,
        /// Units done so far.
        done: u64,
        /// Units in all.
        total: u64,
    },
    /// A step ended.
    Finished {
        /// The step's name.
        step: &'a str,
    },
}

/// Receives events. Implementations must be cheap and must not fail.
pub trait Watch: Send + Sync {
    /// Called for every event, from any thread.
    fn on(&self, event: &Event<'_>);

    /// Whether the user wants long work to stop and clean up behind itself.
    fn stops(&self) -> bool {
        false
    }
}

/// Ignores every event; what a library user gets by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn on(&self, _event: &Event<'_>) {}
}
