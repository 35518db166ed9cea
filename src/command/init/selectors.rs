//! The DKIM selectors of today: by names that are common, from a zone file, and from a mail that was signed.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use mail_parser::MessageParser;

use super::exchangers::{answer, both};
use crate::model::{DomainName, Value, visible};
use crate::probe::{Dns, RecordType, plain};
use crate::records::dkim::{Key, Material};
use crate::records::tags::TagList;
use crate::zonefile::Loaded;

/// Selectors to be tried, and who uses them if nobody chooses another.
const COMMON: &[(&str, &str)] = &[
    // https://support.google.com/a/answer/11611356
    ("google", "Google Workspace"),
    // What New-DkimSigningConfig of Exchange Online sets up.
    ("selector1", "Microsoft 365"),
    ("selector2", "Microsoft 365"),
    // https://www.fastmail.help/hc/en-us/articles/360060591153
    ("fm1", "Fastmail"),
    ("fm2", "Fastmail"),
    ("fm3", "Fastmail"),
    // https://domainsecurityscanner.com/guides/proton-mail
    ("protonmail", "Proton Mail"),
    ("protonmail2", "Proton Mail"),
    ("protonmail3", "Proton Mail"),
    // https://netdig.tools/tools/mailchimp-dns-records
    ("k1", "Mailchimp"),
    ("k2", "Mailchimp"),
    ("k3", "Mailchimp"),
    // https://rspamd.com/doc/modules/dkim_signing.html
    ("dkim", "rspamd"),
    // Nobody's in particular: what people choose.
    ("default", ""),
    ("mail", ""),
    ("s1", ""),
    ("s2", ""),
    ("dkim1", ""),
    ("key1", ""),
    ("key2", ""),
    ("smtp", ""),
    ("email", ""),
    ("selector", ""),
];

/// A label that nobody chooses: what answers here is a wildcard.
const NOBODYS: &str = "mail-cutover-no-such-selector";
/// So many selectors of a zone file, and so many signatures of a mail, are read.
const MOST: usize = 50;
/// The longest mail that is read, in octets.
pub(super) const LONGEST_MAIL: usize = 4 << 20;

/// What was found of one domain.
#[derive(Default)]
pub(super) struct Selectors {
    /// Those with a key that can be used, and where the name comes from.
    pub(super) usable: BTreeMap<String, Value>,
    /// What is to be said beside.
    pub(super) remarks: Vec<Value>,
}

/// A signature's domain and selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) domain: DomainName,
    pub(super) selector: String,
}

/// What a sample mail shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// Its signatures.
    pub(super) signatures: Vec<Signature>,
    /// The domain of its envelope sender.
    pub(super) return_path: Option<DomainName>,
}

/// Reads the header of a mail; nothing if it is none.
pub(super) fn read_sample(mail: &[u8]) -> Option<Sample> {
    let message = MessageParser::default().parse_headers(mail)?;
    let mut sample = Sample::default();
    for (name, value) in message.headers_raw() {
        if name.eq_ignore_ascii_case("DKIM-Signature") && sample.signatures.len() < MOST {
            let list = TagList::read(value.as_bytes());
            // White space may stand anywhere in a folded field (RFC 6376, section 3.2).
            let tag = |name: &str| list.value(name).map(|value| value.split_whitespace().collect::<String>());
            let domain = tag("d").and_then(|domain| DomainName::parse(&domain).ok());
            let selector = tag("s").and_then(|selector| DomainName::parse(&selector).ok());
            if let (Some(domain), Some(selector)) = (domain, selector)
                && selector.labels().all(|label| label != "_domainkey")
            {
                let signature = Signature { domain, selector: selector.to_string() };
                if !sample.signatures.contains(&signature) {
                    sample.signatures.push(signature);
                }
            }
        } else if name.eq_ignore_ascii_case("Return-Path") && sample.return_path.is_none() {
            let address = value.trim().trim_matches(['<', '>']);
            sample.return_path = address.rsplit_once('@').and_then(|(_, domain)| DomainName::parse(domain).ok());
        }
    }
    (message.headers_raw().next().is_some()).then_some(sample)
}

/// Looks for the selectors of `domain`.
pub(super) async fn selectors(dns: &Dns, domain: &DomainName, zones: &[Loaded], sample: Option<&Sample>) -> Selectors {
    let mut found = Selectors::default();
    let mut named: BTreeMap<String, Value> = BTreeMap::new();
    for (selector, whose) in COMMON {
        let whose = if whose.is_empty() { String::new() } else { format!(" ({whose})") };
        let where_from = Value::both(format!("a common name{whose}"), format!("よくある名前{whose}"));
        named.insert((*selector).to_owned(), where_from);
    }
    let mut guesses: BTreeSet<String> = named.keys().cloned().collect();
    for (path, selector) in in_zones(domain, zones) {
        guesses.remove(&selector);
        named.insert(selector, Value::both(format!("from {path}"), format!("{path} から")));
    }
    let signed = sample.iter().flat_map(|sample| &sample.signatures).filter(|signature| signature.domain == *domain);
    for signature in signed {
        guesses.remove(&signature.selector);
        let where_from = Value::both("the sample mail is signed with it", "見本のメールがこれで署名されている");
        named.insert(signature.selector.clone(), where_from);
    }
    let mut questions: Vec<(String, Option<Value>)> =
        named.into_iter().map(|(selector, from)| (selector, Some(from))).collect();
    questions.push((NOBODYS.to_owned(), None));
    let replies = join_all(questions.iter().map(|(selector, _)| {
        let name = format!("{selector}._domainkey.{domain}");
        answer(dns, name, RecordType::TXT)
    }))
    .await;
    let nobodys = replies.last().cloned().flatten().map(|reply| reply.texts()).unwrap_or_default();
    let mut unanswered = 0_usize;
    for ((selector, from), reply) in questions.into_iter().zip(replies) {
        let (Some(from), Some(reply)) = (from, reply) else { continue };
        let is_guess = guesses.contains(&selector);
        if !reply.is_definite() {
            unanswered += 1;
        }
        let texts = reply.texts();
        if is_guess && (texts.is_empty() || texts == nobodys) {
            continue;
        }
        match texts.iter().find_map(|text| Key::read(text).ok()) {
            Some(key) if key.material != Material::Revoked => drop(found.usable.insert(selector, from)),
            Some(_) => found.remarks.push(Value::both(
                format!("the key of {selector} at {domain} is revoked"),
                format!("{domain} の {selector} の鍵は失効している"),
            )),
            None if is_guess => {}
            None => {
                let [en, ja] = both(&from);
                found.remarks.push(Value::both(
                    format!("{selector} at {domain}: no key that can be used is published ({en})"),
                    format!("{domain} の {selector}: 使用できる鍵が公開されていない ({ja})"),
                ));
            }
        }
    }
    if unanswered > 0 {
        found.remarks.push(Value::both(
            format!("{domain}: {unanswered} DKIM selectors were not answered for"),
            format!("{domain}: DKIM セレクター {unanswered} 件に応答がない"),
        ));
    }
    found
}

/// The selectors that stand in zone files, and the files.
fn in_zones(domain: &DomainName, zones: &[Loaded]) -> Vec<(String, String)> {
    let end = format!("._domainkey.{domain}");
    let mut found: Vec<(String, String)> = Vec::new();
    for loaded in zones {
        for (owner, _, _) in loaded.zone.sets() {
            let name = plain(&owner.into());
            let selector = name.strip_suffix(&end).and_then(|selector| DomainName::parse(selector).ok());
            if let Some(selector) = selector
                && found.len() < MOST
            {
                found.push((visible(&loaded.path), selector.to_string()));
            }
        }
    }
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: the selectors that are really in use would not be found in a mail that shows them.
    #[test]
    fn signatures_of_a_mail() {
        let mail = "Return-Path: <bounce+1@News.example.co.jp>\r\nDKIM-Signature: v=1; a=rsa-sha256; d=example.\r\n co.jp;\r\n\ts=s2026;\r\n b=x\r\nDKIM-Signature: v=1; d=other.example; s=a.b\r\nDKIM-Signature: v=1; d=\"; s=x\r\nSubject: x\r\n\r\nDKIM-Signature: d=body.example; s=no\r\n";
        let sample = read_sample(mail.as_bytes()).unwrap();
        let told: Vec<String> =
            sample.signatures.iter().map(|signature| format!("{} {}", signature.domain, signature.selector)).collect();
        assert_eq!(told, ["example.co.jp s2026", "other.example a.b"]);
        assert_eq!(sample.return_path.unwrap().as_str(), "news.example.co.jp");
        assert_eq!(read_sample(b""), None);
    }
}
