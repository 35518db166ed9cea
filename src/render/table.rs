//! The table for people: head, summary grid, findings, what was not covered, and the verdict last and large.

use comfy_table::{ColumnConstraint, Table, Width};

use super::Style;
use super::beside;
use super::digest::{Standing, cut, gaps, groups, is_at, is_by_address, reasons, rehearses, subject, worst};
use super::findings::{Told, details, line, tell};
use super::grid::grid;
use super::head::{asked, runs};
use super::ink::{Ink, ink, verdict_ink};
use super::wrap::{block, command, pad, width, wrap};
use crate::model::{Column, Lang, Observation, Report, Section, Side, Subject, Verdict};
use crate::words;

/// Columns of one address in the grid, borders and padding included.
const ADDRESS_COLUMN: usize = 18;
/// So many grids one below the other; more addresses get a row each.
const MOST_GRIDS: usize = 3;
/// Steps within steps are indented so far and no further.
const DEEPEST_INDENT: usize = 10;
/// So many lines of one conversation are shown.
const MOST_SPOKEN: usize = 60;

/// Writes the report.
pub(super) fn write(report: &Report, style: &Style) -> String {
    let text = lay_out(report, style);
    if style.unicode { text } else { text.chars().map(plain).collect() }
}

/// Our own signs where only ASCII may be used; each as wide as it was.
pub(super) const fn plain(sign: char) -> char {
    match sign {
        '→' => '>',
        '×' => 'x',
        '…' => '.',
        '“' | '”' => '"',
        other => other,
    }
}

fn lay_out(report: &Report, style: &Style) -> String {
    let writer = Writer { report, style };
    if style.quiet {
        return writer.quiet();
    }
    let mut parts = vec![writer.head()];
    parts.extend(writer.summary());
    parts.extend(writer.findings());
    parts.extend(writer.not_covered());
    parts.extend(beside::section(report, style.lang, style.width, style.verbose));
    if style.verbose {
        parts.extend(writer.passed());
        parts.push(writer.transcript());
    }
    parts.push(writer.verdict());
    parts.join("\n")
}

struct Writer<'r> {
    report: &'r Report,
    style: &'r Style,
}

impl Writer<'_> {
    fn lang(&self) -> Lang {
        self.style.lang
    }

    fn head(&self) -> String {
        let report = self.report;
        let mut head = String::new();
        if report.simulated {
            head.push_str(&self.paint(Ink::Loud, words::simulated(self.lang())));
            head.push('\n');
        }
        if !report.rehearsed.is_empty() {
            for line in [&words::rehearsed(self.lang(), &report.rehearsed), words::rehearsed_mark(self.lang())] {
                let lines: Vec<String> =
                    wrap(line, self.style.width).iter().map(|line| self.paint(Ink::Loud, line)).collect();
                head.push_str(&format!("{}\n", lines.join("\n")));
            }
        }
        let title: Vec<&str> = [report.change.as_deref(), report.title.as_deref()].into_iter().flatten().collect();
        let words = words::head(self.lang());
        let label = words.iter().map(|word| width(word)).max().unwrap_or(0) + 2;
        let mut row = |word: &str, text: String| {
            if !text.is_empty() {
                head.push_str(&block(&pad(word, label), &text, self.style.width));
            }
        };
        let when = "%Y-%m-%d %H:%M %:z";
        row(words[0], title.join("  "));
        row(
            words[1],
            format!("{}  (sha256 {}…)", report.plan_path, &report.plan_sha256[..12.min(report.plan_sha256.len())]),
        );
        row(words[2], words::phase_of(self.lang(), report.phase, &report.cutover_at.format(when).to_string()));
        for (number, run) in runs(report, self.lang(), true).into_iter().enumerate() {
            row(if number == 0 { words[3] } else { "" }, run);
        }
        row(words[4], asked(report, self.lang(), "  "));
        head
    }

    fn summary(&self) -> Vec<String> {
        let mut parts = Vec::new();
        let by_address: Vec<&Section> = self.report.sections.iter().filter(|section| is_by_address(section)).collect();
        let (old, new): (Vec<&Column>, Vec<&Column>) =
            self.report.columns.iter().partition(|column| column.side == Side::Old);
        let label = self.label_width();
        let room = (self.style.width.saturating_sub(label + 4) / ADDRESS_COLUMN).max(1);
        let new_per_grid = room.saturating_sub(old.len()).max(1);
        let grids = new.len().div_ceil(new_per_grid);
        if old.len() < room && grids <= MOST_GRIDS {
            for chunk in new.chunks(new_per_grid) {
                let columns: Vec<&Column> = old.iter().chain(chunk).copied().collect();
                parts.push(self.grid(&by_address, &columns, label));
            }
        } else {
            parts.push(self.rows(&by_address));
        }
        parts.push(self.rest(label));
        parts
    }

    fn label_width(&self) -> usize {
        self.report.sections.iter().map(|section| width(section.card.short.in_lang(self.lang()))).max().unwrap_or(0)
    }

    /// Checks as rows, addresses as columns.
    fn grid(&self, sections: &[&Section], columns: &[&Column], label: usize) -> String {
        let mut table = self.table();
        let inner = ADDRESS_COLUMN - 3;
        let heading = |column: &&Column| {
            let ip = column.ip.to_string();
            format!("{}\n{}", words::side(self.lang(), column.side), cut_address(&ip, inner))
        };
        table.set_header(std::iter::once(String::new()).chain(columns.iter().map(heading)));
        for section in sections {
            let cells = columns.iter().map(|column| match worst(section, |subject| is_at(subject, column)) {
                Some(standing) => {
                    let rehearsed = rehearses(self.report, section, |subject| is_at(subject, column));
                    self.mark_word(standing, rehearsed)
                }
                None => self.worst_of_run(section),
            });
            table.add_row(std::iter::once(section.card.short.in_lang(self.lang()).to_owned()).chain(cells));
        }
        let fixed =
            |columns: usize| ColumnConstraint::Absolute(Width::Fixed(u16::try_from(columns).unwrap_or(u16::MAX)));
        table.set_constraints(
            std::iter::once(fixed(label + 2)).chain(columns.iter().map(|_| fixed(ADDRESS_COLUMN - 1))),
        );
        format!("{table}\n")
    }

    /// What a section says of the run as a whole, where it says nothing of an address: left out, cut short.
    fn worst_of_run(&self, section: &Section) -> String {
        worst(section, |subject| *subject == Subject::Run)
            .map_or_else(String::new, |standing| self.mark_word(standing, false))
    }

    /// A row for each address, when there are too many for columns.
    fn rows(&self, sections: &[&Section]) -> String {
        let words = words::rows_header(self.lang());
        let mut table = self.table();
        table.set_header(words);
        for column in &self.report.columns {
            let standings: Vec<(Standing, &'static str)> = sections
                .iter()
                .filter_map(|section| {
                    Some((worst(section, |subject| is_at(subject, column))?, section.card.short.in_lang(self.lang())))
                })
                .collect();
            let worst = standings.iter().map(|(standing, _)| *standing).max().unwrap_or(Standing::NotApplicable);
            let where_found: Vec<&str> = standings
                .iter()
                .filter(|(standing, _)| *standing == worst && *standing > Standing::Note)
                .map(|(_, short)| *short)
                .collect();
            table.add_row([
                format!("{} {}", words::side(self.lang(), column.side), column.ip),
                self.mark_word(
                    worst,
                    sections.iter().any(|section| rehearses(self.report, section, |subject| is_at(subject, column))),
                ),
                where_found.join(", "),
            ]);
        }
        format!("{table}\n")
    }

    /// The checks that are not about addresses.
    fn rest(&self, label: usize) -> String {
        let mut table = self.table();
        for section in self.report.sections.iter().filter(|section| !is_by_address(section)) {
            let Some(standing) = worst(section, |_| true) else { continue };
            let mut subjects: Vec<String> = section
                .statements
                .iter()
                .filter(|statement| Standing::of(statement) == standing && statement.named().is_some())
                .map(|statement| statement.subject.to_string())
                .filter(|subject| subject != "run")
                .collect();
            subjects.dedup();
            let word = self.mark_word(standing, rehearses(self.report, section, |_| true));
            let text = if subjects.is_empty() { word } else { format!("{word}: {}", subjects.join(", ")) };
            table.add_row([section.card.short.in_lang(self.lang()).to_owned(), text]);
        }
        let fixed =
            |columns: usize| ColumnConstraint::Absolute(Width::Fixed(u16::try_from(columns).unwrap_or(u16::MAX)));
        table.set_constraints([fixed(label + 2), fixed(self.style.width.min(100).saturating_sub(label + 5))]);
        format!("{table}\n")
    }

    fn table(&self) -> Table {
        grid(self.style.width, self.style.unicode)
    }

    fn findings(&self) -> Vec<String> {
        let mut parts = Vec::new();
        let mut heading = None;
        for group in groups(self.report) {
            let told = tell(self.report, &group, self.lang());
            let mut text = String::new();
            let words = words::level_heading(self.lang(), told.standing.word());
            if heading != Some(words) {
                heading = Some(words);
                text.push_str(&self.paint(ink(told.standing), words));
                text.push('\n');
            }
            text.push_str(&if told.standing == Standing::Note { self.note(&told) } else { self.finding(&told) });
            parts.push(text);
        }
        parts
    }

    fn finding(&self, told: &Told) -> String {
        let mut text = String::new();
        let head = format!("{} {}", self.mark(told.standing), told.tag);
        // Painted after wrapping: a colour has no width.
        let heading = block(&format!("{head}  "), told.title, self.style.width);
        text.push_str(&self.paint(ink(told.standing), &head));
        text.push_str(heading.strip_prefix(&head).unwrap_or(&heading));
        let words = words::finding(self.lang());
        let label = words.iter().map(|word| width(word)).max().unwrap_or(0) + 1;
        let row = |word: &str, line: &str| block(&format!("    {} ", pad(word, label)), line, self.style.width);
        for item in &told.items {
            text.push_str(&block("  ", &item.sentence(), self.style.width));
            for (number, line) in item.evidence.iter().enumerate() {
                text.push_str(&row(if number == 0 { words[0] } else { "" }, line));
            }
            if let Some(waiver) = &item.waiver {
                text.push_str(&row(words[3], waiver));
            }
            text.push_str(&self.steps(&item.details));
        }
        for (number, remedy) in told.remedies.iter().enumerate() {
            text.push_str(&row(if number == 0 { words[1] } else { "" }, remedy));
        }
        for (number, line) in told.by_hand.iter().take(3).enumerate() {
            let head = format!("    {} ", pad(if number == 0 { words[2] } else { "" }, label));
            text.push_str(&command(&head, line, self.style.width));
        }
        text
    }

    /// Notes are short: they never change the verdict.
    fn note(&self, told: &Told) -> String {
        let head = format!("{} {}  ", self.mark(told.standing), told.tag);
        let mut text = self.paint(ink(told.standing), head.trim_end());
        text.push('\n');
        for item in &told.items {
            text.push_str(&block("  ", &item.sentence(), self.style.width));
            text.push_str(&self.steps(&item.details));
        }
        text
    }

    /// How a statement came about, for those who asked for it.
    fn steps(&self, details: &[(usize, String)]) -> String {
        let words = words::finding(self.lang());
        let label = words.iter().map(|word| width(word)).max().unwrap_or(0) + 1;
        let mut text = String::new();
        for (number, (depth, line)) in details.iter().filter(|_| self.style.verbose).enumerate() {
            let word = if number == 0 { words[4] } else { "" };
            let indent = "  ".repeat((*depth).min(DEEPEST_INDENT));
            text.push_str(&block(&format!("    {} {indent}", pad(word, label)), line, self.style.width));
        }
        text
    }

    /// What passed and can tell how.
    fn passed(&self) -> Option<String> {
        let mut text = String::new();
        for section in &self.report.sections {
            for statement in &section.statements {
                if Standing::of(statement) != Standing::Passed || statement.details.is_empty() {
                    continue;
                }
                let about = statement.about.as_ref().map_or_else(String::new, |about| format!("  {about}"));
                let head = format!("{} {}  ", self.mark(Standing::Passed), section.card.id);
                let subject = subject(section, statement, self.lang());
                text.push_str(&block(&head, &format!("{subject}{about}"), self.style.width));
                text.push_str(&self.steps(&details(statement, self.lang())));
            }
        }
        (!text.is_empty()).then(|| format!("{}\n{text}", words::passed_with_steps(self.lang())))
    }

    fn not_covered(&self) -> Option<String> {
        let gaps = gaps(self.report, self.lang());
        if gaps.is_empty() {
            return None;
        }
        let mut text = format!("{}\n", words::level_heading(self.lang(), "not-covered"));
        for (section, why, count) in gaps {
            let times = if count > 1 { format!(" (×{count})") } else { String::new() };
            let head = format!("{} {}  ", self.mark(Standing::NotCovered), section.card.id);
            text.push_str(&block(&head, &format!("{why}{times}"), self.style.width));
        }
        Some(text)
    }

    fn transcript(&self) -> String {
        let mut text = format!("{}\n", words::transcript(self.lang()));
        for seen in &self.report.observations {
            text.push_str(&block(
                &format!("  {:>4} {:9} ", seen.id.0, seen.route),
                &line(self.report, seen, self.lang()),
                self.style.width,
            ));
            text.push_str(&self.spoken(seen));
            for exchange in seen.exchanges.iter().filter(|_| seen.exchanges.len() > 1) {
                let at = exchange.at.format("%H:%M:%S%.3f");
                let told = format!(
                    "{at} {} {} {} {:.0} ms",
                    exchange.server, exchange.transport, exchange.outcome, exchange.took_ms
                );
                text.push_str(&block("                 ", &told, self.style.width));
            }
        }
        text
    }

    /// What was said in a conversation, line by line; what the DNS answered stands beside its question.
    fn spoken(&self, seen: &Observation) -> String {
        const INDENT: &str = "                 ";
        if seen.door == "dns" {
            return String::new();
        }
        let mut text = String::new();
        for line in seen.answer.iter().take(MOST_SPOKEN) {
            // Below the words where a line is continued, not below the sign of who says it.
            let sign = ["> ", "< ", "- "].into_iter().find(|sign| line.starts_with(sign)).unwrap_or_default();
            text.push_str(&block(&format!("{INDENT}{sign}"), &line[sign.len()..], self.style.width));
        }
        let more = seen.answer.len().saturating_sub(MOST_SPOKEN);
        if more > 0 {
            text.push_str(&format!("{INDENT}… +{more}\n"));
        }
        text
    }

    fn verdict(&self) -> String {
        let columns = self.style.width.min(120);
        let inner = columns.saturating_sub(6);
        let [corner, across, down] = if self.style.unicode {
            [["╔", "╗", "╚", "╝"], ["═"; 4], ["║"; 4]]
        } else {
            [["+"; 4], ["="; 4], ["|"; 4]]
        };
        let edge = |left: &str, right: &str| format!("{left}{}{right}", across[0].repeat(columns.saturating_sub(2)));
        let ink = verdict_ink(self.report.verdict);
        let mut lines = vec![spread(self.report.verdict.words())];
        for reason in reasons(self.report, self.lang()) {
            lines.extend(wrap(&reason, inner));
        }
        if !self.report.rehearsed.is_empty() {
            lines.extend(wrap(&words::rehearsed(self.lang(), &self.report.rehearsed), inner));
        }
        if self.report.simulated {
            lines.extend(wrap(words::simulated(self.lang()), inner));
        }
        let mut text = self.paint(ink, &edge(corner[0], corner[1]));
        text.push('\n');
        for line in lines {
            let side = self.paint(ink, down[0]);
            text.push_str(&format!("{side}  {}  {side}\n", self.paint(ink, &pad(&line, inner))));
        }
        text.push_str(&self.paint(ink, &edge(corner[2], corner[3])));
        text.push('\n');
        text
    }

    fn quiet(&self) -> String {
        let mut text = String::new();
        for group in groups(self.report) {
            let stands_in_the_way = match group.standing {
                Standing::Blocker | Standing::Unknown => true,
                Standing::Warning | Standing::WaivedBlocker => self.style.strict,
                _ => false,
            };
            if !stands_in_the_way {
                continue;
            }
            let told = tell(self.report, &group, self.lang());
            for item in &told.items {
                let head = format!("{} {}", self.mark(told.standing), told.tag);
                text.push_str(&format!("{}  {}\n", self.paint(ink(told.standing), &head), item.sentence()));
            }
        }
        if let Some(why) = cut(self.report, self.lang()) {
            text.push_str(&format!("{why}\n"));
        }
        if text.is_empty() && self.report.verdict == Verdict::Hold {
            text.push_str(&format!("{}\n", reasons(self.report, self.lang()).join("\n")));
        }
        text.push_str(&self.paint(verdict_ink(self.report.verdict), self.report.verdict.words()));
        if !self.report.rehearsed.is_empty() {
            text.push_str(&format!(" ({})", words::rehearsed(self.lang(), &self.report.rehearsed)));
        }
        if self.report.simulated {
            text.push_str(&format!(" ({})", words::simulated(self.lang())));
        }
        text.push('\n');
        text
    }

    fn mark(&self, standing: Standing) -> &'static str {
        match (standing, self.style.unicode) {
            (Standing::NotApplicable, _) => "-",
            (Standing::Passed, true) => "✓",
            (Standing::Passed, false) => "+",
            (Standing::NotCovered, true) => "○",
            (Standing::NotCovered, false) => "o",
            (Standing::Note, true) => "·",
            (Standing::Note, false) => ".",
            (Standing::WaivedWarning | Standing::WaivedBlocker, _) => "~",
            (Standing::Warning, _) => "!",
            (Standing::Unknown, _) => "?",
            (Standing::Blocker, true) => "✗",
            (Standing::Blocker, false) => "X",
        }
    }

    fn mark_word(&self, standing: Standing, rehearsed: bool) -> String {
        let word = words::standing(self.lang(), standing.word());
        let word = self.paint(ink(standing), format!("{} {word}", self.mark(standing)).trim_end());
        if rehearsed { format!("{word}*") } else { word }
    }

    fn paint(&self, ink: Ink, text: &str) -> String {
        match (self.style.color, ink) {
            (false, _) | (_, Ink::Plain) => text.to_owned(),
            (true, ink) => format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code()),
        }
    }
}

impl Standing {
    /// The word for it in code and JSON.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::Passed => "passed",
            Self::NotCovered => "not-covered",
            Self::Note => "note",
            Self::WaivedWarning | Self::WaivedBlocker => "waived",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Blocker => "blocker",
        }
    }
}

/// `N O - G O`.
fn spread(words: &str) -> String {
    words.chars().map(String::from).collect::<Vec<_>>().join(" ")
}

/// A long IPv6 address in lines, broken after colons.
fn cut_address(ip: &str, columns: usize) -> String {
    let mut lines = vec![String::new()];
    for piece in ip.split_inclusive(':') {
        let last = lines.len() - 1;
        if lines[last].len() + piece.len() > columns && !lines[last].is_empty() {
            lines.push(piece.to_owned());
        } else {
            lines[last].push_str(piece);
        }
    }
    lines.join("\n")
}
