//! The rules of the house that the compiler does not keep: rooms, file sizes, first sentences.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources stops there")]

use std::fs;
use std::path::{Path, PathBuf};

/// Who may use whom. A room that is not named here may use nothing of ours; files at the top of src/ are rooms too.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("records", &["model"]),
    ("spf", &["model", "records", "probe"]),
    ("dmarc", &["model", "records", "probe"]),
    ("catalogue", &["model"]),
    ("plan", &["model", "catalogue", "records"]),
    ("bounce", &["model", "maillog", "catalogue"]),
    ("render", &["model", "words", "exit", "inbound", "watch"]),
    ("words", &["model"]),
    ("zonefile", &["model"]),
    ("exit", &["model"]),
    ("rows", &["model"]),
    ("cli", &["model", "rows", "render"]),
    ("output", &["model"]),
    ("archive", &["model"]),
    ("demo", &["model", "zonefile"]),
    ("probe", &["model", "zonefile"]),
    ("dnsbl", &["model", "plan", "catalogue", "probe"]),
    ("maillog", &[]),
    ("inbound", &["model", "maillog", "plan", "catalogue", "records", "spf", "probe", "dnsbl"]),
    ("check", &["model", "plan", "catalogue", "probe", "dnsbl", "inbound", "bounce"]),
    ("changing", &["model", "plan", "probe", "spf", "check"]),
    ("zone_servers", &["probe", "check"]),
    ("origin", &["model", "probe", "check"]),
    ("witnesses", &["model", "plan", "probe", "check", "origin"]),
    ("servers", &["model", "plan", "probe", "check"]),
    (
        "checks",
        &[
            "model",
            "plan",
            "catalogue",
            "probe",
            "dnsbl",
            "records",
            "spf",
            "dmarc",
            "zonefile",
            "inbound",
            "bounce",
            "check",
            "changing",
            "zone_servers",
            "servers",
            "witnesses",
            "origin",
        ],
    ),
    ("runner", &["model", "check"]),
    (
        "fuzzing",
        &[
            "model",
            "maillog",
            "plan",
            "catalogue",
            "probe",
            "dnsbl",
            "records",
            "spf",
            "inbound",
            "bounce",
            "check",
            "checks",
            "saved",
            "merge",
            "compare",
            "render",
            "rows",
            "command",
            "zonefile",
        ],
    ),
    ("saved", &["model", "check"]),
    ("merge", &["model", "check", "saved"]),
    ("compare", &["model", "saved"]),
    ("watch", &["model", "saved", "compare"]),
    (
        "command",
        &[
            "model",
            "maillog",
            "plan",
            "catalogue",
            "probe",
            "dnsbl",
            "records",
            "spf",
            "dmarc",
            "inbound",
            "bounce",
            "check",
            "checks",
            "runner",
            "saved",
            "merge",
            "compare",
            "watch",
            "render",
            "words",
            "exit",
            "cli",
            "output",
            "rows",
            "origin",
            "archive",
            "demo",
            "zonefile",
        ],
    ),
];

/// The most lines of a source file.
const LONGEST_FILE: usize = 500;

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(found.len() > 30, "the sources were not found");
    found
}

fn room_of(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The names after `crate::` in `text`, single and in braces.
fn rooms_used(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split(',').map(str::to_owned).collect::<Vec<_>>(),
            None => vec![rest.to_owned()],
        })
        .map(|rest| rest.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

/// Lost if it fails: a renderer that asks the DNS, a check that opens a socket of its own: the layers that make answers provable.
#[test]
fn rooms_use_only_what_they_may() {
    let rooms: Vec<&str> = MAY_USE.iter().map(|(room, _)| *room).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room_of(&path);
        if matches!(room.as_str(), "main" | "lib") {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == room) else {
            wrong.push(format!("{}: the room {room} has no line in MAY_USE", path.display()));
            continue;
        };
        for used in rooms_used(&text) {
            if rooms.contains(&used.as_str()) && used != room && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: {room} may not use {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lost if it fails: the map that newcomers read would show doors that are not there, or leave rooms out.
#[test]
fn the_map_shows_the_rooms_as_they_are() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ARCHITECTURE.md")).unwrap();
    let mut shown = Vec::new();
    for line in map.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let rooms = cells[1].split_whitespace().map(|name| name.trim_matches('`').trim_end_matches(['/', '.']));
        let mut uses: Vec<&str> = cells[3].split(", ").filter(|room| *room != "–").collect();
        uses.sort_unstable();
        for room in rooms.map(|name| name.trim_end_matches(".rs")) {
            let (_, may) = MAY_USE.iter().find(|(known, _)| *known == room).unwrap_or_else(|| panic!("no room {room}"));
            let mut may = may.to_vec();
            may.sort_unstable();
            assert!(uses == may || uses == ["everything"], "{room} may use {may:?}, the map says {uses:?}");
            shown.push(room);
        }
    }
    for (room, _) in MAY_USE {
        assert!(shown.contains(room), "the map does not show {room}");
    }
}

/// Lost if it fails: files that nobody reads to the end.
#[test]
fn files_are_short_and_say_what_lives_in_them() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines: split it", path.display());
        assert!(text.starts_with("//! "), "{} does not open with one sentence on what lives there", path.display());
    }
}

/// Lost if it fails: a check that exists as a file and is never run.
#[test]
fn every_file_in_checks_is_in_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().replace('_', "-"))
        .filter(|name| name != "mod")
        .collect();
    let mut listed: Vec<String> = mail_cutover::checks::CHECKS.iter().map(|check| check.card.id.to_owned()).collect();
    files.sort();
    listed.sort();
    assert_eq!(files, listed, "files in src/checks and ids in its list differ");
}
