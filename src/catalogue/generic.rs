//! Whether a reverse name is one that a provider gives to every customer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::providers::Provider;
use crate::model::DomainName;

/// Why a reverse name looks as if nobody had chosen it, strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Generic {
    /// It has the shape of this provider's default names.
    Provider {
        /// The provider's id.
        id: String,
    },
    /// It contains the address. Under the operator's own domain this is a matter of taste, elsewhere a default name.
    EmbedsAddress {
        /// In which form: `octets`, `octets reversed`, `octets split`, `decimal`, `hexadecimal`, `nibbles`, `groups`.
        form: &'static str,
    },
    /// It contains a word that receivers take for a sign of dial-up or rented machines.
    Hint {
        /// The word.
        word: &'static str,
    },
}

/// Words that hint at dial-up or rented machines. `static` counts only beside octets of the address.
const WORDS: [&str; 21] = [
    "dynamic",
    "dyn",
    "dhcp",
    "pool",
    "dial",
    "ppp",
    "dsl",
    "cable",
    "static",
    "host",
    "vps",
    "vm",
    "server",
    "cloud",
    "client",
    "clients",
    "customer",
    "customers",
    "cust",
    "rev",
    "reverse",
];

/// Whether the reverse name of `ip` looks generic, and why. A provider's shape says most and comes first, then the address
/// in the name, then words in the part below the registrable domain.
pub fn generic_name(name: &DomainName, ip: IpAddr, providers: &[Provider]) -> Option<Generic> {
    let shaped = |provider: &&Provider| provider.generic.iter().any(|shape| shape.fits(name));
    if let Some(provider) = providers.iter().find(shaped) {
        return Some(Generic::Provider { id: provider.id.clone() });
    }
    let form = match ip {
        IpAddr::V4(v4) => v4_form(name.as_str(), v4),
        IpAddr::V6(v6) => {
            v6_form(name.as_str(), v6).or_else(|| v6.to_ipv4_mapped().and_then(|v4| v4_form(name.as_str(), v4)))
        }
    };
    form.map(|form| Generic::EmbedsAddress { form }).or_else(|| hint(name, ip).map(|word| Generic::Hint { word }))
}

/// The form in which `name` contains an IPv4 address.
fn v4_form(name: &str, ip: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, d] = ip.octets();
    let numbers = numbers(name);
    let row = |octets: [u8; 4], between: fn(&str) -> bool| {
        numbers.windows(4).any(|row| {
            row.iter().zip(octets).all(|(number, octet)| number.octet == Some(octet))
                && between(row[1].before)
                && row[2..].iter().all(|number| is_separator(number.before))
        })
    };
    let padded = |octets: [u8; 4]| octets.map(|octet| format!("{octet:03}")).concat();
    if row([a, b, c, d], is_separator) {
        Some("octets")
    } else if row([d, c, b, a], is_separator) {
        Some("octets reversed")
    } else if row([d, a, b, c], |between| between == ".ip-") {
        Some("octets split")
    } else if [padded([a, b, c, d]), padded([d, c, b, a]), ip.to_bits().to_string()]
        .iter()
        // Shorter integers are ordinary serial numbers.
        .any(|digits| digits.len() >= 8 && stands_in(name, digits, |c| c.is_ascii_digit()))
    {
        Some("decimal")
    } else if [ip.to_bits(), u32::from_be_bytes([d, c, b, a])]
        .iter()
        .any(|bits| stands_in(name, &format!("{bits:08x}"), |c| c.is_ascii_hexdigit()))
    {
        Some("hexadecimal")
    } else {
        None
    }
}

/// The form in which `name` contains an IPv6 address, or the lower half of one that is not a small number.
fn v6_form(name: &str, ip: Ipv6Addr) -> Option<&'static str> {
    let hex = format!("{:032x}", ip.to_bits());
    let backwards: String = hex.chars().rev().collect();
    let half = ip.to_bits() as u64 > u64::from(u32::MAX);
    let has = |text: &str| stands_in(name, text, |c| c.is_ascii_hexdigit());
    let spaced = |text: &str, by: &str| text.chars().map(String::from).collect::<Vec<_>>().join(by);
    let nibbles = |text: &str| has(text) || has(&spaced(text, ".")) || has(&spaced(text, "-"));
    if nibbles(&hex) || nibbles(&backwards) || (half && (nibbles(&hex[16..]) || nibbles(&backwards[..16]))) {
        return Some("nibbles");
    }
    let segments = ip.segments();
    let groups = |segments: &[u16], by: &str| {
        let padded: Vec<String> = segments.iter().map(|segment| format!("{segment:04x}")).collect();
        let short: Vec<String> = segments.iter().map(|segment| format!("{segment:x}")).collect();
        has(&padded.join(by)) || has(&short.join(by))
    };
    let in_groups = |by: &str| {
        groups(&segments, by) || (half && groups(&segments[4..], by)) || has(&ip.to_string().replace(':', by))
    };
    ["-", ".", "_"].into_iter().any(in_groups).then_some("groups")
}

/// The first hint word below the registrable domain.
fn hint(name: &DomainName, ip: IpAddr) -> Option<&'static str> {
    let own = name.registrable().map_or(0, |domain| domain.as_str().len());
    let below = &name.as_str()[..name.as_str().len() - own];
    let beside_octets = || match ip {
        IpAddr::V4(v4) => {
            v4.octets().iter().filter(|octet| numbers(below).iter().any(|n| n.octet == Some(**octet))).count() >= 2
        }
        IpAddr::V6(_) => false,
    };
    let said = |word: &str| below.split(|c: char| !c.is_ascii_alphabetic()).any(|part| part == word);
    WORDS.into_iter().find(|word| said(word) && (*word != "static" || beside_octets()))
}

/// A run of digits in a name.
struct Number<'a> {
    /// What stands between it and the run before it.
    before: &'a str,
    /// Its value, if it can be an octet.
    octet: Option<u8>,
}

fn numbers(name: &str) -> Vec<Number<'_>> {
    let mut numbers = Vec::new();
    let mut rest = name;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let (digits, after) = from.split_at(end);
        let octet = if digits.len() <= 3 { digits.parse().ok() } else { None };
        numbers.push(Number { before, octet });
        rest = after;
    }
    numbers
}

fn is_separator(between: &str) -> bool {
    matches!(between, "-" | "." | "_")
}

/// Whether `part` stands in `name` with no further character of its own kind on either side.
fn stands_in(name: &str, part: &str, of_kind: fn(char) -> bool) -> bool {
    name.match_indices(part)
        .any(|(start, _)| !name[..start].ends_with(of_kind) && !name[start + part.len()..].starts_with(of_kind))
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    fn judge(name: &str, ip: &str) -> Option<Generic> {
        generic_name(&DomainName::parse(name).unwrap(), ip.parse().unwrap(), &Catalogue::embedded().providers)
    }

    /// Lost if it fails: a provider's default name would pass as a chosen one, and receivers would refuse the mail.
    #[test]
    fn every_example_has_its_provider() {
        let mut examples = 0;
        for provider in &Catalogue::embedded().providers {
            for shape in &provider.generic {
                assert!(!shape.examples.is_empty(), "{}", provider.id);
                for example in &shape.examples {
                    examples += 1;
                    let expected = Some(Generic::Provider { id: provider.id.clone() });
                    assert_eq!(judge(example, "192.0.2.1"), expected, "{example}");
                }
            }
        }
        assert_eq!(examples, 32);
    }

    /// Lost if it fails: default names of providers nobody has catalogued would pass.
    #[test]
    fn the_address_is_found_in_every_form() {
        for (name, ip, form) in [
            ("203-0-113-25.pool.example", "203.0.113.25", "octets"),
            ("mail-203-0-113-25.example.com", "203.0.113.25", "octets"),
            ("ip203.0.113.25.example", "203.0.113.25", "octets"),
            ("p203_000_113_025.example", "203.0.113.25", "octets"),
            ("25.113.0.203.rev.example", "203.0.113.25", "octets reversed"),
            ("203.ip-51-222-41.example", "51.222.41.203", "octets split"),
            ("203000113025.example", "203.0.113.25", "decimal"),
            ("h025113000203.example", "203.0.113.25", "decimal"),
            ("3405803801.example", "203.0.113.25", "decimal"),
            ("xcb007119.example", "203.0.113.25", "hexadecimal"),
            ("host-197100cb.example", "203.0.113.25", "hexadecimal"),
            ("20010db8000000000000000000000025.example", "2001:db8::25", "nibbles"),
            ("5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.example", "2001:db8::25", "nibbles"),
            ("2001-db8-0-0-0-0-0-25.example", "2001:db8::25", "groups"),
            ("2001-0db8-0000-0000-0000-0000-0000-0025.example", "2001:db8::25", "groups"),
            ("2001-db8--25.example", "2001:db8::25", "groups"),
            ("a1b2-c3d4-e5f6-789.example", "2001:db8::a1b2:c3d4:e5f6:789", "groups"),
            ("a1b2c3d4e5f60789.example", "2001:db8::a1b2:c3d4:e5f6:789", "nibbles"),
        ] {
            assert_eq!(judge(name, ip), Some(Generic::EmbedsAddress { form }), "{name}");
        }
    }

    /// Lost if it fails: a good name would be called generic because its digits look like part of the address.
    #[test]
    fn chosen_names_pass() {
        for (name, ip) in [
            ("mail.example.co.jp", "203.0.113.25"),
            ("mx25.example.co.jp", "203.0.113.25"),
            ("mx-1-2-3-45.example.jp", "1.2.3.4"),
            ("mx-11-2-3-4.example.jp", "1.2.3.4"),
            ("a-1-2-3.example.jp", "1.2.3.4"),
            ("mail.cloud.jp", "203.0.113.25"),
            ("static.example.jp", "203.0.113.25"),
            ("mail.dynamics.example.jp", "203.0.113.25"),
            ("mx.example.jp", "2001:db8::25"),
            ("mx25.example.jp", "2001:db8::25"),
            ("1.example.jp", "0.0.0.1"),
        ] {
            assert_eq!(judge(name, ip), None, "{name}");
        }
    }

    /// Lost if it fails: names that many receivers score down would pass without a word.
    #[test]
    fn words_hint() {
        for (name, ip, word) in [
            ("vps1.example.jp", "203.0.113.25", "vps"),
            ("mail.dynamic.example.co.jp", "203.0.113.25", "dynamic"),
            ("static-113-25.example.jp", "203.0.113.25", "static"),
            ("customer7.example.net", "2001:db8::25", "customer"),
        ] {
            assert_eq!(judge(name, ip), Some(Generic::Hint { word }), "{name}");
        }
    }
}
