//! The JSON Schema, the reader, config/plan.full.toml and docs/plan.md speak of the same keys.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use mail_cutover::plan;
use serde_json::{Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{config, parse};

/// The sections of the schema in the order of docs/plan.md: name, how its head is written, what stands below the head.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("", "The top of the plan", "These stand before the first `[…]`."),
    ("old", "`[old]`", "The server of today."),
    ("new", "`[new]`", "The server of tomorrow."),
    (
        "address",
        "An address as a table",
        "`ips` takes plain addresses, and tables where an address differs from its neighbours.",
    ),
    ("dns", "`[dns]`", "See [resolvers](resolvers.md)."),
    ("https", "`[https]`", "How MTA-STS policies are fetched."),
    ("auth", "`[auth]`", "Sender authentication."),
    ("smtp", "`[smtp]`", "What the servers are asked over SMTP."),
    ("dnsbl", "`[dnsbl]`", "The blocklists that judge us. `mail-cutover lists` shows the catalogue."),
    ("dnsbl.list", "`[[dnsbl.list]]`", "A blocklist that the catalogue does not have."),
    ("inbound_dnsbl", "`[inbound_dnsbl]`", "The blocklists with which the new server will judge others."),
    ("partner", "A table in `partners`", "Somebody whose mail matters."),
    ("receivers", "`[receivers]`", "The receivers that matter."),
    ("after", "`[after]`", "What shows after the switch whether mail arrives; see [bounce](bounce.md)."),
    (
        "attest",
        "A table in `[attest]`",
        "What no probe can see, under a name of your choice. Checks read `port25_lifted` and `t_online_admitted`.",
    ),
    ("rollback", "`[rollback]`", "The way back."),
    ("waive", "`[[waive]]`", "An accepted risk."),
];

/// The definition of a section.
fn section<'s>(schema: &'s Value, name: &str) -> &'s Value {
    if name.is_empty() { schema } else { &schema["$defs"][name] }
}

/// The section that a shape refers to, itself or for its items.
fn refers_to(shape: &Value) -> Option<&str> {
    let own = shape["$ref"].as_str().map(|path| path.trim_start_matches("#/$defs/"));
    let below = || ["items", "additionalProperties"].iter().find_map(|part| refers_to(shape.get(*part)?));
    let either = || shape["anyOf"].as_array()?.iter().find_map(refers_to);
    own.or_else(below).or_else(either)
}

/// Where each key of each section first stands in a plan: the place of the key, and of its value.
type Places = BTreeMap<(String, String), (usize, Range<usize>)>;

fn find(table: &DeTable<'_>, name: &str, schema: &Value, places: &mut Places) {
    for (key, value) in table {
        let shape = &section(schema, name)["properties"][key.get_ref().as_ref()];
        assert!(shape.is_object(), "the schema lacks {name}.{}", key.get_ref());
        let entry = (name.to_owned(), key.get_ref().to_string());
        places.entry(entry).or_insert((key.span().start, value.span()));
        if let Some(below) = refers_to(shape) {
            let is_map = shape.get("additionalProperties").is_some();
            for table in tables(value, is_map) {
                find(table, below, schema, places);
            }
        }
    }
}

/// The tables that `value` is or holds.
fn tables<'t>(value: &'t Spanned<DeValue<'t>>, is_map: bool) -> Vec<&'t DeTable<'t>> {
    match value.get_ref() {
        DeValue::Table(map) if is_map => map.iter().filter_map(|(_, value)| value.get_ref().as_table()).collect(),
        DeValue::Table(table) => vec![table],
        DeValue::Array(items) => items.iter().filter_map(|item| item.get_ref().as_table()).collect(),
        _ => Vec::new(),
    }
}

fn places_in(text: &str) -> Places {
    let document = DeTable::parse(text).unwrap();
    let mut places = Places::new();
    find(document.get_ref(), "", &plan::schema(), &mut places);
    places
}

/// What a value looks like, in words.
fn words(shape: &Value) -> String {
    let many = |shape: &Value| match words(shape).as_str() {
        "text" => "texts".to_owned(),
        "table" => "tables".to_owned(),
        "text or table" => "texts or tables".to_owned(),
        "number, 1–65535" => "numbers, 1–65535".to_owned(),
        other => other.to_owned(),
    };
    if let Some(either) = shape["anyOf"].as_array() {
        return either.iter().map(words).collect::<Vec<_>>().join(" or ");
    }
    if let Some(choice) = shape["enum"].as_array() {
        return choice.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    match (shape["type"].as_str(), shape["format"].as_str()) {
        (Some("string"), Some("date-time")) => "time with offset".to_owned(),
        (Some("string"), Some("date")) => "day".to_owned(),
        (Some("string"), _) if shape["pattern"].is_string() => "length of time".to_owned(),
        (Some("string"), _) => "text".to_owned(),
        (Some("boolean"), _) => "true or false".to_owned(),
        (Some("integer"), _) if shape["maximum"].as_i64() == Some(i64::MAX) => {
            format!("number from {}", shape["minimum"])
        }
        (Some("integer"), _) => format!("number, {}–{}", shape["minimum"], shape["maximum"]),
        (Some("array"), _) => format!("list of {}", many(&shape["items"])),
        (Some("object"), _) => format!("table: name = {}", words(&shape["additionalProperties"])),
        _ => "table".to_owned(),
    }
}

/// A value as config/plan.full.toml has it, in one line; of a long list, its first item.
fn example(text: &str, shape: &Value, span: Range<usize>) -> String {
    if shape["$ref"].is_string() || shape["type"] == "object" && text[span.clone()].starts_with('[') {
        return String::new();
    }
    let written = text[span].split_whitespace().collect::<Vec<_>>().join(" ").replacen("[ ", "[", 1);
    if written.starts_with("[[") {
        return String::new();
    }
    match (written.len() > 80, written.split_once(", ")) {
        (true, Some((first, _))) if !first.contains('{') => format!("`{first}, …]`"),
        (true, _) => written.split_once("}, ").map_or_else(String::new, |(first, _)| format!("`{first}}}, …]`")),
        _ => format!("`{written}`"),
    }
}

/// The part of docs/plan.md that is made from the schema and the full plan.
fn reference() -> String {
    let (schema, full) = (plan::schema(), config("config/plan.full.toml"));
    let places = places_in(&full);
    let mut page = String::new();
    for (name, head, below) in SECTIONS {
        let definition = section(&schema, name);
        write!(
            page,
            "\n## {head}\n\n{below}\n\n| key | value | if left out | example | meaning |\n|---|---|---|---|---|\n"
        )
        .unwrap();
        let properties = definition["properties"].as_object().unwrap();
        let place = |key: &str| places.get(&((*name).to_owned(), key.to_owned())).cloned();
        let mut keys: Vec<&String> = properties.keys().collect();
        keys.sort_by_key(|key| place(key).map(|(start, _)| start));
        for key in keys {
            let shape = &properties[key];
            let required = definition["required"].as_array().unwrap().contains(&json!(key));
            let usual = match (&shape["default"], required) {
                (_, true) => "**required**".to_owned(),
                (Value::Null, _) => String::new(),
                (usual, _) => format!("`{usual}`"),
            };
            let example = place(key).map_or_else(String::new, |(_, span)| example(&full, shape, span));
            let meaning = shape["description"].as_str().unwrap();
            writeln!(page, "| `{key}` | {} | {usual} | {example} | {meaning} |", words(shape)).unwrap();
        }
    }
    page
}

const BEGIN: &str = "<!-- From here on written by UPDATE_DOCS=1 cargo test --test plan -->\n";

/// Lost if it fails: docs/plan.md would explain another plan than the tool reads.
#[test]
fn the_page_of_the_plan_has_every_key() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan.md");
    let page = config("docs/plan.md");
    let (by_hand, found) = page.split_once(BEGIN).expect("docs/plan.md has lost its mark");
    let wanted = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{by_hand}{BEGIN}{wanted}")).unwrap();
    } else {
        assert!(found == wanted, "docs/plan.md differs from the keys: UPDATE_DOCS=1 cargo test --test plan");
    }
}

/// Lost if it fails: a key that nobody finds, because the plan that shows them all does not show it.
#[test]
fn the_full_plan_has_every_key_and_a_word_on_it() {
    let (schema, full) = (plan::schema(), config("config/plan.full.toml"));
    let places = places_in(&full);
    let names: Vec<&str> = SECTIONS.iter().map(|(name, ..)| *name).filter(|name| !name.is_empty()).collect();
    assert_eq!(names.len(), schema["$defs"].as_object().unwrap().len(), "a section is missing in SECTIONS");
    for (name, ..) in SECTIONS {
        for key in section(&schema, name)["properties"].as_object().unwrap().keys() {
            assert!(
                places.contains_key(&((*name).to_owned(), key.clone())),
                "config/plan.full.toml lacks {name}.{key}"
            );
        }
    }
    let lines: Vec<&str> = full.lines().collect();
    for pair in lines.windows(2) {
        let starts_a_key = |line: &str| line.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
        assert!(
            !starts_a_key(pair[1]) || !pair[0].is_empty() || pair[1].starts_with('['),
            "no comment above: {}",
            pair[1]
        );
        let in_a_map = pair[1].contains("= {") && pair[0].contains("= {");
        let in_head = pair[0].starts_with('[');
        assert!(
            !starts_a_key(pair[1]) || pair[0].starts_with('#') || pair[0].is_empty() || in_a_map || in_head,
            "no comment above: {}",
            pair[1]
        );
    }
}

/// What `value` breaks of `shape`. Only the words that the schema uses; others are a fault of the test.
fn breaks(shape: &Value, value: &Value, schema: &Value) -> Option<String> {
    let broken = |rule: &str| Some(format!("{rule} of {shape}: {value}"));
    for (rule, wanted) in shape.as_object().unwrap() {
        let fits = match rule.as_str() {
            "$schema" | "title" | "description" | "default" | "$defs" | "format" | "pattern" => true,
            "type" => match wanted.as_str().unwrap() {
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64(),
                "array" => value.is_array(),
                "object" => value.is_object(),
                other => panic!("type {other}"),
            },
            "enum" => wanted.as_array().unwrap().contains(value),
            "minimum" => value.as_i64() >= wanted.as_i64(),
            "maximum" => value.as_i64() <= wanted.as_i64(),
            "minLength" => value.as_str().is_some_and(|text| text.chars().count() as u64 >= wanted.as_u64().unwrap()),
            "minItems" => value.as_array().is_some_and(|items| items.len() as u64 >= wanted.as_u64().unwrap()),
            "required" => wanted.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "anyOf" => wanted.as_array().unwrap().iter().any(|shape| breaks(shape, value, schema).is_none()),
            "$ref" => {
                let name = wanted.as_str().unwrap().trim_start_matches("#/$defs/");
                return breaks(&schema["$defs"][name], value, schema);
            }
            "items" => {
                let first = value.as_array().into_iter().flatten().find_map(|item| breaks(wanted, item, schema));
                if first.is_some() {
                    return first;
                }
                true
            }
            "properties" => {
                let mut of = wanted.as_object().unwrap().iter();
                let first = of.find_map(|(key, shape)| breaks(shape, value.get(key)?, schema));
                if first.is_some() {
                    return first;
                }
                true
            }
            "additionalProperties" => {
                let known = shape.get("properties").and_then(Value::as_object);
                let others = value.as_object().into_iter().flatten();
                let mut others = others.filter(|(key, _)| known.is_none_or(|known| !known.contains_key(*key)));
                match wanted {
                    Value::Bool(false) => others.next().is_none(),
                    shape => match others.find_map(|(_, value)| breaks(shape, value, schema)) {
                        None => true,
                        first => return first,
                    },
                }
            }
            other => panic!("the test does not know the rule {other}"),
        };
        if !fits {
            return broken(rule);
        }
    }
    None
}

/// A TOML value as an editor gives it to a JSON Schema: times as texts.
fn as_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Datetime(time) => json!(time.to_string()),
        toml::Value::Array(items) => items.iter().map(as_json).collect(),
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), as_json(value))).collect(),
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(number) => json!(number),
        toml::Value::Float(number) => json!(number),
        toml::Value::Boolean(flag) => json!(flag),
    }
}

/// Lost if it fails: the editor would underline a sound plan.
#[test]
fn the_plans_in_config_fit_the_schema() {
    let schema = plan::schema();
    for name in ["config/plan.minimal.toml", "config/plan.full.toml", "config/demo/plan.toml"] {
        let json = as_json(&toml::Value::Table(config(name).parse().unwrap()));
        assert_eq!(breaks(&schema, &json, &schema), None, "{name}");
        let mut wrong = json.clone();
        wrong["tittle"] = json!(1);
        assert!(breaks(&schema, &wrong, &schema).is_some());
    }
}

/// The full plan without exceptions for special addresses, as a table to change.
fn full() -> toml::Table {
    let text = config("config/plan.full.toml").replace("203.0.113.", "1.2.3.").replace("2001:db8:", "2600:db8:");
    let mut full: toml::Table = text.parse().unwrap();
    for side in ["old", "new"] {
        let table = full[side].as_table_mut().unwrap();
        table.retain(|key, _| !matches!(key, "allow_special" | "reason"));
    }
    full
}

/// The first table of a section in a plan.
fn table_of<'t>(full: &'t mut toml::Table, name: &str) -> &'t mut toml::Table {
    let first = |value: &'t mut toml::Value| match value {
        toml::Value::Array(items) => items.iter_mut().find_map(toml::Value::as_table_mut),
        value => value.as_table_mut(),
    };
    let found = match name {
        "" => return full,
        "address" => first(&mut full["new"]["ips"]),
        "dnsbl.list" => first(&mut full["dnsbl"]["list"]),
        "partner" => first(&mut full["inbound_dnsbl"]["partners"]),
        "attest" => first(&mut full["attest"]["port25_lifted"]),
        other => first(&mut full[other]),
    };
    found.unwrap()
}

/// Lost if it fails: a number where a name belongs would be passed over, or end the tool.
#[test]
fn values_of_the_wrong_kind_are_refused_by_reader_and_schema() {
    let schema = plan::schema();
    let samples: toml::Table =
        "all = [1, -1, \"\", true, 1.5, nan, [], [1], [true], [[]], [\"\"], {}, { a = 1 }, 2026-12-12, 12:00:00]"
            .parse()
            .unwrap();
    let mut refused = 0;
    for (name, ..) in SECTIONS {
        for (key, shape) in section(&schema, name)["properties"].as_object().unwrap() {
            for sample in samples["all"].as_array().unwrap() {
                let is_time = matches!(sample, toml::Value::Datetime(_));
                let wants_time = matches!(shape["format"].as_str(), Some("date" | "date-time"));
                let fits = if is_time { wants_time } else { breaks(shape, &as_json(sample), &schema).is_none() };
                if fits {
                    continue;
                }
                let mut plan = full();
                table_of(&mut plan, name).insert(key.clone(), sample.clone());
                let text = toml::to_string(&plan).unwrap();
                let Err(problems) = parse(&text) else { panic!("{name}.{key} = {sample} is read") };
                let says = |word: &str| problems.all.iter().any(|problem| problem.message.contains(word));
                let named = says(key.trim_end_matches('s')) || says("`a`");
                assert!(named, "no problem of {name}.{key} = {sample} names the key:\n{problems}");
                refused += 1;
            }
        }
    }
    assert!(refused > 800, "{refused}");
}

/// Lost if it fails: the documentation would promise another default than the tool has.
#[test]
fn defaults_are_what_the_schema_says() {
    let lines = regex_lite::Regex::new(r#"(line: \d+|sha256: "\w+")"#).unwrap();
    let read = |plan: &toml::Table| {
        let text = toml::to_string(plan).unwrap();
        let plan = parse(&text).unwrap_or_else(|problems| panic!("{problems}"));
        // A key that is not there moves the lines below it.
        let plan = plan::Plan { lines: std::collections::BTreeMap::new(), ..plan };
        lines.replace_all(&format!("{plan:?}"), "").into_owned()
    };
    let schema = plan::schema();
    let mut seen = 0;
    for (name, ..) in SECTIONS {
        for (key, shape) in section(&schema, name)["properties"].as_object().unwrap() {
            let Some(usual) = shape.get("default") else { continue };
            let (mut without, mut with) = (full(), full());
            table_of(&mut without, name).remove(key);
            table_of(&mut with, name).insert(key.clone(), toml::Value::try_from(usual).unwrap());
            assert_eq!(read(&without), read(&with), "{name}.{key}");
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}
