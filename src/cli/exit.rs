//! Exit codes.

use std::process::ExitCode;

use crate::assess::gate::Verdict;
use crate::assess::policy::Undetermined;

/// The table of exit codes, for `--help`.
pub(super) const TABLE: &str = "Exit codes:\n  0   pass\n  1   findings over the limit\n  2   usage, plan or input error: nothing was judged\n  \
     3   undetermined: the data cannot support a verdict\n  \
     5   integrity failure\n  70  internal error\n--exit-zero turns 1 and 3 into 0.";

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: pass.
    Pass,
    /// 1: findings over the limit.
    Fail,
    /// 2: usage, plan or input error.
    Usage,
    /// 3: undetermined.
    Undetermined,
    /// 5: a file is not the one that was promised.
    Integrity,
    /// 70: a bug.
    Internal,
}

impl Exit {
    /// The code of a verdict under a policy.
    pub fn of(verdict: &Verdict, undetermined: Undetermined) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail(_) => Self::Fail,
            Verdict::Undetermined(_) if undetermined == Undetermined::Warn => Self::Pass,
            Verdict::Undetermined(_) => Self::Undetermined,
        }
    }

    /// The code with `--exit-zero`.
    #[must_use]
    pub fn masked(self) -> Self {
        if matches!(self, Self::Fail | Self::Undetermined) { Self::Pass } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Pass => 0,
            Exit::Fail => 1,
            Exit::Usage => 2,
            Exit::Undetermined => 3,
            Exit::Integrity => 5,
            Exit::Internal => 70,
        })
    }
}
