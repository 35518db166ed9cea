//! The tool's own binary against the daemons.

use std::path::Path;
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

/// Watches the demo's company, each second, in `folder`.
pub(crate) fn watch(daemons: &Daemons, folder: &Path, resolver: &str, more: &str, arguments: &[&str]) -> Command {
    std::fs::write(folder.join("plan.toml"), plan(daemons, "example.co.jp", resolver, "[\"203.0.113.25\"]", more))
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mail-cutover"));
    command
        .args(["watch", "plan.toml", "--every", "1s", "--lists-every", "1s"])
        .args(arguments)
        .env_clear()
        .current_dir(folder);
    command
}

fn run(daemons: &Daemons, domain: &str, resolver: &str, new: &str, more: &str, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.toml");
    std::fs::write(&path, plan(daemons, domain, resolver, new, more)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mail-cutover"))
        .args(["check", path.to_str().unwrap(), "--format", "json"])
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    Run::read(&output)
}

fn plan(daemons: &Daemons, domain: &str, resolver: &str, new: &str, more: &str) -> String {
    format!(
        "cutover_at = 2026-12-05T22:00:00+09:00\ndomains = [\"{domain}\"]\nhostname = \"mail.{domain}\"\n\
         [old]\nptr = \"mx1.example.co.jp\"\nips = [\"192.0.2.25\"]\n\
         [new]\nips = {new}\nallow_special = true\nreason = \"daemons on loopback\"\n\
         [smtp]\nports = []\n[dns]\nresolver = {resolver}\nroot_hints = [\"{}\"]\nauthority_port = {}\n{more}",
        daemons.authority(ROOT),
        daemons.authority_port
    )
}
