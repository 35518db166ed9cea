//! `bounce`: what people and programs get of an error mail.

use expect_test::expect;
use unicode_width::UnicodeWidthStr;

use crate::{Folder, plan};

const REFUSED: &str = "554 5.7.1 Service unavailable; Client host [203.0.113.25] blocked using zen.spamhaus.org; see \u{1b}[2J\n\
    Nov 24 10:00:00 mail postfix/smtpd[1]: NOQUEUE: reject: RCPT from mx.partner.example[198.51.100.9]: 554 5.7.1 Service unavailable; Client host [198.51.100.9] blocked using bl.spamcop.net; from=<a@partner.example> to=<=info@example.co.jp> proto=ESMTP helo=<mx>\n";

fn folder() -> Folder {
    let folder = Folder::with_plan(plan(([127, 0, 0, 1], 9).into()));
    folder.write("refused.txt", REFUSED);
    folder
}

/// Lost if it fails: the sentence that an office worker reads first, or the side that an administrator needs.
#[test]
fn the_table_says_who_must_act() {
    let ran = folder().run(&["bounce", "refused.txt", "--plan", "plan.toml", "--lang", "en"]);
    assert_eq!((ran.exit, ran.err.as_str()), (Some(0), ""));
    for words in [
        "The mail was refused because our server (203.0.113.25) is on the blocklist Spamhaus ZEN.",
        "who must act  our side",
        "203.0.113.25 (ours)",
        "The mail was refused because the partner's server (198.51.100.9) is on the blocklist SpamCop",
        "who must act  the partner's side",
        "mail-cutover explain dnsbl-listed",
        "2  dnsbl",
    ] {
        assert!(ran.out.contains(words), "{words:?} is missing in\n{}", ran.out);
    }
    assert!(!ran.out.contains('\u{1b}'), "{}", ran.out);
    let ran = folder().run(&["bounce", "refused.txt", "--plan", "plan.toml", "--lang", "ja"]);
    assert!(
        ran.out.contains("ブロックリスト Spamhaus ZEN に自社サーバー (203.0.113.25) が登録されているため"),
        "{}",
        ran.out
    );
    assert!(ran.out.lines().all(|line| line.width() <= 100), "{}", ran.out);
}

/// Lost if it fails: a program that sorts refusals stumbles over the shape; a spreadsheet takes a stranger's words for a formula.
#[test]
fn programs_and_spreadsheets_get_every_field() {
    let ran = folder().run(&["bounce", "refused.txt", "--plan", "plan.toml", "--format", "json"]);
    let told = ran.json()["explanations"][1].clone();
    let keys: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    expect!["action class code code_name confidence direction enhanced evidence file ip list receiver recipient remedy rule sentence side source sub tag whose_ip"].assert_eq(&keys.join(" "));
    assert_eq!(
        (&told["list"], &told["whose_ip"], &told["side"]),
        (&"spamcop".into(), &"partner".into(), &"theirs".into())
    );
    let ran = folder().run(&["bounce", "refused.txt", "--format", "csv"]);
    assert_eq!(ran.out.lines().count(), 3);
    assert!(ran.out.contains("\nrefused.txt,'=info@example.co.jp,"), "{}", ran.out);
}

/// Lost if it fails: a mistyped path is a riddle, or a file without a refusal looks like good news.
#[test]
fn what_cannot_be_explained_is_said() {
    let folder = folder();
    folder.write("empty.txt", "");
    expect!["error: could not read the error mail absent.eml: No such file or directory (os error 2)\n"]
        .assert_eq(&folder.run(&["bounce", "absent.eml"]).error());
    let ran = folder.run(&["bounce", "empty.txt", "--lang", "en"]);
    assert_eq!((ran.exit, ran.out.as_str()), (Some(0), ""));
    expect!["no error mail or reply was found in what was given\n"].assert_eq(&ran.err);
}
