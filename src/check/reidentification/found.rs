//! What a linkage attack found, in findings.

use super::attacker::AttackerFile;
use super::fields::{Comparing, Rates};
use super::pairing::Joined;
use super::{counted, severity_among};
use crate::data::ThreatModel;
use crate::finding::{
    Baseline, Count, Evidence, Finding, SMALLEST_SHOWN, Standing, Table, Unit, grouped, partition, share_of,
};
use crate::linkage::{Learned, Links};
use crate::stats::interval::wilson;
use crate::stats::{Estimate, Level, Method};

/// The check.
pub(super) const CHECK: &str = "reidentification/linkage";
/// Share of people whose best match is their own record.
pub(super) const FOUND: &str = "reidentification/linkage";
/// Share of people who are claimed, rightly, at the threshold.
pub(super) const CLAIMED: &str = "reidentification/linkage-claims";
/// Share of claims that are right.
pub(super) const PRECISION: &str = "reidentification/linkage-precision";

/// One linkage of one attacker's file.
pub(super) struct Attempt<'a> {
    pub(super) threat: &'a ThreatModel,
    pub(super) file: &'a AttackerFile,
    pub(super) links: &'a Links,
    /// Who is found by an exact join.
    pub(super) joined: &'a Joined,
    /// People in the data.
    pub(super) people: usize,
    pub(super) comparing: &'a [Comparing],
    pub(super) keys: &'a [&'a [usize]],
    pub(super) threshold: f64,
    /// Errors of a rehearsal; nothing for a file that somebody has.
    pub(super) rates: Option<Rates>,
}

/// Shares with their intervals.
struct Rate {
    first: Estimate,
    exact: Estimate,
    recall: Estimate,
    precision: Estimate,
    /// Recall and precision of the matches of an exact join that are alone on both sides; nothing where those that the join finds
    /// besides are 1 to 10.
    single: Option<(Estimate, Estimate)>,
    /// Mean probability of the claims, as the attacker sees it.
    believed: f64,
}

impl Attempt<'_> {
    pub(super) fn findings(&self) -> Vec<Finding> {
        if self.file.known() < SMALLEST_SHOWN {
            return vec![self.unscored()];
        }
        let rate = self.rate();
        let mut findings = vec![self.found(&rate), self.claimed(&rate)];
        if rate.precision.n >= SMALLEST_SHOWN {
            findings.push(self.precise(&rate));
        }
        findings
    }

    fn rate(&self) -> Rate {
        let known = self.file.known();
        let right = |found: &dyn Fn(usize) -> Option<u32>| {
            let of = self.file.truth.iter().enumerate();
            of.filter(|(left, truth)| truth.is_some() && found(*left) == **truth).count()
        };
        let claims = self.links.one_to_one(self.threshold);
        let claimed = claims.iter().flatten().count();
        let best = |left: usize| self.links.best[left].first().map(|best| best.unit);
        let claim = |left: usize| claims[left].as_ref().map(|claim| claim.unit);
        let (any, alone) = (right(&|left| self.joined.any[left]), right(&|left| self.joined.single[left]));
        let matches = self.joined.single.iter().flatten().count();
        let named = right(&claim);
        let believed = claims.iter().flatten().map(|claim| claim.posterior).sum::<f64>() / claimed.max(1) as f64;
        Rate {
            first: share(right(&best), known),
            exact: share(any, known),
            recall: recall(named, claimed, known),
            precision: share(named, claimed),
            single: (Count::of(any.saturating_sub(alone)) != Count::Withheld)
                .then(|| (recall(alone, matches, known), share(alone, matches))),
            believed,
        }
    }

    fn finding(&self, measure: &str, estimate: Estimate) -> Finding {
        let mut finding = counted(CHECK, measure, &self.threat.name, Unit::Share, estimate);
        finding.severity = severity_among(1.0 / estimate.low.max(1e-9));
        finding.limits = self.limits();
        finding.settings = self.settings();
        finding
    }

    fn found(&self, rate: &Rate) -> Finding {
        let mut finding = self.finding(FOUND, rate.first);
        let knows = self.knows();
        finding.sentence = format!(
            "{knows} finds the right person for {} of the people by taking the best match; an exact join finds {}.",
            Unit::Share.show_at_most(&rate.first),
            Unit::Share.show_at_most(&rate.exact)
        );
        finding.null_value = Some(self.chance());
        finding.baseline = Some(Baseline { name: "an exact join on all columns".to_owned(), estimate: rate.exact });
        finding.evidence = vec![self.ways(rate), self.agreement(), self.weights()];
        finding
    }

    fn claimed(&self, rate: &Rate) -> Finding {
        let mut finding = self.finding(CLAIMED, rate.recall);
        let right = match rate.precision.n {
            0 => "nobody can be claimed at that threshold".to_owned(),
            1..SMALLEST_SHOWN => "fewer than 11 links are claimed".to_owned(),
            _ => format!("{} of the claims are right", Unit::Share.show_at_most(&rate.precision)),
        };
        finding.sentence = format!(
            "{} claims only links of at least {} probability and names {} of the people rightly; {right}.",
            self.knows(),
            Unit::Share.show(self.threshold),
            Unit::Share.show_at_most(&rate.recall)
        );
        finding.null_value = Some(0.0);
        finding
    }

    fn precise(&self, rate: &Rate) -> Finding {
        let mut finding = self.finding(PRECISION, rate.precision);
        // Being right about few people is no smaller harm to them, and no larger one to everybody.
        finding.severity = severity_among(1.0 / rate.recall.low.max(1e-9));
        finding.sentence = format!(
            "{} of the links that are claimed at {} probability are right; the attacker expects {}.",
            Unit::Share.show_at_most(&rate.precision),
            Unit::Share.show(self.threshold),
            Unit::Share.show(rate.believed)
        );
        finding.null_value = Some(self.chance());
        finding
    }

    /// A file without a person who is known to be in the data, or with so few that no number may be shown, not even of pairs.
    fn unscored(&self) -> Finding {
        let claims = self.links.one_to_one(self.threshold);
        let claimed = claims.iter().flatten().count();
        let mut finding = self.finding(FOUND, wilson(0, 0, Level::P95));
        finding.estimate = None;
        finding.sentence = format!(
            "{} claims {} links at {} probability; how many are right cannot be told.",
            self.knows(),
            Count::of(claimed),
            Unit::Share.show(self.threshold)
        );
        let few = self.file.known() > 0;
        let reason = if few { "fewer than 11 records" } else { "no records" };
        finding.standing = Standing::Insufficient {
            reason: format!("{reason} of the attacker's file are known to be of people in the data"),
            needed: if few {
                "an auxiliary file with more people of the data".to_owned()
            } else {
                "name a column that identifies people in both files under `truth` of the threat; it is used for scoring alone".to_owned()
            },
        };
        if few {
            finding.settings.retain(|(name, _)| name == "quasi-identifiers");
            finding.evidence = vec![self.weights()];
            return finding;
        }
        finding.evidence = vec![self.agreement(), self.weights()];
        finding
    }

    fn knows(&self) -> String {
        let columns = self.threat.columns.join(", ");
        match self.rates {
            Some(rates) => format!(
                "Somebody who knows {columns} of a person, {} of it missing and {} wrong,",
                Unit::Share.show(rates.missing),
                Unit::Share.show(rates.error)
            ),
            None => format!("Somebody with the auxiliary file, which holds {columns},"),
        }
    }

    /// A random person is the right one.
    fn chance(&self) -> f64 {
        1.0 / self.people.max(1) as f64
    }

    fn ways(&self, rate: &Rate) -> Evidence {
        let known = Count::of(self.file.known()).to_string();
        let row = |way: &str, of: String, estimate: &Estimate| {
            vec![way.to_owned(), of, Unit::Share.show_at_most(estimate), Unit::Share.show_interval(estimate)]
        };
        let mut rows = vec![
            row("best match", format!("{known} people"), &rate.first),
            row("exact join on all columns", format!("{known} people"), &rate.exact),
        ];
        let mut claims = vec![(
            format!("claims from {} probability", Unit::Share.show(self.threshold)),
            rate.recall,
            rate.precision,
        )];
        if let Some((recall, precision)) = rate.single {
            claims.push(("exact join, single matches only".to_owned(), recall, precision));
        }
        for (way, recall, precision) in claims {
            rows.push(row(&format!("{way}: people named rightly (recall)"), format!("{known} people"), &recall));
            if precision.n >= SMALLEST_SHOWN {
                let of = format!("{} claims", Count::of(precision.n));
                rows.push(row(&format!("{way}: claims that are right (precision)"), of, &precision));
            }
        }
        let chance = Unit::Share.show(self.chance());
        rows.push(vec!["random person".to_owned(), "expected".to_owned(), chance, String::new()]);
        Evidence::Table(Table {
            caption: "What the attacker gets right".to_owned(),
            columns: ["way", "of", "right", "95 % interval"].map(str::to_owned).to_vec(),
            rows,
        })
    }

    /// Pairs by the number of columns that agree: where strangers end and matches begin.
    fn agreement(&self) -> Evidence {
        let links = self.links;
        let mut claimed = vec![0_usize; links.agreeing.len()];
        links.one_to_one(self.threshold).iter().flatten().for_each(|link| claimed[usize::from(link.agreeing)] += 1);
        let pairs: Vec<usize> = links.agreeing.iter().map(|&pairs| pairs as usize).collect();
        let shown = partition(&pairs).into_iter().zip(claims_by_columns(&claimed, &pairs)).enumerate().rev();
        let rows = shown.filter(|(columns, _)| pairs[*columns] > 0);
        let rows = rows.map(|(columns, (met, linked))| vec![columns.to_string(), met.to_string(), linked.to_string()]);
        Evidence::Table(Table {
            caption: "Pairs compared, by how many columns agree (equal, texts alike, dates mistyped, numbers close)"
                .to_owned(),
            columns: ["columns that agree", "pairs", "claimed as links"].map(str::to_owned).to_vec(),
            rows: rows.collect(),
        })
    }

    fn weights(&self) -> Evidence {
        let model = &self.links.model;
        let row = |(at, name): (usize, &String)| {
            let (m, u) = (model.m[at].last().copied().unwrap_or(1.0), model.u[at].last().copied().unwrap_or(1.0));
            let bits = (m.max(1e-9) / u.max(1e-9)).log2();
            let cells = [name.clone(), self.comparing[at].words().to_owned(), Unit::Share.show(m), Unit::Share.show(u)];
            cells.into_iter().chain([format!("{bits:.1}")]).collect()
        };
        let learned = match self.links.learned {
            Learned::Em => "as the attacker learns them",
            Learned::Expected => "as the attacker expects them, because the files tell too little to learn from",
        };
        Evidence::Table(Table {
            caption: format!("How often a column agrees exactly, and the bits that agreement is worth, {learned}"),
            columns: ["column", "compared by", "same person", "two strangers", "bits"].map(str::to_owned).to_vec(),
            rows: self.threat.columns.iter().enumerate().map(row).collect(),
        })
    }

    fn settings(&self) -> Vec<(String, String)> {
        let (known, all) = (self.file.known(), self.file.truth.len());
        let people = format!("{} of the data, {} others", Count::of(known), Count::of(all - known));
        let name =
            |key: &[usize]| key.iter().map(|&at| self.threat.columns[at].as_str()).collect::<Vec<_>>().join(" and ");
        let pairs = grouped(self.links.pairs);
        let compared = match self.keys {
            [] => format!("all {pairs} pairs"),
            keys => {
                let keys: Vec<String> = keys.iter().map(|key| name(key)).collect();
                format!("{pairs} pairs that agree on {}", keys.join(", or on "))
            }
        };
        vec![
            ("quasi-identifiers".to_owned(), self.threat.columns.join(", ")),
            ("people in the attacker's file".to_owned(), people),
            ("compared".to_owned(), compared),
            ("distinct patterns of agreement".to_owned(), grouped(self.links.patterns as u64)),
            ("pairs of values compared".to_owned(), grouped(self.links.values as u64)),
        ]
    }

    fn limits(&self) -> Vec<String> {
        let mut limits = vec![
            "Too low for an attacker who knows more columns or has fewer errors; the weights treat columns as independent."
                .to_owned(),
        ];
        match self.rates {
            Some(_) => limits.push(
                "A rehearsal on the file itself: too high where real files have more errors or many more people who are not in the \
                 data; it does not show that such a file exists."
                    .to_owned(),
            ),
            None => limits.push("Speaks of this auxiliary file; another may have more columns or fewer errors.".to_owned()),
        }
        if !self.keys.is_empty() {
            limits.push("Only pairs within blocks were compared: people outside them count as not found.".to_owned());
        }
        limits
    }
}

/// The share of people for whom something holds, drawn by chance. Where 1 to 10 stand on either side it is shown as any such
/// number would be, its interval from the least to the largest of them.
fn share(count: usize, of: usize) -> Estimate {
    let counted = share_of(count, of);
    if counted.method != Method::SuppressedCount {
        return wilson(count, of, Level::P95);
    }
    let end = |share: f64| wilson((share * of as f64).round() as usize, of, Level::P95);
    Estimate { low: end(counted.low).low, high: end(counted.high).high, ..counted }
}

/// The share of people whom claims name rightly. Where 1 to 10 claims are wrong their number would follow from the number of claims:
/// it is shown as any such number would be.
fn recall(right: usize, claims: usize, known: usize) -> Estimate {
    let own = share(right, known);
    if own.method == Method::SuppressedCount || Count::of(claims.saturating_sub(right)) != Count::Withheld {
        return own;
    }
    let (least, most) = (claims.saturating_sub(SMALLEST_SHOWN - 1), (claims - 1).min(known));
    let end = |count: usize| wilson(count, known, Level::P95);
    let value = most as f64 / known as f64;
    Estimate { value, low: end(least).low, high: end(most).high, method: Method::SuppressedCount, ..own }
}

fn refusal(threat: &ThreatModel, reason: String, needed: &str) -> Finding {
    let mut finding = counted(CHECK, FOUND, &threat.name, Unit::Share, wilson(0, 0, Level::P95));
    finding.estimate = None;
    finding.sentence = format!("No linkage was tried by {}: {reason}.", threat.columns.join(", "));
    finding.standing = Standing::Insufficient { reason, needed: needed.to_owned() };
    finding
}

pub(super) fn too_many_columns(threat: &ThreatModel) -> Finding {
    let reason = format!("a linkage compares at most {} columns", crate::linkage::MOST_FIELDS);
    refusal(threat, reason, "describe a threat with the columns that tell most")
}

pub(super) fn too_many_pairs(threat: &ThreatModel, pairs: u64, budget: usize) -> Finding {
    let reason =
        format!("about {} pairs would be compared, and `pairs` allows {}", grouped(pairs), grouped(budget as u64));
    refusal(threat, reason, "allow more pairs, or list keys of several columns under `block`")
}

/// Claims by the number of columns that agree, of so many pairs. What is left of the pairs may be few too, and the number of all claims
/// is known: as long as those that are not shown are a single number, or come to 1 to 10 claims or to 1 to 10 pairs without one, the
/// smallest of the others goes with them.
fn claims_by_columns(claimed: &[usize], pairs: &[usize]) -> Vec<Count> {
    let mut shown: Vec<Count> =
        claimed.iter().zip(pairs).map(|(&claimed, &pairs)| Count::of_part(claimed, pairs)).collect();
    loop {
        let hidden: Vec<usize> = (0..shown.len()).filter(|&at| !matches!(shown[at], Count::Shown(_))).collect();
        let few = |of: &dyn Fn(usize) -> usize| Count::of(hidden.iter().map(|&at| of(at)).sum()) == Count::Withheld;
        let follow = hidden.len() == 1 || few(&|at| claimed[at]) || few(&|at| pairs[at].saturating_sub(claimed[at]));
        let open = (0..shown.len()).filter(|at| !hidden.contains(at) && claimed[*at] > 0);
        match open.min_by_key(|&at| claimed[at]) {
            Some(smallest) if follow => shown[smallest] = Count::Hidden,
            _ => return shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 145 claims in all: of the 105 among 110 pairs, five are not claimed.
    #[test]
    fn claims_are_not_told_by_subtraction() {
        let hidden = [Count::Shown(0), Count::Shown(0), Count::Hidden, Count::Hidden];
        assert_eq!(claims_by_columns(&[0, 0, 40, 105], &[9_000, 800, 400, 110]), hidden);
        let shown = [Count::Shown(0), Count::Shown(40), Count::Shown(105)];
        assert_eq!(claims_by_columns(&[0, 40, 105], &[800, 400, 200]), shown);
    }

    /// Seven claims in two rows, and the number of all claims is known.
    #[test]
    fn two_small_numbers_of_claims_take_a_third_along() {
        let hidden = [Count::Withheld, Count::Withheld, Count::Hidden, Count::Shown(90)];
        assert_eq!(claims_by_columns(&[3, 4, 60, 90], &[900, 800, 400, 200]), hidden);
        // Two rows with two and three pairs that are not claimed.
        let hidden = [Count::Hidden, Count::Hidden, Count::Hidden];
        assert_eq!(claims_by_columns(&[98, 97, 60], &[100, 100, 400]), hidden);
    }

    /// 57 of 60 claims are right: three wrong ones would follow from 57 of 400 people.
    #[test]
    fn wrong_claims_are_not_told_by_subtraction() {
        let near = recall(57, 60, 400);
        assert_eq!((near.value, near.method), (59.0 / 400.0, Method::SuppressedCount));
        assert_eq!((near.low, near.high), (wilson(50, 400, Level::P95).low, wilson(59, 400, Level::P95).high));
        assert_eq!(recall(52, 60, 400).high, near.high);
        assert_eq!((recall(60, 60, 400), recall(40, 60, 400)), (share(60, 400), share(40, 400)));
    }

    #[test]
    fn few_people_are_not_counted_out() {
        let few = |count| share(count, 200);
        assert_eq!((few(1), few(0)), (few(10), wilson(0, 200, Level::P95)));
        assert_eq!((few(190), few(11)), (few(199), wilson(11, 200, Level::P95)));
        assert!(
            few(1).covers(1.0 / 200.0) && few(1).high > 0.05 && Unit::Share.show_at_most(&few(4)) == "at most 5.0 %",
            "{:?}",
            few(4)
        );
    }
}
