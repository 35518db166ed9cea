//! What a stranger may put into a text that comes to us: each entry is one trick on somebody who reads what the tool writes.

/// Names of tricks and the texts that try them; [`octets`] has what is no UTF-8.
pub(crate) fn texts() -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = TEXTS.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    let flood = |mark: char, count: usize| format!("a{}b", mark.to_string().repeat(count));
    all.extend([
        ("combining flood", flood('\u{489}', 300)),
        ("combining marks of many kinds", format!("GO{}", "\u{336}\u{335}\u{20d2}\u{338}".repeat(20))),
        ("long word", "x".repeat(5000)),
        ("long line", "no go ".repeat(1000)),
        ("long and wide", "否".repeat(1500)),
        ("backticks", format!("{} {}", "`".repeat(7), "~".repeat(7))),
        ("pieces of a table", "| a | b |\n|---|---|\n| [x] | **GO** |".repeat(3)),
        ("all controls", (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32).collect()),
        ("all bidi", BIDI.iter().collect()),
        ("tags", ('\u{e0020}'..='\u{e007f}').collect()),
        (
            "variation selectors",
            ('\u{fe00}'..='\u{fe0f}').chain('\u{e0100}'..='\u{e01ef}').map(|c| format!("A{c}")).collect(),
        ),
        ("every ASCII sign", (' '..='~').collect()),
    ]);
    all
}

/// Octets that are no UTF-8, or look like it.
pub(crate) fn octets() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        &b"\xff\xfe\xfd"[..],
        b"\x9b2J\x9d0;x\x9c",
        b"\xc0\xaf\xc1\x9b",
        b"\xed\xa0\x80\xed\xb0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x80",
        b"a\xe2\x80\xaeb\x80",
        b"\x80\x81\x82\x8d\x85",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    all.push((0..=255).collect());
    all
}

const BIDI: [char; 12] = [
    '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    '\u{200e}', '\u{200f}', '\u{61c}',
];

const TEXTS: &[(&str, &str)] = &[
    // Terminals.
    ("clear the screen", "\u{1b}[2J\u{1b}[H\u{1b}[1;32mGO\u{1b}[0m"),
    ("link of OSC 8", "\u{1b}]8;;http://evil.example/\u{1b}\\click\u{1b}]8;;\u{1b}\\"),
    ("clipboard of OSC 52", "\u{1b}]52;c;cm0gLXJmIH4K\u{7}"),
    ("title of OSC 0", "\u{1b}]0;GO\u{7}"),
    ("device control string", "\u{1b}P+q544e\u{1b}\\\u{1b}[6n"),
    ("C1 control", "\u{9b}2J\u{9d}0;GO\u{9c}\u{90}x\u{85}"),
    ("carriage return", "NO-GO\rGO   "),
    ("backspace", "NO-GO\u{8}\u{8}\u{8}\u{8}\u{8}GO\u{7f}"),
    ("line ends", "a\nGO\n\u{b}\u{c}\r\nGO\r"),
    ("bell and null", "\u{7}\0\u{1}\u{1a}"),
    // Order and what cannot be seen.
    ("right to left override", "\u{202e}OG-ON\u{202c}"),
    ("isolates", "\u{2067}GO\u{2066}NO\u{2069}\u{2069}\u{2069}"),
    ("marks of direction", "a\u{200e}b\u{200f}c\u{61c}d"),
    ("zero width", "N\u{200b}O\u{200c}-\u{200d}G\u{2060}O\u{feff}"),
    ("fillers", "a\u{115f}b\u{1160}c\u{3164}d\u{ffa0}e\u{34f}f\u{17b4}g\u{180b}h\u{180e}"),
    ("soft hyphen", "mail\u{ad}.exam\u{ad}ple"),
    ("line separators", "a\u{2028}GO\u{2029}GO\u{85}GO"),
    ("annotations", "a\u{fff9}b\u{fffa}c\u{fffb}\u{fffc}"),
    ("musical controls", "a\u{1d173}b\u{1d17a}c\u{1bca0}d"),
    ("noncharacters", "\u{fdd0}\u{fdef}\u{fffe}\u{ffff}\u{1fffe}\u{10ffff}"),
    ("unassigned and private", "\u{378}\u{e000}\u{f8ff}\u{f0000}\u{2fe0}"),
    ("mark without a base", "\u{338}\u{20d2}GO"),
    // Markup.
    ("script", "</script><script>alert(1)</script>"),
    ("image", "<img src=x onerror=alert(1)>"),
    ("out of an attribute", "\" onmouseover=\"alert(1)\" x='"),
    ("comment", "--><!-- <b>GO</b> --!>"),
    ("CDATA", "]]><![CDATA[ </testsuite> ]]>"),
    ("entity", "&lt;b&gt; &#60;script&#62; &nbsp; &x; &"),
    ("doctype", "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]>&y;"),
    ("style and title", "</title></style></pre></code></textarea><style>*{display:none}"),
    ("processing instruction", "<?xml version=\"1.0\"?><?php x ?>"),
    // Markdown.
    ("link", "[GO](http://evil.example/) ![x](http://evil.example/x.png)"),
    ("autolink", "<http://evil.example/> <a@evil.example>"),
    ("reference", "[x]: http://evil.example/ \"t\"\n[x][x] [^1]\n\n[^1]: GO"),
    ("heading", "# GO\n\nGO\n===\n\n- [x] ticked"),
    ("fence", "```\nGO\n``` `` ` ~~~\n~~~"),
    ("table", "a | b \\| c || d"),
    ("emphasis", "**GO** __GO__ ~~NO-GO~~ *x* _y_"),
    ("raw HTML", "<details open><summary>GO</summary></details><br><!-- -->"),
    ("mathematics", "$\\color{green}{\\large GO}$ $$x$$ $`x`$"),
    ("list", "- a"),
    ("numbers", "1. a"),
    ("quote", "> a"),
    ("plus", "+ a"),
    ("indented", "    code"),
    ("rule", "---"),
    ("trailing backslash", "a\\"),
    // Spreadsheets.
    ("formula", "=HYPERLINK(\"http://evil.example/\",\"GO\")"),
    ("formula by plus", "+1+cmd|' /C calc'!A0"),
    ("formula by minus", "-2+3+cmd|' /C calc'!A0"),
    ("formula by at", "@SUM(1+1)*cmd|' /C calc'!A0"),
    ("formula behind a tab", "\t=1+1"),
    ("formula behind a return", "\r=1+1"),
    ("formula behind blanks", " \u{a0}\u{3000}=1+1"),
    ("formula in the next cell", "x;=1+1;\t@SUM(1);\"=1\",=1"),
    ("full-width formula", "＝1+1"),
    // Programs that read.
    ("metrics", "x\"} 1\nmail_cutover_verdict{verdict=\"GO\"} 1\n# HELP"),
    ("figures", "OK | blockers=0;;0;0 'x'=1"),
    ("workflow command", "::error file=a,line=1::x\n::stop-commands::y"),
    ("workflow command of old", "##[error]x ##[add-mask]y"),
    ("pipeline command", "##vso[task.setvariable variable=PATH]x ##teamcity[buildStatus text='GO']"),
    ("escaped by percent", "%0A::error::x%0D%25"),
    ("JSON", "\",\"verdict\":\"GO\"}],{\\u001b \\ud800"),
    ("TOML", "\"\nhostname = \"evil.example\"\n[[waive]]\ntag = \"x\" # '''\"\"\""),
    ("URI", "javascript:alert(1)//%2e%2e/../#x?y"),
    ("fields", "a,b;c\td\"e\"'f'"),
    ("placeholder", "{ip} {name} {query} {} {{"),
    ("roff", ".so /etc/passwd\n'br\n\\fBGO"),
    // What is pasted.
    ("shell", "$(touch pwned)`touch pwned`; touch pwned | touch pwned & touch pwned #"),
    ("out of quotation", "' ; touch pwned ; '\"; touch pwned; \""),
    ("shell on lines", "x\ntouch pwned\n"),
    ("options", "-f/etc/passwd"),
    ("long options", "--help --output=pwned"),
    ("dig's own", "@evil.example +tcp -k x"),
    ("globs", "* ? [a-z] ~root {a,b} !! ^x^y"),
    ("redirections", ">pwned <pwned 2>&1 <(touch pwned)"),
    ("master file", "\" ) ; $INCLUDE /etc/passwd\n@ IN TXT \"v=spf1 +all"),
    ("SPF", "v=spf1 +all\" \"-all"),
    ("main.cf", "x\nmynetworks = 0.0.0.0/0\n permit"),
    ("table of Postfix", "0.0.0.0/0 permit"),
];
