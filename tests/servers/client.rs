//! A plain SMTP client: says a line, hears a reply, and can go on in TLS.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long a server may take for what it should say.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may take: a lost first packet is sent again after a second.
const SHORT: Duration = Duration::from_secs(2);

/// A connection, in the clear or not.
trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

/// A session with a server that has greeted.
pub(crate) struct Session {
    wire: BufReader<Box<dyn Wire>>,
    /// A second hold of the socket, for the change to TLS.
    socket: TcpStream,
    /// What it said first.
    pub(crate) banner: String,
}

impl Session {
    /// Connects and hears the banner.
    pub(crate) fn open(server: SocketAddr) -> Self {
        let socket = connect(server, PATIENCE).unwrap();
        let wire = Box::new(socket.try_clone().unwrap());
        Self::greeted(socket, wire)
    }

    /// Connects and speaks TLS at once.
    ///
    /// # Errors
    /// What is wrong with the certificate, or with the handshake.
    pub(crate) fn open_tls(server: SocketAddr, name: &str, authority: &str) -> Result<Self, String> {
        let socket = connect(server, PATIENCE).unwrap();
        let wire = Box::new(handshake(&socket, name, authority)?);
        Ok(Self::greeted(socket, wire))
    }

    fn greeted(socket: TcpStream, wire: Box<dyn Wire>) -> Self {
        let mut session = Self { wire: BufReader::new(wire), socket, banner: String::new() };
        session.banner = session.hear();
        session
    }

    /// Says a line; the whole reply, its lines joined by newlines.
    pub(crate) fn say(&mut self, line: &str) -> String {
        let wire = self.wire.get_mut();
        wire.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        wire.flush().unwrap();
        self.hear()
    }

    /// Says EHLO; the reply.
    pub(crate) fn greet(&mut self) -> String {
        self.say("EHLO desk.example.co.jp")
    }

    /// Whether it would take a mail from `sender` to `recipient`; nothing is sent.
    pub(crate) fn takes(&mut self, sender: &str, recipient: &str) -> bool {
        self.say("RSET");
        let reply = self.say(&format!("MAIL FROM:<{sender}>"));
        assert!(reply.starts_with("250"), "{reply}");
        let reply = self.say(&format!("RCPT TO:<{recipient}>"));
        assert!(reply.starts_with("250") || reply.starts_with("55"), "{reply}");
        reply.starts_with("250")
    }

    /// Goes on in TLS.
    ///
    /// # Errors
    /// What is wrong with the certificate, or with the handshake.
    pub(crate) fn start_tls(mut self, name: &str, authority: &str) -> Result<Self, String> {
        let reply = self.say("STARTTLS");
        if !reply.starts_with("220") {
            return Err(reply);
        }
        let wire = Box::new(handshake(&self.socket, name, authority)?);
        Ok(Self { wire: BufReader::new(wire), ..self })
    }

    fn hear(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            self.wire.read_line(&mut line).unwrap();
            let goes_on = line.get(3..4) == Some("-");
            reply.push_str(line.trim_end());
            if !goes_on {
                return reply;
            }
            reply.push('\n');
        }
    }
}

/// Whether a connection comes about.
///
/// # Errors
/// Why not.
pub(crate) fn reach(server: SocketAddr) -> Result<(), String> {
    connect(server, SHORT).map(drop).map_err(|error| format!("{server}: {error}"))
}

fn connect(server: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&server, patience)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

fn handshake(
    socket: &TcpStream,
    name: &str,
    authority: &str,
) -> Result<StreamOwned<ClientConnection, TcpStream>, String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = socket.try_clone().unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut socket).map_err(|error| error.to_string())?;
    }
    Ok(StreamOwned::new(connection, socket))
}
