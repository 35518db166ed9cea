//! Mail logs of Postfix, Exim and Sendmail, read as a stream: which addresses sent mail to the old server, how much and when.

mod line;
mod tally;

use std::io::{self, BufRead};

use chrono::{DateTime, FixedOffset};

pub use tally::{Client, Clients};

use crate::maillog::{Clock, Volume, each_line};
use line::{Event, event};

/// What a log came to, beside the clients in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// What was read.
    pub volume: Volume,
    /// Lines that tell of a client.
    pub understood: u64,
    /// Lines that tell of a client without an address, such as `unknown[unknown]`.
    pub nameless: u64,
}

/// Reads a log to its end into `clients`. `now` says in which year a time without a year was, and where the clock that wrote the log
/// stands. A log that breaks off counts as far as it goes; the error says so.
pub fn read(log: &mut dyn BufRead, now: DateTime<FixedOffset>, clients: &mut Clients) -> (Summary, Option<io::Error>) {
    let mut clock = Clock::new(now);
    let (mut understood, mut nameless) = (0, 0);
    let (volume, broken) = each_line(log, |line| match event(line) {
        Event::Nothing => {}
        Event::Nameless => {
            understood += 1;
            nameless += 1;
        }
        Event::Came { ip, id, sender } => {
            understood += 1;
            clients.came(ip, id, sender, clock.read(line));
        }
        Event::From { id, sender } => clients.from(id, sender),
        Event::Ours { id } => clients.ours(id),
        Event::Refused { ip, sender } => {
            understood += 1;
            clients.refused(ip, sender, clock.read(line));
        }
    });
    (Summary { volume, understood, nameless }, broken)
}

#[cfg(test)]
mod tests;
