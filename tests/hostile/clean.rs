//! What may not stand in anything that is shown, by a list of our own: the tool's is the one that is tried.

use std::ops::RangeInclusive;

use unicode_width::UnicodeWidthChar;

/// So many characters of no width may stand on one another.
const MOST_MARKS: usize = 3;

/// Characters that reorder text, hide in it, or are none (Unicode 16: Bidi_Control, Default_Ignorable_Code_Point, noncharacters),
/// besides controls.
const FORBIDDEN: &[RangeInclusive<char>] = &[
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fdd0}'..='\u{fdef}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{fffe}'..='\u{ffff}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// The first thing in `text` that must not be shown, with what stands before it. Line ends are ours; escapes for colour are looked at
/// by [`without_colour`].
pub(crate) fn offence(text: &str) -> Option<String> {
    let mut marks = 0;
    let mut before = '\n';
    for (at, sign) in text.char_indices() {
        let is_selector = matches!(sign, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
        let is_forbidden = (sign.is_control() && sign != '\n')
            || u32::from(sign) & 0xfffe == 0xfffe
            || (is_selector && before.is_ascii())
            || (!is_selector && FORBIDDEN.iter().any(|range| range.contains(&sign)));
        marks = if sign.width() == Some(0) && sign != '\n' { marks + 1 } else { 0 };
        if is_forbidden || marks > MOST_MARKS {
            let start = text[..at].char_indices().rev().nth(60).map_or(0, |(start, _)| start);
            return Some(format!("{sign:?} after {:?}", &text[start..at]));
        }
        before = sign;
    }
    None
}

/// `text` without the colours that the tool itself uses.
pub(crate) fn without_colour(text: &str) -> String {
    let ours = regex_lite::Regex::new("\u{1b}\\[[0-9;]{1,12}m").unwrap();
    ours.replace_all(text, "").into_owned()
}

/// Lines that a CI server which shows what the tool prints would take for a command: of GitHub, Azure DevOps, TeamCity.
pub(crate) fn commands(text: &str) -> Vec<&str> {
    let of_github = |line: &str| {
        let word = line.trim_start().strip_prefix("::").unwrap_or_default();
        let word = word.split([' ', ':']).next().unwrap_or_default();
        word.len() > 3 && word.chars().all(|sign| sign.is_ascii_lowercase() || sign == '-') && word != "1"
    };
    let anywhere = ["##[", "##vso[", "##teamcity["];
    text.lines().filter(|line| of_github(line) || anywhere.iter().any(|mark| line.contains(mark))).collect()
}
