//! The forms of the report. One more is a file, and here its `mod`, its variant and its line in [`render`]: nowhere else.

mod annotations;
mod entry;
mod junit;
mod nagios;
mod prometheus;
mod rows;
mod sarif;

use clap::ValueEnum;

use super::{Style, html, json, markdown, table};
use crate::exit;
use crate::model::{Report, Verdict};

/// A form of the report. What stands above a variant is its line in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people at a terminal.
    Table,
    /// For programs; schema 1.
    Json,
    /// A tick-box checklist for the change ticket.
    Markdown,
    /// A page for the change board: one file, to be read in a browser or printed.
    Html,
    /// A line for each statement, for a spreadsheet.
    Csv,
    /// Test results for a CI server (JUnit XML).
    Junit,
    /// Results for code scanning (SARIF 2.1.0).
    Sarif,
    /// A plugin's output for Nagios or Icinga; exits with 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    Nagios,
    /// Metrics for the textfile collector of Prometheus.
    Prometheus,
    /// Annotations for a GitHub workflow.
    Github,
    /// A code quality report for GitLab.
    Gitlab,
}

impl Format {
    /// The exit code of a report in this form: that of the verdict, or the one that whoever reads the form expects.
    pub fn exit(self, verdict: Verdict, strict: bool) -> u8 {
        match self {
            Self::Nagios => nagios::exit(verdict, strict),
            _ => exit::code(verdict, strict),
        }
    }

    /// What is written in this form, and the exit code, when nothing could be judged; nothing for forms that have no word for it.
    pub fn could_not_start(self, why: &str) -> Option<(String, u8)> {
        (self == Self::Nagios).then(|| nagios::could_not_start(why))
    }
}

/// Writes a report. The text ends with a line end.
pub fn render(report: &Report, format: Format, style: &Style) -> String {
    match format {
        Format::Table => table::write(report, style),
        Format::Json => json::write(report, style),
        Format::Markdown => markdown::write(report, style.lang),
        Format::Html => html::write(report, style),
        Format::Csv => rows::write(report, style.lang),
        Format::Junit => junit::write(report, style),
        Format::Sarif => sarif::write(report, style),
        Format::Nagios => nagios::write(report, style),
        Format::Prometheus => prometheus::write(report),
        Format::Github => annotations::github(report, style),
        Format::Gitlab => annotations::gitlab(report, style),
    }
}
