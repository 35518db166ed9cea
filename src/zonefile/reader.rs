//! From the words of a master file to records, with the state that goes from line to line.

use std::str::FromStr;
use std::sync::Arc;

use hickory_proto::rr::{Name, Record, RecordType};
use hickory_proto::serialize::binary::BinDecodable;

use super::lexer::{self, Word};
use super::{DEEPEST, Fault, LONGEST, MOST_RECORDS, Place, rdata};

/// One record, or a name that exists by a record that is not read.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The owner.
    pub owner: Name,
    /// The record; nothing for types that no check asks for, and for those that signing makes: a changed zone is signed anew.
    pub record: Option<Record>,
    /// Where it stands.
    pub place: Place,
}

/// What holds before the first line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Start<'a> {
    /// The origin, with or without its last dot, until the first `$ORIGIN`.
    pub origin: Option<&'a str>,
    /// The TTL until the first `$TTL`, in seconds.
    pub ttl: Option<u32>,
}

/// Why `$INCLUDE` is refused, in words that follow the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

/// Gives the text of the file that `$INCLUDE` names.
pub type Include<'a> = &'a mut dyn FnMut(&str) -> Result<Vec<u8>, Refused>;

/// The entries of `text`, names complete, and the first origin that it names itself.
///
/// # Errors
/// The first [`Fault`].
pub fn read(text: &[u8], start: Start<'_>, include: Include<'_>) -> Result<(Vec<Entry>, Option<Name>), Fault> {
    let origin = match start.origin {
        Some(origin) => {
            let raw = format!("{}.", origin.trim_end_matches('.')).into_bytes();
            Some(rdata::name(&Word { raw, quoted: false, line: 1, column: 1 }, None)?)
        }
        None => None,
    };
    let mut reader = Reader {
        include,
        origin,
        first_origin: None,
        default: start.ttl,
        last_ttl: None,
        entries: Vec::new(),
        octets: 0,
        file: None,
    };
    reader.file(text, 0)?;
    Ok((reader.entries, reader.first_origin))
}

struct Reader<'a> {
    include: Include<'a>,
    /// In wire form.
    origin: Option<Vec<u8>>,
    first_origin: Option<Name>,
    default: Option<u32>,
    last_ttl: Option<u32>,
    entries: Vec<Entry>,
    octets: usize,
    file: Option<Arc<str>>,
}

impl Reader<'_> {
    fn file(&mut self, text: &[u8], depth: usize) -> Result<(), Fault> {
        let file = self.file.clone();
        let mut read = || {
            self.octets += text.len();
            if self.octets > LONGEST {
                return Err(Fault::at(1, 1, "more than 10 MB: give the one zone that is to be rehearsed"));
            }
            let mut owner = None;
            for entry in lexer::entries(text)? {
                self.entry(&entry, &mut owner, depth)?;
            }
            Ok(())
        };
        // What an included file said of itself stays.
        read().map_err(|fault: Fault| match fault.place.file {
            Some(_) => fault,
            None => Fault { place: Place { file, ..fault.place }, ..fault },
        })
    }

    fn entry(&mut self, entry: &lexer::Entry, owner: &mut Option<Vec<u8>>, depth: usize) -> Result<(), Fault> {
        let mut words = entry.words.as_slice();
        let here = &entry.words[0];
        if !here.quoted && here.raw.starts_with(b"$") {
            return self.directive(here, &words[1..], depth);
        }
        if !entry.blank_owner {
            *owner = Some(rdata::name(here, self.origin.as_deref())?);
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
        let place = Place { file: self.file.clone(), line: word.line, column: word.column };
        if is_signing(rtype) || !rdata::can_read(rtype, data) {
            let (owner, record) = (record(owner, RecordType::NULL, 0, &[], word)?.name, None);
            self.entries.push(Entry { owner, record, place });
            return Ok(());
        }
        let data = rdata::encode(rtype, data, self.origin.as_deref(), word)?;
        let minimum = data.last_chunk::<4>().map(|octets| u32::from_be_bytes(*octets));
        // As BIND has it: a zone that names no TTL at all before its SOA lives by that one's MINIMUM.
        if rtype == RecordType::SOA && ttl.or(self.default).or(self.last_ttl).is_none() {
            self.default = minimum;
        }
        let ttl = ttl.or(self.default).or(self.last_ttl);
        let ttl = ttl.ok_or_else(|| word.fault("no TTL: put “$TTL 3600” before the first record"))?;
        self.last_ttl = Some(ttl);
        let record = record(owner, rtype, ttl, &data, word)?;
        self.entries.push(Entry { owner: record.name.clone(), record: Some(record), place });
        if self.entries.len() > MOST_RECORDS {
            return Err(word.fault("more than 100000 records: give the one zone that is to be rehearsed"));
        }
        Ok(())
    }

    fn directive(&mut self, here: &Word, values: &[Word], depth: usize) -> Result<(), Fault> {
        let value = values.first().ok_or_else(|| here.fault("the directive has no value: write it after the word"));
        match here.raw.to_ascii_uppercase().as_slice() {
            b"$ORIGIN" => {
                let origin = rdata::name(value?, self.origin.as_deref())?;
                if self.first_origin.is_none() {
                    self.first_origin = Some(record(&origin, RecordType::NULL, 0, &[], here)?.name);
                }
                self.origin = Some(origin);
            }
            b"$TTL" => {
                let value = value?;
                let bad = || value.fault("a time is expected, in seconds or as 1h30m");
                self.default = Some(rdata::ttl(&value.raw).ok_or_else(bad)?);
            }
            b"$INCLUDE" => {
                let value = value?;
                let within = values.get(1).map(|word| rdata::name(word, self.origin.as_deref())).transpose()?;
                self.include(value, within, depth)?;
            }
            b"$GENERATE" => {
                return Err(here.fault("this directive is not read: put the records it stands for in its place"));
            }
            _ => return Err(here.fault("an unknown directive: only $ORIGIN, $TTL and $INCLUDE are read")),
        }
        Ok(())
    }

    /// The origin before the directive holds after it too (RFC 1035, section 5.1).
    fn include(&mut self, value: &Word, within: Option<Vec<u8>>, depth: usize) -> Result<(), Fault> {
        if depth == DEEPEST {
            return Err(value.fault("files within files within files: at most five deep"));
        }
        let octets: Vec<u8> = lexer::unescape(value)?.into_iter().map(|(octet, _)| octet).collect();
        let name = String::from_utf8(octets).map_err(|_| value.fault("the file's name is not UTF-8: rename it"))?;
        let text = (self.include)(&name).map_err(|refused| value.fault(&format!("{name} {}", refused.0)))?;
        let file = self.file.replace(Arc::from(name));
        let origin = self.origin.clone();
        self.origin = within.or_else(|| origin.clone());
        self.file(&text, depth + 1)?;
        self.origin = origin;
        self.file = file;
        Ok(())
    }
}

impl Word {
    pub(super) fn fault(&self, says: &str) -> Fault {
        Fault::at(self.line, self.column, says)
    }
}

/// The type that `word` names, also as `TYPE65` (RFC 3597, section 5).
fn rtype(word: &Word) -> Result<RecordType, Fault> {
    let unknown = || word.fault("an unknown type: write a type such as A, MX or TXT, or TYPE and its number");
    let text = std::str::from_utf8(&word.raw).map_err(|_| unknown())?.to_ascii_uppercase();
    match (text.as_str(), text.strip_prefix("TYPE").map(u16::from_str)) {
        (_, Some(Ok(number))) => Ok(RecordType::from(number)),
        ("SPF", _) => Ok(RecordType::from(99)),
        ("NSEC3PARAM", _) => Ok(RecordType::NSEC3PARAM),
        ("ZONEMD", _) => Ok(RecordType::from(63)),
        ("RP", _) => Ok(RecordType::from(17)),
        ("AFSDB", _) => Ok(RecordType::from(18)),
        ("LOC", _) => Ok(RecordType::from(29)),
        ("URI", _) => Ok(RecordType::from(256)),
        ("DNAME", _) => Err(word.fault("DNAME cannot be rehearsed: write the records that it leads to")),
        ("ALIAS" | "ANAME", _) => {
            Err(word.fault("the DNS host replaces this by addresses: write the A and AAAA records that it gives"))
        }
        (text, _) => RecordType::from_str(text).map_err(|_| unknown()),
    }
}

/// Types that signing makes, and that are wrong as soon as a record changes.
fn is_signing(rtype: RecordType) -> bool {
    // RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM, CDS, CDNSKEY, ZONEMD.
    [46, 47, 48, 50, 51, 59, 60, 63].contains(&u16::from(rtype))
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
