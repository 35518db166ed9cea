//! What a reply means: by its text, then by a code of the receiver's own, then by the registry, then by the reply code.

use super::code::{Enhanced, codes_in};
use super::named::{Named, named_in};
use super::normal::{normal, reply};
use super::registry::{StatusCode, named};
use super::rules::{Class, Confidence, Rule, rules};
use crate::catalogue::{Catalogue, Family, Holds, List};

/// What a ruling rests on.
#[derive(Clone, Copy, Debug)]
pub enum Basis {
    /// The text.
    Rule(&'static Rule),
    /// A code that the receiver uses in a meaning of its own; the page that says so.
    OwnCode(&'static str),
    /// The registry's meaning of the enhanced code.
    Registry(&'static StatusCode),
    /// The first figures of the reply code.
    ReplyCode,
    /// Nothing.
    Nothing,
}

/// What a reply means.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// The class.
    pub class: Class,
    /// The part of the class; may be empty.
    pub sub: &'static str,
    /// The list that it names.
    pub list: Option<Named>,
    /// How far it can be relied on.
    pub confidence: Confidence,
    /// What it rests on.
    pub basis: Basis,
    /// The reply code, given or found.
    pub code: Option<u16>,
    /// The enhanced code, given or found.
    pub enhanced: Option<Enhanced>,
}

impl Ruling {
    /// A word for what it rests on: the rule's id, `own-code`, `registry`, `reply-code` or `nothing`.
    pub fn rule_id(&self) -> &'static str {
        match self.basis {
            Basis::Rule(rule) => &rule.id,
            Basis::OwnCode(_) => "own-code",
            Basis::Registry(_) => "registry",
            Basis::ReplyCode => "reply-code",
            Basis::Nothing => "nothing",
        }
    }

    /// Whether the text itself explains it.
    pub const fn is_by_text(&self) -> bool {
        matches!(self.basis, Basis::Rule(_))
    }
}

/// What a reply means; codes that are not given are looked for in the text. Made for whole logs: no allocation but for the
/// form in which the text is compared.
pub fn classify(text: &str, code: Option<u16>, enhanced: Option<Enhanced>) -> Ruling {
    classify_at(text, code, enhanced, None)
}

/// [`classify`] for a reply of `host`, where that is known: some receivers give codes a meaning of their own.
pub fn classify_at(text: &str, code: Option<u16>, enhanced: Option<Enhanced>, host: Option<&str>) -> Ruling {
    let (code, enhanced) = if code.is_some() && enhanced.is_some() {
        (code, enhanced)
    } else {
        let found = codes_in(text);
        (code.or(found.0), enhanced.or(found.1))
    };
    let ruling = |class, sub, confidence, basis| Ruling { class, sub, list: None, confidence, basis, code, enhanced };
    let leads = leading_code(text).or(code);
    if leads.is_some_and(|code| (200..400).contains(&code)) && enhanced.is_none_or(|enhanced| enhanced.class == 2) {
        return ruling(Class::NotBounce, "delivered", Confidence::Medium, Basis::ReplyCode);
    }
    let text = normal(text);
    let text = reply(&text);
    if let Some(rule) = rules().first(text, host) {
        let mut ruling = ruling(rule.class, &rule.sub, rule.confidence, Basis::Rule(rule));
        ruling.list = list_of(rule, text);
        return ruling;
    }
    let own = host.zip(enhanced).and_then(|(host, code)| rules().own_code(host, code));
    if let Some((class, sub, source)) = own {
        return ruling(class, sub, Confidence::Medium, Basis::OwnCode(source));
    }
    let registered = enhanced.filter(|code| !code.is_vague()).and_then(named);
    if let Some(registered) = registered {
        return ruling(registered.class, &registered.sub, Confidence::Low, Basis::Registry(registered));
    }
    match code.and_then(by_reply_code) {
        Some(class) => ruling(class, "", Confidence::Low, Basis::ReplyCode),
        None => ruling(Class::Unknown, "", Confidence::Low, Basis::Nothing),
    }
}

/// The reply code that `text` begins with.
fn leading_code(text: &str) -> Option<u16> {
    let text = text.trim_start();
    let ends = text.as_bytes().get(3).is_none_or(|byte| matches!(byte, b' ' | b'-' | b':'));
    text.get(..3).filter(|_| ends)?.parse().ok()
}

/// The list that a rule means: the one that the text names, else the one of the rule. Only where a list is the reason.
fn list_of(rule: &'static Rule, text: &str) -> Option<Named> {
    let own = rule.list.as_deref().and_then(|id| Catalogue::embedded().list(id)).map(Named::Known);
    match (rule.class, own) {
        (Class::Dnsbl, Some(own)) => Some(own),
        (Class::Dnsbl, None) if rule.sub.ends_with("domain") => named_in(text).map(of_domains),
        (Class::Dnsbl, None) => named_in(text),
        (_, own) => own,
    }
}

/// Where a domain is listed: of an operator whose page was named, the list that holds domains.
fn of_domains(named: Named) -> Named {
    let Named::Known(list) = &named else { return named };
    if list.holds(Family::Domain) == Holds::Yes {
        return named;
    }
    let holds = |other: &&List| other.operator == list.operator && other.holds(Family::Domain) == Holds::Yes;
    Catalogue::embedded().lists.iter().find(holds).map_or(named, Named::Known)
}

/// What a reply code says by itself (RFC 5321, section 4.2.3); most say nothing about the reason.
const fn by_reply_code(code: u16) -> Option<Class> {
    match code {
        421 | 451 | 432 | 454 => Some(Class::Server),
        450 | 550 | 551 | 553 => Some(Class::Address),
        452 => Some(Class::Server),
        552 => Some(Class::MailboxFull),
        556 | 521 => Some(Class::Domain),
        530 | 535 | 534 | 538 => Some(Class::Relay),
        500..=504 | 555 => Some(Class::Server),
        _ => None,
    }
}
