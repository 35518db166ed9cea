//! The rules, the registry and the texts held against themselves: every example, every code, every tag.

use super::rules::rules;
use super::*;

/// Lost if it fails: a rule that never speaks, or one whose wording another rule takes away.
#[test]
fn every_example_is_explained_by_its_rule() {
    rules().build_all().unwrap();
    let mut wrong = Vec::new();
    for rule in rules().all() {
        let ruling = classify(&rule.example, None, None);
        if ruling.rule_id() != rule.id {
            wrong.push(format!("{}: explained by {}: {}", rule.id, ruling.rule_id(), rule.example));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lost if it fails: wordings that programs and large receivers are known to use are explained as something else.
#[test]
fn known_wordings_have_their_class() {
    let mut wrong = Vec::new();
    for line in include_str!("../../tests/bounce/lines.tsv").lines() {
        let (class, text) = line.split_once('\t').unwrap();
        let ruling = classify(text, None, None);
        if ruling.class.word() != class {
            wrong.push(format!("{class} is taken for {} by {}: {text}", ruling.class.word(), ruling.rule_id()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lost if it fails: the program that quotes a reply, or the help page at its end, changes what it is taken for.
#[test]
fn what_stands_around_a_reply_changes_nothing() {
    let frames = [
        ("", " - see https://postmaster.example.com/antispam-policy.html"),
        ("", " Please contact the postmaster of this server if you think this is an error."),
        ("host mx.example.org[192.0.2.5] said: ", " (in reply to RCPT TO command)"),
        ("SMTP error from remote mail server after RCPT TO:<user@example.org>: host mx.example.org [192.0.2.5]: ", ""),
    ];
    for (before, after) in frames {
        let mut wrong = Vec::new();
        let lines: Vec<&str> = include_str!("../../tests/bounce/lines.tsv").lines().collect();
        for line in lines.iter().filter(|line| !line.starts_with("not-bounce")) {
            let (class, text) = line.split_once('\t').unwrap();
            let ruling = classify(&format!("{before}{text}{after}"), None, None);
            if ruling.class.word() != class {
                wrong.push(format!("{class} is taken for {} by {}: {text}", ruling.class.word(), ruling.rule_id()));
            }
        }
        // A few wordings are so short that what surrounds them joins in.
        assert!(wrong.len() * 100 <= lines.len(), "{before}…{after}\n{}", wrong.join("\n"));
    }
}

/// Lost if it fails: a code of the registry that nobody can name, or one that is told of another.
#[test]
fn every_code_of_the_registry_has_its_name() {
    // Subjects and their highest details, by the registry of 2024-12-06.
    let highest: [(u16, u16); 8] = [(0, 0), (1, 10), (2, 4), (3, 6), (4, 7), (5, 6), (6, 10), (7, 30)];
    for (subject, most) in highest {
        for detail in 0..=most {
            let code = registry().iter().filter(|code| (code.subject, code.detail) == (subject, detail)).count();
            assert_eq!(code, 1, "x.{subject}.{detail}");
        }
    }
    assert_eq!(registry().len(), 81);
    for code in registry() {
        assert!(!code.en.is_empty() && !code.ja.is_ascii(), "{code:?}");
    }
    let told = explain(b"550 5.7.25 x", &Ours::default());
    assert_eq!((told[0].class, told[0].rule), (Class::Ptr, "registry"));
    assert!(told[0].sentence.in_lang(crate::model::Lang::En).contains("by its code alone"));
}

/// Lost if it fails: an explanation without words, or one that sends people to a page that is not there.
#[test]
fn every_class_has_words_and_every_tag_a_page() {
    for class in Class::ALL {
        assert!(words::known().contains(&(class, "")), "{class:?} has no texts");
    }
    for (class, sub) in words::known() {
        let used = sub.is_empty()
            || rules().all().iter().any(|rule| rule.class == class && rule.sub == sub)
            || registry().iter().any(|code| code.class == class && code.sub == sub)
            || class == Class::NotBounce;
        assert!(used, "{class:?} {sub} has texts that nothing leads to");
    }
    let known: Vec<&str> = {
        let cards = include_str!("../../docs/checks/README.md");
        words::tags().into_iter().filter(|tag| cards.contains(&format!("`{tag}`"))).collect()
    };
    assert_eq!(known, words::tags(), "a tag is on no page of a check");
}

fn ours() -> Ours {
    let name = |name| crate::model::DomainName::parse(name).unwrap();
    Ours {
        old: vec!["192.0.2.10".parse().unwrap()],
        new: vec!["198.51.100.25".parse().unwrap()],
        domains: vec![name("example.co.jp")],
        hostnames: vec![name("mail.example.co.jp")],
    }
}

fn one(text: &str) -> Explanation {
    let told = explain(text.as_bytes(), &ours());
    assert_eq!(told.len(), 1, "{text}: {told:#?}");
    told.into_iter().next().unwrap()
}

/// Lost if it fails: the partner's listing is called ours, or ours the partner's: the wrong people look for the fault.
#[test]
fn the_side_follows_from_direction_and_addresses() {
    let refused = one("554 5.7.1 Service unavailable; Client host [198.51.100.25] blocked using zen.spamhaus.org");
    assert_eq!((refused.direction, refused.side, refused.whose_ip), (Direction::Outgoing, Side::Ours, "ours"));
    let other = one("554 5.7.1 Service unavailable; Client host [203.0.113.9] blocked using zen.spamhaus.org");
    assert_eq!((other.direction, other.whose_ip), (Direction::Unknown, "other"));
    let partner = one(
        "Nov 24 10:00:00 mail postfix/smtpd[1]: NOQUEUE: reject: RCPT from mx.partner.example[203.0.113.9]: 554 5.7.1 Service unavailable; Client host [203.0.113.9] blocked using bl.spamcop.net; from=<a@partner.example> to=<info@example.co.jp> proto=ESMTP helo=<mx.partner.example>",
    );
    assert_eq!((partner.direction, partner.side, partner.whose_ip), (Direction::Incoming, Side::Theirs, "partner"));
    assert_eq!(partner.ip, Some("203.0.113.9".parse().unwrap()));
    assert_eq!(partner.list.as_ref().map(Named::id), Some("spamcop"));
    let exim = one(
        "2026-11-24 10:00:00 H=mx.partner.example [203.0.113.9] F=<a@partner.example> rejected RCPT <info@example.co.jp>: 203.0.113.9 is listed at b.barracudacentral.org",
    );
    assert_eq!((exim.class, exim.direction, exim.side), (Class::Dnsbl, Direction::Incoming, Side::Theirs));
    let sendmail = one(
        "Nov 24 10:00:00 mail sendmail[1]: xAO100: ruleset=check_rcpt, arg1=<x@example.net>, relay=mx.partner.example [203.0.113.9], reject=550 5.7.1 <x@example.net>... Relaying denied",
    );
    assert_eq!((sendmail.class, sendmail.direction), (Class::Relay, Direction::Incoming));
    let missing = one(
        "host mail.example.co.jp[198.51.100.25] said: 550 5.1.1 <new@example.co.jp>: Recipient address rejected: User unknown",
    );
    assert_eq!((missing.class, missing.direction, missing.side), (Class::Address, Direction::Incoming, Side::Either));
}

/// Lost if it fails: a list that is closed, or that refused the question, is called a listing that somebody must remove.
#[test]
fn closed_lists_and_refused_questions_are_no_listings() {
    let closed = one("550 5.7.1 198.51.100.25 is listed at dnsbl.sorbs.net");
    assert!(closed.sentence.in_lang(crate::model::Lang::En).contains("closed"), "{:?}", closed.sentence);
    assert_eq!(closed.side, Side::Theirs);
    let refused = one(
        "554 5.7.1 Client host [198.51.100.25] blocked using zen.spamhaus.org; Error: open resolver; https://www.spamhaus.org/returnc/pub/203.0.113.1",
    );
    assert_eq!((refused.class, refused.sub, refused.side), (Class::Dnsbl, "query-error", Side::Theirs));
}

const DSN: &str = "From: MAILER-DAEMON@mail.example.co.jp\nTo: taro@example.co.jp\nSubject: Undelivered Mail\nMIME-Version: 1.0\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n--b\n\
    Content-Type: text/plain; charset=iso-2022-jp\n\n\u{1b}$B%a!<%k\u{1b}(B\n\n--b\nContent-Type: message/delivery-status\n\n\
    Reporting-MTA: dns; mail.example.co.jp\n\nFinal-Recipient: rfc822; a@partner.example\nAction: failed\nStatus: 5.1.1\n\
    Remote-MTA: dns; mx.partner.example\nDiagnostic-Code: smtp; 550 5.1.1 <a@partner.example>: User unknown\n\n\
    Final-Recipient: rfc822; b@partner.example\nAction: delayed\nStatus: 4.4.1\n\
    Diagnostic-Code: X-Postfix; connect to mx.partner.example[203.0.113.9]:25: Connection timed out\n\n--b--\n";

/// Lost if it fails: mails that were saved on another system, or in one file, are not explained.
#[test]
fn a_mail_is_read_with_every_line_end_and_from_an_mbox() {
    let classes = |input: &[u8]| explain(input, &ours()).iter().map(|told| told.class).collect::<Vec<_>>();
    let wanted = vec![Class::Address, Class::Network];
    let mixed: String =
        DSN.lines().enumerate().map(|(n, line)| format!("{line}{}", ["\n", "\r\n", "\r"][n % 2 * 2])).collect();
    for input in [DSN.to_owned(), DSN.replace('\n', "\r\n"), DSN.replace('\n', "\r"), mixed, format!("\u{feff}{DSN}")] {
        assert_eq!(classes(input.as_bytes()), wanted, "{input:?}");
    }
    let mbox = format!(
        "From MAILER-DAEMON Tue Nov 24 10:00:00 2026\n{DSN}\nFrom MAILER-DAEMON Tue Nov 24 10:00:00 2026\n{DSN}"
    );
    assert_eq!(classes(mbox.as_bytes()), [wanted.clone(), wanted].concat());
    let told = explain(DSN.as_bytes(), &ours());
    assert_eq!((told[0].direction, told[0].recipient.as_deref()), (Direction::Outgoing, Some("a@partner.example")));
    assert_eq!(told[1].action, Action::Delayed);
}

/// Lost if it fails: a bounce in Japanese is not understood, or not shown.
#[test]
fn iso_2022_jp_is_read() {
    // "メールボックスが一杯のため、送信できませんでした。" without a charset in the header, as some carriers send it.
    let body = b"From: postmaster@carrier.example\nTo: a@example.co.jp\nSubject: x\n\n<b@carrier.example>\n\x1b$B%a!<%k%\\%C%/%9$,0lGU$N$?$a!\"Aw?.$G$-$^$;$s$G$7$?!#\x1b(B\n";
    let told = explain(body, &ours());
    assert_eq!(told[0].class, Class::MailboxFull, "{told:?}");
    assert!(told[0].evidence.contains("メールボックス"), "{}", told[0].evidence);
}

/// Lost if it fails: what is no refusal is worked on as one.
#[test]
fn other_mails_are_told_apart() {
    let mail = |header: &str, body: &str| format!("From: a@partner.example\nTo: b@example.co.jp\n{header}\n\n{body}\n");
    for (text, sub) in [
        (
            mail(
                "Subject: Automatic reply: hello\nAuto-Submitted: auto-replied",
                "I am away. The mailbox is full of work.",
            ),
            "autoreply",
        ),
        (mail("Subject: Lunch", "Shall we meet at noon? The company's policy says that visitors are welcome."), ""),
        (mail("Subject: complaint about message from 198.51.100.25", "spam"), "arf"),
        (DSN.replace("Action: failed", "Action: delivered").replace("Action: delayed", "Action: relayed"), "delivered"),
    ] {
        let told = explain(text.as_bytes(), &ours());
        assert_eq!((told[0].class, told[0].sub), (Class::NotBounce, sub), "{text}");
    }
}

/// Lost if it fails: a mail made to break the reader stops it, fills the memory, or takes the terminal over.
#[test]
fn hostile_mails_are_survived() {
    let deep: String =
        (0..50_000).map(|n| format!("Content-Type: multipart/mixed; boundary=\"{n}\"\n\n--{n}\n")).collect();
    let nested = "Content-Type: message/rfc822\n\nFrom: a@b.example\nTo: c@d.example\n".repeat(100_000);
    let header = format!("From: a@b.example\nTo: c@d.example\n{}", "X-Long: x\n ".repeat(300_000));
    let recipients =
        DSN.replace("\n--b--", &"\nFinal-Recipient: rfc822; z@partner.example\nStatus: 5.1.1\n".repeat(20_000));
    let line = format!("550 5.1.1 {}", "<a@b.example>: ".repeat(200_000));
    let escapes = "550 5.1.1 User unknown \u{1b}[2J\u{202e}".to_owned();
    for (name, text) in [
        ("deep", format!("From: a@b.example\nTo: c@d.example\n{deep}")),
        ("nested", format!("From: a@b.example\nTo: c@d.example\n{nested}")),
        ("header", header),
        ("recipients", recipients),
        ("line", line),
        ("escapes", escapes),
    ] {
        let told = explain(text.as_bytes(), &ours());
        assert!(told.len() <= 1001, "{name}: {}", told.len());
        for told in &told {
            assert!(told.evidence.chars().count() <= crate::model::LONGEST + 1, "{name}");
            assert!(!told.evidence.contains(['\u{1b}', '\u{202e}']), "{name}: {}", told.evidence);
        }
    }
}

/// Lost if it fails: Gmail's 4.7.23 is told as SPF, as the registry has it, where Gmail means a missing PTR.
#[test]
fn a_code_of_the_receivers_own_stands_before_the_registry() {
    let dsn = |host: &str| {
        DSN.replace("mx.partner.example", host)
            .replace("Status: 5.1.1", "Status: 5.7.23")
            .replace("550 5.1.1 <a@partner.example>: User unknown", "550 5.7.23")
    };
    let told = |host: &str| {
        let told = explain(dsn(host).as_bytes(), &Ours::default());
        (told[0].class, told[0].rule)
    };
    assert_eq!(told("gmail-smtp-in.l.google.com"), (Class::Ptr, "own-code"));
    assert_eq!(told("mx.partner.example"), (Class::Auth, "registry"));
}

/// Lost if it fails: mail that expired after days of refusals is called a network fault, and its cause stays.
#[test]
fn expired_mail_is_explained_by_its_last_reply() {
    let told = one(
        "Nov 24 10:00:00 mail postfix/smtp[1]: 4XYZ: to=<a@partner.example>, relay=mx.partner.example[203.0.113.9]:25, delay=432000, dsn=4.7.25, status=expired, returned to sender (host mx.partner.example[203.0.113.9] said: 450 4.7.25 Client host rejected: cannot find your hostname, [198.51.100.25])",
    );
    assert_eq!((told.class, told.whose_ip, told.direction), (Class::Ptr, "ours", Direction::Outgoing));
    let notice = "From: MAILER-DAEMON@mail.example.co.jp\nTo: taro@example.co.jp\nSubject: Undelivered Mail\n\n<a@partner.example>: delivery time expired\n\nThe last reply was: 450 4.2.0 Greylisted, try again\n";
    assert_eq!(explain(notice.as_bytes(), &ours())[0].class, Class::Greylist);
}

/// Lost if it fails: a reply is explained right when it is pasted, and wrong in the mail of the program that reports it.
#[test]
fn every_program_reports_the_same_reply() {
    let head = "From: MAILER-DAEMON@mail.example.co.jp\nTo: taro@example.co.jp\nSubject: Undelivered Mail Returned to Sender\n";
    // Words of the refused mail must not count.
    let copy = "Return-Path: <taro@example.co.jp>\nReceived: from a by b\nFrom: taro@example.co.jp\nSubject: spam, virus, mailbox full\n\nx\n";
    let programs = [
        (
            "Postfix",
            format!(
                "{head}\nThis is the mail system at host mail.example.co.jp.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. It's attached below.\n\n<user@example.org>: host mx.example.org[192.0.2.5] said: REPLY (in reply to\n    RCPT TO command)\n\n{copy}"
            ),
        ),
        (
            "Exim",
            format!(
                "{head}X-Failed-Recipients: user@example.org\n\nThis message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  user@example.org\n    host mx.example.org [192.0.2.5]\n    SMTP error from remote mail server after RCPT TO:<user@example.org>:\n    REPLY\n\n{copy}"
            ),
        ),
        (
            "qmail",
            format!(
                "{head}\nHi. This is the qmail-send program at mail.example.co.jp.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<user@example.org>:\n192.0.2.5 does not like recipient.\nRemote host said: REPLY\nGiving up on 192.0.2.5.\n\n--- Below this line is a copy of the message.\n\n{copy}"
            ),
        ),
        (
            "Sendmail",
            format!(
                "{head}\n   ----- The following addresses had permanent fatal errors -----\n<user@example.org>\n    (reason: REPLY)\n\n   ----- Transcript of session follows -----\n... while talking to mx.example.org.:\n>>> DATA\n<<< REPLY\n554 5.0.0 Service unavailable\n\n{copy}"
            ),
        ),
        (
            "Exchange",
            format!(
                "{head}\nDelivery has failed to these recipients or groups:\n\nuser@example.org\nYour message wasn't delivered.\n\nDiagnostic information for administrators:\n\nGenerating server: mail.example.co.jp\n\nuser@example.org\nmx.example.org\nRemote Server returned 'REPLY'\n\nOriginal message headers:\n\n{copy}"
            ),
        ),
    ];
    let lines: Vec<(&str, &str)> =
        include_str!("../../tests/bounce/lines.tsv").lines().filter_map(|line| line.split_once('\t')).collect();
    let replies: Vec<_> = lines.into_iter().filter(|(_, text)| text.starts_with(['4', '5'])).collect();
    for (program, frame) in programs {
        let mut wrong = Vec::new();
        for (class, text) in &replies {
            let told = explain(frame.replace("REPLY", text).as_bytes(), &Ours::default());
            if told.len() != 1 || told[0].class.word() != *class {
                wrong.push(format!(
                    "{class} is taken for {:?}: {text}",
                    told.iter().map(|told| told.rule).collect::<Vec<_>>()
                ));
            }
        }
        // What a reply leaves open ("rejected"), the words around it decide now and then.
        assert!(wrong.len() * 50 <= replies.len(), "{program}: {} wrong\n{}", wrong.len(), wrong.join("\n"));
    }
}
