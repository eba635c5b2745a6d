//! The bullet bar of a tile: one number with its interval against its limit and its null value. Layer row 6.

use super::frame::Scale;
use crate::finding::{Unit, Worse};
use crate::report::ReportError;
use crate::report::chart::{self, Anchor, Canvas, Ink, Lettering, Sheet};
use crate::report::rich::Svg;
use crate::report::words;
use crate::stats::Estimate;

const LEFT: f64 = 6.0;
const RIGHT: f64 = 294.0;
/// Upper and lower edge of the track.
const TRACK: (f64, f64) = (26.0, 46.0);

/// What a bullet bar shows.
pub(in crate::report) struct Bullet {
    /// The number.
    pub(in crate::report) estimate: Estimate,
    /// Its unit.
    pub(in crate::report) unit: Unit,
    /// Which direction is bad.
    pub(in crate::report) worse: Worse,
    /// The limit.
    pub(in crate::report) limit: f64,
    /// What a model that leaks nothing would score.
    pub(in crate::report) null_value: Option<f64>,
}

/// Draws the bar; the side beyond the limit is tinted.
pub(in crate::report) fn bullet(bullet: &Bullet) -> Result<Option<Svg>, ReportError> {
    let estimate = &bullet.estimate;
    let values = [estimate.low, estimate.value, estimate.high, bullet.limit, bullet.null_value.unwrap_or(0.0), 0.0];
    if values.iter().any(|value| !value.is_finite()) {
        return Ok(None);
    }
    let (low, high) = (values.into_iter().fold(0.0, f64::min), values.into_iter().fold(0.0, f64::max));
    let top = if bullet.unit == Unit::Area { 1.0 } else { low + (high - low).max(1e-3) * 1.12 };
    let scale = Scale::Linear(if low < 0.0 { low * 1.1 } else { 0.0 }, top);
    let x = |value: f64| LEFT + (RIGHT - LEFT) * scale.share(value);
    let description = describe(bullet);
    let sheet = Sheet {
        width: 300.0,
        height: 68.0,
        class: "bullet",
        title: "Measured against the limit",
        description: &description,
    };
    chart::draw(&sheet, |canvas| {
        let at = x(bullet.limit);
        let (within, beyond) =
            if bullet.worse == Worse::Higher { ((LEFT, at), (at, RIGHT)) } else { ((at, RIGHT), (LEFT, at)) };
        canvas.rectangle((within.0, TRACK.0), (within.1, TRACK.1), Ink::Grid, 1.0)?;
        canvas.rectangle((beyond.0, TRACK.0), (beyond.1, TRACK.1), Ink::Limit, 0.16)?;
        number(canvas, estimate, &x)?;
        if let Some(null) = bullet.null_value {
            let at = x(null);
            canvas.path(&[(at, TRACK.0), (at, TRACK.1 + 4.0)], 1.5, Ink::Text)?;
            label(canvas, &format!("no leak: {}", bullet.unit.show(null)), at, TRACK.1 + 14.0, Ink::Muted)?;
        }
        canvas.path(&[(at, TRACK.0 - 6.0), (at, TRACK.1 + 3.0)], 3.0, Ink::Limit)?;
        label(canvas, &format!("limit {}", bullet.unit.show(bullet.limit)), at, TRACK.0 - 14.0, Ink::Limit)
    })
    .map(Some)
}

fn describe(bullet: &Bullet) -> String {
    let null = bullet
        .null_value
        .map_or(String::new(), |null| format!(" Without a leak it would be {}.", bullet.unit.show(null)));
    format!(
        "Measured {}, interval {}, limit {}.{null} The tinted side is beyond the limit.",
        bullet.unit.show(bullet.estimate.value),
        words::interval(bullet.unit, &bullet.estimate),
        bullet.unit.show(bullet.limit)
    )
}

fn number(canvas: &Canvas<'_>, estimate: &Estimate, x: &impl Fn(f64) -> f64) -> Result<(), ReportError> {
    let middle = f64::midpoint(TRACK.0, TRACK.1);
    canvas.rectangle((x(estimate.low), middle - 5.0), (x(estimate.high), middle + 5.0), Ink::Attack, 0.45)?;
    canvas.dot((x(estimate.value), middle), 5.5, Ink::Attack)
}

/// A label near `at`, kept inside the drawing.
fn label(canvas: &Canvas<'_>, text: &str, at: f64, y: f64, ink: Ink) -> Result<(), ReportError> {
    let half = text.chars().count() as f64 * 3.6;
    let (x, anchor) = if at - half < LEFT {
        (LEFT - 4.0, Anchor::Start)
    } else if at + half > RIGHT {
        (RIGHT + 4.0, Anchor::End)
    } else {
        (at, Anchor::Middle)
    };
    canvas.text(text, (x, y), Lettering::new(anchor, ink))
}
