//! A world of real mail servers in network namespaces: hosts with public-looking addresses on one link that reaches nobody else.
//!
//! | host | addresses | what runs there |
//! |---|---|---|
//! | dns | 198.51.100.53, 198.51.100.54, 2001:db8:53::53 | NSD: root and all zones; the tool's resolver |
//! | old | 192.0.2.25 | Postfix: the server of today |
//! | new | 203.0.113.25, 2001:db8:25::25 | Exim or Postfix, as the test wants it |
//! | desk | 198.51.100.10, 2001:db8:51::10 | nothing: the administrator's machine |
//! | witness | 198.18.1.25, 198.19.1.25, 2001:db8:1801::25, 2001:db8:1901::25 | Exim: the mail servers of two strangers |
//! | core | none | the bridge between them |

pub(crate) mod certificates;
pub(crate) mod client;
mod exim;
mod names;
mod namespaces;
mod postfix;
mod postfix_queue;
#[path = "../daemons/process.rs"]
mod process;
pub(crate) mod server;
pub(crate) mod tool;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::Command;

pub(crate) use names::SERVER as RESOLVER;
pub(crate) use namespaces::Host;
use namespaces::Network;
use process::{Daemon, program, write};
use server::Server;

/// If set, an absent daemon is a failure instead of a reason to skip.
const REQUIRE: &str = "MAIL_CUTOVER_REQUIRE_DAEMONS";

/// The running world. Daemons end before their hosts go, and those before the folder.
#[derive(Debug)]
pub(crate) struct World {
    running: Vec<Daemon>,
    pub(crate) desk: Host,
    pub(crate) new: Host,
    _others: Vec<Host>,
    _network: Network,
    /// The certificate of the authority that signs for the good servers: text, and file.
    pub(crate) authority: String,
    pub(crate) trust: PathBuf,
    _dir: tempfile::TempDir,
}

impl World {
    /// Starts a world with this new server; nothing, with a printed reason, where that cannot be done.
    pub(crate) fn start(new: &Server) -> Option<Self> {
        Self::start_with(new, &[])
    }

    /// The same with more zones, or others: origin and text.
    pub(crate) fn start_with(new: &Server, zones: &[(&'static str, &'static str)]) -> Option<Self> {
        if let Some(why) = impossible() {
            assert!(std::env::var_os(REQUIRE).is_none(), "{why}, and {REQUIRE} is set");
            say(&format!("skipped: {why}"));
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        // The daemons give up root's rights before they read their files.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let authority = certificates::Authority::new();
        let trust = dir.path().join("authority.pem");
        write(&trust, &authority.pem);

        let (today, strangers) = (Server::old(), Server::witnesses());
        let network = Network::new();
        let add = |name, addresses: &[&str]| network.add(name, addresses, dir.path());
        let dns = add("dns", &["198.51.100.53", "198.51.100.54", "2001:db8:53::53"]);
        let desk = add("desk", &["198.51.100.10", "2001:db8:51::10"]);
        let hosts = [("old", &today), ("new", new), ("witness", &strangers)].map(|(name, server)| {
            let host = add(name, &server.ips);
            (host, server, dir.path().join(name))
        });
        let mut running = vec![names::start(&dns, dir.path(), zones).unwrap()];
        for (host, server, folder) in &hosts {
            running.push(server.start(host, &authority, folder).unwrap());
        }
        let [old, new, witness] = hosts.map(|(host, ..)| host);
        let _others = vec![dns, old, witness];
        Some(Self { running, desk, new, _others, _network: network, authority: authority.pem, trust, _dir: dir })
    }

    /// What the daemons wrote, for a test that fails.
    pub(crate) fn logs(&self) -> String {
        self.running.iter().map(Daemon::log).collect()
    }
}

/// Why this machine cannot have such a world.
fn impossible() -> Option<String> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Some("only root makes network namespaces".to_owned());
    }
    let missing = ["ip", "nft", "nsd"].into_iter().find(|name| program(name).is_none());
    let missing = missing.or_else(|| postfix_queue::master().is_none().then_some("Postfix"));
    let missing = missing.or_else(|| exim::program().is_none().then_some("Exim (or its user)"));
    if let Some(name) = missing {
        return Some(format!("{name} is not installed"));
    }
    // Root in a container may not, and a kernel may not filter.
    let tried = Command::new("unshare").args(["--net", "nft", "list", "ruleset"]).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("no network namespace here: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Some(format!("could not run unshare: {error}")),
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn say(text: &str) {
    eprintln!("{text}");
}
