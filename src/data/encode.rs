//! Cells into codes (for counting and learning) and into tensors (for the model).

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::table::{Cells, Table};
use super::{DataError, Features};
use crate::equivalence::Column as ClassColumn;
use crate::tensor::{Element, Tensor, Texts, Values};

/// One model input and the columns that feed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Name of the model input.
    pub input: String,
    /// The columns, in the order of the input's features; empty when the records are tensors.
    pub columns: Vec<String>,
    /// Element type of the input.
    pub element: Element,
    /// Shape of one row, for example `[1]` or `[13]` or `[1, 28, 28]`.
    pub row_shape: Vec<usize>,
}

/// Codes of two columns with the same meaning: equal cells get equal codes, in order of first appearance; missing cells
/// get a code of their own. Returns both code lists and the number of codes. O(n).
pub fn joint_codes(first: &Cells, second: &Cells) -> (Vec<u32>, Vec<u32>, usize) {
    let mut coder = Coder::default();
    let (first, second) = (coder.codes(first), coder.codes(second));
    (first, second, coder.levels)
}

/// Codes of one column.
pub fn codes(cells: &Cells) -> (Vec<u32>, usize) {
    let mut coder = Coder::default();
    let codes = coder.codes(cells);
    (codes, coder.levels)
}

/// One column of codes for [`crate::equivalence`]; it knows which code is a missing cell.
pub fn column(cells: &Cells) -> ClassColumn {
    let mut coder = Coder::default();
    let codes = coder.codes(cells);
    ClassColumn::new(codes, coder.levels as u32, coder.index.get(&None).copied())
}

/// The codes of two columns with the same meaning, one below the other.
pub fn joint_column(first: &Cells, second: &Cells) -> ClassColumn {
    let mut coder = Coder::default();
    let (first, second) = (coder.codes(first), coder.codes(second));
    ClassColumn::new(first.into_iter().chain(second), coder.levels as u32, coder.index.get(&None).copied())
}

/// Hands out dense codes.
#[derive(Default)]
struct Coder {
    levels: usize,
    index: HashMap<Option<u64>, u32>,
    texts: HashMap<String, u32>,
}

/// Distance between the least and the largest whole number up to which codes are looked up in a list.
const NARROW: i128 = 1 << 16;

impl Coder {
    /// The codes of a column. What repeats is looked up in a list where the cells are codes or small numbers already.
    fn codes(&mut self, cells: &Cells) -> Vec<u32> {
        match cells {
            Cells::Text { codes, dictionary } => {
                let mut known = vec![None; dictionary.len()];
                let code = |&code: &u32| match known.get_mut(code as usize) {
                    // Columns of one table set share a dictionary; the text keeps unrelated ones right too.
                    Some(known) => *known.get_or_insert_with(|| self.text(&dictionary[code as usize])),
                    None => self.number(None),
                };
                codes.iter().map(code).collect()
            }
            Cells::Integer(values) => {
                let least = values.iter().flatten().min().copied().unwrap_or(0);
                let most = values.iter().flatten().max().copied().unwrap_or(0);
                if i128::from(most) - i128::from(least) >= NARROW {
                    return values.iter().map(|value| self.number(value.map(i64::cast_unsigned))).collect();
                }
                let mut known = vec![None; (most - least) as usize + 1];
                let code = |value: &Option<i64>| match *value {
                    Some(value) => {
                        *known[(value - least) as usize].get_or_insert_with(|| self.number(Some(value.cast_unsigned())))
                    }
                    None => self.number(None),
                };
                values.iter().map(code).collect()
            }
            // Adding zero turns -0 into 0, which equals it.
            Cells::Float(values) => {
                let key = |value: f64| (!value.is_nan()).then(|| (value + 0.0).to_bits());
                values.iter().map(|&value| self.number(key(value))).collect()
            }
            Cells::Bool(values) => values.iter().map(|value| self.number(value.map(u64::from))).collect(),
        }
    }

    /// The code of a missing text, or of a number by its bits.
    fn number(&mut self, key: Option<u64>) -> u32 {
        if let Some(&code) = self.index.get(&key) {
            return code;
        }
        let code = self.next();
        self.index.insert(key, code);
        code
    }

    fn text(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.texts.get(text) {
            return code;
        }
        let code = self.next();
        self.texts.insert(text.to_owned(), code);
        code
    }

    fn next(&mut self) -> u32 {
        self.levels += 1;
        (self.levels - 1) as u32
    }
}

/// The tensors that a model takes, one per slot.
///
/// A missing number becomes NaN where the input is a float, a missing text the empty string.
///
/// # Errors
/// When a column's type does not fit its input, or a cell is missing that the input cannot express.
pub fn tensors(features: &Features, slots: &[Slot]) -> Result<Vec<Tensor>, DataError> {
    slots.par_iter().map(|slot| tensor(features, slot)).collect()
}

fn tensor(features: &Features, slot: &Slot) -> Result<Tensor, DataError> {
    let table = match features {
        Features::Tensor(tensor) => return cast(tensor, slot),
        Features::Table(table) => table,
    };
    let columns: Vec<(&str, &Cells)> =
        slot.columns.iter().filter_map(|name| table.column(name)).map(|c| (c.name.as_str(), &c.cells)).collect();
    let values = match slot.element {
        Element::Text => Values::Text(texts(table, &columns, slot)?),
        Element::F32 => Values::F32(interleave(table, &columns, |n, c, r| number(n, c, r, slot).map(|v| v as f32))?),
        Element::F64 => Values::F64(interleave(table, &columns, |n, c, r| number(n, c, r, slot))?),
        Element::I64 => Values::I64(interleave(table, &columns, |n, c, r| whole(n, c, r, slot))?),
        Element::I32 => Values::I32(interleave(table, &columns, |n, c, r| whole(n, c, r, slot).map(|v| v as i32))?),
        Element::U8 => Values::U8(interleave(table, &columns, |n, c, r| whole(n, c, r, slot).map(|v| v as u8))?),
        Element::Bool => Values::Bool(interleave(table, &columns, |n, c, r| whole(n, c, r, slot).map(|v| v != 0))?),
    };
    Ok(Tensor { row_shape: slot.row_shape.clone(), values })
}

/// Walks rows, then columns: the row-major order of a tensor.
fn interleave<T>(
    table: &Table,
    columns: &[(&str, &Cells)],
    cell: impl Fn(&str, &Cells, usize) -> Result<T, DataError>,
) -> Result<Vec<T>, DataError> {
    let mut values = Vec::with_capacity(table.rows() * columns.len());
    for row in 0..table.rows() {
        for (name, cells) in columns {
            values.push(cell(name, cells, row)?);
        }
    }
    Ok(values)
}

fn misfit(name: &str, cells: &Cells, slot: &Slot) -> DataError {
    DataError::Shape {
        what: format!(
            "column `{name}` holds {} and feeds the model input `{}`, which takes {}",
            cells.kind(),
            slot.input,
            slot.element
        ),
        help: format!(
            "set its type (`[columns.types] {name} = \"...\"`), list the marker of missing values under `[data] missing`, \
             or check that the columns are those the model was trained on"
        ),
    }
}

fn missing(name: &str, slot: &Slot) -> DataError {
    DataError::Shape {
        what: format!(
            "column `{name}` has missing cells and feeds the model input `{}`, whose type {} has no missing value",
            slot.input, slot.element
        ),
        help: "fill the cells as the training pipeline did, or leave such records out of both sets".to_owned(),
    }
}

/// The texts of some columns. Text columns lend their dictionaries; other types are printed once per distinct cell.
fn texts(table: &Table, columns: &[(&str, &Cells)], slot: &Slot) -> Result<Texts, DataError> {
    if let [(_, Cells::Text { codes, dictionary })] = columns {
        return Ok(Texts { codes: codes.clone(), dictionary: Arc::clone(dictionary) });
    }
    let mut joined = Vec::new();
    let mut coded = Vec::with_capacity(columns.len());
    for (name, cells) in columns {
        if matches!(cells, Cells::Float(_)) {
            return Err(misfit(name, cells, slot)); // how the training pipeline printed it cannot be known
        }
        let (codes, levels) = codes(cells);
        let start = joined.len();
        joined.resize(start + levels, String::new());
        for (row, &code) in codes.iter().enumerate() {
            let text = &mut joined[start + code as usize];
            if text.is_empty() {
                *text = cells.text(row).unwrap_or_default();
            }
        }
        coded.push(codes.into_iter().map(|code| code + start as u32).collect::<Vec<u32>>());
    }
    let codes = (0..table.rows()).flat_map(|row| coded.iter().map(move |column| column[row])).collect();
    Ok(Texts { codes, dictionary: Arc::new(joined) })
}

fn number(name: &str, cells: &Cells, row: usize, slot: &Slot) -> Result<f64, DataError> {
    match cells {
        Cells::Float(values) => Ok(values[row]),
        Cells::Integer(values) => Ok(values[row].map_or(f64::NAN, |value| value as f64)),
        Cells::Bool(values) => Ok(values[row].map_or(f64::NAN, |value| f64::from(u8::from(value)))),
        Cells::Text { .. } => Err(misfit(name, cells, slot)),
    }
}

fn whole(name: &str, cells: &Cells, row: usize, slot: &Slot) -> Result<i64, DataError> {
    match cells {
        Cells::Integer(values) => values[row].ok_or_else(|| missing(name, slot)),
        Cells::Bool(values) => values[row].map(i64::from).ok_or_else(|| missing(name, slot)),
        Cells::Float(values) if values[row].is_nan() => Err(missing(name, slot)),
        Cells::Float(values) if values[row].fract() == 0.0 => Ok(values[row] as i64),
        Cells::Float(_) | Cells::Text { .. } => Err(misfit(name, cells, slot)),
    }
}

/// A tensor of records in the element type and row shape of the input.
fn cast(tensor: &Tensor, slot: &Slot) -> Result<Tensor, DataError> {
    let wanted: usize = slot.row_shape.iter().product();
    let unfit = || DataError::Shape {
        what: format!(
            "a record is {} {:?}, the model input `{}` takes {} {:?}",
            tensor.element(),
            tensor.row_shape,
            slot.input,
            slot.element,
            slot.row_shape
        ),
        help: "save the records in the shape that the model was trained on".to_owned(),
    };
    if tensor.row_len() != wanted {
        return Err(unfit());
    }
    let numbers = || tensor.to_f64().ok_or_else(unfit);
    let values = match slot.element {
        Element::F32 => Values::F32(numbers()?.into_iter().map(|v| v as f32).collect()),
        Element::F64 => Values::F64(numbers()?),
        Element::I64 => Values::I64(numbers()?.into_iter().map(|v| v as i64).collect()),
        Element::I32 => Values::I32(numbers()?.into_iter().map(|v| v as i32).collect()),
        Element::U8 => Values::U8(numbers()?.into_iter().map(|v| v as u8).collect()),
        Element::Bool => Values::Bool(numbers()?.into_iter().map(|v| v != 0.0).collect()),
        Element::Text => match &tensor.values {
            Values::Text(texts) => Values::Text(texts.clone()),
            _ => return Err(unfit()),
        },
    };
    Ok(Tensor { row_shape: slot.row_shape.clone(), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_cells_get_equal_codes_and_missing_a_code_of_its_own() {
        let a = Cells::Float(vec![0.0, f64::NAN, 2.5]);
        let b = Cells::Float(vec![-0.0, 2.5, f64::NAN]);
        assert_eq!(joint_codes(&a, &b), (vec![0, 1, 2], vec![0, 2, 1], 3));
    }

    #[test]
    fn large_integers_that_round_to_one_float_keep_apart() {
        let big = 1_i64 << 53;
        let (codes, levels) = codes(&Cells::Integer(vec![Some(big), Some(big + 1), None]));
        assert_eq!((codes, levels), (vec![0, 1, 2], 3));
    }

    #[test]
    fn narrow_and_wide_ranges_of_integers_are_coded_alike() {
        let narrow = Cells::Integer(vec![Some(-3), None, Some(5), Some(-3)]);
        let wide = Cells::Integer(vec![Some(5), Some(i64::MIN), Some(i64::MAX), None]);
        assert_eq!(joint_codes(&narrow, &wide), (vec![0, 1, 2, 0], vec![2, 3, 4, 1], 5));
    }
}
