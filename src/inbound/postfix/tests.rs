//! The policy as a whole: what is judged, what is in doubt, what is named, and what hostile files do.

use std::io;
use std::path::Path;

use super::*;
use crate::catalogue::Target;
use crate::dnsbl::Lookup;
use crate::inbound::{Fate, Naming, Refusal};
use crate::model::{DomainName, Lang};
use crate::probe::{Answer, ResponseCode};

const SMTPD: &str = "smtp inet n - y - - smtpd\n";
const BOTH: &str = "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n";

fn read(files: &[(&str, &[u8])]) -> Result<Postfix, PostfixError> {
    let found = |path: &Path| {
        let file = files.iter().find(|(name, _)| Path::new("conf").join(name) == path);
        file.map(|(_, bytes)| bytes.to_vec()).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    };
    Postfix::open_with(Path::new("conf/main.cf"), None, &found)
}

fn policy(main: &str, master: &str) -> Postfix {
    let main = format!("compatibility_level = 3.6\nmynetworks = 127.0.0.0/8\n{main}\n");
    read(&[("main.cf", main.as_bytes()), ("master.cf", master.as_bytes())]).unwrap()
}

fn name(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

fn caller(ip: &str) -> Caller {
    Caller { ip: ip.parse().unwrap(), helo: Some("mail.example.com".to_owned()), sender: Some(name("example.com")) }
}

/// What these zones say of 192.0.2.1; nothing is an error.
fn facts(zones: &[(&str, Option<&[[u8; 4]]>)]) -> Facts {
    let mut facts = Facts::default();
    for (zone, answers) in zones {
        let lookup = match answers {
            Some([]) => Lookup::Absent,
            Some(codes) => Lookup::Addresses(codes.iter().map(|code| (*code).into()).collect()),
            None => Lookup::Failed(Answer::Rcode(ResponseCode::ServFail)),
        };
        facts.zones.insert(((*zone).to_owned(), Target::Ip("192.0.2.1".parse().unwrap())), lookup);
    }
    facts
}

/// Short: `taken`, the reply code, and a `?` where it is in doubt.
fn fate(policy: &Postfix, facts: &Facts) -> String {
    let short = |fate: &Fate| match fate {
        Fate::Accepted => "taken".to_owned(),
        Fate::Refused(Refusal { reply, .. }) => reply.to_string(),
        Fate::Unknown { .. } => "?".to_owned(),
    };
    match policy.judge(&caller("192.0.2.1"), facts).fate {
        Fate::Unknown { then, .. } => format!("{}?", short(&then)),
        known => short(&known),
    }
}

const LISTED: Option<&[[u8; 4]]> = Some(&[[127, 0, 0, 2]]);
const ABSENT: Option<&[[u8; 4]]> = Some(&[]);

/// Lost if it fails: a list that does not answer would be reported as "not listed", or make everything unknown although another rule
/// decides.
#[test]
fn doubt_is_told_where_it_decides() {
    let rule = "smtpd_client_restrictions = reject_rbl_client a.test, reject_rbl_client b.test=127.0.0.2";
    let allow = "smtpd_client_restrictions = permit_dnswl_client a.test, reject_rbl_client b.test";
    let apart =
        "smtpd_client_restrictions = permit_dnswl_client a.test\nsmtpd_helo_restrictions = reject_rbl_client b.test";
    let warn = "smtpd_client_restrictions = warn_if_reject reject_rbl_client a.test, reject_rbl_client b.test";
    let screen =
        "postscreen_dnsbl_sites = a.test*2 b.test*2\npostscreen_dnsbl_threshold = 3\npostscreen_dnsbl_action = drop";
    let lone =
        "postscreen_dnsbl_sites = a.test*1 b.test*3\npostscreen_dnsbl_threshold = 3\npostscreen_dnsbl_action = enforce";
    for (main, master, a, b, expected) in [
        (rule, SMTPD, ABSENT, ABSENT, "taken"),
        (rule, SMTPD, None, ABSENT, "taken?"),
        (rule, SMTPD, None, LISTED, "554"),
        (allow, SMTPD, None, ABSENT, "taken"),
        (allow, SMTPD, None, LISTED, "450?"),
        (allow, SMTPD, LISTED, LISTED, "taken"),
        (apart, SMTPD, None, LISTED, "554"),
        (warn, SMTPD, None, ABSENT, "taken"),
        (screen, BOTH, None, ABSENT, "taken"),
        (screen, BOTH, None, LISTED, "taken?"),
        (screen, BOTH, LISTED, LISTED, "521"),
        (lone, BOTH, None, LISTED, "550"),
        (lone, BOTH, LISTED, None, "taken?"),
    ] {
        assert_eq!(
            fate(&policy(main, master), &facts(&[("a.test", a), ("b.test", b)])),
            expected,
            "{main} {a:?} {b:?}"
        );
    }
    // What nobody asked is no answer.
    assert_eq!(fate(&policy(rule, SMTPD), &Facts::default()), "taken?");
    let judgement = policy(rule, SMTPD).judge(&caller("192.0.2.1"), &facts(&[("a.test", None), ("b.test", ABSENT)]));
    let Fate::Unknown { why, .. } = judgement.fate else { panic!("{judgement:?}") };
    assert!(
        why.in_lang(Lang::En).contains("a.test was asked about the client's address: the server answered SERVFAIL")
    );
    assert!(why.in_lang(Lang::En).ends_with("Postfix then goes on as if it were not listed"), "{why:?}");
    assert!(why.in_lang(Lang::Ja).contains("未登録として"), "{why:?}");
}

/// Lost if it fails: a report would point to the wrong rule, or hide what is only logged.
#[test]
fn a_refusal_names_its_rule_and_what_was_only_logged() {
    let main = "smtpd_recipient_restrictions = reject_unauth_destination,\n  warn_if_reject reject_rbl_client a.test\n  reject_rbl_client\n  B.test.=127.0.0.[2..4]";
    let judgement = policy(main, SMTPD).judge(&caller("192.0.2.1"), &facts(&[("a.test", LISTED), ("b.test", LISTED)]));
    let Fate::Refused(refusal) = judgement.fate else { panic!("{judgement:?}") };
    assert_eq!(refusal.rule.section, "smtpd_recipient_restrictions");
    assert_eq!(refusal.rule.written, "reject_rbl_client B.test.=127.0.0.[2..4]");
    assert_eq!(refusal.rule.place.map(|place| (place.file, place.line)), Some(("conf/main.cf".to_owned(), 5)));
    assert_eq!(refusal.codes, [std::net::Ipv4Addr::new(127, 0, 0, 2)]);
    assert_eq!((refusal.reply, refusal.enhanced.as_deref()), (554, Some("5.7.1")));
    assert_eq!(refusal.text, "Service unavailable; Client host [192.0.2.1] blocked using B.test.");
    let logged: Vec<&str> = judgement.only_logged.iter().map(|one| one.rule.written.as_str()).collect();
    assert_eq!(logged, ["reject_rbl_client a.test"]);
    let asked = policy(main, SMTPD).asked_zones();
    assert_eq!(asked.iter().map(|asked| asked.zone.as_str()).collect::<Vec<_>>(), ["a.test", "b.test"]);
}

/// Lost if it fails: something that may refuse a partner would be passed over in silence.
#[test]
fn what_is_not_judged_is_named_and_makes_the_fate_doubtful() {
    for (line, doubtful) in [
        ("smtpd_client_restrictions = check_policy_service unix:private/grey", "taken?"),
        ("smtpd_client_restrictions = check_client_access pcre:/etc/postfix/x", "taken?"),
        ("smtpd_client_restrictions = check_client_access hash:/etc/postfix/absent", "taken?"),
        ("smtpd_client_restrictions = check_client_access mysql:/etc/postfix/x", "taken?"),
        ("smtpd_sender_restrictions = check_sender_mx_access cidr:/etc/postfix/x", "taken?"),
        ("smtpd_sender_restrictions = reject_unverified_sender", "taken?"),
        ("smtpd_recipient_restrictions = check_recipient_access inline:{a@example.jp=reject}", "taken?"),
        ("smtpd_recipient_restrictions = check_recipient_access inline:{a@example.jp=OK}", "taken"),
        ("smtpd_client_restrictions = $a\na = $b\nb = x $a", "421"),
        ("smtpd_restriction_classes = c\nc = c\nsmtpd_client_restrictions = c", "421"),
        ("smtpd_client_restrictions = check_client_access inline:{{192.0.2=DISCARD x}}", "taken?"),
        ("smtpd_client_restrictions = reject_rbl_clients a.test", "451"),
        ("smtpd_client_restrictions = check_client_access nonsense", "451"),
        ("smtpd_client_restrictions = check_client_access inline:{{192.0.2=check_x cidr:y}}", "451"),
        ("smtpd_client_restrictions = reject_rbl_client a.test=127.0.0.x", "421"),
        ("smtpd_relay_restrictions = permit_mynetworks", "421"),
        ("smtpd_milters = inet:localhost:1", "taken"),
        ("content_filter = smtp:[127.0.0.1]:10024", "taken"),
        ("unknown_client_reject_code = many", "421"),
        ("smtpd_delay_reject = perhaps", "421"),
        ("smtpd_client_restrictions = $mydestination", "taken?"),
        ("smtpd_tls_security_level = encrypt", "taken?"),
        ("smtpd_enforce_tls = yes", "taken?"),
        ("smtpd_tls_wrappermode = yes", "taken?"),
        ("mime_header_checks = regexp:/etc/postfix/x", "taken"),
        ("smtpd_command_filter = pcre:/etc/postfix/x", "taken"),
        ("smtpd_client_message_rate_limit = 10", "taken"),
        ("smtpd_client_restrictions = reject_rbl_client", "taken"),
        ("mynetworks = 192.0.2.7/24", "451"),
        ("mynetworks = hash:/etc/postfix/x\nsmtpd_client_restrictions = permit_mynetworks, reject", "554?"),
        ("no value here", "421"),
    ] {
        let policy = policy(line, SMTPD);
        assert_eq!(fate(&policy, &Facts::default()), doubtful, "{line}");
        let note = policy.unjudged().iter().find(|note| note.place.is_some()).unwrap_or_else(|| panic!("{line}"));
        assert!(note.why.differs(), "{line}: {note:?}");
    }
    assert!(policy("smtpd_client_restrictions = permit", SMTPD).unjudged().is_empty());
    assert!(policy("smtpd_tls_security_level = may", SMTPD).unjudged().is_empty());
    // What postconf says beside what it prints stops no server.
    let printed = policy("/usr/sbin/postconf: warning: /etc/postfix/main.cf: unused parameter: a=b", SMTPD);
    assert_eq!((fate(&printed, &Facts::default()).as_str(), printed.unjudged().len()), ("taken", 1));
    // A rule that only warns cannot refuse.
    let warns = policy("smtpd_client_restrictions = warn_if_reject check_policy_service unix:x, reject", SMTPD);
    assert_eq!(fate(&warns, &Facts::default()), "554?");
}

/// Lost if it fails: the settings of main.cf would be judged although master.cf overrides them, or postscreen be overlooked.
#[test]
fn master_cf_says_what_runs() {
    let main = "postscreen_dnsbl_sites = a.test\npostscreen_dnsbl_action = drop\nsmtpd_client_restrictions = reject";
    let over = |program: &str| format!("{program} -o smtpd_client_restrictions=permit\n");
    let listed = facts(&[("a.test", LISTED)]);
    assert_eq!(fate(&policy(main, BOTH), &listed), "521");
    assert_eq!(fate(&policy(main, BOTH), &facts(&[("a.test", ABSENT)])), "554");
    assert_eq!(fate(&policy(main, &over("25 inet n - y - - smtpd")), &listed), "taken");
    assert_eq!(fate(&policy(main, &over("submission inet n - y - - smtpd")), &listed), "554");
    // What listens for the machine itself meets no stranger; what else listens at port 25 may be the one that he meets.
    let inner = "127.0.0.1:smtp inet n - y - - smtpd -o smtpd_client_restrictions=permit\n";
    assert_eq!(fate(&policy(main, &format!("{inner}{SMTPD}")), &listed), "554");
    for (master, expected) in [
        (
            "192.0.2.25:25 inet n - y - - smtpd\n192.0.2.26:25 inet n - y - - smtpd -o smtpd_client_restrictions=reject\n",
            "taken?",
        ),
        ("submission inet n - y - - smtpd\n", "taken?"),
        ("smtp inet n - y - - haproxy\n", "taken?"),
        ("smtp inet n - y - 1 postscreen\n", "taken?"),
    ] {
        assert_eq!(fate(&policy("", master), &Facts::default()), expected, "{master}");
    }
    assert_eq!(fate(&policy("master_service_disable = inet", SMTPD), &Facts::default()), "taken?");
    let alone = read(&[("main.cf", format!("compatibility_level = 2\n{main}").as_bytes())]).unwrap();
    assert_eq!(fate(&alone, &listed), "521");
    assert_eq!(alone.unjudged().first().map(|note| note.written.as_str()), Some("master.cf"));
}

/// Lost if it fails: an IPv4-mapped client would be asked about as IPv6, and never be found on a list.
#[test]
fn mapped_clients_are_ipv4() {
    let main = "mynetworks = 203.0.113.0/24\nsmtpd_client_restrictions = permit_mynetworks, reject_rbl_client a.test";
    let policy = policy(main, SMTPD);
    let reply = |ip: &str| match policy.judge(&caller(ip), &facts(&[("a.test", LISTED)])).fate {
        Fate::Refused(refusal) => refusal.text,
        other => format!("{other:?}"),
    };
    assert_eq!(reply("::ffff:192.0.2.1"), "Service unavailable; Client host [192.0.2.1] blocked using a.test");
    assert_eq!(reply("::ffff:203.0.113.9"), "Accepted");
    assert!(reply("2001:db8::1").starts_with("Unknown"));
}

/// Lost if it fails: a client whose name nobody could look up would be said to be refused for good.
#[test]
fn names_decide_as_they_were_answered() {
    let main = "unknown_client_reject_code = 550\nsmtpd_client_restrictions = reject_unknown_client_hostname";
    let policy = policy(main, SMTPD);
    assert!(policy.wants_names());
    let with = |naming: Option<Naming>| {
        let mut facts = Facts::default();
        facts.names.extend(naming.map(|naming| ("192.0.2.1".parse().unwrap(), naming)));
        fate(&policy, &facts)
    };
    assert_eq!(with(Some(Naming::Confirmed(name("mail.example.com")))), "taken");
    assert_eq!(with(Some(Naming::Unconfirmed(name("mail.example.com")))), "550");
    assert_eq!(with(Some(Naming::Nameless)), "550");
    assert_eq!(with(Some(Naming::Unanswered(None))), "450?");
    assert_eq!(with(None), "450?");
}

/// Lost if it fails: a client in a domain of few letters would be judged as one without a name, although a table refuses its name.
#[test]
fn names_are_asked_for_whatever_letters_they_have() {
    let main = "smtpd_client_restrictions = check_client_access inline:{ee=reject}";
    let policy = policy(main, SMTPD);
    assert!(policy.wants_names());
    let mut facts = Facts::default();
    assert_eq!(fate(&policy, &facts), "taken?");
    facts.names.insert("192.0.2.1".parse().unwrap(), Naming::Confirmed(name("mail.firma.ee")));
    assert_eq!(fate(&policy, &facts), "554");
}

/// Lost if it fails: a rule that takes an error code for a listing would be kept, or its correction not be one.
#[test]
fn bare_rules_have_a_correction() {
    let main = "postscreen_dnsbl_sites = zen.spamhaus.org*3 a.test=127.0.0.2 list.dnswl.org*-2\n\
                smtpd_client_restrictions = reject_rbl_client zen.spamhaus.org, reject_rbl_client a.test\n  \
                permit_dnswl_client list.dnswl.org, reject_rbl_client b.test=127.0.0.2, reject_rhsbl_helo abcdefghijklmnop1.dbl.dq.spamhaus.net";
    let bare = policy(main, BOTH).bare_rules();
    let shown: Vec<(&str, &str, bool)> =
        bare.iter().map(|one| (one.rule.written.as_str(), one.corrected.as_str(), one.permits)).collect();
    assert_eq!(shown[0], ("zen.spamhaus.org*3", "zen.spamhaus.org=127.0.0.[2..11;30]*3", false));
    assert_eq!(shown[1], ("list.dnswl.org*-2", "list.dnswl.org=127.0.[0..255].[1..254]*-2", true));
    assert_eq!(
        shown[2],
        ("reject_rbl_client zen.spamhaus.org", "reject_rbl_client zen.spamhaus.org=127.0.0.[2..11;30]", false)
    );
    assert_eq!(shown[3], ("reject_rbl_client a.test", "reject_rbl_client a.test=127.0.0.[2..254]", false));
    assert_eq!(shown[4].1, "permit_dnswl_client list.dnswl.org=127.0.[0..255].[1..254]");
    assert!(shown[5].1.starts_with("reject_rhsbl_helo [key].dbl.dq.spamhaus.net="), "{:?}", shown[5]);
    assert_eq!(shown.len(), 6);
    for (_, corrected, _) in shown {
        for one in corrected.split(", ") {
            let filter = one.split_once('=').unwrap().1;
            let filter = filter.split('*').next().unwrap();
            assert!(filter.parse::<filter::Filter>().is_ok(), "{corrected}");
        }
    }
}

/// Lost if it fails: a customer's key would stand in the report.
#[test]
fn keys_are_in_no_output() {
    let main = "smtpd_client_restrictions = reject_rbl_client secretkey.zen.dq.spamhaus.net=127.0.0.[2..11]\n\
                postscreen_dnsbl_sites = secretkey.zen.dq.spamhaus.net*3 secretkey.zen.dq.spamhaus.net*x\npostscreen_dnsbl_threshold = 9\n\
                smtpd_helo_restrictions = reject_rbl_clients secretkey.zen.dq.spamhaus.net\n\
                reject_rbl_client secretkey.zen.dq.spamhaus.net\n\
                smtpd_sender_restrictions = ${secretkey.zen.dq.spamhaus.net";
    let policy = policy(main, BOTH);
    let judgement = policy.judge(&caller("192.0.2.1"), &facts(&[("secretkey.zen.dq.spamhaus.net", LISTED)]));
    assert!(matches!(judgement.fate, Fate::Refused(_)), "{judgement:?}");
    let doubt = policy.judge(&caller("192.0.2.1"), &Facts::default());
    let shown = format!("{judgement:?} {doubt:?} {:?} {:?}", policy.unjudged(), policy.bare_rules());
    assert!(!shown.contains("secretkey"), "{shown}");
    assert!(shown.contains("[key].zen.dq.spamhaus.net"), "{shown}");
}

/// Lost if it fails: a file that is no main.cf would crash or hang the tool, fill the report, or repaint the terminal.
#[test]
fn hostile_files_end_in_an_error_or_a_note() {
    let mut garbage: Vec<u8> =
        (0..200_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(matches!(read(&[("main.cf", &[0, 1, 2])]), Err(PostfixError::Empty { .. })));
    garbage.extend_from_slice(b"\nsmtpd_client_restrictions = reject\n");
    for one in read(&[("main.cf", &garbage), ("master.cf", &garbage)]).unwrap().unjudged() {
        assert!(!one.written.contains(|c: char| c.is_control()), "{one:?}");
    }
    let long = format!("smtpd_client_restrictions = {}\nlong = {}\n", "permit,".repeat(1000), "x y ".repeat(2_500_000));
    let policy = read(&[("main.cf", long.as_bytes()), ("master.cf", SMTPD.as_bytes())]).unwrap();
    assert_eq!(fate(&policy, &Facts::default()), "421");
    let long = format!("smtpd_client_restrictions = {}\n", "reject_rbl_client a.test ".repeat(400_000));
    let policy = read(&[("main.cf", long.as_bytes()), ("master.cf", SMTPD.as_bytes())]).unwrap();
    assert!(
        policy.unjudged().iter().any(|note| note.why.in_lang(Lang::En).contains("1 MiB")),
        "{:?}",
        policy.unjudged()
    );
    let many = "no value\n".repeat(50_000) + "a = b";
    assert!(read(&[("main.cf", many.as_bytes())]).unwrap().unjudged().len() <= MOST_UNJUDGED);
}
