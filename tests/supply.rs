//! What comes from others: licences, versions, sources and reasons, held by `deny.toml` without cargo-deny and without a network.

#![expect(clippy::print_stderr, reason = "what was not examined says so")]
#![expect(clippy::unwrap_used, reason = "a test that cannot read the manifests stops there")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// The parts of `deny.toml` that are held here. cargo-deny reads them too, and the rest.
#[derive(Deserialize)]
struct Deny {
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    skip: Vec<Named>,
    deny: Vec<Named>,
}

/// `name` or `name@version`, and why.
#[derive(Deserialize)]
struct Named {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

/// A crate that is compiled into the program, or while compiling it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
    /// An SPDX expression, or the older form with `/` for OR.
    licence: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn deny() -> Deny {
    toml::from_str(&fs::read_to_string(root().join("deny.toml")).unwrap()).unwrap()
}

/// The manifest as it was written: a packaged crate has another one beside it, without comments.
fn manifest() -> String {
    let written = root().join("Cargo.toml.orig");
    fs::read_to_string(if written.exists() { written } else { root().join("Cargo.toml") }).unwrap()
}

/// What the program is made of, and whether that is so for every system: the crates of others may not be on this machine.
fn crates() -> (BTreeSet<Crate>, bool) {
    let tree = |target: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(root()).args(["tree", "--locked", "--offline", "--edges", "normal,build", "--no-dedupe"]);
        cargo.args(["--prefix", "none", "--format", "{p}\t{l}"]).args(target);
        cargo.output().unwrap()
    };
    let mut told = tree(&["--target", "all"]);
    let is_whole = told.status.success();
    if !is_whole {
        let why = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(
            std::env::var_os("MAIL_CUTOVER_REQUIRE_DAEMONS").is_none(),
            "`cargo fetch --locked` brings them: {why}"
        );
        eprintln!(
            "NOT TESTED: crates for other systems, which are not on this machine (`cargo fetch --locked` brings them)"
        );
        told = tree(&[]);
    }
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let found: BTreeSet<Crate> = String::from_utf8(told.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| {
            let (package, licence) = line.split_once('\t')?;
            let mut words = package.split(' ');
            let name = words.next()?.to_owned();
            let version = words.next()?.trim_start_matches('v').to_owned();
            (name != "mail-cutover").then(|| Crate { name, version, licence: licence.to_owned() })
        })
        .collect();
    assert!(found.len() > 150, "only {} crates were found", found.len());
    (found, is_whole)
}

/// Whether an SPDX expression is met by licences that are allowed: OR, AND, WITH and brackets.
fn is_met(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = either(&words, &mut at, is_allowed);
    assert!(at == words.len(), "not an SPDX expression: {expression}");
    met
}

fn either(words: &[&str], at: &mut usize, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = both(words, at, is_allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= both(words, at, is_allowed);
    }
    met
}

fn both(words: &[&str], at: &mut usize, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = one(words, at, is_allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, is_allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let Some(&word) = words.get(*at) else { return false };
    *at += 1;
    if word == "(" {
        let met = either(words, at, is_allowed);
        assert_eq!(words.get(*at), Some(&")"), "a bracket is not closed");
        *at += 1;
        return met;
    }
    if words.get(*at) == Some(&"WITH") {
        let whole = format!("{word} WITH {}", words.get(*at + 1).unwrap());
        *at += 2;
        return is_allowed(&whole);
    }
    is_allowed(word)
}

/// Whether `deny.toml` allows the licence of a crate, without one that is left out.
fn is_allowed(one: &Crate, licences: &Licences, left_out: Option<&str>) -> bool {
    is_met(&one.licence, &|licence| {
        let general = licences.allow.iter().any(|allowed| allowed == licence && left_out != Some(licence));
        let mut exceptions = licences.exceptions.iter().filter(|exception| exception.name == one.name);
        general || exceptions.any(|exception| exception.allow.iter().any(|allowed| allowed == licence))
    })
}

/// Lost if it fails: the program could not be handed on under its own licence. A licence that nobody needs would be an open door.
#[test]
fn every_licence_is_allowed_and_every_allowance_is_needed() {
    let Licences { allow, exceptions } = deny().licenses;
    let licences = Licences { allow, exceptions };
    let (crates, _) = crates();
    for one in &crates {
        assert!(is_allowed(one, &licences, None), "{} {}: {:?} is not allowed", one.name, one.version, one.licence);
    }
    for licence in &licences.allow {
        let needed = crates.iter().any(|one| !is_allowed(one, &licences, Some(licence)));
        assert!(needed, "{licence} is allowed, and no crate needs it");
    }
    for exception in &licences.exceptions {
        assert!(crates.iter().any(|one| one.name == exception.name), "{}: an exception for nobody", exception.name);
    }
}

/// Lost if it fails: a copyleft part hidden behind an AND would pass as allowed.
#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    let met =
        |expression| is_met(expression, &|licence| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&licence));
    for good in ["MIT", "GPL-3.0/MIT", "(GPL-3.0 OR MIT) AND ISC", "Apache-2.0 WITH LLVM-exception", "X AND Y OR MIT"] {
        assert!(met(good), "{good}");
    }
    for bad in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "Apache-2.0", "MIT WITH X", "X OR MIT AND Y"]
    {
        assert!(!met(bad), "{bad}");
    }
}

/// Whether `version` is `wanted` or below it: 0.2.17 is of 0.2, and not of 0.21.
fn is_of(version: &str, wanted: &str) -> bool {
    version == wanted || version.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

/// Lost if it fails: the same code twice in the binary, of which only one gets its mends; or an excuse that outlived its reason.
#[test]
fn no_crate_is_there_twice_without_a_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (crates, is_whole) = crates();
    for Crate { name, version, .. } in crates {
        versions.entry(name).or_default().insert(version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let skips = deny().bans.skip;
    let mut used = BTreeSet::new();
    for (name, versions) in &versions {
        let mut open = versions.len();
        for version in versions {
            let skip = skips.iter().find(|skip| {
                let (skipped, wanted) = skip.name.split_once('@').expect("a skip names a version");
                skipped == name && is_of(version, wanted)
            });
            if let Some(skip) = skip {
                used.insert(skip.name.as_str());
                open -= 1;
            }
        }
        assert!(
            open <= 1,
            "{name} is there as {versions:?}: move to one, or write a skip with its reason into deny.toml"
        );
    }
    for skip in &skips {
        assert!(skip.reason.len() > 10, "{} is skipped without a reason", skip.name);
        assert!(used.contains(skip.name.as_str()) || !is_whole, "the skip of {} is not needed any more", skip.name);
    }
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    source: Option<String>,
    checksum: Option<String>,
}

/// Lost if it fails: code from somebody's branch, or of a crate that was decided against, would be in the binary.
#[test]
fn everything_comes_from_the_registry_and_nothing_was_decided_against() {
    let Deny { bans, sources, .. } = deny();
    let lock: Lock = toml::from_str(&fs::read_to_string(root().join("Cargo.lock")).unwrap()).unwrap();
    assert!(lock.package.len() > 200, "the lock file was not read");
    for one in &lock.package {
        let registry = one.source.as_deref().and_then(|source| source.strip_prefix("registry+"));
        let known = registry.is_some_and(|registry| sources.allow_registry.iter().any(|allowed| allowed == registry));
        assert!((known && one.checksum.is_some()) || one.name == "mail-cutover", "{}: from {:?}", one.name, one.source);
        let against = bans.deny.iter().find(|against| against.name == one.name);
        assert!(against.is_none(), "{} was decided against: {}", one.name, against.unwrap().reason);
    }
    assert!(bans.deny.iter().all(|against| against.reason.len() > 10), "a ban without a reason");
}

/// The dependencies of a table and those of single systems, by the name that the sources call them.
fn declared(manifest: &toml::Table, table: &str) -> Vec<(String, toml::Value)> {
    let of_systems = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(|one| one.values());
    let everywhere = manifest.get(table).into_iter();
    everywhere
        .chain(of_systems.filter_map(|system| system.get(table)))
        .filter_map(toml::Value::as_table)
        .flatten()
        .map(|(name, how)| (name.replace('-', "_"), how.clone()))
        .collect()
}

/// Whether one of the sources below `folders` says `name::`, not as a part of a longer path.
fn is_used(name: &str, folders: &[&str]) -> bool {
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let found = text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
                line.match_indices(&format!("{name}::")).any(|(at, _)| {
                    !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
                })
            });
            if found {
                return true;
            }
        }
    }
    false
}

/// Lost if it fails: a crate that nothing uses any more would go on being compiled, trusted and updated.
#[test]
fn every_direct_dependency_is_used_and_bounded() {
    let manifest: toml::Table = toml::from_str(&manifest()).unwrap();
    let mut counted = 0;
    for (table, folders) in [("dependencies", &["src"][..]), ("dev-dependencies", &["tests", "benches", "src"])] {
        for (name, how) in declared(&manifest, table) {
            assert!(is_used(&name, folders), "no source in {folders:?} uses {name} of [{table}]");
            let version = how.as_str().or_else(|| how.get("version")?.as_str());
            assert!(version.is_some_and(|version| !version.contains('*')), "{name} has no version");
            counted += 1;
        }
    }
    assert!(counted > 40, "the dependencies were not found");
    assert!(!is_used("no_such_crate", &["src"]), "everything counts as used");
}

/// Lost if it fails: a dependency that nobody can say the purpose of.
#[test]
fn every_dependency_has_its_reason() {
    let manifest = manifest();
    let mut in_dependencies = false;
    let mut reason = false;
    let mut counted = 0;
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && line.contains(" = ") {
            // A line that follows another dependency of the same purpose shares its comment.
            assert!(reason, "no reason stands before: {line}");
            counted += 1;
        } else if in_dependencies {
            reason = line.starts_with("# ");
        }
    }
    assert!(counted > 20, "the dependencies were not found");
}
