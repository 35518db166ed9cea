//! What the fuzz targets of this room do: answers of DNS servers by both readers, and replies of mail servers.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RecordType};

use super::bulk::codec::{self, Packet as Plain};
use super::dns::chain::{Chain, Step};
use super::dns::resolve::judge_resolver;
use super::dns::wire::{self, Packet};
use super::dns::{Answer, Question, presentation, zones};
use super::smtp::wire::{Log, Talk};
use super::{ReplyKind, ServerReply};
use crate::model::visible;

/// The zone that is asked, in wire form and as text.
const ZONE: (&[u8], &str) = (b"\x02bl\x04test\x00", "bl.test.");
/// The id of every question.
const ID: u16 = 7;
/// The first octet of the input: what is asked, by whom, and whether the answer's head is made to fit.
const ABOUT_IPV6: u8 = 1;
const OF_THE_ZONE: u8 = 2;
const MADE_TO_FIT: u8 = 4;

/// An answer in octets, behind one octet that says to which question. Both readers must agree about it: where the lean one takes
/// addresses or an absence from it, the ordinary one must say the same.
pub fn dns(data: &[u8]) {
    let Some((choice, octets)) = data.split_first() else { return };
    let target: IpAddr =
        if choice & ABOUT_IPV6 == 0 { [203, 0, 113, 25].into() } else { [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x9f].into() };
    let authority = choice & OF_THE_ZONE != 0;
    let mut asked = Vec::new();
    codec::encode(&mut asked, !authority, target, ZONE.0);
    asked[..2].copy_from_slice(&ID.to_be_bytes());
    let mut octets = octets.to_vec();
    if choice & MADE_TO_FIT != 0 {
        fit(&mut octets, &asked);
    }
    let Ok(name) = Name::from_labels(codec::labels(&asked)) else { return };
    let Ok(question) = Question::new(name, RecordType::A) else { return };
    let ordinary = by_ordinary_door(&octets, &question, authority);
    let is_definite = ordinary.as_ref().is_ok_and(|(answer, _)| answer.is_definite());
    match codec::decode(&octets, &asked, authority) {
        Plain::Addresses(addresses) => match &ordinary {
            Ok((answer, found)) => {
                assert!(answer.is_definite(), "{addresses:?} against {answer:?}");
                assert_eq!(found, &addresses, "{answer:?}");
            }
            Err(answer) => panic!("{addresses:?} against {answer:?}"),
        },
        Plain::Rcode(code) => assert!(!is_definite, "{code} against {ordinary:?}"),
        // Whoever waits on hears nothing, or the answer of the ordinary door.
        Plain::Odd | Plain::Foreign => {}
    }
    others(&octets);
}

/// Gives `octets` the id and the question of `asked`, so that what follows is read.
fn fit(octets: &mut Vec<u8>, asked: &[u8]) {
    if octets.len() < 12 {
        octets.resize(12, 0);
    }
    octets[..2].copy_from_slice(&asked[..2]);
    octets[2] |= 0x80;
    octets[4..6].copy_from_slice(&[0, 1]);
    octets.splice(12..12, asked[12..].iter().copied());
}

/// How the ordinary door reads an answer, and the addresses in it; an error is what it says instead of an answer.
fn by_ordinary_door(octets: &[u8], question: &Question, authority: bool) -> Result<(Answer, Vec<Ipv4Addr>), Answer> {
    let message = match wire::decode(octets, ID, question) {
        Packet::Answer(message) => message,
        Packet::Truncated => return Err(Answer::Truncated),
        Packet::Unreadable(why) => return Err(Answer::Malformed(why)),
        Packet::Foreign(why) => return Err(Answer::Malformed(why.to_owned())),
    };
    told(&message);
    let zone = Name::from_ascii(ZONE.1).map_err(|error| Answer::Malformed(error.to_string()))?;
    let believed = if authority {
        zones::judge(&message, question, &zone)?;
        if zones::referred_to(&message, &question.name, &zone).is_some() {
            return Err(Answer::Malformed("a referral".to_owned()));
        }
        zone
    } else {
        judge_resolver(&message, question)?;
        Name::root()
    };
    let mut chain = Chain::new(question);
    match chain.follow(&message, &believed) {
        Step::End { answer, records, .. } => {
            assert!(chain.names.len() <= 8, "{} aliases", chain.names.len());
            assert_eq!(answer == Answer::Data, !records.is_empty(), "{answer:?} with {} records", records.len());
            Ok((answer, super::dns::ipv4(&records)))
        }
        Step::Missing => Err(Answer::Malformed("an alias that leads on".to_owned())),
    }
}

/// What is written down of a message.
fn told(message: &Message) {
    for record in message.all_sections() {
        let line = visible(&presentation(record));
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

/// The same octets as answers to questions of other types.
fn others(octets: &[u8]) {
    for (name, rtype) in [("example.co.jp", RecordType::TXT), ("example.co.jp", RecordType::MX), (".", RecordType::ANY)]
    {
        let Ok(question) = Question::new(name, rtype) else { continue };
        if let Packet::Answer(message) = wire::decode(octets, ID, &question) {
            told(&message);
            let _ = judge_resolver(&message, &question);
            let _ = Chain::new(&question).follow(&message, &Name::root());
        }
    }
}

thread_local! {
    /// Everything is there already: nothing is ever waited for.
    static RUNTIME: Option<tokio::runtime::Runtime> =
        tokio::runtime::Builder::new_current_thread().enable_time().build().ok();
}

/// What a mail server sends, from its greeting on; behind one octet that says whether it speaks SMTP.
pub fn smtp(data: &[u8]) {
    let Some((choice, octets)) = data.split_first() else { return };
    let mut log = Log::default();
    let mut replies = Vec::new();
    RUNTIME.with(|runtime| {
        let Some(runtime) = runtime else { return };
        runtime.block_on(async {
            let stream = tokio::io::join(octets, tokio::io::sink());
            let mut talk = Talk::new(stream, &mut log, Duration::from_secs(3600));
            loop {
                let reply = if choice & 1 == 0 {
                    talk.reply("fuzz").await
                } else {
                    let last = |line: &str| line.starts_with("a ").then(|| line.starts_with("a OK"));
                    talk.lines_until("fuzz", last).await
                };
                match reply {
                    Ok(reply) => replies.push(reply),
                    Err(stop) => {
                        assert!(!stop.why().in_lang(crate::model::Lang::En).chars().any(char::is_control));
                        break;
                    }
                }
            }
        });
    });
    // 300 lines, and one that says that there were more.
    assert!(log.lines.len() <= 301, "{} lines", log.lines.len());
    replies.iter().for_each(judge);
}

/// What is read from a reply.
fn judge(reply: &ServerReply) {
    assert!(!reply.lines.is_empty() && reply.lines.len() <= 200, "{} lines", reply.lines.len());
    assert!(reply.lines.iter().all(|line| line.len() <= 3 * 2048 && !line.contains('\n')));
    match (reply.kind, reply.code) {
        (ReplyKind::Positive, Some(200..300)) | (ReplyKind::Transient, Some(400..500)) => {}
        (ReplyKind::Permanent, Some(500..600)) | (ReplyKind::Positive | ReplyKind::Permanent, None) => {}
        other => panic!("{other:?}"),
    }
    let server: IpAddr = [192, 0, 2, 25].into();
    if let Some(client) = reply.client(server, "[198.51.100.7]") {
        assert!(reply.is_positive() && client != server);
    }
    if let Some((class, ..)) = reply.enhanced() {
        assert!((2..=5).contains(&class));
    }
    let _ = (reply.name(), reply.extension("SIZE"), reply.extension("STARTTLS"));
    assert!(!visible(&reply.told()).chars().any(char::is_control));
}
