//! Drawing SVG: a canvas of lines, areas, dots and text. Layer row 6. The only file naming plotters.
//!
//! Colours are chosen by their meaning and leave as style-sheet variables with a fallback, so that a chart follows the page
//! into dark mode and onto paper. Refuses to draw without a title and a description, and escapes all text.

use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::{
    Circle, DrawingArea, IntoDrawingArea, IntoFont, PathElement, Polygon, RGBColor, Rectangle, SVGBackend, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, TextStyle};

use super::ReportError;
use super::rich::{Svg, escape};

/// Pixels of the drawing library a unit: it places things on whole pixels only.
const FINE: f64 = 4.0;
/// The drawing library divides font sizes by this.
const FONT_FACTOR: f64 = 1.24;

/// A place on a canvas, in units from the upper left corner.
pub(super) type Place = (f64, f64);

/// A colour by its meaning: the Okabe-Ito palette, which survives colour blindness and grey printing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Text and axes.
    Text,
    /// Lesser text.
    Muted,
    /// Grid lines.
    Grid,
    /// The attack, or members.
    Attack,
    /// What needs no model, or non-members.
    Baseline,
    /// The limit and what lies beyond it.
    Limit,
}

const INKS: [Ink; 6] = [Ink::Text, Ink::Muted, Ink::Grid, Ink::Attack, Ink::Baseline, Ink::Limit];

impl Ink {
    fn rgb(self) -> (u8, u8, u8) {
        match self {
            Self::Text => (0x1b, 0x1f, 0x24),
            Self::Muted => (0x57, 0x60, 0x6a),
            Self::Grid => (0xd8, 0xdd, 0xe3),
            Self::Attack => (0x00, 0x72, 0xb2),
            Self::Baseline => (0xe6, 0x9f, 0x00),
            Self::Limit => (0xd5, 0x5e, 0x00),
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Text => "--ink",
            Self::Muted => "--muted",
            Self::Grid => "--grid",
            Self::Attack => "--attack",
            Self::Baseline => "--baseline",
            Self::Limit => "--limit",
        }
    }

    fn color(self) -> RGBColor {
        let (r, g, b) = self.rgb();
        RGBColor(r, g, b)
    }
}

/// Which point of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lettering {
    /// Which point stands at the place.
    pub(super) anchor: Anchor,
    /// Size in units.
    pub(super) size: f64,
    /// Colour.
    pub(super) ink: Ink,
    /// Whether it is set in bold.
    pub(super) bold: bool,
}

impl Lettering {
    /// Plain lettering.
    pub(super) fn new(anchor: Anchor, ink: Ink) -> Self {
        Self { anchor, size: 13.0, ink, bold: false }
    }

    /// The same in bold.
    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }
}

/// Size, name and description of a drawing.
pub(super) struct Sheet<'a> {
    /// Width in units.
    pub(super) width: f64,
    /// Height in units.
    pub(super) height: f64,
    /// Style-sheet class.
    pub(super) class: &'a str,
    /// What the drawing shows, in words.
    pub(super) title: &'a str,
    /// What somebody who cannot see it should know.
    pub(super) description: &'a str,
}

/// Where shapes are put.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

type Drawn = Result<(), ReportError>;

impl Canvas<'_> {
    /// A line through places.
    pub(super) fn path(&self, places: &[Place], width: f64, ink: Ink) -> Drawn {
        let style = ink.color().stroke_width(pixel(width).unsigned_abs());
        checked(self.area.draw(&PathElement::new(pixels(places), style)))
    }

    /// A straight dashed line.
    pub(super) fn dashed(&self, from: Place, to: Place, width: f64, ink: Ink) -> Drawn {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let steps = (length / 7.0).ceil().max(1.0);
        let at = |share: f64| (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
        for step in 0..steps as usize {
            let start = step as f64 / steps;
            self.path(&[at(start), at((start + 0.6 / steps).min(1.0))], width, ink)?;
        }
        Ok(())
    }

    /// A filled area.
    pub(super) fn area(&self, corners: &[Place], ink: Ink, opacity: f64) -> Drawn {
        checked(self.area.draw(&Polygon::new(pixels(corners), ink.color().mix(opacity).filled())))
    }

    /// A filled rectangle between two corners.
    pub(super) fn rectangle(&self, one: Place, other: Place, ink: Ink, opacity: f64) -> Drawn {
        let (a, b) = (pixel_at(one), pixel_at(other));
        let corners = [(a.0.min(b.0), a.1.min(b.1)), (a.0.max(b.0), a.1.max(b.1))];
        checked(self.area.draw(&Rectangle::new(corners, ink.color().mix(opacity).filled())))
    }

    /// A filled dot.
    pub(super) fn dot(&self, at: Place, radius: f64, ink: Ink) -> Drawn {
        checked(self.area.draw(&Circle::new(pixel_at(at), pixel(radius), ink.color().filled())))
    }

    /// A text, centred on the height of its place.
    pub(super) fn text(&self, text: &str, at: Place, lettering: Lettering) -> Drawn {
        let horizontal = match lettering.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let style = if lettering.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = ("sans-serif", lettering.size * FINE * FONT_FACTOR).into_font().style(style);
        let color = lettering.ink.color();
        let style = TextStyle::from(font).color(&color).pos(Pos::new(horizontal, VPos::Center));
        let text = text.replace(" %", "\u{a0}%");
        checked(self.area.draw(&Text::new(text, pixel_at(at), style)))
    }
}

/// Draws on a fresh canvas and returns the SVG element.
///
/// # Errors
/// When the drawing library refuses; it writes to memory, so this is not expected.
pub(super) fn draw(sheet: &Sheet<'_>, paint: impl FnOnce(&Canvas<'_>) -> Drawn) -> Result<Svg, ReportError> {
    let mut raw = String::new();
    {
        let size = (pixel(sheet.width).unsigned_abs(), pixel(sheet.height).unsigned_abs());
        let canvas = Canvas { area: SVGBackend::with_string(&mut raw, size).into_drawing_area() };
        paint(&canvas)?;
        checked(canvas.area.present())?;
    }
    Ok(Svg(dress(sheet, &raw)))
}

/// Replaces the library's root element by a described one, and fixed colours by variables.
fn dress(sheet: &Sheet<'_>, raw: &str) -> String {
    let body = raw.split_once('\n').map_or("", |(_, body)| body);
    let mut body =
        body.replace(" opacity=\"1\"", "").replace(" font-family=\"sans-serif\"", "").replace(" \"/>", "\"/>");
    for ink in INKS {
        let (r, g, b) = ink.rgb();
        for attribute in ["fill", "stroke"] {
            let fixed = format!(" {attribute}=\"#{r:02X}{g:02X}{b:02X}\"");
            let variable = format!(" {attribute}=\"var({},#{r:02x}{g:02x}{b:02x})\"", ink.variable());
            body = body.replace(&fixed, &variable);
        }
    }
    format!(
        "<svg class=\"{}\" role=\"img\" viewBox=\"0 0 {} {}\"><title>{}</title><desc>{}</desc>\n{body}",
        sheet.class,
        pixel(sheet.width),
        pixel(sheet.height),
        escape(sheet.title),
        escape(sheet.description),
    )
}

fn pixel(units: f64) -> i32 {
    (units * FINE).round() as i32
}

fn pixel_at(place: Place) -> (i32, i32) {
    (pixel(place.0), pixel(place.1))
}

fn pixels(places: &[Place]) -> Vec<(i32, i32)> {
    places.iter().copied().map(pixel_at).collect()
}

fn checked<E: std::error::Error + Send + Sync>(result: Result<(), DrawingAreaErrorKind<E>>) -> Drawn {
    result.map_err(|error| ReportError::Chart(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_colours_are_variables() {
        let sheet = Sheet { width: 100.0, height: 50.0, class: "chart", title: "<b>", description: "a & b" };
        let svg = draw(&sheet, |canvas| {
            canvas.text("<script>\"", (50.0, 25.0), Lettering::new(Anchor::Middle, Ink::Text))?;
            canvas.path(&[(0.0, 0.0), (9.0, 9.0)], 1.0, Ink::Attack)
        });
        let svg = svg.expect("drawn in memory").0;
        assert!(svg.starts_with("<svg class=\"chart\" role=\"img\" viewBox=\"0 0 400 200\"><title>&lt;b&gt;</title>"));
        assert!(svg.contains("&lt;script&gt;&quot;") && !svg.contains("<script"));
        assert!(svg.contains("stroke=\"var(--attack,#0072b2)\"") && !svg.contains("http"));
        assert!(svg.trim_end().ends_with("</svg>"));
    }
}
