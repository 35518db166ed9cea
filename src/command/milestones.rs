//! What a change is planned around, from the plan and from the TTLs that a run saw.

use chrono::TimeDelta;

use crate::model::{Milestone, Moment, Observation, Phase, Section};
use crate::plan::Plan;

/// The check whose evidence is the TTLs of all records that change.
const OF_THE_TTLS: &str = "dns-ttl";

/// The moments that are known, in the order of time.
pub(super) fn milestones(
    plan: &Plan,
    phase: Phase,
    sections: &[Section],
    observations: &[Observation],
) -> Vec<Milestone> {
    let cutover = plan.cutover_at;
    let expired = plan.dns.lowered_at.zip(plan.dns.old_ttl).map(|(lowered, old)| lowered + old);
    let longest = longest_ttl(sections, observations);
    let last = longest.map(|ttl| cutover + ttl).into_iter().chain(expired.filter(|expired| *expired > cutover)).max();
    let still_long = longest.filter(|ttl| phase == Phase::Before && *ttl > plan.dns.ttl_target);
    let known = [
        (Moment::TtlLowered, plan.dns.lowered_at),
        (Moment::OldTtlExpired, expired),
        (Moment::LowerBy, still_long.map(|ttl| cutover - ttl)),
        (Moment::Cutover, Some(cutover)),
        (Moment::DecideBy, plan.rollback.as_ref().map(|rollback| cutover + rollback.decide_by)),
        (Moment::LastOldAnswer, last),
        (Moment::OverlapEnds, Some(plan.overlap_ends())),
    ];
    let offset = cutover.offset();
    let mut milestones: Vec<Milestone> =
        known.into_iter().filter_map(|(what, at)| Some(Milestone { what, at: at?.with_timezone(offset) })).collect();
    milestones.sort_by_key(|milestone| milestone.at);
    milestones
}

/// The longest TTL among the records that change.
fn longest_ttl(sections: &[Section], observations: &[Observation]) -> Option<TimeDelta> {
    let statements = sections.iter().filter(|section| section.card.id == OF_THE_TTLS);
    let evidence = statements.flat_map(|section| &section.statements).flat_map(|statement| &statement.evidence);
    let ttl = |id| observations.iter().find(|seen| seen.id == id)?.ttl;
    evidence.filter_map(|id| ttl(*id)).max().map(|ttl| TimeDelta::seconds(i64::from(ttl)))
}
