//! Data and plans that are hard on the measures of re-identification: right, or refused with file, setting and remedy; always
//! in bounded time.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Desk, Ran, finish, quoted};

/// Longer than any of these takes on a slow machine, and shorter than a search that does not end.
const BOUND: Duration = Duration::from_mins(4);

fn table(desk: &Desk, name: &str, header: &str, rows: usize, row: impl Fn(usize) -> String) -> PathBuf {
    let mut csv = format!("{header}\n");
    (0..rows).for_each(|at| writeln!(csv, "{}", row(at)).unwrap());
    desk.write(name, csv)
}

/// Assesses data alone; every check that needs no model looks at them.
fn assess(desk: &Desk, members: &Path, others: &Path, threat: &str) -> Ran {
    let (members, others) = (quoted(members), quoted(others));
    let plan = desk.write(
        "plan.toml",
        format!("[assessment]\nseed = 1\n[data]\nmembers = {members}\nnonmembers = {others}\n[threats.a]\n{threat}\n"),
    );
    finish(desk.privet().timeout(BOUND).arg("assess").arg(plan).arg("--out").arg(desk.path("out")))
}

/// The findings of a run that was judged, of the family.
fn judged(desk: &Desk, ran: &Ran) -> Vec<Value> {
    assert!([0, 1, 3].contains(&ran.code), "{}\n{}", ran.code, ran.stderr);
    let report = desk.report();
    let failed = report["checks"].as_array().into_iter().flatten().filter(|check| check["status"] == "failed").count();
    assert_eq!(failed, 0, "no check broke down");
    report["findings"].as_array().unwrap().clone()
}

fn of<'a>(findings: &'a [Value], measure: &str) -> &'a Value {
    let name = format!("reidentification/{measure}");
    let found = findings.iter().find(|finding| finding["measure"] == name.as_str());
    found.unwrap_or_else(|| panic!("{name} is not measured"))
}

fn value(findings: &[Value], measure: &str) -> f64 {
    of(findings, measure)["estimate"]["value"].as_f64().unwrap()
}

fn limits(finding: &Value) -> String {
    finding["limits"].to_string()
}

/// Everybody has a value of their own.
#[test]
fn as_many_levels_as_records() {
    let desk = Desk::new();
    let row = |at: usize| format!("v{at},{},{}", at % 2, 20 + at % 60);
    let members = table(&desk, "a.csv", "level,sex,age", 60_000, row);
    let others = table(&desk, "b.csv", "level,sex,age", 100, |at| row(at + 900_000));
    let ran = assess(&desk, &members, &others, "columns = [\"level\", \"sex\", \"age\"]\nfraction = 0.1");
    let findings = judged(&desk, &ran);
    assert_eq!((value(&findings, "k"), value(&findings, "uniqueness")), (1.0, 1.0));
    assert_eq!(value(&findings, "special-uniques"), 1.0, "one column singles everybody out");
    // Without pairs nothing says how often a unique record is unique in the population too.
    assert_eq!(of(&findings, "right-match")["standing"]["kind"], "insufficient");
}

/// A column with one value, and one without any: they tell nothing, alone or beside others.
#[test]
fn constant_and_missing_columns_tell_nothing() {
    for cell in ["same", ""] {
        let desk = Desk::new();
        let row = |at: usize| format!("{cell},{},{}", at % 2, 20 + at % 60);
        let members = table(&desk, "a.csv", "none,sex,age", 3000, row);
        let others = table(&desk, "b.csv", "none,sex,age", 300, |at| row(at + 1));
        let alone = judged(&desk, &assess(&desk, &members, &others, "columns = [\"none\"]\nfraction = 0.1"));
        assert_eq!((value(&alone, "k"), value(&alone, "uniqueness")), (3000.0, 0.0));
        assert_eq!(value(&alone, "population-uniqueness"), 0.0);
        let beside = "columns = [\"none\", \"sex\", \"age\"]\nfraction = 0.1";
        let beside = judged(&desk, &assess(&desk, &members, &others, beside));
        assert_eq!((value(&beside, "k"), value(&beside, "special-uniques")), (50.0, 0.0));
        assert_eq!(value(&beside, "attacker-risk"), 1.0 / 50.0);
    }
}

/// Sixty columns have more column sets than anybody can look at: what was looked at is said.
#[test]
fn sixty_quasi_identifiers_end_and_say_how_far_they_were_searched() {
    let desk = Desk::new();
    let names: Vec<String> = (0..60).map(|at| format!("q{at}")).collect();
    let cell = |row: usize, at: usize| {
        let mixed = (row * 2_654_435_761 + at * 40_503).wrapping_mul(row + at + 7) >> 7;
        if mixed.is_multiple_of(50) { String::new() } else { (mixed % (3 + at)).to_string() }
    };
    let row = |row: usize| (0..60).map(|at| cell(row, at)).collect::<Vec<_>>().join(",");
    let members = table(&desk, "a.csv", &names.join(","), 1500, row);
    let others = table(&desk, "b.csv", &names.join(","), 200, |at| row(at + 5000));
    let threat = format!("columns = {names:?}\nfraction = 0.1");
    let findings = judged(&desk, &assess(&desk, &members, &others, &threat));
    assert_eq!(value(&findings, "uniqueness"), 1.0);
    let special = of(&findings, "special-uniques");
    assert!(limits(special).contains("of 60 columns: larger sets are not looked at"), "{}", limits(special));
    let many: Vec<String> = (0..65).map(|at| format!("q{at}")).collect();
    assess(&desk, &members, &others, &format!("columns = {many:?}")).refuses(&["65 columns", "from 1 to 64"]);
}

#[test]
fn weights_that_count_nobody_are_refused() {
    let desk = Desk::new();
    let row = |at: usize, weight: &str| format!("{},{},{weight}", at % 2, 20 + at % 60);
    let others = table(&desk, "b.csv", "sex,age,w", 300, |at| row(at + 1, "1"));
    let threat = "columns = [\"sex\", \"age\"]\nweights = \"w\"";
    let of_weights = |weight: &dyn Fn(usize) -> &'static str| {
        let members = table(&desk, "a.csv", "sex,age,w", 3000, |at| row(at, weight(at)));
        assess(&desk, &members, &others, threat)
    };
    let every = |bad: &'static str| move |at: usize| if at.is_multiple_of(9) { bad } else { "3" };
    for (bad, why) in [
        ("-1", "not over 0"),
        ("0", "not over 0"),
        ("", "missing cells"),
        ("three", "no column of numbers"),
        ("1e300", "more people than there are"),
    ] {
        of_weights(&every(bad)).refuses(&["`threats.a.weights`", "`w`", why, "number of people it stands for"]);
    }
    // A record that stands for less than itself: its group is taken as complete, which is the highest risk.
    let findings = judged(&desk, &of_weights(&|_| "0.25"));
    assert_eq!((value(&findings, "individual-risk"), value(&findings, "largest-individual-risk")), (0.02, 0.02));
    assert!(limits(of(&findings, "individual-risk")).contains("3,000 of 3,000 records have a weight below 1"));
}

#[test]
fn a_register_that_lacks_what_the_data_have() {
    let desk = Desk::new();
    let row = |at: usize| format!("{},{}", at % 2, 20 + at % 60);
    let members = table(&desk, "a.csv", "sex,age", 3000, row);
    let others = table(&desk, "b.csv", "sex,age", 300, |at| row(at + 1));
    let threat =
        |file: &Path| format!("columns = [\"sex\", \"age\"]\nattacker = \"journalist\"\npopulation = {}", quoted(file));
    // Half of the ages are not there: these groups are taken to be as large as in the data.
    let half = table(&desk, "half.csv", "sex,age", 60_000, |at| format!("{},{}", at % 2, 20 + at % 30));
    let findings = judged(&desk, &assess(&desk, &members, &others, &threat(&half)));
    assert_eq!((value(&findings, "k-map"), value(&findings, "attacker-risk")), (50.0, 0.02));
    assert!(
        limits(of(&findings, "k-map")).contains("1,500 of 3,000 records share their quasi-identifiers with nobody")
    );
    let refused = |name: &str, csv: &str, texts: &[&str]| {
        let file = desk.write(name, csv);
        assess(&desk, &members, &others, &threat(&file))
            .refuses(&[&["register of the population", name], texts].concat());
    };
    refused("narrow.csv", "sex\n1\n0\n", &["`threats.a.columns`", "`age`", "header of the file"]);
    refused("empty.csv", "sex,age\n", &["holds no record", "below the header"]);
    refused("words.csv", "sex,age\n1,old\n0,young\n", &["column `age`", "read as integer"]);
}

/// Margins: right where the population is a product, refused where they are no population.
#[test]
fn margins_that_are_a_population_and_margins_that_are_none() {
    let desk = Desk::new();
    let row = |at: usize| format!("{},{}", at % 2, 20 + at % 60);
    let members = table(&desk, "a.csv", "sex,age", 3000, row);
    let others = table(&desk, "b.csv", "sex,age", 300, |at| row(at + 1));
    let threat = |file: &Path| {
        format!(
            "columns = [\"sex\", \"age\"]\nattacker = \"journalist\"\npopulation = {{ margins = {} }}",
            quoted(file)
        )
    };
    let sexes = "0,,150000\n1,,150000\n";
    let mut ages = String::new();
    (20..80).for_each(|age| writeln!(ages, ",{age},5000").unwrap());
    let census = desk.write("census.csv", format!("sex,age,people\n{sexes}{ages}"));
    let findings = judged(&desk, &assess(&desk, &members, &others, &threat(&census)));
    // Every combination has 2,500 people: 50 of the data and a Poisson number of 2,475 others, in 60 groups of the data.
    let k = value(&findings, "k-map");
    assert!((2350.0..2450.0).contains(&k), "{k}");
    assert_eq!(value(&findings, "attacker-risk"), 1.0 / k);
    assert_eq!(value(&findings, "population-unique-records"), 0.0);
    assert!(limits(of(&findings, "k-map")).contains("The population is an estimate"));
    let refused = |name: &str, csv: &str, texts: &[&str]| {
        let file = desk.write(name, csv);
        assess(&desk, &members, &others, &threat(&file)).refuses(&[&[name], texts].concat());
    };
    refused("none.csv", &format!("sex,age,count\n{sexes}"), &["margins of the population", "`people`"]);
    refused(
        "sums.csv",
        &format!("sex,age,people\n0,,7\n{ages}"),
        &["`threats.a.population`", "different numbers of people"],
    );
    refused("half.csv", &format!("sex,age,people\n{sexes}"), &["no row counts people by `age`"]);
    refused("few.csv", "sex,age,people\n0,,7\n,20,7\n", &["fewer than the data have"]);
    refused("twice.csv", "sex,age,people\n0,,7\n0,,7\n,20,14\n", &["two rows count the people of one combination"]);
    refused("blank.csv", "sex,age,people\n0,,\n,20,7\n", &["`people` has missing cells"]);
}
