//! A client as it comes: connects from its own address, speaks as far as RCPT, and writes down how it was received.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::clients::Client;
use super::namespaces::Host;

/// How long a server may take for what it should say.
const PATIENCE: Duration = Duration::from_secs(20);
/// So many conversations at once: from 100 on a mail server says that it is busy.
const AT_ONCE: usize = 90;

/// How a client was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reception {
    /// Its mailbox was taken.
    Taken,
    /// The first reply that was no success, its lines joined by blanks.
    Refused(String),
    /// The conversation broke off: how.
    Lost(String),
}

/// Lets every client come to each of `servers` (to the address of its own family), in any order; receptions by server and client.
pub(crate) fn all(host: &Host, clients: &[Client], servers: &[[IpAddr; 2]], recipient: &str) -> Vec<Vec<Reception>> {
    // A client goes from server to server: none of them has all at once.
    let pairs = (0..clients.len()).flat_map(|client| (0..servers.len()).map(move |server| (server, client)));
    let waiting = Mutex::new(pairs);
    let received = Mutex::new(vec![vec![None; clients.len()]; servers.len()]);
    let work = || {
        loop {
            let next = waiting.lock().unwrap().next();
            let Some((server, index)) = next else { break };
            let client = &clients[index];
            let to = if client.ip.is_ipv4() { servers[server][0] } else { servers[server][1] };
            let reception = come(client, to, recipient).unwrap_or_else(|error| Reception::Lost(error.to_string()));
            received.lock().unwrap()[server][index] = Some(reception);
        }
    };
    host.within(|| {
        thread::scope(|threads| {
            for _ in 0..AT_ONCE.min(clients.len() * servers.len()) {
                // A thread is where its parent is.
                threads.spawn(work);
            }
        });
    });
    let received = received.into_inner().unwrap();
    received.into_iter().map(|row| row.into_iter().map(Option::unwrap).collect()).collect()
}

fn come(client: &Client, server: IpAddr, recipient: &str) -> io::Result<Reception> {
    let socket = Socket::new(Domain::for_address((server, 25).into()), Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(client.ip, 0).into())?;
    socket.connect_timeout(&SocketAddr::new(server, 25).into(), PATIENCE)?;
    let mut wire = BufReader::new(TcpStream::from(socket));
    wire.get_ref().set_read_timeout(Some(PATIENCE))?;
    let lines = [
        None,
        Some(format!("EHLO {}", client.helo)),
        Some(format!("MAIL FROM:<{}>", client.sender)),
        Some(format!("RCPT TO:<{recipient}>")),
    ];
    for line in lines {
        if let Some(line) = line {
            wire.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        }
        let reply = hear(&mut wire)?;
        if !reply.starts_with('2') {
            return Ok(Reception::Refused(reply));
        }
    }
    wire.get_mut().write_all(b"QUIT\r\n")?;
    Ok(Reception::Taken)
}

fn hear(wire: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut reply: Vec<String> = Vec::new();
    loop {
        let mut line = String::new();
        if wire.read_line(&mut line)? == 0 {
            return Err(io::Error::other(format!("closed after {reply:?}")));
        }
        let line = line.trim_end().to_owned();
        let goes_on = line.get(3..4) == Some("-");
        // A server that had begun to greet may drop its client in the middle of it.
        reply.retain(|before| before.get(..3) == line.get(..3));
        reply.push(line);
        if !goes_on {
            return Ok(reply.join(" "));
        }
    }
}
