//! How much an outcome weighs, by phase and side.

use serde::{Deserialize, Serialize};

/// Before or after the cutover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Live DNS still describes the old server.
    Before,
    /// Live DNS should describe the new server.
    After,
}

/// Which end of the move an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The addresses mail comes from today.
    Old,
    /// The addresses mail will come from.
    New,
}

/// What an outcome means for the verdict, lightest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing; never changes the verdict.
    Note,
    /// A person should decide.
    Warning,
    /// Could not be measured.
    Unknown,
    /// Mail would be lost.
    Blocker,
}

/// The level of an outcome in each phase, and on the old side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// Before the cutover.
    pub before: Level,
    /// After the cutover.
    pub after: Level,
    /// For an old address, in either phase: usually a note, because what the old server lacks stops nobody from leaving it.
    pub old: Level,
}

impl Levels {
    /// Mail would be lost in either phase; a note on the old side.
    pub const BLOCKER: Self = Self { before: Level::Blocker, after: Level::Blocker, old: Level::Note };
    /// A person should decide in either phase; a note on the old side.
    pub const WARNING: Self = Self { before: Level::Warning, after: Level::Warning, old: Level::Note };
    /// A note everywhere.
    pub const NOTE: Self = Self { before: Level::Note, after: Level::Note, old: Level::Note };
    /// Could not be measured, wherever.
    pub const UNKNOWN: Self = Self { before: Level::Unknown, after: Level::Unknown, old: Level::Unknown };

    /// The level in `phase` on `side` (no side counts as the new one).
    pub const fn at(self, phase: Phase, side: Option<Side>) -> Level {
        match (side, phase) {
            (Some(Side::Old), _) => self.old,
            (_, Phase::Before) => self.before,
            (_, Phase::After) => self.after,
        }
    }

    /// These, with `level` after the cutover.
    #[must_use]
    pub const fn after(self, level: Level) -> Self {
        Self { after: level, ..self }
    }

    /// These, with `level` on the old side.
    #[must_use]
    pub const fn old(self, level: Level) -> Self {
        Self { old: level, ..self }
    }
}
