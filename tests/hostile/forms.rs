//! Every form of the report, with every trick in every field at once: words stay words.

use clap::ValueEnum;
use mail_cutover::model::{Lang, visible};
use mail_cutover::render::{Format, Style, render};

use crate::{alphabet, clean, said, skeleton};

/// Ways to ask for a form that change what is laid out.
fn styles(format: Format) -> Vec<Style> {
    let usual =
        Style { lang: Lang::En, color: false, width: 80, unicode: true, verbose: true, quiet: false, strict: false };
    let japanese = Style { lang: Lang::Ja, ..usual };
    if format == Format::Table {
        return vec![
            usual,
            Style { width: 40, color: true, ..usual },
            Style { width: 120, unicode: false, ..usual },
            Style { quiet: true, verbose: false, ..usual },
            Style { width: 40, ..japanese },
            Style { width: 120, color: true, verbose: false, ..japanese },
        ];
    }
    vec![usual, japanese]
}

/// A report that says `text` everywhere, as this form gets it: what a run or a file brought was made visible where it came in.
fn written(format: Format, style: &Style, text: &str) -> String {
    let is_for_machines = !matches!(format, Format::Table | Format::Json | Format::Markdown);
    let text = if is_for_machines { text.to_owned() } else { visible(text) };
    render(&said::report(&text), format, style)
}

/// Lost if it fails: a text from outside would steer a terminal, be taken for markup, a formula, a field or a command by whoever reads
/// the report, or make a file that no reader reads.
#[test]
fn words_stay_words() {
    let texts = alphabet::texts();
    let mut count = 0;
    let mut wrong = Vec::new();
    for &format in Format::value_variants() {
        for style in styles(format) {
            // With and without a command to paste: a text that cannot stand in one leaves it out.
            let usual = ["harmless", "-harmless"].map(|text| written(format, &style, text));
            let usual = usual.map(|text| {
                skeleton::read(format, &text).unwrap_or_else(|error| panic!("{format:?}: {error}\n{text}")).skeleton
            });
            for (name, text) in &texts {
                count += 1;
                let found = written(format, &style, text);
                if let Err(fault) = judge(format, &style, &found, text, &usual) {
                    wrong.push(format!("{format:?}, {} columns, {:?}, {name}: {fault}", style.width, style.lang));
                }
            }
        }
    }
    eprintln!("{count} reports of {} texts, {} wrong", texts.len(), wrong.len());
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 1500, "only {count} were tried");
}

fn judge(format: Format, style: &Style, found: &str, text: &str, usual: &[String]) -> Result<(), String> {
    let plain = if style.color { clean::without_colour(found) } else { found.to_owned() };
    if let Some(offence) = clean::offence(&plain) {
        return Err(format!("raw {offence}"));
    }
    if format != Format::Github
        && let [command, ..] = clean::commands(&plain).as_slice()
    {
        return Err(format!("a CI server obeys {command:?}"));
    }
    let read = skeleton::read(format, &plain)?;
    if !usual.contains(&read.skeleton) {
        return Err(format!("another structure: {}", difference(&usual[0], &read.skeleton)));
    }
    let shown: String = visible(text).trim().chars().take(100).collect();
    let is_whole =
        matches!(format, Format::Json | Format::Sarif | Format::Gitlab | Format::Html | Format::Junit | Format::Github);
    if is_whole && !read.words.contains(&shown) {
        return Err(format!("{shown:?} is not shown"));
    }
    if format == Format::Table && !style.quiet {
        // The last word is ours: a frame of three lines or more, and the verdict spread within.
        let verdict = plain.lines().filter(|line| line.contains("N O - G O")).count();
        if verdict != 1 || !plain.trim_end().ends_with(if style.unicode { '╝' } else { '+' }) {
            return Err("another verdict".to_owned());
        }
    }
    Ok(())
}

/// The first lines in which two structures differ.
fn difference(one: &str, other: &str) -> String {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    let at = (0..one.len().max(other.len())).find(|at| one.get(*at) != other.get(*at)).unwrap_or(0);
    let part = |lines: &[&str]| {
        lines.get(at.saturating_sub(2)..(at + 3).min(lines.len())).map_or_else(String::new, |part| part.join(" "))
    };
    format!("{:?} instead of {:?}", part(&other), part(&one))
}
