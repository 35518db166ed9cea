//! Exit codes and the verdict line: what a script that gates a cutover looks at.

use expect_test::expect;

use crate::{Ran, Stage, nameless, ready, refusing, warning};

/// Port 1 (tcpmux) of loopback, where nobody listens.
const CLOSED: ([u8; 4], u16) = ([127, 0, 0, 1], 1);

/// The exit codes of a world, plain and with `--strict`; the verdict is the same in both.
fn exits(world: &str, verdict: &str) -> (Option<i32>, Option<i32>) {
    let stage = Stage::set(world, "");
    let run = |arguments: &[&str]| {
        let ran = stage.check(&[&["--format", "json"], arguments].concat());
        let report = ran.json();
        assert_eq!(report["verdict"], verdict, "{}", stage.check(&["-q"]).out);
        assert_eq!(report["exit_code"].as_i64(), ran.exit.map(i64::from), "{arguments:?}");
        assert_eq!(ran.err, "");
        ran.exit
    };
    (run(&[]), run(&["--strict"]))
}

/// Lost if it fails: a pipeline would switch the mail server although the tool said no, or `exit_code` would contradict it.
#[test]
fn each_verdict_has_its_exit_code() {
    assert_eq!(exits(&ready(), "GO"), (Some(0), Some(0)));
    assert_eq!(exits(&warning("why"), "GO WITH WARNINGS"), (Some(0), Some(1)));
    assert_eq!(exits(&nameless(), "NO-GO"), (Some(1), Some(1)));
    assert_eq!(exits(&refusing(), "HOLD"), (Some(3), Some(3)));
}

/// Lost if it fails: the short output would hide what stands in the way, or grow into a second report.
#[test]
fn quiet_says_the_verdict_and_what_stands_in_its_way() {
    let quiet = |world: &str| {
        let Ran { out, err, .. } = Stage::set(world, "").check(&["--quiet"]);
        assert_eq!(err, "");
        out
    };
    expect![[r#"
        GO
    "#]]
    .assert_eq(&quiet(&ready()));
    expect![[r#"
        GO WITH WARNINGS
    "#]]
    .assert_eq(&quiet(&warning("why")));
    expect![[r#"
        ✗ ptr-missing  NEW  203.0.113.25 has no PTR record
        NO-GO
    "#]]
    .assert_eq(&quiet(&nameless()));
    expect![[r#"
        ? dnsbl-unanswered  OLD  whether 192.0.2.25 is on Spamhaus ZEN is not known: it refused the query with 127.255.255.254: asked through a public resolver, or from a network without attributable reverse DNS
        ? dnsbl-unanswered  NEW  whether 203.0.113.25 is on Spamhaus ZEN is not known: it refused the query with 127.255.255.254: asked through a public resolver, or from a network without attributable reverse DNS
        HOLD
    "#]].assert_eq(&quiet(&refusing()));
}

/// Lost if it fails: with `--strict`, the run would fail without saying why.
#[test]
fn quiet_and_strict_say_the_warnings() {
    let ran = Stage::set(&warning("why"), "").check(&["--quiet", "--strict"]);
    assert_eq!(ran.exit, Some(1));
    expect![[r#"
        ! dnsbl-listed-minor  NEW  203.0.113.25 is listed on Passive Spam Block List: 127.0.0.2 (hit a spam trap) “why”
        GO WITH WARNINGS
    "#]]
    .assert_eq(&ran.out);
}

/// Lost if it fails: the verdict would not be the last thing on the screen.
#[test]
fn the_table_ends_with_the_verdict() {
    let table = Stage::set(&nameless(), "").check(&[]).out;
    let last: Vec<&str> = table.lines().rev().take(5).collect();
    expect![[r#"

        ╔══════════════════════════════════════════════════════════════════════════════════════════════════╗
        ║  N O - G O                                                                                       ║
        ║  1 blocker: ptr-missing (203.0.113.25)                                                           ║
        ╚══════════════════════════════════════════════════════════════════════════════════════════════════╝"#]]
    .assert_eq(&last.into_iter().rev().collect::<Vec<_>>().join("\n"));
}

/// Lost if it fails: a run that left out what can block would say GO.
#[test]
fn a_partial_run_holds() {
    let stage = Stage::set(&ready(), "");
    for arguments in [["--only", "ptr"], ["--skip", "dnsbl-listed"]] {
        let ran = stage.check(&[&["--format", "json"], &arguments[..]].concat());
        assert_eq!(ran.exit, Some(3), "{arguments:?}");
        assert_eq!(ran.json()["completion"], "partial");
    }
    let harmless = stage.check(&["--skip", "net-asn", "--format", "json"]);
    assert_eq!((harmless.exit, harmless.json()["completion"].as_str()), (Some(0), Some("complete")));
}

/// Lost if it fails: a resolver that is down would look like clean lists, or like an endless wait.
#[test]
fn a_resolver_that_is_down_holds() {
    let ran = crate::Folder::with_plan(crate::plan(CLOSED.into())).check(&["--format", "json", "--deadline", "20s"]);
    assert_eq!(ran.exit, Some(3), "{ran:?}");
    let report = ran.json();
    assert_eq!((report["verdict"].as_str(), report["counts"]["blockers"].as_i64()), (Some("HOLD"), Some(0)));
    assert_eq!(report["completion"], "complete", "a refused connection is known at once");
}

/// Lost if it fails: lists that nobody could ask would look healthy to a monitoring script.
#[test]
fn the_health_of_lists_that_nobody_could_ask_holds() {
    let folder = crate::Folder::with_plan(crate::plan(CLOSED.into()));
    let ran = folder.run(&["lists", "--health", "--plan", "plan.toml", "--format", "json"]);
    assert_eq!((ran.exit, ran.err.as_str()), (Some(3), ""));
    let rows = ran.json()["health"].as_array().unwrap().clone();
    assert!(rows.len() > 10 && rows.iter().all(|row| row["state"] != "healthy"), "{rows:#?}");
}

/// Lost if it fails: the deadline would not bound the run, or its report would pass for a whole one.
#[test]
fn a_deadline_holds_and_says_so() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let folder = crate::Folder::with_plan(crate::plan(silent.local_addr().unwrap()));
    let began = std::time::Instant::now();
    let ran = folder.check(&["--deadline", "1s", "-q"]);
    assert!(began.elapsed() < std::time::Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(ran.exit, Some(3), "{ran:?}");
    assert!(ran.out.contains("cut short by its deadline"), "{ran:?}");
}

/// Lost if it fails: a list without whose word the plan wants no GO would never be asked, because no set has it.
#[test]
fn a_required_list_is_asked() {
    let stage = Stage::set(&ready(), "[dnsbl]\nrequire = [\"hostkarma\"]\n");
    let ran = stage.check(&["-q"]);
    assert_eq!(ran.exit, Some(3), "{ran:?}");
    assert!(ran.out.contains("dnsbl-unanswered") && ran.out.to_lowercase().contains("hostkarma"), "{ran:?}");
}

/// Lost if it fails: a list that has nothing to prove itself by would be required, and a GO be said without its word.
#[test]
fn a_required_list_without_a_test_point_holds() {
    let stage = Stage::set(&ready(), "[dnsbl]\nrequire = [\"spfbl\"]\n");
    let ran = stage.check(&["-q"]);
    assert_eq!(ran.exit, Some(3), "{ran:?}");
    assert!(ran.out.contains("dnsbl-unanswered") && ran.out.contains("SPFBL"), "{ran:?}");
    let health = stage.folder.run(&["lists", "--health", "--plan", "plan.toml", "--format", "json"]);
    let said = "required, and without a test point by which it could be believed: SPFBL\n";
    assert_eq!((health.exit, health.err.as_str()), (Some(3), said), "{}", health.out);
}

/// Lost if it fails: leaving out what belongs to the other phase, and would not have run, would hold the verdict.
#[test]
fn what_belongs_to_the_other_phase_may_be_left_out() {
    let ran = Stage::set(&ready(), "").check(&["--skip", "bounces", "--format", "json"]);
    assert_eq!((ran.exit, ran.json()["completion"].as_str()), (Some(0), Some("complete")), "{ran:?}");
}
