//! The moments that a change is planned around, for a timeline.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// What a moment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Somebody lowered the TTLs, or will.
    TtlLowered,
    /// Answers from before the TTLs were lowered have expired.
    OldTtlExpired,
    /// By now a TTL that is still long must be lowered, or caches keep the old records beyond the cutover.
    LowerBy,
    /// The switch.
    Cutover,
    /// By now it is decided whether to go back.
    DecideBy,
    /// The last cache forgets what was published before the cutover.
    LastOldAnswer,
    /// No mail leaves from the old addresses any more: they can be retired.
    OverlapEnds,
}

/// A moment and its time, in the plan's offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// What it is.
    pub what: Moment,
    /// When it is.
    pub at: DateTime<FixedOffset>,
}
