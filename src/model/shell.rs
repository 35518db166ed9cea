//! Values in commands that people paste into a shell.

use std::net::SocketAddr;

/// `value` as one word of a command (POSIX.1-2024, Shell Command Language, section 2.2): as it is where no shell sees anything else in
/// it, else within single quotes. Nothing for what no quotes make harmless or true: an option, a server or a switch in place of a name
/// (`-`, `@`, `+`), an empty text, and what was made visible or cut.
pub fn word(value: &str) -> Option<String> {
    if value.is_empty()
        || value.starts_with(['-', '@', '+'])
        || value.contains("\\u{")
        || value.ends_with('…')
        || value.contains(char::is_control)
    {
        return None;
    }
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "_-.:/,=@%+".contains(sign);
    if value.chars().all(is_plain) {
        Some(value.to_owned())
    } else {
        Some(format!("'{}'", value.replace('\'', "'\\''")))
    }
}

/// `value` where it is the way to a port of a mail server, as our own checks write it for `openssl s_client`: `-starttls imap -connect
/// 203.0.113.25:143`. Nothing for anything else.
pub fn way(value: &str) -> Option<String> {
    let rest = ["smtp", "imap", "pop3"]
        .iter()
        .find_map(|protocol| value.strip_prefix("-starttls ")?.strip_prefix(protocol)?.strip_prefix(' '))
        .unwrap_or(value);
    let at = rest.strip_prefix("-connect ")?;
    at.parse::<SocketAddr>().ok().map(|_| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: whoever pastes a command of ours runs a stranger's.
    #[test]
    fn a_value_is_one_word() {
        for plain in ["mail.example.co.jp", "203.0.113.25:25", "[2001:db8::25]:25", "a+b@example.jp", "_25._tcp.x"] {
            let quoted = if plain.contains('[') { format!("'{plain}'") } else { plain.to_owned() };
            assert_eq!(word(plain), Some(quoted));
        }
        assert_eq!(word("a b"), Some("'a b'".to_owned()));
        assert_eq!(word("x'; id; '$(id)`id`\\"), Some("'x'\\''; id; '\\''$(id)`id`\\'".to_owned()));
        for other in ["", "-f/etc/passwd", "@192.0.2.1", "+tcp", "a\\u{1b}b", "cut…", "a\nb"] {
            assert_eq!(word(other), None, "{other:?}");
        }
    }

    /// Lost if it fails: the way to a port could not be pasted any more, or anything could be slipped in as one.
    #[test]
    fn a_way_is_ours() {
        for ours in ["-connect 203.0.113.25:993", "-starttls imap -connect [2001:db8::25]:143"] {
            assert_eq!(way(ours), Some(ours.to_owned()));
        }
        for other in
            ["", "-connect $(id)", "-starttls x -connect 1.2.3.4:5", "-connect 1.2.3.4:5 -x", "-proxy 1.2.3.4:5"]
        {
            assert_eq!(way(other), None, "{other:?}");
        }
    }
}
