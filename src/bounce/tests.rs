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
