//! A block of cells on its way into the model: a shape and typed values, rows first.
//!
//! Layer row 0, so that `data` (which makes tensors) and `model` (which eats them) need not know each other.
//! It refuses to be printed: cells are patient data.

use std::fmt;
use std::sync::Arc;

/// The element types that exported models take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 64-bit signed integer.
    I64,
    /// 32-bit signed integer.
    I32,
    /// 8-bit unsigned integer.
    U8,
    /// Boolean.
    Bool,
    /// UTF-8 text.
    Text,
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::U8 => "uint8",
            Self::Bool => "bool",
            Self::Text => "string",
        })
    }
}

/// Typed values in row-major order.
#[derive(Clone, PartialEq)]
pub enum Values {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 64-bit signed integers.
    I64(Vec<i64>),
    /// 32-bit signed integers.
    I32(Vec<i32>),
    /// 8-bit unsigned integers.
    U8(Vec<u8>),
    /// Booleans.
    Bool(Vec<bool>),
    /// Texts.
    Text(Texts),
}

/// Texts as codes into a shared list: a batch of a million cells copies no text.
#[derive(Clone, PartialEq)]
pub struct Texts {
    /// A code per cell; a code outside the list is the empty text.
    pub codes: Vec<u32>,
    /// The distinct texts.
    pub dictionary: Arc<Vec<String>>,
}

impl Texts {
    /// Texts that share nothing.
    pub fn of(texts: Vec<String>) -> Self {
        Self { codes: (0..texts.len() as u32).collect(), dictionary: Arc::new(texts) }
    }

    /// The texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.codes.iter().map(|&code| self.dictionary.get(code as usize).map_or("", String::as_str))
    }
}

/// A shape whose first dimension counts rows, and its values.
#[derive(Clone, PartialEq)]
pub struct Tensor {
    /// Sizes of the dimensions after the first (the shape of one row).
    pub row_shape: Vec<usize>,
    /// The values, `rows * row_len` of them.
    pub values: Values,
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({} rows of {:?} {})", self.rows(), self.row_shape, self.element())
    }
}

macro_rules! each {
    ($values:expr, $v:ident => $body:expr) => {
        match $values {
            Values::F32($v) => $body,
            Values::F64($v) => $body,
            Values::I64($v) => $body,
            Values::I32($v) => $body,
            Values::U8($v) => $body,
            Values::Bool($v) => $body,
            Values::Text(texts) => {
                let $v = &texts.codes;
                $body
            }
        }
    };
}

macro_rules! map_each {
    ($values:expr, $v:ident => $body:expr) => {
        match $values {
            Values::F32($v) => Values::F32($body),
            Values::F64($v) => Values::F64($body),
            Values::I64($v) => Values::I64($body),
            Values::I32($v) => Values::I32($body),
            Values::U8($v) => Values::U8($body),
            Values::Bool($v) => Values::Bool($body),
            Values::Text(texts) => {
                let $v = &texts.codes;
                Values::Text(Texts { codes: $body, dictionary: Arc::clone(&texts.dictionary) })
            }
        }
    };
}

impl Tensor {
    /// Values per row: the product of `row_shape` (1 for a scalar row).
    pub fn row_len(&self) -> usize {
        self.row_shape.iter().product()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        let len = each!(&self.values, v => v.len());
        len.checked_div(self.row_len()).unwrap_or(0)
    }

    /// The element type.
    pub fn element(&self) -> Element {
        match self.values {
            Values::F32(_) => Element::F32,
            Values::F64(_) => Element::F64,
            Values::I64(_) => Element::I64,
            Values::I32(_) => Element::I32,
            Values::U8(_) => Element::U8,
            Values::Bool(_) => Element::Bool,
            Values::Text(_) => Element::Text,
        }
    }

    /// A copy of the rows `start..end`.
    ///
    /// # Panics
    /// When the range lies outside the rows; callers take it from [`Tensor::rows`].
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> Self {
        let width = self.row_len();
        let values = map_each!(&self.values, v => v[start * width..end * width].to_vec());
        Self { row_shape: self.row_shape.clone(), values }
    }

    /// A copy of the rows with the given indices, in that order.
    ///
    /// # Panics
    /// When an index lies outside the rows.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        let width = self.row_len();
        let values = map_each!(&self.values, v => {
            rows.iter().flat_map(|&r| v[r * width..(r + 1) * width].to_vec()).collect()
        });
        Self { row_shape: self.row_shape.clone(), values }
    }

    /// The values as 64-bit floats, or nothing for text.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        Some(match &self.values {
            Values::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Values::F64(v) => v.clone(),
            Values::I64(v) => v.iter().map(|&x| x as f64).collect(),
            Values::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Values::U8(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Values::Bool(v) => v.iter().map(|&x| f64::from(u8::from(x))).collect(),
            Values::Text(_) => return None,
        })
    }
}

impl Tensor {
    /// Adds the rows of another tensor of the same row shape and type; one of another type is left out.
    pub fn extend(&mut self, other: Self) {
        match (&mut self.values, other.values) {
            (Values::F32(a), Values::F32(b)) => a.extend(b),
            (Values::F64(a), Values::F64(b)) => a.extend(b),
            (Values::I64(a), Values::I64(b)) => a.extend(b),
            (Values::I32(a), Values::I32(b)) => a.extend(b),
            (Values::U8(a), Values::U8(b)) => a.extend(b),
            (Values::Bool(a), Values::Bool(b)) => a.extend(b),
            (Values::Text(a), Values::Text(b)) => {
                let joined = a.iter().chain(b.iter()).map(str::to_owned).collect();
                *a = Texts::of(joined);
            }
            _ => {}
        }
    }
}
