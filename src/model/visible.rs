//! Texts from outside made fit to be shown: nothing in them acts, hides, or turns round what stands beside it.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// The longest text from outside that is kept, in characters.
pub const LONGEST: usize = 400;

/// The longest record that is shown whole, in characters: more does not fit into one TXT answer over UDP anywhere.
pub const LONGEST_RECORD: usize = 4096;

/// So many characters that take no room stand on one another in any script; more paint over the lines around them.
const MOST_MARKS: usize = 3;

/// `text` as it may be shown on a terminal: control, invisible and direction-changing characters become `\u{…}`, as does the first
/// sign of what a CI server would take for a command, and what is longer than [`LONGEST`] is cut with an ellipsis.
pub fn visible(text: &str) -> String {
    visible_to(text, LONGEST)
}

/// [`visible`] with another bound. It counts what is shown, so that showing it again changes nothing: reports are read back.
pub(super) fn visible_to(text: &str, longest: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(longest));
    let mut room = longest;
    let mut before = None;
    // Nothing of ours is to be written over either.
    let mut marks = MOST_MARKS;
    for (at, character) in text.char_indices() {
        marks = if character.width() == Some(0) { marks + 1 } else { 0 };
        let is_escaped = is_unsafe(character)
            || marks > MOST_MARKS
            || (is_selector(character) && before.is_none_or(|before: char| before.is_ascii()))
            || begins_command(&text[at..]);
        let takes = if is_escaped { character.escape_unicode().len() } else { 1 };
        if takes > room {
            shown.push('…');
            break;
        }
        room -= takes;
        if is_escaped {
            shown.extend(character.escape_unicode());
            before = None;
        } else {
            shown.push(character);
            before = Some(character);
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

/// Control characters, those that reorder or hide text (Unicode TR 36, section 2; Default_Ignorable_Code_Point), and those that are
/// none and no XML may hold.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || u32::from(character) & 0xfffe == 0xfffe
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// Variation selectors: they choose the form of a Chinese character or an emoji; behind a letter of ASCII they only hide.
fn is_selector(character: char) -> bool {
    matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// What is printed in a CI job is read for commands: of Azure DevOps and of GitHub's older runners anywhere in a line, of TeamCity and
/// GitHub at its beginning, where a wrapped line puts it.
fn begins_command(text: &str) -> bool {
    const ANYWHERE: [&str; 3] = ["##[", "##vso[", "##teamcity["];
    const OF_GITHUB: [&str; 16] = [
        "error",
        "warning",
        "notice",
        "debug",
        "group",
        "endgroup",
        "add-mask",
        "add-matcher",
        "remove-matcher",
        "add-path",
        "set-env",
        "set-output",
        "save-state",
        "stop-commands",
        "echo",
        "internal-set-repo-path",
    ];
    let begins = |text: &str, with: &str| text.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    match text.as_bytes() {
        [b'#', b'#', ..] => ANYWHERE.iter().any(|command| begins(text, command)),
        [b':', b':', ..] => OF_GITHUB.iter().any(|command| begins(&text[2..], command)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a TXT record could move the cursor or repaint the verdict.
    #[test]
    fn terminal_escapes_become_visible() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
        assert_eq!(visible("日本語 é e\u{301} が か\u{3099}"), "日本語 é e\u{301} が か\u{3099}");
        assert_eq!(visible(&"x".repeat(500)).chars().count(), LONGEST + 1);
    }

    /// Lost if it fails: a report that is read back says less than it did, and its findings are no more those of the run before.
    #[test]
    fn what_was_shown_once_stays_as_it_is() {
        let marks = "e".to_owned() + &"\u{301}".repeat(500);
        for text in
            ["\u{1b}".repeat(500), "x".repeat(397) + "\u{202e}y", "x".repeat(401), "\u{1b}".repeat(66) + "wxyzW", marks]
        {
            let shown = visible(&text);
            assert!(shown.chars().count() <= LONGEST + 1, "{}", shown.chars().count());
            assert_eq!(visible(&shown), shown);
        }
    }

    /// Lost if it fails: a name could look like another, or marks be piled up until they cover the lines around them.
    #[test]
    fn nothing_hides_and_nothing_is_painted_over() {
        for hidden in ['\u{3164}', '\u{115f}', '\u{34f}', '\u{e0041}', '\u{fe0f}', '\u{e0100}'] {
            assert!(!visible(&format!("GO{hidden}")).contains(hidden), "{hidden:?}");
        }
        // The second form of a Chinese character stays what it is.
        assert_eq!(visible("葛\u{e0100}城"), "葛\u{e0100}城");
        let flood = visible(&format!("a{}", "\u{489}".repeat(50)));
        assert_eq!(flood.matches('\u{489}').count(), 3, "{flood}");
        assert!(visible("\u{338}GO").starts_with("\\u{338}"));
    }

    /// Lost if it fails: a TXT record could give the CI job that prints the report a command.
    #[test]
    fn commands_of_ci_servers_are_words() {
        for (text, shown) in [
            ("x ::error file=a::b", "x \\u{3a}:error file=a::b"),
            ("::Add-Mask::x", "\\u{3a}:Add-Mask::x"),
            ("a ##vso[task.x]y ##[error]z", "a \\u{23}#vso[task.x]y \\u{23}#[error]z"),
            ("2001:db8::25 ::1 ::ffff:192.0.2.1 ## heading", "2001:db8::25 ::1 ::ffff:192.0.2.1 ## heading"),
        ] {
            assert_eq!(visible(text), shown);
            assert_eq!(visible(&visible(text)), shown, "twice");
        }
    }
}
