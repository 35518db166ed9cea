//! The records that mail depends on, and which of them change at the cutover.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::Context;
use crate::model::{DomainName, Phase, Text};
use crate::plan::{Address, Plan};
use crate::probe::{Answer, Question, Reply, Route};
use crate::spf::{Envelope, Evaluator, SpfResult};

/// One RRset that mail depends on.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its owner.
    pub name: DomainName,
    /// Its type.
    pub rtype: RecordType,
    /// Why it counts.
    pub role: Role,
    /// What is published now.
    pub reply: Arc<Reply>,
    /// Whether it must become another one at the cutover; after it, whether it may have. Without an answer it may.
    pub changes: bool,
}

/// Why a record counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// MX: senders find the mail host by it.
    Mx,
    /// The address of a mail host.
    Host,
    /// The address of a name that mail programs are set to.
    Client,
    /// SPF: receivers learn by it who may send.
    Spf,
    /// TLSA: senders with DANE compare the certificate with it.
    Tlsa,
    /// MTA-STS: its id tells senders to fetch the policy anew.
    MtaSts,
}

/// Names that people set their mail programs to.
const CLIENTS: [&str; 4] = ["mail", "imap", "smtp", "autodiscover"];
/// So many present mail hosts of a domain are looked at.
const MOST_HOSTS: usize = 10;

impl Role {
    /// The reason in words.
    pub fn reason(self) -> Text {
        let (en, ja) = match self {
            Self::Mx => ("senders find the mail host by it", "送信側がメールホストを知るレコード"),
            Self::Host => ("the address of a mail host", "メールホストのアドレス"),
            Self::Client => ("mail programs are set to this name", "メールソフトに設定される名前"),
            Self::Spf => ("receivers learn by it who may send", "受信側が送信元を確かめる SPF"),
            Self::Tlsa => {
                ("senders with DANE compare the certificate with it", "DANE の送信側が証明書と照合するレコード")
            }
            Self::MtaSts => ("senders learn by it that the policy changed", "MTA-STS ポリシーの更新を知らせるレコード"),
        };
        Text { en, ja }
    }
}

/// A record that may change, as far as the plan alone can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    name: DomainName,
    rtype: RecordType,
    role: Role,
}

/// The RRsets that change at the cutover. A record that is already as it will be does not change.
pub async fn changing(context: &Context) -> Vec<Watched> {
    watched(context).await.into_iter().filter(|one| one.changes).collect()
}

/// The RRsets that mail depends on. Names that only might exist (client names, TLSA, MTA-STS) are among them only if they do:
/// that nobody answers for a guess says nothing.
pub async fn watched(context: &Context) -> Vec<Watched> {
    let plan = &context.plan;
    let mx = join_all(plan.domains.iter().map(|domain| read(context, domain, RecordType::MX))).await;
    let mut hosts = plan.mail_hosts();
    for (domain, reply) in plan.domains.iter().zip(&mx) {
        // Where the plan does not say what becomes of MX, today's hosts may as well stay and get new addresses.
        if plan.said_mx(domain).is_none() {
            hosts.extend(hosts_in(reply.as_deref()));
            // Without MX the domain is its own mail host (RFC 5321, section 5.1).
            hosts.extend(reply.iter().filter(|reply| reply.answer == Answer::NoData).map(|_| domain.clone()));
        }
    }
    let candidates = candidates(plan, &hosts);
    let (replies, wild) = futures::join!(
        join_all(candidates.iter().map(|one| read(context, &one.name, one.rtype))),
        join_all(candidates.iter().map(|one| read_beside(context, one)))
    );
    let of_spf = with_spf(plan);
    let covered = join_all(of_spf.iter().map(|domain| spf_covers_the_new(context, domain))).await;
    let covered: BTreeSet<&DomainName> =
        of_spf.iter().zip(covered).filter(|(_, covers)| *covers).map(|(domain, _)| *domain).collect();
    let found = candidates.into_iter().zip(replies.into_iter().zip(wild)).filter_map(|(candidate, (reply, wild))| {
        let Candidate { name, rtype, role } = candidate;
        let reply = reply?;
        let is_wild = wild.is_some_and(|wild| is_same(&reply, &wild));
        (!is_wild).then_some(Watched { name, rtype, role, reply, changes: false })
    });
    pick(plan, context.phase, &covered, found.collect())
}

/// What the plan alone lets expect, with these mail hosts; each name and type once, by its weightiest role.
fn candidates(plan: &Plan, hosts: &BTreeSet<DomainName>) -> Vec<Candidate> {
    let below = |label: &str, name: &DomainName| DomainName::parse(&format!("{label}.{name}")).ok();
    let mut found: Vec<Candidate> = Vec::new();
    let mut add = |name: Option<DomainName>, rtype: RecordType, role: Role| {
        if let Some(name) = name
            && !found.iter().any(|known| known.name == name && known.rtype == rtype)
        {
            found.push(Candidate { name, rtype, role });
        }
    };
    for domain in &plan.domains {
        add(Some(domain.clone()), RecordType::MX, Role::Mx);
    }
    for host in hosts {
        add(Some(host.clone()), RecordType::A, Role::Host);
        add(Some(host.clone()), RecordType::AAAA, Role::Host);
        add(below("_25._tcp", host), RecordType::TLSA, Role::Tlsa);
    }
    for domain in with_spf(plan) {
        add(Some(domain.clone()), RecordType::TXT, Role::Spf);
    }
    for domain in &plan.domains {
        add(below("_mta-sts", domain), RecordType::TXT, Role::MtaSts);
        for label in CLIENTS {
            add(below(label, domain), RecordType::A, Role::Client);
            add(below(label, domain), RecordType::AAAA, Role::Client);
        }
    }
    found
}

/// The domains whose SPF record counts: those of the plan, and those of MAIL FROM.
fn with_spf(plan: &Plan) -> Vec<&DomainName> {
    let mut domains: Vec<&DomainName> = plan.domains.iter().collect();
    for domain in &plan.auth.mail_from {
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    domains
}

/// Those that mail depends on, and whether they change; `covered` are the domains whose SPF record needs no change.
fn pick(plan: &Plan, phase: Phase, covered: &BTreeSet<&DomainName>, mut found: Vec<Watched>) -> Vec<Watched> {
    let leads_to = |one: &Watched, counts: &dyn Fn(IpAddr) -> bool| one.reply.addresses().into_iter().any(counts);
    found.retain(|one| match one.role {
        Role::Mx | Role::Host | Role::Spf => true,
        Role::Client => leads_to(one, &|ip| stands_in(&plan.old, ip) || stands_in(&plan.new, ip)),
        Role::Tlsa | Role::MtaSts => one.reply.answer == Answer::Data,
    });
    for one in &mut found {
        one.changes = match (one.role, &one.reply.answer) {
            (Role::Mx, Answer::Data) => phase == Phase::After || !mx_is_as_planned(plan, &one.name, &one.reply),
            // The old server's own name stays with it when MX goes over to another one.
            (Role::Host, Answer::Data) if stays_with_the_old(plan, &one.name) => false,
            (Role::Host | Role::Client, Answer::Data) => leads_to(one, &|ip| counts(plan, phase, ip)),
            (Role::Spf, Answer::Data) => {
                !covered.contains(&one.name) && one.reply.texts().iter().any(|text| text.starts_with(b"v=spf1"))
            }
            _ => !one.reply.is_definite(),
        };
    }
    // TLSA belongs to a host that moves, the id of MTA-STS to an MX that changes.
    let owners = |role| -> Vec<DomainName> {
        found.iter().filter(|one| one.role == role && one.changes).map(|one| one.name.clone()).collect()
    };
    let (hosts, domains) = (owners(Role::Host), owners(Role::Mx));
    for one in &mut found {
        let belongs = |label: &str, to: &[DomainName]| {
            let owner = one.name.as_str().strip_prefix(label);
            to.iter().any(|name| Some(name.as_str()) == owner)
        };
        one.changes = match one.role {
            Role::Tlsa => belongs("_25._tcp.", &hosts),
            Role::MtaSts => belongs("_mta-sts.", &domains),
            _ => one.changes,
        };
    }
    found
}

/// Before the cutover an address counts that will be left; after it, any address of the plan.
fn counts(plan: &Plan, phase: Phase, ip: IpAddr) -> bool {
    match phase {
        Phase::Before => stands_in(&plan.old, ip) && !stands_in(&plan.new, ip),
        Phase::After => stands_in(&plan.old, ip) || stands_in(&plan.new, ip),
    }
}

/// Whether the plan gives the name to the old server and to nothing else.
fn stays_with_the_old(plan: &Plan, name: &DomainName) -> bool {
    let is_name_of = |address: &Address| address.ptr == *name || address.helo.eq_ignore_ascii_case(name.as_str());
    let is_planned = plan.domains.iter().any(|domain| plan.planned_hosts(domain).contains(name));
    plan.old.iter().any(is_name_of) && !plan.new.iter().any(is_name_of) && *name != plan.hostname && !is_planned
}

fn stands_in(addresses: &[Address], ip: IpAddr) -> bool {
    addresses.iter().any(|address| address.ip == ip)
}

/// Whether the hosts in `reply` are those that the plan wants; without a word in the plan that is its host name.
fn mx_is_as_planned(plan: &Plan, domain: &DomainName, reply: &Reply) -> bool {
    let present: BTreeSet<DomainName> = hosts_in(Some(reply)).collect();
    let planned: BTreeSet<DomainName> = plan.planned_hosts(domain).into_iter().collect();
    present == planned
}

fn hosts_in(reply: Option<&Reply>) -> impl Iterator<Item = DomainName> {
    let names = reply.map(Reply::names).unwrap_or_default();
    names.into_iter().take(MOST_HOSTS).filter_map(|name| DomainName::parse(&name.to_ascii()).ok())
}

/// Whether SPF lets all new senders through already, so that the record need not change.
async fn spf_covers_the_new(context: &Context, domain: &DomainName) -> bool {
    let evaluator = Evaluator::new(context.dns.clone()).via(Route::Authority);
    let each = context.plan.new.iter().filter(|address| address.sends).map(|address| {
        let envelope = Envelope::new(address.ip, address.helo.clone(), format!("postmaster@{domain}"));
        let evaluator = &evaluator;
        async move { evaluator.check_host(&envelope).await.result == SpfResult::Pass }
    });
    join_all(each).await.into_iter().all(|passes| passes)
}

/// What is said about a name that nobody set up, beside one that people might have set their mail programs to.
async fn read_beside(context: &Context, one: &Candidate) -> Option<Arc<Reply>> {
    let (_, domain) = one.name.as_str().split_once('.').filter(|_| one.role == Role::Client)?;
    let label = context.consultant.nonexistent()?.labels().next()?;
    read(context, &DomainName::parse(&format!("{label}.{domain}")).ok()?, one.rtype).await
}

/// Whether a wildcard may have given both answers.
fn is_same(one: &Reply, other: &Reply) -> bool {
    let sorted = |reply: &Reply| {
        let mut found = reply.addresses();
        found.sort();
        found
    };
    other.answer == Answer::Data && one.ttl == other.ttl && one.chain == other.chain && sorted(one) == sorted(other)
}

async fn read(context: &Context, name: &DomainName, rtype: RecordType) -> Option<Arc<Reply>> {
    match Question::new(name, rtype) {
        Ok(question) => Some(context.published(question).await),
        Err(_) => None,
    }
}
