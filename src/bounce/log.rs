//! Pasted lines: SMTP replies, and lines of the logs of Postfix, Exim and Sendmail.

use super::code::{Enhanced, codes_in};
use super::event::{Action, Event};
use super::side::{Direction, ip_in};

/// So many lines are read of a pasted text.
const MOST_LINES: usize = 100_000;

/// What the lines of `text` say; the lines of one reply, and those of a reply that was wrapped, are one.
///
/// A notice for people that was pasted without its header is read as one.
pub(super) fn events(text: &str) -> Vec<Event> {
    let lines = text.lines().map(|line| line.trim_start_matches(['>', '<', ' ', '\t'])).filter(|line| !line.is_empty());
    let (mut all, mut heads) = (0_usize, 0_usize);
    for line in lines.take(MOST_LINES) {
        all += 1;
        heads += usize::from(leading_code(line).is_some() || is_log_line(line));
    }
    if all > 1 && heads * 3 < all {
        return super::body::events(super::body::before_copy(text), &[]);
    }
    units(text).iter().map(|unit| line_event(unit)).collect()
}

/// The pieces of `text` that are one reply or one log line each.
fn units(text: &str) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    // The code of a reply whose next line belongs to it: "550-".
    let mut continued: Option<&str> = None;
    let mut after_blank = true;
    for line in text.lines().take(MOST_LINES) {
        let line = line.trim_start_matches(['>', '<', ' ', '\t']).trim_end();
        if line.is_empty() {
            after_blank = true;
            continued = None;
            continue;
        }
        let code = leading_code(line);
        let starts = match (code, continued) {
            (Some((code, _)), Some(open)) => code != open,
            (Some(_), None) => true,
            (None, _) => after_blank || is_log_line(line),
        };
        continued = match code {
            Some((code, goes_on)) => goes_on.then_some(code),
            None if starts => None,
            None => continued,
        };
        match units.last_mut() {
            Some(unit) if !starts => {
                unit.push('\n');
                unit.push_str(line);
            }
            _ => units.push(line.to_owned()),
        }
        after_blank = false;
    }
    units
}

/// The reply code at the head of a line, and whether the reply goes on in the next one.
fn leading_code(line: &str) -> Option<(&str, bool)> {
    let code = line.get(..3)?;
    let fits = code.bytes().all(|byte| byte.is_ascii_digit()) && matches!(code.as_bytes()[0], b'2' | b'4' | b'5');
    match line.as_bytes().get(3) {
        _ if !fits => None,
        None | Some(b' ' | b':') => Some((code, false)),
        Some(b'-') => Some((code, true)),
        Some(_) => None,
    }
}

fn is_log_line(line: &str) -> bool {
    let head = line.as_bytes();
    let dated = head.len() > 10 && head[..4].iter().all(u8::is_ascii_digit) && head[4] == b'-';
    let month = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let named = line.get(..3).is_some_and(|name| month.contains(&name.to_ascii_lowercase().as_str()))
        && head.get(3) == Some(&b' ');
    dated || named || line.contains(" status=") || line.contains("reject: ") || line.contains(" rejected ")
}

/// What one reply or log line says. A line that is no refusal becomes an event too: look at its texts, or filter before.
pub fn line_event(line: &str) -> Event {
    postfix_delivery(line)
        .or_else(|| postfix_reject(line))
        .or_else(|| exim(line))
        .or_else(|| sendmail(line))
        .unwrap_or_else(|| reply(line))
}

fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let rest = &text[text.find(open)? + open.len()..];
    Some(&rest[..rest.find(close)?])
}

pub(super) fn said(text: &str) -> Event {
    let (code, enhanced) = codes_in(text);
    Event { code, enhanced, texts: vec![text.to_owned()], ..Event::default() }
}

pub(super) fn postfix_delivery(line: &str) -> Option<Event> {
    let (before, rest) = line.split_once(" status=")?;
    let status = rest.split([' ', '(']).next()?;
    let text = rest.split_once('(').map_or("", |(_, text)| text.strip_suffix(')').unwrap_or(text));
    let relay = between(before, "relay=", ",").unwrap_or_default();
    let action = match status {
        "sent" | "deliverable" => Action::Delivered,
        "deferred" => Action::Delayed,
        _ => Action::Failed,
    };
    let own = matches!(relay, "local" | "virtual" | "lmtp" | "dovecot" | "maildrop");
    let told = said(text);
    Some(Event {
        recipient: between(before, "to=<", ">").map(str::to_owned),
        action,
        enhanced: between(before, "dsn=", ",")
            .and_then(Enhanced::parse)
            .filter(|code| !code.is_vague())
            .or(told.enhanced),
        host: host_in(text).or_else(|| relay.split_once('[').map(|(host, _)| host.to_owned())),
        direction: Some(if own { Direction::Incoming } else { Direction::Outgoing }),
        ..told
    })
}

pub(super) fn postfix_reject(line: &str) -> Option<Event> {
    let at = ["reject: ", "reject_warning: "].iter().find_map(|word| line.find(word).map(|at| at + word.len()))?;
    let rest = &line[at..];
    let from = rest.find(" from ")?;
    let client = &rest[from + 6..];
    let (client, text) = client.split_once("]: ").or_else(|| client.split_once(": "))?;
    let said_at = text.find("; from=<").or_else(|| text.find("; proto=")).unwrap_or(text.len());
    Some(Event {
        recipient: between(text, " to=<", ">").map(str::to_owned),
        direction: Some(Direction::Incoming),
        client: ip_in(client),
        ..said(&text[..said_at])
    })
}

pub(super) fn exim(line: &str) -> Option<Event> {
    // The mark that stands first is Exim's own: what stands behind it may be another server's words.
    let delivery = DELIVERIES
        .iter()
        .filter_map(|(mark, action)| Some((line.find(mark)?, mark, *action)))
        .min_by_key(|(at, ..)| *at)
        .filter(|_| line.contains(" R=") || line.contains(" T="));
    let rejected = line.find(" rejected ");
    match delivery {
        Some((at, mark, action)) if rejected.is_none_or(|rejected| at < rejected) => {
            Some(exim_delivery(&line[at + mark.len()..], action))
        }
        _ => exim_rejection(line),
    }
}

/// What Exim writes before the recipient of a delivery.
const DELIVERIES: [(&str, Action); 4] =
    [(" ** ", Action::Failed), (" == ", Action::Delayed), (" => ", Action::Delivered), (" -> ", Action::Delivered)];

fn exim_delivery(rest: &str, action: Action) -> Event {
    let recipient = rest.split([' ', ':']).find(|word| word.contains('@'));
    let host = between(rest, " H=", " ").map(str::to_owned);
    let text = rest.split_once(": ").map_or(rest, |(_, text)| text);
    let recipient = recipient.map(|address| address.trim_matches(['<', '>']).to_owned());
    Event { recipient, action, host, direction: Some(Direction::Outgoing), ..said(text) }
}

fn exim_rejection(line: &str) -> Option<Event> {
    let (before, after) = line.split_once(" rejected ")?;
    // `rejected MAIL FROM:<a@b> H=(helo) [ip]: message too big` has it behind.
    let behind = || after.split_once(" H=").and_then(|(_, rest)| rest.split_once("]: "));
    let (client, text) = match (before.find("H="), behind()) {
        (Some(host), _) => (&before[host..], after.split_once(": ").map_or(after, |(_, text)| text)),
        (None, Some(behind)) => behind,
        (None, None) => return None,
    };
    let recipient = after.strip_prefix("RCPT ").and_then(|rest| between(rest, "<", ">"));
    // What Exim says with a text that brings no code of its own.
    let code = if before.ends_with(" temporarily") { "451" } else { "550" };
    let has_code = leading_code(text).is_some();
    let text = &if has_code { text.to_owned() } else { format!("{code} {text}") };
    Some(Event {
        recipient: recipient.map(str::to_owned),
        direction: Some(Direction::Incoming),
        client: ip_in(client),
        ..said(text)
    })
}

pub(super) fn sendmail(line: &str) -> Option<Event> {
    if let Some((before, text)) = line.split_once("reject=")
        && before.contains("ruleset=")
    {
        return Some(Event {
            recipient: between(before, "arg1=<", ">").filter(|_| before.contains("check_rcpt")).map(str::to_owned),
            direction: Some(Direction::Incoming),
            client: between(before, "relay=", ", ").or(before.split("relay=").nth(1)).and_then(ip_in),
            ..said(text)
        });
    }
    let (before, text) = line.split_once("stat=")?;
    let action = if text.starts_with("Sent") {
        Action::Delivered
    } else if text.starts_with("Deferred") || text.starts_with("queued") {
        Action::Delayed
    } else {
        Action::Failed
    };
    // Sendmail's own word for a reply hides the reason: `dsn=5.1.1, reply=550 Reverse DNS lookup failed, stat=User unknown`.
    let reply = before.split_once(", reply=").map(|(_, reply)| reply.trim_end().trim_end_matches(','));
    let told = match reply {
        Some(reply) => Event { texts: vec![reply.to_owned(), text.to_owned()], ..said(reply) },
        None => said(text),
    };
    let relay = before.split("relay=").nth(1).unwrap_or_default();
    Some(Event {
        recipient: between(before, "to=", ",").map(|address| address.trim_matches(['<', '>']).to_owned()),
        action,
        enhanced: between(before, "dsn=", ",")
            .and_then(Enhanced::parse)
            .filter(|code| !code.is_vague() && reply.is_none())
            .or(told.enhanced),
        host: relay
            .split([' ', '['])
            .next()
            .map(|host| host.trim_end_matches(['.', ',']).to_owned())
            .filter(|host| !host.is_empty()),
        direction: Some(Direction::Outgoing),
        ..told
    })
}

fn reply(line: &str) -> Event {
    let told = said(line);
    let delivered = told.code.is_some_and(|code| (200..400).contains(&code));
    Event {
        recipient: address_in(line),
        action: if delivered { Action::Delivered } else { Action::Failed },
        host: host_in(line),
        ..told
    }
}

/// The host that is quoted: `host mx.example.org[192.0.2.5] said:`, `from remote mail server mx.example.org`.
pub(super) fn host_in(text: &str) -> Option<String> {
    let rest = ["host ", "while talking to ", "connect to "].iter().find_map(|word| {
        let at = text.find(word)?;
        let starts_word = at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
        starts_word.then(|| &text[at + word.len()..])
    })?;
    let host = rest.split(|c: char| c.is_whitespace() || "[:(,".contains(c)).next()?.trim_end_matches('.');
    let is_name =
        host.contains('.') && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    (is_name && host.bytes().any(|byte| byte.is_ascii_alphabetic())).then(|| host.to_ascii_lowercase())
}

/// The first mail address in `text`.
pub(super) fn address_in(text: &str) -> Option<String> {
    let inside = |c: char| c.is_ascii_alphanumeric() || "!#$%&*+/=?^_`{|}~.-@".contains(c);
    text.split(|c| !inside(c)).find_map(whole_address)
}

/// `word` as an address, if it is one.
pub(super) fn whole_address(word: &str) -> Option<String> {
    let word = word.trim_matches(['.', '-', '=', '/', '*', '|']);
    let (local, domain) = word.rsplit_once('@')?;
    let fits = !local.is_empty()
        && local.len() <= 64
        && domain.len() <= 253
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
        && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    fits.then(|| word.to_owned())
}
