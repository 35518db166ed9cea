//! How a report stands to an earlier one of the same move. Marks never change what a finding weighs.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use super::card::Card;
use super::level::Phase;
use super::statement::Statement;
use super::verdict::Verdict;

/// How a finding of this run stands to the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// The baseline knew, and it was not so.
    New,
    /// It was there, and weighs more now: in another phase, or no longer waived.
    Heavier,
    /// The baseline did not know, or did not ask.
    Unseen,
    /// It was there already.
    Same,
}

/// What became of something that the baseline knew and this run does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// Asked, answered, and no longer so.
    Fixed,
    /// The question does not arise any more.
    Moot,
    /// Not known now.
    Lost,
}

/// One thing that the baseline knew and this run does not say.
#[derive(Clone, Debug)]
pub struct Gone {
    /// The check that said it.
    pub card: &'static Card,
    /// What it said then.
    pub statement: Statement,
    /// What became of it.
    pub fate: Fate,
}

/// What the plan wants to be published after the cutover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The owner of the records, without the last dot.
    pub name: String,
    /// Their type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Their data in presentation form.
    pub values: Vec<String>,
}

/// Records that were others in the baseline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordChange {
    /// The owner, without the last dot.
    pub name: String,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// The data then; empty if there was none.
    pub was: Vec<String>,
    /// The data now.
    pub now: Vec<String>,
    /// Whether the plan wants this change.
    pub expected: bool,
}

/// What an earlier report said, beside this one.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// The file.
    pub path: String,
    /// When its run began.
    pub started: DateTime<FixedOffset>,
    /// The phase it judged.
    pub phase: Phase,
    /// Its verdict.
    pub verdict: Verdict,
    /// Whether the plan had the same text.
    pub same_plan: bool,
    /// Whether zones were rehearsed in it.
    pub rehearsed: bool,
    /// What is no longer said.
    pub gone: Vec<Gone>,
    /// The records that changed, in the order of their names.
    pub records: Vec<RecordChange>,
}
