//! Targets for error mails and mail logs.

use std::io::{BufReader, Cursor};
use std::sync::LazyLock;

use chrono::{DateTime, FixedOffset};

use super::assert_visible;
use crate::bounce::{self, Explanation, Ours, Tally};
use crate::inbound::log;
use crate::maillog;
use crate::model::{DomainName, LONGEST, Lang, Value};

static OURS: LazyLock<Ours> = LazyLock::new(|| Ours {
    old: vec![[192, 0, 2, 25].into()],
    new: vec![[203, 0, 113, 25].into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x25].into()],
    domains: DomainName::parse("example.co.jp").into_iter().collect(),
    hostnames: DomainName::parse("mail.example.co.jp").into_iter().collect(),
});

fn now() -> DateTime<FixedOffset> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default().fixed_offset()
}

/// An error mail, a file of them, or pasted replies.
pub fn bounce(data: &[u8]) {
    let events = bounce::events(data);
    let told = bounce::explain(data, &OURS);
    assert_eq!(events.len(), told.len());
    for event in events.iter().take(20) {
        for text in &event.texts {
            let _ = (bounce::codes_in(text), bounce::classify(text, event.code, event.enhanced));
        }
    }
    told.iter().for_each(judge);
}

/// Everything in an explanation is safe to show, and bounded.
fn judge(told: &Explanation) {
    let mut texts: Vec<&str> = vec![&told.evidence, told.sub, told.rule, told.whose_ip];
    texts.extend(told.recipient.as_deref());
    texts.extend(told.receiver.as_deref());
    texts.extend(told.list.as_ref().map(bounce::Named::id));
    let values: Vec<&Value> = [&told.name, &told.sentence, &told.remedy].into_iter().chain(&told.code_name).collect();
    texts.extend(values.iter().flat_map(|value| [Lang::En, Lang::Ja].map(|lang| value.in_lang(lang))));
    for text in texts {
        assert_visible(text);
        // A sentence has a few values.
        assert!(text.chars().count() <= 8 * (LONGEST + 1), "{} characters", text.chars().count());
    }
    assert!(told.code.is_none_or(|code| (200..600).contains(&code)), "{:?}", told.code);
}

/// A mail log, read for what was refused and for who sends; however it comes in pieces, it comes to the same.
pub fn log(data: &[u8]) {
    let whole = tally(&mut Cursor::new(data));
    let pieces = tally(&mut BufReader::with_capacity(7, data));
    assert_eq!(whole, pieces);
    assert_eq!(clients(&mut Cursor::new(data)), clients(&mut BufReader::with_capacity(5, data)));
    for line in data.split(|octet| *octet == b'\n').take(100) {
        let _ = maillog::written(line);
        judge(&bounce::explain_event(&bounce::line_event(&String::from_utf8_lossy(line)), &OURS));
    }
}

fn tally(log: &mut dyn std::io::BufRead) -> String {
    let cutover = now().timestamp() - 86_400;
    let mut tally = Tally::new(Some(cutover), None);
    let (read, broken) = tally.read(log, now(), &OURS);
    assert!(broken.is_none());
    let groups = tally.groups();
    for group in &groups {
        assert_visible(&group.example);
        assert_visible(&group.party);
        judge(&group.explain(&OURS));
        assert!(group.seen.is_none_or(|(first, last)| first <= last), "{:?}", group.seen);
        let _ = (group.is_for(&OURS), group.is_new(), group.is_critical());
    }
    assert!(read.news <= read.volume.lines);
    format!("{read:?}{groups:?}")
}

fn clients(from: &mut dyn std::io::BufRead) -> String {
    let mut clients = log::Clients::default();
    let (summary, broken) = log::read(from, now(), &mut clients);
    assert!(broken.is_none());
    let mut all: Vec<_> = clients.iter().collect();
    all.sort_by_key(|(ip, _)| *ip);
    for (_, client) in &all {
        client.domains.iter().for_each(|(domain, _)| assert_visible(domain));
        assert!(client.domains.len() <= 8);
    }
    format!("{summary:?}{all:?}")
}
