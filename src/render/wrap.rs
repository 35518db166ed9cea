//! Lines of a given width, counted as a terminal counts: full-width characters take two columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` with spaces up to `columns`.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Characters that must not begin a line in Japanese (JIS X 4051, the common ones).
const NOT_FIRST: &str = "、。，．,.:;!?！？：；）)」』】〉》]}”’ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々…％%";
/// Characters that must not end a line.
const NOT_LAST: &str = "（(「『【〈《[{“‘";

/// `text` in lines of at most `columns`, broken at spaces and between full-width characters; a word that is wider than a
/// line is cut.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in pieces(text) {
        let (spaces, word) = (piece.spaces, piece.word.as_str());
        let needed = if line.is_empty() { 0 } else { spaces };
        if !line.is_empty() && width(&line) + needed + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        } else {
            line.push_str(&" ".repeat(needed));
        }
        for character in word.chars() {
            let takes = character.width().unwrap_or(0);
            if !line.is_empty() && width(&line) + takes > columns {
                lines.push(std::mem::take(&mut line));
            }
            line.push(character);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Something that stays together on a line, and the spaces before it.
struct Piece {
    spaces: usize,
    word: String,
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut spaces = 0;
    let mut last: Option<char> = None;
    for character in text.chars() {
        if character == ' ' {
            spaces += 1;
            last = None;
            continue;
        }
        let wide = |c: char| c.width() == Some(2);
        let breaks = match last {
            None => true,
            Some(before) => {
                (wide(before) || wide(character)) && !NOT_FIRST.contains(character) && !NOT_LAST.contains(before)
            }
        };
        match pieces.last_mut() {
            Some(piece) if !breaks => piece.word.push(character),
            _ => pieces.push(Piece { spaces, word: character.to_string() }),
        }
        spaces = 0;
        last = Some(character);
    }
    pieces
}

/// `text` wrapped into a block that begins with `head` and goes on below it, indented.
pub fn block(head: &str, text: &str, columns: usize) -> String {
    let indent = width(head);
    let mut block = String::new();
    for (number, line) in wrap(text, columns.saturating_sub(indent).max(20)).into_iter().enumerate() {
        if number == 0 {
            block.push_str(head);
        } else {
            block.push_str(&" ".repeat(indent));
        }
        block.push_str(&line);
        block.push('\n');
    }
    block
}

/// A command behind `head`, in lines that a shell takes for one when they are pasted: broken at spaces outside quotes, with a backslash at
/// the end. A word that is wider than a line stays whole, because its rest would be a command.
pub(super) fn command(head: &str, text: &str, columns: usize) -> String {
    let indent = width(head);
    let room = columns.saturating_sub(indent + 2).max(18);
    let mut lines: Vec<String> = Vec::new();
    for word in shell_words(text) {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    format!("{head}{}\n", lines.join(&format!(" \\\n{}", " ".repeat(indent))))
}

/// The words of a command, with their quotes.
fn shell_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quote, mut is_escaped) = (0, None, false);
    for (at, sign) in text.char_indices() {
        match (sign, quote) {
            _ if is_escaped => is_escaped = false,
            ('\\', None | Some('"')) => is_escaped = true,
            ('\'' | '"', None) => quote = Some(sign),
            (sign, Some(open)) if sign == open => quote = None,
            (' ', None) => {
                words.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&text[start..]);
    words.retain(|word| !word.is_empty());
    words
}

/// `number` with the thousands set apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: the second line of a long command would be run as a command of its own, and a stranger may have named it.
    #[test]
    fn a_command_stays_one() {
        let text = "dig +short aaaaaaaaaaaaaaaaaaaaaaaa.reboot.example A; grep 'a  b c d' 'it'\\''s a file'";
        assert_eq!(
            command("  by hand ", text, 30),
            "  by hand dig +short \\\n          aaaaaaaaaaaaaaaaaaaaaaaa.reboot.example \\\n          A; grep 'a  b c d' \\\n          'it'\\''s a file'\n"
        );
        assert_eq!(command("  ", "dig x A", 30), "  dig x A\n");
    }

    /// Lost if it fails: Japanese remedies would run over the edge, or begin lines with 、 and 。
    #[test]
    fn lines_keep_their_width() {
        assert_eq!(wrap("the quick brown fox", 9), ["the quick", "brown fox"]);
        assert_eq!(wrap("逆引きを、設定する。", 8), ["逆引き", "を、設定", "する。"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("PTRを「mail」に", 8), ["PTRを", "「mail」", "に"]);
        assert_eq!(wrap("", 10), [""]);
        for columns in 2..40 {
            for line in wrap("送信元アドレスの PTR を mail.example.co.jp に設定する (事業者の画面)。 x", columns)
            {
                assert!(width(&line) <= columns.max(2), "{columns}: {line}");
            }
        }
    }
}
