//! Bounces written for people only, as qmail, Exim, Exchange, Domino and many others do: which recipients, and what was said of each.

use super::code::codes_in;
use super::event::Event;
use super::log::{host_in, whole_address};

/// So many lines of a notice are read.
const MOST_LINES: usize = 2000;
/// What is said of one recipient is read up to this length, in octets.
const LONGEST_WORDS: usize = 8192;
/// So many recipients are read of one notice.
const MOST_RECIPIENTS: usize = 200;

/// The part of `text` before the copy of the refused mail begins.
pub(super) fn before_copy(text: &str) -> &str {
    let mut place = 0;
    let mut lines = text.split_inclusive('\n').take(MOST_LINES).peekable();
    while let Some(line) = lines.next() {
        let lower = line.trim().to_ascii_lowercase();
        let next = lines.peek().map(|next| next.to_ascii_lowercase()).unwrap_or_default();
        let header = ["received:", "return-path:", "message-id:", "mime-version:", "x-mailer:", "dkim-signature:"];
        let goes_on = next.starts_with([' ', '\t']) || is_field(&next);
        let begins = header.iter().any(|name| lower.starts_with(name)) && goes_on && place > 0;
        if begins || COPIES.iter().any(|copy| lower.contains(copy)) && place > 0 {
            return &text[..place];
        }
        place += line.len();
    }
    &text[..place]
}

/// How programs announce the copy of the refused mail.
const COPIES: [&str; 15] = [
    "original message headers:",
    "included is a copy of the message",
    "below this line is a copy",
    "this is a copy of the message",
    "this is a copy of your message",
    "original message follows",
    "text of your message follows",
    "copy of your message",
    "---- original message",
    "unsent message below",
    "unsent message follows",
    "undelivered message follows",
    "message header follows",
    "returned message follows",
    "-- message headers",
];

fn is_field(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        name.len() > 1 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// The events of a notice; `known` are recipients that its header names.
pub(super) fn events(text: &str, known: &[String]) -> Vec<Event> {
    let mut blocks = blocks(text);
    for address in known {
        if !blocks.iter().any(|(other, _)| other.eq_ignore_ascii_case(address)) {
            blocks.push((address.clone(), String::new()));
        }
    }
    // An address that stands alone, with nothing said of it, is a recipient only where others are not told about either.
    if blocks.iter().any(|(_, said)| !said.trim().is_empty()) && known.is_empty() {
        blocks.retain(|(_, said)| !said.trim().is_empty());
    }
    if blocks.is_empty() {
        let recipient = super::log::address_in(text);
        return vec![event(recipient, String::new(), text)];
    }
    blocks.into_iter().map(|(address, said)| event(Some(address), said, text)).collect()
}

fn event(recipient: Option<String>, said: String, text: &str) -> Event {
    let mut texts = Vec::new();
    if !said.trim().is_empty() {
        texts.push(said);
    }
    texts.extend(telling(text, recipient.as_deref()));
    let (code, enhanced) = codes_in(texts.first().map_or("", String::as_str));
    let host = texts.iter().find_map(|text| host_in(text));
    Event { recipient, code, enhanced, host, texts, ..Event::default() }
}

/// What `text` says, the most telling first: the replies that name the recipient, all replies, everything.
pub(super) fn telling(text: &str, recipient: Option<&str>) -> Vec<String> {
    let lines: Vec<&str> = text.lines().take(MOST_LINES).collect();
    let replies: Vec<&str> = lines
        .iter()
        .filter(|line| {
            let (code, enhanced) = codes_in(line);
            code.is_some() && !line.contains("OK") || enhanced.is_some() || line.trim_start().starts_with("<<<")
        })
        .copied()
        .collect();
    let about = |line: &&&str| recipient.is_some_and(|recipient| line.contains(recipient));
    let own: Vec<&str> = replies.iter().filter(about).copied().collect();
    [own.join("\n"), replies.join("\n"), lines.join("\n")].into_iter().filter(|text| !text.trim().is_empty()).collect()
}

/// Recipients at the heads of lines, each with what follows it up to the next one.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    // The recipient whose words are being read.
    let mut open: Option<usize> = None;
    // What the other server said since the last recipient of a Sendmail transcript.
    let mut session = String::new();
    for line in text.lines().take(MOST_LINES) {
        if line.contains("alking to ") {
            session.clear();
        }
        if let Some(said) = line.trim_start().strip_prefix("<<<").filter(|_| session.len() < 4096) {
            session.push_str(said.trim());
            session.push('\n');
        }
        if let Some(address) = transcript_address(line) {
            open = None;
            // What the other server said tells more than how Sendmail sums it up.
            let said = if session.is_empty() { line.to_owned() } else { std::mem::take(&mut session) };
            if blocks.len() == MOST_RECIPIENTS {
                break;
            }
            match blocks.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&address)) {
                Some((_, known)) => {
                    known.push('\n');
                    known.push_str(&said);
                }
                None => blocks.push((address, said)),
            }
        } else if let Some((address, rest)) = leading_address(line) {
            if blocks.len() == MOST_RECIPIENTS {
                break;
            }
            let known = blocks.iter().position(|(known, _)| known.eq_ignore_ascii_case(&address));
            let place = known.unwrap_or(blocks.len());
            if known.is_none() {
                blocks.push((address, String::new()));
            }
            open = Some(place);
            add(&mut blocks[place].1, rest);
        } else if let Some(place) = open {
            add(&mut blocks[place].1, line);
        }
    }
    blocks
}

/// Puts `line` below what was said of a recipient already.
fn add(said: &mut String, line: &str) {
    // What was asked is no answer.
    if said.len() < LONGEST_WORDS && !line.trim_start().starts_with(">>> ") {
        said.push_str(line);
        said.push('\n');
    }
}

/// The address in a line of a Sendmail transcript: `550 5.1.1 <a@example.org>... User unknown`.
fn transcript_address(line: &str) -> Option<String> {
    let line = line.trim_start();
    let coded = line.bytes().take(3).all(|byte| byte.is_ascii_digit());
    let (before, after) = line.get(4..).filter(|_| coded && line.starts_with(['4', '5']))?.split_once('<')?;
    let (address, rest) = after.split_once('>')?;
    let only_code = before.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b' '));
    (only_code && rest.starts_with("...")).then(|| whole_address(address)).flatten()
}

/// What programs write before the address of a recipient.
const LABELS: [&str; 14] = [
    "recipient address:",
    "recipient:",
    "failed recipient:",
    "original address:",
    "final recipient:",
    "rcpt to:",
    "failed to deliver to",
    "could not be delivered to",
    "cannot deliver mail for",
    "unable to deliver to",
    "unable to deliver mail to",
    "delivery failed for",
    "delivery failed to",
    "unknown user:",
];

/// An address at the head of `line`, and what follows it.
fn leading_address(line: &str) -> Option<(String, &str)> {
    let marks = [' ', '\t', '<', '"', '\'', '*', '-', '>', '(', '[', '\u{2022}'];
    let start = line.trim_start_matches(marks);
    let lower = start.get(..40).unwrap_or(start).to_ascii_lowercase();
    let label = LABELS.iter().find(|label| lower.starts_with(*label)).map_or(0, |label| label.len());
    let start = start[label..].trim_start_matches([':', ' ', '\t', '<', '"', '\'', '(']);
    let end = start.find(|c: char| c.is_whitespace() || "<>\"'(),;:]".contains(c)).unwrap_or(start.len());
    let address = whole_address(&start[..end])?;
    let rest = start[end..].trim_start_matches(['>', '"', '\'', ')', ':', ',', ';', ' ', '\t']);
    Some((address, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: of two recipients in a bounce of qmail, one is explained with the other's reason.
    #[test]
    fn every_recipient_has_its_own_words() {
        let text = "Hi. This is the qmail-send program.\n\n<a@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n\
            <b@example.org>:\nuser is over quota\n";
        let events = events(text, &[]);
        let said: Vec<_> = events.iter().map(|e| (e.recipient.as_deref(), e.texts[0].trim())).collect();
        assert_eq!(
            said,
            [
                (Some("a@example.org"), "Sorry, no mailbox here by that name. (#5.1.1)"),
                (Some("b@example.org"), "user is over quota")
            ]
        );
    }

    /// Lost if it fails: words of the refused mail are taken for the reason.
    #[test]
    fn the_copy_is_not_read() {
        let text = "could not be delivered\n\nReceived: from a\n\tby b\nSubject: virus\n";
        assert_eq!(before_copy(text), "could not be delivered\n\n");
        assert_eq!(before_copy("x\n--- Below this line is a copy of the message.\nspam"), "x\n");
    }
}
