//! What can be wrong with the answers of the world, and for which questions.

use std::net::Ipv4Addr;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::{LowerName, Name, RData, RecordType};

use super::world::WorldError;

/// What a server does instead of answering well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing comes back, by UDP or TCP.
    Drop,
    /// SERVFAIL.
    ServFail,
    /// REFUSED.
    Refused,
    /// FORMERR, with EDNS or without.
    FormErr,
    /// FORMERR to a question with EDNS, as old servers and firewalls answer; right without.
    NoEdns,
    /// UDP answers are truncated and empty; TCP is right.
    Truncate,
    /// UDP answers are truncated and empty; TCP closes without an answer.
    TruncateAlways,
    /// The right answer, this much later.
    Delay(Duration),
    /// A header that promises records, and then bytes that are none.
    Garbage,
    /// The right answer under another id.
    WrongId,
    /// The right answer to another question than the one that was asked.
    WrongQuestion,
    /// The right answer by UDP from another address; TCP closes without an answer.
    OtherSource,
    /// Two aliases that lead to each other, and no data.
    AliasLoop,
    /// UDP answers are truncated and empty; by TCP the right answer comes with as much beside it as a message can hold.
    Huge,
    /// UDP answers are truncated and empty; by TCP the right answer comes one octet at a time, this far apart.
    Drip(Duration),
    /// The right answer with this TTL in every record.
    Ttl(u32),
    /// NXDOMAIN becomes this address: the advertisement page of an access provider.
    NxRewrite(Ipv4Addr),
    /// Every question for an address is answered with this one: a list that refuses, or lists everybody.
    Always(Ipv4Addr),
    /// NOERROR without records, SOA or authority: a server that does not know the zone it should serve.
    Lame,
    /// NXDOMAIN: a list that was emptied, or the truth about another world.
    NxDomain,
    /// These data at the name that was asked for, of whatever type they are; none is NODATA.
    Data(Vec<RData>),
}

/// Which questions a fault befalls. The first rule that matches is applied; others are not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// Names at or below this one; `"."` is all.
    pub below: String,
    /// Only the name itself.
    pub exact: bool,
    /// Only this type.
    pub rtype: Option<RecordType>,
    /// Only questions with this CD bit. SERVFAIL unless CD is set is bogus DNSSEC behind a validating resolver.
    pub when_cd: Option<bool>,
    /// Only questions with this RD bit: `true` is how a resolver is asked, `false` how an authority is.
    pub when_rd: Option<bool>,
    /// What happens.
    pub fault: Fault,
}

impl FaultRule {
    /// A fault for all questions at or below a name.
    pub fn new(below: impl Into<String>, fault: Fault) -> Self {
        Self { below: below.into(), exact: false, rtype: None, when_cd: None, when_rd: None, fault }
    }

    /// Only for the name itself, not for names below it.
    #[must_use]
    pub fn exact(self) -> Self {
        Self { exact: true, ..self }
    }

    /// Only for this type.
    #[must_use]
    pub fn rtype(self, rtype: RecordType) -> Self {
        Self { rtype: Some(rtype), ..self }
    }

    /// Only for questions with this CD bit.
    #[must_use]
    pub fn when_cd(self, cd: bool) -> Self {
        Self { when_cd: Some(cd), ..self }
    }

    /// Only for questions with this RD bit.
    #[must_use]
    pub fn when_rd(self, rd: bool) -> Self {
        Self { when_rd: Some(rd), ..self }
    }
}

/// A rule with its name read.
pub(super) struct Rule {
    below: LowerName,
    rule: FaultRule,
}

impl Rule {
    pub(super) fn read(rule: &FaultRule) -> Result<Self, WorldError> {
        Ok(Self { below: name(&rule.below)?, rule: rule.clone() })
    }

    /// The fault, if this rule is about the question.
    pub(super) fn befalls(&self, message: &Message) -> Option<&Fault> {
        let query = message.queries.first()?;
        let meta = &message.metadata;
        let name = LowerName::new(&query.name);
        let fits = self.below.zone_of(&name)
            && (!self.rule.exact || self.below == name)
            && self.rule.rtype.is_none_or(|t| t == query.query_type)
            && self.rule.when_cd.is_none_or(|cd| cd == meta.checking_disabled)
            && self.rule.when_rd.is_none_or(|rd| rd == meta.recursion_desired);
        fits.then_some(&self.rule.fault)
    }
}

/// A name of a rule: absolute, with or without its dot.
pub(super) fn name(text: &str) -> Result<LowerName, WorldError> {
    let mut name =
        Name::from_ascii(text).map_err(|e| WorldError::Rule { below: text.to_owned(), reason: e.to_string() })?;
    name.set_fqdn(true);
    Ok(LowerName::new(&name))
}
