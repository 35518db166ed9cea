//! Why an evaluation came to no answer, and where.

use std::ops::Range;

use super::phrase;
use crate::model::{Lang, Value, visible};
use crate::records::spf::Fault;

/// Why the result is "temperror" or "permerror".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The domain whose record was being read.
    pub domain: String,
    /// The term of its record that led to it, and its octets there; nothing if it is the record as a whole.
    pub term: Option<(String, Range<usize>)>,
    /// What it is.
    pub cause: Cause,
}

/// What can go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Mistakes in the record, in their order.
    Syntax(Vec<Fault>),
    /// More than one record: so many (RFC 7208, section 4.5).
    SeveralRecords(usize),
    /// The target of `include` or `redirect` has no record.
    NoRecord(String),
    /// The target of `include` or `redirect` is not a domain.
    NotADomain(String),
    /// This term is one more than may ask the DNS.
    TooManyLookups(u32),
    /// More questions than this were answered with nothing.
    TooManyVoids(u32),
    /// So many mail exchangers of one name.
    TooManyExchangers(usize),
    /// The DNS gave no definite answer.
    Dns {
        /// What was asked: `name. TYPE`.
        question: String,
        /// Why there is no answer.
        why: Value,
    },
    /// It took longer than it may.
    Time,
}

impl Cause {
    /// Whether a later try may succeed: "temperror", not "permerror".
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Dns { .. } | Self::Time)
    }

    /// A phrase that says what it is; of several mistakes the first.
    pub fn why(&self) -> Value {
        match self {
            Self::Syntax(faults) => match faults.first() {
                Some(fault) => {
                    let why = fault.reason.why();
                    let (en, ja) = both(&why);
                    let (at, term) = (fault.span.start + 1, visible(&fault.term));
                    Value::both(format!("{term:?}, octet {at}: {en}"), format!("{term:?} ({at} オクテット目): {ja}"))
                }
                None => phrase("the record has a mistake", "レコードに誤りがある"),
            },
            Self::SeveralRecords(count) => Value::both(
                format!("the name has {count} SPF records; only one may exist"),
                format!("SPF レコードが {count} 個ある (1 個でなければならない)"),
            ),
            Self::NoRecord(target) => {
                Value::both(format!("{target} has no SPF record"), format!("{target} に SPF レコードがない"))
            }
            Self::NotADomain(target) => {
                Value::both(format!("{target:?} is not a domain"), format!("{target:?} はドメイン名ではない"))
            }
            Self::TooManyLookups(most) => {
                Value::both(format!("more than {most} terms ask the DNS"), format!("DNS を引く項が {most} 個を超える"))
            }
            Self::TooManyVoids(most) => Value::both(
                format!("more than {most} lookups found nothing"),
                format!("結果のない DNS 検索が {most} 回を超える"),
            ),
            Self::TooManyExchangers(count) => Value::both(
                format!("the name has {count} mail exchangers, too many for mx"),
                format!("MX が {count} 個あり、mx 機構には多すぎる"),
            ),
            Self::Dns { question, why } => {
                let (en, ja) = both(why);
                Value::both(format!("{question}: {en}"), format!("{question}: {ja}"))
            }
            Self::Time => phrase("the evaluation took too long", "評価に時間がかかりすぎた"),
        }
    }
}

fn both(value: &Value) -> (&str, &str) {
    (value.in_lang(Lang::En), value.in_lang(Lang::Ja))
}
