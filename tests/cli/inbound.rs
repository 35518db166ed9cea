//! `inbound`: logs and rules in, whose mail would be refused out.

use std::io::Write as _;

use expect_test::expect;

use crate::{Folder, NOW, Ran, Stage};

/// Two lists, one important partner, and nobody else.
const RULES: &str = r#"
[inbound_dnsbl]
zones = ["zen.spamhaus.org", "psbl.surriel.com"]
partners = [{ name = "Supplier", ips = ["198.51.100.7"], vip = true }]
"#;

/// The supplier and a newsletter are listed; an address of neither family's usual kind is, too.
const LISTED: &str = r#"
base = ["internet"]
[lists]
listed = [
  { list = "spamhaus-zen", subject = "198.51.100.7", answers = ["127.0.0.4"], text = "why" },
  { list = "psbl", subject = "198.51.100.9", answers = ["127.0.0.2"], text = "why" },
  { list = "spamhaus-zen", subject = "2001:db8:9::25", answers = ["127.0.0.3"], text = "why" },
]
"#;

/// `count` messages of a domain from an address, one an hour from the first of November on.
fn messages(ip: &str, domain: &str, count: usize) -> String {
    let mut log = String::new();
    for number in 0..count {
        let (day, hour, id) = (1 + number / 24, number % 24, format!("{ip}{number}").replace(['.', ':'], "A"));
        let time = format!("2026-11-{day:02}T{hour:02}:00:00+09:00 mx");
        log.push_str(&format!("{time} postfix/smtpd[7]: {id}: client=unknown[{ip}]\n"));
        log.push_str(&format!("{time} postfix/qmgr[1]: {id}: from=<a@{domain}>, size=9, nrcpt=1 (queue active)\n"));
    }
    log
}

fn log() -> String {
    [
        messages("198.51.100.7", "supplier.example", 168),
        messages("198.51.100.9", "news.example.net", 336),
        messages("198.51.100.30", "fine.example.org", 20),
    ]
    .concat()
}

fn inbound(folder: &Folder, arguments: &[&str]) -> Ran {
    folder.run(&[&["inbound", "--plan", "plan.toml", "--at", NOW], arguments].concat())
}

fn stage(world: &str, rules: &str, log: impl AsRef<[u8]>) -> Stage {
    let stage = Stage::set(world, rules);
    stage.folder.write("mail.log", log);
    stage
}

/// Lost if it fails: the administrator would not see whose mail bounces, how much of it, and what to do.
#[test]
fn the_table_says_whose_mail_is_lost() {
    let stage = stage(LISTED, RULES, log());
    let mut tool = stage.folder.tool(&["inbound", "--plan", "plan.toml", "--at", NOW, "--log", "mail.log"]);
    let ran = Ran::of(tool.env("COLUMNS", "80"));
    assert_eq!((ran.exit, ran.err.as_str()), (Some(1), ""));
    let shown = ran.out.replace(&stage.world.address().to_string(), "RESOLVER");
    expect![[r#"
        rules     [inbound_dnsbl] plan.toml
        judged    2026-12-01 10:00 +09:00, on another machine than the new server,
                  RESOLVER
        log       mail.log: 1,048 lines, 524 of clients
        senders   3 addresses, 524 messages, 2026-11-01 – 2026-11-14

        ┌──────────────────┬─────────────┬─────────┬──────────────────────────┐
        │ list             ┆ asked about ┆ answers ┆ why                      │
        ╞══════════════════╪═════════════╪═════════╪══════════════════════════╡
        │ zen.spamhaus.org ┆ client      ┆ healthy ┆ it answers as documented │
        │ psbl.surriel.com ┆ client      ┆ healthy ┆ it answers as documented │
        └──────────────────┴─────────────┴─────────┴──────────────────────────┘

        ┌─────────────┬─────────────┬────────────┬───────────┬──────────────────┐
        │ partner     ┆ lost a week ┆ in the log ┆ addresses ┆ refused by       │
        ╞═════════════╪═════════════╪════════════╪═══════════╪══════════════════╡
        │ ★ Supplier  ┆          85 ┆        168 ┆     1 / 1 ┆ zen.spamhaus.org │
        │ example.net ┆         169 ┆        336 ┆     1 / 1 ┆ psbl.surriel.com │
        └─────────────┴─────────────┴────────────┴───────────┴──────────────────┘
        1 partner: all mail is taken, as far as it is judged

        BLOCKER   Supplier: 198.51.100.7 gets "554 5.7.1 Service unavailable; Client
                  host [198.51.100.7] blocked using zen.spamhaus.org" by
                  zen.spamhaus.org = 127.0.0.4
          do      ask them to request removal at https://check.spamhaus.org/
        WARNING   example.net: 198.51.100.9 gets "554 5.7.1 Service unavailable; Client
                  host [198.51.100.9] blocked using psbl.surriel.com" by
                  psbl.surriel.com = 127.0.0.2
          do      ask them to request removal at https://psbl.org/remove

        allow     to let these 2 addresses through until they are off the lists:
                  --format postfix or --format exim prints the entries to paste
                  (mail-cutover explain rbl-in-partner says where)

        NO-GO
          for the mail of others, as seen from here; whether the lists answer the new
          server: run there with --on-new-server
    "#]]
    .assert_eq(&shown);
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

/// Lost if it fails: a spreadsheet would have other figures than the table.
#[test]
fn programs_get_every_client() {
    let stage = stage(LISTED, RULES, log());
    let csv = inbound(&stage.folder, &["--log", "mail.log", "--format", "csv"]);
    expect![[r#"
        partner,vip,address,name,verdict,reply,rule,place,zone,codes,why,messages,refused,unknown,last_seen,domains
        Supplier,true,198.51.100.7,,refused,554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org,zen.spamhaus.org,,zen.spamhaus.org,127.0.0.4,,168,168,0,2026-11-07T14:00:00Z,supplier.example
        example.net,false,198.51.100.9,,refused,554 5.7.1 Service unavailable; Client host [198.51.100.9] blocked using psbl.surriel.com,psbl.surriel.com,,psbl.surriel.com,127.0.0.2,,336,336,0,2026-11-14T14:00:00Z,news.example.net
        example.org,false,198.51.100.30,,accepted,,,,,,,20,0,0,2026-11-01T10:00:00Z,fine.example.org
    "#]].assert_eq(&csv.out);
    let json = inbound(&stage.folder, &["--log", "mail.log", "--format", "json"]).json();
    assert_eq!(json["verdict"], "NO-GO");
    assert_eq!(json["partners"][0]["clients"][0]["refusal"]["codes"][0], "127.0.0.4");
    assert_eq!(json["partners"][1]["refused_per_week"], 169);
}

/// Lost if it fails: what is pasted into the new server would let through nobody, or everybody.
#[test]
fn entries_to_paste() {
    let stage = stage(LISTED, RULES, log());
    let postfix = inbound(&stage.folder, &["--log", "mail.log", "--format", "postfix"]);
    expect![[r#"
        # Supplier
        198.51.100.7/32 permit
        # example.net
        198.51.100.9/32 permit
    "#]]
    .assert_eq(&postfix.out);
    let exim = inbound(&stage.folder, &["--log", "mail.log", "--format", "exim", "-o", "partners"]);
    assert_eq!(exim.out, "");
    expect![[r#"
        # Supplier
        198.51.100.7
        # example.net
        198.51.100.9
    "#]]
    .assert_eq(&stage.folder.read("partners"));
}

/// Lost if it fails: a list that does not answer, or a log with nobody in it, would be a GO.
#[test]
fn silence_is_no_pass() {
    let refusing =
        "base = [\"internet\"]\n[lists]\nrefusing = [{ list = \"spamhaus-zen\", answer = \"127.255.255.254\" }]\n";
    let rules = "[inbound_dnsbl]\nzones = [\"zen.spamhaus.org\"]\n";
    let asked = stage(refusing, rules, messages("198.51.100.30", "fine.example.org", 20));
    let ran = inbound(&asked.folder, &["--log", "mail.log"]);
    assert_eq!(ran.exit, Some(3), "{ran:?}");
    assert!(ran.out.contains("zen.spamhaus.org could not be asked from here"), "{}", ran.out);
    let ran = inbound(&asked.folder, &["--log", "mail.log", "--on-new-server", "--lang", "ja"]);
    assert_eq!(ran.exit, Some(1), "{ran:?}");
    assert!(ran.out.contains("rbl-in-resolver"), "{}", ran.out);
    let empty = stage(LISTED, rules, "nothing of interest\n");
    let ran = inbound(&empty.folder, &["--log", "mail.log"]);
    assert_eq!(ran.exit, Some(3), "{ran:?}");
}

/// Lost if it fails: a log that is damaged, rotated away in the middle or hostile would stop the run, or lose what is sound in it.
#[test]
fn damaged_and_hostile_logs() {
    let mut damaged: Vec<u8> = log().into_bytes();
    damaged.extend((0..=255).cycle().take(100_000));
    damaged.extend(vec![b'x'; 10 * 1024 * 1024]);
    damaged.extend(b"\nNov 30 08:00:00 mx postfix/smtpd[1]: A1: client=unknown[unknown]\n");
    damaged.extend(b"Nov 30 08:00:00 mx postfix/smtpd[1]: A2: client=a[::ffff:198.51.100.9]\n");
    damaged.extend(b"Nov 30 08:00:00 mx postfix/smtpd[1]: A3: client=b[2001:db8:9::25]\n");
    damaged.extend(
        b"Nov 30 08:00:00 mx postfix/qmgr[1]: A3: from=<a@\x1b[2Jevil.example>, size=1, nrcpt=1 (queue active)\n",
    );
    damaged.extend(b"Nov 30 08:00:00 mx postfix/smtpd[1]: A4: client=c[198.51.100.");
    let stage = stage(LISTED, RULES, &damaged);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(log().as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    stage.folder.write("cut.gz", &packed[..packed.len() / 2]);
    let ran = inbound(&stage.folder, &["--log", "mail.log", "cut.gz", "--format", "json"]);
    assert_eq!(ran.exit, Some(1), "{ran:?}");
    assert!(!ran.out.contains('\u{1b}'), "{}", ran.out);
    let json = ran.json();
    // `unknown[unknown]`, and the line that was being written.
    assert_eq!(json["logs"][0]["nameless"], 2);
    assert_eq!(json["logs"][0]["error"], serde_json::Value::Null);
    assert!(json["logs"][1]["error"].is_string(), "{}", json["logs"]);
    let clients: Vec<&serde_json::Value> =
        json["partners"].as_array().unwrap().iter().flat_map(|one| one["clients"].as_array().unwrap()).collect();
    let of = |ip: &str| *clients.iter().find(|client| client["address"] == ip).unwrap();
    assert!(of("198.51.100.9")["refused"].as_u64().unwrap() >= 337, "{}", of("198.51.100.9"));
    assert_eq!(of("2001:db8:9::25")["verdict"], "refused");
    assert_eq!(clients.len(), 4, "{clients:?}");
}

/// Lost if it fails: a slip in the command would cost an evening, or the log.
#[test]
fn what_cannot_start_says_why() {
    let stage = stage(LISTED, RULES, log());
    let error = |arguments: &[&str]| inbound(&stage.folder, arguments).error();
    expect![[r#"
        error: could not read the log absent.log: No such file or directory (os error 2)
    "#]]
    .assert_eq(&error(&["--log", "absent.log"]));
    expect![[r#"
        error: could not write to mail.log: that is one of the files to read
    "#]]
    .assert_eq(&error(&["--log", "mail.log", "-o", "mail.log"]));
    expect![[r#"
        error: could not write to plan.toml: that is one of the files to read
    "#]]
    .assert_eq(&error(&["--log", "mail.log", "-o", "./plan.toml"]));
    expect![[r#"
        error: could not judge anybody: nothing says what the new server enforces; give its rules with --config main.cf (or Exim's configuration), or write zones = ["…"] or config = "…" under [inbound_dnsbl] in the plan, and name it with --plan
    "#]].assert_eq(&stage.folder.run(&["inbound", "--log", "mail.log"]).error());
    if std::path::Path::new("/dev/full").exists() {
        expect![[r#"
            error: could not write to /dev/full: No space left on device (os error 28)
        "#]]
        .assert_eq(&error(&["--log", "mail.log", "-o", "/dev/full"]));
    }
    assert_eq!(stage.folder.read("mail.log"), log());
}

/// Lost if it fails: after a power cut a night's questions would be asked again, or an address be judged by half of its answers.
#[test]
fn what_the_lists_said_is_kept_and_joined() {
    let stage = stage(LISTED, RULES, log());
    let whole = inbound(&stage.folder, &["--log", "mail.log", "--format", "csv", "--resume", "answers"]);
    let kept = stage.folder.read("answers");
    assert_eq!(kept.lines().count(), 5, "{kept}");
    let about = |ip: &str| {
        let asked = stage.world.asked();
        asked.iter().filter(|asked| asked.name.starts_with(ip) && !asked.name.contains("arpa")).count()
    };
    let asked = about("30.100.51.198.");
    assert_eq!(asked, 2, "once for each list");
    // Cut off within its second row: the first is not asked about again.
    let second = kept.match_indices('\n').nth(1).unwrap().0 + 9;
    stage.folder.write("answers", &kept[..second]);
    let again = inbound(&stage.folder, &["--log", "mail.log", "--format", "csv", "--resume", "answers"]);
    assert_eq!((&again.out, again.exit), (&whole.out, whole.exit));
    assert_eq!(stage.folder.read("answers"), kept);
    assert_eq!(about("7.100.51.198."), 2);
    assert_eq!(about("30.100.51.198."), 4);
    for shard in ["1/2", "2/2"] {
        let file = format!("part{}", &shard[..1]);
        let ran = inbound(&stage.folder, &["--log", "mail.log", "--resume", &file, "--shard", shard]);
        assert_eq!((ran.exit, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    }
    let joined = stage.folder.run(&["merge", "part1", "part2", "-o", "joined"]);
    assert_eq!(joined.exit, Some(0), "{joined:?}");
    let before = stage.world.asked().len();
    let ran = inbound(&stage.folder, &["--log", "mail.log", "--format", "csv", "--resume", "joined"]);
    assert_eq!(ran.out, whole.out, "{ran:?}");
    // The test points of two lists for one family, and the names of two refused clients.
    assert!(stage.world.asked().len() - before <= 2 * 3 + 2 * 2, "{:?}", &stage.world.asked()[before..]);
    let other = inbound(&stage.folder, &["--address", "198.51.100.99", "--resume", "answers"]).error();
    assert!(other.starts_with("error: could not continue answers: "), "{other}");
}
