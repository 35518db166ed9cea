//! The new server's policy on strangers: what real mail servers with real blocklists say to many clients, and what was predicted.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

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
#[path = "servers/postfix_queue.rs"]
mod postfix_queue;
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
use std::sync::Arc;
use std::time::{Duration, Instant};

use mail_cutover::inbound::{Caller, Facts, Fate, Judgement, Policy, Postfix};

use clients::Client;
use postfix::Log;
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
    let Some(mut stage) = stage::Stage::start(&clients, &[("Postfix", postfix_queue::master().is_some())]) else {
        return;
    };
    let began = Instant::now();
    let servers: Vec<(u8, Policy)> = (1..)
        .zip(cases::CASES)
        .map(|(number, case)| {
            let [main, master] = postfix::start(&mut stage, number, case.main, case.master, case.tables);
            (number, Policy::Postfix(Arc::new(Postfix::open(&main, Some(&master)).unwrap())))
        })
        .collect();
    stage.wait();
    let started = began.elapsed();
    let callers: Vec<Caller> = clients.iter().map(facts::caller).collect();
    let policies: Vec<Policy> = servers.iter().map(|(_, policy)| policy.clone()).collect();
    let facts = facts::gather(&stage.clients, &callers, &policies);
    let asked = began.elapsed();
    let places: Vec<_> = servers.iter().map(|(number, _)| stage::address_of(*number)).collect();
    let received = talk::all(&stage.clients, &clients, &places, postfix::RECIPIENT);
    let met = began.elapsed();

    // What a server logs of a client may come after what it says to it.
    let mut compared = Compared::default();
    for _ in 0..50 {
        compared = Compared::default();
        for ((case, (number, policy)), received) in cases::CASES.iter().zip(&servers).zip(&received) {
            let log = Log::read(&stage, *number);
            compared.case(case.name, policy, &facts, &log, clients.iter().zip(&callers).zip(received));
        }
        if compared.wrong.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let Compared { taken, refused, doubtful, logged, wrong } = &compared;
    stage::say(&format!(
        "{} clients at {} servers: {taken} said to be taken, {refused} refused, {doubtful} in doubt; {logged} refusals only logged; \
         {} disagreements (started in {started:.1?}, asked in {:.1?}, met in {:.1?})",
        clients.len(),
        servers.len(),
        wrong.len(),
        asked - started,
        met - asked,
    ));
    assert!(wrong.is_empty(), "{} disagreements:\n{}\n{}", wrong.len(), wrong.join("\n"), stage.logs());
}

/// What came of a comparison.
#[derive(Default)]
struct Compared {
    taken: usize,
    refused: usize,
    doubtful: usize,
    logged: usize,
    wrong: Vec<String>,
}

impl Compared {
    /// One configuration with all its clients, who they are, what is known of them and how they were received.
    fn case<'c>(
        &mut self,
        name: &str,
        policy: &Policy,
        facts: &Facts,
        log: &Log,
        all: impl Iterator<Item = ((&'c Client, &'c Caller), &'c Reception)>,
    ) {
        let mut kinds = BTreeSet::new();
        for ((client, caller), reception) in all {
            let Judgement { fate, only_logged } = policy.judge(caller, facts);
            match &fate {
                Fate::Accepted => self.taken += 1,
                Fate::Refused(_) => self.refused += 1,
                Fate::Unknown { .. } => self.doubtful += 1,
            }
            self.logged += only_logged.len();
            kinds.insert(matches!(reception, Reception::Taken));
            let differences =
                [compare::difference(&fate, reception), compare::log_difference(&only_logged, &log.of(client.ip))];
            let differences = differences.into_iter().flatten();
            self.wrong.extend(differences.map(|difference| format!("{name}: {client:?}: {difference}")));
        }
        // A configuration that treats all alike compares nothing.
        if kinds.len() < 2 {
            self.wrong.push(format!("{name}: every client is treated alike"));
        }
    }
}
