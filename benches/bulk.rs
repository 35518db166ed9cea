//! Many addresses against many lists at a local rbldnsd, beside Debian's dnsperf with the same questions:
//! `cargo bench --bench bulk`.
//!
//! `MAIL_CUTOVER_BENCH_ROUNDS` says how many rounds against dnsperf there are (7), `MAIL_CUTOVER_BENCH_ADDRESSES` about how many addresses
//! a round is (16,384: on a machine that others use too, short rounds in turns compare better than long ones).

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::fs::{self, File, Permissions};
use std::io::{BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mail_cutover::catalogue::{Family, List, Weight};
use mail_cutover::dnsbl::{Belief, Consultant, Selected, Sweep};
use mail_cutover::model::DomainName;
use mail_cutover::probe::{Dns, ResolverChoice, Settings};

/// How many zones are asked.
const ZONES: usize = 60;
/// How many addresses rbldnsd lists.
const ENTRIES: u32 = 1_000_000;
/// One in so many of the addresses asked about is listed.
const ONE_IN: u32 = 100;

fn main() {
    let (Some(rbldnsd), Some(dnsperf)) = (program("rbldnsd"), program("dnsperf")) else {
        println!("rbldnsd or dnsperf is not installed: nothing was measured");
        return;
    };
    let rounds = number("MAIL_CUTOVER_BENCH_ROUNDS", 7);
    let addresses = number("MAIL_CUTOVER_BENCH_ADDRESSES", 16_384);
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("a folder that rbldnsd may read");
    write_entries(&folder.path().join("entries"));
    let server = Server::start(&rbldnsd, folder.path());
    let questions = folder.path().join("questions");
    write_questions(&questions, addresses);

    println!("| addresses | questions | seconds | questions/s | microseconds of CPU each |\n|---|---|---|---|---|");
    for count in [1000, 4096, 16_384, 65_536] {
        let run = sweep(server.at, count);
        println!("| {count} | {} | {:.2} | {:.0} | {:.1} |", run.sent, run.seconds, run.per_second(), run.cpu());
    }
    println!("\npeak memory of this process: {}\n", peak_memory());
    let mut ratios = Vec::new();
    for round in 1..=rounds {
        let (ours, theirs) = if round % 2 == 1 {
            let ours = sweep(server.at, addresses);
            (ours, perf(&dnsperf, server.at, &questions))
        } else {
            let theirs = perf(&dnsperf, server.at, &questions);
            (sweep(server.at, addresses), theirs)
        };
        let ratio = ours.per_second() / theirs.per_second();
        println!(
            "round {round}: sweep {:.0} questions/s, {:.1} microseconds of CPU each; dnsperf {:.0}, {:.1}; {ratio:.2} times",
            ours.per_second(),
            ours.cpu(),
            theirs.per_second(),
            theirs.cpu()
        );
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median of {rounds} rounds: {:.2} times", ratios[ratios.len() / 2]);
    println!("peak memory of this process: {}", peak_memory());
}

/// One sweep, or one run of dnsperf.
struct Run {
    sent: u64,
    seconds: f64,
    cpu_seconds: f64,
}

impl Run {
    fn per_second(&self) -> f64 {
        self.sent as f64 / self.seconds
    }

    /// In microseconds a question.
    fn cpu(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.sent as f64
    }
}

/// Sweeps the first `count` addresses, and fails if an answer is lost or wrong.
fn sweep(server: SocketAddr, count: u32) -> Run {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let settings = Settings { resolver: ResolverChoice::Servers(vec![server]), ..Settings::default() };
    let dns = Dns::new(settings).expect("a door");
    let consultant = Consultant::new(dns.clone(), false);
    let lists = (0..ZONES).map(list).collect();
    let (began, cpu_before) = (Instant::now(), cpu_seconds(OWN));
    let addresses = (0..count).map(|number| IpAddr::from(address(number)));
    let sweep = runtime.block_on(Sweep::start(&consultant, lists, &[Family::Ipv4], addresses)).expect("a thread");
    let (mut rows, mut listed) = (0, 0);
    for row in sweep {
        assert_eq!(row.ip, IpAddr::from(address(rows)), "the order of the rows");
        rows += 1;
        for word in &row.words {
            match &word.belief {
                Belief::Listed(_) => listed += 1,
                Belief::NotListed => {}
                other => panic!("{}: {other:?}", row.ip),
            }
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(rows, count, "every address has its row");
    assert_eq!(listed, count.div_ceil(ONE_IN) * ZONES as u32, "the right addresses are listed");
    Run { sent: dns.queries_sent(), seconds, cpu_seconds: cpu_seconds(OWN) - cpu_before }
}

/// dnsperf with the same questions.
fn perf(dnsperf: &Path, server: SocketAddr, questions: &Path) -> Run {
    let (ip, port) = (server.ip().to_string(), server.port().to_string());
    let cpu_before = cpu_seconds(CHILDREN);
    let output = Command::new(dnsperf)
        .args(["-s", &ip, "-p", &port, "-q", "64", "-n", "1", "-d"])
        .arg(questions)
        .output()
        .expect("dnsperf runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let figure = |name: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{text}"));
        line.split(':').nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default().to_owned()
    };
    let lost = figure("Queries lost");
    if lost != "0" {
        println!("dnsperf lost {lost}");
    }
    let sent: u64 = figure("Queries completed").parse().expect("a number");
    let per_second: f64 = figure("Queries per second").parse().expect("a number");
    Run { sent, seconds: sent as f64 / per_second, cpu_seconds: cpu_seconds(CHILDREN) - cpu_before }
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number)
}

fn zone(number: usize) -> String {
    format!("bl{number:02}.bench.example")
}

fn list(number: usize) -> Selected {
    let zone = DomainName::parse(&zone(number)).expect("a name");
    let list = List::custom(format!("bl{number:02}"), zone, &[Family::Ipv4], Weight::Block);
    Selected { list, weight: None, required: false, key: None, key_source: None }
}

/// The addresses asked about that are listed, and others, a million in all.
fn write_entries(path: &Path) {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    writeln!(file, "$TTL 300\n$SOA 300 ns.bench.example. root.bench.example. 1 600 300 86400 300").expect("room");
    writeln!(file, ":127.0.0.2:listed\n127.0.0.2").expect("room");
    for number in 0..ENTRIES {
        let entry = if number < 65_536 / ONE_IN + 1 {
            address(number * ONE_IN)
        } else {
            // Spread over 11.0.0.0/8 to 90.0.0.0/8.
            Ipv4Addr::from(0x0b00_0000 + number * 1277)
        };
        writeln!(file, "{entry}").expect("room");
    }
}

fn write_questions(path: &Path, addresses: u32) {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    for number in 0..addresses {
        let [a, b, c, d] = address(number).octets();
        for place in 0..ZONES {
            writeln!(file, "{d}.{c}.{b}.{a}.{} A", zone(place)).expect("room");
        }
    }
}

/// A running rbldnsd; dropping it ends it.
struct Server {
    at: SocketAddr,
    child: Child,
}

impl Server {
    fn start(program: &Path, folder: &Path) -> Self {
        let free = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
        let mut command = Command::new(program);
        command.args(["-n", "-4", "-b", &format!("{}/{}", free.ip(), free.port()), "-w"]).arg(folder);
        for number in 0..ZONES {
            command.arg(format!("{}:ip4set:entries", zone(number)));
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("rbldnsd");
        let server = Self { at: free, child };
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a limit");
        let question = b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x012\x010\x010\x03127\x04bl00\x05bench\x07example\0\0\x01\0\x01";
        for _ in 0..100 {
            let mut answer = [0; 512];
            socket.send_to(question, server.at).expect("loopback");
            match socket.recv(&mut answer) {
                Ok(_) if answer[7] == 1 => return server,
                _ => std::thread::sleep(Duration::from_millis(100)),
            }
        }
        panic!("rbldnsd does not answer");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn program(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/bin"].iter().map(|folder| Path::new(folder).join(name)).find(|p| p.is_file())
}

fn number(variable: &str, usual: u32) -> u32 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown".to_owned(), |line| line.trim().to_owned())
}

/// Where /proc/self/stat has the time of this process, and of its children that have ended.
const OWN: usize = 11;
const CHILDREN: usize = 13;

/// User and system, all threads.
fn cpu_seconds(whose: usize) -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    // Linux counts a hundred a second.
    (ticks(whose) + ticks(whose + 1)) / 100.0
}
