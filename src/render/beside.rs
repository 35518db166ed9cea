//! What an earlier report said beside this one: marks, what is gone, which records changed.

use serde::Serialize;

use super::digest::{Standing, subject};
use super::findings::says;
use super::json::Subject;
use super::wrap::block;
use crate::model::{
    Baseline, Card, Fate, Gone, Lang, Level, Mark, Phase, RecordChange, Report, Section, Statement, Status, Verdict,
};
use crate::words;

/// The baseline in JSON.
#[derive(Serialize)]
pub(super) struct Beside<'r> {
    path: &'r str,
    started: String,
    phase: Phase,
    verdict: Verdict,
    same_plan: bool,
    rehearsed: bool,
    gone: Vec<GoneOut<'r>>,
    records: &'r [RecordChange],
}

#[derive(Serialize)]
struct GoneOut<'r> {
    fate: Fate,
    #[serde(flatten)]
    said: Said<'r>,
}

/// What a check said of a subject, in few words.
#[derive(Serialize)]
pub(super) struct Said<'r> {
    check: &'static str,
    subject: Subject,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<&'r str>,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
}

impl<'r> Said<'r> {
    pub(super) fn of(card: &'static Card, statement: &'r Statement, lang: Lang) -> Self {
        Self {
            check: card.id,
            subject: Subject::of(&statement.subject),
            about: statement.about.as_deref(),
            status: statement.status(),
            level: statement.level,
            tag: statement.named().map(|outcome| outcome.tag),
            text: says(statement, lang),
        }
    }
}

impl<'r> Beside<'r> {
    pub(super) fn of(baseline: &'r Baseline, lang: Lang) -> Self {
        let gone = |one: &'r Gone| GoneOut { fate: one.fate, said: Said::of(one.card, &one.statement, lang) };
        Self {
            path: &baseline.path,
            started: baseline.started.to_rfc3339(),
            phase: baseline.phase,
            verdict: baseline.verdict,
            same_plan: baseline.same_plan,
            rehearsed: baseline.rehearsed,
            gone: baseline.gone.iter().map(gone).collect(),
            records: &baseline.records,
        }
    }
}

/// How many findings carry each mark: new, heavier, not known before, known.
pub(super) fn marks(report: &Report) -> [usize; 4] {
    let all = || report.sections.iter().flat_map(|section| &section.statements);
    [Mark::New, Mark::Heavier, Mark::Unseen, Mark::Same]
        .map(|mark| all().filter(|statement| statement.mark == Some(mark)).count())
}

/// What stands between the findings and the verdict: the baseline, how much is new and gone, and line by line what is fixed, what is
/// not known any more and which records changed. Notes that are gone are counted and, unless `all`, not shown.
pub(super) fn section(report: &Report, lang: Lang, width: usize, all: bool) -> Option<String> {
    let baseline = report.baseline.as_ref()?;
    let mut text = block("", &heading(baseline, lang), width);
    if !baseline.same_plan {
        text.push_str(&block("  ", words::plan_text_changed(lang), width));
    }
    if baseline.rehearsed {
        text.push_str(&block("  ", words::baseline_rehearsed(lang), width));
    }
    let fates = [Fate::Fixed, Fate::Lost, Fate::Moot].map(|fate| of(baseline, fate).count());
    text.push_str(&block("  ", &words::since_counts(lang, marks(report), fates), width));
    for fate in [Fate::Lost, Fate::Fixed, Fate::Moot] {
        for one in of(baseline, fate).filter(|one| all || is_shown(one)) {
            text.push_str(&block(
                &format!("  {}:  ", words::fate(lang, fate)),
                &sentence(one.card, &one.statement, lang),
                width,
            ));
        }
    }
    for change in &baseline.records {
        text.push_str(&block("  ", &record(change, lang), width));
    }
    Some(text)
}

/// `SINCE desk.json: …`.
pub(super) fn heading(baseline: &Baseline, lang: Lang) -> String {
    let when = baseline.started.format("%Y-%m-%d %H:%M %:z").to_string();
    words::since(lang, &baseline.path, &when, baseline.phase, baseline.verdict)
}

/// `ptr-missing  NEW  203.0.113.25 has no PTR record`; of what passed, the check and its subject.
pub(super) fn sentence(card: &'static Card, statement: &Statement, lang: Lang) -> String {
    let section = Section { card, statements: Vec::new() };
    let tag = statement.named().map_or(card.id, |outcome| outcome.tag);
    let says = says(statement, lang);
    let subject = subject(&section, statement, lang);
    // A sentence that names its subject needs no more than the side before it.
    let is_named = statement.subject != crate::model::Subject::Run && says.contains(&statement.subject.to_string());
    match statement.subject.side() {
        _ if says.is_empty() => format!("{tag}  {subject}"),
        Some(side) if is_named => format!("{tag}  {}  {says}", words::side(lang, side)),
        None if is_named => format!("{tag}  {says}"),
        _ => format!("{tag}  {subject}: {says}"),
    }
}

/// `example.co.jp MX: 10 mx1 → 10 mail (as planned)`.
pub(super) fn record(change: &RecordChange, lang: Lang) -> String {
    let values = |values: &[String]| match values {
        [] => words::no_record(lang).to_owned(),
        values => values.join(", "),
    };
    let expected = words::record_expected(lang, change.expected);
    format!("{} {}: {} → {} ({expected})", change.name, change.rtype, values(&change.was), values(&change.now))
}

fn of(baseline: &Baseline, fate: Fate) -> impl Iterator<Item = &Gone> {
    baseline.gone.iter().filter(move |one| one.fate == fate)
}

/// What somebody would miss: not notes, and of what does not arise any more only what weighed.
fn is_shown(gone: &Gone) -> bool {
    match gone.fate {
        Fate::Fixed | Fate::Moot => Standing::of(&gone.statement) > Standing::Note,
        Fate::Lost => Standing::of(&gone.statement) != Standing::Note,
    }
}
