//! Several name servers of one zone: whether they serve it, agree on it, and are the ones it is delegated to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use hickory_proto::rr::{Name, RecordType};
use mail_cutover::catalogue::Catalogue;
use mail_cutover::check::Check;
use mail_cutover::checks::dns_authority;
use mail_cutover::command::{context, known};
use mail_cutover::demo::{Fault, FaultRule, Setup, World, Zone};
use mail_cutover::model::{Lang, Phase, Saying, Secrets, Statement, Vantage};
use mail_cutover::probe::{Dns, ResolverChoice, Settings};
use mail_cutover::{plan, runner};

const ZONE: &str = "example.co.jp";
/// The world of the root, and those of the two servers of the zone. Other tests listen elsewhere.
const HOSTS: [Ipv4Addr; 3] = [Ipv4Addr::new(127, 0, 2, 1), Ipv4Addr::new(127, 0, 2, 2), Ipv4Addr::new(127, 0, 2, 3)];
/// What both servers of the zone have in common.
const COMMON: &str = "@ NS ns1.test.\n@ NS ns2.test.\n\
     @ TXT \"v=spf1 ip4:192.0.2.25 ip4:203.0.113.25 -all\"\nmx-old A 192.0.2.25\nmail A 203.0.113.25\n";
const SOA: &str = "@ SOA ns1.test. hostmaster.test. 5 7200 900 1209600 300\n";

/// One server of the zone: what it has, or how it fails.
enum Server {
    Has(String),
    Fails(Fault),
    /// It has the records, but fails so when it is asked for NS.
    NamesNobody(String, Fault),
    /// Nobody listens.
    Down,
}

fn has(records: &str) -> Server {
    Server::Has(format!("{SOA}{COMMON}{records}"))
}

/// Serves the root, which delegates the zone to `delegated`, and the servers of the zone; all on one port.
async fn start(delegated: &str, servers: [&Server; 2]) -> Vec<World> {
    let root = format!("{delegated}other.test. NS ns1.test.\nns1.test. A {}\nns2.test. A {}\n", HOSTS[1], HOSTS[2]);
    'ports: for _ in 0..20 {
        let top = serve(SocketAddr::from((HOSTS[0], 0)), vec![Zone::new(".", &root)], Vec::new()).await.unwrap();
        let port = top.address().port();
        let mut worlds = vec![top];
        for (server, host) in servers.iter().zip(&HOSTS[1..]) {
            let (zones, faults) = match server {
                Server::Has(text) if *host == HOSTS[1] => {
                    (vec![Zone::new(ZONE, text), Zone::new("other.test", "mail A 203.0.113.25")], Vec::new())
                }
                Server::Has(text) => (vec![Zone::new(ZONE, text)], Vec::new()),
                Server::Fails(fault) => {
                    (vec![Zone::new("elsewhere.test", "")], vec![FaultRule::new(".", fault.clone())])
                }
                Server::NamesNobody(text, fault) => {
                    let rule = FaultRule { rtype: Some(RecordType::NS), ..FaultRule::new(".", fault.clone()) };
                    (vec![Zone::new(ZONE, text)], vec![rule])
                }
                Server::Down => continue,
            };
            let Ok(world) = serve(SocketAddr::from((*host, port)), zones, faults).await else { continue 'ports };
            worlds.push(world);
        }
        return worlds;
    }
    panic!("no port was free on all addresses");
}

async fn serve(address: SocketAddr, zones: Vec<Zone>, faults: Vec<FaultRule>) -> Result<World, String> {
    let setup = Setup { zones, faults, address: Some(address), ..Setup::default() };
    World::serve(&setup).await.map_err(|error| error.to_string())
}

const BOTH: &str = "example.co.jp. NS ns1.test.\nexample.co.jp. NS ns2.test.\n";

async fn judge(first: Server, second: Server) -> Vec<Statement> {
    judge_delegated(BOTH, first, second).await
}

/// What `dns-authority` says.
async fn judge_delegated(delegated: &str, first: Server, second: Server) -> Vec<Statement> {
    let worlds = start(delegated, [&first, &second]).await;
    let root = worlds[0].address();
    let text = format!(
        "cutover_at = 2026-12-05T22:00:00+09:00\ndomains = [\"example.co.jp\"]\nhostname = \"mail.example.co.jp\"\n\
         [old]\nips = [{{ ip = \"192.0.2.25\", sends = false }}]\n\
         [new]\nips = [\"203.0.113.25\"]\nallow_special = true\nreason = \"a test\"\n\
         [smtp]\nports = []\n[dns]\nresolver = \"direct\"\nroot_hints = [\"{root}\"]\nauthority_port = {}\ntimeout = \"300ms\"\n",
        root.port()
    );
    let plan = plan::parse(&text, "plan.toml", &known(Catalogue::embedded())).unwrap();
    let now = DateTime::parse_from_rfc3339("2026-12-01T10:00:00+09:00").unwrap();
    let context = Arc::new(context(plan, Vantage::Desk, Phase::Before, now, &Secrets::default(), Vec::new()).unwrap());
    let limits = runner::Limits { deadline: Duration::from_secs(30), only: Vec::new(), skip: Vec::new() };
    let checks: [&'static Check; 1] = [&dns_authority::CHECK];
    let ending = runner::run(&checks, &context, &limits, std::future::pending(), |_, _| {}).await;
    ending.sections.into_iter().flat_map(|section| section.statements).collect()
}

/// Outcomes with subject and about, and what is said in English.
fn outcomes(said: &[Statement]) -> (BTreeSet<String>, String) {
    let named = said.iter().filter_map(|one| Some((one, one.named()?)));
    let tags = named
        .clone()
        .map(|(one, outcome)| format!("{} {} {}", outcome.tag, one.subject, one.about.as_deref().unwrap_or("-")));
    let text = named.map(|(one, outcome)| one.args.say(outcome.says, Lang::En));
    (tags.collect(), text.collect::<Vec<_>>().join("\n"))
}

fn set(tags: &[&str]) -> BTreeSet<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

/// Whether the whole of a zone passed, or (with its type) one RRset.
fn passed(said: &[Statement], subject: &str, about: Option<&str>) -> bool {
    said.iter().any(|one| {
        one.subject.to_string() == subject && one.about.as_deref() == about && matches!(one.saying, Saying::Passed)
    })
}

/// Lost if it fails: a zone in order would be doubted, or a difference that is none (order, case) would stop a cutover.
#[tokio::test]
async fn servers_that_agree_pass() {
    let said = judge(has("@ MX 10 mx-old\n@ MX 20 mail\n"), has("@ MX 20 MAIL\n@ MX 10 mx-old\n")).await;
    assert_eq!(outcomes(&said).0, set(&[]), "{}", outcomes(&said).1);
    assert!(passed(&said, "example.co.jp", None) && passed(&said, "mx-old.example.co.jp", Some("A")), "{said:?}");
}

/// Lost if it fails: a half of the senders would go to another server than the one that was checked.
#[tokio::test]
async fn servers_that_differ_are_named_with_what_each_says() {
    let newer = SOA.replace(" 5 ", " 6 ");
    let second = Server::Has(format!("{newer}{COMMON}@ MX 10 mail\n"));
    let said = judge(has("@ MX 10 mx-old\n"), second).await;
    let (tags, text) = outcomes(&said);
    assert_eq!(tags, set(&["dns-ns-agree example.co.jp MX", "dns-soa-skew example.co.jp -"]), "{text}");
    assert!(text.contains("ns1.test (127.0.2.2): 10 mx-old.example.co.jp"), "{text}");
    assert!(text.contains("ns2.test (127.0.2.3): 10 mail.example.co.jp"), "{text}");
    assert!(text.contains("ns1.test (127.0.2.2): 5") && text.contains("ns2.test (127.0.2.3): 6"), "{text}");
    assert!(!passed(&said, "example.co.jp", None), "{said:?}");
}

/// Lost if it fails: the change that reached only the server that happens to be asked first would look complete.
#[tokio::test]
async fn a_change_that_reached_one_server_only_is_seen() {
    for (first, second) in [("mail", "mx-old"), ("mx-old", "mail")] {
        let said = judge(has(&format!("@ MX 10 {first}\n")), has(&format!("@ MX 10 {second}\n"))).await;
        assert_eq!(outcomes(&said).0, set(&["dns-ns-agree example.co.jp MX"]), "{said:?}");
    }
    // A record that one of them does not have at all.
    let less = COMMON.replace("mail A 203.0.113.25\n", "");
    let second = Server::Has(format!("{SOA}{less}@ MX 10 mx-old\n"));
    let (tags, text) = outcomes(&judge(has("@ MX 10 mx-old\n"), second).await);
    assert_eq!(tags, set(&["dns-ns-agree mail.example.co.jp A"]), "{text}");
    assert!(text.contains("ns2.test (127.0.2.3): the name does not exist"), "{text}");
}

/// Lost if it fails: a stranger's proof of ownership would stop a cutover, or a missing SPF record would hide behind one.
#[tokio::test]
async fn only_policies_are_compared_among_texts() {
    let proof = "@ TXT \"some-site-verification=1\"\n";
    let said = judge(has("@ MX 10 mx-old\n"), has(&format!("@ MX 10 mx-old\n{proof}"))).await;
    assert_eq!(outcomes(&said).0, set(&[]), "{}", outcomes(&said).1);
    let without: String =
        COMMON.lines().filter(|line| !line.contains("spf1")).map(|line| format!("{line}\n")).collect();
    let second = Server::Has(format!("{SOA}{without}{proof}@ MX 10 mx-old\n"));
    let (tags, text) = outcomes(&judge(has("@ MX 10 mx-old\n"), second).await);
    assert_eq!(tags, set(&["dns-ns-agree example.co.jp TXT"]), "{text}");
    assert!(text.contains("ns2.test (127.0.2.3): no such policy"), "{text}");
}

/// Lost if it fails: two servers with one alias would disagree because only one of them knows where it leads.
#[tokio::test]
async fn an_alias_into_another_zone_is_no_disagreement() {
    let alias = COMMON.replace("mail A 203.0.113.25\n", "mail CNAME mail.other.test.\n");
    let server = || Server::Has(format!("{SOA}{alias}@ MX 10 mx-old\n"));
    let said = judge(server(), server()).await;
    assert_eq!(outcomes(&said).0, set(&[]), "{}", outcomes(&said).1);
    assert!(passed(&said, "mail.example.co.jp", Some("A")), "{said:?}");
}

/// Lost if it fails: a TTL lowered at one server only would count as lowered.
#[tokio::test]
async fn servers_with_other_ttls_are_named() {
    let said = judge(has("@ 300 MX 10 mx-old\n"), has("@ 86400 MX 10 mx-old\n")).await;
    let (tags, text) = outcomes(&said);
    assert_eq!(tags, set(&["dns-ns-ttl example.co.jp MX"]), "{text}");
    assert!(text.contains("300 s") && text.contains("86400 s"), "{text}");
}

/// Lost if it fails: look-ups that happen to go to a server without the zone would fail unexplained.
#[tokio::test]
async fn lame_servers_are_told_from_silent_ones() {
    let good = || has("@ MX 10 mx-old\n");
    for fault in [Fault::Refused, Fault::ServFail, Fault::Lame] {
        let (tags, text) = outcomes(&judge(good(), Server::Fails(fault.clone())).await);
        assert_eq!(tags, set(&["dns-lame example.co.jp -"]), "{fault:?}: {text}");
        assert!(text.contains("ns2.test (127.0.2.3) SOA"), "{text}");
    }
    for server in [Server::Fails(Fault::Drop), Server::Down] {
        let (tags, text) = outcomes(&judge(good(), server).await);
        assert_eq!(tags, set(&["dns-ns-silent example.co.jp -"]), "{text}");
        assert!(text.contains("ns2.test (127.0.2.3) SOA"), "{text}");
    }
}

/// Lost if it fails: a delegation that was compared with nothing would pass.
#[tokio::test]
async fn servers_that_name_no_servers_do_not_pass() {
    let text = || format!("{SOA}{COMMON}@ MX 10 mx-old\n");
    for (fault, tag) in [(Fault::Refused, "dns-lame"), (Fault::Drop, "dns-ns-silent")] {
        let server = || Server::NamesNobody(text(), fault.clone());
        let said = judge(server(), server()).await;
        assert_eq!(outcomes(&said).0, set(&[&format!("{tag} example.co.jp -")]), "{said:?}");
        assert!(outcomes(&said).1.contains("ns2.test (127.0.2.3) NS"), "{said:?}");
        assert!(!passed(&said, "example.co.jp", None), "{said:?}");
    }
}

/// Lost if it fails: a zone on the servers of the zone above, of which they will not name the servers, would be no zone at all.
#[tokio::test]
async fn a_zone_whose_servers_are_not_named_is_still_a_zone() {
    let above = format!("jp NS ns1.test.\nns1.test. A {}\n", HOSTS[1]);
    let zones = || vec![Zone::new("jp", "@ NS ns1.test.\n"), Zone::new(ZONE, format!("{SOA}{COMMON}"))];
    let rule = || FaultRule { rtype: Some(RecordType::NS), ..FaultRule::new(ZONE, Fault::ServFail) };
    // Both must have one port, and somebody else may have it at the second address.
    let mut pair = None;
    for _ in 0..20 {
        let top = serve((HOSTS[0], 0).into(), vec![Zone::new(".", &above)], Vec::new()).await.unwrap();
        if let Ok(own) = serve((HOSTS[1], top.address().port()).into(), zones(), vec![rule()]).await {
            pair = Some((top, own));
            break;
        }
    }
    let (top, _own) = pair.unwrap();
    let settings = Settings {
        resolver: ResolverChoice::Direct,
        root_hints: vec![top.address()],
        authority_port: top.address().port(),
        ..Settings::default()
    };
    let authority = Dns::new(settings).unwrap().authority(&Name::from_ascii("example.co.jp.").unwrap()).await;
    assert!(authority.failure.is_some(), "{authority:?}");
}

/// Lost if it fails: a zone that nobody serves would look like one that is slow, or one that is silent like one that is broken.
#[tokio::test]
async fn without_any_good_server_nothing_passes() {
    let refused = || Server::Fails(Fault::Refused);
    let said = judge(refused(), Server::Fails(Fault::ServFail)).await;
    assert!(outcomes(&said).0.contains("dns-lame-all example.co.jp -"), "{said:?}");
    let said = judge(refused(), Server::Down).await;
    assert!(outcomes(&said).0.contains("dns-ns-unanswered example.co.jp -"), "{said:?}");
    let said = judge(Server::Down, Server::Fails(Fault::Drop)).await;
    assert!(outcomes(&said).0.contains("dns-ns-unanswered example.co.jp -"), "{said:?}");
    assert!(said.iter().all(|one| !matches!(one.saying, Saying::Passed)), "{said:?}");
}

/// Lost if it fails: a server of the zone that the parent does not know, or the other way round, would never be asked.
#[tokio::test]
async fn a_delegation_to_other_servers_is_named() {
    let one = "example.co.jp. NS ns1.test.\n";
    let said = judge_delegated(one, has("@ MX 10 mx-old\n"), has("@ MX 10 mx-old\n")).await;
    let (tags, text) = outcomes(&said);
    assert_eq!(tags, set(&["dns-delegation example.co.jp -"]), "{text}");
    assert!(text.contains("to ns1.test, but the zone itself names ns1.test, ns2.test"), "{text}");
}

/// Lost if it fails: a machine without IPv6 would blame a server that has nothing else, or call the zone checked.
#[tokio::test]
async fn a_server_to_which_there_is_no_way_is_not_blamed() {
    let delegated = "example.co.jp. NS ns1.test.\nexample.co.jp. NS ns3.test.\nns3.test. AAAA 2001:db8::53\n";
    let text =
        format!("{SOA}@ NS ns1.test.\n@ NS ns3.test.\nmx-old A 192.0.2.25\nmail A 203.0.113.25\n@ MX 10 mx-old\n");
    let said = judge_delegated(delegated, Server::Has(text), Server::Down).await;
    let (tags, text) = outcomes(&said);
    // Whether it has no route, or a route on which nobody answers.
    assert_eq!(tags, set(&[]), "{text}");
    let zone: Vec<&Statement> = said.iter().filter(|one| one.about.is_none()).collect();
    assert!(!zone.is_empty() && zone.iter().all(|one| matches!(one.saying, Saying::NotCovered(_))), "{zone:?}");
}
