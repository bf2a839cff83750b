//! The VRRP process: virtual routers and BFD sessions, who is told about them, and how they are asked. `lvsadm vrrp run` in the foreground, or
//! a child of the agent.

use std::{collections::HashSet, io, path::PathBuf, time::Duration};

use log::{info, warn};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
};

use super::{
    bfd::{self, Bfd},
    child::Tether,
    control::{Complaint, Reply, Request, Server, VrrpCall, reply},
    event::{self, Author, Event, Outlet},
    log as sink,
    sync::Follower,
};
use crate::{
    host::{
        Host, User,
        script::{self, Runner},
    },
    notify::Notifier,
    state::{
        file::Fault,
        vrrp::{self as words, Disk},
    },
    sys::{
        capabilities::{self, Capability},
        priority,
    },
    vrrp::{
        commands,
        driver::{self, Order},
        event::{Notice, NoticeKind, Subject},
        settings::{Settings, Tracker},
    },
};

/// The control socket, in the run directory.
pub const SOCKET: &str = "vrrp.sock";

/// How many scripts run at once.
const SCRIPTS_AT_ONCE: usize = script::AT_ONCE;

/// How long scripts and FIFO readers may take at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Of root's rights, those that are needed for addresses, adverts, locked memory, and commands and FIFOs of other users.
const RIGHTS: [Capability; 9] = [
    Capability::NetAdmin,
    Capability::NetRaw,
    Capability::IpcLock,
    Capability::SetUid,
    Capability::SetGid,
    Capability::Kill,
    Capability::Chown,
    Capability::Fowner,
    Capability::DacReadSearch,
];

/// Requests that wait for their turn.
const WAITING: usize = 64;

/// How a VRRP process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Directory of its control socket and of its memory of itself.
    pub run_dir: PathBuf,
    /// Real-time priority (`SCHED_RR`), 1 to 99; `None` = an ordinary process.
    pub rt_priority: Option<u8>,
    /// Niceness, −20 to 19; `None` = as it was started.
    pub nice: Option<i8>,
    /// Whether its memory is locked, so that it never waits for a disk.
    pub lock_memory: bool,
    /// CPUs that it may run on; empty = all.
    pub cpus: Vec<usize>,
    /// How it logs.
    pub log: sink::Options,
    /// Where its events go. If that is open, the process ends when its standard input does.
    pub outlet: Outlet,
}

/// Where settings are from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The save file, by its real path; `None` = the command line, and nobody else may change them.
    pub file: Option<PathBuf>,
    /// Which of its instances are run; empty = all.
    pub names: Vec<String>,
    /// Whether its BFD sessions are run and nothing else; `names` are theirs then.
    pub sessions_only: bool,
}

/// Runs virtual routers until a signal ends them.
///
/// # Errors
/// All that is wrong with the settings on this machine, or that keeps the process from running; nothing has been started
/// then.
pub fn run(settings: Settings, options: &RunOptions, origin: Origin) -> Result<(), Vec<Complaint>> {
    sink::start(&options.log);
    let user = check(&settings)?;
    prefer(options)?;
    capabilities::keep_or_warn(&RIGHTS);
    let failed = |error: io::Error| vec![Complaint::new(format_args!("cannot wait for events: {error}"))];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let result = runtime.block_on(serve(settings, options, origin, Runner::new(user, SCRIPTS_AT_ONCE)));
    // A script that does not end must not keep the process.
    runtime.shutdown_background();
    result
}

async fn serve(settings: Settings, options: &RunOptions, origin: Origin, runner: Runner) -> Result<(), Vec<Complaint>> {
    let failed = |error: &dyn std::fmt::Display| vec![Complaint::new(error)];
    let server = Server::bind(&options.run_dir.join(SOCKET)).map_err(|error| failed(&error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed(&error))?;
    let mut tether = Tether::new(options.outlet).map_err(|error| failed(&error))?;
    let notifier = Notifier::new(&settings, runner.clone())
        .map_err(|faults| faults.iter().map(Complaint::new).collect::<Vec<_>>())?;

    let (requests_in, requests) = mpsc::channel(WAITING);
    let (orders_in, orders) = mpsc::channel(WAITING);
    let bfd =
        Bfd::start(&settings, &options.run_dir, orders_in.clone(), options.outlet).map_err(|error| failed(&error))?;
    let (notices_in, notices) = mpsc::unbounded_channel();
    let serving = tokio::spawn(server.serve(requests_in));
    let (reloads_in, reloads) = mpsc::channel(1);
    let way = Way { orders: orders_in, reloads: reloads_in, origin, bfd: bfd.handle(), outlet: options.outlet };
    let asked = tokio::spawn(answer(requests, way));
    let journal = Journal::new(&settings, options.outlet);
    let follower = Follower::new(settings.sync.clone());
    let told = tokio::spawn(tell(notifier, notices, reloads, journal, follower));

    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = tether.is_cut() => {}
        }
    };
    let tell = move |notice: &Notice| {
        // The other end only goes after this one.
        let _ = notices_in.send(notice.clone());
    };
    let result = driver::run(settings, options.run_dir.clone(), runner, orders, tell, stop).await;
    serving.abort();
    asked.abort();
    bfd.stop().await;
    // It ends when there are no more notices, and has a time limit of its own.
    let _ = told.await;
    result.map_err(|error| failed(&error))
}

/// Carries notices to the log, to scripts and to FIFOs, until there are no more.
async fn tell(
    mut notifier: Notifier,
    mut notices: mpsc::UnboundedReceiver<Notice>,
    mut reloads: mpsc::Receiver<Box<Settings>>,
    mut journal: Journal,
    mut follower: Follower,
) {
    loop {
        tokio::select! {
            biased;
            Some(settings) = reloads.recv() => {
                for fault in notifier.reconfigure(&settings).err().into_iter().flatten() {
                    warn!("{fault}");
                }
                follower.follow(settings.sync.clone());
            }
            notice = notices.recv() => match notice {
                Some(notice) => {
                    journal.take(&notice);
                    notifier.notify(&notice);
                    follower.take(&notice);
                }
                None => break,
            },
        }
    }
    follower.finish();
    notifier.finish(FAREWELL).await;
}

/// Writes the log and tells the agent. Keeps both quiet: what goes on and on is said once.
#[derive(Debug)]
struct Journal {
    outlet: Outlet,
    /// Instances that said, since they became master, that another master does not give way.
    disputed: HashSet<Subject>,
    /// Instances without a first state.
    awaited: HashSet<Subject>,
}

impl Journal {
    fn new(settings: &Settings, outlet: Outlet) -> Self {
        let awaited = settings.instances.iter().map(|instance| Subject::Instance(instance.name.clone()));
        let journal = Self { outlet, disputed: HashSet::new(), awaited: awaited.collect() };
        if journal.awaited.is_empty() {
            outlet.put(&Event::ready("vrrp"));
        }
        journal
    }

    fn take(&mut self, notice: &Notice) {
        if self.is_news(notice) {
            info!("{notice}");
            self.outlet.put(&notice.into());
        }
        let begun = matches!(notice.kind, NoticeKind::Entered { .. } | NoticeKind::Deleted);
        if begun && self.awaited.remove(&notice.subject) && self.awaited.is_empty() {
            self.outlet.put(&Event::ready("vrrp"));
        }
    }

    fn is_news(&mut self, notice: &Notice) -> bool {
        match notice.kind {
            // A tracked file may change each second.
            NoticeKind::Priority { .. } => false,
            NoticeKind::LowerPriority { .. } => self.disputed.insert(notice.subject.clone()),
            NoticeKind::Entered { .. } => {
                self.disputed.remove(&notice.subject);
                true
            }
            NoticeKind::Deleted | NoticeKind::AddressesDiffer { .. } | NoticeKind::Rejected { .. } => true,
        }
    }
}

/// Answers what is asked on the control socket.
async fn answer(mut requests: mpsc::Receiver<Request>, way: Way) {
    while let Some(request) = requests.recv().await {
        let reply = match VrrpCall::read(&request) {
            Ok(call) => way.carry_out(call, &request.by).await,
            Err(complaints) => Err(complaints),
        };
        // Whoever asked may have gone.
        let _ = request.reply.send(reply);
    }
}

/// The way to what runs.
struct Way {
    orders: mpsc::Sender<Order>,
    reloads: mpsc::Sender<Box<Settings>>,
    origin: Origin,
    bfd: bfd::Handle,
    outlet: Outlet,
}

impl Way {
    async fn carry_out(&self, call: VrrpCall, by: &Author) -> Reply {
        match call {
            VrrpCall::Status {} => reply(&self.ask(Order::Status).await?),
            VrrpCall::Sessions {} => reply(&self.bfd.status().await?),
            VrrpCall::Promote { name } => {
                self.by_name(name, Order::Promote, by, "promote", "was told to become master").await
            }
            VrrpCall::Demote { name } => {
                self.by_name(name, Order::Demote, by, "demote", "was told to give mastership up").await
            }
            VrrpCall::Reload { file, lines } => reply(&self.reload(&file, &lines).await?),
        }
    }

    /// Asks the driver, which may be about to end.
    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, Vec<Complaint>> {
        let ends = || vec![Complaint::new("the process is about to end")];
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| ends())?;
        answer.await.map_err(|_| ends())
    }

    /// Gives an order to an instance, and says who gave it.
    async fn by_name(
        &self,
        name: String,
        order: impl FnOnce(String, oneshot::Sender<bool>) -> Order,
        by: &Author,
        what: &str,
        text: &str,
    ) -> Reply {
        let subject = event::Subject::Instance(name.clone());
        let event = Event::now(subject, what, format_args!("{name} {text}")).by(by);
        if !self.ask(|reply| order(name.clone(), reply)).await? {
            let complaint = Complaint::new(format_args!("there is no instance {name} in the running process"));
            return Err(vec![complaint.hint("lvsadm vrrp list shows those that there are")]);
        }
        info!("{event}");
        self.outlet.put(&event);
        reply(&())
    }

    async fn reload(&self, from: &str, lines: &[(usize, String)]) -> Result<(), Vec<Complaint>> {
        let Origin { file, names, sessions_only } = &self.origin;
        if file.as_ref().is_none_or(|file| file.as_os_str() != from) {
            let ours = file.as_ref().map_or_else(|| "its command line".to_owned(), |file| file.display().to_string());
            let text = format!("the VRRP process runs what {ours} says, not {from}");
            return Err(vec![Complaint::new(text).hint("stop it, and run it from the file")]);
        }
        let parsed = words::parse(lines.iter().map(|(number, line)| (*number, line.as_str())), &Disk);
        let parsed = parsed.map_err(|faults| {
            let complain = |fault: Fault| {
                let text = format!("{from}:{}:{}: {}", fault.line, fault.column, fault.message);
                Complaint { text, hint: fault.hint }
            };
            faults.into_iter().map(complain).collect::<Vec<_>>()
        })?;
        let mut settings = Box::new(parsed.settings);
        let select = if *sessions_only { words::select_sessions } else { words::select };
        select(&mut settings, names).map_err(|wrong| wrong.into_iter().map(Complaint::new).collect::<Vec<_>>())?;
        check(&settings)?;
        self.bfd.reload(&settings).await?;
        let _ = self.reloads.send(settings.clone()).await;
        let sessions = settings.sessions.clone();
        self.ask(|reply| Order::Reload(settings, reply)).await?;
        self.bfd.name(&sessions);
        Ok(())
    }
}

/// Checks what only this machine can tell: interfaces, scripts, users. Returns who runs scripts without a user of their own.
fn check(settings: &Settings) -> Result<User, Vec<Complaint>> {
    let mut complaints = Vec::new();
    let user = match User::for_scripts(settings.script_user.as_ref()) {
        Ok(user) => user,
        Err(fault) => {
            complaints.push(Complaint::new(&fault).hint(fault.hint()));
            User::ourselves()
        }
    };
    if !settings.missing_interfaces {
        check_interfaces(settings, &mut complaints)?;
    }
    for (what, command) in commands(settings) {
        if let Err(fault) = script::check(command, &user) {
            let complaint = Complaint::new(format_args!("{what}: {fault}"));
            complaints.push(complaint.hint(fault.hint()));
        }
    }
    bfd::check(&settings.sessions, !settings.missing_interfaces, &mut complaints)?;
    if complaints.is_empty() { Ok(user) } else { Err(complaints) }
}

fn check_interfaces(settings: &Settings, complaints: &mut Vec<Complaint>) -> Result<(), Vec<Complaint>> {
    let links = Host::open().and_then(|mut host| host.links());
    let links = links.map_err(|error| vec![Complaint::new(error)])?;
    let mut need = |who: &str, link: &str| {
        if !links.iter().any(|known| known.name == link) {
            let complaint = Complaint::new(format_args!("{who}: there is no interface {link}"));
            complaints
                .push(complaint.hint(
                    "`ip link` shows those that there are; `vrrp set --missing-interfaces` lets them come later",
                ));
        }
    };
    for instance in &settings.instances {
        let devices = instance.addresses.iter().chain(&instance.excluded).filter_map(|address| address.device.as_ref());
        for link in instance.interface.iter().chain(devices) {
            need(&instance.name, link);
        }
    }
    let tracks = settings.instances.iter().map(|instance| (&instance.name, &instance.tracks));
    for (name, tracks) in tracks.chain(settings.groups.iter().map(|group| (&group.name, &group.tracks))) {
        for track in tracks {
            if let Tracker::Interface(link) = &track.tracker {
                need(name, link);
            }
        }
    }
    Ok(())
}

/// Sees that this process gets the processor in time.
fn prefer(options: &RunOptions) -> Result<(), Vec<Complaint>> {
    let mut complaints = Vec::new();
    let mut ask = |what: &str, result: Result<(), nix::errno::Errno>| {
        if let Err(errno) = result {
            let complaint = Complaint::new(format_args!("cannot {what}: {}", errno.desc()));
            complaints.push(complaint.hint("it takes root, or the capabilities CAP_SYS_NICE and CAP_IPC_LOCK"));
        }
    };
    if let Some(value) = options.nice {
        ask("set the nice value", priority::nice(value));
    }
    if let Some(value) = options.rt_priority {
        ask("get real-time priority", priority::real_time(value));
    }
    if !options.cpus.is_empty() {
        ask("choose the processors", priority::run_on(&options.cpus));
    }
    if options.lock_memory {
        ask("lock the memory", priority::lock_memory());
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints) }
}
