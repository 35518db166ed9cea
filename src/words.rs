//! The few words of the interface that belong to no check, in both languages.

pub mod board;
mod change;

pub use change::*;

use crate::model::{Applied, Completion, Lang, Level, Levels, Phase, Rehearsed, Side, Vantage, Verdict};

fn pick(lang: Lang, en: String, ja: String) -> String {
    match lang {
        Lang::En => en,
        Lang::Ja => ja,
    }
}

/// Said on standard error when the report went into a file.
pub fn report_written(lang: Lang, verdict: Verdict, path: &str) -> String {
    let verdict = verdict.words();
    pick(lang, format!("{verdict}: report written to {path}\n"), format!("{verdict}: レポートを {path} に保存した\n"))
}

/// Said on standard error when the report was kept in a folder.
pub fn report_kept(lang: Lang, path: &str) -> String {
    pick(lang, format!("report kept as {path}\n"), format!("レポートを {path} として保存した\n"))
}

/// Beside the progress bar.
pub fn questions_asked(lang: Lang, count: u64) -> String {
    pick(lang, format!("{count} queries"), format!("問い合わせ {count} 件"))
}

/// Said on standard error after the demo.
pub fn demo_exit(lang: Lang, code: u8) -> String {
    pick(
        lang,
        format!("demo: the world was simulated; `mail-cutover check` would exit with {code} here\n"),
        format!("デモ: 模擬環境での実行。`mail-cutover check` なら終了コードは {code}\n"),
    )
}

/// Column headings of the list catalogue.
pub fn list_headings(lang: Lang) -> [&'static str; 7] {
    match lang {
        Lang::En => ["asked", "list", "zone", "holds", "weight", "state", "why"],
        Lang::Ja => ["対象", "リスト", "ゾーン", "種類", "重み", "状態", "理由"],
    }
}

/// Below the list catalogue.
pub fn list_footing(lang: Lang, count: usize, revised: &str) -> String {
    pick(
        lang,
        format!(
            "{count} lists, catalogue of {revised}. ● asked by a run, * required for GO.\n--all shows dead and unknown lists; --health asks."
        ),
        format!(
            "{count} 件、カタログ {revised} 版。● 実行時に問い合わせる、* GO に必須。\n--all で廃止・不明も表示、--health で応答を確認。"
        ),
    )
}

/// Below the health of the lists.
pub fn health_footing(lang: Lang, healthy: usize, total: usize) -> String {
    pick(
        lang,
        format!("{healthy} of {total} can be believed from here; * required for GO."),
        format!("ここから信用できるのは {total} 件中 {healthy} 件。* GO に必須。"),
    )
}

/// Lists that a GO needs and that can never be believed.
pub fn without_test_points(lang: Lang, lists: &str) -> String {
    pick(
        lang,
        format!("required, and without a test point by which it could be believed: {lists}"),
        format!("必須だが、応答を信用する根拠となるテスト用アドレスがない: {lists}"),
    )
}

/// The deadline passed before there was a result.
pub fn deadline_passed(lang: Lang) -> String {
    pick(
        lang,
        "could not finish before the deadline; write a longer --deadline".to_owned(),
        "制限時間内に終わらなかった。--deadline を延ばす".to_owned(),
    )
}

/// Ctrl-C before there was a result.
pub fn interrupted(lang: Lang) -> String {
    pick(lang, "interrupted".to_owned(), "中断された".to_owned())
}

/// Above and below everything that the demo prints.
pub fn simulated(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "SIMULATED WORLD: a miniature internet on this machine; nothing real was asked",
        Lang::Ja => "模擬環境: このマシンの中の小さなインターネットでの結果。実際の問い合わせはしていない",
    }
}

/// Above and below everything that was judged from zone files.
pub fn rehearsed(lang: Lang, zones: &[Rehearsed]) -> String {
    let zones =
        |of| zones.iter().map(|zone| format!("{} {of} {}", zone.zone, zone.path)).collect::<Vec<_>>().join(", ");
    match lang {
        Lang::En => format!("REHEARSED: judged as if this were published: {}", zones("from")),
        Lang::Ja => format!("リハーサル: 次のゾーンが公開されたものとして判定: {}", zones("←")),
    }
}

/// What the mark at a rehearsed result means.
pub fn rehearsed_mark(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "* rests on a rehearsed zone, not on what is published now",
        Lang::Ja => "* は、今公開されている内容ではなく、リハーサルのゾーンに基づく",
    }
}

/// Where an answer came from that the world did not give.
pub fn rehearsed_from(lang: Lang, files: &str) -> String {
    pick(lang, format!("rehearsed: {files}"), format!("リハーサル: {files}"))
}

/// Labels of the report's head: change, plan, cutover, run, asked.
pub fn head(lang: Lang) -> [&'static str; 5] {
    match lang {
        Lang::En => ["change", "plan", "cutover", "run", "asked"],
        Lang::Ja => ["変更", "計画", "切り替え", "実行", "問い合わせ先"],
    }
}

/// The phase, and the time of the cutover.
pub fn phase_of(lang: Lang, phase: Phase, cutover: &str) -> String {
    match (lang, phase) {
        (Lang::En, Phase::Before) => format!("{cutover}; judged as before the cutover"),
        (Lang::En, Phase::After) => format!("{cutover}; judged as after the cutover"),
        (Lang::Ja, Phase::Before) => format!("{cutover}。切り替え前として判定"),
        (Lang::Ja, Phase::After) => format!("{cutover}。切り替え後として判定"),
    }
}

/// Where a run took place, with a number where several took place at the same.
pub fn vantage(lang: Lang, vantage: Vantage, number: Option<usize>) -> String {
    let place = match (lang, vantage) {
        (Lang::En, Vantage::Desk) => "desk",
        (Lang::En, Vantage::NewServer) => "new server",
        (Lang::Ja, Vantage::Desk) => "手元",
        (Lang::Ja, Vantage::NewServer) => "新サーバー",
    };
    number.map_or_else(|| place.to_owned(), |number| format!("{place} {number}"))
}

/// Beside a run that took place on the new server.
pub fn on_the_new_server(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "on the new server",
        Lang::Ja => "新サーバーで実行",
    }
}

/// What made one report of those of several runs, which are named above it.
pub fn merged_by(lang: Lang, tool: &str) -> String {
    pick(lang, format!("as each run says; merged by {tool}"), format!("実行ごとに上記のとおり。{tool} で統合"))
}

/// Beside one run of several that is not whole.
pub fn completion(lang: Lang, completion: Completion) -> Option<&'static str> {
    let (en, ja) = match completion {
        Completion::Complete => return None,
        Completion::Deadline => ("cut short by its deadline", "制限時間で打ち切り"),
        Completion::Interrupted => ("interrupted", "中断"),
        Completion::Partial => ("checks left out", "検査を一部除外"),
    };
    Some(if lang == Lang::En { en } else { ja })
}

/// The date of the list catalogue.
pub fn catalogue_of(lang: Lang, date: &str) -> String {
    pick(lang, format!("(list catalogue of {date})"), format!("(リストのカタログ {date} 版)"))
}

/// The side of an address.
pub fn side(lang: Lang, side: Side) -> &'static str {
    match (lang, side) {
        (Lang::En, Side::Old) => "OLD",
        (Lang::En, Side::New) => "NEW",
        (Lang::Ja, Side::Old) => "旧",
        (Lang::Ja, Side::New) => "新",
    }
}

/// A line of the plan as a subject.
pub fn plan_line(lang: Lang, line: usize) -> String {
    pick(lang, format!("plan, line {line}"), format!("計画 {line} 行目"))
}

/// The word in a cell of the summary.
pub fn standing(lang: Lang, word: &str) -> &'static str {
    let (en, ja) = match word {
        "passed" => ("ok", "合格"),
        "not-covered" => ("not covered", "未確認"),
        "note" => ("note", "参考"),
        "waived" => ("waived", "受容済み"),
        "warning" => ("warning", "警告"),
        "unknown" => ("unknown", "確認不能"),
        "blocker" => ("BLOCKER", "阻止"),
        _ => ("", ""),
    };
    if lang == Lang::En { en } else { ja }
}

/// The heading above findings of one kind.
pub fn level_heading(lang: Lang, word: &str) -> &'static str {
    let (en, ja) = match word {
        "blocker" => ("BLOCKERS: mail would be lost", "移行を阻止する問題"),
        "unknown" => ("UNKNOWN: asked and not answered", "確認できなかった事項"),
        "warning" => ("WARNINGS: a person should decide", "警告 (人が判断する)"),
        "waived" => ("WAIVED: accepted risks", "受容済みのリスク"),
        "note" => ("NOTES", "参考"),
        "not-covered" => ("NOT COVERED by this run", "この実行では確認していない事項"),
        _ => ("PASSED", "合格"),
    };
    if lang == Lang::En { en } else { ja }
}

/// Labels within a finding: seen, do, by hand, waived, steps.
pub fn finding(lang: Lang) -> [&'static str; 5] {
    match lang {
        Lang::En => ["seen", "do", "by hand", "waived", "steps"],
        Lang::Ja => ["根拠", "対処", "手作業", "受容", "経過"],
    }
}

/// The heading above what passed, with its steps.
pub fn passed_with_steps(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "PASSED, step by step",
        Lang::Ja => "合格した検査の経過",
    }
}

/// What folds away the steps of a finding.
pub fn steps(lang: Lang, lines: usize) -> String {
    pick(lang, format!("steps ({})", plural(lines, "line")), format!("経過 ({lines} 行)"))
}

/// Instead of an answer: how long a conversation was.
pub fn lines_spoken(lang: Lang, lines: usize) -> String {
    pick(lang, format!("conversation of {}", plural(lines, "line")), format!("{lines} 行の対話"))
}

/// Headings of the table with a row for each address.
pub fn rows_header(lang: Lang) -> [&'static str; 3] {
    match lang {
        Lang::En => ["address", "worst", "where"],
        Lang::Ja => ["アドレス", "最悪の結果", "検査"],
    }
}

/// Heading of the transcript.
pub fn transcript(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "TRANSCRIPT: every question and its answer",
        Lang::Ja => "記録: すべての問い合わせと応答",
    }
}

/// A waiver as it stands on a finding.
pub fn waived(lang: Lang, waiver: &Applied) -> String {
    let Applied { owner, reason, until, .. } = waiver;
    let reference = waiver.reference.as_ref().map_or_else(String::new, |reference| format!(" ({reference})"));
    pick(
        lang,
        format!("by {owner} until {until}{reference}: {reason}"),
        format!("{owner}、{until} まで{reference}: {reason}"),
    )
}

/// Below the verdict: the deadline passed.
pub fn cut_by_deadline(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "The run was cut short by its deadline; what was not finished is not known.",
        Lang::Ja => "制限時間により実行が打ち切られた。終わらなかった検査の結果は確認不能である。",
    }
}

/// Below the verdict: somebody pressed Ctrl-C.
pub fn cut_by_hand(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "The run was interrupted; what was not finished is not known.",
        Lang::Ja => "実行が中断された。終わらなかった検査の結果は確認不能である。",
    }
}

/// Below the verdict: checks were left out.
pub fn cut_by_choice(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "Checks that can block were left out by --only or --skip.",
        Lang::Ja => "移行を阻止しうる検査が --only または --skip で除外された。",
    }
}

/// `2 blockers`.
pub fn count_blockers(lang: Lang, count: usize) -> String {
    pick(lang, plural(count, "blocker"), format!("阻止 {count} 件"))
}

/// `1 unknown`.
pub fn count_unknowns(lang: Lang, count: usize) -> String {
    pick(lang, format!("{count} not measured"), format!("確認不能 {count} 件"))
}

/// `3 warnings`.
pub fn count_warnings(lang: Lang, count: usize) -> String {
    pick(lang, plural(count, "warning"), format!("警告 {count} 件"))
}

/// `1 waived`.
pub fn count_waived(lang: Lang, count: usize) -> String {
    pick(lang, format!("{count} waived"), format!("受容済み {count} 件"))
}

/// Below a plain GO, or an empty run.
pub fn nothing_found(lang: Lang, passed: usize) -> String {
    match passed {
        0 => pick(lang, "Nothing was measured.".to_owned(), "何も確認できなかった。".to_owned()),
        _ => pick(
            lang,
            format!("{passed} answers, nothing found. What this tool does not ask is not covered."),
            format!("{passed} 件を確認し、問題はなかった。このツールが調べない事項は含まれない。"),
        ),
    }
}

/// Headings of a check's page: why, how, by hand, outcomes, references.
pub fn page(lang: Lang) -> [&'static str; 5] {
    match lang {
        Lang::En => ["Why", "How", "By hand", "Outcomes", "References"],
        Lang::Ja => ["理由", "方法", "手作業", "結果", "参考文献"],
    }
}

/// Columns of the outcomes on a check's page.
pub fn page_columns(lang: Lang) -> [&'static str; 4] {
    match lang {
        Lang::En => ["tag", "weight", "says", "do"],
        Lang::Ja => ["タグ", "重み", "意味", "対処"],
    }
}

/// Above the tags that any check may say.
pub fn of_any_check(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "What any check may say of itself",
        Lang::Ja => "どの検査にも起こりうること",
    }
}

/// The weight of an outcome: before and after the cutover, and for old addresses, as far as they differ.
pub fn levels(lang: Lang, levels: Levels) -> String {
    let [before, after, old] = [levels.before, levels.after, levels.old].map(|level| level_word(lang, level));
    match (levels.before == levels.after, levels.before == levels.old) {
        (true, true) => before.to_owned(),
        (true, false) => pick(lang, format!("{before} (old address: {old})"), format!("{before} (旧アドレス: {old})")),
        (false, _) => pick(
            lang,
            format!("before: {before}, after: {after} (old address: {old})"),
            format!("前: {before}、後: {after} (旧アドレス: {old})"),
        ),
    }
}

fn level_word(lang: Lang, level: Level) -> &'static str {
    match (lang, level) {
        (Lang::En, Level::Note) => "note",
        (Lang::En, Level::Warning) => "warning",
        (Lang::En, Level::Unknown) => "unknown",
        (Lang::En, Level::Blocker) => "blocker",
        (Lang::Ja, Level::Note) => "参考",
        (Lang::Ja, Level::Warning) => "警告",
        (Lang::Ja, Level::Unknown) => "確認不能",
        (Lang::Ja, Level::Blocker) => "阻止",
    }
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
