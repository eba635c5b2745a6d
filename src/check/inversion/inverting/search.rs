//! Attacks without a slope: one column after the other, the evolution of a distribution, and labels alone.
//!
//! References: Kahla et al., "Label-only model inversion attacks via boundary repulsion", CVPR 2022, whose numbers of points,
//! growth of the radius and length of the step these are.

use rand::seq::SliceRandom;

use super::asking::Asking;
use super::canvas::Point;
use super::evolution::Evolution;
use super::frame::{Frame, length, moved, normal};
use super::{Inverted, Source};
use crate::check::CheckError;
use crate::seed::Seed;

/// Most rounds over all columns.
const ROUNDS: usize = 4;
/// The weight of being far from what hold-out records look like, per square of a standard deviation.
const FAR: f64 = 0.01;
/// The step at which evolution ends, in standard deviations.
const LAST_SIGMA: f64 = 1e-3;
/// Points on the sphere.
const POINTS: usize = 32;
/// The first radius.
const RADIUS: f64 = 2.0;
/// What the radius grows by.
const GROWTH: f64 = 1.3;
/// Most steps at one radius.
const MOST_STEPS: usize = 1000;
/// Batches of random points among which the start is looked for.
const STARTS: usize = 10;
/// The largest radius, in units of the length that a random vector has: beyond it lies no record.
const FARTHEST: f64 = 5.0;

/// The best value of one column after the other, in random order, until a round changes nothing.
///
/// # Errors
/// When the model cannot be asked.
pub(super) fn coordinates(start: &Point, asking: &mut Asking<'_>, seed: Seed) -> Result<Option<Inverted>, CheckError> {
    let canvas = asking.canvas;
    let mut here = canvas.settled(start.clone());
    let Some(mut fit) = asking.fits(std::slice::from_ref(&here))?.map(|fits| fits[0]) else { return Ok(None) };
    let axes = (0..canvas.axes.len()).filter(|&at| canvas.axes[at].spread > 0.0);
    let choices = (0..canvas.choices.len()).filter(|&at| canvas.choices[at].tried > 1).map(|at| at + canvas.axes.len());
    let mut columns: Vec<usize> = axes.chain(choices).collect();
    let mut stream = seed.stream();
    let mut moves = 0;
    for _ in 0..ROUNDS {
        columns.shuffle(&mut stream);
        let before = moves;
        for &column in &columns {
            if asking.goal.is_met(fit) {
                break;
            }
            let others = variants(&here, column, asking);
            let Some(fits) = asking.fits(&others)? else { continue };
            let best = (0..fits.len()).rev().max_by(|&a, &b| fits[a].total_cmp(&fits[b]));
            if let Some(best) = best.filter(|&best| fits[best] > fit) {
                (here, fit) = (others[best].clone(), fits[best]);
                moves += 1;
            }
        }
        if moves == before {
            break;
        }
    }
    Ok((moves > 0 || asking.goal.is_met(fit)).then_some(Inverted { point: here, source: Source::Columns }))
}

/// The point with every other value of one column.
fn variants(here: &Point, column: usize, asking: &Asking<'_>) -> Vec<Point> {
    let canvas = asking.canvas;
    let mut found = Vec::new();
    if let Some(axis) = canvas.axes.get(column) {
        for &value in &axis.candidates {
            let mut point = here.clone();
            point.numbers[column] = value;
            found.push(canvas.settled(point));
        }
    } else {
        let choice = column - canvas.axes.len();
        for level in 0..canvas.choices[choice].tried as u32 {
            let mut point = here.clone();
            point.choices[choice] = level;
            found.push(point);
        }
    }
    found.retain(|point| point != here);
    found
}

/// Evolution in a frame, drawn to where records lie.
///
/// # Errors
/// When the model cannot be asked.
pub(super) fn evolve(frame: &Frame<'_>, asking: &mut Asking<'_>, seed: Seed) -> Result<Option<Inverted>, CheckError> {
    let mut evolution = Evolution::new(frame.origin(), 0.5);
    let mut stream = seed.stream();
    let mut best: Option<(f64, Point)> = None;
    let mut flat = true;
    while evolution.sigma() > LAST_SIGMA {
        let drawn = evolution.draw(&mut stream);
        let points: Vec<Point> = drawn.iter().map(|vector| frame.point(vector)).collect();
        let Some(fits) = asking.fits(&points)? else { break };
        flat &= fits.iter().all(|fit| *fit == fits[0]);
        let drawn_in = |(fit, vector): (&f64, &Vec<f64>)| fit - FAR * length(vector).powi(2);
        let scores: Vec<f64> = fits.iter().zip(&drawn).map(drawn_in).collect();
        for (score, point) in scores.iter().zip(&points) {
            if best.as_ref().is_none_or(|(known, _)| score > known) {
                best = Some((*score, point.clone()));
            }
        }
        if fits.iter().any(|fit| asking.goal.is_met(*fit)) {
            break;
        }
        evolution.learn(&scores);
    }
    Ok(best.filter(|_| !flat).map(|(_, point)| Inverted { point, source: Source::Evolution }))
}

/// Away from the border of the class, by labels alone: points on a sphere that are called otherwise push the centre away, and
/// a sphere of which three quarters are called the same grows. Nothing where no point of the class is found to start from.
///
/// # Errors
/// When the model cannot be asked.
pub(super) fn repel(frame: &Frame<'_>, asking: &mut Asking<'_>, seed: Seed) -> Result<Option<Inverted>, CheckError> {
    let width = frame.width();
    let mut stream = seed.stream();
    let Some(mut here) = start(frame, asking, &mut stream)? else { return Ok(None) };
    let mut best: Option<Vec<f64>> = None;
    let (mut radius, mut steps) = (RADIUS, 0);
    while steps < MOST_STEPS && radius <= FARTHEST * (width as f64).sqrt() {
        let directions: Vec<Vec<f64>> = (0..POINTS)
            .map(|_| {
                let vector = normal(width, &mut stream);
                let size = length(&vector);
                vector.into_iter().map(|part| part / size).collect()
            })
            .collect();
        let sphere: Vec<Point> =
            directions.iter().map(|direction| frame.point(&moved(&here, radius, direction))).collect();
        let Some(said) = asking.said(&sphere)? else { break };
        let outside: Vec<&Vec<f64>> =
            directions.iter().zip(&said).filter(|(_, said)| !**said).map(|(direction, _)| direction).collect();
        if outside.len() * 4 <= POINTS {
            best = Some(here.clone());
            (radius, steps) = (radius * GROWTH, 0);
            continue;
        }
        let mut away = vec![0.0; width];
        outside.iter().for_each(|direction| away = moved(&away, -1.0 / outside.len() as f64, direction));
        let there = moved(&here, (radius / 3.0).min(3.0), &away);
        let Some(said) = asking.said(&[frame.point(&there)])? else { break };
        if said[0] {
            here = there;
        }
        steps += 1;
    }
    let found = best.unwrap_or(here);
    Ok(Some(Inverted { point: frame.point(&found), source: Source::Labels }))
}

/// The first random vector that is called what is wanted.
fn start(
    frame: &Frame<'_>,
    asking: &mut Asking<'_>,
    stream: &mut crate::seed::Stream,
) -> Result<Option<Vec<f64>>, CheckError> {
    for batch in 0..STARTS {
        let mut drawn: Vec<Vec<f64>> = (0..POINTS).map(|_| normal(frame.width(), stream)).collect();
        if batch == 0 {
            drawn[0] = frame.origin();
        }
        let points: Vec<Point> = drawn.iter().map(|vector| frame.point(vector)).collect();
        let Some(said) = asking.said(&points)? else { return Ok(None) };
        if let Some(at) = said.iter().position(|said| *said) {
            return Ok(Some(drawn.swap_remove(at)));
        }
    }
    Ok(None)
}
