//! The tool's own binary on a host of the world.

use std::process::Command;

use super::namespaces::Host;
use super::{RESOLVER, World};
use crate::world::run::Run;

/// What a test changes in the plan, and how the tool is started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Case<'a> {
    /// The value of `[smtp] ports`.
    pub(crate) ports: &'a str,
    /// More keys of `[smtp]`.
    pub(crate) smtp: &'a str,
    /// More sections.
    pub(crate) more: &'a str,
    /// More arguments.
    pub(crate) arguments: &'a [&'a str],
}

/// Checks the company's move from the old server to the new one on this host.
pub(crate) fn check(world: &World, host: &Host, case: Case<'_>) -> Run {
    let Case { ports, smtp, more, arguments } = case;
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    let trust = world.trust.display();
    let text = format!(
        "cutover_at = 2026-12-05T22:00:00+09:00\ndomains = [\"example.co.jp\"]\nhostname = \"mail.example.co.jp\"\n\
         [old]\nips = [\"192.0.2.25\"]\nptr = \"mx-old.example.co.jp\"\n\
         [new]\nips = [\"203.0.113.25\", \"2001:db8:25::25\"]\nallow_special = true\n\
         reason = \"a laboratory of namespaces\"\n\
         [dns]\nresolver = [\"{RESOLVER}\"]\nroot_hints = [\"{RESOLVER}\"]\n\
         [dnsbl]\nuse = []\n[auth]\ndkim = {{ \"example.co.jp\" = [\"s2026\"] }}\n\
         [smtp]\nports = {ports}\nehlo = \"desk.example.co.jp\"\ntrust = \"{trust}\"\n\
         recipients = [\"info@example.co.jp\", \"sales@example.co.jp\"]\nwitnesses = [\"one.example\", \"two.example\"]\n\
         {smtp}\n{more}"
    );
    std::fs::write(&plan, text).unwrap();
    let output = host.within(|| {
        Command::new(env!("CARGO_BIN_EXE_mail-cutover"))
            .args(["check", plan.to_str().unwrap(), "--format", "json", "--at", "2026-12-01T10:00:00+09:00"])
            .args(arguments)
            .env_clear()
            .output()
            .unwrap()
    });
    Run::read(&output)
}
