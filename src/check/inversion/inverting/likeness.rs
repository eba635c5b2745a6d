//! How alike two records are: 1 for the same record, about 0 for two strangers.
//!
//! Images by the mean structural similarity of their windows (Wang et al., IEEE Transactions on Image Processing 13 (2004)
//! 600-612); everything else by squared differences, each column in units of what two strangers differ by. Refuses to look
//! at a column in which people do not differ.

/// The side of the window.
const WINDOW: usize = 7;

/// The picture that a row of numbers is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Picture {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    /// Whether the channels of a point stand side by side.
    pub(super) channels_last: bool,
    /// Largest possible difference of two numbers.
    pub(super) range: f64,
}

impl Picture {
    /// The picture that rows of a shape are, if they are one: two dimensions of at least a window, and perhaps 1 to 4
    /// channels before or behind them.
    pub(super) fn of(shape: &[usize], range: f64) -> Option<Self> {
        let (channels, height, width, channels_last) = match *shape {
            [height, width] => (1, height, width, false),
            [channels @ 1..=4, height, width] => (channels, height, width, false),
            [height, width, channels @ 1..=4] => (channels, height, width, true),
            _ => return None,
        };
        let large = height >= WINDOW && width >= WINDOW && range > 0.0;
        large.then_some(Self { channels, height, width, channels_last, range })
    }

    /// Mean structural similarity of two pictures, -1 to 1: windows of 7 by 7 that lie inside, sample variances,
    /// `K1 = 0.01`, `K2 = 0.03`, as scikit-image computes it. O(numbers).
    pub(super) fn similarity(&self, a: &[f64], b: &[f64]) -> f64 {
        let channel = |channel: usize| {
            let at = |y: usize, x: usize| {
                if self.channels_last {
                    (y * self.width + x) * self.channels + channel
                } else {
                    (channel * self.height + y) * self.width + x
                }
            };
            self.of_channel(|y, x| (a[at(y, x)], b[at(y, x)]))
        };
        (0..self.channels).map(channel).sum::<f64>() / self.channels as f64
    }

    fn of_channel(&self, pair: impl Fn(usize, usize) -> (f64, f64)) -> f64 {
        // Sums of a, b, aa, bb and ab over the rows of a window, column by column, moved down row by row.
        let mut columns = vec![[0.0; 5]; self.width];
        let terms = |(a, b): (f64, f64)| [a, b, a * a, b * b, a * b];
        let mut total = 0.0;
        for y in 0..self.height {
            for (x, column) in columns.iter_mut().enumerate() {
                let gone = if y >= WINDOW { terms(pair(y - WINDOW, x)) } else { [0.0; 5] };
                let come = terms(pair(y, x));
                column.iter_mut().zip(come.iter().zip(gone)).for_each(|(sum, (come, gone))| *sum += come - gone);
            }
            if y + 1 < WINDOW {
                continue;
            }
            for x in 0..=self.width - WINDOW {
                let mut sums = [0.0; 5];
                for column in &columns[x..x + WINDOW] {
                    sums.iter_mut().zip(column).for_each(|(sum, part)| *sum += part);
                }
                total += self.of_window(sums);
            }
        }
        total / ((self.height - WINDOW + 1) * (self.width - WINDOW + 1)) as f64
    }

    fn of_window(&self, [a, b, aa, bb, ab]: [f64; 5]) -> f64 {
        let n = (WINDOW * WINDOW) as f64;
        let (c1, c2) = ((0.01 * self.range).powi(2), (0.03 * self.range).powi(2));
        let (a, b) = (a / n, b / n);
        let sample = n / (n - 1.0);
        let (va, vb, vab) = (sample * (aa / n - a * a), sample * (bb / n - b * b), sample * (ab / n - a * b));
        (2.0 * a * b + c1) * (2.0 * vab + c2) / ((a * a + b * b + c1) * (va + vb + c2))
    }
}

/// The likeness of two records by their columns: for each how far the two are apart, and how far two strangers are apart in
/// the mean. 1 for equal records, about 0 for strangers.
pub(super) fn by_columns(parts: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (apart, strangers) = parts.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    if strangers > 0.0 { 1.0 - apart / strangers } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/golden/similarity.json`: numbers of scikit-image.
    #[test]
    fn similarity_is_that_of_scikit_image() {
        let file = std::fs::read_to_string("tests/golden/similarity.json").unwrap();
        let cases: Vec<serde_json::Value> = serde_json::from_str(&file).unwrap();
        assert!(cases.len() >= 3);
        for case in &cases {
            let list = |name: &str| -> Vec<f64> {
                case[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
            };
            let shape: Vec<usize> = list("shape").into_iter().map(|size| size as usize).collect();
            let picture = Picture::of(&shape, case["range"].as_f64().unwrap()).unwrap();
            let found = picture.similarity(&list("a"), &list("b"));
            let expected = case["similarity"].as_f64().unwrap();
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected} for {shape:?}");
        }
    }

    #[test]
    fn a_picture_is_like_itself_and_small_ones_are_none() {
        let picture = Picture::of(&[1, 9, 8], 1.0).unwrap();
        let values: Vec<f64> = (0..72).map(|at| f64::from(at * 37 % 72) / 72.0).collect();
        assert!((picture.similarity(&values, &values) - 1.0).abs() < 1e-12);
        assert_eq!(Picture::of(&[6, 30], 1.0), None);
        assert_eq!(Picture::of(&[13], 1.0), None);
        assert_eq!(Picture::of(&[30, 30], 0.0), None);
    }

    #[test]
    fn strangers_are_zero() {
        assert_eq!(by_columns([(0.0, 1.0), (0.0, 0.5)].into_iter()), 1.0);
        assert_eq!(by_columns([(1.0, 1.0), (0.5, 0.5)].into_iter()), 0.0);
        assert_eq!(by_columns(std::iter::empty()), 0.0);
    }
}
