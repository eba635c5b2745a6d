//! Minimises a smooth convex function by L-BFGS (Liu and Nocedal 1989).
//!
//! Own code: the smallest kept crate for it (`argmin`) brings a framework and five more crates for these lines.

use std::collections::VecDeque;

/// Pairs of steps that the curvature is estimated from.
const REMEMBERED: usize = 10;
/// Share of the promised decrease that a step has to reach (Armijo).
const ENOUGH: f64 = 1e-4;
/// Most times that a step is shortened.
const SHORTENED: usize = 30;

/// A step, the change of the gradient over it, and their product.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    product: f64,
}

/// The minimum, from `point` on: until no component of the gradient exceeds `tolerance`, or after `steps` steps.
///
/// `objective` returns the value at a point and writes the gradient.
pub(super) fn minimise(
    mut point: Vec<f64>,
    steps: usize,
    tolerance: f64,
    objective: impl Fn(&[f64], &mut [f64]) -> f64,
) -> Vec<f64> {
    let mut gradient = vec![0.0; point.len()];
    let mut value = objective(&point, &mut gradient);
    let mut pairs: VecDeque<Pair> = VecDeque::with_capacity(REMEMBERED);
    let (mut next, mut next_gradient) = (point.clone(), gradient.clone());
    for _ in 0..steps {
        if gradient.iter().all(|g| g.abs() <= tolerance) {
            break;
        }
        let direction = direction(&gradient, &pairs);
        let slope = dot(&direction, &gradient);
        // Nothing is known of the curvature before the first step; take one of length 1.
        let mut length = if pairs.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt() } else { 1.0 };
        let mut found = None;
        for _ in 0..SHORTENED {
            next.iter_mut().zip(&point).zip(&direction).for_each(|((next, x), d)| *next = x + length * d);
            let reached = objective(&next, &mut next_gradient);
            if reached <= value + ENOUGH * length * slope {
                found = Some(reached);
                break;
            }
            // The minimum of the parabola through what is known, within bounds.
            let parabola = -0.5 * slope * length * length / (reached - value - slope * length);
            length = if parabola.is_finite() { parabola.clamp(0.1 * length, 0.5 * length) } else { 0.1 * length };
        }
        let Some(reached) = found else { break };
        remember(&mut pairs, difference(&next, &point), difference(&next_gradient, &gradient));
        value = reached;
        std::mem::swap(&mut point, &mut next);
        std::mem::swap(&mut gradient, &mut next_gradient);
    }
    point
}

fn remember(pairs: &mut VecDeque<Pair>, step: Vec<f64>, change: Vec<f64>) {
    let product = dot(&step, &change);
    // Positive for convex functions but for rounding; anything else would turn the next direction uphill.
    if product <= 1e-12 * dot(&change, &change) {
        return;
    }
    if pairs.len() == REMEMBERED {
        pairs.pop_front();
    }
    pairs.push_back(Pair { step, change, product });
}

/// Minus the estimated inverse of the second derivatives times the gradient: the two-loop recursion.
fn direction(gradient: &[f64], pairs: &VecDeque<Pair>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let share = dot(&pair.step, &direction) / pair.product;
        add(&mut direction, -share, &pair.change);
        shares.push(share);
    }
    if let Some(last) = pairs.back() {
        let scale = last.product / dot(&last.change, &last.change);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (pair, share) in pairs.iter().zip(shares.into_iter().rev()) {
        let correction = share - dot(&pair.change, &direction) / pair.product;
        add(&mut direction, correction, &pair.step);
    }
    direction
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add(sum: &mut [f64], factor: f64, values: &[f64]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}

/// The product of two vectors, in eight running sums so that it vectorises; the order is fixed.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    rest + sums.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    // sum_i (i + 1) (x_i - i)^2 + (x_0 - x_1)^4 has its minimum at x_i = i but for the first two, drawn together.
    #[test]
    fn finds_the_minimum() {
        let objective = |x: &[f64], g: &mut [f64]| {
            let gap = x[0] - x[1];
            let weight = |i: usize| (i + 1) as f64;
            x.iter().enumerate().for_each(|(i, x)| g[i] = 2.0 * weight(i) * (x - i as f64));
            g[0] += 4.0 * gap.powi(3);
            g[1] -= 4.0 * gap.powi(3);
            x.iter().enumerate().map(|(i, x)| weight(i) * (x - i as f64).powi(2)).sum::<f64>() + gap.powi(4)
        };
        let found = minimise(vec![5.0; 30], 200, 1e-9, objective);
        assert!(found.iter().enumerate().skip(2).all(|(i, x)| (x - i as f64).abs() < 1e-8));
        // Both derivatives are 0: 2 x_0 = -4 d^3 and 4 (x_1 - 1) = 4 d^3 with d = x_0 - x_1, hence d = -1 - 3 d^3.
        let gap = found[0] - found[1];
        assert!((gap + 1.0 + 3.0 * gap.powi(3)).abs() < 1e-8, "{gap}");
    }
}
