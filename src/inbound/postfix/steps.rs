//! Restriction lists in the form in which they are judged.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::filter::Filter;
use super::syntax::Network;
use crate::inbound::{About, Rule};
use crate::model::Value;

/// A restriction and how it counts.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) rule: Rule,
    /// `warn_if_reject` stands before it.
    pub(super) warns: bool,
    pub(super) test: Test,
}

/// What a restriction looks at.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// It decides nothing for a stranger with mail for a mailbox here.
    Nothing,
    Permit,
    /// A permit that wants to know the mailbox first: it is one of ours.
    PermitOurs,
    Reject,
    Defer,
    DeferIfPermit,
    DeferIfReject,
    /// `reject_unknown_client_hostname`.
    UnknownClient,
    /// `reject_unknown_reverse_client_hostname`.
    UnknownReverse,
    PermitMynetworks,
    InvalidHelo,
    NonFqdnHelo,
    UnknownHelo,
    NonFqdnSender,
    UnknownSenderDomain,
    /// `reject_rbl_client` and all its kin.
    List(DnsList),
    Access(Subject, Arc<Table>),
    /// A restriction class: its own list.
    Class(Vec<Step>),
    /// Postfix answers 451 4.3.5 where it comes to it, and why.
    ServerError,
    /// A filter that cannot be read: smtpd ends where it comes to it, and the connection with it.
    Fatal,
    /// It may decide, and nobody here can say how.
    Unjudged(Unjudgeable),
}

/// What may come of something that is not judged.
#[derive(Clone, Debug)]
pub(super) struct Unjudgeable {
    pub(super) why: Value,
    pub(super) may_refuse: bool,
    pub(super) may_accept: bool,
}

/// A DNS list.
#[derive(Clone, Debug)]
pub(super) struct DnsList {
    pub(super) about: About,
    /// Lower case, no trailing dot: a key may stand in it.
    pub(super) zone: String,
    /// As a reply names it, without a key.
    pub(super) shown: String,
    /// As it is written, with its filter: how `rbl_reply_maps` knows it.
    pub(super) argument: String,
    pub(super) filter: Option<Filter>,
    /// Whether a listing lets the client in.
    pub(super) permits: bool,
}

/// What an access table is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Client,
    ReverseClient,
    Helo,
    Sender,
    Recipient,
}

/// An access table that could be read.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) content: Content,
    /// The results, each once.
    pub(super) actions: Vec<Action>,
    /// Whether a key `example.com` holds for `www.example.com`, too; else `.example.com` does.
    pub(super) parents_match: bool,
}

/// Keys and their results, by index.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Lower-case keys.
    Keys(HashMap<String, usize>),
    /// The first network that holds (or with `false` does not hold) the address counts.
    Networks(Vec<(Network, bool, usize)>),
    /// One result for everything.
    Always(usize),
}

/// What a table says (access(5)).
#[derive(Clone, Debug)]
pub(super) enum Action {
    Permit,
    Dunno,
    /// Code, default enhanced code, text.
    Reject(u16, &'static str, String),
    DeferIfPermit(String),
    DeferIfReject(String),
    Steps(Vec<Step>),
    ServerError,
    Unjudged(Unjudgeable),
}

impl Content {
    /// The index of the result for a key; `whole`: it is the first one of its search, which is all that networks are asked.
    pub(super) fn find(&self, key: &str, whole: bool) -> Option<usize> {
        match self {
            Self::Keys(keys) => keys.get(&key.to_ascii_lowercase()).copied(),
            Self::Networks(networks) => {
                let ip: IpAddr = super::syntax::address(key).filter(|_| whole)?;
                // "Not this network" is said of addresses of its family.
                let meets = |network: &Network, holds| network.is_of_family(ip) && network.holds(ip) == holds;
                networks.iter().find(|(network, holds, _)| meets(network, *holds)).map(|(_, _, index)| *index)
            }
            Self::Always(index) => Some(*index),
        }
    }
}

impl Table {
    /// The result for a key; `whole`: it is the first one of its search, which is all that networks are asked.
    pub(super) fn find(&self, key: &str, whole: bool) -> Option<&Action> {
        self.actions.get(self.content.find(key, whole)?)
    }

    /// Whether a name could be found in it: `be` and `cafe.de` are names, though every letter is a hexadecimal figure.
    pub(super) fn knows_names(&self) -> bool {
        match &self.content {
            Content::Keys(keys) => keys
                .keys()
                .any(|key| !key.contains(':') && !key.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')),
            Content::Networks(_) => false,
            Content::Always(_) => true,
        }
    }

    /// The keys that name whole mailboxes of `domain`, or one mailbox of every domain.
    pub(super) fn names_mailboxes(&self, domain: Option<&str>) -> bool {
        let Content::Keys(keys) = &self.content else { return false };
        keys.keys().any(|key| match key.split_once('@') {
            Some((_, own)) => own.is_empty() || domain.is_none_or(|domain| own == domain),
            None => false,
        })
    }

    /// What its results could make of a client.
    pub(super) fn could(&self) -> (bool, bool) {
        let mut could = (false, false);
        for action in &self.actions {
            let (refuse, accept) = match action {
                Action::Permit => (false, true),
                Action::Dunno => (false, false),
                Action::Reject(..) | Action::DeferIfPermit(_) | Action::ServerError => (true, false),
                Action::DeferIfReject(_) | Action::Steps(_) => (true, true),
                Action::Unjudged(one) => (one.may_refuse, one.may_accept),
            };
            could = (could.0 || refuse, could.1 || accept);
        }
        could
    }
}

/// Every step of the lists, those within classes and tables too.
pub(super) fn walk<'s>(steps: &'s [Step], visit: &mut dyn FnMut(&'s Step)) {
    for step in steps {
        visit(step);
        match &step.test {
            Test::Class(inner) => walk(inner, visit),
            Test::Access(_, table) => {
                for action in &table.actions {
                    if let Action::Steps(inner) = action {
                        walk(inner, visit);
                    }
                }
            }
            _ => {}
        }
    }
}
