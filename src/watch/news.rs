//! What a watch has to say: one thing that changed.

use chrono::TimeDelta;

use crate::model::{Card, Level, Phase, RecordChange, Statement, Verdict};

/// One thing that a check said.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The check.
    pub card: &'static Card,
    /// What it said.
    pub statement: Statement,
}

/// One thing that changed.
#[derive(Clone, Debug)]
pub enum News {
    /// The first run is over.
    Began {
        /// What it came to.
        verdict: Verdict,
        /// The phase it judged.
        phase: Phase,
    },
    /// Found in the first run: it is no change, but who watches should know.
    Stands(Finding),
    /// Found, and it was not so before, or nobody knew.
    New(Finding),
    /// It was there and weighs more now.
    Heavier(Finding),
    /// No longer so.
    Fixed(Finding),
    /// Not known any more: checks and their subjects.
    Silent(Vec<(&'static str, String)>),
    /// Known again, or no longer asked.
    Answered(Vec<(&'static str, String)>),
    /// Published records are others.
    Record(RecordChange),
    /// The clock has passed the cutover, or has been set back before it.
    Phase(Phase),
    /// The answer is another, or a trigger asks for the way back.
    Verdict {
        /// Before.
        was: Verdict,
        /// Now.
        now: Verdict,
        /// A trigger of the plan asks for the way back.
        roll_back: bool,
    },
    /// The clock jumped; a run begins at once.
    Leap(TimeDelta),
    /// A run could not begin.
    Failed(String),
    /// The report could not be kept.
    NotKept(String),
    /// The command that is called on changes failed.
    HookFailed(String),
    /// The watch is over.
    Ended {
        /// The last verdict.
        verdict: Verdict,
        /// How many runs there were.
        runs: u64,
    },
}

impl News {
    /// Whether something in the world changed, or is not known any more: whoever is called on changes is called.
    pub fn is_change(&self) -> bool {
        match self {
            Self::New(_) | Self::Heavier(_) | Self::Fixed(_) => !self.is_note(),
            Self::Silent(_)
            | Self::Answered(_)
            | Self::Record(_)
            | Self::Phase(_)
            | Self::Verdict { .. }
            | Self::Failed(_) => true,
            Self::Began { .. }
            | Self::Stands(_)
            | Self::Leap(_)
            | Self::NotKept(_)
            | Self::HookFailed(_)
            | Self::Ended { .. } => false,
        }
    }

    /// Whether it is about a note, which never changes the verdict.
    pub fn is_note(&self) -> bool {
        match self {
            Self::Stands(one) | Self::New(one) | Self::Heavier(one) | Self::Fixed(one) => {
                one.statement.level <= Some(Level::Note)
            }
            _ => false,
        }
    }
}
