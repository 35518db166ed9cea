//! How long a list rests between the runs of a watch: what it said is remembered, and it is not asked again before it is due.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, FixedOffset, TimeDelta};

use super::consult::random;
use crate::catalogue::Target;
use crate::model::Observation;
use crate::probe::{Answer, Dns, Question, Reply, ResponseCode, Route};

/// A list that refuses wants to be asked less: it rests so long. No list rests longer.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// What the lists of a watch said, shared by its runs.
///
/// All that a list said by one route is remembered and forgotten together, so that its word about a subject always rests on test
/// points of the same run.
#[derive(Clone, Debug)]
pub struct Rests {
    shortest: TimeDelta,
    random: [Target; 3],
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    now: DateTime<FixedOffset>,
    lists: HashMap<(String, Route), Rest>,
}

/// What one list said by one route.
#[derive(Debug)]
struct Rest {
    since: DateTime<FixedOffset>,
    due: DateTime<FixedOffset>,
    said: HashMap<Question, Said>,
}

#[derive(Debug)]
struct Said {
    reply: Arc<Reply>,
    observation: Observation,
    /// The same as an answer of the run under way.
    recalled: Option<Arc<Reply>>,
}

impl Rests {
    /// No list is asked again before `shortest` has passed since it was asked, nor before what it said has expired (its TTL, or the
    /// negative TTL of RFC 2308), up to an hour. One that refused rests for an hour; one that did not answer does not rest.
    pub fn new(shortest: TimeDelta, now: DateTime<FixedOffset>) -> Self {
        let state = State { now, lists: HashMap::new() };
        Self { shortest, random: random(), state: Arc::new(Mutex::new(state)) }
    }

    /// A run begins: lists that are due are forgotten. All are, if the clock was set back.
    pub fn begin(&self, now: DateTime<FixedOffset>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = now;
        state.lists.retain(|_, rest| rest.since <= now && now < rest.due);
        for said in state.lists.values_mut().flat_map(|rest| rest.said.values_mut()) {
            said.recalled = None;
        }
    }

    pub(super) fn random(&self) -> &[Target; 3] {
        &self.random
    }

    /// What `list` said to `question` in an earlier run, unless it is due.
    pub(super) fn recall(&self, dns: &Dns, list: &str, question: &Question, route: Route) -> Option<Arc<Reply>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = state.now;
        let place = (list.to_owned(), route);
        let rest = state.lists.get_mut(&place).filter(|rest| rest.since < now)?;
        if !rest.said.contains_key(question) {
            // A new subject must not be judged by test points of another run: the list is asked anew as a whole.
            state.lists.remove(&place);
            return None;
        }
        let said = rest.said.get_mut(question)?;
        let Said { reply, observation, .. } = said;
        let recalled = said.recalled.get_or_insert_with(|| Arc::new(dns.recall(reply, observation)));
        Some(Arc::clone(recalled))
    }

    /// Keeps what `list` said. A question without an answer makes it due at once: it is asked anew as a whole.
    pub(super) fn remember(&self, dns: &Dns, list: &str, route: Route, reply: &Arc<Reply>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = state.now;
        let rest = state.lists.entry((list.to_owned(), route));
        let rest = rest.or_insert_with(|| Rest { since: now, due: now + LONGEST, said: HashMap::new() });
        rest.due = rest.due.min(now + self.length(reply));
        if let Some(observation) = dns.observation(reply.observation) {
            let recalled = Some(Arc::clone(reply));
            rest.said.insert(reply.question.clone(), Said { reply: Arc::clone(reply), observation, recalled });
        }
    }

    /// How long a list rests that answered like this.
    fn length(&self, reply: &Reply) -> TimeDelta {
        const ERRORS: [u8; 3] = [127, 255, 255];
        let is_error = |address: &Ipv4Addr| address.octets()[..3] == ERRORS;
        let refuses = matches!(reply.answer, Answer::Rcode(ResponseCode::Refused)) || reply.ipv4().iter().any(is_error);
        if refuses {
            return LONGEST;
        }
        if !reply.is_definite() {
            return TimeDelta::zero();
        }
        let ttl = reply.ttl.into_iter().chain(reply.negative_ttl).min().unwrap_or(0);
        TimeDelta::seconds(ttl.into()).clamp(self.shortest.min(LONGEST), LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hickory_proto::rr::rdata::A;
    use hickory_proto::rr::{RData, Record, RecordType};

    use super::*;
    use crate::model::ObservationId;

    fn reply(answer: Answer, address: Option<[u8; 4]>, ttl: Option<u32>, negative_ttl: Option<u32>) -> Reply {
        let question = Question::new("2.0.0.127.zen.example", RecordType::A).unwrap();
        let record = |octets| Record::from_rdata(question.name.clone(), 60, RData::A(A(Ipv4Addr::from(octets))));
        Reply {
            records: address.map(record).into_iter().collect(),
            question,
            answer,
            chain: Vec::new(),
            ttl,
            negative_ttl,
            aa: false,
            ad: false,
            tcp: false,
            server: None,
            rehearsed: false,
            rtt: Duration::ZERO,
            tries: 1,
            observation: ObservationId(0),
        }
    }

    /// Lost if it fails: a list would be asked more often than it likes, or so seldom that a listing is seen the day after.
    #[test]
    fn a_list_rests_as_long_as_its_answers_last() {
        let now = DateTime::parse_from_rfc3339("2026-12-05T22:00:00+09:00").unwrap();
        let rests = Rests::new(TimeDelta::minutes(5), now);
        for (reply, minutes) in [
            (reply(Answer::Data, Some([127, 0, 0, 2]), Some(60), None), 5),
            (reply(Answer::Data, Some([127, 0, 0, 2]), Some(900), None), 15),
            (reply(Answer::NxDomain, None, None, Some(1200)), 20),
            (reply(Answer::NxDomain, None, None, Some(86_400)), 60),
            (reply(Answer::NoData, None, None, None), 5),
            (reply(Answer::Data, Some([127, 255, 255, 254]), Some(60), None), 60),
            (reply(Answer::Rcode(ResponseCode::Refused), None, None, None), 60),
            (reply(Answer::Rcode(ResponseCode::ServFail), None, None, None), 0),
            (reply(Answer::Timeout, None, None, None), 0),
        ] {
            assert_eq!(rests.length(&reply), TimeDelta::minutes(minutes), "{reply:?}");
        }
    }

    /// Lost if it fails: what a list said would be believed for ever after the clock was set back, or beyond its time.
    #[test]
    fn what_is_due_is_forgotten() {
        let at = |minute: i64| {
            DateTime::parse_from_rfc3339("2026-12-05T22:00:00+09:00").unwrap() + TimeDelta::minutes(minute)
        };
        let rests = Rests::new(TimeDelta::minutes(5), at(0));
        let known = || rests.state.lock().unwrap().lists.len();
        let rest = || Rest { since: at(0), due: at(15), said: HashMap::new() };
        for (now, kept) in [(0, 1), (14, 1), (15, 0), (-1, 0), (600, 0)] {
            rests.state.lock().unwrap().lists.insert(("zen".to_owned(), Route::Resolver), rest());
            rests.begin(at(now));
            assert_eq!(known(), kept, "{now}");
        }
    }
}
