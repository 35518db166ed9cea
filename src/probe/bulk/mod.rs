//! Questions to blocklists by the million: many under way at once, few to each server, and nothing kept of them but the answers.
//!
//! One thread owns a [`Pipeline`], gives it questions and turns it. The questions are encoded and the plain answers read by hand;
//! whatever is not plain is put to the ordinary door, so that it means the same as everywhere else.

mod codec;
mod odd;
mod port;
mod server;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_proto::rr::Name;
use tokio::runtime::Handle;

use super::dns::{Answer, Dns, Pace, Route};
use codec::Packet;
use odd::Desk;
use port::Mail;
use server::{Server, WINDOW};

/// So many times a question is sent, each time to the next server of its zone.
const SENDS: usize = 3;
/// So many questions in a row without any answer, and the zone is not asked until it is opened again.
const SILENT: u32 = 16;
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
    /// When to send which question again; in order of time. An entry counts only if its serial is still the question's.
    timers: VecDeque<(Instant, u32, u32)>,
    /// Questions whose next server had no room, with their serials.
    again: VecDeque<(u32, u32)>,
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
    /// Of these, how many were sent more than once.
    overdue: usize,
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
    serial: u32,
    /// The most telling failure so far.
    failure: Option<Answer>,
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
            timers: VecDeque::new(),
            again: VecDeque::new(),
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
        let servers = way.servers.iter().map(|address| self.server(*address)).collect();
        self.zones.push(Zone {
            suffix,
            route: way.route,
            pace: way.pace,
            servers,
            queue: VecDeque::new(),
            under_way: 0,
            overdue: 0,
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
        if let Some((at, ..)) = self.timers.front() {
            wait = wait.min(at.saturating_duration_since(now));
        }
        if let Some(at) = paced {
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
        for _ in 0..self.again.len() {
            if let Some((key, serial)) = self.again.pop_front()
                && self.questions[key as usize].serial == serial
            {
                self.send_next(key, now);
            }
        }
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
        // A zone that lets us wait must not fill the window of a resolver that others are asked through.
        let most = if zone.overdue > 0 { SILENT as usize } else { WINDOW };
        if zone.queue.is_empty() || zone.under_way >= most {
            return false;
        }
        let preferred = zone.servers.iter().find(|server| !self.servers[**server].is_avoided(now));
        let Some(&server) = preferred.or(zone.servers.first()) else { return false };
        if !self.servers[server].has_room() {
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
                serial: 0,
                failure: None,
            });
            u32::try_from(self.questions.len() - 1).unwrap_or(u32::MAX)
        });
        let question = &mut self.questions[key as usize];
        (question.zone, question.tag) = (number, tag);
        codec::encode(&mut question.packet, zone.route == Route::Resolver, target, &zone.suffix);
        self.send(key, server, now);
        true
    }

    /// Sends a question to the server after the last one that it was sent to.
    fn send_next(&mut self, key: u32, now: Instant) {
        let question = &self.questions[key as usize];
        let zone = &self.zones[question.zone];
        let last = question.sends.last().and_then(|last| zone.servers.iter().position(|server| server == last));
        let next = zone.servers[last.map_or(0, |last| (last + 1) % zone.servers.len())];
        if question.sends.contains(&next) || self.servers[next].has_room() {
            if let Some(pace) = zone.pace.as_ref().filter(|_| !self.dns.is_unpaced(self.servers[next].address)) {
                // A second packet is not held back, but counts.
                let _ = self.dns.take_place(pace);
            }
            self.send(key, next, now);
        } else {
            self.again.push_back((key, question.serial));
        }
    }

    fn send(&mut self, key: u32, server: usize, now: Instant) {
        let question = &mut self.questions[key as usize];
        if question.sends.len() == 1 {
            self.zones[question.zone].overdue += 1;
        }
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
        question.serial = question.serial.wrapping_add(1);
        self.timers.push_back((now + self.dns.retransmit(), key, question.serial));
    }

    fn flush(&mut self) {
        let questions = &self.questions;
        let mut gone = 0;
        for server in &mut self.servers {
            gone += server.flush(&mut self.mail, |key| questions[key as usize].packet.as_slice());
        }
        self.dns.count_sent(gone);
    }

    /// Waits for answers and takes them in.
    fn receive(&mut self, wait: Duration) {
        let ports = self.servers.iter().flat_map(|server| server.ports.iter().map(|(_, port)| port));
        let ready = port::wait(ports, wait);
        let mut ready = ready.into_iter();
        let mut heard = Vec::new();
        for (number, server) in self.servers.iter_mut().enumerate() {
            for place in 0..server.ports.len() {
                if !ready.next().unwrap_or(false) {
                    continue;
                }
                if let Err(error) = self.mail.receive(&server.ports[place].1) {
                    server.note(&error);
                    continue;
                }
                for octets in self.mail.datagrams() {
                    let Some([high, low]) = octets.first_chunk::<2>() else { continue };
                    let id = u16::from_be_bytes([*high, *low]);
                    let Some(key) = server.find(place, id) else { continue };
                    let question = &mut self.questions[key as usize];
                    let route = self.zones[question.zone].route;
                    // The packet holds the id of whom it was sent to last.
                    question.packet[..2].copy_from_slice(&[*high, *low]);
                    let packet = codec::decode(octets, &question.packet, route != Route::Resolver);
                    if packet != Packet::Foreign {
                        server.praise();
                        heard.push((key, number, question.serial, packet));
                    }
                }
            }
        }
        let now = Instant::now();
        for (key, server, serial, packet) in heard {
            // A second answer to the same question in the same breath.
            if self.questions[key as usize].serial == serial {
                self.hear(key, server, packet, now);
            }
        }
    }

    /// Takes in an answer to the question `key`.
    fn hear(&mut self, key: u32, server: usize, packet: Packet, now: Instant) {
        match packet {
            Packet::Addresses(addresses) => self.finish(key, Some(Ok(addresses))),
            Packet::Rcode(code) => {
                let failure = Answer::Rcode(code);
                let question = &mut self.questions[key as usize];
                worsen(&mut question.failure, failure.clone());
                // Late, and another one is being asked.
                if question.sends.last() != Some(&server) {
                    return;
                }
                let others = self.zones[question.zone].servers.iter().filter(|other| **other != server);
                let is_new = |other: &usize| !question.sends.contains(other);
                if question.sends.len() < SENDS && others.copied().any(|other| is_new(&other)) {
                    self.send_next(key, now);
                } else {
                    let failure = question.failure.clone().unwrap_or(failure);
                    self.finish(key, Some(Err(failure)));
                }
            }
            Packet::Odd => {
                let question = &self.questions[key as usize];
                let zone = &mut self.zones[question.zone];
                zone.odd += 1;
                let name = Name::from_labels(codec::labels(&question.packet)).unwrap_or_default();
                self.desk.look_into(question.zone, question.tag, name, zone.route, zone.pace.clone());
                self.finish(key, None);
            }
            Packet::Foreign => {}
        }
    }

    /// Sends again what nobody answered in time, or gives it up.
    fn expire(&mut self, now: Instant) {
        while let Some(&(at, key, serial)) = self.timers.front() {
            if at > now {
                break;
            }
            self.timers.pop_front();
            let question = &mut self.questions[key as usize];
            if question.serial != serial {
                continue;
            }
            if let Some(&last) = question.sends.last() {
                self.servers[last].strike(now);
                let failure = self.servers[last].trouble.map_or(Answer::Timeout, Answer::Unreachable);
                worsen(&mut question.failure, failure);
            }
            if question.sends.len() < SENDS {
                self.send_next(key, now);
            } else {
                let failure = question.failure.clone().unwrap_or(Answer::Timeout);
                self.finish(key, Some(Err(failure)));
            }
        }
    }

    /// Ends a question; without `said`, somebody else will answer it.
    fn finish(&mut self, key: u32, said: Option<Result<Vec<Ipv4Addr>, Answer>>) {
        let question = &mut self.questions[key as usize];
        for server in &question.sends {
            self.servers[*server].forget(key);
        }
        let (number, tag) = (question.zone, question.tag);
        let zone = &mut self.zones[number];
        zone.under_way -= 1;
        zone.overdue -= usize::from(question.sends.len() > 1);
        question.sends.clear();
        question.failure = None;
        question.serial = question.serial.wrapping_add(1);
        self.free.push(key);
        match &said {
            Some(Err(Answer::Timeout | Answer::Unreachable(_))) => zone.silent += 1,
            _ => zone.silent = 0,
        }
        let Some(said) = said else { return };
        if let Err(why) = &said
            && zone.silent >= SILENT
        {
            zone.closed = Some(why.clone());
            let rest = zone.queue.drain(..);
            self.answered.extend(rest.map(|(_, tag)| Answered { zone: number, tag, said: Err(why.clone()) }));
        }
        self.answered.push(Answered { zone: number, tag, said });
    }
}

/// Keeps the more telling of two failures, the earlier among equals.
fn worsen(known: &mut Option<Answer>, failure: Answer) {
    if known.as_ref().is_none_or(|known| failure.weight() > known.weight()) {
        *known = Some(failure);
    }
}

/// Unpredictable numbers, many for one system call.
#[derive(Debug)]
struct Random {
    octets: [u8; 1024],
    used: usize,
}

impl Random {
    fn new() -> Self {
        Self { octets: [0; 1024], used: usize::MAX }
    }

    fn next(&mut self) -> u16 {
        if self.used >= self.octets.len() {
            // A system that has no random numbers any more leaves the last ones; port and question still protect the answer.
            let _ = getrandom::fill(&mut self.octets);
            self.used = 0;
        }
        let number = u16::from_be_bytes([self.octets[self.used], self.octets[self.used + 1]]);
        self.used += 2;
        number
    }
}
