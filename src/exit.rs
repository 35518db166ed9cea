//! Exit codes.

use crate::model::Verdict;

/// GO, also with warnings.
pub const GO: u8 = 0;
/// NO-GO.
pub const NO_GO: u8 = 1;
/// Arguments, plan, or no resolver: nothing was judged.
pub const COULD_NOT_START: u8 = 2;
/// Something that can block was not measured.
pub const HOLD: u8 = 3;

/// The exit code of a verdict; with `strict`, warnings count as NO-GO.
pub const fn code(verdict: Verdict, strict: bool) -> u8 {
    match verdict {
        Verdict::Go => GO,
        Verdict::GoWithWarnings => {
            if strict {
                NO_GO
            } else {
                GO
            }
        }
        Verdict::Hold => HOLD,
        Verdict::NoGo => NO_GO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a script that gates a cutover on the exit code would let the wrong one through.
    #[test]
    fn codes_are_as_documented() {
        let table =
            [(Verdict::Go, 0, 0), (Verdict::GoWithWarnings, 0, 1), (Verdict::Hold, 3, 3), (Verdict::NoGo, 1, 1)];
        for (verdict, usual, strict) in table {
            assert_eq!((code(verdict, false), code(verdict, true)), (usual, strict), "{verdict:?}");
        }
    }
}
