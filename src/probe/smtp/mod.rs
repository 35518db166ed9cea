//! The door to mail servers: one polite conversation per address and port and run, everything it showed written down.

mod dialog;
mod old_tls;
mod reply;
mod tls;
pub(super) mod wire;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

pub use old_tls::OldTls;
pub use reply::{ReplyKind, ServerReply, Step, Stop};
pub use tls::{ChainFault, TlsSeen, is_for};

use super::dns::Dns;
use super::once::Once;
use super::transcript::Transcript;
use crate::model::{Exchange, Observation, ObservationId};
use dialog::Manner;
use tls::Tls;
use wire::Log;

/// So many conversations take place at once.
const AT_ONCE: usize = 32;

/// How a run speaks to mail servers.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// What is said in EHLO: a host name or an address literal; nothing is the literal of the address that is used.
    pub ehlo: Option<String>,
    /// How long one reply may take; a connection gets half of it, a conversation two and a half times as much. Default 20 s.
    pub patience: Duration,
    /// Certificate authorities instead of the public ones, as DER; empty = the public ones.
    pub roots: Vec<Vec<u8>>,
    /// Addresses that are reached somewhere else.
    pub detours: Vec<(SocketAddr, SocketAddr)>,
}

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// A certificate authority of the plan, or the TLS library's own defaults.
    #[error("could not set up TLS for mail servers: {0}")]
    Tls(tokio_rustls::rustls::Error),
}

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// RFC 5321, and submission (RFC 6409).
    Smtp,
    /// RFC 9051.
    Imap,
    /// RFC 1939 with RFC 2449.
    Pop3,
}

/// How far a conversation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Depth {
    /// The greeting.
    Greeting,
    /// SMTP only: the greeting, and the answer to EHLO.
    Hello,
    /// TLS, and what the server says it can do.
    Capabilities,
    /// SMTP only: the envelopes too.
    Envelopes,
}

/// One conversation to be had.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Visit {
    /// The server, as the plan or the DNS names it.
    pub server: SocketAddr,
    /// What is spoken there.
    pub protocol: Protocol,
    /// TLS begins with the connection.
    pub implicit_tls: bool,
    /// How far it goes.
    pub depth: Depth,
    /// The host name that is meant, for SNI (RFC 6066).
    pub name: String,
    /// Who is asked for, one envelope each.
    pub recipients: Vec<String>,
}

/// What became of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TlsState {
    /// The server does not offer it, or the conversation did not come so far.
    #[default]
    None,
    /// The server offers it and then refuses.
    Refused(ServerReply),
    /// Something in clear stood behind the answer to STARTTLS.
    Injected,
    /// The handshake failed, and why.
    Failed(String),
    /// It came about.
    Up(TlsSeen),
}

/// What a conversation showed.
#[derive(Clone, Debug)]
pub struct Session {
    /// The server that was meant.
    pub server: SocketAddr,
    /// Where it was reached, if somewhere else.
    pub detour: Option<SocketAddr>,
    /// Our end of the connection; nothing if there was none.
    pub local: Option<SocketAddr>,
    /// What it said first.
    pub greeting: Option<ServerReply>,
    /// What it said it can do in clear.
    pub clear: Option<ServerReply>,
    /// The address that we come from, as its answer to EHLO has it.
    pub seen_as: Option<IpAddr>,
    /// What became of TLS.
    pub tls: TlsState,
    /// What it said it can do inside TLS.
    pub secured: Option<ServerReply>,
    /// What it said to `MAIL FROM:<>`.
    pub null_sender: Option<ServerReply>,
    /// What it said to each recipient; nothing for one that was not reached.
    pub recipients: Vec<(String, Option<ServerReply>)>,
    /// Why it ended early, if it did.
    pub stop: Option<Stop>,
    /// Where it stands in the transcript.
    pub observation: ObservationId,
}

impl Session {
    /// One in which nothing was said yet.
    pub fn unspoken(server: SocketAddr) -> Self {
        Self {
            server,
            detour: None,
            local: None,
            greeting: None,
            clear: None,
            seen_as: None,
            tls: TlsState::None,
            secured: None,
            null_sender: None,
            recipients: Vec::new(),
            stop: None,
            observation: ObservationId(0),
        }
    }

    fn of(visit: &Visit) -> Self {
        let recipients = visit.recipients.iter().map(|recipient| (recipient.clone(), None)).collect();
        Self { recipients, ..Self::unspoken(visit.server) }
    }

    /// Where it was reached, or was to be.
    pub fn reached_at(&self) -> SocketAddr {
        self.detour.unwrap_or(self.server)
    }

    /// Whether there was a connection.
    pub fn is_connected(&self) -> bool {
        self.local.is_some()
    }

    /// Whether it greeted well.
    pub fn greeted(&self) -> bool {
        self.greeting.as_ref().is_some_and(ServerReply::is_positive)
    }

    /// What it last said it can do: inside TLS, if there is any.
    pub fn extensions(&self) -> Option<&ServerReply> {
        self.secured.as_ref().or(self.clear.as_ref()).filter(|reply| reply.is_positive())
    }

    /// What it said to a recipient.
    pub fn recipient(&self, mailbox: &str) -> Option<&ServerReply> {
        self.recipients.iter().find(|(asked, _)| asked == mailbox).and_then(|(_, reply)| reply.as_ref())
    }

    /// What TLS showed.
    pub fn tls_seen(&self) -> Option<&TlsSeen> {
        match &self.tls {
            TlsState::Up(seen) => Some(seen),
            _ => None,
        }
    }
}

/// Which versions of TLS a server takes beside its best; nothing where it could not be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// TLS 1.2.
    pub tls12: Option<bool>,
    /// TLS 1.1 or older.
    pub old: Option<OldTls>,
    /// Where it stands in the transcript.
    pub observations: Vec<ObservationId>,
}

/// The door. Cloning is cheap; all clones share conversations and transcript.
#[derive(Clone, Debug)]
pub struct Smtp {
    run: Arc<Run>,
}

#[derive(Debug)]
struct Run {
    desk: Arc<Desk>,
    sessions: Once<Visit, Session>,
    versions: Once<Visit, Versions>,
}

/// What the conversations share.
#[derive(Debug)]
struct Desk {
    manner: Manner,
    detours: Vec<(SocketAddr, SocketAddr)>,
    at_once: Semaphore,
    /// One connection at a time to one address.
    turns: Mutex<HashMap<IpAddr, Arc<tokio::sync::Mutex<()>>>>,
    transcript: Arc<Transcript>,
}

impl Smtp {
    /// A door whose conversations stand in the transcript of `dns`.
    ///
    /// # Errors
    /// [`SmtpError`] if a root certificate is none.
    pub fn new(settings: SmtpSettings, dns: &Dns) -> Result<Self, SmtpError> {
        let tls = Tls::new(&settings.roots).map_err(SmtpError::Tls)?;
        let desk = Desk {
            manner: Manner { tls, ehlo: settings.ehlo, patience: settings.patience },
            detours: settings.detours,
            at_once: Semaphore::new(AT_ONCE),
            turns: Mutex::default(),
            transcript: dns.transcript(),
        };
        let run = Run { desk: Arc::new(desk), sessions: Once::default(), versions: Once::default() };
        Ok(Self { run: Arc::new(run) })
    }

    /// The conversation of `visit`, the same one for everybody in this run.
    ///
    /// # Panics
    /// If the work on it panicked.
    pub async fn visit(&self, visit: &Visit) -> Arc<Session> {
        let (desk, wanted) = (Arc::clone(&self.run.desk), visit.clone());
        self.run.sessions.get(visit.clone(), move || async move { desk.visit(&wanted).await }).await
    }

    /// Which versions of TLS the server of `visit` takes: two further connections, each as far as TLS.
    ///
    /// # Panics
    /// If the work on it panicked.
    pub async fn versions(&self, visit: &Visit) -> Arc<Versions> {
        let (desk, wanted) = (Arc::clone(&self.run.desk), visit.clone());
        self.run.versions.get(visit.clone(), move || async move { desk.versions(&wanted).await }).await
    }

    /// What is wrong with a chain at a time, its names aside.
    pub fn chain_fault(&self, chain: &[Vec<u8>], at: DateTime<FixedOffset>) -> Option<ChainFault> {
        self.run.desk.manner.tls.chain_fault(chain, at)
    }

    /// Where a server is reached, if somewhere else.
    pub fn detour(&self, server: SocketAddr) -> Option<SocketAddr> {
        self.run.desk.detour(server)
    }
}

/// One connection as it goes.
struct Call {
    began: Instant,
    at: DateTime<Utc>,
    log: Log,
}

impl Desk {
    fn detour(&self, server: SocketAddr) -> Option<SocketAddr> {
        self.detours.iter().find(|(of, _)| *of == server).map(|(_, to)| *to)
    }

    async fn visit(&self, visit: &Visit) -> Session {
        let mut seen = Session::of(visit);
        seen.detour = self.detour(visit.server);
        let _turn = self.turn(visit.server.ip()).await;
        let mut call = Call { began: Instant::now(), at: Utc::now(), log: Log::default() };
        let end = match self.connect(visit).await {
            Err(stop) => Err(stop),
            Ok(stream) => {
                seen.local = stream.local_addr().ok();
                let talk = dialog::converse(&self.manner, visit, stream, &mut call.log, &mut seen);
                self.within(talk).await
            }
        };
        seen.stop = end.err();
        let question = self.question(visit, "");
        seen.observation = self.write_down(visit, question, call, seen.stop.as_ref());
        seen
    }

    async fn versions(&self, visit: &Visit) -> Versions {
        let _turn = self.turn(visit.server.ip()).await;
        let (mut observations, mut tls12, mut old) = (Vec::new(), None, None);
        for what in ["TLS 1.2", "TLS 1.1"] {
            let mut call = Call { began: Instant::now(), at: Utc::now(), log: Log::default() };
            let end = match self.connect(visit).await {
                Err(stop) => Err(stop),
                Ok(stream) if what == "TLS 1.2" => {
                    let talk = dialog::speaks_tls12(&self.manner, visit, stream, &mut call.log);
                    self.within(talk).await.map(|answer| tls12 = answer)
                }
                Ok(stream) => {
                    let talk = dialog::speaks_old_tls(&self.manner, visit, stream, &mut call.log);
                    self.within(talk).await.map(|answer| old = answer)
                }
            };
            let question = self.question(visit, &format!(" {what}"));
            observations.push(self.write_down(visit, question, call, end.err().as_ref()));
        }
        Versions { tls12, old, observations }
    }

    /// The turn at an address, which ends when both are dropped.
    async fn turn(&self, ip: IpAddr) -> (tokio::sync::OwnedMutexGuard<()>, Option<tokio::sync::SemaphorePermit<'_>>) {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(ip).or_default())
        };
        let turn = turn.lock_owned().await;
        // It is never closed.
        (turn, self.at_once.acquire().await.ok())
    }

    async fn connect(&self, visit: &Visit) -> Result<TcpStream, Stop> {
        let server = self.detour(visit.server).unwrap_or(visit.server);
        match timeout(self.manner.patience / 2, TcpStream::connect(server)).await {
            Err(_) => Err(Stop::Timeout("connect")),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Err(Stop::Refused),
            Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Err(Stop::Timeout("connect")),
            Ok(Err(error)) => Err(Stop::Unreachable(error.kind())),
            Ok(Ok(stream)) => Ok(stream),
        }
    }

    /// The end of a conversation that may not last for ever.
    async fn within<T>(&self, talk: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        timeout(self.manner.patience * 5 / 2, talk).await.unwrap_or(Err(Stop::Timeout("conversation")))
    }

    fn question(&self, visit: &Visit, what: &str) -> String {
        let server = visit.server;
        let detour = self.detour(server).map_or_else(String::new, |to| format!(" ({to})"));
        format!("{} {server}{detour}{what}", word(visit.protocol).to_uppercase())
    }

    fn write_down(&self, visit: &Visit, question: String, call: Call, stop: Option<&Stop>) -> ObservationId {
        let outcome = stop.map_or("ok", Stop::word).to_owned();
        let exchange = Exchange {
            server: self.detour(visit.server).unwrap_or(visit.server).to_string(),
            transport: "tcp".into(),
            outcome: outcome.clone(),
            at: call.at,
            took_ms: (call.began.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        };
        self.transcript.add(Observation {
            id: ObservationId(0),
            part: 0,
            door: word(visit.protocol).into(),
            question: self.transcript.clean(&question),
            route: "server".into(),
            outcome,
            answer: call.log.lines.iter().map(|line| self.transcript.clean(line)).collect(),
            ttl: None,
            negative_ttl: None,
            authoritative: false,
            authenticated: false,
            rehearsed: Vec::new(),
            exchanges: vec![exchange],
        })
    }
}

fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Smtp => "smtp",
        Protocol::Imap => "imap",
        Protocol::Pop3 => "pop3",
    }
}
