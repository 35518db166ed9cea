//! What a watch knows: of every subject what was last known of it, through runs that could not learn it.

use std::collections::BTreeSet;

use super::news::{Finding, News};
use crate::compare::{Records, compare, published};
use crate::model::{Fate, Gone, Level, Mark, Phase, Report, Section, Statement, Status, Subject, Verdict};
use crate::saved::Named;

/// The tags by which the plan asks for the way back.
const ROLL_BACK: [&str; 2] = ["rollback-trigger", "rollback-late"];

/// What is remembered between runs; it does not grow with their number.
#[derive(Debug, Default)]
pub struct Memory {
    /// The last report, without its transcript, and with what an earlier run knew where this one did not.
    known: Option<Report>,
    verdict: Option<Verdict>,
    /// What is not known now, by check and subject.
    silent: BTreeSet<(&'static str, String)>,
    records: Records,
    /// Whether a trigger of the plan asks for the way back.
    roll_back: bool,
    /// Why the last run could not begin.
    failed: Option<String>,
}

impl Memory {
    /// The verdict as it stands: that of the last report, or HOLD where a blocker of an earlier one is not known any more. Nothing before
    /// the first run.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// Whether a trigger of the plan asks for the way back, as far as the last report knows.
    pub fn roll_back(&self) -> bool {
        self.roll_back
    }

    /// Takes in a report: what is new in it.
    pub fn learn(&mut self, report: &Report) -> Vec<News> {
        let mut news = Vec::new();
        let mut verdict = report.verdict;
        self.failed = None;
        let records = published(report);
        match self.known.take() {
            None => {
                self.silent = silent(report);
                news.push(News::Began { verdict: report.verdict, phase: report.phase });
                news.extend(findings(report, |_| true).map(News::Stands));
                if !self.silent.is_empty() {
                    news.push(News::Silent(self.silent.iter().cloned().collect()));
                }
                self.known = Some(bare(report));
            }
            Some(known) => {
                if known.phase != report.phase {
                    news.push(News::Phase(report.phase));
                }
                for change in self.records.changes(&records, report) {
                    news.push(News::Record(change));
                }
                let mut marked = bare(report);
                let known = Named { path: String::new(), report: known };
                compare(&mut marked, &known);
                news.extend(findings(&marked, |mark| matches!(mark, Mark::New | Mark::Unseen)).map(News::New));
                news.extend(findings(&marked, |mark| mark == Mark::Heavier).map(News::Heavier));
                let gone = marked.baseline.take().map(|baseline| baseline.gone).unwrap_or_default();
                news.extend(
                    gone.iter()
                        .filter(|one| is_over(one))
                        .map(|gone| News::Fixed(Finding { card: gone.card, statement: gone.statement.clone() })),
                );
                let mut silent = silent(report);
                // A list that falls silent may no longer count, but it has not taken back that it lists us.
                let lost = gone.iter().filter(|gone| gone.fate == Fate::Lost && blocks(&gone.statement));
                silent.extend(lost.map(|lost| {
                    verdict = verdict.max(Verdict::Hold);
                    (lost.card.id, lost.statement.subject.to_string())
                }));
                let only = |one: &BTreeSet<(&'static str, String)>, other: &BTreeSet<(&'static str, String)>| {
                    one.difference(other).cloned().collect::<Vec<_>>()
                };
                let (lost, answered) = (only(&silent, &self.silent), only(&self.silent, &silent));
                if !lost.is_empty() {
                    news.push(News::Silent(lost));
                }
                if !answered.is_empty() {
                    news.push(News::Answered(answered));
                }
                self.silent = silent;
                self.known = Some(remember(marked, gone));
            }
        }
        let said = report.sections.iter().flat_map(|section| &section.statements).filter_map(Statement::named);
        let roll_back = said.map(|outcome| outcome.tag).any(|tag| ROLL_BACK.contains(&tag));
        let asked_before = std::mem::replace(&mut self.roll_back, roll_back);
        let asks_now = roll_back && !asked_before;
        if let Some(was) = self.verdict.replace(verdict).filter(|was| *was != verdict || asks_now) {
            news.push(News::Verdict { was, now: verdict, roll_back });
        }
        self.records.learn(records);
        news
    }

    /// Takes in that a run could not begin: nothing is known now.
    pub fn fail(&mut self, why: String) -> Vec<News> {
        let was = self.verdict.replace(Verdict::Hold);
        let is_known = self.failed.as_ref() == Some(&why);
        self.failed = Some(why.clone());
        let mut news = if is_known { Vec::new() } else { vec![News::Failed(why)] };
        if let Some(was) = was.filter(|was| *was != Verdict::Hold) {
            news.push(News::Verdict { was, now: Verdict::Hold, roll_back: false });
        }
        news
    }
}

/// What is found, and carries a mark that `wanted` admits; without a mark, everything.
fn findings(report: &Report, wanted: impl Fn(Mark) -> bool) -> impl Iterator<Item = Finding> {
    report.sections.iter().flat_map(move |section| {
        let is_wanted = |one: &&Statement| one.status() == Status::Found && one.mark.is_none_or(&wanted);
        let found: Vec<Finding> =
            section.statements.iter().filter(is_wanted).map(|one| finding(section, one)).collect();
        found
    })
}

fn finding(section: &Section, statement: &Statement) -> Finding {
    let statement = Statement { evidence: Vec::new(), details: Vec::new(), ..statement.clone() };
    Finding { card: section.card, statement }
}

/// What more than a note says.
fn is_heard(statement: &Statement) -> bool {
    statement.level > Some(Level::Note)
}

fn blocks(statement: &Statement) -> bool {
    statement.status() == Status::Found && statement.level == Some(Level::Blocker) && statement.waiver.is_none()
}

/// What is not known and could change the verdict.
fn silent(report: &Report) -> BTreeSet<(&'static str, String)> {
    let phase: Phase = report.phase;
    let all = report.sections.iter().flat_map(|section| section.statements.iter().map(move |one| (section, one)));
    let weighs = |section: &Section, one: &Statement| {
        let can = |level| section.card.can_reach(level, phase, one.subject.side());
        one.status() == Status::Unknown && (can(Level::Blocker) || can(Level::Warning) || one.subject == Subject::Run)
    };
    all.filter(|(section, one)| weighs(section, one))
        .map(|(section, one)| (section.card.id, one.subject.to_string()))
        .collect()
}

/// The report without what one run needs and the next does not.
fn bare(report: &Report) -> Report {
    let sections = report.sections.iter().map(|section| Section {
        card: section.card,
        statements: section.statements.iter().map(|one| finding(section, one).statement).collect(),
    });
    Report {
        sections: sections.collect(),
        observations: Vec::new(),
        baseline: None,
        milestones: Vec::new(),
        plan_lines: std::collections::BTreeMap::new(),
        tool: report.tool,
        catalogue_date: String::new(),
        plan_path: String::new(),
        plan_sha256: report.plan_sha256.clone(),
        change: None,
        title: None,
        expects: report.expects.clone(),
        parts: Vec::new(),
        run_by: String::new(),
        resolvers: Vec::new(),
        rehearsed: report.rehearsed.clone(),
        columns: report.columns.clone(),
        ..*report
    }
}

/// Whether something that was found is found no longer, or is not asked any more and weighed.
fn is_over(gone: &Gone) -> bool {
    let is_over = gone.fate == Fate::Fixed || gone.fate == Fate::Moot && is_heard(&gone.statement);
    is_over && gone.statement.status() == Status::Found
}

/// What `report` says, and what it does not know any more: after an outage nothing is new that was there before.
fn remember(mut report: Report, gone: Vec<Gone>) -> Report {
    for lost in gone.into_iter().filter(|gone| gone.fate == Fate::Lost) {
        match report.sections.iter_mut().find(|section| section.card.id == lost.card.id) {
            Some(section) => section.statements.push(lost.statement),
            None => report.sections.push(Section { card: lost.card, statements: vec![lost.statement] }),
        }
    }
    report
}
