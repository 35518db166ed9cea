//! The logical lines of an Exim configuration: comments, continuations, macros, conditionals and includes (Exim specification, chapter 6).

use super::EximError;
use super::files::Folder;
use crate::inbound::{Place, Unjudged};
use crate::model::{Value, visible};

/// The most octets of one file, and of all files of a configuration together.
const MOST_OCTETS: usize = 4 * 1024 * 1024;
/// The longest line that macros may make, in octets.
const LONGEST_LINE: usize = 256 * 1024;
/// So deep may files include each other.
const DEEPEST: usize = 10;
const MOST_MACROS: usize = 4096;

/// A logical line: continuations joined, macros replaced, never empty.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Without white space at both ends.
    pub(super) text: String,
    /// Where it begins.
    pub(super) place: Place,
}

/// What the files came to.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// In order, the definitions of macros left out.
    pub(super) lines: Vec<Line>,
    /// What depends on the server on which Exim runs.
    pub(super) unjudged: Vec<Unjudged>,
}

/// Reads the configuration and everything that it includes.
pub(super) fn read(folder: &Folder, main: &std::path::Path) -> Result<Read, EximError> {
    let mut reader = Reader { folder, macros: Vec::new(), states: Vec::new(), octets: 0, read: Read::default() };
    let text = reader.open(main)?;
    reader.file(&text, &main.display().to_string(), 0)?;
    match reader.states.is_empty() {
        true => Ok(reader.read),
        false => Err(EximError::Conditional { file: visible(&main.display().to_string()), line: text.lines().count() }),
    }
}

struct Reader<'a> {
    folder: &'a Folder,
    /// In the order in which they were defined, which is the order in which they are replaced.
    macros: Vec<(String, String)>,
    states: Vec<State>,
    octets: usize,
    read: Read,
}

/// One `.ifdef`.
struct State {
    /// Whether what stands around it counts.
    outside: bool,
    /// Whether one of its branches was taken.
    taken: bool,
    /// Whether the branch that is read counts.
    active: bool,
}

impl Reader<'_> {
    fn open(&mut self, path: &std::path::Path) -> Result<String, EximError> {
        let text = self.folder.text(path, MOST_OCTETS - self.octets)?;
        self.octets += text.len();
        Ok(text)
    }

    fn is_active(&self) -> bool {
        self.states.last().is_none_or(|state| state.active)
    }

    fn file(&mut self, text: &str, file: &str, depth: usize) -> Result<(), EximError> {
        let file = visible(file);
        let mut logical: Option<Line> = None;
        for (number, physical) in text.lines().enumerate() {
            let place = Place { file: file.clone(), line: number + 1 };
            let (expanded, found) = self.expand(physical, logical.is_none(), &place)?;
            let part = expanded.trim();
            if part.starts_with('#') {
                continue;
            }
            if let Some(directive) = part.strip_prefix('.')
                && self.conditional(directive, physical, found, &place)?
            {
                continue;
            }
            if !self.is_active() {
                continue;
            }
            if let Some((path, may_lack)) = included(part) {
                self.include(path, may_lack, &place, depth)?;
                continue;
            }
            let (part, goes_on) = part.strip_suffix('\\').map_or((part, false), |part| (part, true));
            let line = logical.get_or_insert_with(|| Line { text: String::new(), place: place.clone() });
            line.text.push_str(part);
            if line.text.len() > LONGEST_LINE {
                return Err(EximError::Line { file, line: number + 1 });
            }
            // An empty line ends nothing, as long as nothing stands before it.
            if goes_on || line.text.is_empty() {
                if line.text.is_empty() && !goes_on {
                    logical = None;
                }
                continue;
            }
            if let Some(line) = logical.take() {
                self.take(line)?;
            }
        }
        match logical {
            Some(line) if !line.text.is_empty() => self.take(line),
            _ => Ok(()),
        }
    }

    fn take(&mut self, line: Line) -> Result<(), EximError> {
        let Some((name, value)) = assignment(&line.text) else {
            self.read.lines.push(line);
            return Ok(());
        };
        let value = value.strip_prefix('=').unwrap_or(value).trim_start().to_owned();
        if let Some((_, old)) = self.macros.iter_mut().find(|(known, _)| known == name) {
            *old = value;
        } else if self.macros.len() < MOST_MACROS {
            self.macros.push((name.to_owned(), value));
        } else {
            return Err(EximError::Line { file: line.place.file, line: line.place.line });
        }
        Ok(())
    }

    /// A physical line with its macros replaced, and whether there were any. Each macro is replaced once, in the order of the
    /// definitions: a macro that names itself is no loop.
    fn expand(&self, physical: &str, first: bool, place: &Place) -> Result<(String, bool), EximError> {
        let physical = physical.trim_start();
        let kept = if first { assignment(physical).map_or(0, |(_, value)| physical.len() - value.len()) } else { 0 };
        let mut text = physical[kept..].to_owned();
        let mut found = false;
        for (name, value) in &self.macros {
            let times = text.matches(name.as_str()).count();
            if times == 0 {
                continue;
            }
            found = true;
            if text.len() + times * value.len() > LONGEST_LINE {
                return Err(EximError::Line { file: place.file.clone(), line: place.line });
            }
            text = text.replace(name.as_str(), value);
        }
        Ok((format!("{}{text}", &physical[..kept]), found))
    }

    /// Obeys `.ifdef` and its like; whether it was one of them.
    fn conditional(&mut self, directive: &str, written: &str, found: bool, place: &Place) -> Result<bool, EximError> {
        let word = directive.split_whitespace().next().unwrap_or_default();
        let wrong = || EximError::Conditional { file: place.file.clone(), line: place.line };
        if word.ends_with("def") && word != "define" && written.contains(" _") && self.is_active() {
            self.read.unjudged.push(built_in(written, place));
        }
        match word {
            "ifdef" | "ifndef" => {
                let outside = self.is_active();
                let active = outside && found == (word == "ifdef");
                self.states.push(State { outside, taken: active, active });
            }
            "elifdef" | "elifndef" => {
                let state = self.states.last_mut().ok_or_else(wrong)?;
                state.active = state.outside && !state.taken && found == (word == "elifdef");
                state.taken |= state.active;
            }
            "else" => {
                let state = self.states.last_mut().ok_or_else(wrong)?;
                state.active = state.outside && !state.taken;
                state.taken = true;
            }
            "endif" => {
                self.states.pop().ok_or_else(wrong)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn include(&mut self, path: &str, may_lack: bool, place: &Place, depth: usize) -> Result<(), EximError> {
        let written = path.trim_matches('"');
        let Some(path) = self.folder.find(written) else {
            // What may be missing and is not here: Exim looks on the server, and so it is named.
            self.read.unjudged.push(Unjudged {
                place: Some(place.clone()),
                written: visible(&format!(".include {written}")),
                why: if may_lack { left_out_if_exists() } else { left_out() },
            });
            return Ok(());
        };
        if depth >= DEEPEST {
            return Err(EximError::Include { file: place.file.clone(), line: place.line });
        }
        let text = self.open(&path)?;
        self.file(&text, &path.display().to_string(), depth + 1)
    }
}

/// The name and the value (with what may be the second `=`) of `NAME = value`.
fn assignment(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with(|first: char| first.is_ascii_uppercase()) {
        return None;
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    Some((name, rest.trim_start().strip_prefix('=')?))
}

/// The path that a line includes, and whether it may be missing.
fn included(text: &str) -> Option<(&str, bool)> {
    let rest = text.strip_prefix(".include")?;
    let (rest, may_lack) = rest.strip_prefix("_if_exists").map_or((rest, false), |rest| (rest, true));
    rest.starts_with(char::is_whitespace).then(|| (rest.trim(), may_lack))
}

fn built_in(written: &str, place: &Place) -> Unjudged {
    Unjudged {
        place: Some(place.clone()),
        written: visible(written.trim()),
        why: Value::both(
            "it depends on how Exim was built; the macro is taken as not defined",
            "Exim のビルド時の構成による。このマクロは未定義とみなした",
        ),
    }
}

fn left_out() -> Value {
    Value::both(
        "the included file is not beside the configuration and was not read",
        "取り込むファイルが設定ファイルと同じフォルダーになく、読み込んでいない",
    )
}

fn left_out_if_exists() -> Value {
    Value::both(
        "the file is included where it exists; it is not beside the configuration",
        "存在すれば取り込まれるファイルだが、設定ファイルと同じフォルダーにない",
    )
}
