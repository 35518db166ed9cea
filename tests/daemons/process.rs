//! One daemon as a child of the test: started, waited for, ended.

use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hickory_proto::rr::RecordType;

use crate::world::ask::Ask;

/// How often a starting daemon is asked, and how long each question waits: 20 s at most.
const TRIES: usize = 200;
const STEP: Duration = Duration::from_millis(100);

/// A running daemon; dropping it ends it and its children.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) name: &'static str,
    pub(crate) child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts a program in the foreground, its output in `NAME.log`.
    pub(crate) fn spawn(name: &'static str, dir: &Path, program: &Path, args: &[String]) -> Self {
        let log = dir.join(format!("{name}.log"));
        let out = File::create(&log).unwrap();
        let child = Command::new(program)
            .args(args)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            // A group of its own, so that its workers can be ended with it.
            .process_group(0)
            .spawn();
        let child = child.unwrap_or_else(|e| panic!("could not start {name} ({}): {e}", program.display()));
        Self { name, child, log }
    }

    /// Waits until it answers a question with records.
    ///
    /// # Errors
    /// It ended or stayed silent: its log.
    pub(crate) fn wait(&mut self, server: SocketAddr, name: &str, rtype: RecordType, rd: bool) -> Result<(), String> {
        let ask = Ask { rd, patience: STEP, ..Ask::new(name, rtype) };
        self.wait_until(|| match ask.udp(server) {
            Ok(message) if !message.answers.is_empty() => Ok(()),
            Ok(message) => Err(format!("{server} says of {name} {rtype}: {}", crate::world::ask::line(&message))),
            Err(e) => Err(format!("{server} says nothing of {name} {rtype}: {e}")),
        })
    }

    /// Waits until `ready` finds it so.
    ///
    /// # Errors
    /// It ended or did not get ready: what was found last, and its log.
    pub(crate) fn wait_until(&mut self, mut ready: impl FnMut() -> Result<(), String>) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..TRIES {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Err(format!("{} ended with {status} at the start:\n{}", self.name, self.log()));
            }
            match ready() {
                Ok(()) => return Ok(()),
                Err(why) => last = why,
            }
            std::thread::sleep(STEP / 4);
        }
        Err(format!("{} is not ready (last: {last}):\n{}", self.name, self.log()))
    }

    /// What it wrote.
    pub(crate) fn log(&self) -> String {
        let mut text = fs::read_to_string(&self.log).unwrap_or_default();
        let own = self.log.with_extension("own.log");
        text.push_str(&fs::read_to_string(own).unwrap_or_default());
        text
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Asked politely, NSD ends its workers itself; std can only kill.
        let leader = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &leader]).stderr(Stdio::null()).status();
        for _ in 0..80 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{leader}")]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

/// Where a program is; Debian keeps servers outside a user's `PATH`.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = ["/usr/sbin", "/usr/bin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(own).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Writes a file that a daemon without privileges can read.
pub(crate) fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap_or_else(|e| panic!("could not write {}: {e}", file.display()));
    fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
}

/// Runs a command to its end.
pub(crate) fn run(dir: &Path, program: &Path, args: &[&str]) {
    let output = Command::new(program).args(args).current_dir(dir).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {args:?} failed: {said}", program.display());
}
