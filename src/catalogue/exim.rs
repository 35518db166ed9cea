//! How a `dnslists` item of Exim names the answers of a list that are listings, so that an error code is none.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::codes::Key;
use super::lists::List;

/// So many addresses are written out one by one.
const MOST: u32 = 64;
/// The answers of any list that are none (RFC 5782 has no such thing; these are Spamhaus's and others').
const REFUSALS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(127, 255, 255, 252), Ipv4Addr::new(127, 255, 255, 254), Ipv4Addr::new(127, 255, 255, 255)];

impl List {
    /// The codes of this list as Exim tests them, with the sign that belongs before them: `=127.0.0.2,127.0.0.3`, or `!=` and the
    /// codes that are no listing where those that are one cannot be written out.
    pub fn exim_test(&self) -> String {
        let codes: Vec<Key> = self.codes().iter().map(super::Code::key).collect();
        if let Some(listings) = ranges(&codes).or_else(|| sums(&codes)).filter(|listings| !listings.is_empty()) {
            return format!("={}", joined(&listings));
        }
        let others = self.error_codes().iter().chain(self.not_listing_codes());
        let mut others: BTreeSet<Ipv4Addr> = others.filter_map(|code| ranges(&[code.key()])).flatten().collect();
        others.extend(REFUSALS);
        format!("!={}", joined(&others))
    }
}

/// Every address of these keys; nothing if one of them is no small range.
fn ranges(keys: &[Key]) -> Option<BTreeSet<Ipv4Addr>> {
    let mut all = BTreeSet::new();
    for key in keys {
        let Key::Range(first, last) = key else { return None };
        if last.to_bits() - first.to_bits() >= MOST {
            return None;
        }
        all.extend((first.to_bits()..=last.to_bits()).map(Ipv4Addr::from_bits));
    }
    Some(all)
}

/// Every address that bits add up to. Exim's own test of bits would find them in 127.255.255.254, too.
fn sums(keys: &[Key]) -> Option<BTreeSet<Ipv4Addr>> {
    let mut all = BTreeSet::from([0_u8]);
    for key in keys {
        let Key::Bit(bit) = key else { return None };
        all.extend(all.clone().into_iter().map(|sum| sum | bit));
    }
    all.remove(&0);
    Some(all.into_iter().map(|sum| Ipv4Addr::new(127, 0, 0, sum)).collect())
}

fn joined(addresses: &BTreeSet<Ipv4Addr>) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<String>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;

    /// Lost if it fails: a rule from the report would let listings through, or take an error code for one.
    #[test]
    fn items_name_listings_only() {
        let test = |id: &str| Catalogue::embedded().list(id).unwrap().exim_test();
        assert_eq!(test("spamcop"), "=127.0.0.2");
        let zen = test("spamhaus-zen");
        assert!(zen.starts_with("=127.0.0.2,127.0.0.3,"), "{zen}");
        assert!(!zen.contains("127.255."), "{zen}");
        let uribl = test("uribl");
        assert!(uribl.starts_with("=127.0.0.2,127.0.0.4,127.0.0.6,"), "{uribl}");
        // Whatever the list, none of the codes that it documents as a refusal would count.
        for list in &Catalogue::embedded().lists {
            let test = list.exim_test();
            let refuses = list.error_codes().iter().any(|code| {
                let key = code.key().to_string();
                test.strip_prefix('=').is_some_and(|listings| listings.split(',').any(|listing| listing == key))
            });
            assert!(!refuses, "{}: {test}", list.id);
        }
    }
}
