//! Counts of people that may be shown.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::stats::{Estimate, Method};

/// The smallest number of people that is printed; smaller non-zero counts read `<11`.
///
/// The cell-size rule of the Centers for Medicare and Medicaid Services: no cell from 1 to 10.
pub const SMALLEST_SHOWN: usize = 11;

/// A count of people: zero, a number from 11, or withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// Nobody, or at least 11.
    Shown(usize),
    /// From 1 to 10.
    Withheld,
    /// Any number that would give away a count from 1 to 10 if it were shown.
    Hidden,
}

impl Count {
    /// Wraps a count, withholding 1 to 10.
    ///
    /// ```
    /// use privet::finding::Count;
    /// assert_eq!(Count::of(10).to_string(), "<11");
    /// assert_eq!(Count::of(0).to_string(), "0");
    /// assert_eq!(Count::of(12_345).to_string(), "12,345");
    /// ```
    pub fn of(count: usize) -> Self {
        if (1..SMALLEST_SHOWN).contains(&count) { Self::Withheld } else { Self::Shown(count) }
    }

    /// The count of a part of `total`: hidden when what is left over would be 1 to 10.
    pub fn of_part(count: usize, total: usize) -> Self {
        match Self::of(total.saturating_sub(count)) {
            Self::Withheld if Self::of(count) != Self::Withheld => Self::Hidden,
            Self::Withheld => Self::Withheld,
            Self::Hidden | Self::Shown(_) => Self::of(count),
        }
    }
}

/// The share that `count` of `total` people make, counted on a whole file. Where 1 to 10 people stand on either side, the
/// share is shown as the range that any such count would give, its worse end as the value.
///
/// ```
/// use privet::finding::share_of;
/// let e = share_of(3, 1000);
/// assert_eq!((e.low, e.value, e.high), (0.001, 0.01, 0.01));
/// assert_eq!(share_of(250, 1000).value, 0.25);
/// ```
pub fn share_of(count: usize, total: usize) -> Estimate {
    let share = |count: usize| count as f64 / total.max(1) as f64;
    let exact = Estimate::exact(share(count), total);
    if count == 0 || count == total {
        return exact;
    }
    let (least, most) = match (Count::of(count), Count::of(total.saturating_sub(count))) {
        (Count::Withheld, _) => (1, SMALLEST_SHOWN - 1),
        (_, Count::Withheld) => (total.saturating_sub(SMALLEST_SHOWN - 1), total - 1),
        _ => return exact,
    };
    let (low, high) = (share(least), share(most.min(total)));
    Estimate { value: high, low, high, method: Method::SuppressedCount, ..exact }
}

/// A part of a whole in words, withholding 1 to 10 on either side.
///
/// ```
/// use privet::finding::part_of;
/// assert_eq!(part_of(3, 1000), "<11 of 1,000");
/// assert_eq!(part_of(992, 1000), "all but <11 of 1,000");
/// assert_eq!(part_of(250, 1000), "250 of 1,000");
/// ```
pub fn part_of(count: usize, total: usize) -> String {
    match (Count::of(count), Count::of(total.saturating_sub(count))) {
        (Count::Shown(_), Count::Withheld) => format!("all but <11 of {}", Count::of(total)),
        (shown, _) => format!("{shown} of {}", Count::of(total)),
    }
}

/// Counts that add up to a known total: where those withheld come to 1 to 10 together, the smallest of the others is hidden, or
/// the total would give them away.
///
/// ```
/// use privet::finding::{Count, partition};
/// let shown = partition(&[1011, 982, 7]);
/// assert_eq!(shown, [Count::Shown(1011), Count::Hidden, Count::Withheld]);
/// ```
pub fn partition(counts: &[usize]) -> Vec<Count> {
    let mut shown: Vec<Count> = counts.iter().map(|&count| Count::of(count)).collect();
    let withheld: usize = counts.iter().filter(|&&count| count < SMALLEST_SHOWN).sum();
    if Count::of(withheld) == Count::Withheld {
        let others = (0..counts.len()).filter(|&i| counts[i] >= SMALLEST_SHOWN);
        if let Some(smallest) = others.min_by_key(|&i| counts[i]) {
            shown[smallest] = Count::Hidden;
        }
    }
    shown
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Withheld => f.write_str("<11"),
            Self::Hidden => f.write_str("withheld"),
            Self::Shown(count) => f.write_str(&grouped(*count as u64)),
        }
    }
}

/// A whole number with commas between thousands.
///
/// ```
/// assert_eq!(privet::finding::grouped(1_020_000), "1,020,000");
/// ```
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
