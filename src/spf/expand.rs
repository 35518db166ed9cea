//! From macro-strings to texts and names (RFC 7208, section 7). Pure.

use std::fmt::Write;
use std::net::IpAddr;

use crate::probe::Name;
use crate::records::spf::{Expansion, Letter, MacroString, Piece};

/// The longest name that is asked for (RFC 7208, section 7.3).
const LONGEST_NAME: usize = 253;
/// Enough of the right end of a name to find the longest part of it that fits.
const ENOUGH: usize = 1024;
/// The longest explanation that is kept, in characters.
pub(crate) const LONGEST_EXPLANATION: usize = 2048;

/// The values of macros.
#[derive(Clone, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) sender: &'a str,
    pub(crate) local_part: &'a str,
    pub(crate) sender_domain: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) ip: IpAddr,
    /// The validated reverse name; `unknown` without one.
    pub(crate) validated: &'a str,
    pub(crate) helo: &'a str,
    pub(crate) receiver: &'a str,
    pub(crate) at: i64,
}

/// The name that a domain-spec means: without a trailing dot, and without labels on the left that do not fit.
pub(crate) fn expand_name(spec: &MacroString, scope: &Scope<'_>) -> String {
    // From the right, and only as much as can stay: a record of 64 kB may hold thousands of macros.
    let mut parts = Vec::new();
    let mut length = 0;
    for piece in spec.pieces.iter().rev() {
        let part = expand_piece(piece, scope);
        length += part.len();
        parts.push(part);
        if length > ENOUGH {
            break;
        }
    }
    parts.reverse();
    let whole = parts.concat();
    let mut name = whole.strip_suffix('.').unwrap_or(&whole);
    while name.len() > LONGEST_NAME
        && let Some((_, rest)) = name.split_once('.')
    {
        name = rest;
    }
    name.to_owned()
}

/// An explanation's text, cut at [`LONGEST_EXPLANATION`] characters.
pub(crate) fn expand_text(text: &MacroString, scope: &Scope<'_>) -> String {
    let mut whole = String::new();
    for piece in &text.pieces {
        whole.push_str(&expand_piece(piece, scope));
        if whole.len() > 4 * LONGEST_EXPLANATION {
            break;
        }
    }
    whole.chars().take(LONGEST_EXPLANATION).collect()
}

fn expand_piece(piece: &Piece, scope: &Scope<'_>) -> String {
    match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Macro(expansion) => {
            let value = transform(&value(expansion.letter, scope), expansion);
            if expansion.escapes { escape(&value) } else { value }
        }
    }
}

fn value(letter: Letter, scope: &Scope<'_>) -> String {
    match letter {
        Letter::Sender => scope.sender.to_owned(),
        Letter::LocalPart => scope.local_part.to_owned(),
        Letter::SenderDomain => scope.sender_domain.to_owned(),
        Letter::Domain => scope.domain.to_owned(),
        Letter::Ip => match scope.ip {
            IpAddr::V4(ip) => ip.to_string(),
            // In capitals as in the reference implementation: an explanation shows them, a name does not care.
            IpAddr::V6(ip) => {
                let nibbles: Vec<String> =
                    ip.octets().iter().flat_map(|o| [o >> 4, o & 15]).map(|n| format!("{n:X}")).collect();
                nibbles.join(".")
            }
        },
        Letter::Validated => scope.validated.to_owned(),
        Letter::Family => if scope.ip.is_ipv4() { "in-addr" } else { "ip6" }.to_owned(),
        Letter::Helo => scope.helo.to_owned(),
        Letter::ReadableIp => scope.ip.to_string(),
        Letter::Receiver => scope.receiver.to_owned(),
        Letter::Time => scope.at.to_string(),
    }
}

/// Splits, reverses, keeps the right end, and joins with dots (RFC 7208, section 7.3).
fn transform(value: &str, expansion: &Expansion) -> String {
    let delimiters = if expansion.delimiters.is_empty() { "." } else { &expansion.delimiters };
    let mut parts: Vec<&str> = value.split(|c| delimiters.contains(c)).collect();
    if expansion.reverse {
        parts.reverse();
    }
    let kept = expansion.keep.map_or(parts.len(), |keep| keep.min(parts.len()));
    parts[parts.len() - kept..].join(".")
}

/// All but the unreserved characters as `%XX` (RFC 3986, section 2.3).
fn escape(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}

/// `text` as a name that can be asked for: every label of 1 to 63 octets, of whatever octets, and 253 in all at the most.
pub(crate) fn name_of(text: &str) -> Option<Name> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let fits = |label: &[u8]| (1..=63).contains(&label.len());
    let labels = || text.as_bytes().split(|octet| *octet == b'.');
    if text.len() > LONGEST_NAME || !labels().all(fits) {
        return None;
    }
    Name::from_labels(labels()).ok()
}

/// `domain` as `%{d}` writes it.
pub(crate) fn without_dot(domain: &str) -> String {
    domain.strip_suffix('.').unwrap_or(domain).to_owned()
}

/// Whether an evaluation can begin at `domain`: a name of several labels, and no address literal (RFC 7208, section 4.3).
pub(crate) fn is_domain(domain: &str) -> bool {
    let has_labels = domain.strip_suffix('.').unwrap_or(domain).contains('.');
    has_labels && !domain.starts_with('[') && name_of(domain).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::spf::{Kind, Modifier, Record};

    fn spec(text: &str) -> MacroString {
        let record = Record::parse(format!("v=spf1 x={text}").as_bytes()).unwrap();
        match &record.terms[0].kind {
            Kind::Modifier(Modifier::Other { value, .. }) => value.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn scope(ip: &str) -> Scope<'static> {
        Scope {
            sender: "strong-bad@email.example.com",
            local_part: "strong-bad",
            sender_domain: "email.example.com",
            domain: "email.example.com",
            ip: ip.parse().unwrap(),
            validated: "mx.example.org",
            helo: "mx.example.org",
            receiver: "here.example",
            at: 1_700_000_000,
        }
    }

    /// Lost if it fails: records with macros would be asked for at wrong names; the table is that of RFC 7208, section 7.4.
    #[test]
    fn the_examples_of_the_rfc() {
        for (text, expected) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
            ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
            ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
            ("%{d99999999999999999999999}", "email.example.com"),
            ("%{D}%%%_%-%{t}%{r}", "email.example.com% %201700000000here.example"),
            ("%{S}", "strong-bad%40email.example.com"),
        ] {
            assert_eq!(expand_text(&spec(text), &scope("192.0.2.3")), expected, "{text}");
        }
        let six = expand_name(&spec("%{ir}.%{v}._spf.%{d2}"), &scope("2001:db8::cb01")).to_ascii_lowercase();
        assert_eq!(six, "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
    }

    /// Lost if it fails: long names would be cut within a label, or cost megabytes.
    #[test]
    fn long_names_lose_labels_on_the_left() {
        let long = spec(&"%{o}.".repeat(8000));
        let name = expand_name(&long, &scope("192.0.2.3"));
        assert!(name.len() <= LONGEST_NAME && name.len() > 230 && name.ends_with(".example.com"), "{name}");
        assert!(name.split('.').all(|label| ["email", "example", "com"].contains(&label)), "{name}");
        let whole = spec(&"x".repeat(300));
        assert_eq!(name_of(&expand_name(&whole, &scope("192.0.2.3"))), None);
    }

    /// Lost if it fails: an impossible name would be a packet, or a possible one not asked for.
    #[test]
    fn names_are_labels_of_octets() {
        for (text, fits, starts) in [
            ("example.com", true, true),
            ("example.com.", true, true),
            ("a b.c%d/e:f", true, true),
            ("example", true, false),
            ("[192.0.2.1]", true, false),
            ("", false, false),
            (".", false, false),
            ("a..b", false, false),
            (".a.b", false, false),
            ("a.b..", false, false),
        ] {
            assert_eq!((name_of(text).is_some(), is_domain(text)), (fits, starts), "{text:?}");
        }
        assert!(is_domain(&format!("{}.com", "a".repeat(63))) && !is_domain(&format!("{}.com", "a".repeat(64))));
    }
}
