//! `$name`, `${name?yes:no}` and comparisons in main.cf, as Postfix 3.7 evaluates them (mac_expand.c).

use super::lines::is_space;

/// How deep parameters may name each other: Postfix's own bound.
const DEEPEST: usize = 100;
/// How many octets and steps one value may cost.
const BUDGET: usize = 1 << 20;

/// Why a value cannot be known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpandError {
    /// Parameters that name each other in a circle: Postfix does not start with them.
    #[error("the parameters name each other in a circle: {0}")]
    Loop(String),
    /// It grows beyond all measure.
    #[error("the value is longer than 1 MiB, or is made of more parts than that")]
    Size,
    /// No expression that Postfix knows.
    #[error("it has an expression that cannot be read")]
    Syntax,
    /// The parameter has a default that only the server itself knows.
    #[error("the parameter {0} is not set, and its default depends on the server")]
    Machine(String),
}

/// Finds the raw value of a parameter; nothing if there is no such parameter.
pub(super) type Raw<'a> = dyn Fn(&str) -> Result<Option<String>, ExpandError> + 'a;

/// `text` with everything in it replaced. `recursive`: what comes in is expanded again (main.cf); else it is taken as it is (replies).
///
/// # Errors
/// [`ExpandError`] says why not.
pub(super) fn expand(text: &str, raw: &Raw<'_>, recursive: bool) -> Result<String, ExpandError> {
    let mut expander = Expander { raw, recursive, within: Vec::new(), budget: BUDGET, out: String::new() };
    expander.text(text)?;
    Ok(expander.out)
}

struct Expander<'a> {
    raw: &'a Raw<'a>,
    recursive: bool,
    /// The parameters whose values are being expanded.
    within: Vec<String>,
    budget: usize,
    out: String,
}

impl Expander<'_> {
    fn spend(&mut self, octets: usize) -> Result<(), ExpandError> {
        self.budget = self.budget.checked_sub(octets + 1).ok_or(ExpandError::Size)?;
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), ExpandError> {
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (literal, from) = rest.split_at(at);
            self.literal(literal)?;
            let after = &from[1..];
            if let Some(after) = after.strip_prefix('$') {
                self.literal("$")?;
                rest = after;
                continue;
            }
            let (expression, after) = reference(after).ok_or(ExpandError::Syntax)?;
            self.expression(expression)?;
            rest = after;
        }
        self.literal(rest)
    }

    fn literal(&mut self, text: &str) -> Result<(), ExpandError> {
        self.spend(text.len())?;
        self.out.push_str(text);
        Ok(())
    }

    /// What stands between the braces, or a bare name.
    fn expression(&mut self, expression: &str) -> Result<(), ExpandError> {
        self.spend(0)?;
        let wrong = || ExpandError::Syntax;
        let trimmed = expression.trim_start_matches(is_space);
        let (value, name, rest) = if trimmed.starts_with('{') {
            let (holds, rest) = self.comparison(trimmed)?;
            (Some(if holds { "true" } else { "" }.to_owned()), None, rest)
        } else {
            let end = trimmed.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(trimmed.len());
            let (name, rest) = trimmed.split_at(end);
            if name.is_empty() {
                return Err(wrong());
            }
            ((self.raw)(name)?, Some(name), rest)
        };
        let rest = rest.trim_start_matches(is_space);
        let filled = value.as_deref().is_some_and(|value| !value.is_empty());
        if rest.is_empty() {
            return match value {
                Some(value) if filled => self.value(name, &value),
                _ => Ok(()),
            };
        }
        let (yes, no) = branches(rest).ok_or_else(wrong)?;
        match if filled { yes } else { no } {
            Some(chosen) => self.text(chosen),
            None => Ok(()),
        }
    }

    fn value(&mut self, name: Option<&str>, value: &str) -> Result<(), ExpandError> {
        let Some(name) = name.filter(|_| self.recursive) else { return self.literal(value) };
        if self.within.iter().any(|outer| outer == name) {
            let circle = self.within.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(" → ");
            return Err(ExpandError::Loop(short(&circle)));
        }
        if self.within.len() >= DEEPEST {
            return Err(ExpandError::Size);
        }
        self.within.push(name.to_owned());
        self.text(value)?;
        self.within.pop();
        Ok(())
    }

    /// `{left} <operator> {right}`, and what stands behind it.
    fn comparison<'t>(&mut self, text: &'t str) -> Result<(bool, &'t str), ExpandError> {
        let wrong = || ExpandError::Syntax;
        let (left, rest) = braced(text).ok_or_else(wrong)?;
        let rest = rest.trim_start_matches(is_space);
        let end = rest.find(|c| !"<>!=".contains(c)).ok_or_else(wrong)?;
        let (operator, rest) = rest.split_at(end);
        let (by_level, rest) = rest.strip_prefix("level").map_or((false, rest), |rest| (true, rest));
        let (right, rest) = braced(rest.trim_start_matches(is_space)).ok_or_else(wrong)?;
        let [left, right] = [self.apart(left)?, self.apart(right)?];
        let order = if by_level {
            level(&left).ok_or_else(wrong)?.cmp(&level(&right).ok_or_else(wrong)?)
        } else {
            match (number(&left), number(&right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => left.cmp(&right),
            }
        };
        let holds = match operator {
            "==" => order.is_eq(),
            "!=" => order.is_ne(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">=" => order.is_ge(),
            ">" => order.is_gt(),
            _ => return Err(wrong()),
        };
        Ok((holds, rest))
    }

    /// `text` expanded, but not into the result.
    fn apart(&mut self, text: &str) -> Result<String, ExpandError> {
        let before = std::mem::take(&mut self.out);
        self.text(text)?;
        Ok(std::mem::replace(&mut self.out, before))
    }
}

/// The expression behind a `$`, and what follows.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (open, close) = match text.as_bytes().first()? {
        b'{' => ('{', '}'),
        b'(' => ('(', ')'),
        _ => {
            let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
            return (end > 0).then(|| text.split_at(end));
        }
    };
    let (inner, rest) = balanced(text, open, close)?;
    (!inner.is_empty()).then_some((inner, rest))
}

/// The inside of the pair that `text` begins with, and what follows.
fn balanced(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    let mut level = 0_usize;
    for (at, character) in text.char_indices() {
        if character == open {
            level += 1;
        } else if character == close {
            level -= 1;
            if level == 0 {
                return Some((&text[1..at], &text[at + 1..]));
            }
        }
    }
    None
}

fn braced(text: &str) -> Option<(&str, &str)> {
    text.starts_with('{').then(|| balanced(text, '{', '}'))?
}

/// `?yes`, `:no` or `?{yes}:{no}`.
fn branches(text: &str) -> Option<(Option<&str>, Option<&str>)> {
    if let Some(no) = text.strip_prefix(':') {
        let (no, rest) = branch(no)?;
        return rest.is_empty().then_some((None, Some(no)));
    }
    let (yes, rest) = branch(text.strip_prefix('?')?)?;
    if rest.is_empty() {
        return Some((Some(yes), None));
    }
    let (no, rest) = branch(rest.strip_prefix(':')?)?;
    rest.is_empty().then_some((Some(yes), Some(no)))
}

/// One result, in braces or all that is left, and what follows.
fn branch(text: &str) -> Option<(&str, &str)> {
    let trimmed = text.trim_start_matches(is_space);
    if trimmed.starts_with('{') {
        let (inner, rest) = braced(trimmed)?;
        return Some((inner, rest.trim_start_matches(is_space)));
    }
    Some((text, ""))
}

/// A compatibility level, `3.6`, so that levels compare as they are meant.
fn level(text: &str) -> Option<[u32; 3]> {
    let mut level = [0; 3];
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() > level.len() {
        return None;
    }
    for (place, part) in level.iter_mut().zip(parts) {
        *place = part.parse().ok()?;
    }
    Some(level)
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(parameters: &[(&str, &str)], text: &str) -> Result<String, ExpandError> {
        let raw = |name: &str| {
            let found = parameters.iter().find(|(known, _)| *known == name);
            Ok(found.map(|(_, value)| (*value).to_owned()))
        };
        expand(text, &raw, true)
    }

    /// Lost if it fails: a list behind a variable or a condition would not be enforced as Postfix enforces it.
    #[test]
    fn expressions_are_those_of_postfix() {
        let known = [("a", "x $b"), ("b", "y"), ("empty", ""), ("level", "3.6"), ("quoted", "$$b")];
        for (text, expected) in [
            ("$a ${a} $(a) ${ a }", "x y x y x y x y"),
            ("$a-b", "x y-b"),
            ("$$a $none.", "$a ."),
            ("${b?set} ${none?set} ${empty?set}", "set  "),
            ("${b:unset} ${none:unset} ${empty:$b}", " unset y"),
            ("${b?{1, $b}:{2}} ${none ? {1} : {2}}", "1, y 2"),
            ("${b??foo:{b}ar}", "?foo:{b}ar"),
            ("${{$level} <level {3.6} ? {no} : {yes}}", "yes"),
            ("${{$level} <level {3.10} ? {no} : {yes}}", "no"),
            ("${{10}>{9}?{number}:{text}} ${{a10}>{a9}?{number}:{text}}", "number text"),
            ("${{$b}=={y}}", "true"),
            ("$quoted", "$b"),
        ] {
            assert_eq!(with(&known, text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["${a", "$", "$ a", "${a b}", "${b?{x}y}", "${{a} ~ {b}}", "${{1} <level {x}}"] {
            assert!(matches!(with(&known, text), Err(ExpandError::Syntax)), "{text}: {:?}", with(&known, text));
        }
    }

    /// Lost if it fails: a circle in a main.cf, or a value that doubles with each line, would hang the tool or fill the memory.
    #[test]
    fn circles_and_growth_end() {
        let circle = with(&[("a", "1 $b"), ("b", "${c?2}$c"), ("c", "$a")], "$a");
        assert_eq!(circle, Err(ExpandError::Loop("a → b → c → a".to_owned())));
        let names: Vec<String> = (0..80).map(|number| format!("v{number}")).collect();
        let values: Vec<String> = (1..81).map(|number| format!("$v{number}$v{number}")).collect();
        let doubling: Vec<(&str, &str)> =
            names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
        assert_eq!(with(&doubling, "$v0"), Err(ExpandError::Size));
    }
}
