//! Findings with their evidence folded away, what passed, and every question that was asked.

use std::collections::HashMap;

use maud::{Markup, html};

use super::{shown, sign};
use crate::model::{Lang, Report, Section, Statement};
use crate::render::digest::{Standing, groups, worst};
use crate::render::findings::{Item, Told, line, tell};
use crate::words::{self, board as said};

/// All findings, worst first.
pub(super) fn write(report: &Report, lang: Lang) -> Markup {
    let groups = groups(report);
    let told: Vec<Told> = groups.iter().map(|group| tell(report, group, lang)).collect();
    let mut numbered: Vec<(usize, &Told)> = told.iter().enumerate().collect();
    let by_level = numbered.chunk_by_mut(|one, next| heading(lang, one.1) == heading(lang, next.1));
    html! {
        @if told.is_empty() { p { (said::nothing(lang)) } }
        @for level in by_level {
            @let heading = html! {
                h3 class=(format!("level {}", level[0].1.standing.word())) { (heading(lang, level[0].1)) " (" (level.iter().map(|(_, told)| told.items.len()).sum::<usize>()) ")" }
            };
            @let findings = html! { @for (number, told) in level.iter() { (finding(*number, told, lang)) } };
            // Notes never change the verdict: whoever decides may skip them.
            @if level[0].1.standing == Standing::Note {
                details.notes { summary { (heading) } (findings) }
            } @else { (heading) (findings) }
        }
    }
}

fn heading(lang: Lang, told: &Told) -> &'static str {
    words::level_heading(lang, told.standing.word())
}

/// Where each statement's finding stands on the page. Statements are told apart by their place in the report.
pub(super) struct Anchors(HashMap<*const Statement, usize>);

impl Anchors {
    pub(super) fn of(report: &Report) -> Self {
        let groups = groups(report);
        let numbered = groups.iter().enumerate();
        Self(
            numbered
                .flat_map(|(number, group)| group.statements.iter().map(move |one| (std::ptr::from_ref(*one), number)))
                .collect(),
        )
    }

    /// The anchor of the finding that holds this statement of the same report; nothing for what is no finding.
    pub(super) fn at(&self, statement: &Statement) -> Option<String> {
        self.0.get(&std::ptr::from_ref(statement)).map(|number| id(*number))
    }
}

fn id(number: usize) -> String {
    format!("finding-{}", number + 1)
}

fn finding(number: usize, told: &Told, lang: Lang) -> Markup {
    let [_, remedy, by_hand, ..] = words::finding(lang);
    let title = format!("{}-title", id(number));
    html! {
        article id=(id(number)) class=(format!("finding {}", told.standing.word())) aria-labelledby=(title) {
            h4 id=(title) {
                span.sign aria-hidden="true" { (sign(told.standing)) }
                code { (told.tag) } " " span.title { (told.title) }
            }
            @for item in &told.items { (of_item(item, lang)) }
            @if told.standing != Standing::Note {
                dl {
                    @if !told.remedies.is_empty() {
                        dt { (remedy) } @for remedy in &told.remedies { dd.remedy { (shown(remedy)) } }
                    }
                    @if !told.by_hand.is_empty() {
                        dt { (by_hand) } @for command in told.by_hand.iter().take(3) { dd { code { (shown(command)) } } }
                    }
                }
            }
        }
    }
}

fn of_item(item: &Item, lang: Lang) -> Markup {
    let waived = words::finding(lang)[3];
    html! {
        p.says {
            @if item.lacks_side() && let Some(side) = item.side { span class=(if item.is_new { "side new" } else { "side old" }) { (side) } }
            (shown(&item.without_side()))
        }
        @if let Some(waiver) = &item.waiver { p.waiver { b { (waived) } ": " (shown(waiver)) } }
        @if !item.evidence.is_empty() {
            details {
                summary { (said::evidence(lang)) " (" (item.evidence.len()) ")" }
                ul.evidence { @for line in &item.evidence { li { code { (shown(line)) } } } }
            }
        }
        @if !item.details.is_empty() {
            details {
                summary { (words::steps(lang, item.details.len())) }
                pre tabindex="0" { @for (depth, line) in &item.details { ("  ".repeat(*depth)) (shown(line)) "\n" } }
            }
        }
    }
}

/// What was asked and nothing found.
pub(super) fn passed(report: &Report, lang: Lang) -> Markup {
    let passed = |section: &&Section| worst(section, |_| true) == Some(Standing::Passed);
    html! {
        ul.passed {
            @for section in report.sections.iter().filter(passed) {
                li { span.sign aria-hidden="true" { (sign(Standing::Passed)) } (section.card.title.in_lang(lang)) }
            }
        }
    }
}

/// Every question and its answer.
pub(super) fn transcript(report: &Report, lang: Lang) -> Markup {
    html! {
        ol.transcript {
            @for seen in &report.observations {
                li {
                    code { (shown(&line(report, seen, lang))) }
                    // Records stand in the line already; a conversation fills a page.
                    @if seen.outcome == "ok" && !seen.answer.is_empty() {
                        details {
                            summary { (words::lines_spoken(lang, seen.answer.len())) }
                            pre tabindex="0" { @for line in &seen.answer { (shown(line)) "\n" } }
                        }
                    }
                }
            }
        }
    }
}
