//! The linkage attack from files to report: an attacker's file with names of its own, and what does not come out.

use crate::support::Desk;

const PEOPLE: usize = 120;

/// A person's cells; the planted word is in every name.
fn person(number: usize) -> (String, String, usize) {
    let name = format!("CANARY{}", ["anna", "berta", "carla", "dora", "emil", "fritz", "gustav"][number % 7]);
    let letter = |at: usize| char::from(b'a' + (number * 7 + at * 11) as u8 % 26);
    (
        format!("{name}{}{}{}", letter(0), letter(1), number % 13),
        format!("19{:02}-0{}-1{}", number % 97, 1 + number % 9, number % 10),
        10_000 + number * 37,
    )
}

fn rows(numbers: impl Iterator<Item = usize>) -> String {
    let row = |number: usize| {
        let (name, born, zip) = person(number);
        format!("{number},{name},{born},{zip}\n")
    };
    numbers.map(row).collect()
}

fn plan(desk: &Desk, threat: &str) -> String {
    desk.write("members.csv", format!("id,name,born,zip\n{}", rows(0..PEOPLE)));
    desk.write("nonmembers.csv", format!("id,name,born,zip\n{}", rows(PEOPLE..2 * PEOPLE)));
    format!(
        "[data]\nmembers = \"members.csv\"\nnonmembers = \"nonmembers.csv\"\npatient = \"id\"\n[threats.neighbour]\n\
         columns = [\"name\", \"born\", \"zip\"]\n{threat}"
    )
}

#[test]
fn an_auxiliary_file_is_linked_and_scored() {
    let desk = Desk::new();
    // The attacker's file: 60 people of the data and 60 others; every third name has a typing error, every fourth ZIP is missing.
    let row = |number: usize| {
        let (name, born, zip) = person(number);
        let name = if number.is_multiple_of(3) { format!("{name}x") } else { name };
        let zip = if number.is_multiple_of(4) { String::new() } else { zip.to_string() };
        format!("{number},{name},{born},{zip}\n")
    };
    let file: String = (60..60 + PEOPLE).map(row).collect();
    desk.write("register.csv", format!("number,NAME,birth,plz\n{file}"));
    let threat = "auxiliary = \"register.csv\"\nmatch = { name = \"NAME\", born = \"birth\", zip = \"plz\" }\n\
                  truth = { id = \"number\" }\n";
    let ran = desk.assess(&plan(&desk, threat), &["--exit-zero", "-v"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let report = desk.report();
    let find = |measure: &str| {
        report["findings"].as_array().unwrap().iter().find(|found| found["measure"] == measure).unwrap().clone()
    };
    let found = find("reidentification/linkage");
    assert_eq!(found["estimate"]["n"], 60, "people of the file who are in the data");
    assert!(found["estimate"]["value"].as_f64().unwrap() > 0.95, "{found}");
    // Numbers 60 to 119 that are multiples of neither 3 nor 4: half.
    assert_eq!(found["baseline"]["estimate"]["value"], 0.5);
    let precision = find("reidentification/linkage-precision");
    assert!(precision["estimate"]["value"].as_f64().unwrap() > 0.9, "{precision}");
    for text in [&desk.report_text(), &desk.html(), &ran.stdout, &ran.stderr] {
        assert!(!text.to_lowercase().contains("canary"), "a name is in the output");
    }
}

#[test]
fn a_file_that_does_not_fit_is_refused_with_its_setting() {
    let desk = Desk::new();
    desk.write("register.csv", "number,NAME\n1,CANARY\n");
    for (threat, said) in [
        ("auxiliary = \"register.csv\"\nmatch = { name = \"NAME\" }\n", "threats.neighbour.match"),
        ("auxiliary = \"none.csv\"\n", "threats.neighbour.auxiliary"),
        ("auxiliary = \"register.csv\"\ntruth = { nobody = \"number\" }\n", "truth"),
    ] {
        let ran = desk.assess(&plan(&desk, threat), &[]);
        assert_eq!(ran.code, 2, "{threat}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(said) && !ran.stderr.contains("CANARY"), "{threat}: {}", ran.stderr);
    }
}
