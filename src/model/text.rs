//! Words for people, in both languages, and values that are put into them.

use std::borrow::Cow;
use std::fmt;

/// A language the tool speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

/// A fixed text in both languages; `{word}` stands for an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Japanese.
    pub ja: &'static str,
}

impl Text {
    /// The text in `lang`.
    pub const fn in_lang(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Ja => self.ja,
        }
    }
}

/// What stands for an argument: the same in both languages, or one for each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A name, an address, a number.
    Plain(String),
    /// A phrase that differs between the languages.
    Both {
        /// English.
        en: String,
        /// Japanese.
        ja: String,
    },
}

impl Value {
    /// The value in `lang`.
    pub fn in_lang(&self, lang: Lang) -> &str {
        match (self, lang) {
            (Self::Plain(text), _)
            | (Self::Both { en: text, .. }, Lang::En)
            | (Self::Both { ja: text, .. }, Lang::Ja) => text,
        }
    }

    /// Whether the languages have different words for it.
    pub fn differs(&self) -> bool {
        self.in_lang(Lang::En) != self.in_lang(Lang::Ja)
    }

    /// A value from anything that can be displayed, made safe by [`visible`].
    pub fn plain(value: impl fmt::Display) -> Self {
        Self::Plain(visible(&value.to_string()))
    }

    /// Several values in a row, separated by a comma.
    pub fn list<T: fmt::Display>(values: impl IntoIterator<Item = T>) -> Self {
        Self::plain(values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(", "))
    }

    /// A record to be published, to the last character up to [`LONGEST_RECORD`]: one that was cut would be worse than none.
    pub fn record(text: &str) -> Self {
        Self::Plain(visible_to(text, LONGEST_RECORD))
    }

    /// A record as in [`Value::record`], within a phrase: what stands before and behind it, in English and in Japanese.
    pub fn record_within(text: &str, en: (&str, &str), ja: (&str, &str)) -> Self {
        let record = visible_to(text, LONGEST_RECORD);
        Self::Both { en: format!("{}{record}{}", en.0, en.1), ja: format!("{}{record}{}", ja.0, ja.1) }
    }

    /// A value as a report holds it: made safe again, and cut only where no value of ours is as long.
    pub fn read_back(en: &str, ja: &str) -> Self {
        let [en, ja] = [en, ja].map(|text| visible_to(text, 2 * LONGEST_RECORD));
        if en == ja { Self::Plain(en) } else { Self::Both { en, ja } }
    }

    /// A phrase in both languages, made safe by [`visible`].
    pub fn both(en: impl fmt::Display, ja: impl fmt::Display) -> Self {
        Self::Both { en: visible(&en.to_string()), ja: visible(&ja.to_string()) }
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::both(text.en, text.ja)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::plain(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::plain(text)
    }
}

/// Named values for the `{word}`s of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args(pub Vec<(Cow<'static, str>, Value)>);

impl Args {
    /// No arguments.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// These, and `name` = `value`; a later value replaces an earlier one of the same name.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name.into(), value.into()));
        self
    }

    /// These, and `name` = `value` as displayed.
    #[must_use]
    pub fn and(self, name: &'static str, value: impl fmt::Display) -> Self {
        self.with(name, Value::plain(value))
    }

    /// The value called `name`.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// `template` with every known `{word}` replaced; an unknown one stays as it is.
    pub fn fill(&self, template: &str, lang: Lang) -> String {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(start) = rest.find('{') {
            let (before, from_brace) = rest.split_at(start);
            filled.push_str(before);
            let value = from_brace.find('}').and_then(|end| Some((end, self.value(&from_brace[1..end])?)));
            match value {
                Some((end, value)) => {
                    filled.push_str(value.in_lang(lang));
                    rest = &from_brace[end + 1..];
                }
                None => {
                    filled.push('{');
                    rest = &from_brace[1..];
                }
            }
        }
        filled.push_str(rest);
        filled
    }

    /// `text` in `lang`, filled.
    pub fn say(&self, text: Text, lang: Lang) -> String {
        self.fill(text.in_lang(lang), lang)
    }
}

/// The longest text from outside that is kept, in characters.
pub const LONGEST: usize = 400;

/// The longest record that is shown whole, in characters: more does not fit into one TXT answer over UDP anywhere.
pub const LONGEST_RECORD: usize = 4096;

/// `text` as it may be shown on a terminal: control, invisible and direction-changing characters become `\u{…}`,
/// and what becomes longer than [`LONGEST`] is cut with an ellipsis.
pub fn visible(text: &str) -> String {
    visible_to(text, LONGEST)
}

/// Bounded by what is shown, so that showing it again changes nothing: reports are read back.
fn visible_to(text: &str, longest: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(longest));
    let mut room = longest;
    for character in text.chars() {
        let escape = is_unsafe(character).then(|| character.escape_unicode());
        let takes = escape.as_ref().map_or(1, ExactSizeIterator::len);
        if takes > room {
            shown.push('…');
            break;
        }
        room -= takes;
        match escape {
            Some(escape) => shown.extend(escape),
            None => shown.push(character),
        }
    }
    shown
}

/// [`visible`] without a bound, for what was bounded where it came in.
pub fn visible_whole(text: &str) -> String {
    visible_to(text, usize::MAX)
}

/// [`visible`] for bytes that need not be UTF-8.
pub fn visible_bytes(bytes: &[u8]) -> String {
    let text: Cow<'_, str> = String::from_utf8_lossy(bytes);
    visible(&text)
}

/// Control characters, those that reorder or hide text (Unicode TR 36, section 2), and those that are none and no XML may hold.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || u32::from(character) & 0xfffe == 0xfffe
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a TXT record could move the cursor or repaint the verdict.
    #[test]
    fn terminal_escapes_become_visible() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
        assert_eq!(visible("日本語 é"), "日本語 é");
        assert_eq!(visible(&"x".repeat(500)).chars().count(), LONGEST + 1);
    }

    /// Lost if it fails: a report that is read back says less than it did, and its findings are no more those of the run before.
    #[test]
    fn what_was_shown_once_stays_as_it_is() {
        for text in
            ["\u{1b}".repeat(500), "x".repeat(397) + "\u{202e}y", "x".repeat(401), "\u{1b}".repeat(66) + "wxyzW"]
        {
            let shown = visible(&text);
            assert!(shown.chars().count() <= LONGEST + 1, "{}", shown.chars().count());
            assert_eq!(visible(&shown), shown);
        }
    }

    /// Lost if it fails: findings would show placeholders, or a value with braces would be expanded again.
    #[test]
    fn fill_replaces_once() {
        let args = Args::none().and("ip", "{name}").and("name", "n");
        assert_eq!(args.fill("{ip} {name} {other} {", Lang::En), "{name} n {other} {");
    }
}
