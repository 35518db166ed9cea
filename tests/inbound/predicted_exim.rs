//! What was predicted of Exim servers, beside what they said.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mail_cutover::inbound::exim::Exim;
use mail_cutover::inbound::{Caller, Fate, Refusal};

use super::exim::{Policy, RECIPIENT, binary, start};
use super::exim_policies::POLICIES;
use super::stage::{Stage, address_of, say};
use super::talk::{self, Reception};
use super::{asked, clients, count, facts};

/// Lost if it fails: partners would be told that their mail arrives, and a real Exim would bounce it; or the other way round.
#[test]
fn exim_says_what_was_predicted() {
    let clients = clients::clients(count());
    let Some(mut stage) = Stage::start(&clients, &[("Exim", binary().is_some())]) else { return };
    let policies: Vec<(u8, &Policy)> = (1..).zip(POLICIES).collect();
    let files: Vec<_> = policies.iter().map(|(number, policy)| start(&mut stage, *number, policy)).collect();
    stage.wait();
    let servers: Vec<Exim> = files.iter().map(|file| Exim::read(file).unwrap()).collect();
    let callers: Vec<Caller> = clients.iter().map(facts::caller).collect();
    let facts = asked::gather(&stage.clients, &callers, &servers);
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
