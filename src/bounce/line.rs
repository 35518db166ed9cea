//! Which line of a mail log tells what became of a message; most lines are passed over after a glance at who wrote them.

use std::net::IpAddr;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::event::{Action, Event};
use super::log;
use super::side::Direction;
use crate::maillog::written;
use crate::model::DomainName;

/// So much of a line is read, in octets: replies of more than that are not written by sane programs.
const LONGEST_READ: usize = 4096;

/// What a line tells.
pub(super) enum News<'l> {
    /// Nothing about the fate of a message.
    Nothing,
    /// It was delivered to a recipient.
    Delivered {
        /// The queue id.
        id: &'l [u8],
        /// Reads the rest of the line, which is rarely wanted.
        rest: Unread<'l>,
    },
    /// It was given up for all recipients that still waited.
    GivenUp {
        /// The queue id.
        id: &'l [u8],
    },
    /// It was refused, put off or given up, for one recipient.
    Refused(Box<Refusal<'l>>),
}

/// A refusal with what the log says around it.
pub(super) struct Refusal<'l> {
    /// The queue id; none where the mail was refused before it got one.
    pub(super) id: Option<&'l [u8]>,
    /// What was said.
    pub(super) event: Event,
    /// The envelope sender, where our own server refused.
    pub(super) sender: Option<String>,
    /// The name of the client, where our own server refused.
    pub(super) client: Option<String>,
}

/// The rest of a line about a delivery.
pub(super) struct Unread<'l> {
    read: fn(&str) -> Option<Event>,
    text: &'l [u8],
}

impl Unread<'_> {
    /// The recipient that the line names.
    pub(super) fn recipient(&self) -> Option<String> {
        (self.read)(&text_of(self.text))?.recipient
    }
}

static STATUS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" status="));
static STAT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"stat="));
static REJECT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"reject="));
static REJECTED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"rejected "));

/// Reads a line.
pub(super) fn news(line: &[u8]) -> News<'_> {
    // Who wrote the line is settled first: what a client says may look like another program's line.
    match written(line) {
        Some((b"smtp", text)) => delivery(text, false),
        Some((b"lmtp" | b"local" | b"virtual" | b"pipe", text)) => delivery(text, true),
        Some((b"error" | b"retry", text)) => delivery(text, false),
        Some((b"smtpd" | b"postscreen" | b"cleanup", text)) => turned_away(text),
        Some((b"qmgr", text)) => returned(text),
        Some((b"sendmail" | b"sm-mta" | b"sm-que" | b"sm-msp-queue" | b"sendmail-in" | b"sendmail-out", text)) => {
            sendmail(text)
        }
        Some((b"exim" | b"exim4", text)) => exim(text),
        Some(_) => News::Nothing,
        // Exim's own log has no program in it.
        None => exim(line),
    }
}

fn text_of(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(LONGEST_READ)]).into_owned()
}

/// `QID: the rest`.
fn id_and_rest(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b':', text)?;
    let rest = text[at + 1..].strip_prefix(b" ")?;
    Some((&text[..at], rest))
}

/// `QID: to=<a@b>, relay=…, dsn=…, status=deferred (…)` of Postfix; `own` is a delivery into our own mailboxes.
fn delivery(text: &[u8], own: bool) -> News<'_> {
    let Some((id, rest)) = id_and_rest(text) else { return News::Nothing };
    if !rest.starts_with(b"to=<") {
        return News::Nothing;
    }
    let Some(at) = STATUS.find(rest) else { return News::Nothing };
    let status = &rest[at + STATUS.needle().len()..];
    if status.starts_with(b"sent ") {
        return News::Delivered { id, rest: Unread { read: log::postfix_delivery, text } };
    }
    // Probes whether an address exists, "undeliverable", are no messages.
    if ![&b"deferred "[..], b"bounced ", b"expired ", b"SOFTBOUNCE "].iter().any(|word| status.starts_with(word)) {
        return News::Nothing;
    }
    let Some(mut event) = log::postfix_delivery(&text_of(text)) else { return News::Nothing };
    if status.starts_with(b"SOFTBOUNCE ") {
        event.action = Action::Delayed;
    }
    if own {
        event.direction = Some(Direction::Incoming);
    }
    News::Refused(Box::new(Refusal { id: Some(id), event, sender: None, client: None }))
}

/// `NOQUEUE: reject: RCPT from name[ip]: 450 …; from=<…> to=<…> …`, and `QID: milter-reject: …`.
fn turned_away(text: &[u8]) -> News<'_> {
    let Some((_, rest)) = id_and_rest(text) else { return News::Nothing };
    if !rest.starts_with(b"reject: ") && !rest.starts_with(b"milter-reject: ") {
        return News::Nothing;
    }
    let text = text_of(rest);
    let Some(event) = log::postfix_reject(&text) else { return News::Nothing };
    let client = text.split_once(" from ").and_then(|(_, client)| client.split_once('[')).map(|(name, _)| name);
    let client = client.map(str::to_owned);
    // What the client said stands before it, so the last one is Postfix's own.
    let sender =
        text.rfind("; from=<").and_then(|at| text[at + 8..].split_once('>')).map(|(sender, _)| sender.to_owned());
    News::Refused(Box::new(Refusal { id: None, event: put_off(event), sender, client }))
}

/// A refusal for now: who sent it comes again.
fn put_off(event: Event) -> Event {
    let now = event.code.is_some_and(|code| (400..500).contains(&code))
        || event.code.is_none() && event.enhanced.is_some_and(|code| code.class == 4);
    Event { action: if now { Action::Delayed } else { Action::Failed }, ..event }
}

/// `QID: from=<a@b>, status=expired, returned to sender`.
fn returned(text: &[u8]) -> News<'_> {
    match id_and_rest(text) {
        Some((id, rest)) if rest.ends_with(b", returned to sender") => News::GivenUp { id },
        _ => News::Nothing,
    }
}

/// `QID: to=<a@b>, …, dsn=4.0.0, stat=Deferred: …`, `QID: ruleset=check_rcpt, arg1=<…>, relay=name [ip], reject=550 …`.
fn sendmail(text: &[u8]) -> News<'_> {
    let Some((id, rest)) = id_and_rest(text) else { return News::Nothing };
    if rest.starts_with(b"ruleset=") && REJECT.find(rest).is_some() {
        let text = text_of(text);
        let Some(event) = log::sendmail(&text) else { return News::Nothing };
        let relay = text.split("relay=").nth(1).unwrap_or_default();
        let client = relay.split([' ', '[', ',']).next().filter(|name| !name.is_empty()).map(str::to_owned);
        let by_sender = text.contains("ruleset=check_mail");
        let sender = text.split_once("arg1=<").filter(|_| by_sender).and_then(|(_, rest)| rest.split_once('>'));
        let sender = sender.map(|(sender, _)| sender.to_owned());
        return News::Refused(Box::new(Refusal { id: None, event: put_off(event), sender, client }));
    }
    // `ID: ID of the notice: DSN: Cannot send message for 5 days`.
    if let Some((_, note)) = id_and_rest(rest)
        && let Some((_, cause)) = id_and_rest(note)
        && cause.starts_with(b"Cannot send")
    {
        return News::GivenUp { id };
    }
    if !rest.starts_with(b"to=") {
        return News::Nothing;
    }
    let Some(at) = STAT.find(rest) else { return News::Nothing };
    let stat = &rest[at + STAT.needle().len()..];
    if stat.starts_with(b"Sent") {
        return News::Delivered { id, rest: Unread { read: log::sendmail, text } };
    }
    if stat.starts_with(b"queued") {
        return News::Nothing;
    }
    let text = text_of(text);
    let Some(mut event) = log::sendmail(&text) else { return News::Nothing };
    if text.contains("mailer=local") {
        event.direction = Some(Direction::Incoming);
        event.host = None;
    }
    News::Refused(Box::new(Refusal { id: Some(id), event, sender: None, client: None }))
}

/// `2026-11-25 10:00:00 ID == a@b R=… T=… defer (…): …`, `… H=name (helo) [ip] F=<…> rejected RCPT <…>: …`.
fn exim(line: &[u8]) -> News<'_> {
    let text = after_time(line);
    let mut words = text.splitn(3, |byte| *byte == b' ');
    let (Some(id), Some(mark), Some(rest)) = (words.next(), words.next(), words.next()) else { return News::Nothing };
    if id.len() >= 16 && id.get(6) == Some(&b'-') {
        match mark {
            b"<=" | b"Completed" => return News::Nothing,
            b"=>" | b"->" | b">>" => return News::Delivered { id, rest: Unread { read: log::exim, text: line } },
            b"==" | b"**" => return exim_refusal(id, mark, rest, line),
            _ => {}
        }
    }
    let Some(at) = REJECTED.find(text) else { return News::Nothing };
    let line = text_of(line);
    let Some(event) = log::exim(&line) else { return News::Nothing };
    let before = String::from_utf8_lossy(&text[..at.min(LONGEST_READ)]).into_owned();
    let event = put_off(event);
    let sender =
        before.rfind(" F=<").and_then(|at| before[at + 4..].split_once('>')).map(|(sender, _)| sender.to_owned());
    let client = before.split_once("H=").and_then(|(_, host)| host.split([' ', '[', '(']).next());
    let client = client.filter(|name| !name.is_empty()).map(str::to_owned);
    News::Refused(Box::new(Refusal { id: None, event, sender, client }))
}

fn exim_refusal<'l>(id: &'l [u8], mark: &[u8], rest: &[u8], line: &[u8]) -> News<'l> {
    let read = log::exim(&text_of(line)).unwrap_or_else(|| {
        // Without a router: `** a@b: retry timeout exceeded`, `== a@b routing defer (-51): retry time not reached`.
        let rest = text_of(rest);
        let recipient =
            rest.split([' ', ':']).find(|word| word.contains('@')).map(|word| word.trim_matches(['<', '>']));
        Event {
            recipient: recipient.map(str::to_owned),
            direction: Some(Direction::Outgoing),
            ..log::said(rest.split_once(": ").map_or(&rest, |(_, text)| text))
        }
    });
    let action = if mark == b"==" { Action::Delayed } else { Action::Failed };
    let event = Event { action, ..read };
    News::Refused(Box::new(Refusal { id: Some(id), event, sender: None, client: None }))
}

/// What follows the time, its offset and the process number in a line of Exim's own log; a line by way of syslog has none of them.
fn after_time(line: &[u8]) -> &[u8] {
    let is_dated = line.len() > 20 && line[4] == b'-' && line[..4].iter().all(u8::is_ascii_digit);
    if !is_dated {
        return line;
    }
    let mut text = &line[10..];
    for _ in 0..3 {
        text = text.strip_prefix(b" ").unwrap_or(text);
        let end = memchr::memchr(b' ', text).unwrap_or(text.len());
        let word = &text[..end];
        let is_time = word.len() >= 8 && word[2] == b':' && word[5] == b':';
        let is_offset = word.len() == 5 && matches!(word[0], b'+' | b'-') && word[1..].iter().all(u8::is_ascii_digit);
        let is_process =
            word.starts_with(b"[") && word.ends_with(b"]") && word[1..word.len() - 1].iter().all(u8::is_ascii_digit);
        if !is_time && !is_offset && !is_process {
            break;
        }
        text = text[end..].strip_prefix(b" ").unwrap_or(&text[end..]);
    }
    text
}

/// Whom a refusal is about: outgoing, the domain of the host that refused, else of the recipient; incoming, the domain of the sender,
/// else that of the client's name, else the client's network. Lower case, visible.
pub(super) fn party(refusal: &Refusal<'_>, direction: Direction) -> String {
    let of_address = |address: &str| address.rsplit_once('@').and_then(|(_, domain)| organization(domain));
    let recipient = || refusal.event.recipient.as_deref().and_then(of_address);
    if direction != Direction::Incoming {
        return refusal
            .event
            .host
            .as_deref()
            .and_then(organization)
            .or_else(recipient)
            .unwrap_or_else(|| "-".to_owned());
    }
    let sender = refusal.sender.as_deref().and_then(of_address);
    let client = || refusal.client.as_deref().and_then(organization);
    let network = || refusal.event.client.map(network);
    sender.or_else(client).or_else(network).or_else(recipient).unwrap_or_else(|| "-".to_owned())
}

/// The domain of an organization.
fn organization(name: &str) -> Option<String> {
    let name = DomainName::parse(name).ok()?;
    if name.labels().count() < 2 {
        return None;
    }
    Some(name.registrable().unwrap_or(name).to_string())
}

/// The network that is usually one customer's.
fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}
