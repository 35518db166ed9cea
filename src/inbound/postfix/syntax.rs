//! What Postfix takes for a host name and for an address (valid_hostname.c, valid_mailhost_addr.c, cidr_match.c).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether it is a host name: labels of letters, digits, underscores and inner hyphens, not all digits, without a dot at the end.
pub(super) fn is_host_name(name: &str) -> bool {
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 255
        && name.split('.').all(label_fits)
        && name.bytes().any(|byte| !byte.is_ascii_digit() && byte != b'.')
}

/// Whether it is an address, IPv4 or IPv6.
pub(super) fn is_address(text: &str) -> bool {
    address(text).is_some()
}

/// The address in `text`: four decimal octets, leading zeros allowed, 0.x only as 0.0.0.0; or IPv6.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let octets: Vec<&str> = text.split('.').collect();
    let mut ip = [0_u8; 4];
    if octets.len() != ip.len() {
        return None;
    }
    for (place, digits) in ip.iter_mut().zip(octets) {
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = digits.trim_start_matches('0');
        *place = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    }
    (ip[0] != 0 || ip == [0; 4]).then(|| Ipv4Addr::from(ip).into())
}

/// Whether it is an address as HELO has it between brackets: `192.0.2.1`, `IPv6:2001:db8::1`.
pub(super) fn is_literal(text: &str) -> bool {
    let tagged = text.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("IPv6:"));
    if tagged { text[5..].parse::<Ipv6Addr>().is_ok() } else { !text.contains(':') && is_address(text) }
}

/// `name` without one dot at its end.
pub(super) fn without_dot(name: &str) -> &str {
    match name.strip_suffix('.') {
        Some(cut) if !cut.is_empty() && !cut.ends_with('.') => cut,
        _ => name,
    }
}

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    base: IpAddr,
    length: u8,
}

impl Network {
    /// Reads `192.0.2.0/24`, `[2001:db8::]/32` or an address; nothing for anything else, and where bits stand behind the prefix.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (base, length) = match text.rsplit_once('/') {
            Some((base, length)) => (base, Some(length)),
            None => (text, None),
        };
        let base = match base.strip_prefix('[') {
            Some(inner) => address(inner.strip_suffix(']')?)?,
            None => address(base)?,
        };
        let whole = if base.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
            None => whole,
        };
        let network = Self { base, length };
        (length <= whole && masked(base, length) == bits(base)).then_some(network)
    }

    /// Whether its addresses are of the same family.
    pub(super) fn is_of_family(&self, ip: IpAddr) -> bool {
        ip.is_ipv4() == self.base.is_ipv4()
    }

    /// Whether it holds this address, of the same family.
    pub(super) fn holds(&self, ip: IpAddr) -> bool {
        self.is_of_family(ip) && masked(ip, self.length) == bits(self.base)
    }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)) << 96,
        IpAddr::V6(ip) => ip.into(),
    }
}

fn masked(ip: IpAddr, length: u8) -> u128 {
    // A shift by all 128 bits leaves nothing.
    bits(ip) & !u128::MAX.checked_shr(u32::from(length)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a HELO name would be called good that Postfix refuses, or a question be put that it does not put.
    #[test]
    fn names_and_addresses_are_those_of_postfix() {
        for good in ["mail.example", "localhost", "a_b.example", "1.example", "x"] {
            assert!(is_host_name(good), "{good}");
        }
        for bad in
            ["", "mail.example.", ".mail", "a..b", "-a.example", "a-.example", "192.0.2.1", "1", "a b", "[1.2.3.4]"]
        {
            assert!(!is_host_name(bad), "{bad}");
        }
        for (text, expected) in [
            ("192.0.2.1", true),
            ("0.0.0.0", true),
            ("0.1.2.3", false),
            ("192.0.2", false),
            ("192.0.2.256", false),
            ("IPv6:2001:db8::1", true),
            ("ipv6:::1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_literal(text), expected, "{text}");
        }
        assert_eq!([without_dot("a."), without_dot("a.."), without_dot("."), without_dot("a")], ["a", "a..", ".", "a"]);
    }

    /// Lost if it fails: a friend's network would not be known, or the whole world taken for it.
    #[test]
    fn networks_hold_their_addresses() {
        let holds = |network: &str, ip: &str| Network::parse(network).map(|network| network.holds(ip.parse().unwrap()));
        assert_eq!(holds("192.0.2.0/24", "192.0.2.200"), Some(true));
        assert_eq!(holds("192.0.2.0/24", "192.0.3.1"), Some(false));
        assert_eq!(holds("0.0.0.0/0", "192.0.3.1"), Some(true));
        assert_eq!(holds("0.0.0.0/0", "2001:db8::1"), Some(false));
        assert_eq!(holds("[2001:db8::]/32", "2001:db8:ffff::1"), Some(true));
        assert_eq!(holds("2001:db8::/32", "2001:db9::1"), Some(false));
        assert_eq!(holds("192.0.2.1", "192.0.2.1"), Some(true));
        for wrong in ["192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/x", "example", "[::1", "192.0.2.0/255.255.255.0"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }
}
