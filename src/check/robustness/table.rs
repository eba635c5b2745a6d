//! Tables of the family: shares of records, with small counts withheld, and recall by class.

use super::scene::{Sample, Scene};
use super::space::Space;
use crate::finding::{Count, Evidence, SMALLEST_SHOWN, Table, Unit, part_of, share_of};
use crate::stats::Level;
use crate::stats::interval::wilson_of_units;

/// A share of records as text; where 1 to 10 stand on either side, the range that any such count would give.
pub(super) fn share(count: usize, total: usize) -> String {
    Unit::Share.show_interval(&share_of(count, total))
}

/// Recall of every class on non-members, before and after a change: `after` says how often each of them is still answered
/// right, of so many `copies`. Classes are numbered in the order of the model, and shown where enough records have them.
pub(super) fn recall(scene: &Scene<'_>, rows: &[usize], after: &[f64], copies: usize, changed: &str) -> Evidence {
    let mut classes: Vec<u32> = rows.iter().map(|&row| scene.truth[row]).collect();
    classes.sort_unstable();
    classes.dedup();
    let line = |class: u32| {
        let own: Vec<usize> = (0..rows.len()).filter(|&at| scene.truth[rows[at]] == class).collect();
        let name = format!("class {}", class + 1);
        if own.len() < SMALLEST_SHOWN {
            return vec![name, "too few records".to_owned(), "too few records".to_owned()];
        }
        let right = own.iter().filter(|&&at| scene.answered[rows[at]] == class).count();
        // A mean of shares over several copies is no count of people; of one copy it is.
        let counted = own.iter().all(|&at| after[at] == 0.0 || after[at] == 1.0);
        let still = if counted {
            share(own.iter().filter(|&&at| after[at] > 0.5).count(), own.len())
        } else {
            let shares: Vec<f64> = own.iter().map(|&at| after[at]).collect();
            Unit::Share.show_estimate(&wilson_of_units(&shares, copies, Level::P95))
        };
        vec![name, share(right, own.len()), still]
    };
    Evidence::Table(Table {
        caption: "Recall of each class on non-members: a model that always gives one answer is steady and useless"
            .to_owned(),
        columns: ["class", "as recorded", changed].map(str::to_owned).to_vec(),
        rows: classes.into_iter().map(line).collect(),
    })
}

/// What was taken for granted about the columns.
pub(super) fn assumptions(space: &Space, default_error: f64, sample: &Sample) -> Vec<String> {
    let assumed = space.axes.iter().filter(|axis| (axis.noisy || axis.free) && !axis.declared).count();
    let mut limits = Vec::new();
    if assumed > 0 {
        let columns = if assumed == 1 { "1 column".to_owned() } else { format!("{assumed} columns") };
        limits.push(format!(
            "The measurement error of {columns} is assumed, not known: {} of the standard deviation among non-members. Declare it \
             under `[robustness] measurement_error`.",
            Unit::Share.show(default_error)
        ));
    }
    let (unruly, all) = sample.unruly;
    if unruly > 0 {
        limits.push(format!(
            "Records that break the declared bounds, groups or relations as they are were left out: {}.",
            part_of(unruly, all)
        ));
    }
    limits.push("Text columns are left as they are.".to_owned());
    limits
}

/// How many records were looked at.
pub(super) fn looked_at(sample: &Sample) -> [(String, String); 2] {
    [
        ("members, one record of each patient".to_owned(), Count::of(sample.members.len()).to_string()),
        ("non-members, one record of each patient".to_owned(), Count::of(sample.nonmembers.len()).to_string()),
    ]
}
