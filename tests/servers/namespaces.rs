//! Network namespaces on one link, made and removed by the test; nothing of the machine's own network is touched.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::process::{program, run, write};

/// Every name begins so; then come the process, the number of the world in it, and the host.
const PREFIX: &str = "mail-cutover";
/// Where `ip netns` keeps them.
const FOLDER: &str = "/run/netns";

static WORLDS: AtomicUsize = AtomicUsize::new(0);
/// The first `ip netns add` of a machine mounts the folder, and two at once may get in each other's way.
static ADDING: Mutex<()> = Mutex::new(());

/// A host of the world: one network namespace with the interface `eth0`.
#[derive(Debug)]
pub(crate) struct Host {
    name: String,
    handle: File,
}

/// The hosts, and the bridge between them.
#[derive(Debug)]
pub(crate) struct Network {
    world: String,
    _core: Host,
}

impl Network {
    /// A link without hosts.
    pub(crate) fn new() -> Self {
        sweep();
        let world = format!("{PREFIX}-{}-{}", std::process::id(), WORLDS.fetch_add(1, Ordering::Relaxed));
        let core = Host::new(format!("{world}-core"));
        core.run("ip", &["link", "add", "name", "switch", "type", "bridge"]);
        core.run("ip", &["link", "set", "switch", "up"]);
        Self { world, _core: core }
    }

    /// Adds a host with these addresses. All hosts are neighbours: an address is asked for on the link, whatever it is.
    pub(crate) fn add(&self, name: &str, addresses: &[&str], dir: &Path) -> Host {
        let host = Host::new(format!("{}-{name}", self.world));
        let port = ["link", "add", "name", name, "type", "veth", "peer", "name", "eth0", "netns", &host.name];
        self._core.run("ip", &port);
        self._core.run("ip", &["link", "set", name, "master", "switch", "up"]);
        let mut batch = String::from("link set lo up\nlink set eth0 up\n");
        for address in addresses {
            // Without the search for duplicates an IPv6 address can be used at once.
            let whole = if address.contains(':') { "/128 nodad" } else { "/32" };
            let _ = writeln!(batch, "address add {address}{whole} dev eth0");
        }
        batch.push_str("route add 0.0.0.0/0 dev eth0\nroute add ::/0 dev eth0\n");
        let file = dir.join(format!("{name}.ip"));
        write(&file, &batch);
        host.run("ip", &["-batch", file.to_str().unwrap()]);
        host
    }
}

impl Host {
    fn new(name: String) -> Self {
        let _one_at_a_time = ADDING.lock().unwrap();
        run(Path::new("/"), &program("ip").unwrap(), &["netns", "add", &name]);
        let handle = File::open(Path::new(FOLDER).join(&name)).unwrap();
        Self { name, handle }
    }

    /// Does `work` on this host: what it connects to, listens on and starts is in this namespace.
    pub(crate) fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let moved = || {
            move_into_link_name_space(self.handle.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            work()
        };
        // Only a thread moves, and it ends here.
        match thread::scope(|scope| scope.spawn(moved).join()) {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Runs a command on this host to its end.
    pub(crate) fn run(&self, name: &str, args: &[&str]) {
        self.within(|| run(Path::new("/"), &program(name).unwrap(), args));
    }

    /// Drops what leaves for port 25, as many providers do.
    pub(crate) fn drop_outbound_25(&self) {
        let rules = "add table inet wall; add chain inet wall out { type filter hook output priority 0; }; \
                     add rule inet wall out tcp dport 25 drop";
        self.run("nft", &[rules]);
    }

    /// Lets connections leave from this address, one more, instead of those that the host had.
    pub(crate) fn leave_from(&self, address: &str) {
        self.run("ip", &["address", "add", &format!("{address}/32"), "dev", "eth0"]);
        self.run("ip", &["route", "replace", "default", "dev", "eth0", "src", address]);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Removes a namespace, and ends what still runs there: servers leave a child behind for every connection that was cut.
fn remove(name: &str) {
    let Some(ip) = program("ip") else { return };
    let left = Command::new(&ip).args(["netns", "pids", name]).output();
    for process in String::from_utf8_lossy(&left.map(|left| left.stdout).unwrap_or_default()).split_whitespace() {
        let _ = Command::new("kill").args(["-KILL", process]).output();
    }
    let _ = Command::new(&ip).args(["netns", "delete", name]).output();
}

/// Removes the namespaces of test processes that were killed.
fn sweep() {
    for entry in fs::read_dir(FOLDER).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('-')?.split('-').next());
        if owner.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            remove(&name);
        }
    }
}
