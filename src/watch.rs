//! Progress as data: the runner emits events and notes how long each step took, only the command line draws them.
//!
//! Layer row 0. An event carries names and counts, never a value of the data.

use std::time::Instant;

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

/// Times the steps of a run.
///
/// ```
/// use privet::watch::{Clock, Unwatched};
/// let mut clock = Clock::new(&Unwatched);
/// assert_eq!(clock.time("add", || 1 + 1), 2);
/// assert_eq!(clock.seconds[0].0, "add");
/// assert!(clock.seconds[0].1 >= 0.0);
/// ```
pub struct Clock<'a> {
    /// Is told when steps begin and end.
    pub watch: &'a dyn Watch,
    /// Steps that ended, and the seconds each took.
    pub seconds: Vec<(String, f64)>,
}

impl<'a> Clock<'a> {
    /// A clock with no step yet.
    pub fn new(watch: &'a dyn Watch) -> Self {
        Self { watch, seconds: Vec::new() }
    }

    /// Carries out a step.
    pub fn time<T>(&mut self, step: &str, work: impl FnOnce() -> T) -> T {
        self.watch.on(&Event::Started { step });
        let start = Instant::now();
        let result = work();
        self.seconds.push((step.to_owned(), start.elapsed().as_secs_f64()));
        self.watch.on(&Event::Finished { step });
        result
    }

    /// Carries out two steps side by side, each with its own time.
    pub fn both<A: Send, B: Send>(
        &mut self,
        (first, a): (&str, impl FnOnce() -> A + Send),
        (second, b): (&str, impl FnOnce() -> B + Send),
    ) -> (A, B) {
        let (mut of_a, mut of_b) = (Clock::new(self.watch), Clock::new(self.watch));
        let done = rayon::join(|| of_a.time(first, a), || of_b.time(second, b));
        self.seconds.append(&mut of_a.seconds);
        self.seconds.append(&mut of_b.seconds);
        done
    }
}
