//! CSV into raw columns of text. Streams the file: what is kept is one code per cell and each distinct text once.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::DataError;
use super::load::{RawColumn, check_names, check_width};
use super::subset::{Part, Sink, changed, unlike};
use super::table::Table;
use crate::detect::value_form;

/// Builds the dictionary of one column.
#[derive(Default)]
pub(super) struct Dictionary {
    codes: Vec<u32>,
    texts: Vec<String>,
    index: HashMap<String, u32>,
}

impl Dictionary {
    pub(super) fn push(&mut self, text: &str) {
        if let Some(&code) = self.index.get(text) {
            self.codes.push(code);
            return;
        }
        let code = self.texts.len() as u32;
        self.texts.push(text.to_owned());
        self.index.insert(text.to_owned(), code);
        self.codes.push(code);
    }

    pub(super) fn push_missing(&mut self) {
        self.codes.push(super::MISSING);
    }

    pub(super) fn into_parts(self) -> (Vec<u32>, Vec<String>) {
        (self.codes, self.texts)
    }
}

/// A CSV file behind its byte-order mark.
struct Opened {
    reader: csv::Reader<BufReader<File>>,
    mark: u64,
    separator: u8,
    names: Vec<String>,
}

fn open(path: &Path, separator: Option<u8>) -> Result<Opened, DataError> {
    let file = File::open(path).map_err(|source| DataError::Io { file: path.into(), source })?;
    let mut input = BufReader::with_capacity(1 << 16, file);
    let head = input.fill_buf().map_err(|source| DataError::Io { file: path.into(), source })?;
    if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        return Err(DataError::NotUtf8 { file: path.into(), line: 1 });
    }
    let bom = if head.starts_with(&[0xEF, 0xBB, 0xBF]) { 3 } else { 0 };
    let separator = separator.unwrap_or_else(|| detect_separator(&head[bom..]));
    input.consume(bom);
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(input);
    let names = header(path, &mut reader)?;
    Ok(Opened { reader, mark: bom as u64, separator, names })
}

/// Reads a CSV file: all columns, or those named. `separator` overrides the detected one.
pub(super) fn read(path: &Path, separator: Option<u8>, only: Option<&[String]>) -> Result<Vec<RawColumn>, DataError> {
    let Opened { mut reader, names, .. } = open(path, separator)?;
    if only.is_none() {
        check_width(path, names.len())?;
    }
    let wanted: Vec<usize> = (0..names.len()).filter(|&at| only.is_none_or(|only| only.contains(&names[at]))).collect();
    let mut columns: Vec<Dictionary> = wanted.iter().map(|_| Dictionary::default()).collect();
    let mut record = csv::ByteRecord::new();
    let (mut line, mut last_field_runs_on) = (0, false);
    while reader.read_byte_record(&mut record).map_err(|error| describe(path, &error))? {
        line = record.position().map_or(0, csv::Position::line);
        last_field_runs_on = record.iter().next_back().is_some_and(|field| field.contains(&b'\n'));
        for (column, &at) in columns.iter_mut().zip(&wanted) {
            let field = &record[at];
            let text = str::from_utf8(field).map_err(|_| DataError::NotUtf8 { file: path.into(), line })?;
            if text.is_empty() { column.push_missing() } else { column.push(text) }
        }
    }
    // The parser takes an unclosed quote to run to the end of the file, swallowing every record after it.
    if last_field_runs_on && last_byte(path)? != Some(b'"') {
        let what = format!("the record that starts in line {line} has a quote that is never closed");
        return Err(DataError::Damaged { file: path.into(), what });
    }
    check_repeated(path, &names, &wanted, &columns)?;
    check_names(path, wanted.iter().map(|&at| (at, names[at].as_str())))?;
    let raw = wanted.into_iter().zip(columns).map(|(at, column)| {
        let (codes, texts) = column.into_parts();
        RawColumn::text(names[at].clone(), codes, texts)
    });
    Ok(raw.collect())
}

/// The names in the first line.
pub(super) fn names(path: &Path, separator: Option<u8>) -> Result<Vec<String>, DataError> {
    Ok(open(path, separator)?.names)
}

/// The fields of every line of a file without header, whatever their number.
pub(super) fn lines(path: &Path, given: Option<u8>) -> Result<Vec<Vec<String>>, DataError> {
    let separator = separator(path, given)?;
    let file = File::open(path).map_err(|source| DataError::Io { file: path.into(), source })?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(BufReader::new(file));
    let fields = |record: csv::Result<csv::StringRecord>| match record {
        Ok(record) => Ok(record.iter().map(str::to_owned).collect()),
        Err(error) => Err(describe(path, &error)),
    };
    reader.records().map(fields).collect()
}

/// The separator of a file: the given one, or the one that its first line shows.
pub(super) fn separator(path: &Path, given: Option<u8>) -> Result<u8, DataError> {
    if let Some(separator) = given {
        return Ok(separator);
    }
    let io = |source| DataError::Io { file: path.into(), source };
    let mut input = BufReader::with_capacity(1 << 16, File::open(path).map_err(io)?);
    Ok(detect_separator(input.fill_buf().map_err(io)?))
}

/// A table as CSV.
pub(super) fn write(table: &Table, separator: u8) -> Option<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
    writer.write_record(table.columns().iter().map(|column| column.name.as_str())).ok()?;
    for row in 0..table.rows() {
        writer.write_record(table.columns().iter().map(|column| column.cells.text(row).unwrap_or_default())).ok()?;
    }
    writer.into_inner().ok()
}

/// Copies records byte for byte, below the header of the first file.
pub(super) fn cut(parts: &[Part<'_>; 2], separator: Option<u8>, sink: &Sink<'_>) -> Result<(), DataError> {
    let mut out = BufWriter::new(&sink.file);
    let [first, second] = [open(parts[0].file, separator)?, open(parts[1].file, separator)?];
    if first.separator != second.separator {
        return Err(unlike(parts[1].file, "has another separator than the first one"));
    }
    if first.names != second.names {
        return Err(unlike(parts[1].file, "has other columns than the first one, or in another order"));
    }
    let end = first.mark + first.reader.position().byte();
    let head = bytes(parts[0].file, 0, end)?;
    let text = trimmed(&head);
    let line_break: &[u8] = if bytes(parts[0].file, text.len() as u64, text.len() as u64 + 2)?.starts_with(b"\r\n") {
        b"\r\n"
    } else {
        b"\n"
    };
    let mut copy = |record: &[u8]| out.write_all(record).and_then(|()| out.write_all(line_break));
    copy(text).map_err(|source| sink.failed(source))?;
    for (part, opened) in parts.iter().zip([first, second]) {
        let mut input = reopen(part.file)?;
        let mut at = 0;
        for (start, end) in spans(part, opened)? {
            let io = |source| DataError::Io { file: part.file.into(), source };
            input.seek_relative((start - at) as i64).map_err(io)?;
            let mut record = vec![0; (end - start) as usize];
            input.read_exact(&mut record).map_err(io)?;
            at = end;
            copy(trimmed(&record)).map_err(|source| sink.failed(source))?;
        }
    }
    out.flush().map_err(|source| sink.failed(source))
}

fn reopen(path: &Path) -> Result<BufReader<File>, DataError> {
    let file = File::open(path).map_err(|source| DataError::Io { file: path.into(), source })?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// Some bytes of a file; fewer where it ends.
fn bytes(path: &Path, start: u64, end: u64) -> Result<Vec<u8>, DataError> {
    let mut input = reopen(path)?;
    let io = |source| DataError::Io { file: path.into(), source };
    input.seek(SeekFrom::Start(start)).map_err(io)?;
    let mut found = Vec::new();
    input.take(end - start).read_to_end(&mut found).map_err(io)?;
    Ok(found)
}

/// A record without the line breaks around it: it begins after those of the blank lines before it.
fn trimmed(mut record: &[u8]) -> &[u8] {
    while let [b'\r' | b'\n', rest @ ..] | [rest @ .., b'\r' | b'\n'] = record {
        record = rest;
    }
    record
}

/// Where the wanted records begin and end.
fn spans(part: &Part<'_>, opened: Opened) -> Result<Vec<(u64, u64)>, DataError> {
    let Opened { mut reader, mark, .. } = opened;
    let mut spans = Vec::with_capacity(part.rows.len());
    let mut record = csv::ByteRecord::new();
    let mut wanted = part.rows.iter().peekable();
    let mut row = 0;
    while wanted.peek().is_some() {
        let start = reader.position().byte();
        if !reader.read_byte_record(&mut record).map_err(|error| describe(part.file, &error))? {
            return Err(changed(part.file));
        }
        if wanted.next_if(|&&next| next == row).is_some() {
            spans.push((mark + start, mark + reader.position().byte()));
        }
        row += 1;
    }
    Ok(spans)
}

/// The last byte of a file that is no line break.
fn last_byte(path: &Path) -> Result<Option<u8>, DataError> {
    let io = |source| DataError::Io { file: path.into(), source };
    let mut file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(64))).map_err(io)?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).map_err(io)?;
    Ok(tail.into_iter().rev().find(|byte| !matches!(byte, b'\n' | b'\r' | b' ')))
}

fn header<R: Read>(path: &Path, reader: &mut csv::Reader<R>) -> Result<Vec<String>, DataError> {
    let record = reader.byte_headers().map_err(|error| describe(path, &error))?;
    let mut names = Vec::with_capacity(record.len());
    for (index, field) in record.iter().enumerate() {
        let name = str::from_utf8(field).map_err(|_| DataError::NotUtf8 { file: path.into(), line: 1 })?.trim();
        // An unnamed first column is what a data frame's index becomes.
        names.push(if name.is_empty() { format!("unnamed_{}", index + 1) } else { name.to_owned() });
    }
    // Data frames without names count their columns; any other number in the first line is a cell.
    let counts = |at: usize, name: &str| name == at.to_string() || name == (at + 1).to_string();
    let cell = |(at, name): (usize, &String)| name.parse::<f64>().is_ok() && !counts(at, name);
    if let Some(at) = names.iter().enumerate().position(cell) {
        return Err(DataError::NoHeader { file: path.into(), field: at + 1, what: "a number" });
    }
    if let Some((at, what)) = names.iter().enumerate().find_map(|(at, name)| Some((at, value_form(name)?))) {
        return Err(DataError::NoHeader { file: path.into(), field: at + 1, what });
    }
    if names.is_empty() {
        return Err(DataError::Empty { what: format!("`{}`", path.display()) });
    }
    Ok(names)
}

/// Refuses a first line of which two fields or more, and one in five, stand among the cells of their own columns: it is a record.
/// A column that says nothing but its own name is a box that was ticked.
fn check_repeated(path: &Path, names: &[String], wanted: &[usize], columns: &[Dictionary]) -> Result<(), DataError> {
    let repeats =
        |(column, at): &(&Dictionary, &usize)| column.texts.len() > 1 && column.index.contains_key(&names[**at]);
    let mut repeated = columns.iter().zip(wanted).filter(repeats).map(|(_, at)| at);
    let (Some(first), others) = (repeated.next(), repeated.count()) else { return Ok(()) };
    if others == 0 || (others + 1) * 5 < wanted.len() {
        return Ok(());
    }
    Err(DataError::NoHeader { file: path.into(), field: first + 1, what: "a cell of its own column, like others" })
}

/// The separator that occurs most often in the first line outside quotes.
fn detect_separator(head: &[u8]) -> u8 {
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for &byte in head {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if !quoted => {
                if let Some(entry) = counts.iter_mut().find(|entry| entry.0 == byte) {
                    entry.1 += 1;
                }
            }
            _ => {}
        }
    }
    let most = counts.iter().map(|entry| entry.1).max().unwrap_or(0);
    counts.iter().find(|entry| entry.1 == most).map_or(b',', |entry| entry.0)
}

/// Turns a parser error into ours: the parser's own text may quote the input.
fn describe(path: &Path, error: &csv::Error) -> DataError {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => DataError::Ragged {
            file: path.into(),
            line: pos.as_ref().map_or(0, csv::Position::line),
            found: *len,
            expected: *expected_len,
        },
        csv::ErrorKind::Io(error) => DataError::Io { file: path.into(), source: std::io::Error::from(error.kind()) },
        _ => DataError::Damaged { file: path.into(), what: "it is not a CSV file".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unclosed_quote_swallows_nothing_silently() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::write(&path, "a,b\n1,x\n2,\"y\n3,z\n4,z\n").unwrap();
        let error = read(&path, None, None).err().unwrap().to_string();
        assert!(error.contains("line 3") && error.contains("quote"), "{error}");
        std::fs::write(&path, "a,b\n1,x\n2,\"y\nz\"\n").unwrap();
        assert_eq!(read(&path, None, None).unwrap().len(), 2);
    }

    #[test]
    fn a_record_in_place_of_the_header_is_refused_and_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        let rows = "north,f,a\nsouth,m,b\nnorth,f,c\n";
        let refused = |first: &str| {
            std::fs::write(&path, format!("{first}\n{rows}")).unwrap();
            read(&path, None, None).err().map(|error| error.to_string())
        };
        for (first, field, what) in [
            ("x,1950-02-28,y", 2, "a date"),
            ("28FEB1950,sex,y", 1, "a date"),
            ("x,sex,219-09-8999", 3, "a social security number"),
            ("x,sex,jane.doe@example.org", 3, "an e-mail address"),
            ("(617) 555-0123,sex,y", 1, "a telephone number"),
            ("x,sex,7.5", 3, "a number"),
            ("south,f,Jane Doe", 1, "a cell of its own column"),
        ] {
            let text = refused(first).unwrap();
            assert!(text.contains(&format!("field {field} is {what}")), "{text}");
            assert!(first.split(',').all(|cell| cell.len() < 4 || !text.contains(cell)), "{text}");
        }
        for first in
            ["region,sex,name", "north,sex,name", "v1.2.10,2019,3", "visit 1,Q4,1.2.10", "week_2019_01,f_2,date"]
        {
            let first = first.replace(",2019,3", ",b,c");
            assert_eq!(refused(&first), None, "{first}");
        }
        // Boxes that were ticked say what stands above them.
        std::fs::write(&path, "asthma,cough,fever\nasthma,,fever\n,cough,\n").unwrap();
        assert!(read(&path, None, None).is_ok());
    }

    #[test]
    fn separators_inside_quotes_do_not_count() {
        assert_eq!(detect_separator(b"\"a,b,c\";d;e\n1,2,3,4,5"), b';');
        assert_eq!(detect_separator(b"a\tb\n"), b'\t');
        assert_eq!(detect_separator(b"single\n"), b',');
    }
}
