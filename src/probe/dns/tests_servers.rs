//! The resolver route against servers that behave badly.

use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::lab::{
    self, Server, a, answer, ask, closed, cname, door, door_with, listed, name, one, rcode, silent, soa, words,
};
use super::{Answer, Ask, Question, Route};

/// Lost if it fails: "not listed" and "we do not know" would be mixed up, the one mistake this tool must not make.
#[tokio::test]
async fn every_outcome_has_its_word() {
    let server = Server::udp(|query, _| match query.queries[0].name.to_ascii().split('.').next().unwrap() {
        "data" => listed(query),
        "nodata" => {
            let mut message = answer(query, vec![]);
            message.authorities.push(soa("example.", 900, 300));
            one(&message)
        }
        "nxdomain" => {
            let mut message = rcode(query, ResponseCode::NXDomain);
            message.authorities.push(soa("example.", 60, 300));
            one(&message)
        }
        "servfail" => one(&rcode(query, ResponseCode::ServFail)),
        "refused" => one(&rcode(query, ResponseCode::Refused)),
        "odd" => one(&rcode(query, ResponseCode::Unknown(11))),
        "referral" => {
            let mut message = answer(query, vec![]);
            message.authorities.push(lab::ns("example.", "ns.example."));
            one(&message)
        }
        "junk" => {
            let mut octets = listed(query).remove(0);
            octets.truncate(octets.len() - 2);
            vec![octets]
        }
        _ => vec![],
    })
    .await;
    let dns = door(&[server.address]);
    for (label, outcome, why) in [
        ("data", "data", "the server answered"),
        ("nodata", "nodata", "the name exists, but has no such record"),
        ("nxdomain", "nxdomain", "the name does not exist"),
        ("servfail", "servfail", "the server answered SERVFAIL"),
        ("refused", "refused", "the server answered REFUSED"),
        ("odd", "rcode11", "the server answered RCODE11"),
        ("referral", "malformed", "the answer cannot be used (a referral instead of an answer)"),
        ("junk", "malformed", "the answer cannot be used"),
        ("silent", "timeout", "no answer within the time limit"),
    ] {
        let reply = ask(&dns, &format!("{label}.example"), RecordType::A).await;
        assert_eq!(reply.answer.to_string(), outcome, "{label}");
        assert_eq!(reply.is_definite(), ["data", "nodata", "nxdomain"].contains(&outcome), "{label}");
        assert!(reply.why().in_lang(crate::model::Lang::En).starts_with(why), "{label}: {:?}", reply.why());
        let observation = &dns.observations()[reply.observation.0 as usize];
        assert_eq!((observation.outcome.as_str(), &*observation.route), (outcome, "resolver"));
        assert_eq!(observation.exchanges.len(), usize::from(reply.tries));
        assert_eq!(observation.question, format!("{label}.example. A"));
    }
    let closed = closed().await;
    let reply = dns.ask(Ask::new(Question::new("a.example", RecordType::A).unwrap()).via(Route::Server(closed))).await;
    assert_eq!(reply.answer, Answer::Unreachable(std::io::ErrorKind::ConnectionRefused));
    assert_eq!(ask(&dns, "nodata.example", RecordType::A).await.negative_ttl, Some(300));
    assert_eq!(ask(&dns, "nxdomain.example", RecordType::A).await.negative_ttl, Some(60));
    assert_eq!(ask(&dns, "data.example", RecordType::A).await.ttl, Some(300));
}

/// Lost if it fails: one refusing resolver of two would turn every second list into "unknown".
#[tokio::test]
async fn a_failing_first_server_does_not_matter() {
    for code in [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::NotImp, ResponseCode::NotAuth] {
        let bad = Server::udp(move |query, _| one(&rcode(query, code))).await;
        let good = Server::udp(|query, _| listed(query)).await;
        let dns = door(&[bad.address, good.address]);
        let reply = ask(&dns, "a.example", RecordType::A).await;
        assert_eq!((&reply.answer, reply.server), (&Answer::Data, Some(good.address)), "{code}");
        assert_eq!(good.count(), 1);
    }
    let good = Server::udp(|query, _| listed(query)).await;
    let dns = door(&[closed().await, good.address]);
    let reply = ask(&dns, "a.example", RecordType::A).await;
    assert_eq!(words(&dns, &reply), ["udp unreachable", "udp data"]);
}

/// Lost if it fails: a dead first resolver would cost its full time limit for each of hundreds of questions.
#[tokio::test]
async fn a_dead_first_server_costs_one_retransmit_and_is_then_asked_last() {
    let dead = silent().await;
    // Loses one packet, the fifth.
    let good = Server::udp(|query, before| if before == 4 { vec![] } else { listed(query) }).await;
    let dns = door(&[dead.address, good.address]);
    for number in 0..3 {
        let reply = ask(&dns, &format!("n{number}.example"), RecordType::A).await;
        assert_eq!(words(&dns, &reply), ["udp timeout", "udp data"]);
    }
    let reply = ask(&dns, "later.example", RecordType::A).await;
    assert_eq!(words(&dns, &reply), ["udp data"]);
    let reply = ask(&dns, "lost.example", RecordType::A).await;
    assert_eq!(words(&dns, &reply), ["udp timeout", "udp data"], "the good one again, before the dead one");
    assert_eq!(dead.count(), 3);
}

/// Lost if it fails: a slow but working resolver would be reported silent.
#[tokio::test]
async fn a_late_answer_still_counts() {
    // The first server answers its first packet only when the second server has got one, and the second never answers.
    let late = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = late.local_addr().unwrap();
    let (asked, second_was_asked) = std::sync::mpsc::channel();
    let dead = Server::udp(move |_, _| {
        asked.send(()).unwrap();
        vec![]
    })
    .await;
    let task = std::thread::spawn(move || {
        let late = late.into_std().unwrap();
        late.set_nonblocking(false).unwrap();
        let mut buffer = [0; 512];
        let (length, from) = late.recv_from(&mut buffer).unwrap();
        second_was_asked.recv().unwrap();
        let query = hickory_proto::op::Message::from_vec(&buffer[..length]).unwrap();
        late.send_to(&listed(&query)[0], from).unwrap();
    });
    let dns = door(&[address, dead.address]);
    let reply = ask(&dns, "a.example", RecordType::A).await;
    assert_eq!((reply.server, reply.tries), (Some(address), 2));
    assert_eq!(words(&dns, &reply)[0], "udp data");
    task.join().unwrap();
}

/// Lost if it fails: one lost packet would cost the whole time limit, or many lost packets endless tries.
#[tokio::test]
async fn a_lost_packet_costs_one_retransmit() {
    let lossy = Server::udp(|query, before| if before == 0 { vec![] } else { listed(query) }).await;
    let dns = door(&[lossy.address]);
    let reply = ask(&dns, "a.example", RecordType::A).await;
    assert_eq!((reply.tries, &reply.answer), (2, &Answer::Data));
    let dead = silent().await;
    let reply =
        dns.ask(Ask::new(Question::new("b.example", RecordType::A).unwrap()).via(Route::Server(dead.address))).await;
    assert_eq!((reply.tries, &reply.answer, dead.count()), (3, &Answer::Timeout, 3));
}

/// Lost if it fails: with one of two resolvers dead, a packet lost by the other would make a question unknown.
#[tokio::test]
async fn each_of_several_servers_is_asked_twice() {
    let lossy = Server::udp(|query, before| if before == 0 { vec![] } else { listed(query) }).await;
    let dead = silent().await;
    let dns = door(&[dead.address, lossy.address]);
    let reply = ask(&dns, "a.example", RecordType::A).await;
    assert_eq!(words(&dns, &reply), ["udp timeout", "udp timeout", "udp timeout", "udp data"]);
    let three = [silent().await, silent().await, silent().await];
    let dns = door(&three.each_ref().map(|server| server.address));
    let reply = ask(&dns, "a.example", RecordType::A).await;
    assert_eq!((&reply.answer, reply.tries), (&Answer::Timeout, 5), "bounded by five times the retransmit time");
}

/// Lost if it fails: a forged or stray packet could make a listed address clean.
#[tokio::test]
async fn strange_packets_are_not_believed() {
    let server = Server::udp(|query, _| {
        let mut message = answer(query, vec![a("a.example.", [127, 0, 0, 9])]);
        match query.queries[0].name.to_ascii().split('.').next().unwrap() {
            "id" => message.metadata.id ^= 1,
            "name" => message.queries[0].name = name("other.example."),
            "type" => message.queries[0].query_type = RecordType::TXT,
            "class" => message.queries[0].query_class = hickory_proto::rr::DNSClass::CH,
            "none" => message.queries.clear(),
            "query" => message.metadata.message_type = hickory_proto::op::MessageType::Query,
            "short" => return vec![vec![0; 5]],
            "then" => {
                message.metadata.id ^= 1;
                return [one(&message), listed(query)].concat();
            }
            "case" => {
                message = answer(query, vec![a("CASE.example.", [127, 0, 0, 2])]);
                message.queries[0].name = name("CaSe.example.");
            }
            other => panic!("{other}"),
        }
        one(&message)
    })
    .await;
    let dns = door_with(&[server.address], 60, |_| {});
    for label in ["id", "name", "type", "class", "none", "query", "short"] {
        let reply = ask(&dns, &format!("{label}.example"), RecordType::A).await;
        assert!(matches!(&reply.answer, Answer::Malformed(_)), "{label}: {:?}", reply.answer);
        assert_eq!(reply.tries, 3, "{label}");
    }
    for label in ["then", "case"] {
        let reply = ask(&dns, &format!("{label}.example"), RecordType::A).await;
        assert_eq!((reply.tries, reply.ipv4()), (1, vec![[127, 0, 0, 2].into()]), "{label}");
    }
}

/// Lost if it fails: an answer that says nothing of the name, denies it and tells its records at once, or leads to two places
/// would count as "not listed" or as "listed".
#[tokio::test]
async fn answers_about_something_else_are_not_believed() {
    let bad = Server::udp(|query, _| {
        let asked = query.queries[0].name.to_ascii();
        let address = [127, 0, 0, 2];
        let mut message = answer(query, vec![a(&asked, address)]);
        match asked.split('.').next().unwrap() {
            "other" => message.answers = vec![a("somebody.example.", address)],
            "chain" => message.answers = vec![cname("somebody.example.", &asked), a("somebody.example.", address)],
            "class" => message.answers[0].dns_class = hickory_proto::rr::DNSClass::CH,
            "denied" => message.metadata.response_code = ResponseCode::NXDomain,
            "behind" => {
                message.answers = vec![cname(&asked, "target.example."), a("target.example.", address)];
                message.metadata.response_code = ResponseCode::NXDomain;
            }
            "absent" => {
                message.answers = vec![a("somebody.example.", address)];
                message.metadata.response_code = ResponseCode::NXDomain;
            }
            "two" => {
                let aliases = ["one.example.", "ONE.example.", "other.example."].map(|target| cname(&asked, target));
                message.answers = aliases.to_vec();
                message.answers.push(a("one.example.", address));
            }
            // Another type of the same name is an absence.
            "type" => message.answers = vec![lab::txt(&asked, &["text"])],
            other => panic!("{other}"),
        }
        one(&message)
    })
    .await;
    let dns = door(&[bad.address]);
    for label in ["other", "chain", "class", "denied", "behind", "absent", "two"] {
        let reply = ask(&dns, &format!("{label}.example"), RecordType::A).await;
        assert!(matches!(&reply.answer, Answer::Malformed(_)), "{label}: {:?}", reply.answer);
        assert_eq!(words(&dns, &reply), ["udp malformed", "udp malformed"], "{label}");
    }
    assert_eq!(ask(&dns, "type.example", RecordType::A).await.answer, Answer::NoData);
    // Another server may know better.
    let good = Server::udp(|query, _| listed(query)).await;
    let dns = door(&[bad.address, good.address]);
    let reply = ask(&dns, "other.example", RecordType::A).await;
    assert_eq!((&reply.answer, reply.server), (&Answer::Data, Some(good.address)));
}

/// Lost if it fails: anybody who guesses the port could answer for the resolver.
#[tokio::test]
async fn another_source_is_not_heard() {
    // The query is answered, well formed, but from another socket.
    let other = Arc::new(std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let query = hickory_proto::op::Message::from_vec(&buffer[..length]).unwrap();
            other.send_to(&listed(&query)[0], from).unwrap();
        }
    });
    let dns = door_with(&[address], 20, |_| {});
    assert_eq!(ask(&dns, "a.example", RecordType::A).await.answer, Answer::Timeout);
    task.abort();
}

/// Lost if it fails: ids or ports could be guessed (RFC 5452).
#[tokio::test]
async fn ids_differ() {
    let server = Server::udp(|query, _| listed(query)).await;
    let dns = door(&[server.address]);
    for number in 0..20 {
        ask(&dns, &format!("n{number}.example"), RecordType::A).await;
    }
    let ids: std::collections::HashSet<u16> = server.seen.lock().unwrap().iter().map(|(q, _)| q.metadata.id).collect();
    assert!(ids.len() > 17, "{}", ids.len());
}

/// Lost if it fails: long TXT records (DKIM, SPF) would be cut, or their absence taken for granted.
#[tokio::test]
async fn what_does_not_fit_comes_by_tcp() {
    let long = "x".repeat(250);
    let parts: Vec<String> = (0..80).map(|_| long.clone()).collect();
    let server = Server::both(
        |query, _| {
            let mut message = answer(query, vec![]);
            message.metadata.truncation = true;
            one(&message)
        },
        move |query, _| {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            one(&answer(query, vec![lab::txt("big.example.", &parts)]))
        },
    )
    .await;
    let dns = door(&[server.address]);
    let reply = ask(&dns, "big.example", RecordType::TXT).await;
    assert_eq!((words(&dns, &reply), reply.tcp), (vec!["udp truncated".to_owned(), "tcp data".to_owned()], true));
    assert_eq!(reply.texts(), [vec![b'x'; 20_000]]);
}

/// Lost if it fails: a firewall that drops TCP 53 would look like a silent or a wrong DNS.
#[tokio::test]
async fn tcp_that_fails_is_called_truncated() {
    let cut = |query: &hickory_proto::op::Message, _| {
        let mut message = answer(query, vec![]);
        message.metadata.truncation = true;
        // As real servers do it: the message ends within a record that the header announces.
        let mut octets = message.to_vec().unwrap();
        octets[7] = 3;
        vec![octets]
    };
    let refusing = Server::udp(cut).await;
    let silent = Server::both(cut, |_, _| vec![]).await;
    for (server, word) in [(&refusing, "tcp unreachable"), (&silent, "tcp unreachable")] {
        let dns = door(&[server.address]);
        let reply = ask(&dns, "a.example", RecordType::TXT).await;
        assert_eq!(reply.answer, Answer::Truncated);
        assert_eq!(words(&dns, &reply)[..2], ["udp truncated", word]);
    }
}

/// Lost if it fails: old servers and broken middleboxes would look down.
#[tokio::test]
async fn servers_without_edns_are_asked_without() {
    let bare = |query: &hickory_proto::op::Message, code| {
        let mut message = rcode(query, code);
        message.queries.clear();
        one(&message)
    };
    for code in [ResponseCode::FormErr, ResponseCode::NotImp, ResponseCode::BADVERS] {
        let server = Server::udp(move |query, _| match (query.edns.is_some(), code) {
            (false, _) => listed(query),
            (true, ResponseCode::FormErr) => bare(query, code),
            (true, _) => {
                let mut message = rcode(query, code);
                message.edns = Some(hickory_proto::op::Edns::new());
                one(&message)
            }
        })
        .await;
        let dns = door(&[server.address]);
        assert_eq!(ask(&dns, "a.example", RecordType::A).await.answer, Answer::Data, "{code}");
        assert_eq!(server.count(), 2);
        assert_eq!(ask(&dns, "b.example", RecordType::A).await.tries, 1, "learnt: {code}");
    }
}

/// Lost if it fails: chains of aliases would be reported as absence, or followed for ever.
#[tokio::test]
async fn aliases_are_followed() {
    let server = Server::udp(|query, _| {
        let asked = query.queries[0].name.to_ascii();
        one(&answer(
            query,
            match asked.as_str() {
                "whole.example." => vec![
                    cname("WHOLE.example.", "Two.example."),
                    cname("two.example.", "three.example."),
                    a("three.example.", [192, 0, 2, 3]),
                ],
                "part.example." => vec![cname("part.example.", "elsewhere.example.")],
                "elsewhere.example." => vec![a("elsewhere.example.", [192, 0, 2, 4])],
                "loop.example." => vec![cname("loop.example.", "b.example."), cname("b.example.", "loop.example.")],
                "far.example." => vec![cname("far.example.", "step0.example.")],
                step => {
                    let number: usize = step.trim_start_matches("step").split('.').next().unwrap().parse().unwrap();
                    vec![cname(step, &format!("step{}.example.", number + 1))]
                }
            },
        ))
    })
    .await;
    let dns = door(&[server.address]);
    let whole = ask(&dns, "whole.example", RecordType::A).await;
    assert_eq!(whole.chain, [name("two.example."), name("three.example.")]);
    assert_eq!((whole.ipv4(), whole.ttl, whole.tries), (vec![[192, 0, 2, 3].into()], Some(60), 1));
    let part = ask(&dns, "part.example", RecordType::A).await;
    assert_eq!((part.ipv4(), part.tries, part.chain.len()), (vec![[192, 0, 2, 4].into()], 2, 1));
    assert_eq!(ask(&dns, "loop.example", RecordType::A).await.answer, Answer::Malformed("CNAME loop".to_owned()));
    let far = ask(&dns, "far.example", RecordType::A).await;
    assert_eq!((&far.answer, far.tries), (&Answer::Malformed("more than 8 CNAMEs in a row".to_owned()), 9));
    let alias = ask(&dns, "part.example", RecordType::CNAME).await;
    assert_eq!((alias.names(), alias.chain.len()), (vec![name("elsewhere.example.")], 0));
}

/// Lost if it fails: an alias to nothing would count as "exists", or a lame resolver's half answer as absence.
#[tokio::test]
async fn aliases_to_nothing() {
    let server = Server::udp(|query, _| {
        let asked = query.queries[0].name.to_ascii();
        let mut message = answer(query, vec![cname(&asked, "gone.example.")]);
        message.authorities.push(soa("example.", 60, 60));
        if asked.starts_with("nx") {
            message.metadata.response_code = ResponseCode::NXDomain;
        }
        one(&message)
    })
    .await;
    let dns = door(&[server.address]);
    assert_eq!(ask(&dns, "nx.example", RecordType::A).await.answer, Answer::NxDomain);
    let nodata = ask(&dns, "no.example", RecordType::A).await;
    assert_eq!((&nodata.answer, nodata.negative_ttl, nodata.chain.len()), (&Answer::NoData, Some(60), 1));
}

/// Lost if it fails: classless reverse delegations (RFC 2317) would be called missing.
#[tokio::test]
async fn reverse_names_may_be_aliases() {
    let server = Server::udp(|query, _| {
        let inner =
            hickory_proto::rr::Name::from_labels(["25", "0/25", "2", "0", "192", "in-addr", "arpa"].map(str::as_bytes));
        let target = hickory_proto::rr::RData::PTR(hickory_proto::rr::rdata::PTR(name("Mail.example.")));
        let alias = hickory_proto::rr::RData::CNAME(hickory_proto::rr::rdata::CNAME(inner.clone().unwrap()));
        one(&answer(
            query,
            vec![
                hickory_proto::rr::Record::from_rdata(query.queries[0].name.clone(), 60, alias),
                hickory_proto::rr::Record::from_rdata(inner.unwrap(), 60, target),
            ],
        ))
    })
    .await;
    let dns = door(&[server.address]);
    let reply = dns.ask(Ask::new(Question::ptr([192, 0, 2, 25].into()))).await;
    assert_eq!((reply.names(), reply.chain.len()), (vec![name("mail.example.")], 1));
}
