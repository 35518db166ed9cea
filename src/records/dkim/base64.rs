//! Base64 as a key record has it: white space may stand anywhere (RFC 6376, section 2.10; RFC 4648, section 4).

/// Why a text is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slip {
    /// An octet that is not of the alphabet, or stands behind the padding; its place.
    Octet(usize),
    /// Characters are missing at the end, or the padding is wrong.
    Length,
}

/// The octets that `text` stands for as far as it can be read, and the first thing that is wrong with it.
pub(super) fn decode(text: &[u8]) -> (Vec<u8>, Option<Slip>) {
    let mut octets = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held, mut characters, mut padding) = (0_u32, 0_u32, 0_usize, 0_usize);
    for (at, octet) in text.iter().copied().enumerate() {
        if octet.is_ascii_whitespace() {
            continue;
        }
        if octet == b'=' {
            padding += 1;
            continue;
        }
        let Some(value) = value_of(octet).filter(|_| padding == 0) else {
            return (octets, Some(Slip::Octet(at)));
        };
        characters += 1;
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            octets.push((bits >> held & 0xff) as u8);
        }
    }
    let is_whole = matches!((characters % 4, padding), (0, 0) | (2, 2) | (3, 1));
    (octets, (!is_whole).then_some(Slip::Length))
}

fn value_of(octet: u8) -> Option<u8> {
    match octet {
        b'A'..=b'Z' => Some(octet - b'A'),
        b'a'..=b'z' => Some(octet - b'a' + 26),
        b'0'..=b'9' => Some(octet - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: good keys would be called broken, or the place of a wrong character would be another one.
    #[test]
    fn what_is_written_is_decoded() {
        // RFC 4648, section 10, and white space where records are folded.
        for (text, octets) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg ==", "foob"), ("Z m9\tvYmE=", "fooba")]
        {
            assert_eq!(decode(text.as_bytes()), (octets.as_bytes().to_vec(), None), "{text}");
        }
        for (text, slip) in [
            ("Zm9v-", Slip::Octet(4)),
            ("Zg==Zg==", Slip::Octet(4)),
            ("Zm9vZ", Slip::Length),
            ("Zg=", Slip::Length),
            ("Zm9v=", Slip::Length),
            ("Zg", Slip::Length),
        ] {
            assert_eq!(decode(text.as_bytes()).1, Some(slip), "{text}");
        }
        assert_eq!(decode(b"Zm9v\xff").0, b"foo");
    }
}
