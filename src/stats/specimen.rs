//! Random numbers with known truth for the calibration tests of this module.

use rand::Rng;

use crate::seed::Stream;

/// A uniform number strictly between 0 and 1.
pub(super) fn uniform(stream: &mut Stream) -> f64 {
    (stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON / 4.0
}

/// A standard normal number (Box and Muller).
pub(super) fn bell(stream: &mut Stream) -> f64 {
    (-2.0 * uniform(stream).ln()).sqrt() * (std::f64::consts::TAU * uniform(stream)).cos()
}

/// Standard normal numbers, `rows` to each of `groups` groups, correlated `icc` within a group; and their groups.
pub(super) fn group_effects(groups: usize, rows: usize, icc: f64, stream: &mut Stream) -> (Vec<f64>, Vec<u32>) {
    let mut values = Vec::with_capacity(groups * rows);
    for _ in 0..groups {
        let shared = bell(stream);
        values.extend((0..rows).map(|_| icc.sqrt() * shared + (1.0 - icc).sqrt() * bell(stream)));
    }
    (values, (0..groups * rows).map(|row| (row / rows) as u32).collect())
}
