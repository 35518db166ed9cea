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

use clap::ValueEnum as _;
use mail_cutover::model::{Lang, Report};
use mail_cutover::render::{Format, Style, render};

/// Every form but those that `tests/render` reads: a new one is among them without being named here.
pub(crate) fn forms() -> impl Iterator<Item = Format> {
    let elsewhere = [Format::Table, Format::Json, Format::Markdown];
    Format::value_variants().iter().copied().filter(move |form| !elsewhere.contains(form))
}

/// English, everything shown.
pub(crate) const FULL: Style =
    Style { lang: Lang::En, color: false, width: 80, unicode: true, verbose: true, quiet: false, strict: false };

/// The report in English and in Japanese.
pub(crate) fn in_both(report: &Report, format: Format) -> [String; 2] {
    [Lang::En, Lang::Ja].map(|lang| render(report, format, &Style { lang, ..FULL }))
}
