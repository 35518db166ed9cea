//! The files that an Exim configuration may read: those in its own folder, and where that is Exim's, those in Exim's folders.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::EximError;
use crate::model::visible;

/// Where Debian and others keep what belongs to Exim.
const EXIMS: [&str; 3] = ["/etc/exim4", "/etc/exim", "/var/lib/exim4"];
/// The longest list of addresses that is read, in octets.
const LONGEST_LIST: usize = 16 * 1024 * 1024;
/// So many files are looked for: a name may be made of what a client says.
const MOST_FILES: usize = 1000;

/// The folder of a configuration, and what was read in it: a file is read once.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    lists: Mutex<HashMap<String, Option<Items>>>,
    existing: Mutex<HashMap<String, Option<bool>>>,
}

/// The lines of a file in a list.
type Items = Arc<Vec<String>>;

impl Folder {
    /// The folder of the file at `path`.
    pub(super) fn of(path: &Path) -> Self {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let path = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Self { path, lists: Mutex::default(), existing: Mutex::default() }
    }

    /// The file that the configuration calls `written`, if it is there and ours to read: at that very place below the folder, or
    /// under its last name in it (a configuration that was copied here with the files beside it).
    pub(super) fn find(&self, written: &str) -> Option<PathBuf> {
        let path = Path::new(written);
        if path.components().any(|part| part == Component::ParentDir) {
            return None;
        }
        let same = if path.is_absolute() { path.to_owned() } else { self.path.join(path) };
        if self.is_ours(&same) && same.is_file() {
            return Some(same);
        }
        let beside = self.path.join(path.file_name()?);
        beside.is_file().then_some(beside)
    }

    /// Whether Exim finds a file under this name; nothing where that cannot be seen from here. What belongs to Exim's own folders was
    /// copied here with the configuration, if it was there.
    pub(super) fn exists(&self, written: &str) -> Option<bool> {
        let mut existing = self.existing.lock().unwrap_or_else(PoisonError::into_inner);
        if existing.len() >= MOST_FILES && !existing.contains_key(written) {
            return None;
        }
        *existing.entry(written.to_owned()).or_insert_with(|| {
            let path = Path::new(written);
            match self.find(written) {
                Some(_) => Some(true),
                None => (path.starts_with(&self.path) || is_exims(path)).then_some(false),
            }
        })
    }

    /// Whether a file is said to be missing only because it was not copied here.
    pub(super) fn was_left_behind(&self, written: &str) -> bool {
        is_exims(Path::new(written)) && !is_exims(&self.path) && self.exists(written) == Some(false)
    }

    fn is_ours(&self, path: &Path) -> bool {
        path.starts_with(&self.path) || (is_exims(&self.path) && is_exims(path))
    }

    /// The text of a file, at most so many octets.
    pub(super) fn text(&self, path: &Path, most: usize) -> Result<String, EximError> {
        let shown = || visible(&path.display().to_string());
        let unreadable = |why: std::io::Error| EximError::Read { file: shown(), why: why.kind().to_string() };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        // A named pipe or a device would never end.
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err(EximError::Read { file: shown(), why: "it is no file".to_owned() });
        }
        file.take(u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() > most {
            return Err(EximError::Large { file: shown(), most });
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The items of a file that stands in a list, one a line; nothing if it is not here, or too long.
    pub(super) fn items(&self, written: &str) -> Option<Items> {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.len() >= MOST_FILES && !lists.contains_key(written) {
            return None;
        }
        lists.entry(written.to_owned()).or_insert_with(|| self.read_items(written)).clone()
    }

    fn read_items(&self, written: &str) -> Option<Items> {
        let text = self.text(&self.find(written)?, LONGEST_LIST).ok()?;
        let item = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
        Some(Arc::new(text.lines().map(item).filter(|item| !item.is_empty()).collect()))
    }
}

fn is_exims(path: &Path) -> bool {
    EXIMS.iter().any(|home| path.starts_with(home))
}
