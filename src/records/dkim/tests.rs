//! Keys as they are found: good ones, damaged ones, hostile ones.

use super::*;
use crate::model::Lang;
use crate::records::fault::tell;

/// A key that OpenSSL made, as `openssl rsa -pubout` prints it.
const REAL: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnvVkNWztiyTyvbBnzIjcGDt+yEIiQAPih2mvOOGHmXOL1iZY523w2/x4mA9vbjatFjiWCW3d/brs2VWvR8KcDdcQxZrlrHTNOabDne3paz6/iNArpeCzTQ7UPmb68ifQZm8hOWVfn/9MpynStAwry4eO0OEiGVIiarAGPAdkCBl8A2J9OudfjluAKO4CAeU1tdhO5QdkzAnP3CexhgaFpZm6xGfXdm9DriWCeipEEzenshl6SfXKh6h5+lAvTboO9spIOCdBxswbZOerlZmeb62kHDtom3D+Up3rCUQLDB3fQREYqBxw5m91pxyJvc3Y1d9FjJfSnUZGnWcLOJCv4QIDAQAB";

/// The key of RFC 8463, appendix A.2.
const ED25519: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in octets.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, octet| bits << 8 | u32::from(*octet)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= chunk.len() { char::from(ALPHABET[index]) } else { '=' });
        }
    }
    text
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![tag, u8::try_from(length).unwrap()],
        0x80..=0xff => vec![tag, 0x81, u8::try_from(length).unwrap()],
        _ => vec![tag, 0x82, u8::try_from(length >> 8).unwrap(), u8::try_from(length & 0xff).unwrap()],
    };
    [&head, content].concat()
}

/// An odd number with its highest bit at `bits`, as DER writes it.
fn modulus(bits: usize) -> Vec<u8> {
    let mut octets = vec![0; bits.div_ceil(8)];
    octets[0] = 1 << ((bits - 1) % 8);
    *octets.last_mut().unwrap() |= 1;
    if octets[0] >= 0x80 {
        octets.insert(0, 0);
    }
    element(2, &octets)
}

fn bare(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    element(0x30, &[modulus, &element(2, exponent)].concat())
}

fn wrapped(key: &[u8]) -> Vec<u8> {
    let algorithm = element(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00");
    element(0x30, &[algorithm, element(3, &[&[0], key].concat())].concat())
}

fn usual(bits: usize) -> Vec<u8> {
    wrapped(&bare(&modulus(bits), &[1, 0, 1]))
}

fn record(key: &[u8]) -> Vec<u8> {
    format!("v=DKIM1; k=rsa; p={}", base64(key)).into_bytes()
}

fn material(record: impl AsRef<[u8]>) -> Result<Material, Vec<Reason>> {
    Key::read(record.as_ref())
        .map(|key| key.material)
        .map_err(|faults| faults.into_iter().map(|fault| fault.reason).collect())
}

fn only(record: impl AsRef<[u8]>) -> (Range<usize>, Reason) {
    let mut faults = Key::read(record.as_ref()).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    let fault = faults.remove(0);
    (fault.span, fault.reason)
}

/// Lost if it fails: a key that every verifier takes would stop the cutover.
#[test]
fn good_keys_are_read() {
    let folded = REAL.as_bytes().chunks(60).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" \t");
    for (text, wanted) in [
        (format!("v=DKIM1; k=rsa; p={REAL}"), Material::Rsa(2048)),
        (format!("p={REAL}"), Material::Rsa(2048)),
        (format!("v=DKIM1;p= {folded} ;"), Material::Rsa(2048)),
        (format!("k=rsa; x_new=1; n=say \"hello\"; p={REAL}"), Material::Rsa(2048)),
        (format!("v=DKIM1; k=ed25519; p={ED25519}"), Material::Ed25519),
        ("v=DKIM1; p=".to_owned(), Material::Revoked),
        ("v=DKIM1; k=rsa; p= ; t=s".to_owned(), Material::Revoked),
    ] {
        assert_eq!(material(&text), Ok(wanted), "{text}");
    }
    for bits in [512, 1023, 1024, 2047, 2048, 4096] {
        assert_eq!(material(record(&usual(bits))), Ok(Material::Rsa(bits)));
        assert_eq!(material(record(&bare(&modulus(bits), &[3]))), Ok(Material::Rsa(bits)));
    }
}

/// Lost if it fails: a key for SHA-1, for another service or for a test would be taken for one that serves.
#[test]
fn what_a_key_is_for_is_read() {
    let key = |more: &str| Key::read(format!("v=DKIM1; {more}; p={REAL}").as_bytes()).unwrap();
    assert!(key("k=rsa").takes_sha256() && key("k=rsa").is_for_mail() && !key("k=rsa").is_testing());
    assert!(key("h=sha1 : sha256").takes_sha256() && !key("h=sha1").takes_sha256() && !key("h=").takes_sha256());
    assert!(key("s=tlsrpt:email").is_for_mail() && key("s=*").is_for_mail() && !key("s=tlsrpt").is_for_mail());
    assert!(key("t=s : y").is_testing() && !key("t=s").is_testing());
}

/// Lost if it fails: a key that no verifier can use would pass, or the operator would look at the wrong place.
#[test]
fn what_is_wrong_is_told_with_its_place() {
    let cases: &[(&str, Range<usize>, Reason)] = &[
        ("", 0..0, Reason::NoKey),
        ("v=DKIM1; k=rsa", 0..14, Reason::NoKey),
        ("v=dkim1; p=", 0..7, Reason::Version),
        ("k=rsa; v=DKIM1; p=", 7..14, Reason::VersionNotFirst),
        ("v=DKIM1; P=; p=; p=", 17..18, Reason::Twice),
        ("v=DKIM1; rsa; p=", 9..12, Reason::NoEquals),
        ("v=DKIM1; 1=; p=", 9..10, Reason::TagName),
        ("v=DKIM1; k=RSA; p=AAAA", 9..14, Reason::KeyType),
        ("v=DKIM1; k=ecdsa; p=AAAA", 9..16, Reason::KeyType),
        ("v=DKIM1; k=ed25519; p=AAAA", 20..26, Reason::Ed25519Length(3)),
        ("v=DKIM1; k=ed25519; p=AAA", 20..25, Reason::Base64Length),
        ("v=DKIM1; p=AAAA", 9..15, Reason::NotAKey),
        ("v=DKIM1; p=MIIB-IjAN", 15..16, Reason::Base64Character),
        ("v=DKIM1; p= MIIB\u{ff0b}IjAN", 16..19, Reason::Base64Character),
        ("v=DKIM1; p=MII", 9..14, Reason::Base64Length),
        ("v=DKIM1; p=-----BEGIN PUBLIC KEY-----MIIB", 11..37, Reason::Armour),
        ("v=DKIM1\\; k=rsa\\; p=AAAA", 7..8, Reason::Backslash),
        ("\"v=DKIM1; k=rsa; \" \"p=AAAA\"", 0..1, Reason::Quote),
        ("v=DKIM1; p=MIIB\" \"IjAN", 15..16, Reason::Quote),
    ];
    for (text, span, reason) in cases {
        assert_eq!(only(text), (span.clone(), *reason), "{text}");
    }
    let several = material("k=x; rsa; v=2; p=A");
    assert_eq!(several, Err(vec![Reason::KeyType, Reason::NoEquals, Reason::Version]));
}

/// Lost if it fails: the most frequent damage, a long key of which only the first string was published, would be called garbage.
#[test]
fn a_key_that_is_cut_off_is_called_so() {
    let whole = format!("v=DKIM1; k=rsa; p={REAL}");
    let reason = |length: usize| only(&whole[..length]).1;
    assert_eq!(reason(255), Reason::Cut { needs: 294, has: 177, at_255: true });
    assert_eq!(reason(254), Reason::Cut { needs: 294, has: 177, at_255: false });
    assert_eq!(reason(whole.len() - 4), Reason::Cut { needs: 294, has: 291, at_255: false });
    let told = tell(&Key::read(&whole.as_bytes()[..255]).unwrap_err());
    assert!(told.in_lang(Lang::En).starts_with("octet 17 (p=MIIB"), "{told:?}");
    assert!(told.in_lang(Lang::Ja).contains("294 オクテットのはずが 177"), "{told:?}");
}

/// Lost if it fails: octets that only look like a key would be measured and pass.
#[test]
fn broken_der_is_no_key() {
    let key = |modulus: &[u8], exponent: &[u8]| record(&wrapped(&bare(&element(2, modulus), exponent)));
    let sound = [&[0, 0x80][..], &[1; 127]].concat();
    assert_eq!(material(key(&sound, &[3])), Ok(Material::Rsa(1024)));
    for (octets, reason) in [
        (record(&[&usual(1024)[..], b"xy"].concat()), Reason::Trailing(2)),
        (key(&[0], &[3]), Reason::PrivateKey),
        (key(&[0, 1], &[3]), Reason::Modulus),
        (key(&[0x81, 1], &[3]), Reason::Modulus),
        (key(&[], &[3]), Reason::Modulus),
        (key(&[0x40, 2], &[3]), Reason::Modulus),
        (key(&sound, &[1]), Reason::Exponent),
        (key(&sound, &[4]), Reason::Exponent),
        (key(&sound, &[0, 3]), Reason::Exponent),
        (key(&sound, &[]), Reason::Exponent),
        (key(&sound, &[0x40, 0, 0, 1, 1]), Reason::Exponent),
        (key(&sound, &[1; 4096]), Reason::Exponent),
        (record(&wrapped(&bare(&sound, &[3]))), Reason::NotAKey),
        (record(&wrapped(&element(0x30, &modulus(1024)))), Reason::NotAKey),
        (record(&wrapped(b"")), Reason::NotAKey),
        (record(b"0\x80\0\0"), Reason::NotAKey),
        (record(b"0\x81\x03\x02\x01\x03"), Reason::NotAKey),
        (record(b"0\x84\xff\xff\xff\xff"), Reason::NotAKey),
        (record(b"0\0"), Reason::NotAKey),
        (record(b"0"), Reason::NotAKey),
        (record(&element(0x30, &[element(2, &[0]), modulus(1024)].concat())), Reason::PrivateKey),
        (record(&element(0x30, &[element(2, &[0]), element(0x30, b"")].concat())), Reason::PrivateKey),
        (
            record(&element(0x30, &[element(0x30, b"\x06\x03\x2b\x65\x70"), element(3, b"\0")].concat())),
            Reason::OtherAlgorithm,
        ),
    ] {
        assert_eq!(only(&octets).1, reason, "{}", String::from_utf8_lossy(&octets));
    }
}

/// Lost if it fails: a record made to hurt would stop the run, or its reader.
#[test]
fn hostile_records_are_survived() {
    let long = "A".repeat(65_535 - 2);
    assert_eq!(only(format!("p={long}")).1, Reason::Base64Length);
    assert_eq!(material("p;".repeat(32_000)).unwrap_err().len(), 32_001);
    assert_eq!(material(&[0xff; 65_535][..]).unwrap_err(), [Reason::NoEquals, Reason::NoKey]);
    assert_eq!(material("v=DKIM1; p=\u{202e}\0").unwrap_err(), [Reason::Base64Character]);
    assert_eq!(material(record(&bare(&modulus(8 * 40_000), &[3]))), Ok(Material::Rsa(320_000)));
    let huge = tell(&Key::read("p;".repeat(32_000).as_bytes()).unwrap_err());
    assert!(huge.in_lang(Lang::En).len() < 500, "{huge:?}");
}

/// Lost if it fails: some damage that nobody thought of would stop the run. The same octets every time.
#[test]
fn any_damage_is_survived() {
    let whole = format!("v=DKIM1; k=rsa; h=sha256; s=email; t=s; p={REAL}").into_bytes();
    let mut state = 1_u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for _ in 0..5_000 {
        let mut damaged = whole.clone();
        for _ in 0..=random(4) {
            let at = random(damaged.len());
            damaged[at] = u8::try_from(random(256)).unwrap();
        }
        damaged.truncate(random(2 * whole.len()));
        if let Err(faults) = Key::read(&damaged) {
            assert!(!faults.is_empty());
            tell(&faults);
        }
    }
}
