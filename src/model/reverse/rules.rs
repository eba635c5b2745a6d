//! What each operator computes for one record, and how slopes along its output become slopes along its inputs.

use super::array::{Array, places, size, stretched};
use super::windows::{self, Window};

/// An operator that can be differentiated.
#[derive(Clone)]
pub(super) enum Rule {
    Same,
    Add,
    Sub,
    Mul,
    Div,
    Neg,
    Exp,
    Log,
    Sqrt,
    Relu,
    LeakyRelu(f64),
    Clip(f64, f64),
    Sigmoid,
    Tanh,
    /// Over a dimension, or from it on to the last where `flat`.
    Softmax {
        axis: i64,
        flat: bool,
        log: bool,
    },
    MatMul,
    Gemm {
        alpha: f64,
        beta: f64,
        transposed: (bool, bool),
    },
    /// The first dimension of the second half.
    Flatten(i64),
    Reshape,
    /// Dimensions that are added or taken away change the shape only; the numbers stay.
    Shaped(Vec<i64>, bool),
    Transpose(Vec<usize>),
    Concat(i64),
    Conv {
        window: Window,
        groups: usize,
    },
    MaxPool(Window),
    AveragePool {
        window: Window,
        padded: bool,
    },
    GlobalAverage,
    BatchNormalization(f64),
    /// Offset and scale of `ai.onnx.ml`.
    Scaler(Vec<f64>, Vec<f64>),
    Normalizer(Norm),
    /// Weights, one row per score, intercepts, and what happens to the scores.
    Linear {
        weights: Vec<f64>,
        intercepts: Vec<f64>,
        then: Then,
    },
}

/// The length that a row is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Norm {
    Largest,
    Sum,
    Square,
}

/// What happens to the scores of a linear model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    Logistic,
    Softmax,
}

impl Rule {
    /// The output; nothing where shapes do not fit, or a record is not alone.
    pub(super) fn forward(&self, inputs: &[&Array]) -> Option<Array> {
        let x = *inputs.first()?;
        let second = || inputs.get(1).copied();
        let both = |f: fn(f64, f64) -> f64| pairwise(x, second()?, f);
        Some(match self {
            Self::Same => x.clone(),
            Self::Add => both(|a, b| a + b)?,
            Self::Sub => both(|a, b| a - b)?,
            Self::Mul => both(|a, b| a * b)?,
            Self::Div => both(|a, b| a / b)?,
            Self::Neg => x.map(|v| -v),
            Self::Exp => x.map(f64::exp),
            Self::Log => x.map(f64::ln),
            Self::Sqrt => x.map(f64::sqrt),
            Self::Relu => x.map(|v| v.max(0.0)),
            Self::LeakyRelu(slope) => x.map(|v| if v < 0.0 { slope * v } else { v }),
            Self::Clip(low, high) => x.map(|v| v.max(*low).min(*high)),
            Self::Sigmoid => x.map(logistic),
            Self::Tanh => x.map(f64::tanh),
            Self::Softmax { axis, flat, log } => softmax(x, *axis, *flat, *log)?,
            Self::MatMul => product(x, second()?)?,
            Self::Gemm { alpha, beta, transposed } => {
                let b = second()?;
                let sum = product(&turned(x, transposed.0)?, &turned(b, transposed.1)?)?.map(|v| alpha * v);
                match inputs.get(2) {
                    Some(c) => {
                        pairwise(&sum, &c.map(|v| beta * v), |a, b| a + b).filter(|all| all.shape == sum.shape)?
                    }
                    None => sum,
                }
            }
            Self::Flatten(axis) => {
                let at = whole(*axis, x.shape.len() + 1)?;
                let first: usize = x.shape[..at].iter().product();
                let rest: usize = x.shape[at..].iter().product();
                Array::new(vec![first, rest], x.values.clone())?
            }
            Self::Reshape => Array::new(reshaped(&x.shape, &second()?.values)?, x.values.clone())?,
            Self::Shaped(axes, more) => {
                let named: Vec<i64> = match second() {
                    Some(axes) => axes.values.iter().map(|&v| v as i64).collect(),
                    None => axes.clone(),
                };
                Array::new(with_axes(&x.shape, &named, *more)?, x.values.clone())?
            }
            Self::Transpose(order) => transposed(x, &order_of(order, x.shape.len()))?,
            Self::Concat(axis) => joined(inputs, *axis)?,
            Self::Conv { window, groups } => windows::convolved(x, second()?, inputs.get(2).copied(), window, *groups)?,
            Self::MaxPool(window) => windows::largest(x, window)?,
            Self::AveragePool { window, padded } => windows::mean(x, window, *padded)?,
            Self::GlobalAverage => windows::mean(x, &everything(x)?, true)?,
            Self::BatchNormalization(epsilon) => {
                let factors = normalising(inputs, *epsilon)?;
                by_channel(x, |channel, v| factors[channel].0 * v + factors[channel].1)?
            }
            Self::Scaler(offset, scale) => by_place(x, |at, v| (v - of(offset, at)) * of(scale, at)),
            Self::Normalizer(norm) => {
                let width = x.shape.last().copied().filter(|width| *width > 0)?;
                let rows = x.values.chunks(width).flat_map(|row| {
                    let by = norm.of(row);
                    row.iter().map(move |v| if by == 0.0 { *v } else { v / by })
                });
                Array::new(x.shape.clone(), rows.collect())?
            }
            Self::Linear { weights, intercepts, then } => then.apply(scores(x, weights, intercepts)?)?,
        })
    }

    /// Multiplications, roughly.
    pub(super) fn cost(&self, inputs: &[&Array], output: &Array) -> u64 {
        let each = match (self, inputs) {
            (Self::MatMul | Self::Gemm { .. }, [_, b, ..]) => {
                b.values.len() / output.shape.last().copied().unwrap_or(1).max(1)
            }
            (Self::Conv { .. }, [_, weights, ..]) => weights.values.len() / weights.dim(0).max(1),
            (Self::Linear { weights, intercepts, .. }, _) => weights.len() / intercepts.len().max(1),
            (Self::MaxPool(window) | Self::AveragePool { window, .. }, _) => window.kernel[0] * window.kernel[1],
            _ => 1,
        };
        (each.max(1) * output.values.len()) as u64
    }

    /// Slopes along each input that is no constant of the graph, from the inputs, the output and the slopes along the output.
    pub(super) fn backward(&self, inputs: &[&Array], output: &Array, slopes: &Array) -> Option<Vec<Option<Array>>> {
        let x = *inputs.first()?;
        let second = || inputs.get(1).copied();
        let one = |found: Array| Some(vec![Some(found)]);
        let with_shape = || Array::new(x.shape.clone(), slopes.values.clone());
        let by_output = |f: &dyn Fn(f64) -> f64| slopes.zip(output, |slope, y| slope * f(y));
        let by_input = |f: &dyn Fn(f64) -> f64| slopes.zip(x, |slope, v| slope * f(v));
        match self {
            Self::Same => one(slopes.clone()),
            Self::Add => pairwise_back(x, second()?, slopes, |s, _, _| (s, s)),
            Self::Sub => pairwise_back(x, second()?, slopes, |s, _, _| (s, -s)),
            Self::Mul => pairwise_back(x, second()?, slopes, |s, a, b| (s * b, s * a)),
            Self::Div => pairwise_back(x, second()?, slopes, |s, a, b| (s / b, -s * a / (b * b))),
            Self::Neg => one(slopes.map(|s| -s)),
            Self::Exp => one(by_output(&|y| y)),
            Self::Log => one(by_input(&|v| 1.0 / v)),
            Self::Sqrt => one(by_output(&|y| 0.5 / y)),
            Self::Relu => one(by_input(&|v| f64::from(u8::from(v > 0.0)))),
            Self::LeakyRelu(slope) => one(by_input(&|v| if v < 0.0 { *slope } else { 1.0 })),
            Self::Clip(low, high) => one(by_input(&|v| f64::from(u8::from(v > *low && v < *high)))),
            Self::Sigmoid => one(by_output(&|y| y * (1.0 - y))),
            Self::Tanh => one(by_output(&|y| 1.0 - y * y)),
            Self::Softmax { axis, flat, log } => one(softmax_back(output, slopes, *axis, *flat, *log)?),
            Self::MatMul => {
                let b = second()?;
                let rows = x.values.len() / x.shape.last().copied()?;
                let flat = Array::new(vec![rows, *x.shape.last()?], x.values.clone())?;
                let up = Array::new(vec![rows, slopes.values.len() / rows.max(1)], slopes.values.clone())?;
                let of_x = product(&up, &turned(b, true)?)?;
                let of_b = product(&turned(&flat, true)?, &up)?;
                Some(vec![Array::new(x.shape.clone(), of_x.values), Array::new(b.shape.clone(), of_b.values)])
            }
            Self::Gemm { alpha, beta, transposed } => {
                let (a, b) = (turned(x, transposed.0)?, turned(second()?, transposed.1)?);
                let of_a = turned(&product(slopes, &turned(&b, true)?)?.map(|v| alpha * v), transposed.0);
                let of_b = turned(&product(&turned(&a, true)?, slopes)?.map(|v| alpha * v), transposed.1);
                let of_c = inputs.get(2).map(|c| gathered(&slopes.map(|v| beta * v), &c.shape));
                Some(vec![of_a, of_b, of_c])
            }
            Self::Flatten(_) | Self::Reshape | Self::Shaped(..) => one(with_shape()?),
            Self::Transpose(order) => {
                let order = order_of(order, x.shape.len());
                let mut back = vec![0; order.len()];
                order.iter().enumerate().for_each(|(to, &from)| back[from] = to);
                one(transposed(slopes, &back)?)
            }
            Self::Concat(axis) => Some(parted(inputs, slopes, *axis)?.into_iter().map(Some).collect()),
            Self::Conv { window, groups } => one(windows::convolved_back(x, second()?, window, *groups, slopes)?),
            Self::MaxPool(window) => one(windows::largest_back(x, window, slopes)?),
            Self::AveragePool { window, padded } => one(windows::mean_back(x, window, *padded, slopes)?),
            Self::GlobalAverage => one(windows::mean_back(x, &everything(x)?, true, slopes)?),
            Self::BatchNormalization(epsilon) => {
                let factors = normalising(inputs, *epsilon)?;
                one(by_channel(slopes, |channel, slope| factors[channel].0 * slope)?)
            }
            Self::Scaler(_, scale) => one(by_place(slopes, |at, slope| slope * of(scale, at))),
            Self::Normalizer(norm) => {
                let width = x.shape.last().copied().filter(|width| *width > 0)?;
                let rows = x.values.chunks(width).zip(slopes.values.chunks(width));
                let found = rows.flat_map(|(row, slopes)| norm.back(row, slopes)).collect();
                one(Array::new(x.shape.clone(), found)?)
            }
            Self::Linear { weights, intercepts, then } => {
                let slopes = then.back(output, slopes)?;
                let matrix =
                    Array::new(vec![intercepts.len(), weights.len() / intercepts.len().max(1)], weights.clone())?;
                one(Array::new(x.shape.clone(), product(&slopes, &matrix)?.values)?)
            }
        }
    }
}

fn logistic(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

fn of(list: &[f64], at: usize) -> f64 {
    match list {
        [] => 0.0,
        [one] => *one,
        many => many[at % many.len()],
    }
}

fn whole(axis: i64, rank: usize) -> Option<usize> {
    let at = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(at).ok().filter(|at| *at < rank)
}

// ------------------------------------------------------------------ two arrays, number by number

fn pairwise(a: &Array, b: &Array, f: impl Fn(f64, f64) -> f64) -> Option<Array> {
    if a.shape == b.shape {
        return Some(a.zip(b, f));
    }
    let shape = stretched(&a.shape, &b.shape)?;
    let (of_a, of_b) = (places(&a.shape, &shape), places(&b.shape, &shape));
    let values = of_a.into_iter().zip(of_b).map(|(i, j)| f(a.values[i], b.values[j])).collect();
    Array::new(shape, values)
}

fn pairwise_back(
    a: &Array,
    b: &Array,
    slopes: &Array,
    f: impl Fn(f64, f64, f64) -> (f64, f64),
) -> Option<Vec<Option<Array>>> {
    let (of_a, of_b) = (places(&a.shape, &slopes.shape), places(&b.shape, &slopes.shape));
    let (mut to_a, mut to_b) = (vec![0.0; a.values.len()], vec![0.0; b.values.len()]);
    for ((i, j), slope) in of_a.into_iter().zip(of_b).zip(&slopes.values) {
        let (along_a, along_b) = f(*slope, a.values[i], b.values[j]);
        to_a[i] += along_a;
        to_b[j] += along_b;
    }
    Some(vec![Array::new(a.shape.clone(), to_a), Array::new(b.shape.clone(), to_b)])
}

/// Slopes summed over the dimensions in which an array was stretched.
fn gathered(slopes: &Array, shape: &[usize]) -> Array {
    let mut values = vec![0.0; shape.iter().product()];
    places(shape, &slopes.shape).into_iter().zip(&slopes.values).for_each(|(at, slope)| values[at] += slope);
    Array { shape: shape.to_vec(), values }
}

fn by_place(x: &Array, f: impl Fn(usize, f64) -> f64) -> Array {
    let width = x.shape.last().copied().unwrap_or(1).max(1);
    let values = x.values.iter().enumerate().map(|(at, &v)| f(at % width, v)).collect();
    Array { shape: x.shape.clone(), values }
}

// ------------------------------------------------------------------ products

/// A product of matrices; the first may have more dimensions, which count as rows.
fn product(a: &Array, b: &Array) -> Option<Array> {
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

fn turned(x: &Array, turn: bool) -> Option<Array> {
    if turn { transposed(x, &[1, 0]) } else { Some(x.clone()) }
}

fn scores(x: &Array, weights: &[f64], intercepts: &[f64]) -> Option<Array> {
    let rows = Array::new(vec![intercepts.len(), weights.len() / intercepts.len().max(1)], weights.to_vec())?;
    let sums = product(x, &turned(&rows, true)?)?;
    Some(by_place(&sums, |at, v| v + of(intercepts, at)))
}

// ------------------------------------------------------------------ shapes

fn reshaped(from: &[usize], wanted: &[f64]) -> Option<Vec<usize>> {
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

fn with_axes(from: &[usize], axes: &[i64], more: bool) -> Option<Vec<usize>> {
    let rank = if more { from.len() + axes.len() } else { from.len() };
    let named: Vec<usize> = axes.iter().map(|&axis| whole(axis, rank)).collect::<Option<_>>()?;
    if more {
        let mut rest = from.iter();
        return (0..rank).map(|at| if named.contains(&at) { Some(1) } else { rest.next().copied() }).collect();
    }
    let gone = |at: &usize| if named.is_empty() { from[*at] == 1 } else { named.contains(at) };
    Some((0..rank).filter(|at| !gone(at)).map(|at| from[at]).collect())
}

fn order_of(order: &[usize], rank: usize) -> Vec<usize> {
    if order.is_empty() { (0..rank).rev().collect() } else { order.to_vec() }
}

fn transposed(x: &Array, order: &[usize]) -> Option<Array> {
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
fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}

fn joined(inputs: &[&Array], axis: i64) -> Option<Array> {
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

fn parted(inputs: &[&Array], slopes: &Array, axis: i64) -> Option<Vec<Array>> {
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

// ------------------------------------------------------------------ softmax

/// Walks the groups over which a softmax sums: the places of each.
fn groups(shape: &[usize], axis: i64, flat: bool) -> Option<Vec<Vec<usize>>> {
    let at = whole(axis, shape.len())?;
    if flat {
        let size: usize = shape[at..].iter().product();
        let count = shape[..at].iter().product::<usize>();
        return Some((0..count).map(|o| (o * size..(o + 1) * size).collect()).collect());
    }
    let (outer, along, inner) = around(shape, at);
    let group = |o: usize, i: usize| (0..along).map(|k| (o * along + k) * inner + i).collect();
    Some((0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))).map(|(o, i)| group(o, i)).collect())
}

fn softmax(x: &Array, axis: i64, flat: bool, log: bool) -> Option<Array> {
    let mut y = x.clone();
    for places in groups(&x.shape, axis, flat)? {
        let top = places.iter().map(|&at| x.values[at]).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = places.iter().map(|&at| (x.values[at] - top).exp()).sum();
        for &at in &places {
            let moved = x.values[at] - top;
            y.values[at] = if log { moved - sum.ln() } else { moved.exp() / sum };
        }
    }
    Some(y)
}

fn softmax_back(y: &Array, slopes: &Array, axis: i64, flat: bool, log: bool) -> Option<Array> {
    let mut found = slopes.clone();
    for places in groups(&y.shape, axis, flat)? {
        let total: f64 = places.iter().map(|&at| slopes.values[at] * if log { 1.0 } else { y.values[at] }).sum();
        for &at in &places {
            let (p, slope) = (y.values[at], slopes.values[at]);
            found.values[at] = if log { slope - p.exp() * total } else { p * (slope - total) };
        }
    }
    Some(found)
}

impl Then {
    fn apply(self, scores: Array) -> Option<Array> {
        match self {
            Self::Nothing => Some(scores),
            Self::Logistic => Some(scores.map(logistic)),
            Self::Softmax => softmax(&scores, -1, false, false),
        }
    }

    fn back(self, output: &Array, slopes: &Array) -> Option<Array> {
        match self {
            Self::Nothing => Some(slopes.clone()),
            Self::Logistic => Some(slopes.zip(output, |slope, y| slope * y * (1.0 - y))),
            Self::Softmax => softmax_back(output, slopes, -1, false, false),
        }
    }
}

// ------------------------------------------------------------------ channels and norms

/// The window that covers a whole picture.
fn everything(x: &Array) -> Option<Window> {
    let [_, height, width] = windows::planes(x)?;
    Some(Window { kernel: [height, width], strides: [1, 1], dilations: [1, 1], before: [0, 0], behind: [0, 0] })
}

/// Factor and summand of each channel.
fn normalising(inputs: &[&Array], epsilon: f64) -> Option<Vec<(f64, f64)>> {
    let &[x, scale, bias, mean, variance] = inputs.first_chunk::<5>()?;
    let channels = x.dim(1);
    if [scale, bias, mean, variance].iter().any(|list| list.values.len() != channels) {
        return None;
    }
    let of_channel = |at: usize| {
        let factor = scale.values[at] / (variance.values[at] + epsilon).sqrt();
        (factor, bias.values[at] - factor * mean.values[at])
    };
    Some((0..channels).map(of_channel).collect())
}

fn by_channel(x: &Array, f: impl Fn(usize, f64) -> f64) -> Option<Array> {
    let channels = x.dim(1);
    let area: usize = x.shape.get(2..).map_or(1, |rest| rest.iter().product());
    let values = x.values.iter().enumerate().map(|(at, &v)| f(at / area.max(1) % channels.max(1), v)).collect();
    Array::new(x.shape.clone(), values)
}

impl Norm {
    fn of(self, row: &[f64]) -> f64 {
        match self {
            Self::Largest => row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Self::Sum => row.iter().map(|v| v.abs()).sum(),
            Self::Square => row.iter().map(|v| v * v).sum::<f64>().sqrt(),
        }
    }

    /// Slopes along a row that is divided by its length.
    fn back(self, row: &[f64], slopes: &[f64]) -> Vec<f64> {
        let by = self.of(row);
        if by == 0.0 {
            return slopes.to_vec();
        }
        let along: f64 = row.iter().zip(slopes).map(|(v, slope)| v * slope).sum::<f64>() / (by * by);
        let top = row.iter().position(|v| *v == by);
        let of_length = |at: usize, v: f64| match self {
            Self::Largest => f64::from(u8::from(Some(at) == top)),
            Self::Sum => v.signum() * f64::from(u8::from(v != 0.0)),
            Self::Square => v / by,
        };
        row.iter().zip(slopes).enumerate().map(|(at, (v, slope))| slope / by - along * of_length(at, *v)).collect()
    }
}
