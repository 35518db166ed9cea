//! A watch that runs as a process, and its lines as they come.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a change may take to be told; far above an interval, for a busy machine.
pub(crate) const PROMPTLY: Duration = Duration::from_secs(60);

/// A watch that runs; dropping it ends it.
pub(crate) struct Watching {
    child: Child,
    lines: Receiver<String>,
    /// The lines so far.
    pub(crate) seen: Vec<String>,
}

/// What a watch left behind.
#[derive(Debug)]
pub(crate) struct Last {
    /// None when a signal ended it.
    pub(crate) exit: Option<i32>,
    /// The lines that nobody had waited for.
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Watching {
    /// Starts `command`.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line with all of these words in it.
    pub(crate) fn wait(&mut self, words: &[&str]) -> String {
        let deadline = Instant::now() + PROMPTLY;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if words.iter().all(|word| line.contains(word)) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no line with {words:?} in {:#?}", self.seen);
                }
            }
        }
    }

    /// Ends it with `signal`.
    pub(crate) fn stop(mut self, signal: &str) -> Last {
        let kill = format!("kill -{signal} {}", self.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let sent = Instant::now();
        let status = self.child.wait().unwrap();
        assert!(sent.elapsed() < PROMPTLY, "it took {:?} to stop", sent.elapsed());
        let out = self.lines.iter().map(|line| line + "\n").collect();
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Last { exit: status.code(), out, err }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
