//! Logical lines as Postfix reads them: comments and empty lines out, a line that begins with white space belongs to the one before.

/// A logical line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its physical lines, one behind the other without anything between.
    pub(super) text: String,
    /// Offset in `text` and line (from 1) of each physical line in it.
    pub(super) parts: Vec<(usize, usize)>,
}

impl Line {
    /// The line (from 1) in which the octet at `offset` stands.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.parts.iter().rev().find(|(start, _)| *start <= offset).map_or(1, |(_, line)| *line)
    }

    /// The line (from 1) in which it begins.
    pub(super) fn first(&self) -> usize {
        self.line_at(0)
    }
}

/// The logical lines of a file; what is not UTF-8 is replaced.
pub(super) fn logical(bytes: &[u8]) -> Vec<Line> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines: Vec<Line> = Vec::new();
    for (number, physical) in text.split('\n').enumerate() {
        let inner = physical.trim_matches(is_space);
        if inner.is_empty() || inner.starts_with('#') {
            continue;
        }
        match lines.last_mut() {
            Some(last) if physical.starts_with(is_space) => {
                last.parts.push((last.text.len(), number + 1));
                last.text.push_str(physical);
            }
            // Text that continues nothing: Postfix warns, and passes it over.
            None if physical.starts_with(is_space) => {}
            _ => lines.push(Line { text: physical.to_owned(), parts: vec![(0, number + 1)] }),
        }
    }
    lines
}

/// C's `isspace`.
pub(super) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t'..='\r')
}

/// `text` cut at commas and white space, but not within braces: the lists of main.cf. Offset and piece.
pub(super) fn pieces(text: &str, parentheses: bool) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut level, mut start) = (0_usize, None);
    for (at, character) in text.char_indices() {
        match character {
            '{' => level += 1,
            '}' => level = level.saturating_sub(1),
            '(' if parentheses => level += 1,
            ')' if parentheses => level = level.saturating_sub(1),
            _ => {}
        }
        if level == 0 && (character == ',' || is_space(character)) {
            if let Some(from) = start.take() {
                found.push((from, &text[from..at]));
            }
        } else if start.is_none() {
            start = Some(at);
        }
    }
    found.extend(start.map(|from| (from, &text[from..])));
    found
}

/// What stands between the braces of `{ … }`, without the blanks around it; nothing if `text` is not that.
pub(super) fn within_braces(text: &str) -> Option<&str> {
    Some(text.strip_prefix('{')?.strip_suffix('}')?.trim_matches(is_space))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a rule would be read without its continuation, or be said to stand in another line.
    #[test]
    fn lines_continue_over_comments() {
        let text = b"  stray\na = b,\n# comment\n\n   c\n#d = e\nf = g\r\n";
        let lines = logical(text);
        let shown: Vec<(&str, usize)> = lines.iter().map(|line| (line.text.as_str(), line.first())).collect();
        assert_eq!(shown, [("a = b,   c", 2), ("f = g\r", 7)]);
        assert_eq!(lines[0].line_at(9), 5);
    }

    /// Lost if it fails: a list would fall apart within braces.
    #[test]
    fn lists_are_cut_outside_braces() {
        let cut = |text, parentheses| pieces(text, parentheses).into_iter().map(|(_, piece)| piece).collect::<Vec<_>>();
        assert_eq!(cut("a, b\tc,,{d e, f}g h", false), ["a", "b", "c", "{d e, f}g", "h"]);
        assert_eq!(cut("$(a b) } c", true), ["$(a b)", "}", "c"]);
        assert_eq!(within_braces("{ a b }"), Some("a b"));
    }
}
