//! The same check again and again: when the next run begins, what is news in it, what is remembered where a run could not learn it.

mod memory;
mod news;
mod wait;

pub use memory::Memory;
pub use news::{Finding, News};

use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use futures::FutureExt;
use futures::future::Shared;
use tokio::time::Instant;

use crate::model::{Report, Verdict};
use wait::{Ended, Wait};

/// So long a watch rests between two runs at the least, however long they take.
const BREATH: Duration = Duration::from_secs(1);

/// When to run.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// From the beginning of a run to that of the next.
    pub every: Duration,
    /// When the watch ends; nothing is when it is stopped.
    pub until: Option<DateTime<FixedOffset>>,
    /// When the phase changes: a run begins at this moment too.
    pub cutover_at: DateTime<FixedOffset>,
}

/// What is told after each run, and when something else happened.
#[derive(Debug)]
pub struct Tidings<'r> {
    /// When.
    pub at: DateTime<FixedOffset>,
    /// The run's report; nothing if none could be made.
    pub report: Option<&'r Report>,
    /// What is new, in the order in which it is to be read; empty where nothing changed.
    pub news: Vec<News>,
    /// The verdict as it stands.
    pub verdict: Verdict,
    /// The one before; nothing after the first run.
    pub was: Option<Verdict>,
    /// Whether a trigger of the plan asks for the way back.
    pub roll_back: bool,
    /// How many runs there were.
    pub runs: u64,
    /// When the next run begins; nothing at the end.
    pub next: Option<DateTime<FixedOffset>>,
}

/// Nobody hears the tidings any more.
#[derive(Clone, Copy, Debug)]
pub struct Unheard;

/// Runs `run` by `schedule` until its end, until `stop` resolves, or until nobody hears `tell`; the last verdict, if there was one.
///
/// `clock` is the clock on the wall, which may jump; waiting goes by the one that does not. A run that `stop` cut short counts only if it
/// is the first.
pub async fn watch(
    schedule: Schedule,
    clock: impl Fn() -> DateTime<FixedOffset>,
    stop: Shared<impl Future<Output = ()>>,
    mut run: impl AsyncFnMut(DateTime<FixedOffset>) -> Result<Report, String>,
    mut tell: impl AsyncFnMut(Tidings<'_>) -> Result<(), Unheard>,
) -> Option<Verdict> {
    let mut memory = Memory::default();
    let mut runs = 0;
    loop {
        let began = Instant::now();
        let at = clock();
        let result = run(at).await;
        let is_stopped = stop.clone().now_or_never().is_some();
        if is_stopped && memory.verdict().is_some() {
            break;
        }
        runs += 1;
        let was = memory.verdict();
        let (report, news) = match result {
            Ok(report) => {
                let news = memory.learn(&report);
                (Some(report), news)
            }
            Err(why) => (None, memory.fail(why)),
        };
        let next = next_wait(schedule, &clock, began);
        let verdict = memory.verdict().unwrap_or(Verdict::Hold);
        let ends = is_stopped || next.is_none();
        let tidings = Tidings {
            at,
            report: report.as_ref(),
            news,
            verdict,
            was,
            roll_back: memory.roll_back(),
            runs,
            next: next.as_ref().filter(|_| !ends).map(|next| next.at),
        };
        if tell(tidings).await.is_err() {
            return memory.verdict();
        }
        // Before the long wait: a report holds every packet of its run.
        drop(report);
        let Some(next) = next.filter(|_| !ends) else { break };
        match next.wait(&clock, stop.clone()).await {
            Ended::Due => {}
            Ended::Stopped => break,
            Ended::Leapt(by) => {
                let news = vec![News::Leap(by)];
                let at = clock();
                let roll_back = memory.roll_back();
                let was = Some(verdict);
                let tidings = Tidings { at, report: None, news, verdict, was, roll_back, runs, next: Some(at) };
                if tell(tidings).await.is_err() {
                    return memory.verdict();
                }
            }
        }
        if schedule.until.is_some_and(|until| clock() >= until) {
            break;
        }
    }
    let verdict = memory.verdict()?;
    let news = vec![News::Ended { verdict, runs }];
    let (roll_back, was) = (memory.roll_back(), Some(verdict));
    // Whoever does not hear the end knows it from the exit code.
    let _ = tell(Tidings { at: clock(), report: None, news, verdict, was, roll_back, runs, next: None }).await;
    Some(verdict)
}

/// The wait for the next run; nothing if the watch ends before it.
fn next_wait(schedule: Schedule, clock: &impl Fn() -> DateTime<FixedOffset>, began: Instant) -> Option<Wait> {
    let (now, wall) = (Instant::now(), clock());
    let due = (began + schedule.every).max(now + BREATH);
    let by_interval = wall + (due - now);
    // At the cutover the same world is judged by other words.
    let at = if wall < schedule.cutover_at { by_interval.min(schedule.cutover_at) } else { by_interval };
    match schedule.until {
        Some(until) if wall >= until => None,
        until => Some(Wait { due, at, until }),
    }
}
