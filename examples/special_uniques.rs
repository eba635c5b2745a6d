//! Special uniques of a published file, with every count: `special_uniques FILE COLUMN,COLUMN,... FRACTION` prints JSON. FRACTION is
//! the share of the population in the file, for the probability that a match is right (DIS).
//!
//! Reports withhold counts of one to ten people and all from which one would follow; what a peer prints of a public test file can
//! only be compared without that. Not for records of patients.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;

use privet::data::{Reading, load_codes};
use privet::equivalence::Histogram;
use privet::uniques::{MinimalUniques, Scores, Scoring, Settings, disclosure_share};
use privet::watch::Unwatched;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(columns), Some(fraction), None) =
        (arguments.next(), arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: special_uniques FILE COLUMN,COLUMN,... FRACTION".into());
    };
    let fraction: f64 = fraction.parse()?;
    let names: Vec<String> = columns.split(',').map(str::to_owned).collect();
    let columns = load_codes(Path::new(&file), "COLUMNS", &names, &Reading::default())?;
    let settings = Settings { max_size: columns.len(), ..Settings::default() };
    let found = MinimalUniques::of(&columns.iter().collect::<Vec<_>>(), None, &settings, &Unwatched)?;
    let scores = Scores::of(&found, Scoring::Factorial);
    let mut with_score = BTreeMap::<u64, usize>::new();
    for &score in scores.of_row.iter().filter(|&&score| score > 0.0) {
        *with_score.entry(score as u64).or_default() += 1;
    }
    let weighted: f64 = scores.of_row.iter().zip(1..).map(|(score, row)| score * f64::from(row)).sum();
    let sizes = Histogram::of_columns(columns);
    let (unique, in_pairs) = (sizes.of_size(1) as usize, 2 * sizes.of_size(2) as usize);
    let share = disclosure_share(unique, in_pairs, fraction).ok_or("no record is unique, or no two are a pair")?;
    let right = scores.disclosure(unique, share);
    let answer = serde_json::json!({
        "complete": found.is_complete(),
        "records_with_score": with_score,
        "sets_by_size": scores.by_size,
        "sum": scores.of_row.iter().sum::<f64>(),
        "sum_of_score_times_row": weighted,
        "contributions": scores.of_column,
        "theta": share,
        "sum_of_dis": right.iter().sum::<f64>(),
        "largest_dis": right.iter().copied().fold(0.0, f64::max),
    });
    Ok(writeln!(std::io::stdout(), "{answer}")?)
}
