//! Questions into octets, octets into answers; decides which packet answers which question. No I/O.

use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::DNSClass;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use super::question::Question;

/// The largest answer we invite over UDP: what passes every network unfragmented (DNS flag day 2020).
const PAYLOAD: u16 = 1232;

/// The header bits of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags {
    /// RD and AD: asked of a resolver.
    pub(super) recursion: bool,
    /// CD.
    pub(super) checking_disabled: bool,
}

/// What a packet is to somebody who waits for the answer to one question.
#[derive(Debug)]
pub(super) enum Packet {
    /// The answer.
    Answer(Box<Message>),
    /// The answer, cut off (TC).
    Truncated,
    /// The answer, but it cannot be read.
    Unreadable(String),
    /// Not the answer: wrong id, wrong question, not a response.
    Foreign(&'static str),
}

/// The octets of `question`.
pub(super) fn encode(id: u16, question: &Question, flags: Flags, edns: bool) -> Result<Vec<u8>, String> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = flags.recursion;
    message.metadata.authentic_data = flags.recursion;
    message.metadata.checking_disabled = flags.checking_disabled;
    message.add_query(Query::query(question.name.clone(), question.rtype));
    if edns {
        let mut options = Edns::new();
        options.set_max_payload(PAYLOAD);
        message.set_edns(options);
    }
    message.to_vec().map_err(|error| format!("the question cannot be encoded: {error}"))
}

/// What `octets` are to somebody who sent `question` with `id` (RFC 5452, section 9.1).
pub(super) fn decode(octets: &[u8], id: u16, question: &Question) -> Packet {
    let mut decoder = BinDecoder::new(octets);
    let Ok(header) = Header::read(&mut decoder) else { return Packet::Foreign("shorter than a header") };
    if header.metadata.id != id {
        return Packet::Foreign("wrong id");
    }
    if header.metadata.message_type != MessageType::Response || header.metadata.op_code != OpCode::Query {
        return Packet::Foreign("not a response");
    }
    match header.counts.queries {
        1 => match Query::read(&mut decoder) {
            Ok(asked) if is_same(&asked, question) => {}
            Ok(_) => return Packet::Foreign("wrong question"),
            Err(_) => return Packet::Foreign("unreadable question"),
        },
        // Old servers send a bare header with an error; it can hardly be forged, for id and port were right.
        0 if !matches!(header.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain) => {}
        _ => return Packet::Foreign("wrong number of questions"),
    }
    // Before the rest is read: a cut-off answer may end within a record.
    if header.metadata.truncation {
        return Packet::Truncated;
    }
    match Message::from_vec(octets) {
        Ok(message) => Packet::Answer(Box::new(message)),
        Err(error) => Packet::Unreadable(error.to_string()),
    }
}

fn is_same(asked: &Query, question: &Question) -> bool {
    asked.query_type == question.rtype && asked.query_class == DNSClass::IN && asked.name.eq_ignore_root(&question.name)
}
