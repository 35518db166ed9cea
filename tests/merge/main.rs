//! Reports of several places joined into one: what stands, what falls away, what comes back from a file, and what a bad file does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod hostile;
mod round;
#[path = "../render/sample.rs"]
mod sample;
mod table;
mod whole;

use mail_cutover::check::{Check, Run};
use mail_cutover::model::{Card, Lang, Report};
use mail_cutover::render::{Format, Style, render};

/// A table of 100 columns with everything in it.
pub(crate) const VERBOSE: Style =
    Style { lang: Lang::En, color: false, width: 100, unicode: true, verbose: true, quiet: false, strict: false };

/// The checks that the sections of `report` are of; they say nothing of their own.
pub(crate) fn checks_of(report: &Report) -> Vec<&'static Check> {
    let check = |card: &'static Card| {
        let check = Check { card: Card { ..*card }, run: Run::Results(|_, _| Vec::new()) };
        &*Box::leak(Box::new(check))
    };
    report.sections.iter().map(|section| check(section.card)).collect()
}

/// The report as JSON in `lang`.
pub(crate) fn json(report: &Report, lang: Lang) -> String {
    render(report, Format::Json, &Style { lang, ..VERBOSE })
}
