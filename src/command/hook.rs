//! The command that a watch calls when something changed: a program, not a shell; what happened stands in its environment.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
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
    /// It is not there, or may not be run; known before anything was done.
    #[error("could not find a program to run at {0}: {1}")]
    Absent(String, &'static str),
    /// It said so itself.
    #[error("could not finish {0}: {1}")]
    Exit(String, ExitStatus),
    /// It was ended.
    #[error("could not finish {0} within {1} seconds; it was ended")]
    Time(String, u64),
}

/// Whether `program` can be found now, so that this is not learnt in the hour in which it is needed: a path, or a name that the folders
/// of `search` (`PATH`) have.
///
/// # Errors
/// [`HookError::Absent`] with what to do.
pub(super) fn ready(program: &Path, search: Option<&OsStr>) -> Result<(), HookError> {
    let is_path = program.components().count() > 1 || program.is_absolute();
    let places: Vec<PathBuf> = if is_path {
        vec![program.to_owned()]
    } else {
        search
            .map(|search| std::env::split_paths(search).map(|folder| folder.join(program)).collect())
            .unwrap_or_default()
    };
    let files: Vec<&PathBuf> = places.iter().filter(|place| place.is_file()).collect();
    let fail = |why| Err(HookError::Absent(visible(&program.display().to_string()), why));
    match files.as_slice() {
        [] if is_path => fail("there is no such file"),
        [] => fail("no folder of PATH has it; name it with its path, such as ./tell"),
        files if files.iter().any(|file| may_run(file)) => Ok(()),
        _ => fail("it may not be run; allow it with chmod +x"),
    }
}

#[cfg(unix)]
fn may_run(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|about| about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn may_run(_: &Path) -> bool {
    true
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

    /// Lost if it fails: that nobody can be called would be learnt at the moment in which somebody must be.
    #[test]
    fn a_program_that_cannot_be_run_is_known_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tell");
        let says = |program: &Path, search: Option<&Path>| {
            ready(program, search.map(Path::as_os_str)).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(says(&path, None).ends_with("tell: there is no such file"), "{}", says(&path, None));
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(says(&path, None).ends_with("chmod +x"), "{}", says(&path, None));
        assert!(says(Path::new("tell"), Some(folder.path())).ends_with("chmod +x"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!((says(&path, None), says(Path::new("tell"), Some(folder.path()))), (String::new(), String::new()));
        // A name alone is looked for as the system does: not in this folder.
        assert!(says(Path::new("tell"), None).contains("such as ./tell"));
        assert!(says(folder.path(), None).contains("no such file"), "a folder is no program");
    }

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
