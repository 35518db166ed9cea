//! The demo's worlds say what its stories tell, and every case of tests/scenarios can be read and served.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[expect(dead_code, reason = "the questions of the demo need only a part")]
mod world;

use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType::{A, AAAA, PTR, TXT};
use mail_cutover::catalogue::{Catalogue, Family};
use mail_cutover::demo::{SCENARIOS, World, blocklists, scenario};
use world::ask::{Ask, say};
use world::{beside, case};

const V6: &str = "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.2.0.0.8.b.d.0.1.0.0.2";
const V6_POINT: &str = "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";

async fn start(name: &str) -> World {
    let scenario = scenario(name).unwrap();
    World::start(&scenario.zones, &scenario.faults).await.unwrap()
}

/// Lost if it fails: the demo would show another story than its documentation tells.
#[tokio::test]
async fn the_default_story() {
    let world = start("default").await;
    let at = world.address();
    beside(move || {
        assert_eq!(say(at, "26.113.0.203.zen.spamhaus.org", A), "NOERROR | A 127.0.0.2 | A 127.0.0.10");
        assert!(say(at, "26.113.0.203.zen.spamhaus.org", TXT).contains("check.spamhaus.org"));
        assert_eq!(say(at, "25.113.0.203.zen.spamhaus.org", A), "NXDOMAIN +SOA");
        assert_eq!(say(at, "25.113.0.203.in-addr.arpa", PTR), "NOERROR | PTR mail.example.co.jp.");
        assert_eq!(say(at, "25.2.0.192.in-addr.arpa", PTR), "NOERROR | PTR mx1.example.co.jp.");
        assert_eq!(say(at, "27.113.0.203.in-addr.arpa", PTR), "NXDOMAIN +SOA");
        assert_eq!(say(at, &format!("{V6}.ip6.arpa"), PTR), "NOERROR | PTR host-2001-db8-25--25.cloud.example.");
        assert_eq!(say(at, "host-2001-db8-25--25.cloud.example", AAAA), "NOERROR | AAAA 2001:db8:25::25");
        assert_eq!(say(at, "25.113.0.203.multi.uribl.com", A), "NOERROR | A 127.0.0.1");
        assert_eq!(say(at, "2.0.0.127.all.s5h.net", A), "NXDOMAIN +SOA");
        assert!(say(at, "25.113.0.203.origin.asn.cymru.com", TXT).contains("64500 | 203.0.113.0/24"));
        assert!(say(at, &format!("{V6}.origin6.asn.cymru.com"), TXT).contains("64500 | 2001:db8:25::/48"));
        assert!(say(at, "AS64500.asn.cymru.com", TXT).contains("SAMPLE-CLOUD"));
        assert_eq!(say(at, "qx7f3k.example.com", A), "NXDOMAIN +SOA");
        assert_eq!(say(at, "qx7f3k", A), "NXDOMAIN +SOA");
    })
    .await;
}

/// Lost if it fails: a list would look dead, and `clean` would not be GO.
#[tokio::test]
async fn every_list_proves_its_health_in_the_clean_story() {
    let world = start("clean").await;
    let at = world.address();
    let lists = blocklists().unwrap().list;
    assert_eq!(lists.len(), 18);
    beside(move || {
        for list in lists {
            let answered = |point: &str, zone: &str| say(at, &format!("{point}.{zone}"), A);
            if list.ipv4.is_some() {
                assert!(answered("2.0.0.127", &list.zone).starts_with("NOERROR | A 127.0."), "{}", list.id);
                assert_eq!(answered("1.0.0.127", &list.zone), "NXDOMAIN +SOA", "{}", list.id);
                assert_eq!(answered("26.113.0.203", &list.zone), "NXDOMAIN +SOA", "{}", list.id);
            }
            if list.ipv6.is_some() {
                let zone = list.zone_ipv6.as_ref().unwrap_or(&list.zone);
                assert!(answered(V6_POINT, zone).starts_with("NOERROR | A 127.0.0."), "{}", list.id);
                assert_eq!(answered(V6, zone), "NXDOMAIN +SOA", "{}", list.id);
            }
            if let Some(domain) = &list.domain {
                assert!(answered(&domain.point, &list.zone).starts_with("NOERROR | A 127.0."), "{}", list.id);
                assert_eq!(answered("example.co.jp", &list.zone), "NXDOMAIN +SOA", "{}", list.id);
            }
        }
        assert_eq!(say(at, "27.113.0.203.in-addr.arpa", PTR), "NOERROR | PTR out3.example.co.jp.");
    })
    .await;
}

/// Lost if it fails: the silent story would not be about silence.
#[tokio::test]
async fn no_list_answers_in_the_silent_story() {
    let world = start("silent").await;
    let at = world.address();
    beside(move || {
        let ask = Ask { patience: Duration::from_millis(100), ..Ask::new("2.0.0.127.zen.spamhaus.org", A) };
        assert!(ask.udp(at).is_err());
        assert_eq!(say(at, "25.113.0.203.in-addr.arpa", PTR), "NOERROR | PTR mail.example.co.jp.");
    })
    .await;
}

/// Lost if it fails: every run of the demo and every scenario would wait for its world.
#[tokio::test]
async fn worlds_start_at_once() {
    for name in SCENARIOS {
        let start = Instant::now();
        let world = self::start(name).await;
        let took = start.elapsed();
        drop(world);
        assert!(took < Duration::from_millis(500), "{name} took {took:?}");
    }
}

/// Lost if it fails: a case with a mistake in it would be skipped or test another world.
#[tokio::test]
async fn every_case_can_be_served() {
    let cases = case::all().unwrap_or_else(|problems| panic!("{problems}"));
    for case in cases {
        let (world, _sites, plan) = case.start().await;
        assert!(plan.contains(&world.address().to_string()), "{}", case.path.display());
    }
}

/// Lost if it fails: the miniature internet would serve other lists than the catalogue asks, and every run of the demo would be
/// HOLD, or show a health that no real list has.
#[test]
fn the_served_lists_are_those_of_the_catalogue() {
    let catalogue = Catalogue::embedded();
    let served = blocklists().unwrap().list;
    for served in &served {
        let list = catalogue.list(&served.id).unwrap_or_else(|| panic!("the catalogue has no list {}", served.id));
        let zones = [(Family::Ipv4, &served.ipv4), (Family::Ipv6, &served.ipv6), (Family::Domain, &served.domain)];
        for (family, point) in zones {
            let Some(point) = point else { continue };
            let zone =
                if family == Family::Ipv6 { served.zone_ipv6.as_ref().unwrap_or(&served.zone) } else { &served.zone };
            assert_eq!(list.zone_for(family), zone, "{}", served.id);
            assert_eq!(
                list.test_listed(family).map(|target| target.to_string()),
                Some(point.point.clone()),
                "{}",
                served.id
            );
            assert!(list.test_passes(family, &point.answers), "{}: {:?}", served.id, point.answers);
        }
    }
    for list in catalogue.in_set("recommended").filter(|list| list.is_queryable() && !list.needs_key) {
        assert!(served.iter().any(|served| served.id == list.id), "{} is recommended and not served", list.id);
    }
}
