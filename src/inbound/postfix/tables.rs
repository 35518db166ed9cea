//! Lookup tables, from the text that they are made of.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::lines::{is_space, logical, pieces, within_braces};
use super::steps::Content;
use super::syntax::Network;
use super::words;
use crate::model::Value;

/// Reads a file, bounded.
pub(super) type ReadFile<'a> = dyn Fn(&Path) -> io::Result<Vec<u8>> + 'a;

/// Where tables are found.
pub(super) struct Tables<'a> {
    pub(super) read: &'a ReadFile<'a>,
    /// The folder of main.cf: what the configuration calls its own folder is looked for here.
    pub(super) beside: PathBuf,
    /// That folder, as the configuration calls it.
    pub(super) config_directory: String,
}

/// A table: keys, and its results, each once.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) content: Content,
    pub(super) values: Vec<String>,
}

impl Tables<'_> {
    /// Reads `type:name`.
    ///
    /// # Errors
    /// Why it is not read.
    pub(super) fn open(&self, table: &str) -> Result<Read, Value> {
        let table = table.strip_prefix("proxy:").unwrap_or(table);
        let Some((kind, name)) = table.split_once(':') else { return Err(words::table_type()) };
        match kind {
            "static" => {
                let value = within_braces(name).unwrap_or(name).to_owned();
                Ok(Read { content: Content::Always(0), values: vec![value] })
            }
            "inline" => inline(name).ok_or_else(words::table_absent),
            "hash" | "btree" | "lmdb" | "dbm" | "cdb" | "sdbm" | "texthash" => {
                let lines = logical(&self.text(name)?);
                // The first entry of a key counts: postmap warns of the others, and so does texthash.
                let mut results = Results::default();
                let mut keys = HashMap::new();
                for line in &lines {
                    let (key, value) = line.text.split_once(is_space).unwrap_or((&line.text, ""));
                    let index = results.add(value.trim_matches(is_space));
                    keys.entry(key.to_ascii_lowercase()).or_insert(index);
                }
                Ok(Read { content: Content::Keys(keys), values: results.values })
            }
            "cidr" => match within_braces(name) {
                Some(inner) => {
                    let rules: Option<Vec<&str>> =
                        pieces(inner, false).into_iter().map(|(_, piece)| within_braces(piece)).collect();
                    networks(&rules.ok_or_else(words::table_absent)?)
                }
                None => {
                    let lines = logical(&self.text(name)?);
                    networks(&lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>())
                }
            },
            "pcre" | "regexp" => Err(words::patterns()),
            _ => Err(words::table_type()),
        }
    }

    /// The lines of a file of patterns.
    pub(super) fn lines(&self, name: &str) -> Option<Vec<String>> {
        Some(logical(&self.text(name).ok()?).into_iter().map(|line| line.text).collect())
    }

    fn text(&self, name: &str) -> Result<Vec<u8>, Value> {
        let path = Path::new(name);
        let own = [self.config_directory.as_str(), "/etc/postfix"];
        let below = own.iter().find_map(|folder| path.strip_prefix(folder).ok());
        let file = match below {
            Some(rest) => self.beside.join(rest),
            None if path.is_relative() => self.beside.join(path),
            None => path.to_owned(),
        };
        (self.read)(&file).map_err(|_| words::table_absent())
    }
}

/// Results, each once.
#[derive(Default)]
struct Results {
    values: Vec<String>,
    known: HashMap<String, usize>,
}

impl Results {
    fn add(&mut self, value: &str) -> usize {
        if let Some(index) = self.known.get(value) {
            return *index;
        }
        self.values.push(value.to_owned());
        self.known.insert(value.to_owned(), self.values.len() - 1);
        self.values.len() - 1
    }
}

/// `{ key = value, { key = value with blanks } }`.
fn inline(text: &str) -> Option<Read> {
    let mut results = Results::default();
    let mut keys = HashMap::new();
    for (_, piece) in pieces(within_braces(text)?, false) {
        let (key, value) = within_braces(piece).unwrap_or(piece).split_once('=')?;
        let index = results.add(value.trim_matches(is_space));
        keys.insert(key.trim_matches(is_space).to_ascii_lowercase(), index);
    }
    (!keys.is_empty()).then_some(Read { content: Content::Keys(keys), values: results.values })
}

/// The rules of a cidr table.
fn networks(rules: &[&str]) -> Result<Read, Value> {
    let mut results = Results::default();
    let mut found = Vec::new();
    for rule in rules {
        let mut pattern = rule.trim_start_matches(is_space);
        let mut holds = true;
        while let Some(rest) = pattern.strip_prefix('!') {
            holds = !holds;
            pattern = rest.trim_start_matches(is_space);
        }
        let (pattern, value) = pattern.split_once(is_space).unwrap_or((pattern, ""));
        if ["if", "endif"].iter().any(|word| pattern.eq_ignore_ascii_case(word)) {
            return Err(words::table_conditions());
        }
        let value = value.trim_matches(is_space);
        // A rule that cannot be read is passed over with a warning, as one without a result is.
        if let (Some(network), false) = (Network::parse(pattern), value.is_empty()) {
            found.push((network, holds, results.add(value)));
        }
    }
    Ok(Read { content: Content::Networks(found), values: results.values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(table: &str, key: &str, whole: bool) -> Result<Option<String>, Value> {
        let files = |path: &Path| match path.to_str() {
            Some("beside/clients") => {
                Ok(b"# clients\n192.0.2 REJECT go\n  away\nExample.COM ok\nexample.com reject\n".to_vec())
            }
            Some("beside/nets") => {
                Ok(b"192.0.2.1 ok\n192.0.2.0/24 reject x\n!10.0.0.0/8 dunno\n192.0.2.1/24 ok\n".to_vec())
            }
            Some("/srv/conditions") => Ok(b"if 192.0.2.0/24\n192.0.2.1 ok\nendif\n".to_vec()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        let tables = Tables { read: &files, beside: "beside".into(), config_directory: "/opt/postfix".to_owned() };
        let read = tables.open(table)?;
        Ok(read.content.find(key, whole).map(|index| read.values[index].clone()))
    }

    /// Lost if it fails: a client would be looked up otherwise than Postfix does, or a table that is not there be taken for empty.
    #[test]
    fn tables_are_read_from_their_text() {
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(find("hash:/etc/postfix/clients", "192.0.2", false), some("REJECT go  away"));
        assert_eq!(find("proxy:lmdb:/opt/postfix/clients", "example.com", true), some("ok"));
        assert_eq!(find("texthash:clients", "example.org", true), Ok(None));
        assert_eq!(find("cidr:/etc/postfix/nets", "192.0.2.1", true), some("ok"));
        assert_eq!(find("cidr:/etc/postfix/nets", "192.0.2.2", true), some("reject x"));
        assert_eq!(find("cidr:/etc/postfix/nets", "198.51.100.1", true), some("dunno"));
        assert_eq!(find("cidr:/etc/postfix/nets", "192.0.2", false), Ok(None));
        assert_eq!(find("cidr:{{192.0.2.0/24 reject}, {198.51.100.0/24 ok}}", "198.51.100.9", true), some("ok"));
        assert_eq!(find("inline:{a=b, {c = d e}}", "C", true), some("d e"));
        assert_eq!(find("static:{DEFER later}", "x", true), some("DEFER later"));
        assert_eq!(find("cidr:/srv/conditions", "192.0.2.1", true), Err(words::table_conditions()));
        assert_eq!(find("hash:/etc/postfix/none", "x", true), Err(words::table_absent()));
        assert_eq!(find("pcre:/etc/postfix/clients", "x", true), Err(words::patterns()));
        assert_eq!(find("mysql:/etc/postfix/clients", "x", true), Err(words::table_type()));
    }
}
