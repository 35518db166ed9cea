//! Zone cuts, what an authoritative server's message means to somebody on the way down, and what this run found on its walks.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::sync::OnceCell;

use super::exchange::Heard;
use super::question::Question;
use super::reply::Answer;
use super::resolve::word;
use super::roots;
use super::servers::Failure;

/// So many servers of one zone are taken notice of.
const MOST_HOSTS: usize = 20;

/// A zone and its servers, as the zone above tells.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) zone: Name,
    pub(super) hosts: Vec<Host>,
    answered: AtomicBool,
    referred: AtomicBool,
}

/// A server of a zone, with the addresses that came along with its name (glue).
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) name: Name,
    pub(super) glue: Vec<SocketAddr>,
}

impl Cut {
    pub(super) fn new(zone: Name, hosts: Vec<Host>) -> Self {
        Self { zone, hosts, answered: AtomicBool::default(), referred: AtomicBool::default() }
    }

    /// The cut at `zone` by the NS records among `records`. Glue counts only for names below `teller`, the zone whose server
    /// sent it: nobody may tell addresses elsewhere (RFC 5452, section 6).
    pub(super) fn read(zone: &Name, records: &[Record], message: &Message, teller: &Name, port: u16) -> Option<Self> {
        let mut hosts: Vec<Host> = Vec::new();
        for record in records.iter().filter(|record| record.name.eq_ignore_root(zone)) {
            if let RData::NS(server) = &record.data {
                let name = server.0.to_lowercase();
                if hosts.len() < MOST_HOSTS && hosts.iter().all(|host| host.name != name) {
                    let glue = glue(&name, message, teller, port);
                    hosts.push(Host { name, glue });
                }
            }
        }
        if hosts.is_empty() { None } else { Some(Self::new(zone.to_lowercase(), hosts)) }
    }

    /// The addresses of its servers, as far as they came along.
    pub(super) fn glue(&self) -> Vec<SocketAddr> {
        self.hosts.iter().flat_map(|host| host.glue.iter().copied()).collect()
    }

    /// Notes that its servers gave an answer of their own.
    pub(super) fn set_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Notes that its servers referred further down.
    pub(super) fn set_referred(&self) {
        self.referred.store(true, Ordering::Relaxed);
    }

    /// Whether its servers answer themselves, as far as is known: then nobody need wait to see where they refer to.
    pub(super) fn is_lowest(&self) -> bool {
        self.answered.load(Ordering::Relaxed) && !self.referred.load(Ordering::Relaxed)
    }
}

fn glue(name: &Name, message: &Message, teller: &Name, port: u16) -> Vec<SocketAddr> {
    if !teller.zone_of(name) {
        return Vec::new();
    }
    let address = |record: &Record| {
        let ip = match &record.data {
            RData::A(a) => a.0.into(),
            RData::AAAA(aaaa) => aaaa.0.into(),
            _ => return None,
        };
        record.name.eq_ignore_root(name).then(|| SocketAddr::new(ip, port))
    };
    message.additionals.iter().filter_map(address).take(MOST_HOSTS).collect()
}

/// What a zone's servers said.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// An answer of their own.
    Answer(Arc<Heard>),
    /// Ask further down.
    Referral(Arc<Cut>),
    /// Nothing of use.
    Failure(Failure),
}

/// The zone that `message` refers to: below `zone`, above `name` or at it (RFC 1034, section 4.3.2, step 3b). Some servers
/// set AA in it.
pub(in crate::probe) fn referred_to(message: &Message, name: &Name, zone: &Name) -> Option<Name> {
    if message.metadata.response_code != ResponseCode::NoError || !message.answers.is_empty() {
        return None;
    }
    let is_soa = |record: &Record| record.record_type() == RecordType::SOA;
    let below = |owner: &Name| zone.zone_of(owner) && !zone.eq_ignore_root(owner) && owner.zone_of(name);
    if message.authorities.iter().any(is_soa) {
        return None;
    }
    let mut servers = message.authorities.iter().filter(|record| record.record_type() == RecordType::NS);
    servers.find(|record| below(&record.name)).map(|record| record.name.to_lowercase())
}

/// The word for a message from a server of `zone`, or why it is not an answer: a server that neither answers with authority
/// nor refers downwards is lame.
pub(in crate::probe) fn judge(message: &Message, question: &Question, zone: &Name) -> Result<String, Answer> {
    match message.metadata.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain => {
            if referred_to(message, &question.name, zone).is_some() {
                Ok("referral".to_owned())
            } else if message.metadata.authoritative {
                word(message, question, zone)
            } else {
                Err(Answer::Lame(format!("the server is not responsible for {}", zone.to_ascii())))
            }
        }
        code => Err(Answer::Rcode(code)),
    }
}

/// What this run found on its walks.
#[derive(Debug)]
pub(super) struct Atlas {
    root: Arc<Cut>,
    cuts: Mutex<HashMap<Name, Arc<Cut>>>,
    /// By the name one label below a cut: whether somebody has looked what is there.
    explored: Mutex<HashMap<Name, Cell<()>>>,
    /// What was said about the addresses of servers, by zone and question.
    told: Mutex<HashMap<(Name, Question), Cell<Told>>>,
}

/// Filled by whoever comes first, while the others wait.
type Cell<T> = Arc<OnceCell<T>>;

impl Atlas {
    pub(super) fn new(hints: &[SocketAddr]) -> Self {
        Self {
            root: Arc::new(roots::root(hints)),
            cuts: Mutex::default(),
            explored: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// The deepest known cut above `name` or at it.
    pub(super) fn closest(&self, name: &Name) -> Arc<Cut> {
        let cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut name = name.clone();
        while !name.is_root() {
            if let Some(cut) = cuts.get(&name) {
                return Arc::clone(cut);
            }
            name = name.base_name();
        }
        Arc::clone(&self.root)
    }

    /// Remembers `cut`, unless one is known there, and returns the one that counts.
    pub(super) fn remember(&self, cut: Cut) -> Arc<Cut> {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(cuts.entry(cut.zone.clone()).or_insert_with(|| Arc::new(cut)))
    }

    /// The cell for who looks first below a cut, at `child`.
    pub(super) fn explored(&self, child: Name) -> Cell<()> {
        Arc::clone(self.explored.lock().unwrap_or_else(PoisonError::into_inner).entry(child).or_default())
    }

    /// The cell for what the servers of `zone` say to `question`.
    pub(super) fn told(&self, zone: &Name, question: &Question) -> Cell<Told> {
        let key = (zone.clone(), question.clone());
        Arc::clone(self.told.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default())
    }
}
