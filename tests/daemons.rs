//! Real daemons: the blocklists answer through a resolver and directly, and DNSSEC shows as validating resolvers show it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "daemons/mod.rs"]
mod daemons;
#[expect(dead_code, reason = "worlds in this process are tested elsewhere")]
mod world;

use std::net::SocketAddr;

use daemons::{AUTHORITY, Daemons, LISTS, REGISTRY, ROOT, tool};
use hickory_proto::rr::RecordType::{self, A, MX, NS, PTR, SOA};
use mail_cutover::demo::{Listing, Listings, Zone};
use world::ask::{Ask, line, say};

const V6: &str = "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.2.0.0.8.b.d.0.1.0.0.2";

fn listing(list: &str, subject: &str, answers: &[&str]) -> Listing {
    Listing {
        list: list.to_owned(),
        subject: subject.to_owned(),
        answers: answers.iter().map(|code| code.parse().unwrap()).collect(),
        text: Some("see https://lists.test/why".to_owned()),
    }
}

fn start() -> Option<Daemons> {
    let listed = vec![
        listing("spamhaus-zen", "203.0.113.26", &["127.0.0.2", "127.0.0.10"]),
        listing("spamhaus-zen", "2001:db8:25::25", &["127.0.0.3"]),
        listing("sem-black", "2001:db8:25::25", &["127.0.0.2"]),
        listing("spamhaus-dbl", "example.co.jp", &["127.0.1.2"]),
    ];
    Daemons::start(&Listings { listed, dead: vec!["s5h".to_owned()], ..Listings::default() }, &[])
}

/// As an authority is asked: no recursion desired.
fn direct(server: SocketAddr, name: &str, rtype: RecordType) -> String {
    line(&Ask { rd: false, ..Ask::new(name, rtype) }.udp(server).unwrap())
}

/// The answer's records in any order, without flags: rbldnsd and unbound sort them differently.
fn codes(said: &str) -> Vec<&str> {
    let mut codes: Vec<&str> = said.split(" | ").skip(1).map(|r| r.split(" +").next().unwrap_or(r)).collect();
    codes.sort_unstable();
    codes
}

/// Lost if it fails: every test of the tool against real daemons would stand on sand.
#[test]
fn the_world_of_daemons_holds_together() {
    let Some(daemons) = start() else { return };
    let lists = daemons.authority(LISTS);
    for (name, expected) in [
        ("26.113.0.203.zen.spamhaus.org".to_owned(), vec!["A 127.0.0.10", "A 127.0.0.2"]),
        ("2.0.0.127.zen.spamhaus.org".to_owned(), vec!["A 127.0.0.10", "A 127.0.0.2", "A 127.0.0.4"]),
        (format!("{V6}.zen.spamhaus.org"), vec!["A 127.0.0.3"]),
        (format!("{V6}.bl.ipv6.spameatingmonkey.net"), vec!["A 127.0.0.2"]),
        ("example.co.jp.dbl.spamhaus.org".to_owned(), vec!["A 127.0.1.2"]),
        ("2.0.0.127.dnsbl.dronebl.org".to_owned(), vec!["A 127.0.0.1"]),
    ] {
        let (own, through) = (direct(lists, &name, A), say(daemons.resolver, &name, A));
        assert_eq!(codes(&own), expected, "{name} directly: {own}");
        assert_eq!(codes(&through), expected, "{name} through unbound: {through}\n{}", daemons.logs());
        assert!(own.starts_with("NOERROR AA"), "{own}");
    }
    for name in ["25.113.0.203.zen.spamhaus.org", "1.0.0.127.zen.spamhaus.org", "2.0.0.127.all.s5h.net"] {
        assert!(direct(lists, name, A).starts_with("NXDOMAIN"), "{name}");
        assert!(say(daemons.resolver, name, A).starts_with("NXDOMAIN"), "{name}");
    }

    // The walk from the root: referrals, then authority.
    let root = daemons.authority(ROOT);
    let registry = daemons.authority(REGISTRY);
    assert_eq!(direct(root, "zen.spamhaus.org", A), "NOERROR +NS");
    assert_eq!(direct(registry, "zen.spamhaus.org", A), "NOERROR +NS");
    assert!(direct(lists, "zen.spamhaus.org", NS).starts_with("NOERROR AA | NS ns-lists.world.test."));
    assert!(direct(registry, "ns-lists.world.test", A).starts_with("NOERROR AA | A 127.0.0.5"));
    let authority = daemons.authority(AUTHORITY);
    assert!(direct(authority, "27.113.0.203.in-addr.arpa", PTR).starts_with("NOERROR AA | PTR out3.example.co.jp."));
    assert!(direct(authority, "example.org", SOA).starts_with("REFUSED"));

    assert!(say(daemons.resolver, "25.113.0.203.in-addr.arpa", PTR).starts_with("NOERROR | PTR mail.example.co.jp."));
    assert!(say(daemons.resolver, &format!("{V6}.ip6.arpa"), PTR).starts_with("NOERROR | PTR mail.example.co.jp."));
    assert!(say(daemons.resolver, "example.co.jp", MX).starts_with("NOERROR | MX 10 mx1.example.co.jp."));
    assert!(say(daemons.resolver, "qx7f3k.example.com", A).starts_with("NXDOMAIN"));

    // DNSSEC: AD where it holds, SERVFAIL that CD cures where it does not, neither for an unsigned name.
    let with_ad = |name: &str| line(&Ask { ad: true, ..Ask::new(name, A) }.udp(daemons.validating).unwrap());
    assert!(with_ad("mail.signed.test").starts_with("NOERROR AD | A 192.0.2.81"), "{}", daemons.logs());
    assert!(with_ad("mail.example.co.jp").starts_with("NOERROR | A"));
    assert_eq!(with_ad("mail.bogus.test"), "SERVFAIL");
    let unchecked = Ask { cd: true, ..Ask::new("mail.bogus.test", A) }.udp(daemons.validating).unwrap();
    assert!(line(&unchecked).starts_with("NOERROR | A 192.0.2.81"));
}

/// The one new address that nothing is wrong with.
const CLEAN: &str = "[\"203.0.113.25\"]";

fn through(server: SocketAddr) -> String {
    format!("[\"{server}\"]")
}

/// Lost if it fails: whether mail would be lost would depend on who was asked: a resolver, or the servers themselves.
#[test]
fn a_resolver_and_the_walk_from_the_root_find_the_same() {
    let Some(daemons) = start() else { return };
    let new = "[\"203.0.113.25\", { ip = \"203.0.113.26\", ptr = \"out2.example.co.jp\" }, \"2001:db8:25::25\", \
               { ip = \"203.0.113.99\", ptr = \"out2.example.co.jp\" }]";
    let by_unbound = tool::check(&daemons, &through(daemons.resolver), new, "");
    let by_validating = tool::check(&daemons, &through(daemons.validating), new, "");
    let by_walk = tool::check(&daemons, "\"direct\"", new, "");
    for run in [&by_unbound, &by_validating, &by_walk] {
        assert_eq!((run.exit, run.verdict.as_str()), (1, "NO-GO"), "{}\n{}", run.text, daemons.logs());
        assert!(run.says("dnsbl-listed", "203.0.113.26"), "IPv4: {:#?}", run.said);
        assert!(run.says("dnsbl-policy", "203.0.113.26"), "{:#?}", run.said);
        assert!(run.says("dnsbl-listed", "2001:db8:25::25"), "IPv6: {:#?}", run.said);
        assert!(run.says("dnsbl-listed-minor", "2001:db8:25::25"), "the list's own IPv6 zone: {:#?}", run.said);
        assert!(run.says("dnsbl-domain", "example.co.jp"), "domain: {:#?}", run.said);
        assert!(run.says("ptr-missing", "203.0.113.99"), "{:#?}", run.said);
        assert!(run.says("dnsbl-list-dead", "s5h"), "{:#?}", run.said);
    }
    assert_eq!(by_unbound.findings(), by_walk.findings());
    assert_eq!(by_unbound.findings(), by_validating.findings());
}

/// Lost if it fails: a script could not tell GO from the rest.
#[test]
fn every_exit_code_is_shown() {
    let none = Listings::default();
    let Some(daemons) = Daemons::start(&none, &[]) else { return };
    let unbound = through(daemons.resolver);
    let both = "[\"203.0.113.25\", \"2001:db8:25::25\"]";
    let go = tool::check(&daemons, &unbound, both, "");
    assert_eq!((go.exit, go.verdict.as_str()), (0, "GO"), "{:#?}\n{}", go.findings(), daemons.logs());
    let no_go = tool::check(&daemons, &unbound, "[{ ip = \"203.0.113.99\", ptr = \"out9.example.co.jp\" }]", "");
    assert_eq!((no_go.exit, no_go.verdict.as_str()), (1, "NO-GO"), "{:#?}", no_go.findings());
    // A list that is required and does not exist here.
    let own = "[dnsbl]\nrequire = [\"own\"]\n[[dnsbl.list]]\nid = \"own\"\nzone = \"nowhere.test\"\n";
    let hold = tool::check(&daemons, &unbound, both, own);
    assert_eq!((hold.exit, hold.verdict.as_str()), (3, "HOLD"), "{:#?}", hold.findings());
    let refused =
        std::process::Command::new(env!("CARGO_BIN_EXE_mail-cutover")).args(["check", "absent.toml"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

/// Lost if it fails: a reverse zone with broken signatures would look like one that is merely slow.
#[test]
fn a_bogus_reverse_zone_is_told_from_a_failing_one() {
    let reverse = Zone::new("bogus.test", "25 PTR mail.example.co.jp.");
    // The reverse name is an alias into the zone whose signatures have expired.
    let alias = Zone::new("113.0.203.in-addr.arpa", "25 CNAME 25.bogus.test.");
    let Some(daemons) = Daemons::start(&Listings::default(), &[alias, reverse]) else { return };
    let run = tool::check(&daemons, &through(daemons.validating), CLEAN, "");
    assert!(run.says("ptr-dnssec", "203.0.113.25"), "{:#?}\n{}", run.findings(), daemons.logs());
    assert_eq!(run.exit, 1);
    let unvalidated = tool::check(&daemons, &through(daemons.resolver), CLEAN, "");
    assert!(!unvalidated.says("ptr-dnssec", "203.0.113.25"), "{:#?}", unvalidated.findings());
}

/// Lost if it fails: a rehearsal would promise what the published zone does not keep, or refuse what it would.
#[test]
fn a_rehearsal_judges_as_the_published_zone_would_be_judged() {
    // The world writes these into every zone that it serves.
    let head = "$TTL 3600\n@ SOA ns.world.test. ns.world.test. 2026120600 7200 900 1209600 300\n@ NS ns.world.test.\n";
    let good = "@ MX 10 mail\n@ TXT \"v=spf1 ip4:192.0.2.25 ip4:203.0.113.25 -all\"\nmx1 A 192.0.2.25\n\
                mx1 TXT \"v=spf1 a -all\"\nmail A 203.0.113.25\nmail TXT \"v=spf1 a -all\"\n\
                _dmarc TXT \"v=DMARC1; p=quarantine; rua=mailto:dmarc@example.co.jp\"\n";
    let forgotten = good.replace("mail A 203.0.113.25\n", "");
    let unchanged = good.replace("@ MX 10 mail", "@ MX 10 mx1");
    let null = good.replace("@ MX 10 mail", "@ MX 0 .");
    let alias =
        good.replace("mail A 203.0.113.25\nmail TXT \"v=spf1 a -all\"\n", "mail CNAME host\nhost A 203.0.113.25\n");
    let Some(today) = Daemons::start(&Listings::default(), &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zone");
    let rehearse = format!("example.co.jp={}", file.display());
    let mut verdicts = Vec::new();
    for zone in [good, &forgotten, &unchanged, &null, &alias] {
        std::fs::write(&file, format!("{head}{zone}")).unwrap();
        let Some(then) = Daemons::start(&Listings::default(), &[Zone::new("example.co.jp", zone)]) else { return };
        for resolver in ["\"direct\"".to_owned(), String::new()] {
            let at = |daemons: &Daemons| match resolver.as_str() {
                "" => through(daemons.validating),
                direct => direct.to_owned(),
            };
            let after = ["--phase", "after", "--at", "2026-12-06T10:00:00+09:00"];
            let rehearsed =
                tool::check_with(&today, &at(&today), CLEAN, "", &[&after[..], &["--rehearse", &rehearse]].concat());
            let published = tool::check_with(&then, &at(&then), CLEAN, "", &after);
            let of_world = |run: &tool::Run| -> Vec<String> {
                let findings = run.findings();
                let own = findings.iter().filter(|line| !line.starts_with("rehearsal "));
                own.map(|line| (*line).to_owned()).collect()
            };
            assert_eq!(of_world(&rehearsed), of_world(&published), "{zone}\n{}{}", today.logs(), then.logs());
            assert_eq!((&rehearsed.verdict, rehearsed.exit), (&published.verdict, published.exit), "{zone}");
            verdicts.push(published.verdict);
        }
    }
    verdicts.dedup();
    assert!(verdicts.contains(&"NO-GO".to_owned()) && verdicts.len() > 1, "the zones do not differ: {verdicts:?}");
}
