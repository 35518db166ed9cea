//! What a report knows about a subject: an answer, none, or that the question did not arise.

use std::collections::{HashMap, HashSet};

use crate::model::{Report, Statement, Status, Subject};

/// What a report knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ken {
    /// An answer, whatever it was.
    Known,
    /// Asked and not answered, or not asked.
    Unknown,
    /// The question did not arise.
    Nothing,
}

/// What a statement is about, in a form that outlives a line put into the plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place<'s> {
    check: &'s str,
    subject: Option<&'s Subject>,
    about: Option<String>,
}

impl<'s> Place<'s> {
    pub(super) fn of(check: &'s str, statement: &'s Statement) -> Self {
        match (&statement.subject, &statement.about) {
            // Lines move; what is said of one tells it apart.
            (Subject::PlanLine(_), None) => {
                let says = statement.named().map(|outcome| statement.args.say(outcome.says, crate::model::Lang::En));
                Self { check, subject: None, about: says }
            }
            (Subject::PlanLine(_), about) => Self { check, subject: None, about: about.clone() },
            (subject, about) => Self { check, subject: Some(subject), about: about.clone() },
        }
    }
}

/// A report, to be asked what it knows.
#[derive(Default)]
pub(super) struct Index<'r> {
    checks: HashSet<&'r str>,
    /// Of a subject, whatever the second key.
    of_subject: HashMap<(&'r str, &'r Subject), Ken>,
    /// Of a subject with its second key, or without one.
    of_about: HashMap<(&'r str, &'r Subject, Option<&'r str>), Ken>,
    /// Lists whose word does not count: whatever is said of a list, but that all is well, means that.
    silent_lists: HashSet<&'r str>,
}

impl<'r> Index<'r> {
    pub(super) fn of(report: &'r Report) -> Self {
        let mut index = Self::default();
        for section in &report.sections {
            let check = section.card.id;
            index.checks.insert(check);
            for statement in &section.statements {
                let (subject, about, ken) = (&statement.subject, statement.about.as_deref(), Ken::of(statement));
                let known = index.of_subject.entry((check, subject)).or_insert(ken);
                *known = known.and(ken);
                let known = index.of_about.entry((check, subject, about)).or_insert(ken);
                *known = known.and(ken);
                if let (Subject::List(list), Some(_)) = (subject, statement.named()) {
                    index.silent_lists.insert(list);
                }
            }
        }
        index
    }

    /// What is known about the subject of `statement`, and about its second key if it has one.
    pub(super) fn ken(&self, check: &str, statement: &Statement) -> Ken {
        let (subject, about) = (&statement.subject, statement.about.as_deref());
        let is_of_silent = about.is_some_and(|about| self.silent_lists.contains(about));
        if !self.checks.contains(check) || is_of_silent {
            return Ken::Unknown;
        }
        if matches!(subject, Subject::PlanLine(_)) {
            // The plan is always read as a whole.
            return Ken::Known;
        }
        if let Some(ken) = self.of_about.get(&(check, subject, about)) {
            return *ken;
        }
        match (self.of_subject.get(&(check, subject)), about) {
            // What is open about another key says nothing about this one.
            (Some(_), Some(_)) => self.of_about.get(&(check, subject, None)).copied().unwrap_or(Ken::Known),
            (Some(ken), None) => *ken,
            (None, _) => self.of_subject.get(&(check, &Subject::Run)).copied().unwrap_or(Ken::Nothing),
        }
    }
}

impl Ken {
    fn of(statement: &Statement) -> Self {
        match statement.status() {
            Status::Unknown | Status::NotCovered => Self::Unknown,
            Status::Passed | Status::Found => Self::Known,
            Status::NotApplicable => Self::Nothing,
        }
    }

    /// The least that is known of both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Known, _) | (_, Self::Known) => Self::Known,
            (Self::Nothing, Self::Nothing) => Self::Nothing,
        }
    }
}
