//! How much at once and how fast: gates, paces, and what this run has learnt about each server.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::question::Pace;

/// Bounds of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Questions on the wire at once. Default 300: each holds at most three sockets, which stays below the usual 1024
    /// open files even when every server is silent.
    pub in_flight: usize,
    /// Questions on the wire to one server at once. Default 256: 60 lists × 4 questions leave within one round trip.
    pub per_server: usize,
    /// Packets to one server at once before they are spaced. Default 96: rbldnsd's receive buffer holds about 109.
    pub burst: u16,
    /// Packets a millisecond to one server after the burst. Default 48: 240 questions leave within 5 ms. docs/scale.md has
    /// what real servers lose at which rate; what is lost is asked again.
    pub per_millisecond: u16,
    /// Second tries on the wire at once. Default 32: a forwarder that refused a burst answers a trickle.
    pub second_tries: usize,
    /// How long one answer over TCP may take, connecting included. Default 4 s.
    pub tcp: Duration,
    /// Questions that one walk from the root may cost. Default 60.
    pub walk: u32,
    /// Observations kept in the transcript. Default 100,000.
    pub transcript: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 300,
            per_server: 256,
            burst: 96,
            per_millisecond: 48,
            second_tries: 32,
            tcp: Duration::from_secs(4),
            walk: 60,
            transcript: 100_000,
        }
    }
}

/// So many times in a row without an answer, and a server is asked last.
const SUSPICIOUS: u32 = 3;

/// The gates of a run.
#[derive(Debug)]
pub(super) struct Gates {
    limits: Limits,
    pub(super) in_flight: Semaphore,
    pub(super) second_tries: Semaphore,
    pub(super) sent: AtomicU64,
    servers: Mutex<HashMap<SocketAddr, Arc<Server>>>,
    operators: Mutex<HashMap<String, Bucket>>,
}

impl Gates {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            in_flight: Semaphore::new(limits.in_flight.max(1)),
            second_tries: Semaphore::new(limits.second_tries.max(1)),
            sent: AtomicU64::new(0),
            servers: Mutex::default(),
            operators: Mutex::default(),
        }
    }

    /// What is known about the server at `address`.
    pub(super) fn server(&self, address: SocketAddr) -> Arc<Server> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(servers.entry(address).or_insert_with(|| {
            let per_second = f64::from(self.limits.per_millisecond.max(1)) * 1000.0;
            Arc::new(Server {
                gate: Semaphore::new(self.limits.per_server.max(1)),
                bucket: Mutex::new(Bucket::new(f64::from(self.limits.burst.max(1)), per_second)),
                strikes: AtomicU32::new(0),
                plain: AtomicBool::new(false),
            })
        }))
    }

    /// Takes the operator's next place in time and waits for it.
    pub(super) async fn wait_for(&self, pace: &Pace) {
        let now = Instant::now();
        let wait = {
            let mut operators = self.operators.lock().unwrap_or_else(PoisonError::into_inner);
            operators.entry(pace.key.clone()).or_insert_with(|| Bucket::of(pace)).take(now)
        };
        sleep(wait).await;
    }

    /// Takes the operator's next place if it is there already, or says how long it takes until it is.
    pub(super) fn try_take(&self, pace: &Pace) -> Result<(), Duration> {
        let now = Instant::now();
        let mut operators = self.operators.lock().unwrap_or_else(PoisonError::into_inner);
        match operators.get_mut(&pace.key) {
            Some(bucket) => bucket.try_take(now),
            None => {
                let mut bucket = Bucket::of(pace);
                bucket.take(now);
                operators.insert(pace.key.clone(), bucket);
                Ok(())
            }
        }
    }
}

/// What this run has learnt about one server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) gate: Semaphore,
    bucket: Mutex<Bucket>,
    strikes: AtomicU32,
    plain: AtomicBool,
}

impl Server {
    /// Takes the next place in time for a packet and waits for it.
    pub(super) async fn wait(&self) {
        let wait = self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        sleep(wait).await;
    }

    /// Whether it failed to answer several times in a row.
    pub(super) fn is_suspect(&self) -> bool {
        self.strikes.load(Ordering::Relaxed) >= SUSPICIOUS
    }

    /// It answered.
    pub(super) fn praise(&self) {
        self.strikes.store(0, Ordering::Relaxed);
    }

    /// It did not answer.
    pub(super) fn strike(&self) {
        self.strikes.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether it was found not to understand EDNS.
    pub(super) fn is_plain(&self) -> bool {
        self.plain.load(Ordering::Relaxed)
    }

    /// It does not understand EDNS.
    pub(super) fn set_plain(&self) {
        self.plain.store(true, Ordering::Relaxed);
    }
}

/// A token bucket that hands out places in time.
#[derive(Debug)]
struct Bucket {
    burst: f64,
    per_second: f64,
    /// Below zero: places already handed out that lie in the future.
    tokens: f64,
    at: Option<Instant>,
}

impl Bucket {
    fn new(burst: f64, per_second: f64) -> Self {
        Self { burst, per_second, tokens: burst, at: None }
    }

    /// The bucket of an operator: a burst of five, or of a second's worth.
    fn of(pace: &Pace) -> Self {
        let rate = f64::from(pace.per_second.max(0.01));
        Self::new(rate.max(5.0), rate)
    }

    /// Takes a token; how long to wait until it is there.
    fn take(&mut self, now: Instant) -> Duration {
        self.fill(now);
        self.tokens -= 1.0;
        Duration::from_secs_f64((-self.tokens / self.per_second).max(0.0))
    }

    /// Takes a token if one is there; else how long it takes until one is.
    fn try_take(&mut self, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        if self.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.tokens) / self.per_second));
        }
        self.tokens -= 1.0;
        Ok(())
    }

    fn fill(&mut self, now: Instant) {
        let passed = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.at = Some(now);
        self.tokens = (self.tokens + passed.as_secs_f64() * self.per_second).min(self.burst);
    }
}

/// Nothing at all for nothing: the timer's wheel would cost a millisecond.
async fn sleep(wait: Duration) {
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a burst would overflow a list's receive buffer, or one run would be spread over seconds.
    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(64.0, 32_000.0);
        let waits: Vec<_> = (0..128).map(|_| bucket.take(start)).collect();
        assert!(waits[..64].iter().all(Duration::is_zero));
        assert_eq!(waits[95], Duration::from_millis(1));
        assert_eq!(waits[127], Duration::from_millis(2));
        assert!(bucket.take(start + Duration::from_secs(1)).is_zero());
    }

    /// Lost if it fails: an operator that allows one question a second would be asked faster.
    #[test]
    fn a_slow_pace_allows_five_at_once() {
        let start = Instant::now();
        let mut bucket = Bucket::new(5.0, 1.0);
        let waits: Vec<_> = (0..7).map(|_| bucket.take(start).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2]);
    }
}
