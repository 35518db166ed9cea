//! Questions to blocklists by the million: many under way at once, few to each server, and nothing kept of them but the answers.
//!
//! One thread owns a [`Pipeline`], gives it questions and turns it. The questions are encoded and the plain answers read by hand;
//! whatever is not plain is put to the ordinary door, so that it means the same as everywhere else.

mod answers;
pub(super) mod codec;
mod odd;
mod port;
mod random;
mod server;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_proto::rr::Name;
use tokio::runtime::Handle;

use super::dns::{Answer, Dns, Pace, Route};
use odd::Desk;
use port::Mail;
use random::Random;
use server::{Server, WINDOW};

/// So many times a question is sent, each time to the next server of its zone.
const SENDS: usize = 3;
/// So many questions in a row without any answer, and the zone is not asked until it is opened again.
const SILENT: u32 = 16;
/// So many places in a server's window every zone gets.
const SMALLEST_SHARE: usize = 16;
/// So many of a zone's questions may wait here for their turn.
const QUEUE: usize = 64;

/// A zone and the way to it.
#[derive(Clone, Debug)]
pub struct Way {
    /// The name below which addresses are asked for; may hold a key.
    pub zone: Name,
    /// Whom to ask, in this order.
    pub servers: Vec<SocketAddr>,
    /// Whether the servers are resolvers or the zone's own, and whom the ordinary door asks; [`Route::Server`] is not for this.
    pub route: Route,
    /// Not faster than this, unless the server is unpaced.
    pub pace: Option<Pace>,
}

/// A zone's place in its pipeline, from 0.
pub type ZoneNumber = usize;

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Which zone was asked.
    pub zone: ZoneNumber,
    /// What whoever asked it calls the question.
    pub tag: u64,
    /// The addresses in the A records; none for NXDOMAIN and NODATA. Or why it is not known; never a definite [`Answer`].
    pub said: Result<Vec<Ipv4Addr>, Answer>,
}

/// The lean way to ask. Neither fast nor patient by itself: somebody has to turn it.
#[derive(Debug)]
pub struct Pipeline {
    dns: Dns,
    zones: Vec<Zone>,
    servers: Vec<Server>,
    questions: Vec<Question>,
    free: Vec<u32>,
    /// Before this no question is due to be sent again.
    next_due: Option<Instant>,
    answered: Vec<Answered>,
    desk: Desk,
    mail: Mail,
    random: Random,
    /// The zone that is served first next time.
    first: usize,
}

#[derive(Debug)]
struct Zone {
    /// In wire form.
    suffix: Vec<u8>,
    route: Route,
    pace: Option<Pace>,
    servers: Vec<usize>,
    queue: VecDeque<(IpAddr, u64)>,
    under_way: usize,
    /// With the ordinary door.
    odd: usize,
    silent: u32,
    /// Why it is not asked.
    closed: Option<Answer>,
    /// When its pace has a place again.
    not_before: Option<Instant>,
}

#[derive(Debug)]
struct Question {
    zone: ZoneNumber,
    tag: u64,
    packet: Vec<u8>,
    /// The servers it was sent to, one for each time.
    sends: Vec<usize>,
    /// When the last packet has been waited for long enough; nothing for one that is through.
    due: Option<Instant>,
    /// The most telling failure so far.
    failure: Option<Answer>,
    /// The server that it was sent to last has answered with SERVFAIL, and is asked once more when it is due.
    is_put_off: bool,
}

impl Pipeline {
    /// A pipeline beside `dns`, whose paces it shares. Odd answers are looked into on `runtime`.
    pub fn beside(dns: &Dns, runtime: Handle) -> Self {
        Self {
            desk: Desk::new(dns, runtime),
            dns: dns.clone(),
            zones: Vec::new(),
            servers: Vec::new(),
            questions: Vec::new(),
            free: Vec::new(),
            next_due: None,
            answered: Vec::new(),
            mail: Mail::new(),
            random: Random::new(),
            first: 0,
        }
    }

    /// Takes in a zone. One without servers answers everything with a time-out.
    pub fn add(&mut self, way: Way) -> ZoneNumber {
        let mut suffix = Vec::new();
        for label in way.zone.iter() {
            // A label has at most 63 octets.
            suffix.push(u8::try_from(label.len()).unwrap_or(0));
            suffix.extend_from_slice(label);
        }
        suffix.push(0);
        let servers: Vec<usize> = way.servers.iter().map(|address| self.server(*address)).collect();
        servers.iter().for_each(|server| self.servers[*server].zones += 1);
        self.zones.push(Zone {
            suffix,
            route: way.route,
            pace: way.pace,
            servers,
            queue: VecDeque::new(),
            under_way: 0,
            odd: 0,
            silent: 0,
            closed: way.servers.is_empty().then_some(Answer::Timeout),
            not_before: None,
        });
        self.zones.len() - 1
    }

    /// How many questions `zone` takes in now without holding more than it should.
    pub fn room(&self, zone: ZoneNumber) -> usize {
        QUEUE.saturating_sub(self.zones[zone].queue.len() + self.zones[zone].odd)
    }

    /// Puts a question for the A records of `target` in `zone` into its queue.
    pub fn push(&mut self, zone: ZoneNumber, target: IpAddr, tag: u64) {
        match &self.zones[zone].closed {
            Some(why) => self.answered.push(Answered { zone, tag, said: Err(why.clone()) }),
            None => self.zones[zone].queue.push_back((target, tag)),
        }
    }

    /// Drops what waits in the queue of `zone`: nobody will hear of it. What is under way is answered.
    pub fn drop_queue(&mut self, zone: ZoneNumber) {
        self.zones[zone].queue.clear();
    }

    /// Asks `zone` again after it was found silent.
    pub fn reopen(&mut self, zone: ZoneNumber) {
        let zone = &mut self.zones[zone];
        zone.silent = 0;
        if !zone.servers.is_empty() {
            zone.closed = None;
        }
    }

    /// Sends what may leave, waits at most `patience` for something to happen, and adds to `answered` what came of it.
    pub fn turn(&mut self, patience: Duration, answered: &mut Vec<Answered>) {
        let mut now = Instant::now();
        self.expire(now);
        let paced = self.fill(now);
        self.flush();
        self.desk.start();
        let mut wait = if self.answered.is_empty() { patience } else { Duration::ZERO };
        for at in self.next_due.into_iter().chain(paced) {
            wait = wait.min(at.saturating_duration_since(now));
        }
        if self.desk.is_busy() {
            wait = wait.min(odd::LOOK);
        }
        self.receive(wait);
        now = Instant::now();
        for (zone, tag, said) in self.desk.finished() {
            self.zones[zone].odd -= 1;
            self.answered.push(Answered { zone, tag, said });
        }
        self.expire(now);
        answered.append(&mut self.answered);
    }

    fn server(&mut self, address: SocketAddr) -> usize {
        let known = self.servers.iter().position(|server| server.address == address);
        known.unwrap_or_else(|| {
            self.servers.push(Server::new(address));
            self.servers.len() - 1
        })
    }

    /// Starts as many questions as may be under way, zone by zone in turn; when the first pace has a place again.
    fn fill(&mut self, now: Instant) -> Option<Instant> {
        let count = self.zones.len();
        let mut idle = 0;
        let mut place = self.first;
        while idle < count {
            place = if place + 1 < count { place + 1 } else { 0 };
            if self.start_one(place, now) {
                idle = 0;
                self.first = place;
            } else {
                idle += 1;
            }
        }
        self.zones.iter().filter_map(|zone| zone.not_before).filter(|at| *at > now).min()
    }

    /// Starts the next question of a zone, if its server, its pace and its own silence allow it.
    fn start_one(&mut self, number: ZoneNumber, now: Instant) -> bool {
        let zone = &mut self.zones[number];
        if zone.queue.is_empty() {
            return false;
        }
        let preferred = zone.servers.iter().find(|server| !self.servers[**server].is_avoided(now));
        let Some(&server) = preferred.or(zone.servers.first()) else { return false };
        // A zone that lets us wait must not fill the window of a resolver that others are asked through.
        let share = (WINDOW / self.servers[server].zones).max(SMALLEST_SHARE);
        if zone.under_way >= share || !self.servers[server].has_room() {
            return false;
        }
        if let Some(pace) = &zone.pace
            && !self.dns.is_unpaced(self.servers[server].address)
        {
            if zone.not_before.is_some_and(|at| now < at) {
                return false;
            }
            if let Err(wait) = self.dns.take_place(pace) {
                zone.not_before = Some(now + wait);
                return false;
            }
        }
        let Some((target, tag)) = zone.queue.pop_front() else { return false };
        zone.not_before = None;
        zone.under_way += 1;
        let key = self.free.pop().unwrap_or_else(|| {
            self.questions.push(Question {
                zone: number,
                tag,
                packet: Vec::new(),
                sends: Vec::with_capacity(SENDS),
                due: None,
                failure: None,
                is_put_off: false,
            });
            u32::try_from(self.questions.len() - 1).unwrap_or(u32::MAX)
        });
        let question = &mut self.questions[key as usize];
        (question.zone, question.tag) = (number, tag);
        codec::encode(&mut question.packet, zone.route == Route::Resolver, target, &zone.suffix);
        self.send(key, server, now);
        true
    }

    /// Sends a question to the server after the last one that it was sent to; to the last one again if that has no room.
    fn send_next(&mut self, key: u32, now: Instant) {
        let question = &self.questions[key as usize];
        let zone = &self.zones[question.zone];
        let Some(&last) = question.sends.last() else { return };
        let place = zone.servers.iter().position(|server| *server == last).unwrap_or(0);
        let next = zone.servers[(place + 1) % zone.servers.len()];
        let may_take = question.sends.contains(&next) || self.servers[next].has_room();
        let next = if may_take { next } else { last };
        if let Some(pace) = zone.pace.as_ref().filter(|_| !self.dns.is_unpaced(self.servers[next].address)) {
            // A second packet is not held back, but counts.
            let _ = self.dns.take_place(pace);
        }
        self.send(key, next, now);
    }

    fn send(&mut self, key: u32, server: usize, now: Instant) {
        let question = &mut self.questions[key as usize];
        let target = &mut self.servers[server];
        let id = target.repeat(key).unwrap_or_else(|| {
            let id = loop {
                let id = self.random.next();
                if target.under_way.iter().all(|sent| sent.id != id) {
                    break id;
                }
            };
            target.take_in(key, id);
            id
        });
        question.packet[..2].copy_from_slice(&id.to_be_bytes());
        question.sends.push(server);
        question.is_put_off = false;
        self.wait(key, now + self.dns.retransmit());
    }

    /// Nothing more is done for a question before `due`, unless an answer comes.
    fn wait(&mut self, key: u32, due: Instant) {
        self.questions[key as usize].due = Some(due);
        self.next_due = Some(self.next_due.map_or(due, |known| known.min(due)));
    }
}
