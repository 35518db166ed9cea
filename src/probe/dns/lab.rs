//! Servers on loopback that behave as badly as a test wants: raw sockets, so that wrong ids, questions and lengths are possible.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, NS, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

use super::{Ask, Dns, Question, Reply, ResolverChoice, Settings};

/// What a server does with a query: the datagrams to send back, empty for none.
pub(super) type Behaviour = dyn Fn(&Message, usize) -> Vec<Vec<u8>> + Send + Sync;

/// A server that runs until it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// Every query received, in order, and whether it came by TCP.
    pub(super) seen: Arc<Mutex<Vec<(Message, bool)>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Server {
    /// On 127.0.0.1 and a free port, UDP only. `behaviour` gets the query and how many came before it.
    pub(super) async fn udp(behaviour: impl Fn(&Message, usize) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), Arc::new(behaviour), None).await
    }

    /// UDP and TCP, each with its own behaviour; of the TCP one, the first message is sent, framed.
    pub(super) async fn both(
        udp: impl Fn(&Message, usize) -> Vec<Vec<u8>> + Send + Sync + 'static,
        tcp: impl Fn(&Message, usize) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), Arc::new(udp), Some(Arc::new(tcp))).await
    }

    /// At `address`.
    pub(super) async fn at(address: SocketAddr, udp: Arc<Behaviour>, tcp: Option<Arc<Behaviour>>) -> Self {
        let (socket, listener) = loop {
            let socket = UdpSocket::bind(address).await.unwrap();
            if tcp.is_none() {
                break (socket, None);
            }
            // The TCP port of the same number may be taken by somebody else.
            match TcpListener::bind(socket.local_addr().unwrap()).await {
                Ok(listener) => break (socket, Some(listener)),
                Err(_) => continue,
            }
        };
        let address = socket.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let mut tasks = vec![tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let query = Message::from_vec(&buffer[..length]).unwrap();
                let before = log.lock().unwrap().len();
                log.lock().unwrap().push((query.clone(), false));
                for datagram in udp(&query, before) {
                    socket.send_to(&datagram, from).await.unwrap();
                }
            }
        })];
        if let (Some(listener), Some(tcp)) = (listener, tcp) {
            let log = Arc::clone(&seen);
            tasks.push(tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let length = stream.read_u16().await.unwrap();
                    let mut octets = vec![0; usize::from(length)];
                    stream.read_exact(&mut octets).await.unwrap();
                    let query = Message::from_vec(&octets).unwrap();
                    let before = log.lock().unwrap().len();
                    log.lock().unwrap().push((query.clone(), true));
                    if let Some(answer) = tcp(&query, before).first() {
                        let length = u16::try_from(answer.len()).unwrap();
                        stream.write_all(&length.to_be_bytes()).await.unwrap();
                        stream.write_all(answer).await.unwrap();
                    }
                }
            }));
        }
        Self { address, seen, tasks }
    }

    /// How many queries came.
    pub(super) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

/// A port on which nothing ever answers, held open.
pub(super) async fn silent() -> Server {
    Server::udp(|_, _| vec![]).await
}

/// A port on which nothing listens.
pub(super) async fn closed() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// A door to `servers` with a retransmit time of 100 ms: short for those who wait for it, long for a busy machine.
pub(super) fn door(servers: &[SocketAddr]) -> Dns {
    door_with(servers, 100, |_| {})
}

/// The same with another retransmit time, in milliseconds, and other settings.
pub(super) fn door_with(servers: &[SocketAddr], retransmit: u64, change: impl FnOnce(&mut Settings)) -> Dns {
    let mut settings = Settings {
        resolver: ResolverChoice::Servers(servers.to_vec()),
        retransmit: Duration::from_millis(retransmit),
        ..Settings::default()
    };
    settings.limits.tcp = Duration::from_millis(300);
    change(&mut settings);
    Dns::new(settings).unwrap()
}

/// Asks `dns` for `name`.
pub(super) async fn ask(dns: &Dns, name: &str, rtype: RecordType) -> Arc<Reply> {
    dns.ask(Ask::new(Question::new(name, rtype).unwrap())).await
}

/// The answer to `query` with `records`, as a resolver gives it.
pub(super) fn answer(query: &Message, records: Vec<Record>) -> Message {
    let mut message = Message::response(query.metadata.id, query.metadata.op_code);
    message.metadata.recursion_available = true;
    message.queries.clone_from(&query.queries);
    message.answers = records;
    message
}

/// The answer to `query` with nothing but an rcode.
pub(super) fn rcode(query: &Message, code: ResponseCode) -> Message {
    let mut message = answer(query, vec![]);
    message.metadata.response_code = code;
    message
}

/// One datagram.
pub(super) fn one(message: &Message) -> Vec<Vec<u8>> {
    vec![message.to_vec().unwrap()]
}

/// The answer 127.0.0.2 for whatever is asked.
pub(super) fn listed(query: &Message) -> Vec<Vec<u8>> {
    one(&answer(query, vec![a(&query.queries[0].name.to_ascii(), [127, 0, 0, 2])]))
}

pub(super) fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

pub(super) fn a(owner: &str, address: [u8; 4]) -> Record {
    Record::from_rdata(name(owner), 300, RData::A(A(Ipv4Addr::from(address))))
}

pub(super) fn cname(owner: &str, target: &str) -> Record {
    Record::from_rdata(name(owner), 60, RData::CNAME(CNAME(name(target))))
}

pub(super) fn ns(owner: &str, target: &str) -> Record {
    Record::from_rdata(name(owner), 3600, RData::NS(NS(name(target))))
}

pub(super) fn txt(owner: &str, parts: &[&str]) -> Record {
    let parts = parts.iter().map(|part| (*part).to_owned()).collect();
    Record::from_rdata(name(owner), 300, RData::TXT(TXT::new(parts)))
}

pub(super) fn soa(owner: &str, ttl: u32, minimum: u32) -> Record {
    let soa = SOA::new(name("ns.invalid."), name("root.invalid."), 1, 3600, 600, 86400, minimum);
    Record::from_rdata(name(owner), ttl, RData::SOA(soa))
}

/// The outcome words of all exchanges of `reply`, with their transport.
pub(super) fn words(dns: &Dns, reply: &Reply) -> Vec<String> {
    let observations = dns.observations();
    let own = &observations[reply.observation.0 as usize];
    own.exchanges.iter().map(|exchange| format!("{} {}", exchange.transport, exchange.outcome)).collect()
}

/// A number that goes up.
pub(super) fn counter() -> Arc<AtomicUsize> {
    Arc::default()
}

/// The next number of a [`counter`].
pub(super) fn next(counter: &AtomicUsize) -> usize {
    counter.fetch_add(1, Ordering::Relaxed)
}

/// A few servers on 127.0.0.1, 127.0.0.2, … with one port, the first being the root.
pub(super) async fn internet(behaviours: Vec<Arc<Behaviour>>) -> Vec<Server> {
    'port: loop {
        let mut servers = Vec::new();
        let mut port = 0;
        for (number, behaviour) in behaviours.iter().enumerate() {
            let ip = Ipv4Addr::new(127, 0, 0, u8::try_from(number + 1).unwrap());
            if port != 0 && std::net::UdpSocket::bind((ip, port)).is_err() {
                continue 'port;
            }
            let server = Server::at((ip, port).into(), Arc::clone(behaviour), None).await;
            port = server.address.port();
            servers.push(server);
        }
        return servers;
    }
}

/// An authoritative server for zones, each given by its apex and its records, the glue among them.
pub(super) fn zones(zones: &[(&str, Vec<Record>)]) -> Arc<Behaviour> {
    let zones: Vec<(Name, Vec<Record>)> = zones.iter().map(|(apex, records)| (name(apex), records.clone())).collect();
    Arc::new(move |query: &Message, _| one(&authoritative(query, &zones)))
}

/// The answer of such a server (RFC 1034, section 4.3.2, without wildcards and without going on after an alias).
fn authoritative(query: &Message, zones: &[(Name, Vec<Record>)]) -> Message {
    let asked = &query.queries[0];
    let enclosing = zones.iter().filter(|(apex, _)| apex.zone_of(&asked.name));
    let Some((apex, records)) = enclosing.max_by_key(|(apex, _)| apex.iter().count()) else {
        return rcode(query, ResponseCode::Refused);
    };
    let mut message = answer(query, vec![]);
    message.metadata.recursion_available = false;
    let is_cut = |r: &&Record| r.record_type() == RecordType::NS && r.name != *apex && r.name.zone_of(&asked.name);
    let cuts: Vec<Record> = records.iter().filter(is_cut).cloned().collect();
    if !cuts.is_empty() {
        let target = |cut: &Record| match &cut.data {
            RData::NS(server) => Some(server.0.clone()),
            _ => None,
        };
        let targets: Vec<Name> = cuts.iter().filter_map(target).collect();
        let is_glue =
            |r: &&Record| matches!(r.record_type(), RecordType::A | RecordType::AAAA) && targets.contains(&r.name);
        message.additionals = records.iter().filter(is_glue).cloned().collect();
        message.authorities = cuts;
        return message;
    }
    message.metadata.authoritative = true;
    let here: Vec<&Record> = records.iter().filter(|r| r.name == asked.name).collect();
    let fits = |r: &&&Record| r.record_type() == asked.query_type || r.record_type() == RecordType::CNAME;
    message.answers = here.iter().filter(fits).map(|r| (*r).clone()).collect();
    if message.answers.is_empty() {
        message.authorities.push(soa(&apex.to_ascii(), 900, 900));
        if here.is_empty() && asked.name != *apex {
            message.metadata.response_code = ResponseCode::NXDomain;
        }
    }
    message
}

/// A door that walks from the first of `servers`, in no hurry.
pub(super) fn walker(servers: &[Server]) -> Dns {
    walker_with(servers, 500)
}

/// The same with another retransmit time, in milliseconds.
pub(super) fn walker_with(servers: &[Server], retransmit: u64) -> Dns {
    let root = servers[0].address;
    door_with(&[root], retransmit, |settings| {
        settings.resolver = ResolverChoice::Direct;
        settings.root_hints = vec![root];
        settings.authority_port = root.port();
    })
}

pub(super) fn aaaa(owner: &str, address: &str) -> Record {
    Record::from_rdata(name(owner), 300, RData::AAAA(hickory_proto::rr::rdata::AAAA(address.parse().unwrap())))
}
