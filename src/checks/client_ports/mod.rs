//! Whether people's mail programs can use the new server: its ports, TLS, and the certificate that they see.

mod certificate;
#[cfg(test)]
pub(super) mod tests;

use std::net::SocketAddr;

use futures::FutureExt;
use futures::future::join_all;

use super::client_names::Lead;
use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, DomainName, Levels, Needs, Outcome, Phase, Reference, Side, Statement, Text, Value, Vantage,
};
use crate::plan::Service;
use crate::probe::{Session, Stop, TlsSeen, TlsState};
use crate::servers::{Talk, client_talks, receiving, talk};
use certificate::{Shown, names, show};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "client-ports",
        title: Text {
            en: "Mail programs can use each planned port of the new server, with TLS and a certificate that they accept",
            ja: "メールソフトが新サーバーの計画上の各ポートを、TLS と有効な証明書で使える",
        },
        short: Text { en: "client ports", ja: "クライアント用ポート" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A port that nobody opened, or a certificate that is not for the name in people's settings, stops every mail program on the first morning.",
            ja: "ポートが開いていない、または証明書が設定済みのサーバー名に合わないと、翌朝には全員のメールソフトがエラーになる。",
        },
        how: Text {
            en: "One conversation at each planned port but 25 with every address that receives, old and new (and with those that only send, where none that receives takes the connection): TLS (from the beginning, or by STARTTLS or STLS), what the server can do, goodbye; nobody logs in. That a port does not answer counts only if this machine reached a server of the plan over the same family in the same run; on the new server itself only a new one, because not every network leads an address back to its own machine. Nor does the new server see the firewall in front of it: that others reach a port is never shown there. The certificate must hold at the cutover (now, if that is later) and be for the host name and those of mail., smtp. (465, 587), imap. (143, 993), pop. and pop3. (110, 995) below the first ten domains that lead to the address or to an old one. Where it is not, the server is asked once more under that name (SNI).",
            ja: "計画の 25 番以外の各ポートで、受信する新旧の各アドレスと一度ずつ対話する (受信するアドレスのどれも接続を受け付けなければ、送信専用のアドレスとも対話する)。TLS (接続時から、または STARTTLS、STLS)、機能の一覧、終了の挨拶までで、ログインはしない。応答がないことを「提供していない」と判定するのは、このマシンが同じ実行の中で同じアドレスファミリーの計画のサーバーに接続できた場合に限る。新サーバー自身で実行したときは、新サーバーへの接続だけをその根拠とする (自分の公開アドレスに戻れないネットワークがあるため)。手前のファイアウォールも見えないので、外部から接続できることはそこでは確認できない。証明書は切り替え時 (過ぎていれば現在) に有効でなければならない。さらに計画の hostname と、最初の 10 ドメインの mail.、smtp. (465、587)、imap. (143、993)、pop.、pop3. (110、995) のうち、そのアドレスか旧アドレスに行き着く名前を含まなければならない。含まない名前については、その名前 (SNI) でもう一度接続して確かめる。",
        },
        by_hand: "openssl s_client -crlf {connect} -servername {name}",
        references: &[
            Reference { title: "RFC 8314, sections 3 and 4", url: "https://www.rfc-editor.org/rfc/rfc8314#section-3" },
            Reference { title: "RFC 9525, section 6", url: "https://www.rfc-editor.org/rfc/rfc9525#section-6" },
        ],
        needs: Needs::Servers,
        waivable: true,
        outcomes: &[
            &CLOSED,
            &PARTLY,
            &OLD_CLOSED,
            &VANTAGE,
            &OWN,
            &UNANSWERED,
            &NO_TLS,
            &NEVER_TLS,
            &CERTIFICATE,
            &NO_BETTER,
            &NAMES,
        ],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static CLOSED: Outcome = Outcome {
    tag: "client-port",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{ip} does not serve port {port}: {why}; no other new address was seen to serve it, and this machine reached {others}",
        ja: "{ip} は {port} 番ポートのサービスを提供しない: {why}。提供する新アドレスはほかに見つからず、このマシンから {others} には接続できた",
    },
    remedy: Text {
        en: "Open port {port} to {ip} in the security group and the firewall, and see that the mail server listens there; if nobody uses the port, take it out of ports under [smtp].",
        ja: "セキュリティグループとファイアウォールで {ip} の {port} 番ポートを開け、メールサーバーが待ち受けているか確かめる。使わないポートなら [smtp] の ports から外す。",
    },
};

static PARTLY: Outcome = Outcome {
    tag: "client-port-partly",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} does not serve port {port}, which other new addresses serve: {why}",
        ja: "{ip} は、ほかの新アドレスが提供する {port} 番ポートのサービスを提供しない: {why}",
    },
    remedy: Text {
        en: "See that no name in people's mail programs leads to {ip}, or open port {port} there; an address that takes no mail at all gets receives = false.",
        ja: "メールソフトに設定される名前が {ip} に行き着かないことを確かめるか、{port} 番ポートを開ける。メールを受け付けないアドレスなら receives = false と書く。",
    },
};

static OLD_CLOSED: Outcome = Outcome {
    tag: "client-port-old",
    levels: Levels::NOTE,
    says: Text {
        en: "the old server {ip} does not serve port {port}: {why}",
        ja: "旧サーバー {ip} は {port} 番ポートのサービスを提供しない: {why}",
    },
    remedy: Text {
        en: "Tell people when port {port} is new to them; nothing need be done if the old server is already switched off.",
        ja: "{port} 番ポートが新しいサービスなら利用者に知らせる。旧サーバーを停止済みなら対応は不要である。",
    },
};

static VANTAGE: Outcome = Outcome {
    tag: "client-port-vantage",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether {ip} serves port {port} is not known: {why}, and nothing shows that this machine can get there over {family}: its own network may let nothing out",
        ja: "{ip} が {port} 番ポートのサービスを提供するか確認できない: {why}。このマシンから {family} で接続できる証拠もない。手元のネットワークが外向きの接続を遮断している可能性がある",
    },
    remedy: Text {
        en: "Run check on a machine in another network with --format json, and join the reports with merge.",
        ja: "別のネットワークのマシンで check を --format json 付きで実行し、merge でレポートを統合する。",
    },
};

static OWN: Outcome = Outcome {
    tag: "client-port-own",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether others reach port {port} of {ip} cannot be seen from the new server itself",
        ja: "外部から {ip} の {port} 番ポートに接続できるかは、新サーバー自身からは分からない",
    },
    remedy: Text {
        en: "Run check on a machine in another network, and join the reports with merge.",
        ja: "別のネットワークのマシンで check を実行し、merge でレポートを統合する。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "client-port-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether mail programs can use port {port} of {ip} is not known: {why}",
        ja: "メールソフトが {ip} の {port} 番ポートを使えるか確認できない: {why}",
    },
    remedy: Text {
        en: "Run again; if it stays so, read the server's log, let the server accept this machine for the test, or raise timeout under [smtp].",
        ja: "再実行する。変わらなければサーバーのログを調べ、テストの間だけこのマシンを許可するか、[smtp] の timeout を延ばす。",
    },
};

static NO_TLS: Outcome = Outcome {
    tag: "client-tls",
    levels: Levels::BLOCKER,
    says: Text {
        en: "TLS does not work on port {port} of {ip}: {why}",
        ja: "{ip} の {port} 番ポートで TLS を開始できない: {why}",
    },
    remedy: Text {
        en: "Set up TLS for port {port} of {ip}: from the start of the connection on 465, 993 and 995, by STARTTLS or STLS on 587, 143 and 110.",
        ja: "{ip} の {port} 番ポートに TLS を設定する (465、993、995 は接続時から、587、143、110 は STARTTLS または STLS)。",
    },
};

static NEVER_TLS: Outcome = Outcome {
    tag: "client-tls-none",
    levels: Levels::WARNING,
    says: Text {
        en: "{ip} offers no TLS on port {port}: passwords cross the network in clear, as before",
        ja: "{ip} は {port} 番ポートで TLS を提供しない。これまでと同じく、パスワードが平文で流れる",
    },
    remedy: Text {
        en: "Set up STARTTLS (STLS on 110) for port {port} of {ip}, and move people to ports with TLS.",
        ja: "{ip} の {port} 番ポートに STARTTLS (110 番は STLS) を設定し、利用者を TLS のあるポートへ移す。",
    },
};

static CERTIFICATE: Outcome = Outcome {
    tag: "client-cert",
    levels: Levels::BLOCKER,
    says: Text {
        en: "mail programs will reject the certificate of {ip} on port {port}: {why}",
        ja: "{ip} の {port} 番ポートの証明書をメールソフトが拒否する: {why}",
    },
    remedy: Text {
        en: "Install on {ip} a certificate that is valid at the cutover and for {names}, with its intermediate certificates.",
        ja: "切り替え時に有効で {names} を含む証明書を、中間証明書とともに {ip} に設定する。",
    },
};

static NO_BETTER: Outcome = Outcome {
    tag: "client-cert-no-better",
    levels: Levels::WARNING,
    says: Text {
        en: "mail programs object to the certificate of {ip} on port {port}, as before: {why}",
        ja: "{ip} の {port} 番ポートの証明書に、これまでと同じくメールソフトが警告を出す: {why}",
    },
    remedy: Text {
        en: "Install on {ip} a certificate that is valid for {names}; until then tell people which warning comes again: an exception that they made for the old certificate does not hold for the new one.",
        ja: "{names} に有効な証明書を {ip} に設定する。それまでは、旧証明書を例外として許可した利用者にも再び警告が出ることを知らせる。",
    },
};

static NAMES: Outcome = Outcome {
    tag: "client-cert-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether mail programs accept the certificate of {ip} on port {port} under {names} is not known: {why}",
        ja: "メールソフトが {names} という名前で {ip} の {port} 番ポートの証明書を受け入れるか確認できない: {why}",
    },
    remedy: Text {
        en: "Run again; if it stays so, see whether the name servers and the mail server answer, or let the certificate cover {names} too.",
        ja: "再実行する。変わらなければネームサーバーとメールサーバーが応答するか調べる。または証明書に {names} を加える。",
    },
};

const NOT_OFFERED: Text = Text { en: "the server does not offer it", ja: "サーバーが提供していない" };
const INJECTED: Text = Text {
    en: "unencrypted data follows the answer to STARTTLS or STLS",
    ja: "STARTTLS または STLS への応答の後ろに平文のデータが続いている",
};

/// One port of one address: what its certificate is worth, or why none was seen.
struct Seen<'c> {
    talk: Talk<'c>,
    shown: Result<Shown, Short>,
}

/// Where a mail program gets stuck before there is TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Short {
    /// There is no connection.
    Away(Stop),
    /// What answers is something else.
    Alien(Value),
    /// It cannot be said.
    Unseen(Value),
    /// TLS does not come about.
    Broken(Value),
    /// TLS is not offered.
    Clear,
}

/// A server of the plan that this machine reached.
#[derive(Clone, Copy, Debug)]
struct Way {
    server: SocketAddr,
    side: Side,
}

async fn ask(context: &Context) -> Vec<Statement> {
    let ports = match client_talks(context).await {
        Ok(ports) => ports,
        Err(said) => return said,
    };
    let mut ways: Vec<Way> = ports.iter().flat_map(|(_, talks)| talks).filter_map(way).collect();
    if context.plan.smtp.services.contains(&Service::Smtp) {
        let servers = join_all(receiving(context).map(|address| talk(context, address, Service::Smtp))).await;
        ways.extend(servers.iter().filter_map(way));
    }
    let judged = ports.into_iter().map(|(service, talks)| {
        let ways = &ways;
        async move {
            let names = names(context, service).await;
            let seen = join_all(talks.into_iter().map(|talk| look(context, service, talk, &names))).await;
            let port = Port { service, host: &context.plan.hostname, vantage: context.vantage, seen: &seen, ways };
            seen.iter().flat_map(|one| port.judge(one)).collect::<Vec<Statement>>()
        }
    });
    join_all(judged).await.concat()
}

fn way(talk: &Talk<'_>) -> Option<Way> {
    talk.session.is_connected().then_some(Way { server: talk.session.server, side: talk.address.side })
}

async fn look<'c>(context: &Context, service: Service, talk: Talk<'c>, names: &[(DomainName, Lead)]) -> Seen<'c> {
    let shown = match reach(service, &talk.session) {
        Ok(tls) => Ok(show(context, service, &talk, tls, names).await),
        Err(short) => Err(short),
    };
    Seen { talk, shown }
}

/// What TLS showed, or where a mail program gets stuck.
fn reach(service: Service, session: &Session) -> Result<&TlsSeen, Short> {
    if let (false, Some(stop)) = (session.is_connected(), &session.stop) {
        return Err(Short::Away(stop.clone()));
    }
    // A POP3 server need not know CAPA (RFC 2449); where TLS is up, that is no loss.
    let may_refuse = matches!(service, Service::Pop3 | Service::Pop3s) && session.tls_seen().is_some();
    let replies = [&session.greeting, &session.clear, &session.secured].into_iter().flatten();
    let refusal = replies.filter(|_| !may_refuse).find(|reply| !reply.is_positive());
    match (&session.stop, &session.tls, refusal) {
        (Some(stop @ Stop::Malformed(..)), ..) => Err(Short::Alien(stop.why())),
        (_, _, Some(reply)) => Err(Short::Unseen(Value::plain(reply.told()))),
        (Some(stop), ..) => Err(Short::Unseen(stop.why())),
        (None, TlsState::Refused(reply), _) => Err(Short::Broken(Value::plain(reply.told()))),
        (None, TlsState::Injected, _) => Err(Short::Broken(Value::from(INJECTED))),
        (None, TlsState::Failed(why), _) => Err(Short::Broken(Value::plain(why))),
        (None, TlsState::None, _) => Err(Short::Clear),
        (None, TlsState::Up(tls), _) => Ok(tls),
    }
}

/// One port of the plan at every address.
struct Port<'a, 'c> {
    service: Service,
    host: &'a DomainName,
    vantage: Vantage,
    seen: &'a [Seen<'c>],
    ways: &'a [Way],
}

impl Port<'_, '_> {
    fn judge(&self, one: &Seen<'_>) -> Vec<Statement> {
        match &one.shown {
            Err(short) => vec![self.judge_short(one, short)],
            Ok(shown) => self.judge_shown(one, shown),
        }
    }

    fn judge_short(&self, one: &Seen<'_>, short: &Short) -> Statement {
        let say = |outcome, why: Value| {
            self.say(one, Statement::outcome(outcome, one.talk.subject()), |args| args.with("why", why))
        };
        let closed = |why: Value| {
            let more = |args: Args| args.with("why", why).with("others", Value::list(self.reached(one)));
            self.say(one, Statement::outcome(self.closed(one), one.talk.subject()), more)
        };
        match short {
            Short::Away(stop) if stop.is_no_route() || self.reached(one).is_empty() => say(&VANTAGE, stop.why()),
            Short::Away(stop) => closed(stop.why()),
            Short::Alien(why) => closed(why.clone()),
            Short::Unseen(why) => say(&UNANSWERED, why.clone()),
            Short::Broken(why) => say(&NO_TLS, why.clone()),
            Short::Clear if one.is_old() || self.was(is_clear) => say(&NEVER_TLS, Value::from(NOT_OFFERED)),
            Short::Clear => say(&NO_TLS, Value::from(NOT_OFFERED)),
        }
    }

    fn judge_shown(&self, one: &Seen<'_>, shown: &Shown) -> Vec<Statement> {
        let mut said = Vec::new();
        if let Some((names, why)) = shown.rejected() {
            let lost = !one.is_old() && shown.flawed().any(|(name, _)| !self.was(|old| is_no_better(old, name)));
            let outcome = if lost { &CERTIFICATE } else { &NO_BETTER };
            let names = if names.is_empty() { Value::plain(&one.talk.address.ptr) } else { Value::list(names) };
            let more = |args: Args| args.with("why", why).with("names", names);
            said.push(self.say(one, Statement::outcome(outcome, one.talk.subject()), more));
        }
        if let Some((_, why)) = shown.unknown.first() {
            let names = Value::list(shown.unknown.iter().map(|(name, _)| name));
            let more = |args: Args| args.with("why", why.clone()).with("names", names);
            said.push(self.say(one, Statement::outcome(&NAMES, one.talk.subject()), more));
        }
        // Its own firewall and that of its network lie behind it.
        if self.vantage == Vantage::NewServer && !one.is_old() {
            said.push(self.say(one, Statement::outcome(&OWN, one.talk.subject()), |args| args));
        }
        if said.is_empty() {
            said.push(self.say(one, Statement::passed(one.talk.subject()), |args| args));
        }
        said
    }

    /// The statement, with what all of them carry and what it carries itself.
    fn say(&self, one: &Seen<'_>, statement: Statement, more: impl FnOnce(Args) -> Args) -> Statement {
        let (address, session) = (one.talk.address, &one.talk.session);
        let port = self.service.port();
        let args = Args::none()
            .and("ip", address.ip)
            .and("port", port)
            .and("family", if address.ip.is_ipv4() { "IPv4" } else { "IPv6" })
            .and("connect", connect(self.service, session.reached_at()))
            .and("name", self.host);
        let of_names = one.shown.iter().flat_map(|shown| shown.evidence.iter().copied());
        statement.about(port.to_string()).args(more(args)).evidence(one.talk.evidence()).evidence(of_names)
    }

    /// What it means that nothing usable answers at an address.
    fn closed(&self, one: &Seen<'_>) -> &'static Outcome {
        let serves = |other: &Seen<'_>| !other.is_old() && (other.shown.is_ok() || is_clear(other));
        match one.talk.address.side {
            Side::Old => &OLD_CLOSED,
            Side::New if self.seen.iter().any(serves) => &PARTLY,
            Side::New => &CLOSED,
        }
    }

    /// What shows that this machine has a way to an address; the same port first.
    fn reached(&self, one: &Seen<'_>) -> Vec<SocketAddr> {
        // Not every network leads a public address back to its own machine.
        let to_itself = self.vantage == Vantage::NewServer && !one.is_old();
        let is_like = |way: &&Way| way.server.is_ipv4() == one.talk.address.ip.is_ipv4();
        let proves = |way: &&Way| is_like(way) && (!to_itself || way.side == Side::New);
        let mut reached: Vec<SocketAddr> = self.ways.iter().filter(proves).map(|way| way.server).collect();
        reached.sort_by_key(|server| server.port() != self.service.port());
        reached.truncate(3);
        reached
    }

    /// Whether the old servers that serve the port were all seen to be like this, one at least.
    fn was(&self, like_this: impl Fn(&Seen<'_>) -> bool) -> bool {
        let serves = |old: &&Seen<'_>| !matches!(old.shown, Err(Short::Away(_) | Short::Alien(_)));
        let olds = self.seen.iter().filter(|one| one.is_old()).filter(serves);
        let (alike, others): (Vec<_>, Vec<_>) = olds.partition(|old| like_this(old));
        !alike.is_empty() && others.is_empty()
    }
}

impl Seen<'_> {
    fn is_old(&self) -> bool {
        self.talk.address.side == Side::Old
    }
}

fn is_clear(one: &Seen<'_>) -> bool {
    one.shown.as_ref().err() == Some(&Short::Clear)
}

/// Whether mail programs that were given this name do not take the certificate of an old server either.
fn is_no_better(old: &Seen<'_>, name: &DomainName) -> bool {
    match &old.shown {
        Ok(shown) => !shown.holds_for(name),
        Err(short) => matches!(short, Short::Clear | Short::Broken(_)),
    }
}

/// The arguments of openssl for a port.
pub(super) fn connect(service: Service, at: SocketAddr) -> String {
    match service {
        Service::Submissions | Service::Imaps | Service::Pop3s => format!("-connect {at}"),
        Service::Smtp | Service::Submission => format!("-starttls smtp -connect {at}"),
        Service::Imap => format!("-starttls imap -connect {at}"),
        Service::Pop3 => format!("-starttls pop3 -connect {at}"),
    }
}
