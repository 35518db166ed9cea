//! What logs come to, for programs: one JSON document, or one line of CSV for each group.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value as Json, json};

use super::Told;
use crate::bounce::{Count, Explanation, Group, LogRead};
use crate::command::bounce::{both, side};
use crate::model::{Lang, TOOL, visible};
use crate::render::spreadsheet;

/// The columns of the CSV.
const COLUMNS: &str = "direction,party,class,sub,list,new,critical,before,since,before_waiting,since_waiting,before_late,since_late,first_seen,last_seen,side,who,tag,confidence,sentence,remedy,example";

/// One JSON document; schema 1.
pub(super) fn json(told: &Told) -> String {
    let tally = &told.watch.tally;
    let groups: Vec<Json> = tally.groups().into_iter().map(|group| as_json(told, group)).collect();
    let [before, since] = tally.delivered();
    let document = json!({
        "schema": 1,
        "kind": "refusals",
        "tool": TOOL,
        "cutover_at": told.cutover.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, false)),
        "since": told.from.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, false)),
        "compared": told.compares(),
        "complete": told.is_whole(),
        "logs": told.watch.logs.iter().map(log).collect::<Vec<_>>(),
        "period": told.watch.period().map(|(first, last)| json!({ "first": time(first), "last": time(last) })),
        "delivered": { "before": before, "since": since },
        "undated": tally.undated(),
        "groups": groups,
    });
    format!("{document:#}\n")
}

fn log(log: &LogRead) -> Json {
    json!({
        "file": log.file,
        "lines": log.volume.lines,
        "understood": log.news,
        "cut": log.volume.cut,
        "octets": log.volume.octets,
        "error": log.error,
    })
}

fn as_json(told: &Told, group: &Group) -> Json {
    let explained = group.explain(&told.ours);
    json!({
        "direction": group.direction.word(),
        "party": group.party,
        "class": group.class.word(),
        "sub": group.sub,
        "list": list(group),
        "new": told.cutover.is_some() && group.is_new(),
        "critical": group.is_critical(),
        "before": count(group.before),
        "since": count(group.since),
        "first_seen": group.seen.map(|(first, _)| time(first)),
        "last_seen": group.seen.map(|(_, last)| time(last)),
        "side": explained.side.word(),
        "rule": explained.rule,
        "confidence": group.confidence.word(),
        "sentence": both(&explained.sentence),
        "remedy": both(&explained.remedy),
        "tag": explained.tag,
        "example": group.example,
    })
}

fn count(count: Count) -> Json {
    json!({ "refused": count.refused, "waiting": count.waiting, "delivered_late": count.late })
}

fn list(group: &Group) -> Option<String> {
    group.list.as_ref().map(|list| visible(list.id()))
}

fn time(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// One line for each group; `before` and `since` are what did not arrive, refused and waiting.
pub(super) fn csv(told: &Told, lang: Lang) -> String {
    let mut text = format!("{COLUMNS}\n");
    for group in told.watch.tally.groups() {
        let explained: Explanation = group.explain(&told.ours);
        let (before, since) = (group.before, group.since);
        let seen = |pick: fn((i64, i64)) -> i64| group.seen.map(pick).map(time).unwrap_or_default();
        let cells = [
            group.direction.word().to_owned(),
            group.party.clone(),
            group.class.word().to_owned(),
            group.sub.to_owned(),
            list(group).unwrap_or_default(),
            (told.cutover.is_some() && group.is_new()).to_string(),
            group.is_critical().to_string(),
            before.lost().to_string(),
            since.lost().to_string(),
            before.waiting.to_string(),
            since.waiting.to_string(),
            before.late.to_string(),
            since.late.to_string(),
            seen(|(first, _)| first),
            seen(|(_, last)| last),
            explained.side.word().to_owned(),
            side(&explained, lang).to_owned(),
            explained.tag.unwrap_or_default().to_owned(),
            group.confidence.word().to_owned(),
            explained.sentence.in_lang(lang).to_owned(),
            explained.remedy.in_lang(lang).to_owned(),
            group.example.clone(),
        ];
        text.push_str(&spreadsheet::line(cells));
        text.push('\n');
    }
    text
}
