//! Arguments of `rank`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::rows::Shard;

/// Arguments of `rank`.
#[derive(Debug, Args)]
pub struct Rank {
    /// Addresses, and ranges such as 198.51.100.0/24.
    #[arg(required = true, value_name = "ADDRESS|CIDR")]
    pub addresses: Vec<String>,
    /// Take lists, keys, weights and resolver from this plan, instead of the recommended lists and the system's resolver.
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// Do not ask whether to sweep more than 256 addresses.
    #[arg(long)]
    pub yes: bool,
    /// Form of the output: table and json have the best address first, ndjson and csv the order of the input. Without it, a
    /// table; with --resume, ndjson.
    #[arg(long, value_enum)]
    pub format: Option<RankFormat>,
    /// Write to FILE, whole or not at all, instead of standard output (`-`).
    #[arg(short, long, value_name = "FILE", conflicts_with = "resume")]
    pub output: Option<PathBuf>,
    /// Append rows to FILE (ndjson or csv) as they are measured; started again, go on after the last one.
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// Only every N-th address, from the I-th on: N runs make the whole, and `merge` joins their files.
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    pub shard: Option<Shard>,
}

/// A form of the result of `rank`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RankFormat {
    /// For people at a terminal.
    Table,
    /// For programs, best first; schema 1.
    Json,
    /// For programs, one object a line.
    Ndjson,
    /// For spreadsheets.
    Csv,
}
