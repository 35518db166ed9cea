//! Real daemons: the blocklists answer through a resolver and directly, and DNSSEC shows as validating resolvers show it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "daemons/mod.rs"]
mod daemons;
#[path = "world/watching.rs"]
mod watching;
#[expect(dead_code, reason = "worlds in this process are tested elsewhere")]
mod world;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use daemons::{AUTHORITY, Daemons, LISTS, REGISTRY, ROOT, Second, tool};
use hickory_proto::rr::RecordType::{self, A, MX, NS, PTR, SOA, TXT};
use mail_cutover::demo::{Listing, Listings, Zone};
use world::ask::{Ask, line, say};
use world::run::Run;

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

/// What every zone begins with; the world writes the same into the zones that it serves.
const HEAD: &str =
    "$TTL 3600\n@ SOA ns.world.test. ns.world.test. 2026120600 7200 900 1209600 300\n@ NS ns.world.test.\n";

/// The verdict on zones that are published; a rehearsal of them in the world of today must find the same.
fn rehearsed_as_published(today: &Daemons, others: &[Zone], zones: &[Zone], more: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut rehearse = Vec::new();
    for (number, zone) in zones.iter().enumerate() {
        let file = folder.path().join(number.to_string());
        std::fs::write(&file, format!("{HEAD}{}", zone.text)).unwrap();
        rehearse.extend(["--rehearse".to_owned(), format!("{}={}", zone.origin, file.display())]);
    }
    let after = ["--phase", "after", "--at", "2026-12-06T10:00:00+09:00"];
    let with_files: Vec<&str> = after.into_iter().chain(rehearse.iter().map(String::as_str)).collect();
    let then = Daemons::start(&Listings::default(), &[others, zones].concat())?;
    let mut verdict = String::new();
    for is_direct in [true, false] {
        let at = |daemons: &Daemons| if is_direct { "\"direct\"".to_owned() } else { through(daemons.validating) };
        let rehearsed = tool::check_with(today, &at(today), CLEAN, more, &with_files);
        let published = tool::check_with(&then, &at(&then), CLEAN, more, &after);
        let of_world = |run: &Run| -> Vec<String> {
            let findings = run.findings();
            let own = findings.iter().filter(|line| !line.starts_with("rehearsal "));
            own.map(|line| (*line).to_owned()).collect()
        };
        assert_eq!(of_world(&rehearsed), of_world(&published), "{zones:#?}\n{}{}", today.logs(), then.logs());
        assert_eq!((&rehearsed.verdict, rehearsed.exit), (&published.verdict, published.exit), "{zones:#?}");
        verdict = published.verdict;
    }
    Some(verdict)
}

/// The company's zone after the cutover, in good order.
const GOOD: &str = "@ MX 10 mail\n@ TXT \"v=spf1 ip4:192.0.2.25 ip4:203.0.113.25 -all\"\nmx1 A 192.0.2.25\n\
    mx1 TXT \"v=spf1 a -all\"\nmail A 203.0.113.25\nmail TXT \"v=spf1 a -all\"\n\
    _dmarc TXT \"v=DMARC1; p=quarantine; rua=mailto:dmarc@example.co.jp\"\n";

fn company(text: &str) -> Vec<Zone> {
    vec![Zone::new("example.co.jp", text)]
}

/// Lost if it fails: a rehearsal would promise what the published zone does not keep, or refuse what it would.
#[test]
fn a_rehearsal_judges_as_the_published_zone_would_be_judged() {
    let forgotten = GOOD.replace("mail A 203.0.113.25\n", "");
    let unchanged = GOOD.replace("@ MX 10 mail", "@ MX 10 mx1");
    let null = GOOD.replace("@ MX 10 mail", "@ MX 0 .");
    let alias =
        GOOD.replace("mail A 203.0.113.25\nmail TXT \"v=spf1 a -all\"\n", "mail CNAME host\nhost A 203.0.113.25\n");
    let Some(today) = Daemons::start(&Listings::default(), &[]) else { return };
    let zones = [GOOD, &forgotten, &unchanged, &null, &alias].map(company);
    let mut verdicts: Vec<_> =
        zones.iter().filter_map(|zones| rehearsed_as_published(&today, &[], zones, "")).collect();
    verdicts.dedup();
    assert!(verdicts.contains(&"NO-GO".to_owned()) && verdicts.len() > 1, "the zones do not differ: {verdicts:?}");
}

/// Lost if it fails: as above, where the zone is not as simple: aliases in and out, wildcards, cuts, escapes, two zones at once.
#[test]
fn a_rehearsal_follows_the_published_zone_into_its_corners() {
    const KEY: &str = "\"v=DKIM1\\; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnvVkNWztiyTyvbBnzIjcGDt+yEIiQAPih2mvOOGHmXOL1iZY523w2/x4mA9vbjatFjiWCW3d/brs2VWvR8KcDdcQxZrlrHTNOabDne3paz6/iNArpeCzTQ7UPmb68ifQZm8hOWVfn/9MpynStAwry4eO0OEiGVIiarAGPAdkCBl8A2J9OudfjluAKO4C\" \"AeU1tdhO5QdkzAnP3CexhgaFpZm6xGfXdm9DriWCeipEEzenshl6SfXKh6h5+lAvTboO9spIOCdBxswbZOerlZmeb62kHDtom3D+Up3rCUQLDB3fQREYqBxw5m91pxyJvc3Y1d9FjJfSnUZGnWcLOJCv4QIDAQAB\"";
    let partner = format!(
        "mx CNAME mail.example.co.jp.\ns1 TXT {KEY}\nback CNAME s2.example.co.jp.\ndmarc TXT \"v=DMARC1; p=none\"\n\
         25.rev PTR mail.example.co.jp.\nlost CNAME lost.example.co.jp.\n"
    );
    let child = Zone::new("sub.example.co.jp", "host A 203.0.113.25\nhost TXT \"v=spf1 a -all\"\n");
    let classless = Zone::new("0-26.113.0.203.in-addr.arpa", "25 PTR mail.example.co.jp.\n");
    let others = [Zone::new("partner.test", partner), child, classless];
    let Some(today) = Daemons::start(&Listings::default(), &others) else { return };
    let auth = "[auth]\ndkim = { \"example.co.jp\" = [\"s1\"] }\n";
    let with = |more: &str| company(&format!("{GOOD}{more}\n"));
    let mail = "mail A 203.0.113.25\nmail TXT \"v=spf1 a -all\"\n";
    let key = format!("{GOOD}s1._domainkey TXT {KEY}\n");
    let other = |from: &str, to: &str| company(&key.replace(from, to));
    let host = |instead: &str| other(mail, instead);
    let reverse = |text: &str| [company(&key), vec![Zone::new("113.0.203.in-addr.arpa", text)]].concat();
    // Each with whether all is well.
    let cases: Vec<(bool, Vec<Zone>)> = vec![
        (true, with("s1._domainkey CNAME s1.partner.test.")),
        (true, with(&format!("S1._DomainKey 0 CNAME Back.Partner.test.\ns2 TXT {KEY}"))),
        (true, with(&format!("*._domainkey 5 TXT {KEY}"))),
        (false, with("s1._domainkey CNAME lost.partner.test.")),
        (false, with("s1._domainkey CNAME a\na CNAME b\nb CNAME S1._domainkey")),
        (true, host("\\109ail 0 IN A 203.0.113.25\nMAIL 0 TXT \"v=spf1\" \" a \" \"-\\097ll\"\n")),
        (false, host("* A 203.0.113.25\nbelow.mail A 203.0.113.25\n")),
        (false, host("mail CNAME host.sub\nsub NS ns-authority.world.test.\n")),
        (false, other("MX 10 mail", "MX 10 mx.partner.test.")),
        (true, other("_dmarc TXT", "_dmarc CNAME dmarc.partner.test.\nx TXT")),
        (false, other("@ MX", "@ TXT \"v=spf1 -all\"\n@ TXT \"a\\000\\255b\" \"\"\n@ MX")),
        (true, reverse("25 CNAME 25.rev.partner.test.\n")),
        (true, reverse("0-26 NS ns-authority.world.test.\n25 CNAME 25.0-26\n")),
        (true, reverse("* PTR Mail.example.co.jp.\n")),
    ];
    for (is_good, zones) in &cases {
        let Some(verdict) = rehearsed_as_published(&today, &others, zones, auth) else { return };
        assert_eq!(verdict == "GO", *is_good, "{verdict}: {zones:#?}");
    }
}

/// Through the given resolver or `"direct"`, for a domain with the demo's clean address.
fn check_domain(daemons: &Daemons, domain: &str, resolver: &str) -> Run {
    tool::check_domain(daemons, domain, resolver, CLEAN, "")
}

/// Lost if it fails: a secondary that did not get the change, and sends half of the senders elsewhere, would go unnoticed.
#[test]
fn two_authorities_that_disagree_are_told_apart() {
    let text = "@ 300 MX 10 mail\n@ 300 TXT \"v=spf1 ip4:192.0.2.25 ip4:203.0.113.25 ip4:203.0.113.26 ip4:203.0.113.27 ip6:2001:db8:25::25 -all\"\nmx1 300 A 192.0.2.25\n\
                mail 300 A 203.0.113.25\nmail 300 AAAA 2001:db8:25::25\n";
    let second = Second { origin: "example.co.jp", text: Some(text.to_owned()) };
    let Some(daemons) = Daemons::start_with(&Listings::default(), &[], &[second]) else { return };
    let run = check_domain(&daemons, "example.co.jp", &through(daemons.resolver));
    let authority: BTreeSet<&str> =
        run.findings().into_iter().filter(|line| line.starts_with("dns-authority ")).collect();
    let expected =
        ["dns-authority found dns-ns-agree example.co.jp MX", "dns-authority found dns-soa-skew example.co.jp -"];
    assert_eq!(authority, BTreeSet::from(expected), "{:#?}\n{}", run.said, daemons.logs());
    assert_eq!(run.exit, 1);
    assert!(run.text.contains("10 mail.example.co.jp.") && run.text.contains("ns-second.world.test (127.0.0.7)"));
}

/// Lost if it fails: a server that was taken out of service but left in the delegation would go unnoticed.
#[test]
fn a_lame_authority_is_named() {
    // It has another zone, or nobody would listen there.
    let second = [
        Second { origin: "example.co.jp", text: None },
        Second { origin: "cloud.example", text: Some("host-2001-db8-25--25 AAAA 2001:db8:25::25".to_owned()) },
    ];
    let Some(daemons) = Daemons::start_with(&Listings::default(), &[], &second) else { return };
    let run = check_domain(&daemons, "example.co.jp", &through(daemons.resolver));
    let said: BTreeSet<&str> = run.findings().into_iter().filter(|line| line.starts_with("dns-")).collect();
    assert_eq!(
        said,
        BTreeSet::from(["dns-authority found dns-lame example.co.jp -"]),
        "{:#?}\n{}",
        run.said,
        daemons.logs()
    );
    assert!(run.text.contains("the server answered REFUSED"), "{}", run.text);
}

/// Lost if it fails: a domain whose signatures expired, dead for validating receivers, would get a GO; or a secure one none.
#[test]
fn signed_and_bogus_domains_are_told_apart() {
    let Some(daemons) = Daemons::start(&Listings::default(), &[]) else { return };
    let by_validating = through(daemons.validating);
    let secure = check_domain(&daemons, "signed.test", &by_validating);
    let dnssec = |run: &Run| -> BTreeSet<String> {
        run.said.iter().filter(|line| line.starts_with("dns-secure ")).cloned().collect()
    };
    let lines = |status: &str, tag: &str, domain: &str| {
        BTreeSet::from([
            format!("dns-secure {status} {tag} {domain} MX"),
            format!("dns-secure {status} {tag} mail.{domain} A"),
        ])
    };
    assert_eq!(dnssec(&secure), lines("passed", "-", "signed.test"), "{}", daemons.logs());
    let bogus = check_domain(&daemons, "bogus.test", &by_validating);
    assert_eq!(dnssec(&bogus), lines("found", "dns-bogus", "bogus.test"), "{}", daemons.logs());
    assert_eq!(bogus.exit, 1);
    // Nobody validates: nothing may be said, least of all that all is well.
    for resolver in [through(daemons.resolver), "\"direct\"".to_owned()] {
        let unseen = check_domain(&daemons, "bogus.test", &resolver);
        assert_eq!(dnssec(&unseen), lines("not-covered", "-", "bogus.test"), "{resolver}");
        // Asked directly, its servers answer, and the check of the servers finds nothing.
        assert!(unseen.said.contains("dns-authority passed - bogus.test -"), "{:#?}", unseen.said);
    }
}

/// Lost if it fails: the end of a long SPF record, where the new server stands, would be lost with a truncated UDP answer.
#[test]
fn a_record_that_needs_tcp_is_read_to_its_end() {
    let spf = |last: &str| {
        let terms: String = (1..=120).map(|n| format!(" ip4:198.51.100.{n}")).collect();
        let text = format!("v=spf1{terms} ip4:{last} -all");
        let pieces: Vec<String> =
            text.as_bytes().chunks(200).map(|piece| format!("\"{}\"", String::from_utf8_lossy(piece))).collect();
        let zone = format!(
            "@ 300 MX 10 mx1\n@ 86400 TXT {}\nmx1 300 A 192.0.2.25\nmail 300 A 203.0.113.25\n",
            pieces.join(" ")
        );
        assert!(text.len() > 1232, "it must not fit into any UDP answer that is asked for");
        Zone::new("example.co.jp", zone)
    };
    for (last, findings) in
        [("203.0.113.25", vec![]), ("203.0.113.99", vec!["dns-ttl found dns-ttl-target example.co.jp TXT"])]
    {
        let Some(daemons) = Daemons::start(&Listings::default(), &[spf(last)]) else { return };
        let truncated = Ask { rd: false, ..Ask::new("example.co.jp", TXT) }.udp(daemons.authority(AUTHORITY)).unwrap();
        assert!(truncated.metadata.truncation, "{}", line(&truncated));
        for resolver in [through(daemons.resolver), "\"direct\"".to_owned()] {
            let run = check_domain(&daemons, "example.co.jp", &resolver);
            let said: Vec<&str> = run.findings().into_iter().filter(|line| line.starts_with("dns-")).collect();
            assert_eq!(said, findings, "{last} {resolver}: {:#?}\n{}", run.said, daemons.logs());
        }
    }
}

/// Lost if it fails: at real name servers and lists a change in the night would be told late or never, or pass for the plan's own.
#[test]
fn a_night_at_real_servers_is_told() {
    let Some(daemons) = Daemons::start(&Listings::default(), &[]) else { return };
    let lists = daemons.authority(LISTS);
    let listed = |ip: &str| say(lists, &format!("{ip}.zen.spamhaus.org"), A).contains("A 127.0.0.2");
    let seen = |what: &dyn Fn() -> bool| {
        let deadline = std::time::Instant::now() + watching::PROMPTLY;
        while !what() {
            assert!(std::time::Instant::now() < deadline, "{}", daemons.logs());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    // The answers of this list expire at once; another entry shows that it was read again.
    daemons.edit("rbldnsd", "spamhaus-zen.ip4set", "$TTL 300\n", "$TTL 1\n203.0.113.200 :127.0.0.2:a neighbour\n");
    seen(&|| listed("200.113.0.203"));
    // The plan has no new address of IPv6.
    daemons.edit("nsd-authority", "example.co.jp.zone", "mail       AAAA 2001:db8:25::25\n", "");
    seen(&|| !say(daemons.authority(AUTHORITY), "mail.example.co.jp", RecordType::AAAA).contains("AAAA 2001"));
    let more = "[rollback]\nowner = \"tanaka\"\ntriggers = [\"dnsbl-listed\", \"ptr-missing\"]\n";
    let folder = tempfile::tempdir().unwrap();
    let at = ["--at", "2026-12-05T21:59:50+09:00", "--save", "reports"];
    let mut watch = watching::Watching::of(tool::watch(&daemons, folder.path(), "\"direct\"", more, &at));
    watch.wait(&["began", "before the cutover"]);
    watch.wait(&["phase", "after the cutover"]);
    watch.wait(&["VERDICT", "→ NO-GO"]);
    daemons.edit("nsd-authority", "example.co.jp.zone", "MX   10 mx1", "MX   10 mail");
    watch.wait(&["record", "example.co.jp MX: 10 mx1.example.co.jp → 10 mail.example.co.jp (as planned)"]);
    watch.wait(&["VERDICT", "NO-GO → GO"]);
    daemons.edit("rbldnsd", "spamhaus-zen.ip4set", "203.0.113.200 :127.0.0.2", "203.0.113.25 :127.0.0.2");
    watch.wait(&["NEW", "BLOCKER dnsbl-listed  NEW  203.0.113.25 is listed on Spamhaus ZEN"]);
    watch.wait(&["NEW", "rollback-trigger  NEW  roll back? dnsbl-listed was found"]);
    watch.wait(&["VERDICT", "→ NO-GO  roll back?"]);
    daemons.edit("nsd-authority", "113.0.203.in-addr.arpa.zone", "25 PTR", ";25 PTR");
    watch.wait(&["NEW", "BLOCKER ptr-missing  NEW  203.0.113.25 has no PTR"]);
    daemons.edit("nsd-authority", "113.0.203.in-addr.arpa.zone", ";25 PTR", "25 PTR");
    daemons.edit("rbldnsd", "spamhaus-zen.ip4set", "203.0.113.25 :127.0.0.2", "203.0.113.200 :127.0.0.2");
    watch.wait(&["VERDICT", "NO-GO → "]);
    let last = watch.stop("TERM");
    assert!(last.exit == Some(0) && last.err.is_empty() && last.out.contains("the verdict is GO"), "{last:?}");
}
