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
pub(super) struct Index<'r> {
    of_check: HashMap<&'r str, &'r [Statement]>,
    of_subject: HashMap<(&'r str, &'r Subject), Vec<&'r Statement>>,
    /// Lists about which something is not known.
    silent_lists: HashSet<&'r str>,
}

impl<'r> Index<'r> {
    pub(super) fn of(report: &'r Report) -> Self {
        let mut index = Self { of_check: HashMap::new(), of_subject: HashMap::new(), silent_lists: HashSet::new() };
        for section in &report.sections {
            index.of_check.insert(section.card.id, &section.statements);
            for statement in &section.statements {
                index.of_subject.entry((section.card.id, &statement.subject)).or_default().push(statement);
                if let (Subject::List(list), Status::Unknown) = (&statement.subject, statement.status()) {
                    index.silent_lists.insert(list);
                }
            }
        }
        index
    }

    /// What is known about the subject of `statement`, and about its second key if it has one.
    pub(super) fn ken(&self, check: &str, statement: &Statement) -> Ken {
        let Some(said) = self.of_check.get(check) else { return Ken::Unknown };
        if matches!(statement.subject, Subject::PlanLine(_)) {
            // The plan is always read as a whole.
            return Ken::Known;
        }
        if let Some(about) = &statement.about
            && self.silent_lists.contains(about.as_str())
        {
            return Ken::Unknown;
        }
        let of_subject = self.of_subject.get(&(check, &statement.subject)).map(Vec::as_slice).unwrap_or_default();
        let exact: Vec<&Statement> = of_subject.iter().copied().filter(|one| one.about == statement.about).collect();
        if !exact.is_empty() {
            return ken_of(&exact);
        }
        if !of_subject.is_empty() {
            // With a second key, what is open about another key says nothing about this one.
            let counts = |one: &&&Statement| statement.about.is_none() || one.about.is_none();
            let wider: Vec<&Statement> = of_subject.iter().filter(counts).copied().collect();
            return if wider.is_empty() { Ken::Known } else { ken_of(&wider) };
        }
        let of_run: Vec<&Statement> = said.iter().filter(|one| one.subject == Subject::Run).collect();
        if of_run.is_empty() { Ken::Nothing } else { ken_of(&of_run) }
    }
}

/// The least that is known.
fn ken_of(statements: &[&Statement]) -> Ken {
    let is = |wanted: &[Status]| statements.iter().any(|one| wanted.contains(&one.status()));
    if is(&[Status::Unknown, Status::NotCovered]) {
        Ken::Unknown
    } else if is(&[Status::Passed, Status::Found]) {
        Ken::Known
    } else {
        Ken::Nothing
    }
}
