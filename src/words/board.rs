//! The words of the page for a change board that the other forms of the report do not need.

use chrono::TimeDelta;

use crate::model::{Lang, Moment, Verdict};

const fn pick(lang: Lang, en: &'static str, ja: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Ja => ja,
    }
}

/// What kind of document it is.
pub const fn kicker(lang: Lang) -> &'static str {
    pick(lang, "May we switch? Readiness of a mail server move", "切り替えてよいか: メールサーバー移行の事前確認")
}

/// What leads past the head, for whoever does not use a mouse.
pub const fn skip(lang: Lang) -> &'static str {
    pick(lang, "To the findings", "指摘事項へ移動")
}

/// The name of the list of sections.
pub const fn contents(lang: Lang) -> &'static str {
    pick(lang, "Contents", "目次")
}

/// The name of the counts.
pub const fn tally(lang: Lang) -> &'static str {
    pick(lang, "How many of each", "種類ごとの件数")
}

/// The sections of the page: anchor and heading.
pub const fn sections(lang: Lang) -> [(&'static str, &'static str); 6] {
    match lang {
        Lang::En => [
            ("timeline", "Timeline"),
            ("findings", "Findings"),
            ("lists", "Blocklists by address"),
            ("sides", "Old beside new"),
            ("not-covered", "Not covered by this run"),
            ("passed", "Passed"),
        ],
        Lang::Ja => [
            ("timeline", "日程"),
            ("findings", "指摘事項"),
            ("lists", "アドレスごとのブロックリスト登録状況"),
            ("sides", "新旧の比較"),
            ("not-covered", "この実行では確認していない事項"),
            ("passed", "合格した検査"),
        ],
    }
}

/// What a verdict means for whoever decides.
pub const fn verdict(lang: Lang, verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => pick(
            lang,
            "Everything that can block was measured, and nothing was found.",
            "移行を止めうるものをすべて確認し、問題はなかった。",
        ),
        Verdict::GoWithWarnings => pick(
            lang,
            "Nothing blocks. A person should read the warnings before the switch.",
            "移行を止めるものはない。切り替えの前に警告を人が読むこと。",
        ),
        Verdict::Hold => pick(
            lang,
            "Do not switch yet: something that can block was not measured.",
            "まだ切り替えてはならない。移行を止めうるもののうち、確認できなかったものがある。",
        ),
        Verdict::NoGo => {
            pick(lang, "Do not switch: mail would be lost.", "切り替えてはならない。メールが失われる問題がある。")
        }
    }
}

/// What the picture shows, for whoever does not see it.
pub const fn timeline_label(lang: Lang) -> &'static str {
    pick(
        lang,
        "The moments of the change on a line; the list below has the same in words",
        "変更の日程を線上に示した図。同じ内容が下の一覧にある",
    )
}

/// Below the picture.
pub const fn not_to_scale(lang: Lang) -> &'static str {
    pick(
        lang,
        "Upper bar: the old addresses send and receive. Lower bar: the new ones. Distances are not to scale.",
        "上の帯は旧アドレス、下の帯は新アドレスの稼働期間を示す。間隔は実際の時間に比例しない。",
    )
}

/// A moment; nothing stands for the run itself.
pub const fn moment(lang: Lang, moment: Option<Moment>) -> &'static str {
    match moment {
        None => pick(lang, "this run", "この実行"),
        Some(Moment::TtlLowered) => pick(lang, "TTLs lowered", "TTL を短縮"),
        Some(Moment::OldTtlExpired) => {
            pick(lang, "answers with the old TTL have expired", "短縮前の TTL の応答がキャッシュから消える")
        }
        Some(Moment::LowerBy) => pick(lang, "last chance to lower the longest TTL", "最も長い TTL を短縮する期限"),
        Some(Moment::Cutover) => pick(lang, "cutover", "切り替え"),
        Some(Moment::DecideBy) => pick(lang, "decision whether to go back", "切り戻しの判断期限"),
        Some(Moment::LastOldAnswer) => {
            pick(lang, "the last cache forgets the old records", "古い内容が最後のキャッシュから消える")
        }
        Some(Moment::OverlapEnds) => {
            pick(lang, "overlap ends: the old server may be retired", "並行運用の終了。旧サーバーを廃止できる")
        }
    }
}

/// How far a moment is from the run.
pub fn distance(lang: Lang, distance: TimeDelta) -> String {
    let minutes = distance.num_minutes().unsigned_abs();
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let [day, hour, minute] = if lang == Lang::En { ["d", "h", "min"] } else { ["日", "時間", "分"] };
    let long = match (days, hours, minutes) {
        (0, 0, _) => format!("{minutes} {minute}"),
        (0, _, 0) => format!("{hours} {hour}"),
        (0, ..) => format!("{hours} {hour} {minutes} {minute}"),
        (_, 0, _) => format!("{days} {day}"),
        _ => format!("{days} {day} {hours} {hour}"),
    };
    match (lang, distance < TimeDelta::zero()) {
        (Lang::En, true) => format!("{long} before this run"),
        (Lang::En, false) => format!("{long} after this run"),
        (Lang::Ja, true) => format!("この実行の {long}前"),
        (Lang::Ja, false) => format!("この実行の {long}後"),
    }
}

/// Where no list was asked about an address.
pub const fn no_lists(lang: Lang) -> &'static str {
    pick(
        lang,
        "No blocklist gave an answer about an address in this run.",
        "この実行では、アドレスについて応答したブロックリストがない。",
    )
}

/// The name of the table of lists.
pub const fn lists_caption(lang: Lang) -> &'static str {
    pick(lang, "What each blocklist says of each address", "各ブロックリストの各アドレスに関する応答")
}

/// Above the table of lists.
pub const fn lists_lead(lang: Lang) -> &'static str {
    pick(
        lang,
        "“Not listed” counts only where the list proved in this run that it answers truthfully from here. An empty cell proves nothing.",
        "「未登録」は、ここから正しく応答することをこの実行の中で証明したリストだけに表示する。空欄は何も証明しない。",
    )
}

/// A healthy list that does not have the address.
pub const fn not_listed(lang: Lang) -> &'static str {
    pick(lang, "not listed", "未登録")
}

/// An empty cell.
pub const fn nothing_known(lang: Lang) -> &'static str {
    pick(lang, "nothing known", "不明または対象外")
}

/// The name of the explanation of the signs.
pub const fn legend(lang: Lang) -> &'static str {
    pick(lang, "Legend", "凡例")
}

/// The name of the table of checks by address.
pub const fn sides_caption(lang: Lang) -> &'static str {
    pick(lang, "Each check for each old and new address", "新旧の各アドレスに対する各検査の結果")
}

/// Above that table.
pub const fn sides_lead(lang: Lang) -> &'static str {
    pick(
        lang,
        "What the old address has and the new one lacks is what breaks at the cutover. A sign leads to its finding.",
        "旧アドレスにあって新アドレスにないものが、切り替えで壊れる。指摘のあるセルは該当の説明へのリンクである。",
    )
}

/// The heading of the checks that are not about addresses.
pub const fn other_checks(lang: Lang) -> &'static str {
    pick(lang, "Checks that are not about an address", "アドレス以外の検査")
}

/// The columns of that table.
pub const fn rest_headings(lang: Lang) -> [&'static str; 3] {
    match lang {
        Lang::En => ["check", "result", "of whom"],
        Lang::Ja => ["検査", "結果", "対象"],
    }
}

/// What folds away what was seen.
pub const fn evidence(lang: Lang) -> &'static str {
    pick(lang, "evidence", "根拠")
}

/// A check that does not apply.
pub const fn not_applicable(lang: Lang) -> &'static str {
    pick(lang, "not applicable", "対象外")
}

/// Above what was not covered.
pub const fn not_covered_lead(lang: Lang) -> &'static str {
    pick(
        lang,
        "This report says nothing about the following, neither good nor bad.",
        "次の事項について、このレポートは良いとも悪いとも述べていない。",
    )
}

/// Where a section has nothing to say.
pub const fn nothing(lang: Lang) -> &'static str {
    pick(lang, "Nothing.", "なし。")
}

/// At the end of the page.
pub const fn limits(lang: Lang) -> &'static str {
    pick(
        lang,
        "A report speaks of the moment of its run. What this tool does not ask is not covered.",
        "レポートは実行した時点の状態を示す。このツールが調べない事項は含まれない。",
    )
}
