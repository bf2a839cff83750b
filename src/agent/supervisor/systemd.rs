//! What systemd is told: `sd_notify`(3), without its library.

use std::{
    env,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

use crate::sys::clock::now;

/// The way to systemd, if it started this process and wants to hear of it.
#[derive(Debug)]
pub(super) struct Systemd {
    socket: Option<(UnixDatagram, SocketAddr)>,
}

impl Systemd {
    /// Finds the way.
    pub(super) fn new() -> Self {
        let socket = env::var_os("NOTIFY_SOCKET").and_then(|name| {
            let address = match name.as_bytes().strip_prefix(b"@") {
                Some(name) => SocketAddr::from_abstract_name(name),
                None => SocketAddr::from_pathname(&name),
            };
            let socket = UnixDatagram::unbound().ok()?;
            socket.set_nonblocking(true).ok()?;
            Some((socket, address.ok()?))
        });
        Self { socket }
    }

    /// Returns how often systemd wants to hear that this process is alive, at the least.
    pub(super) fn watchdog() -> Option<Duration> {
        let ours = env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        let microseconds: u64 = env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
        (ours && microseconds > 0).then(|| Duration::from_micros(microseconds))
    }

    /// The start is over.
    pub(super) fn ready(&self) {
        self.tell("READY=1");
    }

    /// A reload begins; [`Self::ready`] ends it.
    pub(super) fn reloading(&self) {
        // systemd wants CLOCK_MONOTONIC, from which ours differs by the time that the machine was suspended; it only has to
        // be later than the request, which it is.
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", now().since_start().as_micros()));
    }

    /// The end begins.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// This process is alive.
    pub(super) fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// What `systemctl status` shows.
    pub(super) fn status(&self, text: &str) {
        self.tell(&format!("STATUS={text}"));
    }

    fn tell(&self, text: &str) {
        if let Some((socket, address)) = &self.socket {
            // It may be gone, or busy; there is nobody to tell.
            let _ = socket.send_to_addr(text.as_bytes(), address);
        }
    }
}
