//! What one run of the tool came to, read from its JSON.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeSet;
use std::process::Output;

/// What one run came to.
pub(crate) struct Run {
    pub(crate) exit: i32,
    pub(crate) verdict: String,
    /// Every statement as `check status tag subject about`.
    pub(crate) said: BTreeSet<String>,
    pub(crate) text: String,
}

impl Run {
    /// Reads what it printed with `--format json`.
    pub(crate) fn read(output: &Output) -> Self {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let report: serde_json::Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
        let word = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
        let mut said = BTreeSet::new();
        for check in report["checks"].as_array().unwrap() {
            for statement in check["statements"].as_array().unwrap() {
                let [status, tag, about] = ["status", "tag", "about"].map(|key| word(&statement[key]));
                said.insert(format!(
                    "{} {status} {tag} {} {about}",
                    word(&check["id"]),
                    word(&statement["subject"]["value"])
                ));
            }
        }
        Self { exit: output.status.code().unwrap(), verdict: word(&report["verdict"]), said, text }
    }

    /// What was found or not measured.
    pub(crate) fn findings(&self) -> BTreeSet<&str> {
        self.said
            .iter()
            .filter(|line| line.contains(" found ") || line.contains(" unknown "))
            .map(String::as_str)
            .collect()
    }

    /// Whether this tag was said of this subject.
    pub(crate) fn says(&self, tag: &str, subject: &str) -> bool {
        self.said.iter().any(|line| line.contains(&format!(" {tag} {subject} ")))
    }
}
