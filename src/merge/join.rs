//! Several reports of one plan → one: what any of them found stands; what one could not see, another may have seen.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crate::check::{
    BUG, Check, DEADLINE, INTERRUPTED, LEFT_OUT, NO_TLS, NOT_COVERED, NOT_SO_FAR, NOT_SPOKEN, PORT_NOT_SO_FAR,
    TRUSTS_ITSELF,
};
use crate::model::{
    Args, Completion, Level, Milestone, Moment, Needs, Observation, ObservationId, Part, Phase, Report, Saying,
    Section, Side, Statement, Status, Subject, TOOL, Text, Value, Vantage, Verdict,
};

/// The check of the place that a run asks from: what is not known of one place is not made known by another.
const OF_THE_PLACE: &str = "vantage";
/// The check whose findings about a waiver depend on what all the others found.
const OF_THE_WAIVERS: &str = "waivers";
/// What it says of a waiver that met nothing.
const UNUSED: &str = "waiver-unused";

/// Reasons for which nothing is said of a server, each with the checks that say so louder in the same run.
const CUT_SHORT: [(Text, &[&str]); 3] =
    [(NOT_SO_FAR, &["net-inbound", "smtp-service"]), (PORT_NOT_SO_FAR, &["client-ports"]), (NO_TLS, &["tls-starttls"])];

/// Joins reports that [`fit`](super::fit()) together; `checks` is their order in the report. Nothing, of no report.
pub fn join(reports: Vec<Report>, checks: &[&'static Check]) -> Option<Report> {
    let reports = renumbered(reports);
    let first = reports.first()?;
    let mut sections = Vec::new();
    let mut is_whole = true;
    for check in checks {
        let (runs, said): (Vec<&[Part]>, Vec<&Section>) = reports
            .iter()
            .filter_map(|report| {
                Some((report.parts.as_slice(), report.sections.iter().find(|one| one.card.id == check.card.id)?))
            })
            .unzip();
        let joined = join_section(check, &said, runs);
        is_whole &= joined.is_done || is_excused(&said, check.can_block(first.phase, None));
        if !joined.statements.is_empty() {
            sections.push(Section { card: &check.card, statements: joined.statements });
        }
    }
    let parts: Vec<Part> = reports.iter().flat_map(|report| report.parts.clone()).collect();
    end_waivers(&mut sections, &parts, first);
    settle_waivers(&mut sections);
    settle_cut_short(&mut sections, first.phase);
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
        milestones: milestones(&reports),
        plan_lines: reports.iter().flat_map(|report| report.plan_lines.clone()).collect(),
        completion,
        verdict: Verdict::over(&sections, first.phase, completion == Completion::Complete),
        sections,
        observations: reports.iter().flat_map(|report| report.observations.iter().cloned()).collect(),
        parts,
        baseline: None,
        ..first.clone()
    })
}

/// The moments that any run knows. Where they differ, the run counts that saw the longest TTL.
fn milestones(reports: &[Report]) -> Vec<Milestone> {
    let mut known: Vec<Milestone> = reports.iter().flat_map(|report| report.milestones.iter().copied()).collect();
    known.sort_by_key(|milestone| match milestone.what {
        Moment::LastOldAnswer => (milestone.what, Reverse(milestone.at.timestamp())),
        _ => (milestone.what, Reverse(-milestone.at.timestamp())),
    });
    known.dedup_by_key(|milestone| milestone.what);
    known.sort_by_key(|milestone| milestone.at);
    known
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

fn join_section(check: &Check, said: &[&Section], runs: Vec<&[Part]>) -> Joined {
    let is_undone =
        |section: &Section| section.statements.iter().any(is_mark) || section.statements.iter().all(is_excuse);
    // Elsewhere such a check has nothing to do, which is no substitute where the new server's run was cut.
    let must_answer =
        check.card.needs == Needs::NewServer && said.iter().flat_map(|section| &section.statements).any(has_failed);
    let answers = |section: &Section| section.statements.iter().any(|one| Rank::of(one) >= Rank::Passed);
    let is_done = |section: &&&Section| !is_undone(section) && (!must_answer || answers(section));
    let done: Vec<usize> = (0..said.len()).filter(|run| is_done(&&said[*run])).collect();
    // Where a run did the check, that another did not do it says nothing; unless that one came later, to the same place, and failed.
    let counts = |run: usize, statement: &Statement| {
        let makes_good = |other: &usize| !has_failed(statement) || !is_outdated(runs[*other], runs[run]);
        !is_mark(statement) || !done.iter().any(makes_good)
    };
    let told: Vec<(usize, &Statement)> = said
        .iter()
        .enumerate()
        .flat_map(|(run, section)| section.statements.iter().map(move |statement| (run, statement)))
        .filter(|(run, statement)| counts(*run, statement))
        .collect();
    let is_done = !done.is_empty();
    let mut views = Views { runs, ..Views::default() };
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

/// What the new server says of a check that only others can do.
fn is_excuse(statement: &Statement) -> bool {
    matches!(&statement.saying, Saying::NotCovered(why) if *why == Value::from(TRUSTS_ITSELF))
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

/// What a run says of a check that it began and did not bring to its end.
fn has_failed(statement: &Statement) -> bool {
    is_mark(statement) && statement.named().is_some_and(|outcome| outcome.tag != NOT_COVERED.tag)
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

/// Whether every run of `other` has a later one at the same place in `report`: what a place saw before says nothing about what it cannot
/// see now.
fn is_outdated(other: &[Part], report: &[Part]) -> bool {
    let is_later = |later: &Part, part: &Part| {
        later.vantage == part.vantage && later.run_by == part.run_by && later.started > part.started
    };
    other.iter().all(|part| report.iter().any(|later| is_later(later, part)))
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
            Status::Unknown
                if statement
                    .named()
                    .is_some_and(|outcome| [NOT_COVERED.tag, NOT_SPOKEN.tag].contains(&outcome.tag)) =>
            {
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
    /// What each report is made of.
    runs: Vec<&'s [Part]>,
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
            Rank::Unknown if check.card.id == OF_THE_PLACE || check.card.needs == Needs::NewServer => true,
            Rank::Unknown => {
                // A server trusts itself, and no firewall stands before it: it does not know how it treats others.
                let of_new = statement.subject.side() == Some(Side::New) && check.card.needs == Needs::Servers;
                let counts = |other: usize| !of_new || self.is_own(run) || !self.is_own(other);
                !self.is_settled(&statement.subject, |other| {
                    counts(other) && !is_outdated(self.runs[other], self.runs[run])
                })
            }
            Rank::NotCovered if self.is_settled(&statement.subject, |_| true) => false,
            rank => !self.is_outdone(rank, run, statement),
        }
    }

    /// Whether a report is of the new server only.
    fn is_own(&self, run: usize) -> bool {
        self.runs[run].iter().all(|part| part.vantage == Vantage::NewServer)
    }

    /// Whether some run that `counts` has an answer about `subject`, and left nothing open about it.
    fn is_settled(&self, subject: &Subject, counts: impl Fn(usize) -> bool) -> bool {
        let mut runs = self.of_subject.get(subject).into_iter().flatten().filter(|(run, _)| counts(**run));
        runs.any(|(_, ranks)| {
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

/// A waiver that ended before the last run began accepts nothing any more, whichever run found what it accepted.
fn end_waivers(sections: &mut [Section], parts: &[Part], plan: &Report) {
    let Some(last) = parts.iter().map(|part| part.started).max() else { return };
    let today = last.with_timezone(plan.cutover_at.offset()).date_naive();
    for statement in sections.iter_mut().flat_map(|section| &mut section.statements) {
        statement.waiver = statement.waiver.take().filter(|waiver| waiver.until >= today);
    }
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

/// A server that one run did not reach and another did, without this check, was judged by neither: where the check can block, that
/// is not known.
fn settle_cut_short(sections: &mut [Section], phase: Phase) {
    let is_open = |statement: &&Statement| statement.level >= Some(Level::Warning);
    let open: HashSet<(&str, Subject, Option<String>)> = sections
        .iter()
        .flat_map(|section| section.statements.iter().map(|statement| (section.card.id, statement)))
        .filter(|(_, statement)| is_open(statement))
        .map(|(id, statement)| (id, statement.subject.clone(), statement.about.clone()))
        .collect();
    for section in sections.iter_mut().filter(|section| section.card.can_reach(Level::Blocker, phase, Some(Side::New)))
    {
        for statement in &mut section.statements {
            let (Saying::NotCovered(why), Subject::Address(ip, Side::New)) = (&statement.saying, &statement.subject)
            else {
                continue;
            };
            let Some((_, louder)) = CUT_SHORT.iter().find(|(reason, _)| *why == Value::from(*reason)) else { continue };
            let says_why = |id: &&str| open.contains(&(*id, statement.subject.clone(), statement.about.clone()));
            if !louder.iter().any(says_why) {
                statement.args = Args::none().and("ip", ip);
                statement.saying = Saying::Outcome(&NOT_SPOKEN);
                statement.level = Some(Level::Unknown);
            }
        }
    }
}
