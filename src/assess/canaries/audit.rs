//! After training: verifies the files, asks the model about every canary, guesses the coins, bounds epsilon.
//!
//! A changed file is an integrity failure, not a result. The model is asked through the same code as in an assessment.
//! Canaries are ranked by the main membership signal of the planted label; the highest `guessed_in` are guessed in, the
//! lowest `guessed_out` out, equal scores in the order of the file, which was drawn before training.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::draw::{refuse_tensors, sources};
use super::{Commitment, SCHEMA, Sealed, Terms, mismatch};
use crate::assess::open::{self, Loaded};
use crate::assess::plan::{DataPlan, ModelPlan, Plan};
use crate::assess::{AssessError, summary};
use crate::check::membership::signal::Signal;
use crate::data::{DataError, Outcome, Schema, Split, Table, load_table};
use crate::digest::Digest;
use crate::model::graph::Graph;
use crate::model::runtime::{self, Candidate};
use crate::seed::Seed;
use crate::stats::one_run::{Guesses, gaussian_lower_bound, gaussian_split_bound, lower_bound};
use crate::watch::Watch;

/// Splits of the canaries for the Gaussian form.
const SPLITS: usize = 25;

/// The files of an audit.
#[derive(Debug, Clone)]
pub struct Files {
    /// The finished model.
    pub model: PathBuf,
    /// The secret file.
    pub sealed: PathBuf,
    /// The public file.
    pub commitment: PathBuf,
    /// All canaries.
    pub canaries: PathBuf,
}

/// What the guesses prove.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bounds {
    /// Canaries.
    pub coins: usize,
    /// Coins that were guessed.
    pub guessed: usize,
    /// Guesses that were right. Guesses of coins, not people with a property: shown to the last one, since anybody must be
    /// able to compute the bounds again.
    pub right: usize,
    /// Lower bound on epsilon at delta: Steinke et al.
    pub epsilon: f64,
    /// The same under the hypothesis of a Gaussian trade-off curve; nothing where delta is 0.
    pub epsilon_f_dp: Option<f64>,
    /// Lower bound on the epsilon at delta of a Gaussian mechanism, from error rates on halves; nothing where delta is 0.
    pub epsilon_gaussian: Option<f64>,
    /// What the first bound would be with every guess right.
    pub ceiling: f64,
}

/// An audit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Audit {
    /// Version.
    pub schema: &'static str,
    /// A warning that the coins prove nothing, for rehearsals.
    pub rehearsal: Option<String>,
    /// What was fixed beforehand.
    pub terms: Terms,
    /// Digest of the public file, to be compared with what was published.
    pub commitment_sha256: Digest,
    /// The model's file.
    pub model: String,
    /// Digest of the model.
    pub model_sha256: Digest,
    /// The score by which canaries were ranked.
    pub signal: &'static str,
    /// The result.
    pub bounds: Bounds,
    /// What it is and what it is not.
    pub reading: Vec<String>,
    /// Version of privet.
    pub version: &'static str,
}

/// Files that agree with each other.
struct Verified {
    terms: Terms,
    coins: Vec<bool>,
    sealed: Digest,
    commitment: Digest,
}

/// Verifies, asks, guesses, bounds.
///
/// # Errors
/// [`AssessError::Integrity`] when a file is not the one that was committed to; others when model or canaries cannot be
/// read.
pub fn audit(plan: &Plan, files: &Files, candidates: &[Candidate], watch: &dyn Watch) -> Result<Audit, AssessError> {
    let verified = verify(files)?;
    let data = plan.data.as_ref().ok_or_else(|| {
        mismatch(
            format!("the plan `{}` names no data", plan.file.display()),
            "use the plan that the canaries were made with: its `[data]` says how they are read",
        )
    })?;
    let split = load(data, files, &verified.terms)?;
    let model = ModelPlan { path: files.model.clone(), ..plan.model.clone().unwrap_or_default() };
    let runtime = runtime::load(candidates)?;
    let (graph, bytes) = Graph::load(&model.path)?;
    let model_sha256 = Digest::of_bytes(&bytes);
    let file = Loaded::of(&model.path, graph, bytes, runtime)?;
    let (mut audited, _) = open::open(&model, file, &split)?;
    open::ask(&mut audited, &split, watch)?;
    let (Some(first), Some(second)) = (&audited.members, &audited.nonmembers) else {
        return Err(mismatch("the canaries have no label", "set `[data] target`"));
    };
    let signal = Signal::main(&first.predictions);
    let mut scores = signal.scores(&first.predictions, &first.truth);
    scores.extend(signal.scores(&second.predictions, &second.truth));
    let seed = Seed::root(0).derive(&verified.sealed.to_string()).derive("splits");
    let bounds = guess(&scores, &verified.coins, &verified.terms, seed);
    Ok(Audit {
        schema: SCHEMA,
        rehearsal: verified.terms.warning(),
        reading: reading(&verified.terms, &bounds),
        terms: verified.terms,
        commitment_sha256: verified.commitment,
        model: summary::file_name(&model.path),
        model_sha256,
        signal: signal.name(),
        bounds,
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Guesses the coins and bounds epsilon. Larger scores mean in; the order of equal ones must have been fixed beforehand.
pub fn guess(scores: &[f64], coins: &[bool], terms: &Terms, seed: Seed) -> Bounds {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a])); // stable
    let lowest = order.len().saturating_sub(terms.guessed_out);
    let inside = order[..terms.guessed_in.min(lowest)].iter().filter(|&&row| coins[row]).count();
    let outside = order[lowest..].iter().filter(|&&row| !coins[row]).count();
    let guessed = terms.guessed_in + terms.guessed_out;
    let guesses = Guesses { coins: coins.len(), guessed, right: inside + outside };
    let of = |wanted: bool| -> Vec<f64> {
        scores.iter().zip(coins).filter(|(_, coin)| **coin == wanted).map(|(score, _)| *score).collect()
    };
    let (delta, level) = (terms.delta, terms.level);
    let with_delta = delta > 0.0;
    Bounds {
        coins: coins.len(),
        guessed,
        right: guesses.right,
        epsilon: lower_bound(guesses, delta, level),
        epsilon_f_dp: with_delta.then(|| gaussian_lower_bound(guesses, delta, level)),
        epsilon_gaussian: with_delta.then(|| gaussian_split_bound(&of(true), &of(false), delta, level, SPLITS, seed)),
        ceiling: lower_bound(Guesses { right: guessed, ..guesses }, delta, level),
    }
}

fn integrity(what: String) -> AssessError {
    AssessError::Integrity {
        what,
        help: "get the files as they were written, from those who keep them; nothing was judged".to_owned(),
    }
}

fn verify(files: &Files) -> Result<Verified, AssessError> {
    let read = |file: &Path| {
        std::fs::read(file).map_err(|source| AssessError::Data(DataError::Io { file: file.to_owned(), source }))
    };
    let name = |file: &Path| file.display().to_string();
    let (public, secret, rows) = (read(&files.commitment)?, read(&files.sealed)?, read(&files.canaries)?);
    let commitment: Commitment = serde_json::from_slice(&public).map_err(|_| {
        mismatch(
            format!("`{}` is no commitment of `privet canaries plan`", name(&files.commitment)),
            "give the file `commitment.json` with `--commitment`",
        )
    })?;
    let terms = commitment.terms;
    if terms.schema != SCHEMA {
        return Err(mismatch(
            format!("`{}` was written by another version of privet", name(&files.commitment)),
            "audit with the version that planned",
        ));
    }
    let sealed_sha256 = Digest::of_bytes(&secret);
    if sealed_sha256 != commitment.sealed_sha256 {
        let what = "is not the file that the commitment was made to: its SHA-256 differs";
        return Err(integrity(format!("`{}` {what}", name(&files.sealed))));
    }
    let sealed: Sealed = serde_json::from_slice(&secret)
        .map_err(|_| integrity(format!("`{}` holds no coins that can be read", name(&files.sealed))))?;
    if sealed.terms != terms {
        let what = "states other terms than the sealed file: one of them was changed";
        return Err(integrity(format!("`{}` {what}", name(&files.commitment))));
    }
    if Digest::of_bytes(&rows) != terms.canaries_sha256 {
        let what = "is not the file that the commitment was made to: its SHA-256 differs";
        return Err(integrity(format!("`{}` {what}", name(&files.canaries))));
    }
    let coins: Option<Vec<bool>> = sealed.coins.chars().map(|coin| "01".find(coin).map(|at| at == 1)).collect();
    let coins = coins.filter(|coins| coins.len() == terms.canaries).ok_or_else(|| {
        integrity(format!("`{}` does not hold one coin for each of the canaries", name(&files.sealed)))
    })?;
    terms.check().map_err(|what| integrity(format!("`{}` cannot be meant: {what}", name(&files.commitment))))?;
    Ok(Verified { terms, coins, sealed: sealed_sha256, commitment: Digest::of_bytes(&public) })
}

/// The canaries as the two sets that a model is opened with: the first half of the file and the second, whatever the
/// coins say. Types are settled together with the plan's files, as in an assessment.
fn load(data: &DataPlan, files: &Files, terms: &Terms) -> Result<Split, AssessError> {
    let own = files.canaries.as_path();
    let others = sources(&data.source);
    for file in [own].iter().chain(&others) {
        refuse_tensors(file)?;
    }
    let all: Vec<(&Path, &str)> = std::iter::once((own, "the file of canaries"))
        .chain(others.into_iter().map(|file| (file, "a file of the plan")))
        .collect();
    let table: Table = load_table(&all, &data.reading)?.remove(0);
    if table.rows() != terms.canaries {
        return Err(integrity(format!(
            "`{}` holds {} rows and the commitment speaks of {} canaries",
            own.display(),
            table.rows(),
            terms.canaries
        )));
    }
    if data.schema.target != Some(Outcome::One(terms.target.clone())) {
        return Err(mismatch(
            format!("the canaries were made with the target `{}`, the plan names another", terms.target),
            "use the plan that the canaries were made with",
        ));
    }
    let half = table.rows() / 2;
    let rows = |range: std::ops::Range<usize>| table.take(&range.collect::<Vec<usize>>());
    let schema: Schema = data.schema.clone();
    Ok(Split::of_tables(rows(0..half), rows(half..table.rows()), schema, Vec::new())?)
}

fn reading(terms: &Terms, bounds: &Bounds) -> Vec<String> {
    let level = 100.0 * terms.level.value();
    let proven = if bounds.epsilon > 0.0 {
        format!(
            "With {level} % confidence the training was not (epsilon, {})-differentially private for any epsilon below {:.2}. \
             This is a lower bound: the true epsilon may be far larger.",
            terms.delta, bounds.epsilon
        )
    } else {
        format!("With {level} % confidence nothing is proven: the guesses were no better than luck allows.")
    };
    let mut reading = vec![
        proven,
        "The bound is one on epsilon, and not only a measure of one attack, because a fair coin decided for each canary and was sealed \
         before training. It holds if the included rows, and no other canary, went into the training data, once each."
            .to_owned(),
        format!(
            "{} guesses cannot show more than {:.2}, however much the model leaks; a bound near it means that more canaries \
             and guesses are needed to see the rest.",
            bounds.guessed, bounds.ceiling
        ),
        "The f-DP and the Gaussian form assume that the mechanism is Gaussian (as DP-SGD nearly is); the Gaussian form also \
         assumes that canaries do not influence each other's scores. Where that fails, only the first bound stands."
            .to_owned(),
        "Canaries compete for the model's memory: what one run can show is less than what the worst record would suffer, \
         and 0 is no proof of privacy."
            .to_owned(),
    ];
    reading.extend(terms.warning());
    reading
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::canaries::Mode;
    use crate::stats::Level;
    use rand::Rng;

    fn terms(canaries: usize, each: usize, delta: f64) -> Terms {
        Terms {
            schema: SCHEMA.to_owned(),
            rehearsal: Some(1),
            mode: Mode::Natural,
            canaries,
            guessed_in: each,
            guessed_out: each,
            delta,
            level: Level::P95,
            target: "label".to_owned(),
            canaries_sha256: Digest::of_bytes(b""),
        }
    }

    fn coins(count: usize, seed: Seed) -> Vec<bool> {
        let mut stream = seed.stream();
        (0..count).map(|_| stream.next_u64() >> 63 == 1).collect()
    }

    /// 500 perfect guesses: q = 0.05^(1/500), epsilon = ln(q / (1 - q)) = 5.11.
    #[test]
    fn perfect_memory_reaches_the_ceiling() {
        let coins = coins(1_000, Seed::root(1));
        let scores: Vec<f64> = coins.iter().map(|&coin| f64::from(u8::from(coin))).collect();
        let bounds = guess(&scores, &coins, &terms(1_000, 250, 0.0), Seed::root(2));
        assert_eq!((bounds.guessed, bounds.right), (500, 500));
        assert!((bounds.epsilon - 5.11).abs() < 5e-3 && bounds.epsilon == bounds.ceiling, "{bounds:?}");
        assert!(bounds.epsilon_f_dp.is_none() && bounds.epsilon_gaussian.is_none());
        let with_delta = guess(&scores, &coins, &terms(1_000, 250, 1e-5), Seed::root(2));
        assert!(with_delta.epsilon < bounds.epsilon && with_delta.epsilon > 4.0, "{with_delta:?}");
        assert!(with_delta.epsilon_gaussian.is_some_and(|epsilon| epsilon > 5.0), "{with_delta:?}");
    }

    /// A model that saw nothing: its scores have nothing to do with the coins.
    #[test]
    fn a_model_that_saw_nothing_proves_nothing() {
        let mut positive = [0_usize; 3];
        for run in 0..400 {
            let root = Seed::root(run).derive("rehearsal");
            let mut stream = root.derive("scores").stream();
            let scores: Vec<f64> = (0..200).map(|_| stream.next_u64() as f64).collect();
            let bounds =
                guess(&scores, &coins(200, root.derive("coins")), &terms(200, 20, 1e-5), root.derive("splits"));
            let forms = [Some(bounds.epsilon), bounds.epsilon_f_dp, bounds.epsilon_gaussian];
            for (count, epsilon) in positive.iter_mut().zip(forms) {
                *count += usize::from(epsilon.is_some_and(|epsilon| epsilon > 0.0));
            }
        }
        assert!(positive.iter().all(|&count| count <= 20), "{positive:?} of 400");
    }

    /// Equal scores are taken in the order of the file: a model that answers everybody alike is no oracle.
    #[test]
    fn equal_scores_are_guessed_in_the_order_of_the_file() {
        let coins = coins(1_000, Seed::root(5));
        let bounds = guess(&vec![0.0; 1_000], &coins, &terms(1_000, 100, 0.0), Seed::root(2));
        let right = coins[..100].iter().filter(|&&c| c).count() + coins[900..].iter().filter(|&&c| !c).count();
        assert_eq!(bounds.right, right);
        assert_eq!(bounds.epsilon, 0.0);
    }
}
