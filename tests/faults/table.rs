//! What was tried and what it came to: the figures of docs/assurance.md.

use std::collections::BTreeMap;
use std::fmt;

use mail_cutover::model::Verdict;

use crate::play::Played;
use crate::questions::Question;
use crate::ways::{Leaves, Way};

/// The counts of one row.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    cases: usize,
    no_go: usize,
    hold: usize,
    /// GO where no answer to the question could have stopped the switch, or where there was an answer.
    harmless: usize,
}

/// Everything that was tried.
#[derive(Debug, Default)]
pub(crate) struct Table {
    worlds: Vec<String>,
    decisive: usize,
    rows: BTreeMap<Way, Row>,
    wrong_go: Vec<String>,
    wrong_no_go: Vec<String>,
    bugs: Vec<String>,
    overdue: Vec<String>,
    /// Questions whose silence left GO, by world.
    harmless: BTreeMap<String, usize>,
}

impl Table {
    /// A world: how many questions it asks, how many were tried, and how many of these have an answer that stops the switch.
    pub(crate) fn world(&mut self, name: &str, asked: usize, tried: usize, decisive: usize) {
        self.decisive += decisive;
        self.worlds.push(format!(
            "{name}: {asked} questions, {tried} tried, {decisive} of them with an answer that makes NO-GO"
        ));
    }

    /// One case.
    pub(crate) fn count(&mut self, world: &str, question: &Question, decisive: bool, way: Way, played: &Played) {
        let row = self.rows.entry(way).or_default();
        let case = format!("{world}, {question}, {}: {:?}", way.words(), played.said);
        let leaves = way.leaves(question);
        let unanswered = leaves != Leaves::Answered;
        row.cases += 1;
        match played.verdict {
            Verdict::NoGo => row.no_go += 1,
            Verdict::Hold => row.hold += 1,
            Verdict::Go | Verdict::GoWithWarnings if unanswered && decisive => self.wrong_go.push(case.clone()),
            Verdict::Go | Verdict::GoWithWarnings => {
                row.harmless += 1;
                if unanswered {
                    *self.harmless.entry(format!("{world}, {question}")).or_default() += 1;
                }
            }
        }
        if leaves == Leaves::Nothing && played.verdict == Verdict::NoGo {
            self.wrong_no_go.push(case.clone());
        }
        if !played.bugs.is_empty() {
            self.bugs.push(format!("{case}: {:?}", played.bugs));
        }
        if played.overdue {
            self.overdue.push(case);
        }
    }

    /// Fails with every case that went wrong.
    pub(crate) fn must_be_clean(&self) {
        assert!(!self.rows.is_empty() && self.decisive > 0, "nothing that matters was tried");
        let wrong = [
            ("GO without an answer that could have stopped it", &self.wrong_go),
            ("NO-GO without an answer", &self.wrong_no_go),
            ("a check fell over", &self.bugs),
            ("not done in time", &self.overdue),
        ];
        let wrong: Vec<String> = wrong
            .into_iter()
            .filter(|(_, cases)| !cases.is_empty())
            .map(|(what, cases)| format!("{what}, {} cases:\n  {}", cases.len(), cases.join("\n  ")))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for world in &self.worlds {
            writeln!(f, "{world}")?;
        }
        writeln!(f, "\n| what happens to the answer | cases | NO-GO | HOLD | GO, harmless |\n|---|--:|--:|--:|--:|")?;
        let mut sum = Row::default();
        for (way, row) in &self.rows {
            let Row { cases, no_go, hold, harmless } = *row;
            writeln!(f, "| {} | {cases} | {no_go} | {hold} | {harmless} |", way.words())?;
            sum = Row {
                cases: sum.cases + cases,
                no_go: sum.no_go + no_go,
                hold: sum.hold + hold,
                harmless: sum.harmless + harmless,
            };
        }
        let Row { cases, no_go, hold, harmless } = sum;
        writeln!(f, "| all | {cases} | {no_go} | {hold} | {harmless} |")?;
        let count = |name: &str, cases: &[String]| format!("{name} {}", cases.len());
        let counts = [
            count("wrong GO", &self.wrong_go),
            count("NO-GO without an answer", &self.wrong_no_go),
            count("panics", &self.bugs),
            count("over deadline", &self.overdue),
        ];
        writeln!(f, "\n{}", counts.join(", "))?;
        writeln!(f, "\nSilence left GO, because no answer that was tried makes NO-GO:")?;
        self.harmless.iter().try_for_each(|(question, ways)| writeln!(f, "  {question} ({ways} ways)"))
    }
}
