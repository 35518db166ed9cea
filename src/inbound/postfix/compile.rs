//! From the parameters to the lists that are judged: restrictions by name, their arguments, classes, tables.

use std::collections::HashMap;
use std::sync::Arc;

use super::config::{Config, Token};
use super::expand::ExpandError;
use super::lines::pieces;
use super::steps::{Action, DnsList, Step, Subject, Table, Test, Unjudgeable};
use super::tables::Tables;
use super::{words, zones};
use crate::inbound::{About, Place, Rule, Unjudged};
use crate::model::{Value, visible};

/// How deep classes may stand within each other.
const DEEPEST: usize = 20;

/// Makes steps of restrictions, and notes what is not judged.
pub(super) struct Compiler<'a> {
    pub(super) config: &'a Config,
    pub(super) tables: &'a Tables<'a>,
    pub(super) unjudged: Vec<Unjudged>,
    /// The first thing with which Postfix does not start.
    pub(super) broken: Option<Rule>,
    within: Vec<String>,
    read: HashMap<String, Result<Arc<Table>, Value>>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(config: &'a Config, tables: &'a Tables<'a>) -> Self {
        Self { config, tables, unjudged: Vec::new(), broken: None, within: Vec::new(), read: HashMap::new() }
    }

    /// Notes something that is not judged, once.
    pub(super) fn note(&mut self, place: Option<Place>, written: &str, why: Value) -> Unjudged {
        let unjudged = Unjudged { place, written: zones::shown_words(written), why };
        if !self.unjudged.contains(&unjudged) {
            self.unjudged.push(unjudged.clone());
        }
        unjudged
    }

    /// Notes something with which Postfix does not start.
    pub(super) fn broken(&mut self, section: &str, place: Option<Place>, written: &str, why: Value) {
        self.note(place.clone(), written, why);
        let rule = Rule { section: visible(section), written: zones::shown_words(written), place, zone: None };
        self.broken.get_or_insert(rule);
    }

    /// Notes that the value of a parameter cannot be known; why.
    pub(super) fn unknown_value(&mut self, name: &str, error: &ExpandError) -> Value {
        let why = words::unknown_value(error);
        if matches!(error, ExpandError::Loop(_) | ExpandError::Syntax) {
            self.broken(name, self.config.place(name), name, why.clone());
        }
        why
    }

    /// The list that parameter `name` holds; `bare` is what a table without a restriction before it is asked about.
    pub(super) fn list(&mut self, name: &str, bare: Option<Subject>) -> Vec<Step> {
        match self.config.list(name) {
            Ok(tokens) => self.steps(&tokens, name, bare),
            Err(error) => vec![self.unreadable(name, &error)],
        }
    }

    fn unreadable(&mut self, name: &str, error: &ExpandError) -> Step {
        let place = self.config.place(name);
        let why = self.unknown_value(name, error);
        let rule = Rule { section: visible(name), written: visible(name), place, zone: None };
        let test = self.either_way(&rule, why, true, true);
        Step { rule, warns: false, test }
    }

    /// A step of which nobody here knows what comes of it.
    fn either_way(&mut self, rule: &Rule, why: Value, may_refuse: bool, may_accept: bool) -> Test {
        let unjudged = self.note(rule.place.clone(), &rule.written, why);
        Test::Unjudged(Unjudgeable { why: words::undecided(&unjudged), may_refuse, may_accept })
    }

    fn steps(&mut self, tokens: &[Token], section: &str, bare: Option<Subject>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut warns = false;
        let mut left = tokens.iter();
        while let Some(token) = left.next() {
            let name = token.text.to_ascii_lowercase();
            if name == "warn_if_reject" {
                warns = true;
                continue;
            }
            let argument = if takes_argument(&name) { left.next().map(|token| token.text.as_str()) } else { None };
            let rule = self.rule(section, token, argument);
            let test = self.test(&name, &token.text, argument, &rule, bare);
            steps.push(Step { rule, warns: std::mem::take(&mut warns), test });
        }
        steps
    }

    fn rule(&self, section: &str, token: &Token, argument: Option<&str>) -> Rule {
        let zone = argument.filter(|_| asks_list(&token.text.to_ascii_lowercase()));
        let written = match argument {
            Some(argument) => format!("{} {argument}", token.text),
            None => token.text.clone(),
        };
        Rule {
            section: visible(section),
            written: zones::shown_words(&written),
            place: token.place.clone(),
            zone: zone.map(|zone| zones::shown(zones::split(zone).0)),
        }
    }

    fn test(&mut self, name: &str, written: &str, argument: Option<&str>, rule: &Rule, bare: Option<Subject>) -> Test {
        if name.contains(':') {
            return match bare {
                Some(subject) => self.access(subject, written, rule),
                None => self.server_error(rule, words::bad_argument()),
            };
        }
        if let Some(subject) = access_subject(name) {
            return match argument {
                Some(table) if table.contains(':') => self.access(subject, table, rule),
                _ => self.server_error(rule, words::bad_argument()),
            };
        }
        if let Some((about, permits)) = list_about(name) {
            return match argument {
                Some(argument) => self.dns_list(about, permits, argument, rule),
                None => self.nothing(rule, words::no_zone()),
            };
        }
        match name {
            "permit" => Test::Permit,
            "permit_auth_destination" | "permit_mx_backup" | "check_relay_domains" => Test::PermitOurs,
            "reject" => Test::Reject,
            "defer" => Test::Defer,
            "defer_if_permit" => Test::DeferIfPermit,
            "defer_if_reject" => Test::DeferIfReject,
            "reject_unknown_client_hostname" | "reject_unknown_client" => Test::UnknownClient,
            "reject_unknown_reverse_client_hostname" => Test::UnknownReverse,
            "permit_mynetworks" => Test::PermitMynetworks,
            "reject_invalid_helo_hostname" | "reject_invalid_hostname" => Test::InvalidHelo,
            "reject_non_fqdn_helo_hostname" | "reject_non_fqdn_hostname" => Test::NonFqdnHelo,
            "reject_unknown_helo_hostname" | "reject_unknown_hostname" => Test::UnknownHelo,
            "reject_non_fqdn_sender" => Test::NonFqdnSender,
            "reject_unknown_sender_domain" | "reject_unknown_address" => Test::UnknownSenderDomain,
            "reject_maps_rbl" => self.maps_rbl(rule),
            "check_policy_service" => match argument {
                Some(server) if server.contains(':') => self.either_way(rule, words::policy_service(), true, true),
                _ => self.server_error(rule, words::bad_argument()),
            },
            "reject_unverified_sender" => self.either_way(rule, words::verification(), true, false),
            "reject_plaintext_session" => self.either_way(rule, words::encryption(), true, false),
            "permit_naked_ip_address" => self.either_way(rule, words::naked_address(), true, true),
            "reject_rhsbl_recipient" => self.either_way(rule, words::recipients(), true, false),
            "permit_tls_clientcerts" | "permit_tls_all_clientcerts" => self.nothing(rule, words::certificates()),
            "reject_unlisted_sender"
            | "reject_sender_login_mismatch"
            | "reject_authenticated_sender_login_mismatch"
            | "reject_known_sender_login_mismatch"
            | "reject_unauthenticated_sender_login_mismatch" => self.nothing(rule, words::own_senders()),
            _ if looks_up_servers(name) => self.either_way(rule, words::servers_of_names(), true, true),
            _ if DECIDE_NOTHING.contains(&name) => Test::Nothing,
            _ => self.class(written, rule, bare),
        }
    }

    fn nothing(&mut self, rule: &Rule, why: Value) -> Test {
        self.note(rule.place.clone(), &rule.written, why);
        Test::Nothing
    }

    fn server_error(&mut self, rule: &Rule, why: Value) -> Test {
        self.note(rule.place.clone(), &rule.written, why);
        Test::ServerError
    }

    fn dns_list(&mut self, about: About, permits: bool, argument: &str, rule: &Rule) -> Test {
        let (zone, filter) = match argument.split_once('=') {
            Some((zone, filter)) => (zone, Some(filter)),
            None => (argument, None),
        };
        let filter = match filter.map(str::parse).transpose() {
            Ok(filter) => filter,
            Err(_) => {
                self.note(rule.place.clone(), &rule.written, words::bad_filter());
                return Test::Fatal;
            }
        };
        let argument = argument.to_owned();
        Test::List(DnsList { about, zone: zones::plain(zone), shown: zones::shown(zone), argument, filter, permits })
    }

    /// The old form: `maps_rbl_domains` has the zones.
    fn maps_rbl(&mut self, rule: &Rule) -> Test {
        match self.config.list("maps_rbl_domains") {
            Ok(tokens) => {
                let mut steps = Vec::new();
                for token in tokens {
                    let zone = Some(zones::shown(zones::split(&token.text).0));
                    let inner = Rule { zone, place: token.place, ..rule.clone() };
                    let test = self.dns_list(About::Client, false, &token.text, &inner);
                    steps.push(Step { rule: inner, warns: false, test });
                }
                Test::Class(steps)
            }
            Err(error) => Test::Class(vec![self.unreadable("maps_rbl_domains", &error)]),
        }
    }

    fn class(&mut self, name: &str, rule: &Rule, bare: Option<Subject>) -> Test {
        let classes = self.config.list("smtpd_restriction_classes").unwrap_or_default();
        if !classes.iter().any(|class| class.text == name) {
            return self.server_error(rule, words::no_restriction());
        }
        if self.within.iter().any(|outer| outer == name) || self.within.len() >= DEEPEST {
            self.note(rule.place.clone(), &rule.written, words::class_circle());
            return Test::Fatal;
        }
        self.within.push(name.to_owned());
        let steps = self.list(name, bare);
        self.within.pop();
        Test::Class(steps)
    }

    fn access(&mut self, subject: Subject, table: &str, rule: &Rule) -> Test {
        let known = match self.read.get(table) {
            Some(known) => known.clone(),
            None => {
                let read = self.table(table, rule).map(Arc::new);
                self.read.insert(table.to_owned(), read.clone());
                read
            }
        };
        match known {
            Ok(table) => {
                if subject == Subject::Recipient && table.could() != (false, false) {
                    self.note(rule.place.clone(), &rule.written, words::recipients());
                }
                Test::Access(subject, table)
            }
            Err(why) => self.either_way(rule, why, true, true),
        }
    }

    fn table(&mut self, table: &str, rule: &Rule) -> Result<Table, Value> {
        let read = self.tables.open(table)?;
        let parents = self.config.list("parent_domain_matches_subdomains").unwrap_or_default();
        let parents_match = parents.iter().any(|token| token.text == "smtpd_access_maps");
        // A result may be a class that asks this table again.
        let itself = format!("table {table}");
        if self.within.contains(&itself) || self.within.len() >= DEEPEST {
            return Err(words::class_circle());
        }
        self.within.push(itself);
        let actions = read.values.iter().map(|value| self.action(value, rule)).collect();
        self.within.pop();
        Ok(Table { content: read.content, actions, parents_match })
    }

    /// A result of an access table (access(5)).
    fn action(&mut self, value: &str, rule: &Rule) -> Action {
        let (word, text) = value.split_once([' ', '\t']).unwrap_or((value, ""));
        let text = text.trim_start();
        let code =
            |name: &str, default| self.config.value(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default);
        match word.to_ascii_uppercase().as_str() {
            "DUNNO" | "INFO" | "WARN" | "FILTER" | "HOLD" | "REDIRECT" | "BCC" | "PREPEND" => return Action::Dunno,
            "OK" | "RELAY" => return Action::Permit,
            "REJECT" => return Action::Reject(code("access_map_reject_code", 554), "5.7.1", text.to_owned()),
            "DEFER" => return Action::Reject(code("access_map_defer_code", 450), "4.7.1", text.to_owned()),
            "DEFER_IF_PERMIT" => return Action::DeferIfPermit(text.to_owned()),
            "DEFER_IF_REJECT" => return Action::DeferIfReject(text.to_owned()),
            "HANGUP" | "DISCARD" => {
                let why = if word.eq_ignore_ascii_case("DISCARD") { words::discarded() } else { words::hangup() };
                let unjudged = self.note(rule.place.clone(), &rule.written, why);
                let why = words::undecided(&unjudged);
                return Action::Unjudged(Unjudgeable { why, may_refuse: true, may_accept: false });
            }
            _ => {}
        }
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits(value) {
            return Action::Permit;
        }
        if word.len() == 3 && digits(word) && !text.is_empty() && word.starts_with(['4', '5']) {
            let default = if word.starts_with('4') { "4.7.1" } else { "5.7.1" };
            return Action::Reject(word.parse().unwrap_or(554), default, text.to_owned());
        }
        if value.contains(':') {
            self.note(rule.place.clone(), &rule.written, words::map_in_table());
            return Action::ServerError;
        }
        let place = rule.place.clone();
        let tokens: Vec<Token> = pieces(value, false)
            .into_iter()
            .map(|(_, piece)| Token { text: piece.to_owned(), place: place.clone() })
            .collect();
        // In the dark ages an empty result meant OK, and it still does.
        if tokens.is_empty() { Action::Permit } else { Action::Steps(self.steps(&tokens, &rule.section, None)) }
    }
}

/// Restrictions that decide nothing for a stranger who keeps to the protocol and has mail for a mailbox that is here.
const DECIDE_NOTHING: &[&str] = &[
    "reject_unauth_pipelining",
    "sleep",
    "permit_inet_interfaces",
    "check_ccert_access",
    "check_sasl_access",
    "check_etrn_access",
    "reject_unauth_destination",
    "defer_unauth_destination",
    "permit_sasl_authenticated",
    "reject_unknown_recipient_domain",
    "reject_non_fqdn_recipient",
    "check_recipient_maps",
    "reject_unlisted_recipient",
    "reject_multi_recipient_bounce",
    "reject_unverified_recipient",
];

fn takes_argument(name: &str) -> bool {
    asks_list(name)
        || matches!(name, "check_policy_service" | "sleep")
        || (name.starts_with("check_") && name.ends_with("_access"))
}

fn asks_list(name: &str) -> bool {
    list_about(name).is_some() || name == "reject_rhsbl_recipient"
}

fn list_about(name: &str) -> Option<(About, bool)> {
    Some(match name {
        "reject_rbl_client" | "reject_rbl" => (About::Client, false),
        "reject_rhsbl_client" => (About::ClientName, false),
        "reject_rhsbl_reverse_client" => (About::ReverseName, false),
        "reject_rhsbl_helo" => (About::Helo, false),
        "reject_rhsbl_sender" => (About::Sender, false),
        "permit_dnswl_client" => (About::Client, true),
        "permit_rhswl_client" => (About::ClientName, true),
        _ => return None,
    })
}

fn access_subject(name: &str) -> Option<Subject> {
    Some(match name {
        "check_client_access" => Subject::Client,
        "check_reverse_client_hostname_access" => Subject::ReverseClient,
        "check_helo_access" => Subject::Helo,
        "check_sender_access" => Subject::Sender,
        "check_recipient_access" => Subject::Recipient,
        _ => return None,
    })
}

fn looks_up_servers(name: &str) -> bool {
    let ends = ["_ns_access", "_mx_access", "_a_access"].iter().any(|end| name.ends_with(end));
    name.starts_with("check_") && ends
}
