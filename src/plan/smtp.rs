//! `[smtp]`: what the servers are asked, and where.

use std::net::SocketAddr;
use std::ops::Range;

use super::Known;
use super::reader::{Notes, Reader, port, text};
use super::sections::{certificates, server, timeout};
use super::types::{Detour, Sample, Service, Smtp};
use crate::model::{DomainName, visible};

/// So many mailboxes are asked for: more would look like the gathering of addresses.
const MOST_RECIPIENTS: usize = 50;
/// The longest mailbox (RFC 5321, section 4.5.3.1.3: a path of 256 octets with its brackets).
const LONGEST_MAILBOX: usize = 254;

pub(super) fn read(section: &Reader<'_>, known: &Known<'_>, domains: &[DomainName]) -> Smtp {
    let usual = Smtp::default();
    let services = section.items("ports", "a list of ports").map(|items| {
        let mut services: Vec<Service> = items
            .into_iter()
            .filter_map(|item| service(port(item, "ports", section.notes)?, item.span(), section.notes))
            .collect();
        services.sort_unstable();
        services.dedup();
        services
    });
    Smtp {
        services: services.unwrap_or(usual.services),
        recipients: mailboxes(section, "recipients"),
        relay_probe: relay_probe(section, domains),
        sample: sample(section, known),
        witnesses: section.names("witnesses").unwrap_or_default(),
        ehlo: ehlo(section),
        timeout: timeout(section).unwrap_or(usual.timeout),
        trust: certificates(section, "trust", known),
        detours: detours(section),
    }
}

fn service(port: u16, span: Range<usize>, notes: &Notes) -> Option<Service> {
    let service = Service::at(port);
    if service.is_none() {
        let ports: Vec<String> = Service::ALL.iter().map(|service| service.port().to_string()).collect();
        notes.add(
            span,
            format!("what is spoken at port {port} is not known"),
            format!("there are {}", ports.join(", ")),
        );
    }
    service
}

fn mailboxes(section: &Reader<'_>, key: &str) -> Vec<String> {
    let texts = section.texts(key, "a list of mail addresses in quotes").unwrap_or_default();
    if texts.len() > MOST_RECIPIENTS {
        let span = section.value(key).map_or(section.span.clone(), |value| value.span());
        let help = "write those that matter: each is asked for at the old and the new server";
        section.notes.add(span, format!("`{key}` has more than {MOST_RECIPIENTS} mailboxes"), help);
    }
    texts.into_iter().filter_map(|(span, text)| mailbox(text, span, section.notes)).collect()
}

/// A mailbox of none of the plan's domains: the new server is to take mail for those, and would be called an open relay.
fn relay_probe(section: &Reader<'_>, domains: &[DomainName]) -> Option<String> {
    let span = section.value("relay_probe")?.span();
    let written = mailbox(section.text("relay_probe")?, span.clone(), section.notes)?;
    let domain = written.rsplit_once('@').and_then(|(_, domain)| DomainName::parse(domain).ok())?;
    if domains.contains(&domain) {
        let help = "write a mailbox of yours on another system, or leave relay_probe out";
        section.notes.add(span, format!("`relay_probe` is in {domain}, which moves"), help);
        return None;
    }
    Some(written)
}

/// A mail address that can stand in an SMTP command as it is.
fn mailbox(text: String, span: Range<usize>, notes: &Notes) -> Option<String> {
    let can_be_sent = |character: char| !character.is_control() && !matches!(character, ' ' | '<' | '>');
    let fits = text.len() <= LONGEST_MAILBOX
        && text.chars().all(can_be_sent)
        && text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && DomainName::parse(domain).is_ok());
    if !fits {
        let help = "write a mail address such as \"info@example.co.jp\"";
        notes.add(span, format!("\"{}\" is not a mail address", visible(&text)), help);
    }
    fits.then_some(text)
}

/// A name or an address literal (RFC 5321, section 4.1.1.1).
fn ehlo(section: &Reader<'_>) -> Option<String> {
    let written = section.text("ehlo")?;
    let literal = written
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|inner| inner.strip_prefix("IPv6:").unwrap_or(inner).parse::<std::net::IpAddr>().is_ok());
    if literal {
        return Some(written);
    }
    match DomainName::parse(&written) {
        Ok(name) if name.is_host_name() => Some(name.to_string()),
        _ => {
            let span = section.value("ehlo").map_or(section.span.clone(), |value| value.span());
            let help = "write a full host name, or an address such as \"[192.0.2.7]\"";
            section.notes.add(span, format!("\"{}\" cannot stand in EHLO", visible(&written)), help);
            None
        }
    }
}

fn sample(section: &Reader<'_>, known: &Known<'_>) -> Option<Sample> {
    let path = section.text("sample_eml")?;
    let span = section.value("sample_eml")?.span();
    let help = "write the path of a message as a file, from the plan's folder";
    let Some(read_file) = known.read_file else {
        section.notes.add(span, format!("could not read {path}: this plan cannot name files"), help);
        return None;
    };
    match read_file(&section.notes.file(&path, known)) {
        Ok(octets) => Some(Sample { path, octets }),
        Err(error) => {
            section.notes.add(span, format!("could not read {path}: {error}"), help);
            None
        }
    }
}

fn detours(section: &Reader<'_>) -> Vec<Detour> {
    let wanted = "a table: \"203.0.113.25:25\" = \"127.0.0.1:2525\"";
    let table = section.free_table("connect", wanted);
    let one = table.into_iter().flatten().filter_map(|(key, value)| {
        let to = text(value, "connect", wanted, section.notes)?;
        let whole = |written: &str, span: Range<usize>| -> Option<SocketAddr> {
            let found = server(written, 0);
            if found.is_none() {
                let help = "write an address with its port: \"203.0.113.25:25\", \"[2001:db8:25::25]:25\"";
                section.notes.add(span, format!("\"{}\" is not an address with a port", visible(written)), help);
            }
            found
        };
        let (of, to) = (whole(key.get_ref(), key.span()), whole(to, value.span()));
        Some(Detour { of: of?, to: to? })
    });
    one.collect()
}
