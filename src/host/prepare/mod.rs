//! What a director or a real server needs of its host: steps, the plan for a role, doing it and taking it back.
//!
//! A plan is a pure function of what is wanted and what was seen. Doing it is all or nothing, and leaves a record by which all of
//! it can be put back as it was found. Nothing here decides whether the steps are a good idea, and nothing is asked.

mod apply;
mod plan;

pub use apply::{Failed, Found, apply, find, load, unapply};
pub use plan::{Director, Fault, Mode, RealServer, Seen, Tunnel, director, home, real_server, seen, tunnel_link};

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{fou::Port, sysctl::Key};
use crate::model::Family;

/// One thing to do on a host. Doing it twice does no more than doing it once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Loads a kernel module. It is never unloaded: others may use it, too.
    Module(String),
    /// Sets a switch.
    Switch {
        /// Which.
        key: Key,
        /// To what.
        value: String,
    },
    /// Sets a link up.
    LinkUp(String),
    /// Puts an address on a link.
    Address {
        /// Name of the link.
        link: String,
        /// The address.
        address: IpAddr,
        /// Prefix length.
        prefix: u8,
    },
    /// Adds a route.
    Route {
        /// Where to; `None` = default.
        to: Option<(IpAddr, u8)>,
        /// By whom.
        gateway: IpAddr,
    },
    /// Unpacks tunnels that come in at a UDP port.
    GuePort(Port),
}

impl Step {
    /// Returns the step that sets a switch.
    pub fn switch(key: Key, value: impl ToString) -> Self {
        Self::Switch { key, value: value.to_string() }
    }
}

/// The metric of default routes of ours in IPv6, where two of the same metric would share the load.
const METRIC: u32 = 1;

/// As a person would type it.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(name) => write!(f, "modprobe {name}"),
            Self::Switch { key, value } => write!(f, "sysctl -w {key}={value}"),
            Self::LinkUp(link) => write!(f, "ip link set {link} up"),
            Self::Address { link, address, prefix } => {
                write!(f, "ip address add {address}/{prefix} dev {link}")?;
                if address.is_ipv6() { f.write_str(" nodad preferred_lft 0") } else { Ok(()) }
            }
            Self::Route { to, gateway } => match (to, Family::of(*gateway)) {
                (Some((address, prefix)), _) => write!(f, "ip route add {address}/{prefix} via {gateway}"),
                (None, Family::V4) => write!(f, "ip route prepend default via {gateway}"),
                (None, Family::V6) => write!(f, "ip -6 route add default via {gateway} metric {METRIC}"),
            },
            Self::GuePort(Port { port, ipv6, .. }) => {
                write!(f, "ip fou add port {port} gue{}", if *ipv6 { " -6" } else { "" })
            }
        }
    }
}
