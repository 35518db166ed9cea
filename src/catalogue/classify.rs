//! What an answer with A records means: listed, refused, broken, or not known.

use std::net::Ipv4Addr;

use super::lists::{Family, Holds, List, Unexplained, Weight};
use crate::model::Value;

/// What a list's A records say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Listed, for these reasons; heaviest first, never empty.
    Listed(Vec<Hit>),
    /// A code that is documented as no listing, with its meaning.
    NotListing(Value),
    /// The list refused the question: nothing is known about the subject.
    Refused {
        /// The address that says so.
        code: Ipv4Addr,
        /// What it means.
        meaning: Value,
    },
    /// This is no blocklist's answer: a parked domain, a rewriting resolver. Nothing is known about the subject.
    Broken {
        /// The address that no list answers.
        address: Ipv4Addr,
    },
    /// Codes that the list does not document, or an answer about a family it does not hold. Nothing is known.
    UnknownCode(Vec<Ipv4Addr>),
}

/// One reason for a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The address answered.
    pub code: Ipv4Addr,
    /// What it means.
    pub meaning: Value,
    /// How much it weighs.
    pub weight: Weight,
    /// It states a policy, not that spam was seen.
    pub policy: bool,
}

/// What `addresses`, answered by `list` about a subject of `family`, mean. In this order: an address outside 127.0.0.0/8
/// breaks the whole answer; an error code (127.255.255.0/24 on every list) refuses the whole answer; addresses documented
/// as no listing are set aside; every other one is looked up in the codes; 127.0.0.1 where no code names it breaks the
/// answer; the rest is what the list says of undocumented codes. Beside a documented listing an undocumented code counts
/// as one too, so that it cannot hide behind a lighter one.
///
/// No addresses at all (NODATA, NXDOMAIN) are not for this function; it then says `UnknownCode` with none.
pub fn classify(list: &List, family: Family, addresses: &[Ipv4Addr]) -> Answer {
    if let Some(&address) = addresses.iter().find(|address| !address.is_loopback()) {
        return Answer::Broken { address };
    }
    if let Some((code, meaning)) = addresses.iter().find_map(|&address| Some((address, refusal(list, address)?))) {
        return Answer::Refused { code, meaning };
    }
    if list.holds(family) == Holds::No {
        return Answer::UnknownCode(addresses.to_vec());
    }
    let mut hits = Vec::new();
    let mut rest = Vec::new();
    let mut harmless = None;
    for &address in addresses {
        if let Some(code) = list.not_listing.find(address) {
            harmless = harmless.or(Some(&code.meaning));
            continue;
        }
        let before = hits.len();
        hits.extend(list.codes.explain(address).map(|code| Hit {
            code: address,
            meaning: code.meaning.clone(),
            weight: code.weight,
            policy: code.policy,
        }));
        if hits.len() == before {
            rest.push(address);
        }
    }
    if hits.is_empty() && rest.contains(&Ipv4Addr::LOCALHOST) {
        return Answer::Broken { address: Ipv4Addr::LOCALHOST };
    }
    rest.retain(|address| *address != Ipv4Addr::LOCALHOST);
    let weight = match list.unexplained {
        Unexplained::Unknown if hits.is_empty() && !rest.is_empty() => return Answer::UnknownCode(rest),
        Unexplained::Info => Weight::Info,
        Unexplained::Unknown | Unexplained::Listed => list.weight,
    };
    hits.extend(rest.into_iter().map(|code| Hit { code, meaning: undocumented(), weight, policy: false }));
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.weight));
    match (hits.is_empty(), harmless) {
        (false, _) => Answer::Listed(hits),
        (true, Some(meaning)) => Answer::NotListing(meaning.clone()),
        (true, None) => Answer::UnknownCode(Vec::new()),
    }
}

/// Why `address` is a refusal, if it is one.
fn refusal(list: &List, address: Ipv4Addr) -> Option<Value> {
    let global = || matches!(address.octets(), [127, 255, 255, _]).then(error_range);
    list.errors.find(address).map(|code| code.meaning.clone()).or_else(global)
}

fn error_range() -> Value {
    Value::Both {
        en: "an error code of the list, not a listing".to_owned(),
        ja: "リストのエラーコード (登録ではない)".to_owned(),
    }
}

fn undocumented() -> Value {
    Value::Both { en: "undocumented code".to_owned(), ja: "公開資料にないコード".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;
    use crate::model::DomainName;

    /// What `list` says, in a short form: `listed block,info`, `refused 127.0.0.1`, …
    fn said(list: &List, family: Family, addresses: &[&str]) -> String {
        let addresses: Vec<Ipv4Addr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        match classify(list, family, &addresses) {
            Answer::Listed(hits) => {
                let weights: Vec<String> = hits.iter().map(|hit| format!("{:?}", hit.weight).to_lowercase()).collect();
                format!("listed {}", weights.join(","))
            }
            Answer::NotListing(_) => "not a listing".to_owned(),
            Answer::Refused { code, .. } => format!("refused {code}"),
            Answer::Broken { address } => format!("broken {address}"),
            Answer::UnknownCode(codes) => format!("unknown {}", codes.len()),
        }
    }

    fn check(rows: &[(&str, Family, &[&str], &str)]) {
        for (id, family, addresses, expected) in rows {
            let list = Catalogue::embedded().list(id).unwrap();
            assert_eq!(said(list, *family, addresses), *expected, "{id} {family:?} {addresses:?}");
        }
    }

    /// Lost if it fails: a listed address would get a GO.
    #[test]
    fn listings_are_seen() {
        use Family::{Domain, Ipv4, Ipv6};
        check(&[
            ("spamhaus-zen", Ipv4, &["127.0.0.2"], "listed block"),
            ("spamhaus-zen", Ipv6, &["127.0.0.3"], "listed block"),
            ("spamhaus-zen", Ipv4, &["127.0.0.6"], "listed block"),
            // Not only the first record counts.
            ("spamhaus-zen", Ipv4, &["127.0.0.10", "127.0.0.4", "127.0.0.2"], "listed block,block,block"),
            ("spamhaus-dbl", Domain, &["127.0.1.2"], "listed block"),
            ("spamhaus-dbl", Domain, &["127.0.1.103"], "listed warn"),
            ("spamhaus-dbl", Domain, &["127.0.1.103", "127.0.1.6"], "listed block,warn"),
            ("uceprotect-3", Ipv4, &["127.0.0.2"], "listed info"),
            ("spamrats-all", Ipv4, &["127.0.0.43", "127.0.0.38"], "listed warn,info"),
            // Bits add up; equality would miss them.
            ("surbl", Domain, &["127.0.0.72"], "listed block,block"),
            ("surbl", Domain, &["127.0.0.132"], "listed warn,info"),
            ("uribl", Domain, &["127.0.0.14"], "listed block,warn,info"),
            // 127.0.0.1 is a real entry here.
            ("validity-rpbl", Ipv4, &["127.0.0.1"], "listed warn"),
            ("efnetrbl", Ipv4, &["127.0.0.1"], "listed info"),
            ("dnswl", Ipv4, &["127.0.5.3"], "listed info"),
            ("validity-score", Ipv4, &["127.0.4.87"], "listed info"),
            ("blocklist-de", Ipv4, &["127.0.0.21"], "listed warn"),
            ("suomispam", Ipv4, &["127.0.0.99"], "listed info"),
            ("iadb", Ipv4, &["127.3.100.8"], "listed info"),
            // An undocumented code does not hide behind a documented one.
            ("spamrats-all", Ipv4, &["127.0.0.43", "127.0.0.99"], "listed warn,info"),
            ("hostkarma", Ipv4, &["127.0.0.3", "127.0.0.2"], "listed info"),
        ]);
    }

    /// Lost if it fails: an answer that says nothing about the address would stop a cutover, or pass for clean.
    #[test]
    fn answers_that_are_no_listing() {
        use Family::{Domain, Ipv4, Ipv6};
        check(&[
            // Refusals, for the whole answer, whatever else it holds.
            ("spamhaus-zen", Ipv4, &["127.255.255.254"], "refused 127.255.255.254"),
            ("spamhaus-zen", Ipv6, &["127.0.0.2", "127.255.255.7"], "refused 127.255.255.7"),
            ("psbl", Ipv4, &["127.255.255.254"], "refused 127.255.255.254"),
            ("spamhaus-dbl", Domain, &["127.0.1.255"], "refused 127.0.1.255"),
            ("spamhaus-dbl", Ipv4, &["127.0.1.255"], "refused 127.0.1.255"),
            ("uribl", Domain, &["127.0.0.1"], "refused 127.0.0.1"),
            ("surbl", Domain, &["127.0.0.1"], "refused 127.0.0.1"),
            ("surbl", Domain, &["127.0.0.65"], "refused 127.0.0.65"),
            ("validity-rpbl", Ipv4, &["127.255.255.255"], "refused 127.255.255.255"),
            ("dnswl", Ipv4, &["127.0.0.255"], "refused 127.0.0.255"),
            ("dnswl", Ipv6, &["127.0.10.3"], "refused 127.0.10.3"),
            // Praise, neutrality, test points.
            ("hostkarma", Ipv4, &["127.0.0.1"], "not a listing"),
            ("mailspike-bl", Ipv4, &["127.0.0.20"], "not a listing"),
            ("spfbl", Ipv4, &["127.0.0.4"], "not a listing"),
            ("dronebl", Ipv6, &["127.0.0.1"], "not a listing"),
            // No blocklist's answer at all.
            ("spamhaus-zen", Ipv4, &["91.195.240.117"], "broken 91.195.240.117"),
            ("spamhaus-zen", Ipv4, &["127.0.0.2", "192.0.2.1"], "broken 192.0.2.1"),
            ("surbl", Domain, &["192.0.2.1", "127.0.0.1"], "broken 192.0.2.1"),
            ("spamcop", Ipv4, &["127.0.0.1"], "broken 127.0.0.1"),
            ("blocklist-de", Ipv4, &["127.0.0.1"], "broken 127.0.0.1"),
            ("psbl", Ipv4, &["127.0.0.1", "127.0.0.9"], "broken 127.0.0.1"),
            // Nobody knows.
            ("spamhaus-zen", Ipv4, &["127.0.0.99"], "unknown 1"),
            ("surbl", Domain, &["127.0.0.2"], "unknown 1"),
            ("surbl", Domain, &["127.0.1.64"], "unknown 1"),
            ("cymru-asn", Ipv4, &["127.0.0.2"], "unknown 1"),
            ("hostkarma", Ipv4, &["127.0.0.1", "127.0.0.77"], "unknown 1"),
            // The list holds nothing of the family.
            ("spamhaus-dbl", Ipv4, &["127.0.1.2"], "unknown 1"),
            ("psbl", Ipv6, &["127.0.0.2"], "unknown 1"),
            ("psbl", Ipv4, &[], "unknown 0"),
        ]);
    }

    /// Lost if it fails: a policy listing would be worded as spam, or the two kinds of key trouble would look alike.
    #[test]
    fn meanings_are_the_narrowest() {
        use crate::model::Lang;
        let zen = Catalogue::embedded().list("spamhaus-zen").unwrap();
        let ask = |last| classify(zen, Family::Ipv4, &[Ipv4Addr::from([127, 0, 0, last])]);
        for (last, policy) in [(2, false), (10, true), (11, true)] {
            assert!(matches!(&ask(last), Answer::Listed(hits) if hits[0].policy == policy), "{last}");
        }
        let refused = |last| match classify(zen, Family::Ipv4, &[Ipv4Addr::from([127, 255, 255, last])]) {
            Answer::Refused { meaning, .. } => meaning.in_lang(Lang::Ja).to_owned(),
            other => format!("{other:?}"),
        };
        assert!(refused(250).contains("DQS キーが無効"), "{}", refused(250));
        assert!(refused(254).contains("公開リゾルバー"), "{}", refused(254));
        assert!(refused(9).contains("エラーコード"), "{}", refused(9));
    }

    /// Lost if it fails: a list of the user's own would read its refusals and breakage as listings, or miss its entries.
    #[test]
    fn custom_lists_follow_rfc_5782() {
        let zone = DomainName::parse("bl.example").unwrap();
        let list = List::custom("mine", zone, &Family::ALL, Weight::Block);
        for (address, expected) in [
            ("127.0.0.2", "listed block"),
            ("127.0.0.0", "listed block"),
            ("127.9.8.7", "listed block"),
            ("127.255.254.255", "listed block"),
            ("127.0.0.1", "broken 127.0.0.1"),
            ("127.255.255.1", "refused 127.255.255.1"),
            ("10.0.0.2", "broken 10.0.0.2"),
        ] {
            for family in Family::ALL {
                assert_eq!(said(&list, family, &[address]), expected, "{address}");
            }
        }
    }
}
