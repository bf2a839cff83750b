//! Tells people's programs what happened: commands and FIFOs, as keepalived does, but each subject's commands one after the
//! other, so that a slow script cannot overtake itself.
//!
//! [`Notifier`] puts notices of virtual routers into words. [`CommandQueue`] and [`FifoWriter`] know nothing of what they are
//! given, and serve health checks as well.

mod fifo;
mod fifos;
mod mail;
mod queue;
mod words;

use std::{collections::HashMap, time::Duration};

pub use fifo::{FifoFault, FifoWriter};
pub use fifos::Fifos;
pub use mail::{MailStatus, Mailer, Note, send_now};
pub use queue::CommandQueue;

use crate::{
    host::script::Runner,
    vrrp::{
        event::{Notice, NoticeKind, State, Subject},
        settings::{Notify, Settings},
    },
};

/// How long a command may take.
pub const LIMIT: Duration = Duration::from_secs(30);

/// How long a command may take that is run because the process ends, as in keepalived.
pub const STOP_LIMIT: Duration = Duration::from_secs(1);

/// Carries notices of virtual routers to commands and FIFOs.
///
/// Needs tokio's current-thread runtime, whose thread lasts as long as the process. Nothing here blocks.
#[derive(Debug)]
pub struct Notifier {
    notifies: HashMap<Subject, Notify>,
    /// Those that the last settings had and these have not: they may still be told that they were deleted.
    former: HashMap<Subject, Notify>,
    /// The last state of each, because a change of priority is worded after it.
    states: HashMap<Subject, State>,
    queue: CommandQueue,
    fifos: Fifos,
}

impl Notifier {
    /// Opens the FIFOs of the settings and starts their readers.
    ///
    /// # Errors
    /// All FIFOs that could not be opened, with the reason; nothing stays open then.
    pub fn new(settings: &Settings, runner: Runner) -> Result<Self, Vec<FifoFault>> {
        let mut notifier = Self {
            queue: CommandQueue::new(runner.clone()),
            fifos: Fifos::new(runner),
            notifies: HashMap::new(),
            former: HashMap::new(),
            states: HashMap::new(),
        };
        notifier.reconfigure(settings)?;
        Ok(notifier)
    }

    /// Takes other settings. FIFOs that are wanted as before stay open, with their readers; commands that wait or run are not
    /// disturbed.
    ///
    /// Instances that the settings no longer have can be told afterwards that they were deleted.
    ///
    /// # Errors
    /// See [`Fifos::configure`]; everything else is done.
    pub fn reconfigure(&mut self, settings: &Settings) -> Result<(), Vec<FifoFault>> {
        let instances =
            settings.instances.iter().map(|each| (Subject::Instance(each.name.clone()), each.notify.clone()));
        let groups = settings.groups.iter().map(|each| (Subject::Group(each.name.clone()), each.notify.clone()));
        self.former = std::mem::replace(&mut self.notifies, instances.chain(groups).collect());
        self.former.retain(|subject, _| !self.notifies.contains_key(subject));
        let (notifies, former) = (&self.notifies, &self.former);
        self.states.retain(|subject, _| notifies.contains_key(subject) || former.contains_key(subject));
        self.fifos.configure(&settings.fifos)
    }

    /// Tells of what happened. Order, words and lines are keepalived's: the command for the state, the command for all of them,
    /// the FIFOs. The second command waits for the first, and both for those of earlier notices about the same subject.
    pub fn notify(&mut self, notice: &Notice) {
        let subject = &notice.subject;
        if let NoticeKind::Entered { state, .. } = notice.kind {
            self.states.insert(subject.clone(), state);
        }
        let Some(notify) = self.notifies.get(subject).or_else(|| self.former.get(subject)) else {
            return;
        };
        let is_master = self.states.get(subject) == Some(&State::Master);
        let Some(told) = words::told(notify, notice, is_master) else {
            return;
        };
        for (command, extra) in told.commands {
            let subject = words::subject(subject);
            if told.is_last {
                self.queue.push_last(subject, command.clone(), extra, told.limit);
            } else {
                self.queue.push(subject, command.clone(), extra, told.limit);
            }
        }
        self.fifos.write(&told.line);
        if notice.kind == NoticeKind::Deleted {
            self.states.remove(subject);
        }
    }

    /// Returns how many commands were left out and how many lines were lost since the start, because programs were slow.
    pub fn losses(&self) -> (u64, u64) {
        (self.queue.left_out(), self.fifos.lost())
    }

    /// Ends: waits for commands that wait or run, and for readers to read what was written, but not longer than `limit`; what
    /// is left then is killed. Removes the FIFOs that it made. Three seconds are enough for what comes after
    /// [`State::Stopped`] even if a slow command still runs then.
    pub async fn finish(self, limit: Duration) {
        tokio::join!(self.queue.finish(limit), self.fifos.finish(limit));
    }
}
