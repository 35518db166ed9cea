//! The clients of a log, with what each of them did.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use crate::model::visible_bytes;

/// So many messages are remembered until their sender is told; a queue manager tells it within moments.
const REMEMBERED: usize = 16 * 1024;
/// So many sender domains are kept for one client.
const MOST_DOMAINS: usize = 8;
/// The longest sender domain that is kept, in octets (RFC 5321, section 4.5.3.1.2).
const LONGEST_DOMAIN: usize = 255;

/// What one client did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Messages that were taken from it.
    pub messages: u64,
    /// Commands of it that were refused.
    pub refused: u64,
    /// When it was first and last seen, in seconds since 1970; nothing where no line said.
    pub seen: Option<(i64, i64)>,
    /// Sender domains with the number of messages, lower case, visible; the first eight that came. `<>` is a bounce.
    pub domains: Vec<(String, u64)>,
    /// Messages of further domains.
    pub other_domains: u64,
}

/// All clients, by address.
#[derive(Debug, Default)]
pub struct Clients {
    clients: HashMap<IpAddr, Client>,
    waiting: HashMap<Box<[u8]>, IpAddr>,
    order: VecDeque<Box<[u8]>>,
}

impl Clients {
    /// Every client with its address, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, &Client)> {
        self.clients.iter().map(|(ip, client)| (*ip, client))
    }

    /// The client at an address.
    pub fn client(&self, ip: IpAddr) -> Option<&Client> {
        self.clients.get(&ip)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Whose mail it is that is counted: not that of this machine itself.
    fn of(&mut self, ip: IpAddr, at: Option<i64>) -> Option<&mut Client> {
        if ip.is_loopback() || ip.is_unspecified() {
            return None;
        }
        let client = self.clients.entry(ip).or_default();
        if let Some(at) = at {
            let (first, last) = client.seen.unwrap_or((at, at));
            client.seen = Some((first.min(at), last.max(at)));
        }
        Some(client)
    }

    pub(super) fn came(&mut self, ip: IpAddr, id: Option<&[u8]>, sender: Option<&[u8]>, at: Option<i64>) {
        let Some(client) = self.of(ip, at) else { return };
        client.messages += 1;
        if let Some(sender) = sender {
            client.sent_as(sender);
        } else if let Some(id) = id {
            self.remember(id, ip);
        }
    }

    pub(super) fn refused(&mut self, ip: IpAddr, sender: Option<&[u8]>, at: Option<i64>) {
        let Some(client) = self.of(ip, at) else { return };
        client.refused += 1;
        if let Some(sender) = sender {
            client.sent_as(sender);
        }
    }

    pub(super) fn from(&mut self, id: &[u8], sender: &[u8]) {
        // A queue manager tells the sender again at each try; only the first is new.
        if let Some(ip) = self.waiting.remove(id)
            && let Some(client) = self.clients.get_mut(&ip)
        {
            client.sent_as(sender);
        }
    }

    /// A message that came from one of our own people is nobody's.
    pub(super) fn ours(&mut self, id: &[u8]) {
        self.waiting.remove(id);
    }

    fn remember(&mut self, id: &[u8], ip: IpAddr) {
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.waiting.remove(&oldest);
        }
        if let Entry::Vacant(place) = self.waiting.entry(id.into()) {
            self.order.push_back(place.key().clone());
            place.insert(ip);
        }
    }
}

impl Client {
    fn sent_as(&mut self, sender: &[u8]) {
        let at = memchr::memrchr(b'@', sender);
        let domain = match at {
            _ if sender.is_empty() => &b"<>"[..],
            Some(at) => &sender[at + 1..],
            None => return,
        };
        if let Some((_, count)) =
            self.domains.iter_mut().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(domain))
        {
            *count += 1;
        } else if self.domains.len() < MOST_DOMAINS && domain.len() <= LONGEST_DOMAIN {
            self.domains.push((visible_bytes(domain).to_ascii_lowercase(), 1));
        } else {
            self.other_domains += 1;
        }
    }
}
