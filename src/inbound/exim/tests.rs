//! The reader and the evaluator by themselves; `tests/inbound.rs` compares them with the real Exim.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::*;
use crate::dnsbl::Lookup;
use crate::inbound::{About, Fate, Naming, Refusal};
use crate::probe::Answer;

/// A folder with an `exim4.conf` and files beside.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text.replace("{dir}", &dir.path().display().to_string())).unwrap();
    }
    dir
}

fn main(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("exim4.conf")
}

fn exim(text: &str) -> Exim {
    Exim::read(&main(&folder(&[("exim4.conf", text)]))).unwrap()
}

/// A server with this ACL at RCPT.
fn rcpt(acl: &str) -> Exim {
    exim(&format!("acl_smtp_rcpt = rcpt\nbegin acl\nrcpt:\n{acl}\n"))
}

fn caller(ip: &str) -> Caller {
    Caller {
        ip: ip.parse().unwrap(),
        helo: Some("mail.example.org".to_owned()),
        sender: DomainName::parse("example.org").ok(),
    }
}

/// The zone says this of the address.
fn said(zone: &str, ip: &str, lookup: Lookup) -> Facts {
    let mut facts = Facts::default();
    let ip: IpAddr = ip.parse().unwrap();
    facts.zones.insert((zone.to_owned(), Target::Ip(ip)), lookup);
    facts
}

fn listed(zone: &str, ip: &str) -> Facts {
    said(zone, ip, Lookup::Addresses(vec![Ipv4Addr::new(127, 0, 0, 2)]))
}

fn refusal(judgement: &Judgement) -> &Refusal {
    match &judgement.fate {
        Fate::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// Lost if it fails: a configuration that is not there, or that never ends, would be taken for one without rules, or fill the memory.
#[test]
fn what_cannot_be_read_is_named() {
    let read = |files: &[(&str, &str)]| Exim::read(&main(&folder(files))).map(|_| ()).unwrap_err();
    assert!(matches!(read(&[]), EximError::Read { .. }));
    let long = format!("x = {}", "y".repeat(10 * 1024 * 1024));
    assert!(matches!(read(&[("exim4.conf", &long)]), EximError::Large { .. }));
    let doubling: String = (0..40).map(|n| format!("M{n}_ = M{}_M{}_\n", n + 1, n + 1)).collect();
    let grown = format!(
        "M40_ = {}\n{}x = M0_\n",
        "y".repeat(100),
        doubling.lines().rev().map(|l| format!("{l}\n")).collect::<String>()
    );
    assert!(matches!(read(&[("exim4.conf", &grown)]), EximError::Line { .. }));
    assert!(matches!(read(&[("exim4.conf", ".include {dir}/exim4.conf\n")]), EximError::Include { .. }));
    assert!(matches!(read(&[("exim4.conf", ".ifdef A\nx = 1\n")]), EximError::Conditional { .. }));
    assert!(matches!(read(&[("exim4.conf", "x = 1\n.endif\n")]), EximError::Conditional { line: 2, .. }));
    assert!(matches!(read(&[("exim4.conf", "begin acl\nx:\n  refuse hosts = *\n")]), EximError::Acl { line: 3, .. }));
    assert!(matches!(Exim::read(Path::new("/dev/zero")).map(|_| ()), Err(EximError::Read { .. })));
}

/// Lost if it fails: a file full of anything would end the run.
#[test]
fn garbage_is_no_policy() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(main(&dir), bytes).unwrap();
    if let Ok(exim) = Exim::read(&main(&dir)) {
        // Without an ACL nobody may send to anybody.
        assert_eq!(refusal(&exim.judge(&caller("192.0.2.7"), &Facts::default())).reply, 550);
        assert!(exim.asked_zones().is_empty());
    }
}

/// Lost if it fails: half of Debian's configuration, which is macros and included files, would not be read.
#[test]
fn macros_conditionals_and_includes_are_obeyed() {
    let dir = folder(&[
        (
            "exim4.conf",
            "LISTS = bl.example
SELF = SELF of it
LISTS == LISTS : two.example
.ifndef NOTHING
acl_smtp_rcpt = rcpt
.elifdef LISTS
acl_smtp_rcpt = other
.endif
.include_if_exists /nowhere/at/all
begin acl
.include acls
",
        ),
        (
            "acls",
            "rcpt:\n  # a comment\n  deny message = SELF \\\n   # within\n    goes on\n   dnslists = LISTS\n  accept\n",
        ),
    ]);
    let exim = Exim::read(&main(&dir)).unwrap();
    let zones: Vec<&str> = exim.asked_zones().iter().map(|asked| asked.zone.as_str()).collect();
    assert_eq!(zones, ["bl.example", "two.example"]);
    let judgement = exim.judge(&caller("192.0.2.7"), &listed("bl.example", "192.0.2.7"));
    let refused = refusal(&judgement);
    assert_eq!((refused.reply, refused.text.as_str()), (550, "SELF of it goes on"));
    assert_eq!(refused.rule.zone.as_deref(), Some("bl.example"));
    assert_eq!(refused.rule.place.as_ref().map(|place| place.line), Some(3));
    let missing = exim.unjudged().iter().find(|one| one.written.contains("/nowhere/at/all")).unwrap();
    assert_eq!(missing.place.as_ref().map(|place| place.line), Some(9));
}

/// Lost if it fails: an address would be judged as another one: a client that speaks IPv4 through an IPv6 socket, or an IPv6 network.
#[test]
fn addresses_of_both_families_are_met() {
    let exim = exim(
        "acl_smtp_rcpt = rcpt\nhostlist good = <; 2001:db8::/32 ; 198.51.100.7\nbegin acl\nrcpt:\n  accept hosts = +good\n  \
         deny dnslists = bl.example\n  accept",
    );
    let facts = listed("bl.example", "192.0.2.7");
    for (ip, accepted) in
        [("2001:db8::1", true), ("::ffff:198.51.100.7", true), ("::ffff:192.0.2.7", false), ("192.0.2.7", false)]
    {
        assert_eq!(exim.judge(&caller(ip), &facts).fate == Fate::Accepted, accepted, "{ip}");
    }
    let v6 = listed("bl.example", "2001:db9::1");
    assert_eq!(refusal(&exim.judge(&caller("2001:db9::1"), &v6)).codes, [Ipv4Addr::new(127, 0, 0, 2)]);
}

/// Lost if it fails: a list that is silent would make a prediction that nobody can rely on, and does not say so.
#[test]
fn silence_is_said_with_what_exim_makes_of_it() {
    let silent = said("bl.example", "192.0.2.7", Lookup::Failed(Answer::Timeout));
    for (word, expected, phrase) in [
        ("", Fate::Accepted, "takes it as not listed"),
        ("+include_unknown : ", Fate::Accepted, "+include_unknown"),
        ("+defer_unknown : ", Fate::Accepted, "+defer_unknown"),
    ] {
        let exim = rcpt(&format!("  deny dnslists = {word}bl.example\n  accept"));
        let Fate::Unknown { why, then } = exim.judge(&caller("192.0.2.7"), &silent).fate else {
            panic!("{word}: known")
        };
        assert!(why.in_lang(crate::model::Lang::En).contains(phrase), "{why:?}");
        assert!(why.differs(), "{why:?}");
        let reply = match *then {
            Fate::Refused(refusal) => refusal.reply,
            then => {
                assert_eq!(then, expected);
                0
            }
        };
        assert_eq!(
            reply,
            if word.contains("include") {
                550
            } else if word.contains("defer") {
                451
            } else {
                0
            }
        );
    }
    // Whatever the list would say, the client is refused.
    let exim = rcpt("  deny dnslists = bl.example\n  deny");
    assert_eq!(refusal(&exim.judge(&caller("192.0.2.7"), &silent)).text, "Administrative prohibition");
}

/// Lost if it fails: what is not understood would be passed over in silence, or a guess be sold as a prediction.
#[test]
fn what_is_not_known_is_named_with_its_line() {
    let exim = rcpt("  accept condition = ${lookup{$sender_host_address}lsearch{/etc/friends}{1}{0}}\n  deny\n");
    let unjudged = &exim.unjudged()[0];
    assert!(unjudged.written.starts_with("condition = ${lookup"), "{unjudged:?}");
    assert_eq!(unjudged.place.as_ref().map(|place| place.line), Some(4));
    let Fate::Unknown { why, then } = exim.judge(&caller("192.0.2.7"), &Facts::default()).fate else { panic!("known") };
    assert!(why.in_lang(crate::model::Lang::En).contains("exim4.conf:4: condition"), "{why:?}");
    assert!(matches!(*then, Fate::Refused(_)), "{then:?}");
}

/// Lost if it fails: a scanner for spam would make every caller's fate unknown, or go unmentioned.
#[test]
fn conditions_on_the_message_are_named_and_decide_nothing() {
    let exim = exim(
        "acl_smtp_rcpt = rcpt\nacl_smtp_data = data\nbegin acl\nrcpt:\n  accept\ndata:\n  deny malware = *\n  \
         deny spam = nobody:true\n  deny condition = ${if >{$spam_score_int}{50}}\n  accept\n",
    );
    assert_eq!(exim.judge(&caller("192.0.2.7"), &Facts::default()).fate, Fate::Accepted);
    let named: Vec<&str> = exim.unjudged().iter().map(|one| one.written.as_str()).collect();
    assert_eq!(named, ["malware = *", "spam = nobody:true", "condition = ${if >{$spam_score_int}{50}}"]);
}

/// Lost if it fails: a customer's paid key would be shown.
#[test]
fn keys_are_never_shown() {
    let exim = rcpt(
        "  deny message = see $dnslist_domain\n   dnslists = abcdefgh23456.zen.dq.spamhaus.net : \
         ${lookup{a}lsearch{/x/abcdefgh23456.zen.dq.spamhaus.net}}\n  deny dnslists = abcdefgh23456.zen.dq.spamhaus.net\n  accept",
    );
    let zone = "abcdefgh23456.zen.dq.spamhaus.net";
    assert!(exim.asked_zones().iter().any(|asked| asked.zone == zone), "{:?}", exim.asked_zones());
    let judgement = exim.judge(&caller("192.0.2.7"), &listed(zone, "192.0.2.7"));
    let shown = format!("{judgement:?} {:?} {:?}", exim.unjudged(), exim.bare_rules());
    assert!(shown.contains("[key].zen.dq.spamhaus.net"), "{shown}");
    assert!(!shown.contains("abcdefgh"), "{shown}");
}

/// Lost if it fails: a letter beyond ASCII before a paid list would end the reading.
#[test]
fn a_key_may_stand_behind_any_letter() {
    let exim = rcpt("  deny dnslists = ünabcdefgh23456.zen.dq.spamhaus.net : \u{fffd}.zen.dq.spamhaus.net\n  accept");
    let shown = format!("{:?} {:?}", exim.unjudged(), exim.bare_rules());
    assert!(!shown.contains("nabcdefgh"), "{shown}");
}

/// Lost if it fails: a rule that takes a list's error code for a listing would be found by the bounces.
#[test]
fn bare_rules_are_corrected() {
    let exim = rcpt(
        "  deny dnslists = zen.spamhaus.org : bl.own.example\n  deny dnslists = dbl.spamhaus.org/$sender_address_domain\n  \
         deny dnslists = zen.spamhaus.org=127.0.0.2\n  accept",
    );
    let rules = exim.bare_rules();
    let corrected: Vec<&str> = rules.iter().map(|rule| rule.corrected.as_str()).collect();
    assert_eq!(corrected.len(), 2, "{corrected:?}");
    assert!(corrected[0].starts_with("zen.spamhaus.org=127.0.0.2,127.0.0.3,"), "{corrected:?}");
    assert!(
        corrected[1].starts_with("dbl.spamhaus.org=127.0.1.2,") && corrected[1].ends_with("/$sender_address_domain")
    );
    assert_eq!(rules[0].rule.place.as_ref().map(|place| place.line), Some(4));
}

/// Lost if it fails: the tool would hang on a configuration that Exim itself gives up.
#[test]
fn acls_that_ask_each_other_end() {
    let exim = rcpt("  accept acl = rcpt\n  deny !acl = rcpt\n  accept acl = rcpt");
    assert_eq!(refusal(&exim.judge(&caller("192.0.2.7"), &Facts::default())).reply, 451);
    let lists = exim_with_lists_in_a_circle();
    let judgement = lists.judge(&caller("192.0.2.7"), &Facts::default());
    assert_eq!(refusal(&judgement).reply, 451);
}

/// Lost if it fails: a configuration made for it would keep the tool busy for ever.
#[test]
fn acls_that_ask_many_acls_end() {
    let mut text = String::from("acl_smtp_rcpt = a0\nbegin acl\n");
    for level in 0..20 {
        text.push_str(&format!("a{level}:\n"));
        text.push_str(&format!("  warn acl = a{}\n", level + 1).repeat(10));
    }
    text.push_str("a20:\n  accept\n");
    let judgement = exim(&text).judge(&caller("192.0.2.7"), &Facts::default());
    assert_eq!(refusal(&judgement).text, "Administrative prohibition");
}

/// Lost if it fails: mail that is thrown away would be called delivered.
#[test]
fn what_is_thrown_away_is_not_accepted() {
    let exim = rcpt("  discard dnslists = bl.example\n  accept");
    let judgement = exim.judge(&caller("192.0.2.7"), &listed("bl.example", "192.0.2.7"));
    assert_eq!(refusal(&judgement).reply, 250);
    assert_eq!(exim.judge(&caller("192.0.2.8"), &said("bl.example", "192.0.2.8", Lookup::Absent)).fate, Fate::Accepted);
}

/// Lost if it fails: the way to hand over a configuration that Exim itself prints would not be read.
#[test]
fn what_exim_prints_of_itself_is_read() {
    let printed = "# Exim Configuration (4.96)\n# 1 \"/etc/exim4/exim4.conf\"\nA = bl.example\nacl_smtp_rcpt = rcpt\n\nbegin acl\n\n  \
                   rcpt:\n    deny dnslists = bl.example\n    message = no\n    accept\n\nbegin routers\n";
    let judgement = exim(printed).judge(&caller("192.0.2.7"), &listed("bl.example", "192.0.2.7"));
    assert_eq!(refusal(&judgement).text, "no");
}

fn exim_with_lists_in_a_circle() -> Exim {
    exim("acl_smtp_rcpt = rcpt\nhostlist a = +b\nhostlist b = +a\nbegin acl\nrcpt:\n  accept hosts = +a\n  deny\n")
}

/// Lost if it fails: the questions that decide would not be asked, or a warning be taken for a refusal.
#[test]
fn what_is_asked_and_what_is_only_logged() {
    let exim = rcpt(
        "  warn dnslists = bl.example\n       log_message = $sender_host_address in $dnslist_domain\n  \
         warn dnslists = names.example/$sender_helo_name : names.example/$sender_host_name : fixed.example/192.0.2.9\n  \
         accept hosts = host.example.org : *.example.org\n  accept",
    );
    let judgement = exim.judge(&caller("192.0.2.7"), &listed("bl.example", "192.0.2.7"));
    let logged: Vec<&str> = judgement.only_logged.iter().map(|refusal| refusal.text.as_str()).collect();
    assert_eq!(logged, ["192.0.2.7 in bl.example"]);
    assert_eq!(judgement.fate, Fate::Accepted);
    let asked: Vec<(&str, About)> = exim.asked_zones().iter().map(|asked| (asked.zone.as_str(), asked.about)).collect();
    let names = "names.example";
    assert_eq!(asked, [("bl.example", About::Client), (names, About::ClientName), (names, About::Helo)]);
    assert_eq!(exim.asked_always(), [("fixed.example".to_owned(), Target::Ip([192, 0, 2, 9].into()))]);
    assert_eq!(exim.asked_hosts().len(), 1);
    assert!(exim.wants_names());
    assert!(!rcpt("  accept hosts = 192.0.2.0/24").wants_names());
}

/// Lost if it fails: the allow-list beside the configuration would not count, or its absence make every prediction unsure.
#[test]
fn files_beside_the_configuration_are_read() {
    let acl = "acl_smtp_rcpt = rcpt\nbegin acl\nrcpt:\n  \
               accept hosts = ${if exists{/etc/exim4/friends}{/etc/exim4/friends}{}}\n  \
               accept hosts = ${if exists{/etc/exim4/absent}{/etc/exim4/absent}{}}\n  deny\n";
    let dir = folder(&[("exim4.conf", acl), ("friends", "192.0.2.0/29 # ours\n\n! 198.51.100.7\n198.51.100.0/24\n")]);
    let exim = Exim::read(&main(&dir)).unwrap();
    // What was read counts, whatever becomes of the file.
    std::fs::remove_file(dir.path().join("friends")).unwrap();
    for (ip, accepted) in [("192.0.2.7", true), ("192.0.2.8", false), ("198.51.100.7", false), ("198.51.100.8", true)] {
        assert_eq!(exim.judge(&caller(ip), &Facts::default()).fate == Fate::Accepted, accepted, "{ip}");
    }
    let named: Vec<&str> = exim.unjudged().iter().map(|one| one.written.as_str()).collect();
    assert_eq!(named, ["/etc/exim4/absent"]);
}

/// Lost if it fails: senders would be called refused that a smarthost vouches for, or let in that the DNS does not know.
#[test]
fn senders_are_verified_only_where_the_dns_routes_them() {
    let routed = |routers: &str| {
        exim(&format!(
            "domainlist local_domains = @ : example.co.jp\nacl_smtp_rcpt = rcpt\nbegin acl\nrcpt:\n  require verify = sender\n  \
             accept\nbegin routers\n{routers}"
        ))
    };
    let dns = "out:\n  driver = dnslookup\n  domains = ! +local_domains\n  no_more\nin:\n  driver = accept\n";
    let hub = "hub:\n  driver = manualroute\n  domains = \"hub.example : other.example\"\n";
    let at_times = dns.replace("no_more", "condition = ${if eq{$sender_host_address}{192.0.2.9}}\n  no_more");
    let all = "smart:\n  driver = manualroute\n  route_list = * smart.example\n";
    let mut facts = Facts::default();
    facts.domains.insert(DomainName::parse("example.org").unwrap(), crate::inbound::Existence::Missing);
    for (routers, sure) in
        [(dns.to_owned(), true), (format!("{hub}{dns}"), true), (format!("{all}{dns}"), false), (at_times, false)]
    {
        let judgement = routed(&routers).judge(&caller("192.0.2.7"), &facts);
        if sure {
            assert_eq!(refusal(&judgement).text, "Sender verify failed", "{routers}");
        } else {
            assert!(matches!(judgement.fate, Fate::Unknown { .. }), "{routers}: {judgement:?}");
        }
    }
}

/// Lost if it fails: a host that is let in by its name would be called refused, or one without a name let in.
#[test]
fn names_let_in() {
    let exim = rcpt("  accept hosts = *.example.org\n  deny");
    let fate = |naming: Option<Naming>| {
        let mut facts = Facts::default();
        facts.names.extend(naming.map(|naming| ("192.0.2.7".parse().unwrap(), naming)));
        exim.judge(&caller("192.0.2.7"), &facts).fate
    };
    let name = DomainName::parse("mail.example.org").unwrap();
    assert_eq!(fate(Some(Naming::Confirmed(name.clone()))), Fate::Accepted);
    assert!(matches!(fate(Some(Naming::Unconfirmed(name))), Fate::Refused(_)));
    assert!(matches!(fate(Some(Naming::Unanswered(None))), Fate::Unknown { .. }));
    assert!(matches!(fate(None), Fate::Unknown { .. }));
}

/// Lost if it fails: the reply that is shown to a partner's administrator would not be the one in his log.
#[test]
fn messages_may_bring_their_codes() {
    for (message, expected) in [
        ("554 5.7.1 no", (554, Some("5.7.1"), "no")),
        ("554 no", (554, None, "no")),
        ("451 4.7.1 no", (550, None, "no")),
        ("5.7.1 no", (550, None, "5.7.1 no")),
        ("no\\nreally", (550, None, "no really")),
        ("", (550, None, "Administrative prohibition")),
    ] {
        let judgement = rcpt(&format!("  deny message = {message}")).judge(&caller("192.0.2.7"), &Facts::default());
        let refused = refusal(&judgement);
        assert_eq!((refused.reply, refused.enhanced.as_deref(), refused.text.as_str()), expected, "{message}");
    }
}
