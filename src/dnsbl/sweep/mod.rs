//! Many addresses against many lists: rows in the order of the addresses, each belief bracketed by proofs of health.
//!
//! The addresses are taken in blocks. Before and after its questions about a block, every list is asked for its test points by the
//! same way; what it said of the block counts only if both proofs hold. The proof after one block is the one before the next, and
//! the next block's questions leave while its answers are awaited.

mod block;
mod course;
mod engine;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use futures::future::join_all;
use tokio::runtime::Handle;

use super::consult::Consultant;
use super::judge::{Belief, State, believe_on};
use super::lookup::Lookup;
use super::select::Selected;
use crate::catalogue::{Family, Holds, Target};
use crate::probe::{Name, Pipeline, Route, Way};
use block::Settled;
use engine::Engine;

/// So many addresses share a proof.
pub const BLOCK: usize = 1024;

/// A sweep under way, in a thread of its own; an iterator over its rows in the order of the addresses, which waits for each. After a
/// [`Stop`] the rows of the blocks under way are missing.
#[derive(Debug)]
pub struct Sweep {
    lists: Arc<Vec<Selected>>,
    blocks: Receiver<Settled>,
    current: Option<(Settled, usize)>,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// What is known of one address.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The address.
    pub ip: IpAddr,
    /// What each list said of it, in the order of the lists.
    pub words: Vec<Word>,
    /// It is the last row of a block: a good moment to write down what there is.
    pub ends_block: bool,
}

/// What one list said of an address.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// The answer; nothing if the list was not asked, because it holds nothing of the kind or failed its proof.
    pub lookup: Option<Lookup>,
    /// What is believed.
    pub belief: Belief,
}

/// Stops a sweep from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Stops it within a moment.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a list is asked of one family, if it is asked.
#[derive(Clone, Debug)]
struct Wanted {
    /// Its place among the lists.
    list: usize,
    family: Family,
    way: Way,
    /// The test points: listed, unlisted, random.
    points: [Option<IpAddr>; 3],
}

impl Sweep {
    /// Asks `lists` about `addresses` as `consultant` would: through its resolvers, or a list's own servers where there are none or
    /// the list does not answer them. Of families that are not among `families` only the resolvers are asked, so name those that
    /// occur. To be called within a runtime, which must go on as long as the sweep.
    ///
    /// # Errors
    /// The system gives no thread.
    pub async fn start(
        consultant: &Consultant,
        lists: Vec<Selected>,
        families: &[Family],
        addresses: impl Iterator<Item = IpAddr> + Send + 'static,
    ) -> std::io::Result<Self> {
        Self::with_blocks_of(BLOCK, consultant, lists, families, addresses).await
    }

    /// The same with another size of blocks.
    ///
    /// # Errors
    /// The system gives no thread.
    pub async fn with_blocks_of(
        size: usize,
        consultant: &Consultant,
        lists: Vec<Selected>,
        families: &[Family],
        addresses: impl Iterator<Item = IpAddr> + Send + 'static,
    ) -> std::io::Result<Self> {
        let lists = Arc::new(lists);
        let each = lists.iter().enumerate().flat_map(|(place, selected)| {
            [Family::Ipv4, Family::Ipv6].map(|family| wanted(consultant, place, selected, family, families))
        });
        let wanted = join_all(each).await.into_iter().flatten().collect();
        let (sender, blocks) = sync_channel(1);
        let stop = Stop::default();
        let (dns, runtime) = (consultant.dns().clone(), Handle::current());
        let (its_lists, its_stop) = (Arc::clone(&lists), stop.clone());
        let mut addresses = addresses;
        let thread = std::thread::Builder::new().name("sweep".to_owned()).spawn(move || {
            // Here, for it cannot move from thread to thread.
            let pipeline = Pipeline::beside(&dns, runtime);
            let engine = Engine::new(pipeline, its_lists, wanted, size.max(1), its_stop);
            engine.run(&mut addresses, &sender);
        })?;
        Ok(Self { lists, blocks, current: None, stop, thread: Some(thread) })
    }

    /// What stops it.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    fn row(&self, block: &Settled, place: usize) -> Row {
        let ip = block.addresses[place];
        let family = Family::of(ip);
        let word = |(number, selected): (usize, &Selected)| {
            let Some((proof, lookup)) = block.said(number, place) else {
                let belief = match selected.wants_key() {
                    Some(why) if selected.list.holds(family) != Holds::No => Belief::Unknown(State::NoKey, why),
                    _ => Belief::NotApplicable,
                };
                return Word { lookup: None, belief };
            };
            let belief = believe_on(&selected.list, family, proof, lookup);
            Word { lookup: lookup.cloned(), belief }
        };
        let words = self.lists.iter().enumerate().map(word).collect();
        Row { ip, words, ends_block: place + 1 == block.addresses.len() }
    }
}

impl Iterator for Sweep {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.current.as_ref().is_none_or(|(block, next)| *next >= block.addresses.len()) {
            let Ok(block) = self.blocks.recv() else {
                self.current = None;
                if let Some(thread) = self.thread.take()
                    && let Err(fault) = thread.join()
                {
                    // A fault of the tool itself is not to look like the end of the addresses.
                    std::panic::resume_unwind(fault);
                }
                return None;
            };
            self.current = Some((block, 0));
        }
        let (block, next) = self.current.take()?;
        let row = self.row(&block, next);
        self.current = Some((block, next + 1));
        Some(row)
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// How `selected` is asked about `family`; nothing if it is not.
async fn wanted(
    consultant: &Consultant,
    list: usize,
    selected: &Selected,
    family: Family,
    families: &[Family],
) -> Option<Wanted> {
    if selected.list.holds(family) == Holds::No || selected.wants_key().is_some() {
        return None;
    }
    let ip = |target: Option<Target>| match target {
        Some(Target::Ip(ip)) => Some(ip),
        _ => None,
    };
    let random = ip(Some(consultant.random(family).clone()))?;
    let zone = zone_of(selected, random)?;
    let points = [ip(selected.list.test_listed(family)), ip(selected.list.test_unlisted(family)), Some(random)];
    let pace = selected.pace();
    let resolvers = consultant.dns().resolver_addresses();
    let by_authority = families.contains(&family)
        && (resolvers.is_empty()
            || consultant.falls_back() && consultant.health(selected, family).await.route == "authority");
    let mut way = Way { zone, servers: resolvers, route: Route::Resolver, pace };
    if by_authority || way.servers.is_empty() {
        let found = consultant.dns().authority(&way.zone).await;
        way.servers = found.servers.iter().flat_map(|server| server.addresses.iter().copied()).collect();
        // IPv4 first: many machines have nothing else.
        way.servers.sort_by_key(std::net::SocketAddr::is_ipv6);
        way.route = Route::Authority;
    }
    Some(Wanted { list, family, way, points })
}

/// The name below which `selected` is asked about addresses of the family of `ip`.
fn zone_of(selected: &Selected, ip: IpAddr) -> Option<Name> {
    let name = selected.list.query_name(&Target::Ip(ip), selected.key.as_deref()).ok()?;
    let labels = if ip.is_ipv4() { 4 } else { 32 };
    let zone = name.splitn(labels + 1, '.').nth(labels)?;
    crate::probe::Question::new(zone, crate::probe::RecordType::A).ok().map(|question| question.name)
}
