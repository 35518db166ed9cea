//! main.cf, or what `postconf -n` prints of it: parameters, their places, their values.

use std::collections::HashMap;

use super::defaults;
use super::expand::{ExpandError, expand};
use super::lines::{Line, is_space, logical, pieces};
use crate::inbound::Place;
use crate::model::visible;

/// A parameter as it is set.
#[derive(Clone, Debug)]
struct Assigned {
    /// Raw: nothing in it is replaced.
    value: String,
    file: String,
    /// The logical line it stands in, and where the value begins there.
    line: Line,
    start: usize,
}

/// A piece of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// The piece, everything in it replaced.
    pub(super) text: String,
    /// Where it is written; nothing for one that comes from a default.
    pub(super) place: Option<Place>,
}

/// All parameters that one program of Postfix sees.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    set: HashMap<String, Assigned>,
}

/// A line that sets nothing; Postfix does not start with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stray {
    pub(super) place: Place,
    pub(super) text: String,
}

impl Config {
    /// Reads a file; the last value of a parameter counts.
    pub(super) fn read(file: &str, bytes: &[u8]) -> (Self, Vec<Stray>) {
        let (mut config, mut strays) = (Self::default(), Vec::new());
        for line in logical(bytes) {
            match named_value(&line.text) {
                Some((name, start, value)) => {
                    let assigned =
                        Assigned { value: value.to_owned(), file: file.to_owned(), start, line: line.clone() };
                    config.set.insert(name.to_owned(), assigned);
                }
                None => {
                    let place = Place { file: visible(file), line: line.first() };
                    strays.push(Stray { place, text: line.text });
                }
            }
        }
        (config, strays)
    }

    /// These parameters, and `name` = `value` from line `line` of `file` (master.cf) instead.
    pub(super) fn override_with(&mut self, name: &str, value: &str, file: &str, line: usize) {
        let line = Line { text: value.to_owned(), parts: vec![(0, line)] };
        let assigned = Assigned { value: value.to_owned(), file: file.to_owned(), line, start: 0 };
        self.set.insert(name.to_owned(), assigned);
    }

    /// Whether nothing is set at all.
    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Whether the files set it.
    pub(super) fn sets(&self, name: &str) -> bool {
        self.set.contains_key(name)
    }

    /// Where a parameter is set.
    pub(super) fn place(&self, name: &str) -> Option<Place> {
        let assigned = self.set.get(name)?;
        Some(Place { file: visible(&assigned.file), line: assigned.line.first() })
    }

    fn raw(&self, name: &str) -> Result<Option<String>, ExpandError> {
        if let Some(assigned) = self.set.get(name) {
            return Ok(Some(assigned.value.clone()));
        }
        if defaults::depends_on_machine(name) {
            return Err(ExpandError::Machine(name.to_owned()));
        }
        Ok(defaults::of(name).map(str::to_owned))
    }

    /// The value of a parameter, set or default, everything in it replaced.
    ///
    /// # Errors
    /// [`ExpandError`] says why it cannot be known.
    pub(super) fn value(&self, name: &str) -> Result<String, ExpandError> {
        self.expand(&format!("${name}"))
    }

    /// The value of a parameter that is filled in when it is used (`default_rbl_reply`): nothing in it is replaced.
    pub(super) fn raw_value(&self, name: &str) -> String {
        self.raw(name).ok().flatten().unwrap_or_default()
    }

    /// `text` with everything in it replaced.
    ///
    /// # Errors
    /// As [`Config::value`].
    pub(super) fn expand(&self, text: &str) -> Result<String, ExpandError> {
        let expanded = expand(text, &|name| self.raw(name), true)?;
        Ok(expanded.trim_matches(is_space).to_owned())
    }

    /// The pieces of a list, each with its place.
    ///
    /// # Errors
    /// As [`Config::value`].
    pub(super) fn list(&self, name: &str) -> Result<Vec<Token>, ExpandError> {
        let Some(assigned) = self.set.get(name) else {
            let value = self.value(name)?;
            return Ok(pieces(&value, false).into_iter().map(|(_, piece)| Token::new(piece, None)).collect());
        };
        // A circle shows itself only in the whole.
        self.value(name)?;
        let mut tokens = Vec::new();
        for (at, piece) in pieces(&assigned.value, true) {
            let line = assigned.line.line_at(assigned.start + at);
            let place = Place { file: visible(&assigned.file), line };
            let expanded = self.expand(piece)?;
            tokens
                .extend(pieces(&expanded, false).into_iter().map(|(_, piece)| Token::new(piece, Some(place.clone()))));
        }
        Ok(tokens)
    }
}

impl Token {
    fn new(text: &str, place: Option<Place>) -> Self {
        Self { text: text.to_owned(), place }
    }
}

/// `name = value`: the name, where the value begins, and the value.
fn named_value(text: &str) -> Option<(&str, usize, &str)> {
    let (name, value) = text.split_once('=')?;
    let trimmed = name.trim_matches(is_space);
    if trimmed.is_empty() || trimmed.contains(is_space) {
        return None;
    }
    let start = name.len() + 1 + (value.len() - value.trim_start_matches(is_space).len());
    Some((trimmed, start, value.trim_matches(is_space)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a rule would be said to stand in a line where it does not, or an old value would count.
    #[test]
    fn the_last_value_counts_and_pieces_have_their_lines() {
        let text = b"a = old\nlist = one,\n\t$a two\n# no\n  ${a?{three\n  four}}\na=new\nno value here\n= nothing\n";
        let (config, strays) = Config::read("main.cf", text);
        let tokens = config.list("list").unwrap();
        let shown: Vec<(&str, usize)> =
            tokens.iter().map(|token| (token.text.as_str(), token.place.as_ref().unwrap().line)).collect();
        assert_eq!(shown, [("one", 2), ("new", 3), ("two", 3), ("three", 5), ("four", 5)]);
        assert_eq!(strays.iter().map(|stray| stray.place.line).collect::<Vec<_>>(), [8, 9]);
        assert_eq!(config.value("postscreen_denylist_action").as_deref(), Ok("ignore"));
        let (config, _) = Config::read("main.cf", b"postscreen_blacklist_action = drop");
        assert_eq!(config.value("postscreen_denylist_action").as_deref(), Ok("drop"));
    }
}
