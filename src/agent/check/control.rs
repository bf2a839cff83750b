//! A check process that runs a save file: started from it, asked and told over its control socket.
//!
//! The lines of the file are laid over the operator's table, and again when that gets other servers.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use log::{info, warn};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
};

use super::{
    After, Error, IdleCheck, Layer, Layered, Operator, Order, Reload, RunOptions, Stop, WantedTurn, memory::Memory,
    process::idle_warning, rules,
};
use crate::{
    agent::{
        control::{
            self, CheckCall, Complaint, OperatorTable, Place, Reply, Request, Server, Then, reply, service_named,
        },
        event::Author,
        log as sink,
    },
    ipvs::{
        Client,
        plan::{Extra, plan},
    },
    model::{Change, ServiceKey, Table, Weight},
    pool::{Pools, settings::Scope, status::IdleStatus},
    state::{
        agent_file::read_checks,
        check::{Expanded, Lines},
        file::Fault,
        names::Resolver,
        print,
    },
    sys::capabilities::{self, Capability},
};

/// The control socket, in the run directory.
pub const SOCKET: &str = "check.sock";

/// Of root's rights, those that are needed for the table, probes, and commands of other users. (Modules of the kernel are
/// loaded by a command of root, which has all of them.)
const RIGHTS: [Capability; 6] = [
    Capability::NetAdmin,
    Capability::NetRaw,
    Capability::SetUid,
    Capability::SetGid,
    Capability::Kill,
    Capability::DacReadSearch,
];

/// Requests that wait for their turn.
const WAITING: usize = 64;

/// A save file as a check process reads it.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Its path.
    pub file: PathBuf,
    /// Its lines about checks.
    pub lines: Lines,
    /// The table that it describes; `None` if it has no service, and so the kernel's is the operator's.
    pub table: Option<Table>,
    /// Timeouts and sync daemons that it names.
    pub extras: Table,
}

impl Loaded {
    /// Reads and checks a whole save file.
    ///
    /// # Errors
    /// It cannot be read, or all that is wrong with it.
    pub fn read(file: &Path) -> Result<Self, Vec<Complaint>> {
        Self::read_after(file, None)
    }

    /// Reads the same file again; what stands there as before costs next to nothing.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn read_again(&self) -> Result<Self, Vec<Complaint>> {
        Self::read_after(&self.file, Some(&self.lines))
    }

    fn read_after(file: &Path, before: Option<&Lines>) -> Result<Self, Vec<Complaint>> {
        let named = file.display();
        let content = fs::read(file).map_err(|error| {
            let complaint = Complaint::new(format_args!("cannot read {named}: {error}"));
            vec![complaint.hint("`lvsadm check add` makes the file that it names with --state")]
        })?;
        let placed = |fault: Fault| {
            let text = format!("{named}:{}:{}: {}", fault.line, fault.column, fault.message);
            Complaint { text, hint: fault.hint }
        };
        let (lines, saved) = read_checks(&content, &Resolver::new(), before)
            .map_err(|faults| faults.into_iter().map(placed).collect::<Vec<_>>())?;
        let Table { services, timeouts, daemons } = saved.table;
        let extras = Table { timeouts, daemons, ..Table::default() };
        let table = Table { services, ..Table::default() };
        let table = Some(table).filter(|table| !table.services.is_empty());
        // Whoever changes the file may name it differently.
        Ok(Self { file: fs::canonicalize(file).unwrap_or_else(|_| file.to_owned()), lines, table, extras })
    }

    /// Takes the file for the whole truth: where it has no services, there are none.
    #[must_use]
    fn into_whole(self) -> Self {
        Self { table: Some(self.table.unwrap_or_default()), ..self }
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

    /// Returns what is different when this file takes the place of `old`: what the files differ in changes, and what else was
    /// changed in the meantime stays.
    pub fn after(&self, old: &Self, pools: &Pools) -> After {
        let mut changes: Vec<Change> = match (&old.table, &self.table) {
            (_, None) => Vec::new(),
            (None, Some(new)) => {
                let changes = plan(&pools.operator_table(), new, Extra::Delete).collect();
                return After { changes, scope: Scope::All, operator: new.clone() };
            }
            (Some(old), Some(new)) => plan(old, new, Extra::Delete).collect(),
        };
        let of_table = changes.iter().filter_map(|change| change.target().service());
        let services: HashSet<ServiceKey> = of_table.chain(self.lines.differ_from(&old.lines)).collect();
        let mut operator = pools.operator_part(&services);
        // Somebody may have done the same already.
        changes.retain(|change| operator.apply(change).is_ok());
        After { changes, scope: Scope::Only(services), operator }
    }

    fn placed(&self, fault: &Fault) -> String {
        format!("{}:{}: {}", self.file.display(), fault.line, fault.message)
    }
}

impl Layer for Loaded {
    fn over(&self, operator: Table, scope: Scope) -> Layered {
        let Expanded { settings, idle, faults } = self.lines.over(operator, scope);
        let text = |fault: &Fault| match &fault.hint {
            Some(hint) => format!("{} ({hint})", self.placed(fault)),
            None => self.placed(fault),
        };
        Layered { settings, idle, faults: faults.iter().map(text).collect() }
    }

    fn concerns(&self, service: &ServiceKey) -> bool {
        self.lines.stand_for_all(service)
    }
}

/// Returns what there is to say of checks of all servers of a service that has none.
pub fn idle_status((service, probe): &IdleCheck) -> IdleStatus {
    IdleStatus { service: service.to_string(), server: "all servers".to_owned(), probe: probe.clone() }
}

/// Runs the checks of a save file until a signal ends them, or, if `options` say that an agent started it, the agent.
///
/// # Errors
/// All that is wrong with the settings on this machine, or that keeps the process from running; nothing has been started
/// then.
pub fn run(loaded: Loaded, options: &RunOptions, run_dir: &Path) -> Result<(), Vec<Complaint>> {
    sink::start(&options.log);
    capabilities::keep_or_warn(&RIGHTS);
    let loaded = if options.whole_file.is_some() { loaded.into_whole() } else { loaded };
    let memory = Memory::new(options.memory.as_deref());
    // After a process that died, the table is the one that it had, unless the file is the whole truth.
    let resumes = options.resume && options.whole_file.is_none();
    let operator = match if resumes { memory.table() } else { None } {
        Some(table) => table,
        None => {
            let mut table = loaded.operator().map_err(|error| complaints(&error))?;
            if loaded.table.is_none() {
                memory.find_left(&mut table);
                memory.find_drained(&mut table);
            }
            table
        }
    };
    let Layered { settings, idle, faults } = loaded.over(operator, Scope::All);
    if !faults.is_empty() {
        return Err(complaints(&Error::Settings(faults)));
    }
    idle.iter().for_each(|idle| warn!("{}", idle_warning(idle)));
    let loaded = Arc::new(loaded);
    let layer: Arc<dyn Layer> = Arc::clone(&loaded) as _;
    let rules = options.whole_file.map(|rules| rules::Held::begin(rules, &loaded.extras, options.resume));
    let rules = Arc::new(Mutex::new(rules.transpose().map_err(|error| complaints(&error))?));
    let held = Arc::clone(&rules);
    let socket = run_dir.join(SOCKET);
    let begin = move || {
        let server = Server::bind(&socket)?;
        let hangup = signal(SignalKind::hangup())?;
        let (requests_in, requests) = mpsc::channel(WAITING);
        let (orders_in, orders) = mpsc::channel(WAITING);
        tokio::spawn(server.serve(requests_in));
        tokio::spawn(answer(requests, hangup, Held { loaded, orders: orders_in, rules: held }));
        Ok(orders)
    };
    let result = super::run_with(settings, Some((layer, idle)), options, begin);
    if let Some(rules) = rules.lock().ok().and_then(|mut rules| rules.take())
        && !matches!(result, Ok(Stop::Abandoned))
    {
        rules.end();
    }
    result.map(|_| ()).map_err(|error| complaints(&error))
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
    loaded: Arc<Loaded>,
    orders: mpsc::Sender<Order>,
    /// What is held of the kernel beside services, with keepalived's rules.
    rules: Arc<Mutex<Option<rules::Held>>>,
}

/// Answers what is asked on the control socket.
async fn answer(mut requests: mpsc::Receiver<Request>, mut hangup: Signal, mut held: Held) {
    loop {
        tokio::select! {
            request = requests.recv() => {
                let Some(request) = request else { return };
                let reply = match CheckCall::read(&request) {
                    Ok(call) => held.carry_out(call, request.by).await,
                    Err(complaints) => Err(complaints),
                };
                // Whoever asked may have gone.
                let _ = request.reply.send(reply);
            }
            _ = hangup.recv() => match held.reload(None).await {
                Ok(warnings) => warnings.iter().for_each(|warning| warn!("{warning}")),
                Err(complaints) => {
                    complaints.iter().for_each(|complaint| warn!("{}", complaint.text));
                    warn!("what was said before goes on");
                }
            },
        }
    }
}

impl Held {
    async fn carry_out(&mut self, call: CheckCall, by: Author) -> Reply {
        match call {
            CheckCall::Status {} => reply(&self.ask(Order::Status).await?),
            CheckCall::Reload { file, .. } if self.loaded.file.as_os_str() != file.as_str() => {
                let text = format!("the check process runs {}, not {file}", self.loaded.file.display());
                Err(vec![Complaint::new(text).hint("--state names its file; or stop it, and run it from the other")])
            }
            CheckCall::Reload { flush_at_end, .. } => reply(&self.reload(flush_at_end).await?),
            CheckCall::Session { name, up } => {
                reply(&self.orders.send(Order::Session { name, up }).await.map_err(|_| ends())?)
            }
            CheckCall::GetTable { service } => {
                let only = service.map(|name| service_named(&name)).transpose().map_err(|wrong| vec![wrong])?;
                let answer = self.ask(|reply| Order::Table(only, reply)).await?;
                let Operator { table, held, emptied } = answer.map_err(|error| complaints(&error))?;
                let nothing = Table::default();
                let changes = plan(&nothing, &table, Extra::Keep);
                let lines = changes.map(|change| print::change_line(&change)).collect();
                let held = held.into_iter().map(|held| control::Held {
                    place: Place::new(&held.service, &held.server),
                    why: held.why.to_owned(),
                    weight: held.weight.map(Weight::value),
                });
                let emptied = emptied.iter().map(|(service, server)| Place::new(service, server)).collect();
                reply(&OperatorTable { lines, held: held.collect(), emptied })
            }
            CheckCall::Apply { lines, each } => {
                let changes = changes(&lines)?;
                let applied = self.ask(|reply| Order::Apply { changes, each, by, reply }).await?;
                reply(&applied.map_err(|error| complaints(&error))?)
            }
            CheckCall::Drain { targets, owner, then, timeout } => {
                let delete = then == Then::Delete;
                let timeout = timeout.map(Duration::from_secs);
                self.turn(&targets, WantedTurn::Drain { owner, delete, timeout }, by).await
            }
            CheckCall::Undrain { targets, ramp_seconds } => {
                let ramp = Duration::from_secs(ramp_seconds.unwrap_or(0));
                self.turn(&targets, WantedTurn::Back(ramp), by).await
            }
        }
    }

    async fn turn(&self, targets: &[Place], wanted: WantedTurn, by: Author) -> Reply {
        let (mut places, mut wrong) = (Vec::new(), Vec::new());
        for target in targets {
            match target.keys() {
                Ok(place) => places.push(place),
                Err(complaint) => wrong.push(complaint),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        reply(&self.ask(|reply| Order::Turn { places, wanted, by, reply }).await?)
    }

    /// Asks the process, which may be about to end.
    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, Vec<Complaint>> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| ends())?;
        answer.await.map_err(|_| ends())
    }

    /// Reads the file again, and goes on with what it says, and with what is to become of the table at the end.
    async fn reload(&mut self, flush_at_end: Option<bool>) -> Result<Vec<String>, Vec<Complaint>> {
        let new = self.loaded.read_again()?;
        let whole = self.rules.lock().is_ok_and(|rules| rules.is_some());
        let new = Arc::new(if whole { new.into_whole() } else { new });
        let (old, next) = (Arc::clone(&self.loaded), Arc::clone(&new));
        let after = Box::new(move |pools: &Pools| next.after(&old, pools));
        let reload = Reload { layer: Arc::clone(&new) as _, after };
        let warnings = self.ask(|reply| Order::Reload(reload, reply)).await?.map_err(|error| complaints(&error))?;
        info!("{} was read again", new.file.display());
        self.loaded = Arc::clone(&new);
        if let Ok(mut rules) = self.rules.lock()
            && let Some(rules) = rules.as_mut()
        {
            rules.change(&new.extras, flush_at_end).map_err(|error| complaints(&error))?;
        }
        Ok(warnings)
    }
}

fn ends() -> Vec<Complaint> {
    vec![Complaint::new("the process is about to end")]
}

/// Reads changes of services and servers, one a line.
fn changes(lines: &[String]) -> Result<Vec<Change>, Vec<Complaint>> {
    let (mut changes, mut wrong) = (Vec::with_capacity(lines.len()), Vec::new());
    for (line, number) in lines.iter().zip(1..) {
        match control::change(line) {
            Ok(change) if change.target().service().is_some() || change == Change::Clear => changes.push(change),
            Ok(_) => wrong.push(Complaint::new(format_args!("line {number}: `{line}` is not about services"))),
            Err(complaint) => {
                wrong.push(Complaint { text: format!("line {number}: {}", complaint.text), ..complaint });
            }
        }
    }
    if wrong.is_empty() { Ok(changes) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Moment, pool::settings::Settings};

    const FILE: &str = "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.1.1:80 -m -w 1\n\
                        -A -t 10.0.0.2:80 -s rr\n-a -t 10.0.0.2:80 -r 10.0.1.1:80 -m -w 1\n\
                        check add -t 10.0.0.1:80 tcp\ncheck add -t 10.0.0.2:80 tcp\n";

    /// What is different after `new` took the place of [`FILE`], over pools that were made of `have`.
    fn after(have: &str, new: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            let file = directory.path().join("file");
            fs::write(&file, text).unwrap();
            file
        };
        let operator = Loaded::read(&read(have)).unwrap().table.unwrap();
        let pools = Pools::new(Moment::ZERO, Settings { operator, ..Settings::default() }, &Table::default());
        let old = Loaded::read(&read(FILE)).unwrap();
        read(new);
        let After { changes, scope, operator } = old.read_again().unwrap().after(&old, &pools);
        let Scope::Only(services) = scope else { panic!("{scope:?}") };
        let mut services: Vec<_> = services.iter().map(ToString::to_string).collect();
        services.sort_unstable();
        let rows = operator.services.values().flat_map(|entry| {
            entry.servers.values().map(|server| format!("{} {} {}", entry.key(), server.key, server.weight.value()))
        });
        (changes.iter().map(print::change_line).collect(), services, rows.collect())
    }

    #[test]
    fn a_file_that_was_read_again_changes_what_is_different() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(after(FILE, FILE), Default::default());
        let weight = FILE.replacen("-w 1", "-w 7", 1);
        let line = texts(&["-e -t 10.0.0.1:80 -r 10.0.1.1:80 -m -w 7"]);
        let row = texts(&["TCP 10.0.0.1:80 10.0.1.1:80 7"]);
        assert_eq!(after(FILE, &weight), (line.clone(), texts(&["TCP 10.0.0.1:80"]), row));
        // What somebody else did meanwhile stays, and so does what was done already.
        let more = FILE.replacen("-w 1", "-w 3\n-a -t 10.0.0.1:80 -r 10.0.1.2:80 -m", 1);
        let rows = texts(&["TCP 10.0.0.1:80 10.0.1.1:80 7", "TCP 10.0.0.1:80 10.0.1.2:80 1"]);
        assert_eq!(after(&more, &weight), (line, texts(&["TCP 10.0.0.1:80"]), rows));
        let without = FILE.lines().filter(|line| !line.contains("10.0.0.1:80 -r")).collect::<Vec<_>>().join("\n");
        assert_eq!(after(&without, &without), (vec![], texts(&["TCP 10.0.0.1:80"]), vec![]));
        // Lines about checks.
        let check = FILE.replace("10.0.0.2:80 tcp", "10.0.0.2:80 tcp --retry 3");
        assert_eq!(
            after(FILE, &check),
            (vec![], texts(&["TCP 10.0.0.2:80"]), texts(&["TCP 10.0.0.2:80 10.0.1.1:80 1"]))
        );
    }
}
