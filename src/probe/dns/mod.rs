//! The one door to the DNS: questions by a route, answers that keep "no" and "not known" apart.

pub(super) mod chain;
mod draft;
mod exchange;
mod limits;
mod question;
mod rehearse;
mod reply;
pub(super) mod resolve;
mod roots;
mod servers;
mod system;
mod walk;
pub(super) mod wire;
pub(super) mod zones;

#[cfg(test)]
mod lab;
#[cfg(test)]
mod tests_rehearse;
#[cfg(test)]
mod tests_run;
#[cfg(test)]
mod tests_servers;
#[cfg(test)]
mod tests_walk;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hickory_proto::rr::Name;

pub use draft::presentation;
pub use limits::Limits;
pub use question::{Ask, Pace, Question, QuestionError, QuestionName, Route, plain};
pub(super) use reply::ipv4;
pub use reply::{Answer, Reply};
pub use system::{ResolverError, is_public_resolver};
pub use walk::{Authority, NameServer};

use super::once::Once;
use super::transcript::Transcript;
use crate::model::{Observation, ObservationId, Secrets};
use crate::zonefile::Loaded;
use resolve::Engine;

/// How a run asks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whom [`Route::Resolver`] means.
    pub resolver: ResolverChoice,
    /// Where walks begin; empty = IANA's root servers.
    pub root_hints: Vec<SocketAddr>,
    /// The port of every server whose address was learnt on a walk. Default 53; labs use another.
    pub authority_port: u16,
    /// How long to wait in silence before the next packet; a question costs about five times as much at the most, its
    /// TCP part excluded. Default 1 s.
    pub retransmit: Duration,
    /// Servers for which no pace counts, such as a mirror of one's own; without a port, at every port.
    pub unpaced: Vec<(IpAddr, Option<u16>)>,
    /// What must not be shown.
    pub secrets: Secrets,
    /// Zones that answer in place of the world, except to questions that want it live.
    pub rehearsed: Vec<Loaded>,
    /// How much at once.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            resolver: ResolverChoice::System,
            root_hints: Vec::new(),
            authority_port: 53,
            retransmit: Duration::from_secs(1),
            unpaced: Vec::new(),
            secrets: Secrets::default(),
            rehearsed: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// Whom [`Route::Resolver`] means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolverChoice {
    /// The servers in the system's configuration, and nothing else of it: no search list, no hosts file.
    System,
    /// Nobody: every question goes to the servers of its zone.
    Direct,
    /// These.
    Servers(Vec<SocketAddr>),
}

/// The door. Cloning is cheap; all clones share answers, limits and transcript. When the last is dropped, what is still
/// under way is given up.
#[derive(Clone, Debug)]
pub struct Dns {
    run: Arc<Run>,
}

#[derive(Debug)]
struct Run {
    engine: Arc<Engine>,
    replies: Once<(Question, Route, bool, bool), Reply>,
    authorities: Once<Name, Authority>,
}

impl Dns {
    /// A door for one run.
    ///
    /// # Errors
    /// [`ResolverError`] if there is nobody to ask.
    pub fn new(settings: Settings) -> Result<Self, ResolverError> {
        let resolvers = match &settings.resolver {
            ResolverChoice::System => system::system_servers()?,
            ResolverChoice::Direct => Vec::new(),
            ResolverChoice::Servers(servers) if servers.is_empty() => return Err(ResolverError::NoServer),
            ResolverChoice::Servers(servers) => servers.clone(),
        };
        let run = Run {
            engine: Arc::new(Engine::new(settings, resolvers)),
            replies: Once::default(),
            authorities: Once::default(),
        };
        Ok(Self { run: Arc::new(run) })
    }

    /// The answer to `ask`; the same one, failures included, for everybody who asks the same in this run, also while it is
    /// under way. It may be dropped at any time without loss for the others.
    ///
    /// # Panics
    /// If the work on the question panicked.
    pub async fn ask(&self, ask: Ask) -> Arc<Reply> {
        let route = self.run.engine.route(ask.route);
        let live = ask.live || !self.run.engine.can_rehearse(&ask);
        let key = (ask.question.clone(), route, ask.checking_disabled, live);
        let engine = Arc::clone(&self.run.engine);
        self.run.replies.get(key, move || async move { engine.reply(Ask { route, live, ..ask }).await }).await
    }

    /// The answer of the zone's own servers, past all caches; where they say nothing definite, that of the resolvers. The route of
    /// `ask` does not count.
    ///
    /// # Panics
    /// If the work on the question panicked.
    pub async fn published(&self, ask: Ask) -> Arc<Reply> {
        let reply = self.ask(ask.clone().via(Route::Authority)).await;
        if reply.is_definite() { reply } else { self.ask(ask.via(Route::Resolver)).await }
    }

    /// The servers of the closest zone that encloses `name`, found by walking down from the root; shared like answers.
    ///
    /// # Panics
    /// If the work on the question panicked.
    pub async fn authority(&self, name: &Name) -> Arc<Authority> {
        let mut key = name.to_lowercase();
        key.set_fqdn(true);
        let engine = Arc::clone(&self.run.engine);
        let wanted = key.clone();
        self.run.authorities.get(key, move || async move { engine.authority(&wanted).await }).await
    }

    /// The addresses in the A records that `ask` leads to, or why they are not known; an absence is no address. Nothing is shared
    /// or written down: for questions that come by the million.
    pub(super) async fn look_up(&self, ask: Ask) -> Result<Vec<Ipv4Addr>, Answer> {
        let route = self.run.engine.route(ask.route);
        self.run.engine.look_up(&Ask { route, ..ask }).await
    }

    /// Takes a place in time at the pace of an operator, which is shared with all other questions of the run.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub(super) fn take_place(&self, pace: &Pace) -> Result<(), Duration> {
        self.run.engine.gates.try_take(pace)
    }

    /// Whether no pace counts for `server`.
    pub(super) fn is_unpaced(&self, server: SocketAddr) -> bool {
        self.run.engine.is_unpaced(server)
    }

    /// How long a packet is waited for.
    pub(super) fn retransmit(&self) -> Duration {
        self.run.engine.settings.retransmit
    }

    /// Packets went out by another door.
    pub(super) fn count_sent(&self, packets: u64) {
        self.run.engine.gates.sent.fetch_add(packets, Ordering::Relaxed);
    }

    /// What other doors of the run write into, too.
    pub(super) fn transcript(&self) -> Arc<Transcript> {
        Arc::clone(&self.run.engine.transcript)
    }

    /// Everything that was asked so far, by whichever door, in the order in which it was completed.
    pub fn observations(&self) -> Vec<Observation> {
        self.run.engine.transcript.observations()
    }

    /// One of [`Self::observations`]; nothing beyond the transcript's limit.
    pub fn observation(&self, id: ObservationId) -> Option<Observation> {
        self.run.engine.transcript.find(id)
    }

    /// `reply`, which an earlier run saw as `observation`, as an answer of this run: nothing is asked, and the transcript says when it
    /// was.
    pub fn recall(&self, reply: &Reply, observation: &Observation) -> Reply {
        let id = self.run.engine.transcript.add(observation.clone());
        Reply { observation: id, ..reply.clone() }
    }

    /// Whom [`Route::Resolver`] asks, for people: addresses with ports, or the one word `direct`.
    pub fn resolvers(&self) -> Vec<String> {
        match self.resolver_addresses() {
            servers if servers.is_empty() => vec!["direct".to_owned()],
            servers => servers.iter().map(ToString::to_string).collect(),
        }
    }

    /// Whom [`Route::Resolver`] asks; empty if it goes to the servers of each zone.
    pub fn resolver_addresses(&self) -> Vec<SocketAddr> {
        self.run.engine.resolvers.clone()
    }

    /// The zones that answer in place of the world.
    pub fn rehearsed(&self) -> &[Loaded] {
        &self.run.engine.settings.rehearsed
    }

    /// How many packets and TCP queries went out.
    pub fn queries_sent(&self) -> u64 {
        self.run.engine.gates.sent.load(Ordering::Relaxed)
    }

    /// `text` without the keys of the run, and safe to show.
    pub fn redact(&self, text: &str) -> String {
        self.run.engine.transcript.clean(text)
    }
}
