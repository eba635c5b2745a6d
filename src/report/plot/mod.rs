//! Charts: evidence to drawings. Layer row 6.
//!
//! One file per kind of chart, all on the same frame and in the same units: 380 wide, letters of 13, so that text stays
//! above 11 pixels on a phone. Titles say the finding and stand outside the drawing. Labels stand beside what they name;
//! there is no legend. Refuses to draw from fewer points than make a picture: then there is only the table of numbers.

mod bars;
mod bullet;
mod cells;
mod frame;
mod roc;
mod scores;
mod sizes;

pub(super) use bars::label;
pub(super) use bullet::{Bullet, bullet};
pub(super) use frame::{percent, short};

use super::ReportError;
use super::rich::Svg;
use crate::finding::Evidence;

/// Width of every chart, in units.
const WIDTH: f64 = 380.0;

/// The chart of a piece of evidence, or nothing for tables and for evidence too thin to draw.
///
/// # Errors
/// When the drawing fails.
pub(super) fn chart(evidence: &Evidence) -> Result<Option<Svg>, ReportError> {
    match evidence {
        Evidence::Roc(curve) => roc::draw(curve),
        Evidence::Distributions(histogram) => scores::draw(histogram),
        Evidence::ClassSizes { title, points } => sizes::draw(title, points),
        Evidence::FourCells { title, pairs } => cells::draw(title, pairs),
        Evidence::Bars { title, axis, bars } => bars::draw(title, axis, bars),
        Evidence::Table(_) => Ok(None),
    }
}
