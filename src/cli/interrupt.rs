//! Ctrl-C while the user's own program runs: stops it and cleans up, instead of leaving training files behind.
//!
//! Any other time, and the second time, the signal ends privet as it always did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::assess::training::STEP;
use crate::watch::{Event, Watch};

/// What a shell reports of a program that was ended by Ctrl-C.
const ENDED: i32 = 130;

#[derive(Default)]
struct Flags {
    training: AtomicBool,
    stops: AtomicBool,
}

/// A watch that knows whether the user pressed Ctrl-C.
pub(super) struct Interruptible {
    inner: Box<dyn Watch>,
    flags: Arc<Flags>,
}

/// Watches for Ctrl-C (and for a cluster that ends its jobs) from the first training on.
pub(super) fn watch(inner: Box<dyn Watch>) -> Interruptible {
    Interruptible { inner, flags: Arc::default() }
}

impl Watch for Interruptible {
    fn on(&self, event: &Event<'_>) {
        match event {
            Event::Started { step } if *step == STEP => {
                self.flags.training.store(true, Ordering::SeqCst);
                let flags = Arc::clone(&self.flags);
                // A second handler is refused, and then the first one is still there.
                let _ = ctrlc::set_handler(move || handle(&flags));
            }
            Event::Finished { step } if *step == STEP => self.flags.training.store(false, Ordering::SeqCst),
            _ => {}
        }
        self.inner.on(event);
    }

    fn stops(&self) -> bool {
        self.flags.stops.load(Ordering::SeqCst)
    }
}

#[expect(clippy::exit, reason = "what the signal does where nobody handles it")]
fn handle(flags: &Flags) {
    let again = flags.stops.swap(true, Ordering::SeqCst);
    if again || !flags.training.load(Ordering::SeqCst) {
        std::process::exit(ENDED);
    }
}
