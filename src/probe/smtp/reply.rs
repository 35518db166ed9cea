//! What a server says back, and why a conversation ended before its end.

use std::io;
use std::net::IpAddr;

use crate::model::{Text, Value};

/// Whether a reply says yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// 2yz, because no command is said that 3yz goes on with; `OK` of IMAP, `+OK` of POP3.
    Positive,
    /// 4yz: not now (RFC 5321, section 4.2.1).
    Transient,
    /// 5yz; `NO`, `BAD`, `-ERR`.
    Permanent,
}

/// One reply, several lines if the server wants so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReply {
    /// Whether it says yes.
    pub kind: ReplyKind,
    /// The three digits of SMTP; nothing in IMAP and POP3.
    pub code: Option<u16>,
    /// The texts of its lines, without the code; as sent, bounded.
    pub lines: Vec<String>,
}

impl ServerReply {
    /// Whether it says yes.
    pub fn is_positive(&self) -> bool {
        self.kind == ReplyKind::Positive
    }

    /// The enhanced status code that it begins with (RFC 2034): class, subject, detail.
    pub fn enhanced(&self) -> Option<(u16, u16, u16)> {
        let word = self.lines.first()?.split_whitespace().next()?;
        let mut parts = word.split('.').map(|part| part.parse::<u16>().ok());
        let found = (parts.next()??, parts.next()??, parts.next()??);
        (parts.next().is_none() && (2..=5).contains(&found.0)).then_some(found)
    }

    /// The name that a greeting or an answer to EHLO begins with (RFC 5321, sections 4.2 and 4.1.1.1).
    pub fn name(&self) -> Option<&str> {
        self.lines.first()?.split_whitespace().next()
    }

    /// The address that the first line of an answer to EHLO says the client has, as Exim, Sendmail and Exchange do:
    /// `host Hello name [203.0.113.25]`. The server's own address is none, nor is what it only repeats of our EHLO.
    pub fn client(&self, server: IpAddr, ehlo: &str) -> Option<IpAddr> {
        let line = self.lines.first().filter(|_| self.is_positive())?;
        let literals = line.split('[').skip(1).filter_map(|rest| literal(rest.split_once(']')?.0));
        let mut others: Vec<IpAddr> = literals.filter(|ip| *ip != server.to_canonical()).collect();
        let said = ehlo.strip_prefix('[').and_then(|rest| literal(rest.strip_suffix(']')?));
        if let Some(repeated) = others.iter().position(|ip| Some(*ip) == said) {
            others.remove(repeated);
        }
        others.pop()
    }

    /// The parameters of an extension: nothing if the answer to EHLO does not have it (RFC 5321, section 4.1.1.1).
    pub fn extension(&self, keyword: &str) -> Option<Vec<String>> {
        self.lines.iter().skip(1).find_map(|line| {
            let mut words = line.split_whitespace();
            words.next()?.eq_ignore_ascii_case(keyword).then(|| words.map(str::to_owned).collect())
        })
    }

    /// As one line for people: `550 5.1.1 user unknown`.
    pub fn told(&self) -> String {
        let code = self.code.map_or_else(String::new, |code| format!("{code} "));
        format!("{code}{}", self.lines.join(" / "))
    }
}

/// Where a conversation stands: the last thing that was begun.
pub type Step = &'static str;

/// Why a conversation ended early. Only [`Stop::Malformed`] is the server's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The address says no: nobody listens, or a firewall rejects.
    Refused,
    /// There was no way to the address.
    Unreachable(io::ErrorKind),
    /// Nothing came within the time limit.
    Timeout(Step),
    /// The connection was closed.
    Closed(Step),
    /// What came is not the protocol.
    Malformed(Step, String),
}

impl Stop {
    /// The word of the transcript.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Timeout(_) => "timeout",
            Self::Closed(_) => "closed",
            Self::Malformed(..) => "malformed",
        }
    }

    /// Whether this machine has no way to the address: it lacks the family or a route, or may not use it. Only a router or the
    /// server itself says that a host cannot be reached.
    pub fn is_no_route(&self) -> bool {
        matches!(self, Self::Unreachable(kind) if !matches!(kind, io::ErrorKind::HostUnreachable | io::ErrorKind::ConnectionReset))
    }

    /// A phrase for it.
    pub fn why(&self) -> Value {
        match self {
            Self::Refused => Value::from(Text { en: "the connection is refused", ja: "接続が拒否される" }),
            Self::Unreachable(kind) => {
                Value::both(format!("it cannot be reached ({kind})"), format!("到達できない ({kind})"))
            }
            Self::Timeout("connect") => Value::from(Text {
                en: "nothing answers within the time limit",
                ja: "制限時間内に応答がない",
            }),
            Self::Timeout(step) => Value::both(
                format!("no answer within the time limit ({step})"),
                format!("制限時間内に応答がない ({step})"),
            ),
            Self::Closed(step) => {
                Value::both(format!("the connection was closed ({step})"), format!("接続が切断された ({step})"))
            }
            Self::Malformed(step, what) => Value::both(
                format!("the answer breaks the protocol ({step}: {what})"),
                format!("応答がプロトコルに反する ({step}: {what})"),
            ),
        }
    }
}

/// The address between the brackets of a literal (RFC 5321, section 4.1.3); the IPv6 tag may be missing.
fn literal(text: &str) -> Option<IpAddr> {
    let tagged = text.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("IPv6:"));
    let bare = if tagged { &text[5..] } else { text };
    bare.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: the address that mail leaves from would be misread, or a server could make us believe an echo.
    #[test]
    fn an_answer_to_ehlo_says_who_we_are() {
        for (line, ehlo, expected) in [
            ("mx.other.test Hello mail.example.co.jp [203.0.113.25]", "mail.example.co.jp", Some("203.0.113.25")),
            ("mx Hello m [203.0.113.25], pleased to meet you", "m", Some("203.0.113.25")),
            ("mx at your service, [2001:db8:25::25]", "m", Some("2001:db8:25::25")),
            ("mx Hello [IPv6:2001:db8:25::25]", "m", Some("2001:db8:25::25")),
            ("mx Hello m [::ffff:203.0.113.25]", "m", Some("203.0.113.25")),
            ("mx.other.test", "m", None),
            ("[192.0.2.25] Hello m [203.0.113.25]", "m", Some("203.0.113.25")),
            ("[192.0.2.25]", "m", None),
            // The first is what was said, the second what was seen.
            ("mx Hello [10.0.0.5] [203.0.113.25]", "[10.0.0.5]", Some("203.0.113.25")),
            ("mx Hello [203.0.113.25] [203.0.113.25]", "[203.0.113.25]", Some("203.0.113.25")),
            ("mx Hello [198.51.100.7]", "[198.51.100.7]", None),
            ("mx Hello 203.0.113.25", "m", None),
            ("mx [ [] [x] [203.0.113.25", "m", None),
            ("mx [日本語日本語]", "m", None),
        ] {
            let reply = ServerReply { kind: ReplyKind::Positive, code: Some(250), lines: vec![line.to_owned()] };
            let found = reply.client([192, 0, 2, 25].into(), ehlo);
            assert_eq!(found, expected.map(|ip| ip.parse().unwrap()), "{line}");
        }
        let refusal =
            ServerReply { kind: ReplyKind::Permanent, code: Some(550), lines: vec!["[203.0.113.9]".to_owned()] };
        assert_eq!(refusal.client([192, 0, 2, 25].into(), "m"), None);
    }
}
