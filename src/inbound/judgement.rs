//! The words of a prediction: who comes, what the world says of him, and what the mail server will make of it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use crate::catalogue::Target;
use crate::dnsbl::Lookup;
use crate::model::{DomainName, Value};

/// A client, as a mail server meets it at port 25: unauthenticated, a stranger, with mail for a mailbox that exists here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its address; an IPv4-mapped one stands here as IPv4, which is how mail servers see it.
    pub ip: IpAddr,
    /// The name that it gives in HELO or EHLO; nothing if that is not known.
    pub helo: Option<String>,
    /// The domain of the envelope sender; nothing if that is not known or the sender is empty.
    pub sender: Option<DomainName>,
}

/// The name of a client's address, found backwards and confirmed forwards (RFC 8601, section 2.7.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// A PTR record whose name leads back to the address.
    Confirmed(DomainName),
    /// A PTR record whose name does not exist, or leads elsewhere.
    Unconfirmed(DomainName),
    /// No PTR record.
    Nameless,
    /// The name is there, but whether it leads back was not answered; or, without a name, the PTR question was not answered.
    Unanswered(Option<DomainName>),
}

/// Whether a domain exists for mail: it has an MX, A or AAAA record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// It does.
    Exists,
    /// It exists, and says by a null MX that it takes no mail (RFC 7505).
    NullMx,
    /// It does not.
    Missing,
    /// Not answered.
    Unanswered,
}

/// What the world says, gathered before anything is judged. What is missing here was not asked.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Zone (lower case, no trailing dot, as the policy names it) and subject, and what came of the question.
    pub zones: HashMap<(String, Target), Lookup>,
    /// The names of addresses.
    pub names: HashMap<IpAddr, Naming>,
    /// Sender domains, and HELO names.
    pub domains: HashMap<DomainName, Existence>,
    /// The addresses (A and AAAA) of HELO names, and of hosts that a policy names; none where there is no such host, nothing where
    /// that was not answered.
    pub addresses: HashMap<DomainName, Option<Vec<IpAddr>>>,
}

/// About whom a policy asks a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum About {
    /// The address of the client.
    Client,
    /// The confirmed name of the client.
    ClientName,
    /// The name in its PTR record, confirmed or not.
    ReverseName,
    /// Its HELO name.
    Helo,
    /// The domain of the envelope sender.
    Sender,
}

/// A zone that a policy asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AskedZone {
    /// Lower case, no trailing dot. Secret where a key stands in it: show [`Rule::zone`] instead.
    pub zone: String,
    /// About whom.
    pub about: About,
}

/// Where a rule stands in the mail server's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The section: `smtpd_client_restrictions`, `postscreen_dnsbl_sites`, an Exim ACL; visible.
    pub section: String,
    /// As it is written: `reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]`; visible, bounded, without keys.
    pub written: String,
    /// File and line (from 1), where that is known.
    pub place: Option<Place>,
    /// The zone it asks; without a key, and visible.
    pub zone: Option<String>,
}

/// A line of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As it was given; visible.
    pub file: String,
    /// From 1.
    pub line: usize,
}

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// By which rule.
    pub rule: Rule,
    /// What the zone answered; empty where no zone was asked. postscreen: of all zones that counted.
    pub codes: Vec<Ipv4Addr>,
    /// The reply code: 554, 550, 450 … (RFC 5321, section 4.2); 250 where the mail is taken and thrown away (Exim's `discard`). Of what is
    /// only logged: the one that a refusal would have.
    pub reply: u16,
    /// The enhanced status code: `5.7.1` (RFC 3463); nothing where the server gives none.
    pub enhanced: Option<String>,
    /// The text of the reply, as far as it can be known before it is given; visible.
    pub text: String,
}

impl Refusal {
    /// The client is told to try again: it will until its queue gives up.
    pub fn is_temporary(&self) -> bool {
        (400..500).contains(&self.reply)
    }
}

/// What becomes of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its mail is taken, as far as the policy is understood.
    Accepted,
    /// It is refused (5xx), put off (4xx), or taken and thrown away (2xx).
    Refused(Refusal),
    /// Something that decides was not answered, or not asked. What the mail server does in that case is `then`, and `why` says both
    /// what was not answered and what the mail server makes of it.
    Unknown {
        /// Why.
        why: Value,
        /// What the mail server does if the question stays unanswered for it, too.
        then: Box<Fate>,
    },
}

/// A prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What becomes of the caller.
    pub fate: Fate,
    /// Refusals that are only logged (`warn_if_reject`, `postscreen … ignore`, Exim's `warn`), in order.
    pub only_logged: Vec<Refusal>,
}

/// A rule without a reply filter: an error code of the list counts as a listing in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BareRule {
    /// As it is.
    pub rule: Rule,
    /// What to write instead, ready to paste but for a key, for which `[key]` stands.
    pub corrected: String,
    /// Whether it lets clients in (`permit_dnswl_client`, a negative weight) instead of refusing them.
    pub permits: bool,
}

/// Something in the configuration that is not judged, and is said to be not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unjudged {
    /// Where.
    pub place: Option<Place>,
    /// What is written there; visible, bounded, without keys.
    pub written: String,
    /// What it is, and what that means for the prediction.
    pub why: Value,
}
