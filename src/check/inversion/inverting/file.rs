//! Slopes of the answer from the operators of the file, for whoever has it. They are used where the file, read as a formula, gives
//! the model's own answers and its slopes are those of differences; the reason is said where it does not.

use super::asking::{Asking, Goal};
use super::canvas::{Canvas, Point, Side};
use super::frame::{Frame, moved, normal};
use crate::check::{Audited, CheckError};
use crate::data::encode::tensors;
use crate::model::contents::Contents;
use crate::model::reverse::{Array, Reverse, Trace};
use crate::model::{Predictions, Scale, log_probability};
use crate::seed::Seed;

/// Directions along which slopes are compared with differences.
const DIRECTIONS: usize = 8;
/// How far differences look along each number, in standard deviations.
const REACH: f64 = 1e-3;
/// How far the slopes may be from the differences, as a share of these.
const TOLERANCE: f64 = 0.05;
/// Questions that the comparison takes: three records, and two goals.
pub(in crate::check::inversion) const COMPARING: usize = 3 + 2 * 2 * DIRECTIONS;
/// Multiplications that all passes of a run may take, and those of one pass there and back for each of the file's.
const MOST_WORK: u64 = 10_000_000_000;
const THERE_AND_BACK: u64 = 3;
/// Fewest steps that are worth it.
const FEWEST_STEPS: u64 = 20;

/// The file as a formula of the answer.
pub(super) struct FileSlopes {
    reverse: Reverse,
    /// The tensor that holds the scores or the number.
    tensor: usize,
    scale: Scale,
    classes: usize,
    /// The input and the place in it of every axis of the canvas.
    places: Vec<Option<(usize, usize)>>,
    /// Most steps that an attack on one class may take.
    pub(super) steps: usize,
}

impl FileSlopes {
    /// Reads the file and compares it with the model. The reason, where its slopes are not used.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(super) fn of(
        contents: &Contents,
        asking: &mut Asking<'_>,
        goals: [Goal; 2],
        targets: usize,
        start: &Point,
        known: &[usize],
        seed: Seed,
    ) -> Result<Result<Self, String>, CheckError> {
        if asking.purse < COMPARING {
            return Ok(Err("the queries allowed do not reach for comparing them with differences".to_owned()));
        }
        let (model, canvas) = (asking.model, asking.canvas);
        let mut probes = canvas.people(Side::Others, &known[..known.len().min(2)]);
        probes.retain(|probe| probe.numbers.iter().all(|value| value.is_finite()));
        let mut probes: Vec<Point> = probes.into_iter().map(|probe| canvas.settled(probe)).collect();
        probes.retain(|probe| {
            probe.choices.iter().zip(&canvas.choices).all(|(at, choice)| (*at as usize) < choice.values())
        });
        probes.push(start.clone());
        let Some(answers) = asking.answers(&probes)? else { return Ok(Err("no query was left".to_owned())) };
        let reverse = contents.reverse();
        let obstacle = reverse.obstacle().map(str::to_owned);
        let found = Self::matching(reverse, model, canvas, &probes, &answers);
        let Some(mut found) = found else {
            return Ok(Err(match obstacle {
                Some(operator) => format!("the file holds {operator}, which is not differentiated"),
                None => "the file, read as a formula, does not give the model's own answers".to_owned(),
            }));
        };
        let cost = found.trace(model, canvas, start).map_or(1, |trace| trace.cost.max(1));
        let steps = MOST_WORK / targets.max(1) as u64 / (THERE_AND_BACK * cost);
        if steps < FEWEST_STEPS {
            return Ok(Err("the file is too large for it".to_owned()));
        }
        found.steps = steps as usize;
        for (at, goal) in goals.into_iter().enumerate() {
            asking.goal = goal;
            if !found.agrees(asking, start, seed.derive(&at.to_string()))? {
                return Ok(Err("slopes from its operators do not agree with differences of the answers".to_owned()));
            }
        }
        Ok(Ok(found))
    }

    /// The formula with the tensor that holds the model's answers about all probes.
    fn matching(
        reverse: Reverse,
        model: &Audited,
        canvas: &Canvas<'_>,
        probes: &[Point],
        answers: &Predictions,
    ) -> Option<Self> {
        let (scale, classes) = match answers {
            Predictions::Scores { scale, classes, .. } => (*scale, *classes),
            Predictions::Values(_) => (Scale::Logit, 0),
            _ => return None,
        };
        let places = places(&reverse, model, canvas);
        let mut found = Self { reverse, tensor: 0, scale, classes, places, steps: 0 };
        let sizes: &[usize] = if classes == 2 {
            &[2, 1]
        } else if classes == 0 {
            &[1]
        } else {
            &[classes]
        };
        let goals: Vec<Goal> =
            if classes == 0 { vec![Goal::Value(0.0, 1.0)] } else { (0..classes).map(Goal::Class).collect() };
        let same = |found: &Self, numbers: &[f64], row: usize| {
            goals.iter().all(|goal| {
                let (own, theirs) = (found.fit(numbers, *goal).0, goal.fit(answers, row));
                // Both end where 32 bits do.
                (own - theirs).abs() <= 1e-3 * theirs.abs().max(1.0) || (own < -15.0 && theirs < -15.0)
            })
        };
        // One probe at a time: a trace holds all tensors of the file.
        let mut candidates: Option<Vec<usize>> = None;
        for (row, probe) in probes.iter().enumerate() {
            let trace = found.trace(model, canvas, probe)?;
            let asked = candidates.unwrap_or_else(|| sizes.iter().flat_map(|&size| trace.of_size(size)).collect());
            let agrees = |&tensor: &usize| trace.numbers(tensor).is_some_and(|numbers| same(&found, numbers, row));
            candidates = Some(asked.into_iter().filter(agrees).collect());
        }
        found.tensor = candidates?.first().copied()?;
        Some(found)
    }

    fn trace(&self, model: &Audited, canvas: &Canvas<'_>, point: &Point) -> Option<Trace> {
        let fed = tensors(&canvas.features(std::slice::from_ref(point)), &model.slots).ok()?;
        let input = |name: &str| {
            let at = model.slots.iter().position(|slot| slot.input == name)?;
            let shape = [&[1], &fed[at].row_shape[..]].concat();
            Array::new(shape, fed[at].to_f64()?)
        };
        let inputs: Vec<Array> = self.reverse.inputs().map(input).collect::<Option<_>>()?;
        Some(self.reverse.forward(&inputs))
    }

    /// The fit of the numbers of the answer, and its slopes along them. A single number for two classes is the probability or the
    /// logit of the second.
    fn fit(&self, numbers: &[f64], goal: Goal) -> (f64, Vec<f64>) {
        let class = match goal {
            Goal::Value(wanted, spread) => {
                let off = (numbers[0] - wanted) / spread;
                return (-off * off, vec![-2.0 * off / spread]);
            }
            Goal::Class(class) => class,
        };
        let single = numbers.len() == 1 && self.classes == 2;
        let scores = match (single, self.scale) {
            (false, _) => numbers.to_vec(),
            (true, Scale::Probability) => vec![1.0 - numbers[0], numbers[0]],
            (true, Scale::Logit) => vec![0.0, numbers[0]],
        };
        let fit = log_probability(self.scale, &scores, class);
        let own = |at: usize| f64::from(u8::from(at == class));
        let slope = |at: usize| match self.scale {
            Scale::Logit => own(at) - log_probability(Scale::Logit, &scores, at).exp(),
            Scale::Probability => own(at) / scores[class].max(crate::model::PROBABILITY_FLOOR),
        };
        let slopes: Vec<f64> = (0..scores.len()).map(slope).collect();
        match (single, self.scale) {
            (false, _) => (fit, slopes),
            (true, Scale::Probability) => (fit, vec![slopes[1] - slopes[0]]),
            (true, Scale::Logit) => (fit, vec![slopes[1]]),
        }
    }

    /// The fit of a point and its slopes along the axes; nothing where they cannot be computed.
    pub(super) fn at(&self, asking: &Asking<'_>, point: &Point) -> Option<(f64, Vec<f64>)> {
        let trace = self.trace(asking.model, asking.canvas, point)?;
        let (fit, slopes) = self.fit(trace.numbers(self.tensor)?, asking.goal);
        let along = self.reverse.backward(&trace, self.tensor, &slopes)?;
        let of_axis = |place: &Option<(usize, usize)>| {
            place.and_then(|(input, at)| along.get(input)?.get(at).copied()).unwrap_or(0.0)
        };
        let found: Vec<f64> = self.places.iter().map(of_axis).collect();
        found.iter().all(|slope| slope.is_finite()).then_some((fit, found))
    }

    /// Whether slopes along random directions are those of differences.
    fn agrees(&self, asking: &mut Asking<'_>, start: &Point, seed: Seed) -> Result<bool, CheckError> {
        let canvas = asking.canvas;
        let frame = Frame::of_axes(canvas, start.clone());
        let Some((_, numbers)) = self.at(asking, start) else { return Ok(false) };
        let slopes = frame.slopes(&numbers);
        let mut stream = seed.stream();
        let mut directions: Vec<Vec<f64>> = (0..DIRECTIONS).map(|_| normal(frame.width(), &mut stream)).collect();
        let mut reach = REACH;
        if frame.has_fractions() {
            directions.iter_mut().for_each(|direction| frame.keep_fractions(direction));
        } else {
            // Whole numbers move by one at least, a few of them at a time.
            directions = (0..DIRECTIONS).map(|at| frame.unit(at)).collect();
            reach = 1.0;
        }
        let mut points = Vec::with_capacity(2 * DIRECTIONS);
        for direction in &directions {
            points.extend([reach, -reach].map(|by| frame.point(&moved(&frame.origin(), by, direction))));
        }
        let Some(fits) = asking.fits(&points)? else { return Ok(false) };
        let (mut apart, mut all) = (0.0, 0.0);
        for (direction, pair) in directions.iter().zip(fits.chunks(2)) {
            let difference = (pair[0] - pair[1]) / (2.0 * reach);
            let slope: f64 = slopes.iter().zip(direction).map(|(a, b)| a * b).sum();
            apart += (difference - slope).powi(2);
            all += difference * difference;
        }
        Ok(all > 0.0 && apart <= TOLERANCE * TOLERANCE * all)
    }
}

/// Where every axis enters the file.
fn places(reverse: &Reverse, model: &Audited, canvas: &Canvas<'_>) -> Vec<Option<(usize, usize)>> {
    let of_axis = |at: usize| {
        reverse.inputs().enumerate().find_map(|(input, name)| {
            let slot = model.slots.iter().find(|slot| slot.input == name)?;
            match canvas.column(at) {
                Some(column) => slot.columns.iter().position(|name| name == column).map(|place| (input, place)),
                None => (model.slots.len() == 1).then_some((input, at)),
            }
        })
    };
    (0..canvas.axes.len()).map(of_axis).collect()
}
