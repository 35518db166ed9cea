//! What a text is made of besides words: a text from outside must not change it. Each form is read by a reader of its own.

use std::fmt::Write as _;

use mail_cutover::render::Format;
use pulldown_cmark::{Event, Options, Parser, Tag};

/// The structure of `text`, a line for each part, and the words that it holds.
pub(crate) struct Read {
    pub(crate) skeleton: String,
    pub(crate) words: String,
}

/// Reads `text` as whoever reads this form does; an error says why it is none.
pub(crate) fn read(format: Format, text: &str) -> Result<Read, String> {
    match format {
        Format::Table => Ok(Read { skeleton: String::new(), words: text.to_owned() }),
        Format::Json | Format::Sarif | Format::Gitlab => json(text),
        Format::Markdown => Ok(markdown(text)),
        Format::Html => html(text),
        Format::Csv => csv(text),
        Format::Junit => xml(text),
        Format::Nagios => nagios(text),
        Format::Prometheus => prometheus(text),
        Format::Github => github(text),
    }
}

/// Keys and kinds of values; the lines of JSON lines one by one.
pub(crate) fn json(text: &str) -> Result<Read, String> {
    let mut read = Read { skeleton: String::new(), words: String::new() };
    for value in serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>() {
        walk(&value.map_err(|error| error.to_string())?, &mut read, 0, false);
    }
    Ok(read)
}

/// `is_named` where the names of the fields are from outside: the lines of the plan.
fn walk(value: &serde_json::Value, read: &mut Read, depth: usize, is_named: bool) {
    use serde_json::Value as Json;
    let indent = " ".repeat(depth);
    let _ = match value {
        Json::Null => writeln!(read.skeleton, "{indent}null"),
        Json::Bool(_) => writeln!(read.skeleton, "{indent}bool"),
        Json::Number(_) => writeln!(read.skeleton, "{indent}number"),
        Json::String(text) => {
            let _ = writeln!(read.words, "{text}");
            writeln!(read.skeleton, "{indent}text")
        }
        Json::Array(all) => {
            let _ = writeln!(read.skeleton, "{indent}{} of", all.len());
            all.iter().for_each(|one| walk(one, read, depth + 1, false));
            Ok(())
        }
        Json::Object(fields) => {
            for (name, value) in fields {
                let _ = writeln!(read.skeleton, "{indent}{}:", if is_named { "(a name)" } else { name });
                let _ = writeln!(read.words, "{name}");
                walk(value, read, depth + 1, name == "lines");
            }
            Ok(())
        }
    };
}

/// What CommonMark with tables, boxes, footnotes, mathematics and strikethrough makes of it.
fn markdown(text: &str) -> Read {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_SUBSCRIPT
        | Options::ENABLE_SUPERSCRIPT
        | Options::ENABLE_GFM;
    let mut read = Read { skeleton: String::new(), words: String::new() };
    let mut last = String::new();
    for event in Parser::new_ext(text, options) {
        let part = match event {
            Event::Text(words) => {
                read.words.push_str(&words);
                "text".to_owned()
            }
            Event::Code(words) => {
                read.words.push_str(&words);
                "code".to_owned()
            }
            Event::SoftBreak => "break".to_owned(),
            Event::Start(Tag::List(number)) => format!("list {}", number.is_some()),
            other => format!("{other:?}"),
        };
        // Words come in pieces; how many says nothing.
        if part != last || part != "text" {
            let _ = writeln!(read.skeleton, "{part}");
        }
        last = part;
    }
    read
}

/// Tags with the names of their attributes, read by the rules of HTML for what is well-formed; anything else is an error.
pub(crate) fn html(text: &str) -> Result<Read, String> {
    let mut read = Read { skeleton: String::new(), words: String::new() };
    let mut rest = text;
    let mut open: Vec<String> = Vec::new();
    while let Some(at) = rest.find('<') {
        let (words, tag) = rest.split_at(at);
        read.words.push_str(&unescaped(words)?);
        let (name, inner, behind) = tag_of(&tag[1..])?;
        rest = behind;
        if let Some(closed) = name.strip_prefix('/') {
            if open.pop().as_deref() != Some(closed) {
                return Err(format!("</{closed}> closes what is not open"));
            }
        } else if !["!DOCTYPE", "meta", "wbr"].contains(&name) {
            open.push(name.to_owned());
        }
        let _ = write!(read.skeleton, "<{name}");
        for (attribute, value) in inner {
            let _ = write!(read.skeleton, " {attribute}");
            read.words.push_str(&unescaped(value)?);
        }
        read.skeleton.push_str(">\n");
        if name == "style" || name == "script" {
            let (inner, behind) = rest.split_once("</style>").ok_or("a style without an end")?;
            let _ = writeln!(read.skeleton, "{inner}");
            rest = behind;
            open.pop();
        }
    }
    read.words.push_str(&unescaped(rest)?);
    if open.is_empty() { Ok(read) } else { Err(format!("{open:?} are not closed")) }
}

/// Name, attributes and what follows a tag.
type TagParts<'t> = (&'t str, Vec<(&'t str, &'t str)>, &'t str);

fn tag_of(text: &str) -> Result<TagParts<'_>, String> {
    let name_end = text.find([' ', '>', '\n']).ok_or("a tag without an end")?;
    let (name, mut rest) = text.split_at(name_end);
    if !name.trim_start_matches(['/', '!']).chars().all(|sign| sign.is_ascii_alphanumeric()) {
        return Err(format!("<{name}> is no tag"));
    }
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\n']);
        if let Some(behind) = rest.strip_prefix('>') {
            return Ok((name, attributes, behind));
        }
        let end = rest.find(|sign: char| !(sign.is_ascii_alphanumeric() || "-:".contains(sign))).ok_or("no end")?;
        let (attribute, behind) = rest.split_at(end);
        if attribute.is_empty() {
            return Err(format!("{:?} within <{name}>", rest.chars().take(20).collect::<String>()));
        }
        rest = match behind.strip_prefix("=\"") {
            Some(quoted) => {
                let (value, behind) = quoted.split_once('"').ok_or("an attribute without an end")?;
                attributes.push((attribute, value));
                behind
            }
            None => {
                attributes.push((attribute, ""));
                behind
            }
        };
    }
}

/// Text with its five entities resolved; another, or a sign that should have been one, is an error.
fn unescaped(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>']) {
        plain.push_str(&rest[..at]);
        let known = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#39;", '\'')];
        let (entity, sign) = known
            .into_iter()
            .find(|(entity, _)| rest[at..].starts_with(entity))
            .ok_or_else(|| format!("not escaped: {:?}", rest[at..].chars().take(20).collect::<String>()))?;
        plain.push(sign);
        rest = &rest[at + entity.len()..];
    }
    Ok(plain + rest)
}

fn csv(text: &str) -> Result<Read, String> {
    let mut read = Read { skeleton: String::new(), words: String::new() };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(false).from_reader(text.as_bytes());
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let _ = writeln!(read.skeleton, "{} cells", record.len());
        for cell in &record {
            if let Some(cell) = formula(cell) {
                return Err(format!("a spreadsheet calculates {cell:?}"));
            }
            let _ = writeln!(read.words, "{cell}");
        }
    }
    Ok(read)
}

/// What a spreadsheet would take for a formula: at the beginning of a cell, or of what it takes for one where a semicolon or a tab parts
/// cells (OWASP, CSV Injection).
pub(crate) fn formula(cell: &str) -> Option<&str> {
    cell.split([';', '\t']).find(|cell| {
        let cell = cell.trim_start_matches(|sign: char| sign.is_whitespace() || sign == '"');
        cell.starts_with(['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠'])
    })
}

fn xml(text: &str) -> Result<Read, String> {
    use quick_xml::events::Event as Part;
    let mut read = Read { skeleton: String::new(), words: String::new() };
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut depth = 0_usize;
    let attributes = |element: &quick_xml::events::BytesStart<'_>, read: &mut Read| -> Result<(), String> {
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let _ = write!(read.skeleton, " {}", String::from_utf8_lossy(attribute.key.as_ref()));
            let value = std::str::from_utf8(&attribute.value).map_err(|error| error.to_string())?;
            read.words.push_str(&quick_xml::escape::unescape(value).map_err(|error| error.to_string())?);
        }
        Ok(())
    };
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Part::Start(element) => {
                depth += 1;
                let _ = write!(read.skeleton, "\n<{}", String::from_utf8_lossy(element.name().as_ref()));
                attributes(&element, &mut read)?;
            }
            Part::Empty(element) => {
                let _ = write!(read.skeleton, "\n<{}", String::from_utf8_lossy(element.name().as_ref()));
                attributes(&element, &mut read)?;
                read.skeleton.push('/');
            }
            Part::End(element) => {
                depth = depth.checked_sub(1).ok_or("an end too many")?;
                let _ = write!(read.skeleton, "\n</{}", String::from_utf8_lossy(element.name().as_ref()));
            }
            Part::Text(words) => read.words.push_str(&words.decode().map_err(|error| error.to_string())?),
            Part::GeneralRef(entity) => {
                let name = entity.decode().map_err(|error| error.to_string())?;
                let whole = format!("&{name};");
                read.words.push_str(&quick_xml::escape::unescape(&whole).map_err(|error| error.to_string())?);
            }
            Part::Decl(_) => read.skeleton.push_str("<?xml"),
            Part::Eof => break,
            other => return Err(format!("{other:?} is none of ours")),
        }
    }
    // XML 1.0 has no other characters.
    let bad = read.words.chars().find(|sign| {
        !matches!(sign, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
    });
    match bad {
        Some(sign) => Err(format!("{sign:?} is no character of XML")),
        None if depth > 0 => Err("elements are not closed".to_owned()),
        None => Ok(read),
    }
}

/// Status, figures, and lines below (Monitoring Plugins Development Guidelines, section 2).
fn nagios(text: &str) -> Result<Read, String> {
    let (first, below) = text.split_once('\n').ok_or("no line")?;
    let (status, figures) = first.split_once('|').ok_or("no figures")?;
    if below.contains('|') || figures.contains('|') {
        return Err(format!("other figures: {text}"));
    }
    let shell = ['`', '$', '<', '>', '"', '\'', '&', '\\', ';'];
    if let Some(sign) = status.chars().chain(below.chars()).find(|sign| shell.contains(sign)) {
        return Err(format!("{sign} reaches the shell of a notification"));
    }
    let labels: Vec<&str> = figures.split_whitespace().map(|one| one.split('=').next().unwrap_or_default()).collect();
    let words = format!("{status}{below}");
    Ok(Read { skeleton: labels.join(" "), words })
}

/// Names of series and labels (Prometheus, exposition formats, text format).
fn prometheus(text: &str) -> Result<Read, String> {
    let mut read = Read { skeleton: String::new(), words: String::new() };
    for line in text.lines() {
        if line.starts_with('#') {
            let _ = writeln!(read.skeleton, "{line}");
            continue;
        }
        let wrong = || format!("no sample: {line:?}");
        let name_end = line.find(['{', ' ']).ok_or_else(wrong)?;
        let (name, mut rest) = line.split_at(name_end);
        let _ = write!(read.skeleton, "{name}");
        if let Some(labels) = rest.strip_prefix('{') {
            rest = labels;
            while !rest.starts_with('}') {
                let (label, value) = rest.trim_start_matches(',').split_once("=\"").ok_or_else(wrong)?;
                if !label.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_') {
                    return Err(wrong());
                }
                let _ = write!(read.skeleton, " {label}");
                let mut signs = value.char_indices();
                loop {
                    match signs.next().ok_or_else(wrong)? {
                        (_, '\\') => match signs.next().ok_or_else(wrong)?.1 {
                            sign @ ('\\' | '"') => read.words.push(sign),
                            'n' => read.words.push('\n'),
                            _ => return Err(wrong()),
                        },
                        (at, '"') => {
                            rest = &value[at + 1..];
                            break;
                        }
                        (_, sign) => read.words.push(sign),
                    }
                }
            }
            rest = &rest[1..];
        }
        rest.trim().parse::<f64>().map_err(|_| wrong())?;
        read.skeleton.push('\n');
    }
    Ok(read)
}

/// Commands with their properties (GitHub, workflow commands).
fn github(text: &str) -> Result<Read, String> {
    let mut read = Read { skeleton: String::new(), words: String::new() };
    for line in text.lines() {
        let wrong = || format!("not ours: {line:?}");
        let (head, message) = line.strip_prefix("::").and_then(|rest| rest.split_once("::")).ok_or_else(wrong)?;
        let (kind, properties) = head.split_once(' ').ok_or_else(wrong)?;
        if !["error", "warning", "notice"].contains(&kind) {
            return Err(wrong());
        }
        let _ = write!(read.skeleton, "{kind}");
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').ok_or_else(wrong)?;
            let _ = write!(read.skeleton, " {name}");
            read.words.push_str(&decoded(value)?);
        }
        read.skeleton.push('\n');
        read.words.push_str(&decoded(message)?);
    }
    Ok(read)
}

fn decoded(text: &str) -> Result<String, String> {
    let plain = text.replace("%25", "\u{1}");
    let plain = plain.replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",");
    if plain.contains('%') { Err(format!("a percent of a stranger: {text}")) } else { Ok(plain.replace('\u{1}', "%")) }
}
