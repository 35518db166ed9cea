//! Arguments → command → print → exit.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use mail_cutover::cli::Cli;
use mail_cutover::command::{self, Terminal};
use mail_cutover::exit::COULD_NOT_START;

fn main() -> ExitCode {
    // A check that panics is reported in its row, with the message; the default hook would print a trace into the table.
    std::panic::set_hook(Box::new(|_| {}));
    let cli = Cli::parse();
    let terminal = Terminal::look(&cli);
    match command::run(cli, &terminal) {
        Ok(printed) => {
            let shown = print(&mut std::io::stdout().lock(), &printed.text);
            let noticed = print(&mut std::io::stderr().lock(), &printed.notice);
            match shown.and(noticed) {
                Ok(()) => ExitCode::from(printed.exit),
                // Whoever closed the pipe has read enough; any other failure means that the report did not arrive.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(printed.exit),
                Err(_) => ExitCode::from(COULD_NOT_START),
            }
        }
        Err(error) => {
            let text = error.to_string();
            let line = if text.starts_with("error") { text } else { format!("error: {text}") };
            // Nothing is left to tell if standard error is gone too.
            drop(print(&mut std::io::stderr().lock(), &format!("{}\n", line.trim_end())));
            ExitCode::from(COULD_NOT_START)
        }
    }
}

fn print(stream: &mut impl Write, text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}
