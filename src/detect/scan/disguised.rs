//! Identifiers in forms that hide them, beside harmless columns of nearly the same form; and texts of any kind.

use super::tests::{Draw, clear, is, judged, of, one};
use super::*;
use crate::detect::{kinds, temporal, value_form};

fn day(draw: &mut Draw) -> [String; 4] {
    temporal::date_of(17_000 + draw.below(1_500) as i64)
}

/// A date in one of the ways in which programs write it.
fn written(draw: &mut Draw, how: &str) -> String {
    let [iso, ..] = day(draw);
    let (year, month, of_month) = (&iso[..4], &iso[5..7], &iso[8..]);
    let name = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        [month.parse::<usize>().unwrap() - 1];
    match how {
        "sas" => format!("{of_month}{}{year}", name.to_uppercase()),
        "sas-time" => format!("{of_month}{}{year}:10:30:{:02}", name.to_uppercase(), draw.below(60)),
        "sql" => format!("{name} {of_month} {year} 12:00AM"),
        "oracle" => format!("{of_month}-{}-{} 10.30.00.000000 AM", name.to_uppercase(), &year[2..]),
        "words" => format!("{of_month} {name} {year}"),
        "short" => format!("{}/{month}/{of_month}", &year[2..]),
        "mail" => format!("Thu, {of_month} {name} {year} 10:30:00 GMT"),
        "text" => format!("'{iso}"),
        "moved" => format!("21{}", &iso[2..]),
        _ => iso,
    }
}

#[test]
fn dates_of_every_program_are_dates() {
    for how in ["sas", "sas-time", "sql", "oracle", "words", "short", "mail", "text", "moved"] {
        let judgement = one("admit_date", of(300, |_, d| written(d, how)));
        assert_eq!(
            (judgement.class, judgement.item),
            (Class::Conditional, Some(Item::Dates)),
            "{how}: {}",
            judgement.rule
        );
    }
    let mixed = |name| one(name, of(300, |row, d| written(d, ["iso", "words", "sas", "short"][row % 4])));
    is(&mixed("discharge_dt"), Class::Conditional, "C.date");
    is(&mixed("x7"), Class::Conditional, "C.date");
}

/// Numbers of days since 1960 and what is not read at all: somebody looks, and nothing says that it may stay.
#[test]
fn what_a_name_calls_a_date_is_looked_at() {
    for (name, cells) in [
        ("birth_date", of(300, |_, d| (d.below(20_000) as i64 - 8_000).to_string())),
        ("visit_date", of(300, |_, d| format!("{} days", d.below(4_000)))),
        ("date_of_service", of(300, |_, d| format!("{} at 10am", day(d)[2]))),
    ] {
        let judgement = one(name, cells);
        assert!(judgement.class >= Class::Review, "`{name}`");
        assert!(judgement.item == Some(Item::Dates) && !judgement.remark.contains("may stay"), "{}", judgement.remark);
    }
    // Beside another date they are what they are.
    let born: Vec<String> = of(300, |_, d| day(d)[0].clone());
    let counted = born.iter().map(|text| (temporal::any(text).unwrap().number + 3_653).to_string()).collect();
    is(
        &judged(&[("dob", born), ("seen_date", counted)], &Rules::default()).remove(1),
        Class::Conditional,
        "C.date-serial",
    );
    clear("birth_weight_g", of(300, |_, d| (1_000 + d.below(3_500)).to_string()));
    clear("birth_order", of(300, |_, d| d.below(9).to_string()));
    clear("admit_time", of(300, |_, d| format!("{:02}:{:02}", d.below(24), d.below(60))));
    clear("date_flag", of(300, |row, _| (row % 2).to_string()));
    clear("death_date", of(300, |row, _| (2000 + row % 20).to_string()));
}

/// 40 distinct ages up to 99 and what stands for a missing one; units; ranges.
#[test]
fn ages_over_eighty_nine_are_found_beside_other_numbers() {
    let ages = |strange: &'static str| {
        of(300, move |row, _| if row % 100 == 7 { strange.to_owned() } else { (60 + row % 36).to_string() })
    };
    for strange in ["999", "-1", "-9", "9999", "99999"] {
        is(&one("age", ages(strange)), Class::Conditional, "C.age");
    }
    let text = |write: fn(usize) -> String| one("age", of(300, move |row, _| write(60 + row % 36)));
    is(&text(|age| format!("{age} years")), Class::Conditional, "C.age");
    is(&text(|age| format!("{age:03}Y")), Class::Conditional, "C.age");
    is(&text(|age| if age % 9 == 0 { "90+".to_owned() } else { age.to_string() }), Class::Conditional, "C.age");
    let bands =
        |bands: &'static [&'static str]| one("age_group", of(300, move |row, _| bands[row % bands.len()].to_owned()));
    is(&bands(&["60-88", "89-91", "92-94"]), Class::Conditional, "C.age");
    is(&bands(&["60-88", "89-91"]), Class::Review, "C.age-top");
    is(&bands(&["60-84", "85-89", "90+"]), Class::Clear, "C.age-allowed");
    is(&bands(&["18-59", "60+"]), Class::Clear, "C.age-allowed");
    is(&bands(&["60-89", "95+"]), Class::Review, "C.age-top");
    is(
        &one("age", of(300, |row, _| if row % 50 == 3 { "999".to_owned() } else { (row % 80).to_string() })),
        Class::Clear,
        "C.age-allowed",
    );
    let years = |strange: &'static str| {
        of(300, move |row, _| if row % 100 == 7 { strange.to_owned() } else { (1924 + row % 36).to_string() })
    };
    for strange in ["9999", "0", "-1"] {
        let judgement = one("birth_year", years(strange));
        is(&judgement, Class::Conditional, "C.birth-year");
        assert_eq!(
            judgement.concerned,
            years(strange).iter().filter(|y| ("1924"..="1936").contains(&y.as_str())).count()
        );
    }
    is(
        &one("age_months", of(300, |row, _| ["0-89", "90-179", "180-269"][row % 3].to_owned())),
        Class::Clear,
        "C.age-allowed",
    );
    is(&one("age_days", of(300, |row, _| (30_000 + row * 20).to_string())), Class::Conditional, "C.age");
}

#[test]
fn a_few_cells_among_states_and_three_digits_count() {
    let states = [
        "MA", "NY", "CA", "TX", "FL", "OH", "PA", "IL", "GA", "NC", "MI", "NJ", "VA", "WA", "AZ", "TN", "IN", "MO",
        "MD", "WI",
    ];
    let with = |strange: &'static [&'static str]| {
        of(
            400,
            move |row, _| {
                if row < strange.len() { strange[row].to_owned() } else { states[row % states.len()].to_owned() }
            },
        )
    };
    is(&one("state", with(&[])), Class::Clear, "B.state-allowed");
    is(&one("state", with(&["219-09-8998"])), Class::Review, "G.ssn-dashed");
    is(&one("state", with(&["jane.doe@example.org"])), Class::Review, "F.email");
    is(&one("state", with(&["12 Oak Street, Boston, MA 02139"])), Class::Review, "B.street");
    let zips = |long: usize| {
        let three = [
            "010", "011", "012", "013", "014", "015", "016", "017", "018", "019", "020", "021", "022", "023", "024",
            "025", "026", "027", "028", "029", "030",
        ];
        of(
            1_050 + long,
            move |row, _| if row < long { format!("606{:02}", row + 10) } else { three[row % 21].to_owned() },
        )
    };
    is(&one("zip", zips(0)), Class::Clear, "B.zip3-allowed");
    let two = one("zip", zips(2));
    is(&two, Class::Conditional, "B.zip5");
    assert_eq!(two.concerned, 2, "{}", two.remark);
}

#[test]
fn a_limited_data_set_keeps_dates_and_towns_and_no_text() {
    let rules = Rules { mode: Mode::LimitedDataSet, ..Rules::default() };
    let limited = |name, cells| judged(&[(name, cells)], &rules).remove(0);
    let seen = of(100, |_, d| format!("Patient seen on {} by the team, lives at the old mill", day(d)[0]));
    is(&one("notes", seen.clone()), Class::Conditional, "R.free-text-identifiers");
    is(&limited("notes", seen), Class::Review, "R.free-text-identifiers");
    let places = of(100, |row, d| {
        let number = if row % 3 == 0 {
            format!(" and has SSN 219-09-{}", d.digits(4).replace("0000", "0001"))
        } else {
            String::new()
        };
        format!("Patient lives in Boston, MA 02139 with family{number}")
    });
    is(&limited("notes", places), Class::Prohibited, "R.free-text-identifiers");
    let town = |row: usize| ["Boston, MA 02139", "Quincy, MA 02169", "Salem, MA 01970"][row % 3].to_owned();
    is(&limited("town_state_zip", of(300, |row, _| town(row))), Class::Clear, "B.city-state-zip");
    is(&one("town_state_zip", of(300, |row, _| town(row))), Class::Prohibited, "B.city-state-zip");
    is(
        &limited("place", of(300, |row, _| format!("{} Oak Street, {}", row + 1, town(row)))),
        Class::Prohibited,
        "B.street",
    );
}

#[test]
fn short_notes_are_searched() {
    let note = |row: usize, d: &mut Draw| match row % 3 {
        0 => format!("SSN 219-09-1{}", d.digits(3)),
        1 => format!("MRN {}", d.digits(7)),
        _ => format!("call 617-555-0{}", d.digits(3)),
    };
    for name in ["notes", "misc"] {
        assert_eq!(one(name, of(300, note)).class, Class::Prohibited, "{name}");
        let rare = one(name, of(300, |row, d| if row < 30 { note(row, d) } else { "ok".to_owned() }));
        assert_eq!(rare.class, Class::Prohibited, "{name}");
    }
    let one_of_many = of(300, |row, d| if row == 9 { note(0, d) } else { ["ok", "none today"][row % 2].to_owned() });
    is(&one("misc", one_of_many), Class::Review, "R.free-text-identifiers");
    is(
        &one("reach", of(300, |_, d| format!("Home: 617-555-{}", d.digits(4)))),
        Class::Prohibited,
        "R.free-text-identifiers",
    );
    clear(
        "regimen",
        of(300, |row, d| format!("{} mg x{} {}", 5 * (1 + d.below(90)), d.below(4), ["po", "iv"][row % 2])),
    );
    clear("finding", of(300, |row, d| format!("T{}N{} stage {}", d.below(4), d.below(3), row % 4)));
    clear("kit", of(300, |_, d| format!("lot {}", d.digits(5))));
}

#[test]
fn record_numbers_under_names_of_kinds_are_record_numbers() {
    let number = |row: usize, _: &mut Draw| (1_000_000 + row / 3 * 7_919 % 9_000_000).to_string();
    for name in ["source_mrn", "mrn_status", "person_source_value"] {
        is(&one(name, of(900, number)), Class::Prohibited, "H.named");
    }
    is(&one("person_source_value", of(900, |row, d| format!("EPI{}", number(row, d)))), Class::Prohibited, "H.named");
    clear("mrn_status", of(900, |row, _| ["valid", "void", "merged"][row % 3].to_owned()));
    clear("encounter_type", of(900, |row, _| (row % 40).to_string()));
    clear("account_total", of(900, |_, d| (10_000 + 7 * d.below(400)).to_string()));
    clear("visit_number_count", of(900, |_, d| d.below(40).to_string()));
}

#[test]
fn more_ways_to_write_what_identifies() {
    let last = [
        "Nguyen",
        "Okonkwo",
        "Kowalczyk",
        "Papadopoulos",
        "Subramanian",
        "Yamamoto",
        "Oduya",
        "Haddad",
        "Iyer",
        "Mbeki",
    ];
    for name in ["LAST_NM", "NAME_LAST", "PAT_LAST_NM"] {
        is(
            &one(name, of(300, |row, d| last[row % 10].to_owned() + ["", "a", "o"][d.below(3) as usize])),
            Class::Prohibited,
            "A.names",
        );
    }
    let ip = |_: usize, d: &mut Draw| format!("8.{}.{}.{}", d.below(256), d.below(256), d.below(256));
    is(&one("src", of(300, ip)), Class::Prohibited, "O.ipv4");
    let phones: [fn(&str) -> String; 3] =
        [|four| format!("(617)555.{four}"), |four| format!("1 (617) 555-{four}"), |four| format!("(617)-555-{four}")];
    for phone in phones {
        is(&one("home", of(300, |_, d| phone(&d.digits(4)))), Class::Prohibited, "D.telephone");
    }
    for write in ["a# at home <a#@example.org>", "a#@example.org, b#@example.org", "a#@example.org; b#@example.org"] {
        is(&one("reach", of(300, |row, _| write.replace('#', &row.to_string()))), Class::Prohibited, "F.email");
    }
    is(
        &one("ssn_txt", of(300, |_, d| format!("'2{}1{}1{}", d.digits(2), d.below(10), d.digits(3)))),
        Class::Prohibited,
        "G.ssn-digits",
    );
}

/// Texts of pieces that the forms look for, with letters of one to four bytes between, through the whole detector: no panic, and
/// nothing of a text comes out.
#[test]
fn any_text_is_judged() {
    const PIECES: [&str; 44] = [
        "é",
        "ß",
        "漢",
        "😀",
        "\u{301}",
        "\u{feff}",
        "\u{a0}",
        "İ",
        "٣",
        "½",
        "'",
        "\"",
        " ",
        ",",
        ".",
        "-",
        "/",
        ":",
        "(",
        ")",
        "[",
        "]",
        "+",
        "@",
        "#",
        "=",
        "*",
        "T",
        "Z",
        "x",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "219-09-8999",
        "617-555-0123",
        "1950-02-28",
        "28FEB1950",
        "12:30",
        "90+",
        "Dr. ",
        "MA 02139",
        "/home/",
        "http://",
        "DIDM",
        "1E5",
        "99999999999999999999",
    ];
    let mut draw = Draw(11);
    let mut text = |most: u64| {
        let pieces = draw.below(most) + 1;
        (0..pieces).map(|_| PIECES[draw.below(PIECES.len() as u64) as usize]).collect::<String>()
    };
    let names = ["age", "dob", "zip", "state", "ssn", "notes", "age_group", "url", "face image", "x"];
    for round in 0..24 {
        let most = [2, 5, 12, 90][round % 4];
        let cells: Vec<String> = (0..40).map(|_| text(most)).collect();
        for cell in &cells {
            kinds(cell);
            value_form(cell);
            for kind in [Demographic::Birth, Demographic::BirthYear, Demographic::Age, Demographic::Postcode] {
                kind.coarsened(cell, 12.0, &Rules::default());
            }
        }
        let table = [
            (names[round % names.len()], cells.clone()),
            ("other", cells.clone()),
            ("third", [&cells[20..], &cells[20..]].concat()),
        ];
        for mode in [Mode::SafeHarbor, Mode::LimitedDataSet] {
            let said = format!("{:?}", judged(&table, &Rules { mode, hash_search: 100, ..Rules::default() }));
            assert!(!said.contains("219-09") && !said.contains('😀'), "{said}");
        }
    }
    // A letter of two bytes across the 24th byte of a long cell.
    clear("v", vec![format!("{}é{}", "q".repeat(23), "q".repeat(200))]);
}
