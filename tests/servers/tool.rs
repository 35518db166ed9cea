//! The tool's own binary on hosts of the world.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use super::namespaces::Host;
use super::{RESOLVER, World};
use crate::world::run::Run;

/// When every run takes place: days before the cutover.
const NOW: &str = "2026-12-01T10:00:00+09:00";

/// A plan in a file: the company's move from the old server to the new one.
pub(crate) struct Plan {
    folder: tempfile::TempDir,
    file: PathBuf,
}

impl Plan {
    /// The plan that speaks to ports 25, 465 and 587, with more keys of `[smtp]` and more sections.
    pub(crate) fn new(world: &World, smtp: &str, more: &str) -> Self {
        Self::for_ports(world, "[25, 465, 587]", &["info@example.co.jp", "sales@example.co.jp"], smtp, more)
    }

    /// The plan that speaks to port 25 and asks for these mailboxes.
    pub(crate) fn naming(world: &World, recipients: &[&str]) -> Self {
        Self::for_ports(world, "[25]", recipients, "", "")
    }

    /// The plan that speaks to nobody.
    pub(crate) fn silent(world: &World) -> Self {
        Self::for_ports(world, "[]", &[], "", "")
    }

    fn for_ports(world: &World, ports: &str, recipients: &[&str], smtp: &str, more: &str) -> Self {
        let trust = world.trust.display();
        let text = format!(
            "cutover_at = 2026-12-05T22:00:00+09:00\ndomains = [\"example.co.jp\"]\nhostname = \"mail.example.co.jp\"\n\
             [old]\nips = [\"192.0.2.25\"]\nptr = \"mx-old.example.co.jp\"\n\
             [new]\nips = [\"203.0.113.25\", \"2001:db8:25::25\"]\nallow_special = true\n\
             reason = \"a laboratory of namespaces\"\n\
             [dns]\nresolver = [\"{RESOLVER}\"]\nroot_hints = [\"{RESOLVER}\"]\n\
             [dnsbl]\nuse = []\n[auth]\ndkim = {{ \"example.co.jp\" = [\"s2026\"] }}\n\
             [smtp]\nports = {ports}\nehlo = \"desk.example.co.jp\"\ntrust = \"{trust}\"\ntimeout = \"5s\"\n\
             recipients = {recipients:?}\n\
             witnesses = [\"one.example\", \"two.example\"]\n{smtp}\n{more}"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.toml");
        std::fs::write(&file, text).unwrap();
        Self { folder, file }
    }

    /// Checks it on this host.
    pub(crate) fn check(&self, host: &Host, arguments: &[&str]) -> Run {
        let first = ["check".as_ref(), self.file.as_os_str()];
        host.within(|| run(first.into_iter().chain(arguments.iter().map(OsStr::new))))
    }

    /// Joins what runs at two places said.
    pub(crate) fn merge(&self, one: &Run, other: &Run) -> Run {
        let files = [one, other].map(|run| {
            let file = self.folder.path().join(format!("{:p}.json", run));
            std::fs::write(&file, &run.text).unwrap();
            file
        });
        run(["merge".as_ref()].into_iter().chain(files.iter().map(|file| file.as_os_str())))
    }
}

fn run<'a>(arguments: impl Iterator<Item = &'a OsStr>) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_mail-cutover"))
        .args(arguments)
        .args(["--format", "json", "--at", NOW])
        .env_clear()
        .output()
        .unwrap();
    Run::read(&output)
}
