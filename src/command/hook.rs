//! The command that a watch calls when something changed: a program, not a shell; what happened stands in its environment.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use crate::model::visible;

/// So long it may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// So long a value in its environment may be, in bytes.
const LONGEST: usize = 64 << 10;

/// Why it did not do its work; completes a line of the watch.
#[derive(Debug, thiserror::Error)]
pub(super) enum HookError {
    /// It is not there, or may not be run.
    #[error("could not run {0}: {1}")]
    Start(String, std::io::Error),
    /// It said so itself.
    #[error("could not finish {0}: {1}")]
    Exit(String, ExitStatus),
    /// It was ended.
    #[error("could not finish {0} within {1} seconds; it was ended")]
    Time(String, u64),
}

/// Runs `program` with `variables` in its environment and without `secrets`; nothing on its standard input, and its output goes to ours for
/// errors.
pub(super) async fn call(program: &Path, variables: &[(&str, String)], secrets: &[String]) -> Result<(), HookError> {
    let shown = visible(&program.display().to_string());
    let mut command = tokio::process::Command::new(program);
    command.stdin(Stdio::null()).stdout(std::io::stderr()).kill_on_drop(true);
    for name in secrets {
        command.env_remove(name);
    }
    for (name, value) in variables {
        // A NUL would keep the program from starting.
        command.env(name, cut(value).replace('\0', " "));
    }
    let mut child = command.spawn().map_err(|error| HookError::Start(shown.clone(), error))?;
    match tokio::time::timeout(PATIENCE, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(HookError::Exit(shown, status)),
        Ok(Err(error)) => Err(HookError::Start(shown, error)),
        Err(_) => {
            // It may have ended in this very moment.
            let _ = child.kill().await;
            Err(HookError::Time(shown, PATIENCE.as_secs()))
        }
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
