//! master.cf: what listens at port 25, and with which options.

use super::lines::{is_space, logical, within_braces};
use super::syntax::address;

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// Its first field: `smtp`, `203.0.113.25:smtp`, `smtpd`.
    pub(super) name: String,
    /// Its second field: `inet`, `pass`, `unix`.
    pub(super) kind: String,
    /// The program, without its path.
    pub(super) program: String,
    /// What `-o` sets.
    pub(super) options: Vec<(String, String)>,
    /// The line (from 1) in which it begins.
    pub(super) line: usize,
}

impl Service {
    /// Whether it listens at port 25 of the network: not only for this machine itself.
    pub(super) fn is_port_25(&self) -> bool {
        let (host, port) = self.name.rsplit_once(':').unwrap_or(("", &self.name));
        let host = host.trim_matches(['[', ']']);
        let is_own = host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|ip| ip.is_loopback());
        self.kind == "inet" && matches!(port, "smtp" | "25") && !is_own
    }
}

/// The services of a file; a line with less than eight fields, which Postfix does not start with, is passed over.
pub(super) fn services(bytes: &[u8]) -> Vec<Service> {
    logical(bytes).iter().filter_map(|line| service(&line.text, line.first())).collect()
}

fn service(text: &str, line: usize) -> Option<Service> {
    let mut fields = text.split(is_space).filter(|field| !field.is_empty());
    let (name, kind) = (fields.next()?, fields.next()?);
    let program = fields.nth(5)?;
    // Arguments may hold blanks within braces.
    let mut arguments = split_at_blanks(text).into_iter().skip(8);
    let mut options = Vec::new();
    while let Some(argument) = arguments.next() {
        let option = match argument {
            "-o" => arguments.next().unwrap_or_default(),
            joined => match joined.strip_prefix("-o") {
                Some(option) => option,
                None => continue,
            },
        };
        let option = within_braces(option).unwrap_or(option);
        if let Some((name, value)) = option.split_once('=') {
            options.push((name.trim_matches(is_space).to_owned(), value.trim_matches(is_space).to_owned()));
        }
    }
    Some(Service { name: name.to_owned(), kind: kind.to_owned(), program: program.to_owned(), options, line })
}

/// `text` cut at white space outside braces; a comma is a part of a value here.
fn split_at_blanks(text: &str) -> Vec<&str> {
    let (mut level, mut start, mut found) = (0_usize, None, Vec::new());
    for (at, character) in text.char_indices() {
        match character {
            '{' => level += 1,
            '}' => level = level.saturating_sub(1),
            _ => {}
        }
        if level == 0 && is_space(character) {
            found.extend(start.take().map(|from| &text[from..at]));
        } else if start.is_none() {
            start = Some(at);
        }
    }
    found.extend(start.map(|from| &text[from..]));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: the options of another service would be judged, or postscreen be overlooked.
    #[test]
    fn services_have_their_options() {
        let text = b"# service type\nsmtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n  -o a=b,$c\n  -o { d = e f }\n\
                     submission inet n - y - - smtpd -o a=x\n192.0.2.1:25 inet n - y - - smtpd -v -oa=b\nshort inet\n";
        let found = services(text);
        let shown: Vec<(&str, &str, bool, usize)> =
            found.iter().map(|one| (one.name.as_str(), one.program.as_str(), one.is_port_25(), one.line)).collect();
        assert_eq!(
            shown,
            [
                ("smtp", "postscreen", true, 2),
                ("smtpd", "smtpd", false, 3),
                ("submission", "smtpd", false, 6),
                ("192.0.2.1:25", "smtpd", true, 7)
            ]
        );
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found[1].options, [pair("a", "b,$c"), pair("d", "e f")]);
        assert_eq!(found[3].options, [pair("a", "b")]);
    }
}
