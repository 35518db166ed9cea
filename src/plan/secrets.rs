//! Where a key of a blocklist may stand in a plan and in messages about it, so that no mistake brings it to light.

use std::ops::Range;

use super::keys::keys_of;
use crate::model::REDACTED;

/// The fewest characters of a key: blocklists give out 26 and more, and names of hosts are shorter or have hyphens.
const SHORTEST_KEY: usize = 16;

/// The places of a text that is no TOML that may hold a key: what follows the name of one, up to the next line that surely speaks of
/// something else. A place too many only hides a value that its reader has before them anyway.
pub(super) fn likely(text: &str, key_names: &[&str]) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut start = 0;
    let mut may_hold_key = false;
    let speaks_of_key =
        |line: &str| line.to_ascii_lowercase().contains("key") || key_names.iter().any(|name| line.contains(name));
    for line in text.split_inclusive('\n') {
        let name = line.split_once('=').map_or(line, |(name, _)| name);
        if speaks_of_key(line) {
            may_hold_key = true;
            // The name stays to be seen where it is one that is known.
            let shown = if is_head(line) {
                line.trim_end().len()
            } else if speaks_of_key(name) && name.len() < line.len() && !name.contains(['"', '\'', '{']) {
                name.len() + 1
            } else {
                0
            };
            places.push(start + shown..start + line.trim_end_matches('\n').len().max(shown));
        } else if is_head(line) || is_other_key(name) {
            may_hold_key = false;
        } else if may_hold_key {
            places.push(start..start + line.trim_end_matches('\n').len());
        }
        start += line.len();
    }
    places
}

/// The places of words that look like a key, whatever stands around them: long, of letters and digits.
pub(super) fn key_like(text: &str) -> impl Iterator<Item = Range<usize>> {
    let looks_like_one = |word: &str| {
        word.len() >= SHORTEST_KEY
            && word.bytes().any(|byte| byte.is_ascii_digit())
            && word.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let mut end = 0;
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(move |word| {
        let start = text[end..].find(word).map_or(end, |at| end + at);
        end = start + word.len();
        looks_like_one(word).then_some(start..end)
    })
}

/// `message` without words that look like a key.
pub(super) fn hide(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    let mut end = 0;
    for word in key_like(message) {
        shown.push_str(&message[end..word.start]);
        shown.push_str(REDACTED);
        end = word.end;
    }
    shown + &message[end..]
}

/// Whether `line` can only be the head of a table.
fn is_head(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('[') && line.ends_with(']') && !line.contains(['=', ','])
}

/// Whether `name` is another key that stands beside the keys of blocklists.
fn is_other_key(name: &str) -> bool {
    keys_of("dnsbl").iter().chain(keys_of("")).any(|key| key.name == name.trim())
}
