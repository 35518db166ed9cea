//! How a report looks: the same sample in every form, language and width. `UPDATE_EXPECT=1` writes the snapshots anew.

#![expect(clippy::unwrap_used, reason = "a sample that cannot be made stops the test")]

#[path = "render/agree.rs"]
mod agree;
#[path = "render/sample.rs"]
mod sample;

use expect_test::expect_file;
use mail_cutover::model::{
    Card, Completion, Detail, Lang, Level, Levels, Outcome, Report, Section, Side, Statement, Subject, Text, Verdict,
};
use mail_cutover::render::{Format, Style, render};
use unicode_width::UnicodeWidthStr;

const PLAIN: Style =
    Style { lang: Lang::En, color: false, width: 80, unicode: true, verbose: false, quiet: false, strict: false };

fn table(report: &Report, style: &Style) -> String {
    render(report, Format::Table, style)
}

/// Lost if it fails: the table that an administrator signs would change unseen.
#[test]
fn the_table_looks_as_agreed() {
    let report = sample::report(&sample::five());
    let ja = Style { lang: Lang::Ja, ..PLAIN };
    expect_file!["render/80.en.txt"].assert_eq(&table(&report, &PLAIN));
    expect_file!["render/80.ja.txt"].assert_eq(&table(&report, &ja));
    expect_file!["render/120.en.txt"].assert_eq(&table(&report, &Style { width: 120, ..PLAIN }));
    expect_file!["render/120.ja.txt"].assert_eq(&table(&report, &Style { width: 120, ..ja }));
    expect_file!["render/ascii.en.txt"].assert_eq(&table(&report, &Style { unicode: false, verbose: true, ..PLAIN }));
    expect_file!["render/quiet.ja.txt"].assert_eq(&table(&report, &Style { quiet: true, ..ja }));
}

/// Lost if it fails: programs that read schema 1 would break; a change here needs a new schema number.
#[test]
fn json_keeps_its_shape() {
    let report = sample::report(&sample::five());
    expect_file!["render/schema-1.en.json"].assert_eq(&render(&report, Format::Json, &PLAIN));
    let ja = render(&report, Format::Json, &Style { lang: Lang::Ja, ..PLAIN });
    let read: serde_json::Value = serde_json::from_str(&ja).unwrap();
    assert_eq!(read["schema"], 1);
    assert_eq!(read["verdict"], "NO-GO");
}

/// Lost if it fails: the checklist in the change ticket would change unseen, or carry markup from a list's TXT record.
#[test]
fn markdown_looks_as_agreed() {
    let report = sample::report(&sample::five());
    expect_file!["render/checklist.en.md"].assert_eq(&render(&report, Format::Markdown, &PLAIN));
    expect_file!["render/checklist.ja.md"].assert_eq(&render(
        &report,
        Format::Markdown,
        &Style { lang: Lang::Ja, ..PLAIN },
    ));
}

/// Lost if it fails: lines would run over the edge of somebody's terminal, or the grid's right border would stagger.
#[test]
fn no_line_is_wider_than_the_terminal() {
    for new in [sample::five(), sample::many()] {
        let report = sample::report(&new);
        for lang in [Lang::En, Lang::Ja] {
            for width in [60, 72, 80, 100, 120, 160, 200] {
                for (unicode, verbose) in [(true, false), (false, true)] {
                    let text = table(&report, &Style { lang, width, unicode, verbose, ..PLAIN });
                    for line in text.lines() {
                        assert!(line.width() <= width, "{} columns of {width}: {line}", line.width());
                        assert_eq!(line, line.trim_end(), "{width}: spaces at the end of a line");
                    }
                    for border in text.lines().filter(|line| line.starts_with(['│', '║'])) {
                        assert!(border.ends_with(['│', '║']), "{width}: a row without its end: {border}");
                    }
                }
            }
        }
    }
}

/// Lost if it fails: who doubts a verdict about a mail server could not read what the server said, or could read nothing else.
#[test]
fn a_conversation_is_shown_line_by_line() {
    let mut report = sample::report(&sample::five());
    let dns = report.observations[0].clone();
    let said = |lines: &[String]| mail_cutover::model::Observation {
        door: "smtp".into(),
        question: "SMTP 203.0.113.25:25".to_owned(),
        route: "server".into(),
        outcome: "ok".to_owned(),
        answer: lines.to_vec(),
        ttl: None,
        ..dns.clone()
    };
    let long = format!("< 250-{}", "long ".repeat(20).trim_end());
    let mut lines = vec!["< 220 mail.example.co.jp ESMTP".to_owned(), "> EHLO desk.example.co.jp".to_owned(), long];
    report.observations.push(said(&lines));
    lines.extend((0..70).map(|number| format!("< 250-X{number}")));
    report.observations.push(said(&lines));
    let verbose = Style { verbose: true, width: 100, ..PLAIN };
    let text = table(&report, &verbose);
    for wanted in [
        "SMTP 203.0.113.25:25 → conversation of 3 lines (",
        "\n                 < 220 mail.example.co.jp ESMTP\n                 > EHLO desk.example.co.jp\n",
        "\n                   long long",
        "\n                 < 250-X56\n                 … +13\n",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing from\n{text}");
    }
    assert!(!text.contains("250-X57"));
    assert!(table(&report, &Style { lang: Lang::Ja, ..verbose }).contains("→ 3 行の対話 ("));
    assert!(!table(&report, &PLAIN).contains("EHLO"), "shown without being asked for");
    let plain = table(&sample::report(&sample::five()), &verbose);
    assert!(!plain.lines().any(|line| line.starts_with("                 ") && line.trim().starts_with(['<', '>'])));
}

/// Lost if it fails: terminals and logs that know only ASCII would show rubbish, or a redirected report escapes.
#[test]
fn what_was_not_asked_for_is_not_written() {
    let report = sample::report(&sample::five());
    let ascii = table(&report, &Style { unicode: false, ..PLAIN });
    let own = ascii.lines().filter(|line| line.starts_with(['+', '|', '='])).collect::<String>();
    assert!(own.len() > 500, "the grid is drawn with other characters than the test looks for");
    let words_from_outside = "移行計画メールサーバーの本番";
    assert!(own.chars().all(|c| c.is_ascii() || words_from_outside.contains(c)), "{own}");
    for unicode in [false, true] {
        assert!(!table(&report, &Style { unicode, ..PLAIN }).contains('\u{1b}'), "an escape without colour");
    }
}

/// Lost if it fails: colour would carry meaning that is lost without it, or a list's TXT record could paint the screen.
#[test]
fn colour_adds_nothing_but_colour() {
    let report = sample::report(&sample::five());
    let painted = table(&report, &Style { color: true, ..PLAIN });
    let mut bare = String::new();
    let mut rest = painted.as_str();
    while let Some(at) = rest.find('\u{1b}') {
        bare.push_str(&rest[..at]);
        let escape = &rest[at..];
        let end = escape.find('m').unwrap();
        assert!(escape[1..end].chars().all(|c| c == '[' || c == ';' || c.is_ascii_digit()), "{}", &escape[1..end]);
        rest = &escape[end + 1..];
    }
    bare.push_str(rest);
    assert!(painted.len() > bare.len(), "nothing was coloured");
    assert_eq!(bare, table(&report, &PLAIN));
}

/// Lost if it fails: two hundred addresses would make a table nobody can read, or leave some out.
#[test]
fn many_addresses_get_a_row_each() {
    let new = sample::many();
    let report = sample::report(&new);
    for text in [table(&report, &PLAIN), render(&report, Format::Markdown, &PLAIN)] {
        for ip in &new {
            let ip = ip.to_string();
            let rows = text
                .lines()
                .filter(|line| line.starts_with(['│', '|']) && line.split(['│', '┆', '|', ' ']).any(|word| word == ip));
            assert_eq!(rows.count(), 1, "{ip}");
        }
        assert!(text.contains("NO-GO") || text.contains("N O - G O"));
    }
}

/// Lost if it fails: an interrupted or shortened run could be mistaken for a whole one.
#[test]
fn a_run_that_was_cut_short_says_so() {
    for (completion, en, ja) in [
        (Completion::Deadline, "cut short by its deadline", "打ち切られた"),
        (Completion::Interrupted, "was interrupted", "中断された"),
        (Completion::Partial, "left out by --only or --skip", "除外された"),
    ] {
        let report = Report { completion, verdict: Verdict::Hold, ..sample::report(&sample::five()) };
        for (lang, words) in [(Lang::En, en), (Lang::Ja, ja)] {
            for format in [Format::Table, Format::Markdown] {
                let text = render(&report, format, &Style { lang, width: 200, ..PLAIN });
                assert!(text.contains(words), "{completion:?} in {format:?}: {words}");
            }
        }
        assert!(render(&report, Format::Json, &PLAIN).contains(&format!("\"completion\": \"{}\"", completion.word())));
    }
}

/// The sample, with steps below a finding, a note and something that passed.
fn with_steps() -> Report {
    let mut report = sample::report(&sample::five());
    for statement in &mut report.sections[0].statements {
        let below = [Detail::new("``` </details> | of\u{1b}[2J the first"), Detail::new("下".repeat(60))];
        let deep = (0..20).fold(Detail::new("the deepest"), |below, _| Detail::new("-").with([below]));
        *statement = statement.clone().details([Detail::new("a step").with(below), deep]);
    }
    report
}

/// Lost if it fails: nobody could see how a finding came about, or the steps would fill every report and break its forms.
#[test]
fn steps_are_shown_to_who_asks() {
    let report = with_steps();
    let plain = sample::report(&sample::five());
    assert_eq!(table(&report, &PLAIN), table(&plain, &PLAIN));
    let verbose = Style { verbose: true, ..PLAIN };
    let text = table(&report, &verbose);
    // One blocker, one waived, one unknown, one note; one that passed on each side.
    assert_eq!(text.matches("    steps    a step\n").count(), 6, "{text}");
    assert_eq!(text.matches("the deepest").count(), 6);
    assert!(text.contains("PASSED, step by step\n✓ sample-address  OLD 192.0.2.25\n"), "{text}");
    for width in [60, 80, 200] {
        for lang in [Lang::En, Lang::Ja] {
            for line in table(&report, &Style { width, lang, ..verbose }).lines() {
                assert!(line.width() <= width, "{} columns of {width}: {line}", line.width());
            }
        }
    }
    assert_eq!(table(&report, &Style { quiet: true, ..verbose }), table(&plain, &Style { quiet: true, ..verbose }));
}

/// Lost if it fails: programs could not read the steps, or a record could put markup into the change ticket by them.
#[test]
fn steps_keep_their_shape_in_every_form() {
    let report = with_steps();
    let read: serde_json::Value = serde_json::from_str(&render(&report, Format::Json, &PLAIN)).unwrap();
    let steps = &read["checks"][0]["statements"][0]["details"];
    assert_eq!(steps[0]["text"], "a step");
    assert_eq!(steps[0]["below"][0]["text"], "``` </details> | of\\u{1b}[2J the first");
    assert!(steps[0]["below"][0].get("below").is_none());
    assert!(read["checks"][1]["statements"][0].get("details").is_none());
    let page = render(&report, Format::Markdown, &PLAIN);
    let folded = "  - <details><summary>steps (24 lines)</summary>\n\n    ````text\n    a step\n      ``` </details>";
    assert_eq!(page.matches(folded).count(), 3, "{page}");
    assert_eq!(page.matches("    ````\n\n    </details>\n").count(), 3);
}

/// Lost if it fails: a run held by an old address that must still do its part would not say what held it.
#[test]
fn an_old_address_that_counts_is_named() {
    static LEAVES: Outcome = Outcome {
        tag: "sample-leaves",
        levels: Levels::BLOCKER.old(Level::Blocker),
        says: Text { en: "", ja: "" },
        remedy: Text { en: "", ja: "" },
    };
    static COUNTS: [&Outcome; 1] = [&LEAVES];
    let mut report = sample::report(&sample::five());
    let sample = report.sections[0].card;
    let silent = sample.outcome("sample-silent").unwrap();
    let old = Subject::Address("192.0.2.25".parse().unwrap(), Side::Old);
    let unknown = Statement { level: Some(Level::Unknown), ..Statement::outcome(silent, old) };
    let counts: &'static Card = Box::leak(Box::new(Card { outcomes: &COUNTS, ..*sample }));
    for (card, expected) in [(counts, true), (sample, false)] {
        report.sections = vec![Section { card, statements: vec![unknown.clone()] }];
        assert_eq!(table(&report, &PLAIN).contains("1 not measured: sample-silent (192.0.2.25)"), expected);
    }
}

/// Lost if it fails: a run held because the plan wants an old address covered would say "nothing found" below HOLD.
#[test]
fn what_must_be_covered_is_named_whatever_the_side() {
    let mut report = sample::report(&sample::five());
    let old = Subject::Address("192.0.2.25".parse().unwrap(), Side::Old);
    let outcome = &mail_cutover::check::NOT_COVERED;
    let open = Statement { level: Some(Level::Unknown), ..Statement::outcome(outcome, old.clone()) };
    report.sections = vec![Section { card: report.sections[0].card, statements: vec![Statement::passed(old), open] }];
    report.verdict = Verdict::over(&report.sections, report.phase, true);
    let text = table(&report, &PLAIN);
    assert_eq!(report.verdict, Verdict::Hold);
    assert!(text.contains("1 not measured: run-not-covered (192.0.2.25)") && !text.contains("nothing found"), "{text}");
}

/// Lost if it fails: a simulated run could be attached to a change ticket as if it were real.
#[test]
fn a_simulated_world_is_named_in_every_form() {
    let report = Report { simulated: true, ..sample::report(&sample::five()) };
    for lang in [Lang::En, Lang::Ja] {
        for (format, quiet) in [(Format::Table, false), (Format::Table, true), (Format::Markdown, false)] {
            let text = render(&report, format, &Style { lang, width: 200, quiet, ..PLAIN });
            assert!(text.contains(if lang == Lang::En { "SIMULATED" } else { "模擬環境" }), "{format:?}");
        }
    }
    assert!(render(&report, Format::Json, &PLAIN).contains("\"simulated\": true"));
}
