//! How many people stand alone by what a stranger may know of them, in the file and in a Safe Harbor version of it.

use std::sync::Arc;

use crate::check::reidentification::Grouped;
use crate::data::{Cells, Column, MISSING, Table, ThreatModel};
use crate::detect::{Demographic, Judgement, Rules};

/// People who stand alone by the recognised columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alone {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// What they are.
    pub kinds: Vec<Demographic>,
    /// Records.
    pub records: usize,
    /// Records that are the only ones with their combination, in the file.
    pub in_file: usize,
    /// Likewise in the Safe Harbor version: year of birth, three digits of the postcode, ages from 90 as one, no town.
    pub in_safe_harbor: usize,
}

/// Counts them, as far as columns were recognised; nothing for fewer than two. Of two columns of one kind the first counts.
pub fn alone(table: &Table, groups: Option<&[u32]>, judged: &[Judgement], rules: &Rules) -> Option<Alone> {
    let mut found: Vec<(Demographic, usize)> =
        judged.iter().enumerate().filter_map(|(at, judgement)| Some((judgement.demographic?, at))).collect();
    found.sort();
    found.dedup_by_key(|(kind, _)| *kind);
    if found.len() < 2 {
        return None;
    }
    let cells: Vec<&Cells> = found.iter().map(|(_, at)| &table.columns()[*at].cells).collect();
    let coarse: Vec<Cells> =
        found.iter().filter_map(|(kind, at)| coarsened(*kind, &table.columns()[*at], rules)).collect();
    let known = ThreatModel::of::<&str>("", &[]);
    let single = |cells: &[&Cells]| if cells.is_empty() { 0 } else { Grouped::of(&known, cells, groups).below(2) };
    Some(Alone {
        columns: found.iter().map(|(_, at)| table.columns()[*at].name.clone()).collect(),
        kinds: found.iter().map(|(kind, _)| *kind).collect(),
        records: table.rows(),
        in_file: single(&cells),
        in_safe_harbor: single(&coarse.iter().collect::<Vec<_>>()),
    })
}

/// A column as a Safe Harbor version would have it; nothing where it would have none.
fn coarsened(kind: Demographic, column: &Column, rules: &Rules) -> Option<Cells> {
    if kind == Demographic::Town {
        return None;
    }
    let (cells, in_a_year) = (&column.cells, Demographic::in_a_year(&column.name));
    let mut dictionary: Vec<String> = Vec::new();
    let mut places = std::collections::HashMap::new();
    // Equal cells are coarsened once.
    let (codes, levels) = crate::data::encode::codes(cells);
    let mut of_code: Vec<Option<u32>> = vec![None; levels];
    let mut coded = Vec::with_capacity(cells.len());
    for (row, code) in codes.into_iter().enumerate() {
        let place = *of_code[code as usize].get_or_insert_with(|| {
            let text = cells.text(row).and_then(|text| kind.coarsened(&text, in_a_year, rules));
            text.map_or(MISSING, |text| {
                *places.entry(text.clone()).or_insert_with(|| {
                    dictionary.push(text);
                    dictionary.len() as u32 - 1
                })
            })
        });
        coded.push(place);
    }
    Some(Cells::Text { codes: coded, dictionary: Arc::new(dictionary) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::dataset::scanned::{ScanSettings, scan};
    use crate::data::Schema;

    fn texts(name: &str, values: &[String]) -> Column {
        let mut dictionary: Vec<String> = values.to_vec();
        dictionary.sort();
        dictionary.dedup();
        let codes = values.iter().map(|value| dictionary.partition_point(|known| known < value) as u32).collect();
        Column { name: name.to_owned(), cells: Cells::Text { codes, dictionary: Arc::new(dictionary) } }
    }

    /// 400 people born on as many days of 1980 and 1981 in two places: each alone by date, nobody by year.
    #[test]
    fn coarser_columns_hide_people() {
        let born: Vec<String> =
            (0..400).map(|at| format!("19{}-{:02}-{:02}", 80 + at % 2, at / 2 % 12 + 1, at / 24 + 1)).collect();
        let zip: Vec<String> = (0..400).map(|at| format!("{}{:02}", ["021", "100"][at % 2], at % 50)).collect();
        let sex: Vec<String> = (0..400).map(|at| ["f", "m"][at / 2 % 2].to_owned()).collect();
        let table = Table::new(vec![texts("birth_date", &born), texts("zip", &zip), texts("sex", &sex)]);
        let rules = Rules::default();
        let judged: Vec<Judgement> = scan(&table, None, &Schema::default(), &ScanSettings::default(), &rules)
            .into_iter()
            .map(|(_, j)| j)
            .collect();
        let alone = alone(&table, None, &judged, &rules).expect("three columns are recognised");
        assert_eq!(alone.kinds, [Demographic::Birth, Demographic::Postcode, Demographic::Sex]);
        assert_eq!((alone.in_file, alone.in_safe_harbor), (400, 0));
    }

    /// 500 children of 1 to 500 months, and as many born in 2000 and later: nobody is 90, whatever the unit and the century.
    #[test]
    fn units_and_centuries_count() {
        let months =
            Column { name: "age_months".to_owned(), cells: Cells::Integer((0..500).map(|at| Some(at + 1)).collect()) };
        let born: Vec<String> = (0..500).map(|at| format!("{:02}/14/{:02}", at % 12 + 1, at % 20)).collect();
        let rules = Rules::default();
        let distinct =
            |cells: &Cells| (0..500).filter_map(|row| cells.text(row)).collect::<std::collections::BTreeSet<_>>();
        let coarse = coarsened(Demographic::Age, &months, &rules).expect("ages stay");
        assert!(distinct(&coarse).len() == 500 && !distinct(&coarse).contains("90+"));
        let coarse = coarsened(Demographic::Birth, &texts("dob", &born), &rules).expect("years stay");
        assert_eq!(distinct(&coarse).first().map(String::as_str), Some("2000"));
    }
}
