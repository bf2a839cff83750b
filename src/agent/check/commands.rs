//! Commands of checks, servers and services: whether they can run, and that they do.

use std::{collections::HashSet, fmt, time::Duration};

use tokio::sync::mpsc;

use super::Run;
use crate::{
    check::settings::Question,
    host::{
        Command, User,
        script::{self, ScriptFault},
    },
    notify::CommandQueue,
    pool::settings::Settings,
};

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How long commands have at the end.
const FAREWELL: Duration = Duration::from_secs(5);

/// A command that cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandFault {
    /// What it is for: `quorum up of TCP 10.0.0.1:80`.
    pub purpose: String,
    /// Why it cannot.
    pub fault: ScriptFault,
}

/// With what to do about it, since there may be several.
impl fmt::Display for CommandFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.purpose, self.fault, self.fault.hint())
    }
}

/// Returns what is wrong with the commands in these settings; each is looked at once. `default` runs those that name no
/// user.
pub(super) fn faults(settings: &Settings, default: &User) -> Vec<CommandFault> {
    let services = settings.policies.iter().flat_map(|policy| {
        [("up", &policy.quorum_up), ("down", &policy.quorum_down)]
            .map(|(way, command)| (format!("quorum {way} of {}", policy.service), command.as_ref()))
    });
    let servers = settings.servers.iter().flat_map(|policy| {
        [("up", &policy.up), ("down", &policy.down)].map(|(way, command)| {
            (format!("{way} command of server {} of {}", policy.server, policy.service), command.as_ref())
        })
    });
    let checks = settings.checks.iter().map(|check| match &check.probe.question {
        Question::Script { command, .. } => {
            (format!("check of server {} of {}", check.server, check.service), Some(command))
        }
        _ => (String::new(), None),
    });
    let mut seen: HashSet<&Command> = HashSet::new();
    let mut faults = Vec::new();
    for (purpose, command) in services.chain(servers).chain(checks) {
        let Some(command) = command.filter(|command| seen.insert(*command)) else { continue };
        if let Err(fault) = script::check(command, default) {
            faults.push(CommandFault { purpose, fault });
        }
    }
    faults
}

/// Runs what comes, those of one subject one after the other, until nothing more can come; then waits a while for what
/// still runs.
pub(super) async fn carry_out(mut runs: mpsc::UnboundedReceiver<Run>, queue: CommandQueue) {
    while let Some(Run { subject, command }) = runs.recv().await {
        queue.push(subject.to_string(), command, Vec::new(), LIMIT);
    }
    queue.finish(FAREWELL).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Family, ServiceKey},
        pool::settings::Policy,
    };

    #[test]
    fn each_command_that_cannot_run_is_named_once_with_what_it_is_for() {
        let command = |word: &str| Some(Command { words: vec![word.to_owned()], user: None });
        let service = ServiceKey::Mark { mark: 1, family: Family::V4 };
        let policy = |quorum_up, quorum_down| Policy { quorum_up, quorum_down, ..Policy::of(service) };
        let missing = command("/nonexistent/script");
        let policies = vec![policy(command("/bin/true"), missing.clone()), policy(missing, command("up"))];
        let settings = Settings { policies, ..Settings::default() };
        let said: Vec<_> = faults(&settings, &User::ourselves()).iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("quorum down of FWM 1: /nonexistent/script cannot be found"), "{said:?}");
        assert!(said[1].starts_with("quorum down of FWM 1: "), "{said:?}");
    }
}
