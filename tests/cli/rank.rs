//! `rank` at a terminal: what it asks before it sweeps a range.

use crate::keyboard::at_terminal;
use crate::{Stage, ready};

/// A range that it asks back about.
const RANGE: &str = "198.18.0.0/23";

/// Lost if it fails: a slip of the hand would send thousands of questions to public lists, or nobody could answer the question.
#[test]
fn a_large_range_is_swept_only_after_a_yes() {
    let stage = Stage::set(&ready(), "");
    // One list is enough to see whether it is asked, and no pace makes the test wait.
    let resolver = stage.world.address();
    let plan = stage.folder.read("plan.toml");
    let plan = plan.replace("[dns]\n", &format!("[dns]\nunpaced = [\"{resolver}\"]\n"));
    stage.folder.write("plan.toml", plan + "[dnsbl]\nuse = []\nlists = [\"spamhaus-zen\"]\n");
    let ask = |language: &str, typed: &str| {
        let arguments = ["rank", "--plan", "plan.toml", RANGE, "--format", "csv", "--lang", language];
        at_terminal(stage.folder.tool(&arguments), typed)
    };
    for (language, question) in [("en", "Go on? [y/N]"), ("ja", "続けるか? [y/N]")] {
        // An empty line, a word that is no yes, the end of the input.
        for no in ["\n", "n\n", "yess\n", "\u{4}"] {
            let (exit, seen, out) = ask(language, no);
            assert_eq!((exit, out.as_str()), (Some(2), ""), "{no:?}: {seen}");
            assert!(seen.contains(question) && seen.contains("say --yes if that is wanted"), "{no:?}: {seen}");
        }
    }
    let (exit, seen, out) = ask("en", "y\n");
    assert_eq!((exit, seen.contains("512 addresses"), seen.contains("say --yes")), (Some(0), true, false), "{seen}");
    assert_eq!(out.lines().filter(|line| line.contains("198.18.")).count(), 512, "{out}");
}
