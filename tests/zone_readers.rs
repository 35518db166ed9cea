//! Zone files as DNS hosts export them and as people write them, read by the tool and by BIND: the same records, or a refusal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use hickory_proto::rr::{Name, Record};
use mail_cutover::probe::presentation;
use mail_cutover::zonefile::{self, Zone};

/// Every set of records: owner and type, its TTL and its sorted data.
type Sets = BTreeMap<String, (u32, Vec<String>)>;

fn sets(zone: &Zone) -> Sets {
    let data = |record: &Record| presentation(record).to_ascii_lowercase();
    let one = |records: &[Record]| {
        let mut lines: Vec<String> = records.iter().map(data).collect();
        lines.sort();
        (records.iter().map(|record| record.ttl).min().unwrap_or_default(), lines)
    };
    let all = zone.sets().into_iter();
    all.map(|(owner, rtype, records)| (format!("{} {rtype}", Name::from(owner.clone())), one(records))).collect()
}

/// As BIND reads it, every record on a line of its own; nothing if it would not load it.
fn by_bind(file: &Path, origin: &str) -> Result<Sets, String> {
    let normal = file.with_extension("bind");
    let output = Command::new("named-compilezone")
        .args(["-i", "none", "-k", "ignore", "-n", "ignore", "-s", "full", "-o", normal.to_str().unwrap()])
        .args([origin, file.to_str().unwrap()])
        .current_dir(file.parent().unwrap())
        .output()
        .unwrap();
    if output.status.success() {
        Ok(sets(&zonefile::load(&normal, Some(origin)).unwrap().zone))
    } else {
        Err(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    }
}

/// What every file begins with unless it is about that.
const HEAD: &str =
    "$TTL 3600\n@ SOA ns1.example.net. root.example.net. 1 7200 900 1209600 300\n@ NS ns1.example.net.\n";

/// Files, and whether they bring their own head.
const FILES: &[(bool, &str)] = &[
    // Cloudflare.
    (
        true,
        ";; SOA Record\nexample.co.jp.\t3600\tIN\tSOA\tada.ns.cloudflare.com. dns.cloudflare.com. 2042508586 10000 2400 604800 3600\n\n\
         ;; NS Records\nexample.co.jp.\t86400\tIN\tNS\tada.ns.cloudflare.com.\n;; A Records\n\
         mail.example.co.jp.\t1\tIN\tA\t192.0.2.1 ; cf_tags=cf-proxied:false\nexample.co.jp.\t1\tIN\tMX\t10 mail.example.co.jp.\n\
         example.co.jp.\t1\tIN\tCAA\t0 issue \"letsencrypt.org\"\ns1._domainkey.example.co.jp.\t1\tIN\tTXT\t\"v=DKIM1; p=MIGf\" \"MA0G\"\n",
    ),
    // Route 53 by cli53.
    (
        true,
        "$ORIGIN example.co.jp.\n@\t900\tIN\tSOA\tns-1.awsdns-01.org. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400\n\
         @\t172800\tIN\tNS\tns-1.awsdns-01.org.\n@\t300\tIN\tMX\t10 mail\n@\t300\tIN\tMX\t20 mail2.example.co.jp.\n\
         \\052\t60\tIN\tA\t192.0.2.9\nmail\t300\tIN\tA\t192.0.2.1 ; AWS routing=\"WEIGHTED\" weight=10 identifier=\"a\"\n",
    ),
    // Google Cloud DNS.
    (
        true,
        "example.co.jp. 21600 IN NS ns-cloud-a1.googledomains.com.\n\
         example.co.jp. 21600 IN SOA ns-cloud-a1.googledomains.com. cloud-dns-hostmaster.google.com. 3 21600 3600 259200 300\n\
         example.co.jp. 300 IN TXT \"v=spf1 include:_spf.google.com ~all\" \"x y\"\n*.example.co.jp. 5 IN CNAME a.example.net.\n",
    ),
    // Azure DNS, whose owners are blank.
    (
        true,
        "; \n; Exported zone file from Azure DNS\n\n$TTL 3600\n$ORIGIN example.co.jp.\n\n\
         @ 3600 IN SOA ns1-01.azure-dns.com. azuredns-hostmaster.microsoft.com. (\n               1\n               3600\n\
         \x20              300\n               2419200\n               300\n               )\n\n  172800 IN NS ns1-01.azure-dns.com.\n\
         \x20 3600 IN TXT \"v=spf1 -all\"\n  3600 IN TXT \"MS=ms1\"\n\nmail 300 IN A 192.0.2.1\n     300 IN A 192.0.2.2\n\n\
         _submission._tcp 3600 IN SRV 10 20 587 mail\n",
    ),
    // GoDaddy.
    (
        true,
        "; Domain: example.co.jp\n$ORIGIN example.co.jp.\n\n@\t3600\t IN \tSOA\tns01.domaincontrol.com.\tdns.jomax.net. (\n\
         \t\t\t\t2026112400\n\t\t\t\t28800\n\t\t\t\t7200\n\t\t\t\t604800\n\t\t\t\t3600\n\t\t\t\t) \n\n@\t600\t IN \tA\t192.0.2.1\n\
         _dmarc\t3600\t IN \tTXT\t\"v=DMARC1; p=quarantine;\"\n@\t3600\t IN \tNS\tns01.domaincontrol.com.\n",
    ),
    // The dump of a secondary.
    (
        true,
        "$ORIGIN .\n$TTL 60\t; 1 minute\nexample.co.jp\t\tIN SOA\tns1.example.net. root.example.net. (\n\t\t\t\t1\n\t\t\t\t2\n\t\t\t\t3\n\
         \t\t\t\t4\n\t\t\t\t5\n\t\t\t\t)\n\t\t\tNS\tns1.example.net.\n$ORIGIN example.co.jp.\nmail\t\t\tA\t192.0.2.1\n",
    ),
    // Written by hand.
    (
        true,
        "$TTL 1d ; day\n@\tIN\tSOA ( ns1\n  root ; mail\n  2026112401 1h ; x\n  15M 2W1d 1h30m\n)\n   IN NS ns1.example.net.\n( m A 192.0.2.2 )\n",
    ),
    (true, "@ SOA ns1 root 1 7200 900 1209600 300\n@ NS ns1.example.net.\na 60 A 192.0.2.1\nb A 192.0.2.2\n"),
    (true, "@ 900 SOA ns1 root 1 7200 900 1209600 300\n@ NS ns1.example.net.\na 60 A 192.0.2.1\nb A 192.0.2.2\n"),
    (false, "mail 60 A 192.0.2.1\nmail 600 A 192.0.2.2\nm 600 A 192.0.2.1\nm 60 A 192.0.2.2\nz 0 A 192.0.2.3\n"),
    (
        false,
        "a TXT v=DMARC1; p=none\nb TXT v=spf1 -all\nc TXT a\\;b\nd TXT \"a;b\"\ne TXT \"a\"b\"c\"\nf TXT \\\"x\\\"\ng TXT \"\"\n",
    ),
    (false, "a TXT (\"v=DKIM1;\" ; first\n \"p=a\\065c\"\n) \nb TXT ab(cd)ef\nc TXT \"\\\\\" \"\\100\"\n"),
    (false, "a\\.b A 192.0.2.1\n\\@ A 192.0.2.2\n\\097 A 192.0.2.3\na\\032b A 192.0.2.4\n\\* A 192.0.2.5\n"),
    (false, "MAIL a 192.0.2.1\nmail in aaaa ::1\nmAiL iN 60 tXt \"x\"\nA A 192.0.2.1\nIN A 192.0.2.1\nMX MX 10 a\n"),
    (false, "25 PTR mail\n26 60 PTR mail\n27 IN 5 PTR mail\n28 \\\n"),
    (
        false,
        "$ORIGIN sub\nmail A 192.0.2.1\n$ORIGIN example.co.jp.\n A 192.0.2.2\n$ttl 5\n@ MX 10 @\n@ MX 20 192.0.2.1\n",
    ),
    (false, "www A 192.0.2.9\n$INCLUDE more sub\nafter A 192.0.2.10\n$INCLUDE more\n A 192.0.2.11\n"),
    (
        false,
        "a TYPE1 \\# 4 c0000201\nb A \\# 4 ( c000\n 0202 )\nc TYPE16 \\# 2 0161\n_25._tcp TLSA 3 1 1 ( abcd\n ef01 )\n",
    ),
    (
        false,
        "sub NS ns.sub\nns.sub A 192.0.2.1\nmail.sub A 192.0.2.2\n* MX 10 mail\n*.a CNAME b\nx.* A 192.0.2.1\n@ CAA 0 issue \";\"\n",
    ),
    // Not loaded by BIND, and so not rehearsed.
    (false, "a TXT \"v=DKIM1;\n p=abc\"\n"),
    (false, "  mail A 192.0.2.1\n"),
    (false, "@ MX +10 mail\n"),
    (false, "@ MX mail\n"),
    (false, "a A 192.000.002.001\n"),
    (false, "a CNAME b\na CNAME c\n"),
    (false, "@ CNAME b\n"),
    (false, "a TXT x\\\nb A 192.0.2.1\n"),
    (false, "a 60 60 A 192.0.2.1\n"),
];

/// Lost if it fails: a rehearsal would judge other records than those that the published file brings, or a file that no server
/// loads.
#[test]
fn the_tool_reads_what_bind_reads() {
    if Command::new("named-compilezone").arg("-h").output().is_err() {
        assert!(std::env::var_os("MAIL_CUTOVER_REQUIRE_DAEMONS").is_none(), "named-compilezone is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zone");
    std::fs::write(
        folder.path().join("more"),
        "mail A 192.0.2.1\n$TTL 5\nx A 192.0.2.2\n$ORIGIN deep\ny A 192.0.2.3\n",
    )
    .unwrap();
    for line_end in ["\n", " \t\r\n"] {
        for (whole, text) in FILES {
            // White space after a backslash is another text.
            let line_end = if text.contains("\\\n") { "\n" } else { line_end };
            let text = format!("{}{text}", if *whole { "" } else { HEAD }).replace('\n', line_end);
            std::fs::write(&file, &text).unwrap();
            let own = zonefile::load(&file, Some("example.co.jp")).map(|loaded| sets(&loaded.zone));
            match (own, by_bind(&file, "example.co.jp")) {
                (Ok(own), Ok(theirs)) => assert_eq!(own, theirs, "{text}"),
                (Err(_), Err(_)) => {}
                (own, theirs) => panic!("{text}\nthe tool: {own:?}\nBIND: {theirs:?}"),
            }
        }
    }
}
