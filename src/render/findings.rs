//! A finding in sentences: what is so, what was seen, what to do, how to ask by hand.

use std::collections::HashMap;

use super::digest::{Group, Standing, asker, is_rehearsed, observation, subject, tag_of};
use crate::model::{
    Args, Detail, Lang, Observation, Report, Saying, Section, Side, Statement, Subject, Value, way, word,
};
use crate::words;

/// The most pieces of evidence shown for one statement.
const EVIDENCE: usize = 4;

/// One finding, or several of one tag, ready to be laid out.
pub(super) struct Told {
    pub(super) tag: &'static str,
    pub(super) standing: Standing,
    /// The check's title.
    pub(super) title: &'static str,
    pub(super) items: Vec<Item>,
    /// What to do; one for all items where they agree.
    pub(super) remedies: Vec<String>,
    pub(super) by_hand: Vec<String>,
}

/// One statement.
pub(super) struct Item {
    pub(super) subject: String,
    /// Whether the sentence says of whom it speaks.
    named: bool,
    pub(super) side: Option<&'static str>,
    pub(super) is_new: bool,
    pub(super) says: String,
    /// It rests on a rehearsed zone.
    rehearsed: bool,
    pub(super) evidence: Vec<String>,
    /// How it came about: depth and line.
    pub(super) details: Vec<(usize, String)>,
    pub(super) waiver: Option<String>,
    /// How it stands to the baseline, in a word.
    mark: Option<&'static str>,
}

impl Item {
    /// Subject and sentence; a sentence that names its subject needs no more than the side before it.
    pub(super) fn sentence(&self) -> String {
        match self.side {
            Some(side) if self.named => format!("{side}  {}", self.without_side()),
            _ => self.without_side(),
        }
    }

    /// The same for those who show the side in another way.
    pub(super) fn without_side(&self) -> String {
        self.known() + &self.body()
    }

    /// What a baseline says of it: `[new] `, or nothing.
    fn known(&self) -> String {
        self.mark.map_or_else(String::new, |mark| format!("[{mark}] "))
    }

    fn body(&self) -> String {
        let mark = if self.rehearsed { "*" } else { "" };
        if self.named { format!("{}{mark}", self.says) } else { format!("{}: {}{mark}", self.subject, self.says) }
    }

    /// Whether the side must be shown in another way.
    pub(super) fn lacks_side(&self) -> bool {
        self.named && self.side.is_some()
    }
}

/// Puts a group into sentences.
pub(super) fn tell(report: &Report, group: &Group<'_>, lang: Lang) -> Told {
    let mut shown = Vec::new();
    let items = group.statements.iter().map(|statement| Item {
        evidence: evidence(report, statement, &mut shown, lang),
        ..item(report, group.section, statement, lang)
    });
    let remedies = group.statements.iter().filter_map(|statement| remedy(statement, lang));
    let by_hand = group.statements.iter().filter_map(|statement| by_hand(group.section.card.by_hand, statement, lang));
    Told {
        tag: tag_of(group),
        standing: group.standing,
        title: group.section.card.title.in_lang(lang),
        items: items.collect(),
        remedies: unique(remedies),
        by_hand: unique(by_hand),
    }
}

/// A statement without its evidence.
pub(super) fn item(report: &Report, section: &Section, statement: &Statement, lang: Lang) -> Item {
    let subject = subject(section, statement, lang);
    let says = says(statement, lang);
    let named =
        statement.subject != Subject::Run && subject.rsplit(' ').next().is_some_and(|subject| says.contains(subject));
    Item {
        subject,
        named,
        side: statement.subject.side().map(|side| words::side(lang, side)),
        is_new: statement.subject.side() == Some(Side::New),
        says,
        rehearsed: is_rehearsed(report, statement),
        evidence: Vec::new(),
        details: details(statement, lang),
        waiver: statement.waiver.as_ref().map(|waiver| words::waived(lang, waiver)),
        mark: statement.mark.map(|mark| words::mark(lang, mark)),
    }
}

/// One statement with everything behind it, a line each.
pub(super) fn tell_one(report: &Report, section: &Section, statement: &Statement, lang: Lang) -> Vec<String> {
    let group = Group { section, standing: Standing::of(statement), statements: vec![statement] };
    let told = tell(report, &group, lang);
    let [seen, remedy, by_hand, waived, _] = words::finding(lang);
    let mut lines = vec![told.title.to_owned()];
    for item in told.items {
        lines.push(item.sentence());
        lines.extend(item.evidence.iter().map(|line| format!("{seen}: {line}")));
        lines.extend(item.waiver.iter().map(|line| format!("{waived}: {line}")));
        lines.extend(item.details.iter().map(|(depth, line)| format!("{}{line}", "  ".repeat(depth + 1))));
    }
    lines.extend(told.remedies.iter().map(|line| format!("{remedy}: {line}")));
    lines.extend(told.by_hand.iter().map(|line| format!("{by_hand}: {line}")));
    lines
}

/// The statement's sentence; the reason, for one that names no outcome.
pub(super) fn says(statement: &Statement, lang: Lang) -> String {
    match &statement.saying {
        Saying::Outcome(outcome) => statement.args.say(outcome.says, lang),
        Saying::NotApplicable(why) | Saying::NotCovered(why) => why.in_lang(lang).to_owned(),
        Saying::Passed => String::new(),
    }
}

/// What to do.
pub(super) fn remedy(statement: &Statement, lang: Lang) -> Option<String> {
    Some(statement.args.say(statement.named()?.remedy, lang).trim().to_owned())
}

/// The command that asks the same, ready to be pasted; nothing where its values are missing or cannot stand in a command.
pub(super) fn by_hand(template: &'static str, statement: &Statement, lang: Lang) -> Option<String> {
    statement.named()?;
    let pasted = |value: &Value| way(value.in_lang(lang)).or_else(|| word(value.in_lang(lang))).map(Value::Plain);
    let all = template.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let filled: Option<Vec<_>> = all.map(|name| Some((name.into(), pasted(statement.args.value(name)?)?))).collect();
    Some(Args(filled?).fill(template, lang))
}

/// What was seen, a line each; what stands above already, in `shown`, is not repeated.
fn evidence(report: &Report, statement: &Statement, shown: &mut Vec<String>, lang: Lang) -> Vec<String> {
    let seen: Vec<&Observation> = statement.evidence.iter().filter_map(|id| observation(report, id.0)).collect();
    let seen = by_turns(&seen).into_iter();
    let mut lines: Vec<String> = unique(seen.map(|seen| line(report, seen, lang)).filter(|line| !shown.contains(line)));
    shown.extend_from_slice(&lines);
    if lines.len() > EVIDENCE {
        let more = lines.len() - EVIDENCE;
        lines.truncate(EVIDENCE);
        lines.push(format!("… +{more}"));
    }
    lines
}

/// First what each run saw first, then what each saw second: none is cut off by the others.
fn by_turns<'r>(seen: &[&'r Observation]) -> Vec<&'r Observation> {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    let mut turns: Vec<(usize, &Observation)> = Vec::with_capacity(seen.len());
    for one in seen {
        let count = counts.entry(one.part).or_default();
        turns.push((*count, one));
        *count += 1;
    }
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, one)| one).collect()
}

/// The lines below a statement with their depth.
pub(super) fn details(statement: &Statement, lang: Lang) -> Vec<(usize, String)> {
    let lines = statement.details.iter().flat_map(Detail::lines);
    lines.map(|(depth, line)| (depth, line.in_lang(lang).to_owned())).collect()
}

/// `25.113.0.203.zen.example. A → 127.0.0.2 (127.0.0.1:53, TTL 60, 12 ms)`; of several runs, `[new server]` before it.
pub(super) fn line(report: &Report, seen: &Observation, lang: Lang) -> String {
    // The answer repeats the type only where it is another than the one asked for.
    let rtype = seen.question.rsplit(' ').next().unwrap_or_default();
    let bare =
        |line: &String| line.strip_prefix(rtype).and_then(|rest| rest.strip_prefix(' ')).unwrap_or(line).to_owned();
    let answer = match (seen.outcome.as_str(), seen.answer.as_slice()) {
        ("data", answer) => answer.iter().map(bare).collect::<Vec<_>>().join(", "),
        // A conversation that came to its end: what was said fills a page.
        ("ok", answer) => words::lines_spoken(lang, answer.len()),
        (outcome, _) => outcome.to_uppercase(),
    };
    let mut circumstances = Vec::new();
    if !seen.rehearsed.is_empty() {
        circumstances.push(words::rehearsed_from(lang, &seen.rehearsed.join(", ")));
    }
    if let Some(exchange) =
        seen.exchanges.iter().rev().find(|exchange| exchange.outcome == seen.outcome).or(seen.exchanges.last())
    {
        // A conversation's question names the server.
        if !seen.question.contains(&exchange.server) {
            circumstances.push(exchange.server.clone());
        }
    }
    if let Some(ttl) = seen.ttl {
        circumstances.push(format!("TTL {ttl}"));
    }
    if let Some(took) = seen.exchanges.last() {
        circumstances.push(format!("{:.0} ms", took.took_ms));
    }
    let tries = seen.exchanges.len();
    if tries > 1 {
        circumstances.push(format!("×{tries}"));
    }
    let asker = asker(report, seen, lang).map_or_else(String::new, |asker| format!("[{asker}] "));
    format!("{asker}{} → {answer} ({})", seen.question, circumstances.join(", "))
}

fn unique(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        if !text.is_empty() && !kept.contains(&text) {
            kept.push(text);
        }
    }
    kept
}
