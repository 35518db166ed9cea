//! The name under which a list is asked, and the entries by which it proves its health.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use super::classify::{Answer, classify};
use super::lists::{Access, DomainForm, Family, Holds, List, ListStatus, Target, TestPoints};
use crate::model::DomainName;

/// Why there is no name to ask. No variant repeats a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryNameError {
    /// The list is out of service and must not be asked.
    #[error("the list {0} is out of service")]
    Dead(String),
    /// The list is a web page, or about something else than servers.
    #[error("the list {0} cannot be asked by DNS")]
    NotInDns(String),
    /// The list answers only below a key.
    #[error("the list {0} needs a key")]
    KeyMissing(String),
    /// The key would not fit into a name.
    #[error("the key for the list {0} is not one label of letters, digits and hyphens")]
    Key(String),
    /// The list holds nothing of this family.
    #[error("the list {list} holds no {} entries", family.word())]
    Family {
        /// Its id.
        list: String,
        /// What it was to be asked about.
        family: Family,
    },
    /// The list wants registrable domains, and this name has none.
    #[error("{0} has no registrable domain")]
    NoRegistrableDomain(DomainName),
    /// Name and zone together are longer than 253 octets (RFC 1035, section 2.3.4).
    #[error("the query name for the list {0} is longer than 253 octets")]
    Length(String),
}

impl List {
    /// The zone for `family`, for display: `{key}` stands where the key goes. Empty for a list that is not in DNS.
    pub fn zone_for(&self, family: Family) -> &str {
        self.plain_zone(family).map(DomainName::as_str).or(self.key_zone.as_deref()).unwrap_or_default()
    }

    /// The zone to ask with a key, `{key}` in its place.
    pub fn key_zone(&self) -> Option<&str> {
        self.key_zone.as_deref()
    }

    /// Whether `name` (lower case, no trailing dot) is its id, one of its zones or an alias; a zone with a key in it counts.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let zones = [&self.zone, &self.zone_ipv6].into_iter().flatten().map(DomainName::as_str);
        let keyed = [&self.key_zone].into_iter().flatten().chain(&self.aliases);
        let below_key = |zone: &String| {
            let rest = zone.strip_prefix("{key}").and_then(|zone| name.strip_suffix(zone));
            rest.is_some_and(is_label)
        };
        self.id == name
            || zones.into_iter().any(|zone| zone == name)
            || self.aliases.iter().any(|alias| alias == name)
            || keyed.into_iter().any(below_key)
    }

    fn plain_zone(&self, family: Family) -> Option<&DomainName> {
        let own = if family == Family::Ipv6 { self.zone_ipv6.as_ref() } else { None };
        own.or(self.zone.as_ref())
    }

    /// The full name to ask about `target`, with the trailing dot.
    ///
    /// IPv4 octets reversed (RFC 5782, section 2.1), IPv6 as 32 reversed nibbles (section 2.4; an IPv4-mapped address too,
    /// as the test points want it), domains in front of the zone (section 3), cut to the registrable domain where the list
    /// wants that; its test points are asked as they are. With a key, and a zone for keys, the name contains the key:
    /// treat it as a secret.
    ///
    /// # Errors
    /// [`QueryNameError`] says why this list cannot be asked this question.
    pub fn query_name(&self, target: &Target, key: Option<&str>) -> Result<String, QueryNameError> {
        let id = || self.id.clone();
        let family = target.family();
        if matches!(self.status, ListStatus::Dead { .. }) {
            return Err(QueryNameError::Dead(id()));
        }
        if self.access != Access::Dns {
            return Err(QueryNameError::NotInDns(id()));
        }
        if self.holds(family) == Holds::No {
            return Err(QueryNameError::Family { list: id(), family });
        }
        let zone = match (key, &self.key_zone, self.plain_zone(family)) {
            (Some(key), Some(zone), _) if is_label(key) => zone.replace("{key}", key),
            (Some(_), Some(_), _) => return Err(QueryNameError::Key(id())),
            (_, _, Some(zone)) => zone.to_string(),
            (None, Some(_), None) => return Err(QueryNameError::KeyMissing(id())),
            (_, None, None) => return Err(QueryNameError::NotInDns(id())),
        };
        let name = format!("{}.{zone}", self.subject(target)?);
        if name.len() > 253 { Err(QueryNameError::Length(id())) } else { Ok(name + ".") }
    }

    fn subject(&self, target: &Target) -> Result<String, QueryNameError> {
        match target {
            Target::Ip(ip) => Ok(reversed(*ip)),
            Target::Domain(name) if self.domain_form == DomainForm::Host || self.is_test_point(target) => {
                Ok(name.to_string())
            }
            Target::Domain(name) => name
                .registrable()
                .map(|domain| domain.to_string())
                .ok_or_else(|| QueryNameError::NoRegistrableDomain(name.clone())),
        }
    }

    fn is_test_point(&self, target: &Target) -> bool {
        self.tests.iter().any(|test| test.listed.as_ref() == Some(target) || test.unlisted.as_ref() == Some(target))
    }

    fn tests(&self, family: Family) -> Option<&TestPoints> {
        self.tests.iter().find(|test| test.family == family)
    }

    /// The entry that must be listed, if one is known.
    pub fn test_listed(&self, family: Family) -> Option<Target> {
        self.tests(family)?.listed.clone()
    }

    /// The entry that must not be listed, if one is known.
    pub fn test_unlisted(&self, family: Family) -> Option<Target> {
        self.tests(family)?.unlisted.clone()
    }

    /// What the listed test point answers, where that is known to differ from "any listing"; may be empty.
    pub fn test_answers(&self, family: Family) -> &[Ipv4Addr] {
        self.tests(family).map_or(&[], |test| &test.answers)
    }

    /// Whether `addresses` is what the listed test point should answer: its documented answers (which need not be listings:
    /// DroneBL says 127.0.0.1, DNSWL 127.0.10.0), or any listing.
    pub fn test_passes(&self, family: Family, addresses: &[Ipv4Addr]) -> bool {
        let documented = self.test_answers(family);
        let as_documented = !addresses.is_empty() && addresses.iter().all(|address| documented.contains(address));
        as_documented || matches!(classify(self, family, addresses), Answer::Listed(_))
    }
}

fn is_label(key: &str) -> bool {
    (1..=63).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn reversed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(v6) => {
            let mut name = String::with_capacity(63);
            for octet in v6.octets().iter().rev() {
                let dot = if name.is_empty() { "" } else { "." };
                // Writing to a String cannot fail.
                let _ = write!(name, "{dot}{:x}.{:x}", octet & 0xf, octet >> 4);
            }
            name
        }
    }
}
