//! Commands and lines of configuration that the tool tells people to paste: a real shell reads them, and runs what we meant.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use mail_cutover::checks::CHECKS;
use mail_cutover::model::{Args, Card, Lang, Report, Section, Statement, Subject, Value, visible};
use mail_cutover::render::{Format, Style, render};

use crate::{alphabet, sample};

/// The programs that commands of ours name, and one that a stranger would.
const PROGRAMS: [&str; 11] =
    ["dig", "openssl", "curl", "swaks", "grep", "nc", "ip", "mail-cutover", "postconf", "date", "touch"];

/// A folder of programs that write down how they were called: `name`, arguments, an empty word and a line end.
fn stage() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for program in PROGRAMS {
        let path = folder.path().join(program);
        std::fs::write(&path, "#!/bin/sh\nprintf '%s\\0' \"${0##*/}\" \"$@\" >&2\nprintf '\\n' >&2\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::create_dir(folder.path().join("here")).unwrap();
    folder
}

/// What `sh` calls when `command` is pasted into it.
fn pasted(stage: &Path, command: &str) -> Vec<Vec<String>> {
    let here = stage.join("here");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env_clear().env("PATH", stage).env("HOME", "/root").current_dir(&here);
    let output = shell.stdin(Stdio::null()).output().unwrap();
    assert_eq!(std::fs::read_dir(&here).unwrap().count(), 0, "{command:?} made a file");
    let said = String::from_utf8(output.stderr).unwrap();
    let calls = said.split_inclusive("\0\n");
    calls.map(|call| call.trim_end_matches("\0\n").split('\0').map(str::to_owned).collect()).collect()
}

/// The commands of a template with `value` in each of its places; what the template itself quotes holds none.
fn meant(template: &str, value: &str) -> Vec<Vec<String>> {
    let word = |word: &str| {
        let mut pieces = word.split(['{', '}']);
        let mut filled = pieces.next().unwrap().replace('\'', "");
        while let (Some(_), Some(behind)) = (pieces.next(), pieces.next()) {
            filled.push_str(value);
            filled.push_str(behind);
        }
        filled
    };
    template.split("; ").map(|command| command.split(' ').map(word).collect()).collect()
}

/// A statement of `card` in which every value is `value`.
fn report(card: &'static Card, value: &str) -> Report {
    let mut args = Args::none();
    for place in card.by_hand.split('{').skip(1) {
        args.0.push((place.split('}').next().unwrap().to_owned().into(), Value::plain(value)));
    }
    let outcome = card.outcomes[0];
    let mut statement = Statement::outcome(outcome, Subject::Run).args(args);
    statement.level = Some(mail_cutover::model::Level::Warning);
    let mut report = sample::report(&sample::five());
    report.sections = vec![Section { card, statements: vec![statement] }];
    report
}

fn command(card: &'static Card, value: &str) -> Option<String> {
    let style =
        Style { lang: Lang::En, color: false, width: 80, unicode: true, verbose: true, quiet: false, strict: false };
    let text = render(&report(card, value), Format::Json, &style);
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    read["checks"][0]["statements"][0]["by_hand"].as_str().map(str::to_owned)
}

/// Lost if it fails: whoever pastes a command from the report runs what a stranger put into the DNS.
#[test]
fn a_shell_runs_what_was_meant() {
    let stage = stage();
    let (mut shown, mut left_out) = (0, 0);
    let mut wrong = Vec::new();
    let mut templates: Vec<&'static Card> = CHECKS.iter().map(|check| &check.card).collect();
    templates.retain(|card| card.by_hand.contains('{'));
    templates.sort_by_key(|card| card.by_hand);
    templates.dedup_by_key(|card| card.by_hand);
    assert!(templates.len() > 25, "{}", templates.len());
    for card in templates {
        for value in ["mail.example.co.jp", "2001:db8::25", "192.0.2.25:25", "a+b@example.jp", "_25._tcp.x"] {
            let found = command(card, value).unwrap_or_else(|| panic!("{}: no command for {value}", card.id));
            assert_eq!(pasted(stage.path(), &found), meant(card.by_hand, value), "{}", card.id);
        }
        for (name, text) in alphabet::texts() {
            let Some(found) = command(card, &text) else {
                left_out += 1;
                continue;
            };
            shown += 1;
            let called = pasted(stage.path(), &found);
            if called != meant(card.by_hand, &visible(&text)) {
                wrong.push(format!("{}, {name}: {found} calls {called:?}", card.id));
            }
        }
    }
    eprintln!("{shown} commands pasted, {left_out} left out");
    assert!(wrong.is_empty(), "{} of {shown}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(shown > 300, "only {shown} commands were shown");
}
