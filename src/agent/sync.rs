//! The sync daemon that follows a virtual router: it sends connections while that is master, and receives them while it is
//! not. The kernel is asked in a thread of its own, because starting a daemon takes time and adverts do not wait.

use std::{collections::HashMap, sync::mpsc, thread};

use log::{info, warn};

use crate::{
    ipvs::{Client, explain},
    model::{Change, DaemonRole, SyncDaemon},
    vrrp::{
        event::{Notice, NoticeKind, State, Subject},
        settings::SyncFollower,
    },
};

/// What the kernel should run.
type Wanted = Option<SyncDaemon>;

/// Follows one instance, or none.
#[derive(Debug)]
pub(super) struct Follower {
    follower: Option<SyncFollower>,
    /// The states of all instances: others may be followed one day.
    states: HashMap<String, State>,
    thread: Option<(mpsc::Sender<Wanted>, thread::JoinHandle<()>)>,
}

impl Follower {
    /// Follows nobody yet.
    pub(super) fn new(follower: Option<SyncFollower>) -> Self {
        Self { follower, states: HashMap::new(), thread: None }
    }

    /// Takes a notice.
    pub(super) fn take(&mut self, notice: &Notice) {
        let (Subject::Instance(name), NoticeKind::Entered { state, .. }) = (&notice.subject, &notice.kind) else {
            return;
        };
        self.states.insert(name.clone(), *state);
        if self.follower.as_ref().is_some_and(|follower| follower.instance == *name) {
            self.want();
        }
    }

    /// Goes on with other settings.
    pub(super) fn follow(&mut self, follower: Option<SyncFollower>) {
        if follower != self.follower {
            self.follower = follower;
            self.want();
        }
    }

    fn want(&mut self) {
        let daemon = |role| self.follower.as_ref().map(|follower| SyncDaemon { role, ..follower.daemon.clone() });
        let state = self.follower.as_ref().and_then(|follower| self.states.get(&follower.instance));
        let wanted = match state {
            Some(State::Master) => daemon(DaemonRole::Master),
            Some(State::Backup | State::Fault | State::Init) => daemon(DaemonRole::Backup),
            Some(State::Stopped) | None => None,
        };
        if self.thread.is_none() {
            let (wanted, orders) = mpsc::channel();
            let run = move || orders.into_iter().for_each(|wanted| bring(&wanted));
            match thread::Builder::new().name("sync".to_owned()).spawn(run) {
                Ok(thread) => self.thread = Some((wanted, thread)),
                Err(error) => return warn!("cannot start the thread for sync daemons: {error}"),
            }
        }
        if let Some((orders, _)) = &self.thread {
            // The thread lasts until we go.
            let _ = orders.send(wanted);
        }
    }

    /// Stops the daemon, and waits until that is done.
    pub(super) fn finish(mut self) {
        self.follower = None;
        if self.thread.is_some() {
            self.want();
        }
        if let Some((orders, thread)) = self.thread {
            drop(orders);
            let _ = thread.join();
        }
    }
}

/// Brings the kernel's daemons to what is wanted: this one, and none of the other role.
fn bring(wanted: &Wanted) {
    let result = Client::open().map_err(|error| error.to_string()).and_then(|mut client| {
        let there = client.daemons().map_err(|error| error.to_string())?;
        let stays = |daemon: &&SyncDaemon| wanted.as_ref().is_some_and(|wanted| daemon.satisfies(wanted));
        let mut changes: Vec<Change> =
            there.iter().filter(|daemon| !stays(daemon)).map(|daemon| Change::StopDaemon(daemon.role)).collect();
        if !there.iter().any(|daemon| stays(&daemon)) {
            changes.extend(wanted.clone().map(Change::StartDaemon));
        }
        let refusals = client.apply(&changes).map_err(|error| error.to_string())?;
        match refusals.first().and_then(|refusal| Some((changes.get(refusal.index)?, refusal))) {
            Some((change, refusal)) => Err(format!("{}: {}", change.target(), explain(change, refusal).reason())),
            None => Ok(()),
        }
    });
    match (result, wanted) {
        (Ok(()), Some(daemon)) => info!("the {} sync daemon runs on {}", daemon.role, daemon.interface),
        (Ok(()), None) => {}
        (Err(why), _) => warn!("cannot bring the sync daemon to the state of its instance: {why}"),
    }
}
