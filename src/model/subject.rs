//! What a statement is about.

use std::fmt;
use std::net::IpAddr;

use super::level::Side;

/// What a statement is about: the unit of a waiver, of a table cell, of a comparison between runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The run as a whole.
    Run,
    /// A line of the plan, 1-based.
    PlanLine(usize),
    /// One mail-server address.
    Address(IpAddr, Side),
    /// A host name or domain, A-labels, lower case, no trailing dot; or a partner, by the plan's name for it.
    Name(String),
    /// A blocklist, by its id in the catalogue.
    List(String),
}

impl Subject {
    /// The side of an address; nothing for the rest.
    pub fn side(&self) -> Option<Side> {
        match self {
            Self::Address(_, side) => Some(*side),
            _ => None,
        }
    }

    /// The word for the kind of subject in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::PlanLine(_) => "plan-line",
            Self::Address(..) => "address",
            Self::Name(_) => "name",
            Self::List(_) => "list",
        }
    }
}

/// The form a waiver's `on` takes, and JSON shows.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("run"),
            Self::PlanLine(line) => write!(f, "plan:{line}"),
            Self::Address(ip, _) => ip.fmt(f),
            Self::Name(name) | Self::List(name) => f.write_str(name),
        }
    }
}
