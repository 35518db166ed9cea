//! What a list's A records mean: the code tables of the catalogue, read once and searched by address.

use std::fmt;
use std::net::Ipv4Addr;

use super::lists::Weight;
use crate::model::Value;

/// One line of a code table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    key: Key,
    /// What the operator says with it.
    pub meaning: Value,
    /// How much it weighs.
    pub weight: Weight,
    /// It states a policy (such as "no mail from this range"), not that spam was seen.
    pub policy: bool,
}

impl Code {
    /// A line for the addresses that `key` covers.
    pub(super) fn new(key: Key, meaning: Value, weight: Weight) -> Self {
        Self { key, meaning, weight, policy: false }
    }

    /// The same, as a statement of policy or not.
    pub(super) fn policy(self, policy: bool) -> Self {
        Self { policy, ..self }
    }

    /// The addresses it speaks of, as written in the catalogue: `127.0.0.2`, `bit:8`, `127.0.0.5-127.0.0.7`.
    pub fn key(&self) -> Key {
        self.key
    }
}

/// The answers that one line of a code table speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// From the first address to the last, both included.
    Range(Ipv4Addr, Ipv4Addr),
    /// Four octets, some of them free.
    Octets([Option<u8>; 4]),
    /// This bit of the last octet, in 127.0.0.0/24.
    Bit(u8),
    /// The answer is in TXT; no address ever matches.
    Txt,
}

/// Why a text is not a key of a code table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a code (an address in 127.0.0.0/8, a range, a prefix, octets with *, bit:N or txt)")]
pub struct KeyError(pub String);

impl Key {
    /// Reads a key of a code table.
    ///
    /// # Errors
    /// [`KeyError`] when it has none of the known forms, or covers an address outside 127.0.0.0/8.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Self::read(text).filter(|key| key.in_loopback()).ok_or_else(|| KeyError(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        if text == "txt" {
            return Some(Self::Txt);
        }
        if let Some(bit) = text.strip_prefix("bit:") {
            return bit.parse::<u8>().ok().filter(|bit| bit.is_power_of_two()).map(Self::Bit);
        }
        if text.contains('*') {
            let octets: Option<Vec<Option<u8>>> = text
                .split('.')
                .map(|octet| if octet == "*" { Some(None) } else { octet.parse().ok().map(Some) })
                .collect();
            return octets?.try_into().ok().map(Self::Octets);
        }
        if text.contains('/') {
            let prefix: ipnet::Ipv4Net = text.parse().ok()?;
            return (prefix.addr() == prefix.network()).then(|| Self::Range(prefix.network(), prefix.broadcast()));
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (first.parse::<Ipv4Addr>().ok()?, last.parse::<Ipv4Addr>().ok()?);
        (first <= last).then_some(Self::Range(first, last))
    }

    fn in_loopback(self) -> bool {
        match self {
            Self::Range(first, last) => first.is_loopback() && last.is_loopback(),
            Self::Octets(octets) => octets[0] == Some(127),
            Self::Bit(_) | Self::Txt => true,
        }
    }

    /// Whether it speaks of `address`.
    pub fn covers(self, address: Ipv4Addr) -> bool {
        match self {
            Self::Range(first, last) => (first..=last).contains(&address),
            Self::Octets(octets) => {
                octets.iter().zip(address.octets()).all(|(wanted, octet)| wanted.is_none_or(|wanted| wanted == octet))
            }
            Self::Bit(bit) => {
                let [a, b, c, d] = address.octets();
                [a, b, c] == [127, 0, 0] && d & bit != 0
            }
            Self::Txt => false,
        }
    }

    /// How many addresses it covers; the narrowest key explains an address best.
    fn breadth(self) -> u64 {
        match self {
            Self::Range(first, last) => u64::from(last.to_bits() - first.to_bits()) + 1,
            Self::Octets(octets) => 1 << (8 * octets.iter().filter(|octet| octet.is_none()).count()),
            Self::Bit(_) => 128,
            Self::Txt => 0,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(first, last) if first == last => first.fmt(f),
            Self::Range(first, last) => write!(f, "{first}-{last}"),
            Self::Octets(octets) => {
                for (place, octet) in octets.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { "." })?;
                    match octet {
                        Some(octet) => octet.fmt(f)?,
                        None => f.write_str("*")?,
                    }
                }
                Ok(())
            }
            Self::Bit(bit) => write!(f, "bit:{bit}"),
            Self::Txt => f.write_str("txt"),
        }
    }
}

/// Lines of one kind, narrowest key first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table(Vec<Code>);

impl Table {
    /// A table of these lines, in any order.
    pub(super) fn new(mut lines: Vec<Code>) -> Self {
        lines.sort_by_key(|line| line.key.breadth());
        Self(lines)
    }

    /// All lines, narrowest key first.
    pub(super) fn lines(&self) -> &[Code] {
        &self.0
    }

    /// Gives every line the weight that `weigh` makes of its own.
    pub(super) fn reweigh(&mut self, weigh: impl Fn(Weight) -> Weight) {
        for line in &mut self.0 {
            line.weight = weigh(line.weight);
        }
    }

    /// The line that explains `address` best.
    pub(super) fn find(&self, address: Ipv4Addr) -> Option<&Code> {
        self.0.iter().find(|line| line.key.covers(address))
    }

    /// What `address` says: the narrowest line, and for bits every bit that is set.
    pub(super) fn explain(&self, address: Ipv4Addr) -> impl Iterator<Item = &Code> {
        let best = self.find(address).map(|line| line.key);
        self.0.iter().filter(move |line| {
            let bits = matches!((best, line.key), (Some(Key::Bit(_)), Key::Bit(_)));
            (Some(line.key) == best || bits) && line.key.covers(address)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a code table would be read with another meaning than its operator gave it.
    #[test]
    fn every_form_of_key_covers_what_it_says() {
        for (key, inside, outside) in [
            ("127.0.0.2", "127.0.0.2", "127.0.0.3"),
            ("127.0.0.5-127.0.0.7", "127.0.0.7", "127.0.0.8"),
            ("127.255.255.0/24", "127.255.255.1", "127.255.254.255"),
            ("127.0.*.3", "127.0.9.3", "127.0.9.2"),
            ("127.0.4.*", "127.0.4.100", "127.0.5.100"),
            ("bit:8", "127.0.0.14", "127.0.0.6"),
            ("bit:8", "127.0.0.8", "127.0.1.8"),
        ] {
            let parsed = Key::parse(key).unwrap();
            assert!(parsed.covers(inside.parse().unwrap()), "{key} {inside}");
            assert!(!parsed.covers(outside.parse().unwrap()), "{key} {outside}");
        }
        assert!(!Key::parse("txt").unwrap().covers(Ipv4Addr::LOCALHOST));
        assert_eq!(Key::parse("127.0.*.3").unwrap().to_string(), "127.0.*.3");
    }

    /// Lost if it fails: a misspelt code would silently never match, and a listing would pass as unknown.
    #[test]
    fn misspelt_keys_are_refused() {
        for key in [
            "",
            "127.0.0",
            "127.0.0.256",
            "192.0.2.1",
            "bit:3",
            "bit:0",
            "bit:256",
            "127.0.0.7-127.0.0.5",
            "127.0.*",
            "*.0.0.1",
            "127.255.255.1/24",
            "127.0.0.0/7",
            "TXT",
        ] {
            assert_eq!(Key::parse(key), Err(KeyError(key.to_owned())), "{key}");
        }
    }

    /// Lost if it fails: "DQS key disabled" would be reported as an unnamed error of its range.
    #[test]
    fn the_narrowest_key_wins_and_bits_add_up() {
        let line = |key: &str| Code::new(Key::parse(key).unwrap(), Value::plain(key), Weight::Warn);
        let table = Table::new(vec![line("127.255.255.0/24"), line("127.255.255.250"), line("bit:2"), line("bit:4")]);
        let said = |address: &str| -> Vec<String> {
            table.explain(address.parse().unwrap()).map(|line| line.key().to_string()).collect()
        };
        assert_eq!(said("127.255.255.250"), ["127.255.255.250"]);
        assert_eq!(said("127.0.0.6"), ["bit:2", "bit:4"]);
        assert!(said("127.0.0.8").is_empty());
    }
}
