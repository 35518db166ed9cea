//! `bounce`: error mails and replies in, explanations out.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::check::read_plan;
use super::deliver::spare;
use super::{CommandError, Printed, Terminal};
use crate::bounce::{Class, Direction, Explanation, LONGEST_INPUT, Named, Ours, Side, explain};
use crate::catalogue::ListStatus;
use crate::check::ours_of;
use crate::cli::{Bounce, BounceFormat};
use crate::model::{Lang, Value, visible};
use crate::output::PendingFile;
use crate::render::{block, pad, spreadsheet, width};

/// Reads the files and explains every refusal in them.
pub(super) fn run(arguments: &Bounce, terminal: &Terminal) -> Result<Printed, CommandError> {
    if !arguments.logs.is_empty() {
        return super::refusals::run(arguments, terminal);
    }
    let ours = match &arguments.plan {
        Some(path) => ours_of(&read_plan(path, terminal)?),
        None => Ours::default(),
    };
    let output = arguments.output.as_deref().filter(|path| *path != Path::new("-"));
    spare(output, arguments.files.iter().chain(&arguments.plan).map(PathBuf::as_path))?;
    let mut told: Vec<(String, Explanation)> = Vec::new();
    for path in &arguments.files {
        let shown = visible(&path.display().to_string());
        let input = read(path, &shown)?;
        told.extend(explain(&input, &ours).into_iter().map(|explanation| (shown.clone(), explanation)));
    }
    let lang = terminal.lang;
    let (text, notice) = match arguments.format {
        BounceFormat::Json => {
            let told: Vec<Json> = told.iter().map(|(file, told)| as_json(file, told)).collect();
            (format!("{:#}\n", json!({ "schema": 1, "explanations": told })), String::new())
        }
        BounceFormat::Csv => (csv(&told, lang), String::new()),
        BounceFormat::Table => (table(&told, arguments.files.len() > 1, terminal), String::new()),
    };
    let notice = if told.is_empty() { said(lang, NOTHING).to_owned() + "\n" } else { notice };
    if let Some(path) = output {
        PendingFile::beside(path)?.complete(&text)?;
        return Ok(Printed { notice, ..Printed::default() });
    }
    Ok(Printed { text, notice, ..Printed::default() })
}

fn read(path: &Path, shown: &str) -> Result<Vec<u8>, CommandError> {
    let fail = |error: std::io::Error| CommandError::ReadBounce { path: shown.to_owned(), detail: error.to_string() };
    let mut bytes = Vec::new();
    let most = LONGEST_INPUT as u64;
    if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(fail)?;
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(fail)?;
    }
    Ok(bytes)
}

const NOTHING: (&str, &str) =
    ("no error mail or reply was found in what was given", "エラーメールや応答は見つからなかった");

pub(super) const fn said(lang: Lang, (en, ja): (&'static str, &'static str)) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Ja => ja,
    }
}

pub(super) fn side(told: &Explanation, lang: Lang) -> &'static str {
    let partner = told.direction == Direction::Incoming;
    let words = match told.side {
        Side::Ours => ("our side", "自社側"),
        Side::Theirs if partner => ("the partner's side", "相手先 (送信側)"),
        Side::Theirs => ("the other side (receiver)", "相手側 (受信側)"),
        Side::Writer if partner => ("whoever wrote the mail, at the partner's", "相手先の差出人"),
        Side::Writer => ("whoever wrote the mail", "メールの差出人"),
        Side::Either => ("either side: find out which", "どちらかの側 (切り分けが必要)"),
        Side::Nobody => ("nobody", "対応不要"),
    };
    said(lang, words)
}

fn whose(told: &Explanation, lang: Lang) -> &'static str {
    let words = match told.whose_ip {
        "ours" => ("ours", "自社"),
        "partner" => ("the partner's", "相手先"),
        "other" => (
            "neither in the plan: a forwarder, or another server of ours",
            "計画にないアドレス: 転送元または別のサーバー",
        ),
        _ => ("", ""),
    };
    said(lang, words)
}

pub(super) fn list_name(told: &Explanation, lang: Lang) -> Option<String> {
    Some(match told.list.as_ref()? {
        Named::Zone(zone) => visible(zone),
        Named::Known(list) => match (&list.status, list.delist_url.as_ref().or(list.lookup_url.as_ref())) {
            (ListStatus::Dead { since, .. }, _) => {
                format!("{} ({} {})", list.name, said(lang, ("closed:", "閉鎖:")), since.in_lang(lang))
            }
            (_, Some(page)) => format!("{} · {page}", list.name),
            _ => list.name.clone(),
        },
    })
}

/// The codes, and the registry's name for the enhanced one.
fn codes(told: &Explanation, lang: Lang) -> Option<String> {
    let codes: Vec<String> =
        told.code.map(|code| code.to_string()).into_iter().chain(told.enhanced.map(|code| code.to_string())).collect();
    let name = told.code_name.as_ref().map(|name| format!(" ({})", name.in_lang(lang))).unwrap_or_default();
    (!codes.is_empty()).then(|| format!("{}{name}", codes.join(" ")))
}

/// The lines under an explanation: what they are called and what they say.
fn lines(told: &Explanation, lang: Lang) -> Vec<(&'static str, String)> {
    let name = |words| said(lang, words);
    let mut lines = vec![(name(("who must act", "対応する側")), side(told, lang).to_owned())];
    lines.push((name(("what to do", "対処")), told.remedy.in_lang(lang).to_owned()));
    let class = if told.sub.is_empty() {
        told.class.word().to_owned()
    } else {
        format!("{} / {}", told.class.word(), told.sub)
    };
    lines.push((name(("class", "分類")), class));
    lines.extend(list_name(told, lang).map(|list| (name(("list", "リスト")), list)));
    lines.extend(told.ip.map(|ip| {
        let whose = whose(told, lang);
        let ip = if whose.is_empty() { ip.to_string() } else { format!("{ip} ({whose})") };
        (name(("address", "IP アドレス")), ip)
    }));
    lines.extend(told.receiver.as_ref().map(|host| (name(("receiver", "受信側")), host.clone())));
    if !told.evidence.is_empty() {
        lines.push((name(("it says", "根拠の文")), told.evidence.clone()));
    }
    lines.extend(codes(told, lang).map(|codes| (name(("code", "コード")), codes)));
    let page = told.source.map(|page| format!(" · {page}")).unwrap_or_default();
    let certain = said(
        lang,
        match told.confidence.word() {
            "high" => ("certain", "確度 高"),
            "medium" => ("probable", "確度 中"),
            _ => ("a guess", "確度 低"),
        },
    );
    lines.push((name(("rule", "規則")), format!("{} ({certain}){page}", told.rule)));
    if let Some(tag) = told.tag {
        lines.push((name(("check", "事前の検査")), format!("mail-cutover explain {tag}")));
    }
    lines
}

fn table(told: &[(String, Explanation)], several: bool, terminal: &Terminal) -> String {
    let lang = terminal.lang;
    let mut text = String::new();
    for (file, told) in told {
        let who = told.recipient.as_deref().unwrap_or("-");
        let file = if several { format!("{file}: ") } else { String::new() };
        text.push_str(&block("", &format!("{file}{who}: {}", told.name.in_lang(lang)), terminal.width));
        text.push_str(&block("  ", told.sentence.in_lang(lang), terminal.width));
        text.push('\n');
        let lines = lines(told, lang);
        let widest = lines.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
        for (name, line) in lines {
            text.push_str(&block(&format!("  {}  ", pad(name, widest)), &line, terminal.width));
        }
        text.push('\n');
    }
    if told.len() > 1 {
        text.push_str(&summary(told, lang));
    }
    text
}

/// How many refusals of each class, the most frequent first.
fn summary(told: &[(String, Explanation)], lang: Lang) -> String {
    let mut counts: BTreeMap<Class, (usize, &Value)> = BTreeMap::new();
    for (_, told) in told {
        counts.entry(told.class).or_insert((0, &told.name)).0 += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let lines = counts
        .iter()
        .map(|(class, (count, name))| format!("{count:>6}  {}  {}\n", pad(class.word(), 12), name.in_lang(lang)));
    format!("{}\n{}", said(lang, ("all together:", "合計:")), lines.collect::<String>())
}

pub(super) fn both(value: &Value) -> Json {
    json!({ "en": value.in_lang(Lang::En), "ja": value.in_lang(Lang::Ja) })
}

fn as_json(file: &str, told: &Explanation) -> Json {
    json!({
        "file": file,
        "recipient": told.recipient,
        "action": told.action.word(),
        "class": told.class.word(),
        "sub": told.sub,
        "direction": told.direction.word(),
        "side": told.side.word(),
        "list": told.list.as_ref().map(|list| visible(list.id())),
        "ip": told.ip,
        "whose_ip": told.whose_ip,
        "receiver": told.receiver,
        "evidence": told.evidence,
        "confidence": told.confidence.word(),
        "rule": told.rule,
        "source": told.source,
        "code": told.code,
        "enhanced": told.enhanced.map(|code| code.to_string()),
        "code_name": told.code_name.as_ref().map(both),
        "sentence": both(&told.sentence),
        "remedy": both(&told.remedy),
        "tag": told.tag,
    })
}

fn csv(told: &[(String, Explanation)], lang: Lang) -> String {
    let mut text = String::from(
        "file,recipient,action,class,sub,direction,side,list,ip,whose_ip,receiver,code,enhanced,confidence,rule,tag,sentence,evidence\n",
    );
    for (file, told) in told {
        let cells = [
            file.clone(),
            told.recipient.clone().unwrap_or_default(),
            told.action.word().to_owned(),
            told.class.word().to_owned(),
            told.sub.to_owned(),
            told.direction.word().to_owned(),
            told.side.word().to_owned(),
            told.list.as_ref().map(|list| visible(list.id())).unwrap_or_default(),
            told.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            told.whose_ip.to_owned(),
            told.receiver.clone().unwrap_or_default(),
            told.code.map(|code| code.to_string()).unwrap_or_default(),
            told.enhanced.map(|code| code.to_string()).unwrap_or_default(),
            told.confidence.word().to_owned(),
            told.rule.to_owned(),
            told.tag.unwrap_or_default().to_owned(),
            told.sentence.in_lang(lang).to_owned(),
            told.evidence.clone(),
        ];
        text.push_str(&spreadsheet::line(cells));
        text.push('\n');
    }
    text
}
