//! Scripted mail servers on loopback: SMTP, IMAP and POP3 as good or as bad as a world wants them.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// The longest command that is read, in octets.
const LONGEST_COMMAND: u64 = 4096;

/// What a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailProtocol {
    /// RFC 5321.
    #[default]
    Smtp,
    /// RFC 9051.
    Imap,
    /// RFC 1939.
    Pop3,
}

/// What is wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailFault {
    /// Nobody listens: the connection is refused.
    Refused,
    /// Connections are not taken: nothing answers.
    Dropped,
    /// There is no way to it from here.
    NoRoute,
    /// It takes the connection and says nothing.
    Silent,
    /// It speaks something else.
    Garbage,
    /// Its greeting is a hundred megabytes long, without a line end.
    LongLine,
    /// Its answer to EHLO has no last line.
    EndlessReply,
    /// It hangs up after the greeting.
    HangsUp,
    /// It takes no second recipient for a bounce.
    OneForABounce,
    /// It answers one octet at a time, a second apart.
    Slow,
    /// A reply in clear stands behind its answer to STARTTLS.
    Injected,
    /// It agrees to TLS and then speaks none.
    NoHandshake,
    /// It falls silent in the handshake.
    SilentHandshake,
    /// It also takes TLS 1.0.
    OldTls,
    /// It falls silent before a client that knows nothing newer than TLS 1.1.
    SilentOldTls,
}

/// One server. What is left out is as in a good one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailScript {
    /// The name it says.
    pub name: String,
    /// What it speaks.
    pub protocol: MailProtocol,
    /// The whole greeting, instead of `220 NAME ESMTP` and its like.
    pub greeting: Option<String>,
    /// What it can do: extensions, capabilities; STARTTLS aside.
    pub extensions: Vec<String>,
    /// What it can do before TLS, if that is something else.
    pub clear: Option<Vec<String>>,
    /// Mailboxes that it takes; `*` is all.
    pub accepts: Vec<String>,
    /// Other replies, by the beginning of the command.
    pub replies: BTreeMap<String, String>,
    /// What is wrong with it.
    pub fault: Option<MailFault>,
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    _tasks: JoinSet<()>,
    _held: Vec<TcpStream>,
}

/// How a server does TLS.
#[derive(Clone)]
pub enum MailTls {
    /// Not at all.
    None,
    /// After STARTTLS.
    Upgrade(Arc<ServerConfig>),
    /// From the beginning.
    Implicit(Arc<ServerConfig>),
}

impl MailServer {
    /// Serves `script` on 127.0.0.1, on a port of the system's choice.
    ///
    /// # Errors
    /// No socket.
    pub async fn start(script: MailScript, tls: MailTls) -> io::Result<Self> {
        let mut tasks = JoinSet::new();
        if script.fault == Some(MailFault::Dropped) {
            return Self::dropping(tasks).await;
        }
        if script.fault == Some(MailFault::NoRoute) {
            // The system itself refuses to speak TCP to everybody at once; no packet leaves.
            let address = (Ipv4Addr::BROADCAST, 25).into();
            return Ok(Self { address, _tasks: tasks, _held: Vec::new() });
        }
        if script.fault == Some(MailFault::Refused) {
            // Bound and not listening: refused, and nobody else gets the port.
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            let address = socket.local_addr()?;
            tasks.spawn(async move {
                let _socket = socket;
                std::future::pending::<()>().await;
            });
            return Ok(Self { address, _tasks: tasks, _held: Vec::new() });
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let script = Arc::new(script);
        tasks.spawn(async move {
            let mut visits = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (script, tls) = (Arc::clone(&script), tls.clone());
                visits.spawn(async move { drop(serve(stream, &script, tls).await) });
                while visits.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, _tasks: tasks, _held: Vec::new() })
    }

    /// A listener whose queue is full: the system drops what comes.
    async fn dropping(mut tasks: JoinSet<()>) -> io::Result<Self> {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(1)?;
        let address = listener.local_addr()?;
        let mut held = Vec::new();
        while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            held.push(stream);
        }
        tasks.spawn(async move {
            let _listener = listener;
            std::future::pending::<()>().await;
        });
        Ok(Self { address, _tasks: tasks, _held: held })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(mut stream: TcpStream, script: &MailScript, tls: MailTls) -> io::Result<()> {
    match script.fault {
        Some(MailFault::Silent) => return wait(&mut stream).await,
        Some(MailFault::Garbage) => {
            stream.write_all(b"\x15\x03\x01\x00\x02\x02\x28 HTTP/1.1 400 Bad Request\r\n\r\n").await?;
            return wait(&mut stream).await;
        }
        Some(MailFault::LongLine) => {
            let megabyte = vec![b'x'; 1 << 20];
            for _ in 0..100 {
                stream.write_all(&megabyte).await?;
            }
            return Ok(());
        }
        Some(MailFault::Slow) => {
            for octet in b"220 mail.example.co.jp ESMTP slowly".iter().cycle() {
                stream.write_all(&[*octet]).await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        _ => {}
    }
    match tls {
        MailTls::Implicit(config) => {
            let stream = TlsAcceptor::from(config).accept(stream).await?;
            let mut talk = BufReader::new(stream);
            greet(&mut talk, script).await?;
            obey(&mut talk, script, true, false).await?;
        }
        MailTls::None => {
            let mut talk = BufReader::new(stream);
            greet(&mut talk, script).await?;
            obey(&mut talk, script, false, false).await?;
        }
        MailTls::Upgrade(config) => {
            let mut talk = BufReader::new(stream);
            greet(&mut talk, script).await?;
            if !obey(&mut talk, script, false, true).await? {
                return Ok(());
            }
            let mut stream = talk.into_inner();
            match script.fault {
                Some(MailFault::NoHandshake) => {
                    // Only after the ClientHello, or it would stand behind the answer to STARTTLS.
                    stream.readable().await?;
                    return stream.write_all(b"220 and on we go\r\n").await;
                }
                Some(MailFault::SilentHandshake) => return wait(&mut stream).await,
                _ => {}
            }
            if matches!(script.fault, Some(MailFault::OldTls | MailFault::SilentOldTls))
                && wants_old_tls(&stream).await?
            {
                if script.fault == Some(MailFault::OldTls) {
                    // The beginning of a ServerHello of TLS 1.0 (RFC 2246, section 7.4.1.3).
                    stream.write_all(&[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1]).await?;
                }
                return wait(&mut stream).await;
            }
            let mut talk = BufReader::new(TlsAcceptor::from(config).accept(stream).await?);
            obey(&mut talk, script, true, false).await?;
        }
    }
    Ok(())
}

/// Whether the ClientHello that waits knows nothing newer than TLS 1.1.
async fn wants_old_tls(stream: &TcpStream) -> io::Result<bool> {
    let mut hello = [0; 11];
    // Record and handshake have nine octets before the version.
    while stream.peek(&mut hello).await? < hello.len() {
        tokio::task::yield_now().await;
    }
    Ok(hello[9..] <= [3, 2][..])
}

/// Reads and says nothing until the other end goes.
async fn wait(stream: &mut TcpStream) -> io::Result<()> {
    let mut dropped = [0; 1024];
    while stream.read(&mut dropped).await? > 0 {}
    Ok(())
}

async fn greet<S: AsyncRead + AsyncWrite + Unpin>(talk: &mut BufReader<S>, script: &MailScript) -> io::Result<()> {
    let usual = match script.protocol {
        MailProtocol::Smtp => format!("220 {} ESMTP", script.name),
        MailProtocol::Imap => "* OK ready".to_owned(),
        MailProtocol::Pop3 => "+OK ready".to_owned(),
    };
    say(talk, script.greeting.as_deref().unwrap_or(&usual)).await?;
    if script.fault == Some(MailFault::HangsUp) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    Ok(())
}

async fn say<S: AsyncWrite + Unpin>(talk: &mut S, text: &str) -> io::Result<()> {
    talk.write_all(format!("{text}\r\n").as_bytes()).await?;
    talk.flush().await
}

/// Answers commands until the client leaves (`false`) or TLS is to begin (`true`).
async fn obey<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut BufReader<S>,
    script: &MailScript,
    secured: bool,
    offers_tls: bool,
) -> io::Result<bool> {
    // Whether the open envelope has a recipient.
    let mut addressed = false;
    loop {
        let mut octets = Vec::new();
        if (&mut *talk).take(LONGEST_COMMAND).read_until(b'\n', &mut octets).await? == 0 {
            return Ok(false);
        }
        let line = String::from_utf8_lossy(&octets).trim_end().to_owned();
        // IMAP commands stand behind a tag.
        let (tag, command) = match script.protocol {
            MailProtocol::Imap => line.split_once(' ').unwrap_or((&line, "")),
            _ => ("", line.as_str()),
        };
        let upper = command.to_ascii_uppercase();
        let begins = |start: &String| upper.starts_with(&start.to_ascii_uppercase());
        if let Some((_, reply)) = script.replies.iter().find(|(start, _)| begins(start)) {
            say(talk, &reply.replace("TAG", tag)).await?;
            // The server's own goodbye.
            if reply.starts_with("421") {
                return Ok(false);
            }
            continue;
        }
        if offers_tls && matches!(upper.as_str(), "STARTTLS" | "STLS") {
            let yes = match script.protocol {
                MailProtocol::Smtp => "220 go ahead".to_owned(),
                MailProtocol::Imap => format!("{tag} OK begin"),
                MailProtocol::Pop3 => "+OK begin".to_owned(),
            };
            let more = if script.fault == Some(MailFault::Injected) { "\r\n250 injected" } else { "" };
            say(talk, &format!("{yes}{more}")).await?;
            return Ok(true);
        }
        if script.fault == Some(MailFault::OneForABounce) && addressed && upper.starts_with("RCPT") {
            say(talk, "550 5.5.3 a bounce has one recipient").await?;
            continue;
        }
        let reply = match script.protocol {
            MailProtocol::Smtp => smtp(script, command, &upper, secured, offers_tls),
            MailProtocol::Imap => imap(script, tag, &upper, secured, offers_tls),
            MailProtocol::Pop3 => pop3(script, &upper, secured, offers_tls),
        };
        if script.fault == Some(MailFault::EndlessReply) && upper.starts_with("EHLO") {
            loop {
                say(talk, "250-X-MORE").await?;
            }
        }
        say(talk, &reply).await?;
        addressed = upper.starts_with("RCPT") && reply.starts_with("250") || addressed && upper != "RSET";
        if matches!(upper.as_str(), "QUIT" | "LOGOUT") {
            return Ok(false);
        }
    }
}

fn able(script: &MailScript, secured: bool) -> &[String] {
    if secured { &script.extensions } else { script.clear.as_deref().unwrap_or(&script.extensions) }
}

fn smtp(script: &MailScript, command: &str, upper: &str, secured: bool, offers_tls: bool) -> String {
    if upper.starts_with("EHLO") {
        let mut lines = vec![script.name.clone()];
        lines.extend(able(script, secured).iter().cloned());
        if offers_tls {
            lines.push("STARTTLS".to_owned());
        }
        let last = lines.len() - 1;
        let marked =
            lines.iter().enumerate().map(|(at, line)| format!("250{}{line}", if at == last { ' ' } else { '-' }));
        return marked.collect::<Vec<String>>().join("\r\n");
    }
    if let Some(rest) = upper.strip_prefix("RCPT TO:") {
        let end = rest.find('>').unwrap_or(rest.len());
        let start = command.len() - rest.len();
        let mailbox = command.get(start + 1..start + end).unwrap_or_default();
        let known = script.accepts.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(mailbox));
        return if known { "250 2.1.5 ok".to_owned() } else { format!("550 5.1.1 <{mailbox}>: user unknown") };
    }
    match upper.split([' ', ':']).next().unwrap_or_default() {
        "HELO" => format!("250 {}", script.name),
        "MAIL" => "250 2.1.0 ok".to_owned(),
        "RSET" | "NOOP" => "250 2.0.0 ok".to_owned(),
        "QUIT" => "221 2.0.0 bye".to_owned(),
        _ => "502 5.5.1 not implemented".to_owned(),
    }
}

fn imap(script: &MailScript, tag: &str, upper: &str, secured: bool, offers_tls: bool) -> String {
    match upper {
        "CAPABILITY" => {
            let tls = if offers_tls { " STARTTLS" } else { "" };
            format!("* CAPABILITY IMAP4rev1 {}{tls}\r\n{tag} OK done", able(script, secured).join(" "))
        }
        "LOGOUT" => format!("* BYE\r\n{tag} OK done"),
        _ => format!("{tag} BAD unknown"),
    }
}

fn pop3(script: &MailScript, upper: &str, secured: bool, offers_tls: bool) -> String {
    match upper {
        "CAPA" => {
            let mut lines = vec!["+OK".to_owned()];
            lines.extend(able(script, secured).iter().cloned());
            if offers_tls {
                lines.push("STLS".to_owned());
            }
            lines.push(".".to_owned());
            lines.join("\r\n")
        }
        "QUIT" => "+OK bye".to_owned(),
        _ => "-ERR unknown".to_owned(),
    }
}
