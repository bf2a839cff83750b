//! What is said about a director or a real server on the command line.

use std::net::IpAddr;

use clap::Args;

use super::run;
use crate::{
    cli::{
        Complaint, Error, Ui,
        args::{Faults, Prefix},
    },
    host::prepare::{Director, Fault, Mode, RealServer, Tunnel},
    model::Family,
};

/// What both roles take beside what they are.
#[derive(Debug, Args)]
pub(super) struct HowArgs {
    /// Also after a reboot: files in sysctl.d and modules-load.d, and a unit of systemd
    #[arg(long, help_heading = "How")]
    pub(super) persist: bool,
    /// Only show what would be done
    #[arg(long, help_heading = "How")]
    pub(super) dry_run: bool,
    /// JSON, described in lvsadm(8)
    #[arg(long, help_heading = "How")]
    pub(super) json: bool,
}

/// The host on which IPVS runs
#[derive(Debug, Args)]
pub(super) struct DirectorArgs {
    /// How it hands packets to servers
    #[arg(long, value_parser = ["dr", "nat", "tun"])]
    mode: String,
    /// Virtual address that it gets; may be repeated. None where VRRP puts them on a link
    #[arg(long, value_name = "ADDR")]
    vip: Vec<String>,
    /// Link for them [default: the one that leads there]
    #[arg(long, value_name = "LINK")]
    dev: Option<String>,
    /// Without --vip: services are IPv6, too
    #[arg(short = '6', long)]
    ipv6: bool,
    #[command(flatten)]
    how: HowArgs,
}

impl DirectorArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let mut faults = Faults::default();
        let vips = addresses("--vip", &self.vip, &mut faults);
        faults.check()?;
        let mut families: Vec<Family> = vips.iter().map(|vip| Family::of(*vip)).collect();
        if families.is_empty() {
            families.push(Family::V4);
        }
        if self.ipv6 {
            families.push(Family::V6);
        }
        families.sort_unstable();
        families.dedup();
        let mut words = vec!["prepare".to_owned(), "director".to_owned(), format!("--mode {}", self.mode)];
        words.extend(vips.iter().map(|vip| format!("--vip {vip}")));
        words.extend(self.dev.iter().map(|link| format!("--dev {link}")));
        words.extend(self.ipv6.then(|| "-6".to_owned()));
        let wanted = Director { mode: mode(&self.mode), families, vips, link: self.dev };
        run::prepare(&words.join(" "), &self.how, ui, wanted.vips.clone(), |seen| {
            crate::host::prepare::director(&wanted, seen)
        })
    }
}

/// A server to which a director hands packets
#[derive(Debug, Args)]
pub(super) struct ServerArgs {
    /// How the director hands it packets
    #[arg(long, value_parser = ["dr", "nat", "tun"])]
    mode: String,
    #[command(flatten)]
    server: RealServerArgs,
    #[command(flatten)]
    how: HowArgs,
}

impl ServerArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let wanted = self.server.read(&self.mode)?;
        let command = self.server.command(&self.mode);
        run::prepare(&command, &self.how, ui, wanted.gateway.into_iter().collect(), |seen| {
            crate::host::prepare::real_server(&wanted, seen)
        })
    }
}

/// What a real server is, for preparing it and for examining it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Real server")]
pub(in crate::cli) struct RealServerArgs {
    /// Virtual address; may be repeated. Modes dr and tun
    #[arg(long, value_name = "ADDR")]
    vip: Vec<String>,
    /// The director's address on this server's network. Mode nat
    #[arg(long, value_name = "ADDR")]
    gateway: Option<String>,
    /// Only answers to these clients go by the director; may be repeated. Mode nat
    #[arg(long, value_name = "ADDR[/LEN]")]
    client: Vec<String>,
    /// How packets are wrapped. Mode tun
    #[arg(long, value_parser = ["ipip", "gue", "gre"], default_value = "ipip")]
    tun_type: String,
    /// UDP port of GUE
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    tun_port: Option<u16>,
    /// What the wrapped packets travel over [default: the family of the virtual address]
    #[arg(long, value_parser = ["ipv4", "ipv6"])]
    over: Option<String>,
}

impl RealServerArgs {
    /// Reads all of it.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(in crate::cli) fn read(&self, mode_word: &str) -> Result<RealServer, Error> {
        let mut faults = Faults::default();
        let vips = addresses("--vip", &self.vip, &mut faults);
        let gateway = addresses("--gateway", self.gateway.as_slice(), &mut faults).pop();
        let clients = self.client.iter().filter_map(|word| faults.take(network(word))).collect();
        let mode = mode(mode_word);
        if mode != Mode::Nat && self.vip.is_empty() {
            faults.add(
                Complaint::new(format_args!("--mode {mode} needs a virtual address, which the server gets as well"))
                    .hint("name it: --vip 10.0.0.100"),
            );
        }
        if mode == Mode::Nat && !self.vip.is_empty() {
            faults.add(
                Complaint::new("--vip belongs to modes dr and tun")
                    .hint("in mode nat packets arrive with the server's own address: leave --vip out"),
            );
        }
        let tunnel = match (self.tun_type.as_str(), self.tun_port) {
            ("gue", Some(port)) => Tunnel::Gue(port),
            ("gue", None) => {
                faults
                    .add(Complaint::new("--tun-type gue needs a port").hint("the one of the service: --tun-port 6080"));
                Tunnel::Gue(0)
            }
            ("gre", _) => Tunnel::Gre,
            _ => Tunnel::Ipip,
        };
        if let (Some(port), false) = (self.tun_port, self.tun_type == "gue") {
            faults.add(Complaint::new(format_args!("--tun-port {port} belongs to --tun-type gue")));
        }
        if mode != Mode::Tun && (self.tun_type != "ipip" || self.over.is_some()) {
            faults.add(Complaint::new(format_args!("--tun-type and --over belong to mode tun, not to {mode}")));
        }
        faults.check()?;
        let over = self.over.as_deref().map(|word| if word == "ipv6" { Family::V6 } else { Family::V4 });
        Ok(RealServer { mode, vips, gateway, clients, tunnel, over, port: None })
    }

    /// Whether anything is said of a server.
    pub(in crate::cli) fn is_named(&self) -> bool {
        let Self { vip, gateway, client, tun_type, tun_port, over } = self;
        !(vip.is_empty()
            && client.is_empty()
            && gateway.is_none()
            && tun_type == "ipip"
            && tun_port.is_none()
            && over.is_none())
    }

    /// Returns the command line again.
    fn command(&self, mode: &str) -> String {
        let mut words = vec![format!("prepare real-server --mode {mode}")];
        words.extend(self.vip.iter().map(|vip| format!("--vip {vip}")));
        words.extend(self.gateway.iter().map(|gateway| format!("--gateway {gateway}")));
        words.extend(self.client.iter().map(|client| format!("--client {client}")));
        if self.tun_type != "ipip" {
            words.push(format!("--tun-type {}", self.tun_type));
        }
        words.extend(self.tun_port.iter().map(|port| format!("--tun-port {port}")));
        words.extend(self.over.iter().map(|over| format!("--over {over}")));
        words.join(" ")
    }
}

fn mode(word: &str) -> Mode {
    match word {
        "nat" => Mode::Nat,
        "tun" => Mode::Tun,
        _ => Mode::Dr,
    }
}

fn addresses(option: &str, words: &[String], faults: &mut Faults) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for word in words {
        match word.parse() {
            Ok(address) if found.contains(&address) => {
                faults.add(Complaint::new(format_args!("{option} {word}: it is named twice")));
            }
            Ok(address) if is_usable(address) => found.push(address),
            Ok(_) => faults.add(Complaint::new(format_args!("{option} {word}: no host can have such an address"))),
            Err(_) => faults.add(
                Complaint::new(format_args!("{option} {word}: this is no address"))
                    .hint("an IPv4 or IPv6 address without prefix length: 10.0.0.100"),
            ),
        }
    }
    found
}

fn is_usable(address: IpAddr) -> bool {
    !(address.is_unspecified()
        || address.is_multicast()
        || address.is_loopback()
        || address.to_string() == "255.255.255.255")
}

fn network(word: &str) -> Result<(IpAddr, u8), Complaint> {
    Prefix::read("--client", word).map(|prefix| prefix.network())
}

/// Says what a plan has against what is wanted.
pub(super) fn complaints(faults: Vec<Fault>) -> Error {
    Error::usage(faults.into_iter().map(|fault| Complaint::new(fault.text).hint(fault.hint)).collect())
}
