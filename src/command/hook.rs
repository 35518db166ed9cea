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
    call_within(PATIENCE, program, variables, secrets).await
}

async fn call_within(
    patience: Duration,
    program: &Path,
    variables: &[(&str, String)],
    secrets: &[String],
) -> Result<(), HookError> {
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
    match tokio::time::timeout(patience, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(HookError::Exit(shown, status)),
        Ok(Err(error)) => Err(HookError::Start(shown, error)),
        Err(_) => {
            // It may have ended in this very moment.
            let _ = child.kill().await;
            Err(HookError::Time(shown, patience.as_secs()))
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

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Lost if it fails: a program that hangs would end the watch, one that fails would be thought to have told somebody.
    #[tokio::test]
    async fn a_program_has_its_time_and_its_say() {
        let folder = tempfile::tempdir().unwrap();
        let script = |text: &str| {
            let path = folder.path().join("program");
            // A new file each time: what runs must not be written to.
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let hour = Duration::from_secs(3600);
        let value = [("GIVEN", format!("a\0b $(exit 1) '\n{}", "é".repeat(LONGEST)))];
        let program = script("test \"${GIVEN#a b}\" != \"$GIVEN\" && test -z \"$HOME\"");
        call_within(hour, &program, &value, &["HOME".to_owned()]).await.unwrap();
        let error = call_within(hour, &script("exit 7"), &[], &[]).await.unwrap_err().to_string();
        assert!(error.contains("could not finish") && error.contains('7'), "{error}");
        let hangs = call_within(Duration::from_millis(100), &script("exec sleep 600"), &[], &[]).await;
        assert!(matches!(hangs, Err(HookError::Time(..))), "{hangs:?}");
        let absent = call_within(hour, &folder.path().join("absent"), &[], &[]).await;
        assert!(matches!(absent, Err(HookError::Start(..))), "{absent:?}");
    }
}
