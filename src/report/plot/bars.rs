//! Named quantities as horizontal bars, each with its name above it and its value behind it. Layer row 6.

use super::WIDTH;
use super::frame::{Frame, Scale, cut, lines, percent, short};
use crate::finding::Bar;
use crate::report::ReportError;
use crate::report::chart::{self, Anchor, Ink, Lettering, Sheet};
use crate::report::rich::Svg;

/// Height of one bar with its name.
const BLOCK: f64 = 38.0;
/// More bars than this stand in the table only.
const MOST: usize = 20;

/// Draws the bars in the order given, from zero.
pub(super) fn draw(title: &str, axis: &str, bars: &[Bar]) -> Result<Option<Svg>, ReportError> {
    let bars = &bars[..bars.len().min(MOST)];
    if bars.is_empty() || bars.iter().any(|bar| !bar.value.is_finite()) {
        return Ok(None);
    }
    let show = label(axis, bars);
    let (low, high) =
        bars.iter().fold((0.0_f64, 1e-9_f64), |(low, high), bar| (low.min(bar.value), high.max(bar.value)));
    let bottom = 8.0 + BLOCK * bars.len() as f64;
    let (x, y) = (Scale::Linear(low, high), Scale::Linear(0.0, 1.0));
    let frame = Frame { left: 6.0, top: 8.0, right: 316.0, bottom, x, y };
    let description =
        bars.iter().map(|bar| format!("{}: {}.", bar.label, show(bar.value))).collect::<Vec<_>>().join(" ");
    let axis = lines(axis, 52);
    let sheet = Sheet {
        width: WIDTH,
        height: bottom + 6.0 + 18.0 * axis.len() as f64,
        class: "chart",
        title,
        description: &description,
    };
    chart::draw(&sheet, |canvas| {
        let zero = frame.at(0.0, 0.0).0;
        for (index, bar) in bars.iter().enumerate() {
            let y = frame.top + BLOCK * index as f64;
            canvas.text(&cut(&bar.label, 46), (frame.left, y + 9.0), Lettering::new(Anchor::Start, Ink::Text))?;
            let end = frame.at(bar.value, 0.0).0;
            canvas.path(&[(zero, y + 18.0), (zero, y + 32.0)], 1.0, Ink::Text)?;
            canvas.rectangle((zero, y + 19.0), (end, y + 31.0), Ink::Attack, 1.0)?;
            canvas.text(
                &show(bar.value),
                (end.max(zero) + 7.0, y + 25.0),
                Lettering::new(Anchor::Start, Ink::Text).bold(),
            )?;
        }
        for (index, line) in axis.iter().enumerate() {
            let y = bottom + 14.0 + 18.0 * index as f64;
            canvas.text(line, (frame.left, y), Lettering::new(Anchor::Start, Ink::Muted))?;
        }
        Ok(())
    })
    .map(Some)
}

/// How values are written: shares in per cent where the axis says so, otherwise as they are.
pub(in crate::report) fn label(axis: &str, bars: &[Bar]) -> impl Fn(f64) -> String + use<> {
    let shares = (axis.contains("share") || axis.contains('%')) && bars.iter().all(|bar| bar.value.abs() <= 1.0);
    move |value| if shares { percent(value) } else { short(value) }
}
