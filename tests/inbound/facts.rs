//! What the world says of the clients: asked of the mail servers' own resolver, through the tool's own door.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use mail_cutover::catalogue::Target;
use mail_cutover::dnsbl::Lookup;
use mail_cutover::inbound::{About, AskedZone, Caller, Existence, Facts, Naming};
use mail_cutover::model::DomainName;
use mail_cutover::probe::{Answer, Ask, Dns, Question, RData, RecordType, ResolverChoice, Settings};

use super::clients::Client;
use super::names::reversed;
use super::namespaces::Host;
use super::stage::RESOLVER;

/// The client as a prediction knows it.
pub(crate) fn caller(client: &Client) -> Caller {
    let domain = client.sender.rsplit_once('@').map(|(_, domain)| domain);
    Caller {
        ip: client.ip,
        helo: Some(client.helo.clone()),
        sender: domain.map(|domain| DomainName::parse(domain).unwrap()),
    }
}

/// Asks everything that may be asked about these callers; every question once.
pub(crate) fn gather(host: &Host, callers: &[Caller], zones: &BTreeSet<AskedZone>) -> Facts {
    host.within(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ask_all(callers, zones))
    })
}

async fn ask_all(callers: &[Caller], zones: &BTreeSet<AskedZone>) -> Facts {
    let resolver = ResolverChoice::Servers(vec![RESOLVER]);
    // What is silent here is silent to the end: no need to wait long for it.
    let retransmit = Duration::from_millis(150);
    let dns = Dns::new(Settings { resolver, retransmit, ..Settings::default() }).unwrap();
    let mut facts = Facts::default();
    let names = callers.iter().map(|caller| async { (caller.ip, naming(&dns, caller.ip).await) });
    facts.names = futures::future::join_all(names).await.into_iter().collect();

    let helos = callers.iter().filter_map(|caller| DomainName::parse(caller.helo.as_deref()?).ok());
    let domains: BTreeSet<DomainName> =
        helos.chain(callers.iter().filter_map(|caller| caller.sender.clone())).collect();
    let existences = domains.iter().map(|domain| async { (domain.clone(), existence(&dns, domain).await) });
    facts.domains = futures::future::join_all(existences).await.into_iter().collect();

    let mut questions: BTreeSet<(String, String)> = BTreeSet::new();
    let mut targets: HashMap<(String, String), (String, Target)> = HashMap::new();
    for AskedZone { zone, about } in zones {
        for caller in callers {
            let named = facts.names.get(&caller.ip);
            let target = match about {
                About::Client => Some(Target::Ip(caller.ip)),
                About::ClientName => match named {
                    Some(Naming::Confirmed(name)) => Some(Target::Domain(name.clone())),
                    _ => None,
                },
                About::ReverseName => match named {
                    Some(Naming::Confirmed(name) | Naming::Unconfirmed(name) | Naming::Unanswered(Some(name))) => {
                        Some(Target::Domain(name.clone()))
                    }
                    _ => None,
                },
                About::Helo => DomainName::parse(caller.helo.as_deref().unwrap()).ok().map(Target::Domain),
                About::Sender => caller.sender.clone().map(Target::Domain),
            };
            let Some(target) = target else { continue };
            let subject = match &target {
                Target::Ip(ip) => reversed(*ip),
                Target::Domain(name) => name.to_string(),
            };
            questions.insert((zone.clone(), subject.clone()));
            targets.insert((zone.clone(), subject), (zone.clone(), target));
        }
    }
    let asked = questions.into_iter().map(|(zone, subject)| {
        let dns = &dns;
        async move {
            let reply = ask(dns, &format!("{subject}.{zone}."), RecordType::A).await;
            ((zone, subject), Lookup::from(reply.as_ref()))
        }
    });
    for (question, lookup) in futures::future::join_all(asked).await {
        facts.zones.insert(targets[&question].clone(), lookup);
    }
    facts
}

async fn ask(dns: &Dns, name: &str, rtype: RecordType) -> std::sync::Arc<mail_cutover::probe::Reply> {
    dns.ask(Ask::new(Question::new(name, rtype).unwrap())).await
}

async fn naming(dns: &Dns, ip: std::net::IpAddr) -> Naming {
    let reply = dns.ask(Ask::new(Question::ptr(ip))).await;
    if !reply.answer.is_definite() {
        return Naming::Unanswered(None);
    }
    let Some(name) = reply.names().first().and_then(|name| DomainName::parse(&name.to_string()).ok()) else {
        return Naming::Nameless;
    };
    let rtype = if ip.is_ipv4() { RecordType::A } else { RecordType::AAAA };
    let forward = ask(dns, &format!("{name}."), rtype).await;
    if !forward.answer.is_definite() {
        Naming::Unanswered(Some(name))
    } else if forward.addresses().contains(&ip) {
        Naming::Confirmed(name)
    } else {
        Naming::Unconfirmed(name)
    }
}

async fn existence(dns: &Dns, domain: &DomainName) -> Existence {
    let mut unanswered = false;
    for rtype in [RecordType::MX, RecordType::A, RecordType::AAAA] {
        let reply = ask(dns, &format!("{domain}."), rtype).await;
        if reply.answer == Answer::Data {
            let null =
                reply.records.iter().any(|record| matches!(&record.data, RData::MX(mx) if mx.exchange.is_root()));
            return if null { Existence::NullMx } else { Existence::Exists };
        }
        unanswered |= !reply.answer.is_definite();
    }
    if unanswered { Existence::Unanswered } else { Existence::Missing }
}
