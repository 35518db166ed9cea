//! The rules of config/bounces.toml, read and made ready: one pass for their fixed pieces, then the few expressions that are left.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::code::Enhanced;
use super::literal::required;
use super::named;
use super::normal::without_pages;
use crate::catalogue::Catalogue;

/// What an error mail means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The recipient's address does not exist or takes no mail.
    Address,
    /// The recipient's domain cannot be found or takes no mail.
    Domain,
    /// On a list that many receivers share; also a query to one that failed.
    Dnsbl,
    /// The receiver's own list, score or limit.
    Reputation,
    /// Unknown senders have to come again.
    Greylist,
    /// Reverse DNS of the sending address.
    Ptr,
    /// The name given in HELO.
    Helo,
    /// SPF, DKIM, DMARC.
    Auth,
    /// A rule of the receiver; `sender-domain-unresolvable` is ours.
    Policy,
    /// What is in the mail.
    Content,
    /// Too large.
    Size,
    /// The mailbox is full.
    MailboxFull,
    /// Not responsible, or not logged in.
    Relay,
    /// Encryption.
    Tls,
    /// Not found, not reached, or given up.
    Network,
    /// Trouble at the receiver's server.
    Server,
    /// Nothing explains it.
    Unknown,
    /// Not a refusal: delivered, an automatic reply, a complaint.
    NotBounce,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Address,
        Self::Domain,
        Self::Dnsbl,
        Self::Reputation,
        Self::Greylist,
        Self::Ptr,
        Self::Helo,
        Self::Auth,
        Self::Policy,
        Self::Content,
        Self::Size,
        Self::MailboxFull,
        Self::Relay,
        Self::Tls,
        Self::Network,
        Self::Server,
        Self::Unknown,
        Self::NotBounce,
    ];

    /// The word for it: `mailbox-full`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Domain => "domain",
            Self::Dnsbl => "dnsbl",
            Self::Reputation => "reputation",
            Self::Greylist => "greylist",
            Self::Ptr => "ptr",
            Self::Helo => "helo",
            Self::Auth => "auth",
            Self::Policy => "policy",
            Self::Content => "content",
            Self::Size => "size",
            Self::MailboxFull => "mailbox-full",
            Self::Relay => "relay",
            Self::Tls => "tls",
            Self::Network => "network",
            Self::Server => "server",
            Self::Unknown => "unknown",
            Self::NotBounce => "not-bounce",
        }
    }

    /// Whether a cutover can cause it and an administrator has to act soon.
    pub const fn is_critical(self) -> bool {
        matches!(
            self,
            Self::Dnsbl
                | Self::Reputation
                | Self::Ptr
                | Self::Helo
                | Self::Auth
                | Self::Tls
                | Self::Relay
                | Self::Greylist
        )
    }
}

/// How far an explanation can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Little more than a guess.
    Low,
    /// Probable.
    Medium,
    /// The text says it.
    #[default]
    High,
}

impl Confidence {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A rule: wordings that mean one thing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Kebab-case, unique, permanent.
    pub id: String,
    /// What it means.
    pub class: Class,
    /// The part of the class; may be empty.
    #[serde(default)]
    pub sub: String,
    #[serde(rename = "match")]
    matches: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    at: Vec<String>,
    /// Whose wording it is.
    pub receiver: Option<String>,
    /// The id of the list that is meant without being named.
    pub list: Option<String>,
    #[serde(default)]
    pages: bool,
    #[serde(default)]
    names_list: bool,
    /// How far it can be relied on.
    #[serde(default)]
    pub confidence: Confidence,
    /// Where the wording is documented: an address.
    pub source: String,
    /// A line that this rule explains.
    pub example: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnCode {
    at: Vec<String>,
    codes: HashMap<String, (Class, String)>,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    boilerplate: Vec<String>,
    sources: HashMap<String, String>,
    rule: Vec<Rule>,
    own_code: Vec<OwnCode>,
}

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// No TOML, or not of this shape.
    #[error("could not read the rules for error mails: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A rule is wrong.
    #[error("could not use the rule {id} for error mails: {why}")]
    Rule {
        /// Its id.
        id: String,
        /// What is wrong with it.
        why: String,
    },
}

/// An expression that is built when it is needed first: most runs need few.
#[derive(Debug)]
struct Lazy {
    pattern: String,
    built: OnceLock<Regex>,
}

impl Lazy {
    fn new(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), built: OnceLock::new() }
    }

    fn is_match(&self, text: &str) -> bool {
        self.built.get_or_init(|| build(&self.pattern)).is_match(text.as_bytes())
    }
}

fn build(pattern: &str) -> Regex {
    builder(pattern).build().expect("the rules never change after the build, and a test builds every one")
}

fn builder(pattern: &str) -> RegexBuilder {
    let mut builder = RegexBuilder::new(pattern);
    builder.unicode(false).size_limit(16 << 20).dfa_size_limit(4 << 20);
    builder
}

/// The rules, ready for use.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    own: Vec<OwnCode>,
    sources: HashMap<String, String>,
    finder: AhoCorasick,
    /// For each piece of text, the expressions that need it.
    needed_by: Vec<Vec<u32>>,
    /// The expressions of all rules in order, each with its rule.
    expressions: Vec<(u32, Lazy)>,
    unless: Vec<Vec<Lazy>>,
    boilerplate: Lazy,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    Rules::parse(include_str!("../../config/bounces.toml"))
        .expect("the embedded rules never change after the build, and a test reads them")
});

/// The rules in the binary.
pub fn rules() -> &'static Rules {
    &RULES
}

impl Rules {
    /// Reads the text of a bounces.toml.
    ///
    /// # Errors
    /// [`RulesError`] names the rule and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let file: File = toml::from_str(text)?;
        let mut place: HashMap<Vec<u8>, usize> = HashMap::new();
        let (mut pieces, mut needed_by) = (Vec::new(), Vec::<Vec<u32>>::new());
        let (mut expressions, mut unless) = (Vec::new(), Vec::new());
        let mut ids = Vec::new();
        for (number, rule) in file.rule.iter().enumerate() {
            let wrong = |why: String| RulesError::Rule { id: rule.id.clone(), why };
            if ids.contains(&&rule.id) {
                return Err(wrong("another rule has this id".to_owned()));
            }
            ids.push(&rule.id);
            if !file.sources.contains_key(&rule.source) && !rule.source.starts_with("https://") {
                return Err(wrong(format!("the source {:?} is not known", rule.source)));
            }
            if rule.list.as_deref().is_some_and(|list| Catalogue::embedded().list(list).is_none()) {
                return Err(wrong("its list is not in the catalogue".to_owned()));
            }
            for pattern in &rule.matches {
                let needed = required(pattern)
                    .ok_or_else(|| wrong(format!("{pattern:?} is no expression with a piece of fixed text")))?;
                let expression = u32::try_from(expressions.len()).unwrap_or(u32::MAX);
                for piece in needed {
                    let index = *place.entry(piece.clone()).or_insert_with(|| {
                        pieces.push(piece);
                        needed_by.push(Vec::new());
                        pieces.len() - 1
                    });
                    needed_by[index].push(expression);
                }
                expressions.push((u32::try_from(number).unwrap_or(u32::MAX), Lazy::new(pattern)));
            }
            unless.push(rule.unless.iter().map(|pattern| Lazy::new(pattern)).collect());
        }
        let finder = AhoCorasick::new(&pieces)
            .map_err(|error| RulesError::Rule { id: "all of them".to_owned(), why: error.to_string() })?;
        let boilerplate = Lazy::new(&format!("(?:{})", file.boilerplate.join(")|(?:")));
        let (rules, own, sources) = (file.rule, file.own_code, file.sources);
        Ok(Self { rules, own, sources, finder, needed_by, expressions, unless, boilerplate })
    }

    /// All of them, in the order in which they are asked.
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The address of the page that `rule` rests on.
    pub fn source<'a>(&'a self, rule: &'a Rule) -> &'a str {
        self.sources.get(&rule.source).unwrap_or(&rule.source)
    }

    /// Builds every expression.
    ///
    /// # Errors
    /// [`RulesError`] names the rule whose expression is wrong.
    pub fn build_all(&self) -> Result<(), RulesError> {
        for rule in &self.rules {
            for pattern in rule.matches.iter().chain(&rule.unless) {
                let built = builder(pattern).build();
                built.map_err(|error| RulesError::Rule { id: rule.id.clone(), why: error.to_string() })?;
            }
        }
        Ok(())
    }

    /// `text` (as [`super::normal::normal`] makes it) without what programs write into every notice.
    pub(super) fn without_boilerplate(&self, text: &str) -> String {
        let expression = self.boilerplate.built.get_or_init(|| build(&self.boilerplate.pattern));
        String::from_utf8_lossy(&expression.replace_all(text.as_bytes(), &b" "[..])).into_owned()
    }

    /// The first rule that explains `text` (as [`super::normal::normal`] makes it), said by `host`.
    pub(super) fn first(&self, text: &str, host: Option<&str>) -> Option<&Rule> {
        let mut candidates = vec![0_u64; self.expressions.len().div_ceil(64)];
        for found in self.finder.find_overlapping_iter(text) {
            for expression in &self.needed_by[found.pattern().as_usize()] {
                candidates[*expression as usize / 64] |= 1 << (expression % 64);
            }
        }
        let prose = without_pages(text);
        let mut refused = u32::MAX;
        for (block, bits) in candidates.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let expression = block * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let (number, lazy) = &self.expressions[expression];
                let rule = &self.rules[*number as usize];
                let text = if rule.pages { text } else { &prose };
                if *number == refused || !lazy.is_match(text) {
                    continue;
                }
                if self.holds(rule, *number, text, host) {
                    return Some(rule);
                }
                refused = *number;
            }
        }
        None
    }

    fn holds(&self, rule: &Rule, number: u32, text: &str, host: Option<&str>) -> bool {
        let at = rule.at.is_empty() || host.is_none_or(|host| is_at(host, &rule.at));
        at && !self.unless[number as usize].iter().any(|lazy| lazy.is_match(text))
            && (!rule.names_list || named::known_in(text).is_some())
    }

    /// Whether one of the expressions of `rule` is found in `text` (as [`super::normal::normal`] makes it).
    pub(super) fn is_found(&self, rule: &Rule, text: &str) -> bool {
        let Some(number) = self.rules.iter().position(|known| known.id == rule.id) else { return false };
        let prose = without_pages(text);
        let text = if rule.pages { text } else { &prose };
        let own = self.expressions.iter().filter(|(owner, _)| *owner as usize == number);
        own.into_iter().any(|(_, lazy)| lazy.is_match(text))
    }

    /// What `code` means at `host`, where that is not what the registry says.
    pub(super) fn own_code(&self, host: &str, code: Enhanced) -> Option<(Class, &str, &str)> {
        let key = format!("{}.{}", code.subject, code.detail);
        let own = self.own.iter().find(|own| is_at(host, &own.at) && own.codes.contains_key(&key))?;
        let (class, sub) = own.codes.get(&key)?;
        Some((*class, sub, self.sources.get(&own.source).unwrap_or(&own.source)))
    }
}

fn is_at(host: &str, ends: &[String]) -> bool {
    ends.iter().any(|end| host.strip_suffix(end.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}
