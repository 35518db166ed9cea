//! Where a report goes and where a plan comes from: files, pipes, devices.

use std::io::Write;
use std::process::Stdio;

use expect_test::expect;

use crate::{Folder, Ran, Stage, nameless, plan, ready};

/// What differs between two runs: how long things took.
fn without_times(text: &str) -> String {
    let mut kept = String::new();
    for word in text.split_inclusive([' ', '\n']) {
        let is_time = word.trim_end().parse::<f64>().is_ok();
        kept.push_str(if is_time { "N " } else { word });
    }
    kept
}

/// Lost if it fails: the file would hold something else than the screen showed, or the screen a report twice.
#[test]
fn a_file_holds_what_the_screen_would_show() {
    let stage = Stage::set(&nameless(), "");
    let screen = stage.check(&["--format", "markdown"]);
    let ran = stage.check(&["--format", "markdown", "-o", "report.md"]);
    assert_eq!((ran.exit, ran.out.as_str()), (Some(1), ""));
    expect!["NO-GO: report written to report.md\n"].assert_eq(&ran.err);
    assert_eq!(without_times(&stage.folder.read("report.md")), without_times(&screen.out));
    assert_eq!(stage.folder.names(), ["plan.toml", "report.md"]);
    let ran = stage.check(&["-o", "-", "--format", "markdown"]);
    assert_eq!(without_times(&ran.out), without_times(&screen.out));
    assert_eq!(stage.folder.names(), ["plan.toml", "report.md"]);
}

/// Lost if it fails: a run that could not start would destroy the last good report.
#[test]
fn a_run_that_fails_leaves_the_last_report() {
    let folder = Folder::with_plan("no plan");
    folder.write("report.md", "the last one");
    folder.check(&["-o", "report.md"]).error();
    folder.write("plan.toml", plan(([127, 0, 0, 1], 9).into()));
    folder.check(&["-o", "report.md", "--only", "no-such-tag"]).error();
    assert_eq!(folder.read("report.md"), "the last one");
    assert_eq!(folder.names(), ["plan.toml", "report.md"]);
}

/// Lost if it fails: a bad name would be found only after the run, or the plan would be overwritten by its report.
#[test]
fn a_file_that_cannot_be_written() {
    // Nothing is asked: the error comes first.
    let folder = Folder::with_plan(plan(([127, 0, 0, 1], 9).into()));
    let error = |file: &str| folder.check(&["-o", file]).error();
    expect![[r#"
        error: could not create absent/report.md: No such file or directory (os error 2)
    "#]]
    .assert_eq(&error("absent/report.md"));
    expect![[r#"
        error: could not create .: is a directory
    "#]]
    .assert_eq(&error("."));
    expect![[r#"
        error: could not create plan.toml/report.md: not a directory
    "#]]
    .assert_eq(&error("plan.toml/report.md"));
    expect![[r#"
        error: could not write the report to ./plan.toml: that is the plan
    "#]]
    .assert_eq(&error("./plan.toml"));
    expect![[r#"
        error: a value is required for '--output <FILE>' but none was supplied

        For more information, try '--help'.
    "#]]
    .assert_eq(&error(""));
    assert_eq!(folder.names(), ["plan.toml"]);
}

/// Lost if it fails: `-o /dev/null`, run by root, would put a file in the place of the device.
#[cfg(unix)]
#[test]
fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let stage = Stage::set(&ready(), "");
    let folder = &stage.folder;
    assert!(std::process::Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    let reader = {
        let pipe = folder.path("pipe");
        std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap())
    };
    let ran = folder.check(&["-o", "pipe", "--format", "json"]);
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    assert!(std::fs::symlink_metadata(folder.path("pipe")).unwrap().file_type().is_fifo());
    assert!(reader.join().unwrap().contains("\"verdict\": \"GO\""));
    if cfg!(target_os = "linux") {
        expect![[r#"
            error: could not write to /dev/full: No space left on device (os error 28)
        "#]]
        .assert_eq(&folder.check(&["-o", "/dev/full"]).error());
    }
}

/// Lost if it fails: a link to the ticket's folder would be replaced by a file, or a private report become public.
#[cfg(unix)]
#[test]
fn a_link_is_followed_and_rights_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let stage = Stage::set(&ready(), "");
    let folder = &stage.folder;
    std::fs::create_dir(folder.path("ticket")).unwrap();
    folder.write("ticket/report.md", "the last one");
    std::fs::set_permissions(folder.path("ticket/report.md"), std::fs::Permissions::from_mode(0o600)).unwrap();
    symlink("ticket/report.md", folder.path("link.md")).unwrap();
    assert_eq!(folder.check(&["-o", "link.md"]).exit, Some(0));
    assert!(std::fs::symlink_metadata(folder.path("link.md")).unwrap().is_symlink());
    assert!(folder.read("ticket/report.md").contains("G O"));
    let mode = std::fs::metadata(folder.path("ticket/report.md")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(folder.names(), ["link.md", "plan.toml", "ticket"]);
}

/// Lost if it fails: a plan that a program writes could not be checked without a file.
#[test]
fn a_plan_from_standard_input() {
    let stage = Stage::set(&ready(), "");
    let text = stage.folder.read("plan.toml");
    let fed_by = |path: &str, text: &[u8]| {
        let mut command = stage.folder.tool(&["check", path, "--format", "json", "--at", crate::NOW]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A tool that has read enough closes the pipe.
        drop(child.stdin.take().unwrap().write_all(text));
        Ran::from(child.wait_with_output().unwrap())
    };
    let fed = |text: &[u8]| fed_by("-", text);
    let ran = fed(text.as_bytes());
    assert_eq!((ran.exit, ran.json()["plan"]["path"].as_str()), (Some(0), Some("-")));
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(fed(windows.as_bytes()).exit, Some(0), "a plan of a Windows editor");
    assert!(fed(&vec![b'#'; 10 << 20]).error().contains("longer than 1024 KiB"));
    assert_eq!(fed(b"").exit, Some(2));
    // The files that it names are those of the folder in which it is checked.
    stage.folder.write("main.cf", "smtpd_recipient_restrictions = reject_unauth_destination\n");
    let naming = format!("{text}[inbound_dnsbl]\nconfig = \"main.cf\"\n");
    for path in if cfg!(target_os = "linux") { &["-", "/dev/stdin"][..] } else { &["-"] } {
        let ran = fed_by(path, naming.as_bytes());
        assert_ne!(ran.exit, Some(2), "{path}: {ran:?}");
    }
}

/// Lost if it fails: a slip in the command would put the report in the place of a zone, of the mail server's rules, or of the plan.
#[test]
fn no_output_takes_the_place_of_what_is_read() {
    let folder = Folder::with_plan(
        plan(([127, 0, 0, 1], 9).into()) + "[inbound_dnsbl]\nconfig = \"main.cf\"\n[after]\nlogs = [\"mail.log\"]\n",
    );
    let zone = "$ORIGIN example.co.jp.\n$TTL 300\n@ SOA ns h 1 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.53\n";
    let rules = "compatibility_level = 3.6\nmynetworks = 127.0.0.0/8\nmydestination = example.co.jp\n\
                 smtpd_recipient_restrictions = reject_unauth_destination, reject_rbl_client zen.spamhaus.org\n";
    for (name, text) in [("zone", zone), ("main.cf", rules), ("mail.log", ""), ("kept", "")] {
        folder.write(name, text);
    }
    let before: Vec<String> = folder.names().iter().map(|name| folder.read(name)).collect();
    for (arguments, taken) in [
        (&["check", "plan.toml", "--rehearse", "zone", "-o", "zone"][..], "zone"),
        (&["check", "plan.toml", "--rehearse", "example.co.jp=zone", "-o", "./zone"], "zone"),
        (&["check", "plan.toml", "-o", "main.cf"], "main.cf"),
        (&["check", "plan.toml", "-o", "mail.log"], "mail.log"),
        (&["inbound", "--plan", "plan.toml", "--address", "198.51.100.7", "-o", "main.cf"], "main.cf"),
        (&["inbound", "--plan", "plan.toml", "--address", "198.51.100.7", "--resume", "kept", "-o", "kept"], "kept"),
        (&["rank", "198.51.100.7", "--plan", "plan.toml", "-o", "plan.toml"], "plan.toml"),
        (&["rank", "198.51.100.7", "--plan", "plan.toml", "--format", "csv", "-o", "plan.toml"], "plan.toml"),
        (&["demo", "--rehearse", "zone", "-o", "zone"], "zone"),
    ] {
        let error = folder.run(arguments).error();
        assert_eq!(
            error,
            format!("error: could not write to {taken}: that is one of the files to read\n"),
            "{arguments:?}"
        );
    }
    let after: Vec<String> = folder.names().iter().map(|name| folder.read(name)).collect();
    assert_eq!(before, after);
}
