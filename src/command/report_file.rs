//! Report files on the command line: read back, or refused with one error that names the file.

use std::io::Read;
use std::path::Path;

use super::CommandError;
use crate::checks::CHECKS;
use crate::model::{TOOL, visible};
use crate::saved::{self, LONGEST_REPORT, Named};

/// Reads the report at `path`; `doing` completes "could not …" before the file's name.
pub(super) fn read(path: &Path, doing: &'static str) -> Result<Named, CommandError> {
    let shown = visible(&path.display().to_string());
    let mut bytes = Vec::new();
    // One byte more than a report may have, so that a longer one is told apart.
    let most = LONGEST_REPORT as u64 + 1;
    std::fs::File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|error| CommandError::ReadReport { path: shown.clone(), detail: error.to_string() })?;
    match saved::read(&bytes, TOOL, CHECKS) {
        Ok(report) => Ok(Named { path: shown, report }),
        Err(why) => Err(CommandError::Report { doing, path: shown, why }),
    }
}
