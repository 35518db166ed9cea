//! How fast refusals are counted in mail logs, beside the search for line ends alone: `cargo bench --bench refusals`.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::fmt::Write;
use std::hint::black_box;
use std::io::Cursor;
use std::time::Instant;

use chrono::DateTime;
use mail_cutover::bounce::{Ours, Tally};

/// The size of each log, in octets.
const SIZE: usize = 256 << 20;

fn main() {
    let now = DateTime::parse_from_rfc3339("2026-11-25T12:00:00+09:00").expect("a time");
    let cutover = now.timestamp() - 86_400;
    for (name, log) in
        [("Postfix", postfix("Nov 24")), ("Postfix, RFC 3339 times", postfix("2026-11-24T")), ("Exim", exim())]
    {
        let megabytes = log.len() as f64 / 1e6;
        for round in 1..=3 {
            let began = Instant::now();
            let lines = black_box(memchr::memchr_iter(b'\n', log.as_bytes()).count());
            let alone = began.elapsed().as_secs_f64();
            let mut tally = Tally::new(Some(cutover), None);
            let began = Instant::now();
            let (read, broken) = tally.read(&mut Cursor::new(log.as_bytes()), now, &Ours::default());
            assert!(broken.is_none(), "a log in memory");
            let all = began.elapsed().as_secs_f64();
            let groups = tally.groups();
            let counted: u64 =
                groups.iter().map(|group| group.before.plus(group.since)).map(|c| c.lost() + c.late).sum();
            assert_eq!(read.volume.lines, lines as u64);
            println!(
                "{name}, round {round}: {megabytes:.0} MB, {lines} lines, {counted} messages refused or put off in {} groups: {:.0} MB/s; line ends alone {:.0} MB/s",
                groups.len(),
                megabytes / all,
                megabytes / alone,
            );
        }
    }
}

/// What becomes of message `number`: of fifty, three are put off once, three refused, and of those that come, two turned away. That
/// is about one line in fifty (one in thirty for Exim, which logs less).
fn fate(number: u32) -> &'static str {
    match number % 50 {
        1 | 17 | 34 => "450 4.7.1 Client host rejected: cannot find your reverse hostname, [203.0.113.25]",
        12 => "550 5.1.1 <nobody@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
        45 => {
            "554 5.7.1 Service unavailable; Client host [203.0.113.25] blocked using zen.spamhaus.org; https://check.spamhaus.org/"
        }
        28 => "552 5.2.2 The email account that you tried to reach is over quota",
        _ => "",
    }
}

fn postfix(day: &str) -> String {
    let mut log = String::with_capacity(SIZE + 4096);
    let long = day.ends_with('T');
    for number in 0_u32.. {
        if log.len() >= SIZE {
            break;
        }
        let clock = format!("{:02}:{:02}:{:02}", number / 3600 % 24, number / 60 % 60, number % 60);
        let head = if long { format!("{day}{clock}.123456+09:00 mx") } else { format!("{day} {clock} mx") };
        let (id, domain) = (format!("4{number:09X}"), format!("d{}.example", number % 400));
        let _ = writeln!(log, "{head} postfix/smtpd[1234]: connect from pc.example.co.jp[192.0.2.77]");
        let _ = writeln!(
            log,
            "{head} postfix/smtpd[1234]: {id}: client=pc.example.co.jp[192.0.2.77], sasl_method=PLAIN, sasl_username=sales"
        );
        let _ = writeln!(log, "{head} postfix/cleanup[1235]: {id}: message-id=<{id}@example.co.jp>");
        let _ = writeln!(
            log,
            "{head} postfix/qmgr[1236]: {id}: from=<sales@example.co.jp>, size=12345, nrcpt=1 (queue active)"
        );
        let to = format!(
            "{head} postfix/smtp[1237]: {id}: to=<info@{domain}>, relay=mx.{domain}[198.51.100.9]:25, delay=0.2, delays=0.1/0/0/0.1"
        );
        let text = fate(number);
        if text.is_empty() || text.starts_with('4') {
            if !text.is_empty() {
                let _ = writeln!(
                    log,
                    "{to}, dsn=4.7.1, status=deferred (host mx.{domain}[198.51.100.9] said: {text} (in reply to RCPT TO command))"
                );
            }
            let _ = writeln!(log, "{to}, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 12345)");
        } else {
            let _ = writeln!(
                log,
                "{to}, dsn=5.0.0, status=bounced (host mx.{domain}[198.51.100.9] said: {text} (in reply to RCPT TO command))"
            );
        }
        if number % 25 == 3 {
            let _ = writeln!(
                log,
                "{head} postfix/smtpd[1234]: NOQUEUE: reject: RCPT from unknown[198.51.100.7]: 554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org; from=<a@spam{number}.example> to=<info@example.co.jp> proto=ESMTP helo=<x>"
            );
        }
        let _ = writeln!(log, "{head} postfix/qmgr[1236]: {id}: removed");
        let _ = writeln!(
            log,
            "{head} postfix/smtpd[1234]: disconnect from pc.example.co.jp[192.0.2.77] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
        );
    }
    log
}

fn exim() -> String {
    let mut log = String::with_capacity(SIZE + 4096);
    for number in 0_u32.. {
        if log.len() >= SIZE {
            break;
        }
        let head = format!("2026-11-24 {:02}:{:02}:{:02}", number / 3600 % 24, number / 60 % 60, number % 60);
        let (id, domain) =
            (format!("1v{:04}-{:06}-1C", number / 1_000_000, number % 1_000_000), format!("d{}.example", number % 400));
        let _ = writeln!(
            log,
            "{head} {id} <= sales@example.co.jp H=pc.example.co.jp [192.0.2.77] P=esmtpsa X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 A=plain:sales S=12345 id={id}@example.co.jp"
        );
        let to = format!("info@{domain} R=dnslookup T=remote_smtp H=mx.{domain} [198.51.100.9]");
        let error = format!("SMTP error from remote mail server after RCPT TO:<info@{domain}>:");
        let text = fate(number);
        if text.is_empty() || text.starts_with('4') {
            if !text.is_empty() {
                let _ = writeln!(
                    log,
                    "{head} {id} == {} defer (-44) H=mx.{domain} [198.51.100.9]: {error} {text}",
                    to.split(" H=").next().unwrap_or_default()
                );
            }
            let _ = writeln!(
                log,
                "{head} {id} => {to} X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 CV=yes C=\"250 2.0.0 Ok: queued as 12345\""
            );
        } else {
            let _ = writeln!(log, "{head} {id} ** {to}: {error} {text}");
        }
        if number % 25 == 3 {
            let _ = writeln!(
                log,
                "{head} H=(x) [198.51.100.7] F=<a@spam{number}.example> rejected RCPT <info@example.co.jp>: 198.51.100.7 is listed at zen.spamhaus.org"
            );
        }
        let _ = writeln!(log, "{head} {id} Completed");
    }
    log
}
