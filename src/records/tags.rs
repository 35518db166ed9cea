//! The `tag=value; tag=value` form that DKIM keys, DMARC, MTA-STS, TLS reporting and BIMI share (RFC 6376, section 3.2).

use std::collections::HashSet;
use std::ops::Range;

use super::fault::Fault;

/// A record in this form, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagList {
    /// The tags in their order, those written twice included.
    pub tags: Vec<Tag>,
    /// What is no `tag=value`, in order.
    pub faults: Vec<TagFault>,
}

/// One `tag=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The name as written: DKIM's are case-sensitive, DMARC's are not.
    pub name: String,
    /// The value without the white space around it; what is not UTF-8 became U+FFFD.
    pub value: String,
    /// Its octets in the record, from the name to the end of the value.
    pub span: Range<usize>,
}

/// A part between two semicolons that is no `tag=value`, or one too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFault {
    /// What is wrong.
    pub slip: TagSlip,
    /// The part without `=`, or the name as written.
    pub text: String,
    /// Its first octet in the record.
    pub at: usize,
}

/// What is wrong with a part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagSlip {
    /// It has no `=`.
    NoEquals,
    /// The name is empty, or not a letter followed by letters, digits and underscores.
    Name,
    /// The tag stands more than once; this is the second one.
    Twice,
}

impl TagFault {
    /// The mistake in `record`, with the reason that its standard has for it.
    pub fn told<R>(&self, record: &[u8], reason: R) -> Fault<R> {
        Fault::at(record, self.at..self.at + self.text.len(), reason)
    }
}

impl TagList {
    /// Reads a record; it never fails, because every standard says differently what a fault means.
    pub fn read(record: &[u8]) -> Self {
        let mut list = Self::default();
        let mut seen = HashSet::new();
        let mut start = 0;
        for part in record.split(|octet| *octet == b';') {
            let at = start + part.iter().take_while(|octet| is_space(**octet)).count();
            start += part.len() + 1;
            let part = part.trim_ascii();
            if !part.is_empty() {
                list.part(part, at, &mut seen);
            }
        }
        list
    }

    /// The value of the first tag with this name, its case ignored.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.name.eq_ignore_ascii_case(name)).map(|tag| tag.value.as_str())
    }

    fn part(&mut self, part: &[u8], at: usize, seen: &mut HashSet<String>) {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets.trim_ascii()).into_owned();
        let Some(equals) = part.iter().position(|octet| *octet == b'=') else {
            self.faults.push(TagFault { slip: TagSlip::NoEquals, text: text(part), at });
            return;
        };
        let (name, value) = (text(&part[..equals]), text(&part[equals + 1..]));
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            self.faults.push(TagFault { slip: TagSlip::Name, text: name, at });
            return;
        }
        if !seen.insert(name.clone()) {
            self.faults.push(TagFault { slip: TagSlip::Twice, text: name.clone(), at });
        }
        self.tags.push(Tag { name, value, span: at..at + part.len() });
    }
}

fn is_space(octet: u8) -> bool {
    octet.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &TagList) -> Vec<(&str, &str)> {
        list.tags.iter().map(|tag| (tag.name.as_str(), tag.value.as_str())).collect()
    }

    /// Lost if it fails: a key or a policy that every receiver understands would be called broken.
    #[test]
    fn what_is_written_is_read() {
        let record = b"v=DMARC1; p = none ;rua=mailto:a@example.jp?x=1; ";
        let list = TagList::read(record);
        assert_eq!(pairs(&list), [("v", "DMARC1"), ("p", "none"), ("rua", "mailto:a@example.jp?x=1")]);
        assert_eq!(list.faults, []);
        assert_eq!(&record[list.tags[1].span.clone()], b"p = none");
        assert_eq!((list.value("P"), list.value("q")), (Some("none"), None));
    }

    /// Lost if it fails: a slip of the pen would pass unseen, or be shown at another place.
    #[test]
    fn what_is_no_tag_is_told_with_its_place() {
        let list = TagList::read(b"v=X; none; =a; 1a=b; v=Y; \xff=c");
        assert_eq!(pairs(&list), [("v", "X"), ("v", "Y")]);
        let faults: Vec<(TagSlip, &str, usize)> =
            list.faults.iter().map(|fault| (fault.slip, fault.text.as_str(), fault.at)).collect();
        assert_eq!(
            faults,
            [
                (TagSlip::NoEquals, "none", 5),
                (TagSlip::Name, "", 11),
                (TagSlip::Name, "1a", 15),
                (TagSlip::Twice, "v", 21),
                (TagSlip::Name, "\u{fffd}", 26),
            ]
        );
        assert_eq!(TagList::read(b" ;; "), TagList::default());
    }
}
