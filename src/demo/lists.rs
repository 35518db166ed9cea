//! Blocklists to serve: a small table and what is listed, made into zones with RFC 5782 test points.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;

use super::fault::{Fault, FaultRule};
use super::zone::Zone;

/// The lists of config/demo/lists.toml.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlocklistTable {
    /// The lists.
    pub list: Vec<ServedList>,
}

/// One list to serve.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedList {
    /// Its id in the catalogue.
    pub id: String,
    /// Where it answers.
    pub zone: String,
    /// Where it answers for IPv6, if elsewhere.
    pub zone_ipv6: Option<String>,
    /// Its listed test point for IPv4.
    pub ipv4: Option<TestPoint>,
    /// For IPv6.
    pub ipv6: Option<TestPoint>,
    /// For domains.
    pub domain: Option<TestPoint>,
}

/// A subject that a list always lists.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestPoint {
    /// The subject.
    pub point: String,
    /// What it is answered.
    pub answers: Vec<Ipv4Addr>,
}

/// What a world's lists say; `list` and the like name a list by id or zone, `"*"` all of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listings {
    /// Subjects that are listed.
    pub listed: Vec<Listing>,
    /// Lists that answer everything with an error code.
    pub refusing: Vec<Refusal>,
    /// Lists that have been emptied: NXDOMAIN for their own test points.
    pub dead: Vec<String>,
    /// Lists that do not answer.
    pub silent: Vec<String>,
}

/// One subject on one list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// The list.
    pub list: String,
    /// An address or a domain.
    pub subject: String,
    /// The codes.
    pub answers: Vec<Ipv4Addr>,
    /// The reason in TXT.
    pub text: Option<String>,
}

/// A list that refuses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The list.
    pub list: String,
    /// What it answers everybody.
    pub answer: Ipv4Addr,
}

/// Why lists could not be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// No such list.
    #[error("could not find the list {0:?} in the table")]
    Unknown(String),
}

impl ServedList {
    fn is(&self, word: &str) -> bool {
        word == "*" || word == self.id || word == self.zone
    }

    fn zones(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.zone).chain(&self.zone_ipv6)
    }
}

impl BlocklistTable {
    /// The zones of all lists with the listings in them, and the faults of those that refuse or are silent.
    ///
    /// # Errors
    /// A listing that names no list of the table.
    pub fn serve(&self, listings: &Listings) -> Result<(Vec<Zone>, Vec<FaultRule>), ListError> {
        let words = (listings.listed.iter().map(|l| &l.list))
            .chain(listings.refusing.iter().map(|r| &r.list))
            .chain(&listings.dead)
            .chain(&listings.silent);
        for word in words {
            if !self.list.iter().any(|list| list.is(word)) {
                return Err(ListError::Unknown(word.clone()));
            }
        }
        let mut zones = Vec::new();
        let mut faults = Vec::new();
        for list in &self.list {
            zones.extend(list.zones().map(|origin| Zone::new(origin.clone(), list.text(origin, listings))));
            for zone in list.zones() {
                for refusal in listings.refusing.iter().filter(|r| list.is(&r.list)) {
                    faults.push(FaultRule::new(zone.clone(), Fault::Always(refusal.answer)));
                }
                if listings.silent.iter().any(|word| list.is(word)) {
                    faults.push(FaultRule::new(zone.clone(), Fault::Drop));
                }
            }
        }
        Ok((zones, faults))
    }
}

impl ServedList {
    fn text(&self, origin: &str, listings: &Listings) -> String {
        let mut text = "$TTL 300\n".to_owned();
        if listings.dead.iter().any(|word| self.is(word)) {
            return text;
        }
        let points = [&self.ipv4, &self.ipv6, &self.domain].into_iter().flatten();
        let points = points.map(|p| (p.point.as_str(), &p.answers, "test record, see RFC 5782"));
        let listed = listings.listed.iter().filter(|l| self.is(&l.list));
        let listed = listed.map(|l| (l.subject.as_str(), &l.answers, l.text.as_deref().unwrap_or("listed")));
        for (subject, answers, reason) in points.chain(listed) {
            if self.home(subject) != origin {
                continue;
            }
            let owner = owner(subject);
            for answer in answers {
                let _ = writeln!(text, "{owner} A {answer}");
            }
            let _ = writeln!(text, "{owner} TXT \"{reason}\"");
        }
        text
    }

    /// The zone that holds a subject.
    fn home(&self, subject: &str) -> &str {
        match (subject.parse(), &self.zone_ipv6) {
            (Ok(IpAddr::V6(_)), Some(zone)) => zone,
            _ => &self.zone,
        }
    }
}

/// The name of a subject below a list's zone: octets or nibbles reversed (RFC 5782, sections 2.1 and 2.4), or the domain.
fn owner(subject: &str) -> String {
    let reversed = |labels: Vec<String>| labels.into_iter().rev().collect::<Vec<_>>().join(".");
    match subject.parse() {
        Ok(IpAddr::V4(ip)) => reversed(ip.octets().iter().map(u8::to_string).collect()),
        Ok(IpAddr::V6(ip)) => {
            let nibbles = ip.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 15]);
            reversed(nibbles.map(|nibble| format!("{nibble:x}")).collect())
        }
        Err(_) => subject.trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: every list would look dead, or an IPv6 listing would never be found.
    #[test]
    fn owners_are_reversed() {
        assert_eq!(owner("127.0.0.2"), "2.0.0.127");
        assert_eq!(owner("::ffff:127.0.0.2"), "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0");
        assert_eq!(owner("dbltest.com"), "dbltest.com");
    }

    /// Lost if it fails: a scenario that misspells a list would serve a clean one.
    #[test]
    fn unknown_lists_are_refused() {
        let table = BlocklistTable { list: Vec::new() };
        let listings = Listings { dead: vec!["sorbs".to_owned()], ..Listings::default() };
        assert_eq!(table.serve(&listings).unwrap_err(), ListError::Unknown("sorbs".to_owned()));
    }
}
