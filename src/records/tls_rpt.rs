//! The SMTP TLS reporting policy: where reports go (RFC 8460, section 3).

use super::tags::TagList;
use crate::model::{DomainName, Value};

/// The version, case-sensitive, as the first field.
const VERSION: &[u8] = b"v=TLSRPTv1";

/// So many mistakes are told.
const TOLD: usize = 3;

/// A policy, with all its mistakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsRpt {
    /// Where reports go, in order; what is no destination is among the faults.
    pub destinations: Vec<Destination>,
    /// What breaks the grammar; senders may drop a policy that has any.
    pub faults: Vec<TlsRptFault>,
}

/// Where reports go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To a mailbox in this domain.
    Mailto(DomainName),
    /// To a web server at this host; nothing if the host is written as an address.
    Https(Option<DomainName>),
}

/// A mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsRptFault {
    /// A field that is no `name=value`, or stands twice; its first octet.
    Field(String, usize),
    /// No `rua`.
    NoRua,
    /// A destination that is neither `mailto:` nor `https:`, or cannot be read.
    Destination(String),
}

impl TlsRptFault {
    /// What is wrong, in English and in Japanese.
    fn phrases(&self) -> (String, String) {
        match self {
            Self::Field(text, at) => (
                format!("\"{text}\" (octet {}) is no field, or stands twice", at + 1),
                format!("「{text}」 ({} オクテット目) がフィールドの形でないか、重複している", at + 1),
            ),
            Self::NoRua => ("rua is missing".to_owned(), "rua がない".to_owned()),
            Self::Destination(text) => (
                format!("\"{text}\" is neither a mailto: nor an https: address"),
                format!("「{text}」が mailto: でも https: でもない"),
            ),
        }
    }
}

/// The policies among the TXT records of a name: those that begin with the version. Any other number than one means that there
/// is no policy.
pub fn policies(texts: &[Vec<u8>]) -> Vec<&[u8]> {
    let begins = |text: &&[u8]| {
        let rest = text.strip_prefix(VERSION).map(<[u8]>::trim_ascii_start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b";"))
    };
    texts.iter().map(Vec::as_slice).filter(begins).collect()
}

impl TlsRpt {
    /// The first mistakes, as one value for a text.
    pub fn faults_told(&self) -> Value {
        let (en, ja): (Vec<String>, Vec<String>) = self.faults.iter().take(TOLD).map(TlsRptFault::phrases).unzip();
        Value::both(en.join("; "), ja.join("、"))
    }

    /// Reads one policy.
    pub fn read(record: &[u8]) -> Self {
        let list = TagList::read(record);
        let mut policy = Self { destinations: Vec::new(), faults: Vec::new() };
        policy.faults.extend(list.faults.iter().map(|fault| TlsRptFault::Field(fault.text.clone(), fault.at)));
        // Names of fields are case-sensitive here.
        let rua = list.tags.iter().find(|tag| tag.name == "rua").map_or("", |tag| tag.value.as_str());
        if rua.is_empty() {
            policy.faults.push(TlsRptFault::NoRua);
        }
        for written in rua.split(',').map(str::trim).filter(|_| !rua.is_empty()) {
            match Destination::read(written) {
                Some(destination) => policy.destinations.push(destination),
                None => policy.faults.push(TlsRptFault::Destination(written.to_owned())),
            }
        }
        policy
    }
}

impl Destination {
    /// Reads a URI; a comma, a semicolon or an exclamation mark in it must be percent-encoded.
    fn read(uri: &str) -> Option<Self> {
        if uri.contains(|c: char| c.is_whitespace() || c.is_control() || c == '!') {
            return None;
        }
        let (scheme, rest) = uri.split_once(':')?;
        if scheme.eq_ignore_ascii_case("mailto") {
            let address = rest.split('?').next()?;
            let (local, domain) = address.rsplit_once('@')?;
            return (!local.is_empty()).then(|| DomainName::parse(domain).ok().map(Self::Mailto))?;
        }
        if !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        let authority = rest.strip_prefix("//")?.split(['/', '?', '#']).next()?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if host.starts_with('[') {
            return Some(Self::Https(None));
        }
        let host = host.split(':').next().filter(|host| !host.is_empty())?;
        match DomainName::parse(host) {
            Ok(name) => Some(Self::Https(Some(name))),
            Err(_) => host.parse::<std::net::Ipv4Addr>().ok().map(|_| Self::Https(None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
    }

    /// Lost if it fails: a policy that senders follow would be called broken, or its destinations overlooked.
    #[test]
    fn sound_policies_are_read() {
        let policy = TlsRpt::read(b"v=TLSRPTv1; rua=mailto:a@Example.jp?x=1, https://u@tls.example.jp:8443/v1?a=b;");
        assert_eq!(policy.faults, []);
        assert_eq!(
            policy.destinations,
            [Destination::Mailto(name("example.jp")), Destination::Https(Some(name("tls.example.jp")))]
        );
        let address = TlsRpt::read(b"v=TLSRPTv1;rua=https://[2001:db8::1]/,https://192.0.2.25/;x=y");
        assert_eq!((address.destinations.len(), address.faults), (2, vec![]));
    }

    /// Lost if it fails: a policy that senders drop would pass.
    #[test]
    fn mistakes_are_told() {
        let faults = |text: &str| TlsRpt::read(text.as_bytes()).faults;
        assert_eq!(faults("v=TLSRPTv1;"), [TlsRptFault::NoRua]);
        assert_eq!(faults("v=TLSRPTv1; RUA=mailto:a@example.jp"), [TlsRptFault::NoRua]);
        for bad in [
            "a@example.jp",
            "http://example.jp/",
            "mailto:example.jp",
            "mailto:@example.jp",
            "https:///x",
            "mailto:a@b!10m",
        ] {
            let wanted = TlsRptFault::Destination(bad.to_owned());
            assert_eq!(faults(&format!("v=TLSRPTv1; rua={bad}")), [wanted], "{bad}");
        }
        let text = "v=TLSRPTv1; rua=mailto:a@example.jp; nonsense; rua=x";
        let field = |text: &str, at| TlsRptFault::Field(text.to_owned(), at);
        assert_eq!(faults(text), [field("nonsense", 37), field("rua", 47)]);
    }

    /// Lost if it fails: a TXT record of something else would count as a second policy, or a broken one as none.
    #[test]
    fn only_policies_count() {
        let texts = ["v=TLSRPTv1; rua=mailto:a@b.example", "v=TLSRPTv10; x", "v=tlsrptv1;", "v=TLSRPTv1", "other"];
        let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        assert_eq!(policies(&texts).len(), 2);
    }
}
