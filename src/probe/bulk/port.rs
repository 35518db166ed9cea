//! Sockets for many datagrams: several in one system call where the kernel can, one by one elsewhere.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// So many datagrams in one system call.
const BATCH: usize = 64;
/// What is longer than this is cut, and then left to the ordinary door. Without EDNS an answer has at most 512 octets.
const DATAGRAM: usize = 1024;

/// A socket that is connected to one server, so that the kernel drops what comes from elsewhere and tells of closed ports.
#[derive(Debug)]
pub(super) struct Port {
    socket: UdpSocket,
}

impl Port {
    /// A socket on a port that the system chooses at random.
    pub(super) fn open(server: SocketAddr) -> io::Result<Self> {
        let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }
}

/// The buffers that all ports share.
#[derive(Debug)]
pub(super) struct Mail {
    octets: Vec<u8>,
    lengths: Vec<usize>,
    #[cfg(target_os = "linux")]
    outgoing: nix::sys::socket::MultiHeaders<()>,
    #[cfg(target_os = "linux")]
    incoming: nix::sys::socket::MultiHeaders<()>,
}

impl Mail {
    pub(super) fn new() -> Self {
        Self {
            octets: vec![0; BATCH * DATAGRAM],
            lengths: Vec::with_capacity(BATCH),
            #[cfg(target_os = "linux")]
            outgoing: nix::sys::socket::MultiHeaders::preallocate(BATCH, None),
            #[cfg(target_os = "linux")]
            incoming: nix::sys::socket::MultiHeaders::preallocate(BATCH, None),
        }
    }

    /// The datagrams that the last [`Mail::receive`] brought.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.octets.chunks(DATAGRAM).zip(&self.lengths).map(|(octets, length)| &octets[..(*length).min(DATAGRAM)])
    }
}

#[cfg(target_os = "linux")]
mod batched {
    use std::io::{self, IoSlice, IoSliceMut};
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{MsgFlags, recvmmsg, sendmmsg};

    use super::{BATCH, DATAGRAM, Mail, Port};

    impl Mail {
        /// Sends the first of `packets`; how many.
        pub(in super::super) fn send(&mut self, port: &Port, packets: &[&[u8]]) -> io::Result<usize> {
            let packets: Vec<[IoSlice<'_>; 1]> =
                packets.iter().take(BATCH).map(|packet| [IoSlice::new(packet)]).collect();
            let nobody: [Option<()>; BATCH] = [None; BATCH];
            let flags = MsgFlags::MSG_DONTWAIT;
            let fd = port.socket.as_raw_fd();
            Ok(sendmmsg(fd, &mut self.outgoing, &packets, &nobody[..packets.len()], [], flags)?.count())
        }

        /// Takes what has arrived at `port`, as far as there is room; how many.
        pub(in super::super) fn receive(&mut self, port: &Port) -> io::Result<usize> {
            self.lengths.clear();
            let mut rooms: Vec<[IoSliceMut<'_>; 1]> =
                self.octets.chunks_mut(DATAGRAM).map(|room| [IoSliceMut::new(room)]).collect();
            let flags = MsgFlags::MSG_DONTWAIT;
            let arrived = recvmmsg(port.socket.as_raw_fd(), &mut self.incoming, &mut rooms, flags, None)?;
            self.lengths.extend(arrived.map(|datagram| datagram.bytes));
            Ok(self.lengths.len())
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Mail {
    /// Sends the first of `packets`; how many.
    pub(super) fn send(&mut self, port: &Port, packets: &[&[u8]]) -> io::Result<usize> {
        for (sent, packet) in packets.iter().enumerate() {
            match port.socket.send(packet) {
                Ok(_) => {}
                Err(error) if sent == 0 => return Err(error),
                Err(_) => return Ok(sent),
            }
        }
        Ok(packets.len())
    }

    /// Takes what has arrived at `port`, as far as there is room; how many.
    pub(super) fn receive(&mut self, port: &Port) -> io::Result<usize> {
        self.lengths.clear();
        for room in self.octets.chunks_mut(DATAGRAM) {
            match port.socket.recv(room) {
                Ok(length) => self.lengths.push(length),
                Err(error) if self.lengths.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(self.lengths.len())
    }
}

/// Waits until something has arrived at one of `ports`, at most for `wait`; tells for each whether it may be there.
#[cfg(unix)]
pub(super) fn wait<'p>(ports: impl Iterator<Item = &'p Port>, wait: Duration) -> Vec<bool> {
    use std::os::fd::AsFd;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let mut polled: Vec<PollFd<'p>> = ports.map(|port| PollFd::new(port.socket.as_fd(), PollFlags::POLLIN)).collect();
    // A shorter wait than a millisecond would be none, and the wait for it busy.
    let wait = if wait.is_zero() { wait } else { wait.max(Duration::from_millis(1)) };
    let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO);
    match poll(&mut polled, timeout) {
        Ok(_) => polled.iter().map(|port| port.any().unwrap_or(true)).collect(),
        // Interrupted by a signal: nothing is known.
        Err(_) => vec![true; polled.len()],
    }
}

/// Waits a little; tells for each of `ports` that something may be there.
#[cfg(not(unix))]
pub(super) fn wait<'p>(ports: impl Iterator<Item = &'p Port>, wait: Duration) -> Vec<bool> {
    std::thread::sleep(wait.min(Duration::from_millis(1)));
    vec![true; ports.count()]
}
