//! From a message to an answer: along the CNAMEs, to the records, or to the absence of them. Pure.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::question::Question;
use super::reply::Answer;

/// So many CNAMEs are followed; resolvers agree on something near it.
pub(super) const LONGEST: usize = 8;

/// A question on its way along its aliases.
#[derive(Clone, Debug)]
pub(in crate::probe) struct Chain {
    rtype: RecordType,
    start: Name,
    /// The targets so far.
    pub(in crate::probe) names: Vec<Name>,
    /// The smallest TTL so far.
    pub(in crate::probe) ttl: Option<u32>,
}

/// Where a message led.
#[derive(Debug)]
pub(in crate::probe) enum Step {
    /// To the end.
    End { answer: Answer, records: Vec<Record>, negative_ttl: Option<u32> },
    /// To a name that the message says nothing about.
    Missing,
}

impl Chain {
    pub(in crate::probe) fn new(question: &Question) -> Self {
        Self { rtype: question.rtype, start: question.name.clone(), names: Vec::new(), ttl: None }
    }

    /// The name whose records are wanted now.
    pub(super) fn at(&self) -> &Name {
        self.names.last().unwrap_or(&self.start)
    }

    /// Goes on with `message`, which answers the question for [`Chain::at`]. Only what stands below `zone` is believed.
    pub(in crate::probe) fn follow(&mut self, message: &Message, zone: &Name) -> Step {
        let mut moved = false;
        loop {
            let here = self.at().clone();
            if moved && !zone.zone_of(&here) {
                return Step::Missing;
            }
            let of = |rtype: RecordType| {
                let fits = move |record: &&Record| rtype == RecordType::ANY || record.record_type() == rtype;
                own(message, &here).filter(fits)
            };
            let records: Vec<Record> = of(self.rtype).cloned().collect();
            if !records.is_empty() {
                if message.metadata.response_code == ResponseCode::NXDomain {
                    return malformed("NXDOMAIN, and the records asked for beside it");
                }
                records.iter().for_each(|record| self.lower(record));
                return Step::End { answer: Answer::Data, records, negative_ttl: None };
            }
            let mut aliases = of(RecordType::CNAME).filter_map(|record| match &record.data {
                RData::CNAME(target) => Some((record, target.0.to_lowercase())),
                _ => None,
            });
            let Some((alias, target)) = aliases.next() else {
                return self.absent(message, moved);
            };
            // Some resolvers take one of them, others none (RFC 2181, section 10.1).
            if aliases.any(|(_, other)| other != target) {
                return malformed("several CNAMEs of one name");
            }
            self.lower(alias);
            if target == self.start || self.names.contains(&target) {
                return malformed("CNAME loop");
            }
            if self.names.len() == LONGEST {
                return malformed("more than 8 CNAMEs in a row");
            }
            self.names.push(target);
            moved = true;
        }
    }

    /// No records here: an absence, if the message says so about this name (RFC 2308, section 2).
    fn absent(&self, message: &Message, moved: bool) -> Step {
        // Whoever speaks only of others has neither told the records nor denied them.
        if !moved && !message.answers.is_empty() && own(message, self.at()).next().is_none() {
            return malformed("the answer is about other names");
        }
        let soa = soa_for(message, self.at());
        let negative_ttl = soa.map(|(ttl, minimum)| ttl.min(minimum));
        let end = |answer| Step::End { answer, records: Vec::new(), negative_ttl };
        match message.metadata.response_code {
            ResponseCode::NXDomain => end(Answer::NxDomain),
            ResponseCode::NoError if !moved || soa.is_some() => end(Answer::NoData),
            ResponseCode::NoError => Step::Missing,
            code => end(Answer::Rcode(code)),
        }
    }

    fn lower(&mut self, record: &Record) {
        let ttl = lawful(record.ttl);
        self.ttl = Some(self.ttl.map_or(ttl, |known| known.min(ttl)));
    }
}

/// Why `message` cannot be an answer to `question`; only what stands below `zone` is looked at.
pub(super) fn flaw(message: &Message, question: &Question, zone: &Name) -> Option<Answer> {
    match Chain::new(question).follow(message, zone) {
        Step::End { answer: flaw @ Answer::Malformed(_), .. } => Some(flaw),
        _ => None,
    }
}

/// The records of `name` in the answer section.
fn own<'m>(message: &'m Message, name: &'m Name) -> impl Iterator<Item = &'m Record> {
    message.answers.iter().filter(|record| record.dns_class == DNSClass::IN && record.name.eq_ignore_root(name))
}

/// TTL and MINIMUM of the SOA that speaks for `name`.
fn soa_for(message: &Message, name: &Name) -> Option<(u32, u32)> {
    message.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) if record.name.zone_of(name) => Some((lawful(record.ttl), lawful(soa.minimum))),
        _ => None,
    })
}

/// A TTL with the highest bit set is zero (RFC 2181, section 8).
pub(super) fn lawful(ttl: u32) -> u32 {
    if ttl > u32::MAX >> 1 { 0 } else { ttl }
}

fn malformed(reason: &str) -> Step {
    Step::End { answer: Answer::Malformed(reason.to_owned()), records: Vec::new(), negative_ttl: None }
}
