//! Writing rows: into a file that can be continued, or wherever else they go.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::lock::Lock;
use super::{Head, RowsError, whole_line};

/// Rows on their way to `W`.
#[derive(Debug)]
pub struct RowWriter<W> {
    head: Head,
    out: W,
    rows: u64,
}

impl<W: Write> RowWriter<W> {
    /// Writes the head.
    ///
    /// # Errors
    /// What the system said.
    pub fn begin(head: Head, mut out: W) -> io::Result<Self> {
        out.write_all(head.text().as_bytes())?;
        Ok(Self { head, out, rows: 0 })
    }

    /// Writes a row. What would make two lines of it is left out.
    ///
    /// # Errors
    /// What the system said.
    pub fn add(&mut self, row: &str) -> io::Result<()> {
        self.rows += 1;
        for part in row.split(['\n', '\r']) {
            self.out.write_all(part.as_bytes())?;
        }
        self.out.write_all(b"\n")
    }

    /// Lets go of what is kept back.
    ///
    /// # Errors
    /// What the system said.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes the end.
    ///
    /// # Errors
    /// What the system said.
    pub fn end(mut self) -> io::Result<W> {
        self.out.write_all(self.head.end(self.rows).as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A file of rows that can be continued after it was cut off anywhere.
#[derive(Debug)]
pub struct RowFile {
    path: PathBuf,
    /// Nothing once the file is complete.
    writer: Option<RowWriter<BufWriter<File>>>,
    rows: u64,
    _lock: Lock,
}

impl RowFile {
    /// Opens the file at `path` for the rows that `head` belongs to, `wanted` in all, or makes it. A last line that is not whole is cut
    /// off. `each` sees every row that is there already.
    ///
    /// # Errors
    /// [`RowsError`] if it cannot be read or written, another run is writing to it, or it holds something else, or rows of another run.
    /// It is unchanged then.
    pub fn resume(path: &Path, head: Head, wanted: u64, mut each: impl FnMut(&str)) -> Result<Self, RowsError> {
        let read = |source| RowsError::Read { path: path.to_owned(), source };
        let write = |source| RowsError::Write { path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(read)?;
        let lock = Lock::take(&file).map_err(read)?.ok_or_else(|| RowsError::InUse(path.to_owned()))?;
        let text = head.text();
        let length = file.metadata().map_err(read)?.len();
        let mut lines = BufReader::new(&file);
        let Some(found) = Head::read(&mut lines).map_err(read)? else {
            // Cut off within its head, or new.
            if length > text.len() as u64 || !begins(&mut file, text.as_bytes(), length).map_err(read)? {
                return Err(RowsError::NotRows(path.to_owned()));
            }
            file.set_len(0).map_err(write)?;
            file.seek(SeekFrom::Start(0)).map_err(write)?;
            let mut writer = RowWriter::begin(head, BufWriter::new(file)).map_err(write)?;
            writer.flush().map_err(write)?;
            return Ok(Self { path: path.to_owned(), writer: Some(writer), rows: 0, _lock: lock });
        };
        // A heading that was cut off is as good as none.
        let is_same = found.line == head.line && found.form == head.form;
        if !is_same || found.columns.as_ref().is_some_and(|columns| head.columns.as_ref() != Some(columns)) {
            return Err(RowsError::Other { path: path.to_owned(), why: difference(&found, &head) });
        }
        let mut whole = text.len() as u64;
        let mut rows = 0;
        let mut is_complete = false;
        while found.columns == head.columns
            && let Some(line) = whole_line(&mut lines).map_err(read)?
        {
            if let Some(end) = head.read_end(&line) {
                is_complete = end == rows;
                break;
            }
            each(&line);
            rows += 1;
            whole += line.len() as u64 + 1;
        }
        if rows > wanted || is_complete && rows != wanted {
            return Err(RowsError::TooMany { path: path.to_owned(), found: rows, wanted });
        }
        if is_complete {
            return Ok(Self { path: path.to_owned(), writer: None, rows, _lock: lock });
        }
        if found.columns != head.columns {
            whole = 0;
        }
        file.set_len(whole).map_err(write)?;
        file.seek(SeekFrom::Start(whole)).map_err(write)?;
        let mut out = BufWriter::new(file);
        if whole == 0 {
            out.write_all(text.as_bytes()).map_err(write)?;
        }
        Ok(Self { path: path.to_owned(), writer: Some(RowWriter { head, out, rows }), rows, _lock: lock })
    }

    /// How many rows were there when it was opened.
    pub fn rows_before(&self) -> u64 {
        self.rows
    }

    /// Whether no row is missing.
    pub fn is_complete(&self) -> bool {
        self.writer.is_none()
    }

    /// Writes a row; it is in the file after the next [`RowFile::flush`].
    ///
    /// # Errors
    /// [`RowsError::Write`]; the file can be continued.
    pub fn add(&mut self, row: &str) -> Result<(), RowsError> {
        self.with(|writer| writer.add(row))
    }

    /// Puts what is kept back into the file.
    ///
    /// # Errors
    /// [`RowsError::Write`]; the file can be continued.
    pub fn flush(&mut self) -> Result<(), RowsError> {
        self.with(RowWriter::flush)
    }

    /// Writes the end and has it reach the disk.
    ///
    /// # Errors
    /// [`RowsError::Write`]; the file can be continued.
    pub fn end(mut self) -> Result<(), RowsError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let ended = writer.end().and_then(|out| out.into_inner().map_err(io::IntoInnerError::into_error));
        ended.and_then(|file| file.sync_all()).map_err(|source| RowsError::Write { path: self.path, source })
    }

    fn with(&mut self, work: impl FnOnce(&mut RowWriter<BufWriter<File>>) -> io::Result<()>) -> Result<(), RowsError> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        work(writer).map_err(|source| RowsError::Write { path: self.path.clone(), source })
    }
}

/// Whether the first `length` octets of `file` are those of `text`.
fn begins(file: &mut File, text: &[u8], length: u64) -> io::Result<bool> {
    use std::io::Read as _;
    let mut found = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    (&*file).take(length).read_to_end(&mut found)?;
    Ok(text.starts_with(&found))
}

fn difference(found: &Head, wanted: &Head) -> String {
    let (one, other) = (&found.line, &wanted.line);
    let shard = |line: &super::HeadLine| line.shard.clone().unwrap_or_else(|| "the whole".to_owned());
    let why = if one.rows != other.rows {
        format!("it was written by `{}`", one.rows)
    } else if one.version != other.version {
        format!("it was written by version {}, and this is {}", one.version, other.version)
    } else if found.form != wanted.form || found.columns != wanted.columns {
        "it has another format".to_owned()
    } else if one.shard != other.shard {
        format!("it is shard {}, and this run is {}", shard(one), shard(other))
    } else {
        "it is the result of another run: other addresses, other lists, or another resolver".to_owned()
    };
    crate::model::visible(&why)
}

#[cfg(test)]
mod tests {
    use super::super::{Form, Shard};
    use super::*;
    use crate::model::TOOL;

    fn head(form: Form, input: &str, shard: Option<Shard>) -> Head {
        Head::new(form, "test", TOOL, [input.to_owned()], shard, "a,b")
    }

    fn write(path: &Path, head: Head, rows: u32, upto: u32) -> Result<Vec<String>, RowsError> {
        let mut before = Vec::new();
        let mut file = RowFile::resume(path, head, rows.into(), |row| before.push(row.to_owned()))?;
        let first = u32::try_from(file.rows_before()).unwrap();
        for number in first..upto {
            file.add(&format!("row,{number}"))?;
        }
        if upto == rows {
            file.end()?;
        } else {
            file.flush()?;
        }
        Ok(before)
    }

    /// Lost if it fails: after a kill rows would be missing, doubled, or torn.
    #[test]
    fn a_file_that_was_cut_anywhere_is_continued_to_the_same_octets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        for form in [Form::Ndjson, Form::Csv] {
            let _ = std::fs::remove_file(&path);
            write(&path, head(form, "x", None), 12, 12).unwrap();
            let whole = std::fs::read(&path).unwrap();
            for cut in 0..=whole.len() {
                std::fs::write(&path, &whole[..cut]).unwrap();
                let before = write(&path, head(form, "x", None), 12, 12).unwrap();
                assert!(before.iter().zip(0..).all(|(row, number)| *row == format!("row,{number}")));
                assert_eq!(std::fs::read(&path).unwrap(), whole, "{form:?} cut at {cut}");
            }
        }
    }

    /// Lost if it fails: the results of two sweeps would be mixed in one file, or a stranger's file be destroyed.
    #[test]
    fn what_belongs_to_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let whole = head(Form::Ndjson, "x", None);
        write(&path, whole.clone(), 4, 2).unwrap();
        let before = std::fs::read(&path).unwrap();
        for (other, said) in [
            (head(Form::Ndjson, "y", None), "another run"),
            (head(Form::Csv, "x", None), "another format"),
            (head(Form::Ndjson, "x", Some(Shard { number: 1, of: 2 })), "it is shard the whole, and this run is 1/2"),
        ] {
            let error = write(&path, other, 4, 4).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), before);
        }
        assert!(matches!(write(&path, whole.clone(), 1, 1), Err(RowsError::TooMany { found: 2, wanted: 1, .. })));
        for stranger in ["a letter\n", "a letter", "{\"rows\":3}\n", "\n"] {
            std::fs::write(&path, stranger).unwrap();
            assert!(matches!(write(&path, whole.clone(), 4, 4), Err(RowsError::NotRows(_))), "{stranger:?}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), stranger);
        }
        // A head of another length, behind which the rows would be cut in the wrong place.
        let longer = whole.text().replacen('}', ",\"more\":1}", 1) + "{\"ip\":\"192.0.2.1\"}\n";
        std::fs::write(&path, &longer).unwrap();
        assert!(matches!(write(&path, whole, 4, 4), Err(RowsError::NotRows(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), longer);
    }

    /// Lost if it fails: two runs would write their rows into each other's lines.
    #[cfg(unix)]
    #[test]
    fn a_file_belongs_to_one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let mut first = RowFile::resume(&path, head(Form::Ndjson, "x", None), 2, |_| {}).unwrap();
        first.add("row,0").unwrap();
        first.flush().unwrap();
        let before = std::fs::read(&path).unwrap();
        let second = RowFile::resume(&path, head(Form::Ndjson, "x", None), 2, |_| {});
        assert!(matches!(&second, Err(RowsError::InUse(_))), "{second:?}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        drop(first);
        assert_eq!(write(&path, head(Form::Ndjson, "x", None), 2, 2).unwrap(), ["row,0"]);
    }

    /// Lost if it fails: a full disk would pass unnoticed.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut writer = RowWriter::begin(head(Form::Ndjson, "x", None), BufWriter::new(full)).unwrap();
        writer.add("row").unwrap();
        assert_eq!(writer.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
