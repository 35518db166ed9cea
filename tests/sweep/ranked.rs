//! `rank` as a script uses it: killed and continued, in shards, through dnsdist, and what it refuses.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::daemon::{Relay, ZONES, dnsdist, programs, rbldnsd};

/// 4096 addresses: four blocks.
const RANGE: &str = "198.18.0.0/20";

/// A folder with a plan that asks `resolver` about [`ZONES`].
fn plan(folder: &Path, name: &str, resolver: SocketAddr) -> PathBuf {
    let lists: String = ZONES
        .iter()
        .map(|zone| {
            let id = zone.split('.').next().unwrap();
            format!("[[dnsbl.list]]\nid = \"{id}\"\nname = \"{id}\"\nzone = \"{zone}\"\nfamilies = [\"ipv4\"]\nweight = \"block\"\n")
        })
        .collect();
    let path = folder.join(name);
    let text = format!(
        "cutover_at = 2026-12-05T22:00:00+09:00\ndomains = [\"example.co.jp\"]\nhostname = \"mail.example.co.jp\"\n\
         [old]\nips = [\"192.0.2.25\"]\n[new]\nips = [\"203.0.113.25\"]\nallow_special = true\nreason = \"a test\"\n\
         [dns]\nresolver = [\"{resolver}\"]\ntimeout = \"1s\"\n[dnsbl]\nuse = []\n{lists}"
    );
    fs::write(&path, text).unwrap();
    path
}

fn rank(plan: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mail-cutover"));
    command.args(["rank", "--plan"]).arg(plan).args(arguments).env_clear();
    command
}

fn run(mut command: Command) -> Output {
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Lost if it fails: after a kill a night's sweep would have to begin anew, or its result miss or double rows.
#[test]
fn a_killed_run_is_continued_to_the_same_octets() {
    let Some([server]) = programs(["rbldnsd"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = rbldnsd(&server, folder.path());
    for (format, pass, signal) in [("ndjson", 8000, "KILL"), ("csv", 5000, "INT")] {
        let relay = Relay::before(server.at, pass);
        let plan = plan(folder.path(), "plan.toml", relay.at);
        let path = |name: &str| folder.path().join(format!("{name}.{format}"));
        let started =
            |name: &str| rank(&plan, &[RANGE, "--yes", "--format", format, "--resume", path(name).to_str().unwrap()]);
        let mut child = started("killed").stderr(Stdio::piped()).spawn().unwrap();
        let patience = Instant::now() + Duration::from_secs(60);
        // The head and the first block; more cannot come, for no question passes any more.
        while fs::read(path("killed")).map_or(0, |octets| octets.iter().filter(|octet| **octet == b'\n').count()) < 1000
        {
            assert!(child.try_wait().unwrap().is_none() && Instant::now() < patience, "no block was written");
            std::thread::sleep(Duration::from_millis(10));
        }
        let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = child.wait_with_output().unwrap();
        if signal == "KILL" {
            // As if it had been killed in the middle of a line.
            let octets = fs::read(path("killed")).unwrap();
            fs::write(path("killed"), &octets[..octets.len() - 7]).unwrap();
        } else {
            assert_eq!(output.status.code(), Some(3), "{}", said(&output));
            assert!(said(&output).contains("the same command goes on in"), "{}", said(&output));
        }
        relay.open();
        let output = run(started("killed"));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let repeated = relay.repeated();
        // Of what was asked before the kill, nothing of the block that was written but for the row that was torn.
        assert!(repeated <= pass - 1023 * ZONES.len(), "{repeated} questions were asked again");
        assert_eq!(relay.distinct(), 4096 * ZONES.len());

        let output = run(started("whole"));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let whole = fs::read_to_string(path("whole")).unwrap();
        assert!(fs::read_to_string(path("killed")).unwrap() == whole, "the continued file differs");
        assert_eq!(whole.lines().filter(|line| line.contains("198.18.")).count(), 4096);
        let listed = whole.lines().filter(|line| line.contains("blocked")).count();
        // Every tenth, and on one list every seventh.
        let expected = (0..4096).filter(|number| number % 10 == 0 || number % 7 == 0).count();
        assert_eq!(listed, expected);
        // Complete: nothing is asked and nothing changed.
        let before = relay.distinct() + relay.repeated();
        let output = run(started("whole"));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(fs::read_to_string(path("whole")).unwrap(), whole);
        assert_eq!(relay.distinct() + relay.repeated(), before);
        // The same file for other addresses.
        let other = ["198.18.0.0/21", "--yes", "--format", format, "--resume", path("whole").to_str().unwrap()]
            .map(str::to_owned);
        let output = run(rank(&plan, &other.each_ref().map(String::as_str)));
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("another run"), "{}", said(&output));
        assert_eq!(fs::read_to_string(path("whole")).unwrap(), whole);
    }
}

/// Lost if it fails: many machines would measure something else than one.
#[test]
fn shards_by_gnu_parallel_join_to_the_whole() {
    let Some([server, parallel]) = programs(["rbldnsd", "parallel"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = rbldnsd(&server, folder.path());
    let plan = plan(folder.path(), "plan.toml", server.at);
    let tool = env!("CARGO_BIN_EXE_mail-cutover");
    let shards = format!("{tool} rank --plan plan.toml {RANGE} --yes --shard {{}}/3 --resume shard-{{}}.ndjson");
    let output = Command::new(parallel)
        .args(["--no-notice", "-j", "2", &shards, ":::", "1", "2", "3"])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let whole = run(rank(&plan, &[RANGE, "--yes", "--format", "ndjson"]));
    assert_eq!(whole.status.code(), Some(0), "{}", said(&whole));
    let merge = |names: &[&str]| {
        let mut command = Command::new(tool);
        command.arg("merge").args(names).current_dir(folder.path()).env_clear();
        run(command)
    };
    let joined = merge(&["shard-2.ndjson", "shard-3.ndjson", "shard-1.ndjson"]);
    assert_eq!(joined.status.code(), Some(0), "{}", said(&joined));
    assert!(joined.stdout == whole.stdout, "the joined shards differ from the whole");
    let into_file = merge(&["shard-1.ndjson", "shard-2.ndjson", "shard-3.ndjson", "-o", "joined"]);
    assert_eq!(into_file.status.code(), Some(0), "{}", said(&into_file));
    assert!(fs::read(folder.path().join("joined")).unwrap() == whole.stdout);
    for (names, why) in [
        (vec!["shard-1.ndjson", "shard-3.ndjson"], "missing: shard 2/3"),
        (vec!["shard-1.ndjson", "shard-1.ndjson"], "are both shard 1/3"),
        (vec!["shard-1.ndjson", "plan.toml"], "it is no shard"),
    ] {
        let refused = merge(&names);
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(why), "{}", said(&refused));
    }
}

/// Lost if it fails: the mirrors that docs/scale.md shows behind dnsdist would answer something else than one alone.
#[test]
fn mirrors_behind_dnsdist_say_the_same_as_one() {
    let Some([server, balancer]) = programs(["rbldnsd", "dnsdist"]) else { return };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mirrors = folders.each_ref().map(|folder| rbldnsd(&server, folder.path()));
    let balancer = dnsdist(&balancer, folders[0].path(), &mirrors.each_ref().map(|mirror| mirror.at));
    let rows = |name: &str, resolver| {
        let plan = plan(folders[0].path(), name, resolver);
        let output = run(rank(&plan, &[RANGE, "--yes", "--format", "csv"]));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        // The first line tells the resolver apart.
        String::from_utf8(output.stdout).unwrap().lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let (alone, balanced) = (rows("alone.toml", mirrors[0].at), rows("balanced.toml", balancer.at));
    assert_eq!(alone.len(), 4096 + 2);
    assert!(alone == balanced, "the rows differ");
}

/// Lost if it fails: a /20 would be swept by a slip of the pen, or the best address not be the first.
#[test]
fn it_asks_before_a_large_sweep_and_shows_the_best_first() {
    let Some([server]) = programs(["rbldnsd"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = rbldnsd(&server, folder.path());
    let relay = Relay::before(server.at, usize::MAX);
    let plan = plan(folder.path(), "plan.toml", relay.at);
    let refused = run(rank(&plan, &[RANGE]));
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    for word in ["4096 addresses", "3 lists", "--yes", "questions"] {
        assert!(said(&refused).contains(word), "{}", said(&refused));
    }
    assert_eq!(relay.distinct(), 0);
    // PTR and AS: rbldnsd refuses to answer for zones that it does not have.
    let shown = run(rank(&plan, &["198.18.0.0/30", "198.18.0.7", "--format", "json"]));
    assert_eq!(shown.status.code(), Some(3), "{}", said(&shown));
    let report: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let order: Vec<(&str, &str)> = report["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["ip"].as_str().unwrap(), one["verdict"].as_str().unwrap()))
        .collect();
    let expected = [
        ("198.18.0.1", "clean"),
        ("198.18.0.2", "clean"),
        ("198.18.0.3", "clean"),
        ("198.18.0.7", "blocked"),
        ("198.18.0.0", "blocked"),
    ];
    assert_eq!(order, expected);
    for lang in ["en", "ja"] {
        let table = run(rank(&plan, &["198.18.0.0/30", "198.18.0.7", "--lang", lang]));
        let text = String::from_utf8(table.stdout).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("198.18.")).collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[0].contains("198.18.0.1") && lines[4].contains("198.18.0.0"), "{text}");
    }
}
