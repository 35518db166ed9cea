//! One caller at one Exim: what is known of it, and what is noted on the way.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use super::Exim;
use super::expand::{Expanded, Surroundings, expand};
use super::outcome::Outcome;
use crate::catalogue::Target;
use crate::inbound::{About, AskedZone, Caller, Facts, Naming, Place, Unjudged};
use crate::model::{DomainName, Value, visible};

/// Where in the conversation an ACL is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Connect,
    Helo,
    Mail,
    Rcpt,
    Predata,
    Data,
}

impl Stage {
    pub(super) const ALL: [Self; 6] = [Self::Connect, Self::Helo, Self::Mail, Self::Rcpt, Self::Predata, Self::Data];

    /// The option that names its ACL.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::Connect => "acl_smtp_connect",
            Self::Helo => "acl_smtp_helo",
            Self::Mail => "acl_smtp_mail",
            Self::Rcpt => "acl_smtp_rcpt",
            Self::Predata => "acl_smtp_predata",
            Self::Data => "acl_smtp_data",
        }
    }
}

/// An ACL variable.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    /// Nothing where it is not known.
    pub(super) value: Option<String>,
    /// Why it may be another one.
    pub(super) doubt: Option<Value>,
}

/// What a `dnslists` condition found.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// `$dnslist_domain`.
    pub(super) zone: String,
    /// `$dnslist_matched`.
    pub(super) about: String,
    /// Nothing where it did not answer and counts as listing everybody.
    pub(super) codes: Option<Vec<Ipv4Addr>>,
}

/// What stands for a value that differs from caller to caller, while the configuration is surveyed.
const MARKS: [(&str, &str, About); 4] = [
    ("sender_host_address", "\u{1}address", About::Client),
    ("sender_host_name", "\u{1}name", About::ClientName),
    ("sender_helo_name", "\u{1}helo", About::Helo),
    ("sender_address_domain", "\u{1}sender", About::Sender),
];

/// What a configuration asks of the world, and what is not judged in it.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) zones: BTreeSet<AskedZone>,
    pub(super) wants_names: bool,
    pub(super) wants_helo: bool,
    pub(super) hosts: BTreeSet<DomainName>,
    pub(super) fixed: BTreeSet<(String, Target)>,
}

/// A caller at the server.
pub(super) struct Visit<'a> {
    pub(super) exim: &'a Exim,
    pub(super) caller: &'a Caller,
    pub(super) facts: &'a Facts,
    pub(super) stage: Stage,
    variables: HashMap<String, Variable>,
    /// Why a variable that was read may have another value.
    doubt: RefCell<Option<Value>>,
    /// Files that are taken as absent because they are not here.
    left_behind: RefCell<Vec<String>>,
    /// What `$dnslist_…` are.
    listed: Option<Listed>,
    /// Whether the list that is being asked found something already.
    listed_now: bool,
    /// What the statement at the top found.
    pub(super) listed_by_statement: Option<Listed>,
    /// `$acl_verify_message` and the like are made of it: what a condition says to the client.
    pub(super) said: Option<String>,
    /// What a `defer` in a nested ACL says: the one reason for waiting that is told.
    pub(super) deferred: Option<String>,
    pub(super) steps: usize,
    pub(super) place: Place,
    pub(super) notes: Vec<Unjudged>,
    survey: Option<Survey>,
}

impl<'a> Visit<'a> {
    pub(super) fn new(exim: &'a Exim, caller: &'a Caller, facts: &'a Facts) -> Self {
        Self {
            exim,
            caller,
            facts,
            stage: Stage::Connect,
            variables: HashMap::new(),
            doubt: RefCell::new(None),
            left_behind: RefCell::default(),
            listed: None,
            listed_now: false,
            listed_by_statement: None,
            said: None,
            deferred: None,
            steps: 0,
            place: Place { file: String::new(), line: 0 },
            notes: Vec::new(),
            survey: None,
        }
    }

    /// A visit of nobody, on which every condition is looked at and what it asks for is written down.
    pub(super) fn survey(exim: &'a Exim, caller: &'a Caller, facts: &'a Facts) -> Self {
        Self { survey: Some(Survey::default()), ..Self::new(exim, caller, facts) }
    }

    pub(super) fn is_survey(&self) -> bool {
        self.survey.is_some()
    }

    pub(super) fn surveyed(self) -> (Survey, Vec<Unjudged>) {
        (self.survey.unwrap_or_default(), self.notes)
    }

    /// A text without keys, visible.
    pub(super) fn shown(&self, text: &str) -> String {
        visible(&self.exim.secrets.redact(text))
    }

    /// Writes down what is not judged.
    pub(super) fn note(&mut self, written: &str, why: Value) {
        if self.is_survey() {
            let note = Unjudged { place: Some(self.place.clone()), written: self.shown(written), why };
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// A condition that Exim will know and we do not.
    pub(super) fn unjudged(&mut self, written: &str, why: Value) -> Outcome {
        use crate::model::Lang::{En, Ja};
        self.note(written, why.clone());
        let (shown, line) = (self.shown(written), self.place.line);
        let file = &self.place.file;
        Outcome::unjudged(Value::both(
            format!("{file}:{line}: {shown}: {}", why.in_lang(En)),
            format!("{file}:{line}: {shown}: {}", why.in_lang(Ja)),
        ))
    }

    /// The name of the client, for which somebody must have asked.
    pub(super) fn naming(&mut self) -> Option<&'a Naming> {
        if let Some(survey) = &mut self.survey {
            survey.wants_names = true;
        }
        self.facts.names.get(&self.caller.ip)
    }

    /// The addresses of a name, for which somebody must have asked.
    pub(super) fn addresses(&mut self, name: &DomainName) -> Option<Option<&'a Vec<IpAddr>>> {
        if let Some(survey) = &mut self.survey {
            survey.hosts.insert(name.clone());
        }
        self.facts.addresses.get(name).map(Option::as_ref)
    }

    /// The HELO name leads to the client's address; nothing where that is not known.
    pub(super) fn helo_leads_here(&mut self, name: &DomainName) -> Option<Option<bool>> {
        if let Some(survey) = &mut self.survey {
            survey.wants_helo = true;
        }
        let addresses = self.facts.addresses.get(name)?;
        Some(addresses.as_ref().map(|addresses| addresses.contains(&self.caller.ip)))
    }

    /// While the configuration is surveyed: writes down that `zone` is asked about `key`.
    pub(super) fn survey_zone(&mut self, zone: &str, key: &str) -> Option<Outcome> {
        let survey = self.survey.as_mut()?;
        let about = MARKS.iter().find(|(_, mark, _)| *mark == key).map(|(_, _, about)| *about);
        let about = about.or_else(|| (key == self.caller.ip.to_string()).then_some(About::Client));
        let nothing = Value::both("nobody has come", "まだ接続がない");
        match about {
            Some(about) => {
                survey.wants_names |= about == About::ClientName;
                survey.zones.insert(AskedZone { zone: zone.to_owned(), about });
                Some(Outcome::unjudged(nothing))
            }
            None if !key.contains('\u{1}') => {
                let target = key.parse().map(Target::Ip).ok();
                let target = target.or_else(|| DomainName::parse(key).ok().map(Target::Domain))?;
                survey.fixed.insert((zone.to_owned(), target));
                Some(Outcome::unjudged(nothing))
            }
            None => {
                let key =
                    MARKS.iter().fold(key.to_owned(), |key, (name, mark, _)| key.replace(mark, &format!("${name}")));
                Some(self.unjudged(&format!("{zone}/{key}"), other_key()))
            }
        }
    }

    /// A list begins: what it finds first is what the message names.
    pub(super) fn list_begins(&mut self) {
        self.listed_now = false;
    }

    /// A list found something.
    pub(super) fn list(&mut self, listed: Listed) {
        if !std::mem::replace(&mut self.listed_now, true) {
            self.listed_by_statement = Some(listed.clone());
            self.listed = Some(listed);
        }
    }

    /// A command of the conversation begins: what was kept for the message is forgotten.
    pub(super) fn forget_message(&mut self) {
        self.variables.retain(|name, _| !name.starts_with("acl_m"));
    }

    /// Sets a variable.
    pub(super) fn set(&mut self, name: &str, variable: Variable) {
        self.variables.insert(name.to_owned(), variable);
    }

    /// What a variable is now.
    pub(super) fn read(&self, name: &str) -> Variable {
        let empty = || Variable { value: Some(String::new()), doubt: None };
        self.variables.get(name).cloned().unwrap_or_else(empty)
    }

    /// Why a value that was read since this was asked last may be another one.
    pub(super) fn doubted(&self) -> Option<Value> {
        self.doubt.borrow_mut().take()
    }

    /// The text of a condition, expanded.
    pub(super) fn expand(&mut self, text: &str) -> Expanded {
        if !text.contains(['$', '\\']) {
            return Expanded::Known(text.to_owned());
        }
        if ["sender_host_name", "host_lookup_", "sender_rcvhost", "sender_fullhost"]
            .iter()
            .any(|name| text.contains(name))
        {
            self.naming();
        }
        let expanded = expand(text, self);
        let left: Vec<String> = self.left_behind.borrow_mut().drain(..).collect();
        for path in left {
            self.note(&path, left_behind());
        }
        expanded
    }

    fn host_name(&self) -> Option<String> {
        match self.facts.names.get(&self.caller.ip)? {
            Naming::Confirmed(name) => Some(name.to_string()),
            Naming::Unconfirmed(_) | Naming::Nameless => Some(String::new()),
            Naming::Unanswered(_) => {
                *self.doubt.borrow_mut() = Some(no_name());
                Some(String::new())
            }
        }
    }

    fn sender_domain(&self) -> Option<String> {
        match self.stage {
            Stage::Connect | Stage::Helo => Some(String::new()),
            _ => self.caller.sender.as_ref().map(ToString::to_string),
        }
    }
}

impl Surroundings for Visit<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        if self.survey.is_some()
            && let Some((_, mark, _)) = MARKS.iter().find(|(known, _, _)| *known == name)
        {
            return Some((*mark).to_owned());
        }
        let listed = |value: fn(&Listed) -> String| Some(self.listed.as_ref().map_or_else(String::new, value));
        match name {
            "sender_host_address" => Some(self.caller.ip.to_string()),
            "sender_host_name" => self.host_name(),
            "host_lookup_failed" => {
                let naming = self.facts.names.get(&self.caller.ip)?;
                if matches!(naming, Naming::Unanswered(_)) {
                    *self.doubt.borrow_mut() = Some(no_name());
                }
                Some(if matches!(naming, Naming::Unconfirmed(_) | Naming::Nameless) { "1" } else { "0" }.to_owned())
            }
            "sender_helo_name" if self.stage == Stage::Connect => Some(String::new()),
            "sender_helo_name" => self.caller.helo.clone(),
            "sender_address_domain" => self.sender_domain(),
            // The local part is not known, but that there is one is.
            "sender_address" if self.stage < Stage::Mail => Some(String::new()),
            "dnslist_domain" => listed(|listed| listed.zone.clone()),
            "dnslist_matched" => listed(|listed| listed.about.clone()),
            "dnslist_value" => match &self.listed {
                None => Some(String::new()),
                Some(listed) => listed
                    .codes
                    .as_ref()
                    .map(|codes| codes.iter().map(ToString::to_string).collect::<Vec<String>>().join(", ")),
            },
            "rcpt_count" => Some(if self.stage < Stage::Rcpt { "0" } else { "1" }.to_owned()),
            "recipients_count" => Some(if self.stage > Stage::Rcpt { "1" } else { "0" }.to_owned()),
            "primary_hostname" => self.exim.config.value("primary_hostname").map(str::to_owned),
            "received_port" | "interface_port" => Some("25".to_owned()),
            "sender_host_authenticated" | "authenticated_id" | "authenticated_sender" => Some(String::new()),
            _ if name.starts_with("acl_c") || name.starts_with("acl_m") => {
                let Variable { value, doubt } = self.read(name);
                if doubt.is_some() {
                    *self.doubt.borrow_mut() = doubt;
                }
                value
            }
            _ => None,
        }
    }

    fn exists(&self, path: &str) -> Option<bool> {
        if self.is_survey() && self.exim.folder.was_left_behind(path) {
            self.left_behind.borrow_mut().push(path.to_owned());
        }
        self.exim.folder.exists(path)
    }
}

fn no_name() -> Value {
    Value::both(
        "the name of the address was not answered; to Exim it is empty",
        "アドレスの逆引きに応答がなかった。Exim では空の名前になる",
    )
}

fn left_behind() -> Value {
    Value::both(
        "the file is not beside the configuration; taken as not there",
        "ファイルが設定ファイルと同じフォルダーにない。存在しないとみなした",
    )
}

fn other_key() -> Value {
    Value::both(
        "a zone is asked about something that is not asked in advance",
        "事前に問い合わせできない値でリストを引いている",
    )
}
