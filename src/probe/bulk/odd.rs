//! Answers that are not plain: the question is put to the ordinary door, so that it is judged as everywhere else.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::ZoneNumber;
use crate::probe::dns::{Answer, Ask, Dns, Pace, Question, QuestionError, Route};

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

    /// Takes in the question for the A records of the name of these `labels`.
    pub(super) fn look_into<'l>(
        &mut self,
        zone: ZoneNumber,
        tag: u64,
        labels: impl Iterator<Item = &'l [u8]>,
        route: Route,
        pace: Option<Pace>,
    ) {
        let name = Name::from_labels(labels).map_err(|_| QuestionError::Length);
        match name.and_then(|name| Question::new(name, RecordType::A)) {
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

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::probe::bulk::{Pipeline, Way};
    use crate::probe::dns::{ResolverChoice, Settings};

    /// Lost if it fails: for a name that is too long the root would be asked in its place, and its answer mean "not listed".
    #[test]
    fn a_name_that_does_not_fit_is_not_known() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let server = socket.local_addr().unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let answering = std::thread::spawn(move || {
            let mut octets = [0; 512];
            let (_, from) = socket.recv_from(&mut octets).unwrap();
            // A bare header that says FORMERR.
            let refusal = [octets[0], octets[1], 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0];
            socket.send_to(&refusal, from).unwrap();
            // Whatever is asked afterwards does not exist.
            let Ok((_, from)) = socket.recv_from(&mut octets) else { return };
            let end = 12 + octets[12..].iter().position(|octet| *octet == 0).unwrap() + 5;
            (octets[2], octets[3], octets[11]) = (0x80, 3, 0);
            socket.send_to(&octets[..end], from).unwrap();
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let resolver = ResolverChoice::Servers(vec![server]);
        let dns = Dns::new(Settings { resolver, ..Settings::default() }).unwrap();
        let mut pipeline = Pipeline::beside(&dns, runtime.handle().clone());
        let zone = Name::from_labels(std::iter::repeat_n([b'x'; 60].as_slice(), 4)).unwrap();
        let zone = pipeline.add(Way { zone, servers: vec![server], route: Route::Resolver, pace: None });
        pipeline.push(zone, [255, 255, 255, 255].into(), 7);
        let mut answered = Vec::new();
        while answered.is_empty() {
            pipeline.turn(Duration::from_millis(10), &mut answered);
        }
        assert!(matches!(answered[0].said, Err(Answer::Malformed(_))), "{answered:?}");
        drop(pipeline);
        drop(dns);
        answering.join().unwrap();
    }
}
