//! The present state: what the DNS and the old server show of the domains and the addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use futures::future::{join, join_all, join4};

use super::addresses::{self, Seen};
use super::exchangers::{Exchangers, Own, answer, both, exchangers};
use super::questions::Asker;
use super::selectors::{Sample, Selectors, selectors};
use super::senders::{Senders, senders};
use super::wanted::{Wanted, old_addresses};
use crate::command::CommandError;
use crate::model::{DomainName, Value};
use crate::plan::Resolver;
use crate::probe::{Answer, Ask, Dns, Question, RecordType, Smtp};
use crate::records::mta_sts;
use crate::zonefile::Loaded;

/// The greetings of so many servers are read.
const MOST_GREETINGS: usize = 8;
/// So many old addresses are taken.
const MOST_OLD: usize = 64;

/// What there is today.
pub(super) struct Present {
    /// The domains, in the order in which they were named.
    pub(super) domains: Vec<Domain>,
    /// What becomes `[old]`.
    pub(super) old: Vec<Old>,
    /// Addresses that were found and not taken, and why.
    pub(super) aside: Vec<Value>,
    /// The new addresses.
    pub(super) new: Vec<Seen>,
    /// The TTLs of what will change: name and type, seconds.
    pub(super) ttls: Vec<(String, u32)>,
    /// Whom the answers are from.
    pub(super) resolvers: Vec<String>,
    /// Whether TTLs are the zones' own, and not what is left of them in a cache.
    pub(super) ttls_are_whole: bool,
}

/// One domain.
pub(super) struct Domain {
    pub(super) name: DomainName,
    pub(super) exchangers: Exchangers,
    pub(super) senders: Senders,
    pub(super) selectors: Selectors,
    /// Whether `_mta-sts` has a record (RFC 8461); nothing if that was not answered.
    pub(super) has_mta_sts: Option<bool>,
}

/// One old address.
pub(super) struct Old {
    pub(super) seen: Seen,
    /// By which records it was found.
    pub(super) by: Vec<String>,
    /// Whether mail arrives there, as far as MX tells.
    pub(super) receives: bool,
}

impl Present {
    /// Names that the new server may have: today's own mail hosts, and own names in the PTR records of the new addresses.
    pub(super) fn host_names(&self) -> Vec<DomainName> {
        let own = Own(self.domains.iter().map(|domain| domain.name.clone()).collect());
        let hosts = self.domains.iter().flat_map(|domain| &domain.exchangers.hosts);
        let hosts = hosts.filter(|host| host.is_own).map(|host| host.name.clone());
        let reverse = self.new.iter().filter_map(|seen| seen.ptr.clone()).filter(|name| own.holds(name));
        let mut names: Vec<DomainName> = Vec::new();
        for name in hosts.chain(reverse).filter(DomainName::is_host_name) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Whether something was asked in vain.
    pub(super) fn has_gaps(&self) -> bool {
        let seen = self.old.iter().map(|old| &old.seen).chain(&self.new).any(|seen| !seen.unknown.is_empty());
        seen || self.domains.iter().any(|domain| {
            let exchangers = &domain.exchangers;
            !exchangers.is_known
                || domain.has_mta_sts.is_none()
                || exchangers.hosts.iter().any(|host| !host.unknown.is_empty() || host.has_tlsa.is_none())
        })
    }
}

/// Looks at everything. Old addresses that the DNS does not tell are asked for.
///
/// # Errors
/// A domain does not exist, or nobody says which the old addresses are.
pub(super) async fn look(
    dns: &Dns,
    smtp: Option<&Smtp>,
    wanted: &Wanted,
    zones: &[Loaded],
    sample: Option<&Sample>,
    asker: Option<&mut Asker>,
) -> Result<Present, CommandError> {
    let own = Own(wanted.domains());
    let domains = own.0.iter().map(|name| domain(dns, name, &own, zones, sample));
    let domains = join_all(domains).await.into_iter().collect::<Result<Vec<_>, _>>().map_err(CommandError::Init)?;
    let is_silent = domains.iter().all(|domain| !domain.exchangers.is_known);
    if is_silent && asker.is_none() && (wanted.old.is_empty() || !wanted.names_host()) {
        let why = domains.first().and_then(|domain| domain.exchangers.remarks.first());
        let why = why.map_or_else(String::new, |why| format!(" ({})", both(why)[0]));
        return Err(CommandError::Init(format!(
            "the DNS does not tell what there is today{why}: ask another resolver with --resolver, read a zone file with --zone, or give --old and --hostname"
        )));
    }
    let (found, mut aside) = old_of(&domains, &wanted.new);
    let chosen = choose(found, &mut aside, wanted, asker, &domains)?;
    let old = chosen.into_iter().enumerate().map(|(place, (ip, found))| async move {
        let smtp = smtp.filter(|_| found.receives && place < MOST_GREETINGS);
        let name = found.host.as_ref().map_or("", |host| host.as_str());
        Old { seen: addresses::look(dns, smtp, ip, name).await, by: found.by, receives: found.receives }
    });
    let new = wanted.new.iter().map(|ip| addresses::look(dns, None, *ip, ""));
    let (old, new) = join(join_all(old), join_all(new)).await;
    let (ttls, ttls_are_whole) = ttls(dns, &domains, !matches!(wanted.dns.resolver, Resolver::Servers(_))).await;
    Ok(Present { ttls, domains, old, aside, new, resolvers: dns.resolvers(), ttls_are_whole })
}

/// What the DNS tells of one domain.
async fn domain(
    dns: &Dns,
    name: &DomainName,
    own: &Own,
    zones: &[Loaded],
    sample: Option<&Sample>,
) -> Result<Domain, String> {
    let (exchangers, senders, selectors, mta_sts) = join4(
        exchangers(dns, name, own),
        senders(dns, name, own),
        selectors(dns, name, zones, sample),
        answer(dns, format!("_mta-sts.{name}"), RecordType::TXT),
    )
    .await;
    let has_mta_sts = mta_sts
        .filter(|reply| reply.is_definite())
        .map(|reply| reply.texts().iter().any(|text| mta_sts::is_record(text)));
    Ok(Domain { name: name.clone(), exchangers: exchangers?, senders, selectors, has_mta_sts })
}

/// How an old address was found.
#[derive(Default)]
struct Found {
    by: Vec<String>,
    receives: bool,
    host: Option<DomainName>,
}

/// The old addresses that the DNS tells, those that receive first; and what else it tells.
fn old_of(domains: &[Domain], new: &[IpAddr]) -> (Vec<(IpAddr, Found)>, Vec<Value>) {
    let mut receiving: BTreeMap<IpAddr, Found> = BTreeMap::new();
    let mut sending: BTreeMap<IpAddr, Found> = BTreeMap::new();
    let mut aside = Vec::new();
    let mut others: Vec<IpAddr> = Vec::new();
    for domain in domains {
        let hosts = &domain.exchangers.hosts;
        let has_own = hosts.iter().any(|host| host.is_own);
        let first = hosts.first().and_then(|host| host.preference);
        for host in hosts {
            // Where others take the mail, those that take it first are what is left.
            if if has_own { host.is_own } else { host.preference == first } {
                for ip in &host.addresses {
                    let found = receiving.entry(*ip).or_insert_with(|| Found { receives: true, ..Found::default() });
                    add(&mut found.by, host.told());
                    found.host.get_or_insert_with(|| host.name.clone());
                }
            } else if !host.addresses.is_empty() {
                let (told, ips) = (host.told(), join_ips(&host.addresses));
                let name = &domain.name;
                let value = Value::both(
                    format!("not taken: {ips} ({told} of {name}), another organization's"),
                    format!("含めていない: {ips} ({name} の {told})。他組織のホストである"),
                );
                add(&mut aside, value);
                others.extend(&host.addresses);
            }
        }
    }
    for domain in domains {
        for ip in &domain.senders.addresses {
            let by = format!("SPF {}", domain.name);
            match receiving.get_mut(ip) {
                Some(found) => add(&mut found.by, by),
                // An `mx` in SPF means the mail exchangers of others, too.
                None if new.contains(ip) || others.contains(ip) => {}
                None => {
                    let receives = !domain.exchangers.is_known;
                    add(&mut sending.entry(*ip).or_insert_with(|| Found { receives, ..Found::default() }).by, by);
                }
            }
        }
    }
    let mut all: Vec<(IpAddr, Found)> = receiving.into_iter().chain(sending).collect();
    if all.len() > MOST_OLD {
        let left = all.len() - MOST_OLD;
        aside.push(Value::both(
            format!("not taken: {left} further addresses from the SPF records"),
            format!("含めていない: SPF レコードにあるほかの {left} アドレス"),
        ));
        all.truncate(MOST_OLD);
    }
    (all, aside)
}

/// The old addresses that are given, asked for, or found.
fn choose(
    found: Vec<(IpAddr, Found)>,
    aside: &mut Vec<Value>,
    wanted: &Wanted,
    asker: Option<&mut Asker>,
    domains: &[Domain],
) -> Result<Vec<(IpAddr, Found)>, CommandError> {
    let given = if !wanted.old.is_empty() {
        wanted.old.clone()
    } else if found.is_empty() {
        let why = domains.iter().flat_map(|domain| {
            let hosts = domain.exchangers.hosts.iter().flat_map(|host| &host.unknown);
            domain.exchangers.remarks.iter().chain(hosts)
        });
        let why: Vec<String> = why.take(3).map(|why| both(why)[0].clone()).collect();
        let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
        old_addresses(&why, asker)?
    } else {
        return Ok(found);
    };
    let mut found: BTreeMap<IpAddr, Found> = found.into_iter().collect();
    // Where the operator says that it is the old server, mail arrives there even if MX leads elsewhere first.
    let chosen = given.into_iter().map(|ip| (ip, Found { receives: true, ..found.remove(&ip).unwrap_or_default() }));
    let chosen = chosen.collect();
    for (ip, found) in found {
        let by = found.by.join(", ");
        aside.push(Value::both(
            format!("not taken, because --old does not name it: {ip} ({by})"),
            format!("--old にないため含めていない: {ip} ({by})"),
        ));
    }
    Ok(chosen)
}

fn add<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if !list.contains(&one) {
        list.push(one);
    }
}

fn join_ips(ips: &[IpAddr]) -> String {
    ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The TTLs of MX, the own mail hosts' addresses, and SPF, and whether they are the zones' own: a cache shows what is left. The zones'
/// servers are asked, unless the operator wants certain resolvers asked.
async fn ttls(dns: &Dns, domains: &[Domain], from_the_zone: bool) -> (Vec<(String, u32)>, bool) {
    let mut watched: Vec<(DomainName, RecordType)> = Vec::new();
    for domain in domains.iter().filter(|domain| domain.exchangers.is_known) {
        add(&mut watched, (domain.name.clone(), RecordType::MX));
        for host in domain.exchangers.hosts.iter().filter(|host| host.is_own) {
            add(&mut watched, (host.name.clone(), RecordType::A));
            add(&mut watched, (host.name.clone(), RecordType::AAAA));
        }
        if domain.senders.has_record {
            add(&mut watched, (domain.name.clone(), RecordType::TXT));
        }
    }
    let asked = watched.into_iter().map(|(name, rtype)| async move {
        let ask = Ask::new(Question::new(&name, rtype).ok()?);
        let reply = if from_the_zone { dns.published(ask).await } else { dns.ask(ask).await };
        let is_whole = reply.rehearsed || from_the_zone;
        reply.ttl.filter(|_| reply.answer == Answer::Data).map(|ttl| ((format!("{name} {rtype}"), ttl), is_whole))
    });
    let found: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
    let is_whole = found.iter().all(|(_, is_whole)| *is_whole);
    (found.into_iter().map(|(ttl, _)| ttl).collect(), is_whole)
}
