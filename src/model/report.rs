//! All that a renderer may know about a run.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, Expected};
use super::card::Card;
use super::level::{Phase, Side};
use super::milestone::Milestone;
use super::observation::Observation;
use super::statement::Statement;
use super::vantage::Vantage;
use super::verdict::Verdict;

/// The tool that makes reports, and its version.
pub const TOOL: &str = concat!("mail-cutover ", env!("CARGO_PKG_VERSION"));

/// One check's statements.
#[derive(Clone, Debug)]
pub struct Section {
    /// The check.
    pub card: &'static Card,
    /// What it said, in the order of the plan.
    pub statements: Vec<Statement>,
}

/// One address of the plan, as a column of the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The address.
    pub ip: std::net::IpAddr,
    /// Its side.
    pub side: Side,
}

/// A zone that the run took from a file instead of the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// The zone's name, without the last dot.
    pub zone: String,
    /// The file, as the user wrote it.
    pub path: String,
    /// SHA-256 of the file and of those it includes, hexadecimal.
    pub sha256: String,
}

/// The state of the run itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Completion {
    /// Every check came to its end.
    Complete,
    /// The deadline passed first.
    Deadline,
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// Checks that can block were left out on request.
    Partial,
}

impl Completion {
    /// The word for it in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Deadline => "deadline",
            Self::Interrupted => "interrupted",
            Self::Partial => "partial",
        }
    }
}

/// One run that a report is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it took place.
    pub vantage: Vantage,
    /// When it began, in the plan's offset.
    pub started: DateTime<FixedOffset>,
    /// When it ended.
    pub finished: DateTime<FixedOffset>,
    /// `user@host`.
    pub run_by: String,
    /// The resolvers asked, in words: `system: 192.0.2.53:53`.
    pub resolvers: Vec<String>,
    /// How it ended.
    pub completion: Completion,
}

/// All that a renderer may know.
#[derive(Clone, Debug)]
pub struct Report {
    /// `mail-cutover` and its version.
    pub tool: &'static str,
    /// The day on which the list catalogue was last revised.
    pub catalogue_date: String,
    /// The plan's file name.
    pub plan_path: String,
    /// SHA-256 of the plan's text, hexadecimal.
    pub plan_sha256: String,
    /// The change ticket.
    pub change: Option<String>,
    /// The plan's title.
    pub title: Option<String>,
    /// When the switch is planned.
    pub cutover_at: DateTime<FixedOffset>,
    /// What the plan wants to be published after it.
    pub expects: Vec<Expected>,
    /// What else the change is planned around, as far as it is known, in the order of time.
    pub milestones: Vec<Milestone>,
    /// The lines of the plan, 1-based, on which subjects stand, by the form that [`super::Subject`] is shown in.
    pub plan_lines: BTreeMap<String, usize>,
    /// The phase judged.
    pub phase: Phase,
    /// The runs it is made of: one, unless reports were merged.
    pub parts: Vec<Part>,
    /// When the first of them began, in the plan's offset.
    pub started: DateTime<FixedOffset>,
    /// When the last of them ended.
    pub finished: DateTime<FixedOffset>,
    /// Where they ran: `user@host`, separated by commas.
    pub run_by: String,
    /// The resolvers asked by any of them, in words: `system: 192.0.2.53:53`.
    pub resolvers: Vec<String>,
    /// Zones that were judged as their files say, not as they are.
    pub rehearsed: Vec<Rehearsed>,
    /// The world is the demo's, not the real one.
    pub simulated: bool,
    /// How the run ended; of several, what they cover together.
    pub completion: Completion,
    /// The addresses, old first.
    pub columns: Vec<Column>,
    /// Checks in catalogue order.
    pub sections: Vec<Section>,
    /// Every question asked.
    pub observations: Vec<Observation>,
    /// The answer.
    pub verdict: Verdict,
    /// An earlier report that this one was compared with.
    pub baseline: Option<Baseline>,
}
