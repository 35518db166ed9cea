//! Report → text, one file per format; sees a report and nothing else.

mod beside;
mod comparison;
mod digest;
mod explain;
mod findings;
mod grid;
mod head;
mod html;
pub mod inbound;
mod ink;
mod json;
mod machine;
mod markdown;
mod news;
mod page;
pub mod spreadsheet;
mod table;
mod wrap;

pub use comparison::comparison;
pub use explain::{explain, explain_all, explain_outcome};
pub use grid::grid;
pub use news::{json_line as news_json, line as news_line};
pub use page::{index, page};
pub use wrap::{block, grouped, pad, width, wrap};

use crate::exit;
use crate::model::{Lang, Report, Verdict};

/// How to write.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Language.
    pub lang: Lang,
    /// Colour may be used.
    pub color: bool,
    /// Columns.
    pub width: usize,
    /// More than ASCII may be used for lines and marks.
    pub unicode: bool,
    /// Every question and its answer too.
    pub verbose: bool,
    /// Verdict and what stands in its way only.
    pub quiet: bool,
    /// Warnings stand in the way too.
    pub strict: bool,
}

/// A form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Table,
    /// For programs.
    Json,
    /// For a change ticket.
    Markdown,
    /// A page for a change board.
    Html,
    /// For a spreadsheet, a line for each statement.
    Csv,
    /// For a CI server, as test results.
    Junit,
    /// For code scanning.
    Sarif,
    /// For Nagios and its kin.
    Nagios,
    /// For the textfile collector of Prometheus.
    Prometheus,
    /// Workflow commands.
    Github,
    /// A code quality report.
    Gitlab,
}

impl Format {
    /// The exit code of a report in this form: that of the verdict, or the one that whoever reads the form expects.
    pub fn exit(self, verdict: Verdict, strict: bool) -> u8 {
        match self {
            Self::Nagios => machine::nagios::exit(verdict, strict),
            _ => exit::code(verdict, strict),
        }
    }

    /// What is written in this form, and the exit code, when nothing could be judged; nothing for forms that have no word for it.
    pub fn could_not_start(self, why: &str) -> Option<(String, u8)> {
        (self == Self::Nagios).then(|| machine::nagios::could_not_start(why))
    }
}

/// Writes a report. The text ends with a line end.
pub fn render(report: &Report, format: Format, style: &Style) -> String {
    match format {
        Format::Table => table::write(report, style),
        Format::Json => json::write(report, style),
        Format::Markdown => markdown::write(report, style.lang),
        Format::Html => html::write(report, style),
        Format::Csv => machine::rows::write(report, style.lang),
        Format::Junit => machine::junit::write(report, style),
        Format::Sarif => machine::sarif::write(report, style),
        Format::Nagios => machine::nagios::write(report, style),
        Format::Prometheus => machine::prometheus::write(report),
        Format::Github => machine::annotations::github(report, style),
        Format::Gitlab => machine::annotations::gitlab(report, style),
    }
}
