//! NumPy arrays: `.npy`, and `.npz` archives of them. Declared sizes are checked before anything is unpacked.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use npyz::{DType, NpyFile};

use super::load::{Limits, extension};
use super::{Cells, DataError};
use crate::tensor::{Tensor, Values};

/// The named arrays of a file. A `.npy` file has one, named `array`.
///
/// # Errors
/// When the file is damaged, of an unknown element type, in Fortran order, or larger than the limit.
pub fn load_tensor(path: &Path, limits: Limits) -> Result<Vec<(String, Tensor)>, DataError> {
    let open = || File::open(path).map_err(|source| DataError::Io { file: path.into(), source });
    match extension(path).as_str() {
        "npy" => Ok(vec![("array".to_owned(), read(path, BufReader::new(open()?), limits)?)]),
        "npz" => {
            let damaged = |_| DataError::Damaged { file: path.into(), what: "it is not an .npz archive".to_owned() };
            let mut archive = zip::ZipArchive::new(BufReader::new(open()?)).map_err(damaged)?;
            let mut arrays = Vec::new();
            let mut total = 0_u64;
            for index in 0..archive.len() {
                let entry = archive.by_index(index).map_err(damaged)?;
                total = total.saturating_add(entry.size());
                if total > limits.bytes {
                    return Err(DataError::TooLarge { file: path.into(), bytes: total, limit: limits.bytes });
                }
                let Some(name) = entry.name().ok().and_then(|name| name.strip_suffix(".npy").map(str::to_owned)) else {
                    continue;
                };
                arrays.push((name, read(path, entry, limits)?));
            }
            Ok(arrays)
        }
        _ => Err(DataError::Format { file: path.into() }),
    }
}

fn read(path: &Path, input: impl Read, limits: Limits) -> Result<Tensor, DataError> {
    let damaged = |what: &str| DataError::Damaged { file: path.into(), what: what.to_owned() };
    let too_large = |bytes| DataError::TooLarge { file: path.into(), bytes, limit: limits.bytes };
    // The header may lie about the size, the archive too: its sizes are checked before anything multiplies them, and no
    // more than the limit is ever taken.
    let mut input = input.take(limits.bytes);
    let head = header(&mut input).ok_or_else(|| damaged("an array has no readable NumPy header"))?;
    if declared_cells(&head).and_then(|cells| cells.checked_mul(16)).is_none() {
        return Err(too_large(u64::MAX));
    }
    let file = NpyFile::new(std::io::Cursor::new(head).chain(input))
        .map_err(|_| damaged("an array has no readable NumPy header"))?;
    let shape: Vec<u64> = file.shape().to_vec();
    let cells = shape.iter().try_fold(1_u64, |product, &size| product.checked_mul(size));
    let bytes = cells.and_then(|cells| cells.checked_mul(8)).ok_or_else(|| too_large(u64::MAX))?;
    if bytes > limits.bytes.saturating_mul(2) {
        return Err(too_large(bytes));
    }
    if file.order() != npyz::Order::C && shape.len() > 1 {
        return Err(damaged("an array is in Fortran order; save it with numpy.ascontiguousarray"));
    }
    let DType::Plain(kind) = file.dtype() else { return Err(damaged("an array is a record array")) };
    macro_rules! values {
        ($variant:ident, $type:ty) => {
            Values::$variant(file.into_vec::<$type>().map_err(|_| damaged("an array is cut short"))?)
        };
    }
    let values = match kind.to_string().trim_start_matches(['<', '|', '=', '>']) {
        "f4" => values!(F32, f32),
        "f8" => values!(F64, f64),
        "i8" => values!(I64, i64),
        "i4" => values!(I32, i32),
        "u1" => values!(U8, u8),
        "b1" => values!(Bool, bool),
        other => return Err(damaged(&format!("an array has the element type `{other}`; save it as float32 or int64"))),
    };
    let row_shape = shape.iter().skip(1).map(|&size| size as usize).collect();
    Ok(Tensor { row_shape, values })
}

/// More than any header of a plain array needs.
const LONGEST: usize = 1 << 16;

/// The bytes of the header: magic, version, length, text.
fn header(input: &mut impl Read) -> Option<Vec<u8>> {
    let mut head = vec![0_u8; 10];
    input.read_exact(&mut head).ok()?;
    let length = if head[6] == 1 {
        usize::from(u16::from_le_bytes([head[8], head[9]]))
    } else {
        let mut more = [0_u8; 2];
        input.read_exact(&mut more).ok()?;
        head.extend(more);
        u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize
    };
    if !head.starts_with(b"\x93NUMPY") || length > LONGEST {
        return None;
    }
    let start = head.len();
    head.resize(start + length, 0);
    input.read_exact(&mut head[start..]).ok()?;
    Some(head)
}

/// The product of the sizes that a header declares; nothing when it has none or they overflow.
fn declared_cells(head: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(head);
    let shape = text.split("'shape':").nth(1)?.split(')').next()?;
    let sizes = shape.trim_start_matches([' ', '(']).split(',').map(str::trim).filter(|size| !size.is_empty());
    sizes
        .map(|size| size.trim_end_matches('L').parse::<u64>().ok())
        .try_fold(1_u64, |product, size| product.checked_mul(size?))
}

/// A one-dimensional array as the cells of a target column.
pub(super) fn labels(tensor: &Tensor) -> Option<Cells> {
    if tensor.row_len() != 1 {
        return None;
    }
    Some(match &tensor.values {
        Values::I64(values) => Cells::Integer(values.iter().map(|&v| Some(v)).collect()),
        Values::I32(values) => Cells::Integer(values.iter().map(|&v| Some(i64::from(v))).collect()),
        Values::U8(values) => Cells::Integer(values.iter().map(|&v| Some(i64::from(v))).collect()),
        Values::Bool(values) => Cells::Bool(values.iter().map(|&v| Some(v)).collect()),
        Values::F32(values) => Cells::Float(values.iter().map(|&v| f64::from(v)).collect()),
        Values::F64(values) => Cells::Float(values.clone()),
        Values::Text(_) => return None,
    })
}
