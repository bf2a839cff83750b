//! Packets between lvsadm and stock keepalived, in every framing that both have: we accept what it sends, and it gives way to
//! what we send. (keepalived 2.2 has no checksums without pseudo-header in version 3, and no HMAC trailer.)

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use lvsadm::{
    host::Address,
    model::Family,
    vrrp::{
        driver::sockets::{Endpoint, Outgoing, Sockets},
        packet::{AH, Heard, Own, VRRP, Wire},
        settings::{Authentication, Instance, Peer, Secret, Transport, Version, Vrid},
    },
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::network::{Host, Pair};

/// keepalived takes 3.6 s to become master.
const LIMIT: Duration = Duration::from_secs(20);

/// keepalived on a host, until this is dropped.
struct Keepalived {
    child: Child,
    _directory: TempDir,
}

impl Keepalived {
    /// Starts it with one virtual router, VRID 51 and priority 100; `lines` is the rest of its settings.
    fn start(host: &Host, lines: &str) -> Self {
        let directory = TempDir::with_prefix("lvsadm-native-").expect("a directory");
        let path = |name: &str| directory.path().join(name).into_os_string();
        let instance = format!(
            "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n priority 100\n advert_int 1\n{lines}\n}}\n"
        );
        fs::write(path("conf"), instance).expect("written");
        let mut command = Command::new("keepalived");
        command.args(["--vrrp", "--dont-fork", "--log-console"]).arg("--use-file").arg(path("conf"));
        command.arg("--pid").arg(path("pid")).arg("--vrrp_pid").arg(path("vrrp.pid"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = host.inside(|| command.spawn()).expect("keepalived (is it installed?)");
        Self { child, _directory: directory }
    }
}

impl Drop for Keepalived {
    fn drop(&mut self) {
        // Gently, so that it takes its own child down.
        let _ = i32::try_from(self.child.id()).map(|pid| kill(Pid::from_raw(pid), Signal::SIGTERM));
        let _ = self.child.wait();
    }
}

/// Ours on host one; keepalived with `lines` on host two.
#[track_caller]
fn agree(instance: &Instance, lines: &str, protocol: u8, group: Option<&str>) {
    let pair = Pair::new();
    let ip = |text: &str| text.parse().expect("an address");
    let (source, peer) = match instance.family {
        Family::V4 => ("10.9.9.1", "10.9.9.2"),
        Family::V6 => ("fe80::1", "fe80::2"),
    };
    let link = Some(pair.one.index("eth0"));
    let endpoint = Endpoint { link, protocol, address: ip(group.unwrap_or(source)) };
    let mut sockets = pair.one.inside(|| {
        let mut sockets = Sockets::new().expect("sockets");
        sockets.ensure(endpoint, &[51]).expect("an endpoint");
        sockets
    });
    let mut wire = Wire::new(instance);
    let _keepalived = Keepalived::start(&pair.two, lines);
    let address = instance.addresses[0].address.to_string();
    let is_master = || pair.two.run("ip -o address show dev eth0").contains(&format!("{address}/"));

    let end = Instant::now() + LIMIT;
    let mut heard = None;
    while heard.is_none() || !is_master() {
        assert!(Instant::now() < end, "keepalived does not become master: {heard:?}");
        thread::sleep(Duration::from_millis(20));
        let received = sockets.receive(&endpoint, |packet| {
            let result = wire.decode(&packet, Duration::ZERO, Own::default());
            heard = Some(result.unwrap_or_else(|reject| panic!("{reject}: {packet:02x?}")));
        });
        received.expect("to receive");
    }
    let expected = Heard { priority: 100, interval: Duration::from_secs(1), addresses_differ: false };
    assert_eq!(heard, Some(expected));

    let end = Instant::now() + LIMIT;
    while is_master() {
        assert!(Instant::now() < end, "keepalived does not give way");
        wire.begin(Duration::ZERO);
        let to = ip(group.unwrap_or(peer));
        let bytes = wire.encode(200, ip(source), to);
        assert_eq!(sockets.send(&[Outgoing { link, source: ip(source), to, hops: None, bytes }]), []);
        thread::sleep(Duration::from_millis(100));
    }
}

fn instance(version: Version, address: &str) -> Instance {
    let address = Address::new(address.parse().expect("an address"));
    let family = Family::of(address.address);
    let mut instance = Instance::new("VI_1", Vrid::new(51).expect("a VRID"), version, family);
    instance.addresses = vec![address];
    instance
}

fn unicast(mut instance: Instance) -> Instance {
    let address = if instance.family == Family::V4 { "10.9.9.2" } else { "fe80::2" };
    let peers = vec![Peer { address: address.parse().expect("an address"), ttl: None }];
    instance.transport = Transport::Unicast { source: None, peers, ttl: None, check_source: true };
    instance
}

fn with(mut instance: Instance, authentication: Authentication) -> Instance {
    instance.authentication = authentication;
    instance
}

const GROUP_V4: Option<&str> = Some("224.0.0.18");
const VIP_V4: &str = " virtual_ipaddress {\n 10.9.9.100\n }";
const PEERS_V4: &str = " unicast_src_ip 10.9.9.2\n unicast_peer {\n 10.9.9.1\n }";
const PASS: &str = " authentication {\n auth_type PASS\n auth_pass 1111\n }";
const AH_1111: &str = " authentication {\n auth_type AH\n auth_pass 1111\n }";

fn secret() -> Secret {
    Secret::new("1111")
}

#[test]
fn version_2() {
    agree(&instance(Version::V2, "10.9.9.100"), &format!(" version 2\n{VIP_V4}"), VRRP, GROUP_V4);
}

#[test]
fn version_2_with_password() {
    let ours = with(instance(Version::V2, "10.9.9.100"), Authentication::Pass(secret()));
    agree(&ours, &format!(" version 2\n{PASS}\n{VIP_V4}"), VRRP, GROUP_V4);
}

#[test]
fn version_2_with_authentication_header() {
    let ours = with(instance(Version::V2, "10.9.9.100"), Authentication::Ah(secret()));
    agree(&ours, &format!(" version 2\n{AH_1111}\n{VIP_V4}"), AH, GROUP_V4);
}

#[test]
fn version_2_unicast_with_authentication_header() {
    let ours = unicast(with(instance(Version::V2, "10.9.9.100"), Authentication::Ah(secret())));
    agree(&ours, &format!(" version 2\n{AH_1111}\n{PEERS_V4}\n{VIP_V4}"), AH, None);
}

#[test]
fn version_3() {
    agree(&instance(Version::V3, "10.9.9.100"), &format!(" version 3\n{VIP_V4}"), VRRP, GROUP_V4);
}

#[test]
fn version_3_unicast() {
    let ours = unicast(instance(Version::V3, "10.9.9.100"));
    agree(&ours, &format!(" version 3\n{PEERS_V4}\n{VIP_V4}"), VRRP, None);
}

#[test]
fn ipv6() {
    let ours = instance(Version::V3, "fe80::51");
    agree(&ours, " version 3\n virtual_ipaddress {\n fe80::51\n }", VRRP, Some("ff02::12"));
}

#[test]
fn ipv6_unicast() {
    let ours = unicast(instance(Version::V3, "fe80::51"));
    let lines =
        " version 3\n unicast_src_ip fe80::2\n unicast_peer {\n fe80::1\n }\n virtual_ipaddress {\n fe80::51\n }";
    agree(&ours, lines, VRRP, None);
}

#[test]
fn version_2_over_ipv6() {
    let ours = instance(Version::V2, "fe80::51");
    agree(&ours, " version 2\n virtual_ipaddress {\n fe80::51\n }", VRRP, Some("ff02::12"));
}
