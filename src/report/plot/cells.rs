//! Four cells: with and without the model, on members and on others. Layer row 6.

use super::WIDTH;
use super::frame::{Frame, Scale, cut, percent};
use crate::finding::CellPair;
use crate::report::ReportError;
use crate::report::chart::{self, Anchor, Canvas, Ink, Lettering, Sheet};
use crate::report::rich::Svg;
use crate::stats::Estimate;

/// Height of one set of records: its name and two lines.
const BLOCK: f64 = 74.0;

/// Draws one line with and one without the model for each set of records.
pub(super) fn draw(title: &str, pairs: &[CellPair]) -> Result<Option<Svg>, ReportError> {
    let all = || pairs.iter().flat_map(|p| [p.attack, p.baseline]);
    let low = all().map(|e| e.low.min(e.value)).fold(f64::INFINITY, f64::min);
    let high = all().map(|e| e.high.max(e.value)).fold(f64::NEG_INFINITY, f64::max);
    if pairs.is_empty() || !low.is_finite() || !high.is_finite() {
        return Ok(None);
    }
    let bottom = 14.0 + BLOCK * pairs.len() as f64;
    let frame = Frame { left: 120.0, top: 14.0, right: 370.0, bottom, x: range(low, high), y: Scale::Linear(0.0, 1.0) };
    let description = describe(pairs);
    let sheet = Sheet { width: WIDTH, height: bottom + 42.0, class: "chart", title, description: &description };
    chart::draw(&sheet, |canvas| {
        let ticks: Vec<_> = frame.x.ticks().into_iter().map(|t| (t, percent(t))).collect();
        frame.x_axis(canvas, &ticks, "guesses that are right, with interval")?;
        for (index, pair) in pairs.iter().enumerate() {
            let top = frame.top + BLOCK * index as f64;
            canvas.text(&cut(&pair.name, 40), (4.0, top + 12.0), Lettering::new(Anchor::Start, Ink::Text).bold())?;
            row(canvas, &frame, top + 34.0, "with the model", &pair.attack, Ink::Attack)?;
            row(canvas, &frame, top + 56.0, "without it", &pair.baseline, Ink::Baseline)?;
        }
        Ok(())
    })
    .map(Some)
}

/// A range with room for labels; it begins at zero where zero is near.
fn range(low: f64, high: f64) -> Scale {
    let span = (high - low).max(0.02);
    let start = if low >= 0.0 && low < 1.5 * span { 0.0 } else { low - 0.15 * span };
    Scale::Linear(start, high + 0.35 * (high - start).max(span))
}

fn describe(pairs: &[CellPair]) -> String {
    let say = |e: &Estimate| format!("{} ({} to {})", percent(e.value), percent(e.low), percent(e.high));
    let lines = pairs
        .iter()
        .map(|p| format!("{}: with the model {}, without it {}.", p.name, say(&p.attack), say(&p.baseline)));
    lines.collect::<Vec<_>>().join(" ")
}

fn row(
    canvas: &Canvas<'_>,
    frame: &Frame,
    y: f64,
    name: &str,
    estimate: &Estimate,
    ink: Ink,
) -> Result<(), ReportError> {
    canvas.text(name, (18.0, y), Lettering::new(Anchor::Start, Ink::Muted))?;
    let x = |value: f64| frame.at(value, 0.0).0;
    let (low, high) = (x(estimate.low), x(estimate.high));
    canvas.path(&[(low, y), (high, y)], 2.0, ink)?;
    for end in [low, high] {
        canvas.path(&[(end, y - 5.0), (end, y + 5.0)], 2.0, ink)?;
    }
    let at = (x(estimate.value), y);
    if ink == Ink::Attack {
        canvas.dot(at, 5.0, ink)?;
    } else {
        canvas.rectangle((at.0 - 4.5, y - 4.5), (at.0 + 4.5, y + 4.5), ink, 1.0)?;
    }
    canvas.text(&percent(estimate.value), (high.max(at.0 + 5.0) + 8.0, y), Lettering::new(Anchor::Start, Ink::Text))
}
