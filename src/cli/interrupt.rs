//! Ctrl-C: long work stops, cleans up behind itself, and what was measured until then is reported. The second time the signal
//! ends privet as it always did.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::watch::{Event, Watch};

/// What a shell reports of a program that was ended by Ctrl-C.
const ENDED: i32 = 130;

/// A watch that knows whether the user pressed Ctrl-C.
pub(super) struct Interruptible {
    inner: Box<dyn Watch>,
    stops: Arc<AtomicBool>,
}

/// Watches for Ctrl-C (and for a cluster that ends its jobs) from now on.
pub(super) fn watch(inner: Box<dyn Watch>) -> Interruptible {
    let stops = Arc::new(AtomicBool::new(false));
    let pressed = Arc::clone(&stops);
    // A second handler is refused, and then the first one is still there.
    let _ = ctrlc::set_handler(move || handle(&pressed));
    Interruptible { inner, stops }
}

impl Watch for Interruptible {
    fn on(&self, event: &Event<'_>) {
        self.inner.on(event);
    }

    fn stops(&self) -> bool {
        self.stops.load(Ordering::SeqCst)
    }
}

#[expect(clippy::exit, reason = "what the signal does where nobody handles it")]
fn handle(stops: &AtomicBool) {
    if stops.swap(true, Ordering::SeqCst) {
        std::process::exit(ENDED);
    }
    let _ = writeln!(std::io::stderr(), "\nstopping after the step that runs; press Ctrl-C again to end at once");
}
