//! The `dnslists` condition: its grammar, and what it makes of answers and of silence (Exim specification, sections 44.27 to 44.37; `dnsbl.c`).

use std::net::{IpAddr, Ipv4Addr};

use super::config::Kind;
use super::lists::{items, items_by, matches};
use super::membership::{self, Matched};
use super::outcome::{FirstOf, Outcome, Word};
use super::visit::{Listed, Visit};
use crate::catalogue::Target;
use crate::dnsbl::Lookup;
use crate::model::{DomainName, Value};

/// One item of `dnslists`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The zone that is asked.
    pub(super) zone: String,
    /// The zone before the comma: it is named and its text is given, and it must list the subject, too.
    pub(super) named: Option<String>,
    /// Which answers count; nothing: any in 127.0.0.0/8.
    pub(super) test: Option<Test>,
    /// What is asked about instead of the client's address: a list.
    pub(super) keys: Option<String>,
}

/// Which answers count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    /// `&`: all bits of one of the values must be set.
    bits: bool,
    /// `!`.
    negated: bool,
    /// `==` and `=&`: every answer must match, not one of them.
    all: bool,
    values: Vec<String>,
}

/// An item of the list, or one of the words that stand among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A zone.
    Zone(Item),
    /// What a lookup that fails is from here on.
    Unknown(Word),
    /// A word that Exim logs and passes over.
    Ignored(String),
}

/// Reads an expanded list.
pub(super) fn entries(list: &str) -> Vec<Entry> {
    items(list).iter().map(|item| entry(item)).collect()
}

fn entry(item: &str) -> Entry {
    match item.to_ascii_lowercase().as_str() {
        "+include_unknown" => return Entry::Unknown(Word::Yes),
        "+exclude_unknown" => return Entry::Unknown(Word::No),
        "+defer_unknown" => return Entry::Unknown(Word::Defer),
        _ if item.starts_with('+') => return Entry::Ignored(item.to_owned()),
        _ => {}
    }
    let (domain, keys) = item.split_once('/').map_or((item, None), |(domain, keys)| (domain, Some(keys.to_owned())));
    let (domain, test) = tested(domain);
    let (named, zone) = domain.split_once(',').map_or((None, domain), |(named, zone)| (Some(named.to_owned()), zone));
    Entry::Zone(Item { zone: zone.to_owned(), named, test, keys })
}

fn tested(domain: &str) -> (&str, Option<Test>) {
    // An equals sign anywhere comes before an ampersand.
    let Some(at) = domain.find('=').or_else(|| domain.find('&')) else { return (domain, None) };
    let mut bits = domain[at..].starts_with('&');
    let mut all = false;
    let mut values = &domain[at + 1..];
    if !bits && let Some(rest) = values.strip_prefix(['=', '&']) {
        bits = values.starts_with('&');
        all = true;
        values = rest;
    }
    let before = &domain[..at];
    let (before, negated) = before.strip_suffix('!').map_or((before, false), |before| (before, true));
    (before, Some(Test { bits, negated, all, values: items_by(values, ',') }))
}

impl Test {
    /// Whether these answers count.
    pub(super) fn passes(&self, answers: &[Ipv4Addr]) -> bool {
        let matched = |answer: &Ipv4Addr| {
            if !self.bits {
                // Compared as text, as Exim does: 127.0.0.02 matches nothing.
                return self.values.iter().any(|value| *value == answer.to_string());
            }
            let answer = if answer.is_loopback() { answer.to_bits() } else { 0 };
            self.values
                .iter()
                .filter_map(|value| value.parse::<Ipv4Addr>().ok())
                .any(|value| value.to_bits() & answer == value.to_bits())
        };
        let holds = if self.all { answers.iter().all(matched) } else { answers.iter().any(matched) };
        holds != self.negated
    }
}

/// What the condition with this expanded list comes to.
pub(super) fn judge(list: &str, visit: &mut Visit<'_>) -> Outcome {
    visit.list_begins();
    let mut found = FirstOf::default();
    let mut failed = Word::No;
    for entry in entries(list) {
        match entry {
            Entry::Unknown(word) => failed = word,
            Entry::Ignored(word) => visit.note(&word, ignored()),
            Entry::Zone(item) => {
                let goes_on = found.add(item.judge(failed, visit));
                if !goes_on && !visit.is_survey() {
                    return found.end(false, Word::No);
                }
            }
        }
    }
    found.end(true, Word::No)
}

impl Item {
    fn judge(&self, failed: Word, visit: &mut Visit<'_>) -> Outcome {
        let Some(keys) = &self.keys else {
            let ip = visit.caller.ip;
            return self.about(&ip.to_string(), failed, visit);
        };
        let mut found = FirstOf::default();
        let mut deferred = None;
        for key in items(keys) {
            let outcome = self.about(&key, failed, visit);
            // A lookup that defers lets the other keys be tried first.
            if outcome.assumed == Some(Word::Defer) {
                deferred = Some(outcome.doubts.clone());
            }
            let outcome = Outcome {
                assumed: outcome.assumed.map(|word| if word == Word::Defer { Word::No } else { word }),
                possible: outcome.possible.without(Word::Defer),
                doubts: outcome.doubts,
            };
            if !found.add(outcome) && !visit.is_survey() {
                return found.end(false, Word::No);
            }
        }
        let mut outcome = found.end(true, Word::No);
        if let Some(doubts) = deferred {
            outcome.possible = outcome.possible.with(Word::Defer);
            outcome.assumed = outcome.assumed.map(|word| if word == Word::No { Word::Defer } else { word });
            if outcome.doubts.is_empty() {
                outcome.doubts = doubts;
            }
        }
        outcome
    }

    fn about(&self, key: &str, failed: Word, visit: &mut Visit<'_>) -> Outcome {
        let (mut outcome, mut answers) = lookup(&self.zone, key, failed, visit);
        if answers.as_ref().is_some_and(|answers| !self.counts(answers)) {
            return Outcome::certain(Word::No);
        }
        if let Some(named) = self.named.as_ref().filter(|_| answers.is_some() || visit.is_survey()) {
            // The zone that is named is asked whether it lists the subject, too; its answers are the ones that are told.
            (outcome, answers) = lookup(named, key, failed, visit);
            if answers.as_ref().is_some_and(|answers| !answers.iter().any(Ipv4Addr::is_loopback)) {
                return Outcome::certain(Word::No);
            }
        }
        if outcome.assumed == Some(Word::Yes) {
            let zone = self.named.as_ref().unwrap_or(&self.zone).clone();
            visit.list(Listed { zone, about: key.to_owned(), codes: answers });
        }
        outcome
    }

    fn counts(&self, answers: &[Ipv4Addr]) -> bool {
        self.test.as_ref().map_or_else(|| answers.iter().any(Ipv4Addr::is_loopback), |test| test.passes(answers))
    }
}

/// What a zone says of a key, and its answers if there are any. `Yes` stands for any answer.
fn lookup(zone: &str, key: &str, failed: Word, visit: &mut Visit<'_>) -> (Outcome, Option<Vec<Ipv4Addr>>) {
    let no = || (Outcome::certain(Word::No), None);
    let plain = zone.strip_suffix('.').unwrap_or(zone).to_ascii_lowercase();
    if !is_name(&plain) {
        return no();
    }
    if let Some(asked) = visit.survey_zone(&plain, key) {
        return (asked, None);
    }
    // An address is asked backwards; what is no name to the DNS is on no list (dns_check_names_pattern).
    let target = match key.parse::<IpAddr>() {
        Ok(ip) => Target::Ip(ip),
        Err(_) if !is_name(key) => return no(),
        Err(_) => match DomainName::parse(key) {
            Ok(name) => Target::Domain(name),
            Err(_) => return no(),
        },
    };
    if query_length(&target, zone) > 255 {
        return no();
    }
    let shown = visit.shown(&plain);
    let subject = target.to_string();
    match visit.facts.zones.get(&(plain, target)) {
        Some(Lookup::Absent) => no(),
        Some(Lookup::Addresses(answers)) => (Outcome::certain(Word::Yes), Some(answers.clone())),
        Some(Lookup::Failed(answer)) => {
            let failed = if means_nonexistent(&subject, zone, visit) { Word::No } else { failed };
            let (why, what) = (answer.why(), consequence(failed));
            (Outcome::unanswered(failed, unanswered(&shown, &subject, &why, what)), None)
        }
        None => {
            let why = Value::both(
                format!("{shown} was not asked about {subject}"),
                format!("{shown} に {subject} を問い合わせていない"),
            );
            (Outcome::unjudged(why), None)
        }
    }
}

/// Whether a question that fails is taken for one about a name that is not there (`dns_again_means_nonexist`).
fn means_nonexistent(subject: &str, zone: &str, visit: &mut Visit<'_>) -> bool {
    let exim = visit.exim;
    let Some(list) = exim.config.value("dns_again_means_nonexist") else { return false };
    let name = format!("{subject}.{zone}");
    let outcome = membership::judge(list, Kind::Domain, visit, &|item, _| {
        Matched::Item(Outcome::holds(matches(&name, item).unwrap_or(false)))
    });
    outcome.assumed == Some(Word::Yes)
}

/// Whether every label begins and ends with a letter, a digit or an underscore, and has nothing but these, hyphens and slashes
/// between: Exim's default for `dns_check_names_pattern`.
fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/');
    let outer = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    name.split('.')
        .all(|label| outer(label.bytes().next()) && outer(label.bytes().next_back()) && label.bytes().all(inner))
}

fn query_length(target: &Target, zone: &str) -> usize {
    let subject = match target {
        Target::Ip(IpAddr::V6(_)) => 63,
        other => other.to_string().len(),
    };
    subject + 1 + zone.len()
}

fn consequence(failed: Word) -> (&'static str, &'static str) {
    match failed {
        Word::Yes => ("Exim then takes it as listed (+include_unknown)", "Exim は登録ありとみなす (+include_unknown)"),
        Word::Defer => ("Exim then puts the client off (+defer_unknown)", "Exim は一時エラーを返す (+defer_unknown)"),
        _ => ("Exim then takes it as not listed", "Exim は登録なしとみなす"),
    }
}

fn unanswered(zone: &str, subject: &str, why: &Value, (en, ja): (&str, &str)) -> Value {
    use crate::model::Lang::{En, Ja};
    Value::both(
        format!("{zone} about {subject}: {}; {en}", why.in_lang(En)),
        format!("{zone} への {subject} の問い合わせ: {}。{ja}", why.in_lang(Ja)),
    )
}

fn ignored() -> Value {
    Value::both("Exim does not know this word and passes over it", "Exim が知らない語であり、無視される")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> Item {
        match entry(text) {
            Entry::Zone(item) => item,
            other => panic!("{other:?}"),
        }
    }

    fn passes(text: &str, answers: &[&str]) -> bool {
        let answers: Vec<Ipv4Addr> = answers.iter().map(|answer| answer.parse().unwrap()).collect();
        item(text).counts(&answers)
    }

    /// Lost if it fails: another zone would be asked, or about something else, than Exim asks.
    #[test]
    fn every_form_of_an_item_is_read() {
        let read = item("text.example,z.example=127.0.0.2,127.0.0.3/$sender_address_domain");
        assert_eq!(read.zone, "z.example");
        assert_eq!(read.named.as_deref(), Some("text.example"));
        assert_eq!(read.keys.as_deref(), Some("$sender_address_domain"));
        assert_eq!(entry("+Defer_Unknown"), Entry::Unknown(Word::Defer));
        assert_eq!(entry("+other"), Entry::Ignored("+other".to_owned()));
        assert_eq!(item("z.example").test, None);
        assert_eq!(item("z!=&0.0.0.1").test.map(|test| (test.bits, test.negated, test.all)), Some((true, true, true)));
    }

    /// Lost if it fails: an error code would pass for a listing, or the other way round.
    #[test]
    fn every_test_counts_what_exim_counts() {
        for (text, answers, expected) in [
            ("z", &["127.0.0.2"][..], true),
            ("z", &["192.0.2.1"], false),
            ("z", &["192.0.2.1", "127.0.0.4"], true),
            ("z=127.0.0.2", &["127.0.0.3", "127.0.0.2"], true),
            ("z=192.0.2.1", &["192.0.2.1"], true),
            ("z=127.0.0.02", &["127.0.0.2"], false),
            ("z!=127.0.0.2", &["127.0.0.3", "127.0.0.2"], false),
            ("z!=127.0.0.2", &["192.0.2.1"], true),
            ("z==127.0.0.2", &["127.0.0.3", "127.0.0.2"], false),
            ("z==127.0.0.2,127.0.0.3", &["127.0.0.3", "127.0.0.2"], true),
            ("z!==127.0.0.2", &["127.0.0.3", "127.0.0.2"], true),
            ("z!==127.0.0.2", &["127.0.0.2"], false),
            ("z&0.0.0.6", &["127.0.0.2", "127.0.0.4"], false),
            ("z&0.0.0.6,0.0.0.8", &["127.0.0.7"], true),
            ("z=&0.0.0.2", &["127.0.0.2", "127.0.0.3"], true),
            ("z=&0.0.0.2", &["127.0.0.2", "127.0.0.1"], false),
            ("z!&0.0.0.2", &["127.0.0.1"], true),
            ("z&0.0.0.1", &["192.0.2.1"], false),
        ] {
            assert_eq!(passes(text, answers), expected, "{text} {answers:?}");
        }
    }
}
