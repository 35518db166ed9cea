//! A day of made-up hours: the clock is paused, and what is new is told once and within one interval.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta};
use futures::FutureExt;
use mail_cutover::model::{Lang, Phase, Report, Verdict};
use mail_cutover::render::{self, Style};
use mail_cutover::watch::{Memory, Schedule, Unheard, watch};

use crate::{LISTS, ROLLBACK, at, report, seen};

const STYLE: Style =
    Style { lang: Lang::En, color: false, width: 100, unicode: true, verbose: false, quiet: false, strict: false };
const BEGAN: &str = "2026-12-05T14:00:00+09:00";
const CUTOVER: &str = "2026-12-05T22:05:00+09:00";
const MX: &str = "example.co.jp. MX";

/// The world of the day: what a run at `now` sees.
fn world(now: DateTime<FixedOffset>) -> Result<Report, String> {
    let (day, hour) = (now.format("%d").to_string(), now.format("%H:%M").to_string());
    let is = |from: &str, to: &str| day == "05" && (from..to).contains(&hour.as_str());
    let phase = if now < at(CUTOVER) { Phase::Before } else { Phase::After };
    if is("16:00", "16:30") {
        return Err("could not use a resolver: none is configured".to_owned());
    }
    let (words, list) = match () {
        // Nobody answers.
        () if is("17:00", "18:00") => ("silent", "list:list-silent"),
        () if is("15:00", "20:00") => ("warns", "list:passed"),
        () if is("23:05", "23:59") => ("warns blocks", "list:passed"),
        () => ("passed", "list:passed"),
    };
    let rollback = if is("23:05", "23:59") { "trigger" } else { "run:passed" };
    let mx = if phase == Phase::Before { "10 mx1.example.co.jp." } else { "10 mail.example.co.jp." };
    let made = report(phase, words, &[(&LISTS, list), (&ROLLBACK, rollback)]);
    Ok(Report { observations: vec![seen("authority", MX, mx)], started: now, ..made })
}

/// Lost if it fails: a change at night would be told late, twice or never; an outage would end the watch, or make old faults new.
#[tokio::test(start_paused = true)]
async fn a_day_is_told_line_by_line() {
    let start = tokio::time::Instant::now();
    let clock = || at(BEGAN) + TimeDelta::from_std(start.elapsed()).unwrap();
    let mut lines = Vec::new();
    let mut runs = Vec::new();
    let schedule = Schedule {
        every: Duration::from_secs(600),
        until: Some(at(BEGAN) + TimeDelta::hours(24)),
        cutover_at: at(CUTOVER),
    };
    let verdict = watch(
        schedule,
        clock,
        std::future::pending().boxed().shared(),
        async |now| {
            runs.push(now);
            // A run takes its time.
            tokio::time::sleep(Duration::from_secs(20)).await;
            world(now)
        },
        async |tidings| {
            let all = tidings.news.iter().map(|one| render::news_line(one, tidings.at, &STYLE));
            lines.extend(all.map(|line| line[5..].replace(" +09:00", "")));
            Ok(())
        },
    )
    .await;
    assert_eq!(verdict, Some(Verdict::Go));
    expect_test::expect![[r#"
        12-05 14:00:00  began     GO, before the cutover
        12-05 15:00:00  NEW       warning warns  NEW 203.0.113.25: it is so
        12-05 15:00:00  VERDICT   GO → GO WITH WARNINGS
        12-05 16:00:00  FAILED    could not use a resolver: none is configured
        12-05 16:00:00  VERDICT   GO WITH WARNINGS → HOLD
        12-05 16:30:00  VERDICT   HOLD → GO WITH WARNINGS
        12-05 17:00:00  NEW       note list-silent  some-list: it is so
        12-05 17:00:00  UNKNOWN   sample (203.0.113.25)
        12-05 17:00:00  VERDICT   GO WITH WARNINGS → HOLD
        12-05 18:00:00  fixed     note list-silent  some-list: it is so
        12-05 18:00:00  known     sample (203.0.113.25)
        12-05 18:00:00  VERDICT   HOLD → GO WITH WARNINGS
        12-05 20:00:00  fixed     warning warns  NEW 203.0.113.25: it is so
        12-05 20:00:00  VERDICT   GO WITH WARNINGS → GO
        12-05 22:05:00  phase     after the cutover
        12-05 22:05:00  record    example.co.jp MX: 10 mx1.example.co.jp → 10 mail.example.co.jp (as planned)
        12-05 23:05:00  NEW       warning warns  NEW 203.0.113.25: it is so
        12-05 23:05:00  NEW       BLOCKER blocks  NEW 203.0.113.25: it is so
        12-05 23:05:00  NEW       BLOCKER rollback-trigger  NEW 203.0.113.25: it is so
        12-05 23:05:00  VERDICT   GO → NO-GO  roll back?
        12-06 00:05:00  fixed     warning warns  NEW 203.0.113.25: it is so
        12-06 00:05:00  fixed     BLOCKER blocks  NEW 203.0.113.25: it is so
        12-06 00:05:00  fixed     BLOCKER rollback-trigger  NEW 203.0.113.25: it is so
        12-06 00:05:00  VERDICT   NO-GO → GO
        12-06 14:00:00  ended     after 145 runs the verdict is GO"#]]
    .assert_eq(&lines.join("\n"));
    assert!(runs.iter().any(|run| (*run - at(CUTOVER)).num_seconds() == 0), "{runs:?}");
    assert!((140..=150).contains(&runs.len()), "{}", runs.len());
    assert!(runs.windows(2).all(|pair| pair[1] - pair[0] <= TimeDelta::seconds(602)), "an interval was missed");
}

/// Lost if it fails: after a night in a bag the laptop would wait on, and show yesterday's verdict.
#[tokio::test(start_paused = true)]
async fn a_jump_of_the_clock_is_said_and_checked_at_once() {
    for leap in [TimeDelta::hours(2), TimeDelta::hours(-2)] {
        let start = tokio::time::Instant::now();
        let clock = || {
            let passed = TimeDelta::from_std(start.elapsed()).unwrap();
            let jump = if passed > TimeDelta::seconds(100) { leap } else { TimeDelta::zero() };
            at(BEGAN) + passed + jump
        };
        let mut lines = Vec::new();
        let mut runs = Vec::new();
        let schedule = Schedule { every: Duration::from_secs(3600), until: None, cutover_at: at(CUTOVER) };
        let verdict = watch(
            schedule,
            clock,
            std::future::pending().boxed().shared(),
            async |now| {
                runs.push(start.elapsed().as_secs());
                Ok(Report { started: now, ..report(Phase::Before, "passed", &[]) })
            },
            async |tidings| {
                lines.extend(tidings.news.iter().map(|one| render::news_line(one, tidings.at, &STYLE)));
                if tidings.runs == 2 { Err(Unheard) } else { Ok(()) }
            },
        )
        .await;
        assert_eq!(verdict, Some(Verdict::Go));
        assert_eq!(runs.len(), 2);
        assert!((100..=120).contains(&runs[1]), "{runs:?}");
        let hours = format!("the clock jumped by {:+} s", leap.num_seconds());
        assert!(lines.len() == 2 && lines[1].contains(&hours), "{lines:?}");
    }
}

/// Lost if it fails: a stopped watch would run on, or take the run that was cut for an outage.
#[tokio::test(start_paused = true)]
async fn a_stop_ends_it_with_the_last_verdict() {
    for seconds in [1, 45] {
        let stop = tokio::time::sleep(Duration::from_secs(seconds)).boxed().shared();
        let start = tokio::time::Instant::now();
        let schedule = Schedule { every: Duration::from_secs(30), until: None, cutover_at: at(CUTOVER) };
        let mut lines = Vec::new();
        let heard = stop.clone();
        let verdict = watch(
            schedule,
            || at(BEGAN) + TimeDelta::from_std(start.elapsed()).unwrap(),
            stop,
            async |_| {
                // Cut by the stop: nothing was learnt.
                let cut = tokio::time::timeout(Duration::from_secs(20), heard.clone()).await.is_ok();
                Ok(report(Phase::Before, if cut { "run:deadline" } else { "warns" }, &[]))
            },
            async |tidings| {
                lines.extend(tidings.news.iter().map(|one| render::news_line(one, tidings.at, &STYLE)));
                Ok(())
            },
        )
        .await;
        let expected = if seconds == 1 { Verdict::Hold } else { Verdict::GoWithWarnings };
        assert_eq!(verdict, Some(expected), "{lines:?}");
        assert!(
            lines.last().unwrap().contains(&format!("after 1 run the verdict is {}", expected.words())),
            "{lines:?}"
        );
        assert_eq!(start.elapsed().as_secs(), seconds);
    }
}

/// Lost if it fails: a fault that comes and goes with an outage would be told again and again.
#[test]
fn what_was_known_before_an_outage_is_known_after_it() {
    let mut memory = Memory::default();
    let mut lines = |words: &str| {
        let news = memory.learn(&report(Phase::Before, words, &[]));
        news.iter()
            .map(|one| render::news_line(one, at(BEGAN), &STYLE))
            .map(|line| line[27..].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(lines("warns/a").len(), 2);
    assert_eq!(lines("warns/a"), Vec::<String>::new());
    for outage in ["silent", "run:deadline", "run:left-out"] {
        let told = lines(outage);
        assert!(told.iter().all(|line| !line.contains("fixed")), "{told:?}");
        assert_eq!(lines(outage), Vec::<String>::new(), "{outage}");
        let told = lines("warns/a");
        assert!(told.iter().all(|line| !line.contains("NEW")), "{told:?}");
    }
    let told = lines("passed");
    assert!(told[0].contains("fixed") && told[1].contains("GO WITH WARNINGS → GO"), "{told:?}");
    let ascii = Style { unicode: false, ..STYLE };
    let news = memory.learn(&report(Phase::Before, "blocks", &[]));
    assert!(news.iter().all(|one| render::news_line(one, at(BEGAN), &ascii).is_ascii()), "{news:?}");
}

/// Lost if it fails: where something else stops the verdict already, nobody would be asked whether to roll back.
#[test]
fn a_trigger_asks_also_where_the_verdict_stands() {
    let mut memory = Memory::default();
    let mut asked = |words: &str, rollback: &str| {
        let news = memory.learn(&report(Phase::After, words, &[(&ROLLBACK, rollback)]));
        let lines = news.iter().map(|one| render::news_line(one, at(BEGAN), &STYLE));
        let verdicts: Vec<String> =
            lines.filter(|line| line.contains("VERDICT")).map(|line| line[38..].to_owned()).collect();
        (verdicts, memory.roll_back())
    };
    assert_eq!(asked("blocks", "run:passed"), (Vec::new(), false));
    assert_eq!(asked("blocks", "trigger"), (vec!["NO-GO → NO-GO  roll back?".to_owned()], true));
    assert_eq!(asked("blocks", "trigger"), (Vec::new(), true));
    assert_eq!(asked("blocks", "run:passed"), (Vec::new(), false));
    assert_eq!(asked("passed", "trigger"), (vec!["NO-GO → NO-GO  roll back?".to_owned()], true));
}

/// Lost if it fails: a list that falls silent would call off the way back, and the listing would be told again when it speaks.
#[test]
fn silence_calls_nothing_off() {
    let mut memory = Memory::default();
    let mut told = |words: &str, list: &str, rollback: &str| {
        let news = memory.learn(&report(Phase::After, words, &[(&LISTS, list), (&ROLLBACK, rollback)]));
        let news = news.iter().filter(|one| one.is_change() && !one.is_note());
        news.map(|one| render::news_line(one, at(BEGAN), &STYLE)[28..].trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told("passed", "list:passed", "run:passed"), Vec::<String>::new());
    let listed = told("blocks/some-list", "list:passed", "trigger/blocks");
    assert!(listed.len() == 3 && listed[2] == "VERDICT   GO → NO-GO  roll back?", "{listed:?}");
    let silent = told("passed", "list:list-silent", "run:passed");
    let unknown = "UNKNOWN   rollback (203.0.113.25), sample (203.0.113.25)";
    assert_eq!(silent, [unknown, "VERDICT   NO-GO → HOLD"]);
    assert_eq!(told("passed", "list:list-silent", "run:passed"), Vec::<String>::new());
    let again = told("blocks/some-list", "list:passed", "trigger/blocks");
    assert_eq!(again, [&unknown.replace("UNKNOWN", "known  "), "VERDICT   HOLD → NO-GO  roll back?"]);
    let over = told("passed", "list:passed", "run:passed");
    assert!(over.len() == 3 && over[0].starts_with("fixed") && over[1].starts_with("fixed"), "{over:?}");
}
