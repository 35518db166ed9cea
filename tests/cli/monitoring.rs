//! `--format nagios` as a monitoring system runs it: the plugin interface's exit codes, and its own words where nothing was judged.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::Path;

use crate::{Folder, NOW, Ran, Stage, nameless, plan, ready, refusing, warning};

/// Where Debian and Fedora put the monitoring plugins; `negate` runs another plugin and turns its state into another.
const NEGATE: [&str; 2] = ["/usr/lib/nagios/plugins/negate", "/usr/lib64/nagios/plugins/negate"];

fn status(ran: &Ran) -> (Option<i32>, &str) {
    (ran.exit, ran.out.lines().next().unwrap_or_default().split(':').next().unwrap())
}

/// Lost if it fails: nobody would be woken for a NO-GO, or somebody for a GO.
#[test]
fn each_verdict_has_its_state() {
    for (world, usual, strict) in [
        (ready(), (0, "MAIL-CUTOVER OK - GO"), 0),
        (warning("why | a=1"), (1, "MAIL-CUTOVER WARNING - GO WITH WARNINGS"), 2),
        (nameless(), (2, "MAIL-CUTOVER CRITICAL - NO-GO"), 2),
        (refusing(), (3, "MAIL-CUTOVER UNKNOWN - HOLD"), 3),
    ] {
        let stage = Stage::set(&world, "");
        let ran = stage.check(&["--format", "nagios"]);
        assert_eq!(status(&ran), (Some(usual.0), usual.1), "{ran:?}");
        assert_eq!((ran.out.matches('|').count(), ran.err.as_str()), (1, ""), "{ran:?}");
        assert_eq!(stage.check(&["--format", "nagios", "--strict"]).exit, Some(strict));
    }
}

/// Lost if it fails: a plan with a mistake in it would look like a mail server that must not be switched to, or like none at all.
#[test]
fn what_cannot_start_is_unknown() {
    let folder = Folder::with_plan("cutover_at = 1\n[new]\nips = [\"203.0.113.25\"]\n");
    for arguments in [&["check", "plan.toml"][..], &["check", "absent.toml"], &["merge", "a.json", "b.json"]] {
        let ran = folder.run(&[arguments, &["--format", "nagios"]].concat());
        assert_eq!((ran.exit, ran.err.as_str()), (Some(3), ""), "{ran:?}");
        assert!(ran.out.starts_with("MAIL-CUTOVER UNKNOWN - ") && !ran.out.contains('|'), "{ran:?}");
        assert_eq!(folder.run(arguments).exit, Some(2), "other forms keep their code");
    }
}

/// Lost if it fails: the monitoring plugins themselves would not take us for one of theirs.
#[test]
fn a_plugin_of_theirs_understands_ours() {
    let Some(negate) = NEGATE.iter().find(|path| Path::new(path).is_file()) else {
        assert!(std::env::var_os("MAIL_CUTOVER_REQUIRE_DAEMONS").is_none(), "none of {NEGATE:?} is there");
        eprintln!("NOT TESTED: the monitoring plugins are missing: none of {NEGATE:?}");
        return;
    };
    let stage = Stage::set(&nameless(), "");
    let ran = |folder: &Folder, swap: [&str; 3]| {
        let plan = folder.path("plan.toml");
        let ours =
            [env!("CARGO_BIN_EXE_mail-cutover"), "check", plan.to_str().unwrap(), "--at", NOW, "--format", "nagios"];
        let mut command = std::process::Command::new(negate);
        Ran::of(command.args(["--timeout", "60"]).args(swap).args(ours).env_clear())
    };
    let turned = ran(&stage.folder, ["--substitute", "--critical", "OK"]);
    assert_eq!(status(&turned), (Some(0), "MAIL-CUTOVER OK - NO-GO"), "{turned:?}");
    let broken = Folder::with_plan(plan(([127, 0, 0, 1], 9).into()) + "nonsense");
    let turned = ran(&broken, ["--substitute", "--unknown", "CRITICAL"]);
    assert_eq!(turned.exit, Some(2), "{turned:?}");
    assert!(turned.out.starts_with("MAIL-CUTOVER CRITICAL - "), "{turned:?}");
}
