//! `lvsadm agent start`: the agent in the background. Waits until it is ready, or says why it is not.

use std::{
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command, Stdio},
    time::Duration,
};

use clap::Args;

use super::{ask::refused, run::RunOptions};
use crate::{
    agent::control::Complaint,
    cli::{Error, Ui},
};

/// How long the start of an agent is waited for.
const LIMIT: Duration = Duration::from_secs(60);

/// Start the agent in the background, and wait until it is ready
///
/// If it cannot start, the reason is said and the exit status is 1. What happens goes to the system's logger, unless a file or
/// something else is named.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm agent start
  lvsadm agent start --autosave --log-file /var/log/lvsadm.log")]
pub(super) struct StartArgs {
    /// Checked here, and handed on as they were typed.
    #[command(flatten)]
    options: RunOptions,
}

impl StartArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let failed = |error: io::Error| Error::failed(format_args!("cannot start the agent: {error}"));
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        ours.set_read_timeout(Some(LIMIT)).map_err(failed)?;
        // Behind the program's name and `agent start`.
        let mut words: Vec<OsString> = env::args_os().skip(3).collect();
        let names_log = words.iter().any(|word| word.as_encoded_bytes().starts_with(b"--log-to"));
        if self.options.has_no_log_file() && !names_log {
            words.push("--log-to=syslog".into());
        }
        let mut command = Command::new(env::current_exe().map_err(failed)?);
        command.args(["agent", "run", "--background"]).args(words);
        command.stdin(Stdio::null()).stdout(OwnedFd::from(theirs)).stderr(Stdio::null());
        // Not waited for: it goes on when this process has ended.
        let child = command.spawn().map_err(failed)?;
        drop(command);
        let mut line = String::new();
        match BufReader::new(ours).read_line(&mut line) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                ui.warn(format_args!("the agent, process {}, is not ready yet", child.id()));
                ui.hint("`lvsadm agent status` shows what it waits for");
                return Ok(0);
            }
            Err(error) => return Err(failed(error)),
            Ok(_) => {}
        }
        match serde_json::from_slice::<Vec<Complaint>>(line.as_bytes()) {
            Ok(complaints) if complaints.is_empty() => Ok(0),
            Ok(complaints) => Err(refused(complaints)),
            Err(_) => {
                Err(Error::failed("the agent ended without a word").hint("`lvsadm agent run` shows what it says"))
            }
        }
    }
}
