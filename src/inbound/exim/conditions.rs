//! The conditions of ACLs, for a stranger with mail for a mailbox that exists here (Exim specification, section 44.26).

use super::config::{Kind, Part, Verb};
use super::dnslists;
use super::expand::Expanded;
use super::hosts;
use super::lists::matches;
use super::membership::{self, Matched, not_known};
use super::outcome::{Outcome, Word};
use super::visit::{Stage, Visit};
use crate::inbound::{Existence, Naming};
use crate::model::{DomainName, Value};

/// What stands for the domain of the mailbox where the configuration does not name it.
pub(super) const OUR_DOMAIN: &str = "\u{1}ours";
/// The list of our own domains, as Exim's own and Debian's configuration call it.
const LOCAL_DOMAINS: &str = "local_domains";
/// Local parts that the mail of partners does not go to.
const ROLES: [&str; 9] =
    ["postmaster", "abuse", "hostmaster", "webmaster", "root", "mailer-daemon", "noc", "security", "nobody"];

/// What a condition comes to, before a `!` is obeyed. Nested ACLs are not for this function.
pub(super) fn judge(part: &Part, verb: Verb, visit: &mut Visit<'_>) -> Outcome {
    visit.doubted();
    let outcome = with_values(part, verb, visit);
    // What was made of a value that may be another one may come out differently.
    match visit.doubted() {
        Some(doubt) => Outcome {
            possible: outcome.possible.with(Word::Yes).with(Word::No),
            doubts: [outcome.doubts, vec![doubt]].concat(),
            ..outcome
        },
        None => outcome,
    }
}

fn with_values(part: &Part, verb: Verb, visit: &mut Visit<'_>) -> Outcome {
    let early = visit.stage < Stage::Mail;
    match part.name.as_str() {
        "hosts" => hosts::judge(&part.value, visit),
        "authenticated" if early => Outcome::certain(Word::Error),
        "authenticated" => Outcome::holds(false),
        "encrypted" if visit.exim.config.options.get("tls_advertise_hosts").is_some_and(String::is_empty) => {
            Outcome::holds(false)
        }
        "encrypted" => visit.unjudged(&written(part), encrypted()),
        "condition" => condition(part, visit),
        "dnslists" => match visit.expand(&part.value) {
            Expanded::Known(list) => dnslists::judge(&list, visit),
            Expanded::Forced => Outcome::holds(true),
            Expanded::Unknown(_) => visit.unjudged(&written(part), not_known()),
        },
        "domains" | "local_parts" | "recipients" if visit.stage != Stage::Rcpt => Outcome::certain(Word::Error),
        "domains" => our_domains(part, visit),
        "local_parts" => local_parts(part, verb, visit),
        "recipients" => recipients(part, verb, visit),
        "sender_domains" | "senders" if early => Outcome::certain(Word::Error),
        "sender_domains" => sender_domains(part, visit),
        "senders" => senders(part, visit),
        "verify" => verify(part, visit),
        "ratelimit" => {
            visit.note(&written(part), alone());
            Outcome::passed_over()
        }
        "malware" | "spam" | "regex" | "mime_regex" | "decode" | "dkim_signers" | "dkim_status" | "dmarc_status"
        | "bmi_optin" | "dcc" => about_message(part, visit),
        _ => visit.unjudged(&written(part), not_known()),
    }
}

fn written(part: &Part) -> String {
    format!("{}{} = {}", if part.negated { "!" } else { "" }, part.name, part.value)
}

fn about_message(part: &Part, visit: &mut Visit<'_>) -> Outcome {
    visit.note(&written(part), content());
    Outcome::passed_over()
}

fn condition(part: &Part, visit: &mut Visit<'_>) -> Outcome {
    match visit.expand(&part.value) {
        Expanded::Forced => Outcome::holds(true),
        Expanded::Unknown(_) if visit.stage == Stage::Data => about_message(part, visit),
        Expanded::Unknown(_) => visit.unjudged(&written(part), not_known()),
        Expanded::Known(value) => {
            let digits = value.strip_prefix('-').unwrap_or(&value);
            if digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Outcome::holds(digits.bytes().any(|digit| digit != b'0'));
            }
            match value.to_ascii_lowercase().as_str() {
                "yes" | "true" => Outcome::holds(true),
                "no" | "false" => Outcome::holds(false),
                _ => Outcome::certain(Word::Defer),
            }
        }
    }
}

/// Whether a domain, one of our own or not, is in an unexpanded list.
fn in_domains(list: &str, domain: &str, ours: bool, visit: &mut Visit<'_>) -> Outcome {
    // Our domains are those of this list, whatever is written in it.
    let local = format!("+{LOCAL_DOMAINS}");
    if ours && visit.exim.config.lists.contains_key(&(Kind::Domain, LOCAL_DOMAINS.to_owned())) {
        let marked = super::lists::items(list).iter().any(|item| item.trim_start_matches(['!', ' ']) == local);
        if marked {
            // The items are put together again with the domain in the place of the list.
            let items: Vec<String> = super::lists::items(list)
                .into_iter()
                .map(|item| if item.ends_with(&local) { item.replace(&local, domain) } else { item })
                .collect();
            return membership::judge(&format!("<\n{}", items.join("\n")), Kind::Domain, visit, &|item, visit| {
                Matched::Item(domain_matches(item, domain, visit))
            });
        }
    }
    membership::judge(list, Kind::Domain, visit, &|item, visit| Matched::Item(domain_matches(item, domain, visit)))
}

fn domain_matches(item: &str, domain: &str, visit: &mut Visit<'_>) -> Outcome {
    match item {
        "@" => {
            let own = visit.exim.config.value("primary_hostname");
            Outcome::holds(own.is_some_and(|own| own.eq_ignore_ascii_case(domain)))
        }
        "@[]" => Outcome::holds(false),
        _ => match matches(domain, item) {
            Some(holds) => Outcome::holds(holds),
            None => visit.unjudged(item, not_known()),
        },
    }
}

/// Whether the mailbox's domain is in the list. Where our domains differ in that, it depends on the mailbox.
fn our_domains(part: &Part, visit: &mut Visit<'_>) -> Outcome {
    let exim = visit.exim;
    let mut common: Option<Outcome> = None;
    for domain in &exim.domains {
        let outcome = in_domains(&part.value, domain, true, visit);
        match &common {
            None => common = Some(outcome),
            Some(known) if known.possible == outcome.possible => {}
            Some(_) => return visit.unjudged(&written(part), depends_on_mailbox()),
        }
    }
    common.unwrap_or_else(|| Outcome::holds(true))
}

fn local_parts(part: &Part, verb: Verb, visit: &mut Visit<'_>) -> Outcome {
    membership::judge(&part.value, Kind::LocalPart, visit, &|item, visit| {
        Matched::Item(local_part_matches(item, part, verb, visit))
    })
}

/// Whether an item names the mailbox: an ordinary one, that exists. A statement that lets mail in is taken to speak of it, one that
/// does not is not.
fn local_part_matches(item: &str, part: &Part, verb: Verb, visit: &mut Visit<'_>) -> Outcome {
    if item == "*" {
        return Outcome::holds(true);
    }
    let role = ROLES.iter().any(|role| role.eq_ignore_ascii_case(item));
    if role || (item.starts_with('^') && matches("mailbox", item) == Some(false)) {
        return Outcome::holds(false);
    }
    visit.note(&written(part), taken_as_mailbox());
    Outcome::holds(matches!(verb, Verb::Accept | Verb::Require))
}

fn recipients(part: &Part, verb: Verb, visit: &mut Visit<'_>) -> Outcome {
    let exim = visit.exim;
    membership::judge(&part.value, Kind::Address, visit, &|item, visit| {
        if item.is_empty() {
            return Matched::Item(Outcome::holds(false));
        }
        if item.contains(';') || item.starts_with('^') {
            return Matched::Item(visit.unjudged(item, not_known()));
        }
        let (local, domain) = item.rsplit_once('@').unwrap_or(("*", item));
        let ours = exim.domains.iter().any(|own| matches(own, domain).unwrap_or(true));
        Matched::Item(if ours { local_part_matches(local, part, verb, visit) } else { Outcome::holds(false) })
    })
}

fn sender_domains(part: &Part, visit: &mut Visit<'_>) -> Outcome {
    let Some(sender) = sender(visit) else { return unknown_sender(part, visit) };
    in_domains(&part.value, sender.as_str(), false, visit)
}

fn senders(part: &Part, visit: &mut Visit<'_>) -> Outcome {
    let Some(sender) = sender(visit) else { return unknown_sender(part, visit) };
    membership::judge(&part.value, Kind::Address, visit, &|item, visit| {
        Matched::Item(match item.rsplit_once('@') {
            _ if item.is_empty() => Outcome::holds(false),
            _ if item == "*" => Outcome::holds(true),
            _ if item.contains(';') || item.starts_with(['^', '@']) => visit.unjudged(item, not_known()),
            None => domain_matches(item, sender.as_str(), visit),
            Some((local, domain)) => match matches(sender.as_str(), domain) {
                Some(false) => Outcome::holds(false),
                Some(true) if local == "*" => Outcome::holds(true),
                _ => visit.unjudged(item, no_local_part()),
            },
        })
    })
}

fn sender<'a>(visit: &Visit<'a>) -> Option<&'a DomainName> {
    visit.caller.sender.as_ref()
}

fn unknown_sender(part: &Part, visit: &mut Visit<'_>) -> Outcome {
    // A list of everybody, or of nobody.
    match part.value.trim() {
        "*" => Outcome::holds(true),
        "" => Outcome::holds(false),
        _ => visit.unjudged(&written(part), no_sender()),
    }
}

fn verify(part: &Part, visit: &mut Visit<'_>) -> Outcome {
    let value = part.value.to_ascii_lowercase();
    let mut words = value.split('/').map(str::trim);
    let what = words.next().unwrap_or_default();
    let defer_ok = words.clone().any(|word| word == "defer_ok");
    match what {
        "recipient" if visit.stage != Stage::Rcpt => Outcome::certain(Word::Error),
        // The mailbox exists: that is where all this begins.
        "recipient" => Outcome::holds(true),
        "sender" if words.any(|word| word.starts_with("callout")) => visit.unjudged(&written(part), callout()),
        "sender" => verify_sender(part, defer_ok, visit),
        "helo" => verify_helo(part, visit),
        "reverse_host_lookup" => match visit.naming() {
            Some(Naming::Confirmed(_)) => Outcome::holds(true),
            Some(Naming::Unconfirmed(_) | Naming::Nameless) => Outcome::holds(false),
            Some(Naming::Unanswered(_)) => {
                Outcome::unanswered(if defer_ok { Word::Yes } else { Word::Defer }, no_name(defer_ok))
            }
            None => Outcome::unjudged(name_not_asked()),
        },
        "certificate" => Outcome::holds(false),
        "header_syntax" | "header_sender" | "not_blind" | "header_names_ascii" | "arc" => about_message(part, visit),
        _ => visit.unjudged(&written(part), not_known()),
    }
}

/// Whether the sender's domain has a way back. It is routed as mail to it would be, so the routers must ask the DNS.
fn verify_sender(part: &Part, defer_ok: bool, visit: &mut Visit<'_>) -> Outcome {
    let Some(sender) = sender(visit) else { return unknown_sender(part, visit) };
    if !asks_dns(sender, visit) {
        return visit.unjudged(&written(part), other_routers());
    }
    let exim = visit.exim;
    if exim.domains.iter().any(|own| own.eq_ignore_ascii_case(sender.as_str())) {
        return visit.unjudged(&written(part), own_sender());
    }
    let outcome = match visit.facts.domains.get(sender) {
        Some(Existence::Exists) => Outcome::holds(true),
        Some(Existence::Missing | Existence::NullMx) => Outcome::holds(false),
        Some(Existence::Unanswered) => {
            let word = if defer_ok { Word::Yes } else { Word::Defer };
            Outcome::unanswered(word, sender_unanswered(sender, defer_ok))
        }
        None => Outcome::unjudged(Value::both(
            format!("whether {sender} exists was not asked"),
            format!("{sender} が存在するかを問い合わせていない"),
        )),
    };
    match outcome.assumed {
        Some(Word::No) => visit.said = Some("Sender verify failed".to_owned()),
        Some(Word::Defer) => visit.said = Some("Could not complete sender verify".to_owned()),
        _ => {}
    }
    outcome
}

/// Whether mail to a domain is routed by the DNS and by nothing else.
fn asks_dns(domain: &DomainName, visit: &mut Visit<'_>) -> bool {
    let exim = visit.exim;
    for router in &exim.config.routers {
        let inside = router.domains.as_ref().map(|list| in_domains(list, domain.as_str(), false, visit));
        match inside.filter(|inside| inside.possible.is_one()).and_then(|inside| inside.assumed) {
            Some(Word::No) => {}
            _ if router.is_conditional => return false,
            Some(Word::Yes) => return router.driver == "dnslookup" && router.is_last,
            _ => return router.domains.is_none() && router.driver == "dnslookup" && router.is_last,
        }
    }
    false
}

/// Whether the name in HELO is the client's: its confirmed name, or one that leads to its address.
pub(super) fn verify_helo(part: &Part, visit: &mut Visit<'_>) -> Outcome {
    let naming = visit.naming();
    let Some(helo) = visit.caller.helo.as_deref().filter(|_| visit.stage > Stage::Connect) else {
        return match visit.stage {
            Stage::Connect => Outcome::holds(false),
            _ => visit.unjudged(&written(part), no_helo()),
        };
    };
    if let Some(literal) = helo.strip_prefix('[') {
        return Outcome::holds(literal.starts_with(&visit.caller.ip.to_string()));
    }
    // What is no name to the DNS leads nowhere.
    let Ok(name) = DomainName::parse(helo) else { return Outcome::holds(false) };
    let leads = visit.helo_leads_here(&name);
    match naming {
        _ if visit.is_survey() => Outcome::unjudged(helo_address()),
        Some(Naming::Confirmed(own)) if own.as_str().eq_ignore_ascii_case(helo) => Outcome::holds(true),
        // It may be the one that the address has: without an answer it is not, unless it leads here by itself.
        Some(Naming::Unanswered(own)) if leads != Some(Some(true)) && own.as_ref().is_none_or(|own| *own == name) => {
            Outcome::unanswered(Word::No, helo_unanswered())
        }
        _ => match (leads, visit.facts.domains.get(&name)) {
            (Some(Some(leads)), _) => Outcome::holds(leads),
            (Some(None), _) => Outcome::unanswered(Word::No, helo_unanswered()),
            (None, Some(Existence::Missing)) => Outcome::holds(false),
            (None, _) => visit.unjudged(&written(part), helo_address()),
        },
    }
}

fn encrypted() -> Value {
    Value::both("whether the client uses TLS is not known", "クライアントが TLS を使うかどうかは分からない")
}

fn content() -> Value {
    Value::both(
        "it is about the message, not about the client: not judged",
        "クライアントではなくメールの内容に関する条件であり、判定しない",
    )
}

fn alone() -> Value {
    Value::both(
        "it depends on how much the client sends: a single message is taken to be within the limit",
        "送信量による条件である。1 通だけなら制限内とみなした",
    )
}

fn depends_on_mailbox() -> Value {
    Value::both("it depends on the domain of the mailbox", "宛先のドメインによって変わる")
}

fn taken_as_mailbox() -> Value {
    Value::both(
        "taken to speak of an ordinary mailbox only where the statement lets mail in",
        "受け入れる文でだけ、通常のメールボックスを指すものとみなした",
    )
}

fn no_local_part() -> Value {
    Value::both("it depends on the sender's local part", "送信者のローカルパートによって変わる")
}

fn no_sender() -> Value {
    Value::both("the sender is not known", "送信者が分からない")
}

fn callout() -> Value {
    Value::both("it calls the sender's server back", "送信者のサーバーにコールアウトする")
}

fn other_routers() -> Value {
    Value::both("it depends on routers that do not ask the DNS alone", "DNS だけによらないルーターによって変わる")
}

fn own_sender() -> Value {
    Value::both("the sender has one of our own domains", "送信者が自ドメインである")
}

fn no_name(defer_ok: bool) -> Value {
    if defer_ok {
        return Value::both(
            "the name of the address was not answered; Exim lets it pass (defer_ok)",
            "アドレスの逆引きに応答がなかった。Exim は通す (defer_ok)",
        );
    }
    Value::both(
        "the name of the address was not answered; Exim puts the client off",
        "アドレスの逆引きに応答がなかった。Exim は一時エラーを返す",
    )
}

fn name_not_asked() -> Value {
    Value::both("the name of the address was not asked for", "アドレスの逆引きを問い合わせていない")
}

fn sender_unanswered(sender: &DomainName, defer_ok: bool) -> Value {
    let (en, ja) = if defer_ok {
        ("lets it pass (defer_ok)", "通す (defer_ok)")
    } else {
        ("puts the client off", "一時エラーを返す")
    };
    Value::both(
        format!("whether {sender} exists was not answered; Exim {en}"),
        format!("{sender} が存在するかに応答がなかった。Exim は{ja}"),
    )
}

fn no_helo() -> Value {
    Value::both("the HELO name is not known", "HELO 名が分からない")
}

fn helo_address() -> Value {
    Value::both("the addresses of the HELO name were not asked for", "HELO 名のアドレスを問い合わせていない")
}

pub(super) fn helo_unanswered() -> Value {
    Value::both(
        "whether the HELO name is the client's was not answered; Exim takes it as not the client's",
        "HELO 名がクライアントのものかに応答がなかった。Exim はクライアントの名前でないとみなす",
    )
}
