//! What the tool says of the servers of the world, run on a host of it.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::servers::World;
use crate::servers::certificates::Certificate;
use crate::servers::server::{Program, Server};
use crate::servers::tool::Plan;
use crate::world::run::Run;

const NEW: [&str; 2] = ["203.0.113.25", "2001:db8:25::25"];
const ON_NEW_SERVER: &[&str] = &["--on-new-server"];

/// The tags of what was found at this address, or could not be measured there.
fn tags<'r>(run: &'r Run, ip: &str) -> BTreeSet<&'r str> {
    let words = run.findings().into_iter().map(|line| line.split(' ').collect::<Vec<_>>());
    words.filter(|words| words[3] == ip).map(|words| words[2]).collect()
}

/// Whether this check had something good to say, and nothing else.
fn passes(run: &Run, check: &str) -> bool {
    let mut of_check = run.said.iter().filter_map(|line| line.strip_prefix(check)?.strip_prefix(' ')).peekable();
    of_check.peek().is_some() && of_check.all(|rest| rest.starts_with("passed ") || rest.starts_with("not-applicable "))
}

fn verdict(run: &Run) -> (i32, &str) {
    (run.exit, run.verdict.as_str())
}

/// Lost if it fails: what the tool says of the servers would be hidden under what is wrong with the names.
#[test]
fn nothing_is_wrong_with_the_names() {
    let Some(world) = World::start(&Server::new(Program::Exim)) else { return };
    let run = Plan::silent(&world).check(&world.desk, &[]);
    assert_eq!(verdict(&run), (0, "GO"), "{:#?}\n{}", run.findings(), world.logs());
}

/// Lost if it fails: a move between good servers would be held up.
#[test]
fn good_servers_may_be_switched() {
    for program in [Program::Exim, Program::Postfix] {
        let Some(world) = World::start(&Server::new(program)) else { return };
        let run = Plan::new(&world, "relay_probe = \"probe@someone-else.example\"", "").check(&world.desk, &[]);
        assert_eq!(run.exit, 0, "{program:?} {:#?}\n{}", run.findings(), world.logs());
        // Whose networks they are, and that the addresses are those of a laboratory, is always said.
        let mut expected = BTreeSet::from(["net-asn", "plan-ip-special"]);
        // Exim offers less than Postfix where hardly anybody misses it.
        if program == Program::Exim {
            expected.insert("smtp-extensions");
        }
        let all: BTreeSet<&str> = run.findings().into_iter().filter_map(|line| line.split(' ').nth(2)).collect();
        assert_eq!(all, expected, "{program:?}");
        for check in ["net-inbound", "smtp-service"] {
            assert!(passes(&run, check), "{program:?} {check}: {:#?}", run.said);
        }
    }
}

/// Lost if it fails: a new server that nobody has set up would be switched to.
#[test]
fn an_unprepared_server_is_refused() {
    for program in [Program::Exim, Program::Postfix] {
        let Some(world) = World::start(&Server::unprepared(program)) else { return };
        let run = Plan::new(&world, "", "").check(&world.desk, &[]);
        assert_eq!(verdict(&run), (1, "NO-GO"), "{program:?} {:#?}\n{}", run.findings(), world.logs());
        for ip in NEW {
            let found = tags(&run, ip);
            for tag in [
                "smtp-banner",
                "smtp-ehlo-name",
                "smtp-size",
                "smtp-recipients",
                "smtp-postmaster",
                "tls-cert-chain",
                "tls-cert-name",
            ] {
                assert!(found.contains(tag), "{program:?} {ip} {tag}: {found:?}");
            }
            for tag in [
                "net-inbound-25",
                "smtp-service",
                "smtp-unknown",
                "smtp-abuse",
                "smtp-relay",
                "smtp-auth-clear",
                "tls-starttls",
            ] {
                assert!(!found.contains(tag), "{program:?} {ip} {tag}: {found:?}");
            }
        }
        let refused = |mailbox: &str| {
            run.findings().iter().any(|line| line.contains(" smtp-recipients ") && line.ends_with(mailbox))
        };
        assert!(refused("sales@example.co.jp") && !refused("info@example.co.jp"), "{:#?}", run.findings());
        assert_eq!(tags(&run, "192.0.2.25"), BTreeSet::from(["net-asn"]), "{program:?}: the old server is good");
    }
}

/// Lost if it fails: passwords would travel in the clear, and mail to mistyped names would vanish.
#[test]
fn a_careless_server_is_told_what_it_does() {
    let Some(world) = World::start(&Server::careless()) else { return };
    let run = Plan::new(&world, "", "").check(&world.desk, &[]);
    for ip in NEW {
        let found = tags(&run, ip);
        for tag in ["smtp-auth-clear", "smtp-unknown", "tls-cert-expired", "tls-version-old"] {
            assert!(found.contains(tag), "{ip} {tag}: {found:?}\n{}", world.logs());
        }
        assert!(!found.contains("tls-cert-name"), "{ip}: {found:?}");
    }
}

/// Lost if it fails: our hello of old would be answered otherwise than a real client's.
#[test]
fn old_versions_of_tls_are_seen_as_openssl_sees_them() {
    for (program, old_tls) in
        [(Program::Exim, true), (Program::Postfix, true), (Program::Exim, false), (Program::Postfix, false)]
    {
        let Some(world) = World::start(&Server { old_tls, ..Server::new(program) }) else { return };
        let run = Plan::new(&world, "", "").check(&world.desk, &[]);
        let args =
            ["s_client", "-starttls", "smtp", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect", "203.0.113.25:25"];
        let openssl = world.desk.within(|| Command::new("openssl").args(args).stdin(Stdio::null()).output().unwrap());
        let said = String::from_utf8_lossy(&openssl.stdout);
        assert_eq!(said.contains("Protocol  : TLSv1.1") && openssl.status.success(), old_tls, "{program:?}: {said}");
        assert_eq!(run.says("tls-version-old", NEW[0]), old_tls, "{program:?} {:#?}", run.findings());
    }
}

/// Lost if it fails: a key that newer libraries refuse would go unnoticed, or be called a failed handshake.
#[test]
fn a_short_key_is_named() {
    let server = Server { certificate: Certificate::ShortKey, ..Server::new(Program::Postfix) };
    let Some(world) = World::start(&server) else { return };
    let run = Plan::new(&world, "", "").check(&world.desk, &[]);
    for ip in NEW {
        let found = tags(&run, ip);
        assert!(
            found.contains("tls-cert-key") && found.contains("tls-cert-chain"),
            "{ip}: {found:?}\n{}",
            world.logs()
        );
        assert!(!found.contains("tls-handshake"), "{ip}: {found:?}");
    }
}

/// Lost if it fails: spammers would find the open relay before its owner, on the day of the switch.
#[test]
fn an_open_relay_is_refused() {
    for program in [Program::Exim, Program::Postfix] {
        let server = Server { open_relay: true, ..Server::new(program) };
        let Some(world) = World::start(&server) else { return };
        let run = Plan::new(&world, "relay_probe = \"probe@someone-else.example\"", "").check(&world.desk, &[]);
        assert_eq!(verdict(&run), (1, "NO-GO"), "{program:?} {:#?}\n{}", run.findings(), world.logs());
        for ip in NEW {
            assert!(run.says("smtp-relay", ip), "{program:?} {ip}: {:#?}", run.findings());
        }
        assert!(!run.says("smtp-relay", "192.0.2.25"), "{program:?}: only the new server is open");
    }
}

/// Lost if it fails: Exim would hang up in the middle, because it counts what belongs to no message, and most mailboxes of a plan
/// would never be asked for.
#[test]
fn many_mailboxes_are_asked_for() {
    const MAILBOXES: [&str; 18] = [
        "info",
        "sales",
        "a01",
        "a02",
        "a03",
        "a04",
        "a05",
        "a06",
        "a07",
        "a08",
        "a09",
        "a10",
        "a11",
        "a12",
        "a13",
        "a14",
        "postmaster",
        "abuse",
    ];
    let written: Vec<String> = MAILBOXES.iter().map(|local| format!("{local}@example.co.jp")).collect();
    let written: Vec<&str> = written.iter().map(String::as_str).collect();
    for program in [Program::Exim, Program::Postfix] {
        let Some(world) = World::start(&Server { mailboxes: MAILBOXES.to_vec(), ..Server::new(program) }) else {
            return;
        };
        let run = Plan::naming(&world, &written).check(&world.desk, &[]);
        for check in ["smtp-recipients", "smtp-unknown", "smtp-roles"] {
            assert!(passes(&run, check), "{program:?} {check}: {:#?}\n{}", run.findings(), world.logs());
        }
    }
}

/// Lost if it fails: a tunnel to one server would show that port 25 leaves the office, and the others would be called dead.
#[test]
fn a_tunnel_shows_no_way_out() {
    let Some(world) = World::start(&Server::new(Program::Exim)) else { return };
    world.desk.drop_outbound_25();
    let tunnel = "connect = { \"203.0.113.25:25\" = \"203.0.113.25:587\" }";
    let run = Plan::new(&world, tunnel, "").check(&world.desk, &[]);
    assert!(run.says("net-inbound-25-vantage", "192.0.2.25"), "{:#?}\n{}", run.findings(), world.logs());
    assert!(!run.says("smtp-old-alive", "192.0.2.25"), "{:#?}", run.findings());
}

/// Lost if it fails: an office that lets no port 25 out would call every server dead.
#[test]
fn behind_a_wall_nothing_is_known() {
    let Some(world) = World::start(&Server::new(Program::Exim)) else { return };
    world.desk.drop_outbound_25();
    let run = Plan::new(&world, "", "").check(&world.desk, &[]);
    assert_eq!(verdict(&run), (3, "HOLD"), "{:#?}\n{}", run.findings(), world.logs());
    for ip in ["192.0.2.25", NEW[0], NEW[1]] {
        assert!(run.says("net-inbound-25-vantage", ip), "{ip}: {:#?}", run.findings());
    }
    for tag in ["net-inbound-25", "smtp-old-alive", "smtp-service", "smtp-refuses"] {
        assert!(!run.said.iter().any(|line| line.contains(&format!(" {tag} "))), "{tag}: {:#?}", run.findings());
    }
    for family in ["IPv4", "IPv6"] {
        assert!(run.text.contains(&format!("this machine reached no port 25 over {family} at all")), "{}", run.text);
    }
}

/// Lost if it fails: a good new server would be called one that cannot send, or one whose sending nobody has seen would be let go.
#[test]
fn the_new_server_sees_that_it_can_send() {
    let Some(world) = World::start_with(&Server::new(Program::Postfix), &[("zen.spamhaus.org", HEALTHY)]) else {
        return;
    };
    let plan = Plan::new(&world, "", INBOUND);
    let inside = plan.check(&world.new, ON_NEW_SERVER);
    for check in ["net-outbound", "net-egress"] {
        assert!(passes(&inside, check), "{check}: {:#?}\n{}", inside.said, world.logs());
    }
    assert!(!inside.said.iter().any(|line| line.contains("rbl-in-resolver")), "{:#?}", inside.findings());
    // What it cannot see of itself, others see.
    assert_eq!(verdict(&inside), (3, "HOLD"), "{:#?}", inside.findings());
    assert!(inside.says("net-inbound-25-own", NEW[0]), "{:#?}", inside.findings());
    let outside = plan.check(&world.desk, &[]);
    let both = plan.merge(&outside, &inside);
    assert_eq!(both.exit, 0, "{:#?}", both.findings());
}

/// Lost if it fails: the provider's closed port 25 would be found by the queue that grows after the switch.
#[test]
fn the_new_server_sees_that_it_cannot_send() {
    let Some(world) = World::start(&Server::new(Program::Exim)) else { return };
    world.new.drop_outbound_25();
    let run = Plan::new(&world, "", "").check(&world.new, ON_NEW_SERVER);
    assert_eq!(verdict(&run), (1, "NO-GO"), "{:#?}\n{}", run.findings(), world.logs());
    assert!(run.findings().iter().any(|line| line.contains(" net-outbound-25 ")), "{:#?}", run.findings());
}

/// Lost if it fails: mail would leave from an address that has no name, no SPF and no reputation.
#[test]
fn the_new_server_sees_where_its_mail_leaves() {
    let Some(world) = World::start(&Server::new(Program::Exim)) else { return };
    world.new.leave_from("203.0.113.99");
    let run = Plan::new(&world, "", "").check(&world.new, ON_NEW_SERVER);
    assert_eq!(verdict(&run), (1, "NO-GO"), "{:#?}\n{}", run.findings(), world.logs());
    assert!(run.findings().iter().any(|line| line.contains(" net-egress-ip ")), "{:#?}", run.findings());
    assert!(run.text.contains("203.0.113.99"), "{}", run.text);
}

/// The list that the new server will enforce, in good health (RFC 5782, section 5).
const INBOUND: &str = "[inbound_dnsbl]\nzones = [\"zen.spamhaus.org\"]\n";
const HEALTHY: &str = "2.0.0.127 A 127.0.0.2\n2.0.0.127 A 127.0.0.4\n2.0.0.127 A 127.0.0.10\n\
    2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 A 127.0.0.2\n";
/// The same as it answers a resolver that it refuses.
const REFUSING: &str = "* A 127.255.255.254\n";

/// Lost if it fails: the new server would bounce every partner's mail, because a list that refuses its resolver answers everything.
#[test]
fn a_list_that_refuses_the_new_servers_resolver_is_seen_there() {
    let Some(world) = World::start_with(&Server::new(Program::Exim), &[("zen.spamhaus.org", REFUSING)]) else { return };
    let run = Plan::new(&world, "", INBOUND).check(&world.new, ON_NEW_SERVER);
    assert_eq!(verdict(&run), (1, "NO-GO"), "{:#?}\n{}", run.findings(), world.logs());
    assert!(run.findings().iter().any(|line| line.contains(" rbl-in-resolver ")), "{:#?}", run.findings());
}
