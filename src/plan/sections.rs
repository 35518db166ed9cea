//! The sections of a plan, one function each; what is wrong is noted and the rest is read on.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use chrono::TimeDelta;
use toml::de::DeValue;

use super::Known;
use super::dnsbl::holds_key;
use super::places::compared;
use super::reader::{Notes, Reader, name, nearest, open_table, port, text};
use super::types::{
    After, Attestation, Auth, DnsPlan, HttpsPlan, InboundDnsbl, Mx, Partner, Receivers, Resolver, Rollback,
};
use crate::model::{DomainName, Waiver, visible};
use crate::records::certificate::Chain;

/// `[mx]`.
pub(super) fn mx(plan: &Reader<'_>) -> Vec<(String, Vec<Mx>)> {
    let Some(table) = plan.free_table("mx", "a table: domain = [\"10 mail.example.co.jp\"]") else { return Vec::new() };
    let (mut found, mut named) = (Vec::new(), HashSet::new());
    for (key, value) in table {
        let domain = match key.get_ref().as_ref() {
            "*" => Some("*".to_owned()),
            other => name(other, key.span(), plan.notes).map(|name| name.to_string()),
        };
        if domain.as_ref().is_some_and(|domain| !named.insert(domain.clone())) {
            twice(key.get_ref(), key.span(), plan.notes);
            continue;
        }
        let DeValue::Array(items) = value.get_ref() else {
            plan.notes.wrong_kind(value, "mx", "a list such as [\"10 mail.example.co.jp\"]");
            continue;
        };
        if items.is_empty() {
            let help =
                "write records such as [\"10 mail.example.co.jp\"], or leave the line out: then it is `hostname`";
            plan.notes.add(value.span(), "there is no MX record here", help);
        }
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

/// Notes a name that is a key already, in another spelling.
fn twice(written: &str, span: Range<usize>, notes: &Notes) {
    let compared = DomainName::parse(written).map_or_else(|_| visible(written), |name| name.to_string());
    notes.add(span, format!("{compared} stands here twice"), "write it once");
}

/// `[https]`.
pub(super) fn https(section: &Reader<'_>, known: &Known<'_>) -> HttpsPlan {
    let usual = HttpsPlan::default();
    HttpsPlan {
        port: section.value("port").and_then(|value| port(value, "port", section.notes)).unwrap_or(usual.port),
        trust: certificates(section, "trust", known),
        timeout: timeout(section).unwrap_or(usual.timeout),
    }
}

/// The certificates in the PEM file that `key` names.
pub(super) fn certificates(section: &Reader<'_>, key: &'static str, known: &Known<'_>) -> Option<Chain> {
    let written = section.text(key)?;
    let span = section.value(key)?.span();
    let help = "write the path of a PEM file, from the plan's folder: a server's certificate first, then its issuers'";
    let Some(read_file) = known.read_file else {
        section.notes.add(span, format!("could not read {written}: this plan cannot name files"), help);
        return None;
    };
    let chain = match read_file(&section.notes.file(&written, known)) {
        Ok(octets) => Chain::read(&octets).map_err(|error| format!("{written} cannot be used: {error}")),
        Err(error) => Err(format!("could not read {written}: {error}")),
    };
    chain.map_err(|message| section.notes.add(span, message, help)).ok()
}

/// `[dns]`.
pub(super) fn dns(section: &Reader<'_>) -> DnsPlan {
    let usual = DnsPlan::default();
    let authority_port = section
        .value("authority_port")
        .and_then(|value| port(value, "authority_port", section.notes))
        .unwrap_or(usual.authority_port);
    DnsPlan {
        resolver: resolver(section).unwrap_or_default(),
        root_hints: servers(section, "root_hints", authority_port).unwrap_or_default(),
        authority_port,
        timeout: timeout(section).unwrap_or(usual.timeout),
        unpaced: unpaced(section),
        ttl_target: section.duration("ttl_target").unwrap_or(usual.ttl_target),
        lowered_at: section.time("lowered_at"),
        old_ttl: section.duration("old_ttl"),
    }
}

/// `timeout` of a section.
pub(super) fn timeout(section: &Reader<'_>) -> Option<TimeDelta> {
    let timeout = section.duration("timeout")?;
    if !(TimeDelta::milliseconds(10)..=TimeDelta::minutes(1)).contains(&timeout) {
        let span = section.value("timeout").map_or(section.span.clone(), |value| value.span());
        section.notes.add(span, "`timeout` is out of range", "write a length of time from \"10ms\" to \"1m\"");
    }
    Some(timeout)
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
    let found = section.texts(key, "a list of addresses in quotes")?;
    Some(found.into_iter().filter_map(|(span, written)| noted_server(&written, span, port, section.notes)).collect())
}

/// `unpaced`: an address without a port stands for all of its ports.
fn unpaced(section: &Reader<'_>) -> Vec<(IpAddr, Option<u16>)> {
    let found = section.texts("unpaced", "a list of addresses in quotes").unwrap_or_default();
    found
        .into_iter()
        .filter_map(|(span, written)| {
            let at = noted_server(&written, span, 53, section.notes)?;
            let names_port = server(&written, 54) == Some(at);
            Some((at.ip(), names_port.then_some(at.port())))
        })
        .collect()
}

fn noted_server(written: &str, span: Range<usize>, port: u16, notes: &Notes) -> Option<SocketAddr> {
    let server = server(written, port);
    if server.is_none() {
        let help = "write an address, with a port if it is another than usual: \"192.0.2.53\", \"[2001:db8::53]:5353\"";
        notes.add(span, format!("\"{}\" is not the address of a server", visible(written)), help);
    }
    server
}

/// An address, with or without port.
pub(super) fn server(text: &str, port: u16) -> Option<SocketAddr> {
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
    let mut named = HashSet::new();
    let dkim = table.into_iter().flatten().filter_map(|(key, value)| {
        let domain = name(key.get_ref(), key.span(), section.notes)?;
        if !named.insert(domain.clone()) {
            twice(key.get_ref(), key.span(), section.notes);
            return None;
        }
        let DeValue::Array(items) = value.get_ref() else {
            section.notes.wrong_kind(value, "dkim", "a list of selectors in quotes");
            return None;
        };
        let selectors = items.iter().filter_map(|item| {
            selector(text(item, "dkim", "selectors in quotes", section.notes)?, item.span(), section.notes)
        });
        Some((domain, selectors.collect()))
    });
    let kept = section.texts("keep_dkim", "a list of selectors in quotes").unwrap_or_default();
    Auth {
        mail_from: section.names("mail_from").unwrap_or_default(),
        dkim: dkim.collect(),
        keep_dkim: kept.into_iter().filter_map(|(span, text)| selector(&text, span, section.notes)).collect(),
        mta_sts: section.flag("mta_sts"),
        dane: section.flag("dane"),
    }
}

/// A DKIM selector: labels that can stand before `._domainkey` (RFC 6376, section 3.1).
fn selector(written: &str, span: Range<usize>, notes: &Notes) -> Option<String> {
    match DomainName::parse(written) {
        Ok(name) if !name.labels().any(|label| label == "_domainkey") => Some(name.to_string()),
        _ => {
            let help = "write what stands before ._domainkey, such as \"s2026a\"";
            notes.add(span, format!("\"{}\" is not a DKIM selector", visible(written)), help);
            None
        }
    }
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
pub(super) fn inbound(section: &Reader<'_>, known: &Known<'_>) -> InboundDnsbl {
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
    let zones = section.texts("zones", "a list of zones in quotes").unwrap_or_default();
    let zones = zones.into_iter().filter(|(span, zone)| !holds_key(zone, span, known, section.notes));
    let config = section.text("config").map(|written| section.notes.file(&written, known));
    InboundDnsbl { partners: partners.collect(), zones: zones.map(|(_, zone)| zone).collect(), config }
}

/// `[receivers]`.
pub(super) fn receivers(section: &Reader<'_>, known: &Known<'_>) -> Receivers {
    let texts = section.texts("care_about", "a list of receivers in quotes").unwrap_or_default();
    let receiver =
        |(span, text): (Range<usize>, String)| among("receiver", &text, span, &known.receivers, section.notes);
    Receivers {
        care_about: texts.into_iter().filter_map(receiver).collect(),
        per_day: section.number("per_day", "a number of messages"),
    }
}

/// `[after]`. The logs need not be there yet: they are of the time after the cutover.
pub(super) fn after(section: &Reader<'_>, known: &Known<'_>) -> After {
    let logs = section.texts("logs", "a list of files in quotes").unwrap_or_default();
    After { logs: logs.into_iter().map(|(_, written)| section.notes.file(&written, known)).collect() }
}

/// `[attest]`.
pub(super) fn attest(plan: &Reader<'_>) -> Vec<(String, Attestation)> {
    let table = plan.free_table("attest", "a table: name = { yes = true, by = \"…\" }");
    let one = table.into_iter().flatten().filter_map(|(key, value)| {
        let table = open_table(value, key.get_ref(), "attest", plan.notes)?;
        let yes = table.require("yes", table.flag("yes"), "write yes = true or yes = false");
        let by = table.require("by", table.text("by"), "write by = \"…\", who says so");
        let (on, reference) = (table.date("on"), table.text("ref"));
        let line = plan.notes.line_at(key.span().start);
        Some((key.get_ref().to_string(), Attestation { yes: yes?, by: by?, on, reference, line }))
    });
    one.collect()
}

/// `[rollback]`.
pub(super) fn rollback(section: &Reader<'_>, known: &Known<'_>) -> Option<Rollback> {
    let owner = section.require("owner", section.text("owner"), "write owner = \"…\", who decides");
    let decide_by = section.duration("decide_by").unwrap_or_else(|| TimeDelta::hours(2));
    let written = section.texts("triggers", "a list of tags in quotes").unwrap_or_default();
    let among = |(span, word): (_, String)| among("check or tag", &word, span, &known.tags, section.notes);
    let triggers = written.into_iter().filter_map(among).collect();
    Some(Rollback { owner: owner?, decide_by, triggers })
}

/// `[[waive]]`.
pub(super) fn waivers(plan: &Reader<'_>, partners: &[Partner]) -> Vec<Waiver> {
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
        let (on, about, reference) =
            (table.text("on").map(|on| subject(on, partners)), table.text("about"), table.text("ref"));
        let line = plan.notes.line_at(table.span.start);
        Some(Waiver { tag: tag?, on, about, reason: reason?, owner: owner?, reference, until: until?, line })
    });
    one.collect()
}

/// A subject in the one form in which subjects are compared. A partner is called as the plan calls it, which need not be a name.
fn subject(written: String, partners: &[Partner]) -> String {
    if partners.iter().any(|partner| partner.name == written) { written } else { compared(&written) }
}
