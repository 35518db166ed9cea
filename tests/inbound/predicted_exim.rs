//! What was predicted of Exim servers, beside what they said.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mail_cutover::dnsbl::Lookup;
use mail_cutover::inbound::{Caller, Existence, Facts, Fate, Naming, Policy as Rules, Refusal};
use mail_cutover::model::DomainName;

use super::exim::{Policy, RECIPIENT, binary, start};
use super::exim_policies::POLICIES;
use super::stage::{Stage, address_of, say};
use super::talk::{self, Reception};
use super::{clients, count, facts};

/// Lost if it fails: partners would be told that their mail arrives, and a real Exim would bounce it; or the other way round.
#[test]
fn exim_says_what_was_predicted() {
    let clients = clients::clients(count());
    let Some(mut stage) = Stage::start(&clients, &[("Exim", binary().is_some())]) else { return };
    let policies: Vec<(u8, &Policy)> = (1..).zip(POLICIES).collect();
    let files: Vec<_> = policies.iter().map(|(number, policy)| start(&mut stage, *number, policy)).collect();
    stage.wait();
    let servers: Vec<Rules> = files.iter().map(|file| Rules::read(file, &[]).unwrap()).collect();
    let callers: Vec<Caller> = clients.iter().map(facts::caller).collect();
    let facts = facts::gather(&stage.clients, &callers, &servers);
    let others = answered(&facts);
    let places: Vec<_> = policies.iter().map(|(number, _)| address_of(*number)).collect();
    let received = talk::all(&stage.clients, &clients, &places, RECIPIENT);
    let mut wrong = Vec::new();
    let mut judging = Duration::ZERO;
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for (((_, policy), server), received) in policies.iter().zip(&servers).zip(&received) {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for ((client, caller), reception) in clients.iter().zip(&callers).zip(received) {
            let began = Instant::now();
            let judgement = server.judge(caller, &facts);
            judging += began.elapsed();
            // What is certain stays so, whatever would have been answered.
            if let Some(other) = others.iter().map(|facts| server.judge(caller, facts).fate).find(|other| {
                !matches!(judgement.fate, Fate::Unknown { .. }) && kind_of(other) != kind_of(&judgement.fate)
            }) {
                wrong.push(format!(
                    "{}: {client:?}\n  was sure: {:?}\n  but might: {other:?}",
                    policy.name, judgement.fate
                ));
            }
            let (kind, fate) = match &judgement.fate {
                Fate::Unknown { then, .. } => ("unanswered", then.as_ref()),
                fate @ Fate::Refused(refusal) if refusal.is_temporary() => ("put off", fate),
                fate @ Fate::Refused(_) => ("refused", fate),
                Fate::Accepted => ("accepted", &Fate::Accepted),
            };
            *seen.entry(if *fate == Fate::Accepted { "accepted" } else { "refused" }).or_default() += 1;
            *counted.entry(kind).or_default() += 1;
            if !agrees(fate, reception) {
                wrong.push(format!(
                    "{}: {client:?}\n  said: {reception:?}\n  predicted: {:?}",
                    policy.name, judgement.fate
                ));
            }
        }
        if seen.len() == 1 {
            wrong.push(format!("{}: everybody meets the same fate: {seen:?}", policy.name));
        }
    }
    say(&format!(
        "{} clients at {} servers with Exim: {counted:?}; {} disagreements (judged in {judging:.1?})",
        clients.len(),
        servers.len(),
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{} predictions were wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The same world, had everything been answered: in three ways.
fn answered(facts: &Facts) -> [Facts; 3] {
    [0, 1, 2].map(|way| {
        let mut facts = facts.clone();
        for lookup in facts.zones.values_mut().filter(|lookup| matches!(lookup, Lookup::Failed(_))) {
            *lookup = match way {
                0 => Lookup::Absent,
                way => Lookup::Addresses(vec![[127, 0, 0, 1 + way].into()]),
            };
        }
        for naming in facts.names.values_mut() {
            *naming = match (way, &*naming) {
                (0, Naming::Unanswered(_)) => Naming::Nameless,
                (_, Naming::Unanswered(Some(name))) => Naming::Confirmed(name.clone()),
                (_, Naming::Unanswered(None)) => Naming::Confirmed(
                    DomainName::parse(["mail.listed.example", "mail.partners.example"][usize::from(way) - 1]).unwrap(),
                ),
                (_, answered) => answered.clone(),
            };
        }
        for existence in facts.domains.values_mut().filter(|existence| **existence == Existence::Unanswered) {
            *existence = if way == 0 { Existence::Missing } else { Existence::Exists };
        }
        for addresses in facts.addresses.values_mut() {
            addresses.get_or_insert_default();
        }
        facts
    })
}

/// Taken, thrown away, put off or refused; nothing where it is not known.
fn kind_of(fate: &Fate) -> Option<u16> {
    match fate {
        Fate::Accepted => Some(0),
        Fate::Refused(refusal) => Some(refusal.reply / 100),
        Fate::Unknown { .. } => None,
    }
}

fn agrees(fate: &Fate, reception: &Reception) -> bool {
    match (fate, reception) {
        (Fate::Accepted, Reception::Taken) => true,
        (Fate::Refused(refusal), Reception::Taken) => refusal.reply == 250,
        (Fate::Refused(refusal), Reception::Refused(said)) => said_so(refusal, said),
        _ => false,
    }
}

/// The words of a reply without the code that begins every line. Addresses in a row come in an order that changes from answer to answer.
fn words(reply: &str) -> String {
    let code = reply.get(..3).unwrap_or_default();
    let bare = |word: &'_ str| -> String {
        let word = word.strip_prefix(code).map_or(word, |rest| rest.strip_prefix('-').unwrap_or(rest));
        word.trim_matches(['(', ')', ',']).to_owned()
    };
    let mut words: Vec<String> = reply.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    words.sort_by_key(|word| word.starts_with("127.").then(|| word.clone()));
    words.join(" ")
}

/// The code, and the text to its end; a verification puts lines of its own before it.
fn said_so(refusal: &Refusal, said: &str) -> bool {
    let enhanced = refusal.enhanced.as_ref().map_or_else(String::new, |code| format!("{code} "));
    let predicted = words(&format!("{} {enhanced}{}", refusal.reply, refusal.text));
    said.starts_with(&refusal.reply.to_string()) && words(said).ends_with(&predicted)
}
