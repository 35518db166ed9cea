//! Where the walk begins: the root servers, as IANA publishes them (<https://www.iana.org/domains/root/files>, named.root).

use std::net::{IpAddr, SocketAddr};

use hickory_proto::rr::Name;

use super::zones::{Cut, Host};

/// Letter, A and AAAA of `letter.root-servers.net` (B since November 2023).
const ROOTS: [(&str, &str, &str); 13] = [
    ("a", "198.41.0.4", "2001:503:ba3e::2:30"),
    ("b", "170.247.170.2", "2801:1b8:10::b"),
    ("c", "192.33.4.12", "2001:500:2::c"),
    ("d", "199.7.91.13", "2001:500:2d::d"),
    ("e", "192.203.230.10", "2001:500:a8::e"),
    ("f", "192.5.5.241", "2001:500:2f::f"),
    ("g", "192.112.36.4", "2001:500:12::d0d"),
    ("h", "198.97.190.53", "2001:500:1::53"),
    ("i", "192.36.148.17", "2001:7fe::53"),
    ("j", "192.58.128.30", "2001:503:c27::2:30"),
    ("k", "193.0.14.129", "2001:7fd::1"),
    ("l", "199.7.83.42", "2001:500:9f::42"),
    ("m", "202.12.27.33", "2001:dc3::35"),
];

/// The root with the servers `hints`, or IANA's on port 53 if there are none.
pub(super) fn root(hints: &[SocketAddr]) -> Cut {
    let iana = || {
        ROOTS.iter().map(|(letter, four, six)| Host {
            name: server_name(letter),
            glue: [four, six].iter().filter_map(|text| text.parse::<IpAddr>().ok()).map(|ip| (ip, 53).into()).collect(),
        })
    };
    let given = |(number, address): (usize, &SocketAddr)| Host {
        name: server_name(&format!("hint{}", number + 1)),
        glue: vec![*address],
    };
    let hosts = if hints.is_empty() { iana().collect() } else { hints.iter().enumerate().map(given).collect() };
    Cut::new(Name::root(), hosts)
}

fn server_name(label: &str) -> Name {
    Name::from_labels([label, "root-servers", "net"].map(str::as_bytes)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a mistyped root address would be dropped in silence, and walks begin with fewer servers.
    #[test]
    fn thirteen_roots_with_two_addresses() {
        let cut = root(&[]);
        assert_eq!(cut.hosts.len(), 13);
        let addresses: Vec<IpAddr> = cut.hosts.iter().flat_map(|host| &host.glue).map(SocketAddr::ip).collect();
        let mut expected = hickory_proto::ROOTS.to_vec();
        let mut found = addresses.clone();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "hickory's table, copied independently");
        assert_eq!(cut.hosts[12].name.to_ascii(), "m.root-servers.net.");
        assert_eq!(root(&["127.0.0.1:5300".parse().unwrap()]).hosts[0].glue, ["127.0.0.1:5300".parse().unwrap()]);
    }
}
