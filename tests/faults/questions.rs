//! The questions that a run asks, and what else could be answered to each.

use std::collections::{BTreeMap, BTreeSet};

use hickory_proto::rr::rdata::{A, AAAA, CAA, MX, NS, PTR, SRV, TLSA, TXT, tlsa};
use hickory_proto::rr::{Name, RData, RecordType};
use mail_cutover::demo::{Fault, FaultRule};

use crate::play::{Played, play};
use crate::world::case::Case;

/// One question, or all those that a run makes up below a zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Question {
    /// The name, absolute, lower case.
    pub(crate) name: String,
    pub(crate) rtype: RecordType,
    /// If the names are new in each run: those that are not, which the question does not stand for.
    not: Vec<String>,
    /// The zone of the blocklist that is asked.
    pub(crate) list: Option<String>,
}

/// What is asked in a world, after two runs: what both ask, and for what only one asks the zone in which it lies.
pub(crate) async fn of(world: &Case) -> (Played, Vec<Question>) {
    let (one, other) = (play(world, &[]).await, play(world, &[]).await);
    let in_zones = |played: &Played| -> BTreeSet<(String, RecordType)> {
        played.asked.iter().map(|asked| (asked.name.clone(), asked.rtype)).collect()
    };
    let (first, second) = (in_zones(&one), in_zones(&other));
    let lists = listed_zones(world);
    let list_of = |name: &str| lists.iter().find(|zone| below(name, zone)).cloned();
    let always: BTreeSet<_> = first.intersection(&second).cloned().collect();
    let mut found: BTreeMap<(String, RecordType), Question> = BTreeMap::new();
    for (name, rtype) in &always {
        let question = Question { name: name.clone(), rtype: *rtype, not: Vec::new(), list: list_of(name) };
        found.insert((name.clone(), *rtype), question);
    }
    for (name, rtype) in first.symmetric_difference(&second) {
        let zone = enclosing(world, name);
        let not = always.iter().filter(|(known, _)| below(known, &zone)).map(|(known, _)| known.clone()).collect();
        let question = Question { name: zone.clone(), rtype: *rtype, not, list: list_of(name) };
        found.insert((format!("*.{zone}"), *rtype), question);
    }
    let worse = if one.is_go() { other } else { one };
    (worse, found.into_values().collect())
}

/// What a run asked, name by name.
pub(crate) fn asked(played: &Played) -> Vec<Question> {
    let asked: BTreeSet<_> = played.asked.iter().map(|asked| (asked.name.clone(), asked.rtype)).collect();
    asked.into_iter().map(|(name, rtype)| Question { name, rtype, not: Vec::new(), list: None }).collect()
}

impl Question {
    /// The rules that let a fault befall this question and no other.
    pub(crate) fn with(&self, fault: &Fault) -> Vec<FaultRule> {
        let rule = FaultRule::new(self.name.clone(), fault.clone()).rtype(self.rtype);
        if self.not.is_empty() {
            return vec![rule.exact()];
        }
        let untouched = |name: &String| FaultRule::new(name.clone(), Fault::Delay(std::time::Duration::ZERO)).exact();
        self.not.iter().map(untouched).chain([rule]).collect()
    }

    /// Whether a blocklist is asked about what the worlds' plans move.
    pub(crate) fn is_about_us(&self) -> bool {
        let ours =
            ["25.113.0.203.", "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.2.0.0.8.b.d.0.1.0.0.2.", "example.co.jp."];
        let list = self.list.as_ref().map(|list| format!("{list}."));
        list.is_some_and(|list| ours.iter().any(|ours| self.name == format!("{ours}{list}")))
    }

    /// Other answers that the world could give, each as rules.
    pub(crate) fn other_answers(&self) -> Vec<Vec<FaultRule>> {
        let mut faults = vec![Fault::NxDomain, Fault::Data(Vec::new())];
        faults.extend(others(self.rtype).into_iter().map(|data| Fault::Data(vec![data])));
        faults.into_iter().map(|fault| self.with(&fault)).collect()
    }
}

impl std::fmt::Display for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let made_up = if self.not.is_empty() { "" } else { "(made up) " };
        write!(f, "{} {made_up}{}", self.rtype, self.name)
    }
}

/// Data of this type that no perfect world has.
fn others(rtype: RecordType) -> Vec<RData> {
    let host = |text: &str| Name::from_ascii(text).expect("a name");
    let text = |text: &str| RData::TXT(TXT::new(vec![text.to_owned()]));
    match rtype {
        RecordType::A => ["198.51.100.77", "127.0.0.2", "127.0.0.10", "127.0.1.2"]
            .map(|ip| RData::A(A(ip.parse().expect("an address"))))
            .to_vec(),
        RecordType::AAAA => vec![RData::AAAA(AAAA("2001:db8:bad::1".parse().expect("an address")))],
        RecordType::PTR => ["host-1.elsewhere.example.", "localhost."].map(|name| RData::PTR(PTR(host(name)))).to_vec(),
        RecordType::MX => {
            vec![RData::MX(MX::new(10, host("mx.elsewhere.example."))), RData::MX(MX::new(0, Name::root()))]
        }
        RecordType::NS => vec![RData::NS(NS(host("ns.elsewhere.example.")))],
        RecordType::SRV => vec![RData::SRV(SRV::new(0, 1, 993, host("mx-old.example.co.jp.")))],
        RecordType::CAA => vec![RData::CAA(CAA::new_issue(true, None, Vec::new()))],
        RecordType::TLSA => vec![RData::TLSA(TLSA::new(
            tlsa::CertUsage::DaneEe,
            tlsa::Selector::Spki,
            tlsa::Matching::Sha256,
            vec![7; 32],
        ))],
        RecordType::TXT => [
            "v=spf1 -all",
            "v=spf1 +all",
            "v=DKIM1; p=",
            "v=DMARC1; p=reject; adkim=s; aspf=s",
            "v=STSv1; id=1; x",
            "v=TLSRPTv1; rua=ftp://x",
            "nonsense",
        ]
        .map(text)
        .to_vec(),
        _ => Vec::new(),
    }
}

fn below(name: &str, zone: &str) -> bool {
    let (name, zone) = (name.trim_end_matches('.'), zone.trim_end_matches('.'));
    name == zone || name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'))
}

/// The most specific zone of the world for a name.
fn enclosing(world: &Case, name: &str) -> String {
    let origins = world.setup.zones.iter().map(|zone| zone.origin.as_str());
    let zone = origins.filter(|origin| *origin != "." && below(name, origin)).max_by_key(|origin| origin.len());
    zone.unwrap_or_else(|| panic!("{name} lies in no zone")).to_owned()
}

/// The zones of the blocklists that the world serves.
fn listed_zones(world: &Case) -> Vec<String> {
    let table = mail_cutover::demo::blocklists().expect("config/demo/lists.toml");
    let zones = table.list.iter().flat_map(|list| std::iter::once(list.zone.clone()).chain(list.zone_ipv6.clone()));
    zones.filter(|zone| world.setup.zones.iter().any(|served| served.origin.trim_end_matches('.') == zone)).collect()
}
