//! A world in which one type of question gets no use of an answer, one way after the other: never GO.

#[expect(dead_code, reason = "other tests use the rest")]
mod world;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{StreamExt, iter};
use mail_cutover::checks::CHECKS;
use mail_cutover::command::{context, known};
use mail_cutover::model::{Completion, Phase, Secrets, Vantage, Verdict};
use mail_cutover::{catalogue::Catalogue, plan, runner};
use world::case::Case;

/// A company that uses everything that the checks look at, in good order.
const WORLD: &str = r#"
about = "What could not be measured would pass."
base = ["small-internet"]
authenticated_below = ["example.co.jp", "arpa", "com"]
more = """
[auth]
dkim = { "example.co.jp" = ["s1"] }
"""

[add]
"example.co.jp" = """
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@example.co.jp"
s1._domainkey TXT "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnvVkNWztiyTyvbBnzIjcGDt+yEIiQAPih2mvOOGHmXOL1iZY523w2/x4mA9vbjatFjiWCW3d/brs2VWvR8KcDdcQxZrlrHTNOabDne3paz6/iNArpeCzTQ7UPmb68ifQZm8hOWVfn/9MpynStAwry4eO0OEiGVIiarAGPAdkCBl8A2J9OudfjluAKO4C" "AeU1tdhO5QdkzAnP3CexhgaFpZm6xGfXdm9DriWCeipEEzenshl6SfXKh6h5+lAvTboO9spIOCdBxswbZOerlZmeb62kHDtom3D+Up3rCUQLDB3fQREYqBxw5m91pxyJvc3Y1d9FjJfSnUZGnWcLOJCv4QIDAQAB"
"""

[lists]

[expect]
"#;

/// The verdict on it, with one more fault; nothing if the run did not end in time.
async fn judge(fault: &str) -> Option<Verdict> {
    let case = Case::parse(Path::new("tests/scenarios/none/matrix.toml"), &format!("{WORLD}{fault}")).expect("a case");
    let (world, _, text) = case.start().await;
    // Sooner silent than in other tests, but not sooner than a busy machine answers.
    let text = text.replace("timeout = \"400ms\"", "timeout = \"150ms\"");
    let plan = plan::parse(&text, "plan.toml", &known(Catalogue::embedded()));
    let plan = plan.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let context =
        context(plan, Vantage::Desk, Phase::Before, case.now, &Secrets::default(), Vec::new()).expect("a context");
    let limits = runner::Limits { deadline: Duration::from_secs(60), only: Vec::new(), skip: Vec::new() };
    let ending = runner::run(CHECKS, &Arc::new(context), &limits, std::future::pending(), |_, _| {}).await;
    drop(world);
    (ending.completion == Completion::Complete).then(|| Verdict::over(&ending.sections, Phase::Before, true))
}

/// Lost if it fails: somebody would switch on a GO although a whole kind of record could not be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_that_nobody_answers_is_never_go() {
    assert_eq!(judge("").await, Some(Verdict::Go), "the world must be in order, or the rest shows nothing");
    // NS is asked on the way to the servers only; what comes of its failure: tests/zone_servers.rs.
    let company = ["A", "AAAA", "MX", "TXT", "SOA", "TLSA", "CAA", "SRV"].map(|rtype| ("example.co.jp", rtype));
    let asked = company.into_iter().chain([("arpa", "PTR"), ("org", "A")]);
    let ways = ["drop", "servfail", "refused", "garbage", "truncate-always", "wrong-id"];
    let cases = asked.flat_map(|(below, rtype)| ways.map(|way| (below, rtype, way)));
    let play = |(below, rtype, way)| {
        let fault = format!("[[fault]]\nbelow = \"{below}\"\ntype = \"{rtype}\"\ndo = \"{way}\"\n");
        tokio::spawn(async move { (format!("{below} {rtype} {way}"), judge(&fault).await) })
    };
    let played: Vec<_> = iter(cases).map(play).buffer_unordered(8).map(|done| done.expect("a run")).collect().await;
    let wrong: Vec<_> = played.iter().filter(|(_, verdict)| matches!(verdict, None | Some(Verdict::Go))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
