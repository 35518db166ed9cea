//! A sweep over a bad line: packets are lost in both directions and the resolver fails now and then.
//!
//! The loss is the kernel's (nftables in a network namespace of the test's own), the failures are dnsdist's, the lists rbldnsd's.
//! The whole load, 10,240 addresses and 60 lists, instead of a sample:
//!
//! ```console
//! $ MAIL_CUTOVER_LOAD=all cargo test --test sweep lossy -- --nocapture
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::address;
use super::daemon::{Daemon, programs, start};

/// How many packets in a hundred are lost, each way, and how many answers in a hundred are SERVFAIL.
const LOST: u32 = 5;
const FAILED: u32 = 1;

/// A network namespace; dropping it removes it.
struct Line {
    ip: PathBuf,
    name: String,
}

impl Line {
    fn new(ip: &Path) -> Option<Self> {
        // Not of the names that tests/servers clears away.
        let name = format!("lossy-{}", std::process::id());
        let made = Command::new(ip).args(["netns", "add", &name]).output().unwrap();
        made.status.success().then(|| Self { ip: ip.to_owned(), name })
    }

    fn run(&self, program: &Path, args: &[&str]) {
        let mut command = Command::new(&self.ip);
        command.args(["netns", "exec", &self.name]).arg(program).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Does `work` inside.
    fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let handle = File::open(Path::new("/run/netns").join(&self.name)).unwrap();
        let moved = || {
            move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            work()
        };
        std::thread::scope(|scope| scope.spawn(moved).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(Command::new(&self.ip).args(["netns", "delete", &self.name]).output());
    }
}

/// How much is asked.
struct Load {
    ranges: &'static [&'static str],
    addresses: u32,
    lists: u32,
}

const SAMPLE: Load = Load { ranges: &["198.18.0.0/25"], addresses: 128, lists: 12 };
const ALL: Load = Load { ranges: &["198.18.0.0/19", "198.18.32.0/21"], addresses: 10_240, lists: 60 };

/// Whether the n-th list has the n-th address.
fn is_listed(list: u32, number: u32) -> bool {
    number.is_multiple_of(list + 7)
}

fn zone(list: u32) -> String {
    // The first is the one that `start` waits for.
    if list == 0 { "one.test".to_owned() } else { format!("list{list}.test") }
}

fn lists(program: &Path, folder: &Path, load: &Load) -> Daemon {
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    for list in 0..load.lists {
        let mut text = "$SOA 300 ns.test. root.test. 1 600 300 86400 300\n127.0.0.2 :127.0.0.2:test\n".to_owned();
        for number in (0..load.addresses).filter(|number| is_listed(list, *number)) {
            writeln!(text, "{} :127.0.0.2:listed", address(number)).unwrap();
        }
        fs::write(folder.join(zone(list)), text).unwrap();
    }
    start(|at| {
        let mut command = Command::new(program);
        command.args(["-n", "-4", "-b", &format!("{}/{}", at.ip(), at.port()), "-w"]).arg(folder);
        command.args((0..load.lists).map(|list| format!("{0}:ip4set:{0}", zone(list))));
        command
    })
}

fn failing(program: &Path, folder: &Path, behind: &Daemon) -> Daemon {
    start(|at| {
        let text = format!(
            "setLocal(\"{at}\")\nsetACL({{\"127.0.0.0/8\"}})\nsetMaxUDPOutstanding(65535)\nsetSecurityPollSuffix(\"\")\n\
             newServer({{address=\"{}\", healthCheckMode=\"up\"}})\n\
             addAction(ProbaRule({}), RCodeAction(DNSRCode.SERVFAIL))\n\
             lists = newSuffixMatchNode()\nlists:add(newDNSName(\"test.\"))\n\
             addAction(NotRule(SuffixMatchNodeRule(lists)), RCodeAction(DNSRCode.NXDOMAIN, {{ra=true}}))\n",
            behind.at,
            f64::from(FAILED) / 100.0
        );
        fs::write(folder.join("dnsdist.conf"), text).unwrap();
        let mut command = Command::new(program);
        command.args(["--supervised", "-C"]).arg(folder.join("dnsdist.conf"));
        command
    })
}

fn plan(folder: &Path, resolver: &Daemon, load: &Load) -> PathBuf {
    let mut text = format!(
        "cutover_at = 2026-12-05T22:00:00+09:00\ndomains = [\"example.co.jp\"]\nhostname = \"mail.example.co.jp\"\n\
         [old]\nips = [\"192.0.2.25\"]\n[new]\nips = [\"203.0.113.25\"]\nallow_special = true\nreason = \"a test\"\n\
         [dns]\nresolver = [\"{0}\"]\nunpaced = [\"{0}\"]\ntimeout = \"250ms\"\n[dnsbl]\nuse = []\n",
        resolver.at
    );
    for list in 0..load.lists {
        let zone = zone(list);
        write!(
            text,
            "[[dnsbl.list]]\nid = \"l{list}\"\nname = \"{zone}\"\nzone = \"{zone}\"\nfamilies = [\"ipv4\"]\nweight = \"block\"\n"
        )
        .unwrap();
    }
    let path = folder.join("plan.toml");
    fs::write(&path, text).unwrap();
    path
}

/// The most memory that a process needed so far, in KiB; nothing once it has ended.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Lost if it fails: on a bad line a sweep would not end, would call a listed address clean, or would call the half of them unknown.
#[test]
#[expect(clippy::print_stderr, clippy::print_stdout, reason = "a skipped test must say so; the figures are read")]
fn lost_packets_cost_time_and_no_answer() {
    let Some([ip, nft, server, balancer]) = programs(["ip", "nft", "rbldnsd", "dnsdist"]) else { return };
    let load = if std::env::var("MAIL_CUTOVER_LOAD").is_ok_and(|value| value == "all") { ALL } else { SAMPLE };
    let Some(line) = Line::new(&ip) else {
        assert!(std::env::var_os("MAIL_CUTOVER_REQUIRE_DAEMONS").is_none(), "no network namespace could be made");
        eprintln!("skipped: no network namespace could be made");
        return;
    };
    line.run(&ip, &["link", "set", "lo", "up"]);
    let folder = tempfile::tempdir().unwrap();
    let (_lists, resolver) = line.within(|| {
        let lists = lists(&server, folder.path(), &load);
        let resolver = failing(&balancer, folder.path(), &lists);
        (lists, resolver)
    });
    // Only between the tool and the resolver.
    let port = resolver.at.port();
    for direction in ["dport", "sport"] {
        let rule = format!("udp {direction} {port} numgen random mod 100 < {LOST} counter drop");
        line.run(&nft, &[&format!(
            "add table inet line; add chain inet line in {{ type filter hook input priority 0; }}; add rule inet line in {rule}"
        )]);
    }

    let plan = plan(folder.path(), &resolver, &load);
    let rows = folder.path().join("rows.ndjson");
    let begun = Instant::now();
    let mut child = line.within(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mail-cutover"));
        command.args(["rank", "--plan"]).arg(&plan).args(load.ranges).args(["--yes", "--format", "ndjson"]);
        command.stdout(File::create(&rows).unwrap()).stderr(Stdio::piped()).env_clear().spawn().unwrap()
    });
    let mut memory = 0;
    let status = loop {
        memory = peak(child.id()).unwrap_or_default().max(memory);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(600), "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    };
    let took = begun.elapsed();
    // 3: something was not answered.
    assert!(matches!(status.code(), Some(0 | 3)), "{status}");

    let text = fs::read_to_string(&rows).unwrap();
    let mut seen = 0;
    let mut unknown: BTreeMap<String, u32> = BTreeMap::new();
    for row in text.lines().filter(|row| row.starts_with("{\"ip\"")) {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        assert_eq!(row["ip"], address(seen).to_string(), "the order of the rows");
        let ids = |key: &str| -> Vec<&str> {
            row[key].as_array().unwrap().iter().map(|entry| entry["list"].as_str().unwrap()).collect()
        };
        let (listed, not_known) = (ids("listed"), ids("unknown"));
        for list in 0..load.lists {
            let id = format!("l{list}");
            if not_known.contains(&id.as_str()) {
                *unknown.entry(id).or_default() += 1;
            } else {
                assert_eq!(listed.contains(&id.as_str()), is_listed(list, seen), "{id}: {row}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, load.addresses, "rows are missing");
    let words = seen * load.lists;
    let silent: u32 = unknown.values().sum();
    println!(
        "{seen} addresses on {} lists, {LOST} % of packets lost each way, {FAILED} % SERVFAIL: {:.1} s, {} MiB, {words} words, \
         0 wrong, {silent} unknown ({:.3} %)",
        load.lists,
        took.as_secs_f64(),
        memory / 1024,
        f64::from(silent) * 100.0 / f64::from(words)
    );
    assert!(memory < 64 * 1024, "{memory} KiB");
    // A proof that is lost three times makes a block unknown on its list; of the answers nearly all must be there.
    assert!(silent * 10 < words, "{silent} of {words} are unknown: {unknown:?}");
}
