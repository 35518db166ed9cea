//! What Debian's Postfix, Exim and Sendmail wrote (tests/bounce/generated), explained; the recipient says what happened.

use std::collections::BTreeSet;
use std::path::Path;

use super::explain::{Explanation, explain, explain_event};
use super::line::{News, news};
use super::named::Named;
use super::rules::Class;
use super::side::{Direction, Ours, Side};
use crate::model::DomainName;

fn read(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bounce/generated").join(name)).unwrap()
}

fn ours() -> Ours {
    Ours {
        old: Vec::new(),
        new: ["203.0.113.25", "203.0.113.26", "203.0.113.27"].map(|ip| ip.parse().unwrap()).to_vec(),
        domains: vec![DomainName::parse("example.co.jp").unwrap()],
        hostnames: Vec::new(),
    }
}

/// The class that a recipient stands for.
fn class_of(recipient: &str) -> Class {
    let (who, domain) = recipient.split_once('@').unwrap();
    match (who, domain) {
        ("listed", _) => Class::Dnsbl,
        // Exim does not know this one.
        ("noptr5", "partner.example.net") => Class::Address,
        ("noptr" | "noptr5", _) => Class::Ptr,
        ("helo", _) => Class::Helo,
        ("greylisted", _) => Class::Greylist,
        ("full", _) => Class::MailboxFull,
        ("nobody", _) => Class::Address,
        ("sender", _) => Class::Policy,
        ("sales", "tls.example") => Class::Tls,
        ("sales", "no-such-domain.example") => Class::Domain,
        ("sales" | "buyer", "supplier.example") => Class::Network,
        ("sales", _) => Class::Size,
        ("somebody", _) => Class::Relay,
        _ => panic!("nobody is called {recipient}"),
    }
}

/// What is wrong with an explanation.
fn faults(told: &Explanation) -> Vec<String> {
    // A refusal of MAIL FROM names no recipient: it was too large.
    let recipient = told.recipient.as_deref().unwrap_or("sales@example.co.jp");
    let mut class = class_of(recipient);
    let incoming = recipient.ends_with("@example.co.jp") || recipient.ends_with("@elsewhere.example");
    // Exim as ours knows neither of them; Sendmail refuses the sender's domain at any recipient.
    let own_words = told.evidence.as_str();
    if incoming && own_words.contains("Unrouteable address") {
        class = Class::Address;
    } else if own_words.contains("Domain of sender address") {
        class = Class::Policy;
    }
    let mut wrong = Vec::new();
    if told.class != class {
        wrong.push(format!("{} instead of {} for {recipient}: {own_words}", told.class.word(), class.word()));
    }
    let direction = if incoming { Direction::Incoming } else { Direction::Outgoing };
    if told.direction != direction {
        wrong.push(format!("{} for {recipient}: {own_words}", told.direction.word()));
    }
    if class == Class::Dnsbl {
        let list = told.list.as_ref().map(Named::id);
        let (side, whose) = if incoming { (Side::Theirs, "partner") } else { (Side::Ours, "ours") };
        if list != Some("spamhaus-zen") || told.side != side || told.whose_ip != whose {
            wrong.push(format!("{list:?}, {}, {} for {recipient}: {own_words}", told.side.word(), told.whose_ip));
        }
    }
    if matches!(class, Class::Ptr | Class::Helo) && !incoming && told.side != Side::Ours {
        wrong.push(format!("{} must act for {recipient}: {own_words}", told.side.word()));
    }
    wrong
}

/// Lost if it fails: what the three mail servers really write would be explained wrong, or the partner's fault be taken for ours.
#[test]
fn every_line_that_the_servers_logged_is_explained_right() {
    for (name, least) in [("postfix.log", 30), ("exim.log", 30), ("sendmail.log", 28)] {
        let log = read(name);
        let mut wrong = BTreeSet::new();
        let mut directions = BTreeSet::new();
        let mut seen = 0;
        for line in log.split(|byte| *byte == b'\n') {
            let News::Refused(refusal) = news(line) else { continue };
            let told = explain_event(&refusal.event, &ours());
            // That it is given up at last is the effect; the tally keeps the cause.
            if told.evidence.contains("retry time") {
                continue;
            }
            seen += 1;
            directions.insert(told.direction.word());
            wrong.extend(faults(&told));
        }
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        assert!(seen >= least && directions.len() == 2, "{name}: only {seen} lines, {directions:?}");
    }
}

/// Lost if it fails: the error mails of the three mail servers would be explained wrong.
#[test]
fn every_error_mail_that_the_servers_sent_is_explained_right() {
    for (name, least) in [("postfix.mbox", 16), ("exim.mbox", 15), ("sendmail.mbox", 15)] {
        let told = explain(&read(name), &ours());
        let told: Vec<&Explanation> = told.iter().filter(|told| told.class != Class::NotBounce).collect();
        let wrong: Vec<String> = told.iter().flat_map(|told| faults(told)).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        assert!(told.len() >= least, "{name}: only {}", told.len());
    }
}

/// Lost if it fails: a real queue's tries would be counted as messages, or what arrived in the end as refused.
#[test]
fn the_logs_are_counted_by_message() {
    use super::tally::Tally;
    let now = chrono::DateTime::parse_from_rfc3339("2026-11-26T00:00:00+00:00").unwrap();
    for name in ["postfix.log", "exim.log", "sendmail.log"] {
        let mut tally = Tally::new(None, None);
        let (_, error) = tally.read(&mut std::io::Cursor::new(read(name)), now, &ours());
        assert!(error.is_none());
        let groups = tally.groups();
        let of = |class: Class, party: &str| {
            let ours = groups.iter().filter(|group| group.direction == Direction::Outgoing && group.class == class);
            ours.filter(|group| group.party == party)
                .fold(super::tally::Count::default(), |sum, group| sum.plus(group.since))
        };
        // The organization of partner.example.net is example.net.
        let late = of(Class::Greylist, "partner.example");
        assert_eq!((late.refused, late.waiting, late.late), (0, 0, 1), "{name}");
        let given_up = of(Class::Greylist, "example.net");
        assert_eq!(
            (given_up.refused, given_up.waiting, given_up.late),
            (1, 0, 0),
            "{name}: {:?}",
            groups.iter().map(|group| (&group.party, group.class, group.since)).collect::<Vec<_>>()
        );
        let ptr = of(Class::Ptr, "partner.example");
        assert_eq!(
            (ptr.refused, ptr.waiting, ptr.late),
            (2, 0, 0),
            "{name}: {:?}",
            groups.iter().map(|group| (&group.party, group.class, group.since)).collect::<Vec<_>>()
        );
    }
}

/// Lost if it fails: a line that was cut, or has strange octets in it, would stop the reading of a whole log.
#[test]
fn damaged_lines_are_read_without_a_panic() {
    let mut told = 0_usize;
    for name in ["postfix.log", "exim.log", "sendmail.log"] {
        let log = read(name);
        for (number, line) in log.split(|byte| *byte == b'\n').enumerate() {
            for at in (number % 11..line.len()).step_by(11) {
                let mut odd = line.to_vec();
                odd[at] = [0xff, b' ', b'[', b':', b'<', b'\0', 0xe3][at % 7];
                for line in [&line[..at], &line[at..], &odd] {
                    if let News::Refused(refusal) = news(line) {
                        let shown = explain_event(&refusal.event, &ours()).evidence;
                        assert!(!shown.chars().any(char::is_control), "{shown:?}");
                        told += 1;
                    }
                }
            }
        }
    }
    assert!(told > 1000, "only {told} lines were still refusals");
}
