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
        ja: "リストのエラーコード（登録ではない）".to_owned(),
    }
}

fn undocumented() -> Value {
    Value::Both { en: "undocumented code".to_owned(), ja: "公開資料にないコード".to_owned() }
}
