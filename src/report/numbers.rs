//! Evidence as figures of the page: a drawing, and the numbers behind it in a table. Layer row 6.
//!
//! Refuses to hide a number that a chart shows: every figure has its table.

use super::ReportError;
use super::plot;
use super::rich::{Rich, Svg};
use super::table::TableView;
use crate::finding::{CellPair, Curve, Evidence, Histogram};
use crate::stats::Estimate;

/// A drawing with its caption and numbers.
pub(super) struct Figure {
    /// The finding the chart shows.
    pub(super) title: Rich,
    /// The drawing, unless there is too little to draw.
    pub(super) svg: Option<Svg>,
    /// How to read it.
    pub(super) reading: &'static str,
    /// The numbers.
    pub(super) numbers: TableView,
}

/// Figures and plain tables of a finding, in the order of its evidence.
///
/// # Errors
/// When a drawing fails.
pub(super) fn figures(evidence: &[Evidence]) -> Result<(Vec<Figure>, Vec<TableView>), ReportError> {
    let (mut figures, mut tables) = (Vec::new(), Vec::new());
    for piece in evidence {
        if let Evidence::Table(table) = piece {
            tables.push(TableView::of(table));
            continue;
        }
        let (title, reading, numbers) = describe(piece);
        figures.push(Figure { title: Rich::new(title), svg: plot::chart(piece)?, reading, numbers });
    }
    Ok((figures, tables))
}

fn describe(evidence: &Evidence) -> (&str, &'static str, TableView) {
    match evidence {
        Evidence::Roc(curve) => (&curve.title, reading_of(curve), roc(curve)),
        Evidence::Distributions(histogram) => (
            &histogram.title,
            "Where the two shapes lie apart, an attacker can tell the groups apart.",
            distributions(histogram),
        ),
        Evidence::ClassSizes { title, points } => {
            let rows = points.iter().map(|p| row(&[p.size.to_string(), plot::percent(p.share)])).collect();
            let table = TableView::new("People by size of their group", &["Group of at most", "Share of people"], rows);
            (title, "The higher the line on the left, the more people can be singled out.", table)
        }
        Evidence::FourCells { title, pairs } => {
            (title, "A leak shows as a gap between the dots of members that the others do not have.", cells(pairs))
        }
        Evidence::Bars { title, axis, bars } => {
            let show = plot::label(axis, bars);
            let rows = bars.iter().map(|bar| row(&[bar.label.clone(), show(bar.value)])).collect();
            (title, "", TableView::new(axis.as_str(), &["Name", "Value"], rows))
        }
        Evidence::Table(table) => (&table.caption, "", TableView::of(table)),
    }
}

fn reading_of(curve: &Curve) -> &'static str {
    let start = curve.points.iter().map(|point| point.fpr).find(|fpr| *fpr > 0.0);
    match (start, curve.limit) {
        (Some(start), Some((fpr, _))) if fpr < start * 0.999 => {
            "The band is the interval. The limit stands at a lower false-positive rate than the data can show."
        }
        _ => "The band is the interval. The curve begins at the lowest false-positive rate that the data can show.",
    }
}

fn row(cells: &[String]) -> Vec<Rich> {
    cells.iter().map(|cell| Rich::new(cell.as_str())).collect()
}

fn roc(curve: &Curve) -> TableView {
    let rows = curve.points.iter().map(|p| {
        let interval = format!("{} to {}", plot::percent(p.low), plot::percent(p.high));
        row(&[plot::percent(p.fpr), plot::percent(p.tpr), interval])
    });
    let columns = ["False-positive rate", "True-positive rate", "Interval"];
    TableView::new("Members recognised at each false-positive rate", &columns, rows.collect())
}

fn distributions(histogram: &Histogram) -> TableView {
    let mut columns = vec!["From", "To"];
    columns.extend(histogram.series.iter().map(|series| series.name.as_str()));
    let rows = histogram.edges.windows(2).enumerate().map(|(bin, edges)| {
        let mut cells = vec![plot::short(edges[0]), plot::short(edges[1])];
        cells.extend(
            histogram.series.iter().map(|s| s.shares.get(bin).map_or(String::new(), |share| plot::percent(*share))),
        );
        row(&cells)
    });
    TableView::new(format!("Share of each group by {}", histogram.axis), &columns, rows.collect())
}

fn cells(pairs: &[CellPair]) -> TableView {
    let line = |name: &str, who: &str, e: &Estimate| {
        let interval = format!("{} to {}", plot::percent(e.low), plot::percent(e.high));
        row(&[format!("{name}, {who}"), plot::percent(e.value), interval])
    };
    let rows = pairs
        .iter()
        .flat_map(|p| [line(&p.name, "with the model", &p.attack), line(&p.name, "without it", &p.baseline)]);
    TableView::new("Right guesses with and without the model", &["Records", "Right", "Interval"], rows.collect())
}
