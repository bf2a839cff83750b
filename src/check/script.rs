//! What a script says: exit status 0 is good, any other is not; with weights from the status, 2 to 255 are good, too.

use std::time::Duration;

use super::{
    answer::{Failure, FailureKind, Phase, Success, Verdict, WeightChange, spoken},
    probe::{Context, Phases},
    settings::Probe,
};
use crate::host::{
    Command,
    script::{End, Exit},
};

/// How long after its time a script may take to end: its SIGTERM comes at that time, its SIGKILL 2 s later.
pub(super) const TO_END: Duration = Duration::from_secs(3);

/// Runs the script. Its time begins with its turn: only so many run at once.
pub(super) async fn ask(
    command: &Command,
    dynamic: bool,
    probe: &Probe,
    context: &Context,
    clock: &mut Phases,
) -> Verdict {
    let exit = context.scripts.run(command, &[], probe.deadline).await;
    clock.heard(&exit.output);
    clock.reached(Phase::Complete);
    verdict(command, dynamic, probe.deadline, &exit)
}

/// Says what it means that a script has not been ended at the end of [`TO_END`]: it began late, or not at all.
pub(super) fn no_turn(command: &Command, waited: Duration) -> Verdict {
    let waited = spoken(waited);
    Verdict::Unknown(format!("{} had no turn within {waited}: too many other scripts run", name(command)))
}

/// Says what the exit of a script with this time limit means.
fn verdict(command: &Command, dynamic: bool, limit: Duration, exit: &Exit) -> Verdict {
    let name = name(command);
    let (kind, reason) = match &exit.end {
        End::Status(0) => return good(None, exit),
        End::Status(status @ 2..=255) if dynamic => {
            return good(Some(WeightChange::Exactly(i64::from(*status) - 2)), exit);
        }
        End::Status(status) => (FailureKind::Reported, format!("{name} exited with status {status}")),
        End::Signal(number) => (FailureKind::Reported, format!("{name} was ended by signal {number}")),
        End::Timeout => (FailureKind::Timeout, format!("{name} was still running after {}", spoken(limit))),
        End::NotStarted(reason) => return Verdict::Unknown(format!("{name} was not started: {reason}")),
    };
    let line = exit.first_line();
    let reason = if line.is_empty() { reason } else { format!("{reason}: {line}") };
    Verdict::Bad(Failure::new(kind, &reason, &exit.output))
}

fn good(weight: Option<WeightChange>, exit: &Exit) -> Verdict {
    Verdict::Good(Success { weight, summary: exit.to_string(), ..Success::default() })
}

fn name(command: &Command) -> &str {
    command.words.first().map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(end: End, dynamic: bool) -> Verdict {
        let command = Command { words: vec!["/bin/probe".to_owned(), "-x".to_owned()], user: None };
        let exit = Exit { end, output: b"\nbusy\n".to_vec(), took: Duration::from_millis(1990) };
        verdict(&command, dynamic, Duration::from_secs(2), &exit)
    }

    fn weight(verdict: Verdict) -> Option<WeightChange> {
        match verdict {
            Verdict::Good(success) => success.weight,
            other => panic!("{other:?}"),
        }
    }

    fn reason(verdict: Verdict) -> (FailureKind, String) {
        match verdict {
            Verdict::Bad(failure) => {
                assert_eq!(failure.evidence, b"\nbusy\n");
                (failure.kind, failure.reason)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn statuses_are_weights_where_that_is_asked_for() {
        assert_eq!(weight(said(End::Status(0), false)), None);
        assert_eq!(weight(said(End::Status(0), true)), None);
        assert_eq!(weight(said(End::Status(2), true)), Some(WeightChange::Exactly(0)));
        assert_eq!(weight(said(End::Status(255), true)), Some(WeightChange::Exactly(253)));
        let status = |status| (FailureKind::Reported, format!("/bin/probe exited with status {status}: busy"));
        assert_eq!(reason(said(End::Status(1), true)), status(1));
        assert_eq!(reason(said(End::Status(2), false)), status(2));
    }

    #[test]
    fn other_ends_are_failures_or_say_nothing() {
        let killed = reason(said(End::Signal(9), true));
        assert_eq!(killed, (FailureKind::Reported, "/bin/probe was ended by signal 9: busy".to_owned()));
        let late = reason(said(End::Timeout, true));
        assert_eq!(late, (FailureKind::Timeout, "/bin/probe was still running after 2 s: busy".to_owned()));
        let absent = said(End::NotStarted("it is not there".to_owned()), true);
        assert_eq!(absent, Verdict::Unknown("/bin/probe was not started: it is not there".to_owned()));
    }
}
