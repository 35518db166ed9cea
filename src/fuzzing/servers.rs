//! Targets for the configurations of mail servers. What is predicted without any fact must hold under all of them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use super::assert_visible;
use crate::dnsbl::Lookup;
use crate::inbound::{Caller, Exim, Existence, Facts, Fate, Judgement, Naming, Policy, Postfix, subject};
use crate::model::{DomainName, Lang};

/// What stands before the name of another file in the input, on a line of its own.
pub(super) const FILE: &str = "=== ";
/// The names that other files may have.
const BESIDE: [&str; 5] = ["master.cf", "access", "replies", "hosts", "more.conf"];

/// main.cf, and master.cf and tables behind it.
pub fn postfix(data: &[u8]) {
    let Some(folder) = folder(data, "main.cf") else { return };
    match Postfix::open(&folder.path().join("main.cf"), None) {
        Ok(postfix) => judged(&Policy::Postfix(postfix.into())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// exim4.conf, and the files that it names behind it.
pub fn exim(data: &[u8]) {
    let Some(folder) = folder(data, "exim4.conf") else { return };
    match Exim::read(&folder.path().join("exim4.conf")) {
        Ok(exim) => judged(&Policy::Exim(exim.into())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The files of the input in a folder; `{dir}` in them is that folder.
fn folder(data: &[u8], first: &str) -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().ok()?;
    let text = String::from_utf8_lossy(data);
    let mut name = first;
    let mut files: HashMap<&str, String> = HashMap::new();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix(FILE).and_then(|rest| BESIDE.into_iter().find(|known| *known == rest.trim_end())) {
            Some(other) => name = other,
            None => files.entry(name).or_default().push_str(line),
        }
    }
    for (name, text) in files {
        let path: &Path = folder.path();
        std::fs::write(path.join(name), text.replace("{dir}", &path.display().to_string())).ok()?;
    }
    Some(folder)
}

fn judged(policy: &Policy) {
    for unjudged in policy.unjudged() {
        assert_visible(&unjudged.written);
    }
    for bare in policy.bare_rules() {
        assert_visible(&bare.rule.written);
        assert_visible(&bare.corrected);
    }
    for caller in callers() {
        let blind = policy.judge(&caller, &Facts::default());
        shown(&blind);
        assert_eq!(policy.judge(&caller, &Facts::default()), blind, "two answers to one question");
        for facts in worlds(policy, &caller) {
            let told = policy.judge(&caller, &facts);
            shown(&told);
            match (&blind.fate, &told.fate) {
                (Fate::Unknown { .. }, _) => {}
                (Fate::Accepted, Fate::Accepted) => {}
                (Fate::Refused(one), Fate::Refused(other)) if one.is_temporary() == other.is_temporary() => {}
                (blind, told) => panic!("nothing was known, and yet {blind:?}; then {told:?} of {facts:?}"),
            }
        }
    }
}

fn callers() -> [Caller; 3] {
    let caller = |ip: IpAddr, helo: Option<&str>, sender: Option<&str>| Caller {
        ip,
        helo: helo.map(str::to_owned),
        sender: sender.and_then(|sender| DomainName::parse(sender).ok()),
    };
    [
        caller([198, 51, 100, 7].into(), Some("mail.partner.example"), Some("partner.example")),
        caller([0x2001, 0xdb8, 7, 0, 0, 0, 0, 7].into(), Some("[198.51.100.7]"), None),
        caller([198, 51, 100, 8].into(), Some("\u{1b}[2J"), Some("other.example")),
    ]
}

/// Everything that a policy may want to know, answered: all good, and all bad.
fn worlds(policy: &Policy, caller: &Caller) -> [Facts; 2] {
    let name = DomainName::parse("mail.partner.example").ok();
    let helo = caller.helo.as_deref().and_then(|helo| DomainName::parse(helo).ok());
    let named = name.iter().chain(&caller.sender).chain(&helo).cloned().collect::<Vec<_>>();
    [true, false].map(|good| {
        let mut facts = Facts::default();
        let naming = match &name {
            Some(name) if good => Naming::Confirmed(name.clone()),
            _ => Naming::Nameless,
        };
        facts.names.insert(caller.ip, naming);
        for domain in named.iter().chain(policy.asked_hosts()) {
            facts.domains.insert(domain.clone(), if good { Existence::Exists } else { Existence::Missing });
            facts.addresses.insert(domain.clone(), Some(if good { vec![caller.ip] } else { Vec::new() }));
        }
        let lookup = |last| {
            if good { Lookup::Absent } else { Lookup::Addresses(vec![Ipv4Addr::new(127, 0, 0, last)]) }
        };
        for asked in policy.asked_zones() {
            if let Some(target) = subject(asked.about, caller, &facts) {
                facts.zones.insert((asked.zone, target), lookup(2));
            }
        }
        for (zone, target) in policy.asked_always() {
            facts.zones.insert((zone.clone(), target.clone()), lookup(3));
        }
        facts
    })
}

/// Everything in a prediction is safe to show.
fn shown(judgement: &Judgement) {
    let mut fate = &judgement.fate;
    let mut depth = 0;
    while let Fate::Unknown { why, then } = fate {
        assert_visible(why.in_lang(Lang::En));
        assert_visible(why.in_lang(Lang::Ja));
        fate = then;
        depth += 1;
        assert!(depth < 100, "an unknown in an unknown without end");
    }
    let refused = match fate {
        Fate::Refused(refusal) => Some(refusal),
        _ => None,
    };
    for refusal in refused.into_iter().chain(&judgement.only_logged) {
        for text in [&refusal.text, &refusal.rule.section, &refusal.rule.written].into_iter().chain(&refusal.rule.zone)
        {
            assert_visible(text);
        }
        assert!((200..600).contains(&refusal.reply), "{}", refusal.reply);
    }
}
