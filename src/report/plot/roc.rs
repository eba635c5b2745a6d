//! The receiver operating characteristic on logarithmic axes. Layer row 6.
//!
//! Begins at the lowest false-positive rate on the curve. What lies further left the data cannot show, and is not drawn, even
//! if the limit stands there.

use super::WIDTH;
use super::frame::{Frame, Scale, percent};
use crate::finding::{Curve, CurvePoint};
use crate::report::ReportError;
use crate::report::chart::{self, Anchor, Canvas, Ink, Lettering, Sheet};
use crate::report::rich::Svg;

/// Draws the curve with its interval band, the diagonal named chance, and the limit.
pub(super) fn draw(curve: &Curve) -> Result<Option<Svg>, ReportError> {
    let points = usable(curve);
    let [first, .., _] = points.as_slice() else { return Ok(None) };
    let lowest = first.fpr.min(0.5);
    let limit = curve.limit.filter(|(fpr, tpr)| *fpr >= lowest * 0.999 && *tpr > 0.0);
    let floor = limit.map_or(lowest, |(_, tpr)| tpr.min(lowest));
    let frame = Frame {
        left: 48.0,
        top: 30.0,
        right: 370.0,
        bottom: 236.0,
        x: Scale::Log(lowest, 1.0),
        y: Scale::Log(floor, 1.0),
    };
    let description = describe(&points, limit);
    let sheet = Sheet { width: WIDTH, height: 278.0, class: "chart", title: &curve.title, description: &description };
    chart::draw(&sheet, |canvas| {
        axes(canvas, &frame, lowest, floor)?;
        chance(canvas, &frame, lowest)?;
        band(canvas, &frame, &points)?;
        name(canvas, &frame, &points)?;
        limit.map_or(Ok(()), |limit| mark(canvas, &frame, limit))
    })
    .map(Some)
}

fn usable(curve: &Curve) -> Vec<CurvePoint> {
    let good = |p: &&CurvePoint| p.fpr > 0.0 && [p.fpr, p.tpr, p.low, p.high].iter().all(|v| v.is_finite());
    curve.points.iter().filter(good).copied().collect()
}

fn describe(points: &[CurvePoint], limit: Option<(f64, f64)>) -> String {
    let (Some(first), Some(middle)) = (points.first(), points.get(points.len() / 2)) else { return String::new() };
    let say = |p: &CurvePoint| {
        let (tpr, fpr, low, high) = (percent(p.tpr), percent(p.fpr), percent(p.low), percent(p.high));
        format!("At a false-positive rate of {fpr} the attack recognises {tpr} of members ({low} to {high}).")
    };
    let limit =
        limit.map_or(String::new(), |(fpr, tpr)| format!(" The limit is {} at {}.", percent(tpr), percent(fpr)));
    format!("Curve on logarithmic axes. {} {}{limit}", say(first), say(middle))
}

fn axes(canvas: &Canvas<'_>, frame: &Frame, lowest: f64, floor: f64) -> Result<(), ReportError> {
    frame.y_axis(canvas, &ticks(frame.y, floor), "members recognised (log scale)")?;
    frame.x_axis(canvas, &ticks(frame.x, lowest), "others wrongly taken for members (log scale)")
}

/// Powers of ten, and the beginning of the axis where it is not close to one.
fn ticks(scale: Scale, start: f64) -> Vec<(f64, String)> {
    let mut ticks: Vec<(f64, String)> = scale.ticks().into_iter().map(|t| (t, percent(t))).collect();
    if ticks.first().is_none_or(|(tick, _)| tick / start > 2.2) {
        let digits = 10_f64.powf(start.log10().floor() - 1.0); // two digits fit beside the axis
        ticks.insert(0, (start, percent((start / digits).round() * digits)));
    }
    ticks
}

fn chance(canvas: &Canvas<'_>, frame: &Frame, lowest: f64) -> Result<(), ReportError> {
    canvas.dashed(frame.at(lowest, lowest), frame.at(1.0, 1.0), 1.5, Ink::Muted)?;
    let at = frame.at(lowest.powf(0.42), lowest.powf(0.42));
    canvas.text("chance", (at.0 + 9.0, at.1 + 9.0), Lettering::new(Anchor::Start, Ink::Muted))
}

fn band(canvas: &Canvas<'_>, frame: &Frame, points: &[CurvePoint]) -> Result<(), ReportError> {
    let upper = points.iter().map(|p| frame.at(p.fpr, p.high));
    let lower = points.iter().rev().map(|p| frame.at(p.fpr, p.low));
    canvas.area(&upper.chain(lower).collect::<Vec<_>>(), Ink::Attack, 0.22)?;
    let line: Vec<_> = points.iter().map(|p| frame.at(p.fpr, p.tpr)).collect();
    canvas.path(&line, 2.5, Ink::Attack)
}

/// Names the curve: above it, as far right as there is room, otherwise below.
fn name(canvas: &Canvas<'_>, frame: &Frame, points: &[CurvePoint]) -> Result<(), ReportError> {
    let near = |share: f64| {
        let wanted = frame.left + (frame.right - frame.left) * share;
        let distance = |p: &&CurvePoint| (frame.at(p.fpr, p.tpr).0 - wanted).abs();
        points.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
    };
    let style = |anchor| Lettering::new(anchor, Ink::Attack).bold();
    for share in [0.65, 0.55, 0.45, 0.35] {
        let Some(above) = near(share).map(|point| frame.at(point.fpr, point.high)) else { return Ok(()) };
        if above.1 - frame.top > 28.0 {
            return canvas.text("this model", (above.0 - 6.0, above.1 - 10.0), style(Anchor::End));
        }
    }
    let Some(below) = near(0.4).map(|point| frame.at(point.fpr, point.low)) else { return Ok(()) };
    canvas.text("this model", (below.0, below.1 + 16.0), style(Anchor::Middle))
}

fn mark(canvas: &Canvas<'_>, frame: &Frame, (fpr, tpr): (f64, f64)) -> Result<(), ReportError> {
    let at = frame.at(fpr, tpr);
    let size = 5.5;
    let diamond = [(at.0 - size, at.1), (at.0, at.1 - size), (at.0 + size, at.1), (at.0, at.1 + size)];
    canvas.area(&diamond, Ink::Limit, 1.0)?;
    let style = Lettering::new(Anchor::End, Ink::Limit).bold();
    if at.0 - frame.left > 90.0 {
        return canvas.text(&format!("limit {}", percent(tpr)), (at.0 - 10.0, at.1), style);
    }
    let style = Lettering { anchor: Anchor::Start, ..style };
    canvas.text(&format!("limit {}", percent(tpr)), (at.0 - 4.0, at.1 - 15.0), style)
}
