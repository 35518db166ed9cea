//! A key that somebody wrote into the plan appears in no text about the plan.

use mail_cutover::plan::{self, Problems};

use super::{SOUND, known, parse, read};

/// Stands for a key. Its parts are looked for too, so that no half of it is shown.
const KEY: &str = "q7zk4vq7wx3jq7zk9h";

/// The ways in which people write a key into a plan, `KEY` in its place.
const SPELLINGS: &[&str] = &[
    "[dnsbl]\nkey = { spamhaus-dqs = \"KEY\" }",
    "[dnsbl]\nkey = { spamhaus-dqs = 'KEY' }",
    "[dnsbl]\nkey = { spamhaus-dqs = KEY }",
    "[dnsbl]\nkey = { spamhaus-dqs = \"\"\"\nKEY\n\"\"\" }",
    "[dnsbl]\nkey = {\n  spamhaus-dqs = \"KEY\",\n}",
    "[dnsbl]\nkey = { spamhaus-dqs = \"env:X\", abusix = 'KEY' }",
    "[dnsbl]\nkey = { spamhaus-dqs = [\"KEY\"] }",
    "[dnsbl]\nkey = \"KEY\"",
    "[dnsbl]\nkey = [\"KEY\"]",
    "[dnsbl]\nkey = { \"KEY\" = \"spamhaus-dqs\" }",
    "[dnsbl]\nkey = { spamhaus-dqs = \"env: KEY\" }",
    "[dnsbl]\nkey = { spamhaus-dqs = \"$KEY\" }",
    "[dnsbl]\nkey.spamhaus-dqs = \"KEY\"",
    "[dnsbl]\nkey.spamhaus.dqs = \"KEY\"",
    "[dnsbl]\nkeys = { spamhaus-dqs = \"KEY\" }",
    "[dnsbl]\nspamhaus-dqs = \"KEY\"",
    "[dnsbl]\nspamhaus_key = \"KEY\"",
    "[dnsbl.key]\nspamhaus-dqs = \"KEY\"",
    "[dnsbl.key]\nspamhaus-dqs = \"\"\"KEY",
    "[dnsbl.key] # ours\nspamhaus-dqs = KEY",
    "[ dnsbl . \"key\" ]\ndqs = \"KEY\"",
    "[dnsbl.key]\nKEY",
    "[dnsbl.key.spamhaus]\ndqs = \"KEY\"",
    "[dnsbl.keys]\nspamhaus-dqs = \"KEY\"",
    "[[dnsbl]]\nkey = { spamhaus-dqs = \"KEY\" }",
    "[[dnsbl.key]]\nspamhaus-dqs = \"KEY\"",
    "[dnsbl]\nlists = [\"KEY.zen.dq.spamhaus.net\"]",
    "[dnsbl]\nweight = { \"KEY.zen.dq.spamhaus.net\" = \"warn\" }",
    "[dnsbl]\nlist = [{ id = \"zen\", zone = \"KEY.zen.dq.spamhaus.net\" }]",
    "[inbound_dnsbl]\nzones = [\"KEY.zen.dq.spamhaus.net\"]",
];

/// Asserts that no text about `problems` shows the key or half of it.
fn hides(problems: &Problems, text: &str) {
    let (half, rest) = KEY.split_at(KEY.len() / 2);
    for shown in [problems.render(false), problems.render(true), format!("{:?}", problems.all)] {
        let shown = shown.to_lowercase();
        assert!(!shown.contains(half) && !shown.contains(rest), "the key is shown:\n{shown}\nfor\n{text}");
    }
}

fn plans() -> impl Iterator<Item = String> {
    let inline =
        ["dnsbl = { key = { spamhaus-dqs = \"KEY\" }, quorum = 5 }", "dnsbl = [{ key = { spamhaus-dqs = \"KEY\" } }]"];
    let dotted =
        ["dnsbl.key.spamhaus-dqs = \"KEY\"", "key = { spamhaus-dqs = \"KEY\" }", "dnsbI = { key.a = \"KEY\" }"];
    let above = inline.into_iter().chain(dotted).map(|line| format!("{}\n{SOUND}", line.replace("KEY", KEY)));
    above.chain(SPELLINGS.iter().map(|lines| format!("{SOUND}{}\n", lines.replace("KEY", KEY))))
}

/// Lost if it fails: the key of a paying account would stand in the log of every CI run that refused the plan.
#[test]
fn a_key_in_the_plan_is_refused_and_never_shown() {
    for text in plans() {
        let Err(problems) = parse(&text) else { panic!("read with a key in it:\n{text}") };
        hides(&problems, &text);
    }
    let problems = parse(&format!("{SOUND}[dnsbl]\nkey = {{ spamhaus-dqs = \"{KEY}\" }}\n")).unwrap_err();
    assert!(problems.to_string().contains("env:NAME"), "{problems}");
    let problems = parse(&format!("{SOUND}[dnsbl]\nlists = [\"{KEY}.zen.dq.spamhaus.net\"]\n")).unwrap_err();
    assert!(problems.to_string().contains("spamhaus-dqs = \"env:NAME\""), "{problems}");
}

/// Lost if it fails: a second mistake on the line of the key would bring the key to light.
#[test]
fn a_key_stays_hidden_when_the_plan_is_damaged_around_it() {
    for text in plans() {
        let key = text.find(KEY).unwrap();
        let begin = text[..key].rfind("\n[").map_or(0, |at| at + 1);
        for at in (begin..text.len()).filter(|at| *at < key || *at >= key + KEY.len()) {
            let mut versions = vec![text.as_bytes()[..=at.max(key + KEY.len() - 1)].to_vec()];
            for odd in b"x\"'{}[]=.#\n".iter().copied().cycle().skip(at).step_by(3).take(4) {
                let mut bytes = text.clone().into_bytes();
                bytes[at] = odd;
                versions.push(bytes);
            }
            let mut bytes = text.clone().into_bytes();
            bytes.remove(at);
            versions.push(bytes);
            for bytes in versions {
                if let Err(problems) = plan::parse_bytes(&bytes, "plan.toml", &known()) {
                    hides(&problems, &String::from_utf8_lossy(&bytes));
                }
            }
        }
    }
}

/// Lost if it fails: whoever follows the advice would be refused, or a run without the variable could not start.
#[test]
fn a_reference_to_the_environment_is_read_whether_it_is_set_or_not() {
    let plan = read(&format!("{SOUND}[dnsbl]\nkey = {{ spamhaus-dqs = \"env:MAIL_CUTOVER_NOT_SET_1042\" }}\n"));
    assert_eq!(plan.dnsbl.keys, [("spamhaus-dqs".to_owned(), "MAIL_CUTOVER_NOT_SET_1042".to_owned())]);
    for wrong in ["env:", "env:1A", "env:A-B", "ENV:A"] {
        parse(&format!("{SOUND}[dnsbl]\nkey = {{ spamhaus-dqs = \"{wrong}\" }}\n")).unwrap_err();
    }
    let problems = parse(&format!("{SOUND}[dnsbl]\nkey = {{ spamhaus-dsq = \"env:A\" }}\n")).unwrap_err();
    assert!(problems.to_string().contains("did you mean \"spamhaus-dqs\"?"), "{problems}");
}
