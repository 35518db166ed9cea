//! Targets for texts that people and DNS hosts wrote: plans, zone files, records, certificates.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::LazyLock;

use super::{assert_shown, assert_visible};
use crate::catalogue::Catalogue;
use crate::check::ours_of;
use crate::command::{known, milestones};
use crate::model::{DomainName, Phase, visible};
use crate::plan::{self, Known, Plan};
use crate::probe::{Name, RData, Record, RecordType, presentation};
use crate::records::certificate::Chain;
use crate::records::spf::{self as terms, Kind, MacroString, Mechanism, Modifier};
use crate::records::tlsa::{Match, Tlsa};
use crate::records::{caa, dkim, dmarc, fault, mta_sts, received, tags, tls_rpt, tlsa};
use crate::spf::expand::{Scope, expand_name, expand_text, is_domain, name_of};
use crate::zonefile::{self, Found, Zone};

/// Looks like the key of a list: it must not be shown, wherever it stands.
pub(super) const KEY: &str = "abcdefgh23456789ijklmnop";

/// Every name that the catalogue has; the only file there is holds a certificate.
static KNOWN: LazyLock<Known<'static>> =
    LazyLock::new(|| Known { read_file: Some(file), ..known(Catalogue::embedded()) });

fn file(path: &Path) -> io::Result<Vec<u8>> {
    match path.extension() {
        Some(ending) if ending == "pem" => Ok(include_bytes!("../../config/sample-certificate.pem").to_vec()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// A plan: what is refused is told at its place and without keys, and what is accepted can be worked with.
pub fn plan(data: &[u8]) {
    match plan::parse_bytes(data, "plan.toml", &KNOWN) {
        Ok(plan) => accepted(&plan),
        Err(problems) => {
            assert!(!problems.all.is_empty());
            for problem in problems.all.iter().take(40) {
                assert!(problem.span.start <= problem.span.end, "{problem:?}");
                assert!(problems.line_of(problem) >= 1);
            }
            let shown = problems.render(false);
            assert_shown(&shown.replace('\t', " "));
            assert!(!shown.contains(KEY), "{shown}");
            let _ = problems.render(true);
        }
    }
}

fn accepted(plan: &Plan) {
    assert!(!plan.domains.is_empty() && !plan.new.is_empty());
    assert!(plan.overlap_ends() >= plan.cutover_at);
    for phase in [Phase::Before, Phase::After] {
        let told = milestones(plan, phase, &[], &[]);
        assert!(told.is_sorted_by_key(|milestone| milestone.at), "{told:?}");
    }
    for domain in &plan.domains {
        let _ = (plan.planned_mx(domain), plan.planned_hosts(domain), plan.said_mx(domain));
    }
    assert!(plan.mail_hosts().contains(&plan.hostname));
    assert!(plan.given_up().iter().all(|ip| plan.new.iter().all(|address| address.ip != *ip)));
    assert!(!format!("{plan:?}{:?}", ours_of(plan)).is_empty());
}

/// A zone file: what is loaded can be asked, and what is written anew from it says the same.
pub fn zone(data: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join("zone");
    if std::fs::write(&path, data).is_err() {
        return;
    }
    for origin in [None, Some("example.co.jp")] {
        match zonefile::load(&path, origin) {
            Err(error) => assert_visible(&visible(&error.to_string())),
            Ok(loaded) => {
                assert_eq!(loaded.sha256.len(), 64);
                asked(&loaded.zone);
                let again = folder.path().join("again");
                let written = written(&loaded.zone);
                if written.is_empty() || std::fs::write(&again, &written).is_err() {
                    continue;
                }
                let name = Name::from(loaded.zone.origin().clone()).to_ascii();
                let zone = zonefile::load(&again, Some(&name)).map(|loaded| loaded.zone);
                let zone = zone.unwrap_or_else(|error| panic!("{error} in {written}"));
                assert_eq!(self::written(&zone), written);
            }
        }
    }
}

fn asked(zone: &Zone) {
    for (owner, rtype, records) in zone.sets() {
        assert!(!records.is_empty() && zone.origin().zone_of(owner));
        assert!(records.iter().all(|record| record.ttl == records[0].ttl), "{records:?}");
        let name = Name::from(owner.clone());
        assert_ne!(zone.find(&name, rtype), Found::NxDomain, "{owner} {rtype}");
        let _ = (zone.glue(&name), zone.find(&name, RecordType::ANY));
        if let Ok(below) = name.prepend_label("fuzz") {
            let _ = zone.find(&below, rtype);
        }
        for record in records {
            assert_visible(&visible(&presentation(record)));
            if let RData::TXT(text) = &record.data {
                records_of(&text.txt_data.concat());
            }
        }
    }
    let _ = zone.negative();
}

/// The records that can be written without escapes, a line each.
fn written(zone: &Zone) -> String {
    let plain = |name: &Name| {
        let text = name.to_ascii();
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b'*');
        (text.bytes().all(fits) && name.is_fqdn()).then_some(text)
    };
    let line = |record: &Record| {
        let data = match &record.data {
            RData::A(a) => a.to_string(),
            RData::AAAA(aaaa) => aaaa.to_string(),
            RData::NS(name) => plain(&name.0)?,
            RData::PTR(name) => plain(&name.0)?,
            RData::MX(mx) => format!("{} {}", mx.preference, plain(&mx.exchange)?),
            RData::SRV(srv) => format!("{} {} {} {}", srv.priority, srv.weight, srv.port, plain(&srv.target)?),
            _ => return None,
        };
        Some(format!("{} {} {} {data}\n", plain(&record.name)?, record.ttl, record.record_type()))
    };
    zone.sets().iter().flat_map(|(_, _, records)| records.iter().filter_map(line)).collect()
}

/// An SPF record: what is understood can be written anew, and what is not is told at its place.
pub fn spf(data: &[u8]) {
    let _ = terms::select(&[data]);
    if let Ok(text) = MacroString::explanation(data) {
        expanded(&text);
    }
    let record = match terms::Record::parse(data) {
        Ok(record) => record,
        Err(faults) => {
            assert!((1..=32).contains(&faults.faults.len()), "{}", faults.faults.len());
            for fault in &faults.faults {
                assert!(fault.span.start <= fault.span.end && fault.span.end <= data.len(), "{fault:?}");
                assert_value(&fault.reason.why());
            }
            return;
        }
    };
    assert_eq!(record.text.as_bytes(), data);
    for term in &record.terms {
        assert_eq!(&record.text[term.span.clone()], term.text);
        match &term.kind {
            Kind::Directive(_, Mechanism::Include(spec) | Mechanism::Exists(spec)) => expanded(spec),
            Kind::Directive(
                _,
                Mechanism::A(Some(spec), _) | Mechanism::Mx(Some(spec), _) | Mechanism::Ptr(Some(spec)),
            ) => {
                expanded(spec);
            }
            Kind::Modifier(Modifier::Redirect(spec) | Modifier::Explanation(spec)) => expanded(spec),
            _ => {}
        }
    }
    let _ = (record.redirect(), record.explanation());
    let ips: [IpAddr; 2] = [[203, 0, 113, 25].into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x25].into()];
    let more = reread(&record.allowing(&ips, None));
    for ip in ips {
        let own = format!("{}:{ip}", if ip.is_ipv4() { "ip4" } else { "ip6" });
        assert_eq!(more.terms.iter().filter(|term| term.text == own).count(), 1, "{}", more.text);
    }
    let less = more.without(&ips).map(|text| reread(&text));
    assert!(less.is_some_and(|less| less.without(&ips).is_none()), "{}", more.text);
}

fn reread(text: &str) -> terms::Record {
    terms::Record::parse(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// What macros become of a client that says strange things.
fn expanded(spec: &MacroString) {
    let scope = |domain, ip: [u16; 8], helo| Scope {
        sender: "a.b-c+d%{s}@\u{e9}.example",
        local_part: "a.b-c+d%{s}",
        sender_domain: "\u{e9}.example",
        domain,
        ip: ip.into(),
        validated: "unknown",
        helo,
        receiver: "mx.example",
        at: -1,
    };
    let long = "a.".repeat(126);
    let scopes = [
        scope("example.co.jp", [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], "..[x] \u{1b}"),
        scope(&long, [0; 8], ""),
        scope("", [0; 8], "."),
    ];
    for scope in &scopes {
        let name = expand_name(spec, scope);
        assert!(name.len() <= 253 || !name.contains('.'), "{} octets", name.len());
        if let Some(asked) = name_of(&name) {
            assert!(asked.len() <= 255, "{asked}");
        }
        let _ = is_domain(&name);
        assert!(expand_text(spec, scope).chars().count() <= 2048);
    }
}

/// Everything else that a TXT or CAA record may be, a policy of MTA-STS, and the head of a message.
pub fn records(data: &[u8]) {
    records_of(data);
    let _ = mta_sts::Policy::read(data).map(|policy| {
        // A year, by RFC 8461, section 3.2.
        assert!(policy.hosts.len() <= 100 && policy.max_age <= 31_557_600, "{policy:?}");
        assert!(!policy.hosts.is_empty() || policy.mode == mta_sts::Mode::None);
        let _ = policy.covers("mail.example.co.jp");
    });
    let properties = ["issue", "issuewild", "IODEF", "x"].map(|tag| caa::Property {
        critical: data.len() % 2 == 1,
        tag: tag.to_owned(),
        value: data.to_vec(),
    });
    let policy = caa::Policy::of(&properties);
    match caa::Issuer::read(data) {
        Some(issuer) => assert_eq!(policy.issue, Some(issuer.domain.into_iter().collect())),
        // What cannot be read allows nobody.
        None => assert_eq!((policy.issue, policy.malformed.len()), (Some(Vec::new()), 2)),
    }
    let hops = received::hops(data);
    assert!(hops.len() <= 100, "{} fields", hops.len());
}

/// The records that are lists of tags, and SPF's.
fn records_of(data: &[u8]) {
    let list = tags::TagList::read(data);
    for tag in list.tags.iter().take(50) {
        assert!(tag.span.start < tag.span.end && tag.span.end <= data.len(), "{tag:?}");
        assert!(list.value(&tag.name).is_some(), "{tag:?}");
    }
    match dkim::Key::read(data) {
        Ok(key) => {
            let _ = (key.takes_sha256(), key.is_for_mail(), key.is_testing());
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            assert_value(&fault::tell(&faults));
        }
    }
    let texts = [data];
    let selection = dmarc::select(&texts);
    assert!(selection.records.len() + selection.ignored.len() <= 1);
    let record = dmarc::Record::read(data);
    assert!(record.reports.len() <= 20 && record.faults.is_sorted_by_key(|fault| fault.span.start));
    assert_value(&fault::tell(&record.faults));
    assert_value(&fault::tell(&[dmarc::why_ignored(data)]));
    let _ = (record.applied(true), record.applied(false));
    if mta_sts::is_record(data)
        && let Ok(id) = mta_sts::read_record(data)
    {
        assert!((1..=32).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_alphanumeric()));
    }
    let _ = tls_rpt::policies(&[data.to_vec()]);
    assert_value(&tls_rpt::TlsRpt::read(data).faults_told());
    if !terms::select(&[data]).is_empty() {
        spf(data);
    }
}

fn assert_value(value: &crate::model::Value) {
    assert_visible(value.in_lang(crate::model::Lang::En));
    assert_visible(value.in_lang(crate::model::Lang::Ja));
}

/// Certificates in PEM and in DER, and TLSA records: the record that we recommend for a certificate fits it.
pub fn certificates(data: &[u8]) {
    let host = "mail.example.co.jp";
    let Ok(host) = DomainName::parse(host) else { return };
    for chain in [Chain::read(data), Chain::presented(&[data.to_vec()])].into_iter().flatten() {
        let _ = (chain.leaf.covers(&host), format!("{chain:?}"));
        let own = tlsa::recommended(&chain.leaf);
        assert_eq!(own.unusable(), None);
        assert_eq!(tlsa::compare(&[own], &chain, &host, &[]), Match::Yes);
        if let [usage, selector, matching, rest @ ..] = data {
            let other = Tlsa { usage: *usage, selector: *selector, matching: *matching, data: rest.to_vec() };
            let _ = tlsa::compare(&[other], &chain, &host, std::slice::from_ref(&host));
        }
    }
    if let [usage, selector, matching, rest @ ..] = data {
        let record = Tlsa { usage: *usage, selector: *selector, matching: *matching, data: rest.to_vec() };
        assert_visible(&record.to_string());
        if record.unusable().is_none() {
            assert!(matches!(record.usage, 2 | 3) && record.selector < 2 && record.matching < 3, "{record}");
        }
    }
}
