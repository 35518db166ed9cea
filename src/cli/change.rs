//! What the commands that follow a change in time take: `compare` and `watch`.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use clap::{Args, ValueEnum};

use super::{DAY, parse_time, parse_time_limit};

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// The earlier report, as `check --format json` wrote it.
    #[arg(value_name = "EARLIER.json")]
    pub earlier: PathBuf,
    /// The later one, of the same move.
    #[arg(value_name = "LATER.json")]
    pub later: PathBuf,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = CompareFormat::Table)]
    pub format: CompareFormat,
    /// Write the output to FILE, whole or not at all, instead of standard output (`-`).
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show notes too.
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Print the two verdicts, nothing else.
    #[arg(short, long)]
    pub quiet: bool,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// The plan, a TOML file; it is read once.
    pub plan: PathBuf,
    /// From the beginning of one run to that of the next, such as 90s, 10m or 1h.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse_time_limit)]
    pub every: Duration,
    /// How long to watch, such as 24h or 7d, or until when (2026-12-06T22:00:00+09:00); else until somebody stops it.
    #[arg(long, value_name = "TIME", value_parser = parse_until)]
    pub until: Option<Until>,
    /// Form of the lines.
    #[arg(long, value_enum, default_value_t = WatchFormat::Lines)]
    pub format: WatchFormat,
    /// Call this program after each change; what happened stands in its environment (MAIL_CUTOVER_VERDICT and others). It is run as it is, not by a
    /// shell, and ended after a minute.
    #[arg(long, value_name = "PROGRAM")]
    pub on_change: Option<PathBuf>,
    /// Keep the last report in this folder as latest.json, and those in which something changed under their time and verdict.
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
    /// Ask no blocklist again before this time has passed, nor before its answers have expired (an hour at the most).
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_time_limit)]
    pub lists_every: Duration,
    /// Judge as if this zone were published (see check).
    #[arg(long, value_name = "[ORIGIN=]FILE")]
    pub rehearse: Vec<String>,
    /// This machine is the new server (see check).
    #[arg(long)]
    pub on_new_server: bool,
    /// Run only checks with this id or tag (may be repeated). Leaving out what can block makes HOLD.
    #[arg(long, value_name = "TAG")]
    pub only: Vec<String>,
    /// Leave out checks with this id or tag (may be repeated). Leaving out what can block makes HOLD.
    #[arg(long, value_name = "TAG")]
    pub skip: Vec<String>,
    /// One run may take this long, such as 90s or 2m.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_time_limit)]
    pub deadline: Duration,
    /// Exit with 1 on warnings too.
    #[arg(long)]
    pub strict: bool,
    /// Lines for notes too.
    #[arg(short, long)]
    pub verbose: bool,
    /// Begin as if it were this time (for tests and documentation).
    #[arg(long, hide = true, value_name = "TIME", value_parser = DateTime::parse_from_rfc3339)]
    pub at: Option<DateTime<FixedOffset>>,
}

/// When a watch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// So long after it began.
    After(Duration),
    /// At this time.
    At(DateTime<FixedOffset>),
}

/// A form of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For people at a terminal.
    Table,
    /// For programs; schema 1.
    Json,
}

/// A form of the lines of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WatchFormat {
    /// For people and logs.
    Lines,
    /// For programs: one JSON object a line.
    Jsonl,
}

/// The end of a watch: a length of time, or a time with its offset.
fn parse_until(text: &str) -> Result<Until, String> {
    let length = parse_time(text).filter(|length| *length <= DAY * 366).map(Until::After);
    let time = || DateTime::parse_from_rfc3339(text).ok().map(Until::At);
    length
        .or_else(time)
        .ok_or_else(|| "write a length such as 24h or 7d, or a time such as 2026-12-06T22:00:00+09:00".to_owned())
}
