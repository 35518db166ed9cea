//! Reports in JSON, read back: by whoever joins them, and by whoever compares them.

mod read;

pub use read::{ReadError, read};

use crate::model::Report;

/// The longest report that is read, in bytes.
pub const LONGEST_REPORT: usize = 64 << 20;

/// A report, and the file it was read from.
#[derive(Clone, Debug)]
pub struct Named {
    /// The file as it may be shown.
    pub path: String,
    /// What it says.
    pub report: Report,
}
