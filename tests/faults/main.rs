//! The fault matrix: worlds in perfect order in which one answer is missing, false or late, for every question that is asked.
//!
//! Which answers matter is not picked by hand: each question is also answered otherwise (`questions.rs`), and where any other
//! answer makes NO-GO, silence must not be GO. `cargo test --test faults` plays a sample. The whole of it takes about forty
//! minutes on two cores:
//!
//! ```console
//! $ MAIL_CUTOVER_FAULTS=all cargo test --release --test faults -- --nocapture
//! ```

#![expect(clippy::print_stdout, reason = "the figures of docs/assurance.md")]

#[path = "../world/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod world;

mod play;
mod questions;
mod servers;
mod table;
mod ways;

use std::path::Path;

use futures::stream::{StreamExt, iter};
use mail_cutover::demo::FaultRule;
use mail_cutover::model::Verdict;
use play::Played;
use questions::Question;
use table::Table;
use ways::Way;
use world::case::Case;

/// The worlds, by their files in tests/faults/worlds.
const WORLDS: [&str; 3] = ["before", "after", "direct"];

/// How many runs go on at once; most of them wait for an answer that does not come.
const AT_ONCE: usize = 48;

/// How many questions of a bad world go without an answer, one at a time.
const TRIES: usize = 8;

/// The ways in which they do.
const SILENCES: [Way; 5] = [Way::Silence, Way::ServFail, Way::Refused, Way::Garbage, Way::WrongId];

/// One of so many questions, and of their faults, is tried when not all are.
const SAMPLE: usize = 29;

fn read(name: &str) -> Case {
    let path = Path::new("tests/faults/worlds").join(name).with_extension("toml");
    Case::read(&path).unwrap_or_else(|problem| panic!("{problem}"))
}

/// Whether everything is to be tried.
fn all() -> bool {
    std::env::var("MAIL_CUTOVER_FAULTS").is_ok_and(|value| value == "all")
}

/// Every `SAMPLE`th, or all.
fn sample<T>(things: Vec<T>) -> Vec<T> {
    let step = if all() { 1 } else { SAMPLE };
    // Not from the first: it is the same question in every world.
    things.into_iter().skip(step / 2).step_by(step).collect()
}

/// Plays each world with each set of faults, several at a time, in the order given.
async fn play_all(world: &Case, cases: Vec<Vec<FaultRule>>) -> Vec<Played> {
    let played = cases.into_iter().map(|faults| {
        let world = world.clone();
        tokio::spawn(async move { play::play(&world, &faults).await })
    });
    iter(played).buffered(AT_ONCE).map(|done| done.expect("a run")).collect().await
}

/// For each question, whether an answer to it could stop the switch.
async fn decisive(world: &Case, asked: &[Question]) -> Vec<bool> {
    let answers: Vec<(usize, Vec<FaultRule>)> = asked
        .iter()
        .enumerate()
        .flat_map(|(index, question)| question.other_answers().into_iter().map(move |rules| (index, rules)))
        .collect();
    let (indices, cases): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    let mut decisive = vec![false; asked.len()];
    for (index, played) in indices.into_iter().zip(play_all(world, cases).await) {
        decisive[index] |= played.verdict == Verdict::NoGo;
    }
    decisive
}

/// Lost if it fails: somebody would switch on a GO although an answer that could have stopped the switch did not come, or the
/// tool would fall over or never come back on an answer that no server should give.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_missing_answer_is_go() {
    let mut table = Table::default();
    for name in WORLDS {
        let world = read(name);
        let (perfect, asked) = questions::of(&world).await;
        assert!(perfect.is_go(), "{name}: the world must be in order, or the rest shows nothing: {perfect:?}");
        let known = asked.len();
        let asked = sample(asked);
        let decisive = decisive(&world, &asked).await;
        table.world(name, known, asked.len(), decisive.iter().filter(|decisive| **decisive).count());
        let tried: Vec<(Question, bool, Way)> = asked
            .iter()
            .zip(decisive)
            .flat_map(|(question, decisive)| Way::all().map(move |way| (question.clone(), decisive, way)))
            .filter(|(question, _, way)| way.befalls(question))
            .collect();
        let cases = tried.iter().map(|(question, _, way)| way.rules(question)).collect();
        for ((question, decisive, way), played) in tried.iter().zip(play_all(&world, cases).await) {
            table.count(name, question, *decisive, *way, &played);
        }
    }
    println!("{table}");
    table.must_be_clean();
}

/// Lost if it fails: a new server that could not be spoken to would be called ready, or would hold the tool for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mute_server_is_go() {
    let path = Path::new("tests/faults/worlds/before.toml");
    let usual = play::play(&read("before"), &[]).await;
    let troubles = sample(servers::all(path));
    let playing = troubles.into_iter().map(|trouble| {
        tokio::spawn(async move {
            let played = play::play(&trouble.case, &[]).await;
            (trouble, played)
        })
    });
    let played: Vec<_> = iter(playing).buffered(AT_ONCE).map(|done| done.expect("a run")).collect().await;
    let mut wrong = Vec::new();
    let mut verdicts = std::collections::BTreeMap::new();
    for (trouble, played) in &played {
        *verdicts.entry(played.verdict).or_insert(0) += 1;
        let is_unseen = trouble.hides && played.is_go() || trouble.shows && played.said == usual.said;
        if is_unseen || played.overdue || !played.bugs.is_empty() {
            wrong.push(format!("{}: {played:?}", trouble.name));
        }
    }
    println!("servers that misbehave: {} cases, {verdicts:?}", played.len());
    assert!(wrong.is_empty(), "{} cases\n{}", wrong.len(), wrong.join("\n"));
}

/// Lost if it fails: a question that is not answered would make a bad world look good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_missing_answer_mends_a_world() {
    let cases = world::case::all().unwrap_or_else(|problems| panic!("{problems}"));
    let playing = sample(cases).into_iter().enumerate().map(|(index, case)| {
        tokio::spawn(async move {
            let before = play::play(&case, &[]).await;
            // What holds may hold because this machine is busy; a blocker was seen.
            if before.verdict != Verdict::NoGo || before.asked.is_empty() {
                return (case, 0, Vec::new());
            }
            let mut better = Vec::new();
            let asked = questions::asked(&before);
            // The places differ from case to case, and are the same in every run of the tests.
            let chosen: Vec<_> = asked.into_iter().skip(index % 7).step_by(7).take(TRIES).collect();
            for (nth, question) in chosen.iter().enumerate() {
                let way = SILENCES[(index + nth) % SILENCES.len()];
                let played = play::play(&case, &way.rules(question)).await;
                if played.is_go() || !played.bugs.is_empty() || played.overdue {
                    better.push(format!("{question}, {}: {:?}, was {:?}", way.words(), played.said, before.said));
                }
            }
            (case, chosen.len(), better)
        })
    });
    let played: Vec<_> = iter(playing).buffered(AT_ONCE).map(|done| done.expect("a case")).collect().await;
    let bad = played.iter().filter(|(_, tried, _)| *tried > 0).count();
    println!("bad worlds: {bad}, with one answer missing: {}", played.iter().map(|(_, tried, _)| tried).sum::<usize>());
    assert!(bad > 0, "no world was bad");
    let better: Vec<String> = played
        .iter()
        .flat_map(|(case, _, better)| better.iter().map(|better| format!("{}: {better}", case.path.display())))
        .collect();
    assert!(better.is_empty(), "{} worlds\n{}", better.len(), better.join("\n"));
}
