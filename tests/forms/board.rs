//! The page for a change board in a real browser: no errors, nothing wider than a telephone, and axe content with it.

use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt;
use mail_cutover::render::Format;

use crate::{hostile, in_both, sample, tool};

/// The narrowest screen that the page must be readable on, in CSS pixels.
const NARROW: u32 = 360;

/// Pages of the sample in both languages, of a hostile report, of many addresses, and of the demo, which asks real lists.
fn pages() -> Vec<String> {
    let [english, japanese] = in_both(&sample::report(&sample::five()), Format::Html);
    let [hostile, _] = in_both(&hostile::report(), Format::Html);
    let [_, many] = in_both(&sample::report(&sample::many()), Format::Html);
    let mut command = Command::cargo_bin("mail-cutover").unwrap();
    let demo = command.args(["demo", "--format", "html", "--verbose"]).output().unwrap();
    vec![english, japanese, hostile, many, String::from_utf8(demo.stdout).unwrap()]
}

/// What chromium makes of a page: its final document, and what it wrote to its log.
fn load(chromium: &Path, folder: &Path, page: &str, is_dark: bool) -> (String, String) {
    let file = folder.join("page.html");
    std::fs::write(&file, page).unwrap();
    let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!is_dark));
    let output = Command::new(chromium)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom", &scheme])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Pages in frames of `width`, and a script that runs in each and hands its findings to `report(list)`.
fn framed(pages: &[String], width: u32, script: &str) -> String {
    let quoted = |page: &str| page.replace('&', "&amp;").replace('"', "&quot;");
    let frame =
        |page: &String| format!("<iframe width=\"{width}\" height=\"3000\" srcdoc=\"{}\"></iframe>", quoted(page));
    let frames: String = pages.iter().map(frame).collect();
    format!(
        "<!DOCTYPE html><title>frames</title>{frames}<pre id=\"found\">not run</pre><script>\
         addEventListener('load', async () => {{\n\
           const found = [];\n\
           const say = (text) => found.push(text);\n\
           for (const [number, frame] of [...document.querySelectorAll('iframe')].entries()) {{\n\
             const page = frame.contentDocument;\n{script}\n\
           }}\n\
           document.getElementById('found').textContent = 'BEGIN' + found.join('\\n') + 'END';\n\
         }});</script>"
    )
}

fn found(document: &str) -> &str {
    let rest = document.split_once("BEGIN").map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split_once("END")).unwrap_or_else(|| panic!("the script did not run: {document}")).0
}

fn chromium() -> Option<PathBuf> {
    tool::find(&["chromium", "chromium-browser", "google-chrome"], "chromium")
}

/// Lost if it fails: the page would load something, be stopped by its own policy, or be read sideways on a telephone.
#[test]
fn the_page_fits_a_telephone_and_has_no_errors() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let pages = pages();
    let measure = "const wide = page.documentElement.scrollWidth;\n\
                   if (wide > frame.clientWidth) say(`page ${number}: ${wide} px wide`);\n\
                   if (!page.querySelector('main h2')) say(`page ${number}: empty`);\n\
                   if (page.querySelector('script')) say(`page ${number}: a script`);";
    let (document, log) = load(&chromium, folder.path(), &framed(&pages, NARROW, measure), false);
    assert_eq!(found(&document), "");
    assert!(!log.contains("CONSOLE"), "{log}");
    let (document, _) = load(&chromium, folder.path(), &framed(&pages[..1], NARROW / 3, measure), false);
    assert!(found(&document).contains("px wide"), "nothing is too wide for anything: the test measures nothing");
    let (document, log) = load(&chromium, folder.path(), &pages[2], false);
    assert!(document.contains("<h2") && !log.contains("CONSOLE"), "{log}");
}

/// The text of the cells in the row of the page's tables that begins with `heading`.
fn row<'p>(page: &'p str, heading: &str) -> Vec<&'p str> {
    let head = format!("<th scope=\"row\">{heading}</th>");
    let (_, rest) = page.split_once(&head).unwrap_or_else(|| panic!("no row {heading}"));
    let row = rest.split_once("</tr>").unwrap().0;
    row.split("<td").skip(1).map(|cell| cell.split_once("class=\"").unwrap().1.split('"').next().unwrap()).collect()
}

/// Lost if it fails: a list that never answered would look as if it cleared the address.
#[test]
fn only_lists_that_answered_clear_an_address() {
    let page = pages().pop().unwrap();
    // Old, then new; the last is IPv6, which SpamCop does not hold.
    assert_eq!(row(&page, "Spamhaus ZEN"), ["passed", "passed", "blocker", "passed", "passed"]);
    assert_eq!(row(&page, "SpamCop Blocking List (SCBL)"), ["passed", "passed", "passed", "passed", "empty"]);
    assert!(!page.contains("<th scope=\"row\">s5h.net</th>"), "a dead list has a row");
    let target = page.split_once("<td class=\"blocker\"><a href=\"#").unwrap().1.split('"').next().unwrap();
    assert!(page.contains(&format!("<article id=\"{target}\" class=\"finding blocker\"")), "{target} leads nowhere");
}

/// Lost if it fails: the board would read the wrong time, or see the moments in the wrong order.
#[test]
fn the_timeline_is_in_order() {
    let [page, _] = in_both(&sample::report(&sample::five()), Format::Html);
    let moments: Vec<&str> =
        page.split("<time datetime=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let wanted = [
        "2026-12-01T07:00:00+09:00",
        "2026-12-01T10:00:02+09:00",
        "2026-12-01T21:00:00+09:00",
        "2026-12-01T22:00:00+09:00",
        "2026-12-02T22:00:00+09:00",
        "2026-12-08T22:00:00+09:00",
    ];
    assert_eq!(moments, wanted);
    let places: Vec<f64> =
        page.split("cx=\"").skip(1).map(|rest| rest.split('%').next().unwrap().parse().unwrap()).collect();
    assert!(places.len() == moments.len() && places.is_sorted(), "{places:?}");
    // Eleven pixels of radius on either side, on the narrowest screen.
    let least =
        places.windows(2).map(|pair| (pair[1] - pair[0]) * f64::from(NARROW - 26) / 100.0).fold(f64::MAX, f64::min);
    assert!(least > 15.0 && places[0] >= 7.0 && places[5] <= 93.0, "{places:?}");
}

/// Lost if it fails: who reads with a screen reader, or sees little contrast, could not read the report.
#[test]
fn axe_finds_nothing() {
    let Some(chromium) = chromium() else { return };
    let Some(axe) = std::env::var_os("MAIL_CUTOVER_AXE") else {
        eprintln!("NOT TESTED: MAIL_CUTOVER_AXE does not name axe.min.js");
        return;
    };
    let axe = std::fs::read_to_string(axe).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The page's own policy would stop the inspector, too.
    let opened = |page: &String| {
        let (head, rest) = page.split_once("<meta http-equiv").unwrap();
        let rest = rest.split_once('>').unwrap().1;
        format!("{head}{}", rest.replacen("</head>", &format!("<script>{axe}</script></head>"), 1))
    };
    // The others differ in their texts only, and axe is slow.
    let pages = pages();
    let pages = [&pages[1], &pages[4]].map(opened);
    let inspect = "const seen = await frame.contentWindow.axe.run(page, { resultTypes: ['violations'] });\n\
                   for (const one of seen.violations) say(`page ${number}: ${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3).join(' ')}`);\n\
                   if (seen.passes.length < 20) say(`page ${number}: only ${seen.passes.length} rules passed`);";
    for (is_dark, width) in [(false, NARROW), (true, 1200)] {
        let (document, _) = load(&chromium, folder.path(), &framed(&pages, width, inspect), is_dark);
        assert_eq!(found(&document), "", "dark {is_dark}, {width} px");
    }
    let bad = pages[0].replace("<html lang=\"ja\">", "<html>").replace("aria-label", "data-label");
    let (document, _) = load(&chromium, folder.path(), &framed(&[bad], NARROW, inspect), false);
    assert!(found(&document).contains("html-has-lang"), "axe is content with anything: {}", found(&document));
}
