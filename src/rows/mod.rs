//! Files of rows, one line each, that a long run appends to: continued after a kill, split into shards, and joined again.
//!
//! A file has a head, which names what it is the result of, rows in the order of the input, and an end, which tells that no row is
//! missing. What a row says is the business of the command that writes it.

mod file;
mod join;
mod lock;

use std::fmt;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use file::{RowFile, RowWriter};
pub use join::{is_rows, join};

use crate::model::visible;

/// The longest line of such a file, its line end included, in octets.
pub const LONGEST_ROW: usize = 1 << 20;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A JSON object a line (<https://github.com/ndjson/ndjson-spec>), head and end too.
    Ndjson,
    /// RFC 4180 with plain line ends; head and end are comments behind `#`, and a line names the columns.
    Csv,
}

/// A part of an input: every n-th row, beginning with the i-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1 to `of`.
    pub number: u32,
    /// How many there are, at least 1.
    pub of: u32,
}

/// The most shards of one sweep: all are open at once when they are joined.
pub const MOST_SHARDS: u32 = 512;

impl Shard {
    /// Reads `2/8`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|octet| octet.is_ascii_digit()));
        let parts = text.split_once('/').and_then(|(one, of)| Some((number(one)?, number(of)?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) && of <= MOST_SHARDS => Ok(Self { number, of }),
            _ => Err(format!("write which part of how many, such as 1/4, up to {MOST_SHARDS}")),
        }
    }

    /// Its part of `rows`.
    pub fn of<I: Iterator>(self, rows: I) -> impl Iterator<Item = I::Item> {
        rows.skip(self.number as usize - 1).step_by(self.of as usize)
    }

    /// How many of `rows` rows are in it.
    pub fn count(self, rows: u64) -> u64 {
        (rows + u64::from(self.of - self.number)) / u64::from(self.of)
    }
}

/// `2/8`.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// What a file of rows is the result of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    form: Form,
    line: HeadLine,
    /// The names of the columns; CSV only.
    columns: Option<String>,
}

/// The head as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct HeadLine {
    /// The command that wrote it.
    rows: String,
    version: String,
    /// Of everything that decides what the rows say, in hexadecimal.
    input: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    shard: Option<String>,
}

/// The end as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EndLine {
    /// How many rows there are.
    end: u64,
}

impl Head {
    /// The head of what `command` of this version makes of `input`: everything that decides what the rows say, in any order that is always
    /// the same. `columns` name the columns of CSV, separated by commas.
    pub fn new(
        form: Form,
        command: &str,
        version: &str,
        input: impl IntoIterator<Item = String>,
        shard: Option<Shard>,
        columns: &str,
    ) -> Self {
        let mut hash = Sha256::new();
        for part in input {
            // The length keeps two parts from looking like one.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let line = HeadLine {
            rows: command.to_owned(),
            version: version.to_owned(),
            input: hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect(),
            shard: shard.map(|shard| shard.to_string()),
        };
        Self { form, line, columns: (form == Form::Csv).then(|| columns.to_owned()) }
    }

    /// Its lines, line ends included.
    fn text(&self) -> String {
        let head = json(&self.line);
        match &self.columns {
            Some(columns) => format!("# {head}\n{columns}\n"),
            None => format!("{head}\n"),
        }
    }

    /// The end of a file with so many rows, line end included.
    fn end(&self, rows: u64) -> String {
        let mark = if self.form == Form::Csv { "# " } else { "" };
        format!("{mark}{}\n", json(&EndLine { end: rows }))
    }

    /// How many rows there must be before `line`, if it is the end of a file.
    fn read_end(&self, line: &str) -> Option<u64> {
        let text = if self.form == Form::Csv { line.strip_prefix("# ")? } else { line };
        text.starts_with(END).then(|| serde_json::from_str::<EndLine>(text).ok()).flatten().map(|end| end.end)
    }

    /// The head of the file that `lines` begin with; nothing if it is no file of rows.
    fn read(lines: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some(first) = whole_line(lines)? else { return Ok(None) };
        let (form, text) = match first.strip_prefix("# ") {
            Some(text) => (Form::Csv, text),
            None => (Form::Ndjson, first.as_str()),
        };
        if !text.starts_with(START) {
            return Ok(None);
        }
        let Ok(line) = serde_json::from_str::<HeadLine>(text) else { return Ok(None) };
        // Spelled as we spell it, or the places of the rows behind it would not be where they are counted.
        if json(&line) != text {
            return Ok(None);
        }
        let columns = if form == Form::Csv { whole_line(lines)? } else { None };
        Ok(Some(Self { form, line, columns }))
    }

    fn shard(&self) -> Option<Shard> {
        self.line.shard.as_deref().and_then(|text| Shard::parse(text).ok())
    }
}

/// How a head begins.
const START: &str = "{\"rows\":";
/// How an end begins; no row may.
const END: &str = "{\"end\":";

fn json(line: &impl Serialize) -> String {
    // Texts and numbers can always be written.
    serde_json::to_string(line).unwrap_or_default()
}

/// The next line without its end; nothing at the end of the file, or where the last line has none.
fn whole_line(lines: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut octets = Vec::new();
    lines.take(LONGEST_ROW as u64).read_until(b'\n', &mut octets)?;
    if octets.pop() != Some(b'\n') {
        return Ok(None);
    }
    String::from_utf8(octets).map(Some).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Why a file of rows could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// It cannot be opened or read.
    #[error("could not read {}: {source}", shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is full, or the file may not be written.
    #[error("could not write {}: {source}; what is in it can be continued", shown(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The joined rows cannot be written.
    #[error("could not write the joined rows: {0}")]
    Joined(io::Error),
    /// Something else stands in the file.
    #[error("could not continue {}: it is no file of rows; nothing was changed in it", shown(.0))]
    NotRows(PathBuf),
    /// The rows in the file are others than those of this run.
    #[error("could not continue {}: {why}; nothing was changed in it", shown(path))]
    Other {
        /// The file.
        path: PathBuf,
        /// What differs.
        why: String,
    },
    /// Another run writes to the file.
    #[error("could not continue {}: another run is writing to it; nothing was changed in it", shown(.0))]
    InUse(PathBuf),
    /// It has more rows than the input, or another number of them and an end.
    #[error("could not continue {}: its rows do not fit the input ({found} of {wanted})", shown(path))]
    TooMany {
        /// The file.
        path: PathBuf,
        /// How many rows it has.
        found: u64,
        /// How many there should be in all.
        wanted: u64,
    },
    /// Files that are not the shards of one run.
    #[error("could not join the shards: {0}")]
    Misfit(String),
}

fn shown(path: &Path) -> String {
    visible(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: two machines would sweep the same addresses, or nobody some of them.
    #[test]
    fn shards_cover_everything_once() {
        for of in 1..=7 {
            let mut all = Vec::new();
            for number in 1..=of {
                let shard = Shard::parse(&format!("{number}/{of}")).unwrap();
                let part: Vec<u32> = shard.of(0..20).collect();
                assert_eq!(part.len() as u64, shard.count(20), "{shard}");
                all.extend(part);
            }
            all.sort_unstable();
            assert_eq!(all, (0..20).collect::<Vec<_>>());
        }
        for wrong in ["0/4", "5/4", "1", "1/0", "1/513", "+1/4", "a/b", "1/4/2", ""] {
            assert!(Shard::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
