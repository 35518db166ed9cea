//! Walks through small internets on 127.0.0.x: delegations as they should be, and as they are.

use std::sync::Arc;

use futures::future::join_all;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use super::lab::{
    self, Behaviour, a, aaaa, answer, ask, cname, internet, name, ns, one, rcode, soa, walker, walker_with, words,
    zones,
};
use super::{Answer, NameServer};

/// The root: `test.` is delegated to 127.0.0.2.
fn root() -> Arc<Behaviour> {
    zones(&[(".", vec![ns("test.", "ns.test."), a("ns.test.", [127, 0, 0, 2])])])
}

/// Lost if it fails: no list could be asked directly, and TTLs would be read from caches.
#[tokio::test]
async fn down_to_the_zone_and_only_once() {
    let top = zones(&[("test.", vec![ns("bl.test.", "ns.bl.test."), a("ns.bl.test.", [127, 0, 0, 3])])]);
    let list = zones(&[("bl.test.", vec![a("2.0.0.127.bl.test.", [127, 0, 0, 2]), soa("bl.test.", 60, 60)])]);
    let servers = internet(vec![root(), top, list]).await;
    let dns = walker(&servers);
    let reply = ask(&dns, "2.0.0.127.bl.test", RecordType::A).await;
    assert_eq!(words(&dns, &reply), ["udp referral", "udp referral", "udp data"]);
    assert_eq!((reply.ipv4(), reply.aa, reply.server), (vec![[127, 0, 0, 2].into()], true, Some(servers[2].address)));
    let absent = ask(&dns, "1.0.0.127.bl.test", RecordType::A).await;
    assert_eq!((&absent.answer, absent.negative_ttl, absent.tries), (&Answer::NxDomain, Some(900), 1));
    assert_eq!(dns.observations()[0].route, "authority");
    for (query, _) in servers.iter().flat_map(|server| server.seen.lock().unwrap().clone()) {
        assert!(!query.metadata.recursion_desired && query.queries[0].name.to_ascii().ends_with(".127.bl.test."));
    }
}

/// Lost if it fails: a crowd of questions to one list would hit the root servers once each.
#[tokio::test]
async fn a_crowd_walks_once() {
    let top = zones(&[(
        "test.",
        vec![ns("bl.test.", "ns.bl.test."), a("ns.bl.test.", [127, 0, 0, 3]), ns("other.test.", "ns.bl.test.")],
    )]);
    let list = zones(&[("bl.test.", vec![]), ("other.test.", vec![])]);
    let servers = internet(vec![root(), top, list]).await;
    let dns = walker(&servers);
    let names: Vec<String> = (0..100).map(|n| format!("{n}.0.0.127.bl.test")).collect();
    let replies = join_all(names.iter().map(|name| ask(&dns, name, RecordType::A))).await;
    assert!(replies.iter().all(|reply| reply.answer == Answer::NxDomain));
    assert_eq!(servers.iter().map(lab::Server::count).collect::<Vec<_>>(), [1, 1, 100]);
    // Also below a zone that has answered for itself in between.
    ask(&dns, "absent.test", RecordType::A).await;
    let names: Vec<String> = names.iter().map(|name| name.replace("bl", "other")).collect();
    join_all(names.iter().map(|name| ask(&dns, name, RecordType::A))).await;
    assert_eq!(servers.iter().map(lab::Server::count).collect::<Vec<_>>(), [1, 3, 200]);
}

/// Lost if it fails: the many zones whose servers stand under another name would be out of reach.
#[tokio::test]
async fn servers_without_glue_are_looked_up() {
    let top = zones(&[(
        "test.",
        vec![ns("bl.test.", "ns.host.test."), ns("host.test.", "ns.host.test."), a("ns.host.test.", [127, 0, 0, 3])],
    )]);
    // The glue of host.test must not be seen in the referral to bl.test.
    let bare = top;
    let top: Arc<Behaviour> = Arc::new(move |query: &Message, before| {
        let mut message = Message::from_vec(&bare(query, before)[0]).unwrap();
        if query.queries[0].name.to_ascii().ends_with("bl.test.") {
            message.additionals.clear();
        }
        one(&message)
    });
    let host = zones(&[("host.test.", vec![a("ns.host.test.", [127, 0, 0, 4])])]);
    let list = zones(&[("bl.test.", vec![a("x.bl.test.", [127, 0, 0, 2])])]);
    let servers = internet(vec![root(), top, host, list]).await;
    let dns = walker(&servers);
    let reply = ask(&dns, "x.bl.test", RecordType::A).await;
    assert_eq!((&reply.answer, reply.server), (&Answer::Data, Some(servers[3].address)));
    let authority = dns.authority(&name("x.bl.test.")).await;
    let server = NameServer { name: name("ns.host.test."), addresses: vec![servers[3].address] };
    assert_eq!((&authority.zone, &authority.servers), (&name("bl.test."), &vec![server]));
    assert_eq!(authority.failure, None);
}

/// Lost if it fails: one lame, refusing or dead server of two would make the zone unknown, or a lame one's word count.
#[tokio::test]
async fn bad_servers_of_a_zone_are_passed_over() {
    let lame: Arc<Behaviour> = Arc::new(|query, _| one(&answer(query, vec![])));
    let cached: Arc<Behaviour> =
        Arc::new(|query: &Message, _| one(&answer(query, vec![a("x.bl.test.", [127, 0, 0, 99])])));
    let upward: Arc<Behaviour> = Arc::new(|query, _| {
        let mut message = answer(query, vec![]);
        message.authorities.push(ns(".", "a.root-servers.net."));
        one(&message)
    });
    let stray: Arc<Behaviour> = Arc::new(|query, _| {
        let mut message = answer(query, vec![a("other.bl.test.", [127, 0, 0, 99])]);
        message.metadata.authoritative = true;
        one(&message)
    });
    let denying: Arc<Behaviour> = Arc::new(|query, _| {
        let mut message = answer(query, vec![a("x.bl.test.", [127, 0, 0, 99])]);
        message.metadata.authoritative = true;
        message.metadata.response_code = ResponseCode::NXDomain;
        one(&message)
    });
    let refusing: Arc<Behaviour> = Arc::new(|query, _| one(&rcode(query, ResponseCode::Refused)));
    let dead: Arc<Behaviour> = Arc::new(|_, _| vec![]);
    for (kind, word, bad) in [
        ("lame", "malformed", lame),
        ("cached", "malformed", cached),
        ("upward", "malformed", upward),
        ("stray", "malformed", stray),
        ("denying", "malformed", denying),
        ("refusing", "refused", refusing),
        ("dead", "timeout", dead),
    ] {
        let top = zones(&[(
            "test.",
            vec![
                ns("bl.test.", "one.bl.test."),
                ns("bl.test.", "two.bl.test."),
                a("one.bl.test.", [127, 0, 0, 3]),
                a("two.bl.test.", [127, 0, 0, 4]),
            ],
        )]);
        let list = zones(&[("bl.test.", vec![a("x.bl.test.", [127, 0, 0, 2])])]);
        let servers = internet(vec![root(), top, bad, list]).await;
        let dns = walker(&servers);
        let reply = ask(&dns, "x.bl.test", RecordType::A).await;
        assert_eq!(reply.ipv4(), [std::net::Ipv4Addr::new(127, 0, 0, 2)], "{kind}");
        assert_eq!(words(&dns, &reply)[2..], [format!("udp {word}"), "udp data".to_owned()], "{kind}");
    }
}

/// Lost if it fails: a delegation to servers that know nothing of the zone would look like "not listed".
#[tokio::test]
async fn a_lame_delegation_is_unknown_and_named() {
    let top = zones(&[("test.", vec![ns("bl.test.", "ns.bl.test."), a("ns.bl.test.", [127, 0, 0, 3])])]);
    let lame: Arc<Behaviour> = Arc::new(|query, _| one(&answer(query, vec![])));
    let servers = internet(vec![root(), top, lame]).await;
    let dns = walker(&servers);
    let reply = ask(&dns, "x.bl.test", RecordType::A).await;
    assert_eq!(reply.answer, Answer::Lame("the server is not responsible for bl.test.".to_owned()));
    let authority = dns.authority(&name("x.bl.test.")).await;
    assert!(authority.failure.is_some() && authority.zone == name("bl.test."));
    assert_eq!(authority.servers[0].addresses, [servers[2].address], "whom to blame");
}

/// Lost if it fails: aliases into other zones (delegated DKIM keys, classless reverse zones) would be reported missing.
#[tokio::test]
async fn aliases_lead_to_other_zones() {
    let top = zones(&[(
        "test.",
        vec![
            ns("one.test.", "ns.one.test."),
            a("ns.one.test.", [127, 0, 0, 3]),
            ns("two.test.", "ns.two.test."),
            a("ns.two.test.", [127, 0, 0, 4]),
        ],
    )]);
    // The first server also claims to know the target; it is not asked about that, and not believed.
    let one_zone: Arc<Behaviour> = Arc::new(|query: &Message, _| {
        let mut message = answer(query, vec![cname("x.one.test.", "y.two.test."), a("y.two.test.", [192, 0, 2, 66])]);
        message.metadata.authoritative = true;
        one(&message)
    });
    let two = zones(&[("two.test.", vec![a("y.two.test.", [192, 0, 2, 7])])]);
    let servers = internet(vec![root(), top, one_zone, two]).await;
    let dns = walker(&servers);
    let reply = ask(&dns, "x.one.test", RecordType::A).await;
    assert_eq!((reply.ipv4(), &reply.chain), (vec![[192, 0, 2, 7].into()], &vec![name("y.two.test.")]));
    assert_eq!(reply.ttl, Some(60));
}

/// Lost if it fails: a zone could send us to its own "server" for somebody else's zone.
#[tokio::test]
async fn glue_for_names_elsewhere_is_ignored() {
    let root = zones(&[(
        ".",
        vec![
            ns("test.", "ns.test."),
            a("ns.test.", [127, 0, 0, 2]),
            ns("other.", "ns.other."),
            a("ns.other.", [127, 0, 0, 3]),
        ],
    )]);
    let top = zones(&[("test.", vec![ns("bl.test.", "ns.bl.other."), a("ns.bl.other.", [127, 0, 0, 5])])]);
    let other = zones(&[("other.", vec![a("ns.bl.other.", [127, 0, 0, 4])])]);
    let right = zones(&[("bl.test.", vec![a("x.bl.test.", [127, 0, 0, 2])])]);
    let wrong = zones(&[("bl.test.", vec![a("x.bl.test.", [127, 0, 0, 99])])]);
    let servers = internet(vec![root, top, other, right, wrong]).await;
    let dns = walker(&servers);
    let reply = ask(&dns, "x.bl.test", RecordType::A).await;
    assert_eq!((reply.server, servers[4].count()), (Some(servers[3].address), 0));
}

/// Lost if it fails: two zones that need each other would hang the run, or flood the servers above them.
#[tokio::test]
async fn circles_end() {
    let mut records = Vec::new();
    for number in 0..10 {
        records.push(ns("one.test.", &format!("ns{number}.two.test.")));
        records.push(ns("two.test.", &format!("ns{number}.one.test.")));
    }
    let servers = internet(vec![root(), zones(&[("test.", records)])]).await;
    let dns = walker(&servers);
    let (one, two) = tokio::join!(ask(&dns, "x.one.test", RecordType::A), ask(&dns, "x.two.test", RecordType::A));
    for reply in [one, two] {
        assert!(matches!(&reply.answer, Answer::Malformed(why) if why.contains("circle")), "{:?}", reply.answer);
    }
    assert!(servers[1].count() <= 8, "{}", servers[1].count());
}

/// Lost if it fails: on a machine without IPv6, servers with IPv6 addresses would cost time or tries.
#[tokio::test]
async fn servers_out_of_reach_cost_nothing() {
    let top = zones(&[(
        "test.",
        vec![
            ns("bl.test.", "ns.bl.test."),
            // Multicast: no machine can connect to it from an unspecified interface, with IPv6 or without.
            aaaa("ns.bl.test.", "ff02::1"),
            a("ns.bl.test.", [127, 0, 0, 3]),
        ],
    )]);
    let list = zones(&[("bl.test.", vec![a("x.bl.test.", [127, 0, 0, 2])])]);
    let servers = internet(vec![root(), top, list]).await;
    let dns = walker(&servers);
    let reply = ask(&dns, "x.bl.test", RecordType::A).await;
    assert_eq!(words(&dns, &reply), ["udp referral", "udp referral", "udp data"]);
}

/// Lost if it fails: a zone on the same servers as the one above it would be taken for part of that.
#[tokio::test]
async fn the_closest_zone_is_found_on_shared_servers() {
    let both = zones(&[
        ("test.", vec![ns("sub.test.", "ns.sub.test."), a("ns.sub.test.", [127, 0, 0, 2])]),
        (
            "sub.test.",
            vec![ns("sub.test.", "ns.sub.test."), a("ns.sub.test.", [127, 0, 0, 2]), a("x.sub.test.", [192, 0, 2, 1])],
        ),
    ]);
    let servers = internet(vec![root(), both]).await;
    let dns = walker(&servers);
    for owner in ["x.sub.test.", "absent.sub.test.", "sub.test."] {
        let authority = dns.authority(&name(owner)).await;
        assert_eq!((&authority.zone, &authority.failure), (&name("sub.test."), &None), "{owner}");
        assert_eq!(authority.servers.len(), 1, "{owner}");
        assert_eq!(authority.servers[0].addresses, [servers[1].address], "{owner}");
    }
    assert_eq!(dns.authority(&name("y.test.")).await.zone, name("test."));
    assert_eq!(dns.authority(&name("Y.TEST.")).await.observations.len(), 1);
}

/// Lost if it fails: with the root out of reach, "direct" would not say so.
#[tokio::test]
async fn a_silent_root_is_a_time_out() {
    let dead: Arc<Behaviour> = Arc::new(|_, _| vec![]);
    let servers = internet(vec![dead]).await;
    let dns = walker_with(&servers, 50);
    assert_eq!(ask(&dns, "x.test", RecordType::A).await.answer, Answer::Timeout);
    assert_eq!((dns.resolvers(), dns.resolver_addresses()), (vec!["direct".to_owned()], vec![]));
}
