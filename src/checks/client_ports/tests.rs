//! Where mail programs get stuck, and what weighs how much beside the old server.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use super::certificate::Flaw;
use super::*;
use crate::plan::Address;
use crate::probe::{ChainFault, ReplyKind, ServerReply};

fn name(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

pub(crate) fn address(ip: &str, side: Side) -> Address {
    Address {
        ip: ip.parse().unwrap(),
        side,
        ptr: name("mail.example.co.jp"),
        helo: String::new(),
        sends: true,
        receives: true,
        special: None,
        line: 1,
    }
}

fn reply(kind: ReplyKind) -> ServerReply {
    ServerReply { kind, code: None, lines: vec!["said".to_owned()] }
}

/// A conversation that came to its end, without TLS.
pub(crate) fn session(ip: IpAddr, service: Service) -> Session {
    Session {
        local: Some("127.0.0.1:1".parse().unwrap()),
        greeting: Some(reply(ReplyKind::Positive)),
        clear: Some(reply(ReplyKind::Positive)),
        ..Session::unspoken(SocketAddr::new(ip, service.port()))
    }
}

pub(crate) fn up() -> TlsState {
    TlsState::Up(TlsSeen { version: "TLS 1.3", cipher: String::new(), chain: vec![vec![0]] })
}

/// Lost if it fails: a port that nobody can use would pass, or one that could not be seen would be called closed.
#[test]
fn where_a_mail_program_gets_stuck() {
    let ip: IpAddr = "203.0.113.25".parse().unwrap();
    let word = |service, change: fn(&mut Session)| {
        let mut session = session(ip, service);
        change(&mut session);
        match reach(service, &session) {
            Ok(_) => "tls",
            Err(Short::Away(_)) => "away",
            Err(Short::Alien(_)) => "alien",
            Err(Short::Unseen(_)) => "unseen",
            Err(Short::Broken(_)) => "broken",
            Err(Short::Clear) => "clear",
        }
    };
    let away = |session: &mut Session| (session.local, session.stop) = (None, Some(Stop::Refused));
    assert_eq!(word(Service::Imaps, away), "away");
    assert_eq!(word(Service::Imap, |s| s.stop = Some(Stop::Malformed("greeting", "HTTP".to_owned()))), "alien");
    assert_eq!(word(Service::Imap, |s| s.stop = Some(Stop::Timeout("greeting"))), "unseen");
    assert_eq!(word(Service::Imaps, |s| s.stop = Some(Stop::Closed("TLS"))), "unseen");
    assert_eq!(word(Service::Submission, |s| s.greeting = Some(reply(ReplyKind::Permanent))), "unseen");
    assert_eq!(word(Service::Pop3, |s| s.clear = Some(reply(ReplyKind::Permanent))), "unseen");
    assert_eq!(word(Service::Submission, |_| ()), "clear");
    assert_eq!(word(Service::Submission, |s| s.tls = TlsState::Refused(reply(ReplyKind::Transient))), "broken");
    assert_eq!(word(Service::Submission, |s| s.tls = TlsState::Injected), "broken");
    assert_eq!(word(Service::Submissions, |s| s.tls = TlsState::Failed("no".to_owned())), "broken");
    assert_eq!(word(Service::Imap, |s| s.tls = up()), "tls");
    let refused_inside = |s: &mut Session| (s.tls, s.secured) = (up(), Some(reply(ReplyKind::Permanent)));
    assert_eq!(word(Service::Submission, refused_inside), "unseen");
    assert_eq!(word(Service::Pop3s, refused_inside), "tls");
    let cut_inside = |s: &mut Session| (s.tls, s.stop) = (up(), Some(Stop::Closed("EHLO in TLS")));
    assert_eq!(word(Service::Submission, cut_inside), "unseen");
}

type Look = Result<Shown, Short>;

fn away(stop: Stop) -> Look {
    Err(Short::Away(stop))
}

fn good() -> Look {
    shown(None, &[("mail.example.co.jp", None)])
}

fn shown(chain: Option<ChainFault>, names: &[(&str, Option<Flaw>)]) -> Look {
    let names = names.iter().map(|(text, flaw)| (name(text), flaw.clone())).collect();
    Ok(Shown { at: "the cutover".to_owned(), chain, names, ..Shown::default() })
}

fn self_signed() -> Look {
    let fault = ChainFault::Untrusted;
    shown(Some(fault.clone()), &[("mail.example.co.jp", Some(Flaw::Chain(fault)))])
}

fn lacks(missing: &str) -> Look {
    shown(None, &[("mail.example.co.jp", None), (missing, Some(Flaw::OtherName))])
}

/// The tags said about the new addresses, where these were seen at the old and the new ones.
fn tags(old: Vec<Look>, new: Vec<Look>, ways: &[(&str, Side)], vantage: Vantage) -> Vec<&'static str> {
    let service = Service::Imaps;
    let sides = old.into_iter().map(|look| (Side::Old, look)).chain(new.into_iter().map(|look| (Side::New, look)));
    let (addresses, looks): (Vec<Address>, Vec<Look>) =
        sides.enumerate().map(|(at, (side, look))| (address(&format!("203.0.113.{at}"), side), look)).unzip();
    let seen: Vec<Seen<'_>> = addresses
        .iter()
        .zip(looks)
        .map(|(address, shown)| {
            let session = Arc::new(session(address.ip, service));
            Seen { talk: Talk { address, session }, shown }
        })
        .collect();
    let ways: Vec<Way> =
        ways.iter().map(|(server, side)| Way { server: server.parse().unwrap(), side: *side }).collect();
    let host = name("mail.example.co.jp");
    let port = Port { service, host: &host, vantage, seen: &seen, ways: &ways };
    let of_new = seen.iter().filter(|one| !one.is_old());
    of_new.flat_map(|one| port.judge(one)).map(|said| said.named().map_or("passed", |named| named.tag)).collect()
}

/// Lost if it fails: somebody's own firewall would be taken for the server's, or a closed port for one that could not be seen.
#[test]
fn a_port_is_closed_only_if_there_is_a_way_to_it() {
    let old = [("192.0.2.25:25", Side::Old)];
    let itself = [("203.0.113.25:25", Side::New)];
    let judged = |stop, ways: &[(&str, Side)], vantage| tags(vec![], vec![away(stop)], ways, vantage);
    assert_eq!(judged(Stop::Refused, &old, Vantage::Desk), ["client-port"]);
    assert_eq!(judged(Stop::Timeout("connect"), &old, Vantage::Desk), ["client-port"]);
    assert_eq!(judged(Stop::Refused, &[], Vantage::Desk), ["client-port-vantage"]);
    assert_eq!(judged(Stop::Refused, &[("[2001:db8::1]:25", Side::Old)], Vantage::Desk), ["client-port-vantage"]);
    let no_route = Stop::Unreachable(io::ErrorKind::NetworkUnreachable);
    assert_eq!(judged(no_route, &old, Vantage::Desk), ["client-port-vantage"]);
    assert_eq!(judged(Stop::Refused, &old, Vantage::NewServer), ["client-port-vantage"]);
    assert_eq!(judged(Stop::Refused, &itself, Vantage::NewServer), ["client-port"]);
    let one_of_two = tags(vec![], vec![away(Stop::Refused), good()], &old, Vantage::Desk);
    assert_eq!(one_of_two, ["client-port-partly", "passed"]);
    let unseen = Err(Short::Unseen(Value::plain("cut")));
    let none_of_two = tags(vec![], vec![away(Stop::Refused), unseen], &old, Vantage::Desk);
    assert_eq!(none_of_two, ["client-port", "client-port-unanswered"]);
}

/// Lost if it fails: what breaks at the cutover would be a warning, or what people have known for years would block.
#[test]
fn the_new_server_is_weighed_by_the_old_one() {
    let judged = |old: Vec<Look>, new| tags(old, vec![new], &[], Vantage::Desk);
    let clear = || Err(Short::Clear);
    let unseen = || Err(Short::Unseen(Value::plain("cut")));
    let expired = || shown(Some(ChainFault::Expired), &[]);
    assert_eq!(judged(vec![], good()), ["passed"]);
    assert_eq!(judged(vec![good()], clear()), ["client-tls"]);
    assert_eq!(judged(vec![], clear()), ["client-tls"]);
    assert_eq!(judged(vec![clear()], clear()), ["client-tls-none"]);
    assert_eq!(judged(vec![clear(), good()], clear()), ["client-tls"]);
    assert_eq!(judged(vec![clear(), unseen()], clear()), ["client-tls"]);
    assert_eq!(judged(vec![clear(), away(Stop::Refused)], clear()), ["client-tls-none"]);
    assert_eq!(judged(vec![clear()], Err(Short::Broken(Value::plain("no")))), ["client-tls"]);
    assert_eq!(judged(vec![good()], self_signed()), ["client-cert"]);
    assert_eq!(judged(vec![], self_signed()), ["client-cert"]);
    assert_eq!(judged(vec![unseen()], self_signed()), ["client-cert"]);
    assert_eq!(judged(vec![away(Stop::Refused)], self_signed()), ["client-cert"]);
    assert_eq!(judged(vec![expired()], self_signed()), ["client-cert-no-better"]);
    assert_eq!(judged(vec![expired(), good()], self_signed()), ["client-cert"]);
    assert_eq!(judged(vec![clear()], self_signed()), ["client-cert-no-better"]);
    assert_eq!(judged(vec![good()], lacks("imap.example.co.jp")), ["client-cert"]);
    assert_eq!(judged(vec![lacks("imap.example.co.jp")], lacks("imap.example.co.jp")), ["client-cert-no-better"]);
    assert_eq!(judged(vec![lacks("imap.example.co.jp")], lacks("mail.example.net")), ["client-cert"]);
}
