//! Numbers with a shape, and how shapes that differ go together.

/// Most numbers of an array: what a file asks for is not what a machine has.
const MOST: usize = 1 << 22;

/// Numbers in row-major order. Refuses to be printed.
#[derive(Clone, PartialEq)]
pub struct Array {
    /// Sizes of the dimensions; empty for a single number.
    pub shape: Vec<usize>,
    /// The numbers, as many as the sizes make.
    pub values: Vec<f64>,
}

impl Array {
    /// Numbers of a shape; nothing where they do not fit.
    pub fn new(shape: Vec<usize>, values: Vec<f64>) -> Option<Self> {
        (size(&shape)? == values.len()).then_some(Self { shape, values })
    }

    /// The same numbers with every one replaced.
    pub(super) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { shape: self.shape.clone(), values: self.values.iter().map(|&value| f(value)).collect() }
    }

    /// Numbers made of those of two arrays of one shape.
    pub(super) fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(&a, &b)| f(a, b)).collect();
        Self { shape: self.shape.clone(), values }
    }

    /// The size of a dimension; 1 beyond the last.
    pub(super) fn dim(&self, at: usize) -> usize {
        self.shape.get(at).copied().unwrap_or(1)
    }
}

/// How many numbers a shape holds; nothing where they are too many, or none.
pub(super) fn size(shape: &[usize]) -> Option<usize> {
    let size = shape.iter().try_fold(1_usize, |size, &dim| size.checked_mul(dim))?;
    (1..=MOST).contains(&size).then_some(size)
}

/// The shape that two shapes are stretched to, by the rules of NumPy; nothing where they do not go together.
pub(super) fn stretched(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], at: usize| if at + shape.len() < rank { 1 } else { shape[at + shape.len() - rank] };
    let one = |at: usize| match (dim(a, at), dim(b, at)) {
        (x, y) if x == y => Some(x),
        (1, y) => Some(y),
        (x, 1) => Some(x),
        _ => None,
    };
    let shape: Vec<usize> = (0..rank).map(one).collect::<Option<_>>()?;
    size(&shape).map(|_| shape)
}

/// For every place of a shape the place in an array that is stretched to it.
pub(super) fn places(of: &[usize], to: &[usize]) -> Vec<usize> {
    let total: usize = to.iter().product();
    let offset = to.len() - of.len();
    // Steps of the smaller array along the dimensions of the larger; 0 where it is repeated.
    let mut steps = vec![0; to.len()];
    let mut step = 1;
    for at in (0..of.len()).rev() {
        steps[at + offset] = if of[at] == 1 { 0 } else { step };
        step *= of[at];
    }
    let mut found = Vec::with_capacity(total);
    let mut index = vec![0; to.len()];
    for _ in 0..total {
        found.push(index.iter().zip(&steps).map(|(at, step)| at * step).sum());
        for at in (0..to.len()).rev() {
            index[at] += 1;
            if index[at] < to[at] {
                break;
            }
            index[at] = 0;
        }
    }
    found
}
