//! From four answers to a belief; pure.

use super::lookup::Lookup;
use crate::catalogue::{Answer as Said, Family, Hit, Holds, List, classify};
use crate::model::Value;
use crate::probe::{Answer, ResponseCode};

/// Whether a list's word counts in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It lists what it must and nothing that it must not.
    Healthy,
    /// It answered that it will not answer us: an error code, or REFUSED.
    Refused,
    /// It answers what cannot be true: outside 127.0.0.0/8, or everything is listed.
    Broken,
    /// No answer, or SERVFAIL.
    Silent,
    /// It does not list its own test point.
    Dead,
    /// It needs a key that this run does not have.
    NoKey,
}

impl State {
    /// The word for it in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Refused => "refused",
            Self::Broken => "broken",
            Self::Silent => "silent",
            Self::Dead => "dead",
            Self::NoKey => "no-key",
        }
    }
}

/// What is believed of one subject on one list.
#[derive(Clone, Debug, PartialEq)]
pub enum Belief {
    /// Healthy, and the subject is not on it.
    NotListed,
    /// Healthy, and the subject is on it.
    Listed(Vec<Hit>),
    /// Healthy, and it answered a code that is documented not to be a listing.
    NotListing(Value),
    /// Healthy, and it answered a code that nobody documented.
    UnknownCode(Value),
    /// Its word does not count, and why.
    Unknown(State, Value),
    /// It does not hold this kind of subject.
    NotApplicable,
    /// It is not documented to hold this kind of subject, and did not list it: that proves nothing.
    Unverified,
}

/// The answers that a belief rests on.
pub(super) struct Answers<'a> {
    /// The subject itself.
    pub(super) subject: &'a Lookup,
    /// The test point that must be listed.
    pub(super) listed: Option<&'a Lookup>,
    /// The test point that must not be listed.
    pub(super) unlisted: Option<&'a Lookup>,
    /// A random subject that nobody lists.
    pub(super) random: &'a Lookup,
}

/// Decides whether `list` is to be believed about `family`, from its test points alone.
pub(super) fn health(list: &List, family: Family, answers: &Answers<'_>) -> (State, Value) {
    if let Some(listed) = answers.listed {
        match listed {
            // A documented answer of the test point may be a code that means something else for anybody else.
            Lookup::Addresses(codes) if list.test_passes(family, codes) => {}
            Lookup::Addresses(codes) => match classify(list, family, codes) {
                Said::Refused { code, meaning } => return (State::Refused, refusal(code, &meaning)),
                Said::Listed(_) => {}
                Said::Broken { address } => return (State::Broken, outside(address)),
                Said::NotListing(_) | Said::UnknownCode(_) => {
                    let codes = Value::list(codes.iter().copied());
                    let codes = codes.in_lang(crate::model::Lang::En);
                    return (
                        State::Broken,
                        Value::both(
                            format!("its test point answers the undocumented {codes}"),
                            format!("テスト用アドレスに対し、文書にない {codes} を返す"),
                        ),
                    );
                }
            },
            Lookup::Absent => {
                return (
                    State::Dead,
                    Value::both(
                        "it does not list its own test point: the list is dead, or this resolver is kept from it",
                        "リスト自身のテスト用アドレスが登録されていない。廃止されたか、このリゾルバーには応答しない",
                    ),
                );
            }
            Lookup::Failed(answer) => return failed(answer),
        }
    }
    for must_not in [answers.unlisted, Some(answers.random)].into_iter().flatten() {
        match must_not {
            Lookup::Absent => {}
            Lookup::Addresses(codes) => match classify(list, family, codes) {
                Said::Refused { code, meaning } => return (State::Refused, refusal(code, &meaning)),
                Said::Broken { address } => return (State::Broken, outside(address)),
                // A list may answer its unlisted point with a code that it documents as no listing.
                Said::NotListing(_) => {}
                Said::Listed(_) | Said::UnknownCode(_) => {
                    return (
                        State::Broken,
                        // The name asked is not repeated: a key may stand in it.
                        Value::both(
                            "it lists what nobody lists: its unlisted test point, or a random one",
                            "未登録のはずのテスト用アドレスや無作為な対象まで、登録済みと返る",
                        ),
                    );
                }
            },
            Lookup::Failed(answer) => return failed(answer),
        }
    }
    (State::Healthy, Value::both("it answers as documented", "文書どおりに応答している"))
}

/// Decides what is believed of the subject.
pub(super) fn believe(list: &List, family: Family, answers: &Answers<'_>) -> Belief {
    let proof = Proof { is_whole: answers.listed.is_some(), health: health(list, family, answers) };
    believe_on(list, family, &proof, Some(answers.subject))
}

/// What the test points of a list showed.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    /// There is a test point that must be listed: without it nothing proves that the list answers from here.
    pub(super) is_whole: bool,
    /// What [`health`] made of them.
    pub(super) health: (State, Value),
}

/// Decides what is believed of a subject on a proof that holds for many; the subject may not have been asked about, if the proof
/// failed.
pub(super) fn believe_on(list: &List, family: Family, proof: &Proof, subject: Option<&Lookup>) -> Belief {
    let verified = match list.holds(family) {
        Holds::No => return Belief::NotApplicable,
        Holds::Unverified => false,
        Holds::Yes => proof.is_whole,
    };
    // A refusal of the subject itself says more than what the test points did.
    if let Some(Lookup::Addresses(codes)) = subject
        && let Said::Refused { code, meaning } = classify(list, family, codes)
    {
        return Belief::Unknown(State::Refused, refusal(code, &meaning));
    }
    let subject = match (&proof.health, subject) {
        ((State::Healthy, _), Some(subject)) => subject,
        _ if !verified => return Belief::Unverified,
        ((state, why), _) => return Belief::Unknown(*state, why.clone()),
    };
    match subject {
        Lookup::Absent if verified => Belief::NotListed,
        Lookup::Absent => Belief::Unverified,
        Lookup::Addresses(codes) => match classify(list, family, codes) {
            Said::Listed(hits) => Belief::Listed(hits),
            Said::NotListing(meaning) => Belief::NotListing(meaning),
            Said::UnknownCode(codes) => Belief::UnknownCode(Value::list(codes)),
            Said::Broken { address } => Belief::Unknown(State::Broken, outside(address)),
            Said::Refused { code, meaning } => Belief::Unknown(State::Refused, refusal(code, &meaning)),
        },
        Lookup::Failed(answer) => {
            let (state, why) = failed(answer);
            Belief::Unknown(state, why)
        }
    }
}

/// A question that was not answered.
fn failed(answer: &Answer) -> (State, Value) {
    let state = match answer {
        Answer::Rcode(ResponseCode::Refused) => State::Refused,
        _ => State::Silent,
    };
    (state, answer.why())
}

fn refusal(code: std::net::Ipv4Addr, meaning: &Value) -> Value {
    use crate::model::Lang::{En, Ja};
    Value::both(
        format!("it refused the query with {code}: {}", meaning.in_lang(En)),
        format!("{code} で問い合わせを拒否された: {}", meaning.in_lang(Ja)),
    )
}

fn outside(address: std::net::Ipv4Addr) -> Value {
    Value::both(
        format!(
            "it answered {address}, which no blocklist means as a listing: a parked domain or a rewriting resolver"
        ),
        format!(
            "{address} が返った。ブロックリストの応答ではない (放棄されたドメイン、または応答を書き換えるリゾルバー)"
        ),
    )
}
