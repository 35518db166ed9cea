//! One DNS question with every header bit in the test's hand, over UDP or TCP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};

/// How long a test waits for an answer that should come.
const PATIENCE: Duration = Duration::from_secs(5);

/// A question, built up by the test.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) name: Name,
    pub(crate) rtype: RecordType,
    /// Recursion desired.
    pub(crate) rd: bool,
    /// Checking disabled.
    pub(crate) cd: bool,
    /// "I understand AD".
    pub(crate) ad: bool,
    /// The EDNS buffer size; nothing is no EDNS.
    pub(crate) edns: Option<u16>,
    /// How long to wait.
    pub(crate) patience: Duration,
}

impl Ask {
    /// As a stub resolver asks: RD, EDNS 1232.
    pub(crate) fn new(name: &str, rtype: RecordType) -> Self {
        let mut name = Name::from_ascii(name).unwrap();
        name.set_fqdn(true);
        Self { name, rtype, rd: true, cd: false, ad: false, edns: Some(1232), patience: PATIENCE }
    }

    fn message(&self) -> Message {
        let mut message = Message::new(4711, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = self.rd;
        message.metadata.checking_disabled = self.cd;
        message.metadata.authentic_data = self.ad;
        message.add_query(Query::query(self.name.clone(), self.rtype));
        if let Some(size) = self.edns {
            let mut edns = Edns::new();
            edns.set_max_payload(size);
            message.set_edns(edns);
        }
        message
    }

    /// The bytes that came back by UDP.
    ///
    /// # Errors
    /// Silence is `WouldBlock` or `TimedOut`.
    pub(crate) fn bytes(&self, server: SocketAddr) -> io::Result<Vec<u8>> {
        let socket = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
        socket.set_read_timeout(Some(self.patience))?;
        socket.connect(server)?;
        socket.send(&self.message().to_vec().unwrap())?;
        let mut buffer = vec![0; 65535];
        let length = socket.recv(&mut buffer)?;
        buffer.truncate(length);
        Ok(buffer)
    }

    /// The answer by UDP.
    ///
    /// # Errors
    /// Silence, or bytes that are no message.
    pub(crate) fn udp(&self, server: SocketAddr) -> io::Result<Message> {
        Message::from_vec(&self.bytes(server)?).map_err(|e| io::Error::other(e.to_string()))
    }

    /// The answer by TCP.
    ///
    /// # Errors
    /// A closed connection, silence, or bytes that are no message.
    pub(crate) fn tcp(&self, server: SocketAddr) -> io::Result<Message> {
        let mut stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(self.patience))?;
        let message = self.message().to_vec().unwrap();
        let mut framed = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
        framed.extend(message);
        stream.write_all(&framed)?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer)?;
        Message::from_vec(&answer).map_err(|e| io::Error::other(e.to_string()))
    }
}

/// An answer in one line: the rcode, the flags AA AD TC that are set, then each answer record as `TYPE data`.
///
/// A negative answer with its SOA says `+SOA`.
pub(crate) fn line(message: &Message) -> String {
    let mut out = format!("{:?}", message.metadata.response_code).to_uppercase();
    for (set, word) in [
        (message.metadata.authoritative, " AA"),
        (message.metadata.authentic_data, " AD"),
        (message.metadata.truncation, " TC"),
    ] {
        if set {
            out.push_str(word);
        }
    }
    for record in &message.answers {
        out.push_str(&format!(" | {} {}", record.record_type(), record.data));
    }
    for record in &message.authorities {
        out.push_str(&format!(" +{}", record.record_type()));
    }
    out
}

/// Asks as a stub resolver by UDP and says the answer in one line; what did not come is the kind of error.
pub(crate) fn say(server: SocketAddr, name: &str, rtype: RecordType) -> String {
    match Ask::new(name, rtype).udp(server) {
        Ok(message) => line(&message),
        Err(e) => format!("{:?}", e.kind()),
    }
}
