//! The sorry server of a service: where it is, and how packets reach it.

use clap::Args;

use super::{Faults, fault::Wrong, selector::endpoint, values::number};
use crate::model::{Checksum, Forwarding, RealServer, ServerKey, ServiceKey, Thresholds, Tunnel, Weight};

/// Options of `check set` about it.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct SorryArgs {
    /// Takes over while there is no quorum
    #[arg(long, value_name = "ADDR[:PORT]", help_heading = "Service")]
    sorry_server: Option<String>,
    /// Direct routing to the sorry server (default)
    #[arg(short = 'g', long, help_heading = "Service", conflicts_with_all = ["ipip", "masquerading"])]
    gatewaying: bool,
    /// A tunnel to the sorry server
    #[arg(short = 'i', long, help_heading = "Service", conflicts_with = "masquerading")]
    ipip: bool,
    /// NAT to the sorry server
    #[arg(short = 'm', long, help_heading = "Service")]
    masquerading: bool,
    /// Kind of that tunnel: ipip, gue, gre [default: ipip]
    #[arg(long, value_name = "TYPE", help_heading = "Service")]
    tun_type: Option<String>,
    /// UDP port of a gue tunnel
    #[arg(long, value_name = "PORT", help_heading = "Service")]
    tun_port: Option<String>,
    /// Packets of a gue or gre tunnel have checksums
    #[arg(long, help_heading = "Service", conflicts_with = "tun_remcsum")]
    tun_csum: bool,
    /// Packets of a gue tunnel have remote checksums
    #[arg(long, help_heading = "Service")]
    tun_remcsum: bool,
    /// The sorry server stays in the table with weight 0 while it is not needed
    #[arg(long, help_heading = "Service")]
    sorry_inhibit: bool,
}

impl SorryArgs {
    /// Reads the server, and whether it stays in the table.
    pub(super) fn read(&self, service: &ServiceKey, faults: &mut Faults) -> (Option<RealServer>, bool) {
        let forwarding = self.forwarding(faults);
        let server = faults.read("--sorry-server", self.sorry_server.as_ref(), |text| {
            let (address, port) = endpoint(text)?;
            let port = port.unwrap_or_else(|| service.port().unwrap_or(0));
            let key = ServerKey { address, port };
            if key.family() != service.family() && !self.ipip {
                let hint = "only tunnels (-i) lead to servers of another family";
                return Err(Wrong::new("this address is of another family than the service").hint(hint));
            }
            let (weight, thresholds) = (Weight::default(), Thresholds::default());
            Ok(RealServer { key, forwarding, weight, thresholds })
        });
        if self.sorry_server.is_none() {
            for option in self.given() {
                let wrong = Wrong::new("this is about a sorry server, and none is named").hint("--sorry-server");
                faults.add(option, "", wrong);
            }
        }
        (server, self.sorry_inhibit)
    }

    fn forwarding(&self, faults: &mut Faults) -> Forwarding {
        let about_tunnels = self.given().filter(|option| option.starts_with("--tun-"));
        if !self.ipip {
            for option in about_tunnels {
                faults.add(option, "", Wrong::new("this is about a tunnel, and none is asked for").hint("-i"));
            }
            return if self.masquerading { Forwarding::Masquerade } else { Forwarding::Route };
        }
        let port = faults.read("--tun-port", self.tun_port.as_ref(), |text| number(text, 1..=u16::MAX));
        let checksum = match (self.tun_csum, self.tun_remcsum) {
            (true, _) => Checksum::Full,
            (_, true) => Checksum::Remote,
            _ => Checksum::None,
        };
        let (tunnel, needless): (_, &[&str]) = match self.tun_type.as_deref() {
            None | Some("ipip") => (Tunnel::Ipip, &["--tun-port", "--tun-csum", "--tun-remcsum"]),
            Some("gre") => (Tunnel::Gre { checksum }, &["--tun-port", "--tun-remcsum"]),
            Some("gue") => {
                if self.tun_port.is_none() {
                    faults.add("--tun-type", "gue", Wrong::new("a gue tunnel needs a port").hint("--tun-port PORT"));
                }
                (Tunnel::Gue { port: port.unwrap_or_default(), checksum }, &[])
            }
            Some(other) => {
                faults.add("--tun-type", other, Wrong::new("this is none of ipip, gue and gre"));
                (Tunnel::Ipip, &[])
            }
        };
        for option in about_tunnels.filter(|option| needless.contains(option)) {
            faults.add(option, "", Wrong::new("tunnels of this type have nothing like that").hint("--tun-type gue"));
        }
        Forwarding::Tunnel(tunnel)
    }

    /// Returns the options that are given, that of the server first.
    pub(super) fn given(&self) -> impl Iterator<Item = &'static str> {
        let options = [
            ("--sorry-server", self.sorry_server.is_some()),
            ("-g", self.gatewaying),
            ("-i", self.ipip),
            ("-m", self.masquerading),
            ("--tun-type", self.tun_type.is_some()),
            ("--tun-port", self.tun_port.is_some()),
            ("--tun-csum", self.tun_csum),
            ("--tun-remcsum", self.tun_remcsum),
            ("--sorry-inhibit", self.sorry_inhibit),
        ];
        options.into_iter().filter(|(_, given)| *given).map(|(option, _)| option)
    }
}
