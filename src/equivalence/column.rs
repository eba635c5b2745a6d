//! Codes of one column, as narrow as they fit.

/// Codes of one column: equal values have equal codes, below the number of levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    codes: Codes,
    levels: u32,
    missing: Option<u32>,
}

/// Codes in the narrowest type that holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Codes {
    Byte(Vec<u8>),
    Short(Vec<u16>),
    Word(Vec<u32>),
}

/// Applies the same expression to the codes of any width.
macro_rules! each {
    ($codes:expr, $name:ident => $body:expr) => {
        match $codes {
            super::column::Codes::Byte($name) => $body,
            super::column::Codes::Short($name) => $body,
            super::column::Codes::Word($name) => $body,
        }
    };
}
pub(super) use each;

impl Column {
    /// Takes codes below `levels`; `missing` is the code of a missing value, where there is one.
    ///
    /// ```
    /// use privet::equivalence::Column;
    /// let column = Column::new([0, 1, 0, 2], 3, Some(2));
    /// assert_eq!((column.len(), column.code(1), column.is_missing(3)), (4, 1, true));
    /// ```
    ///
    /// # Panics
    /// When a code is not below `levels`.
    pub fn new(codes: impl IntoIterator<Item = u32>, levels: u32, missing: Option<u32>) -> Self {
        let levels = levels.max(1);
        let bounded = codes.into_iter().inspect(|&code| assert!(code < levels, "codes are below the number of levels"));
        let codes = match levels {
            1..=0x100 => Codes::Byte(bounded.map(|code| code as u8).collect()),
            0x101..=0x1_0000 => Codes::Short(bounded.map(|code| code as u16).collect()),
            _ => Codes::Word(bounded.collect()),
        };
        Self { codes, levels, missing }
    }

    /// Joins parts, each with the new code of every one of its codes.
    ///
    /// # Panics
    /// When a new code is not below `levels`, or a part has a code without a new one.
    #[must_use]
    pub fn joined(parts: Vec<(Self, Vec<u32>)>, levels: u32, missing: Option<u32>) -> Self {
        let levels = levels.max(1);
        let new_codes = parts.iter().flat_map(|(_, new)| new);
        assert!(new_codes.into_iter().all(|&code| code < levels), "codes are below the number of levels");
        let rows = parts.iter().map(|(part, _)| part.len()).sum();
        // Every part is dropped once it is copied, so that at most one is there twice.
        macro_rules! copied {
            ($width:ty, $name:ident) => {{
                let mut codes: Vec<$width> = Vec::with_capacity(rows);
                for (part, new) in parts {
                    let new: Vec<$width> = new.into_iter().map(|code| code as $width).collect();
                    each!(part.codes, old => codes.extend(old.into_iter().map(|code| new[code as usize])));
                }
                Codes::$name(codes)
            }};
        }
        let codes = match levels {
            1..=0x100 => copied!(u8, Byte),
            0x101..=0x1_0000 => copied!(u16, Short),
            _ => copied!(u32, Word),
        };
        Self { codes, levels, missing }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        each!(&self.codes, codes => codes.len())
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of codes that may occur, at least 1.
    pub fn levels(&self) -> u32 {
        self.levels
    }

    /// The code of a record.
    pub fn code(&self, row: usize) -> u32 {
        match &self.codes {
            Codes::Byte(codes) => u32::from(codes[row]),
            Codes::Short(codes) => u32::from(codes[row]),
            Codes::Word(codes) => codes[row],
        }
    }

    /// Whether the value of a record is missing.
    pub fn is_missing(&self, row: usize) -> bool {
        self.missing == Some(self.code(row))
    }

    /// Whether values of this column may be missing.
    pub fn may_miss(&self) -> bool {
        self.missing.is_some()
    }

    /// The same column with missing values as values of their own.
    #[must_use]
    pub fn without_missing(&self) -> Self {
        Self { missing: None, ..self.clone() }
    }

    /// Whose each record is, for a column that says so: a record without a value is a person of its own. O(n).
    ///
    /// ```
    /// use privet::equivalence::Column;
    /// let patients = Column::new([0, 2, 0, 2, 1], 3, Some(2));
    /// assert_eq!(patients.people(), [0, 3, 0, 4, 1]);
    /// ```
    pub fn people(&self) -> Vec<u32> {
        let mut next = self.levels;
        let person = |row| {
            if self.is_missing(row) {
                next += 1;
                return next - 1;
            }
            self.code(row)
        };
        (0..self.len()).map(person).collect()
    }

    /// The codes of some records, in the given order.
    #[must_use]
    pub fn take(&self, rows: &[u32]) -> Self {
        let codes = match &self.codes {
            Codes::Byte(codes) => Codes::Byte(rows.iter().map(|&row| codes[row as usize]).collect()),
            Codes::Short(codes) => Codes::Short(rows.iter().map(|&row| codes[row as usize]).collect()),
            Codes::Word(codes) => Codes::Word(rows.iter().map(|&row| codes[row as usize]).collect()),
        };
        Self { codes, ..*self }
    }

    pub(super) fn codes(&self) -> &Codes {
        &self.codes
    }
}
