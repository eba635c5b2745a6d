//! Operators that slide a window over a picture: convolution, and pooling by the largest and by the mean.

use super::array::{Array, size as numbers};

/// How a window moves. One dimension is a picture of height 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) kernel: [usize; 2],
    pub(super) strides: [usize; 2],
    pub(super) dilations: [usize; 2],
    /// What is added around.
    pub(super) padding: Padding,
    /// Whether a last window that hangs over the end counts, as long as it starts before it.
    pub(super) overhangs: bool,
}

/// What is added around a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Padding {
    /// So much, by dimension.
    Given {
        /// Before the first point.
        before: [usize; 2],
        /// Behind the last.
        behind: [usize; 2],
    },
    /// So much that a stride of 1 keeps the size; what is odd is added behind (`SAME_UPPER`).
    MoreBehind,
    /// The same, what is odd is added before (`SAME_LOWER`).
    MoreBefore,
}

/// Numbers of channels and points of an array of one record: channels, height, width.
type Planes = [usize; 3];

/// Channels, height and width of an array; nothing where it is more than one record, or no picture.
pub(super) fn planes(array: &Array) -> Option<Planes> {
    match array.shape[..] {
        [1, channels, height, width] => Some([channels, height, width]),
        [1, channels, width] => Some([channels, 1, width]),
        _ => None,
    }
}

impl Window {
    /// How far it reaches along a dimension.
    fn reach(&self, at: usize) -> Option<usize> {
        Some(self.dilations[at] * self.kernel[at].checked_sub(1)? + 1)
    }

    /// What is added before and behind along a dimension of a picture.
    fn around(&self, planes: Planes, at: usize) -> Option<(usize, usize)> {
        let total = || {
            let size = planes[at + 1].div_ceil(self.strides[at].max(1)).checked_sub(1)?;
            Some((size * self.strides[at] + self.reach(at)?).saturating_sub(planes[at + 1]))
        };
        Some(match self.padding {
            Padding::Given { before, behind } => (before[at], behind[at]),
            Padding::MoreBehind => (total()? / 2, total()?.div_ceil(2)),
            Padding::MoreBefore => (total()?.div_ceil(2), total()? / 2),
        })
    }

    /// The size that comes out.
    pub(super) fn size(&self, planes: Planes) -> Option<[usize; 2]> {
        let along = |at: usize| {
            let (before, behind) = self.around(planes, at)?;
            let stride = Some(self.strides[at]).filter(|stride| *stride > 0)?;
            let room = (planes[at + 1] + before + behind).checked_sub(self.reach(at)?)?;
            let whole = room / stride + 1;
            let hangs = self.overhangs && room % stride != 0 && whole * stride < planes[at + 1] + before;
            Some(whole + usize::from(hangs))
        };
        let found = [along(0)?, along(1)?];
        numbers(&[planes[0], found[0], found[1]]).map(|_| found)
    }

    /// The points under the window at a place: where in the window, and where in the picture.
    fn under(&self, planes: Planes, place: [usize; 2]) -> impl Iterator<Item = (usize, usize)> + '_ {
        let [_, height, width] = planes;
        let before = [0, 1].map(|at| self.around(planes, at).map_or(0, |(before, _)| before));
        (0..self.kernel[0]).flat_map(move |i| {
            let y = (place[0] * self.strides[0] + i * self.dilations[0]).checked_sub(before[0]);
            let y = y.filter(|y| *y < height);
            (0..self.kernel[1]).filter_map(move |j| {
                let x = (place[1] * self.strides[1] + j * self.dilations[1]).checked_sub(before[1]);
                Some((i * self.kernel[1] + j, y? * width + x.filter(|x| *x < width)?))
            })
        })
    }

    /// Every place of the output with its number.
    fn each(size: [usize; 2]) -> impl Iterator<Item = (usize, [usize; 2])> {
        (0..size[0] * size[1]).map(move |at| (at, [at / size[1], at % size[1]]))
    }
}

fn output(input: &Array, channels: usize, size: [usize; 2], values: Vec<f64>) -> Option<Array> {
    let shape = if input.shape.len() == 3 { vec![1, channels, size[1]] } else { vec![1, channels, size[0], size[1]] };
    Array::new(shape, values)
}

/// Convolution of one record; `weights` are `outputs x inputs/groups x kernel`.
pub(super) fn convolved(
    input: &Array,
    weights: &Array,
    bias: Option<&Array>,
    window: &Window,
    groups: usize,
) -> Option<Array> {
    let (planes, size, per_group) = convolution(input, weights, window, groups)?;
    let (outputs, area, kernel) = (weights.dim(0), planes[1] * planes[2], window.kernel[0] * window.kernel[1]);
    if bias.is_some_and(|bias| bias.values.len() != outputs) {
        return None;
    }
    let mut values = Vec::with_capacity(outputs * size[0] * size[1]);
    for channel in 0..outputs {
        let first = channel / (outputs / groups) * per_group;
        let start = bias.map_or(0.0, |bias| bias.values[channel]);
        for (_, place) in Window::each(size) {
            let mut sum = start;
            for (k, point) in window.under(planes, place) {
                for c in 0..per_group {
                    sum += weights.values[(channel * per_group + c) * kernel + k]
                        * input.values[(first + c) * area + point];
                }
            }
            values.push(sum);
        }
    }
    output(input, outputs, size, values)
}

/// The slopes along the input of a convolution.
pub(super) fn convolved_back(
    input: &Array,
    weights: &Array,
    window: &Window,
    groups: usize,
    slopes: &Array,
) -> Option<Array> {
    let (planes, size, per_group) = convolution(input, weights, window, groups)?;
    let (outputs, area, kernel) = (weights.dim(0), planes[1] * planes[2], window.kernel[0] * window.kernel[1]);
    let mut found = vec![0.0; input.values.len()];
    for channel in 0..outputs {
        let first = channel / (outputs / groups) * per_group;
        for (at, place) in Window::each(size) {
            let slope = slopes.values[channel * size[0] * size[1] + at];
            if slope == 0.0 {
                continue;
            }
            for (k, point) in window.under(planes, place) {
                for c in 0..per_group {
                    found[(first + c) * area + point] += slope * weights.values[(channel * per_group + c) * kernel + k];
                }
            }
        }
    }
    Array::new(input.shape.clone(), found)
}

/// Planes, output size and input channels by group; nothing where they do not fit each other.
fn convolution(input: &Array, weights: &Array, window: &Window, groups: usize) -> Option<(Planes, [usize; 2], usize)> {
    let planes = planes(input)?;
    let per_group = weights.dim(1);
    let kernel = window.kernel[0] * window.kernel[1];
    let fits = groups > 0
        && per_group * groups == planes[0]
        && weights.dim(0).is_multiple_of(groups)
        && weights.values.len() == weights.dim(0) * per_group * kernel
        && weights.dim(0) > 0;
    Some((planes, window.size(planes)?, per_group)).filter(|_| fits)
}

/// Pooling by the largest number under the window.
pub(super) fn largest(input: &Array, window: &Window) -> Option<Array> {
    let planes = planes(input)?;
    let size = window.size(planes)?;
    let values = chosen(input, window, planes, size)?.into_iter().map(|at| input.values[at]).collect();
    output(input, planes[0], size, values)
}

/// The slopes along the input of pooling by the largest: all of a slope goes to the largest number, the first of equals.
pub(super) fn largest_back(input: &Array, window: &Window, slopes: &Array) -> Option<Array> {
    let planes = planes(input)?;
    let size = window.size(planes)?;
    let mut found = vec![0.0; input.values.len()];
    for (at, slope) in chosen(input, window, planes, size)?.into_iter().zip(&slopes.values) {
        found[at] += slope;
    }
    Array::new(input.shape.clone(), found)
}

/// The place of the largest number under every window.
fn chosen(input: &Array, window: &Window, planes: Planes, size: [usize; 2]) -> Option<Vec<usize>> {
    let area = planes[1] * planes[2];
    let of_place = |channel: usize, place: [usize; 2]| {
        let under = window.under(planes, place).map(|(_, point)| channel * area + point);
        under.reduce(|best, at| if input.values[at] > input.values[best] { at } else { best })
    };
    let channels = (0..planes[0]).flat_map(|channel| Window::each(size).map(move |(_, place)| (channel, place)));
    channels.map(|(channel, place)| of_place(channel, place)).collect()
}

/// Pooling by the mean; `padded` counts what was added around as zeros.
pub(super) fn mean(input: &Array, window: &Window, padded: bool) -> Option<Array> {
    let planes = planes(input)?;
    let (size, area) = (window.size(planes)?, planes[1] * planes[2]);
    let mut values = Vec::with_capacity(planes[0] * size[0] * size[1]);
    for channel in 0..planes[0] {
        for (_, place) in Window::each(size) {
            let (mut sum, mut n) = (0.0, 0);
            for (_, point) in window.under(planes, place) {
                sum += input.values[channel * area + point];
                n += 1;
            }
            values.push(sum / divisor(window, padded, n));
        }
    }
    output(input, planes[0], size, values)
}

/// The slopes along the input of pooling by the mean.
pub(super) fn mean_back(input: &Array, window: &Window, padded: bool, slopes: &Array) -> Option<Array> {
    let planes = planes(input)?;
    let (size, area) = (window.size(planes)?, planes[1] * planes[2]);
    let mut found = vec![0.0; input.values.len()];
    for channel in 0..planes[0] {
        for (at, place) in Window::each(size) {
            let n = window.under(planes, place).count();
            let share = slopes.values[channel * size[0] * size[1] + at] / divisor(window, padded, n);
            window.under(planes, place).for_each(|(_, point)| found[channel * area + point] += share);
        }
    }
    Array::new(input.shape.clone(), found)
}

fn divisor(window: &Window, padded: bool, under: usize) -> f64 {
    if padded { (window.kernel[0] * window.kernel[1]) as f64 } else { under.max(1) as f64 }
}
