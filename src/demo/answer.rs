//! From a question to the answer that a recursive resolver (RD=1) or an authority (RD=0) would give.

use std::collections::HashMap;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{self, A, NS};
use hickory_proto::rr::{LowerName, Name, RData, Record, RecordType};

use super::fault::{Fault, Rule};
use crate::zonefile::{Found, Zone};

/// The longest chain of aliases that is followed; resolvers give up between 8 and 16.
const LONGEST_CHAIN: usize = 12;
/// The TTL of records that no zone has, in seconds.
const TTL: u32 = 300;
/// What the world accepts over UDP (the value of DNS flag day 2020).
const UDP_SIZE: u16 = 1232;

/// Everything the world knows.
pub(super) struct Knowledge {
    zones: HashMap<LowerName, Zone>,
    rules: Vec<Rule>,
    authenticated: Vec<LowerName>,
}

impl Knowledge {
    pub(super) fn fault(&self, question: &Message) -> Option<&Fault> {
        self.rules.iter().find_map(|rule| rule.befalls(question))
    }

    /// The answer, with the faults that change its content applied.
    pub(super) fn answer(&self, question: &Message, fault: Option<&Fault>) -> Message {
        let mut reply = Message::new(question.metadata.id, MessageType::Response, question.metadata.op_code);
        reply.metadata.recursion_desired = question.metadata.recursion_desired;
        reply.metadata.recursion_available = question.metadata.recursion_desired;
        reply.metadata.checking_disabled = question.metadata.checking_disabled;
        reply.queries.clone_from(&question.queries);
        if let Some(edns) = &question.edns {
            let mut own = Edns::new();
            own.set_max_payload(UDP_SIZE).set_dnssec_ok(edns.flags().dnssec_ok);
            reply.set_edns(own);
        }
        if question.metadata.op_code != OpCode::Query {
            reply.metadata.response_code = ResponseCode::NotImp;
            return reply;
        }
        let [query] = question.queries.as_slice() else {
            reply.metadata.response_code = ResponseCode::FormErr;
            return reply;
        };
        match fault {
            Some(Fault::ServFail) => reply.metadata.response_code = ResponseCode::ServFail,
            Some(Fault::Refused) => reply.metadata.response_code = ResponseCode::Refused,
            Some(Fault::NoEdns) if question.edns.is_some() => {
                reply.metadata.response_code = ResponseCode::FormErr;
                reply.edns = None;
            }
            Some(Fault::FormErr) => {
                reply.metadata.response_code = ResponseCode::FormErr;
                reply.edns = None;
            }
            Some(Fault::Lame) => {}
            Some(Fault::NxDomain) => {
                reply.metadata.authoritative = !question.metadata.recursion_desired;
                reply.metadata.response_code = ResponseCode::NXDomain;
                reply.authorities.extend(self.zone(&query.name, query.query_type).and_then(Zone::negative));
            }
            Some(Fault::Data(data)) => {
                reply.metadata.authoritative = !question.metadata.recursion_desired;
                let record = |data: &RData| Record::from_rdata(query.name.clone(), TTL, data.clone());
                reply.answers.extend(data.iter().map(record));
                if data.is_empty() {
                    reply.authorities.extend(self.zone(&query.name, query.query_type).and_then(Zone::negative));
                }
            }
            Some(Fault::AliasLoop) => {
                reply.metadata.authoritative = !question.metadata.recursion_desired;
                reply.answers.extend(loop_of(&query.name));
            }
            Some(Fault::Always(ip)) if query.query_type == RecordType::A => {
                reply.metadata.authoritative = !question.metadata.recursion_desired;
                reply.answers.push(Record::from_rdata(query.name.clone(), 300, RData::A(A(*ip))));
            }
            _ => self.resolve(&query.name, query.query_type, &mut reply),
        }
        if let Some(Fault::NxRewrite(ip)) = fault
            && reply.metadata.response_code == ResponseCode::NXDomain
        {
            reply.metadata.response_code = ResponseCode::NoError;
            reply.authorities.clear();
            if query.query_type == RecordType::A {
                reply.answers.push(Record::from_rdata(query.name.clone(), 60, RData::A(A(*ip))));
            }
        }
        reply.metadata.authentic_data = self.authentic(question, &reply);
        match fault {
            Some(Fault::WrongQuestion) => ask_another(&mut reply),
            Some(Fault::Huge) => fill(&mut reply),
            Some(Fault::Ttl(seconds)) => {
                let sections = [&mut reply.answers, &mut reply.authorities];
                sections.into_iter().flatten().for_each(|record| record.ttl = *seconds);
            }
            _ => {}
        }
        reply
    }

    /// Takes the zones; each one's apex exists in the zone around it.
    pub(super) fn new(mut zones: HashMap<LowerName, Zone>, rules: Vec<Rule>, authenticated: Vec<LowerName>) -> Self {
        let origins: Vec<LowerName> = zones.keys().filter(|origin| !origin.is_root()).cloned().collect();
        for origin in origins {
            let mut at = origin.base_name();
            while !zones.contains_key(&at) && !at.is_root() {
                at = at.base_name();
            }
            if let Some(around) = zones.get_mut(&at) {
                around.admit(origin);
            }
        }
        Self { zones, rules, authenticated }
    }

    fn resolve(&self, asked: &Name, rtype: RecordType, reply: &mut Message) {
        let recursive = reply.metadata.recursion_desired;
        let mut name = asked.clone();
        let mut within: Option<LowerName> = None;
        for _ in 0..LONGEST_CHAIN {
            let Some(zone) = self.zone(&name, rtype) else {
                // An authority that followed an alias out of its zones has answered all the same.
                let code = if reply.answers.is_empty() { ResponseCode::Refused } else { ResponseCode::ServFail };
                reply.metadata.response_code = if recursive || within.is_none() { code } else { ResponseCode::NoError };
                return;
            };
            if !recursive && within.as_ref().is_some_and(|origin| origin != zone.origin()) {
                return;
            }
            within = Some(zone.origin().clone());
            reply.metadata.authoritative = !recursive;
            match zone.find(&name, rtype) {
                Found::Data(records) => {
                    reply.answers.extend(records);
                    return;
                }
                Found::Alias(record, target) => {
                    reply.answers.push(*record);
                    name = target;
                }
                Found::NoData => {
                    reply.authorities.extend(zone.negative());
                    return;
                }
                Found::NxDomain => {
                    reply.metadata.response_code = ResponseCode::NXDomain;
                    reply.authorities.extend(zone.negative());
                    return;
                }
                Found::Referral(servers) if recursive => {
                    // The servers of the child are not in this world: a resolver would get no answer from them.
                    drop(servers);
                    reply.answers.clear();
                    reply.metadata.response_code = ResponseCode::ServFail;
                    return;
                }
                Found::Referral(servers) => {
                    reply.metadata.authoritative = !reply.answers.is_empty();
                    for server in &servers {
                        if let RData::NS(NS(host)) = &server.data {
                            reply.additionals.extend(zone.glue(host));
                        }
                    }
                    reply.authorities.extend(servers);
                    return;
                }
            }
        }
        reply.answers.clear();
        reply.metadata.response_code = ResponseCode::ServFail;
    }

    /// The most specific zone for a name; for DS the one above the cut.
    fn zone(&self, name: &Name, rtype: RecordType) -> Option<&Zone> {
        let at = LowerName::new(name);
        if rtype == RecordType::DS
            && !at.is_root()
            && self.zones.contains_key(&at)
            && let Some(parent) = self.enclosing(at.base_name())
        {
            return Some(parent);
        }
        self.enclosing(at)
    }

    fn enclosing(&self, mut at: LowerName) -> Option<&Zone> {
        loop {
            if let Some(zone) = self.zones.get(&at) {
                return Some(zone);
            }
            if at.is_root() {
                return None;
            }
            at = at.base_name();
        }
    }

    /// AD: the asker wants to know (AD or DO), a resolver answers, and every name in the answer is authenticated.
    fn authentic(&self, question: &Message, reply: &Message) -> bool {
        let wanted = question.metadata.authentic_data || question.edns.as_ref().is_some_and(|e| e.flags().dnssec_ok);
        let covered = |name: &Name| {
            let name = LowerName::new(name);
            self.authenticated.iter().any(|below| below.zone_of(&name))
        };
        wanted
            && question.metadata.recursion_desired
            && matches!(reply.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
            && question.queries.iter().all(|q| covered(&q.name))
            && reply.answers.iter().all(|r| covered(&r.name))
            && reply.authorities.iter().all(|r| covered(&r.name))
    }
}

/// Two names that are aliases of each other.
fn loop_of(name: &Name) -> Vec<Record> {
    let Ok(other) = Name::from_ascii("loop.").and_then(|word| word.append_domain(&name.base_name())) else {
        return Vec::new();
    };
    let alias = |from: &Name, to: &Name| Record::from_rdata(from.clone(), TTL, RData::CNAME(rdata::CNAME(to.clone())));
    vec![alias(name, &other), alias(&other, name)]
}

/// Puts another name in the place of the one that was asked for, in the question and in the answer.
fn ask_another(reply: &mut Message) {
    let Ok(other) = Name::from_ascii("another.test.") else { return };
    for query in &mut reply.queries {
        query.name = other.clone();
    }
    if let Some(first) = reply.answers.first_mut() {
        first.name = other;
    }
}

/// Fills the additional section up to the size of the largest message (RFC 1035, section 4.2.2).
fn fill(reply: &mut Message) {
    let Some(owner) = reply.queries.first().map(|query| query.name.clone()) else { return };
    let text = vec![b'x'; 255];
    loop {
        let texts = RData::TXT(rdata::TXT::from_bytes(vec![text.as_slice(); 4]));
        reply.additionals.push(Record::from_rdata(owner.clone(), TTL, texts));
        if reply.to_vec().map_or(usize::MAX, |bytes| bytes.len()) > usize::from(u16::MAX) - 1100 {
            return;
        }
    }
}

/// The bytes for UDP: whole if they fit what the asker takes, else truncated.
pub(super) fn for_udp(reply: &Message, question: &Message, truncate: bool) -> Option<Vec<u8>> {
    let room = question.edns.as_ref().map_or(512, |edns| usize::from(edns.max_payload().max(512)));
    if !truncate
        && let Ok(bytes) = reply.to_vec()
        && bytes.len() <= room
    {
        return Some(bytes);
    }
    reply.truncate().to_vec().ok()
}
