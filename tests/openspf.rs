//! The OpenSPF test suite for RFC 7208, evaluated through a real server on loopback.
//!
//! The suite is not ours and not in this repository: the folder that holds `rfc7208-tests.yml` is named by the environment
//! variable `MAIL_CUTOVER_SPF_SUITE`. Without it the test says that it was skipped; with `MAIL_CUTOVER_REQUIRE_SPF_SUITE=1` it
//! fails.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a suite that cannot be read stops here, and says its score"
)]

use std::env;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NULL, PTR, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use mail_cutover::demo::{Fault, FaultRule, World, Zone};
use mail_cutover::probe::{Dns, ResolverChoice, Settings};
use mail_cutover::spf::{Envelope, Evaluator};
use saphyr::{LoadableYamlNode, Yaml};

/// How many tests the suite has; a reader that loses some would otherwise go unnoticed.
const TESTS: usize = 203;
/// How long the door waits in silence; a time-out costs about five times this.
const SILENCE: Duration = Duration::from_millis(100);
/// The obsolete type SPF (RFC 7208, section 3.1).
const SPF: u16 = 99;
/// The types an evaluation might ask for.
const TYPES: [RecordType; 6] =
    [RecordType::TXT, RecordType::A, RecordType::AAAA, RecordType::MX, RecordType::PTR, RecordType::Unknown(SPF)];

/// One document of the suite.
struct Scenario {
    zone: Zone,
    faults: Vec<FaultRule>,
    cases: Vec<Case>,
}

/// One test of the suite.
struct Case {
    id: String,
    envelope: Envelope,
    /// Any of these.
    results: Vec<String>,
    /// What must be explained; nothing if it does not matter.
    explanation: Option<String>,
}

/// Lost if it fails: our answers about a sender policy would differ from those that receivers give.
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_suite() {
    let Some(folder) = env::var_os("MAIL_CUTOVER_SPF_SUITE").filter(|folder| !folder.is_empty()) else {
        let required = env::var("MAIL_CUTOVER_REQUIRE_SPF_SUITE").is_ok_and(|value| value == "1");
        assert!(!required, "the suite is required, and MAIL_CUTOVER_SPF_SUITE names no folder");
        println!("skipped: MAIL_CUTOVER_SPF_SUITE names no folder with rfc7208-tests.yml");
        return;
    };
    let text = fs::read_to_string(Path::new(&folder).join("rfc7208-tests.yml")).unwrap();
    let documents = Yaml::load_from_str(&text).unwrap();
    let begin = Instant::now();
    let (mut count, mut failures) = (0, Vec::new());
    for document in &documents {
        let scenario = Scenario::read(document);
        count += scenario.cases.len();
        failures.extend(scenario.play().await);
    }
    let passed = count - failures.len();
    println!("OpenSPF suite: {passed} of {count} in {:.1} s", begin.elapsed().as_secs_f64());
    assert!(failures.is_empty(), "{passed} of {count}\n{}", failures.join("\n"));
    assert_eq!(count, TESTS, "the suite was not read to its end");
}

impl Scenario {
    /// Plays every test, each with a fresh door; says what failed.
    async fn play(&self) -> Vec<String> {
        let world = World::start(std::slice::from_ref(&self.zone), &self.faults).await.unwrap();
        let mut failures = Vec::new();
        for case in &self.cases {
            let resolver = ResolverChoice::Servers(vec![world.address()]);
            let dns = Dns::new(Settings { resolver, retransmit: SILENCE, ..Settings::default() }).unwrap();
            let evaluation = Evaluator::new(dns).check_host(&case.envelope).await;
            let (result, explanation) = (evaluation.result.to_string(), evaluation.explanation);
            if !case.results.contains(&result) {
                failures
                    .push(format!("{}: expected {:?}, got {result} ({:?})", case.id, case.results, evaluation.problem));
            } else if let Some(expected) = &case.explanation
                && explanation.as_deref().unwrap_or("DEFAULT") != expected
            {
                failures.push(format!("{}: expected the explanation {expected:?}, got {explanation:?}", case.id));
            }
        }
        failures
    }

    fn read(document: &Yaml<'_>) -> Self {
        let mut records = Vec::new();
        let mut faults = Vec::new();
        for (owner, entries) in document["zonedata"].as_mapping().unwrap() {
            read_owner(owner.as_str().unwrap(), entries.as_sequence().unwrap(), &mut records, &mut faults);
        }
        let cases = document["tests"].as_mapping().unwrap().iter();
        Self {
            zone: Zone::new(".", "").with(records),
            faults,
            cases: cases.map(|(id, test)| Case::read(id.as_str().unwrap(), test)).collect(),
        }
    }
}

impl Case {
    fn read(id: &str, test: &Yaml<'_>) -> Self {
        let text = |key: &str| test[key].as_str().unwrap().to_owned();
        let results = match test["result"].as_sequence() {
            Some(several) => several.iter().map(|result| result.as_str().unwrap().to_owned()).collect(),
            None => vec![text("result")],
        };
        Self {
            id: id.to_owned(),
            envelope: Envelope::new(text("host").parse().unwrap(), text("helo"), text("mailfrom")),
            results,
            explanation: test.as_mapping_get("explanation").map(|text| text.as_str().unwrap().to_owned()),
        }
    }
}

/// The records of one name. Its SPF records stand as TXT records too unless it has any TXT entry, if only `NONE`; `TIMEOUT`
/// befalls the types it has no records of.
fn read_owner(owner: &str, entries: &[Yaml<'_>], records: &mut Vec<Record>, faults: &mut Vec<FaultRule>) {
    let name = name(owner);
    let is_txt = |entry: &Yaml<'_>| entry.as_mapping_get("TXT").is_some();
    let has_txt = entries.iter().any(is_txt);
    let mut own: Vec<RData> = Vec::new();
    let mut is_silent = false;
    for entry in entries {
        let Some(entry) = entry.as_mapping() else {
            assert_eq!(entry.as_str(), Some("TIMEOUT"), "{owner}");
            is_silent = true;
            continue;
        };
        for (rtype, value) in entry {
            match (rtype.as_str().unwrap(), value.as_str()) {
                ("TXT", Some("NONE")) => {}
                ("TXT", _) => own.push(RData::TXT(txt(value))),
                ("SPF", _) => {
                    own.push(obsolete(&txt(value)));
                    if !has_txt {
                        own.push(RData::TXT(txt(value)));
                    }
                }
                ("A", Some(address)) => own.push(RData::A(A(address.parse().unwrap()))),
                ("AAAA", Some(address)) => own.push(RData::AAAA(AAAA(address.parse().unwrap()))),
                ("PTR", Some(target)) => own.push(RData::PTR(PTR(self::name(target)))),
                ("CNAME", Some(target)) => own.push(RData::CNAME(CNAME(self::name(target)))),
                ("MX", None) => {
                    let preference = u16::try_from(value[0].as_integer().unwrap()).unwrap();
                    own.push(RData::MX(MX::new(preference, self::name(value[1].as_str().unwrap()))));
                }
                other => panic!("{owner}: cannot read {other:?}"),
            }
        }
    }
    if is_silent {
        let silent = TYPES.iter().filter(|rtype| own.iter().all(|data| data.record_type() != **rtype));
        faults.extend(silent.map(|rtype| FaultRule::new(owner, Fault::Drop).exact().rtype(*rtype)));
    }
    records.extend(own.into_iter().map(|data| Record::from_rdata(name.clone(), 300, data)));
}

/// One or several character strings; a character of the suite is an octet.
fn txt(value: &Yaml<'_>) -> TXT {
    let octets = |text: &str| text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>();
    let strings: Vec<Vec<u8>> = match value.as_sequence() {
        Some(strings) => strings.iter().map(|string| octets(string.as_str().unwrap())).collect(),
        None => vec![octets(value.as_str().unwrap())],
    };
    TXT::from_bytes(strings.iter().flat_map(|string| string.chunks(255)).collect())
}

/// The same text as a record of type 99.
fn obsolete(txt: &TXT) -> RData {
    let strings = txt.txt_data.iter().flat_map(|string| {
        let length = u8::try_from(string.len()).unwrap();
        std::iter::once(length).chain(string.iter().copied())
    });
    let octets: Vec<u8> = strings.collect();
    let rdata = if octets.is_empty() { NULL::new() } else { NULL::with(octets) };
    RData::Unknown { code: RecordType::Unknown(SPF), rdata }
}

/// A name whose labels may hold any octet.
fn name(text: &str) -> Name {
    Name::from_labels(text.split('.').filter(|label| !label.is_empty()).map(str::as_bytes)).unwrap()
}
