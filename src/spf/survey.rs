//! What a record costs at the worst: its whole tree, as if nothing matched (RFC 7208, section 4.6.4).

use std::ops::Range;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::Evaluator;
use super::evaluate::{Found, find, without_record};
use super::expand::{expand_name, is_domain, without_dot};
use super::lookup::put;
use super::problem::{Cause, Problem};
use super::tree::Query;
use crate::probe::RecordType;
use crate::records::spf::{Kind, Letter, MacroString, Mechanism, Modifier, Record, Term};

/// After so many terms that ask the DNS nobody counts on.
const MOST: u32 = 100;

/// The tree of a record.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Terms that ask the DNS, in an evaluation in which nothing matches until the end.
    pub lookups: u32,
    /// How many are allowed.
    pub limit: u32,
    /// Whether `lookups` is all: otherwise part of the tree was not read, and it is at least this.
    pub is_complete: bool,
    /// The domain's own record.
    pub root: Branch,
}

/// One record of the tree.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The domain.
    pub domain: String,
    /// The question for its record; nothing if the domain cannot be asked for.
    pub query: Option<Query>,
    /// The text of the record; an octet is a character.
    pub record: Option<String>,
    /// Terms that ask the DNS, here and below.
    pub lookups: u32,
    /// Its terms in their order.
    pub leaves: Vec<Leaf>,
    /// Why this record makes every evaluation that reaches it end in an error.
    pub problem: Option<Problem>,
}

/// One term of a record.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The term as written.
    pub term: String,
    /// What it is.
    pub kind: Kind,
    /// Its octets in the record.
    pub span: Range<usize>,
    /// What it costs, the record it leads to included.
    pub lookups: u32,
    /// Whether an evaluation can come to it: not behind `all`, and not `redirect=` beside `all`.
    pub can_be_reached: bool,
    /// The record it leads to.
    pub inner: Option<Box<Branch>>,
    /// Why the record that it leads to was not read.
    pub unfollowed: Option<Unfollowed>,
}

/// Why a record was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfollowed {
    /// Its name depends on the message.
    Macro,
    /// It is on the way here: evaluations go round until a limit ends them.
    Loop,
    /// So much was read that the limit is passed by far.
    TooMuch,
}

struct Surveyor<'a> {
    evaluator: &'a Evaluator,
    until: Instant,
    lookups: u32,
    is_complete: bool,
    path: Vec<String>,
}

pub(super) async fn survey(evaluator: &Evaluator, domain: &str) -> Survey {
    let until = Instant::now() + evaluator.limits.time;
    let mut surveyor = Surveyor { evaluator, until, lookups: 0, is_complete: true, path: Vec::new() };
    let root = surveyor.branch(without_dot(domain)).await;
    Survey { lookups: root.lookups, limit: evaluator.limits.lookups, is_complete: surveyor.is_complete, root }
}

impl Surveyor<'_> {
    fn branch(&mut self, domain: String) -> BoxFuture<'_, Branch> {
        async move {
            let mut branch =
                Branch { domain, query: None, record: None, lookups: 0, leaves: Vec::new(), problem: None };
            if !is_domain(&branch.domain) {
                branch.fail(without_record(&branch.domain));
                return branch;
            }
            let (query, told) = put(self.evaluator, &branch.domain, RecordType::TXT, self.until).await;
            branch.query = Some(query);
            match find(told) {
                Found::None => branch.fail(without_record(&branch.domain)),
                Found::Bad(cause, text) => {
                    self.is_complete = false;
                    branch.record = text;
                    branch.fail(cause);
                }
                Found::Record(record) => {
                    branch.record = Some(record.text.clone());
                    self.path.push(key(&branch.domain));
                    self.leaves(&record, &mut branch).await;
                    self.path.pop();
                }
            }
            branch
        }
        .boxed()
    }

    async fn leaves(&mut self, record: &Record, branch: &mut Branch) {
        let mut is_over = false;
        let redirect = record.redirect().map(|(place, _)| place);
        for (place, term) in record.terms.iter().enumerate() {
            let can_be_reached = match &term.kind {
                Kind::Directive(..) => !is_over,
                Kind::Modifier(Modifier::Redirect(_)) => redirect == Some(place),
                Kind::Modifier(_) => true,
            };
            is_over |= matches!(term.kind, Kind::Directive(_, Mechanism::All));
            let leaf = self.leaf(term, can_be_reached, &branch.domain).await;
            branch.lookups += leaf.lookups;
            branch.leaves.push(leaf);
        }
    }

    async fn leaf(&mut self, term: &Term, can_be_reached: bool, domain: &str) -> Leaf {
        let mut leaf = Leaf {
            term: term.text.clone(),
            kind: term.kind.clone(),
            span: term.span.clone(),
            lookups: 0,
            can_be_reached,
            inner: None,
            unfollowed: None,
        };
        if !can_be_reached || !term.kind.asks() {
            return leaf;
        }
        leaf.lookups = 1;
        self.lookups += 1;
        let (Kind::Directive(_, Mechanism::Include(spec)) | Kind::Modifier(Modifier::Redirect(spec))) = &term.kind
        else {
            return leaf;
        };
        match self.target(spec, domain) {
            Ok(target) => {
                let inner = self.branch(target).await;
                leaf.lookups += inner.lookups;
                leaf.inner = Some(Box::new(inner));
            }
            Err(why) => {
                self.is_complete = false;
                leaf.unfollowed = Some(why);
            }
        }
        leaf
    }

    fn target(&self, spec: &MacroString, domain: &str) -> Result<String, Unfollowed> {
        if spec.letters().any(|letter| letter != Letter::Domain) {
            return Err(Unfollowed::Macro);
        }
        let nobody = std::net::Ipv4Addr::UNSPECIFIED.into();
        let scope = super::expand::Scope {
            sender: "",
            local_part: "",
            sender_domain: "",
            domain,
            ip: nobody,
            validated: "",
            helo: "",
            receiver: "",
            at: 0,
        };
        let target = expand_name(spec, &scope);
        if self.path.contains(&key(&target)) {
            return Err(Unfollowed::Loop);
        }
        // Each record on the way here cost a term: no evaluation comes deeper, and a chain without end must not fill the stack.
        let deepest = usize::try_from(self.evaluator.limits.lookups).unwrap_or(usize::MAX);
        if self.lookups >= MOST || self.path.len() > deepest { Err(Unfollowed::TooMuch) } else { Ok(target) }
    }
}

impl Branch {
    /// This record and those below it, from the top.
    pub fn all(&self) -> Vec<&Branch> {
        let below = self.leaves.iter().filter_map(|leaf| leaf.inner.as_deref()).flat_map(Branch::all);
        std::iter::once(self).chain(below).collect()
    }

    /// Its terms that an evaluation can come to.
    pub fn reachable(&self) -> impl Iterator<Item = &Leaf> {
        self.leaves.iter().filter(|leaf| leaf.can_be_reached)
    }

    fn fail(&mut self, cause: Cause) {
        self.problem = Some(Problem { domain: self.domain.clone(), term: None, cause });
    }
}

/// Equal for equal names.
fn key(domain: &str) -> String {
    without_dot(domain).to_ascii_lowercase()
}
