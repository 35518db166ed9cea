//! The servers of a zone one by one: their addresses, and how each stands to the zone by its own answer.

use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;

use hickory_proto::rr::Name;

use crate::check::Context;
use crate::probe::{Answer, Authority, Reply, plain};

/// A server at one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name, lower case, without the trailing dot.
    pub name: String,
    /// The address; nothing if none could be found for the name.
    pub at: Option<SocketAddr>,
}

/// `name (address)`.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{} ({})", self.name, at.ip()),
            None => f.write_str(&self.name),
        }
    }
}

impl Server {
    /// Whether it is asked over IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.at.is_some_and(|at| at.is_ipv6())
    }
}

/// How a server stands to a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It answers with authority.
    Serves,
    /// It answers, but not as a server of the zone (RFC 1912, section 2.8).
    Lame,
    /// It does not answer.
    Silent,
    /// This machine has no way to it.
    Beyond,
}

/// So many addresses of a zone's servers are asked: 13 names, the most that fit into a referral of old, with two each.
const MOST_ADDRESSES: usize = 26;

/// Every server at every address, and whether these are all.
pub fn servers(authority: &Authority) -> (Vec<Server>, bool) {
    let each = authority.servers.iter().flat_map(|server| {
        let name = plain(&server.name);
        let seat = |at| Server { name: name.clone(), at };
        match server.addresses.as_slice() {
            [] => vec![seat(None)],
            addresses => addresses.iter().map(|at| seat(Some(*at))).collect(),
        }
    });
    let mut all: Vec<Server> = each.collect();
    let is_complete = all.len() <= MOST_ADDRESSES;
    all.truncate(MOST_ADDRESSES);
    (all, is_complete)
}

/// How a server stands to a zone, by what it answered to the question for its SOA or for another record that is there.
pub fn standing(reply: &Reply) -> Standing {
    match reply.answer {
        Answer::Data if reply.aa => Standing::Serves,
        Answer::Data | Answer::NoData | Answer::NxDomain | Answer::Rcode(_) | Answer::Lame(_) => Standing::Lame,
        // What cannot be read may be the work of something on the way.
        Answer::Timeout | Answer::Truncated | Answer::Malformed(_) => Standing::Silent,
        // The server's machine, or a firewall before it, says no; everything else is the lack of a way.
        Answer::Unreachable(ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::HostUnreachable) => {
            Standing::Silent
        }
        Answer::Unreachable(_) => Standing::Beyond,
    }
}

/// Whether the walk from the root to `name` fails at its first step: a lack of this machine, not of the zone.
pub async fn cannot_walk(context: &Context, name: &Name) -> bool {
    let authority = context.dns.authority(name).await;
    authority.failure.is_some() && authority.zone.is_root()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::NameServer;

    /// Lost if it fails: a zone with more servers than are asked would pass as if all had agreed.
    #[test]
    fn servers_that_are_left_out_are_not_forgotten() {
        let name: Name = "NS.example.".parse().unwrap();
        let addresses = |count: u8| (1..=count).map(|n| SocketAddr::from(([192, 0, 2, n], 53))).collect();
        let authority = |count| Authority {
            zone: name.clone(),
            servers: vec![NameServer { name: name.clone(), addresses: addresses(count) }],
            failure: None,
            observations: Vec::new(),
        };
        assert_eq!((servers(&authority(26)).0.len(), servers(&authority(26)).1), (26, true));
        assert_eq!((servers(&authority(27)).0.len(), servers(&authority(27)).1), (26, false));
        let nowhere = Server { name: "ns.example".to_owned(), at: None };
        assert_eq!(servers(&authority(0)), (vec![nowhere], true));
    }
}
