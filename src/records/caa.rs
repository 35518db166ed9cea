//! CAA properties: who may issue certificates for a name, and under which conditions (RFC 8659, RFC 8657).

/// The properties that are registered with IANA; a certification authority that does not know a critical one must refuse.
const KNOWN: [&str; 7] = ["issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"];

/// One record, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Whoever does not understand it must not issue (RFC 8659, section 4.1).
    pub critical: bool,
    /// The property's name, as written; its case means nothing.
    pub tag: String,
    /// Its value.
    pub value: Vec<u8>,
}

/// What `issue` and `issuewild` hold (RFC 8659, section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The authority's domain in lower case; nothing means that nobody is allowed by this record.
    pub domain: Option<String>,
    /// The parameters in their order, as written: the name, and the value.
    pub parameters: Vec<(String, String)>,
}

/// What all records of a name say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Who may issue certificates without a wildcard; nothing if everybody may, empty if nobody.
    pub issue: Option<Vec<String>>,
    /// Who may issue those with a wildcard, where that is said apart.
    pub wildcard: Option<Vec<String>>,
    /// The records that bind an issuer to accounts or methods (RFC 8657), as written.
    pub bound: Vec<String>,
    /// Values that break the grammar; such a record allows nobody (RFC 8659, section 4.2).
    pub malformed: Vec<String>,
    /// Critical properties that nothing defines.
    pub critical: Vec<String>,
}

impl Issuer {
    /// Reads a value of `issue` or `issuewild`; nothing if it breaks the grammar.
    pub fn read(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii())?;
        let (domain, rest) = text.split_once(';').unwrap_or((text, ""));
        let domain = trim(domain).to_ascii_lowercase();
        if !domain.is_empty() && !domain.split('.').all(is_label) {
            return None;
        }
        let parts = rest.split(';').map(trim).filter(|part| !part.is_empty());
        let parameters = parts.map(|part| {
            let (name, value) = part.split_once('=')?;
            let (name, value) = (trim(name), trim(value));
            // Everything visible but the semicolon, which cannot be there any more.
            (is_label(name) && value.bytes().all(|octet| octet.is_ascii_graphic()))
                .then(|| (name.to_owned(), value.to_owned()))
        });
        let parameters = parameters.collect::<Option<_>>()?;
        Some(Self { domain: Some(domain).filter(|domain| !domain.is_empty()), parameters })
    }

    /// Whether certificates are bound to an account or a method (RFC 8657, sections 3 and 4).
    fn is_bound(&self) -> bool {
        let binds =
            |name: &str| ["accounturi", "validationmethods"].iter().any(|known| name.eq_ignore_ascii_case(known));
        self.parameters.iter().any(|(name, _)| binds(name))
    }
}

impl Policy {
    /// What `records` say together.
    pub fn of(records: &[Property]) -> Self {
        let mut policy = Self::default();
        for record in records {
            let tag = record.tag.to_ascii_lowercase();
            if record.critical && !KNOWN.contains(&tag.as_str()) {
                policy.critical.push(record.tag.clone());
            }
            let allowed = match tag.as_str() {
                "issue" => policy.issue.get_or_insert_default(),
                "issuewild" => policy.wildcard.get_or_insert_default(),
                _ => continue,
            };
            let written = || format!("{tag} \"{}\"", String::from_utf8_lossy(&record.value));
            let Some(issuer) = Issuer::read(&record.value) else {
                policy.malformed.push(written());
                continue;
            };
            if issuer.domain.is_some() && issuer.is_bound() {
                policy.bound.push(written());
            }
            allowed.extend(issuer.domain);
        }
        policy
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Letters, digits and inner hyphens.
fn is_label(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(tag: &str, value: &str) -> Property {
        Property { critical: false, tag: tag.to_owned(), value: value.as_bytes().to_vec() }
    }

    /// Lost if it fails: the new host's authority would be missing from the list, or a stranger be on it.
    #[test]
    fn issuers_are_read() {
        let read = |text: &str| Issuer::read(text.as_bytes());
        let bare = |domain: &str| Some(Issuer { domain: Some(domain.to_owned()), parameters: Vec::new() });
        assert_eq!(read("letsencrypt.org"), bare("letsencrypt.org"));
        assert_eq!(read(" CA1.Example ; "), bare("ca1.example"));
        for nobody in [";", "", " ; ;"] {
            assert_eq!(read(nobody), Some(Issuer { domain: None, parameters: Vec::new() }), "{nobody:?}");
        }
        let bound = read("ca.example; accounturi=https://ca.example/acct/1?a=b; ValidationMethods=dns-01").unwrap();
        assert_eq!(bound.parameters[0].1, "https://ca.example/acct/1?a=b");
        assert!(bound.is_bound());
        assert!(!read("ca.example; policy=ev").unwrap().is_bound());
        for broken in
            ["%%%", "a b.example", "ca..example", "-a.example", "ca.example; policy", "ca.example; a=b c", "日本"]
        {
            assert_eq!(read(broken), None, "{broken}");
        }
        assert_eq!(Issuer::read(&[0xff]), None);
    }

    /// Lost if it fails: "nobody" would be said where another record allows somebody, or everybody where nobody is allowed.
    #[test]
    fn records_are_judged_together() {
        let of = |records: &[Property]| Policy::of(records);
        assert_eq!(of(&[property("iodef", "mailto:a@example.jp")]), Policy::default());
        let both = of(&[property("issue", ";"), property("ISSUE", "ca.example"), property("issuewild", ";")]);
        assert_eq!(both.issue.as_deref(), Some(&["ca.example".to_owned()][..]));
        assert_eq!(both.wildcard.as_deref(), Some(&[][..]));
        assert_eq!(of(&[property("issue", ";")]).issue.as_deref(), Some(&[][..]));
        let broken = of(&[property("issue", "%%")]);
        assert_eq!((broken.issue.as_deref(), broken.malformed.len()), (Some(&[][..]), 1));
        let odd = Property { critical: true, ..property("tbs", "x") };
        assert_eq!(of(&[odd, Property { critical: true, ..property("issue", "ca.example") }]).critical, ["tbs"]);
    }
}
