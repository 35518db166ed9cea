//! Mail servers of others, in networks of their own: whether port 25 leaves this machine is seen at their greeting.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::Context;
use crate::model::{DomainName, Vantage};
use crate::origin::origin_of;
use crate::probe::{Ask, Depth, Protocol, Question, Reply, Session, Visit, plain};

/// So many servers are visited, in networks as different as can be.
const MOST_WITNESSES: usize = 6;
/// So many domains are looked up.
const MOST_DOMAINS: usize = 12;
/// So many of a domain's MX hosts, and so many addresses of each.
const MOST_HOSTS: usize = 2;

/// One of them.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Whose it is.
    pub domain: DomainName,
    /// Its host name.
    pub host: String,
    /// Its address.
    pub ip: IpAddr,
    /// Its network: the same text for the same one.
    pub network: String,
    /// The greeting and the goodbye; on the new server EHLO too, for what the answer says of us.
    pub session: Arc<Session>,
}

/// The domains whose servers may be visited: those under `witnesses`, then those of partners.
pub fn domains(context: &Context) -> Vec<DomainName> {
    let partners = context.plan.inbound_dnsbl.partners.iter().filter_map(|partner| partner.domain.clone());
    let mut domains: Vec<DomainName> = Vec::new();
    for domain in context.plan.smtp.witnesses.iter().cloned().chain(partners) {
        // Our own servers are spoken to anyway, and prove less.
        if !domains.contains(&domain) && !context.plan.domains.contains(&domain) {
            domains.push(domain);
        }
    }
    domains.truncate(MOST_DOMAINS);
    domains
}

/// Visits them: greeting and QUIT; on the new server EHLO between them, and no more.
pub async fn visit_witnesses(context: &Context) -> Vec<Witness> {
    let of_plan: BTreeSet<IpAddr> = context.addresses().map(|address| address.ip).collect();
    let found = join_all(domains(context).into_iter().map(|domain| async move {
        let seats = seats(context, &domain).await;
        seats.into_iter().map(|(host, ip)| (domain.clone(), host, ip)).collect::<Vec<_>>()
    }))
    .await;
    let candidates: Vec<(DomainName, String, IpAddr)> =
        found.into_iter().flatten().filter(|(_, _, ip)| !of_plan.contains(ip)).collect();
    let networks = join_all(candidates.iter().map(|(_, _, ip)| network(context, *ip))).await;
    let depth = if context.vantage == Vantage::NewServer { Depth::Hello } else { Depth::Greeting };
    // One in each network first; others only where there is room.
    let mut seen = BTreeSet::new();
    let (first, second): (Vec<_>, Vec<_>) =
        candidates.into_iter().zip(networks).partition(|(_, network)| seen.insert(network.clone()));
    let chosen = first.into_iter().chain(second).take(MOST_WITNESSES);
    join_all(chosen.map(|((domain, host, ip), network)| async move {
        let visit = Visit {
            server: SocketAddr::new(ip, 25),
            protocol: Protocol::Smtp,
            implicit_tls: false,
            depth,
            name: host.clone(),
            recipients: Vec::new(),
        };
        Witness { domain, host, ip, network, session: context.smtp.visit(&visit).await }
    }))
    .await
}

/// The servers that take a domain's mail: host and address, both families.
async fn seats(context: &Context, domain: &DomainName) -> Vec<(String, IpAddr)> {
    let Ok(question) = Question::new(domain, RecordType::MX) else { return Vec::new() };
    let reply = context.dns.ask(Ask::new(question)).await;
    let mut hosts: Vec<String> = hosts(&reply);
    if hosts.is_empty() {
        // Without an MX the domain is its own mail host (RFC 5321, section 5.1).
        hosts.push(domain.to_string());
    }
    let of_host = |host: String| async move {
        let ask = |rtype| {
            let question = Question::new(host.as_str(), rtype);
            async move { Some(context.dns.ask(Ask::new(question.ok()?)).await) }
        };
        let (v4, v6) = futures::join!(ask(RecordType::A), ask(RecordType::AAAA));
        let first = |reply: Option<Arc<Reply>>| reply.and_then(|reply| reply.addresses().first().copied());
        [first(v4), first(v6)].into_iter().flatten().map(|ip| (host.clone(), ip)).collect::<Vec<_>>()
    };
    join_all(hosts.into_iter().take(MOST_HOSTS).map(of_host)).await.concat()
}

/// The hosts of an MX answer, but for the null MX (RFC 7505).
fn hosts(reply: &Reply) -> Vec<String> {
    reply.names().iter().map(plain).filter(|host| host != "." && !host.is_empty()).collect()
}

/// What tells one network from another: the origin AS, or where it is not known a prefix.
async fn network(context: &Context, ip: IpAddr) -> String {
    let family = if ip.is_ipv4() { 4 } else { 6 };
    match origin_of(&context.dns, ip).await.asns.first() {
        Some(asn) => format!("{family} AS{asn}"),
        None => match ip {
            IpAddr::V4(v4) => format!("4 {:?}", &v4.octets()[..2]),
            IpAddr::V6(v6) => format!("6 {:?}", &v6.segments()[..2]),
        },
    }
}
