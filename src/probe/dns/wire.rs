//! Questions into octets, octets into answers; decides which packet answers which question. No I/O.

use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};
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
pub(in crate::probe) enum Packet {
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
pub(in crate::probe) fn decode(octets: &[u8], id: u16, question: &Question) -> Packet {
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
    match Message::from_vec(octets).or_else(|error| with_empty_texts(&header, decoder).ok_or(error)) {
        Ok(message) => Packet::Answer(Box::new(message)),
        Err(error) => Packet::Unreadable(error.to_string()),
    }
}

/// The message whose `header` and question are read, if nothing is wrong with it but TXT records without any character string:
/// they break RFC 1035, section 3.3.14, but other readers take the records beside them all the same.
fn with_empty_texts(header: &Header, mut decoder: BinDecoder<'_>) -> Option<Message> {
    let mut message = Message::new(header.metadata.id, header.metadata.message_type, header.metadata.op_code);
    message.metadata = header.metadata;
    let mut section = |count: u16| {
        let mut records = Vec::new();
        for _ in 0..count {
            let mut record = Record::read(&mut decoder).ok()?;
            match record.data {
                RData::Update0(RecordType::TXT) => record.data = RData::TXT(TXT::from_bytes(Vec::new())),
                // Empty by right; left out below.
                RData::Update0(RecordType::OPT) => {}
                RData::Update0(_) => return None,
                _ => {}
            }
            records.push(record);
        }
        Some(records)
    };
    message.answers = section(header.counts.answers)?;
    message.authorities = section(header.counts.authorities)?;
    message.additionals = section(header.counts.additionals)?;
    if let Some(options) = message.additionals.iter().find(|record| record.record_type() == RecordType::OPT) {
        // The upper bits of the code stand in its TTL (RFC 6891, section 6.1.3).
        message.metadata.merge_response_code(options.ttl.to_be_bytes()[0]);
    }
    message.additionals.retain(|record| record.record_type() != RecordType::OPT);
    Some(message)
}

fn is_same(asked: &Query, question: &Question) -> bool {
    asked.query_type == question.rtype && asked.query_class == DNSClass::IN && asked.name.eq_ignore_root(&question.name)
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::{A, NULL};

    use super::*;

    fn answer(question: &Question, records: Vec<RData>) -> Packet {
        answer_with(question, records, ResponseCode::NoError)
    }

    fn answer_with(question: &Question, records: Vec<RData>, code: ResponseCode) -> Packet {
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        message.add_query(Query::query(question.name.clone(), question.rtype));
        message.answers = records
            .into_iter()
            .map(|data| Record::from_rdata(Name::from_ascii("a.test.").unwrap(), 60, data))
            .collect();
        message.metadata.response_code = code;
        message.set_edns(Edns::new());
        decode(&message.to_vec().unwrap(), 7, question)
    }

    /// Lost if it fails: a TXT record without strings would hide the SPF record beside it, which receivers see.
    #[test]
    fn empty_texts_do_not_spoil_the_others() {
        let question = Question::new("a.test", RecordType::TXT).unwrap();
        let texts = [TXT::from_bytes(Vec::new()), TXT::from_bytes(vec![b"v=spf1"])].map(RData::TXT);
        match answer(&question, texts.to_vec()) {
            Packet::Answer(message) => {
                let found: Vec<_> = message.answers.iter().map(|record| record.data.clone()).collect();
                assert_eq!(found, texts);
                assert!(message.additionals.is_empty(), "{:?}", message.additionals);
            }
            other => panic!("{other:?}"),
        }
    }

    /// Lost if it fails: an error whose number does not fit into the header (RFC 6891, section 6.1.3) would count as NOERROR.
    #[test]
    fn the_whole_error_code_is_read() {
        let question = Question::new("a.test", RecordType::TXT).unwrap();
        for texts in [vec![b"v=spf1".as_slice()], Vec::new()] {
            match answer_with(&question, vec![RData::TXT(TXT::from_bytes(texts))], ResponseCode::BADCOOKIE) {
                Packet::Answer(message) => assert_eq!(message.metadata.response_code, ResponseCode::BADCOOKIE),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Lost if it fails: an address without octets would count as read.
    #[test]
    fn other_empty_records_are_unreadable() {
        let question = Question::new("a.test", RecordType::A).unwrap();
        let empty = RData::Unknown { code: RecordType::A, rdata: NULL::new() };
        let packet = answer(&question, vec![RData::A(A::new(192, 0, 2, 1)), empty]);
        assert!(matches!(packet, Packet::Unreadable(_)), "{packet:?}");
    }
}
