//! Report → text, one file per format; sees a report and nothing else.

mod beside;
mod comparison;
mod digest;
mod explain;
mod findings;
mod head;
pub mod inbound;
mod ink;
mod json;
mod markdown;
mod news;
mod page;
mod table;
mod wrap;

pub use comparison::comparison;
pub use explain::{explain, explain_all, explain_outcome};
pub use news::{json_line as news_json, line as news_line};
pub use page::{index, page};
pub use wrap::{block, pad, width, wrap};

use crate::model::{Lang, Report};

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
}

/// Writes a report. The text ends with a line end.
pub fn render(report: &Report, format: Format, style: &Style) -> String {
    match format {
        Format::Table => table::write(report, style),
        Format::Json => json::write(report, style),
        Format::Markdown => markdown::write(report, style.lang),
    }
}
