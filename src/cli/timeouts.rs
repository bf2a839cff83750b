//! `lvsadm timeouts`: shows or sets how long the kernel remembers connections without traffic.

use clap::Args;

use super::{
    Error, Ui,
    args::{Faults, duration},
    json, kernel, render,
};
use crate::model::{Change, Timeouts};

/// The greatest timeout that every kernel takes, in seconds: `INT_MAX` / 1000 ticks a second.
const MAX: u32 = i32::MAX as u32 / 1000;

/// Show or set the connection timeouts
///
/// How long the kernel remembers connections without traffic. What is not named stays.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm timeouts
      Show them.
  lvsadm timeouts --tcp 15m --tcp-fin 2m
      Set two of them; --udp stays.")]
pub struct TimeoutsArgs {
    /// Established TCP connections: seconds, or 15m, 2h
    #[arg(long, value_name = "TIME", conflicts_with = "json")]
    tcp: Option<String>,
    /// TCP connections after a FIN
    #[arg(long, value_name = "TIME", conflicts_with = "json")]
    tcp_fin: Option<String>,
    /// UDP flows
    #[arg(long, value_name = "TIME", conflicts_with = "json")]
    udp: Option<String>,
    /// Show them as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, or the kernel refuses.
pub fn run(args: TimeoutsArgs, ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    // In a request 0 keeps what is set.
    let mut read = |option: &str, word: &Option<String>| {
        faults.read(word.as_ref(), |word| duration(option, word, MAX)).unwrap_or(0)
    };
    let wanted = Timeouts {
        tcp: read("--tcp", &args.tcp),
        tcp_fin: read("--tcp-fin", &args.tcp_fin),
        udp: read("--udp", &args.udp),
    };
    faults.check()?;

    let mut client = kernel::open()?;
    if (wanted.tcp, wanted.tcp_fin, wanted.udp) != (0, 0, 0) {
        kernel::apply(&mut client, &[Change::SetTimeouts(wanted)])?;
        return Ok(0);
    }
    let timeouts = client.timeouts()?;
    if args.json {
        ui.json(&json::Timeouts::new(&timeouts))?;
    } else {
        ui.print(render::timeouts(&timeouts))?;
    }
    Ok(0)
}
