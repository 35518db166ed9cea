//! `watch`: the check of a plan again and again, a line for each change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::Shared;
use indicatif::ProgressBar;

use super::check::{context_by, measure, phase_at, read_plan};
use super::progress::status;
use super::stop::interrupted;
use super::{CommandError, Print, Printed, Terminal, hook, keys_in, runtime, secrets_of};
use crate::archive::Archive;
use crate::cli::{Until, Watch, WatchFormat};
use crate::dnsbl::Rests;
use crate::model::{Secrets, Vantage, Verdict};
use crate::plan::Plan;
use crate::render::{self, Format, Style};
use crate::runner::Limits;
use crate::watch::{News, Schedule, Tidings, Unheard, watch};
use crate::words;

/// So long the program may still take when somebody stops the watch.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Watches the plan until its time is over, somebody stops it, or nobody reads its lines.
pub(super) fn run(arguments: &Watch, terminal: &Terminal, print: Print<'_>) -> Result<Printed, CommandError> {
    let plan = read_plan(&arguments.plan, terminal)?;
    for name in arguments.only.iter().chain(&arguments.skip) {
        super::explain::must_exist(name)?;
    }
    if let Some(program) = &arguments.on_change {
        hook::ready(program, std::env::var_os("PATH").as_deref())
            .map_err(|error| CommandError::Hook(error.to_string()))?;
    }
    let rehearsed = super::rehearse::load(&arguments.rehearse)?;
    let archive = arguments.save.as_deref().map(Archive::open).transpose()?;
    let offset = *plan.cutover_at.offset();
    let shift = arguments.at.map_or(TimeDelta::zero(), |at| at.to_utc() - Utc::now());
    let clock = move || (Utc::now() + shift).with_timezone(&offset);
    let began = clock();
    let until = match arguments.until {
        None => None,
        Some(Until::After(time)) => Some(began + TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)),
        Some(Until::At(at)) if at <= began => {
            return Err(CommandError::Over(at.with_timezone(&offset).format("%Y-%m-%d %H:%M %:z").to_string()));
        }
        Some(Until::At(at)) => Some(at.with_timezone(&offset)),
    };
    let schedule = Schedule { every: arguments.every, until, cutover_at: plan.cutover_at };
    let limits = Limits { deadline: arguments.deadline, only: arguments.only.clone(), skip: arguments.skip.clone() };
    let rules = super::inbound::policy_of(&plan)?;
    let secrets = secrets_of(&plan).and(keys_in(rules.as_ref()));
    let rests = Rests::new(TimeDelta::from_std(arguments.lists_every).unwrap_or(TimeDelta::MAX), began);
    let vantage = if arguments.on_new_server { Vantage::NewServer } else { Vantage::Desk };
    let runtime = runtime()?;
    let stop = {
        let _entered = runtime.enter();
        interrupted().shared()
    };
    {
        // Nobody to ask at all is a fault of the plan or the machine, and said at once; later it is an outage.
        let _entered = runtime.enter();
        context_by(plan.clone(), rules.clone(), vantage, phase_at(&plan, began), began, &secrets, rehearsed.clone())?;
    }
    let mut desk = Desk {
        plan: &plan,
        stop: stop.clone(),
        arguments,
        style: Style { verbose: arguments.verbose, ..terminal.style() },
        secrets: &secrets,
        archive,
        print,
        status: status(terminal),
        not_kept: None,
    };
    let verdict = runtime.block_on(watch(
        schedule,
        clock,
        stop.clone(),
        async |at| {
            rests.begin(at);
            let phase = phase_at(&plan, at);
            let context = context_by(plan.clone(), rules.clone(), vantage, phase, at, &secrets, rehearsed.clone());
            let mut context = context.map_err(|error| error.to_string())?;
            context.consultant = context.consultant.resting(rests.clone());
            let bar = ProgressBar::hidden();
            Ok(measure(&Arc::new(context), &limits, &bar, terminal, false, stop.clone()).await)
        },
        async |tidings| desk.tell(tidings).await,
    ));
    desk.status.finish_and_clear();
    let exit = crate::exit::code(verdict.unwrap_or(Verdict::Hold), arguments.strict);
    Ok(Printed { exit, ..Printed::default() })
}

/// Where the tidings go.
struct Desk<'w, S: Future<Output = ()>> {
    plan: &'w Plan,
    stop: Shared<S>,
    arguments: &'w Watch,
    style: Style,
    secrets: &'w Secrets,
    archive: Option<Archive>,
    print: Print<'w>,
    /// On a terminal: when the next run begins.
    status: ProgressBar,
    /// Why the last report could not be kept: said once.
    not_kept: Option<String>,
}

impl<S: Future<Output = ()>> Desk<'_, S> {
    async fn tell(&mut self, tidings: Tidings<'_>) -> Result<(), Unheard> {
        let Tidings { at, report, mut news, verdict, was, roll_back, runs, next } = tidings;
        news.retain(|one| self.style.verbose || !one.is_note());
        let is_change = news.iter().any(News::is_change);
        if let (Some(report), Some(archive)) = (report, &self.archive) {
            let text = self.secrets.redact(&render::render(report, Format::Json, &self.style));
            // A day has many runs; what is kept under its own name is what somebody may want to look up.
            let kept = if is_change || was.is_none() {
                archive.keep(&text, report.started, report.verdict).map(drop)
            } else {
                archive.keep_latest(&text)
            };
            let error = kept.err().map(|error| error.to_string());
            news.extend(error.clone().filter(|_| error != self.not_kept).map(News::NotKept));
            self.not_kept = error;
        }
        self.show(&news, at)?;
        if let Some(program) = self.arguments.on_change.as_deref().filter(|_| is_change && was.is_some())
            && let Err(error) = self.call(program, &news, at, (verdict, was, roll_back)).await
        {
            self.show(&[News::HookFailed(error.to_string())], at)?;
        }
        let clock = |at: DateTime<FixedOffset>| at.format("%H:%M:%S").to_string();
        if let Some(next) = next {
            self.status.set_message(words::watching(self.style.lang, verdict.words(), runs, &clock(at), &clock(next)));
        }
        Ok(())
    }

    /// Prints a line for each.
    fn show(&mut self, news: &[News], at: DateTime<FixedOffset>) -> Result<(), Unheard> {
        for one in news {
            let line = match self.arguments.format {
                WatchFormat::Lines => render::news_line(one, at, &self.style),
                WatchFormat::Jsonl => render::news_json(one, at, self.style.lang),
            };
            let line = format!("{}\n", self.secrets.redact(&line));
            let print = &mut self.print;
            self.status.suspend(|| print(&line)).map_err(|_| Unheard)?;
        }
        Ok(())
    }

    async fn call(
        &self,
        program: &Path,
        news: &[News],
        at: DateTime<FixedOffset>,
        (verdict, was, roll_back): (Verdict, Option<Verdict>, bool),
    ) -> Result<(), hook::HookError> {
        let style = Style { color: false, ..self.style };
        let lines: Vec<String> = news.iter().map(|one| render::news_line(one, at, &style)).collect();
        let report = self
            .archive
            .as_ref()
            .map(Archive::latest)
            .map_or_else(PathBuf::new, |path| std::path::absolute(&path).unwrap_or(path));
        let variables = [
            ("MAIL_CUTOVER_VERDICT", verdict.words().to_owned()),
            ("MAIL_CUTOVER_WAS", was.map_or("", Verdict::words).to_owned()),
            ("MAIL_CUTOVER_ROLL_BACK", if roll_back { "yes" } else { "no" }.to_owned()),
            ("MAIL_CUTOVER_AT", at.to_rfc3339()),
            ("MAIL_CUTOVER_CHANGE", self.plan.change.clone().unwrap_or_default()),
            ("MAIL_CUTOVER_PLAN", self.plan.path.clone()),
            ("MAIL_CUTOVER_REPORT", report.display().to_string()),
            ("MAIL_CUTOVER_NEWS", self.secrets.redact(&lines.join("\n"))),
        ];
        let secrets: Vec<String> = self.plan.dnsbl.keys.iter().map(|(_, variable)| variable.clone()).collect();
        let stop = self.stop.clone();
        let hurry = async {
            stop.await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            called = hook::call(program, &variables, &secrets) => called,
            () = hurry => Ok(()),
        }
    }
}
