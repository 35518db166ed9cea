//! What somebody at a terminal sees of long work.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Terminal;

/// So often it moves.
const TICK: Duration = Duration::from_millis(100);

/// A bar up to `total`, with a message; hidden where nobody watches, or wants to.
pub(super) fn progress(terminal: &Terminal, total: u64, quiet: bool) -> ProgressBar {
    shown(Some(total), "{bar:24} {pos}/{len}  {msg}  {elapsed}", TICK, terminal.progress && !quiet)
}

/// A sign of life with a message, where the end is not known.
pub(super) fn spinner(terminal: &Terminal) -> ProgressBar {
    shown(None, "{spinner} {msg}  {elapsed}", TICK, terminal.progress)
}

/// A line that stands below what is printed, and is renewed every second.
pub(super) fn status(terminal: &Terminal) -> ProgressBar {
    shown(None, "{spinner} {msg}", Duration::from_secs(1), terminal.progress)
}

fn shown(total: Option<u64>, template: &str, tick: Duration, is_watched: bool) -> ProgressBar {
    if !is_watched {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(tick);
    bar
}
