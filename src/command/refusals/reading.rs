//! Mail logs read into a tally: for `bounce --log` to their ends, for a check so far as its time allows.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, FixedOffset};
use indicatif::ProgressBar;

use crate::bounce::{LogRead, Ours, Tally, Watch};
use crate::command::progress::spinner;
use crate::command::{CommandError, Terminal};
use crate::maillog::{self, Clock};
use crate::model::visible;
use crate::plan::Plan;

/// A check reads so much of the logs, in octets, unpacked.
const MOST_FOR_A_CHECK: u64 = 1 << 30;
/// A check reads them for so long.
const LONGEST_FOR_A_CHECK: Duration = Duration::from_secs(20);
/// So many lines are looked at for the time at which a log begins.
const LINES_WITHOUT_TIME: usize = 100;

/// Reads every log; one that breaks off is kept as far as it goes, and is said to have broken off.
pub(super) fn read(
    paths: &[PathBuf],
    tally: Tally,
    now: DateTime<FixedOffset>,
    ours: &Ours,
    terminal: &Terminal,
) -> Result<Watch, CommandError> {
    let mut watch = Watch { tally, logs: Vec::new() };
    let bar = spinner(terminal);
    let in_order = in_order(paths, now).map_err(|(file, detail)| CommandError::Log { path: file, detail })?;
    for path in in_order {
        one(path, &mut watch, now, ours, &bar, None).map_err(|(path, detail)| CommandError::Log { path, detail })?;
    }
    bar.finish_and_clear();
    Ok(watch)
}

/// Reads the logs that a plan names, for a check: a bounded amount in bounded time. What could not be read is said of the log.
pub(in crate::command) fn watch(plan: &Plan, now: DateTime<FixedOffset>, ours: &Ours) -> Option<Watch> {
    let paths = &plan.after.logs;
    if paths.is_empty() {
        return None;
    }
    let mut watch = Watch { tally: Tally::new(Some(plan.cutover_at.timestamp()), None), logs: Vec::new() };
    let bounds = Bounds { left: MOST_FOR_A_CHECK, until: Instant::now() + LONGEST_FOR_A_CHECK };
    let mut bounds = Some(bounds);
    let bar = ProgressBar::hidden();
    let mut readable = Vec::new();
    for path in paths {
        // Opening a pipe would wait for somebody to write into it.
        let is_file = std::fs::metadata(path).and_then(|found| match found.is_file() {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")),
        });
        match is_file.and_then(|()| first_time(path, now)) {
            Ok(time) => readable.push((time, path.as_path())),
            Err(error) => watch.logs.push(unread(path, &error)),
        }
    }
    readable.sort_by_key(|(time, _)| *time);
    for (_, path) in readable {
        if let Err((file, detail)) = one(path, &mut watch, now, ours, &bar, bounds.as_mut()) {
            watch.logs.push(LogRead { file, error: Some(detail), ..LogRead::default() });
        }
    }
    Some(watch)
}

fn unread(path: &Path, error: &io::Error) -> LogRead {
    LogRead { file: shown(path), error: Some(visible(&error.to_string())), ..LogRead::default() }
}

fn shown(path: &Path) -> String {
    visible(&path.display().to_string())
}

/// A file and what is wrong with it, both safe to show.
type Fault = (String, String);

fn one(
    path: &Path,
    watch: &mut Watch,
    now: DateTime<FixedOffset>,
    ours: &Ours,
    bar: &ProgressBar,
    bounds: Option<&mut Bounds>,
) -> Result<(), Fault> {
    let file = shown(path);
    bar.set_message(file.clone());
    let opened = maillog::open(path).map_err(|error| (file.clone(), visible(&error.to_string())))?;
    let (read, error) = match bounds {
        Some(bounds) => watch.tally.read(&mut Bounded { log: opened, bounds }, now, ours),
        None => {
            let mut opened = opened;
            watch.tally.read(&mut *opened, now, ours)
        }
    };
    watch.logs.push(LogRead { file, error: error.map(|error| visible(&error.to_string())), ..read });
    Ok(())
}

/// The logs, the oldest first: what waits in one is settled in the next. Standard input comes last.
fn in_order(paths: &[PathBuf], now: DateTime<FixedOffset>) -> Result<Vec<&Path>, Fault> {
    let mut timed = Vec::new();
    for path in paths {
        let time = if path == Path::new("-") {
            Some(i64::MAX)
        } else {
            first_time(path, now).map_err(|error| (shown(path), visible(&error.to_string())))?
        };
        timed.push((time, path.as_path()));
    }
    timed.sort_by_key(|(time, _)| *time);
    Ok(timed.into_iter().map(|(_, path)| path).collect())
}

/// When a log begins.
fn first_time(path: &Path, now: DateTime<FixedOffset>) -> io::Result<Option<i64>> {
    // Opening a pipe a second time would lose what was read from it.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(Some(i64::MAX));
    }
    let mut clock = Clock::new(now);
    let mut log = maillog::open(path)?.take(64 * 1024);
    let mut line = Vec::new();
    for _ in 0..LINES_WITHOUT_TIME {
        line.clear();
        // What is wrong with it is said when it is read.
        if log.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
            break;
        }
        if let Some(time) = clock.read(&line) {
            return Ok(Some(time));
        }
    }
    Ok(None)
}

/// How much more may be read.
struct Bounds {
    left: u64,
    until: Instant,
}

/// A log that is read so far and no further.
struct Bounded<'b> {
    log: Box<dyn BufRead>,
    bounds: &'b mut Bounds,
}

impl Read for Bounded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let length = from.len().min(into.len());
        into[..length].copy_from_slice(&from[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Bounded<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let buffer = self.log.fill_buf()?;
        if !buffer.is_empty() && (self.bounds.left == 0 || Instant::now() > self.bounds.until) {
            return Err(io::Error::other(
                "a check reads at most 1 GiB in 20 seconds; name the log of the cutover alone",
            ));
        }
        Ok(buffer)
    }

    fn consume(&mut self, amount: usize) {
        self.bounds.left = self.bounds.left.saturating_sub(amount as u64);
        self.log.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a check would read a log without end for hours, or take a part of it for the whole.
    #[test]
    fn a_bounded_log_says_that_it_was_cut() {
        let text = "2026-12-06T10:00:00+09:00 mx postfix/smtp[1]: A1: to=<a@b.example>, relay=none, dsn=5.4.4, status=bounced (no)\n";
        let log = io::Cursor::new(text.repeat(10).into_bytes());
        let mut bounds = Bounds { left: 5, until: Instant::now() + Duration::from_secs(60) };
        let mut log = Bounded { log: Box::new(io::BufReader::with_capacity(text.len() * 4, log)), bounds: &mut bounds };
        let now = DateTime::parse_from_rfc3339("2026-12-07T10:00:00+09:00").unwrap();
        let mut tally = Tally::new(None, None);
        let (read, error) = tally.read(&mut log, now, &Ours::default());
        assert_eq!((read.news, error.is_some()), (4, true));
    }
}
