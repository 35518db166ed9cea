//! What `rank` says to people.

use crate::model::Lang;

fn pick<T>(lang: Lang, en: T, ja: T) -> T {
    match lang {
        Lang::En => en,
        Lang::Ja => ja,
    }
}

/// What a sweep costs others.
pub(super) struct Cost {
    pub(super) addresses: u64,
    pub(super) lists: usize,
    pub(super) questions: u64,
    pub(super) operators: usize,
    /// How long it takes at the operators' own paces, in seconds.
    pub(super) seconds: u64,
}

/// The cost, as one sentence.
pub(super) fn cost(lang: Lang, cost: &Cost) -> String {
    let Cost { addresses, lists, questions, operators, seconds } = *cost;
    let long = match seconds {
        0 => String::new(),
        1..=119 => pick(
            lang,
            format!(", at least {seconds} s at their paces"),
            format!("。定められた速度で {seconds} 秒以上かかる"),
        ),
        120..=7199 => {
            let minutes = seconds / 60;
            pick(
                lang,
                format!(", at least {minutes} min at their paces"),
                format!("。定められた速度で {minutes} 分以上かかる"),
            )
        }
        _ => {
            let hours = seconds / 3600;
            pick(
                lang,
                format!(", at least {hours} h at their paces"),
                format!("。定められた速度で {hours} 時間以上かかる"),
            )
        }
    };
    let who = if operators == 1 { "1 operator".to_owned() } else { format!("{operators} operators") };
    pick(
        lang,
        format!("{addresses} addresses on {lists} lists are about {questions} questions to {who}{long}"),
        format!(
            "アドレス {addresses} 個 × リスト {lists} 件は、運営者 {operators} 者への問い合わせ約 {questions} 件になる{long}"
        ),
    )
}

/// The question before a large sweep.
pub(super) fn go_on(lang: Lang) -> &'static str {
    pick(lang, "Go on? [y/N] ", "続けるか? [y/N] ")
}

/// The headings of the table.
pub(super) fn headings(lang: Lang) -> [&'static str; 6] {
    pick(lang, ["", "address", "verdict", "on lists", "PTR", "AS"], ["", "アドレス", "判定", "登録リスト", "PTR", "AS"])
}

/// A verdict in the table.
pub(super) fn verdict(lang: Lang, word: &'static str) -> &'static str {
    match word {
        "clean" => pick(lang, word, "登録なし"),
        "noted" => pick(lang, word, "注意のみ"),
        "unknown" => pick(lang, word, "不明"),
        "listed" => pick(lang, word, "登録あり"),
        "blocked" => pick(lang, word, "拒否される"),
        other => other,
    }
}

/// A reverse name's state in the table.
pub(super) fn naming(lang: Lang, word: &'static str) -> &'static str {
    match word {
        "own" => pick(lang, word, "固有"),
        "generic" => pick(lang, word, "既定の名前"),
        "missing" => pick(lang, word, "なし"),
        "unknown" => pick(lang, word, "不明"),
        other => other,
    }
}

/// An entry that stands for more than the address.
pub(super) fn scope(lang: Lang, word: &'static str) -> &'static str {
    match word {
        "range" => pick(lang, " (whole range)", " (範囲全体)"),
        "as" => pick(lang, " (whole AS)", " (AS 全体)"),
        _ => "",
    }
}

/// Below the table: what the words mean, a line each.
pub(super) fn legend(lang: Lang) -> &'static str {
    pick(
        lang,
        "clean: on no list, and every list was believed\n\
         noted: on lists that refuse no mail, or for the whole range around it\n\
         unknown: not every list was believed, which is no pass\n\
         listed, blocked: on lists for itself; blocked: receivers refuse its mail",
        "登録なし: どのリストにも登録がなく、全リストの応答を信用できた\n\
         注意のみ: 拒否に使われないリスト、または周囲の範囲全体の登録だけがある\n\
         不明: 信用できないリストがあった。合格ではない\n\
         登録あり・拒否される: アドレス自体が登録されている。後者は受信拒否に使われる",
    )
}

/// Below the table: which lists were not believed, and for how many addresses.
pub(super) fn not_believed(lang: Lang, lists: &str) -> String {
    pick(lang, format!("Not believed: {lists}."), format!("信用できなかったリスト: {lists}。"))
}

/// Below the table: how many rows are not shown.
pub(super) fn more(lang: Lang, count: usize) -> String {
    pick(
        lang,
        format!("{count} more are not shown; --format csv or ndjson has them all."),
        format!("ほかに {count} 件ある。--format csv または ndjson で全件が得られる。"),
    )
}

/// Reverse names and networks are left out.
pub(super) fn without_names(lang: Lang, most: u64) -> String {
    pick(
        lang,
        format!("PTR and AS are asked for up to {most} addresses only; rank the best ones once more to see theirs."),
        format!("PTR と AS は {most} アドレスまでしか調べない。上位のアドレスだけを改めて rank にかける。"),
    )
}

/// A run that was stopped.
pub(super) fn stopped(lang: Lang, resume: Option<&str>) -> String {
    match resume {
        Some(path) => pick(
            lang,
            format!("interrupted; the same command goes on in {path}"),
            format!("中断された。同じコマンドで {path} の続きから再開できる"),
        ),
        None => crate::words::interrupted(lang),
    }
}

/// Under the bar.
pub(super) fn progress(lang: Lang, questions: u64) -> String {
    crate::words::questions_asked(lang, questions)
}
