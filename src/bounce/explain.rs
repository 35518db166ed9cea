//! A refusal explained: what it means, whose address it names, who must act and how.

use std::net::IpAddr;

use super::classify::{Basis, Ruling, classify_at};
use super::code::Enhanced;
use super::event::{Action, Event};
use super::input::events;
use super::named::{Named, without_keys};
use super::normal::{normal, reply};
use super::registry::named;
use super::rules::{Class, Confidence, rules};
use super::side::{Direction, Ours, Side, ips_in};
use super::words::words;
use crate::catalogue::{Catalogue, List, ListStatus};
use crate::model::{Args, Value, visible};

/// A refusal explained. Everything in it is safe to show, and bounded.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The recipient's address.
    pub recipient: Option<String>,
    /// What happened to the mail.
    pub action: Action,
    /// What it means.
    pub class: Class,
    /// The part of the class; may be empty.
    pub sub: &'static str,
    /// A heading for the class.
    pub name: Value,
    /// Which way the mail went.
    pub direction: Direction,
    /// Who must act.
    pub side: Side,
    /// The list that is named.
    pub list: Option<Named>,
    /// The address that is refused.
    pub ip: Option<IpAddr>,
    /// Whose address that is: `ours`, `partner`, `other`, `our-domain` (a domain is listed, no address), or empty where that is not
    /// known.
    pub whose_ip: &'static str,
    /// Who refused it: the host that spoke, else the domain of the recipient.
    pub receiver: Option<String>,
    /// The line that it rests on.
    pub evidence: String,
    /// How far it can be relied on.
    pub confidence: Confidence,
    /// The rule, or `own-code`, `registry`, `reply-code`, `nothing`.
    pub rule: &'static str,
    /// The public page that the rule rests on.
    pub source: Option<&'static str>,
    /// The reply code.
    pub code: Option<u16>,
    /// The enhanced code.
    pub enhanced: Option<Enhanced>,
    /// The name of the enhanced code in the registry; for administrators, the text may mean something else.
    pub code_name: Option<Value>,
    /// One plain sentence.
    pub sentence: Value,
    /// What to do.
    pub remedy: Value,
    /// The tag of the check that would have found it: `mail-cutover explain TAG`.
    pub tag: Option<&'static str>,
}

/// Explains every refusal in `input`: a mail, an mbox, or pasted lines.
pub fn explain(input: &[u8], ours: &Ours) -> Vec<Explanation> {
    events(input).iter().map(|event| explain_event(event, ours)).collect()
}

/// Explains one refusal; for readers of whole logs, which make events by [`super::line_event`].
pub fn explain_event(event: &Event, ours: &Ours) -> Explanation {
    let (ruling, text) = rule_on(event);
    let evidence = evidence(&ruling, &text);
    let told = quoted(&text);
    let ips = ips_in(told);
    let ip = event.client.or_else(|| ips.iter().copied().find(|ip| ours.has_ip(*ip))).or_else(|| {
        let by_address = ruling.class.is_critical() && ruling.class != Class::Tls;
        ips.first().copied().filter(|_| by_address)
    });
    let direction = direction(event, ours, ip);
    let partner = direction == Direction::Incoming;
    let words = words(ruling.class, ruling.sub);
    let whose_ip = whose(&ruling, direction, ip, ours);
    let args = args(event, &ruling, direction, whose_ip, ip);
    let closed = ruling.list.as_ref().and_then(Closed::of);
    let side = match &closed {
        // Nobody can leave a list that is closed for good: whoever still asks it must stop.
        Some(Closed { heir: None }) if partner => Side::Ours,
        Some(Closed { heir: None }) => Side::Theirs,
        _ => words.side(partner),
    };
    let domain = event.recipient.as_deref().and_then(|address| address.rsplit_once('@')).map(|(_, domain)| domain);
    Explanation {
        recipient: event.recipient.as_deref().map(visible),
        action: event.action,
        class: ruling.class,
        sub: ruling.sub,
        name: words.name(),
        direction,
        side,
        ip,
        whose_ip,
        receiver: event.host.as_deref().or(domain).map(visible),
        evidence,
        confidence: ruling.confidence,
        rule: ruling.rule_id(),
        source: match ruling.basis {
            Basis::Rule(rule) => Some(rules().source(rule)),
            Basis::OwnCode(source) => Some(source),
            Basis::Registry(_) => Some("https://www.iana.org/assignments/smtp-enhanced-status-codes/"),
            Basis::ReplyCode | Basis::Nothing => None,
        },
        code: ruling.code,
        enhanced: ruling.enhanced,
        code_name: ruling.enhanced.and_then(named).map(|code| Value::both(&code.en, &code.ja)),
        sentence: hedged(&ruling, waiting(event.action, ruling.class, words.says(&args))),
        remedy: closed.map_or_else(|| words.remedy(partner, &args), |closed| closed.remedy(partner)),
        tag: words.tag(partner),
        list: ruling.list,
    }
}

/// The ruling on an event, and the text that it rests on.
pub(super) fn rule_on(event: &Event) -> (Ruling, String) {
    let sub = match event.action {
        Action::Complaint => Some("arf"),
        Action::AutoReply => Some("autoreply"),
        Action::Delivered => Some("delivered"),
        Action::Failed | Action::Delayed => None,
    };
    let first = event.texts.first().cloned().unwrap_or_default();
    let host = event.host.as_deref();
    let by_code = || classify_at("", event.code, event.enhanced, host);
    if let Some(sub) = sub {
        let ruling =
            Ruling { class: Class::NotBounce, sub, confidence: Confidence::High, basis: Basis::Nothing, ..by_code() };
        return (ruling, first);
    }
    let mut weak: Option<(Ruling, String)> = None;
    for text in &event.texts {
        let cleaned = rules().without_boilerplate(&normal(text));
        let ruling = classify_at(&cleaned, event.code, event.enhanced, host);
        if !ruling.is_by_text() {
            continue;
        }
        // An effect ("expired", "rejected") is told only where no later text has the cause; but what stands farther from the recipient
        // must say more than that to count for more.
        match &weak {
            None if ruling.confidence == Confidence::High => return (ruling, text.clone()),
            None => weak = Some((ruling, text.clone())),
            Some((first, _)) => {
                let says_more = first.confidence == Confidence::Low || ruling.class.is_critical();
                if ruling.confidence == Confidence::High && says_more {
                    return (ruling, text.clone());
                }
            }
        }
    }
    if event.doubtful && event.code.is_none() {
        let ruling = Ruling {
            class: Class::NotBounce,
            sub: "",
            confidence: Confidence::Medium,
            basis: Basis::Nothing,
            ..by_code()
        };
        return (ruling, first);
    }
    weak.unwrap_or_else(|| (by_code(), first))
}

/// The line of `text` that the ruling rests on, safe to show.
fn evidence(ruling: &Ruling, text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(500).collect();
    let found = match ruling.basis {
        Basis::Rule(rule) => {
            let says = |text: &str| rules().is_found(rule, reply(&rules().without_boilerplate(&normal(text))));
            let one = lines.iter().find(|line| says(line)).map(|line| (*line).to_owned());
            one.or_else(|| lines.windows(2).map(|pair| pair.join(" ")).find(|pair| says(pair)))
        }
        _ => None,
    };
    let line =
        found.or_else(|| (lines.len() < 6).then(|| lines.join(" "))).or_else(|| lines.first().map(|l| (*l).to_owned()));
    visible(&without_keys(super::normal::floor(&line.unwrap_or_default(), 2000)))
}

/// What was said, without the name and address of the host that said it.
fn quoted(text: &str) -> &str {
    text.find(" said: ").map_or(text, |at| &text[at + 7..])
}

fn direction(event: &Event, ours: &Ours, ip: Option<IpAddr>) -> Direction {
    if let Some(direction) = event.direction {
        return direction;
    }
    let is_ours = |host: &Option<String>| host.as_deref().is_some_and(|host| ours.has_host(host));
    if ip.is_some_and(|ip| ours.has_ip(ip)) || is_ours(&event.reporting) && !is_ours(&event.host) {
        Direction::Outgoing
    } else if is_ours(&event.host) || event.recipient.as_deref().is_some_and(|address| ours.has_mailbox(address)) {
        Direction::Incoming
    } else {
        Direction::Unknown
    }
}

fn whose(ruling: &Ruling, direction: Direction, ip: Option<IpAddr>, ours: &Ours) -> &'static str {
    let nothing_known = ours.old.is_empty() && ours.new.is_empty();
    let of_domain = ruling.class == Class::Dnsbl && matches!(ruling.sub, "domain" | "helo-domain" | "query-error");
    let about_sender =
        matches!(ruling.class, Class::Dnsbl | Class::Reputation | Class::Ptr | Class::Helo) && !of_domain;
    match (direction, ip) {
        (_, Some(ip)) if ours.has_ip(ip) => "ours",
        (Direction::Incoming, _) if about_sender => "partner",
        (Direction::Incoming, _) => "",
        (_, Some(_)) if !nothing_known && about_sender => "other",
        // Whoever gets an error mail sent the mail.
        _ if about_sender => "ours",
        _ if of_domain && ruling.sub != "query-error" => "our-domain",
        _ => "",
    }
}

/// A sentence that rests on a code alone does not sound certain.
fn hedged(ruling: &Ruling, sentence: Value) -> Value {
    if !matches!(ruling.basis, Basis::Registry(_) | Basis::ReplyCode) || ruling.class == Class::NotBounce {
        return sentence;
    }
    let [en, ja] = [crate::model::Lang::En, crate::model::Lang::Ja].map(|lang| sentence.in_lang(lang).to_owned());
    Value::Both {
        en: format!("The text gives no reason; by its code alone: {en}"),
        ja: format!("理由は書かれていない。コードだけから推定すると次のとおり。{ja}"),
    }
}

/// The sentence of a mail that still waits says so.
fn waiting(action: Action, class: Class, sentence: Value) -> Value {
    if action != Action::Delayed || class == Class::Greylist {
        return sentence;
    }
    let [en, ja] = [crate::model::Lang::En, crate::model::Lang::Ja].map(|lang| sentence.in_lang(lang).to_owned());
    Value::Both {
        en: format!("{en} It still waits and will be tried again, but comes back if the cause stays."),
        ja: format!("{ja}まだ待機中で再送されるが、原因が残れば戻ってくる。"),
    }
}

/// A list that is out of service.
struct Closed {
    /// The list that has its data now.
    heir: Option<&'static List>,
}

impl Closed {
    fn of(named: &Named) -> Option<Self> {
        let Named::Known(list) = named else { return None };
        let ListStatus::Dead { replaced_by, .. } = &list.status else { return None };
        Some(Self { heir: replaced_by.as_deref().and_then(|id| Catalogue::embedded().list(id)) })
    }

    fn remedy(&self, partner: bool) -> Value {
        if let Some(heir) = self.heir {
            let page = heir.delist_url.as_ref().or(heir.lookup_url.as_ref()).map_or("", String::as_str);
            let name = &heir.name;
            return Value::both(
                format!("The list itself is closed; its data lives on in {name}. Look the address up there: {page}"),
                format!(
                    "このリスト自体は閉鎖され、データは {name} に引き継がれている。アドレスをそこで確かめる: {page}"
                ),
            );
        }
        let (en, ja) = if partner {
            (
                "Take the list out of our server's configuration: it is closed, and nobody can be removed from it.",
                "リストは閉鎖されており、登録を解除することはできない。自社サーバーの設定からこのリストを外す。",
            )
        } else {
            (
                "The list is closed, and nobody can be removed from it: tell the receiver's administrator to stop asking it.",
                "リストは閉鎖されており、登録を解除することはできない。受信側の管理者に、このリストの利用をやめるよう伝える。",
            )
        };
        Value::both(en, ja)
    }
}

/// The values for the texts of a class.
fn args(event: &Event, ruling: &Ruling, direction: Direction, whose_ip: &str, ip: Option<IpAddr>) -> Args {
    let sending = match direction {
        _ if whose_ip == "other" => ("a server that is not in the plan", "計画にないサーバー"),
        Direction::Outgoing => ("our server", "自社サーバー"),
        Direction::Incoming => ("the partner's server", "相手先サーバー"),
        Direction::Unknown => ("the sending server", "送信側サーバー"),
    };
    let receiving = if direction == Direction::Incoming {
        ("our server", "自社サーバー")
    } else {
        ("the receiving server", "受信側サーバー")
    };
    let host = event.host.as_deref().filter(|_| direction != Direction::Incoming).map(visible);
    let to = event.recipient.as_deref().map(visible);
    let (list, removal) = about_list(ruling.list.as_ref());
    Args::none()
        .with("sending", in_brackets(sending, ip.map(|ip| ip.to_string())))
        .with("receiving", in_brackets(receiving, host))
        .with("to", to.clone().map_or_else(|| Value::both("the recipient", "宛先"), Value::Plain))
        .with(
            "address",
            to.map_or_else(
                || Value::both("the recipient's address", "宛先アドレス"),
                |to| Value::Both { en: format!("the address {to}"), ja: format!("宛先アドレス {to}") },
            ),
        )
        .with("list", list)
        .with("removal", removal)
}

fn in_brackets((en, ja): (&str, &str), what: Option<String>) -> Value {
    match what {
        None => Value::both(en, ja),
        Some(what) => Value::Both { en: format!("{en} ({what})"), ja: format!("{ja} ({what})") },
    }
}

/// How a list is called, and how one leaves it.
fn about_list(list: Option<&Named>) -> (Value, Value) {
    match list {
        None => (
            Value::both("a blocklist", "ブロックリスト"),
            Value::both(
                "the text does not say which list; ask the receiver",
                "リストの名前は書かれていないため、受信側に尋ねる",
            ),
        ),
        Some(Named::Zone(zone)) => {
            let zone = visible(zone);
            (
                Value::Both { en: format!("the blocklist {zone}"), ja: format!("ブロックリスト {zone}") },
                Value::Both {
                    en: format!("{zone} is not in our catalogue; look for its operator's page"),
                    ja: format!("{zone} は収録していないため、運営者のページを探す"),
                },
            )
        }
        Some(Named::Known(list)) => {
            let name = &list.name;
            let called = match &list.status {
                ListStatus::Dead { since, .. } => {
                    let [en, ja] =
                        [crate::model::Lang::En, crate::model::Lang::Ja].map(|lang| since.in_lang(lang).to_owned());
                    Value::Both {
                        en: format!("the blocklist {name}, which is closed ({en})"),
                        ja: format!("ブロックリスト {name} (閉鎖済み: {ja})"),
                    }
                }
                _ => Value::Both { en: format!("the blocklist {name}"), ja: format!("ブロックリスト {name}") },
            };
            let page = list.delist_url.as_ref().or(list.lookup_url.as_ref());
            let removal = page.map_or_else(
                || Value::both("its operator has no page for it", "解除のページはない"),
                |page| Value::Plain(page.clone()),
            );
            (called, removal)
        }
    }
}
