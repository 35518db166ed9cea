//! A world of real daemons on loopback: NSD as root, registry and authority, rbldnsd as blocklists, unbound as resolver.
//!
//! | address | who |
//! |---|---|
//! | 127.0.0.2 | NSD: the root |
//! | 127.0.0.3 | NSD: the top-level domains and `co.jp` |
//! | 127.0.0.4 | NSD: all other zones |
//! | 127.0.0.5 | rbldnsd: the blocklists |
//! | 127.0.0.6 | nobody: what listens here only reserves a port |
//! | 127.0.0.7 | NSD, if a test wants it: a second server of some zones |
//! | 127.0.0.1 | unbound, once iterating and once validating too, each on a port of its own |
//!
//! All authorities share one port, so that a walk from the root works with that port instead of 53. unbound cannot be
//! told such a port, so it gets a stub for each zone; it still minimises names below the stubs.

mod authorities;
mod blocklists;
mod process;
mod resolvers;
pub(crate) mod tool;

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;

use hickory_proto::rr::RecordType;
use mail_cutover::demo::{self, Listings, WorldFile, Zone};
use process::{Daemon, program};

/// If set, an absent daemon is a failure instead of a reason to skip.
const REQUIRE: &str = "MAIL_CUTOVER_REQUIRE_DAEMONS";
const PROGRAMS: [&str; 5] = ["nsd", "rbldnsd", "unbound", "dnssec-keygen", "dnssec-signzone"];

pub(crate) const ROOT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
pub(crate) const REGISTRY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
pub(crate) const AUTHORITY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 4);
pub(crate) const LISTS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 5);
pub(crate) const SECOND: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 7);
/// Whoever listens here on a port may use that port on the other addresses.
const RESERVATION: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);

/// A zone that is delegated to a second server too.
#[derive(Clone, Debug)]
pub(crate) struct Second {
    pub(crate) origin: &'static str,
    /// What that server has, a version later; nothing if it does not know the zone.
    pub(crate) text: Option<String>,
}

/// The running world. Daemons end before their folder goes.
#[derive(Debug)]
pub(crate) struct Daemons {
    /// The port of every authority: what `authority_port` must say.
    pub(crate) authority_port: u16,
    /// An iterating resolver.
    pub(crate) resolver: SocketAddr,
    /// A validating resolver: `signed.test` is secure, `bogus.test` has expired signatures.
    pub(crate) validating: SocketAddr,
    running: Vec<Daemon>,
    dir: tempfile::TempDir,
    _reserved: Vec<TcpListener>,
}

impl Daemons {
    /// Starts the demo's internet with these listings and more zones; nothing, with a printed reason, where a daemon is
    /// not installed.
    pub(crate) fn start(listings: &Listings, more: &[Zone]) -> Option<Self> {
        Self::start_with(listings, more, &[])
    }

    /// The same with a second server for some zones.
    pub(crate) fn start_with(listings: &Listings, more: &[Zone], second: &[Second]) -> Option<Self> {
        if let Some(missing) = PROGRAMS.iter().find(|name| program(name).is_none()) {
            assert!(std::env::var_os(REQUIRE).is_none(), "{missing} is not installed, and {REQUIRE} is set");
            say(&format!("skipped: {missing} is not installed"));
            return None;
        }
        // Between the choice of ports and the start of the daemons a stranger may take one.
        let mut problem = String::new();
        for _ in 0..3 {
            match Self::attempt(listings, more, second) {
                Ok(world) => return Some(world),
                Err(e) => problem = e,
            }
        }
        panic!("the daemons did not start: {problem}");
    }

    fn attempt(listings: &Listings, more: &[Zone], second: &[Second]) -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        // rbldnsd gives up root's rights before it reads its zones.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let ([port, iterating, validating], reserved) = ports().ok_or("no port is free")?;

        let table = demo::blocklists().unwrap();
        let mut zones = internet();
        for zone in more {
            zones.retain(|old| old.origin != zone.origin);
            zones.push(zone.clone());
        }
        let plan = authorities::Plan::new(zones, second, &table);
        let anchors = plan.write(dir.path());

        let mut running = Vec::new();
        for (name, ip) in [("nsd-root", ROOT), ("nsd-registry", REGISTRY), ("nsd-authority", AUTHORITY)] {
            running.push(authorities::start(name, ip, port, dir.path(), &plan));
        }
        running.push(blocklists::start(SocketAddr::from((LISTS, port)), dir.path(), &table, listings));
        let resolver = SocketAddr::from((Ipv4Addr::LOCALHOST, iterating));
        let checking = SocketAddr::from((Ipv4Addr::LOCALHOST, validating));
        running.push(resolvers::start("unbound", resolver, port, dir.path(), &plan, None));
        running.push(resolvers::start("unbound-validating", checking, port, dir.path(), &plan, Some(&anchors)));

        let at = |ip| SocketAddr::from((ip, port));
        let questions = [
            (at(ROOT), ".", RecordType::SOA, false),
            (at(REGISTRY), "test", RecordType::SOA, false),
            (at(AUTHORITY), "example.co.jp", RecordType::SOA, false),
            (at(LISTS), "zen.spamhaus.org", RecordType::SOA, false),
            (resolver, "example.co.jp", RecordType::MX, true),
            (checking, "example.co.jp", RecordType::MX, true),
        ];
        for (daemon, (server, name, rtype, rd)) in running.iter_mut().zip(questions) {
            daemon.wait(server, name, rtype, rd)?;
        }
        if let Some(zone) = second.iter().find(|zone| zone.text.is_some()) {
            let mut daemon = authorities::start("nsd-second", SECOND, port, dir.path(), &plan);
            daemon.wait(at(SECOND), zone.origin, RecordType::SOA, false)?;
            running.push(daemon);
        }
        Ok(Self { authority_port: port, resolver, validating: checking, running, dir, _reserved: reserved })
    }

    /// An authority's address.
    pub(crate) fn authority(&self, ip: Ipv4Addr) -> SocketAddr {
        (ip, self.authority_port).into()
    }

    /// Puts `new` for `old` in a file of the daemon `name`, a zone or a list, and has it read again.
    pub(crate) fn edit(&self, name: &str, file: &str, old: &str, new: &str) {
        let path = self.dir.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{old:?} is not in {file}: {text}");
        // Whole at once, and with another time: both daemons look at it.
        let next = path.with_extension("next");
        process::write(&next, &text.replace(old, new));
        fs::rename(&next, &path).unwrap();
        let daemon = self.running.iter().find(|daemon| daemon.name == name).unwrap();
        process::run(self.dir.path(), &program("kill").unwrap(), &["-HUP", &daemon.child.id().to_string()]);
    }

    /// What the daemons wrote, for a test that fails.
    pub(crate) fn logs(&self) -> String {
        self.running.iter().map(Daemon::log).collect()
    }
}

/// The demo's internet without its blocklists, and two signed zones.
fn internet() -> Vec<Zone> {
    let file = WorldFile::parse(&demo::base("internet").unwrap()).unwrap();
    let mut zones = file.setup(&demo::blocklists().unwrap(), &demo::base).unwrap().zones;
    for origin in authorities::SIGNED {
        zones.push(Zone::new(origin, "@ A 192.0.2.80\n@ MX 10 mail\nmail A 192.0.2.81"));
    }
    zones
}

/// A port that is free on all authorities, and two on 127.0.0.1, below the range from which clients get theirs; and what keeps
/// other worlds, of this process or another, from taking them. That a port is free tells nothing: another world may have chosen
/// it and not listen yet, and NSD shares a port with whoever is there already.
fn ports() -> Option<([u16; 3], Vec<TcpListener>)> {
    let free = |ip: Ipv4Addr, port| UdpSocket::bind((ip, port)).is_ok() && TcpListener::bind((ip, port)).is_ok();
    let everywhere = [Ipv4Addr::LOCALHOST, ROOT, REGISTRY, AUTHORITY, LISTS, SECOND];
    let mut ours = (20_000..32_000).filter_map(|port| {
        let reserved = TcpListener::bind((RESERVATION, port)).ok()?;
        everywhere.iter().all(|ip| free(*ip, port)).then_some((port, reserved))
    });
    let ((one, a), (two, b), (three, c)) = (ours.next()?, ours.next()?, ours.next()?);
    Some(([one, two, three], vec![a, b, c]))
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn say(text: &str) {
    eprintln!("{text}");
}
