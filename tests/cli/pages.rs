//! The commands beside `check`: the demo, the catalogue, the pages, the schema, the help; and the language of it all.

use expect_test::expect;

use crate::{Folder, Ran, Stage, nameless, ready, refusing};

/// What an empty folder without environment gets to see.
fn run(arguments: &[&str]) -> Ran {
    Folder::empty().run(arguments)
}

/// Lost if it fails: the first thing that anybody tries would show another story than its documentation tells.
#[test]
fn the_demo_tells_its_stories() {
    for (scenario, verdict, exit) in [("default", "NO-GO", 1), ("clean", "GO", 0), ("silent", "HOLD", 3)] {
        let quiet = run(&["demo", "--scenario", scenario, "-q"]);
        assert_eq!(quiet.exit, Some(0), "{quiet:?}");
        let line = quiet.out.lines().last().unwrap();
        assert_eq!(
            line,
            format!("{verdict} (SIMULATED WORLD: a miniature internet on this machine; nothing real was asked)")
        );
        assert_eq!(
            quiet.err,
            format!("demo: the world was simulated; `mail-cutover check` would exit with {exit} here\n")
        );
    }
    expect![[r#"
        ✗ ptr-missing  NEW  203.0.113.27 has no PTR record
        ✗ ptr-expected  NEW  the PTR record of 2001:db8:25::25 says host-2001-db8-25--25.cloud.example, the plan says mail.example.co.jp
        ✗ ptr-generic  NEW  2001:db8:25::25 is called host-2001-db8-25--25.cloud.example: it contains the address (groups)
        ✗ smtp-size  NEW  203.0.113.25 takes messages of at most 10240000 octets (10.2 MB); the old server took 52428800 octets (52.4 MB)
        ✗ smtp-size  NEW  2001:db8:25::25 takes messages of at most 10240000 octets (10.2 MB); the old server took 52428800 octets (52.4 MB)
        ✗ rbl-in-vip  Partner K.K. must get through, and 198.51.100.7 would be refused: 554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org (by zen.spamhaus.org; 1 of 1 addresses)
        ✗ dnsbl-listed  NEW  203.0.113.26 is listed on Spamhaus ZEN: 127.0.0.2 (SBL: verified spam source or spam support service) “https://check.spamhaus.org/results/?query=203.0.113.26”
        ✗ dnsbl-policy  NEW  Spamhaus ZEN says that 203.0.113.26 should not send mail directly: 127.0.0.10 (PBL, entered by the network's owner: no mail direct from this range) “https://check.spamhaus.org/results/?query=203.0.113.26”. This is a policy about its network, no accusation of spam
        ✗ rcv-refuses  gmail: Gmail needs a PTR record that leads back to each sending address, and would refuse the mail (550 5.7.25): ptr-missing
        ✗ rcv-refuses  outlook: Outlook.com needs a PTR record that leads back to each sending address, and would refuse the mail (550): ptr-missing
        ? dnsbl-domain-quorum  only 1 of 2 blocking lists could be believed about example.co.jp, not URIBL multi; the plan asks for 80%
        ? dnsbl-domain-quorum  only 1 of 2 blocking lists could be believed about mail.example.co.jp, not URIBL multi; the plan asks for 80%
        ? dnsbl-domain-quorum  only 1 of 2 blocking lists could be believed about out2.example.co.jp, not URIBL multi; the plan asks for 80%
        ? dnsbl-domain-quorum  only 1 of 2 blocking lists could be believed about out3.example.co.jp, not URIBL multi; the plan asks for 80%
        ? dnsbl-domain-quorum  only 1 of 2 blocking lists could be believed about host-2001-db8-25--25.cloud.example, not URIBL multi; the plan asks for 80%
        NO-GO (SIMULATED WORLD: a miniature internet on this machine; nothing real was asked)
    "#]].assert_eq(&run(&["demo", "-q"]).out);
}

/// Words with one space between them, without what differs between two runs: the port of the miniature internet, times, and how often
/// a question was asked on a busy machine.
fn steady(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = (2..=9).fold(text, |text, times| text.replace(&format!(" ms, ×{times})"), " ms)"));
    let words: Vec<&str> = text.split(' ').collect();
    let steady = words.iter().enumerate().map(|(at, word)| match words.get(at + 1) {
        Some(&"ms)") => "N",
        _ if word.starts_with("(127.0.0.1:") => "(SERVER,",
        _ => word,
    });
    steady.collect::<Vec<_>>().join(" ")
}

/// What the README shows of the demo's report: its head without the time of the run, the grids, two findings, the verdict.
fn excerpt(report: &str) -> String {
    let blocks: Vec<&str> = report.trim_end().split("\n\n").collect();
    let block = |start: &str| *blocks.iter().find(|block| block.contains(start)).unwrap();
    let head: Vec<&str> = blocks[0].lines().filter(|l| !l.starts_with("run ") && !l.starts_with("asked ")).collect();
    let grids = blocks.iter().filter(|block| block.starts_with('┌'));
    let mut shown = vec![format!("{}\n[…]", head.join("\n"))];
    shown.extend(grids.map(ToString::to_string));
    shown.extend([block("✗ ptr-missing "), "[…]", block("✗ dnsbl-listed "), "[…]"].map(str::to_owned));
    shown.push(block("╔").to_owned());
    shown.join("\n\n")
}

/// Lost if it fails: the README would promise a report that the tool no longer prints. `UPDATE_DOCS=1` writes the new one.
#[test]
fn the_readme_shows_the_demo() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once("$ mail-cutover demo\n").unwrap();
    let (shown, after) = rest.split_once("\n```").unwrap();
    let printed = excerpt(&Ran::of(Folder::empty().tool(&["demo"]).env("COLUMNS", "80")).out);
    if std::env::var_os("UPDATE_DOCS").is_some() && steady(&printed) != steady(shown) {
        std::fs::write(path, format!("{before}$ mail-cutover demo\n{printed}\n```{after}")).unwrap();
        return;
    }
    assert_eq!(steady(shown), steady(&printed), "README.md is not the demo's report; UPDATE_DOCS=1 writes it");
}

/// Lost if it fails: a demonstration could be taken for a real result, in whatever form it is passed on.
#[test]
fn the_demo_says_in_every_form_that_it_is_one() {
    let table = run(&["demo"]).out;
    assert!(table.starts_with("SIMULATED WORLD") && table.matches("SIMULATED WORLD").count() == 2, "{table}");
    assert!(run(&["demo", "--format", "markdown"]).out.contains("> **SIMULATED WORLD"));
    let json = run(&["demo", "--format", "json"]).json();
    assert_eq!((json["simulated"].as_bool(), json["verdict"].as_str()), (Some(true), Some("NO-GO")));
    let japanese = run(&["--lang", "ja", "demo", "--scenario", "clean"]);
    assert!(japanese.out.starts_with("模擬環境") && japanese.out.contains("║  G O "), "{}", japanese.out);
    expect![[r#"
        デモ: 模擬環境での実行。`mail-cutover check` なら終了コードは 0
    "#]]
    .assert_eq(&japanese.err);
    let real = Stage::set(&ready(), "").check(&["--format", "json"]).json();
    assert_eq!(real["simulated"], false);
}

/// Lost if it fails: a report would come in a language that its reader has not asked for.
#[test]
fn the_language_is_the_locales_unless_it_is_said() {
    let japanese = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = Folder::empty().tool(&[&["explain", "ptr-missing"], arguments].concat());
        let ran = Ran::of(command.current_dir("/").envs(variables.iter().copied()));
        assert_eq!(ran.exit, Some(0));
        ran.out.contains("逆引き")
    };
    assert!(!japanese(&[], &[]));
    assert!(japanese(&[("LANG", "ja_JP.UTF-8")], &[]));
    assert!(!japanese(&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "C.UTF-8")], &[]));
    assert!(japanese(&[("LANG", "en_US.UTF-8"), ("LC_MESSAGES", "ja_JP.UTF-8")], &[]));
    assert!(japanese(&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "")], &[]), "an empty variable says nothing");
    assert!(!japanese(&[("LANG", "ja_JP.UTF-8")], &["--lang", "en"]));
    assert!(japanese(&[("LANG", "de_DE.UTF-8")], &["--lang", "ja"]));
}

/// Lost if it fails: the page that a finding points to would be missing or empty.
#[test]
fn explain_prints_the_page_of_every_tag() {
    for check in mail_cutover::checks::CHECKS {
        let tags = check.card.outcomes.iter().map(|outcome| outcome.tag).chain([check.card.id]);
        for name in tags {
            let ran = run(&["explain", name]);
            assert!(ran.exit == Some(0) && ran.out.contains(name) && ran.out.lines().count() > 8, "{name}: {ran:?}");
        }
    }
    for name in ["run-deadline", "run-interrupted", "run-bug"] {
        let ran = run(&["explain", name]);
        assert!(ran.exit == Some(0) && ran.out.contains(name), "{ran:?}");
    }
    let all = run(&["explain"]);
    assert!(all.out.contains("ptr-missing") && all.out.contains("run-deadline"), "{}", all.out);
    let page =
        |lang| run(&["explain", "ptr-missing", "--lang", lang]).out.lines().take(6).collect::<Vec<_>>().join("\n");
    expect![[r#"
        ptr-missing  blocker (old address: note)
          {ip} has no PTR record
          do: Set it to {expected} ({howto}).

        ptr  Each sending address has the planned name
    "#]]
    .assert_eq(&page("en"));
    expect![[r#"
        ptr-missing  阻止 (旧アドレス: 参考)
          {ip} に PTR レコードがない
          対処: {expected} を設定する ({howto})。

        ptr  送信元アドレスごとに、計画どおりの逆引き名がある
    "#]]
    .assert_eq(&page("ja"));
}

/// Lost if it fails: nobody could see which lists a run asks, or a program could not read it.
#[test]
fn the_catalogue_is_shown() {
    let table = run(&["lists"]);
    assert_eq!((table.exit, table.err.as_str()), (Some(0), ""));
    expect![[r#"
        ┌───────┬─────────────────┬──────────────────────────────────┬──────────────────┬─────────┬───────┐
        │ asked ┆ list            ┆ zone                             ┆ holds            ┆ weight  ┆ state │
        ╞═══════╪═════════════════╪══════════════════════════════════╪══════════════════╪═════════╪═══════╡
        │ ●     ┆ spamhaus-zen    ┆ zen.spamhaus.org                 ┆ ipv4 ipv6        ┆ block * ┆ alive │
        │ ●     ┆ spamhaus-dbl    ┆ dbl.spamhaus.org                 ┆ domain           ┆ block * ┆ alive │"#]]
    .assert_eq(&table.out.lines().take(5).collect::<Vec<_>>().join("\n"));
    let json = run(&["lists", "--format", "json"]).json();
    assert_eq!(json["schema"], 1);
    let lists = json["lists"].as_array().unwrap();
    let asked = lists.iter().filter(|list| list["asked"] == true).count();
    assert_eq!(asked, mail_cutover::demo::blocklists().unwrap().list.len(), "the demo serves what a run asks");
    let all = run(&["lists", "--all", "--format", "json", "--lang", "ja"]).json();
    let all = all["lists"].as_array().unwrap();
    assert!(all.len() > lists.len());
    for list in all {
        let state = list["state"].as_str().unwrap();
        assert!(["alive", "unknown", "dead"].contains(&state), "a program cannot know the word {state}");
        assert_eq!(state == "dead", list["reason"].is_string(), "{list}");
    }
}

/// Lost if it fails: a list that cannot be believed would look healthy, and the exit code say so.
#[test]
fn the_health_of_the_lists_is_asked() {
    let health = |world: &str, form: &str| {
        Stage::set(world, "").folder.run(&["lists", "--health", "--plan", "plan.toml", "--format", form])
    };
    let well = health(&ready(), "json");
    let rows = well.json()["health"].as_array().unwrap().clone();
    assert!(well.exit == Some(0) && rows.iter().all(|row| row["state"] == "healthy"), "{rows:#?}");
    let ill = health(&refusing(), "json");
    let report = ill.json();
    let rows = report["health"].as_array().unwrap();
    let refused: Vec<&str> =
        rows.iter().filter(|row| row["state"] == "refused").map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!((ill.exit, refused.as_slice()), (Some(3), ["spamhaus-zen", "spamhaus-zen"].as_slice()));
    let table = health(&refusing(), "table");
    assert_eq!(table.exit, Some(3));
    expect!["21 of 23 can be believed from here; * required for GO."].assert_eq(table.out.lines().last().unwrap());
}

/// Lost if it fails: editors could not complete plans, or would call a good plan wrong.
#[test]
fn the_schema_is_json() {
    let ran = run(&["schema"]);
    let schema = ran.json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for key in ["cutover_at", "domains", "hostname", "old", "new"] {
        assert!(schema["properties"][key].is_object(), "{key}");
        assert!(schema["required"].as_array().unwrap().iter().any(|required| required == key), "{key}");
    }
}

/// Lost if it fails: the first line of every bug report.
#[test]
fn version_and_help() {
    assert_eq!(run(&["--version"]).out, concat!("mail-cutover ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = run(&["--help"]);
    assert_eq!((help.exit, help.err.as_str()), (Some(0), ""));
    for word in ["Exit codes: 0 GO", "check", "explain", "lists", "schema", "demo"] {
        assert!(help.out.contains(word), "{word}: {}", help.out);
    }
    for command in ["check", "explain", "lists", "schema", "demo"] {
        let page = run(&[command, "--help"]);
        assert_eq!(page.exit, Some(0), "{command}");
        assert!(!page.out.contains("--at "), "what is hidden is shown: {}", page.out);
        assert_eq!(run(&["help", command]).out, page.out);
    }
}

/// Lost if it fails: a script would take a page that was never written for one that is there.
#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_is_said() {
    for arguments in [&["--help"][..], &["--version"], &["check", "-h"], &["explain"], &["schema"], &["manpage"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = Ran::of(Folder::empty().tool(arguments).stdout(full));
        assert_eq!(ran.exit, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.err.starts_with("error: could not write to standard output: "), "{ran:?}");
        // Who closed the pipe has read enough.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = Ran::of(Folder::empty().tool(arguments).stdout(writer));
        assert_eq!((ran.exit, ran.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

/// Lost if it fails: what is sent to a pager would be broken at every line, at a terminal of 80 columns.
#[test]
#[cfg(target_os = "linux")]
fn a_pager_gets_lines_that_fit_its_terminal() {
    let widest = |columns| {
        let folder = Folder::empty();
        let (exit, _, out) = crate::keyboard::at_terminal_of(columns, folder.tool(&["lists"]), "");
        assert_eq!(exit, Some(0));
        out.lines().filter(|line| line.starts_with('│')).map(|line| line.chars().count()).max().unwrap()
    };
    assert!((60..=80).contains(&widest(Some(80))), "{}", widest(Some(80)));
    // As without a terminal: a wide one does not change what is kept in a file.
    assert_eq!(widest(Some(200)), widest(None));
    assert!((81..=100).contains(&widest(None)), "{}", widest(None));
}

/// Lost if it fails: a Japanese report would be half English where it matters.
#[test]
fn a_japanese_report() {
    let ran = Stage::set(&nameless(), "").check(&["--lang", "ja", "-q"]);
    expect![[r#"
        ✗ ptr-missing  新  203.0.113.25 に PTR レコードがない
        NO-GO
    "#]]
    .assert_eq(&ran.out);
}

/// Lost if it fails: where nothing answers, the verdict would be buried under a page of tags.
#[test]
fn the_verdict_stays_short_where_nothing_answers() {
    // Nobody is there, and the system says so at once.
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = Folder::with_plan(crate::plan(closed).replace("1s", "50ms"));
    let silent = Ran::of(folder.checking(&[]).env("COLUMNS", "80")).out;
    let lines: Vec<&str> = silent.lines().filter(|line| line.starts_with('║')).collect();
    assert!(lines[0].contains("H O L D") && lines.len() < 16, "{}", lines.join("\n"));
    assert!(lines.iter().any(|line| line.contains(", +")), "{}", lines.join("\n"));
}
