//! Which colour says what.

use super::digest::Standing;
use crate::model::Verdict;

/// Colours by what they mean.
#[derive(Clone, Copy)]
pub(super) enum Ink {
    Plain,
    Good,
    Careful,
    Unknown,
    Bad,
    Loud,
}

impl Ink {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Good => "32",
            Self::Careful => "33",
            Self::Unknown => "35",
            Self::Bad => "1;31",
            Self::Loud => "1;7",
        }
    }
}

pub(super) const fn ink(standing: Standing) -> Ink {
    match standing {
        Standing::Blocker => Ink::Bad,
        Standing::Unknown => Ink::Unknown,
        Standing::Warning | Standing::WaivedWarning | Standing::WaivedBlocker => Ink::Careful,
        Standing::Passed => Ink::Good,
        Standing::NotApplicable | Standing::NotCovered | Standing::Note => Ink::Plain,
    }
}

pub(super) const fn verdict_ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Go => Ink::Good,
        Verdict::GoWithWarnings => Ink::Careful,
        Verdict::Hold => Ink::Unknown,
        Verdict::NoGo => Ink::Bad,
    }
}
