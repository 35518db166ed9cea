//! Master files (RFC 1035, section 5) read into records; every mistake has its line and column.

mod lexer;
mod rdata;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use hickory_proto::rr::{Record, RecordType};
use hickory_proto::serialize::binary::BinDecodable;

use lexer::Word;

/// The most octets of a file.
pub const LONGEST: usize = 10 * 1024 * 1024;
/// The most records of a file.
pub const MOST_RECORDS: usize = 100_000;

/// A mistake in a zone file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {says}")]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// In octets, from 1.
    pub column: usize,
    /// What is wrong and what to write instead.
    pub says: String,
}

impl Fault {
    fn at(line: usize, column: usize, says: &str) -> Self {
        Self { line, column, says: says.to_owned() }
    }
}

impl Word {
    fn fault(&self, says: &str) -> Fault {
        Fault::at(self.line, self.column, says)
    }
}

/// The records of `text`, names complete. `origin`, with or without its last dot, holds until the first `$ORIGIN`.
///
/// # Errors
/// The first [`Fault`]. `$INCLUDE` and `$GENERATE` are refused.
pub fn read(text: &[u8], origin: Option<&str>) -> Result<Vec<Record>, Fault> {
    if text.len() > LONGEST {
        return Err(Fault::at(1, 1, "the file is larger than 10 MB: give the one zone that is to be rehearsed"));
    }
    let mut origin = match origin {
        Some(origin) => {
            let raw = format!("{}.", origin.trim_end_matches('.')).into_bytes();
            Some(rdata::name(&Word { raw, quoted: false, line: 1, column: 1 }, None)?)
        }
        None => None,
    };
    let (mut default, mut last_ttl, mut owner) = (None, None, None::<Vec<u8>>);
    let mut records = Vec::new();
    for entry in lexer::entries(text)? {
        let mut words = entry.words.as_slice();
        let here = &entry.words[0];
        if !here.quoted && here.raw.starts_with(b"$") {
            let value = words.get(1).ok_or_else(|| here.fault("the directive has no value: write it after the word"));
            match here.raw.to_ascii_uppercase().as_slice() {
                b"$ORIGIN" => origin = Some(rdata::name(value?, origin.as_deref())?),
                b"$TTL" => {
                    let value = value?;
                    let bad = || value.fault("a time is expected, in seconds or as 1h30m");
                    default = Some(rdata::ttl(&value.raw).ok_or_else(bad)?);
                }
                b"$INCLUDE" | b"$GENERATE" => {
                    return Err(here.fault("this directive is not read: put the records it stands for in its place"));
                }
                _ => return Err(here.fault("an unknown directive: only $ORIGIN and $TTL are read")),
            }
            continue;
        }
        if !entry.blank_owner {
            owner = Some(rdata::name(here, origin.as_deref())?);
            words = &words[1..];
        }
        let owner = owner.as_ref().ok_or_else(|| here.fault("no owner name: begin the line with one, or with “@”"))?;
        let mut ttl = None;
        while let Some(word) = words.first() {
            if let (None, Some(seconds)) = (ttl, rdata::ttl(&word.raw)) {
                ttl = Some(seconds);
            } else if [b"CH".as_slice(), b"HS"].contains(&word.raw.to_ascii_uppercase().as_slice()) {
                return Err(word.fault("only the class IN can be rehearsed: write IN"));
            } else if !word.raw.eq_ignore_ascii_case(b"IN") {
                break;
            }
            words = &words[1..];
        }
        let (word, data) =
            words.split_first().ok_or_else(|| here.fault("no type: write A, MX, TXT … after the name"))?;
        let rtype = rtype(word)?;
        let data = rdata::encode(rtype, data, origin.as_deref(), word)?;
        let minimum = data.last_chunk::<4>().map(|octets| u32::from_be_bytes(*octets));
        let of_soa = if rtype == RecordType::SOA { minimum } else { None };
        let ttl = ttl.or(default).or(last_ttl).or(of_soa);
        let ttl = ttl.ok_or_else(|| word.fault("no TTL: put “$TTL 3600” before the first record"))?;
        last_ttl = Some(ttl);
        records.push(record(owner, rtype, ttl, &data, word)?);
        if records.len() > MOST_RECORDS {
            return Err(word.fault("more than 100000 records: give the one zone that is to be rehearsed"));
        }
    }
    Ok(records)
}

/// The type that `word` names, also as `TYPE65` (RFC 3597, section 5).
fn rtype(word: &Word) -> Result<RecordType, Fault> {
    let unknown = || word.fault("an unknown type: write a type such as A, MX or TXT, or TYPE and its number");
    let text = std::str::from_utf8(&word.raw).map_err(|_| unknown())?.to_ascii_uppercase();
    match (text.as_str(), text.strip_prefix("TYPE").map(u16::from_str)) {
        (_, Some(Ok(number))) => Ok(RecordType::from(number)),
        ("DNAME", _) => Ok(RecordType::from(39)),
        ("SPF", _) => Ok(RecordType::from(99)),
        (text, _) => RecordType::from_str(text).map_err(|_| unknown()),
    }
}

/// The record, by way of its octets: hickory judges them as it judges those of a server.
fn record(owner: &[u8], rtype: RecordType, ttl: u32, data: &[u8], word: &Word) -> Result<Record, Fault> {
    let length = u16::try_from(data.len()).map_err(|_| word.fault("the record is longer than 65535 octets"))?;
    let mut wire = owner.to_vec();
    wire.extend(u16::from(rtype).to_be_bytes());
    wire.extend([0, 1]);
    wire.extend(ttl.to_be_bytes());
    wire.extend(length.to_be_bytes());
    wire.extend(data);
    Record::from_bytes(&wire).map_err(|_| word.fault("the data does not fit the type: compare it with the type's RFC"))
}
