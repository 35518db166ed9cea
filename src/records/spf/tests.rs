//! The grammar of RFC 7208 as tables, and a storm of broken records.

use super::*;

fn fault(text: &str) -> Option<(usize, usize, Reason)> {
    let faults = Record::parse(text.as_bytes()).err()?;
    let first = faults.faults.first()?.clone();
    Some((first.span.start, first.span.end, first.reason))
}

fn mechanism(text: &str) -> (Qualifier, Mechanism) {
    match Record::parse(format!("v=spf1 {text}").as_bytes()).unwrap().terms.remove(0).kind {
        Kind::Directive(qualifier, mechanism) => (qualifier, mechanism),
        other => panic!("{other:?}"),
    }
}

/// Lost if it fails: records that receivers accept would be called wrong.
#[test]
fn good_records() {
    for text in [
        "v=spf1",
        "V=SPF1 ",
        "v=spf1   a   -all  ",
        "v=spf1 +a -mx ~ptr ?all",
        "v=spf1 A MX PTR Include:a.b EXISTS:a.b IP4:1.2.3.4 Ip6:::1 ALL Redirect=a.b EXP=a.b",
        "v=spf1 a/24 a//64 a/24//64 a:b.c/0 mx:b.c//0 mx:b.c/32//128",
        "v=spf1 a:foo:bar/baz.example.com a:a_b.-c.d-e a:example.com. a:foo.xn--zckzah a:a.1-2",
        "v=spf1 a:%{d} a:%{i}.x a:x%% a:x.y%_ exists:%{l1r+-}.%{o2}.%{h}.%{v}.%{p}.%{s}%{D}",
        "v=spf1 moo.cow-far_out=man:dog/cat default= x=%{c}%{r}%{t} a=b ip4=1.2.3.4",
        "v=spf1 ip4:0.0.0.0/0 ip4:1.2.3.4/32 ip6:::1.1.1.1/0 ip6:2001:db8::/128",
        "v=spf1 include:a..b include:.a.b",
        "v=spf1 exists:%{d128} exists:%{dr} exists:%{D2R./_=,+-}",
    ] {
        assert_eq!(Record::parse(text.as_bytes()).map_err(|faults| faults.faults).err(), None, "{text}");
    }
}

/// Lost if it fails: mistakes would go unseen, or be told about the wrong place.
#[test]
fn every_mistake_has_its_place() {
    let text = |text: &str| text.to_owned();
    for (record, start, end, reason) in [
        ("", 0, 0, Reason::Version),
        ("v=spf10 -all", 0, 6, Reason::Version),
        ("v=spf1\t-all", 0, 6, Reason::Version),
        ("v=spf1 a\t-all", 8, 9, Reason::Control('\t')),
        ("v=spf1 a:b.c\0", 12, 13, Reason::Control('\0')),
        ("v=spf1 a b\x7f", 10, 11, Reason::Control('\x7f')),
        ("v=spf1 -all é", 12, 13, Reason::NotAscii),
        ("v=spf1 -", 7, 8, Reason::NoName),
        ("v=spf1 --all", 7, 12, Reason::NoName),
        ("v=spf1 1up=foo", 7, 14, Reason::NoName),
        ("v=spf1 =all", 7, 11, Reason::NoName),
        ("v=spf1 a moo", 9, 12, Reason::UnknownMechanism(text("moo"))),
        ("v=spf1 -all.", 8, 12, Reason::UnknownMechanism(text("all."))),
        ("v=spf1 mx.a:b.c", 7, 11, Reason::UnknownMechanism(text("mx.a"))),
        ("v=spf1 moo.cow/far_out=x", 7, 14, Reason::UnknownMechanism(text("moo.cow"))),
        ("v=spf1 v=spf1 ipv4:1.2.3.4", 14, 18, Reason::UnknownMechanism(text("ipv4"))),
        ("v=spf1 redirect:a.b", 7, 15, Reason::ModifierWithColon("redirect")),
        ("v=spf1 exp:a.b", 7, 10, Reason::ModifierWithColon("exp")),
        ("v=spf1 redirect", 7, 15, Reason::UnknownMechanism(text("redirect"))),
        ("v=spf1 -redirect=a.b", 7, 8, Reason::QualifiedModifier),
        ("v=spf1 include", 7, 14, Reason::NeedsValue("include")),
        ("v=spf1 ?exists/24", 8, 14, Reason::NeedsValue("exists")),
        ("v=spf1 ip4", 7, 10, Reason::NeedsValue("ip4")),
        ("v=spf1 ip6/64", 7, 10, Reason::NeedsValue("ip6")),
        ("v=spf1 all:b", 10, 12, Reason::TakesNone("all")),
        ("v=spf1 all/8", 10, 12, Reason::TakesNone("all")),
        ("v=spf1 ptr/0", 10, 12, Reason::TakesNone("ptr")),
        ("v=spf1 a%b", 8, 10, Reason::TakesNone("a")),
        ("v=spf1 a:", 9, 9, Reason::EmptyDomain),
        ("v=spf1 mx: -all", 10, 10, Reason::EmptyDomain),
        ("v=spf1 mx:/24", 10, 10, Reason::EmptyDomain),
        ("v=spf1 ptr:", 11, 11, Reason::EmptyDomain),
        ("v=spf1 include:", 15, 15, Reason::EmptyDomain),
        ("v=spf1 exp= -all", 11, 11, Reason::EmptyDomain),
        ("v=spf1 redirect=", 16, 16, Reason::EmptyDomain),
        ("v=spf1 ip4:1.2.3", 11, 16, Reason::Address4),
        ("v=spf1 ip4:1.2.3.04", 11, 19, Reason::Address4),
        ("v=spf1 ip4:1.2.3.4:80", 11, 21, Reason::Address4),
        ("v=spf1 ip4:", 11, 11, Reason::Address4),
        ("v=spf1 ip4:::1", 11, 14, Reason::Address4),
        ("v=spf1 ip6::a::b", 11, 16, Reason::Address6),
        ("v=spf1 ip6:1.2.3.4", 11, 18, Reason::Address6),
        ("v=spf1 ip6:fe80::1%eth0", 11, 23, Reason::Address6),
        ("v=spf1 ip4:1.2.3.4/33", 18, 21, Reason::Prefix(32)),
        ("v=spf1 ip4:1.2.3.4/032", 18, 22, Reason::Prefix(32)),
        ("v=spf1 ip4:1.2.3.4//32", 18, 22, Reason::Prefix(32)),
        ("v=spf1 ip4:1.2.3.4/+8", 18, 21, Reason::Prefix(32)),
        ("v=spf1 ip6:::1/129", 14, 18, Reason::Prefix(128)),
        ("v=spf1 ip6:::1//33", 14, 18, Reason::Prefix(128)),
        ("v=spf1 a/33", 8, 11, Reason::Prefix(32)),
        ("v=spf1 a//129", 8, 13, Reason::Prefix(128)),
        ("v=spf1 a/24/64", 8, 14, Reason::Prefix(32)),
        ("v=spf1 mx:a.b/024", 13, 17, Reason::Prefix(32)),
        ("v=spf1 a:a.b/", 12, 13, Reason::Prefix(32)),
        ("v=spf1 a:a.b/999999999999", 12, 25, Reason::Prefix(32)),
        ("v=spf1 a:111.222.33.44", 9, 22, Reason::AddressAsDomain),
        ("v=spf1 mx:1.2.3.4/24", 10, 17, Reason::AddressAsDomain),
        ("v=spf1 include:2001:db8::1", 15, 26, Reason::AddressAsDomain),
        ("v=spf1 a:museum", 9, 15, Reason::NoDot),
        ("v=spf1 a:museum.", 9, 16, Reason::NoDot),
        ("v=spf1 redirect=-all", 16, 20, Reason::NoDot),
        ("v=spf1 a:%{d}com", 13, 16, Reason::NoDot),
        ("v=spf1 a:abc.123", 13, 16, Reason::TopLabel(text("123"))),
        ("v=spf1 a:example.-com", 17, 21, Reason::TopLabel(text("-com"))),
        ("v=spf1 a:example.com-", 17, 21, Reason::TopLabel(text("com-"))),
        ("v=spf1 a:example.com..", 21, 21, Reason::TopLabel(text(""))),
        ("v=spf1 a:example.com:8080", 17, 25, Reason::TopLabel(text("com:8080"))),
        ("v=spf1 include:a.b/24", 18, 21, Reason::NoPrefix),
        ("v=spf1 exists:%{i}.x%{d}//64", 24, 28, Reason::NoPrefix),
        ("v=spf1 redirect=_spf.a.b/8", 24, 26, Reason::NoPrefix),
        ("v=spf1 a:foo%.b.c", 12, 13, Reason::LonePercent),
        ("v=spf1 a:foo%", 12, 13, Reason::LonePercent),
        ("v=spf1 -all foo=%abc", 16, 17, Reason::LonePercent),
        ("v=spf1 exists:%(ir).b.c", 14, 15, Reason::LonePercent),
        ("v=spf1 a:%{d.b.c", 9, 16, Reason::MacroOpen),
        ("v=spf1 a:%{}.b", 9, 12, Reason::MacroLetter('}')),
        ("v=spf1 a:%{a}.b.c", 9, 13, Reason::MacroLetter('a')),
        ("v=spf1 exp=%{r}.b.c", 11, 15, Reason::OnlyInExplanation('r')),
        ("v=spf1 a:%{C}.b.c", 9, 13, Reason::OnlyInExplanation('C')),
        ("v=spf1 a:%{d0}.b.c", 9, 14, Reason::MacroZero),
        ("v=spf1 a:%{dr2}.b.c", 9, 15, Reason::MacroDelimiter('2')),
        ("v=spf1 a:%{d-x}.b.c", 9, 15, Reason::MacroDelimiter('x')),
        ("v=spf1 exp=a.b -all exp=a.b", 20, 27, Reason::Twice("exp")),
        ("v=spf1 redirect=a.b REDIRECT=c.d", 20, 32, Reason::Twice("redirect")),
    ] {
        assert_eq!(fault(record), Some((start, end, reason)), "{record:?}");
    }
}

/// Lost if it fails: only the first of several mistakes would be told, or a hostile record would be told for ever.
#[test]
fn all_mistakes_are_told_but_not_without_end() {
    let faults = Record::parse(b"v=spf1 foo ip4:1.2.3 \xe9 -all").unwrap_err();
    let terms: Vec<&str> = faults.faults.iter().map(|fault| fault.term.as_str()).collect();
    assert_eq!(terms, ["foo", "ip4:1.2.3", "é"]);
    assert_eq!(faults.text.chars().nth(faults.faults[2].span.start), Some('é'));
    let storm = format!("v=spf1{}", " x".repeat(30_000));
    assert_eq!(Record::parse(storm.as_bytes()).unwrap_err().faults.len(), 32);
}

/// Lost if it fails: a sign or a prefix length would be read as another.
#[test]
fn terms_mean_what_they_say() {
    assert_eq!(mechanism("-all"), (Qualifier::Fail, Mechanism::All));
    assert_eq!(mechanism("~a/24"), (Qualifier::SoftFail, Mechanism::A(None, DualCidr { v4: 24, v6: 128 })));
    assert_eq!(mechanism("?mx//64"), (Qualifier::Neutral, Mechanism::Mx(None, DualCidr { v4: 32, v6: 64 })));
    assert_eq!(mechanism("ip4:1.2.3.4/8"), (Qualifier::Pass, Mechanism::Ip4("1.2.3.4/8".parse().unwrap())));
    assert_eq!(mechanism("+ip6:2001:db8::"), (Qualifier::Pass, Mechanism::Ip6("2001:db8::/128".parse().unwrap())));
    let (_, Mechanism::Exists(spec)) = mechanism("exists:a%%%{L2r+-}.b%-") else { panic!("not exists") };
    let expansion = Expansion {
        letter: Letter::LocalPart,
        escapes: true,
        keep: Some(2),
        reverse: true,
        delimiters: "+-".to_owned(),
    };
    let literal = |text: &str| Piece::Literal(text.to_owned());
    assert_eq!(spec.pieces, [literal("a%"), Piece::Macro(expansion), literal(".b%20")]);
}

/// Lost if it fails: the place of a term in the record would be another's.
#[test]
fn terms_keep_their_text_and_place() {
    let record = Record::parse(b"v=spf1  a  -all exp=x.y ").unwrap();
    let terms: Vec<_> = record.terms.iter().map(|term| (term.text.as_str(), term.span.clone())).collect();
    assert_eq!(terms, [("a", 8..9), ("-all", 11..15), ("exp=x.y", 16..23)]);
    assert!(record.explanation().is_some() && record.redirect().is_none());
    assert!(Record::parse(b"v=spf1 redirect=a.b -all").unwrap().redirect().is_none());
    assert_eq!(Record::parse(b"v=spf1 a redirect=a.b").unwrap().redirect().map(|(place, _)| place), Some(1));
}

/// Lost if it fails: a record of another kind would be taken for SPF, or SPF overlooked.
#[test]
fn records_are_selected_by_their_version() {
    let texts: [&[u8]; 8] =
        [b"v=spf1", b"V=SpF1 -all", b"v=spf10", b"v=spf1-all", b" v=spf1", b"v=spf2.0/pra a", b"", b"\xff"];
    assert_eq!(select(&texts), [texts[0], texts[1]]);
}

/// Lost if it fails: an explanation that receivers drop would be shown, or the other way round.
#[test]
fn explanations_have_their_own_rules() {
    for (text, good) in [
        (&b"See http://a.b/%{S}?%{c} at %{t} by %{R}."[..], true),
        (b"", true),
        (b"100%", false),
        (b"The %{x}-files.", false),
        (b"\xef\xbb\xbfHello", false),
        (b"a\tb", false),
    ] {
        assert_eq!(MacroString::explanation(text).is_ok(), good, "{text:?}");
    }
}

/// Lost if it fails: somebody else's record could end the run.
#[test]
fn a_storm_of_broken_records_panics_nobody() {
    let seeds: [&[u8]; 3] = [
        b"v=spf1 +a:%{d2r-}/24//64 -mx:foo:bar/baz.example.com ip4:1.2.3.4/8 exp=%{ir}.%{v}.a.b ~all",
        b"v=spf1 include:_spf.%{o} ip6:2001:db8::/32 ?exists:%{l1r+-}.%% redirect=%{D}.x x.y=%_%-",
        b"v=spf1 ptr ptr:a.b a//0 a/0 moo=%{S}",
    ];
    let pieces: [&[u8]; 16] =
        [b"%", b"{", b"}", b"/", b"//", b":", b"=", b".", b" ", b"\0", b"\xff", b"0", b"r", b"-", b"%{", b"\xc3\xa9"];
    // xorshift64: the same storm every time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |most: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % most.max(1)
    };
    for round in 0..20_000 {
        let mut text = seeds[round % seeds.len()].to_vec();
        for _ in 0..=below(6) {
            // Mostly behind the version, so that what follows is read at all.
            let at = 6 + below(text.len() - 6);
            match below(3) {
                0 => drop(text.splice(at..at, pieces[below(pieces.len())].iter().copied())),
                1 => drop(text.drain(at..(at + 1 + below(8)).min(text.len()))),
                _ => text[at] = u8::try_from(below(256)).unwrap(),
            }
            if text.len() < 8 {
                break;
            }
        }
        match Record::parse(&text) {
            Ok(record) => {
                for term in &record.terms {
                    assert_eq!(record.text.get(term.span.clone()), Some(term.text.as_str()), "{text:?}");
                }
            }
            Err(faults) => {
                for fault in &faults.faults {
                    assert!(fault.span.start <= fault.span.end && fault.span.end <= text.len(), "{text:?}");
                    let _ = fault.reason.why();
                }
            }
        }
        let _ = MacroString::explanation(&text);
    }
}
