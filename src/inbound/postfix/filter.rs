//! The reply filter of a DNS list, `127.0.0.[2..11;13]`, in Postfix's own grammar (ip_match.c).

use std::net::Ipv4Addr;
use std::str::FromStr;

/// A pattern for the answers that count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter([Vec<(u8, u8)>; 4]);

/// It is none: Postfix ends with a fatal error where it meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no reply filter of Postfix")]
pub(super) struct FilterError;

impl Filter {
    /// Whether this answer counts.
    pub(super) fn matches(&self, answer: Ipv4Addr) -> bool {
        self.0
            .iter()
            .zip(answer.octets())
            .all(|(runs, octet)| runs.iter().any(|(first, last)| (*first..=*last).contains(&octet)))
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut rest = without_outer_brackets(text)?;
        let mut octets: [Vec<(u8, u8)>; 4] = Default::default();
        for (place, runs) in octets.iter_mut().enumerate() {
            if place > 0 {
                rest = rest.strip_prefix('.').ok_or(FilterError)?;
            }
            if let Some(mut inner) = rest.strip_prefix('[') {
                loop {
                    let (first, after) = octet(inner)?;
                    let (last, after) = match after.strip_prefix("..") {
                        Some(after) => octet(after)?,
                        None => (first, after),
                    };
                    if first > last {
                        return Err(FilterError);
                    }
                    runs.push((first, last));
                    match after.strip_prefix(';') {
                        Some(after) => inner = after,
                        None => {
                            rest = after.strip_prefix(']').ok_or(FilterError)?;
                            break;
                        }
                    }
                }
            } else {
                let (one, after) = octet(rest)?;
                runs.push((one, one));
                rest = after;
            }
        }
        if rest.is_empty() { Ok(Self(octets)) } else { Err(FilterError) }
    }
}

/// `[127.0.0.2]` is 127.0.0.2.
fn without_outer_brackets(text: &str) -> Result<&str, FilterError> {
    if !text.starts_with('[') {
        return Ok(text);
    }
    let mut level = 0_i32;
    for (at, character) in text.char_indices() {
        match character {
            '[' => level += 1,
            ']' => {
                level -= 1;
                if level == 0 {
                    return Ok(if at + 1 == text.len() { &text[1..at] } else { text });
                }
            }
            _ => {}
        }
    }
    Err(FilterError)
}

fn octet(text: &str) -> Result<(u8, &str), FilterError> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    // Leading zeros are decimal, too.
    let digits = if end > 1 { digits.trim_start_matches('0') } else { digits };
    let value = if digits.is_empty() && end > 0 { Ok(0) } else { digits.parse() };
    value.map(|value| (value, rest)).map_err(|_| FilterError)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: an answer would count that Postfix does not count, or the other way round.
    #[test]
    fn patterns_are_those_of_postfix() {
        let matches = |pattern: &str, answer: [u8; 4]| pattern.parse::<Filter>().unwrap().matches(answer.into());
        for (pattern, answer, expected) in [
            ("127.0.0.2", [127, 0, 0, 2], true),
            ("127.0.0.2", [127, 0, 0, 3], false),
            ("[127.0.0.2]", [127, 0, 0, 2], true),
            ("127.0.0.[2..11;13]", [127, 0, 0, 11], true),
            ("127.0.0.[2..11;13]", [127, 0, 0, 12], false),
            ("127.0.0.[2..11;13]", [127, 0, 0, 13], true),
            ("[127].0.[0..255].[1]", [127, 0, 200, 1], true),
            ("127.000.00.002", [127, 0, 0, 2], true),
        ] {
            assert_eq!(matches(pattern, answer), expected, "{pattern} {answer:?}");
        }
        for wrong in [
            "",
            "[]",
            "127.0.0",
            "127.0.0.2.3",
            "127.0.0.[11..2]",
            "127.0.0.[2,3]",
            "127.0.0.256",
            "127.0.0.[2..11",
            "127.0.0.[2;]",
            "127.0.0.[2...3]",
            "127.0.0.2 ",
            "::1",
            "127.0.0.*",
        ] {
            assert_eq!(wrong.parse::<Filter>(), Err(FilterError), "{wrong}");
        }
    }
}
