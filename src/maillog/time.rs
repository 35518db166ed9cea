//! The times in logs: RFC 3339, RFC 3164 (BSD, without a year), Exim's.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};

/// Reads times, and remembers the last one: neighbouring lines mostly have the same.
#[derive(Clone, Debug)]
pub struct Clock {
    now: DateTime<FixedOffset>,
    last: Option<(Vec<u8>, i64)>,
}

/// Where the seconds end in the forms: `2026-11-25T10:00:00`, and `Nov 25 10:00:00`.
const LONG: usize = 19;
const SHORT: usize = 15;
/// A clock that goes wrong by so much does not make the log a year old.
const AHEAD: TimeDelta = TimeDelta::days(2);

impl Clock {
    /// A clock for a log that is read at `now`: it says in which year a time without a year was, and where the clock that wrote the log
    /// stands.
    pub fn new(now: DateTime<FixedOffset>) -> Self {
        Self { now, last: None }
    }

    /// The time at which a line begins, in seconds since 1970; nothing if it begins with none.
    pub fn read(&mut self, line: &[u8]) -> Option<i64> {
        let is_long = line.first().is_some_and(u8::is_ascii_digit);
        let head = line.get(..if is_long { LONG } else { SHORT })?;
        let offset = if is_long { offset_of(&line[LONG..]) } else { None };
        // The offset is part of what was read: logs of two machines may be joined.
        if let Some((known, seconds)) = &self.last
            && offset.is_none()
            && known == head
        {
            return Some(*seconds);
        }
        let text = std::str::from_utf8(head).ok()?;
        let naive = if is_long { long(text)? } else { self.short(text)? };
        let at = offset.unwrap_or(*self.now.offset()).from_local_datetime(&naive).single()?;
        let seconds = at.timestamp();
        if offset.is_none() {
            self.last = Some((head.to_vec(), seconds));
        }
        Some(seconds)
    }

    /// `Nov 25 10:00:00` in the last year in which that was not in the future.
    fn short(&self, text: &str) -> Option<NaiveDateTime> {
        let latest = self.now.naive_local() + AHEAD;
        let in_year = |year: i32| {
            let at = NaiveDateTime::parse_from_str(&format!("{year} {text}"), "%Y %b %e %H:%M:%S").ok()?;
            (at <= latest).then_some(at)
        };
        // The 29th of February may be four years back.
        let this_year = self.now.year() + 1;
        (0..=5).find_map(|back| in_year(this_year - back))
    }
}

/// `2026-11-25T10:00:00` or `2026-11-25 10:00:00`.
fn long(text: &str) -> Option<NaiveDateTime> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let year = i32::try_from(number(0, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)?;
    date.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)
}

/// `+09:00`, `+0900` or `Z`, behind fractions of a second.
fn offset_of(rest: &[u8]) -> Option<FixedOffset> {
    // What follows the offset may be cut within a character.
    let ascii = rest.iter().take(20).take_while(|octet| octet.is_ascii()).count();
    let text = std::str::from_utf8(&rest[..ascii]).ok()?;
    let text = text.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    // Behind a space it begins the name of a host.
    if text.starts_with('Z') {
        return FixedOffset::east_opt(0);
    }
    let text = text.trim_start();
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours: i32 = text.get(1..3)?.parse().ok()?;
    let minutes: i32 = text.get(3..)?.trim_start_matches(':').get(..2)?.parse().ok()?;
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: mail of last December would be of next, and the rate per week wrong.
    #[test]
    fn times_are_read_in_every_form() {
        let mut clock = Clock::new(DateTime::parse_from_rfc3339("2026-01-10T12:00:00+09:00").unwrap());
        let seconds = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp();
        for (line, expected) in [
            ("Jan 10 11:59:59 mx postfix", "2026-01-10T11:59:59+09:00"),
            ("Jan  9 01:02:03 mx postfix", "2026-01-09T01:02:03+09:00"),
            ("Dec 31 23:59:59 mx postfix", "2025-12-31T23:59:59+09:00"),
            ("Jan 11 11:59:59 mx a clock that is ahead", "2026-01-11T11:59:59+09:00"),
            ("Feb 29 00:00:00 mx postfix", "2024-02-29T00:00:00+09:00"),
            ("2026-01-10T11:59:59.123456+02:00 mx", "2026-01-10T11:59:59+02:00"),
            ("2026-01-10T11:59:59Z mx", "2026-01-10T11:59:59Z"),
            ("2026-01-10 11:59:59 Zeus postfix", "2026-01-10T11:59:59+09:00"),
            ("2026-01-10 11:59:59 +0100 [日本語のホスト]", "2026-01-10T11:59:59+01:00"),
            ("2026-01-10 11:59:59 1abcde-0001-00 <=", "2026-01-10T11:59:59+09:00"),
            ("2026-01-10 11:59:59.123 +0100 1abcde", "2026-01-10T11:59:59+01:00"),
            ("2026-01-10 11:59:59 [123] 1abcde", "2026-01-10T11:59:59+09:00"),
        ] {
            assert_eq!(clock.read(line.as_bytes()), Some(seconds(expected)), "{line}");
        }
        for line in ["", "x", "Foo 10 11:59:59 mx", "2026-13-10T11:59:59Z", "99999999999999999999999", "Jan 10"] {
            assert_eq!(clock.read(line.as_bytes()), None, "{line}");
        }
    }
}
