//! Exim's string expansion, as far as it can be known before anybody connects (Exim specification, chapter 11).

/// How deep expansions may stand in each other.
const DEEPEST: usize = 32;
/// The longest expansion, in octets.
const LONGEST: usize = 256 * 1024;

/// What a text expands to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expanded {
    /// This.
    Known(String),
    /// Something that is not known: here is the part on which it depends.
    Unknown(String),
    /// `fail` was reached: the condition does not count.
    Forced,
}

/// What a text may ask for.
pub(super) trait Surroundings {
    /// The value of a variable; nothing where it is not known.
    fn variable(&self, name: &str) -> Option<String>;
    /// Whether a file exists on the server; nothing where it is not known.
    fn exists(&self, path: &str) -> Option<bool>;
}

/// Expands `text`.
pub(super) fn expand(text: &str, around: &dyn Surroundings) -> Expanded {
    match (Expander { around, lenient: false }).text(text, 0) {
        Ok(text) => Expanded::Known(text),
        Err(Stop::Unknown(part)) => Expanded::Unknown(part),
        Err(Stop::Forced) => Expanded::Forced,
    }
}

/// `text` with everything replaced that is known, and the rest as it is written.
pub(super) fn expand_known(text: &str, around: &dyn Surroundings) -> String {
    Expander { around, lenient: true }.text(text, 0).unwrap_or_else(|_| text.to_owned())
}

enum Stop {
    Unknown(String),
    Forced,
}

fn unknown<T>(part: &str) -> Result<T, Stop> {
    Err(Stop::Unknown(part.chars().take(200).collect()))
}

struct Expander<'a> {
    around: &'a dyn Surroundings,
    lenient: bool,
}

impl Expander<'_> {
    fn text(&self, text: &str, depth: usize) -> Result<String, Stop> {
        if depth > DEEPEST {
            return unknown(text);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['\\', '$']) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let (value, after) = if rest.starts_with('\\') { escape(rest) } else { self.dollar(rest, depth)? };
            out.push_str(&value);
            if out.len() > LONGEST {
                return unknown(text);
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The item at the `$` with which `rest` begins, and what stands behind it.
    fn dollar<'t>(&self, rest: &'t str, depth: usize) -> Result<(String, &'t str), Stop> {
        let after = &rest[1..];
        let (written, behind, value) = if after.starts_with('{') {
            let Some((inner, behind)) = braced(after) else { return unknown(rest) };
            (&rest[..rest.len() - behind.len()], behind, self.item(inner.trim(), depth + 1))
        } else {
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
            let (name, behind) = after.split_at(end);
            let value = self.around.variable(name).map_or_else(|| unknown(&rest[..=end]), Ok);
            (&rest[..=end], behind, value)
        };
        match value {
            Ok(value) => Ok((value, behind)),
            Err(Stop::Unknown(_)) if self.lenient => Ok((written.to_owned(), behind)),
            Err(stop) => Err(stop),
        }
    }

    /// What stands between `${` and `}`.
    fn item(&self, inner: &str, depth: usize) -> Result<String, Stop> {
        let whole = || unknown(&format!("${{{inner}}}"));
        if let Some(body) = inner.strip_prefix("if").filter(|body| body.starts_with([' ', '\t', '\n', '!'])) {
            let (holds, rest) = self.condition(body, depth)?;
            return self.branch(holds, rest, depth);
        }
        let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
        let (name, rest) = inner.split_at(end);
        if rest.trim().is_empty() {
            return self.around.variable(name).map_or_else(whole, Ok);
        }
        let Some(argument) = rest.strip_prefix(':') else { return whole() };
        let argument = self.text(argument, depth)?;
        match name {
            "lc" => Ok(argument.to_ascii_lowercase()),
            "uc" => Ok(argument.to_ascii_uppercase()),
            "eval" | "eval10" => sum(&argument).map_or_else(whole, |sum| Ok(sum.to_string())),
            "domain" => Ok(argument.rsplit_once('@').map_or("", |(_, domain)| domain).to_owned()),
            "strlen" => Ok(argument.len().to_string()),
            _ => whole(),
        }
    }

    fn branch(&self, holds: bool, rest: &str, depth: usize) -> Result<String, Stop> {
        let rest = rest.trim();
        if rest.is_empty() {
            return Ok(if holds { "true".to_owned() } else { String::new() });
        }
        let Some((yes, rest)) = braced(rest) else { return unknown(rest) };
        if holds {
            return self.text(yes, depth + 1);
        }
        match rest.trim() {
            "" => Ok(String::new()),
            "fail" => Err(Stop::Forced),
            rest => match braced(rest) {
                Some((no, _)) => self.text(no, depth + 1),
                None => unknown(rest),
            },
        }
    }

    /// Whether the condition at the beginning of `text` holds, and what stands behind it.
    fn condition<'t>(&self, text: &'t str, depth: usize) -> Result<(bool, &'t str), Stop> {
        let text = text.trim_start();
        if depth > DEEPEST {
            return unknown(text);
        }
        if let Some(rest) = text.strip_prefix('!') {
            let (holds, rest) = self.condition(rest, depth + 1)?;
            return Ok((!holds, rest));
        }
        // The whole may stand in braces of its own.
        if text.starts_with('{')
            && let Some((inner, behind)) = braced(text)
        {
            return Ok((self.condition(inner, depth + 1)?.0, behind));
        }
        let end = text.find(['{', ':', ' ', '\t', '\n']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if name == "def" {
            let rest = rest.trim_start_matches(':');
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (name, rest) = rest.split_at(end);
            return self.around.variable(name).map_or_else(|| unknown(name), |value| Ok((!value.is_empty(), rest)));
        }
        let Some((first, rest)) = braced(rest.trim_start()) else { return unknown(text) };
        match name {
            "and" | "or" => Ok((self.all(first, name == "and", depth)?, rest)),
            "exists" => {
                let path = self.text(first, depth + 1)?;
                self.around.exists(&path).map_or_else(|| unknown(&format!("exists{{{path}}}")), |is| Ok((is, rest)))
            }
            "bool" | "bool_lax" => match self.text(first, depth + 1)?.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" => Ok((true, rest)),
                "false" | "no" | "" => Ok((false, rest)),
                number => number.parse::<i64>().map_or_else(|_| unknown(text), |number| Ok((number != 0, rest))),
            },
            "isip" | "isip4" | "isip6" => {
                let ip = self.text(first, depth + 1)?.parse::<std::net::IpAddr>();
                Ok((ip.is_ok_and(|ip| name == "isip" || (name == "isip4") == ip.is_ipv4()), rest))
            }
            _ => {
                let Some((second, rest)) = braced(rest.trim_start()) else { return unknown(text) };
                let (first, second) = (self.text(first, depth + 1)?, self.text(second, depth + 1)?);
                compare(name, &first, &second).map_or_else(|| unknown(text), |holds| Ok((holds, rest)))
            }
        }
    }

    /// `and` and `or`: one that decides lets the unknown ones be.
    fn all(&self, mut list: &str, and: bool, depth: usize) -> Result<bool, Stop> {
        let mut open = None;
        while let Some((inner, behind)) = braced(list.trim_start()) {
            match self.condition(inner, depth + 1) {
                Ok((holds, _)) if holds != and => return Ok(!and),
                Ok(_) => {}
                Err(stop) => open = open.or(Some(stop)),
            }
            list = behind;
        }
        open.map_or(Ok(and), Err)
    }
}

fn compare(name: &str, first: &str, second: &str) -> Option<bool> {
    match name {
        "eq" => return Some(first == second),
        "eqi" => return Some(first.eq_ignore_ascii_case(second)),
        // Unlike in lists, capitals are others than small letters.
        "match" => return super::lists::regex(second, true).map(|expression| expression.is_match(first)),
        "inlist" | "inlisti" => {
            let same = |item: &String| if name == "inlist" { item == first } else { item.eq_ignore_ascii_case(first) };
            return Some(super::lists::items(second).iter().any(same));
        }
        _ => {}
    }
    let number = |text: &str| if text.trim().is_empty() { Some(0) } else { text.trim().parse::<i64>().ok() };
    let (first, second) = (number(first)?, number(second)?);
    match name {
        "=" | "==" => Some(first == second),
        "<" => Some(first < second),
        "<=" => Some(first <= second),
        ">" => Some(first > second),
        ">=" => Some(first >= second),
        _ => None,
    }
}

/// A sum of whole numbers: all the arithmetic that scores need.
fn sum(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut sign = 1;
    let mut rest = text.trim();
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if end == 0 {
            // A sign before a number, or before another sign.
            sign = match rest.chars().next()? {
                '-' => -sign,
                '+' => sign,
                _ => return None,
            };
            rest = rest[1..].trim_start();
            continue;
        }
        total = total.checked_add(sign * rest[..end].parse::<i64>().ok()?)?;
        rest = rest[end..].trim_start();
        sign = match rest.chars().next() {
            None => return Some(total),
            Some('+') => 1,
            Some('-') => -1,
            Some(_) => return None,
        };
        rest = rest[1..].trim_start();
    }
}

/// What stands between the brace with which `text` begins and the one that closes it, and what stands behind that.
fn braced(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some((&text[1..at], &text[at + 1..]));
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// What the escape at the beginning of `rest` stands for, and what stands behind it.
fn escape(rest: &str) -> (String, &str) {
    let Some(next) = rest[1..].chars().next() else { return ("\\".to_owned(), "") };
    let behind = &rest[1 + next.len_utf8()..];
    match next {
        // As it is, up to the next \N.
        'N' => match behind.find("\\N") {
            Some(end) => (behind[..end].to_owned(), &behind[end + 2..]),
            None => (behind.to_owned(), ""),
        },
        'n' => ("\n".to_owned(), behind),
        't' => ("\t".to_owned(), behind),
        'r' => ("\r".to_owned(), behind),
        other => (other.to_string(), behind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Surroundings for Fixed {
        fn variable(&self, name: &str) -> Option<String> {
            let value = match name {
                "sender_host_address" => "192.0.2.1",
                "empty" => "",
                "rcpt_count" => "1",
                "score" => "7",
                _ => return None,
            };
            Some(value.to_owned())
        }

        fn exists(&self, path: &str) -> Option<bool> {
            match path {
                "/here" => Some(true),
                "/absent" => Some(false),
                _ => None,
            }
        }
    }

    /// Lost if it fails: a condition that Exim takes one way would be predicted the other way.
    #[test]
    fn what_is_known_is_expanded() {
        for (text, expected) in [
            ("plain", "plain"),
            ("$sender_host_address is bad", "192.0.2.1 is bad"),
            ("${sender_host_address}x", "192.0.2.1x"),
            ("${if exists{/here}{/here}{}}", "/here"),
            ("${if exists{/absent}{${lookup{x}lsearch{/absent}}}{}}", ""),
            ("${if and {{>{$rcpt_count}{10}}{<{$unknown}{2}}}}", ""),
            ("${if or {{eq{a}{a}}{def:unknown}} {yes}{no}}", "yes"),
            ("${if !def:empty {a}{b}}", "a"),
            ("${if !eq{a}{b}}", "true"),
            ("${eval:$score+3 - 1}", "9"),
            ("${if >={$score}{7}{1}{0}}", "1"),
            ("${lc:ABC}", "abc"),
            ("a\\$b \\N$x\\N", "a$b $x"),
            ("${if match{mail.dyn.example}{\\N^mail\\.\\N}{1}{0}}", "1"),
            ("${if match{a mail.dyn.example}{\\N^mail\\.\\N}{1}{0}}", "0"),
            ("${if match{mail.dyn.example}{DYN|[A-Z]}{1}{0}}", "0"),
            ("${if match{mail.dyn.example}{dyn}{1}{0}}", "1"),
        ] {
            assert_eq!(expand(text, &Fixed), Expanded::Known(expected.to_owned()), "{text}");
        }
    }

    /// Lost if it fails: a guess would pass for knowledge.
    #[test]
    fn what_is_not_known_says_so() {
        for text in [
            "$unknown",
            "${lookup mysql{select 1}}",
            "${if eq{$unknown}{a}{x}{y}}",
            "${if exists{/elsewhere}{x}{}}",
            "${unclosed",
            "${eval:2*3}",
            "${if and {{eq{a}{a}}{def:unknown}}}",
        ] {
            assert!(matches!(expand(text, &Fixed), Expanded::Unknown(_)), "{text}");
        }
        assert_eq!(expand("${if eq{a}{b}{x}fail}", &Fixed), Expanded::Forced);
        assert_eq!(expand_known("$unknown: $sender_host_address", &Fixed), "$unknown: 192.0.2.1");
        let deep = "${if eq{a}{a}{".repeat(5000);
        assert!(matches!(expand(&deep, &Fixed), Expanded::Unknown(_)));
    }
}
