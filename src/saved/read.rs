//! JSON of schema 1 → report. The file is a stranger's: what it claims to weigh is worked out anew, and what it says made visible.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::error::Category;

use crate::check::{Check, LEFT_OUT, OF_THE_RUN};
use crate::model::{
    Applied, Args, Column, Completion, Detail, Exchange, Expected, Level, MOST_DETAILS, Milestone, Observation,
    ObservationId, Part, Phase, Rehearsed, Report, Saying, Section, Side, Statement, Status, Subject, Value, Verdict,
    visible,
};

/// The version of the shape that is understood.
const SCHEMA: u64 = 1;
/// So many addresses a report may have: more than a plan can name.
const MOST_ADDRESSES: usize = 1024;
/// So many statements a report may have: more than the largest plan brings about.
const MOST_STATEMENTS: usize = 100_000;
/// So many moments a report may name: more than a change is planned around.
const MOST_MILESTONES: usize = 64;
/// The years in which a report may speak of moments: each has four digits at every offset, as RFC 3339 wants it.
const YEARS: RangeInclusive<i32> = 1..=9998;
/// So deep do lines stand below lines in a report of ours.
const DEEPEST: usize = 24;

/// Why a file is not a report that can be joined or compared with others; completes "could not merge FILE: …" and the like.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing in it.
    #[error("it is empty; write it again with check --format json -o FILE")]
    Empty,
    /// Longer than [`LONGEST_REPORT`](super::LONGEST_REPORT).
    #[error("it is longer than {} MiB, so it is no report; give the file that check --format json -o FILE wrote", super::LONGEST_REPORT >> 20)]
    TooLong,
    /// The text ends before the report does.
    #[error("it ends in the middle of the report; copy it again, or run check --format json -o FILE again")]
    Cut,
    /// Some other file: a table, a plan, another program's JSON.
    #[error("it is not a report in JSON; write one with check --format json -o FILE")]
    NotAReport,
    /// A shape that this version does not know.
    #[error(
        "it has schema {0}, and this version of mail-cutover reads schema {SCHEMA}; make all reports with one version"
    )]
    Schema(u64),
    /// Another version's tags may mean something else.
    #[error("it was made by {0}, and this is {1}; make all reports with one version, and read them with the same")]
    Tool(String, &'static str),
    /// A check that this version does not have.
    #[error(
        "it speaks of a check {0}, which this version of mail-cutover does not know; run check again with this version"
    )]
    Check(String),
    /// A tag that the check cannot say.
    #[error(
        "its check {0} says {1}, which this version of mail-cutover does not know; run check again with this version"
    )]
    Tag(&'static str, String),
    /// It contradicts itself, or something is missing.
    #[error("it is damaged ({0}); run check --format json -o FILE again")]
    Damaged(String),
}

/// Reads what `check --format json` of this very `tool` wrote. Levels, verdict and exit code are worked out anew, and whether
/// every check is there that can block.
///
/// # Errors
/// [`ReadError`] says why it is not such a report.
pub fn read(bytes: &[u8], tool: &'static str, checks: &[&'static Check]) -> Result<Report, ReadError> {
    if bytes.len() > super::LONGEST_REPORT {
        return Err(ReadError::TooLong);
    }
    if bytes.trim_ascii().is_empty() {
        return Err(ReadError::Empty);
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Eof if bytes.trim_ascii_start().starts_with(b"{") => ReadError::Cut,
        _ => ReadError::NotAReport,
    })?;
    match (head.schema, head.tool) {
        (Some(SCHEMA), Some(made_by)) if made_by == tool => {}
        (Some(SCHEMA), Some(made_by)) => return Err(ReadError::Tool(visible(&made_by), tool)),
        (Some(schema), Some(_)) => return Err(ReadError::Schema(schema)),
        _ => return Err(ReadError::NotAReport),
    }
    let document: Document = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    document.into_report(tool, checks)
}

fn damaged(detail: impl AsRef<str>) -> ReadError {
    ReadError::Damaged(visible(detail.as_ref()))
}

/// What is looked at first, so that another version's report is not called damaged.
#[derive(Deserialize)]
struct Head {
    schema: Option<u64>,
    tool: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    catalogue: String,
    plan: PlanIn,
    phase: Phase,
    started: DateTime<FixedOffset>,
    finished: DateTime<FixedOffset>,
    run_by: String,
    resolvers: Vec<String>,
    parts: Vec<Part>,
    simulated: bool,
    #[serde(default)]
    rehearsed: Vec<Rehearsed>,
    completion: Completion,
    addresses: Vec<Address>,
    checks: Vec<CheckIn>,
    observations: Vec<Observation>,
}

#[derive(Deserialize)]
struct PlanIn {
    path: String,
    sha256: String,
    change: Option<String>,
    title: Option<String>,
    cutover_at: DateTime<FixedOffset>,
    #[serde(default)]
    expects: Vec<Expected>,
    #[serde(default)]
    milestones: Vec<Milestone>,
    #[serde(default)]
    lines: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
struct Address {
    ip: IpAddr,
    side: Side,
}

#[derive(Deserialize)]
struct CheckIn {
    id: String,
    statements: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    subject: SubjectIn,
    about: Option<String>,
    status: Status,
    tag: Option<String>,
    #[serde(default)]
    text: String,
    reason: Option<Both>,
    #[serde(default)]
    args: BTreeMap<String, String>,
    #[serde(default)]
    both: BTreeMap<String, Both>,
    #[serde(default)]
    observations: Vec<ObservationId>,
    #[serde(default)]
    details: Vec<Line>,
    waiver: Option<WaiverIn>,
}

#[derive(Deserialize)]
struct SubjectIn {
    kind: String,
    value: String,
    side: Option<Side>,
}

#[derive(Deserialize)]
struct Both {
    en: String,
    ja: String,
}

#[derive(Deserialize)]
struct Line {
    text: String,
    both: Option<Both>,
    #[serde(default)]
    below: Vec<Line>,
}

#[derive(Deserialize)]
struct WaiverIn {
    owner: String,
    reason: String,
    r#ref: Option<String>,
    until: NaiveDate,
    line: usize,
}

impl Document {
    /// Every moment that it speaks of.
    fn moments(&self) -> impl Iterator<Item = DateTime<Utc>> {
        let own = [self.plan.cutover_at, self.started, self.finished];
        let milestones = self.plan.milestones.iter().map(|milestone| milestone.at);
        let parts = self.parts.iter().flat_map(|part| [part.started, part.finished]);
        let exchanges = self.observations.iter().flat_map(|seen| &seen.exchanges).map(|exchange| exchange.at);
        own.into_iter().chain(milestones).chain(parts).map(|at| at.to_utc()).chain(exchanges)
    }

    fn into_report(self, tool: &'static str, checks: &[&'static Check]) -> Result<Report, ReadError> {
        if self.plan.sha256.len() != 64 || !self.plan.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(damaged("the fingerprint of the plan is none"));
        }
        if self.parts.is_empty() {
            return Err(damaged("it names no run"));
        }
        if self.plan.milestones.len() > MOST_MILESTONES || self.plan.lines.len() > MOST_STATEMENTS {
            return Err(damaged("its plan has more lines or moments than a plan can have"));
        }
        if self.addresses.len() > MOST_ADDRESSES || self.plan.expects.len() > MOST_STATEMENTS {
            return Err(damaged("it has more addresses than a plan can have"));
        }
        if self.checks.iter().map(|check| check.statements.len()).sum::<usize>() > MOST_STATEMENTS {
            return Err(damaged("it has more statements than a run can make"));
        }
        if let Some(strange) = self.moments().find(|at| !YEARS.contains(&at.year())) {
            return Err(damaged(format!("no run and no change is in the year {}", strange.year())));
        }
        let mut sections = Vec::with_capacity(self.checks.len().min(checks.len()));
        let mut known = HashSet::new();
        let today = self.started.with_timezone(self.plan.cutover_at.offset()).date_naive();
        for one in self.checks {
            let check = checks.iter().find(|check| check.card.id == one.id);
            let check = *check.ok_or_else(|| ReadError::Check(visible(&one.id)))?;
            if !known.insert(check.card.id) {
                return Err(damaged(format!("the check {} stands there twice", check.card.id)));
            }
            let statements = one.statements.into_iter().map(|said| said.into_statement(check, self.phase, today));
            sections.push(Section { card: &check.card, statements: statements.collect::<Result<_, _>>()? });
        }
        if !self.observations.is_sorted_by(|one, next| one.id < next.id) {
            return Err(damaged("its observations are out of order"));
        }
        if self.observations.iter().any(|seen| seen.part >= self.parts.len()) {
            return Err(damaged("an observation is of a run that it does not name"));
        }
        // A run says something of every check. One that is missing was left out, whatever the file says.
        let is_whole = checks.iter().all(|check| !can_hold(check, self.phase) || is_done(check, &sections));
        let completion = match self.completion {
            Completion::Complete if !is_whole => Completion::Partial,
            completion => completion,
        };
        Ok(Report {
            tool,
            catalogue_date: visible(&self.catalogue),
            plan_path: visible(&self.plan.path),
            plan_sha256: self.plan.sha256,
            change: self.plan.change.as_deref().map(visible),
            title: self.plan.title.as_deref().map(visible),
            cutover_at: self.plan.cutover_at,
            expects: self.plan.expects.into_iter().map(expected).collect(),
            milestones: self.plan.milestones,
            plan_lines: self.plan.lines.into_iter().map(|(subject, line)| (visible(&subject), line)).collect(),
            phase: self.phase,
            parts: self.parts.into_iter().map(part).collect(),
            started: self.started,
            finished: self.finished,
            run_by: visible(&self.run_by),
            resolvers: all_visible(&self.resolvers),
            rehearsed: self.rehearsed.into_iter().map(rehearsed).collect(),
            simulated: self.simulated,
            completion,
            columns: self.addresses.into_iter().map(|Address { ip, side }| Column { ip, side }).collect(),
            verdict: Verdict::over(&sections, self.phase, completion == Completion::Complete),
            sections,
            observations: self.observations.into_iter().map(observation).collect(),
            baseline: None,
        })
    }
}

/// Whether a run without this check is not whole.
fn can_hold(check: &Check, phase: Phase) -> bool {
    check.can_block(phase, None) && check.card.phases.contains(&phase)
}

/// Whether `sections` say something of the check, and not that it was left out.
fn is_done(check: &Check, sections: &[Section]) -> bool {
    let left_out = Value::from(LEFT_OUT);
    let is_left_out = |one: &Statement| matches!(&one.saying, Saying::NotCovered(why) if *why == left_out);
    let said = sections.iter().find(|section| section.card.id == check.card.id).map(|section| &section.statements);
    said.is_some_and(|said| !said.is_empty() && !said.iter().any(is_left_out))
}

impl Said {
    fn into_statement(self, check: &'static Check, phase: Phase, today: NaiveDate) -> Result<Statement, ReadError> {
        let subject = self.subject.into_subject()?;
        let why = |text: &str, reason: Option<Both>| match reason {
            Some(both) => Value::read_back(&both.en, &both.ja),
            None => Value::read_back(text, text),
        };
        let saying = match (self.tag, self.status) {
            (Some(tag), Status::Found | Status::Unknown) => {
                let of_the_run = OF_THE_RUN.into_iter().find(|outcome| outcome.tag == tag);
                let outcome = check.card.outcome(&tag).or(of_the_run);
                Saying::Outcome(outcome.ok_or_else(|| ReadError::Tag(check.card.id, visible(&tag)))?)
            }
            (None, Status::Passed) => Saying::Passed,
            (None, Status::NotApplicable) => Saying::NotApplicable(why(&self.text, self.reason)),
            (None, Status::NotCovered) => Saying::NotCovered(why(&self.text, self.reason)),
            _ => return Err(damaged(format!("a statement of {} has a tag or a status too many", check.card.id))),
        };
        let args = self.args.iter().map(|(name, text)| {
            let value = match self.both.get(name) {
                Some(both) => Value::read_back(&both.en, &both.ja),
                None => Value::read_back(text, text),
            };
            (Cow::Owned(visible(name)), value)
        });
        let args = Args(args.collect());
        let details: Vec<Detail> = self.details.into_iter().map(detail).collect();
        let mut statement = match saying {
            Saying::Outcome(outcome) => Statement::outcome(outcome, subject),
            Saying::Passed => Statement::passed(subject),
            Saying::NotApplicable(why) => Statement::not_applicable(subject, why),
            Saying::NotCovered(why) => Statement::not_covered(subject, why),
        };
        statement = statement.args(args).evidence(self.observations);
        statement.about = self.about.as_deref().map(visible);
        statement.details = details;
        // One line more than the bound says how many were left out: bounded again, it would be counted itself.
        let lines: usize = statement.details.iter().map(|detail| detail.lines().len()).sum();
        let deepest = statement.details.iter().flat_map(Detail::lines).map(|(depth, _)| depth).max();
        if lines > MOST_DETAILS + 1 || deepest >= Some(DEEPEST) {
            let details = std::mem::take(&mut statement.details);
            statement = statement.details(details);
        }
        statement.level = statement.named().map(|outcome| outcome.levels.at(phase, statement.subject.side()));
        let can_be_waived =
            statement.status() == Status::Found && statement.level > Some(Level::Note) && check.card.waivable;
        statement.waiver = self.waiver.filter(|waiver| can_be_waived && waiver.until >= today).map(waiver);
        Ok(statement)
    }
}

impl SubjectIn {
    fn into_subject(self) -> Result<Subject, ReadError> {
        let wrong = || damaged(format!("there is no subject {} {}", self.kind, self.value));
        Ok(match self.kind.as_str() {
            "run" => Subject::Run,
            "plan-line" => {
                let line = self.value.strip_prefix("plan:").and_then(|line| line.parse().ok());
                Subject::PlanLine(line.ok_or_else(wrong)?)
            }
            "address" => Subject::Address(self.value.parse().map_err(|_| wrong())?, self.side.ok_or_else(wrong)?),
            "name" => Subject::Name(visible(&self.value)),
            "list" => Subject::List(visible(&self.value)),
            _ => return Err(wrong()),
        })
    }
}

fn detail(line: Line) -> Detail {
    let value = match &line.both {
        Some(both) => Value::read_back(&both.en, &both.ja),
        None => Value::read_back(&line.text, &line.text),
    };
    // The reader of JSON goes 128 levels deep and no further.
    Detail::new(value).with(line.below.into_iter().map(detail))
}

fn waiver(waiver: WaiverIn) -> Applied {
    Applied {
        owner: visible(&waiver.owner),
        reason: visible(&waiver.reason),
        reference: waiver.r#ref.as_deref().map(visible),
        until: waiver.until,
        line: waiver.line,
    }
}

fn part(part: Part) -> Part {
    Part { run_by: visible(&part.run_by), resolvers: all_visible(&part.resolvers), ..part }
}

fn rehearsed(zone: Rehearsed) -> Rehearsed {
    Rehearsed { zone: visible(&zone.zone), path: visible(&zone.path), sha256: visible(&zone.sha256) }
}

fn expected(one: Expected) -> Expected {
    Expected { name: visible(&one.name), rtype: visible(&one.rtype), values: all_visible(&one.values) }
}

fn observation(seen: Observation) -> Observation {
    let exchange = |one: Exchange| Exchange {
        server: visible(&one.server),
        transport: visible(&one.transport).into(),
        outcome: visible(&one.outcome),
        ..one
    };
    Observation {
        door: visible(&seen.door).into(),
        question: visible(&seen.question),
        route: visible(&seen.route).into(),
        outcome: visible(&seen.outcome),
        answer: all_visible(&seen.answer),
        rehearsed: all_visible(&seen.rehearsed),
        exchanges: seen.exchanges.into_iter().map(exchange).collect(),
        ..seen
    }
}

fn all_visible(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| visible(text)).collect()
}
