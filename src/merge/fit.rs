//! Whether reports may be joined: of one plan, one phase, one world, not too old, and no run twice.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta};

use crate::model::{Part, Phase, Report, Vantage};
use crate::saved::Named;

/// A clock may be fast by so much.
const MOST_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Why reports do not fit together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// One report, or none.
    #[error("could not merge fewer than two reports; give one file for each place that check ran at")]
    TooFew,
    /// One of them says something about another plan, phase or world.
    #[error("could not merge {0} and {1}: {2}")]
    Differ(String, String, String),
    /// One run stands in both.
    #[error("could not merge {0} and {1}: both hold the same run ({2}); give each run once")]
    Same(String, String, String),
    /// What was true then need not be true now.
    #[error(
        "could not merge {0}: a run in it is older than {2} ({1}); run check again there, or allow more with --max-age"
    )]
    Old(String, String, String),
    /// A clock is wrong.
    #[error(
        "could not merge {0}: a run in it began in the future ({1}); set the clock right there or here, and run check again"
    )]
    Ahead(String, String),
}

/// Whether `reports` may be joined at `now`.
///
/// # Errors
/// [`Misfit`] names the files and the reason.
pub fn fit(reports: &[Named], now: DateTime<FixedOffset>, max_age: Duration) -> Result<(), Misfit> {
    let [first, others @ ..] = reports else { return Err(Misfit::TooFew) };
    if others.is_empty() {
        return Err(Misfit::TooFew);
    }
    for other in others {
        if let Some(why) = difference(&first.report, &other.report) {
            return Err(Misfit::Differ(first.path.clone(), other.path.clone(), why));
        }
    }
    let most = TimeDelta::from_std(max_age).unwrap_or(TimeDelta::MAX);
    for Named { path, report } in reports {
        for part in &report.parts {
            let age = now.signed_duration_since(part.started);
            if age > most {
                return Err(Misfit::Old(path.clone(), told(part), in_words(max_age)));
            }
            if age < -MOST_AHEAD {
                return Err(Misfit::Ahead(path.clone(), told(part)));
            }
        }
    }
    for (index, one) in reports.iter().enumerate() {
        for other in &reports[index + 1..] {
            let is_there = |part: &&Part| other.report.parts.iter().any(|known| is_same_run(known, part));
            if let Some(part) = one.report.parts.iter().find(is_there) {
                return Err(Misfit::Same(one.path.clone(), other.path.clone(), told(part)));
            }
        }
    }
    Ok(())
}

fn difference(one: &Report, other: &Report) -> Option<String> {
    let start = |sha256: &str| sha256.chars().take(12).collect::<String>();
    if one.plan_sha256 != other.plan_sha256 {
        let [one, other] = [one, other].map(|report| start(&report.plan_sha256));
        return Some(format!("they are of different plans (sha256 {one}… and {other}…); run check with the same file"));
    }
    if one.columns != other.columns || one.cutover_at != other.cutover_at {
        return Some("the plan is the same, but not its addresses: one of the files was changed".to_owned());
    }
    if one.phase != other.phase {
        let [one, other] = [one, other].map(|report| match report.phase {
            Phase::Before => "before",
            Phase::After => "after",
        });
        return Some(format!("one judges {one} the cutover and the other {other} it; run check again with --phase"));
    }
    if one.simulated != other.simulated {
        return Some("one is of a simulated world and the other of the real one".to_owned());
    }
    let zones = |report: &Report| {
        let mut zones: Vec<(String, String)> =
            report.rehearsed.iter().map(|zone| (zone.zone.clone(), zone.sha256.clone())).collect();
        zones.sort();
        zones
    };
    let is_rehearsed_alike = zones(one) == zones(other);
    (!is_rehearsed_alike)
        .then(|| "they rehearse different zones; run check with the same --rehearse at every place".to_owned())
}

fn is_same_run(one: &Part, other: &Part) -> bool {
    one.started == other.started && one.run_by == other.run_by && one.vantage == other.vantage
}

/// `2026-12-01 10:00:00 +09:00, kanri@mx1, on the new server`.
fn told(part: &Part) -> String {
    let place = match part.vantage {
        Vantage::Desk => "",
        Vantage::NewServer => ", on the new server",
    };
    let by = if part.run_by.is_empty() { String::new() } else { format!(", {}", part.run_by) };
    format!("{}{by}{place}", part.started.format("%Y-%m-%d %H:%M:%S %:z"))
}

/// A time limit as it is written on the command line.
fn in_words(limit: Duration) -> String {
    let seconds = limit.as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(unit, _)| seconds > *unit && seconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{seconds}s"), |(unit, word)| format!("{}{word}", seconds / unit))
}
