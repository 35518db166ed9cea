//! Zone files as hosts export them, and each mistake with its place.

use std::fs;

use hickory_proto::rr::{Name, RecordType};

use super::{Entry, Fault, Found, LoadError, Refused, Start, Zone, load, read};

fn parse(text: &[u8], origin: Option<&str>) -> Result<Vec<Entry>, Fault> {
    let mut nothing = |_: &str| Err(Refused("is not there".to_owned()));
    read(text, Start { origin, ttl: None }, &mut nothing).map(|(entries, _)| entries)
}

fn zone(text: &str) -> Zone {
    let entries = parse(format!("$TTL 60\n{text}").as_bytes(), Some("example.test")).unwrap();
    Zone::new(&Name::from_ascii("example.test.").unwrap(), entries).unwrap()
}

fn word(zone: &Zone, name: &str, rtype: RecordType) -> &'static str {
    match zone.find(&Name::from_ascii(format!("{name}.example.test.")).unwrap(), rtype) {
        Found::Data(_) => "data",
        Found::Alias(..) => "alias",
        Found::NoData => "nodata",
        Found::NxDomain => "nxdomain",
        Found::Referral(_) => "referral",
    }
}

const EXPORT: &str = "\u{feff}$ORIGIN example.jp.\r\n$TTL 1h30m\r\n@ IN SOA ns1 hostmaster (\r\n 1 ; serial\r\n 2h 15m 2w 5m )\r\n\
    \t300 IN MX 10 mail\r\n IN 60 TXT \"v=spf1 \\\"a\\\"\" \"b\\059c\"\r\nmail A 192.0.2.1\r\n*.w 1 CNAME @\r\n\
    @ CAA 0 issue \"ca.example\"\r\n_25._tcp.mail TLSA 3 1 1 (aB\r\n cd)\r\nx TYPE65 \\# 3 000000\r\n";

/// Lost if it fails: an exported zone would be refused, or read as another one.
#[test]
fn an_export_is_read() {
    let entries = parse(EXPORT.as_bytes(), None).unwrap();
    let records = entries.iter().filter_map(|entry| entry.record.as_ref());
    let seen: Vec<_> = records.map(|r| format!("{} {} {}", r.name, r.ttl, r.record_type())).collect();
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
    let records = parse(b" \na 1 A 192.0.2.1\n 1 A 192.0.2.2\n(b 1 A\n 192.0.2.3)\n", Some("jp.")).unwrap();
    let owners: Vec<_> = records.iter().map(|entry| entry.owner.to_string()).collect();
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
        ("$INCLUDE /etc/passwd", 1, 10),
        ("a A 1.2.3.4", 1, 3),
        ("a 1 FOO x", 1, 5),
        ("a..b 1 A 1.2.3.4", 1, 1),
        (" 1 A 1.2.3.4", 1, 2),
        ("a 1 TXT \\999", 1, 9),
        ("\0", 1, 1),
        ("a CH TXT x", 1, 3),
        ("a 1 TYPE9 \\# 2 00", 1, 5),
        ("a 1 MX +10 b", 1, 8),
        ("a 1 A 1.2.3.4 ; cf_tags=cf-proxied:true", 1, 15),
    ] {
        let fault = parse(text.as_bytes(), Some("example.jp")).unwrap_err();
        assert_eq!((fault.place.line, fault.place.column), (line, column), "{text:?}: {fault}");
    }
}

/// Lost if it fails: a damaged file would end the run with a fault of the tool.
#[test]
fn damage_is_survived() {
    let mut seed = 7u32;
    for cut in 0..EXPORT.len() {
        drop(parse(&EXPORT.as_bytes()[..cut], None));
        let mut text = EXPORT.as_bytes().to_vec();
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text[cut] = (seed >> 24) as u8;
        drop(parse(&text, None));
    }
}

/// Lost if it fails: a zone as its host exports or signs it could not be rehearsed because of records that nobody asks for.
#[test]
fn what_nobody_asks_for_is_passed_over() {
    let zone = zone(
        "@ RRSIG MX 8 2 300 20260101000000 20250101000000 1 example.test. abcd=\nkey DNSKEY 257 3 13 abcd==\n\
         loc LOC 52 22 N 4 53 E 0m\n_sip URI 10 1 \"ftp://x\"\n* HTTPS 1 . alpn=h2\n",
    );
    assert_eq!(word(&zone, "loc", RecordType::A), "nodata");
    assert_eq!(word(&zone, "other", RecordType::A), "nodata");
    assert!(zone.sets().is_empty());
    let fault = parse(b"$TTL 1\n@ ALIAS host.example.\n", Some("example.test")).unwrap_err();
    assert!(fault.says.contains("A and AAAA"), "{fault}");
}

/// Lost if it fails: a name that only a wildcard covers would be called missing, or one that exists be answered by it.
#[test]
fn wildcards_reach_only_names_that_do_not_exist() {
    let zone = zone("* MX 10 mx\nmail A 192.0.2.1\na.deep A 192.0.2.2\n");
    assert_eq!(word(&zone, "other", RecordType::MX), "data");
    assert_eq!(word(&zone, "far.other", RecordType::MX), "data");
    assert_eq!(word(&zone, "mail", RecordType::MX), "nodata");
    assert_eq!(word(&zone, "below.mail", RecordType::MX), "nxdomain");
    assert_eq!(word(&zone, "deep", RecordType::MX), "nodata");
    assert_eq!(word(&zone, "b.deep", RecordType::MX), "nxdomain");
    assert_eq!(word(&zone, "other", RecordType::A), "nodata");
}

/// Lost if it fails: names below a delegation would be denied by the zone above.
#[test]
fn cuts_refer_except_for_ds() {
    let zone = zone("child NS ns.child\nns.child A 192.0.2.3\nalias CNAME mail.child\n");
    assert_eq!(word(&zone, "mail.child", RecordType::A), "referral");
    assert_eq!(word(&zone, "child", RecordType::NS), "referral");
    assert_eq!(word(&zone, "child", RecordType::DS), "nodata");
    assert_eq!(word(&zone, "alias", RecordType::A), "alias");
    assert_eq!(zone.glue(&Name::from_ascii("ns.child.example.test.").unwrap()).len(), 1);
}

/// Lost if it fails: a file could read others of this machine into a report, or include itself for ever.
#[test]
fn includes_stay_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let zones = folder.path().join("zones");
    fs::create_dir(&zones).unwrap();
    fs::write(folder.path().join("secret"), "a 1 A 192.0.2.1\n").unwrap();
    fs::write(zones.join("hosts"), "mail A 192.0.2.1\n$ORIGIN deep\nx A 192.0.2.2\n").unwrap();
    fs::write(zones.join("again"), "$INCLUDE again\n").unwrap();
    let file = zones.join("example.test.zone");
    let load = |text: &str| {
        fs::write(&file, text).unwrap();
        load(&file, Some("example.test"))
    };
    let zone = load("$TTL 60\n$INCLUDE hosts sub\nwww A 192.0.2.3\n").unwrap().zone;
    assert_eq!(word(&zone, "mail.sub", RecordType::A), "data");
    assert_eq!(word(&zone, "x.deep.sub", RecordType::A), "data");
    assert_eq!(word(&zone, "www", RecordType::A), "data");
    let outside = folder.path().join("secret");
    for name in ["../secret", outside.to_str().unwrap()] {
        let error = load(&format!("$INCLUDE {name}\n")).unwrap_err().to_string();
        assert!(error.starts_with("line 1, column 10: ") && error.contains("outside the folder"), "{error}");
    }
    std::os::unix::fs::symlink(&outside, zones.join("link")).unwrap();
    assert!(load("$INCLUDE link\n").unwrap_err().to_string().contains("outside the folder"));
    assert!(load("$INCLUDE again\n").unwrap_err().to_string().starts_with("again, line 1, column 10: files within"));
    assert!(load("$INCLUDE none\n").unwrap_err().to_string().contains("cannot be read"));
    fs::write(zones.join("bad"), "\nmail A 192.0.2\n").unwrap();
    let error = load("$TTL 60\n$INCLUDE bad\n").unwrap_err().to_string();
    assert!(error.starts_with("bad, line 2, column 8: an IPv4 address"), "{error}");
}

/// Lost if it fails: a zone would be rehearsed under another name, or one that no server loads be called good.
#[test]
fn which_zone_it_is_and_whether_a_server_would_load_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zone");
    let load = |text: &str, origin: Option<&str>| {
        fs::write(&file, text).unwrap();
        load(&file, origin).map(|loaded| loaded.zone.origin().to_string())
    };
    let soa = "example.test. 60 SOA a. b. 1 1 1 1 1\n";
    assert_eq!(load(soa, None).unwrap(), "example.test.");
    assert_eq!(load("$ORIGIN example.test.\n@ 60 A 192.0.2.1\n", None).unwrap(), "example.test.");
    assert_eq!(load("@ 60 A 192.0.2.1\n", Some("example.test.")).unwrap(), "example.test.");
    assert!(matches!(load("example.test. 60 A 192.0.2.1\n", None), Err(LoadError::NoOrigin)));
    assert!(matches!(load("; nothing\n", None), Err(LoadError::Empty)));
    for (text, wrong) in [
        ("www.example.org. 60 A 192.0.2.1\n", "outside the zone"),
        ("sub 60 SOA a. b. 1 1 1 1 1\n", "another zone"),
        ("@ 60 SOA a. b. 1 1 1 1 1\n@ 60 SOA a. b. 2 1 1 1 1\n", "a second SOA"),
        ("www 60 CNAME a\nWWW 60 A 192.0.2.1\n", "a CNAME beside other records"),
        ("@ 60 CNAME a\n", "a CNAME at the apex"),
    ] {
        let error = load(text, Some("example.test")).unwrap_err().to_string();
        assert!(error.contains(wrong) && error.starts_with("line "), "{text}: {error}");
    }
}

/// Lost if it fails: the zone would be rehearsed under a name that no question asks for, or the file would deny the whole world.
#[test]
fn the_zone_may_be_named_in_any_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zone");
    fs::write(&file, "25 60 PTR mail.example.test.\n").unwrap();
    for (origin, zone) in [
        ("0/25.2.0.192.in-addr.arpa", "0\\/25.2.0.192.in-addr.arpa."),
        ("例え.JP", "xn--r8jz45g.jp."),
        ("_dmarc.Example.jp.", "_dmarc.example.jp."),
    ] {
        let loaded = load(&file, Some(origin)).unwrap();
        assert_eq!(Name::from(loaded.zone.origin().clone()).to_ascii(), zone);
    }
    for origin in ["", ".", "a..b"] {
        assert!(matches!(load(&file, Some(origin)), Err(LoadError::Origin(_))), "{origin}");
    }
    fs::write(&file, "$ORIGIN .\n25.example.test 60 A 192.0.2.1\n").unwrap();
    assert!(matches!(load(&file, None), Err(LoadError::NoOrigin)));
}

/// Lost if it fails: a pipe that nobody writes into would hold the tool for ever, past every time limit.
#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let file = folder.path().join("zone");
    fs::write(&file, "$INCLUDE pipe\n").unwrap();
    for path in [&pipe, &file, &folder.path().to_owned()] {
        let error = load(path, Some("example.test")).unwrap_err().to_string();
        assert!(error.contains("it is not a file"), "{error}");
    }
}
