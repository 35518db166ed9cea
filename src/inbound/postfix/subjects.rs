//! HELO names, senders and access tables, as smtpd(8) looks at them.

use super::judge::{Session, Status};
use super::reply::{Class, Draft};
use super::steps::{Action, Subject, Table, Test};
use super::syntax::{is_address, is_host_name, is_literal, without_dot};
use super::words;
use crate::inbound::{About, Existence, Naming, Rule};
use crate::model::DomainName;

impl Session<'_> {
    pub(super) fn helo(&mut self, test: &Test, rule: &Rule, warns: bool) -> Status {
        if !self.knows.helo {
            return Status::Dunno;
        }
        let Some(helo) = self.caller.helo.clone() else {
            self.doubt(words::unknown_subject(About::Helo), !warns, false);
            return Status::Dunno;
        };
        let codes = &self.postfix.codes;
        let rejected = |code, enhanced, why: &str| {
            Draft::rejected(code, enhanced, &crate::model::visible(&helo), Class::Helo, why, "")
        };
        if let Some(literal) = helo.strip_prefix('[') {
            let inner = literal.strip_suffix(']').filter(|inner| !inner.is_empty()).unwrap_or(&helo);
            if is_literal(inner) {
                return Status::Dunno;
            }
            let draft = rejected(codes.invalid_hostname, "5.5.2", "invalid ip address");
            return self.refuse(rule, Vec::new(), draft, warns);
        }
        let name = without_dot(&helo);
        let draft = match test {
            Test::InvalidHelo if is_host_name(name) || is_address(name) => return Status::Dunno,
            Test::InvalidHelo => rejected(codes.invalid_hostname, "5.5.2", "Invalid name"),
            Test::NonFqdnHelo if is_host_name(name) && name.contains('.') => return Status::Dunno,
            Test::NonFqdnHelo => rejected(codes.non_fqdn, "5.5.2", "need fully-qualified hostname"),
            _ => {
                let unknown = rejected(codes.unknown_hostname, "4.7.1", "Host not found");
                // Here the dot at the end stays, and no such name is asked for.
                match is_host_name(&helo).then(|| self.existence(&helo)) {
                    Some(Existence::Exists | Existence::NullMx) => return Status::Dunno,
                    Some(Existence::Unanswered) => {
                        let draft = rejected(450, "4.7.1", "Host not found");
                        let later = self.postfix.codes.unknown_helo_waits;
                        return self.unanswered(&helo, rule, draft, warns, later);
                    }
                    Some(Existence::Missing) | None => unknown,
                }
            }
        };
        self.refuse(rule, Vec::new(), draft, warns)
    }

    pub(super) fn sender(&mut self, test: &Test, rule: &Rule, warns: bool) -> Status {
        if !self.knows.sender {
            return Status::Dunno;
        }
        let Some(domain) = self.caller.sender.clone() else {
            self.doubt(words::unknown_subject(About::Sender), !warns, false);
            return Status::Dunno;
        };
        let domain = domain.as_str();
        let name = self.name_of(Class::Sender);
        let codes = &self.postfix.codes;
        let rejected =
            |code, enhanced, why: &str| Draft::new(code, enhanced, format!("<{name}>: Sender address rejected: {why}"));
        let draft = match test {
            Test::NonFqdnSender if is_host_name(domain) && domain.contains('.') => return Status::Dunno,
            Test::NonFqdnSender => rejected(codes.non_fqdn, "4.5.2", "need fully-qualified address"),
            _ => match is_host_name(domain).then(|| self.existence(domain)) {
                Some(Existence::Exists) => return Status::Dunno,
                Some(Existence::NullMx) => {
                    rejected(550, "4.7.27", &format!("Domain {domain} does not accept mail (nullMX)"))
                }
                Some(Existence::Unanswered) => {
                    let draft = rejected(450, "4.1.8", "Domain not found");
                    let later = self.postfix.codes.unknown_address_waits;
                    return self.unanswered(domain, rule, draft, warns, later);
                }
                Some(Existence::Missing) | None => rejected(codes.unknown_address, "4.1.8", "Domain not found"),
            },
        };
        self.refuse(rule, Vec::new(), draft, warns)
    }

    fn existence(&self, name: &str) -> Existence {
        let known = DomainName::parse(name).ok().and_then(|name| self.facts.domains.get(&name).copied());
        known.unwrap_or(Existence::Unanswered)
    }

    /// A question about a name was not answered: the client is put off, at once or where it would have been let in.
    fn unanswered(&mut self, name: &str, rule: &Rule, draft: Draft, warns: bool, later: bool) -> Status {
        if !warns {
            self.doubt(words::domain_unanswered(name), true, true);
        }
        if later { self.defer_if_permit(rule, draft, warns) } else { self.refuse(rule, Vec::new(), draft, warns) }
    }

    pub(super) fn access(&mut self, subject: Subject, table: &Table, rule: &Rule, warns: bool) -> Status {
        let (may_refuse, may_accept) = table.could();
        let may_refuse = may_refuse && !warns;
        let (class, found) = match subject {
            Subject::Client | Subject::ReverseClient => {
                let (class, name) = if subject == Subject::Client {
                    (Class::Client, self.client_name())
                } else {
                    (Class::ReverseClient, self.reverse_name())
                };
                if table.knows_names() && matches!(self.naming(), Naming::Unanswered(_)) {
                    self.doubt(words::name_unanswered(), may_refuse, may_accept);
                }
                let name = name.unwrap_or_else(|| "unknown".to_owned());
                (class, by_domain(table, &name, true).or_else(|| by_address(table, &self.ip.to_string(), true)))
            }
            Subject::Helo if !self.knows.helo => return Status::Dunno,
            Subject::Helo => match &self.caller.helo {
                Some(helo) => (Class::Helo, by_domain(table, helo, true)),
                None => {
                    self.doubt(words::unknown_subject(About::Helo), may_refuse, may_accept);
                    return Status::Dunno;
                }
            },
            Subject::Sender if !self.knows.sender => return Status::Dunno,
            Subject::Sender => {
                let domain = self.caller.sender.as_ref().map(DomainName::as_str);
                // Whose mailbox it is, is not known; the table may have it.
                if domain.is_none() || table.names_mailboxes(domain) {
                    self.doubt(words::unknown_subject(About::Sender), may_refuse, may_accept);
                }
                (Class::Sender, domain.and_then(|domain| by_domain(table, domain, false)))
            }
            Subject::Recipient => {
                if self.knows.recipient {
                    self.doubt(words::undecided(&unjudged(rule)), may_refuse, may_accept);
                }
                return Status::Dunno;
            }
        };
        let Some(action) = found else { return Status::Dunno };
        let status = self.act(action, class, rule, warns);
        match status {
            // The other side chooses its own names: they let nobody in.
            Status::Permit if subject == Subject::ReverseClient => self.server_error(rule),
            status => status,
        }
    }

    fn act(&mut self, action: &Action, class: Class, rule: &Rule, warns: bool) -> Status {
        let name = self.name_of(class);
        let defer = self.postfix.codes.map_defer;
        let waiting = |text: &str| Draft::rejected(defer, "4.7.1", &name, class, text, "Service unavailable");
        match action {
            Action::Permit => Status::Permit,
            Action::Dunno => Status::Dunno,
            Action::Reject(code, enhanced, text) => {
                let draft = Draft::rejected(*code, enhanced, &name, class, text, "Access denied");
                self.refuse(rule, Vec::new(), draft, warns)
            }
            Action::DeferIfPermit(text) => self.defer_if_permit(rule, waiting(text), warns),
            Action::DeferIfReject(text) => {
                self.defer_if_reject(rule, waiting(text));
                Status::Dunno
            }
            // They speak as the table does, not as the list in which it stands.
            Action::Steps(steps) => self.list_as(class, steps, warns),
            Action::ServerError => self.server_error(rule),
            Action::Unjudged(unjudgeable) => self.unjudged(unjudgeable, warns),
        }
    }
}

fn unjudged(rule: &Rule) -> crate::inbound::Unjudged {
    crate::inbound::Unjudged { place: rule.place.clone(), written: rule.written.clone(), why: words::recipients() }
}

/// The name, then its parents. The first key is a whole one where no mailbox stands before it.
fn by_domain<'t>(table: &'t Table, name: &str, whole: bool) -> Option<&'t Action> {
    let (mut key, mut whole) = (name, whole);
    while !key.is_empty() {
        if let Some(action) = table.find(key, whole) {
            return Some(action);
        }
        whole = false;
        if is_address(name) {
            break;
        }
        let dot = key.char_indices().skip(1).find(|(_, character)| *character == '.').map(|(at, _)| at)?;
        key = if table.parents_match { &key[dot + 1..] } else { &key[dot..] };
    }
    None
}

/// The address, then its parent networks at the dots or colons.
fn by_address<'t>(table: &'t Table, ip: &str, whole: bool) -> Option<&'t Action> {
    let mark = if ip.contains(':') { ':' } else { '.' };
    let (mut key, mut whole) = (ip, whole);
    loop {
        if let Some(action) = table.find(key, whole) {
            return Some(action);
        }
        whole = false;
        key = key.rsplit_once(mark)?.0;
    }
}
