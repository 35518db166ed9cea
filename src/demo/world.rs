//! The world as a running server: one address on loopback, UDP and TCP on the same port.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::RecordType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::answer::{Knowledge, for_udp};
use super::fault::{self, Fault, FaultRule, Rule};
use super::mail::MailScript;
use super::zone::Zone;

/// How often a port that is free for UDP may turn out to be taken for TCP.
const PORT_TRIES: usize = 32;
/// How long an idle TCP connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Why the world could not start.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A master file is wrong.
    #[error("could not read the zone {origin}: {reason}")]
    Zone {
        /// The zone's origin.
        origin: String,
        /// What the parser says.
        reason: String,
    },
    /// Two zones have one origin.
    #[error("could not serve the zone {0} twice")]
    Twice(String),
    /// The name in a fault rule is wrong.
    #[error("could not read the name {below:?} of a rule: {reason}")]
    Rule {
        /// The name as written.
        below: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No socket.
    #[error("could not listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// What a world consists of.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The zones; the most specific one answers.
    pub zones: Vec<Zone>,
    /// What is broken; the first rule that fits is applied.
    pub faults: Vec<FaultRule>,
    /// The mail servers, by the address and port at which the world is to believe them.
    pub mail: BTreeMap<SocketAddr, MailScript>,
    /// Names at or below these are answered with AD=1 to an asker that sets AD or DO and RD.
    pub authenticated_below: Vec<String>,
    /// Where to listen; nothing is 127.0.0.1 on a port of the system's choice.
    pub address: Option<SocketAddr>,
}

/// One question that reached the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name, lower case, absolute.
    pub name: String,
    /// The type.
    pub rtype: RecordType,
    /// Whether it came by TCP.
    pub tcp: bool,
    /// Whether recursion was desired.
    pub recursion: bool,
}

/// A DNS server on loopback; dropping it stops it.
#[derive(Debug)]
pub struct World {
    address: SocketAddr,
    queries: Arc<AtomicU64>,
    asked: Arc<Mutex<Vec<Asked>>>,
    desk: Arc<Desk>,
    /// Aborts its tasks, and through them the connections, when dropped.
    _tasks: JoinSet<()>,
}

impl World {
    /// Serves zones with faults on 127.0.0.1, on a port of the system's choice.
    ///
    /// # Errors
    /// A zone or rule that cannot be read, or no socket.
    pub async fn start(zones: &[Zone], faults: &[FaultRule]) -> Result<Self, WorldError> {
        Self::serve(&Setup { zones: zones.to_vec(), faults: faults.to_vec(), ..Setup::default() }).await
    }

    /// Serves a setup.
    ///
    /// # Errors
    /// A zone or rule that cannot be read, or no socket.
    pub async fn serve(setup: &Setup) -> Result<Self, WorldError> {
        let knowledge = knowledge(setup)?;
        let (udp, tcp, address) = sockets(setup.address.unwrap_or((Ipv4Addr::LOCALHOST, 0).into())).await?;

        let queries = Arc::new(AtomicU64::new(0));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let desk = Arc::new(Desk {
            knowledge: Mutex::new(Arc::new(knowledge)),
            queries: Arc::clone(&queries),
            asked: Arc::clone(&asked),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(udp, Arc::clone(&desk)));
        tasks.spawn(serve_tcp(tcp, Arc::clone(&desk)));
        Ok(Self { address, queries, asked, desk, _tasks: tasks })
    }

    /// Becomes another world at the same address: the next question is answered from `setup`.
    ///
    /// # Errors
    /// A zone or rule that cannot be read; the world stays as it was.
    pub fn turn(&self, setup: &Setup) -> Result<(), WorldError> {
        let knowledge = Arc::new(knowledge(setup)?);
        *self.desk.knowledge.lock().unwrap_or_else(PoisonError::into_inner) = knowledge;
        Ok(())
    }

    /// Where it listens, UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many questions have arrived.
    pub fn queries(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }

    /// The questions that have arrived, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What `setup` knows.
fn knowledge(setup: &Setup) -> Result<Knowledge, WorldError> {
    let mut zones = HashMap::with_capacity(setup.zones.len());
    for zone in &setup.zones {
        let parsed = zone.parse()?;
        if zones.insert(parsed.origin().clone(), parsed).is_some() {
            return Err(WorldError::Twice(zone.origin.clone()));
        }
    }
    let rules = setup.faults.iter().map(Rule::read).collect::<Result<_, _>>()?;
    let authenticated = setup.authenticated_below.iter().map(|below| fault::name(below)).collect::<Result<_, _>>()?;
    Ok(Knowledge::new(zones, rules, authenticated))
}

/// What answers and keeps the book.
struct Desk {
    knowledge: Mutex<Arc<Knowledge>>,
    queries: Arc<AtomicU64>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// What to do with one packet.
#[derive(Default)]
struct Response {
    /// Send this; nothing is silence.
    bytes: Option<Vec<u8>>,
    /// But only after this time.
    after: Duration,
    /// And hang up instead, if it came by TCP.
    hang_up: bool,
    /// From another address, if it came by UDP.
    elsewhere: bool,
    /// Each octet this long after the one before, if it came by TCP.
    drip: Duration,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    fn respond(&self, packet: &[u8], tcp: bool) -> Response {
        let mut response = Response::default();
        let Ok(question) = Message::from_vec(packet) else { return response };
        // Answering answers would let two servers talk for ever.
        if question.metadata.message_type != MessageType::Query {
            return response;
        }
        self.queries.fetch_add(1, Ordering::Relaxed);
        if let Some(query) = question.queries.first() {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(Asked {
                name: query.name.to_ascii().to_ascii_lowercase(),
                rtype: query.query_type,
                tcp,
                recursion: question.metadata.recursion_desired,
            });
        }
        let knowledge = Arc::clone(&self.knowledge.lock().unwrap_or_else(PoisonError::into_inner));
        let fault = knowledge.fault(&question);
        let mut reply = knowledge.answer(&question, fault);
        let mut truncate = false;
        match fault {
            Some(Fault::Drop) => return response,
            Some(Fault::Garbage) => {
                response.bytes = Some(garbage(question.metadata.id));
                return response;
            }
            Some(Fault::WrongId) => reply.metadata.id ^= 0x5555,
            Some(Fault::Delay(time)) => response.after = *time,
            Some(Fault::Truncate | Fault::Huge) => truncate = true,
            Some(Fault::Drip(apart)) => {
                truncate = true;
                response.drip = *apart;
            }
            Some(Fault::OtherSource) => {
                response.elsewhere = true;
                response.hang_up = true;
            }
            Some(Fault::TruncateAlways) => {
                truncate = true;
                response.hang_up = true;
            }
            _ => {}
        }
        response.bytes = if tcp { reply.to_vec().ok() } else { for_udp(&reply, &question, truncate) };
        response
    }
}

/// A response header that promises 255 records, and half a record.
fn garbage(id: u16) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend([0x81, 0x80, 0, 0, 0, 0xff, 0, 0, 0, 0, 0x3f, b'?', 0xff, 0xff, 0xff]);
    bytes
}

/// UDP and TCP on one port.
async fn sockets(address: SocketAddr) -> Result<(UdpSocket, TcpListener, SocketAddr), WorldError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let udp = UdpSocket::bind(address).await.map_err(|source| WorldError::Listen { address, source })?;
        let bound = udp.local_addr().map_err(|source| WorldError::Listen { address, source })?;
        match TcpListener::bind(bound).await {
            Ok(tcp) => return Ok((udp, tcp, bound)),
            Err(e) if e.kind() == io::ErrorKind::AddrInUse && address.port() == 0 && tries < PORT_TRIES => {}
            Err(source) => return Err(WorldError::Listen { address: bound, source }),
        }
    }
}

async fn serve_udp(socket: UdpSocket, desk: Arc<Desk>) {
    let socket = Arc::new(socket);
    let elsewhere = elsewhere().await;
    let mut later = JoinSet::new();
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        // An ICMP error of an earlier answer can surface here; it is no reason to stop.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let Some(packet) = buffer.get(..length) else { continue };
        let response = desk.respond(packet, false);
        let Some(bytes) = response.bytes else { continue };
        if response.elsewhere {
            if let Some(socket) = &elsewhere {
                let _ = socket.send_to(&bytes, from).await;
            }
        } else if response.after.is_zero() {
            let _ = socket.send_to(&bytes, from).await;
        } else {
            let socket = Arc::clone(&socket);
            later.spawn(async move {
                tokio::time::sleep(response.after).await;
                let _ = socket.send_to(&bytes, from).await;
            });
        }
        while later.try_join_next().is_some() {}
    }
}

/// A socket with another address than the world's; where loopback has only one, with another port.
async fn elsewhere() -> Option<UdpSocket> {
    match UdpSocket::bind("127.0.0.2:0").await {
        Ok(socket) => Some(socket),
        Err(_) => UdpSocket::bind("127.0.0.1:0").await.ok(),
    }
}

async fn serve_tcp(listener: TcpListener, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: let others close some.
            tokio::task::yield_now().await;
            continue;
        };
        let desk = Arc::clone(&desk);
        connections.spawn(async move {
            let _ = converse(stream, &desk).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// One TCP connection: each message behind its length (RFC 1035, section 4.2.2).
async fn converse(mut stream: TcpStream, desk: &Desk) -> io::Result<()> {
    loop {
        let length = tokio::time::timeout(IDLE, stream.read_u16()).await??;
        let mut packet = vec![0; usize::from(length)];
        stream.read_exact(&mut packet).await?;
        let response = desk.respond(&packet, true);
        if response.hang_up {
            return Ok(());
        }
        tokio::time::sleep(response.after).await;
        let Some(bytes) = response.bytes else { continue };
        let Ok(length) = u16::try_from(bytes.len()) else { return Ok(()) };
        let framed = [length.to_be_bytes().as_slice(), &bytes].concat();
        if response.drip.is_zero() {
            stream.write_all(&framed).await?;
            continue;
        }
        for octet in framed {
            stream.write_u8(octet).await?;
            tokio::time::sleep(response.drip).await;
        }
    }
}
