//! Ctrl-C and SIGTERM in the middle of a run: what is known is told, nothing half-done is left.

#![cfg(unix)]

use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use expect_test::expect;

use crate::{Folder, Ran, plan};

/// How long the tool may take to notice; far below its deadline, far above what a busy machine needs.
const PROMPTLY: Duration = Duration::from_secs(20);

/// Starts a check against a server that never answers, and sends `signal` when the first question has arrived there.
fn stopped(folder: &Folder, silent: &UdpSocket, signal: &str, arguments: &[&str]) -> Ran {
    let mut command = folder.checking(&[&["--deadline", "10m"], arguments].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    silent.set_read_timeout(Some(PROMPTLY)).unwrap();
    silent.recv_from(&mut [0; 512]).expect("no question has arrived");
    send(signal, &child);
    let sent = Instant::now();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert!(sent.elapsed() < PROMPTLY, "it took {:?} to stop", sent.elapsed());
    ran
}

fn send(signal: &str, child: &Child) {
    let kill = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
    assert!(kill.success());
}

fn silent() -> (UdpSocket, Folder) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Nothing gives up by itself before the signal arrives, however busy the machine is.
    let plan = plan(socket.local_addr().unwrap()).replace("timeout = \"1s\"", "timeout = \"30s\"");
    let folder = Folder::with_plan(plan);
    (socket, folder)
}

/// Lost if it fails: who loses patience would lose the report, or be told GO about what was never asked.
#[test]
fn a_signal_holds_and_tells_what_is_known() {
    for signal in ["INT", "TERM"] {
        let (socket, folder) = silent();
        let ran = stopped(&folder, &socket, signal, &["--format", "json"]);
        assert_eq!(ran.exit, Some(3), "{signal}: {ran:?}");
        let report = ran.json();
        assert_eq!((report["verdict"].as_str(), report["completion"].as_str()), (Some("HOLD"), Some("interrupted")));
        assert_eq!(ran.err, "", "{signal}");
    }
}

/// Lost if it fails: the screen after Ctrl-C would not say that the run was cut short.
#[test]
fn the_verdict_says_that_it_was_interrupted() {
    let (socket, folder) = silent();
    let table = stopped(&folder, &socket, "INT", &[]).out;
    let count = table.lines().find_map(|line| line.split_once(" not measured: run-interrupted (")).expect("a count").0;
    let count: usize = count.trim_matches(['║', ' ']).parse().expect("a number");
    assert!(count >= 30, "{table}");
    // How many checks there are, and which is the first of them, is not held here.
    let last =
        table.lines().rev().take(5).map(|line| if line.contains("not measured") { "║  [how many]" } else { line });
    let last: Vec<&str> = last.collect();
    expect![[r#"
        ╔══════════════════════════════════════════════════════════════════════════════════════════════════╗
        ║  H O L D                                                                                         ║
        ║  The run was interrupted; what was not finished is not known.                                    ║
        ║  [how many]
        ╚══════════════════════════════════════════════════════════════════════════════════════════════════╝"#]]
    .assert_eq(&last.into_iter().rev().collect::<Vec<_>>().join("\n"));
    let (socket, folder) = silent();
    let quiet = stopped(&folder, &socket, "TERM", &["-q", "--lang", "ja"]).out;
    let last: Vec<&str> = quiet.lines().rev().take(3).collect();
    expect![[r#"
        ? run-interrupted  リストの応答: この検査が終わる前に実行が中断された
        実行が中断された。終わらなかった検査の結果は確認不能である。
        HOLD"#]]
    .assert_eq(&last.into_iter().rev().collect::<Vec<_>>().join("\n"));
}

/// Lost if it fails: a stopped run would leave half a report, or its temporary file beside the last one.
#[test]
fn a_file_is_whole_after_a_signal() {
    let (socket, folder) = silent();
    folder.write("report.json", "the last one");
    let ran = stopped(&folder, &socket, "INT", &["--format", "json", "-o", "report.json"]);
    assert_eq!(ran.exit, Some(3), "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&folder.read("report.json")).unwrap();
    assert_eq!(report["verdict"], "HOLD");
    assert_eq!(folder.names(), ["plan.toml", "report.json"]);
}

/// Lost if it fails: who loses patience with the lists would lose what is known, or be told that all is well.
#[test]
fn the_health_of_the_lists_can_be_stopped() {
    let (socket, folder) = silent();
    let arguments = ["lists", "--health", "--plan", "plan.toml", "--deadline", "10m", "--format", "json"];
    let child = folder.tool(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    socket.set_read_timeout(Some(PROMPTLY)).unwrap();
    socket.recv_from(&mut [0; 512]).expect("no question has arrived");
    send("INT", &child);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.exit, ran.err.as_str()), (Some(3), "interrupted\n"));
    let rows = ran.json()["health"].as_array().unwrap().clone();
    assert!(rows.len() > 10 && rows.iter().all(|row| row["state"] == "unfinished"), "{rows:#?}");
}
