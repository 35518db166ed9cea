//! Master files (RFC 1035, section 5) read into zones that can be asked; every mistake has its file, line and column.

mod lexer;
mod load;
mod rdata;
mod reader;
#[cfg(test)]
mod tests;
mod zone;

use std::sync::Arc;

pub use load::{LoadError, Loaded, load};
pub use reader::{Entry, Include, Refused, Start, read};
pub use zone::{Found, Zone};

/// The most octets of a file, those that it includes counted with it.
pub const LONGEST: usize = 10 * 1024 * 1024;
/// The most records of a zone.
pub const MOST_RECORDS: usize = 100_000;
/// Files within files: so many.
pub const DEEPEST: usize = 5;

/// A mistake in a zone file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {says}")]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong and what to write instead.
    pub says: String,
}

/// A place in a zone file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file that was included; nothing is the file that was asked for.
    pub file: Option<Arc<str>>,
    /// From 1.
    pub line: usize,
    /// In octets, from 1.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}, ")?;
        }
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl Fault {
    fn at(line: usize, column: usize, says: &str) -> Self {
        Self { place: Place { file: None, line, column }, says: says.to_owned() }
    }
}
