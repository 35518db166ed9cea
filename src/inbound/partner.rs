//! Where a partner's mail comes from: its own addresses, its mail exchangers, and what its SPF record authorises.

use std::collections::BTreeSet;
use std::net::IpAddr;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use ipnet::IpNet;

use crate::model::{DomainName, Value};
use crate::plan::Partner;
use crate::probe::{Answer, Ask, Dns, Question, RData, RecordType};
use crate::records::spf::{DualCidr, Kind, Mechanism, Qualifier};
use crate::spf::{Branch, Evaluator, Leaf};

/// The largest network that is taken apart into addresses, as the number of bits in which its addresses differ: 32 addresses.
const TAKEN_APART: u8 = 5;
/// So many addresses of one partner are judged.
const MOST_ADDRESSES: usize = 256;

/// Where a partner's mail comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Single addresses, the plan's and the published ones.
    pub addresses: BTreeSet<IpAddr>,
    /// Networks that are too large to be judged address by address.
    pub networks: BTreeSet<IpNet>,
    /// What was published and could not be turned into addresses, and what was not answered.
    pub unread: Vec<Value>,
    /// Whether something was not answered.
    pub is_silent: bool,
}

impl Sources {
    /// Whether mail from `ip` is this partner's.
    pub fn holds(&self, ip: IpAddr) -> bool {
        self.addresses.contains(&ip) || self.networks.iter().any(|network| network.contains(&ip))
    }

    fn add(&mut self, ip: IpAddr) {
        let is_new = !self.addresses.contains(&ip);
        if is_new && self.addresses.len() == MOST_ADDRESSES {
            self.miss(
                format!("more than {MOST_ADDRESSES} addresses: the others are not judged"),
                format!("アドレスが {MOST_ADDRESSES} 個を超えるため、残りは判定しない"),
            );
        } else if is_new && self.addresses.len() < MOST_ADDRESSES {
            self.addresses.insert(ip);
        }
    }

    fn add_network(&mut self, network: IpNet) {
        if network.max_prefix_len() - network.prefix_len() > TAKEN_APART {
            self.networks.insert(network.trunc());
            return;
        }
        match network {
            // Every address of the network may send, the first and the last too (RFC 7208, section 5.6).
            IpNet::V4(v4) => {
                (u32::from(v4.network())..=u32::from(v4.broadcast())).for_each(|ip| self.add(IpAddr::V4(ip.into())));
            }
            IpNet::V6(v6) => {
                (u128::from(v6.network())..=u128::from(v6.broadcast())).for_each(|ip| self.add(IpAddr::V6(ip.into())));
            }
        }
    }

    fn miss(&mut self, en: String, ja: String) {
        let what = Value::both(en, ja);
        if !self.unread.contains(&what) {
            self.unread.push(what);
        }
    }
}

/// Asks for the addresses of `partner`: those of the plan, those of its mail exchangers, and those that its SPF record lets send.
pub async fn sources(dns: &Dns, partner: &Partner) -> Sources {
    let mut sources =
        Sources { addresses: partner.ips.iter().map(IpAddr::to_canonical).collect(), ..Sources::default() };
    let Some(domain) = &partner.domain else { return sources };
    exchangers(dns, domain.as_str(), DualCidr::default(), &mut sources).await;
    let survey = Evaluator::new(dns.clone()).survey(domain.as_str()).await;
    branch(dns, &survey.root, &mut sources).await;
    sources
}

/// The addresses that a surveyed SPF record lets send, with those of the records that it leads to.
pub async fn authorised(dns: &Dns, record: &Branch) -> Sources {
    let mut sources = Sources::default();
    branch(dns, record, &mut sources).await;
    sources
}

fn branch<'a>(dns: &'a Dns, of: &'a Branch, sources: &'a mut Sources) -> BoxFuture<'a, ()> {
    async move {
        if let Some(problem) = &of.problem {
            let (domain, why) = (&of.domain, problem.cause.why());
            sources.is_silent |= problem.cause.is_temporary();
            let [en, ja] = [crate::model::Lang::En, crate::model::Lang::Ja].map(|lang| why.in_lang(lang).to_owned());
            sources.miss(
                format!("the SPF record of {domain} cannot be read: {en}"),
                format!("{domain} の SPF レコードを読めない: {ja}"),
            );
        }
        for leaf in of.reachable() {
            match &leaf.inner {
                Some(inner) => branch(dns, inner, sources).await,
                None => term(dns, &of.domain, leaf, sources).await,
            }
        }
    }
    .boxed()
}

/// One term that leads to no further record.
async fn term(dns: &Dns, domain: &str, leaf: &Leaf, sources: &mut Sources) {
    // What `~` and `-` name is not the partner's mail; `?` may be.
    let Kind::Directive(Qualifier::Pass | Qualifier::Neutral, mechanism) = &leaf.kind else { return };
    let own = leaf.term.split_once(':').map_or("", |(_, name)| name.split('/').next().unwrap_or(name));
    let name = if own.is_empty() { domain } else { own };
    match mechanism {
        Mechanism::Ip4(network) => sources.add_network(IpNet::V4(*network)),
        Mechanism::Ip6(network) => sources.add_network(IpNet::V6(*network)),
        Mechanism::A(_, cidr) if !name.contains('%') => hosts(dns, name, *cidr, sources).await,
        Mechanism::Mx(_, cidr) if !name.contains('%') => exchangers(dns, name, *cidr, sources).await,
        // A record that ends in `?all` or `+all` says nothing about where its mail comes from.
        Mechanism::All if matches!(leaf.kind, Kind::Directive(Qualifier::Neutral, _)) => {}
        _ => {
            let term = &leaf.term;
            sources.miss(
                format!("{term} in the SPF record of {domain} names no addresses"),
                format!("{domain} の SPF レコードの {term} からはアドレスが分からない"),
            );
        }
    }
}

async fn exchangers(dns: &Dns, name: &str, cidr: DualCidr, sources: &mut Sources) {
    let Ok(question) = Question::new(name, RecordType::MX) else { return };
    let reply = dns.ask(Ask::new(question)).await;
    if !reply.is_definite() {
        unanswered(name, "MX", &reply.answer, sources);
        return;
    }
    let exchange = |data: &RData| match data {
        RData::MX(mx) => Some(mx.exchange.clone()).filter(|host| !host.is_root()),
        _ => None,
    };
    let names: Vec<String> =
        reply.records.iter().filter_map(|record| exchange(&record.data)).map(|host| host.to_ascii()).take(20).collect();
    for host in &names {
        hosts(dns, host, cidr, sources).await;
    }
}

async fn hosts(dns: &Dns, name: &str, cidr: DualCidr, sources: &mut Sources) {
    let asked = [RecordType::A, RecordType::AAAA].map(|rtype| async move {
        let question = Question::new(name, rtype).ok()?;
        Some((rtype, dns.ask(Ask::new(question)).await))
    });
    for (rtype, reply) in join_all(asked).await.into_iter().flatten() {
        if !reply.is_definite() {
            unanswered(name, &rtype.to_string(), &reply.answer, sources);
        }
        for ip in reply.addresses() {
            let length = if ip.is_ipv4() { cidr.v4 } else { cidr.v6 };
            if let Ok(network) = IpNet::new(ip, length) {
                sources.add_network(network);
            }
        }
    }
}

fn unanswered(name: &str, rtype: &str, answer: &Answer, sources: &mut Sources) {
    sources.is_silent = true;
    let (name, why) = (name.trim_end_matches('.'), answer.why());
    let [en, ja] = [crate::model::Lang::En, crate::model::Lang::Ja].map(|lang| why.in_lang(lang).to_owned());
    sources.miss(format!("{name} {rtype} was not answered: {en}"), format!("{name} {rtype} に応答がない: {ja}"));
}

/// Whether mail of the sender domain `domain` is this partner's.
pub fn is_domain_of(partner: &Partner, domain: &DomainName) -> bool {
    partner.domain.as_ref().is_some_and(|own| domain.is_within(own))
}
