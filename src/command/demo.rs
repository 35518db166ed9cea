//! `demo`: the very same check against a miniature internet on this machine; its exit code tells only whether it ran.

use super::check::{check_plan, known};
use super::{CommandError, Printed, Terminal, runtime};
use crate::catalogue::Catalogue;
use crate::cli::Demo;
use crate::demo::{World, scenario};
use crate::plan::{self, Resolver};
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
    let (ready, address) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let world = std::thread::spawn(move || {
        let started = runtime().map_err(|error| error.to_string());
        match started {
            Err(error) => drop(ready.send(Err(error))),
            Ok(runtime) => runtime.block_on(async {
                match World::start(&scenario.zones, &scenario.faults).await {
                    Err(error) => drop(ready.send(Err(error.to_string()))),
                    Ok(world) => {
                        drop(ready.send(Ok(world.address())));
                        // Either the check is over and says so, or its thread is gone: both end the world.
                        drop(stopped.await);
                    }
                }
            }),
        }
    });
    let address = address.recv().map_err(|error| fail(error.to_string()))?.map_err(fail)?;
    plan.dns.resolver = Resolver::Servers(vec![address]);
    plan.dns.root_hints = vec![address];
    plan.dns.authority_port = address.port();
    let printed = check_plan(plan, &arguments.run, terminal, Some(scenario.now));
    drop(stop);
    drop(world.join());
    // The demonstration succeeded, whatever it demonstrated.
    printed.map(|mut printed| {
        printed.notice.push_str(&words::demo_exit(terminal.lang, printed.exit));
        printed.exit = 0;
        printed
    })
}
