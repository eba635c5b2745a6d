//! The arrays of a file, decoded one at a time.

use std::fmt;

use super::{Contents, Part, Place, Stand, external};
use crate::model::proto::{AttributeProto, GraphProto, NodeProto, SparseTensorProto, TensorProto};

/// The most values of one array that are looked at: half a gibibyte once decoded.
const MOST_VALUES: usize = 1 << 26;

/// The number of text in `TensorProto.DataType`.
const TEXT: i32 = 8;

/// Why an array cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread(&'static str);

impl Unread {
    pub(super) fn new(reason: &'static str) -> Self {
        Self(reason)
    }

    /// The reason, with `it` for the array.
    pub fn reason(&self) -> &'static str {
        self.0
    }
}

/// How exactly an array holds its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 16-bit floats, 11 bits of which count.
    Half,
    /// The upper half of 32-bit floats, 8 bits of which count.
    Brain,
    /// 32-bit floats.
    Single,
    /// 64-bit floats.
    Double,
    /// Whole numbers.
    Whole,
}

/// How a quantised array stands for real numbers: `(whole - zero) * scale`.
#[derive(Clone, PartialEq)]
pub struct Quantised {
    /// One step, for the whole array or for every slice along `axis`.
    pub scale: Vec<f64>,
    /// The whole number that stands for zero, likewise.
    pub zero: Vec<f64>,
    /// The axis that steps belong to.
    pub axis: usize,
}

/// Decoded numbers. Refuses to be printed.
#[derive(Clone, PartialEq)]
pub struct Numbers {
    /// The values, the last dimension running fastest.
    pub values: Vec<f64>,
    /// How exactly they are held.
    pub precision: Precision,
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers", self.values.len())
    }
}

/// One array of a file, not decoded yet.
pub struct StoredArray<'c> {
    /// Where it stands.
    pub place: Place,
    /// Its dimensions as declared; empty for a single number.
    pub shape: Vec<usize>,
    /// How its whole numbers stand for real ones, where the file says so.
    pub quantised: Option<Quantised>,
    source: Source<'c>,
    /// Where it enters the graph.
    pub(super) origin: Origin<'c>,
    contents: &'c Contents,
}

/// Where an array enters the graph that is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin<'c> {
    /// As a constant of this name.
    Constant(&'c str),
    /// With the node of this number.
    Node(usize),
    /// Nowhere, or where the walk cannot follow.
    Elsewhere,
}

enum Source<'c> {
    Float(f32),
    Int(i64),
    Floats(&'c [f32]),
    Ints(&'c [i64]),
    Tensor(&'c TensorProto),
    Sparse(&'c SparseTensorProto),
}

impl StoredArray<'_> {
    /// Number of values that the shape makes; nothing where no machine could hold them.
    pub fn len(&self) -> Option<usize> {
        product(&self.shape)
    }

    /// Whether it holds no value.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Decodes it.
    ///
    /// # Errors
    /// When it is larger than privet looks at, cut short, of a type without numbers, or out of reach.
    pub fn numbers(&self) -> Result<Numbers, Unread> {
        match self.source {
            Source::Float(value) => Ok(single(vec![f64::from(value)])),
            Source::Int(value) => Ok(whole(vec![value as f64])),
            Source::Floats(values) => Ok(single(values.iter().map(|&value| f64::from(value)).collect())),
            Source::Ints(values) => Ok(whole(values.iter().map(|&value| value as f64).collect())),
            Source::Tensor(tensor) => self.contents.decoded(tensor),
            Source::Sparse(sparse) => self.contents.spread(sparse),
        }
    }
}

fn single(values: Vec<f64>) -> Numbers {
    Numbers { values, precision: Precision::Single }
}

fn whole(values: Vec<f64>) -> Numbers {
    Numbers { values, precision: Precision::Whole }
}

fn product(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
}

/// Dimensions as declared; a negative one reads as larger than any machine.
fn dimensions(dims: &[i64]) -> Vec<usize> {
    dims.iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect()
}

impl Contents {
    /// The numbers of a tensor.
    pub(in crate::model) fn decoded(&self, tensor: &TensorProto) -> Result<Numbers, Unread> {
        if tensor.segment.is_some() {
            return Err(Unread::new("it is a piece of an array"));
        }
        let count = product(&dimensions(&tensor.dims)).filter(|&count| count <= MOST_VALUES);
        let count = count.ok_or(Unread::new("it has more values than privet looks at, or an impossible shape"))?;
        let elsewhere = tensor.data_location() == crate::model::proto::tensor_proto::DataLocation::External;
        let size =
            width(tensor.data_type()).ok_or(Unread::new("its element type holds no numbers that privet reads"))?;
        let outside;
        let raw: Option<&[u8]> = if elsewhere {
            outside = external::read(tensor, &self.file, count * size)?;
            Some(&outside)
        } else {
            tensor.raw_data.as_deref().filter(|raw| !raw.is_empty())
        };
        let (values, precision) = match raw {
            Some(raw) if raw.len() == count * size => from_bytes(tensor.data_type(), raw),
            Some(_) => None,
            None => from_fields(tensor),
        }
        .ok_or(Unread::new("it holds another number of values than its shape says"))?;
        if values.len() != count {
            return Err(Unread::new("it holds another number of values than its shape says"));
        }
        Ok(Numbers { values, precision })
    }

    /// The numbers of a sparse tensor, zeros filled in.
    fn spread(&self, sparse: &SparseTensorProto) -> Result<Numbers, Unread> {
        let shape = dimensions(&sparse.dims);
        let count = product(&shape).filter(|&count| count <= MOST_VALUES);
        let count = count.ok_or(Unread::new("it has more values than privet looks at, or an impossible shape"))?;
        let (Some(values), Some(indices)) = (&sparse.values, &sparse.indices) else {
            return Err(Unread::new("it is a sparse array without values or indices"));
        };
        let (kept, indices) = (self.decoded(values)?, self.decoded(indices)?.values);
        let mut dense = vec![0.0; count];
        let rank = if indices.len() == kept.values.len() { 1 } else { shape.len().max(1) };
        let misplaced = Unread::new("it is a sparse array whose indices do not fit its shape");
        if indices.len() != kept.values.len() * rank {
            return Err(misplaced);
        }
        for (value, index) in kept.values.iter().zip(indices.chunks(rank)) {
            let at = if rank == 1 {
                index[0] as usize
            } else {
                index
                    .iter()
                    .zip(&shape)
                    .fold(0_usize, |at, (&index, &size)| at.saturating_mul(size).saturating_add(index as usize))
            };
            *dense.get_mut(at).ok_or(misplaced)? = *value;
        }
        Ok(Numbers { values: dense, precision: kept.precision })
    }
}

/// Bytes of one element, by its number in `TensorProto.DataType`.
fn width(kind: i32) -> Option<usize> {
    Some(match kind {
        2 | 3 | 9 => 1,
        4 | 5 | 10 | 16 => 2,
        1 | 6 | 12 => 4,
        7 | 11 | 13 => 8,
        _ => return None,
    })
}

fn from_bytes(kind: i32, raw: &[u8]) -> Option<(Vec<f64>, Precision)> {
    macro_rules! read {
        ($type:ty, $precision:ident, $convert:expr) => {{
            let chunks = raw.chunks_exact(size_of::<$type>());
            let value = |chunk: &[u8]| chunk.try_into().ok().map(<$type>::from_le_bytes).map_or(f64::NAN, $convert);
            Some((chunks.map(value).collect(), Precision::$precision))
        }};
    }
    match kind {
        1 => read!(f32, Single, f64::from),
        2 | 9 => read!(u8, Whole, f64::from),
        3 => read!(i8, Whole, f64::from),
        4 => read!(u16, Whole, f64::from),
        5 => read!(i16, Whole, f64::from),
        6 => read!(i32, Whole, f64::from),
        7 => read!(i64, Whole, |value| value as f64),
        10 => read!(u16, Half, half),
        11 => read!(f64, Double, f64::from),
        12 => read!(u32, Whole, f64::from),
        13 => read!(u64, Whole, |value| value as f64),
        16 => read!(u16, Brain, brain),
        _ => None,
    }
}

fn from_fields(tensor: &TensorProto) -> Option<(Vec<f64>, Precision)> {
    let ints = |convert: fn(u16) -> f64| tensor.int32_data.iter().map(|&bits| convert(bits as u16)).collect();
    Some(match tensor.data_type() {
        1 => (tensor.float_data.iter().map(|&value| f64::from(value)).collect(), Precision::Single),
        2..=6 | 9 => (tensor.int32_data.iter().map(|&value| f64::from(value)).collect(), Precision::Whole),
        7 => (tensor.int64_data.iter().map(|&value| value as f64).collect(), Precision::Whole),
        10 => (ints(half), Precision::Half),
        16 => (ints(brain), Precision::Brain),
        11 => (tensor.double_data.clone(), Precision::Double),
        12 | 13 => (tensor.uint64_data.iter().map(|&value| value as f64).collect(), Precision::Whole),
        _ => return None,
    })
}

/// A 16-bit float of IEEE 754.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    }
}

/// The upper half of a 32-bit float.
fn brain(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

/// Every array of a file.
pub(super) fn all(contents: &Contents) -> Vec<StoredArray<'_>> {
    let mut found = Vec::new();
    let nodes = contents.nodes();
    let mut number = 0;
    for (part, graph) in contents.graphs() {
        let sparse = graph.sparse_initializer.iter().filter_map(|sparse| Some((sparse.values.as_ref()?, Some(sparse))));
        for (tensor, sparse) in graph.initializer.iter().map(|tensor| (tensor, None)).chain(sparse) {
            number += 1;
            if tensor.data_type() == TEXT {
                continue;
            }
            let taker = graph.node.iter().find(|node| node.input.iter().any(|input| input == tensor.name()));
            let stand = Stand::Initializer { number, feeds: taker.map(super::place::operator) };
            let (dims, source) = match sparse {
                Some(sparse) => (&sparse.dims, Source::Sparse(sparse)),
                None => (&tensor.dims, Source::Tensor(tensor)),
            };
            let quantised = quantisation(contents, graph, tensor);
            let place = Place { part, stand };
            let origin = Origin::Constant(tensor.name());
            found.push(StoredArray { place, shape: dimensions(dims), quantised, source, origin, contents });
        }
    }
    for node in &nodes {
        for attribute in &node.node.attribute {
            let place = || (node.place(Some(attribute.name())), Origin::Node(node.number));
            of_attribute(contents, attribute, &place, &mut found);
        }
    }
    let defaults = contents.model.functions.iter().flat_map(|function| &function.attribute_proto);
    for attribute in defaults {
        let place = || (Place::other(Part::Function, "default of an attribute"), Origin::Elsewhere);
        of_attribute(contents, attribute, &place, &mut found);
    }
    found
}

fn of_attribute<'c>(
    contents: &'c Contents,
    attribute: &'c AttributeProto,
    place: &dyn Fn() -> (Place, Origin<'c>),
    found: &mut Vec<StoredArray<'c>>,
) {
    let mut add = |shape: Vec<usize>, source: Source<'c>| {
        let (place, origin) = place();
        found.push(StoredArray { place, shape, quantised: None, source, origin, contents });
    };
    if let Some(value) = attribute.f {
        add(Vec::new(), Source::Float(value));
    }
    if let Some(value) = attribute.i {
        add(Vec::new(), Source::Int(value));
    }
    if !attribute.floats.is_empty() {
        add(vec![attribute.floats.len()], Source::Floats(&attribute.floats));
    }
    if !attribute.ints.is_empty() {
        add(vec![attribute.ints.len()], Source::Ints(&attribute.ints));
    }
    for tensor in attribute.t.iter().chain(&attribute.tensors).filter(|tensor| tensor.data_type() != TEXT) {
        add(dimensions(&tensor.dims), Source::Tensor(tensor));
    }
    for sparse in attribute.sparse_tensor.iter().chain(&attribute.sparse_tensors) {
        add(dimensions(&sparse.dims), Source::Sparse(sparse));
    }
}

/// The step and the zero of a quantised constant: as its operator takes them, as the graph is annotated, or by the names
/// that the runtime's own quantiser gives.
fn quantisation(contents: &Contents, graph: &GraphProto, tensor: &TensorProto) -> Option<Quantised> {
    const BYTES: [i32; 5] = [2, 3, 4, 5, 6];
    if !BYTES.contains(&tensor.data_type()) {
        return None;
    }
    let name = tensor.name();
    let beside = graph.node.iter().find_map(|node| {
        let at = node.input.iter().position(|input| input == name)?;
        let in_threes = node.op_type() == "DequantizeLinear" || node.op_type().starts_with("QLinear");
        let scale = node.input.get(at + 1).filter(|_| in_threes && at.is_multiple_of(3))?;
        Some((scale.clone(), node.input.get(at + 2).cloned().unwrap_or_default(), axis(node)))
    });
    let annotated = || {
        let annotation = graph.quantization_annotation.iter().find(|annotation| annotation.tensor_name() == name)?;
        let entry = |key: &str| {
            let found = annotation.quant_parameter_tensor_names.iter().find(|entry| entry.key() == key);
            found.map(|entry| entry.value().to_owned())
        };
        Some((entry("SCALE_TENSOR")?, entry("ZERO_POINT_TENSOR").unwrap_or_default(), 0))
    };
    let named = || {
        let stem = name.strip_suffix("_quantized")?;
        Some((format!("{stem}_scale"), format!("{stem}_zero_point"), 0))
    };
    let (scale, zero, axis) = beside.or_else(annotated).or_else(named)?;
    let constant = |name: &str| {
        let tensor = graph.initializer.iter().find(|tensor| tensor.name() == name)?;
        contents.decoded(tensor).ok().map(|numbers| numbers.values).filter(|values| !values.is_empty())
    };
    let scale = constant(&scale)?;
    let zero = constant(&zero).filter(|zero| zero.len() == scale.len()).unwrap_or_else(|| vec![0.0; scale.len()]);
    Some(Quantised { scale, zero, axis })
}

fn axis(node: &NodeProto) -> usize {
    let given = node.attribute.iter().find(|attribute| attribute.name() == "axis").map(AttributeProto::i);
    given.and_then(|axis| usize::try_from(axis).ok()).unwrap_or(1)
}

impl Quantised {
    /// The real numbers of whole ones, with the half step by which each may be off; nothing where the step does not fit the
    /// shape.
    pub fn real(&self, values: &[f64], shape: &[usize]) -> Option<(Vec<f64>, f64)> {
        let largest = self.scale.iter().fold(0.0_f64, |largest, scale| largest.max(scale.abs()));
        let of_slice = |at: usize| {
            let inner: usize = shape.get(self.axis + 1..).map_or(1, |rest| rest.iter().product::<usize>().max(1));
            at / inner % self.scale.len()
        };
        if self.scale.len() > 1 && shape.get(self.axis) != Some(&self.scale.len()) {
            return None;
        }
        let real = |(at, value): (usize, &f64)| {
            let slice = of_slice(at);
            (value - self.zero[slice]) * self.scale[slice]
        };
        Some((values.iter().enumerate().map(real).collect(), largest / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_are_read_as_the_standards_say() {
        // 0x3555 is 0.333251953125, the half nearest to a third; 0x0001 the smallest, 0x7bff the largest.
        let read: Vec<f64> = [0x3555, 0xc000, 0x0001, 0x7bff, 0x7c00].map(half).to_vec();
        assert_eq!(read, [0.333_251_953_125, -2.0, 2_f64.powi(-24), 65504.0, f64::INFINITY]);
        assert!(half(0x7e00).is_nan());
        assert_eq!(brain(0x3f80), 1.0);
    }
}
