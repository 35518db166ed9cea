//! The thread of a sweep: blocks in, questions through the pipeline, settled blocks out.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};

use super::block::{Block, Said, Settled};
use super::course::{Course, Step};
use super::{Stop, Wanted};
use crate::dnsbl::select::Selected;
use crate::probe::{Answered, Pipeline};

/// So many blocks are worked on at once: fast lists go ahead of slow ones by so much, and memory is bounded.
const OPEN: usize = 2;
/// How often a stop is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// How long to wait when everything is done but whoever reads the rows is behind.
const BEHIND: Duration = Duration::from_millis(1);

/// What the thread owns.
#[derive(Debug)]
pub(super) struct Engine {
    lists: Arc<Vec<Selected>>,
    pipeline: Pipeline,
    /// By the number of its zone in the pipeline.
    courses: Vec<Course>,
    size: usize,
    open: VecDeque<Block>,
    /// Settled, and not yet taken by the reader.
    waiting: Option<Settled>,
    next_block: u64,
    stop: Stop,
}

impl Engine {
    /// Nothing is asked yet.
    pub(super) fn new(
        mut pipeline: Pipeline,
        lists: Arc<Vec<Selected>>,
        wanted: Vec<Wanted>,
        size: usize,
        stop: Stop,
    ) -> Self {
        let mut courses = Vec::new();
        for Wanted { list, family, way, points } in wanted {
            pipeline.add(way);
            courses.push(Course::new(list, family, points));
        }
        Self { lists, pipeline, courses, size, open: VecDeque::new(), waiting: None, next_block: 0, stop }
    }

    /// Works until all `addresses` are through, or nobody wants the rows any more.
    pub(super) fn run(mut self, addresses: &mut impl Iterator<Item = IpAddr>, rows: &SyncSender<Settled>) {
        let mut is_at_end = false;
        let mut answered = Vec::new();
        loop {
            if self.stop.is_set() || !self.hand_out(rows) {
                return;
            }
            while !is_at_end && self.open.len() < OPEN {
                let block: Vec<IpAddr> = addresses.take(self.size).collect();
                is_at_end = block.len() < self.size;
                if !block.is_empty() {
                    self.take_in(block);
                }
            }
            if is_at_end && self.open.is_empty() && self.waiting.is_none() {
                return;
            }
            self.push_on();
            let is_behind = self.open.iter().all(Block::is_settled);
            self.pipeline.turn(if is_behind { BEHIND } else { LOOK }, &mut answered);
            let now = Instant::now();
            for answer in answered.drain(..) {
                self.hear(answer, now);
            }
        }
    }

    /// Gives the first block to the reader, if it is settled and there is room; whether somebody reads.
    fn hand_out(&mut self, rows: &SyncSender<Settled>) -> bool {
        loop {
            let next = match self.waiting.take() {
                Some(next) => next,
                None if self.open.front().is_some_and(Block::is_settled) => match self.open.pop_front() {
                    Some(block) => block.close(self.lists.len()),
                    None => return true,
                },
                None => return true,
            };
            match rows.try_send(next) {
                Ok(()) => {}
                Err(TrySendError::Full(next)) => {
                    self.waiting = Some(next);
                    return true;
                }
                Err(TrySendError::Disconnected(_)) => return false,
            }
        }
    }

    fn take_in(&mut self, addresses: Vec<IpAddr>) {
        let mut block = Block::new(self.next_block, addresses, self.courses.len());
        self.next_block += 1;
        for (number, course) in self.courses.iter_mut().enumerate() {
            let places = block.places(course.family);
            if places.is_empty() {
                block.settle(number, None);
            } else {
                course.take_in(block.number, places);
            }
        }
        self.open.push_back(block);
    }

    /// Fills the queues of the pipeline.
    fn push_on(&mut self) {
        let now = Instant::now();
        let mut through = Vec::new();
        for (zone, course) in self.courses.iter_mut().enumerate() {
            while self.pipeline.room(zone) > 0 {
                match course.step(now, &mut through) {
                    Step::Wait => break,
                    Step::Ask { tag, block, place } => {
                        let Some(block) = self.open.iter().find(|open| open.number == block) else { continue };
                        self.pipeline.push(zone, block.addresses[place as usize], tag);
                    }
                    Step::Prove(points) => {
                        self.pipeline.reopen(zone);
                        points.into_iter().for_each(|(tag, point)| self.pipeline.push(zone, point, tag));
                    }
                }
            }
            settle(&mut self.open, zone, &mut through);
        }
    }

    fn hear(&mut self, answer: Answered, now: Instant) {
        let Answered { zone, tag, said } = answer;
        let course = &mut self.courses[zone];
        let list = &self.lists[course.list].list;
        let mut through = Vec::new();
        if course.hear(tag, said.into(), list, now, &mut through) {
            self.pipeline.drop_queue(zone);
        }
        settle(&mut self.open, zone, &mut through);
    }
}

fn settle(open: &mut VecDeque<Block>, course: usize, through: &mut Vec<(u64, Said)>) {
    for (number, said) in through.drain(..) {
        if let Some(block) = open.iter_mut().find(|block| block.number == number) {
            block.settle(course, Some(said));
        }
    }
}
