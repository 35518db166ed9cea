//! The rules, the registry and the texts held against themselves: every example, every code, every tag.

use super::rules::rules;
use super::*;

/// Lost if it fails: a rule that never speaks, or one whose wording another rule takes away.
#[test]
fn every_example_is_explained_by_its_rule() {
    rules().build_all().unwrap();
    let mut wrong = Vec::new();
    for rule in rules().all() {
        let ruling = classify(&rule.example, None, None);
        if ruling.rule_id() != rule.id {
            wrong.push(format!("{}: explained by {}: {}", rule.id, ruling.rule_id(), rule.example));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lost if it fails: wordings that programs and large receivers are known to use are explained as something else.
#[test]
fn known_wordings_have_their_class() {
    let mut wrong = Vec::new();
    for line in include_str!("../../tests/bounce/lines.tsv").lines() {
        let (class, text) = line.split_once('\t').unwrap();
        let ruling = classify(text, None, None);
        if ruling.class.word() != class {
            wrong.push(format!("{class} is taken for {} by {}: {text}", ruling.class.word(), ruling.rule_id()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
