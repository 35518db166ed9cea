//! What changes in time: two reports of one move compared, and a watch through a day of made-up hours.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod compare;
#[path = "../render/sample.rs"]
#[expect(dead_code, reason = "the whole sample is for the tests of the renderers")]
mod sample;
mod watch;

use chrono::{DateTime, FixedOffset};
use mail_cutover::check::{DEADLINE, LEFT_OUT};
use mail_cutover::model::{
    Applied, Card, Column, Expected, Levels, Needs, Observation, ObservationId, Outcome, Phase, Report, Section, Side,
    Statement, Subject, Text, Verdict,
};

const fn text(en: &'static str, ja: &'static str) -> Text {
    Text { en, ja }
}

const fn outcome(tag: &'static str, levels: Levels) -> Outcome {
    Outcome { tag, levels, says: text("it is so", "そうである"), remedy: text("Mend it.", "直す。") }
}

static BLOCKS: Outcome = outcome("blocks", Levels::BLOCKER);
static BLOCKS_AFTER: Outcome = outcome("blocks-after", Levels::NOTE.after(mail_cutover::model::Level::Blocker));
static WARNS: Outcome = outcome("warns", Levels::WARNING);
static NOTES: Outcome = outcome("notes", Levels::NOTE);
static SILENT: Outcome = outcome("silent", Levels::UNKNOWN);
/// As the lists say it that are not required: a note, and yet nothing is known.
static LIST_SILENT: Outcome = outcome("list-silent", Levels::NOTE);
static TRIGGER: Outcome = outcome("rollback-trigger", Levels::BLOCKER);

const fn card(id: &'static str, outcomes: &'static [&'static Outcome]) -> Card {
    Card {
        id,
        title: text("all is well", "問題はない"),
        short: text("sample", "例"),
        phases: &[Phase::Before, Phase::After],
        why: text("", ""),
        how: text("", ""),
        by_hand: "",
        references: &[],
        needs: Needs::Dns,
        waivable: true,
        outcomes,
    }
}

static SAMPLE: Card = card("sample", &[&BLOCKS, &BLOCKS_AFTER, &WARNS, &NOTES, &SILENT]);
static HARMLESS: Card = card("harmless", &[&WARNS, &NOTES, &SILENT]);
static LISTS: Card = card("lists", &[&LIST_SILENT]);
static ROLLBACK: Card = Card { needs: Needs::Results, ..card("rollback", &[&TRIGGER]) };

fn at(clock: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(clock).unwrap()
}

/// A statement in a word: `kind`, `kind/about`, of the new address; `run:`, `old:`, `line:` or `list:` before it say of what else.
fn say(word: &str, phase: Phase) -> Statement {
    let (subject, word) = match word.split_once(':') {
        Some(("run", rest)) => (Subject::Run, rest),
        Some(("old", rest)) => (Subject::Address([192, 0, 2, 25].into(), Side::Old), rest),
        Some(("list", rest)) => (Subject::List("some-list".to_owned()), rest),
        Some((line, rest)) => (Subject::PlanLine(line.parse().unwrap()), rest),
        None => (Subject::Address([203, 0, 113, 25].into(), Side::New), word),
    };
    let (kind, about) = word.split_once('/').map_or((word, None), |(kind, about)| (kind, Some(about.to_owned())));
    let waiver = Applied {
        owner: String::new(),
        reason: String::new(),
        reference: None,
        until: "2026-12-31".parse().unwrap(),
        line: 9,
    };
    let statement = match kind {
        "passed" => Statement::passed(subject),
        "no" => Statement::not_applicable(subject, text("no", "否")),
        "left-out" => Statement::not_covered(subject, LEFT_OUT),
        "deadline" => Statement::outcome(&DEADLINE, subject),
        "blocks" | "waived" => Statement::outcome(&BLOCKS, subject),
        "blocks-after" => Statement::outcome(&BLOCKS_AFTER, subject),
        "warns" => Statement::outcome(&WARNS, subject),
        "notes" => Statement::outcome(&NOTES, subject),
        "silent" => Statement::outcome(&SILENT, subject),
        "list-silent" => Statement::outcome(&LIST_SILENT, subject),
        "trigger" => Statement::outcome(&TRIGGER, subject),
        other => panic!("{other}"),
    };
    let level = statement.named().map(|outcome| outcome.levels.at(phase, statement.subject.side()));
    Statement { about, level, waiver: (kind == "waived").then_some(waiver), ..statement }
}

/// A report that says `words` in the check `sample`, and of others what `more` says.
fn report(phase: Phase, words: &str, more: &[(&'static Card, &str)]) -> Report {
    let section = |(card, words): (&'static Card, &str)| Section {
        card,
        statements: words.split_whitespace().map(|word| say(word, phase)).collect(),
    };
    let sections: Vec<Section> = std::iter::once((&SAMPLE, words)).chain(more.iter().copied()).map(section).collect();
    let sample = sample::report(&[]);
    Report {
        phase,
        verdict: Verdict::over(&sections, phase, true),
        sections,
        columns: vec![
            Column { ip: [192, 0, 2, 25].into(), side: Side::Old },
            Column { ip: [203, 0, 113, 25].into(), side: Side::New },
        ],
        expects: vec![
            expected("example.co.jp", "MX", "10 mail.example.co.jp."),
            expected("mail.example.co.jp", "A", "203.0.113.25"),
        ],
        observations: Vec::new(),
        ..sample
    }
}

fn expected(name: &str, rtype: &str, value: &str) -> Expected {
    Expected { name: name.to_owned(), rtype: rtype.to_owned(), values: vec![value.to_owned()] }
}

/// What the servers of the zone said: `example.co.jp. MX` and the data, separated by commas; nothing is NODATA.
fn seen(route: &'static str, question: &str, data: &str) -> Observation {
    let answer: Vec<String> = data.split(", ").filter(|one| !one.is_empty()).map(str::to_owned).collect();
    Observation {
        id: ObservationId(0),
        part: 0,
        door: "dns".into(),
        question: question.to_owned(),
        route: route.into(),
        outcome: if answer.is_empty() { "nodata" } else { "data" }.to_owned(),
        answer,
        ttl: None,
        negative_ttl: None,
        authoritative: true,
        authenticated: false,
        rehearsed: Vec::new(),
        exchanges: Vec::new(),
    }
}
