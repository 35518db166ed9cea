//! Zone files as hosts export them, and each mistake with its place.

use super::read;

const EXPORT: &str = "\u{feff}$ORIGIN example.jp.\r\n$TTL 1h30m\r\n@ IN SOA ns1 hostmaster (\r\n 1 ; serial\r\n 2h 15m 2w 5m )\r\n\
    \t300 IN MX 10 mail\r\n IN 60 TXT \"v=spf1 \\\"a\\\"\" \"b\\059c\"\r\nmail A 192.0.2.1\r\n*.w 1 CNAME @\r\n\
    @ CAA 0 issue \"ca.example\"\r\n_25._tcp.mail TLSA 3 1 1 (aB\r\n cd)\r\nx TYPE65 \\# 3 000000\r\n";

/// Lost if it fails: an exported zone would be refused, or read as another one.
#[test]
fn an_export_is_read() {
    let records = read(EXPORT.as_bytes(), None).unwrap();
    let seen: Vec<_> = records.iter().map(|r| format!("{} {} {}", r.name, r.ttl, r.record_type())).collect();
    assert_eq!(
        seen,
        [
            "example.jp. 5400 SOA",
            "example.jp. 300 MX",
            "example.jp. 60 TXT",
            "mail.example.jp. 5400 A",
            "*.w.example.jp. 1 CNAME",
            "example.jp. 5400 CAA",
            "_25._tcp.mail.example.jp. 5400 TLSA",
            "x.example.jp. 5400 HTTPS",
        ]
    );
}

/// Lost if it fails: a line that opens with a parenthesis would get the owner of the line before.
#[test]
fn a_parenthesis_is_no_blank_owner() {
    let records = read(b" \na 1 A 192.0.2.1\n 1 A 192.0.2.2\n(b 1 A\n 192.0.2.3)\n", Some("jp.")).unwrap();
    let owners: Vec<_> = records.iter().map(|record| record.name.to_string()).collect();
    assert_eq!(owners, ["a.jp.", "a.jp.", "b.jp."]);
}

/// Lost if it fails: the operator would look for the mistake in the wrong place.
#[test]
fn mistakes_have_their_place() {
    for (text, line, column) in [
        ("a 1 A 1.2.3", 1, 7),
        ("\na 1 A 1.2.3.4 x", 2, 15),
        ("a 1 MX ten b", 1, 8),
        ("a 1 TXT \"x", 1, 9),
        ("a 1 SOA (", 1, 9),
        ("a )", 1, 3),
        ("$INCLUDE /etc/passwd", 1, 1),
        ("a A 1.2.3.4", 1, 3),
        ("a 1 FOO x", 1, 5),
        ("a..b 1 A 1.2.3.4", 1, 1),
        (" 1 A 1.2.3.4", 1, 2),
        ("a 1 TXT \\999", 1, 9),
        ("\0", 1, 1),
        ("a CH TXT x", 1, 3),
        ("a 1 TYPE9 \\# 2 00", 1, 5),
    ] {
        let fault = read(text.as_bytes(), Some("example.jp")).unwrap_err();
        assert_eq!((fault.line, fault.column), (line, column), "{text:?}: {fault}");
    }
}

/// Lost if it fails: a damaged file would end the run with a fault of the tool.
#[test]
fn damage_is_survived() {
    let mut seed = 7u32;
    for cut in 0..EXPORT.len() {
        drop(read(&EXPORT.as_bytes()[..cut], None));
        let mut text = EXPORT.as_bytes().to_vec();
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text[cut] = (seed >> 24) as u8;
        drop(read(&text, None));
    }
}
