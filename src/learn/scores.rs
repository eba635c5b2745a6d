//! Scores before they are probabilities: one number for two classes, a number per class for more.

/// Number of scores.
pub(super) fn outputs(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

/// Log-odds (two classes) or log-shares (more) of the classes, with a half added to every count.
pub(super) fn starting(rows: &[usize], labels: &[u32], classes: usize) -> Vec<f64> {
    let mut counts = vec![0.5_f64; classes];
    rows.iter().for_each(|&row| counts[labels[row] as usize] += 1.0);
    if classes == 2 {
        return vec![(counts[1] / counts[0]).ln()];
    }
    let total: f64 = counts.iter().sum();
    counts.iter().map(|count| (count / total).ln()).collect()
}

/// The probability of the second of two classes.
pub(super) fn logistic(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}

/// Turns the scores of three or more classes into probabilities. Returns the logarithm of what they were divided by.
pub(super) fn softmax(scores: &mut [f64]) -> f64 {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores.iter_mut().for_each(|score| *score = (*score - top).exp());
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|weight| *weight /= sum);
    top + sum.ln()
}

/// Class probabilities from the scores of one row.
pub(super) fn probabilities(mut scores: Vec<f64>) -> Vec<f64> {
    if let [score] = scores[..] {
        let p = logistic(score);
        return vec![1.0 - p, p];
    }
    softmax(&mut scores);
    scores
}
