//! What shells and man make of the command line's own description.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::process::{Command, Stdio};

use crate::{Folder, Ran};

/// The complaints of `program`, run on `file`; nothing if it is not installed, which is said.
fn complaints(program: &str, arguments: &[&str], file: &std::path::Path) -> Option<String> {
    let output = Command::new(program).args(arguments).arg(file).stdin(Stdio::null()).output();
    let Ok(output) = output else {
        // bash and mandoc are what .ci/run installs; other shells are a gift.
        let is_required = std::env::var_os("MAIL_CUTOVER_REQUIRE_DAEMONS").is_some();
        assert!(!(is_required && ["bash", "mandoc"].contains(&program)), "{program} is missing");
        eprintln!("NOT TESTED: {program} is missing");
        return None;
    };
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Lost if it fails: a line in somebody's profile would print errors whenever a shell starts, or complete nothing.
#[test]
fn shells_read_their_completions() {
    let folder = Folder::empty();
    for (shell, syntax) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute"), ("powershell", ""), ("elvish", "")]
    {
        let Ran { exit, out, err } = folder.run(&["completions", shell]);
        assert_eq!((exit, err.as_str()), (Some(0), ""));
        for word in ["mail-cutover", "merge", "on-new-server", "rehearse"] {
            assert!(out.contains(word), "{shell} does not know {word}");
        }
        folder.write(shell, &out);
        if !syntax.is_empty()
            && let Some(said) = complaints(shell, &[syntax], &folder.path(shell))
        {
            assert_eq!(said, "", "{shell}");
        }
    }
    // Loaded, and asked what may follow.
    let script = "source ./bash; COMP_WORDS=(mail-cutover check --format pro); COMP_CWORD=3; \
                  name=$(complete -p mail-cutover); name=${name##*-F }; ${name%% *} mail-cutover pro --format; echo ${COMPREPLY[*]}";
    let asked = Command::new("bash").args(["--norc", "-c", script]).current_dir(folder.path("")).output();
    if let Ok(asked) = asked {
        assert_eq!(String::from_utf8_lossy(&asked.stdout), "prometheus\n", "{asked:?}");
    }
    assert_eq!(folder.run(&["completions", "cmd"]).exit, Some(2));
}

/// Lost if it fails: `man mail-cutover` would show nothing, or pages that man complains about.
#[test]
fn man_reads_its_pages() {
    let folder = Folder::empty();
    let commands = "init check merge compare watch inbound rank bounce explain lists schema completions manpage demo";
    for command in std::iter::once("").chain(commands.split(' ')) {
        let arguments: Vec<&str> = ["manpage", command].into_iter().filter(|word| !word.is_empty()).collect();
        let Ran { exit, out, err } = folder.run(&arguments);
        assert_eq!((exit, err.as_str()), (Some(0), ""), "{command}");
        let name = if command.is_empty() { "mail-cutover".to_owned() } else { format!("mail-cutover-{command}") };
        assert!(out.contains(&format!(".TH {name} 1 ")), "{out}");
        assert!(!out.contains("\"--at\"") && !out.contains("\\-\\-at "), "a hidden option is shown on {name}");
        // Where the locale is not UTF-8, man complains of anything else.
        assert!(out.chars().all(|c| c.is_ascii() || c == '·'), "{name}: {out}");
        assert!(!out.contains(".SH EXTRA"), "the examples stand on {name} twice, or under a heading of nothing");
        let examples = out.split_once("\n.SH EXAMPLES\n.nf\n").unwrap_or_else(|| panic!("{name}: {out}")).1;
        assert!(examples.lines().filter(|line| line.starts_with("mail\\-cutover")).count() >= 2, "{examples}");
        let file = folder.path(format!("{name}.1"));
        std::fs::write(&file, &out).unwrap();
        if let Some(said) = complaints("mandoc", &["-T", "lint", "-W", "error"], &file) {
            assert_eq!(said, "", "{name}");
        }
    }
    assert!(folder.run(&["manpage", "check"]).out.contains("prometheus"));
    let wrong = folder.run(&["manpage", "chek\u{1b}[2J"]).error();
    assert_eq!(
        wrong,
        "error: could not write a manual page: no command is called chek\\u{1b}[2J; `mail-cutover --help` lists them all\n"
    );
}
