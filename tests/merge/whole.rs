//! How a report of several runs looks.

use expect_test::expect;
use mail_cutover::merge::join;
use mail_cutover::model::{Lang, Report, Vantage};
use mail_cutover::render::{Format, Style, render};
use unicode_width::UnicodeWidthStr;

use crate::{VERBOSE, checks_of, json, sample};

/// The sample from the desk, and once more from the new server as many times as `servers` says.
fn merged(servers: usize) -> Report {
    let desk = sample::report(&sample::five());
    let mut server = desk.clone();
    server.parts[0].vantage = Vantage::NewServer;
    server.parts[0].run_by = "root@mx2".to_owned();
    server.parts[0].resolvers = vec!["system: 127.0.0.1:53".to_owned()];
    let reports = std::iter::once(desk.clone()).chain(std::iter::repeat_n(server, servers)).collect();
    join(reports, &checks_of(&desk)).unwrap()
}

/// The lines that say who asked.
fn lines(text: &str, words: &[&str]) -> String {
    text.lines()
        .filter(|line| words.iter().any(|word| line.contains(word)))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// Lost if it fails: a reader could not tell which place an answer comes from.
#[test]
fn each_line_says_where_it_was_seen() {
    let style = Style { width: 120, verbose: false, ..VERBOSE };
    let report = merged(1);
    expect![[r#"
        run      desk: 2026-12-01 10:00 +09:00, 2.0 s, kanri@mx1, system: [2001:db8::53]:53
                 new server: 2026-12-01 10:00 +09:00, 2.0 s, root@mx2, system: 127.0.0.1:53
        asked    as each run says; merged by mail-cutover 0.1.0  (list catalogue of 2026-11-24)
            seen     [desk] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)
                     [new server] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)
                     [desk] 25.113.0.203.list.example. TXT → "see \u{1b}[2J<script>alert(1)</script> | `x` [y](z) 詳細は\u{202e}
                     [new server] 25.113.0.203.list.example. TXT → "see \u{1b}[2J<script>alert(1)</script> | `x` [y](z) 詳細は
        UNKNOWN: asked and not answered
            seen     [desk] 26.113.0.203.list.example. A → TIMEOUT ([2001:db8::53]:53, 1500 ms, ×2)
                     [new server] 26.113.0.203.list.example. A → TIMEOUT ([2001:db8::53]:53, 1500 ms, ×2)
            seen     [desk] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)
                     [new server] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)
    "#]].assert_eq(&lines(&render(&report, Format::Table, &style), &["desk", "new server", "asked"]));
    let ja = render(&report, Format::Table, &Style { lang: Lang::Ja, ..style });
    expect![[r#"
        実行          手元: 2026-12-01 10:00 +09:00, 2.0 s, kanri@mx1, system: [2001:db8::53]:53
                      新サーバー: 2026-12-01 10:00 +09:00, 2.0 s, root@mx2, system: 127.0.0.1:53
        問い合わせ先  実行ごとに上記のとおり。mail-cutover 0.1.0 で統合  (リストのカタログ 2026-11-24 版)
            根拠    [手元] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)
                    [新サーバー] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)
                    [手元] 25.113.0.203.list.example. TXT → "see \u{1b}[2J<script>alert(1)</script> | `x` [y](z) 詳細は\u{202e}
                    [新サーバー] 25.113.0.203.list.example. TXT → "see \u{1b}[2J<script>alert(1)</script> | `x` [y](z) 詳細は
            根拠    [手元] 26.113.0.203.list.example. A → TIMEOUT ([2001:db8::53]:53, 1500 ms, ×2)
                    [新サーバー] 26.113.0.203.list.example. A → TIMEOUT ([2001:db8::53]:53, 1500 ms, ×2)
            根拠    [手元] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)
                    [新サーバー] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)
    "#]].assert_eq(&lines(&ja, &["手元", "新サーバー", "問い合わせ先"]));
    let page = render(&report, Format::Markdown, &style);
    expect![[r#"
        | run | desk: 2026-12-01 10:00 +09:00, kanri@mx1, system: \[2001:db8::53\]:53 |
        | run | new server: 2026-12-01 10:00 +09:00, root@mx2, system: 127.0.0.1:53 |
        | asked | as each run says; merged by mail-cutover 0.1.0 (list catalogue of 2026-11-24) |
          - seen: `[desk] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)`
          - seen: `[new server] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)`
          - seen: ``[desk] 25.113.0.203.list.example. TXT → "see \u{1b}[2J<script>alert(1)</script> | `x` [y](z) 詳細は\u{202e}リストのページを参照" ([2001:db8::53]:53, TTL 300, 12 ms)``
          - seen: ``[new server] 25.113.0.203.list.example. TXT → "see \u{1b}[2J<script>alert(1)</script> | `x` [y](z) 詳細は\u{202e}リストのページを参照" ([2001:db8::53]:53, TTL 300, 12 ms)``
        ## UNKNOWN: asked and not answered
          - seen: `[desk] 26.113.0.203.list.example. A → TIMEOUT ([2001:db8::53]:53, 1500 ms, ×2)`
          - seen: `[new server] 26.113.0.203.list.example. A → TIMEOUT ([2001:db8::53]:53, 1500 ms, ×2)`
          - seen: `[desk] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)`
          - seen: `[new server] 25.113.0.203.list.example. A → 127.0.0.2 ([2001:db8::53]:53, TTL 300, 12 ms)`
    "#]].assert_eq(&lines(&page, &["desk", "new server", "asked"]));
    let transcript = render(&report, Format::Table, &VERBOSE);
    assert!(transcript.contains("   7 resolver  [new server] 26.113.0.203.list.example. A"), "{transcript}");
}

/// Lost if it fails: the names of places would push lines over the edge of somebody's terminal.
#[test]
fn no_line_is_wider_than_the_terminal() {
    let many = sample::report(&sample::many());
    let many = join(vec![many.clone(), many.clone()], &checks_of(&many)).unwrap();
    for (report, lang) in [(merged(2), Lang::En), (merged(1), Lang::Ja), (many, Lang::En)] {
        for width in [60, 80, 120] {
            for line in render(&report, Format::Table, &Style { lang, width, ..VERBOSE }).lines() {
                assert!(line.width() <= width, "{} columns of {width}: {line}", line.width());
            }
        }
    }
}

/// Lost if it fails: two runs of one kind of place could not be told apart.
#[test]
fn places_of_one_kind_are_numbered() {
    let text = render(&merged(2), Format::Table, &VERBOSE);
    for name in ["desk: ", "new server 1: ", "new server 2: ", "[desk] ", "[new server 1] ", "[new server 2] "] {
        assert!(text.contains(name), "{name} in {text}");
    }
}

/// Lost if it fails: a run on the new server would look like one at the desk; or one at the desk unlike before.
#[test]
fn one_run_says_only_that_it_was_on_the_new_server() {
    let desk = sample::report(&sample::five());
    let mut server = desk.clone();
    server.parts[0].vantage = Vantage::NewServer;
    for (lang, words) in [(Lang::En, " (on the new server)"), (Lang::Ja, " (新サーバーで実行)")] {
        let style = Style { lang, width: 120, ..VERBOSE };
        for format in [Format::Table, Format::Markdown] {
            let [here, there] = [&desk, &server].map(|report| render(report, format, &style));
            assert!(there.contains(words));
            assert_eq!(there.replace(words, ""), here);
        }
    }
}

/// Lost if it fails: programs could not tell which run an observation is of.
#[test]
fn json_names_the_run_of_each_observation() {
    let read: serde_json::Value = serde_json::from_str(&json(&merged(1), Lang::En)).unwrap();
    assert_eq!(read["schema"], 1);
    assert_eq!(read["parts"][1]["vantage"], "new-server");
    assert_eq!(read["run_by"], "kanri@mx1, root@mx2");
    assert_eq!(read["observations"][0].get("part"), None);
    assert_eq!(read["observations"][4]["part"], 1);
}
