//! How a rule of Postfix names the answers of a list that are listings, so that an error code is none.

use std::collections::{BTreeMap, BTreeSet};

use super::codes::Key;
use super::lists::List;

/// The rule for a list whose codes are not known one by one: every answer but 127.0.0.1 and 127.0.0.255.
const ANY_LISTING: &str = "127.0.0.[2..254]";

impl List {
    /// The codes of this list in the form of `reject_rbl_client ZONE=…`: `127.0.0.[2..11;30]`. Several filters if no single one
    /// fits; at least one.
    pub fn postfix_filters(&self) -> Vec<String> {
        let mut networks: BTreeMap<[u8; 3], BTreeSet<u8>> = BTreeMap::new();
        for code in self.codes() {
            // Bits, patterns and wide ranges are more than a few addresses: the usual range serves them.
            let Key::Range(first, last) = code.key() else { return vec![ANY_LISTING.to_owned()] };
            let ([a, b, c, low], [d, e, f, high]) = (first.octets(), last.octets());
            if [a, b, c] != [d, e, f] {
                return vec![ANY_LISTING.to_owned()];
            }
            networks.entry([a, b, c]).or_default().extend(low..=high);
        }
        if networks.is_empty() {
            return vec![ANY_LISTING.to_owned()];
        }
        networks.into_iter().map(|([a, b, c], last)| format!("{a}.{b}.{c}.{}", octets(&last))).collect()
    }
}

/// `2`, or `[2..11;30]`.
fn octets(all: &BTreeSet<u8>) -> String {
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for octet in all {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*octet) => *last = *octet,
            _ => runs.push((*octet, *octet)),
        }
    }
    if let [(first, last)] = runs.as_slice()
        && first == last
    {
        return first.to_string();
    }
    let run = |(first, last): &(u8, u8)| if first == last { first.to_string() } else { format!("{first}..{last}") };
    format!("[{}]", runs.iter().map(run).collect::<Vec<String>>().join(";"))
}

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, Family, Weight};
    use super::*;
    use crate::model::DomainName;

    /// Lost if it fails: a rule from the report would let listings through, or take an error code for one.
    #[test]
    fn rules_name_listings_only() {
        let filters = |id: &str| Catalogue::embedded().list(id).unwrap().postfix_filters().join(" ");
        assert_eq!(filters("spamhaus-zen"), "127.0.0.[2..11;30]");
        assert_eq!(filters("spamcop"), "127.0.0.2");
        assert_eq!(filters("surbl"), ANY_LISTING);
        let zone = DomainName::parse("bl.example").unwrap();
        assert_eq!(List::custom("mine", zone, &[Family::Ipv4], Weight::Block).postfix_filters(), [ANY_LISTING]);
    }
}
