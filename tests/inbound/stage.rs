//! Where it is played: network namespaces with a resolver, blocklists, a host for mail servers and one for all clients.
//!
//! | host | addresses | what runs there |
//! |---|---|---|
//! | dns | 198.51.100.53, 198.51.100.54 | unbound: the mail servers' resolver, with the names of all clients; rbldnsd: the lists behind it |
//! | mail | 203.0.113.1 …, 2001:db8:25::1 … | mail servers, each on an address of its own |
//! | clients | those of the clients | nothing: the test connects from there |

use std::fs::{self, Permissions};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::clients::Client;
use super::names;
use super::namespaces::{Host, Network};
use super::process::{Daemon, program as program_of, write};

/// If set, an absent daemon is a failure instead of a reason to skip.
const REQUIRE: &str = "MAIL_CUTOVER_REQUIRE_DAEMONS";

/// Whom the mail servers and the test ask.
pub(crate) const RESOLVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 53)), 53);

/// The most mail servers that have an address here.
const SERVERS: u8 = 40;

/// The running stage. Daemons end before their hosts go, and those before the folder.
#[derive(Debug)]
pub(crate) struct Stage {
    running: Vec<Daemon>,
    /// Those that have not been waited for, by index, and where they will listen.
    starting: Vec<(usize, IpAddr)>,
    pub(crate) mail: Host,
    pub(crate) clients: Host,
    _dns: Host,
    _network: Network,
    dir: tempfile::TempDir,
}

impl Stage {
    /// Sets it up for these clients; nothing, with a printed reason, where that cannot be done. `programs` must be there besides.
    pub(crate) fn start(clients: &[Client], programs: &[(&str, bool)]) -> Option<Self> {
        if let Some(why) = impossible(programs) {
            assert!(std::env::var_os(REQUIRE).is_none(), "{why}, and {REQUIRE} is set");
            say(&format!("skipped: {why}"));
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        // The daemons give up root's rights before they read their files.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let network = Network::new();
        let add = |name, addresses: &[String]| {
            network.add(name, &addresses.iter().map(String::as_str).collect::<Vec<_>>(), dir.path())
        };
        let dns = add("dns", &["198.51.100.53".to_owned(), names::LISTS.to_string()]);
        let servers: Vec<String> =
            (1..=SERVERS).flat_map(|number| address_of(number).map(|ip| ip.to_string())).collect();
        let mail = add("mail", &servers);
        let clients_host = add("clients", &clients.iter().map(|client| client.ip.to_string()).collect::<Vec<_>>());
        let running = names::start(&dns, dir.path(), clients).unwrap();
        write(
            &dir.path().join("resolv.conf"),
            &format!("nameserver {}\noptions timeout:2 attempts:1\n", RESOLVER.ip()),
        );
        Some(Self { running, starting: Vec::new(), mail, clients: clients_host, _dns: dns, _network: network, dir })
    }

    /// Starts a mail server on its host: a program with its arguments, in a folder that is there, with [`RESOLVER`] as the system's
    /// resolver. It is waited for by [`Stage::wait`], and ended with the stage.
    pub(crate) fn serve(&mut self, name: &'static str, folder: &Path, program: &Path, args: &[String], at: IpAddr) {
        let resolv = self.dir.path().join("resolv.conf");
        // Every daemon of a machine reads the same file; this one gets a mount of its own.
        let shell = "mount --bind \"$0\" /etc/resolv.conf; exec \"$@\"";
        let mut all: Vec<String> = ["--mount", "sh", "-ec", shell].map(str::to_owned).to_vec();
        all.push(resolv.display().to_string());
        all.push(program.display().to_string());
        all.extend_from_slice(args);
        let unshare = program_of("unshare").unwrap();
        let daemon = self.mail.within(|| Daemon::spawn(name, folder, &unshare, &all));
        self.running.push(daemon);
        self.starting.push((self.running.len() - 1, at));
    }

    /// Waits until all mail servers listen.
    pub(crate) fn wait(&mut self) {
        for (index, at) in std::mem::take(&mut self.starting) {
            let daemon = &mut self.running[index];
            let listens = || TcpStream::connect((at, 25)).map(drop).map_err(|error| format!("{at}: {error}"));
            self.mail.within(|| daemon.wait_until(listens)).unwrap();
        }
    }

    /// Where a file of a mail server is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A new folder for a mail server.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.dir.path().join(name);
        fs::create_dir(&folder).unwrap();
        folder
    }

    /// What the daemons wrote, for a test that fails.
    pub(crate) fn logs(&self) -> String {
        self.running.iter().map(Daemon::log).collect()
    }
}

/// The addresses of mail server `number`, from 1.
pub(crate) fn address_of(number: u8) -> [IpAddr; 2] {
    assert!((1..=SERVERS).contains(&number), "there is no mail server {number}");
    [
        Ipv4Addr::new(203, 0, 113, number).into(),
        Ipv6Addr::new(0x2001, 0xdb8, 0x25, 0, 0, 0, 0, u16::from(number)).into(),
    ]
}

/// Why this machine cannot have such a stage.
fn impossible(programs: &[(&str, bool)]) -> Option<String> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Some("only root makes network namespaces".to_owned());
    }
    let ours = ["ip", "unshare", "mount", "unbound", "rbldnsd"].map(|name| (name, program_of(name).is_some()));
    if let Some((name, _)) = ours.iter().chain(programs).find(|(_, there)| !there) {
        return Some(format!("{name} is not installed"));
    }
    match Command::new("unshare").args(["--net", "--mount", "true"]).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("no namespace here: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Some(format!("could not run unshare: {error}")),
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so, and a long one what it came to")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
