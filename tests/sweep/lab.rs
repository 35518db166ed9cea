//! A server on loopback that behaves as a test wants: raw octets, so that wrong ids, questions and lengths are possible.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mail_cutover::probe::{ResolverChoice, Settings};

pub(crate) const REFUSED: u8 = 5;
pub(crate) const SERVFAIL: u8 = 2;
pub(crate) const NXDOMAIN: u8 = 3;

/// A datagram to send back, and how much later.
pub(crate) type Later = (Duration, Vec<u8>);

/// A question as the server sees it.
pub(crate) struct Asked<'a> {
    pub(crate) octets: &'a [u8],
    /// Without the dot at its end.
    pub(crate) name: String,
    /// How often this name was asked for before.
    pub(crate) before: usize,
}

/// A running server; dropping it ends it.
pub(crate) struct Lab {
    pub(crate) address: SocketAddr,
    /// How often each name was asked for.
    counts: Arc<Mutex<HashMap<String, usize>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Lab {
    /// On a free port of 127.0.0.1, by UDP.
    pub(crate) fn start(mut behaviour: impl FnMut(&Asked<'_>) -> Vec<Later> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let address = socket.local_addr().unwrap();
        let (counts, stop) = (Arc::<Mutex<HashMap<String, usize>>>::default(), Arc::<AtomicBool>::default());
        let (seen, ended) = (Arc::clone(&counts), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut later: Vec<(Instant, Vec<u8>, SocketAddr)> = Vec::new();
            let mut buffer = [0; 1024];
            while !ended.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    let octets = &buffer[..length];
                    let name = name_of(octets);
                    let before = {
                        let mut counts = seen.lock().unwrap();
                        let count = counts.entry(name.clone()).or_default();
                        *count += 1;
                        *count - 1
                    };
                    let now = Instant::now();
                    let answers = behaviour(&Asked { octets, name, before });
                    later.extend(answers.into_iter().map(|(wait, octets)| (now + wait, octets, from)));
                }
                let now = Instant::now();
                later.retain(|(at, octets, to)| {
                    if *at <= now {
                        // The asker may be gone.
                        let _ = socket.send_to(octets, to);
                    }
                    *at > now
                });
            }
        });
        Self { address, counts, stop, thread: Some(thread) }
    }

    /// How many questions came for names that `wanted` likes.
    pub(crate) fn count(&self, wanted: impl Fn(&str) -> bool) -> usize {
        self.counts.lock().unwrap().iter().filter(|(name, _)| wanted(name)).map(|(_, count)| count).sum()
    }

    /// Settings that ask it as a resolver, and wait so many milliseconds.
    pub(crate) fn settings(&self, retransmit: u64) -> Settings {
        let mut settings = Settings {
            resolver: ResolverChoice::Servers(vec![self.address]),
            retransmit: Duration::from_millis(retransmit),
            ..Settings::default()
        };
        settings.limits.tcp = Duration::from_millis(300);
        settings
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn name_of(octets: &[u8]) -> String {
    let mut labels = Vec::new();
    let mut rest = &octets[12..];
    while rest[0] != 0 {
        let (label, after) = rest[1..].split_at(usize::from(rest[0]));
        labels.push(String::from_utf8_lossy(label).into_owned());
        rest = after;
    }
    labels.join(".")
}

/// The answer to `query` with this rcode and these addresses, with authority.
pub(crate) fn answer(query: &[u8], rcode: u8, addresses: &[[u8; 4]]) -> Vec<u8> {
    // Header and question; an OPT record after them is left out.
    let end = 12 + name_of(query).len() + 2 + 4;
    let mut octets = query[..end].to_vec();
    octets[2] |= 0x84;
    octets[3] = 0x80 | rcode;
    octets[6..12].copy_from_slice(&[0, u8::try_from(addresses.len()).unwrap(), 0, 0, 0, 0]);
    for address in addresses {
        octets.extend_from_slice(&[0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        octets.extend_from_slice(address);
    }
    octets
}

/// At once.
pub(crate) fn now(octets: Vec<u8>) -> Vec<Later> {
    vec![(Duration::ZERO, octets)]
}

/// The last octet of the address that a name asks for; nothing for a test point or a random subject.
pub(crate) fn subject(name: &str) -> Option<u8> {
    let mut labels = name.split('.');
    let last = labels.next()?.parse().ok()?;
    (labels.nth(2)? == "198").then_some(last)
}

/// What a list in order answers: its test point and every tenth address are listed.
pub(crate) fn in_order(asked: &Asked<'_>) -> Vec<u8> {
    let is_listed = match subject(&asked.name) {
        Some(last) => last.is_multiple_of(10),
        None => asked.name.starts_with("2.0.0.127."),
    };
    if is_listed { answer(asked.octets, 0, &[[127, 0, 0, 2]]) } else { answer(asked.octets, NXDOMAIN, &[]) }
}
