//! A canary in place of a list's key: it is asked with, comes back in every way that the DNS has, and is shown nowhere.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use mail_cutover::catalogue::Catalogue;
use mail_cutover::check::{Check, Run};
use mail_cutover::checks::CHECKS;
use mail_cutover::command::{context, known};
use mail_cutover::demo::{self, Setup, World, WorldFile};
use mail_cutover::model::{Card, Needs, Phase, Saying, Secrets, Text, Vantage};
use mail_cutover::{dnsbl, plan, runner};
use tempfile::TempDir;

const KEY: &str = "CaNaRy5kq7zk4vq7wx3jq7zk9h";
const NOW: &str = "2026-12-01T10:00:00+09:00";

/// What the list says of the new address: the key in every spelling that a name or a text of the DNS has.
fn echoes() -> Vec<String> {
    let (half, rest) = KEY.split_at(KEY.len() / 2);
    let swapped: String = KEY
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    let octets: String = KEY.bytes().map(|octet| format!("\\{octet:03}")).collect();
    vec![
        format!("TXT \"{KEY}\""),
        format!("TXT \"see http://list.example/?k={swapped}&x=1\""),
        format!("TXT \"{half}\" \"{rest}\""),
        format!("TXT \"{octets}\""),
        // The place at which a long text is cut lies within the key.
        format!("TXT \"{}\" \"{}{KEY}\"", "x".repeat(200), "y".repeat(190)),
        format!("TXT \"{half}.{rest} {half} {rest} {half}-{rest}\""),
        format!("CNAME {KEY}.echo.test."),
        format!("CNAME {half}.{rest}.echo.test."),
    ]
}

struct Stage {
    folder: TempDir,
    world: World,
    _runtime: tokio::runtime::Runtime,
}

/// The world: what the list says of the new address, faults, and what else differs.
fn setup(echo: &str, fault: &str, more: &str) -> Setup {
    let zone = format!(
        "base = [\"internet\"]\n{more}\n[zones]\n\"{KEY}.zen.dq.spamhaus.net\" = '''\n2.0.0.127 A 127.0.0.2\n\
         25.113.0.203 A 127.0.0.2\n25.113.0.203 {echo}\n'''\n\
         \"echo.test\" = '''\n{KEY} A 127.0.0.2\n{KEY} TXT \"{KEY}\"\n'''\n[lists]\n{fault}"
    );
    // An alias stands alone.
    let zone = if echo.starts_with("CNAME") { zone.replace("25.113.0.203 A 127.0.0.2\n", "") } else { zone };
    WorldFile::parse(&zone).unwrap().setup(&demo::blocklists().unwrap(), &demo::base).unwrap()
}

impl Stage {
    fn set(echo: &str, fault: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let world = runtime.block_on(World::serve(&setup(echo, fault, ""))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plan.toml"), plan_of(world.address())).unwrap();
        Self { folder, world, _runtime: runtime }
    }

    /// Runs the tool with the key in its environment, and looks at both streams and every file that it leaves.
    fn run(&self, arguments: &[&str]) -> String {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_mail-cutover"));
        tool.args(arguments).env_clear().env("DQS_KEY", KEY).current_dir(self.folder.path()).stdin(Stdio::null());
        let output = tool.output().unwrap();
        let said = [output.stdout, output.stderr].map(|octets| String::from_utf8_lossy(&octets).into_owned());
        said.iter().for_each(|text| hides(text, &format!("{arguments:?}")));
        self.look(self.folder.path());
        said.concat()
    }

    fn look(&self, folder: &std::path::Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.look(&path);
            } else {
                hides(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()), &path.display().to_string());
            }
        }
    }
}

/// Asserts that the key stands in `text` neither whole nor in pieces.
fn hides(text: &str, of: &str) {
    let letters = |text: &str| text.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let (text, key) = (letters(text), letters(KEY));
    // Half of it is too much, too: the front or the back.
    for part in [&key[..14], &key[key.len() - 14..]] {
        if let Some(at) = text.find(part) {
            panic!("{of} shows the key: {:?}", &text[at.saturating_sub(80)..(at + 40).min(text.len())]);
        }
    }
}

fn plan_of(resolver: std::net::SocketAddr) -> String {
    format!(
        "change = \"CHG-1\"\ncutover_at = 2026-12-05T22:00:00+09:00\ndomains = [\"example.co.jp\"]\n\
         hostname = \"mail.example.co.jp\"\n[old]\nips = [\"192.0.2.25\"]\n[new]\nips = [\"203.0.113.25\"]\n\
         allow_special = true\nreason = \"a test\"\n[smtp]\nports = []\n[dns]\nresolver = [\"{resolver}\"]\n\
         root_hints = [\"{resolver}\"]\nauthority_port = {}\ntimeout = \"400ms\"\n\
         [dnsbl]\nkey = {{ spamhaus-dqs = \"env:DQS_KEY\" }}\n",
        resolver.port()
    )
}

/// Lost if it fails: a customer's paid key would be posted with the report, because the list, its CNAME or a resolver repeated it.
#[test]
fn no_echo_of_the_key_is_shown() {
    let mut runs = 0;
    for echo in echoes() {
        let stage = Stage::set(&echo, "");
        let table = stage.run(&["check", "plan.toml", "--at", NOW, "-v", "--save", "kept"]);
        assert!(table.contains("spamhaus"), "{table}");
        let asked = stage.world.asked();
        assert!(asked.iter().any(|asked| asked.name.contains(&KEY.to_lowercase())), "{echo}: the key was not used");
        let kept = std::fs::read_dir(stage.folder.path().join("kept")).unwrap();
        let kept = kept.map(|entry| entry.unwrap().path().display().to_string()).next().unwrap();
        stage.run(&["check", "plan.toml", "--at", NOW, "--on-new-server", "--format", "json", "-o", "second.json"]);
        for form in
            ["table", "json", "markdown", "html", "csv", "junit", "sarif", "nagios", "prometheus", "github", "gitlab"]
        {
            let merged = stage.run(&["merge", &kept, "second.json", "--at", NOW, "-v", "--format", form]);
            assert!(merged.len() > 200 && !merged.contains("could not merge"), "{form}: {merged}");
            runs += 1;
        }
        stage.run(&["compare", &kept, &kept, "-v"]);
        stage.run(&[
            "check",
            "plan.toml",
            "--at",
            NOW,
            "-v",
            "--format",
            "json",
            "-o",
            "report.json",
            "--baseline",
            &kept,
        ]);
        runs += 3;
    }
    eprintln!("{runs} runs with {} echoes", echoes().len());
}

/// Lost if it fails: a key would be in the log of whatever failed: silence, refusal, garbage, an answer of another id, a dead resolver.
#[test]
fn no_failure_shows_the_key() {
    for fault in [
        "drop",
        "servfail",
        "refused",
        "garbage",
        "wrong-id",
        "truncate-always",
        "lame",
        "nx-rewrite 192.0.2.99",
        "always 127.0.0.2",
    ] {
        let fault = format!("[[fault]]\nbelow = \"{KEY}.zen.dq.spamhaus.net\"\ndo = \"{fault}\"\n");
        let stage = Stage::set("TXT \"x\"", &fault);
        for arguments in [
            &["check", "plan.toml", "--at", NOW, "-v", "--format", "json"][..],
            &["lists", "--health", "--plan", "plan.toml"],
            &["rank", "203.0.113.25", "--plan", "plan.toml"],
        ] {
            assert!(!stage.run(arguments).is_empty(), "{fault}");
        }
    }
    let stage = Stage::set("TXT \"x\"", "");
    std::fs::write(stage.folder.path().join("plan.toml"), plan_of(([127, 0, 0, 1], 9).into())).unwrap();
    assert!(stage.run(&["check", "plan.toml", "--at", NOW, "-v"]).contains("spamhaus"));
}

/// Lost if it fails: the program that a watch calls, and everything that it starts, would get the key; or a line of the watch would.
#[test]
fn no_watch_hands_the_key_on() {
    let stage = Stage::set(&format!("TXT \"{KEY}\""), "");
    let program = stage.folder.path().join("hook");
    std::fs::write(
        &program,
        "#!/bin/sh\n/usr/bin/env >> environment\n/bin/cat /proc/$$/cmdline /proc/$PPID/cmdline >> environment\n",
    )
    .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    for format in ["lines", "jsonl"] {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_mail-cutover"));
        tool.args([
            "watch",
            "plan.toml",
            "--every",
            "1s",
            "--until",
            "10m",
            "--lists-every",
            "1s",
            "--format",
            format,
            "-v",
            "--save",
            "kept",
        ]);
        tool.args(["--on-change", "./hook", "--at", NOW])
            .env_clear()
            .env("DQS_KEY", KEY)
            .current_dir(stage.folder.path());
        let child = tool.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let environment = stage.folder.path().join("environment");
        let wait_for = |what: &dyn Fn() -> bool| {
            (0..1200).any(|_| {
                what() || {
                    std::thread::sleep(Duration::from_millis(50));
                    false
                }
            })
        };
        let latest = stage.folder.path().join("kept/latest.json");
        assert!(wait_for(&|| latest.exists()), "no first report");
        // The world changes, so that there is something to call the program for.
        let nameless = "remove.\"113.0.203.in-addr.arpa\" = [\"25\"]";
        stage.world.turn(&setup(&format!("TXT \"{KEY}\""), "", nameless)).unwrap();
        assert!(wait_for(&|| environment.exists()), "the program was not called");
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        for text in [output.stdout, output.stderr] {
            hides(&String::from_utf8_lossy(&text), format);
        }
        stage.look(stage.folder.path());
        let called = std::fs::read_to_string(&environment).unwrap();
        assert!(called.contains("MAIL_CUTOVER_NEWS") && !called.contains("DQS_KEY"), "{called}");
        std::fs::remove_file(&environment).unwrap();
        std::fs::remove_dir_all(stage.folder.path().join("kept")).unwrap();
        stage.world.turn(&setup(&format!("TXT \"{KEY}\""), "", "")).unwrap();
    }
}

const NO_TEXT: Text = Text { en: "", ja: "" };

/// A check that fails with the key in its mouth.
static FAILS: Check = Check {
    card: Card {
        id: "sample",
        title: NO_TEXT,
        short: NO_TEXT,
        phases: &[Phase::Before],
        why: NO_TEXT,
        how: NO_TEXT,
        by_hand: "",
        references: &[],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[],
    },
    run: Run::World(|context| async move { panic!("no answer for {:?}, {:?}", KEY, context.now) }.boxed()),
};

/// Lost if it fails: a fault of the tool would post the key with the report of itself.
#[tokio::test]
async fn no_panic_and_no_debug_form_shows_the_key() {
    let now = chrono::DateTime::parse_from_rfc3339(NOW).unwrap();
    let plan = plan::parse(&plan_of(([127, 0, 0, 1], 9).into()), "plan.toml", &known(Catalogue::embedded())).unwrap();
    hides(&format!("{plan:?}"), "a plan");
    let selection = dnsbl::select(&plan.dnsbl, Catalogue::embedded(), |_| Some(KEY.to_owned()));
    assert!(selection.asked.iter().any(|list| list.key.as_deref() == Some(KEY)), "the key is not used");
    hides(&format!("{:?}", selection.asked), "the lists");
    let secrets = Secrets::new([KEY.to_owned()]);
    hides(&format!("{secrets:?}"), "the secrets");
    let context = context(plan, Vantage::Desk, Phase::Before, now, &secrets, Vec::new()).unwrap();
    let limits = runner::Limits { deadline: Duration::from_secs(5), only: Vec::new(), skip: Vec::new() };
    let ending = runner::run(&[&FAILS], &Arc::new(context), &limits, std::future::pending(), |_, _| ()).await;
    let statement = &ending.sections[0].statements[0];
    assert!(matches!(statement.saying, Saying::Outcome(outcome) if outcome.tag == "run-bug"), "{statement:?}");
    assert!(format!("{:?}", statement.args).contains("[key]"), "{statement:?}");
    hides(&format!("{:?}", statement.args), "a bug");
    assert!(CHECKS.len() > 50);
}
