//! `merge`: reports of several places in, one verdict out.

use chrono::Utc;

use super::deliver::{Delivery, is_one_file};
use super::report_file;
use super::{CommandError, Printed, Terminal};
use crate::checks::CHECKS;
use crate::cli::Merge;
use crate::merge::{self, Misfit};
use crate::model::{Secrets, visible};

/// Reads the reports, refuses what does not belong together, and writes what they say together.
pub(super) fn run(arguments: &Merge, terminal: &Terminal) -> Result<Printed, CommandError> {
    if arguments.reports.len() < 2 {
        return Err(Misfit::TooFew.into());
    }
    let output = arguments.report.output.as_deref();
    if let Some(taken) = arguments.reports.iter().find(|path| output.is_some_and(|output| is_one_file(path, output))) {
        return Err(CommandError::OverwriteReport(visible(&taken.display().to_string())));
    }
    let named = arguments.reports.iter().map(|path| report_file::read(path, "merge")).collect::<Result<Vec<_>, _>>()?;
    let now = arguments.at.unwrap_or_else(|| Utc::now().fixed_offset());
    merge::fit(&named, now, arguments.max_age)?;
    let delivery = Delivery::open(&arguments.report, terminal)?;
    let reports = named.into_iter().map(|named| named.report).collect();
    let report = merge::join(reports, CHECKS).ok_or(Misfit::TooFew)?;
    delivery.complete(&report, &Secrets::default())
}
