//! One list's way through the blocks for one family: proof, questions, proof, questions, … Decides; does not send.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::block::Said;
use crate::catalogue::{Family, List};
use crate::dnsbl::judge::{Answers, Proof, State, health};
use crate::dnsbl::lookup::Lookup;
use crate::model::Value;
use crate::probe::Answer;

/// A list that was silent is not waited for again within this time: its state stands for the blocks in between.
const SILENCE_STANDS: Duration = Duration::from_secs(10);
/// Marks the tag of a test point.
const POINT: u64 = 1 << 63;
/// So many bits of a tag are the place in the block, or which test point it is.
const PLACE_BITS: u32 = 24;

/// A list about one family.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) list: usize,
    pub(super) family: Family,
    /// Listed, unlisted, random.
    points: [Option<IpAddr>; 3],
    /// The blocks it is not through with, in order.
    parts: VecDeque<Part>,
    standing: Standing,
    proving: Option<Proving>,
    /// The next proof is asked for because the last one was lost in part.
    is_second: bool,
    /// Of the proofs, from 0.
    proofs: u64,
}

/// What the last proof showed.
#[derive(Debug)]
enum Standing {
    /// There was none, or it failed: nothing may be asked before the next one holds.
    Open,
    /// It held.
    Held,
    /// The list was silent at this time.
    Silent(Instant, Proof),
}

/// A proof under way.
#[derive(Debug)]
struct Proving {
    number: u64,
    answers: [Option<Lookup>; 3],
    left: usize,
    /// The first part is answered, and waits for this proof; else it is the one before the first part.
    after: bool,
    /// It is asked for because the one before was lost in part.
    is_second: bool,
}

/// What a course has to do in one block.
#[derive(Debug)]
struct Part {
    block: u64,
    /// The places in the block of the addresses to ask about.
    places: Arc<Vec<u32>>,
    /// How many were asked about.
    asked: usize,
    lookups: Vec<Option<Lookup>>,
    /// How many answers are awaited, of those not asked yet too.
    left: usize,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Open the zone again and ask for these test points: tag and address.
    Prove(Vec<(u64, IpAddr)>),
    /// Ask about the address at this place of this block, under this tag.
    Ask { tag: u64, block: u64, place: u32 },
    /// Nothing at the moment.
    Wait,
}

impl Course {
    pub(super) fn new(list: usize, family: Family, points: [Option<IpAddr>; 3]) -> Self {
        let standing = Standing::Open;
        Self { list, family, points, parts: VecDeque::new(), standing, proving: None, is_second: false, proofs: 0 }
    }

    /// Takes in the addresses at `places` of a block, which are at least one.
    pub(super) fn take_in(&mut self, block: u64, places: &Arc<Vec<u32>>) {
        let lookups = std::iter::repeat_with(|| None).take(places.len()).collect();
        self.parts.push_back(Part { block, places: Arc::clone(places), asked: 0, lookups, left: places.len() });
    }

    /// What to do next; a part that is through by that, because the list was silent a moment ago, goes into `through`.
    pub(super) fn step(&mut self, now: Instant, through: &mut Vec<(u64, Said)>) -> Step {
        while let Standing::Silent(since, proof) = &self.standing {
            if now.duration_since(*since) >= SILENCE_STANDS {
                self.standing = Standing::Open;
                break;
            }
            let proof = proof.clone();
            let Some(part) = self.parts.pop_front() else { return Step::Wait };
            through.push(self.through(part, proof));
        }
        let Some(first) = self.parts.front() else { return Step::Wait };
        let has_held = matches!(self.standing, Standing::Held);
        if self.proving.is_none() && (first.left == 0 || !has_held) {
            return self.prove(first.left == 0);
        }
        if !has_held {
            return Step::Wait;
        }
        // The next part is begun while the last answers and the proof of the first are awaited.
        let Some(part) = self.parts.iter_mut().take(2).find(|part| part.asked < part.places.len()) else {
            return Step::Wait;
        };
        let place = part.places[part.asked];
        let tag = part.block << PLACE_BITS | part.asked as u64;
        part.asked += 1;
        Step::Ask { tag, block: part.block, place }
    }

    /// Takes in an answer. Parts that are through by it go into `through`; whether the list failed its proof, so that nothing may
    /// leave that is not on its way.
    pub(super) fn hear(
        &mut self,
        tag: u64,
        said: Lookup,
        list: &List,
        now: Instant,
        through: &mut Vec<(u64, Said)>,
    ) -> bool {
        let place = (tag & ((1 << PLACE_BITS) - 1)) as usize;
        let number = (tag & !POINT) >> PLACE_BITS;
        if tag & POINT == 0 {
            // Of a part that failed there may still be answers on the way.
            if let Some(part) = self.parts.iter_mut().find(|part| part.block == number)
                && let Some(slot @ None) = part.lookups.get_mut(place)
            {
                *slot = Some(said);
                part.left -= 1;
            }
            return false;
        }
        let Some(proving) = self.proving.as_mut().filter(|proving| proving.number == number) else { return false };
        if let Some(slot @ None) = proving.answers.get_mut(place) {
            *slot = Some(said);
            proving.left -= 1;
        }
        if proving.left > 0 {
            return false;
        }
        let Some(proving) = self.proving.take() else { return false };
        let proof = self.judge(&proving.answers, list);
        let is_mute = |said: &Lookup| matches!(said, Lookup::Failed(Answer::Timeout | Answer::Unreachable(_)));
        if proof.health.0 == State::Silent
            && !proving.is_second
            && proving.answers.iter().flatten().any(|said| !matches!(said, Lookup::Failed(_)))
        {
            // It is there, and a packet or two were lost: a whole block is not given up for that.
            self.is_second = true;
            return false;
        }
        let is_held = proof.health.0 == State::Healthy;
        if !is_held || proving.after {
            let part = self.parts.pop_front();
            through.extend(part.map(|part| self.through(part, proof.clone())));
        }
        if is_held {
            self.standing = Standing::Held;
            return false;
        }
        // What was begun on the strength of the proof before falls with it.
        while self.parts.front().is_some_and(|part| part.asked > 0) {
            let part = self.parts.pop_front();
            through.extend(part.map(|part| self.through(part, proof.clone())));
        }
        self.standing =
            if proving.answers.iter().flatten().any(is_mute) { Standing::Silent(now, proof) } else { Standing::Open };
        true
    }

    fn prove(&mut self, after: bool) -> Step {
        let number = self.proofs;
        self.proofs += 1;
        let is_second = std::mem::take(&mut self.is_second);
        let points: Vec<(u64, IpAddr)> = (0..)
            .zip(self.points)
            .filter_map(|(place, point)| Some((POINT | number << PLACE_BITS | place, point?)))
            .collect();
        self.proving = Some(Proving { number, answers: [None, None, None], left: points.len(), after, is_second });
        Step::Prove(points)
    }

    fn judge(&self, answers: &[Option<Lookup>; 3], list: &List) -> Proof {
        let [listed, unlisted, random] = answers.each_ref().map(Option::as_ref);
        let is_whole = listed.is_some();
        let health = match random {
            Some(random) => health(list, self.family, &Answers { subject: random, listed, unlisted, random }),
            None => (State::Silent, Value::both("it has no test points", "テスト用アドレスがない")),
        };
        Proof { is_whole, health }
    }

    fn through(&self, part: Part, proof: Proof) -> (u64, Said) {
        (part.block, Said { list: self.list, family: self.family, proof, lookups: part.lookups })
    }
}
