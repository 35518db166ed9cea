//! A folder of reports: each under its time and verdict, and the last one as `latest.json`; whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::{DateTime, FixedOffset};
use tempfile::NamedTempFile;

use crate::model::{Verdict, visible};

/// So many reports of one second and verdict are told apart.
const MOST_ALIKE: usize = 1000;

/// Why a report could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The folder cannot be made, or does not take a file.
    #[error("could not use the folder {}: {source}", shown(folder))]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The disk is full, or a name is taken by something that is no file.
    #[error(
        "could not keep the report in {}: {source}; the reports that stood there before are untouched",
        shown(folder)
    )]
    Keep {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn shown(path: &Path) -> String {
    visible(&path.display().to_string())
}

/// A folder that takes reports.
#[derive(Clone, Debug)]
pub struct Archive {
    folder: PathBuf,
}

impl Archive {
    /// Makes the folder if it is not there (not those above it), and tries whether it takes a file.
    ///
    /// # Errors
    /// [`ArchiveError::Folder`]: said before the work is done.
    pub fn open(folder: &Path) -> Result<Self, ArchiveError> {
        let archive = Self { folder: folder.to_owned() };
        let made = match std::fs::create_dir(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
            _ => archive.temporary().map(drop),
        };
        made.map(|()| archive).map_err(|source| ArchiveError::Folder { folder: folder.to_owned(), source })
    }

    /// Keeps `text` under the time and the verdict of its report, and as the latest; the file's path.
    ///
    /// # Errors
    /// [`ArchiveError::Keep`]; what stood in the folder before is untouched.
    pub fn keep(&self, text: &str, started: DateTime<FixedOffset>, verdict: Verdict) -> Result<PathBuf, ArchiveError> {
        let name = format!("{}-{}", started.format("%Y-%m-%dT%H%M%S%z"), verdict.words().replace(' ', "-"));
        let kept = self.write(text).and_then(|file| self.name(file, &name)).map_err(|source| self.failed(source))?;
        self.keep_latest(text)?;
        Ok(kept)
    }

    /// Keeps `text` as the latest only.
    ///
    /// # Errors
    /// [`ArchiveError::Keep`]; the one before stays.
    pub fn keep_latest(&self, text: &str) -> Result<(), ArchiveError> {
        let renamed = self.write(text).and_then(|file| {
            let renamed = file.persist(self.latest()).map_err(|error| error.error);
            renamed.map(drop)
        });
        renamed.map_err(|source| self.failed(source))
    }

    /// Where the latest report stands.
    pub fn latest(&self) -> PathBuf {
        self.folder.join("latest.json")
    }

    /// Gives the file a name that nobody has: an older report is never replaced.
    fn name(&self, file: NamedTempFile, name: &str) -> std::io::Result<PathBuf> {
        let mut file = file;
        for number in 1..=MOST_ALIKE {
            let number = if number == 1 { String::new() } else { format!("-{number}") };
            let path = self.folder.join(format!("{name}{number}.json"));
            match file.persist_noclobber(&path) {
                Ok(_) => return Ok(path),
                Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => file = error.file,
                Err(error) => return Err(error.error),
            }
        }
        Err(std::io::ErrorKind::AlreadyExists.into())
    }

    fn write(&self, text: &str) -> std::io::Result<NamedTempFile> {
        let mut file = self.temporary()?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    fn temporary(&self) -> std::io::Result<NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".mail-cutover-");
        // Reports are to be read by others; the process's umask still applies.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        // Its own words name the temporary file, which nobody asked for.
        builder.tempfile_in(&self.folder).map_err(|error| match std::fs::metadata(&self.folder) {
            Ok(folder) if folder.is_dir() => error.kind().into(),
            Ok(_) => std::io::ErrorKind::NotADirectory.into(),
            Err(missing) => missing,
        })
    }

    fn failed(&self, source: std::io::Error) -> ArchiveError {
        ArchiveError::Keep { folder: self.folder.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Lost if it fails: a report would take another's place, or the folder would fill with halves.
    #[test]
    fn every_report_has_its_name_and_the_last_is_the_latest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reports");
        let archive = Archive::open(&path).unwrap();
        assert_eq!(names(&path), Vec::<String>::new());
        let at = DateTime::parse_from_rfc3339("2026-12-05T22:00:00+09:00").unwrap();
        archive.keep("one", at, Verdict::GoWithWarnings).unwrap();
        archive.keep("two", at, Verdict::GoWithWarnings).unwrap();
        archive.keep_latest("three").unwrap();
        let reports =
            ["2026-12-05T220000+0900-GO-WITH-WARNINGS-2.json", "2026-12-05T220000+0900-GO-WITH-WARNINGS.json"];
        assert_eq!(names(&path), [reports[0], reports[1], "latest.json"]);
        assert_eq!(std::fs::read_to_string(path.join(reports[1])).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(archive.latest()).unwrap(), "three");
    }

    /// Lost if it fails: a folder that takes nothing would be noticed after the run, or the last good report would be lost with it.
    #[test]
    fn a_folder_that_takes_nothing_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let error = |path: &str| Archive::open(&folder.path().join(path)).unwrap_err().to_string();
        assert!(error("file").contains("file: not a directory"), "{}", error("file"));
        assert!(error("absent/below").contains("absent/below: No such file"), "{}", error("absent/below"));
        let archive = Archive::open(&folder.path().join("reports")).unwrap();
        archive.keep_latest("good").unwrap();
        std::fs::remove_file(archive.latest()).unwrap();
        std::fs::create_dir(archive.latest()).unwrap();
        assert!(archive.keep_latest("next").unwrap_err().to_string().contains("untouched"));
        assert_eq!(names(&folder.path().join("reports")), ["latest.json"]);
    }
}
