//! Puts a subject and the test points to a list at once, through the resolver and, where that fails, to the list's own servers.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use hickory_proto::rr::RecordType;

use super::judge::{Answers, Belief, State, believe, health};
use super::lookup::Lookup;
use super::rests::Rests;
use super::select::Selected;
use crate::catalogue::{Family, Target};
use crate::model::{DomainName, ObservationId, Value};
use crate::probe::{Answer, Ask, Dns, Question, Reply, Route};

/// Asks blocklists on behalf of one run; the random subjects are drawn once, so that equal questions stay equal.
#[derive(Clone)]
pub struct Consultant {
    dns: Dns,
    /// Whether the list's own servers are asked when the resolver's answer cannot be believed.
    falls_back: bool,
    random: [Target; 3],
    /// What lists said before, in a watch of many runs.
    rests: Option<Rests>,
}

/// What one list said of one subject.
#[derive(Clone, Debug)]
pub struct Consultation {
    /// What is believed.
    pub belief: Belief,
    /// `resolver` or `authority`: whose answer it rests on.
    pub route: &'static str,
    /// What the list's TXT record says of a listing; visible, bounded.
    pub reason: Option<String>,
    /// The observations it rests on.
    pub evidence: Vec<ObservationId>,
}

/// Whether one list can be believed about one family.
#[derive(Clone, Debug)]
pub struct Health {
    /// The state.
    pub state: State,
    /// The list refuses with an address, which a rule without return codes takes for a listing; REFUSED lists nobody.
    pub refuses_by_address: bool,
    /// Why.
    pub why: Value,
    /// `resolver` or `authority`.
    pub route: &'static str,
    /// The observations it rests on.
    pub evidence: Vec<ObservationId>,
}

impl Consultant {
    /// A consultant that asks through `dns`; with `falls_back`, the authoritative servers of a list are asked when the resolver
    /// refuses or breaks it.
    pub fn new(dns: Dns, falls_back: bool) -> Self {
        Self { dns, falls_back, random: random(), rests: None }
    }

    /// The same, in one of many runs that share `rests`: a list that rests is not asked. The random subjects are theirs, so that what
    /// a list said of them is remembered with the rest.
    #[must_use]
    pub fn resting(self, rests: Rests) -> Self {
        Self { random: rests.random().clone(), rests: Some(rests), ..self }
    }

    /// The name that exists nowhere, outside any list: it must be NXDOMAIN, or the resolver rewrites answers.
    pub fn nonexistent(&self) -> Option<&DomainName> {
        match &self.random[2] {
            Target::Domain(name) => Some(name),
            Target::Ip(_) => None,
        }
    }

    /// A subject that nobody lists; the same one throughout the run.
    pub(super) fn random(&self, family: Family) -> &Target {
        match family {
            Family::Ipv4 => &self.random[0],
            Family::Ipv6 => &self.random[1],
            Family::Domain => &self.random[2],
        }
    }

    /// The door that it asks through.
    pub(super) fn dns(&self) -> &Dns {
        &self.dns
    }

    /// Whether the authoritative servers of a list are asked where the resolver refuses or breaks it.
    pub(super) fn falls_back(&self) -> bool {
        self.falls_back
    }

    /// What `selected` says of `target`.
    pub async fn consult(&self, selected: &Selected, target: &Target) -> Consultation {
        let family = target.family();
        if selected.list.holds(family) == crate::catalogue::Holds::No {
            return Consultation {
                belief: Belief::NotApplicable,
                route: "resolver",
                reason: None,
                evidence: Vec::new(),
            };
        }
        if let Some(why) = selected.wants_key() {
            let belief = Belief::Unknown(State::NoKey, why);
            return Consultation { belief, route: "resolver", reason: None, evidence: Vec::new() };
        }
        let first = self.consult_by(selected, target, family, Route::Resolver).await;
        if !self.falls_back || !matches!(first.belief, Belief::Unknown(..)) {
            return first;
        }
        let mut second = self.consult_by(selected, target, family, Route::Authority).await;
        if matches!(second.belief, Belief::Unknown(..)) {
            return Consultation { evidence: [first.evidence, second.evidence].concat(), ..first };
        }
        second.evidence.extend(first.evidence);
        second
    }

    async fn consult_by(&self, selected: &Selected, target: &Target, family: Family, route: Route) -> Consultation {
        let word = word_of(&route);
        let Some(subject) = self.question(selected, target, RecordType::A) else {
            // A public suffix itself, or a name that leaves no room for the zone: the list cannot hold it.
            let belief = Belief::NotApplicable;
            return Consultation { belief, route: word, reason: None, evidence: Vec::new() };
        };
        let (subject, points) =
            futures::join!(self.ask(selected, subject, route), self.test_points(selected, family, route));
        let (said, words) = (Lookup::from(subject.as_ref()), points.words());
        let answers = words.with(&said);
        let belief = believe(&selected.list, family, &answers);
        let mut evidence = vec![subject.observation];
        if matches!(belief, Belief::Unknown(..)) {
            evidence.extend(points.observations());
        }
        let mut reason = None;
        if matches!(belief, Belief::Listed(_))
            && let Some(question) = self.question(selected, target, RecordType::TXT)
        {
            let text = self.ask(selected, question, route).await;
            evidence.push(text.observation);
            // Without the key first: what is cut in the middle of one would not be known for it.
            reason =
                text.texts().first().map(|bytes| self.dns.redact(&selected.redact(&String::from_utf8_lossy(bytes))));
        }
        Consultation { belief, route: word, reason, evidence }
    }

    /// Whether `selected` can be believed about `family`.
    pub async fn health(&self, selected: &Selected, family: Family) -> Health {
        if let Some(why) = selected.wants_key() {
            return Health {
                state: State::NoKey,
                refuses_by_address: false,
                why,
                route: "resolver",
                evidence: Vec::new(),
            };
        }
        let first = self.health_by(selected, family, Route::Resolver).await;
        if first.state == State::Healthy || !self.falls_back {
            return first;
        }
        let second = self.health_by(selected, family, Route::Authority).await;
        if second.state == State::Healthy { second } else { first }
    }

    /// Whether `selected` can be believed about `family` through the resolver, whatever the list's own servers would say: this is what
    /// a mail server goes by.
    pub async fn health_through_resolver(&self, selected: &Selected, family: Family) -> Health {
        match selected.wants_key() {
            Some(why) => {
                Health { state: State::NoKey, refuses_by_address: false, why, route: "resolver", evidence: Vec::new() }
            }
            None => self.health_by(selected, family, Route::Resolver).await,
        }
    }

    async fn health_by(&self, selected: &Selected, family: Family, route: Route) -> Health {
        let points = self.test_points(selected, family, route).await;
        let words = points.words();
        let (state, why) = match &words.random {
            Some(random) => health(&selected.list, family, &words.with(random)),
            None => (State::Silent, Value::both("it has no test points", "テスト用アドレスがない")),
        };
        let refuses_by_address = state == State::Refused && points.replies().any(|reply| reply.answer == Answer::Data);
        Health { state, refuses_by_address, why, route: word_of(&route), evidence: points.observations().collect() }
    }

    async fn test_points(&self, selected: &Selected, family: Family, route: Route) -> TestPoints {
        let listed = selected.list.test_listed(family);
        let unlisted = selected.list.test_unlisted(family);
        let ask = async |target: Option<&Target>| {
            let question = self.question(selected, target?, RecordType::A)?;
            Some(self.ask(selected, question, route).await)
        };
        let (listed, unlisted, random) =
            futures::join!(ask(listed.as_ref()), ask(unlisted.as_ref()), ask(Some(self.random(family))));
        TestPoints { listed, unlisted, random }
    }

    fn question(&self, selected: &Selected, target: &Target, rtype: RecordType) -> Option<Question> {
        let name = selected.list.query_name(target, selected.key.as_deref()).ok()?;
        Question::new(&name, rtype).ok()
    }

    async fn ask(&self, selected: &Selected, question: Question, route: Route) -> Arc<Reply> {
        let Some(rests) = &self.rests else { return self.put(selected, question, route).await };
        if let Some(reply) = rests.recall(&self.dns, &selected.list.id, &question, route) {
            return reply;
        }
        let reply = self.put(selected, question, route).await;
        rests.remember(&self.dns, &selected.list.id, route, &reply);
        reply
    }

    async fn put(&self, selected: &Selected, question: Question, route: Route) -> Arc<Reply> {
        let pace = selected.pace();
        self.dns.ask(Ask { pace, ..Ask::new(question).via(route) }).await
    }
}

/// The replies to a list's test points.
struct TestPoints {
    listed: Option<Arc<Reply>>,
    unlisted: Option<Arc<Reply>>,
    random: Option<Arc<Reply>>,
}

/// What a list said of its test points.
struct PointWords {
    listed: Option<Lookup>,
    unlisted: Option<Lookup>,
    random: Option<Lookup>,
}

impl PointWords {
    fn with<'a>(&'a self, subject: &'a Lookup) -> Answers<'a> {
        Answers {
            subject,
            listed: self.listed.as_ref(),
            unlisted: self.unlisted.as_ref(),
            random: self.random.as_ref().unwrap_or(subject),
        }
    }
}

impl TestPoints {
    fn words(&self) -> PointWords {
        let word = |reply: &Option<Arc<Reply>>| reply.as_deref().map(Lookup::from);
        PointWords { listed: word(&self.listed), unlisted: word(&self.unlisted), random: word(&self.random) }
    }

    fn replies(&self) -> impl Iterator<Item = &Reply> {
        [&self.listed, &self.unlisted, &self.random].into_iter().flatten().map(Arc::as_ref)
    }

    fn observations(&self) -> impl Iterator<Item = ObservationId> {
        self.replies().map(|reply| reply.observation)
    }
}

fn word_of(route: &Route) -> &'static str {
    match route {
        Route::Resolver => "resolver",
        Route::Authority | Route::Server(_) => "authority",
    }
}

/// Subjects that nobody lists, one of each family.
pub(super) fn random() -> [Target; 3] {
    let [a, b, c, rest @ ..] = random_bytes();
    // 127.0.0.0/16 holds documented test points; the rest of 127.0.0.0/8 is on nobody's list (RFC 5782, section 5).
    let v4 = Ipv4Addr::new(127, a | 1, b, c | 4);
    let label: String = rest.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    let domain =
        DomainName::parse(&format!("mail-cutover-{label}.com")).map_or(Target::Ip(IpAddr::V4(v4)), Target::Domain);
    [Target::Ip(v4.into()), Target::Ip(v4.to_ipv6_mapped().into()), domain]
}

/// Twenty bytes nobody can predict; all the same if the system has none, which only makes the random subject guessable.
fn random_bytes() -> [u8; 20] {
    let mut bytes = [0x5a; 20];
    // A failure leaves the fixed bytes, and the subject is still one that nobody lists.
    let _ = getrandom::fill(&mut bytes);
    bytes
}
