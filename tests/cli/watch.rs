//! `watch` in a world that changes while it runs: what is told, called, kept, and what stops it.

#![cfg(unix)]

use std::process::Stdio;
use std::time::{Duration, Instant};

use mail_cutover::demo::{self, WorldFile};
use serde_json::Value;

use crate::watching::{PROMPTLY, Watching};
use crate::{Folder, Stage, ready, refusing};

fn start(folder: &Folder, arguments: &[&str]) -> Watching {
    Watching::of(folder.tool(&[&["watch", "plan.toml", "--every", "1s"], arguments].concat()))
}

/// The world after the cutover, in order; `lists` and `more` say what is not. Its lists' answers expire at once.
fn after(more: &str, lists: &str) -> String {
    format!(
        r#"base = ["internet"]
remove."example.co.jp" = ["mail", "@"]
add."example.co.jp" = "mail A 203.0.113.25\nmail TXT \"v=spf1 a -all\"\n@ MX 10 mail\n@ TXT \"v=spf1 ip4:192.0.2.25 ip4:203.0.113.25 -all\"\n"
{more}
[lists]
{lists}
"#
    )
}

/// The world becomes this one, and the answers of its lists expire after a second.
fn turn(stage: &Stage, world: &str) {
    let mut setup = WorldFile::parse(world).unwrap().setup(&demo::blocklists().unwrap(), &demo::base).unwrap();
    for zone in &mut setup.zones {
        zone.text = zone.text.replace("$TTL 300\n", "$TTL 1\n");
    }
    stage.world.turn(&setup).unwrap();
}

const ROLLBACK: &str = "[rollback]\nowner = \"tanaka\"\ntriggers = [\"dnsbl\", \"ptr-missing\"]\n";
const LISTED: &str = r#"listed = [{ list = "psbl", subject = "203.0.113.25", answers = ["127.0.0.2"] }]"#;
const NAMELESS: &str = "remove.\"113.0.203.in-addr.arpa\" = [\"25\"]";

/// Lost if it fails: at night a listing or a lost name would not be told within an interval, nobody would be called, and the verdict would
/// stand as it was.
#[test]
fn a_night_of_changes_is_told_and_kept() {
    let stage = Stage::set(&ready(), ROLLBACK);
    turn(&stage, &ready());
    let script = "#!/bin/sh\necho \"$MAIL_CUTOVER_WAS>$MAIL_CUTOVER_VERDICT $MAIL_CUTOVER_ROLL_BACK $MAIL_CUTOVER_CHANGE $KEY-\" >> calls\necho noise\ncp \"$MAIL_CUTOVER_REPORT\" called.json\n";
    stage.folder.write("call", script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(stage.folder.path("call"), mode).unwrap();
    let more =
        ["--lists-every", "1s", "--at", "2026-12-05T21:59:56+09:00", "--save", "reports", "--on-change", "./call"];
    let mut watch = start(&stage.folder, &more);
    watch.wait(&["began", "GO, before the cutover"]);
    watch.wait(&["phase", "after the cutover"]);
    turn(&stage, &after("", ""));
    watch.wait(&["record", "example.co.jp MX: 10 mx1.example.co.jp → 10 mail.example.co.jp (as planned)"]);
    watch.wait(&["VERDICT", "→ GO"]);
    turn(&stage, &after("", LISTED));
    watch.wait(&["NEW", "warning dnsbl-listed-minor  NEW  203.0.113.25 is listed"]);
    watch.wait(&["NEW", "BLOCKER rollback-trigger  NEW  roll back? dnsbl-listed-minor was found (203.0.113.25)"]);
    watch.wait(&["VERDICT", "→ NO-GO  roll back?"]);
    turn(&stage, &after(NAMELESS, LISTED));
    watch.wait(&["record", "25.113.0.203.in-addr.arpa PTR: mail.example.co.jp → nothing (not in the plan)"]);
    watch.wait(&["NEW", "BLOCKER ptr-missing  NEW  203.0.113.25 has no PTR"]);
    turn(&stage, &after("", ""));
    watch.wait(&["fixed", "dnsbl-listed-minor"]);
    watch.wait(&["VERDICT", "NO-GO → GO"]);
    let last = watch.stop("TERM");
    assert!(last.out.ends_with("the verdict is GO\n") || last.out.contains("the verdict is GO"), "{last:?}");
    assert_eq!(last.exit, Some(0), "{last:?}");
    assert!(last.err.lines().all(|line| line == "noise"), "{last:?}");
    let latest: Value = serde_json::from_str(&stage.folder.read("reports/latest.json")).unwrap();
    assert_eq!((&latest["verdict"], &latest["completion"]), (&"GO".into(), &"complete".into()));
    let calls = stage.folder.read("calls");
    assert!(calls.contains(">NO-GO yes CHG-1 -\n") && calls.ends_with("NO-GO>GO no CHG-1 -\n"), "{calls}");
    let called: Value = serde_json::from_str(&stage.folder.read("called.json")).unwrap();
    assert_eq!(called["verdict"], "GO");
    let reports = std::fs::read_dir(stage.folder.path("reports")).unwrap().count();
    assert!((5..12).contains(&reports), "{reports} reports were kept");
}

/// Lost if it fails: an outage of the resolver would end the watch or pass for a clean world; a program could not read the lines.
#[test]
fn an_outage_holds_and_passes() {
    let stage = Stage::set(&ready(), "");
    turn(&stage, &ready());
    // It is there and may be run, as far as one can see before; who reads it is not.
    stage.folder.write("lame", "#!/absent/reader\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(stage.folder.path("lame"), mode).unwrap();
    let at = ["--lists-every", "1s", "--format", "jsonl", "--at", crate::NOW, "--on-change", "./lame"];
    let mut watch = start(&stage.folder, &at);
    let began: Value = serde_json::from_str(&watch.wait(&["\"began\""])).unwrap();
    assert_eq!((&began["verdict"], &began["phase"]), (&"GO".into(), &"before".into()));
    turn(&stage, &format!("{}\n[[fault]]\nbelow = \".\"\ndo = \"servfail\"\n", ready()));
    let unknown: Value = serde_json::from_str(&watch.wait(&["\"unknown\""])).unwrap();
    assert!(unknown["places"].as_array().unwrap().len() > 10, "{unknown}");
    let verdict: Value = serde_json::from_str(&watch.wait(&["\"verdict\"", "\"was\""])).unwrap();
    assert_eq!(
        (&verdict["was"], &verdict["verdict"], &verdict["roll_back"]),
        (&"GO".into(), &"HOLD".into(), &false.into())
    );
    let failed: Value = serde_json::from_str(&watch.wait(&["on-change-failed"])).unwrap();
    assert!(failed["text"].as_str().unwrap().starts_with("could not run ./lame: "), "{failed}");
    turn(&stage, &ready());
    watch.wait(&["\"known\""]);
    watch.wait(&["\"verdict\":\"GO\"", "\"was\":\"HOLD\""]);
    assert!(
        watch.seen.iter().all(|line| !line.contains("\"new\"") && !line.contains("\"fixed\"")),
        "{:#?}",
        watch.seen
    );
    let last = watch.stop("INT");
    assert!(last.exit == Some(0) && last.out.contains("\"event\":\"ended\""), "{last:?}");
}

/// Lost if it fails: every run would ask every list anew, and their operators would refuse us; or a list that rests would look asked when
/// it was not.
#[test]
fn lists_rest_between_runs() {
    let stage = Stage::set(&ready(), "");
    let asked = |below: &str| stage.world.asked().iter().filter(|one| one.name.ends_with(below)).count();
    let mut watch = start(&stage.folder, &["--at", crate::NOW, "--save", "reports"]);
    watch.wait(&["began"]);
    let (list, name) = (asked(".zen.spamhaus.org."), asked("25.113.0.203.in-addr.arpa."));
    assert!(list > 0 && name > 0);
    let deadline = Instant::now() + PROMPTLY;
    while asked("25.113.0.203.in-addr.arpa.") < name * 4 {
        assert!(Instant::now() < deadline, "there were no further runs");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(asked(".zen.spamhaus.org."), list, "the list was asked again");
    let last = watch.stop("TERM");
    assert_eq!((last.exit, last.err.as_str()), (Some(0), ""), "{last:?}");
    // What rested is in the report, with the time at which it was asked.
    let latest: Value = serde_json::from_str(&stage.folder.read("reports/latest.json")).unwrap();
    let seen = latest["observations"].as_array().unwrap();
    let of_list = seen.iter().filter(|one| one["question"].as_str().unwrap().contains(".zen.spamhaus.org. "));
    assert_eq!(of_list.count(), list, "{latest}");
}

/// Lost if it fails: the program that is called, or whoever reads the lines, would get the keys of lists.
#[test]
fn keys_stay_with_the_watch() {
    let stage = Stage::set(&ready(), "[dnsbl]\nkey = { spamhaus-dqs = \"env:DQS_KEY\" }\n");
    stage.folder.write("call", "#!/bin/sh\necho \"[$DQS_KEY] [$OTHER] $MAIL_CUTOVER_NEWS\" >> calls\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(stage.folder.path("call"), mode).unwrap();
    let arguments =
        ["watch", "plan.toml", "--every", "1s", "--at", crate::NOW, "--on-change", "./call", "--save", "reports"];
    let mut command = stage.folder.tool(&arguments);
    command.env("DQS_KEY", "abcdefghijklmnopqrstuvwxyz").env("OTHER", "there");
    let mut watch = Watching::of(command);
    watch.wait(&["began"]);
    turn(&stage, &ready().replace("[lists]", &format!("{NAMELESS}\n[lists]")));
    watch.wait(&["ptr-missing"]);
    watch.wait(&["VERDICT"]);
    let seen = watch.seen.join("\n");
    let last = watch.stop("TERM");
    let calls = stage.folder.read("calls");
    assert!(calls.starts_with("[] [there] ") && calls.contains("ptr-missing"), "{calls}");
    let report = stage.folder.read("reports/latest.json");
    assert!(report.contains("dq.spamhaus.net"), "the key was not used");
    assert!(![seen, last.out, last.err, calls, report].concat().contains("abcdefghij"));
}

/// Lost if it fails: a watch of a month would fill the machine: every run holds hundreds of answers.
#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow() {
    let stage = Stage::set(&ready(), "");
    turn(&stage, &ready());
    let runs = || stage.world.asked().iter().filter(|one| one.name.starts_with("25.113.0.203.in-addr.arpa.")).count();
    let mut watch = start(&stage.folder, &["--lists-every", "1s", "--at", crate::NOW, "--save", "reports"]);
    watch.wait(&["began"]);
    let a_run = runs();
    let resident = |count: usize| {
        let deadline = Instant::now() + PROMPTLY;
        while runs() < a_run * count {
            assert!(Instant::now() < deadline, "there were no {count} runs");
            std::thread::sleep(Duration::from_millis(50));
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", watch.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    let (early, late) = (resident(8), resident(20));
    let report = stage.folder.read("reports/latest.json").len() / 1024;
    // Twelve reports kept would be more.
    assert!(
        late < early + 6 * report.max(512),
        "{early} KiB after 8 runs, {late} KiB after 20; a report has {report} KiB"
    );
    watch.stop("TERM");
}

/// Lost if it fails: who stops a watch in its first run would be left without a report, or with half of one.
#[test]
fn a_watch_that_is_stopped_in_its_first_run_leaves_a_report() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let plan = crate::plan(silent.local_addr().unwrap()).replace("timeout = \"1s\"", "timeout = \"30s\"");
    let folder = Folder::with_plan(plan);
    let watch = start(&folder, &["--deadline", "10m", "--at", crate::NOW, "--save", "reports"]);
    silent.set_read_timeout(Some(PROMPTLY)).unwrap();
    silent.recv_from(&mut [0; 512]).expect("no question has arrived");
    let last = watch.stop("TERM");
    assert!(last.exit == Some(3) && last.out.contains("after 1 run the verdict is HOLD"), "{last:?}");
    let latest: Value = serde_json::from_str(&folder.read("reports/latest.json")).unwrap();
    assert_eq!((&latest["verdict"], &latest["completion"]), (&"HOLD".into(), &"interrupted".into()));
}

/// Lost if it fails: a folder that is lost at night would end the watch, fill the log, or not be used again when it is back.
#[test]
fn a_folder_that_is_lost_is_said_once() {
    let stage = Stage::set(&ready(), "");
    turn(&stage, &ready());
    let mut watch = start(&stage.folder, &["--lists-every", "1s", "--at", crate::NOW, "--save", "reports"]);
    watch.wait(&["began"]);
    let (here, away) = (stage.folder.path("reports"), stage.folder.path("away"));
    std::fs::rename(&here, &away).unwrap();
    let failed = watch.wait(&["FAILED"]);
    assert!(failed.contains("could not keep the report in reports: ") && failed.ends_with("are untouched"), "{failed}");
    turn(&stage, &ready().replace("[lists]", &format!("{NAMELESS}\n[lists]")));
    watch.wait(&["→ NO-GO"]);
    assert!(away.join("latest.json").exists());
    std::fs::create_dir(&here).unwrap();
    let deadline = Instant::now() + PROMPTLY;
    while !here.join("latest.json").exists() {
        assert!(Instant::now() < deadline, "the folder is not used again");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(watch.seen.iter().filter(|line| line.contains("FAILED")).count(), 1, "{:#?}", watch.seen);
    let last = watch.stop("TERM");
    assert!(last.exit == Some(1) && !last.out.contains("FAILED"), "{last:?}");
}

/// Lost if it fails: a watch whose reader has gone would run on unseen.
#[test]
fn it_ends_when_nobody_reads() {
    let stage = Stage::set(&ready(), "");
    turn(&stage, &ready());
    let mut command = stage.folder.tool(&["watch", "plan.toml", "--every", "1s", "--at", crate::NOW]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    let deadline = Instant::now() + PROMPTLY;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it runs on");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Lost if it fails: a list that refuses would be asked again and again; verdict and exit code would not be those of check.
#[test]
fn it_ends_by_its_time_with_the_exit_code_of_check() {
    let stage = Stage::set(&refusing(), "");
    let ran =
        stage.folder.run(&["watch", "plan.toml", "--every", "1s", "--until", "2s", "--at", crate::NOW, "--lang", "ja"]);
    assert_eq!((ran.exit, ran.err.as_str()), (Some(3), ""), "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].ends_with("開始      HOLD, 切り替え前"), "{ran:?}");
    assert!(lines.last().unwrap().contains("終了") && lines.last().unwrap().ends_with("判定は HOLD"), "{ran:?}");
    assert_eq!(lines.iter().filter(|line| line.contains("判定 ")).count(), 0, "{ran:?}");
}

/// Lost if it fails: a watch that cannot begin would run for a night and say nothing.
#[test]
fn what_cannot_be_watched_is_refused_at_once() {
    let stage = Stage::set(&ready(), "");
    let refuse =
        |arguments: &[&str]| stage.folder.run(&[&["watch", "plan.toml", "--at", crate::NOW], arguments].concat());
    let error = refuse(&["--until", "2026-12-01T09:00:00+09:00"]).error();
    assert_eq!(error, "error: could not watch until 2026-12-01 09:00 +09:00: that time has passed\n");
    assert_eq!(
        refuse(&["--save", "plan.toml"]).error(),
        "error: could not use the folder plan.toml: not a directory\n"
    );
    for wrong in [["--until", "2026-12-06 22:00"], ["--until", "0h"], ["--every", "0s"], ["--every", "25h"]] {
        let ran = refuse(&wrong);
        assert!(ran.exit == Some(2) && ran.err.contains("invalid value"), "{ran:?}");
    }
    stage.folder.write("plan.toml", "domains = []\n");
    assert_eq!(refuse(&[]).exit, Some(2));
}
