//! What is said in one visit: SMTP up to RCPT and never further, IMAP and POP3 up to their capabilities.

use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::ServerName;

use super::old_tls::{self, OldTls};
use super::reply::{ServerReply, Step, Stop};
use super::tls::{Offer, Tls, TlsSeen, spelled};
use super::wire::{Log, Talk};
use super::{Depth, Protocol, Session, TlsState, Visit};

/// How long a server may take to say goodbye; whoever does not is left without.
const GOODBYE: Duration = Duration::from_secs(2);

/// The envelope of a bounce (RFC 5321, section 4.5.5), and the same for addresses that are not ASCII (RFC 6531, section 3.4).
const MAIL: &str = "MAIL FROM:<>";
const MAIL_UTF8: &str = "MAIL FROM:<> SMTPUTF8";

/// What every conversation of a run has in common.
#[derive(Debug)]
pub(super) struct Manner {
    pub(super) tls: Tls,
    /// What is said in EHLO; nothing is the literal of the address that is used.
    pub(super) ehlo: Option<String>,
    /// How long one reply may take.
    pub(super) patience: Duration,
}

impl Manner {
    /// What is said in EHLO on this connection (RFC 5321, section 4.1.4).
    fn ehlo(&self, stream: &TcpStream) -> String {
        let literal = || match stream.local_addr().map(|local| local.ip().to_canonical()) {
            Ok(IpAddr::V6(ip)) => format!("[IPv6:{ip}]"),
            Ok(ip) => format!("[{ip}]"),
            Err(_) => "[127.0.0.1]".to_owned(),
        };
        self.ehlo.clone().unwrap_or_else(literal)
    }
}

/// Speaks through a visit; what was learnt before it stopped stays in `seen`.
pub(super) async fn converse(
    manner: &Manner,
    visit: &Visit,
    stream: TcpStream,
    log: &mut Log,
    seen: &mut Session,
) -> Result<(), Stop> {
    let patience = manner.patience;
    let ehlo = &manner.ehlo(&stream);
    if visit.implicit_tls {
        let Some(stream) = handshake(manner, visit, Offer::All, stream, log, seen).await? else { return Ok(()) };
        let mut talk = Talk::new(stream, log, patience);
        seen.greeting = Some(greeting(&mut talk, visit.protocol).await?);
        if seen.greeted() {
            seen.secured = Some(capabilities(&mut talk, visit.protocol, ehlo, false).await?);
        }
        goodbye(talk, visit.protocol).await;
        return Ok(());
    }
    let mut talk = Talk::new(stream, log, patience);
    seen.greeting = Some(greeting(&mut talk, visit.protocol).await?);
    if !seen.greeted() || visit.depth == Depth::Greeting {
        goodbye(talk, visit.protocol).await;
        return Ok(());
    }
    let clear = capabilities(&mut talk, visit.protocol, ehlo, false).await?;
    let offered = offers_tls(&clear, visit.protocol);
    let positive = clear.is_positive();
    seen.seen_as = clear.client(visit.server.ip(), ehlo);
    seen.clear = Some(clear);
    if visit.depth == Depth::Hello {
        goodbye(talk, visit.protocol).await;
        return Ok(());
    }
    if !offered {
        if positive {
            envelopes(&mut talk, visit, seen).await?;
        }
        goodbye(talk, visit.protocol).await;
        return Ok(());
    }
    let answer = upgrade(&mut talk, visit.protocol).await?;
    if !answer.is_positive() {
        seen.tls = TlsState::Refused(answer);
        envelopes(&mut talk, visit, seen).await?;
        goodbye(talk, visit.protocol).await;
        return Ok(());
    }
    // What came in clear behind the answer would be read as if it had come inside TLS (CVE-2011-0411, the other way round).
    if talk.has_read_ahead() {
        seen.tls = TlsState::Injected;
        return Ok(());
    }
    let (stream, log) = talk.into_parts();
    let Some(stream) = handshake(manner, visit, Offer::All, stream, log, seen).await? else { return Ok(()) };
    let mut talk = Talk::new(stream, log, patience);
    // What was said before TLS is forgotten (RFC 3207, section 4.2).
    seen.secured = Some(capabilities(&mut talk, visit.protocol, ehlo, true).await?);
    if seen.secured.as_ref().is_some_and(ServerReply::is_positive) {
        envelopes(&mut talk, visit, seen).await?;
    }
    goodbye(talk, visit.protocol).await;
    Ok(())
}

/// Whether TLS comes about with TLS 1.2 only.
pub(super) async fn speaks_tls12(
    manner: &Manner,
    visit: &Visit,
    stream: TcpStream,
    log: &mut Log,
) -> Result<Option<bool>, Stop> {
    let Some((stream, log)) = up_to_tls(manner, visit, stream, log).await? else { return Ok(None) };
    let mut seen = Session::of(visit);
    let stream = handshake(manner, visit, Offer::Only12, stream, log, &mut seen).await?;
    Ok(match (stream, seen.tls) {
        (Some(stream), _) => {
            goodbye(Talk::new(stream, log, manner.patience), visit.protocol).await;
            Some(true)
        }
        (None, TlsState::Failed(_)) => Some(false),
        _ => None,
    })
}

/// What the server answers to a client of old.
pub(super) async fn speaks_old_tls(
    manner: &Manner,
    visit: &Visit,
    stream: TcpStream,
    log: &mut Log,
) -> Result<Option<OldTls>, Stop> {
    let Some((mut stream, log)) = up_to_tls(manner, visit, stream, log).await? else { return Ok(None) };
    let answer = timeout(manner.patience, old_tls::hello(&mut stream, &visit.name)).await;
    let answer = answer.map_err(|_| Stop::Timeout("TLS 1.1"))?;
    log.note(match answer {
        Some(OldTls::Accepted(version)) => version,
        Some(OldTls::Refused) => "TLS 1.1 refused",
        None => "no answer to TLS 1.1",
    });
    Ok(answer)
}

/// The stream at the point where TLS begins; nothing if the server does not want it.
async fn up_to_tls<'l>(
    manner: &Manner,
    visit: &Visit,
    stream: TcpStream,
    log: &'l mut Log,
) -> Result<Option<(TcpStream, &'l mut Log)>, Stop> {
    if visit.implicit_tls {
        return Ok(Some((stream, log)));
    }
    let ehlo = &manner.ehlo(&stream);
    let mut talk = Talk::new(stream, log, manner.patience);
    if !greeting(&mut talk, visit.protocol).await?.is_positive() {
        return Ok(None);
    }
    let clear = capabilities(&mut talk, visit.protocol, ehlo, false).await?;
    if !offers_tls(&clear, visit.protocol) || !upgrade(&mut talk, visit.protocol).await?.is_positive() {
        return Ok(None);
    }
    Ok((!talk.has_read_ahead()).then(|| talk.into_parts()))
}

async fn greeting<S>(talk: &mut Talk<'_, S>, protocol: Protocol) -> Result<ServerReply, Stop>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    const STEP: Step = "greeting";
    match protocol {
        Protocol::Smtp => talk.reply(STEP).await,
        Protocol::Imap => {
            let greeting =
                talk.lines_until(STEP, |line| Some(line.starts_with("* OK") || line.starts_with("* PREAUTH")));
            spoken(greeting.await?, STEP, "* ")
        }
        Protocol::Pop3 => spoken(talk.lines_until(STEP, |line| Some(line.starts_with("+OK"))).await?, STEP, "+-"),
    }
}

/// A greeting, if it begins as one.
fn spoken(greeting: ServerReply, step: Step, first: &str) -> Result<ServerReply, Stop> {
    let line = greeting.lines.first().map_or("", String::as_str);
    if line.chars().next().is_some_and(|sign| first.contains(sign) && sign != ' ') {
        return Ok(greeting);
    }
    Err(Stop::Malformed(step, line.chars().take(80).collect()))
}

/// What the server says it can do; an SMTP server that does not know EHLO is greeted with HELO (RFC 5321, section 3.2).
async fn capabilities<S>(
    talk: &mut Talk<'_, S>,
    protocol: Protocol,
    ehlo: &str,
    again: bool,
) -> Result<ServerReply, Stop>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match protocol {
        Protocol::Smtp => {
            let step = if again { "EHLO in TLS" } else { "EHLO" };
            let reply = talk.ask(&format!("EHLO {ehlo}"), step).await?;
            // Other refusals are about the name, and HELO says the same one.
            if matches!(reply.code, Some(500 | 502)) {
                return talk.ask(&format!("HELO {ehlo}"), "HELO").await;
            }
            Ok(reply)
        }
        Protocol::Imap => {
            let tag = if again { "a3" } else { "a1" };
            talk.say(&format!("{tag} CAPABILITY"), "CAPABILITY").await?;
            talk.lines_until("CAPABILITY", |line| tagged(line, tag)).await
        }
        Protocol::Pop3 => {
            talk.say("CAPA", "CAPA").await?;
            // A refusal is one line; what is granted ends with a dot (RFC 2449, section 5).
            talk.lines_until("CAPA", |line| match line {
                "." => Some(true),
                refusal if refusal.starts_with("-ERR") => Some(false),
                _ => None,
            })
            .await
        }
    }
}

/// How the line with this tag ends an IMAP command (RFC 9051, section 2.2.2); nothing for other lines.
fn tagged(line: &str, tag: &str) -> Option<bool> {
    let rest = line.strip_prefix(tag)?.strip_prefix(' ')?;
    Some(rest.get(..2).is_some_and(|word| word.eq_ignore_ascii_case("OK")))
}

fn offers_tls(capabilities: &ServerReply, protocol: Protocol) -> bool {
    let words = |wanted: &str| {
        capabilities.lines.iter().any(|line| line.split_whitespace().any(|word| word.eq_ignore_ascii_case(wanted)))
    };
    match protocol {
        Protocol::Smtp => capabilities.extension("STARTTLS").is_some(),
        Protocol::Imap => words("STARTTLS"),
        Protocol::Pop3 => words("STLS"),
    }
}

async fn upgrade<S>(talk: &mut Talk<'_, S>, protocol: Protocol) -> Result<ServerReply, Stop>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match protocol {
        Protocol::Smtp => talk.ask("STARTTLS", "STARTTLS").await,
        Protocol::Imap => {
            talk.say("a2 STARTTLS", "STARTTLS").await?;
            talk.lines_until("STARTTLS", |line| tagged(line, "a2")).await
        }
        Protocol::Pop3 => {
            talk.say("STLS", "STLS").await?;
            talk.lines_until("STLS", |line| Some(line.starts_with("+OK"))).await
        }
    }
}

/// TLS on the stream; nothing if it did not come about, and `seen` says why.
async fn handshake(
    manner: &Manner,
    visit: &Visit,
    offer: Offer,
    stream: TcpStream,
    log: &mut Log,
    seen: &mut Session,
) -> Result<Option<TlsStream<TcpStream>>, Stop> {
    const STEP: Step = "TLS";
    let Ok(name) = ServerName::try_from(visit.name.as_str().to_owned()) else {
        seen.tls = TlsState::Failed(format!("{} is no name", visit.name));
        return Ok(None);
    };
    let connector = TlsConnector::from(manner.tls.config(offer));
    let stream = match timeout(manner.patience, connector.connect(name, stream)).await {
        Err(_) => return Err(Stop::Timeout(STEP)),
        Ok(Err(error)) => {
            let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            let Some(of_tls) = of_tls else { return Err(Stop::Closed(STEP)) };
            log.note(&format!("TLS: {of_tls}"));
            seen.tls = TlsState::Failed(of_tls.to_string());
            return Ok(None);
        }
        Ok(Ok(stream)) => stream,
    };
    let (_, connection) = stream.get_ref();
    let version = spelled(connection.protocol_version());
    let cipher = connection.negotiated_cipher_suite().map_or_else(String::new, |suite| format!("{:?}", suite.suite()));
    let chain: Vec<Vec<u8>> =
        connection.peer_certificates().unwrap_or_default().iter().map(|der| der.as_ref().to_vec()).collect();
    log.note(&format!("{version}, {cipher}, certificates: {}", chain.len()));
    seen.tls = TlsState::Up(TlsSeen { version, cipher, chain });
    Ok(Some(stream))
}

/// The envelopes of bounces, as few as can be, because servers count every RSET (Exim's smtp_accept_max_nonmail); DATA is never
/// said. Some give a bounce one recipient: who is refused beside others is asked for again, alone.
async fn envelopes<S>(talk: &mut Talk<'_, S>, visit: &Visit, seen: &mut Session) -> Result<(), Stop>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if visit.protocol != Protocol::Smtp || visit.depth != Depth::Envelopes {
        return Ok(());
    }
    let internationalized = seen.extensions().is_some_and(|reply| reply.extension("SMTPUTF8").is_some());
    // Bounces come so, and no policy on senders stands in the way.
    let sender = talk.ask(MAIL, "MAIL FROM").await?;
    let accepted = sender.is_positive();
    seen.null_sender = Some(sender);
    if !accepted {
        return Ok(());
    }
    let (mut open, mut others) = (MAIL, false);
    for (recipient, reply) in &mut seen.recipients {
        if !recipient.is_ascii() && !internationalized {
            continue;
        }
        let wanted = if recipient.is_ascii() { MAIL } else { MAIL_UTF8 };
        if wanted != open && !renew(talk, wanted).await? {
            return Ok(());
        }
        others &= wanted == open;
        open = wanted;
        let command = format!("RCPT TO:<{recipient}>");
        let mut said = talk.ask(&command, "RCPT TO").await?;
        if others && !said.is_positive() && said.code != Some(421) {
            if !renew(talk, open).await? {
                return Ok(());
            }
            others = false;
            said = talk.ask(&command, "RCPT TO").await?;
        }
        others |= said.is_positive();
        *reply = Some(said);
    }
    talk.ask("RSET", "RSET").await.map(drop)
}

/// Takes the envelope back before its message (RFC 5321, section 4.1.1.5), and begins the next; whether it may.
async fn renew<S>(talk: &mut Talk<'_, S>, mail: &str) -> Result<bool, Stop>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    talk.ask("RSET", "RSET").await?;
    Ok(talk.ask(mail, "MAIL FROM").await?.is_positive())
}

/// Goodbye, and the answer to it if it comes soon.
async fn goodbye<S>(mut talk: Talk<'_, S>, protocol: Protocol)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let leave = async {
        match protocol {
            Protocol::Smtp => drop(talk.ask("QUIT", "QUIT").await),
            Protocol::Imap => {
                if talk.say("a9 LOGOUT", "LOGOUT").await.is_ok() {
                    drop(talk.lines_until("LOGOUT", |line| tagged(line, "a9")).await);
                }
            }
            Protocol::Pop3 => {
                if talk.say("QUIT", "QUIT").await.is_ok() {
                    drop(talk.lines_until("QUIT", |_| Some(true)).await);
                }
            }
        }
    };
    // Nothing depends on it any more.
    drop(timeout(GOODBYE, leave).await);
}
