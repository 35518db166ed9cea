//! How fast mail logs are read, beside the search for line ends alone: `cargo bench --bench log`.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::fmt::Write;
use std::hint::black_box;
use std::io::Cursor;
use std::time::Instant;

use chrono::DateTime;
use mail_cutover::inbound::log::{Clients, read};

/// The size of the log, in octets.
const SIZE: usize = 256 << 20;
/// How many clients are in it.
const CLIENTS: u32 = 50_000;

fn main() {
    let log = postfix();
    let now = DateTime::parse_from_rfc3339("2026-11-25T12:00:00+09:00").expect("a time");
    let megabytes = log.len() as f64 / 1e6;
    for round in 1..=3 {
        let began = Instant::now();
        let lines = black_box(memchr::memchr_iter(b'\n', log.as_bytes()).count());
        let alone = began.elapsed().as_secs_f64();
        let mut clients = Clients::default();
        let began = Instant::now();
        let (summary, broken) = read(&mut Cursor::new(log.as_bytes()), now, &mut clients);
        assert!(broken.is_none(), "a log in memory");
        let all = began.elapsed().as_secs_f64();
        assert_eq!((summary.volume.lines, clients.len()), (lines as u64, CLIENTS as usize));
        println!(
            "round {round}: {megabytes:.0} MB, {lines} lines, {} clients: {:.0} MB/s; line ends alone {:.0} MB/s, {:.1} times",
            clients.len(),
            megabytes / all,
            megabytes / alone,
            all / alone
        );
    }
}

/// Messages as Postfix logs them: five lines each, one in ten refused.
fn postfix() -> String {
    let mut log = String::with_capacity(SIZE + 1024);
    let mut number: u32 = 0;
    while log.len() < SIZE {
        number += 1;
        let client = number.wrapping_mul(2_654_435_761) % CLIENTS;
        let ip = format!("198.{}.{}.{}", 18 + client / 65_536, client / 256 % 256, client % 256);
        let head = format!("Nov 24 {:02}:{:02}:{:02} mx", number / 3600 % 24, number / 60 % 60, number % 60);
        let id = format!("4{number:09X}");
        if number.is_multiple_of(10) {
            let _ = writeln!(
                log,
                "{head} postfix/smtpd[1234]: NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 Service unavailable; Client host [{ip}] blocked using zen.spamhaus.org; from=<a@spam{client}.example> to=<info@example.co.jp> proto=ESMTP helo=<x>"
            );
        }
        let _ = writeln!(log, "{head} postfix/smtpd[1234]: connect from mail{client}.partner.example[{ip}]");
        let _ = writeln!(log, "{head} postfix/smtpd[1234]: {id}: client=mail{client}.partner.example[{ip}]");
        let _ = writeln!(log, "{head} postfix/cleanup[1235]: {id}: message-id=<{id}@partner.example>");
        let _ = writeln!(
            log,
            "{head} postfix/qmgr[1236]: {id}: from=<sales@partner{}.example>, size=12345, nrcpt=1 (queue active)",
            client % 100
        );
        let _ = writeln!(
            log,
            "{head} postfix/lmtp[1237]: {id}: to=<info@example.co.jp>, relay=mx[private/dovecot-lmtp], delay=0.2, delays=0.1/0/0/0.1, dsn=2.0.0, status=sent (250 2.0.0 saved)"
        );
        let _ = writeln!(
            log,
            "{head} postfix/smtpd[1234]: disconnect from mail{client}.partner.example[{ip}] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
        );
    }
    log
}
