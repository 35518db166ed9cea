//! Marks on the lines of the plan in a code review: workflow commands of GitHub, and the code quality report of GitLab.

use serde_json::json;

use super::entry::{Entry, findings, warnings};
use crate::model::{Report, Verdict, visible_whole};
use crate::render::Style;
use crate::render::digest::reasons;

/// A workflow command for the verdict and for each finding, heaviest first: GitHub shows ten of a kind. Notes on request only.
pub(super) fn github(report: &Report, style: &Style) -> String {
    let title = format!("mail-cutover: {}", report.verdict.words());
    let mut text = command(kind(report.verdict), &[("title", title.clone())], &reasons(report, style.lang).join("\n"));
    for line in warnings(report, style.lang) {
        text.push_str(&command("warning", &[("title", title.clone())], &line));
    }
    for entry in findings(report).iter().filter(|entry| entry.weighs > Verdict::Go || style.verbose) {
        let mut properties = Vec::new();
        // Standard input is no file that could be marked.
        if report.plan_path != "-" {
            properties.push(("file", report.plan_path.clone()));
            properties.push(("line", entry.line().to_string()));
        }
        properties.push(("title", entry.tag().unwrap_or_default().to_owned()));
        text.push_str(&command(kind(entry.weighs), &properties, &told(entry, style)));
    }
    text
}

const fn kind(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "notice",
        Verdict::GoWithWarnings => "warning",
        Verdict::Hold | Verdict::NoGo => "error",
    }
}

fn told(entry: &Entry<'_>, style: &Style) -> String {
    let waiver = entry.statement.waiver.as_ref();
    let waiver = waiver.map_or_else(String::new, |waiver| format!(" [{}]", crate::words::waived(style.lang, waiver)));
    format!("{}{waiver}", entry.sentence(style.lang))
}

/// `::error file=plan.toml,line=3,title=ptr-missing::text`; nothing in it can end it or begin another.
fn command(kind: &str, properties: &[(&str, String)], text: &str) -> String {
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value).replace(':', "%3A").replace(',', "%2C")))
        .collect();
    let lines: Vec<String> = text.lines().map(escape).collect();
    format!("::{kind} {}::{}\n", properties.join(","), lines.join("%0A"))
}

fn escape(text: &str) -> String {
    visible_whole(text).replace('%', "%25")
}

/// A list of issues in the form of Code Climate, as far as GitLab reads it.
pub(super) fn gitlab(report: &Report, style: &Style) -> String {
    let issue = |name: &str, description: String, severity: &str, fingerprint: String, line: usize| {
        json!({
            "type": "issue",
            "check_name": name,
            "description": description,
            "categories": ["Bug Risk"],
            "severity": severity,
            "fingerprint": fingerprint,
            "location": { "path": visible_whole(&report.plan_path), "lines": { "begin": line } },
        })
    };
    let found = findings(report);
    // No finding weighs as much where the run was cut short, or measured nothing.
    let heaviest = found.iter().map(|entry| entry.weighs).max().unwrap_or(Verdict::Go);
    let verdict = (heaviest < report.verdict).then(|| {
        let why = visible_whole(&reasons(report, style.lang).join(" "));
        let description = format!("{}: {why}", report.verdict.words());
        issue("verdict", description, severity(report.verdict), "verdict".to_owned(), 1)
    });
    let loud = warnings(report, style.lang);
    let mark = if report.simulated { "[SIMULATED] " } else { "" };
    let of_the_run =
        loud.iter().enumerate().map(|(number, line)| issue("run", line.clone(), "major", format!("run-{number}"), 1));
    let found = found.iter().filter(|entry| entry.weighs > Verdict::Go || style.verbose).map(|entry| {
        let tag = entry.tag().unwrap_or_default();
        let description = visible_whole(&format!("{mark}{tag}: {}", told(entry, style)));
        issue(tag, description, severity(entry.weighs), entry.fingerprint(), entry.line())
    });
    let issues: Vec<serde_json::Value> = verdict.into_iter().chain(of_the_run).chain(found).collect();
    format!("{:#}\n", serde_json::Value::from(issues))
}

const fn severity(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "info",
        Verdict::GoWithWarnings => "minor",
        Verdict::Hold => "critical",
        Verdict::NoGo => "blocker",
    }
}
