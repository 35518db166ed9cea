//! Who comes: clients with every kind of name, greeting, sender and listing, the same ones in every run.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What the DNS says of a client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// A name that leads back.
    Confirmed,
    /// A name that leads to another address.
    Elsewhere,
    /// A name that does not exist.
    Gone,
    /// No name.
    Nameless,
    /// A name whose server fails.
    BrokenForward,
    /// A name whose server is silent.
    SilentForward,
    /// The question for the name is not answered.
    SilentReverse,
}

/// A client.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) ip: IpAddr,
    pub(crate) naming: Naming,
    /// What its PTR record says, if it has one.
    pub(crate) name: String,
    pub(crate) helo: String,
    /// The whole address.
    pub(crate) sender: String,
    /// The last two octets that each list answers for it; the lists are those of [`LISTS`](super::names::LISTED).
    pub(crate) listed: Vec<(&'static str, Vec<[u8; 2]>)>,
}

/// The first `count` clients; every eighth speaks IPv6.
pub(crate) fn clients(count: usize) -> Vec<Client> {
    (0..count).map(client).collect()
}

fn client(index: usize) -> Client {
    let draw = |salt, of: usize| draw(index, salt, of);
    let number = u16::try_from(index + 1).unwrap();
    let ip: IpAddr = if index % 8 == 7 {
        Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, number).into()
    } else {
        let [high, low] = number.to_be_bytes();
        Ipv4Addr::new(198, 18, high, low).into()
    };
    let naming = match draw(1, 24) {
        0..=10 => Naming::Confirmed,
        11..=13 => Naming::Elsewhere,
        14..=16 => Naming::Gone,
        17..=20 => Naming::Nameless,
        21 => Naming::BrokenForward,
        22 => Naming::SilentForward,
        _ => Naming::SilentReverse,
    };
    let below = match naming {
        Naming::Gone => "gone",
        Naming::BrokenForward => "broken",
        Naming::SilentForward => "silent",
        _ => ["partners", "partners", "listed"][draw(2, 3)],
    };
    let name = format!("host-{number}.{below}.example");
    let helo = match draw(3, 16) {
        0..=4 => name.clone(),
        5..=8 => "mail.partners.example".to_owned(),
        9 => format!("mail-{number}.gone.example"),
        10 => "localhost".to_owned(),
        11 => match ip {
            IpAddr::V4(ip) => format!("[{ip}]"),
            IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
        },
        12 => "mx.broken.example".to_owned(),
        13 => "-bad-.partners.example".to_owned(),
        14 => "mail.listed.example.".to_owned(),
        _ => "mail.listed.example".to_owned(),
    };
    let domain = match draw(4, 14) {
        0..=4 => "partners.example",
        5 | 6 => "host-only.partners.example",
        7 => "gone.example",
        8 => "broken.example",
        9 => "no-mail.partners.example",
        10 => "nodots",
        11 => "sub.partners.example",
        _ => "listed.example",
    };
    let codes: &[&[[u8; 2]]] =
        &[&[[0, 2]], &[[0, 4]], &[[0, 10]], &[[0, 11], [0, 3]], &[[0, 30]], &[[0, 1]], &[[1, 2]]];
    let scores: &[&[[u8; 2]]] = &[&[[0, 2]], &[[0, 3]], &[[0, 4]], &[[0, 2], [0, 4]], &[[0, 9]]];
    let trust: &[&[[u8; 2]]] = &[&[[5, 0]], &[[5, 1]], &[[10, 3]], &[[9, 2], [7, 3]]];
    let mut listed = Vec::new();
    for (salt, (zone, answers, none)) in
        [("codes", codes, 7), ("allow", trust, 6), ("one", scores, 3), ("two", scores, 4), ("three", scores, 5)]
            .into_iter()
            .enumerate()
    {
        let drawn = draw(10 + salt, answers.len() + none);
        if let Some(answers) = answers.get(drawn) {
            listed.push((zone, answers.to_vec()));
        }
    }
    Client { ip, naming, name, helo, sender: format!("someone@{domain}"), listed }
}

/// A number below `of` that looks like chance and is the same in every run (SplitMix64).
fn draw(index: usize, salt: usize, of: usize) -> usize {
    let mut state = (index as u64) << 16 | salt as u64;
    for _ in 0..2 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    usize::try_from(state % of as u64).unwrap()
}
