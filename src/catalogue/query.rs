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

    /// The key in `zone`, if it is one of this list's zones with a key in it (`KEY.zen.dq.spamhaus.net`).
    pub fn key_in<'z>(&self, zone: &'z str) -> Option<&'z str> {
        let keyed = [&self.key_zone].into_iter().flatten().chain(&self.aliases);
        keyed.filter_map(|known| zone.strip_suffix(known.strip_prefix("{key}")?)).find(|key| is_label(key))
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

/// Whether `key` can stand in a query name: one label of letters, digits and hyphens.
pub fn is_label(key: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, Weight};
    use super::*;

    fn list(id: &str) -> &'static List {
        Catalogue::embedded().list(id).unwrap()
    }

    fn ip(text: &str) -> Target {
        Target::Ip(text.parse().unwrap())
    }

    fn domain(text: &str) -> Target {
        Target::Domain(DomainName::parse(text).unwrap())
    }

    /// Lost if it fails: the list would be asked about something else, and everything would look clean.
    #[test]
    fn names_are_written_as_the_lists_want_them() {
        let b = "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
        let mapped = "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";
        for (id, target, key, expected) in [
            ("spamhaus-zen", ip("203.0.113.25"), None, "25.113.0.203.zen.spamhaus.org.".to_owned()),
            ("spamhaus-zen", ip("203.0.113.25"), Some("abc"), "25.113.0.203.abc.zen.dq.spamhaus.net.".to_owned()),
            ("spamhaus-zen", ip("2001:db8::567:89ab"), None, format!("{b}.zen.spamhaus.org.")),
            ("spamhaus-zen", ip("::ffff:127.0.0.2"), None, format!("{mapped}.zen.spamhaus.org.")),
            ("sem-black", ip("203.0.113.25"), None, "25.113.0.203.bl.spameatingmonkey.net.".to_owned()),
            ("sem-black", ip("::ffff:7f00:2"), None, format!("{mapped}.bl.ipv6.spameatingmonkey.net.")),
            // A key for a list that has no zone for keys is not used.
            ("psbl", ip("203.0.113.25"), Some("abc"), "25.113.0.203.psbl.surriel.com.".to_owned()),
            ("spamhaus-dbl", domain("Mail.Example.CO.JP."), None, "mail.example.co.jp.dbl.spamhaus.org.".to_owned()),
            ("uribl", domain("mail.example.co.jp"), None, "example.co.jp.multi.uribl.com.".to_owned()),
            // Test points are asked as they are.
            ("uribl", domain("test.uribl.com"), None, "test.uribl.com.multi.uribl.com.".to_owned()),
            ("nordspam-dbl", domain("test"), None, "test.dbl.nordspam.com.".to_owned()),
        ] {
            assert_eq!(list(id).query_name(&target, key), Ok(expected), "{id} {target}");
        }
    }

    /// Lost if it fails: IPv6 would be asked in 16-bit groups or unexpanded, which no list ever lists.
    #[test]
    fn ipv6_is_32_nibbles() {
        for address in ["::", "::1", "2001:db8::25", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:127.0.0.1"] {
            let name = list("s5h").query_name(&ip(address), None).unwrap();
            let nibbles: Vec<&str> = name.strip_suffix(".all.s5h.net.").unwrap().split('.').collect();
            assert_eq!(nibbles.len(), 32, "{name}");
            assert!(nibbles.iter().all(|nibble| nibble.len() == 1), "{name}");
        }
    }

    /// Lost if it fails: a dead list would be asked, a list would be asked what it does not hold, or a key would be shown.
    #[test]
    fn what_cannot_be_asked_is_refused() {
        let labels = [63, 63, 63, 50].map(|length| "a".repeat(length)).join(".");
        for (id, target, key, expected) in [
            ("sorbs", ip("203.0.113.25"), None, QueryNameError::Dead("sorbs".into())),
            ("microsoft", ip("203.0.113.25"), None, QueryNameError::NotInDns("microsoft".into())),
            ("msbl-ebl", domain("example.jp"), None, QueryNameError::NotInDns("msbl-ebl".into())),
            ("spamhaus-zrd", domain("example.jp"), None, QueryNameError::KeyMissing("spamhaus-zrd".into())),
            ("spamhaus-zen", ip("203.0.113.25"), Some("a.b"), QueryNameError::Key("spamhaus-zen".into())),
            ("spamhaus-zen", ip("203.0.113.25"), Some(""), QueryNameError::Key("spamhaus-zen".into())),
            (
                "spamhaus-dbl",
                ip("203.0.113.25"),
                None,
                QueryNameError::Family { list: "spamhaus-dbl".into(), family: Family::Ipv4 },
            ),
            ("psbl", ip("2001:db8::1"), None, QueryNameError::Family { list: "psbl".into(), family: Family::Ipv6 }),
            ("uribl", domain("co.jp"), None, QueryNameError::NoRegistrableDomain(DomainName::parse("co.jp").unwrap())),
            ("spamhaus-dbl", domain(&labels), None, QueryNameError::Length("spamhaus-dbl".into())),
        ] {
            assert_eq!(list(id).query_name(&target, key), Err(expected), "{id} {target}");
        }
        // 253 octets without the trailing dot are allowed: 236 for the name, the dot, 16 for the zone.
        let fits = |last| {
            let name = [63, 63, 63, last].map(|length| "a".repeat(length)).join(".");
            list("spamhaus-dbl").query_name(&domain(&name), None).map(|name| name.len())
        };
        assert_eq!(fits(44), Ok(254));
        assert_eq!(fits(45), Err(QueryNameError::Length("spamhaus-dbl".into())));
    }

    /// Lost if it fails: a report would show the wrong zone, or a key in it.
    #[test]
    fn zones_are_shown_without_keys() {
        assert_eq!(list("spamhaus-zen").zone_for(Family::Ipv4), "zen.spamhaus.org");
        assert_eq!(list("sem-black").zone_for(Family::Ipv6), "bl.ipv6.spameatingmonkey.net");
        assert_eq!(list("abusix-combined").zone_for(Family::Ipv4), "{key}.combined.mail.abusix.zone");
        assert_eq!(list("microsoft").zone_for(Family::Ipv4), "");
    }

    /// Lost if it fails: a list of the user's own could never prove its health.
    #[test]
    fn custom_lists_have_the_standard_test_points() {
        let zone = DomainName::parse("bl.example").unwrap();
        let list = List::custom("mine", zone, &[Family::Ipv4, Family::Ipv6, Family::Domain], Weight::Warn);
        for (family, listed, unlisted) in [
            (Family::Ipv4, ip("127.0.0.2"), ip("127.0.0.1")),
            (Family::Ipv6, ip("::ffff:7f00:2"), ip("::ffff:7f00:1")),
            (Family::Domain, domain("test"), domain("invalid")),
        ] {
            assert_eq!(list.test_listed(family), Some(listed));
            assert_eq!(list.test_unlisted(family), Some(unlisted));
            assert!(list.test_passes(family, &[Ipv4Addr::new(127, 0, 0, 2)]));
            assert!(!list.test_passes(family, &[]));
        }
        assert_eq!(list.query_name(&ip("192.0.2.1"), None), Ok("1.2.0.192.bl.example.".to_owned()));
    }
}
