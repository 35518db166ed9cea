//! What no plan is: other files, broken ones, huge ones, and texts that want to paint on the terminal.

use std::time::{Duration, Instant};

use assert_cmd::Command;
use mail_cutover::plan::{self, Problems};

use super::{SOUND, config, known, more, new, parse, top};

/// Reads octets; asserts that the outcome is a plan, or problems that lie in the text and can be shown.
fn survive(bytes: &[u8]) -> Option<Problems> {
    let problems = plan::parse_bytes(bytes, "plan.toml", &known()).err()?;
    assert!(!problems.all.is_empty(), "refused without a problem");
    for problem in &problems.all {
        assert!(problem.span.start <= problem.span.end && problem.span.end <= bytes.len(), "{problem:?}");
    }
    let rendered = problems.to_string();
    assert!(rendered.contains("plan.toml") && rendered.contains("nothing was checked"), "{rendered}");
    let paints = rendered.chars().find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}'));
    assert!(paints.is_none(), "{paints:?} reaches the terminal:\n{rendered}");
    Some(problems)
}

/// Numbers that look random and are the same on every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

/// The full plan without its comments: what is left is what the reader has to understand.
fn dense() -> String {
    config("config/plan.full.toml")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .fold(String::new(), |text, line| text + line + "\n")
}

/// Lost if it fails: half a plan (a full disk, an editor that is still writing) would crash the tool or be believed.
#[test]
fn a_plan_that_ends_anywhere_never_panics() {
    let text = dense();
    assert!(survive(text.as_bytes()).is_none());
    for end in 0..text.len() {
        survive(&text.as_bytes()[..end]);
    }
}

/// Lost if it fails: a damaged plan would crash the tool.
#[test]
fn a_damaged_plan_never_panics() {
    let text = dense();
    let mut numbers = Numbers(0x5eed_1042);
    for _ in 0..1000 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(bytes.len());
            match numbers.below(4) {
                0 => bytes[at] ^= 1 << numbers.below(8),
                1 => bytes[at] = b"\"'[]{}=.,#\n\\ \t-0"[numbers.below(16)],
                2 => drop(bytes.remove(at)),
                _ => {
                    let (from, length) = (numbers.below(bytes.len()), numbers.below(30));
                    let piece: Vec<u8> = bytes.iter().skip(from).take(length).copied().collect();
                    bytes.splice(at..at, piece);
                }
            }
        }
        survive(&bytes);
    }
}

/// Lost if it fails: characters of more than one octet in odd places would crash the tool.
#[test]
fn wide_characters_in_odd_places_never_panic() {
    let text = dense();
    for (at, _) in text.char_indices().step_by(13) {
        for odd in ["é", "漢", "\u{202e}", "𝕏", "\r"] {
            let mut text = text.clone();
            text.insert_str(at, odd);
            survive(text.as_bytes());
        }
    }
}

/// Lost if it fails: a photograph given by mistake would be answered with a page of guesses.
#[test]
fn files_that_are_no_text_are_named_so() {
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(SOUND.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [&b"\x7fELF\x02\x01\x01\0\0"[..], &[0xff, 0xd8, 0xff, 0xe0], b"a = 1\0", &utf16] {
        let problems = survive(bytes).unwrap();
        assert_eq!(problems.all.len(), 1, "{problems}");
        assert!(problems.to_string().contains("UTF-8"), "{problems}");
    }
}

/// Lost if it fails: a log file given by mistake would fill the memory.
#[test]
fn a_huge_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.toml");
    std::fs::write(&path, "# not a plan\n".repeat(10 << 20).split_at(10 << 20).0).unwrap();
    let start = Instant::now();
    let ran = Command::cargo_bin("mail-cutover").unwrap().arg("check").arg(&path).assert().code(2);
    let said = String::from_utf8_lossy(&ran.get_output().stderr).into_owned();
    assert!(said.contains("longer than 1024 KiB") && said.contains("1 problem;"), "{said}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// Lost if it fails: "error" without the path, or a trace, where a file is not there or not readable.
#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("missing.toml"), folder.path().to_owned()] {
        let ran = Command::cargo_bin("mail-cutover").unwrap().arg("check").arg(&path).assert().code(2);
        let said = String::from_utf8_lossy(&ran.get_output().stderr).into_owned();
        assert!(said.starts_with("error: could not read the plan"), "{said}");
        assert!(said.contains(&path.display().to_string()), "{said}");
    }
}

/// Lost if it fails: the name of a file could repaint the terminal of whoever checks it.
#[cfg(unix)]
#[test]
fn a_hostile_file_name_is_shown_harmless() {
    let folder = tempfile::tempdir().unwrap();
    for exists in [false, true] {
        let path = folder.path().join("a\u{1b}[2Jb.toml");
        if exists {
            std::fs::write(&path, "x = 1\n").unwrap();
        }
        let ran = Command::cargo_bin("mail-cutover").unwrap().args(["--color", "never", "check"]).arg(&path).assert();
        let said = String::from_utf8_lossy(&ran.code(2).get_output().stderr).into_owned();
        assert!(!said.contains('\u{1b}') && said.contains("b.toml"), "{said:?}");
    }
}

/// Lost if it fails: a plan from a pull request could hide its own problems from the person who reads them.
#[test]
fn terminal_escapes_are_made_visible() {
    for text in [
        top(r#"domains = ["a\u001b[2Jb.jp"]"#),
        top(r#""\u001b[2J\u202e" = 1"#),
        top("hostname = \"a\u{202e}b\""),
        top("title = 1 # \u{1b}[2J\u{9b}31m"),
        top("title = 1 # \u{202e}txet\u{2066}"),
        new(r#"ips = ["\u001b]0;owned\u0007"]"#),
        new(r#"provider = "\u001b[31mhetzner""#),
        more("[attest]\n\"\\u001b[2J\" = 1"),
        more("[attest]\n\"\\u001b[2J\" = { yes = 1 }"),
        more(
            "[dnsbl]\nlists = [\"\\u001b[2J\"]\nkey = { \"\\u001b[2J\" = \"env:X\" }\nweight = { \"\\u001b[2J\" = \"\\u001b\" }",
        ),
        more("[mx]\n\"\\u001b[2J\" = [\"\\u001b[2J\"]"),
        more("[auth]\ndkim = { \"\\u001b[2J\" = [1] }"),
        more("[smtp]\nrecipients = [\"\\u001b[2J\"]"),
        more("[\"\\u001b[2J\"]\n"),
        "a\u{1b} = 1".to_owned(),
        "\"\\u001b[2J\" = 1\n\"\\u001b[2J\" = 2".to_owned(),
    ] {
        survive(text.as_bytes()).unwrap_or_else(|| panic!("read: {text:?}"));
    }
}

/// Lost if it fails: a text that somebody nested or repeated on purpose would keep the tool busy, or end it.
#[test]
fn long_and_deep_plans_end_soon() {
    let full = |line: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        for at in 0.. {
            let line = line(at);
            if SOUND.len() + text.len() + line.len() + 2 > plan::LONGEST_PLAN {
                return text;
            }
            text.push_str(&line);
        }
        text
    };
    let ips = full(&|at| format!("\"10.{}.{}.{}\",", at >> 16 & 255, at >> 8 & 255, at & 255));
    let domains = full(&|at| format!("\"{at:x}.jp\","));
    for (what, text) in [
        ("brackets", format!("a = {}", "[".repeat(plan::LONGEST_PLAN - 10))),
        ("braces", full(&|_| "a={".to_owned())),
        ("dots", format!("{} = 1", full(&|_| "a.".to_owned()) + "a")),
        ("dotted header", format!("[{}]", full(&|_| "a.".to_owned()) + "a")),
        ("addresses", new(&format!("ips = [{ips}]\nallow_special = true\nreason = \"r\""))),
        ("private addresses", new(&format!("ips = [{ips}]"))),
        ("domains", top(&format!("domains = [{domains}]"))),
        ("unknown keys", more(&full(&|at| format!("k{at}=1\n")))),
        ("waivers", more(&full(&|_| "[[waive]]\n".to_owned()))),
        ("keys", more(&format!("[dnsbl.key]\n{}", full(&|at| format!("k{at}=1\n"))))),
        ("broken lines", more(&full(&|_| "key =\n".to_owned()))),
        ("lists", more(&format!("[dnsbl]\nlists=[{}]", full(&|at| format!("\"l{at}\","))))),
        ("own lists", more(&full(&|at| format!("[[dnsbl.list]]\nid=\"l{at}\"\nzone=\"a.jp\"\n")))),
        ("records", more(&format!("[mx]\n{}", full(&|at| format!("\"{at:x}.jp\"=[\"10 a.jp\"]\n"))))),
        ("one long line", top(&format!("title = 1 #{}", "x".repeat(plan::LONGEST_PLAN - 1000)))),
        ("one long key", top(&format!("{} = 1", "k".repeat(plan::LONGEST_PLAN - 1000)))),
    ] {
        let start = Instant::now();
        survive(text.as_bytes());
        assert!(start.elapsed() < Duration::from_secs(20), "{what}: {:?}", start.elapsed());
    }
}

/// Lost if it fails: a page of problems so long that nobody sees the first.
#[test]
fn many_problems_are_counted_and_not_all_shown() {
    let text = more(&(0..500).fold("[attest]\n".to_owned(), |text, at| text + &format!("a{at} = 1\n")));
    let rendered = parse(&text).unwrap_err().to_string();
    assert!(rendered.contains("and 460 more problems") && rendered.contains("500 problems;"), "{rendered}");
}
