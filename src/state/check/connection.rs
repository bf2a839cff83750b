//! How a server is reached: the options that all kinds of checks share.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use clap::Args;

use super::{
    Faults,
    fault::Wrong,
    values::{number, time},
};
use crate::check::settings::{Connection, Probe, Question};

/// The time for a whole probe if nothing is said; keepalived gives each step of one so much.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// Times of probes are from one to the other.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(86_400);

/// Longest name of a link: `IFNAMSIZ` less the NUL.
const LINK_NAME: usize = 15;

/// How a server is reached, and for how long an answer is waited for.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Probe this address or port instead of the server's
    #[arg(long, value_name = "ADDR[:PORT]", global = true)]
    connect: Option<String>,
    /// Source address
    #[arg(long, value_name = "ADDR", global = true)]
    source: Option<String>,
    /// Source port
    #[arg(long, value_name = "PORT", global = true)]
    source_port: Option<String>,
    /// Link to go out by
    #[arg(long, value_name = "LINK", global = true)]
    interface: Option<String>,
    /// Firewall mark of the packets
    #[arg(long, value_name = "MARK", global = true)]
    mark: Option<String>,
    /// Time for the connection alone
    #[arg(long, value_name = "TIME", global = true)]
    connect_timeout: Option<String>,
    /// Time for the whole probe [default: 5s]
    #[arg(long, value_name = "TIME", global = true)]
    timeout: Option<String>,
}

/// Whom a probe goes to: the server, unless `--connect` says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Address.
    pub address: Option<IpAddr>,
    /// Port.
    pub port: Option<u16>,
}

impl Target {
    fn read(text: &str) -> Result<Self, Wrong> {
        if let Ok(target) = text.parse::<SocketAddr>() {
            return Ok(Self { address: Some(target.ip()), port: Some(target.port()).filter(|port| *port > 0) });
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Some(port) = text.strip_prefix(':') {
            return Ok(Self { address: None, port: Some(number(port, 1..=u16::MAX)?) });
        }
        let hint = "10.0.0.5, 10.0.0.5:8080, [2001:db8::5]:8080, or :8080 for another port of the server";
        let address = bare.parse().map_err(|_| Wrong::new("this is no address").hint(hint))?;
        Ok(Self { address: Some(address), port: None })
    }
}

impl ConnectionArgs {
    /// Reads where `--connect` leads to.
    pub fn target(&self, faults: &mut Faults) -> Target {
        faults.read("--connect", self.connect.as_ref(), Target::read).unwrap_or_default()
    }

    /// Reads the rest, and makes a probe of `target` of it.
    pub fn probe(&self, target: SocketAddr, question: Question, faults: &mut Faults) -> Probe {
        let period = |text: &str| time(text, SHORTEST..=LONGEST);
        let source = faults.read("--source", self.source.as_ref(), |text| {
            let source: IpAddr = text.parse().map_err(|_| Wrong::new("this is no address"))?;
            if source.is_ipv4() == target.is_ipv4() {
                return Ok(source);
            }
            Err(Wrong::new(format_args!("a probe of {target} cannot come from an address of the other family")))
        });
        let connection = Connection {
            source,
            source_port: faults
                .read("--source-port", self.source_port.as_ref(), |text| number(text, 0..=u16::MAX))
                .unwrap_or(0),
            interface: faults.read("--interface", self.interface.as_ref(), link),
            mark: faults.read("--mark", self.mark.as_ref(), mark).unwrap_or(0),
            timeout: faults.read("--connect-timeout", self.connect_timeout.as_ref(), period),
        };
        let deadline = faults.read("--timeout", self.timeout.as_ref(), period).unwrap_or(DEADLINE);
        if connection.timeout.is_some_and(|timeout| timeout > deadline) {
            let word = self.connect_timeout.as_deref().unwrap_or_default();
            let wrong = Wrong::new("this is more than the time for the whole probe");
            faults.add("--connect-timeout", word, wrong.hint("--timeout says how long that is, 5s if it is missing"));
        }
        Probe { target, connection, question, deadline }
    }
}

fn link(text: &str) -> Result<String, Wrong> {
    let fits = !text.is_empty() && text.len() <= LINK_NAME && !text.contains(|c: char| c == '/' || c.is_whitespace());
    fits.then(|| text.to_owned()).ok_or_else(|| Wrong::new("a link's name has 1 to 15 bytes, and no slash or blank"))
}

pub(super) fn mark(text: &str) -> Result<u32, Wrong> {
    let hex = text.strip_prefix("0x").filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()) {
        Some(mark) => Ok(mark),
        None => number(text, 0..=u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let target = |text| Target::read(text).ok().map(|target| (target.address.map(|a| a.to_string()), target.port));
        assert_eq!(target("10.0.0.5"), Some((Some("10.0.0.5".into()), None)));
        assert_eq!(target("10.0.0.5:80"), Some((Some("10.0.0.5".into()), Some(80))));
        assert_eq!(target("[2001:db8::5]:80"), Some((Some("2001:db8::5".into()), Some(80))));
        assert_eq!(target("2001:db8::5"), Some((Some("2001:db8::5".into()), None)));
        assert_eq!(target("[2001:db8::5]"), Some((Some("2001:db8::5".into()), None)));
        assert_eq!(target(":80"), Some((None, Some(80))));
        for text in ["", ":", ":0", ":65536", "www", "10.0.0.5:x"] {
            assert_eq!(target(text), None, "{text}");
        }
    }
}
