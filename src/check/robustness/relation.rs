//! Relations between columns that a record has to keep, as a plan writes them.
//!
//! `diastolic <= systolic`, `total = basic + 2 * extra`, `if smoker = 0 then packs = 0`. A name with other signs than letters,
//! digits, `_` and `.` stands in backticks.

use serde::Deserialize;

/// What a number must not differ from another by, relative to its size: sums of decimals are not exact.
const ROUNDING: f64 = 1e-9;

/// A relation between columns.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Relation {
    /// Where this does not hold, nothing is asked.
    condition: Option<Claim<String>>,
    /// What must hold.
    claim: Claim<String>,
}

/// The two sides of a comparison as one sum that is compared with zero.
#[derive(Debug, Clone, PartialEq)]
struct Claim<C> {
    terms: Vec<(f64, C)>,
    constant: f64,
    comparison: Comparison,
    /// The column that stands alone on the left.
    subject: Option<C>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    AtMost,
    Below,
    Equal,
}

/// A relation whose names are places in a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    condition: Option<Claim<usize>>,
    claim: Claim<usize>,
}

impl Relation {
    /// The columns it names.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.condition.iter().chain([&self.claim]).flat_map(|claim| claim.terms.iter().map(|(_, name)| name.as_str()))
    }

    /// The relation over places; nothing where a name has none.
    pub(super) fn bind(&self, place: impl Fn(&str) -> Option<usize>) -> Option<Bound> {
        let condition = match &self.condition {
            Some(claim) => Some(claim.bind(&place)?),
            None => None,
        };
        Some(Bound { condition, claim: self.claim.bind(&place)? })
    }
}

impl Claim<String> {
    fn bind(&self, place: &impl Fn(&str) -> Option<usize>) -> Option<Claim<usize>> {
        let terms = self.terms.iter().map(|(factor, name)| Some((*factor, place(name)?)));
        let subject = match &self.subject {
            Some(name) => Some(place(name)?),
            None => None,
        };
        Some(Claim {
            terms: terms.collect::<Option<Vec<_>>>()?,
            constant: self.constant,
            comparison: self.comparison,
            subject,
        })
    }
}

impl Claim<usize> {
    /// Whether it holds; what involves a missing value holds.
    fn holds(&self, values: &[f64]) -> bool {
        let (mut sum, mut size) = (self.constant, self.constant.abs());
        for (factor, at) in &self.terms {
            let part = factor * values.get(*at).copied().unwrap_or(f64::NAN);
            sum += part;
            size += part.abs();
        }
        if sum.is_nan() {
            return true;
        }
        let slack = ROUNDING * size;
        match self.comparison {
            Comparison::AtMost => sum <= slack,
            Comparison::Below => sum < 0.0,
            Comparison::Equal => sum.abs() <= slack,
        }
    }
}

impl Bound {
    /// Whether a record keeps it.
    pub(super) fn holds(&self, values: &[f64]) -> bool {
        self.condition.as_ref().is_some_and(|condition| !condition.holds(values)) || self.claim.holds(values)
    }

    /// The column that an equation gives, and what it has to be.
    pub(super) fn solved(&self, values: &[f64]) -> Option<(usize, f64)> {
        let at = self.claim.subject.filter(|_| self.claim.comparison == Comparison::Equal)?;
        if self.condition.as_ref().is_some_and(|condition| !condition.holds(values)) {
            return None;
        }
        let others = self.claim.terms.iter().filter(|(_, place)| *place != at);
        let rest: f64 = others.map(|(factor, place)| factor * values.get(*place).copied().unwrap_or(f64::NAN)).sum();
        let value = -(rest + self.claim.constant);
        value.is_finite().then_some((at, value))
    }
}

impl TryFrom<String> for Relation {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let unfit = |why: &str| {
            format!(
                "`{text}` is no relation: {why}; write for example \"low <= high\", \"total = a + b\" or \"if a = 0 then b = 0\""
            )
        };
        let tokens = tokens(&text).ok_or_else(|| unfit("it holds a sign that is not understood"))?;
        let word = |token: &Token, wanted: &str| matches!(token, Token::Name(name, Quoted::No) if name == wanted);
        let (condition, claim) = match tokens.split_first() {
            Some((first, rest)) if word(first, "if") => {
                let then =
                    rest.iter().position(|token| word(token, "then")).ok_or_else(|| unfit("`if` lacks `then`"))?;
                (Some(claim(&rest[..then]).map_err(unfit)?), claim(&rest[then + 1..]).map_err(unfit)?)
            }
            _ => (None, claim(&tokens).map_err(unfit)?),
        };
        Ok(Self { condition, claim })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoted {
    Yes,
    No,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String, Quoted),
    Number(f64),
    Plus,
    Minus,
    Times,
    /// The comparison, and whether its sides change places.
    Compare(Comparison, bool),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let sign = [
            ("<=", Token::Compare(Comparison::AtMost, false)),
            (">=", Token::Compare(Comparison::AtMost, true)),
            ("==", Token::Compare(Comparison::Equal, false)),
            ("<", Token::Compare(Comparison::Below, false)),
            (">", Token::Compare(Comparison::Below, true)),
            ("=", Token::Compare(Comparison::Equal, false)),
            ("+", Token::Plus),
            ("-", Token::Minus),
            ("*", Token::Times),
        ];
        if let Some((sign, token)) = sign.into_iter().find(|(sign, _)| rest.starts_with(sign)) {
            tokens.push(token);
            rest = &rest[sign.len()..];
        } else if let Some(quoted) = rest.strip_prefix('`') {
            let (name, after) = quoted.split_once('`')?;
            tokens.push(Token::Name(name.to_owned(), Quoted::Yes));
            rest = after;
        } else {
            let part_of_word = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == '.';
            let end = rest.find(|sign| !part_of_word(sign)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            tokens.push(match word.parse::<f64>() {
                Ok(number) if first.is_ascii_digit() || first == '.' => Token::Number(number),
                _ if first.is_alphabetic() || first == '_' => Token::Name(word.to_owned(), Quoted::No),
                _ => return None,
            });
            rest = after;
        }
        rest = rest.trim_start();
    }
    Some(tokens)
}

fn claim(tokens: &[Token]) -> Result<Claim<String>, &'static str> {
    let mut compares = tokens.iter().enumerate().filter_map(|(at, token)| match token {
        Token::Compare(comparison, turned) => Some((at, *comparison, *turned)),
        _ => None,
    });
    let (Some((at, comparison, turned)), None) = (compares.next(), compares.next()) else {
        return Err("it needs one of <=, >=, <, >, =");
    };
    let (left, right) = (sum(&tokens[..at])?, sum(&tokens[at + 1..])?);
    let subject = match &left {
        (terms, 0.0) => match &terms[..] {
            [(1.0, name)] if right.0.iter().all(|(_, other)| other != name) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    };
    let ((mut terms, first), (others, second)) = if turned { (right, left) } else { (left, right) };
    terms.extend(others.into_iter().map(|(factor, name)| (-factor, name)));
    if terms.is_empty() {
        return Err("it names no column");
    }
    Ok(Claim { terms, constant: first - second, comparison, subject })
}

type Sum = (Vec<(f64, String)>, f64);

fn sum(tokens: &[Token]) -> Result<Sum, &'static str> {
    let (mut terms, mut constant) = (Vec::new(), 0.0);
    let mut rest = tokens;
    let mut sign = 1.0;
    if let Some((Token::Minus, after)) = rest.split_first() {
        (sign, rest) = (-1.0, after);
    }
    loop {
        rest = match rest {
            [Token::Number(factor), Token::Times, Token::Name(name, _), after @ ..]
            | [Token::Name(name, _), Token::Times, Token::Number(factor), after @ ..] => {
                terms.push((sign * factor, name.clone()));
                after
            }
            [Token::Number(number), after @ ..] => {
                constant += sign * number;
                after
            }
            [Token::Name(name, _), after @ ..] => {
                terms.push((sign, name.clone()));
                after
            }
            _ => return Err("a column or a number is missing"),
        };
        (sign, rest) = match rest {
            [] => return Ok((terms, constant)),
            [Token::Plus, after @ ..] => (1.0, after),
            [Token::Minus, after @ ..] => (-1.0, after),
            _ => return Err("`+` or `-` is missing between two parts"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["a", "b", "c", "day-2"];

    fn bound(text: &str) -> Bound {
        let relation = Relation::try_from(text.to_owned()).unwrap();
        relation.bind(|name| NAMES.iter().position(|known| *known == name)).unwrap()
    }

    #[test]
    fn relations_hold_where_arithmetic_says_so() {
        for (text, values, holds) in [
            ("a <= b", [1.0, 1.0, 0.0, 0.0], true),
            ("a < b", [1.0, 1.0, 0.0, 0.0], false),
            ("a >= b", [1.0, 2.0, 0.0, 0.0], false),
            ("a = b + c", [0.3, 0.1, 0.2, 0.0], true),
            ("a = b + 2 * c - 1", [4.0, 1.0, 2.0, 0.0], true),
            ("a = b + 2 * c - 1", [5.0, 1.0, 2.0, 0.0], false),
            ("if a = 0 then b = 0", [0.0, 1.0, 0.0, 0.0], false),
            ("if a = 0 then b = 0", [1.0, 1.0, 0.0, 0.0], true),
            ("-a > `day-2`", [1.0, 0.0, 0.0, -2.0], true),
            ("a <= b", [f64::NAN, 1.0, 0.0, 0.0], true),
        ] {
            assert_eq!(bound(text).holds(&values), holds, "{text}");
        }
    }

    #[test]
    fn an_equation_gives_its_left_side() {
        assert_eq!(bound("a = b + 2 * c - 1").solved(&[0.0, 3.0, 4.0, 0.0]), Some((0, 10.0)));
        assert_eq!(bound("a <= b").solved(&[0.0; 4]), None);
        assert_eq!(bound("a = a + b").solved(&[0.0; 4]), None);
        assert_eq!(bound("if b = 1 then a = 2").solved(&[0.0; 4]), None);
        assert_eq!(bound("if b = 1 then a = 2").solved(&[0.0, 1.0, 0.0, 0.0]), Some((0, 2.0)));
    }

    #[test]
    fn what_is_no_relation_is_refused_with_an_example() {
        for text in ["", "a", "a b <= c", "a <= b <= c", "1 <= 2", "if a = 0", "a <= ", "a ? b", "a <= `b"] {
            let error = Relation::try_from(text.to_owned()).unwrap_err();
            assert!(error.contains("total = a + b"), "{text}: {error}");
        }
    }
}
