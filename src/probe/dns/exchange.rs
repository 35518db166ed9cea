//! One question to one server: a packet out, what it brings, TCP when it does not fit, and EDNS left out when it is not understood.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, timeout_at};

use super::draft::Log;
use super::limits::{Gates, Server};
use super::question::Question;
use super::reply::Answer;
use super::wire::{self, Flags, Packet};

/// Larger datagrams than this are cut, and then unreadable; we invite 1232 octets.
const DATAGRAM: usize = 4096;
/// How long to wait before asking again for a socket when all files are open.
const FILES_WAIT: Duration = Duration::from_millis(5);

/// A question on its way to servers, and who decides about the answers.
pub(super) struct Errand<'a> {
    pub(super) question: &'a Question,
    pub(super) flags: Flags,
    /// The word for a good answer, or why it is not one.
    pub(super) judge: &'a (dyn Fn(&Message) -> Result<String, Answer> + Send + Sync),
    pub(super) gates: &'a Gates,
    pub(super) log: &'a Log,
    pub(super) tcp_limit: Duration,
}

/// A good answer.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) message: Box<Message>,
    pub(super) server: SocketAddr,
    pub(super) tcp: bool,
    pub(super) rtt: Duration,
}

/// What one packet brought.
enum Brought {
    Message(Box<Message>),
    Truncated,
    Unreadable(String),
    Failure(Answer),
}

impl Brought {
    fn into_answer(self) -> Answer {
        match self {
            Self::Message(message) => Answer::Rcode(message.metadata.response_code),
            Self::Truncated => Answer::Truncated,
            Self::Unreadable(why) => Answer::Malformed(why),
            Self::Failure(answer) => answer,
        }
    }
}

impl Errand<'_> {
    /// Puts the question to `server` and listens for `listen` after each packet. `sent` hears when the first went out.
    pub(super) async fn ask(
        &self,
        server: SocketAddr,
        known: &Server,
        listen: Duration,
        sent: &UnboundedSender<(usize, Instant)>,
        number: usize,
    ) -> Result<Heard, Answer> {
        let mut edns = !known.is_plain();
        let mut refused_edns = false;
        loop {
            known.wait().await;
            let entry = self.log.begin(server, "udp");
            let start = Instant::now();
            // The receiver is gone only when nobody wants the answer any more.
            let _ = sent.send((number, start));
            let mut brought = self.udp(server, edns, start + listen).await;
            let by_tcp = matches!(brought, Brought::Truncated);
            self.log.end(entry, &self.word(&brought));
            if by_tcp {
                brought = self.tcp(server, edns).await;
            }
            let failure = match brought {
                Brought::Message(message) => match (self.judge)(&message) {
                    Ok(_) => {
                        if refused_edns {
                            known.set_plain();
                        }
                        return Ok(Heard { message, server, tcp: by_tcp, rtt: start.elapsed() });
                    }
                    Err(failure) if edns && is_edns_trouble(message.metadata.response_code) => {
                        refused_edns = true;
                        failure
                    }
                    Err(failure) => return Err(failure),
                },
                Brought::Unreadable(why) if edns => Answer::Malformed(why),
                failed => return Err(failed.into_answer()),
            };
            if !edns {
                return Err(failure);
            }
            edns = false;
        }
    }

    /// The word of the transcript.
    fn word(&self, brought: &Brought) -> String {
        match brought {
            Brought::Message(message) => (self.judge)(message).unwrap_or_else(|answer| answer.to_string()),
            Brought::Truncated => Answer::Truncated.to_string(),
            Brought::Unreadable(why) => Answer::Malformed(why.clone()).to_string(),
            Brought::Failure(answer) => answer.to_string(),
        }
    }

    /// One datagram from a fresh socket, whose port the system chooses at random; connected, so that the kernel drops what
    /// comes from elsewhere and tells of closed ports.
    async fn udp(&self, server: SocketAddr, edns: bool, until: Instant) -> Brought {
        let (id, octets) = match self.encode(edns) {
            Ok(encoded) => encoded,
            Err(reason) => return Brought::Failure(Answer::Malformed(reason)),
        };
        let socket = match open(server, until).await {
            Ok(socket) => socket,
            Err(error) => return Brought::Failure(Answer::Unreachable(error.kind())),
        };
        self.gates.sent.fetch_add(1, Ordering::Relaxed);
        // Sent before the runtime knows the socket: it would wait for a turn of its reactor, behind all other questions.
        let sent = match socket.send(&octets) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            sent => Ok(sent.is_ok()),
        };
        let socket = match sent.and_then(|sent| Ok((sent, UdpSocket::from_std(socket)?))) {
            Ok((true, socket)) => socket,
            Ok((false, socket)) => match socket.send(&octets).await {
                Ok(_) => socket,
                Err(error) => return Brought::Failure(Answer::Unreachable(error.kind())),
            },
            Err(error) => return Brought::Failure(Answer::Unreachable(error.kind())),
        };
        let mut foreign = None;
        loop {
            // An error alone, such as a closed port, does not make a socket readable.
            let arrival = socket.async_io(Interest::READABLE | Interest::ERROR, || self.receive(&socket, id));
            match timeout_at(until, arrival).await {
                Err(_) => {
                    let answer = foreign.map_or(Answer::Timeout, |why: &str| Answer::Malformed(why.to_owned()));
                    return Brought::Failure(answer);
                }
                Ok(Err(error)) => return Brought::Failure(Answer::Unreachable(error.kind())),
                Ok(Ok(Packet::Answer(message))) => return Brought::Message(message),
                Ok(Ok(Packet::Truncated)) => return Brought::Truncated,
                Ok(Ok(Packet::Unreadable(why))) => return Brought::Unreadable(why),
                Ok(Ok(Packet::Foreign(why))) => foreign = Some(why),
            }
        }
    }

    /// What has arrived; the room for it is needed only while it is read, not while hundreds of questions wait.
    fn receive(&self, socket: &UdpSocket, id: u16) -> io::Result<Packet> {
        let mut buffer = [0; DATAGRAM];
        let length = (&*SockRef::from(socket)).read(&mut buffer)?;
        Ok(wire::decode(&buffer[..length], id, self.question))
    }

    /// The same by TCP (RFC 7766). Every failure to get an answer is [`Answer::Truncated`].
    async fn tcp(&self, server: SocketAddr, edns: bool) -> Brought {
        let (id, octets) = match self.encode(edns) {
            Ok(encoded) => encoded,
            Err(reason) => return Brought::Failure(Answer::Malformed(reason)),
        };
        let entry = self.log.begin(server, "tcp");
        self.gates.sent.fetch_add(1, Ordering::Relaxed);
        match timeout_at(Instant::now() + self.tcp_limit, stream(server, &octets)).await {
            Err(_) => {
                self.log.end(entry, "timeout");
                Brought::Truncated
            }
            Ok(Err(_)) => {
                self.log.end(entry, "unreachable");
                Brought::Truncated
            }
            Ok(Ok(octets)) => {
                let brought = match wire::decode(&octets, id, self.question) {
                    Packet::Answer(message) => Brought::Message(message),
                    Packet::Truncated => Brought::Truncated,
                    Packet::Unreadable(why) => Brought::Unreadable(why),
                    Packet::Foreign(why) => Brought::Failure(Answer::Malformed(why.to_owned())),
                };
                self.log.end(entry, &self.word(&brought));
                brought
            }
        }
    }

    fn encode(&self, edns: bool) -> Result<(u16, Vec<u8>), String> {
        let mut id = [0; 2];
        getrandom::fill(&mut id).map_err(|error| format!("no random number for the id: {error}"))?;
        let id = u16::from_ne_bytes(id);
        Ok((id, wire::encode(id, self.question, self.flags, edns)?))
    }
}

/// A connected UDP socket that does not block; waits for a free file while there is none. Connecting binds it too, to a port
/// of the system's choice.
async fn open(server: SocketAddr, until: Instant) -> io::Result<std::net::UdpSocket> {
    loop {
        let opened = Socket::new(Domain::for_address(server), Type::DGRAM.nonblocking(), None).and_then(|socket| {
            socket.connect(&server.into())?;
            Ok(socket.into())
        });
        match opened {
            Err(error) if is_out_of_files(&error) && Instant::now() < until => sleep(FILES_WAIT).await,
            opened => return opened,
        }
    }
}

/// ENFILE and EMFILE have no kind of their own; both numbers are the same on every Unix.
fn is_out_of_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// Two octets of length and the message, there and back; never more than 64 KiB.
async fn stream(server: SocketAddr, octets: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(octets.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(octets);
    stream.write_all(&framed).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// What a server says that does not know EDNS, or not our version (RFC 6891, section 7).
fn is_edns_trouble(code: ResponseCode) -> bool {
    matches!(code, ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS | ResponseCode::BADSIG)
}
