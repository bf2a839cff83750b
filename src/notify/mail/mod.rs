//! Mail about what happened: a queue with an end, and one conversation with a mail server at a time.
//!
//! Nobody who has something to say waits for mail. What comes within a second goes out together: up to [`SINGLE`] notes as
//! a mail each, more of them as one. What the server does not take for now is tried again, a few times; what comes
//! meanwhile waits, and of what is too much the oldest is left out and counted.

mod courier;
mod message;
mod smtp;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{sleep, timeout},
};

pub use message::Note;

use self::{courier::Courier, message::Message};
use crate::state::set::MailSettings;

/// How many notes wait at most.
const MOST_WAITING: usize = 1000;

/// So many notes at once are mails of their own.
const SINGLE: usize = 5;

/// How long after a note others are waited for.
const GATHER: Duration = Duration::from_secs(1);

/// Pauses before a mail is tried again; after the last one it is given up.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(10), Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(900)];

/// Sends a mail, and waits until the server has it. For the prompt; the agent has a [`Mailer`].
///
/// # Errors
/// The server does not have it: why.
pub fn send_now(settings: MailSettings, note: &Note) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let (courier, messages) = (Courier::new(settings), Message::of(std::slice::from_ref(note), 0));
    let sent = runtime.block_on(async {
        for message in &messages {
            courier.send(message).await?;
        }
        Ok(())
    });
    // A look-up of a name may still wait.
    runtime.shutdown_background();
    sent.map_err(|fault: smtp::Fault| fault.text)
}

/// How mail is doing, since its process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailStatus {
    /// Mails that a server took.
    pub sent: u64,
    /// Mails that were given up.
    pub given_up: u64,
    /// Notes that were left out, because too many waited.
    pub left_out: u64,
    /// Notes that wait.
    pub waiting: usize,
}

/// Sends mail for as long as it lives.
#[derive(Debug)]
pub struct Mailer {
    shared: Arc<Shared>,
    worker: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// Told when there is a note, and when there will be none any more.
    news: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Note>,
    /// How many were left out since the last mail.
    left_out: u64,
    status: MailStatus,
    ends: bool,
}

impl Mailer {
    /// Begins; must be called inside a runtime. Says what fails through the `log` macros.
    pub fn new(settings: MailSettings) -> Self {
        Self::with_pauses(settings, GATHER, PAUSES.to_vec())
    }

    fn with_pauses(settings: MailSettings, gather: Duration, pauses: Vec<Duration>) -> Self {
        let shared = Arc::new(Shared { queue: Mutex::default(), news: Notify::new() });
        let worker = tokio::spawn(Arc::clone(&shared).work(Courier::new(settings), gather, pauses));
        Self { shared, worker }
    }

    /// Has a note sent. Never waits.
    pub fn push(&self, note: Note) {
        let mut queue = self.shared.lock();
        if queue.waiting.len() >= MOST_WAITING {
            queue.waiting.pop_front();
            queue.left_out += 1;
            queue.status.left_out += 1;
        }
        queue.waiting.push_back(note);
        drop(queue);
        self.shared.news.notify_one();
    }

    /// Returns how mail is doing.
    pub fn status(&self) -> MailStatus {
        let queue = self.shared.lock();
        MailStatus { waiting: queue.waiting.len(), ..queue.status }
    }

    /// Ends: what waits goes out, but not for longer than `limit`.
    pub async fn finish(mut self, limit: Duration) {
        self.shared.lock().ends = true;
        self.shared.news.notify_one();
        if timeout(limit, &mut self.worker).await.is_err() {
            log::warn!("{} notes were not mailed, because the program ends", self.status().waiting);
        }
    }
}

impl Drop for Mailer {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn work(self: Arc<Self>, courier: Courier, gather: Duration, pauses: Vec<Duration>) {
        loop {
            let (is_empty, ends) = {
                let queue = self.lock();
                (queue.waiting.is_empty(), queue.ends)
            };
            match (is_empty, ends) {
                (true, true) => return,
                (true, false) => self.news.notified().await,
                (false, true) => {}
                // Woken when the end comes, too.
                (false, false) => _ = timeout(gather, self.ending()).await,
            }
            let (notes, left_out) = {
                let mut queue = self.lock();
                (queue.waiting.drain(..).collect::<Vec<_>>(), std::mem::take(&mut queue.left_out))
            };
            for message in Message::of(&notes, left_out) {
                self.deliver(&courier, &message, &pauses).await;
            }
        }
    }

    async fn ending(&self) {
        while !self.lock().ends {
            self.news.notified().await;
        }
    }

    /// Sends a mail, several times if need be.
    async fn deliver(&self, courier: &Courier, message: &Message, pauses: &[Duration]) {
        let mut pauses = pauses.iter();
        loop {
            let fault = match courier.send(message).await {
                Ok(()) => {
                    self.lock().status.sent += 1;
                    return;
                }
                Err(fault) => fault,
            };
            let pause = pauses.next().filter(|_| !fault.is_final && !self.lock().ends);
            let Some(pause) = pause else {
                log::warn!("mail \"{}\" is given up: {}", message.subject, fault.text);
                self.lock().status.given_up += 1;
                return;
            };
            log::warn!("cannot send mail: {}; this is tried again in {} seconds", fault.text, pause.as_secs());
            tokio::select! {
                () = sleep(*pause) => {}
                () = self.ending() => {}
            }
        }
    }
}
