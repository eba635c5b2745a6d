//! Progress bars, on a terminal only.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::watch::{Event, Unwatched, Watch};

/// One bar per step, with the time it will still take.
struct Bars {
    all: MultiProgress,
    open: Mutex<BTreeMap<String, ProgressBar>>,
}

/// Bars where standard error is a terminal and the user wants them.
pub(super) fn watch(wanted: bool) -> Box<dyn Watch> {
    if wanted && std::io::stderr().is_terminal() {
        Box::new(Bars { all: MultiProgress::new(), open: Mutex::default() })
    } else {
        Box::new(Unwatched)
    }
}

impl Watch for Bars {
    fn on(&self, event: &Event<'_>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { step } => {
                let bar = self.all.add(ProgressBar::new_spinner());
                bar.set_style(style("{spinner} {msg:<32} {elapsed}"));
                bar.set_message((*step).to_owned());
                bar.enable_steady_tick(std::time::Duration::from_millis(120));
                open.insert((*step).to_owned(), bar);
            }
            Event::Progress { step, done, total } => {
                if let Some(bar) = open.get(*step) {
                    if bar.length() != Some(*total) {
                        bar.set_length(*total);
                        // Nothing done, nothing to tell the time from.
                        bar.set_style(style("{spinner} {msg:<32} {bar:24} {pos}/{len}  {elapsed}"));
                    }
                    if *done > 0 && bar.position() == 0 {
                        bar.set_style(style("{spinner} {msg:<32} {bar:24} {pos}/{len}  {eta} left"));
                    }
                    bar.set_position(*done);
                }
            }
            Event::Finished { step } => {
                if let Some(bar) = open.remove(*step) {
                    bar.finish_and_clear();
                }
            }
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
