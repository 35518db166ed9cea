//! One evaluation under way: its counts, its clock, and its questions.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, timeout, timeout_at};

use super::expand::{Scope, expand_name, name_of};
use super::problem::Cause;
use super::tree::Query;
use super::{Envelope, Evaluator};
use crate::model::ObservationId;
use crate::probe::{Answer, Ask, Name, Question, RData, Record, RecordType, Reply};
use crate::records::spf::{Letter, MacroString};

/// An evaluation under way.
pub(super) struct Run<'a> {
    pub(super) evaluator: &'a Evaluator,
    pub(super) client: Client,
    pub(super) lookups: u32,
    pub(super) voids: u32,
    until: Instant,
}

/// The envelope in the form in which it is evaluated.
pub(super) struct Client {
    pub(super) ip: IpAddr,
    pub(super) sender: String,
    pub(super) local_part: String,
    pub(super) sender_domain: String,
    helo: String,
    receiver: String,
    at: i64,
}

/// What a question brought.
pub(super) enum Told {
    /// Records, or the definite absence of them.
    Known(Arc<Reply>),
    /// No question can hold the name: as good as absent.
    NotAName,
    /// Not known.
    Failed(Cause),
}

impl Client {
    fn new(envelope: &Envelope) -> Self {
        let (local_part, domain) = match envelope.sender.rsplit_once('@') {
            Some((local_part, domain)) => (local_part, domain),
            None if envelope.sender.is_empty() => ("", envelope.helo.as_str()),
            None => ("", envelope.sender.as_str()),
        };
        let local_part = if local_part.is_empty() { "postmaster" } else { local_part };
        let domain = match domain.is_ascii() {
            true => domain.to_owned(),
            // U-labels must have become A-labels (RFC 7208, section 4.3); what cannot, is no domain and stays visible as it is.
            false => idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_owned()),
        };
        Self {
            ip: envelope.ip.to_canonical(),
            sender: format!("{local_part}@{domain}"),
            local_part: local_part.to_owned(),
            sender_domain: domain,
            helo: envelope.helo.clone(),
            receiver: envelope.receiver.clone(),
            at: envelope.at,
        }
    }

    pub(super) fn scope<'a>(&'a self, domain: &'a str, validated: &'a str) -> Scope<'a> {
        Scope {
            sender: &self.sender,
            local_part: &self.local_part,
            sender_domain: &self.sender_domain,
            domain,
            ip: self.ip,
            validated,
            helo: &self.helo,
            receiver: &self.receiver,
            at: self.at,
        }
    }

    /// The type of the client's address.
    pub(super) fn rtype(&self) -> RecordType {
        if self.ip.is_ipv4() { RecordType::A } else { RecordType::AAAA }
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(evaluator: &'a Evaluator, envelope: &Envelope) -> Self {
        let until = Instant::now() + evaluator.limits.time;
        Self { evaluator, client: Client::new(envelope), lookups: 0, voids: 0, until }
    }

    /// Whether the time is up.
    pub(super) fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Asks, and notes the question in `queries`.
    pub(super) async fn ask(&self, name: &str, rtype: RecordType, queries: &mut Vec<Query>) -> Told {
        let (query, told) = self.question(name, rtype).await;
        queries.push(query);
        told
    }

    /// Asks for all `names` at once; the answers come in their order.
    pub(super) async fn ask_all(&self, names: &[String], rtype: RecordType) -> Vec<(Query, Told)> {
        join_all(names.iter().map(|name| self.question(name, rtype))).await
    }

    async fn question(&self, name: &str, rtype: RecordType) -> (Query, Told) {
        put(self.evaluator, name, rtype, self.until).await
    }

    /// Counts `told` if it is void; a cause if that is one too many. The RFC speaks of terms with void lookups; the reference
    /// implementations count each question, so that one `mx` can use up the limit, and so do we.
    pub(super) fn count_void(&mut self, told: &Told) -> Result<(), Cause> {
        let Told::Known(reply) = told else { return Ok(()) };
        if reply.answer == Answer::Data {
            return Ok(());
        }
        self.voids += 1;
        let most = self.evaluator.limits.voids;
        if self.voids > most { Err(Cause::TooManyVoids(most)) } else { Ok(()) }
    }

    /// The name that `spec` means in the record of `domain`; asks for the reverse name only when it is wanted.
    pub(super) async fn target(&self, spec: &MacroString, domain: &str, queries: &mut Vec<Query>) -> String {
        let validated = self.validated_for(spec, domain, queries).await;
        expand_name(spec, &self.client.scope(domain, &validated))
    }

    /// The value of `%{p}`, if `text` uses it (RFC 7208, section 7.3): the domain itself before names below it before others.
    pub(super) async fn validated_for(&self, text: &MacroString, domain: &str, queries: &mut Vec<Query>) -> String {
        let mut best: Option<(u8, String)> = None;
        if text.uses(Letter::Validated) {
            let (_, names) = self.reverse_names(queries).await;
            let domain = name_of(domain).map(|name| name.to_lowercase());
            for name in self.validated(&names, queries).await {
                let rank = match &domain {
                    Some(domain) if *domain == name.to_lowercase() => 0,
                    Some(domain) if domain.zone_of(&name.to_lowercase()) => 1,
                    _ => 2,
                };
                if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                    best = Some((rank, text_of(&name)));
                }
            }
        }
        best.map_or_else(|| "unknown".to_owned(), |(_, name)| name)
    }

    /// The first names that the client's address has in the reverse tree, and what the question brought.
    pub(super) async fn reverse_names(&self, queries: &mut Vec<Query>) -> (Told, Vec<Name>) {
        let name = text_of(&Name::from(self.client.ip));
        let told = self.ask(&name, RecordType::PTR, queries).await;
        let names = match &told {
            Told::Known(reply) => reply.names().into_iter().take(self.evaluator.limits.reverse_names).collect(),
            Told::NotAName | Told::Failed(_) => Vec::new(),
        };
        (told, names)
    }

    /// Those of `names` that have the client's address; a name about which nothing is known is left out (RFC 7208, section 5.5).
    pub(super) async fn validated(&self, names: &[Name], queries: &mut Vec<Query>) -> Vec<Name> {
        let texts: Vec<String> = names.iter().map(text_of).collect();
        let mut validated = Vec::new();
        for (name, (query, told)) in names.iter().zip(self.ask_all(&texts, self.client.rtype()).await) {
            queries.push(query);
            if let Told::Known(reply) = told
                && reply.addresses().contains(&self.client.ip)
            {
                validated.push(name.clone());
            }
        }
        validated
    }
}

/// Puts one question, and waits for the answer no longer than `until`.
pub(super) async fn put(evaluator: &Evaluator, name: &str, rtype: RecordType, until: Instant) -> (Query, Told) {
    let unasked = |outcome: &str| Query {
        name: name.to_owned(),
        rtype,
        outcome: outcome.to_owned(),
        observation: None,
        ttl: None,
    };
    let Some(question) = name_of(name).and_then(|name| Question::new(name, rtype).ok()) else {
        return (unasked("not a name"), Told::NotAName);
    };
    if let Some(records) = evaluator.supposed.get(&question) {
        return (unasked("as planned"), Told::Known(Arc::new(supposed(question, records))));
    }
    let Ok(reply) = timeout_at(until, reply(evaluator, question)).await else {
        return (unasked("too late"), Told::Failed(Cause::Time));
    };
    let query = Query {
        outcome: reply.answer.to_string(),
        observation: Some(reply.observation),
        ttl: reply.ttl.or(reply.negative_ttl),
        ..unasked("")
    };
    if reply.is_definite() {
        return (query, Told::Known(reply));
    }
    let question = format!("{} {rtype}", crate::model::visible(name));
    (query, Told::Failed(Cause::Dns { question, why: reply.why() }))
}

/// The first of two routes gets this part of the time of an evaluation for one question.
const PATIENCE: u32 = 4;

/// The answer by the evaluator's route, or by its other one. Where the first leads to nobody although the second answers, as in a
/// network that lets only its resolver out, it is not tried again: each try would take most of the time an evaluation has.
async fn reply(evaluator: &Evaluator, question: Question) -> Arc<Reply> {
    let Some(other) = evaluator.otherwise else {
        return evaluator.dns.ask(Ask::new(question).via(evaluator.route)).await;
    };
    let mut is_silent = false;
    if !evaluator.is_shut.load(Ordering::Relaxed) {
        let patience = evaluator.limits.time / PATIENCE;
        let ask = evaluator.dns.ask(Ask::new(question.clone()).via(evaluator.route));
        is_silent = match timeout(patience, ask).await {
            Ok(reply) if reply.is_definite() => return reply,
            Ok(reply) => matches!(reply.answer, Answer::Timeout | Answer::Unreachable(_)),
            Err(_) => true,
        };
    }
    let reply = evaluator.dns.ask(Ask::new(question).via(other)).await;
    if is_silent && reply.is_definite() {
        evaluator.is_shut.store(true, Ordering::Relaxed);
    }
    reply
}

/// The reply that a world would give which is not yet. Nobody saw it: its observation leads nowhere and is not passed on.
fn supposed(question: Question, records: &[RData]) -> Reply {
    let record = |data: &RData| Record::from_rdata(question.name.clone(), 0, data.clone());
    Reply {
        answer: if records.is_empty() { Answer::NoData } else { Answer::Data },
        records: records.iter().map(record).collect(),
        chain: Vec::new(),
        ttl: None,
        negative_ttl: None,
        aa: false,
        ad: false,
        tcp: false,
        server: None,
        rehearsed: false,
        rtt: Duration::ZERO,
        tries: 0,
        observation: ObservationId(u32::MAX),
        question,
    }
}

/// A name as macros and questions write it: labels as they are, without a dot at the end. Octets beyond ASCII are replaced.
pub(super) fn text_of(name: &Name) -> String {
    let labels: Vec<_> = name.iter().map(String::from_utf8_lossy).collect();
    labels.join(".")
}
