//! The pages that are copied into tickets and onto servers: every command in them exists, every unit is sound.

use std::process::Command;

use crate::Folder;

fn page(name: &str) -> String {
    std::fs::read_to_string(format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The blocks of this language in a page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    page.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The commands in a page: behind a prompt, in a unit, in a line of cron.
fn commands(page: &str) -> Vec<String> {
    let command = |line: &str| {
        let (before, rest) = line.split_once("mail-cutover ")?;
        let is_command = before.ends_with("$ ") || before.ends_with("new$  ") || before.ends_with("/bin/");
        let end = rest.find([')', '`']).unwrap_or(rest.len());
        is_command.then(|| format!("mail-cutover {}", rest[..end].replace("2>&1", "")))
    };
    page.lines().filter_map(command).collect()
}

/// Lost if it fails: at one in the morning somebody would copy a command that does not exist.
#[test]
fn the_pages_of_the_night_have_their_commands() {
    for (name, least) in [("checklist.md", 15), ("ja/checklist.md", 15), ("watch.md", 3), ("ja/watch.md", 1)] {
        let commands = commands(&page(name));
        assert!(commands.len() >= least, "{name}: {commands:?}");
    }
}

/// Lost if it fails: one language would ask for other steps than the other.
#[test]
fn both_languages_have_the_same_steps() {
    let steps = |name| -> Vec<String> {
        commands(&page(name)).iter().map(|command| command.replace(" --lang ja", "")).collect()
    };
    assert_eq!(steps("checklist.md"), steps("ja/checklist.md"));
    let boxes = |name| page(name).matches("- [ ]").count();
    assert_eq!(boxes("checklist.md"), boxes("ja/checklist.md"));
}

/// Lost if it fails: a unit that is copied from the page would not start, and nobody would watch.
#[test]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn the_units_of_the_page_are_sound() {
    let page = page("watch.md");
    let units = blocks(&page, "ini");
    let names = ["mail-cutover-watch.service", "mail-cutover-check.service", "mail-cutover-check.timer"];
    assert_eq!(units.len(), names.len());
    let folder = Folder::empty();
    for (unit, name) in units.iter().zip(names) {
        assert!(page.contains(name), "{name}");
        folder.write(name, unit.replace("/usr/local/bin/mail-cutover", env!("CARGO_BIN_EXE_mail-cutover")));
    }
    let mut verify = Command::new("systemd-analyze");
    verify.arg("verify").args(names.map(|name| folder.path(name)));
    match verify.output() {
        Err(error) => println!("skipped: systemd-analyze: {error}"),
        Ok(said) => {
            // What this machine itself has wrong is not the page's fault.
            let said_err = String::from_utf8_lossy(&said.stderr).into_owned();
            let ours: Vec<&str> = said_err.lines().filter(|line| line.contains("mail-cutover")).collect();
            assert!(ours.is_empty() && said.status.success(), "{said_err}");
        }
    }
}

/// Lost if it fails: cron would stay silent on NO-GO, or mail every morning that all is well.
#[test]
#[cfg(unix)]
fn the_line_for_cron_speaks_only_of_trouble() {
    let line = blocks(&page("watch.md"), "cron").concat();
    let (times, command) = line.trim().split_at(line.find("cd ").unwrap());
    assert_eq!((times.trim(), command.contains('%')), ("30 7 * * *", false));
    for (world, speaks) in [(crate::ready(), false), (crate::nameless(), true)] {
        let stage = crate::Stage::set(&world, "");
        let command = command
            .replace("/usr/local/bin/mail-cutover", env!("CARGO_BIN_EXE_mail-cutover"))
            .replace("/etc/mail-cutover", &stage.folder.path(".").display().to_string())
            .replace("/var/lib/mail-cutover", "reports")
            .replace("check plan.toml", &format!("check plan.toml --at {}", crate::NOW));
        let said = Command::new("sh").args(["-c", &command]).output().unwrap();
        let out = String::from_utf8(said.stdout).unwrap();
        assert_eq!(!out.is_empty(), speaks, "{out}");
        assert!(stage.folder.path("reports/latest.json").exists());
    }
}
