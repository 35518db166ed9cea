//! `completions` and `manpage`: what the command line says of itself, for shells and for man.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{CommandError, Printed};
use crate::cli::Cli;

/// The name of the program, whatever it was called by.
const NAME: &str = "mail-cutover";

/// Completions for a shell.
pub(super) fn completions(shell: Shell) -> Printed {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    Printed { text: String::from_utf8_lossy(&script).into_owned(), ..Printed::default() }
}

/// The manual page of the tool, or of one of its commands.
pub(super) fn manpage(command: Option<&str>) -> Result<Printed, CommandError> {
    let mut cli = Cli::command().name(NAME);
    // Options of the whole tool stand on the page of each command.
    cli.build();
    let page = match command {
        None => cli,
        Some(wanted) => {
            let known = cli.get_subcommands().find(|known| known.get_name() == wanted);
            let known = known.ok_or_else(|| CommandError::NoSuchCommand(crate::model::visible(wanted)))?;
            known.clone()
        }
    };
    let examples = page.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut text = Vec::new();
    // clap_mangen would run the lines of the examples together into one paragraph.
    clap_mangen::Man::new(page.after_help(None::<&str>)).manual("mail-cutover").render(&mut text)?;
    let mut text = String::from_utf8_lossy(&text).into_owned();
    text.push_str(&examples_section(&examples));
    Ok(Printed { text, ..Printed::default() })
}

/// The examples of a command's help as a section of its manual page, each on a line of its own.
fn examples_section(examples: &str) -> String {
    let lines = examples.lines().skip_while(|line| line.ends_with(':')).map(|line| {
        let line = line.trim_start().replace('\\', "\\e").replace('-', "\\-");
        // A line that begins with one of these would be a command of roff.
        if line.starts_with(['.', '\'']) { format!("\\&{line}\n") } else { format!("{line}\n") }
    });
    format!(".SH EXAMPLES\n.nf\n{}.fi\n", lines.collect::<String>())
}
