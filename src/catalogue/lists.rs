//! A blocklist as the catalogue describes it.

use std::net::{IpAddr, Ipv4Addr};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::codes::{Code, Table};
use crate::model::{DomainName, Value};

/// What a list can be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4 addresses.
    Ipv4,
    /// IPv6 addresses.
    Ipv6,
    /// Domain names.
    Domain,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ipv4, Self::Ipv6, Self::Domain];

    /// The family of an address. An IPv4-mapped address (`::ffff:192.0.2.1`) is IPv6: that is how it is asked.
    pub const fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }

    /// The word for it in the catalogue.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Domain => "domain",
        }
    }
}

/// What a listing means for the verdict, lightest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Worth knowing.
    Info,
    /// A person should decide.
    Warn,
    /// Receivers refuse mail because of it.
    Block,
}

/// What kind of statement a list makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Being listed is bad.
    Block,
    /// Being listed is good; it never cancels another list's hit.
    Allow,
    /// A score or class, good or bad.
    Reputation,
    /// A fact about the address, such as its being a Tor exit.
    Information,
    /// The network an address belongs to.
    Origin,
}

/// Whether a list is in service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListStatus {
    /// In service, by the sources named.
    Alive,
    /// Out of service: never asked.
    Dead {
        /// Since when: `2024-06-05`, `2021-01`, or "2026-11 or earlier".
        since: Value,
        /// What happened to it.
        reason: Value,
        /// The id of the list that took over its data.
        replaced_by: Option<String>,
    },
    /// The sources disagree or are old.
    Unknown,
}

/// How much of the network one entry stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Scope {
    /// The address itself (in IPv6 usually its /64), or the domain.
    #[default]
    #[serde(rename = "ip")]
    Address,
    /// The provider's allocation around it.
    #[serde(rename = "range")]
    Range,
    /// The whole autonomous system.
    #[serde(rename = "as")]
    System,
}

/// How a list is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// By DNS, as RFC 5782 describes.
    #[default]
    Dns,
    /// By DNS, but about hashes of something else than a server's address or name.
    Hash,
    /// By a person on a web page.
    Web,
}

/// Which name a domain list wants to be asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DomainForm {
    /// The whole host name.
    #[default]
    Host,
    /// Its registrable domain.
    Registrable,
}

/// How the answers are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decode {
    /// One address, one meaning.
    #[default]
    Exact,
    /// Every bit of the last octet is a list of its own.
    Bitmask,
    /// Some octets are a number of their own.
    Pattern,
    /// The answer is in TXT.
    Txt,
}

/// Whether a list answers resolvers that are open to everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublicResolvers {
    /// It answers them.
    Answered,
    /// It answers some of them, or up to a volume.
    Partly,
    /// It refuses them.
    Refused,
    /// Not known.
    #[default]
    Unknown,
}

/// What is done with an address that no code table explains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unexplained {
    /// Not known what it means.
    #[default]
    Unknown,
    /// A listing, at the list's weight.
    Listed,
    /// Worth a note.
    Info,
}

/// How well the entry is supported by its sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Old or second-hand.
    Low,
    /// Supported, not by the operator alone.
    Medium,
    /// The operator says so, or it was measured recently.
    High,
}

/// Whether a list holds entries of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It does.
    Yes,
    /// It may: ask, and never count its silence as clean.
    Unverified,
    /// It does not: the question does not arise.
    No,
}

/// What a list is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// An address.
    Ip(IpAddr),
    /// A name.
    Domain(DomainName),
}

impl Target {
    /// Its family.
    pub const fn family(&self) -> Family {
        match self {
            Self::Ip(ip) => Family::of(*ip),
            Self::Domain(_) => Family::Domain,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Domain(name) => name.fmt(f),
        }
    }
}

/// The entries by which a list of one family proves that it is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TestPoints {
    pub(super) family: Family,
    pub(super) listed: Option<Target>,
    pub(super) unlisted: Option<Target>,
    pub(super) answers: Vec<Ipv4Addr>,
}

/// A blocklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Kebab-case, unique, permanent.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who runs it.
    pub operator: String,
    pub(super) zone: Option<DomainName>,
    pub(super) zone_ipv6: Option<DomainName>,
    pub(super) key_zone: Option<String>,
    /// The name under which a plan gives the key for it: `spamhaus-dqs`.
    pub key: Option<String>,
    /// It answers nothing without a key.
    pub needs_key: bool,
    /// Its operator wants to know who asks.
    pub needs_registration: bool,
    /// Other zones with the same data or parts of it; found by name, never asked.
    pub aliases: Vec<String>,
    /// Families it is known to hold.
    pub families: Vec<Family>,
    /// Families it may hold.
    pub families_unverified: Vec<Family>,
    /// How it is reached.
    pub access: Access,
    /// Which name it wants to be asked about.
    pub domain_form: DomainForm,
    /// What kind of statement it makes.
    pub kind: Kind,
    /// What a listing means, where its code says nothing else.
    pub weight: Weight,
    /// Not being able to ask it forbids a GO.
    pub required: bool,
    /// The named sets it belongs to.
    pub sets: Vec<String>,
    /// Whether it is in service.
    pub status: ListStatus,
    /// How its answers are encoded.
    pub decode: Decode,
    pub(super) codes: Table,
    pub(super) not_listing: Table,
    pub(super) errors: Table,
    pub(super) unexplained: Unexplained,
    pub(super) tests: Vec<TestPoints>,
    /// How much of the network one entry stands for.
    pub scope: Scope,
    /// The most queries per second that its operator wants to see.
    pub pace: Option<u32>,
    /// Whether it answers resolvers that are open to everybody.
    pub public_resolvers: PublicResolvers,
    /// Until when asking is free.
    pub free_limit: Option<String>,
    /// Where a person looks an entry up.
    pub lookup_url: Option<String>,
    /// Where a person asks for removal.
    pub delist_url: Option<String>,
    /// When entries leave by themselves.
    pub expires: Option<Value>,
    /// What else to know.
    pub note: Option<Value>,
    /// Public sources.
    pub source: Vec<String>,
    /// When the sources were read; nothing for a list from a plan.
    pub checked: Option<NaiveDate>,
    /// How well the sources support the entry.
    pub confidence: Confidence,
}

impl List {
    /// Whether it holds entries of `family`.
    pub fn holds(&self, family: Family) -> Holds {
        if self.families.contains(&family) {
            Holds::Yes
        } else if self.families_unverified.contains(&family) {
            Holds::Unverified
        } else {
            Holds::No
        }
    }

    /// Whether it may be asked by DNS at all: reachable that way, and not dead.
    pub fn is_queryable(&self) -> bool {
        self.access == Access::Dns && !matches!(self.status, ListStatus::Dead { .. })
    }

    /// The codes that are listings.
    pub fn codes(&self) -> &[Code] {
        self.codes.lines()
    }

    /// The codes that are documented as no listing.
    pub fn not_listing_codes(&self) -> &[Code] {
        self.not_listing.lines()
    }

    /// The codes that refuse the question, besides 127.255.255.0/24, which does so on every list.
    pub fn error_codes(&self) -> &[Code] {
        self.errors.lines()
    }
}
