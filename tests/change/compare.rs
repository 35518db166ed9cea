//! Two reports, word by word: marks, what is gone, the records, and every reason to refuse.

use mail_cutover::compare::{Misfit, Outcome, compare, fit, outcome};
use mail_cutover::model::{Fate, Mark, Phase, Report, Status, Verdict};
use mail_cutover::saved::Named;

use crate::{HARMLESS, LISTS, at, report, seen};

fn named(report: Report) -> Named {
    Named { path: "old.json".to_owned(), report }
}

/// The marks of the findings in `new`, and what is gone: `new`, `same`, …, `fixed:tag`, `lost:passed`.
fn told(old: &Report, new: &mut Report) -> String {
    compare(new, &named(old.clone()));
    let marks = new.sections.iter().flat_map(|section| &section.statements).filter_map(|one| one.mark);
    let marks = marks.map(|mark| match mark {
        Mark::New => "new".to_owned(),
        Mark::Heavier => "heavier".to_owned(),
        Mark::Unseen => "unseen".to_owned(),
        Mark::Same => "same".to_owned(),
    });
    let gone = new.baseline.as_ref().unwrap().gone.iter().map(|gone| {
        let what = gone.statement.named().map_or("passed", |outcome| outcome.tag);
        match gone.fate {
            Fate::Fixed => format!("fixed:{what}"),
            Fate::Moot => format!("moot:{what}"),
            Fate::Lost => format!("lost:{what}"),
        }
    });
    marks.chain(gone).collect::<Vec<_>>().join(" ")
}

/// Lost if it fails: an old fault would be called new, a new one known; or what nobody knows any more would be called fixed.
#[test]
fn every_pair_has_its_marks() {
    use Outcome::{Blocked, Lost, Nothing};
    for (old, new, expected, comes_to) in [
        ("passed", "blocks", "new", Blocked),
        ("blocks", "blocks", "same", Nothing),
        ("blocks", "passed", "fixed:blocks", Nothing),
        ("waived", "blocks", "heavier", Blocked),
        ("blocks", "waived", "same", Nothing),
        ("passed", "waived", "new", Nothing),
        ("passed", "warns", "new", Nothing),
        ("warns", "warns blocks", "same new", Blocked),
        // Whoever did not know before is not told that it is new, but it blocks all the same.
        ("silent", "blocks", "unseen", Blocked),
        ("run:left-out", "blocks", "unseen", Blocked),
        ("no", "blocks", "unseen", Blocked),
        // What is not known is never fixed.
        ("blocks", "silent", "new lost:blocks", Lost),
        ("blocks", "run:deadline", "unseen lost:blocks", Lost),
        ("blocks", "run:left-out", "lost:blocks", Lost),
        ("passed", "silent", "new lost:passed", Lost),
        ("passed", "run:left-out", "lost:passed", Lost),
        ("silent", "silent", "same", Nothing),
        ("silent", "passed", "", Nothing),
        ("blocks", "run:no", "moot:blocks", Nothing),
        // An old address weighs nothing.
        ("old:notes", "old:notes", "same", Nothing),
        ("old:passed", "old:silent", "new", Nothing),
        // The second key tells findings apart, and what is open about another key says nothing.
        ("blocks/a", "blocks/a blocks/b", "same new", Blocked),
        ("blocks/a blocks/b", "blocks/a", "same fixed:blocks", Nothing),
        ("passed", "blocks/a", "new", Blocked),
        ("blocks/a", "silent/b", "new fixed:blocks", Lost),
        // Lines of the plan move.
        ("18:warns/static_ip", "21:warns/static_ip", "same", Nothing),
        ("18:warns", "21:warns", "same", Nothing),
        ("18:warns/static_ip", "21:passed", "fixed:warns", Nothing),
    ] {
        let (old, mut new) = (report(Phase::Before, old, &[]), report(Phase::Before, new, &[]));
        let pair = format!("{:?} and {:?}", old.sections[0].statements, new.sections[0].statements);
        let told = told(&old, &mut new);
        assert_eq!(told, expected, "{pair}");
        assert_eq!(outcome(&new), comes_to, "{pair}");
    }
}

/// Lost if it fails: a list that went silent would make its listing look fixed, and one that speaks again would make it look new.
#[test]
fn a_silent_list_fixes_nothing() {
    let of = |words, list| report(Phase::Before, words, &[(&LISTS, list)]);
    let mut silent = of("passed", "list:list-silent");
    assert_eq!(told(&of("blocks/some-list", "list:passed"), &mut silent), "new lost:blocks");
    let mut back = of("blocks/some-list", "list:passed");
    assert_eq!(told(&of("passed", "list:list-silent"), &mut back), "unseen fixed:list-silent");
}

/// Lost if it fails: a baseline would turn a blocker into a known evil, and the switch would go ahead.
#[test]
fn a_baseline_never_changes_a_verdict() {
    for words in ["blocks", "waived", "warns", "silent", "passed", "run:deadline"] {
        for old in ["blocks", "waived", "passed", "silent"] {
            let mut new = report(Phase::Before, words, &[]);
            let verdict = new.verdict;
            let levels: Vec<_> = new.sections[0].statements.iter().map(|one| (one.level, one.waiver.clone())).collect();
            compare(&mut new, &named(report(Phase::Before, old, &[])));
            let after: Vec<_> = new.sections[0].statements.iter().map(|one| (one.level, one.waiver.clone())).collect();
            assert_eq!((new.verdict, levels), (verdict, after), "{old} {words}");
            assert_eq!(new.verdict, Verdict::over(&new.sections, new.phase, true), "{old} {words}");
        }
    }
}

/// Lost if it fails: what was a note before the cutover and blocks after it would be called known; harmless checks would hold a script.
#[test]
fn the_phase_weighs_anew() {
    let mut after = report(Phase::After, "blocks-after", &[(&HARMLESS, "silent")]);
    assert_eq!(told(&report(Phase::Before, "blocks-after", &[(&HARMLESS, "passed")]), &mut after), "heavier new");
    assert_eq!(outcome(&after), Outcome::Blocked);
    let mut harmless = report(Phase::Before, "passed", &[(&HARMLESS, "silent")]);
    told(&report(Phase::Before, "passed", &[(&HARMLESS, "passed")]), &mut harmless);
    assert!(harmless.sections[1].statements.iter().any(|one| one.status() == Status::Unknown));
    assert_eq!(outcome(&harmless), Outcome::Nothing);
}

/// Lost if it fails: the change that was planned would look like an accident, or an accident like the plan.
#[test]
fn records_change_as_planned_or_not() {
    let with = |seen: Vec<_>| Report { observations: seen, ..report(Phase::After, "passed", &[]) };
    let old = with(vec![
        seen("authority", "example.co.jp. MX", "10 mx1.example.co.jp."),
        seen("authority", "mail.example.co.jp. A", "192.0.2.25"),
        seen("authority", "imap.example.co.jp. A", "192.0.2.25"),
        seen("authority", "example.co.jp. TXT", "\"v=spf1 -all\""),
        seen("authority", "www.example.co.jp. A", "198.51.100.1"),
        seen("authority", "same.example.co.jp. A", "198.51.100.1"),
        seen("authority", "zen.example.org. A", "127.0.0.2"),
        seen("authority", "example.co.jp. SOA", "1"),
        seen("resolver", "gone.example.co.jp. A", "198.51.100.1"),
    ]);
    let mut new = with(vec![
        seen("resolver", "example.co.jp. MX", "10 mx1.example.co.jp."),
        seen("authority", "example.co.jp. MX", "10 MAIL.example.co.jp."),
        seen("resolver", "example.co.jp. MX", "10 mx1.example.co.jp."),
        seen("authority", "mail.example.co.jp. A", "203.0.113.25"),
        seen("authority", "imap.example.co.jp. A", "203.0.113.25"),
        seen("authority", "example.co.jp. TXT", "\"v=spf1 +all\""),
        seen("authority", "www.example.co.jp. A", ""),
        seen("authority", "same.example.co.jp. A", "198.51.100.1"),
        seen("authority", "zen.example.org. A", "127.0.0.3"),
        seen("authority", "example.co.jp. SOA", "2"),
        mail_cutover::model::Observation {
            outcome: "timeout".to_owned(),
            ..seen("resolver", "gone.example.co.jp. A", "")
        },
    ]);
    compare(&mut new, &named(old));
    let records: Vec<String> = new
        .baseline
        .unwrap()
        .records
        .iter()
        .map(|one| format!("{} {} {:?} {:?} {}", one.name, one.rtype, one.was, one.now, one.expected))
        .collect();
    assert_eq!(
        records,
        [
            r#"example.co.jp MX ["10 mx1.example.co.jp"] ["10 mail.example.co.jp"] true"#,
            r#"example.co.jp TXT ["\"v=spf1 -all\""] ["\"v=spf1 +all\""] false"#,
            r#"imap.example.co.jp A ["192.0.2.25"] ["203.0.113.25"] true"#,
            r#"mail.example.co.jp A ["192.0.2.25"] ["203.0.113.25"] true"#,
            r#"www.example.co.jp A ["198.51.100.1"] [] false"#,
        ]
    );
}

/// Lost if it fails: the report of another move would be compared, or two in the wrong order.
#[test]
fn what_does_not_belong_together_is_refused() {
    let new = report(Phase::After, "passed", &[]);
    let refuse = |old: Report| fit(&named(old), &new.columns, &new.expects, new.simulated, new.started);
    let old = || report(Phase::Before, "passed", &[]);
    assert_eq!(refuse(Report { plan_sha256: "0".repeat(64), ..old() }), Ok(()));
    assert_eq!(refuse(Report { expects: Vec::new(), ..old() }), Ok(()));
    let mut columns = old().columns;
    columns.reverse();
    assert_eq!(refuse(Report { columns: columns.clone(), ..old() }), Ok(()));
    columns.pop();
    assert!(matches!(refuse(Report { columns, ..old() }), Err(Misfit::Other(..))));
    let expects = vec![crate::expected("example.org", "MX", "10 mail.example.co.jp.")];
    assert!(matches!(refuse(Report { expects, ..old() }), Err(Misfit::Other(..))));
    assert!(matches!(refuse(Report { simulated: true, ..old() }), Err(Misfit::Simulated(_))));
    let later = new.started + chrono::TimeDelta::minutes(6);
    assert!(matches!(refuse(Report { started: later, ..old() }), Err(Misfit::Later(..))));
    assert!(at("2026-12-01T10:00:00+09:00") <= new.started);
}

/// Lost if it fails: a report that somebody blew up would keep the check of the night from beginning.
#[test]
fn large_reports_are_compared_at_once() {
    let words = |from: usize| {
        let all = (from..from + 40_000).map(|number| format!("blocks/{number}"));
        all.chain((0..40_000).map(|_| "silent/same".to_owned())).collect::<Vec<_>>().join(" ")
    };
    let (old, mut new) = (report(Phase::Before, &words(0), &[]), report(Phase::Before, &words(20_000), &[]));
    let began = std::time::Instant::now();
    compare(&mut new, &named(old));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    let gone = &new.baseline.as_ref().unwrap().gone;
    assert_eq!(gone.iter().filter(|gone| gone.fate == Fate::Fixed).count(), 20_000);
}
