//! The pipeline's way back: datagrams in, answers out, and what is done when none comes.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;

use super::codec::{self, Packet};
use super::{Answered, Pipeline, SENDS, SILENT, port};
use crate::probe::dns::{Answer, Route};

impl Pipeline {
    /// Sends what is to leave.
    pub(super) fn flush(&mut self) {
        let questions = &self.questions;
        let mut gone = 0;
        for server in &mut self.servers {
            gone += server.flush(&mut self.mail, |key| questions[key as usize].packet.as_slice());
        }
        self.dns.count_sent(gone);
    }

    /// Waits for answers and takes them in.
    pub(super) fn receive(&mut self, wait: Duration) {
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
                        heard.push((key, number, packet));
                    }
                }
            }
        }
        let now = Instant::now();
        for (key, server, packet) in heard {
            // Else it is a second answer in the same breath.
            if self.questions[key as usize].due.is_some() {
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
                let is_second = question.sends.iter().filter(|sent| **sent == server).count() > 1;
                if question.sends.len() < SENDS && others.copied().any(|other| is_new(&other)) {
                    self.send_next(key, now);
                } else if code == ResponseCode::ServFail && question.sends.len() < SENDS && !is_second {
                    // Overload, perhaps: once more a moment later, as by the ordinary door.
                    question.is_put_off = true;
                    self.wait(key, now + self.dns.retransmit() / 4);
                } else {
                    let failure = question.failure.clone().unwrap_or(failure);
                    self.finish(key, Some(Err(failure)));
                }
            }
            Packet::Odd => {
                let question = &self.questions[key as usize];
                let zone = &mut self.zones[question.zone];
                zone.odd += 1;
                let labels = codec::labels(&question.packet);
                self.desk.look_into(question.zone, question.tag, labels, zone.route, zone.pace.clone());
                self.finish(key, None);
            }
            Packet::Foreign => {}
        }
    }

    /// Sends again what nobody answered in time, or gives it up.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.next_due.is_none_or(|due| now < due) {
            return;
        }
        for key in (0..).take(self.questions.len()) {
            let question = &mut self.questions[key as usize];
            if question.due.is_none_or(|due| now < due) {
                continue;
            }
            if let Some(&last) = question.sends.last()
                && !question.is_put_off
            {
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
        self.next_due = self.questions.iter().filter_map(|question| question.due).min();
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
        question.sends.clear();
        question.failure = None;
        question.due = None;
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
