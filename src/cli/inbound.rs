//! Arguments of `inbound`.

use std::path::PathBuf;

use chrono::{DateTime, FixedOffset};
use clap::{Args, ValueEnum};

use crate::rows::Shard;

/// Arguments of `inbound`.
#[derive(Debug, Args)]
pub struct Inbound {
    /// Mail logs of the old server (Postfix, Exim, Sendmail; plain, gzip or zstd); `-` is standard input.
    #[arg(long = "log", value_name = "FILE", num_args = 1..)]
    pub logs: Vec<PathBuf>,
    /// The plan: resolver, keys, partners, and the lists that the new server enforces.
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// The new server's rules: Postfix's main.cf or the output of `postconf -n`, or Exim's configuration; before those that the plan
    /// names.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Judge this address too (may be repeated).
    #[arg(long = "address", value_name = "IP")]
    pub addresses: Vec<std::net::IpAddr>,
    /// Keep what the lists say of each address in FILE; started again with the same logs, go on after the last one.
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// Only ask about every N-th address, from the I-th on, and keep the answers: N runs make the whole, `merge` joins their files,
    /// and --resume of the joined file judges without asking the lists again.
    #[arg(long, value_name = "I/N", value_parser = Shard::parse, requires = "resume")]
    pub shard: Option<Shard>,
    /// This machine is the new server, and its resolver is the mail server's: take the lists' answers as they come.
    #[arg(long)]
    pub on_new_server: bool,
    /// Form of the output; postfix and exim print the allow-list entries alone.
    #[arg(long, value_enum, default_value_t = InboundFormat::Table)]
    pub format: InboundFormat,
    /// Write the output to FILE, whole or not at all, instead of standard output (`-`).
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Exit with 1 on warnings too.
    #[arg(long)]
    pub strict: bool,
    /// Show every partner, every address and every line that is not judged.
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Print the verdict and what stands in its way, nothing else.
    #[arg(short, long)]
    pub quiet: bool,
    /// Judge as if it were this time (for tests and documentation).
    #[arg(long, hide = true, value_name = "TIME", value_parser = DateTime::parse_from_rfc3339)]
    pub at: Option<DateTime<FixedOffset>>,
}

/// A form of what `inbound` found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InboundFormat {
    /// For people at a terminal.
    Table,
    /// For programs; schema 1.
    Json,
    /// A line for each address, for a spreadsheet.
    Csv,
    /// Allow-list entries for Postfix: a cidr table.
    Postfix,
    /// Allow-list entries for Exim: a host list.
    Exim,
}
