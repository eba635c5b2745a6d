//! What must change no finding: names inside a file, the size of batches, the order of records. And what must turn round:
//! members exchanged with people the model never saw.

use std::cell::Cell;
use std::fs;

use serde_json::Value;

use crate::support::{Desk, Sheet, proto, proto_number, records_plan, repo};

/// A model with its table, its outcome and a column to attack.
struct Subject {
    model: &'static str,
    table: &'static str,
    target: &'static str,
    sensitive: &'static str,
}

const SUPPORT_VECTORS: Subject =
    Subject { model: "datasets/stored/svc.onnx", table: "cancer", target: "target", sensitive: "mean_texture" };
const BOOSTED: Subject =
    Subject { model: "datasets/shapes/nan_xgboost.onnx", table: "heart", target: "disease", sensitive: "sex" };
const LINEAR: Subject =
    Subject { model: "datasets/shapes/columns_zipmap_string.onnx", table: "adult", target: "income", sensitive: "sex" };

impl Subject {
    fn bytes(&self) -> Vec<u8> {
        fs::read(repo(self.model)).unwrap()
    }

    /// All findings with these bytes as the model and these rows as the data.
    fn findings(&self, model: &[u8], sheet: &Sheet) -> Vec<Value> {
        let desk = Desk::new();
        let (model, records) = (desk.write("model.onnx", model), desk.write("records.csv", sheet.csv()));
        let rest = format!("[columns]\nsensitive = [\"{}\"]\n", self.sensitive);
        desk.assess(&records_plan(&model, "", &records, self.target, &rest), &["--exit-zero"]).exits(0);
        desk.report()["findings"].as_array().unwrap().clone()
    }
}

// ------------------------------------------------------------------ other files

/// What becomes of a field by its number and bytes; nothing where it stays.
type Change<'c> = &'c dyn Fn(u64, &[u8]) -> Option<Vec<u8>>;

/// A protobuf message in which fields that hold bytes are replaced by what `change` makes of their number and bytes; those of
/// which it makes nothing stay.
fn edited(message: &[u8], change: Change<'_>) -> Vec<u8> {
    let (mut rest, mut made) = (message, Vec::new());
    while !rest.is_empty() {
        let field = rest;
        let key = number(&mut rest);
        let size = match key & 7 {
            0 => {
                number(&mut rest);
                0
            }
            1 => 8,
            5 => 4,
            _ => number(&mut rest) as usize,
        };
        let (bytes, after) = rest.split_at(size);
        rest = after;
        match change(key >> 3, bytes).filter(|_| key & 7 == 2) {
            Some(changed) => made.extend(proto(key >> 3, changed)),
            None => made.extend(&field[..field.len() - after.len()]),
        }
    }
    made
}

fn number(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for place in 0.. {
        let (first, after) = rest.split_first().unwrap();
        *rest = after;
        value |= u64::from(first & 127) << (7 * place);
        if first & 128 == 0 {
            break;
        }
    }
    value
}

/// The names of a graph's inputs and outputs.
fn ports(graph: &[u8]) -> Vec<Vec<u8>> {
    let found = std::cell::RefCell::new(Vec::new());
    edited(graph, &|field, port| {
        if field == 11 || field == 12 {
            edited(port, &|field, name| {
                found.borrow_mut().extend((field == 1).then(|| name.to_vec()));
                None
            });
        }
        None
    });
    found.into_inner()
}

/// A graph, and the graphs inside it, with every node and tensor under another name but for those in `kept`. Reversed, so that
/// the order of names is another one too.
fn renamed(graph: &[u8], kept: &[Vec<u8>]) -> Vec<u8> {
    let other = |name: &[u8]| {
        let changes = !name.is_empty() && !kept.iter().any(|known| known == name);
        changes.then(|| name.iter().rev().chain(b" of another name").copied().collect())
    };
    let of_node = |field: u64, bytes: &[u8]| match field {
        1..=3 => other(bytes),
        5 => Some(edited(bytes, &|field, inner| (field == 6).then(|| renamed(inner, kept)))),
        _ => None,
    };
    edited(graph, &|field, bytes| match field {
        1 => Some(edited(bytes, &of_node)),
        5 => Some(edited(bytes, &|field, name| if field == 8 { other(name) } else { None })),
        11..=13 => Some(edited(bytes, &|field, name| if field == 1 { other(name) } else { None })),
        _ => None,
    })
}

/// A message with the messages at the end of a path of fields replaced.
fn along(bytes: &[u8], path: &[u64], end: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let Some((step, rest)) = path.split_first() else { return end(bytes) };
    edited(bytes, &|field, inner| (field == *step).then(|| along(inner, rest, end)))
}

/// A model whose inputs take so many rows and no other number.
fn in_batches(model: &[u8], rows: u64) -> Vec<u8> {
    let shape = |bytes: &[u8]| {
        let first = Cell::new(true);
        edited(bytes, &|field, _| (field == 1 && first.replace(false)).then(|| proto_number(1, rows)))
    };
    // Graph, input, type, tensor, shape.
    along(model, &[7, 11, 2, 1, 2], &shape)
}

#[test]
fn names_inside_the_file_change_no_finding() {
    for subject in [SUPPORT_VECTORS, BOOSTED, LINEAR] {
        let (bytes, sheet) = (subject.bytes(), Sheet::shape(subject.table));
        let other = edited(&bytes, &|field, graph| (field == 7).then(|| renamed(graph, &ports(graph))));
        assert!(other.len() > bytes.len(), "{}: names were changed", subject.model);
        assert_eq!(subject.findings(&bytes, &sheet), subject.findings(&other, &sheet), "{}", subject.model);
    }
}

/// Every check at once: no score depends on who else is in the batch.
#[test]
fn the_size_of_a_batch_changes_no_finding() {
    for subject in [SUPPORT_VECTORS, BOOSTED, LINEAR] {
        let (bytes, sheet) = (subject.bytes(), Sheet::shape(subject.table));
        let sevens = in_batches(&bytes, 7);
        assert_ne!(sevens, bytes, "{}", subject.model);
        assert_eq!(subject.findings(&bytes, &sheet), subject.findings(&sevens, &sheet), "{}", subject.model);
    }
}

// ------------------------------------------------------------------ other rows

/// What the file gives away, in any order of the records. Checks that draw people at random draw others; what they say is
/// tested beside them.
#[test]
fn the_order_of_records_changes_no_finding_about_the_file() {
    for subject in [SUPPORT_VECTORS, BOOSTED] {
        let (bytes, sheet) = (subject.bytes(), Sheet::shape(subject.table));
        let mut turned = sheet.clone();
        turned.rows.reverse();
        turned.rows.rotate_left(17);
        let of_file = |sheet: &Sheet| -> Vec<Value> {
            let all = subject.findings(&bytes, sheet).into_iter();
            all.filter(|finding| finding["measure"].as_str().unwrap().starts_with("disclosure/")).collect()
        };
        let plain = of_file(&sheet);
        assert!(plain.len() >= 5, "{}", plain.len());
        assert_eq!(plain, of_file(&turned), "{}", subject.model);
    }
}

/// What speaks of members turns round when they are exchanged with people the model never saw.
#[test]
fn exchanged_sets_turn_what_speaks_of_members_round() {
    let swapped = |sheet: &Sheet| {
        let split = sheet.column("split");
        let other = |cell: &str| if cell == "train" { "test" } else { "train" }.to_owned();
        let cells: Vec<String> = sheet.rows.iter().map(|row| other(&row[split])).collect();
        sheet.clone().fill("split", |row| cells[row].clone())
    };
    let value = |findings: &[Value], measure: &str| {
        let found = findings.iter().find(|finding| finding["measure"] == *measure);
        found.map(|found| (found["estimate"]["value"].as_f64(), found["severity"].as_str().unwrap().to_owned()))
    };
    let both = |subject: &Subject| {
        let (bytes, sheet) = (subject.bytes(), Sheet::shape(subject.table));
        (subject.findings(&bytes, &sheet), subject.findings(&bytes, &swapped(&sheet)))
    };
    let (forward, backward) = both(&BOOSTED);
    for measure in ["disclosure/threshold-cells-excess", "disclosure/pinned-people-excess"] {
        let (Some((Some(a), _)), Some((Some(b), severity))) = (value(&forward, measure), value(&backward, measure))
        else {
            panic!("{measure} is measured")
        };
        assert!(a > 0.04 && b < -0.04, "{measure}: {a} and {b}");
        assert_eq!(severity, "very-low", "{measure}");
    }
    let (forward, backward) = both(&SUPPORT_VECTORS);
    let measure = "inversion/informed-reconstruction";
    assert_eq!(value(&forward, measure), Some((Some(1.0), "moderate".to_owned())), "the means of a scaler");
    assert_eq!(value(&backward, measure), None, "no mean of these people is in the file");
}
