//! The report for other programs, judged by the programs that read it. A tool that is not installed is named and its test skipped,
//! unless MAIL_CUTOVER_REQUIRE_DAEMONS is set.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![expect(clippy::unwrap_used, reason = "a sample that cannot be made stops the test")]

mod board;
mod hostile;
mod readers;
#[path = "../render/sample.rs"]
mod sample;
mod shapes;
mod tool;

use mail_cutover::model::{Lang, Report};
use mail_cutover::render::{Format, Style, render};

/// Every form that is not for people at a terminal.
pub(crate) const FORMS: [Format; 8] = [
    Format::Html,
    Format::Csv,
    Format::Junit,
    Format::Sarif,
    Format::Nagios,
    Format::Prometheus,
    Format::Github,
    Format::Gitlab,
];

/// English, everything shown.
pub(crate) const FULL: Style =
    Style { lang: Lang::En, color: false, width: 80, unicode: true, verbose: true, quiet: false, strict: false };

/// The report in English and in Japanese.
pub(crate) fn in_both(report: &Report, format: Format) -> [String; 2] {
    [Lang::En, Lang::Ja].map(|lang| render(report, format, &Style { lang, ..FULL }))
}
