//! What an Exim configuration says about callers: its options, named lists, ACLs and routers, as written.

use std::collections::HashMap;

use super::EximError;
use super::lines::Line;
use crate::inbound::Place;

const VERBS: [(&str, Verb); 7] = [
    ("accept", Verb::Accept),
    ("defer", Verb::Defer),
    ("deny", Verb::Deny),
    ("discard", Verb::Discard),
    ("drop", Verb::Drop),
    ("require", Verb::Require),
    ("warn", Verb::Warn),
];

/// How a statement begins (Exim specification, section 44.18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Accept,
    Defer,
    Deny,
    Discard,
    Drop,
    Require,
    Warn,
}

/// One statement of an ACL.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) verb: Verb,
    /// Conditions and modifiers in the order in which they stand.
    pub(super) parts: Vec<Part>,
    pub(super) place: Place,
    /// In one line.
    pub(super) written: String,
}

/// A condition or a modifier.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) negated: bool,
    /// `hosts`, `message`, `set acl_m_x`.
    pub(super) name: String,
    /// Not yet expanded.
    pub(super) value: String,
    pub(super) place: Place,
}

/// The kinds of named lists, each with names of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Host,
    Domain,
    Address,
    LocalPart,
}

/// A configuration, as written.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) options: HashMap<String, String>,
    pub(super) lists: HashMap<(Kind, String), String>,
    pub(super) acls: HashMap<String, Vec<Statement>>,
    /// The routers, in order.
    pub(super) routers: Vec<Router>,
}

/// A router, as far as it says which senders have a way back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Router {
    pub(super) driver: String,
    /// The domains that it is for; nothing: all.
    pub(super) domains: Option<String>,
    /// What it does not route, nobody does.
    pub(super) is_last: bool,
    /// Whether it takes part depends on more than the domain.
    pub(super) is_conditional: bool,
}

/// Preconditions of routers beside `domains` (Exim specification, section 15.1), and what keeps one out of a verification.
const PRECONDITIONS: [&str; 13] = [
    "address_test",
    "check_local_user",
    "condition",
    "local_part_prefix",
    "local_part_suffix",
    "local_parts",
    "no_verify",
    "no_verify_sender",
    "require_files",
    "senders",
    "verify",
    "verify_only",
    "verify_sender",
];

impl Config {
    /// Reads the lines of all sections that say something about callers.
    pub(super) fn read(lines: &[Line]) -> Result<Self, EximError> {
        let mut config = Self::default();
        let mut section = String::from("main");
        let mut acl = None;
        for line in lines {
            let begins = line.text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("begin "));
            if begins {
                section = line.text[6..].trim().to_ascii_lowercase();
                continue;
            }
            match section.as_str() {
                "main" => config.option(&line.text),
                "acl" => config.acl(line, &mut acl)?,
                "routers" => config.router(&line.text),
                _ => {}
            }
        }
        Ok(config)
    }

    /// The value of an option; an empty one is none.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn option(&mut self, text: &str) {
        let text = text.strip_prefix("hide ").unwrap_or(text).trim_start();
        let (name, rest) = name(text);
        let kind = match name {
            "hostlist" => Kind::Host,
            "domainlist" => Kind::Domain,
            "addresslist" => Kind::Address,
            "localpartlist" => Kind::LocalPart,
            _ => {
                let value = rest.strip_prefix('=').map_or_else(String::new, |value| dequoted(value.trim()));
                self.options.insert(name.to_owned(), value);
                return;
            }
        };
        let (name, rest) = self::name(rest.strip_prefix("_cache").unwrap_or(rest).trim_start());
        if let Some(value) = rest.strip_prefix('=') {
            self.lists.insert((kind, name.to_owned()), dequoted(value.trim()));
        }
    }

    fn acl(&mut self, line: &Line, current: &mut Option<String>) -> Result<(), EximError> {
        let wrong = || EximError::Acl { file: line.place.file.clone(), line: line.place.line };
        let (word, rest) = name(&line.text);
        if rest.starts_with(':') && !word.is_empty() {
            self.acls.insert(word.to_owned(), Vec::new());
            *current = Some(word.to_owned());
            return Ok(());
        }
        let acl = current.as_ref().and_then(|name| self.acls.get_mut(name)).ok_or_else(wrong)?;
        add(acl, line).ok_or_else(wrong)
    }

    fn router(&mut self, text: &str) {
        let (word, rest) = name(text);
        if rest.starts_with(':') {
            self.routers.push(Router::default());
        }
        let Some(router) = self.routers.last_mut() else { return };
        match (word, rest.strip_prefix('=').map(str::trim)) {
            ("driver", Some(driver)) => router.driver = driver.to_owned(),
            ("domains", Some(domains)) => router.domains = Some(dequoted(domains)),
            ("no_more", _) | ("more", Some("false" | "no")) => router.is_last = true,
            _ if PRECONDITIONS.contains(&word) => router.is_conditional = true,
            _ => {}
        }
    }
}

/// The statements of an ACL that is written where its name could stand.
pub(super) fn inline(text: &str, place: &Place) -> Option<Vec<Statement>> {
    let mut acl = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        add(&mut acl, &Line { text: line.to_owned(), place: place.clone() })?;
    }
    Some(acl)
}

/// Adds a line to an ACL: a verb, a condition, or both.
fn add(acl: &mut Vec<Statement>, line: &Line) -> Option<()> {
    let (word, mut rest) = name(&line.text);
    if let Some((_, verb)) = VERBS.iter().find(|(known, _)| *known == word) {
        let (place, written) = (line.place.clone(), line.text.clone());
        acl.push(Statement { verb: *verb, parts: Vec::new(), place, written });
        if rest.is_empty() {
            return Some(());
        }
    } else {
        rest = &line.text;
        let written = &mut acl.last_mut()?.written;
        written.push(' ');
        written.push_str(rest);
    }
    let (negated, rest) = rest.strip_prefix('!').map_or((false, rest), |rest| (true, rest));
    let (mut word, mut rest) = name(rest);
    let variable;
    if word == "set" {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace())?;
        variable = format!("set {}", &rest[..end]);
        (word, rest) = (&variable, rest[end..].trim_start());
    }
    let value = match (word, rest.strip_prefix('=')) {
        ("endpass", _) => "",
        (_, Some(value)) if !word.is_empty() => value.trim_start(),
        _ => return None,
    };
    let part = Part { negated, name: word.to_owned(), value: value.to_owned(), place: line.place.clone() };
    acl.last_mut()?.parts.push(part);
    Some(())
}

/// The name with which `text` begins, and what stands behind it and the white space after it.
fn name(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// The value of an option without the quotes around it.
fn dequoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut out = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, false) => out.push(character),
            (_, true) => match characters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => {}
            },
        }
    }
    out
}
