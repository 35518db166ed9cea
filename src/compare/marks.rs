//! Every finding marked by what the earlier report said of the same; and what the earlier one said and the later does not.

use std::collections::{HashMap, HashSet};

use super::ken::{Index, Ken, Place};
use crate::model::{Fate, Gone, Level, Mark, Needs, Report, Statement, Status, Subject};

/// A place and what was said there.
type Said<'s> = (Place<'s>, &'static str);

/// Marks the findings of `report` by `old`; what is gone comes back in the order of `old`.
pub(super) fn mark(report: &mut Report, old: &Report) -> Vec<Gone> {
    let before = Index::of(old);
    let mut then: HashMap<Said<'_>, &Statement> = HashMap::new();
    for (check, statement) in named(old) {
        if let Some(said) = said(check, statement) {
            // Of several, the lightest: whatever weighs more than that is marked.
            let kept = then.entry(said).or_insert(statement);
            if weight(statement) < weight(kept) {
                *kept = statement;
            }
        }
    }
    for section in &mut report.sections {
        for statement in &mut section.statements {
            let Some(said) = said(section.card.id, statement) else { continue };
            let mark = match then.get(&said) {
                Some(known) if weight(statement) > weight(known) => Mark::Heavier,
                Some(_) => Mark::Same,
                None if before.ken(section.card.id, statement) == Ken::Known => Mark::New,
                None => Mark::Unseen,
            };
            statement.mark = Some(mark);
        }
    }
    gone(report, old)
}

fn gone(report: &Report, old: &Report) -> Vec<Gone> {
    let after = Index::of(report);
    let now: HashSet<Said<'_>> = named(report).filter_map(|(check, statement)| said(check, statement)).collect();
    let mut gone = Vec::new();
    for section in &old.sections {
        let card = section.card;
        for statement in &section.statements {
            let fate = match statement.status() {
                Status::Found if said(card.id, statement).is_some_and(|said| now.contains(&said)) => continue,
                Status::Found => match after.ken(card.id, statement) {
                    Ken::Known => Fate::Fixed,
                    Ken::Nothing => Fate::Moot,
                    Ken::Unknown => Fate::Lost,
                },
                // That all was well is missed only where it can block.
                Status::Passed
                    if card.can_reach(Level::Blocker, report.phase, statement.subject.side())
                        && after.ken(card.id, statement) == Ken::Unknown =>
                {
                    Fate::Lost
                }
                _ => continue,
            };
            gone.push(Gone { card, statement: Statement { evidence: Vec::new(), ..statement.clone() }, fate });
        }
    }
    // What was concluded from something that is not known now was not mended, though it is not concluded now.
    let lost: HashSet<(Subject, &str)> = gone.iter().filter(|one| one.fate == Fate::Lost).filter_map(place).collect();
    for concluded in gone.iter_mut().filter(|one| one.card.needs == Needs::Results && one.fate == Fate::Fixed) {
        let statement = &concluded.statement;
        let rests_on = statement.about.as_deref().map(|about| (statement.subject.clone(), about));
        if rests_on.is_some_and(|place| lost.contains(&place)) {
            concluded.fate = Fate::Lost;
        }
    }
    gone
}

/// The subject and the tag, by which conclusions name what they rest on.
fn place(gone: &Gone) -> Option<(Subject, &'static str)> {
    gone.statement.named().map(|outcome| (gone.statement.subject.clone(), outcome.tag))
}

fn named(report: &Report) -> impl Iterator<Item = (&'static str, &Statement)> {
    report.sections.iter().flat_map(|section| section.statements.iter().map(|one| (section.card.id, one)))
}

fn said<'s>(check: &'s str, statement: &'s Statement) -> Option<Said<'s>> {
    statement.named().map(|outcome| (Place::of(check, statement), outcome.tag))
}

/// What it weighs: the level, and whether anybody has accepted it.
fn weight(statement: &Statement) -> (Option<Level>, bool) {
    (statement.level, statement.waiver.is_none())
}
