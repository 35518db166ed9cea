//! A zone from a file on disk, with what it includes from its own folder.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hickory_proto::rr::{Name, RecordType};
use sha2::{Digest, Sha256};

use super::{Entry, Fault, LONGEST, Refused, Start, Zone, read};

/// A zone and where it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The zone.
    pub zone: Zone,
    /// The file, as the user wrote it.
    pub path: String,
    /// SHA-256 of the text of the file and of those it includes, in their order, hexadecimal.
    pub sha256: String,
}

/// Why a zone file cannot be rehearsed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("could not read the file: {0}")]
    Io(#[from] io::Error),
    /// It has a mistake.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// Nothing says which zone it is.
    #[error(
        "nothing says which zone this is: write --rehearse ORIGIN=FILE, as in --rehearse example.co.jp=FILE, \
         or put “$ORIGIN example.co.jp.” into its first line"
    )]
    NoOrigin,
    /// What stands before the “=” is no zone.
    #[error(
        "“{0}” is no zone that can be rehearsed: write its name before the “=”, as in --rehearse example.co.jp=FILE"
    )]
    Origin(String),
    /// There is nothing in it.
    #[error("the file has no records: every name would be missing; give the zone as it shall be")]
    Empty,
}

/// Reads the zone file at `path`. Its zone is `origin`, else the owner of its SOA record, else its first `$ORIGIN`.
///
/// # Errors
/// [`LoadError`] with the place of the first mistake.
pub fn load(path: &Path, origin: Option<&str>) -> Result<Loaded, LoadError> {
    let given = origin.map(zone_name).transpose()?;
    let origin = given.as_ref().map(Name::to_ascii);
    let mut digest = Sha256::new();
    let text = contents(path)?;
    digest.update(&text);
    let folder = path.canonicalize()?.parent().map(Path::to_owned).unwrap_or_default();
    let mut include = |name: &str| {
        let text = inside(&folder, name).and_then(|path| contents(&path).map_err(|e| Refused(unreadable(&e))))?;
        digest.update(&text);
        Ok(text)
    };
    let (entries, named) = read(&text, Start { origin: origin.as_deref(), ttl: None }, &mut include)?;
    if entries.is_empty() {
        return Err(LoadError::Empty);
    }
    let of_soa = entries.iter().find(|entry| is(entry, RecordType::SOA)).map(|entry| entry.owner.clone());
    // Whose first origin is the root has not said yet which zone it is.
    let named = named.filter(|name| !name.is_root());
    let origin = given.or(of_soa).or(named).ok_or(LoadError::NoOrigin)?;
    judge(&entries, &origin)?;
    let sha256 = digest.finalize().iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(Loaded { zone: Zone::new(&origin, entries)?, path: path.display().to_string(), sha256 })
}

/// The zone that a person named. The root would deny every name that the file does not have, those of all other zones too.
fn zone_name(text: &str) -> Result<Name, LoadError> {
    let bad = || LoadError::Origin(text.to_owned());
    let ascii = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY).map_err(|_| bad())?;
    let labels = ascii.strip_suffix('.').unwrap_or(&ascii).split('.').map(str::as_bytes);
    let mut name = Name::from_labels(labels).map_err(|_| bad())?;
    name.set_fqdn(true);
    if name.is_root() { Err(bad()) } else { Ok(name) }
}

fn is(entry: &Entry, rtype: RecordType) -> bool {
    entry.record.as_ref().is_some_and(|record| record.record_type() == rtype)
}

/// What a name server would refuse to load: an alias beside other data (RFC 1034, section 3.6.2), two SOA records or one that is
/// not at the apex.
fn judge(entries: &[Entry], origin: &Name) -> Result<(), Fault> {
    let mut first_soa = None;
    for entry in entries.iter().filter(|entry| is(entry, RecordType::SOA)) {
        let fault = |says: String| Fault { place: entry.place.clone(), says };
        if entry.owner.to_lowercase() != origin.to_lowercase() {
            return Err(fault(format!(
                "an SOA record of another zone than {origin}: give each zone a file of its own"
            )));
        }
        if first_soa.is_some_and(|known| known != entry.record.as_ref()) {
            return Err(fault("a second SOA record: a zone has one".to_owned()));
        }
        first_soa = Some(entry.record.as_ref());
    }
    let mut owners = std::collections::HashMap::new();
    for entry in entries.iter().filter(|entry| entry.record.is_some()) {
        owners.entry(entry.owner.to_lowercase()).or_insert_with(Vec::new).push(entry);
    }
    for entry in entries.iter().filter(|entry| is(entry, RecordType::CNAME)) {
        if entry.owner.to_lowercase() == origin.to_lowercase() {
            let says =
                "a CNAME at the apex, beside SOA and NS: no server loads that; write what it leads to".to_owned();
            return Err(Fault { place: entry.place.clone(), says });
        }
        let beside = owners.get(&entry.owner.to_lowercase()).into_iter().flatten();
        if let Some(other) = beside.into_iter().find(|other| other.record != entry.record) {
            let says = format!(
                "a CNAME beside other records of {} ({}): no server loads that; take one of them out",
                entry.owner, other.place
            );
            return Err(Fault { place: entry.place.clone(), says });
        }
    }
    Ok(())
}

/// The text of a file, at most as long as may be.
fn contents(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for somebody to write into it.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(LONGEST as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// The file that `name` means, if it lies in `folder`, links followed.
fn inside(folder: &Path, name: &str) -> Result<PathBuf, Refused> {
    let path = folder.join(name).canonicalize().map_err(|e| Refused(unreadable(&e)))?;
    if path.starts_with(folder) {
        Ok(path)
    } else {
        Err(Refused("lies outside the folder of the zone file: copy it there, or put its records in its place".into()))
    }
}

fn unreadable(error: &io::Error) -> String {
    format!("cannot be read ({error}): give its path from the folder of the zone file")
}
