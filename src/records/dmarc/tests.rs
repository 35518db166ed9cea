//! Records as they are found: as both standards want them, with slips, and hostile.

use std::ops::Range;

use super::*;
use crate::model::Lang;
use crate::records::fault::tell;

fn read(text: &str) -> Record {
    assert!(is_dmarc(text.as_bytes()), "{text}");
    Record::read(text.as_bytes())
}

type Placed = (Range<usize>, Reason);

fn faults(text: &str) -> Vec<Placed> {
    read(text).faults.into_iter().map(|fault| (fault.span, fault.reason)).collect()
}

/// Lost if it fails: the policy, the alignment or the place of the reports would be another than receivers see.
#[test]
fn what_is_written_is_read() {
    let record = read(
        "V = DMARC1 ; p=Reject; SP=quarantine; np=reject; adkim=S; aspf=r; psd=n; t=n; fo=1:d:s; x=y; \
         rua=mailto:a@example.jp , MAILTO:b+c@Example.COM!10m,mailto:d@example.net?subject=x; ruf=mailto:e@example.jp",
    );
    assert_eq!(record.faults, []);
    assert_eq!((record.policy, record.subdomains), (Asked::Said(Policy::Reject), Asked::Said(Policy::Quarantine)));
    assert_eq!((record.applied(false), record.applied(true)), (Some(Policy::Reject), Some(Policy::Quarantine)));
    assert_eq!((record.strict_dkim, record.strict_spf, record.suffix), (true, false, Suffix::No));
    let reports: Vec<(&str, &str)> =
        record.reports.iter().map(|mailbox| (mailbox.address.as_str(), mailbox.domain.as_str())).collect();
    let wanted = [("a@example.jp", "example.jp"), ("b+c@Example.COM", "example.com"), ("d@example.net", "example.net")];
    assert_eq!(reports, wanted);
    assert_eq!(read("v=DMARC1; p=none; psd=y").suffix, Suffix::Yes);
    assert_eq!(read("v=DMARC1; p=none").applied(true), Some(Policy::None));
    assert!(read("v=DMARC1; p=none; t=Y").is_trial && !record.is_trial);
    assert_eq!((Policy::Reject.on_trial(), Policy::Quarantine.on_trial()), (Policy::Quarantine, Policy::None));
}

/// Lost if it fails: a record that receivers ignore would be taken for a policy, or the other way round.
#[test]
fn only_the_exact_version_makes_a_record() {
    for good in ["v=DMARC1", "v=DMARC1;p=none", "v =\tDMARC1 ; p=none", "V=DMARC1;", " v=DMARC1; p=none"] {
        assert!(is_dmarc(good.as_bytes()), "{good}");
    }
    let bad = [
        "",
        ";",
        "=",
        "v",
        "v=",
        "v=dmarc1; p=none",
        "v=DMARC1 p=none",
        "v=DMARC1: p=none",
        "v=DMARC11; p=none",
        "p=none; v=DMARC1",
        "\"v=DMARC1; p=none\"",
        "v=DMARC1\\; p=none",
        "v==DMARC1",
        "v=spf1 -all",
        "\u{feff}v=DMARC1",
    ];
    for text in bad {
        assert!(!is_dmarc(text.as_bytes()), "{text}");
    }
    let selection = select(&["v=spf1 -all", "v=DMARC1; p=none", "v=dmarc1; p=none", "v=DMARC1\\; p=none", "other"]);
    assert_eq!(selection.records, [b"v=DMARC1; p=none"]);
    assert_eq!(selection.ignored, [b"v=dmarc1; p=none".as_slice(), b"v=DMARC1\\; p=none"]);
    assert_eq!(why_ignored(selection.ignored[0]).reason, Reason::Version);
    assert_eq!(
        (why_ignored(selection.ignored[1]).span, why_ignored(selection.ignored[1]).reason),
        (8..9, Reason::Escape)
    );
}

/// Lost if it fails: a slip of the pen would pass unseen, or be shown at another place.
#[test]
fn what_is_wrong_is_told_with_its_place() {
    let cases: &[(&str, &[Placed])] = &[
        ("v=DMARC1", &[(0..8, Reason::NoPolicy)]),
        ("v=DMARC1; p=nothing", &[(10..19, Reason::Policy)]),
        ("v=DMARC1; p=; sp=x; np=y", &[(10..12, Reason::Policy), (14..18, Reason::Policy), (20..24, Reason::Policy)]),
        ("v=DMARC1; rua=mailto:a@b.jp; p=none", &[(29..35, Reason::PolicyNotSecond)]),
        ("v=DMARC1; p=none; p=reject", &[(18..19, Reason::Twice)]),
        ("v=DMARC1; p=none; sp", &[(18..20, Reason::NoEquals)]),
        ("v=DMARC1; p=none; s-p=none", &[(18..21, Reason::TagName)]),
        (
            "v=DMARC1; p=none; adkim=relaxed; psd=x; t=1",
            &[(18..31, Reason::Value), (33..38, Reason::Value), (40..43, Reason::Value)],
        ),
        ("v=DMARC1; p=none; fo=d:d", &[(18..24, Reason::Value)]),
        ("v=DMARC1; p=none; rua=a@example.jp", &[(18..34, Reason::Address)]),
        ("v=DMARC1; p=none; rua=", &[(18..22, Reason::Address)]),
        ("v=DMARC1; p=none; ruf=https://example.jp/x", &[(18..42, Reason::Address)]),
        ("v=DMARC1; p=none; rua=mailto:@b.jp,mailto:a b@c.jp", &[(18..50, Reason::Address), (18..50, Reason::Address)]),
        ("v=DMARC1; p=none；rua=mailto:a@b.jp", &[(10..36, Reason::Policy), (16..19, Reason::Character)]),
        ("v=DMARC1; p=none; rua=mailto:a@b.jp\\;", &[(18..36, Reason::Address), (35..36, Reason::Escape)]),
    ];
    for (text, wanted) in cases {
        assert_eq!(faults(text), *wanted, "{text}");
    }
    let told = tell(&read("v=DMARC1; p=none; rua=mailto:a@b.jp,b@c.jp").faults);
    assert_eq!(
        told.in_lang(Lang::En),
        "octet 19 (b@c.jp): reports cannot be sent there: write mailto: and a mail address"
    );
}

/// Lost if it fails: a record that receivers do not apply would be taken for a strict policy, or a strict one for none
/// (RFC 9989, section 4.10.1).
#[test]
fn a_wrong_policy_counts_as_none_or_not_at_all() {
    for (text, at, below) in [
        ("v=DMARC1", Some(Policy::None), Some(Policy::None)),
        ("v=DMARC1; sp=reject", Some(Policy::None), Some(Policy::Reject)),
        ("v=DMARC1; p=x", None, None),
        ("v=DMARC1; p=reject; sp=x", None, None),
        ("v=DMARC1; p=reject; np=x", None, None),
        ("v=DMARC1; p=x; rua=mailto:a@b.jp", Some(Policy::None), Some(Policy::None)),
        ("v=DMARC1; p=x; rua=b.jp", None, None),
        ("v=DMARC1; p=reject; adkim=x", Some(Policy::Reject), Some(Policy::Reject)),
    ] {
        assert_eq!((read(text).applied(false), read(text).applied(true)), (at, below), "{text}");
    }
}

/// Lost if it fails: nobody would learn that a tag has lost its meaning.
#[test]
fn removed_tags_are_seen() {
    let record = read("v=DMARC1; p=none; pct=50; RI=3600; rf=afrf; x=1");
    let names: Vec<&str> = record.removed.iter().map(|tag| tag.name.as_str()).collect();
    assert_eq!(names, ["pct", "RI", "rf"]);
    assert_eq!(record.faults, []);
}

/// Lost if it fails: a record made to hurt would stop the run, or its reader.
#[test]
fn hostile_records_are_survived() {
    let many = Record::read(format!("v=DMARC1; p=none; rua={}", "mailto:a@b.jp,".repeat(4_600)).as_bytes());
    assert_eq!(many.reports.len(), MOST_ADDRESSES);
    let odd = Record::read(&[b"v=DMARC1; p=\xff\xfe\x1b[2J;".as_slice(), &[0xff; 65_000]].concat());
    assert_eq!((odd.policy, odd.applied(false)), (Asked::Wrong, None));
    let parts = Record::read(&[b"v=DMARC1;".as_slice(), &b"a;".repeat(32_000)].concat());
    assert_eq!(parts.faults.len(), 32_001);
    assert!(tell(&parts.faults).in_lang(Lang::Ja).chars().count() < 400);
    assert_eq!(select(&[vec![b'd'; 65_535]]), Selection::default());
}
