//! JSON for programs: a versioned shape of its own. A field that changes its meaning or goes away raises [`SCHEMA`].

use std::collections::BTreeMap;

use serde::Serialize;

use super::Style;
use super::beside::Beside;
use super::digest::{counts, is_rehearsed};
use super::findings::{by_hand, remedy, says};
use crate::model::{
    Detail, Expected, Lang, Level, Mark, Milestone, Observation, Part, Phase, Rehearsed, Report, Saying, Side,
    Statement, Status, Value, Verdict,
};

/// The version of the shape.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'r> {
    schema: u32,
    tool: &'r str,
    catalogue: &'r str,
    plan: Plan<'r>,
    phase: Phase,
    started: String,
    finished: String,
    run_by: &'r str,
    resolvers: &'r [String],
    parts: &'r [Part],
    simulated: bool,
    #[serde(skip_serializing_if = "<[Rehearsed]>::is_empty")]
    rehearsed: &'r [Rehearsed],
    completion: &'r str,
    verdict: Verdict,
    exit_code: u8,
    counts: Counts,
    addresses: Vec<Address>,
    checks: Vec<Check<'r>>,
    observations: &'r [Observation],
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Beside<'r>>,
}

#[derive(Serialize)]
struct Plan<'r> {
    path: &'r str,
    sha256: &'r str,
    change: Option<&'r str>,
    title: Option<&'r str>,
    cutover_at: String,
    #[serde(skip_serializing_if = "<[Expected]>::is_empty")]
    expects: &'r [Expected],
    #[serde(skip_serializing_if = "<[Milestone]>::is_empty")]
    milestones: &'r [Milestone],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    lines: &'r BTreeMap<String, usize>,
}

#[derive(Serialize)]
struct Counts {
    blockers: usize,
    unknowns: usize,
    warnings: usize,
    notes: usize,
    passed: usize,
    waived: usize,
}

#[derive(Serialize)]
struct Address {
    ip: String,
    side: Side,
}

#[derive(Serialize)]
struct Check<'r> {
    id: &'r str,
    title: &'r str,
    statements: Vec<Said<'r>>,
}

#[derive(Serialize)]
struct Said<'r> {
    subject: Subject,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Both<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<String>,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    args: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    both: BTreeMap<&'r str, Both<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    observations: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Line<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiver: Option<Waiver>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rehearsed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Mark>,
}

/// What the two languages say where they differ: a merged report can be shown in either.
#[derive(Serialize)]
struct Both<'r> {
    en: &'r str,
    ja: &'r str,
}

impl<'r> Both<'r> {
    fn of(value: &'r Value) -> Option<Self> {
        value.differs().then(|| Self { en: value.in_lang(Lang::En), ja: value.in_lang(Lang::Ja) })
    }
}

/// A line of the details, and the lines below it.
#[derive(Serialize)]
struct Line<'r> {
    text: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    both: Option<Both<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    below: Vec<Line<'r>>,
}

impl<'r> Line<'r> {
    fn of(detail: &'r Detail, lang: Lang) -> Self {
        Self {
            text: detail.line.in_lang(lang),
            both: Both::of(&detail.line),
            below: detail.below.iter().map(|below| Self::of(below, lang)).collect(),
        }
    }
}

/// What a statement is about.
#[derive(Serialize)]
pub(super) struct Subject {
    kind: &'static str,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<Side>,
}

impl Subject {
    pub(super) fn of(subject: &crate::model::Subject) -> Self {
        Self { kind: subject.kind(), value: subject.to_string(), side: subject.side() }
    }
}

#[derive(Serialize)]
struct Waiver {
    owner: String,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#ref: Option<String>,
    until: String,
    line: usize,
}

/// Writes the report.
pub(super) fn write(report: &Report, style: &Style) -> String {
    let lang = style.lang;
    let counted = counts(report);
    let document = Document {
        schema: SCHEMA,
        tool: report.tool,
        catalogue: &report.catalogue_date,
        plan: Plan {
            path: &report.plan_path,
            sha256: &report.plan_sha256,
            change: report.change.as_deref(),
            title: report.title.as_deref(),
            cutover_at: report.cutover_at.to_rfc3339(),
            expects: &report.expects,
            milestones: &report.milestones,
            lines: &report.plan_lines,
        },
        phase: report.phase,
        started: report.started.to_rfc3339(),
        finished: report.finished.to_rfc3339(),
        run_by: &report.run_by,
        resolvers: &report.resolvers,
        parts: &report.parts,
        simulated: report.simulated,
        rehearsed: &report.rehearsed,
        completion: report.completion.word(),
        verdict: report.verdict,
        exit_code: crate::exit::code(report.verdict, style.strict),
        counts: Counts {
            blockers: counted.blockers,
            unknowns: counted.unknowns,
            warnings: counted.warnings,
            notes: counted.notes,
            passed: counted.passed,
            waived: counted.waived,
        },
        addresses: report
            .columns
            .iter()
            .map(|column| Address { ip: column.ip.to_string(), side: column.side })
            .collect(),
        checks: report
            .sections
            .iter()
            .map(|section| Check {
                id: section.card.id,
                title: section.card.title.in_lang(lang),
                statements: section
                    .statements
                    .iter()
                    .map(|statement| said(report, statement, section.card.by_hand, lang))
                    .collect(),
            })
            .collect(),
        observations: &report.observations,
        baseline: report.baseline.as_ref().map(|baseline| Beside::of(baseline, lang)),
    };
    // Only maps with other keys than texts and failing writers make this fail; there are neither.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn said<'r>(report: &Report, statement: &'r Statement, template: &'static str, lang: Lang) -> Said<'r> {
    let args = &statement.args.0;
    Said {
        subject: Subject::of(&statement.subject),
        about: statement.about.clone(),
        status: statement.status(),
        level: statement.level,
        tag: statement.named().map(|outcome| outcome.tag),
        text: says(statement, lang),
        reason: match &statement.saying {
            Saying::NotApplicable(why) | Saying::NotCovered(why) => Both::of(why),
            Saying::Passed | Saying::Outcome(_) => None,
        },
        remedy: remedy(statement, lang),
        by_hand: by_hand(template, statement, lang),
        args: args.iter().map(|(name, value)| (name.to_string(), value.in_lang(lang).into())).collect(),
        both: args.iter().filter_map(|(name, value)| Some((&**name, Both::of(value)?))).collect(),
        observations: statement.evidence.iter().map(|id| id.0).collect(),
        details: statement.details.iter().map(|detail| Line::of(detail, lang)).collect(),
        waiver: statement.waiver.as_ref().map(|waiver| Waiver {
            owner: waiver.owner.clone(),
            reason: waiver.reason.clone(),
            r#ref: waiver.reference.clone(),
            until: waiver.until.to_string(),
            line: waiver.line,
        }),
        rehearsed: is_rehearsed(report, statement),
        baseline: statement.mark,
    }
}
