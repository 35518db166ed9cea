//! From the packets of one question to its reply and its line in the transcript.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use hickory_proto::rr::{RData, Record};
use tokio::time::Instant;

use super::question::Question;
use super::reply::{Answer, Reply};
use crate::model::{Exchange, Observation, ObservationId};
use crate::probe::transcript::Transcript;

/// So many records of an answer are written down.
const LINES: usize = 32;

/// Writes `draft` down with the exchanges it took, and makes the reply of it. Beyond the limit of the transcript the
/// reply's id leads nowhere.
pub(super) fn close(transcript: &Transcript, draft: Draft, route: &'static str, log: &Log) -> Reply {
    let exchanges = log.close();
    let tries = u8::try_from(exchanges.len()).unwrap_or(u8::MAX);
    let answer = match draft.answer {
        Answer::Malformed(reason) => Answer::Malformed(transcript.clean(&reason)),
        Answer::Lame(reason) => Answer::Lame(transcript.clean(&reason)),
        other => other,
    };
    let aliases = draft.chain.iter().map(|name| format!("CNAME {}", name.to_ascii()));
    let mut lines: Vec<String> =
        aliases.chain(draft.records.iter().map(presentation)).take(LINES).map(|line| transcript.clean(&line)).collect();
    let more = (draft.chain.len() + draft.records.len()).saturating_sub(LINES);
    if more > 0 {
        lines.push(format!("… {more} more"));
    }
    let observation = Observation {
        id: ObservationId(0),
        part: 0,
        door: "dns".into(),
        question: transcript.clean(&draft.question.to_string()),
        route: route.into(),
        outcome: answer.to_string(),
        answer: lines,
        ttl: draft.ttl,
        negative_ttl: draft.negative_ttl,
        authoritative: draft.aa,
        authenticated: draft.ad,
        rehearsed: draft.rehearsed.iter().map(ToString::to_string).collect(),
        exchanges,
    };
    Reply {
        question: draft.question,
        answer,
        records: draft.records,
        chain: draft.chain,
        ttl: draft.ttl,
        negative_ttl: draft.negative_ttl,
        aa: draft.aa,
        ad: draft.ad,
        tcp: draft.tcp,
        server: draft.server,
        rehearsed: !draft.rehearsed.is_empty(),
        rtt: draft.rtt,
        tries,
        observation: transcript.add(observation),
    }
}

/// A reply in the making.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) question: Question,
    pub(super) answer: Answer,
    pub(super) records: Vec<Record>,
    pub(super) chain: Vec<hickory_proto::rr::Name>,
    pub(super) ttl: Option<u32>,
    pub(super) negative_ttl: Option<u32>,
    pub(super) aa: bool,
    pub(super) ad: bool,
    pub(super) tcp: bool,
    pub(super) server: Option<SocketAddr>,
    /// The files of the rehearsed zones that it comes from.
    pub(super) rehearsed: Vec<Arc<str>>,
    pub(super) rtt: Duration,
}

impl Draft {
    /// Nothing but how it ended.
    pub(super) fn new(question: &Question, answer: Answer) -> Self {
        Self {
            question: question.clone(),
            answer,
            records: Vec::new(),
            chain: Vec::new(),
            ttl: None,
            negative_ttl: None,
            aa: false,
            ad: false,
            tcp: false,
            server: None,
            rehearsed: Vec::new(),
            rtt: Duration::ZERO,
        }
    }
}

/// The exchanges of one question, in the order of sending.
#[derive(Debug)]
pub(super) struct Log {
    /// As long a wait is a time-out even if another server's answer ended it.
    patience: Duration,
    entries: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    server: SocketAddr,
    transport: &'static str,
    at: DateTime<Utc>,
    sent: Instant,
    end: Option<(String, Duration)>,
}

impl Log {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, entries: Mutex::default() }
    }

    /// A packet went out; the number to end it by.
    pub(super) fn begin(&self, server: SocketAddr, transport: &'static str) -> usize {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry { server, transport, at: Utc::now(), sent: Instant::now(), end: None });
        entries.len() - 1
    }

    /// It ended with `outcome`.
    pub(super) fn end(&self, number: usize, outcome: &str) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(number) {
            entry.end = Some((outcome.to_owned(), entry.sent.elapsed()));
        }
    }

    /// Takes the exchanges. One that was still awaited is a `timeout`, or `unneeded` if its time had not come.
    fn close(&self) -> Vec<Exchange> {
        let entries = std::mem::take(&mut *self.entries.lock().unwrap_or_else(PoisonError::into_inner));
        let exchange = |entry: Entry| {
            let (outcome, took) = entry.end.unwrap_or_else(|| {
                let took = entry.sent.elapsed();
                (if took >= self.patience { "timeout" } else { "unneeded" }.to_owned(), took)
            });
            Exchange {
                server: entry.server.to_string(),
                transport: entry.transport.into(),
                outcome,
                at: entry.at,
                took_ms: (took.as_secs_f64() * 1e6).round() / 1e3,
            }
        };
        entries.into_iter().map(exchange).collect()
    }
}

/// `TYPE data`; the character strings of TXT in quotes with the escapes of RFC 1035, section 5.1, other text as it is.
pub fn presentation(record: &Record) -> String {
    let data = match &record.data {
        RData::TXT(txt) => {
            let quoted = txt.txt_data.iter().map(|part| {
                format!("\"{}\"", String::from_utf8_lossy(part).replace('\\', "\\\\").replace('"', "\\\""))
            });
            quoted.collect::<Vec<_>>().join(" ")
        }
        other => {
            let mut data = String::new();
            // OPT and its like, which stand in no zone, have no such form: whoever writes them panics.
            if write!(data, "{other}").is_err() {
                "?".clone_into(&mut data);
            }
            data
        }
    };
    format!("{} {data}", record.record_type())
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::OPT;

    use super::*;

    /// Lost if it fails: a name server that puts an OPT record among its answers would end the check that asked it.
    #[test]
    fn what_stands_in_no_zone_is_written_down_too() {
        let record = Record::from_rdata(Name::root(), 0, RData::OPT(OPT::new(vec![])));
        assert!(presentation(&record).starts_with("OPT "), "{}", presentation(&record));
        let mut record = record;
        record.data = RData::Update0(hickory_proto::rr::RecordType::OPT);
        presentation(&record);
    }
}
