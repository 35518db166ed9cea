//! Accepted risks: they mark a finding and never remove it.

use chrono::NaiveDate;

use super::statement::Statement;

/// An accepted risk, as the plan states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// The outcome it accepts.
    pub tag: String,
    /// The subject, in the form of [`super::Subject`]'s display; nothing accepts any subject.
    pub on: Option<String>,
    /// The second key, where the finding has one (a list's id).
    pub about: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// Who accepts it.
    pub owner: String,
    /// A ticket.
    pub reference: Option<String>,
    /// The last day on which it holds.
    pub until: NaiveDate,
    /// Its line in the plan, 1-based.
    pub line: usize,
}

/// A waiver as it stands on a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Who accepted it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// A ticket.
    pub reference: Option<String>,
    /// The last day on which it holds.
    pub until: NaiveDate,
    /// Its line in the plan, 1-based.
    pub line: usize,
}

impl Waiver {
    /// Whether it speaks of this statement. A finding with a second key is met only by a waiver that names it, so that a
    /// waiver for one list can never hide another.
    pub fn speaks_of(&self, statement: &Statement) -> bool {
        statement.named().is_some_and(|outcome| outcome.tag == self.tag)
            && self.on.as_ref().is_none_or(|on| *on == statement.subject.to_string())
            && self.about == statement.about
    }

    /// Whether it no longer holds on `today`.
    pub fn expired(&self, today: NaiveDate) -> bool {
        self.until < today
    }

    /// What it leaves on a finding.
    pub fn applied(&self) -> Applied {
        Applied {
            owner: self.owner.clone(),
            reason: self.reason.clone(),
            reference: self.reference.clone(),
            until: self.until,
            line: self.line,
        }
    }
}
