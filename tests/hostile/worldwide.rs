//! A hostile internet: every name, record, greeting, reply, policy and certificate that the tool asks for tries something.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use mail_cutover::render::Format;
use tempfile::TempDir;

use crate::world::case::{Beside, Case};
use crate::{alphabet, clean, skeleton};

/// Worlds that are tried; each puts other tricks into each place.
const WORLDS: usize = 4;
const NOW: &str = "2026-12-01T10:00:00+09:00";

/// What is said in each place of one world, in turns.
struct Tricks {
    octets: Vec<Vec<u8>>,
    next: usize,
}

impl Tricks {
    fn new(world: usize) -> Self {
        let texts = alphabet::texts().into_iter().map(|(_, text)| text.into_bytes());
        let octets: Vec<Vec<u8>> = texts.chain(alphabet::octets()).collect();
        Self { next: world * 23, octets }
    }

    fn next(&mut self) -> Vec<u8> {
        self.next += 1;
        self.octets[self.next * 5 % self.octets.len()].clone()
    }

    /// One label of a master file, every octet escaped.
    fn label(&mut self) -> String {
        self.next().iter().take(50).map(|octet| format!("\\{octet:03}")).collect()
    }

    /// Character strings of a master file: what `begin` says, and a trick.
    fn strings(&mut self, begin: &str) -> String {
        let text = [begin.as_bytes(), &self.next()].concat();
        let escaped = |part: &[u8]| part.iter().map(|octet| format!("\\{octet:03}")).collect::<String>();
        text.chunks(200).take(6).map(|part| format!("\"{}\"", escaped(part))).collect::<Vec<_>>().join(" ")
    }

    /// One line of a conversation, or a text of a plan.
    fn line(&mut self) -> String {
        String::from_utf8_lossy(&self.next()).replace(['\r', '\n'], " ").chars().take(400).collect()
    }
}

/// A basic string of TOML in which only letters and digits stand for themselves.
fn quoted(text: &str) -> String {
    let escaped = |sign: char| {
        if sign.is_ascii_alphanumeric() { sign.to_string() } else { format!("\\U{:08x}", u32::from(sign)) }
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

/// The case of a world.
fn case(world: usize) -> Case {
    let mut tricks = Tricks::new(world);
    let mut zone = String::from("$TTL 300\n");
    let mut record = |owner: &str, data: String| writeln!(zone, "{owner} {data}").unwrap();
    record("@", "MX 10 mx-old".to_owned());
    record("@", format!("MX 20 {}", tricks.label()));
    record("@", format!("MX 30 {}.evil.test.", tricks.label()));
    record("@", format!("TXT {}", tricks.strings("v=spf1 ip4:192.0.2.25 x=")));
    record("@", format!("TXT {}", tricks.strings("")));
    record(
        "@",
        format!(
            "CAA 0 issue {}",
            tricks.strings("").split("\" \"").next().unwrap().trim_end_matches('"').to_owned() + "\""
        ),
    );
    for (owner, begin) in [
        ("_dmarc", "v=DMARC1; p=none; rua=mailto:"),
        ("_mta-sts", "v=STSv1; id="),
        ("_smtp._tls", "v=TLSRPTv1; rua="),
        ("default._bimi", "v=BIMI1; l="),
        ("s1._domainkey", "v=DKIM1; k=rsa; n="),
        ("old._domainkey", "v=DKIM1; t="),
        ("mail", "v=spf1 include:"),
    ] {
        record(owner, format!("TXT {}", tricks.strings(begin)));
    }
    record("_imaps._tcp", format!("SRV 0 1 993 {}", tricks.label()));
    record("autoconfig", format!("CNAME {}.evil.test.", tricks.label()));
    record("mta-sts", "A 127.0.0.1".to_owned());
    record("mx-old", "A 192.0.2.25".to_owned());
    record("mail", "A 203.0.113.25".to_owned());
    let mut policy = String::from("version: STSv1\n");
    for key in ["mode", "mx", "max_age", ""] {
        writeln!(policy, "{key}: {}", tricks.line()).unwrap();
    }
    let mut server = || {
        let replies = [("RCPT TO:<info", "550 5.1.1"), ("MAIL FROM", "250 2.1.0"), ("RSET", "250"), ("NOOP", "250")];
        let replies = replies
            .map(|(command, code)| format!("{} = {}", quoted(command), quoted(&format!("{code} {}", tricks.line()))));
        let extensions = ["SIZE ", "AUTH ", "X", ""].map(|word| quoted(&format!("{word}{}", tricks.line())));
        format!(
            "greeting = {}\nextensions = [{}]\nreplies = {{ {} }}\n",
            quoted(&format!("220 {}", tricks.line())),
            extensions.join(", "),
            replies.join(", ")
        )
    };
    let (old, new) = (server(), server());
    let reverse = format!("25 PTR {}.example.co.jp.\n25 PTR mail.example.co.jp.", tricks.label());
    let [listed, listed_by_warn] = [(); 2].map(|()| quoted(tricks.strings("").split('"').nth(1).unwrap()));
    let [title, change, owner, reason, partner] = [(); 5].map(|()| quoted(&tricks.line()));
    let text = format!(
        r#"about = "Hostile."
base = ["small-internet"]
smtp = "recipients = [\"info@example.co.jp\"]"
plan = '''
title = {title}
change = {change}
cutover_at = 2026-12-05T22:00:00+09:00
domains = ["example.co.jp"]
hostname = "mail.example.co.jp"
[old]
ptr = "mx-old.example.co.jp"
ips = ["192.0.2.25"]
[new]
ips = ["203.0.113.25"]
allow_special = true
reason = {reason}
[auth]
dkim = {{ "example.co.jp" = ["s1"] }}
keep_dkim = ["old"]
[[waive]]
tag = "dnsbl-listed"
on = "203.0.113.25"
about = "psbl"
reason = {reason}
owner = {owner}
until = 2026-12-31
[inbound_dnsbl]
config = "main.cf"
partners = [{{ name = {partner}, ips = ["203.0.113.25"], vip = true }}]
[dns]
resolver = ["@WORLD@"]
root_hints = ["@WORLD@"]
authority_port = @PORT@
timeout = "400ms"
'''
[zones]
"example.co.jp" = {zone}
"113.0.203.in-addr.arpa" = {reverse}
[lists]
listed = [{{ list = "spamhaus-zen", subject = "203.0.113.25", answers = ["127.0.0.2"], text = {listed} }}, {{ list = "psbl", subject = "203.0.113.25", answers = ["127.0.0.2"], text = {listed_by_warn} }}]
[https."mta-sts.example.co.jp"]
body = {policy}
[mail."192.0.2.25:25"]
{old}
[mail."203.0.113.25:25"]
{new}
[expect]
"#,
        zone = quoted(&zone),
        reverse = quoted(&reverse),
        policy = quoted(&policy),
    );
    Case::parse(Path::new("tests/scenarios/mx/hostile.toml"), &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A folder with the plan and the rules, and the world that it asks.
struct Stage {
    folder: TempDir,
    _world: (mail_cutover::demo::World, Beside),
    resolver: String,
    _runtime: tokio::runtime::Runtime,
}

impl Stage {
    fn set(world: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (served, beside, plan) = runtime.block_on(case(world).start());
        let resolver = served.address().to_string();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plan.toml"), plan).unwrap();
        let mut tricks = Tricks::new(world + 100);
        let rules = format!(
            "compatibility_level = 3.6\nmynetworks = 127.0.0.0/8\nmydestination = example.co.jp\nx = {}\n\
             smtpd_recipient_restrictions = reject_unauth_destination, check_client_access {}, reject_rbl_client zen.spamhaus.org\n",
            tricks.line(),
            tricks.line().replace(' ', ""),
        );
        std::fs::write(folder.path().join("main.cf"), rules).unwrap();
        Self { folder, _world: (served, beside), resolver, _runtime: runtime }
    }

    /// What the tool prints, both streams, after looking at them.
    fn run(&self, arguments: &[&str]) -> (String, String) {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_mail-cutover"));
        tool.args(arguments).env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        let output = tool.output().unwrap();
        let streams = [output.stdout, output.stderr].map(|octets| String::from_utf8(octets).unwrap());
        for text in &streams {
            let plain = clean::without_colour(text);
            if let Some(offence) = clean::offence(&plain) {
                panic!("{arguments:?}: raw {offence}");
            }
            if !arguments.contains(&"github") {
                assert_eq!(clean::commands(&plain), [""; 0], "{arguments:?}");
            }
        }
        let [out, err] = streams;
        (out, err)
    }
}

const FORMATS: [(&str, Format); 11] = [
    ("table", Format::Table),
    ("json", Format::Json),
    ("markdown", Format::Markdown),
    ("html", Format::Html),
    ("csv", Format::Csv),
    ("junit", Format::Junit),
    ("sarif", Format::Sarif),
    ("nagios", Format::Nagios),
    ("prometheus", Format::Prometheus),
    ("github", Format::Github),
    ("gitlab", Format::Gitlab),
];

/// Lost if it fails: somebody who publishes a record, or answers on port 25, could write into our reports, plans and terminals.
#[test]
fn nothing_that_the_world_says_acts() {
    let mut runs = 0;
    for world in 0..WORLDS {
        let stage = Stage::set(world);
        let checked = ["check", "plan.toml", "--at", NOW, "-v", "--color", "always", "--format", "table"];
        let (table, _) = stage.run(&[&checked[..], &["--save", "kept"]].concat());
        assert!(table.contains("N O - G O"), "{table}");
        for seen in ["dnsbl-listed", "smtp-", "mta-sts", "spf-", "ptr"] {
            assert!(table.contains(seen), "world {world} says nothing of {seen}:\n{table}");
        }
        let kept = std::fs::read_dir(stage.folder.path().join("kept")).unwrap();
        let kept =
            kept.map(|entry| entry.unwrap().path().display().to_string()).find(|path| path.ends_with(".json")).unwrap();
        stage.run(&["check", "plan.toml", "--at", NOW, "--on-new-server", "--format", "json", "-o", "second.json"]);
        for lang in ["en", "ja"] {
            for (name, format) in FORMATS {
                let (out, err) =
                    stage.run(&["merge", &kept, "second.json", "--at", NOW, "--format", name, "--lang", lang, "-v"]);
                runs += 1;
                let read = skeleton::read(format, &out);
                let read = read.unwrap_or_else(|error| panic!("world {world}, {name}: {error}: {err}"));
                assert!(!read.words.is_empty(), "world {world}, {name}: {err}");
            }
            for name in ["table", "json"] {
                let (out, err) =
                    stage.run(&["compare", &kept, "kept/latest.json", "--format", name, "--lang", lang, "-v"]);
                assert!(!out.is_empty(), "{err}");
                runs += 1;
            }
        }
        for width in ["40", "80"] {
            let mut tool = Command::new(env!("CARGO_BIN_EXE_mail-cutover"));
            tool.args(["merge", &kept, "second.json", "--at", NOW, "-v"])
                .env_clear()
                .env("COLUMNS", width)
                .current_dir(stage.folder.path());
            let text = String::from_utf8(tool.output().unwrap().stdout).unwrap();
            assert!(text.contains("N O - G O"), "{text}");
            assert_eq!((clean::offence(&text), clean::commands(&text)), (None, Vec::new()), "{width} columns");
            runs += 1;
        }
        let (lines, _) = stage.run(&["watch", "plan.toml", "--at", NOW, "--until", "1s", "--every", "1s", "-v"]);
        assert!(lines.contains("dnsbl-listed"), "{lines}");
        let (lines, _) = stage.run(&["watch", "plan.toml", "--at", NOW, "--until", "1s", "--format", "jsonl", "-v"]);
        skeleton::json(&lines).unwrap();
        for name in ["table", "json", "csv", "postfix", "exim"] {
            let (out, err) = stage.run(&["inbound", "--plan", "plan.toml", "--at", NOW, "--format", name]);
            assert!(!out.is_empty(), "{name}: {err}");
            let is_entry = |line: &str| {
                line.strip_suffix("/32 permit").unwrap_or(line).parse::<std::net::IpAddr>().is_ok()
                    || line.starts_with("# ")
            };
            if name == "postfix" || name == "exim" {
                assert!(out.lines().all(is_entry), "{out}");
            }
        }
        stage.run(&["rank", "203.0.113.25", "--plan", "plan.toml"]);
        stage.run(&["lists", "--health", "--plan", "plan.toml"]);
        let ask = [
            "init",
            "example.co.jp",
            "--new",
            "203.0.113.25",
            "--hostname",
            "mail.example.co.jp",
            "--cutover-at",
            "2026-12-05T22:00:00+09:00",
        ];
        let (draft, err) = stage.run(
            &[&ask[..], &["--resolver", &stage.resolver, "--dns-only", "--allow-special", "a test", "-o", "-"]]
                .concat(),
        );
        let draft: toml::Table = toml::from_str(&draft).unwrap_or_else(|error| panic!("{error}: {draft}{err}"));
        assert_eq!(draft["domains"].to_string(), r#"["example.co.jp"]"#, "{err}");
        assert!(!draft.contains_key("waive") && !draft.contains_key("attest"), "{draft:?}");
        runs += 10;
    }
    eprintln!("{WORLDS} hostile worlds, {runs} runs of the tool");
}
