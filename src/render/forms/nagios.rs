//! The plugin interface of Nagios, Icinga and their kin: a status line, figures after `|`, details below; exit codes of their own.

use super::entry::{Entry, findings, warnings};
use crate::model::{Report, Verdict, visible_whole};
use crate::render::Style;
use crate::render::digest::{counts, reasons};

/// Nagios reads 4 KiB of a plugin's output by default and cuts it where that may be.
const LONGEST: usize = 4000;
/// The longest status line, in characters: it has to fit into a pager's message.
const LONGEST_STATUS: usize = 300;

/// The state of a service, as plugins report it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl State {
    fn of(verdict: Verdict, strict: bool) -> Self {
        match verdict {
            Verdict::Go => Self::Ok,
            Verdict::GoWithWarnings if strict => Self::Critical,
            Verdict::GoWithWarnings => Self::Warning,
            Verdict::Hold => Self::Unknown,
            Verdict::NoGo => Self::Critical,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}

/// The exit code of the plugin interface: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
pub(super) fn exit(verdict: Verdict, strict: bool) -> u8 {
    State::of(verdict, strict).code()
}

/// What a plugin that could not do its work says, and its exit code.
pub(super) fn could_not_start(why: &str) -> (String, u8) {
    let mut lines = why.lines().map(plain);
    let first = lines.next().unwrap_or_default();
    let rest: String = lines.map(|line| format!("\n{line}")).collect();
    let text = format!("MAIL-CUTOVER {} - {first}{rest}", State::Unknown.word());
    (format!("{}\n", cut(&text, LONGEST)), State::Unknown.code())
}

/// Writes the report.
pub(super) fn write(report: &Report, style: &Style) -> String {
    let lang = style.lang;
    let state = State::of(report.verdict, style.strict);
    let loud = warnings(report, lang);
    let why = loud.iter().cloned().chain(reasons(report, lang)).collect::<Vec<_>>();
    let status = format!("MAIL-CUTOVER {} - {}: {}", state.word(), report.verdict.words(), why.join(" / "));
    let status: String = plain(&status).chars().take(LONGEST_STATUS).collect();
    let mut text = format!("{status} | {}\n", figures(report));
    for line in why.iter().map(|line| plain(line)).chain(findings(report).iter().map(|entry| line(entry, style))) {
        // Cut between lines, not within one.
        if text.len() + line.len() + 1 > LONGEST {
            text.push_str("...\n");
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn line(entry: &Entry<'_>, style: &Style) -> String {
    let word = entry.standing.word().to_uppercase();
    plain(&format!("{word} {}: {}", entry.tag().unwrap_or_default(), entry.sentence(style.lang)))
}

/// `'label'=value;warn;crit;min`: the counts alone alert nobody, the thresholds say where they begin to weigh.
fn figures(report: &Report) -> String {
    let counted = counts(report);
    let took = (report.finished - report.started).as_seconds_f64().max(0.0);
    format!(
        "blockers={};;0;0 unknowns={};0;;0 warnings={};0;;0 waived={};;;0 notes={};;;0 passed={};;;0 questions={};;;0 time={took:.3}s;;;0",
        counted.blockers,
        counted.unknowns,
        counted.warnings,
        counted.waived,
        counted.notes,
        counted.passed,
        report.observations.len(),
    )
}

/// `text` without the signs that end the status, that a web page takes for markup, or that a notification command's shell would take
/// for its own.
fn plain(text: &str) -> String {
    let harmless = |sign| match sign {
        '|' => '¦',
        '<' => '‹',
        '>' => '›',
        '`' => '´',
        '$' => '＄',
        '&' => '＆',
        ';' => ',',
        '\'' => '’',
        '"' => '”',
        '\\' => '/',
        other => other,
    };
    visible_whole(text).chars().map(harmless).collect()
}

/// At most `octets` of `text`, whole characters.
fn cut(text: &str, octets: usize) -> &str {
    let end = (0..=octets.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: monitoring would page nobody for a NO-GO, or somebody for a GO.
    #[test]
    fn states_are_those_of_the_plugin_interface() {
        let table =
            [(Verdict::Go, 0, 0), (Verdict::GoWithWarnings, 1, 2), (Verdict::NoGo, 2, 2), (Verdict::Hold, 3, 3)];
        for (verdict, usual, strict) in table {
            assert_eq!((exit(verdict, false), exit(verdict, true)), (usual, strict), "{verdict:?}");
        }
    }

    /// Lost if it fails: a broken plan would look like a broken mail server, or its text would end in the middle of a character.
    #[test]
    fn what_could_not_start_is_unknown() {
        let (text, code) = could_not_start("could not read | it\n  | `x`");
        assert_eq!((text.as_str(), code), ("MAIL-CUTOVER UNKNOWN - could not read ¦ it\n  ¦ ´x´\n", 3));
        assert!(could_not_start(&"あ".repeat(5000)).0.len() <= LONGEST + 1);
    }
}
