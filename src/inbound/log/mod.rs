//! Mail logs of Postfix, Exim and Sendmail, read as a stream: which addresses sent mail to the old server, how much and when.

mod line;
mod open;
mod tally;
mod time;

use std::io::{self, BufRead};

use chrono::{DateTime, FixedOffset};

pub use open::open;
pub use tally::{Client, Clients};

use line::{Event, event};
use time::Clock;

/// The longest line that is read to its end, in octets; the rest of a longer one is passed over.
pub const LONGEST_LINE: usize = 64 * 1024;

/// What a log came to, beside the clients in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All lines.
    pub lines: u64,
    /// Lines that tell of a client.
    pub understood: u64,
    /// Lines of more than [`LONGEST_LINE`] octets.
    pub cut: u64,
    /// Lines that tell of a client without an address, such as `unknown[unknown]`.
    pub nameless: u64,
    /// All octets, unpacked.
    pub octets: u64,
}

/// Reads a log to its end into `clients`. `now` says in which year a time without a year was, and where the clock that wrote the log
/// stands. A log that breaks off (a rotated file that was cut) counts as far as it goes; the error says so.
pub fn read(log: &mut dyn BufRead, now: DateTime<FixedOffset>, clients: &mut Clients) -> (Summary, Option<io::Error>) {
    let mut summary = Summary::default();
    let mut clock = Clock::new(now);
    let mut kept = Vec::new();
    let mut broken = None;
    loop {
        let buffer = match log.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                broken = Some(error);
                break;
            }
        };
        if buffer.is_empty() {
            break;
        }
        let mut rest = buffer;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            if kept.is_empty() {
                take(line, &mut summary, &mut clock, clients);
            } else {
                keep(&mut kept, line);
                take(&kept, &mut summary, &mut clock, clients);
                kept.clear();
            }
            rest = after;
        }
        keep(&mut kept, rest);
        let read = buffer.len();
        summary.octets += read as u64;
        log.consume(read);
    }
    if !kept.is_empty() {
        take(&kept, &mut summary, &mut clock, clients);
    }
    (summary, broken)
}

/// Appends the beginning of a line, up to one octet more than the longest, by which the longer one is known.
fn keep(kept: &mut Vec<u8>, part: &[u8]) {
    let room = (LONGEST_LINE + 1).saturating_sub(kept.len());
    kept.extend_from_slice(&part[..part.len().min(room)]);
}

fn take(line: &[u8], summary: &mut Summary, clock: &mut Clock, clients: &mut Clients) {
    summary.lines += 1;
    summary.cut += u64::from(line.len() > LONGEST_LINE);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match event(&line[..line.len().min(LONGEST_LINE)]) {
        Event::Nothing => {}
        Event::Nameless => {
            summary.understood += 1;
            summary.nameless += 1;
        }
        Event::Came { ip, id, sender } => {
            summary.understood += 1;
            clients.came(ip, id, sender, clock.read(line));
        }
        Event::From { id, sender } => clients.from(id, sender),
        Event::Ours { id } => clients.ours(id),
        Event::Refused { ip, sender } => {
            summary.understood += 1;
            clients.refused(ip, sender, clock.read(line));
        }
    }
}

#[cfg(test)]
mod tests;
