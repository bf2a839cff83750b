//! What is said of services and servers beside their checks: the options of `check set`.

use std::net::IpAddr;

use clap::Args;

use super::{Faults, fault::Wrong, sorry::SorryArgs, values::number};
use crate::{
    host::Command,
    model::{ServerKey, ServiceKey, Weight},
    pool::settings::{AtStart, Foreign, Policy, ServerPolicy},
    state::vrrp,
};

/// Options of `check set`.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct PolicyArgs {
    /// Least sum of weights of working servers [default: 1]
    #[arg(long, value_name = "WEIGHT", help_heading = "Service")]
    quorum: Option<String>,
    /// How much more it takes to gain the quorum, and how much less to lose it [default: 0]
    #[arg(long, value_name = "WEIGHT", help_heading = "Service")]
    hysteresis: Option<String>,
    /// Run when the quorum is gained: [USER[:GROUP]@]PROGRAM ARGUMENTS
    #[arg(long, value_name = "COMMAND", help_heading = "Service")]
    quorum_up: Option<String>,
    /// Run when the quorum is lost
    #[arg(long, value_name = "COMMAND", help_heading = "Service")]
    quorum_down: Option<String>,
    #[command(flatten)]
    sorry: SorryArgs,
    /// What ends, with the process or before it, is told of as down, and its commands run
    #[arg(long, help_heading = "Service")]
    omega: bool,
    /// Checks sleep while this address is not on this host
    #[arg(long, value_name = "ADDR", help_heading = "Service")]
    suspend_without: Option<String>,
    /// What becomes of others' changes to the service in the kernel's table: adopt, restore, ignore [default: adopt]
    #[arg(long, value_name = "WHAT", help_heading = "Service")]
    foreign: Option<String>,
    /// What is told, as if it had just come up, of what works when the service begins: nothing, quorum, servers (and the
    /// quorum) [default: nothing]
    #[arg(long, value_name = "WHAT", help_heading = "Service")]
    at_start: Option<String>,
    /// Failed servers stay in the table with weight 0
    #[arg(long, help_heading = "Servers", conflicts_with = "no_inhibit")]
    inhibit: bool,
    /// Failed servers are removed; with -r, whatever is said of the service (default)
    #[arg(long, help_heading = "Servers")]
    no_inhibit: bool,
    /// Run when a server comes back: [USER[:GROUP]@]PROGRAM ARGUMENTS
    #[arg(long, value_name = "COMMAND", help_heading = "Servers")]
    notify_up: Option<String>,
    /// Run when a server fails
    #[arg(long, value_name = "COMMAND", help_heading = "Servers")]
    notify_down: Option<String>,
    /// Least weight that checks can give a working server [default: 0]
    #[arg(long, value_name = "WEIGHT", help_heading = "Servers")]
    weight_min: Option<String>,
    /// Greatest weight that checks can give it [default: 2147483647]
    #[arg(long, value_name = "WEIGHT", help_heading = "Servers")]
    weight_max: Option<String>,
}

/// What is said of a server: by the line of its service, or by its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OfServer {
    inhibit: Option<bool>,
    up: Option<Command>,
    down: Option<Command>,
    weights: (Option<Weight>, Option<Weight>),
}

impl OfServer {
    /// Returns what holds for a server of which both is said: its own line goes before that of the service, option by
    /// option. Nothing if there is nothing.
    pub(super) fn policy(
        service: (ServiceKey, Option<&Self>),
        server: (ServerKey, Option<&Self>),
    ) -> Option<ServerPolicy> {
        let (of_service, own) = (service.1.cloned().unwrap_or_default(), server.1.cloned().unwrap_or_default());
        let least = own.weights.0.or(of_service.weights.0);
        let most = own.weights.1.or(of_service.weights.1);
        let least_or_none = least.unwrap_or(Weight::ZERO);
        let policy = ServerPolicy {
            service: service.0,
            server: server.0,
            // The service's own is the policy of the service.
            inhibit: own.inhibit,
            up: own.up.or(of_service.up),
            down: own.down.or(of_service.down),
            weights: (least.is_some() || most.is_some())
                .then(|| (least_or_none, most.unwrap_or(Weight::MAX).max(least_or_none))),
        };
        let says = policy.inhibit.is_some() || policy.up.is_some() || policy.down.is_some() || policy.weights.is_some();
        says.then_some(policy)
    }
}

impl PolicyArgs {
    /// Reads what is said of the service.
    pub(super) fn of_service(&self, service: ServiceKey, faults: &mut Faults) -> Policy {
        let most = u32::MAX;
        let quorum = faults.read("--quorum", self.quorum.as_ref(), |text| number(text, 1..=most)).unwrap_or(1);
        let hysteresis = faults.read("--hysteresis", self.hysteresis.as_ref(), |text| {
            let hysteresis = number(text, 0..=most)?;
            if hysteresis < quorum {
                return Ok(hysteresis);
            }
            Err(Wrong::new(format_args!("hysteresis is less than the quorum, which is {quorum}")))
        });
        let (sorry, sorry_inhibit) = self.sorry.read(&service, faults);
        Policy {
            quorum,
            hysteresis: hysteresis.unwrap_or(0),
            quorum_up: faults.read("--quorum-up", self.quorum_up.as_ref(), command),
            quorum_down: faults.read("--quorum-down", self.quorum_down.as_ref(), command),
            sorry,
            sorry_inhibit,
            inhibit: self.inhibit,
            omega: self.omega,
            suspend_without: faults.read("--suspend-without", self.suspend_without.as_ref(), |text| {
                text.parse::<IpAddr>().map_err(|_| Wrong::new("this is no address"))
            }),
            foreign: faults.read("--foreign", self.foreign.as_ref(), |text| match text {
                "adopt" => Ok(Foreign::Adopt),
                "restore" => Ok(Foreign::Restore),
                "ignore" => Ok(Foreign::Ignore),
                _ => Err(Wrong::new("this is none of adopt, restore and ignore")),
            }),
            at_start: faults
                .read("--at-start", self.at_start.as_ref(), |text| match text {
                    "nothing" => Ok(AtStart::Nothing),
                    "quorum" => Ok(AtStart::Quorum),
                    "servers" => Ok(AtStart::Servers),
                    _ => Err(Wrong::new("this is none of nothing, quorum and servers")),
                })
                .unwrap_or_default(),
            service,
        }
    }

    /// Reads what is said of a server, or of all servers of a service.
    pub(super) fn of_server(&self, faults: &mut Faults) -> OfServer {
        let weight = |text: &str| Ok(Weight::new(number(text, 0..=Weight::MAX.value())?).unwrap_or_default());
        let least = faults.read("--weight-min", self.weight_min.as_ref(), weight);
        let most = faults.read("--weight-max", self.weight_max.as_ref(), weight);
        if let (Some(least), Some(most), Some(word)) = (least, most, &self.weight_max)
            && most < least
        {
            faults.add("--weight-max", word, Wrong::new(format_args!("--weight-min {least} is more")));
        }
        OfServer {
            inhibit: (self.inhibit || self.no_inhibit).then_some(self.inhibit),
            up: faults.read("--notify-up", self.notify_up.as_ref(), command),
            down: faults.read("--notify-down", self.notify_down.as_ref(), command),
            weights: (least, most),
        }
    }

    /// Finds options that say something of a service, on a line about a server.
    pub(super) fn only_server(&self, faults: &mut Faults) {
        let options = [
            ("--quorum", self.quorum.is_some()),
            ("--hysteresis", self.hysteresis.is_some()),
            ("--quorum-up", self.quorum_up.is_some()),
            ("--quorum-down", self.quorum_down.is_some()),
            ("--omega", self.omega),
            ("--suspend-without", self.suspend_without.is_some()),
            ("--foreign", self.foreign.is_some()),
            ("--at-start", self.at_start.is_some()),
        ];
        let given = options.into_iter().filter(|(_, given)| *given).map(|(option, _)| option);
        for option in given.chain(self.sorry.given()) {
            faults.add(option, "", Wrong::new("this is said of a service, not of one server").hint("leave -r out"));
        }
    }
}

/// Reads a command.
fn command(text: &str) -> Result<Command, Wrong> {
    vrrp::read_command(text).map_err(|(why, hint)| Wrong { why, hint })
}
