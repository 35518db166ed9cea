//! What logs come to, for people: two tables, then the worst explained.

use chrono::{DateTime, FixedOffset};
use comfy_table::CellAlignment;

use super::{Told, words};
use crate::bounce::{Direction, Group};
use crate::command::Terminal;
use crate::command::bounce::side;
use crate::render::{block, grid, grouped, pad, width};

/// So many rows of a table are shown.
const SHOWN: usize = 30;
/// So many groups are explained.
const EXPLAINED: usize = 5;

/// The whole output.
pub(super) fn table(told: &Told, terminal: &Terminal) -> String {
    let lang = terminal.lang;
    let groups = told.watch.tally.groups();
    let mut text = head(told, terminal);
    let say = |text: &mut String, sentence: &str| text.push_str(&block("", sentence, terminal.width));
    for incoming in [false, true] {
        let own: Vec<&Group> =
            groups.iter().copied().filter(|group| (group.direction == Direction::Incoming) == incoming).collect();
        if !own.is_empty() {
            text.push('\n');
            say(&mut text, words::title(lang, incoming));
            text.push_str(&rows(told, &own, incoming, terminal));
            if own.len() > SHOWN {
                say(&mut text, &words::more(lang, own.len() - SHOWN));
            }
        }
    }
    if !groups.is_empty() {
        say(&mut text, words::said(lang, words::LEGEND));
    }
    let lost = |group: &&&Group| group.since.lost() > 0;
    for group in groups.iter().filter(lost).take(EXPLAINED) {
        text.push('\n');
        text.push_str(&explained(told, group, terminal));
    }
    text.push('\n');
    if groups.is_empty() {
        say(&mut text, words::said(lang, words::NOTHING));
    }
    if told.cutover.is_some() {
        let alarming: Vec<&Group> = groups.iter().copied().filter(|group| told.is_alarming(group)).collect();
        if alarming.is_empty() {
            say(&mut text, words::said(lang, if told.is_whole() { words::QUIET } else { words::OPEN }));
        }
        for group in alarming.iter().take(EXPLAINED) {
            say(&mut text, &words::heading(lang, group, true));
        }
        if alarming.len() > EXPLAINED {
            say(&mut text, &words::more(lang, alarming.len() - EXPLAINED));
        }
    }
    text
}

fn head(told: &Told, terminal: &Terminal) -> String {
    let lang = terminal.lang;
    let heads = words::heads(lang);
    let widest = heads.iter().map(|head| width(head)).max().unwrap_or(0);
    let line = |head: &str, text: &str| block(&format!("{}  ", pad(head, widest)), text, terminal.width);
    let mut text = String::new();
    for log in &told.watch.logs {
        text.push_str(&line(heads[0], &words::log(lang, log)));
    }
    if let Some((first, last)) = told.watch.period() {
        // What lies before --since does not count; where nothing lies after it, the logs' own period shows why.
        let from = told.from.map(|from| from.timestamp()).filter(|from| *from <= last);
        let first = from.map_or(first, |from| first.max(from));
        text.push_str(&line(heads[1], &format!("{} – {}", time(told, first), time(told, last))));
    }
    if let Some(cutover) = told.cutover {
        text.push_str(&line(heads[2], &time(told, cutover.timestamp())));
    }
    let delivered = told.watch.tally.delivered();
    text.push_str(&line(heads[3], &words::delivered(lang, delivered, told.cutover.is_some())));
    let reaches = |from: fn(i64, i64) -> bool, at: fn((i64, i64)) -> i64| {
        let cutover = told.cutover.map(|cutover| cutover.timestamp());
        cutover.zip(told.watch.period()).is_none_or(|(cutover, period)| from(at(period), cutover))
    };
    let is_empty = told.watch.logs.iter().all(|log| log.news == 0);
    let notes = [
        (is_empty, words::NO_MAIL),
        (!is_empty && !reaches(|first, cutover| first < cutover, |period| period.0), words::NO_BEFORE),
        (!is_empty && !reaches(|last, cutover| last >= cutover, |period| period.1), words::NO_SINCE),
        (!is_empty && told.from.is_some_and(|from| !told.reaches(from.timestamp())), words::NO_LINE),
    ];
    for (_, note) in notes.into_iter().filter(|(holds, _)| *holds) {
        text.push_str(&block("", words::said(lang, note), terminal.width));
    }
    if told.watch.tally.undated() > 0 {
        text.push_str(&block("", &words::undated(lang, told.watch.tally.undated()), terminal.width));
    }
    text
}

fn rows(told: &Told, groups: &[&Group], incoming: bool, terminal: &Terminal) -> String {
    let lang = terminal.lang;
    let split = told.cutover.is_some();
    let mut table = grid(terminal.width, terminal.unicode);
    table.set_header(words::columns(lang, incoming, split));
    for group in groups.iter().take(SHOWN) {
        let is_new = split && told.compares() && group.is_new();
        let since = group.since.lost();
        let mut cells = vec![words::party(lang, &group.party), words::class(group)];
        if split {
            cells.push(grouped(group.before.lost()));
        }
        cells.push(if is_new { words::new(lang, since) } else { grouped(since) });
        let both = group.before.plus(group.since);
        cells.extend([grouped(both.waiting), grouped(both.late)]);
        cells.push(group.seen.map_or_else(String::new, |(_, last)| day(told, last, terminal)));
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(2).take(3 + usize::from(split)) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}

fn explained(told: &Told, group: &Group, terminal: &Terminal) -> String {
    let lang = terminal.lang;
    let explanation = group.explain(&told.ours);
    let mut text = block("", &words::heading(lang, group, told.cutover.is_some()), terminal.width);
    text.push_str(&block("  ", explanation.sentence.in_lang(lang), terminal.width));
    let names = words::lines(lang);
    let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    let mut line =
        |name: &str, what: &str| text.push_str(&block(&format!("  {}  ", pad(name, widest)), what, terminal.width));
    line(names[0], side(&explanation, lang));
    line(names[1], explanation.remedy.in_lang(lang));
    line(names[2], &group.example);
    if let Some(tag) = explanation.tag {
        line(names[3], &format!("mail-cutover explain {tag}"));
    }
    text
}

fn at(told: &Told, seconds: i64) -> DateTime<FixedOffset> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default().with_timezone(&told.offset)
}

fn time(told: &Told, seconds: i64) -> String {
    at(told, seconds).format("%Y-%m-%d %H:%M %:z").to_string()
}

fn day(told: &Told, seconds: i64, terminal: &Terminal) -> String {
    // On a narrow screen names need the room more.
    let form = if terminal.width < 100 { "%m-%d" } else { "%m-%d %H:%M" };
    at(told, seconds).format(form).to_string()
}
