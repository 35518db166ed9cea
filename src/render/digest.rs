//! What all formats agree on: the worst of a cell, the order of findings, and the one sentence below the verdict.

use std::collections::{BTreeSet, HashMap};

use crate::model::{
    Column, Completion, Lang, Level, Observation, ObservationId, Phase, Report, Section, Side, Statement, Status,
    Subject, Verdict,
};
use crate::words;

/// So many tags of a kind stand below the verdict: where nothing answers, every check says so.
const MOST_TAGS: usize = 8;

/// What a cell of the summary shows: where a check stands on a subject, worst first in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    NotApplicable,
    Passed,
    NotCovered,
    Note,
    WaivedWarning,
    Warning,
    WaivedBlocker,
    Unknown,
    Blocker,
}

impl Standing {
    pub(super) fn of(statement: &Statement) -> Self {
        match (statement.status(), statement.level, statement.waiver.is_some()) {
            (Status::NotApplicable, ..) => Self::NotApplicable,
            (Status::Passed, ..) => Self::Passed,
            (Status::NotCovered, ..) => Self::NotCovered,
            (Status::Unknown, ..) => Self::Unknown,
            (Status::Found, Some(Level::Blocker), false) => Self::Blocker,
            (Status::Found, Some(Level::Blocker), true) => Self::WaivedBlocker,
            (Status::Found, Some(Level::Warning), false) => Self::Warning,
            (Status::Found, Some(Level::Warning), true) => Self::WaivedWarning,
            (Status::Found, ..) => Self::Note,
        }
    }
}

/// The worst that a section says of the subjects that `about` admits; nothing if it does not speak of them.
pub(super) fn worst(section: &Section, about: impl Fn(&Subject) -> bool) -> Option<Standing> {
    section.statements.iter().filter(|statement| about(&statement.subject)).map(Standing::of).max()
}

/// Whether something that a section says of the subjects that `about` admits rests on a rehearsed zone.
pub(super) fn rehearses(report: &Report, section: &Section, about: impl Fn(&Subject) -> bool) -> bool {
    section.statements.iter().any(|statement| about(&statement.subject) && is_rehearsed(report, statement))
}

/// Whether a statement rests on a rehearsed zone.
pub(super) fn is_rehearsed(report: &Report, statement: &Statement) -> bool {
    let seen = |id: &ObservationId| observation(report, id.0).is_some_and(|seen| !seen.rehearsed.is_empty());
    !report.rehearsed.is_empty() && statement.evidence.iter().any(seen)
}

/// The observation with this number; they stand in the order of their numbers.
pub(super) fn observation(report: &Report, id: u32) -> Option<&Observation> {
    let index = report.observations.binary_search_by_key(&id, |seen| seen.id.0).ok()?;
    report.observations.get(index)
}

/// The run that asked, where there are several: `new server`, `desk 2`.
pub(super) fn asker(report: &Report, seen: &Observation, lang: Lang) -> Option<String> {
    (report.parts.len() > 1).then(|| part_name(report, seen.part, lang))
}

/// Where a run took place, with a number if others took place at the same.
pub(super) fn part_name(report: &Report, index: usize, lang: Lang) -> String {
    let vantage = report.parts.get(index).map(|part| part.vantage).unwrap_or_default();
    let alike = |until: usize| report.parts.iter().take(until).filter(|part| part.vantage == vantage).count();
    let number = (alike(report.parts.len()) > 1).then(|| alike(index) + 1);
    words::vantage(lang, vantage, number)
}

/// Whether a subject is this column's address.
pub(super) fn is_at(subject: &Subject, column: &Column) -> bool {
    *subject == Subject::Address(column.ip, column.side)
}

/// Whether a section speaks of addresses at all.
pub(super) fn is_by_address(section: &Section) -> bool {
    section.statements.iter().any(|statement| matches!(statement.subject, Subject::Address(..)))
}

/// Findings of one tag at one level, together.
pub(super) struct Group<'r> {
    pub(super) section: &'r Section,
    pub(super) standing: Standing,
    pub(super) statements: Vec<&'r Statement>,
}

/// Everything found or unknown: worst first, then in the order of the report, statements of one tag together.
pub(super) fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for section in &report.sections {
        for statement in section.statements.iter().filter(|statement| statement.named().is_some()) {
            let standing = Standing::of(statement);
            let tag = statement.named().map(|outcome| outcome.tag);
            let known = groups.iter_mut().find(|group| {
                group.standing == standing
                    && group.statements[0].named().map(|outcome| outcome.tag) == tag
                    && std::ptr::eq(group.section, section)
            });
            match known {
                Some(group) => group.statements.push(statement),
                None => groups.push(Group { section, standing, statements: vec![statement] }),
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.standing));
    groups
}

/// What this run did not cover: check, reason, and how many subjects.
pub(super) fn gaps(report: &Report, lang: Lang) -> Vec<(&Section, &str, usize)> {
    let mut gaps: Vec<(&Section, &str, usize)> = Vec::new();
    for section in &report.sections {
        let mut places: HashMap<&str, usize> = HashMap::new();
        for statement in &section.statements {
            if let crate::model::Saying::NotCovered(why) = &statement.saying {
                let why = why.in_lang(lang);
                let place = *places.entry(why).or_insert(gaps.len());
                match gaps.get_mut(place) {
                    Some(gap) => gap.2 += 1,
                    None => gaps.push((section, why, 1)),
                }
            }
        }
    }
    gaps
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) blockers: usize,
    pub(super) unknowns: usize,
    pub(super) warnings: usize,
    pub(super) notes: usize,
    pub(super) passed: usize,
    pub(super) waived: usize,
}

pub(super) fn counts(report: &Report) -> Counts {
    let mut counts = Counts::default();
    for statement in report.sections.iter().flat_map(|section| &section.statements) {
        match Standing::of(statement) {
            Standing::Blocker => counts.blockers += 1,
            Standing::Unknown => counts.unknowns += 1,
            Standing::Warning => counts.warnings += 1,
            Standing::Note => counts.notes += 1,
            Standing::Passed => counts.passed += 1,
            Standing::WaivedBlocker | Standing::WaivedWarning => counts.waived += 1,
            Standing::NotApplicable | Standing::NotCovered => {}
        }
    }
    counts
}

/// Why the run is not whole, if it is not.
pub(super) fn cut(report: &Report, lang: Lang) -> Option<&'static str> {
    match report.completion {
        Completion::Complete => None,
        Completion::Deadline => Some(words::cut_by_deadline(lang)),
        Completion::Interrupted => Some(words::cut_by_hand(lang)),
        Completion::Partial => Some(words::cut_by_choice(lang)),
    }
}

/// What must be said loudest: the world was not the real one, or the run not whole.
pub(super) fn loud(report: &Report, lang: Lang) -> Vec<String> {
    let simulated = report.simulated.then(|| words::simulated(lang).to_owned());
    let rehearsed = (!report.rehearsed.is_empty()).then(|| words::rehearsed(lang, &report.rehearsed));
    [simulated, rehearsed, cut(report, lang).map(str::to_owned)].into_iter().flatten().collect()
}

/// The sentences below the verdict: what made it so.
pub(super) fn reasons(report: &Report, lang: Lang) -> Vec<String> {
    let mut reasons: Vec<String> = cut(report, lang).map(str::to_owned).into_iter().collect();
    let groups = groups(report);
    let tags = |wanted: &[Standing]| -> (usize, String) {
        let chosen: Vec<&Group<'_>> =
            groups.iter().filter(|group| wanted.contains(&group.standing) && is_weighty(report.phase, group)).collect();
        let count = chosen.iter().map(|group| group.statements.len()).sum();
        // What can befall any check, such as the deadline, is one tag with many groups.
        let mut by_tag: Vec<(&str, BTreeSet<String>)> = Vec::new();
        for group in chosen {
            let subjects = group.statements.iter().map(|statement| match &statement.subject {
                Subject::Run => group.section.card.short.in_lang(lang).to_owned(),
                subject => subject.to_string(),
            });
            match by_tag.iter_mut().find(|(tag, _)| *tag == tag_of(group)) {
                Some((_, known)) => known.extend(subjects),
                None => by_tag.push((tag_of(group), subjects.collect())),
            }
        }
        let mut named: Vec<String> = by_tag
            .iter()
            .take(MOST_TAGS)
            .map(|(tag, subjects)| {
                let shown: Vec<&str> = subjects.iter().take(3).map(String::as_str).collect();
                let more = if subjects.len() > 3 { format!(" +{}", subjects.len() - 3) } else { String::new() };
                format!("{tag} ({}{more})", shown.join(", "))
            })
            .collect();
        if by_tag.len() > MOST_TAGS {
            named.push(format!("+{}", by_tag.len() - MOST_TAGS));
        }
        (count, named.join(", "))
    };
    for (standing, say) in [
        (Standing::Blocker, words::count_blockers as fn(Lang, usize) -> String),
        (Standing::Unknown, words::count_unknowns),
        (Standing::Warning, words::count_warnings),
    ] {
        let (count, named) = tags(&[standing]);
        if count > 0 {
            reasons.push(format!("{}: {named}", say(lang, count)));
        }
    }
    let (waived, named) = tags(&[Standing::WaivedBlocker, Standing::WaivedWarning]);
    if waived > 0 {
        reasons.push(format!("{}: {named}", words::count_waived(lang, waived)));
    }
    if reasons.is_empty() {
        // Where nothing was found and yet there is no GO, what passed was no measurement.
        let passed = if report.verdict == Verdict::Hold { 0 } else { counts(report).passed };
        reasons.push(words::nothing_found(lang, passed));
    }
    reasons
}

/// Old addresses that could not be measured are named only where that weighs something.
fn is_weighty(phase: Phase, group: &Group<'_>) -> bool {
    let weighs = |statement: &&Statement| Verdict::weighing(group.section.card, statement, phase) > Verdict::Go;
    group.standing != Standing::Unknown
        || group.statements.iter().any(|one| one.subject.side() != Some(Side::Old) || weighs(one))
}

/// The tag that a group is about.
pub(super) fn tag_of(group: &Group<'_>) -> &'static str {
    group.statements[0].named().map_or("", |outcome| outcome.tag)
}

/// `NEW 203.0.113.26`, or the subject alone if it has no side; of a run as a whole, the check that speaks.
pub(super) fn subject(section: &Section, statement: &Statement, lang: Lang) -> String {
    let side = statement.subject.side().map_or(String::new(), |side| format!("{} ", words::side(lang, side)));
    match &statement.subject {
        Subject::Run => section.card.short.in_lang(lang).to_owned(),
        Subject::PlanLine(line) => words::plan_line(lang, *line),
        subject => format!("{side}{subject}"),
    }
}
