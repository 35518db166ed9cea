//! A case: a small world, a plan, and what the tool must say about it; tests/scenarios/CHECK/CASE.toml.
//!
//! ```toml
//! about = "What would be lost if this went wrong."      # required
//! base = ["small-internet"]                             # tests/scenarios/base/*.toml, or "internet" of the demo
//! now = "2026-12-01T10:00:00+09:00"                     # else this
//! phase = "before"                                      # else from the clock
//! plan = """..."""                                      # else usual_plan(); @WORLD@ is the world's address and port
//! new = '["203.0.113.25"]'                              # the new addresses in the usual plan
//! more = """..."""                                      # appended to the plan
//! authenticated_below = ["example.co.jp"]               # AD=1 below these
//!
//! [zones]                                               # origin = master file; replaces a base's zone
//! "example.co.jp" = "mail A 203.0.113.25"
//! [remove]                                              # owners, as they are written at the start of a line
//! "113.0.203.in-addr.arpa" = ["25"]
//! [add]                                                 # lines for a base's zone, after `remove`
//! "113.0.203.in-addr.arpa" = "25 PTR other.example.co.jp."
//!
//! [lists]                                               # serves the 18 default blocklists, healthy, with ...
//! dead = ["s5h"]                                        # ... ids or zones; "*" is all
//! silent = ["psbl"]
//! refusing = [{ list = "uribl", answer = "127.0.0.1" }]
//! listed = [{ list = "spamhaus-zen", subject = "203.0.113.25", answers = ["127.0.0.2"], text = "why" }]
//!
//! [[fault]]                                             # the first that fits is applied
//! below = "example.co.jp"
//! type = "MX"                                           # optional, as are when_cd and when_rd
//! when_cd = false
//! do = "servfail"                                       # see FaultLine
//!
//! [https."mta-sts.example.co.jp"]                        # a site on 127.0.0.1; the plan trusts its authority
//! body = "version: STSv1..."                            # see Site
//!
//! [mail."203.0.113.25:25"]                              # a mail server on 127.0.0.1, to which the plan's `connect` leads; as
//! presents = "expired"                                  # good as nothing is said of it, see Seat, MailScript
//! smtp = "recipients = [\"info@example.co.jp\"]"         # at the top: lines of the plan's [smtp], if there are mail servers
//! new_server = true                                     # at the top: the run takes place on the new server
//!
//! [rehearse]                                            # origin = master file; answers in place of the world
//! "example.co.jp" = "mail A 203.0.113.25"
//!
//! [expect]
//! says = ["ptr-missing 203.0.113.25"]                   # tag, subject, and about if there is one; complete for the check
//! passes = ["ptr 192.0.2.25"]                           # check, subject; not complete
//! shows = ["Publish A 203.0.113.25"]                    # parts of the check's English sentences, remedies, reasons and details
//! verdict = "NO-GO"                                     # optional
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::https::{Site, Sites};
use super::mail::{Mail, Seat};
use chrono::{DateTime, FixedOffset};
use mail_cutover::catalogue::Catalogue;
use mail_cutover::check::Context;
use mail_cutover::command::{context, known};
use mail_cutover::demo::{self, Setup, World, WorldFile};
use mail_cutover::model::{Phase, Secrets, Vantage};
use mail_cutover::plan;
use mail_cutover::zonefile::{self, Loaded};
use serde::Deserialize;

/// Stands in a case's plan for the address of its world.
const PLACE: &str = "@WORLD@";

/// The keys of a case that are not those of a world ([`WorldFile`]).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(default = "usual_now")]
    now: String,
    #[serde(default)]
    phase: Option<String>,
    #[serde(default = "usual_plan")]
    plan: String,
    #[serde(default = "usual_new")]
    new: String,
    #[serde(default)]
    more: String,
    #[serde(default)]
    https: std::collections::BTreeMap<String, Site>,
    #[serde(default)]
    mail: toml::Table,
    #[serde(default)]
    smtp: String,
    #[serde(default)]
    new_server: bool,
    #[serde(default)]
    rehearse: std::collections::BTreeMap<String, String>,
    expect: Expect,
}

/// The time a case plays at, four days before the cutover of [`usual_plan`].
fn usual_now() -> String {
    "2026-12-01T10:00:00+09:00".to_owned()
}

/// The new addresses of [`usual_plan`].
fn usual_new() -> String {
    r#"["203.0.113.25"]"#.to_owned()
}

/// The plan of a case that is not about its plan.
fn usual_plan() -> String {
    r#"
change = "CHG-1"
cutover_at = 2026-12-05T22:00:00+09:00
domains = ["example.co.jp"]
hostname = "mail.example.co.jp"
[old]
ptr = "mx-old.example.co.jp"
ips = ["192.0.2.25"]
[new]
ips = @NEW@
allow_special = true
reason = "a test"
[dns]
resolver = ["@WORLD@"]
root_hints = ["@WORLD@"]
authority_port = @PORT@
timeout = "400ms"
"#
    .to_owned()
}

/// What the tool must say.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expect {
    /// Every outcome of the folder's check, as `tag subject` or `tag subject about`, in any order; it may say no others.
    pub(crate) says: Vec<String>,
    /// Checks that must have passed, as `check subject`; others may pass too.
    pub(crate) passes: Vec<String>,
    /// What must stand somewhere in the English sentences, remedies or details of the folder's check.
    pub(crate) shows: Vec<String>,
    /// The verdict, if the case is about it.
    pub(crate) verdict: Option<String>,
}

/// One case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The file, from the folder of the package.
    pub(crate) path: PathBuf,
    /// The check it belongs to: the folder's name.
    pub(crate) check: String,
    /// What would be lost, in one sentence.
    pub(crate) about: String,
    /// The time it plays at.
    pub(crate) now: DateTime<FixedOffset>,
    /// `before` or `after`, if the clock is not to decide.
    pub(crate) phase: Option<String>,
    /// The plan with its placeholder.
    plan: String,
    /// Its world.
    pub(crate) setup: Setup,
    /// Its sites, by host.
    sites: Vec<(String, Site)>,
    /// Its mail servers.
    mail: Vec<Seat>,
    /// Lines of the plan's `[smtp]`.
    smtp: String,
    /// Where the run takes place.
    pub(crate) vantage: Vantage,
    /// Zones that answer in its place, as origin and text.
    rehearse: Vec<(String, String)>,
    /// What must be said.
    pub(crate) expect: Expect,
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    /// What is wrong, with the file's name.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("could not read {}: {e}", path.display()))?;
        Self::parse(path, &text).map_err(|e| format!("{}: {e}", path.display()))
    }

    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let mut world: toml::Table = toml::from_str(text).map_err(|e| e.to_string())?;
        let head = ["now", "phase", "plan", "new", "more", "https", "mail", "smtp", "new_server", "rehearse", "expect"];
        let head: toml::Table =
            head.iter().filter_map(|key| world.remove(*key).map(|v| ((*key).to_owned(), v))).collect();
        let head = Head::deserialize(head).map_err(|e| e.to_string())?;
        let world = WorldFile::deserialize(world).map_err(|e| e.to_string())?;
        if world.about.trim().is_empty() {
            return Err("`about` must say in one sentence what would be lost".to_owned());
        }
        if !head.plan.contains(PLACE) {
            return Err(format!("the plan must name {PLACE}, or it would ask the real world"));
        }
        let lists = demo::blocklists().ok_or("could not read config/demo/lists.toml")?;
        let setup = world.setup(&lists, &base).map_err(|e| e.to_string())?;
        let check = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self {
            path: path.to_owned(),
            check,
            about: world.about,
            now: DateTime::parse_from_rfc3339(&head.now).map_err(|e| format!("now: {e}"))?,
            phase: head.phase,
            plan: head.plan.replace("@NEW@", &head.new) + &head.more,
            setup,
            sites: head.https.into_iter().collect(),
            mail: head.mail.into_iter().map(seat).collect::<Result<_, _>>()?,
            smtp: head.smtp,
            vantage: if head.new_server { Vantage::NewServer } else { Vantage::Desk },
            rehearse: head.rehearse.into_iter().collect(),
            expect: head.expect,
        })
    }

    /// The zones that it rehearses.
    pub(crate) fn rehearsed(&self) -> Vec<Loaded> {
        let folder = tempfile::tempdir().expect("a folder");
        let load = |(origin, text): &(String, String)| {
            let file = folder.path().join("zone");
            std::fs::write(&file, text).expect("a file");
            zonefile::load(&file, Some(origin)).unwrap_or_else(|e| panic!("{}: {e}", self.path.display()))
        };
        self.rehearse.iter().map(load).collect()
    }

    /// What a run in it needs, and the phase that is judged; `text` is the plan of [`Case::start`].
    pub(crate) fn context(&self, text: &str) -> (Arc<Context>, Phase) {
        let path = self.path.display().to_string();
        // Files that a case's plan names lie beside the case.
        let folder = self.path.parent().map(Path::to_owned).unwrap_or_default();
        let plan = plan::parse(text, &path, &plan::Known { folder, ..known(Catalogue::embedded()) })
            .unwrap_or_else(|problems| panic!("{path}\n{}", problems.render(false)));
        let phase = match self.phase.as_deref() {
            None if self.now < plan.cutover_at => Phase::Before,
            None => Phase::After,
            Some("before") => Phase::Before,
            Some("after") => Phase::After,
            Some(other) => panic!("{path}: no phase is called {other}"),
        };
        let context = context(plan, self.vantage, phase, self.now, &Secrets::default(), self.rehearsed());
        (Arc::new(context.expect("a context")), phase)
    }

    /// Starts its world, and says the plan that asks it.
    pub(crate) async fn start(&self) -> (World, Beside, String) {
        let world = World::serve(&self.setup).await;
        let world = world.unwrap_or_else(|e| panic!("{}: {e}", self.path.display()));
        let plan = self.plan.replace(PLACE, &world.address().to_string());
        let mut plan = plan.replace("@PORT@", &world.address().port().to_string());
        let sites = if self.sites.is_empty() { None } else { Some(Sites::serve(&self.sites).await) };
        if let Some(sites) = &sites {
            plan.push_str(&sites.section());
        }
        let mail = if self.mail.is_empty() { None } else { Some(Mail::serve(&self.mail).await) };
        let plan = match &mail {
            Some(mail) => plan + &mail.section(&self.smtp),
            None => silenced(plan),
        };
        (world, Beside { _sites: sites, _mail: mail }, plan)
    }
}

/// The servers of a case beside its DNS; dropping it ends them.
#[derive(Debug)]
pub(crate) struct Beside {
    _sites: Option<Sites>,
    _mail: Option<Mail>,
}

fn seat((place, value): (String, toml::Value)) -> Result<Seat, String> {
    match value {
        toml::Value::Table(table) => Seat::read(&place, table),
        other => Err(format!("mail.{place:?} is {}, no table", other.type_str())),
    }
}

/// A plan that does not say whom to speak to speaks to nobody: its addresses are not ours.
fn silenced(plan: String) -> String {
    if plan.contains("[smtp]") { plan } else { plan + "\n[smtp]\nports = []\n" }
}

/// Every case of tests/scenarios, in the order of their names.
///
/// # Errors
/// All that is wrong with any of them.
pub(crate) fn all() -> Result<Vec<Case>, String> {
    let mut paths = Vec::new();
    for folder in entries(&root())? {
        if folder.is_dir() && folder.file_name().is_some_and(|name| name != "base") {
            paths.extend(entries(&folder)?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "toml")));
        }
    }
    let (mut cases, mut problems) = (Vec::new(), Vec::new());
    for path in &paths {
        match Case::read(path) {
            Ok(case) => cases.push(case),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(cases) } else { Err(problems.join("\n")) }
}

/// The folder of the cases.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// A world to build on: a file of tests/scenarios/base, or one of the demo's.
fn base(name: &str) -> Option<String> {
    let file = root().join("base").join(name).with_extension("toml");
    std::fs::read_to_string(file).ok().or_else(|| demo::base(name))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let read = std::fs::read_dir(folder).map_err(|e| format!("could not list {}: {e}", folder.display()))?;
    let mut paths =
        read.map(|entry| entry.map(|e| e.path()).map_err(|e| e.to_string())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
