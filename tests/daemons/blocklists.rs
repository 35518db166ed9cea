//! rbldnsd: the blocklists of the demo's table, with what a test lists on them.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use mail_cutover::demo::{BlocklistTable, Listings, ServedList};

use super::process::{Daemon, program, write};

const HEAD: &str = "$TTL 300\n$SOA 300 ns-lists.world.test. hostmaster.world.test. 1 600 300 86400 300\n\
                    $NS 300 ns-lists.world.test.\n";

/// Starts rbldnsd with every list of the table. Refusing and silent lists are not its business.
pub(crate) fn start(at: SocketAddr, dir: &Path, table: &BlocklistTable, listings: &Listings) -> Daemon {
    let mut args = vec!["-n".to_owned(), "-4".to_owned(), "-b".to_owned(), format!("{}/{}", at.ip(), at.port())];
    args.extend(["-w".to_owned(), dir.display().to_string()]);
    for list in &table.list {
        let dead = [&list.id, &list.zone].iter().any(|word| listings.dead.contains(word));
        let mut sets = [("ip4set", String::new()), ("ip6trie", String::new()), ("dnset", String::new())];
        for (subject, answer, text) in entries(list, listings) {
            let [(_, v4), (_, v6), (_, names)] = &mut sets;
            let set = match subject.parse() {
                Ok(IpAddr::V4(_)) => v4,
                // rbldnsd does not read the dotted form of a mapped address.
                Ok(IpAddr::V6(ip)) => {
                    let groups = ip.segments().map(|group| format!("{group:x}")).join(":");
                    let _ = writeln!(v6, "{groups} :{answer}:{text}");
                    continue;
                }
                Err(_) => names,
            };
            let _ = writeln!(set, "{subject} :{answer}:{text}");
        }
        for (kind, text) in sets {
            let (zone, wanted) = match kind {
                "ip4set" => (&list.zone, list.ipv4.is_some()),
                "ip6trie" => (list.zone_ipv6.as_ref().unwrap_or(&list.zone), list.ipv6.is_some()),
                _ => (&list.zone, list.domain.is_some()),
            };
            if wanted {
                let file = format!("{}.{kind}", list.id);
                write(&dir.join(&file), &format!("{HEAD}{}", if dead { "" } else { &text }));
                args.push(format!("{zone}:{kind}:{file}"));
            }
        }
    }
    Daemon::spawn("rbldnsd", dir, &program("rbldnsd").unwrap(), &args)
}

/// Every subject of a list with each of its answers.
fn entries<'a>(
    list: &'a ServedList,
    listings: &'a Listings,
) -> impl Iterator<Item = (&'a str, std::net::Ipv4Addr, &'a str)> {
    let points = [&list.ipv4, &list.ipv6, &list.domain].into_iter().flatten();
    let points = points.map(|point| (point.point.as_str(), &point.answers, "test record, see RFC 5782"));
    let listed = listings.listed.iter().filter(|l| l.list == list.id || l.list == list.zone);
    let listed = listed.map(|l| (l.subject.as_str(), &l.answers, l.text.as_deref().unwrap_or("listed")));
    points.chain(listed).flat_map(|(subject, answers, text)| answers.iter().map(move |code| (subject, *code, text)))
}
