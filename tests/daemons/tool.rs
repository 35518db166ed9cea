//! The tool's own binary against the daemons.

use std::process::Command;

use super::{Daemons, ROOT};
use crate::world::run::Run;

/// Checks the demo's company with these new addresses; `resolver` is the value of that key.
pub(crate) fn check(daemons: &Daemons, resolver: &str, new: &str, more: &str) -> Run {
    check_domain(daemons, "example.co.jp", resolver, new, more)
}

/// The same with these arguments.
pub(crate) fn check_with(daemons: &Daemons, resolver: &str, new: &str, more: &str, arguments: &[&str]) -> Run {
    run(daemons, "example.co.jp", resolver, new, more, arguments)
}

/// The same for a domain whose mail host is `mail` below it.
pub(crate) fn check_domain(daemons: &Daemons, domain: &str, resolver: &str, new: &str, more: &str) -> Run {
    run(daemons, domain, resolver, new, more, &["--at", "2026-12-01T10:00:00+09:00"])
}

fn run(daemons: &Daemons, domain: &str, resolver: &str, new: &str, more: &str, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    let text = format!(
        "cutover_at = 2026-12-05T22:00:00+09:00\ndomains = [\"{domain}\"]\nhostname = \"mail.{domain}\"\n\
         [old]\nptr = \"mx1.example.co.jp\"\nips = [\"192.0.2.25\"]\n\
         [new]\nips = {new}\nallow_special = true\nreason = \"daemons on loopback\"\n\
         [smtp]\nports = []\n[dns]\nresolver = {resolver}\nroot_hints = [\"{}\"]\nauthority_port = {}\n{more}",
        daemons.authority(ROOT),
        daemons.authority_port
    );
    std::fs::write(&plan, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mail-cutover"))
        .args(["check", plan.to_str().unwrap(), "--format", "json"])
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    Run::read(&output)
}
