//! Delivery status notifications (RFC 3464, RFC 6533): the fields about the message and about each recipient.

use super::code::{Enhanced, codes_in};
use super::event::{Action, Event};

/// So many recipients are read of one notification.
const MOST_RECIPIENTS: usize = 1000;
/// The longest field, in octets; the rest of it is left out.
const LONGEST_FIELD: usize = 16 * 1024;

/// The events of a delivery-status part; nothing where it names no recipient.
pub(super) fn events(status: &str) -> Vec<Event> {
    let groups = groups(status);
    let about_all = groups.first().filter(|group| value(group, "final-recipient").is_none());
    let reporting = about_all.and_then(|group| value(group, "reporting-mta")).map(|mta| typed(mta).to_owned());
    groups
        .iter()
        .filter(|group| {
            ["final-recipient", "original-recipient", "action", "status"]
                .iter()
                .any(|name| value(group, name).is_some())
        })
        .take(MOST_RECIPIENTS)
        .map(|group| event(group, reporting.clone()))
        .collect()
}

type Group = Vec<(String, String)>;

fn event(group: &Group, reporting: Option<String>) -> Event {
    let recipient = ["final-recipient", "original-recipient", "x-actual-recipient"].iter().find_map(|name| {
        let address = typed(value(group, name)?).trim_matches(['<', '>', ' ']);
        (!address.is_empty()).then(|| address.to_owned())
    });
    let action = match value(group, "action").unwrap_or_default().split([' ', ';', '(']).next().unwrap_or_default() {
        word if word.eq_ignore_ascii_case("delayed") => Action::Delayed,
        word if ["delivered", "relayed", "expanded"].iter().any(|kind| word.eq_ignore_ascii_case(kind)) => {
            Action::Delivered
        }
        _ => Action::Failed,
    };
    // Several programs write more than one.
    let texts: Vec<String> = group
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), "diagnostic-code" | "x-supplementary-info" | "x-notes"))
        .map(|(_, text)| typed(text).to_owned())
        .filter(|text| !text.is_empty())
        .collect();
    let status = value(group, "status").and_then(|status| {
        let code = status.split([' ', '(', ';']).find(|word| !word.is_empty())?;
        Enhanced::parse(code).or_else(|| codes_in(status).1)
    });
    let (code, in_text) = texts.first().map_or((None, None), |text| codes_in(text));
    Event {
        recipient,
        action,
        code,
        // Many reporters write 5.0.0 where the receiver said more.
        enhanced: status.filter(|code| !code.is_vague()).or(in_text).or(status),
        texts,
        host: value(group, "remote-mta")
            .map(|mta| typed(mta).split(' ').next().unwrap_or_default().to_ascii_lowercase()),
        reporting,
        ..Event::default()
    }
}

/// Fields by group; the groups are separated by empty lines.
fn groups(status: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut current: Group = Vec::new();
    for line in status.lines() {
        if line.trim().is_empty() {
            if !current.is_empty() {
                groups.push(std::mem::take(&mut current));
            }
            if groups.len() > MOST_RECIPIENTS {
                break;
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, text)) = current.last_mut()
                && text.len() < LONGEST_FIELD
            {
                text.push('\n');
                text.push_str(line.trim());
            }
        } else if let Some((name, text)) = line.split_once(':')
            && name.trim_end().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            // A second recipient without the empty line before it.
            let name = name.trim_end().to_ascii_lowercase();
            if name == "final-recipient" && value(&current, "final-recipient").is_some() {
                groups.push(std::mem::take(&mut current));
            }
            current.push((name, text.trim().to_owned()));
        } else if let Some((_, text)) = current.last_mut()
            && text.len() < LONGEST_FIELD
        {
            // A folded line that lost its space.
            text.push('\n');
            text.push_str(line.trim());
        }
    }
    if !current.is_empty() {
        groups.push(current);
    }
    groups
}

fn value<'g>(group: &'g Group, name: &str) -> Option<&'g str> {
    group.iter().find(|(known, text)| known == name && !text.is_empty()).map(|(_, text)| text.as_str())
}

/// What follows the type in `smtp; 550 no`; everything where there is no type.
fn typed(text: &str) -> &str {
    match text.split_once(';') {
        Some((kind, rest))
            if kind.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b' ')) =>
        {
            rest.trim()
        }
        _ => text.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: the second recipient's refusal is told of the first.
    #[test]
    fn every_recipient_has_its_own_event() {
        let status = "Reporting-MTA: dns; mail.example.jp\n\nFinal-Recipient: rfc822; a@example.org\nAction: failed\n\
            Status: 5.0.0\nRemote-MTA: dns; MX.example.org\nDiagnostic-Code: smtp; 550 5.7.1\n  no thanks\n\n\
            Final-Recipient: utf-8; b@example.org\nAction: delayed\nStatus: 4.4.1 (no answer)\n";
        let events = events(status);
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].recipient.as_deref(), Some("a@example.org"));
        assert_eq!((events[0].code, events[0].enhanced), (Some(550), Enhanced::parse("5.7.1")));
        assert_eq!(events[0].texts, ["550 5.7.1\nno thanks"]);
        assert_eq!(events[0].host.as_deref(), Some("mx.example.org"));
        assert_eq!(events[1].reporting.as_deref(), Some("mail.example.jp"));
        assert_eq!((events[1].action, events[1].enhanced), (Action::Delayed, Enhanced::parse("4.4.1")));
    }
}
