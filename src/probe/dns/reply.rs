//! What came back, with the kinds of "not known" kept apart from the definite answers.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, Record};

use super::question::Question;
use crate::model::{ObservationId, Text, Value};

/// How a question ended. Only the first three are definite; the rest mean *not known*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// NOERROR with records of the type asked for.
    Data,
    /// NOERROR without: the name exists, the type does not (RFC 2308, section 2.2).
    NoData,
    /// The name does not exist (RFC 2308, section 2.1; RFC 8020).
    NxDomain,
    /// The server said no: SERVFAIL, REFUSED, … (RFC 6895, section 2.3).
    Rcode(ResponseCode),
    /// Nothing within the time limit.
    Timeout,
    /// The packet could not be delivered, or the port is closed.
    Unreachable(io::ErrorKind),
    /// An answer that cannot be used; the text says why.
    Malformed(String),
    /// A well-formed answer of a server that does not speak for the name (RFC 1912, section 2.8); the text says why.
    Lame(String),
    /// The answer did not fit into UDP, and TCP failed (RFC 7766, section 5).
    Truncated,
}

impl Answer {
    /// Whether the world said something definite.
    pub fn is_definite(&self) -> bool {
        matches!(self, Self::Data | Self::NoData | Self::NxDomain)
    }

    /// A phrase for how it ended, chiefly for why the answer is not known.
    pub fn why(&self) -> Value {
        let text = |en, ja| Value::from(Text { en, ja });
        match self {
            Answer::Data => text("the server answered", "サーバーは応答した"),
            Answer::NoData => {
                text("the name exists, but has no such record", "名前は存在するが、該当するレコードがない")
            }
            Answer::NxDomain => text("the name does not exist", "名前が存在しない"),
            Answer::Rcode(code) => {
                let word = rcode_word(*code);
                Value::both(format!("the server answered {word}"), format!("サーバーが {word} を返した"))
            }
            Answer::Timeout => text("no answer within the time limit", "制限時間内に応答がない"),
            Answer::Unreachable(kind) => Value::both(
                format!("the server could not be reached ({kind})"),
                format!("サーバーに到達できない ({kind})"),
            ),
            Answer::Malformed(reason) | Answer::Lame(reason) => Value::both(
                format!("the answer cannot be used ({reason})"),
                format!("応答が不正で使用できない ({reason})"),
            ),
            Answer::Truncated => text(
                "the answer did not fit into UDP, and TCP failed",
                "応答が UDP に収まらず、TCP での取得にも失敗した",
            ),
        }
    }

    /// How much a failure tells: when every server failed, the most telling one is reported, the earliest among equals.
    /// An rcode is a statement by a server; a malformed or truncated answer shows that something is there; silence may be
    /// the network anywhere; unreachable is often only this machine.
    pub(in crate::probe) fn weight(&self) -> u8 {
        match self {
            Self::Data | Self::NoData | Self::NxDomain => 5,
            Self::Rcode(_) => 4,
            Self::Malformed(_) | Self::Lame(_) => 3,
            Self::Truncated => 2,
            Self::Timeout => 1,
            Self::Unreachable(_) => 0,
        }
    }
}

/// The word of the transcript: `data`, `nodata`, `nxdomain`, an rcode in lower case, `timeout`, `unreachable`, `malformed`,
/// `truncated`.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data => f.write_str("data"),
            Self::NoData => f.write_str("nodata"),
            Self::NxDomain => f.write_str("nxdomain"),
            Self::Rcode(code) => f.write_str(&rcode_word(*code).to_ascii_lowercase()),
            Self::Timeout => f.write_str("timeout"),
            Self::Unreachable(_) => f.write_str("unreachable"),
            Self::Malformed(_) | Self::Lame(_) => f.write_str("malformed"),
            Self::Truncated => f.write_str("truncated"),
        }
    }
}

/// One question's answer, shared by everybody who asked it in this run.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What was asked.
    pub question: Question,
    /// How it ended.
    pub answer: Answer,
    /// The records of the type asked for, at the end of the CNAME chain.
    pub records: Vec<Record>,
    /// The targets of the CNAMEs that were followed, in order (RFC 1034, section 3.6.2).
    pub chain: Vec<Name>,
    /// The smallest TTL of the records and the CNAMEs before them, in seconds.
    pub ttl: Option<u32>,
    /// How long the absence may be cached, in seconds: the smaller of the SOA's TTL and MINIMUM (RFC 2308, section 5).
    pub negative_ttl: Option<u32>,
    /// The answer was authoritative.
    pub aa: bool,
    /// The resolver vouches for DNSSEC (RFC 6840, section 5.8).
    pub ad: bool,
    /// It came by TCP.
    pub tcp: bool,
    /// Who gave the answer that is reported; nothing if none was reached.
    pub server: Option<SocketAddr>,
    /// It comes, in whole or in part, from a zone that is rehearsed.
    pub rehearsed: bool,
    /// From sending the packet that was answered to its answer.
    pub rtt: Duration,
    /// How many packets (or TCP queries) went out for it.
    pub tries: u8,
    /// Its place in the transcript.
    pub observation: ObservationId,
}

impl Reply {
    /// Whether the world said something definite.
    pub fn is_definite(&self) -> bool {
        self.answer.is_definite()
    }

    /// The addresses in A and AAAA records.
    pub fn addresses(&self) -> Vec<IpAddr> {
        addresses(&self.records)
    }

    /// The addresses in A records.
    pub fn ipv4(&self) -> Vec<Ipv4Addr> {
        ipv4(&self.records)
    }

    /// The names that PTR, NS, MX and CNAME records point to, in the order received, as written by the server.
    pub fn names(&self) -> Vec<Name> {
        let name = |record: &Record| match &record.data {
            RData::PTR(name) => Some(name.0.clone()),
            RData::NS(name) => Some(name.0.clone()),
            RData::CNAME(name) => Some(name.0.clone()),
            RData::MX(mx) => Some(mx.exchange.clone()),
            _ => None,
        };
        self.records.iter().filter_map(name).collect()
    }

    /// The TXT records, the character strings of each joined without a separator (RFC 7208, section 3.3).
    pub fn texts(&self) -> Vec<Vec<u8>> {
        let text = |record: &Record| match &record.data {
            RData::TXT(txt) => Some(txt.txt_data.concat()),
            _ => None,
        };
        self.records.iter().filter_map(text).collect()
    }

    /// A phrase for how it ended, chiefly for why the answer is not known.
    pub fn why(&self) -> Value {
        self.answer.why()
    }
}

/// The mnemonic of RFC 6895, section 2.3.
fn rcode_word(code: ResponseCode) -> String {
    match code {
        ResponseCode::Unknown(number) => format!("RCODE{number}"),
        known => format!("{known:?}").to_ascii_uppercase(),
    }
}

/// The addresses in A records.
pub(in crate::probe) fn ipv4(records: &[Record]) -> Vec<Ipv4Addr> {
    let address = |record: &Record| match &record.data {
        RData::A(a) => Some(a.0),
        _ => None,
    };
    records.iter().filter_map(address).collect()
}

/// The addresses in A and AAAA records.
pub(super) fn addresses(records: &[Record]) -> Vec<IpAddr> {
    let address = |record: &Record| match &record.data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    };
    records.iter().filter_map(address).collect()
}
