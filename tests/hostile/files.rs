//! Files and arguments that strangers wrote or named: mails, logs, rules, plans, zones, reports, paths.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use mail_cutover::render::Format;
use tempfile::TempDir;

use crate::{alphabet, clean, skeleton};

/// Every trick as octets.
fn tricks() -> Vec<Vec<u8>> {
    alphabet::texts().into_iter().map(|(_, text)| text.into_bytes()).chain(alphabet::octets()).collect()
}

/// A trick on one line.
fn line(octets: &[u8]) -> Vec<u8> {
    octets.iter().map(|octet| if matches!(octet, b'\r' | b'\n') { b' ' } else { *octet }).take(600).collect()
}

/// What the tool said, both streams, after looking at them.
fn run(folder: &TempDir, arguments: &[&OsStr]) -> (String, String, Option<i32>) {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_mail-cutover"));
    tool.args(arguments).env_clear().current_dir(folder.path()).stdin(Stdio::null());
    let output = tool.output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|octets| String::from_utf8(octets).unwrap());
    for text in [&out, &err] {
        if let Some(offence) = clean::offence(&clean::without_colour(text)) {
            panic!("{arguments:?}: raw {offence}");
        }
        assert_eq!(clean::commands(text), [""; 0], "{arguments:?}");
        assert!(!text.contains("panic") && !text.contains("itself failed"), "{arguments:?}: {text}");
    }
    (out, err, output.status.code())
}

fn words<'w>(words: &'w [&'w str]) -> Vec<&'w OsStr> {
    words.iter().map(OsStr::new).collect()
}

/// Lost if it fails: an error mail, which anybody can send, would steer the terminal or the spreadsheet of whoever asks what it means.
#[test]
fn error_mails_are_texts() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    let mut all = Vec::new();
    for trick in tricks() {
        let one = line(&trick);
        let fields: [&[u8]; 5] =
            [b"From: ", b"\r\nSubject: ", b"\r\nX-Failed-Recipients: ", b"\r\nTo: ", b"\r\nMessage-Id: "];
        let mut mail: Vec<u8> = fields.iter().flat_map(|field| [*field, &one].concat()).collect();
        mail.extend(b"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\n");
        mail.extend(
            [
                &b"<info@example.co.jp>: host "[..],
                &one,
                b"[192.0.2.1] said: 550 5.7.1 ",
                &one,
                b" blocked using ",
                &one,
            ]
            .concat(),
        );
        mail.extend(b"\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; ");
        mail.extend(
            [
                &one[..],
                b"\r\n\r\nFinal-Recipient: rfc822; ",
                &one,
                b"\r\nAction: failed\r\nStatus: 5.7.1\r\nRemote-MTA: dns; ",
                &one,
            ]
            .concat(),
        );
        mail.extend([&b"\r\nDiagnostic-Code: smtp; 554 5.7.1 "[..], &one, b"\r\n\r\n--b--\r\n"].concat());
        all.extend(b"From MAILER-DAEMON Tue Dec  1 10:00:00 2026\n");
        all.extend(mail);
        all.extend(b"\n");
    }
    for (number, trick) in tricks().iter().enumerate() {
        let one = line(trick);
        let text = [
            &b"550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; "[..],
            &one,
            b"\n554 ",
        ]
        .concat();
        std::fs::write(folder.path().join(format!("reply-{number}.txt")), [text, one].concat()).unwrap();
    }
    std::fs::write(folder.path().join("all.mbox"), all).unwrap();
    let replies: Vec<String> = (0..tricks().len()).map(|number| format!("reply-{number}.txt")).collect();
    for format in ["table", "json", "csv"] {
        for lang in ["en", "ja"] {
            let ask = ["bounce", "--format", format, "--lang", lang, "all.mbox"];
            let mut arguments = words(&ask);
            arguments.extend(replies.iter().map(OsStr::new));
            let (out, err, _) = run(&folder, &arguments);
            assert!(out.len() > 1000, "{err}");
            match format {
                "json" => drop(skeleton::json(&out).unwrap()),
                "csv" => drop(skeleton::read(Format::Csv, &out).unwrap()),
                _ => {}
            }
            count += replies.len() + 1;
        }
    }
    eprintln!("{count} error mails and replies");
}

/// Lost if it fails: whoever says something odd on our port 25 would steer the terminal of whoever counts the log, or write a line of
/// their own into an allow-list.
#[test]
fn logs_are_texts() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Vec::new();
    for (number, trick) in tricks().iter().enumerate() {
        let one = line(trick);
        let head = format!("Dec  1 10:00:{:02} mx ", number % 60).into_bytes();
        let ip = format!("198.51.100.{}", number % 250 + 1).into_bytes();
        let lines: [Vec<u8>; 4] = [
            [
                &head[..],
                b"postfix/smtp[1]: 4A1: to=<",
                &one,
                b">, relay=",
                &one,
                b"[192.0.2.1]:25, delay=1, dsn=5.7.1, status=bounced (host ",
                &one,
                b" said: 550 5.7.1 ",
                &one,
                b" (in reply to RCPT TO command))",
            ]
            .concat(),
            [&head[..], b"postfix/smtpd[2]: connect from ", &one, b"[", &ip, b"]"].concat(),
            [&head[..], b"postfix/smtpd[2]: 4A2: client=", &one, b"[", &ip, b"]"].concat(),
            [&head[..], b"postfix/qmgr[2]: 4A2: from=<a@", &one, b">, size=1, nrcpt=1 (queue active)"].concat(),
        ];
        log.extend(lines.join(&b'\n'));
        log.push(b'\n');
    }
    std::fs::write(folder.path().join("mail.log"), log).unwrap();
    for format in ["table", "json", "csv"] {
        for lang in ["en", "ja"] {
            let (out, err, _) = run(
                &folder,
                &words(&[
                    "bounce",
                    "--log",
                    "mail.log",
                    "--format",
                    format,
                    "--lang",
                    lang,
                    "--at",
                    "2026-12-01T12:00:00Z",
                ]),
            );
            assert!(out.len() > 300, "{out}{err}");
            match format {
                "json" => drop(skeleton::json(&out).unwrap()),
                "csv" => drop(skeleton::read(Format::Csv, &out).unwrap()),
                _ => {}
            }
        }
    }
    let rules = "compatibility_level = 3.6\nmynetworks = 127.0.0.0/8\nmydestination = example.co.jp\n\
                 smtpd_client_restrictions = check_client_access cidr:{{198.51.100.0/24 reject go away}}\n";
    std::fs::write(folder.path().join("main.cf"), rules).unwrap();
    for format in ["table", "json", "csv", "postfix", "exim"] {
        let ask = [
            "inbound",
            "--config",
            "main.cf",
            "--log",
            "mail.log",
            "--format",
            format,
            "-v",
            "--at",
            "2026-12-01T12:00:00Z",
        ];
        let (out, err, _) = run(&folder, &words(&ask));
        assert!(!out.is_empty() || !err.is_empty());
        match format {
            "json" => drop(skeleton::json(&out).unwrap()),
            "csv" => drop(skeleton::read(Format::Csv, &out).unwrap()),
            "postfix" | "exim" => {
                for entry in out.lines() {
                    let ip = entry.strip_suffix("/32 permit").unwrap_or(entry);
                    assert!(
                        entry.starts_with("# ")
                            || ip.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_string().starts_with("198.51.100.")),
                        "{entry:?}"
                    );
                }
            }
            _ => {}
        }
    }
}

/// Lost if it fails: the file that is refused, or its name, would steer the terminal on which the error is read.
#[test]
fn what_is_refused_is_shown_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let commands: [&[&str]; 21] = [
        &["check", "?"],
        &["check", "plan.toml", "--baseline", "?"],
        &["check", "plan.toml", "--rehearse", "?"],
        &["check", "plan.toml", "--save", "?"],
        &["check", "plan.toml", "-o", "?/x"],
        &["check", "plan.toml", "--only", "?"],
        &["check", "plan.toml", "--format", "?"],
        &["check", "plan.toml", "--deadline", "?"],
        &["watch", "?", "--until", "1s"],
        &["merge", "?", "?"],
        &["compare", "?", "?"],
        &["bounce", "?"],
        &["bounce", "--log", "?"],
        &["inbound", "--config", "?", "--log", "?"],
        &["inbound", "--plan", "?"],
        &["lists", "--plan", "?"],
        &["explain", "?"],
        &["manpage", "?"],
        &["init", "?", "--new", "?"],
        &["rank", "?"],
        &["?", "--?"],
    ];
    std::fs::write(folder.path().join("plan.toml"), "domains = 1\n").unwrap();
    let mut count = 0;
    for (number, trick) in tricks().into_iter().enumerate() {
        let name: Vec<u8> = trick.iter().copied().filter(|octet| !matches!(octet, 0 | b'/')).take(100).collect();
        if name.is_empty() || (name.starts_with(b"-") && number % 2 == 0) {
            continue;
        }
        // A file of that name that says the same, and nothing else.
        let _ = std::fs::write(folder.path().join(OsStr::from_bytes(&name)), &trick);
        // Each command meets every seventh trick, each trick three commands.
        for command in commands.iter().skip(number % 7).step_by(7) {
            let arguments: Vec<OsString> = command.iter().map(|word| filled(word, &name)).collect();
            let arguments: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
            run(&folder, &arguments);
            count += 1;
        }
    }
    // What a file says, at every place of a plan, a zone and a report.
    for trick in tricks() {
        let escaped: String = String::from_utf8_lossy(&trick)
            .chars()
            .take(300)
            .map(|sign| format!("\\U{:08x}", u32::from(sign)))
            .collect();
        let plan = format!(
            "\"{escaped}\" = 1\ndomains = [\"{escaped}\"]\ncutover_at = \"{escaped}\"\n[dnsbl]\nlists = [\"{escaped}\"]\n[\"{escaped}\"]\nx = 1\n"
        );
        std::fs::write(folder.path().join("other.toml"), plan).unwrap();
        let (_, err, code) = run(&folder, &words(&["check", "other.toml"]));
        assert!(code == Some(2) && err.len() > 50, "{err}");
        std::fs::write(folder.path().join("raw.toml"), [&b"domains = [\""[..], &trick, b"\"]\nx"].concat()).unwrap();
        run(&folder, &words(&["check", "raw.toml"]));
        let text = serde_json::Value::from(String::from_utf8_lossy(&trick));
        for report in [
            format!("{{\"schema\": 1, \"tool\": {text}}}"),
            format!(
                "{{\"schema\": 1, \"tool\": \"mail-cutover {}\", \"plan\": {text}, {text}: 1}}",
                env!("CARGO_PKG_VERSION")
            ),
            format!(
                "{{\"schema\": 1, \"tool\": \"mail-cutover {}\", \"catalogue\": {{{text}: 1}}}}",
                env!("CARGO_PKG_VERSION")
            ),
        ] {
            std::fs::write(folder.path().join("report.json"), report).unwrap();
            let (_, err, code) = run(&folder, &words(&["merge", "report.json", "report.json"]));
            assert!(code == Some(2) && err.starts_with("error: could not merge"), "{err}");
        }
        std::fs::write(
            folder.path().join("a.zone"),
            [&b"$ORIGIN example.co.jp.\n@ IN SOA a b 1 1 1 1 1\n@ "[..], &line(&trick), b" x\n"].concat(),
        )
        .unwrap();
        run(
            &folder,
            &words(&[
                "init",
                "example.co.jp",
                "--new",
                "203.0.113.25",
                "--zone",
                "a.zone",
                "--resolver",
                "127.0.0.1:9",
                "--dns-only",
                "-o",
                "-",
            ]),
        );
        count += 6;
    }
    eprintln!("{count} refusals");
}

/// A word of a command line with a name in the place of its question mark.
fn filled(word: &str, name: &[u8]) -> OsString {
    match word.split_once('?') {
        Some((before, behind)) => OsStr::from_bytes(&[before.as_bytes(), name, behind.as_bytes()].concat()).to_owned(),
        None => OsString::from(word),
    }
}
