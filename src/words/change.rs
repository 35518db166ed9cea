//! The words for what changed: between two reports, and in a watch.

use super::{pick, plural};
use crate::model::{Fate, Lang, Mark, Phase, Verdict};

/// Above what a comparison found: the baseline.
pub fn since(lang: Lang, path: &str, when: &str, phase: Phase, verdict: Verdict) -> String {
    let (phase, verdict) = (side_of_cutover(lang, phase), verdict.words());
    pick(
        lang,
        format!("SINCE {path} ({when}, {phase}, {verdict})"),
        format!("{path} からの変化 ({when}、{phase}、{verdict})"),
    )
}

/// The report that was compared.
pub fn compared(lang: Lang, path: &str, when: &str, phase: Phase, verdict: Verdict) -> String {
    let (phase, verdict) = (side_of_cutover(lang, phase), verdict.words());
    pick(lang, format!("{path} ({when}, {phase}): {verdict}"), format!("{path} ({when}、{phase}): {verdict}"))
}

/// A phase as a place in time.
pub fn side_of_cutover(lang: Lang, phase: Phase) -> &'static str {
    match (lang, phase) {
        (Lang::En, Phase::Before) => "before the cutover",
        (Lang::En, Phase::After) => "after the cutover",
        (Lang::Ja, Phase::Before) => "切り替え前",
        (Lang::Ja, Phase::After) => "切り替え後",
    }
}

/// The baseline was made with another text of the plan.
pub fn plan_text_changed(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "The text of the plan has changed since; its addresses and domains are the same.",
        Lang::Ja => "その後、計画の文面が変わっている。アドレスとドメインは同じである。",
    }
}

/// The baseline judged zones from files.
pub fn baseline_rehearsed(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "That report was a rehearsal: part of it was never published.",
        Lang::Ja => "そのレポートはリハーサルで、一部は公開されたことのない内容である。",
    }
}

/// How much is new, heavier, not known before and known; fixed, lost and moot. What there is none of is not said.
pub fn since_counts(lang: Lang, marks: [usize; 4], fates: [usize; 3]) -> String {
    let marked = [Mark::New, Mark::Heavier, Mark::Unseen, Mark::Same].map(|one| mark(lang, one));
    let (fixed, lost, moot) = (fate(lang, Fate::Fixed), fate(lang, Fate::Lost), fate(lang, Fate::Moot));
    let words = marked.into_iter().chain([fixed, lost, moot]);
    let counts = marks.into_iter().chain(fates).zip(words).filter(|(count, _)| *count > 0);
    let counts: Vec<String> =
        counts.map(|(count, word)| pick(lang, format!("{count} {word}"), format!("{word} {count}"))).collect();
    match (lang, counts.as_slice()) {
        (Lang::En, []) => "nothing was or is found".to_owned(),
        (Lang::Ja, []) => "どちらにも指摘はない".to_owned(),
        (Lang::En, counts) => counts.join(", "),
        (Lang::Ja, counts) => counts.join("、"),
    }
}

/// How a finding stands to the baseline.
pub fn mark(lang: Lang, mark: Mark) -> &'static str {
    match (lang, mark) {
        (Lang::En, Mark::New) => "new",
        (Lang::En, Mark::Heavier) => "heavier than before",
        (Lang::En, Mark::Unseen) => "not known before",
        (Lang::En, Mark::Same) => "known",
        (Lang::Ja, Mark::New) => "新規",
        (Lang::Ja, Mark::Heavier) => "以前より重い",
        (Lang::Ja, Mark::Unseen) => "前回は不明",
        (Lang::Ja, Mark::Same) => "既知",
    }
}

/// What became of something that is no longer said.
pub fn fate(lang: Lang, fate: Fate) -> &'static str {
    match (lang, fate) {
        (Lang::En, Fate::Fixed) => "fixed",
        (Lang::En, Fate::Moot) => "no longer asked",
        (Lang::En, Fate::Lost) => "not known any more",
        (Lang::Ja, Fate::Fixed) => "解消",
        (Lang::Ja, Fate::Moot) => "問われなくなった",
        (Lang::Ja, Fate::Lost) => "確認できなくなった",
    }
}

/// Instead of the data of a record that is not there.
pub fn no_record(lang: Lang) -> &'static str {
    if lang == Lang::En { "nothing" } else { "なし" }
}

/// Whether the plan wants a change of records.
pub fn record_expected(lang: Lang, expected: bool) -> &'static str {
    match (lang, expected) {
        (Lang::En, true) => "as planned",
        (Lang::En, false) => "not in the plan",
        (Lang::Ja, true) => "計画どおり",
        (Lang::Ja, false) => "計画にない",
    }
}

/// The kind of a line of a watch, all equally wide in one language.
pub fn news(lang: Lang, kind: &str) -> &'static str {
    let (en, ja) = match kind {
        "began" => ("began   ", "開始    "),
        "stands" => ("stands  ", "既存    "),
        "new" => ("NEW     ", "新規    "),
        "heavier" => ("HEAVIER ", "悪化    "),
        "fixed" => ("fixed   ", "解消    "),
        "unknown" => ("UNKNOWN ", "確認不能"),
        "known" => ("known   ", "確認可能"),
        "record" => ("record  ", "レコード"),
        "phase" => ("phase   ", "段階    "),
        "verdict" => ("VERDICT ", "判定    "),
        "clock" => ("clock   ", "時計    "),
        "ended" => ("ended   ", "終了    "),
        _ => ("FAILED  ", "失敗    "),
    };
    if lang == Lang::En { en } else { ja }
}

/// Behind a verdict for which a trigger of the plan is the reason.
pub fn roll_back(lang: Lang) -> &'static str {
    if lang == Lang::En { "roll back?" } else { "切り戻すか?" }
}

/// The clock jumped while a watch waited.
pub fn leap(lang: Lang, seconds: i64) -> String {
    pick(
        lang,
        format!("the clock jumped by {seconds:+} s: this machine slept, or the clock was set; checking at once"),
        format!("時計が {seconds:+} 秒ずれた (スリープ、または時刻の変更)。ただちに検査する"),
    )
}

/// The last line of a watch.
pub fn watched(lang: Lang, runs: u64, verdict: &str) -> String {
    pick(
        lang,
        format!("after {} the verdict is {verdict}", plural(usize::try_from(runs).unwrap_or(usize::MAX), "run")),
        format!("{runs} 回の検査を終え、判定は {verdict}"),
    )
}

/// At the bottom of a terminal while a watch waits.
pub fn watching(lang: Lang, verdict: &str, runs: u64, last: &str, next: &str) -> String {
    pick(
        lang,
        format!("{verdict}; run {runs} at {last}, the next at {next}"),
        format!("{verdict}。{runs} 回目 {last}、次回 {next}"),
    )
}
