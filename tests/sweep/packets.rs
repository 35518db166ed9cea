//! What the network and other people's servers do to packets.

use std::time::Duration;

use super::lab::{Lab, SERVFAIL, answer, in_order, now, subject};
use super::{list, sweep, word};

const EXPECTED: fn(u32) -> &'static str = |number| if number.is_multiple_of(10) { "listed 127.0.0.2" } else { "clean" };

/// Lost if it fails: an answer that was lost, doubled, forged or late would make an address clean or listed that is not.
#[test]
fn lost_doubled_foreign_and_late_answers_change_nothing() {
    let lab = Lab::start(|asked| {
        let good = in_order(asked);
        let wrong_id = || {
            let mut octets = answer(asked.octets, 0, &[[127, 0, 0, 9]]);
            octets[0] ^= 0x55;
            octets
        };
        let wrong_question = || {
            let mut octets = answer(asked.octets, 0, &[[127, 0, 0, 9]]);
            octets[13] ^= 1;
            octets
        };
        let later = |milliseconds| Duration::from_millis(milliseconds);
        match (subject(&asked.name).map(|last| last % 7), asked.before) {
            // Lost twice.
            (Some(1), 0 | 1) => vec![],
            (Some(2), _) => vec![(later(0), good.clone()), (later(0), good.clone()), (later(30), good)],
            (Some(3), _) => vec![(later(0), wrong_id()), (later(0), wrong_question()), (later(10), good)],
            // After the question was sent again.
            (Some(4), 0) => vec![(later(250), good)],
            (Some(4), _) => vec![],
            (Some(5), 0) => vec![(later(0), asked.octets.to_vec()), (later(0), vec![0; 3])],
            _ => now(good),
        }
    });
    let rows = sweep(lab.settings(200), false, &[list("one.test"), list("two.test")], 200, 64);
    for number in 0..200 {
        for list in 0..2 {
            assert_eq!(word(&rows, number, list), EXPECTED(number), "{number} on list {list}");
        }
    }
}

/// Lost if it fails: an answer by TCP or through an alias would mean something else in bulk than one by one.
#[test]
fn what_is_not_plain_is_judged_by_the_ordinary_door() {
    let lab = Lab::start(|asked| {
        let mut octets = in_order(asked);
        match subject(&asked.name) {
            // Cut off, and nobody answers by TCP.
            Some(1) => octets[2] |= 0x02,
            // An alias to the list's own test point.
            Some(2) => {
                octets = answer(asked.octets, 0, &[]);
                octets[7] = 1;
                octets.extend_from_slice(&[0xc0, 0x0c, 0, 5, 0, 1, 0, 0, 0, 60, 0, 20]);
                octets.extend_from_slice(b"\x012\x010\x010\x03127\x03one\x04test\0");
            }
            // Empty, without any sign of being responsible.
            Some(3) => {
                octets = answer(asked.octets, 0, &[]);
                octets[2] &= !0x04;
                octets[3] = 0;
            }
            Some(4) => octets.truncate(octets.len() - 1),
            _ => {}
        }
        now(octets)
    });
    let rows = sweep(lab.settings(200), false, &[list("one.test")], 8, 64);
    let words: Vec<String> = (0..8).map(|number| word(&rows, number, 0)).collect();
    assert_eq!(
        words,
        ["listed 127.0.0.2", "silent", "listed 127.0.0.2", "silent", "silent", "clean", "clean", "clean"]
    );
}

/// Lost if it fails: one dead server of two would make a list unknown, or every question wait for it.
#[test]
fn the_next_server_is_asked() {
    let dead = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let refusing = Lab::start(|asked| now(answer(asked.octets, super::lab::REFUSED, &[])));
    let lab = Lab::start(|asked| now(in_order(asked)));
    for first in [dead.local_addr().unwrap(), refusing.address] {
        let mut settings = lab.settings(50);
        settings.resolver = mail_cutover::probe::ResolverChoice::Servers(vec![first, lab.address]);
        let rows = sweep(settings, false, &[list("one.test")], 200, 64);
        assert!((0..200).all(|number| word(&rows, number, 0) == EXPECTED(number)), "{first}");
    }
}

/// Lost if it fails: every hiccup of a resolver would make an address unknown, and with sixty lists hardly one would be known.
#[test]
fn what_fails_once_is_asked_once_more() {
    let lab = Lab::start(|asked| {
        let fails = subject(&asked.name).is_some_and(|number| number == 7 || number % 3 == 0 && asked.before == 0);
        now(if fails { answer(asked.octets, SERVFAIL, &[]) } else { in_order(asked) })
    });
    let rows = sweep(lab.settings(400), false, &[list("good.test")], 60, 60);
    for number in (0..60).filter(|number| *number != 7) {
        let word = word(&rows, number, 0);
        assert!(word.starts_with("listed") || word == "clean", "{number}: {word}");
    }
    assert_eq!(word(&rows, 7, 0), "silent");
    assert_eq!(lab.count(|name| subject(name) == Some(7)), 2, "it is asked once more, and not oftener");
}
