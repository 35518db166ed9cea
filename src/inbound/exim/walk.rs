//! A caller's way through the ACLs, statement by statement, and the reply that ends it (Exim specification, sections 44.13 to 44.21).

use std::borrow::Cow;

use super::conditions;
use super::config::{Part, Statement, Verb, inline};
use super::expand::{Expanded, expand_known};
use super::outcome::{Outcome, Word, Words};
use super::visit::{Listed, Variable, Visit};
use crate::inbound::Refusal;
use crate::inbound::Rule;
use crate::model::{Value, visible};

/// So deep may ACLs ask each other; Exim's own limit.
const DEEPEST: usize = 20;
/// So many conditions are looked at for one caller: ACLs that ask each other could be endless otherwise.
const MOST_STEPS: usize = 20_000;

/// What Exim says where a statement says nothing.
const PROHIBITED: &str = "Administrative prohibition";
const TEMPORARY: &str = "Temporary local problem - please try later";

/// How an ACL may end.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) word: Word,
    /// What the client is told; nothing where it is let on.
    pub(super) refusal: Option<Refusal>,
}

/// What an ACL comes to.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// How it ends if what is not answered here stays unanswered there.
    pub(super) assumed: Option<Ending>,
    /// Every way in which it may end.
    pub(super) possible: Vec<Ending>,
    /// Why it is not known which.
    pub(super) doubts: Vec<Value>,
    /// What is only logged.
    pub(super) logged: Vec<Refusal>,
}

/// Walks through an ACL.
pub(super) fn acl(name: &str, statements: &[Statement], depth: usize, visit: &mut Visit<'_>) -> Walk {
    let mut walk = Walk::default();
    for statement in statements {
        if depth == 0 {
            visit.listed_by_statement = None;
        }
        (visit.said, visit.deferred) = (None, None);
        let done = Conditions::of(statement, depth, visit);
        let before = walk.assumed.is_some();
        let ending = |word| ending(name, statement, word, &done, visit);
        if statement.verb == Verb::Warn {
            if done.assumed == Word::Yes
                && !before
                && let Some(listed) = &done.listed
            {
                walk.logged.push(warning(name, statement, listed, &done, visit));
            }
            if done.possible.has(Word::Error) {
                walk.end(ending(Word::Error), done.assumed == Word::Error);
                if done.possible.is_one() {
                    return walk;
                }
            }
            continue;
        }
        let mut goes_on = false;
        for word in done.possible.iter() {
            match decided(statement.verb, word, done.endpass) {
                Some(decided) => walk.end(ending(decided), !before && word == done.assumed),
                None => goes_on = true,
            }
        }
        walk.doubts.extend(done.doubts.iter().cloned());
        if !goes_on && !visit.is_survey() {
            return walk;
        }
    }
    let refusal = implicit(name, visit);
    let assumed = walk.assumed.is_none();
    walk.end(Ending { word: Word::No, refusal: Some(refusal) }, assumed);
    walk
}

impl Walk {
    fn end(&mut self, ending: Ending, assumed: bool) {
        if assumed {
            self.assumed = Some(ending.clone());
        }
        self.possible.push(ending);
    }

    /// What a condition comes to that asks this ACL.
    fn outcome(self) -> Outcome {
        let possible = self.possible.iter().fold(Words::default(), |set, ending| set.with(ending.word));
        Outcome { assumed: self.assumed.map(|ending| ending.word), possible, doubts: self.doubts }
    }
}

/// How a statement ends its ACL when its conditions come to `word`; nothing if the next statement is looked at.
fn decided(verb: Verb, word: Word, endpass: bool) -> Option<Word> {
    match (verb, word) {
        (_, Word::Defer | Word::Error) => Some(word),
        (Verb::Accept, Word::Yes | Word::Discard) => Some(word),
        (Verb::Discard, Word::Yes | Word::Discard) => Some(Word::Discard),
        (Verb::Accept | Verb::Discard, _) => endpass.then_some(word),
        (Verb::Deny, Word::Yes) => Some(Word::No),
        (Verb::Drop, Word::Yes) => Some(Word::Drop),
        (Verb::Defer, Word::Yes) => Some(Word::Defer),
        (Verb::Require, Word::No | Word::Drop) => Some(word),
        _ => None,
    }
}

/// What the conditions of a statement come to together.
struct Conditions {
    assumed: Word,
    possible: Words,
    doubts: Vec<Value>,
    endpass: bool,
    /// The message that applies when all of them hold, and when one does not.
    message: Option<String>,
    message_if_not: Option<String>,
    /// What a nested ACL or a verification has to say.
    said: Option<String>,
    deferred: Option<String>,
    listed: Option<Listed>,
}

impl Conditions {
    fn of(statement: &Statement, depth: usize, visit: &mut Visit<'_>) -> Self {
        let mut done = Self {
            assumed: Word::Yes,
            possible: Words::of(&[Word::Yes]),
            doubts: Vec::new(),
            endpass: false,
            message: None,
            message_if_not: None,
            said: None,
            deferred: None,
            listed: None,
        };
        // A statement that asks for something is met by what is not known; one that acts on something is not.
        let open = if statement.verb == Verb::Require { Word::Yes } else { Word::No };
        for part in &statement.parts {
            visit.place = part.place.clone();
            visit.steps += 1;
            if done.modify(part, visit) {
                continue;
            }
            let outcome = if visit.steps > MOST_STEPS {
                Outcome::unjudged(endless())
            } else if part.name == "acl" {
                nested(part, depth, visit)
            } else {
                conditions::judge(part, statement.verb, visit)
            };
            let outcome = if part.negated { outcome.negated() } else { outcome };
            done.and(outcome.settled(open));
            if !done.possible.has(Word::Yes) && !visit.is_survey() {
                break;
            }
        }
        done.said = visit.said.take();
        done.deferred = visit.deferred.take();
        done.listed = visit.listed_by_statement.clone();
        done
    }

    fn and(&mut self, outcome: Outcome) {
        if self.possible.has(Word::Yes) {
            if outcome.possible.has(Word::No) || outcome.possible.has(Word::Drop) {
                self.message_if_not = self.message_if_not.take().or_else(|| self.message.clone());
            }
            if !outcome.possible.is_one() {
                self.doubts.extend(outcome.doubts);
            }
            self.possible = self.possible.without(Word::Yes).or(outcome.possible);
        }
        if self.assumed == Word::Yes {
            self.assumed = outcome.assumed.unwrap_or(Word::No);
        }
    }

    /// Obeys a modifier; whether it is one.
    fn modify(&mut self, part: &Part, visit: &mut Visit<'_>) -> bool {
        match part.name.as_str() {
            "message" => self.message = Some(part.value.clone()),
            "endpass" => self.endpass = true,
            "control" if part.value.starts_with("fake") => visit.note(&format!("control = {}", part.value), fake()),
            "control" | "log_message" | "delay" | "logwrite" | "continue" | "add_header" | "remove_header"
            | "log_reject_target" | "queue" | "udpsend" => {}
            name => {
                let Some(variable) = name.strip_prefix("set ") else { return false };
                visit.doubted();
                let value = match visit.expand(&part.value) {
                    Expanded::Known(value) => Some(value),
                    _ => None,
                };
                let before = visit.read(variable);
                // Where it is not certain that Exim comes here, the value is not either.
                let own = if self.possible.is_one() { None } else { self.doubts.first().cloned() };
                let doubt = own.or_else(|| visit.doubted());
                let value = if self.assumed == Word::Yes { value } else { before.value };
                visit.set(
                    variable,
                    Variable { value, doubt: doubt.or(before.doubt.filter(|_| self.assumed != Word::Yes)) },
                );
            }
        }
        true
    }
}

/// What the ACL comes to that a condition names.
fn nested(part: &Part, depth: usize, visit: &mut Visit<'_>) -> Outcome {
    let name = match visit.expand(&part.value) {
        Expanded::Known(name) => name.trim().to_owned(),
        Expanded::Forced => return Outcome::holds(true),
        Expanded::Unknown(_) => return visit.unjudged(&format!("acl = {}", part.value), arguments()),
    };
    let exim = visit.exim;
    let Some(statements) = exim.config.acls.get(&name) else {
        return visit.unjudged(&format!("acl = {name}"), arguments());
    };
    if depth >= DEEPEST {
        return Outcome::certain(Word::Error);
    }
    if statements.is_empty() {
        return Outcome::holds(false);
    }
    let walk = acl(&name, statements, depth + 1, visit);
    visit.said = walk.assumed.as_ref().and_then(|ending| ending.refusal.as_ref()).map(|refusal| refusal.text.clone());
    visit.said = visit.said.take().filter(|said| said != PROHIBITED && said != TEMPORARY);
    let defers = walk.assumed.as_ref().is_some_and(|ending| ending.word == Word::Defer);
    visit.deferred = visit.said.clone().filter(|_| defers);
    walk.outcome()
}

/// The statements of the ACL that an option names, under its name.
pub(super) fn named<'a>(value: &str, visit: &mut Visit<'a>) -> Option<(String, Cow<'a, [Statement]>)> {
    let Expanded::Known(value) = visit.expand(value) else { return None };
    let value = value.trim();
    let exim = visit.exim;
    if let Some(statements) = exim.config.acls.get(value) {
        return Some((value.to_owned(), Cow::Borrowed(statements)));
    }
    inline(value, &visit.place).map(|statements| (visit.stage.option().to_owned(), Cow::Owned(statements)))
}

fn ending(name: &str, statement: &Statement, word: Word, done: &Conditions, visit: &Visit<'_>) -> Ending {
    let own = match (statement.verb, word) {
        (Verb::Require | Verb::Accept, Word::No | Word::Drop) => done.message_if_not.as_ref(),
        (Verb::Deny, Word::No) | (Verb::Drop, Word::Drop) => done.message.as_ref(),
        (Verb::Defer, Word::Defer) if done.assumed == Word::Yes || done.possible.has(Word::Yes) => {
            done.message.as_ref()
        }
        _ => None,
    };
    let own = own.map(|message| expand_known(message, visit)).filter(|message| !message.is_empty());
    let said = own.or_else(|| done.said.clone());
    // A temporary answer keeps its reason to itself, unless the statement is there to give one.
    let told = match (word, statement.verb) {
        (Word::Defer, Verb::Defer) | (Word::No | Word::Drop, _) => said,
        (Word::Defer, _) => done.deferred.clone(),
        _ => None,
    };
    let codes = done.listed.as_ref();
    let refusal = match word {
        Word::Yes => None,
        Word::Discard => Some((250, None, "Accepted".to_owned())),
        Word::No | Word::Drop => Some(reply(550, told.as_deref().unwrap_or(PROHIBITED))),
        Word::Defer | Word::Error => Some(reply(451, told.as_deref().unwrap_or(TEMPORARY))),
    };
    let refusal = refusal.map(|said| refusal_of(name, statement, said, codes, visit));
    Ending { word, refusal }
}

fn warning(name: &str, statement: &Statement, listed: &Listed, done: &Conditions, visit: &Visit<'_>) -> Refusal {
    let logged = statement.parts.iter().find(|part| part.name == "log_message").map(|part| &part.value);
    let text = logged.or(done.message.as_ref()).map_or_else(String::new, |text| expand_known(text, visit));
    refusal_of(name, statement, (550, None, text), Some(listed), visit)
}

fn refusal_of(
    name: &str,
    statement: &Statement,
    (reply, enhanced, text): (u16, Option<String>, String),
    listed: Option<&Listed>,
    visit: &Visit<'_>,
) -> Refusal {
    let rule = Rule {
        section: visible(name),
        written: visit.shown(&statement.written),
        place: Some(statement.place.clone()),
        zone: listed.map(|listed| visit.shown(&listed.zone)),
    };
    let codes = listed.and_then(|listed| listed.codes.clone()).unwrap_or_default();
    Refusal { rule, codes, reply, enhanced, text: visit.shown(&text.replace('\n', " ")) }
}

/// The end of an ACL denies.
pub(super) fn implicit(name: &str, visit: &Visit<'_>) -> Refusal {
    let rule = Rule {
        section: visible(name),
        written: "the end of the ACL: implicit deny".to_owned(),
        place: None,
        zone: None,
    };
    Refusal { rule, codes: Vec::new(), reply: 550, enhanced: None, text: visit.shown(PROHIBITED) }
}

/// The code, the enhanced code and the text of a message; a code in it counts if it begins with the same digit.
fn reply(code: u16, message: &str) -> (u16, Option<String>, String) {
    let own = message.get(..3).and_then(|digits| digits.parse::<u16>().ok());
    let after = message.get(3..).filter(|rest| rest.starts_with(char::is_whitespace)).map(|rest| &rest[1..]);
    let (Some(own), Some(mut text)) = (own, after) else { return (code, None, message.to_owned()) };
    let mut enhanced = None;
    if let Some((word, rest)) = text.split_once(char::is_whitespace)
        && is_enhanced(word)
    {
        enhanced = Some(word.to_owned());
        text = rest;
    }
    if own / 100 == code / 100 { (own, enhanced, text.to_owned()) } else { (code, None, text.to_owned()) }
}

fn is_enhanced(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let digits = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.as_slice(), [a, b, c] if digits(a, 1) && digits(b, 3) && digits(c, 3))
}

fn endless() -> Value {
    Value::both("the ACLs ask each other without an end in sight", "ACL の呼び出しが終わらない")
}

fn arguments() -> Value {
    Value::both("the ACL is not known, or has arguments", "ACL が見つからないか、引数をもつ")
}

fn fake() -> Value {
    Value::both(
        "Exim takes the message and answers as if it did not",
        "Exim はメールを受け取りながら、拒否したかのように応答する",
    )
}
