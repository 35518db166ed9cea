//! The retry rule: which server next, after how long, and which of several failures to report.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{AbortHandle, Abortable};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::exchange::{Errand, Heard};
use super::limits::Server;
use super::reply::Answer;

/// So many packets at the most for one question to one set of servers, however many servers there are.
const MOST_TRIES: usize = 12;
/// So many sockets listen at once for one question; the oldest is closed for a new one.
const MOST_LISTENING: usize = 3;

/// Nobody gave a good answer.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The most telling failure.
    pub(super) answer: Answer,
    /// Whose it was.
    pub(super) server: Option<SocketAddr>,
}

/// How one try ended.
enum End {
    Heard(Heard),
    Failed(Answer),
    /// It became clear that this server does not answer, before it was asked.
    Skipped,
}

/// One server in the order of asking.
struct Candidate {
    address: SocketAddr,
    known: Arc<Server>,
    asked: usize,
}

/// A try under way, or over.
struct Try {
    candidate: usize,
    on_the_wire: Option<Instant>,
    is_over: bool,
    abort: AbortHandle,
}

/// Puts the errand to `servers`: in order, the next one at once after a failure and after `retransmit` of silence while the
/// silent ones are still listened to; then once more each, through a narrower gate. A single server gets three packets, after
/// `retransmit` and twice `retransmit`. All in all about five times `retransmit`, counted from the first packet, not from
/// the wait for a gate. Servers that were silent several times in a row in this run come last.
pub(super) async fn ask(errand: &Errand<'_>, servers: &[SocketAddr], retransmit: Duration) -> Result<Heard, Failure> {
    let mut failure = Failure { answer: Answer::Unreachable(std::io::ErrorKind::AddrNotAvailable), server: None };
    // A closed semaphore cannot happen: nobody closes it.
    let Ok(_on_the_wire) = errand.gates.in_flight.acquire().await else { return Err(failure) };
    let known = |address: &SocketAddr| Candidate { address: *address, known: errand.gates.server(*address), asked: 0 };
    let mut candidates: Vec<Candidate> = servers.iter().map(known).collect();
    let each = if candidates.len() == 1 { 3 } else { 2 };
    let (sent, mut was_sent) = mpsc::unbounded_channel();
    let mut running = FuturesUnordered::new();
    let mut tries: Vec<Try> = Vec::new();
    let mut first_sent: Option<Instant> = None;
    let mut next_at: Option<Instant> = None;
    let mut spoke = false;
    let mut may_launch = true;
    loop {
        if may_launch {
            may_launch = false;
            next_at = None;
            let elapsed = first_sent.map_or(Duration::ZERO, |first| first.elapsed());
            if let Some(chosen) = choose(&candidates, each).filter(|_| tries.len() < MOST_TRIES) {
                let others = candidates.len() > 1;
                let candidate = &mut candidates[chosen];
                candidate.asked += 1;
                let attempt = Attempt {
                    address: candidate.address,
                    known: Arc::clone(&candidate.known),
                    number: tries.len(),
                    again: candidate.asked > 1,
                    after_words: spoke,
                    skippable: others && !candidate.known.is_suspect(),
                    listen: (5 * retransmit).saturating_sub(elapsed).max(retransmit),
                };
                let mut listening = tries.iter_mut().filter(|one| !one.is_over);
                if let Some(oldest) = listening.next().filter(|_| listening.count() + 1 >= MOST_LISTENING) {
                    oldest.is_over = true;
                    oldest.abort.abort();
                    candidates[oldest.candidate].known.strike();
                }
                let (abort, registration) = AbortHandle::new_pair();
                tries.push(Try { candidate: chosen, on_the_wire: None, is_over: false, abort });
                let sent = sent.clone();
                let run = async move { (attempt.number, attempt.run(errand, retransmit, &sent).await) };
                running.push(Abortable::new(run, registration));
            }
        }
        if running.is_empty() {
            return Err(failure);
        }
        tokio::select! {
            biased;
            Some(ended) = running.next() => {
                let Ok((number, end)) = ended else { continue };
                tries[number].is_over = true;
                let chosen = tries[number].candidate;
                let server = candidates[chosen].address;
                match end {
                    End::Heard(heard) => {
                        candidates[chosen].known.praise();
                        let is_silent = |one: &&Try| {
                            !one.is_over && one.on_the_wire.is_some_and(|since| since.elapsed() >= retransmit)
                        };
                        for silent in tries.iter().filter(is_silent).filter(|one| one.candidate != chosen) {
                            candidates[silent.candidate].known.strike();
                        }
                        return Ok(heard);
                    }
                    End::Failed(answer) => {
                        match answer {
                            Answer::Timeout | Answer::Unreachable(_) => candidates[chosen].known.strike(),
                            _ => {
                                candidates[chosen].known.praise();
                                spoke = true;
                            }
                        }
                        let is_silence = answer == Answer::Timeout;
                        if failure.server.is_none() || answer.weight() > failure.answer.weight() {
                            failure = Failure { answer, server: Some(server) };
                        }
                        let late = first_sent.is_some_and(|first| first.elapsed() > 4 * retransmit);
                        // A single server that spoke is asked once more, one that is silent twice.
                        let enough = spoke && tries.len() >= 2 * candidates.len();
                        may_launch = !(enough || is_silence && late);
                    }
                    End::Skipped => {
                        candidates[chosen].asked -= 1;
                        may_launch = true;
                    }
                }
            }
            Some((number, at)) = was_sent.recv() => {
                let first = *first_sent.get_or_insert(at);
                let gap = if candidates.len() == 1 && number > 0 { 2 * retransmit } else { retransmit };
                tries[number].on_the_wire = Some(at);
                let due = at + gap;
                // Half of one more, because timers are late and never early.
                next_at = (due <= first + 4 * retransmit + retransmit / 2).then_some(due);
            }
            () = wait_until(next_at) => may_launch = true,
        }
    }
}

/// The server that was asked least, silent ones two rounds later, in the given order.
fn choose(candidates: &[Candidate], each: usize) -> Option<usize> {
    let rank = |(_, candidate): &(usize, &Candidate)| {
        let suspect = candidate.known.is_suspect();
        (candidate.asked + if suspect { 2 } else { 0 }, suspect)
    };
    let open = candidates.iter().enumerate().filter(|(_, candidate)| candidate.asked < each);
    open.min_by_key(rank).map(|(place, _)| place)
}

async fn wait_until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// One try: through the gates, then out.
struct Attempt {
    address: SocketAddr,
    known: Arc<Server>,
    number: usize,
    /// This server was asked before.
    again: bool,
    /// A server answered with an error: overload, perhaps.
    after_words: bool,
    skippable: bool,
    listen: Duration,
}

impl Attempt {
    async fn run(
        self,
        errand: &Errand<'_>,
        retransmit: Duration,
        sent: &mpsc::UnboundedSender<(usize, Instant)>,
    ) -> End {
        let asked = errand.ask(self.address, &self.known, self.listen, sent, self.number);
        let result = if self.again {
            if self.after_words {
                sleep(retransmit / 4).await;
            }
            // Through the narrow gate, but not for ever: when everything is silent, everybody waits there, and then it only
            // spaces the packets. For the same reason nobody keeps a place longer than one retransmit.
            let patience = if self.after_words { 4 * retransmit } else { retransmit / 2 };
            let place = timeout(patience, errand.gates.second_tries.acquire()).await;
            tokio::pin!(asked);
            match timeout(retransmit, &mut asked).await {
                Ok(result) => result,
                Err(_) => {
                    drop(place);
                    asked.await
                }
            }
        } else {
            let _place = self.known.gate.acquire().await;
            if self.skippable && self.known.is_suspect() {
                return End::Skipped;
            }
            asked.await
        };
        match result {
            Ok(heard) => End::Heard(heard),
            Err(answer) => End::Failed(answer),
        }
    }
}
