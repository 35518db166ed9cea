//! The two ways of discovery on records that nobody had to serve.

use super::*;

fn name(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

/// The discovery for `domain` where these names have these records; `?` is silence, `2` several records.
fn discovery(domain: &str, records: &[(&str, &str)]) -> Discovery {
    let visit = |name: DomainName| {
        let found = match records.iter().find(|(at, _)| *at == name.as_str()) {
            None => Found::Nothing,
            Some((_, "?")) => Found::Unknown(Value::plain("silence")),
            Some((_, "2")) => Found::Several(2),
            Some((_, record)) => Found::One(Box::new(Record::read(record.as_bytes()))),
        };
        Visit { domain: name, found, ignored: Vec::new(), observation: None }
    };
    Discovery { domain: name(domain), visits: names(&name(domain)).into_iter().map(visit).collect() }
}

/// The organization, the name of the record that applies, and the policy.
fn told(ruling: Result<Ruling<'_>, &Visit>) -> String {
    match ruling {
        Err(visit) => format!("? {}", visit.domain),
        Ok(Ruling { organization, source: None }) => format!("{organization} -"),
        Ok(Ruling { organization, source: Some(source) }) => {
            let policy = source.policy.map_or_else(|| "ignored".to_owned(), |policy| policy.to_string());
            format!("{organization} {} {policy}", source.at)
        }
    }
}

/// Lost if it fails: a policy would be looked for at other names than receivers look at, or a long name would cost without end.
#[test]
fn the_walk_asks_at_most_eight_names() {
    let asked = |domain: &str| names(&name(domain)).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(asked("com"), ["com"]);
    assert_eq!(asked("a.example.com"), ["a.example.com", "example.com", "com"]);
    // The example of RFC 9989, section 4.10.
    assert_eq!(
        asked("a.b.c.d.e.f.g.h.i.j.mail.example.com"),
        [
            "a.b.c.d.e.f.g.h.i.j.mail.example.com",
            "g.h.i.j.mail.example.com",
            "h.i.j.mail.example.com",
            "i.j.mail.example.com",
            "j.mail.example.com",
            "mail.example.com",
            "example.com",
            "com"
        ]
    );
    assert_eq!((asked("a.b.c.d.e.f.g.h").len(), asked("a.b.c.d.e.f.g.h")[1].as_str()), (8, "b.c.d.e.f.g.h"));
    assert_eq!(asked("a.b.c.d.e.f.g").len(), 7);
    assert_eq!(asked(&"x.".repeat(120)).len(), 8);
}

/// Lost if it fails: the organizational domain, and with it relaxed alignment, would be another than receivers find
/// (RFC 9989, section 4.10.2, whose three examples stand first).
#[test]
fn the_walk_finds_organization_and_policy() {
    const NONE: &str = "v=DMARC1; p=none";
    const REJECT: &str = "v=DMARC1; p=reject; sp=quarantine";
    const PSD: &str = "v=DMARC1; p=reject; psd=y";
    let walk = |domain, records: &[(&str, &str)]| told(discovery(domain, records).by_walk());
    let a = "a.mail.example.com";
    assert_eq!(walk(a, &[("mail.example.com", NONE), ("example.com", REJECT)]), "example.com example.com quarantine");
    let own = [("mail.example.com", "v=DMARC1; p=none; psd=n"), ("example.com", REJECT)];
    assert_eq!(walk(a, &own), "mail.example.com mail.example.com none");
    assert_eq!(walk(a, &[("com", PSD)]), "example.com com reject");
    // The domain's own record, whatever stands above, and p= instead of sp=.
    assert_eq!(walk("example.com", &[("example.com", REJECT)]), "example.com example.com reject");
    assert_eq!(walk(a, &[(a, NONE), ("example.com", REJECT)]), "example.com a.mail.example.com none");
    assert_eq!(walk(a, &[("example.com", NONE), ("com", PSD)]), "example.com example.com none");
    // A record in between is not the organization's, and does not apply.
    assert_eq!(walk(a, &[("mail.example.com", NONE), ("com", PSD)]), "example.com com reject");
    // A public suffix that sends mail itself.
    assert_eq!(walk("example.com", &[("example.com", PSD), ("com", REJECT)]), "example.com example.com reject");
    assert_eq!(walk(a, &[]), "a.mail.example.com -");
    // Several are none, and silence is not none.
    assert_eq!(walk(a, &[(a, "2"), ("example.com", REJECT)]), "example.com example.com quarantine");
    assert_eq!(walk(a, &[(a, REJECT), ("com", "?")]), "? com");
    assert_eq!(walk(a, &[("example.com", "v=DMARC1; p=none; psd=n"), ("com", "?")]), "example.com example.com none");
    assert_eq!(walk(a, &[("example.com", "v=DMARC1; p=x")]), "example.com example.com ignored");
}

/// Lost if it fails: what receivers by the old standard do would be told wrongly.
#[test]
fn the_list_asks_the_domain_and_the_organization_only() {
    const REJECT: &str = "v=DMARC1; p=reject; sp=none";
    let list = |domain, records: &[(&str, &str)]| told(discovery(domain, records).by_list());
    let a = "a.mail.example.co.jp";
    assert_eq!(list(a, &[("mail.example.co.jp", REJECT)]), "example.co.jp -");
    assert_eq!(list(a, &[("example.co.jp", REJECT), ("co.jp", "?")]), "example.co.jp example.co.jp none");
    assert_eq!(list(a, &[(a, REJECT), ("example.co.jp", "?")]), "example.co.jp a.mail.example.co.jp reject");
    assert_eq!(list(a, &[(a, "2"), ("example.co.jp", REJECT)]), "example.co.jp -");
    assert_eq!(list(a, &[("example.co.jp", "?")]), "? example.co.jp");
    assert_eq!(list("co.jp", &[("co.jp", REJECT)]), "co.jp co.jp reject");
}

/// Lost if it fails: mail that receivers refuse would be called aligned, or the other way round.
#[test]
fn alignment_is_by_the_organization() {
    let records = [("example.com", "v=DMARC1; p=none"), ("own.example.com", "v=DMARC1; p=none; psd=n")];
    let is = |author, other, strict| {
        let (author, other) = (discovery(author, &records), discovery(other, &records));
        author.is_aligned(&other, strict).map_err(|visit| visit.domain.to_string())
    };
    assert_eq!(is("example.com", "bounce.example.com", false), Ok(true));
    assert_eq!(is("news.example.com", "bounce.example.com", false), Ok(true));
    assert_eq!(is("example.com", "bounce.example.com", true), Ok(false));
    assert_eq!(is("example.com", "own.example.com", false), Ok(false));
    assert_eq!(is("example.com", "example.net", false), Ok(false));
    assert_eq!(is("example.net", "bounce.example.net", false), Ok(false));
    let silent = |domain| discovery(domain, &[("com", "?")]);
    assert!(silent("example.com").is_aligned(&silent("a.example.com"), false).is_err());
    assert_eq!(silent("example.com").is_aligned(&silent("example.com"), false).ok(), Some(true));
    assert_eq!(silent("example.com").is_aligned(&silent("a.example.com"), true).ok(), Some(false));
}
