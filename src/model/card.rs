//! What a check and its outcomes say of themselves; pages, tables and remedies are made from these.

use super::level::{Level, Levels, Phase, Side};
use super::text::Text;

/// One thing a check can say. Tags are permanent: never reused, never renamed.
#[derive(Debug)]
pub struct Outcome {
    /// Kebab-case, unique in the tool, at most 40 characters.
    pub tag: &'static str,
    /// Its weight by phase and side.
    pub levels: Levels,
    /// One sentence; `{word}`s are the arguments of the statement.
    pub says: Text,
    /// What to do about it, beginning with a verb.
    pub remedy: Text,
}

/// A public source: RFC and section, or an operator's page.
#[derive(Debug)]
pub struct Reference {
    /// Short title.
    pub title: &'static str,
    /// Address.
    pub url: &'static str,
}

/// What a check must have in order to say anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing but the plan.
    Plan,
    /// The DNS.
    Dns,
    /// The servers themselves: connections to their ports.
    Servers,
    /// To run on the new server.
    NewServer,
    /// The results of the other checks.
    Results,
}

impl Needs {
    /// Whether a definite statement of such a check is a measurement of the world.
    pub const fn is_the_world(self) -> bool {
        matches!(self, Self::Dns | Self::Servers | Self::NewServer)
    }
}

/// A check as its readers see it.
#[derive(Debug)]
pub struct Card {
    /// Kebab-case, the name of its file.
    pub id: &'static str,
    /// A positive statement that holds when the check passes.
    pub title: Text,
    /// The title in two or three words, for a table's row.
    pub short: Text,
    /// When it applies.
    pub phases: &'static [Phase],
    /// What happens to mail when it does not hold.
    pub why: Text,
    /// What is asked, of whom, and how the answer is judged.
    pub how: Text,
    /// A command that asks the same by hand; `{word}`s as in the outcomes.
    pub by_hand: &'static str,
    /// Where the rule comes from.
    pub references: &'static [Reference],
    /// What it needs.
    pub needs: Needs,
    /// Whether its findings can be accepted by a waiver: not the plan's own faults, not an open relay.
    pub waivable: bool,
    /// Everything it can say.
    pub outcomes: &'static [&'static Outcome],
}

impl Card {
    /// Whether any outcome reaches `level` in `phase` on `side`.
    pub fn can_reach(&self, level: Level, phase: Phase, side: Option<Side>) -> bool {
        self.outcomes.iter().any(|outcome| outcome.levels.at(phase, side) == level)
    }

    /// The outcome with this tag.
    pub fn outcome(&self, tag: &str) -> Option<&'static Outcome> {
        self.outcomes.iter().copied().find(|outcome| outcome.tag == tag)
    }
}
