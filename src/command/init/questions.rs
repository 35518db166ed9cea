//! What a person is asked at a terminal, and what an answer may be.

use std::io::{BufRead, IsTerminal, Write};

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveTime, TimeZone, Weekday};
use indicatif::ProgressBar;

use crate::command::CommandError;
use crate::model::{Lang, visible};

/// So often an answer that cannot be read is asked for again.
const PATIENCE: usize = 5;
/// The longest answer, in octets.
const LONGEST: u64 = 64 * 1024;

/// Somebody to ask.
pub(super) struct Asker {
    input: Box<dyn BufRead>,
    output: Box<dyn Write>,
    lang: Lang,
    /// What moves on the same terminal, and is to be gone before a question.
    pub(super) busy: ProgressBar,
}

impl Asker {
    /// The person at the terminal, if there is one at both ends.
    pub(super) fn at_terminal(lang: Lang) -> Option<Self> {
        let stdin = std::io::stdin();
        let is_there = stdin.is_terminal() && std::io::stderr().is_terminal();
        is_there.then(|| Self {
            input: Box::new(stdin.lock()),
            output: Box::new(std::io::stderr()),
            lang,
            busy: ProgressBar::hidden(),
        })
    }

    /// Asks until an answer can be read; an empty one means `usual`, if there is one.
    ///
    /// # Errors
    /// The answers end, or none of them can be read; `option` could have said it.
    pub(super) fn ask<T>(
        &mut self,
        (en, ja): (&str, &str),
        usual: Option<&str>,
        option: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, CommandError> {
        self.busy.finish_and_clear();
        let refuse = |why: String| CommandError::Init(format!("{why}; {option} says it without a question"));
        let question = if self.lang == Lang::Ja { ja } else { en };
        let shown = usual.map_or_else(String::new, |usual| format!(" [{}]", visible(usual)));
        for _ in 0..PATIENCE {
            let asked = write!(self.output, "{question}{shown}: ").and_then(|()| self.output.flush());
            let mut answer = String::new();
            let heard = asked.and_then(|()| std::io::Read::take(&mut self.input, LONGEST).read_line(&mut answer));
            match heard {
                Err(error) => return Err(refuse(format!("the answer cannot be read: {error}"))),
                Ok(0) => return Err(refuse("there was no answer".to_owned())),
                Ok(_) => {}
            }
            let answer = match answer.trim() {
                "" => usual.unwrap_or_default(),
                answer => answer,
            };
            match read(answer) {
                Ok(understood) => return Ok(understood),
                // A terminal that takes nothing will take the next question as little.
                Err(why) => drop(writeln!(self.output, "  {}", visible(&why))),
            }
        }
        Err(refuse("none of the answers could be understood".to_owned()))
    }
}

/// The next Saturday at 22:00 where the clock `zone` is on the wall.
pub(super) fn next_saturday<Z: TimeZone>(now: &DateTime<Z>) -> Option<DateTime<FixedOffset>> {
    let evening = NaiveTime::from_hms_opt(22, 0, 0)?;
    let today = now.date_naive();
    let days = (7 + Weekday::Sat.num_days_from_monday() - today.weekday().num_days_from_monday()) % 7;
    [u64::from(days), u64::from(days) + 7].into_iter().find_map(|days| {
        let night = today.checked_add_days(Days::new(days))?.and_time(evening);
        let night = now.timezone().from_local_datetime(&night).earliest()?.fixed_offset();
        (night > *now).then_some(night)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(input: &'static str) -> Asker {
        Asker {
            input: Box::new(input.as_bytes()),
            output: Box::new(std::io::sink()),
            lang: Lang::En,
            busy: ProgressBar::hidden(),
        }
    }

    fn number(text: &str) -> Result<u8, String> {
        text.parse().map_err(|_| "write a number".to_owned())
    }

    /// Lost if it fails: a slip of the finger would end the interview, or an endless stream of nonsense never would.
    #[test]
    fn answers_are_asked_for_again() {
        let ask = |input, usual| asker(input).ask(("how many?", ""), usual, "--many", number);
        assert_eq!(ask("x\n7\n", None).unwrap(), 7);
        assert_eq!(ask("\n", Some("3")).unwrap(), 3);
        assert_eq!(ask("\n9\n", None).unwrap(), 9);
        assert!(ask("", Some("3")).unwrap_err().to_string().contains("--many"));
        assert!(ask("x\nx\nx\nx\nx\n7\n", None).unwrap_err().to_string().contains("--many"));
    }

    /// Lost if it fails: Enter would plan the cutover for the past, or for an hour that is not the one on the wall.
    #[test]
    fn saturday_night() {
        let told = |now: &str| next_saturday(&DateTime::parse_from_rfc3339(now).unwrap()).unwrap().to_rfc3339();
        assert_eq!(told("2026-11-25T14:00:00+09:00"), "2026-11-28T22:00:00+09:00");
        assert_eq!(told("2026-11-28T21:59:59+09:00"), "2026-11-28T22:00:00+09:00");
        assert_eq!(told("2026-11-28T22:00:00+09:00"), "2026-12-05T22:00:00+09:00");
        assert_eq!(told("2026-11-29T00:00:00-05:00"), "2026-12-05T22:00:00-05:00");
    }
}
