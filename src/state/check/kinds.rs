//! The options of the kinds of checks that have few → their questions.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Faults, Kind,
    fault::Wrong,
    values::{hex, masked_hex, number, one_line},
};
use crate::{
    check::{
        dns,
        settings::{Question, Udp},
    },
    host::Command,
};

/// The name that mail servers are greeted with if nothing is said: keepalived's, which they may know.
pub(super) const HELO: &str = "smtpchecker.keepalived.org";

/// Options of TCP checks: none.
#[derive(Clone, Debug, Default, Args)]
pub struct TcpArgs {}

impl Kind for TcpArgs {
    const WORD: &'static str = "tcp";

    fn question(&self, _: &mut Faults) -> Option<Question> {
        Some(Question::Tcp)
    }
}

/// Options of mail server checks.
#[derive(Clone, Debug, Default, Args)]
pub struct SmtpArgs {
    /// Name to greet with [default: smtpchecker.keepalived.org]
    #[arg(long, value_name = "NAME")]
    helo: Option<String>,
}

impl Kind for SmtpArgs {
    const WORD: &'static str = "smtp";
    const PORT: Option<u16> = Some(25);

    fn question(&self, faults: &mut Faults) -> Option<Question> {
        let name = |text: &str| match one_line(text)? {
            name if name.contains(char::is_whitespace) => Err(Wrong::new("a name has no blanks")),
            name => Ok(name),
        };
        let helo = faults.read("--helo", self.helo.as_ref(), name).unwrap_or_else(|| HELO.to_owned());
        Some(Question::Smtp { helo })
    }
}

/// Options of name server checks.
#[derive(Clone, Debug, Default, Args)]
pub struct DnsArgs {
    /// Name to ask for [default: . (the root)]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Type to ask for: A, NS, SOA, MX …, TYPE65, or a number [default: SOA]
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
}

/// The type asked for if nothing is said: every zone has one.
pub(super) const SOA: u16 = 6;

impl Kind for DnsArgs {
    const WORD: &'static str = "dns";
    const PORT: Option<u16> = Some(53);
    const RETRY: u32 = 3;
    const RETRY_DELAY: Option<u64> = None;

    fn question(&self, faults: &mut Faults) -> Option<Question> {
        let name = faults.read("--name", self.name.as_ref(), |text| match dns::encode(text) {
            Ok(_) => Ok(text.to_owned()),
            Err(fault) => Err(Wrong::new(fault).hint("a name like example.org; a dot alone is the root")),
        });
        let kind = faults.read("--type", self.kind.as_ref(), |text| {
            let number = || number(text, 1..=u16::MAX).ok();
            dns::kind(text).or_else(number).ok_or_else(|| {
                Wrong::new("this is no type of record")
                    .hint("A, AAAA, NS, SOA, MX, TXT …, TYPE65, or a number from 1 to 65535")
            })
        });
        Some(Question::Dns { name: name.unwrap_or_else(|| ".".to_owned()), kind: kind.unwrap_or(SOA) })
    }
}

/// Options of UDP checks.
#[derive(Clone, Debug, Default, Args)]
pub struct UdpArgs {
    /// What is sent, in hexadecimal digits [default: a short text]
    #[arg(long, value_name = "HEX")]
    payload: Option<String>,
    /// Silence is a failure; without it only a refusal is
    #[arg(long)]
    reply: bool,
    /// What the reply begins with, in hexadecimal digits, x for those that do not matter; implies --reply
    #[arg(long, value_name = "HEX")]
    expect: Option<String>,
    /// Least length of the reply [default: 0]
    #[arg(long, value_name = "BYTES")]
    least: Option<String>,
    /// Greatest length of the reply [default: 255]
    #[arg(long, value_name = "BYTES")]
    most: Option<String>,
}

impl Kind for UdpArgs {
    const WORD: &'static str = "udp";

    fn question(&self, faults: &mut Faults) -> Option<Question> {
        let length = |text: &str| number(text, 0..=u16::MAX);
        let least = faults.read("--least", self.least.as_ref(), length).unwrap_or(0);
        let most = faults.read("--most", self.most.as_ref(), length).unwrap_or_else(|| least.max(255));
        if least > most {
            faults.add(
                "--least",
                self.least.as_deref().unwrap_or_default(),
                Wrong::new(format_args!("--most {most} is less")),
            );
        }
        let expected = faults.read("--expect", self.expect.as_ref(), masked_hex).unwrap_or_default();
        if expected.len() > usize::from(most) {
            faults.add(
                "--expect",
                "",
                Wrong::new(format_args!("{} bytes are more than --most {most}", expected.len())),
            );
        }
        Some(Question::Udp(Udp {
            payload: faults.read("--payload", self.payload.as_ref(), |text| hex(text).map_err(Wrong::new)),
            reply_required: self.reply || !expected.is_empty(),
            expected,
            least,
            most,
        }))
    }
}

/// Options of echo checks: none.
#[derive(Clone, Debug, Default, Args)]
pub struct PingArgs {}

impl Kind for PingArgs {
    const WORD: &'static str = "ping";
    const PORT: Option<u16> = Some(0);

    fn question(&self, _: &mut Faults) -> Option<Question> {
        Some(Question::Ping)
    }
}

/// Options of script checks.
#[derive(Clone, Debug, Default, Args)]
pub struct ScriptArgs {
    /// Exit status 2 to 255 is success, with weight status - 2
    #[arg(long)]
    dynamic: bool,
    /// Who runs it
    #[arg(long, value_name = "USER[:GROUP]")]
    user: Option<String>,
    /// Program (absolute path) and its arguments; no shell reads them
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    words: Vec<String>,
}

impl Kind for ScriptArgs {
    const WORD: &'static str = "script";
    const RETRY: u32 = 0;

    fn question(&self, faults: &mut Faults) -> Option<Question> {
        let program = self.words.first()?;
        if !Path::new(program).is_absolute() {
            let hint = "an absolute path; what needs a shell is called as /bin/sh -c '…'";
            faults.add("PROGRAM", program, Wrong::new("this is no absolute path").hint(hint));
        }
        let user = faults.read("--user", self.user.as_ref(), |text| {
            let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
            if user.is_empty() || group == Some("") {
                return Err(Wrong::new("a user, or a user and a group: nobody, nobody:nogroup"));
            }
            Ok((user.to_owned(), group.map(str::to_owned)))
        });
        Some(Question::Script { command: Command { words: self.words.clone(), user }, dynamic: self.dynamic })
    }
}

/// Options of file checks.
#[derive(Clone, Debug, Default, Args)]
pub struct FileArgs {
    /// The file's number times this is added to the server's weight; 0: any number but 0 is a failure [default: 0]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    weight: Option<String>,
    /// File with a number in it
    #[arg(value_name = "FILE")]
    path: PathBuf,
}

impl Kind for FileArgs {
    const WORD: &'static str = "file";
    const RETRY: u32 = 0;

    fn question(&self, faults: &mut Faults) -> Option<Question> {
        let most = i64::from(i32::MAX);
        if !self.path.is_absolute() {
            faults.add("FILE", &self.path.to_string_lossy(), Wrong::new("this is no absolute path"));
        }
        let weight = faults.read("--weight", self.weight.as_ref(), |text| number(text, -most..=most)).unwrap_or(0);
        Some(Question::File { path: self.path.clone(), weight })
    }
}

/// Options of agent checks.
#[derive(Clone, Debug, Default, Args)]
pub struct AgentArgs {
    /// What is sent first; \n, \r, \t and \\ are known
    #[arg(long, value_name = "TEXT")]
    send: Option<String>,
}

impl Kind for AgentArgs {
    const WORD: &'static str = "agent";
    const RETRY: u32 = 0;

    fn question(&self, faults: &mut Faults) -> Option<Question> {
        let send = faults.read("--send", self.send.as_ref(), unescape).unwrap_or_default();
        Some(Question::Agent { send })
    }
}

/// Options of BFD checks.
#[derive(Clone, Debug, Default, Args)]
pub struct BfdArgs {
    /// Session, as `lvsadm bfd` names it
    #[arg(value_name = "NAME")]
    name: String,
}

impl Kind for BfdArgs {
    const WORD: &'static str = "bfd";
    const RETRY: u32 = 0;

    fn question(&self, faults: &mut Faults) -> Option<Question> {
        faults.read("NAME", Some(&self.name), one_line).map(|name| Question::Bfd { name })
    }
}

fn unescape(text: &str) -> Result<String, Wrong> {
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('\\') => '\\',
                other => {
                    let other = other.map(String::from).unwrap_or_default();
                    return Err(
                        Wrong::new(format_args!("\\{other} has no meaning")).hint("known are \\n, \\r, \\t and \\\\")
                    );
                }
            },
            plain => plain,
        });
    }
    Ok(plain)
}
