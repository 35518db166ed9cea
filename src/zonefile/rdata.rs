//! The data of a record, from its words to the octets of the wire.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::RecordType;

use super::Fault;
use super::lexer::{Word, unescape};

/// The octets of `words` for `rtype`; names are completed with `origin`, which is in wire form.
pub(super) fn encode(rtype: RecordType, words: &[Word], origin: Option<&[u8]>, here: &Word) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    if is_generic(words) {
        let length: u16 = number(words.get(1), here, "the length")?;
        hex(&words[2..], here, &mut out)?;
        if out.len() != usize::from(length) {
            return Err(
                here.fault("the length after “\\#” is not that of the data: count the octets (RFC 3597, section 5)")
            );
        }
        return Ok(out);
    }
    let fields = fields(rtype).ok_or_else(|| {
        here.fault("data of this type cannot be read as text: write it as “\\# LENGTH HEX” (RFC 3597)")
    })?;
    let mut rest = words;
    for field in fields.chars() {
        match field {
            't' | 'x' if rest.is_empty() => {
                return Err(here.fault("the record's data is missing: write it after the type"));
            }
            't' => {
                for word in std::mem::take(&mut rest) {
                    string(word, &mut out)?;
                }
                continue;
            }
            'x' => {
                hex(std::mem::take(&mut rest), here, &mut out)?;
                continue;
            }
            _ => {}
        }
        let (word, tail) =
            rest.split_first().ok_or_else(|| here.fault("the record's data is too short: a field is missing"))?;
        rest = tail;
        match field {
            '4' => out.extend(parse::<Ipv4Addr>(word, "an IPv4 address is expected, as 192.0.2.1")?.octets()),
            '6' => out.extend(parse::<Ipv6Addr>(word, "an IPv6 address is expected, as 2001:db8::1")?.octets()),
            'n' => out.extend(name(word, origin)?),
            'b' => out.push(number(Some(word), here, "a number up to 255")?),
            's' => out.extend(number::<u16>(Some(word), here, "a number up to 65535")?.to_be_bytes()),
            'l' => out.extend(number::<u32>(Some(word), here, "a number up to 4294967295")?.to_be_bytes()),
            'T' => out.extend(
                ttl(&word.raw).ok_or_else(|| word.fault("a time is expected, in seconds or as 1h30m"))?.to_be_bytes(),
            ),
            'c' => string(word, &mut out)?,
            _ => out.extend(unescape(word)?.into_iter().map(|(octet, _)| octet)),
        }
    }
    match rest.first() {
        Some(word) => Err(word.fault("one word too many: take it out, or put the text in quotes")),
        None => Ok(out),
    }
}

/// Whether data of this type can be read as it is written.
pub(super) fn can_read(rtype: RecordType, words: &[Word]) -> bool {
    fields(rtype).is_some() || is_generic(words)
}

/// The data in octets, whatever the type (RFC 3597, section 5).
fn is_generic(words: &[Word]) -> bool {
    words.first().is_some_and(|word| word.raw == b"\\#" && !word.quoted)
}

/// What the data of a type consists of, a letter for each word or for all that are left.
fn fields(rtype: RecordType) -> Option<&'static str> {
    Some(match rtype {
        RecordType::A => "4",
        RecordType::AAAA => "6",
        RecordType::NS | RecordType::CNAME | RecordType::PTR => "n",
        RecordType::MX => "sn",
        RecordType::SRV => "sssn",
        RecordType::TXT | RecordType::Unknown(99) => "t",
        RecordType::SOA => "nnlTTTT",
        RecordType::CAA => "bcv",
        RecordType::TLSA | RecordType::SMIMEA => "bbbx",
        RecordType::SSHFP => "bbx",
        RecordType::DS => "sbbx",
        RecordType::HINFO => "cc",
        _ => return None,
    })
}

/// A name in wire form; relative ones are completed with `origin`.
pub(super) fn name(word: &Word, origin: Option<&[u8]>) -> Result<Vec<u8>, Fault> {
    let complete = |mut wire: Vec<u8>| {
        let origin = origin.ok_or_else(|| word.fault("a relative name, and no origin: put “$ORIGIN” before it"))?;
        wire.extend(origin);
        Ok::<_, Fault>(wire)
    };
    if word.raw == b"@" && !word.quoted {
        return complete(Vec::new());
    }
    if word.raw == b"." {
        return Ok(vec![0]);
    }
    let octets = unescape(word)?;
    let (mut wire, mut label) = (Vec::new(), Vec::new());
    let mut dotted = false;
    for (octet, escaped) in octets {
        dotted = octet == b'.' && !escaped;
        if dotted {
            close(&mut wire, &mut label, word)?;
        } else {
            label.push(octet);
        }
    }
    let wire = if dotted {
        wire.push(0);
        wire
    } else {
        close(&mut wire, &mut label, word)?;
        complete(wire)?
    };
    if wire.len() > 255 { Err(word.fault("the name is longer than 255 octets")) } else { Ok(wire) }
}

fn close(wire: &mut Vec<u8>, label: &mut Vec<u8>, word: &Word) -> Result<(), Fault> {
    match u8::try_from(label.len()) {
        Ok(length @ 1..=63) => wire.push(length),
        _ => return Err(word.fault("a label is empty or longer than 63 octets: mend the dots")),
    }
    wire.append(label);
    Ok(())
}

/// Seconds: a number, or numbers with the units w, d, h, m, s.
pub(super) fn ttl(raw: &[u8]) -> Option<u32> {
    let (mut sum, mut value) = (0u32, None::<u32>);
    if !raw.first()?.is_ascii_digit() {
        return None;
    }
    for octet in raw {
        let unit = match octet.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => {
                value = Some(value.unwrap_or(0).checked_mul(10)?.checked_add(u32::from(digit - b'0'))?);
                continue;
            }
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        sum = sum.checked_add(value.take()?.checked_mul(unit)?)?;
    }
    sum.checked_add(value.unwrap_or(0)).filter(|sum| i32::try_from(*sum).is_ok())
}

fn parse<T: std::str::FromStr>(word: &Word, wanted: &str) -> Result<T, Fault> {
    std::str::from_utf8(&word.raw).ok().and_then(|text| text.parse().ok()).ok_or_else(|| word.fault(wanted))
}

fn number<T: std::str::FromStr>(word: Option<&Word>, here: &Word, wanted: &str) -> Result<T, Fault> {
    let wanted = format!("{wanted} is expected");
    let word = word.ok_or_else(|| here.fault(&wanted))?;
    // Rust reads “+10”, name servers do not.
    if word.raw.starts_with(b"+") { Err(word.fault(&wanted)) } else { parse(word, &wanted) }
}

fn string(word: &Word, out: &mut Vec<u8>) -> Result<(), Fault> {
    let octets = unescape(word)?;
    let length = u8::try_from(octets.len())
        .map_err(|_| word.fault("a string is longer than 255 octets: cut it into several, each in quotes"))?;
    out.push(length);
    out.extend(octets.into_iter().map(|(octet, _)| octet));
    Ok(())
}

fn hex(words: &[Word], here: &Word, out: &mut Vec<u8>) -> Result<(), Fault> {
    let digits = words.iter().flat_map(|word| &word.raw).map(|octet| char::from(*octet).to_digit(16));
    let digits: Vec<u32> =
        digits.collect::<Option<_>>().ok_or_else(|| here.fault("only hexadecimal digits may stand there"))?;
    if digits.len() % 2 == 1 {
        return Err(here.fault("the number of hexadecimal digits is odd: one is missing"));
    }
    out.extend(digits.chunks(2).filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()));
    Ok(())
}
