//! What is said of things that are not judged, and of questions without an answer.

use super::expand::ExpandError;
use crate::inbound::{About, Unjudged};
use crate::model::{Lang, Value};
use crate::probe::Answer;

/// What became of a question that decides.
pub(super) fn unanswered(failure: Option<&Answer>) -> Value {
    match failure {
        Some(answer) => answer.why(),
        None => Value::both("it was not asked", "問い合わせていない"),
    }
}

/// A list that did not answer, and what Postfix makes of it.
pub(super) fn list_failed(shown: &str, about: About, failure: Option<&Answer>, permits: bool) -> Value {
    let why = unanswered(failure);
    let (en, ja) = (why.in_lang(Lang::En), why.in_lang(Lang::Ja));
    let (who_en, who_ja) = about_whom(about);
    if permits {
        return Value::both(
            format!(
                "{shown} was asked about {who_en}: {en}; Postfix then goes on as if it were not listed, and puts off \
                 (450 4.7.1) what a later rule of the same list would refuse"
            ),
            format!(
                "{shown} に{who_ja}を問い合わせた結果: {ja}。この場合 Postfix は未登録として次の規則へ進み、同じ制限リストの\
                 後続の規則が拒否するときは一時エラー (450 4.7.1) を返す"
            ),
        );
    }
    Value::both(
        format!("{shown} was asked about {who_en}: {en}; Postfix then goes on as if it were not listed"),
        format!("{shown} に{who_ja}を問い合わせた結果: {ja}。この場合 Postfix は未登録として次の規則へ進む"),
    )
}

/// A list among those of postscreen that did not answer.
pub(super) fn score_failed(shown: &str, failure: Option<&Answer>) -> Value {
    let why = unanswered(failure);
    Value::both(
        format!(
            "{shown} was asked about the client's address: {}; postscreen then adds nothing to the score for it",
            why.in_lang(Lang::En)
        ),
        format!(
            "{shown} にクライアントのアドレスを問い合わせた結果: {}。この場合 postscreen はそのリストの点数を加えない",
            why.in_lang(Lang::Ja)
        ),
    )
}

fn about_whom(about: About) -> (&'static str, &'static str) {
    match about {
        About::Client => ("the client's address", "クライアントのアドレス"),
        About::ClientName => ("the client's name", "クライアントの名前"),
        About::ReverseName => ("the name in the client's PTR record", "クライアントの PTR レコードの名前"),
        About::Helo => ("the HELO name", "HELO 名"),
        About::Sender => ("the sender's domain", "差出人のドメイン"),
    }
}

/// The value of a parameter.
pub(super) fn unknown_value(error: &ExpandError) -> Value {
    let ja = match error {
        ExpandError::Loop(circle) => format!("パラメーターが互いを参照して循環する: {circle}"),
        ExpandError::Size => "値が 1 MiB を超える、または部品が多すぎる".to_owned(),
        ExpandError::Syntax => "式が読めない".to_owned(),
        ExpandError::Machine(name) => format!("{name} が設定されておらず、既定値はサーバーによる"),
    };
    Value::both(format!("its value cannot be known: {error}"), format!("値が分からない。{ja}"))
}

/// The name of the client is not known.
pub(super) fn name_unanswered() -> Value {
    Value::both(
        "the client's name was not answered; Postfix then treats the client as unknown, and a rule that wants a name answers 450",
        "クライアントの名前の問い合わせに応答がない。この場合 Postfix は名前を unknown とし、名前を求める規則は 450 を返す",
    )
}

/// Whether a domain exists is not known.
pub(super) fn domain_unanswered(name: &str) -> Value {
    Value::both(
        format!("whether {name} exists was not answered; Postfix then answers 450 where it would have taken the mail"),
        format!("{name} の有無の問い合わせに応答がない。この場合 Postfix は、受け取るはずのメールに 450 を返す"),
    )
}

/// The HELO name, or the sender, is not known, and a rule looks at it.
pub(super) fn unknown_subject(about: About) -> Value {
    match about {
        About::Helo => Value::both(
            "a rule looks at the HELO name, which is not known; what follows holds for one that the rule does not mind",
            "HELO 名を見る規則があるが、その名前が分からない。以下は、規則に触れない名前の場合である",
        ),
        _ => Value::both(
            "a rule looks at the sender, who is not known; what follows holds for one whom the rule does not mind",
            "差出人を見る規則があるが、差出人が分からない。以下は、規則に触れない差出人の場合である",
        ),
    }
}

/// Something that may decide is not judged: as a client meets it.
pub(super) fn undecided(unjudged: &Unjudged) -> Value {
    let place = unjudged.place.as_ref().map(|place| format!(" ({}:{})", place.file, place.line)).unwrap_or_default();
    let (en, ja) = (unjudged.why.in_lang(Lang::En), unjudged.why.in_lang(Lang::Ja));
    Value::both(
        format!("{}{place}: {en}; what follows holds if it decides nothing", unjudged.written),
        format!("{}{place}: {ja}。以下は、これが何も決めない場合である", unjudged.written),
    )
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $en:literal, $ja:literal;)+) => {
        $($(#[$doc])* pub(super) fn $name() -> Value { Value::both($en, $ja) })+
    };
}

texts! {
    /// A policy service.
    policy_service: "a policy service decides: not judged", "ポリシーサービスが判断する。判定しない";
    /// Patterns.
    patterns: "a table of regular expressions: not judged", "正規表現のテーブル。判定しない";
    /// A type of table that is not read.
    table_type: "a table of this type is not read: not judged", "この種類のテーブルは読めない。判定しない";
    /// The file is not there.
    table_absent: "the text of this table could not be read: not judged", "テーブルのテキストが読めない。判定しない";
    /// A table with conditions.
    table_conditions: "a table with if and endif: not judged", "if と endif を使うテーブル。判定しない";
    /// What Postfix looks up itself.
    servers_of_names: "it looks at the name servers, mail servers or addresses of a name: not judged", "名前の NS、MX、アドレスを見る規則。判定しない";
    /// Address verification.
    verification: "Postfix asks the sender's own server: not judged", "Postfix が差出人のサーバーに問い合わせる。判定しない";
    /// TLS.
    encryption: "it depends on whether the client encrypts, which is not known: not judged", "クライアントが TLS を使うかどうかによる。判定しない";
    /// A client certificate.
    certificates: "it lets clients with certain certificates in; judged as if the client had none", "特定の証明書を持つクライアントを通す。証明書がないものとして判定する";
    /// Senders of our own.
    own_senders: "it concerns senders in the server's own domains; judged as if the sender were a stranger", "自ドメインの差出人に関する規則。外部の差出人として判定する";
    /// The mailbox.
    recipients: "it looks at the mailbox, which is not known: not judged", "宛先のメールボックスを見る規則。判定しない";
    /// A HELO that is an address.
    naked_address: "it lets clients in that say an address in HELO: not judged", "HELO でアドレスを名乗るクライアントを通す。判定しない";
    /// A restriction nobody knows.
    no_restriction: "Postfix 3.7 knows no such restriction, and answers 451 4.3.5 to everybody who gets there", "Postfix 3.7 にはない制限である。ここに達した相手すべてに 451 4.3.5 を返す";
    /// An argument that is missing or wrong.
    bad_argument: "its argument is missing or wrong; Postfix answers 451 4.3.5 to everybody who gets there", "引数がないか誤っている。ここに達した相手すべてに 451 4.3.5 を返す";
    /// A list without a zone.
    no_zone: "no zone stands behind it; Postfix warns and goes on", "ゾーンが書かれていない。Postfix は警告して次へ進む";
    /// A map where none may stand.
    map_in_table: "a result names a table, which may not be; Postfix answers 451 4.3.5", "結果にテーブルが書かれているが、許されない。Postfix は 451 4.3.5 を返す";
    /// A reply filter.
    bad_filter: "the reply filter cannot be read; smtpd ends where it gets there, and the connection with it", "応答フィルターが読めない。ここに達すると smtpd が終了し、接続が切れる";
    /// A site of postscreen.
    bad_site: "postscreen does not start with this, and nobody is greeted", "この値では postscreen が起動せず、誰にも応答しない";
    /// An action without reply.
    hangup: "the connection is cut without a reply: not judged", "応答なしに接続が切られる。判定しない";
    /// Mail that vanishes.
    discarded: "the mail is taken and thrown away: not judged", "メールを受け取ったうえで破棄する。判定しない";
    /// A line of main.cf.
    no_parameter: "no line of the form name = value; Postfix does not start with it", "name = value の形ではない行。この行があると Postfix は起動しない";
    /// Classes that hold themselves.
    class_circle: "a restriction class that holds itself; smtpd breaks down there", "自分自身を含む制限クラス。smtpd が異常終了する";
    /// A server that serves nobody.
    open_relay: "neither smtpd_relay_restrictions nor smtpd_recipient_restrictions keeps strangers out (reject_unauth_destination or the like): smtpd does not start, and nobody is greeted", "smtpd_relay_restrictions にも smtpd_recipient_restrictions にも第三者中継を拒む規則 (reject_unauth_destination など) がない。smtpd は起動せず、誰にも応答しない";
    /// mynetworks.
    mynetworks_default: "mynetworks is not set: its default depends on the server's networks; judged as if only the machine itself were in it", "mynetworks がない。既定値はサーバーのネットワークによる。自ホストだけを含むものとして判定する";
    /// mynetworks with names or tables.
    mynetworks_pattern: "this part of mynetworks is not read; judged as if it held nobody", "mynetworks のこの部分は読めない。どの相手も含まないものとして判定する";
    /// mynetworks with bits behind the prefix, or a mask.
    mynetworks_wrong: "no network that Postfix can read (bits behind the prefix, or a mask): permit_mynetworks answers 451 4.3.0 to everybody of this address family who is in no network before it", "Postfix が読めないネットワークである (プレフィックスより後のビットがある、またはマスクの形)。permit_mynetworks は、これより前のネットワークにない同じアドレス種別の相手すべてに 451 4.3.0 を返す";
    /// master.cf is missing.
    no_master: "master.cf was not given: whether postscreen stands before smtpd is taken from postscreen_dnsbl_sites, and options that master.cf sets are not known", "master.cf がない。postscreen の有無は postscreen_dnsbl_sites から推定した。master.cf の設定は分からない";
    /// Port 25.
    no_port_25: "nothing listens at port 25 in master.cf; judged as smtpd with the settings of main.cf", "master.cf にポート 25 のサービスがない。main.cf の設定の smtpd として判定する";
    /// Several services.
    second_port_25: "another service at port 25: not judged", "ポート 25 の別のサービス。判定しない";
    /// A strange program.
    strange_program: "this program at port 25 is not judged; judged as smtpd", "ポート 25 のこのプログラムは判定しない。smtpd として判定する";
    /// The service behind postscreen.
    no_pass_service: "postscreen hands on to a service that is not in master.cf; judged as smtpd with the settings of main.cf", "postscreen の引き渡し先が master.cf にない。main.cf の設定の smtpd として判定する";
    /// Milters and their kin.
    after_restrictions: "it may refuse or drop what the restrictions let in: not judged", "制限を通ったメールを拒否または破棄しうる。判定しない";
    /// Deep tests.
    deep_tests: "a client that postscreen does not know yet is put off once with 450 4.3.2, and taken when it comes again", "postscreen にとって初めてのクライアントは一度 450 4.3.2 で待たされ、再送で受け取られる";
    /// The greeting.
    early_talkers: "postscreen refuses clients that talk before they are greeted; judged as a client that waits", "postscreen は挨拶の前に話し出すクライアントを拒否する。待つクライアントとして判定する";
    /// Interfaces.
    backup_interfaces: "postscreen lets nobody in at the other addresses of the server; judged as a client that comes to an allowed one", "postscreen はほかのアドレスでは誰も通さない。許されたアドレスに来るクライアントとして判定する";
    /// Reply maps.
    reply_map: "this table of replies is not read; the reply may differ", "この応答のテーブルは読めない。応答が異なりうる";
    /// A number, a word.
    bad_value: "Postfix does not take this value, and serves nobody with it", "Postfix が受け付けない値。このままでは誰にも応答しない";
    /// Limits.
    limits: "it puts off clients that send much: not judged", "多くを送るクライアントを一時的に拒む。判定しない";
    /// Services that are off.
    disabled_services: "it turns services off; judged as if the one at port 25 were on", "サービスを無効にする設定。ポート 25 のサービスは有効であるものとして判定する";
    /// Commands that are changed.
    command_filter: "it changes commands before Postfix sees them: not judged", "Postfix が見る前にコマンドを変える。判定しない";
    /// Answers that are changed.
    dns_filter: "it changes answers of the DNS before Postfix sees them: not judged", "Postfix が見る前に DNS の応答を変える。判定しない";
}
