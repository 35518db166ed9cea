//! What a check did say about one subject.

use serde::{Deserialize, Serialize};

use super::baseline::Mark;
use super::card::Outcome;
use super::detail::{Detail, bounded};
use super::level::Level;
use super::observation::ObservationId;
use super::subject::Subject;
use super::text::{Args, Value};
use super::waiver::Applied;

/// Where a check stands on a subject, lightest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The question does not arise.
    NotApplicable,
    /// Asked, answered, nothing found.
    Passed,
    /// This run lacked an input or a vantage point that the question needs.
    NotCovered,
    /// Something was found.
    Found,
    /// Asked, not answered.
    Unknown,
}

/// What is said: one of the check's outcomes, or that there is none.
#[derive(Clone, Debug)]
pub enum Saying {
    /// The question does not arise, and why.
    NotApplicable(Value),
    /// Nothing found.
    Passed,
    /// The run lacks what the question needs.
    NotCovered(Value),
    /// An outcome of the check, found or (at [`Level::Unknown`]) not measured.
    Outcome(&'static Outcome),
}

/// One thing a check said about one subject.
#[derive(Clone, Debug)]
pub struct Statement {
    /// About what.
    pub subject: Subject,
    /// A second key where one outcome can hold several times for a subject: a list's id, a PTR name.
    pub about: Option<String>,
    /// What is said.
    pub saying: Saying,
    /// Values for the texts of the outcome and of the check's by-hand command.
    pub args: Args,
    /// The observations it rests on.
    pub evidence: Vec<ObservationId>,
    /// How it came about, line by line; at most [`MOST_DETAILS`](super::MOST_DETAILS) lines and one that says how many more.
    pub details: Vec<Detail>,
    /// The level for this run's phase; the runner fills it in. Nothing unless an outcome.
    pub level: Option<Level>,
    /// The waiver that accepts it; the runner fills it in.
    pub waiver: Option<Applied>,
    /// How it stands to an earlier report; a comparison fills it in.
    pub mark: Option<Mark>,
}

impl Statement {
    fn new(subject: Subject, saying: Saying) -> Self {
        Self {
            subject,
            about: None,
            saying,
            args: Args::none(),
            evidence: Vec::new(),
            details: Vec::new(),
            level: None,
            waiver: None,
            mark: None,
        }
    }

    /// `outcome` holds for `subject`.
    pub fn outcome(outcome: &'static Outcome, subject: Subject) -> Self {
        Self::new(subject, Saying::Outcome(outcome))
    }

    /// Asked, answered, nothing found.
    pub fn passed(subject: Subject) -> Self {
        Self::new(subject, Saying::Passed)
    }

    /// The question does not arise, because …
    pub fn not_applicable(subject: Subject, why: impl Into<Value>) -> Self {
        Self::new(subject, Saying::NotApplicable(why.into()))
    }

    /// This run lacks …
    pub fn not_covered(subject: Subject, why: impl Into<Value>) -> Self {
        Self::new(subject, Saying::NotCovered(why.into()))
    }

    /// With a second key.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }

    /// With values for its texts.
    #[must_use]
    pub fn args(mut self, args: Args) -> Self {
        self.args = args;
        self
    }

    /// Resting on these observations.
    #[must_use]
    pub fn evidence(mut self, ids: impl IntoIterator<Item = ObservationId>) -> Self {
        self.evidence.extend(ids);
        self
    }

    /// Having come about like this; lines beyond the bound are counted and left out.
    #[must_use]
    pub fn details(mut self, details: impl IntoIterator<Item = Detail>) -> Self {
        self.details = bounded(details);
        self
    }

    /// The outcome it names.
    pub fn named(&self) -> Option<&'static Outcome> {
        match self.saying {
            Saying::Outcome(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Its status.
    pub fn status(&self) -> Status {
        match (&self.saying, self.level) {
            (Saying::NotApplicable(_), _) => Status::NotApplicable,
            (Saying::Passed, _) => Status::Passed,
            (Saying::NotCovered(_), _) => Status::NotCovered,
            (Saying::Outcome(_), Some(Level::Unknown)) => Status::Unknown,
            (Saying::Outcome(_), _) => Status::Found,
        }
    }
}
