//! Two reports compared, as `compare` prints it: what is new, what is gone, which records changed, and nothing that stayed.

use serde::Serialize;

use super::beside::{Beside, Said, heading, section};
use super::digest::{Standing, groups};
use super::findings::tell;
use super::table::plain;
use super::{Format, Style};
use crate::model::{Lang, Mark, Phase, Report, Verdict};
use crate::words;

/// The version of the shape.
const SCHEMA: u32 = 1;

/// Writes what `report` says beside its baseline; nothing of a report that was not compared. `path` is its file.
pub fn comparison(report: &Report, path: &str, exit_code: u8, format: Format, style: &Style) -> String {
    match format {
        Format::Json => json(report, path, exit_code, style.lang),
        _ if style.unicode => table(report, path, style),
        _ => table(report, path, style).chars().map(plain).collect(),
    }
}

fn table(report: &Report, path: &str, style: &Style) -> String {
    let lang = style.lang;
    let Some(baseline) = &report.baseline else { return String::new() };
    let when = report.started.format("%Y-%m-%d %H:%M %:z").to_string();
    let mut text = format!("{}\n", words::compared(lang, path, &when, report.phase, report.verdict));
    if style.quiet {
        text.insert_str(0, &format!("{}\n", heading(baseline, lang)));
        return text;
    }
    for group in groups(report) {
        let told = tell(report, &group, lang);
        for (item, statement) in told.items.iter().zip(&group.statements) {
            let is_shown = statement.mark != Some(Mark::Same) && (style.verbose || told.standing != Standing::Note);
            if is_shown {
                let head = format!("  {} {}  ", words::standing(lang, told.standing.word()), told.tag);
                text.push_str(&super::wrap::block(&head, &item.sentence(), style.width));
            }
        }
    }
    text.push_str(&section(report, lang, style.width, style.verbose).unwrap_or_default());
    text
}

#[derive(Serialize)]
struct Document<'r> {
    schema: u32,
    tool: &'r str,
    report: Told<'r>,
    baseline: Beside<'r>,
    exit_code: u8,
    findings: Vec<Finding<'r>>,
}

#[derive(Serialize)]
struct Told<'r> {
    path: &'r str,
    started: String,
    phase: Phase,
    verdict: Verdict,
    plan_sha256: &'r str,
}

#[derive(Serialize)]
struct Finding<'r> {
    mark: Mark,
    waived: bool,
    #[serde(flatten)]
    said: Said<'r>,
}

fn json(report: &Report, path: &str, exit_code: u8, lang: Lang) -> String {
    let Some(baseline) = &report.baseline else { return String::new() };
    let findings = report.sections.iter().flat_map(|section| {
        section.statements.iter().filter_map(|statement| {
            let (mark, waived) = (statement.mark?, statement.waiver.is_some());
            Some(Finding { mark, waived, said: Said::of(section.card, statement, lang) })
        })
    });
    let document = Document {
        schema: SCHEMA,
        tool: report.tool,
        report: Told {
            path,
            started: report.started.to_rfc3339(),
            phase: report.phase,
            verdict: report.verdict,
            plan_sha256: &report.plan_sha256,
        },
        baseline: Beside::of(baseline, lang),
        exit_code,
        findings: findings.collect(),
    };
    // Only maps with other keys than texts and failing writers make this fail; there are neither.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}
