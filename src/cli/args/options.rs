//! The options that configure a service or a server: words → patches.

use clap::Args;

use super::{Faults, Method, Persist, ServerPatch, ServicePatch, TunnelKind, TunnelPatch, values};
use crate::{
    cli::Complaint,
    model::{Checksum, Family, Scheduler, VirtualService, Weight},
};

/// The longest persistence that ipvsadm and the kernel's users know, in seconds: 31 days.
const MAX_PERSISTENCE: u32 = 31 * 86_400;

/// The greatest threshold.
const MAX_THRESHOLD: u32 = i32::MAX as u32;

/// Every word that -b knows.
const FLAGS: [&str; 7] = ["flag-1", "flag-2", "flag-3", "sh-fallback", "sh-port", "mh-fallback", "mh-port"];

/// How a virtual service is configured.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub struct ServiceOptions {
    /// Scheduler: rr, wrr, lc, wlc, sh, mh … [when new: wlc]
    #[arg(short = 's', long, value_name = "NAME")]
    scheduler: Option<String>,
    /// Keep clients with their server: seconds, or 5m, 1h [when new: 360]
    #[arg(short = 'p', long, value_name = "TIME", num_args = 0..=1)]
    persistent: Option<Option<String>>,
    /// Granularity of persistence: 24 or 255.255.255.0, for IPv6 64
    #[arg(short = 'M', long, value_name = "MASK")]
    netmask: Option<String>,
    /// Persistence engine: sip
    #[arg(long, value_name = "NAME")]
    pe: Option<String>,
    /// Flags of the scheduler by comma: sh-port, mh-fallback, flag-1 …, or none
    #[arg(short = 'b', long, value_name = "FLAGS")]
    sched_flags: Option<String>,
    /// One-packet scheduling: each datagram by itself
    #[arg(short = 'o', long)]
    ops: bool,
}

impl ServiceOptions {
    /// Reads the words; `family` is the service's, `None` when its own word is wrong and a mask cannot be judged.
    pub fn patch(&self, family: Option<Family>, faults: &mut Faults) -> ServicePatch {
        ServicePatch {
            scheduler: faults.read(self.scheduler.as_ref(), |word| {
                name("-s", word, Scheduler::MAX_LEN).map(|name| Scheduler::new(&name))
            }),
            flags: faults.read(self.sched_flags.as_ref(), flag_words),
            persist: self.persistent.as_ref().map(|word| {
                Persist::On(faults.read(word.as_ref(), |word| values::duration("-p", word, MAX_PERSISTENCE)))
            }),
            netmask: family
                .and_then(|family| faults.read(self.netmask.as_ref(), |word| values::netmask("-M", word, family))),
            engine: faults.read(self.pe.as_ref(), |word| name("--pe", word, VirtualService::ENGINE_MAX_LEN)).map(Some),
            one_packet: self.ops.then_some(true),
        }
    }
}

/// Reads the name of a kernel module's service: what the kernel could hold at all.
fn name(option: &str, word: &str, max: usize) -> Result<String, Complaint> {
    if word.is_empty() || word.len() > max || !word.bytes().all(|b| b.is_ascii_graphic()) {
        let shown = if word.is_empty() { "''" } else { word };
        return Err(Complaint::new(format_args!(
            "{option} {shown}: a name of 1 to {max} letters and digits is needed"
        )));
    }
    Ok(word.to_owned())
}

/// Reads the list behind -b; `none` and the empty list are no flags.
fn flag_words(list: &str) -> Result<Vec<String>, Complaint> {
    if list == "none" {
        return Ok(Vec::new());
    }
    let words = list.split(',').filter(|word| !word.is_empty()).map(|word| {
        if FLAGS.contains(&word) {
            return Ok(word.to_owned());
        }
        Err(Complaint::new(format_args!("-b {list}: there is no flag {word}"))
            .hint(format_args!("known are {}", FLAGS.join(", "))))
    });
    words.collect()
}

/// How a real server is configured.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub struct ServerOptions {
    #[command(flatten)]
    method: MethodArgs,
    /// Share of new connections; 0 = no new ones [when new: 1]
    #[arg(short = 'w', long, value_name = "NUMBER", allow_negative_numbers = true)]
    weight: Option<String>,
    /// No new connections from this many on; 0 = no limit
    #[arg(short = 'x', long, value_name = "NUMBER", allow_negative_numbers = true)]
    u_threshold: Option<String>,
    /// New connections again below this many
    #[arg(short = 'y', long, value_name = "NUMBER", allow_negative_numbers = true)]
    l_threshold: Option<String>,
    /// Encapsulation of a tunnel [when new: ipip]
    #[arg(long, value_name = "TYPE", value_parser = ["ipip", "gue", "gre"])]
    tun_type: Option<String>,
    /// UDP port of a GUE tunnel
    #[arg(long, value_name = "PORT")]
    tun_port: Option<String>,
    #[command(flatten)]
    checksum: ChecksumArgs,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct MethodArgs {
    /// Direct routing: only the link-layer address changes [when new]
    #[arg(short = 'g', long)]
    gatewaying: bool,
    /// Tunnel
    #[arg(short = 'i', long)]
    ipip: bool,
    /// Masquerading (NAT)
    #[arg(short = 'm', long)]
    masquerading: bool,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct ChecksumArgs {
    /// No outer checksum [when new]
    #[arg(long)]
    tun_nocsum: bool,
    /// Outer checksum
    #[arg(long)]
    tun_csum: bool,
    /// Remote checksum offload (GUE)
    #[arg(long)]
    tun_remcsum: bool,
}

impl ServerOptions {
    /// Reads the words.
    pub fn patch(&self, faults: &mut Faults) -> ServerPatch {
        let threshold = |option: &'static str| move |word: &str| values::number(option, word, 0..=MAX_THRESHOLD);
        ServerPatch {
            method: match self.method {
                MethodArgs { gatewaying: true, .. } => Some(Method::Route),
                MethodArgs { ipip: true, .. } => Some(Method::Tunnel),
                MethodArgs { masquerading: true, .. } => Some(Method::Masquerade),
                _ => None,
            },
            tunnel: TunnelPatch {
                kind: self.tun_type.as_deref().map(|word| match word {
                    "gue" => TunnelKind::Gue,
                    "gre" => TunnelKind::Gre,
                    _ => TunnelKind::Ipip,
                }),
                port: faults.read(self.tun_port.as_ref(), |word| values::number("--tun-port", word, 1..=u16::MAX)),
                checksum: match self.checksum {
                    ChecksumArgs { tun_nocsum: true, .. } => Some(Checksum::None),
                    ChecksumArgs { tun_csum: true, .. } => Some(Checksum::Full),
                    ChecksumArgs { tun_remcsum: true, .. } => Some(Checksum::Remote),
                    _ => None,
                },
            },
            weight: faults
                .read(self.weight.as_ref(), |word| values::number("-w", word, 0..=Weight::MAX.value()))
                .and_then(Weight::new),
            upper: faults.read(self.u_threshold.as_ref(), threshold("-x")),
            lower: faults.read(self.l_threshold.as_ref(), threshold("-y")),
        }
    }
}
