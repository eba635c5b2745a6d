//! Sums of reciprocals, which the likelihoods of the population models are made of.

/// From here on the Euler-Maclaurin series below is exact to the last digits.
const ASYMPTOTIC: f64 = 20.0;

/// Sum of 1/(x + i) for i from 0 to `terms - 1`, that is psi(x + terms) - psi(x), without the cancellation of two digamma
/// values. For x > 0. O(1).
pub(super) fn reciprocals(x: f64, terms: f64) -> f64 {
    let (direct, x, terms) = head(x, terms, |y| 1.0 / y);
    if terms <= 0.0 {
        return direct;
    }
    // psi(y) = ln y - 1/(2y) - 1/(12y^2) + 1/(120y^4) - 1/(252y^6) + 1/(240y^8) - ...
    let tail = |y: f64| {
        let z = 1.0 / (y * y);
        -0.5 / y - z * (1.0 / 12.0 - z * (1.0 / 120.0 - z * (1.0 / 252.0 - z / 240.0)))
    };
    direct + (terms / x).ln_1p() + tail(x + terms) - tail(x)
}

/// Sum of 1/(x + i)^2 for i from 0 to `terms - 1`. For x > 0. O(1).
pub(super) fn squared_reciprocals(x: f64, terms: f64) -> f64 {
    let (direct, x, terms) = head(x, terms, |y| 1.0 / (y * y));
    if terms <= 0.0 {
        return direct;
    }
    // psi'(y) = 1/y + 1/(2y^2) + 1/(6y^3) - 1/(30y^5) + 1/(42y^7) - 1/(30y^9) + ...
    let tail = |y: f64| {
        let z = 1.0 / (y * y);
        z * 0.5 + z / y * (1.0 / 6.0 - z * (1.0 / 30.0 - z * (1.0 / 42.0 - z / 30.0)))
    };
    direct + terms / (x * (x + terms)) + tail(x) - tail(x + terms)
}

/// The terms before the series holds, summed one by one; and what is left.
fn head(x: f64, terms: f64, term: impl Fn(f64) -> f64) -> (f64, f64, f64) {
    let (mut sum, mut x, mut terms) = (0.0, x, terms);
    while terms >= 1.0 && x < ASYMPTOTIC {
        sum += term(x);
        x += 1.0;
        terms -= 1.0;
    }
    (sum, x, terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_equal_plain_addition() {
        for x in [0.01, 0.3, 1.0, 7.5, 19.9, 20.0, 4000.0, 1e9] {
            for terms in [0_u32, 1, 2, 19, 400, 20_000] {
                let plain = |power: i32| (0..terms).map(|i| (x + f64::from(i)).powi(-power)).sum::<f64>();
                let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs();
                let terms = f64::from(terms);
                assert!(close(reciprocals(x, terms), plain(1)), "{x} {terms}");
                assert!(close(squared_reciprocals(x, terms), plain(2)), "{x} {terms}");
            }
        }
    }
}
