//! Doing steps, all or none, and putting back what was found.

use std::{net::IpAddr, path::Path};

use serde::{Deserialize, Serialize};

use super::{METRIC, Step};
use crate::{
    host::{
        Action, Address, AddressChange, Host, NextHop, Route, RouteChange, RouteTarget,
        fou::{Fou, Port},
        sysctl::{self, Key},
    },
    model::Family,
    sys::module,
};

/// The routing table of ordinary routes.
const MAIN: u32 = 254;

/// What was found where a step changes something: enough to put it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// A switch had this value.
    Switch {
        /// Which.
        key: Key,
        /// What it was.
        before: String,
        /// What we made of it; put back only while it is still that. `None` = the kernel changes it along with another one.
        ours: Option<String>,
    },
    /// A link was down.
    LinkDown(String),
    /// An address was not there.
    NoAddress {
        /// Name of the link.
        link: String,
        /// The address.
        address: IpAddr,
        /// Prefix length.
        prefix: u8,
    },
    /// A route was not there.
    NoRoute {
        /// Where to; `None` = default.
        to: Option<(IpAddr, u8)>,
        /// By whom.
        gateway: IpAddr,
    },
    /// A UDP port was closed.
    PortClosed(Port),
}

/// Why steps were not done, or not undone: a line each, with what to do where that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failed(pub Vec<(String, Option<String>)>);

impl Failed {
    fn of(text: impl ToString, hint: Option<&str>) -> Self {
        Self(vec![(text.to_string(), hint.map(str::to_owned))])
    }
}

impl From<crate::host::Error> for Failed {
    fn from(error: crate::host::Error) -> Self {
        Self::of(&error, error.hint())
    }
}

impl From<sysctl::Error> for Failed {
    fn from(error: sysctl::Error) -> Self {
        Self::of(&error, error.hint())
    }
}

impl From<crate::host::fou::Error> for Failed {
    fn from(error: crate::host::fou::Error) -> Self {
        Self::of(&error, Some("see `ip fou show`, and `ss -uln` for what uses the port"))
    }
}

/// Loads the modules among the steps that are not there yet. What they bring can be looked at only afterwards.
///
/// # Errors
/// A module cannot be loaded.
pub fn load(host: &mut Host, steps: &[Step]) -> Result<(), Failed> {
    for step in steps {
        let Step::Module(name) = step else { continue };
        if is_there(host, name)? {
            continue;
        }
        let hint =
            "install the package that has this kernel's modules; in a container the machine itself has to load it";
        module::load(name)
            .map_err(|error| Failed::of(format_args!("cannot load the kernel module {name}: {error}"), Some(hint)))?;
    }
    Ok(())
}

/// Whether what a module does is there: loaded or built in.
fn is_there(host: &mut Host, module: &str) -> Result<bool, Failed> {
    let link = match module {
        "ip_vs" => return Ok(Path::new("/proc/thread-self/net/ip_vs").exists()),
        "ipip" => "tunl0",
        "sit" => "sit0",
        "ip6_tunnel" => "ip6tnl0",
        "ip_gre" => "gre0",
        "ip6_gre" => "ip6gre0",
        name => return Ok(Path::new("/sys/module").join(name).exists()),
    };
    Ok(host.link(link)?.is_some())
}

/// Looks at what the steps would change, and returns the steps that do, with what was found in their places. Modules that would
/// have to be loaded are among the steps, and what they will bring counts as not being there.
///
/// # Errors
/// The kernel cannot be talked to, or a step cannot be done on this host.
pub fn find(host: &mut Host, steps: &[Step]) -> Result<(Vec<Step>, Vec<Found>), Failed> {
    let mut wanted = Vec::new();
    let mut found = Vec::new();
    let mut modules = false;
    for step in steps {
        let before = match step {
            Step::Module(name) => {
                if !is_there(host, name)? {
                    modules = true;
                    wanted.push(step.clone());
                }
                continue;
            }
            Step::Switch { key, value } => match sysctl::read(key) {
                Ok(before) if before == *value => None,
                Ok(before) => {
                    found.extend(companions(host, key)?);
                    Some(Found::Switch { key: key.clone(), before, ours: Some(value.clone()) })
                }
                // It comes with the module.
                Err(sysctl::Error::Missing { .. }) if modules => {
                    wanted.push(step.clone());
                    None
                }
                Err(error) => return Err(error.into()),
            },
            Step::LinkUp(name) => match host.link(name)? {
                Some(link) => (!link.up).then(|| Found::LinkDown(name.clone())),
                None if modules => {
                    wanted.push(step.clone());
                    None
                }
                None => return Err(crate::host::Error::NoLink(name.clone()).into()),
            },
            Step::Address { link: name, address, prefix } => {
                let held = match host.link(name)? {
                    Some(link) => host.addresses_of(link.index)?,
                    None if modules => Vec::new(),
                    None => return Err(crate::host::Error::NoLink(name.clone()).into()),
                };
                // With another prefix it is there, too: a second one beside it would mend nothing.
                let there = held.iter().any(|held| held.address.address == *address);
                (!there).then(|| Found::NoAddress { link: name.clone(), address: *address, prefix: *prefix })
            }
            Step::Route { to, gateway } => {
                let route = route(*to, *gateway);
                let held = host.routes()?.iter().any(|held| route.is_held_as(held));
                (!held).then_some(Found::NoRoute { to: *to, gateway: *gateway })
            }
            Step::GuePort(port) => {
                let open = match Fou::open()? {
                    Some(mut fou) => fou.ports()?.contains(port),
                    None => false,
                };
                (!open).then_some(Found::PortClosed(*port))
            }
        };
        if let Some(before) = before {
            wanted.push(step.clone());
            found.push(before);
        }
    }
    Ok((wanted, found))
}

/// Returns the switches that the kernel changes along with one.
fn companions(host: &mut Host, key: &Key) -> Result<Vec<Found>, Failed> {
    let family = match key.to_string().as_str() {
        "net/ipv4/ip_forward" => "ipv4",
        "net/ipv6/conf/all/forwarding" => "ipv6",
        _ => return Ok(Vec::new()),
    };
    let mut paths: Vec<String> = host
        .links()?
        .iter()
        .map(|link| link.name.as_str())
        .chain(["default"])
        .map(|link| format!("{family}/conf/{link}/forwarding"))
        .collect();
    if family == "ipv4" {
        // A host that forwards takes no redirects by default, and the kernel sees to that.
        paths.extend(["ipv4/conf/all/forwarding", "ipv4/conf/all/accept_redirects"].map(str::to_owned));
    }
    let keys = paths.into_iter().filter_map(|path| Key::new(path).ok());
    Ok(keys.filter_map(|key| Some(Found::Switch { before: sysctl::read(&key).ok()?, key, ours: None })).collect())
}

/// Does all steps, in order. If one fails, what was done is undone, by what `found` says.
///
/// # Errors
/// What failed, and what could not be undone after that.
pub fn apply(host: &mut Host, steps: &[Step], found: &[Found]) -> Result<(), Failed> {
    for step in steps {
        if let Err(mut failed) = take(host, step) {
            failed.0.extend(unapply(host, found).0);
            return Err(failed);
        }
    }
    Ok(())
}

fn take(host: &mut Host, step: &Step) -> Result<(), Failed> {
    match step {
        // They were loaded before.
        Step::Module(_) => Ok(()),
        Step::Switch { key, value } => Ok(sysctl::write(key, value)?),
        Step::LinkUp(name) => set_up(host, name, true),
        Step::Address { link, address, prefix } => change_address(host, Action::Add, link, *address, *prefix),
        Step::Route { to, gateway } => change_route(host, Action::Add, *to, *gateway),
        Step::GuePort(port) => {
            let family = if port.ipv6 { Family::V6 } else { Family::V4 };
            Fou::open_loading(family)?.add(*port)?;
            Ok(())
        }
    }
}

/// Puts back all that was found, the last first, goes on after failures, and returns them. What is gone meanwhile, or what somebody
/// else has changed since, stays as it is.
pub fn unapply(host: &mut Host, found: &[Found]) -> Failed {
    let mut failed = Failed::default();
    // Switches that bring others with them go first; what they bring is then put right.
    let (companions, rest): (Vec<_>, Vec<_>) =
        found.iter().partition(|found| matches!(found, Found::Switch { ours: None, .. }));
    for found in rest.into_iter().rev().chain(companions) {
        let result = match found {
            Found::Switch { key, before, ours } => put_back(key, before, ours.as_deref()),
            Found::LinkDown(name) => set_up(host, name, false),
            Found::NoAddress { link, address, prefix } => change_address(host, Action::Remove, link, *address, *prefix),
            Found::NoRoute { to, gateway } => change_route(host, Action::Remove, *to, *gateway),
            Found::PortClosed(port) => match Fou::open() {
                Ok(Some(mut fou)) => fou.remove(*port).map_err(Failed::from),
                Ok(None) => Ok(()),
                Err(error) => Err(error.into()),
            },
        };
        failed.0.extend(result.err().unwrap_or_default().0);
    }
    failed
}

fn put_back(key: &Key, before: &str, ours: Option<&str>) -> Result<(), Failed> {
    match sysctl::read(key) {
        Ok(now) if now == before || ours.is_some_and(|ours| ours != now) => Ok(()),
        Ok(_) => Ok(sysctl::write(key, before)?),
        // Gone with its link.
        Err(sysctl::Error::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn set_up(host: &mut Host, name: &str, up: bool) -> Result<(), Failed> {
    match host.link(name)? {
        Some(link) => Ok(host.set_link_up(link.index, up)?),
        None if up => Err(crate::host::Error::NoLink(name.to_owned()).into()),
        None => Ok(()),
    }
}

fn change_address(host: &mut Host, action: Action, link: &str, address: IpAddr, prefix: u8) -> Result<(), Failed> {
    let Some(link) = host.link(link)? else {
        return match action {
            Action::Add => Err(crate::host::Error::NoLink(link.to_owned()).into()),
            Action::Remove => Ok(()),
        };
    };
    let address = Address { prefix, ..Address::new(address) };
    let refusals = host.change_addresses(&[AddressChange { action, link: link.index, address: &address }])?;
    refused(refusals)
}

fn change_route(host: &mut Host, action: Action, to: Option<(IpAddr, u8)>, gateway: IpAddr) -> Result<(), Failed> {
    let route = route(to, gateway);
    refused(host.change_routes(&[RouteChange { action, route: &route }])?)
}

fn refused(refusals: Vec<crate::host::Refusal>) -> Result<(), Failed> {
    match refusals.into_iter().find(|refusal| !refusal.is_needless()) {
        Some(refusal) => Err(Failed::of(&refusal, refusal.hint())),
        None => Ok(()),
    }
}

fn route(to: Option<(IpAddr, u8)>, gateway: IpAddr) -> Route {
    let hop = NextHop { gateway: Some(gateway), device: None, weight: 1, onlink: false };
    Route {
        to,
        target: RouteTarget::Via(vec![hop]),
        table: MAIN,
        source: None,
        // A default route of the administrator's own stays, behind this one.
        metric: (to.is_none() && gateway.is_ipv6()).then_some(METRIC),
        scope: None,
        mtu: None,
        advmss: None,
    }
}
