//! Zones of DNS lists: as they are asked, and as they may be shown.

use super::lines::is_space;
use crate::catalogue::Catalogue;
use crate::model::{LONGEST, visible};

/// So long and longer, a label of letters and digits is taken for a key, whoever the list belongs to.
const LIKELY_KEY: usize = 16;

/// `zone` in lower case without the dot at its end.
pub(super) fn plain(zone: &str) -> String {
    zone.strip_suffix('.').unwrap_or(zone).to_ascii_lowercase()
}

/// `zone` as it is written, but `[key]` in place of a key; visible.
pub(super) fn shown(zone: &str) -> String {
    let labels: Vec<&str> = zone.split('.').collect();
    // The catalogue knows a zone with a key in it by what stands behind the key.
    let own = |plain: &str| plain.eq_ignore_ascii_case(zone.strip_suffix('.').unwrap_or(zone));
    let keyed = Catalogue::embedded().list(zone).is_some_and(|list| {
        let zones = [crate::catalogue::Family::Ipv4, crate::catalogue::Family::Ipv6, crate::catalogue::Family::Domain];
        !own(&list.id)
            && !zones.iter().any(|family| own(list.zone_for(*family)))
            && !list.aliases.iter().any(|alias| own(alias))
    });
    let hidden = labels.iter().enumerate().map(|(place, label)| {
        let likely = label.len() >= LIKELY_KEY
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && label.bytes().any(|byte| byte.is_ascii_digit());
        if likely || (keyed && place == 0) { "[key]" } else { label }
    });
    visible(&hidden.collect::<Vec<_>>().join("."))
}

/// `text` cut into a zone and what stands behind it: `=filter`, `*weight`.
pub(super) fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(['=', '*']).unwrap_or(text.len()))
}

/// `text` with the key in its zone hidden.
pub(super) fn shown_argument(text: &str) -> String {
    let (zone, rest) = split(text);
    format!("{}{}", shown(zone), visible(rest))
}

/// Any piece of a configuration as it may be shown: no key in it, visible, bounded.
pub(super) fn shown_words(text: &str) -> String {
    // What is cut off here would be cut off at the end, too.
    let beginning: String = text.chars().take(LONGEST + 1).collect();
    let words = beginning.split_inclusive(|c: char| c == ',' || is_space(c)).map(|word| {
        let end = word.find(|c: char| c == ',' || is_space(c)).unwrap_or(word.len());
        format!("{}{}", shown_argument(&word[..end]), &word[end..])
    });
    visible(&words.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a customer's key would be shown in a report, or a zone not be recognised.
    #[test]
    fn keys_are_hidden() {
        for (zone, expected) in [
            ("zen.spamhaus.org", "zen.spamhaus.org"),
            ("abcdefgh.zen.dq.spamhaus.net", "[key].zen.dq.spamhaus.net"),
            ("abcdefghijklmnop7.lists.example", "[key].lists.example"),
            ("dnsbl-1.uceprotect.net", "dnsbl-1.uceprotect.net"),
            ("spamhaus-zen", "spamhaus-zen"),
        ] {
            assert_eq!(shown(zone), expected);
        }
        assert_eq!(
            shown_argument("abcd.zen.dq.spamhaus.net=127.0.0.[2..11]*3"),
            "[key].zen.dq.spamhaus.net=127.0.0.[2..11]*3"
        );
        assert_eq!(
            shown_words("reject_rbl_client\tabcd.zen.dq.spamhaus.net,hash:/etc/postfix/a.b x"),
            "reject_rbl_client\\u{9}[key].zen.dq.spamhaus.net,hash:/etc/postfix/a.b x"
        );
        assert_eq!(plain("ZEN.Spamhaus.org."), "zen.spamhaus.org");
    }
}
