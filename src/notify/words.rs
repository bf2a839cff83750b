//! The words that scripts and FIFOs know from keepalived.

use std::time::Duration;

use super::{LIMIT, STOP_LIMIT};
use crate::{
    host::Command,
    vrrp::{
        event::{Notice, NoticeKind, State, Subject},
        settings::Notify,
    },
};

/// What is told of a notice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told<'a> {
    /// Commands in order, each with the words behind its own.
    pub(super) commands: Vec<(&'a Command, Vec<String>)>,
    /// How long each may take.
    pub(super) limit: Duration,
    /// Whether nothing comes after it, because the process ends.
    pub(super) is_last: bool,
    /// The line for FIFOs, with its newline.
    pub(super) line: String,
}

/// Returns what is told of a notice; `None` if it is none of scripts' and FIFOs' business. `is_master` says whether its
/// subject is master at that time.
pub(super) fn told<'a>(notify: &'a Notify, notice: &Notice, is_master: bool) -> Option<Told<'a>> {
    let (word, special) = match &notice.kind {
        NoticeKind::Entered { state, .. } => match state {
            State::Master => ("MASTER", notify.master.as_ref()),
            State::Backup => ("BACKUP", notify.backup.as_ref()),
            State::Fault => ("FAULT", notify.fault.as_ref()),
            State::Stopped => ("STOP", notify.stop.as_ref()),
            State::Init => return None,
        },
        // keepalived has the word DELETED only for those who asked for it.
        NoticeKind::Deleted if notify.deleted.is_some() => ("DELETED", notify.deleted.as_ref()),
        NoticeKind::Deleted => ("FAULT", notify.fault.as_ref()),
        NoticeKind::LowerPriority { .. } => ("MASTER_RX_LOWER_PRI", notify.lower_priority.as_ref()),
        NoticeKind::Priority { .. } if !notify.priority_changes => return None,
        NoticeKind::Priority { .. } => (if is_master { "MASTER_PRIORITY" } else { "BACKUP_PRIORITY" }, None),
        NoticeKind::AddressesDiffer { .. } | NoticeKind::Rejected { .. } => return None,
    };
    let (kind, name) = match &notice.subject {
        Subject::Instance(name) => ("INSTANCE", name),
        Subject::Group(name) => ("GROUP", name),
    };
    let priority = notice.priority.to_string();
    let line = format!("{kind} \"{name}\" {word} {priority}\n");
    let is_transition = matches!(notice.kind, NoticeKind::Entered { .. } | NoticeKind::Deleted);
    let any = notify.any.as_ref().filter(|_| is_transition);
    let words = vec![kind.to_owned(), name.clone(), word.to_owned(), priority];
    let commands = special.map(|command| (command, Vec::new())).into_iter().chain(any.map(|command| (command, words)));
    let is_last = matches!(notice.kind, NoticeKind::Entered { state: State::Stopped, .. });
    let limit = if is_last { STOP_LIMIT } else { LIMIT };
    Some(Told { commands: commands.collect(), limit, is_last, line })
}

/// Returns the name of a subject as people are told of it.
pub(super) fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Instance(name) => format!("instance {name}"),
        Subject::Group(name) => format!("group {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Moment, vrrp::event::Cause};

    fn command(word: &str) -> Command {
        Command { words: vec![word.to_owned()], user: None }
    }

    /// Every command set, each named after its setting.
    fn all() -> Notify {
        Notify {
            master: Some(command("master")),
            backup: Some(command("backup")),
            fault: Some(command("fault")),
            stop: Some(command("stop")),
            deleted: Some(command("deleted")),
            any: Some(command("any")),
            lower_priority: Some(command("lower")),
            priority_changes: true,
        }
    }

    fn entered(state: State) -> NoticeKind {
        NoticeKind::Entered { state, cause: Cause::Started }
    }

    fn draw(notify: &Notify, kind: NoticeKind, is_master: bool) -> String {
        let subject = Subject::Instance("V1".to_owned());
        let notice = Notice { at: Moment::ZERO, subject, kind, priority: 107 };
        let Some(told) = told(notify, &notice, is_master) else {
            return "nothing".to_owned();
        };
        let mut text = String::new();
        for (command, extra) in &told.commands {
            text += &[command.words.as_slice(), extra].concat().join(" ");
            text += "; ";
        }
        text + told.line.trim_end()
    }

    /// Recorded from keepalived 2.2.7 with `notify`, the commands for the states and a FIFO.
    #[test]
    fn the_words_are_those_of_keepalived() {
        let heard = NoticeKind::LowerPriority { source: "10.77.0.2".parse().expect("an address"), priority: 50 };
        let cases = [
            (entered(State::Init), "nothing"),
            (entered(State::Backup), "backup; any INSTANCE V1 BACKUP 107; INSTANCE \"V1\" BACKUP 107"),
            (entered(State::Master), "master; any INSTANCE V1 MASTER 107; INSTANCE \"V1\" MASTER 107"),
            (entered(State::Fault), "fault; any INSTANCE V1 FAULT 107; INSTANCE \"V1\" FAULT 107"),
            (entered(State::Stopped), "stop; any INSTANCE V1 STOP 107; INSTANCE \"V1\" STOP 107"),
            (NoticeKind::Deleted, "deleted; any INSTANCE V1 DELETED 107; INSTANCE \"V1\" DELETED 107"),
            (heard, "lower; INSTANCE \"V1\" MASTER_RX_LOWER_PRI 107"),
            (NoticeKind::Priority { before: 100 }, "INSTANCE \"V1\" BACKUP_PRIORITY 107"),
        ];
        for (kind, expected) in cases {
            assert_eq!(draw(&all(), kind, false), expected);
        }
        let priority = NoticeKind::Priority { before: 100 };
        assert_eq!(draw(&all(), priority.clone(), true), "INSTANCE \"V1\" MASTER_PRIORITY 107");
        assert_eq!(draw(&Notify { priority_changes: false, ..all() }, priority, true), "nothing");
        let undeleted = Notify { deleted: None, ..all() };
        let expected = "fault; any INSTANCE V1 FAULT 107; INSTANCE \"V1\" FAULT 107";
        assert_eq!(draw(&undeleted, NoticeKind::Deleted, false), expected);
        assert_eq!(draw(&Notify::default(), entered(State::Master), false), "INSTANCE \"V1\" MASTER 107");
    }

    /// The notices of the sequence that `tests/golden/capture-notify` has keepalived go through.
    fn sequence() -> Vec<(&'static str, Vec<Notice>)> {
        let notice = |subject, kind, priority| Notice { at: Moment::ZERO, subject, kind, priority };
        let instance = |kind, priority| notice(Subject::Instance("V1".to_owned()), kind, priority);
        let group = |state| notice(Subject::Group("G".to_owned()), entered(state), 0);
        let changes = |before, priority| instance(NoticeKind::Priority { before }, priority);
        let both = |state, priority| vec![instance(entered(state), priority), group(state)];
        vec![
            ("start", vec![changes(100, 107), group(State::Backup), instance(entered(State::Backup), 107)]),
            ("nothing is heard", both(State::Master, 107)),
            ("file 7 to 0", vec![changes(107, 100)]),
            ("link down", both(State::Fault, 100)),
            ("file 0 to 3", vec![changes(100, 103)]),
            ("link up", both(State::Backup, 103)),
            ("stop", both(State::Stopped, 103)),
        ]
    }

    #[test]
    fn a_sequence_is_told_as_keepalived_tells_it() {
        let with = |words: &str| Some(Command { words: words.split(' ').map(str::to_owned).collect(), user: None });
        let instance = Notify {
            any: with("any-V1"),
            master: with("master-V1 with words"),
            backup: with("backup-V1"),
            fault: with("fault-V1"),
            stop: with("stop-V1"),
            priority_changes: true,
            ..Notify::default()
        };
        let group = Notify { any: with("any-G"), master: with("master-G"), ..Notify::default() };
        let mut transcript = String::new();
        let mut is_master = false;
        for (event, notices) in sequence() {
            transcript += &format!("event {event}\n");
            let (mut lines, mut calls) = (String::new(), Vec::new());
            for notice in &notices {
                if let NoticeKind::Entered { state, .. } = notice.kind {
                    is_master = state == State::Master;
                }
                let notify = if matches!(notice.subject, Subject::Group(_)) { &group } else { &instance };
                let told = told(notify, notice, is_master).expect("told");
                lines += &format!("fifo {}", told.line);
                calls.extend(
                    told.commands.iter().map(|(command, extra)| [&command.words[..], extra].concat().join(" ")),
                );
            }
            calls.sort();
            transcript += &lines;
            transcript.extend(calls.iter().map(|call| format!("call {call}\n")));
        }
        assert_eq!(transcript, include_str!("../../tests/golden/notify.txt"));
    }

    #[test]
    fn groups_have_no_priority_and_stopping_is_short() {
        let subject = Subject::Group("G".to_owned());
        let notice = Notice { at: Moment::ZERO, subject, kind: entered(State::Stopped), priority: 0 };
        let notify = all();
        let told = told(&notify, &notice, false).expect("told");
        assert_eq!((told.line.as_str(), told.limit), ("GROUP \"G\" STOP 0\n", STOP_LIMIT));
        assert_eq!(told.commands[1].1, ["GROUP", "G", "STOP", "0"]);
    }
}
