//! The binary as a person or a script meets it: on a stage with a small world on loopback, a plan that asks only it, and an
//! environment with nothing in it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod bounce;
mod compare;
mod errors;
mod exits;
mod files;
mod inbound;
mod init;
#[cfg(target_os = "linux")]
mod keyboard;
mod merge;
mod monitoring;
mod pages;
mod practice;
#[cfg(target_os = "linux")]
mod rank;
mod refusals;
mod rehearse;
mod secrets;
mod shapes;
mod shell;
mod signals;
mod watch;
#[cfg(unix)]
#[path = "../world/watching.rs"]
mod watching;
mod written;

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use mail_cutover::demo::{self, World, WorldFile};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Four days before the cutover of [`plan`].
pub(crate) const NOW: &str = "2026-12-01T10:00:00+09:00";
/// A world in which [`plan`] is GO; what stands in `lines` is put before its lists, and in `lists` among them.
fn world(lines: &str, lists: &str) -> String {
    let host = r#""mail A 192.0.2.25\nmail A 203.0.113.25\nmail TXT \"v=spf1 a -all\"\n""#;
    format!(
        "base = [\"internet\"]\nremove.\"example.co.jp\" = [\"mail\"]\nadd.\"example.co.jp\" = {host}\n{lines}\n[lists]\n{lists}\n"
    )
}

/// GO.
pub(crate) fn ready() -> String {
    world("", "")
}

/// GO WITH WARNINGS: a list of lesser weight lists the new address, for the reason `text`.
pub(crate) fn warning(text: &str) -> String {
    let text = toml::Value::from(text);
    let listed = format!("list = \"psbl\", subject = \"203.0.113.25\", answers = [\"127.0.0.2\"], text = {text}");
    world("", &format!("listed = [{{ {listed} }}]"))
}

/// NO-GO: the new address has no name.
pub(crate) fn nameless() -> String {
    world("remove.\"113.0.203.in-addr.arpa\" = [\"25\"]", "")
}

/// HOLD: a required list refuses to answer.
pub(crate) fn refusing() -> String {
    world("", "refusing = [{ list = \"spamhaus-zen\", answer = \"127.255.255.254\" }]")
}

/// A plan that asks `resolver` and nobody else.
pub(crate) fn plan(resolver: SocketAddr) -> String {
    format!(
        r#"change = "CHG-1"
cutover_at = 2026-12-05T22:00:00+09:00
domains = ["example.co.jp"]
hostname = "mail.example.co.jp"
[old]
ips = ["192.0.2.25"]
[new]
ips = ["203.0.113.25"]
allow_special = true
reason = "a test"
[smtp]
ports = []
[dns]
resolver = ["{resolver}"]
root_hints = ["{resolver}"]
authority_port = {}
timeout = "1s"
"#,
        resolver.port()
    )
}

/// A folder with the tool in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One with `plan.toml`.
    pub(crate) fn with_plan(text: impl AsRef<[u8]>) -> Self {
        let folder = Self::empty();
        folder.write("plan.toml", text);
        folder
    }

    pub(crate) fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.0.path().join(name.as_ref())
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names in it, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The tool in this folder, with nothing in its environment and nobody at its streams.
    pub(crate) fn tool(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mail-cutover"));
        command.args(arguments).env_clear().current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.tool(arguments))
    }

    /// `check plan.toml` at [`NOW`].
    pub(crate) fn check(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.checking(arguments))
    }

    /// The tool about to do `check plan.toml` at [`NOW`].
    pub(crate) fn checking(&self, arguments: &[&str]) -> Command {
        self.tool(&[&["check", "plan.toml", "--at", NOW], arguments].concat())
    }
}

/// A world, and a folder whose plan asks it.
pub(crate) struct Stage {
    pub(crate) folder: Folder,
    pub(crate) world: World,
    _runtime: Runtime,
}

impl Stage {
    /// Serves `world`; `more` stands at the end of the plan.
    pub(crate) fn set(world: &str, more: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let setup = WorldFile::parse(world).unwrap().setup(&demo::blocklists().unwrap(), &demo::base).unwrap();
        let world = runtime.block_on(World::serve(&setup)).unwrap();
        let folder = Folder::with_plan(plan(world.address()) + more);
        Self { folder, world, _runtime: runtime }
    }

    pub(crate) fn check(&self, arguments: &[&str]) -> Ran {
        self.folder.check(arguments)
    }

    /// The world becomes this one, at the same address.
    pub(crate) fn turn(&self, world: &str) {
        let setup = WorldFile::parse(world).unwrap().setup(&demo::blocklists().unwrap(), &demo::base).unwrap();
        self.world.turn(&setup).unwrap();
    }
}

/// What one run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    /// None when a signal ended it.
    pub(crate) exit: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    /// The report, which must be JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It failed before it started: exit 2, nothing for the next program, one error and no trace for the person.
    pub(crate) fn error(self) -> String {
        assert_eq!(self.exit, Some(2), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        let errors = self.err.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(errors, 1, "{self:?}");
        assert!(self.err.starts_with("error: ") && self.err.ends_with('\n'), "{self:?}");
        for word in ["panic", "RUST_BACKTRACE", "src/", "Err(", "Some("] {
            assert!(!self.err.contains(word), "{word} in {self:?}");
        }
        assert!(!self.err.contains(|c: char| c.is_control() && c != '\n'), "{self:?}");
        self.err
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
