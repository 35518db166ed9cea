//! Blocklists that a text names: by zone, by the operator's page, or in a place where a zone stands.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::Regex;

use crate::catalogue::{Catalogue, Family, List};
use crate::model::{DomainName, REDACTED};

/// A blocklist as a text names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// One of the catalogue.
    Known(&'static List),
    /// A zone that the catalogue does not know; as written, in lower case.
    Zone(String),
}

impl Named {
    /// The id in the catalogue, or the zone.
    pub fn id(&self) -> &str {
        match self {
            Self::Known(list) => &list.id,
            Self::Zone(zone) => zone,
        }
    }
}

struct Names {
    finder: AhoCorasick,
    lists: Vec<&'static List>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut patterns: Vec<String> = Vec::new();
    let mut lists = Vec::new();
    let mut add = |name: &str, list: &'static List| {
        let name = name.to_ascii_lowercase();
        if name.contains('.') && !patterns.contains(&name) {
            patterns.push(name);
            lists.push(list);
        }
    };
    let lists_of_all = || Catalogue::embedded().lists.iter();
    for list in lists_of_all() {
        for family in Family::ALL {
            add(list.zone_for(family).trim_start_matches("{key}."), list);
        }
        if let Some(zone) = list.key_zone() {
            add(zone.trim_start_matches("{key}."), list);
        }
        for alias in &list.aliases {
            add(alias.trim_start_matches("{key}."), list);
        }
    }
    // A page of the operator leads to a list too, to the first of the file: its best known one. Only as a page: mail servers of the
    // same operator are no lists.
    for list in lists_of_all() {
        let pages = [&list.lookup_url, &list.delist_url].into_iter().flatten().map(|page| host_of(page).to_owned());
        let zone = DomainName::parse(list.zone_for(Family::Ipv4)).ok().and_then(|zone| zone.registrable());
        for host in pages.chain(zone.map(|zone| zone.as_str().to_owned())) {
            add(&format!("//{host}"), list);
            add(&format!("www.{host}"), list);
        }
    }
    let finder = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(&patterns)
        .expect("a few hundred names fit into an automaton");
    Names { finder, lists }
});

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or(rest);
    host.strip_prefix("www.").unwrap_or(host)
}

/// What stands where Postfix, Exim and Sendmail write the zone.
static ZONE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?-u)(?:blocked (?:using|by)|listed (?:at|in|by|on)|found in|in a black list at|black list at|rbl:?) \[?([a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+)",
    )
    .expect("a test builds it")
});

/// The list that `text` (as [`super::normal::normal`] makes it) names by a zone or page of the catalogue.
pub(super) fn known_in(text: &str) -> Option<Named> {
    let names = &*NAMES;
    names.finder.find_iter(text).find(|found| stands_alone(text, found.start(), found.end())).map(|found| {
        let list = names.lists[found.pattern().as_usize()];
        Named::Known(list)
    })
}

/// The list that `text` names, also one that the catalogue does not know.
pub(super) fn named_in(text: &str) -> Option<Named> {
    known_in(text)
        .or_else(|| {
            let zone = ZONE.captures(text.as_bytes())?.get(1)?;
            let zone = std::str::from_utf8(zone.as_bytes()).ok()?;
            (!zone.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')).then(|| Named::Zone(zone.to_owned()))
        })
        .or_else(|| called_in(text))
}

/// First words of ids that stand in texts which mean no list, or any list.
const COMMON: [&str; 10] =
    ["abuse", "blocklist", "burnt", "dnsbl", "five", "hetzner", "interserver", "kundenserver", "truncate", "validity"];

/// The list that `text` calls by the first word of its id, as in "listed on UCEPROTECTL2"; only where a list is known to be the reason.
fn called_in(text: &str) -> Option<Named> {
    // The domain of an address is no list.
    let pieces = text.split(' ').filter(|word| !word.contains('@'));
    let mut words =
        pieces.flat_map(|word| word.split(|c: char| !c.is_ascii_alphanumeric())).filter(|word| word.len() >= 4);
    let called = |word: &str| {
        Catalogue::embedded().lists.iter().find(|list| {
            let name = list.id.split('-').next().unwrap_or_default();
            name.len() >= 4 && !COMMON.contains(&name) && word.strip_prefix(name).is_some_and(|rest| rest.len() <= 2)
        })
    };
    words.find_map(called).map(Named::Known)
}

/// `text` with the key in every name below a zone for keys (`KEY.zen.dq.spamhaus.net`) made unreadable.
pub(super) fn without_keys(text: &str) -> String {
    let mut text = text.to_owned();
    for suffix in KEY_ZONES.iter() {
        let mut from = 0;
        // Lower case keeps the places of ASCII letters, and a zone has no others.
        while let Some(found) = text[from..].to_ascii_lowercase().find(suffix.as_str()) {
            let at = from + found;
            let begins = text[..at]
                .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
                .map_or(0, |b| b + text[b..].chars().next().map_or(1, char::len_utf8));
            if begins < at {
                text.replace_range(begins..at, REDACTED);
            }
            from = (begins + REDACTED.len() + suffix.len()).min(text.len());
            while !text.is_char_boundary(from) {
                from += 1;
            }
        }
    }
    text
}

/// The ends of names in which a key stands: ".zen.dq.spamhaus.net".
static KEY_ZONES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let zones = Catalogue::embedded().lists.iter().filter_map(List::key_zone);
    zones.filter_map(|zone| zone.strip_prefix("{key}")).map(str::to_ascii_lowercase).collect()
});

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let joins = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let before = start.checked_sub(1).and_then(|at| bytes.get(at)).copied();
    let after = bytes.get(end).copied();
    let goes_on = after == Some(b'.') && bytes.get(end + 1).is_some_and(|next| next.is_ascii_alphanumeric());
    before.is_none_or(|byte| !joins(byte) && byte != b'@') && after.is_none_or(|byte| !joins(byte)) && !goes_on
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Option<String> {
        named_in(text).map(|named| named.id().to_owned())
    }

    /// Lost if it fails: a key that a receiver pays for is printed into a ticket.
    #[test]
    fn keys_are_not_repeated() {
        let shown =
            without_keys("é blocked using AbC123.zen.dq.spamhaus.net; ABC123.ZEN.DQ.spamhaus.net zen.dq.spamhaus.net");
        assert!(!shown.to_lowercase().contains("abc123"), "{shown}");
        assert!(shown.ends_with("zen.dq.spamhaus.net"), "{shown}");
    }

    /// Lost if it fails: the removal page of another list is named, or a mail server's own name is taken for a list.
    #[test]
    fn a_list_is_found_by_zone_and_page() {
        for (text, list) in [
            ("client host [192.0.2.1] blocked using zen.spamhaus.org; see", Some("spamhaus-zen")),
            ("blocked using key123.zen.dq.spamhaus.net", Some("spamhaus-zen")),
            ("see https://www.spamhaus.org/query/ip/192.0.2.1", Some("spamhaus-zen")),
            ("listed at bl.spamcop.net", Some("spamcop")),
            ("https://www.barracudacentral.org/reputation?ip=192.0.2.1", Some("barracuda")),
            ("blocked using rbl.example.net; x", Some("rbl.example.net")),
            ("blocked using 192.0.2.1", None),
            ("user x@spamcop.net unknown", None),
            ("sender ip 192.0.2.1 listed on uceprotectl2", Some("uceprotect-1")),
            ("rejected: sorbs", Some("sorbs")),
            ("your ip address 192.0.2.1 was found in a dnsbl", None),
            ("static.192-0-2-1.clients.hetzner.example is on our blocklist for abuse", None),
        ] {
            assert_eq!(id(text).as_deref(), list, "{text}");
        }
    }
}
