//! rbldnsd and dnsdist as children of a test, and a relay before them that counts questions and can hold them back.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::address;

/// If set, an absent program is a failure instead of a reason to skip.
const REQUIRE: &str = "MAIL_CUTOVER_REQUIRE_DAEMONS";
/// The zones that [`rbldnsd`] serves.
pub(crate) const ZONES: [&str; 3] = ["one.test", "two.test", "three.test"];

/// A running program; dropping it ends it.
pub(crate) struct Daemon {
    pub(crate) at: SocketAddr,
    child: Child,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Where each of these programs is; nothing, with a printed reason, if one is not installed.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(crate) fn programs<const N: usize>(names: [&str; N]) -> Option<[PathBuf; N]> {
    let find = |name: &str| {
        ["/usr/sbin", "/usr/bin", "/usr/local/bin"].iter().map(|f| Path::new(f).join(name)).find(|path| path.is_file())
    };
    let found = names.map(find);
    if let Some(missing) = found.iter().position(Option::is_none) {
        assert!(std::env::var_os(REQUIRE).is_none(), "{} is not installed, and {REQUIRE} is set", names[missing]);
        eprintln!("skipped: {} is not installed", names[missing]);
        return None;
    }
    Some(found.map(Option::unwrap))
}

/// rbldnsd with [`ZONES`], on which every tenth of the first 10,000 addresses is listed; on the last one every seventh too.
pub(crate) fn rbldnsd(program: &Path, folder: &Path) -> Daemon {
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    let mut entries = "$SOA 300 ns.test. root.test. 1 600 300 86400 300\n127.0.0.2 :127.0.0.2:test\n".to_owned();
    (0..10_000).step_by(10).for_each(|number| writeln!(entries, "{} :127.0.0.2:tenth", address(number)).unwrap());
    let mut more = entries.clone();
    (0..10_000).step_by(7).for_each(|number| writeln!(more, "{} :127.0.0.4:seventh", address(number)).unwrap());
    fs::write(folder.join("tenths"), entries).unwrap();
    fs::write(folder.join("more"), more).unwrap();
    start(|at| {
        let mut command = Command::new(program);
        command.args(["-n", "-4", "-b", &format!("{}/{}", at.ip(), at.port()), "-w"]).arg(folder);
        for (zone, file) in ZONES.iter().zip(["tenths", "tenths", "more"]) {
            command.arg(format!("{zone}:ip4set:{file}"));
        }
        command
    })
}

/// dnsdist in front of `mirrors`, configured as docs/scale.md shows it.
pub(crate) fn dnsdist(program: &Path, folder: &Path, mirrors: &[SocketAddr]) -> Daemon {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scale.md")).unwrap();
    let shown = page.split("```lua\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    start(|at| {
        let mut text = shown.replace("127.0.0.1:5353", &at.to_string());
        for (written, mirror) in ["192.0.2.53:53", "192.0.2.54:53"].iter().zip(mirrors) {
            assert!(text.contains(written), "{text}");
            text = text.replace(written, &mirror.to_string());
        }
        fs::write(folder.join("dnsdist.conf"), text).unwrap();
        let mut command = Command::new(program);
        command.args(["--supervised", "-C"]).arg(folder.join("dnsdist.conf"));
        command
    })
}

/// Starts what `command` makes for a free address, and waits until it answers for the first zone.
pub(crate) fn start(command: impl Fn(SocketAddr) -> Command) -> Daemon {
    // Between the choice of the port and the start a stranger may take it.
    for _ in 0..3 {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        if UdpSocket::bind(free).is_err() {
            continue;
        }
        let child = command(free).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut daemon = Daemon { at: free, child };
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let question = b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x012\x010\x010\x03127\x03one\x04test\0\0\x01\0\x01";
        for _ in 0..200 {
            if daemon.child.try_wait().unwrap().is_some() {
                break;
            }
            let mut answer = [0; 512];
            socket.send_to(question, daemon.at).unwrap();
            if socket.recv(&mut answer).is_ok() && answer[7] == 1 {
                return daemon;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    panic!("the daemon does not answer");
}

/// Stands between the tool and a server.
pub(crate) struct Relay {
    pub(crate) at: SocketAddr,
    /// How often each name was asked for.
    counts: Arc<Mutex<HashMap<Vec<u8>, usize>>>,
    /// How many questions still pass.
    pass: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// In front of `server`; `pass` questions pass, and then none until [`Relay::open`].
    pub(crate) fn before(server: SocketAddr, pass: usize) -> Self {
        let inside = UdpSocket::bind("127.0.0.1:0").unwrap();
        inside.set_read_timeout(Some(Duration::from_micros(200))).unwrap();
        let at = inside.local_addr().unwrap();
        let outside = UdpSocket::bind("127.0.0.1:0").unwrap();
        outside.connect(server).unwrap();
        outside.set_nonblocking(true).unwrap();
        let (counts, pass) = (Arc::<Mutex<HashMap<Vec<u8>, usize>>>::default(), Arc::new(AtomicUsize::new(pass)));
        let stop = Arc::<AtomicBool>::default();
        let (seen, left, ended) = (Arc::clone(&counts), Arc::clone(&pass), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut askers: HashMap<Vec<u8>, SocketAddr> = HashMap::new();
            let mut buffer = [0; 1024];
            while !ended.load(Ordering::Relaxed) {
                if let Ok((length, from)) = inside.recv_from(&mut buffer) {
                    let may_pass = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
                    if may_pass.is_ok() {
                        *seen.lock().unwrap().entry(buffer[12..length].to_vec()).or_default() += 1;
                        askers.insert(buffer[..2].iter().chain(&buffer[12..length]).copied().collect(), from);
                        outside.send(&buffer[..length]).unwrap();
                    }
                }
                while let Ok(length) = outside.recv(&mut buffer) {
                    // The question stands first in the answer, and is as long as it was.
                    let key =
                        askers.keys().find(|key| key[..2] == buffer[..2] && buffer[12..length].starts_with(&key[2..]));
                    if let Some((_, to)) = key.cloned().and_then(|key| askers.remove_entry(&key)) {
                        let _ = inside.send_to(&buffer[..length], to);
                    }
                }
            }
        });
        Self { at, counts, pass, stop, thread: Some(thread) }
    }

    /// Lets everything pass from now on.
    pub(crate) fn open(&self) {
        self.pass.store(usize::MAX, Ordering::Relaxed);
    }

    /// How many questions about addresses, not test points, were asked more than once.
    pub(crate) fn repeated(&self) -> usize {
        let counts = self.counts.lock().unwrap();
        counts.iter().filter(|(name, count)| **count > 1 && is_subject(name)).count()
    }

    /// How many different questions about addresses there were.
    pub(crate) fn distinct(&self) -> usize {
        self.counts.lock().unwrap().keys().filter(|name| is_subject(name)).count()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Whether a question, in wire form, is about one of [`address`].
fn is_subject(question: &[u8]) -> bool {
    question.windows(7).any(|labels| labels == b"\x0218\x03198")
}
