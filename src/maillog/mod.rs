//! Mail logs as they lie there: unpacked, cut into lines of bounded length, and their times; what a line means is others' business.

mod open;
mod time;

use std::io::{self, BufRead};
use std::sync::LazyLock;

use memchr::memmem::Finder;

pub use open::open;
pub use time::Clock;

/// The longest line that is read to its end, in octets; the rest of a longer one is passed over.
pub const LONGEST_LINE: usize = 64 * 1024;

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// All lines.
    pub lines: u64,
    /// Lines of more than [`LONGEST_LINE`] octets.
    pub cut: u64,
    /// All octets, unpacked.
    pub octets: u64,
}

/// Gives every line of a log to `take`, without its line end and never longer than [`LONGEST_LINE`]. A log that breaks off (a rotated
/// file that was cut) is read as far as it goes, its last line too; the error says so.
pub fn each_line(log: &mut dyn BufRead, mut take: impl FnMut(&[u8])) -> (Volume, Option<io::Error>) {
    let mut volume = Volume::default();
    let mut kept = Vec::new();
    let mut broken = None;
    loop {
        let buffer = match log.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                broken = Some(error);
                break;
            }
        };
        if buffer.is_empty() {
            break;
        }
        let mut rest = buffer;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            if kept.is_empty() {
                one(line, &mut volume, &mut take);
            } else {
                keep(&mut kept, line);
                one(&kept, &mut volume, &mut take);
                kept.clear();
            }
            rest = after;
        }
        keep(&mut kept, rest);
        let read = buffer.len();
        volume.octets += read as u64;
        log.consume(read);
    }
    if !kept.is_empty() {
        one(&kept, &mut volume, &mut take);
    }
    (volume, broken)
}

/// Who wrote a line of syslog, and what: the program's last name in `Nov 25 10:00:00 host postfix/submission/smtpd[123]: text`.
/// Nothing for a line without a program, such as Exim's own.
pub fn written(line: &[u8]) -> Option<(&[u8], &[u8])> {
    static END_OF_HEAD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"]: "));
    let at = END_OF_HEAD.find(line)?;
    Some((program(&line[..at])?, &line[at + 3..]))
}

fn program(head: &[u8]) -> Option<&[u8]> {
    let open = memchr::memrchr(b'[', head)?;
    let pid = &head[open + 1..];
    if pid.is_empty() || !pid.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let start = memchr::memrchr2(b' ', b'/', &head[..open]).map_or(0, |at| at + 1);
    Some(&head[start..open])
}

/// Appends the beginning of a line, up to one octet more than the longest, by which the longer one is known.
fn keep(kept: &mut Vec<u8>, part: &[u8]) {
    let room = (LONGEST_LINE + 1).saturating_sub(kept.len());
    kept.extend_from_slice(&part[..part.len().min(room)]);
}

fn one(line: &[u8], volume: &mut Volume, take: &mut impl FnMut(&[u8])) {
    volume.lines += 1;
    volume.cut += u64::from(line.len() > LONGEST_LINE);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    take(&line[..line.len().min(LONGEST_LINE)]);
}
