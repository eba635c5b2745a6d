//! Numbers kept between bounds that are inputs of their own, as `Clip` has them from version 11 on.

use super::array::Array;

/// The bounds, each a single number.
fn bounds(inputs: &[&Array], low: bool, high: bool) -> Option<(f64, f64)> {
    let number = |there: bool, at: usize, default: f64| match (there, inputs.get(at)) {
        (false, _) => Some(default),
        (true, Some(array)) if array.values.len() == 1 => Some(array.values[0]),
        _ => None,
    };
    Some((number(low, 1, f64::NEG_INFINITY)?, number(high, 1 + usize::from(low), f64::INFINITY)?))
}

/// Numbers moved to the bounds.
pub(super) fn clipped(inputs: &[&Array], low: bool, high: bool) -> Option<Array> {
    let (low, high) = bounds(inputs, low, high)?;
    Some(inputs.first()?.map(|v| v.max(low).min(high)))
}

/// Slopes go along the number where it lies between the bounds, else along the bound that it was moved to.
pub(super) fn clipped_back(inputs: &[&Array], low: bool, high: bool, slopes: &Array) -> Option<Vec<Option<Array>>> {
    let (least, most) = bounds(inputs, low, high)?;
    let x = *inputs.first()?;
    let kept =
        |inside: fn(f64, f64, f64) -> bool| x.zip(slopes, |v, slope| if inside(v, least, most) { slope } else { 0.0 });
    let along = kept(|v, least, most| v > least && v < most);
    let total = |of: Array, at: usize| Array::new(inputs[at].shape.clone(), vec![of.values.iter().sum()]);
    let mut found = vec![Some(along)];
    if low {
        found.push(total(kept(|v, least, most| v <= least && least < most), 1));
    }
    if high {
        found.push(total(kept(|v, least, most| v.max(least) >= most), 1 + usize::from(low)));
    }
    Some(found)
}
