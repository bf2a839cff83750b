//! All commands that settings name, so that they can be checked before anything is started. Checking reads the machine, and
//! belongs to [`crate::host::script::check`].

use super::settings::{Notify, Settings};
use crate::host::Command;

/// Returns the commands of settings, each with what it is for: `script chk`, `instance VI_1: master`, `FIFO /run/f: reader`.
pub fn commands(settings: &Settings) -> Vec<(String, &Command)> {
    let mut found: Vec<_> =
        settings.scripts.iter().map(|each| (format!("script {}", each.name), &each.command)).collect();
    for instance in &settings.instances {
        notify(&format!("instance {}", instance.name), &instance.notify, &mut found);
    }
    for group in &settings.groups {
        notify(&format!("group {}", group.name), &group.notify, &mut found);
    }
    for fifo in &settings.fifos {
        if let Some(reader) = &fifo.reader {
            found.push((format!("FIFO {}: reader", fifo.path.display()), reader));
        }
    }
    found
}

fn notify<'a>(whose: &str, notify: &'a Notify, found: &mut Vec<(String, &'a Command)>) {
    let Notify { master, backup, fault, stop, deleted, any, lower_priority, priority_changes: _ } = notify;
    let named = [
        ("master", master),
        ("backup", backup),
        ("fault", fault),
        ("stop", stop),
        ("deleted", deleted),
        ("any state", any),
        ("lower priority", lower_priority),
    ];
    for (when, command) in named {
        if let Some(command) = command {
            found.push((format!("{whose}: {when}"), command));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::vrrp::settings::{Fifo, Script, SyncGroup};

    fn command(word: &str) -> Command {
        Command { words: vec![word.to_owned()], user: None }
    }

    #[test]
    fn every_command_is_found_and_named() {
        let script = Script {
            name: "chk".to_owned(),
            command: command("1"),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            weight: (0, false),
            rise: 1,
            fall: 1,
            init_fail: false,
        };
        let group = SyncGroup {
            name: "G".to_owned(),
            members: Vec::new(),
            tracks: Vec::new(),
            weights: false,
            notify: Notify { fault: Some(command("2")), any: Some(command("3")), ..Notify::default() },
        };
        let settings = Settings {
            scripts: vec![script],
            groups: vec![group],
            fifos: vec![
                Fifo { path: "/run/f".into(), owner: None, reader: Some(command("4")) },
                Fifo { path: "/run/g".into(), owner: None, reader: None },
            ],
            ..Settings::default()
        };
        let found: Vec<_> =
            commands(&settings).into_iter().map(|(what, command)| what + " " + &command.words[0]).collect();
        assert_eq!(found, ["script chk 1", "group G: fault 2", "group G: any state 3", "FIFO /run/f: reader 4"]);
    }
}
