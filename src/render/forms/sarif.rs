//! SARIF 2.1.0: a result for each finding, at the line of the plan that it comes from.

use serde_json::{Value, json};

use super::entry::{Entry, findings, plan_uri, warnings};
use crate::model::{Card, Completion, Lang, Mark, Outcome, Report, Verdict, visible_whole};
use crate::render::Style;
use crate::render::digest::{gaps, is_rehearsed, observation, reasons};
use crate::render::findings::line;

/// The schema that the document keeps to.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Writes the report.
pub(super) fn write(report: &Report, style: &Style) -> String {
    let lang = style.lang;
    let found = findings(report);
    let mut rules: Vec<(&'static Card, &'static Outcome)> = Vec::new();
    for entry in &found {
        if let Some(outcome) = entry.statement.named()
            && !rules.iter().any(|(_, known)| known.tag == outcome.tag)
        {
            rules.push((entry.section.card, outcome));
        }
    }
    let place = |outcome: &Outcome| rules.iter().position(|(_, known)| known.tag == outcome.tag);
    let results: Vec<Value> = found.iter().map(|entry| result(entry, place, lang)).collect();
    let run = json!({
        "tool": { "driver": {
            "name": "mail-cutover",
            "version": report.tool.rsplit(' ').next(),
            "rules": rules.iter().map(|(card, outcome)| rule(card, outcome, lang)).collect::<Vec<_>>(),
        }},
        "language": if lang == Lang::En { "en" } else { "ja" },
        "columnKind": "unicodeCodePoints",
        "automationDetails": { "id": format!("mail-cutover/{}", phase(report)) },
        "artifacts": [{
            "location": { "uri": plan_uri(report) },
            "hashes": { "sha-256": report.plan_sha256 },
        }],
        "invocations": [invocation(report, lang)],
        "results": results,
        "properties": {
            "verdict": report.verdict.words(),
            "change": report.change.as_deref().map(visible_whole),
            "simulated": report.simulated,
            "rehearsed": !report.rehearsed.is_empty(),
            "completion": report.completion.word(),
            "runBy": visible_whole(&report.run_by),
            "resolvers": report.resolvers.iter().map(|one| visible_whole(one)).collect::<Vec<_>>(),
            "catalogue": visible_whole(&report.catalogue_date),
        },
    });
    format!("{:#}\n", json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] }))
}

fn phase(report: &Report) -> String {
    format!("{:?}", report.phase).to_lowercase()
}

/// How the run went, and what is not in the results: the verdict, a world that is not the real one, and what was not covered.
fn invocation(report: &Report, lang: Lang) -> Value {
    let said = |level: &str, text: &str| json!({ "level": level, "message": { "text": visible_whole(text) } });
    let verdict = format!("{}: {}", report.verdict.words(), reasons(report, lang).join(" "));
    let gap = |(section, why, count): (&crate::model::Section, &str, usize)| {
        let count = if count > 1 { format!(" (×{count})") } else { String::new() };
        said("note", &format!("{}: {why}{count}", section.card.title.in_lang(lang)))
    };
    let warnings = warnings(report, lang);
    let notifications: Vec<Value> = std::iter::once(said(level(report.verdict), &verdict))
        .chain(warnings.iter().map(|line| said("warning", line)))
        .chain(gaps(report, lang).into_iter().map(gap))
        .collect();
    json!({
        "executionSuccessful": report.completion == Completion::Complete,
        "startTimeUtc": report.started.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "endTimeUtc": report.finished.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "toolExecutionNotifications": notifications,
    })
}

fn rule(card: &Card, outcome: &Outcome, lang: Lang) -> Value {
    let mut rule = json!({
        "id": outcome.tag,
        "shortDescription": { "text": card.title.in_lang(lang) },
        "fullDescription": { "text": card.why.in_lang(lang) },
        "help": { "text": format!("{} {}", card.how.in_lang(lang), outcome.remedy.in_lang(lang)) },
        "properties": { "check": card.id },
    });
    if let Some(reference) = card.references.first() {
        rule["helpUri"] = reference.url.into();
    }
    rule
}

fn result(entry: &Entry<'_>, place: impl Fn(&Outcome) -> Option<usize>, lang: Lang) -> Value {
    let Entry { report, statement, .. } = entry;
    let evidence = statement.evidence.iter().filter_map(|id| observation(report, id.0));
    let evidence: Vec<String> = evidence.map(|seen| visible_whole(&line(report, seen, lang))).collect();
    let mut result = json!({
        "ruleId": entry.tag(),
        "ruleIndex": statement.named().and_then(place),
        "level": level(entry.weighs),
        "message": { "text": entry.sentence(lang) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": plan_uri(report), "index": 0 },
                "region": { "startLine": entry.line() },
            },
            "logicalLocations": [{ "name": visible_whole(&statement.subject.to_string()), "kind": statement.subject.kind() }],
        }],
        "partialFingerprints": { "mailCutoverFinding/v1": entry.fingerprint() },
        "properties": {
            "standing": entry.standing.word(),
            "about": statement.about.as_deref().map(visible_whole),
            "rehearsed": is_rehearsed(report, statement),
            "evidence": evidence,
        },
    });
    // The specification (section 3.27.24) has no word for what the earlier report did not ask.
    match statement.mark {
        Some(Mark::New) => result["baselineState"] = json!("new"),
        Some(Mark::Heavier) => result["baselineState"] = json!("updated"),
        Some(Mark::Same) => result["baselineState"] = json!("unchanged"),
        Some(Mark::Unseen) | None => {}
    }
    if let Some(waiver) = &statement.waiver {
        let reason = visible_whole(&crate::words::waived(lang, waiver));
        result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": reason }]);
    }
    result
}

const fn level(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "note",
        Verdict::GoWithWarnings => "warning",
        Verdict::Hold | Verdict::NoGo => "error",
    }
}
