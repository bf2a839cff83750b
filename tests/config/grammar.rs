//! The grammar, by examples: what is typed, and what statements come of it.

use std::path::Path;

use lvsadm::config::{
    Environment, read,
    source::Memory,
    text,
    tree::{Finding, Statement},
};

fn with(files: &[(&str, &str)]) -> Environment {
    let files = files.iter().map(|(name, text)| ((*name).into(), text.as_bytes().to_vec()));
    Environment { config_id: "here".into(), files: Box::new(Memory(files.collect())), ..Environment::default() }
}

fn shown(statements: &[Statement]) -> String {
    let one = |statement: &Statement| {
        let words =
            statement.words().map(|word| if word.quoted { format!("{:?}", word.text) } else { word.text.to_string() });
        let line = words.collect::<Vec<_>>().join(" ");
        match &statement.block {
            Some(inside) => format!("{line} {{ {} }}", shown(inside)),
            None => line,
        }
    };
    statements.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn said(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}: {}", finding.place, finding.message)).collect()
}

/// Reads files, the first one first.
fn read_all(files: &[(&str, &str)]) -> (String, Vec<String>) {
    let (statements, findings) = read(Path::new(files[0].0), &with(files));
    (shown(&statements), said(&findings))
}

fn grammar(text: &str) -> (String, Vec<String>) {
    read_all(&[("/f", text)])
}

fn reads(text: &str) -> String {
    let (statements, findings) = grammar(text);
    assert_eq!(findings, [""; 0], "{text}");
    statements
}

#[test]
fn blocks_stand_on_any_lines() {
    assert_eq!(reads("a b {\n c d\n e\n}\nf"), "a b { c d; e }; f");
    assert_eq!(reads("a b\n{\n c { d }\n}"), "a b { c { d } }");
    assert_eq!(reads("a { b } c { }"), "a { b }; c {  }");
    assert_eq!(reads("a{b{c}d}"), "a { b { c }; d }");
}

#[test]
fn comments_end_lines_outside_quotes() {
    assert_eq!(reads("a b # c\n! d\n e \"f # g\" ! h"), "a b; e \"f # g\"");
    assert_eq!(reads("a \\# b \\! c # d"), "a # b ! c");
    assert_eq!(reads("a ${_HASH}b"), "a #b");
}

#[test]
fn quotes_are_those_of_the_keyword() {
    assert_eq!(reads("a \"b c\" 'd e'"), "a \"b c\" 'd e'");
    assert_eq!(reads("script \"/x 'b c' d\" 'e f'"), "script \"/x 'b c' d\" \"e f\"");
    assert_eq!(reads("regex a\\x41\\tb"), "regex \"aA\\tb\"".replace('"', "").replace("\\t", "\t"));
    assert_eq!(reads("a abcd\" efg h\"x"), "a \"abcd efg hx\"");
}

#[test]
fn a_quoted_command_is_split_again() {
    let (statements, _) = read(Path::new("/f"), &with(&[("/f", "script \"/x 'b c' d\\ e\" 'f g' h\\ i")]));
    assert_eq!(text::command_line(&statements[0].values), ["/x", "b c", "d e", "f g", "h i"]);
}

#[test]
fn conditions_are_about_the_host() {
    assert_eq!(reads("@here a\n@there b\n@^here c\n@^there d\n@here"), "a; d");
    assert_eq!(reads("@here $A=1\n@there $A=2\nb $A"), "b 1");
    assert_eq!(reads("@there $A= \\\n b \\\n c\n$B=@there\n$B d\ne"), "e");
}

#[test]
fn definitions_are_put_in_where_they_are_used() {
    assert_eq!(reads("$B=10.2.${S}\n$S=0\n${B}.1/32\n$S=10\n${B}.1/32"), "10.2.0.1/32; 10.2.10.1/32");
    assert_eq!(reads("$A=x y\na $A, \"${A}\" b$A"), "a x y, \"x y\" bx y");
    assert_eq!(reads("$A=\na $A b"), "a b");
    assert_eq!(reads("a ${_INSTANCE} ${_PWD}"), "a here /");
}

#[test]
fn a_definition_may_have_lines() {
    let text =
        "$I= \\\n vrrp_instance VI_${N} { \\\n  @here priority 1 \\\n  @there priority 2 \\\n }\n$N=0\n$I\n$N=1\n$I";
    assert_eq!(reads(text), "vrrp_instance VI_0 { priority 1 }; vrrp_instance VI_1 { priority 1 }");
    let text =
        "$R= \\\n r ${V}.${N} { \\\n w \\\n }\n$S= \\\n v $V { \\\n $N=1 \\\n $R \\\n $N=2 \\\n $R \\\n }\n$V=7\n$S";
    assert_eq!(reads(text), "v 7 { r 7.1 { w }; r 7.2 { w } }");
    assert_eq!(reads("$B={ \\\n c \\\n}\na b $B"), "a b { c }");
}

#[test]
fn loops_write_lines_out() {
    assert_eq!(reads("~SEQ(S, 0, 3) a 10.0.${S}.1"), "a 10.0.0.1; a 10.0.1.1; a 10.0.2.1; a 10.0.3.1");
    assert_eq!(reads("~SEQx(S, 0x90, 0x10, 0xb0) a ::${S}"), "a ::90; a ::a0; a ::b0");
    assert_eq!(reads("~SEQ(A,2) ~SEQ(B,2,-1,1) a $A $B"), "a 1 2; a 1 1; a 2 2; a 2 1");
    assert_eq!(reads("~LST({A, B}, {10,1},{20}) a ${A}.${B}"), "a 10.1; a 20.");
    assert_eq!(reads("$E=2\n~LST(A,x,y) ~SEQ(B,$E) a $A $B"), "a x 1; a x 2; a y 1; a y 2");
}

#[test]
fn loops_that_make_no_sense_are_faults() {
    let wrong = |text: &str, message: &str| {
        let (statements, findings) = grammar(text);
        assert_eq!((statements.as_str(), findings), ("", vec![format!("/f:1:1: {message}")]), "{text}");
    };
    wrong("~SEQ(A,1,0,2) a", "~SEQ: a step of 0 does not lead from 1 to 2");
    wrong("~SEQ(A,x) a", "~SEQ: \"x\" is no number");
    wrong("~SEQ(A,1 a", "~SEQ( is never closed");
    wrong("~LST(A) a", "~LST needs values behind its name");
    wrong("~LST({A,B},{1,2,3}) a", "~LST: 3 values for 2 names: 1,2,3");
    wrong("~SEQ(1,2) a", "~SEQ: \"1\" is no name");
}

#[test]
fn what_never_ends_is_cut_off() {
    let environment = Environment { limit: 1000, ..with(&[("/f", "~SEQ(A,1000000000) ~SEQ(B,1000000000) b $A $B")]) };
    let (statements, findings) = read(Path::new("/f"), &environment);
    assert!(statements.len() < 200);
    assert_eq!(said(&findings), ["/f: all lines together have more than 1000 bytes; the rest is not read"]);
    let (_, findings) = grammar("$A=${A} ${A}\na $A");
    assert_eq!(findings, ["/f:2:3: $A stands for itself, or for too much"]);
    let (_, findings) = grammar("$A= \\\n$A \\\n\n$A");
    assert_eq!(findings, ["/f:2:1: definitions and loops stand too deep in each other"]);
}

#[test]
fn includes_are_relative_to_their_file() {
    let files = [
        ("/c/main", "a\ninclude d/*.conf\nb"),
        ("/c/d/1.conf", "one\ninclude ../x"),
        ("/c/d/2.conf", "two ${_PWD}"),
        ("/c/d/.3.conf", "hidden"),
        ("/c/d/../x", "x"),
    ];
    assert_eq!(read_all(&files), ("a; one; x; two /c/d; b".into(), vec![]));
    let files = [("/m", "include {a,b}\nincludea c*\ninclude d*\nincludem e"), ("/a", "a"), ("/b", "include m")];
    let wrong = ["/b:1:9: /m includes itself", "/m:2:10: no file is named /c*", "/m:4:10: no file is named /e"];
    assert_eq!(read_all(&files), ("a".into(), wrong.map(String::from).to_vec()));
}

#[test]
fn a_file_is_text_outside_comments() {
    let bytes = |content: &[u8]| {
        let files = Memory([("/f".into(), content.to_vec())].into());
        let (statements, findings) =
            read(Path::new("/f"), &Environment { files: Box::new(files), ..Environment::default() });
        (shown(&statements), said(&findings))
    };
    let none: [String; 0] = [];
    // GB18030, in which letters may end with bytes of ASCII; ISO-8859-1.
    assert_eq!(bytes(b"a b # \xbd\xda\x81\x7b\n! \xfc\nc d"), ("a b; c d".into(), none.to_vec()));
    let (statements, findings) = bytes(b"a \xbd\xda\nb\nc d\xfc e\nf \xe4");
    assert_eq!(statements.matches(';').count(), 3, "the rest is read: {statements}");
    let message = "/f:1:3: this has bytes that are not UTF-8, which lvsadm cannot keep as keepalived does; so do 2 more lines, from line 3 on";
    assert_eq!(findings, [message], "once a file");
    // What stands for such bytes elsewhere may be typed.
    assert_eq!(bytes("a \u{fffd}".as_bytes()), ("a \u{fffd}".into(), none.to_vec()));
    let (statements, findings) = bytes(b"\xef\xbb\xbfa {\r\nb\r\n}\r\n");
    assert_eq!((statements.as_str(), findings.len()), ("a { b }", 1), "{findings:?}");
    assert!(findings[0].starts_with("/f:1:1: the file begins with a byte order mark"), "{findings:?}");
    let (statements, findings) = bytes(b"\xff\xfea\0\n\0b\0");
    assert_eq!(
        (statements.as_str(), findings),
        ("", vec!["/f:1:1: the file is UTF-16: all of it is unreadable".to_owned()])
    );
    let wide = "\u{3000}a\u{3000}b \"c\u{a0}d\" # \u{3000}";
    let said = ["/f:1:1: this blank is U+3000, which keepalived takes for a part of a word".to_owned()];
    assert_eq!(bytes(wide.as_bytes()), ("a b \"c\\u{a0}d\"".into(), said.to_vec()));
    // As keepalived counts: bytes.
    assert_eq!(bytes(&[&[0xfc; 1023][..], b"\n"].concat()).1.len(), 1);
    assert!(bytes(&[0xfc; 1024]).1[0].contains("1024 bytes"));
}

#[test]
fn every_word_has_its_place() {
    let (statements, _) =
        read(Path::new("/f"), &with(&[("/f", "$A=x y\n  ä $A  \\#b \"c\" # d\n$L= \\\n  e \\\n   f g\n\n$L")]));
    let places: Vec<_> =
        statements.iter().flat_map(Statement::words).map(|word| format!("{} {}", word.text, word.place)).collect();
    assert_eq!(
        places,
        ["ä /f:2:3", "x /f:2:5", "y /f:2:5", "#b /f:2:10", "c /f:2:13", "e /f:4:3", "f /f:5:4", "g /f:5:6"]
    );
}

#[test]
fn faults_of_lines_and_braces() {
    let wrong = |text: &str| grammar(text).1;
    assert_eq!(wrong("a \"b"), ["/f:1:3: the quote \" is never closed"]);
    assert_eq!(wrong(" a {\n b {\n }"), ["/f:1:2: a is never closed"]);
    assert_eq!(wrong("a\n}"), ["/f:2:1: this } closes nothing"]);
    assert_eq!(wrong("{ a }"), ["/f:1:1: no keyword stands before this {"]);
    assert_eq!(wrong("a\0"), ["/f:1:1: the line has a NUL byte"]);
    assert_eq!(wrong(&"a".repeat(1024)), ["/f:1:1: the line has 1024 bytes, more than 1023"]);
    assert_eq!(
        wrong("a ${B} $C"),
        ["/f:1:3: nothing defines B; it stays as it stands", "/f:1:8: nothing defines C; it stays as it stands"]
    );
    assert_eq!(read_all(&[("/f", "include g")]).1, ["/f:1:9: no file is named /g"]);
    let (_, findings) = read(Path::new("/none"), &with(&[]));
    assert_eq!(said(&findings), ["/none: cannot read /none: there is no such file"]);
}
