//! `--rehearse` as a person meets it: mistakes with their place, marks in every form, the size limit.

use crate::{Stage, ready};

const ZONE: &str =
    "$ORIGIN example.co.jp.\n$TTL 300\n@ MX 10 mail\n@ TXT \"v=spf1 ip4:203.0.113.25 -all\"\nmail A 203.0.113.25\n";

/// Lost if it fails: somebody would search a zone of a thousand lines for a mistake that was found, or rehearse half of it.
#[test]
fn a_wrong_zone_file_is_refused_with_its_place() {
    let stage = Stage::set(&ready(), "");
    let refused = |argument: &str| stage.check(&["--rehearse", argument]).error();
    stage.folder.write("zone", format!("{ZONE}www A 203.0.113\n"));
    assert_eq!(
        refused("zone"),
        "error: could not rehearse zone: line 6, column 7: an IPv4 address is expected, as 192.0.2.1\n"
    );
    stage.folder.write("zone", "mail.example.co.jp. 300 A 203.0.113.25\n");
    assert!(refused("zone").contains("--rehearse ORIGIN=FILE"), "{}", refused("zone"));
    assert!(refused("absent").contains("could not rehearse absent: could not read the file"), "{}", refused("absent"));
    std::fs::create_dir(stage.folder.path("inner")).unwrap();
    stage.folder.write("inner/zone", format!("{ZONE}$INCLUDE ../plan.toml\n"));
    assert!(refused("inner/zone").contains("line 6, column 10: ../plan.toml lies outside the folder of the zone file"));
    stage.folder.write("zone", ZONE);
    stage.folder.write("more", ZONE);
    let twice = stage.check(&["--rehearse", "zone", "--rehearse", "example.co.jp=more"]);
    assert_eq!(
        (twice.exit, twice.err.as_str()),
        (Some(2), "error: could not rehearse more: zone has the zone example.co.jp. already\n")
    );
}

/// Lost if it fails: a verdict about a file could be taken for one about the world.
#[test]
fn every_form_says_what_was_rehearsed() {
    let stage = Stage::set(&ready(), "");
    stage.folder.write("zone", ZONE);
    let table = stage.check(&["--rehearse", "zone"]).out;
    let is_marked = |line: &str| line.starts_with("│ host name ") && line.contains("┆ ✓ ok*");
    assert!(table.lines().any(is_marked), "{table}");
    assert_eq!(
        table.matches("REHEARSED: judged as if this were published: example.co.jp from zone").count(),
        2,
        "{table}"
    );
    assert!(table.contains("example.co.jp MX changes: - 10 mx1.example.co.jp.; + 10 mail.example.co.jp.*"), "{table}");
    let verbose = stage.check(&["--rehearse", "zone", "--verbose"]).out;
    assert!(verbose.contains("mail.example.co.jp. A → 203.0.113.25 (rehearsed: zone, TTL 300)"), "{verbose}");
    let quiet = stage.check(&["--rehearse", "zone", "-q"]).out;
    assert!(quiet.contains("(REHEARSED: judged as if this were published: example.co.jp from zone)"), "{quiet}");
    let markdown = stage.check(&["--rehearse", "zone", "--format", "markdown"]).out;
    assert!(markdown.contains("> **REHEARSED: ") && markdown.contains("\\*"), "{markdown}");
    let japanese =
        stage.folder.run(&["--lang", "ja", "check", "plan.toml", "--at", crate::NOW, "--rehearse", "zone"]).out;
    assert!(japanese.contains("リハーサル: 次のゾーンが公開されたものとして判定: example.co.jp ← zone"), "{japanese}");

    let json = stage.check(&["--rehearse", "zone", "--format", "json"]).json();
    assert_eq!(
        (&json["rehearsed"][0]["zone"], &json["rehearsed"][0]["path"]),
        (&"example.co.jp".into(), &"zone".into())
    );
    assert_eq!(json["rehearsed"][0]["sha256"].as_str().unwrap().len(), 64);
    let statements: Vec<&serde_json::Value> =
        json["checks"].as_array().unwrap().iter().flat_map(|check| check["statements"].as_array().unwrap()).collect();
    let rests = |statement: &serde_json::Value| {
        let ids = statement["observations"].as_array().cloned().unwrap_or_default();
        ids.iter().any(|id| {
            json["observations"].as_array().unwrap().iter().any(|o| o["id"] == *id && o["rehearsed"].is_array())
        })
    };
    assert!(statements.iter().any(|statement| rests(statement)));
    for statement in statements {
        assert_eq!(statement["rehearsed"] == true, rests(statement), "{statement}");
    }
    let live = stage.check(&["--format", "json"]);
    assert!(!live.out.contains("\"rehearsed\""), "{}", live.out);
}

/// Lost if it fails: a zone of a registrar's size would be compared in part and called the same.
#[test]
fn a_large_zone_is_compared_in_part_and_says_so() {
    let stage = Stage::set(&ready(), "");
    let many: String = (0..1200).map(|n| format!("h{n} A 203.0.113.25\n")).collect();
    stage.folder.write("zone", format!("{ZONE}{many}"));
    let json = stage.check(&["--rehearse", "zone", "--format", "json", "--deadline", "120s"]).json();
    let rehearsal = json["checks"].as_array().unwrap().iter().find(|check| check["id"] == "rehearsal").unwrap();
    let tags: Vec<&str> =
        rehearsal["statements"].as_array().unwrap().iter().filter_map(|statement| statement["tag"].as_str()).collect();
    assert!(tags.contains(&"rehearsal-cut"), "{tags:?}");
    // What the plan implies comes first.
    assert!(tags.contains(&"rehearsal-changed"), "{tags:?}");
    assert!(tags.iter().filter(|tag| **tag == "rehearsal-new").count() < 1000);
}
