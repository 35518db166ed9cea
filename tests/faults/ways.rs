//! In how many ways a question can stay without a good answer.

use std::net::Ipv4Addr;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use mail_cutover::demo::{Fault, FaultRule};

use crate::questions::Question;

/// What happens to one question. The order is that of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Silence,
    ServFail,
    Refused,
    FormErr,
    TruncatedWithoutTcp,
    Garbage,
    WrongId,
    WrongQuestion,
    OtherSource,
    AliasLoop,
    SlowDrip,
    HijackedNxDomain,
    ListsEverything,
    ListIsDead,
    EmptyNoError,
    Huge,
    TtlZero,
    TtlTopBit,
}

/// What is known after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// Nothing.
    Nothing,
    /// No answer to the question, but words of the server: that it does not serve the zone, or that the name is an alias.
    Words,
    /// An answer, true or not, which a checker cannot tell from a true one.
    Answered,
}

impl Way {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [
            Self::Silence,
            Self::ServFail,
            Self::Refused,
            Self::FormErr,
            Self::TruncatedWithoutTcp,
            Self::Garbage,
            Self::WrongId,
            Self::WrongQuestion,
            Self::OtherSource,
            Self::AliasLoop,
            Self::SlowDrip,
            Self::HijackedNxDomain,
            Self::ListsEverything,
            Self::ListIsDead,
            Self::EmptyNoError,
            Self::Huge,
            Self::TtlZero,
            Self::TtlTopBit,
        ]
        .into_iter()
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Silence => "timeout",
            Self::ServFail => "SERVFAIL",
            Self::Refused => "REFUSED",
            Self::FormErr => "FORMERR",
            Self::TruncatedWithoutTcp => "truncated, TCP closes",
            Self::Garbage => "garbage",
            Self::WrongId => "wrong id",
            Self::WrongQuestion => "wrong question",
            Self::OtherSource => "from another address",
            Self::AliasLoop => "CNAME loop",
            Self::SlowDrip => "slow drip by TCP",
            Self::HijackedNxDomain => "hijacked NXDOMAIN",
            Self::ListsEverything => "list answers everything",
            Self::ListIsDead => "list is dead",
            Self::EmptyNoError => "empty NOERROR",
            Self::Huge => "64 KB answer",
            Self::TtlZero => "TTL 0",
            Self::TtlTopBit => "TTL 2^31",
        }
    }

    /// Whether it can befall the question: some ways are those of a whole blocklist.
    pub(crate) fn befalls(self, question: &Question) -> bool {
        match self {
            Self::HijackedNxDomain => question.rtype == RecordType::A,
            Self::ListsEverything | Self::ListIsDead => question.is_about_us() && question.rtype == RecordType::A,
            _ => true,
        }
    }

    /// An empty NOERROR is how a server says that there is no such record; a hijacked name has an address like any other, if no
    /// list is asked.
    pub(crate) fn leaves(self, question: &Question) -> Leaves {
        match self {
            Self::EmptyNoError | Self::Huge | Self::TtlZero | Self::TtlTopBit => Leaves::Answered,
            Self::HijackedNxDomain if question.list.is_none() => Leaves::Answered,
            Self::ServFail | Self::Refused | Self::FormErr | Self::AliasLoop => Leaves::Words,
            Self::ListsEverything | Self::ListIsDead | Self::HijackedNxDomain => Leaves::Words,
            _ => Leaves::Nothing,
        }
    }

    pub(crate) fn rules(self, question: &Question) -> Vec<FaultRule> {
        let fault = match self {
            Self::Silence => Fault::Drop,
            Self::ServFail => Fault::ServFail,
            Self::Refused => Fault::Refused,
            Self::FormErr => Fault::FormErr,
            Self::TruncatedWithoutTcp => Fault::TruncateAlways,
            Self::Garbage => Fault::Garbage,
            Self::WrongId => Fault::WrongId,
            Self::WrongQuestion => Fault::WrongQuestion,
            Self::OtherSource => Fault::OtherSource,
            Self::AliasLoop => Fault::AliasLoop,
            Self::SlowDrip => Fault::Drip(Duration::from_millis(400)),
            Self::HijackedNxDomain => Fault::NxRewrite(Ipv4Addr::new(198, 51, 100, 1)),
            Self::ListsEverything => return whole_list(question, Fault::Always(Ipv4Addr::new(127, 0, 0, 2))),
            Self::ListIsDead => return whole_list(question, Fault::NxDomain),
            Self::EmptyNoError => Fault::Lame,
            Self::Huge => Fault::Huge,
            Self::TtlZero => Fault::Ttl(0),
            Self::TtlTopBit => Fault::Ttl(1 << 31),
        };
        question.with(&fault)
    }
}

fn whole_list(question: &Question, fault: Fault) -> Vec<FaultRule> {
    question.list.iter().map(|zone| FaultRule::new(zone.clone(), fault.clone())).collect()
}
