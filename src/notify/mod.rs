//! Tells people's programs what happened: commands and FIFOs, as keepalived does, but each subject's commands one after the
//! other, so that a slow script cannot overtake itself.
//!
//! [`Notifier`] puts notices of virtual routers into words. [`CommandQueue`] and [`FifoWriter`] know nothing of what they are
//! given, and serve health checks as well.

mod fifo;
mod mail;
mod queue;
mod words;

use std::{collections::HashMap, path::PathBuf, time::Duration};

pub use fifo::{FifoFault, FifoWriter};
pub use mail::{MailStatus, Mailer, Note, send_now};
pub use queue::CommandQueue;

use crate::{
    host::script::Runner,
    vrrp::{
        event::{Notice, NoticeKind, State, Subject},
        settings::{Fifo, Notify, Settings},
    },
};

/// How long a command may take.
pub const LIMIT: Duration = Duration::from_secs(30);

/// How long a command may take that is run because the process ends, as in keepalived.
pub const STOP_LIMIT: Duration = Duration::from_secs(1);

/// How long a FIFO that is no longer wanted is given to its reader.
const FAREWELL: Duration = Duration::from_secs(2);

/// Carries notices of virtual routers to commands and FIFOs.
///
/// Needs tokio's current-thread runtime, whose thread lasts as long as the process. Nothing here blocks.
#[derive(Debug)]
pub struct Notifier {
    runner: Runner,
    notifies: HashMap<Subject, Notify>,
    /// Those that the last settings had and these have not: they may still be told that they were deleted.
    former: HashMap<Subject, Notify>,
    /// The last state of each, because a change of priority is worded after it.
    states: HashMap<Subject, State>,
    queue: CommandQueue,
    fifos: Vec<(Fifo, FifoWriter)>,
}

impl Notifier {
    /// Opens the FIFOs of the settings and starts their readers.
    ///
    /// # Errors
    /// All FIFOs that could not be opened, with the reason; nothing stays open then.
    pub fn new(settings: &Settings, runner: Runner) -> Result<Self, Vec<FifoFault>> {
        let mut notifier = Self {
            queue: CommandQueue::new(runner.clone()),
            runner,
            notifies: HashMap::new(),
            former: HashMap::new(),
            states: HashMap::new(),
            fifos: Vec::new(),
        };
        match notifier.reconfigure(settings) {
            faults if faults.is_empty() => Ok(notifier),
            faults => Err(faults),
        }
    }

    /// Takes other settings. FIFOs that are wanted as before stay open, with their readers; commands that wait or run are not
    /// disturbed. Returns the FIFOs that could not be opened; everything else is done.
    ///
    /// Instances that the settings no longer have can be told afterwards that they were deleted.
    pub fn reconfigure(&mut self, settings: &Settings) -> Vec<FifoFault> {
        let instances =
            settings.instances.iter().map(|each| (Subject::Instance(each.name.clone()), each.notify.clone()));
        let groups = settings.groups.iter().map(|each| (Subject::Group(each.name.clone()), each.notify.clone()));
        self.former = std::mem::replace(&mut self.notifies, instances.chain(groups).collect());
        self.former.retain(|subject, _| !self.notifies.contains_key(subject));
        let (notifies, former) = (&self.notifies, &self.former);
        self.states.retain(|subject, _| notifies.contains_key(subject) || former.contains_key(subject));
        self.reconfigure_fifos(&settings.fifos)
    }

    fn reconfigure_fifos(&mut self, wanted: &[Fifo]) -> Vec<FifoFault> {
        let mut held: HashMap<PathBuf, (Fifo, FifoWriter)> =
            self.fifos.drain(..).map(|(settings, writer)| (settings.path.clone(), (settings, writer))).collect();
        let mut faults = Vec::new();
        for fifo in wanted {
            let opened = match held.remove(&fifo.path) {
                Some((settings, writer)) if settings == *fifo => Ok(writer),
                Some((_, mut writer)) => match writer.change(fifo.owner.as_ref(), fifo.reader.as_ref()) {
                    Ok(()) => Ok(writer),
                    Err(fault) => {
                        // It goes on with those who had it.
                        faults.push(fault);
                        Ok(writer)
                    }
                },
                None => FifoWriter::open(&fifo.path, fifo.owner.as_ref(), fifo.reader.as_ref(), self.runner.clone()),
            };
            match opened {
                Ok(writer) => self.fifos.push((fifo.clone(), writer)),
                Err(fault) => faults.push(fault),
            }
        }
        for (_, (_, writer)) in held {
            tokio::spawn(writer.finish(FAREWELL));
        }
        faults
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
        for (_, writer) in &self.fifos {
            writer.write(&told.line);
        }
        if notice.kind == NoticeKind::Deleted {
            self.states.remove(subject);
        }
    }

    /// Returns how many commands were left out and how many lines were lost since the start, because programs were slow.
    pub fn losses(&self) -> (u64, u64) {
        (self.queue.left_out(), self.fifos.iter().map(|(_, writer)| writer.lost()).sum())
    }

    /// Ends: waits for commands that wait or run, and for readers to read what was written, but not longer than `limit`; what
    /// is left then is killed. Removes the FIFOs that it made. Three seconds are enough for what comes after
    /// [`State::Stopped`] even if a slow command still runs then.
    pub async fn finish(self, limit: Duration) {
        let fifos: Vec<_> = self.fifos.into_iter().map(|(_, writer)| tokio::spawn(writer.finish(limit))).collect();
        self.queue.finish(limit).await;
        for fifo in fifos {
            let _ = fifo.await;
        }
    }
}
