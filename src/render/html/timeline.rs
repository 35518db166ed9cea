//! The change as a line: what lies before and after the cutover, and where the run stands.

use chrono::{DateTime, FixedOffset, TimeDelta};
use maud::{Markup, html};

use crate::model::{Lang, Moment, Report, Side};
use crate::words::{self, board as said};

/// Half the height of the picture, in CSS pixels.
const MIDDLE: i32 = 40;

/// One place on the line: a moment of the plan, or the run.
struct Place {
    what: Option<Moment>,
    at: DateTime<FixedOffset>,
    /// From the left, in percent.
    x: f64,
}

/// The picture, and the same in words below it.
pub(super) fn draw(report: &Report, lang: Lang) -> Markup {
    let places = places(report);
    let x_of = |what: Moment| places.iter().find(|place| place.what == Some(what)).map(|place| place.x);
    let cutover = x_of(Moment::Cutover).unwrap_or(50.0);
    let overlap_ends = x_of(Moment::OverlapEnds).unwrap_or(100.0);
    let percent = |x: f64| format!("{x:.2}%");
    html! {
        figure {
            svg.timeline role="img" aria-label=(said::timeline_label(lang)) width="100%" height="104" {
                rect.old x="0" y="14" width=(percent(overlap_ends)) height="16" rx="3" {}
                rect.new x=(percent(cutover)) y="66" width=(percent(100.0 - cutover)) height="16" rx="3" {}
                text.lane x="6" y="26" { (words::side(lang, Side::Old)) }
                text.lane x=(percent(cutover)) dx="6" y="78" { (words::side(lang, Side::New)) }
                line.axis x1="0" x2="100%" y1="48" y2="48" {}
                @for (number, place) in places.iter().enumerate() {
                    @if place.what.is_none() {
                        line.now x1=(percent(place.x)) x2=(percent(place.x)) y1="6" y2="90" {}
                    }
                    @if place.what == Some(Moment::Cutover) {
                        line.cutover x1=(percent(place.x)) x2=(percent(place.x)) y1="6" y2="90" {}
                    }
                    circle class=(class(place.what)) cx=(percent(place.x)) cy=(MIDDLE + 8) r="11" {}
                    text.number x=(percent(place.x)) y=(MIDDLE + 12) text-anchor="middle" { (number + 1) }
                }
            }
            figcaption { (said::not_to_scale(lang)) }
        }
        ol.moments {
            @for place in &places {
                li class=(class(place.what)) {
                    time datetime=(place.at.to_rfc3339()) { (place.at.format("%Y-%m-%d %H:%M %:z")) }
                    span.what { (said::moment(lang, place.what)) }
                    @if place.what.is_some() { span.when { (said::distance(lang, place.at - report.finished)) } }
                }
            }
        }
    }
}

const fn class(what: Option<Moment>) -> &'static str {
    match what {
        None => "run",
        Some(Moment::Cutover) => "cutover",
        Some(_) => "moment",
    }
}

/// The moments in the order of time. A step between two grows with the logarithm of the time: minutes and weeks fit on one line.
fn places(report: &Report) -> Vec<Place> {
    let planned = report.milestones.iter().map(|milestone| (Some(milestone.what), milestone.at));
    let mut known: Vec<(Option<Moment>, DateTime<FixedOffset>)> =
        planned.chain([(None, report.finished.with_timezone(report.cutover_at.offset()))]).collect();
    if !known.iter().any(|(what, _)| *what == Some(Moment::Cutover)) {
        known.push((Some(Moment::Cutover), report.cutover_at));
    }
    known.sort_by_key(|(_, at)| *at);
    let mut along = 0.0;
    let mut before: Option<DateTime<FixedOffset>> = None;
    let mut places = Vec::new();
    for (what, at) in known {
        along += before.map_or(0.0, |before| step(at - before));
        before = Some(at);
        places.push(Place { what, at, x: along });
    }
    // Room for a whole circle at both ends, also on a narrow screen.
    let scale = if along > 0.0 { 84.0 / along } else { 0.0 };
    for place in &mut places {
        place.x = 8.0 + place.x * scale;
    }
    places
}

fn step(gap: TimeDelta) -> f64 {
    2.0 + (1.0 + gap.as_seconds_f64().max(0.0) / 3600.0).ln()
}
