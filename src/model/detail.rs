//! What stands behind a statement, line by line: for those who want to see how it came about.

use super::text::Value;

/// So many lines are kept below one statement.
pub const MOST_DETAILS: usize = 300;
/// So deep do lines stand below lines; what is deeper is left out and counted.
const DEEPEST: usize = 24;

/// A line, and the lines that stand below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The line; what came from outside is visible in it, as in every [`Value`].
    pub line: Value,
    /// What belongs to it, in order.
    pub below: Vec<Detail>,
}

impl Detail {
    /// A line with nothing below it.
    pub fn new(line: impl Into<Value>) -> Self {
        Self { line: line.into(), below: Vec::new() }
    }

    /// The same with these lines below it.
    #[must_use]
    pub fn with(mut self, below: impl IntoIterator<Item = Detail>) -> Self {
        self.below.extend(below);
        self
    }

    /// Itself and everything below it, each line with its depth; the first depth is 0.
    pub fn lines(&self) -> Vec<(usize, &Value)> {
        let mut lines = Vec::new();
        self.collect(0, &mut lines);
        lines
    }

    fn collect<'a>(&'a self, depth: usize, lines: &mut Vec<(usize, &'a Value)>) {
        lines.push((depth, &self.line));
        for below in &self.below {
            below.collect(depth + 1, lines);
        }
    }
}

/// `details` with at most [`MOST_DETAILS`] lines; one more at the end says how many were left out.
pub(super) fn bounded(details: impl IntoIterator<Item = Detail>) -> Vec<Detail> {
    let (mut room, mut left_out) = (MOST_DETAILS, 0);
    let mut kept = cut(details.into_iter().collect(), 0, &mut room, &mut left_out);
    if left_out > 0 {
        kept.push(Detail::new(Value::both(format!("… {left_out} more lines"), format!("… ほか {left_out} 行"))));
    }
    kept
}

fn cut(details: Vec<Detail>, depth: usize, room: &mut usize, left_out: &mut usize) -> Vec<Detail> {
    let mut kept = Vec::new();
    for Detail { line, below } in details {
        if *room == 0 || depth == DEEPEST {
            *left_out += 1;
            drop(cut(below, depth, &mut 0, left_out));
        } else {
            *room -= 1;
            kept.push(Detail { line, below: cut(below, depth + 1, room, left_out) });
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(details: &[Detail]) -> usize {
        details.iter().flat_map(Detail::lines).map(|(depth, _)| depth).max().unwrap_or(0)
    }

    /// Lost if it fails: a hostile record could make a report of a million lines, or one that no screen can indent.
    #[test]
    fn details_are_bounded() {
        let wide = Detail::new("top").with((0..500).map(|number| Detail::new(number.to_string())));
        let kept = bounded([wide]);
        assert_eq!(kept[0].lines().len(), MOST_DETAILS);
        assert_eq!(kept[1], Detail::new(Value::both("… 201 more lines", "… ほか 201 行")));
        let deep = (0..100).fold(Detail::new("bottom"), |below, _| Detail::new("x").with([below]));
        let kept = bounded([deep]);
        assert_eq!((depth(&kept), kept.len()), (DEEPEST - 1, 2));
        assert_eq!(kept[1].line, Value::both("… 77 more lines", "… ほか 77 行"));
        let small = vec![Detail::new("a").with([Detail::new("b")]), Detail::new("c")];
        assert_eq!(bounded(small.clone()), small);
    }
}
