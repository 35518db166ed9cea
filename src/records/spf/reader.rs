//! From the octets of a record to its terms, or to everything that is wrong with them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::str::FromStr;

use ipnet::{Ipv4Net, Ipv6Net};

use super::domain::{domain_and_cidr, domain_spec, prefix};
use super::fault::{Fault, Faults, Reason};
use super::macros::{Place, Slip, read as read_macros};
use super::term::{Kind, Mechanism, Modifier, Qualifier, Term};
use super::{Record, VERSION, is_spf, one_char_each};

/// So many mistakes are told.
const MOST_FAULTS: usize = 32;

pub(super) fn read(octets: &[u8]) -> Result<Record, Faults> {
    let text = one_char_each(octets);
    let mut faults = Vec::new();
    let mut terms: Vec<Term> = Vec::new();
    if !is_spf(octets) {
        let end = octets.len().min(VERSION.len());
        faults.push(Fault { span: 0..end, term: one_char_each(&octets[..end]), reason: Reason::Version });
        return Err(Faults { text, faults });
    }
    let mut at = VERSION.len();
    for part in octets[at..].split(|octet| *octet == b' ') {
        let span = at..at + part.len();
        at = span.end + 1;
        if part.is_empty() {
            continue;
        }
        match term(part) {
            Ok(kind) => match twice(&kind, &terms) {
                None => terms.push(Term { text: one_char_each(part), span, kind }),
                Some(name) => faults.push(Fault { span, term: one_char_each(part), reason: Reason::Twice(name) }),
            },
            Err((place, reason)) => {
                let place = span.start + place.start..span.start + place.end;
                faults.push(Fault { span: place, term: one_char_each(part), reason });
            }
        }
        if faults.len() == MOST_FAULTS {
            break;
        }
    }
    if faults.is_empty() { Ok(Record { text, terms }) } else { Err(Faults { text, faults }) }
}

/// The modifier that `kind` would repeat (RFC 7208, section 6).
fn twice(kind: &Kind, terms: &[Term]) -> Option<&'static str> {
    let has = |wanted: fn(&Modifier) -> bool| {
        terms.iter().any(|term| matches!(&term.kind, Kind::Modifier(modifier) if wanted(modifier)))
    };
    match kind {
        Kind::Modifier(Modifier::Redirect(_)) => has(|m| matches!(m, Modifier::Redirect(_))).then_some("redirect"),
        Kind::Modifier(Modifier::Explanation(_)) => has(|m| matches!(m, Modifier::Explanation(_))).then_some("exp"),
        _ => None,
    }
}

fn term(part: &[u8]) -> Result<Kind, Slip> {
    for (offset, octet) in part.iter().enumerate() {
        if !octet.is_ascii() {
            return Err((offset..offset + 1, Reason::NotAscii));
        }
        if octet.is_ascii_control() {
            return Err((offset..offset + 1, Reason::Control(char::from(*octet))));
        }
    }
    // Every octet is ASCII.
    let text = std::str::from_utf8(part).map_err(|_| (0..part.len(), Reason::NotAscii))?;
    let (qualifier, body) = match text.as_bytes()[0] {
        b'+' => (Some(Qualifier::Pass), &text[1..]),
        b'-' => (Some(Qualifier::Fail), &text[1..]),
        b'~' => (Some(Qualifier::SoftFail), &text[1..]),
        b'?' => (Some(Qualifier::Neutral), &text[1..]),
        _ => (None, text),
    };
    let start = text.len() - body.len();
    if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err((0..text.len(), Reason::NoName));
    }
    let name_end = body.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(body.len());
    let (name, rest) = body.split_at(name_end);
    let behind = |(span, reason): Slip, skip: usize| {
        let from = start + name_end + skip;
        (from + span.start..from + span.end, reason)
    };
    match rest.strip_prefix('=') {
        Some(_) if qualifier.is_some() => Err((0..start, Reason::QualifiedModifier)),
        Some(value) => modifier(name, value).map(Kind::Modifier).map_err(|slip| behind(slip, 1)),
        None => {
            let mechanism = mechanism(name, rest, start..start + name_end, behind)?;
            Ok(Kind::Directive(qualifier.unwrap_or(Qualifier::Pass), mechanism))
        }
    }
}

fn modifier(name: &str, value: &str) -> Result<Modifier, Slip> {
    match name.to_ascii_lowercase().as_str() {
        "redirect" => Ok(Modifier::Redirect(domain_spec(value)?)),
        "exp" => Ok(Modifier::Explanation(domain_spec(value)?)),
        _ => {
            let value = read_macros(value, Place::Value)?.string;
            Ok(Modifier::Other { name: name.to_owned(), value })
        }
    }
}

/// The mechanism `name`, which stands at `place` in the term, with `rest` behind it; `behind` shifts places in `rest` and, by
/// one, in what follows its colon.
fn mechanism(
    name: &str,
    rest: &str,
    place: Range<usize>,
    behind: impl Fn(Slip, usize) -> Slip,
) -> Result<Mechanism, Slip> {
    let value = rest.strip_prefix(':');
    let skip = usize::from(value.is_some());
    let needed = |name: &'static str| value.ok_or_else(|| (place.clone(), Reason::NeedsValue(name)));
    let domain = |value: &str| domain_spec(value).map_err(|slip| behind(slip, 1));
    let none = |name: &'static str| behind((0..rest.len(), Reason::TakesNone(name)), 0);
    match name.to_ascii_lowercase().as_str() {
        "all" if rest.is_empty() => Ok(Mechanism::All),
        "all" => Err(none("all")),
        "include" => Ok(Mechanism::Include(domain(needed("include")?)?)),
        "exists" => Ok(Mechanism::Exists(domain(needed("exists")?)?)),
        "ptr" => match value {
            Some(value) => Ok(Mechanism::Ptr(Some(domain(value)?))),
            None if rest.is_empty() => Ok(Mechanism::Ptr(None)),
            None => Err(none("ptr")),
        },
        short @ ("a" | "mx") => {
            if value.is_none() && !rest.is_empty() && !rest.starts_with('/') {
                return Err(none(if short == "a" { "a" } else { "mx" }));
            }
            let (target, cidr) =
                domain_and_cidr(value.unwrap_or(rest), value.is_some()).map_err(|slip| behind(slip, skip))?;
            Ok(if short == "a" { Mechanism::A(target, cidr) } else { Mechanism::Mx(target, cidr) })
        }
        "ip4" => {
            let value = needed("ip4")?;
            let (address, length): (Ipv4Addr, u8) =
                network(value, 32, Reason::Address4).map_err(|slip| behind(slip, 1))?;
            Ipv4Net::new(address, length).map(Mechanism::Ip4).map_err(|_| (place, Reason::Prefix(32)))
        }
        "ip6" => {
            let value = needed("ip6")?;
            let (address, length): (Ipv6Addr, u8) =
                network(value, 128, Reason::Address6).map_err(|slip| behind(slip, 1))?;
            Ipv6Net::new(address, length).map(Mechanism::Ip6).map_err(|_| (place, Reason::Prefix(128)))
        }
        "redirect" if skip == 1 => Err((place, Reason::ModifierWithColon("redirect"))),
        "exp" if skip == 1 => Err((place, Reason::ModifierWithColon("exp"))),
        _ => Err((place, Reason::UnknownMechanism(name.to_owned()))),
    }
}

/// `address[/length]`. The standard library reads addresses as strictly as the grammar: no leading zeros, no zones.
fn network<A: FromStr>(value: &str, most: u8, reason: Reason) -> Result<(A, u8), Slip> {
    let (address, length) = match value.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (value, None),
    };
    let parsed = address.parse().map_err(|_| (0..address.len(), reason))?;
    let length = match length {
        Some(text) => prefix(text, most).map_err(|reason| (address.len()..value.len(), reason))?,
        None => most,
    };
    Ok((parsed, length))
}
