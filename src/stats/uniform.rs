//! Uniform random numbers whose algorithm is fixed here and changes with no release of a crate.

use rand::Rng;

use crate::seed::Stream;

/// A whole number from 0 to `n - 1`, each equally likely up to n / 2^64 (Lemire's multiplication without rejection).
pub(crate) fn below(n: usize, stream: &mut Stream) -> usize {
    ((u128::from(stream.next_u64()) * n as u128) >> 64) as usize
}

/// A number from 0 to 1, below 1, in steps of 2^-53.
pub(crate) fn unit(stream: &mut Stream) -> f64 {
    (stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Puts values into random order (Fisher and Yates).
pub(crate) fn shuffle<T>(values: &mut [T], stream: &mut Stream) {
    for last in (1..values.len()).rev() {
        values.swap(last, below(last + 1, stream));
    }
}
