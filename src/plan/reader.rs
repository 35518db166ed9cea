//! Reads TOML values and notes every problem at its place; a reader never stops at the first.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, TimeZone};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::{Date, Datetime, Offset};

use super::Known;
use super::keys::{Key, keys_of};
use super::problem::Problem;
use super::secrets::hide;
use crate::model::{DomainName, NameError, visible};

/// A value with its place.
pub(super) type Node<'t> = &'t Spanned<DeValue<'t>>;

/// Where problems are collected.
pub(super) struct Notes {
    /// The octets at which the lines of the plan begin.
    lines: Vec<usize>,
    pub(super) problems: RefCell<Vec<Problem>>,
    /// Places that must not be shown.
    pub(super) masked: RefCell<Vec<Range<usize>>>,
    /// The files that the plan names.
    pub(super) files: RefCell<Vec<PathBuf>>,
}

impl Notes {
    /// No notes on `text` yet.
    pub(super) fn of(text: &str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { lines, problems: RefCell::default(), masked: RefCell::default(), files: RefCell::default() }
    }

    /// Where the file stands that the plan names.
    pub(super) fn file(&self, written: &str, known: &Known<'_>) -> PathBuf {
        let path = known.folder.join(written);
        self.files.borrow_mut().push(path.clone());
        path
    }

    /// The 1-based line of an octet.
    pub(super) fn line_at(&self, octet: usize) -> usize {
        self.lines.partition_point(|start| *start <= octet)
    }

    /// Keeps `value`, everything in it and the rest of its line from being shown.
    pub(super) fn mask(&self, value: Node<'_>) {
        let Range { start, end } = value.span();
        let line_end = self.lines.get(self.line_at(end)).map_or(usize::MAX, |next| next - 1);
        self.masked.borrow_mut().push(start..line_end.max(end));
        match value.get_ref() {
            DeValue::Array(items) => items.iter().for_each(|item| self.mask(item)),
            DeValue::Table(table) => table.values().for_each(|value| self.mask(value)),
            _ => {}
        }
    }

    /// Notes a problem.
    pub(super) fn add(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let help = Some(hide(&help.into())).filter(|help| !help.is_empty());
        self.problems.borrow_mut().push(Problem { span, message: hide(&message.into()), help });
    }

    /// Notes that `value` is not of the wanted kind. A table or list is not shown: nobody looked whether a key is in it.
    pub(super) fn wrong_kind(&self, value: Node<'_>, key: &str, wanted: &str) {
        if matches!(value.get_ref(), DeValue::Array(_) | DeValue::Table(_)) {
            self.mask(value);
        }
        let key = visible(key);
        let found = value.get_ref().type_str();
        let article = if found.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
        self.add(value.span(), format!("`{key}` wants {wanted}, found {article} {found}"), "");
    }
}

/// One table of the plan. Keys that the section does not have are noted when it is opened.
pub(super) struct Reader<'t> {
    table: &'t DeTable<'t>,
    section: &'static str,
    /// The table's own place.
    pub(super) span: Range<usize>,
    pub(super) notes: &'t Notes,
}

impl<'t> Reader<'t> {
    /// Opens `table` as `section` of [`super::keys`].
    pub(super) fn open(table: &'t DeTable<'t>, span: Range<usize>, section: &'static str, notes: &'t Notes) -> Self {
        let known = keys_of(section);
        for (key, value) in table {
            let name: &str = key.get_ref();
            if !known.iter().any(|known| known.name == name) {
                // Nobody knows what it holds: it may be the key of a blocklist under a misspelt name.
                notes.mask(value);
                let place = if section.is_empty() { "the plan".to_owned() } else { format!("[{section}]") };
                notes.add(key.span(), format!("{place} has no key `{}`", visible(name)), suggestion(name, known));
            }
        }
        Self { table, section, span, notes }
    }

    /// The value of `key`.
    ///
    /// # Panics
    /// In tests, if the section does not declare the key: it would be missing in the schema.
    pub(super) fn value(&self, key: &str) -> Option<Node<'t>> {
        debug_assert!(
            keys_of(self.section).iter().any(|known| known.name == key),
            "{}.{key} is not declared",
            self.section
        );
        self.table.get(key)
    }

    /// A piece of text; never empty.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        let value = self.value(key)?;
        text(value, key, "a text in quotes", self.notes).map(one_line)
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.notes.wrong_kind(value, key, "true or false");
        }
        flag
    }

    /// A whole number.
    pub(super) fn number<N: TryFrom<i64>>(&self, key: &str, wanted: &str) -> Option<N> {
        number(self.value(key)?, key, wanted, self.notes)
    }

    /// A list.
    pub(super) fn items(&self, key: &str, wanted: &str) -> Option<Vec<Node<'t>>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Array(items) => Some(items.iter().collect()),
            _ => {
                self.notes.wrong_kind(value, key, wanted);
                None
            }
        }
    }

    /// A list of texts, with their places.
    pub(super) fn texts(&self, key: &str, wanted: &str) -> Option<Vec<(Range<usize>, String)>> {
        let items = self.items(key, wanted)?;
        let texts =
            items.into_iter().filter_map(|item| Some((item.span(), one_line(text(item, key, wanted, self.notes)?))));
        Some(texts.collect())
    }

    /// A list of names, without duplicates.
    pub(super) fn names(&self, key: &str) -> Option<Vec<DomainName>> {
        let mut names: Vec<DomainName> = Vec::new();
        let mut seen = HashSet::new();
        for (span, text) in self.texts(key, "a list of names in quotes, such as [\"example.co.jp\"]")? {
            if let Some(name) = name(&text, span.clone(), self.notes) {
                if seen.insert(name.clone()) {
                    names.push(name);
                } else {
                    self.notes.add(span, format!("{name} stands here twice"), "write it once");
                }
            }
        }
        Some(names)
    }

    /// One name.
    pub(super) fn name(&self, key: &str) -> Option<DomainName> {
        let value = self.value(key)?;
        name(text(value, key, "a name in quotes", self.notes)?, value.span(), self.notes)
    }

    /// A length of time such as `7d`.
    pub(super) fn duration(&self, key: &str) -> Option<TimeDelta> {
        let value = self.value(key)?;
        let written = text(value, key, "a length of time in quotes, such as \"7d\"", self.notes)?;
        let parsed = duration(written);
        if parsed.is_none() {
            self.notes.add(
                value.span(),
                format!("`{key}` is not a length of time"),
                "write a number and s, m, h or d, such as \"90s\", \"5m\", \"2h\" or \"7d\"; at most 10 years",
            );
        }
        parsed
    }

    /// A time with its offset.
    pub(super) fn time(&self, key: &str) -> Option<DateTime<FixedOffset>> {
        let value = self.value(key)?;
        let DeValue::Datetime(written) = value.get_ref() else {
            let wanted = "a time with its offset and without quotes, such as 2026-12-05T22:00:00+09:00";
            self.notes.wrong_kind(value, key, wanted);
            return None;
        };
        if written.offset.is_none() || written.time.is_none() || written.date.is_none() {
            let help = match written.time.and(written.date) {
                Some(_) => format!("write {written}+09:00 for Japan, or {written}Z for UTC"),
                None => "write a time such as 2026-12-05T22:00:00+09:00".to_owned(),
            };
            self.notes.add(
                value.span(),
                format!("`{key}` has no offset from UTC, so nobody can tell when it is"),
                help,
            );
            return None;
        }
        let parsed = moment(written);
        if parsed.is_none() {
            self.notes.add(value.span(), format!("`{key}` is no time that exists"), "");
        }
        parsed
    }

    /// A day.
    pub(super) fn date(&self, key: &str) -> Option<NaiveDate> {
        let value = self.value(key)?;
        let date = match value.get_ref() {
            DeValue::Datetime(written) if written.time.is_none() => written.date,
            _ => None,
        };
        let date = date.and_then(day);
        if date.is_none() {
            self.notes.wrong_kind(value, key, "a day without quotes, such as 2026-12-12");
        }
        date
    }

    /// The table under `key`, opened as `section`.
    pub(super) fn table(&self, key: &str, section: &'static str) -> Option<Reader<'t>> {
        open_table(self.value(key)?, key, section, self.notes)
    }

    /// A table whose keys the operator chooses.
    pub(super) fn free_table(&self, key: &str, wanted: &str) -> Option<&'t DeTable<'t>> {
        let value = self.value(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.notes.wrong_kind(value, key, wanted);
        }
        table
    }

    /// The tables in the list under `key`, each opened as `section`.
    pub(super) fn tables(&self, key: &str, section: &'static str) -> Vec<Reader<'t>> {
        let items = self.items(key, "a list of tables").unwrap_or_default();
        items.into_iter().filter_map(|item| open_table(item, key, section, self.notes)).collect()
    }

    /// Notes that `key` is missing.
    pub(super) fn missing(&self, key: &str, help: &str) {
        let place = if self.section.is_empty() { "the plan".to_owned() } else { format!("[{}]", self.section) };
        self.notes.add(self.span.clone(), format!("{place} lacks `{key}`"), help);
    }

    /// The value, or a note that it is missing; a value that is there and wrong was noted already.
    pub(super) fn require<T>(&self, key: &str, value: Option<T>, help: &str) -> Option<T> {
        if value.is_none() && self.value(key).is_none() {
            self.missing(key, help);
        }
        value
    }
}

/// Opens the table that `value` is.
pub(super) fn open_table<'t>(
    value: Node<'t>,
    key: &str,
    section: &'static str,
    notes: &'t Notes,
) -> Option<Reader<'t>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(Reader::open(table, value.span(), section, notes)),
        _ => {
            notes.wrong_kind(value, key, "a table");
            None
        }
    }
}

/// The text that `value` is; an empty one is a problem.
pub(super) fn text<'t>(value: Node<'t>, key: &str, wanted: &str, notes: &Notes) -> Option<&'t str> {
    match value.get_ref() {
        DeValue::String(text) if text.trim().is_empty() => {
            notes.add(value.span(), format!("`{key}` is empty"), "");
            None
        }
        DeValue::String(text) => Some(text),
        _ => {
            notes.wrong_kind(value, key, wanted);
            None
        }
    }
}

/// The whole number that `value` is.
pub(super) fn number<N: TryFrom<i64>>(value: Node<'_>, key: &str, wanted: &str, notes: &Notes) -> Option<N> {
    let Some(written) = value.get_ref().as_integer() else {
        notes.wrong_kind(value, key, wanted);
        return None;
    };
    let parsed =
        i64::from_str_radix(written.as_str(), written.radix()).ok().and_then(|number| N::try_from(number).ok());
    if parsed.is_none() {
        notes.add(value.span(), format!("`{key}` is out of range: it wants {wanted}"), "");
    }
    parsed
}

/// A text of the plan as it may be shown: a plan can come from somebody else, and a TOML text can hold any character.
fn one_line(text: &str) -> String {
    visible(&text.trim().replace(['\r', '\n', '\t'], " "))
}

/// The port that `value` is.
pub(super) fn port(value: Node<'_>, key: &str, notes: &Notes) -> Option<u16> {
    let wanted = "a port from 1 to 65535";
    let port = number(value, key, wanted, notes)?;
    if port == 0 {
        notes.add(value.span(), format!("`{key}` is out of range: it wants {wanted}"), "");
        return None;
    }
    Some(port)
}

/// The name that `text` is.
pub(super) fn name(text: &str, span: Range<usize>, notes: &Notes) -> Option<DomainName> {
    match DomainName::parse(text) {
        Ok(name) => Some(name),
        Err(error) => {
            let help = match error {
                NameError::Address => "write the host's name, such as \"mail.example.co.jp\"",
                _ => "write a name such as \"example.co.jp\"",
            };
            notes.add(span, error.to_string(), help);
            None
        }
    }
}

/// The moment that `written` names; seconds may be missing (TOML 1.1).
fn moment(written: &Datetime) -> Option<DateTime<FixedOffset>> {
    let (time, date) = (written.time?, day(written.date?)?);
    let (second, nanosecond) = (time.second.unwrap_or(0), time.nanosecond.unwrap_or(0));
    let local = date.and_hms_nano_opt(time.hour.into(), time.minute.into(), second.into(), nanosecond)?;
    let minutes = match written.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i32::from(minutes),
    };
    FixedOffset::east_opt(minutes * 60)?.from_local_datetime(&local).single()
}

fn day(written: Date) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(written.year.into(), written.month.into(), written.day.into())
}

/// A number and `ms`, `s`, `m`, `h` or `d`; at most ten years.
pub(super) fn duration(text: &str) -> Option<TimeDelta> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let milliseconds: i64 = match unit.trim_start() {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let total = number.parse::<i64>().ok()?.checked_mul(milliseconds)?;
    TimeDelta::try_milliseconds(total).filter(|length| *length <= TimeDelta::days(3650))
}

/// `did you mean …?`, or the keys there are.
fn suggestion(name: &str, known: &[Key]) -> String {
    match nearest(name, known.iter().map(|key| key.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its keys are {}", known.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")),
    }
}

/// The longest text for which a word is looked for that it may be meant to be, in octets.
const LONGEST_GUESS: usize = 100;

/// The word among `known` that `name` is probably meant to be.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Nobody means a word by something this long, and comparing takes its time.
    if name.len() > LONGEST_GUESS {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace(['_', ' ', '.'], "-");
    let wanted = plain(name);
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(&wanted, &plain(word)), word))
        .filter(|(likeness, _)| *likeness > 0.82)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}
