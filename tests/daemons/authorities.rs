//! NSD: who serves which zone, the delegations between them, and the signed zones.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use mail_cutover::demo::{BlocklistTable, Zone};

use super::process::{Daemon, program, run, write};
use super::{AUTHORITY, LISTS, REGISTRY, ROOT, SECOND, Second};

/// Signed well, and with signatures of the year 2020.
pub(crate) const SIGNED: [&str; 2] = ["signed.test", "bogus.test"];
/// Where registries end and companies begin, besides the names of one label.
const REGISTRIES: [&str; 1] = ["co.jp"];
/// The names of the servers.
const HOSTS: [(&str, Ipv4Addr); 5] = [
    ("ns-root.world.test.", ROOT),
    ("ns-registry.world.test.", REGISTRY),
    ("ns-authority.world.test.", AUTHORITY),
    ("ns-lists.world.test.", LISTS),
    ("ns-second.world.test.", SECOND),
];

/// All zones with their servers, in NSD's hands or rbldnsd's.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Served by NSD: origin without its dot, text, server.
    zones: Vec<(String, String, Ipv4Addr)>,
    /// Other versions of some of them, served by NSD at [`SECOND`]: origin, text.
    second: Vec<(String, String)>,
    /// Served by rbldnsd.
    lists: Vec<String>,
}

impl Plan {
    pub(crate) fn new(zones: Vec<Zone>, second: &[Second], table: &BlocklistTable) -> Self {
        let lists: Vec<String> =
            table.list.iter().flat_map(|l| std::iter::once(&l.zone).chain(&l.zone_ipv6)).cloned().collect();
        let mut zones: Vec<_> = zones
            .into_iter()
            .map(|zone| {
                let origin = zone.origin.trim_end_matches('.').to_owned();
                let server = server(&origin);
                (origin, zone.text, server)
            })
            .collect();
        let mut plan = Self { zones: Vec::new(), second: Vec::new(), lists };
        let children: Vec<(String, Ipv4Addr)> = (zones.iter().map(|(origin, _, ip)| (origin.clone(), *ip)))
            .chain(plan.lists.iter().map(|origin| (origin.clone(), LISTS)))
            .collect();
        for (child, ip) in children.iter().filter(|(child, _)| !child.is_empty()) {
            let parent = zones.iter_mut().filter(|(origin, ..)| origin != child && below(child, origin));
            if let Some((_, text, _)) = parent.max_by_key(|(origin, ..)| origin.len()) {
                let _ = write!(text, "\n{child}. NS {}", host(*ip));
                if second.iter().any(|zone| zone.origin == child) {
                    let _ = write!(text, "\n{child}. NS {}", host(SECOND));
                }
            }
        }
        for (origin, text, ip) in &mut zones {
            let other = second.iter().find(|zone| zone.origin == origin);
            let servers = match other {
                Some(_) => format!("@ NS {}\n@ NS {}", host(*ip), host(SECOND)),
                None => format!("@ NS {}", host(*ip)),
            };
            *text = whole(origin, 1, &servers, text);
            if let Some(other) = other.and_then(|other| other.text.as_ref()) {
                plan.second.push((origin.clone(), whole(origin, 2, &servers, other)));
            }
            // The registry of `test` knows the servers; the root gives the glue.
            if origin.is_empty() || origin == "test" {
                for (name, ip) in HOSTS {
                    let _ = writeln!(text, "{name} A {ip}");
                }
            }
        }
        plan.zones = zones;
        plan
    }

    /// Every zone's origin and server.
    pub(crate) fn servers(&self) -> impl Iterator<Item = (&str, Ipv4Addr)> {
        let own = self.zones.iter().map(|(origin, _, ip)| (origin.as_str(), *ip));
        own.chain(self.lists.iter().map(|origin| (origin.as_str(), LISTS)))
    }

    /// Writes the zone files and signs two; the text of the trust anchors.
    pub(crate) fn write(&self, dir: &Path) -> String {
        for (origin, text, _) in &self.zones {
            write(&dir.join(file(origin)), text);
        }
        for (origin, text) in &self.second {
            write(&dir.join(second_file(origin)), text);
        }
        SIGNED.iter().map(|origin| sign(dir, origin)).collect()
    }

    /// The zones of the NSD at `ip`, and their files.
    fn served_at(&self, ip: Ipv4Addr) -> Vec<(&str, String)> {
        let own =
            self.zones.iter().filter(|(.., server)| *server == ip).map(|(origin, ..)| (origin.as_str(), file(origin)));
        let second =
            self.second.iter().filter(|_| ip == SECOND).map(|(origin, _)| (origin.as_str(), second_file(origin)));
        own.chain(second).collect()
    }
}

/// A whole zone file.
fn whole(origin: &str, serial: u32, servers: &str, text: &str) -> String {
    let soa = format!("ns-root.world.test. hostmaster.world.test. {serial} 7200 900 1209600 300");
    format!("$ORIGIN {origin}.\n$TTL 3600\n@ SOA {soa}\n{servers}\n{text}\n")
}

/// Starts the NSD of one address.
pub(crate) fn start(name: &'static str, ip: Ipv4Addr, port: u16, dir: &Path, plan: &Plan) -> Daemon {
    let at = dir.display();
    let mut conf = format!(
        "server:\n  ip-address: {ip}@{port}\n  server-count: 1\n  username: \"\"\n  chroot: \"\"\n  zonesdir: \"{at}\"\n  \
         pidfile: \"{at}/{name}.pid\"\n  logfile: \"{at}/{name}.own.log\"\n  database: \"\"\n  \
         xfrdfile: \"{at}/{name}.xfrd\"\n  xfrdir: \"{at}\"\n  zonelistfile: \"{at}/{name}.zones\"\n  rrl-ratelimit: 0\n\
         remote-control:\n  control-enable: no\n"
    );
    for (origin, file) in plan.served_at(ip) {
        let _ = write!(conf, "zone:\n  name: \"{origin}.\"\n  zonefile: \"{file}\"\n");
    }
    let file = dir.join(format!("{name}.conf"));
    write(&file, &conf);
    Daemon::spawn(name, dir, &program("nsd").unwrap(), &["-d".to_owned(), "-c".to_owned(), file.display().to_string()])
}

/// Signs a zone in place; its trust anchor as unbound reads it.
fn sign(dir: &Path, origin: &str) -> String {
    let keygen = program("dnssec-keygen").unwrap();
    run(dir, &keygen, &["-q", "-K", ".", "-a", "ECDSAP256SHA256", "-f", "KSK", origin]);
    let (input, output) = (file(origin), format!("{origin}.signed"));
    let mut args = vec!["-S", "-z", "-K", ".", "-o", origin, "-f", &output];
    if origin == "bogus.test" {
        args.extend(["-s", "20200101000000", "-e", "20200201000000", "-P"]);
    }
    args.push(&input);
    run(dir, &program("dnssec-signzone").unwrap(), &args);
    let signed = std::fs::read_to_string(dir.join(&output)).unwrap();
    write(&dir.join(&input), &signed);
    let keys = dir.join(format!("dsset-{origin}."));
    std::fs::read_to_string(keys).unwrap()
}

fn file(origin: &str) -> String {
    format!("{}.zone", if origin.is_empty() { "root" } else { origin })
}

fn second_file(origin: &str) -> String {
    format!("second-{}", file(origin))
}

fn server(origin: &str) -> Ipv4Addr {
    match origin {
        "" => ROOT,
        _ if !origin.contains('.') || REGISTRIES.contains(&origin) => REGISTRY,
        _ => AUTHORITY,
    }
}

fn host(ip: Ipv4Addr) -> &'static str {
    HOSTS.iter().find(|(_, known)| *known == ip).unwrap().0
}

fn below(child: &str, origin: &str) -> bool {
    origin.is_empty() || child.strip_suffix(origin).is_some_and(|rest| rest.ends_with('.'))
}

/// Where a zone's server listens.
pub(crate) fn address(ip: Ipv4Addr, port: u16) -> SocketAddr {
    (ip, port).into()
}
