//! The check on tables with known columns.

use std::sync::Arc;

use super::*;
use crate::check::specimen::{Case, Specimen, integers, normal, numbers, uniform};
use crate::data::{Cells, Column, Schema, Table as Records};
use crate::seed::Seed;

fn texts(name: &str, values: Vec<String>) -> Column {
    let codes = (0..values.len() as u32).collect();
    Column { name: name.to_owned(), cells: Cells::Text { codes, dictionary: Arc::new(values) } }
}

/// Some of four columns that nobody may keep, beside harmless ones.
fn case(identifiers: usize, seed: u64) -> Case {
    let table = |set: &str| {
        let seed = Seed::root(seed).derive(set);
        let drawn = |name: &str, levels| uniform(300, levels, seed.derive(name));
        let mut columns = vec![
            numbers("creatinine", normal(300, 1.0, seed.derive("x"))),
            integers("score", &drawn("score", 101)),
            integers("num_visits", &drawn("visits", 9)),
        ];
        let of = |name: &str, write: &dyn Fn(u32) -> String| {
            texts(
                name,
                drawn(name, 9_000_000)
                    .into_iter()
                    .enumerate()
                    .map(|(at, v)| write(v + at as u32 * 10_000_000))
                    .collect(),
            )
        };
        let all = [
            of("email", &|v| format!("u{v}@example.org")),
            of("c1", &|v| format!("{:03}-{:02}-{:04}", v / 5_000_000 % 600 + 1, v % 98 + 1, v / 7 % 9998 + 1)),
            of("c2", &|v| format!("https://example.org/{v}")),
            of("mrn", &|v| format!("M{:010}", u64::from(v) + 1_000_000_000)),
        ];
        columns.extend(all.into_iter().take(identifiers));
        Records::new(columns)
    };
    Case::tables(table("members"), table("others"), Schema::default())
}

impl Specimen for Identifiers {
    const MEASURE: &'static str = PROHIBITED;

    fn null(seed: u64) -> (Case, f64) {
        (case(0, seed), 0.0)
    }

    fn leaky() -> Case {
        case(4, 1)
    }

    fn graded(seed: u64) -> (Case, f64) {
        let planted = (seed % 5) as usize;
        (case(planted, seed), planted as f64)
    }
}

#[test]
fn what_is_declared_or_accepted_does_not_count() {
    let declared = |schema: Schema, settings: &str| {
        let Case { split, .. } = case(4, 1);
        let tables =
            (split.members.table().cloned().expect("a table"), split.nonmembers.table().cloned().expect("a table"));
        let case = Case::tables(tables.0, tables.1, schema);
        let settings: toml::Table = settings.parse().expect("valid settings");
        let check: Identifiers = toml::Value::Table(settings).try_into().expect("settings of the check");
        case.run(&check, 1).remove(0).estimate.map(|estimate| estimate.value)
    };
    assert_eq!(declared(Schema::default(), ""), Some(4.0));
    let mrn = Schema { identifiers: vec!["mrn".to_owned()], ..Schema::default() };
    assert_eq!(declared(mrn, ""), Some(3.0));
    assert_eq!(declared(Schema::default(), "accepted = { c2 = \"public pages\" }"), Some(3.0));
    let left = Schema { leave_out: vec!["email".to_owned(), "c1".to_owned()], ..Schema::default() };
    assert_eq!(declared(left, "limited_data_set = true"), Some(2.0));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for bad in [
        "zip3 = \"census-1990\"",
        "zip3 = \"census-2020\"\nzip3_file = \"x.toml\"",
        "accepted = { a = \" \" }",
        "year = 1066",
        "no_such = 1",
    ] {
        let settings: toml::Table = bad.parse().expect("TOML");
        assert!(toml::Value::Table(settings).try_into::<Identifiers>().is_err(), "{bad}");
    }
}
