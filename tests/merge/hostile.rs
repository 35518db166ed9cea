//! Files that are no report, damaged ones, and those that somebody wrote to do harm.

use mail_cutover::check::{Check, LEFT_OUT};
use mail_cutover::merge::join;
use mail_cutover::model::{Applied, Completion, Lang, Level, Report, Statement, Status, Verdict};
use mail_cutover::render::{Format, Style, render};
use mail_cutover::saved::{LONGEST_REPORT, ReadError, read};

use crate::{VERBOSE, checks_of, json, sample};

/// Reads it; whatever comes back can be joined and shown, and holds nothing that moves a cursor.
fn survive(bytes: &[u8], tool: &'static str, checks: &[&'static Check], show: bool) -> Option<Report> {
    let report = match read(bytes, tool, checks) {
        Ok(report) => report,
        Err(error) => {
            let error = error.to_string();
            assert!(!error.contains(char::is_control), "{error:?}");
            return None;
        }
    };
    if show {
        let joined = join(vec![report.clone(), report.clone()], checks).unwrap();
        for (report, format) in [(&report, Format::Table), (&joined, Format::Table), (&joined, Format::Markdown)] {
            let text = render(report, format, &VERBOSE);
            let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
            assert_eq!(bad, None, "{text}");
        }
    }
    Some(report)
}

/// Lost if it fails: a report that was cut on its way, or changed by a bad disk, would end the tool instead of the merge.
#[test]
fn damaged_reports_never_break_the_tool() {
    let report = sample::report(&sample::five());
    let checks = checks_of(&report);
    let text = json(&report, Lang::Ja).into_bytes();
    for end in (0..text.len() - 2).step_by(13) {
        assert!(survive(&text[..end], report.tool, &checks, false).is_none(), "{end} of {} octets", text.len());
    }
    let mut state: u64 = 1;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut whole = 0;
    for round in 0..4000 {
        let mut damaged = text.clone();
        for _ in 0..=next(3) {
            let place = next(damaged.len());
            damaged[place] ^= 1 << next(8);
        }
        whole += usize::from(survive(&damaged, report.tool, &checks, round % 40 == 0).is_some());
    }
    assert!(whole > 200, "nearly every change was refused ({whole} were not): the test looks at nothing but JSON");
}

/// Lost if it fails: a value of the wrong kind or size in a place where nobody expects it would end the tool.
#[test]
fn every_value_may_be_wrong() {
    let report = sample::report(&sample::five());
    let checks = checks_of(&report);
    let document: serde_json::Value = serde_json::from_str(&json(&report, Lang::En)).unwrap();
    let mut pointers = vec![String::new()];
    let mut at = 0;
    while at < pointers.len() {
        let pointer = pointers[at].clone();
        match document.pointer(&pointer).unwrap() {
            serde_json::Value::Object(map) => pointers.extend(map.keys().map(|key| format!("{pointer}/{key}"))),
            serde_json::Value::Array(list) => {
                pointers.extend((0..list.len()).map(|index| format!("{pointer}/{index}")))
            }
            _ => {}
        }
        at += 1;
    }
    let wrong = [
        serde_json::json!(null),
        serde_json::json!("\u{1b}[2J\u{202e}日"),
        serde_json::json!(-1),
        serde_json::json!(1e308),
        serde_json::json!(u64::MAX),
        serde_json::json!([]),
        serde_json::json!({ "en": "{ip}", "ja": "\u{7}" }),
        serde_json::json!("9999-12-31T23:59:60+23:59"),
    ];
    for (number, pointer) in pointers.iter().enumerate() {
        for value in wrong.iter().skip(number % 3).step_by(3) {
            let mut damaged = document.clone();
            *damaged.pointer_mut(pointer).unwrap() = value.clone();
            survive(damaged.to_string().as_bytes(), report.tool, &checks, number % 10 == 0);
        }
    }
}

/// Lost if it fails: a file made to fill memory or the stack would do so.
#[test]
fn size_and_depth_are_bounded() {
    let of = |bytes: &[u8]| read(bytes, "x", &[]).map(|_| ()).unwrap_err();
    assert_eq!(of(&vec![b' '; LONGEST_REPORT + 1]), ReadError::TooLong);
    assert_eq!(of(&vec![b'['; 1 << 20]), ReadError::NotAReport);
    let report = sample::report(&[]);
    let one = "{\"subject\": {\"kind\": \"run\", \"value\": \"run\"}, \"status\": \"passed\"}, ";
    let many =
        json(&report, Lang::En).replacen("\"statements\": [", &format!("\"statements\": [{}", one.repeat(100_000)), 1);
    let ReadError::Damaged(told) = read(many.as_bytes(), report.tool, &checks_of(&report)).unwrap_err() else {
        panic!()
    };
    assert!(told.contains("more statements than a run can make"), "{told}");
    // What is not looked for is passed over without going into it.
    assert_eq!(of(format!("{{\"details\":{}", "[".repeat(1 << 20)).as_bytes()), ReadError::Cut);
    let steps = "{\"text\": \"\", \"below\": [".repeat(1 << 16) + &"]}".repeat(1 << 16);
    let deep = json(&report, Lang::En).replacen("\"status\"", &format!("\"details\": [{steps}], \"status\""), 1);
    let ReadError::Damaged(told) = read(deep.as_bytes(), report.tool, &checks_of(&report)).unwrap_err() else {
        panic!()
    };
    assert!(told.contains("recursion limit"), "{told}");
    assert_eq!(of(b" \n"), ReadError::Empty);
    assert_eq!(of(b"{\"schema\": 1, \"tool\": \"x"), ReadError::Cut);
    for other in ["change = \"CHG-1\"\n", "# GO: CHG-1\n", "[]", "1", "{}", "{\"schema\": 1}", "\u{feff}{}"] {
        assert_eq!(of(other.as_bytes()), ReadError::NotAReport, "{other}");
    }
}

/// Lost if it fails: who edits a level, a verdict or a waiver in the file would edit the verdict of the merge.
#[test]
fn what_a_file_claims_to_weigh_is_worked_out_anew() {
    let report = sample::report(&sample::five());
    let checks = checks_of(&report);
    let of = |from: &str, to: &str| {
        let text = json(&report, Lang::En);
        assert!(text.contains(from), "{from}");
        read(text.replace(from, to).as_bytes(), report.tool, &checks).unwrap()
    };
    let light = of("\"level\": \"blocker\"", "\"level\": \"note\"");
    assert_eq!((light.verdict, light.sections[0].statements[2].level), (Verdict::NoGo, Some(Level::Blocker)));
    assert_eq!(of("\"verdict\": \"NO-GO\"", "\"verdict\": \"GO\"").verdict, Verdict::NoGo);
    let silent = of("\"status\": \"unknown\"", "\"status\": \"found\"");
    assert_eq!(silent.sections[0].statements[3].status(), Status::Unknown);
    let expired = of("\"until\": \"2026-12-31\"", "\"until\": \"2026-11-30\"");
    assert_eq!(expired.sections[0].statements[5].waiver, None);
    // A waiver on what cannot be waived.
    let mut noted = sample::report(&sample::five());
    let until = "2026-12-31".parse().unwrap();
    let waiver = Applied { owner: String::new(), reason: String::new(), reference: None, until, line: 1 };
    noted.sections[0].statements[1].waiver = Some(waiver);
    let back = read(json(&noted, Lang::En).as_bytes(), noted.tool, &checks).unwrap();
    assert_eq!(back.sections[0].statements[1].waiver, None);
}

/// Lost if it fails: a moment at the end of what a calendar can hold would end the tool: elsewhere on earth it is beyond the end.
#[test]
fn moments_beyond_the_calendar_are_refused() {
    let report = sample::report(&sample::five());
    let checks = checks_of(&report);
    let document: serde_json::Value = serde_json::from_str(&json(&report, Lang::En)).unwrap();
    let places = [
        "/started",
        "/finished",
        "/plan/cutover_at",
        "/plan/milestones/0/at",
        "/parts/0/started",
        "/parts/0/finished",
        "/observations/0/exchanges/0/at",
    ];
    for place in places {
        for strange in
            ["+262142-12-31T23:59:59Z", "-262143-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z"]
        {
            let mut damaged = document.clone();
            *damaged.pointer_mut(place).unwrap() = strange.into();
            let read = read(damaged.to_string().as_bytes(), report.tool, &checks).map(|_| ());
            assert!(matches!(&read, Err(ReadError::Damaged(why)) if why.contains("in the year")), "{place}: {read:?}");
        }
    }
}

/// Lost if it fails: a report of another version would be half understood.
#[test]
fn what_this_version_does_not_know_is_refused() {
    let report = sample::report(&sample::five());
    let checks = checks_of(&report);
    let error = |from: &str, to: &str| {
        let text = json(&report, Lang::En);
        assert!(text.contains(from), "{from}");
        read(text.replace(from, to).as_bytes(), report.tool, &checks).map(|_| ()).unwrap_err()
    };
    assert_eq!(error("\"schema\": 1", "\"schema\": 2"), ReadError::Schema(2));
    let other = ReadError::Tool("mail-cutover 9\\u{1b}".to_owned(), report.tool);
    assert_eq!(error("\"mail-cutover 0.0.0\"", "\"mail-cutover 9\\u001b\""), other);
    let tag = ReadError::Tag("sample-address", "sample-lisled".to_owned());
    assert_eq!(error("\"tag\": \"sample-listed\"", "\"tag\": \"sample-lisled\""), tag);
    assert_eq!(error("\"id\": \"sample-name\"", "\"id\": \"x\""), ReadError::Check("x".to_owned()));
    for (from, to, detail) in [
        ("\"id\": \"sample-name\"", "\"id\": \"sample-address\"", "stands there twice"),
        ("\"sha256\": \"0123", "\"sha256\": \"日", "fingerprint"),
        ("\"id\": 3", "\"id\": 1", "out of order"),
        ("\"id\": 3", "\"part\": 7, \"id\": 3", "a run that it does not name"),
        ("\"kind\": \"address\"", "\"kind\": \"planet\"", "no subject planet"),
        ("\"status\": \"passed\"", "\"status\": \"found\"", "a tag or a status"),
        ("\"parts\"", "\"part\"", "missing field `parts`"),
    ] {
        let ReadError::Damaged(told) = error(from, to) else { panic!("{from}") };
        assert!(told.contains(detail), "{told}");
    }
}

/// Lost if it fails: a name in a file could paint the screen where the tool itself uses colour.
#[test]
fn a_report_from_a_file_is_safe_in_colour() {
    let report = sample::report(&sample::five());
    let text = json(&report, Lang::En).replace("kanri@mx1", "\\u001b[31mred");
    let back = read(text.as_bytes(), report.tool, &checks_of(&report)).unwrap();
    let painted = render(&back, Format::Table, &Style { color: true, ..VERBOSE });
    assert!(painted.contains("\\u{1b}[31mred") && !painted.contains("\u{1b}[31m"), "{painted}");
}

/// Lost if it fails: a report out of which somebody took a check that can block, or whose checks were left out, would be read back as GO.
#[test]
fn what_a_file_leaves_out_is_missed() {
    let mut report = sample::report(&[]);
    let clean = sample::report(&sample::five()).sections[0].statements[4].clone();
    report.sections[0].statements.push(clean);
    // Something that cannot block is measured all the same.
    report.sections[1].statements[0] = Statement::passed(report.sections[1].statements[0].subject.clone());
    report.verdict = Verdict::Go;
    let checks = checks_of(&report);
    let of = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut document = serde_json::from_str(&json(&report, Lang::En)).unwrap();
        change(&mut document);
        let back = read(document.to_string().as_bytes(), report.tool, &checks).unwrap();
        (back.verdict, back.completion)
    };
    assert_eq!(of(&|_| {}), (Verdict::Go, Completion::Complete));
    let held = (Verdict::Hold, Completion::Partial);
    assert_eq!(of(&|file| drop(file["checks"].as_array_mut().unwrap().remove(0))), held);
    assert_eq!(of(&|file| file["checks"][0]["statements"] = serde_json::json!([])), held);
    let left_out = serde_json::json!([{
        "subject": { "kind": "run", "value": "run" }, "status": "not-covered", "text": LEFT_OUT.en,
        "reason": { "en": LEFT_OUT.en, "ja": LEFT_OUT.ja },
    }]);
    assert_eq!(of(&|file| file["checks"][0]["statements"] = left_out.clone()), held);
    // What cannot block may be missing, as it may be left out.
    assert_eq!(of(&|file| file["checks"][1]["statements"] = left_out.clone()), (Verdict::Go, Completion::Complete));
}
