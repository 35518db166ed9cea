//! A list's key is used in questions and shown nowhere: not in a report, a catalogue, a file or an error.

use std::process::Command;

use clap::ValueEnum as _;
use mail_cutover::render::Format;

use crate::{Folder, NOW, Ran, Stage, plan, ready};

const KEY: &str = "SeCrEtk3yabcdefghijklmnop";
const ASKED_WITH_KEY: &str = "[dnsbl]\nkey = { spamhaus-dqs = \"env:DQS_KEY\" }\n";

/// A stage whose list answers below the key as it does without one, and lists the new address for a reason that repeats the key.
fn stage() -> Stage {
    let zone = format!(
        "zones.\"{KEY}.zen.dq.spamhaus.net\" = '''\n\
         2.0.0.127 A 127.0.0.2\n\
         25.113.0.203 A 127.0.0.2\n25.113.0.203 TXT \"asked with {KEY}, by {}\"\n'''\n",
        KEY.to_uppercase()
    );
    Stage::set(&format!("{zone}{}", ready()), ASKED_WITH_KEY)
}

fn run(command: &mut Command, key: &str) -> Ran {
    let ran = Ran::of(command.env("DQS_KEY", key));
    for text in [&ran.out, &ran.err] {
        assert!(!text.to_lowercase().contains(&key.trim().to_lowercase()), "the key is in {text}");
        // Not broken by a line end or a frame either.
        let bare: String = text.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        let pressed: String = key.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        assert!(!bare.contains(&pressed), "the key is in pieces in {text}");
    }
    ran
}

/// Lost if it fails: a customer's paid key would be posted with the change ticket.
#[test]
fn no_form_of_the_report_shows_the_key() {
    let stage = stage();
    for arguments in [&["-v"][..], &["-q"], &["--format", "json"], &["--format", "markdown"], &["--lang", "ja", "-v"]] {
        let ran = run(&mut stage.folder.checking(arguments), KEY);
        assert_eq!(ran.exit, Some(1), "{arguments:?}: {ran:?}");
        assert!(ran.out.contains("[key]"), "{arguments:?}: {}", ran.out);
    }
    for form in Format::value_variants().iter().map(|form| form.to_possible_value().unwrap()) {
        let form = form.get_name();
        let ran = run(&mut stage.folder.checking(&["-v", "--format", form]), KEY);
        // A form may have to escape brackets and hyphens.
        let out = ran.out.replace('\\', "");
        // What a list answers is no label of a metric.
        assert!(out.contains("[key]") || form == "prometheus", "{form}: {out}");
        assert!(out.contains("dnsbl-listed"), "{form}: {out}");
    }
    let narrow = run(stage.folder.checking(&["-v"]).env("COLUMNS", "44"), KEY);
    assert!(narrow.out.contains("[key]"), "{}", narrow.out);
    let asked = stage.world.asked();
    assert!(asked.iter().any(|asked| asked.name.contains(&KEY.to_lowercase())), "the key was not used: {asked:?}");
}

/// Lost if it fails: a report in a file, or the notice about it, would show the key.
#[test]
fn no_file_shows_the_key() {
    let stage = stage();
    run(&mut stage.folder.checking(&["-v", "-o", "report.txt"]), KEY);
    let report = stage.folder.read("report.txt").to_lowercase();
    assert!(report.contains("[key]") && !report.contains(&KEY.to_lowercase()), "{report}");
}

/// Lost if it fails: the catalogue, which is shown around, would show the key.
#[test]
fn no_catalogue_shows_the_key() {
    let stage = stage();
    for arguments in [&["lists"][..], &["lists", "--health"]] {
        for form in ["table", "json"] {
            let arguments = [arguments, &["--plan", "plan.toml", "--format", form]].concat();
            let ran = run(&mut stage.folder.tool(&arguments), KEY);
            assert!(ran.exit != Some(2) && ran.out.contains("spamhaus-zen"), "{arguments:?}: {ran:?}");
        }
    }
}

/// Lost if it fails: a key with the line end of its file would be asked as another key, and shown because it is another text.
#[test]
fn a_line_end_at_the_key_is_no_part_of_it() {
    let stage = stage();
    let ran = run(&mut stage.folder.checking(&["-v"]), &format!(" {KEY}\n"));
    assert!(ran.out.contains("dnsbl-listed"), "{}", ran.out);
}

/// Lost if it fails: a key that cannot stand in a name would be shown in the name that could not be made.
#[test]
fn a_key_that_is_no_label_is_not_shown() {
    let stage = stage();
    for key in [
        "two words \"quoted\" \\back",
        &"x1y2z3".repeat(20),
        "鍵だよ鍵だよ",
        "a..b-key-with-dots",
        "\u{1b}[31mkey-of-colour",
    ] {
        let ran = Ran::of(stage.folder.checking(&["-v", "--format", "json"]).env("DQS_KEY", key));
        assert_eq!(ran.exit, Some(3), "{key:?}: {ran:?}");
        let word = ["quoted", "x1y2z3", "鍵だよ", "key-with-dots", "key-of-colour"]
            .into_iter()
            .find(|word| key.contains(word));
        assert!(!ran.out.contains(word.unwrap()) && ran.err.is_empty(), "{key:?}: {ran:?}");
    }
}

/// Lost if it fails: a run that was to ask with a key would ask without one, and be refused without a word why.
#[test]
fn a_key_that_is_not_set_is_said() {
    let stage = stage();
    for set in [None, Some(""), Some(" \n")] {
        let mut command = stage.folder.checking(&[]);
        let ran = Ran::of(command.envs(set.map(|key| ("DQS_KEY", key))));
        assert_eq!(ran.exit, Some(3), "{set:?}: {ran:?}");
        assert!(ran.out.contains("DQS_KEY"), "{set:?}: {}", ran.out);
    }
}

/// Lost if it fails: a key that was written into the plan itself would be printed with the complaint about it.
#[test]
fn a_key_in_the_plan_is_refused_and_not_shown() {
    let plan = plan(([127, 0, 0, 1], 9).into());
    for line in [
        format!("[dnsbl]\nkey = {{ spamhaus-dqs = \"{KEY}\" }}\n"),
        format!("[dnsbl.key]\nspamhaus-dqs = \"{KEY}\"\n"),
        format!("[dnsbl.key]\nspamhaus-dqs = \"{KEY}\n"),
        format!("[dnsbl]\nkeys = {{ spamhaus-dqs = \"{KEY}\" }}\n"),
    ] {
        let folder = Folder::with_plan(format!("{plan}{line}"));
        let ran = run(&mut folder.tool(&["check", "plan.toml", "--at", NOW]), KEY);
        assert_eq!((ran.exit, ran.out.as_str()), (Some(2), ""), "{line}: {ran:?}");
    }
}

/// Lost if it fails: the key that stands in the new server's configuration would be posted with the forecast.
#[test]
fn no_key_of_the_new_servers_rules_is_shown() {
    let stage = stage();
    let rules = format!(
        "compatibility_level = 3.6\nmynetworks = 127.0.0.0/8\nmydestination = example.co.jp\n\
         smtpd_recipient_restrictions = reject_unauth_destination, reject_rbl_client {KEY}.zen.dq.spamhaus.net\n"
    );
    stage.folder.write("main.cf", rules);
    let partners = "partners = [{ name = \"Supplier\", ips = [\"203.0.113.25\"], vip = true }]\n";
    let plan = stage.folder.read("plan.toml");
    stage.folder.write("plan.toml", format!("{plan}[inbound_dnsbl]\nconfig = \"main.cf\"\n{partners}"));
    for form in ["table", "json", "csv", "postfix"] {
        let mut tool =
            stage.folder.tool(&["inbound", "--plan", "plan.toml", "--at", NOW, "--format", form, "--resume", "kept"]);
        let ran = run(&mut tool, KEY);
        assert_eq!(ran.exit, Some(1), "{form}: {ran:?}");
    }
    let kept = stage.folder.read("kept").to_lowercase();
    assert!(!kept.contains(&KEY.to_lowercase()), "{kept}");
    let ran = run(&mut stage.folder.checking(&["-v"]), KEY);
    assert!(ran.out.contains("rbl-in-bare") && ran.out.contains("[key].zen.dq.spamhaus.net"), "{}", ran.out);
}
