//! `compare`: two reports of one move in, what became of the first one out.

use std::path::Path;

use super::deliver::spare;
use super::{CommandError, Printed, Terminal, report_file};
use crate::cli::{Compare, CompareFormat};
use crate::compare::{self, Outcome};
use crate::exit;
use crate::model::visible;
use crate::output::PendingFile;
use crate::render::{self, Format, Style};
use crate::words;

/// Reads both, refuses what is not of one move, and says what became of the first.
pub(super) fn run(arguments: &Compare, terminal: &Terminal) -> Result<Printed, CommandError> {
    let output = arguments.output.as_deref().filter(|path| *path != Path::new("-"));
    spare(output, [arguments.earlier.as_path(), arguments.later.as_path()])?;
    let earlier = report_file::read(&arguments.earlier, "compare")?;
    let later = report_file::read(&arguments.later, "compare")?;
    let mut report = later.report;
    compare::fit(&earlier, &report.columns, &report.expects, report.simulated, report.started)?;
    let file = output.map(PendingFile::beside).transpose()?;
    compare::compare(&mut report, &earlier);
    let exit = match compare::outcome(&report) {
        Outcome::Nothing => exit::GO,
        Outcome::Blocked => exit::NO_GO,
        Outcome::Lost => exit::HOLD,
    };
    let format = match arguments.format {
        CompareFormat::Table => Format::Table,
        CompareFormat::Json => Format::Json,
    };
    let style = Style { verbose: arguments.verbose, quiet: arguments.quiet, ..terminal.style() };
    let text = render::comparison(&report, &later.path, exit, format, &style);
    match (file, output) {
        (Some(file), Some(path)) => {
            file.complete(&text)?;
            let notice = words::report_written(style.lang, report.verdict, &visible(&path.display().to_string()));
            Ok(Printed { notice, exit, ..Printed::default() })
        }
        _ => Ok(Printed { text, exit, ..Printed::default() }),
    }
}
