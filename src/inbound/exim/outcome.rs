//! What a condition, or an ACL, comes to: a word, or several that are possible, and why it is not known which.

use crate::model::Value;

/// What Exim's own functions return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The condition holds; an ACL accepts.
    Yes,
    /// It does not; an ACL denies.
    No,
    /// It cannot be told at the moment.
    Defer,
    /// An ACL denies and hangs up.
    Drop,
    /// An ACL takes the message and throws it away.
    Discard,
    /// The configuration makes no sense here, which defers everything.
    Error,
}

/// A set of words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Words(u8);

impl Words {
    pub(super) fn of(words: &[Word]) -> Self {
        words.iter().fold(Self::default(), |set, word| set.with(*word))
    }

    pub(super) fn with(self, word: Word) -> Self {
        Self(self.0 | 1 << word as u8)
    }

    pub(super) fn without(self, word: Word) -> Self {
        Self(self.0 & !(1 << word as u8))
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn has(self, word: Word) -> bool {
        self.0 & 1 << word as u8 != 0
    }

    pub(super) fn is_one(self) -> bool {
        self.0.count_ones() == 1
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Word> {
        [Word::Yes, Word::No, Word::Defer, Word::Drop, Word::Discard, Word::Error]
            .into_iter()
            .filter(move |word| self.has(*word))
    }
}

/// What a condition comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What Exim makes of it if what is not answered here stays unanswered there; nothing where Exim would know and we do not.
    pub(super) assumed: Option<Word>,
    /// Everything that it may come to. Empty where it is about the message and not about the caller.
    pub(super) possible: Words,
    /// Why it is not known, if it is not.
    pub(super) doubts: Vec<Value>,
}

impl Outcome {
    /// Certainly this.
    pub(super) fn certain(word: Word) -> Self {
        Self { assumed: Some(word), possible: Words::of(&[word]), doubts: Vec::new() }
    }

    /// Certainly yes, or certainly no.
    pub(super) fn holds(holds: bool) -> Self {
        Self::certain(if holds { Word::Yes } else { Word::No })
    }

    /// It was not answered: the answer may be yes or no, and without one Exim goes on as if it were `assumed`.
    pub(super) fn unanswered(assumed: Word, why: Value) -> Self {
        let possible = Words::of(&[Word::Yes, Word::No, assumed]);
        Self { assumed: Some(assumed), possible, doubts: vec![why] }
    }

    /// Exim will know, and we do not.
    pub(super) fn unjudged(why: Value) -> Self {
        Self { assumed: None, possible: Words::of(&[Word::Yes, Word::No]), doubts: vec![why] }
    }

    /// It is about the message.
    pub(super) fn passed_over() -> Self {
        Self { assumed: None, possible: Words::default(), doubts: Vec::new() }
    }

    /// The condition with `!` before it.
    pub(super) fn negated(self) -> Self {
        self.each(|word| match word {
            Word::Yes => Word::No,
            Word::No | Word::Drop => Word::Yes,
            other => other,
        })
    }

    /// The same with one word for another.
    pub(super) fn turned(self, from: Word, to: Word) -> Self {
        self.each(|word| if word == from { to } else { word })
    }

    fn each(self, turn: impl Fn(Word) -> Word) -> Self {
        let possible = self.possible.iter().fold(Words::default(), |set, word| set.with(turn(word)));
        Self { assumed: self.assumed.map(turn), possible, doubts: self.doubts }
    }

    /// This condition, and then another one.
    pub(super) fn and(mut self, next: Self) -> Self {
        if !self.possible.has(Word::Yes) {
            return self;
        }
        if self.assumed == Some(Word::Yes) {
            self.assumed = next.assumed;
        }
        self.possible = self.possible.without(Word::Yes).or(next.possible);
        self.doubts.extend(next.doubts);
        self
    }

    /// The same, settled: what nobody knows is taken as `open`.
    pub(super) fn settled(mut self, open: Word) -> Self {
        let assumed = self.assumed.unwrap_or(open);
        self.possible = self.possible.with(assumed);
        self.assumed = Some(assumed);
        self
    }
}

/// Alternatives in a row, of which the first that holds decides: the items of a list.
#[derive(Debug, Default)]
pub(super) struct FirstOf {
    assumed: Option<Word>,
    /// Whether an item before the one that is assumed was not known.
    open: bool,
    possible: Words,
    doubts: Vec<Value>,
}

impl FirstOf {
    /// Adds what the next item comes to, if it matches; `No` goes on to the next. Whether any is to follow.
    pub(super) fn add(&mut self, item: Outcome) -> bool {
        if self.assumed.is_none() {
            match item.assumed {
                Some(Word::No) => {}
                Some(word) if !self.open => self.assumed = Some(word),
                _ => self.open = true,
            }
        }
        if !item.possible.is_one() {
            self.doubts.extend(item.doubts);
        }
        self.possible = self.possible.or(item.possible.without(Word::No));
        item.possible.has(Word::No)
    }

    /// What the list comes to when its end is reached, or an item decided for certain.
    pub(super) fn end(mut self, reached: bool, at_end: Word) -> Outcome {
        if reached {
            self.possible = self.possible.with(at_end);
        }
        let assumed = self.assumed.or(if self.open { None } else { Some(at_end) });
        if self.possible.is_one() {
            return Outcome { assumed: self.possible.iter().next(), possible: self.possible, doubts: Vec::new() };
        }
        Outcome { assumed, possible: self.possible, doubts: self.doubts }
    }
}
