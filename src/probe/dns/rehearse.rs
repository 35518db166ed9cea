//! Answers from zones as they shall be: what lies in a rehearsed zone comes from its file, the rest from the world.

use std::sync::Arc;

use hickory_proto::rr::{LowerName, Name, RData, Record, RecordType};

use super::chain::{LONGEST, lawful};
use super::draft::{Draft, Log};
use super::question::{Ask, Question};
use super::reply::Answer;
use super::resolve::Engine;
use crate::model::visible;
use crate::zonefile::{Found, Loaded, Zone};

/// What a rehearsed zone says to a question.
enum Told {
    Answer { answer: Answer, records: Vec<Record>, negative_ttl: Option<u32> },
    Alias(u32, Name),
}

impl Engine {
    /// Follows the aliases in and out of the rehearsed zones.
    pub(super) async fn rehearse(&self, ask: &Ask, log: &Log) -> Draft {
        let mut draft = Draft::new(&ask.question, Answer::Timeout);
        let (mut chain, mut ttl) = (Vec::<Name>::new(), None::<u32>);
        let mut sources: Vec<Arc<str>> = Vec::new();
        let mut at = ask.question.clone();
        let answer = loop {
            if let Some((loaded, told)) = self.intended(&at) {
                let path = Arc::from(visible(&loaded.path));
                if !sources.contains(&path) {
                    sources.push(path);
                }
                draft.aa = true;
                match told {
                    Told::Answer { answer, records, negative_ttl } => {
                        ttl = lower(ttl, records.iter().map(|record| record.ttl).min());
                        (draft.records, draft.negative_ttl) = (records, negative_ttl);
                        break answer;
                    }
                    Told::Alias(seconds, target) => {
                        ttl = lower(ttl, Some(seconds));
                        chain.push(target);
                    }
                }
            } else if let Some(failure) = self.undelegated(&at, ask, log).await {
                break failure;
            } else {
                let live = self.live(&Ask { question: at, ..ask.clone() }, log).await;
                ttl = lower(ttl, live.ttl);
                // From where an alias leads into a rehearsed zone, the world is not believed.
                let back = live.chain.iter().position(|name| self.is_intended(name, ask.question.rtype));
                chain.extend_from_slice(&live.chain[..back.map_or(live.chain.len(), |place| place + 1)]);
                if back.is_none() {
                    draft = Draft { question: ask.question.clone(), ..live };
                    break draft.answer.clone();
                }
            }
            let here = chain.last().unwrap_or(&ask.question.name);
            let before = &chain[..chain.len().saturating_sub(1)];
            if *here == ask.question.name || before.contains(here) {
                break Answer::Malformed("CNAME loop".to_owned());
            }
            if chain.len() > LONGEST {
                break Answer::Malformed("more than 8 CNAMEs in a row".to_owned());
            }
            at = ask.question.at(here);
        };
        // Nobody vouches for what stands in a file.
        Draft { answer, chain, ttl, ad: draft.ad && sources.is_empty(), rehearsed: sources, ..draft }
    }

    /// The innermost rehearsed zone that answers the question, and what it says; nothing if the name is the world's.
    fn intended(&self, question: &Question) -> Option<(&Loaded, Told)> {
        let loaded = self.enclosing(&question.name, question.rtype)?;
        let absent = |answer| {
            let soa = loaded.zone.negative().map(|soa| lawful(soa.ttl));
            Told::Answer { answer, records: Vec::new(), negative_ttl: soa }
        };
        let told = match loaded.zone.find(&question.name, question.rtype) {
            Found::Data(records) => Told::Answer { answer: Answer::Data, records, negative_ttl: None },
            Found::Alias(record, target) => Told::Alias(lawful(record.ttl), target.to_lowercase()),
            Found::NoData => absent(Answer::NoData),
            Found::NxDomain => absent(Answer::NxDomain),
            Found::Referral(_) => return None,
        };
        Some((loaded, told))
    }

    /// Why nobody can be asked for a name below a delegation in the file: the live zone does not delegate to any of its servers.
    /// What the live zone says of the name itself will not be true any more.
    async fn undelegated(&self, at: &Question, ask: &Ask, log: &Log) -> Option<Answer> {
        let Found::Referral(intended) = self.enclosing(&at.name, at.rtype)?.zone.find(&at.name, at.rtype) else {
            return None;
        };
        let cut = &intended.first()?.name;
        let question = Question { rtype: RecordType::NS, ..at.at(cut) };
        // As for whatever may not exist yet: no cache is made to remember an absence.
        let mut live = self.by_walk(&question, log).await;
        if !live.answer.is_definite() {
            live = self.live(&Ask { question, ..ask.clone() }, log).await;
        }
        let names = |set: &[Record]| -> Vec<Name> {
            let name =
                |record: &Record| if let RData::NS(ns) = &record.data { Some(ns.0.to_lowercase()) } else { None };
            set.iter().filter_map(name).collect()
        };
        let (live_names, intended) = (names(&live.records), names(&intended));
        match live.answer {
            _ if intended.iter().any(|server| live_names.contains(server)) => None,
            Answer::Data | Answer::NoData | Answer::NxDomain => {
                let cut = cut.to_ascii();
                Some(Answer::Malformed(format!("the file delegates {cut} to servers to which it is not delegated now")))
            }
            failure => Some(failure),
        }
    }

    fn is_intended(&self, name: &Name, rtype: RecordType) -> bool {
        self.intended(&Question { name: name.clone(), rtype }).is_some()
    }

    /// The rehearsed zone with the longest name around `name`; for DS at an apex the one above it.
    fn enclosing(&self, name: &Name, rtype: RecordType) -> Option<&Loaded> {
        let name = LowerName::new(name);
        let holds = |zone: &Zone| {
            zone.origin().zone_of(&name) && !(rtype == RecordType::DS && *zone.origin() == name && !name.is_root())
        };
        let around = self.settings.rehearsed.iter().filter(|loaded| holds(&loaded.zone));
        around.max_by_key(|loaded| loaded.zone.origin().num_labels())
    }
}

fn lower(known: Option<u32>, more: Option<u32>) -> Option<u32> {
    match (known, more.map(lawful)) {
        (Some(known), Some(more)) => Some(known.min(more)),
        (known, more) => known.or(more),
    }
}
