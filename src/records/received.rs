//! Received fields of a message (RFC 5321, section 4.4): who handed it over, by which name and from which address.

use std::net::IpAddr;

/// So much of a message is read, in octets.
const LONGEST_HEADER: usize = 64 * 1024;
/// So many Received fields are read.
const MOST_FIELDS: usize = 100;

/// One handing over, as far as its field tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// What the client said in HELO or EHLO; as sent.
    pub helo: Option<String>,
    /// The address that the client came from.
    pub ip: Option<IpAddr>,
    /// Who took the message; as sent.
    pub by: Option<String>,
}

/// The fields of a message, the latest handing over first. What is written as no handing over between machines ("by … from userid")
/// has neither name nor address.
pub fn hops(message: &[u8]) -> Vec<Hop> {
    let header = &message[..message.len().min(LONGEST_HEADER)];
    let text = String::from_utf8_lossy(header);
    let mut fields: Vec<String> = Vec::new();
    // Whether the last line belonged to a field that counts, so that its continuation does.
    let mut counts = false;
    for line in text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some(field) = fields.last_mut().filter(|_| counts) {
                field.push_str(line);
            }
            continue;
        }
        let value = line.split_once(':').filter(|(name, _)| name.trim_end().eq_ignore_ascii_case("received"));
        counts = value.is_some();
        if let Some((_, value)) = value {
            if fields.len() == MOST_FIELDS {
                break;
            }
            fields.push(value.to_owned());
        }
    }
    fields.iter().map(|field| hop(field)).collect()
}

/// A word, or what stands in brackets `( )`, those within it included.
enum Part<'f> {
    Word(&'f str),
    Comment(&'f str),
}

fn hop(field: &str) -> Hop {
    let mut hop = Hop::default();
    let mut name: Option<&str> = None;
    let mut comments: Vec<&str> = Vec::new();
    let mut expects = "";
    for part in parts(field) {
        match part {
            Part::Word(word) if hop.by.is_none() => match expects {
                "from" => {
                    name = Some(word);
                    expects = "";
                }
                "by" => {
                    hop.by = Some(word.to_owned());
                    break;
                }
                _ if word.eq_ignore_ascii_case("from") && name.is_none() => expects = "from",
                _ if word.eq_ignore_ascii_case("by") => expects = "by",
                _ => {}
            },
            Part::Comment(comment) if name.is_some() => comments.push(comment),
            _ => {}
        }
    }
    let Some(name) = name else { return hop };
    let said = comments.iter().find_map(|comment| spoken(comment));
    let seen = comments.iter().find_map(|comment| bracketed(comment)).or_else(|| comments.iter().find_map(|c| bare(c)));
    let own = address(name);
    hop.ip = seen.or(own);
    hop.helo = match (said, own) {
        (Some(said), _) => Some(said.to_owned()),
        // An address alone is where it came from (Exim); beside another one it is what was said (Postfix).
        (None, Some(_)) if seen.is_none() => None,
        // qmail and Sendmail write it where there is no name.
        (None, None) if name.eq_ignore_ascii_case("unknown") => None,
        (None, _) => Some(name.to_owned()),
    };
    hop
}

fn parts(field: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, character) in field.char_indices() {
        let ends_word = depth == 0 && (character.is_ascii_whitespace() || matches!(character, '(' | ';'));
        if ends_word && start < at {
            parts.push(Part::Word(&field[start..at]));
        }
        match character {
            '(' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            ')' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    parts.push(Part::Comment(&field[start..at]));
                    start = at + 1;
                }
            }
            _ if ends_word => start = at + character.len_utf8(),
            _ => {}
        }
        // What follows is the date.
        if depth == 0 && character == ';' {
            return parts;
        }
    }
    if depth == 0 && start < field.len() {
        parts.push(Part::Word(&field[start..]));
    }
    parts
}

/// The words of a comment.
fn words(comment: &str) -> impl Iterator<Item = &str> {
    comment.split([' ', '\t', '(', ')', ',']).filter(|word| !word.is_empty())
}

/// The name after `helo=` (Exim) or `HELO ` and `EHLO ` (qmail, Yahoo).
fn spoken(comment: &str) -> Option<&str> {
    let mut words = words(comment);
    while let Some(word) = words.next() {
        if let Some(said) = after_helo(word) {
            return Some(said).filter(|said| !said.is_empty());
        }
        if word.eq_ignore_ascii_case("helo") || word.eq_ignore_ascii_case("ehlo") {
            return words.next();
        }
    }
    None
}

fn after_helo(word: &str) -> Option<&str> {
    word.get(..5).filter(|start| start.eq_ignore_ascii_case("helo="))?;
    word.get(5..)
}

/// The words of a comment that do not repeat what the client said.
fn observed(comment: &str) -> impl Iterator<Item = &str> {
    let mut said = false;
    words(comment).filter(move |word| {
        let repeated =
            std::mem::replace(&mut said, word.eq_ignore_ascii_case("helo") || word.eq_ignore_ascii_case("ehlo"));
        !repeated && after_helo(word).is_none()
    })
}

/// The first address in brackets `[ ]`.
fn bracketed(comment: &str) -> Option<IpAddr> {
    observed(comment).filter_map(|word| word.find('[').and_then(|start| literal(&word[start..]))).next()
}

/// The first word that is an address, or ends with one behind `@` (ident).
fn bare(comment: &str) -> Option<IpAddr> {
    observed(comment).find_map(|word| parse(word.rsplit('@').next().unwrap_or(word)))
}

/// The address that a word is, in brackets or not.
fn address(word: &str) -> Option<IpAddr> {
    literal(word).or_else(|| parse(word))
}

/// `[203.0.113.25]`, `[IPv6:2001:db8::1]`, `[2001:db8::1]`; what follows the bracket, such as a port, does not matter.
fn literal(word: &str) -> Option<IpAddr> {
    let inner = word.strip_prefix('[')?.split(']').next()?;
    let tagged = inner.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("ipv6:"));
    parse(if tagged { &inner[5..] } else { inner })
}

fn parse(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> (Option<String>, Option<String>, Option<String>) {
        let message = format!("Received: {field}\r\n\r\nReceived: from body ([192.0.2.99]) by nobody\r\n");
        let hops = hops(message.as_bytes());
        assert_eq!(hops.len(), 1, "{field}");
        let Hop { helo, ip, by } = hops[0].clone();
        (helo, ip.map(|ip| ip.to_string()), by)
    }

    /// Lost if it fails: the HELO name or the address of the new server would be misread in some receiver's Received field.
    #[test]
    fn fields_of_real_servers() {
        for (field, helo, ip, by) in [
            // Postfix
            (
                "from mail.example.co.jp (mail.example.co.jp [203.0.113.25])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits))\r\n\t(No client certificate requested)\r\n\tby mx.other.test (Postfix) with ESMTPS id 4XYZ\r\n\tfor <a@other.test>; Tue, 1 Dec 2026 10:00:00 +0900 (JST)",
                "mail.example.co.jp",
                "203.0.113.25",
                "mx.other.test",
            ),
            (
                "from localhost (unknown [203.0.113.25])\r\n by mx (Postfix) with ESMTP id 1; date",
                "localhost",
                "203.0.113.25",
                "mx",
            ),
            ("from [192.168.1.5] (unknown [203.0.113.25]) by mx (Postfix)", "[192.168.1.5]", "203.0.113.25", "mx"),
            ("from m.test (unknown [IPv6:2001:db8:25::25]) by mx", "m.test", "2001:db8:25::25", "mx"),
            ("by mail.example.co.jp (Postfix, from userid 1000)\r\n\tid 4X; date", "", "", "mail.example.co.jp"),
            // Exim
            (
                "from [203.0.113.25] (helo=mail.example.co.jp)\r\n\tby mx with esmtps  (TLS1.3) id 1",
                "mail.example.co.jp",
                "203.0.113.25",
                "mx",
            ),
            (
                "from mail.example.co.jp ([203.0.113.25])\r\n\tby mx with esmtps",
                "mail.example.co.jp",
                "203.0.113.25",
                "mx",
            ),
            (
                "from rdns.test ([203.0.113.25] helo=mail.example.co.jp) by mx",
                "mail.example.co.jp",
                "203.0.113.25",
                "mx",
            ),
            ("from rdns.test ([203.0.113.25]:45678 helo=[10.0.0.5]) by mx", "[10.0.0.5]", "203.0.113.25", "mx"),
            ("from [203.0.113.25] (helo=[10.0.0.5]) by mx", "[10.0.0.5]", "203.0.113.25", "mx"),
            ("from [203.0.113.25] by mx with esmtp", "", "203.0.113.25", "mx"),
            ("from [2001:db8:25::25] (helo=m.test) by mx", "m.test", "2001:db8:25::25", "mx"),
            // Sendmail
            (
                "from mail.example.co.jp (mail.example.co.jp [203.0.113.25] (may be forged))\r\n\tby mx (8.18.1/8.18.1) with ESMTPS id 1",
                "mail.example.co.jp",
                "203.0.113.25",
                "mx",
            ),
            (
                "from mail.example.co.jp ([203.0.113.25]) by mx (8.14.4/8.14.4)",
                "mail.example.co.jp",
                "203.0.113.25",
                "mx",
            ),
            // Exchange
            (
                "from mail.example.co.jp (203.0.113.25) by\r\n TY2.mail.protection.outlook.com (10.167.242.41) with Microsoft SMTP\r\n Server (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20",
                "mail.example.co.jp",
                "203.0.113.25",
                "TY2.mail.protection.outlook.com",
            ),
            (
                "from TYC.jpnprd01.prod.outlook.com (2603:1096:400::9)\r\n by TYW.jpnprd01.prod.outlook.com (2603:1096:400:1::9) with Microsoft",
                "TYC.jpnprd01.prod.outlook.com",
                "2603:1096:400::9",
                "TYW.jpnprd01.prod.outlook.com",
            ),
            // Gmail
            (
                "from mail.example.co.jp (mail.example.co.jp. [203.0.113.25])\r\n        by mx.google.com with ESMTPS id d2e\r\n        for <a@gmail.com>",
                "mail.example.co.jp",
                "203.0.113.25",
                "mx.google.com",
            ),
            ("by 2002:a05:6a20:1234:b0:1 with SMTP id x1csp1; Tue", "", "", "2002:a05:6a20:1234:b0:1"),
            // qmail, and Yahoo
            (
                "from unknown (HELO mail.example.co.jp) (203.0.113.25)\r\n  by mx with SMTP; date",
                "mail.example.co.jp",
                "203.0.113.25",
                "mx",
            ),
            ("from mail.example.co.jp (203.0.113.25)\r\n  by mx with SMTP", "mail.example.co.jp", "203.0.113.25", "mx"),
            ("from unknown (203.0.113.25) by mx with SMTP", "", "203.0.113.25", "mx"),
            ("from rdns.test (HELO 10.0.0.5) (ident@203.0.113.25) by mx with SMTP", "10.0.0.5", "203.0.113.25", "mx"),
            (
                "from 203.0.113.25 (EHLO mail.example.co.jp)\r\n by 10.1.2.3 with SMTPs",
                "mail.example.co.jp",
                "203.0.113.25",
                "10.1.2.3",
            ),
            // An address mapped into IPv6 is the IPv4 address.
            ("from m.test ([::ffff:203.0.113.25]) by mx", "m.test", "203.0.113.25", "mx"),
        ] {
            let expected = [helo, ip, by].map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()));
            let (helo, ip, by) = read(field);
            assert_eq!([helo, ip, by], expected, "{field}");
        }
    }

    /// Lost if it fails: a message could forge a handing over, repaint the terminal or keep the run busy.
    #[test]
    fn hostile_fields() {
        assert_eq!(read("from evil[203.0.113.25] (x [198.51.100.1]) by mx").1.unwrap(), "198.51.100.1");
        assert_eq!(read("from a(HELO [203.0.113.25]) ([198.51.100.1]) by mx").1.unwrap(), "198.51.100.1");
        for field in [
            "",
            ";",
            "from",
            "from (",
            "from a (((((",
            "from )))) by",
            "from from by by",
            "by",
            "from a ([)] by",
            "from é (é [é]) by é",
        ] {
            read(field);
        }
        assert_eq!(read("from a\u{1b}[2J ([203.0.113.25]) by mx").0.unwrap(), "a\u{1b}[2J");
        // A field that never closes its bracket tells nothing of what follows it.
        assert_eq!(read("from a (b [203.0.113.25] by mx"), (Some("a".to_owned()), None, None));
        let line = format!("Received: from {} ([203.0.113.25]) by mx\r\n", "x".repeat(1 << 20));
        let one = hops(line.as_bytes());
        assert!(one.len() == 1 && one[0].ip.is_none(), "the field is cut before the address");
        let many = "Received: from a ([203.0.113.25]) by mx\n".repeat(5000);
        assert_eq!(hops(many.as_bytes()).len(), MOST_FIELDS);
        assert_eq!(hops(b"\xff\xfe\0Received: x"), []);
    }

    /// Lost if it fails: another field's continuation would be read as a handing over.
    #[test]
    fn only_received_fields_count() {
        let message = b"X-Received: by 1\n from a ([192.0.2.1])\nRECEIVED : from b\n ([203.0.113.25]) by c\nTo: d\n\te\n\nReceived: f";
        let hops = hops(message);
        assert_eq!(hops.len(), 1);
        assert_eq!((hops[0].helo.as_deref(), hops[0].by.as_deref()), (Some("b"), Some("c")));
    }
}
