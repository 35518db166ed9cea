//! Cuts a master file (RFC 1035, section 5.1) into entries of words, each with its line and column.

use super::Fault;

/// How an export of Cloudflare marks records in whose place Cloudflare answers with addresses of its own.
const PROXIED: &[u8] = b"cf-proxied:true";

/// One word of an entry.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// The octets as written: escapes are still in, quotes are not.
    pub(super) raw: Vec<u8>,
    /// It stood in quotes.
    pub(super) quoted: bool,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// One entry: the words of a line, or of several inside parentheses.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The line began with white space: the owner is the one before.
    pub(super) blank_owner: bool,
    pub(super) words: Vec<Word>,
}

/// Every entry of `text`, empty ones left out.
pub(super) fn entries(text: &[u8]) -> Result<Vec<Entry>, Fault> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let (mut found, mut words) = (Vec::new(), Vec::<Word>::new());
    let (mut line, mut begin, mut at) = (1, 0, 0);
    let (mut open, mut blank_owner) = (None, false);
    while let Some(&octet) = text.get(at) {
        let column = at - begin + 1;
        match octet {
            b'\n' => {
                if open.is_none() && !words.is_empty() {
                    found.push(Entry { blank_owner, words: std::mem::take(&mut words) });
                }
                blank_owner &= open.is_some();
                (line, begin) = (line + 1, at + 1);
            }
            b' ' | b'\t' | b'\r' => {
                if column == 1 && octet != b'\r' && open.is_none() {
                    blank_owner = true;
                }
                at += 1;
                continue;
            }
            b';' => {
                let comment = text[at..].split(|octet| *octet == b'\n').next().unwrap_or_default();
                if !words.is_empty() && comment.windows(PROXIED.len()).any(|part| part == PROXIED) {
                    return Err(Fault::at(
                        line,
                        column,
                        "cf-proxied:true: the DNS host answers this name with its own addresses: write those, or take the line out",
                    ));
                }
                at += comment.len();
                continue;
            }
            b'(' if open.is_none() => open = Some((line, column)),
            b'(' => return Err(Fault::at(line, column, "a second “(”: close the first one before it")),
            b')' if open.take().is_some() => {}
            b')' => return Err(Fault::at(line, column, "“)” without “(”: take it out, or open it before")),
            0 => return Err(Fault::at(line, column, "a NUL octet: this is no text; give a zone file in master form")),
            _ => {
                if words.is_empty() && column == 1 {
                    blank_owner = false;
                }
                let quoted = octet == b'"';
                let start = at + usize::from(quoted);
                at = end_of_word(text, start, quoted).ok_or_else(|| {
                    Fault::at(line, column, "a quoted string that does not end on its line: add the “\"”")
                })?;
                words.push(Word { raw: text[start..at].to_vec(), quoted, line, column });
                at += usize::from(quoted);
                continue;
            }
        }
        at += 1;
    }
    if let Some((line, column)) = open {
        return Err(Fault::at(line, column, "“(” is never closed: add the “)”"));
    }
    if !words.is_empty() {
        found.push(Entry { blank_owner, words });
    }
    Ok(found)
}

/// Where the word that starts at `at` ends; nothing if a quoted one does not.
fn end_of_word(text: &[u8], mut at: usize, quoted: bool) -> Option<usize> {
    while let Some(&octet) = text.get(at) {
        match octet {
            b'\n' => return (!quoted).then_some(at),
            b'\\' if text.get(at + 1).is_some_and(|next| *next != b'\n') => at += 1,
            b'"' if quoted => return Some(at),
            b' ' | b'\t' | b'\r' | b';' | b'(' | b')' | b'"' if !quoted => return Some(at),
            _ => {}
        }
        at += 1;
    }
    (!quoted).then_some(at)
}

/// The octets that `word` means: `\DDD` and `\X` resolved; `true` marks an octet that was escaped.
pub(super) fn unescape(word: &Word) -> Result<Vec<(u8, bool)>, Fault> {
    let (mut out, mut rest) = (Vec::new(), word.raw.as_slice());
    let bad =
        || Fault::at(word.line, word.column, "a bad escape: write “\\DDD” (000 to 255) or “\\” and one character");
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        if octet != b'\\' {
            out.push((octet, false));
        } else if rest.first().is_some_and(u8::is_ascii_digit) {
            let digits = rest.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(bad)?;
            out.push((digits.parse().map_err(|_| bad())?, true));
            rest = &rest[3..];
        } else {
            let (&octet, tail) = rest.split_first().ok_or_else(bad)?;
            out.push((octet, true));
            rest = tail;
        }
    }
    Ok(out)
}
