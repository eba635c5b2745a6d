//! NumPy arrays: `.npy`, and `.npz` archives of them. Declared sizes are checked before anything is unpacked.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use npyz::{DType, NpyFile};

use super::load::{Limits, extension};
use super::subset::{Part, Sink, changed, unlike};
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
                    return Err(DataError::too_large(path, total, limits.bytes));
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
    let too_large = |bytes| DataError::too_large(path, bytes, limits.bytes);
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

/// Copies rows of every array that has one per record; any other array is copied whole.
pub(super) fn cut(parts: &[Part<'_>; 2], sink: &Sink<'_>) -> Result<(), DataError> {
    let open = |part: &Part<'_>| {
        let file = File::open(part.file).map_err(|source| DataError::Io { file: part.file.into(), source })?;
        zip::ZipArchive::new(BufReader::new(file)).map_err(|_| changed(part.file))
    };
    let (mut first, mut second) = (open(&parts[0])?, open(&parts[1])?);
    let mut out = zip::ZipWriter::new(&sink.file);
    let failed = |error: zip::result::ZipError| sink.failed(std::io::Error::from(error));
    for index in 0..first.len() {
        let entry = first.by_index(index).map_err(|_| changed(parts[0].file))?;
        let name = entry.name().map_err(|_| changed(parts[0].file))?.to_string();
        let array = Raw::read(entry).ok_or_else(|| changed(parts[0].file))?;
        let bytes = if array.rows() == Some(parts[0].records as u64) {
            let other = second.by_name(&name).map_err(|_| unlike(parts[1].file, "lacks an array of the first one"))?;
            let other = Raw::read(other).ok_or_else(|| changed(parts[1].file))?;
            array.joined(&other, parts)?
        } else {
            [array.head, array.cells].concat()
        };
        let large = bytes.len() as u64 >= u64::from(u32::MAX);
        out.start_file(name, zip::write::SimpleFileOptions::default().large_file(large)).map_err(failed)?;
        out.write_all(&bytes).map_err(|source| sink.failed(source))?;
    }
    out.finish().map_err(failed)?;
    Ok(())
}

/// An array as it lies in a file.
struct Raw {
    head: Vec<u8>,
    cells: Vec<u8>,
}

impl Raw {
    fn read(mut input: impl Read) -> Option<Self> {
        let head = header(&mut input)?;
        let mut cells = Vec::new();
        input.read_to_end(&mut cells).ok()?;
        Some(Self { head, cells })
    }

    /// The header's text before the number of rows, that number, and what follows it.
    fn around_rows(&self) -> Option<(String, u64, String)> {
        let start = if self.head.get(6) == Some(&1) { 10 } else { 12 };
        let text = String::from_utf8(self.head.get(start..)?.to_vec()).ok()?;
        let open = text.find("'shape':")? + text[text.find("'shape':")?..].find('(')? + 1;
        let length = text[open..].find(|c: char| !c.is_ascii_digit())?;
        let rows = text[open..open + length].parse().ok()?;
        Some((text[..open].to_owned(), rows, text[open + length..].trim_end().to_owned()))
    }

    fn rows(&self) -> Option<u64> {
        self.around_rows().map(|(_, rows, _)| rows)
    }

    /// The chosen rows of this array and of another one like it.
    fn joined(&self, other: &Self, parts: &[Part<'_>; 2]) -> Result<Vec<u8>, DataError> {
        let (Some((before, rows, after)), Some(theirs)) = (self.around_rows(), other.around_rows()) else {
            return Err(changed(parts[0].file));
        };
        if (&before, &after) != (&theirs.0, &theirs.2) || theirs.1 != parts[1].records as u64 {
            return Err(unlike(parts[1].file, "holds an array of another shape or type than the first one"));
        }
        let width = self.cells.len() / rows.max(1) as usize;
        let text = format!("{before}{}{after}", parts[0].rows.len() + parts[1].rows.len());
        let padding = 64 - (10 + text.len() + 1) % 64;
        let text = format!("{text}{}\n", " ".repeat(padding));
        let length = u16::try_from(text.len()).map_err(|_| changed(parts[0].file))?;
        let mut bytes = [b"\x93NUMPY\x01\x00", &length.to_le_bytes()[..], text.as_bytes()].concat();
        for (array, part) in [self, other].into_iter().zip(parts) {
            for &row in &part.rows {
                let cells = array.cells.get(row * width..(row + 1) * width).ok_or_else(|| changed(part.file))?;
                bytes.extend_from_slice(cells);
            }
        }
        Ok(bytes)
    }
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

/// Writes an archive, for the tests of other files: only this one names the crate.
#[cfg(test)]
pub(super) fn archive_of(path: &Path, entries: &[(&str, Vec<u8>)]) {
    let mut archive = zip::ZipWriter::new(File::create(path).expect("a folder for tests"));
    for (name, bytes) in entries {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a new entry");
        archive.write_all(bytes).expect("room on the disk");
    }
    archive.finish().expect("room on the disk");
}
