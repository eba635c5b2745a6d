//! What can go wrong with data files. No variant has room for a cell.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// An error about a data file. The `Display` text says what was being done to what; [`DataError::help`] says what to do.
#[derive(Debug, Error)]
pub enum DataError {
    /// The file cannot be opened or read.
    #[error("reading `{file}`: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A subset cannot be written.
    #[error("writing `{file}`: {source}")]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file's ending is none that privet reads.
    #[error("reading `{file}`: its ending is none of .csv, .tsv, .parquet, .npz, .npy")]
    Format {
        /// The file.
        file: PathBuf,
    },
    /// The file is larger than allowed.
    #[error("reading `{file}`: {bytes} bytes once unpacked are more than the limit of {limit} (`{setting}`)")]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Its size, unpacked where that can be told.
        bytes: u64,
        /// The limit.
        limit: u64,
        /// What sets the limit.
        setting: &'static str,
    },
    /// Text that is not UTF-8.
    #[error("reading `{file}`: line {line} is not UTF-8 text")]
    NotUtf8 {
        /// The file.
        file: PathBuf,
        /// 1-based line.
        line: u64,
    },
    /// A row with another number of fields than the header.
    #[error("reading `{file}`: line {line} has {found} fields, the header has {expected}")]
    Ragged {
        /// The file.
        file: PathBuf,
        /// 1-based line.
        line: u64,
        /// Fields in that line.
        found: u64,
        /// Fields in the header.
        expected: u64,
    },
    /// A damaged or unsupported file.
    #[error("reading `{file}`: {what}")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong, without any of its content.
        what: String,
    },
    /// Two columns of the same name.
    #[error("reading `{file}`: columns {first} and {second} of the header have the same name")]
    DuplicateColumn {
        /// The file.
        file: PathBuf,
        /// 1-based position.
        first: usize,
        /// 1-based position.
        second: usize,
    },
    /// A first line that looks like a record. Its fields are not repeated: they may be cells.
    #[error("reading `{file}`: the first line is no header, its field {field} is {what}")]
    NoHeader {
        /// The file.
        file: PathBuf,
        /// 1-based position.
        field: usize,
        /// What the field is, without the field.
        what: &'static str,
    },
    /// No record.
    #[error("{what} holds no record")]
    Empty {
        /// Which set.
        what: String,
    },
    /// A column that is asked for and not there.
    #[error("`{setting}` names the column `{column}`, which {place} does not have")]
    NoColumn {
        /// The plan setting.
        setting: String,
        /// The column.
        column: String,
        /// The file or set.
        place: String,
        /// A column whose name is close.
        close: Option<String>,
    },
    /// A column whose two halves have different types.
    #[error("column `{column}` is {members} among the members and {nonmembers} among the non-members")]
    KindClash {
        /// The column.
        column: String,
        /// Type among members.
        members: String,
        /// Type among non-members.
        nonmembers: String,
    },
    /// Cells that do not fit a type.
    #[error("column `{column}` cannot be read as {kind}: {cells} cells do not fit, the first in row {row} of {place}")]
    Kind {
        /// The column.
        column: String,
        /// The wanted type.
        kind: String,
        /// How many cells do not fit (`<11` for 1 to 10).
        cells: String,
        /// 1-based row of the first.
        row: usize,
        /// The file or set.
        place: String,
    },
    /// Anything else about the shape of the data.
    #[error("{what}")]
    Shape {
        /// What is wrong.
        what: String,
        /// What to do.
        help: String,
    },
}

impl DataError {
    /// A file that is larger than a plan's limit.
    pub(super) fn too_large(file: &Path, bytes: u64, limit: u64) -> Self {
        Self::TooLarge { file: file.into(), bytes, limit, setting: "data.max_bytes" }
    }

    /// The same error where another setting than a plan's set the limit.
    #[must_use]
    pub fn limited_by(mut self, by: &'static str) -> Self {
        if let Self::TooLarge { setting, .. } = &mut self {
            *setting = by;
        }
        self
    }

    /// The next action, as a sentence for the user.
    pub fn help(&self) -> String {
        match self {
            Self::Io { .. } => "check the path (paths are relative to the plan's folder) and the permissions".to_owned(),
            Self::Write { .. } => "make room on the disk, or name another folder".to_owned(),
            Self::Format { .. } => "convert the file to CSV or Parquet (tables) or to .npz (tensors)".to_owned(),
            Self::TooLarge { file, setting, .. } => {
                let ends = |ending: &str| file.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
                let convert = if ["parquet", "npz", "npy"].into_iter().any(ends) { "" } else { "convert the file to Parquet, " };
                format!("take a random sample of the records, {convert}or raise `{setting}`")
            }
            Self::NotUtf8 { .. } => "save the file as UTF-8, for example with `iconv -f latin1 -t utf-8`".to_owned(),
            Self::Ragged { .. } => {
                "quote fields that contain the separator or a line break, or set `[data] separator`".to_owned()
            }
            Self::Damaged { .. } => "write the file again with the program that made it".to_owned(),
            Self::DuplicateColumn { .. } => "rename one of the two columns; a table needs a header line".to_owned(),
            Self::NoHeader { .. } => {
                "write the column names into the first line, and nowhere else; put a letter before names that are numbers or dates"
                    .to_owned()
            }
            Self::Empty { .. } => "write at least one record below the header; a measure of any use needs hundreds".to_owned(),
            Self::NoColumn { close: Some(close), .. } => format!("did you mean `{close}`?"),
            Self::NoColumn { .. } => "compare the name with the header of the file".to_owned(),
            Self::KindClash { .. } | Self::Kind { .. } => {
                "set the column's type under `[columns.types]`, or list the marker of missing values under `[data] missing`"
                    .to_owned()
            }
            Self::Shape { help, .. } => help.clone(),
        }
    }
}
