//! Programs that may be installed: where they are, and what they say.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program at one of `places`, a path from the root of the repository or a name on the PATH. Nothing if it is nowhere, which is
/// said; a panic if it is required.
pub(crate) fn find(places: &[&str], what: &str) -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = places.iter().find_map(|place| {
        let candidates = if place.contains('/') {
            vec![root.join(place)]
        } else {
            folders.iter().map(|folder| folder.join(place)).collect()
        };
        candidates.into_iter().find(|path| path.is_file())
    });
    if found.is_none() {
        assert!(std::env::var_os("MAIL_CUTOVER_REQUIRE_DAEMONS").is_none(), "{what} is missing: none of {places:?}");
        eprintln!("NOT TESTED: {what} is missing: none of {places:?}");
    }
    found
}

/// What a program says of `input`: whether it was content, and its own words.
pub(crate) fn ask(command: &mut Command, input: &str) -> (bool, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = input.to_owned();
    // Whoever has seen enough closes the pipe.
    let writer = std::thread::spawn(move || drop(stdin.write_all(text.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}
