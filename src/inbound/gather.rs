//! Puts the questions of a policy to the world: what the facts are on which callers are judged.

use std::collections::BTreeSet;
use std::net::IpAddr;

use futures::StreamExt;
use futures::stream;

use super::judgement::{About, AskedZone, Caller, Existence, Facts, Fate, Judgement, Naming};
use super::policy::Policy;
use crate::catalogue::{Answer as Said, Family, Holds, List, QueryNameError, Target, Weight, classify};
use crate::dnsbl::{Consultant, Enforced, Health, Lookup, Selected, State};
use crate::model::{DomainName, Value};
use crate::probe::{Answer, Ask, Dns, Name, Question, RecordType, Reply, Route};

/// Questions about addresses under way at once; the door to the DNS has narrower gates of its own.
const AT_ONCE: usize = 512;
/// So many addresses of a client's name are looked at.
const MOST_ADDRESSES: usize = 64;

/// Asks on behalf of a policy.
pub struct Gatherer<'a> {
    dns: &'a Dns,
    policy: &'a Policy,
    /// On the new server the answers are taken as they are, as the mail server takes them; elsewhere only those of lists that can be
    /// believed from there.
    as_it_comes: bool,
    lists: Vec<ListState>,
}

/// A list that the policy asks, and what it is worth from here.
#[derive(Clone, Debug)]
pub struct ListState {
    /// The zone and about whom it is asked.
    pub asked: AskedZone,
    /// What the catalogue knows of it.
    pub enforced: Enforced,
    /// For each family that is asked: its health, and by which route.
    pub healths: Vec<(Family, Health)>,
}

impl ListState {
    /// The route by which it can be believed about `family`; nothing if it cannot. For a family of which it has no test points, those of
    /// another must do.
    fn route(&self, family: Family) -> Option<Route> {
        let own = self.healths.iter().find(|(known, _)| *known == family);
        let (_, health) = own.or_else(|| self.healths.first())?;
        let route = if health.route == "authority" { Route::Authority } else { Route::Resolver };
        (health.state == State::Healthy).then_some(route)
    }

    /// Whether it can be believed about every family that is asked.
    pub fn is_believed(&self) -> bool {
        !self.healths.is_empty() && self.healths.iter().all(|(_, health)| health.state == State::Healthy)
    }

    /// The worst that it is in; nothing where nothing is to be asked.
    pub fn worst(&self) -> Option<&Health> {
        let unhealthy = self.healths.iter().find(|(_, health)| health.state != State::Healthy);
        unhealthy.or_else(|| self.healths.first()).map(|(_, health)| health)
    }
}

impl<'a> Gatherer<'a> {
    /// Asks every list of `policy` for its test points. `enforced` knows them by the zone as the policy writes it. On the new server
    /// (`as_it_comes`) only the resolver is asked, as the mail server does.
    pub async fn new(
        dns: &'a Dns,
        policy: &'a Policy,
        consultant: &Consultant,
        enforced: &[Enforced],
        families: &[Family],
        as_it_comes: bool,
    ) -> Self {
        let known = policy.asked_zones().into_iter().filter_map(|asked| {
            let enforced = enforced.iter().find(|enforced| enforced.written == asked.zone)?;
            Some((asked, enforced.clone()))
        });
        let lists = stream::iter(known).map(|(asked, enforced)| async move {
            let mut healths = Vec::new();
            if let Some(selected) = &enforced.selected {
                for family in proved(&selected.list, asked.about, families) {
                    healths.push((family, health(consultant, selected, family, as_it_comes).await));
                }
            }
            ListState { asked, enforced, healths }
        });
        let lists = lists.buffered(AT_ONCE).collect().await;
        Self { dns, policy, as_it_comes, lists }
    }

    /// Whether answers are taken as they come.
    pub fn takes_as_it_comes(&self) -> bool {
        self.as_it_comes
    }

    /// The lists, in the order of the policy.
    pub fn lists(&self) -> &[ListState] {
        &self.lists
    }

    /// The lists that are asked about clients' addresses and can be believed: those for a sweep.
    pub fn swept(&self) -> Vec<&ListState> {
        let is_swept = |list: &&ListState| list.asked.about == About::Client && list.is_believed();
        self.lists.iter().filter(is_swept).collect()
    }

    /// What the world says of `callers`, asked by the ordinary door.
    pub async fn gather(&self, callers: &[Caller]) -> Facts {
        self.gather_beside(callers, Facts::default(), |_| true).await
    }

    /// The same beside what is known in `facts`; of the lists only those that are `wanted`.
    pub async fn gather_beside(
        &self,
        callers: &[Caller],
        mut facts: Facts,
        wanted_list: impl Fn(&ListState) -> bool,
    ) -> Facts {
        if self.policy.wants_names() {
            let mut ips: Vec<IpAddr> = callers.iter().map(|caller| caller.ip).collect();
            ips.sort_unstable();
            ips.dedup();
            let names = stream::iter(ips).map(|ip| async move { (ip, naming(self.dns, ip).await) });
            facts.names = names.buffer_unordered(AT_ONCE).collect().await;
        }
        let helos: BTreeSet<DomainName> = callers.iter().filter_map(helo_of).collect();
        let mut domains = BTreeSet::new();
        if self.policy.wants_sender_domains() {
            domains.extend(callers.iter().filter_map(|caller| caller.sender.clone()));
        }
        if self.policy.wants_helo_domains() {
            domains.extend(helos.iter().cloned());
        }
        let found = stream::iter(domains).map(|domain| async move {
            let found = existence(self.dns, &domain).await;
            (domain, found)
        });
        facts.domains = found.buffer_unordered(AT_ONCE).collect().await;
        let mut hosts: BTreeSet<DomainName> = self.policy.asked_hosts().iter().cloned().collect();
        if self.policy.wants_helo_addresses() {
            hosts.extend(helos);
        }
        let hosts = stream::iter(hosts).map(|host| async move {
            let found = addresses(self.dns, &host).await;
            (host, found)
        });
        facts.addresses = hosts.buffer_unordered(AT_ONCE).collect().await;
        for (zone, target) in self.policy.asked_always() {
            if let Some(lookup) = plain_lookup(self.dns, zone, target).await {
                facts.zones.insert((zone.clone(), target.clone()), lookup);
            }
        }
        let mut wanted: BTreeSet<(usize, Target)> = BTreeSet::new();
        for (index, list) in self.lists.iter().enumerate().filter(|(_, list)| wanted_list(list)) {
            wanted
                .extend(callers.iter().filter_map(|caller| Some((index, subject(list.asked.about, caller, &facts)?))));
        }
        let said = stream::iter(wanted).map(|(index, target)| async move {
            let list = &self.lists[index];
            let lookup = self.look_up(list, &target).await?;
            Some(((list.asked.zone.clone(), target), lookup))
        });
        let mut said = said.buffer_unordered(AT_ONCE);
        while let Some(answer) = said.next().await {
            facts.zones.extend(answer);
        }
        drop(said);
        facts
    }

    /// What becomes of `caller`, and what of the rules could make it otherwise and is not judged.
    ///
    /// A doubt that remains when every question about the caller was answered lies in the rules (a policy service, a name in HELO that
    /// no log tells) and is the same for everybody: the fate is then told as far as the rules are judged, with the doubt beside it.
    /// Otherwise the fate is [`Fate::Unknown`].
    pub fn judge(&self, caller: &Caller, facts: &Facts) -> (Judgement, Option<Value>) {
        let judgement = self.policy.judge(caller, facts);
        match judgement.fate {
            Fate::Unknown { why, then } if self.policy.reads_answers() && is_answered(self.policy, caller, facts) => {
                (Judgement { fate: *then, ..judgement }, Some(why))
            }
            _ => (judgement, None),
        }
    }

    /// What the list says of `target`; nothing where it is not asked, because its word would not count.
    async fn look_up(&self, list: &ListState, target: &Target) -> Option<Lookup> {
        let selected = list.enforced.selected.as_ref()?;
        let route = if self.as_it_comes { Route::Resolver } else { list.route(target.family())? };
        let name = match selected.list.query_name(target, selected.key.as_deref()) {
            Ok(name) => name,
            // The mail server asks it all the same.
            Err(_) if self.as_it_comes => name_below(&list.asked.zone, target)?,
            Err(QueryNameError::Family { .. }) => return Some(Lookup::Absent),
            Err(_) => return None,
        };
        let ask = Ask::new(Question::new(&name, RecordType::A).ok()?).via(route);
        let ask = Ask { pace: selected.pace(), ..ask };
        let lookup = Lookup::from(self.dns.ask(ask).await.as_ref());
        // A list may begin to refuse, or break, after it proved its health.
        let counts = match &lookup {
            Lookup::Addresses(codes) if !self.as_it_comes => {
                !matches!(classify(&selected.list, target.family(), codes), Said::Refused { .. } | Said::Broken { .. })
            }
            _ => true,
        };
        counts.then_some(lookup)
    }
}

/// Whether the world answered everything that was asked about `caller`, or about whoever comes.
fn is_answered(policy: &Policy, caller: &Caller, facts: &Facts) -> bool {
    let named = !policy.wants_names()
        || matches!(facts.names.get(&caller.ip), Some(naming) if !matches!(naming, Naming::Unanswered(_)));
    let sender = caller.sender.as_ref().filter(|_| policy.wants_sender_domains());
    let exists = sender.is_none_or(|domain| {
        matches!(facts.domains.get(domain), Some(Existence::Exists | Existence::Missing | Existence::NullMx))
    });
    let told = |known: &(String, Target)| matches!(facts.zones.get(known), Some(Lookup::Absent | Lookup::Addresses(_)));
    let listed = |asked: &AskedZone| {
        subject(asked.about, caller, facts).is_none_or(|target| told(&(asked.zone.clone(), target)))
    };
    let has_addresses = |host: &DomainName| matches!(facts.addresses.get(host), Some(Some(_)));
    named
        && exists
        && policy.asked_hosts().iter().all(has_addresses)
        && policy.asked_always().iter().all(told)
        && policy.asked_zones().iter().all(listed)
}

/// The families for which a list is to prove its health: those that are asked and that it holds; else whichever it holds.
fn proved(list: &List, about: About, families: &[Family]) -> Vec<Family> {
    let wanted = if about == About::Client { families } else { &[Family::Domain] };
    let held = |family: &Family| list.holds(*family) == Holds::Yes && list.test_listed(*family).is_some();
    let own: Vec<Family> = wanted.iter().copied().filter(held).collect();
    if own.is_empty() { Family::ALL.into_iter().filter(held).take(1).collect() } else { own }
}

async fn health(consultant: &Consultant, selected: &Selected, family: Family, as_it_comes: bool) -> Health {
    if as_it_comes {
        consultant.health_through_resolver(selected, family).await
    } else {
        consultant.health(selected, family).await
    }
}

/// Whom a zone is asked about when `caller` comes; nothing if that is not known.
pub(crate) fn subject(about: About, caller: &Caller, facts: &Facts) -> Option<Target> {
    let name = || facts.names.get(&caller.ip);
    match about {
        About::Client => Some(Target::Ip(caller.ip)),
        About::Sender => caller.sender.clone().map(Target::Domain),
        About::Helo => helo_of(caller).map(Target::Domain),
        About::ClientName => match name()? {
            Naming::Confirmed(name) => Some(Target::Domain(name.clone())),
            _ => None,
        },
        About::ReverseName => match name()? {
            Naming::Confirmed(name) | Naming::Unconfirmed(name) | Naming::Unanswered(Some(name)) => {
                Some(Target::Domain(name.clone()))
            }
            Naming::Nameless | Naming::Unanswered(None) => None,
        },
    }
}

/// The name of `ip`, and whether it leads back: what `getnameinfo` and `getaddrinfo` tell a mail server.
pub async fn naming(dns: &Dns, ip: IpAddr) -> Naming {
    let reply = dns.ask(Ask::new(Question::ptr(ip))).await;
    if !reply.is_definite() {
        return Naming::Unanswered(None);
    }
    let named = |reply: &Reply| reply.names().first().and_then(|name| DomainName::parse(&name.to_ascii()).ok());
    let Some(name) = named(&reply) else { return Naming::Nameless };
    let rtype = if ip.is_ipv4() { RecordType::A } else { RecordType::AAAA };
    let Ok(question) = Question::new(&name, rtype) else { return Naming::Unconfirmed(name) };
    let forward = dns.ask(Ask::new(question)).await;
    if !forward.is_definite() {
        return Naming::Unanswered(Some(name));
    }
    let leads_back = forward.addresses().into_iter().take(MOST_ADDRESSES).any(|address| address == ip);
    if leads_back { Naming::Confirmed(name) } else { Naming::Unconfirmed(name) }
}

/// All addresses of a host; nothing if that was not answered.
async fn addresses(dns: &Dns, host: &DomainName) -> Option<Vec<IpAddr>> {
    let mut found = Vec::new();
    let mut silent = false;
    for rtype in [RecordType::A, RecordType::AAAA] {
        let Ok(question) = Question::new(host, rtype) else { continue };
        let reply = dns.ask(Ask::new(question)).await;
        silent |= !reply.is_definite();
        found.extend(reply.addresses());
    }
    (!silent || !found.is_empty()).then_some(found)
}

/// The name of `target` below `zone`, whatever kind of list that is; nothing if it is too long.
fn name_below(zone: &str, target: &Target) -> Option<String> {
    let zone = DomainName::parse(zone).ok()?;
    List::custom("asked", zone, &Family::ALL, Weight::Block).query_name(target, None).ok()
}

/// What `zone` says of `target`, whatever kind of list it is; nothing if that makes no name.
async fn plain_lookup(dns: &Dns, zone: &str, target: &Target) -> Option<Lookup> {
    let name = name_below(zone, target)?;
    let question = Question::new(&name, RecordType::A).ok()?;
    Some(Lookup::from(dns.ask(Ask::new(question)).await.as_ref()))
}

/// The name in HELO, if it is one.
fn helo_of(caller: &Caller) -> Option<DomainName> {
    DomainName::parse(caller.helo.as_deref()?).ok()
}

/// Whether there is anything at `domain` that mail could be sent to.
async fn existence(dns: &Dns, domain: &DomainName) -> Existence {
    let mut found = Existence::Missing;
    for rtype in [RecordType::MX, RecordType::A, RecordType::AAAA] {
        let Ok(question) = Question::new(domain, rtype) else { return Existence::Missing };
        let reply = dns.ask(Ask::new(question)).await;
        match reply.answer {
            // RFC 7505, section 3.
            Answer::Data if rtype == RecordType::MX && reply.names().iter().any(Name::is_root) => {
                return Existence::NullMx;
            }
            Answer::Data => return Existence::Exists,
            Answer::NoData | Answer::NxDomain => {}
            _ => found = Existence::Unanswered,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a partner of whom a question was not answered would be called accepted, with a word about the rules beside it.
    #[test]
    fn what_was_not_answered_is_no_doubt_about_the_rules() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("exim4.conf");
        let acl = "acl_smtp_rcpt = rcpt\nbegin acl\nrcpt:\n  deny hosts = host.example.org\n  \
                   deny dnslists = fixed.example/192.0.2.9\n  deny dnslists = bl.example\n  accept\n";
        std::fs::write(&file, acl).unwrap();
        let policy = Policy::read(&file, &[]).unwrap();
        let caller = Caller { ip: [192, 0, 2, 7].into(), helo: None, sender: None };
        let host = DomainName::parse("host.example.org").unwrap();
        let zones = [("fixed.example", [192, 0, 2, 9]), ("bl.example", [192, 0, 2, 7])];
        let zones = zones.map(|(zone, ip)| (zone.to_owned(), Target::Ip(ip.into())));
        let facts = Facts {
            zones: zones.iter().cloned().map(|known| (known, Lookup::Absent)).collect(),
            addresses: [(host.clone(), Some(Vec::new()))].into(),
            ..Facts::default()
        };
        assert!(is_answered(&policy, &caller, &facts));
        let silent = Facts { addresses: [(host, None)].into(), ..facts.clone() };
        assert!(!is_answered(&policy, &caller, &silent));
        for known in zones {
            let mut silent = facts.clone();
            silent.zones.insert(known, Lookup::Failed(Answer::Timeout));
            assert!(!is_answered(&policy, &caller, &silent));
        }
    }
}
