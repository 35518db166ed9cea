//! Several name servers of one zone: whether the reverse zone's servers agree, asked from a root of the test's own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use mail_cutover::catalogue::Catalogue;
use mail_cutover::check::Check;
use mail_cutover::checks::ptr_zone;
use mail_cutover::command::{context, known};
use mail_cutover::demo::{Fault, FaultRule, Setup, World, Zone};
use mail_cutover::model::{Phase, Secrets, Status, Vantage};
use mail_cutover::{plan, runner};

const REVERSE: &str = "113.0.203.in-addr.arpa";
/// The world of the root, and those of the two servers of the reverse zone.
const HOSTS: [Ipv4Addr; 3] = [Ipv4Addr::new(127, 0, 1, 1), Ipv4Addr::new(127, 0, 1, 2), Ipv4Addr::new(127, 0, 1, 3)];

/// Serves the root, which delegates the reverse zone to two servers, and both of them; all on one port.
async fn start(first: &[&str], second: &[&str]) -> [World; 3] {
    let root =
        format!("{REVERSE} NS ns1.test.\n{REVERSE} NS ns2.test.\nns1.test. A {}\nns2.test. A {}\n", HOSTS[1], HOSTS[2]);
    for _ in 0..20 {
        let top = serve(SocketAddr::from((HOSTS[0], 0)), vec![Zone::new(".", &root)], Vec::new()).await.unwrap();
        let port = top.address().port();
        let zone = |records: &[&str]| match records {
            [] => (vec![Zone::new("elsewhere.test", "")], vec![FaultRule::new(".", Fault::Refused)]),
            records => (vec![Zone::new(REVERSE, records.join("\n"))], Vec::new()),
        };
        let (zones, faults) = zone(first);
        let Ok(one) = serve(SocketAddr::from((HOSTS[1], port)), zones, faults).await else { continue };
        let (zones, faults) = zone(second);
        let Ok(two) = serve(SocketAddr::from((HOSTS[2], port)), zones, faults).await else { continue };
        return [top, one, two];
    }
    panic!("no port was free on all three addresses");
}

async fn serve(address: SocketAddr, zones: Vec<Zone>, faults: Vec<FaultRule>) -> Result<World, String> {
    let setup = Setup { zones, faults, address: Some(address), ..Setup::default() };
    World::serve(&setup).await.map_err(|error| error.to_string())
}

/// What `ptr-zone` says of the new address, and whether it passed.
async fn judge(first: &[&str], second: &[&str]) -> BTreeSet<String> {
    let worlds = start(first, second).await;
    let root = worlds[0].address();
    let text = format!(
        "cutover_at = 2026-12-05T22:00:00+09:00\ndomains = [\"example.co.jp\"]\nhostname = \"mail.example.co.jp\"\n\
         [old]\nips = [{{ ip = \"192.0.2.25\", sends = false }}]\n\
         [new]\nips = [\"203.0.113.25\"]\nallow_special = true\nreason = \"a test\"\n\
         [smtp]\nports = []\n[dns]\nresolver = \"direct\"\nroot_hints = [\"{root}\"]\nauthority_port = {}\ntimeout = \"400ms\"\n",
        root.port()
    );
    let plan = plan::parse(&text, "plan.toml", &known(Catalogue::embedded())).unwrap();
    let now = DateTime::parse_from_rfc3339("2026-12-01T10:00:00+09:00").unwrap();
    let context = Arc::new(context(plan, Vantage::Desk, Phase::Before, now, &Secrets::default(), Vec::new()).unwrap());
    let limits = runner::Limits { deadline: Duration::from_secs(30), only: Vec::new(), skip: Vec::new() };
    let checks: [&'static Check; 1] = [&ptr_zone::CHECK];
    let ending = runner::run(&checks, &context, &limits, std::future::pending(), |_, _| {}).await;
    let said = ending.sections[0].statements.iter().filter(|statement| statement.subject.to_string() == "203.0.113.25");
    said.map(|statement| match statement.named() {
        Some(outcome) => {
            format!("{} {:?}", outcome.tag, statement.args.value("answers").or(statement.args.value("servers")))
        }
        None if statement.status() == Status::Passed => "passed".to_owned(),
        None => "nothing".to_owned(),
    })
    .collect()
}

/// Lost if it fails: a part of the receivers would see another PTR than the one that was checked.
#[tokio::test]
async fn servers_that_agree_pass_and_servers_that_differ_are_named() {
    let good = ["25 PTR mail.example.co.jp."];
    assert_eq!(judge(&good, &good).await, BTreeSet::from(["passed".to_owned()]));
    // Order and case are no difference.
    let both = ["25 PTR a.example.co.jp.", "25 PTR b.example.co.jp."];
    let turned = ["25 PTR B.example.co.jp.", "25 PTR a.example.co.jp."];
    assert_eq!(judge(&both, &turned).await, BTreeSet::from(["passed".to_owned()]));

    let said = judge(&good, &["25 PTR old.example.co.jp."]).await;
    let said: Vec<&String> = said.iter().collect();
    assert!(said.len() == 1 && said[0].starts_with("ptr-delegation-differs"), "{said:?}");
    assert!(said[0].contains("mail.example.co.jp") && said[0].contains("old.example.co.jp"), "{said:?}");
}

/// Lost if it fails: a name server that refuses, and therefore half of the look-ups that go there first, would go unmentioned.
#[tokio::test]
async fn a_lame_server_is_named() {
    let said = judge(&["25 PTR mail.example.co.jp."], &[]).await;
    let said: Vec<&String> = said.iter().collect();
    assert!(
        said.len() == 1 && said[0].starts_with("ptr-delegation ") && said[0].contains("ns2.test (127.0.1.3)"),
        "{said:?}"
    );
}
