//! Each form before its own reader: xmllint, promtool, the schema of SARIF.

use std::process::Command;

use mail_cutover::render::Format;

use crate::{hostile, in_both, sample, tool};

/// Lost if it fails: a CI server would show no results, or only those before the first odd character.
#[test]
fn junit_keeps_to_its_schema() {
    let Some(xmllint) = tool::find(&["xmllint"], "xmllint (libxml2-utils)") else { return };
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/forms/junit.xsd");
    let check = |text: &str| tool::ask(Command::new(&xmllint).args(["--noout", "--schema", schema, "-"]), text);
    for report in [sample::report(&sample::five()), hostile::report()] {
        for text in in_both(&report, Format::Junit) {
            let (fits, said) = check(&text);
            assert!(fits, "{said}");
            let (fits, _) = check(&text.replace("<failure ", "<failing ").replace("</failure>", "</failing>"));
            assert!(!fits, "the schema admits anything");
        }
    }
}

/// Lost if it fails: the collector would refuse the file, and nobody would be told of a NO-GO.
#[test]
fn prometheus_reads_the_metrics() {
    let Some(promtool) = tool::find(&["promtool", "target/promtool/usr/bin/promtool"], "promtool (prometheus)") else {
        return;
    };
    for report in [sample::report(&sample::five()), sample::report(&sample::many()), hostile::report()] {
        for text in in_both(&report, Format::Prometheus) {
            let (fits, said) = tool::ask(Command::new(&promtool).args(["check", "metrics"]), &text);
            assert!(fits && said.is_empty(), "{said}");
            let (fits, _) = tool::ask(Command::new(&promtool).args(["check", "metrics"]), &format!("{text}x{{\" 1\n"));
            assert!(!fits, "promtool admits anything");
        }
    }
}

/// Lost if it fails: code scanning would refuse the upload.
#[test]
fn sarif_keeps_to_its_schema() {
    let Some(validator) = tool::find(&["jsonschema"], "jsonschema (python3-jsonschema)") else { return };
    let Some(schema) = tool::find(&["target/sarif-schema-2.1.0.json"], "the schema of SARIF (.ci/run fetches it)")
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.sarif");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        tool::ask(Command::new(&validator).arg("-i").args([&file, &schema]), "")
    };
    for report in [sample::report(&sample::five()), hostile::report()] {
        for text in in_both(&report, Format::Sarif) {
            let (fits, said) = check(&text);
            assert!(fits, "{said}");
            let (fits, _) = check(&text.replace("\"level\": \"error\"", "\"level\": \"loud\""));
            assert!(!fits, "the schema admits anything");
        }
    }
}
