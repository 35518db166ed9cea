//! From the root down to the servers of a zone, one referral after the other, asking for the full name at each of them.
//!
//! The full name, because blocklist servers (rbldnsd) answer NXDOMAIN at names that merely have others below them, so that a
//! walk that shows each server only the next label (RFC 9156) would end there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RecordType};
use tokio::time::timeout;

use super::chain::Chain;
use super::draft::{self, Draft, Log};
use super::question::Question;
use super::reply::{Answer, addresses};
use super::resolve::Engine;
use super::servers::Failure;
use super::wire::Flags;
use super::zones::{self, Cut, Host, Told};
use crate::model::ObservationId;

/// Servers whose names stand in zones whose servers' names stand in zones …: so many times.
const DEEPEST: usize = 6;
/// So many servers without glue are looked up before the walk goes on.
const ENOUGH_HOSTS: usize = 2;
/// A walk may take so many retransmit times.
const LONGEST: u32 = 30;

/// The servers of a zone.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The closest zone that encloses the name; with a failure, the deepest one that was reached.
    pub zone: Name,
    /// Its servers, as the zone above delegates to them.
    pub servers: Vec<NameServer>,
    /// Why the zone, or an answer from its servers, could not be had.
    pub failure: Option<Answer>,
    /// What was asked on the way.
    pub observations: Vec<ObservationId>,
}

/// One server of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// Its name.
    pub name: Name,
    /// Its addresses; empty if none could be found.
    pub addresses: Vec<SocketAddr>,
}

/// One walk: its questions are counted.
struct Walk<'a> {
    engine: &'a Engine,
    log: &'a Log,
    questions_left: AtomicU32,
    look_ups_left: AtomicU32,
}

/// Where a descent ended.
struct End {
    cut: Arc<Cut>,
    told: Result<Arc<super::exchange::Heard>, Failure>,
}

impl Engine {
    /// Answers `question` from the servers of its zone.
    pub(super) async fn by_walk(&self, question: &Question, log: &Log) -> Draft {
        let walk = Walk::new(self, log);
        let limit = LONGEST * self.settings.retransmit;
        timeout(limit, walk.resolve(question, &[])).await.unwrap_or_else(|_| Draft::new(question, Answer::Timeout))
    }

    /// The servers of the closest zone that encloses `name`.
    pub(super) async fn authority(&self, name: &Name) -> Authority {
        let log = Log::new(self.settings.retransmit);
        let walk = Walk::new(self, &log);
        let question = Question { name: name.clone(), rtype: RecordType::SOA };
        let limit = LONGEST * self.settings.retransmit;
        let (draft, cut) = timeout(limit, walk.find(&question))
            .await
            .unwrap_or_else(|_| (Draft::new(&question, Answer::Timeout), self.atlas.closest(name)));
        let failure = (!draft.answer.is_definite()).then(|| draft.answer.clone());
        let servers = timeout(limit, walk.servers(&cut)).await.unwrap_or_default();
        let reply = draft::close(&self.transcript, draft, "authority", &log);
        let failure = failure.map(|_| reply.answer);
        Authority { zone: cut.zone.clone(), servers, failure, observations: vec![reply.observation] }
    }
}

impl<'a> Walk<'a> {
    fn new(engine: &'a Engine, log: &'a Log) -> Self {
        let most = engine.settings.limits.walk;
        Self { engine, log, questions_left: AtomicU32::new(most), look_ups_left: AtomicU32::new(most) }
    }

    /// Down to the answer, and from there after each alias anew. `trail` holds the servers whose addresses are being looked
    /// for above this.
    async fn resolve(&self, question: &Question, trail: &[Name]) -> Draft {
        let mut chain = Chain::new(question);
        let mut draft = Draft::new(question, Answer::Timeout);
        loop {
            let end = Box::pin(self.descend(&question.at(chain.at()), trail)).await;
            match end.told {
                Err(failure) => {
                    draft.answer = failure.answer;
                    draft.server = failure.server;
                    break;
                }
                Ok(heard) => {
                    draft.heard(&heard);
                    if draft.is_ended(chain.follow(&heard.message, &end.cut.zone)) {
                        break;
                    }
                }
            }
        }
        draft.ttl = chain.ttl;
        draft.chain = chain.names;
        draft
    }

    /// From the deepest known cut down to an answer.
    async fn descend(&self, question: &Question, trail: &[Name]) -> End {
        // DS stands above the cut (RFC 4035, section 3.1.4.1).
        let above = if question.rtype == RecordType::DS { question.name.base_name() } else { question.name.clone() };
        let mut cut = self.engine.atlas.closest(&above);
        loop {
            match self.explore(&cut, question, trail).await {
                Told::Referral(deeper) => cut = deeper,
                Told::Answer(heard) => {
                    cut.set_answered();
                    return End { cut, told: Ok(heard) };
                }
                Told::Failure(failure) => return End { cut, told: Err(failure) },
            }
        }
    }

    /// Asks the servers of `cut`. Of many who want to pass the same way, the first looks and the others wait for what it finds;
    /// nobody holds others up while looking for addresses, so that no two wait for each other.
    async fn explore(&self, cut: &Arc<Cut>, question: &Question, trail: &[Name]) -> Told {
        let servers = match self.addresses(cut, trail, false).await {
            Ok(servers) => servers,
            Err(answer) => return Told::Failure(Failure { answer, server: None }),
        };
        let depth = cut.zone.iter().count() + 1;
        let mut told = None;
        if !cut.is_lowest() && question.name.iter().count() >= depth {
            let cell = self.engine.atlas.explored(question.name.trim_to(depth));
            let slot = &mut told;
            let look = self.tell(cut, &servers, question, trail);
            cell.get_or_init(move || async move { *slot = Some(look.await) }).await;
            if told.is_none() && question.rtype != RecordType::DS {
                let known = self.engine.atlas.closest(&question.name);
                if known.zone.iter().count() >= depth {
                    return Told::Referral(known);
                }
            }
        }
        let told = match told {
            Some(told) => told,
            None => self.tell(cut, &servers, question, trail).await,
        };
        match told {
            Told::Failure(failure) => self.second_chance(cut, &servers, question, trail, failure).await,
            told => told,
        }
    }

    /// The servers without glue were spared so far.
    async fn second_chance(
        &self,
        cut: &Arc<Cut>,
        asked: &[SocketAddr],
        question: &Question,
        trail: &[Name],
        failure: Failure,
    ) -> Told {
        let mut servers = self.addresses(cut, trail, true).await.unwrap_or_default();
        servers.retain(|server| !asked.contains(server));
        if servers.is_empty() || !spend(&self.questions_left) {
            return Told::Failure(failure);
        }
        self.put(cut, &servers, question).await
    }

    /// What the servers of `cut` say; about addresses of servers only once in a run.
    async fn tell(&self, cut: &Arc<Cut>, servers: &[SocketAddr], question: &Question, trail: &[Name]) -> Told {
        let cell = (!trail.is_empty()).then(|| self.engine.atlas.told(&cut.zone, question));
        if let Some(told) = cell.as_ref().and_then(|cell| cell.get()) {
            return told.clone();
        }
        // Outside the cell: that this walk is at its end says nothing to others.
        if !spend(&self.questions_left) {
            let answer = Answer::Malformed("the walk from the root needs too many questions".to_owned());
            return Told::Failure(Failure { answer, server: None });
        }
        match cell {
            Some(cell) => cell.get_or_init(|| self.put(cut, servers, question)).await.clone(),
            None => self.put(cut, servers, question).await,
        }
    }

    async fn put(&self, cut: &Arc<Cut>, servers: &[SocketAddr], question: &Question) -> Told {
        let flags = Flags { recursion: false, checking_disabled: false };
        let judge = |message: &Message| zones::judge(message, question, &cut.zone);
        let heard = match self.engine.put(servers, question, flags, &judge, self.log).await {
            Ok(heard) => heard,
            Err(failure) => return Told::Failure(failure),
        };
        let Some(zone) = zones::referred_to(&heard.message, &question.name, &cut.zone) else {
            return Told::Answer(Arc::new(heard));
        };
        let port = self.engine.settings.authority_port;
        match Cut::read(&zone, &heard.message.authorities, &heard.message, &cut.zone, port) {
            Some(deeper) => {
                cut.set_referred();
                Told::Referral(self.engine.atlas.remember(deeper))
            }
            None => Told::Answer(Arc::new(heard)),
        }
    }

    /// The addresses of the zone's servers that this machine can reach, IPv4 first. Those with glue are enough unless `all`
    /// are wanted.
    async fn addresses(&self, cut: &Cut, trail: &[Name], all: bool) -> Result<Vec<SocketAddr>, Answer> {
        let mut found: Vec<SocketAddr> = cut.hosts.iter().flat_map(|host| host.glue.iter().copied()).collect();
        let is_stranded = !found.is_empty() && !found.iter().any(has_route);
        let mut failure: Option<Answer> =
            is_stranded.then_some(Answer::Unreachable(std::io::ErrorKind::NetworkUnreachable));
        found.retain(has_route);
        if found.is_empty() || all {
            let mut looked_up = 0;
            for host in cut.hosts.iter().filter(|host| host.glue.is_empty() || is_stranded) {
                // The way to a server's address through that server itself leads nowhere.
                if cut.zone.zone_of(&host.name) {
                    continue;
                }
                match self.look_up(host, trail, false).await {
                    Ok(addresses) => {
                        let before = found.len();
                        found.extend(addresses.into_iter().filter(has_route));
                        looked_up += usize::from(found.len() > before);
                    }
                    Err(answer) if failure.as_ref().is_none_or(|known| answer.weight() > known.weight()) => {
                        failure = Some(answer);
                    }
                    Err(_) => {}
                }
                if looked_up >= ENOUGH_HOSTS && !all {
                    break;
                }
            }
        }
        if found.is_empty() {
            let nowhere = || Answer::Malformed(format!("no server of {} has an address", cut.zone.to_ascii()));
            return Err(failure.unwrap_or_else(nowhere));
        }
        found.sort_by_key(SocketAddr::is_ipv6);
        Ok(found)
    }

    /// The addresses of one server by a walk of their own; IPv6 only if there is no IPv4, or if `both` are wanted.
    async fn look_up(&self, host: &Host, trail: &[Name], both: bool) -> Result<Vec<SocketAddr>, Answer> {
        if trail.contains(&host.name) || trail.len() >= DEEPEST || !spend(&self.look_ups_left) {
            return Err(Answer::Malformed("the servers' names lead in a circle".to_owned()));
        }
        let trail = [trail, std::slice::from_ref(&host.name)].concat();
        let mut found = Vec::new();
        let mut failure = None;
        for rtype in [RecordType::A, RecordType::AAAA] {
            if rtype == RecordType::AAAA && !found.is_empty() && !both {
                break;
            }
            let question = Question { name: host.name.clone(), rtype };
            let draft = Box::pin(self.resolve(&question, &trail)).await;
            let port = self.engine.settings.authority_port;
            found.extend(addresses(&draft.records).into_iter().map(|ip| SocketAddr::new(ip, port)));
            if !draft.answer.is_definite() {
                failure = failure.or(Some(draft.answer));
            }
        }
        match failure {
            Some(failure) if found.is_empty() => Err(failure),
            _ => Ok(found),
        }
    }

    /// Down to the zone that encloses the name of `question`, which asks for SOA; also where the servers above serve it as well,
    /// and therefore never refer to it.
    async fn find(&self, question: &Question) -> (Draft, Arc<Cut>) {
        let End { cut, told } = self.descend(question, &[]).await;
        let mut draft = Draft::new(question, Answer::Timeout);
        match told {
            Err(failure) => {
                draft.answer = failure.answer;
                draft.server = failure.server;
                (draft, cut)
            }
            Ok(heard) => {
                draft.heard(&heard);
                let mut chain = Chain::new(question);
                if !draft.is_ended(chain.follow(&heard.message, &cut.zone)) {
                    draft.answer = Answer::Data;
                }
                draft.ttl = chain.ttl;
                draft.chain = chain.names;
                let apex = apex(&heard.message, &question.name, &cut.zone);
                match self.inner_cut(apex, Arc::clone(&cut)).await {
                    Ok(inner) => (draft, inner),
                    // There is a zone, but its servers are not known: not that there is none.
                    Err(answer) => (Draft { answer, ..draft }, cut),
                }
            }
        }
    }

    /// The cut at `apex` below `cut`, on the same servers.
    async fn inner_cut(&self, apex: Option<Name>, cut: Arc<Cut>) -> Result<Arc<Cut>, Answer> {
        let Some(apex) = apex.filter(|apex| !apex.eq_ignore_root(&cut.zone)) else { return Ok(cut) };
        let question = Question { name: apex, rtype: RecordType::NS };
        let servers = self.addresses(&cut, &[], false).await?;
        let found = match self.tell(&cut, &servers, &question, &[]).await {
            Told::Referral(inner) => inner,
            Told::Answer(heard) => {
                let port = self.engine.settings.authority_port;
                match Cut::read(&question.name, &heard.message.answers, &heard.message, &cut.zone, port) {
                    Some(inner) => {
                        // Such an answer seldom has glue, and once the cut is known, nobody asks the zone above any more.
                        let hosts = self.servers(&inner).await;
                        let host = |server: NameServer| Host { name: server.name, glue: server.addresses };
                        let hosts: Vec<Host> = hosts.into_iter().map(host).collect();
                        if hosts.iter().all(|host| host.glue.is_empty()) {
                            return Ok(cut);
                        }
                        self.engine.atlas.remember(Cut::new(inner.zone, hosts))
                    }
                    None => cut,
                }
            }
            Told::Failure(failure) => return Err(failure.answer),
        };
        Ok(found)
    }

    /// The servers of `cut` with all their addresses.
    async fn servers(&self, cut: &Cut) -> Vec<NameServer> {
        let server = async |host: &Host| {
            let addresses = match host.glue.as_slice() {
                [] => self.look_up(host, &[], true).await.unwrap_or_default(),
                glue => glue.to_vec(),
            };
            NameServer { name: host.name.clone(), addresses }
        };
        join_all(cut.hosts.iter().map(server)).await
    }
}

/// Takes one, if there is one.
fn spend(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

/// The apex of the zone of `name`, by the SOA record that a server of `zone` sent.
fn apex(message: &Message, name: &Name, zone: &Name) -> Option<Name> {
    let mut records = message.answers.iter().chain(&message.authorities);
    let speaks_for = |owner: &Name| zone.zone_of(owner) && owner.zone_of(name);
    let soa = records.find(|record| record.record_type() == RecordType::SOA && speaks_for(&record.name));
    soa.map(|record| record.name.to_lowercase())
}

/// Whether this machine has a way to `server`: connecting a UDP socket asks the routing table and sends nothing.
fn has_route(server: &SocketAddr) -> bool {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    UdpSocket::bind((any, 0)).and_then(|socket| socket.connect(server)).is_ok()
}
