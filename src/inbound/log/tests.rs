//! Real shapes of lines, and what is no log at all.

use std::io::Cursor;
use std::net::IpAddr;

use super::*;

fn now() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-25T12:00:00+09:00").unwrap()
}

fn read_text(text: impl AsRef<[u8]>) -> (Clients, Summary) {
    let mut clients = Clients::default();
    let (summary, broken) = read(&mut Cursor::new(text.as_ref()), now(), &mut clients);
    assert!(broken.is_none(), "{broken:?}");
    (clients, summary)
}

/// Messages, refusals and domains of every client, in the order of addresses.
fn told(clients: &Clients) -> Vec<String> {
    let mut all: Vec<(IpAddr, &Client)> = clients.iter().collect();
    all.sort_by_key(|(ip, _)| *ip);
    let told = |(ip, client): (IpAddr, &Client)| {
        let domains: Vec<String> = client.domains.iter().map(|(domain, count)| format!("{domain} {count}")).collect();
        format!("{ip} {} {} [{}]", client.messages, client.refused, domains.join(", "))
    };
    all.into_iter().map(told).collect()
}

/// Lost if it fails: partners would be missing from the forecast, or our own people would be partners.
#[test]
fn postfix() {
    let (clients, summary) = read_text(
        "Nov 24 10:00:00 mx postfix/smtpd[1]: connect from mail.partner.example[198.51.100.7]\n\
         Nov 24 10:00:00 mx postfix/smtpd[1]: 4XYZ01: client=mail.partner.example[198.51.100.7]\n\
         Nov 24 10:00:00 mx postfix/cleanup[2]: 4XYZ01: message-id=<a@partner.example>\n\
         Nov 24 10:00:01 mx postfix/qmgr[3]: 4XYZ01: from=<sales@Partner.Example>, size=1200, nrcpt=1 (queue active)\n\
         Nov 24 10:05:01 mx postfix/qmgr[3]: 4XYZ01: from=<sales@partner.example>, size=1200, nrcpt=1 (queue active)\n\
         2026-11-24T11:00:00.123456+09:00 mx postfix-in/smtpd[1]: 4XYZ02: client=unknown[2001:db8::7]\n\
         2026-11-24T11:00:00.2+09:00 mx postfix/qmgr[3]: 4XYZ02: from=<>, size=900, nrcpt=1 (queue active)\n\
         Nov 24 11:00:02 mx postfix/submission/smtpd[9]: 4XYZ03: client=pc[203.0.113.9], sasl_method=PLAIN, sasl_username=taro\n\
         Nov 24 11:00:03 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[1.2.3.4].evil[198.51.100.9]: 554 5.7.1 Service unavailable; Client host [198.51.100.9] blocked using zen.spamhaus.org; from=<a@spam.example> to=<info@example.co.jp> proto=ESMTP helo=<x>\n\
         Nov 24 11:00:04 mx postfix/postscreen[1]: NOQUEUE: reject: RCPT from [198.51.100.10]:4321: 550 5.7.1 Service unavailable; client [198.51.100.10] blocked using bl.example; from=<b@spam.example>, to=<info@example.co.jp>, proto=ESMTP, helo=<y>\n\
         Nov 24 11:00:05 mx postfix/smtpd[1]: 4XYZ04: client=localhost[127.0.0.1]\n\
         Nov 24 11:00:06 mx postfix/smtpd[1]: 4XYZ05: client=unknown[unknown]\n\
         Nov 24 11:00:07 mx postfix/smtpd[1]: 4XYZ06: client=m[::ffff:198.51.100.7]\n\
         Nov 24 11:00:08 mx postfix/smtpd[1]: warning: x <= a@b H=c [198.51.100.66] P=esmtp\n\
         Nov 24 11:00:08 mx dovecot: imap-login: Login: user=<taro>, rip=203.0.113.9\n",
    );
    assert_eq!(
        told(&clients),
        [
            "198.51.100.7 2 0 [partner.example 1]",
            "198.51.100.9 0 1 [spam.example 1]",
            "198.51.100.10 0 1 [spam.example 1]",
            "2001:db8::7 1 0 [<> 1]",
        ]
    );
    assert_eq!((summary.volume.lines, summary.nameless), (15, 1));
    let partner = clients.client("198.51.100.7".parse().unwrap()).unwrap();
    let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp();
    assert_eq!(partner.seen, Some((at("2026-11-24T10:00:00+09:00"), at("2026-11-24T11:00:07+09:00"))));
}

/// Lost if it fails: who moves away from Exim would see no partner at all.
#[test]
fn exim() {
    let (clients, _) = read_text(
        "2026-11-24 10:00:00 1tFabc-0000000123-0AbC <= sales@partner.example H=mail.partner.example [198.51.100.7]:4567 P=esmtps X=TLS1.3 S=1200 id=a@b\n\
         2026-11-24 10:00:00 [12] 1tFabc-00001-0A <= <> H=(helo[1.2.3.4]) [2001:db8::7] I=[192.0.2.25]:25 P=esmtp S=900\n\
         2026-11-24 10:00:01 1tFabd-00001-0A <= taro@example.co.jp H=pc [203.0.113.9] P=esmtpsa A=plain:taro S=10\n\
         2026-11-24 10:00:01 1tFabd-00002-0A <= sales@partner.example H=mail.partner.example [198.51.100.7]:4567 P=esmtps S=1200 T=\"plan A=B\" for info@example.co.jp\n\
         2026-11-24 10:00:02 1tFabe-00001-0A <= root@example.co.jp U=root P=local S=10\n\
         2026-11-24 10:00:03 1tFabc-00001-0A => info <info@example.co.jp> R=local T=local\n\
         2026-11-24 10:00:04 H=(x) [198.51.100.9]:999 F=<a@spam.example> rejected RCPT <info@example.co.jp>: blocked\n\
         2026-11-24 10:00:04 H=(x <= a@b H=c [198.51.100.66]) [198.51.100.9]:999 F=<a@spam.example> rejected RCPT <info@example.co.jp>: blocked\n\
         Nov 24 10:00:05 mx exim[77]: H=(x) [198.51.100.9]:999 F=<a@spam.example> rejected RCPT <info@example.co.jp>: blocked\n",
    );
    assert_eq!(
        told(&clients),
        ["198.51.100.7 2 0 [partner.example 2]", "198.51.100.9 0 3 [spam.example 3]", "2001:db8::7 1 0 [<> 1]"]
    );
}

/// Lost if it fails: who moves away from Sendmail would see no partner at all.
#[test]
fn sendmail() {
    let (clients, _) = read_text(
        "Nov 24 10:00:00 mx sendmail[1]: 5AO100: from=<sales@partner.example>, size=1200, class=0, nrcpts=1, msgid=<a@b>, proto=ESMTP, daemon=MTA, relay=mail.partner.example [198.51.100.7]\n\
         Nov 24 10:00:00 mx sm-mta[1]: 5AO101: from=<>, size=0, class=0, nrcpts=0, proto=ESMTP, daemon=MTA, relay=[198.51.100.8]\n\
         Nov 24 10:00:00 mx sm-mta[1]: 5AO102: ruleset=check_rcpt, arg1=<info@example.co.jp>, relay=x [198.51.100.9], reject=550 5.7.1 blocked\n\
         Nov 24 10:00:00 mx sendmail[1]: 5AO103: from=root, size=10, class=0, nrcpts=1, relay=root@localhost\n\
         Nov 24 10:00:00 mx sendmail[1]: 5AO100: to=<info@example.co.jp>, delay=00:00:01, relay=local, dsn=2.0.0, stat=Sent\n\
         Nov 24 10:00:00 mx sm-mta[1]: 5AO104: from=<x@v6.example>, size=1, class=0, nrcpts=1, relay=h [IPv6:2001:db8::7]\n",
    );
    assert_eq!(
        told(&clients),
        ["198.51.100.7 1 0 [partner.example 1]", "198.51.100.9 0 1 []", "2001:db8::7 1 0 [v6.example 1]"]
    );
}

/// Lost if it fails: a damaged log would end the tool, fill the memory or let a stranger write onto the terminal.
#[test]
fn what_is_no_log() {
    let good = "Nov 24 10:00:00 mx postfix/smtpd[1]: 4A: client=m[198.51.100.7]";
    // No line end at the end; CRLF; a line of 10 MB before it.
    let mut text = vec![b'x'; 10 << 20];
    text.extend_from_slice(format!("\n{good}\r\n{good}").as_bytes());
    let (clients, summary) = read_text(&text);
    assert_eq!(told(&clients), ["198.51.100.7 2 0 []"]);
    assert_eq!((summary.volume.lines, summary.volume.cut, summary.volume.octets), (3, 1, text.len() as u64));
    for octets in
        [&b""[..], b"\n\n\n", b"\0\xff\xfe", b"<= ", b" <= ", b"x <= H=", b"a[1]: ", b"postfix/smtpd[1]: Q: client="]
    {
        assert!(read_text(octets).0.is_empty(), "{octets:?}");
    }
    let (clients, _) = read_text("2026-11-24 10:00:00 1a-1-A <= a@\u{1b}[2J\u{202e}b H=x [198.51.100.7] P=esmtp S=1\n");
    assert_eq!(told(&clients), ["198.51.100.7 1 0 [\\u{1b}[2j\\u{202e}b 1]"]);
    // Every cut and every damaged octet of real lines.
    let line = "2026-11-24 10:00:00 1tF-1-A <= a@b.example H=(x) [198.51.100.7]:4 I=[192.0.2.1]:25 P=esmtp\n\
                Nov 24 11:00:03 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[198.51.100.9]: 554 5.7.1 no; from=<a@b> to=<c>\n";
    for at in 0..line.len() {
        read_text(&line[..at]);
        for octet in [0, b'\n', b'[', b']', 0xff] {
            let mut damaged = line.as_bytes().to_vec();
            damaged[at] = octet;
            read_text(damaged);
        }
    }
}

/// Lost if it fails: a sender who uses a name for each message would fill the memory.
#[test]
fn what_is_kept_of_a_client_is_bounded() {
    let mut text = String::new();
    for number in 0..1000 {
        text.push_str(&format!("2026-11-24 10:00:00 1a-1-A <= a@d{number}.example H=x [198.51.100.7] P=esmtp S=1\n"));
    }
    let (clients, _) = read_text(&text);
    let client = clients.client("198.51.100.7".parse().unwrap()).unwrap();
    assert_eq!((client.messages, client.domains.len(), client.other_domains), (1000, 8, 992));
}

/// Lost if it fails: a queue id that comes again after a year would lend its sender to another client.
#[test]
fn queue_ids_are_forgotten() {
    let mut text = String::from("Nov 24 10:00:00 mx postfix/smtpd[1]: FIRST: client=m[198.51.100.7]\n");
    for number in 0..20_000 {
        text.push_str(&format!("Nov 24 10:00:00 mx postfix/smtpd[1]: {number:X}: client=m[198.51.100.8]\n"));
    }
    text.push_str("Nov 24 10:00:00 mx postfix/qmgr[1]: FIRST: from=<a@late.example>, size=1, nrcpt=1 (queue active)\n");
    text.push_str("Nov 24 10:00:00 mx postfix/qmgr[1]: 4E1F: from=<a@soon.example>, size=1, nrcpt=1 (queue active)\n");
    assert_eq!(told(&read_text(&text).0), ["198.51.100.7 1 0 []", "198.51.100.8 20000 0 [soon.example 1]"]);
}
