//! A TOML text with remarks: whatever stands in a remark, it stays one.

use crate::model::{DomainName, Lang, Value, visible};
use crate::render::wrap;

/// The columns of a remark.
const COLUMNS: usize = 112;

/// The text as it grows.
pub(super) struct Page {
    lang: Lang,
    text: String,
}

impl Page {
    pub(super) fn new(lang: Lang) -> Self {
        Self { lang, text: String::new() }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// A remark in the language of the page.
    pub(super) fn say(&mut self, en: &str, ja: &str) {
        let text = match self.lang {
            Lang::En => en,
            Lang::Ja => ja,
        };
        self.remark("", text);
    }

    /// What was found.
    pub(super) fn note(&mut self, value: &Value) {
        self.remark("", value.in_lang(self.lang));
    }

    /// What was found, within a list.
    pub(super) fn note_within(&mut self, value: &Value) {
        self.remark("  ", value.in_lang(self.lang));
    }

    fn remark(&mut self, indent: &str, text: &str) {
        // A remark ends at the line's end, and no control character may stand in it (TOML 1.0, "Comment").
        for (place, line) in wrap(&visible(text), COLUMNS).iter().enumerate() {
            // What goes on never looks like a suggestion, which a person would take the # from.
            let mark = if place == 0 { "# " } else { "#   " };
            self.text.push_str(&format!("{indent}{mark}{}\n", line.trim_end()));
        }
    }

    /// A line that counts. Every value in it is a name, an address, a number, a time, or [`quoted`].
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A line that counts once somebody takes the `#` away.
    pub(super) fn suggest(&mut self, line: &str) {
        self.text.push_str("# ");
        self.line(line);
    }
}

/// A text as TOML has it, in one line.
pub(super) fn quoted(text: &str) -> String {
    let line = one_line(text);
    format!("\"{}\"", line.replace('\\', "\\\\").replace('"', "\\\""))
}

/// As the plan's reader will have it.
fn one_line(text: &str) -> String {
    visible(&text.trim().replace(['\r', '\n', '\t'], " "))
}

/// Names as a TOML list.
pub(super) fn list<'n>(names: impl IntoIterator<Item = &'n DomainName>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", names.join(", "))
}

/// A TTL as the plan writes a length of time.
pub(super) fn length(seconds: u32) -> String {
    let unit = [(86_400, "d"), (3600, "h"), (60, "m")]
        .into_iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a TXT record, a banner or an option could write lines of its own into the plan.
    #[test]
    fn nothing_escapes() {
        let unkind = [
            "a\nb = 1",
            "\r\n[old]",
            "\"",
            "\\",
            "'''",
            "\"\"\"\n",
            "\u{7f}\u{0}\u{1b}[2J",
            "\u{2028}x",
            "#",
            "\u{85}",
        ];
        // Every pair of them, so that none is harmless only where it stands alone.
        for text in unkind.iter().flat_map(|one| unkind.iter().map(move |other| format!("{one} {other}{one}"))) {
            let mut page = Page::new(Lang::En);
            page.say(&text, "");
            page.note_within(&Value::Plain(text.clone()));
            page.line(&format!("key = {}", quoted(&text)));
            let page = page.into_text();
            let table: toml::Table = toml::from_str(&page).unwrap_or_else(|error| panic!("{error}: {page:?}"));
            assert_eq!(table.len(), 1, "{page:?}");
            assert_eq!(table["key"].as_str(), Some(one_line(&text).as_str()), "{page:?}");
        }
    }

    /// Lost if it fails: the time for which caches hold old answers would be wrong.
    #[test]
    fn lengths_of_time() {
        let told = [0, 59, 60, 90, 300, 3600, 5400, 86_400, 172_800].map(length);
        assert_eq!(told, ["0s", "59s", "1m", "90s", "5m", "1h", "90m", "1d", "2d"]);
    }
}
