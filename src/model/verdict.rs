//! From statements to one word.

use serde::Serialize;

use super::level::{Level, Phase};
use super::report::Section;
use super::statement::{Statement, Status};

/// May we switch?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Verdict {
    /// Everything that can block was measured, and nothing was found.
    #[serde(rename = "GO")]
    Go,
    /// Nothing blocks; a person should read the warnings.
    #[serde(rename = "GO WITH WARNINGS")]
    GoWithWarnings,
    /// Something that can block was not measured.
    #[serde(rename = "HOLD")]
    Hold,
    /// Something blocks.
    #[serde(rename = "NO-GO")]
    NoGo,
}

/// What the run itself could not do (`run-…`: deadline, interruption, a fault of the tool, something that must be covered) holds
/// the verdict whatever the check.
fn is_of_the_run(statement: &Statement) -> bool {
    statement.named().is_some_and(|outcome| outcome.tag.starts_with("run-"))
}

impl Verdict {
    /// The words, the same in every language.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Go => "GO",
            Self::GoWithWarnings => "GO WITH WARNINGS",
            Self::Hold => "HOLD",
            Self::NoGo => "NO-GO",
        }
    }

    /// The verdict over all sections. An unwaived blocker makes NO-GO; else an unknown on a check that can block makes HOLD,
    /// as does a run that was cut short or measured nothing; else a warning, or an unknown on a check that can warn, makes
    /// GO WITH WARNINGS.
    pub fn over(sections: &[Section], phase: Phase, complete: bool) -> Self {
        let mut verdict = Self::Go;
        let mut measured = false;
        for section in sections {
            for statement in &section.statements {
                let can = |level| section.card.can_reach(level, phase, statement.subject.side());
                let weighs = match (statement.status(), statement.level) {
                    (Status::Found, Some(Level::Blocker)) if statement.waiver.is_none() => Self::NoGo,
                    (Status::Found, Some(Level::Warning)) if statement.waiver.is_none() => Self::GoWithWarnings,
                    // An accepted blocker is still there: whoever switches should have read it.
                    (Status::Found, Some(Level::Blocker)) => Self::GoWithWarnings,
                    (Status::Unknown, _) if can(Level::Blocker) || is_of_the_run(statement) => Self::Hold,
                    (Status::Unknown, _) if can(Level::Warning) => Self::GoWithWarnings,
                    _ => Self::Go,
                };
                verdict = verdict.max(weighs);
                measured |= section.card.needs == super::card::Needs::Dns
                    && matches!(statement.status(), Status::Passed | Status::Found);
            }
        }
        if complete && measured { verdict } else { verdict.max(Self::Hold) }
    }
}
