//! Shards of one run, joined into what the whole run would have written.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Head, RowWriter, RowsError, START, Shard, shown, whole_line};

/// Whether the file at `path` begins as a file of rows does.
pub fn is_rows(path: &Path) -> bool {
    use std::io::Read as _;
    let mut first = Vec::new();
    let read = File::open(path).and_then(|file| file.take(START.len() as u64 + 2).read_to_end(&mut first));
    let text = String::from_utf8_lossy(&first);
    read.is_ok() && text.strip_prefix("# ").unwrap_or(&text).starts_with(START)
}

/// One shard, open.
struct Part {
    path: PathBuf,
    lines: BufReader<File>,
    shard: Shard,
    rows: u64,
}

/// Writes the rows of all shards of one run to `out`, in the order of the input.
///
/// # Errors
/// [`RowsError`] if the files are not all the shards of one run, each complete; nothing is written then. Or if one cannot be read or the
/// rows not be written.
pub fn join(paths: &[PathBuf], out: impl Write) -> Result<(), RowsError> {
    let mut head: Option<(Head, &Path)> = None;
    let mut parts: Vec<Part> = Vec::new();
    for path in paths {
        let (found, part) = open(path)?;
        match &head {
            None => head = Some((found, path)),
            Some((first, first_path)) if !is_of_one_run(first, &found) => {
                return Err(RowsError::Misfit(format!(
                    "{} and {} are not of one run: version, addresses, lists or format differ",
                    shown(first_path),
                    shown(path)
                )));
            }
            Some(_) => {}
        }
        if let Some(twin) = parts.iter().find(|other| other.shard.number == part.shard.number) {
            let (one, other) = (shown(&twin.path), shown(path));
            return Err(RowsError::Misfit(format!("{one} and {other} are both shard {}", part.shard)));
        }
        parts.push(part);
    }
    let Some((mut head, _)) = head else { return Err(RowsError::Misfit("there are none".to_owned())) };
    let of = parts.first().map_or(1, |part| part.shard.of);
    let missing: Vec<String> = (1..=of)
        .filter(|number| parts.iter().all(|part| part.shard.number != *number))
        .map(|number| Shard { number, of }.to_string())
        .collect();
    if !missing.is_empty() {
        return Err(RowsError::Misfit(format!("missing: shard {}", missing.join(", "))));
    }
    parts.sort_by_key(|part| part.shard.number);
    let all = parts.iter().map(|part| part.rows).sum();
    if let Some(part) = parts.iter().find(|part| part.shard.count(all) != part.rows) {
        let path = shown(&part.path);
        return Err(RowsError::Misfit(format!("{path} has {} rows, which does not fit the others", part.rows)));
    }
    head.line.shard = None;
    let mut writer = RowWriter::begin(head, out).map_err(RowsError::Joined)?;
    for number in 0..all {
        let place = usize::try_from(number % u64::from(of)).unwrap_or(0);
        let part = &mut parts[place];
        let read = |source| RowsError::Read { path: part.path.clone(), source };
        let Some(row) = whole_line(&mut part.lines).map_err(read)? else { return Err(cut(&part.path)) };
        writer.add(&row).map_err(RowsError::Joined)?;
    }
    writer.end().map_err(RowsError::Joined)?;
    Ok(())
}

fn is_of_one_run(one: &Head, other: &Head) -> bool {
    let shards = |head: &Head| head.shard().map(|shard| shard.of);
    let without = |head: &Head| super::HeadLine { shard: None, ..head.line.clone() };
    one.form == other.form
        && one.columns == other.columns
        && without(one) == without(other)
        && shards(one) == shards(other)
}

/// Opens the shard at `path`, which must be complete.
fn open(path: &Path) -> Result<(Head, Part), RowsError> {
    let read = |source| RowsError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(read)?;
    let last = last_line(&mut file).map_err(read)?;
    let mut lines = BufReader::new(file);
    let head = Head::read(&mut lines).map_err(read)?;
    let Some(head) = head else {
        return Err(RowsError::Misfit(format!("{} is no file of rows", shown(path))));
    };
    let Some(shard) = head.shard() else {
        return Err(RowsError::Misfit(format!("{} is no shard, but the whole", shown(path))));
    };
    let Some(rows) = last.and_then(|line| head.read_end(&line)) else { return Err(cut(path)) };
    Ok((head, Part { path: path.to_owned(), lines, shard, rows }))
}

fn cut(path: &Path) -> RowsError {
    RowsError::Misfit(format!("{} is not complete: its run did not come to its end", shown(path)))
}

/// The last line of a file, if it is as short as an end; reading begins anew after that.
fn last_line(file: &mut File) -> std::io::Result<Option<String>> {
    use std::io::Read as _;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(128)))?;
    let mut tail = Vec::new();
    file.take(128).read_to_end(&mut tail)?;
    file.seek(SeekFrom::Start(0))?;
    let text = String::from_utf8_lossy(&tail);
    Ok(text.strip_suffix('\n').and_then(|text| text.rsplit('\n').next()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::super::{Form, RowFile};
    use super::*;
    use crate::model::TOOL;

    fn write(path: &Path, input: &str, shard: Option<Shard>, form: Form, rows: u64) {
        let head = Head::new(form, "test", TOOL, [input.to_owned()], shard, "number");
        let wanted = shard.map_or(rows, |shard| shard.count(rows));
        let mut file = RowFile::resume(path, head, wanted, |_| {}).unwrap();
        let numbers: Vec<u64> = match shard {
            Some(shard) => shard.of(0..rows).collect(),
            None => (0..rows).collect(),
        };
        numbers.iter().for_each(|number| file.add(&format!("[{number}]")).unwrap());
        file.end().unwrap();
    }

    fn joined(paths: &[PathBuf]) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        join(paths, &mut out).map_err(|error| error.to_string())?;
        Ok(out)
    }

    /// Lost if it fails: what many machines measured would not be what one would have measured.
    #[test]
    fn shards_join_to_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for form in [Form::Ndjson, Form::Csv] {
            for rows in [0, 1, 2, 3, 10, 11, 12] {
                let whole = path(&format!("whole-{form:?}-{rows}"));
                write(&whole, "x", None, form, rows);
                let shards: Vec<PathBuf> = (1..=3)
                    .rev()
                    .map(|number| {
                        let path = path(&format!("{number}-{form:?}-{rows}"));
                        write(&path, "x", Some(Shard { number, of: 3 }), form, rows);
                        path
                    })
                    .collect();
                assert!(shards.iter().all(|path| is_rows(path)));
                assert_eq!(joined(&shards).unwrap(), std::fs::read(&whole).unwrap(), "{rows} rows");
            }
        }
    }

    /// Lost if it fails: a result with a hole in it would look like the whole.
    #[test]
    fn what_does_not_fit_together_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let shard = |name: &str, input: &str, number, of, rows| {
            let path = folder.path().join(name);
            write(&path, input, Some(Shard { number, of }), Form::Ndjson, rows);
            path
        };
        let (one, two, three) = (shard("1", "x", 1, 3, 9), shard("2", "x", 2, 3, 9), shard("3", "x", 3, 3, 9));
        let three_of_more = shard("more", "x", 3, 3, 12);
        let cut = folder.path().join("cut");
        std::fs::write(&cut, &std::fs::read(&three).unwrap()[..150]).unwrap();
        let whole = folder.path().join("whole");
        write(&whole, "x", None, Form::Ndjson, 9);
        let other = shard("other", "y", 3, 3, 9);
        for (paths, said) in [
            (vec![&one, &two], "missing: shard 3/3"),
            (vec![&two], "missing: shard 1/3, 3/3"),
            (vec![&one, &two, &two], "are both shard 2/3"),
            (vec![&one, &two, &other], "are not of one run"),
            (vec![&one, &two, &cut], "is not complete"),
            (vec![&one, &two, &three_of_more], "does not fit"),
            (vec![&whole], "is no shard"),
        ] {
            let paths: Vec<PathBuf> = paths.into_iter().cloned().collect();
            let error = joined(&paths).unwrap_err();
            assert!(error.contains(said), "{said}: {error}");
        }
    }
}
