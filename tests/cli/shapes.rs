//! The forms of a report: JSON for programs, Markdown for tickets, the table for people; and what a stranger's text may do to them.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::{Stage, nameless, ready, refusing, warning};

/// Lost if it fails: a program that reads the report would stumble over its shape.
#[test]
fn json_keeps_its_shape() {
    let stage = Stage::set(&nameless(), "");
    let ran = stage.check(&["--format", "json"]);
    let report = ran.json();
    let keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    expect!["addresses catalogue checks completion counts exit_code finished observations parts phase plan resolvers run_by schema simulated started tool verdict"].assert_eq(&keys.join(" "));
    assert_eq!(report["schema"], 1);
    let said = report["checks"].as_array().unwrap().iter().flat_map(|check| check["statements"].as_array().unwrap());
    let finding = said.clone().find(|said| said["tag"] == "ptr-missing").unwrap();
    let mut finding = finding.clone();
    let seen = finding.as_object_mut().unwrap().remove("observations").unwrap();
    expect![[r#"
        {
          "args": {
            "count": "0",
            "expected": "mail.example.co.jp",
            "howto": "where the address was rented, there is a page or a form for reverse DNS",
            "ip": "203.0.113.25",
            "reverse": "25.113.0.203.in-addr.arpa"
          },
          "both": {
            "howto": {
              "en": "where the address was rented, there is a page or a form for reverse DNS",
              "ja": "アドレスの提供元に、逆引きを設定する画面または申請がある"
            }
          },
          "by_hand": "dig +short -x 203.0.113.25",
          "level": "blocker",
          "remedy": "Set it to mail.example.co.jp (where the address was rented, there is a page or a form for reverse DNS).",
          "status": "found",
          "subject": {
            "kind": "address",
            "side": "new",
            "value": "203.0.113.25"
          },
          "tag": "ptr-missing",
          "text": "203.0.113.25 has no PTR record"
        }"#]].assert_eq(&format!("{finding:#}"));
    let ids: BTreeSet<u64> =
        report["observations"].as_array().unwrap().iter().map(|seen| seen["id"].as_u64().unwrap()).collect();
    assert!(!seen.as_array().unwrap().is_empty(), "a finding without evidence");
    for id in said.filter_map(|said| said["observations"].as_array()).flatten() {
        assert!(ids.contains(&id.as_u64().unwrap()), "a statement rests on an observation that is not there: {id}");
    }
    assert!(ran.out.ends_with("}\n"));
}

/// Lost if it fails: a checklist without boxes, or a verdict that the ticket's reader has to search.
#[test]
fn markdown_is_a_checklist() {
    let markdown = |world: &str| Stage::set(world, "").check(&["--format", "markdown"]).out;
    let no_go = markdown(&nameless());
    assert!(no_go.starts_with("# NO-GO: CHG-1\n"), "{no_go}");
    assert!(no_go.contains("\n- [ ] `ptr-missing` "), "{no_go}");
    assert!(no_go.contains("\n- [x] "), "{no_go}");
    let go = markdown(&ready());
    assert!(go.starts_with("# GO: CHG-1\n"), "{go}");
    let passed = &go[go.find("## PASSED").unwrap()..];
    assert!(!passed.contains("- [ ]"), "{passed}");
    assert!(markdown(&refusing()).starts_with("# HOLD: CHG-1\n"));
}

/// Takes out what may differ between two runs of one world: times, numbers and order of the observations (they count replies as
/// they come), the steps of walks, and the subject that is drawn anew each time so that no list can know it.
fn settled(mut report: Value) -> Value {
    for time in ["started", "finished"] {
        report[time].take();
        report["parts"][0][time].take();
    }
    let mut names: BTreeMap<u64, String> = BTreeMap::new();
    let mut seen = report["observations"].take().as_array().unwrap().clone();
    for observation in &mut seen {
        let id = observation["id"].take().as_u64().unwrap();
        // A walk passes where another one has been already, or goes first: its steps depend on who came when.
        if observation["route"] == "authority" {
            observation["exchanges"] = Value::Array(Vec::new());
        }
        // On a busy machine an answer may come after its time, and the question is put once more.
        let in_time = observation["outcome"] != "timeout";
        observation["exchanges"]
            .as_array_mut()
            .unwrap()
            .retain(|exchange| !in_time || exchange["outcome"] != "timeout");
        for exchange in observation["exchanges"].as_array_mut().unwrap() {
            for time in ["at", "took_ms"] {
                exchange[time].take();
            }
        }
        let question = observation["question"].as_str().unwrap();
        let rest = if question.starts_with("mail-cutover-") {
            question.split_once('.').map(|(_, rest)| rest)
        } else {
            // The four labels of an address in 127.0.0.0/8, of which more than one may be 127.
            question.splitn(5, '.').nth(4).filter(|_| question.split('.').nth(3) == Some("127"))
        };
        if let Some(rest) = rest {
            observation["question"] = format!("drawn {rest}").into();
        }
        names.insert(id, observation["question"].as_str().unwrap().to_owned());
    }
    seen.sort_by_key(ToString::to_string);
    for check in report["checks"].as_array_mut().unwrap() {
        for statement in check["statements"].as_array_mut().unwrap() {
            let Some(ids) = statement.get_mut("observations") else { continue };
            let mut rests_on: Vec<&String> =
                ids.as_array().unwrap().iter().map(|id| &names[&id.as_u64().unwrap()]).collect();
            rests_on.sort();
            *ids = serde_json::json!(rests_on);
        }
    }
    report["observations"] = seen.into();
    report
}

/// Lost if it fails: two reports of one world could not be compared, and a difference between them would mean nothing.
#[test]
fn two_runs_of_one_world_say_the_same() {
    let stage = Stage::set(&warning("why"), "");
    let [one, other] = [(), ()].map(|()| format!("{:#}", settled(stage.check(&["--format", "json"]).json())));
    if let Some(line) = one.lines().zip(other.lines()).position(|(one, other)| one != other) {
        let around = |text: &str| text.lines().skip(line.saturating_sub(20)).take(40).collect::<Vec<_>>().join("\n");
        panic!("line {line}:\n{}\n----\n{}", around(&one), around(&other));
    }
    assert_eq!(one.len(), other.len());
}

/// A TXT record of somebody who wishes the reader ill.
fn hostile() -> String {
    let head = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}OG\u{9b}1m <img src=x onerror=alert(1)> `tick` [a](http://b) | - [x] **done**";
    let long = vec!["x".repeat(250); 20].join("\" \"");
    warning(&format!("{head}\" \"{long}"))
}

/// Lost if it fails: a listing's text could repaint the verdict, put a ticked box into the ticket, or bury the report.
#[test]
fn a_strangers_text_is_made_visible_and_bounded() {
    let stage = Stage::set(&hostile(), "");
    for arguments in [
        &[][..],
        &["-v"],
        &["-q", "--strict"],
        &["--format", "json"],
        &["--format", "markdown"],
        &["--lang", "ja", "-v"],
    ] {
        let ran = stage.check(arguments);
        let exit = if arguments.contains(&"--strict") { 1 } else { 0 };
        assert_eq!(ran.exit, Some(exit), "{arguments:?}: {ran:?}");
        let bad = ran.out.chars().find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
        assert_eq!(bad, None, "{arguments:?}: {}", ran.out);
        assert!(ran.out.contains("u{1b}"), "{arguments:?}: the escape is not shown: {}", ran.out);
        assert!(ran.out.len() < 200_000, "{arguments:?}: {} octets", ran.out.len());
        let longest = ran.out.split(|c| c != 'x').map(str::len).max().unwrap_or(0);
        assert!(longest <= 400, "{arguments:?}: {longest}");
    }
    let markdown = stage.check(&["--format", "markdown"]).out;
    for line in markdown.lines().filter(|line| line.contains("img src")) {
        // A code span whose fence is longer than the backticks in it, or words with every mark escaped.
        let outside: String = line.split("``").step_by(2).collect();
        assert!(!outside.contains("<img") && !outside.contains("[a](http"), "{line}");
    }
    assert!(!markdown.lines().any(|line| line.starts_with("- [x] **done**")));
}

/// Lost if it fails: a plan, a file name or a user name from elsewhere could repaint the terminal of whoever checks it.
#[test]
fn what_the_plan_says_is_made_visible_too() {
    let stage = Stage::set(
        &nameless(),
        "[[waive]]\ntag = \"ptr-missing\"\non = \"203.0.113.25\"\nowner = \"o\\u001b[2J\"\nreason = \"r\\u202er\\u0007\"\n\
         until = 2026-12-31\nref = \"R\\u009b1m\"\n",
    );
    let plan = stage.folder.read("plan.toml");
    let plan = plan.replace("\"CHG-1\"", "\"CHG\\u001b[2J\"\ntitle = \"T\\u001b]0;x\\u0007\\u202eT\\nT\"");
    let plan = plan.replace("\"a test\"", "\"a\\u001b[1mtest\"");
    let name = "pl\u{1b}[2Jan.toml";
    stage.folder.write(name, plan);
    for form in ["table", "json", "markdown"] {
        let mut command = stage.folder.tool(&["check", name, "--at", crate::NOW, "--format", form]);
        let ran = crate::Ran::of(command.env("USER", "me\u{1b}[2J"));
        assert!(matches!(ran.exit, Some(0 | 1)), "{form}: {ran:?}");
        let bad = ran.out.chars().find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
        assert_eq!(bad, None, "{form}: {}", ran.out);
        assert!(!ran.out.contains("\nT"), "a title is one line: {}", ran.out);
    }
}

/// Lost if it fails: a report in a pipe or a log would be full of escapes, or a terminal that asks for colour get none.
#[test]
fn colour_only_where_it_is_wanted() {
    let stage = Stage::set(&nameless(), "");
    let colour = |arguments: &[&str], no_color: bool| {
        let mut command = stage.folder.checking(arguments);
        command.env("TERM", "xterm-256color").env("COLORTERM", "truecolor");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let ran = crate::Ran::of(&mut command);
        assert!(!ran.err.contains('\u{1b}'));
        ran.out.contains('\u{1b}')
    };
    assert!(!colour(&[], false), "a pipe");
    assert!(!colour(&["-v"], true), "NO_COLOR");
    assert!(colour(&["--color", "always"], false), "asked for");
    assert!(colour(&["-q", "--color", "always"], true), "an argument is stronger than the environment");
    assert!(!colour(&["--color", "never"], false), "refused");
    for form in ["json", "markdown"] {
        assert!(!colour(&["--color", "always", "--format", form], false), "{form}");
    }
}

/// Lost if it fails: the table would break on a narrow terminal, or its frame on full-width characters.
#[test]
fn the_table_fits_its_columns() {
    let stage = Stage::set(&nameless(), "");
    for (columns, lang) in [("60", "en"), ("60", "ja"), ("80", "ja"), ("100", "en"), ("200", "ja")] {
        let mut command = stage.folder.checking(&["--lang", lang]);
        let ran = crate::Ran::of(command.env("COLUMNS", columns));
        let most: usize = columns.parse().unwrap();
        for line in ran.out.lines() {
            // A word without a space, such as a reverse name, may stand out.
            let breakable = line.trim().contains(' ');
            assert!(line.width() <= most || !breakable, "{} of {columns} columns in {lang}: {line}", line.width());
        }
    }
    for nonsense in ["0", "-1", "wide", "99999999999999999999"] {
        let ran = crate::Ran::of(stage.folder.checking(&["-q"]).env("COLUMNS", nonsense));
        assert_eq!(ran.exit, Some(1), "COLUMNS={nonsense}");
    }
}
