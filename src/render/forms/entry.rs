//! What the forms for other programs share: a statement with its weight, its sentence and its place in the plan.

use sha2::{Digest, Sha256};

use crate::model::{Lang, Report, Section, Statement, Verdict, visible_whole};
use crate::render::digest::{Standing, loud, subject};
use crate::render::findings::{item, remedy, says};

/// One statement with what every form needs to know of it.
pub(super) struct Entry<'r> {
    pub(super) report: &'r Report,
    pub(super) section: &'r Section,
    pub(super) statement: &'r Statement,
    pub(super) standing: Standing,
    /// What it does to the verdict.
    pub(super) weighs: Verdict,
}

impl<'r> Entry<'r> {
    /// The tag of the outcome; nothing for what names none.
    pub(super) fn tag(&self) -> Option<&'static str> {
        self.statement.named().map(|outcome| outcome.tag)
    }

    /// `NEW 203.0.113.26`, with the second key behind it.
    pub(super) fn subject(&self, lang: Lang) -> String {
        let about = self.statement.about.as_ref().map_or_else(String::new, |about| format!(" ({about})"));
        visible_whole(&format!("{}{about}", subject(self.section, self.statement, lang)))
    }

    /// What is said, in a sentence.
    pub(super) fn says(&self, lang: Lang) -> String {
        visible_whole(&says(self.statement, lang))
    }

    /// The subject, what is said of it, and what to do; marked where it rests on a rehearsed zone.
    pub(super) fn sentence(&self, lang: Lang) -> String {
        let said = item(self.report, self.section, self.statement, lang).sentence();
        let full_stop = if lang == Lang::En { ". " } else { "。" };
        let remedy = remedy(self.statement, lang).map_or_else(String::new, |remedy| format!("{full_stop}{remedy}"));
        visible_whole(&format!("{said}{remedy}"))
    }

    /// The line of the plan that it is about; the first, if the plan does not say.
    pub(super) fn line(&self) -> usize {
        let waived = self.statement.waiver.as_ref().map(|waiver| waiver.line);
        let subject = &self.statement.subject;
        let line = match subject {
            crate::model::Subject::PlanLine(line) => Some(*line),
            _ => self.report.plan_lines.get(&subject.to_string()).copied(),
        };
        line.or(waived).unwrap_or(1).max(1)
    }

    /// The same for the same finding in every run, hexadecimal.
    pub(super) fn fingerprint(&self) -> String {
        let parts = [
            self.section.card.id,
            self.tag().unwrap_or_default(),
            self.statement.subject.kind(),
            &self.statement.subject.to_string(),
            self.statement.about.as_deref().unwrap_or_default(),
        ];
        Sha256::digest(parts.join("\0")).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Every statement, in the order of the report.
pub(super) fn entries(report: &Report) -> Vec<Entry<'_>> {
    let of_section = |section| {
        let entry = move |statement| Entry {
            report,
            section,
            statement,
            standing: Standing::of(statement),
            weighs: Verdict::weighing(section.card, statement, report.phase),
        };
        section.statements.iter().map(entry)
    };
    report.sections.iter().flat_map(of_section).collect()
}

/// What was found or is not known, heaviest first.
pub(super) fn findings(report: &Report) -> Vec<Entry<'_>> {
    let mut found = entries(report);
    found.retain(|entry| entry.tag().is_some());
    found.sort_by_key(|entry| std::cmp::Reverse((entry.weighs, entry.standing)));
    found
}

/// What must be said before anything else: that the world was not the real one, or the run not whole.
pub(super) fn warnings(report: &Report, lang: Lang) -> Vec<String> {
    loud(report, lang).iter().map(|line| visible_whole(line)).collect()
}

/// The plan's path as a reference that stands in a URI (RFC 3986, section 4.1), relative where it was given so.
pub(super) fn plan_uri(report: &Report) -> String {
    let path = report.plan_path.replace('\\', "/");
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for octet in path.bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(octet)),
            _ => uri.push_str(&format!("%{octet:02X}")),
        }
    }
    uri
}
