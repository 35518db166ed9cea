//! Whether port 25 of others is reached from the new server, over each family in which it is to send.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use futures::FutureExt;
use futures::future::join_all;

use crate::check::{Check, Context, NOBODY_SENDS, Run};
use crate::model::{
    Args, Card, Detail, Lang, Levels, Needs, ObservationId, Outcome, Phase, Reference, Side, Statement, Subject, Text,
    Value, Vantage,
};
use crate::origin::{Announced, origin_of};
use crate::plan::Service;
use crate::probe::{ServerReply, Session, Stop};
use crate::servers::{NOT_PLANNED, ON_NEW_SERVER, Talk, receiving, talk};
use crate::witnesses::{Witness, domains, visit_witnesses};

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "net-outbound",
        title: Text {
            en: "The new server reaches port 25 of other mail servers",
            ja: "新サーバーから他のメールサーバーの 25 番ポートに接続できる",
        },
        short: Text { en: "port 25 out", ja: "外向き 25 番" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "Many clouds block outbound port 25 until somebody asks them to open it. Nothing shows it before the switch: then mail comes in, but everything that goes out waits in the queue until it bounces.",
            ja: "多くのクラウドは、申請するまで外向きの 25 番ポートを通さない。切り替えるまで兆候はない。切り替えると、受信はできるのに、送信メールは一通残らずキューに溜まり、やがてエラーとして差出人に戻る。",
        },
        how: Text {
            en: "On the new server: a connection to port 25 of the MX hosts of the plan's witnesses and partners, in networks as different as can be, and of the old server; greeting, EHLO and QUIT, never an envelope to others. Each family in which a new address sends is judged by itself. A greeting that refuses also proves that port 25 is open. An old server proves it alone only if other AS numbers announce it than announce the new addresses: inside a network port 25 is often open. The port is called closed only if servers in at least two networks were tried and none of others was reached.",
            ja: "新サーバー上で、計画の witnesses と取引先の MX ホスト (できるだけ異なるネットワークから選ぶ) と旧サーバーの 25 番ポートに接続する。送るのは EHLO と QUIT だけで、他組織のサーバーにエンベロープは送らない。新アドレスが送信に使うアドレスファミリーごとに判定する。接続を拒否するバナーでも、到達した証拠になる。旧サーバーだけに到達した場合は、新アドレスと別の AS から広告されているときに限り証拠とする (ネットワークの内側では 25 番ポートが開いていることが多い)。二つ以上のネットワークのサーバーを試し、他組織のどれにも到達できなかったときに限り「閉じている」と判定する。",
        },
        by_hand: "nc -v {host} 25",
        references: &[
            Reference {
                title: "Amazon EC2: port 25",
                url: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-resource-limits.html",
            },
            Reference {
                title: "Google Cloud: sending email from an instance",
                url: "https://cloud.google.com/compute/docs/tutorials/sending-mail",
            },
            Reference {
                title: "Azure: outbound SMTP connectivity",
                url: "https://learn.microsoft.com/azure/virtual-network/troubleshoot-outbound-smtp-connectivity",
            },
        ],
        needs: Needs::NewServer,
        waivable: true,
        outcomes: &[&CLOSED, &SOME, &UNPROVEN, &NO_IPV6, &INSTEAD],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static CLOSED: Outcome = Outcome {
    tag: "net-outbound-25",
    levels: Levels::BLOCKER,
    says: Text {
        en: "from the new server, no mail server of others was reached on port 25 over {family}: {missed}",
        ja: "新サーバーから {family} では、他組織のどのメールサーバーの 25 番ポートにも到達できない: {missed}",
    },
    remedy: Text {
        en: "Ask the provider to open outbound port 25, and open it in the security group and the firewall; where the provider never opens it, send through a relay on port 587.",
        ja: "事業者に外向き 25 番ポートの開放を申請し、セキュリティグループとファイアウォールでも開ける。開放しない事業者なら、サブミッションポート (587 番) で接続する中継サーバー経由で送信する。",
    },
};

static SOME: Outcome = Outcome {
    tag: "net-outbound-25-some",
    levels: Levels::WARNING,
    says: Text {
        en: "from the new server, port 25 of {reached} was reached over {family}, but not port 25 of {missed}",
        ja: "新サーバーから {family} で {reached} の 25 番ポートには到達できたが、次のサーバーには到達できない: {missed}",
    },
    remedy: Text {
        en: "Run again; if it stays so, see whether a firewall lets port 25 out to some networks only, and whether those servers are up.",
        ja: "再実行する。変わらなければ、ファイアウォールが一部のネットワークにしか 25 番ポートを通していないか、相手のサーバーが動いているかを調べる。",
    },
};

static UNPROVEN: Outcome = Outcome {
    tag: "net-outbound-25-unproven",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether port 25 leaves the new server over {family} is not known: {why}",
        ja: "新サーバーから {family} で外向きの 25 番ポートを使えるか確認できない: {why}",
    },
    remedy: Text {
        en: "Name mail domains of others, in different networks, as witnesses under [smtp].",
        ja: "[smtp] の witnesses に、異なるネットワークにある、他組織のメールドメインを書く。",
    },
};

static NO_IPV6: Outcome = Outcome {
    tag: "net-outbound-no-ipv6",
    levels: Levels::WARNING,
    says: Text {
        en: "the new server has no route out over IPv6, although {ips} is planned to send: mail leaves over IPv4 only",
        ja: "{ips} から送信する計画だが、新サーバーには IPv6 で外に出る経路がない。メールは IPv4 だけで送信される",
    },
    remedy: Text {
        en: "Give the server its IPv6 address and a default route, or write sends = false for that address.",
        ja: "サーバーに IPv6 アドレスとデフォルトルートを設定するか、そのアドレスに sends = false と書く。",
    },
};

static INSTEAD: Outcome = Outcome {
    tag: "net-outbound-25-instead",
    levels: Levels::NOTE,
    says: Text {
        en: "over {family} port 25 was reached only where [smtp] connect leads ({reached}): this does not show that it leaves the new server",
        ja: "{family} で 25 番ポートに到達したのは、[smtp] connect で指定した接続先だけである ({reached})。新サーバーから外に接続できることの確認にはならない",
    },
    remedy: Text {
        en: "Run without connect before the cutover.", ja: "切り替え前に connect なしで実行する。"
    },
};

/// One server that was tried.
#[derive(Clone, Debug)]
struct Try {
    ip: IpAddr,
    host: String,
    /// The same for servers that say little beside each other.
    network: String,
    /// It is the plan's own old server: whether it is up is judged elsewhere.
    is_old: bool,
    /// Other AS numbers announce it than announce the new addresses.
    is_far: bool,
    /// Where it was tried, if somewhere else.
    detour: Option<SocketAddr>,
    greeting: Option<ServerReply>,
    stop: Option<Stop>,
    observation: ObservationId,
}

impl Try {
    fn of_old(talk: &Talk<'_>, is_far: bool) -> Self {
        let host = talk.address.ptr.to_string();
        Self { is_old: true, is_far, ..Self::of(talk.address.ip, host, "old".to_owned(), &talk.session) }
    }

    fn of(ip: IpAddr, host: String, network: String, session: &Session) -> Self {
        Self {
            ip,
            host,
            network,
            is_old: false,
            is_far: false,
            detour: session.detour,
            greeting: session.greeting.clone(),
            stop: session.stop.clone(),
            observation: session.observation,
        }
    }

    /// Any greeting came over port 25; an open connection without one may be a firewall's.
    fn is_reached(&self) -> bool {
        self.greeting.is_some()
    }

    /// This machine has no address or route of the family. A local firewall says something else.
    fn has_no_route(&self) -> bool {
        let denied = matches!(self.stop, Some(Stop::Unreachable(ErrorKind::PermissionDenied)));
        !denied && self.stop.as_ref().is_some_and(Stop::is_no_route)
    }

    fn named(&self) -> String {
        let at = self.detour.map_or_else(String::new, |to| format!(", {to}"));
        format!("{} ({}{at})", self.ip, self.host)
    }

    /// Who, and what came of it.
    fn told(&self) -> Value {
        let named = self.named();
        match (&self.greeting, self.stop.as_ref().map(Stop::why)) {
            (Some(greeting), _) => Value::plain(format!("{named}: {}", greeting.told())),
            (None, Some(Value::Both { en, ja })) => Value::both(format!("{named}: {en}"), format!("{named}: {ja}")),
            (None, _) => Value::plain(named),
        }
    }
}

async fn ask(context: &Context) -> Vec<Statement> {
    let senders = match senders(context) {
        Ok(senders) => senders,
        Err(said) => return said,
    };
    let (old, others) = outward(context).await;
    let far = join_all(old.iter().map(|talk| is_far(context, talk.address.ip, &senders))).await;
    let of_old = old.iter().zip(far).map(|(talk, is_far)| Try::of_old(talk, is_far));
    let of_others =
        others.into_iter().map(|witness| Try::of(witness.ip, witness.host, witness.network, &witness.session));
    let tries: Vec<Try> = of_old.chain(of_others).collect();
    let names_witnesses = !domains(context).is_empty();
    judge(&senders, &tries, names_witnesses)
}

/// The new addresses that send, on the new server.
///
/// # Errors
/// The one statement to make where connections outwards are not to be tried.
pub(super) fn senders(context: &Context) -> Result<Vec<IpAddr>, Vec<Statement>> {
    if context.vantage != Vantage::NewServer {
        return Err(vec![Statement::not_covered(Subject::Run, ON_NEW_SERVER)]);
    }
    if !context.plan.smtp.services.contains(&Service::Smtp) {
        return Err(vec![Statement::not_covered(Subject::Run, NOT_PLANNED)]);
    }
    let senders = context.plan.new.iter().filter(|address| address.sends);
    let senders: Vec<IpAddr> = senders.map(|address| address.ip).collect();
    if senders.is_empty() { Err(vec![Statement::not_applicable(Subject::Run, NOBODY_SENDS)]) } else { Ok(senders) }
}

/// The connections outwards from the new server: to the old server, and to servers of others.
pub(super) async fn outward(context: &Context) -> (Vec<Talk<'_>>, Vec<Witness>) {
    let old = receiving(context).filter(|address| address.side == Side::Old);
    futures::join!(join_all(old.map(|address| talk(context, address, Service::Smtp))), visit_witnesses(context))
}

/// Whether no AS number that announces `ip` announces one of `senders` over the same family; all must be known.
async fn is_far(context: &Context, ip: IpAddr, senders: &[IpAddr]) -> bool {
    let alike = senders.iter().filter(|sender| sender.is_ipv4() == ip.is_ipv4());
    let (own, theirs) =
        futures::join!(origin_of(&context.dns, ip), join_all(alike.map(|sender| origin_of(&context.dns, *sender))));
    let is_another = |other: &Announced| !other.asns.is_empty() && !other.asns.iter().any(|asn| own.asns.contains(asn));
    !own.asns.is_empty() && theirs.iter().all(is_another)
}

/// One statement for each family in which a new address sends.
fn judge(senders: &[IpAddr], tries: &[Try], names_witnesses: bool) -> Vec<Statement> {
    let sends = |v6: bool| senders.iter().any(|ip| ip.is_ipv6() == v6);
    [("IPv4", false), ("IPv6", true)]
        .into_iter()
        .filter(|(_, v6)| sends(*v6))
        .map(|(family, v6)| {
            let tried: Vec<&Try> = tries.iter().filter(|one| one.ip.is_ipv6() == v6).collect();
            let ips = senders.iter().filter(|ip| ip.is_ipv6() == v6);
            let args = Args::none()
                .and("family", family)
                .with("ips", Value::list(ips))
                .and("host", tried.first().map_or("MX", |one| one.host.as_str()));
            let (statement, args) = judge_family(&tried, args, v6 && sends(false), names_witnesses);
            statement
                .about(family)
                .args(args)
                .evidence(tried.iter().map(|one| one.observation))
                .details(tried.iter().map(|one| Detail::new(one.told())))
        })
        .collect()
}

/// What is said of one family; `can_do_without` is whether mail leaves over the other one.
fn judge_family(tried: &[&Try], args: Args, can_do_without: bool, names_witnesses: bool) -> (Statement, Args) {
    let say = |outcome: &'static Outcome| Statement::outcome(outcome, Subject::Run);
    let (reached, missed): (Vec<&Try>, Vec<&Try>) = tried.iter().partition(|one| one.is_reached());
    let args =
        args.with("reached", Value::list(reached.iter().map(|one| one.named()))).with("missed", together(&missed));
    if reached.is_empty() && can_do_without && !missed.is_empty() && missed.iter().all(|one| one.has_no_route()) {
        return (say(&NO_IPV6), args);
    }
    // An old server that is gone stops nobody from sending to others; one that is reached may stand in the same network.
    let others_reached = reached.iter().any(|one| !one.is_old);
    let networks: BTreeSet<&str> = missed.iter().map(|one| one.network.as_str()).collect();
    if !others_reached && networks.len() > 1 {
        return (say(&CLOSED), args);
    }
    if !others_reached && !reached.iter().any(|one| one.is_far) {
        return (say(&UNPROVEN), args.with("why", unproven(&reached, &missed, names_witnesses)));
    }
    if missed.iter().any(|one| !(one.is_old && others_reached)) {
        return (say(&SOME), args);
    }
    if reached.iter().all(|one| one.detour.is_some()) {
        return (say(&INSTEAD), args);
    }
    (Statement::passed(Subject::Run), args)
}

fn unproven(reached: &[&Try], missed: &[&Try], names_witnesses: bool) -> Value {
    match (reached.is_empty(), missed.is_empty(), names_witnesses) {
        (false, ..) => {
            let all: Vec<&Try> = reached.iter().chain(missed).copied().collect();
            before(
                "only the old server was reached, and nothing shows that it stands in another network",
                "到達したのは旧サーバーだけで、別のネットワークにある証拠がない",
                &together(&all),
            )
        }
        (_, true, false) => Value::both("there is no server to try", "試す相手のサーバーがない"),
        (_, true, true) => Value::both(
            "no server of a witness or partner was found over this family",
            "このアドレスファミリーでは witnesses や取引先のサーバーが見つからない",
        ),
        (_, false, _) => before("only one network was tried", "試したネットワークは一つだけである", &together(missed)),
    }
}

/// A phrase and what it rests on.
fn before(en: &str, ja: &str, rest: &Value) -> Value {
    Value::both(format!("{en}: {}", rest.in_lang(Lang::En)), format!("{ja}: {}", rest.in_lang(Lang::Ja)))
}

/// Several tries in a row.
fn together(tries: &[&Try]) -> Value {
    let told: Vec<Value> = tries.iter().map(|one| one.told()).collect();
    let joined = |lang| told.iter().map(|one| one.in_lang(lang)).collect::<Vec<&str>>().join("; ");
    Value::both(joined(Lang::En), joined(Lang::Ja))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::ReplyKind;

    const REACHED: Option<Stop> = None;

    fn one(ip: &str, network: &str, stop: Option<Stop>) -> Try {
        let kind = ReplyKind::Permanent;
        let greeting = stop.is_none().then(|| ServerReply { kind, code: Some(554), lines: vec!["no".to_owned()] });
        Try {
            ip: ip.parse().unwrap(),
            host: "mx.other.test".to_owned(),
            network: network.to_owned(),
            is_old: network == "old",
            is_far: false,
            detour: None,
            greeting,
            stop,
            observation: ObservationId(0),
        }
    }

    fn said(senders: &[&str], tries: &[Try]) -> Vec<String> {
        let senders: Vec<IpAddr> = senders.iter().map(|ip| ip.parse().unwrap()).collect();
        let word = |statement: Statement| {
            let tag = statement.named().map_or("passed", |outcome| outcome.tag);
            format!("{tag} {}", statement.about.unwrap_or_default())
        };
        judge(&senders, tries, true).into_iter().map(word).collect()
    }

    const V4: &str = "203.0.113.25";
    const V6: &str = "2001:db8:25::25";

    /// Lost if it fails: a cloud that lets no port 25 out would get a GO, or one dead witness a NO-GO.
    #[test]
    fn port_25_is_closed_only_if_two_networks_say_so() {
        let timeout = || Some(Stop::Timeout("connect"));
        let (a, b) = ("198.18.1.25", "198.51.100.25");
        let far = || Try { is_far: true, ..one("192.0.2.25", "old", REACHED) };
        for (tries, expected) in [
            (vec![one(a, "1", REACHED)], "passed IPv4"),
            (vec![one(a, "1", REACHED), one(b, "old", timeout())], "passed IPv4"),
            (vec![one(a, "1", REACHED), one(b, "2", timeout())], "net-outbound-25-some IPv4"),
            // The old server may stand in the same network, where port 25 is open.
            (vec![one(a, "old", REACHED)], "net-outbound-25-unproven IPv4"),
            (vec![one(a, "old", REACHED), one(b, "2", timeout())], "net-outbound-25-unproven IPv4"),
            (vec![far(), one(b, "2", timeout())], "net-outbound-25-some IPv4"),
            (vec![far()], "passed IPv4"),
            (vec![far(), one(a, "1", timeout()), one(b, "2", timeout())], "net-outbound-25 IPv4"),
            (vec![one(a, "1", timeout()), one(b, "2", Some(Stop::Refused))], "net-outbound-25 IPv4"),
            (vec![one(a, "1", timeout()), one(b, "1", timeout())], "net-outbound-25-unproven IPv4"),
            (vec![one(a, "1", Some(Stop::Timeout("greeting")))], "net-outbound-25-unproven IPv4"),
            (vec![one("2001:db8::1", "6", REACHED)], "net-outbound-25-unproven IPv4"),
            (vec![], "net-outbound-25-unproven IPv4"),
        ] {
            assert_eq!(said(&[V4], &tries), [expected], "{tries:?}");
        }
    }

    /// Lost if it fails: a server without IPv6 would stop the switch, or one that sends over nothing else would not.
    #[test]
    fn a_server_without_ipv6() {
        let none = |network| one("2001:db8::1", network, Some(Stop::Unreachable(ErrorKind::NetworkUnreachable)));
        let denied = |network| one("2001:db8::1", network, Some(Stop::Unreachable(ErrorKind::PermissionDenied)));
        let v4 = || one("198.18.1.25", "1", REACHED);
        assert_eq!(said(&[V4, V6], &[v4(), none("1"), none("2")]), ["passed IPv4", "net-outbound-no-ipv6 IPv6"]);
        assert_eq!(said(&[V4, V6], &[v4(), denied("1"), denied("2")]), ["passed IPv4", "net-outbound-25 IPv6"]);
        assert_eq!(said(&[V6], &[none("1"), none("2")]), ["net-outbound-25 IPv6"]);
        assert_eq!(said(&[V4, V6], &[v4()]), ["passed IPv4", "net-outbound-25-unproven IPv6"]);
    }

    /// Lost if it fails: a tunnel would prove that the provider lets port 25 out.
    #[test]
    fn a_detour_proves_nothing() {
        let detour =
            |network, stop| Try { detour: Some(([127, 0, 0, 1], 2525).into()), ..one("198.18.1.25", network, stop) };
        assert_eq!(said(&[V4], &[detour("1", REACHED)]), ["net-outbound-25-instead IPv4"]);
        let old_gone = [detour("1", REACHED), detour("old", Some(Stop::Refused))];
        assert_eq!(said(&[V4], &old_gone), ["net-outbound-25-instead IPv4"]);
        assert_eq!(said(&[V4], &[detour("1", REACHED), one("192.0.2.25", "2", REACHED)]), ["passed IPv4"]);
        assert_eq!(said(&[V4], &[detour("old", REACHED)]), ["net-outbound-25-unproven IPv4"]);
    }
}
