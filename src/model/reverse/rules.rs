//! What each operator computes for one record, and how slopes along its output become slopes along its inputs.

use super::array::{Array, places, stretched};
use super::bounds::{clipped, clipped_back};
use super::matrices::{around, joined, order_of, parted, product, reshaped, transposed, turned, whole, with_axes};
use super::windows::{self, Padding, Window};

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
    /// Between bounds that are inputs, as far as they are there.
    ClipTo {
        low: bool,
        high: bool,
    },
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
    GlobalLargest,
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

/// Slopes along two numbers.
type PairSlopes = fn(f64, f64) -> (f64, f64);

impl Rule {
    /// The output; nothing where shapes do not fit, or a record is not alone.
    pub(super) fn forward(&self, inputs: &[&Array]) -> Option<Array> {
        let x = *inputs.first()?;
        let second = || inputs.get(1).copied();
        if self.of_number(0.0).is_some() {
            return Some(x.map(|v| self.of_number(v).unwrap_or(v)));
        }
        if let Some(f) = self.of_pair() {
            return pairwise(x, second()?, f);
        }
        Some(match self {
            Self::ClipTo { low, high } => clipped(inputs, *low, *high)?,
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
            Self::GlobalLargest => windows::largest(x, &everything(x)?)?,
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
            _ => return None,
        })
    }

    /// What rules make of single numbers; nothing for other rules.
    fn of_number(&self, v: f64) -> Option<f64> {
        Some(match self {
            Self::Same => v,
            Self::Neg => -v,
            Self::Exp => v.exp(),
            Self::Log => v.ln(),
            Self::Sqrt => v.sqrt(),
            Self::Relu => v.max(0.0),
            Self::LeakyRelu(slope) => {
                if v < 0.0 {
                    slope * v
                } else {
                    v
                }
            }
            Self::Clip(low, high) => v.max(*low).min(*high),
            Self::Sigmoid => logistic(v),
            Self::Tanh => v.tanh(),
            _ => return None,
        })
    }

    /// The slope of [`Rule::of_number`] at a number `v` that became `y`.
    fn slope_at(&self, v: f64, y: f64) -> Option<f64> {
        let if_true = |holds: bool| f64::from(u8::from(holds));
        Some(match self {
            Self::Same => 1.0,
            Self::Neg => -1.0,
            Self::Exp => y,
            Self::Log => 1.0 / v,
            Self::Sqrt => 0.5 / y,
            Self::Relu => if_true(v > 0.0),
            Self::LeakyRelu(slope) => {
                if v < 0.0 {
                    *slope
                } else {
                    1.0
                }
            }
            Self::Clip(low, high) => if_true(v > *low && v < *high),
            Self::Sigmoid => y * (1.0 - y),
            Self::Tanh => 1.0 - y * y,
            _ => return None,
        })
    }

    /// What rules make of two numbers; nothing for other rules.
    fn of_pair(&self) -> Option<fn(f64, f64) -> f64> {
        Some(match self {
            Self::Add => |a, b| a + b,
            Self::Sub => |a, b| a - b,
            Self::Mul => |a, b| a * b,
            Self::Div => |a, b| a / b,
            _ => return None,
        })
    }

    /// The slopes of [`Rule::of_pair`] along both numbers.
    fn slopes_of_pair(&self) -> Option<PairSlopes> {
        Some(match self {
            Self::Add => |_, _| (1.0, 1.0),
            Self::Sub => |_, _| (1.0, -1.0),
            Self::Mul => |a, b| (b, a),
            Self::Div => |a, b| (1.0 / b, -a / (b * b)),
            _ => return None,
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
        if self.slope_at(0.0, 0.0).is_some() {
            let slope = |(at, slope): (usize, &f64)| Some(slope * self.slope_at(x.values[at], output.values[at])?);
            let values = slopes.values.iter().enumerate().map(slope).collect::<Option<_>>()?;
            return one(Array::new(x.shape.clone(), values)?);
        }
        if let Some(f) = self.slopes_of_pair() {
            return Some(pairwise_back(x, second()?, slopes, f));
        }
        match self {
            Self::ClipTo { low, high } => clipped_back(inputs, *low, *high, slopes),
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
            Self::GlobalLargest => one(windows::largest_back(x, &everything(x)?, slopes)?),
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
            _ => None,
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

fn pairwise_back(a: &Array, b: &Array, slopes: &Array, f: PairSlopes) -> Vec<Option<Array>> {
    let (of_a, of_b) = (places(&a.shape, &slopes.shape), places(&b.shape, &slopes.shape));
    let (mut to_a, mut to_b) = (vec![0.0; a.values.len()], vec![0.0; b.values.len()]);
    for ((i, j), slope) in of_a.into_iter().zip(of_b).zip(&slopes.values) {
        let (along_a, along_b) = f(a.values[i], b.values[j]);
        to_a[i] += slope * along_a;
        to_b[j] += slope * along_b;
    }
    vec![Array::new(a.shape.clone(), to_a), Array::new(b.shape.clone(), to_b)]
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

fn scores(x: &Array, weights: &[f64], intercepts: &[f64]) -> Option<Array> {
    let rows = Array::new(vec![intercepts.len(), weights.len() / intercepts.len().max(1)], weights.to_vec())?;
    let sums = product(x, &turned(&rows, true)?)?;
    Some(by_place(&sums, |at, v| v + of(intercepts, at)))
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
    let padding = Padding::Given { before: [0, 0], behind: [0, 0] };
    Some(Window { kernel: [height, width], strides: [1, 1], dilations: [1, 1], padding, overhangs: false })
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
