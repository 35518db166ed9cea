//! Report → JSON → report: nothing is lost on the way.

use mail_cutover::checks::CHECKS;
use mail_cutover::model::{Detail, Lang, Report, Statement, TOOL, Value};
use mail_cutover::render::{Format, Style, render};
use mail_cutover::saved::read;

use crate::{VERBOSE, checks_of, json, sample};

/// The sample, with values that differ between the languages, and as many steps as a statement can have.
fn rich() -> Report {
    let mut report = sample::report(&sample::five());
    for (number, statement) in report.sections.iter_mut().flat_map(|section| &mut section.statements).enumerate() {
        let args = statement.args.clone().with("list", Value::both("a list of names", "名前のリスト"));
        let line = |number: usize| Detail::new(Value::both(format!("step {number}"), format!("{number} 歩目")));
        let deep = (0..30).fold(Detail::new("bottom"), |below, _| Detail::new("-").with([below]));
        let wide = line(0).with((0..400 * (number % 2)).map(line));
        *statement = Statement { args, ..statement.clone() }.details([deep, wide]);
    }
    report
}

/// Lost if it fails: a merged report would say less, or something else, than the reports it is made of.
#[test]
fn a_report_comes_back_as_it_was() {
    for report in [sample::report(&sample::five()), rich()] {
        let checks = checks_of(&report);
        for written in [Lang::En, Lang::Ja] {
            let text = json(&report, written);
            let back = read(text.as_bytes(), report.tool, &checks).unwrap();
            for lang in [Lang::En, Lang::Ja] {
                let style = Style { lang, ..VERBOSE };
                for format in [Format::Table, Format::Markdown, Format::Json] {
                    assert!(
                        render(&back, format, &style) == render(&report, format, &style),
                        "{written:?} {lang:?} {format:?}"
                    );
                }
            }
            assert_eq!(back.verdict, report.verdict);
        }
    }
}

/// Lost if it fails: what the checks really say would not come back, though the sample does.
#[test]
fn what_the_demo_says_comes_back_as_it_was() {
    for (scenario, word, lang, other) in [("default", "ja", Lang::Ja, Lang::En), ("clean", "en", Lang::En, Lang::Ja)] {
        let mut tool = std::process::Command::new(env!("CARGO_BIN_EXE_mail-cutover"));
        tool.env_clear().args(["--lang", word, "demo", "--format", "json", "--scenario", scenario]);
        let text = String::from_utf8(tool.output().unwrap().stdout).unwrap();
        let back = read(text.as_bytes(), TOOL, CHECKS).unwrap();
        assert!(json(&back, lang) == text, "{scenario} in {word}");
        // Through the other language and back: what has two languages kept both.
        let there = read(json(&back, other).as_bytes(), TOOL, CHECKS).unwrap();
        assert!(json(&there, lang) == text, "{scenario} in {word} and back");
    }
}
