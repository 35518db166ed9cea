//! `check --baseline`, `compare` and `--save`: what changed since, and every reason to refuse.

use serde_json::Value;

use crate::{Folder, Ran, Stage, nameless, ready, refusing, warning};

impl Stage {
    /// `check plan.toml` at this time of the first of December, as JSON into `file`.
    fn keep(&self, file: &str, clock: &str, arguments: &[&str]) {
        let at = format!("2026-12-01T{clock}:00+09:00");
        let common = ["check", "plan.toml", "--at", &at, "--format", "json", "-o", file];
        let ran = self.folder.run(&[&common, arguments].concat());
        assert!(ran.exit != Some(2) && ran.err.contains(file), "{ran:?}");
    }
}

/// A world that was `before` at nine and is `after` at ten.
fn turned(before: &str, after: &str) -> Stage {
    let stage = Stage::set(before, "");
    stage.keep("nine.json", "09:00", &[]);
    stage.turn(after);
    stage.keep("ten.json", "10:00", &[]);
    stage
}

fn statements(report: &Value) -> impl Iterator<Item = &Value> {
    report["checks"].as_array().unwrap().iter().flat_map(|check| check["statements"].as_array().unwrap())
}

/// Lost if it fails: the ticket would not say what is new since the last look; or a baseline would let a blocker through.
#[test]
fn a_baseline_marks_and_decides_nothing() {
    let stage = turned(&warning("why"), &nameless());
    let ran = stage.check(&["--format", "json", "--baseline", "nine.json"]);
    let (with, without) = (ran.json(), stage.check(&["--format", "json"]).json());
    assert_eq!((ran.exit, &with["verdict"], &with["counts"]), (Some(1), &without["verdict"], &without["counts"]));
    let mark = |tag: &str| statements(&with).find(|said| said["tag"] == tag).map(|said| said["baseline"].clone());
    assert_eq!(mark("ptr-missing"), Some("new".into()));
    assert_eq!(mark("net-asn"), Some("same".into()));
    let baseline = &with["baseline"];
    let told = [&baseline["path"], &baseline["verdict"], &baseline["phase"], &baseline["same_plan"]];
    assert_eq!(told, [&Value::from("nine.json"), &"GO WITH WARNINGS".into(), &"before".into(), &true.into()]);
    let gone = baseline["gone"].as_array().unwrap();
    let fixed = gone.iter().find(|gone| gone["tag"] == "dnsbl-listed-minor").unwrap();
    assert_eq!((&fixed["fate"], &fixed["about"]), (&"fixed".into(), &"psbl".into()));
    let records = baseline["records"].as_array().unwrap();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(
        (&records[0]["type"], &records[0]["expected"], &records[0]["now"]),
        (&"PTR".into(), &false.into(), &Value::Array(Vec::new()))
    );
    // The same fault an hour later is known, and blocks all the same.
    let again = stage.check(&["--baseline", "ten.json"]);
    assert_eq!(again.exit, Some(1));
    assert!(again.out.contains("NEW  [known] 203.0.113.25 has no PTR record"), "{}", again.out);
    assert!(again.out.contains("SINCE ten.json (2026-12-01 10:00 +09:00, before the cutover, NO-GO)"), "{}", again.out);
    let markdown = stage.check(&["--baseline", "nine.json", "--format", "markdown", "--lang", "ja"]).out;
    assert!(markdown.contains("\n## nine.json からの変化") && markdown.contains("- 解消:"), "{markdown}");
    let sarif = stage.check(&["--baseline", "nine.json", "--format", "sarif"]).json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let state = |tag: &str| results.iter().find(|one| one["ruleId"] == tag).map(|one| one["baselineState"].clone());
    assert_eq!((state("ptr-missing"), state("net-asn")), (Some("new".into()), Some("unchanged".into())));
    let merged = stage.folder.run(&["merge", "nine.json", "ten.json", "--at", "2026-12-01T11:00:00+09:00"]);
    assert!(merged.exit == Some(1) && !merged.out.contains("SINCE"), "{merged:?}");
}

/// Lost if it fails: a script would go on over a new blocker, or stop for what was always so.
#[test]
fn a_comparison_has_its_exit_code() {
    for (before, after, exit) in [
        (ready(), ready(), 0),
        (ready(), warning("why"), 0),
        (nameless(), ready(), 0),
        (nameless(), nameless(), 0),
        (ready(), nameless(), 1),
        (refusing(), nameless(), 1),
        (ready(), refusing(), 3),
        (refusing(), refusing(), 0),
        (refusing(), ready(), 0),
    ] {
        let stage = turned(&before, &after);
        let ran = stage.folder.run(&["compare", "nine.json", "ten.json", "--format", "json"]);
        assert_eq!((ran.exit, ran.err.as_str()), (Some(exit), ""), "{before} {after}\n{}", ran.out);
        assert_eq!(ran.json()["exit_code"], exit);
        assert!(!ran.out.contains("\"observations\""));
    }
    let folder = turned(&warning("why"), &nameless()).folder;
    let table = folder.run(&["compare", "nine.json", "ten.json"]).out;
    expect_test::expect![[r#"
        ten.json (2026-12-01 10:00 +09:00, before the cutover): NO-GO
          BLOCKER ptr-missing  NEW  [new] 203.0.113.25 has no PTR record
        SINCE nine.json (2026-12-01 09:00 +09:00, before the cutover, GO WITH WARNINGS)
          1 new, 7 known, 1 fixed
          fixed:  dnsbl-listed-minor  NEW  203.0.113.25 is listed on Passive Spam Block List: 127.0.0.2 (hit
                  a spam trap) “why”
          25.113.0.203.in-addr.arpa PTR: mail.example.co.jp → nothing (not in the plan)
    "#]]
    .assert_eq(&table);
    let quiet = folder.run(&["compare", "nine.json", "ten.json", "-q", "--lang", "ja"]).out;
    expect_test::expect![[r#"
        nine.json からの変化 (2026-12-01 09:00 +09:00、切り替え前、GO WITH WARNINGS)
        ten.json (2026-12-01 10:00 +09:00、切り替え前): NO-GO
    "#]]
    .assert_eq(&quiet);
    let written = folder.run(&["compare", "nine.json", "ten.json", "-o", "diff.txt"]);
    assert_eq!(
        (written.exit, written.err.as_str(), folder.read("diff.txt")),
        (Some(1), "NO-GO: report written to diff.txt\n", table)
    );
}

/// Lost if it fails: the way of the plan from the desk to the day after could not be followed: its text changes, its phase changes.
#[test]
fn a_baseline_of_before_serves_after() {
    let stage = turned(&ready(), &ready());
    let after = ready().replace("mail TXT", "@ MX 10 mail\\nmail TXT").replace("[\"mail\"]", "[\"mail\", \"@\"]");
    let after = after.replace("@ MX", "@ TXT \\\"v=spf1 ip4:192.0.2.25 ip4:203.0.113.25 -all\\\"\\n@ MX");
    stage.turn(&after);
    stage
        .folder
        .write("plan.toml", stage.folder.read("plan.toml") + "[attest]\nstatic_ip = { yes = true, by = \"sato\" }\n");
    let at = ["check", "plan.toml", "--at", "2026-12-05T23:00:00+09:00", "--baseline", "nine.json"];
    let ran = stage.folder.run(&[&at[..], &["--format", "json"]].concat());
    let baseline = &ran.json()["baseline"];
    assert_eq!(baseline["same_plan"], false, "{ran:?}");
    let changes: Vec<(&str, &str, bool)> = baseline["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            (change["name"].as_str().unwrap(), change["type"].as_str().unwrap(), change["expected"].as_bool().unwrap())
        })
        .collect();
    assert!(changes.contains(&("example.co.jp", "MX", true)), "{changes:?}");
    assert!(changes.contains(&("example.co.jp", "TXT", false)), "{changes:?}");
    let table = stage.folder.run(&at).out;
    assert!(table.contains("example.co.jp MX: 10 mx1.example.co.jp → 10 mail.example.co.jp (as planned)"), "{table}");
    assert!(table.contains("The text of the plan has changed since"), "{table}");
}

/// Lost if it fails: the wrong file would be compared and believed, or refused without a word why.
#[test]
fn what_cannot_be_compared_is_refused() {
    let stage = turned(&ready(), &ready());
    let folder = &stage.folder;
    let report = folder.read("nine.json");
    let with = |from: &str, to: &str| {
        assert!(report.contains(from), "{from}");
        report.replacen(from, to, 1)
    };
    folder.write("cut.json", &report[..report.len() / 2]);
    folder.write("schema.json", with("\"schema\": 1", "\"schema\": 2"));
    folder.write("simulated.json", with("\"simulated\": false", "\"simulated\": true"));
    folder.write("move.json", report.replace("203.0.113.25", "203.0.113.99"));
    folder.write("empty.json", "");
    let mut errors = Vec::new();
    for file in ["cut.json", "schema.json", "simulated.json", "move.json", "empty.json", "plan.toml", "absent.json"] {
        let by_compare = folder.run(&["compare", file, "ten.json"]).error();
        let by_check = folder.check(&["--baseline", file]).error();
        assert_eq!(by_check.replace("compare with ", "compare "), by_compare.replace("compare with ", "compare "));
        errors.push(by_compare);
    }
    errors.push(folder.run(&["compare", "ten.json", "nine.json"]).error());
    errors.push(
        folder.run(&["check", "plan.toml", "--at", "2026-12-01T08:00:00+09:00", "--baseline", "nine.json"]).error(),
    );
    errors.push(folder.run(&["compare", "nine.json", "ten.json", "-o", "nine.json"]).error());
    errors.push(folder.check(&["--baseline", "nine.json", "-o", "nine.json"]).error());
    expect_test::expect![[r#"
        error: could not compare cut.json: it ends in the middle of the report; copy it again, or run check --format json -o FILE again
        error: could not compare schema.json: it has schema 2, and this version of mail-cutover reads schema 1; make all reports with one version
        error: could not compare with simulated.json: one is of a simulated world and the other of the real one
        error: could not compare with move.json: it is of another plan (it has other addresses); give a report of this move
        error: could not compare empty.json: it is empty; write it again with check --format json -o FILE
        error: could not compare plan.toml: it is not a report in JSON; write one with check --format json -o FILE
        error: could not read the report absent.json: No such file or directory (os error 2)
        error: could not compare with ten.json: its run began later (2026-12-01 10:00:00 +09:00); give the earlier report first, or set the clock right
        error: could not compare with nine.json: its run began later (2026-12-01 09:00:00 +09:00); give the earlier report first, or set the clock right
        error: could not write to nine.json: that is one of the files to read
        error: could not write to nine.json: that is one of the files to read
    "#]].assert_eq(&errors.concat());
    assert_eq!(folder.read("nine.json"), report);
}

/// Lost if it fails: the reports of a change would not be found again, or the last good one be lost with a full disk.
#[test]
fn reports_are_kept_by_time_and_verdict() {
    let stage = turned(&ready(), &nameless());
    let ran = stage.check(&["--save", "reports"]);
    assert_eq!((ran.exit, ran.err.as_str()), (Some(1), "report kept as reports/2026-12-01T100000+0900-NO-GO.json\n"));
    stage.turn(&warning("why"));
    let quiet = stage.check(&["--save", "reports", "-q", "--lang", "ja"]);
    assert_eq!(quiet.err, "レポートを reports/2026-12-01T100000+0900-GO-WITH-WARNINGS.json として保存した\n");
    let latest = || stage.folder.read("reports/latest.json");
    assert_eq!(latest(), stage.folder.read("reports/2026-12-01T100000+0900-GO-WITH-WARNINGS.json"));
    let compared = stage.folder.run(&["compare", "nine.json", "reports/latest.json"]);
    assert_eq!(compared.exit, Some(0), "{compared:?}");
    // Nothing can be written beyond a few KiB, as on a full disk: the report is shown, the last one stays.
    let good = latest();
    let full = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
    let tool = env!("CARGO_BIN_EXE_mail-cutover");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", full, tool, "check", "plan.toml", "--at", crate::NOW, "-q", "--save", "reports"]);
    command.current_dir(stage.folder.path("."));
    let ran = Ran::of(&mut command);
    assert_eq!((ran.exit, ran.out.as_str()), (Some(2), "GO WITH WARNINGS\n"), "{ran:?}");
    assert!(
        ran.err.starts_with("error: could not keep the report in reports: ") && ran.err.ends_with("are untouched\n"),
        "{ran:?}"
    );
    assert_eq!(latest(), good);
    let mut names: Vec<_> =
        std::fs::read_dir(stage.folder.path("reports")).unwrap().map(|one| one.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(
        names,
        ["2026-12-01T100000+0900-GO-WITH-WARNINGS.json", "2026-12-01T100000+0900-NO-GO.json", "latest.json"]
    );
    let error = |path: &str| stage.check(&["--save", path]).error();
    assert_eq!(error("plan.toml"), "error: could not use the folder plan.toml: not a directory\n");
    assert!(error("absent/below").starts_with("error: could not use the folder absent/below: "));
    drop(Folder::empty());
}
