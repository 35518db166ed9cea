//! How long a whole run takes against how long one query takes, on a name server 50 ms away; docs/scale.md has the figures.
//!
//! `cargo bench --bench latency`: needs no daemon and no network. All figures of a run come from the same machine and minute.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement prints, and stops when it cannot go on")]

use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mail_cutover::demo::{World, Zone};

const LISTS: usize = 60;
const ROUND_TRIP: Duration = Duration::from_millis(50);
const ROUNDS: usize = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--one-query") {
        one_query(arguments[at + 1].parse().unwrap());
        return;
    }
    let (far_away, first_packet) = start_world();
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    std::fs::write(&plan, plan_text(far_away)).unwrap();
    let plan = plan.to_str().unwrap();
    let tool = env!("CARGO_BIN_EXE_mail-cutover");
    let myself = std::env::current_exe().unwrap();
    let mut single = Vec::new();
    let mut lists = Vec::new();
    let mut whole = Vec::new();
    let mut starts = Vec::new();
    let mut peak = 0;
    // Taken in turns, so that whatever else the machine does falls on all alike.
    for _ in 0..ROUNDS {
        single.push(run(Command::new(&myself).args(["--one-query", &far_away.to_string()]), &[0]).0);
        *first_packet.lock().unwrap() = None;
        let begun = Instant::now();
        let (took, memory) = run(Command::new(tool).args(["check", plan, "--only", "dnsbl", "--quiet"]), &[0, 1, 3]);
        lists.push(took);
        peak = peak.max(memory);
        starts.extend(first_packet.lock().unwrap().map(|at| at.saturating_duration_since(begun)));
        let (took, memory) = run(Command::new(tool).args(["check", plan, "--quiet"]), &[0, 1, 3]);
        whole.push(took);
        peak = peak.max(memory);
    }
    let [single, lists, whole, start] = [single, lists, whole, starts].map(median);
    println!(
        "server {} ms away, {LISTS} lists, 1 IPv4 address, median of {ROUNDS} runs, whole processes",
        ROUND_TRIP.as_millis()
    );
    println!("one query                        {:>7.1} ms", ms(single));
    println!(
        "check --only dnsbl ({} questions) {:>6.1} ms   {:.2} times one query",
        LISTS * 4,
        ms(lists),
        ms(lists) / ms(single)
    );
    println!("check, every check               {:>7.1} ms   {:.2} times one query", ms(whole), ms(whole) / ms(single));
    println!("start-up to first packet         {:>7.1} ms", ms(start));
    println!("peak memory                      {:>7.1} MB", peak as f64 / 1024.0);
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Runs a process to its end: its time, and the most memory it was seen to hold, in KiB.
fn run(command: &mut Command, fine: &[i32]) -> (Duration, u64) {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        let status = std::fs::read_to_string(&status_file).unwrap_or_default();
        let high_water = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = high_water.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(peak);
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_micros(200)),
        }
    };
    assert!(fine.contains(&status.code().unwrap_or(-1)), "{command:?} ended with {status}");
    (begun.elapsed(), peak)
}

/// One question and its answer, by the simplest program there is.
fn one_query(server: SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut question = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in ["2", "0", "0", "127", "l0", "test"] {
        question.push(u8::try_from(label.len()).unwrap());
        question.extend(label.bytes());
    }
    question.extend([0, 0, 1, 0, 1]);
    socket.send(&question).unwrap();
    let length = socket.recv(&mut [0; 512]).unwrap();
    assert!(length > question.len(), "the test point is not listed");
}

type FirstPacket = Arc<Mutex<Option<Instant>>>;

/// A world with sixty lists, and a relay in front of it that holds every answer back.
fn start_world() -> (SocketAddr, FirstPacket) {
    let first_packet = FirstPacket::default();
    let noted = Arc::clone(&first_packet);
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let mut zones: Vec<Zone> =
                (0..LISTS).map(|list| Zone::new(format!("l{list}.test"), "2.0.0.127 A 127.0.0.2")).collect();
            zones.extend([Zone::new(".", ""), Zone::new("com", ""), Zone::new("test", "ns.world A 127.0.0.1")]);
            zones.push(Zone::new("example.test", "@ MX 10 mail\nmail A 203.0.113.25"));
            zones.push(Zone::new("113.0.203.in-addr.arpa", "25 PTR mail.example.test."));
            let world = World::start(&zones, &[]).await.unwrap();
            let near = world.address();
            let relay = Arc::new(tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap());
            tell.send(relay.local_addr().unwrap()).unwrap();
            let mut buffer = [0; 1500];
            loop {
                let (length, client) = relay.recv_from(&mut buffer).await.unwrap();
                noted.lock().unwrap().get_or_insert_with(Instant::now);
                let question = buffer[..length].to_vec();
                let relay = Arc::clone(&relay);
                tokio::spawn(async move {
                    let arrived = tokio::time::Instant::now();
                    let upstream = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
                    upstream.connect(near).await.unwrap();
                    upstream.send(&question).await.unwrap();
                    let mut answer = [0; 4096];
                    let length = upstream.recv(&mut answer).await.unwrap();
                    tokio::time::sleep_until(arrived + ROUND_TRIP).await;
                    relay.send_to(&answer[..length], client).await.unwrap();
                });
            }
        });
    });
    (told.recv().unwrap(), first_packet)
}

fn plan_text(resolver: SocketAddr) -> String {
    let lists: String = (0..LISTS)
        .map(|list| format!("[[dnsbl.list]]\nid = \"l{list}\"\nname = \"List {list}\"\nzone = \"l{list}.test\"\nfamilies = [\"ipv4\"]\nweight = \"warn\"\n"))
        .collect();
    format!(
        "cutover_at = 2099-12-05T22:00:00+09:00\ndomains = [\"example.test\"]\nhostname = \"mail.example.test\"\n\
         [old]\nips = [{{ ip = \"203.0.113.24\", sends = false }}]\n\
         [new]\nips = [\"203.0.113.25\"]\nallow_special = true\nreason = \"a measurement\"\n\
         [dns]\nresolver = [\"{resolver}\"]\nroot_hints = [\"{resolver}\"]\nauthority_port = {port}\n\
         [dnsbl]\nuse = []\n{lists}",
        port = resolver.port()
    )
}
