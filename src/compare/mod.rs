//! Two reports of one move, an earlier and a later one: what is new, what stayed, what is gone, which records changed. Marks never
//! change a verdict.

mod fit;
mod ken;
mod marks;
mod records;

pub use fit::{Misfit, fit};
pub use records::{Records, published};

use crate::model::{Baseline, Level, Mark, Report, Section, Statement, Status};
use crate::saved::Named;

/// Marks every finding of `report` by what `earlier` said, and puts beside it what is gone and which records changed.
pub fn compare(report: &mut Report, earlier: &Named) {
    let old = &earlier.report;
    let gone = marks::mark(report, old);
    report.baseline = Some(Baseline {
        path: earlier.path.clone(),
        started: old.started,
        phase: old.phase,
        verdict: old.verdict,
        same_plan: old.plan_sha256 == report.plan_sha256,
        rehearsed: !old.rehearsed.is_empty(),
        gone,
        records: published(old).changes(&published(report), report),
    });
}

/// What a comparison comes to, for a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing new that blocks, and what was known is known still.
    Nothing,
    /// Something that can block was known and is not known now.
    Lost,
    /// Something blocks that did not block before, or that nobody knew of.
    Blocked,
}

/// What the comparison in `report` comes to; [`Outcome::Nothing`] if it was not compared.
pub fn outcome(report: &Report) -> Outcome {
    let all = || report.sections.iter().flat_map(|section| section.statements.iter().map(move |one| (section, one)));
    let is_more = |statement: &Statement| statement.mark.is_some_and(|mark| mark != Mark::Same);
    let blocks = |statement: &Statement| statement.level == Some(Level::Blocker) && statement.waiver.is_none();
    if all().any(|(_, statement)| blocks(statement) && is_more(statement)) {
        return Outcome::Blocked;
    }
    let can_block = |section: &Section, statement: &Statement| {
        let is_of_the_run = statement.named().is_some_and(|outcome| outcome.tag.starts_with("run-"));
        is_of_the_run || section.card.can_reach(Level::Blocker, report.phase, statement.subject.side())
    };
    let is_newly_unknown =
        |statement: &Statement| statement.status() == Status::Unknown && statement.mark == Some(Mark::New);
    let gone = report.baseline.iter().flat_map(|baseline| &baseline.gone);
    let mut lost = gone.filter(|one| one.fate == crate::model::Fate::Lost);
    let is_lost = lost.any(|one| one.card.can_reach(Level::Blocker, report.phase, one.statement.subject.side()));
    if is_lost || all().any(|(section, statement)| is_newly_unknown(statement) && can_block(section, statement)) {
        return Outcome::Lost;
    }
    Outcome::Nothing
}
