//! How Exim goes through a list: item by item, files line by line, until one decides (`match_check_list` in `match.c`).

use super::config::Kind;
use super::expand::Expanded;
use super::lists::items;
use super::outcome::{FirstOf, Outcome, Word};
use super::visit::Visit;
use crate::model::Value;

/// So deep may lists name each other.
const DEEPEST: usize = 16;
/// While a list is walked: it ends here with no. (`No` goes on to the next item.)
const ENDS: Word = Word::Discard;

/// What an item comes to.
pub(super) enum Matched {
    /// This, turned round by a `!` before it.
    Item(Outcome),
    /// A host needs a name and has none: what the words in the list say, whatever stands before the item.
    Nameless,
    /// It is not answered whether it has one.
    Unanswered(Value),
    /// It is not answered which addresses a name has.
    Deferred(Value),
}

/// Goes through an unexpanded list of a kind. `each` judges an item that is neither a named list nor a file.
pub(super) fn judge(
    list: &str,
    kind: Kind,
    visit: &mut Visit<'_>,
    each: &dyn Fn(&str, &mut Visit<'_>) -> Matched,
) -> Outcome {
    Walk { kind, each, depth: 0, unknown: ENDS, deferred: Word::Defer }.list(list, visit)
}

struct Walk<'a> {
    kind: Kind,
    each: &'a dyn Fn(&str, &mut Visit<'_>) -> Matched,
    depth: usize,
    /// What a host without a name is.
    unknown: Word,
    /// What an item is that defers.
    deferred: Word,
}

impl Walk<'_> {
    fn list(mut self, list: &str, visit: &mut Visit<'_>) -> Outcome {
        let list = match visit.expand(list) {
            Expanded::Known(list) => list,
            Expanded::Forced => return Outcome::certain(Word::No),
            Expanded::Unknown(part) => return visit.unjudged(&part, not_known()),
        };
        let mut found = FirstOf::default();
        let mut at_end = Word::No;
        for item in items(&list) {
            match (self.kind, item.as_str()) {
                (Kind::Host, "+include_unknown") => self.unknown = Word::Yes,
                (Kind::Host, "+ignore_unknown") => self.unknown = Word::No,
                (Kind::Host, "+include_defer") => self.deferred = Word::Yes,
                (Kind::Host, "+ignore_defer") => self.deferred = Word::No,
                (Kind::Address | Kind::LocalPart, "+caseful") => {}
                _ => {
                    let (item, negated) = turned(&item, false);
                    let goes_on = match item.strip_prefix('/') {
                        Some(_) => self.file(item, negated, &mut at_end, &mut found, visit),
                        None => found.add(self.item(item, negated, &mut at_end, visit)),
                    };
                    if !goes_on && !visit.is_survey() {
                        return ended(found.end(false, at_end));
                    }
                }
            }
        }
        ended(found.end(true, at_end))
    }

    fn file(&self, path: &str, negated: bool, at_end: &mut Word, found: &mut FirstOf, visit: &mut Visit<'_>) -> bool {
        let Some(lines) = visit.exim.folder.items(path) else {
            return found.add(visit.unjudged(path, no_file()));
        };
        for line in lines.iter() {
            let (item, negated) = turned(line, negated);
            if !found.add(self.item(item, negated, at_end, visit)) && !visit.is_survey() {
                return false;
            }
        }
        true
    }

    fn item(&self, item: &str, negated: bool, at_end: &mut Word, visit: &mut Visit<'_>) -> Outcome {
        *at_end = if negated { Word::Yes } else { Word::No };
        let matched = match item.strip_prefix('+') {
            Some(name) => Matched::Item(self.named(name, visit)),
            None => (self.each)(item, visit),
        };
        match matched {
            Matched::Item(outcome) => {
                // What defers is what the words in the list say, whatever stands before it.
                let outcome = if negated { outcome.turned(Word::Yes, ENDS) } else { outcome };
                outcome.turned(Word::Defer, self.deferred)
            }
            Matched::Nameless => Outcome::certain(self.unknown),
            Matched::Unanswered(why) => self.open(negated, self.unknown, why),
            Matched::Deferred(why) => self.open(negated, self.deferred, why),
        }
    }

    /// It may match or not, or there may be no name; without an answer it is `assumed`.
    fn open(&self, negated: bool, assumed: Word, why: Value) -> Outcome {
        let outcome = Outcome::unanswered(Word::No, why);
        let outcome = if negated { outcome.turned(Word::Yes, ENDS) } else { outcome };
        let possible = outcome.possible.with(self.unknown).with(assumed);
        Outcome { assumed: Some(assumed), possible, ..outcome }
    }

    fn named(&self, name: &str, visit: &mut Visit<'_>) -> Outcome {
        let exim = visit.exim;
        let list = exim.config.lists.get(&(self.kind, name.to_owned()));
        let Some(list) = list.filter(|_| self.depth < DEEPEST) else {
            visit.note(&format!("+{name}"), no_list());
            return Outcome::certain(self.deferred);
        };
        let inner =
            Walk { kind: self.kind, each: self.each, depth: self.depth + 1, unknown: ENDS, deferred: Word::Defer };
        inner.list(list, visit)
    }
}

/// An item without the `!` before it, and whether it is negated when what stands around it is.
fn turned(item: &str, around: bool) -> (&str, bool) {
    item.strip_prefix('!').map_or((item, around), |rest| (rest.trim_start(), !around))
}

fn ended(outcome: Outcome) -> Outcome {
    outcome.turned(ENDS, Word::No)
}

/// Why an expansion is not judged.
pub(super) fn not_known() -> Value {
    Value::both("its value is not known here", "値をここでは知ることができない")
}

fn no_file() -> Value {
    Value::both(
        "the file is not beside the configuration, and was not read",
        "ファイルが設定ファイルと同じフォルダーになく、読み込んでいない",
    )
}

fn no_list() -> Value {
    Value::both(
        "there is no such list: Exim defers what depends on it",
        "このリストは定義されていない。これに依存する判定は Exim では一時エラーになる",
    )
}
