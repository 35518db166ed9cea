//! A run as a whole: sharing, pace, bursts, secrets, giving up, header bits, special names.

use std::time::{Duration, Instant};

use futures::future::join_all;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::lab::{Server, answer, ask, counter, door, door_with, listed, next, one, rcode, silent, txt, words};
use super::{Answer, Ask, Pace, Question, Route};
use crate::model::Secrets;

fn question(name: &str) -> Question {
    Question::new(name, RecordType::A).unwrap()
}

/// Lost if it fails: the same question would be sent once per check, and lists would throttle us.
#[tokio::test]
async fn equal_questions_are_asked_once() {
    let server = Server::udp(|query, _| match query.queries[0].name.to_ascii().starts_with("ok") {
        true => listed(query),
        false => one(&rcode(query, ResponseCode::Refused)),
    })
    .await;
    let dns = door(&[server.address]);
    let replies = join_all((0..100).map(|_| ask(&dns, "OK.example", RecordType::A))).await;
    assert!(replies.iter().all(|reply| reply.answer == Answer::Data));
    assert_eq!((server.count(), dns.queries_sent(), dns.observations().len()), (1, 1, 1));
    join_all((0..100).map(|_| ask(&dns, "bad.example", RecordType::A))).await;
    ask(&dns, "bad.example", RecordType::A).await;
    assert_eq!(server.count(), 3, "failures are shared too: two tries for all");
    // Another route and CD are other questions.
    dns.ask(Ask::new(question("ok.example")).checking_disabled()).await;
    dns.ask(Ask::new(question("ok.example")).via(Route::Server(server.address))).await;
    assert_eq!(server.count(), 5);
}

/// Lost if it fails: a check that runs into its deadline would take the answer from all other checks.
#[tokio::test]
async fn an_asker_that_gives_up_takes_nothing_from_the_others() {
    let server = Server::udp(|query, before| if before == 0 { vec![] } else { listed(query) }).await;
    let dns = door(&[server.address]);
    let first = tokio::time::timeout(Duration::from_millis(5), ask(&dns, "a.example", RecordType::A)).await;
    assert!(first.is_err());
    let reply = ask(&dns, "a.example", RecordType::A).await;
    assert_eq!((&reply.answer, server.count()), (&Answer::Data, 2), "the second asker joined the first one's question");
}

/// Lost if it fails: a run that is over would go on asking.
#[tokio::test]
async fn dropping_the_door_ends_the_work() {
    let server = silent().await;
    let dns = door_with(&[server.address], 30, |_| {});
    let asked = tokio::time::timeout(Duration::from_millis(10), ask(&dns, "a.example", RecordType::A)).await;
    assert!(asked.is_err());
    drop(dns);
    let before = server.count();
    tokio::time::sleep(Duration::from_millis(120)).await;
    assert_eq!(server.count(), before);
}

/// Lost if it fails: an operator's limit would be broken, and our address blocked there.
#[tokio::test]
async fn an_operator_is_asked_at_its_pace() {
    let server = Server::udp(|query, _| listed(query)).await;
    let dns = door(&[server.address]);
    let start = Instant::now();
    let pace = Pace { key: "operator".to_owned(), per_second: 40.0 };
    let asks = (0..50).map(|n| dns.ask(Ask::new(question(&format!("n{n}.example"))).paced(pace.clone())));
    let replies = join_all(asks).await;
    assert!(replies.iter().all(|reply| reply.is_definite()));
    // Forty at once, ten more at forty a second.
    assert!(start.elapsed() >= Duration::from_millis(240), "{:?}", start.elapsed());
}

/// Lost if it fails: a full run would overflow a server's receive buffer, or be spread over many round trips.
#[tokio::test]
async fn a_full_run_of_lists_is_answered_without_a_second_try() {
    let server = Server::udp(|query, _| listed(query)).await;
    let dns = door_with(&[server.address], 1000, |_| {});
    let names: Vec<String> = (0..240).map(|n| format!("n{n}.example")).collect();
    let replies = join_all(names.iter().map(|name| ask(&dns, name, RecordType::A))).await;
    assert!(replies.iter().all(|reply| reply.answer == Answer::Data && reply.tries == 1));
}

/// Lost if it fails: a forwarder that refuses bursts (dnsmasq: 150 at once) would leave lists unknown.
#[tokio::test]
async fn a_forwarder_that_refuses_bursts_recovers() {
    let refused = counter();
    let server = Server::udp(move |query, before| {
        if before >= 150 && next(&refused) < 90 { one(&rcode(query, ResponseCode::Refused)) } else { listed(query) }
    })
    .await;
    let dns = door_with(&[server.address], 200, |_| {});
    let names: Vec<String> = (0..240).map(|n| format!("n{n}.example")).collect();
    let replies = join_all(names.iter().map(|name| ask(&dns, name, RecordType::A))).await;
    assert!(replies.iter().all(|reply| reply.answer == Answer::Data));
    assert_eq!(server.count(), 330);
}

/// Lost if it fails: a customer's paid key would be posted with the report, or a TXT record repaint the terminal.
#[tokio::test]
async fn keys_and_escapes_do_not_leave() {
    let server = Server::udp(|query, _| {
        one(&answer(query, vec![txt("x.SECRETKEY.zen.example.", &["a\u{1b}[2J secretKEY \"q\""])]))
    })
    .await;
    let dns = door_with(&[server.address], 50, |settings| settings.secrets = Secrets::new(["SecretKey".to_owned()]));
    ask(&dns, "x.secretkey.zen.example", RecordType::TXT).await;
    let shown = format!("{:?}", dns.observations());
    assert!(!shown.to_ascii_lowercase().contains("secretkey"), "{shown}");
    assert_eq!(dns.observations()[0].question, "x.[key].zen.example. TXT");
    assert_eq!(dns.observations()[0].answer, ["TXT \"a\\u{1b}[2J [key] \\\"q\\\"\""]);
    assert_eq!(dns.redact("x.SECRETKEY.zen\n"), "x.[key].zen\\u{a}");
}

/// Lost if it fails: DNSSEC would never be seen to hold, and CD not be possible.
#[tokio::test]
async fn header_bits_of_a_question() {
    let server = Server::udp(|query, _| {
        let mut message = answer(query, vec![super::lab::a("a.example.", [192, 0, 2, 1])]);
        message.metadata.authentic_data = query.metadata.authentic_data;
        one(&message)
    })
    .await;
    let dns = door(&[server.address]);
    assert!(ask(&dns, "a.example", RecordType::A).await.ad);
    dns.ask(Ask::new(question("a.example")).checking_disabled()).await;
    let seen = server.seen.lock().unwrap();
    let bits = |n: usize| {
        let head = &seen[n].0.metadata;
        (head.recursion_desired, head.authentic_data, head.checking_disabled)
    };
    assert_eq!((bits(0), bits(1)), ((true, true, false), (true, true, true)));
    assert_eq!(seen[0].0.edns.as_ref().map(hickory_proto::op::Edns::max_payload), Some(1232));
}

/// Lost if it fails: the tool would answer from its own head what the world must answer.
#[tokio::test]
async fn special_names_are_asked_like_others() {
    let server = Server::udp(|query, _| listed(query)).await;
    let dns = door(&[server.address]);
    for name in ["localhost", "a.invalid", "1.0.0.127.in-addr.arpa", "a.onion", "b.test", "c.local", "single"] {
        assert_eq!(ask(&dns, name, RecordType::A).await.answer, Answer::Data, "{name}");
    }
    let asked: Vec<String> = server.seen.lock().unwrap().iter().map(|(q, _)| q.queries[0].name.to_ascii()).collect();
    assert_eq!(asked[6], "single.");
    assert_eq!(asked.len(), 7);
}

/// Lost if it fails: with everybody silent, many questions would take many times the limit of one.
#[tokio::test]
async fn silence_is_bounded_for_a_crowd() {
    let one = silent().await;
    let two = silent().await;
    let dns = door(&[one.address, two.address]);
    let start = Instant::now();
    let names: Vec<String> = (0..240).map(|n| format!("n{n}.example")).collect();
    let replies = join_all(names.iter().map(|name| ask(&dns, name, RecordType::A))).await;
    assert!(replies.iter().all(|reply| reply.answer == Answer::Timeout));
    // 5 × 100 ms each; a crowd waits for the narrow gate, but far from one after another.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(words(&dns, &replies[0])[0], "udp timeout");
}
