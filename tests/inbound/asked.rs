//! What Exim servers want to know besides: the addresses of names, and zones that they ask about the same subject whoever comes.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use mail_cutover::catalogue::Target;
use mail_cutover::dnsbl::Lookup;
use mail_cutover::inbound::exim::Exim;
use mail_cutover::inbound::{Caller, Facts};
use mail_cutover::model::DomainName;
use mail_cutover::probe::{Ask, Dns, Question, RecordType, ResolverChoice, Settings};

use super::facts;
use super::names::reversed;
use super::namespaces::Host;
use super::stage::RESOLVER;

/// Asks everything that one of `servers` wants to know about one of `callers`.
pub(crate) fn gather(host: &Host, callers: &[Caller], servers: &[Exim]) -> Facts {
    let zones = servers.iter().flat_map(|server| server.asked_zones().to_vec()).collect();
    let mut facts = facts::gather(host, callers, &zones);
    host.within(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(add(&mut facts, callers, servers));
    });
    facts
}

async fn add(facts: &mut Facts, callers: &[Caller], servers: &[Exim]) {
    let resolver = ResolverChoice::Servers(vec![RESOLVER]);
    let dns = &Dns::new(Settings { resolver, retransmit: Duration::from_millis(300), ..Settings::default() }).unwrap();
    let helos = callers.iter().filter_map(|caller| DomainName::parse(caller.helo.as_deref()?).ok());
    let hosts = servers.iter().flat_map(|server| server.asked_hosts().to_vec());
    let names: BTreeSet<DomainName> = helos.chain(hosts).collect();
    let addresses = names.into_iter().map(|name| async move {
        let mut found: Vec<IpAddr> = Vec::new();
        let mut silent = false;
        for rtype in [RecordType::A, RecordType::AAAA] {
            let reply = dns.ask(Ask::new(Question::new(format!("{name}."), rtype).unwrap())).await;
            silent |= !reply.answer.is_definite();
            found.extend(reply.addresses());
        }
        (name, (!silent || !found.is_empty()).then_some(found))
    });
    facts.addresses = futures::future::join_all(addresses).await.into_iter().collect();
    for (zone, target) in servers.iter().flat_map(Exim::asked_always) {
        let subject = match target {
            Target::Ip(ip) => reversed(*ip),
            Target::Domain(name) => name.to_string(),
        };
        let reply = dns.ask(Ask::new(Question::new(format!("{subject}.{zone}."), RecordType::A).unwrap())).await;
        facts.zones.insert((zone.clone(), target.clone()), Lookup::from(reply.as_ref()));
    }
}
