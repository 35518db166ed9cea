//! What the world says of the clients: asked of the stage's resolver, as the tool would ask it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use mail_cutover::catalogue::Target;
use mail_cutover::dnsbl::Lookup;
use mail_cutover::inbound::exim::Exim;
use mail_cutover::inbound::{About, Caller, Existence, Facts, Naming};
use mail_cutover::model::DomainName;
use mail_cutover::probe::{Answer, Ask, Dns, Question, RData, RecordType, Reply, ResolverChoice, Settings};

use super::clients::Client;
use super::names::{reverse, reversed};
use super::stage::{RESOLVER, Stage};

/// A client, as the prediction sees it.
pub(crate) fn caller(client: &Client) -> Caller {
    let (_, domain) = client.sender.rsplit_once('@').unwrap();
    Caller { ip: client.ip, helo: Some(client.helo.clone()), sender: DomainName::parse(domain).ok() }
}

/// Asks everything that one of `servers` wants to know about one of `clients`.
pub(crate) fn facts(stage: &Stage, clients: &[Client], servers: &[&Exim]) -> Facts {
    stage.mail.within(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(gather(clients, servers))
    })
}

async fn gather(clients: &[Client], servers: &[&Exim]) -> Facts {
    let settings = Settings {
        resolver: ResolverChoice::Servers(vec![RESOLVER]),
        retransmit: Duration::from_millis(300),
        ..Settings::default()
    };
    let dns = Dns::new(settings).unwrap();
    let mut facts = Facts::default();
    let ask = async |name: String, rtype| -> Arc<Reply> {
        dns.ask(Ask::new(Question::new(&name, rtype).unwrap_or_else(|error| panic!("{name}: {error}")))).await
    };
    let namings = clients.iter().map(|client| async { (client.ip, naming(client.ip, &ask).await) });
    facts.names = futures::stream::iter(namings).buffer_unordered(40).collect().await;
    let mut names: Vec<DomainName> = Vec::new();
    for client in clients {
        names.extend(caller(client).sender);
        names.extend(DomainName::parse(&client.helo).ok());
    }
    names.extend(servers.iter().flat_map(|server| server.asked_hosts().to_vec()));
    names.sort();
    names.dedup();
    let found = names.into_iter().map(|name| async {
        let [mx, a, aaaa] =
            [RecordType::MX, RecordType::A, RecordType::AAAA].map(async |rtype| ask(format!("{name}."), rtype).await);
        let replies = [mx.await, a.await, aaaa.await];
        (name, existence(&replies), addresses(&replies[1..]))
    });
    let found: Vec<_> = futures::stream::iter(found).buffer_unordered(40).collect().await;
    for (name, existence, addresses) in found {
        facts.domains.insert(name.clone(), existence);
        facts.addresses.insert(name, addresses);
    }
    let mut questions: Vec<(String, Target)> = Vec::new();
    for asked in servers.iter().flat_map(|server| server.asked_zones()) {
        for client in clients {
            let subject = match asked.about {
                About::Client => Some(Target::Ip(client.ip)),
                About::Sender => caller(client).sender.map(Target::Domain),
                About::Helo => DomainName::parse(&client.helo).ok().map(Target::Domain),
                About::ClientName => match facts.names.get(&client.ip) {
                    Some(Naming::Confirmed(name)) => Some(Target::Domain(name.clone())),
                    _ => None,
                },
                About::ReverseName => None,
            };
            questions.extend(subject.map(|subject| (asked.zone.clone(), subject)));
        }
    }
    questions.extend(servers.iter().flat_map(|server| server.asked_always().to_vec()));
    questions.sort();
    questions.dedup();
    let lookups = questions.into_iter().map(|(zone, subject)| async {
        let name = match &subject {
            Target::Ip(ip) => format!("{}.{zone}.", reversed(*ip)),
            Target::Domain(name) => format!("{name}.{zone}."),
        };
        let said = Lookup::from(ask(name, RecordType::A).await.as_ref());
        ((zone, subject), said)
    });
    facts.zones = futures::stream::iter(lookups).buffer_unordered(60).collect().await;
    facts
}

async fn naming(ip: IpAddr, ask: &impl AsyncFn(String, RecordType) -> Arc<Reply>) -> Naming {
    let reply = ask(format!("{}.", reverse(ip)), RecordType::PTR).await;
    let name = reply.records.iter().find_map(|record| match &record.data {
        RData::PTR(name) => DomainName::parse(&name.0.to_string()).ok(),
        _ => None,
    });
    match (name, &reply.answer) {
        (None, answer) if answer.is_definite() => Naming::Nameless,
        (None, _) => Naming::Unanswered(None),
        (Some(name), _) => {
            let rtype = if ip.is_ipv4() { RecordType::A } else { RecordType::AAAA };
            let reply = ask(format!("{name}."), rtype).await;
            match addresses(&[reply]) {
                None => Naming::Unanswered(Some(name)),
                Some(addresses) if addresses.contains(&ip) => Naming::Confirmed(name),
                Some(_) => Naming::Unconfirmed(name),
            }
        }
    }
}

fn addresses(replies: &[Arc<Reply>]) -> Option<Vec<IpAddr>> {
    let found: Vec<IpAddr> = replies
        .iter()
        .flat_map(|reply| &reply.records)
        .filter_map(|record| match &record.data {
            RData::A(ip) => Some(ip.0.into()),
            RData::AAAA(ip) => Some(ip.0.into()),
            _ => None,
        })
        .collect();
    (!found.is_empty() || replies.iter().all(|reply| reply.answer.is_definite())).then_some(found)
}

fn existence(replies: &[Arc<Reply>]) -> Existence {
    if replies.iter().any(|reply| reply.answer == Answer::Data) {
        Existence::Exists
    } else if replies.iter().all(|reply| reply.answer.is_definite()) {
        Existence::Missing
    } else {
        Existence::Unanswered
    }
}
