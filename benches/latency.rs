//! How long a whole run takes against how long one query takes, on a name server 50 ms away; docs/scale.md has the figures.
//!
//! `cargo bench --bench latency`: needs no daemon and no network. All figures of a run come from the same machine and minute.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement prints, and stops when it cannot go on")]

use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

const LISTS: usize = 60;
const ROUND_TRIP: Duration = Duration::from_millis(50);
const ROUNDS: usize = 25;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--one-query") {
        one_query(arguments[at + 1].parse().unwrap());
        return;
    }
    let (far_away, first_packet) = start_server();
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    std::fs::write(&plan, plan_text(far_away)).unwrap();
    let tool = env!("CARGO_BIN_EXE_mail-cutover");
    let myself = std::env::current_exe().unwrap();
    let check = || {
        let mut command = Command::new(tool);
        command.args(["check", plan.to_str().unwrap(), "--only", "dnsbl", "--quiet"]);
        command
    };
    let (mut single, mut lists, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    // Taken in turns, so that whatever else the machine does falls on all alike.
    for _ in 0..ROUNDS {
        single.push(run(Command::new(&myself).args(["--one-query", &far_away.to_string()]), &[0]));
        *first_packet.lock().unwrap() = None;
        let begun = Instant::now();
        // HOLD: the other checks were left out.
        lists.push(run(&mut check(), &[3]));
        starts.extend(first_packet.lock().unwrap().map(|at| at.saturating_duration_since(begun)));
    }
    let peak = (0..5).map(|_| watch(&mut check())).max().unwrap_or_default();
    let [single, lists, start] = [single, lists, starts].map(median);
    println!(
        "server {} ms away, {LISTS} lists, 1 IPv4 address, median of {ROUNDS} runs, whole processes",
        ROUND_TRIP.as_millis()
    );
    println!("one query                        {:>7.1} ms", ms(single));
    println!(
        "check --only dnsbl, {} questions {:>7.1} ms   {:.2} times one query",
        LISTS * 4,
        ms(lists),
        ms(lists) / ms(single)
    );
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

/// Runs a process to its end; its time.
fn run(command: &mut Command, fine: &[i32]) -> Duration {
    let begun = Instant::now();
    let status = quiet(command).status().unwrap();
    let took = begun.elapsed();
    assert!(fine.contains(&status.code().unwrap_or(-1)), "{command:?} ended with {status}");
    took
}

/// Runs a process to its end; the most memory it was seen to hold, in KiB. Looking costs time, so it is not timed.
fn watch(command: &mut Command) -> u64 {
    let mut child = quiet(command).spawn().unwrap();
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&status_file).unwrap_or_default();
        let high_water = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = high_water.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_micros(500));
    }
    peak
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null())
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

/// A name server of two threads, one that reads and one that answers a round trip later: every list holds its test point, and
/// nothing else exists.
fn start_server() -> (SocketAddr, FirstPacket) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let answering = socket.try_clone().unwrap();
    let first_packet = FirstPacket::default();
    let noted = Arc::clone(&first_packet);
    let (later, due) = mpsc::channel::<(Instant, SocketAddr, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        loop {
            let (length, client) = socket.recv_from(&mut buffer).unwrap();
            noted.lock().unwrap().get_or_insert_with(Instant::now);
            later.send((Instant::now() + ROUND_TRIP, client, answer(&buffer[..length]))).unwrap();
        }
    });
    std::thread::spawn(move || {
        for (at, client, answer) in due {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            answering.send_to(&answer, client).unwrap();
        }
    });
    (address, first_packet)
}

/// 127.0.0.2 for the test point of any list, NXDOMAIN for the rest (RFC 1035, section 4.1).
fn answer(question: &[u8]) -> Vec<u8> {
    const TEST_POINT: &[u8] = b"\x012\x010\x010\x03127";
    let end = 12 + question[12..].iter().position(|octet| *octet == 0).unwrap() + 5;
    let listed = question[12..].starts_with(TEST_POINT);
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, if listed { 0x80 } else { 0x83 }, 0, 1, 0, u8::from(listed), 0, 0, 0, 0]);
    answer.extend(&question[12..end]);
    if listed {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 2]);
    }
    answer
}

fn plan_text(resolver: SocketAddr) -> String {
    let lists: String = (0..LISTS)
        .map(|list| format!("[[dnsbl.list]]\nid = \"l{list}\"\nname = \"List {list}\"\nzone = \"l{list}.test\"\nfamilies = [\"ipv4\"]\nweight = \"warn\"\n"))
        .collect();
    format!(
        "cutover_at = 2099-12-05T22:00:00+09:00\ndomains = [\"example.test\"]\nhostname = \"mail.example.test\"\n\
         [old]\nips = [{{ ip = \"203.0.113.24\", sends = false }}]\n\
         [new]\nips = [\"203.0.113.25\"]\nallow_special = true\nreason = \"a measurement\"\n\
         [smtp]\nports = []\n[dns]\nresolver = [\"{resolver}\"]\nroot_hints = [\"{resolver}\"]\nauthority_port = {port}\n\
         [dnsbl]\nuse = []\n{lists}",
        port = resolver.port()
    )
}
