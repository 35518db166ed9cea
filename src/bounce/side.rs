//! Whose refusal it is and whose address it names: ours, the partner's, or nobody's that we know.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::model::DomainName;

/// What is ours, as far as it is known; from the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ours {
    /// Addresses of the old server.
    pub old: Vec<IpAddr>,
    /// Addresses of the new server.
    pub new: Vec<IpAddr>,
    /// Mail domains.
    pub domains: Vec<DomainName>,
    /// Names of our mail servers.
    pub hostnames: Vec<DomainName>,
}

impl Ours {
    /// Whether `ip` is one of our addresses.
    pub fn has_ip(&self, ip: IpAddr) -> bool {
        self.old.contains(&ip) || self.new.contains(&ip)
    }

    /// Whether `host` is one of our mail servers, or a host below one of our domains.
    pub fn has_host(&self, host: &str) -> bool {
        let Ok(host) = DomainName::parse(host) else { return false };
        self.hostnames.contains(&host) || self.domains.iter().any(|domain| host.is_within(domain))
    }

    /// Whether `address` is a mailbox of one of our domains.
    pub fn has_mailbox(&self, address: &str) -> bool {
        let domain = address.rsplit_once('@').and_then(|(_, domain)| DomainName::parse(domain).ok());
        domain.is_some_and(|domain| self.domains.contains(&domain))
    }
}

/// Which way the mail went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// We sent it, and a receiver refused it.
    Outgoing,
    /// A partner sent it, and our own server refused it.
    Incoming,
    /// Not known.
    Unknown,
}

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Our administrators.
    Ours,
    /// Those of the other side.
    Theirs,
    /// Whoever wrote the mail.
    Writer,
    /// One of both; it must be found out.
    Either,
    /// Nobody: wait.
    Nobody,
}

impl Side {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Theirs => "theirs",
            Self::Writer => "writer",
            Self::Either => "either",
            Self::Nobody => "nobody",
        }
    }
}

impl Direction {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Outgoing => "outgoing",
            Self::Incoming => "incoming",
            Self::Unknown => "unknown",
        }
    }
}

/// The first address of a host on the public internet in `text`, else the first address at all. Names of zones with reversed
/// octets, and versions with more than four figures, are none.
pub(super) fn ip_in(text: &str) -> Option<IpAddr> {
    ips_in(text).into_iter().next()
}

/// The addresses in `text`, in order, each once; at most 20.
pub(super) fn ips_in(text: &str) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_'))) {
        let word = word.trim_matches(['.', ':', '-', '_']);
        let word = word.strip_prefix("IPv6:").or_else(|| word.strip_prefix("ipv6:")).unwrap_or(word);
        if word.len() < 3 || !word.contains(['.', ':']) {
            continue;
        }
        let ip = word.parse().ok().or_else(|| word.split_once(':').and_then(|(ip, _)| ip.parse().ok()));
        if let Some(ip) = ip
            && !found.contains(&ip)
        {
            found.push(ip);
            if found.len() == 20 {
                break;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: the partner's listing is taken for ours, or a code for an address.
    #[test]
    fn addresses_are_found_whole() {
        let ips = |text| ips_in(text).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(ips("Client host [192.0.2.25] blocked, see https://x.example/?ip=192.0.2.25"), ["192.0.2.25"]);
        assert_eq!(ips("from [2001:db8::25]:4321 and IPv6:2001:db8::26"), ["2001:db8::25", "2001:db8::26"]);
        assert!(ips("5.7.1 and 1.2.3.4.5 25.2.0.192.zen.example.org 10:30:59").is_empty());
        assert_eq!(ips("192.0.2.1:25: refused"), ["192.0.2.1"]);
    }
}
