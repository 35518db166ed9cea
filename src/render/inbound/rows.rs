//! The outlook for programs: one JSON document, or one line of CSV for each client.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value as Json, json};

use crate::inbound::{Fate, Finding, Forecast, List, Log, Outlook, Partner, Refusal, Severity, Unjudged, per_week};
use crate::model::{Lang, TOOL, Value};
use crate::render::spreadsheet;

/// The columns of the CSV.
const COLUMNS: [&str; 16] = [
    "partner",
    "vip",
    "address",
    "name",
    "verdict",
    "reply",
    "rule",
    "place",
    "zone",
    "codes",
    "why",
    "messages",
    "refused",
    "unknown",
    "last_seen",
    "domains",
];

/// One JSON document; schema 1.
pub fn json(outlook: &Outlook, lang: Lang) -> String {
    let seconds = outlook.period.map(|(first, last)| last - first);
    let document = json!({
        "schema": 1,
        "kind": "inbound",
        "tool": TOOL,
        "verdict": outlook.verdict().words(),
        "vantage": outlook.vantage,
        "started": outlook.started.to_rfc3339_opts(SecondsFormat::Secs, false),
        "complete": outlook.is_complete,
        "policy": outlook.policy,
        "resolvers": outlook.resolvers,
        "logs": outlook.logs.iter().map(log).collect::<Vec<_>>(),
        "period": outlook.period.map(|(first, last)| json!({ "first": time(first), "last": time(last) })),
        "lists": outlook.lists.iter().map(|one| list(one, lang)).collect::<Vec<_>>(),
        "findings": outlook.findings.iter().map(|one| finding(one, lang)).collect::<Vec<_>>(),
        "not_judged": outlook.unjudged.iter().map(|one| unjudged(one, lang)).collect::<Vec<_>>(),
        "partners": outlook.partners.iter().map(|one| partner(one, seconds, lang)).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn log(log: &Log) -> Json {
    let summary = log.summary;
    json!({
        "file": log.file,
        "lines": summary.volume.lines,
        "understood": summary.understood,
        "cut": summary.volume.cut,
        "nameless": summary.nameless,
        "octets": summary.volume.octets,
        "error": log.error,
    })
}

fn list(list: &List, lang: Lang) -> Json {
    json!({
        "zone": list.zone,
        "about": list.about,
        "state": list.state,
        "why": list.why.as_ref().map(|why| why.in_lang(lang)),
        "removal": list.removal,
    })
}

fn finding(finding: &Finding, lang: Lang) -> Json {
    json!({
        "level": finding.level,
        "tag": finding.tag,
        "subject": finding.subject,
        "says": finding.says.in_lang(lang),
        "corrected": finding.corrected,
    })
}

fn unjudged(unjudged: &Unjudged, lang: Lang) -> Json {
    json!({
        "place": unjudged.place.as_ref().map(ToString::to_string),
        "written": unjudged.written,
        "why": unjudged.why.in_lang(lang),
    })
}

fn partner(partner: &Partner, seconds: Option<i64>, lang: Lang) -> Json {
    let (messages, refused, unknown) = partner.messages();
    json!({
        "name": partner.name,
        "vip": partner.vip,
        "planned": partner.is_planned,
        "verdict": partner.worst().word(),
        "messages": messages,
        "refused": refused,
        "unknown": unknown,
        "refused_per_week": per_week(refused, seconds),
        "not_judged": partner.not_judged.iter().map(|what| what.in_lang(lang)).collect::<Vec<_>>(),
        "clients": partner.clients.iter().map(|one| client(one, lang)).collect::<Vec<_>>(),
    })
}

fn client(client: &Forecast, lang: Lang) -> Json {
    json!({
        "address": client.ip,
        "name": client.name,
        "verdict": Severity::of(&client.fate).word(),
        "refusal": client.fate.refusal().map(refusal),
        "why": why(&client.fate).map(|why| why.in_lang(lang)),
        "then": then(&client.fate),
        "only_logged": client.only_logged.iter().map(refusal).collect::<Vec<_>>(),
        "messages": client.messages,
        "refused": client.refused,
        "unknown": client.unknown,
        "last_seen": client.last_seen.and_then(time),
        "domains": client.domains,
    })
}

fn refusal(refusal: &Refusal) -> Json {
    json!({
        "reply": refusal.reply,
        "enhanced": refusal.enhanced,
        "text": refusal.text,
        "section": refusal.rule.section,
        "rule": refusal.rule.written,
        "place": refusal.rule.place.as_ref().map(ToString::to_string),
        "zone": refusal.rule.zone,
        "codes": refusal.codes,
    })
}

fn why(fate: &Fate) -> Option<&Value> {
    match fate {
        Fate::Unknown { why, .. } => Some(why),
        Fate::Accepted | Fate::Refused(_) => None,
    }
}

/// What the mail server does when the question stays unanswered for it, too.
fn then(fate: &Fate) -> Option<&'static str> {
    match fate {
        Fate::Unknown { then, .. } => Some(Severity::of(then).word()),
        Fate::Accepted | Fate::Refused(_) => None,
    }
}

/// RFC 3339, in UTC: a log without years was read in the clock of the machine that reads it.
fn time(seconds: i64) -> Option<String> {
    DateTime::from_timestamp(seconds, 0).map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A heading, and a line for each client, worst partner first (RFC 4180). A partner of whom nobody was judged has a line without an
/// address. Texts that a spreadsheet would take for a formula are put in quotation.
pub fn csv(outlook: &Outlook, lang: Lang) -> String {
    let mut rows = vec![COLUMNS.map(str::to_owned).to_vec()];
    for partner in &outlook.partners {
        if partner.clients.is_empty() {
            let mut row = vec![partner.name.clone(), partner.vip.to_string()];
            row.resize(COLUMNS.len(), String::new());
            Severity::Unknown.word().clone_into(&mut row[4]);
            rows.push(row);
        }
        rows.extend(partner.clients.iter().map(|client| cells(partner, client, lang)));
    }
    rows.iter().map(|row| spreadsheet::line(row) + "\n").collect()
}

fn cells(partner: &Partner, client: &Forecast, lang: Lang) -> Vec<String> {
    let refusal = client.fate.refusal();
    let from = |part: fn(&Refusal) -> String| refusal.map_or_else(String::new, part);
    let reply = |refusal: &Refusal| match &refusal.enhanced {
        Some(enhanced) => format!("{} {enhanced} {}", refusal.reply, refusal.text),
        None => format!("{} {}", refusal.reply, refusal.text),
    };
    let codes = |refusal: &Refusal| refusal.codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    vec![
        partner.name.clone(),
        partner.vip.to_string(),
        client.ip.to_string(),
        client.name.clone().unwrap_or_default(),
        Severity::of(&client.fate).word().to_owned(),
        from(reply),
        from(|refusal| refusal.rule.written.clone()),
        from(|refusal| refusal.rule.place.as_ref().map_or_else(String::new, ToString::to_string)),
        from(|refusal| refusal.rule.zone.clone().unwrap_or_default()),
        from(codes),
        why(&client.fate).map_or_else(String::new, |why| why.in_lang(lang).to_owned()),
        client.messages.to_string(),
        client.refused.to_string(),
        client.unknown.to_string(),
        client.last_seen.and_then(time).unwrap_or_default(),
        client.domains.join(" "),
    ]
}
