//! The embedded catalogue as a whole: every entry complete, every documented answer understood.

use std::net::Ipv4Addr;

use super::*;
use crate::model::{Lang, Value};

fn catalogue() -> &'static Catalogue {
    Catalogue::embedded()
}

fn ids<'a>(lists: impl Iterator<Item = &'a List>) -> Vec<&'a str> {
    lists.map(|list| list.id.as_str()).collect()
}

/// Lost if it fails: the binary would panic at its first look into the catalogue, or lists would have got lost.
#[test]
fn the_embedded_catalogue_loads() {
    assert_eq!(catalogue().revised, "2026-11-24");
    // Entries are added in the files and nowhere else: what is held here is that none got lost.
    assert!(catalogue().lists.len() >= 100, "{} lists", catalogue().lists.len());
    assert!(catalogue().providers.len() >= 22, "{} providers", catalogue().providers.len());
}

/// Lost if it fails: a healthy list would be called broken, or a broken one healthy.
#[test]
fn every_test_point_proves_its_list() {
    for list in catalogue().lists.iter().filter(|list| list.is_queryable()) {
        for family in Family::ALL {
            for answer in list.test_answers(family) {
                assert!(list.test_passes(family, &[*answer]), "{} {answer}", list.id);
                let expected = match (list.id.as_str(), classify(list, family, &[*answer])) {
                    ("dronebl", Answer::NotListing(_)) | ("dnswl", Answer::Refused { .. }) => true,
                    (_, answer) => matches!(answer, Answer::Listed(_)),
                };
                assert!(expected, "{} {answer}", list.id);
            }
            if list.holds(family) == Holds::Yes {
                for address in ["127.255.255.254", "192.0.2.1"] {
                    let address: Ipv4Addr = address.parse().unwrap();
                    assert!(!list.test_passes(family, &[address]), "{} {address}", list.id);
                }
            }
            for target in [list.test_listed(family), list.test_unlisted(family)].into_iter().flatten() {
                assert!(list.query_name(&target, Some("key")).is_ok(), "{} {target}", list.id);
            }
        }
    }
    let dnswl = catalogue().list("dnswl").unwrap();
    assert!(!dnswl.test_passes(Family::Ipv4, &[Ipv4Addr::new(127, 0, 10, 3)]), "high trust for everybody");
}

/// Lost if it fails: a documented code would be explained as something else, or not at all.
#[test]
fn every_documented_code_is_understood() {
    for list in &catalogue().lists {
        let family = list.families.first().copied();
        let Some(family) = family.filter(|_| list.is_queryable()) else { continue };
        let one = |code: &Code| match code.key() {
            Key::Range(first, _) => Some(first),
            Key::Octets(octets) => Some(Ipv4Addr::from(octets.map(|octet| octet.unwrap_or(9)))),
            Key::Bit(bit) => Some(Ipv4Addr::new(127, 0, 0, bit)),
            Key::Txt => None,
        };
        for address in list.codes().iter().filter_map(one) {
            assert!(matches!(classify(list, family, &[address]), Answer::Listed(_)), "{} {address}", list.id);
        }
        for address in list.not_listing_codes().iter().filter_map(one) {
            assert!(matches!(classify(list, family, &[address]), Answer::NotListing(_)), "{} {address}", list.id);
        }
        for address in list.error_codes().iter().filter_map(one) {
            assert!(matches!(classify(list, family, &[address]), Answer::Refused { .. }), "{} {address}", list.id);
        }
    }
}

/// Lost if it fails: a dead list would be asked, or named without saying since when and why.
#[test]
fn dead_lists_say_when_and_why() {
    let mut dead = 0;
    for list in &catalogue().lists {
        if let ListStatus::Dead { since, reason, .. } = &list.status {
            dead += 1;
            assert!(matches!(reason, Value::Both { .. }), "{}", list.id);
            assert!(since.in_lang(Lang::En).starts_with("20"), "{}", list.id);
            assert!(!list.is_queryable() && !list.required && list.sets.is_empty(), "{}", list.id);
        }
    }
    assert_eq!(dead, 37);
    let cbl = catalogue().list("cbl.abuseat.org").unwrap();
    assert!(matches!(&cbl.status, ListStatus::Dead { replaced_by: Some(id), .. } if id == "spamhaus-zen"));
}

/// Lost if it fails: `use = ["recommended"]` would mean other lists than documented, or a GO would need other ones.
#[test]
fn sets_hold_what_they_promise() {
    let catalogue = catalogue();
    let sets = ["domain", "extended", "ipv6", "jp", "key", "recommended", "registration", "web"];
    assert_eq!(catalogue.sets().into_iter().collect::<Vec<_>>(), sets);
    let recommended = "spamhaus-zen spamhaus-dbl barracuda spamcop psbl mailspike-bl spamrats-all uceprotect-1 \
        uceprotect-2 uceprotect-3 dronebl blocklist-de sem-black s5h nordspam surbl uribl dnswl";
    assert_eq!(ids(catalogue.in_set("recommended")), recommended.split_whitespace().collect::<Vec<_>>());
    let required = ["spamhaus-zen", "spamhaus-dbl", "barracuda", "spamcop"];
    assert_eq!(ids(catalogue.lists.iter().filter(|list| list.required)), required);
    assert!(catalogue.in_set("ipv6").all(|list| list.holds(Family::Ipv6) == Holds::Yes));
    assert!(catalogue.in_set("domain").all(|list| list.holds(Family::Domain) == Holds::Yes));
    assert!(catalogue.in_set("key").all(|list| list.needs_key && list.key.is_some()));
    assert!(catalogue.in_set("web").all(|list| list.access == Access::Web && list.lookup_url.is_some()));
    // Nothing that is asked without being named can do without a proof of health.
    for list in catalogue.in_set("recommended").chain(catalogue.in_set("extended")) {
        let first = list.families[0];
        assert!(list.test_listed(first).is_some() && list.test_unlisted(first).is_some(), "{}", list.id);
    }
}

/// Lost if it fails: a Japanese report would fall back to English where people read most.
#[test]
fn the_recommended_set_speaks_japanese() {
    for list in catalogue().in_set("recommended") {
        let codes = list.codes().iter().chain(list.not_listing_codes()).chain(list.error_codes());
        let values = codes.map(|code| &code.meaning).chain(&list.note).chain(&list.expires);
        for value in values {
            assert!(matches!(value, Value::Both { .. }), "{} {value:?}", list.id);
        }
    }
}

/// Lost if it fails: an entry could not be checked against its sources, or would be cut in the report.
#[test]
fn every_entry_names_public_sources() {
    for list in &catalogue().lists {
        assert!(!list.source.is_empty(), "{}", list.id);
        let urls = list.source.iter().chain(&list.lookup_url).chain(&list.delist_url);
        assert!(urls.into_iter().all(|url| url.starts_with("http") && !url.contains(' ')), "{}", list.id);
        for text in list.note.iter().chain(&list.expires) {
            let longest = text.in_lang(Lang::En).chars().count().max(text.in_lang(Lang::Ja).chars().count());
            assert!(longest <= crate::model::LONGEST, "{}", list.id);
        }
    }
}

/// Lost if it fails: a name from a plan or a mail server's configuration would not be recognised, or the wrong one would.
#[test]
fn lists_are_found_by_any_of_their_names() {
    for (name, id) in [
        ("spamhaus-zen", "spamhaus-zen"),
        ("ZEN.Spamhaus.org.", "spamhaus-zen"),
        ("pbl.spamhaus.org", "spamhaus-zen"),
        ("0123abc.zen.dq.spamhaus.net", "spamhaus-zen"),
        ("0123abc.black.mail.abusix.zone", "abusix-combined"),
        ("bl.ipv6.spameatingmonkey.net", "sem-black"),
        ("bb.barracudacentral.org", "barracuda"),
        ("spam.dnsbl.sorbs.net", "sorbs"),
    ] {
        assert_eq!(catalogue().list(name).map(|list| list.id.as_str()), Some(id), "{name}");
    }
    for name in ["", ".", "a.b.zen.dq.spamhaus.net", ".zen.dq.spamhaus.net", "spamhaus.org", "bl.example"] {
        assert!(catalogue().list(name).is_none(), "{name}");
    }
    for (name, near) in [
        ("spamhaus-zne", Some("spamhaus-zen")),
        ("zen.spamhaus.or", Some("zen.spamhaus.org")),
        ("recomended", Some("recommended")),
        ("qqqqqq", None),
    ] {
        assert_eq!(catalogue().suggest(name), near, "{name}");
    }
}

/// Lost if it fails: "is port 25 open there" would be answered for another provider, or with a guess.
#[test]
fn providers_are_found_by_network() {
    for (asn, id) in [(16509, "aws"), (8075, "azure"), (24940, "hetzner"), (9370, "sakura"), (16276, "ovh")] {
        assert_eq!(catalogue().by_asn(asn).map(|provider| provider.id.as_str()), Some(id), "{asn}");
    }
    assert!(catalogue().by_asn(64496).is_none());
    assert!(!catalogue().provider("azure").unwrap().ptr.ipv6);
    for provider in &catalogue().providers {
        let says_unknown = provider.port25.text.in_lang(Lang::En).starts_with("not known: ask");
        assert_eq!(provider.port25.policy == PortPolicy::Unknown, says_unknown, "{}", provider.id);
        for text in [Some(&provider.port25.text), provider.port25.lifted.as_ref(), Some(&provider.ptr.how)] {
            assert!(text.is_none_or(|text| matches!(text, Value::Both { .. })), "{}", provider.id);
        }
    }
}
