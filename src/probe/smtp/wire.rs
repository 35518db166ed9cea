//! Lines in and out, each bounded in size and time, and a record of both.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::reply::{ReplyKind, ServerReply, Step, Stop};

/// The longest line that is read, in octets: four times what RFC 5321, section 4.5.3.1.5 allows.
const LONGEST_LINE: u64 = 2048;
/// The most lines of one reply.
const MOST_LINES: usize = 200;
/// The most lines of one conversation that are written down.
const MOST_LOGGED: usize = 300;

/// What was said, `>` before ours and `<` before theirs.
#[derive(Debug, Default)]
pub(in crate::probe) struct Log {
    pub(in crate::probe) lines: Vec<String>,
}

impl Log {
    fn add(&mut self, mark: char, line: &str) {
        match self.lines.len() {
            0..MOST_LOGGED => self.lines.push(format!("{mark} {line}")),
            MOST_LOGGED => self.lines.push("…".to_owned()),
            _ => {}
        }
    }

    /// A line that is neither ours nor theirs.
    pub(super) fn note(&mut self, line: &str) {
        self.add('-', line);
    }
}

/// One conversation over a stream.
pub(in crate::probe) struct Talk<'l, S> {
    stream: BufReader<S>,
    log: &'l mut Log,
    /// How long one reply may take.
    patience: Duration,
}

impl<'l, S: AsyncRead + AsyncWrite + Unpin> Talk<'l, S> {
    pub(in crate::probe) fn new(stream: S, log: &'l mut Log, patience: Duration) -> Self {
        Self { stream: BufReader::new(stream), log, patience }
    }

    /// The stream and the record; what was read ahead and not used is lost, see [`Self::has_read_ahead`].
    pub(super) fn into_parts(self) -> (S, &'l mut Log) {
        (self.stream.into_inner(), self.log)
    }

    /// Whether more has come than was asked for.
    pub(super) fn has_read_ahead(&self) -> bool {
        !self.stream.buffer().is_empty()
    }

    /// The next reply of an SMTP server (RFC 5321, section 4.2.1).
    pub(in crate::probe) async fn reply(&mut self, step: Step) -> Result<ServerReply, Stop> {
        let patience = self.patience;
        let read = async {
            let mut reply: Option<ServerReply> = None;
            loop {
                let line = self.line(step).await?;
                let malformed = || Stop::Malformed(step, shortened(&line));
                let code = line.get(..3).filter(|code| code.bytes().all(|octet| octet.is_ascii_digit()));
                let code: u16 = code.and_then(|code| code.parse().ok()).ok_or_else(malformed)?;
                let (last, text) = match line.as_bytes().get(3) {
                    None => (true, ""),
                    Some(b' ') => (true, &line[4..]),
                    Some(b'-') => (false, &line[4..]),
                    Some(_) => return Err(malformed()),
                };
                let kind = match code {
                    200..300 => ReplyKind::Positive,
                    400..500 => ReplyKind::Transient,
                    500..600 => ReplyKind::Permanent,
                    _ => return Err(malformed()),
                };
                let reply = reply.get_or_insert_with(|| ServerReply { kind, code: Some(code), lines: Vec::new() });
                if reply.code != Some(code) {
                    return Err(malformed());
                }
                reply.lines.push(text.to_owned());
                if last {
                    return Ok(reply.clone());
                }
                if reply.lines.len() == MOST_LINES {
                    return Err(Stop::Malformed(step, format!("more than {MOST_LINES} lines")));
                }
            }
        };
        timeout(patience, read).await.unwrap_or(Err(Stop::Timeout(step)))
    }

    /// Lines up to the one for which `last` says whether it is positive.
    pub(in crate::probe) async fn lines_until(
        &mut self,
        step: Step,
        last: impl Fn(&str) -> Option<bool>,
    ) -> Result<ServerReply, Stop> {
        let patience = self.patience;
        let read = async {
            let mut lines = Vec::new();
            while lines.len() < MOST_LINES {
                let line = self.line(step).await?;
                let end = last(&line);
                lines.push(line);
                if let Some(positive) = end {
                    let kind = if positive { ReplyKind::Positive } else { ReplyKind::Permanent };
                    return Ok(ServerReply { kind, code: None, lines });
                }
            }
            Err(Stop::Malformed(step, format!("more than {MOST_LINES} lines")))
        };
        timeout(patience, read).await.unwrap_or(Err(Stop::Timeout(step)))
    }

    /// One line without its end.
    async fn line(&mut self, step: Step) -> Result<String, Stop> {
        let mut octets = Vec::new();
        let mut limited = (&mut self.stream).take(LONGEST_LINE);
        // Whatever goes wrong while reading, the connection is at its end.
        let read = limited.read_until(b'\n', &mut octets).await;
        if octets.last() != Some(&b'\n') {
            if octets.len() as u64 == LONGEST_LINE {
                let what = format!("a line of more than {LONGEST_LINE} octets");
                self.log.add('<', &shortened(&String::from_utf8_lossy(&octets)));
                return Err(Stop::Malformed(step, what));
            }
            if !octets.is_empty() {
                self.log.add('<', &shortened(&String::from_utf8_lossy(&octets)));
            }
            let kind = read.err().map(|error| error.kind());
            self.log.note(&kind.map_or_else(|| "closed".to_owned(), |kind| format!("closed: {kind}")));
            return Err(Stop::Closed(step));
        }
        let text = String::from_utf8_lossy(&octets);
        let line = text.strip_suffix('\n').map_or(text.as_ref(), |line| line.strip_suffix('\r').unwrap_or(line));
        self.log.add('<', line);
        Ok(line.to_owned())
    }

    /// Sends a line.
    pub(super) async fn say(&mut self, line: &str, step: Step) -> Result<(), Stop> {
        self.log.add('>', line);
        let send = async {
            self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
            self.stream.flush().await
        };
        match timeout(self.patience, send).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Stop::Closed(step)),
            Err(_) => Err(Stop::Timeout(step)),
        }
    }

    /// Sends an SMTP command and reads the reply. What came before the command is no answer to it; only a server that leaves may
    /// say so unasked (RFC 5321, section 3.8).
    pub(super) async fn ask(&mut self, command: &str, step: Step) -> Result<ServerReply, Stop> {
        if self.has_come().await {
            let early = self.reply(step).await?;
            return match early.code {
                Some(421) => Ok(early),
                _ => Err(Stop::Malformed(step, format!("before the command came {}", shortened(&early.told())))),
            };
        }
        self.say(command, step).await?;
        self.reply(step).await
    }

    /// Whether something lies ready that was not read yet; nothing is waited for.
    async fn has_come(&mut self) -> bool {
        poll_fn(|task| {
            let filled = Pin::new(&mut self.stream).poll_fill_buf(task);
            Poll::Ready(matches!(filled, Poll::Ready(Ok(octets)) if !octets.is_empty()))
        })
        .await
    }
}

/// Enough of a line to recognise what it is.
fn shortened(line: &str) -> String {
    let mut kept: String = line.chars().take(80).collect();
    if kept.len() < line.len() {
        kept.push('…');
    }
    kept
}
