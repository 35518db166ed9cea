//! A block of addresses: which of them each list was asked about, and what it said.

use std::net::IpAddr;
use std::sync::Arc;

use crate::catalogue::Family;
use crate::dnsbl::judge::Proof;
use crate::dnsbl::lookup::Lookup;

/// A block on which lists are still at work.
#[derive(Debug)]
pub(super) struct Block {
    /// From 0.
    pub(super) number: u64,
    pub(super) addresses: Vec<IpAddr>,
    /// The places of the IPv4 and of the IPv6 addresses.
    places: [Arc<Vec<u32>>; 2],
    /// What each course said, as far as it is through.
    settled: Vec<Option<Said>>,
    /// How many courses are not through.
    left: usize,
}

/// What one list said of one family in a block.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) list: usize,
    pub(super) family: Family,
    pub(super) proof: Proof,
    /// In the order of the family's addresses; empty if it was not asked.
    pub(super) lookups: Vec<Option<Lookup>>,
}

/// A block on which every list is through.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) addresses: Vec<IpAddr>,
    /// The place of each address among those of its family.
    ranks: Vec<u32>,
    /// By list, then IPv4 and IPv6.
    said: Vec<[Option<Said>; 2]>,
}

impl Block {
    /// A block that `courses` courses have to go through.
    pub(super) fn new(number: u64, addresses: Vec<IpAddr>, courses: usize) -> Self {
        let places = [true, false].map(|wanted| {
            let numbered = (0..).zip(&addresses);
            Arc::new(numbered.filter(|(_, ip)| ip.is_ipv4() == wanted).map(|(place, _)| place).collect())
        });
        let settled = std::iter::repeat_with(|| None).take(courses).collect();
        Self { number, addresses, places, settled, left: courses }
    }

    /// The places of the addresses of `family`.
    pub(super) fn places(&self, family: Family) -> &Arc<Vec<u32>> {
        &self.places[usize::from(family != Family::Ipv4)]
    }

    /// A course is through; without `said`, it had nothing to ask.
    pub(super) fn settle(&mut self, course: usize, said: Option<Said>) {
        self.left -= 1;
        self.settled[course] = said;
    }

    pub(super) fn is_settled(&self) -> bool {
        self.left == 0
    }

    pub(super) fn close(self, lists: usize) -> Settled {
        let mut said: Vec<[Option<Said>; 2]> = std::iter::repeat_with(|| [None, None]).take(lists).collect();
        for one in self.settled.into_iter().flatten() {
            let family = usize::from(one.family != Family::Ipv4);
            let list = one.list;
            said[list][family] = Some(one);
        }
        let mut counts = [0, 0];
        let rank = |ip: &IpAddr| {
            let count = &mut counts[usize::from(ip.is_ipv6())];
            *count += 1;
            *count - 1
        };
        let ranks = self.addresses.iter().map(rank).collect();
        Settled { addresses: self.addresses, ranks, said }
    }
}

impl Settled {
    /// The proof that `list` gave and what it said of the address at `place`; nothing if it is not asked about the family.
    pub(super) fn said(&self, list: usize, place: usize) -> Option<(&Proof, Option<&Lookup>)> {
        let said = self.said[list][usize::from(self.addresses[place].is_ipv6())].as_ref()?;
        let lookup = said.lookups.get(self.ranks[place] as usize).and_then(Option::as_ref);
        Some((&said.proof, lookup))
    }
}
