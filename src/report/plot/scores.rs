//! Score distributions of two groups, mirrored. Layer row 6.
//!
//! Bins come from a fixed grid and hold no single person. Further groups stand in the table of numbers only.

use super::WIDTH;
use super::frame::{Frame, Scale, percent, short};
use crate::finding::{Histogram, Series};
use crate::report::ReportError;
use crate::report::chart::{self, Anchor, Canvas, Ink, Lettering, Sheet};
use crate::report::rich::Svg;

/// Draws the first group upwards and the second downwards.
pub(super) fn draw(histogram: &Histogram) -> Result<Option<Svg>, ReportError> {
    let edges = &histogram.edges;
    let (Some(low), Some(high)) = (edges.first().copied(), edges.last().copied()) else { return Ok(None) };
    let whole = edges.len() > 2 && histogram.series.iter().all(|s| s.shares.len() + 1 == edges.len());
    let [up, rest @ ..] = histogram.series.as_slice() else { return Ok(None) };
    if !whole || low >= high || edges.iter().any(|edge| !edge.is_finite()) {
        return Ok(None);
    }
    let drawn = || histogram.series.iter().take(2).flat_map(|s| s.shares.iter().copied());
    let most = drawn().fold(0.01, f64::max) * 1.08;
    let floor = if rest.is_empty() { 0.0 } else { -most };
    let frame = Frame {
        left: 48.0,
        top: 30.0,
        right: 370.0,
        bottom: 226.0,
        x: Scale::Linear(low, high),
        y: Scale::Linear(floor, most),
    };
    let description = describe(histogram);
    let sheet =
        Sheet { width: WIDTH, height: 268.0, class: "chart", title: &histogram.title, description: &description };
    chart::draw(&sheet, |canvas| {
        let y_ticks: Vec<_> = frame.y.ticks().into_iter().map(|t| (t, percent(t.abs()))).collect();
        let x_ticks: Vec<_> = frame.x.ticks().into_iter().map(|t| (t, short(t))).collect();
        frame.y_axis(canvas, &y_ticks, "share of each group")?;
        frame.x_axis(canvas, &x_ticks, &histogram.axis)?;
        bars(canvas, &frame, edges, up, 1.0)?;
        if let [down, ..] = rest {
            bars(canvas, &frame, edges, down, -1.0)?;
        }
        canvas.path(&[frame.at(low, 0.0), frame.at(high, 0.0)], 1.0, Ink::Text)
    })
    .map(Some)
}

fn describe(histogram: &Histogram) -> String {
    let peaks = histogram.series.iter().take(2).filter_map(|series| {
        let peak = (0..series.shares.len()).max_by(|a, b| series.shares[*a].total_cmp(&series.shares[*b]))?;
        let (from, to) = (histogram.edges.get(peak)?, histogram.edges.get(peak + 1)?);
        Some(format!(
            "Most frequent for {}: {} to {} ({}).",
            series.name,
            short(*from),
            short(*to),
            percent(series.shares[peak])
        ))
    });
    format!("Mirrored histograms over {}. {}", histogram.axis, peaks.collect::<Vec<_>>().join(" "))
}

/// One group; `side` is 1 for upwards and -1 for downwards.
fn bars(canvas: &Canvas<'_>, frame: &Frame, edges: &[f64], series: &Series, side: f64) -> Result<(), ReportError> {
    let ink = if side > 0.0 { Ink::Attack } else { Ink::Baseline };
    for (bin, share) in edges.windows(2).zip(&series.shares) {
        let (from, to) = (frame.at(bin[0], 0.0), frame.at(bin[1], share * side));
        if (from.1 - to.1).abs() >= 0.25 {
            canvas.rectangle((from.0 + 0.5, from.1), (to.0 - 0.5, to.1), ink, 1.0)?;
        }
    }
    let half = series.shares.len() / 2;
    let (left, right) = series.shares.split_at(half);
    let peak = |shares: &[f64]| shares.iter().copied().fold(0.0, f64::max);
    let y = if side > 0.0 { frame.top + 10.0 } else { frame.bottom - 10.0 };
    let (x, anchor) =
        if peak(left) <= peak(right) { (frame.left + 8.0, Anchor::Start) } else { (frame.right - 8.0, Anchor::End) };
    canvas.text(&series.name, (x, y), Lettering::new(anchor, Ink::Text).bold())
}
