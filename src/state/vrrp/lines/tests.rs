//! Faults of lines and between them; settings → lines → settings.

use std::path::Path;

use super::*;
use crate::state::vrrp::{self, MAX_SECRET_FILE};

mod random;

/// One file with a good secret, one that is too long for version 2.
struct TwoFiles;

impl Files for TwoFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        match path.to_str() {
            Some("/secret") => Ok(b"swordfish\n"[1..].to_vec()),
            Some("/long") => Ok(vec![b'x'; usize::try_from(MAX_SECRET_FILE).unwrap_or_default()]),
            _ => Err("it is not there".to_owned()),
        }
    }
}

fn read(text: &str) -> Result<Parsed, Vec<String>> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.is_empty());
    parse(lines, &TwoFiles).map_err(|faults| {
        let text = |fault: Fault| format!("{}:{}: {}", fault.line, fault.column, fault.message);
        faults.into_iter().map(text).collect()
    })
}

fn faults(text: &str) -> Vec<String> {
    read(text).map(|parsed| parsed.settings).expect_err(text)
}

/// Returns the faults of the options of an instance that is sound otherwise.
fn fault(options: &str) -> String {
    let line = format!("vrrp add VI --interface eth0 --vrid 51 --address 10.9.9.100 {options}");
    faults(&line).join("; ")
}

fn canonical(text: &str) -> Vec<String> {
    vrrp::lines(&read(text).expect(text).settings)
}

#[test]
fn a_file_comes_back_in_one_form() {
    let text = "\
vrrp set --startup-delay 90 --fifo '/run/f reader a:b@/bin/x \"y z\" owner' --script-user alice
vrrp add-script chk --command '/bin/chk \"a b\"' --weight=-20 --interval 0.5
vrrp add VI_1 --vrid 51 --interface eth0 --interval 1000ms --priority 0150 --auth pass --secret-file /secret \
--address '10.9.9.101/24  dev eth1 brd +' --track-script chk --track-interface eth1:10:reverse --nopreempt
vrrp add VI_2 --vrid 51 --interface eth0 --address fe80::1 --interval .01 --vmac --strict
vrrp add VI_3 --vrid 7 --source 10.0.0.1 --unicast-peer 10.0.0.2,ttl=1-5 --family ipv4 --vmac-mac 2:0:0:0:0:1 \
--interface eth1 --vmac=v7";
    assert_eq!(
        canonical(text),
        [
            "vrrp set --startup-delay 90s --script-user alice --fifo '/run/f reader a:b@/bin/x '\\''y z'\\'' owner'",
            "vrrp add-script chk --command '/bin/chk '\\''a b'\\''' --interval 500ms --weight -20",
            "vrrp add VI_1 --interface eth0 --vrid 51 --priority 150 --nopreempt \
             --address '10.9.9.101/24 dev eth1 brd 10.9.9.255' --auth pass --secret wordfish \
             --track-interface eth1:10:reverse --track-script chk:-20",
            "vrrp add VI_2 --interface eth0 --vrid 51 --priority 100 --interval 10ms --address fe80::1 --vmac --strict",
            "vrrp add VI_3 --interface eth1 --vrid 7 --priority 100 --family ipv4 --unicast-peer 10.0.0.2,ttl=1-5 \
             --source 10.0.0.1 --vmac=v7 --vmac-mac 02:00:00:00:00:01",
        ]
    );
}

#[test]
fn every_fault_is_told_with_its_place() {
    let text = "\
vrrp add VI_1 --interface eth0 --vrid 256 --prioriti 100 --interval 0.5 --address 10.9.9 extra --strict=x
vrrp add VI_1 --interface eth0 --vrid 51
vrrp add --vrid 1
vrrp ad VI_2
vrrp
vrrp add-script chk 'x
vrrp add-script chk --interval
vrrp set --startup-delay 1x
vrrp set";
    assert_eq!(
        faults(text),
        [
            "1:32: --vrid 256: a number from 1 to 255 is needed",
            "1:43: there is no option --prioriti here",
            "1:58: --interval 0.5: version 2 carries whole seconds, 1s to 255s",
            "1:73: --address 10.9.9: this is no IP address",
            "1:90: `extra` is not expected here",
            "1:96: --strict takes no value",
            "2:10: instance VI_1: --address is missing",
            "2:10: instance VI_1 stands already in line 1",
            "3:18: the name is missing behind vrrp add",
            "4:6: `vrrp ad` does not say what there should be",
            "5:5: what is to be added is missing behind vrrp",
            "6:21: the quote ' is never closed",
            "7:17: script chk: --command is missing",
            "7:21: --interval needs a value",
            "8:10: --startup-delay 1x: this is no time",
            "9:1: vrrp set stands already in line 8",
        ]
    );
}

#[test]
fn faults_between_lines() {
    let text = "\
vrrp add-script check_web --command /bin/true --weight 5
vrrp add A --interface eth0 --vrid 51 --address 10.0.0.1 --track-script chek_web
vrrp add B --interface eth0 --vrid 51 --address 10.0.0.2 --track-file f:3 --track-bfd peer
vrrp add C --interface eth0 --vrid 51 --address fe80::2 --track-script check_web
vrrp add-group G --member A --member D --member C
vrrp add-group H --member A --track-interface eth1:7";
    assert_eq!(
        faults(text),
        [
            "2:58: --track-script chek_web: there is no script chek_web",
            "3:10: instance B: VRID 51 is that of A (line 2) on eth0, IPv4",
            "3:58: --track-file f:3: there is no file f",
            "3:75: --track-bfd peer: there is no BFD session peer",
            "5:16: group G: there is no instance D",
            "5:16: group G: C has trackers with weights, which part the members of a group",
            "6:16: group H: A is in group G already",
            "6:16: group H: a tracker has a weight, which parts the members",
        ]
    );
}

#[test]
fn what_an_instance_must_not_be() {
    for (options, expected) in [
        ("--version 3 --interval 15ms", "--interval 15ms: version 3 carries hundredths of a second, 10ms to 40.95s"),
        ("--address fe80::1", "--address 10.9.9.100: 10.9.9.100 and fe80::1 are of both families"),
        ("--exclude 10.9.9.100/24", "instance VI: 10.9.9.100 is named twice"),
        ("--auth pass", "--auth pass: the secret is missing"),
        ("--secret x", "--secret …: a secret has no use without --auth pass or ah"),
        ("--auth pass --secret 123456789", "--auth pass: the secret has 9 bytes, and 1 to 8 are possible"),
        ("--auth ah --secret-file /long", "--auth ah: the secret has 4096 bytes, and 1 to 8 are possible"),
        ("--auth ah --secret-file /gone", "--secret-file /gone: it is not there"),
        ("--version 3 --auth pass --secret x", "--auth pass: version 3 has no authentication (RFC 5798 section 9)"),
        ("--hmac-key 1:short", "--hmac-key …: key 1 has 5 bytes, and 32 to 64 are needed"),
        ("--hmac-mode enforce", "--hmac-mode enforce: this has no use without --hmac-key"),
        ("--unicast-peer fe80::1", "--unicast-peer fe80::1: fe80::1 is not of the family of the virtual addresses"),
        (
            "--unicast-peer 10.0.0.2,ttl=5-1",
            "--unicast-peer 10.0.0.2,ttl=5-1: behind the comma belongs ttl=LEAST-MOST, 0 to 255",
        ),
        (
            "--unicast-peer 10.0.0.2 --source 10.0.0.2",
            "--unicast-peer 10.0.0.2: 10.0.0.2 is the source of our own adverts",
        ),
        ("--ttl 5", "--ttl 5: this has a meaning with --unicast-peer only"),
        ("--group 10.0.0.1", "--group 10.0.0.1: this is no multicast address"),
        ("--track-source", "--track-source: no source is named"),
        ("--priority 255 --nopreempt", "--nopreempt: the owner of the addresses (priority 255) always takes them"),
        ("--initial master --nopreempt", "--nopreempt: an instance that begins as master waits for nobody"),
        ("--nopreempt --preempt-delay 5", "--preempt-delay 5: there is nothing to wait for with --nopreempt"),
        ("--preempt-delay 1001", "--preempt-delay 1001: a time from 0s to 1000s is needed"),
        ("--track-interface eth1 --track-interface eth1:5", "--track-interface eth1:5: this is tracked twice"),
        ("--vrid 52", "--vrid is given twice"),
        (
            "--notify-master ./notify.sh",
            "--notify-master ./notify.sh: `./notify.sh` is neither an absolute path nor the name of a program",
        ),
        ("--vmac-mac 2:0:0:0:0:1", "--vmac-mac 2:0:0:0:0:1: this has no use without --vmac"),
        ("--down-timer-adverts 0", "--down-timer-adverts 0: a number from 1 to 100 is needed"),
        (
            "--strict --initial master",
            "--initial master: --strict forbids this: only the owner (priority 255) begins as master",
        ),
        (
            "--strict --accept",
            "--accept: --strict forbids this: in version 2 only the owner takes packets to the addresses",
        ),
        ("--strict --auth pass --secret x", "--auth pass: --strict forbids this: RFC 3768 took authentication away"),
        ("--strict --preempt-delay 1", "--preempt-delay 1: --strict forbids this: preemption is at once or never"),
        (
            "--strict --garp-lower-repeat 1",
            "--garp-lower-repeat 1: --strict forbids this: a master of lower priority is no reason to announce",
        ),
    ] {
        let found: Vec<String> = fault(options)
            .split("; ")
            .map(|fault| fault.splitn(3, ':').nth(2).unwrap_or_default().trim().to_owned())
            .collect();
        assert_eq!(found, [expected], "{options}");
    }
}

#[test]
fn what_may_not_be_meant_is_said() {
    let line = "vrrp add VI --interface eth0 --vrid 51 --address 10.9.9.100 --strict";
    let notes: Vec<_> = read(line).expect(line).notes.into_iter().map(|note| note.message).collect();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("answer no ping"), "{notes:?}");
}

#[test]
fn objects_have_faults_too() {
    let text = "\
vrrp add-script s --command /bin/true --weight 254 --rise 0
vrrp add-process p --program a-name-longer-than-the-kernel-keeps --quorum 5 --quorum-max 3 --match exact
vrrp add-file f --path relative --initial x
vrrp set --fifo '/run/f owned x' --fifo '/run/g owner'
vrrp add-group 'a b'";
    assert_eq!(
        faults(text),
        [
            "1:39: --weight 254: a weight from -253 to 253 is needed",
            "1:52: --rise 0: a number from 1 to 2147483647 is needed",
            "2:20: --program a-name-longer-than-the-kernel-keeps: the kernel keeps 15 letters of a name",
            "2:77: --quorum-max 3: this is less than the quorum of 5",
            "2:92: --match exact: there is nothing to compare without --arguments",
            "3:17: --path relative: an absolute path is needed",
            "3:33: --initial x: a number, or NUMBER:overwrite, is needed",
            "4:10: --fifo '/run/f owned x': the word owned is not known here",
            "4:34: --fifo '/run/g owner': a user, or user:group, is needed",
            "5:16: group a b: a name has 1 to 64 letters, begins with no hyphen and has no blanks, quotes, colons, commas and #",
            "5:16: group a b: --member is missing",
        ]
    );
}

#[test]
fn an_edit_changes_what_is_named() {
    let subject = Subject { kind: Kind::Instance, name: "VI".to_owned() };
    let line = "vrrp  add VI --vrid 51 --address 10.0.0.1/24 --address 10.0.0.2 --nopreempt --track-script 'chk:-20'";
    let given = |text: &str| {
        let words = words::split(text).expect(text);
        option::read(Kind::Instance.sections(), &words, 1).0
    };
    let edit = |changes: &str, unset: &[&str]| {
        edited(&subject, line, given(changes), &unset.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    };
    let head = "vrrp add VI --vrid 51 --address";
    assert_eq!(
        edit("--address '10.0.0.1/32 dev eth1' --address 10.0.0.3 --track-script chk --vrid 52", &[]),
        Ok("vrrp add VI --vrid 52 --address '10.0.0.1/32 dev eth1' --address 10.0.0.2 --nopreempt --track-script chk \
            --address 10.0.0.3"
            .to_owned())
    );
    assert_eq!(
        edit("--preempt-delay 5", &["address=10.0.0.2/24", "track-script"]),
        Ok(format!("{head} 10.0.0.1/24 --preempt-delay 5"))
    );
    assert_eq!(
        edit("", &["prority", "address=10.0.0.9", "vmac"]),
        Err(NotOne::Unset(vec![
            ("--unset prority: there is no option prority".to_owned(), Some("did you mean priority?".to_owned())),
            ("--unset address=10.0.0.9: nothing is said about that".to_owned(), None),
            ("--unset vmac: nothing is said about that".to_owned(), None),
        ]))
    );
}

#[test]
fn every_option_is_read() {
    // A word that nothing can take is a fault of whichever option it stands behind; flags are in the random settings.
    for kind in KINDS {
        for option in option::options(kind.sections()) {
            let garbage = "./\u{1}x";
            let said = match option.takes {
                vrrp::Takes::Nothing => format!("--{}", option.name),
                _ => format!("--{}={garbage}", option.name),
            };
            let with = format!("vrrp {} x {said}", kind.verb()).replace("set x", "set");
            let without = format!("vrrp {} x", kind.verb()).replace("set x", "set");
            let told = |line: &str| read(line).map(|parsed| format!("{:?}", parsed.settings));
            let free = ["secret", "program", "arguments"];
            assert!(
                told(&with) != told(&without) || free.contains(&option.name) || option.takes == vrrp::Takes::Nothing,
                "{with}"
            );
        }
    }
}
