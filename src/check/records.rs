//! The records of a split as learners see them.

use crate::data::{Column, Features, Split, Table};
use crate::learn::Encoded;

/// All features of members and then of non-members, encoded without looking at membership; the outcome is not among them.
pub(super) fn encoded_features(split: &Split) -> Encoded {
    let rows = split.members.len() + split.nonmembers.len();
    side_by_side(split, &split.members.features, &split.nonmembers.features, rows)
}

/// The features of two sets of records of a split, one after the other; `rows` of them in all.
pub(super) fn side_by_side(split: &Split, first: &Features, second: &Features, rows: usize) -> Encoded {
    let mut data = Encoded::new(rows);
    match (first, second) {
        (Features::Table(a), Features::Table(b)) => {
            for column in a.columns().iter().filter(|column| split.schema.is_feature(&column.name)) {
                if let Some(other) = b.column(&column.name) {
                    data.push(&[&column.cells, &other.cells]);
                }
            }
        }
        (Features::Tensor(a), Features::Tensor(b)) => {
            if let (Some(x), Some(y)) = (a.to_f64(), b.to_f64()) {
                let width = a.row_len();
                for cell in 0..width {
                    let of = |values: &[f64]| values.iter().skip(cell).step_by(width).copied().collect::<Vec<f64>>();
                    data.push_numbers(&[of(&x), of(&y)].concat());
                }
            }
        }
        _ => {}
    }
    data
}

/// Some columns of both sides, members above non-members; nothing where the sides cannot be put together.
pub(super) fn stacked(split: &Split, keep: impl Fn(&str) -> bool) -> Option<Table> {
    let (members, nonmembers) = (split.members.table()?, split.nonmembers.table()?);
    let both = members.columns().iter().filter(|column| keep(&column.name)).map(|column| {
        let cells = column.cells.stacked(&nonmembers.column(&column.name)?.cells)?;
        Some(Column { name: column.name.clone(), cells })
    });
    Some(Table::new(both.collect::<Option<Vec<Column>>>()?))
}

/// Patients of both sides in shared codes; every record its own patient where none are declared.
pub(super) fn patients(split: &Split) -> (Vec<u32>, Vec<u32>) {
    let (n, m) = (split.members.len() as u32, split.nonmembers.len() as u32);
    match (&split.members.groups, &split.nonmembers.groups) {
        (Some(a), Some(b)) => (a.clone(), b.clone()),
        _ => ((0..n).collect(), (n..n + m).collect()),
    }
}
