//! Axes: scales, ticks, grid and axis titles. Layer row 6. Refuses to know what is drawn on them.

use crate::report::ReportError;
use crate::report::chart::{Anchor, Canvas, Ink, Lettering, Place};

/// How values become places along one axis.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scale {
    /// Evenly from the first to the second value.
    Linear(f64, f64),
    /// By the logarithm, from the first to the second value, both positive.
    Log(f64, f64),
}

impl Scale {
    /// Share of the axis at which a value stands, kept between 0 and 1.
    pub(super) fn share(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear(low, high) => (value - low) / (high - low),
            Self::Log(low, high) => (value.max(low) / low).ln() / (high / low).ln(),
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Round values for ticks: powers of ten on a logarithmic axis, otherwise about five steps of 1, 2 or 5.
    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Log(low, high) => {
                let (first, last) = ((low.log10() - 1e-9).ceil() as i32, (high.log10() + 1e-9).floor() as i32);
                (first..=last).map(|power| 10_f64.powi(power)).collect()
            }
            Self::Linear(low, high) => {
                let step = step(high - low, 4.0);
                let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
                (first..=last).map(|index| index as f64 * step).collect()
            }
        }
    }
}

/// A round step that divides `range` into at least `parts` parts or nearly so.
pub(super) fn step(range: f64, parts: f64) -> f64 {
    let rough = (range / parts).max(1e-12);
    let power = 10_f64.powf(rough.log10().floor());
    let fraction = rough / power;
    let round = if fraction < 1.5 {
        1.0
    } else if fraction < 3.5 {
        2.0
    } else if fraction < 7.5 {
        5.0
    } else {
        10.0
    };
    round * power
}

/// A plotting area with two axes.
pub(super) struct Frame {
    /// Left edge of the area.
    pub(super) left: f64,
    /// Upper edge.
    pub(super) top: f64,
    /// Right edge.
    pub(super) right: f64,
    /// Lower edge.
    pub(super) bottom: f64,
    /// Horizontal scale.
    pub(super) x: Scale,
    /// Vertical scale.
    pub(super) y: Scale,
}

impl Frame {
    /// The place of a pair of values.
    pub(super) fn at(&self, x: f64, y: f64) -> Place {
        (
            self.left + (self.right - self.left) * self.x.share(x),
            self.bottom - (self.bottom - self.top) * self.y.share(y),
        )
    }

    /// Draws vertical grid lines with their labels below.
    pub(super) fn x_axis(&self, canvas: &Canvas<'_>, ticks: &[(f64, String)], title: &str) -> Result<(), ReportError> {
        for (value, label) in ticks {
            let (x, _) = self.at(*value, 0.0);
            canvas.path(&[(x, self.top), (x, self.bottom)], 1.0, Ink::Grid)?;
            let anchor = if x > self.right - 12.0 { Anchor::End } else { Anchor::Middle };
            let x = if anchor == Anchor::End { self.right + 6.0 } else { x };
            canvas.text(label, (x, self.bottom + 13.0), Lettering::new(anchor, Ink::Muted))?;
        }
        canvas.text(&cut(title, 54), (self.right + 6.0, self.bottom + 33.0), Lettering::new(Anchor::End, Ink::Muted))
    }

    /// Draws horizontal grid lines with their labels on the left, and the axis title above.
    pub(super) fn y_axis(&self, canvas: &Canvas<'_>, ticks: &[(f64, String)], title: &str) -> Result<(), ReportError> {
        for (value, label) in ticks {
            let y = self.at(0.0, *value).1;
            canvas.path(&[(self.left, y), (self.right, y)], 1.0, Ink::Grid)?;
            canvas.text(label, (self.left - 6.0, y), Lettering::new(Anchor::End, Ink::Muted))?;
        }
        canvas.text(title, (2.0, self.top - 15.0), Lettering::new(Anchor::Start, Ink::Muted))
    }
}

/// A share as a short percentage: `0.1 %`, `2.7 %`, `30 %`.
pub(in crate::report) fn percent(share: f64) -> String {
    format!("{} %", short(share * 100.0))
}

/// A number with at most three significant digits and no needless zeros.
pub(in crate::report) fn short(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || size < 1e-9 {
        return "0".to_owned();
    }
    let digits = (2 - size.log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A text cut to `most` characters, ending in an ellipsis where something is missing.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept.push('\u{2026}');
    kept
}

/// A text broken between words into lines of at most `most` characters where its words allow.
pub(super) fn lines(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(cut(word, most)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(Scale::Log(0.0027, 1.0).ticks().len(), 3); // 1 %, 10 %, 100 %
        assert_eq!(
            Scale::Linear(0.0, 0.35).ticks().iter().map(|t| percent(*t)).collect::<Vec<_>>(),
            ["0 %", "10 %", "20 %", "30 %"]
        );
        assert!(Scale::Linear(3.0, 3.0).share(3.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([short(0.0), short(0.0271), short(12.345), short(1234.0)], ["0", "0.0271", "12.3", "1234"]);
        assert_eq!(cut("abcdef", 4), "abc\u{2026}");
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
    }
}
