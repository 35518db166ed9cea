//! A page for a change board: one file without scripts, to be read in a browser or printed.

mod findings;
mod grids;
mod timeline;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Style;
use super::digest::{Standing, counts, gaps, loud, reasons};
use super::head::{asked, runs};
use crate::model::{Lang, Report, Verdict, visible_whole};
use crate::words::{self, board as said};

/// Nothing is loaded and nothing runs, whatever a record or a list may have smuggled in.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const CSS: &str = include_str!("page.css");

/// Writes the report.
pub(super) fn write(report: &Report, style: &Style) -> String {
    let lang = style.lang;
    let page = html! {
        (DOCTYPE)
        html lang=(if lang == Lang::En { "en" } else { "ja" }) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(report.tool);
                title { (report.verdict.words()) ": " (title(report)) }
                // Ours, and without a character that HTML would take for markup.
                style { (PreEscaped(CSS)) }
            }
            body { (header(report, lang)) (body(report, style)) (footer(report, lang)) }
        }
    };
    format!("{}\n", page.into_string())
}

/// `text` as it may be shown; maud escapes what is markup.
fn shown(text: &str) -> String {
    visible_whole(text)
}

fn title(report: &Report) -> String {
    let title: Vec<&str> = [report.change.as_deref(), report.title.as_deref()].into_iter().flatten().collect();
    shown(&if title.is_empty() { report.plan_path.clone() } else { title.join(" – ") })
}

fn header(report: &Report, lang: Lang) -> Markup {
    let sections = said::sections(lang);
    let loud = loud(report, lang);
    html! {
        header {
            a.skip href="#findings" { (said::skip(lang)) }
            @if !loud.is_empty() {
                div.loud role="note" { @for line in &loud { p { strong { (shown(line)) } } } }
            }
            p.kicker { (said::kicker(lang)) }
            h1 { (title(report)) }
            div class=(format!("verdict {}", verdict_class(report.verdict))) {
                p.word { span.sign aria-hidden="true" { (verdict_sign(report.verdict)) } (report.verdict.words()) }
                p.means { (said::verdict(lang, report.verdict)) }
                @for reason in reasons(report, lang) { p.why { (shown(&reason)) } }
            }
            (tally(report, lang))
            (facts(report, lang))
            nav aria-label=(said::contents(lang)) {
                ul { @for (id, name) in sections { li { a href=(format!("#{id}")) { (name) } } } }
            }
        }
    }
}

/// How many there are of each kind.
fn tally(report: &Report, lang: Lang) -> Markup {
    let counted = counts(report);
    let kinds = [
        (Standing::Blocker, counted.blockers),
        (Standing::Unknown, counted.unknowns),
        (Standing::Warning, counted.warnings),
        (Standing::WaivedBlocker, counted.waived),
        (Standing::Note, counted.notes),
        (Standing::Passed, counted.passed),
    ];
    html! {
        ul.tally aria-label=(said::tally(lang)) {
            @for (standing, count) in kinds {
                li class=(if count == 0 { "none" } else { standing.word() }) {
                    b { (count) } " " (words::standing(lang, standing.word()))
                }
            }
        }
    }
}

fn facts(report: &Report, lang: Lang) -> Markup {
    let words = words::head(lang);
    let when = report.cutover_at.format("%Y-%m-%d %H:%M %:z").to_string();
    html! {
        dl.facts {
            div { dt { (words[2]) } dd { (words::phase_of(lang, report.phase, &when)) } }
            div { dt { (words[1]) } dd { (shown(&report.plan_path)) " " code.hash { "sha256 " (shown(&report.plan_sha256)) } } }
            div { dt { (words[3]) } dd { @for run in runs(report, lang, true) { p { (shown(&run)) } } } }
            div { dt { (words[4]) } dd { (shown(&asked(report, lang, " "))) } }
            @if !report.rehearsed.is_empty() {
                div { dt { "*" } dd { (shown(words::rehearsed_mark(lang).trim_start_matches(['*', ' ']))) } }
            }
        }
    }
}

fn body(report: &Report, style: &Style) -> Markup {
    let lang = style.lang;
    let [timeline, found, lists, sides, open, passed] = said::sections(lang);
    let section = |(id, name): (&str, &str), inner: Markup| {
        html! { section id=(id) aria-labelledby=(format!("{id}-title")) { h2 id=(format!("{id}-title")) { (name) } (inner) } }
    };
    html! {
        main {
            (section(timeline, timeline::draw(report, lang)))
            (section(found, findings::write(report, lang)))
            (section(lists, grids::lists(report, lang)))
            (section(sides, grids::sides(report, lang)))
            (section(open, not_covered(report, lang)))
            (section(passed, findings::passed(report, lang)))
            @if style.verbose { (section(("transcript", words::transcript(lang)), findings::transcript(report, lang))) }
        }
    }
}

fn not_covered(report: &Report, lang: Lang) -> Markup {
    let gaps = gaps(report, lang);
    html! {
        p.lead { (said::not_covered_lead(lang)) }
        @if gaps.is_empty() { p { (said::nothing(lang)) } } @else {
            ul.gaps {
                @for (section, why, count) in gaps {
                    li {
                        strong { (section.card.title.in_lang(lang)) } ": " (shown(why))
                        @if count > 1 { " (×" (count) ")" }
                    }
                }
            }
        }
    }
}

fn footer(report: &Report, lang: Lang) -> Markup {
    html! {
        footer {
            @for line in loud(report, lang) { p { strong { (shown(&line)) } } }
            p { (report.verdict.words()) " · " (title(report)) " · " (report.finished.format("%Y-%m-%d %H:%M %:z")) " · " (report.tool) }
            p { (said::limits(lang)) }
        }
    }
}

/// The class of a verdict in the style sheet.
const fn verdict_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "go",
        Verdict::GoWithWarnings => "careful",
        Verdict::Hold => "hold",
        Verdict::NoGo => "nogo",
    }
}

const fn verdict_sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "✓",
        Verdict::GoWithWarnings => "!",
        Verdict::Hold => "?",
        Verdict::NoGo => "✗",
    }
}

/// The sign of a standing: what the colour says is said without it.
const fn sign(standing: Standing) -> &'static str {
    match standing {
        Standing::NotApplicable => "–",
        Standing::Passed => "✓",
        Standing::NotCovered => "○",
        Standing::Note => "·",
        Standing::WaivedWarning | Standing::WaivedBlocker => "~",
        Standing::Warning => "!",
        Standing::Unknown => "?",
        Standing::Blocker => "✗",
    }
}
