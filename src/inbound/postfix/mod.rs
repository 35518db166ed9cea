//! What a Postfix will answer a stranger, from its own main.cf and master.cf.
//!
//! The behaviour is that of Postfix 3.7 (Debian 12), read in its source and compared with it by `tests/inbound.rs`.

mod bare;
mod compile;
mod config;
mod defaults;
mod expand;
mod filter;
mod judge;
mod lines;
mod master;
mod mynetworks;
mod postscreen;
mod read;
mod reply;
mod steps;
mod subjects;
mod syntax;
mod tables;
#[cfg(test)]
mod tests;
mod words;
mod zones;

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::inbound::{About, AskedZone, Caller, Facts, Judgement, Rule, Unjudged};
use compile::Compiler;
use config::Config;
use judge::{Session, Stage};
use mynetworks::Mynetworks;
use postscreen::Postscreen;
use steps::{DnsList, Step, Subject, Test, Unjudgeable, walk};

/// The most octets of one file that are read.
pub(super) const LARGEST_FILE: usize = 16 << 20;

/// The policy of a Postfix at port 25.
#[derive(Clone, Debug)]
pub struct Postfix {
    postscreen: Option<Postscreen>,
    stages: Vec<Stage>,
    mynetworks: Mynetworks,
    codes: Codes,
    default_reply: String,
    replies: Option<tables::Read>,
    soft_bounce: bool,
    looks_up_names: bool,
    /// What may refuse whoever comes, and is not judged.
    doubts: Vec<Unjudgeable>,
    /// With this Postfix serves nobody.
    broken: Option<Rule>,
    unjudged: Vec<Unjudged>,
}

/// Why a configuration cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum PostfixError {
    /// The file.
    #[error("could not read {}: {why}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: std::io::Error,
    },
    /// Nothing in it is a parameter.
    #[error("could not read {}: it sets no parameter (name = value)", file.display())]
    Empty {
        /// Which.
        file: PathBuf,
    },
}

/// What the configuration makes a client's replies of.
#[derive(Clone, Copy, Debug)]
struct Codes {
    reject: u16,
    defer: u16,
    map_defer: u16,
    maps_rbl: u16,
    unknown_client: u16,
    invalid_hostname: u16,
    non_fqdn: u16,
    unknown_hostname: u16,
    unknown_address: u16,
    /// An unanswered question about HELO defers only whom nothing else refuses.
    unknown_helo_waits: bool,
    /// The same for the sender's domain.
    unknown_address_waits: bool,
}

impl Postfix {
    /// What becomes of this client, as `facts` are.
    pub fn judge(&self, caller: &Caller, facts: &Facts) -> Judgement {
        Session::judge(self, caller, facts)
    }

    /// Every zone that it may ask, and about whom.
    pub fn asked_zones(&self) -> BTreeSet<AskedZone> {
        let sites = self.postscreen.iter().flat_map(|screen| &screen.sites);
        let mut asked: BTreeSet<AskedZone> =
            sites.map(|site| AskedZone { zone: site.zone.clone(), about: About::Client }).collect();
        self.each_list(&mut |_, list| {
            asked.insert(AskedZone { zone: list.zone.clone(), about: list.about });
        });
        asked
    }

    /// Whether it looks at the names of clients' addresses.
    pub fn wants_names(&self) -> bool {
        self.looks_up_names
            && self.any(&|test| match test {
                Test::UnknownClient | Test::UnknownReverse => true,
                Test::List(list) => matches!(list.about, About::ClientName | About::ReverseName),
                Test::Access(Subject::Client | Subject::ReverseClient, table) => table.knows_names(),
                _ => false,
            })
    }

    /// Whether it asks if HELO names exist.
    pub fn wants_helo_domains(&self) -> bool {
        self.any(&|test| matches!(test, Test::UnknownHelo))
    }

    /// Whether it asks if the domains of senders exist.
    pub fn wants_sender_domains(&self) -> bool {
        self.any(&|test| matches!(test, Test::UnknownSenderDomain))
    }

    /// What in the configuration is not judged, or is judged under an assumption; no more than 200.
    pub fn unjudged(&self) -> &[Unjudged] {
        &self.unjudged
    }

    fn any(&self, wanted: &dyn Fn(&Test) -> bool) -> bool {
        let mut found = false;
        self.each_step(&mut |step| found |= wanted(&step.test));
        found
    }

    fn each_step<'s>(&'s self, visit: &mut dyn FnMut(&'s Step)) {
        for stage in &self.stages {
            walk(&stage.steps, visit);
        }
    }

    fn each_list<'s>(&'s self, visit: &mut dyn FnMut(&'s Step, &'s DnsList)) {
        self.each_step(&mut |step| {
            if let Test::List(list) = &step.test {
                visit(step, list);
            }
        });
    }

    /// The template for the refusals of a list, as its rule names it.
    fn reply_template(&self, argument: &str) -> &str {
        let own = self.replies.as_ref().and_then(|map| map.values.get(map.content.find(argument, true)?));
        own.map_or(&self.default_reply, String::as_str)
    }
}

/// The most entries of [`Postfix::unjudged`]: a file that is none has more lines than anybody reads.
pub(super) const MOST_UNJUDGED: usize = 200;

/// A number of the configuration; Postfix does not start where it is none.
fn number(config: &Config, name: &str, notes: &mut Compiler<'_>) -> i64 {
    let number = config.value(name).ok().and_then(|value| value.parse().ok());
    if number.is_none() {
        notes.broken(name, config.place(name), name, words::bad_value());
    }
    number.unwrap_or_default()
}

/// Which of two words a parameter is: true for the first; Postfix does not start where it is neither.
fn either(config: &Config, name: &str, words: [&str; 2], notes: &mut Compiler<'_>) -> bool {
    let value = config.value(name).unwrap_or_default();
    let [first, second] = words.map(|word| value.eq_ignore_ascii_case(word));
    if !first && !second {
        notes.broken(name, config.place(name), name, words::bad_value());
    }
    first
}
