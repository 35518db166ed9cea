//! The news of a watch: one line each, for people or as JSON lines for programs.

use chrono::{DateTime, FixedOffset, SecondsFormat};
use serde_json::{Map, Value as Json, json};

use super::Style;
use super::beside::{record, sentence};
use super::digest::Standing;
use super::findings::says;
use super::ink::{Ink, ink, verdict_ink};
use super::table::plain;
use crate::model::Lang;
use crate::watch::{Finding, News};
use crate::words;

/// So many checks are named in one line.
const MOST_NAMED: usize = 5;

/// One line for people, without a line end: time, what kind of news, and the news.
pub fn line(news: &News, at: DateTime<FixedOffset>, style: &Style) -> String {
    let lang = style.lang;
    let (text, ink) = match news {
        News::Stands(one) | News::New(one) | News::Heavier(one) | News::Fixed(one) => {
            let standing = Standing::of(&one.statement);
            let is_good = matches!(news, News::Fixed(_));
            (found(one, lang), if is_good { Ink::Good } else { ink(standing) })
        }
        News::Began { verdict, phase } => {
            (format!("{}, {}", verdict.words(), words::side_of_cutover(lang, *phase)), verdict_ink(*verdict))
        }
        News::Silent(places) => (named(places), Ink::Unknown),
        News::Answered(places) => (named(places), Ink::Good),
        News::Record(change) => (record(change, lang), if change.expected { Ink::Plain } else { Ink::Careful }),
        News::Phase(phase) => (words::side_of_cutover(lang, *phase).to_owned(), Ink::Plain),
        News::Verdict { was, now, roll_back } => {
            let question = if *roll_back { format!("  {}", words::roll_back(lang)) } else { String::new() };
            (format!("{} → {}{question}", was.words(), now.words()), verdict_ink(*now))
        }
        News::Leap(by) => (words::leap(lang, by.num_seconds()), Ink::Careful),
        News::Failed(why) | News::NotKept(why) | News::HookFailed(why) => (why.clone(), Ink::Unknown),
        News::Ended { verdict, runs } => (words::watched(lang, *runs, verdict.words()), Ink::Plain),
    };
    let text = if style.unicode { text } else { text.chars().map(plain).collect() };
    let head = words::news(lang, kind(news));
    let painted = match (style.color, ink) {
        (false, _) | (_, Ink::Plain) => head.to_owned(),
        (true, ink) => format!("\u{1b}[{}m{head}\u{1b}[0m", ink.code()),
    };
    format!("{}  {painted}  {text}", at.format("%Y-%m-%d %H:%M:%S %:z"))
}

/// The same as one line of JSON, without a line end: `at`, `event`, and what belongs to the event.
pub fn json_line(news: &News, at: DateTime<FixedOffset>, lang: Lang) -> String {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Json| {
        fields.insert(name.to_owned(), value);
    };
    add("at", at.to_rfc3339_opts(SecondsFormat::Secs, false).into());
    add("event", kind(news).into());
    match news {
        News::Stands(one) | News::New(one) | News::Heavier(one) | News::Fixed(one) => {
            let Finding { card, statement } = one;
            add("check", card.id.into());
            let side = statement.subject.side();
            add(
                "subject",
                json!({ "kind": statement.subject.kind(), "value": statement.subject.to_string(), "side": side }),
            );
            statement.about.iter().for_each(|about| add("about", about.as_str().into()));
            add("tag", statement.named().map(|outcome| outcome.tag).into());
            add("level", json!(statement.level));
            add("waived", statement.waiver.is_some().into());
            add("text", says(statement, lang).into());
        }
        News::Began { verdict, phase } => {
            add("verdict", json!(verdict));
            add("phase", json!(phase));
        }
        News::Silent(places) | News::Answered(places) => {
            let places = places.iter().map(|(check, subject)| json!({ "check": check, "subject": subject }));
            add("places", places.collect());
        }
        News::Record(change) => add("record", json!(change)),
        News::Phase(phase) => add("phase", json!(phase)),
        News::Verdict { was, now, roll_back } => {
            add("was", json!(was));
            add("verdict", json!(now));
            add("roll_back", (*roll_back).into());
        }
        News::Leap(by) => add("seconds", by.num_seconds().into()),
        News::Failed(why) | News::NotKept(why) | News::HookFailed(why) => add("text", why.as_str().into()),
        News::Ended { verdict, runs } => {
            add("verdict", json!(verdict));
            add("runs", (*runs).into());
        }
    }
    Json::Object(fields).to_string()
}

/// The word for a kind of news, in JSON and for [`words::news`].
const fn kind(news: &News) -> &'static str {
    match news {
        News::Began { .. } => "began",
        News::Stands(_) => "stands",
        News::New(_) => "new",
        News::Heavier(_) => "heavier",
        News::Fixed(_) => "fixed",
        News::Silent(_) => "unknown",
        News::Answered(_) => "known",
        News::Record(_) => "record",
        News::Phase(_) => "phase",
        News::Verdict { .. } => "verdict",
        News::Leap(_) => "clock",
        News::Failed(_) => "failed",
        News::NotKept(_) => "not-kept",
        News::HookFailed(_) => "on-change-failed",
        News::Ended { .. } => "ended",
    }
}

fn found(one: &Finding, lang: Lang) -> String {
    let word = words::standing(lang, Standing::of(&one.statement).word());
    format!("{word} {}", sentence(one.card, &one.statement, lang))
}

/// `ptr (203.0.113.25), mx (example.co.jp)`; of many, the first checks and how many more.
fn named(places: &[(&'static str, String)]) -> String {
    let mut checks: Vec<(&str, Vec<&str>)> = Vec::new();
    for (check, subject) in places {
        match checks.iter_mut().find(|(known, _)| known == check) {
            Some((_, subjects)) => subjects.push(subject),
            None => checks.push((check, vec![subject])),
        }
    }
    let more = checks.len().saturating_sub(MOST_NAMED);
    let mut named: Vec<String> = checks
        .iter()
        .take(MOST_NAMED)
        .map(|(check, subjects)| match subjects.as_slice() {
            ["run"] => (*check).to_owned(),
            [one] => format!("{check} ({one})"),
            [one, rest @ ..] => format!("{check} ({one} +{})", rest.len()),
            [] => (*check).to_owned(),
        })
        .collect();
    if more > 0 {
        named.push(format!("+{more}"));
    }
    named.join(", ")
}
