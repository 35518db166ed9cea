//! What each form says of the sample: weights, lines of the plan, and what must not be overlooked.

use clap::ValueEnum as _;
use mail_cutover::model::{Completion, Level, Rehearsed, Report, Section, Status, Verdict};
use mail_cutover::render::{Format, Style, render};
use serde_json::Value;

use crate::{FULL, forms, in_both, sample};

fn five() -> Report {
    sample::report(&sample::five())
}

/// The sample without what weighs more than `heaviest`.
fn weighing_at_most(heaviest: Verdict) -> Report {
    let mut report = five();
    let phase = report.phase;
    for Section { card, statements } in &mut report.sections {
        statements.retain(|one| Verdict::weighing(card, one, phase) <= heaviest);
    }
    report.verdict = Verdict::over(&report.sections, phase, true);
    assert_eq!(report.verdict, heaviest);
    report
}

/// Lost if it fails: a CI job would be green on a NO-GO, or red on a GO.
#[test]
fn junit_is_red_exactly_when_the_exit_code_is() {
    for verdict in [Verdict::Go, Verdict::GoWithWarnings, Verdict::Hold, Verdict::NoGo] {
        let report = weighing_at_most(verdict);
        for strict in [false, true] {
            let text = render(&report, Format::Junit, &Style { strict, ..FULL });
            let is_red = text.contains("<failure ") || text.contains("<error ");
            assert_eq!(is_red, Format::Junit.exit(verdict, strict) != 0, "{verdict:?}, strict {strict}: {text}");
        }
    }
    let cut = Report { completion: Completion::Partial, verdict: Verdict::Hold, ..weighing_at_most(Verdict::Go) };
    let text = render(&cut, Format::Junit, &FULL);
    assert!(text.contains("<error message=\"HOLD\""), "a run that was cut short is green: {text}");
}

/// Lost if it fails: findings would hang at the wrong line of the plan, be shown as lighter than they are, or lose their waiver.
#[test]
fn sarif_points_into_the_plan() {
    let text = render(&five(), Format::Sarif, &FULL);
    let read: Value = serde_json::from_str(&text).unwrap();
    let run = &read["runs"][0];
    let results = run["results"].as_array().unwrap();
    let of = |subject: &str| {
        let name = |one: &&Value| one["locations"][0]["logicalLocations"][0]["name"] == subject;
        results.iter().find(name).unwrap_or_else(|| panic!("nothing about {subject}: {text}"))
    };
    let line = |one: &Value| one["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64();
    let listed = of("203.0.113.25");
    assert_eq!(
        (listed["ruleId"].as_str(), listed["level"].as_str(), line(listed)),
        (Some("sample-listed"), Some("error"), Some(11))
    );
    assert_eq!((of("203.0.113.26")["level"].as_str(), line(of("203.0.113.26"))), (Some("error"), Some(1)), "unknown");
    assert_eq!(
        (of("mail.example.co.jp")["level"].as_str(), line(of("mail.example.co.jp"))),
        (Some("warning"), Some(4))
    );
    let waived = of("203.0.113.28");
    assert_eq!((waived["level"].as_str(), line(waived)), (Some("warning"), Some(7)), "the line of its waiver");
    assert!(waived["suppressions"][0]["justification"].as_str().unwrap().contains("佐藤"));
    assert!(listed.get("suppressions").is_none());
    let uri = &listed["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "%E7%A7%BB%E8%A1%8C%E8%A8%88%E7%94%BB.toml");
    let rule = &run["tool"]["driver"]["rules"][listed["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!(rule["id"], "sample-listed");
    let notes = run["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(notes.contains("NO-GO") && notes.contains("no key is set for this list"), "{notes}");
    let prints: std::collections::BTreeSet<&str> =
        results.iter().map(|one| one["partialFingerprints"]["mailCutoverFinding/v1"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), results.len());
}

/// Lost if it fails: a merge request would show the findings at other lines, or twice.
#[test]
fn reviews_get_their_marks() {
    let quiet = Style { verbose: false, ..FULL };
    let issues: Vec<Value> = serde_json::from_str(&render(&five(), Format::Gitlab, &quiet)).unwrap();
    let told: Vec<(&str, &str, u64)> = issues
        .iter()
        .map(|one| {
            assert!(!one["description"].as_str().unwrap().is_empty() && one["location"]["path"] == "移行計画.toml");
            let line = one["location"]["lines"]["begin"].as_u64().unwrap();
            (one["check_name"].as_str().unwrap(), one["severity"].as_str().unwrap(), line)
        })
        .collect();
    let wanted = [
        ("sample-listed", "blocker", 11),
        ("sample-silent", "critical", 1),
        ("sample-listed", "minor", 7),
        ("sample-late", "minor", 4),
    ];
    assert_eq!(told, wanted);
    let prints: std::collections::BTreeSet<&str> =
        issues.iter().map(|one| one["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), issues.len());
    let github = render(&five(), Format::Github, &quiet);
    assert!(github.starts_with("::error title=mail-cutover%3A NO-GO::1 blocker: "), "{github}");
    for line in [
        "\n::error file=移行計画.toml,line=11,title=sample-listed::NEW  203.0.113.25 is listed",
        "\n::error file=移行計画.toml,line=1,title=sample-silent::NEW  whether 203.0.113.26",
        "\n::warning file=移行計画.toml,line=4,title=sample-late::the TTL of mail.example.co.jp",
    ] {
        assert!(github.contains(line), "{line:?} is missing from {github}");
    }
    assert!(!github.contains("sample-known"), "a note nobody asked for");
    let piped = render(&Report { plan_path: "-".to_owned(), ..five() }, Format::Github, &quiet);
    assert!(!piped.contains("file="), "standard input is no file");
}

/// Lost if it fails: graphs of the service would be empty: figures that the plugin guidelines do not allow are dropped whole.
#[test]
fn figures_are_those_of_the_guidelines() {
    let text = render(&five(), Format::Nagios, &FULL);
    let (status, figures) = text.lines().next().unwrap().split_once(" | ").unwrap();
    assert!(status.starts_with("MAIL-CUTOVER CRITICAL - NO-GO: 1 blocker: sample-listed (203.0.113.25)"), "{status}");
    let mut read = std::collections::BTreeMap::new();
    for figure in figures.split(' ') {
        let (label, rest) = figure.split_once('=').unwrap();
        let fields: Vec<&str> = rest.split(';').collect();
        assert!(fields.len() <= 5 && label.chars().all(|sign| sign.is_ascii_lowercase()), "{figure}");
        let number = fields[0].trim_end_matches('s');
        read.insert(label, number.parse::<f64>().unwrap());
        assert!(fields[1..].iter().all(|field| field.is_empty() || field.parse::<f64>().is_ok()), "{figure}");
    }
    let counted =
        ["blockers", "unknowns", "warnings", "waived", "notes", "passed", "questions"].map(|label| read[label]);
    assert_eq!((counted, read["time"]), ([1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0], 2.0));
    assert!(text.contains("\nBLOCKER sample-listed: NEW  203.0.113.25 is listed"), "{text}");
}

/// Lost if it fails: an alert on the verdict or on the age of the last run would never fire.
#[test]
fn metrics_say_what_alerts_ask() {
    let report = five();
    let text = render(&report, Format::Prometheus, &FULL);
    for line in [
        "mail_cutover_verdict{verdict=\"NO-GO\"} 1",
        "mail_cutover_verdict{verdict=\"GO\"} 0",
        "mail_cutover_statements{level=\"blocker\"} 1",
        "mail_cutover_check_state{check=\"sample-address\",subject=\"203.0.113.27\",side=\"new\",state=\"passed\"} 1",
        "mail_cutover_finding{check=\"sample-name\",tag=\"sample-late\",level=\"warning\",subject=\"mail.example.co.jp\",side=\"\",about=\"\"} 1",
        "mail_cutover_complete 1",
        "mail_cutover_simulated 0",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is missing from\n{text}");
    }
    let finished = format!("mail_cutover_last_run_timestamp_seconds {}", report.finished.timestamp());
    assert!(text.contains(&finished), "{finished}");
}

/// Lost if it fails: a statement would be missing in the spreadsheet, or stand in the wrong column.
#[test]
fn every_statement_is_a_row() {
    let report = five();
    let text = render(&report, Format::Csv, &FULL);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let place = |wanted: &str, heading: &csv::StringRecord| heading.iter().position(|name| name == wanted).unwrap();
    let heading = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    let said: Vec<(&str, &str)> = report
        .sections
        .iter()
        .flat_map(|section| &section.statements)
        .map(|one| match (one.status(), one.level, one.waiver.is_some()) {
            (_, _, true) => ("waived", "sample-listed"),
            (Status::Found, Some(Level::Blocker), _) => ("blocker", "sample-listed"),
            (Status::Found, Some(Level::Warning), _) => ("warning", "sample-late"),
            (Status::Found, ..) => ("note", "sample-known"),
            (Status::Unknown, ..) => ("unknown", "sample-silent"),
            (Status::Passed, ..) => ("passed", ""),
            (Status::NotCovered, ..) => ("not-covered", ""),
            (Status::NotApplicable, ..) => ("not-applicable", ""),
        })
        .collect();
    let (status, tag) = (place("status", &heading), place("tag", &heading));
    assert_eq!(rows.iter().map(|row| (&row[status], &row[tag])).collect::<Vec<_>>(), said);
    let (seen, line) = (place("seen", &heading), place("plan_line", &heading));
    assert_eq!(
        rows.iter().map(|row| row[line].parse::<usize>().unwrap()).collect::<Vec<_>>(),
        [1, 1, 11, 1, 1, 7, 1, 4, 1]
    );
    assert!(rows[2][seen].contains("25.113.0.203.list.example. A → 127.0.0.2"), "{}", &rows[2][seen]);
}

/// Lost if it fails: a rehearsal, the demo or half a run could be taken for the real thing.
#[test]
fn what_is_not_the_whole_real_world_says_so() {
    let zone = Rehearsed { zone: "example.co.jp".to_owned(), path: "new.zone".to_owned(), sha256: "0".repeat(64) };
    let cases = [
        (Report { simulated: true, ..five() }, ["SIMULATED", "模擬環境", "simulated"]),
        (Report { rehearsed: vec![zone], ..five() }, ["REHEARSED", "リハーサル", "rehearsed"]),
        (
            Report { completion: Completion::Deadline, ..five() },
            ["cut short by its deadline", "打ち切られた", "complete"],
        ),
    ];
    for (report, [en, ja, metric]) in cases {
        for form in forms() {
            let [english, japanese] = in_both(&report, form);
            match form {
                Format::Prometheus => {
                    let value = u8::from(metric != "complete");
                    assert!(english.contains(&format!("\nmail_cutover_{metric} {value}\n")), "{metric}: {english}");
                }
                // Each row says for itself whether it is real; the verdict of half a run is HOLD.
                Format::Csv => assert_eq!(english.contains("simulated"), report.simulated, "{english}"),
                _ => {
                    assert!(english.contains(en), "{form:?} does not say {en}");
                    assert!(japanese.contains(ja), "{form:?} does not say {ja}");
                }
            }
        }
    }
}

/// Lost if it fails: a form that nobody finds, because no page says what it is for.
#[test]
fn every_form_has_its_place_in_the_pages() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.md")).unwrap();
    for form in Format::value_variants() {
        let name = form.to_possible_value().unwrap();
        let name = name.get_name();
        assert!(page.contains(&format!("--format {name}")), "docs/report.md does not say what --format {name} is for");
    }
}
