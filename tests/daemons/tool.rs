//! The tool's own binary against the daemons.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use super::{Daemons, ROOT};

/// What one run came to.
pub(crate) struct Run {
    pub(crate) exit: i32,
    pub(crate) verdict: String,
    /// Every statement as `check status tag subject about`.
    pub(crate) said: BTreeSet<String>,
    pub(crate) text: String,
}

impl Run {
    /// What was found or not measured.
    pub(crate) fn findings(&self) -> BTreeSet<&str> {
        self.said
            .iter()
            .filter(|line| line.contains(" found ") || line.contains(" unknown "))
            .map(String::as_str)
            .collect()
    }

    /// Whether this tag was said of this subject.
    pub(crate) fn says(&self, tag: &str, subject: &str) -> bool {
        self.said.iter().any(|line| line.contains(&format!(" {tag} {subject} ")))
    }
}

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
    read(&output)
}

fn read(output: &Output) -> Run {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let mut said = BTreeSet::new();
    for check in report["checks"].as_array().unwrap() {
        for statement in check["statements"].as_array().unwrap() {
            let [status, tag, about] = ["status", "tag", "about"].map(|key| word(&statement[key]));
            said.insert(format!(
                "{} {status} {tag} {} {about}",
                word(&check["id"]),
                word(&statement["subject"]["value"])
            ));
        }
    }
    Run { exit: output.status.code().unwrap(), verdict: word(&report["verdict"]), said, text }
}
