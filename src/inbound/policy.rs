//! What the new server enforces on those who send to it, whatever the server is.

use super::judgement::{AskedZone, Caller, Facts, Judgement, Rule, Unjudged};
use super::zones::Zones;

/// The rules of a mail server.
#[derive(Clone, Debug)]
pub enum Policy {
    /// Only the zones are known.
    Zones(Zones),
}

/// A rule that takes every answer of its list for a listing, an error too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BareRule {
    /// The rule.
    pub rule: Rule,
    /// As it should be written.
    pub corrected: String,
}

impl Policy {
    /// The names of the zones it asks, each once, in the order in which it asks them.
    pub fn zones(&self) -> Vec<String> {
        let mut zones: Vec<String> = Vec::new();
        for asked in self.asked_zones() {
            if !zones.contains(&asked.zone) {
                zones.push(asked.zone);
            }
        }
        zones
    }

    /// The zones it asks, and about whom.
    pub fn asked_zones(&self) -> Vec<AskedZone> {
        match self {
            Self::Zones(zones) => zones.asked_zones(),
        }
    }

    /// Whether the names of clients play a part.
    pub fn wants_names(&self) -> bool {
        match self {
            Self::Zones(_) => false,
        }
    }

    /// Whether the sender's domain plays a part, in a zone or by itself.
    pub fn wants_senders(&self) -> bool {
        match self {
            Self::Zones(_) => false,
        }
    }

    /// What becomes of `caller`; pure.
    pub fn judge(&self, caller: &Caller, facts: &Facts) -> Judgement {
        match self {
            Self::Zones(zones) => zones.judge(caller, facts),
        }
    }

    /// What is written there and not judged.
    pub fn unjudged(&self) -> &[Unjudged] {
        match self {
            Self::Zones(_) => &[],
        }
    }

    /// Rules that take an error for a listing.
    pub fn bare_rules(&self) -> Vec<BareRule> {
        match self {
            Self::Zones(_) => Vec::new(),
        }
    }
}
