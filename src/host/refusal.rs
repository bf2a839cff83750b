//! What it means when the kernel refuses something on the host: the kernel says a number, a person wants a sentence.

use std::{fmt, net::IpAddr};

use nix::errno::Errno;

use super::{
    codec::{Action, Unsayable},
    wanted::{Address, Route, RouteTarget, Rule, RuleAction, Scope},
};
use crate::sys::netlink::Refused;

/// A refused change in words: `cannot add 192.0.2.1/32 to eth0: it is there already`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which of the changes, counted from 0.
    pub index: usize,
    /// The kernel's error number.
    pub errno: Errno,
    action: Option<Action>,
    attempt: String,
    reason: String,
    hint: Option<String>,
}

impl Refusal {
    /// Returns what a person can do about it, if there is more to say than the reason says.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether what should be added is there already, or what should be removed is not: the host is as it was wanted.
    /// What was on a link went with it.
    pub fn is_needless(&self) -> bool {
        match self.action {
            Some(Action::Add) => self.errno == Errno::EEXIST,
            Some(Action::Remove) => {
                matches!(self.errno, Errno::EADDRNOTAVAIL | Errno::ESRCH | Errno::ENOENT | Errno::ENODEV)
            }
            None => false,
        }
    }

    fn of(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// Words `why` with the reason and the hint that are known for it, or else with the kernel's own words.
    pub(super) fn new(index: usize, attempt: String, why: Problem, known: Option<Words>) -> Self {
        let (errno, said) = match why {
            Problem::Unsayable(Unsayable::NoLink(name)) => {
                return Self {
                    index,
                    errno: Errno::ENODEV,
                    action: None,
                    attempt,
                    reason: format!("there is no link {name}"),
                    hint: Some("see `ip link` for the links that there are".to_owned()),
                };
            }
            Problem::Unsayable(Unsayable::Senseless(reason)) => {
                return Self {
                    index,
                    errno: Errno::EINVAL,
                    action: None,
                    attempt,
                    reason: reason.to_owned(),
                    hint: None,
                };
            }
            Problem::Refused(Refused { errno, said }) => (errno, said),
        };
        let (reason, hint) = known.or_else(|| everywhere(errno)).unwrap_or_else(|| {
            let words = said.as_deref().unwrap_or_else(|| errno.desc());
            (format!("the kernel refused it: {words} ({})", errno as i32), None)
        });
        Self { index, errno, action: None, attempt, reason, hint }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.attempt, self.reason)
    }
}

impl std::error::Error for Refusal {}

/// Why a change was not made.
#[derive(Clone, Debug)]
pub(super) enum Problem {
    /// It could not be said.
    Unsayable(Unsayable),
    /// The kernel refused it.
    Refused(Refused),
}

impl Problem {
    fn errno(&self) -> Option<Errno> {
        match self {
            Self::Refused(refused) => Some(refused.errno),
            Self::Unsayable(_) => None,
        }
    }
}

/// A reason and perhaps a hint.
pub(super) type Words = (String, Option<String>);

pub(super) fn words(reason: impl Into<String>, hint: &str) -> Option<Words> {
    Some((reason.into(), (!hint.is_empty()).then(|| hint.to_owned())))
}

/// What an error number means whatever was tried.
fn everywhere(errno: Errno) -> Option<Words> {
    match errno {
        Errno::EPERM => words(
            "not permitted",
            "this takes root, or CAP_NET_ADMIN in the network namespace's own user namespace; containers get it with \
             --cap-add NET_ADMIN",
        ),
        Errno::ENOMEM | Errno::ENOBUFS => words("the kernel has no memory left for it", ""),
        Errno::EAFNOSUPPORT => words(
            "this kernel has no IPv6, or it is switched off",
            "look for ipv6.disable=1 on the kernel's command line (/proc/cmdline)",
        ),
        _ => None,
    }
}

pub(super) fn address(index: usize, action: Action, link: &str, address: &Address, why: Problem) -> Refusal {
    let shown = format!("{}/{}", address.address, address.prefix);
    let attempt = match action {
        Action::Add => format!("add {shown} to {link}"),
        Action::Remove => format!("remove {shown} from {link}"),
    };
    let known = why.errno().and_then(|errno| address_words(action, link, address, errno));
    Refusal::new(index, attempt, why, known).of(action)
}

fn address_words(action: Action, link: &str, address: &Address, errno: Errno) -> Option<Words> {
    let v6 = address.address.is_ipv6();
    match (action, errno) {
        (_, Errno::ENODEV) => words("there is no such link", "see `ip link` for the links that there are"),
        (Action::Add, Errno::EEXIST) => words("it is there already", ""),
        (Action::Remove, Errno::EADDRNOTAVAIL) => words("it is not there", ""),
        (Action::Add, Errno::EADDRNOTAVAIL) => words("no link can have such an address", ""),
        (Action::Add, Errno::EACCES) if v6 => words(
            format!("IPv6 is switched off on {link}"),
            &format!("switch it on: sysctl -w net/ipv6/conf/{link}/disable_ipv6=0"),
        ),
        (Action::Add, Errno::ERANGE) => words("the label has more than 15 bytes", ""),
        (Action::Add, Errno::ENOBUFS | Errno::EINVAL) if v6 => words(
            format!("the kernel refuses such an address, or {link} does not carry IPv6"),
            &format!("IPv6 needs an MTU of 1280 bytes or more: see `ip link show {link}`"),
        ),
        (Action::Add, Errno::EINVAL) if address.scope != Scope::Global => words(
            "the kernel refuses such an address",
            "all addresses of a network on one link must have the same scope",
        ),
        (Action::Add, Errno::ENOBUFS) => words(
            format!("{link} does not carry IPv4"),
            &format!("IPv4 needs an MTU of 68 bytes or more: see `ip link show {link}`"),
        ),
        _ => None,
    }
}

pub(super) fn route(index: usize, action: Action, route: &Route, why: Problem) -> Refusal {
    let shown = shown_route(route);
    let attempt = match action {
        Action::Add => format!("add the route {shown}"),
        Action::Remove => format!("remove the route {shown}"),
    };
    let known = why.errno().and_then(|errno| match (action, errno) {
        (Action::Add, Errno::EEXIST) => words("there is such a route already", "see `ip route show table all`"),
        (Action::Remove, Errno::ESRCH | Errno::ENOENT) => words("there is no such route", ""),
        (Action::Add, Errno::ENETUNREACH | Errno::EHOSTUNREACH) => words(
            "the gateway cannot be reached",
            "the host needs an address in the gateway's network first, or say onlink and the link's name",
        ),
        (Action::Add, Errno::ENETDOWN) => words("the link is down", "set it up: ip link set NAME up"),
        (_, Errno::ENODEV) => words("the link is gone or carries no such packets", ""),
        (Action::Add, Errno::EINVAL) if route.source.is_some() => words(
            "the kernel refuses such a route",
            "its source must be an address of this host, and its gateway must fit its link",
        ),
        _ => None,
    });
    Refusal::new(index, attempt, why, known).of(action)
}

fn shown_route(route: &Route) -> String {
    let mut shown = shown_prefix(route.to);
    match &route.target {
        RouteTarget::Via(hops) => {
            for hop in hops {
                if let Some(gateway) = hop.gateway {
                    shown.push_str(&format!(" via {gateway}"));
                }
                if let Some(device) = &hop.device {
                    shown.push_str(&format!(" dev {device}"));
                }
            }
        }
        RouteTarget::Blackhole => shown.insert_str(0, "blackhole "),
        RouteTarget::Unreachable => shown.insert_str(0, "unreachable "),
        RouteTarget::Prohibit => shown.insert_str(0, "prohibit "),
    }
    if route.table != MAIN_TABLE {
        shown.push_str(&format!(" table {}", route.table));
    }
    shown
}

const MAIN_TABLE: u32 = 254;

fn shown_prefix(prefix: Option<(IpAddr, u8)>) -> String {
    match prefix {
        Some((address, prefix @ 1..)) => format!("{address}/{prefix}"),
        _ => "default".to_owned(),
    }
}

pub(super) fn rule(index: usize, action: Action, rule: &Rule, why: Problem) -> Refusal {
    let shown = shown_rule(rule);
    let attempt = match action {
        Action::Add => format!("add the rule {shown}"),
        Action::Remove => format!("remove the rule {shown}"),
    };
    let known = why.errno().and_then(|errno| match (action, errno) {
        (Action::Add, Errno::EEXIST) => words("there is such a rule already", "see `ip rule`"),
        (Action::Remove, Errno::ENOENT | Errno::ESRCH) => words("there is no such rule", ""),
        (Action::Add, Errno::EAFNOSUPPORT | Errno::EOPNOTSUPP) => words(
            "this kernel has no policy rules for this family",
            "it was built without CONFIG_IP_MULTIPLE_TABLES or CONFIG_IPV6_MULTIPLE_TABLES",
        ),
        _ => None,
    });
    Refusal::new(index, attempt, why, known).of(action)
}

fn shown_rule(rule: &Rule) -> String {
    let mut shown = format!("{}:", rule.preference);
    if rule.not {
        shown.push_str(" not");
    }
    for (word, prefix) in [("from", rule.from), ("to", rule.to)] {
        if prefix.is_some() {
            shown.push_str(&format!(" {word} {}", shown_prefix(prefix)));
        }
    }
    if let Some((mark, mask)) = rule.mark {
        shown.push_str(&format!(" fwmark {mark:#x}/{mask:#x}"));
    }
    for (word, link) in [("iif", &rule.iif), ("oif", &rule.oif)] {
        if let Some(link) = link {
            shown.push_str(&format!(" {word} {link}"));
        }
    }
    match rule.action {
        RuleAction::Lookup(table) => shown.push_str(&format!(" lookup {table}")),
        RuleAction::Blackhole => shown.push_str(" blackhole"),
        RuleAction::Unreachable => shown.push_str(" unreachable"),
        RuleAction::Prohibit => shown.push_str(" prohibit"),
    }
    shown
}
