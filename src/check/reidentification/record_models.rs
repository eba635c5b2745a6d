//! What models of single records say about the people who are unique in the data: the table beside the number that is judged.
//!
//! The models are never judged. A Gaussian copula and log-linear models say for every single record how many people of the
//! population are likely to share its key, where models of group sizes know only how many groups there are; but research and
//! trials on known populations found both off by factors where columns depend on each other in other ways than the model
//! allows. They are therefore heard only where they reproduce the groups that were counted, and what is judged stays an
//! interval that assumes no model.

use super::Grouped;
use crate::data::Cells;
use crate::equivalence::Column;
use crate::finding::{Evidence, Table, Unit};
use crate::population::{LogLinearAnswer, MISFIT, NoAnswer, RecordAnswer, copula_answer, log_linear_answer};
use crate::seed::Seed;
use crate::stats::Estimate;
use crate::stats::uniform::below;

/// The table of both models. `cells` are those of the quasi-identifiers; where patients are declared one record of each is
/// drawn.
pub(super) fn table(grouped: &Grouped<'_>, cells: &[&Cells], population: f64, seed: Seed) -> Evidence {
    let seed = seed.derive("records");
    let rows = grouped.people.map(|people| one_each(people, seed));
    let coded = cells.iter().zip(&grouped.columns).map(|(cells, column)| coded(cells, column, rows.as_deref()));
    let (columns, ordered): (Vec<Column>, Vec<bool>) = coded.unzip();
    let copula = copula_answer(&columns, &ordered, population, seed.derive("copula"));
    let log_linear = log_linear_answer(&columns, population, seed.derive("log-linear"));
    Evidence::Table(of_answers(copula, log_linear))
}

/// One record of every person, each equally likely, in the order of the people's numbers.
fn one_each(people: &[u32], seed: Seed) -> Vec<u32> {
    let stream = &mut seed.derive("one of each person").stream();
    let most = people.iter().max().map_or(0, |&most| most as usize + 1);
    let mut kept: Vec<(usize, u32)> = vec![(0, 0); most];
    for (row, &person) in people.iter().enumerate() {
        let (seen, chosen) = &mut kept[person as usize];
        *seen += 1;
        if below(*seen, stream) == 0 {
            *chosen = row as u32;
        }
    }
    kept.into_iter().filter(|(seen, _)| *seen > 0).map(|(_, row)| row).collect()
}

/// Dense codes of some rows, numbers by size; and whether they stand in an order. A missing cell has the last code.
fn coded(cells: &Cells, column: &Column, rows: Option<&[u32]>) -> (Column, bool) {
    let rows = rows.map_or_else(|| (0..column.len() as u32).collect(), <[u32]>::to_vec);
    let mut first: Vec<Option<usize>> = vec![None; column.levels() as usize];
    for row in rows.iter().map(|&row| row as usize) {
        first[column.code(row) as usize].get_or_insert(row);
    }
    let mut used: Vec<usize> = first.into_iter().flatten().filter(|&row| !column.is_missing(row)).collect();
    let numbers = cells.numbers();
    if let Some(numbers) = &numbers {
        used.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    }
    let missing = used.len() as u32;
    let mut place = vec![missing; column.levels() as usize];
    used.iter().enumerate().for_each(|(at, &row)| place[column.code(row) as usize] = at as u32);
    let codes = rows.iter().map(|&row| place[column.code(row as usize) as usize]);
    (Column::new(codes, missing + 1, Some(missing)), numbers.is_some())
}

const NONE: &str = "no number";

fn of_answers(copula: Result<RecordAnswer, NoAnswer>, log_linear: Result<LogLinearAnswer, NoAnswer>) -> Table {
    let says = [copula, log_linear.map(|answer| answer.says)];
    let row = |name: &str, cell: &dyn Fn(&RecordAnswer) -> String, none: &dyn Fn(&NoAnswer) -> String| {
        std::iter::once(name.to_owned()).chain(says.iter().map(|says| says.as_ref().map_or_else(none, cell))).collect()
    };
    let number = |name: &str, of: fn(&RecordAnswer) -> Estimate| {
        let cell = |says: &RecordAnswer| Unit::Share.show_estimate(&of(says));
        row(name, &cell, &|_| NONE.to_owned())
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    if says.iter().any(Result::is_ok) {
        rows.extend([
            number("people of the population who are unique in it", |says| says.unique_share),
            number("of the people unique in the data: unique in the population (tau 1)", |says| {
                says.population_uniques
            }),
            number("of the matches with people unique in the data: right (tau 2)", |says| says.right_matches),
        ]);
    }
    rows.push(row("agrees with the groups", &agreement, &|reason| format!("{NONE}: {reason}")));
    if let Ok(LogLinearAnswer { dispersion: [one, two], interactions: [pairs, all], .. }) = log_linear {
        let cell =
            format!("{one:.1} and {two:.1} (tau 1, tau 2), {pairs} of {all} pairs of columns depend on each other");
        rows.push(vec!["dispersion, from -1.96 to 1.96 where a model holds".to_owned(), "-".to_owned(), cell]);
    }
    Table {
        caption: "What models of single records say, with 95 % intervals under the model; never judged, and no number where a \
                  model does not hold"
            .to_owned(),
        columns: ["share", "Gaussian copula", "log-linear model"].map(str::to_owned).to_vec(),
        rows,
    }
}

/// How well a model that is heard reproduces the groups, and how many samples its intervals rest on.
fn agreement(says: &RecordAnswer) -> String {
    let RecordAnswer { fit, expected_over_counted, replicates, .. } = says;
    let drawn = format!("{replicates} samples drawn and fitted again");
    if *fit >= MISFIT {
        return format!("yes (p = {fit:.3}; {drawn})");
    }
    format!(
        "nearly: expects {expected_over_counted:.2} times the people unique in the data, intervals are wider by that (p = \
         {fit:.3}; {drawn})"
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::ThreatModel;

    fn rows_of(evidence: Evidence) -> Vec<Vec<String>> {
        match evidence {
            Evidence::Table(table) => table.rows,
            other => panic!("not a table: {other:?}"),
        }
    }

    /// Numbers keep their order, whatever the order of the records; a missing cell has no place in it.
    #[test]
    fn numbers_are_coded_by_size() {
        let cells = Cells::Integer(vec![Some(30), None, Some(-4), Some(12), Some(30)]);
        let threat = ThreatModel::of("", &["q"]);
        let grouped = Grouped::of(&threat, &[&cells], None);
        let (column, ordered) = coded(&cells, &grouped.columns[0], None);
        let codes: Vec<u32> = (0..5).map(|row| column.code(row)).collect();
        assert_eq!((codes, ordered, column.is_missing(1)), (vec![2, 3, 0, 1, 2], true, true));
        let (some, _) = coded(&cells, &grouped.columns[0], Some(&[0, 3]));
        assert_eq!(([some.code(0), some.code(1)], some.levels()), ([1, 0], 3));
        let dictionary = Arc::new(["b", "a"].map(str::to_owned).to_vec());
        let texts = Cells::Text { codes: vec![0, 1], dictionary };
        assert!(!coded(&texts, &Grouped::of(&threat, &[&texts], None).columns[0], None).1);
    }

    /// Every person once, and each of a person's records as likely as the others.
    #[test]
    fn one_record_of_each_person() {
        let people = [3, 0, 3, 3, 0];
        let mut chosen = [0; 5];
        for run in 0..600 {
            let rows = one_each(&people, Seed::root(run));
            assert_eq!(rows.iter().map(|&row| people[row as usize]).collect::<Vec<_>>(), [0, 3]);
            rows.iter().for_each(|&row| chosen[row as usize] += 1);
        }
        // Binomial: four standard deviations of 600 at a third are 46, at a half 49.
        assert!([0, 2, 3].iter().all(|&row| (chosen[row] - 200_i32).abs() < 46), "{chosen:?}");
        assert!([1, 4].iter().all(|&row| (chosen[row] - 300_i32).abs() < 49), "{chosen:?}");
    }

    /// Ages and places that do not depend on each other are answered by both models; people with several records count once.
    #[test]
    fn people_are_asked_about() {
        let mut stream = Seed::root(2).stream();
        let mut column = |levels: usize| {
            let of_person: Vec<i64> = (0..800).map(|_| below(levels, &mut stream) as i64).collect();
            Cells::Integer((0..1_600).map(|row| Some(of_person[row / 2])).collect())
        };
        let (ages, places) = (column(40), column(30));
        let people: Vec<u32> = (0..1_600).map(|row| row / 2).collect();
        let threat = ThreatModel::of("", &["age", "place"]);
        let grouped = Grouped::of(&threat, &[&ages, &places], Some(&people));
        let ask = || rows_of(table(&grouped, &[&ages, &places], 8_000.0, Seed::root(1)));
        let rows = ask();
        assert_eq!(rows.len(), 5, "{rows:?}");
        assert!(rows[..3].iter().all(|row| row[1].contains('%') && row[2].contains('%')), "{rows:?}");
        assert!(rows[3][1].starts_with("yes") && rows[3][2].starts_with("yes"), "{rows:?}");
        assert_eq!(ask(), rows);
    }

    /// From 1 to 10 people unique in the data: no number, and one column has no combinations.
    #[test]
    fn failures_are_stated() {
        let codes =
            |alone: i64| Cells::Integer((0..300).map(|row| Some(if row < alone { row } else { 1_000 })).collect());
        let threat = ThreatModel::of("", &["a", "b"]);
        let (few, same) = (codes(7), codes(0));
        let rows = rows_of(table(&Grouped::of(&threat, &[&few, &same], None), &[&few, &same], 3_000.0, Seed::root(1)));
        assert_eq!(
            rows,
            [[
                "agrees with the groups",
                "no number: fewer than 11 people are unique in the data",
                "no number: fewer than 11 people are unique in the data"
            ]]
        );
        let rows = rows_of(table(&Grouped::of(&threat, &[&few], None), &[&few], 3_000.0, Seed::root(1)));
        assert!(rows.len() == 1 && rows[0][1].contains("one column"), "{rows:?}");
    }
}
