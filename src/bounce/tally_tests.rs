//! Tests of the counts: messages and not tries, what is new, and what hostile logs may cost.

use super::*;

const CUTOVER: &str = "2026-12-05T22:00:00+09:00";

fn seconds(time: &str) -> i64 {
    DateTime::parse_from_rfc3339(time).unwrap().timestamp()
}

fn read(log: &str) -> Tally {
    read_for(log, &Ours::default())
}

fn read_for(log: &str, ours: &Ours) -> Tally {
    let mut tally = Tally::new(Some(seconds(CUTOVER)), None);
    let now = DateTime::parse_from_rfc3339("2026-12-10T12:00:00+09:00").unwrap();
    let (_, error) = tally.read(&mut io::Cursor::new(log), now, ours);
    assert!(error.is_none());
    tally
}

/// Every group as `direction party class/sub list: before since`, each count as refused, waiting, late.
fn told(tally: &Tally) -> Vec<String> {
    let count = |count: Count| format!("{}/{}/{}", count.refused, count.waiting, count.late);
    let one = |group: &Group| {
        let list = group.list.as_ref().map_or("-", Named::id);
        let (before, since) = (count(group.before), count(group.since));
        format!(
            "{} {} {}/{} {list}: {before} {since}{}",
            group.direction.word(),
            group.party,
            group.class.word(),
            group.sub,
            if group.is_new() { " new" } else { "" }
        )
    };
    tally.groups().into_iter().map(one).collect()
}

fn smtp(day: u32, id: &str, to: &str, status: &str, text: &str) -> String {
    format!(
        "Dec {day:2} 10:00:00 mx postfix/smtp[7]: {id}: to=<{to}>, relay=mx.icloud.com[192.0.2.9]:25, delay=1, delays=0/0/0/1, dsn=4.0.0, status={status} ({text})\n"
    )
}

const NO_PTR: &str =
    "host mx.icloud.com[192.0.2.9] said: 450 4.7.25 Client host rejected: cannot find your hostname, [203.0.113.25]";

/// Lost if it fails: a mail that is tried every hour would be counted forty times, or one that arrived late as refused.
#[test]
fn messages_are_counted_and_not_tries() {
    let log = [
        smtp(6, "A1", "a@icloud.com", "deferred", NO_PTR),
        smtp(6, "A1", "a@icloud.com", "deferred", NO_PTR),
        smtp(6, "A2", "a@icloud.com", "deferred", NO_PTR),
        smtp(6, "A2", "b@icloud.com", "deferred", NO_PTR),
        smtp(7, "A2", "b@icloud.com", "sent", "250 ok"),
        smtp(7, "A3", "c@icloud.com", "sent", "250 ok"),
        // Another cause at the last try.
        smtp(7, "A2", "a@icloud.com", "bounced", "host mx.icloud.com[192.0.2.9] said: 552 5.2.2 mailbox full"),
        // The queue manager's last word names no cause; the last reply does.
        smtp(6, "A4", "d@icloud.com", "deferred", NO_PTR),
        "Dec 10 10:00:00 mx postfix/qmgr[1]: A4: from=<x@example.co.jp>, status=expired, returned to sender\n"
            .to_owned(),
        "Dec 10 10:00:00 mx postfix/qmgr[1]: A4: removed\n".to_owned(),
    ]
    .concat();
    let tally = read(&log);
    assert_eq!(
        told(&tally),
        [
            "outgoing icloud.com ptr/fcrdns-mismatch -: 0/0/0 1/1/1 new",
            "outgoing icloud.com mailbox-full/ -: 0/0/0 1/0/0 new"
        ]
    );
    assert_eq!(tally.delivered(), [0, 2]);
}

/// Lost if it fails: what a receiver refuses of us in the words "rejected" or "**" would be told as our own server's refusal of others.
#[test]
fn the_words_of_the_other_server_do_not_turn_the_direction() {
    let exim = |text: &str| format!("2026-12-06 10:00:00 1tFabc-0000000123-0AbC {text}\n");
    let smtp =
        "R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.8]: SMTP error from remote mail server after end of data:";
    let log = [
        exim(&format!("** a@example.org {smtp} 554 5.7.1 [203.0.113.25] was rejected because it is listed at zen.spamhaus.org")),
        exim(&format!("== b@example.org {smtp} 451 4.7.1 ** message temporarily rejected ** greylisted")),
        "2026-12-06 10:00:00 H=(x) [198.51.100.9]:999 F=<a@spam.example> rejected RCPT <c@example.co.jp>: 550 => no R=1\n".to_owned(),
    ]
    .concat();
    let tally = read(&log);
    let told = told(&tally);
    assert!(told.contains(&"outgoing example.org dnsbl/ip spamhaus-zen: 0/0/0 1/0/0 new".to_owned()), "{told:?}");
    assert!(told.contains(&"outgoing example.org greylist/ -: 0/0/0 0/1/0 new".to_owned()), "{told:?}");
    assert!(told.iter().any(|one| one.starts_with("incoming spam.example ")), "{told:?}");
}

/// Lost if it fails: what a receiver has always refused would stop the switch, or what is new would not.
#[test]
fn new_is_what_was_not_there_before() {
    let log = [
        smtp(1, "A1", "a@icloud.com", "bounced", NO_PTR),
        smtp(1, "A2", "a@icloud.com", "sent", "250 ok"),
        smtp(6, "A3", "a@icloud.com", "bounced", NO_PTR),
        smtp(
            6,
            "A4",
            "a@example.org",
            "bounced",
            "host mx.example.org[192.0.2.8] said: 554 5.7.1 blocked using zen.spamhaus.org",
        )
        .replace("mx.icloud.com", "mx.example.org"),
    ]
    .concat();
    let tally = read(&log);
    assert_eq!(
        told(&tally),
        [
            "outgoing example.org dnsbl/ip spamhaus-zen: 0/0/0 1/0/0 new",
            "outgoing icloud.com ptr/fcrdns-mismatch -: 1/0/0 1/0/0"
        ]
    );
    let groups = tally.groups();
    assert!(groups.iter().all(|group| group.is_critical()), "{groups:?}");
    assert!(groups[1].example.starts_with("Dec  6"), "{}", groups[1].example);
    assert_eq!(groups[1].seen, Some((seconds("2026-12-01T10:00:00+09:00"), seconds("2026-12-06T10:00:00+09:00"))));
}

/// Lost if it fails: a partner's mail that our own server refuses would be taken for ours, or be counted at each of its tries.
#[test]
fn our_own_refusals_are_the_partners() {
    let reject = |text: &str, from: &str| {
        format!(
            "Dec  6 10:00:00 mx postfix/smtpd[7]: NOQUEUE: reject: RCPT from mail.supplier.example[198.51.100.7]: {text}; from=<{from}> to=<info@example.co.jp> proto=ESMTP helo=<x status=bounced (y)>\n"
        )
    };
    let grey = "450 4.2.0 <info@example.co.jp>: Recipient address rejected: Greylisted";
    let listed = "554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org";
    let log = [
        reject(grey, "a@supplier.example"),
        reject(grey, "a@supplier.example"),
        reject(listed, "a@supplier.example"),
        reject(listed, ""),
        "2026-12-06 10:00:00 H=(x) [198.51.100.9] F=<a@other.example> temporarily rejected RCPT <info@example.co.jp>: Greylisted\n".to_owned(),
        "2026-12-06 10:00:00 +0900 [12] H=(x) [2001:db8:9::9]:25 F=<> rejected RCPT <info@example.co.jp>: relay not permitted\n".to_owned(),
        "Dec  6 10:00:00 mx sm-mta[7]: A1: ruleset=check_rcpt, arg1=<info@example.co.jp>, relay=a.third.example [198.51.100.8], reject=550 5.7.1 <info@example.co.jp>... Relaying denied\n".to_owned(),
        "Dec  6 10:00:00 mx postfix/smtpd[7]: NOQUEUE: reject_warning: RCPT from x[198.51.100.7]: 554 5.7.1 only logged; from=<a@b.example> to=<c@d.example>\n".to_owned(),
    ]
    .concat();
    let tally = read(&log);
    assert_eq!(
        told(&tally),
        [
            // Put off first and then refused: one message.
            "incoming supplier.example dnsbl/ip spamhaus-zen: 0/0/0 2/0/0 new",
            "incoming 2001:db8:9::/48 relay/ -: 0/0/0 1/0/0 new",
            "incoming other.example greylist/ -: 0/0/0 0/1/0 new",
            "incoming third.example relay/ -: 0/0/0 1/0/0 new",
        ]
    );
    assert!(tally.groups().iter().all(|group| !group.is_critical()));
}

/// Lost if it fails: Exim's and Sendmail's mail would be counted at each try, or not at all.
#[test]
fn exim_and_sendmail_settle_what_waits() {
    let exim = |text: &str| format!("2026-12-06 10:00:00 1vO2ab-0001Ab-1C {text}\n");
    let sendmail = |text: &str| format!("Dec  6 10:00:00 mx sm-mta[7]: 4B6A1: {text}\n");
    let busy = "R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.8] defer (-44): SMTP error from remote mail server after RCPT TO:<a@example.org>: host mx.example.org [192.0.2.8]: 450 4.7.1 Client host rejected: cannot find your reverse hostname";
    let log = [
        exim(&format!("== a@example.org {busy}")),
        exim("== a@example.org routing defer (-51): retry time not reached"),
        exim("** a@example.org: retry timeout exceeded"),
        exim("Completed"),
        exim("** b@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.8]: SMTP error from remote mail server after RCPT TO:<b@example.org>: 550 5.1.1 no such user"),
        exim("=> c@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.8] C=\"250 ok\""),
        sendmail("to=<d@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=1, relay=mx.example.net. [192.0.2.7], dsn=4.7.1, stat=Deferred: 451 4.7.1 Greylisting in action, please come back later"),
        sendmail("to=<d@example.net>, delay=00:10:01, xdelay=00:00:01, mailer=esmtp, pri=1, relay=mx.example.net. [192.0.2.7], dsn=2.0.0, stat=Sent (ok)"),
        sendmail("to=<e@example.net>, delay=00:10:01, xdelay=00:00:01, mailer=esmtp, pri=1, relay=mx.example.net. [192.0.2.7], dsn=4.0.0, stat=Deferred: Connection timed out with mx.example.net."),
        sendmail("4B6A2: DSN: Cannot send message for 5 days"),
    ]
    .concat();
    let tally = read(&log);
    assert_eq!(
        told(&tally),
        [
            "outgoing example.org ptr/no-ptr -: 0/0/0 1/0/0 new",
            "outgoing example.net network/timeout -: 0/0/0 1/0/0 new",
            "outgoing example.org address/unknown-user -: 0/0/0 1/0/0 new",
            "outgoing example.net greylist/ -: 0/0/0 0/0/1",
        ]
    );
    assert_eq!(tally.delivered(), [0, 2]);
}

/// Lost if it fails: a flood of sender names would fill the memory, or hide how many were refused.
#[test]
fn groups_are_bounded_and_nothing_is_lost() {
    let count = MOST_GROUPS + 500;
    let log: String = (0..count)
        .map(|number| {
            smtp(6, &format!("A{number}"), &format!("a@d{number}.example"), "bounced", "550 5.1.1 no such user")
                .replace("mx.icloud.com", &format!("mx.d{number}.example"))
        })
        .collect();
    let tally = read(&log);
    assert_eq!(tally.groups.len(), MOST_GROUPS + 1);
    let rest = tally.groups.iter().find(|group| group.party.is_empty()).unwrap();
    assert_eq!(rest.since.refused, 500);
    assert_eq!(tally.groups.iter().map(|group| group.since.refused).sum::<u64>(), count as u64);
}

/// Lost if it fails: a key or an escape sequence in a log would reach the screen, or a long line the memory.
#[test]
fn what_is_shown_is_safe_and_short() {
    let text = format!("554 5.7.1 \u{1b}[2J blocked using secret1234.zen.dq.spamhaus.net; {}", "x".repeat(60_000));
    let tally = read(&smtp(6, "A1", "a@icloud.com", "bounced", &text));
    let group = &tally.groups()[0];
    let all = format!("{} {}", group.example, group.explain(&Ours::default()).evidence);
    assert!(!all.contains("secret1234") && !all.contains('\u{1b}'), "{all}");
    assert!(group.event.texts[0].len() <= LONGEST_TEXT && all.len() < 2000);
}
