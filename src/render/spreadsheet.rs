//! Lines of CSV whose cells a spreadsheet shows and never calculates.

/// A line of CSV (RFC 4180) without its line end.
pub fn line<C: AsRef<str>>(cells: impl IntoIterator<Item = C>) -> String {
    let mut line = csv::Writer::from_writer(Vec::new());
    // Writing into memory cannot fail.
    let _ = line.write_record(cells.into_iter().map(|cell| harmless(cell.as_ref())));
    let line = String::from_utf8(line.into_inner().unwrap_or_default()).unwrap_or_default();
    line.trim_end_matches('\n').to_owned()
}

/// `cell` as a text: what a spreadsheet would take for a formula is put in quotation, at the beginning and behind a semicolon, which
/// parts cells where the comma stands in numbers (OWASP, CSV Injection). Full-width signs count too, because a Japanese input method's
/// formula is one.
fn harmless(cell: &str) -> String {
    let mut parts = Vec::new();
    for part in cell.split(';') {
        let first = part.trim_start_matches(|sign: char| (sign.is_whitespace() && !sign.is_control()) || sign == '"');
        let is_formula = first.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '%', '＝', '＋', '－', '＠']);
        parts.push(if is_formula { format!("'{part}") } else { part.to_owned() });
    }
    parts.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a comma or a line end of a stranger would begin a cell of its own.
    #[test]
    fn cells_keep_apart() {
        assert_eq!(line(["a", "b,c", "d\"e", "f\ng", "", "=h"]), "a,\"b,c\",\"d\"\"e\",\"f\ng\",,'=h");
        assert_eq!(line([""]), "\"\"");
    }

    /// Lost if it fails: a TXT record could run a command when the change board opens the report.
    #[test]
    fn formulas_are_texts() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "\"=1", "\u{3000}＠a"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        assert_eq!(harmless("x; =1;\"+1;y=2"), "x;' =1;'\"+1;y=2");
        for text in ["", "203.0.113.25", "a=b", "2001:db8::25", "日本", "v=DMARC1; p=none"] {
            assert_eq!(harmless(text), text);
        }
    }
}
