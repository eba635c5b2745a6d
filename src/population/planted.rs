//! Models of single records on populations whose truth is known because they are drawn.

use super::{NoAnswer, RecordAnswer, copula_answer, log_linear_answer, uniqueness_of_key};
use crate::equivalence::{Classes, Column};
use crate::seed::{Seed, Stream};
use crate::stats::uniform::{below, unit};

/// Keys of everybody, one list per column, and the levels of each.
struct Population {
    columns: Vec<Vec<u32>>,
    levels: Vec<u32>,
}

/// Of one sample: the share of the population that is unique, and of the sample uniques; the share of right matches with those.
struct Truth([f64; 3]);

impl Population {
    fn of(people: usize, levels: &[u32], mut draw: impl FnMut() -> Vec<u32>) -> Self {
        let mut columns = vec![Vec::new(); levels.len()];
        for _ in 0..people {
            columns.iter_mut().zip(draw()).for_each(|(column, code)| column.push(code));
        }
        Self { columns, levels: levels.to_vec() }
    }

    fn columns(&self, rows: &[u32]) -> Vec<Column> {
        let of = |(codes, &levels): (&Vec<u32>, &u32)| {
            Column::new(rows.iter().map(|&row| codes[row as usize]), levels, Some(levels - 1))
        };
        self.columns.iter().zip(&self.levels).map(of).collect()
    }

    fn people(&self) -> usize {
        self.columns[0].len()
    }

    /// A simple random sample and what is true of it. The last level of every column means missing.
    fn sample(&self, records: usize, stream: &mut Stream) -> (Vec<Column>, Truth) {
        let mut rows: Vec<u32> = (0..self.people() as u32).collect();
        let everybody = self.columns(&rows);
        let classes = |columns: &[Column]| Classes::of(&columns.iter().collect::<Vec<_>>(), None);
        let all = classes(&everybody);
        for at in 0..records {
            let other = at + below(rows.len() - at, stream);
            rows.swap(at, other);
        }
        rows.truncate(records);
        let drawn = self.columns(&rows);
        let groups = classes(&drawn);
        let alone = groups.records().iter().zip(groups.first()).filter(|(size, _)| **size == 1);
        let sizes: Vec<f64> = alone
            .map(|(_, &first)| f64::from(all.records()[all.of_record()[rows[first as usize] as usize] as usize]))
            .collect();
        let share = |sum: f64| sum / sizes.len() as f64;
        let unique = all.records().iter().filter(|size| **size == 1).count() as f64 / self.people() as f64;
        let right = sizes.iter().map(|size| 1.0 / size).sum();
        (drawn, Truth([unique, share(sizes.iter().filter(|size| **size == 1.0).count() as f64), share(right)]))
    }
}

/// What a model said of some samples.
#[derive(Debug)]
struct Coverage {
    /// Samples of which it said something: a right model is refused now and then, its dispersion being tested at 5 %.
    answered: usize,
    /// Samples whose intervals hold the truth, for each of the three numbers.
    covered: [usize; 3],
    /// Mean share of the population that is unique.
    mean: f64,
}

impl Coverage {
    /// 95 % of 20 are 19; fewer than 17 would happen once in 60 right programs.
    fn is_right(&self) -> bool {
        self.answered >= 17 && self.covered.iter().all(|covered| covered + 3 >= self.answered)
    }
}

fn coverage(
    population: &Population,
    records: usize,
    ask: impl Fn(&[Column], f64, Seed) -> Result<RecordAnswer, NoAnswer>,
) -> Coverage {
    let mut found = Coverage { answered: 0, covered: [0; 3], mean: 0.0 };
    for run in 0..20 {
        let seed = Seed::root(run);
        let (columns, Truth(truth)) = population.sample(records, &mut seed.derive("sample").stream());
        let Ok(says) = ask(&columns, population.people() as f64, seed) else { continue };
        let estimates = [says.unique_share, says.population_uniques, says.right_matches];
        for ((estimate, truth), covered) in estimates.iter().zip(truth).zip(&mut found.covered) {
            *covered += usize::from(estimate.covers(truth));
        }
        found.mean = (found.mean * found.answered as f64 + says.unique_share.value) / (found.answered + 1) as f64;
        found.answered += 1;
    }
    found
}

/// A level by its weight, 1 / (1 + level).
fn by_rank(levels: u32, stream: &mut Stream) -> u32 {
    let whole: f64 = (1..=levels).map(|rank| 1.0 / f64::from(rank)).sum();
    let mut left = unit(stream) * whole;
    (0..levels)
        .find(|level| {
            left -= 1.0 / f64::from(level + 1);
            left <= 0.0
        })
        .unwrap_or(levels - 1)
}

/// Columns that do not depend on each other: both models say what the closed form does, and the truth of each draw.
#[test]
fn independent_columns_have_a_closed_form() {
    let mut stream = Seed::root(5).stream();
    let levels = [31, 13, 21];
    let population = Population::of(20_000, &levels, || levels.map(|levels| by_rank(levels - 1, &mut stream)).to_vec());
    let shares = levels.map(|levels| -> Vec<f64> {
        let whole: f64 = (1..levels).map(|rank| 1.0 / f64::from(rank)).sum();
        (1..levels).map(|rank| 1.0 / f64::from(rank) / whole).collect()
    });
    let mut expected = 0.0;
    for a in &shares[0] {
        for b in &shares[1] {
            expected += shares[2].iter().map(|c| a * b * c * uniqueness_of_key(a * b * c, 20_000.0)).sum::<f64>();
        }
    }
    let copula =
        coverage(&population, 2_000, |columns, people, seed| copula_answer(columns, &[false; 3], people, seed));
    let log_linear = coverage(&population, 2_000, |columns, people, seed| {
        log_linear_answer(columns, people, seed).map(|answer| answer.says)
    });
    for found in [copula, log_linear] {
        assert!(found.is_right() && (found.mean / expected - 1.0).abs() < 0.1, "{found:?} {expected}");
    }
}

/// Ages, places and years that depend on each other as normal variables do, one value in ten missing in one column.
#[test]
fn dependent_columns_are_covered() {
    let mut stream = Seed::root(6).stream();
    let mut normal = move || {
        let radius = (-2.0 * (1.0 - unit(&mut stream)).ln()).sqrt();
        radius * (std::f64::consts::TAU * unit(&mut stream)).cos()
    };
    let cut = |x: f64, levels: f64| ((x + 2.5) / 5.0 * levels).clamp(0.0, levels - 1.0) as u32;
    let population = Population::of(20_000, &[41, 16, 13], || {
        let [a, b, c, gone] = [normal(), normal(), normal(), normal()];
        let b = 0.8 * a + 0.6 * b;
        let c = -0.5 * a + 0.3 * b + 0.7 * c;
        vec![cut(a, 40.0), if gone > 1.2816 { 15 } else { cut(b, 15.0) }, cut(c, 12.0)]
    });
    let found = coverage(&population, 2_000, |columns, people, seed| copula_answer(columns, &[true; 3], people, seed));
    assert!(found.is_right(), "{found:?}");
}

/// A third column that follows from two others, which no pair of columns shows: either model says that it does not hold.
#[test]
fn dependence_of_three_is_a_stated_failure() {
    let mut stream = Seed::root(7).stream();
    let population = Population::of(20_000, &[41, 41, 41], || {
        let [a, b] = [0, 1].map(|_| below(40, &mut stream) as u32);
        vec![a, b, (a + b) % 40]
    });
    for run in 0..5 {
        let seed = Seed::root(run);
        let (columns, _) = population.sample(2_000, &mut seed.derive("sample").stream());
        let copula = copula_answer(&columns, &[true; 3], 20_000.0, seed);
        assert!(
            matches!(copula, Err(NoAnswer::Misfit { expected_over_counted }) if expected_over_counted > 2.0),
            "{copula:?}"
        );
        let log_linear = log_linear_answer(&columns, 20_000.0, seed);
        assert!(matches!(log_linear, Err(NoAnswer::Dispersion { .. } | NoAnswer::Misfit { .. })), "{log_linear:?}");
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let column = |codes: Vec<u32>| {
        let levels = codes.iter().max().map_or(1, |most| most + 2);
        Column::new(codes, levels, Some(levels - 1))
    };
    let ask = |columns: &[Column], people: f64| {
        let copula = copula_answer(columns, &vec![true; columns.len()], people, Seed::root(1)).map(|_| ());
        [copula, log_linear_answer(columns, people, Seed::root(1)).map(|_| ())]
    };
    let few = [
        column((0..200).map(|row| row / 20).collect()),
        column((0..200).map(|row| if row < 10 { row } else { 10 }).collect()),
    ];
    assert_eq!(ask(&few, 1_000.0), [Err(NoAnswer::FewUniques); 2]);
    assert_eq!(ask(&few[..1], 1_000.0), [Err(NoAnswer::OneColumn); 2]);
    assert_eq!(ask(&few, 200.0), [Err(NoAnswer::Everybody); 2]);
    let pairs = [column((0..200).map(|row| row / 2).collect()), column(vec![0; 200])];
    assert_eq!(ask(&pairs, 1_000.0), [Err(NoAnswer::NoUniques); 2]);
    let wide = [column((0..2_000).collect()), column((0..2_000).collect())];
    assert!(matches!(ask(&wide, 1e6)[1], Err(NoAnswer::TooManyCells(_))));
    assert_eq!(ask(&[], 1e6), [Err(NoAnswer::OneColumn); 2]);
}

#[test]
fn threads_change_nothing() {
    let mut stream = Seed::root(8).stream();
    let population = Population::of(3_000, &[21, 21], || [0, 1].map(|_| by_rank(20, &mut stream)).to_vec());
    let (columns, _) = population.sample(500, &mut Seed::root(1).stream());
    let run = || {
        let seed = Seed::root(1);
        (copula_answer(&columns, &[false; 2], 3e3, seed), log_linear_answer(&columns, 3e3, seed))
    };
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let found = run();
    assert!(found.0.is_ok() && found.1.is_ok(), "{found:?}");
    assert_eq!(one.install(run), found);
}
