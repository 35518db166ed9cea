//! Everything that can be wrong before the first question: one clear error, exit 2, nothing on standard output.

use expect_test::expect;

use crate::{Folder, Ran, Stage, nameless, plan};

fn nowhere() -> std::net::SocketAddr {
    ([127, 0, 0, 1], 9).into()
}

/// The error of a check of this plan.
fn error_of(text: impl AsRef<[u8]>) -> String {
    Folder::with_plan(text).check(&[]).error()
}

/// Lost if it fails: a mistyped path would be a riddle.
#[test]
fn a_plan_that_cannot_be_read() {
    let folder = Folder::with_plan(plan(nowhere()));
    expect![[r#"
        error: could not read the plan absent.toml: No such file or directory (os error 2); `mail-cutover init DOMAIN` drafts one
    "#]]
    .assert_eq(&folder.run(&["check", "absent.toml"]).error());
    expect![[r#"
        error: could not read the plan .: Is a directory (os error 21); give the plan's file
    "#]]
    .assert_eq(&folder.run(&["check", "."]).error());
    expect![[r#"
        error: could not read the plan plan.toml/plan.toml: Not a directory (os error 20)
    "#]]
    .assert_eq(&folder.run(&["check", "plan.toml/plan.toml"]).error());
    expect![[r#"
        error: could not read the plan absent.toml: No such file or directory (os error 2); `mail-cutover init DOMAIN` drafts one
    "#]]
    .assert_eq(&folder.run(&["lists", "--plan", "absent.toml"]).error());
}

/// Lost if it fails: a plan of another user would be a riddle. (The superuser may read everything: nothing to see then.)
#[cfg(unix)]
#[test]
fn a_plan_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with_plan(plan(nowhere()));
    let path = folder.path("plan.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_err() {
        expect!["error: could not read the plan plan.toml: Permission denied (os error 13)\n"]
            .assert_eq(&folder.check(&[]).error());
    }
}

/// Lost if it fails: who writes the plan in an editor of Windows would not learn what is wrong with it, or where.
#[test]
fn a_plan_from_an_editor_of_windows() {
    let text = plan(nowhere());
    // "# 計画" in code page 932, on the third line.
    let shift_jis = [b"\n\n# ", &[0x8c, 0x76, 0x89, 0xe6][..], b"\n", text.as_bytes()].concat();
    let error = error_of(shift_jis);
    assert!(error.contains("line 3 has an octet") && error.contains("iconv -f CP932 -t UTF-8"), "{error}");
    let utf16: Vec<u8> = "\u{feff}".chars().chain(text.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
    assert!(error_of(utf16).contains("looks like UTF-16"));
    // A mark at the beginning and line ends of Windows are no fault.
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let ran = Folder::with_plan(windows).check(&["--only", "plan"]);
    assert!(ran.exit != Some(2) && ran.err.is_empty(), "{ran:?}");
}

/// Lost if it fails: a backup or a disk image given by mistake would fill the memory or the terminal.
#[test]
fn a_file_that_is_no_plan() {
    expect![[r#"
        error: the file is not a text in UTF-8, so it is no plan: it looks like UTF-16 ("Unicode" in Windows)
        --> plan.toml
         |
        help: save the plan as UTF-8

        plan.toml: 1 problem; nothing was checked
    "#]]
    .assert_eq(&error_of(b"\x7fELF\x02\x01\x01\0\0\x1b[2J\xff\xfe"));
    expect![[r#"
        error: the file is longer than 1024 KiB, so it is no plan
        --> plan.toml
         |
        help: give the plan's own file; config/plan.minimal.toml shows one

        plan.toml: 1 problem; nothing was checked
    "#]]
    .assert_eq(&error_of(vec![b'#'; 10 << 20]));
    expect![[r#"
        error: invalid key-value pair, expected key
         --> plan.toml:1:1
          |
        1 | { "cutover_at": "2026-12-05" }
          | ^

        plan.toml: 1 problem; nothing was checked
    "#]]
    .assert_eq(&error_of("{ \"cutover_at\": \"2026-12-05\" }"));
}

/// Lost if it fails: a slip of the finger in the plan would be ignored, or reported without its place.
#[test]
fn a_plan_with_a_slip() {
    expect![[r#"
        error: [dns] has no key `tiemout`
          --> plan.toml:18:1
           |
        18 | tiemout = ****
           | ^^^^^^^
           |
        help: did you mean `timeout`?

        plan.toml: 1 problem; nothing was checked
    "#]]
    .assert_eq(&error_of(plan(nowhere()) + "tiemout = \"1s\"\n"));
    expect![[r#"
        error: no blocklist is called "spamhaus-zem"
          --> plan.toml:19:10
           |
        19 | lists = ["spamhaus-zem"]
           |          ^^^^^^^^^^^^^^
           |
        help: did you mean "spamhaus-zen"?

        plan.toml: 1 problem; nothing was checked
    "#]]
    .assert_eq(&error_of(plan(nowhere()) + "[dnsbl]\nlists = [\"spamhaus-zem\"]\n"));
}

/// Lost if it fails: an empty file would be a plan, or its three faults would be told in three runs.
#[test]
fn every_problem_is_told_at_once() {
    let ran = Folder::with_plan("").check(&[]);
    assert_eq!((ran.exit, ran.out.as_str()), (Some(2), ""));
    for key in ["cutover_at", "domains", "hostname", "old", "new"] {
        assert!(ran.err.contains(&format!("`{key}`")), "{key}: {}", ran.err);
    }
    assert!(ran.err.ends_with("problems; nothing was checked\n"), "{}", ran.err);
}

/// Lost if it fails: a plan that cannot be understood would be told with two heads, or without its place in colour.
#[test]
fn a_problem_in_colour_is_the_same_problem() {
    let ran = Folder::with_plan(plan(nowhere()) + "x = 1\n").check(&["--color", "always"]);
    assert_eq!((ran.exit, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.starts_with('\u{1b}') && ran.err.matches("error").count() == 1, "{ran:?}");
}

/// Lost if it fails: a mistyped tag would leave out nothing, or everything, and nobody would know.
#[test]
fn an_unknown_tag() {
    let folder = Folder::with_plan(plan(nowhere()));
    expect![[r#"
        error: no check or tag is called ptr-mising (did you mean ptr-missing?); `mail-cutover explain` lists them all
    "#]]
    .assert_eq(&folder.check(&["--only", "ptr-mising"]).error());
    expect![[r#"
        error: no check or tag is called zzz; `mail-cutover explain` lists them all
    "#]]
    .assert_eq(&folder.check(&["--skip", "zzz"]).error());
    expect![[r#"
        error: no check or tag is called dnsbl-lsited (did you mean dnsbl-listed?); `mail-cutover explain` lists them all
    "#]].assert_eq(&folder.run(&["explain", "dnsbl-lsited"]).error());
    expect![[r#"
        error: no check or tag is called a\u{1b}[2Jb\u{a}error: c; `mail-cutover explain` lists them all
    "#]]
    .assert_eq(&folder.run(&["explain", "a\u{1b}[2Jb\nerror: c"]).error());
}

/// Lost if it fails: a tag that no check declares could be skipped, and the advice would be the same tag again.
#[test]
fn a_tag_of_the_run_cannot_be_left_out() {
    let error = Folder::with_plan(plan(nowhere())).check(&["--skip", "run-deadline"]).error();
    assert!(error.starts_with("error: no check or tag is called run-deadline"), "{error}");
    assert!(!error.contains("did you mean run-deadline"), "{error}");
}

/// Lost if it fails: a run with nobody to ask would say something about the world.
#[test]
fn nobody_to_ask() {
    expect![[r#"
        error: `resolver` is empty
          --> plan.toml:14:12
           |
        14 | resolver = []
           |            ^^
           |
        help: write "auto", "system", "direct" or a list such as ["192.0.2.53", "[2001:db8::53]:5353"]

        plan.toml: 1 problem; nothing was checked
    "#]]
    .assert_eq(&error_of(plan(nowhere()).replace("resolver = [\"127.0.0.1:9\"]", "resolver = []")));
}

/// Lost if it fails: a key under a wrong name would be ignored, and the list refuse without a word why.
#[test]
fn a_key_that_no_list_has() {
    expect![[r#"
        error: no key is called "spamhaus-dsq"
          --> plan.toml:19:9
           |
        19 | key = { spamhaus-dsq = "env:DQS_KEY" }
           |         ^^^^^^^^^^^^
           |
        help: did you mean "spamhaus-dqs"?

        plan.toml: 1 problem; nothing was checked
    "#]]
    .assert_eq(&error_of(plan(nowhere()) + "[dnsbl]\nkey = { spamhaus-dsq = \"env:DQS_KEY\" }\n"));
}

/// Lost if it fails: a wrong argument would be taken for another, or answered with a page of text.
#[test]
fn bad_arguments() {
    let folder = Folder::with_plan(plan(nowhere()));
    let first = |arguments: &[&str]| folder.run(arguments).error().lines().next().unwrap().to_owned();
    expect!["error: the following required arguments were not provided:"].assert_eq(&first(&["check"]));
    expect!["error: unrecognized subcommand 'chekc'"].assert_eq(&first(&["chekc", "plan.toml"]));
    expect!["error: invalid value '0s' for '--deadline <TIME>': write a time such as 90s, 2m or 1h, from 1s to 24h"]
        .assert_eq(&first(&["check", "plan.toml", "--deadline", "0s"]));
    expect!["error: invalid value 'xml' for '--format <FORMAT>'"].assert_eq(&first(&[
        "check",
        "plan.toml",
        "--format",
        "xml",
    ]));
    expect!["error: invalid value 'during' for '--phase <PHASE>'"].assert_eq(&first(&[
        "check",
        "plan.toml",
        "--phase",
        "during",
    ]));
    expect!["error: invalid value 'fr' for '--lang <LANG>'"].assert_eq(&first(&["check", "plan.toml", "--lang", "fr"]));
    expect!["error: the argument '--quiet' cannot be used with '--verbose'"].assert_eq(&first(&[
        "check",
        "plan.toml",
        "-q",
        "-v",
    ]));
    expect!["error: unexpected argument 'other.toml' found"].assert_eq(&first(&["check", "plan.toml", "other.toml"]));
    expect!["error: invalid value 'none' for '--scenario <SCENARIO>'"].assert_eq(&first(&[
        "demo",
        "--scenario",
        "none",
    ]));
}

/// Lost if it fails: the tool without arguments would do something.
#[test]
fn no_arguments_is_the_help() {
    let ran = Folder::empty().run(&[]);
    assert_eq!((ran.exit, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("Usage: mail-cutover"), "{}", ran.err);
}

/// Lost if it fails: a file name could repaint the terminal.
#[test]
fn names_of_files_are_made_visible() {
    let folder = Folder::empty();
    let name = "pl\u{1b}[2Jan\u{202e}.toml";
    let unread = folder.run(&["check", name]).error();
    folder.write(name, "");
    let ran = folder.run(&["check", name]);
    folder.write("plan.toml", plan(nowhere()));
    let unwritten = folder.check(&["-o", "absent\u{1b}[2J/\u{202e}report"]).error();
    for text in [unread, ran.err, unwritten] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    }
}

/// Lost if it fails: the complaint about a plan from elsewhere could repaint the terminal.
#[test]
fn values_of_the_plan_are_made_visible_in_errors() {
    let plan = plan(nowhere());
    let evil = "\"e\\u001b[2J\\u202evil\"";
    for (old, key) in [
        ("[\"example.co.jp\"]", ""),
        ("\"mail.example.co.jp\"", ""),
        ("[\"192.0.2.25\"]", ""),
        ("[\"127.0.0.1:9\"]\nroot", ""),
        ("\"1s\"", ""),
        ("", "[dnsbl]\nlists = "),
        ("", "[dnsbl]\nuse = "),
        ("", "[dnsbl]\nquorum = "),
        ("", "[dnsbl]\nkey.spamhaus-dqs = "),
        ("", "[dnsbl]\nweight.spamhaus-zen = "),
        ("", "[attest]\n\"a\\u001b[2J\" = "),
        ("", "[waive]\n\"a\\u001b[2J\" = "),
        ("", "[[waive]]\ntag = "),
    ] {
        let text = match key {
            "" => plan.replace(old, evil),
            key => format!("{plan}{key}{evil}\n"),
        };
        assert_ne!(text, plan, "{old}");
        let ran = Folder::with_plan(text).check(&[]);
        let bad = ran.err.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert!(bad.is_none() && ran.err.starts_with("error: ") && ran.exit == Some(2), "{old}{key}: {ran:?}");
    }
}

/// Lost if it fails: output that does not arrive (a full disk) would pass for a report that was read.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = Ran::of(Folder::empty().tool(&["schema"]).stdout(full));
    expect![[r#"
        error: could not write to standard output: No space left on device (os error 28)
    "#]]
    .assert_eq(&ran.error());
}

/// Lost if it fails: `mail-cutover check | head -1` would end with an error or a trace, or with another exit code than without
/// the pipe.
#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let stage = Stage::set(&nameless(), "");
    for (mut command, exit) in
        [(stage.folder.tool(&["explain"]), 0), (stage.folder.tool(&["--help"]), 0), (stage.folder.checking(&["-v"]), 1)]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = Ran::of(command.stdout(writer));
        assert_eq!((ran.exit, ran.err.as_str()), (Some(exit), ""), "{command:?}");
    }
}

/// Lost if it fails: a log that is full would change what the exit code says.
#[cfg(target_os = "linux")]
#[test]
fn a_lost_notice_changes_nothing() {
    let stage = Stage::set(&nameless(), "");
    for (mut command, exit) in [
        (stage.folder.checking(&["-o", "report.txt"]), 1),
        (stage.folder.tool(&["check"]), 2),
        (stage.folder.tool(&["check", "absent.toml"]), 2),
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        assert_eq!(Ran::of(command.stderr(full)).exit, Some(exit), "{command:?}");
    }
    assert!(stage.folder.read("report.txt").contains("ptr-missing"));
}
