//! One server of the bulk path: its sockets, what is on its way to it, and how it behaves.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::port::{Mail, Port};

/// So many questions to one server at once. rbldnsd's receive buffer holds about 109; more in flight is slower for everybody.
pub(super) const WINDOW: usize = 64;
/// After so many questions the next port is used, so that whoever guesses one has little of it.
const QUESTIONS_PER_PORT: u32 = 2048;
/// So many sockets for one server: of the last one answers may still come.
const MOST_PORTS: usize = 4;
/// So many packets in a row without an answer, and the other servers of a zone are asked first.
const SUSPICIOUS: u32 = 8;
/// For so long.
const AVOIDED: Duration = Duration::from_secs(30);

/// A question on its way to this server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) id: u16,
    /// The number of the port that it left by.
    port: u32,
    /// Its place among the questions under way.
    pub(super) key: u32,
}

/// A server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// How many zones may be asked here.
    pub(super) zones: usize,
    /// Open sockets with their numbers; the last is in use.
    pub(super) ports: Vec<(u32, Port)>,
    next_port: u32,
    asked_by_port: u32,
    /// At most [`WINDOW`].
    pub(super) under_way: Vec<Sent>,
    /// What is to leave next.
    out: Vec<Sent>,
    strikes: u32,
    avoided_until: Option<Instant>,
    /// What the system last said of packets to it, since it last answered.
    pub(super) trouble: Option<io::ErrorKind>,
}

impl Server {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            zones: 0,
            ports: Vec::new(),
            next_port: 0,
            asked_by_port: 0,
            under_way: Vec::with_capacity(WINDOW),
            out: Vec::with_capacity(WINDOW),
            strikes: 0,
            avoided_until: None,
            trouble: None,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.under_way.len() < WINDOW
    }

    /// Whether others are to be asked before it.
    pub(super) fn is_avoided(&self, now: Instant) -> bool {
        self.avoided_until.is_some_and(|until| now < until)
    }

    /// Takes in a question with an id that nobody else has here. Without a socket it is as good as lost.
    pub(super) fn take_in(&mut self, key: u32, id: u16) {
        if self.ports.is_empty() || self.asked_by_port >= QUESTIONS_PER_PORT {
            self.open_port();
        }
        self.asked_by_port += 1;
        let port = self.ports.last().map_or(0, |(number, _)| *number);
        let sent = Sent { id, port, key };
        self.under_way.push(sent);
        self.out.push(sent);
    }

    /// Sends the question with this key once more, as it was; its id.
    pub(super) fn repeat(&mut self, key: u32) -> Option<u16> {
        let sent = *self.under_way.iter().find(|sent| sent.key == key)?;
        self.out.push(sent);
        Some(sent.id)
    }

    /// Nobody waits for this question any more.
    pub(super) fn forget(&mut self, key: u32) {
        self.under_way.retain(|sent| sent.key != key);
        self.out.retain(|sent| sent.key != key);
    }

    /// The question with this id that left by the port at `place`.
    pub(super) fn find(&self, place: usize, id: u16) -> Option<u32> {
        let port = self.ports.get(place)?.0;
        self.under_way.iter().find(|sent| sent.id == id && sent.port == port).map(|sent| sent.key)
    }

    /// It answered.
    pub(super) fn praise(&mut self) {
        self.strikes = 0;
        self.avoided_until = None;
        self.trouble = None;
    }

    /// It did not answer in time.
    pub(super) fn strike(&mut self, now: Instant) {
        self.strikes += 1;
        if self.strikes >= SUSPICIOUS {
            self.strikes = 0;
            self.avoided_until = Some(now + AVOIDED);
        }
    }

    /// Sends what is to leave; how many packets went. What the system does not take counts as lost, and is asked again later.
    pub(super) fn flush<'q>(&mut self, mail: &mut Mail, packet: impl Fn(u32) -> &'q [u8]) -> u64 {
        let mut gone = 0;
        let mut trouble = None;
        for (number, port) in &self.ports {
            let packets: Vec<&[u8]> =
                self.out.iter().filter(|sent| sent.port == *number).map(|sent| packet(sent.key)).collect();
            let mut rest = packets.as_slice();
            // The system reports an earlier packet's fate in place of sending the next one.
            let mut patience = 2;
            while !rest.is_empty() && patience > 0 {
                match mail.send(port, rest) {
                    Ok(sent) => {
                        gone += sent as u64;
                        rest = rest.get(sent..).unwrap_or_default();
                    }
                    Err(error) => {
                        patience -= 1;
                        trouble = Some(error);
                    }
                }
            }
        }
        self.out.clear();
        if let Some(error) = trouble {
            self.note(&error);
        }
        gone
    }

    /// Remembers what the system said.
    pub(super) fn note(&mut self, error: &io::Error) {
        if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) {
            self.trouble = Some(error.kind());
        }
    }

    /// A new port; the ones before it stay open as long as answers may come.
    fn open_port(&mut self) {
        let under_way = &self.under_way;
        self.ports.retain(|(number, _)| under_way.iter().any(|sent| sent.port == *number));
        if self.ports.len() >= MOST_PORTS {
            return;
        }
        match Port::open(self.address) {
            Ok(port) => {
                self.ports.push((self.next_port, port));
                self.next_port = self.next_port.wrapping_add(1);
                self.asked_by_port = 0;
            }
            Err(error) => self.note(&error),
        }
    }
}
