//! Whether the new server lets people log in as the old one does, and not in clear.

use std::collections::BTreeSet;

use futures::FutureExt;

use super::client_ports::connect;
use crate::check::{Check, Context, PORT_NOT_SO_FAR, Run};
use crate::model::{Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Text, Value};
use crate::plan::Service;
use crate::probe::{ServerReply, Session, Stop, TlsState};
use crate::servers::{Talk, client_talks, is_read_elsewhere};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "client-auth",
        title: Text {
            en: "People can log in to the new server as they do to the old one, and only inside TLS",
            ja: "新サーバーに旧サーバーと同じ方式でログインでき、TLS の外ではログインできない",
        },
        short: Text { en: "client logins", ja: "ログイン方式" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A program that was set to CRAM-MD5 years ago, or a device that only knows LOGIN, cannot log in where that is gone; and where a password can be sent in clear, somebody will send it in clear.",
            ja: "何年も前に CRAM-MD5 に設定されたメールソフトや LOGIN しか使えない機器は、その方式がなくなるとログインできない。また、平文で送れるパスワードは、いずれ誰かが平文で送る。",
        },
        how: Text {
            en: "What each server says it can do on every planned port but 25 is read before and inside TLS: AUTH of SMTP, AUTH= and LOGIN of IMAP (unless LOGINDISABLED), SASL and USER of POP3. Nobody logs in. What all old servers together offer on a port, each new one must offer on the same port. An old server that refuses the connection has nothing to compare; one that stays silent before the cutover leaves it unknown.",
            ja: "計画の 25 番以外の各ポートで、各サーバーが示す機能を、TLS の開始前と開始後に読む。SMTP の AUTH、IMAP の AUTH= と LOGIN (LOGINDISABLED がない場合)、POP3 の SASL と USER である。ログインはしない。旧サーバーのどれかが提供する方式は、同じポートで新サーバーもそれぞれ提供しなければならない。旧サーバーが接続を拒否した場合は比べるものがない。切り替え前に旧サーバーの応答がなければ、結果は確認不能とする。",
        },
        by_hand: "openssl s_client -crlf {connect} -servername {name}",
        references: &[
            Reference { title: "RFC 4954, section 3", url: "https://www.rfc-editor.org/rfc/rfc4954#section-3" },
            Reference { title: "RFC 9051, section 6.2.3", url: "https://www.rfc-editor.org/rfc/rfc9051#section-6.2.3" },
            Reference { title: "RFC 5034, section 3", url: "https://www.rfc-editor.org/rfc/rfc5034#section-3" },
            Reference { title: "RFC 8314, section 4.1", url: "https://www.rfc-editor.org/rfc/rfc8314#section-4.1" },
        ],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[&NONE, &LOST, &CLEAR, &UNCOMPARED],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static NONE: Outcome = Outcome {
    tag: "client-auth-none",
    levels: Levels::BLOCKER,
    says: Text {
        en: "nobody can log in on port {port} of {ip}: it offers no way to do so",
        ja: "{ip} の {port} 番ポートではログイン方式が提供されず、誰もログインできない",
    },
    remedy: Text {
        en: "Set up authentication for port {port} of {ip}, inside TLS.",
        ja: "{ip} の {port} 番ポートに、TLS の中での認証を設定する。",
    },
};

static LOST: Outcome = Outcome {
    tag: "client-auth-mechs",
    levels: Levels::WARNING,
    says: Text {
        en: "on port {port} the old server offers {mechs}, which {ip} does not; it offers {offered}",
        ja: "旧サーバーが {port} 番ポートで提供するログイン方式 {mechs} を {ip} は提供しない (提供するのは {offered})",
    },
    remedy: Text {
        en: "Offer {mechs} on port {port} of {ip} too, or see in the old server's log who uses it and change their settings before the cutover.",
        ja: "{ip} の {port} 番ポートでも {mechs} を提供する。または旧サーバーのログで利用者を調べ、切り替え前に設定を変えてもらう。",
    },
};

static CLEAR: Outcome = Outcome {
    tag: "client-auth-clear",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} offers {mechs} on port {port} before TLS: passwords may cross the network in clear",
        ja: "{ip} は {port} 番ポートで TLS の開始前に {mechs} を提供する。パスワードが平文で流れるおそれがある",
    },
    remedy: Text {
        en: "Offer logins on port {port} of {ip} only inside TLS (Postfix: smtpd_tls_auth_only = yes; Dovecot: disable_plaintext_auth = yes, from 2.4 auth_allow_cleartext = no).",
        ja: "{ip} の {port} 番ポートでは TLS の中だけでログインを許す (Postfix: smtpd_tls_auth_only = yes、Dovecot: disable_plaintext_auth = yes、2.4 以降は auth_allow_cleartext = no)。",
    },
};

static UNCOMPARED: Outcome = Outcome {
    tag: "client-auth-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} offers every login on port {port} that the old server {old} offers is not known: {why}",
        ja: "{ip} が {port} 番ポートで旧サーバー {old} と同じログイン方式を提供するか確認できない: {why}",
    },
    remedy: Text {
        en: "Run again while the old server answers; if it stays so, compare its settings by hand.",
        ja: "旧サーバーが応答するうちに再実行する。変わらなければ設定を手作業で比べる。",
    },
};

const NOTHING_OLD: Text = Text {
    en: "no old server could be read on this port, so there is nothing to compare with",
    ja: "このポートで読み取れた旧サーバーがないので、比べる相手がない",
};
const NO_TLS: Text = Text { en: "TLS cannot be started", ja: "TLS を開始できない" };

/// Ways to log in, as the server writes them.
type Mechanisms = BTreeSet<String>;

async fn ask(context: &Context) -> Vec<Statement> {
    let judge =
        |(service, talks): (Service, Vec<Talk<'_>>)| judge(&context.plan.hostname, context.phase, service, &talks);
    match client_talks(context).await {
        Ok(ports) => ports.into_iter().flat_map(judge).collect(),
        Err(said) => said,
    }
}

fn judge(host: &DomainName, phase: Phase, service: Service, talks: &[Talk<'_>]) -> Vec<Statement> {
    let old: Vec<&Talk<'_>> = talks.iter().filter(|talk| talk.address.side == Side::Old).collect();
    let (read, unread): (Vec<&Talk<'_>>, Vec<&Talk<'_>>) =
        old.into_iter().partition(|talk| offered(service, &talk.session).is_some());
    let all = read.iter().filter_map(|talk| offered(service, &talk.session)).flatten();
    let wanted = (!read.is_empty()).then(|| all.collect::<Mechanisms>());
    let unread = unread.into_iter().filter(|talk| !is_read_elsewhere(talk, &read));
    let silent = unread.into_iter().find_map(|talk| Some((talk, silence(service, &talk.session)?)));
    let silent = silent.filter(|_| phase == Phase::Before);
    talks.iter().flat_map(|talk| judge_one(host, service, talk, wanted.as_ref(), silent.as_ref())).collect()
}

fn judge_one(
    host: &DomainName,
    service: Service,
    talk: &Talk<'_>,
    wanted: Option<&Mechanisms>,
    silent: Option<&(&Talk<'_>, Value)>,
) -> Vec<Statement> {
    let (session, port) = (&talk.session, service.port());
    let at = session.reached_at();
    let args = Args::none()
        .and("ip", talk.address.ip)
        .and("port", port)
        .and("connect", connect(service, at))
        .and("name", host);
    let about = |statement: Statement, args| statement.about(port.to_string()).args(args).evidence(talk.evidence());
    let say = |outcome, args| about(Statement::outcome(outcome, talk.subject()), args);
    let lacks = |why| about(Statement::not_covered(talk.subject(), why), args.clone());
    let mut said = Vec::new();
    let clear = session.clear.as_ref().filter(|reply| reply.is_positive());
    let readable: Mechanisms = clear.map(|reply| mechanisms(service, reply)).unwrap_or_default();
    let readable: Vec<&String> = readable.iter().filter(|mechanism| is_password(mechanism)).collect();
    if !readable.is_empty() {
        said.push(say(&CLEAR, args.clone().with("mechs", Value::list(readable))));
    }
    let Some(offered) = offered(service, session) else {
        said.push(lacks(PORT_NOT_SO_FAR));
        return said;
    };
    // APOP stands in the greeting of a POP3 server, not among what it can do (RFC 1939, section 7).
    if offered.is_empty() && !matches!(service, Service::Pop3 | Service::Pop3s) {
        said.push(say(&NONE, args));
        return said;
    }
    if talk.address.side == Side::New {
        let lost: Vec<&String> = wanted.into_iter().flat_map(|wanted| wanted.difference(&offered)).collect();
        match silent {
            _ if !lost.is_empty() => {
                let none = Value::both("nothing", "なし");
                let offered = if offered.is_empty() { none } else { Value::list(&offered) };
                said.push(say(&LOST, args.clone().with("mechs", Value::list(lost)).with("offered", offered)));
            }
            Some((old, why)) => {
                let args = args.clone().and("old", old.address.ip).with("why", why.clone());
                said.push(say(&UNCOMPARED, args).evidence(old.evidence()));
            }
            None if wanted.is_none() => said.push(lacks(NOTHING_OLD)),
            None => {}
        }
    }
    if said.is_empty() {
        said.push(about(Statement::passed(talk.subject()), args));
    }
    said
}

/// The ways to log in that people can use: inside TLS, or where the server has none, in clear.
fn offered(service: Service, session: &Session) -> Option<Mechanisms> {
    let reply = match session.tls {
        TlsState::Up(_) => session.secured.as_ref(),
        TlsState::None if session.stop.is_none() => session.clear.as_ref(),
        _ => None,
    };
    Some(mechanisms(service, reply.filter(|reply| reply.is_positive())?))
}

/// Why a server that should be comparable is not; nothing for one that is, and for one that does not serve the port.
fn silence(service: Service, session: &Session) -> Option<Value> {
    if offered(service, session).is_some() || session.stop == Some(Stop::Refused) {
        return None;
    }
    let replies = [&session.greeting, &session.clear, &session.secured].into_iter().flatten();
    let refusal = replies.filter(|reply| !reply.is_positive()).map(|reply| Value::plain(reply.told())).next();
    refusal.or(session.stop.as_ref().map(Stop::why)).or(Some(Value::from(NO_TLS)))
}

/// The ways to log in that a server names, in the words of its protocol.
fn mechanisms(service: Service, reply: &ServerReply) -> Mechanisms {
    let lines = reply.lines.iter().map(|line| line.to_ascii_uppercase());
    match service {
        Service::Smtp | Service::Submissions | Service::Submission => {
            // `AUTH=` is how old programs want it.
            let named = lines.skip(1).filter_map(|line| line.strip_prefix("AUTH").map(str::to_owned));
            let named = named.filter(|rest| rest.starts_with([' ', '=']));
            named.flat_map(|rest| words(rest[1..].replace('=', " "))).map(|word| format!("AUTH {word}")).collect()
        }
        Service::Imap | Service::Imaps => {
            let named = lines.filter_map(|line| line.strip_prefix("* CAPABILITY ").map(str::to_owned));
            let able: Mechanisms = named.flat_map(words).collect();
            let mut found: Mechanisms = able.iter().filter(|word| word.starts_with("AUTH=")).cloned().collect();
            // LOGIN is a command of every server that does not forbid it (RFC 9051, section 6.2.3).
            if !able.is_empty() && !able.contains("LOGINDISABLED") {
                found.insert("LOGIN".to_owned());
            }
            found
        }
        Service::Pop3 | Service::Pop3s => {
            let named = lines.skip(1).flat_map(|line| {
                let mut words = words(line);
                match words.first().map(String::as_str) {
                    Some("USER") => vec!["USER".to_owned()],
                    Some("SASL") => words.drain(1..).map(|word| format!("SASL {word}")).collect(),
                    _ => Vec::new(),
                }
            });
            named.collect()
        }
    }
}

fn words(line: String) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// Whether it shows the password to whoever listens.
fn is_password(mechanism: &str) -> bool {
    mechanism == "USER" || matches!(mechanism.rsplit([' ', '=']).next(), Some("PLAIN" | "LOGIN"))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::super::client_ports::tests::{address, session, up};
    use super::*;
    use crate::model::Status;
    use crate::probe::ReplyKind;

    fn named(service: Service, lines: &[&str]) -> Vec<String> {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        mechanisms(service, &ServerReply { kind: ReplyKind::Positive, code: None, lines }).into_iter().collect()
    }

    /// Lost if it fails: a way to log in that is lost would not be seen, or one that is there would be called lost.
    #[test]
    fn each_protocol_names_its_logins() {
        let smtp = |lines| named(Service::Submission, lines);
        assert_eq!(smtp(&["host", "SIZE 1", "AUTH PLAIN login"]), ["AUTH LOGIN", "AUTH PLAIN"]);
        assert_eq!(smtp(&["host", "AUTH=PLAIN LOGIN", "AUTH PLAIN"]), ["AUTH LOGIN", "AUTH PLAIN"]);
        assert!(smtp(&["host", "AUTH", "AUTHORITY X"]).is_empty());
        assert!(smtp(&["AUTH PLAIN"]).is_empty(), "the first line is the name of the server");
        let imap = |lines| named(Service::Imap, lines);
        assert_eq!(imap(&["* CAPABILITY IMAP4rev1 AUTH=PLAIN", "a1 OK AUTH=NTLM"]), ["AUTH=PLAIN", "LOGIN"]);
        assert_eq!(imap(&["* capability IMAP4rev1 auth=PLAIN LoginDisabled", "a1 OK"]), ["AUTH=PLAIN"]);
        assert!(imap(&["a1 OK"]).is_empty(), "nothing was said");
        let pop3 = |lines| named(Service::Pop3, lines);
        assert_eq!(pop3(&["+OK", "USER", "SASL PLAIN CRAM-MD5", "."]), ["SASL CRAM-MD5", "SASL PLAIN", "USER"]);
        assert!(pop3(&["+OK USER", "UIDL", "SASL", "."]).is_empty());
    }

    /// Lost if it fails: a password in clear would pass, or CRAM-MD5 would be called one.
    #[test]
    fn a_password_is_told_from_a_proof() {
        for shows in ["AUTH PLAIN", "AUTH LOGIN", "AUTH=PLAIN", "LOGIN", "SASL PLAIN", "USER"] {
            assert!(is_password(shows), "{shows}");
        }
        for proves in ["AUTH CRAM-MD5", "AUTH=SCRAM-SHA-256", "SASL NTLM", "AUTH=XPLAIN"] {
            assert!(!is_password(proves), "{proves}");
        }
    }

    fn reply(mechanisms: &str) -> ServerReply {
        let lines = vec!["host".to_owned(), format!("AUTH {mechanisms}")];
        ServerReply { kind: ReplyKind::Positive, code: Some(250), lines }
    }

    /// What a conversation at port 587 showed in TLS.
    fn offers(mechanisms: &str) -> impl Fn(&mut Session) + '_ {
        move |session| (session.tls, session.secured) = (up(), Some(reply(mechanisms)))
    }

    fn stops(stop: Stop) -> impl Fn(&mut Session) {
        move |session| (session.greeting, session.clear, session.stop) = (None, None, Some(stop.clone()))
    }

    /// What is said about the new address.
    fn words(phase: Phase, old: &[&dyn Fn(&mut Session)], new: &dyn Fn(&mut Session)) -> Vec<&'static str> {
        let service = Service::Submission;
        let host = DomainName::parse("mail.example.co.jp").unwrap();
        let sides = old.iter().map(|change| (Side::Old, *change)).chain([(Side::New, new)]);
        let each = sides.enumerate().map(|(at, (side, change))| {
            let ip: IpAddr = format!("203.0.113.{at}").parse().unwrap();
            let mut session = session(ip, service);
            change(&mut session);
            (address(&ip.to_string(), side), Arc::new(session))
        });
        let each: Vec<_> = each.collect();
        let talks: Vec<Talk<'_>> =
            each.iter().map(|(address, session)| Talk { address, session: Arc::clone(session) }).collect();
        let said = judge(&host, phase, service, &talks).into_iter();
        let of_new = said.filter(|one| one.subject.side() == Some(Side::New));
        of_new
            .map(|one| match (one.named(), one.status()) {
                (Some(outcome), _) => outcome.tag,
                (None, Status::Passed) => "passed",
                (None, _) => "not covered",
            })
            .collect()
    }

    /// Lost if it fails: a lost login would pass because the old server was silent, or a new service would hold for ever.
    #[test]
    fn the_new_server_is_compared_with_the_old_one() {
        let before = |old: &[&dyn Fn(&mut Session)], new: &dyn Fn(&mut Session)| words(Phase::Before, old, new);
        let (plain, both) = (offers("PLAIN"), offers("PLAIN CRAM-MD5"));
        let (refused, silent) = (stops(Stop::Refused), stops(Stop::Timeout("connect")));
        assert_eq!(before(&[&plain], &both), ["passed"]);
        assert_eq!(before(&[&both], &plain), ["client-auth-mechs"]);
        assert_eq!(before(&[&plain, &both], &plain), ["client-auth-mechs"]);
        assert_eq!(before(&[&silent], &plain), ["client-auth-unanswered"]);
        assert_eq!(before(&[&plain, &silent], &plain), ["client-auth-unanswered"]);
        assert_eq!(before(&[&plain, &refused], &plain), ["passed"]);
        assert_eq!(before(&[&refused], &plain), ["not covered"]);
        assert_eq!(before(&[], &plain), ["not covered"]);
        assert_eq!(words(Phase::After, &[&silent], &plain), ["not covered"]);
        assert_eq!(before(&[&plain], &silent), ["not covered"]);
        assert_eq!(before(&[&plain], &offers("")), ["client-auth-none"]);
        let in_clear = |session: &mut Session| session.clear = Some(reply("LOGIN PLAIN"));
        assert_eq!(before(&[&plain], &in_clear), ["client-auth-clear"]);
    }
}
