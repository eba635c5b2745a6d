//! Files that are too large, damaged, or lie about their size: refused, not swallowed.

use std::fs;

use crate::bad_input::{assess, cancer, plan, write_parquet};
use crate::support::{Desk, npy, npz, quoted, records_plan, repo, shape_model};

#[test]
fn files_over_the_limit_are_refused_before_they_are_read() {
    let desk = Desk::new();
    assess(&desk, "big.csv", cancer().csv(), "max_bytes = 10000").refuses(&["big.csv", "10000", "data.max_bytes"]);
    // 268 kB on disk, 15 columns of 32,561 cells unpacked.
    let adult = repo("datasets/adult/adult.parquet");
    let plan = records_plan(&shape_model("columns_zipmap_string"), "", &adult, "income", "max_bytes = 500000");
    desk.assess(&plan, &[]).refuses(&["adult.parquet", "once unpacked", "data.max_bytes"]);
}

/// A plan for tensors.
fn tensors(desk: &Desk, name: &str, rest: &str) -> String {
    let (a, b) = (desk.path(name), desk.path(&format!("other-{name}")));
    let model = shape_model("image_logits");
    format!(
        "[model]\npath = {}\n[data]\nmembers = {}\nnonmembers = {}\n{rest}\n",
        quoted(&model),
        quoted(&a),
        quoted(&b)
    )
}

#[test]
fn a_zip_bomb_is_not_unpacked() {
    let desk = Desk::new();
    let zeros = npy("|u1", &[1_000_000, 8, 8], &vec![0; 64_000_000]);
    let bomb = npz(&[("images", zeros)]);
    assert!(bomb.len() < 200_000, "64 MB in {} bytes", bomb.len());
    desk.write("bomb.npz", &bomb);
    desk.write("other-bomb.npz", &bomb[..bomb.len() - 1]);
    desk.assess(&tensors(&desk, "bomb.npz", "max_bytes = 1000000"), &[]).refuses(&[
        "bomb.npz",
        "once unpacked",
        "data.max_bytes",
    ]);
}

#[test]
fn headers_that_lie_about_the_size_are_refused() {
    let desk = Desk::new();
    desk.write("other-lie.npy", npy("<f8", &[1, 8, 8], &[1; 512]));
    for rows in [1 << 40, 1 << 25, 1000, 2] {
        desk.write("lie.npy", npy("<f8", &[rows, 8, 8], &[0; 512]));
        desk.assess(&tensors(&desk, "lie.npy", ""), &[]).refuses(&["lie.npy"]);
    }
}

/// More cells than a machine word counts.
#[test]
fn a_header_whose_size_overflows_is_refused() {
    let desk = Desk::new();
    desk.write("lie.npy", npy("<f8", &[usize::MAX, 8, 8], &[0; 512]));
    desk.write("other-lie.npy", npy("<f8", &[1, 8, 8], &[1; 512]));
    desk.assess(&tensors(&desk, "lie.npy", ""), &[]).refuses(&["lie.npy"]);
}

#[test]
fn damaged_arrays_are_refused() {
    let desk = Desk::new();
    let good = npz(&[("images", npy("|u1", &[4, 8, 8], &[1; 256])), ("labels", npy("<i8", &[4], &[0; 32]))]);
    let few = npz(&[("images", npy("|u1", &[4, 8, 8], &[1; 256])), ("labels", npy("<i8", &[3], &[0; 24]))]);
    let wide = npz(&[("images", npy("|u1", &[4, 9, 9], &[1; 324])), ("labels", npy("<i8", &[4], &[0; 32]))]);
    let complex = npz(&[("images", npy("<c16", &[4, 8, 8], &[1; 4096]))]);
    for (content, part) in [
        (&good[..good.len() / 2], "bad.npz"),
        (b"text", "bad.npz"),
        (&few, "labels"),
        (&wide, "shape"),
        (&complex, "bad.npz"),
    ] {
        desk.write("bad.npz", content);
        desk.write("other-bad.npz", &good);
        desk.assess(&tensors(&desk, "bad.npz", ""), &[]).refuses(&[part]);
    }
}

#[test]
fn a_damaged_parquet_file_is_refused_wherever_it_is_cut() {
    let desk = Desk::new();
    let whole = fs::read(write_parquet(&desk, "whole.parquet", &cancer())).unwrap();
    for cut in [3, whole.len() / 2, whole.len() - 1] {
        assess(&desk, "cut.parquet", &whole[..cut], "").refuses(&["cut.parquet"]);
    }
    for at in (4..whole.len()).step_by(whole.len() / 60) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xFF;
        let file = desk.write("damaged.parquet", bytes);
        let ran = desk.assess(&plan(&file, ""), &["-q"]);
        assert!([0, 1, 2, 3].contains(&ran.code), "byte {at}: {} {}", ran.code, ran.stderr);
    }
}
