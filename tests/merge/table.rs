//! What two runs say of one check, and what stands of it.

use mail_cutover::check::{BUG, Check, DEADLINE, LEFT_OUT, NOT_COVERED, NOT_SO_FAR, NOT_SPOKEN, Run, TRUSTS_ITSELF};
use mail_cutover::merge::join;
use mail_cutover::model::{
    Applied, Args, Card, Completion, Level, Levels, Needs, ObservationId, Outcome, Part, Phase, Report, Section, Side,
    Statement, Subject, Text, Vantage, Verdict,
};

use crate::sample;

const NO_TEXT: Text = Text { en: "", ja: "" };

const fn outcome(tag: &'static str, levels: Levels) -> Outcome {
    Outcome { tag, levels, says: NO_TEXT, remedy: NO_TEXT }
}

static BLOCKS: Outcome = outcome("blocks", Levels::BLOCKER);
static NOTES: Outcome = outcome("notes", Levels::NOTE);
static SILENT: Outcome = outcome("silent", Levels::UNKNOWN);

const fn check(id: &'static str, needs: Needs, outcomes: &'static [&'static Outcome]) -> Check {
    let card = Card {
        id,
        title: NO_TEXT,
        short: NO_TEXT,
        phases: &[Phase::Before, Phase::After],
        why: NO_TEXT,
        how: NO_TEXT,
        by_hand: "",
        references: &[],
        needs,
        waivable: true,
        outcomes,
    };
    Check { card, run: Run::Results(|_, _| Vec::new()) }
}

static SAMPLE: Check = check("sample", Needs::Dns, &[&BLOCKS, &NOTES, &SILENT]);
static HARMLESS: Check = check("harmless", Needs::Dns, &[&NOTES]);
static VANTAGE: Check = check("vantage", Needs::Dns, &[&BLOCKS, &SILENT]);
static SERVER: Check = check("smtp-sample", Needs::Servers, &[&BLOCKS, &NOTES, &SILENT]);
static INBOUND: Check = check("net-inbound", Needs::Servers, &[&BLOCKS, &NOTES, &SILENT]);
static ON_SERVER: Check = check("net-sample", Needs::NewServer, &[&BLOCKS, &SILENT]);

/// A statement in a word: `kind` or `kind/about`, of the new address; with `run:` before it, of the run as a whole.
pub(crate) fn say(word: &str) -> Statement {
    let (subject, word) = match word.strip_prefix("run:") {
        Some(rest) => (Subject::Run, rest),
        None => (Subject::Address([203, 0, 113, 25].into(), Side::New), word),
    };
    let (kind, about) = word.split_once('/').map_or((word, None), |(kind, about)| (kind, Some(about.to_owned())));
    let until = "2026-12-31".parse().unwrap();
    let waiver = Applied { owner: String::new(), reason: String::new(), reference: None, until, line: 9 };
    let statement = match kind {
        "passed" => Statement::passed(subject),
        "no" => Statement::not_applicable(subject, Text { en: "no", ja: "否" }),
        "lacks" => Statement::not_covered(subject, Text { en: "lacks", ja: "不足" }),
        "excuse" => Statement::not_covered(subject, TRUSTS_ITSELF),
        "left-out" => Statement::not_covered(subject, LEFT_OUT),
        "short" => Statement::not_covered(subject, NOT_SO_FAR),
        "unspoken" => Statement::outcome(&NOT_SPOKEN, subject).args(Args::none().and("ip", "203.0.113.25")),
        "must" => {
            Statement::outcome(&NOT_COVERED, subject).args(Args::none().with("detail", Text { en: "a", ja: "b" }))
        }
        "must-left-out" => Statement::outcome(&NOT_COVERED, subject).args(Args::none().with("detail", LEFT_OUT)),
        "deadline" => Statement::outcome(&DEADLINE, subject),
        "bug" => Statement::outcome(&BUG, subject),
        "blocks" | "waived" => Statement::outcome(&BLOCKS, subject),
        "notes" => Statement::outcome(&NOTES, subject),
        "silent" => Statement::outcome(&SILENT, subject),
        other => panic!("{other}"),
    };
    let level = statement.named().map(|outcome| outcome.levels.at(Phase::Before, statement.subject.side()));
    let waiver = (kind == "waived").then_some(waiver);
    Statement { about, level, waiver, ..statement }.evidence([ObservationId(0)])
}

/// The word that [`say`] understands.
fn told(statement: &Statement) -> String {
    let kinds = ["passed", "no", "lacks", "left-out", "deadline", "bug", "waived", "blocks", "notes", "silent"];
    let kinds = kinds.into_iter().chain(["must", "must-left-out", "short", "unspoken"]);
    let is = |kind: &&str| {
        let other = say(kind);
        format!("{:?}", other.saying) == format!("{:?}", statement.saying)
            && other.waiver.is_some() == statement.waiver.is_some()
            && other.args == statement.args
    };
    let run = if statement.subject == Subject::Run { "run:" } else { "" };
    let about = statement.about.as_ref().map_or_else(String::new, |about| format!("/{about}"));
    format!("{run}{}{about}", kinds.into_iter().find(is).unwrap_or("?"))
}

/// A run that says so in `check`; nothing, if it lacks the section.
pub(crate) fn run(vantage: Vantage, sections: &[(&'static Check, &str)]) -> Report {
    let sections: Vec<Section> = sections
        .iter()
        .map(|(check, words)| Section { card: &check.card, statements: words.split_whitespace().map(say).collect() })
        .collect();
    let all = format!("{sections:?}");
    let completion = match () {
        () if all.contains("run-deadline") => Completion::Deadline,
        () if all.contains(LEFT_OUT.en) => Completion::Partial,
        () => Completion::Complete,
    };
    let sample = sample::report(&[]);
    let part = Part { vantage, completion, ..sample.parts[0].clone() };
    let verdict = Verdict::over(&sections, Phase::Before, completion == Completion::Complete);
    Report { parts: vec![part], completion, sections, verdict, ..sample }
}

fn words_of(report: &Report) -> String {
    report.sections.iter().flat_map(|section| &section.statements).map(told).collect::<Vec<_>>().join(" ")
}

fn sorted(words: &str) -> Vec<&str> {
    let mut words: Vec<&str> = words.split_whitespace().collect();
    words.sort_unstable();
    words
}

/// Lost if it fails: a silence would become a pass, a finding would be outvoted, or nothing could ever be made good.
#[test]
fn every_pair_has_its_join() {
    use Completion::{Complete, Deadline, Partial};
    use Verdict::{Go, GoWithWarnings, Hold, NoGo};
    for (desk, server, expected, verdict, completion) in [
        ("passed", "passed", "passed", Go, Complete),
        ("lacks", "passed", "passed", Go, Complete),
        ("lacks", "silent", "silent", Hold, Complete),
        ("lacks", "lacks", "lacks", Hold, Complete),
        ("no", "lacks", "lacks", Hold, Complete),
        ("no", "no", "no", Hold, Complete),
        ("no", "passed", "passed", Go, Complete),
        ("blocks", "passed", "blocks", NoGo, Complete),
        ("blocks", "silent", "blocks", NoGo, Complete),
        ("blocks", "blocks", "blocks", NoGo, Complete),
        ("blocks/a", "blocks/b", "blocks/a blocks/b", NoGo, Complete),
        ("notes", "passed", "notes", Go, Complete),
        ("passed notes", "passed notes", "passed notes", Go, Complete),
        ("silent", "passed", "passed", Go, Complete),
        ("silent", "silent", "silent", Hold, Complete),
        ("silent/a", "silent/b", "silent/a silent/b", Hold, Complete),
        ("silent/a notes", "silent/b notes", "silent/a notes silent/b", Hold, Complete),
        ("silent/a notes", "notes", "notes", Go, Complete),
        // Who passed, and did not ask list a, does not answer for list a.
        ("silent/a", "passed lacks/a", "silent/a passed", Hold, Complete),
        ("silent/a", "passed lacks/b", "silent/a passed lacks/b", Hold, Complete),
        ("passed lacks/a", "passed lacks/a", "passed lacks/a", Go, Complete),
        ("passed lacks/a", "passed", "passed", Go, Complete),
        // What a run says of itself is answered by what the other says of anything.
        ("run:lacks", "passed", "passed", Go, Complete),
        ("run:lacks", "blocks", "blocks", NoGo, Complete),
        ("run:lacks", "silent", "silent", Hold, Complete),
        ("run:no", "passed", "passed", Go, Complete),
        ("run:must", "passed", "passed", Go, Complete),
        ("must", "passed", "passed", Go, Complete),
        ("must", "must", "must", Hold, Complete),
        ("must/a passed", "must/a passed", "must/a passed", Hold, Complete),
        ("must/a passed", "passed", "passed", Go, Complete),
        ("run:left-out", "passed", "passed", Go, Complete),
        ("run:left-out", "blocks", "blocks", NoGo, Complete),
        ("run:left-out", "silent", "silent", Hold, Complete),
        ("run:left-out", "lacks", "lacks", Hold, Complete),
        ("run:left-out", "run:left-out", "run:left-out", Hold, Partial),
        ("run:must-left-out", "passed", "passed", Go, Complete),
        ("run:must-left-out", "run:must-left-out", "run:must-left-out", Hold, Partial),
        ("run:deadline", "passed", "passed", Go, Complete),
        ("run:deadline", "run:deadline", "run:deadline", Hold, Deadline),
        ("run:deadline", "run:left-out", "run:deadline", Hold, Deadline),
        ("run:bug", "passed", "passed", Go, Complete),
        ("run:bug", "run:bug", "run:bug", Hold, Complete),
        ("run:bug", "run:left-out", "run:bug", Hold, Complete),
        ("run:bug passed", "run:left-out", "run:bug passed", Hold, Complete),
        ("waived", "waived", "waived", GoWithWarnings, Complete),
        ("waived", "passed", "waived", GoWithWarnings, Complete),
        ("waived", "blocks", "blocks", NoGo, Complete),
        ("waived", "blocks/a", "waived blocks/a", NoGo, Complete),
    ] {
        let [desk_run, server_run] =
            [(Vantage::Desk, desk), (Vantage::NewServer, server)].map(|(place, words)| run(place, &[(&SAMPLE, words)]));
        let joined = join(vec![desk_run.clone(), server_run.clone()], &[&SAMPLE]).unwrap();
        let case = format!("{desk} + {server}");
        assert_eq!(sorted(&words_of(&joined)), sorted(expected), "{case}");
        assert_eq!((joined.verdict, joined.completion), (verdict, completion), "{case}");
        let turned = join(vec![server_run, desk_run], &[&SAMPLE]).unwrap();
        assert_eq!(sorted(&words_of(&turned)), sorted(expected), "{case}, turned round");
        assert_eq!((turned.verdict, turned.completion), (verdict, completion), "{case}, turned round");
    }
}

/// Lost if it fails: a check that nobody did, or that is cut out of the file, would be forgotten.
#[test]
fn what_nobody_did_is_missed() {
    let both = |desk: &[(&'static Check, &str)], server: &[(&'static Check, &str)]| {
        let joined = join(vec![run(Vantage::Desk, desk), run(Vantage::NewServer, server)], &[&SAMPLE, &HARMLESS]);
        joined.map(|joined| (joined.completion, joined.verdict)).unwrap()
    };
    let whole = (Completion::Complete, Verdict::Go);
    let hold = (Completion::Partial, Verdict::Hold);
    assert_eq!(both(&[(&SAMPLE, "passed"), (&HARMLESS, "notes")], &[(&SAMPLE, "passed")]), whole);
    // As in a run of its own, what cannot block may be left out; but a file that does not even say so was changed.
    assert_eq!(both(&[(&SAMPLE, "passed"), (&HARMLESS, "run:left-out")], &[(&HARMLESS, "run:left-out")]), whole);
    assert_eq!(both(&[(&HARMLESS, "notes")], &[(&HARMLESS, "notes")]), hold);
    assert_eq!(both(&[(&SAMPLE, "")], &[(&SAMPLE, "")]).1, Verdict::Hold);
    assert!(join(Vec::new(), &[&SAMPLE]).is_none());
    // That the new server trusts itself does not make up for a desk that left the open relay out.
    let both = |desk: &str, server: &str| {
        let runs = vec![
            run(Vantage::Desk, &[(&SAMPLE, "passed"), (&SERVER, desk)]),
            run(Vantage::NewServer, &[(&SAMPLE, "passed"), (&SERVER, server)]),
        ];
        join(runs, &[&SAMPLE, &SERVER]).map(|joined| (joined.completion, joined.verdict)).unwrap()
    };
    assert_eq!(both("run:left-out", "run:excuse"), hold);
    assert_eq!(both("passed", "run:excuse"), whole);
    assert_eq!(both("run:lacks", "run:excuse"), whole);
}

/// Lost if it fails: a resolver that nobody could test at one place would be vouched for by the one at another.
#[test]
fn no_place_answers_for_another() {
    let desk = run(Vantage::Desk, &[(&VANTAGE, "run:passed")]);
    let server = run(Vantage::NewServer, &[(&VANTAGE, "run:silent")]);
    let joined = join(vec![desk, server], &[&VANTAGE]).unwrap();
    assert_eq!((words_of(&joined).as_str(), joined.verdict), ("run:passed run:silent", Verdict::Hold));
    assert!(mail_cutover::checks::find("vantage").is_some(), "the check that this is about has another name");
}

/// Lost if it fails: the desk reaches the port and asks nothing else, or cannot reach it and asks the rest, and nobody asked all.
#[test]
fn a_server_that_is_reached_must_also_be_spoken_with() {
    use Verdict::{Go, Hold, NoGo};
    for (one, other, expected, verdict) in [
        // Each run's (net-inbound, smtp-sample).
        (("silent", "short"), ("passed", "run:left-out"), "passed unspoken", Hold),
        (("silent", "short"), ("passed", "run:deadline"), "passed unspoken", Hold),
        (("silent", "short"), ("passed", "passed"), "passed passed", Go),
        (("silent", "short"), ("silent", "short"), "silent short", Hold),
        (("silent", "short"), ("passed", "blocks"), "passed blocks", NoGo),
        (("blocks", "short"), ("passed", "short"), "blocks short", NoGo),
    ] {
        let run = |(reached, said)| run(Vantage::Desk, &[(&INBOUND, reached), (&SERVER, said)]);
        let joined = join(vec![run(one), run(other)], &[&INBOUND, &SERVER]).unwrap();
        assert_eq!((words_of(&joined).as_str(), joined.verdict), (expected, verdict), "{one:?} + {other:?}");
        // A third run may make it good.
        let third = run(("passed", "passed"));
        let all = join(vec![joined, third], &[&INBOUND, &SERVER]).unwrap();
        assert!(!words_of(&all).contains("unspoken"), "{one:?} + {other:?}");
    }
}

/// Lost if it fails: a new server that refuses everybody but itself would be vouched for by itself.
#[test]
fn a_server_does_not_answer_for_itself() {
    use Vantage::{Desk, NewServer};
    for (first, said, second, answer, expected, verdict) in [
        (Desk, "silent", NewServer, "passed", "silent passed", Verdict::Hold),
        (Desk, "silent/a", NewServer, "passed/a", "silent/a passed/a", Verdict::Hold),
        (NewServer, "silent", Desk, "passed", "passed", Verdict::Go),
        (NewServer, "silent", NewServer, "passed", "passed", Verdict::Go),
        (Desk, "silent", Desk, "passed", "passed", Verdict::Go),
        (Desk, "lacks", NewServer, "passed", "passed", Verdict::Go),
    ] {
        let joined = join(vec![run(first, &[(&SERVER, said)]), run(second, &[(&SERVER, answer)])], &[&SERVER]).unwrap();
        let case = format!("{first:?} {said} + {second:?} {answer}");
        assert_eq!((sorted(&words_of(&joined)), joined.verdict), (sorted(expected), verdict), "{case}");
    }
}

/// Lost if it fails: one of two new servers would answer for the other, or a run there that was cut would be forgotten because the
/// desk has nothing to say.
#[test]
fn what_is_seen_on_the_new_server_is_seen_on_each() {
    use Vantage::{Desk, NewServer};
    let joined = |one: (Vantage, &str), other: (Vantage, &str)| {
        let runs = [one, other].map(|(place, said)| run(place, &[(&SAMPLE, "passed"), (&ON_SERVER, said)]));
        let joined = join(runs.to_vec(), &[&SAMPLE, &ON_SERVER]).unwrap();
        (words_of(&joined), joined.verdict, joined.completion)
    };
    let is = |words: &str, verdict, completion| (words.to_owned(), verdict, completion);
    use Completion::{Complete, Deadline};
    assert_eq!(
        joined((NewServer, "run:passed"), (NewServer, "run:silent")),
        is("passed run:passed run:silent", Verdict::Hold, Complete)
    );
    assert_eq!(
        joined((Desk, "run:lacks"), (NewServer, "run:deadline")),
        is("passed run:deadline", Verdict::Hold, Deadline)
    );
    assert_eq!(joined((Desk, "run:lacks"), (NewServer, "run:bug")).1, Verdict::Hold);
    assert_eq!(joined((Desk, "run:lacks"), (NewServer, "run:passed")), is("passed run:passed", Verdict::Go, Complete));
    assert_eq!(joined((Desk, "run:lacks"), (NewServer, "run:left-out")), is("passed run:lacks", Verdict::Go, Complete));
}

/// Lost if it fails: nobody could say whose answer a finding rests on.
#[test]
fn evidence_of_all_runs_is_kept_and_numbered_through() {
    let [desk, server] = [Vantage::Desk, Vantage::NewServer].map(|vantage| run(vantage, &[(&SAMPLE, "blocks")]));
    let seen = desk.observations.len();
    let mut lost = server.clone();
    lost.sections[0].statements[0].evidence.push(ObservationId(99));
    let joined = join(vec![desk.clone(), lost, desk], &[&SAMPLE]).unwrap();
    let first = |run: usize| ObservationId(u32::try_from(run * seen).unwrap());
    assert_eq!(joined.sections[0].statements[0].evidence, [first(0), first(1), first(2)]);
    assert_eq!(joined.observations.len(), 3 * seen);
    for (number, observation) in joined.observations.iter().enumerate() {
        assert_eq!((observation.id.0 as usize, observation.part), (number, number / seen));
    }
    assert_eq!(
        joined.parts.iter().map(|part| part.vantage).collect::<Vec<_>>(),
        [Vantage::Desk, Vantage::NewServer, Vantage::Desk]
    );
    // A merged report is a report: it may be merged again.
    let again = join(vec![joined, server], &[&SAMPLE]).unwrap();
    assert_eq!((again.parts.len(), again.observations.last().map(|seen| seen.part)), (4, Some(3)));
}

/// Lost if it fails: a waiver that another place needs would be called unused, or one that nobody needs would not.
#[test]
fn a_waiver_is_unused_only_if_no_run_used_it() {
    let waivers = mail_cutover::checks::find("waivers").unwrap();
    let unused = waivers.card.outcome("waiver-unused").unwrap();
    let expired = waivers.card.outcome("waiver-expired").unwrap();
    let with = |vantage, words, said: Option<&'static Outcome>| {
        let mut report = run(vantage, &[(&SAMPLE, words)]);
        let subject = Subject::PlanLine(9);
        let statement = said.map_or_else(
            || Statement::passed(subject.clone()),
            |outcome| Statement { level: Some(Level::Warning), ..Statement::outcome(outcome, subject.clone()) },
        );
        report.sections.insert(0, Section { card: &waivers.card, statements: vec![statement] });
        report
    };
    let tags = |desk, server| {
        let joined = join(vec![desk, server], &[waivers, &SAMPLE]).unwrap();
        let tags: Vec<&str> = joined.sections[0]
            .statements
            .iter()
            .map(|one| one.named().map_or("passed", |outcome| outcome.tag))
            .collect();
        tags.join(" ")
    };
    let desk = |words, said| with(Vantage::Desk, words, said);
    let server = |words, said| with(Vantage::NewServer, words, said);
    assert_eq!(tags(desk("waived", None), server("passed", Some(unused))), "passed");
    assert_eq!(tags(desk("passed", Some(unused)), server("waived", None)), "passed");
    assert_eq!(tags(desk("passed", Some(unused)), server("passed", Some(unused))), "waiver-unused");
    // Left out here, unused there: what the other found still carries the waiver.
    assert_eq!(tags(desk("waived", Some(unused)), server("run:left-out", Some(unused))), "passed");
    // It ended between the two runs.
    assert_eq!(tags(desk("waived", None), server("blocks", Some(expired))), "waiver-expired");
}

/// The run, begun so many minutes after ten.
fn later(minutes: i64, report: Report) -> Report {
    let at = report.started + chrono::TimeDelta::minutes(minutes);
    let part = Part { started: at, finished: at, ..report.parts[0].clone() };
    Report { started: at, finished: at, parts: vec![part], ..report }
}

/// Lost if it fails: what a place saw in the morning would vouch for what it could not see in the evening.
#[test]
fn an_older_answer_does_not_settle_a_newer_silence_of_the_same_place() {
    use Vantage::{Desk, NewServer};
    for (older, answer, newer, said, expected, verdict) in [
        (Desk, "passed", Desk, "silent", "passed silent", Verdict::Hold),
        (Desk, "silent", Desk, "passed", "passed", Verdict::Go),
        (NewServer, "passed", NewServer, "silent", "passed silent", Verdict::Hold),
        (Desk, "passed", Desk, "run:deadline", "passed run:deadline", Verdict::Hold),
        (Desk, "passed", Desk, "run:bug", "passed run:bug", Verdict::Hold),
        (Desk, "passed", Desk, "run:left-out", "passed", Verdict::Go),
        (Desk, "run:deadline", Desk, "passed", "passed", Verdict::Go),
        // Nobody asks at two places in the same moment.
        (Desk, "passed", NewServer, "silent", "passed", Verdict::Go),
        (NewServer, "passed", Desk, "silent", "passed", Verdict::Go),
    ] {
        let runs = || (run(older, &[(&SAMPLE, answer)]), later(60, run(newer, &[(&SAMPLE, said)])));
        let case = format!("{older:?} {answer}, then {newer:?} {said}");
        for joined in
            [join(vec![runs().0, runs().1], &[&SAMPLE]).unwrap(), join(vec![runs().1, runs().0], &[&SAMPLE]).unwrap()]
        {
            assert_eq!((sorted(&words_of(&joined)), joined.verdict), (sorted(expected), verdict), "{case}");
        }
        // A third place, or the same one once more, may make it good.
        let joined = join(vec![runs().0, runs().1, later(120, run(Desk, &[(&SAMPLE, "passed")]))], &[&SAMPLE]).unwrap();
        assert_eq!(joined.verdict, Verdict::Go, "{case}");
    }
    // Another desk is another place.
    let mut other = run(Desk, &[(&SAMPLE, "passed")]);
    other.parts[0].run_by = "sato@desk2".to_owned();
    let joined = join(vec![other, later(60, run(Desk, &[(&SAMPLE, "silent")]))], &[&SAMPLE]).unwrap();
    assert_eq!(joined.verdict, Verdict::Go);
}

/// Lost if it fails: a risk would count as accepted although the waiver ended before the last of the runs began.
#[test]
fn a_waiver_must_hold_on_the_day_of_the_last_run() {
    for (days, verdict) in [(30, Verdict::GoWithWarnings), (31, Verdict::NoGo)] {
        let first = run(Vantage::Desk, &[(&SAMPLE, "waived")]);
        let last = later(days * 24 * 60, run(Vantage::NewServer, &[(&SAMPLE, "passed")]));
        let joined = join(vec![first, last], &[&SAMPLE]).unwrap();
        assert_eq!(joined.verdict, verdict, "{days}");
    }
}
