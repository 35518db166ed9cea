//! What must hold of every form of every report, whatever stands in it.

use std::collections::HashSet;

use clap::ValueEnum;

use super::assert_shown;
use crate::model::{Lang, Report};
use crate::render::{Format, Style, render};

/// Everything shown.
pub(super) const FULL: Style =
    Style { lang: Lang::En, color: false, width: 80, unicode: true, verbose: true, quiet: false, strict: false };

/// The elements of our page and of JUnit's.
const ELEMENTS: &str = "!DOCTYPE html head meta title style body header a div p h1 h2 h3 h4 span strong ul ol li b dl dt dd code nav main \
    section figure svg rect line circle text figcaption time article details summary pre table caption thead tbody tr th td wbr \
    footer ?xml testsuites testsuite testcase failure error skipped system-out system-err properties property";

/// Writes `report` in every form and looks at what was written.
pub(super) fn judge(report: &Report, lang: Lang) {
    for &format in Format::value_variants() {
        let text = render(report, format, &Style { lang, ..FULL });
        // Its lines are commands of ours: a word, parameters, and the text.
        let own = |line: &str| line.strip_prefix("::").map(str::to_owned);
        let texts =
            text.split('\n').map(|line| own(line).filter(|_| format == Format::Github).unwrap_or(line.to_owned()));
        texts.for_each(|line| assert_shown(&line));
        assert!(text.ends_with('\n'), "{format:?} has no end");
        match format {
            Format::Html | Format::Junit => elements(&text),
            Format::Json | Format::Sarif | Format::Gitlab => {
                let read = serde_json::from_str::<serde_json::Value>(&text);
                assert!(read.is_ok(), "{format:?}: {read:?}");
            }
            Format::Csv => cells(&text),
            Format::Nagios => {
                assert_eq!(text.matches('|').count(), 1, "{text}");
                assert!(text.len() <= 4096 && !text.contains(['`', '$', '<', '>', '"', '\'', '&', '\\']), "{text}");
            }
            Format::Prometheus => series(&text),
            Format::Github => {
                let is_ours =
                    |line: &str| ["::error ", "::warning ", "::notice "].iter().any(|kind| line.starts_with(kind));
                assert!(text.lines().all(|line| line.is_empty() || is_ours(line)), "{text}");
            }
            Format::Table | Format::Markdown => {
                // The table writes it large, with spaces between the letters.
                let bare = |text: &str| text.replace(' ', "");
                assert!(bare(&text).contains(&bare(report.verdict.words())), "{text}");
            }
        }
    }
    for style in [
        Style { width: 20, quiet: true, ..FULL },
        Style { lang: Lang::Ja, unicode: false, width: 0, verbose: false, strict: true, ..FULL },
    ] {
        assert_shown(&render(report, Format::Table, &style));
    }
}

fn elements(page: &str) {
    for rest in page.split('<').skip(1) {
        let name = rest.trim_start_matches('/').split([' ', '>', '\n', '/']).next().unwrap_or_default();
        assert!(ELEMENTS.split_whitespace().any(|known| known == name), "<{name}>");
    }
}

fn cells(table: &str) {
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(table.as_bytes());
    for row in reader.records() {
        let row = row.unwrap_or_else(|error| panic!("{error}"));
        for cell in &row {
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '|', '%']), "{cell}");
        }
    }
}

fn series(text: &str) {
    let mut seen = HashSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let parts = line.rsplit_once(' ');
        assert!(parts.is_some_and(|(_, value)| value.parse::<f64>().is_ok()), "{line}");
        assert!(parts.is_some_and(|(name, _)| seen.insert(name)), "twice: {line}");
    }
}
