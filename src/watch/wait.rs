//! Waiting by the clock that never jumps, with an eye on the one that does: a machine that slept, a clock that was set.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta};
use tokio::time::Instant;

/// So often the two clocks are compared.
const STEP: Duration = Duration::from_secs(15);
/// They may part by so much in one step before it counts as a jump.
const LEAP: TimeDelta = TimeDelta::seconds(30);

/// A wait for the next run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// When the run is due, by the clock that never jumps.
    pub(super) due: Instant,
    /// The same on the wall; earlier at the cutover.
    pub(super) at: DateTime<FixedOffset>,
    /// When the watch ends.
    pub(super) until: Option<DateTime<FixedOffset>>,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The next run is due, or the watch is over.
    Due,
    /// Somebody wants it to stop.
    Stopped,
    /// The clock on the wall jumped by this much: the machine slept, or somebody set it.
    Leapt(TimeDelta),
}

impl Wait {
    /// Waits.
    pub(super) async fn wait(
        self,
        clock: &impl Fn() -> DateTime<FixedOffset>,
        stop: impl Future<Output = ()>,
    ) -> Ended {
        tokio::pin!(stop);
        let wake = self.until.map_or(self.at, |until| self.at.min(until));
        loop {
            let (now, wall) = (Instant::now(), clock());
            if now >= self.due || wall >= wake {
                return Ended::Due;
            }
            let left = (wake - wall).to_std().unwrap_or_default();
            // A timer's tick more, so that it is not a hair too early.
            let step = STEP.min(self.due - now).min(left) + Duration::from_millis(1);
            tokio::select! {
                () = &mut stop => return Ended::Stopped,
                () = tokio::time::sleep(step) => {}
            }
            let passed = TimeDelta::from_std(now.elapsed()).unwrap_or(TimeDelta::MAX);
            let drift = clock() - wall - passed;
            if drift.abs() > LEAP {
                return Ended::Leapt(drift);
            }
        }
    }
}
