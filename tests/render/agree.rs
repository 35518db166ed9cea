//! Every form of one report says the same: generated reports of every mixture, their verdict, exit code and counts worked out a second time.

use std::net::IpAddr;

use clap::ValueEnum;
use mail_cutover::check::{BUG, DEADLINE, NOT_COVERED};
use mail_cutover::exit;
use mail_cutover::model::{
    Applied, Args, Card, Completion, Lang, Level, Levels, Needs, Outcome, Phase, Rehearsed, Report, Section, Side,
    Statement, Status, Subject, Text, Verdict,
};
use mail_cutover::render::{Format, Style, render};
use serde_json::Value;

use crate::sample;

const fn text(en: &'static str) -> Text {
    Text { en, ja: en }
}

const fn outcome(tag: &'static str, levels: Levels) -> Outcome {
    Outcome { tag, levels, says: text("{ip} is as it should not be"), remedy: text("Mend it.") }
}

static BLOCKS: Outcome = outcome("any-blocks", Levels::BLOCKER);
static WARNS: Outcome = outcome("any-warns", Levels::WARNING);
static NOTES: Outcome = outcome("any-notes", Levels::NOTE);
static SILENT: Outcome = outcome("any-silent", Levels::UNKNOWN);
static LATE: Outcome = outcome("any-late", Levels::NOTE.after(Level::Blocker));
static LEAVES: Outcome = outcome("any-leaves", Levels::BLOCKER.old(Level::Blocker));

const fn card(id: &'static str, needs: Needs, outcomes: &'static [&'static Outcome]) -> Card {
    Card {
        id,
        title: text("all is well"),
        short: text(id),
        phases: &[Phase::Before, Phase::After],
        why: text(""),
        how: text(""),
        by_hand: "",
        references: &[],
        needs,
        waivable: true,
        outcomes,
    }
}

static CARDS: [Card; 7] = [
    card("blocks", Needs::Dns, &[&BLOCKS, &WARNS, &NOTES, &SILENT]),
    card("warns", Needs::Servers, &[&WARNS, &NOTES, &SILENT]),
    card("notes", Needs::Dns, &[&NOTES, &SILENT]),
    card("late", Needs::NewServer, &[&LATE, &SILENT]),
    card("leaves", Needs::Dns, &[&LEAVES, &SILENT]),
    card("plan", Needs::Plan, &[&BLOCKS, &NOTES]),
    card("results", Needs::Results, &[&BLOCKS, &WARNS]),
];

/// Numbers that look drawn and are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

fn statement(draw: &mut Draw, card: &'static Card, phase: Phase) -> Statement {
    let (old, new): (IpAddr, IpAddr) = ("192.0.2.25".parse().unwrap(), "203.0.113.25".parse().unwrap());
    let subject = draw.of(&[
        Subject::Run,
        Subject::PlanLine(3),
        Subject::Address(old, Side::Old),
        Subject::Address(new, Side::New),
        Subject::Address("2001:db8:25::25".parse().unwrap(), Side::New),
        Subject::Name("mail.example.co.jp".to_owned()),
        Subject::List("some-list".to_owned()),
    ]);
    let of_the_run = [&DEADLINE, &BUG, &NOT_COVERED];
    let said = match draw.below(10) {
        0 => Statement::not_applicable(subject, text("it does not arise")),
        1..=3 => Statement::passed(subject),
        4 => Statement::not_covered(subject, text("something is lacking")),
        5 if draw.one_in(4) => Statement::outcome(draw.of(&of_the_run), subject),
        _ => Statement::outcome(draw.of(card.outcomes), subject),
    };
    let args = Args::none().and("ip", new).and("detail", "why");
    let level = said.named().map(|outcome| outcome.levels.at(phase, said.subject.side()));
    let mut said = Statement { level, ..said.args(args) };
    if draw.one_in(3) {
        said.about = Some(draw.of(&["a", "b"]).to_owned());
    }
    if said.status() == Status::Found && level > Some(Level::Note) && draw.one_in(2) {
        let until = "2026-12-31".parse().unwrap();
        said.waiver = Some(Applied { owner: "o".into(), reason: "r".into(), reference: None, until, line: 9 });
    }
    said
}

fn generated(draw: &mut Draw) -> Report {
    let phase = draw.of(&[Phase::Before, Phase::After]);
    let mut sections = Vec::new();
    // A report in which little is said is as likely as one in which much is.
    let (each, most) = (1 + draw.below(3), 1 + draw.below(6));
    for card in &CARDS {
        if draw.one_in(each) {
            let count = draw.below(most);
            sections.push(Section { card, statements: (0..count).map(|_| statement(draw, card, phase)).collect() });
        }
    }
    let cut = [Completion::Deadline, Completion::Interrupted, Completion::Partial];
    let completion = if draw.one_in(4) { draw.of(&cut) } else { Completion::Complete };
    let zone = || Rehearsed { zone: "example.co.jp".into(), path: "zone".into(), sha256: "0".repeat(64) };
    Report {
        phase,
        verdict: Verdict::over(&sections, phase, completion == Completion::Complete),
        sections,
        completion,
        simulated: draw.one_in(8),
        rehearsed: if draw.one_in(8) { vec![zone()] } else { Vec::new() },
        ..sample::report(&[])
    }
}

/// What is said of the world, worked out without the functions under test: blockers, unknowns, warnings, notes, passed, waived.
fn counts(report: &Report) -> [usize; 6] {
    let mut counts = [0; 6];
    for said in report.sections.iter().flat_map(|section| &section.statements) {
        let place = match (said.status(), said.level, &said.waiver) {
            (Status::Passed, ..) => 4,
            (Status::Unknown, ..) => 1,
            (Status::Found, Some(Level::Blocker), None) => 0,
            (Status::Found, Some(Level::Warning), None) => 2,
            (Status::Found, Some(Level::Note), _) => 3,
            (Status::Found, _, Some(_)) => 5,
            _ => continue,
        };
        counts[place] += 1;
    }
    counts
}

fn verdict(report: &Report) -> Verdict {
    let all =
        || report.sections.iter().flat_map(|section| section.statements.iter().map(move |one| (section.card, one)));
    let found = |level, waived| {
        all()
            .any(|(_, one)| one.status() == Status::Found && one.level == Some(level) && one.waiver.is_some() == waived)
    };
    let silent = |level| {
        all().any(|(card, one)| {
            let reaches = |outcome: &&Outcome| outcome.levels.at(report.phase, one.subject.side()) == level;
            one.status() == Status::Unknown && card.outcomes.iter().any(reaches)
        })
    };
    let of_the_run = all().any(|(_, one)| one.named().is_some_and(|outcome| outcome.tag.starts_with("run-")));
    let measured = all().any(|(card, one)| {
        matches!(card.needs, Needs::Dns | Needs::Servers | Needs::NewServer)
            && matches!(one.status(), Status::Passed | Status::Found)
    });
    let is_whole = report.completion == Completion::Complete && measured;
    match () {
        () if found(Level::Blocker, false) => Verdict::NoGo,
        () if !is_whole || of_the_run || silent(Level::Blocker) => Verdict::Hold,
        () if found(Level::Warning, false) || found(Level::Blocker, true) || silent(Level::Warning) => {
            Verdict::GoWithWarnings
        }
        () => Verdict::Go,
    }
}

/// What a form says of the verdict, where it has a place for it; the rest of what it says is compared at once.
fn look(report: &Report, format: Format, style: &Style) {
    let out = render(report, format, style);
    let (words, code) = (report.verdict.words(), exit::code(report.verdict, style.strict));
    let [blockers, unknowns, warnings, notes, passed, waived] = counts(report);
    let case = || format!("{format:?} {style:?}\n{report:#?}\n{out}");
    let json = || serde_json::from_str::<Value>(&out).unwrap_or_else(|error| panic!("{error}: {}", case()));
    match format {
        Format::Table if style.quiet => {
            let last = out.lines().last().unwrap();
            let rest = last.strip_prefix(words).unwrap_or_else(|| panic!("{}", case()));
            assert!(rest.is_empty() || rest.starts_with(" ("), "{}", case());
            assert_eq!(out.lines().count() > 1, code != exit::GO || unknowns > 0, "it does not say why: {}", case());
        }
        Format::Table => {
            let framed: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix('║')).collect();
            let spread = words.chars().map(String::from).collect::<Vec<_>>().join(" ");
            assert_eq!(framed[0].trim_end_matches('║').trim(), spread, "{}", case());
            let is_fine = matches!(report.verdict, Verdict::Go | Verdict::GoWithWarnings);
            assert!(is_fine || !out.contains("nothing found"), "{}", case());
        }
        Format::Markdown => assert!(out.starts_with(&format!("# {words}: ")), "{}", case()),
        Format::Html => {
            let class = match report.verdict {
                Verdict::Go => "go",
                Verdict::GoWithWarnings => "careful",
                Verdict::Hold => "hold",
                Verdict::NoGo => "nogo",
            };
            assert!(out.contains(&format!("<title>{words}: ")), "{}", case());
            assert!(out.contains(&format!("<div class=\"verdict {class}\">")), "{}", case());
            let tally = out.split("<ul class=\"tally\"").nth(1).unwrap().split("</ul>").next().unwrap();
            let told: Vec<&str> = tally.split("<b>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
            let counted = [blockers, unknowns, warnings, waived, notes, passed].map(|count| count.to_string());
            assert_eq!(told, counted, "{}", case());
        }
        Format::Json => {
            let told = json();
            assert_eq!((told["verdict"].as_str(), told["exit_code"].as_u64()), (Some(words), Some(code.into())));
            let all = ["blockers", "unknowns", "warnings", "notes", "passed", "waived"];
            let counted = all.map(|kind| told["counts"][kind].as_u64().unwrap());
            assert_eq!(counted, counts(report).map(|count| count as u64), "{}", case());
        }
        Format::Csv => {
            let mut rows = csv::Reader::from_reader(out.as_bytes());
            let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
            assert!(rows.iter().all(|row| row[1] == *words), "{}", case());
            let of = |status: &str| rows.iter().filter(|row| row[9] == *status).count();
            let told = ["blocker", "unknown", "warning", "note", "passed", "waived"].map(of);
            assert_eq!(told, counts(report), "{}", case());
        }
        Format::Junit => {
            assert!(out.contains(&format!("name=\"verdict: {words}\"")), "{}", case());
            let red = out.matches("<failure ").count() + out.matches("<error ").count();
            let heavy =
                report.sections.iter().flat_map(|section| section.statements.iter().map(move |one| (section, one)));
            let heavy = heavy.filter(|(section, one)| {
                exit::code(Verdict::weighing(section.card, one, report.phase), style.strict) != exit::GO
            });
            assert_eq!(red, heavy.count() + usize::from(code != exit::GO), "{}", case());
        }
        Format::Sarif => {
            let run = &json()["runs"][0];
            let level = match report.verdict {
                Verdict::Go => "note",
                Verdict::GoWithWarnings => "warning",
                Verdict::Hold | Verdict::NoGo => "error",
            };
            let first = &run["invocations"][0]["toolExecutionNotifications"][0];
            assert_eq!((run["properties"]["verdict"].as_str(), first["level"].as_str()), (Some(words), Some(level)));
            assert!(first["message"]["text"].as_str().unwrap().starts_with(&format!("{words}: ")), "{}", case());
        }
        Format::Nagios => {
            let (state, exit) = match (report.verdict, style.strict) {
                (Verdict::Go, _) => ("OK", 0),
                (Verdict::GoWithWarnings, false) => ("WARNING", 1),
                (Verdict::GoWithWarnings, true) | (Verdict::NoGo, _) => ("CRITICAL", 2),
                (Verdict::Hold, _) => ("UNKNOWN", 3),
            };
            assert_eq!(format.exit(report.verdict, style.strict), exit, "{}", case());
            let first = out.lines().next().unwrap();
            assert!(first.starts_with(&format!("MAIL-CUTOVER {state} - {words}: ")), "{}", case());
            let figures = format!(
                "| blockers={blockers};;0;0 unknowns={unknowns};0;;0 warnings={warnings};0;;0 waived={waived};;;0 notes={notes};;;0 passed={passed};;;0 "
            );
            assert!(first.contains(&figures), "{figures}: {}", case());
        }
        Format::Prometheus => {
            for one in [Verdict::Go, Verdict::GoWithWarnings, Verdict::Hold, Verdict::NoGo] {
                let value = u8::from(one == report.verdict);
                let line = format!("\nmail_cutover_verdict{{verdict=\"{}\"}} {value}\n", one.words());
                assert!(out.contains(&line), "{}", case());
            }
            let kinds = ["blocker", "unknown", "warning", "note", "passed", "waived"];
            for (kind, count) in kinds.into_iter().zip(counts(report)) {
                assert!(
                    out.contains(&format!("\nmail_cutover_statements{{level=\"{kind}\"}} {count}\n")),
                    "{}",
                    case()
                );
            }
        }
        Format::Github => {
            let kind = match report.verdict {
                Verdict::Go => "notice",
                Verdict::GoWithWarnings => "warning",
                Verdict::Hold | Verdict::NoGo => "error",
            };
            assert!(out.starts_with(&format!("::{kind} title=mail-cutover%3A {words}::")), "{}", case());
        }
        Format::Gitlab => {
            let rank =
                |word: &str| ["info", "minor", "major", "critical", "blocker"].iter().position(|one| *one == word);
            let told = json();
            let worst = told.as_array().unwrap().iter().map(|issue| rank(issue["severity"].as_str().unwrap())).max();
            let least = match report.verdict {
                Verdict::Go => None,
                Verdict::GoWithWarnings => rank("minor"),
                Verdict::Hold => rank("critical"),
                Verdict::NoGo => rank("blocker"),
            };
            assert!(worst.flatten() >= least, "{}", case());
            // Nothing is worse than the verdict but that the world was not the real one.
            assert!(worst.flatten() <= least.max(rank("major")), "{}", case());
        }
    }
}

/// Lost if it fails: one reader would see GO where another sees HOLD, or the pipeline go on where the page says stop.
#[test]
fn all_forms_agree() {
    let mut draw = Draw(20261205);
    let mut seen = [0; 4];
    for _ in 0..600 {
        let report = generated(&mut draw);
        assert_eq!(report.verdict, verdict(&report), "{report:#?}");
        seen[report.verdict as usize] += 1;
        let lang = draw.of(&[Lang::En, Lang::Ja]);
        let [verbose, strict] = [draw.one_in(2), draw.one_in(2)];
        for &format in Format::value_variants() {
            for quiet in [false, true] {
                let style = Style { lang, color: false, width: 100, unicode: true, verbose, quiet, strict };
                look(&report, format, &style);
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 40), "the verdicts are not mixed: {seen:?}");
}
