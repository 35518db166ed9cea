//! Arguments → command → print → exit.

use std::ffi::OsString;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::Parser;
use mail_cutover::cli::Cli;
use mail_cutover::command::{self, CommandError, Printed, Terminal};
use mail_cutover::exit::COULD_NOT_START;
use mail_cutover::model::visible_whole;

/// Where the tool itself went wrong. Not the message: it could hold a key.
static FAULT: Mutex<String> = Mutex::new(String::new());

fn main() -> ExitCode {
    // A check that panics is reported in its row, with the message; the default hook would print a trace into the table.
    std::panic::set_hook(Box::new(|fault| {
        *FAULT.lock().unwrap_or_else(PoisonError::into_inner) =
            fault.location().map_or_else(String::new, ToString::to_string);
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return answer(&error),
    };
    let terminal = Terminal::look(&cli);
    match std::panic::catch_unwind(AssertUnwindSafe(|| command::run(cli, &terminal, &mut print_out))) {
        Ok(Ok(printed)) => deliver(&printed),
        Ok(Err(CommandError::Problems(problems))) => refuse(&problems),
        Ok(Err(error)) => fail(&error.to_string()),
        Err(_) => {
            let place = FAULT.lock().unwrap_or_else(PoisonError::into_inner);
            fail(&format!("mail-cutover itself failed, at {place}; nothing was judged"))
        }
    }
}

/// Help and version on standard output; what is wrong with the command line on standard error, or where monitoring reads it.
fn answer(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Help that did not arrive was not given; but whoever closed the pipe has read enough.
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        return match printed {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                fail(&format!("could not write to standard output: {error}"))
            }
            _ => ExitCode::SUCCESS,
        };
    }
    if let Some(printed) = command::refused_arguments(std::env::args_os(), error) {
        return deliver(&printed);
    }
    // A file name may have become an argument by accident, and clap shows it as it is.
    let is_harmless = |text: &OsString| text.to_str().is_some_and(|text| visible_whole(text) == text);
    if std::env::args_os().all(|argument| is_harmless(&argument)) {
        // Nothing is left to tell if standard error is gone.
        drop(error.print());
        return ExitCode::from(COULD_NOT_START);
    }
    let lines: Vec<String> = error.to_string().lines().map(visible_whole).collect();
    refuse(&lines.join("\n"))
}

fn deliver(printed: &Printed) -> ExitCode {
    match print(&mut std::io::stdout().lock(), &printed.text) {
        Ok(()) => {}
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        Err(error) => return fail(&format!("could not write to standard output: {error}")),
    }
    // The report has arrived, whether or not somebody reads the notice.
    drop(print(&mut std::io::stderr().lock(), &printed.notice));
    ExitCode::from(printed.exit)
}

fn fail(text: &str) -> ExitCode {
    refuse(&format!("error: {text}"))
}

fn refuse(text: &str) -> ExitCode {
    // Nothing is left to tell if standard error is gone too.
    drop(print(&mut std::io::stderr().lock(), &format!("{}\n", text.trim_end())));
    ExitCode::from(COULD_NOT_START)
}

/// A line of a command that goes on.
fn print_out(text: &str) -> std::io::Result<()> {
    print(&mut std::io::stdout().lock(), text)
}

fn print(stream: &mut impl Write, text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}
