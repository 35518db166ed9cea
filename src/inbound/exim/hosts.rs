//! Lists of hosts (Exim specification, sections 10.11 to 10.17; `check_host` in `verify.c`).

use std::net::IpAddr;

use ipnet::IpNet;

use super::config::Kind;
use super::lists::matches;
use super::membership::{self, Matched, not_known};
use super::outcome::Outcome;
use super::visit::Visit;
use crate::inbound::Naming;
use crate::model::{DomainName, Value};

/// Whether the client is in an unexpanded list of hosts.
pub(super) fn judge(list: &str, visit: &mut Visit<'_>) -> Outcome {
    membership::judge(list, Kind::Host, visit, &|item, visit| host(item, visit))
}

fn host(item: &str, visit: &mut Visit<'_>) -> Matched {
    // A stranger is at none of our own addresses.
    match item {
        "*" => return Matched::Item(Outcome::holds(true)),
        "" | "@" | "@[]" => return Matched::Item(Outcome::holds(false)),
        _ => {}
    }
    if let Some(network) = network(item) {
        return Matched::Item(Outcome::holds(network.contains(&visit.caller.ip)));
    }
    // Digits and dots that are no address: Exim gives up the list as it does for a host without a name.
    let rest = item.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if rest.is_empty() || (rest.starts_with('/') && rest.len() < item.len()) {
        return Matched::Nameless;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if item.contains(';') {
        return Matched::Item(visit.unjudged(item, table()));
    }
    if item.chars().all(plain) {
        return by_address(item, visit);
    }
    let naming = visit.naming();
    if visit.is_survey() {
        return Matched::Item(match matches("a.example", item) {
            Some(_) => Outcome::unjudged(unasked()),
            None => visit.unjudged(item, not_known()),
        });
    }
    match naming {
        Some(Naming::Confirmed(name)) => Matched::Item(match matches(name.as_str(), item) {
            Some(holds) => Outcome::holds(holds),
            None => visit.unjudged(item, not_known()),
        }),
        Some(Naming::Unconfirmed(_) | Naming::Nameless) => Matched::Nameless,
        Some(Naming::Unanswered(_)) => Matched::Unanswered(unanswered()),
        None => Matched::Item(Outcome::unjudged(unasked())),
    }
}

/// A name stands for the addresses that it has.
fn by_address(item: &str, visit: &mut Visit<'_>) -> Matched {
    let Ok(name) = DomainName::parse(item) else { return Matched::Nameless };
    match visit.addresses(&name) {
        _ if visit.is_survey() => Matched::Item(Outcome::unjudged(not_asked(&name))),
        Some(Some(none)) if none.is_empty() => Matched::Nameless,
        Some(Some(addresses)) => Matched::Item(Outcome::holds(addresses.contains(&visit.caller.ip))),
        Some(None) => Matched::Deferred(silent(&name)),
        None => Matched::Item(Outcome::unjudged(not_asked(&name))),
    }
}

/// An address, with or without the length of a prefix.
fn network(item: &str) -> Option<IpNet> {
    let whole = |ip: IpAddr| IpNet::from(ip.to_canonical());
    match item.split_once('/') {
        None => item.parse::<IpAddr>().ok().map(whole),
        Some((ip, length)) => IpNet::new(ip.parse().ok()?, length.parse().ok()?).ok(),
    }
}

fn table() -> Value {
    Value::both("it is looked up in a table that is not read", "読み込んでいない表を引く項目である")
}

fn not_asked(name: &DomainName) -> Value {
    Value::both(format!("the addresses of {name} were not asked for"), format!("{name} のアドレスを問い合わせていない"))
}

fn silent(name: &DomainName) -> Value {
    Value::both(
        format!("the addresses of {name} were not answered; Exim defers what depends on it"),
        format!("{name} のアドレスに応答がなかった。これに依存する判定は Exim では一時エラーになる"),
    )
}

fn unanswered() -> Value {
    Value::both(
        "the name of the address was not answered; Exim goes on as if it had none",
        "アドレスの逆引きに応答がなかった。Exim は名前がないものとして続ける",
    )
}

fn unasked() -> Value {
    Value::both("the name of the address was not asked for", "アドレスの逆引きを問い合わせていない")
}
