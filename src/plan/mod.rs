//! The plan: TOML text in, a valid plan or all its problems out. No file and no environment is touched here.

mod addresses;
mod dnsbl;
mod expected;
mod keys;
mod places;
mod problem;
mod reader;
mod secrets;
mod sections;
mod smtp;
mod types;

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use sha2::{Digest, Sha256};
use toml::de::DeTable;

pub use addresses::{special_purpose, stays_inside};
pub use keys::schema;
pub use problem::{Problem, Problems};
pub use types::{
    AddedList, Address, After, Attestation, Auth, Detour, DnsPlan, Dnsbl, InboundDnsbl, ListFamily, ListWeight, Mx,
    Partner, Plan, Receivers, Resolver, Rollback, Sample, Service, Smtp,
};

use crate::model::{DomainName, Side};
use reader::{Notes, Reader};

/// The longest plan that is read, in octets.
pub const LONGEST_PLAN: usize = 1 << 20;

/// The longest file that a plan can name, in octets.
pub const LONGEST_FILE: usize = 1 << 20;

/// How a file that a plan names is read; a longer one than [`LONGEST_FILE`] is an error.
pub type ReadFile = fn(&Path) -> std::io::Result<Vec<u8>>;

/// The names that a plan may use, and how its files are read.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// Ids of blocklists.
    pub lists: Vec<&'a str>,
    /// Those of them that no run can ask: out of service, or not in the DNS.
    pub unasked: Vec<&'a str>,
    /// Zones of blocklists, and their ids.
    pub zones: Vec<(&'a str, &'a str)>,
    /// Zones below which names have a key in them, and the names of those keys.
    pub key_zones: Vec<(&'a str, &'a str)>,
    /// Names of keys that blocklists can be asked with.
    pub keys: Vec<&'a str>,
    /// Named sets of blocklists.
    pub sets: Vec<&'a str>,
    /// Ids of providers.
    pub providers: Vec<&'a str>,
    /// Ids of checks, and tags.
    pub tags: Vec<&'a str>,
    /// Ids of receivers.
    pub receivers: Vec<&'a str>,
    /// The folder from which the paths in the plan are taken.
    pub folder: PathBuf,
    /// Reads a file that the plan names; without it no such file can be read.
    pub read_file: Option<ReadFile>,
}

/// Reads a plan from the octets of a file. `path` is only shown.
///
/// # Errors
/// As [`parse`]; also when the file is no text, or too long.
pub fn parse_bytes(bytes: &[u8], path: &str, known: &Known<'_>) -> Result<Plan, Problems> {
    if bytes.len() > LONGEST_PLAN {
        let message = format!("the file is longer than {} KiB, so it is no plan", LONGEST_PLAN / 1024);
        return Err(Problems::of_file(path, &message, "give the plan's own file; config/plan.minimal.toml shows one"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => {
            let plan = parse(text.strip_prefix('\u{feff}').unwrap_or(text), path, known)?;
            // The fingerprint is that of the file, as other tools print it.
            Ok(Plan { sha256: fingerprint(bytes), ..plan })
        }
        Ok(_) => Err(no_text(bytes, bytes.iter().position(|byte| *byte == 0).unwrap_or_default(), path)),
        Err(error) => Err(no_text(bytes, error.valid_up_to(), path)),
    }
}

/// What is said of a file that is not in UTF-8 from the octet `at` on. Editors on Windows save UTF-16 under the name Unicode, and
/// Japanese ones Shift_JIS (code page 932) under the name ANSI.
fn no_text(bytes: &[u8], at: usize, path: &str) -> Problems {
    let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0);
    let (what, help) = if is_utf16 {
        (
            "the file is not a text in UTF-8, so it is no plan: it looks like UTF-16 (\"Unicode\" in Windows)"
                .to_owned(),
            "save the plan as UTF-8",
        )
    } else {
        (
            format!(
                "the file is not a text in UTF-8, so it is no plan: line {line} has an octet that UTF-8 does not have"
            ),
            "save the plan as UTF-8; a Japanese editor may have saved it as Shift_JIS (\"ANSI\"): iconv -f CP932 -t UTF-8 converts it",
        )
    };
    Problems::of_file(path, &what, help)
}

/// Reads a plan. `path` is only shown.
///
/// # Errors
/// All problems of the text, each at its place; a text that is no TOML has problems of its syntax only.
pub fn parse(text: &str, path: &str, known: &Known<'_>) -> Result<Plan, Problems> {
    let notes = Notes::of(text);
    let (document, faults) = DeTable::parse_recoverable(text);
    for fault in &faults {
        notes.add(fault.span().unwrap_or(0..0), crate::model::visible(fault.message()), "");
    }
    // What follows a fault of syntax is guesswork: its problems would mislead.
    let plan = if faults.is_empty() { read(document.get_ref(), text, path, known, &notes) } else { None };
    let problems = notes.problems.take();
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => {
            let mut masked = notes.masked.take();
            masked.extend(secrets::key_like(text));
            if !faults.is_empty() {
                masked.extend(secrets::likely(text, &known.keys));
            }
            Err(Problems::new(path, text, problems, masked))
        }
    }
}

/// SHA-256, hexadecimal.
fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(document: &DeTable<'_>, text: &str, path: &str, known: &Known<'_>, notes: &Notes) -> Option<Plan> {
    let plan = Reader::open(document, 0..0, "", notes);
    let help = "write cutover_at = 2026-12-05T22:00:00+09:00";
    let cutover_at = plan.require("cutover_at", plan.time("cutover_at"), help);
    let domains = plan.require("domains", plan.names("domains"), "write domains = [\"example.co.jp\"]");
    if let (Some([]), Some(value)) = (domains.as_deref(), plan.value("domains"))
        && value.get_ref().as_array().is_some_and(|items| items.is_empty())
    {
        notes.add(value.span(), "`domains` is empty", "write the mail domains that move");
    }
    let hostname = plan.require("hostname", plan.name("hostname"), "write hostname = \"mail.example.co.jp\"");
    if let (Some(name), Some(value)) = (&hostname, plan.value("hostname"))
        && !name.is_host_name()
    {
        notes.add(
            value.span(),
            format!("{name} is not the name of a host"),
            "write a full name such as \"mail.example.co.jp\"",
        );
    }
    // Addresses are read even without a host name, so that their problems are seen too.
    let stand_in = hostname.clone().or_else(|| DomainName::parse("hostname.invalid").ok())?;
    let side = |key: &'static str, side| {
        let section = plan.require(key, plan.table(key, key), &format!("write [{key}] and ips = [\"…\"]"));
        let addresses = section.as_ref().map_or_else(Vec::new, |section| addresses::read(side, section, &stand_in));
        (section, addresses)
    };
    let (_, old) = side("old", Side::Old);
    let (new_section, new) = side("new", Side::New);
    let certificate = new_section.as_ref().and_then(|section| sections::certificates(section, "certificate", known));
    let provider = new_section.and_then(|section| {
        let written = section.text("provider")?;
        sections::among("provider", &written, section.value("provider")?.span(), &known.providers, notes)
    });
    let section = |key: &'static str| plan.value(key).and_then(|_| plan.table(key, key));
    let inbound_dnsbl =
        section("inbound_dnsbl").as_ref().map(|section| sections::inbound(section, known)).unwrap_or_default();
    let must_cover = plan.texts("must_cover", "a list of checks in quotes").unwrap_or_default();
    let plan = Plan {
        path: path.to_owned(),
        sha256: fingerprint(text.as_bytes()),
        change: plan.text("change"),
        title: plan.text("title"),
        overlap: plan.duration("overlap").unwrap_or_else(|| TimeDelta::days(7)),
        provider,
        certificate,
        mx: sections::mx(&plan),
        dns: section("dns").as_ref().map(sections::dns).unwrap_or_default(),
        https: section("https").as_ref().map(|section| sections::https(section, known)).unwrap_or_default(),
        auth: section("auth").as_ref().map(sections::auth).unwrap_or_default(),
        smtp: section("smtp")
            .as_ref()
            .map(|section| smtp::read(section, known, domains.as_deref().unwrap_or_default()))
            .unwrap_or_default(),
        dnsbl: section("dnsbl").as_ref().map(|section| dnsbl::read(section, known)).unwrap_or_default(),
        receivers: section("receivers").as_ref().map(|section| sections::receivers(section, known)).unwrap_or_default(),
        after: section("after").as_ref().map(|section| sections::after(section, known)).unwrap_or_default(),
        attest: sections::attest(&plan),
        rollback: section("rollback").as_ref().and_then(|section| sections::rollback(section, known)),
        waivers: sections::waivers(&plan, &inbound_dnsbl.partners),
        inbound_dnsbl,
        lines: places::lines(document, notes),
        must_cover: must_cover
            .into_iter()
            .filter_map(|(span, word)| sections::among("check or tag", &word, span, &known.tags, notes))
            .collect(),
        cutover_at: cutover_at?,
        domains: domains?,
        hostname: hostname?,
        old,
        new,
        files: Vec::new(),
    };
    // Known when every section has been read.
    Some(Plan { files: notes.files.take(), ..plan })
}
