//! The DNS of the stage: rbldnsd with the lists, and unbound in front of it with the names of everybody.
//!
//! | zone | what it does |
//! |---|---|
//! | codes.bl.test | several codes, some of them no listing |
//! | one.bl.test, two.bl.test, three.bl.test | for scores |
//! | allow.wl.test | an allow-list with codes 127.0.category.trust |
//! | names.bl.test | lists names: below listed.example, and listed.example itself |
//! | wide.bl.test | lists everybody |
//! | error.bl.test | answers 127.255.255.254 for everybody: it refuses the resolver |
//! | refused.bl.test | the resolver itself says REFUSED |
//! | broken.bl.test | SERVFAIL |
//! | silent.bl.test | no answer |

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use hickory_proto::rr::RecordType;

use super::clients::{Client, Naming};
use super::namespaces::Host;
use super::process::{Daemon, program, run, write};
use super::stage::RESOLVER;

/// Where rbldnsd answers.
pub(crate) const LISTS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 54);

/// The lists that hold clients one by one: short name and zone.
pub(crate) const LISTED: [(&str, &str); 5] = [
    ("codes", "codes.bl.test"),
    ("allow", "allow.wl.test"),
    ("one", "one.bl.test"),
    ("two", "two.bl.test"),
    ("three", "three.bl.test"),
];

const HEAD: &str = "$TTL 300\n$SOA 300 ns.bl.test. hostmaster.bl.test. 1 600 300 86400 300\n$NS 300 ns.bl.test.\n";

/// Starts both on their host.
///
/// # Errors
/// One of them did not get ready.
pub(crate) fn start(host: &Host, dir: &Path, clients: &[Client]) -> Result<Vec<Daemon>, String> {
    let lists = ["-n", "-4", "-b", &format!("{LISTS}/53"), "-w", &dir.display().to_string()].map(str::to_owned);
    let lists = [lists.to_vec(), zones(dir, clients)].concat();
    let conf = dir.join("unbound.conf");
    write(&conf, &configuration(dir, clients));
    // Debian's AppArmor profile is bound to the path of the binary and forbids files elsewhere than /etc/unbound.
    let own = dir.join("unbound.bin");
    let copy = [program("unbound").unwrap().display().to_string(), own.display().to_string()];
    run(dir, &program("cp").unwrap(), &copy.each_ref().map(String::as_str));
    host.within(|| {
        let mut rbldnsd = Daemon::spawn("rbldnsd", dir, &program("rbldnsd").unwrap(), &lists);
        rbldnsd.wait((LISTS, 53).into(), "wide.bl.test", RecordType::SOA, false)?;
        let args = ["-d", "-c", conf.to_str().unwrap()].map(str::to_owned);
        let mut unbound = Daemon::spawn("unbound", dir, &own, &args);
        unbound.wait(RESOLVER, "2.0.0.127.wide.bl.test", RecordType::A, true)?;
        Ok(vec![rbldnsd, unbound])
    })
}

/// Writes the files of all lists; the arguments that name them.
fn zones(dir: &Path, clients: &[Client]) -> Vec<String> {
    let mut args = Vec::new();
    let mut file = |zone: &str, kind: &str, text: &str| {
        let name = format!("{zone}.{kind}");
        write(&dir.join(&name), &format!("{HEAD}{text}"));
        args.push(format!("{zone}:{kind}:{name}"));
    };
    for (short, zone) in LISTED {
        let (mut v4, mut v6) = (String::new(), String::new());
        for client in clients {
            let codes = client.listed.iter().filter(|(list, _)| *list == short).flat_map(|(_, codes)| codes);
            // rbldnsd has one answer for an IPv6 address.
            let most = if client.ip.is_ipv4() { usize::MAX } else { 1 };
            let set = if client.ip.is_ipv4() { &mut v4 } else { &mut v6 };
            for [third, last] in codes.take(most) {
                let _ = writeln!(set, "{} :127.0.{third}.{last}:see https://{zone}/{}", client.ip, client.ip);
            }
        }
        file(zone, "ip4set", &v4);
        file(zone, "ip6trie", &v6);
    }
    file("wide.bl.test", "ip4trie", "0.0.0.0/0 :127.0.0.2:everybody\n");
    file("wide.bl.test", "ip6trie", "::/0 :127.0.0.2:everybody\n");
    file("error.bl.test", "ip4trie", "0.0.0.0/0 :127.255.255.254:public resolver\n");
    file("error.bl.test", "ip6trie", "::/0 :127.255.255.254:public resolver\n");
    file("names.bl.test", "dnset", ".listed.example :127.0.1.2:a bad name\n");
    args
}

fn configuration(dir: &Path, clients: &[Client]) -> String {
    let mut conf = format!(
        "server:\n  interface: {}\n  access-control: 0.0.0.0/0 allow\n  module-config: \"iterator\"\n  directory: \"{}\"\n  \
         username: \"\"\n  chroot: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  logfile: \"\"\n  do-daemonize: no\n  \
         do-ip6: no\n  num-threads: 1\n  outgoing-range: 2048\n  num-queries-per-thread: 2048\n  \
         do-not-query-localhost: no\n  qname-minimisation: no\n",
        RESOLVER.ip(),
        dir.display()
    );
    let mut zone = |name: &str, kind: &str| {
        let _ = writeln!(conf, "  local-zone: \"{name}.\" {kind}");
    };
    for name in ["test", "broken.example"] {
        zone(name, "nodefault");
    }
    for name in ["example", "18.198.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa", "nodots"] {
        zone(name, "static");
    }
    zone("refused.bl.test", "refuse");
    zone("silent.bl.test", "deny");
    zone("silent.example", "deny");
    zone("broken.example", "transparent");
    for client in clients.iter().filter(|client| client.naming == Naming::SilentReverse) {
        zone(&reverse(client.ip), "deny");
    }
    let mut data = |text: String| {
        let _ = writeln!(conf, "  local-data: '{text}'");
    };
    for host in ["mail.partners.example", "mail.listed.example", "host-only.partners.example"] {
        data(format!("{host}. 300 IN A 192.0.2.9"));
    }
    for domain in ["partners.example", "sub.partners.example", "listed.example"] {
        data(format!("{domain}. 300 IN MX 10 mail.partners.example."));
    }
    data("no-mail.partners.example. 300 IN MX 0 .".to_owned());
    for client in clients {
        if !matches!(client.naming, Naming::Nameless | Naming::SilentReverse) {
            data(format!("{}. 300 IN PTR {}.", reverse(client.ip), client.name));
        }
        let (here, other) = match client.ip {
            IpAddr::V4(ip) => (format!("A {ip}"), "A 192.0.2.1"),
            IpAddr::V6(ip) => (format!("AAAA {ip}"), "AAAA 2001:db8:ffff::1"),
        };
        match client.naming {
            Naming::Confirmed => data(format!("{}. 300 IN {here}", client.name)),
            Naming::Elsewhere => data(format!("{}. 300 IN {other}", client.name)),
            _ => {}
        }
    }
    conf.push_str("remote-control:\n  control-enable: no\n");
    // rbldnsd does not know the zones that are broken, and refuses: that is SERVFAIL behind a resolver.
    for zone in ["bl.test", "wl.test", "broken.bl.test", "broken.example"] {
        let _ = write!(conf, "stub-zone:\n  name: \"{zone}.\"\n  stub-addr: {LISTS}\n");
    }
    conf
}

/// The name under which a list, or the DNS itself, knows an address; without the zone.
pub(crate) fn reversed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.octets().iter().rev().map(u8::to_string).collect::<Vec<_>>().join("."),
        IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}")).collect::<Vec<_>>().join(".")
        }
    }
}

fn reverse(ip: IpAddr) -> String {
    format!("{}.{}", reversed(ip), if ip.is_ipv4() { "in-addr.arpa" } else { "ip6.arpa" })
}
