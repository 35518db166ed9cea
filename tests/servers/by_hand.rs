//! What the servers of the world say to a plain client: without this, no verdict over them means anything.

use std::net::SocketAddr;

use crate::servers::World;
use crate::servers::client::{Session, reach};
use crate::servers::server::{LOGIN, Program, Server};

const OLD: &str = "192.0.2.25:25";
const NEW: &str = "203.0.113.25:25";
const NEW_V6: &str = "[2001:db8:25::25]:25";
const WITNESSES: [&str; 4] = ["198.18.1.25:25", "198.19.1.25:25", "[2001:db8:1801::25]:25", "[2001:db8:1901::25]:25"];

fn at(server: &str) -> SocketAddr {
    server.parse().unwrap()
}

/// A session, and what it said to EHLO, a line each.
fn greeted(server: &str) -> (Session, Vec<String>) {
    let mut session = Session::open(at(server));
    let lines = session.greet().lines().map(str::to_owned).collect();
    (session, lines)
}

/// Which of these mailboxes a stranger may write to.
fn taken<'a>(session: &mut Session, mailboxes: &[&'a str]) -> Vec<&'a str> {
    mailboxes.iter().copied().filter(|mailbox| session.takes("somebody@one.example", mailbox)).collect()
}

/// Which of these do not answer at all; none of them may refuse.
fn silent<'a>(servers: &[&'a str]) -> Vec<&'a str> {
    let tries = |server: &&'a str| match reach(at(server)) {
        Ok(()) => None,
        Err(why) if why.contains("timed out") => Some(*server),
        Err(why) => panic!("{why}"),
    };
    // Threads stay in the namespace of the one that starts them.
    std::thread::scope(|scope| {
        let tried: Vec<_> = servers.iter().map(|server| scope.spawn(move || tries(server))).collect();
        tried.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    })
}

const MAILBOXES: [&str; 7] = [
    "info@example.co.jp",
    "sales@example.co.jp",
    "postmaster@example.co.jp",
    "postmaster",
    "abuse@example.co.jp",
    "nobody-has-this-name@example.co.jp",
    "probe@someone-else.example",
];

/// Lost if it fails: every verdict over good servers would stand on sand.
#[test]
fn good_servers_say_what_good_servers_say() {
    for program in [Program::Exim, Program::Postfix] {
        let Some(world) = World::start(&Server::new(program)) else { return };
        let authority = world.authority.as_str();
        world.desk.within(|| {
            for (server, name, size) in [
                (OLD, "mx-old.example.co.jp", "SIZE 52428800"),
                (NEW, "mail.example.co.jp", "SIZE 62914560"),
                (NEW_V6, "mail.example.co.jp", "SIZE 62914560"),
            ] {
                let (mut session, lines) = greeted(server);
                assert!(session.banner.starts_with(&format!("220 {name} ESMTP")), "{}", session.banner);
                let offers = |word: &str| lines.iter().any(|line| &line[4..] == word);
                assert!(lines[0].starts_with(&format!("250-{name}")) && offers(size), "{lines:?}");
                assert!(offers("STARTTLS") && !lines.iter().any(|line| line.contains("AUTH")), "{lines:?}");
                assert_eq!(taken(&mut session, &MAILBOXES), MAILBOXES[..5], "{program:?} {server}");
                assert!(session.takes("", "info@example.co.jp"), "a bounce");
                let mut session = session.start_tls(name, authority).unwrap();
                assert!(!session.greet().contains("STARTTLS"), "{program:?}");
                assert!(session.takes("somebody@one.example", "info@example.co.jp"), "{program:?}");

                // Where people hand mail in: TLS at once or first, then a password.
                let own = at(server).ip();
                let mut session = Session::open(SocketAddr::new(own, 587));
                assert!(!session.greet().contains("AUTH"), "{program:?}");
                let first = session.start_tls(name, authority).unwrap();
                let at_once = Session::open_tls(SocketAddr::new(own, 465), name, authority).unwrap();
                for mut session in [first, at_once] {
                    let reply = session.greet();
                    assert!(reply.lines().any(|line| line[4..] == *"AUTH PLAIN"), "{program:?} {reply}");
                    assert!(!session.takes("somebody@one.example", "info@example.co.jp"), "{program:?}");
                    if server != OLD && program == Program::Exim {
                        session.say("RSET");
                        let reply = session.say(&format!("AUTH PLAIN {LOGIN}"));
                        assert!(reply.starts_with("235"), "{reply}");
                        assert!(session.takes("info@example.co.jp", "probe@someone-else.example"));
                    }
                }
            }
            for witness in WITNESSES {
                let (mut session, lines) = greeted(witness);
                // Exim says whom it sees.
                let from = if witness.starts_with('[') { "[2001:db8:51::10]" } else { "[198.51.100.10]" };
                assert!(lines[0].ends_with(from), "{lines:?}");
                assert!(!session.takes("info@example.co.jp", "probe@someone-else.example"));
            }
        });
    }
}

/// Lost if it fails: a bad server would be refused for something else than what is bad about it.
#[test]
fn bad_servers_are_as_bad_as_they_should_be() {
    for program in [Program::Exim, Program::Postfix] {
        let Some(world) = World::start(&Server::unprepared(program)) else { return };
        let authority = world.authority.as_str();
        world.desk.within(|| {
            let (mut session, lines) = greeted(NEW);
            assert!(session.banner.starts_with("220 localhost.localdomain ESMTP"), "{}", session.banner);
            assert!(lines[0].starts_with("250-localhost.localdomain"), "{lines:?}");
            assert!(lines.contains(&"250-SIZE 10485760".to_owned()), "{lines:?}");
            // Postfix takes mail for the bare name always.
            let left: &[&str] = if program == Program::Exim { &[] } else { &["postmaster"] };
            let expected = [&["info@example.co.jp"], left, &["abuse@example.co.jp"]].concat();
            assert_eq!(taken(&mut session, &MAILBOXES), expected, "{program:?}");
            let refused = session.start_tls("mx-old.example.co.jp", authority).err();
            assert_eq!(refused.as_deref(), Some("invalid peer certificate: UnknownIssuer"), "{program:?}");
        });
    }
    let Some(world) = World::start(&Server::careless()) else { return };
    world.desk.within(|| {
        let (mut session, lines) = greeted(NEW);
        assert!(lines.contains(&"250-AUTH PLAIN".to_owned()), "{lines:?}");
        assert_eq!(taken(&mut session, &MAILBOXES), MAILBOXES[..6]);
        let refused = session.start_tls("mail.example.co.jp", &world.authority).err().unwrap_or_default();
        assert!(refused.starts_with("invalid peer certificate: certificate expired"), "{refused}");
    });
}

/// Lost if it fails: an open relay would not be found because there is none.
#[test]
fn an_open_relay_takes_mail_for_everybody() {
    for program in [Program::Exim, Program::Postfix] {
        let server = Server { open_relay: true, ..Server::new(program) };
        let Some(world) = World::start(&server) else { return };
        let relays = |from: &str| {
            let mut session = Session::open(at(NEW));
            session.greet();
            session.takes(from, "probe@someone-else.example")
        };
        assert!(world.desk.within(|| relays("somebody@one.example")), "{program:?}");
    }
}

/// Lost if it fails: a wall that lets port 25 through, or stops more than that, proves nothing about those who stand behind it.
#[test]
fn a_wall_stops_port_25_and_nothing_else() {
    const BESIDE: [&str; 3] = ["192.0.2.25:587", "203.0.113.25:465", "[2001:db8:53::53]:53"];
    let Some(world) = World::start(&Server::new(Program::Exim)) else { return };
    let outside = [&[OLD], WITNESSES.as_slice()].concat();
    world.new.within(|| assert_eq!(silent(&outside), [""; 0]));
    world.desk.within(|| assert_eq!(silent(&[OLD, NEW, NEW_V6]), [""; 0]));
    world.new.drop_outbound_25();
    world.desk.drop_outbound_25();
    for from in [&world.new, &world.desk] {
        from.within(|| assert_eq!(silent(&[outside.as_slice(), &BESIDE].concat()), outside));
    }
    world.desk.within(|| assert_eq!(silent(&[NEW, NEW_V6]), [NEW, NEW_V6]));
}

/// Lost if it fails: nobody would notice that mail leaves from an address without a name.
#[test]
fn mail_leaves_from_where_the_test_says() {
    let Some(world) = World::start(&Server::new(Program::Exim)) else { return };
    let seen = |witness: &str| {
        let (_, lines) = world.new.within(|| greeted(witness));
        lines[0].rsplit(' ').next().unwrap().to_owned()
    };
    let before = WITNESSES.map(seen);
    assert_eq!(before, ["[203.0.113.25]", "[203.0.113.25]", "[2001:db8:25::25]", "[2001:db8:25::25]"]);
    world.new.leave_from("203.0.113.99");
    assert_eq!(seen(WITNESSES[0]), "[203.0.113.99]");
    assert_eq!(seen(WITNESSES[2]), "[2001:db8:25::25]");
}
