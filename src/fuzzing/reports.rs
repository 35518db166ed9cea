//! Targets for our own files that come back, and for what is written of a stranger's words.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};

use super::forms::{self, FULL};
use super::{assert_shown, assert_visible};
use crate::check::Check;
use crate::checks::CHECKS;
use crate::model::{
    Args, Column, Completion, Detail, Expected, LONGEST, Lang, Level, Milestone, Moment, Observation, ObservationId,
    Part, Phase, Rehearsed, Report, Secrets, Section, Side, Statement, Status, Subject, TOOL, Value, Vantage, Verdict,
    visible, visible_bytes, visible_whole,
};
use crate::render::{self, Format, spreadsheet};
use crate::rows::{self, Form, Head, RowFile};
use crate::saved::{self, Named};
use crate::{compare, merge};

/// How many rows a file of rows shall have.
pub(super) const WANTED: u64 = 4;

/// A report in JSON: what is understood of it can be written in every form, read again, joined and compared.
pub fn report(data: &[u8]) {
    let report = match saved::read(data, TOOL, CHECKS) {
        Ok(report) => report,
        Err(error) => {
            assert_visible(&error.to_string());
            return;
        }
    };
    forms::judge(&report, if data.len().is_multiple_of(2) { Lang::En } else { Lang::Ja });
    let json = render::render(&report, Format::Json, &FULL);
    let again = saved::read(json.as_bytes(), TOOL, CHECKS).unwrap_or_else(|error| panic!("{error} in {json}"));
    assert_eq!(again.verdict, report.verdict);
    assert_eq!(render::render(&again, Format::Json, &FULL), json);
    joined(&report);
    compared(&report);
}

/// A report joined with that of another run which said the same.
fn joined(report: &Report) {
    let mut other = report.clone();
    other.parts.iter_mut().for_each(|part| part.run_by.push_str(" at another place"));
    let named = |report: &Report| Named { path: "report.json".to_owned(), report: report.clone() };
    if merge::fit(&[named(report), named(&other)], report.started, Duration::from_secs(86_400)).is_err() {
        return;
    }
    let Some(joined) = merge::join(vec![report.clone(), other], CHECKS) else { panic!("two reports are none") };
    let blocks = |report: &Report| -> usize {
        let statements = report.sections.iter().flat_map(|section| &section.statements);
        let blocks = |one: &&Statement| {
            one.status() == Status::Found && one.level == Some(Level::Blocker) && one.waiver.is_none()
        };
        statements.filter(blocks).count()
    };
    assert!(blocks(report) == 0 || blocks(&joined) > 0, "a blocker is gone");
    assert!(report.verdict != Verdict::NoGo || joined.verdict == Verdict::NoGo, "{:?}", joined.verdict);
    assert!(
        report.verdict != Verdict::Hold || joined.verdict >= Verdict::Hold || report.completion != Completion::Complete
    );
    let json = render::render(&joined, Format::Json, &FULL);
    let again = saved::read(json.as_bytes(), TOOL, CHECKS).unwrap_or_else(|error| panic!("{error} in {json}"));
    assert_eq!(again.verdict, joined.verdict);
}

/// A report compared with itself, and with one that lacks its last check.
fn compared(report: &Report) {
    let mut later = report.clone();
    let earlier = Named { path: "earlier.json".to_owned(), report: report.clone() };
    let fits = compare::fit(&earlier, &later.columns, &later.expects, later.simulated, later.started);
    assert!(fits.is_ok(), "{fits:?}");
    compare::compare(&mut later, &earlier);
    assert_eq!(later.verdict, report.verdict);
    assert_eq!(compare::outcome(&later), compare::Outcome::Nothing);
    let mut less = report.clone();
    less.sections.pop();
    compare::compare(&mut less, &earlier);
    for format in [Format::Table, Format::Json] {
        assert_shown(&render::comparison(&less, "later.json", 0, format, &FULL));
    }
    let mut more = report.clone();
    let mut earlier = earlier;
    earlier.report.sections.pop();
    compare::compare(&mut more, &earlier);
    forms::judge(&more, Lang::En);
}

/// A file of rows, behind one octet that says of which form: it can be continued, or stays as it is.
pub fn rows(data: &[u8]) {
    let Some((choice, octets)) = data.split_first() else { return };
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join("rows");
    if std::fs::write(&path, octets).is_err() {
        return;
    }
    let _ = rows::is_rows(&path);
    let mut before = Vec::new();
    match RowFile::resume(&path, head(choice % 2 == 0), WANTED, |row| before.push(row.to_owned())) {
        Err(error) => {
            assert_visible(&visible(&error.to_string()));
            assert_eq!(std::fs::read(&path).ok().as_deref(), Some(octets), "a file that was refused is changed");
        }
        Ok(mut file) => {
            assert_eq!(file.rows_before(), before.len() as u64);
            assert!(file.rows_before() <= WANTED && (!file.is_complete() || file.rows_before() == WANTED));
            for _ in file.rows_before()..WANTED {
                assert!(file.add("{\"ip\":\"192.0.2.1\"}").is_ok());
            }
            assert!(file.end().is_ok());
            let mut after = Vec::new();
            let again = RowFile::resume(&path, head(choice % 2 == 0), WANTED, |row| after.push(row.to_owned()));
            assert!(again.as_ref().is_ok_and(RowFile::is_complete), "it was ended and is not complete: {again:?}");
            assert_eq!(after.len() as u64, WANTED);
            assert_eq!(after[..before.len()], before);
        }
    }
    let _ = rows::join(&[path], Vec::new());
}

/// The head of the rows that are wanted.
pub(super) fn head(json: bool) -> Head {
    let form = if json { Form::Ndjson } else { Form::Csv };
    Head::new(form, "lists", "0.1.0", ["fuzz".to_owned()], None, "ip,codes")
}

/// A stranger's words in every place of a report where they can stand.
pub fn render(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let shown = visible(&text);
    assert_visible(&shown);
    assert!(shown.chars().count() <= LONGEST + 1);
    assert_eq!(visible(&shown), shown);
    assert_eq!(visible_bytes(data), shown);
    let whole = visible_whole(&text);
    assert_visible(&whole);
    assert_eq!(visible_whole(&whole), whole);
    let filled = Args::none().and("text", &text).and("other", "{text}").fill(&text, Lang::En);
    assert!(filled.len() <= text.len() * 10 * (LONGEST + 1));
    for columns in [0, 20, 80] {
        for line in render::wrap(&whole, columns) {
            assert!(render::width(&line) <= columns.max(2), "{line:?} in {columns}");
        }
    }
    let row = spreadsheet::line([text.as_ref(), "b"]);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
    let cells: Vec<csv::StringRecord> = reader.records().filter_map(Result::ok).collect();
    assert_eq!(cells.iter().map(csv::StringRecord::len).collect::<Vec<_>>(), [2], "{row:?}");
    let secrets = Secrets::new([super::texts::KEY.to_owned()]);
    assert!(!secrets.redact(&text).contains(super::texts::KEY));
    forms::judge(&sample(&text), if data.len().is_multiple_of(2) { Lang::En } else { Lang::Ja });
}

/// Some checks with two outcomes each, about `text`, which is made visible as everything that comes into a report.
pub(super) fn sample(text: &str) -> Report {
    let shown = visible(text);
    let text = shown.as_str();
    let said = || text.to_owned();
    let at = DateTime::<FixedOffset>::from(DateTime::from_timestamp(1_796_000_000, 0).unwrap_or_default());
    let phase = if text.len().is_multiple_of(3) { Phase::After } else { Phase::Before };
    let chosen = CHECKS.iter().skip(text.len() % 13).step_by(13);
    let sections: Vec<Section> = chosen.map(|check| section(check, text, phase)).collect();
    let part = Part {
        vantage: Vantage::Desk,
        started: at,
        finished: at,
        run_by: said(),
        resolvers: vec![said()],
        completion: Completion::Complete,
    };
    let seen = Observation {
        id: ObservationId(1),
        part: 0,
        door: "dns".into(),
        question: format!("{text} A"),
        route: "resolver".into(),
        outcome: "data".to_owned(),
        answer: vec![said()],
        ttl: Some(60),
        negative_ttl: None,
        authoritative: false,
        authenticated: false,
        rehearsed: Vec::new(),
        exchanges: Vec::new(),
    };
    Report {
        tool: TOOL,
        catalogue_date: said(),
        plan_path: said(),
        plan_sha256: "0".repeat(64),
        change: Some(said()),
        title: Some(said()),
        cutover_at: at,
        expects: vec![Expected { name: said(), rtype: "MX".to_owned(), values: vec![said()] }],
        milestones: vec![Milestone { what: Moment::Cutover, at }],
        plan_lines: [(said(), 3)].into(),
        phase,
        parts: vec![part],
        started: at,
        finished: at,
        run_by: said(),
        resolvers: vec![said()],
        rehearsed: vec![Rehearsed { zone: said(), path: said(), sha256: said() }],
        simulated: false,
        completion: Completion::Complete,
        columns: vec![Column { ip: [203, 0, 113, 25].into(), side: Side::New }],
        verdict: Verdict::over(&sections, phase, true),
        sections,
        observations: vec![seen],
        baseline: None,
    }
}

fn section(check: &'static Check, text: &str, phase: Phase) -> Section {
    let subjects = [Subject::Address([203, 0, 113, 25].into(), Side::New), Subject::Name(text.to_owned())];
    let named = check.card.outcomes.iter().zip(subjects).map(|(outcome, subject)| {
        let words = outcome.says.en.split('{').chain(outcome.remedy.en.split('{')).skip(1);
        let names = words.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
        let args = names.map(|name| (Cow::Borrowed(name), Value::plain(text))).collect();
        let mut statement = Statement::outcome(outcome, subject).args(Args(args)).evidence([ObservationId(1)]);
        statement.level = Some(outcome.levels.at(phase, statement.subject.side()));
        statement.about(text).details([Detail::new(text).with([Detail::new(text)])])
    });
    let statements: Vec<Statement> =
        named.chain([Statement::not_applicable(Subject::Name(text.to_owned()), text)]).collect();
    Section { card: &check.card, statements }
}
