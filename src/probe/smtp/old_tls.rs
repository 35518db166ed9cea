//! Whether a server still takes TLS 1.1 or older: one ClientHello by hand, because our TLS library speaks neither.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What a server answers to a client that knows nothing newer than TLS 1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldTls {
    /// It goes on with TLS 1.1 or 1.0.
    Accepted(&'static str),
    /// It refuses, as RFC 8996 wants.
    Refused,
}

/// Cipher suites of old: ECDHE and RSA with AES or 3DES in CBC (RFC 4492, RFC 5246), and the renegotiation signal (RFC 5746).
const SUITES: [u16; 11] = [0xc00a, 0xc014, 0xc009, 0xc013, 0x0039, 0x0033, 0x0035, 0x002f, 0xc012, 0x000a, 0x00ff];

/// A warning before which a server may go on: it has another name (RFC 6066, section 3).
const UNRECOGNIZED_NAME: [u8; 2] = [1, 112];
/// So many of them are passed over.
const MOST_WARNINGS: usize = 4;

/// Says hello and reads the answer; nothing if what comes is neither yes nor no.
pub(super) async fn hello(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), name: &str) -> Option<OldTls> {
    stream.write_all(&client_hello(name)).await.ok()?;
    stream.flush().await.ok()?;
    for _ in 0..=MOST_WARNINGS {
        let mut head = [0; 5];
        stream.read_exact(&mut head).await.ok()?;
        match head[0] {
            // An alert: its level and what it says.
            21 => {
                let mut alert = [0; 2];
                stream.read_exact(&mut alert).await.ok()?;
                if alert != UNRECOGNIZED_NAME {
                    return Some(OldTls::Refused);
                }
            }
            // A handshake record: type, three octets of length, and the version that was chosen.
            22 => {
                let mut start = [0; 6];
                stream.read_exact(&mut start).await.ok()?;
                return match (start[0], start[4], start[5]) {
                    (2, 3, 2) => Some(OldTls::Accepted("TLS 1.1")),
                    (2, 3, 1) => Some(OldTls::Accepted("TLS 1.0")),
                    _ => None,
                };
            }
            _ => return None,
        }
    }
    None
}

/// A ClientHello of TLS 1.1 (RFC 4346, section 7.4.1.2) in its record.
fn client_hello(name: &str) -> Vec<u8> {
    let mut random = [0x5a; 32];
    // A predictable hello asks the same.
    let _ = getrandom::fill(&mut random);
    let mut body = vec![3, 2];
    body.extend(random);
    // No session.
    body.push(0);
    put(&mut body, &SUITES.iter().flat_map(|suite| suite.to_be_bytes()).collect::<Vec<u8>>());
    // No compression.
    body.extend([1, 0]);
    let mut extensions = Vec::new();
    // server_name (RFC 6066, section 3).
    let mut host = vec![0];
    put(&mut host, name.as_bytes());
    let mut list = Vec::new();
    put(&mut list, &host);
    extend(&mut extensions, 0, &list);
    // supported_groups: x25519, secp256r1, secp384r1; ec_point_formats: uncompressed (RFC 8422).
    extend(&mut extensions, 10, &[0, 6, 0, 29, 0, 23, 0, 24]);
    extend(&mut extensions, 11, &[1, 0]);
    put(&mut body, &extensions);

    let mut handshake = vec![1, 0];
    put(&mut handshake, &body);
    let mut record = vec![22, 3, 1];
    put(&mut record, &handshake);
    record
}

fn extend(extensions: &mut Vec<u8>, number: u16, data: &[u8]) {
    extensions.extend(number.to_be_bytes());
    put(extensions, data);
}

/// Octets behind their length in two octets; what is too long for that is no host name.
fn put(into: &mut Vec<u8>, octets: &[u8]) {
    into.extend(u16::try_from(octets.len()).unwrap_or(u16::MAX).to_be_bytes());
    into.extend(octets);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made of `answer`, behind which the server hangs up.
    async fn told(answer: &[u8]) -> Option<OldTls> {
        let (mut ours, mut theirs) = tokio::io::duplex(4096);
        theirs.write_all(answer).await.unwrap();
        let server = tokio::spawn(async move {
            let mut asked = [0; 11];
            theirs.read_exact(&mut asked).await.unwrap();
            asked
        });
        let told = hello(&mut ours, "mail.example.jp").await;
        assert_eq!(server.await.unwrap()[9..], [3, 2], "TLS 1.1 is offered");
        told
    }

    /// Lost if it fails: a server that warns before it goes on would be believed to refuse old versions.
    #[tokio::test]
    async fn a_warning_is_no_refusal() {
        const FATAL: &[u8] = &[21, 3, 1, 0, 2, 2, 70];
        // unrecognized_name (RFC 6066, section 3): the server has another name and goes on.
        const WARNING: &[u8] = &[21, 3, 1, 0, 2, 1, 112];
        const HELLO: &[u8] = &[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
        assert_eq!(told(FATAL).await, Some(OldTls::Refused));
        assert_eq!(told(HELLO).await, Some(OldTls::Accepted("TLS 1.0")));
        assert_eq!(told(&[WARNING, HELLO].concat()).await, Some(OldTls::Accepted("TLS 1.0")));
        assert_eq!(told(&[WARNING, FATAL].concat()).await, Some(OldTls::Refused));
        assert_eq!(told(WARNING).await, None);
        assert_eq!(told(&WARNING.repeat(20)).await, None);
        assert_eq!(told(b"").await, None);
    }
}
