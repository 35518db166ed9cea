//! CSV (RFC 4180): a heading, and a line for each statement.

use super::entry::{Entry, entries};
use crate::model::{Lang, Report, visible_whole};
use crate::render::digest::{is_rehearsed, observation};
use crate::render::findings::{by_hand, line, remedy};
use crate::render::spreadsheet;

/// The columns. One that is added stands at the end.
const COLUMNS: [&str; 18] = [
    "change",
    "verdict",
    "world",
    "check",
    "title",
    "kind",
    "subject",
    "side",
    "about",
    "status",
    "tag",
    "says",
    "do",
    "by_hand",
    "seen",
    "waived_by",
    "waived_until",
    "plan_line",
];

/// Writes the report.
pub(super) fn write(report: &Report, lang: Lang) -> String {
    let entries = entries(report);
    let rows = std::iter::once(COLUMNS.map(str::to_owned)).chain(entries.iter().map(|one| cells(one, lang)));
    rows.map(|row| spreadsheet::line(row.iter().map(|cell| visible_whole(cell))) + "\n").collect()
}

fn cells(entry: &Entry<'_>, lang: Lang) -> [String; 18] {
    let Entry { report, section, statement, .. } = entry;
    let seen = statement.evidence.iter().filter_map(|id| observation(report, id.0));
    let seen: Vec<String> = seen.map(|seen| line(report, seen, lang)).collect();
    let waiver = statement.waiver.as_ref();
    let or_nothing = Option::unwrap_or_default;
    [
        or_nothing(report.change.clone()),
        report.verdict.words().to_owned(),
        world(entry).to_owned(),
        section.card.id.to_owned(),
        section.card.title.in_lang(lang).to_owned(),
        statement.subject.kind().to_owned(),
        statement.subject.to_string(),
        statement.subject.side().map_or("", side).to_owned(),
        or_nothing(statement.about.clone()),
        word(entry).to_owned(),
        entry.tag().unwrap_or_default().to_owned(),
        entry.says(lang),
        or_nothing(remedy(statement, lang)),
        or_nothing(by_hand(section.card.by_hand, statement, lang)),
        seen.join("; "),
        waiver.map_or_else(String::new, |waiver| waiver.owner.clone()),
        waiver.map_or_else(String::new, |waiver| waiver.until.to_string()),
        entry.line().to_string(),
    ]
}

/// Which world a statement is about.
fn world(entry: &Entry<'_>) -> &'static str {
    match () {
        () if entry.report.simulated => "simulated",
        () if is_rehearsed(entry.report, entry.statement) => "rehearsed",
        () => "real",
    }
}

const fn side(side: crate::model::Side) -> &'static str {
    match side {
        crate::model::Side::Old => "old",
        crate::model::Side::New => "new",
    }
}

/// The same words as in JSON; a finding by its level.
fn word(entry: &Entry<'_>) -> &'static str {
    match entry.standing.word() {
        "" => "not-applicable",
        word => word,
    }
}
