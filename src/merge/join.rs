//! Several reports of one plan → one: what any of them found stands; what one could not see, another may have seen.

use std::collections::{HashMap, HashSet};

use crate::check::{BUG, Check, DEADLINE, INTERRUPTED, LEFT_OUT, NOT_COVERED};
use crate::model::{
    Completion, Level, Observation, ObservationId, Part, Report, Saying, Section, Statement, Status, Subject, TOOL,
    Value, Verdict,
};

/// The check of the place that a run asks from: what is not known of one place is not made known by another.
const OF_THE_PLACE: &str = "vantage";
/// The check whose findings about a waiver depend on what all the others found.
const OF_THE_WAIVERS: &str = "waivers";
/// What it says of a waiver that met nothing.
const UNUSED: &str = "waiver-unused";

/// Joins reports that [`fit`](super::fit()) together; `checks` is their order in the report. Nothing, of no report.
pub fn join(reports: Vec<Report>, checks: &[&'static Check]) -> Option<Report> {
    let reports = renumbered(reports);
    let first = reports.first()?;
    let mut sections = Vec::new();
    let mut is_whole = true;
    for check in checks {
        let said: Vec<&Section> = reports
            .iter()
            .filter_map(|report| report.sections.iter().find(|one| one.card.id == check.card.id))
            .collect();
        let joined = join_section(check, &said);
        is_whole &= joined.is_done || is_excused(&said, check.can_block(first.phase, None));
        if !joined.statements.is_empty() {
            sections.push(Section { card: &check.card, statements: joined.statements });
        }
    }
    settle_waivers(&mut sections);
    let parts: Vec<Part> = reports.iter().flat_map(|report| report.parts.clone()).collect();
    let worst = parts.iter().map(|part| part.completion).max_by_key(|completion| gravity(*completion));
    let completion = match worst {
        _ if is_whole => Completion::Complete,
        // A check that is missing altogether was left out, whatever the file says.
        None | Some(Completion::Complete) => Completion::Partial,
        Some(worst) => worst,
    };
    Some(Report {
        tool: TOOL,
        started: parts.iter().map(|part| part.started).min().unwrap_or(first.started),
        finished: parts.iter().map(|part| part.finished).max().unwrap_or(first.finished),
        run_by: unique(parts.iter().map(|part| &part.run_by)).join(", "),
        resolvers: unique(parts.iter().flat_map(|part| &part.resolvers)),
        completion,
        verdict: Verdict::over(&sections, first.phase, completion == Completion::Complete),
        sections,
        observations: reports.iter().flat_map(|report| report.observations.iter().cloned()).collect(),
        parts,
        ..first.clone()
    })
}

const fn gravity(completion: Completion) -> u8 {
    match completion {
        Completion::Complete => 0,
        Completion::Partial => 1,
        Completion::Deadline => 2,
        Completion::Interrupted => 3,
    }
}

fn unique<'t>(texts: impl Iterator<Item = &'t String>) -> Vec<String> {
    let mut seen = HashSet::new();
    texts.filter(|text| seen.insert(*text)).cloned().collect()
}

/// The same reports with observations numbered through, and each of the run that asked. Evidence that is not in the
/// transcript leads nowhere and is dropped.
fn renumbered(mut reports: Vec<Report>) -> Vec<Report> {
    let (mut next, mut parts) = (0, 0);
    for report in &mut reports {
        let mut numbers: HashMap<ObservationId, ObservationId> = HashMap::with_capacity(report.observations.len());
        for Observation { id, part, .. } in &mut report.observations {
            numbers.insert(*id, ObservationId(next));
            *id = ObservationId(next);
            *part += parts;
            next += 1;
        }
        for statement in report.sections.iter_mut().flat_map(|section| &mut section.statements) {
            statement.evidence = statement.evidence.iter().filter_map(|id| numbers.get(id).copied()).collect();
        }
        parts += report.parts.len();
    }
    reports
}

/// What one check says after all runs.
struct Joined {
    statements: Vec<Statement>,
    /// Whether some run did the check from its beginning to its end.
    is_done: bool,
}

fn join_section(check: &Check, said: &[&Section]) -> Joined {
    let is_undone = |section: &&&Section| section.statements.is_empty() || section.statements.iter().any(is_mark);
    let is_done = said.iter().any(|section| !is_undone(&section));
    // Where a run did the check, that another did not do it says nothing.
    let counts = |statement: &&Statement| !is_done || !is_mark(statement);
    let told: Vec<(usize, &Statement)> = said
        .iter()
        .enumerate()
        .flat_map(|(run, section)| section.statements.iter().filter(counts).map(move |statement| (run, statement)))
        .collect();
    let mut views = Views::default();
    for (run, statement) in &told {
        views.add(*run, statement);
    }
    let mut places = Places::default();
    let mut standing: Vec<(usize, &Statement)> = Vec::new();
    for (run, statement) in &told {
        let place = places.of(*run, statement);
        if views.stands(check, *run, statement) {
            standing.push((place, statement));
        }
    }
    standing.sort_by_key(|(place, _)| *place);
    let statements = without_repetition(standing.into_iter().map(|(_, statement)| statement));
    Joined { statements, is_done }
}

/// Where a statement stands: what a later run says of a subject stands beside what the first one said of it.
#[derive(Default)]
struct Places<'s> {
    next: usize,
    of_subject: HashMap<&'s Subject, (usize, usize)>,
    of_about: HashMap<(&'s Subject, Option<&'s str>), usize>,
}

impl<'s> Places<'s> {
    fn of(&mut self, run: usize, statement: &'s Statement) -> usize {
        self.next += 1;
        let next = self.next;
        let (first_run, first_place) = *self.of_subject.entry(&statement.subject).or_insert((run, next));
        let place = if first_run == run { next } else { first_place };
        *self.of_about.entry((&statement.subject, statement.about.as_deref())).or_insert(place)
    }
}

/// What a run says of a check that it did not do, or not to its end.
fn is_mark(statement: &Statement) -> bool {
    let left_out = Value::from(LEFT_OUT);
    let is_of_the_run = match &statement.saying {
        Saying::NotCovered(why) => *why == left_out,
        Saying::Outcome(outcome) if outcome.tag == NOT_COVERED.tag => statement.args.value("detail") == Some(&left_out),
        Saying::Outcome(outcome) => [DEADLINE.tag, INTERRUPTED.tag, BUG.tag].contains(&outcome.tag),
        Saying::NotApplicable(_) | Saying::Passed => false,
    };
    statement.subject == Subject::Run && is_of_the_run
}

/// Whether a check that no run did leaves the whole complete, as a run of its own would: it cannot block and was left out on
/// request, or it failed and says so itself.
fn is_excused(said: &[&Section], can_block: bool) -> bool {
    let mut statements = said.iter().flat_map(|section| &section.statements).peekable();
    let is = |statement: &Statement, tag: &str| statement.named().is_some_and(|outcome| outcome.tag == tag);
    let is_cut = |statement: &Statement| is(statement, DEADLINE.tag) || is(statement, INTERRUPTED.tag);
    let has_failed = said.iter().flat_map(|section| &section.statements).any(|statement| is(statement, BUG.tag));
    has_failed || !can_block && statements.peek().is_some() && !statements.any(is_cut)
}

/// How much a statement tells, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Rank {
    NotApplicable,
    NotCovered,
    Passed,
    Found,
    Unknown,
}

impl Rank {
    fn of(statement: &Statement) -> Self {
        match statement.status() {
            Status::NotApplicable => Self::NotApplicable,
            Status::NotCovered => Self::NotCovered,
            Status::Passed => Self::Passed,
            Status::Found => Self::Found,
            // What the plan says must be covered is still only not covered: another run may cover it.
            Status::Unknown if statement.named().is_some_and(|outcome| outcome.tag == NOT_COVERED.tag) => {
                Self::NotCovered
            }
            Status::Unknown => Self::Unknown,
        }
    }
}

/// The ranks with which each run speaks.
type ByRun = HashMap<usize, HashSet<Rank>>;

/// What each run says of each subject, to be looked up by the statements of the others.
#[derive(Default)]
struct Views<'s> {
    /// Of a subject.
    of_subject: HashMap<&'s Subject, ByRun>,
    /// The same, with the second key.
    of_about: HashMap<(&'s Subject, Option<&'s str>), ByRun>,
    /// Of anything.
    of_all: ByRun,
}

impl<'s> Views<'s> {
    fn add(&mut self, run: usize, statement: &'s Statement) {
        let rank = Rank::of(statement);
        let about = (&statement.subject, statement.about.as_deref());
        self.of_subject.entry(&statement.subject).or_default().entry(run).or_default().insert(rank);
        self.of_about.entry(about).or_default().entry(run).or_default().insert(rank);
        self.of_all.entry(run).or_default().insert(rank);
    }

    /// Whether what `run` says is kept beside what the other runs say.
    fn stands(&self, check: &Check, run: usize, statement: &Statement) -> bool {
        match Rank::of(statement) {
            Rank::Found => true,
            Rank::Unknown => check.card.id == OF_THE_PLACE || !self.is_settled(&statement.subject),
            Rank::NotCovered if self.is_settled(&statement.subject) => false,
            rank => !self.is_outdone(rank, run, statement),
        }
    }

    /// Whether some run has an answer about `subject`, and left nothing open about it.
    fn is_settled(&self, subject: &Subject) -> bool {
        let mut runs = self.of_subject.get(subject).into_iter().flat_map(HashMap::values);
        runs.any(|ranks| {
            let has = |rank| ranks.contains(&rank);
            (has(Rank::Passed) || has(Rank::Found)) && !has(Rank::Unknown) && !has(Rank::NotCovered)
        })
    }

    /// Whether another run tells more about the same and does not itself say what this one says.
    fn is_outdone(&self, rank: Rank, run: usize, statement: &Statement) -> bool {
        let about = statement.about.as_deref();
        let same = self.of_about.get(&(&statement.subject, about));
        let more = match (&statement.subject, about) {
            // What is said of the run as a whole is answered by whatever was said of one subject.
            (Subject::Run, None) => Some(&self.of_all),
            (subject, None) => self.of_subject.get(subject),
            (_, Some(_)) => same,
        };
        let others = more.into_iter().flatten().filter(|(other, _)| **other != run);
        others.into_iter().any(|(other, ranks)| {
            let says_it_too = same.and_then(|runs| runs.get(other)).is_some_and(|ranks| ranks.contains(&rank));
            // "Nothing found" is no longer so when something was; that something is not known takes nothing away.
            let tells_more = |more: &Rank| *more > rank && (rank != Rank::Passed || *more == Rank::Found);
            !says_it_too && ranks.iter().any(tells_more)
        })
    }
}

/// Each statement once, with the evidence of all who made it. A waiver stays only where all of them had it.
fn without_repetition<'s>(said: impl Iterator<Item = &'s Statement>) -> Vec<Statement> {
    #[derive(PartialEq, Eq, Hash)]
    struct Key<'k>(&'k Subject, Rank, Option<&'k str>, Option<&'k str>, Option<Level>, Option<(&'k str, &'k str)>);
    let mut kept: Vec<Statement> = Vec::new();
    let mut places: HashMap<Key<'_>, usize> = HashMap::new();
    for statement in said {
        let why = match &statement.saying {
            Saying::NotApplicable(why) | Saying::NotCovered(why) => {
                Some((why.in_lang(crate::model::Lang::En), why.in_lang(crate::model::Lang::Ja)))
            }
            Saying::Passed | Saying::Outcome(_) => None,
        };
        let tag = statement.named().map(|outcome| outcome.tag);
        let key = Key(&statement.subject, Rank::of(statement), tag, statement.about.as_deref(), statement.level, why);
        let place = *places.entry(key).or_insert(kept.len());
        match kept.get_mut(place) {
            Some(known) => {
                known.evidence.extend(&statement.evidence);
                known.waiver = known.waiver.take().filter(|_| statement.waiver.is_some());
            }
            None => kept.push(statement.clone()),
        }
    }
    for statement in &mut kept {
        let mut seen = HashSet::new();
        statement.evidence.retain(|id| seen.insert(*id));
    }
    kept
}

/// A waiver that met nothing in one run may meet what another found: then it is in use.
fn settle_waivers(sections: &mut [Section]) {
    let findings = sections.iter().flat_map(|section| &section.statements);
    let used: HashSet<usize> = findings.filter_map(|one| one.waiver.as_ref()).map(|waiver| waiver.line).collect();
    let is_used = |subject: &Subject| matches!(subject, Subject::PlanLine(line) if used.contains(line));
    for section in sections.iter_mut().filter(|section| section.card.id == OF_THE_WAIVERS) {
        for statement in &mut section.statements {
            if statement.named().is_some_and(|outcome| outcome.tag == UNUSED) && is_used(&statement.subject) {
                *statement = Statement::passed(statement.subject.clone());
            }
        }
    }
}
