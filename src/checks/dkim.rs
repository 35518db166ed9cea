//! The DKIM keys that the new server will sign with: are they there, and can they be used?

use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use hickory_proto::rr::RecordType;

use crate::check::{Check, Context, Run};
use crate::model::{
    Args, Card, DomainName, Lang, Levels, Needs, Outcome, Phase, Reference, Statement, Subject, Text, Value,
};
use crate::probe::{Answer, Question, Reply, plain};
use crate::records::dkim::{Key, Material};
use crate::records::fault::tell;

/// The check.
pub static CHECK: Check = Check {
    card: Card {
        id: "dkim",
        title: Text {
            en: "Each DKIM key is published and can be used", ja: "DKIM の鍵が公開されていて使用できる"
        },
        short: Text { en: "DKIM keys", ja: "DKIM の鍵" },
        phases: &[Phase::Before, Phase::After],
        why: Text {
            en: "A signature whose key is missing or broken counts as none: Gmail and Outlook.com reject bulk mail without one, and DMARC loses a leg. The key must be there before the new server signs.",
            ja: "鍵がない、または壊れている署名は無署名と同じ扱いになる。Gmail や Outlook.com は署名のない大量送信を拒否し、DMARC は片方の根拠を失う。鍵は新サーバーが署名を始める前に公開しておく必要がある。",
        },
        how: Text {
            en: "For every selector in [auth] dkim, TXT is read at selector._domainkey.domain from the zone's own servers, aliases followed. The tags, the base64 and the structure of the key are read, and its length measured.",
            ja: "[auth] dkim のセレクターごとに、selector._domainkey.ドメインの TXT をゾーンの権威サーバーから読む (別名はたどる)。タグ、base64、鍵の構造を読み取り、鍵長を測る。",
        },
        by_hand: "dig +short {key} TXT",
        references: &[
            Reference { title: "RFC 6376, section 3.6.1", url: "https://www.rfc-editor.org/rfc/rfc6376#section-3.6.1" },
            Reference { title: "RFC 8301, section 3.2", url: "https://www.rfc-editor.org/rfc/rfc8301#section-3.2" },
            Reference { title: "RFC 8463, section 4", url: "https://www.rfc-editor.org/rfc/rfc8463#section-4" },
            Reference {
                title: "URIports: DKIM Ed25519 adoption",
                url: "https://www.uriports.com/blog/dkim-ed25519-adoption/",
            },
            Reference { title: "Google: email sender guidelines", url: "https://support.google.com/mail/answer/81126" },
        ],
        needs: Needs::Dns,
        waivable: true,
        outcomes: &[
            &PRESENT,
            &PARSE,
            &REVOKED,
            &SEVERAL,
            &BITS_SHORT,
            &BITS,
            &BITS_LONG,
            &ED25519_ONLY,
            &FLAGS,
            &UNUSABLE,
            &UNANSWERED,
        ],
    },
    run: Run::World(|context| async move { ask(&context).await }.boxed()),
};

static PRESENT: Outcome = Outcome {
    tag: "dkim-present",
    levels: Levels::BLOCKER,
    says: Text { en: "no DKIM key is published at {key}: {why}", ja: "{key} に DKIM の鍵がない: {why}" },
    remedy: Text {
        en: "Publish the public key at {key} as TXT \"v=DKIM1; k=rsa; p=…\", or the CNAME that your provider names, before the new server signs with it.",
        ja: "新サーバーが署名を始める前に、公開鍵を TXT「v=DKIM1; k=rsa; p=…」として {key} に登録する。事業者が CNAME を指定している場合はそれを登録する。",
    },
};

static PARSE: Outcome = Outcome {
    tag: "dkim-parse",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the DKIM key at {key} cannot be used: {faults}",
        ja: "{key} の DKIM の鍵は使用できない: {faults}",
    },
    remedy: Text {
        en: "Publish the record at {key} again as the signer printed it, with a key of more than 255 characters in several quoted strings of one TXT record.",
        ja: "署名側が出力したとおりに {key} のレコードを登録し直す。255 文字を超える鍵は、1 つの TXT レコードの中で複数の引用文字列に分ける。",
    },
};

static REVOKED: Outcome = Outcome {
    tag: "dkim-revoked",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the DKIM key at {key} is revoked (p= is empty), and the plan wants to sign with it",
        ja: "{key} の DKIM の鍵は失効している (p= が空)。計画ではこの鍵で署名することになっている",
    },
    remedy: Text {
        en: "Publish the public key at {key}, or sign with another selector and name that one in the plan.",
        ja: "{key} に公開鍵を登録するか、別のセレクターで署名し、計画にもそのセレクターを書く。",
    },
};

static SEVERAL: Outcome = Outcome {
    tag: "dkim-several",
    levels: Levels::BLOCKER,
    says: Text {
        en: "{key} has {count} TXT records; which of them a receiver takes is undefined (RFC 6376, section 3.6.2.2)",
        ja: "{key} に TXT レコードが {count} 件あり、受信側がどれを使うかは決まっていない (RFC 6376 第 3.6.2.2 節)",
    },
    remedy: Text {
        en: "Delete every TXT record at {key} but the one with the key that the new server signs with.",
        ja: "{key} の TXT レコードのうち、新サーバーが署名に使う鍵のもの以外を削除する。",
    },
};

static BITS_SHORT: Outcome = Outcome {
    tag: "dkim-bits-short",
    levels: Levels::BLOCKER,
    says: Text {
        en: "the RSA key at {key} has {bits} bits; receivers must not accept fewer than 1024",
        ja: "{key} の RSA 鍵は {bits} ビットしかない。1024 ビット未満の鍵は受け入れられない",
    },
    remedy: Text {
        en: "Make an RSA key of 2048 bits, and publish it under a new selector.",
        ja: "2048 ビットの RSA 鍵を作り、新しいセレクターで公開する。",
    },
};

static BITS: Outcome = Outcome {
    tag: "dkim-bits",
    levels: Levels::WARNING,
    says: Text {
        en: "the RSA key at {key} has {bits} bits; 2048 are recommended",
        ja: "{key} の RSA 鍵は {bits} ビットである。2048 ビットが推奨されている",
    },
    remedy: Text {
        en: "Make an RSA key of 2048 bits, and publish it under a new selector; a cutover is a good occasion.",
        ja: "2048 ビットの RSA 鍵を作り、新しいセレクターで公開する。切り替えはよい機会である。",
    },
};

static BITS_LONG: Outcome = Outcome {
    tag: "dkim-bits-long",
    levels: Levels::WARNING,
    says: Text {
        en: "the RSA key at {key} has {bits} bits; receivers need not handle more than 4096",
        ja: "{key} の RSA 鍵は {bits} ビットである。4096 ビットを超える鍵は受信側が対応していなくてもよい",
    },
    remedy: Text {
        en: "Make an RSA key of 2048 bits, and publish it under a new selector.",
        ja: "2048 ビットの RSA 鍵を作り、新しいセレクターで公開する。",
    },
};

static ED25519_ONLY: Outcome = Outcome {
    tag: "dkim-ed25519-only",
    levels: Levels::WARNING,
    says: Text {
        en: "the usable DKIM keys named for {name} are all Ed25519; Gmail, Outlook.com, Yahoo and others do not verify such signatures",
        ja: "計画にある {name} の DKIM の鍵のうち、使用できるものはすべて Ed25519 である。Gmail、Outlook.com、Yahoo などはこの方式の署名を検証しない",
    },
    remedy: Text {
        en: "Sign mail from {name} with an RSA key of 2048 bits as well, and name its selector in the plan too.",
        ja: "{name} のメールに 2048 ビットの RSA 鍵でも署名し、そのセレクターも計画に書く。",
    },
};

static FLAGS: Outcome = Outcome {
    tag: "dkim-flags",
    levels: Levels::WARNING,
    says: Text {
        en: "the DKIM key at {key} says that it is a test (t=y): receivers may treat its signatures as none",
        ja: "{key} の DKIM の鍵には試験中 (t=y) の印があり、受信側は署名がないものとして扱うことがある",
    },
    remedy: Text {
        en: "Remove the y from t= in the record at {key}.", ja: "{key} のレコードの t= から y を消す。"
    },
};

static UNUSABLE: Outcome = Outcome {
    tag: "dkim-unusable",
    levels: Levels::BLOCKER,
    says: Text {
        en: "receivers ignore the DKIM key at {key}: {reason}",
        ja: "{key} の DKIM の鍵は受信側に無視される: {reason}",
    },
    remedy: Text {
        en: "Remove {tag} from the record at {key}: without it the key serves for everything.",
        ja: "{key} のレコードから {tag} を消す。なければ鍵はすべての用途に使える。",
    },
};

static UNANSWERED: Outcome = Outcome {
    tag: "dkim-unanswered",
    levels: Levels::UNKNOWN,
    says: Text {
        en: "whether a DKIM key is published at {key} is not known: {why}",
        ja: "{key} に DKIM の鍵があるか確認できない: {why}",
    },
    remedy: Text {
        en: "Ask again; if it stays so, see whether the name servers of {key} answer.",
        ja: "再実行する。変わらなければ {key} のネームサーバーが応答するか調べる。",
    },
};

const NO_SELECTOR: Text = Text {
    en: "the plan names no DKIM selector for this domain: write dkim = { \"domain\" = [\"selector\"] } under [auth]",
    ja: "計画にこのドメインの DKIM セレクターがない。[auth] に dkim = { \"ドメイン\" = [\"セレクター\"] } と書く",
};

/// So many records of one selector are read; more than one is a fault anyway.
const MOST_RECORDS: usize = 5;

/// The name a selector's key stands at (RFC 6376, section 3.6.2.1).
pub(super) fn key_name(selector: &str, domain: &DomainName) -> String {
    format!("{}._domainkey.{domain}", selector.to_ascii_lowercase())
}

/// What is published at the name of a key; nothing if the DNS cannot hold the name.
pub(super) async fn lookup(context: &Context, key: &str) -> Option<Arc<Reply>> {
    let question = Question::new(key, RecordType::TXT).ok()?;
    Some(context.published(question).await)
}

/// Why there is no key, with the alias that led there.
pub(super) fn absence(reply: Option<&Reply>) -> Value {
    let Some(reply) = reply else {
        return Text { en: "the name is too long for the DNS", ja: "名前が DNS の上限より長い" }.into();
    };
    let why = reply.why();
    match reply.chain.last() {
        None => why,
        Some(target) => {
            let target = plain(target);
            Value::both(
                format!("it is an alias for {target}, and there {}", why.in_lang(Lang::En)),
                format!("{target} への別名であり、その先では{}", why.in_lang(Lang::Ja)),
            )
        }
    }
}

async fn ask(context: &Context) -> Vec<Statement> {
    let auth = &context.plan.auth;
    let named = |domain: &DomainName| auth.dkim.iter().any(|(known, all)| known == domain && !all.is_empty());
    let without = context.plan.domains.iter().filter(|domain| !named(domain));
    let mut said: Vec<Statement> =
        without.map(|domain| Statement::not_covered(Subject::Name(domain.to_string()), NO_SELECTOR)).collect();
    let mut keys: Vec<String> =
        auth.dkim.iter().flat_map(|(domain, all)| all.iter().map(|selector| key_name(selector, domain))).collect();
    keys.sort();
    keys.dedup();
    let judged = join_all(keys.iter().map(|key| async move { judge(key, lookup(context, key).await.as_deref()) }));
    said.extend(judged.await.concat());
    let by_domain = auth.dkim.iter().map(|(domain, all)| async move {
        let keys: Vec<String> = all.iter().map(|selector| key_name(selector, domain)).collect();
        let replies = join_all(keys.iter().map(|key| lookup(context, key))).await;
        judge_together(domain, &keys.join(" TXT "), &replies)
    });
    said.extend(join_all(by_domain).await.into_iter().flatten());
    said
}

/// What all keys of a domain taken together lack: a signature that everybody can verify. Where one is not known, nothing is said.
fn judge_together(domain: &DomainName, names: &str, replies: &[Option<Arc<Reply>>]) -> Option<Statement> {
    let replies: Vec<&Arc<Reply>> = replies.iter().flatten().collect();
    let texts = replies.iter().flat_map(|reply| reply.texts());
    let keys: Vec<Material> = texts.filter_map(|text| Key::read(&text).ok()).map(|key| key.material).collect();
    let is_known = replies.iter().all(|reply| reply.is_definite());
    let is_rsa = |material: &Material| matches!(material, Material::Rsa(_));
    let holds = is_known && keys.contains(&Material::Ed25519) && !keys.iter().any(is_rsa);
    holds.then(|| {
        let statement = Statement::outcome(&ED25519_ONLY, Subject::Name(domain.to_string()));
        let args = Args::none().and("name", domain).and("key", names);
        statement.args(args).evidence(replies.iter().map(|reply| reply.observation))
    })
}

fn judge(key: &str, reply: Option<&Reply>) -> Vec<Statement> {
    let evidence = reply.map(|reply| reply.observation);
    let say = |outcome: &'static Outcome, args: Args| {
        Statement::outcome(outcome, Subject::Name(key.to_owned())).args(args.and("key", key)).evidence(evidence)
    };
    let absent = || vec![say(&PRESENT, Args::none().with("why", absence(reply)))];
    let Some(reply) = reply else { return absent() };
    match reply.answer {
        Answer::Data => {}
        Answer::NoData | Answer::NxDomain => return absent(),
        _ => return vec![say(&UNANSWERED, Args::none().with("why", reply.why()))],
    }
    let mut texts = reply.texts();
    texts.sort();
    let mut said = Vec::new();
    if texts.len() > 1 {
        said.push(say(&SEVERAL, Args::none().and("count", texts.len())));
    }
    for (number, text) in texts.iter().take(MOST_RECORDS).enumerate() {
        for (outcome, about, args) in findings(text) {
            let place = (texts.len() > 1).then(|| (number + 1).to_string());
            let about: Vec<String> = place.into_iter().chain(about.map(str::to_owned)).collect();
            let statement = say(outcome, args);
            said.push(if about.is_empty() { statement } else { statement.about(about.join(" ")) });
        }
    }
    if said.is_empty() {
        let args = Args::none().and("key", key);
        said.push(Statement::passed(Subject::Name(key.to_owned())).args(args).evidence(evidence));
    }
    said
}

type Finding = (&'static Outcome, Option<&'static str>, Args);

/// What is wrong with one record, each with its second key if the outcome can hold twice.
fn findings(text: &[u8]) -> Vec<Finding> {
    let key = match Key::read(text) {
        Ok(key) => key,
        Err(faults) => return vec![(&PARSE, None, Args::none().with("faults", tell(&faults)))],
    };
    let mut found: Vec<Finding> = Vec::new();
    match key.material {
        Material::Revoked => return vec![(&REVOKED, None, Args::none())],
        Material::Rsa(bits @ ..1024) => found.push((&BITS_SHORT, None, Args::none().and("bits", bits))),
        Material::Rsa(bits @ 1024..2048) => found.push((&BITS, None, Args::none().and("bits", bits))),
        Material::Rsa(bits @ 4097..) => found.push((&BITS_LONG, None, Args::none().and("bits", bits))),
        Material::Rsa(2048..=4096) | Material::Ed25519 => {}
    }
    if key.is_testing() {
        found.push((&FLAGS, None, Args::none()));
    }
    if !key.takes_sha256() {
        let reason = Text { en: "h= does not name sha256", ja: "h= に sha256 がない" };
        found.push((&UNUSABLE, Some("h"), Args::none().with("reason", reason).and("tag", "h=")));
    }
    if !key.is_for_mail() {
        let reason = Text { en: "s= names neither email nor *", ja: "s= に email も * もない" };
        found.push((&UNUSABLE, Some("s"), Args::none().with("reason", reason).and("tag", "s=")));
    }
    found
}
