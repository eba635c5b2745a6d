//! The cheapest assignment of rows to columns, one to one.

/// No column: the path starts here.
const START: usize = usize::MAX;

/// The column of each row such that every column has one row and the sum of the costs is least.
///
/// `costs` is a square of `n` by `n`, row by row. O(n^3) time, O(n) memory beside the costs. Where several assignments cost
/// the same one of them is returned, and which one depends on the order of rows and columns: who counts how many rows
/// meet a certain column has to put them into random order first.
///
/// Reference: Kuhn, Naval Research Logistics Quarterly 2 (1955); the shortest augmenting paths of Jonker and Volgenant,
/// Computing 38 (1987) 325-340.
///
/// # Panics
/// When there are not `n` times `n` costs, or one of them is no number.
///
/// ```
/// use privet::linkage::assign;
/// // The cheapest cell of either row is in the first column; 1 + 3 is less than 2 + 5.
/// assert_eq!(assign(&[1.0, 5.0, 2.0, 3.0], 2), [0, 1]);
/// ```
pub fn assign(costs: &[f64], n: usize) -> Vec<usize> {
    assert_eq!(costs.len(), n * n, "costs are a square");
    assert!(!costs.iter().any(|cost| cost.is_nan()), "costs are numbers");
    let mut state = State { costs, n, of_row: vec![0.0; n], of_column: vec![0.0; n], row_at: vec![None; n] };
    (0..n).for_each(|row| state.place(row));
    let mut columns = vec![0; n];
    for (column, row) in state.row_at.into_iter().enumerate() {
        columns[row.expect("as many rows as columns were placed")] = column;
    }
    columns
}

/// The rows that are placed, and prices under which every cell costs at least nothing and their cells nothing.
struct State<'a> {
    costs: &'a [f64],
    n: usize,
    of_row: Vec<f64>,
    of_column: Vec<f64>,
    row_at: Vec<Option<usize>>,
}

impl State<'_> {
    /// Places one more row, by the shortest path that ends at a free column; rows on it move on by one.
    fn place(&mut self, start: usize) {
        let mut length = vec![f64::INFINITY; self.n];
        let mut before = vec![START; self.n];
        let mut open: Vec<usize> = (0..self.n).collect();
        let mut passed = Vec::new();
        let (mut row, mut last, mut so_far) = (start, START, 0.0);
        let mut end = loop {
            let mut nearest = 0;
            for (at, &column) in open.iter().enumerate() {
                let cost = self.costs[row * self.n + column] - self.of_row[row] - self.of_column[column];
                if so_far + cost < length[column] {
                    (length[column], before[column]) = (so_far + cost, last);
                }
                // Of equally near columns a free one ends the search.
                let rank = |column: usize| (length[column], self.row_at[column].is_some());
                if rank(column) < rank(open[nearest]) {
                    nearest = at;
                }
            }
            let column = open.swap_remove(nearest);
            so_far = length[column];
            let Some(next) = self.row_at[column] else { break column };
            passed.push((column, next));
            (row, last) = (next, column);
        };
        self.of_row[start] += so_far;
        for (column, row) in passed {
            self.of_row[row] += so_far - length[column];
            self.of_column[column] -= so_far - length[column];
        }
        while before[end] != START {
            self.row_at[end] = self.row_at[before[end]];
            end = before[end];
        }
        self.row_at[end] = Some(start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn total(costs: &[f64], n: usize, columns: &[usize]) -> f64 {
        columns.iter().enumerate().map(|(row, column)| costs[row * n + column]).sum()
    }

    /// The least total over all orders of the columns that are left.
    fn least(costs: &[f64], n: usize, row: usize, left: &mut Vec<usize>) -> f64 {
        if row == n {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        for at in 0..left.len() {
            let column = left.remove(at);
            best = best.min(costs[row * n + column] + least(costs, n, row + 1, left));
            left.insert(at, column);
        }
        best
    }

    #[test]
    fn small_squares_are_assigned() {
        assert_eq!(assign(&[], 0), [0; 0]);
        assert_eq!(assign(&[-3.0], 1), [0]);
        // 0, 2, 100 against 0, 100, 101: each on its own would take 0, 0 and 100; together it takes 99.
        let costs = [0.0, 100.0, 101.0, 2.0, 98.0, 99.0, 100.0, 0.0, 1.0];
        assert_eq!(total(&costs, 3, &assign(&costs, 3)), 99.0);
    }

    #[test]
    fn equal_costs_are_assigned_at_once() {
        let mut columns = assign(&vec![0.5; 1_000_000], 1000);
        columns.sort_unstable();
        assert_eq!(columns, (0..1000).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn no_order_of_the_columns_costs_less((n, costs) in (1_usize..7).prop_flat_map(|n| {
            // Few distinct costs make ties, negative ones test the prices.
            (Just(n), prop::collection::vec((-4_i32..5).prop_map(|cost| f64::from(cost) / 3.0), n * n))
        })) {
            let columns = assign(&costs, n);
            let mut sorted = columns.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..n).collect::<Vec<_>>());
            let best = least(&costs, n, 0, &mut (0..n).collect());
            prop_assert!((total(&costs, n, &columns) - best).abs() < 1e-9);
        }
    }
}
