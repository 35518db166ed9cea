//! Answers that are not plain: the question is put to the ordinary door, so that it is judged as everywhere else.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::ZoneNumber;
use crate::probe::dns::{Answer, Ask, Dns, Pace, Question, Route};

/// So many at once.
const AT_ONCE: usize = 32;
/// How often somebody should look for what is finished.
pub(super) const LOOK: Duration = Duration::from_millis(2);

/// Which zone, under which tag, and what it said.
type Finished = (ZoneNumber, u64, Result<Vec<Ipv4Addr>, Answer>);

/// Where odd answers are looked into.
#[derive(Debug)]
pub(super) struct Desk {
    dns: Dns,
    runtime: Handle,
    waiting: VecDeque<(ZoneNumber, u64, Ask)>,
    under_way: usize,
    /// Ends what is under way when the pipeline goes.
    tasks: JoinSet<()>,
    done: (Sender<Finished>, Receiver<Finished>),
}

impl Desk {
    pub(super) fn new(dns: &Dns, runtime: Handle) -> Self {
        Self {
            dns: dns.clone(),
            runtime,
            waiting: VecDeque::new(),
            under_way: 0,
            tasks: JoinSet::new(),
            done: channel(),
        }
    }

    /// Takes in the question for the A records of `name`.
    pub(super) fn look_into(&mut self, zone: ZoneNumber, tag: u64, name: Name, route: Route, pace: Option<Pace>) {
        match Question::new(name, RecordType::A) {
            Ok(question) => {
                let ask = Ask { pace, ..Ask::new(question).via(route) };
                self.waiting.push_back((zone, tag, ask));
            }
            Err(error) => {
                self.under_way += 1;
                // The receiver lives as long as the sender.
                let _ = self.done.0.send((zone, tag, Err(Answer::Malformed(error.to_string()))));
            }
        }
    }

    /// Begins as many as may be under way.
    pub(super) fn start(&mut self) {
        while self.under_way < AT_ONCE
            && let Some((zone, tag, ask)) = self.waiting.pop_front()
        {
            self.under_way += 1;
            let (dns, done) = (self.dns.clone(), self.done.0.clone());
            self.tasks.spawn_on(
                async move {
                    let said = dns.look_up(ask).await;
                    // The pipeline may be gone.
                    let _ = done.send((zone, tag, said));
                },
                &self.runtime,
            );
        }
        while self.tasks.try_join_next().is_some() {}
    }

    pub(super) fn is_busy(&self) -> bool {
        self.under_way > 0
    }

    /// What has been found out since the last time.
    pub(super) fn finished(&mut self) -> Vec<Finished> {
        let finished: Vec<Finished> = self.done.1.try_iter().collect();
        self.under_way -= finished.len();
        finished
    }
}
