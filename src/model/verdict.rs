//! From statements to one word.

use serde::Serialize;

use super::card::Card;
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

    /// What one statement of a check does to the verdict.
    pub fn weighing(card: &Card, statement: &Statement, phase: Phase) -> Self {
        let can = |level| card.can_reach(level, phase, statement.subject.side());
        match (statement.status(), statement.level) {
            (Status::Found, Some(Level::Blocker)) if statement.waiver.is_none() => Self::NoGo,
            (Status::Found, Some(Level::Warning)) if statement.waiver.is_none() => Self::GoWithWarnings,
            // An accepted blocker is still there: whoever switches should have read it.
            (Status::Found, Some(Level::Blocker)) => Self::GoWithWarnings,
            (Status::Unknown, _) if can(Level::Blocker) || is_of_the_run(statement) => Self::Hold,
            (Status::Unknown, _) if can(Level::Warning) => Self::GoWithWarnings,
            _ => Self::Go,
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
                verdict = verdict.max(Self::weighing(section.card, statement, phase));
                measured |=
                    section.card.needs.is_the_world() && matches!(statement.status(), Status::Passed | Status::Found);
            }
        }
        if complete && measured { verdict } else { verdict.max(Self::Hold) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::card::{Needs, Outcome};
    use super::super::level::{Levels, Side};
    use super::super::subject::Subject;
    use super::super::text::Text;
    use super::super::waiver::Applied;
    use super::*;

    const NO_TEXT: Text = Text { en: "", ja: "" };

    const fn outcome(tag: &'static str, levels: Levels) -> Outcome {
        Outcome { tag, levels, says: NO_TEXT, remedy: NO_TEXT }
    }

    const fn card(needs: Needs, outcomes: &'static [&'static Outcome]) -> Card {
        Card {
            id: "sample",
            title: NO_TEXT,
            short: NO_TEXT,
            phases: &[Phase::Before, Phase::After],
            why: NO_TEXT,
            how: NO_TEXT,
            by_hand: "",
            references: &[],
            needs,
            waivable: true,
            outcomes,
        }
    }

    static BLOCKS: Outcome = outcome("blocks", Levels::BLOCKER);
    static BLOCKS_AFTER: Outcome = outcome("blocks-after", Levels::NOTE.after(Level::Blocker));
    static WARNS: Outcome = outcome("warns", Levels::WARNING);
    static NOTES: Outcome = outcome("notes", Levels::NOTE);
    static SILENT: Outcome = outcome("silent", Levels::UNKNOWN);
    static RUN: Outcome = outcome("run-sample", Levels::UNKNOWN);

    static CAN_BLOCK: Card = card(Needs::Dns, &[&BLOCKS, &NOTES, &SILENT]);
    static CAN_BLOCK_AFTER: Card = card(Needs::Dns, &[&BLOCKS_AFTER, &SILENT]);
    static CAN_WARN: Card = card(Needs::Dns, &[&WARNS, &SILENT]);
    static CAN_NOTE: Card = card(Needs::Dns, &[&NOTES, &SILENT]);
    static OF_THE_PLAN: Card = card(Needs::Plan, &[&BLOCKS]);

    fn new() -> Subject {
        Subject::Address([203, 0, 113, 25].into(), Side::New)
    }

    fn old() -> Subject {
        Subject::Address([192, 0, 2, 25].into(), Side::Old)
    }

    fn found(outcome: &'static Outcome, subject: Subject) -> Statement {
        let level = outcome.levels.at(Phase::Before, subject.side());
        Statement { level: Some(level), ..Statement::outcome(outcome, subject) }
    }

    fn waived(outcome: &'static Outcome) -> Statement {
        let until = chrono::NaiveDate::from_ymd_opt(2026, 12, 31).unwrap();
        let waiver = Applied { owner: String::new(), reason: String::new(), reference: None, until, line: 1 };
        Statement { waiver: Some(waiver), ..found(outcome, new()) }
    }

    fn section(card: &'static Card, statements: &[Statement]) -> Section {
        Section { card, statements: statements.to_vec() }
    }

    /// Lost if it fails: the answer to "may we switch?".
    #[test]
    fn every_mixture_has_its_verdict() {
        let passed = || Statement::passed(new());
        let clean = section(&CAN_BLOCK, &[passed()]);
        let with = |card, statements: &[Statement]| vec![clean.clone(), section(card, statements)];
        let over = |sections: &[Section]| Verdict::over(sections, Phase::Before, true);
        for (case, sections, expected) in [
            ("all passed", vec![clean.clone()], Verdict::Go),
            ("a note", with(&CAN_BLOCK, &[found(&NOTES, new())]), Verdict::Go),
            ("a warning", with(&CAN_WARN, &[found(&WARNS, new())]), Verdict::GoWithWarnings),
            ("a blocker", with(&CAN_BLOCK, &[found(&BLOCKS, new())]), Verdict::NoGo),
            ("a blocker of the plan", with(&OF_THE_PLAN, &[found(&BLOCKS, Subject::PlanLine(1))]), Verdict::NoGo),
            ("a blocker, waived", with(&CAN_BLOCK, &[waived(&BLOCKS)]), Verdict::GoWithWarnings),
            ("a warning, waived", with(&CAN_WARN, &[waived(&WARNS)]), Verdict::Go),
            ("two blockers, one waived", with(&CAN_BLOCK, &[waived(&BLOCKS), found(&BLOCKS, new())]), Verdict::NoGo),
            ("a blocker on the old side is a note", with(&CAN_BLOCK, &[found(&BLOCKS, old())]), Verdict::Go),
            ("silence where it can block", with(&CAN_BLOCK, &[found(&SILENT, new())]), Verdict::Hold),
            ("silence on the old side", with(&CAN_BLOCK, &[found(&SILENT, old())]), Verdict::Go),
            ("silence where it can only warn", with(&CAN_WARN, &[found(&SILENT, new())]), Verdict::GoWithWarnings),
            ("silence where it can only note", with(&CAN_NOTE, &[found(&SILENT, new())]), Verdict::Go),
            ("silence where it blocks only after", with(&CAN_BLOCK_AFTER, &[found(&SILENT, new())]), Verdict::Go),
            ("the run itself failed", with(&CAN_NOTE, &[found(&RUN, Subject::Run)]), Verdict::Hold),
            ("silence and a warning", with(&CAN_BLOCK, &[found(&SILENT, new()), found(&WARNS, new())]), Verdict::Hold),
            ("silence and a blocker", with(&CAN_BLOCK, &[found(&SILENT, new()), found(&BLOCKS, new())]), Verdict::NoGo),
            ("nothing at all", Vec::new(), Verdict::Hold),
            ("a check that said nothing", vec![section(&CAN_BLOCK, &[])], Verdict::Hold),
            ("only the plan was looked at", vec![section(&OF_THE_PLAN, &[passed()])], Verdict::Hold),
            (
                "nothing was covered",
                vec![section(&CAN_BLOCK, &[Statement::not_covered(new(), NO_TEXT)])],
                Verdict::Hold,
            ),
            (
                "nothing was applicable",
                vec![section(&CAN_BLOCK, &[Statement::not_applicable(new(), NO_TEXT)])],
                Verdict::Hold,
            ),
        ] {
            assert_eq!(over(&sections), expected, "{case}");
        }
    }

    /// Lost if it fails: a check that blocks only after the cutover would not hold the run after it.
    #[test]
    fn silence_is_weighed_by_the_phase() {
        let sections =
            [section(&CAN_BLOCK, &[Statement::passed(new())]), section(&CAN_BLOCK_AFTER, &[found(&SILENT, new())])];
        assert_eq!(Verdict::over(&sections, Phase::After, true), Verdict::Hold);
    }

    /// Lost if it fails: a run cut short would say GO, or hide a blocker it did find.
    #[test]
    fn a_run_that_is_not_complete_never_passes() {
        let clean = section(&CAN_BLOCK, &[Statement::passed(new())]);
        assert_eq!(Verdict::over(std::slice::from_ref(&clean), Phase::Before, false), Verdict::Hold);
        let bad = section(&CAN_BLOCK, &[found(&BLOCKS, new())]);
        assert_eq!(Verdict::over(&[clean, bad], Phase::Before, false), Verdict::NoGo);
    }
}
