//! Cells that a spreadsheet shows and never calculates.

/// `cell` as a text: what a spreadsheet would take for a formula is put in quotation. Full-width signs count too, because a
/// Japanese input method's formula is one.
pub(super) fn harmless(cell: &str) -> String {
    let first = cell.trim_start_matches([' ', '\u{3000}', '"']).chars().next();
    let is_formula =
        matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '%' | '＝' | '＋' | '－' | '＠'));
    if is_formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a TXT record could run a command when the change board opens the report.
    #[test]
    fn formulas_are_texts() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "\"=1", "\u{3000}＠a"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        for text in ["", "203.0.113.25", "a=b", "2001:db8::25", "日本"] {
            assert_eq!(harmless(text), text);
        }
    }
}
