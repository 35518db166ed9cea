//! What one line of a mail log says of a client.

use std::net::IpAddr;

use memchr::memmem;

use crate::maillog::written;

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event<'l> {
    /// Nothing of interest.
    Nothing,
    /// A client whose address is not known.
    Nameless,
    /// A message was taken from a client.
    Came {
        /// The client.
        ip: IpAddr,
        /// The queue id, where another line tells the sender.
        id: Option<&'l [u8]>,
        /// The envelope sender; empty is a bounce.
        sender: Option<&'l [u8]>,
    },
    /// The envelope sender of a message.
    From {
        /// Its queue id.
        id: &'l [u8],
        /// The sender.
        sender: &'l [u8],
    },
    /// A message came from one of our own people, who logged in.
    Ours {
        /// Its queue id.
        id: &'l [u8],
    },
    /// A client was turned away.
    Refused {
        /// The client.
        ip: IpAddr,
        /// The envelope sender, if it was said.
        sender: Option<&'l [u8]>,
    },
}

/// Reads a line.
pub(super) fn event(line: &[u8]) -> Event<'_> {
    // Who wrote the line is settled first: what a client says may look like another program's line.
    match written(line) {
        Some((b"smtpd", text)) => postfix_smtpd(text),
        Some((b"postscreen", text)) => postfix_postscreen(text),
        Some((b"qmgr", text)) => postfix_qmgr(text),
        Some((b"sendmail" | b"sm-mta", text)) => sendmail(text),
        Some((b"exim" | b"exim4", text)) => exim(text),
        Some(_) => Event::Nothing,
        // Exim's own log has no program in it.
        None => exim(line),
    }
}

fn exim(line: &[u8]) -> Event<'_> {
    match memmem::find(line, b" <= ") {
        Some(at) if ends_in_id(&line[..at]) => exim_arrival(line, at),
        _ => exim_rejection(line),
    }
}

/// Whether the last word is the id of a message of Exim's: what a client says in HELO or a subject has none before its `<=`.
fn ends_in_id(text: &[u8]) -> bool {
    let word = text.rsplit(|octet| *octet == b' ').next().unwrap_or_default();
    word.iter().filter(|octet| **octet == b'-').count() == 2
        && word.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-')
        && memmem::find(text, b"H=").is_none()
}

/// `QID: client=name[ip]…`, `NOQUEUE: reject: RCPT from name[ip]: …; from=<…> …`.
fn postfix_smtpd(text: &[u8]) -> Event<'_> {
    let Some(at) = memmem::find(text, b": ") else { return Event::Nothing };
    let (id, rest) = (&text[..at], &text[at + 2..]);
    if let Some(client) = rest.strip_prefix(b"client=") {
        let end = memmem::find(client, b", ").unwrap_or(client.len());
        if memmem::find(&client[end..], b"sasl_username=").is_some() {
            return Event::Ours { id };
        }
        return match in_brackets(&client[..end]) {
            Some(ip) => Event::Came { ip, id: Some(id), sender: None },
            None => Event::Nameless,
        };
    }
    let Some(rest) = rest.strip_prefix(b"reject: ") else { return Event::Nothing };
    turned_away(rest)
}

/// `RCPT from name[ip]: 554 …; from=<a@b> to=<c@d> …`.
fn turned_away(text: &[u8]) -> Event<'_> {
    let Some(at) = memmem::find(text, b" from ") else { return Event::Nothing };
    let client = &text[at + 6..];
    // The name is the client's, so the address is looked for behind it and before the reply.
    let end = memmem::find(client, b": ").unwrap_or(client.len());
    match in_brackets(&client[..end]) {
        Some(ip) => Event::Refused { ip, sender: after(&client[end..], b"; from=<", b'>') },
        None => Event::Nameless,
    }
}

/// `NOQUEUE: reject: RCPT from [ip]:port: 550 …; from=<…>, …`.
fn postfix_postscreen(text: &[u8]) -> Event<'_> {
    let Some(rest) = text.strip_prefix(b"NOQUEUE: reject: ") else { return Event::Nothing };
    turned_away(rest)
}

/// `QID: from=<a@b>, size=…, nrcpt=… (queue active)`.
fn postfix_qmgr(text: &[u8]) -> Event<'_> {
    let Some(at) = memmem::find(text, b": from=<") else { return Event::Nothing };
    match until(&text[at + 8..], b'>') {
        Some(sender) => Event::From { id: &text[..at], sender },
        None => Event::Nothing,
    }
}

/// `QID: from=<a@b>, size=…, nrcpts=…, relay=name [ip]`, `QID: ruleset=check_rcpt, arg1=<…>, relay=name [ip], reject=550 …`.
fn sendmail(text: &[u8]) -> Event<'_> {
    let Some(at) = memmem::find(text, b": ") else { return Event::Nothing };
    let rest = &text[at + 2..];
    let Some(relay) = memmem::find(rest, b"relay=") else { return Event::Nothing };
    let relay = &rest[relay + 6..];
    let client = &relay[..memmem::find(relay, b", ").unwrap_or(relay.len())];
    let refused = rest.starts_with(b"ruleset=") && memmem::find(relay, b"reject=").is_some();
    if !refused && (!rest.starts_with(b"from=") || memmem::find(rest, b"nrcpts=").is_none()) {
        return Event::Nothing;
    }
    match in_brackets(client) {
        // A message without recipients was refused to all of them, and told so already.
        Some(_) if memmem::find(rest, b"nrcpts=0,").is_some() => Event::Nothing,
        Some(ip) if refused => {
            let sender = rest.starts_with(b"ruleset=check_mail").then(|| after(rest, b"arg1=<", b'>')).flatten();
            Event::Refused { ip, sender }
        }
        Some(ip) => Event::Came { ip, id: None, sender: after(rest, b"from=<", b'>') },
        // `relay=root@localhost` is our own.
        None => Event::Nothing,
    }
}

/// `… ID <= a@b H=name (helo) [ip]:port I=[…] P=esmtps …`.
fn exim_arrival(line: &[u8], at: usize) -> Event<'_> {
    let rest = &line[at + 4..];
    // The subject (`log_selector = +subject`) is the sender's own words.
    let rest = &rest[..memmem::find(rest, b" T=\"").unwrap_or(rest.len())];
    let sender = &rest[..memchr::memchr(b' ', rest).unwrap_or(rest.len())];
    // Without a host it came from this machine; with A= from somebody who logged in.
    let Some(host) = field(rest, b" H=") else { return Event::Nothing };
    if field(rest, b" A=").is_some() {
        return Event::Nothing;
    }
    let end = [&b" I="[..], b" P=", b" X=", b" S="].iter().filter_map(|next| memmem::find(host, next)).min();
    match in_brackets(&host[..end.unwrap_or(host.len())]) {
        Some(ip) => Event::Came { ip, id: None, sender: Some(if sender == b"<>" { b"" } else { sender }) },
        None => Event::Nameless,
    }
}

/// `… H=(helo) [ip]:port F=<a@b> rejected RCPT <c@d>: …`.
fn exim_rejection(line: &[u8]) -> Event<'_> {
    let Some(end) = memmem::find(line, b" rejected ") else { return Event::Nothing };
    let Some(host) = field(&line[..end], b"H=") else { return Event::Nothing };
    let stop = [&b" I="[..], b" X=", b" F="].iter().filter_map(|next| memmem::find(host, next)).min();
    match in_brackets(&host[..stop.unwrap_or(host.len())]) {
        Some(ip) => Event::Refused { ip, sender: after(&line[..end], b"F=<", b'>') },
        None => Event::Nameless,
    }
}

/// What follows the first `name`.
fn field<'l>(text: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    memmem::find(text, name).map(|at| &text[at + name.len()..])
}

/// What stands between the first `start` and the next `end`.
fn after<'l>(text: &'l [u8], start: &[u8], end: u8) -> Option<&'l [u8]> {
    until(field(text, start)?, end)
}

fn until(text: &[u8], end: u8) -> Option<&[u8]> {
    memchr::memchr(end, text).map(|at| &text[..at])
}

/// The address in the last brackets: what stands before them, a name or a HELO, is the client's own word.
fn in_brackets(text: &[u8]) -> Option<IpAddr> {
    let close = memchr::memrchr(b']', text)?;
    let open = memchr::memrchr(b'[', &text[..close])?;
    let inner = std::str::from_utf8(&text[open + 1..close]).ok()?;
    let bare = inner.strip_prefix("IPv6:").unwrap_or(inner);
    // A scope means something on one machine only.
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    bare.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}
