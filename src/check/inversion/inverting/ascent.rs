//! Uphill along the slope of the answer: from the file where its operators can be differentiated, else by batched central
//! differences, else along random directions (NES).
//!
//! References: Fredrikson, Jha and Ristenpart, CCS 2015; Ilyas et al., ICML 2018 (NES).

use super::asking::Asking;

use super::file::FileSlopes;
use super::frame::{Frame, length, moved, normal};
use super::{Inverted, Source};
use crate::check::CheckError;
use crate::seed::{Seed, Stream};

/// The first step, per coordinate and in standard deviations.
const STEP: f64 = 0.05;
/// The step at which the search ends.
const LAST_STEP: f64 = 5e-4;
/// Most steps.
const MOST_STEPS: usize = 500;
/// Fewest steps that the purse has to reach for by differences; random directions are cheaper.
const FEWEST_STEPS: usize = 20;
/// Pairs of random directions for one slope.
const PAIRS: usize = 20;
/// How far random directions look, in standard deviations.
const SIGMA: f64 = 0.1;

/// Where slopes come from, for one attack.
enum Way<'a> {
    File(&'a FileSlopes),
    Differences,
    Random(Box<Stream>),
}

impl Way<'_> {
    fn source(&self) -> Source {
        match self {
            Self::File(_) => Source::File,
            Self::Differences => Source::Differences,
            Self::Random(_) => Source::Random,
        }
    }

    /// The fit at a vector, and the slopes along its coordinates; nothing where the purse does not reach.
    fn at(
        &mut self,
        vector: &[f64],
        frame: &Frame<'_>,
        asking: &mut Asking<'_>,
    ) -> Result<Option<(f64, Vec<f64>)>, CheckError> {
        let here = frame.point(vector);
        match self {
            Self::File(slopes) => Ok(slopes.at(asking, &here).map(|(fit, numbers)| (fit, frame.slopes(&numbers)))),
            Self::Differences => differences(vector, frame, asking),
            Self::Random(stream) => {
                let directions: Vec<Vec<f64>> = (0..PAIRS).map(|_| normal(vector.len(), stream)).collect();
                let mut points = vec![here];
                for direction in &directions {
                    points.extend([SIGMA, -SIGMA].map(|by| frame.point(&moved(vector, by, direction))));
                }
                let Some(fits) = asking.fits(&points)? else { return Ok(None) };
                let mut slopes = vec![0.0; vector.len()];
                for (direction, pair) in directions.iter().zip(fits[1..].chunks(2)) {
                    let share = (pair[0] - pair[1]) / (2.0 * SIGMA * PAIRS as f64);
                    slopes.iter_mut().zip(direction).for_each(|(slope, part)| *slope += share * part);
                }
                Ok(Some((fits[0], slopes)))
            }
        }
    }
}

/// The fit at a vector and central differences along its coordinates, in one batch; nothing where the purse does not reach.
fn differences(
    vector: &[f64],
    frame: &Frame<'_>,
    asking: &mut Asking<'_>,
) -> Result<Option<(f64, Vec<f64>)>, CheckError> {
    let mut points = vec![frame.point(vector)];
    for at in 0..vector.len() {
        for by in [frame.reach(at), -frame.reach(at)] {
            let mut there = vector.to_vec();
            there[at] += by;
            points.push(frame.point(&there));
        }
    }
    let Some(fits) = asking.fits(&points)? else { return Ok(None) };
    let slope = |(at, pair): (usize, &[f64])| (pair[0] - pair[1]) / (2.0 * frame.reach(at));
    Ok(Some((fits[0], fits[1..].chunks(2).enumerate().map(slope).collect())))
}

/// Goes uphill until the goal is met, the purse is empty, or no step helps. Nothing where the first slope is flat.
///
/// # Errors
/// When the model cannot be asked.
pub(super) fn ascend(
    frame: &Frame<'_>,
    asking: &mut Asking<'_>,
    file: Option<&FileSlopes>,
    seed: Seed,
) -> Result<Option<Inverted>, CheckError> {
    let width = frame.width();
    let affordable = asking.purse / (2 * width + 1);
    let mut way = match file {
        Some(slopes) => Way::File(slopes),
        None if affordable >= FEWEST_STEPS => Way::Differences,
        None => Way::Random(Box::new(seed.stream())),
    };
    let mut here = frame.origin();
    let Some((mut fit, mut slopes)) = way.at(&here, frame, asking)? else { return Ok(None) };
    let mut step = STEP;
    let mut moves = 0;
    for _ in 0..file.map_or(MOST_STEPS, |file| file.steps.min(MOST_STEPS)) {
        if asking.goal.is_met(fit) || step < LAST_STEP {
            break;
        }
        let uphill = inside(&here, &slopes, frame);
        let steep = length(&uphill);
        if steep == 0.0 || !steep.is_finite() {
            break;
        }
        let mut there = moved(&here, step * (width as f64).sqrt() / steep, &uphill);
        frame.bounded(&mut there);
        let Some((new_fit, new_slopes)) = way.at(&there, frame, asking)? else { break };
        if new_fit > fit {
            (here, fit, slopes) = (there, new_fit, new_slopes);
            step = (step * 1.2).min(STEP);
            moves += 1;
        } else {
            step /= 2.0;
            if let Way::Random(_) = way
                && let Some((_, again)) = way.at(&here, frame, asking)?
            {
                slopes = again;
            }
        }
    }
    // Without a single step uphill there is no slope to speak of, unless the start was good enough.
    let found = moves > 0 || asking.goal.is_met(fit);
    Ok(found.then(|| Inverted { point: frame.point(&here), source: way.source() }))
}

/// The slopes without those that lead out of the bounds.
fn inside(here: &[f64], slopes: &[f64], frame: &Frame<'_>) -> Vec<f64> {
    let mut probe: Vec<f64> = here.iter().zip(slopes).map(|(at, slope)| at + LAST_STEP * slope.signum()).collect();
    frame.bounded(&mut probe);
    let kept = |((at, slope), probe): ((&f64, &f64), f64)| if probe == *at { 0.0 } else { *slope };
    here.iter().zip(slopes).zip(probe).map(kept).collect()
}
