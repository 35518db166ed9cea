//! Sender policies evaluated and surveyed in a miniature internet: what the OpenSPF suite does not ask about.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hickory_proto::rr::rdata::MX;
use mail_cutover::demo::{Fault, FaultRule, World, Zone};
use mail_cutover::model::Lang;
use mail_cutover::probe::{Dns, Name, Question, RData, RecordType, ResolverChoice, Settings};
use mail_cutover::spf::{
    Branch, Cause, Envelope, Evaluation, Evaluator, Fate, Limits, SpfResult, Survey, Unfollowed, Visit,
};

/// A world and an evaluator that asks it.
struct Lab {
    world: World,
    evaluator: Evaluator,
}

impl Lab {
    /// A world with one zone, `test`; `text` is its master file.
    async fn new(text: &str, faults: &[FaultRule]) -> Self {
        let world = World::start(&[Zone::new(".", ""), Zone::new("test", text)], faults).await.unwrap();
        let resolver = ResolverChoice::Servers(vec![world.address()]);
        let retransmit = Duration::from_millis(100);
        let evaluator = Evaluator::new(Dns::new(Settings { resolver, retransmit, ..Settings::default() }).unwrap());
        Self { world, evaluator }
    }

    async fn check(&self, ip: &str, sender: &str) -> Evaluation {
        self.evaluator.check_host(&Envelope::new(ip.parse().unwrap(), "mail.test", sender)).await
    }

    async fn survey(&self, domain: &str) -> Survey {
        self.evaluator.survey(domain).await
    }
}

/// Every record visited, with what became of its terms.
fn told(visit: &Visit, depth: usize, lines: &mut Vec<String>) {
    lines.push(format!("{}{} = {}", "  ".repeat(depth), visit.domain, visit.result));
    for step in &visit.steps {
        let asked: Vec<String> = step.queries.iter().map(|q| format!("{} {} {}", q.name, q.rtype, q.outcome)).collect();
        lines.push(format!("{}- {} {:?} [{}]", "  ".repeat(depth), step.term, step.fate, asked.join(", ")));
        if let Some(inner) = &step.inner {
            told(inner, depth + 1, lines);
        }
    }
}

fn leaves(branch: &Branch) -> Vec<(&str, u32, bool, Option<Unfollowed>)> {
    branch.leaves.iter().map(|leaf| (leaf.term.as_str(), leaf.lookups, leaf.can_be_reached, leaf.unfollowed)).collect()
}

/// Lost if it fails: nobody could see why an address passes or does not.
#[tokio::test]
async fn the_tree_tells_every_step() {
    let lab = Lab::new(
        "a TXT \"v=spf1 ip4:192.0.2.1 mx:m.test include:b.test redirect=c.test\"\n\
         m MX 10 x\nm MX 20 y\nx A 198.51.100.1\ny A 198.51.100.2\n\
         b TXT \"v=spf1 exists:%{ir}.b.test -all\"\n\
         c TXT \"other\"\nc TXT \"v=spf1 a:c.test/24 x-unknown=1 -all exp=e.c.test\"\nc A 203.0.113.9\n\
         e.c TXT \"%{i} is \" \"not %{d}\"\n",
        &[],
    )
    .await;
    let evaluation = lab.check("203.0.113.1", "who@a.test").await;
    let mut lines = Vec::new();
    told(&evaluation.root, 0, &mut lines);
    let expected = [
        "a.test = pass",
        "- ip4:192.0.2.1 NoMatch []",
        "- mx:m.test NoMatch [m.test MX data, x.test A data, y.test A data]",
        "- include:b.test NoMatch []",
        "  b.test = fail",
        "  - exists:%{ir}.b.test NoMatch [1.113.0.203.b.test A nxdomain]",
        "  - -all Match(Fail) []",
        "- redirect=c.test Followed(Pass) []",
        "  c.test = pass",
        "  - a:c.test/24 Match(Pass) [c.test A data]",
        "  - x-unknown=1 Idle []",
        "  - -all NotReached []",
        "  - exp=e.c.test Idle []",
    ];
    assert_eq!(lines, expected);
    assert_eq!((evaluation.lookups, evaluation.voids), (5, 1));
    let matched = evaluation.matched.unwrap();
    assert_eq!((matched.domain.as_str(), matched.term.as_str()), ("c.test", "a:c.test/24"));
    assert!(evaluation.problem.is_none() && evaluation.explanation.is_none() && evaluation.afterwards.is_empty());

    let failed = lab.check("::ffff:198.51.100.77", "who@a.test").await;
    assert_eq!(failed.result, SpfResult::Fail);
    assert_eq!(failed.explanation.as_deref(), Some("198.51.100.77 is not c.test"));
    assert_eq!(failed.afterwards.len(), 1);
    assert!(failed.root.query.unwrap().observation.is_some());
}

/// Lost if it fails: the host name's own record would be checked for another domain, or with another sender.
#[tokio::test]
async fn a_bounce_is_checked_by_its_helo() {
    let lab = Lab::new("mail TXT \"v=spf1 -all exp=e.test\"\ne TXT \"%{s} %{l} %{o} %{h}\"\n", &[]).await;
    let evaluation = lab.check("192.0.2.1", "").await;
    assert_eq!(evaluation.explanation.as_deref(), Some("postmaster@mail.test postmaster mail.test mail.test"));
    assert_eq!(lab.check("192.0.2.1", "who@mail.test").await.root.domain, "mail.test");
    assert_eq!(lab.check("192.0.2.1", "who@test").await.result, SpfResult::None);
}

/// Lost if it fails: an administrator would look for the mistake in the wrong record.
#[tokio::test]
async fn problems_point_at_the_record_and_the_place() {
    let lab = Lab::new(
        "deep TXT \"v=spf1 include:mid.test -all\"\nmid TXT \"v=spf1 redirect=bad.test\"\nbad TXT \"v=spf1 a ip4:1.2.3\"\n\
         gone TXT \"v=spf1 include:nothing.test -all\"\nodd TXT \"v=spf1 include:a..b.test -all\"\n\
         two TXT \"v=spf1 -all\"\ntwo TXT \"v=spf1 +all\"\nserv TXT \"v=spf1 a:broken.test -all\"\n\
         broken A 192.0.2.1\n",
        &[FaultRule::new("broken.test", Fault::ServFail)],
    )
    .await;
    for (domain, result, at, term, why) in [
        ("deep", SpfResult::PermError, "bad.test", None, "\"ip4:1.2.3\", octet 14: this is not an IPv4 address"),
        ("gone", SpfResult::PermError, "gone.test", Some("include:nothing.test"), "nothing.test has no SPF record"),
        ("odd", SpfResult::PermError, "odd.test", Some("include:a..b.test"), "\"a..b.test\" is not a domain"),
        ("two", SpfResult::PermError, "two.test", None, "the name has 2 SPF records"),
        (
            "serv",
            SpfResult::TempError,
            "serv.test",
            Some("a:broken.test"),
            "broken.test A: the server answered SERVFAIL",
        ),
    ] {
        let evaluation = lab.check("198.51.100.1", &format!("who@{domain}.test")).await;
        assert_eq!(evaluation.result, result, "{domain}");
        let problem = evaluation.problem.unwrap();
        assert_eq!((problem.domain.as_str(), problem.term.as_ref().map(|t| t.0.as_str())), (at, term), "{domain}");
        let said = problem.cause.why();
        assert!(said.in_lang(Lang::En).starts_with(why), "{said:?}");
        assert!(evaluation.matched.is_none(), "{domain}");
    }
}

/// Lost if it fails: a record that costs too much would pass here and fail at the receivers, or a loop would never end.
#[tokio::test]
async fn limits_end_evaluations() {
    let lab = Lab::new(
        "ten TXT \"v=spf1 a:o.test a:o.test a:o.test a:o.test a:o.test a:o.test a:o.test a:o.test a:o.test a:o.test +all\"\n\
         o A 192.0.2.1\neleven TXT \"v=spf1 a:o.test redirect=ten.test\"\n\
         loop TXT \"v=spf1 include:loop.test +all\"\n\
         void TXT \"v=spf1 a:v1.test mx:v2.test exists:v3.test +all\"\nptr TXT \"v=spf1 ptr a:v1.test a:v2.test +all\"\n\
         hosts TXT \"v=spf1 mx +all\"\nhosts MX 1 v1\nhosts MX 2 v2\nhosts MX 3 v3\n",
        &[],
    )
    .await;
    let ten = lab.check("198.51.100.1", "who@ten.test").await;
    assert_eq!((ten.result, ten.lookups, ten.voids), (SpfResult::Pass, 10, 0));
    for (domain, cause, at) in [
        ("eleven", Cause::TooManyLookups(10), "ten.test"),
        ("loop", Cause::TooManyLookups(10), "loop.test"),
        ("void", Cause::TooManyVoids(2), "void.test"),
        ("ptr", Cause::TooManyVoids(2), "ptr.test"),
        ("hosts", Cause::TooManyVoids(2), "hosts.test"),
    ] {
        let evaluation = lab.check("198.51.100.1", &format!("who@{domain}.test")).await;
        let problem = evaluation.problem.unwrap();
        assert_eq!((evaluation.result, problem.cause, problem.domain.as_str()), (SpfResult::PermError, cause, at));
    }
    let wide = Limits { voids: 3, ..Limits::default() };
    let envelope = Envelope::new("198.51.100.1".parse().unwrap(), "mail.test", "who@void.test");
    let evaluation = lab.evaluator.clone().within(wide).check_host(&envelope).await;
    assert_eq!((evaluation.result, evaluation.voids), (SpfResult::Pass, 3));
}

/// Lost if it fails: a silent server would hold the run for minutes.
#[tokio::test]
async fn time_is_limited() {
    let lab = Lab::new(
        "a TXT \"v=spf1 exists:a.silent.test exists:b.silent.test -all\"\np TXT \"v=spf1 ptr -all\"\n",
        &[FaultRule::new("silent.test", Fault::Drop), FaultRule::new("arpa", Fault::Drop)],
    )
    .await;
    let brief = Limits { time: Duration::from_millis(150), ..Limits::default() };
    let begin = Instant::now();
    let envelope = Envelope::new("192.0.2.1".parse().unwrap(), "mail.test", "who@a.test");
    let evaluation = lab.evaluator.clone().within(brief).check_host(&envelope).await;
    assert_eq!((evaluation.result, evaluation.problem.unwrap().cause), (SpfResult::TempError, Cause::Time));
    let step = &evaluation.root.steps[0];
    assert_eq!((step.fate, step.queries[0].outcome.as_str()), (Fate::Error, "too late"));
    let envelope = Envelope { sender: "who@p.test".to_owned(), ..envelope };
    let evaluation = lab.evaluator.within(brief).check_host(&envelope).await;
    assert_eq!((evaluation.result, evaluation.problem.unwrap().cause), (SpfResult::TempError, Cause::Time));
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

/// Lost if it fails: a hostile domain could fill memory, or make the tool ask without end.
#[tokio::test]
async fn huge_records_stay_bounded() {
    let strings = |text: &str, count: usize| format!("\"{text}\" ").repeat(count);
    let text = format!(
        "big TXT \"v=spf1 \" {} \"-all exp=e.test\"\ne TXT {}\nwild TXT \"v=spf1 \" {}\nmacro TXT \"v=spf1 exists:\" {} \".m.test ~all\"\n",
        strings(&"ip4:203.0.113.1 ".repeat(15), 100),
        strings(&"%{s}".repeat(60), 100),
        strings(&"a ".repeat(120), 100),
        strings(&"%{l}".repeat(60), 100),
    );
    let lab = Lab::new(&text, &[]).await;
    let big = lab.check("192.0.2.1", "who@big.test").await;
    assert_eq!((big.result, big.root.steps.len()), (SpfResult::Fail, 1502));
    assert_eq!(big.explanation.unwrap().chars().count(), 2048);
    let wild = lab.check("192.0.2.1", "who@wild.test").await;
    assert_eq!((wild.result, wild.lookups), (SpfResult::PermError, 3));
    assert_eq!(lab.check("192.0.2.1", "who@macro.test").await.result, SpfResult::SoftFail);
    let longest = lab.world.asked().iter().map(|asked| asked.name.len()).max();
    assert!(longest.is_some_and(|longest| longest <= 254), "{longest:?}");
    assert!(lab.world.asked().iter().all(|asked| asked.rtype != RecordType::Unknown(99)));
}

/// Lost if it fails: a record near the limit would be called cheap because its first term matches.
#[tokio::test]
async fn a_survey_counts_the_whole_tree() {
    let lab = Lab::new(
        "top TXT \"v=spf1 a mx include:one.test include:%{d}.sub.test ip4:192.0.2.1 exists:%{i}.x.test redirect=two.test\"\n\
         one TXT \"v=spf1 include:two.test ptr +all a:never.test redirect=never.test\"\n\
         top.test.sub TXT \"v=spf1 a a -all\"\ntwo TXT \"v=spf1 mx mx ?all\"\n\
         macro TXT \"v=spf1 include:%{ir}.test -all\"\nring TXT \"v=spf1 a include:rong.test -all\"\n\
         rong TXT \"v=spf1 include:ring.test -all\"\nlost TXT \"v=spf1 include:nothing.test include:bad.test -all\"\n\
         bad TXT \"v=spf1 ip4:x\"\nall TXT \"v=spf1 redirect=one.test -all\"\n",
        &[],
    )
    .await;
    let top = lab.survey("Top.test.").await;
    assert_eq!((top.lookups, top.limit, top.is_complete), (14, 10, true));
    assert_eq!(
        leaves(&top.root),
        [
            ("a", 1, true, None),
            ("mx", 1, true, None),
            ("include:one.test", 5, true, None),
            ("include:%{d}.sub.test", 3, true, None),
            ("ip4:192.0.2.1", 0, true, None),
            ("exists:%{i}.x.test", 1, true, None),
            ("redirect=two.test", 3, true, None),
        ]
    );
    let one = lab.survey("one.test").await;
    let idle = [("a:never.test", 0, false, None), ("redirect=never.test", 0, false, None)];
    assert_eq!((one.lookups, &leaves(&one.root)[3..]), (4, &idle[..]));
    assert_eq!(lab.survey("all.test").await.lookups, 0);

    let unread = lab.survey("macro.test").await;
    assert_eq!((unread.lookups, unread.is_complete), (1, false));
    assert_eq!(leaves(&unread.root)[0].3, Some(Unfollowed::Macro));
    let ring = lab.survey("ring.test").await;
    assert_eq!((ring.lookups, ring.is_complete), (3, false));
    let lost = lab.survey("lost.test").await;
    assert_eq!((lost.lookups, lost.is_complete), (2, false));
    let problem = |leaf: usize| lost.root.leaves[leaf].inner.as_ref().unwrap().problem.clone().unwrap().cause;
    assert!(matches!(problem(0), Cause::NoRecord(name) if name == "nothing.test"));
    assert!(matches!(problem(1), Cause::Syntax(_)));
}

/// Lost if it fails: records that include each other tenfold would be counted for ever.
#[tokio::test]
async fn a_survey_ends() {
    let layers = (0..6).map(|n| {
        let next = format!("include:l{}.test ", n + 1).repeat(8);
        format!("l{n} TXT \"v=spf1 {next}-all\"\n")
    });
    let lab = Lab::new(&(layers.collect::<String>() + "l6 TXT \"v=spf1 -all\"\n"), &[]).await;
    let survey = lab.survey("l0.test").await;
    assert!(!survey.is_complete && survey.lookups >= 100 && survey.lookups < 200, "{}", survey.lookups);
}

/// Lost if it fails: a chain of records without end, which one wildcard can make, would fill the stack and end the run.
#[tokio::test]
async fn a_chain_without_end_is_left() {
    let lab = Lab::new("*.w TXT \"v=spf1 include:a.%{d} -all\"\n", &[]).await;
    let survey = lab.survey("a.w.test").await;
    assert!(!survey.is_complete && survey.lookups > survey.limit && survey.lookups < 20, "{}", survey.lookups);
    assert_eq!(lab.check("192.0.2.1", "who@a.w.test").await.problem.unwrap().cause, Cause::TooManyLookups(10));
}

/// Lost if it fails: what will be true after the cutover could not be told from what is, or would be asked of the real world.
#[tokio::test]
async fn a_supposed_world_answers_for_itself() {
    let lab = Lab::new("a TXT \"v=spf1 mx a:b.test -all\"\na MX 10 old\nold A 192.0.2.1\nb A 192.0.2.1\n", &[]).await;
    let mx = RData::MX(MX::new(10, Name::from_ascii("new.test.").unwrap()));
    let question = |name: &str, rtype| Question::new(name, rtype).unwrap();
    let supposed = HashMap::from([
        (question("a.test", RecordType::MX), vec![mx]),
        (question("new.test", RecordType::A), vec![RData::A("203.0.113.1".parse().unwrap())]),
        (question("b.test", RecordType::A), Vec::new()),
    ]);
    let later = lab.evaluator.clone().supposing(supposed);
    for (ip, now, then) in
        [("192.0.2.1", SpfResult::Pass, SpfResult::Fail), ("203.0.113.1", SpfResult::Fail, SpfResult::Pass)]
    {
        let envelope = Envelope::new(ip.parse().unwrap(), "mail.test", "who@a.test");
        assert_eq!(lab.evaluator.check_host(&envelope).await.result, now, "{ip}");
        assert_eq!(later.check_host(&envelope).await.result, then, "{ip}");
    }
    let envelope = Envelope::new("192.0.2.1".parse().unwrap(), "mail.test", "who@a.test");
    let evaluation = later.check_host(&envelope).await;
    let asked: Vec<_> = evaluation.queries().iter().map(|q| (q.name.clone(), q.outcome.clone())).collect();
    let expected = [("a.test", "data"), ("a.test", "as planned"), ("new.test", "as planned"), ("b.test", "as planned")];
    assert_eq!(asked, expected.map(|(name, outcome)| (name.to_owned(), outcome.to_owned())));
    assert_eq!((evaluation.observations().len(), evaluation.voids), (1, 1));
}

/// Lost if it fails: in a network that lets only its resolver out, every record would take longer than an evaluation may.
#[tokio::test]
async fn a_route_that_leads_to_nobody_is_tried_once() {
    let text = "a TXT \"v=spf1 include:b.test include:c.test include:d.test -all\"\nb TXT \"v=spf1 a:b.test -all\"\n\
                b A 192.0.2.2\nc TXT \"v=spf1 a:b.test -all\"\nd TXT \"v=spf1 ip4:192.0.2.1 -all\"\n";
    let lab = Lab::new(text, &[FaultRule::new(".", Fault::Drop).when_rd(false)]).await;
    let world = lab.world.address();
    let settings = Settings {
        resolver: ResolverChoice::Servers(vec![world]),
        root_hints: vec![world],
        authority_port: world.port(),
        retransmit: Duration::from_millis(100),
        ..Settings::default()
    };
    let evaluator = Evaluator::published(Dns::new(settings).unwrap());
    let envelope = Envelope::new("192.0.2.1".parse().unwrap(), "mail.test", "who@a.test");
    assert_eq!(evaluator.check_host(&envelope).await.result, SpfResult::Pass);
    let iterative: Vec<_> =
        lab.world.asked().into_iter().filter(|asked| !asked.recursion).map(|asked| asked.name).collect();
    assert!(!iterative.is_empty() && !iterative.iter().any(|name| name.starts_with("b.")), "{iterative:?}");
}
