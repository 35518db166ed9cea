//! A terminal with somebody at the keyboard.

use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// `tool` at a terminal where `typed` comes from the keyboard: its exit code, what was seen there, and its standard output.
pub(crate) fn at_terminal(tool: Command, typed: &str) -> (Option<i32>, String, String) {
    at_terminal_of(None, tool, typed)
}

/// The same at a terminal of so many columns.
pub(crate) fn at_terminal_of(columns: Option<u16>, mut tool: Command, typed: &str) -> (Option<i32>, String, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let name = std::path::Path::new(std::ffi::OsStr::from_bytes(name.to_bytes()));
    let slave = std::fs::File::options().read(true).write(true).open(name).unwrap();
    if let Some(columns) = columns {
        let mut stty = Command::new("stty");
        stty.args(["rows", "24", "cols", &columns.to_string()]).stdin(slave.try_clone().unwrap());
        assert!(stty.status().unwrap().success());
    }
    let mut keyboard = std::fs::File::from(master);
    keyboard.write_all(typed.as_bytes()).unwrap();
    tool.env("TERM", "dumb").env("TZ", "UTC-9").stdin(slave.try_clone().unwrap()).stderr(slave);
    tool.stdout(Stdio::piped());
    let child = tool.spawn().unwrap();
    // The command holds the terminal's end, too.
    drop(tool);
    let output = child.wait_with_output().unwrap();
    let mut seen = Vec::new();
    // Linux ends a terminal that nobody holds any more with an error.
    drop(keyboard.read_to_end(&mut seen));
    (output.status.code(), String::from_utf8(seen).unwrap(), String::from_utf8(output.stdout).unwrap())
}
