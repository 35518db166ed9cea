//! `merge`: two places, one verdict; and every reason to refuse.

use expect_test::expect;
use serde_json::Value;

use crate::{Folder, Ran, Stage, nameless, ready, refusing, warning};

/// Half an hour after the runs of [`places`].
const THEN: &str = "2026-12-01T10:30:00+09:00";

impl Stage {
    /// `check plan.toml` at this minute past ten, as JSON into `file`.
    fn report(&self, file: &str, minute: &str, arguments: &[&str]) {
        let at = format!("2026-12-01T10:{minute}:00+09:00");
        let common = ["check", "plan.toml", "--at", &at, "--format", "json", "-o", file];
        let ran = self.folder.run(&[&common, arguments].concat());
        assert!(ran.exit != Some(2) && ran.err.contains(file), "{ran:?}");
    }
}

/// A world seen from the desk, and from the new server ten minutes later.
fn places(world: &str) -> Stage {
    let stage = Stage::set(world, "");
    stage.report("desk.json", "00", &[]);
    stage.report("server.json", "10", &["--on-new-server"]);
    stage
}

fn merge(folder: &Folder, arguments: &[&str]) -> Ran {
    folder.run(&[&["merge", "--at", THEN], arguments].concat())
}

/// Lost if it fails: the reports of two places could not be joined, or their verdict would be another than each one's.
#[test]
fn two_places_make_one_report() {
    for (world, exit, verdict) in
        [(ready(), 0, "GO"), (warning("why"), 0, "GO WITH WARNINGS"), (nameless(), 1, "NO-GO"), (refusing(), 3, "HOLD")]
    {
        let folder = places(&world).folder;
        let ran = merge(&folder, &["desk.json", "server.json", "--format", "json"]);
        assert_eq!((ran.exit, ran.json()["verdict"].as_str()), (Some(exit), Some(verdict)), "{}", ran.err);
        let desk: Value = serde_json::from_str(&folder.read("desk.json")).unwrap();
        assert_eq!(ran.json()["counts"], desk["counts"], "{verdict}");
        let parts = ran.json()["parts"].clone();
        assert_eq!((parts[0]["vantage"].as_str(), parts[1]["vantage"].as_str()), (Some("desk"), Some("new-server")));
    }
    let folder = places(&nameless()).folder;
    let table = merge(&folder, &["desk.json", "server.json"]).out;
    let seen = |place: &str| format!("{place} 25.113.0.203.in-addr.arpa. PTR → NXDOMAIN");
    assert!(table.contains(&seen("seen     [desk]")) && table.contains(&seen("         [new server]")), "{table}");
    assert!(table.contains("run      desk: 2026-12-01 10:00 +09:00, "), "{table}");
    let japanese = merge(&folder, &["--lang", "ja", "-v", "desk.json", "server.json"]).out;
    assert!(japanese.contains("[新サーバー] 25.113.0.203.in-addr.arpa. PTR → NXDOMAIN"), "{japanese}");
}

/// Lost if it fails: work shared between two runs would never be whole, or would be judged otherwise than in one.
#[test]
fn two_halves_make_a_whole() {
    let waive = "[[waive]]\ntag = \"ptr-missing\"\nowner = \"o\"\nreason = \"r\"\nuntil = 2026-12-31\n";
    for (world, more) in [(ready(), ""), (warning("why"), ""), (nameless(), ""), (nameless(), waive), (refusing(), "")]
    {
        let stage = Stage::set(&world, more);
        let half = |word: &'static str| [[word, "ptr-missing"], [word, "dnsbl-listed"], [word, "mx"]].concat();
        stage.report("whole.json", "00", &[]);
        stage.report("some.json", "01", &half("--only"));
        stage.report("others.json", "02", &half("--skip"));
        let whole: Value = serde_json::from_str(&stage.folder.read("whole.json")).unwrap();
        for order in [["some.json", "others.json"], ["others.json", "some.json"]] {
            let merged = merge(&stage.folder, &[&["--format", "json"], &order[..]].concat()).json();
            for key in ["verdict", "counts", "completion", "exit_code", "phase", "addresses", "plan"] {
                assert_eq!(merged[key], whole[key], "{key} of {order:?}, {more}");
            }
            let said = |report: &Value| -> Vec<Value> {
                let mut checks = report["checks"].as_array().unwrap().clone();
                for said in checks.iter_mut().flat_map(|check| check["statements"].as_array_mut().unwrap()) {
                    // Numbers and drawn names differ between any two runs.
                    for key in ["observations", "args", "both", "by_hand"] {
                        said.as_object_mut().unwrap().remove(key);
                    }
                }
                checks
            };
            for (merged, whole) in said(&merged).iter().zip(said(&whole)) {
                assert_eq!(*merged, whole, "{order:?}");
            }
        }
        let one = merge(&stage.folder, &["some.json", "some.json"]).error();
        assert!(one.contains("both hold the same run"), "{one}");
    }
}

/// Lost if it fails: a merge that was merged again would lose a run, or count one twice.
#[test]
fn a_merged_report_may_be_merged_again() {
    let stage = places(&nameless());
    stage.report("late.json", "20", &[]);
    let ran = merge(&stage.folder, &["desk.json", "server.json", "--format", "json", "-o", "both.json"]);
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (Some(1), "", "NO-GO: report written to both.json\n"));
    let all = merge(&stage.folder, &["both.json", "late.json", "--format", "json"]).json();
    assert_eq!(all["parts"].as_array().unwrap().len(), 3);
    assert_eq!((all["started"].as_str(), all["verdict"].as_str()), (Some("2026-12-01T10:00:00+09:00"), Some("NO-GO")));
    expect![[r#"
        error: could not merge both.json and desk.json: both hold the same run (2026-12-01 10:00:00 +09:00, HOST); give each run once
    "#]]
        .assert_eq(&merge(&stage.folder, &["both.json", "desk.json"]).error().replace(&host(&all), ", HOST"));
    let markdown = merge(&stage.folder, &["both.json", "late.json", "--format", "markdown"]).out;
    assert!(markdown.starts_with("# NO-GO: CHG-1\n") && markdown.contains("desk 2: 2026-12-01 10:20"), "{markdown}");
}

/// `, user@host` of a report, or nothing where neither is known.
fn host(report: &Value) -> String {
    let by = report["parts"][0]["run_by"].as_str().unwrap();
    if by.is_empty() { ", HOST".to_owned() } else { format!(", {by}") }
}

/// Lost if it fails: options would mean something else here than for check.
#[test]
fn the_report_is_written_as_asked() {
    let folder = places(&warning("why")).folder;
    let quiet = merge(&folder, &["desk.json", "server.json", "-q"]);
    assert_eq!((quiet.exit, quiet.out.as_str()), (Some(0), "GO WITH WARNINGS\n"));
    assert_eq!(merge(&folder, &["desk.json", "server.json", "-q", "--strict"]).exit, Some(1));
    let verbose = merge(&folder, &["desk.json", "server.json", "-v"]).out;
    assert!(verbose.contains("TRANSCRIPT") && verbose.contains(" resolver  [new server] "), "{verbose}");
    let before = folder.read("desk.json");
    expect![[r#"
        error: could not write the report to desk.json: that is one of the reports to merge
    "#]]
    .assert_eq(&merge(&folder, &["desk.json", "server.json", "-o", "desk.json"]).error());
    assert_eq!(folder.read("desk.json"), before);
    assert!(
        merge(&folder, &["desk.json", "server.json", "-o", "absent/x"]).error().contains("could not create absent/x")
    );
    assert_eq!(folder.names(), ["desk.json", "plan.toml", "server.json"]);
}

/// Lost if it fails: answers about different things would be put together as if they were about one.
#[test]
fn reports_of_different_things_are_refused() {
    let stage = places(&nameless());
    let folder = &stage.folder;
    let plan = folder.read("plan.toml");
    folder.write("plan.toml", format!("{plan}# another\n"));
    stage.report("plan.json", "20", &[]);
    folder.write("plan.toml", plan);
    stage.report("after.json", "20", &["--phase", "after"]);
    folder.write(
        "zone",
        "$ORIGIN example.co.jp.\n@ 300 SOA ns h 1 7200 900 1209600 300\n@ 300 NS ns\nns 300 A 192.0.2.53\n",
    );
    stage.report("zone.json", "20", &["--rehearse", "zone"]);
    let desk = folder.read("desk.json");
    folder.write("simulated.json", desk.replace("\"simulated\": false", "\"simulated\": true"));
    folder.write("changed.json", desk.replacen("\"ip\": \"203.0.113.25\"", "\"ip\": \"203.0.113.99\"", 1));
    let errors: Vec<String> = ["plan", "after", "zone", "simulated", "changed"]
        .into_iter()
        .map(|name| merge(folder, &["desk.json", "server.json", &format!("{name}.json")]).error())
        .collect();
    let steady: String = errors.concat();
    let fingerprints = steady.split_once("(sha256 ").and_then(|(_, rest)| rest.split_once(')')).unwrap().0.to_owned();
    expect![[r#"
        error: could not merge desk.json and plan.json: they are of different plans (sha256 …); run check with the same file
        error: could not merge desk.json and after.json: one judges before the cutover and the other after it; run check again with --phase
        error: could not merge desk.json and zone.json: they rehearse different zones; run check with the same --rehearse at every place
        error: could not merge desk.json and simulated.json: one is of a simulated world and the other of the real one
        error: could not merge desk.json and changed.json: the plan is the same, but not its addresses: one of the files was changed
    "#]].assert_eq(&steady.replace(&fingerprints, "…"));
}

/// Lost if it fails: what was true last week, or by a wrong clock, would count as true now.
#[test]
fn old_and_future_runs_are_refused() {
    let folder = places(&ready()).folder;
    let desk: Value = serde_json::from_str(&folder.read("desk.json")).unwrap();
    let at = |time: &str, arguments: &[&str]| {
        folder.run(&[&["merge", "--at", time, "desk.json", "server.json"], arguments].concat())
    };
    let next_day = "2026-12-02T10:00:01+09:00";
    expect![[r#"
        error: could not merge desk.json: a run in it is older than 24h (2026-12-01 10:00:00 +09:00, HOST); run check again there, or allow more with --max-age
    "#]].assert_eq(&at(next_day, &[]).error().replace(&host(&desk), ", HOST"));
    for (time, arguments) in
        [("2026-12-02T10:00:00+09:00", &[][..]), (next_day, &["--max-age", "2d"]), ("2026-12-01T10:05:00+09:00", &[])]
    {
        assert_eq!(at(time, arguments).exit, Some(0), "{time}");
    }
    expect![[r#"
        error: could not merge server.json: a run in it began in the future (2026-12-01 10:10:00 +09:00, HOST, on the new server); set the clock right there or here, and run check again
    "#]].assert_eq(&at("2026-12-01T10:04:59+09:00", &[]).error().replace(&host(&desk), ", HOST"));
    for wrong in ["31d", "0s", "soon"] {
        let error = at(next_day, &["--max-age", wrong]).error();
        assert!(error.contains("from 1s to 30d"), "{error}");
    }
}

/// Lost if it fails: a wrong file would be a riddle, or worse, half a report would count as a whole one.
#[test]
fn files_that_cannot_be_merged_are_refused() {
    let folder = places(&nameless()).folder;
    let desk = folder.read("desk.json");
    let change = |from: &str, to: &str| {
        assert!(desk.contains(from), "{from}");
        desk.replace(from, to)
    };
    folder.write("empty", "");
    folder.write("cut", &desk[..desk.len() / 2]);
    folder.write("tool", change("\"tool\": \"mail-cutover ", "\"tool\": \"mail-cutover 9."));
    folder.write("schema", change("\"schema\": 1,", "\"schema\": 2,"));
    folder.write("tag", change("\"tag\": \"ptr-missing\"", "\"tag\": \"ptr-mising\\u001b\""));
    folder.write("check", change("\"id\": \"ptr\"", "\"id\": \"ptrs\""));
    folder.write("parts", change("\"parts\"", "\"party\""));
    std::fs::File::create(folder.path("long")).unwrap().set_len((64 << 20) + 1).unwrap();
    let names = ["absent", ".", "empty", "plan.toml", "cut", "tool", "schema", "tag", "check", "parts", "long"];
    let errors: String = names.into_iter().map(|name| merge(&folder, &["desk.json", name]).error()).collect();
    let last = desk.lines().count();
    expect![[r#"
        error: could not read the report absent: No such file or directory (os error 2)
        error: could not read the report .: Is a directory (os error 21)
        error: could not merge empty: it is empty; write it again with check --format json -o FILE
        error: could not merge plan.toml: it is not a report in JSON; write one with check --format json -o FILE
        error: could not merge cut: it ends in the middle of the report; copy it again, or run check --format json -o FILE again
        error: could not merge tool: it was made by mail-cutover 9.VERSION, and this is mail-cutover VERSION; make all reports with one version, and read them with the same
        error: could not merge schema: it has schema 2, and this version of mail-cutover reads schema 1; make all reports with one version
        error: could not merge tag: its check ptr says ptr-mising\u{1b}, which this version of mail-cutover does not know; run check again with this version
        error: could not merge check: it speaks of a check ptrs, which this version of mail-cutover does not know; run check again with this version
        error: could not merge parts: it is damaged (missing field `parts` at line LAST column 1); run check --format json -o FILE again
        error: could not merge long: it is longer than 64 MiB, so it is no report; give the file that check --format json -o FILE wrote
    "#]].assert_eq(&errors.replace(env!("CARGO_PKG_VERSION"), "VERSION").replace(&format!("line {last}"), "line LAST"));
    expect![[r#"
        error: could not merge fewer than two reports; give one file for each place that check ran at
    "#]]
    .assert_eq(&merge(&folder, &["desk.json"]).error());
    assert!(merge(&folder, &[]).error().contains("<REPORT.json>..."));
}
