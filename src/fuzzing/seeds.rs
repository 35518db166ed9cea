//! Inputs that are made: answers of DNS servers, reports, files of rows. `tests/fuzz_seeds.rs` takes the others from files.

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, NS, SOA, TXT};

use super::forms::FULL;
use super::reports::{WANTED, head, sample};
use crate::probe::{Name, RData, Record, RecordType};
use crate::render::{Format, render};
use crate::rows::RowWriter;

/// Good and odd inputs of the target called `name`; none if all stand in files.
pub fn made(name: &str) -> Vec<Vec<u8>> {
    match name {
        "dns" => answers().unwrap_or_default(),
        "report" => (0..13).map(|more| render(&sample(&"x".repeat(more)), Format::Json, &FULL).into_bytes()).collect(),
        "rows" => [true, false].into_iter().flat_map(files).collect(),
        _ => Vec::new(),
    }
}

/// Answers to the questions of the target, with the octet that says to which.
fn answers() -> Option<Vec<Vec<u8>>> {
    let v4 = Name::from_ascii("25.113.0.203.bl.test.").ok()?;
    let v6 = Name::from_ascii("f.9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test.").ok()?;
    let zone = Name::from_ascii("bl.test.").ok()?;
    let mail = Name::from_ascii("example.co.jp.").ok()?;
    let mut found = Vec::new();
    for (choice, name) in [(0, &v4), (1, &v6), (2, &v4), (3, &v6)] {
        let soa = RData::SOA(SOA::new(zone.clone(), zone.clone(), 1, 2, 3, 4, 5));
        let soa = Record::from_rdata(zone.clone(), 60, soa);
        let ns = Record::from_rdata(zone.clone(), 60, RData::NS(NS(mail.clone())));
        let a = |last| Record::from_rdata(name.clone(), 60, RData::A(A::new(127, 0, 0, last)));
        let alias = Record::from_rdata(name.clone(), 60, RData::CNAME(CNAME(zone.clone())));
        let cases = [
            (ResponseCode::NoError, vec![a(2)], Vec::new(), Vec::new()),
            (
                ResponseCode::NoError,
                vec![a(2), a(4)],
                vec![ns.clone()],
                vec![Record::from_rdata(mail.clone(), 60, RData::A(A::new(192, 0, 2, 1)))],
            ),
            (ResponseCode::NoError, Vec::new(), vec![soa.clone()], Vec::new()),
            (ResponseCode::NXDomain, Vec::new(), vec![soa.clone()], Vec::new()),
            (ResponseCode::NXDomain, Vec::new(), Vec::new(), Vec::new()),
            (ResponseCode::NoError, vec![alias.clone()], vec![soa], Vec::new()),
            (
                ResponseCode::NoError,
                vec![alias, Record::from_rdata(zone.clone(), 60, RData::A(A::new(127, 0, 0, 9)))],
                Vec::new(),
                Vec::new(),
            ),
            (ResponseCode::NoError, Vec::new(), vec![ns], Vec::new()),
            (ResponseCode::Refused, Vec::new(), Vec::new(), Vec::new()),
        ];
        for (code, answers, authorities, additionals) in cases {
            let mut message = Message::new(7, MessageType::Response, OpCode::Query);
            message.metadata.response_code = code;
            message.metadata.authoritative = true;
            message.metadata.recursion_available = true;
            message.add_query(Query::query(name.clone(), RecordType::A));
            message.answers = answers;
            message.authorities = authorities;
            message.additionals = additionals;
            let octets = message.to_vec().ok()?;
            // The question is put in by the target.
            let question = 12 + name.len() + 5;
            found.push([&[choice + 4], &octets[..12], octets.get(question..)?].concat());
            found.push([&[choice], octets.as_slice()].concat());
        }
    }
    let mut message = Message::new(7, MessageType::Response, OpCode::Query);
    message.metadata.recursion_available = true;
    message.add_query(Query::query(mail.clone(), RecordType::TXT));
    let texts = [vec![b"v=spf1 -all".as_slice()], Vec::new()];
    message.answers =
        texts.into_iter().map(|text| Record::from_rdata(mail.clone(), 60, RData::TXT(TXT::from_bytes(text)))).collect();
    found.push([&[0], message.to_vec().ok()?.as_slice()].concat());
    Some(found)
}

/// A file of rows at every stage.
fn files(json: bool) -> Vec<Vec<u8>> {
    let file = |rows: u64, ends: bool| {
        let mut writer = RowWriter::begin(head(json), Vec::new()).ok()?;
        (0..rows).try_for_each(|_| writer.add("{\"ip\":\"192.0.2.1\"}")).ok()?;
        let octets = writer.end().ok()?;
        let end = octets.iter().rposition(|octet| *octet == b'{')?;
        let kept: &[u8] = if ends { &octets } else { &octets[..end] };
        Some([&[u8::from(!json)], kept].concat())
    };
    let all = [file(0, false), file(2, false), file(WANTED, false), file(WANTED, true), file(WANTED + 1, true)];
    all.into_iter().flatten().collect()
}
