//! Small worlds and what the tool must say about each: tests/scenarios/CHECK/CASE.toml.

#[expect(dead_code, reason = "asking by hand is for the tests of the world itself")]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mail_cutover::checks::CHECKS;
use mail_cutover::model::{Completion, Detail, Lang, Level, Saying, Section, Statement, Status, Verdict};
use mail_cutover::runner;
use world::case::{self, Case};

/// What one case came to.
struct Played {
    case: Case,
    sections: Vec<Section>,
    verdict: Verdict,
}

impl Played {
    /// The statements of the check the case belongs to.
    fn own(&self) -> impl Iterator<Item = &Statement> {
        self.sections
            .iter()
            .filter(|section| section.card.id == self.case.check)
            .flat_map(|section| &section.statements)
    }
}

async fn play(case: Case) -> Played {
    let (world, sites, text) = case.start().await;
    let path = case.path.display().to_string();
    let (context, phase) = case.context(&text);
    let limits = runner::Limits { deadline: Duration::from_secs(300), only: Vec::new(), skip: Vec::new() };
    let ending = runner::run(CHECKS, &context, &limits, std::future::pending(), |_, _| {}).await;
    assert_eq!(ending.completion, Completion::Complete, "{path}");
    let verdict = Verdict::over(&ending.sections, phase, true);
    drop((world, sites));
    Played { case, sections: ending.sections, verdict }
}

/// Plays every case, several at a time.
fn play_all() -> Vec<Played> {
    use futures::stream::{StreamExt, iter};
    let cases = case::all().unwrap_or_else(|problems| panic!("{problems}"));
    assert!(cases.len() > 100, "the cases were not found");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut played: Vec<Played> = runtime.block_on(
        iter(cases)
            .map(|case| tokio::spawn(play(case)))
            // One that waits for silence must not keep others from starting.
            .buffer_unordered(24)
            .map(|played| played.expect("a case"))
            .collect(),
    );
    played.sort_by(|one, other| one.case.path.cmp(&other.case.path));
    played
}

fn said(statement: &Statement) -> Option<String> {
    let outcome = statement.named()?;
    let about = statement.about.as_ref().map_or_else(String::new, |about| format!(" {about}"));
    Some(format!("{} {}{about}", outcome.tag, statement.subject))
}

/// Lost if it fails: see `about` in the case that failed. Every case must say exactly what it expects of its check, every outcome
/// that a check declares must be reached by one, and every check that asks the world must have a case in which the world is silent
/// and nothing passes.
#[test]
fn every_world_is_judged_right() {
    let played = play_all();
    let mut wrong = Vec::new();
    for one in &played {
        wrong.extend(
            judge(one)
                .into_iter()
                .map(|fault| format!("{}: {fault}\n    ({})", one.case.path.display(), one.case.about)),
        );
    }
    assert!(wrong.is_empty(), "{} faults\n{}", wrong.len(), wrong.join("\n"));
    coverage(&played);
}

fn judge(one: &Played) -> Vec<String> {
    let mut faults = Vec::new();
    let expected: BTreeSet<String> = one.case.expect.says.iter().cloned().collect();
    let found: BTreeSet<String> = one.own().filter_map(said).collect();
    if expected != found {
        let missing: Vec<&String> = expected.difference(&found).collect();
        let surplus: Vec<&String> = found.difference(&expected).collect();
        faults.push(format!("not said: {missing:?}, said without being expected: {surplus:?}"));
    }
    for pass in &one.case.expect.passes {
        let (check, subject) = pass.split_once(' ').unwrap_or((pass, ""));
        let statements: Vec<&Statement> = one
            .sections
            .iter()
            .filter(|section| section.card.id == check)
            .flat_map(|section| &section.statements)
            .filter(|statement| statement.subject.to_string() == subject)
            .collect();
        if !statements.iter().any(|statement| statement.status() == Status::Passed) {
            faults.push(format!("{pass} did not pass"));
        }
    }
    let shown: Vec<String> = one.own().flat_map(texts).collect();
    for part in one.case.expect.shows.iter().filter(|part| !shown.iter().any(|text| text.contains(*part))) {
        faults.push(format!("{part:?} is not shown in {shown:#?}"));
    }
    if let Some(verdict) = &one.case.expect.verdict
        && *verdict != one.verdict.words()
    {
        let heavy: Vec<String> = one
            .sections
            .iter()
            .flat_map(|section| &section.statements)
            .filter(|statement| statement.level > Some(Level::Note))
            .filter_map(said)
            .collect();
        faults.push(format!("the verdict is {}, not {verdict}: {heavy:?}", one.verdict.words()));
    }
    for section in &one.sections {
        for statement in &section.statements {
            faults.extend(unfilled(section, statement));
        }
    }
    faults
}

/// The English sentence, remedy and details of a statement.
fn texts(statement: &Statement) -> Vec<String> {
    let named = statement.named().into_iter().flat_map(|outcome| [outcome.says, outcome.remedy]);
    let details = statement.details.iter().flat_map(Detail::lines);
    let reason = match &statement.saying {
        Saying::NotApplicable(why) | Saying::NotCovered(why) => Some(why.in_lang(Lang::En).to_owned()),
        Saying::Passed | Saying::Outcome(_) => None,
    };
    named
        .map(|text| statement.args.say(text, Lang::En))
        .chain(details.map(|(_, line)| line.in_lang(Lang::En).to_owned()))
        .chain(reason)
        .collect()
}

/// Texts in which a `{word}` found no value, or a value that a terminal must not get.
fn unfilled(section: &Section, statement: &Statement) -> Vec<String> {
    let Some(outcome) = statement.named() else { return Vec::new() };
    [Lang::En, Lang::Ja]
        .into_iter()
        .flat_map(|lang| {
            [
                statement.args.say(outcome.says, lang),
                statement.args.say(outcome.remedy, lang),
                statement.args.fill(section.card.by_hand, lang),
            ]
        })
        // `\u{1b}` is a control character made visible, `= {` a piece of TOML in a remedy, `%{i}` a macro of SPF.
        .filter(|text| {
            text.replace("\\u{", "").replace("= {", "").replace("%{", "").contains('{')
                || text.chars().any(char::is_control)
        })
        .map(|text| format!("{}: a value is missing or unsafe in {text:?}", outcome.tag))
        .collect()
}

fn coverage(played: &[Played]) {
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut silent: BTreeSet<&str> = BTreeSet::new();
    for one in played {
        for section in &one.sections {
            let tags = section.statements.iter().filter_map(|statement| statement.named().map(|outcome| outcome.tag));
            reached.entry(section.card.id).or_default().extend(tags);
        }
        if one.case.path.file_stem().is_some_and(|name| name.to_string_lossy().starts_with("silent")) {
            let passed: Vec<_> = one.own().filter(|statement| statement.status() == Status::Passed).collect();
            assert!(passed.is_empty(), "{}: passed in a silent world", one.case.path.display());
            silent.extend(CHECKS.iter().map(|check| check.card.id).filter(|id| *id == one.case.check));
        }
    }
    let mut missing = Vec::new();
    for check in CHECKS {
        let reached = reached.get(check.card.id).cloned().unwrap_or_default();
        let declared = check.card.outcomes.iter().map(|outcome| outcome.tag);
        missing.extend(declared.filter(|tag| !reached.contains(tag) && !REACHED_ELSEWHERE.contains(tag)));
        if check.card.needs.is_the_world() {
            assert!(silent.contains(check.card.id), "{} has no silent*.toml case", check.card.id);
        }
    }
    assert!(missing.is_empty(), "no case reaches {missing:?}");
}

/// Outcomes that need more than one name server, a resolver with a public address, or a large file: tests/authorities.rs,
/// tests/zone_servers.rs, a unit test and tests/cli/rehearse.rs reach them.
const REACHED_ELSEWHERE: &[&str] = &[
    "ptr-delegation",
    "ptr-delegation-differs",
    "plan-vantage",
    "rehearsal-cut",
    "dns-ns-agree",
    "dns-lame-all",
    "dns-lame",
    "dns-soa-skew",
    "dns-ns-ttl",
    "dns-delegation",
    "tls-cert-key",
];
