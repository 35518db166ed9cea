//! The replies of smtpd: text, and enhanced code by the rules of RFC 3463 as Postfix keeps them.

use super::expand::expand;

/// What a restriction refuses: the beginning of the text of its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Client,
    ReverseClient,
    Helo,
    Sender,
    Recipient,
    Data,
    EndOfData,
}

impl Class {
    /// Postfix's own words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Client => "Client host",
            Self::ReverseClient => "Unverified Client host",
            Self::Helo => "Helo command",
            Self::Sender => "Sender address",
            Self::Recipient => "Recipient address",
            Self::Data => "Data command",
            Self::EndOfData => "End-of-data",
        }
    }
}

/// A reply before it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) code: u16,
    pub(super) enhanced: String,
    pub(super) text: String,
}

impl Draft {
    /// A reply; what Postfix does not take for one becomes its general one (smtpd_check_reject).
    pub(super) fn new(code: u16, enhanced: &str, text: String) -> Self {
        if !(400..600).contains(&code) || split_enhanced(enhanced).is_none() {
            return Self { code: 450, enhanced: "4.7.1".to_owned(), text: "Service unavailable".to_owned() };
        }
        Self { code, enhanced: enhanced.to_owned(), text }.consistent()
    }

    /// `<name>: Class rejected: why`, with an enhanced code that may stand at the front of `why`.
    pub(super) fn rejected(code: u16, default: &str, name: &str, class: Class, why: &str, fallback: &str) -> Self {
        let (enhanced, why) = split_enhanced(why.trim_start()).unwrap_or((default, why.trim_start()));
        let why = if why.is_empty() { fallback } else { why };
        Self::new(code, &fitting(enhanced, class), format!("<{name}>: {} rejected: {why}", class.words()))
    }

    /// What `soft_bounce` makes of it.
    pub(super) fn softened(mut self) -> Self {
        if self.code >= 500 {
            self.code -= 100;
        }
        self.consistent()
    }

    /// The enhanced code begins as the code does.
    fn consistent(mut self) -> Self {
        self.enhanced.replace_range(..1, if self.code >= 500 { "5" } else { "4" });
        self
    }
}

/// What a list's refusal is made of.
pub(super) struct Listing<'a> {
    pub(super) code: u16,
    /// The zone, without a key.
    pub(super) zone: &'a str,
    /// The address or name that was asked about.
    pub(super) what: &'a str,
    pub(super) class: Class,
}

/// The refusal of a list by its template (`default_rbl_reply`, `rbl_reply_maps`); the list's own TXT record is left out, and `…`
/// stands for what is not known. Nothing if the template cannot be read.
pub(super) fn listed(template: &str, listing: &Listing<'_>) -> Option<Draft> {
    let known = |name: &str| {
        Ok(Some(match name {
            "rbl_code" => listing.code.to_string(),
            "rbl_domain" => listing.zone.to_owned(),
            "rbl_what" => listing.what.to_owned(),
            "rbl_class" => listing.class.words().to_owned(),
            "rbl_reason" | "rbl_txt" => String::new(),
            _ => "…".to_owned(),
        }))
    };
    let whole = expand(template, &known, false).ok()?;
    let general = || Draft::new(450, "4.7.1", "Service unavailable".to_owned());
    let Some((code, text)) = whole.split_once(' ').filter(|(code, _)| code.len() == 3) else { return Some(general()) };
    let Ok(code) = code.parse() else { return Some(general()) };
    let text = text.trim_start();
    let (enhanced, text) = split_enhanced(text).unwrap_or(("4.7.1", text));
    let text = if text.is_empty() { "Service unavailable" } else { text };
    Some(Draft::new(code, &fitting(enhanced, listing.class), text.to_owned()))
}

/// The enhanced code at the front of `text`, and the rest.
fn split_enhanced(text: &str) -> Option<(&str, &str)> {
    let end = text.find(super::lines::is_space).unwrap_or(text.len());
    let (code, rest) = text.split_at(end);
    let mut parts = code.split('.');
    let class = parts.next().is_some_and(|class| matches!(class, "2" | "4" | "5"));
    let mut digits =
        || parts.next().is_some_and(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
    (class && digits() && digits() && parts.next().is_none()).then(|| (code, rest.trim_start()))
}

/// Codes about addresses (x.1.y) say which address was refused (smtpd_dsn_fix).
fn fitting(enhanced: &str, class: Class) -> String {
    let Some(detail) = enhanced.get(1..).and_then(|rest| rest.strip_prefix(".1.")) else { return enhanced.to_owned() };
    match class {
        Class::Sender => match detail {
            "2" | "8" => "4.1.8",
            "1" | "3" | "4" | "6" | "7" => "4.1.7",
            _ => "4.1.0",
        }
        .to_owned(),
        Class::Recipient => match detail {
            "1" | "2" | "3" | "4" | "5" | "6" => format!("4.1.{detail}"),
            "7" => "4.1.3".to_owned(),
            "8" => "4.1.2".to_owned(),
            _ => "4.1.0".to_owned(),
        },
        _ => "4.0.0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(why: &str, class: Class) -> (u16, String, String) {
        let draft = Draft::rejected(554, "5.7.1", "x", class, why, "Access denied");
        (draft.code, draft.enhanced, draft.text)
    }

    /// Lost if it fails: the reply that is shown would not be the one that partners get.
    #[test]
    fn replies_are_those_of_postfix() {
        let reply = |code: u16, enhanced: &str, text: &str| (code, enhanced.to_owned(), text.to_owned());
        assert_eq!(rejected("", Class::Client), reply(554, "5.7.1", "<x>: Client host rejected: Access denied"));
        assert_eq!(rejected("5.7.0  go", Class::Helo), reply(554, "5.7.0", "<x>: Helo command rejected: go"));
        assert_eq!(rejected("4.1.1 go", Class::Helo), reply(554, "5.0.0", "<x>: Helo command rejected: go"));
        assert_eq!(rejected("5.1.1 go", Class::Sender), reply(554, "5.1.7", "<x>: Sender address rejected: go"));
        assert_eq!(rejected("5.1 go", Class::Sender), reply(554, "5.7.1", "<x>: Sender address rejected: 5.1 go"));
        let listing = Listing { code: 554, zone: "bl.test", what: "192.0.2.1", class: Class::Client };
        let shown = |template: &str| {
            let draft = listed(template, &listing).unwrap();
            (draft.code, draft.enhanced, draft.text)
        };
        assert_eq!(
            shown(super::super::defaults::of("default_rbl_reply").unwrap()),
            reply(554, "5.7.1", "Service unavailable; Client host [192.0.2.1] blocked using bl.test")
        );
        assert_eq!(shown("421 4.7.3 busy $helo_name"), reply(421, "4.7.3", "busy …"));
        assert_eq!(shown("nonsense"), reply(450, "4.7.1", "Service unavailable"));
        assert_eq!(Draft::new(554, "5.7.1", String::new()).softened().enhanced, "4.7.1");
    }
}
