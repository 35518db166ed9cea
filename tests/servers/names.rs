//! NSD: one server for the root and every zone, with a company, its providers and two strangers in which nothing is wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use hickory_proto::rr::RecordType;

use super::namespaces::Host;
use super::process::{Daemon, program, write};

/// Where NSD answers.
pub(crate) const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 53));

/// Origin without its dot, and text; every zone gets its SOA, its servers and its delegation besides.
const ZONES: &[(&str, &str)] = &[
    ("", ""),
    ("com", ""),
    ("net", ""),
    ("org", ""),
    ("example", ""),
    ("arpa", ""),
    ("jp", ""),
    ("co.jp", ""),
    ("test", "ns1.world A 198.51.100.53\nns2.world A 198.51.100.54\nns2.world AAAA 2001:db8:53::53"),
    ("example.co.jp", COMPANY),
    ("2.0.192.in-addr.arpa", "25 PTR mx-old.example.co.jp."),
    ("113.0.203.in-addr.arpa", "25 PTR mail.example.co.jp."),
    ("5.2.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mail.example.co.jp."),
    // Two strangers in two networks.
    ("one.example", "@ MX 10 mx\nmx A 198.18.1.25\nmx AAAA 2001:db8:1801::25"),
    ("two.example", "@ MX 10 mx\nmx A 198.19.1.25\nmx AAAA 2001:db8:1901::25"),
    // Who announces the addresses (AS numbers for documentation, RFC 5398).
    ("asn.cymru.com", AS_NAMES),
    ("origin.asn.cymru.com", ORIGINS),
    ("origin6.asn.cymru.com", ORIGINS_V6),
];

const COMPANY: &str = r#"
@      MX  10 mx-old
@      TXT "v=spf1 ip4:192.0.2.25 ip4:203.0.113.25 ip6:2001:db8:25::25 -all"
s2026._domainkey TXT "v=DKIM1; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnvVkNWztiyTyvbBnzIjcGDt+yEIiQAPih2mvOOGHmXOL1iZY523w2/x4mA9vbjatFjiWCW3d/brs2VWvR8KcDdcQxZrlrHTNOabDne3paz6/iNArpeCzTQ7UPmb68ifQZm8hOWVfn/9MpynStAwry4eO0OEiGVIiarAGPAdkCBl8A2J9OudfjluAKO4C" "AeU1tdhO5QdkzAnP3CexhgaFpZm6xGfXdm9DriWCeipEEzenshl6SfXKh6h5+lAvTboO9spIOCdBxswbZOerlZmeb62kHDtom3D+Up3rCUQLDB3fQREYqBxw5m91pxyJvc3Y1d9FjJfSnUZGnWcLOJCv4QIDAQAB"
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tlsrpt@example.co.jp"
_dmarc TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.co.jp"
mx-old A    192.0.2.25
mx-old TXT  "v=spf1 a -all"
mail   A    203.0.113.25
mail   AAAA 2001:db8:25::25
mail   TXT  "v=spf1 a -all"
"#;
const AS_NAMES: &str = r#"
AS64496 TXT "64496 | JP | apnic | 2008-04-01 | SAMPLE-OFFICE-LINE, JP"
AS64500 TXT "64500 | JP | apnic | 2019-07-01 | SAMPLE-CLOUD, JP"
AS64501 TXT "64501 | US | arin | 2010-01-01 | SAMPLE-ONE, US"
AS64502 TXT "64502 | DE | ripencc | 2011-01-01 | SAMPLE-TWO, DE"
"#;
const ORIGINS: &str = r#"
*.2.0.192   TXT "64496 | 192.0.2.0/24 | JP | apnic | 2008-04-01"
*.113.0.203 TXT "64500 | 203.0.113.0/24 | JP | apnic | 2019-07-01"
*.1.18.198  TXT "64501 | 198.18.0.0/16 | US | arin | 2010-01-01"
*.1.19.198  TXT "64502 | 198.19.0.0/16 | DE | ripencc | 2011-01-01"
"#;
const ORIGINS_V6: &str = r#"
*.5.2.0.0.8.b.d.0.1.0.0.2 TXT "64500 | 2001:db8:25::/48 | JP | apnic | 2019-07-01"
*.1.0.8.1.8.b.d.0.1.0.0.2 TXT "64501 | 2001:db8:1801::/48 | US | arin | 2010-01-01"
*.1.0.9.1.8.b.d.0.1.0.0.2 TXT "64502 | 2001:db8:1901::/48 | DE | ripencc | 2011-01-01"
"#;

/// Starts NSD on its host; `more` zones replace those of the same origin.
pub(crate) fn start(host: &Host, dir: &Path, more: &[(&'static str, &'static str)]) -> Result<Daemon, String> {
    let zones: BTreeMap<&str, &str> = ZONES.iter().chain(more).copied().collect();
    let at = dir.display();
    let mut conf = format!(
        "server:\n  ip-address: {SERVER}\n  ip-address: 198.51.100.54\n  ip-address: 2001:db8:53::53\n  \
         server-count: 1\n  username: \"\"\n  chroot: \"\"\n  zonesdir: \"{at}\"\n  pidfile: \"{at}/nsd.pid\"\n  \
         logfile: \"{at}/nsd.own.log\"\n  database: \"\"\n  xfrdfile: \"{at}/nsd.xfrd\"\n  xfrdir: \"{at}\"\n  \
         zonelistfile: \"{at}/nsd.zones\"\n  rrl-ratelimit: 0\nremote-control:\n  control-enable: no\n"
    );
    for (origin, text) in &zones {
        let file = format!("{}.zone", if origin.is_empty() { "root" } else { origin });
        let _ = write!(conf, "zone:\n  name: \"{origin}.\"\n  zonefile: \"{file}\"\n");
        let mut whole = format!(
            "$ORIGIN {origin}.\n$TTL 300\n@ SOA ns1.world.test. hostmaster.world.test. 1 7200 900 1209600 300\n\
             @ NS ns1.world.test.\n@ NS ns2.world.test.\n{text}\n"
        );
        for child in zones.keys().filter(|child| parent(child, &zones) == Some(origin)) {
            let _ = writeln!(whole, "{child}. NS ns1.world.test.\n{child}. NS ns2.world.test.");
        }
        if origin.is_empty() {
            whole.push_str(
                "ns1.world.test. A 198.51.100.53\nns2.world.test. A 198.51.100.54\nns2.world.test. AAAA 2001:db8:53::53\n",
            );
        }
        write(&dir.join(file), &whole);
    }
    let file = dir.join("nsd.conf");
    write(&file, &conf);
    let args = ["-d", "-c", file.to_str().unwrap()].map(str::to_owned);
    host.within(|| {
        let mut daemon = Daemon::spawn("nsd", dir, &program("nsd").unwrap(), &args);
        daemon.wait((SERVER, 53).into(), "example.co.jp", RecordType::SOA, true)?;
        Ok(daemon)
    })
}

/// The zone in which `child` is delegated.
fn parent<'z>(child: &str, zones: &BTreeMap<&'z str, &str>) -> Option<&'z str> {
    let above = |origin: &str| child.strip_suffix(origin).is_some_and(|rest| rest.ends_with('.'));
    let found = zones.keys().filter(|origin| !child.is_empty() && (origin.is_empty() || above(origin)));
    found.filter(|origin| **origin != child).max_by_key(|origin| origin.len()).copied()
}
