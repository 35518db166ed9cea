//! Every fuzz target over its seeds and a few mutations of them, the same ones in every run: what `cargo test` can do of `fuzz/`.
//!
//! Seeds are taken from the files of this repository, made by `mail_cutover::fuzzing::made`, and kept in `fuzz/seeds/TARGET/` where a
//! run of the fuzzer found something. `MAIL_CUTOVER_FUZZ_CORPUS=1` also writes them to `fuzz/corpus/`.

#![expect(clippy::unwrap_used, reason = "a seed that cannot be read stops the test")]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mail_cutover::fuzzing::{TARGETS, Target, made};

/// The longest seed that is mutated, in octets: a debug build is slow.
const LONGEST: usize = 16 * 1024;
/// So many mutations of each target are tried in any case, however slow the machine is.
const FEWEST: u64 = 20;
/// No target is given more mutations than this.
const MOST: u64 = 3000;
/// How long the mutations of one target go on.
const TIME: Duration = Duration::from_millis(500);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> Vec<u8> {
    fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below a folder whose names end in `ending`, in the order of their names.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().is_some_and(|path| path.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The texts between quotes in files of scenarios and of code, as they stand there with their escapes resolved.
fn quoted(files: &[PathBuf], wanted: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for part in text.split(['"', '`', '\'']).filter(|part| wanted(part)) {
            found.push(part.replace("\\n", "\n").replace("\\t", "\t").into_bytes());
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The pieces of a file that is a row of many: messages of an mbox, lines of a log.
fn pieces(path: &str, between: &str, together: usize) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(&read(path)).into_owned();
    let all: Vec<&str> = text.split(between).collect();
    all.chunks(together).map(|some| some.join(between).into_bytes()).collect()
}

/// Blocks of code in the documentation, of the languages named.
fn blocks(languages: &[&str]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for file in files("docs", ".md") {
        let text = fs::read_to_string(file).unwrap();
        for block in text.split("```").skip(1).step_by(2) {
            let (language, block) = block.split_once('\n').unwrap_or_default();
            if languages.contains(&language) {
                found.push(block.as_bytes().to_vec());
            }
        }
    }
    found
}

/// The inputs that a target begins with.
fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let mut found = made(target.name);
    let scenarios = || files("tests/scenarios", ".toml");
    match target.name {
        "plan" => {
            found.extend(["config/plan.full.toml", "config/plan.minimal.toml", "config/demo/plan.toml"].map(read));
            found.extend(blocks(&["toml"]));
        }
        "zone" => {
            found.extend(quoted(&files("tests", "zone_readers.rs"), |part| {
                part.contains(" SOA ") || part.contains(" IN")
            }));
            found.extend(quoted(&files("src/zonefile", "tests.rs"), |part| part.len() > 20));
            found.extend(blocks(&["zone", "dns", "text"]));
            found.push(b"$ORIGIN example.co.jp.\n$TTL 1h\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n@ MX 10 mail\nns A 192.0.2.53\nmail A 192.0.2.1\n* TXT \"v=spf1 mx -all\"\n".to_vec());
        }
        "spf" => {
            let code = [scenarios(), files("src/records/spf", ".rs"), files("src/spf", ".rs")].concat();
            found.extend(quoted(&code, |part| part.starts_with("v=spf1")));
        }
        "records" => {
            let code = [scenarios(), files("src/records", ".rs"), files("src/dmarc", ".rs")].concat();
            let starts = ["v=DKIM1", "v=DMARC1", "v=STSv1", "v=TLSRPTv1", "v=BIMI1", "version: STSv1", "Received:"];
            found.extend(quoted(&code, |part| starts.iter().any(|start| part.starts_with(start))));
            found.push(read("config/sample-message.eml"));
            found.push(b"ca.example; accounturi=https://a.example/1; validationmethods=dns-01".to_vec());
        }
        "certificates" => {
            found.extend(files("config", ".pem").iter().map(|path| fs::read(path).unwrap()));
            found.extend(files("tests", "certificate.pem").iter().map(|path| fs::read(path).unwrap()));
            found.push([&[3, 1, 1], [7; 32].as_slice()].concat());
        }
        "smtp" => {
            let texts = quoted(&[scenarios(), files("src/probe/smtp", ".rs")].concat(), |part| {
                part.get(..3).is_some_and(|code| code.bytes().all(|octet| octet.is_ascii_digit())) && part.len() > 4
            });
            found.extend(texts.iter().map(|text| [b"\0", text.as_slice(), b"\r\n250 ok\r\n"].concat()));
            found.push(b"\x00220 mx ESMTP\r\n250-mx Hello m [203.0.113.25]\r\n250-SIZE 10240000\r\n250 STARTTLS\r\n550 5.7.1 no\r\n".to_vec());
            found.push(b"\x01* CAPABILITY IMAP4rev1 STARTTLS\r\na OK done\r\n".to_vec());
        }
        "bounce" => {
            for server in ["postfix", "exim", "sendmail"] {
                found.extend(pieces(&format!("tests/bounce/generated/{server}.mbox"), "\n\nFrom ", 1));
            }
            found.extend(pieces("tests/bounce/lines.tsv", "\n", 40));
            found.extend(quoted(&files("src/bounce", "tests.rs"), |part| part.len() > 60));
            found.push(b"Hi. This is the qmail-send program.\n\n<a@b.example>:\n\xe3\x81\n550 <x@y.example>... no\n<<< 550 \xff\n".to_vec());
            found.push(b"From x\n\nFrom: y@z.example\nSubject: =?iso-2022-jp?B?GyRC?=\n\n\x1b$B\n".to_vec());
            found.push("é550-5.7.1 é\n550 ünknown … «user» Client host [192.0.2.1] said: é".into());
        }
        "log" => {
            for server in ["postfix", "exim", "sendmail"] {
                found.extend(pieces(&format!("tests/bounce/generated/{server}.log"), "\n", 12));
            }
            found.extend(quoted(&files("src/inbound/log", "tests.rs"), |part| part.len() > 40));
            found.extend(quoted(&files("src/bounce", "tally_tests.rs"), |part| part.len() > 40));
        }
        "postfix" => {
            found.push(read("config/sample-main.cf"));
            let code = [files("tests/inbound", "cases.rs"), files("src/inbound/postfix", ".rs")].concat();
            let mains = quoted(&code, |part| part.contains(" = ") && part.len() > 24);
            let masters = [
                "",
                "=== master.cf\nsmtp inet n - n - - smtpd\n",
                "=== master.cf\nsmtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n  -o soft_bounce=no\n=== access\n198.51.100.7 REJECT\npartner.example OK\n",
            ];
            found.extend(
                mains
                    .iter()
                    .zip(masters.iter().cycle())
                    .map(|(main, master)| [main, b"\n".as_slice(), master.as_bytes()].concat()),
            );
        }
        "exim" => {
            let code = [files("tests/inbound", "exim_policies.rs"), files("src/inbound/exim", ".rs")].concat();
            let acls = quoted(&code, |part| part.contains("accept") || part.contains("deny ") || part.contains("${"));
            found.extend(acls.iter().map(|acl| {
                let acl = String::from_utf8_lossy(acl);
                let acl = if acl.contains("check_rcpt:") {
                    acl.into_owned()
                } else {
                    format!("check_rcpt:\n  {acl}\n  accept")
                };
                format!("acl_smtp_rcpt = check_rcpt\nhostlist friends = 198.51.100.7\nbegin acl\n{acl}\n").into_bytes()
            }));
        }
        "render" => {
            found.extend(quoted(&files("tests/forms", "hostile.rs"), |part| part.contains("alert")));
            found.push("=1+1\u{1b}[2J\u{202e}<script>alert(1)</script> ]]> %0A | `id` {ip} 日本語、。ﾞ\u{3000}".into());
            found.push(Vec::new());
        }
        _ => {}
    }
    found.extend(files(&format!("fuzz/seeds/{}", target.name), "").iter().map(|path| fs::read(path).unwrap()));
    found.sort();
    found.dedup();
    found
}

/// The words of a target's format, in the form of libFuzzer's dictionaries.
fn words(target: &Target) -> Vec<Vec<u8>> {
    let text = String::from_utf8(read(&format!("fuzz/dictionaries/{}.dict", target.name))).unwrap();
    let word = |line: &str| {
        let mut rest = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap().as_bytes();
        let mut word = Vec::new();
        while let Some((octet, after)) = rest.split_first() {
            rest = after;
            match (octet, rest) {
                (b'\\', [b'x', high, low, after @ ..]) => {
                    let digits = [*high, *low].map(char::from).iter().collect::<String>();
                    word.push(u8::from_str_radix(&digits, 16).unwrap());
                    rest = after;
                }
                (b'\\', [escaped, after @ ..]) => {
                    word.push(*escaped);
                    rest = after;
                }
                _ => word.push(*octet),
            }
        }
        word
    };
    text.lines().map(word).collect()
}

/// The same numbers in every run (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

/// A seed, changed in one to eight places.
fn mutated(seeds: &[&Vec<u8>], words: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut octets = seeds[numbers.below(seeds.len())].clone();
    for _ in 0..1 + numbers.below(8) {
        let at = numbers.below(octets.len() + 1);
        let to = (at + numbers.below(40)).min(octets.len());
        match numbers.below(8) {
            0 if at < octets.len() => octets[at] ^= 1 << numbers.below(8),
            1 if at < octets.len() => octets[at] = numbers.below(256).to_le_bytes()[0],
            2 => drop(octets.drain(at..to)),
            3 => octets.truncate(at),
            4 => {
                let piece = octets[at..to].to_vec();
                let place = numbers.below(octets.len() + 1);
                octets.splice(place..place, piece).for_each(drop);
            }
            5 => {
                let other = seeds[numbers.below(seeds.len())];
                let from = numbers.below(other.len() + 1);
                octets.splice(at.., other[from..].iter().copied()).for_each(drop);
            }
            6 => octets.splice(at..to, [0xff, b'\n', 0, 0xe3, 0x81].into_iter().take(numbers.below(6))).for_each(drop),
            _ if !words.is_empty() => {
                octets.splice(at..at, words[numbers.below(words.len())].iter().copied()).for_each(drop);
            }
            _ => {}
        }
    }
    octets.truncate(2 * LONGEST);
    octets
}

/// Runs a target; what it cannot stand is in the message.
fn run(target: &Target, octets: &[u8]) {
    let ran = catch_unwind(|| (target.run)(octets));
    assert!(ran.is_ok(), "the target {} stops at {}", target.name, octets.escape_ascii());
}

fn all(target: &Target) {
    let seeds = seeds(target);
    assert!(seeds.len() >= 3, "{} has only {} seeds", target.name, seeds.len());
    let short: Vec<&Vec<u8>> = seeds.iter().filter(|seed| seed.len() <= LONGEST).collect();
    seeds.iter().for_each(|seed| run(target, seed));
    let words = words(target);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let begun = Instant::now();
    for round in 0..MOST {
        // The number of rounds may differ with the machine; what the n-th is does not.
        if round >= FEWEST && begun.elapsed() > TIME {
            break;
        }
        run(target, &mutated(&short, &words, &mut numbers));
    }
}

/// Lost if it fails: something from outside stops the tool, or breaks what is promised of it (src/fuzzing says what).
#[test]
fn no_seed_and_no_mutation_of_it_breaks_a_target() {
    TARGETS.iter().for_each(all);
}

/// Lost if it fails: a target that nobody can run, or one that only the fuzzer knows.
#[test]
fn every_target_has_its_file_and_its_entry() {
    let manifest = String::from_utf8(read("fuzz/Cargo.toml")).unwrap();
    let mut names: Vec<String> = files("fuzz/targets", ".rs")
        .iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    known.sort_unstable();
    names.sort();
    assert_eq!(names, known);
    for name in known {
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"targets/{name}.rs\"")), "{name}");
        let file = String::from_utf8(read(&format!("fuzz/targets/{name}.rs"))).unwrap();
        assert!(file.contains(&format!("fuzzing::{name}(data)")), "{name}");
    }
}

/// Lost if it fails: the fuzzer begins with nothing. Writes only where it is asked to.
#[test]
fn the_corpus_can_be_written() {
    let wanted = std::env::var_os("MAIL_CUTOVER_FUZZ_CORPUS").is_some();
    for target in TARGETS {
        let seeds = seeds(target);
        assert!(!seeds.is_empty() && !words(target).is_empty(), "{}", target.name);
        let folder = root().join("fuzz/corpus").join(target.name);
        if wanted {
            fs::create_dir_all(&folder).unwrap();
            for (number, seed) in seeds.iter().enumerate() {
                fs::write(folder.join(format!("seed-{number:04}")), seed).unwrap();
            }
        }
    }
}
