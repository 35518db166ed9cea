//! What the new server enforces on those who send to it, whatever the server is.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exim::{Exim, EximError};
use super::judgement::{About, AskedZone, BareRule, Caller, Facts, Judgement, Unjudged};
use super::postfix::{Postfix, PostfixError};
use super::zones::Zones;
use crate::catalogue::{Catalogue, Target};
use crate::model::DomainName;

/// The rules of a mail server.
#[derive(Clone, Debug)]
pub enum Policy {
    /// Only the zones are known.
    Zones(Zones),
    /// Postfix.
    Postfix(Arc<Postfix>),
    /// Exim.
    Exim(Arc<Exim>),
}

/// Why the rules of a mail server cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file itself.
    #[error("could not read the configuration {}: {why}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: io::Error,
    },
    /// Postfix's.
    #[error(transparent)]
    Postfix(#[from] PostfixError),
    /// Exim's.
    #[error(transparent)]
    Exim(#[from] EximError),
}

impl Policy {
    /// Reads a mail server's configuration: Exim's, if it has options of Exim or `begin acl`; else Postfix's.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn read(path: &Path, domains: &[DomainName]) -> Result<Self, PolicyError> {
        if is_exims(path).map_err(|why| PolicyError::File { file: path.to_owned(), why })? {
            return Ok(Self::Exim(Arc::new(Exim::read(path)?.for_recipients(domains))));
        }
        Ok(Self::Postfix(Arc::new(Postfix::open(path, None)?)))
    }

    /// The keys of lists that stand in its zones; not to be shown.
    pub fn keys(&self) -> Vec<String> {
        let key = |zone: String| Some(Catalogue::embedded().list(&zone)?.key_in(&zone)?.to_owned());
        self.zones().into_iter().filter_map(key).collect()
    }

    /// The names of the zones it asks, each once, in the order in which it asks them.
    pub fn zones(&self) -> Vec<String> {
        let mut zones: Vec<String> = Vec::new();
        for asked in self.asked_zones() {
            if !zones.contains(&asked.zone) {
                zones.push(asked.zone);
            }
        }
        zones
    }

    /// The zones it asks, and about whom.
    pub fn asked_zones(&self) -> Vec<AskedZone> {
        match self {
            Self::Zones(zones) => zones.asked_zones(),
            Self::Postfix(postfix) => postfix.asked_zones().into_iter().collect(),
            Self::Exim(exim) => exim.asked_zones().to_vec(),
        }
    }

    /// Whether the names of clients play a part.
    pub fn wants_names(&self) -> bool {
        match self {
            Self::Zones(_) => false,
            Self::Postfix(postfix) => postfix.wants_names(),
            Self::Exim(exim) => exim.wants_names(),
        }
    }

    /// Whether the sender's domain plays a part, in a zone or by itself.
    pub fn wants_senders(&self) -> bool {
        self.wants_sender_domains() || self.asked_zones().iter().any(|asked| asked.about == About::Sender)
    }

    /// Whether it matters that the sender's domain exists.
    pub fn wants_sender_domains(&self) -> bool {
        match self {
            Self::Zones(_) => false,
            Self::Postfix(postfix) => postfix.wants_sender_domains(),
            Self::Exim(_) => true,
        }
    }

    /// Whether it matters that the name in HELO exists.
    pub fn wants_helo_domains(&self) -> bool {
        match self {
            Self::Zones(_) | Self::Exim(_) => false,
            Self::Postfix(postfix) => postfix.wants_helo_domains(),
        }
    }

    /// Whether the addresses of the name in HELO play a part.
    pub fn wants_helo_addresses(&self) -> bool {
        match self {
            Self::Zones(_) | Self::Postfix(_) => false,
            Self::Exim(exim) => exim.wants_helo_addresses(),
        }
    }

    /// Hosts whose addresses play a part.
    pub fn asked_hosts(&self) -> &[DomainName] {
        match self {
            Self::Zones(_) | Self::Postfix(_) => &[],
            Self::Exim(exim) => exim.asked_hosts(),
        }
    }

    /// Zones that are asked about the same subject whoever comes, and the subjects.
    pub fn asked_always(&self) -> &[(String, Target)] {
        match self {
            Self::Zones(_) | Self::Postfix(_) => &[],
            Self::Exim(exim) => exim.asked_always(),
        }
    }

    /// Whether it says what the server makes of every answer. Of mere zones that is not known: an error code may be a listing there.
    pub fn reads_answers(&self) -> bool {
        !matches!(self, Self::Zones(_))
    }

    /// What becomes of `caller`; pure.
    pub fn judge(&self, caller: &Caller, facts: &Facts) -> Judgement {
        match self {
            Self::Zones(zones) => zones.judge(caller, facts),
            Self::Postfix(postfix) => postfix.judge(caller, facts),
            Self::Exim(exim) => exim.judge(caller, facts),
        }
    }

    /// What is written there and not judged.
    pub fn unjudged(&self) -> &[Unjudged] {
        match self {
            Self::Zones(_) => &[],
            Self::Postfix(postfix) => postfix.unjudged(),
            Self::Exim(exim) => exim.unjudged(),
        }
    }

    /// Rules that take an error for a listing.
    pub fn bare_rules(&self) -> Vec<BareRule> {
        match self {
            Self::Zones(_) => Vec::new(),
            Self::Postfix(postfix) => postfix.bare_rules(),
            Self::Exim(exim) => exim.bare_rules(),
        }
    }
}

/// So much of a file is looked at to tell whose it is, in octets.
const LOOKED_AT: u64 = 1 << 20;

/// Whether the file is a configuration of Exim: it has ACLs, or names them.
fn is_exims(path: &Path) -> io::Result<bool> {
    let mut text = Vec::new();
    File::open(path)?.take(LOOKED_AT).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let is_of_exim = |line: &str| {
        let line = line.trim_start();
        line.starts_with("begin acl") || line.starts_with("acl_smtp_")
    };
    Ok(text.lines().any(is_of_exim))
}
