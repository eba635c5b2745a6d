//! How much the distribution of a sensitive value within a class tells: l-diversity, (alpha, k), t-closeness, beta-likeness and
//! delta-disclosure. Numbers only; the check beside it words them.

use crate::equivalence::Values;

/// The least and largest number of well-represented values for which recursive diversity is given.
pub(super) const RECURSIVE: [usize; 3] = [2, 3, 4];

/// What the distribution of one class tells, or the worst that any class tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Told {
    /// Distinct values (Machanavajjhala et al. 2007).
    pub(super) distinct: usize,
    /// exp of the entropy of the class: values that as even a distribution would have.
    pub(super) entropy: f64,
    /// For each l of [`RECURSIVE`] the count of the most frequent value over that of all from the l-th most frequent on:
    /// recursive (c, l)-diversity holds for every larger c. Infinite with fewer than l values.
    pub(super) recursive: [f64; 3],
    /// Share of the most frequent value (Wong et al. 2006).
    pub(super) alpha: f64,
    /// Largest relative gain of a value over the table (Cao and Karras 2012), basic.
    pub(super) beta: f64,
    /// The same; infinite where some gain exceeds minus the logarithm of the value's share in the table, which no choice
    /// of beta allows.
    pub(super) enhanced: f64,
    /// Largest |ln(q / p)| over the values of the class (Brickell and Shmatikov 2008).
    pub(super) delta: f64,
    /// Whether every value of the table occurs: where not, delta is infinite by the definition.
    pub(super) complete: bool,
    /// Earth mover's distance to the table where all values are equally far apart (Li, Li and Venkatasubramanian 2007).
    pub(super) equal: f64,
    /// The same where values are numbers and neighbours are near; nothing for texts.
    pub(super) ordered: Option<f64>,
    /// The same where values are near below a common name of a hierarchy; nothing without one.
    pub(super) hierarchical: Option<f64>,
}

impl Told {
    /// The distance that fits the values best: of the hierarchy, of the order, or none.
    pub(super) fn closeness(&self) -> f64 {
        self.hierarchical.or(self.ordered).unwrap_or(self.equal)
    }

    /// The worse of two in every respect.
    fn worse(self, other: Self) -> Self {
        let larger = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a.max(b));
        Self {
            distinct: self.distinct.min(other.distinct),
            entropy: self.entropy.min(other.entropy),
            recursive: std::array::from_fn(|at| self.recursive[at].max(other.recursive[at])),
            alpha: self.alpha.max(other.alpha),
            beta: self.beta.max(other.beta),
            enhanced: self.enhanced.max(other.enhanced),
            delta: self.delta.max(other.delta),
            complete: self.complete && other.complete,
            equal: self.equal.max(other.equal),
            ordered: larger(self.ordered, other.ordered),
            hierarchical: larger(self.hierarchical, other.hierarchical),
        }
    }
}

/// The worst of every measure over all answers; nothing without classes.
pub(super) fn worst(told: &[Told]) -> Option<Told> {
    told.iter().copied().reduce(Told::worse)
}

/// A tree over the values of a column: for each step up from the values the node of every code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tree {
    /// At `[h][code]` the node above a code, h + 1 steps up. The last level has one node.
    pub(super) levels: Vec<Vec<u32>>,
}

/// The whole table, prepared.
struct Overall<'a> {
    /// Share of each code.
    share: Vec<f64>,
    /// Codes that occur.
    present: usize,
    order: Option<Order>,
    tree: Option<&'a Tree>,
}

/// The values that occur, in order.
struct Order {
    /// Place of each code among those that occur.
    place: Vec<usize>,
    /// Share of the values up to each place.
    cumulative: Vec<f64>,
    /// Sum of those shares before each place; one more than there are values.
    sums: Vec<f64>,
}

impl Order {
    /// `rank` orders the codes; equal ranks do not occur.
    fn of(share: &[f64], rank: &[f64]) -> Self {
        let mut codes: Vec<usize> = (0..share.len()).filter(|&code| share[code] > 0.0).collect();
        codes.sort_by(|&a, &b| rank[a].total_cmp(&rank[b]));
        let mut order = Self { place: vec![0; share.len()], cumulative: Vec::new(), sums: vec![0.0] };
        let (mut cumulative, mut sum) = (0.0, 0.0);
        for (place, &code) in codes.iter().enumerate() {
            order.place[code] = place;
            cumulative += share[code];
            sum += cumulative;
            order.cumulative.push(cumulative);
            order.sums.push(sum);
        }
        order
    }

    /// Sum of |level - cumulative share| over the places of a range. Shares only grow, so the sign turns once.
    fn gap(&self, level: f64, range: std::ops::Range<usize>) -> f64 {
        let turn = range.start + self.cumulative[range.clone()].partition_point(|&share| share < level);
        let sum = |range: std::ops::Range<usize>| self.sums[range.end] - self.sums[range.start];
        let (below, above) = (range.start..turn, turn..range.end);
        level * below.len() as f64 - sum(below) + sum(above.clone()) - level * above.len() as f64
    }

    /// Earth mover's distance of a class, its values by ascending place; O(values x log).
    fn distance(&self, class: &mut [(usize, f64)]) -> f64 {
        let values = self.cumulative.len();
        if values < 2 {
            return 0.0;
        }
        class.sort_unstable_by_key(|&(place, _)| place);
        let (mut level, mut from, mut sum) = (0.0, 0, 0.0);
        for &(place, share) in class.iter() {
            sum += self.gap(level, from..place);
            level += share;
            from = place;
        }
        (sum + self.gap(1.0, from..values)) / (values - 1) as f64
    }
}

impl Tree {
    /// Earth mover's distance: at every inner node what flows between its children, times the node's height.
    fn distance(&self, mut extra: Vec<f64>) -> f64 {
        let height = self.levels.len() as f64;
        let mut below: Vec<u32> = (0..extra.len() as u32).collect();
        let mut cost = 0.0;
        for (step, level) in self.levels.iter().enumerate() {
            let nodes = level.iter().max().map_or(0, |&most| most as usize + 1);
            let (mut surplus, mut lack, mut seen) = (vec![0.0; nodes], vec![0.0; nodes], vec![false; extra.len()]);
            for (code, &node) in level.iter().enumerate() {
                let child = below[code] as usize;
                if !std::mem::replace(&mut seen[child], true) {
                    let (surplus, lack) = (&mut surplus[node as usize], &mut lack[node as usize]);
                    if extra[child] > 0.0 { *surplus += extra[child] } else { *lack -= extra[child] }
                }
            }
            let flow: f64 = surplus.iter().zip(&lack).map(|(surplus, lack): (&f64, &f64)| surplus.min(*lack)).sum();
            cost += (step + 1) as f64 / height * flow;
            extra = surplus.iter().zip(&lack).map(|(surplus, lack)| surplus - lack).collect();
            below.clone_from(level);
        }
        cost
    }
}

/// What every class tells, each answer once where classes share it.
pub(super) struct Answers {
    pub(super) told: Vec<Told>,
    /// The answer of every class.
    pub(super) of_class: Vec<u32>,
}

/// What every class tells about a value. `rank` orders the codes where they are numbers; `tree` groups them. O(values of
/// all classes), with a tree O(classes of several values x levels x codes).
pub(super) fn told(values: &Values, rank: Option<&[f64]>, tree: Option<&Tree>) -> Answers {
    let records = values.total().iter().sum::<u64>().max(1) as f64;
    let share: Vec<f64> = values.total().iter().map(|&count| count as f64 / records).collect();
    let overall = Overall {
        present: share.iter().filter(|&&share| share > 0.0).count(),
        order: rank.map(|rank| Order::of(&share, rank)),
        share,
        tree,
    };
    // Classes of one and the same value tell the same whatever their size; most classes are such in fine groupings.
    let mut of_one_value: Vec<Option<u32>> = vec![None; overall.share.len()];
    let mut told = Vec::new();
    let answer = |class: usize| {
        let mut runs = values.class(class);
        let first = runs.next().filter(|_| runs.next().is_none());
        let known = first.map(|(code, _)| &mut of_one_value[code as usize]);
        if let Some(Some(at)) = known {
            return *at;
        }
        let at = told.len() as u32;
        told.push(overall.told(&values.class(class)));
        if let Some(known) = known {
            *known = Some(at);
        }
        at
    };
    let of_class = (0..values.classes()).map(answer).collect();
    Answers { told, of_class }
}

impl Overall<'_> {
    fn told(&self, class: &(impl Iterator<Item = (u32, u32)> + Clone)) -> Told {
        let mut counts: Vec<u32> = class.clone().map(|(_, count)| count).collect();
        let records: f64 = counts.iter().map(|&count| f64::from(count)).sum();
        let shares = || class.clone().map(|(code, count)| (code as usize, f64::from(count) / records));
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let recursive = RECURSIVE.map(|l| {
            let rest: u32 = counts.iter().skip(l - 1).sum();
            if rest == 0 { f64::INFINITY } else { f64::from(counts[0]) / f64::from(rest) }
        });
        let (mut entropy, mut beta, mut delta, mut feasible) = (0.0, 0.0_f64, 0.0_f64, true);
        let (mut moved, mut met) = (0.0, 0.0);
        for (code, q) in shares() {
            let p = self.share[code];
            let gain = (q - p) / p;
            entropy -= q * q.ln();
            beta = beta.max(gain);
            feasible &= gain <= -p.ln();
            delta = delta.max((q / p).ln().abs());
            moved += (q - p).abs();
            met += p;
        }
        let hierarchical = self.tree.map(|tree| {
            let mut extra: Vec<f64> = self.share.iter().map(|p| -p).collect();
            shares().for_each(|(code, q)| extra[code] += q);
            tree.distance(extra)
        });
        let placed = |order: &Order| shares().map(|(code, q)| (order.place[code], q)).collect::<Vec<_>>();
        Told {
            distinct: counts.len(),
            entropy: f64::exp(entropy),
            recursive,
            alpha: f64::from(counts.first().copied().unwrap_or(0)) / records,
            beta,
            enhanced: if feasible { beta } else { f64::INFINITY },
            delta,
            complete: counts.len() == self.present,
            equal: 0.5 * (moved + (1.0 - met).max(0.0)),
            ordered: self.order.as_ref().map(|order| order.distance(&mut placed(order))),
            hierarchical,
        }
    }
}
