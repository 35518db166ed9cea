//! Everything that the pages, the texts and the samples show is real: commands that the tool takes, and plans that it reads.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use mail_cutover::cli::Cli;
use mail_cutover::plan::{self, Known};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The files with this ending in `folder` and below it.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries
        .flat_map(|path| if path.is_dir() { files(&path, ending) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    found.sort();
    found
}

/// Name and text of README.md and of every page under docs/.
fn pages() -> Vec<(String, String)> {
    let mut paths = files(&Path::new(ROOT).join("docs"), "md");
    paths.push(Path::new(ROOT).join("README.md"));
    named(&paths)
}

fn named(paths: &[PathBuf]) -> Vec<(String, String)> {
    let name = |path: &PathBuf| path.strip_prefix(ROOT).unwrap().display().to_string();
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// What a page writes where the reader puts something of their own.
const STAND_INS: [(&str, &str); 6] = [
    ("$((JOB_COMPLETION_INDEX + 1))", "1"),
    ("$JOB_COMPLETION_INDEX", "1"),
    ("$SLURM_ARRAY_TASK_ID", "1"),
    ("{}/", "1/"),
    ("ADDRESS", "203.0.113.25"),
    ("アドレス", "203.0.113.25"),
];

/// The words of a command up to where the shell goes on with something else.
fn words(command: &str) -> Vec<String> {
    let command = STAND_INS.iter().fold(command.to_owned(), |text, (shown, real)| text.replace(shown, real));
    let ends = |word: &&str| {
        ["|", "||", "&&", ">", "2>&1", ";", ":::"].contains(word)
            || word.starts_with("2>&1")
            || word.starts_with(['#', '('])
    };
    let mut words: Vec<String> =
        command.split_whitespace().take_while(|word| !ends(word)).map(|word| word.replace(['"', '\''], "")).collect();
    if let Some(last) = words.last_mut() {
        *last = last.trim_end_matches([')', ';', ',']).to_owned();
    }
    words
}

/// A command that a text shows, and whether it stands by itself: in a sentence it may be the mere name of one.
struct Shown {
    words: Vec<String>,
    is_whole: bool,
}

/// The commands in a text: those between backticks, and those that begin a line of code or stand behind a prompt or a path.
fn shown(text: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("mail-cutover ") {
        let (before, rest) = (&text[..at], &text[at..]);
        let line = before.rsplit('\n').next().unwrap();
        let in_sentence = before.ends_with('`');
        let by_itself = line.trim().is_empty()
            || ["$ ", "$  ", "$   ", "/bin/", "exec ", "run: ", "script: ", "parallel ", "  root  "]
                .iter()
                .any(|start| line.ends_with(start));
        if in_sentence {
            let span = rest.split('`').next().unwrap();
            // A sentence is broken into lines anywhere.
            found.push(Shown { words: words(&span.replace('\n', " ")), is_whole: false });
        } else if by_itself {
            let mut whole = String::new();
            for line in rest.lines() {
                let goes_on = line.ends_with('\\');
                if !whole.is_empty() && !line.trim().starts_with("--") {
                    break;
                }
                whole.push_str(line.trim_end_matches('\\'));
                whole.push(' ');
                if !goes_on && !line.contains("/config/plan.toml") {
                    break;
                }
            }
            found.push(Shown { words: words(&whole), is_whole: true });
        }
    }
    found
}

/// Why the tool would refuse `command`.
fn refusal(command: &Shown) -> Option<String> {
    let error = Cli::try_parse_from(&command.words).err()?;
    let is_name = !command.is_whole && error.kind() == ErrorKind::MissingRequiredArgument;
    let is_fine = is_name || matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    (!is_fine).then(|| format!("{}: {error}", command.words.join(" ")))
}

/// Lost if it fails: a page would show a command or an option that does not exist.
#[test]
fn every_command_that_is_written_down_is_taken() {
    let is_command = |command: &Shown| {
        let second = command.words.get(1).map_or("", String::as_str);
        // Prose: "mail-cutover itself failed".
        command.is_whole || second.starts_with('-') || Cli::command().find_subcommand(second).is_some()
    };
    let mut count = 0;
    let mut wrong = Vec::new();
    let mut look = |name: &str, text: &str, only_spans: bool| {
        for command in shown(text).iter().filter(|command| is_command(command) && !(only_spans && command.is_whole)) {
            count += 1;
            wrong.extend(refusal(command).map(|why| format!("{name}: {why}")));
        }
    };
    for (name, text) in pages() {
        look(&name, &text, false);
    }
    // What the tool itself tells people to run, and what the samples say.
    for (folder, ending) in [("src", "rs"), ("config", "toml")] {
        for (name, text) in named(&files(&Path::new(ROOT).join(folder), ending)) {
            look(&name, &text, true);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 150, "only {count} commands were found");
}

/// Lost if it fails: the test above would find nothing wrong because it sees nothing.
#[test]
fn a_wrong_command_is_found() {
    for text in [
        "```console\n$ mail-cutover check plan.toml --formt json\n```",
        "run `mail-cutover check plan.toml\n--nope` tonight",
        "ExecStart=/usr/bin/mail-cutover watch plan.toml --evry 10m",
        "      desk$ mail-cutover merge --format jsn a.json b.json",
        "```sh\nmail-cutover lists --helth\n```",
    ] {
        let found = shown(text);
        assert!(found.len() == 1 && refusal(&found[0]).is_some(), "{text}");
    }
    for text in ["`mail-cutover check`", "`mail-cutover check --help`", "$ mail-cutover demo | less"] {
        assert!(shown(text).iter().all(|command| refusal(command).is_none()), "{text}");
    }
}

/// A file that a plan of a page names.
fn sample(path: &Path) -> std::io::Result<Vec<u8>> {
    let name = match path.extension().and_then(|extension| extension.to_str()) {
        Some("eml") => "sample-message.eml",
        Some("pem") => "sample-certificate.pem",
        Some("cf") => "sample-main.cf",
        _ => return Ok(Vec::new()),
    };
    std::fs::read(Path::new(ROOT).join("config").join(name))
}

/// `fragment` of a plan, made whole by the smallest plan.
fn whole(fragment: &str) -> String {
    let minimal = std::fs::read_to_string(Path::new(ROOT).join("config/plan.minimal.toml")).unwrap();
    let mut plan: toml::Table = minimal.parse().unwrap();
    plan.extend(fragment.parse::<toml::Table>().unwrap());
    // Samples have addresses for documentation, which a real plan may not have.
    if let Some(new) = plan.get_mut("new").and_then(toml::Value::as_table_mut) {
        new.entry("allow_special").or_insert(true.into());
        new.entry("reason").or_insert("a sample".into());
    }
    toml::to_string(&plan).unwrap()
}

/// Lost if it fails: a plan would be copied from a page and refused.
#[test]
fn every_plan_that_is_written_down_is_read() {
    let known = mail_cutover::command::known(mail_cutover::catalogue::Catalogue::embedded());
    let known = Known { read_file: Some(sample), ..known };
    let read = |fragment: &str| plan::parse(&whole(fragment), "plan.toml", &known).map_err(|why| why.render(false));
    let mut count = 0;
    for (name, text) in pages() {
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            // A block in a list is indented.
            let fragment: String = block.lines().map(|line| format!("{}\n", line.trim_start())).collect();
            if let Err(why) = read(&fragment) {
                panic!("{name}:\n{block}\n{why}");
            }
            count += 1;
        }
    }
    assert!(count >= 8, "only {count} plans were found");
    assert!(read("[smtp]\nrecipient = [\"a@example.co.jp\"]").is_err());
}
