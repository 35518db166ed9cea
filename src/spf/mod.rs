//! Whether a domain lets an address send its mail: `check_host()` of RFC 7208, put to the real DNS.

mod details;
mod evaluate;
pub(crate) mod expand;
mod lookup;
mod mechanism;
mod problem;
mod survey;
mod tree;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::model::{Text, Value};
use crate::probe::{Dns, Question, RData, Route};

pub use problem::{Cause, Problem};
pub use survey::{Branch, Leaf, Survey, Unfollowed};
pub use tree::{Evaluation, Fate, Matched, Query, Step, Visit};

/// What a receiver knows about a message before its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The client's address; an IPv4-mapped one counts as IPv4.
    pub ip: IpAddr,
    /// The name in HELO or EHLO.
    pub helo: String,
    /// The address in MAIL FROM. Empty, it stands for `postmaster@` the HELO name (RFC 7208, section 2.4), which is also how
    /// the HELO name itself is checked.
    pub sender: String,
    /// The name of the host that checks, for `%{r}`.
    pub receiver: String,
    /// When, in seconds since 1970, for `%{t}`.
    pub at: i64,
}

impl Envelope {
    /// A message from `ip` with the sender `sender` and the HELO name `helo`, at an unknown receiver, at no time.
    pub fn new(ip: IpAddr, helo: impl Into<String>, sender: impl Into<String>) -> Self {
        Self { ip, helo: helo.into(), sender: sender.into(), receiver: "unknown".to_owned(), at: 0 }
    }
}

/// How far an evaluation goes (RFC 7208, section 4.6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Terms that ask the DNS. Default 10.
    pub lookups: u32,
    /// Questions whose answer is that there is nothing. Default 2.
    pub voids: u32,
    /// Mail exchangers of one `mx`; more are a "permerror". Default 10.
    pub exchangers: usize,
    /// Reverse names of the address; the others are ignored. Default 10.
    pub reverse_names: usize,
    /// How long it may take; longer is a "temperror". Default 20 s.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lookups: 10, voids: 2, exchangers: 10, reverse_names: 10, time: Duration::from_secs(20) }
    }
}

/// A result (RFC 7208, section 2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpfResult {
    /// There is no record, or no domain to look for one.
    None,
    /// The domain says nothing about this address.
    Neutral,
    /// The address may send.
    Pass,
    /// It may not.
    Fail,
    /// It probably may not.
    SoftFail,
    /// The DNS did not answer: later it may.
    TempError,
    /// The records cannot be understood, or cost too much.
    PermError,
}

/// The word of RFC 7208, section 2.6.
impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        })
    }
}

/// Evaluates records by asking through one door.
#[derive(Clone, Debug)]
pub struct Evaluator {
    dns: Dns,
    route: Route,
    otherwise: Option<Route>,
    /// The first route leads to nobody.
    is_shut: Arc<AtomicBool>,
    limits: Limits,
    supposed: Arc<Supposed>,
}

/// Records of a world that is not yet: what each of these questions will be answered with.
pub type Supposed = HashMap<Question, Vec<RData>>;

impl Evaluator {
    /// An evaluator that asks the configured resolvers, with the limits of the RFC.
    pub fn new(dns: Dns) -> Self {
        Self {
            dns,
            route: Route::Resolver,
            otherwise: None,
            is_shut: Arc::default(),
            limits: Limits::default(),
            supposed: Arc::default(),
        }
    }

    /// An evaluator that asks for what is published now: the servers of each zone, past all caches, and the resolver where
    /// they say nothing definite.
    pub fn published(dns: Dns) -> Self {
        Self { otherwise: Some(Route::Resolver), ..Self::new(dns).via(Route::Authority) }
    }

    /// The same by another route: by [`Route::Authority`] the records as they are now, past all caches.
    #[must_use]
    pub fn via(self, route: Route) -> Self {
        Self { route, ..self }
    }

    /// The same with other limits.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same in a world in which some questions have other answers; they are not asked.
    #[must_use]
    pub fn supposing(self, supposed: Supposed) -> Self {
        Self { supposed: Arc::new(supposed), ..self }
    }

    /// Whether the domain of the sender lets the client send (RFC 7208, section 4).
    pub async fn check_host(&self, envelope: &Envelope) -> Evaluation {
        evaluate::evaluate(self, envelope).await
    }

    /// What the record of `domain` costs at the worst: its whole tree, as if nothing matched.
    pub async fn survey(&self, domain: &str) -> Survey {
        survey::survey(self, domain).await
    }
}

fn phrase(en: &'static str, ja: &'static str) -> Value {
    Value::from(Text { en, ja })
}
