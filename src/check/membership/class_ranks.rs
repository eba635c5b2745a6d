//! Signals within their class: models are surer of some classes than of others, whoever is in them.

use super::pool::{Pool, Signals};

/// Fewest non-members of a class for ranks of its own.
const FEWEST_OF_CLASS: usize = 20;

/// Ranks of a signal within classes, learned among the non-members of the other half.
pub(super) fn by_class(pool: &Pool, signals: &Signals, values: &[f64]) -> Vec<f64> {
    pool.cross_fit(|training, rows| {
        let nonmembers = training.iter().copied().filter(|&row| !pool.is_member(row));
        let ranks = ClassRanks::of(values, &signals.classes, signals.levels, nonmembers);
        rows.iter().map(|&row| ranks.rank(signals.classes[row], values[row])).collect()
    })
}

/// Where a signal stands among the non-members of its class: 0 to 1 between the smallest and the largest, beyond them in
/// proportion to the distance, so that the tails keep their order.
struct ClassRanks {
    of_class: Vec<Vec<f64>>,
    pooled: Vec<f64>,
}

impl ClassRanks {
    fn of(values: &[f64], classes: &[u32], levels: usize, rows: impl Iterator<Item = usize>) -> Self {
        let mut of_class = vec![Vec::new(); levels];
        let mut pooled = Vec::new();
        for row in rows {
            of_class[classes[row] as usize].push(values[row]);
            pooled.push(values[row]);
        }
        of_class.iter_mut().for_each(|values| values.sort_by(f64::total_cmp));
        pooled.sort_by(f64::total_cmp);
        Self { of_class, pooled }
    }

    fn rank(&self, class: u32, value: f64) -> f64 {
        let own = self.of_class.get(class as usize).filter(|values| values.len() >= FEWEST_OF_CLASS);
        let sorted = own.unwrap_or(&self.pooled);
        let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else { return value };
        let scale = (high - low).max(1e-12);
        if value > high {
            return 1.0 + (value - high) / scale;
        }
        if value < low {
            return (value - low) / scale;
        }
        let (below, up_to) = (sorted.partition_point(|&v| v < value), sorted.partition_point(|&v| v <= value));
        (below + up_to) as f64 / (2 * sorted.len()) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_ranks_keep_the_order_of_the_tails() {
        let ranks = ClassRanks::of(&[1.0, 2.0, 3.0], &[0; 3], 1, 0..3);
        let placed: Vec<f64> = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0].iter().map(|&value| ranks.rank(0, value)).collect();
        assert!(placed.windows(2).all(|pair| pair[0] < pair[1]), "{placed:?}");
    }
}
