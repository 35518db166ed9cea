//! What `bounce --log` says, in both languages.

use crate::bounce::{Direction, Group, LogRead};
pub(super) use crate::command::bounce::said;
use crate::model::Lang;
use crate::render::grouped;

/// Ctrl-C.
pub(super) const fn interrupted(lang: Lang) -> &'static str {
    said(
        lang,
        (
            "interrupted: nothing was counted to its end, and nothing was written",
            "中断された。集計は終わっておらず、何も出力していない",
        ),
    )
}

/// The output stands in a file.
pub(super) fn written(lang: Lang, path: &str) -> String {
    match lang {
        Lang::En => format!("written to {path}"),
        Lang::Ja => format!("{path} に出力した"),
    }
}

/// One log.
pub(super) fn log(lang: Lang, log: &LogRead) -> String {
    let LogRead { file, volume, news, error, .. } = log;
    let (lines, news) = (grouped(volume.lines), grouped(*news));
    let mut text = match lang {
        Lang::En => format!("{file}: {lines} lines, {news} about the fate of messages"),
        Lang::Ja => format!("{file}: {lines} 行、うち配送結果に関するもの {news} 行"),
    };
    if let Some(error) = error {
        text.push_str(&match lang {
            Lang::En => format!("; it breaks off ({error}) and counts as far as it goes"),
            Lang::Ja => format!("。途中で切れている ({error})。読めたところまで集計した"),
        });
    }
    if volume.cut > 0 {
        let cut = grouped(volume.cut);
        text.push_str(&match lang {
            Lang::En => format!("; {cut} lines of more than 64 KiB were cut"),
            Lang::Ja => format!("。64 KiB を超える {cut} 行は途中までで切った"),
        });
    }
    text
}

/// The names of the lines at the top.
pub(super) const fn heads(lang: Lang) -> [&'static str; 4] {
    match lang {
        Lang::En => ["log", "period", "cutover", "delivered"],
        Lang::Ja => ["ログ", "期間", "切り替え", "配送済み"],
    }
}

/// How many were delivered.
pub(super) fn delivered(lang: Lang, [before, since]: [u64; 2], split: bool) -> String {
    let (before, since) = (grouped(before), grouped(since));
    match (lang, split) {
        (Lang::En, true) => format!("{before} before the cutover, {since} since"),
        (Lang::Ja, true) => format!("切り替え前 {before} 件、切り替え後 {since} 件"),
        (Lang::En, false) => format!("{since} messages"),
        (Lang::Ja, false) => format!("{since} 件"),
    }
}

/// What cannot be told from these logs.
pub(super) const NO_BEFORE: (&str, &str) = (
    "No line is older than the cutover, so everything since counts as new; name the old log too to compare.",
    "切り替え前の行がないため、切り替え後のものはすべて新規として数える。比較するには以前のログも指定する。",
);
pub(super) const NO_SINCE: (&str, &str) = (
    "No line is of the time since the cutover: these logs say nothing about it.",
    "切り替え後の行がない。このログからは切り替え後のことは何も分からない。",
);
pub(super) const NO_LINE: (&str, &str) = (
    "No line is of the time that --since names: nothing was counted.",
    "--since で指定した時刻より後の行がない。何も数えていない。",
);
pub(super) const NO_MAIL: (&str, &str) = (
    "No line tells what became of a message: are these logs of Postfix, Exim or Sendmail?",
    "配送結果を示す行がない。Postfix、Exim、Sendmail のログか確かめる。",
);
pub(super) const NOTHING: (&str, &str) = ("Nobody was refused.", "拒否は 1 件もない。");
pub(super) const QUIET: (&str, &str) = (
    "Since the cutover we are refused for no new and grave reason.",
    "切り替え後、自社のメールが新たに重大な理由で拒否されたことはない。",
);
pub(super) const OPEN: (&str, &str) = (
    "Whether we are refused since the cutover is not known for certain: see above.",
    "切り替え後に拒否されているかどうかは確定できない (上を参照)。",
);
pub(super) const LEGEND: (&str, &str) = (
    "Messages, not tries. waits: of these, put off and not settled at the end of the logs. late: put off first and delivered later; not \
     among the others.",
    "試行回数ではなくメール数 (宛先ごと)。待機: うち保留されたまま、ログの終わりまでに決着していないもの。遅延: いったん保留され、後で届いたもの (他の列には含まない)。",
);

/// Lines that have no time.
pub(super) fn undated(lang: Lang, count: u64) -> String {
    let count = grouped(count);
    match lang {
        Lang::En => format!("{count} lines say no time that is understood; they count as since the cutover."),
        Lang::Ja => format!("時刻を読み取れない行が {count} 行あり、切り替え後のものとして数えた。"),
    }
}

/// The title of a table.
pub(super) const fn title(lang: Lang, incoming: bool) -> &'static str {
    if incoming {
        said(lang, ("Refused by our own server", "自社サーバーが拒否したメール"))
    } else {
        said(lang, ("Our mail, refused by others", "相手に拒否された自社のメール"))
    }
}

/// The heads of a table's columns.
pub(super) fn columns(lang: Lang, incoming: bool, split: bool) -> Vec<&'static str> {
    let party = if incoming { ("partner", "相手先") } else { ("receiver", "受信側") };
    let mut columns = vec![party, ("why", "理由")];
    if split {
        columns.push(("before", "前"));
    }
    columns.push(if split { ("since", "後") } else { ("lost", "不達") });
    columns.extend([("waits", "待機"), ("late", "遅延"), ("last seen", "最終")]);
    columns.into_iter().map(|column| said(lang, column)).collect()
}

/// Whom a group is about.
pub(super) fn party(lang: Lang, party: &str) -> String {
    match party {
        "" => said(lang, ("(all others)", "(その他すべて)")).to_owned(),
        "-" => said(lang, ("(not said)", "(不明)")).to_owned(),
        party => party.to_owned(),
    }
}

/// The class in a cell: `dnsbl/ip spamhaus-zen`.
pub(super) fn class(group: &Group) -> String {
    let sub = if group.sub.is_empty() { String::new() } else { format!("/{}", group.sub) };
    let list = group.list.as_ref().map(|list| format!(" {}", crate::model::visible(list.id()))).unwrap_or_default();
    format!("{}{sub}{list}", group.class.word())
}

/// A mark for what was not there before.
pub(super) fn new(lang: Lang, count: u64) -> String {
    format!("{} {}", grouped(count), said(lang, ("new", "新規")))
}

/// The rows that are not shown.
pub(super) fn more(lang: Lang, count: usize) -> String {
    match lang {
        Lang::En => format!("{count} more: --format csv shows all"),
        Lang::Ja => format!("ほか {count} 行。--format csv ですべて表示する"),
    }
}

/// The heading of an explanation: `refused since the cutover: 41 to icloud.com, ptr`.
pub(super) fn heading(lang: Lang, group: &Group, split: bool) -> String {
    let count = grouped(group.since.lost() + if split { 0 } else { group.before.lost() });
    let (party, class) = (party(lang, &group.party), class(group));
    let incoming = group.direction == Direction::Incoming;
    match (lang, incoming, split) {
        (Lang::En, false, true) => format!("refused since the cutover: {count} to {party}, {class}"),
        (Lang::En, true, true) => format!("refused by us since the cutover: {count} from {party}, {class}"),
        (Lang::En, false, false) => format!("refused: {count} to {party}, {class}"),
        (Lang::En, true, false) => format!("refused by us: {count} from {party}, {class}"),
        (Lang::Ja, false, true) => format!("切り替え後の拒否: {party} 宛て {count} 件、{class}"),
        (Lang::Ja, true, true) => format!("切り替え後に自社が拒否: {party} から {count} 件、{class}"),
        (Lang::Ja, false, false) => format!("拒否: {party} 宛て {count} 件、{class}"),
        (Lang::Ja, true, false) => format!("自社が拒否: {party} から {count} 件、{class}"),
    }
}

/// The names of the lines of an explanation.
pub(super) const fn lines(lang: Lang) -> [&'static str; 4] {
    match lang {
        Lang::En => ["who must act", "what to do", "example", "check"],
        Lang::Ja => ["対応する側", "対処", "例", "事前の検査"],
    }
}
