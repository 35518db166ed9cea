//! The addresses of a plan: how they are written, and which cannot be a mail server's on the Internet.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use toml::de::DeValue;

use super::reader::{Node, Notes, Reader, open_table, text};
use super::types::Address;
use crate::model::{DomainName, Side};

/// Ranges that cannot be reached over the Internet, and what they are (IANA special-purpose registries, RFC 6890).
const SPECIAL: &[(&str, &str)] = &[
    ("0.0.0.0/8", "\"this network\" (RFC 791)"),
    ("10.0.0.0/8", "a private address (RFC 1918)"),
    ("100.64.0.0/10", "shared address space behind a carrier's NAT (RFC 6598)"),
    ("127.0.0.0/8", "a loopback address (RFC 1122)"),
    ("169.254.0.0/16", "a link-local address (RFC 3927)"),
    ("172.16.0.0/12", "a private address (RFC 1918)"),
    ("192.0.0.0/24", "an IETF protocol address (RFC 6890)"),
    ("192.0.2.0/24", "a documentation address (RFC 5737)"),
    ("192.88.99.0/24", "a 6to4 relay address (RFC 7526)"),
    ("192.168.0.0/16", "a private address (RFC 1918)"),
    ("198.18.0.0/15", "a benchmarking address (RFC 2544)"),
    ("198.51.100.0/24", "a documentation address (RFC 5737)"),
    ("203.0.113.0/24", "a documentation address (RFC 5737)"),
    ("224.0.0.0/4", "a multicast address (RFC 5771)"),
    ("240.0.0.0/4", "a reserved address (RFC 1112)"),
    ("::/128", "the unspecified address (RFC 4291)"),
    ("::1/128", "the loopback address (RFC 4291)"),
    ("64:ff9b::/96", "a NAT64 address (RFC 6052)"),
    ("64:ff9b:1::/48", "a local-use NAT64 address (RFC 8215)"),
    ("100::/64", "a discard-only address (RFC 6666)"),
    ("2001::/32", "a Teredo address (RFC 4380)"),
    ("2001:2::/48", "a benchmarking address (RFC 5180)"),
    ("2001::/23", "an IETF protocol address (RFC 2928)"),
    ("2001:db8::/32", "a documentation address (RFC 3849)"),
    ("2002::/16", "a 6to4 address (RFC 3056)"),
    ("3fff::/20", "a documentation address (RFC 9637)"),
    ("fc00::/7", "a unique local address (RFC 4193)"),
    ("fe80::/10", "a link-local address (RFC 4291)"),
    ("fec0::/10", "a site-local address (RFC 3879)"),
    ("ff00::/8", "a multicast address (RFC 4291)"),
    // What is left of IPv6 outside 2000::/3; the narrower ranges above are found first.
    ("::/3", "outside 2000::/3, from which public addresses come (RFC 4291)"),
    ("4000::/2", "outside 2000::/3, from which public addresses come (RFC 4291)"),
    ("8000::/1", "outside 2000::/3, from which public addresses come (RFC 4291)"),
];

/// The most addresses on one side.
const MOST_ADDRESSES: usize = 256;

/// What kind of special address `ip` is; nothing for a public one.
pub fn special_purpose(ip: IpAddr) -> Option<&'static str> {
    let is_in = |range: &str| range.parse::<IpNet>().is_ok_and(|range| range.contains(&ip));
    SPECIAL.iter().find(|(range, _)| is_in(range)).map(|(_, kind)| *kind)
}

/// Whether an address is one inside a network, which others do not see: private (RFC 1918, RFC 4193), shared (RFC 6598), loopback or
/// link-local.
pub fn stays_inside(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            v4.is_private() || is_shared || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback() || v6.is_unspecified(),
    }
}

/// Reads `ips` of `[old]` or `[new]`.
pub(super) fn read(side: Side, section: &Reader<'_>, hostname: &DomainName) -> Vec<Address> {
    let help = "write ips = [\"…\"] with the addresses that mail comes from and goes to";
    let items =
        section.require("ips", section.items("ips", "a list of addresses in quotes, such as [\"203.0.113.25\"]"), help);
    let ptr = section.name("ptr");
    let helo = section.text("helo");
    let allowed = permission(section, section.notes);
    let mut found: Vec<Address> = Vec::new();
    if items.as_ref().is_some_and(|items| items.len() > MOST_ADDRESSES) {
        section.notes.add(
            section.span.clone(),
            format!("`ips` has more than {MOST_ADDRESSES} addresses"),
            "split the plan",
        );
        return found;
    }
    for item in items.iter().flatten() {
        let own = match item.get_ref() {
            DeValue::Table(_) => open_table(item, "ips", "address", section.notes),
            _ => None,
        };
        let place: Option<Node<'_>> = match &own {
            Some(own) => {
                let ip = own.value("ip");
                if ip.is_none() {
                    own.missing("ip", "write ip = \"…\"");
                }
                ip
            }
            None if matches!(item.get_ref(), DeValue::Table(_)) => None,
            None => Some(item),
        };
        let Some(place) = place else { continue };
        let wanted = "addresses in quotes, or tables such as { ip = \"…\", sends = false }";
        let Some(ip) = text(place, "ips", wanted, section.notes).and_then(|text| address(text, place, section.notes))
        else {
            continue;
        };
        let own_permission = own.as_ref().and_then(|own| permission(own, section.notes));
        let special = own_permission.or_else(|| allowed.clone());
        if let Some(kind) = special_purpose(ip)
            && special.is_none()
            && side == Side::New
        {
            let help = "put the public address here that others see mail come from; in a laboratory write allow_special = true and reason = \"…\" beside it";
            section.notes.add(place.span(), format!("{ip} is {kind}: no mail server on the Internet has it"), help);
            continue;
        }
        if found.iter().any(|known| known.ip == ip) {
            section.notes.add(place.span(), format!("{ip} stands here twice"), "write it once");
            continue;
        }
        let ptr =
            own.as_ref().and_then(|own| own.name("ptr")).or_else(|| ptr.clone()).unwrap_or_else(|| hostname.clone());
        let helo = own.as_ref().and_then(|own| own.text("helo")).or_else(|| helo.clone());
        let flag = |key| own.as_ref().and_then(|own| own.flag(key)).unwrap_or(true);
        let (sends, receives) = (flag("sends"), flag("receives"));
        if !sends && !receives {
            section.notes.add(place.span(), format!("{ip} neither sends nor receives"), "take it out of the plan");
        }
        found.push(Address {
            ip,
            side,
            helo: helo.unwrap_or_else(|| ptr.to_string()),
            ptr,
            sends,
            receives,
            special: special.filter(|_| side == Side::New && special_purpose(ip).is_some()),
            line: section.notes.line_at(place.span().start),
        });
    }
    if items.as_ref().is_some_and(Vec::is_empty) {
        section.notes.add(section.span.clone(), "`ips` is empty", help);
    }
    found
}

/// The reason for which addresses may be special; `allow_special` and `reason` go together.
fn permission(table: &Reader<'_>, notes: &Notes) -> Option<String> {
    let allowed = table.flag("allow_special").unwrap_or(false);
    let reason = table.text("reason");
    match (allowed, &reason, table.value("reason")) {
        (true, None, None) => {
            let span = table.value("allow_special").map_or(table.span.clone(), |value| value.span());
            notes.add(span, "allow_special needs a reason", "write reason = \"…\" beside it");
            // The plan is refused for this already; its addresses need not be refused as well.
            return Some(String::new());
        }
        (false, Some(_), Some(value)) => {
            notes.add(
                value.span(),
                "a reason stands here, but nothing is allowed",
                "write allow_special = true beside it, or delete the reason",
            );
        }
        _ => {}
    }
    reason.filter(|_| allowed)
}

/// The address that `text` is.
fn address(text: &str, place: Node<'_>, notes: &Notes) -> Option<IpAddr> {
    let shown = crate::model::visible(text);
    let bare = text.trim();
    let (message, help) = match bare.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => (format!("{shown} is an IPv4 address in IPv6 clothes"), format!("write \"{v4}\"")),
            None => return Some(IpAddr::V6(v6)),
        },
        Ok(ip) => return Some(ip),
        Err(_) if bare.contains('%') => (
            format!("{shown} has a zone id: it means something on one machine only"),
            "write the public address".to_owned(),
        ),
        Err(_) if bare.contains('/') => (
            format!("{shown} is a range"),
            "write each address; `mail-cutover rank` compares the addresses of a range".to_owned(),
        ),
        Err(_) if leading_zeros(bare).is_some() => {
            let plain =
                leading_zeros(bare).map_or_else(String::new, |ip| format!("write \"{ip}\", if that is what is meant"));
            (format!("{shown} has leading zeros, which some programs read as octal"), plain)
        }
        Err(_) => (
            format!("{shown} is not an IP address"),
            "write an address such as \"203.0.113.25\" or \"2001:db8:25::25\"".to_owned(),
        ),
    };
    notes.add(place.span(), message, help);
    None
}

fn leading_zeros(text: &str) -> Option<Ipv4Addr> {
    let octets: Option<Vec<u8>> = text
        .split('.')
        .map(|octet| {
            octet
                .trim_start_matches('0')
                .parse()
                .ok()
                .or((octet.chars().all(|c| c == '0') && !octet.is_empty()).then_some(0))
        })
        .collect();
    <[u8; 4]>::try_from(octets?).ok().map(Ipv4Addr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: an address behind a NAT would be taken for the one that others see, or a public one be passed over.
    #[test]
    fn addresses_inside_a_network() {
        let inside = [
            "10.0.0.5",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "fd00::1",
            "fe80::1",
            "::1",
            "::ffff:10.0.0.5",
        ];
        let outside = ["172.32.0.1", "100.128.0.1", "203.0.113.25", "2001:db8::1", "::ffff:203.0.113.25"];
        for (texts, expected) in [(&inside[..], true), (&outside[..], false)] {
            for text in texts {
                assert_eq!(stays_inside(text.parse().unwrap()), expected, "{text}");
            }
        }
    }
}
