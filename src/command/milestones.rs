//! What a change is planned around, from the plan and from the TTLs that a run saw.

use chrono::TimeDelta;

use crate::model::{Milestone, Moment, Observation, Phase, Section};
use crate::plan::Plan;

/// The check whose evidence is the TTLs of all records that change.
const OF_THE_TTLS: &str = "dns-ttl";

/// The moments that are known, in the order of time.
pub(crate) fn milestones(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Known;

    fn plan(more: &str) -> Plan {
        let text = format!(
            "cutover_at = 2026-12-05T22:00:00+09:00\ndomains = [\"example.co.jp\"]\nhostname = \"mail.example.co.jp\"\n\
             [old]\nips = [\"192.0.2.25\"]\n[new]\nips = [\"203.0.113.25\"]\nallow_special = true\nreason = \"a test\"\n{more}"
        );
        crate::plan::parse(&text, "plan.toml", &Known::default())
            .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
    }

    fn told(plan: &Plan, phase: Phase, ttl: Option<u32>) -> Vec<(Moment, String)> {
        use crate::checks::CHECKS;
        use crate::model::{ObservationId, Statement, Subject};
        let check = CHECKS.iter().find(|check| check.card.id == OF_THE_TTLS).expect("the check of the TTLs");
        let seen = Observation {
            id: ObservationId(7),
            part: 0,
            door: "dns".into(),
            question: String::new(),
            route: "authority".into(),
            outcome: "data".to_owned(),
            answer: Vec::new(),
            ttl,
            negative_ttl: None,
            authoritative: true,
            authenticated: false,
            rehearsed: Vec::new(),
            exchanges: Vec::new(),
        };
        let statement = Statement::passed(Subject::Run).evidence([ObservationId(7)]);
        let sections = [Section { card: &check.card, statements: vec![statement] }];
        let found = milestones(plan, phase, &sections, &[seen]);
        found.into_iter().map(|one| (one.what, one.at.format("%d %H:%M").to_string())).collect()
    }

    /// Lost if it fails: a change board would be told the wrong hour to lower a TTL, to go back, or to retire the old server.
    #[test]
    fn moments_come_from_the_plan_and_the_ttls() {
        let at = |what, when: &str| (what, when.to_owned());
        let bare = plan("");
        let ends = at(Moment::OverlapEnds, "12 22:00");
        assert_eq!(told(&bare, Phase::Before, None), [at(Moment::Cutover, "05 22:00"), ends.clone()]);
        let long = [
            at(Moment::LowerBy, "05 21:00"),
            at(Moment::Cutover, "05 22:00"),
            at(Moment::LastOldAnswer, "05 23:00"),
            ends.clone(),
        ];
        assert_eq!(told(&bare, Phase::Before, Some(3600)), long);
        assert_eq!(told(&bare, Phase::After, Some(3600)), long[1..], "too late to lower it");
        let full = plan("[dns]\nlowered_at = 2026-12-05T10:00:00Z\nold_ttl = \"4h\"\n[rollback]\nowner = \"Sato\"\n");
        let wanted = [
            at(Moment::TtlLowered, "05 19:00"),
            at(Moment::Cutover, "05 22:00"),
            at(Moment::OldTtlExpired, "05 23:00"),
            at(Moment::LastOldAnswer, "05 23:00"),
            at(Moment::DecideBy, "06 00:00"),
            ends,
        ];
        assert_eq!(told(&full, Phase::Before, Some(60)), wanted);
    }
}
