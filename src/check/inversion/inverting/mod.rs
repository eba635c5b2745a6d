//! Inverting a model: records that it is sure about, made with answers alone or with the slopes of its file.
//!
//! What `reconstruction.rs` is made of. Refuses to hand out what was inverted: likeness to people leaves this module, records
//! do not.

mod ascent;
mod asking;
mod canvas;
mod evolution;
mod file;
mod frame;
pub(super) mod judgement;
mod likeness;
mod search;
mod targets;

pub(super) use asking::{Goal, Meter};
pub(super) use canvas::{Canvas, Point, Side};
pub(super) use file::COMPARING;
pub(super) use targets::{MOST_PEOPLE, Target, Targets, targets};

use asking::Asking;
use file::FileSlopes;
use frame::{Frame, standardised};

use crate::check::{Audited, CheckError};
use crate::learn::components::Components;
use crate::model::Predictions;
use crate::model::contents::Contents;
use crate::seed::Seed;

/// Most directions of the prior.
const DIRECTIONS: usize = 32;
/// Most records that it is made of.
const MOST_IN_PRIOR: usize = 256;

/// A way of inverting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attack {
    /// One column after the other.
    Columns,
    /// Along the slope, in all numbers.
    Slope,
    /// Along the slope, among what hold-out records look like.
    PriorSlope,
    /// Evolution among what hold-out records look like.
    Evolution,
    /// Labels alone, among what hold-out records look like.
    Labels,
}

/// Where the slope of an attack comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    File,
    Differences,
    Random,
    Columns,
    Evolution,
    Labels,
}

impl Source {
    fn words(self) -> &'static str {
        match self {
            Self::File => "ascent along slopes of the file",
            Self::Differences => "ascent along central differences",
            Self::Random => "ascent along random directions (NES)",
            Self::Columns => "search column by column",
            Self::Evolution => "evolution (CMA-ES) in the prior space",
            Self::Labels => "boundary repulsion from labels alone in the prior space",
        }
    }
}

impl Attack {
    /// Its name, and that of its stream of random numbers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::Slope => "slope",
            Self::PriorSlope => "prior slope",
            Self::Evolution => "evolution",
            Self::Labels => "labels",
        }
    }
}

/// A record that was inverted. Refuses to be printed.
pub(super) struct Inverted {
    pub(super) point: Point,
    source: Source,
}

/// What an attack made of one class, and what it asked.
pub(super) struct Tried {
    pub(super) attack: Attack,
    pub(super) found: Option<Inverted>,
    pub(super) asked: usize,
    /// The probability of the wanted class (or `e` to the fit of the number) at what was found; NaN where
    /// classes alone are said.
    pub(super) surely: f64,
}

impl Tried {
    /// How the record was made, for a table.
    pub(super) fn made(&self) -> String {
        let source = self.found.as_ref().map_or("", |found| found.source.words());
        if self.attack == Attack::PriorSlope { format!("{source}, in the prior space") } else { source.to_owned() }
    }
}

/// Everything that inverting one class after the other takes.
pub(super) struct Workshop<'a> {
    pub(super) model: &'a Audited,
    pub(super) canvas: Canvas<'a>,
    /// The mean of the attacker's records: where everything starts.
    pub(super) start: Point,
    prior: Components,
    pub(super) attacks: Vec<Attack>,
    file: Option<FileSlopes>,
    /// Why slopes do not come from the file, where there is one.
    pub(super) refused: Option<String>,
}

impl<'a> Workshop<'a> {
    /// The attacks that a model and its records allow. `known` are rows of the attacker's records.
    pub(super) fn new(model: &'a Audited, canvas: Canvas<'a>, known: &[usize], seed: Seed) -> Self {
        let known = canvas.people(Side::Others, known);
        let start = canvas.settled(canvas.mean(&known));
        let kept = known.len().min(MOST_IN_PRIOR);
        let rows: Vec<Vec<f64>> =
            (0..kept).map(|at| standardised(&canvas, &known[at * known.len() / kept.max(1)])).collect();
        let prior = Components::of(&rows, DIRECTIONS, seed.derive("prior"));
        let answers = model.nonmembers.as_ref().map(|answers| &answers.predictions);
        let graded = matches!(answers, Some(Predictions::Scores { .. } | Predictions::Values(_)));
        let classes = matches!(answers, Some(Predictions::Scores { .. } | Predictions::Labels(_)));
        let mut attacks = Vec::new();
        attacks.extend((graded && canvas.is_table()).then_some(Attack::Columns));
        attacks.extend((graded && canvas.has_numbers()).then_some(Attack::Slope));
        if graded && !prior.is_empty() {
            attacks.extend([Attack::PriorSlope, Attack::Evolution]);
        }
        attacks.extend((classes && !prior.is_empty()).then_some(Attack::Labels));
        Self { model, canvas, start, prior, attacks, file: None, refused: None }
    }

    /// Takes slopes from the file, where they agree with the model's answers.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(super) fn read_slopes(
        &mut self,
        contents: &Contents,
        goals: &[Goal],
        known: &[usize],
        purse: usize,
        meter: &Meter<'_>,
        seed: Seed,
    ) -> Result<(), CheckError> {
        let (Some(&first), Some(&last)) = (goals.first(), goals.last()) else { return Ok(()) };
        if !self.attacks.contains(&Attack::Slope) {
            return Ok(());
        }
        let mut asking = Asking { canvas: &self.canvas, model: self.model, meter, goal: first, purse, asked: 0 };
        let seed = seed.derive("slopes");
        match FileSlopes::of(contents, &mut asking, [first, last], goals.len(), &self.start, known, seed)? {
            Ok(file) => self.file = Some(file),
            Err(reason) => self.refused = Some(reason),
        }
        Ok(())
    }

    /// All attacks on one class, each with a purse of its own.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(super) fn invert(
        &self,
        goal: Goal,
        purse: usize,
        meter: &Meter<'_>,
        seed: Seed,
    ) -> Result<Vec<Tried>, CheckError> {
        let mut base = self.start.clone();
        let mut tried = Vec::with_capacity(self.attacks.len());
        for &attack in &self.attacks {
            let mut asking = Asking {
                canvas: &self.canvas,
                model: self.model,
                meter,
                goal,
                purse: purse.saturating_sub(1),
                asked: 0,
            };
            let seed = seed.derive(attack.name());
            let axes = || Frame::of_axes(&self.canvas, base.clone());
            let prior = || Frame::of_prior(&self.canvas, base.clone(), &self.prior);
            let found = match attack {
                Attack::Columns => search::coordinates(&base, &mut asking, seed)?,
                Attack::Slope => ascent::ascend(&axes(), &mut asking, self.file.as_ref(), seed)?,
                Attack::PriorSlope => ascent::ascend(&prior(), &mut asking, self.file.as_ref(), seed)?,
                Attack::Evolution => search::evolve(&prior(), &mut asking, seed)?,
                Attack::Labels => search::repel(&prior(), &mut asking, seed)?,
            };
            // One question is kept back: how sure the model is of what came out.
            asking.purse = purse.min(1);
            let surely = match &found {
                Some(found) => asking.fits(std::slice::from_ref(&found.point))?.map_or(f64::NAN, |fits| fits[0]),
                None => f64::NAN,
            };
            // A class alone says nothing of how sure it is.
            let surely = if surely.is_finite() { surely.exp() } else { f64::NAN };
            if let (Attack::Columns, Some(found)) = (attack, &found) {
                // Texts are chosen column by column; the attacks on numbers take them as they are.
                base.choices.clone_from(&found.point.choices);
            }
            tried.push(Tried { attack, found, asked: asking.asked, surely });
        }
        Ok(tried)
    }
}
