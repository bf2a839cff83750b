//! The BFD sessions of the VRRP process: run beside its virtual routers, in the same thread. What happens to them goes to the
//! log and the agent, to the virtual routers that track them, and to the check process.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use log::{debug, error, info};
use serde_json::json;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{
    check::control::SOCKET,
    control::{self, CallError, Complaint},
    event::{Event, Outlet},
};
use crate::{
    bfd::{
        driver::{Driver, Error, Order},
        packet::State,
        sessions::{Notice, NoticeKind},
        settings::Settings as Session,
        status::Status,
    },
    host::Host,
    vrrp::{driver, event::Observation, settings::Settings},
};

/// How long a session that was never up may take before it counts as down: virtual routers that track it wait so long for
/// their first state. A handshake takes a second at most.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often the check process is told what it was told before, because it may be another one; and how many sessions at a time.
const REPEAT: Duration = Duration::from_secs(1);
const AT_A_TIME: usize = 64;

/// How long the check process may take to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// How long sessions may take to say that they end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Requests that wait for their turn.
const WAITING: usize = 16;

/// What the sessions and their settings tell.
enum Message {
    Notice(Notice),
    /// There are these sessions now, by name.
    Names(Vec<String>),
}

/// Which sessions are up.
type States = BTreeMap<String, bool>;

/// The running sessions.
pub(super) struct Bfd {
    handle: Handle,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
    telling: JoinHandle<()>,
}

/// The way to them.
#[derive(Clone)]
pub(super) struct Handle {
    orders: mpsc::Sender<Order>,
    messages: mpsc::UnboundedSender<Message>,
}

impl Bfd {
    /// Begins the sessions of these settings. Virtual routers are told by `orders`, the check process by its socket in
    /// `run_dir`.
    ///
    /// # Errors
    /// The kernel gives no sockets, or another program has them.
    pub(super) fn start(
        settings: &Settings,
        run_dir: &Path,
        routers: mpsc::Sender<driver::Order>,
        outlet: Outlet,
    ) -> Result<Self, Error> {
        let driver = Driver::start(&settings.sessions, run_dir)?;
        let (orders_in, orders) = mpsc::channel(WAITING);
        let (messages, received) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let (states_in, states) = watch::channel(States::new());
        let handle = Handle { orders: orders_in, messages: messages.clone() };
        handle.name(&settings.sessions);
        let tell = move |notice: &Notice| {
            // The other end only goes after this one.
            let _ = messages.send(Message::Notice(notice.clone()));
        };
        let running = tokio::spawn(async move {
            if let Err(problem) = driver.run(orders, tell, stopped).await {
                error!("BFD sessions do not run any more: {problem}");
            }
        });
        tokio::spawn(tell_checks(states, run_dir.join(SOCKET)));
        let telling = tokio::spawn(tell_others(received, routers, states_in, outlet));
        Ok(Self { handle, stop, running, telling })
    }

    /// Returns the way to them.
    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Ends the sessions; they tell their neighbours.
    pub(super) async fn stop(self) {
        let Self { handle, stop, running, telling } = self;
        // It may have ended by itself.
        let _ = stop.send(());
        let _ = timeout(FAREWELL, running).await;
        drop(handle);
        // What was told last is to be read, too.
        let _ = timeout(FAREWELL, telling).await;
    }
}

impl Handle {
    /// Returns how all are doing.
    pub(super) async fn status(&self) -> Result<Status, Vec<Complaint>> {
        self.ask(Order::Status).await
    }

    /// Goes on with other settings, which have been checked.
    ///
    /// # Errors
    /// The kernel gives no sockets; the old ones stay then.
    pub(super) async fn reload(&self, settings: &Settings) -> Result<(), Vec<Complaint>> {
        let sessions = settings.sessions.clone();
        let result = self.ask(|reply| Order::Reload(sessions, reply)).await?;
        result.map_err(|error| vec![Complaint::new(error)])
    }

    /// Says which sessions there are, after virtual routers know which they track.
    pub(super) fn name(&self, sessions: &[Session]) {
        let names = sessions.iter().map(|session| session.name.clone()).collect();
        let _ = self.messages.send(Message::Names(names));
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, Vec<Complaint>> {
        let ends = || vec![Complaint::new("the BFD sessions do not run any more")];
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| ends())?;
        answer.await.map_err(|_| ends())
    }
}

/// Carries what happens to the log, the agent, virtual routers and checks, until nothing can happen any more.
async fn tell_others(
    mut messages: mpsc::UnboundedReceiver<Message>,
    routers: mpsc::Sender<driver::Order>,
    states: watch::Sender<States>,
    outlet: Outlet,
) {
    // Sessions that were never up yet, and since when they could be.
    let mut awaited: BTreeMap<String, Instant> = BTreeMap::new();
    let mut look = interval(REPEAT);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut news: Vec<(String, bool)> = Vec::new();
        tokio::select! {
            biased;
            message = messages.recv() => match message {
                Some(Message::Notice(notice)) => {
                    log(&notice, outlet);
                    match notice.kind {
                        NoticeKind::Entered { state, before, .. } => {
                            let up = state == State::Up;
                            if up || before == State::Up {
                                awaited.remove(&notice.session);
                                news.push((notice.session, up));
                            }
                        }
                        NoticeKind::Removed | NoticeKind::Rejected { .. } => {}
                    }
                }
                Some(Message::Names(names)) => {
                    states.send_modify(|states| states.retain(|name, _| names.contains(name)));
                    awaited.retain(|name, _| names.contains(name));
                    // Virtual routers may be others, too: they are told all of it again.
                    news.extend(states.borrow().iter().map(|(name, up)| (name.clone(), *up)));
                    for name in names {
                        if !states.borrow().contains_key(&name) {
                            awaited.entry(name).or_insert_with(Instant::now);
                        }
                    }
                }
                None => return,
            },
            _ = look.tick() => {
                let late = awaited.iter().filter(|(_, since)| since.elapsed() >= PATIENCE);
                news.extend(late.map(|(name, _)| (name.clone(), false)));
                awaited.retain(|name, _| !news.iter().any(|(late, _)| late == name));
            }
        }
        for (name, up) in news {
            let observation = if up { Observation::Up } else { Observation::Down };
            // The virtual routers may have ended already.
            let _ = routers.send(driver::Order::Session(name.clone(), observation)).await;
            states.send_modify(|states| _ = states.insert(name, up));
        }
    }
}

fn log(notice: &Notice, outlet: Outlet) {
    let event = Event::from(notice);
    match notice.kind {
        // On the way up, and of no use to anybody but who looks for a fault.
        NoticeKind::Entered { state: State::Init, .. } => debug!("{event}"),
        NoticeKind::Entered { state: State::Down, before: State::Init | State::AdminDown, .. } => debug!("{event}"),
        _ => {
            info!("{event}");
            outlet.put(&event);
        }
    }
}

/// Tells the check process what changed at once, and what it knows already in turns: it may have been started anew, or have
/// a check that is new.
async fn tell_checks(mut states: watch::Receiver<States>, socket: PathBuf) {
    let mut told = States::new();
    let mut next = String::new();
    let mut repeat = interval(REPEAT);
    repeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let repeats = tokio::select! {
            changed = states.changed() => match changed {
                Ok(()) => false,
                // Nothing changes any more.
                Err(_) => return,
            },
            _ = repeat.tick() => true,
        };
        let now = states.borrow_and_update().clone();
        let turn: Vec<(&String, &bool)> = if repeats {
            let (before, from) = (now.range(..next.clone()), now.range(next.clone()..));
            from.chain(before).take(AT_A_TIME).collect()
        } else {
            now.iter().filter(|(name, up)| told.get(*name) != Some(*up)).collect()
        };
        if repeats && let Some((last, _)) = turn.last() {
            // What comes right behind it in the alphabet.
            next = format!("{last}\0");
        }
        for (name, up) in turn {
            match control::ask(&socket, "check.session", json!({ "name": name, "up": up }), None, ANSWER).await {
                Ok(()) => {}
                // There is none, which is the usual case for a host with virtual routers only.
                Err(CallError::NotRunning) => break,
                Err(problem) => {
                    debug!("telling the check process about BFD sessions: {problem}");
                    break;
                }
            }
        }
        told = now;
    }
}

/// Finds what only this machine can tell: neighbours that are ourselves and, if `links_too`, interfaces that are not there.
///
/// # Errors
/// The machine cannot be asked.
pub fn check(sessions: &[Session], links_too: bool, complaints: &mut Vec<Complaint>) -> Result<(), Vec<Complaint>> {
    if sessions.is_empty() {
        return Ok(());
    }
    let asked = Host::open().and_then(|mut host| Ok((host.links()?, host.addresses()?)));
    let (links, addresses) = asked.map_err(|error| vec![Complaint::new(error)])?;
    for Session { name, neighbour, interface, .. } in sessions {
        if let Some(held) = addresses.iter().find(|held| held.address.address == *neighbour) {
            let link = links.iter().find(|link| link.index == held.link).map_or("this host", |link| link.name.as_str());
            let text = format!("BFD session {name}: the neighbour {neighbour} is our own address, on {link}");
            complaints.push(Complaint::new(text).hint("--neighbour is the address of the other end"));
        }
        let interface = interface.as_ref().filter(|_| links_too);
        if let Some(interface) = interface.filter(|name| !links.iter().any(|link| link.name == **name)) {
            let text = format!("BFD session {name}: there is no interface {interface}");
            complaints.push(Complaint::new(text).hint("`ip link` shows those that there are"));
        }
    }
    Ok(())
}
