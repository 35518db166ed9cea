//! Which resolvers this machine uses, and which are open to the whole world.

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::config::ProtocolConfig;

/// Why there is nobody to ask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolverError {
    /// The system's configuration is missing or unreadable.
    #[error("could not read the system's resolver configuration: {0}")]
    Unreadable(String),
    /// The configuration, or the given list, names no server.
    #[error("could not find a resolver to ask: none is configured")]
    NoServer,
}

/// The servers in the system's configuration (`/etc/resolv.conf` on Unix), in order, each once.
pub(super) fn system_servers() -> Result<Vec<SocketAddr>, ResolverError> {
    let (config, _) = hickory_resolver::system_conf::read_system_conf().map_err(|error| {
        let text = error.to_string();
        if text.contains("no nameservers") { ResolverError::NoServer } else { ResolverError::Unreadable(text) }
    })?;
    let mut servers = Vec::new();
    for server in config.name_servers() {
        let plain = server.connections.iter().find(|c| matches!(c.protocol, ProtocolConfig::Udp));
        let address = SocketAddr::new(server.ip, plain.map_or(53, |connection| connection.port));
        if !servers.contains(&address) {
            servers.push(address);
        }
    }
    if servers.is_empty() { Err(ResolverError::NoServer) } else { Ok(servers) }
}

/// Resolvers that anybody may use, by operator. Public blocklist mirrors refuse them, because all the world asks from there.
const PUBLIC: &[(&str, &[&str])] = &[
    (
        "Google",
        &[
            "8.8.8.8",
            "8.8.4.4",
            "2001:4860:4860::8888",
            "2001:4860:4860::8844",
            "2001:4860:4860::64",
            "2001:4860:4860::6464",
        ],
    ),
    (
        "Cloudflare",
        &[
            "1.1.1.1",
            "1.0.0.1",
            "1.1.1.2",
            "1.0.0.2",
            "1.1.1.3",
            "1.0.0.3",
            "2606:4700:4700::1111",
            "2606:4700:4700::1001",
            "2606:4700:4700::1112",
            "2606:4700:4700::1002",
            "2606:4700:4700::1113",
            "2606:4700:4700::1003",
            "2606:4700:4700::64",
            "2606:4700:4700::6400",
        ],
    ),
    (
        "Quad9",
        &[
            "9.9.9.9",
            "149.112.112.112",
            "9.9.9.10",
            "149.112.112.10",
            "9.9.9.11",
            "149.112.112.11",
            "9.9.9.12",
            "149.112.112.12",
            "149.112.112.9",
            "2620:fe::fe",
            "2620:fe::9",
            "2620:fe::10",
            "2620:fe::fe:10",
            "2620:fe::11",
            "2620:fe::fe:11",
            "2620:fe::12",
            "2620:fe::fe:12",
            "2620:fe::fe:9",
        ],
    ),
    (
        "OpenDNS",
        &[
            "208.67.222.222",
            "208.67.220.220",
            "208.67.222.220",
            "208.67.220.222",
            "208.67.222.123",
            "208.67.220.123",
            "208.67.222.2",
            "208.67.220.2",
            "2620:119:35::35",
            "2620:119:53::53",
            "2620:119:35::123",
            "2620:119:53::123",
            "2620:0:ccc::2",
            "2620:0:ccd::2",
        ],
    ),
    (
        "AdGuard",
        &[
            "94.140.14.14",
            "94.140.15.15",
            "94.140.14.15",
            "94.140.15.16",
            "94.140.14.140",
            "94.140.14.141",
            "2a10:50c0::ad1:ff",
            "2a10:50c0::ad2:ff",
            "2a10:50c0::bad1:ff",
            "2a10:50c0::bad2:ff",
            "2a10:50c0::1:ff",
            "2a10:50c0::2:ff",
        ],
    ),
    ("Level3", &["4.2.2.1", "4.2.2.2", "4.2.2.3", "4.2.2.4", "4.2.2.5", "4.2.2.6", "209.244.0.3", "209.244.0.4"]),
    (
        "CleanBrowsing",
        &[
            "185.228.168.9",
            "185.228.169.9",
            "185.228.168.10",
            "185.228.169.11",
            "185.228.168.168",
            "185.228.169.168",
            "2a0d:2a00:1::2",
            "2a0d:2a00:2::2",
            "2a0d:2a00:1::1",
            "2a0d:2a00:2::1",
            "2a0d:2a00:1::",
            "2a0d:2a00:2::",
        ],
    ),
    (
        "Verisign / UltraDNS",
        &[
            "64.6.64.6",
            "64.6.65.6",
            "156.154.70.1",
            "156.154.71.1",
            "156.154.70.5",
            "156.154.71.5",
            "2620:74:1b::1:1",
            "2620:74:1c::2:2",
            "2610:a1:1018::1",
            "2610:a1:1019::1",
        ],
    ),
    ("Comodo", &["8.26.56.26", "8.20.247.20"]),
    ("DNS.WATCH", &["84.200.69.80", "84.200.70.40", "2001:1608:10:25::1c04:b12f", "2001:1608:10:25::9249:d69b"]),
    (
        "Yandex",
        &[
            "77.88.8.8",
            "77.88.8.1",
            "77.88.8.88",
            "77.88.8.2",
            "77.88.8.7",
            "77.88.8.3",
            "2a02:6b8::feed:ff",
            "2a02:6b8:0:1::feed:ff",
        ],
    ),
    ("Control D", &["76.76.2.0", "76.76.10.0", "76.76.2.1", "76.76.10.1", "2606:1a40::", "2606:1a40:1::"]),
    ("DNS.SB", &["185.222.222.222", "45.11.45.11", "2a09::", "2a11::"]),
    ("114DNS", &["114.114.114.114", "114.114.115.115"]),
    ("AliDNS", &["223.5.5.5", "223.6.6.6", "2400:3200::1", "2400:3200:baba::1"]),
    ("DNSPod", &["119.29.29.29", "2402:4e00::"]),
    ("Hurricane Electric", &["74.82.42.42", "2001:470:20::2"]),
];

/// The operator of the well-known open resolver `ip`; nothing for any other address. IPv4-mapped IPv6 counts as IPv4.
pub fn is_public_resolver(ip: IpAddr) -> Option<&'static str> {
    let ip = ip.to_canonical();
    let known = |texts: &[&str]| texts.iter().any(|text| text.parse() == Ok(ip));
    PUBLIC.iter().find(|(_, texts)| known(texts)).map(|(operator, _)| *operator)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a list's refusal of a public resolver would not be explained, or a mistyped entry never match.
    #[test]
    fn open_resolvers_are_known() {
        for (operator, texts) in PUBLIC {
            for text in *texts {
                assert!(text.parse::<IpAddr>().is_ok(), "{operator} {text}");
            }
        }
        for (text, operator) in [
            ("8.8.8.8", Some("Google")),
            ("::ffff:1.1.1.1", Some("Cloudflare")),
            ("2620:FE::FE", Some("Quad9")),
            ("127.0.0.53", None),
        ] {
            assert_eq!(is_public_resolver(text.parse().unwrap()), operator, "{text}");
        }
    }
}
