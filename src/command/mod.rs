//! One file per subcommand: from its arguments to a text and an exit code.

#![expect(clippy::disallowed_methods, reason = "the clock, the environment and the terminal are read here")]

mod bounce;
mod check;
mod compare;
mod deliver;
mod demo;
mod explain;
mod hook;
mod inbound;
mod init;
mod lists;
mod merge;
mod milestones;
mod progress;
mod rank;
mod refusals;
mod rehearse;
mod report_file;
mod schema;
mod shell;
mod stop;
mod terminal;
mod watch;

pub use check::{context, known};
pub(crate) use milestones::milestones;
pub use terminal::Terminal;

use crate::cli::{Cli, Command};
use crate::model::Secrets;
use crate::output::OutputError;

/// What a command leaves for `main` to print.
#[derive(Debug, Default)]
pub struct Printed {
    /// For standard output.
    pub text: String,
    /// For standard error, after it.
    pub notice: String,
    /// The exit code.
    pub exit: u8,
}

/// Why a command could not start.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The plan is not there, or not readable.
    #[error("could not read the plan {path}: {detail}{hint}")]
    Plan {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        detail: String,
        /// `; ` and what to do, or nothing.
        hint: &'static str,
    },
    /// The plan has problems; the text shows each at its place.
    #[error("{0}")]
    Problems(String),
    /// No resolver to ask.
    #[error(
        "could not use a resolver: {0}; write resolver = [\"192.0.2.53\"] or resolver = \"direct\" under [dns] in the plan"
    )]
    Resolver(#[from] crate::probe::ResolverError),
    /// No way to fetch.
    #[error(transparent)]
    Https(#[from] crate::probe::HttpsError),
    /// No way to speak to mail servers.
    #[error(transparent)]
    Smtp(#[from] crate::probe::SmtpError),
    /// The report's file.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The folder of reports.
    #[error(transparent)]
    Archive(#[from] crate::archive::ArchiveError),
    /// A plan that cannot be drafted.
    #[error("could not make a plan: {0}")]
    Init(String),
    /// The report would take the plan's place.
    #[error("could not write the report to {0}: that is the plan")]
    Overwrite(String),
    /// The merged report would take the place of one of those it is made of.
    #[error("could not write the report to {0}: that is one of the reports to merge")]
    OverwriteReport(String),
    /// A report is not there, or not readable.
    #[error("could not read the report {path}: {detail}")]
    ReadReport {
        /// As it was given.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// An error mail is not there, or not readable.
    #[error("could not read the error mail {path}: {detail}")]
    ReadBounce {
        /// As it was given.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// A file is not a report that this version can read.
    #[error("could not {doing} {path}: {why}")]
    Report {
        /// What was to be done with it.
        doing: &'static str,
        /// As it was given.
        path: String,
        /// What is wrong with it.
        why: crate::saved::ReadError,
    },
    /// Reports that do not belong together.
    #[error(transparent)]
    Misfit(#[from] crate::merge::Misfit),
    /// Reports that are not of one move, or not in order.
    #[error(transparent)]
    Apart(#[from] crate::compare::Misfit),
    /// The output would take the place of what it is made of.
    #[error("could not write to {0}: that is one of the files to read")]
    OverwriteInput(String),
    /// Nothing says what the new server enforces.
    #[error(
        "could not judge anybody: nothing says what the new server enforces; give its rules with --config main.cf (or Exim's configuration), or write zones = [\"…\"] or config = \"…\" under [inbound_dnsbl] in the plan, and name it with --plan"
    )]
    NoRules,
    /// The new server's configuration is not there, or not readable.
    #[error("{0}")]
    Rules(String),
    /// A mail log is not there, or not readable.
    #[error("could not read the log {path}: {detail}")]
    Log {
        /// As it was given.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// A zone that is to be rehearsed.
    #[error("could not rehearse {path}: {detail}")]
    Rehearse {
        /// As it was given.
        path: String,
        /// What is wrong with it, with its place.
        detail: String,
    },
    /// No such check or tag.
    #[error("no check or tag is called {name}{hint}; `mail-cutover explain` lists them all")]
    NoSuchName {
        /// As it was given.
        name: String,
        /// ` (did you mean …?)`, or nothing.
        hint: String,
    },
    /// A watch that would end before it begins.
    #[error("could not watch until {0}: that time has passed")]
    Over(String),
    /// Nobody could be called.
    #[error("{0}")]
    Hook(String),
    /// No such command.
    #[error("could not write a manual page: no command is called {0}; `mail-cutover --help` lists them all")]
    NoSuchCommand(String),
    /// The miniature internet did not start.
    #[error("could not start the demo's miniature internet: {0}")]
    Demo(String),
    /// Addresses that cannot be ranked.
    #[error("could not rank {0}")]
    Rank(String),
    /// A file of rows.
    #[error(transparent)]
    Rows(#[from] crate::rows::RowsError),
    /// Reports among the shards.
    #[error("could not merge {0}: it is no shard, and shards are among the files")]
    Mixed(String),
    /// Standard output takes nothing more.
    #[error("could not write to standard output: {0}")]
    Stdout(std::io::Error),
    /// The operating system refused what every run needs.
    #[error("could not start: {0}")]
    System(#[from] std::io::Error),
}

/// Prints at once what cannot wait for the end of a command: the lines of a watch.
pub type Print<'p> = &'p mut dyn FnMut(&str) -> std::io::Result<()>;

/// Does what the command line says.
///
/// # Errors
/// [`CommandError`] when the work could not start: exit code 2.
pub fn run(cli: Cli, terminal: &Terminal, print: Print<'_>) -> Result<Printed, CommandError> {
    let format = match &cli.command {
        Command::Check(arguments) => Some(arguments.run.report.format),
        Command::Merge(arguments) => Some(arguments.report.format),
        _ => None,
    };
    dispatch(cli, terminal, print).or_else(|error| {
        // Monitoring reads standard output and knows four codes: an error is told in its terms.
        let said = format.and_then(|format| format.could_not_start(&error.to_string()));
        said.map(|(text, exit)| Printed { text, exit, ..Printed::default() }).ok_or(error)
    })
}

/// What monitoring is to be told of a command line that was refused, if the line asks for that form: it reads standard output, and
/// the usual exit code 2 would be CRITICAL to it.
pub fn refused_arguments(line: impl Iterator<Item = std::ffi::OsString>, error: &clap::Error) -> Option<Printed> {
    let words: Vec<std::ffi::OsString> = line.collect();
    let asks = |pair: &[std::ffi::OsString]| pair[0] == "--format" && pair[1] == "nagios";
    let is_asked = words.windows(2).any(asks) || words.iter().any(|word| word == "--format=nagios");
    // The usage that follows is for people at a terminal.
    let text = error.to_string();
    let why = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let (text, exit) = crate::render::Format::Nagios.could_not_start(why).filter(|_| is_asked)?;
    Some(Printed { text, exit, ..Printed::default() })
}

fn dispatch(cli: Cli, terminal: &Terminal, print: Print<'_>) -> Result<Printed, CommandError> {
    match cli.command {
        Command::Init(arguments) => init::run(&arguments, terminal),
        Command::Check(arguments) => check::run(&arguments, terminal),
        Command::Merge(arguments) => merge::run(&arguments, terminal),
        Command::Rank(arguments) => rank::run(&arguments, terminal),
        Command::Bounce(arguments) => bounce::run(&arguments, terminal),
        Command::Watch(arguments) => watch::run(&arguments, terminal, print),
        Command::Compare(arguments) => compare::run(&arguments, terminal),
        Command::Explain { name } => explain::run(name.as_deref(), terminal),
        Command::Inbound(arguments) => inbound::run(&arguments, terminal),
        Command::Lists(arguments) => lists::run(&arguments, terminal),
        Command::Schema => Ok(schema::run()),
        Command::Completions { shell } => Ok(shell::completions(shell)),
        Command::Manpage { command } => shell::manpage(command.as_deref()),
        Command::Demo(arguments) => demo::run(&arguments, terminal),
    }
}

/// The work is waiting; two threads, so that hundreds of packets leave while others come in.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// The key that the environment holds under this name. A line end that a shell or a secret store left at it is no part of it.
fn key_in(variable: &str) -> Option<String> {
    std::env::var(variable).ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty())
}

/// The keys that the environment holds for `plan`.
fn secrets_of(plan: &crate::plan::Plan) -> Secrets {
    Secrets::new(plan.dnsbl.keys.iter().filter_map(|(_, variable)| key_in(variable)))
}

/// The same, and those in the rules that the plan names, for whoever asks by these rules or reads what the new server wrote.
fn secrets_with_rules(plan: &crate::plan::Plan) -> Secrets {
    // Rules that cannot be read are an error where they are used.
    let rules = inbound::policy_of(plan).ok().flatten();
    secrets_of(plan).and(keys_in(rules.as_ref()))
}

/// The keys that stand in the new server's rules.
fn keys_in(rules: Option<&crate::inbound::Policy>) -> Vec<String> {
    rules.map(crate::inbound::Policy::keys).unwrap_or_default()
}
