//! The world answers as real resolvers and authorities do, and is broken exactly as told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[expect(dead_code, reason = "cases are read elsewhere")]
mod world;

use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType::{A, AAAA, DS, MX, NS, PTR, SOA, TXT};
use hickory_proto::rr::rdata;
use hickory_proto::rr::{Name, RData, Record};
use mail_cutover::demo::{Fault, FaultRule, Setup, World, Zone};
use world::ask::{Ask, line, say};
use world::beside;

fn zones() -> Vec<Zone> {
    let big = "x".repeat(200);
    vec![
        Zone::new(".", "test NS ns.world.test.\ngone NS ns.gone.\nns.gone A 192.0.2.99"),
        Zone::new("test", "ns.world A 127.0.0.1"),
        Zone::new(
            "example.test",
            format!(
                "@ MX 10 mail\nmail A 192.0.2.1\nalias CNAME mail\nout CNAME host.other.test.\n\
                 lost CNAME nothing.other.test.\nloop CNAME pool\npool CNAME loop\n* TXT \"star\"\nbig TXT {}",
                format!("\"{big}\" ").repeat(8)
            ),
        ),
        Zone::new("other.test", "host A 192.0.2.2\nlame.a A 192.0.2.3"),
        Zone::new("2.0.192.in-addr.arpa", "1 PTR mail.example.test."),
    ]
}

async fn world(faults: &[FaultRule]) -> World {
    World::start(&zones(), faults).await.unwrap()
}

/// Lost if it fails: scenarios would run against answers that no resolver gives.
#[tokio::test]
async fn answers_as_a_resolver() {
    let world = world(&[]).await;
    let at = world.address();
    beside(move || {
        assert_eq!(say(at, "mail.example.test", A), "NOERROR | A 192.0.2.1");
        assert_eq!(say(at, "MAIL.Example.TEST", A), "NOERROR | A 192.0.2.1");
        assert_eq!(say(at, "alias.example.test", A), "NOERROR | CNAME mail.example.test. | A 192.0.2.1");
        assert_eq!(say(at, "out.example.test", A), "NOERROR | CNAME host.other.test. | A 192.0.2.2");
        assert_eq!(say(at, "lost.example.test", A), "NXDOMAIN | CNAME nothing.other.test. +SOA");
        assert_eq!(say(at, "mail.example.test", AAAA), "NOERROR +SOA");
        assert_eq!(say(at, "a.other.test", A), "NOERROR +SOA");
        assert_eq!(say(at, "any.example.test", TXT), "NOERROR | TXT star");
        assert_eq!(say(at, "mail.example.test", TXT), "NOERROR +SOA");
        assert_eq!(say(at, "no.such.name", A), "NXDOMAIN +SOA");
        assert_eq!(say(at, "1.2.0.192.in-addr.arpa", PTR), "NOERROR | PTR mail.example.test.");
        assert_eq!(say(at, "loop.example.test", A), "SERVFAIL");
        assert_eq!(say(at, "www.gone", A), "SERVFAIL");
    })
    .await;
    assert_eq!(world.queries(), 13);
    assert_eq!(world.asked().first().map(|asked| asked.name.clone()), Some("mail.example.test.".to_owned()));
}

/// Lost if it fails: direct mode would be tested against servers that never are authoritative.
#[tokio::test]
async fn answers_as_an_authority() {
    let world = world(&[]).await;
    let at = world.address();
    beside(move || {
        let direct = |name: &str, rtype| {
            let message = Ask { rd: false, ..Ask::new(name, rtype) }.udp(at).unwrap();
            assert!(!message.metadata.recursion_available);
            line(&message)
        };
        assert_eq!(direct("example.test", MX), "NOERROR AA | MX 10 mail.example.test.");
        assert_eq!(direct("example.test", NS), "NOERROR AA | NS ns.world.test.");
        assert_eq!(direct("ns.world.test", A), "NOERROR AA | A 127.0.0.1");
        assert_eq!(direct("nothing.example.test", A), "NOERROR AA +SOA");
        assert_eq!(direct("nothing.other.test", A), "NXDOMAIN AA +SOA");
        assert_eq!(direct("out.example.test", A), "NOERROR AA | CNAME host.other.test.");
        assert_eq!(direct("www.gone", A), "NOERROR +NS");
        assert_eq!(direct("example.test", DS), "NOERROR AA +SOA");
        assert!(direct("test", SOA).starts_with("NOERROR AA | SOA ns.world.test."));
    })
    .await;
}

/// Lost if it fails: names that nobody serves would look like names that do not exist.
#[tokio::test]
async fn without_a_root_foreign_names_are_refused() {
    let world = World::start(&[Zone::new("example.test", "@ A 192.0.2.1")], &[]).await.unwrap();
    let at = world.address();
    assert_eq!(beside(move || say(at, "example.org", A)).await, "REFUSED");
}

/// Lost if it fails: big answers and TCP would go untested.
#[tokio::test]
async fn big_answers_are_truncated_and_whole_by_tcp() {
    let world = world(&[]).await;
    let at = world.address();
    beside(move || {
        assert_eq!(say(at, "big.example.test", TXT), "NOERROR TC");
        let ask = Ask::new("big.example.test", TXT);
        assert!(ask.tcp(at).unwrap().answers.len() == 1);
        assert!(Ask { edns: Some(4096), ..ask }.udp(at).unwrap().answers.len() == 1);
    })
    .await;
}

/// Lost if it fails: a fault would be declared and not happen, and its case would pass for nothing.
#[tokio::test]
async fn each_fault_happens() {
    let hijack = "198.51.100.1".parse().unwrap();
    for (fault, expected) in [
        (Fault::ServFail, "SERVFAIL"),
        (Fault::Refused, "REFUSED"),
        (Fault::FormErr, "FORMERR"),
        (Fault::NoEdns, "FORMERR"),
        (Fault::Lame, "NOERROR"),
        (Fault::Truncate, "NOERROR TC"),
        (Fault::TruncateAlways, "NOERROR TC"),
        (Fault::Garbage, "Other"),
        (Fault::AliasLoop, "NOERROR | CNAME loop.example.test. | CNAME mail.example.test."),
        (Fault::Huge, "NOERROR TC"),
        (Fault::Drip(Duration::ZERO), "NOERROR TC"),
        (Fault::OtherSource, "WouldBlock"),
        (Fault::NxDomain, "NXDOMAIN +SOA"),
        (Fault::Data(Vec::new()), "NOERROR +SOA"),
        (Fault::Data(vec![RData::A(rdata::A::new(192, 0, 2, 77))]), "NOERROR | A 192.0.2.77"),
        (Fault::Always(hijack), "NOERROR | A 198.51.100.1"),
        (Fault::NxRewrite(hijack), "NOERROR | A 192.0.2.1"),
    ] {
        let world = world(&[FaultRule::new("example.test.", fault.clone())]).await;
        let at = world.address();
        assert_eq!(beside(move || say(at, "mail.example.test", A)).await, expected, "{fault:?}");
        assert_eq!(beside(move || say(at, "host.other.test", A)).await, "NOERROR | A 192.0.2.2", "{fault:?}");
    }
    let world = world(&[FaultRule::new(".", Fault::NxRewrite(hijack))]).await;
    let at = world.address();
    assert_eq!(beside(move || say(at, "nothing.other.test", A)).await, "NOERROR | A 198.51.100.1");
    assert_eq!(beside(move || say(at, "nothing.other.test", MX)).await, "NOERROR");
}

/// Lost if it fails: odd owners and faults of one name, which the OpenSPF suite is made of, would be tested nowhere without it.
#[tokio::test]
async fn odd_records_and_faults_of_one_name() {
    let odd = Name::from_labels([&b"text"[..], b"odd", b"test"]).unwrap();
    let text = |octets: &[u8]| Record::from_rdata(odd.clone(), 60, RData::TXT(rdata::TXT::from_bytes(vec![octets])));
    let zone = Zone::new("odd.test", "@ A 192.0.2.1\nbelow A 192.0.2.2").with([text(b"\xff"), text(b"two")]);
    let faults = [FaultRule::new("odd.test", Fault::ServFail).exact().rtype(A)];
    let world = World::start(&[zone], &faults).await.unwrap();
    let at = world.address();
    beside(move || {
        assert_eq!(say(at, "odd.test", A), "SERVFAIL");
        assert_eq!(say(at, "odd.test", MX), "NOERROR +SOA");
        assert_eq!(say(at, "below.odd.test", A), "NOERROR | A 192.0.2.2");
        assert_eq!(say(at, "text.odd.test", TXT).matches("TXT").count(), 2);
    })
    .await;
}

/// Lost if it fails: time-outs, forged ids, late answers and half-dead TCP could not be told apart in a test.
#[tokio::test]
async fn faults_of_time_and_transport() {
    let late = Duration::from_millis(120);
    let world = world(&[
        FaultRule::new("mail.example.test", Fault::Drop),
        FaultRule::new("alias.example.test", Fault::WrongId),
        FaultRule::new("out.example.test", Fault::Delay(late)),
        FaultRule::new("any.example.test", Fault::Truncate),
        FaultRule::new("example.test", Fault::TruncateAlways).rtype(MX),
        FaultRule::new("host.other.test", Fault::ServFail).when_cd(false),
        FaultRule::new("other.test", Fault::Refused).when_rd(true),
        FaultRule::new("1.2.0.192.in-addr.arpa", Fault::NoEdns),
        FaultRule::new("big.example.test", Fault::Huge),
        FaultRule::new("pool.example.test", Fault::Drip(late)),
        FaultRule::new("star.example.test", Fault::WrongQuestion),
        FaultRule::new("old.example.test", Fault::Ttl(1 << 31)),
    ])
    .await;
    let at = world.address();
    beside(move || {
        let short = |name: &str, rtype| Ask { patience: Duration::from_millis(150), ..Ask::new(name, rtype) };
        assert!(short("mail.example.test", A).udp(at).is_err());
        assert!(short("mail.example.test", A).tcp(at).is_err());
        assert_ne!(Ask::new("alias.example.test", A).udp(at).unwrap().metadata.id, 4711);
        let start = Instant::now();
        assert_eq!(say(at, "out.example.test", A), "NOERROR | CNAME host.other.test. | A 192.0.2.2");
        assert!(start.elapsed() >= late);
        assert_eq!(line(&Ask::new("any.example.test", TXT).tcp(at).unwrap()), "NOERROR | TXT star");
        assert_eq!(say(at, "example.test", MX), "NOERROR TC");
        let closed = Ask::new("example.test", MX).tcp(at).unwrap_err();
        assert_eq!(closed.kind(), std::io::ErrorKind::UnexpectedEof);
        assert_eq!(say(at, "host.other.test", A), "SERVFAIL");
        let unchecked = Ask { cd: true, rd: false, ..Ask::new("host.other.test", A) };
        assert_eq!(line(&unchecked.udp(at).unwrap()), "NOERROR AA | A 192.0.2.2");
        assert_eq!(say(at, "other.test", SOA), "REFUSED");
        let huge = Ask::new("big.example.test", TXT).tcp(at).unwrap();
        assert!(huge.answers.len() == 1 && huge.to_vec().unwrap().len() > 64_000);
        let start = Instant::now();
        assert!(Ask { patience: late * 3, ..Ask::new("pool.example.test", TXT) }.tcp(at).is_ok());
        assert!(start.elapsed() >= late * 12, "an octet at a time");
        let other = Ask::new("star.example.test", TXT).udp(at).unwrap();
        assert_eq!(other.queries[0].name.to_ascii(), "another.test.");
        assert_eq!(Ask::new("old.example.test", TXT).udp(at).unwrap().answers[0].ttl, 1 << 31);
        let plain = Ask { edns: None, ..Ask::new("1.2.0.192.in-addr.arpa", PTR) };
        assert_eq!(line(&plain.udp(at).unwrap()), "NOERROR | PTR mail.example.test.");
    })
    .await;
}

/// Lost if it fails: DANE could not be tested with and without a validating resolver.
#[tokio::test]
async fn authenticated_only_below_and_only_when_asked_for() {
    let setup = Setup { zones: zones(), authenticated_below: vec!["example.test".to_owned()], ..Setup::default() };
    let world = World::serve(&setup).await.unwrap();
    let at = world.address();
    beside(move || {
        let with_ad = |name: &str| line(&Ask { ad: true, ..Ask::new(name, A) }.udp(at).unwrap());
        assert_eq!(with_ad("mail.example.test"), "NOERROR AD | A 192.0.2.1");
        assert_eq!(with_ad("host.other.test"), "NOERROR | A 192.0.2.2");
        assert_eq!(with_ad("out.example.test"), "NOERROR | CNAME host.other.test. | A 192.0.2.2");
        assert_eq!(say(at, "mail.example.test", A), "NOERROR | A 192.0.2.1");
    })
    .await;
}

/// Lost if it fails: a dropped world would go on answering the next test.
#[tokio::test]
async fn a_dropped_world_is_silent() {
    let world = world(&[]).await;
    let at = world.address();
    drop(world);
    tokio::task::yield_now().await;
    let ask = Ask { patience: Duration::from_millis(300), ..Ask::new("mail.example.test", A) };
    assert!(beside(move || ask.udp(at)).await.is_err());
}
