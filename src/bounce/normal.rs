//! The form in which texts are compared with rules: lower case, single spaces, no codes at continued lines, no local parts.

/// So much of a text is compared, in octets: more than any reply, less than a book.
pub(super) const LONGEST: usize = 16 * 1024;

/// `text` as the rules see it (the head of config/bounces.toml describes it), cut at [`LONGEST`].
pub(super) fn normal(text: &str) -> String {
    let cut = crate::bounce::normal::floor(text, LONGEST);
    let mut out = String::with_capacity(cut.len());
    let ascii = cut.is_ascii();
    let mut first = true;
    for word in cut.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        // "550-5.7.1 See": the code of a continued line. The one that opens the text stays.
        let word = if first { word } else { after_continued_code(word) };
        if word.is_empty() {
            continue;
        }
        if !first {
            out.push(' ');
        }
        first = false;
        let start = out.len();
        if ascii {
            out.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            out.extend(word.chars().flat_map(char::to_lowercase).map(plain));
        }
        if word.contains('@') {
            hide_local_parts(&mut out, start);
        }
    }
    out
}

/// What the other server said, in `text` (as [`normal`] makes it): without the words in which a mail program quotes it, which name
/// hosts, addresses and commands.
pub(super) fn reply(text: &str) -> &str {
    let mut rest = text;
    for quoting in [" said: ", " refused to talk to me: "] {
        if let Some(at) = rest.find(quoting).filter(|at| *at < 200 && rest[..*at].contains("host ")) {
            rest = &rest[at + quoting.len()..];
        }
    }
    // qmail: "192.0.2.5 does not like recipient. Remote host said: 550 no Giving up on 192.0.2.5."
    for quoting in ["does not like recipient. remote host said: ", "after i sent the message. remote host said: "] {
        if let Some(at) = rest.find(quoting).filter(|at| *at < 200) {
            rest = &rest[at + quoting.len()..];
            rest = rest.find(" giving up on ").map_or(rest, |end| &rest[..end]);
        }
    }
    if let Some(at) = rest.find("smtp error from remote ").filter(|at| *at < 200) {
        let bytes = rest.as_bytes();
        let is_code = |at: usize| {
            matches!(bytes.get(at + 2), Some(b'4' | b'5')) && bytes[at + 3..].iter().take(2).all(u8::is_ascii_digit)
        };
        let code = rest[at..].match_indices(": ").map(|(found, _)| at + found).find(|at| is_code(*at));
        rest = code.map_or(rest, |at| &rest[at + 2..]);
    }
    match rest.find(" (in reply to ") {
        // That an address is refused only after the mail was read tells something.
        Some(at) if at > 3 && !rest[at..].contains("end of data") => &rest[..at],
        _ => rest,
    }
}

/// `text` (as [`normal`] makes it) without the addresses of pages, whose words are no reasons.
pub(super) fn without_pages(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains("://") && !text.contains("www.") {
        return text.into();
    }
    let is_page = |word: &str| word.contains("://") || word.contains("www.");
    let words: Vec<&str> = text.split(' ').map(|word| if is_page(word) { "~" } else { word }).collect();
    words.join(" ").into()
}

/// The longest beginning of `text` of at most `longest` octets that ends between characters.
pub(super) fn floor(text: &str, longest: usize) -> &str {
    let mut end = longest.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn plain(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{b4}' | '`' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' => '"',
        '\u{2010}'..='\u{2014}' => '-',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        other => other,
    }
}

/// What follows `550-` or `550-5.7.1` in a word; the word itself where it is neither.
fn after_continued_code(word: &str) -> &str {
    let bytes = word.as_bytes();
    let is_code = bytes.len() >= 4
        && matches!(bytes[0], b'2' | b'4' | b'5')
        && bytes[1].is_ascii_digit()
        && bytes[2].is_ascii_digit()
        && bytes[3] == b'-';
    if !is_code {
        return word;
    }
    let rest = &word[4..];
    if is_enhanced(rest) { "" } else { rest }
}

fn is_enhanced(word: &str) -> bool {
    let mut parts = word.split('.');
    let digits = |part: Option<&str>, most: usize| {
        part.is_some_and(|part| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    digits(parts.next(), 1) && digits(parts.next(), 3) && digits(parts.next(), 3) && parts.next().is_none()
}

/// Makes every local part in the word that begins at `start` an "x": a name must not be taken for a reason.
fn hide_local_parts(out: &mut String, start: usize) {
    let word = out.split_off(start);
    let mut rest = word.as_str();
    while let Some(at) = rest.find('@') {
        let local = &rest[..at];
        let begins = local.rfind(|c: char| "<>()[]{}\"',:;=|".contains(c)).map_or(0, |place| place + 1);
        out.push_str(&local[..begins]);
        if begins < at {
            out.push('x');
        }
        out.push('@');
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: the name of a host, or a word in the address of a help page, is taken for the reason.
    #[test]
    fn only_what_was_said_counts() {
        assert_eq!(reply("host a[192.0.2.1] said: 550 no (in reply to rcpt to command)"), "550 no");
        assert_eq!(reply("host a[192.0.2.1] refused to talk to me: 554 no"), "554 no");
        assert_eq!(
            reply("smtp error from remote mail server after rcpt to:<x@b>: host a [192.0.2.1]: 550 no: x"),
            "550 no: x"
        );
        assert_eq!(
            reply("192.0.2.1 does not like recipient. remote host said: 550 no giving up on 192.0.2.1."),
            "550 no"
        );
        assert_eq!(reply("550 no"), "550 no");
        assert_eq!(without_pages("no, see <https://a.example/spam> or www.b.example/spam x"), "no, see ~ or ~ x");
    }

    /// Lost if it fails: a rule sees the same refusal in one form from a log and in another from a mail.
    #[test]
    fn one_form_for_all_sources() {
        assert_eq!(
            normal("550-5.7.26 This  mail\r\n550-5.7.26 has been\n550 5.7.26 Blocked"),
            "550-5.7.26 this mail has been 550 5.7.26 blocked"
        );
        assert_eq!(
            normal("<Spam.Virus@Example.ORG>: User doesn\u{2019}t exist"),
            "<x@example.org>: user doesn't exist"
        );
        assert_eq!(normal("rfc822;a@b,c@d (x=y@z)"), "rfc822;x@b,x@d (x=x@z)");
        assert_eq!(normal("ＵＳＥＲ ÜBER"), "user über");
        assert_eq!(normal("550-"), "550-");
        assert_eq!(normal(&"é".repeat(LONGEST)).len(), LONGEST);
    }
}
