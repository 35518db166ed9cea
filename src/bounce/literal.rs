//! The pieces of fixed text of which every match of a regular expression holds one: they are looked for before the expression is.

use regex_syntax::hir::{Hir, HirKind};

/// More pieces than this for one expression are not worth looking for.
const MOST: usize = 400;

/// The pieces for `pattern`, as octets; `None` where it has matches without any piece of two octets or more.
pub(super) fn required(pattern: &str) -> Option<Vec<Vec<u8>>> {
    let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()?;
    pieces(&hir).filter(|pieces| shortest(pieces) >= 2)
}

fn shortest(pieces: &[Vec<u8>]) -> usize {
    pieces.iter().map(Vec::len).min().unwrap_or(0)
}

fn pieces(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![literal.0.to_vec()]),
        HirKind::Capture(capture) => pieces(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => pieces(&repetition.sub),
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(pieces(branch)?);
            }
            all.sort();
            all.dedup();
            (all.len() <= MOST).then_some(all)
        }
        // Any of its parts would do: the one whose shortest piece is longest meets the fewest texts.
        HirKind::Concat(parts) => {
            parts.iter().filter_map(pieces).max_by_key(|pieces| (shortest(pieces).min(6), usize::MAX - pieces.len()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pattern: &str) -> Option<Vec<String>> {
        let pieces = required(pattern)?;
        Some(pieces.iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect())
    }

    /// Lost if it fails: a rule whose text stands in a reply is never tried, because the piece looked for is not part of every match.
    #[test]
    fn every_match_holds_a_piece() {
        assert_eq!(shown("gr[ae]y[- ]?list"), Some(vec!["list".to_owned()]));
        assert_eq!(shown("(user|mailbox) unknown"), Some(vec![" unknown".to_owned()]));
        assert_eq!(shown("(a|bcd)"), None);
        assert_eq!(shown("(abc)?x*"), None);
        assert_eq!(shown(r"\b[45]\.7\.28\b"), Some(vec![".7.28".to_owned()]));
        assert_eq!(shown("(spam|virus)+"), Some(vec!["spam".to_owned(), "virus".to_owned()]));
    }
}
