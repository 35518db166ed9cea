//! postscreen(8) in front of smtpd: its access list, its scores, and what it says.

use std::net::Ipv4Addr;

use super::compile::Compiler;
use super::config::{Config, Token};
use super::filter::Filter;
use super::judge::Session;
use super::lines::pieces;
use super::mynetworks::Standing;
use super::reply::Draft;
use super::steps::{Content, Unjudgeable};
use super::tables::Tables;
use super::{words, zones};
use crate::catalogue::Target;
use crate::dnsbl::Lookup;
use crate::inbound::{Place, Refusal, Rule};
use crate::model::{Value, visible};

/// postscreen, read.
#[derive(Clone, Debug)]
pub(super) struct Postscreen {
    access: Vec<Access>,
    denylist_action: Act,
    denylist_place: Option<Place>,
    pub(super) sites: Vec<Site>,
    threshold: i64,
    action: Act,
}

/// What postscreen does with a client that it does not like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Only logged; the client goes on.
    Ignore,
    /// Refused at RCPT, 550.
    Enforce,
    /// Refused at once, 521.
    Drop,
}

/// A word of `postscreen_access_list`.
#[derive(Clone, Debug)]
enum Access {
    Permit,
    Reject,
    /// Nothing behind it counts.
    End,
    Mynetworks,
    Table(Content, Vec<Vec<Access>>),
    Unjudged(Unjudgeable),
}

/// A list with its weight.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) rule: Rule,
    /// Lower case, no trailing dot: a key may stand in it.
    pub(super) zone: String,
    /// How postscreen tells zones apart: by their letters.
    head: String,
    /// What a reply calls it: by `postscreen_dnsbl_reply_map`, or without a key.
    said: String,
    pub(super) filter: Option<Filter>,
    weight: i64,
    pub(super) argument: String,
}

impl Postscreen {
    /// Reads its parameters, and notes what is not judged.
    pub(super) fn read(config: &Config, tables: &Tables<'_>, notes: &mut Compiler<'_>) -> Self {
        let access = match config.list("postscreen_access_list") {
            Ok(tokens) => access_list(&tokens, Some(tables), notes),
            Err(error) => {
                let why = notes.unknown_value("postscreen_access_list", &error);
                vec![either_way(notes, config.place("postscreen_access_list"), "postscreen_access_list", why)]
            }
        };
        let reply_map = config.value("postscreen_dnsbl_reply_map").unwrap_or_default();
        let names = (!reply_map.is_empty()).then(|| tables.open(&reply_map).ok()).flatten();
        if !reply_map.is_empty() && names.is_none() {
            notes.note(config.place("postscreen_dnsbl_reply_map"), "postscreen_dnsbl_reply_map", words::reply_map());
        }
        let mut sites = Vec::new();
        for token in config.list("postscreen_dnsbl_sites").unwrap_or_default() {
            match site(&token) {
                Some(mut site) => {
                    let said = names.as_ref().and_then(|map| Some(&map.values[map.content.find(&site.head, true)?]));
                    if let Some(said) = said {
                        site.said = visible(said);
                    }
                    sites.push(site);
                }
                None => {
                    notes.broken("postscreen_dnsbl_sites", token.place, &token.text, words::bad_site());
                }
            }
        }
        if let Err(error) = config.list("postscreen_dnsbl_sites") {
            let why = notes.unknown_value("postscreen_dnsbl_sites", &error);
            notes.note(config.place("postscreen_dnsbl_sites"), "postscreen_dnsbl_sites", why);
        }
        for name in
            ["postscreen_pipelining_enable", "postscreen_non_smtp_command_enable", "postscreen_bare_newline_enable"]
        {
            if config.value(name).is_ok_and(|value| value.eq_ignore_ascii_case("yes")) {
                notes.note(config.place(name), name, words::deep_tests());
            }
        }
        if config.value("postscreen_greet_action").is_ok_and(|value| value != "ignore") {
            notes.note(config.place("postscreen_greet_action"), "postscreen_greet_action", words::early_talkers());
        }
        if config.value("postscreen_allowlist_interfaces").is_ok_and(|value| value != "static:all") {
            let name = if config.sets("postscreen_allowlist_interfaces") {
                "postscreen_allowlist_interfaces"
            } else {
                "postscreen_whitelist_interfaces"
            };
            notes.note(config.place(name), name, words::backup_interfaces());
        }
        let denylist = if config.sets("postscreen_denylist_action") {
            "postscreen_denylist_action"
        } else {
            "postscreen_blacklist_action"
        };
        Self {
            access,
            denylist_action: act(config, "postscreen_denylist_action", notes),
            denylist_place: config.place("postscreen_access_list").or_else(|| config.place(denylist)),
            sites,
            threshold: super::number(config, "postscreen_dnsbl_threshold", notes),
            action: act(config, "postscreen_dnsbl_action", notes),
        }
    }
}

fn either_way(notes: &mut Compiler<'_>, place: Option<Place>, written: &str, why: Value) -> Access {
    let unjudged = notes.note(place, written, why);
    Access::Unjudged(Unjudgeable { why: words::undecided(&unjudged), may_refuse: true, may_accept: true })
}

fn access_list(tokens: &[Token], tables: Option<&Tables<'_>>, notes: &mut Compiler<'_>) -> Vec<Access> {
    let mut list = Vec::new();
    for token in tokens {
        let word = token.text.to_ascii_lowercase();
        list.push(match (word.as_str(), tables) {
            ("permit", _) => Access::Permit,
            ("reject", _) => Access::Reject,
            ("permit_mynetworks", _) => Access::Mynetworks,
            ("dunno", _) => Access::End,
            (table, Some(tables)) if table.contains(':') => match tables.open(&token.text) {
                Ok(read) => {
                    let results = read.values.iter().map(|value| {
                        let inner: Vec<Token> = pieces(value, false)
                            .into_iter()
                            .map(|(_, piece)| Token { text: piece.to_owned(), place: token.place.clone() })
                            .collect();
                        access_list(&inner, None, notes)
                    });
                    Access::Table(read.content, results.collect())
                }
                Err(why) => either_way(notes, token.place.clone(), &token.text, why),
            },
            _ => {
                let why = Value::both(
                    "postscreen does not know this word, and passes over the rest of the list",
                    "postscreen にない語である。リストの残りは無視される",
                );
                notes.note(token.place.clone(), &token.text, why);
                Access::End
            }
        });
    }
    list
}

fn act(config: &Config, name: &str, notes: &mut Compiler<'_>) -> Act {
    match config.value(name).unwrap_or_default().as_str() {
        "ignore" | "continue" => Act::Ignore,
        "enforce" => Act::Enforce,
        "drop" => Act::Drop,
        _ => {
            notes.broken(name, config.place(name), name, words::bad_value());
            Act::Ignore
        }
    }
}

/// `zone=filter*weight`.
fn site(token: &Token) -> Option<Site> {
    let (rest, weight) = match token.text.split_once('*') {
        // As scanf reads a number: a sign may stand before it.
        Some((rest, weight)) => (rest, weight.strip_prefix('+').unwrap_or(weight).parse().ok()?),
        None => (token.text.as_str(), 1),
    };
    let (head, filter) = match rest.split_once('=') {
        Some((head, filter)) => (head, Some(filter.parse().ok()?)),
        None => (rest, None),
    };
    if !super::syntax::is_host_name(head) {
        return None;
    }
    let rule = Rule {
        section: "postscreen_dnsbl_sites".to_owned(),
        written: zones::shown_argument(&token.text),
        place: token.place.clone(),
        zone: Some(zones::shown(head)),
    };
    let said = zones::shown(head);
    let argument = token.text.clone();
    Some(Site {
        rule,
        zone: zones::plain(head),
        head: head.to_owned(),
        said,
        filter,
        weight: i64::from(weight),
        argument,
    })
}

impl Session<'_> {
    /// What postscreen does with the client; nothing if it hands it on.
    pub(super) fn screen(&mut self) -> Option<Refusal> {
        let screen = self.postfix.postscreen.as_ref()?;
        let mut refusal = None;
        match self.access_list(&screen.access) {
            Some(true) => return None,
            Some(false) => {
                let rule = Rule {
                    section: "postscreen_access_list".to_owned(),
                    written: "reject".to_owned(),
                    place: screen.denylist_place.clone(),
                    zone: None,
                };
                let code = if screen.denylist_action == Act::Drop { 521 } else { 550 };
                let draft = Draft::new(code, "5.3.2", "Service currently unavailable".to_owned());
                let denied = self.refusal(&rule, Vec::new(), draft);
                match screen.denylist_action {
                    Act::Ignore => self.only_logged.push(denied),
                    Act::Drop => return Some(denied),
                    // The lists are asked all the same, and have the last word.
                    Act::Enforce => refusal = Some(denied),
                }
            }
            None => {}
        }
        match (self.score(screen), screen.action) {
            (Some(listed), Act::Ignore) => self.only_logged.push(listed),
            (Some(listed), Act::Enforce | Act::Drop) => return Some(listed),
            (None, _) => {}
        }
        refusal
    }

    fn access_list(&mut self, list: &[Access]) -> Option<bool> {
        for access in list {
            match access {
                Access::Permit => return Some(true),
                Access::Reject => return Some(false),
                Access::End => return None,
                Access::Mynetworks => match self.standing() {
                    Standing::Friend => return Some(true),
                    Standing::Stranger => {}
                    // postscreen warns, and passes over the rest.
                    Standing::Fails => return None,
                },
                Access::Table(content, results) => {
                    let found = content.find(&self.ip.to_string(), true).and_then(|index| results.get(index));
                    if let Some(decided) = found.and_then(|inner| self.access_list(inner)) {
                        return Some(decided);
                    }
                }
                Access::Unjudged(Unjudgeable { why, may_refuse, may_accept }) => {
                    self.doubt(why.clone(), *may_refuse, *may_accept);
                }
            }
        }
        None
    }

    /// The refusal by score, if it is high enough; a doubt where an answer that is missing could change that.
    fn score(&mut self, screen: &Postscreen) -> Option<Refusal> {
        let target = Target::Ip(self.ip);
        let (mut score, mut lowest, mut highest) = (0_i64, 0_i64, 0_i64);
        let mut counted: Vec<(&Site, Vec<Ipv4Addr>)> = Vec::new();
        let mut failed = None;
        for site in &screen.sites {
            match self.facts.zones.get(&(site.zone.clone(), target.clone())) {
                Some(Lookup::Absent) => {}
                Some(Lookup::Addresses(answers)) => {
                    if site.filter.as_ref().is_none_or(|filter| answers.iter().any(|ip| filter.matches(*ip))) {
                        score += site.weight;
                        counted.push((site, answers.clone()));
                    }
                }
                missing => {
                    let failure = match missing {
                        Some(Lookup::Failed(answer)) => Some(answer),
                        _ => None,
                    };
                    failed = failed.or_else(|| Some(words::score_failed(&site.said, failure)));
                    lowest += site.weight.min(0);
                    highest += site.weight.max(0);
                }
            }
        }
        if let Some(why) = failed
            && (score + lowest >= screen.threshold) != (score + highest >= screen.threshold)
            && screen.action != Act::Ignore
        {
            let is_high = score >= screen.threshold;
            self.doubt(why, !is_high, is_high);
        }
        if score < screen.threshold {
            return None;
        }
        // The heaviest list is named; of several the one that answers first.
        let heaviest = counted.iter().map(|(site, _)| site.weight).max();
        let mut named: Vec<&Site> = Vec::new();
        for (site, _) in &counted {
            if Some(site.weight) == heaviest && !named.iter().any(|other| other.head == site.head) {
                named.push(site);
            }
        }
        let said = named.iter().map(|site| site.said.as_str()).collect::<Vec<_>>().join(" or ");
        let code = if screen.action == Act::Drop { 521 } else { 550 };
        let text = format!("Service unavailable; client [{}] blocked using {said}", self.ip);
        let first = named.first().map(|site| site.rule.clone());
        let written = counted.iter().map(|(site, _)| site.rule.written.as_str()).collect::<Vec<_>>().join(", ");
        let rule = Rule {
            section: "postscreen_dnsbl_sites".to_owned(),
            // A threshold of nought or less refuses everybody, and no list is named.
            written: if written.is_empty() { "postscreen_dnsbl_threshold".to_owned() } else { visible(&written) },
            place: first.as_ref().and_then(|rule| rule.place.clone()),
            zone: first.and_then(|rule| rule.zone),
        };
        let codes = counted.into_iter().flat_map(|(_, answers)| answers);
        let mut each: Vec<Ipv4Addr> = Vec::new();
        for code in codes {
            if !each.contains(&code) {
                each.push(code);
            }
        }
        Some(self.refusal(&rule, each, Draft::new(code, "5.7.1", text)))
    }
}
