//! Whatever a list, a record or a plan says, it stays text in every form.

use std::borrow::Cow;

use mail_cutover::model::{Args, Detail, Rehearsed, Report, Subject, Value};
use mail_cutover::render::{Format, render};

use crate::{FULL, forms, in_both, sample};

/// Control characters, direction, markup, formula, what XML forbids, ends of what others quote.
pub(crate) const HOSTILE: &str = "=1+1\u{1b}[2J\u{0}\u{8}\u{9b}\r\n::error::x\u{202e}\u{2066}\u{feff}\u{fffe}\u{ffff}\u{fdd0}<script>alert(1)</script><!-- ]]> \
     \" onmouseover=\"alert(2) ' `id` $(id) | a=1;2;3 %0A &lt; \\ , ; {x=\"1\"} \u{e0041}";

/// A report in which everything that can come from outside is hostile.
pub(crate) fn report() -> Report {
    let mut report = sample::report(&sample::five());
    let hostile = || HOSTILE.to_owned();
    report.plan_path = hostile();
    report.catalogue_date = hostile();
    report.change = Some(hostile());
    report.title = Some(hostile());
    report.run_by = hostile();
    report.resolvers = vec![hostile()];
    report.plan_lines.insert(hostile(), 3);
    report.rehearsed = vec![Rehearsed { zone: hostile(), path: hostile(), sha256: hostile() }];
    for part in &mut report.parts {
        part.run_by = hostile();
        part.resolvers = vec![hostile()];
    }
    for statement in report.sections.iter_mut().flat_map(|section| &mut section.statements) {
        statement.about = Some(hostile());
        let names = ["ip", "list", "txt", "name", "ttl", "asn", "query"];
        statement.args = Args(names.map(|name| (Cow::Borrowed(name), Value::plain(HOSTILE))).into_iter().collect());
        statement.details = vec![Detail::new(HOSTILE).with([Detail::new(HOSTILE)])];
        if matches!(statement.subject, Subject::Name(_)) {
            statement.subject = Subject::Name(hostile());
        }
        if let Some(waiver) = &mut statement.waiver {
            waiver.owner = hostile();
            waiver.reason = hostile();
            waiver.reference = Some(hostile());
        }
    }
    for seen in &mut report.observations {
        seen.question = hostile();
        seen.answer = vec![hostile()];
        seen.rehearsed = vec![hostile()];
        for exchange in &mut seen.exchanges {
            exchange.server = hostile();
        }
    }
    report
}

/// Lost if it fails: a TXT record could steer a terminal, hide a finding behind turned letters, or make a file that no parser reads.
#[test]
fn nothing_invisible_is_written() {
    let report = report();
    for form in forms() {
        for text in in_both(&report, form) {
            let bad = text.chars().find(|sign| {
                (sign.is_control() && *sign != '\n')
                    || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
                    || matches!(sign, '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}')
            });
            assert_eq!(bad, None, "{form:?}");
            assert!(text.contains("alert(1)"), "{form:?} does not show what was said");
        }
    }
}

/// Lost if it fails: a list's TXT record could run a script in the browser of the change board.
#[test]
fn the_page_has_no_foreign_markup() {
    for page in in_both(&report(), Format::Html) {
        let tags: std::collections::BTreeSet<&str> = page
            .split('<')
            .skip(1)
            .map(|rest| rest.split([' ', '>', '\n']).next().unwrap())
            .filter(|tag| !tag.starts_with('/'))
            .collect();
        let ours = "!DOCTYPE html head meta title style body header a div p h1 h2 h3 h4 span strong ul ol li b dl dt dd code nav main section \
                    figure svg rect line circle text figcaption time article details summary pre table caption thead tbody tr th td wbr footer";
        for tag in tags {
            assert!(ours.split_whitespace().any(|known| known == tag), "<{tag}>");
        }
        assert!(!page.contains("\" onmouseover"), "a text broke out of its attribute");
        assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'"), "no policy");
    }
}

/// Lost if it fails: a spreadsheet would calculate what a stranger's record says.
#[test]
fn no_cell_is_a_formula() {
    for text in in_both(&report(), Format::Csv) {
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        assert!(rows.len() >= 9, "{} rows", rows.len());
        let quoted = rows.iter().flatten().filter(|cell| cell.starts_with("'=1+1")).count();
        assert!(quoted > rows.len(), "only {quoted} cells were put in quotation");
        for cell in rows.iter().flatten() {
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '|', '%']), "{cell}");
        }
    }
}

/// Lost if it fails: a record could close the status line and report figures of its own, or reach the shell that sends the page.
#[test]
fn a_plugin_says_one_status_and_its_own_figures() {
    for text in in_both(&report(), Format::Nagios) {
        assert_eq!(text.matches('|').count(), 1, "{text}");
        assert!(text.lines().next().unwrap().contains('|'), "the figures are not in the first line");
        for sign in ['`', '$', '<', '>', '"', '\'', '&', '\\'] {
            assert!(!text.contains(sign), "{sign} in {text}");
        }
        assert!(text.len() <= 4096, "{} octets", text.len());
    }
}

/// Lost if it fails: a record could give a workflow a command.
#[test]
fn annotations_are_our_own() {
    for text in in_both(&report(), Format::Github) {
        assert!(text.lines().count() > 4, "{text}");
        for line in text.lines() {
            let rest = ["::error ", "::warning ", "::notice "].iter().find_map(|kind| line.strip_prefix(kind));
            let (properties, message) = rest.unwrap_or_else(|| panic!("not ours: {line}")).split_once("::").unwrap();
            for property in properties.split(',') {
                let (name, value) = property.split_once('=').unwrap();
                assert!(["file", "line", "title"].contains(&name) && !value.is_empty(), "{property}");
            }
            assert!(!message.is_empty());
        }
    }
}

/// Lost if it fails: metrics would be lost for the whole host, because the collector skips a file with one bad line.
#[test]
fn no_series_stands_twice() {
    let text = render(&report(), Format::Prometheus, &FULL);
    let mut series: Vec<&str> =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| line.rsplit_once(' ').unwrap().0).collect();
    let all = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), all);
    assert!(all > 20, "{all} series");
}
