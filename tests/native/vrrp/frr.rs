//! FRR's vrrpd as peer. It keeps the address on a macvlan all the time, and says itself whether it is master.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::Duration};

use super::site::{Daemon, Host, Site, until};
use crate::support::Words;

const VIP: &str = "10.9.9.100";
const LIMIT: Duration = Duration::from_secs(12);

/// zebra and vrrpd on one host.
struct Frr<'a> {
    host: &'a Host,
    sockets: String,
    _daemons: [Daemon; 2],
}

impl<'a> Frr<'a> {
    fn start(host: &'a Host, version: u8, priority: u8) -> Self {
        let _ = host.run("ip link delete vrrp4-2-1");
        for line in [
            "ip link add vrrp4-2-1 link eth0 address 00:00:5e:00:01:33 type macvlan mode bridge".to_owned(),
            format!("ip address add {VIP}/24 dev vrrp4-2-1"),
            "ip link set vrrp4-2-1 up".to_owned(),
        ] {
            host.run(line).ok();
        }
        let zebra = host.file("zebra.conf", "hostname frr\n");
        let interval = if version == 2 { 1000 } else { 300 };
        let vrrpd = host.file(
            "vrrpd.conf",
            &format!(
                "hostname frr\ninterface eth0\n vrrp 51 version {version}\n vrrp 51 priority {priority}\n \
                 vrrp 51 advertisement-interval {interval}\n vrrp 51 ip {VIP}\n"
            ),
        );
        let sockets = host.file("frr", "");
        fs::remove_file(&sockets).expect("we made it");
        fs::create_dir(&sockets).expect("a directory for sockets");
        // Both give up root.
        let directory = sockets.parent().expect("it is in our directory");
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("our directory");
        let owned = Command::new("chown").arg("frr:frr").arg(&sockets).status();
        assert!(owned.is_ok_and(|status| status.success()), "FRR's user is missing");
        let sockets = sockets.display().to_string();
        let start = |daemon: &str, file: &Path| {
            let words = format!(
                "/usr/lib/frr/{daemon} -f {} -i {sockets}/{daemon}.pid -z {sockets}/zserv.api --vty_socket {sockets} -A 127.0.0.1",
                file.display()
            );
            host.start(words.words())
        };
        let first = start("zebra", &zebra);
        until("zebra listens", LIMIT, || fs::exists(format!("{sockets}/zserv.api")).unwrap_or(false));
        let second = start("vrrpd", &vrrpd);
        Self { host, sockets, _daemons: [first, second] }
    }

    fn is_master(&self) -> bool {
        let shown = self.host.run(["vtysh", "--vty_socket", &self.sockets, "-c", "show vrrp json"]);
        shown.stdout.contains("\"status\":\"Master\"")
    }
}

fn elections(version: u8, ours: &str) {
    let site = Site::new(2);
    let [us, them] = site.hosts.as_slice() else { panic!("two hosts") };
    let run = |priority: u8| {
        us.vrrp_run(format!("VI_1 --interface eth0 --vrid 51 --priority {priority} --address {VIP} {ours}"))
    };
    let frr = Frr::start(them, version, 120);
    until("FRR is master alone", LIMIT, || frr.is_master());

    // Higher priority: we displace it, and give it back when we end.
    let mut director = run(150);
    until("we are master, FRR is not", LIMIT, || us.has(VIP) && !frr.is_master());
    director.stop();
    until("FRR is master again", LIMIT, || !us.has(VIP) && frr.is_master());

    // Lower priority: we take over only when its cable is pulled.
    let _director = run(100);
    std::thread::sleep(Duration::from_secs(4));
    assert!(!us.has(VIP) && frr.is_master(), "we displaced a master of higher priority");
    them.cable(false);
    until("we are master", LIMIT, || us.has(VIP));
    them.cable(true);
    until("FRR is master alone", LIMIT, || !us.has(VIP) && frr.is_master());
}

#[test]
fn v2() {
    elections(2, "--version 2");
}

#[test]
fn v3() {
    elections(3, "--version 3 --interval 300ms");
}
