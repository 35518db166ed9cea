//! `mynetworks`: who is a friend, pattern by pattern (match_hostaddr in match_ops.c).

use std::net::IpAddr;

use super::compile::Compiler;
use super::config::Token;
use super::lines::pieces;
use super::steps::Unjudgeable;
use super::syntax::Network;
use super::tables::Tables;
use super::words;

/// The patterns, in order: the first one that fits decides.
#[derive(Clone, Debug, Default)]
pub(super) struct Mynetworks(Vec<Pattern>);

#[derive(Clone, Debug)]
enum Pattern {
    /// Its addresses are friends, or with `false` are none.
    Network(Network, bool),
    /// With addresses of its family (IPv6: true) Postfix gives up the list here: `192.0.2.1/24`.
    Wrong { is_v6: bool },
    /// A table, or the name of a host.
    Unread(Unjudgeable),
}

/// What the patterns say of an address.
pub(super) struct Said<'m> {
    pub(super) is: Standing,
    /// The patterns before the one that decides that could have let it in.
    pub(super) unread: Vec<&'m Unjudgeable>,
}

/// How an address stands to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Friend,
    Stranger,
    /// The list breaks off: smtpd answers 451 4.3.0 to everybody who gets there.
    Fails,
}

impl Mynetworks {
    /// Reads the parameter, and notes what is not judged.
    pub(super) fn read(compiler: &mut Compiler<'_>, tables: &Tables<'_>) -> Self {
        let tokens = match compiler.config.list("mynetworks") {
            Ok(tokens) => tokens,
            Err(_) => {
                compiler.note(compiler.config.place("mynetworks_style"), "mynetworks", words::mynetworks_default());
                let itself = ["127.0.0.0/8", "[::1]/128"].into_iter().filter_map(Network::parse);
                return Self(itself.map(|own| Pattern::Network(own, true)).collect());
            }
        };
        let mut patterns = Vec::new();
        for token in tokens {
            let file = token.text.strip_prefix('/').and_then(|_| tables.lines(&token.text));
            match file {
                Some(lines) => {
                    for (_, piece) in lines.iter().flat_map(|line| pieces(line, false)) {
                        let piece = Token { text: piece.to_owned(), place: token.place.clone() };
                        patterns.extend(pattern(&piece, compiler));
                    }
                }
                None => patterns.extend(pattern(&token, compiler)),
            }
        }
        Self(patterns)
    }

    /// What they say of `ip`.
    pub(super) fn say(&self, ip: IpAddr) -> Said<'_> {
        let mut unread = Vec::new();
        for pattern in &self.0 {
            let is = match pattern {
                Pattern::Network(network, friend) if network.holds(ip) => {
                    if *friend {
                        Standing::Friend
                    } else {
                        Standing::Stranger
                    }
                }
                Pattern::Wrong { is_v6 } if *is_v6 == ip.is_ipv6() => Standing::Fails,
                Pattern::Unread(one) => {
                    unread.push(one);
                    continue;
                }
                Pattern::Network(..) | Pattern::Wrong { .. } => continue,
            };
            return Said { is, unread };
        }
        Said { is: Standing::Stranger, unread }
    }
}

fn pattern(token: &Token, compiler: &mut Compiler<'_>) -> Option<Pattern> {
    let text = token.text.trim_start_matches('!');
    if let Some(network) = Network::parse(text) {
        return Some(Pattern::Network(network, (token.text.len() - text.len()).is_multiple_of(2)));
    }
    // A stranger is not called that.
    if text.eq_ignore_ascii_case("localhost") {
        return None;
    }
    let looks_like_one = text.contains([':', '/'])
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'[' | b']' | b'/'));
    if looks_like_one && !text.starts_with('/') {
        compiler.note(token.place.clone(), &token.text, words::mynetworks_wrong());
        return Some(Pattern::Wrong { is_v6: text.contains(':') });
    }
    let unjudged = compiler.note(token.place.clone(), &token.text, words::mynetworks_pattern());
    let why = words::undecided(&unjudged);
    Some(Pattern::Unread(Unjudgeable { why, may_refuse: false, may_accept: true }))
}

#[cfg(test)]
mod tests {
    use super::super::config::Config;
    use super::*;

    fn standing(mynetworks: &str, ip: &str) -> (Standing, usize) {
        let (config, _) = Config::read("main.cf", format!("mynetworks = {mynetworks}\n").as_bytes());
        let nothing = |_: &std::path::Path| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
        let tables = Tables { read: &nothing, beside: "conf".into(), config_directory: "/etc/postfix".to_owned() };
        let mut compiler = Compiler::new(&config, &tables);
        let mynetworks = Mynetworks::read(&mut compiler, &tables);
        let said = mynetworks.say(ip.parse().unwrap());
        (said.is, said.unread.len())
    }

    /// Lost if it fails: a mistake in mynetworks with which Postfix puts everybody off would be taken for a network of nobody, or a table
    /// that lets a partner in be passed over.
    #[test]
    fn the_first_pattern_decides_and_mistakes_break_off() {
        for (mynetworks, ip, expected) in [
            ("192.0.2.0/24", "192.0.2.9", (Standing::Friend, 0)),
            ("!192.0.2.9 192.0.2.0/24", "192.0.2.9", (Standing::Stranger, 0)),
            ("192.0.2.0/24, !192.0.2.9", "192.0.2.9", (Standing::Friend, 0)),
            ("!!192.0.2.9", "192.0.2.9", (Standing::Friend, 0)),
            ("192.0.2.1/24", "198.51.100.1", (Standing::Fails, 0)),
            ("198.51.100.1 192.0.2.1/24", "198.51.100.1", (Standing::Friend, 0)),
            ("192.0.2.1/24", "2001:db8::1", (Standing::Stranger, 0)),
            ("192.0.2.0/255.255.255.0", "198.51.100.1", (Standing::Fails, 0)),
            ("[2001:db8::1]/32", "2001:db9::1", (Standing::Fails, 0)),
            ("192.0.2 localhost 10.", "192.0.2.1", (Standing::Stranger, 2)),
            ("hash:/etc/postfix/friends, 192.0.2.0/24", "192.0.2.1", (Standing::Friend, 1)),
            ("/etc/postfix/absent", "192.0.2.1", (Standing::Stranger, 1)),
        ] {
            assert_eq!(standing(mynetworks, ip), expected, "{mynetworks} {ip}");
        }
    }
}
