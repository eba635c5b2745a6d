//! Class sizes: how many people hide in groups of at most a size. Layer row 6.

use super::WIDTH;
use super::frame::{Frame, Scale, percent, short};
use crate::finding::SizeShare;
use crate::report::ReportError;
use crate::report::chart::{self, Anchor, Canvas, Ink, Lettering, Sheet};
use crate::report::rich::Svg;

/// Group sizes that policies speak of.
const MARKS: [f64; 3] = [2.0, 5.0, 11.0];

/// Draws the cumulative share of people against class size, with sizes 2, 5 and 11 marked.
pub(super) fn draw(title: &str, points: &[SizeShare]) -> Result<Option<Svg>, ReportError> {
    let Some(last) = points.last().filter(|_| points.iter().all(|p| p.share.is_finite() && p.size > 0)) else {
        return Ok(None);
    };
    let widest = (last.size as f64).max(20.0) * 1.2;
    let frame = Frame {
        left: 48.0,
        top: 44.0,
        right: 370.0,
        bottom: 236.0,
        x: Scale::Log(1.0, widest),
        y: Scale::Linear(0.0, 1.0),
    };
    let description = describe(points);
    let sheet = Sheet { width: WIDTH, height: 278.0, class: "chart", title, description: &description };
    chart::draw(&sheet, |canvas| {
        let x_ticks: Vec<_> = frame.x.ticks().into_iter().map(|t| (t, short(t))).collect();
        let y_ticks: Vec<_> = [0.0, 0.25, 0.5, 0.75, 1.0].into_iter().map(|t| (t, percent(t))).collect();
        let raised = Frame { top: 30.0, ..frame };
        raised.x_axis(canvas, &x_ticks, "size of the group a person hides in (log scale)")?;
        frame.y_axis(canvas, &y_ticks, "")?;
        canvas.text("share of people", (2.0, 12.0), Lettering::new(Anchor::Start, Ink::Muted))?;
        marks(canvas, &frame)?;
        steps(canvas, &frame, points, widest)
    })
    .map(Some)
}

/// The share up to a size, where it is told: a point that would tell of 1 to 10 people is not there.
fn share_up_to(points: &[SizeShare], size: usize) -> Option<f64> {
    let beyond = points.last().filter(|last| last.size < size);
    points.iter().find(|point| point.size == size).or(beyond).map(|point| point.share)
}

fn describe(points: &[SizeShare]) -> String {
    let share = |size| share_up_to(points, size).map_or("a share that is withheld".to_owned(), percent);
    format!(
        "Cumulative share of people by the size of their group. {} are alone, {} are in groups of at most 4, {} in groups of at most 10.",
        share(1),
        share(4),
        share(10)
    )
}

fn marks(canvas: &Canvas<'_>, frame: &Frame) -> Result<(), ReportError> {
    for mark in MARKS {
        let x = frame.at(mark, 0.0).0;
        canvas.dashed((x, frame.top), (x, frame.bottom), 1.5, Ink::Limit)?;
        canvas.text(&short(mark), (x, frame.top - 9.0), Lettering::new(Anchor::Middle, Ink::Limit).bold())?;
    }
    Ok(())
}

/// The staircase, and the share in groups smaller than 11 where it crosses that mark.
fn steps(canvas: &Canvas<'_>, frame: &Frame, points: &[SizeShare], widest: f64) -> Result<(), ReportError> {
    let mut line = vec![frame.at(1.0, 0.0)];
    let mut level = 0.0;
    for point in points {
        line.push(frame.at(point.size as f64, level));
        line.push(frame.at(point.size as f64, point.share));
        level = point.share;
    }
    line.push(frame.at(widest, level));
    let mut corners = line.clone();
    corners.push(frame.at(widest, 0.0));
    canvas.area(&corners, Ink::Attack, 0.18)?;
    canvas.path(&line, 2.5, Ink::Attack)?;
    let Some(small) = share_up_to(points, 10) else { return Ok(()) };
    let at = frame.at(11.0, small);
    canvas.dot(at, 4.5, Ink::Attack)?;
    let y = if small > 0.5 { at.1 + 18.0 } else { at.1 - 14.0 };
    let text = format!("{} in groups below 11", percent(small));
    let (x, anchor) = if at.0 < 180.0 { (at.0 + 8.0, Anchor::Start) } else { (frame.right - 4.0, Anchor::End) };
    canvas.text(&text, (x, y), Lettering::new(anchor, Ink::Text).bold())
}
