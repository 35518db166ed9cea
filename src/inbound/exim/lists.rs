//! Lists as Exim splits them (Exim specification, section 6.20), and patterns that a name may match.

/// The items of a list: separated by colons, or by what `<` names at the beginning; a doubled separator stands for itself.
pub(super) fn items(list: &str) -> Vec<String> {
    split(list, None)
}

/// The items of a list that is separated by `separator` and nothing else.
pub(super) fn items_by(list: &str, separator: char) -> Vec<String> {
    split(list, Some(separator))
}

fn split(list: &str, fixed: Option<char>) -> Vec<String> {
    let mut rest = list.trim_start();
    let mut separator = fixed.unwrap_or(':');
    if fixed.is_none()
        && let Some(after) = rest.strip_prefix('<')
        && let Some(chosen) = after.chars().next()
        && (chosen.is_ascii_punctuation() || chosen.is_ascii_control())
    {
        separator = chosen;
        rest = &after[chosen.len_utf8()..];
    }
    let is_space = |c: char| c.is_ascii_whitespace() && c != separator;
    let doubles = !separator.is_ascii_control();
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches(is_space);
        if rest.is_empty() {
            return found;
        }
        let mut item = String::new();
        let mut characters = rest.char_indices().peekable();
        let mut end = rest.len();
        while let Some((at, character)) = characters.next() {
            if character != separator {
                item.push(character);
            } else if doubles && characters.peek().is_some_and(|(_, next)| *next == separator) {
                characters.next();
                item.push(separator);
            } else {
                end = at + separator.len_utf8();
                break;
            }
        }
        found.push(item.trim_end().to_owned());
        rest = &rest[end..];
    }
}

/// Whether `subject` matches a pattern of a domain or string list, whatever the case: `*.example`, `^regular`, or the name itself.
/// Nothing for a lookup, or an expression that cannot be read.
pub(super) fn matches(subject: &str, pattern: &str) -> Option<bool> {
    let subject = subject.to_ascii_lowercase();
    if pattern.starts_with('^') {
        return regex(pattern, false).map(|expression| expression.is_match(&subject));
    }
    if let Some(tail) = pattern.strip_prefix('*') {
        return Some(subject.ends_with(&tail.to_ascii_lowercase()));
    }
    if pattern.contains(';') || pattern.starts_with('@') {
        return None;
    }
    Some(subject == pattern.to_ascii_lowercase())
}

/// Perl's expressions that mean the same here; others do not compile.
pub(super) fn regex(pattern: &str, caseful: bool) -> Option<regex_lite::Regex> {
    regex_lite::RegexBuilder::new(pattern).case_insensitive(!caseful).size_limit(1 << 20).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: zones and addresses would be cut in pieces at other places than Exim cuts them.
    #[test]
    fn lists_are_split_as_exim_splits_them() {
        for (list, expected) in [
            ("a : b", vec!["a", "b"]),
            ("<; 2001:db8::/32 ; b", vec!["2001:db8::/32", "b"]),
            ("2001::db8::::1 : b", vec!["2001:db8::1", "b"]),
            (":", vec![""]),
            (" : a", vec!["", "a"]),
            ("a :", vec!["a"]),
            ("", vec![]),
            ("<, a , b", vec!["a", "b"]),
            ("a::b", vec!["a:b"]),
            ("x/[IPv6:2001:db8::1]", vec!["x/[IPv6", "2001", "db8:1]"]),
        ] {
            assert_eq!(items(list), expected, "{list}");
        }
        assert_eq!(items_by("127.0.0.2, 127.0.0.3", ','), ["127.0.0.2", "127.0.0.3"]);
    }

    /// Lost if it fails: a host that is let in by its name would be called refused.
    #[test]
    fn patterns_match_names() {
        for (subject, pattern, expected) in [
            ("mail.example.org", "*.example.org", Some(true)),
            ("Mail.example.org", "mail.EXAMPLE.org", Some(true)),
            ("badexample.org", "*example.org", Some(true)),
            ("example.org", "*.example.org", Some(false)),
            ("a1.dyn.example", "^a\\d+\\.dyn", Some(true)),
            ("a", "lsearch;/etc/x", None),
            ("a", "^(?<=x)a", None),
        ] {
            assert_eq!(matches(subject, pattern), expected, "{subject} {pattern}");
        }
    }
}
