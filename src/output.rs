//! The file that a report goes into: it appears whole or not at all.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::model::visible;

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Something is there, and it is not to be replaced.
    #[error("could not create {}: it is there already, and is never overwritten; name another file", shown(path))]
    Exists {
        /// The file wanted.
        path: PathBuf,
    },
    /// The folder does not take a file.
    #[error("could not create {}: {source}", shown(path))]
    Create {
        /// The file wanted.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The device or the pipe does not take the report.
    #[error("could not write to {}: {source}", shown(path))]
    Device {
        /// The device wanted.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The disk is full, or the file may not be replaced.
    #[error("could not write {}: {source}; what stood there before is untouched", shown(path))]
    Write {
        /// The file wanted.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn shown(path: &Path) -> String {
    visible(&path.display().to_string())
}

/// A file under a temporary name, to be renamed when its text is complete. Dropped before, it leaves nothing.
///
/// A device or a pipe has no name to take over: it is written to.
#[derive(Debug)]
pub struct PendingFile {
    path: PathBuf,
    way: Way,
    /// Nothing may be replaced.
    is_new: bool,
}

#[derive(Debug)]
enum Way {
    Rename(NamedTempFile),
    Write(File),
}

impl PendingFile {
    /// Makes the temporary file beside `path`, so that a bad path fails before the work is done. A link is followed.
    ///
    /// # Errors
    /// [`OutputError::Create`] if the folder does not exist or does not take a file, or `path` is a folder;
    /// [`OutputError::Device`] if it is something else that cannot be written.
    pub fn beside(path: &Path) -> Result<Self, OutputError> {
        let fail = |source| OutputError::Create { path: path.to_owned(), source };
        let before = std::fs::metadata(path).ok();
        if before.as_ref().is_some_and(Metadata::is_dir) {
            return Err(fail(std::io::Error::from(ErrorKind::IsADirectory)));
        }
        if before.as_ref().is_some_and(|before| !before.is_file()) {
            let file = File::options().write(true).open(path);
            let file = file.map_err(|source| OutputError::Device { path: path.to_owned(), source })?;
            return Ok(Self { path: path.to_owned(), way: Way::Write(file), is_new: false });
        }
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".mail-cutover-");
        // The report is to be read by others; the process's umask still applies.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temporary = builder.tempfile_in(folder).map_err(|error| {
            // Its own words name the temporary file, which nobody asked for.
            fail(std::fs::metadata(folder).err().unwrap_or_else(|| error.kind().into()))
        })?;
        if let Some(before) = before {
            // Who could not read the last report may not read this one.
            temporary.as_file().set_permissions(before.permissions()).map_err(fail)?;
        }
        Ok(Self { path, way: Way::Rename(temporary), is_new: false })
    }

    /// Makes the temporary file beside `path`, where nothing may be, now or later.
    ///
    /// # Errors
    /// [`OutputError::Exists`], which [`PendingFile::keep`] gives too, and those of [`PendingFile::beside`].
    pub fn fresh(path: &Path) -> Result<Self, OutputError> {
        // A link that leads nowhere is something, too.
        if std::fs::symlink_metadata(path).is_ok() {
            return Err(OutputError::Exists { path: path.to_owned() });
        }
        Ok(Self { is_new: true, ..Self::beside(path)? })
    }

    /// Writes `text`, has it reach the disk, and gives the file its name.
    ///
    /// # Errors
    /// [`OutputError::Write`]; the file that stood there before is untouched. [`OutputError::Device`] if it is no file.
    pub fn complete(mut self, text: &str) -> Result<(), OutputError> {
        match self.write_all(text.as_bytes()) {
            Ok(()) => self.keep(),
            Err(source) => Err(self.failed(source)),
        }
    }

    /// Has what was written reach the disk, and gives the file its name.
    ///
    /// # Errors
    /// As [`PendingFile::complete`].
    pub fn keep(self) -> Result<(), OutputError> {
        let path = self.path;
        match self.way {
            Way::Write(_) => Ok(()),
            Way::Rename(temporary) => {
                let written = temporary.as_file().sync_all();
                let renamed = written.and_then(|()| {
                    let name = if self.is_new { temporary.persist_noclobber(&path) } else { temporary.persist(&path) };
                    name.map_err(|error| error.error)
                });
                renamed.map(drop).map_err(|source| match source.kind() {
                    ErrorKind::AlreadyExists if self.is_new => OutputError::Exists { path },
                    _ => OutputError::Write { path, source },
                })
            }
        }
    }

    /// The error for something that it did not take.
    pub fn failed(&self, source: std::io::Error) -> OutputError {
        let path = self.path.clone();
        match self.way {
            Way::Write(_) => OutputError::Device { path, source },
            Way::Rename(_) => OutputError::Write { path, source },
        }
    }
}

/// Piece by piece, for what is too long to hold; [`PendingFile::keep`] completes it.
impl Write for PendingFile {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        match &mut self.way {
            Way::Write(device) => device.write(octets),
            Way::Rename(temporary) => temporary.write(octets),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.way {
            Way::Write(device) => device.flush(),
            Way::Rename(temporary) => temporary.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a run that is stopped half-way would leave half a report under the name of the last good one.
    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        std::fs::write(&path, "old").unwrap();
        drop(PendingFile::beside(&path).unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        PendingFile::beside(&path).unwrap().complete("new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(PendingFile::beside(folder.path()).is_err());
        assert!(PendingFile::beside(&folder.path().join("absent/report.json")).is_err());
    }
    /// Lost if it fails: a plan that somebody has worked on for a week would be replaced by a draft.
    #[test]
    fn a_fresh_file_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.toml");
        let pending = PendingFile::fresh(&path).unwrap();
        std::fs::write(&path, "somebody was faster").unwrap();
        assert!(matches!(pending.complete("new"), Err(OutputError::Exists { .. })));
        assert!(matches!(PendingFile::fresh(&path), Err(OutputError::Exists { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "somebody was faster");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
