//! `demo`: the very same check against a miniature internet on this machine; its exit code tells only whether it ran.

use std::net::SocketAddr;

use super::check::{check_plan, known};
use super::{CommandError, Printed, Terminal, runtime};
use crate::catalogue::Catalogue;
use crate::cli::Demo;
use crate::demo::{AUTHORITY, MailServer, Scenario, World, mail_tls, scenario};
use crate::plan::{self, Detour, Resolver};
use crate::records::certificate::Chain;
use crate::words;

/// Builds the scenario's world on loopback and checks its plan.
pub(super) fn run(arguments: &Demo, terminal: &Terminal) -> Result<Printed, CommandError> {
    let fail = |detail: String| CommandError::Demo(detail);
    let name = arguments.scenario.name();
    let scenario = scenario(name).ok_or_else(|| fail(format!("no scenario is called {name}")))?;
    let path = format!("config/demo ({name})");
    let mut plan = plan::parse(scenario.plan_text, &path, &known(Catalogue::embedded()))
        .map_err(|problems| fail(problems.render(false)))?;
    // The world has a thread and a runtime of its own: it is another machine, as far as the check can tell.
    let (ready, started) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let world = std::thread::spawn(move || match runtime() {
        Err(error) => drop(ready.send(Err(error.to_string()))),
        Ok(runtime) => runtime.block_on(async {
            match start(&scenario).await {
                Err(error) => drop(ready.send(Err(error))),
                Ok((world, mail)) => {
                    let detours = mail.iter().map(|(of, server)| Detour { of: *of, to: server.address() }).collect();
                    drop(ready.send(Ok((world.address(), detours, scenario.now))));
                    // Either the check is over and says so, or its thread is gone: both end the world.
                    drop(stopped.await);
                }
            }
        }),
    });
    let (address, detours, now): (_, Vec<Detour>, _) =
        started.recv().map_err(|error| fail(error.to_string()))?.map_err(fail)?;
    plan.dns.resolver = Resolver::Servers(vec![address]);
    plan.dns.root_hints = vec![address];
    plan.dns.authority_port = address.port();
    plan.smtp.detours = detours;
    plan.smtp.trust = Some(Chain::read(AUTHORITY).map_err(|error| fail(error.to_string()))?);
    let printed = check_plan(plan, &arguments.run, terminal, Some(now));
    drop(stop);
    drop(world.join());
    // The demonstration succeeded, whatever it demonstrated.
    printed.map(|mut printed| {
        printed.notice.push_str(&words::demo_exit(terminal.lang, printed.exit));
        printed.exit = 0;
        printed
    })
}

/// Starts a scenario's world: its DNS, and its mail servers by the places at which the plan looks for them.
async fn start(scenario: &Scenario) -> Result<(World, Vec<(SocketAddr, MailServer)>), String> {
    let world = World::start(&scenario.zones, &scenario.faults).await.map_err(|error| error.to_string())?;
    let tls = mail_tls().ok_or("could not read the mail servers' certificate")?;
    let mut mail = Vec::new();
    for (place, script) in &scenario.mail {
        let server = MailServer::start(script.clone(), tls.clone()).await.map_err(|error| error.to_string())?;
        mail.push((*place, server));
    }
    Ok((world, mail))
}
