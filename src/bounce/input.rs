//! What was given: one mail, a file of many (mbox), or pasted lines; told apart by how it begins.

use super::event::Event;
use super::{log, mail};

/// So much of an input is read, in octets; what is longer is cut.
pub const LONGEST_INPUT: usize = 64 << 20;
/// So many mails of one file are read.
const MOST_MAILS: usize = 10_000;

/// The refusals in `input`, in order.
pub fn events(input: &[u8]) -> Vec<Event> {
    let input = one_line_end(&input[..input.len().min(LONGEST_INPUT)]);
    if input.starts_with(b"From ") && input.iter().take(1000).any(|byte| *byte == b'\n') {
        return mails(&input).into_iter().take(MOST_MAILS).flat_map(mail::events).collect();
    }
    if mail::begins_like_one(&input) {
        return mail::events(&input);
    }
    log::events(&text(&input))
}

/// `input` with every line end as LF: CR LF, CR alone, and mixtures.
fn one_line_end(input: &[u8]) -> Vec<u8> {
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let mut out = Vec::with_capacity(input.len());
    let mut rest = input;
    while let Some(at) = memchr::memchr(b'\r', rest) {
        out.extend_from_slice(&rest[..at]);
        // "\r\r\n", as some programs write it, is one line end.
        let ends = rest[at..].iter().take_while(|byte| **byte == b'\r').count();
        let lf = rest.get(at + ends) == Some(&b'\n');
        let lines = if lf { 1 } else { ends };
        out.extend(std::iter::repeat_n(b'\n', lines));
        rest = &rest[at + ends + usize::from(lf)..];
    }
    out.extend_from_slice(rest);
    out
}

/// The mails of an mbox file, each without its "From " line.
fn mails(input: &[u8]) -> Vec<&[u8]> {
    let finder = memchr::memmem::Finder::new(b"\n\nFrom ");
    let mut starts = vec![0];
    starts.extend(finder.find_iter(input).take(MOST_MAILS).map(|at| at + 2));
    let ends = starts.iter().skip(1).copied().chain([input.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let mail = &input[*start..end];
            memchr::memchr(b'\n', mail).map_or(&mail[mail.len()..], |line| &mail[line + 1..])
        })
        .filter(|mail| !mail.is_empty())
        .collect()
}

/// `bytes` as text: UTF-8, or ISO-2022-JP where its escape sequences stand in it.
pub(super) fn text(bytes: &[u8]) -> String {
    if memchr::memmem::find(bytes, b"\x1b$").is_some()
        && let Some(decode) = mail_parser::decoders::charsets::map::charset_decoder(b"iso-2022-jp")
    {
        return decode(bytes);
    }
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a mail saved on an old system is one endless line, and nothing in it is found.
    #[test]
    fn line_ends_become_one_kind() {
        assert_eq!(one_line_end(b"a\r\nb\rc\nd\r\r\ne\r"), b"a\nb\nc\nd\ne\n");
        assert_eq!(one_line_end(b"a\r\rb"), b"a\n\nb");
    }

    /// Lost if it fails: of a whole mailbox, one mail is explained.
    #[test]
    fn an_mbox_is_cut_at_its_separators() {
        let mbox = b"From a Thu Jan  1\nSubject: 1\n\nx\n\nFrom b Thu Jan  1\nSubject: 2\n\ny\n";
        let mails: Vec<_> = mails(mbox).iter().map(|mail| String::from_utf8_lossy(mail).into_owned()).collect();
        assert_eq!(mails, ["Subject: 1\n\nx\n\n", "Subject: 2\n\ny\n"]);
    }
}
