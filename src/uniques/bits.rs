//! Masks bit by bit.

/// The single bits of a mask, from the lowest.
pub(super) fn bits(mask: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(mask), |left| Some(left & left.wrapping_sub(1)))
        .take_while(|left| *left != 0)
        .map(|left| left & left.wrapping_neg())
}
