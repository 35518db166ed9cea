//! The sections of a plan, one function each; what is wrong is noted and the rest is read on.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use chrono::TimeDelta;
use toml::de::DeValue;

use super::Known;
use super::problem::line_at;
use super::reader::{Notes, Reader, name, nearest, number, open_table, text};
use super::types::{
    AddedList, Attestation, Auth, DnsPlan, Dnsbl, InboundDnsbl, ListFamily, ListWeight, Mx, Partner, Receivers,
    Resolver, Rollback, Smtp,
};
use crate::model::{DomainName, Waiver, visible};

/// `[mx]`.
pub(super) fn mx(plan: &Reader<'_>) -> Vec<(String, Vec<Mx>)> {
    let Some(table) = plan.free_table("mx", "a table: domain = [\"10 mail.example.co.jp\"]") else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in table {
        let domain = match key.get_ref().as_ref() {
            "*" => Some("*".to_owned()),
            other => name(other, key.span(), plan.notes).map(|name| name.to_string()),
        };
        let DeValue::Array(items) = value.get_ref() else {
            plan.notes.wrong_kind(value, "mx", "a list such as [\"10 mail.example.co.jp\"]");
            continue;
        };
        let records = items.iter().filter_map(|item| {
            let written = text(item, "mx", "records such as \"10 mail.example.co.jp\"", plan.notes)?;
            let mut words = written.split_whitespace();
            let (preference, host, end) = (words.next(), words.next(), words.next());
            match (preference.and_then(|word| word.parse().ok()), host, end) {
                (Some(preference), Some(host), None) => {
                    Some(Mx { preference, host: name(host, item.span(), plan.notes)? })
                }
                _ => {
                    let help = "write preference and host, such as \"10 mail.example.co.jp\"";
                    plan.notes.add(item.span(), format!("\"{}\" is not an MX record", visible(written)), help);
                    None
                }
            }
        });
        let records: Vec<Mx> = records.collect();
        found.extend(domain.map(|domain| (domain, records)));
    }
    found
}

/// `[dns]`.
pub(super) fn dns(section: &Reader<'_>) -> DnsPlan {
    let usual = DnsPlan::default();
    let port = section.number("authority_port", "a port from 1 to 65535").filter(|port| *port != 0);
    let authority_port = port.unwrap_or(usual.authority_port);
    DnsPlan {
        resolver: resolver(section).unwrap_or_default(),
        root_hints: servers(section, "root_hints", authority_port).unwrap_or_default(),
        authority_port,
        timeout: section
            .duration("timeout")
            .filter(|timeout| *timeout >= TimeDelta::milliseconds(10))
            .unwrap_or(usual.timeout),
        ttl_target: section.duration("ttl_target").unwrap_or(usual.ttl_target),
        lowered_at: section.time("lowered_at"),
        old_ttl: section.duration("old_ttl"),
    }
}

fn resolver(section: &Reader<'_>) -> Option<Resolver> {
    let value = section.value("resolver")?;
    let help = "write \"auto\", \"system\", \"direct\" or a list such as [\"192.0.2.53\", \"[2001:db8::53]:5353\"]";
    match value.get_ref() {
        DeValue::String(word) => match word.as_ref() {
            "auto" => Some(Resolver::Auto),
            "system" => Some(Resolver::System),
            "direct" => Some(Resolver::Direct),
            other => match server(other, 53) {
                Some(server) => Some(Resolver::Servers(vec![server])),
                None => {
                    section.notes.add(value.span(), format!("`resolver` cannot be \"{}\"", visible(other)), help);
                    None
                }
            },
        },
        DeValue::Array(items) if items.is_empty() => {
            section.notes.add(value.span(), "`resolver` is empty", help);
            None
        }
        DeValue::Array(_) => servers(section, "resolver", 53).map(Resolver::Servers),
        _ => {
            section.notes.wrong_kind(value, "resolver", "a text or a list of addresses");
            None
        }
    }
}

fn servers(section: &Reader<'_>, key: &str, port: u16) -> Option<Vec<SocketAddr>> {
    let found = section.texts(key, "a list of addresses in quotes")?.into_iter().filter_map(|(span, written)| {
        let server = server(&written, port);
        if server.is_none() {
            let help =
                "write an address, with a port if it is another than usual: \"192.0.2.53\", \"[2001:db8::53]:5353\"";
            section.notes.add(span, format!("\"{}\" is not the address of a server", visible(&written)), help);
        }
        server
    });
    Some(found.collect())
}

fn server(text: &str, port: u16) -> Option<SocketAddr> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bracketed
        .parse::<IpAddr>()
        .map(|ip| SocketAddr::new(ip, port))
        .or_else(|_| text.parse())
        .ok()
        .filter(|at| at.port() != 0)
}

/// `[auth]`.
pub(super) fn auth(section: &Reader<'_>) -> Auth {
    let table = section.free_table("dkim", "a table: domain = [\"selector\"]");
    let dkim = table.into_iter().flatten().filter_map(|(key, value)| {
        let domain = name(key.get_ref(), key.span(), section.notes)?;
        let DeValue::Array(items) = value.get_ref() else {
            section.notes.wrong_kind(value, "dkim", "a list of selectors in quotes");
            return None;
        };
        let selectors =
            items.iter().filter_map(|item| text(item, "dkim", "selectors in quotes", section.notes).map(str::to_owned));
        Some((domain, selectors.collect()))
    });
    Auth {
        mail_from: section.names("mail_from").unwrap_or_default(),
        dkim: dkim.collect(),
        keep_dkim: words(section, "keep_dkim"),
        mta_sts: section.flag("mta_sts"),
        dane: section.flag("dane"),
    }
}

/// `[smtp]`.
pub(super) fn smtp(section: &Reader<'_>) -> Smtp {
    let ports = section.items("ports", "a list of ports").map(|items| {
        let port =
            |item| number::<u16>(item, "ports", "ports from 1 to 65535", section.notes).filter(|port| *port != 0);
        items.into_iter().filter_map(port).collect()
    });
    Smtp {
        ports: ports.unwrap_or_else(|| Smtp::default().ports),
        recipients: mailboxes(section, "recipients"),
        relay_probe: section.text("relay_probe"),
        sample_eml: section.text("sample_eml"),
    }
}

fn mailboxes(section: &Reader<'_>, key: &str) -> Vec<String> {
    let texts = section.texts(key, "a list of mail addresses in quotes").unwrap_or_default();
    let is_mailbox = |text: &str| {
        text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && DomainName::parse(domain).is_ok())
    };
    texts
        .into_iter()
        .filter_map(|(span, text)| {
            if is_mailbox(&text) {
                return Some(text);
            }
            section.notes.add(span, format!("\"{}\" is not a mail address", visible(&text)), "");
            None
        })
        .collect()
}

/// `[dnsbl]`.
pub(super) fn dnsbl(section: &Reader<'_>, known: &Known<'_>) -> Dnsbl {
    let added: Vec<AddedList> =
        section.tables("list", "dnsbl.list").iter().filter_map(|table| added_list(table, known)).collect();
    let own: Vec<&str> = added.iter().map(|list| list.id.as_str()).collect();
    let list = |written: &str, span| list_id(written, span, known, &own, section.notes);
    let lists = |key| -> Vec<String> {
        let texts = section.texts(key, "a list of list ids in quotes").unwrap_or_default();
        texts.into_iter().filter_map(|(span, text)| list(&text, span)).collect()
    };
    let sets = section.texts("use", "a list of sets in quotes").map(|texts| {
        texts
            .into_iter()
            .filter_map(|(span, text)| among("set of lists", &text, span, &known.sets, section.notes))
            .collect()
    });
    let mut keys = Vec::new();
    for (key, value) in section.free_table("key", "a table: name of the key = \"env:NAME\"").into_iter().flatten() {
        let id = among("key", key.get_ref(), key.span(), &known.keys, section.notes);
        let variable = match value.get_ref() {
            DeValue::String(text) => text.strip_prefix("env:").filter(|name| is_variable(name)),
            _ => None,
        };
        match variable {
            Some(variable) => keys.extend(id.map(|id| (id, variable.to_owned()))),
            None => {
                // Whatever stands there may be the key itself: it is neither repeated nor shown.
                section.notes.masked.borrow_mut().push(value.span());
                let help = "write \"env:NAME\" and put the key into the environment variable NAME";
                section.notes.add(value.span(), "keys do not stand in the plan", help);
            }
        }
    }
    let mut weights = Vec::new();
    for (key, value) in
        section.free_table("weight", "a table: list id = \"block\", \"warn\" or \"info\"").into_iter().flatten()
    {
        let id = list(key.get_ref(), key.span());
        let weight = text(value, "weight", "\"block\", \"warn\" or \"info\"", section.notes)
            .and_then(|word| weight(word, value.span(), section.notes));
        weights.extend(id.zip(weight));
    }
    let usual = Dnsbl::default();
    Dnsbl {
        sets: sets.unwrap_or(usual.sets),
        lists: lists("lists"),
        disable: lists("disable"),
        require: lists("require"),
        keys,
        weights,
        added,
        quorum: quorum(section).unwrap_or(usual.quorum),
    }
}

fn quorum(section: &Reader<'_>) -> Option<u8> {
    let written = section.text("quorum")?;
    let percent =
        written.strip_suffix('%').and_then(|number| number.trim().parse().ok()).filter(|percent| *percent <= 100);
    if percent.is_none() {
        let span = section.value("quorum").map_or(section.span.clone(), |value| value.span());
        section.notes.add(
            span,
            "`quorum` is not a share",
            "write a whole number from 0 to 100 with %, such as \"80%\"",
        );
    }
    percent
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.as_bytes()[0].is_ascii_digit()
}

fn added_list(table: &Reader<'_>, known: &Known<'_>) -> Option<AddedList> {
    let id = table.require("id", table.text("id"), "write id = \"…\", a short name for the list");
    let zone = table.require("zone", table.name("zone"), "write zone = \"…\", the DNS zone of the list");
    if let Some(id) = &id
        && known.lists.contains(&id.as_str())
    {
        let span = table.value("id").map_or(table.span.clone(), |value| value.span());
        table.notes.add(
            span,
            format!("the catalogue has a list called {id} already"),
            "choose another id, or name the list under `lists`",
        );
    }
    let families = table.texts("families", "a list of \"ipv4\", \"ipv6\" and \"domain\"").map(|texts| {
        let family = |(span, text): (Range<usize>, String)| match text.as_str() {
            "ipv4" => Some(ListFamily::Ipv4),
            "ipv6" => Some(ListFamily::Ipv6),
            "domain" => Some(ListFamily::Domain),
            _ => {
                table.notes.add(span, "no list holds that", "write \"ipv4\", \"ipv6\" or \"domain\"");
                None
            }
        };
        texts.into_iter().filter_map(family).collect()
    });
    let weight = table.text("weight").and_then(|word| weight(&word, table.value("weight")?.span(), table.notes));
    let name = table.text("name");
    let (id, zone) = (id?, zone?);
    Some(AddedList {
        name: name.unwrap_or_else(|| id.clone()),
        id,
        zone: zone.to_string(),
        families: families.unwrap_or_else(|| vec![ListFamily::Ipv4]),
        weight: weight.unwrap_or(ListWeight::Warn),
    })
}

fn weight(word: &str, span: Range<usize>, notes: &Notes) -> Option<ListWeight> {
    match word {
        "block" => Some(ListWeight::Block),
        "warn" => Some(ListWeight::Warn),
        "info" => Some(ListWeight::Info),
        _ => {
            notes.add(span, format!("\"{}\" is not a weight", visible(word)), "write \"block\", \"warn\" or \"info\"");
            None
        }
    }
}

/// The id of a list that is written by its id or its zone.
fn list_id(written: &str, span: Range<usize>, known: &Known<'_>, own: &[&str], notes: &Notes) -> Option<String> {
    let plain = written.trim_end_matches('.').to_ascii_lowercase();
    let by_zone = || known.zones.iter().find(|(zone, _)| *zone == plain).map(|(_, id)| *id);
    let found = known.lists.iter().chain(own).copied().find(|id| *id == plain).or_else(by_zone);
    if found.is_none() {
        let words = known.lists.iter().chain(own).copied().chain(known.zones.iter().map(|(zone, _)| *zone));
        let help = nearest(&plain, words).map_or_else(
            || "`mail-cutover lists --all` shows them".to_owned(),
            |near| format!("did you mean \"{near}\"?"),
        );
        notes.add(span, format!("no blocklist is called \"{}\"", visible(written)), help);
    }
    found.map(str::to_owned)
}

/// A word among those known.
pub(super) fn among(kind: &str, written: &str, span: Range<usize>, known: &[&str], notes: &Notes) -> Option<String> {
    if known.contains(&written) {
        return Some(written.to_owned());
    }
    let help = nearest(written, known.iter().copied())
        .map_or_else(|| format!("there are {}", known.join(", ")), |near| format!("did you mean \"{near}\"?"));
    notes.add(span, format!("no {kind} is called \"{}\"", visible(written)), help);
    None
}

/// `[inbound_dnsbl]`.
pub(super) fn inbound(section: &Reader<'_>) -> InboundDnsbl {
    let partners = section.tables("partners", "partner");
    let partners = partners.iter().filter_map(|table| {
        let name = table.require("name", table.text("name"), "write name = \"…\"");
        let domain = table.name("domain");
        let ips = table.texts("ips", "a list of addresses in quotes").unwrap_or_default().into_iter().filter_map(
            |(span, text)| {
                let ip = text.parse::<IpAddr>().ok();
                if ip.is_none() {
                    table.notes.add(span, format!("{} is not an IP address", visible(&text)), "");
                }
                ip
            },
        );
        let ips: Vec<IpAddr> = ips.collect();
        if table.value("domain").is_none() && table.value("ips").is_none() {
            table.missing("domain", "write domain = \"…\" or ips = [\"…\"]: something to look them up by");
        }
        Some(Partner { name: name?, domain, ips, vip: table.flag("vip").unwrap_or(false) })
    });
    InboundDnsbl { partners: partners.collect(), zones: words(section, "zones") }
}

/// `[receivers]`.
pub(super) fn receivers(section: &Reader<'_>, known: &Known<'_>) -> Receivers {
    let texts = section.texts("care_about", "a list of receivers in quotes").unwrap_or_default();
    let receiver = |(span, text): (Range<usize>, String)| match known.receivers.as_slice() {
        [] => Some(text),
        some => among("receiver", &text, span, some, section.notes),
    };
    Receivers {
        care_about: texts.into_iter().filter_map(receiver).collect(),
        per_day: section.number("per_day", "a number of messages"),
    }
}

/// `[attest]`.
pub(super) fn attest(plan: &Reader<'_>) -> Vec<(String, Attestation)> {
    let table = plan.free_table("attest", "a table: name = { yes = true, by = \"…\" }");
    let one = table.into_iter().flatten().filter_map(|(key, value)| {
        let table = open_table(value, key.get_ref(), "attest", plan.notes)?;
        let yes = table.require("yes", table.flag("yes"), "write yes = true or yes = false");
        let by = table.require("by", table.text("by"), "write by = \"…\", who says so");
        let (on, reference) = (table.date("on"), table.text("ref"));
        Some((key.get_ref().to_string(), Attestation { yes: yes?, by: by?, on, reference }))
    });
    one.collect()
}

/// `[rollback]`.
pub(super) fn rollback(section: &Reader<'_>) -> Option<Rollback> {
    let owner = section.require("owner", section.text("owner"), "write owner = \"…\", who decides");
    let decide_by = section.duration("decide_by").unwrap_or_else(|| TimeDelta::hours(2));
    let triggers = words(section, "triggers");
    Some(Rollback { owner: owner?, decide_by, triggers })
}

/// `[[waive]]`.
pub(super) fn waivers(plan: &Reader<'_>, plan_text: &str) -> Vec<Waiver> {
    if plan.value("waive").is_none() {
        return Vec::new();
    }
    let tables = plan.tables("waive", "waive");
    let one = tables.iter().filter_map(|table| {
        let tag = table.require("tag", table.text("tag"), "write tag = \"…\", as the finding shows it");
        let reason = table.require("reason", table.text("reason"), "write reason = \"…\": why is the risk accepted?");
        let owner = table.require("owner", table.text("owner"), "write owner = \"…\": who accepts it?");
        let until =
            table.require("until", table.date("until"), "write until = 2026-12-12: the last day on which it holds");
        let (on, about, reference) = (table.text("on").map(|on| subject(&on)), table.text("about"), table.text("ref"));
        let line = line_at(plan_text, table.span.start);
        Some(Waiver { tag: tag?, on, about, reason: reason?, owner: owner?, reference, until: until?, line })
    });
    one.collect()
}

/// A subject in the one form in which subjects are compared.
fn subject(written: &str) -> String {
    let ip = written.parse::<IpAddr>().map(|ip| ip.to_string());
    ip.or_else(|_| DomainName::parse(written).map(|name| name.to_string())).unwrap_or_else(|_| written.to_owned())
}

fn words(section: &Reader<'_>, key: &str) -> Vec<String> {
    section.texts(key, "a list of texts in quotes").unwrap_or_default().into_iter().map(|(_, text)| text).collect()
}
