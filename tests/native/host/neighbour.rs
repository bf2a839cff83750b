//! A host that looks at ours from outside.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::support::{Output, run};

/// Another host at the other end of the cable, with 192.0.2.9 and 2001:db8::9. `eth0` gets 192.0.2.1 and 192.0.2.2, 2001:db8::1
/// and 2001:db8::2.
pub(super) struct Neighbour(String);

impl Neighbour {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("lvsadm-host-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        run(format!("ip netns add {name}")).ok();
        let neighbour = Self(name);
        run(format!("ip link set peer0 netns {}", neighbour.0)).ok();
        neighbour.run("ip link set peer0 up").ok();
        neighbour.run("ip address add 192.0.2.9/24 dev peer0").ok();
        neighbour.run("ip address add 2001:db8::9/64 dev peer0 nodad").ok();
        run("ip address add 192.0.2.1/24 dev eth0").ok();
        run("ip address add 192.0.2.2/24 dev eth0").ok();
        run("ip address add 2001:db8::1/64 dev eth0 nodad").ok();
        run("ip address add 2001:db8::2/64 dev eth0 nodad").ok();
        neighbour
    }

    pub(super) fn run(&self, command: &str) -> Output {
        run(format!("ip netns exec {} {command}", self.0))
    }

    pub(super) fn reaches(&self, address: &str) -> bool {
        let output = self.run(&format!("ping -n -c 1 -W 1 {address}"));
        assert!(output.status <= 1, "{output}");
        output.status == 0
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = run(format!("ip netns delete {}", self.0));
    }
}
