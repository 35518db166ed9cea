//! The few words of the interface that belong to no check, in both languages.

use crate::model::{Lang, Verdict};

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
        format!("{count} lists, catalogue of {revised}. ● asked by a run, * required for GO. --all shows dead and unknown lists; --health asks."),
        format!("{count} 件、カタログ {revised} 版。● 実行時に問い合わせる、* GO に必須。--all で廃止・不明も表示、--health で応答を確認。"),
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

/// The deadline passed before there was a result.
pub fn deadline_passed(lang: Lang) -> String {
    pick(lang, "could not finish before the deadline; write a longer --deadline".to_owned(), "制限時間内に終わらなかった。--deadline を延ばす".to_owned())
}

/// Ctrl-C before there was a result.
pub fn interrupted(lang: Lang) -> String {
    pick(lang, "interrupted".to_owned(), "中断された".to_owned())
}
