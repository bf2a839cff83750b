//! A check process that runs a save file: started from it, asked and told over its control socket.
//!
//! The lines of the file are laid over the operator's table. That changes while the process runs, by others' changes which
//! are adopted; so lines about all servers of a service are laid over it again when its servers are others.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use log::{info, warn};
use serde_json::Value;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval},
};

use super::{Error, Order, Rebuild, RunOptions};
use crate::{
    agent::{
        control::{CheckCall, Complaint, Reply, Request, Server},
        log as sink,
    },
    ipvs::{
        Client,
        plan::{Extra, plan},
    },
    model::{ServerKey, ServiceKey, Table},
    pool::{settings::Settings, status::IdleStatus},
    state::{
        agent_file::AgentFile,
        check::{Expanded, Lines},
        file::Fault,
        names::Resolver,
    },
};

/// The control socket, in the run directory.
pub const SOCKET: &str = "check.sock";

/// Requests that wait for their turn.
const WAITING: usize = 64;

/// How often the operator's table is looked at for servers that lines about all servers stand for.
const LOOK_FOR_SERVERS: Duration = Duration::from_secs(2);

/// A save file as a check process reads it.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Its path.
    pub file: PathBuf,
    /// Its lines about checks.
    pub lines: Lines,
    /// The table that it describes; `None` if it has no service, and so the kernel's is the operator's.
    pub table: Option<Table>,
}

impl Loaded {
    /// Reads and checks a whole save file.
    ///
    /// # Errors
    /// It cannot be read, or all that is wrong with it.
    pub fn read(file: &Path) -> Result<Self, Vec<Complaint>> {
        let named = file.display();
        let content = fs::read(file).map_err(|error| {
            let complaint = Complaint::new(format_args!("cannot read {named}: {error}"));
            vec![complaint.hint("`lvsadm check add` makes the file that it names with --state")]
        })?;
        let placed = |fault: Fault| {
            let text = format!("{named}:{}:{}: {}", fault.line, fault.column, fault.message);
            Complaint { text, hint: fault.hint }
        };
        let parsed = AgentFile::new(&content).map_err(|fault| vec![fault]);
        let (lines, saved) = parsed
            .and_then(|parsed| parsed.checks(&Resolver::new()))
            .map_err(|faults| faults.into_iter().map(placed).collect::<Vec<_>>())?;
        let table = Table { timeouts: None, daemons: Vec::new(), ..saved.table };
        let table = Some(table).filter(|table| !table.services.is_empty());
        // Whoever changes the file may name it differently.
        Ok(Self { file: fs::canonicalize(file).unwrap_or_else(|_| file.to_owned()), lines, table })
    }

    /// Returns the operator's table that a process begins with: the file's, or if it has none, the kernel's.
    ///
    /// # Errors
    /// The kernel's cannot be read.
    pub fn operator(&self) -> Result<Table, Error> {
        match &self.table {
            Some(table) => Ok(table.clone()),
            None => {
                let table = Client::open()?.table()?;
                Ok(Table { timeouts: None, daemons: Vec::new(), ..table })
            }
        }
    }

    /// Returns the operator's table when this file takes the place of `old`: what the files differ in changes, and what
    /// else was changed in the meantime stays.
    fn after(&self, old: &Self, mut operator: Table) -> Table {
        match (&old.table, &self.table) {
            (_, None) => operator,
            (None, Some(new)) => new.clone(),
            (Some(old), Some(new)) => {
                for change in plan(old, new, Extra::Delete) {
                    // Somebody may have done the same already.
                    let _ = operator.apply(&change);
                }
                operator
            }
        }
    }

    fn placed(&self, fault: &Fault) -> String {
        format!("{}:{}: {}", self.file.display(), fault.line, fault.message)
    }

    /// Lays its lines over a table, which must fit.
    fn settings(&self, operator: Table) -> Result<(Settings, Vec<IdleStatus>), Vec<String>> {
        let Expanded { settings, idle, faults } = self.lines.over(operator);
        if faults.is_empty() {
            return Ok((settings, idle_status(idle)));
        }
        let text = |fault: &Fault| match &fault.hint {
            Some(hint) => format!("{} ({hint})", self.placed(fault)),
            None => self.placed(fault),
        };
        Err(faults.iter().map(text).collect())
    }
}

/// Returns what there is to say of checks of all servers of a service that has none.
pub fn idle_status(idle: Vec<(ServiceKey, String)>) -> Vec<IdleStatus> {
    let status = |(service, probe): (ServiceKey, String)| IdleStatus {
        service: service.to_string(),
        server: "all servers".to_owned(),
        probe,
    };
    idle.into_iter().map(status).collect()
}

fn idle_warning(idle: &IdleStatus) -> String {
    format!("the {} check of all servers of {} is idle: the table has none", idle.probe, idle.service)
}

/// Runs the checks of a save file until a signal ends them.
///
/// # Errors
/// All that is wrong with the settings on this machine, or that keeps the process from running; nothing has been started
/// then.
pub fn run(loaded: Loaded, options: &RunOptions, run_dir: &Path) -> Result<(), Vec<Complaint>> {
    sink::start(&options.log);
    let operator = loaded.operator().map_err(|error| complaints(&error))?;
    let (settings, idle) = loaded.settings(operator).map_err(|faults| complaints(&Error::Settings(faults)))?;
    idle.iter().for_each(|idle| warn!("{}", idle_warning(idle)));
    let begin = || {
        let server = Server::bind(&run_dir.join(SOCKET))?;
        let hangup = signal(SignalKind::hangup())?;
        let (requests_in, requests) = mpsc::channel(WAITING);
        let (orders_in, orders) = mpsc::channel(WAITING);
        tokio::spawn(server.serve(requests_in));
        tokio::spawn(answer(requests, hangup, Held { loaded, idle, orders: orders_in, over: Vec::new() }));
        Ok(orders)
    };
    super::run_with(settings, options, begin).map(|_| ()).map_err(|error| complaints(&error))
}

/// Returns all that an error says.
fn complaints(error: &Error) -> Vec<Complaint> {
    match error {
        Error::Settings(faults) => faults.iter().map(Complaint::new).collect(),
        Error::Commands(faults) => {
            let complaint = |fault: &super::CommandFault| {
                Complaint::new(format_args!("{}: {}", fault.purpose, fault.fault)).hint(fault.fault.hint())
            };
            faults.iter().map(complaint).collect()
        }
        error => {
            let complaint = Complaint::new(error);
            vec![match error.hint() {
                Some(hint) => complaint.hint(hint),
                None => complaint,
            }]
        }
    }
}

/// The file that runs, and the way to the process.
struct Held {
    loaded: Loaded,
    idle: Vec<IdleStatus>,
    orders: mpsc::Sender<Order>,
    /// The servers over which its lines were laid last.
    over: Vec<(ServiceKey, Vec<ServerKey>)>,
}

/// Answers what is asked on the control socket, and sees that lines about all servers stand for all.
async fn answer(mut requests: mpsc::Receiver<Request>, mut hangup: Signal, mut held: Held) {
    let mut look = interval(LOOK_FOR_SERVERS);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            request = requests.recv() => {
                let Some(request) = request else { return };
                let reply = match CheckCall::read(&request) {
                    Ok(call) => held.carry_out(call).await,
                    Err(complaints) => Err(complaints),
                };
                // Whoever asked may have gone.
                let _ = request.reply.send(reply);
            }
            _ = hangup.recv() => match held.reload().await {
                Ok(warnings) => warnings.iter().for_each(|warning| warn!("{warning}")),
                Err(complaints) => {
                    complaints.iter().for_each(|complaint| warn!("{}", complaint.text));
                    warn!("what was said before goes on");
                }
            },
            _ = look.tick(), if held.loaded.lines.depend_on_table() => held.follow().await,
        }
    }
}

impl Held {
    async fn carry_out(&mut self, call: CheckCall) -> Reply {
        let json = |error: serde_json::Error| vec![Complaint::new(error)];
        match call {
            CheckCall::Status {} => {
                let mut status = self.ask(Order::Status).await?;
                status.idle.extend(self.idle.iter().cloned());
                serde_json::to_value(status).map_err(json)
            }
            CheckCall::Reload { file } if self.loaded.file.as_os_str() != file.as_str() => {
                let text = format!("the check process runs {}, not {file}", self.loaded.file.display());
                Err(vec![Complaint::new(text).hint("--state names its file; or stop it, and run it from the other")])
            }
            CheckCall::Reload { .. } => self.reload().await.map(Value::from),
        }
    }

    /// Asks the process, which may be about to end.
    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, Vec<Complaint>> {
        let ends = || vec![Complaint::new("the process is about to end")];
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| ends())?;
        answer.await.map_err(|_| ends())
    }

    /// Reads the file again, and goes on with what it says.
    async fn reload(&mut self) -> Result<Vec<String>, Vec<Complaint>> {
        let new = Loaded::read(&self.loaded.file)?;
        let (old, next) = (self.loaded.clone(), new.clone());
        let mut warnings = self.rebuild(move |operator| next.settings(next.after(&old, operator))).await?;
        info!("{} was read again", new.file.display());
        self.loaded = new;
        warnings.extend(self.idle.iter().map(idle_warning));
        Ok(warnings)
    }

    /// Lays the lines over the table again, if that has other servers now.
    async fn follow(&mut self) {
        let Ok(operator) = self.ask(Order::Operator).await else { return };
        let keys = |entry: (&ServiceKey, &crate::model::Entry)| (*entry.0, entry.1.servers.keys().copied().collect());
        let now: Vec<(ServiceKey, Vec<ServerKey>)> = operator.services.iter().map(keys).collect();
        if self.over == now {
            return;
        }
        let first = self.over.is_empty();
        self.over = now;
        // The process has just begun with it.
        if first {
            return;
        }
        let loaded = self.loaded.clone();
        let rebuilt = self.rebuild(move |operator| {
            let Expanded { settings, idle, faults } = loaded.lines.over(operator);
            // Whoever added the server has done so already.
            faults.iter().for_each(|fault| warn!("{}", loaded.placed(fault)));
            Ok((settings, idle_status(idle)))
        });
        match rebuilt.await {
            Ok(warnings) => warnings.iter().for_each(|warning| warn!("{warning}")),
            Err(complaints) => complaints.iter().for_each(|complaint| warn!("{}", complaint.text)),
        }
    }

    /// Has the process go on with other settings; returns what a person should know of them.
    async fn rebuild(
        &mut self,
        settings: impl FnOnce(Table) -> Result<(Settings, Vec<IdleStatus>), Vec<String>> + Send + 'static,
    ) -> Result<Vec<String>, Vec<Complaint>> {
        let (idle_in, idle) = oneshot::channel();
        let rebuild = Rebuild(Box::new(move |operator| {
            let (settings, idle) = settings(operator)?;
            // The other end waits for the process's answer.
            let _ = idle_in.send(idle);
            Ok(settings)
        }));
        let warnings = self.ask(|reply| Order::Rebuild(rebuild, reply)).await?.map_err(|error| complaints(&error))?;
        self.idle = idle.await.unwrap_or_default();
        Ok(warnings)
    }
}
