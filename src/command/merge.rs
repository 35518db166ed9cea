//! `merge`: reports of several places in, one verdict out.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use chrono::Utc;

use super::deliver::{Delivery, is_one_file};
use super::report_file;
use super::{CommandError, Printed, Terminal};
use crate::checks::CHECKS;
use crate::cli::Merge;
use crate::merge::{self, Misfit};
use crate::model::{Secrets, visible};
use crate::output::PendingFile;
use crate::rows::{self, RowsError};

/// Reads the reports, refuses what does not belong together, and writes what they say together.
pub(super) fn run(arguments: &Merge, terminal: &Terminal) -> Result<Printed, CommandError> {
    let (shards, others): (Vec<&PathBuf>, Vec<&PathBuf>) =
        arguments.reports.iter().partition(|path| rows::is_rows(path));
    if !shards.is_empty() {
        return match others.first() {
            Some(other) => Err(CommandError::Mixed(shown(other))),
            None => join_shards(arguments),
        };
    }
    if arguments.reports.len() < 2 {
        return Err(Misfit::TooFew.into());
    }
    let output = arguments.report.output.as_deref();
    if let Some(taken) = arguments.reports.iter().find(|path| output.is_some_and(|output| is_one_file(path, output))) {
        return Err(CommandError::OverwriteReport(shown(taken)));
    }
    let named = arguments.reports.iter().map(|path| report_file::read(path, "merge")).collect::<Result<Vec<_>, _>>()?;
    let now = arguments.at.unwrap_or_else(|| Utc::now().fixed_offset());
    merge::fit(&named, now, arguments.max_age)?;
    let delivery = Delivery::open(&arguments.report, terminal)?;
    let reports = named.into_iter().map(|named| named.report).collect();
    let report = merge::join(reports, CHECKS).ok_or(Misfit::TooFew)?;
    delivery.complete(&report, &Secrets::default())
}

/// Writes the rows of all shards where the report would go.
fn join_shards(arguments: &Merge) -> Result<Printed, CommandError> {
    let output = arguments.report.output.as_deref().filter(|path| *path != Path::new("-"));
    match output {
        Some(output) => {
            if arguments.reports.iter().any(|path| is_one_file(path, output)) {
                return Err(CommandError::OverwriteReport(shown(output)));
            }
            let mut file = BufWriter::new(PendingFile::beside(output)?);
            rows::join(&arguments.reports, &mut file)?;
            let file = file.into_inner().map_err(|error| RowsError::Joined(error.into_error()))?;
            file.keep()?;
        }
        None => match rows::join(&arguments.reports, BufWriter::new(std::io::stdout().lock())) {
            // Whoever closed the pipe has read enough.
            Err(RowsError::Joined(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            joined => joined?,
        },
    }
    Ok(Printed::default())
}

fn shown(path: &Path) -> String {
    visible(&path.display().to_string())
}
