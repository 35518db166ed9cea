//! A report on its way out: rendered as it was asked for, to standard output or into a file.

use std::path::{Path, PathBuf};

use super::{CommandError, Printed, Terminal};
use crate::cli::ReportArgs;
use crate::model::{Report, Secrets, visible};
use crate::output::PendingFile;
use crate::render::{self, Format, Style};
use crate::words;

/// Where the report goes and how; its file is there before the work is done, so that a bad path fails at once.
pub(super) struct Delivery {
    format: Format,
    style: Style,
    file: Option<(PathBuf, PendingFile)>,
}

impl Delivery {
    /// Makes ready what `arguments` ask for.
    pub(super) fn open(arguments: &ReportArgs, terminal: &Terminal) -> Result<Self, CommandError> {
        let output = arguments.output.as_deref().filter(|path| *path != Path::new("-"));
        let file =
            output.map(|path| Ok::<_, CommandError>((path.to_owned(), PendingFile::beside(path)?))).transpose()?;
        let style = Style {
            verbose: arguments.verbose,
            quiet: arguments.quiet,
            strict: arguments.strict,
            color: terminal.color && file.is_none(),
            ..terminal.style()
        };
        Ok(Self { format: arguments.format, style, file })
    }

    /// Writes the report.
    pub(super) fn complete(self, report: &Report, secrets: &Secrets) -> Result<Printed, CommandError> {
        // Everything was redacted where it came in; this holds even if one place was forgotten.
        let text = secrets.redact(&render::render(report, self.format, &self.style));
        let exit = self.format.exit(report.verdict, self.style.strict);
        match self.file {
            None => Ok(Printed { text, exit, ..Printed::default() }),
            Some((path, file)) => {
                file.complete(&text)?;
                let path = visible(&path.display().to_string());
                let notice = words::report_written(self.style.lang, report.verdict, &path);
                Ok(Printed { notice, exit, ..Printed::default() })
            }
        }
    }
}

/// Refuses an output that would take the place of one of the files to read.
pub(super) fn spare<'p>(output: Option<&Path>, read: impl IntoIterator<Item = &'p Path>) -> Result<(), CommandError> {
    let taken = read.into_iter().find(|path| output.is_some_and(|output| is_one_file(path, output)));
    match taken {
        Some(taken) => Err(CommandError::OverwriteInput(visible(&taken.display().to_string()))),
        None => Ok(()),
    }
}

/// Whether both paths lead to one file.
pub(super) fn is_one_file(one: &Path, other: &Path) -> bool {
    // What stands on standard input, or is not there yet, is nobody's file.
    matches!((std::fs::canonicalize(one), std::fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other && one.is_file())
}
