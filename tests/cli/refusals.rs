//! `bounce --log`: whole mail logs in, what is refused since the cutover out.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use expect_test::expect;
use unicode_width::UnicodeWidthStr;

use crate::{Folder, Ran, plan};

/// A day after the cutover of the plan.
const AFTER: &str = "2026-12-07T10:00:00+09:00";

fn sent(day: u32, id: &str, to: &str, status: &str, text: &str) -> String {
    let domain = to.split_once('@').unwrap().1;
    format!(
        "2026-12-{day:02}T10:00:00+09:00 mx postfix/smtp[7]: {id}: to=<{to}>, relay=mx.{domain}[198.51.100.25]:25, delay=1, dsn=5.0.0, status={status} ({text})\n"
    )
}

const NO_PTR: &str = "host mx.partner.example[198.51.100.25] said: 450 4.7.1 Client host rejected: cannot find your reverse hostname, [203.0.113.25] (in reply to RCPT TO command)";
const REJECT: &str = "2026-12-06T11:00:00+09:00 mx postfix/smtpd[9]: NOQUEUE: reject: RCPT from unknown[198.51.100.7]: 554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org; from=<=a@supplier.example> to=<info@example.co.jp> proto=ESMTP helo=<\u{1b}[2J>\n";

/// One bounce that is new, one message that waits, one that came late; and what has always been so.
fn log() -> String {
    [
        sent(1, "A1", "a@old.example", "bounced", "host mx.old.example[198.51.100.25] said: 550 5.1.1 User unknown"),
        sent(6, "B1", "a@partner.example", "deferred", NO_PTR),
        sent(6, "B1", "a@partner.example", "deferred", NO_PTR),
        sent(6, "B2", "b@partner.example", "deferred", NO_PTR),
        sent(6, "B2", "b@partner.example", "sent", "250 ok"),
        sent(6, "B3", "a@old.example", "bounced", "host mx.old.example[198.51.100.25] said: 550 5.1.1 User unknown"),
        REJECT.to_owned(),
    ]
    .concat()
}

fn folder(log: impl AsRef<[u8]>) -> Folder {
    let folder = Folder::with_plan(plan(([127, 0, 0, 1], 9).into()));
    folder.write("mail.log", log);
    folder
}

fn bounce(folder: &Folder, arguments: &[&str]) -> Ran {
    folder.run(&[&["bounce", "--at", AFTER], arguments].concat())
}

/// Lost if it fails: a log that ended before the time that is asked about would pass for one without refusals.
#[test]
fn a_log_that_ends_before_the_time_asked_about_says_nothing() {
    let folder = folder(log());
    let at = ["--log", "mail.log", "--plan", "plan.toml", "--since"];
    let ran = bounce(&folder, &[&at[..], &["2026-12-06T11:30:00+09:00"]].concat());
    assert_eq!(ran.exit, Some(3), "{ran:?}");
    assert!(ran.out.contains("No line is of the time that --since names"), "{ran:?}");
    assert!(ran.out.contains("2026-12-01 10:00 +09:00 – 2026-12-06 11:00 +09:00"), "a period runs forward: {ran:?}");
    assert!(!ran.out.contains("no new and grave reason"), "{ran:?}");
    let ran = bounce(&folder, &[&at[..], &["2026-12-06T00:00:00+09:00"]].concat());
    assert!(ran.exit != Some(3) && ran.out.contains("2026-12-06 00:00 +09:00 – 2026-12-06 11:00 +09:00"), "{ran:?}");
}

/// Lost if it fails: on the morning after, nobody would see at a glance who refuses us, since when, and who must act.
#[test]
fn the_table_tells_before_and_since() {
    let folder = folder(log());
    let mut tool = folder.tool(&["bounce", "--at", AFTER, "--log", "mail.log", "--plan", "plan.toml"]);
    let ran = Ran::of(tool.env("COLUMNS", "80"));
    assert_eq!((ran.exit, ran.err.as_str()), (Some(1), ""));
    let tables = ran.out.split("\n\nrefused since").next().unwrap();
    expect![[r#"
        log        mail.log: 7 lines, 7 about the fate of messages
        period     2026-12-01 10:00 +09:00 – 2026-12-06 11:00 +09:00
        cutover    2026-12-05 22:00 +09:00
        delivered  0 before the cutover, 1 since

        Our mail, refused by others
        ┌─────────────────┬────────────────┬────────┬───────┬───────┬──────┬───────────┐
        │ receiver        ┆ why            ┆ before ┆ since ┆ waits ┆ late ┆ last seen │
        ╞═════════════════╪════════════════╪════════╪═══════╪═══════╪══════╪═══════════╡
        │ partner.example ┆ ptr/no-ptr     ┆      0 ┆ 1 new ┆     1 ┆    1 ┆ 12-06     │
        │ old.example     ┆ address/unknow ┆      1 ┆     1 ┆     0 ┆    0 ┆ 12-06     │
        │                 ┆ n-user         ┆        ┆       ┆       ┆      ┆           │
        └─────────────────┴────────────────┴────────┴───────┴───────┴──────┴───────────┘

        Refused by our own server
        ┌─────────────────┬────────────────┬────────┬───────┬───────┬──────┬───────────┐
        │ partner         ┆ why            ┆ before ┆ since ┆ waits ┆ late ┆ last seen │
        ╞═════════════════╪════════════════╪════════╪═══════╪═══════╪══════╪═══════════╡
        │ supplier.exampl ┆ dnsbl/ip       ┆      0 ┆ 1 new ┆     0 ┆    0 ┆ 12-06     │
        │ e               ┆ spamhaus-zen   ┆        ┆       ┆       ┆      ┆           │
        └─────────────────┴────────────────┴────────┴───────┴───────┴──────┴───────────┘
        Messages, not tries. waits: of these, put off and not settled at the end of the
        logs. late: put off first and delivered later; not among the others."#]]
    .assert_eq(tables);
    assert!(ran.out.ends_with("\nrefused since the cutover: 1 to partner.example, ptr/no-ptr\n"), "{}", ran.out);
    assert!(ran.out.contains("who must act  our side") && ran.out.contains("mail-cutover explain ptr-missing"));
    let mut tool = folder.tool(&["bounce", "--at", AFTER, "--log", "mail.log", "--plan", "plan.toml", "--lang", "ja"]);
    let japanese = Ran::of(tool.env("COLUMNS", "80"));
    assert!(japanese.out.ends_with("\n切り替え後の拒否: partner.example 宛て 1 件、ptr/no-ptr\n"), "{}", japanese.out);
    for out in [ran.out, japanese.out] {
        assert!(!out.contains('\u{1b}'), "{out}");
        assert!(out.lines().all(|line| line.width() <= 80), "{out}");
    }
}

/// Lost if it fails: a program would stumble over the shape, or a spreadsheet take a stranger's words for a formula.
#[test]
fn programs_and_spreadsheets_get_every_group() {
    let folder = folder(log());
    let json = bounce(&folder, &["--log", "mail.log", "--plan", "plan.toml", "--format", "json"]).json();
    let group = &json["groups"][0];
    let keys: Vec<&str> = group.as_object().unwrap().keys().map(String::as_str).collect();
    expect!["before class confidence critical direction example first_seen last_seen list new party remedy rule sentence side since sub tag"].assert_eq(&keys.join(" "));
    assert_eq!(
        (&group["since"]["waiting"], &group["since"]["delivered_late"], &group["new"], &group["critical"]),
        (&1.into(), &1.into(), &true.into(), &true.into())
    );
    assert_eq!(
        (&json["compared"], &json["complete"], &json["delivered"]["since"]),
        (&true.into(), &true.into(), &1.into())
    );
    let csv = bounce(&folder, &["--log", "mail.log", "--format", "csv", "--since", "2026-12-06T00:00:00+09:00"]);
    assert_eq!((csv.exit, csv.out.lines().count()), (Some(0), 4), "{}", csv.out);
    assert!(csv.out.contains("outgoing,old.example,address,unknown-user,,false,false,0,1,"), "{}", csv.out);
}

/// Lost if it fails: a script would take a log that ends too early, breaks off, or is none at all for a quiet night.
#[test]
fn only_a_whole_log_is_a_quiet_one() {
    let quiet = sent(1, "A1", "a@old.example", "sent", "250 ok") + &sent(6, "A2", "a@old.example", "sent", "250 ok");
    let exit = |log: &[u8]| bounce(&folder(log), &["--log", "mail.log", "--plan", "plan.toml"]);
    assert_eq!(exit(quiet.as_bytes()).exit, Some(0));
    let early = exit(sent(1, "A1", "a@old.example", "sent", "250 ok").as_bytes());
    assert_eq!(early.exit, Some(3), "{}", early.out);
    assert!(early.out.contains("No line is of the time since the cutover"), "{}", early.out);
    // Nor does a log that ends before the time that was asked for tell anything about it.
    let stale = folder(quiet.as_bytes());
    let since = |time: &str| bounce(&stale, &["--log", "mail.log", "--plan", "plan.toml", "--since", time]);
    let (within, beyond) = (since("2026-12-06T09:00:00+09:00"), since("2026-12-06T10:00:01+09:00"));
    assert_eq!((within.exit, beyond.exit), (Some(0), Some(3)), "{}", beyond.out);
    assert!(beyond.out.contains("not known for certain"), "{}", beyond.out);
    let garbage: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let none = exit(&garbage);
    assert_eq!(none.exit, Some(3), "{}", none.out);
    assert!(none.out.contains("No line tells what became of a message"), "{}", none.out);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let many: String =
        (0..3000).map(|n| sent(6, &format!("C{n}"), &format!("u{n}@old.example"), "sent", "250 ok")).collect();
    packed.write_all(quiet.as_bytes()).unwrap();
    packed.write_all(many.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(exit(&packed).exit, Some(0));
    let cut = exit(&packed[..packed.len() / 2]);
    assert_eq!(cut.exit, Some(3), "{}", cut.out);
    assert!(cut.out.contains("it breaks off (") && cut.out.contains("not known for certain"), "{}", cut.out);
    // What is found in a part of a log is found.
    let mut bad = log().into_bytes();
    bad.extend(vec![b'x'; 10 << 20]);
    let found = exit(&bad);
    assert_eq!(found.exit, Some(1));
    assert!(found.out.contains("1 lines of more than 64 KiB were cut"), "{}", found.out);
}

/// Lost if it fails: several logs in the wrong order, or one from a pipe, would make a message that arrived one that waits.
#[test]
fn logs_are_read_in_the_order_of_their_times() {
    let folder = folder(sent(6, "B1", "a@partner.example", "sent", "250 ok"));
    folder.write("older.log", sent(5, "B1", "a@partner.example", "deferred", NO_PTR));
    let late = |ran: Ran| ran.json()["groups"][0]["since"]["delivered_late"].clone();
    assert_eq!(late(bounce(&folder, &["--log", "mail.log", "older.log", "--format", "json"])), 1);
    let mut tool = folder.tool(&["bounce", "--at", AFTER, "--log", "-", "older.log", "--format", "json"]);
    let mut child = tool.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(folder.read("mail.log").as_bytes()).unwrap();
    assert_eq!(late(Ran::from(child.wait_with_output().unwrap())), 1);
}

/// Lost if it fails: a slip in the command would be a riddle, or cost the log.
#[test]
fn what_cannot_start_says_why() {
    let folder = folder(log());
    let error = |arguments: &[&str]| bounce(&folder, arguments).error();
    expect![[r#"
        error: could not read the log absent.log: No such file or directory (os error 2)
    "#]]
    .assert_eq(&error(&["--log", "mail.log", "absent.log"]));
    expect![[r#"
        error: could not write to mail.log: that is one of the files to read
    "#]]
    .assert_eq(&error(&["--log", "mail.log", "-o", "mail.log"]));
    assert!(
        error(&["--log", "mail.log", "--since", "yesterday"])
            .contains("write a time such as 2026-12-05T22:00:00+09:00")
    );
    assert!(error(&["mail.log", "--since", "7d"]).contains("--since"));
    if std::path::Path::new("/dev/full").exists() {
        expect![[r#"
            error: could not write to /dev/full: No space left on device (os error 28)
        "#]]
        .assert_eq(&error(&["--log", "mail.log", "-o", "/dev/full"]));
    }
    assert_eq!(folder.read("mail.log"), log());
    let ran = bounce(&folder, &["--log", "mail.log", "-o", "told.txt"]);
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (Some(0), "", "written to told.txt\n"));
    assert!(folder.read("told.txt").contains("ptr/no-ptr"));
}

/// Lost if it fails: Ctrl-C would do nothing while a log is read, or leave half a file.
#[cfg(unix)]
#[test]
fn a_signal_leaves_nothing_behind() {
    let folder = folder(log());
    folder.write("told.txt", "the last one");
    let mut tool = folder.tool(&["bounce", "--log", "-", "-o", "told.txt"]);
    // A pipe that nobody writes to and nobody closes.
    let child = tool.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while folder.names().len() < 4 {
        assert!(began.elapsed() < Duration::from_secs(20), "the temporary file did not appear: {:?}", folder.names());
        std::thread::sleep(Duration::from_millis(10));
    }
    let kill = std::process::Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(kill.success());
    let mut child = child;
    let stdin = child.stdin.take();
    let ran = Ran::from(child.wait_with_output().unwrap());
    drop(stdin);
    assert_eq!((ran.exit, ran.out.as_str()), (Some(3), ""));
    assert!(ran.err.starts_with("interrupted"), "{}", ran.err);
    assert_eq!(folder.read("told.txt"), "the last one");
    assert_eq!(folder.names(), ["mail.log", "plan.toml", "told.txt"]);
}
