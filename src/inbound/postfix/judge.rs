//! smtpd(8) with a client: the lists in their order, what defers, and what remains in doubt (smtpd_check.c).

use std::net::{IpAddr, Ipv4Addr};

use super::mynetworks::Standing;
use super::reply::{Class, Draft, Listing, listed};
use super::steps::{DnsList, Step, Test, Unjudgeable};
use super::{Postfix, words};
use crate::catalogue::Target;
use crate::dnsbl::Lookup;
use crate::inbound::{About, Caller, Facts, Fate, Judgement, Naming, Refusal, Rule};
use crate::model::{DomainName, Value, visible};
use crate::probe::Answer;

/// A list of restrictions in its turn.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) steps: Vec<Step>,
    pub(super) class: Class,
    /// What smtpd knows when it comes to it: with `smtpd_delay_reject = no` the first lists are gone through before there is more.
    pub(super) knows: Knows,
    /// A deferral that waits for a refusal is forgotten before it.
    pub(super) fresh: bool,
    /// A deferral that waits for a permission counts after it.
    pub(super) settles: bool,
}

/// What smtpd knows of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Knows {
    pub(super) helo: bool,
    pub(super) sender: bool,
    pub(super) recipient: bool,
}

/// What a restriction came to.
pub(super) enum Status {
    Dunno,
    Permit,
    Refuse(Refusal),
}

/// Something that decides and is not known.
struct Doubt {
    why: Value,
    may_refuse: bool,
    may_accept: bool,
    /// In which list.
    stage: usize,
}

/// One client in front of one Postfix.
pub(super) struct Session<'a> {
    pub(super) postfix: &'a Postfix,
    pub(super) caller: &'a Caller,
    pub(super) facts: &'a Facts,
    /// As Postfix sees it: IPv4-mapped is IPv4.
    pub(super) ip: IpAddr,
    pub(super) only_logged: Vec<Refusal>,
    doubts: Vec<Doubt>,
    stage: usize,
    class: Class,
    pub(super) knows: Knows,
    defer_if_permit: Option<Refusal>,
    defer_if_reject: Option<Refusal>,
    /// The refusal is a deferral that waited for one.
    deferred: bool,
}

/// Everything is judged for a mailbox of which only that it is there is known.
const RECIPIENT: &str = "…";

impl<'a> Session<'a> {
    pub(super) fn judge(postfix: &'a Postfix, caller: &'a Caller, facts: &'a Facts) -> Judgement {
        let mut session = Self {
            postfix,
            caller,
            facts,
            ip: caller.ip.to_canonical(),
            only_logged: Vec::new(),
            doubts: Vec::new(),
            stage: 0,
            class: Class::Client,
            knows: Knows { helo: true, sender: true, recipient: true },
            defer_if_permit: None,
            defer_if_reject: None,
            deferred: false,
        };
        if let Some(rule) = &postfix.broken {
            let text = "(nobody is greeted: the server does not start)".to_owned();
            let refusal = session.refusal(rule, Vec::new(), Draft::new(421, "4.3.0", text));
            return Judgement { fate: Fate::Refused(refusal), only_logged: Vec::new() };
        }
        for doubt in &postfix.doubts {
            session.doubt(doubt.why.clone(), doubt.may_refuse, doubt.may_accept);
        }
        let refusal = session.screen().or_else(|| session.restrictions());
        Judgement { fate: session.conclude(refusal), only_logged: session.only_logged }
    }

    fn restrictions(&mut self) -> Option<Refusal> {
        for (index, stage) in self.postfix.stages.iter().enumerate() {
            (self.stage, self.class, self.knows) = (index + 1, stage.class, stage.knows);
            if stage.fresh {
                self.defer_if_reject = None;
            }
            if let Status::Refuse(refusal) = self.list(&stage.steps, false) {
                return Some(refusal);
            }
            if stage.settles
                && let Some(refusal) = self.defer_if_permit.take()
            {
                return Some(refusal);
            }
        }
        None
    }

    /// The fate that this refusal, or none, comes to among all doubts.
    fn conclude(&self, refusal: Option<Refusal>) -> Fate {
        let decides = |doubt: &&Doubt| match &refusal {
            None => doubt.may_refuse,
            // A permission ends only its own list.
            Some(refusal) => {
                (doubt.may_accept && (doubt.stage == self.stage || self.deferred))
                    || (doubt.may_refuse && refusal.is_temporary())
            }
        };
        let why = self.doubts.iter().find(decides).map(|doubt| doubt.why.clone());
        let fate = refusal.map_or(Fate::Accepted, Fate::Refused);
        match why {
            Some(why) => Fate::Unknown { why, then: Box::new(fate) },
            None => fate,
        }
    }

    pub(super) fn doubt(&mut self, why: Value, may_refuse: bool, may_accept: bool) {
        self.doubts.push(Doubt { why, may_refuse, may_accept, stage: self.stage });
    }

    /// One list; with `warns` its refusals are only logged.
    fn list(&mut self, steps: &[Step], warns: bool) -> Status {
        for step in steps {
            let status = self.step(step, warns || step.warns);
            if !matches!(status, Status::Dunno) {
                return status;
            }
            // Whatever comes now, the client is put off.
            if self.defer_if_permit.is_some() && self.defer_if_reject.is_some() {
                break;
            }
        }
        Status::Dunno
    }

    /// The same, with replies in the words of another list.
    pub(super) fn list_as(&mut self, class: Class, steps: &[Step], warns: bool) -> Status {
        let own = std::mem::replace(&mut self.class, class);
        let status = self.list(steps, warns);
        self.class = own;
        status
    }

    fn step(&mut self, step: &Step, warns: bool) -> Status {
        let rule = &step.rule;
        let codes = &self.postfix.codes;
        match &step.test {
            Test::Nothing => Status::Dunno,
            Test::Permit => Status::Permit,
            Test::PermitOurs if self.knows.recipient => Status::Permit,
            Test::PermitOurs => Status::Dunno,
            Test::Reject => {
                let draft = self.draft_of_list(codes.reject, "5.7.1", "Access denied");
                self.refuse(rule, Vec::new(), draft, warns)
            }
            Test::Defer => {
                let draft = self.draft_of_list(codes.defer, "4.3.2", "Try again later");
                self.refuse(rule, Vec::new(), draft, warns)
            }
            Test::DeferIfPermit => {
                let draft = self.draft_of_list(450, "4.7.0", "defer_if_permit requested");
                self.defer_if_permit(rule, draft, warns)
            }
            Test::DeferIfReject => {
                let draft = self.draft_of_list(450, "4.7.0", "defer_if_reject requested");
                self.defer_if_reject(rule, draft);
                Status::Dunno
            }
            Test::UnknownClient => self.unknown_client(rule, warns, false),
            Test::UnknownReverse => self.unknown_client(rule, warns, true),
            Test::PermitMynetworks => match self.standing() {
                Standing::Friend => Status::Permit,
                Standing::Stranger => Status::Dunno,
                Standing::Fails => {
                    let text = format!("<{}>: Temporary lookup failure", self.reply_name());
                    self.refuse(rule, Vec::new(), Draft::new(451, "4.3.0", text), false)
                }
            },
            Test::InvalidHelo | Test::NonFqdnHelo | Test::UnknownHelo => self.helo(&step.test, rule, warns),
            Test::NonFqdnSender | Test::UnknownSenderDomain => self.sender(&step.test, rule, warns),
            Test::List(list) => self.dns_list(list, rule, warns),
            Test::Access(subject, table) => self.access(*subject, table, rule, warns),
            Test::Class(steps) => self.list(steps, warns),
            Test::ServerError => self.server_error(rule),
            Test::Fatal => {
                let text = "(the connection is closed without a reply)".to_owned();
                Status::Refuse(self.refusal(rule, Vec::new(), Draft::new(421, "4.3.0", text)))
            }
            Test::Unjudged(unjudgeable) => self.unjudged(unjudgeable, warns),
        }
    }

    /// How the client stands to `mynetworks`; a doubt where a pattern that is not read may have it.
    pub(super) fn standing(&mut self) -> Standing {
        let said = self.postfix.mynetworks.say(self.ip);
        for Unjudgeable { why, may_refuse, may_accept } in said.unread {
            self.doubt(why.clone(), *may_refuse, *may_accept);
        }
        said.is
    }

    pub(super) fn unjudged(&mut self, unjudgeable: &Unjudgeable, warns: bool) -> Status {
        let Unjudgeable { why, may_refuse, may_accept } = unjudgeable;
        self.doubt(why.clone(), *may_refuse && !warns, *may_accept);
        Status::Dunno
    }

    /// Wrong configuration is no policy: nothing softens it to a warning.
    pub(super) fn server_error(&mut self, rule: &Rule) -> Status {
        self.refuse(rule, Vec::new(), Draft::new(451, "4.3.5", "Server configuration error".to_owned()), false)
    }

    /// A refusal in the words of the list that is gone through.
    fn draft_of_list(&self, code: u16, enhanced: &str, why: &str) -> Draft {
        Draft::new(code, enhanced, format!("<{}>: {} rejected: {why}", self.reply_name(), self.class.words()))
    }

    /// What a reply calls the client, the sender and so on.
    pub(super) fn name_of(&self, class: Class) -> String {
        match class {
            Class::Client => format!("{}[{}]", self.client_name().unwrap_or_else(|| "…".to_owned()), self.ip),
            Class::ReverseClient => self.reverse_name().unwrap_or_else(|| "…".to_owned()),
            Class::Helo => self.caller.helo.as_deref().map_or_else(|| "…".to_owned(), visible),
            Class::Sender => self.caller.sender.as_ref().map_or_else(|| "…".to_owned(), |domain| format!("…@{domain}")),
            Class::Recipient => RECIPIENT.to_owned(),
            Class::Data => "DATA".to_owned(),
            Class::EndOfData => "END-OF-MESSAGE".to_owned(),
        }
    }

    fn reply_name(&self) -> String {
        self.name_of(self.class)
    }

    pub(super) fn refuse(&mut self, rule: &Rule, codes: Vec<Ipv4Addr>, draft: Draft, warns: bool) -> Status {
        if warns {
            let refusal = self.refusal(rule, codes, draft);
            self.only_logged.push(refusal);
            return Status::Dunno;
        }
        // An earlier failure that may have kept us from letting it in.
        if draft.code >= 500
            && let Some(earlier) = self.defer_if_reject.take()
        {
            self.deferred = true;
            return Status::Refuse(earlier);
        }
        Status::Refuse(self.refusal(rule, codes, draft))
    }

    pub(super) fn refusal(&self, rule: &Rule, codes: Vec<Ipv4Addr>, draft: Draft) -> Refusal {
        let draft = if self.postfix.soft_bounce { draft.softened() } else { draft };
        let Draft { code, enhanced, text } = draft;
        Refusal { rule: rule.clone(), codes, reply: code, enhanced: Some(enhanced), text: visible(&text) }
    }

    /// The first deferral is the one that counts.
    pub(super) fn defer_if_permit(&mut self, rule: &Rule, draft: Draft, warns: bool) -> Status {
        if warns {
            return self.refuse(rule, Vec::new(), draft, true);
        }
        if self.defer_if_permit.is_none() {
            self.defer_if_permit = Some(self.refusal(rule, Vec::new(), draft));
        }
        Status::Dunno
    }

    /// `warn_if_reject` does not reach it.
    pub(super) fn defer_if_reject(&mut self, rule: &Rule, draft: Draft) {
        if self.defer_if_reject.is_none() {
            self.defer_if_reject = Some(self.refusal(rule, Vec::new(), draft));
        }
    }

    /// What the world says of the client's name; what nobody asked was not answered.
    pub(super) fn naming(&self) -> Naming {
        self.naming_if_known().unwrap_or(Naming::Unanswered(None))
    }

    fn naming_if_known(&self) -> Option<Naming> {
        if !self.postfix.looks_up_names {
            return Some(Naming::Nameless);
        }
        let known = [self.ip, self.caller.ip].iter().find_map(|ip| self.facts.names.get(ip))?;
        match known {
            // The system takes a malformed name for none.
            Naming::Confirmed(name) | Naming::Unconfirmed(name) | Naming::Unanswered(Some(name))
                if !super::syntax::is_host_name(name.as_str()) =>
            {
                Some(Naming::Nameless)
            }
            other => Some(other.clone()),
        }
    }

    /// Its confirmed name, or `unknown`; nothing if nobody looked.
    pub(super) fn client_name(&self) -> Option<String> {
        Some(match self.naming_if_known()? {
            Naming::Confirmed(name) => name.to_string(),
            _ => "unknown".to_owned(),
        })
    }

    /// The name in its PTR record, or `unknown`; nothing if nobody looked.
    pub(super) fn reverse_name(&self) -> Option<String> {
        Some(match self.naming_if_known()? {
            Naming::Confirmed(name) | Naming::Unconfirmed(name) | Naming::Unanswered(Some(name)) => name.to_string(),
            Naming::Nameless | Naming::Unanswered(None) => "unknown".to_owned(),
        })
    }

    fn unknown_client(&mut self, rule: &Rule, warns: bool, reverse: bool) -> Status {
        let naming = self.naming();
        let fails = match &naming {
            Naming::Confirmed(_) => None,
            Naming::Unconfirmed(_) | Naming::Unanswered(Some(_)) if reverse => None,
            Naming::Unanswered(_) => Some(450),
            Naming::Unconfirmed(_) | Naming::Nameless => Some(self.postfix.codes.unknown_client),
        };
        let Some(code) = fails else { return Status::Dunno };
        if matches!(naming, Naming::Unanswered(_)) && !warns {
            self.doubt(words::name_unanswered(), true, true);
        }
        let (enhanced, what) = if reverse { ("4.7.1", "reverse hostname") } else { ("4.7.25", "hostname") };
        let text = format!("Client host rejected: cannot find your {what}, [{}]", self.ip);
        self.refuse(rule, Vec::new(), Draft::new(code, enhanced, text), warns)
    }

    fn dns_list(&mut self, list: &DnsList, rule: &Rule, warns: bool) -> Status {
        let class = match list.about {
            About::Client | About::ClientName => Class::Client,
            About::ReverseName => Class::ReverseClient,
            About::Helo => Class::Helo,
            About::Sender => Class::Sender,
        };
        let Some(target) = self.target(list, warns) else { return Status::Dunno };
        let failure = match self.facts.zones.get(&(list.zone.clone(), target.clone())) {
            Some(Lookup::Absent) => return Status::Dunno,
            Some(Lookup::Addresses(answers)) => {
                let counts = list.filter.as_ref().is_none_or(|filter| answers.iter().any(|ip| filter.matches(*ip)));
                return match (counts, list.permits) {
                    (false, _) => Status::Dunno,
                    (true, true) => Status::Permit,
                    (true, false) => self.listed(list, rule, class, &target, answers.clone(), warns),
                };
            }
            Some(Lookup::Failed(answer)) => Some(answer),
            None => None,
        };
        self.list_failed(list, rule, class, &target, failure, warns)
    }

    fn listed(
        &mut self,
        list: &DnsList,
        rule: &Rule,
        class: Class,
        target: &Target,
        answers: Vec<Ipv4Addr>,
        warns: bool,
    ) -> Status {
        let what = self.what(class, target);
        let listing = Listing { code: self.postfix.codes.maps_rbl, zone: &list.shown, what: &what, class };
        let template = self.postfix.reply_template(&list.argument);
        let draft = listed(template, &listing).or_else(|| listed(&self.postfix.default_reply, &listing));
        match draft {
            Some(draft) => self.refuse(rule, answers, draft, warns),
            // smtpd ends with a fatal error where its own template cannot be read.
            None => {
                let text = "(the connection is closed without a reply)".to_owned();
                Status::Refuse(self.refusal(rule, answers, Draft::new(421, "4.3.0", text)))
            }
        }
    }

    fn list_failed(
        &mut self,
        list: &DnsList,
        rule: &Rule,
        class: Class,
        target: &Target,
        failure: Option<&Answer>,
        warns: bool,
    ) -> Status {
        let why = words::list_failed(&list.shown, list.about, failure, list.permits);
        self.doubt(why, !list.permits && !warns, list.permits);
        if list.permits {
            let text = format!("<{}>: {} rejected: Service unavailable", self.what(class, target), class.words());
            self.defer_if_reject(rule, Draft::new(450, "4.7.1", text));
        }
        Status::Dunno
    }

    /// What a reply says was asked about.
    fn what(&self, class: Class, target: &Target) -> String {
        match (class, target) {
            (Class::Sender | Class::Helo, _) => self.name_of(class),
            (_, Target::Ip(ip)) => ip.to_string(),
            (_, Target::Domain(name)) => name.to_string(),
        }
    }

    /// Whom a list is asked about; nothing where Postfix does not ask.
    fn target(&mut self, list: &DnsList, warns: bool) -> Option<Target> {
        let (may_refuse, may_accept) = (!list.permits && !warns, list.permits);
        match list.about {
            About::Client => Some(Target::Ip(self.ip)),
            About::ClientName | About::ReverseName => {
                let name = match (list.about, self.naming()) {
                    (_, Naming::Confirmed(name)) => Some(name),
                    (About::ReverseName, Naming::Unconfirmed(name) | Naming::Unanswered(Some(name))) => Some(name),
                    (_, Naming::Unanswered(_)) => {
                        self.doubt(words::name_unanswered(), may_refuse, may_accept);
                        None
                    }
                    _ => None,
                };
                askable(name?.as_str())
            }
            About::Helo if !self.knows.helo => None,
            About::Helo => match &self.caller.helo {
                Some(helo) => askable(helo.rsplit_once('@').map_or(helo.as_str(), |(_, domain)| domain)),
                None => {
                    self.doubt(words::unknown_subject(About::Helo), may_refuse, may_accept);
                    None
                }
            },
            About::Sender if !self.knows.sender => None,
            About::Sender => match &self.caller.sender {
                Some(domain) => askable(domain.as_str()),
                None => {
                    self.doubt(words::unknown_subject(About::Sender), may_refuse, may_accept);
                    None
                }
            },
        }
    }
}

/// A name that Postfix asks a list about: no address, and nothing that ends in a number.
fn askable(name: &str) -> Option<Target> {
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) || !super::syntax::is_host_name(name) {
        return None;
    }
    DomainName::parse(name).ok().map(Target::Domain)
}
