//! Answers one question by its route: asks, follows the aliases, writes it down.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RecordType};

use super::chain::{self, Chain, Step};
use super::draft::{self, Draft, Log};
use super::exchange::{Errand, Heard};
use super::limits::Gates;
use super::question::{Ask, Question, Route};
use super::reply::{Answer, Reply, ipv4};
use super::servers::{self, Failure};
use super::wire::Flags;
use super::zones::Atlas;
use super::{ResolverChoice, Settings};
use crate::probe::transcript::Transcript;

/// All that the work on questions shares.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) settings: Settings,
    pub(super) resolvers: Vec<SocketAddr>,
    pub(super) gates: Gates,
    pub(super) transcript: Arc<Transcript>,
    pub(super) atlas: Atlas,
}

impl Engine {
    pub(super) fn new(settings: Settings, resolvers: Vec<SocketAddr>) -> Self {
        Self {
            resolvers,
            gates: Gates::new(settings.limits),
            transcript: Arc::new(Transcript::new(settings.secrets.clone(), settings.limits.transcript)),
            atlas: Atlas::new(&settings.root_hints),
            settings,
        }
    }

    /// `route`, unless it means another one in this run.
    pub(super) fn route(&self, route: Route) -> Route {
        match (route, &self.settings.resolver) {
            (Route::Resolver, ResolverChoice::Direct) => Route::Authority,
            (route, _) => route,
        }
    }

    /// Asks, waits and writes down.
    pub(super) async fn reply(&self, ask: Ask) -> Reply {
        self.wait_for_place(&ask).await;
        let log = Log::new(self.settings.retransmit);
        let draft = if ask.live { self.live(&ask, &log).await } else { self.rehearse(&ask, &log).await };
        draft::close(&self.transcript, draft, ask.route.word(), &log)
    }

    /// The addresses that `ask` leads to, of which nothing is written down.
    pub(super) async fn look_up(&self, ask: &Ask) -> Result<Vec<Ipv4Addr>, Answer> {
        self.wait_for_place(ask).await;
        let draft = self.live(ask, &Log::new(self.settings.retransmit)).await;
        match draft.answer {
            Answer::Data => Ok(ipv4(&draft.records)),
            Answer::NoData | Answer::NxDomain => Ok(Vec::new()),
            Answer::Malformed(reason) => Err(Answer::Malformed(self.transcript.clean(&reason))),
            Answer::Lame(reason) => Err(Answer::Lame(self.transcript.clean(&reason))),
            failure => Err(failure),
        }
    }

    /// Waits for the operator's pace, unless only servers are asked for which none counts.
    async fn wait_for_place(&self, ask: &Ask) {
        let Some(pace) = &ask.pace else { return };
        let servers = match ask.route {
            Route::Resolver => self.resolvers.clone(),
            Route::Server(server) => vec![server],
            // As far as the way to them is known.
            Route::Authority => self.atlas.closest(&ask.question.name).glue(),
        };
        if servers.is_empty() || !servers.iter().all(|server| self.is_unpaced(*server)) {
            self.gates.wait_for(pace).await;
        }
    }

    /// Whether no pace counts for `server`.
    pub(super) fn is_unpaced(&self, server: SocketAddr) -> bool {
        let is_it =
            |(ip, port): &(IpAddr, Option<u16>)| *ip == server.ip() && port.is_none_or(|port| port == server.port());
        self.settings.unpaced.iter().any(is_it)
    }

    /// Whether a zone could answer `ask` in place of the world: a server that is asked by its address speaks for itself.
    pub(super) fn can_rehearse(&self, ask: &Ask) -> bool {
        !self.settings.rehearsed.is_empty() && !matches!(ask.route, Route::Server(_))
    }

    /// What the world says.
    pub(super) async fn live(&self, ask: &Ask, log: &Log) -> Draft {
        match ask.route {
            Route::Resolver => self.by_servers(ask, &self.resolvers, log).await,
            Route::Server(server) => self.by_servers(ask, &[server], log).await,
            Route::Authority => self.by_walk(&ask.question, log).await,
        }
    }

    /// One question to one set of servers by the retry rule.
    pub(super) async fn put(
        &self,
        servers: &[SocketAddr],
        question: &Question,
        flags: Flags,
        judge: &(dyn Fn(&Message) -> Result<String, Answer> + Send + Sync),
        log: &Log,
    ) -> Result<Heard, Failure> {
        let tcp_limit = self.settings.limits.tcp;
        let errand = Errand { question, flags, judge, gates: &self.gates, log, tcp_limit };
        servers::ask(&errand, servers, self.settings.retransmit).await
    }

    async fn by_servers(&self, ask: &Ask, servers: &[SocketAddr], log: &Log) -> Draft {
        // One server asked by its address speaks for itself.
        let recursion = !matches!(ask.route, Route::Server(_));
        let flags = Flags { recursion, checking_disabled: ask.checking_disabled };
        let mut chain = Chain::new(&ask.question);
        let mut draft = Draft::new(&ask.question, Answer::Timeout);
        draft.ad = true;
        loop {
            let question = ask.question.at(chain.at());
            let judge = |message: &Message| judge_resolver(message, &question);
            match self.put(servers, &question, flags, &judge, log).await {
                Err(failure) => {
                    draft.answer = failure.answer;
                    draft.server = failure.server;
                    draft.ad = false;
                    break;
                }
                Ok(heard) => {
                    draft.heard(&heard);
                    if draft.is_ended(chain.follow(&heard.message, &Name::root())) {
                        break;
                    }
                }
            }
        }
        draft.ttl = chain.ttl;
        draft.chain = chain.names;
        draft
    }
}

impl Draft {
    /// Takes the circumstances of an answer; AD holds if all answers on the way had it.
    pub(super) fn heard(&mut self, heard: &Heard) {
        self.server = Some(heard.server);
        self.aa = heard.message.metadata.authoritative;
        self.ad &= heard.message.metadata.authentic_data;
        self.tcp |= heard.tcp;
        self.rtt = heard.rtt;
    }

    /// Takes the answer, if the chain has come to its end.
    pub(super) fn is_ended(&mut self, step: Step) -> bool {
        let Step::End { answer, records, negative_ttl } = step else { return false };
        (self.answer, self.records, self.negative_ttl) = (answer, records, negative_ttl);
        true
    }
}

/// The word for what a message from a server of `zone` says about its own question, aliases not followed; or why it is no answer.
pub(super) fn word(message: &Message, question: &Question, zone: &Name) -> Result<String, Answer> {
    if let Some(flaw) = chain::flaw(message, question, zone) {
        return Err(flaw);
    }
    let has = |rtype| message.answers.iter().any(|record| record.record_type() == rtype);
    let answer = match message.metadata.response_code {
        ResponseCode::NXDomain => Answer::NxDomain,
        _ if has(question.rtype) || has(RecordType::CNAME) || question.rtype == RecordType::ANY => Answer::Data,
        _ => Answer::NoData,
    };
    Ok(answer.to_string())
}

/// A resolver's answer is good if it is definite. An empty one from a server that neither recurses nor is authoritative
/// says nothing about the name: it is a referral, or a server that does not do what it was asked.
pub(in crate::probe) fn judge_resolver(message: &Message, question: &Question) -> Result<String, Answer> {
    let head = &message.metadata;
    match head.response_code {
        ResponseCode::NoError => {
            let has = |rtype| message.authorities.iter().any(|record| record.record_type() == rtype);
            let is_empty = message.answers.is_empty() && !has(RecordType::SOA) && !head.authoritative;
            if is_empty && has(RecordType::NS) {
                Err(Answer::Lame("a referral instead of an answer".to_owned()))
            } else if is_empty && !head.recursion_available {
                Err(Answer::Lame("the server is neither a resolver nor responsible".to_owned()))
            } else {
                word(message, question, &Name::root())
            }
        }
        ResponseCode::NXDomain => word(message, question, &Name::root()),
        code => Err(Answer::Rcode(code)),
    }
}
