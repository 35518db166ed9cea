//! Whether two reports are of one move, and in the order in which they are given.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, TimeDelta};

use crate::model::{Column, Expected};
use crate::saved::Named;

/// A clock may be fast by so much.
const MOST_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Why reports cannot be compared.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Another move.
    #[error("could not compare with {0}: it is of another plan ({1}); give a report of this move")]
    Other(String, String),
    /// A demo and the world.
    #[error("could not compare with {0}: one is of a simulated world and the other of the real one")]
    Simulated(String),
    /// It is younger than what it is to be the baseline of.
    #[error(
        "could not compare with {0}: its run began later ({1}); give the earlier report first, or set the clock right"
    )]
    Later(String, String),
}

/// Whether `earlier` is a report of the move with these addresses and records, and began before `started`. The text of the plan may
/// have changed since (waivers, attestations, another time): its addresses and domains may not.
///
/// # Errors
/// [`Misfit`] names the file and the reason.
pub fn fit(
    earlier: &Named,
    columns: &[Column],
    expects: &[Expected],
    simulated: bool,
    started: DateTime<FixedOffset>,
) -> Result<(), Misfit> {
    let Named { path, report } = earlier;
    if report.simulated != simulated {
        return Err(Misfit::Simulated(path.clone()));
    }
    let addresses = |columns: &[Column]| columns.iter().map(|one| (one.side, one.ip)).collect::<BTreeSet<_>>();
    if addresses(&report.columns) != addresses(columns) {
        return Err(Misfit::Other(path.clone(), "it has other addresses".to_owned()));
    }
    let domains = |expects: &[Expected]| {
        let domains = expects.iter().filter(|one| one.rtype == "MX").map(|one| one.name.clone());
        domains.collect::<BTreeSet<_>>()
    };
    // A report of before this was written down names none.
    if !report.expects.is_empty() && domains(&report.expects) != domains(expects) {
        return Err(Misfit::Other(path.clone(), "it has other domains".to_owned()));
    }
    if report.started.signed_duration_since(started) > MOST_AHEAD {
        return Err(Misfit::Later(path.clone(), report.started.format("%Y-%m-%d %H:%M:%S %:z").to_string()));
    }
    Ok(())
}
