//! Rehearsed zones before a small internet on loopback: what they answer, and what stays the world's.

use std::sync::Arc;

use hickory_proto::rr::{Name, RecordType};

use super::lab::{self, a, cname, name, soa, zones};
use super::{Answer, Ask, Dns, Question, Reply, ResolverChoice, Route, Settings};
use crate::zonefile::{Loaded, Refused, Start, Zone, read};

fn intended(origin: &str, text: &str) -> Loaded {
    let mut nothing = |_: &str| Err(Refused("is not there".to_owned()));
    let (entries, _) = read(text.as_bytes(), Start { origin: Some(origin), ttl: Some(300) }, &mut nothing).unwrap();
    let origin = Name::from_ascii(format!("{origin}.")).unwrap();
    Loaded { zone: Zone::new(&origin, entries).unwrap(), path: format!("{origin}zone"), sha256: String::new() }
}

fn door(server: &lab::Server, rehearsed: Vec<Loaded>) -> Dns {
    let resolver = ResolverChoice::Servers(vec![server.address]);
    let (root_hints, authority_port) = (vec![server.address], server.address.port());
    Dns::new(Settings { resolver, rehearsed, root_hints, authority_port, ..Settings::default() }).unwrap()
}

async fn ask(dns: &Dns, name: &str) -> Arc<Reply> {
    dns.ask(Ask::new(Question::new(name, RecordType::A).unwrap())).await
}

fn names(reply: &Reply) -> Vec<String> {
    reply.chain.iter().map(ToString::to_string).collect()
}

/// Lost if it fails: an administrator would be told what is published instead of what shall be, or the other way round.
#[tokio::test]
async fn names_in_the_zone_come_from_the_file_and_others_from_the_world() {
    let server = lab::Server::udp(move |query, _| {
        let root = (
            ".",
            vec![
                a("mail.example.test.", [192, 0, 2, 1]),
                a("www.other.test.", [192, 0, 2, 2]),
                cname("back.other.test.", "mail.example.test."),
                a("x.young.example.test.", [192, 0, 2, 5]),
                soa(".", 60, 60),
            ],
        );
        let child = |apex: &str, server: &str, address| vec![lab::ns(apex, server), a(&format!("x.{apex}"), address)];
        let world = zones(&[
            root,
            ("child.example.test.", child("child.example.test.", "NS.child.example.test.", [192, 0, 2, 3])),
            ("moved.example.test.", child("moved.example.test.", "ns.old.test.", [192, 0, 2, 4])),
        ]);
        let mut message = hickory_proto::op::Message::from_vec(&world(query, 0)[0]).unwrap();
        message.metadata.authentic_data = true;
        lab::one(&message)
    })
    .await;
    let zone = intended(
        "example.test",
        "@ 60 SOA a. b. 1 1 1 1 30\nmail 120 A 203.0.113.1\nalias CNAME mail\nout CNAME www.other.test.\n\
         child NS ns.child\nns.child A 192.0.2.9\nto.child CNAME x.child\ndeep CNAME x.child\nloop CNAME loop2\nloop2 CNAME loop\n\
         moved NS ns.new.test.\nyoung NS ns.new.test.\n",
    );
    let dns = door(&server, vec![zone]);
    let new = [203, 0, 113, 1].into();

    let mail = ask(&dns, "MAIL.example.test").await;
    assert_eq!((mail.ipv4(), mail.ttl, mail.rehearsed, mail.aa), (vec![new], Some(120), true, true));
    assert_eq!((mail.tries, server.count()), (0, 0), "nobody was asked");
    let seen = dns.observations();
    assert_eq!((seen[0].rehearsed.as_slice(), seen[0].exchanges.len()), (&["example.test.zone".to_owned()][..], 0));

    let alias = ask(&dns, "alias.example.test").await;
    assert_eq!((alias.ipv4(), names(&alias)), (vec![new], vec!["mail.example.test.".to_owned()]));
    let absent = ask(&dns, "absent.example.test").await;
    assert_eq!((&absent.answer, absent.negative_ttl, absent.rehearsed), (&Answer::NxDomain, Some(30), true));

    // Out of the zone and back into it.
    let out = ask(&dns, "out.example.test").await;
    assert_eq!((out.ipv4(), out.rehearsed), (vec![[192, 0, 2, 2].into()], true));
    let back = ask(&dns, "back.other.test").await;
    assert_eq!((back.ipv4(), back.rehearsed, names(&back)), (vec![new], true, vec!["mail.example.test.".to_owned()]));
    let other = ask(&dns, "www.other.test").await;
    assert_eq!((other.ipv4(), other.rehearsed), (vec![[192, 0, 2, 2].into()], false));
    // Nobody vouches for what stands in a file.
    assert_eq!((out.ad, back.ad, other.ad), (false, false, true));

    // What the zone delegates is not its own.
    let child = ask(&dns, "x.child.example.test").await;
    assert_eq!((child.ipv4(), child.rehearsed), (vec![[192, 0, 2, 3].into()], false));
    let deep = ask(&dns, "deep.example.test").await;
    assert_eq!((deep.ipv4(), deep.rehearsed), (vec![[192, 0, 2, 3].into()], true));
    // What the live zone says of a name that it is about to give away will not be true any more.
    for name in ["x.moved.example.test", "x.young.example.test", "young.example.test"] {
        let given_away = ask(&dns, name).await;
        assert!(!given_away.is_definite(), "{name}: {given_away:?}");
    }

    assert_eq!(ask(&dns, "loop.example.test").await.answer, Answer::Malformed("CNAME loop".to_owned()));

    // Who wants the world gets it: on request, and from a server asked by its address.
    let question = Question::new("mail.example.test", RecordType::A).unwrap();
    for ask in [Ask::new(question.clone()).live(), Ask::new(question).via(Route::Server(server.address))] {
        let live = dns.ask(ask).await;
        assert_eq!((live.ipv4(), live.rehearsed), (vec![[192, 0, 2, 1].into()], false));
    }
}

/// Lost if it fails: the zone above would deny names of a zone that is rehearsed below it.
#[tokio::test]
async fn the_innermost_zone_answers() {
    let server = lab::Server::udp(|_, _| Vec::new()).await;
    let outer = intended("test", "mail.example A 203.0.113.2\n");
    let dns = door(&server, vec![outer, intended("example.test", "mail A 203.0.113.1\n")]);
    assert_eq!(ask(&dns, "mail.example.test").await.ipv4(), [std::net::Ipv4Addr::new(203, 0, 113, 1)]);
    assert_eq!(ask(&dns, "mail.other.test").await.answer, Answer::NxDomain);
    assert_eq!(name("test.").to_string(), "test.");
}
