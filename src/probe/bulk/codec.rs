//! The octets of a question about an address, and the plain answers to it, by hand (RFC 1035, section 4).

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

use hickory_proto::op::ResponseCode;

/// Id, flags and four counts.
const HEADER: usize = 12;
/// So many addresses of one answer are read here; more are for the ordinary door.
const MOST_ADDRESSES: usize = 16;
/// Of a name in octets, without the last one, which is zero (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 254;
const TYPE_A: u16 = 1;
const TYPE_NS: u16 = 2;
const TYPE_SOA: u16 = 6;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;

/// What a datagram is to somebody who waits for the answer to one question.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::probe) enum Packet {
    /// The answer: addresses, or none if there is no such record.
    Addresses(Vec<Ipv4Addr>),
    /// The answer: the server says no.
    Rcode(ResponseCode),
    /// The answer, but not a plain one: the ordinary door reads it better.
    Odd,
    /// Not the answer.
    Foreign,
}

/// Writes the question for the A records of `target` in `zone`, which is in wire form. The id is left at zero.
pub(in crate::probe) fn encode(packet: &mut Vec<u8>, recursion: bool, target: IpAddr, zone: &[u8]) {
    packet.clear();
    packet.extend_from_slice(&[0, 0, u8::from(recursion), 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    match target {
        // RFC 5782, section 2.1.
        IpAddr::V4(v4) => v4.octets().iter().rev().for_each(|octet| push_decimal(packet, *octet)),
        // Section 2.4.
        IpAddr::V6(v6) => {
            for octet in v6.octets().iter().rev() {
                packet.extend_from_slice(&[1, nibble(octet & 0xf), 1, nibble(octet >> 4)]);
            }
        }
    }
    packet.extend_from_slice(zone);
    packet.extend_from_slice(&[0, 1, 0, 1]);
}

/// A label with `octet` in decimal.
fn push_decimal(packet: &mut Vec<u8>, octet: u8) {
    let (hundreds, tens, ones) = (b'0' + octet / 100, b'0' + octet / 10 % 10, b'0' + octet % 10);
    match octet {
        100.. => packet.extend_from_slice(&[3, hundreds, tens, ones]),
        10.. => packet.extend_from_slice(&[2, tens, ones]),
        _ => packet.extend_from_slice(&[1, ones]),
    }
}

fn nibble(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

/// The labels of the name that `packet`, a question of ours, asks for.
pub(in crate::probe) fn labels(packet: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = packet.get(HEADER..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first()?;
        let label = after.get(..usize::from(*length)).filter(|label| !label.is_empty())?;
        rest = &after[label.len()..];
        Some(label)
    })
}

/// What `octets` are to somebody who sent `asked` (RFC 5452, section 9.1). An answer that claims to come from a server of the zone
/// must have authority where `authority` was asked.
pub(in crate::probe) fn decode(octets: &[u8], asked: &[u8], authority: bool) -> Packet {
    let (Some(header), Some(question)) = (octets.get(..HEADER), asked.get(HEADER..)) else { return Packet::Foreign };
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let (is_response, is_plain_query) = (header[2] & 0x80 != 0, header[2] & 0x78 == 0);
    if header[..2] != asked[..2] || !is_response || !is_plain_query {
        return Packet::Foreign;
    }
    let code = ResponseCode::from_low(header[3]);
    let is_definite = matches!(code, ResponseCode::NoError | ResponseCode::NXDomain);
    // Old servers send a bare header with an error.
    if count(4) == 0 && !is_definite {
        return Packet::Odd;
    }
    // No length octet of a label is a letter, and neither type nor class holds one.
    if count(4) != 1 || !octets.get(HEADER..asked.len()).is_some_and(|echo| echo.eq_ignore_ascii_case(question)) {
        return Packet::Foreign;
    }
    let (is_cut, has_authority) = (header[2] & 0x02 != 0, header[2] & 0x04 != 0);
    if is_cut || is_definite && authority && !has_authority {
        return Packet::Odd;
    }
    if !is_definite {
        return Packet::Rcode(code);
    }
    match read(octets, asked.len(), [count(6), count(8), count(10)]) {
        Some(Records { addresses, has_soa }) => match code {
            ResponseCode::NXDomain if addresses.is_empty() => Packet::Addresses(addresses),
            ResponseCode::NoError if !addresses.is_empty() || has_soa => Packet::Addresses(addresses),
            _ => Packet::Odd,
        },
        None => Packet::Odd,
    }
}

/// What the sections after the question hold.
struct Records {
    addresses: Vec<Ipv4Addr>,
    has_soa: bool,
}

/// Reads the sections from `at` on; nothing if an answer is no address of the name asked for, or if anything else stands there than name
/// servers put beside a plain answer: what is broken, and what may mean something else (RFC 6891, section 6.1.3), is not read past.
fn read(octets: &[u8], mut at: usize, [answers, authorities, additionals]: [u16; 3]) -> Option<Records> {
    let end_of_question = at;
    let mut found = Records { addresses: Vec::new(), has_soa: false };
    if usize::from(answers) > MOST_ADDRESSES {
        return None;
    }
    for _ in 0..answers {
        let record = record(octets, at)?;
        let owner = octets.get(at..record.owner_end)?;
        // A pointer to the question, or its name in full.
        let is_own = owner == [0xc0, 0x0c] || owner.eq_ignore_ascii_case(octets.get(HEADER..end_of_question - 4)?);
        if !is_own || (record.kind, record.class) != (TYPE_A, CLASS_IN) {
            return None;
        }
        let address: [u8; 4] = octets.get(record.data.clone())?.try_into().ok()?;
        found.addresses.push(address.into());
        at = record.data.end;
    }
    for _ in 0..authorities {
        let record = record(octets, at)?;
        let start = record.data.start;
        let end = match record.kind {
            TYPE_NS => name_end(octets, start)?,
            // Two names, and five numbers (RFC 1035, section 3.3.13).
            TYPE_SOA => name_end(octets, name_end(octets, start)?)? + 20,
            _ => return None,
        };
        if end != record.data.end {
            return None;
        }
        found.has_soa |= record.kind == TYPE_SOA;
        at = end;
    }
    for _ in 0..additionals {
        let record = record(octets, at)?;
        if !matches!((record.kind, record.data.len()), (TYPE_A, 4) | (TYPE_AAAA, 16)) {
            return None;
        }
        at = record.data.end;
    }
    Some(found)
}

/// The outline of a record.
struct Outline {
    owner_end: usize,
    kind: u16,
    class: u16,
    data: Range<usize>,
}

fn record(octets: &[u8], at: usize) -> Option<Outline> {
    let owner_end = name_end(octets, at)?;
    let fixed: &[u8; 10] = octets.get(owner_end..owner_end + 10)?.try_into().ok()?;
    let number = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
    let start = owner_end + 10;
    let data = start..start + usize::from(number(8));
    (data.end <= octets.len()).then(|| Outline { owner_end, kind: number(0), class: number(2), data })
}

/// Where the name at `at` ends; nothing if it cannot be read to its end (RFC 1035, section 4.1.4). Every pointer leads to a prior name, which
/// ends before the pointer's own, so that there is no loop.
fn name_end(octets: &[u8], mut at: usize) -> Option<usize> {
    let (mut end, mut begin, mut left) = (None, at, LONGEST_NAME);
    let mut limit = octets.len();
    loop {
        if at >= limit {
            return None;
        }
        match *octets.get(at)? {
            0 => return Some(end.unwrap_or(at + 1)),
            length @ 1..=63 => {
                left = left.checked_sub(1 + usize::from(length))?;
                at += 1 + usize::from(length);
            }
            high @ 0xc0.. => {
                let target = usize::from(u16::from_be_bytes([high & 0x3f, *octets.get(at + 1)?]));
                end = end.or(Some(at + 2));
                if target >= begin {
                    return None;
                }
                (at, limit, begin) = (target, begin, target);
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{Message, MessageType, OpCode, Query};
    use hickory_proto::rr::rdata::{A, CNAME, NS, SOA};
    use hickory_proto::rr::{Name, RData, Record, RecordType};

    use super::*;

    const ZONE: &[u8] = b"\x02bl\x04test\x00";

    fn asked(target: &str) -> Vec<u8> {
        let mut packet = Vec::new();
        encode(&mut packet, true, target.parse().unwrap(), ZONE);
        packet[1] = 7;
        packet
    }

    /// An answer made by another codec.
    fn answer(to: &[u8], change: impl FnOnce(&mut Message)) -> Vec<u8> {
        let query = Message::from_vec(to).unwrap();
        let mut message = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        message.metadata.authoritative = true;
        message.add_query(query.queries[0].clone());
        change(&mut message);
        message.to_vec().unwrap()
    }

    fn own(message: &Message, data: RData) -> Record {
        Record::from_rdata(message.queries[0].name.clone(), 60, data)
    }

    fn soa() -> Record {
        let name = Name::from_ascii("bl.test.").unwrap();
        Record::from_rdata(name.clone(), 60, RData::SOA(SOA::new(name.clone(), name, 1, 2, 3, 4, 5)))
    }

    /// Lost if it fails: the list would be asked about another address, and every address would look clean.
    #[test]
    fn questions_read_by_another_codec() {
        for (target, name) in [
            ("203.0.113.25", "25.113.0.203.bl.test."),
            ("10.99.100.255", "255.100.99.10.bl.test."),
            ("2001:db8::9f", "f.9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test."),
        ] {
            let message = Message::from_vec(&asked(target)).unwrap();
            assert_eq!(message.queries, [Query::query(Name::from_ascii(name).unwrap(), RecordType::A)], "{target}");
            assert!(message.metadata.recursion_desired && message.metadata.message_type == MessageType::Query);
            let ours: Vec<String> = labels(&asked(target)).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
            assert_eq!(ours.join(".") + ".", name);
        }
    }

    /// Lost if it fails: a listing or a clean address would be read as its opposite, or as unknown.
    #[test]
    fn plain_answers_are_read() {
        let asked = asked("203.0.113.25");
        let listed = answer(&asked, |message| {
            message.answers = [2, 10].map(|last| own(message, RData::A(A::new(127, 0, 0, last)))).to_vec();
            message.authorities.push(Record::from_rdata(
                Name::from_ascii("bl.test.").unwrap(),
                60,
                RData::NS(NS(Name::from_ascii("ns.test.").unwrap())),
            ));
        });
        let codes = vec![[127, 0, 0, 2].into(), [127, 0, 0, 10].into()];
        assert_eq!(decode(&listed, &asked, true), Packet::Addresses(codes));
        let nodata = answer(&asked, |message| message.authorities.push(soa()));
        assert_eq!(decode(&nodata, &asked, true), Packet::Addresses(Vec::new()));
        let absent = answer(&asked, |message| message.metadata.response_code = ResponseCode::NXDomain);
        assert_eq!(decode(&absent, &asked, true), Packet::Addresses(Vec::new()));
        let upper: Vec<u8> = [&absent[..12], &absent[12..].to_ascii_uppercase()].concat();
        assert_eq!(decode(&upper, &asked, true), Packet::Addresses(Vec::new()));
        let refused = answer(&asked, |message| message.metadata.response_code = ResponseCode::Refused);
        assert_eq!(decode(&refused, &asked, false), Packet::Rcode(ResponseCode::Refused));
    }

    /// Lost if it fails: an answer that says nothing certain would count as clean.
    #[test]
    fn what_is_not_plain_is_left_to_the_ordinary_door() {
        let asked = asked("203.0.113.25");
        let listed = answer(&asked, |message| message.answers = vec![own(message, RData::A(A::new(127, 0, 0, 2)))]);
        let mut cases: Vec<Vec<u8>> = vec![
            answer(&asked, |message| message.metadata.truncation = true),
            answer(&asked, |_| {}),
            answer(&asked, |message| {
                message.answers = vec![own(message, RData::CNAME(CNAME(Name::from_ascii("a.test.").unwrap())))];
            }),
            answer(&asked, |message| {
                message.answers =
                    vec![Record::from_rdata(Name::from_ascii("a.test.").unwrap(), 60, RData::A(A::new(127, 0, 0, 2)))];
            }),
            answer(&asked, |message| {
                message.answers = vec![own(message, RData::A(A::new(127, 0, 0, 2))); MOST_ADDRESSES + 1];
            }),
            answer(&asked, |message| {
                message.metadata.response_code = ResponseCode::NXDomain;
                message.metadata.authoritative = false;
            }),
            answer(&asked, |message| {
                message.metadata.response_code = ResponseCode::NXDomain;
                message.answers = vec![own(message, RData::A(A::new(127, 0, 0, 2)))];
            }),
            // A bare header that says FORMERR.
            vec![0, 7, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ];
        // Cut off anywhere within its record.
        cases.extend((asked.len()..listed.len()).map(|end| listed[..end].to_vec()));
        for case in cases {
            assert_eq!(decode(&case, &asked, true), Packet::Odd, "{case:?}");
        }
    }

    /// Lost if it fails: an answer that the ordinary door calls broken, or a refusal, would count as clean because it came in bulk.
    #[test]
    fn what_stands_beside_an_answer_is_read_too() {
        let asked = asked("203.0.113.25");
        let absent = answer(&asked, |message| {
            message.metadata.response_code = ResponseCode::NXDomain;
            message.authorities.push(soa());
        });
        assert_eq!(decode(&absent, &asked, true), Packet::Addresses(Vec::new()));
        let start = asked.len();
        let with = |at: usize, octets: &[u8]| {
            let mut changed = absent.clone();
            changed[at..at + octets.len()].copy_from_slice(octets);
            changed
        };
        let bare = answer(&asked, |message| message.metadata.response_code = ResponseCode::NXDomain);
        let own = u8::try_from(bare.len()).unwrap();
        let beside = |section: usize, record: &[u8]| {
            let mut changed = [bare.as_slice(), record].concat();
            changed[section + 1] = 1;
            changed
        };
        for (why, case) in [
            ("an owner that points at itself", with(start, &[0xc0, u8::try_from(start).unwrap()])),
            ("an owner that points forward", with(start, &[0xc0, u8::try_from(start + 8).unwrap()])),
            (
                "a name that goes on into its own pointer",
                beside(8, &[0xc0, 0x0c, 0, 2, 0, 1, 0, 0, 0, 4, 0, 2, 0xc0, own + 9, 0]),
            ),
            ("a record of DNSSEC", with(start + 3, &[47])),
            ("data cut short", with(start + 10, &[0, 3])),
            ("an error code above 15", beside(10, &[0, 0, 41, 4, 0, 1, 0, 0, 0, 0, 0])),
            ("an address of three octets", beside(10, &[0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 3, 127, 0, 0])),
            ("a server whose name is cut off", beside(8, &[0xc0, 0x0c, 0, 2, 0, 1, 0, 0, 0, 60, 0, 2, 5, b'a'])),
        ] {
            assert_eq!(decode(&case, &asked, true), Packet::Odd, "{why}: {case:?}");
        }
    }

    /// Lost if it fails: somebody else's answer, or a forged one, would be taken for the list's.
    #[test]
    fn what_is_no_answer_is_foreign() {
        let asked = asked("203.0.113.25");
        let good = answer(&asked, |message| message.metadata.response_code = ResponseCode::NXDomain);
        assert_eq!(decode(&good, &asked, true), Packet::Addresses(Vec::new()));
        let with = |at: usize, octet: u8| {
            let mut octets = good.clone();
            octets[at] = octet;
            octets
        };
        let last_of_class = asked.len() - 1;
        for case in [
            with(1, 8),
            with(2, 0),
            with(2, 0x84 | 0x10),
            with(5, 2),
            with(5, 0),
            with(13, b'3'),
            with(12, 1),
            with(last_of_class, 3),
            good[..11].to_vec(),
            good[..asked.len() - 1].to_vec(),
            asked.clone(),
            Vec::new(),
        ] {
            assert_eq!(decode(&case, &asked, true), Packet::Foreign, "{case:?}");
        }
    }
}
