//! What is said of files with one fault: tests of repair, check, rules and values.

use std::path::{Path, PathBuf};

use lvsadm::config::{
    Environment,
    lint::{Manner, lint},
    source::Memory,
};
use proptest::prelude::*;

fn told(text: &str, strict: bool) -> Vec<String> {
    let file = PathBuf::from("/f");
    let files = Box::new(Memory([(file.clone(), text.as_bytes().to_vec())].into()));
    let environment = Environment { files, limit: 1 << 16, ..Environment::default() };
    let findings = lint(&file, &environment, Manner { strict, here: false });
    findings
        .iter()
        .map(|finding| format!("{}:{}: {}", finding.place.line, finding.place.column, finding.message))
        .collect()
}

/// A router, of which lines are left out or changed.
fn router(change: impl Fn(&mut Vec<&str>)) -> Vec<String> {
    let text = "\
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        10.0.0.1
    }
    track_interface {
        eth1
    }
    advert_int 1
}
vrrp_instance VI_2 {
    interface eth0
    virtual_router_id 52
    virtual_ipaddress {
        10.0.0.2
    }
}";
    let mut lines: Vec<_> = text.lines().collect();
    change(&mut lines);
    told(&lines.join("\n"), false)
}

#[test]
fn one_brace_is_one_finding() {
    assert_eq!(router(|_| {}), [""; 0]);
    let closed = ["8:5: authentication of line 4 is not closed before this"];
    assert_eq!(router(|lines| lines[6] = ""), closed);
    assert_eq!(router(|lines| lines[9] = ""), ["11:5: virtual_ipaddress of line 8 is not closed before this"]);
    assert_eq!(router(|lines| lines[12] = ""), ["14:5: track_interface of line 11 is not closed before this"]);
    assert_eq!(router(|lines| lines[14] = ""), ["16:1: vrrp_instance VI_1 of line 1 is not closed before this"]);
    assert_eq!(router(|lines| lines[3] = "    authentication"), ["4:5: authentication has no {"]);
    assert_eq!(router(|lines| lines[7] = "    virtual_ipaddress"), ["8:5: virtual_ipaddress has no {"]);
    assert_eq!(router(|lines| lines[0] = "vrrp_instance VI_1"), ["1:1: vrrp_instance VI_1 has no {"]);
    let early = ["7:7: this } closes vrrp_instance VI_1 too early: virtual_ipaddress belongs to it"];
    assert_eq!(router(|lines| lines[6] = "    } }"), early);
    assert_eq!(router(|lines| lines[14] = "}\n}"), ["16:1: this } closes nothing"]);
    assert_eq!(router(|lines| lines[3] = "    authentication { {"), ["4:22: this { stands twice"]);
    assert_eq!(router(|lines| lines[21] = ""), ["16:1: vrrp_instance VI_2 is never closed"]);
}

#[test]
fn a_brace_in_the_wrong_place_is_one_finding() {
    let moved = router(|lines| {
        lines[9] = "";
        lines[14] = "}\n}";
    });
    assert_eq!(moved, ["11:5: virtual_ipaddress of line 8 is not closed before this"]);
}

#[test]
fn an_unknown_block_is_one_finding() {
    let text = "virtual_sever 10.0.0.1 80 {\n real_server 10.0.0.2 80 {\n x\n }\n}\nvrrp_scrip a { b }";
    assert_eq!(told(text, false), ["1:1: unknown keyword virtual_sever", "6:1: unknown keyword vrrp_scrip"]);
}

#[test]
fn remarks_are_told_once() {
    let text = "global_defs { // all\nrouter_id x // me\nnotify_fifo //run/x\nsmtp_server 10.0.0.1 //\n}\n// end";
    assert_eq!(
        told(text, false),
        ["1:15: // begins no comment: keepalived reads what is behind it", "3:1: notify_fifo needs FILE"]
    );
    // One slash too many is a path where a command is wanted.
    assert_eq!(
        told("vrrp_script a {\nscript //etc/x/y\n}", false),
        ["1:13: nothing tracks the script a, so it is never run"]
    );
}

#[test]
fn names_must_be_known() {
    let text = "vrrp_sync_group G {\n group {\n A\n B\n }\n}\n";
    assert_eq!(told(text, false), ["3:2: there is no vrrp_instance A", "4:2: there is no vrrp_instance B"]);
}

#[test]
fn an_empty_list_is_told() {
    let text = "global_defs {\n smtp_server 10.0.0.1\n notification_email {\n }\n}";
    assert_eq!(told(text, false), ["3:2: notification_email is empty"]);
}

#[test]
fn sessions_are_for_whom_they_say() {
    let text = |words: &str| {
        format!(
            "bfd_instance b {{\n neighbor_ip 10.0.0.9\n {words}\n}}\nvrrp_instance A {{\n interface eth0\n virtual_router_id 1\n \
             virtual_ipaddress {{\n 10.0.0.1\n }}\n track_bfd {{\n b\n }}\n}}\nvirtual_server 10.0.0.1 80 {{\n lb_algo rr\n \
             lb_kind NAT\n protocol TCP\n real_server 10.0.0.2 80 {{\n BFD_CHECK {{\n name b\n }}\n }}\n}}\n"
        )
    };
    assert_eq!(told(&text(""), false), [""; 0]);
    assert_eq!(told(&text("vrrp\n checker"), false), [""; 0]);
    let named =
        |place: &str, word: &str| [format!("{place}: bfd_instance b says {word}, and yet it is named here: it counts")];
    assert_eq!(told(&text("vrrp"), false), named("21:7", "vrrp"));
    assert_eq!(told(&text("checker"), false), named("12:2", "checker"));
}

#[test]
fn strictness_is_keepalived_s() {
    let text = "global_defs {\n vrrp_garp_interval 0\n}";
    assert_eq!(told(text, false), [""; 0]);
    assert_eq!(told(text, true), ["2:21: keepalived takes no vrrp_garp_interval of 0, which lvsadm takes for off"]);
}

#[test]
fn a_file_that_is_not_there_is_one_finding() {
    let environment = Environment { files: Box::new(Memory::default()), ..Environment::default() };
    let findings = lint(Path::new("/none"), &environment, Manner::default());
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].place.line, 0);
}

proptest! {
    /// Whatever a file says, it is read, and all that is told of it has a place in it.
    #[test]
    fn any_text_is_read(words in prop::collection::vec(
        prop_oneof![
            Just("{".to_owned()), Just("}".to_owned()), Just("\n".to_owned()), Just("\"".to_owned()), Just("$A=\\".to_owned()),
            Just("$A".to_owned()), Just("~SEQ(A,3)".to_owned()), Just("~LST({A,B},{1,2})".to_owned()), Just("@x".to_owned()),
            Just("vrrp_instance".to_owned()), Just("virtual_server".to_owned()), Just("real_server".to_owned()),
            Just("virtual_ipaddress".to_owned()), Just("track_script".to_owned()), Just("10.0.0.1".to_owned()),
            Just("// x".to_owned()), Just("include".to_owned()), Just("weight".to_owned()), "\\PC{0,6}",
        ], 0..60))
    {
        let text = words.join(" ");
        let lines = text.matches('\n').count() + 1;
        for finding in told(&text, true) {
            let line: usize = finding.split(':').next().and_then(|line| line.parse().ok()).unwrap_or(usize::MAX);
            prop_assert!(line <= lines, "{finding}\n{text}");
        }
    }
}
