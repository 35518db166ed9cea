//! One run in a world with faults, and what it came to.

use std::time::{Duration, Instant};

use mail_cutover::checks::CHECKS;
use mail_cutover::demo::{Asked, FaultRule};
use mail_cutover::model::{Completion, Level, Phase, Section, Verdict};
use mail_cutover::runner;

use crate::world::case::Case;

/// How long a run may take. Every single wait of the plan is far below it.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a run came to.
pub(crate) struct Played {
    pub(crate) verdict: Verdict,
    /// Tag and subject of everything that is not as it should be.
    pub(crate) said: Vec<String>,
    /// Checks that fell over.
    pub(crate) bugs: Vec<String>,
    /// It did not end by itself, or ended later than it may.
    pub(crate) overdue: bool,
    /// What it asked.
    pub(crate) asked: Vec<Asked>,
}

impl std::fmt::Debug for Played {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { verdict, said, bugs, overdue, asked: _ } = self;
        write!(f, "{verdict:?}, overdue: {overdue}, bugs: {bugs:?}, said: {said:#?}")
    }
}

impl Played {
    /// GO, with or without warnings.
    pub(crate) fn is_go(&self) -> bool {
        matches!(self.verdict, Verdict::Go | Verdict::GoWithWarnings)
    }
}

/// Runs every check in `world` with these faults before its own.
pub(crate) async fn play(world: &Case, faults: &[FaultRule]) -> Played {
    let mut case = world.clone();
    case.setup.faults.splice(0..0, faults.iter().cloned());
    let (running, beside, text) = case.start().await;
    let (context, phase) = case.context(&text);
    let limits = runner::Limits { deadline: DEADLINE, only: Vec::new(), skip: Vec::new() };
    let start = Instant::now();
    let ending = runner::run(CHECKS, &context, &limits, std::future::pending(), |_, _| {}).await;
    let overdue = ending.completion != Completion::Complete || start.elapsed() > DEADLINE;
    let asked = running.asked();
    drop((running, beside));
    Played {
        verdict: Verdict::over(&ending.sections, phase, ending.completion == Completion::Complete),
        said: said(&ending.sections, phase),
        bugs: bugs(&ending.sections),
        overdue,
        asked,
    }
}

fn said(sections: &[Section], phase: Phase) -> Vec<String> {
    let mut said = Vec::new();
    for section in sections {
        for statement in &section.statements {
            let weighs = Verdict::weighing(section.card, statement, phase);
            if let Some(outcome) = statement.named()
                && (statement.level > Some(Level::Note) || weighs > Verdict::Go)
            {
                said.push(format!("{}: {} {}", weighs.words(), outcome.tag, statement.subject));
            }
        }
    }
    said
}

fn bugs(sections: &[Section]) -> Vec<String> {
    let statements = sections.iter().flat_map(|section| &section.statements);
    let fell = statements.filter(|statement| statement.named().is_some_and(|outcome| outcome.tag == "run-bug"));
    fell.map(|statement| format!("{:?}", statement.args)).collect()
}
