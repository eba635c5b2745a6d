//! Products of matrices, and changes of shape.

use super::array::{Array, size};

/// An axis counted from either end.
pub(super) fn whole(axis: i64, rank: usize) -> Option<usize> {
    let at = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(at).ok().filter(|at| *at < rank)
}

/// A product of matrices; the first may have more dimensions, which count as rows.
pub(super) fn product(a: &Array, b: &Array) -> Option<Array> {
    let (&[inner, columns], Some(&last)) = (&b.shape[..], a.shape.last()) else { return None };
    if last != inner || inner == 0 {
        return None;
    }
    let rows = a.values.len() / inner;
    size(&[rows, columns])?;
    let mut values = vec![0.0; rows * columns];
    for row in 0..rows {
        let to = &mut values[row * columns..(row + 1) * columns];
        for (k, &factor) in a.values[row * inner..(row + 1) * inner].iter().enumerate() {
            if factor != 0.0 {
                to.iter_mut().zip(&b.values[k * columns..]).for_each(|(sum, v)| *sum += factor * v);
            }
        }
    }
    let mut shape = a.shape.clone();
    *shape.last_mut()? = columns;
    Array::new(shape, values)
}

pub(super) fn turned(x: &Array, turn: bool) -> Option<Array> {
    if turn { transposed(x, &[1, 0]) } else { Some(x.clone()) }
}

pub(super) fn reshaped(from: &[usize], wanted: &[f64]) -> Option<Vec<usize>> {
    let size: usize = from.iter().product();
    let mut shape = Vec::with_capacity(wanted.len());
    for (at, &dim) in wanted.iter().enumerate() {
        shape.push(match dim as i64 {
            0 => *from.get(at)?,
            -1 => 0,
            dim => usize::try_from(dim).ok()?,
        });
    }
    if let Some(open) = wanted.iter().position(|dim| *dim == -1.0) {
        let rest: usize = shape.iter().enumerate().filter(|(at, _)| *at != open).map(|(_, dim)| dim).product();
        shape[open] = size.checked_div(rest)?;
    }
    Some(shape)
}

pub(super) fn with_axes(from: &[usize], axes: &[i64], more: bool) -> Option<Vec<usize>> {
    let rank = if more { from.len() + axes.len() } else { from.len() };
    let named: Vec<usize> = axes.iter().map(|&axis| whole(axis, rank)).collect::<Option<_>>()?;
    if more {
        let mut rest = from.iter();
        return (0..rank).map(|at| if named.contains(&at) { Some(1) } else { rest.next().copied() }).collect();
    }
    let gone = |at: &usize| if named.is_empty() { from[*at] == 1 } else { named.contains(at) };
    Some((0..rank).filter(|at| !gone(at)).map(|at| from[at]).collect())
}

pub(super) fn order_of(order: &[usize], rank: usize) -> Vec<usize> {
    if order.is_empty() { (0..rank).rev().collect() } else { order.to_vec() }
}

pub(super) fn transposed(x: &Array, order: &[usize]) -> Option<Array> {
    let rank = x.shape.len();
    if order.len() != rank || order.iter().any(|at| *at >= rank) {
        return None;
    }
    let mut steps = vec![1; rank];
    for at in (1..rank).rev() {
        steps[at - 1] = steps[at] * x.shape[at];
    }
    let shape: Vec<usize> = order.iter().map(|&at| x.shape[at]).collect();
    let mut index = vec![0; rank];
    let mut values = Vec::with_capacity(x.values.len());
    for _ in 0..x.values.len() {
        values.push(x.values[index.iter().zip(order).map(|(i, &at)| i * steps[at]).sum::<usize>()]);
        for at in (0..rank).rev() {
            index[at] += 1;
            if index[at] < shape[at] {
                break;
            }
            index[at] = 0;
        }
    }
    Array::new(shape, values)
}

/// Numbers before an axis, along it, and behind it.
pub(super) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}

pub(super) fn joined(inputs: &[&Array], axis: i64) -> Option<Array> {
    let first = inputs.first()?;
    let at = whole(axis, first.shape.len())?;
    let (outer, _, _) = around(&first.shape, at);
    let alike = |x: &&Array| {
        x.shape.len() == first.shape.len() && (0..x.shape.len()).all(|d| d == at || x.shape[d] == first.shape[d])
    };
    if !inputs.iter().all(alike) {
        return None;
    }
    let mut shape = first.shape.clone();
    shape[at] = inputs.iter().map(|x| x.shape[at]).sum();
    let block = |x: &Array| x.values.len() / outer.max(1);
    let values =
        (0..outer).flat_map(|o| inputs.iter().flat_map(move |x| x.values[o * block(x)..(o + 1) * block(x)].to_vec()));
    Array::new(shape, values.collect())
}

pub(super) fn parted(inputs: &[&Array], slopes: &Array, axis: i64) -> Option<Vec<Array>> {
    let at = whole(axis, slopes.shape.len())?;
    let (outer, along, inner) = around(&slopes.shape, at);
    let mut from = 0;
    let mut parts = Vec::with_capacity(inputs.len());
    for x in inputs {
        let size = x.shape[at] * inner;
        let rows = (0..outer).flat_map(|o| slopes.values[o * along * inner + from..][..size].to_vec());
        parts.push(Array::new(x.shape.clone(), rows.collect())?);
        from += size;
    }
    Some(parts)
}
