//! What mail logs come to: refusals counted by direction, class, list and whom they are about, before and since the cutover.

use std::collections::HashMap;
use std::io::{self, BufRead};

use chrono::{DateTime, FixedOffset};

use super::classify::Ruling;
use super::event::{Action, Event};
use super::explain::{Explanation, explain_event, rule_on};
use super::line::{News, Refusal, news, party};
use super::named::{Named, without_keys};
use super::normal::floor;
use super::rules::{Class, Confidence};
use super::side::{Direction, Ours};
use super::waiting::{Place, Waiting};
use crate::maillog::{Clock, Volume, each_line};
use crate::model::visible;

/// So many groups are kept apart in each direction; what else comes is summed up by its class.
const MOST_GROUPS: usize = 5000;
/// So much of a text is kept to be explained later, in octets.
const LONGEST_TEXT: usize = 1500;
/// The time of one line in so many is read where nothing else wants to know it.
const TIMED: u64 = 512;
/// The rules that tell of an effect: what was said before is the cause.
const EFFECTS: [&str; 2] = ["network-expired", "exchange-expired"];
/// The same in Exim's words.
const EFFECTS_OF_EXIM: [&str; 2] = ["retry time not reached", "retry timeout exceeded"];

/// Messages, not tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Refused, or given up.
    pub refused: u64,
    /// Put off, and not settled by the end of the logs.
    pub waiting: u64,
    /// Put off first, and delivered later.
    pub late: u64,
}

impl Count {
    /// Those that did not arrive, or not yet.
    pub const fn lost(self) -> u64 {
        self.refused + self.waiting
    }

    /// These and those.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            refused: self.refused + other.refused,
            waiting: self.waiting + other.waiting,
            late: self.late + other.late,
        }
    }
}

/// Refusals of one kind.
#[derive(Clone, Debug)]
pub struct Group {
    /// Which way the mail went.
    pub direction: Direction,
    /// What they mean.
    pub class: Class,
    /// The part of the class; may be empty.
    pub sub: &'static str,
    /// The list that is named.
    pub list: Option<Named>,
    /// Whom they are about: the receiver's organization, or the partner's; empty for the rest beyond the 5,000 that are kept apart.
    pub party: String,
    /// How far the class can be relied on, at the best.
    pub confidence: Confidence,
    /// Before the cutover; nothing without one.
    pub before: Count,
    /// Since the cutover; everything without one.
    pub since: Count,
    /// When the first and the last were seen, in seconds since 1970.
    pub seen: Option<(i64, i64)>,
    /// One line of the log, safe to show: the first since the cutover, else the first at all.
    pub example: String,
    seen_before: bool,
    /// Whether the example is of the time since the cutover.
    is_of_since: bool,
    event: Event,
}

impl Group {
    /// The example explained.
    pub fn explain(&self, ours: &Ours) -> Explanation {
        explain_event(&self.event, ours)
    }

    /// Whether the example is about one of our own mailboxes.
    pub fn is_for(&self, ours: &Ours) -> bool {
        self.event.recipient.as_deref().is_some_and(|recipient| ours.has_mailbox(recipient))
    }

    /// Whether there was none of them before the cutover, and is one since. Only where there are lines of both.
    pub const fn is_new(&self) -> bool {
        !self.seen_before && self.since.lost() > 0
    }

    /// Whether it should stop people: we are refused for a reason that a cutover causes, and it is more than a guess.
    pub fn is_critical(&self) -> bool {
        let by_us = self.class.is_critical() && self.class != Class::Greylist;
        // A question that a receiver's list refused is nothing of ours.
        let of_us = !matches!(self.sub, "query-error");
        self.direction != Direction::Incoming && by_us && of_us && self.confidence > Confidence::Low
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    incoming: bool,
    class: Class,
    sub: &'static str,
    list: String,
    party: String,
}

/// The counts.
#[derive(Debug)]
pub struct Tally {
    cutover: Option<i64>,
    from: Option<i64>,
    places: HashMap<Key, usize>,
    groups: Vec<Group>,
    /// Groups beside those for the rest, outgoing and incoming.
    apart: [usize; 2],
    /// Mail on its way out, and to us.
    waiting: [Waiting; 2],
    /// Deliveries before and since the cutover.
    delivered: [u64; 2],
    /// Refusals and deliveries in lines that say no time, and before which none did.
    undated: u64,
}

/// What one log came to.
#[derive(Clone, Debug, Default)]
pub struct LogRead {
    /// The file, as it was named; safe to show.
    pub file: String,
    /// What was read.
    pub volume: Volume,
    /// Lines that tell what became of a message.
    pub news: u64,
    /// When it begins and ends, in seconds since 1970.
    pub period: Option<(i64, i64)>,
    /// Why it was not read to its end; safe to show.
    pub error: Option<String>,
}

/// Logs with what they come to.
#[derive(Debug)]
pub struct Watch {
    /// The counts.
    pub tally: Tally,
    /// Every log that was named.
    pub logs: Vec<LogRead>,
}

impl Watch {
    /// When the logs begin and end, in seconds since 1970.
    pub fn period(&self) -> Option<(i64, i64)> {
        let all = self.logs.iter().filter_map(|log| log.period);
        all.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)))
    }
}

impl Tally {
    /// Counts nothing yet. Times are seconds since 1970: of the cutover, if there is one, and that from which on lines count.
    pub fn new(cutover: Option<i64>, from: Option<i64>) -> Self {
        Self {
            cutover,
            from,
            places: HashMap::new(),
            groups: Vec::new(),
            apart: [0; 2],
            waiting: Default::default(),
            delivered: [0; 2],
            undated: 0,
        }
    }

    /// Reads a log to its end. `now` says in which year a time without a year was, and where the clock that wrote the log stands. A log
    /// that breaks off counts as far as it goes; the error says so.
    pub fn read(
        &mut self,
        log: &mut dyn BufRead,
        now: DateTime<FixedOffset>,
        ours: &Ours,
    ) -> (LogRead, Option<io::Error>) {
        let mut clock = Clock::new(now);
        let mut read = LogRead::default();
        let mut lines = 0_u64;
        let mut last = Vec::new();
        let (volume, broken) = each_line(log, |line| {
            lines += 1;
            let news = news(line);
            let tells = !matches!(news, News::Nothing);
            if tells || lines % TIMED == 1 {
                read.saw(clock.read(line));
            } else {
                last.clear();
                last.extend_from_slice(&line[..line.len().min(48)]);
            }
            if tells {
                read.news += 1;
                self.take(news, read.period.map(|(_, last)| last), line, ours);
            }
        });
        read.saw(clock.read(&last));
        read.volume = volume;
        (read, broken)
    }

    /// The groups in which something is counted, the worst first: critical and new, then by what did not arrive since the cutover.
    pub fn groups(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> =
            self.groups.iter().filter(|group| group.before.plus(group.since) != Count::default()).collect();
        let rank = |group: &Group| {
            let new = group.is_new() && self.cutover.is_some();
            let lost = group.since.lost() > 0;
            let critical = lost && group.is_critical();
            // What we refuse of strangers, spam above all, would hide what is refused of us.
            let of_us = lost && group.direction != Direction::Incoming;
            (critical && new, critical, of_us, new, group.since.lost(), group.before.lost(), group.since.late)
        };
        groups.sort_by(|one, other| rank(other).cmp(&rank(one)).then_with(|| one.party.cmp(&other.party)));
        groups
    }

    /// Messages that were delivered, each recipient counted: before the cutover, and since.
    pub const fn delivered(&self) -> [u64; 2] {
        self.delivered
    }

    /// Lines whose time is not known; they count as since the cutover.
    pub const fn undated(&self) -> u64 {
        self.undated
    }

    fn take(&mut self, news: News<'_>, at: Option<i64>, line: &[u8], ours: &Ours) {
        if at.zip(self.from).is_some_and(|(at, from)| at < from) {
            return;
        }
        self.undated += u64::from(at.is_none());
        let since = match (at, self.cutover) {
            (Some(at), Some(cutover)) => at >= cutover,
            _ => true,
        };
        match news {
            News::Nothing => {}
            News::Delivered { id, rest } => {
                self.delivered[usize::from(since)] += 1;
                for which in 0..2 {
                    if self.waiting[which].has(id)
                        && let Some(recipient) = rest.recipient()
                        && let Some(place) = self.waiting[which].take(id, &recipient)
                    {
                        self.count(place).waiting -= 1;
                        self.count(place).late += 1;
                    }
                }
            }
            News::GivenUp { id } => {
                for place in self.waiting.iter_mut().flat_map(|waiting| waiting.take_all(id)).collect::<Vec<_>>() {
                    self.count(place).waiting -= 1;
                    self.count(Place { since, ..place }).refused += 1;
                    self.groups[place.group].saw(at, since);
                }
            }
            News::Refused(refusal) => self.refused(*refusal, at, since, line, ours),
        }
    }

    fn refused(&mut self, mut refusal: Refusal<'_>, at: Option<i64>, since: bool, line: &[u8], ours: &Ours) {
        let event = &mut refusal.event;
        if event.direction == Some(Direction::Outgoing)
            && event.host.is_none()
            && event.recipient.as_deref().is_some_and(|recipient| ours.has_mailbox(recipient))
        {
            event.direction = Some(Direction::Incoming);
        }
        let direction = event.direction.unwrap_or(Direction::Outgoing);
        let which = usize::from(direction == Direction::Incoming);
        let delayed = event.action == Action::Delayed;
        let recipient = event.recipient.clone().unwrap_or_default();
        let visit = || {
            let client = refusal.event.client?;
            Some(format!("{client} {}", refusal.sender.as_deref().unwrap_or_default()).into_bytes())
        };
        // Who was turned away before there was a message is known by who it is.
        let id = refusal.id.map(<[u8]>::to_vec).or_else(visit);
        let known = id.as_deref().and_then(|id| self.waiting[which].take(id, &recipient));
        let (ruling, _) = rule_on(&refusal.event);
        let says = |words: &&str| refusal.event.texts.iter().any(|text| text.contains(words));
        let is_effect =
            ruling.class == Class::Unknown || EFFECTS.contains(&ruling.rule_id()) || EFFECTS_OF_EXIM.iter().any(says);
        let group = match known {
            Some(place) if is_effect => place.group,
            _ => self.group(&ruling, direction, &refusal, (line, since)),
        };
        if let Some(place) = known {
            self.count(place).waiting -= 1;
        }
        let place = Place { group, since };
        if delayed {
            self.count(place).waiting += 1;
            if let Some(id) = id {
                self.waiting[which].put(&id, &recipient, place);
            }
        } else {
            self.count(place).refused += 1;
        }
        self.groups[group].saw(at, since);
    }

    fn count(&mut self, place: Place) -> &mut Count {
        let group = &mut self.groups[place.group];
        if place.since { &mut group.since } else { &mut group.before }
    }

    /// The group that a refusal belongs to. Its example is a line of the time since the cutover, as soon as there is one.
    fn group(
        &mut self,
        ruling: &Ruling,
        direction: Direction,
        refusal: &Refusal<'_>,
        (line, since): (&[u8], bool),
    ) -> usize {
        let incoming = direction == Direction::Incoming;
        let list = ruling.list.as_ref().map(|list| visible(list.id())).unwrap_or_default();
        let mut key = Key { incoming, class: ruling.class, sub: ruling.sub, list, party: party(refusal, direction) };
        if !self.places.contains_key(&key) {
            if self.apart[usize::from(incoming)] == MOST_GROUPS {
                key = Key { sub: "", list: String::new(), party: String::new(), ..key };
            } else {
                self.apart[usize::from(incoming)] += 1;
            }
        }
        if let Some(place) = self.places.get(&key) {
            let group = &mut self.groups[*place];
            group.confidence = group.confidence.max(ruling.confidence);
            if since && !group.is_of_since {
                group.is_of_since = true;
                group.example = example(line);
                group.event = bounded(&refusal.event);
            }
            return *place;
        }
        let place = self.groups.len();
        let is_rest = key.party.is_empty();
        self.groups.push(Group {
            direction,
            class: ruling.class,
            sub: key.sub,
            list: ruling.list.clone().filter(|_| !is_rest),
            party: key.party.clone(),
            confidence: ruling.confidence,
            before: Count::default(),
            since: Count::default(),
            seen: None,
            example: example(line),
            seen_before: false,
            is_of_since: since,
            event: bounded(&refusal.event),
        });
        self.places.insert(key, place);
        place
    }
}

impl Group {
    fn saw(&mut self, at: Option<i64>, since: bool) {
        self.seen_before |= !since;
        if let Some(at) = at {
            let (first, last) = self.seen.unwrap_or((at, at));
            self.seen = Some((first.min(at), last.max(at)));
        }
    }
}

impl LogRead {
    fn saw(&mut self, at: Option<i64>) {
        if let Some(at) = at {
            let (first, _) = self.period.unwrap_or((at, at));
            self.period = Some((first, at));
        }
    }
}

fn example(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(LONGEST_TEXT)]);
    visible(&without_keys(&text))
}

/// An event of bounded size.
fn bounded(event: &Event) -> Event {
    let cut = |text: &String, most| floor(text, most).to_owned();
    Event {
        texts: event.texts.iter().take(2).map(|text| cut(text, LONGEST_TEXT)).collect(),
        recipient: event.recipient.as_ref().map(|text| cut(text, 320)),
        host: event.host.as_ref().map(|text| cut(text, 255)),
        reporting: None,
        ..*event
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
