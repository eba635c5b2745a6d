//! Columns of a table as the scan for identifiers sees them.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::data::{Cells, MISSING, Table};
use crate::detect::{self, Numbers, Order, SAMPLE, is_absent};

/// Values of a column with the rows that have them, in an order that depends on the column alone.
type Counted<'t> = Vec<(Cow<'t, str>, usize)>;

/// All columns. `groups` gives the person of each row, where people are known. O(cells log cells).
pub(super) fn columns<'t>(table: &'t Table, groups: Option<&[u32]>) -> Vec<detect::Column<'t>> {
    table.columns().par_iter().map(|column| of(&column.name, &column.cells, groups)).collect()
}

fn of<'t>(name: &'t str, cells: &'t Cells, groups: Option<&[u32]>) -> detect::Column<'t> {
    let (values, distinct, rows) = counted(cells);
    let numbers = numbers(cells, &values);
    let people = groups.map_or(rows, |groups| people(cells, groups));
    // Only where nearly everybody may have a value of their own is it worth to count pairs.
    let pairs = match groups {
        Some(groups) if distinct * 10 >= people * 9 && distinct <= people => pairs(cells, groups),
        Some(_) => people + 1,
        None => rows,
    };
    let order = order(cells, distinct, people);
    detect::Column { name, values: sampled(values), distinct, rows, people, pairs, numbers, order }
}

/// Some of the values, evenly over the list.
fn sampled(values: Counted<'_>) -> Counted<'_> {
    if values.len() <= SAMPLE {
        return values;
    }
    let step = values.len() as f64 / SAMPLE as f64;
    let mut wanted = (0..SAMPLE).map(|at| (at as f64 * step) as usize).peekable();
    values.into_iter().enumerate().filter(|(at, _)| wanted.next_if_eq(at).is_some()).map(|(_, value)| value).collect()
}

/// Distinct present values (of long columns of numbers only those that are looked at), how many there are, and the rows that
/// have one.
fn counted(cells: &Cells) -> (Counted<'_>, usize, usize) {
    match cells {
        Cells::Text { codes, dictionary } => {
            let mut rows = vec![0; dictionary.len()];
            codes.iter().filter(|&&code| code != MISSING).for_each(|&code| rows[code as usize] += 1);
            let present = dictionary.iter().zip(&rows).filter(|(text, rows)| **rows > 0 && !is_absent(text));
            let values: Counted<'_> = present.map(|(text, rows)| (Cow::Borrowed(text.as_str()), *rows)).collect();
            let (distinct, rows) = (values.len(), values.iter().map(|(_, rows)| rows).sum());
            (values, distinct, rows)
        }
        Cells::Integer(values) => runs(values.iter().copied().flatten().collect(), Ord::cmp, ToString::to_string),
        Cells::Float(values) => {
            let present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
            let text = |value: &f64| Cells::Float(vec![*value]).text(0).unwrap_or_default();
            runs(present, f64::total_cmp, text)
        }
        Cells::Bool(values) => runs(values.iter().copied().flatten().collect(), Ord::cmp, ToString::to_string),
    }
}

/// Distinct values of sorted numbers; texts are made only of those that will be looked at.
fn runs<T: Copy>(
    mut values: Vec<T>,
    compare: impl Fn(&T, &T) -> std::cmp::Ordering,
    text: impl Fn(&T) -> String,
) -> (Counted<'static>, usize, usize) {
    values.sort_unstable_by(&compare);
    let rows = values.len();
    let counts: Vec<(T, usize)> =
        values.chunk_by(|a, b| compare(a, b).is_eq()).map(|run| (run[0], run.len())).collect();
    let step = (counts.len() / (2 * SAMPLE)).max(1);
    let kept = counts.iter().step_by(step).map(|(value, rows)| (Cow::Owned(text(value)), *rows)).collect();
    (kept, counts.len(), rows)
}

/// The range of the numbers of a column; of texts only where nearly all of them are numbers. O(values log values).
fn numbers(cells: &Cells, values: &Counted<'_>) -> Option<Numbers> {
    let parse = |text: &str| {
        let text = text.trim();
        let digits = text.starts_with(|c: char| c.is_ascii_digit() || "-+.".contains(c));
        text.parse::<f64>().ok().filter(|value| digits && value.is_finite())
    };
    if matches!(cells, Cells::Bool(_)) {
        return None;
    }
    let found: Vec<f64> = values.iter().filter_map(|(text, _)| parse(text)).collect();
    (found.len() * 10 >= values.len() * 9).then(|| Numbers::of(found)).flatten()
}

fn people(cells: &Cells, groups: &[u32]) -> usize {
    let mut seen: Vec<u32> = (0..cells.len()).filter(|&row| !cells.is_missing(row)).map(|row| groups[row]).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}

/// Distinct pairs of a person and a value.
fn pairs(cells: &Cells, groups: &[u32]) -> usize {
    let (codes, _) = crate::data::encode::codes(cells);
    let present = (0..cells.len()).filter(|&row| !cells.is_missing(row));
    let mut pairs: Vec<(u32, u32)> = present.map(|row| (groups[row], codes[row])).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.len()
}

/// Whether as many numbers as there are different ones make a range without gaps.
fn dense(values: &[Option<i64>], distinct: usize) -> bool {
    let present = || values.iter().flatten();
    let range = present().min().zip(present().max()).and_then(|(low, high)| high.checked_sub(*low));
    range.is_some_and(|range| range.unsigned_abs() as usize + 1 == distinct)
}

/// Whether whole numbers count the rows or the people.
fn order(cells: &Cells, distinct: usize, people: usize) -> Order {
    let Cells::Integer(values) = cells else { return Order::Free };
    if distinct < 3 {
        return Order::Free;
    }
    let first = values.first().copied().flatten();
    let counts = |(row, value): (usize, &Option<i64>)| {
        first.zip(*value).is_some_and(|(first, value)| value == first + row as i64)
    };
    if values.iter().enumerate().all(counts) {
        Order::RowNumber
    } else if dense(values, distinct) && distinct as f64 > 0.95 * people as f64 {
        Order::DenseRange
    } else {
        Order::Free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;
    use std::sync::Arc;

    fn seen(cells: Cells, groups: Option<&[u32]>) -> (usize, usize, usize, usize, Order) {
        let table = Table::new(vec![Column { name: "x".to_owned(), cells }]);
        let columns = columns(&table, groups);
        let column = &columns[0];
        (column.distinct, column.rows, column.people, column.pairs, column.order)
    }

    #[test]
    fn values_rows_and_people_are_counted() {
        let dictionary = Arc::new(["a", "?", "b", "unused"].map(str::to_owned).to_vec());
        let texts = Cells::Text { codes: vec![0, 0, 1, 2, MISSING], dictionary };
        assert_eq!(seen(texts, None), (2, 3, 3, 3, Order::Free));
        let integers = |values: &[i64]| Cells::Integer(values.iter().map(|&value| Some(value)).collect());
        assert_eq!(seen(integers(&[7, 8, 9, 10]), None).4, Order::RowNumber);
        assert_eq!(seen(integers(&[9, 7, 10, 8]), None).4, Order::DenseRange);
        assert_eq!(seen(integers(&[9, 7, 10, 80]), None).4, Order::Free);
        // Three people, the first twice, everybody with one value.
        assert_eq!(seen(integers(&[50, 50, 71, 92]), Some(&[0, 0, 1, 2])), (3, 4, 3, 3, Order::Free));
        assert_eq!(seen(integers(&[50, 51, 71, 71]), Some(&[0, 0, 1, 2])).3, 4, "the first has two");
    }

    #[test]
    fn long_columns_are_sampled_evenly() {
        let table = Table::new(vec![Column {
            name: "x".to_owned(),
            cells: Cells::Integer((0..100_000).map(|v| Some(v * 3)).collect()),
        }]);
        let columns = columns(&table, None);
        assert_eq!((columns[0].distinct, columns[0].values.len()), (100_000, SAMPLE));
        let Some(Numbers { low, high, whole: true }) = columns[0].numbers else { panic!("whole numbers") };
        assert!(low < 10_000.0 && high > 290_000.0, "all but the ends");
    }
}
