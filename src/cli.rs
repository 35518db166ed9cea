//! The command line.

mod change;
mod examples;
mod inbound;
mod init;
mod rank;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use change::{Compare, CompareFormat, Until, Watch, WatchFormat};
pub use inbound::{Inbound, InboundFormat};
pub use init::{Init, parse_moment};
pub use rank::{Rank, RankFormat};

use crate::model::{Lang, Phase};
use crate::render::Format;

/// The heading of what every command takes, last in its help.
const GENERAL: &str = "General options";
/// The heading of how a report is written and kept.
const REPORT: &str = "Report";

/// May we switch? Checks the new addresses of a mail server before (and after) it moves, and says GO or NO-GO.
///
/// Exit codes: 0 GO (also with warnings, unless --strict) · 1 NO-GO · 2 could not start · 3 HOLD: something that can block
/// was not measured.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = examples::TOOL)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Language of the output; else from LC_ALL, LC_MESSAGES or LANG.
    #[arg(long, global = true, value_enum, help_heading = GENERAL)]
    pub lang: Option<LangArg>,
    /// Colour: `auto` means on a terminal where NO_COLOR is not set.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, help_heading = GENERAL)]
    pub color: When,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented plan from what the DNS and the old server show today.
    #[command(after_help = examples::INIT)]
    Init(Init),
    /// Check a plan against the world and print the verdict.
    ///
    /// Exit codes: 0 GO (also with warnings, unless --strict) · 1 NO-GO · 2 could not start · 3 HOLD. With --format nagios, those of a
    /// plugin.
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Join JSON reports of one plan, made at different places, into one report with one verdict; or the shards of one `rank`.
    ///
    /// Exit codes as of check, by the joined verdict.
    #[command(after_help = examples::MERGE)]
    Merge(Merge),
    /// What became of a report: what is new, what stayed, what is fixed, which records changed.
    ///
    /// Exit codes: 0 nothing new that blocks · 1 something blocks that did not block before · 2 could not start · 3 something that can
    /// block was known and is not known now.
    #[command(after_help = examples::COMPARE)]
    Compare(Compare),
    /// Run the check again and again, and print a line for each change.
    ///
    /// After the cutover, a trigger of the plan's rollback makes NO-GO. Exit codes as of check, by the last verdict.
    #[command(after_help = examples::WATCH)]
    Watch(Watch),
    /// Whose mail will the new server refuse? Judges those who send to us, from mail logs and the plan's partners.
    ///
    /// Exit codes: 0 GO, also where others would be refused (warnings) · 1 a partner with `vip` would be refused, or a rule is broken ·
    /// 2 could not start · 3 it is not known of a partner of the plan.
    #[command(after_help = examples::INBOUND)]
    Inbound(Inbound),
    /// Order candidate addresses, such as those that a provider has on offer, by what blocklists and reverse names say of them.
    #[command(after_help = examples::RANK)]
    Rank(Rank),
    /// Explain error mails and SMTP replies: what they mean, whose side it is, and what to do; or count the refusals in mail logs.
    #[command(after_help = examples::BOUNCE)]
    Bounce(Bounce),
    /// Print the page of a check or of a tag; without a name, list them all.
    #[command(after_help = examples::EXPLAIN)]
    Explain {
        /// A check's id, or a tag such as `ptr-missing`.
        name: Option<String>,
    },
    /// Show the blocklist catalogue; with --health, say which lists can be believed from here.
    #[command(after_help = examples::LISTS)]
    Lists(Lists),
    /// Print the JSON Schema of the plan file, for editors.
    #[command(after_help = examples::SCHEMA)]
    Schema,
    /// Print completions for a shell, to be loaded or put where it looks for them.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, of the tool or of one of its commands.
    #[command(after_help = examples::MANPAGE)]
    Manpage {
        /// A command such as `check`.
        command: Option<String>,
    },
    /// Run the same check against a miniature internet on this machine: no network needed, nothing real is asked.
    #[command(after_help = examples::DEMO)]
    Demo(Demo),
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The plan, a TOML file; `-` reads standard input.
    pub plan: PathBuf,
    /// What to judge; the same for the demo.
    #[command(flatten)]
    pub run: RunArgs,
}

/// How a report is to be written.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = REPORT)]
    pub format: Format,
    /// Write the report to FILE, whole or not at all, instead of standard output (`-`).
    #[arg(short, long, value_name = "FILE", help_heading = REPORT)]
    pub output: Option<PathBuf>,
    /// Exit with 1 on warnings too.
    #[arg(long, help_heading = REPORT)]
    pub strict: bool,
    /// Print every question and its answer, and every conversation with a server line by line.
    #[arg(short, long, conflicts_with = "quiet", help_heading = REPORT)]
    pub verbose: bool,
    /// Print the verdict and what stands in its way, nothing else.
    #[arg(short, long, help_heading = REPORT)]
    pub quiet: bool,
}

/// Arguments of `merge`.
#[derive(Debug, Args)]
pub struct Merge {
    /// Reports that `check --format json` wrote; two or more, of the same plan, phase and version. Or all the shards of one run
    /// with `--shard`: they are joined as they are, and only --output counts.
    #[arg(required = true, value_name = "REPORT.json")]
    pub reports: Vec<PathBuf>,
    /// How to write the report.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Refuse runs that began longer ago than this, such as 90m, 24h or 7d.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_age)]
    pub max_age: Duration,
    /// Merge as if it were this time (for tests and documentation).
    #[arg(long, hide = true, value_name = "TIME", value_parser = DateTime::parse_from_rfc3339)]
    pub at: Option<DateTime<FixedOffset>>,
}

/// Arguments of `bounce`.
#[derive(Debug, Args)]
pub struct Bounce {
    /// Mails (.eml, mbox) or pasted replies and log lines; `-` reads standard input.
    #[arg(required_unless_present = "logs", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Count the refusals in whole mail logs instead (Postfix, Exim, Sendmail; plain, gzip or zstd); `-` is standard input. With --plan,
    /// before and since the cutover side by side, and exit code 1 if we are refused for new and grave reasons.
    #[arg(long = "log", value_name = "FILE", num_args = 1.., conflicts_with = "files")]
    pub logs: Vec<PathBuf>,
    /// Only count what the logs tell of this time and after: a time such as 2026-12-05T22:00:00+09:00, or an age such as 90m, 24h or 7d.
    #[arg(long, value_name = "TIME", value_parser = Since::parse, requires = "logs", conflicts_with = "files")]
    pub since: Option<Since>,
    /// Take from this plan what is ours: addresses, domains, names of servers; for logs, when the cutover was.
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = BounceFormat::Table)]
    pub format: BounceFormat,
    /// Write the output to FILE, whole or not at all, instead of standard output (`-`).
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Read the logs as if it were this time (for tests and documentation).
    #[arg(long, hide = true, value_name = "TIME", value_parser = DateTime::parse_from_rfc3339)]
    pub at: Option<DateTime<FixedOffset>>,
}

/// From when on something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// From this time on.
    Time(DateTime<FixedOffset>),
    /// So long before now.
    Age(Duration),
}

impl Since {
    /// Reads an RFC 3339 time, or an age of at most ten years.
    fn parse(text: &str) -> Result<Self, String> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Time(time));
        }
        let age = parse_time(text).filter(|age| *age <= DAY * 3660);
        age.map(Self::Age).ok_or_else(|| {
            "write a time such as 2026-12-05T22:00:00+09:00, or an age such as 90m, 24h or 7d".to_owned()
        })
    }
}

/// A form of explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BounceFormat {
    /// For people at a terminal.
    Table,
    /// For programs; schema 1.
    Json,
    /// For spreadsheets: one line a refusal.
    Csv,
}

/// What `check` and `demo` share.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Judge as before or after the cutover; else by the clock and cutover_at.
    #[arg(long, value_enum)]
    pub phase: Option<PhaseArg>,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Judge as if this zone were published: a master file as the DNS host exports it; ORIGIN=FILE where the file does not
    /// say which zone it is (may be repeated).
    #[arg(long, value_name = "[ORIGIN=]FILE")]
    pub rehearse: Vec<String>,
    /// This machine is the new server: also run what can only be seen there (is outbound port 25 open, from which address do
    /// connections leave, do the blocklists answer its resolver). `merge` joins the report with one of another machine.
    #[arg(long)]
    pub on_new_server: bool,
    /// Mark every finding by what this earlier report of the move said (`check --format json`), and say what is fixed and which records
    /// changed. Marks never change the verdict.
    #[arg(long, value_name = "REPORT.json", help_heading = REPORT)]
    pub baseline: Option<PathBuf>,
    /// Keep the report in this folder too, as JSON under its time and verdict, and as latest.json.
    #[arg(long, value_name = "DIR", help_heading = REPORT)]
    pub save: Option<PathBuf>,
    /// Run only checks with this id or tag (may be repeated). Leaving out what can block makes HOLD.
    #[arg(long, value_name = "TAG")]
    pub only: Vec<String>,
    /// Leave out checks with this id or tag (may be repeated). Leaving out what can block makes HOLD.
    #[arg(long, value_name = "TAG")]
    pub skip: Vec<String>,
    /// The whole run may take this long, such as 90s or 2m.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_time_limit)]
    pub deadline: Duration,
    /// Judge as if it were this time (for tests and documentation).
    #[arg(long, hide = true, value_name = "TIME", value_parser = DateTime::parse_from_rfc3339)]
    pub at: Option<DateTime<FixedOffset>>,
}

/// Arguments of `lists`.
#[derive(Debug, Args)]
pub struct Lists {
    /// Ask every list of the recommended set (or of the plan) for its test points.
    #[arg(long)]
    pub health: bool,
    /// Take lists, keys and resolver from this plan.
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// Show dead and unknown lists too.
    #[arg(long)]
    pub all: bool,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = ListsFormat::Table)]
    pub format: ListsFormat,
    /// The whole run may take this long, such as 90s or 2m.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_time_limit)]
    pub deadline: Duration,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Which world to build.
    #[arg(long, value_enum, default_value_t = ScenarioArg::Default)]
    pub scenario: ScenarioArg,
    /// What to judge.
    #[command(flatten)]
    pub run: RunArgs,
}

/// A language.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LangArg {
    /// English.
    En,
    /// Japanese.
    Ja,
}

impl From<LangArg> for Lang {
    fn from(lang: LangArg) -> Self {
        match lang {
            LangArg::En => Self::En,
            LangArg::Ja => Self::Ja,
        }
    }
}

/// When to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// Where it fits.
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// A phase.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PhaseArg {
    /// Live DNS still describes the old server.
    Before,
    /// Live DNS should describe the new server.
    After,
}

impl From<PhaseArg> for Phase {
    fn from(phase: PhaseArg) -> Self {
        match phase {
            PhaseArg::Before => Self::Before,
            PhaseArg::After => Self::After,
        }
    }
}

/// A form of the list catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListsFormat {
    /// For people at a terminal.
    Table,
    /// For programs.
    Json,
}

/// A world of the demo.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ScenarioArg {
    /// One new address clean, one listed, one without a PTR: NO-GO.
    Default,
    /// Everything as it should be: GO.
    Clean,
    /// The blocklists do not answer: HOLD.
    Silent,
}

impl ScenarioArg {
    /// The scenario's name in the demo's files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Clean => "clean",
            Self::Silent => "silent",
        }
    }
}

/// A time limit: a whole number and `s`, `m` or `h`; between a second and a day.
fn parse_time_limit(text: &str) -> Result<Duration, String> {
    let limit = parse_time(text).filter(|limit| *limit <= DAY && !text.ends_with('d'));
    limit.ok_or_else(|| "write a time such as 90s, 2m or 1h, from 1s to 24h".to_owned())
}

/// An age: as a time limit, and `d`; between a second and thirty days.
fn parse_age(text: &str) -> Result<Duration, String> {
    let age = parse_time(text).filter(|age| *age <= DAY * 30);
    age.ok_or_else(|| "write a time such as 90m, 24h or 7d, from 1s to 30d".to_owned())
}

const DAY: Duration = Duration::from_secs(86_400);

/// A whole number and `s`, `m`, `h` or `d`; a second at the least.
fn parse_time(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let seconds_per_unit = match unit {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        _ => None,
    };
    let seconds = number.parse::<u64>().ok().zip(seconds_per_unit).and_then(|(number, unit)| number.checked_mul(unit));
    seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: an option that panics when it is used, or a time limit of nothing.
    #[test]
    fn the_command_line_holds_together() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
        assert_eq!(parse_time_limit("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "0s", "s", "25h", "1d", "1.5s", "-1s", "99999999999999999999h"] {
            assert!(parse_time_limit(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(parse_age("30d"), Ok(DAY * 30));
        for wrong in ["", "0d", "31d", "721h", "1w", "99999999999999999999d"] {
            assert!(parse_age(wrong).is_err(), "{wrong:?}");
        }
    }
}
