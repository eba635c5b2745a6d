//! Seeds: one root seed, any number of independent named random streams.
//!
//! Layer row 0. A stream depends only on the root seed and its name, never on the order in which streams are asked
//! for or on the number of threads, so that adding a check shifts no other check's numbers. Refuses to hand out a
//! generator whose algorithm may change between releases (hence `ChaCha12`, not `StdRng`).

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// A root or derived seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 32]);

/// The generator behind every random number in privet.
pub type Stream = ChaCha12Rng;

impl Seed {
    /// The root seed of a run, as a user writes it in a plan.
    pub fn root(value: u64) -> Self {
        Self(Sha256::digest(value.to_le_bytes()).into())
    }

    /// A seed that nobody can know beforehand, from the operating system. For what must not be computable from a plan:
    /// the coins of an audit. A run that uses it cannot be repeated.
    ///
    /// # Errors
    /// When the system gives no random bytes, in its words.
    pub fn fresh() -> Result<Self, String> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        Ok(Self(bytes))
    }

    /// A seed of its own for a named part of the work.
    ///
    /// ```
    /// use privet::seed::Seed;
    /// let root = Seed::root(1);
    /// assert_eq!(root.derive("a"), root.derive("a"));
    /// assert_ne!(root.derive("a"), root.derive("b"));
    /// ```
    #[must_use]
    pub fn derive(self, name: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(name.as_bytes());
        Self(hasher.finalize().into())
    }

    /// The random stream of this seed.
    pub fn stream(self) -> Stream {
        ChaCha12Rng::from_seed(self.0)
    }
}
