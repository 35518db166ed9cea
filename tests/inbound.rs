//! The new server's policy on strangers: what real mail servers with real blocklists say to many clients, and what was predicted.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "inbound/asked.rs"]
mod asked;
#[path = "inbound/cases.rs"]
mod cases;
#[path = "inbound/clients.rs"]
mod clients;
#[path = "inbound/compare.rs"]
mod compare;
#[path = "inbound/exim.rs"]
mod exim;
#[path = "inbound/exim_policies.rs"]
mod exim_policies;
#[path = "inbound/facts.rs"]
mod facts;
#[path = "inbound/names.rs"]
mod names;
#[expect(dead_code, reason = "walls and other ways out are tested elsewhere")]
#[path = "servers/namespaces.rs"]
mod namespaces;
#[path = "inbound/postfix.rs"]
mod postfix;
#[path = "inbound/predicted_exim.rs"]
mod predicted_exim;
#[path = "daemons/process.rs"]
mod process;
#[path = "inbound/stage.rs"]
mod stage;
#[path = "inbound/talk.rs"]
mod talk;
#[expect(dead_code, reason = "worlds in this process are tested elsewhere")]
mod world;

use std::collections::BTreeSet;
use std::time::Instant;

use mail_cutover::inbound::postfix::Postfix;
use mail_cutover::inbound::{Caller, Fate};

use talk::Reception;

/// How many clients come. The default keeps the test short; the promise was measured with more.
const CLIENTS: &str = "MAIL_CUTOVER_INBOUND_CLIENTS";

fn count() -> usize {
    std::env::var(CLIENTS).map_or(60, |count| count.parse().unwrap())
}

/// Lost if it fails: a partner's mail would bounce although it was said to be taken, or the other way round.
#[test]
fn postfix_answers_every_client_as_predicted() {
    let clients = clients::clients(count());
    let Some(mut stage) = stage::Stage::start(&clients, &[("Postfix", postfix::master().is_some())]) else { return };
    let began = Instant::now();
    let servers: Vec<(u8, Postfix)> = (1..)
        .zip(cases::CASES)
        .map(|(number, case)| {
            let [main, master] = postfix::start(&mut stage, number, case.main, case.master, case.tables);
            (number, Postfix::open(&main, Some(&master)).unwrap())
        })
        .collect();
    stage.wait();
    let started = began.elapsed();
    let callers: Vec<Caller> = clients.iter().map(facts::caller).collect();
    let zones = servers.iter().flat_map(|(_, policy)| policy.asked_zones()).collect();
    let facts = facts::gather(&stage.clients, &callers, &zones);
    let asked = began.elapsed();
    let places: Vec<_> = servers.iter().map(|(number, _)| stage::address_of(*number)).collect();
    let received = talk::all(&stage.clients, &clients, &places, postfix::RECIPIENT);

    let mut wrong = Vec::new();
    let (mut taken, mut refused, mut unknown) = (0, 0, 0);
    for ((case, (_, policy)), received) in cases::CASES.iter().zip(&servers).zip(&received) {
        let mut kinds = BTreeSet::new();
        for ((client, caller), reception) in clients.iter().zip(&callers).zip(received) {
            let fate = policy.judge(caller, &facts).fate;
            match &fate {
                Fate::Accepted => taken += 1,
                Fate::Refused(_) => refused += 1,
                Fate::Unknown { .. } => unknown += 1,
            }
            kinds.insert(matches!(reception, Reception::Taken));
            if let Some(difference) = compare::difference(&fate, reception) {
                wrong.push(format!("{}: {client:?}: {difference}", case.name));
            }
        }
        // A configuration that treats all alike compares nothing.
        if kinds.len() < 2 {
            wrong.push(format!("{}: every client is treated alike", case.name));
        }
    }
    stage::say(&format!(
        "{} clients at {} servers: {taken} said to be taken, {refused} refused, {unknown} in doubt; {} disagreements \
         (started in {started:.1?}, asked in {:.1?}, met in {:.1?})",
        clients.len(),
        servers.len(),
        wrong.len(),
        asked - started,
        began.elapsed() - asked,
    ));
    assert!(wrong.is_empty(), "{} disagreements:\n{}\n{}", wrong.len(), wrong.join("\n"), stage.logs());
}
