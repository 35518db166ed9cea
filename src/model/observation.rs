//! One question put to the world, and what came back: the transcript of a run is a list of these.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The place of an observation in the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObservationId(pub u32);

/// One question and its answer. All texts are redacted and made visible before they come here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Its place in the transcript.
    pub id: ObservationId,
    /// The run that asked, as its place in [`Report::parts`](super::Report::parts).
    #[serde(default, skip_serializing_if = "is_first")]
    pub part: usize,
    /// Which door: `dns`, `https`, `smtp`, `imap` or `pop3`.
    pub door: Cow<'static, str>,
    /// The question, as a person would write it: `25.113.0.203.zen.example. A`.
    pub question: String,
    /// Whom it was put to: `resolver`, `authority`, `server`; by HTTPS `https`; mail servers `server`.
    pub route: Cow<'static, str>,
    /// `data`, `nodata`, `nxdomain`, an rcode in lower case, `timeout`, `unreachable`, `malformed`, `truncated`.
    /// By HTTPS the status, `certificate`, `too-long`, `malformed`, `timeout` or `unreachable`; of a conversation with a mail
    /// server `ok`, `refused`, `unreachable`, `timeout`, `closed` or `malformed`.
    pub outcome: String,
    /// The answer's records in presentation form, without owner names; of a conversation its lines, `>` before ours, `<` before
    /// theirs, `-` before what is neither. Bounded.
    pub answer: Vec<String>,
    /// The smallest TTL of the answer in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// How long the absence may be cached, in seconds (RFC 2308, section 5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_ttl: Option<u32>,
    /// The answer was authoritative (AA).
    pub authoritative: bool,
    /// The resolver vouches for DNSSEC (AD).
    pub authenticated: bool,
    /// The files of rehearsed zones that the answer comes from, in whole or in part; empty for what the world said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rehearsed: Vec<String>,
    /// Every packet exchange it took, in order.
    pub exchanges: Vec<Exchange>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_first(part: &usize) -> bool {
    *part == 0
}

/// One packet out and what it brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// Address and port asked.
    pub server: String,
    /// `udp` or `tcp`.
    pub transport: Cow<'static, str>,
    /// As in [`Observation::outcome`].
    pub outcome: String,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
}
