//! Markdown: the tick-box checklist that goes into a change ticket.

use super::beside;
use super::digest::{Standing, gaps, groups, is_at, is_by_address, reasons, rehearses, worst};
use super::findings::{Told, tell};
use super::head::{asked, runs};
use crate::model::{Column, Lang, Report, Section};
use crate::words;

/// Writes the report.
pub(super) fn write(report: &Report, lang: Lang) -> String {
    let mut text = String::new();
    let title: Vec<&str> = [report.change.as_deref(), report.title.as_deref()].into_iter().flatten().collect();
    let title = if title.is_empty() { report.plan_path.clone() } else { title.join(" – ") };
    text.push_str(&format!("# {}: {}\n\n", report.verdict.words(), escape(&title)));
    if report.simulated {
        text.push_str(&format!("> **{}**\n\n", words::simulated(lang)));
    }
    if !report.rehearsed.is_empty() {
        let said = strong(&words::rehearsed(lang, &report.rehearsed));
        text.push_str(&format!("> {said}\n> {}\n\n", escape(words::rehearsed_mark(lang))));
    }
    for reason in reasons(report, lang) {
        text.push_str(&format!("{}\n\n", strong(&reason)));
    }
    text.push_str(&facts(report, lang));
    text.push_str(&matrix(report, lang));
    text.push_str(&checklist(report, lang));
    text.push_str(&since(report, lang));
    text
}

/// What an earlier report said beside this one.
fn since(report: &Report, lang: Lang) -> String {
    let Some(said) = beside::section(report, lang, usize::MAX, false) else { return String::new() };
    let mut lines = said.lines();
    let heading = escape(lines.next().unwrap_or_default());
    let items: String = lines.map(|line| format!("- {}\n", escape(line.trim_start()))).collect();
    format!("\n## {heading}\n\n{items}")
}

fn facts(report: &Report, lang: Lang) -> String {
    let words = words::head(lang);
    let when = "%Y-%m-%d %H:%M %:z";
    let rows = [
        (words[1], format!("{} (sha256 {})", escape(&report.plan_path), code(&report.plan_sha256))),
        (words[2], escape(&words::phase_of(lang, report.phase, &report.cutover_at.format(when).to_string()))),
    ];
    let runs = runs(report, lang, false).into_iter().map(|run| (words[3], escape(&run)));
    let rows = rows.into_iter().chain(runs).chain([(words[4], escape(&asked(report, lang, " ")))]);
    let rows: String = rows.map(|(word, text)| format!("| {word} | {text} |\n")).collect();
    format!("| | |\n|---|---|\n{rows}\n")
}

/// More addresses than this become rows: a page is longer than it is wide.
const MOST_COLUMNS: usize = 6;

/// Checks as rows and addresses as columns, or the other way round.
fn matrix(report: &Report, lang: Lang) -> String {
    let sections: Vec<&Section> = report.sections.iter().filter(|section| is_by_address(section)).collect();
    let checks = sections.iter().map(|section| section.card.short.in_lang(lang).to_owned());
    let addresses = |between| {
        let name = move |column: &Column| format!("{}{between}{}", words::side(lang, column.side), column.ip);
        report.columns.iter().map(name)
    };
    if report.columns.len() > MOST_COLUMNS {
        let row = |column| sections.iter().map(|section| cell(report, section, column, lang)).collect();
        rows(checks, addresses(" ").zip(report.columns.iter().map(row)))
    } else {
        let row =
            |section: &&Section| report.columns.iter().map(|column| cell(report, section, column, lang)).collect();
        rows(addresses("<br>"), checks.zip(sections.iter().map(row)))
    }
}

fn rows(heading: impl Iterator<Item = String>, rows: impl Iterator<Item = (String, Vec<String>)>) -> String {
    let heading: Vec<String> = heading.collect();
    let mut text = format!("| | {} |\n|---|{}\n", heading.join(" | "), "---|".repeat(heading.len()));
    for (first, cells) in rows {
        text.push_str(&format!("| {first} | {} |\n", cells.join(" | ")));
    }
    text.push('\n');
    text
}

fn cell(report: &Report, section: &Section, column: &Column, lang: Lang) -> String {
    let Some(standing) = worst(section, |subject| is_at(subject, column)) else { return String::new() };
    let word = words::standing(lang, standing.word());
    let mark = if rehearses(report, section, |subject| is_at(subject, column)) { "\\*" } else { "" };
    if standing >= Standing::Warning { format!("**{word}**{mark}") } else { format!("{word}{mark}") }
}

fn checklist(report: &Report, lang: Lang) -> String {
    let mut text = String::new();
    let mut heading = None;
    for group in groups(report) {
        let told = tell(report, &group, lang);
        let word = words::level_heading(lang, told.standing.word());
        if heading != Some(word) {
            heading = Some(word);
            text.push_str(&format!("{}## {word}\n\n", if text.is_empty() { "" } else { "\n" }));
        }
        text.push_str(&item(&told, lang));
    }
    let gaps = gaps(report, lang);
    if !gaps.is_empty() {
        text.push_str(&format!("\n## {}\n\n", words::level_heading(lang, "not-covered")));
        for (section, why, _) in gaps {
            text.push_str(&format!("- [ ] {}: {}\n", section.card.title.in_lang(lang), escape(why)));
        }
    }
    let passed = |section: &&Section| worst(section, |_| true).is_some_and(|standing| standing <= Standing::Passed);
    let mut passed = report.sections.iter().filter(passed).peekable();
    if passed.peek().is_some() {
        text.push_str(&format!("\n## {}\n\n", words::level_heading(lang, "passed")));
    }
    for section in passed {
        text.push_str(&format!("- [x] {}\n", section.card.title.in_lang(lang)));
    }
    text
}

/// A finding with a box to tick when it is mended; notes need none.
fn item(told: &Told, lang: Lang) -> String {
    let words = words::finding(lang);
    let tick = match told.standing {
        Standing::Note => "-",
        Standing::WaivedBlocker | Standing::WaivedWarning => "- [x]",
        _ => "- [ ]",
    };
    let mut text = String::new();
    for item in &told.items {
        text.push_str(&format!("{tick} {} {}\n", code(told.tag), escape(&item.sentence())));
        if told.standing == Standing::Note {
            continue;
        }
        if let Some(waiver) = &item.waiver {
            text.push_str(&format!("  - {}: {}\n", words[3], escape(waiver)));
        }
        for line in &item.evidence {
            text.push_str(&format!("  - {}: {}\n", words[0], code(line)));
        }
        text.push_str(&steps(&item.details, lang));
    }
    if told.standing != Standing::Note {
        for remedy in &told.remedies {
            text.push_str(&format!("  - {}: {}\n", words[1], escape(remedy)));
        }
        for command in told.by_hand.iter().take(3) {
            text.push_str(&format!("  - {}: {}\n", words[2], code(command)));
        }
    }
    text
}

/// How a finding came about, folded away where HTML is shown, in a block of code that nothing in it can end.
fn steps(details: &[(usize, String)], lang: Lang) -> String {
    if details.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = details
        .iter()
        .map(|(depth, line)| format!("{}{}", "  ".repeat(*depth), line.replace(['\n', '\r'], " ")))
        .collect();
    let fence = fence(&lines.join("\n"), 3);
    let block: String = lines.iter().map(|line| format!("    {line}\n")).collect();
    let summary = words::steps(lang, details.len());
    format!("  - <details><summary>{summary}</summary>\n\n    {fence}text\n{block}    {fence}\n\n    </details>\n")
}

/// A run of backticks, at least `least`, that does not stand in `text`.
fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat((longest + 1).max(least))
}

/// `text` as plain words: what Markdown, with the mathematics and marks of GitHub and GitLab, or HTML would take for markup is
/// escaped, line ends become spaces.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // The mark of a list is one only at the beginning: of an item, too.
    let digits = text.trim_start().bytes().take_while(u8::is_ascii_digit).count();
    let mark = text.len() - text.trim_start().len() + digits;
    for (at, character) in text.char_indices() {
        match character {
            '-' | '+' if at == mark && digits == 0 => escaped.extend(['\\', character]),
            '.' | ')' if at == mark && digits > 0 && text[at + 1..].chars().next().is_none_or(|next| next == ' ') => {
                escaped.extend(['\\', character])
            }
            '\n' | '\r' => escaped.push(' '),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' | '{' | '}' | '^' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// `text` as plain words that stand out; blanks at its ends would keep them from it.
fn strong(text: &str) -> String {
    format!("**{}**", escape(text.trim()))
}

/// `text` as a code span, outside tables: the fence is longer than any run of backticks in it.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let fence = fence(&text, 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a TXT record could put a link or a ticked box into the change ticket.
    #[test]
    fn nothing_from_outside_is_markup() {
        assert_eq!(
            escape("<img src=x> [a](b) `c` | *d*\n- [x]"),
            "&lt;img src=x&gt; \\[a\\](b) \\`c\\` \\| \\*d\\* - \\[x\\]"
        );
        for (text, shown) in
            [("- [x] a", "\\- \\[x\\] a"), ("+ a-b", "\\+ a-b"), ("1. a", "1\\. a"), ("203.0.113.25", "203.0.113.25")]
        {
            assert_eq!(escape(text), shown);
        }
        assert_eq!(strong("a "), "**a**");
        assert_eq!(code("a `b` ``c``"), "``` a `b` ``c`` ```");
    }
}
