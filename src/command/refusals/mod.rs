//! `bounce --log`: mail logs in, who is refused and why out, before and since the cutover.

mod reading;
mod rows;
mod table;
mod words;

use std::path::{Path, PathBuf};

use chrono::{DateTime, FixedOffset, TimeDelta};

use super::check::read_plan;
use super::deliver::spare;
use super::stop::interrupted;
use super::{CommandError, Printed, Terminal, runtime, secrets_with_rules};
use crate::bounce::{Group, Ours, Tally, Watch};
use crate::check::ours_of;
use crate::cli::{Bounce, BounceFormat, Since};
use crate::model::{Secrets, visible};
use crate::output::PendingFile;

pub(super) use reading::watch;

/// What the output is made of.
struct Told {
    watch: Watch,
    ours: Ours,
    cutover: Option<DateTime<FixedOffset>>,
    from: Option<DateTime<FixedOffset>>,
    offset: FixedOffset,
}

impl Told {
    /// Whether what is new since the cutover can be told: the logs reach over it.
    fn compares(&self) -> bool {
        let Some(cutover) = self.cutover.map(|at| at.timestamp()) else { return false };
        self.watch.period().is_some_and(|(first, last)| first < cutover && last >= cutover)
    }

    /// Whether the logs tell of the time since the cutover, and of that which was asked for, and were read to their ends.
    fn is_whole(&self) -> bool {
        let reaches = |from: Option<DateTime<FixedOffset>>| {
            from.is_none_or(|from| self.reaches(from.timestamp()) || self.watch.tally.undated() > 0)
        };
        reaches(self.cutover) && reaches(self.from) && self.watch.logs.iter().all(|log| log.error.is_none())
    }

    /// Whether a line is of this time or later.
    fn reaches(&self, from: i64) -> bool {
        self.watch.period().is_some_and(|(_, last)| last >= from)
    }

    fn is_alarming(&self, group: &Group) -> bool {
        self.cutover.is_some() && group.is_new() && group.is_critical()
    }

    /// The exit code: without a plan there is nothing to judge by.
    fn exit(&self) -> u8 {
        if self.cutover.is_none() {
            return crate::exit::GO;
        }
        if self.watch.tally.groups().into_iter().any(|group| self.is_alarming(group)) {
            return crate::exit::NO_GO;
        }
        if self.is_whole() { crate::exit::GO } else { crate::exit::HOLD }
    }
}

/// Reads the logs and writes what they come to.
pub(super) fn run(arguments: &Bounce, terminal: &Terminal) -> Result<Printed, CommandError> {
    let plan = arguments.plan.as_deref().map(|path| read_plan(path, terminal)).transpose()?;
    let secrets = plan.as_ref().map_or_else(Secrets::default, secrets_with_rules);
    let output = arguments.output.as_deref().filter(|path| *path != Path::new("-"));
    spare(output, arguments.logs.iter().chain(&arguments.plan).map(PathBuf::as_path))?;
    let runtime = runtime()?;
    // Before the temporary file, which a signal must not leave behind.
    let interrupted = {
        let _entered = runtime.enter();
        interrupted()
    };
    let file = output.map(|path| Ok::<_, CommandError>((path, PendingFile::beside(path)?))).transpose()?;
    let now = arguments.at.unwrap_or_else(|| chrono::Local::now().fixed_offset());
    let ours = plan.as_ref().map(ours_of).unwrap_or_default();
    let cutover = plan.as_ref().map(|plan| plan.cutover_at);
    let from = arguments.since.map(|since| match since {
        Since::Time(time) => time,
        Since::Age(age) => now - TimeDelta::from_std(age).unwrap_or_default(),
    });
    let tally = Tally::new(cutover.map(|at| at.timestamp()), from.map(|at| at.timestamp()));
    let (logs, of_thread, terminal_of_thread) = (arguments.logs.clone(), ours.clone(), *terminal);
    let reading = runtime.spawn_blocking(move || reading::read(&logs, tally, now, &of_thread, &terminal_of_thread));
    let watch = runtime.block_on(async {
        tokio::select! {
            watch = reading => Some(watch),
            () = interrupted => None,
        }
    });
    // A read from a pipe may never end.
    runtime.shutdown_background();
    let Some(watch) = watch else {
        let notice = format!("{}\n", words::interrupted(terminal.lang));
        return Ok(Printed { notice, exit: crate::exit::HOLD, ..Printed::default() });
    };
    let watch = watch.map_err(|error| std::io::Error::other(error.to_string()))??;
    let offset = cutover.map_or(*now.offset(), |at| *at.offset());
    let told = Told { watch, ours, cutover, from, offset };
    let text = match arguments.format {
        BounceFormat::Table => table::table(&told, terminal),
        BounceFormat::Json => rows::json(&told),
        BounceFormat::Csv => rows::csv(&told, terminal.lang),
    };
    // Keys are taken out where lines are read; this holds even if a list has its key in another place.
    let text = secrets.redact(&text);
    let exit = told.exit();
    match file {
        None => Ok(Printed { text, exit, ..Printed::default() }),
        Some((path, file)) => {
            file.complete(&text)?;
            let notice = format!("{}\n", words::written(terminal.lang, &visible(&path.display().to_string())));
            Ok(Printed { notice, exit, ..Printed::default() })
        }
    }
}
