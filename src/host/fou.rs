//! UDP ports at which the kernel unpacks tunnels (`ip fou`, `linux/fou.h`): what a real server behind GUE needs.

use neli::consts::socket::NlFamily;
use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    model::Family,
    sys::{
        module,
        netlink::{self, Attributes, Batch, Command, Malformed, Socket},
    },
};

/// The generic netlink family, which is also the module's name.
const FAMILY: &str = "fou";

mod command {
    pub(super) const ADD: u8 = 1;
    pub(super) const DELETE: u8 = 2;
    pub(super) const GET: u8 = 3;
}

mod attribute {
    pub(super) const PORT: u16 = 1;
    pub(super) const AF: u16 = 2;
    pub(super) const TYPE: u16 = 4;
}

/// Generic UDP encapsulation (`FOU_ENCAP_GUE`); 1 would be bare packets, which IPVS does not send.
const GUE: u8 = 2;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// A port at which GUE is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Port {
    /// UDP port.
    pub port: u16,
    /// Whether of IPv6; else of IPv4.
    pub ipv6: bool,
    /// Whether it takes GUE; else bare packets (FOU), which IPVS does not send.
    pub gue: bool,
}

impl Port {
    /// Returns a port for GUE.
    pub fn gue(port: u16, family: Family) -> Self {
        Self { port, ipv6: family == Family::V6, gue: true }
    }
}

/// Why ports could not be listed or changed.
#[derive(Debug, Error)]
pub enum Error {
    /// The kernel has no such thing.
    #[error("this kernel cannot unpack GUE, and its module {FAMILY} cannot be loaded: {0}")]
    NoModule(String),
    /// It refuses, or cannot be talked to.
    #[error("cannot {attempt}: {why}")]
    Kernel {
        /// What was tried.
        attempt: String,
        /// Why not.
        why: String,
    },
}

/// A client of the calling thread's network namespace.
pub struct Fou {
    socket: Socket,
    family: u16,
}

impl Fou {
    /// Opens a client; `None` if the module is not loaded.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn open() -> Result<Option<Self>, Error> {
        let why =
            |why: &dyn std::fmt::Display| Error::Kernel { attempt: "ask for GUE ports".into(), why: why.to_string() };
        let mut socket = Socket::open(NlFamily::Generic).map_err(|errno| why(&errno.desc()))?;
        let family = socket.family(FAMILY).map_err(|error| why(&error))?;
        Ok(family.map(|family| Self { socket, family }))
    }

    /// Opens a client, and loads the module if need be.
    ///
    /// # Errors
    /// There is no such module; the kernel cannot be talked to.
    pub fn open_loading(family: Family) -> Result<Self, Error> {
        if family == Family::V6 {
            // IPv6 has a module of its own; where it is built in, there is nothing to load.
            let _ = module::load("fou6");
        }
        if let Some(open) = Self::open()? {
            return Ok(open);
        }
        module::load(FAMILY).map_err(|error| Error::NoModule(error.to_string()))?;
        Self::open()?.ok_or_else(|| Error::NoModule("it is loaded, and does not answer".to_owned()))
    }

    /// Returns all ports.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn ports(&mut self) -> Result<Vec<Port>, Error> {
        let mut batch = Batch::default();
        batch.push_command(self.command(command::GET), |_| {});
        let found = self.socket.dump(&mut batch, decode);
        found.map_err(|error| Error::Kernel { attempt: "list the GUE ports".into(), why: error.to_string() })
    }

    /// Opens a port. Returns whether it was closed before.
    ///
    /// # Errors
    /// The port is in use; the kernel refuses.
    pub fn add(&mut self, port: Port) -> Result<bool, Error> {
        if self.ports()?.contains(&port) {
            return Ok(false);
        }
        self.change(command::ADD, "open", port).map(|()| true)
    }

    /// Closes a port.
    ///
    /// # Errors
    /// The kernel refuses. That it is closed already is none.
    pub fn remove(&mut self, port: Port) -> Result<(), Error> {
        if self.ports()?.contains(&port) { self.change(command::DELETE, "close", port) } else { Ok(()) }
    }

    fn command(&self, number: u8) -> Command {
        Command { family: self.family, number, version: 1 }
    }

    fn change(&mut self, number: u8, verb: &str, port: Port) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.push_command(self.command(number), |w| {
            w.u16_be(attribute::PORT, port.port);
            w.u8(attribute::AF, if port.ipv6 { AF_INET6 } else { AF_INET });
            w.u8(attribute::TYPE, GUE);
        });
        let why = |why: String| Error::Kernel { attempt: format!("{verb} the GUE port {}", port.port), why };
        let outcome = self.socket.execute(&mut batch).map_err(|error: netlink::Error| why(error.to_string()))?;
        match outcome.refused.first() {
            None => Ok(()),
            Some((_, refused)) if refused.errno == Errno::EADDRINUSE => {
                Err(why("another program, or another kind of tunnel, has this UDP port".to_owned()))
            }
            Some((_, refused)) => Err(why(refused.reason().to_owned())),
        }
    }
}

fn decode(message: &[u8]) -> Result<Port, Malformed> {
    let mut port = Port { port: 0, ipv6: false, gue: false };
    for attribute in Attributes::of_command(message)? {
        let attribute = attribute?;
        match attribute.kind {
            attribute::PORT => port.port = attribute.u16_be("FOU_ATTR_PORT")?,
            attribute::AF => port.ipv6 = attribute.u8("FOU_ATTR_AF")? == AF_INET6,
            attribute::TYPE => port.gue = attribute.u8("FOU_ATTR_TYPE")? == GUE,
            _ => {}
        }
    }
    Ok(port)
}
